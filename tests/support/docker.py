"""A real Docker engine for tests: the machine's own if one answers, else one of the tests' own, with no network."""

import os
import shutil
import stat
import subprocess
import tempfile
import time
from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager
from functools import cached_property
from pathlib import Path
from types import TracebackType
from typing import Self

from tests.support import docker_daemon, docker_packages
from tests.support.docker_daemon import DaemonLease
from tests.support.docker_packages import DockerUnavailableError
from tests.support.locks import FileLock

__all__ = ["DockerEngine", "DockerUnavailableError"]

_LONGEST_COMMAND = 900.0  # seconds


class DockerEngine:
    """A Docker engine. Between `start` and `stop` (or in a `with`) it builds and runs images, with no network.

    Processes that use the same `cache` share one engine of the tests' own, and its images; it lasts as long as one of
    them uses it. Images that `build` made on the machine's own Docker are removed at `stop`.
    """

    def __init__(self, cache: Path | None = None, *, use_existing: bool = True) -> None:
        self.cache = (cache or _default_cache()).resolve()
        self._use_existing = use_existing
        self._lease: DaemonLease | None = None
        self._built: set[str] = set()

    @cached_property
    def is_existing(self) -> bool:
        """Whether this is the machine's own Docker, found answering."""
        return self._use_existing and docker_daemon.answers(_own_environment())

    @property
    def env(self) -> dict[str, str]:
        """The environment in which the command `docker` uses this engine."""
        if self._lease is None:
            return _own_environment()
        return docker_daemon.client_environment(self._lease.folder, self._lease.packages)

    def available(self) -> str | None:
        """Why no engine can be had here, or None. To fetch the packages can still fail, in `start`."""
        return (None if self.is_existing else _obstacle(self.cache)) or _unusable(self.cache)

    def start(self) -> None:
        """Make the engine answer; the first time on a machine this fetches Debian's packages.

        Raises DockerUnavailableError when that cannot be done.
        """
        if reason := self.available():
            raise DockerUnavailableError(reason)
        if not self.is_existing and self._lease is None:
            lease = DaemonLease(self.cache / "engine", docker_packages.unpacked_engine(self.cache))
            lease.acquire()
            self._lease = lease

    def stop(self) -> None:
        """Leave the engine. One of the tests' own ends, with all its images, when its last user has left it."""
        lease, self._lease = self._lease, None
        if lease is not None:
            lease.release()
        elif self._built:
            self.docker("image", "rm", "--force", *sorted(self._built))
        self._built.clear()

    def build(
        self,
        context: Path,
        dockerfile: str | Path,
        tag: str,
        build_args: Mapping[str, str] | None = None,
        *options: str,
    ) -> subprocess.CompletedProcess[str]:
        """Run `docker build` with no network; its log is in stderr.

        `dockerfile` is a text, or the path to a file; `options` are more options of the command.
        """
        if isinstance(dockerfile, str):
            # Not by standard input: buildx then leaves a folder behind.
            with tempfile.TemporaryDirectory(prefix="dockerfile-") as folder:
                path = Path(folder, "Dockerfile")
                path.write_text(dockerfile, encoding="utf-8")
                return self.build(context, path, tag, build_args, *options)
        arguments = [f"--build-arg={name}={value}" for name, value in (build_args or {}).items()]
        command = ["build", "--network=none", "--progress=plain", f"--tag={tag}", f"--file={dockerfile}"]
        self._built.add(tag)
        return self.docker(*command, *arguments, *options, str(context))

    def run(self, image: str, *command: str, options: Sequence[str] = ()) -> subprocess.CompletedProcess[str]:
        """Run `command` in a new container of `image` with no network, and remove the container."""
        return self.docker("run", "--rm", "--pull=never", "--network=none", *options, image, *command)

    def docker(self, *arguments: str, seconds: float = _LONGEST_COMMAND) -> subprocess.CompletedProcess[str]:
        """Run any command of the client, for at most `seconds`."""
        return subprocess.run(
            ["docker", *arguments],
            env={**self.env, "DOCKER_BUILDKIT": "1"},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            encoding="utf-8",
            errors="replace",
            timeout=seconds,
            check=False,
        )

    def lock(self, name: str) -> AbstractContextManager[object]:
        """A lock that only one of the processes using the engine holds at a time."""
        return FileLock(self.cache / f"{name}.lock")

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.stop()


def must_lose(engine: DockerEngine, repository: str) -> None:
    """Wait until the images of this repository that are there now are gone. Tests beside this one may have made some of them."""
    listing = ("image", "ls", "--quiet", "--no-trunc", "--filter", f"reference={repository}")
    left, patience = set(engine.docker(*listing).stdout.split()), time.monotonic() + 120
    while left and time.monotonic() < patience:
        time.sleep(0.5)
        left &= set(engine.docker(*listing).stdout.split())
    assert not left, left


def _default_cache() -> Path:
    """This user's folder; root's is the one without a number."""
    user = os.geteuid()
    return Path(tempfile.gettempdir()) / f"wheelhouse-test-docker{f'-{user}' if user else ''}"


def _own_environment() -> dict[str, str]:
    """This process's environment, less a builder chosen in it, which may not know the engine's images."""
    return {name: value for name, value in os.environ.items() if name != "BUILDX_BUILDER"}


def _unusable(cache: Path) -> str | None:
    """Why the folder `cache` cannot be used, if so. It is made if missing, for this user alone."""
    try:
        cache.mkdir(mode=0o700, parents=True, exist_ok=True)
        status = cache.lstat()
    except OSError as error:
        return f"no folder for the engine: {error}"
    if status.st_uid != os.geteuid() or stat.S_IMODE(status.st_mode) & 0o022:
        return f"{cache} belongs to another user, or others may write to it"
    return None


def _obstacle(cache: Path) -> str | None:
    """Why no engine of the tests' own can be started here, as far as can be told without trying."""
    if os.geteuid() != 0:
        return "no Docker answers here, and only root can start one"
    if cache.is_relative_to("/run") or len(f"{cache}/engine") > docker_daemon.LONGEST_FOLDER:
        return f"{cache} is in /run, or too long for the sockets of a Docker daemon"
    if missing := [tool for tool in docker_daemon.TOOLS if not shutil.which(tool)]:
        return f"missing here: {', '.join(missing)}"
    if subprocess.run(["unshare", "--net", "--mount", "true"], capture_output=True, check=False).returncode != 0:
        return "no Docker answers here, and this root may not make the namespaces to start one in"
    return docker_packages.obstacle()
