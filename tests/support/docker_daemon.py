"""A Docker daemon with no network, shared by all the test processes of one user.

Each user of the daemon holds a shared lock. The first one starts a *keeper* (this module, run as a program), which
starts the daemon, and ends it once nobody holds that lock: also when the tests are killed, as the kernel then lets go
of their locks. The daemon runs in an empty network namespace and in a mount namespace of its own, so it reaches
nothing and its mounts end with it.
"""

import json
import os
import shutil
import subprocess
import sys
import time
from pathlib import Path

from tests.support.checkout import ROOT
from tests.support.docker_packages import PLUGINS, DockerUnavailableError
from tests.support.locks import FileLock

TOOLS = ("unshare", "setpriv", "setsid", "mount", "sh")
LONGEST_FOLDER = 68  # a socket's path has at most 107 characters, and the daemon adds up to 39 of its own
_ISOLATE = ("unshare", "--net", "--mount", "--propagation", "private")
# A /run of its own keeps the daemon from a containerd of the machine, and its leftovers off the machine.
_OWN_RUN = ("sh", "-c", 'mount -t tmpfs -o mode=755 tmpfs /run && exec setpriv --pdeathsig TERM "$@"', "sh")
_READY = "ready"
_STARTING, _ENDING = 60.0, 30.0  # seconds to wait


class DaemonLease:
    """One process's use of the daemon in `folder`, whose program files are in `packages`."""

    def __init__(self, folder: Path, packages: Path) -> None:
        self.folder, self.packages = folder, packages
        self._starting = FileLock(folder / "starting.lock")
        self._users = FileLock(folder / "users.lock")
        self._keeper = FileLock(folder / "keeper.lock")

    def acquire(self) -> None:
        """Join the daemon, starting it if it does not run."""
        self.folder.mkdir(mode=0o700, exist_ok=True)
        with self._starting:
            self._users.acquire(shared=True)
            try:
                if not answers(client_environment(self.folder, self.packages)):
                    self._start_keeper()
            except BaseException:
                self._users.release()
                raise

    def release(self) -> None:
        """Leave the daemon; the last one to leave returns when it has ended."""
        with self._starting:
            # Alone means last. When neither lock can be had, the keeper holds it, to end the daemon.
            last = self._users.try_acquire() or not self._users.try_acquire(shared=True)
            self._users.release()
            if last and not self._keeper.wait(_ENDING * 2):
                raise TimeoutError(f"the Docker daemon in {self.folder} does not end")

    def _start_keeper(self) -> None:
        """Start the keeper in a session of its own, and wait for its word."""
        command = ["setsid", "--fork", sys.executable, "-m", __name__, str(self.folder), str(self.packages)]
        with (self.folder / "keeper.log").open("wb") as log:
            word = subprocess.run(
                command,
                cwd=self.folder,
                env={**os.environ, "PYTHONPATH": str(ROOT)},
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=log,
                text=True,
                check=False,
            ).stdout.strip()
        if word != _READY:
            raise DockerUnavailableError(f"the Docker daemon does not start: {word or 'see ' + log.name}")


def client_environment(folder: Path, packages: Path) -> dict[str, str]:
    """The environment in which `docker` is the unpacked client and talks to the daemon in `folder`."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("DOCKER_", "BUILDX_"))}
    path = f"{packages}/usr/bin:{packages}/usr/sbin:{os.environ.get('PATH', os.defpath)}"
    return {**kept, "DOCKER_HOST": f"unix://{folder}/docker.sock", "DOCKER_CONFIG": f"{folder}/client", "PATH": path}


def answers(environment: dict[str, str]) -> bool:
    """Whether `docker` has a daemon of Linux containers to talk to, and the buildx that BuildKit needs."""
    questions = (["docker", "version", "--format", "{{.Server.Os}}"], ["docker", "buildx", "version"])
    try:
        replies = [
            subprocess.run(question, env=environment, capture_output=True, text=True, timeout=20, check=True).stdout
            for question in questions
        ]
    except (OSError, subprocess.SubprocessError):
        return False
    return replies[0].strip() == "linux"


def keep(folder: Path, packages: Path) -> int:
    """Run the daemon until nobody uses it any more. The word to standard output is `_READY`, or what went wrong."""
    alive = FileLock(folder / "keeper.lock")
    alive.acquire()
    environment = client_environment(folder, packages)
    _clear(folder)
    _configure(folder, packages)
    command = [*_ISOLATE, *_OWN_RUN, "dockerd", "--config-file", str(folder / "daemon.json")]
    with (
        (folder / "daemon.log").open("wb") as log,
        subprocess.Popen(command, env=environment, stdin=subprocess.DEVNULL, stdout=log, stderr=log) as daemon,
    ):
        try:
            ready = _wait_for_answer(daemon, environment)
            _tell(_READY if ready else _last_words(folder / "daemon.log"))
            users = FileLock(folder / "users.lock")
            while ready and daemon.poll() is None and not users.try_acquire():
                time.sleep(0.1)
        finally:
            _end(daemon)
    _clear(folder)
    return 0 if ready else 1


def _configure(folder: Path, packages: Path) -> None:
    """Write the settings of the daemon and of its client."""
    settings = {
        "data-root": f"{folder}/data",
        "exec-root": f"{folder}/exec",
        "pidfile": f"{folder}/docker.pid",
        "hosts": [f"unix://{folder}/docker.sock"],
        "group": "0",
        "bridge": "none",
        "iptables": False,
        "ip6tables": False,
        "ip-forward": False,
        "ip-masq": False,
        "shutdown-timeout": 5,
    }
    (folder / "daemon.json").write_text(json.dumps(settings), encoding="utf-8")
    (folder / "client").mkdir(exist_ok=True)
    plugins = {"cliPluginsExtraDirs": [str(packages / PLUGINS)]}
    (folder / "client/config.json").write_text(json.dumps(plugins), encoding="utf-8")


def _clear(folder: Path) -> None:
    """Remove what a daemon leaves behind: images, containers, sockets."""
    for name in ("data", "exec"):
        shutil.rmtree(folder / name, ignore_errors=True)
    for name in ("docker.sock", "docker.pid"):
        (folder / name).unlink(missing_ok=True)


def _wait_for_answer(daemon: subprocess.Popen[bytes], environment: dict[str, str]) -> bool:
    deadline = time.monotonic() + _STARTING
    while daemon.poll() is None and time.monotonic() < deadline:
        if answers(environment):
            return True
        time.sleep(0.1)
    return False


def _last_words(log: Path) -> str:
    return log.read_text(encoding="utf-8", errors="replace").strip()[-600:]


def _tell(word: str) -> None:
    """Say `word` to the process that waits, and close standard output, which it waits for too."""
    print(word, flush=True)
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, sys.stdout.fileno())
    os.close(nowhere)


def _end(daemon: subprocess.Popen[bytes]) -> None:
    daemon.terminate()
    try:
        daemon.wait(_ENDING)
    except subprocess.TimeoutExpired:
        daemon.kill()


if __name__ == "__main__":
    sys.exit(keep(Path(sys.argv[1]), Path(sys.argv[2])))
