"""The sealed room that a build runs in: no network, a read-only view of what it needs, its own HOME and TMP, and limits.

What a build writes lies in memory and vanishes with the room. An answer comes out through its stdout, its log through stderr,
both limited. Rooms are made by bubblewrap or by unshare(1), whichever this machine permits, or by a container engine.
"""

import contextlib
import itertools
import os
import shlex
import shutil
import signal
import subprocess
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from wheelhouse.doors.disk import ours
from wheelhouse.doors.memory import memory_below
from wheelhouse.errors import MachineError

HERE = "/wheelhouse"
WORK = f"{HERE}/work"
"""The one folder of a room that can be written to; `/tmp` is another name of it."""
SYSTEM_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
SYSTEM_LINKS = ("/bin", "/sbin", "/lib", "/lib32", "/lib64", "/libx32")
SYSTEM_FILES = ("/usr", "/etc/alternatives", "/etc/ld.so.cache", "/etc/ld.so.conf", "/etc/ld.so.conf.d")
DEVICES = ("null", "zero", "full", "random", "urandom")
BLOCK = 1 << 16
LOOK = 0.25
"""Seconds between two looks at the memory of a room."""
FIRST_TO_GO = '{ echo 1000 > /proc/self/oom_score_adj; } 2> /dev/null; exec "$@"'
"""Should memory run out before the next look, the kernel ends what is in the room, and nothing else."""
_rooms = itertools.count()


@dataclass(frozen=True, slots=True)
class Limits:
    """What one run in a room may use: wall time; memory of all its processes, and disk, in bytes; processes; what it may say."""

    seconds: float = 3600
    memory: int = 8 << 30
    disk: int = 8 << 30
    processes: int = 512
    answer: int = 2 << 30
    log: int = 32 << 20


@dataclass(frozen=True, slots=True)
class Order:
    """One run: the command, its whole environment, and what is shown to it read-only, by the path that it has in the room.

    Command and environment speak of paths as they are in the room.
    """

    command: Sequence[str]
    environment: Mapping[str, str]
    shown: Mapping[str, Path]
    limits: Limits


@dataclass(frozen=True, slots=True)
class Outcome:
    """How a run ended. `stopped` says in words why the room was closed on it, where it was."""

    code: int
    stopped: str | None
    log: bytes


@dataclass(frozen=True, slots=True)
class Launch:
    """The command line that runs an order in a room, its environment, and what must be run afterwards, if anything."""

    argv: Sequence[str]
    environment: Mapping[str, str]
    after: Sequence[str] = ()


@dataclass(frozen=True, slots=True)
class Room:
    """A way to run orders. `sealed` says what seals it, and is empty where nothing does.

    `seal` takes an order and an empty folder of its own. `path` says where something is for those inside.
    """

    sealed: str
    seal: Callable[[Order, Path], Launch]

    def path(self, inside: str, outside: Path) -> str:
        """Where something is for the command: where it is shown, or, with no room around it, where it lies."""
        return inside if self.sealed else str(outside)

    def run(self, order: Order, answer: Path) -> Outcome:
        """Carry out an order; what it says on stdout is written to `answer`. Raises MachineError where it cannot start."""
        with tempfile.TemporaryDirectory(prefix="wheelhouse-room-", ignore_cleanup_errors=True) as folder:
            launch = self.seal(order, Path(folder))
            with ours(answer), answer.open("wb") as file, _started(launch) as process:
                return _watched(process, file, order.limits)


@contextlib.contextmanager
def _started(launch: Launch) -> Iterator["subprocess.Popen[bytes]"]:
    """The running process; it and all that it started are gone afterwards."""
    try:
        process = subprocess.Popen(
            ("/bin/sh", "-c", FIRST_TO_GO, "room", *launch.argv),
            env=dict(launch.environment),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            start_new_session=True,
        )
    except OSError as error:
        raise MachineError(f"`{launch.argv[0]}` cannot be started: {error.strerror}") from error
    try:
        yield process
    finally:
        _kill(process)
        process.wait()
        if launch.after:
            subprocess.run(launch.after, env=dict(launch.environment), check=False, capture_output=True)
        for pipe in (process.stdout, process.stderr):
            if pipe:
                pipe.close()


def _kill(process: "subprocess.Popen[bytes]") -> None:
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)


class _Copied(threading.Thread):
    """Copies what a process says, up to a limit, and calls `over` when there is more."""

    def __init__(self, pipe: IO[bytes], write: Callable[[bytes], object], limit: int, over: Callable[[], None]) -> None:
        super().__init__(daemon=True)
        self._pipe, self._write, self._limit, self._over = pipe, write, limit, over
        self.start()

    def run(self) -> None:
        left = self._limit
        while block := os.read(self._pipe.fileno(), BLOCK):
            if len(block) > left:
                self._over()
                return
            left -= len(block)
            self._write(block)


def _watched(process: "subprocess.Popen[bytes]", answer: IO[bytes], limits: Limits) -> Outcome:
    assert process.stdout and process.stderr  # noqa: S101  (both are pipes)
    log, reasons = bytearray(), list[str]()

    def stop(reason: str) -> None:
        reasons.append(reason)
        _kill(process)

    copies = (
        _Copied(process.stdout, answer.write, limits.answer, lambda: stop("it answered with too many bytes")),
        _Copied(process.stderr, log.extend, limits.log, lambda: stop(f"it printed more than {limits.log} bytes")),
    )
    if reason := _overstepped(process, limits):
        stop(reason)
        process.wait()
    deadline = time.monotonic() + 10
    for copy in copies:
        copy.join(max(0.0, deadline - time.monotonic()))
    return Outcome(process.returncode, reasons[0] if reasons else None, bytes(log))


def _overstepped(process: "subprocess.Popen[bytes]", limits: Limits) -> str | None:
    """What a process took too much of, time or memory; None once it has ended by itself."""
    deadline = time.monotonic() + limits.seconds
    while (left := deadline - time.monotonic()) > 0:
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(min(LOOK, left))
            return None
        if memory_below(process.pid) > limits.memory:
            return f"its processes took more than {limits.memory >> 20} MiB of memory"
    return f"it did not end within {limits.seconds:g} s"


# How rooms are sealed


def _limits(limits: Limits) -> list[str]:
    return ["prlimit", f"--as={limits.memory}", f"--nproc={limits.processes}", "--core=0", "--nofile=4096"]


def _powerless() -> list[str]:
    """No privileges, and no way back to them. Root becomes a user: it is exempt from the limit on processes.

    That limit counts over all that a user runs: so each room has a user of its own.
    """
    confined = ["setpriv", "--no-new-privs", "--inh-caps=-all", "--bounding-set=-all"]
    if os.geteuid() == 0:
        user = str(0x40000000 | (os.getpid() & 0xFFFF) << 12 | next(_rooms) & 0xFFF)
        confined += ["--reuid", user, "--regid", user, "--clear-groups"]
    return confined


def _links() -> dict[str, str]:
    return {link: str(Path(link).readlink()) for link in SYSTEM_LINKS if Path(link).is_symlink()}


def _shown(order: Order) -> dict[str, Path]:
    """Everything that a room shows read-only: the system's programs and libraries, then the order's own."""
    folders = [Path(link) for link in SYSTEM_LINKS if Path(link).is_dir() and not Path(link).is_symlink()]
    system = [*(Path(path) for path in SYSTEM_FILES if Path(path).exists()), *folders]
    return {str(path): path for path in system} | dict(order.shown)


def bubblewrap(order: Order, _folder: Path) -> Launch:
    """A room made by bubblewrap. As root it keeps what it takes to become another user, and then drops that."""
    root = os.geteuid() == 0
    parts = [_program("bwrap"), "--unshare-net", "--unshare-pid", "--unshare-ipc", "--unshare-uts", "--die-with-parent"]
    parts += ["--new-session", "--cap-drop", "ALL", *([] if root else ["--unshare-user"])]
    if root:
        parts += [word for name in ("SETUID", "SETGID", "SETPCAP") for word in ("--cap-add", f"CAP_{name}")]
    shown = _shown(order)
    for parent in sorted({str(parent) for inside in [*shown, WORK] for parent in Path(inside).parents} - {"/"}):
        parts += ["--perms", "0755", "--dir", parent]
    for inside, outside in shown.items():
        parts += ["--ro-bind", str(outside), inside]
    for link, target in _links().items():
        parts += ["--symlink", target, link]
    parts += ["--proc", "/proc", "--perms", "0755", "--size", str(1 << 20), "--tmpfs", "/dev"]
    for name in DEVICES:
        parts += ["--dev-bind", f"/dev/{name}", f"/dev/{name}"]
    parts += ["--symlink", WORK, "/dev/shm", "--symlink", WORK, "/tmp", "--remount-ro", "/dev"]  # noqa: S108
    parts += ["--perms", "1777", "--size", str(order.limits.disk), "--tmpfs", WORK, "--remount-ro", "/"]
    inner = [*_limits(order.limits), *(_powerless() if root else []), *order.command]
    return Launch([*parts, "--chdir", WORK, "--", *inner], order.environment)


def unshare(order: Order, folder: Path) -> Launch:
    """A room made by the programs of util-linux, in namespaces of its own."""
    spaces = ["--mount", "--net", "--pid", "--ipc", "--uts", "--fork", "--kill-child"]
    if os.geteuid() != 0:
        spaces += ["--user", "--map-root-user"]
    inner = [*_limits(order.limits), *_powerless(), *order.command]
    argv = [_program("unshare"), *spaces, "--", "sh", "-c", _furnish(order, folder), "room", *inner]
    return Launch(argv, order.environment)


def _furnish(order: Order, root: Path) -> str:
    """The shell script that makes an empty folder the room's root, and then becomes the command."""
    top = shlex.quote(str(root))
    lines = ["set -eu", "umask 022", f"PATH={SYSTEM_PATH}:$PATH"]
    lines += [
        f"mount -t tmpfs -o size=1m,mode=755,nosuid,nodev room {top}",
        f"cd {top}",
        f"mkdir -p proc dev old .{WORK}",
    ]
    for inside, outside in _shown(order).items():
        place, source = shlex.quote("." + inside), shlex.quote(str(outside))
        make = f"mkdir -p {place}" if outside.is_dir() else f"mkdir -p $(dirname {place}); : > {place}"
        lines += [make, f"mount -o bind,ro {source} {place}"]
    lines += [f"ln -s {shlex.quote(target)} .{link}" for link, target in _links().items()]
    lines += ["mount -t proc proc proc", f"ln -s {WORK} dev/shm", f"ln -s {WORK} tmp"]
    lines += [f": > dev/{name}; mount -o bind /dev/{name} dev/{name}" for name in DEVICES]
    lines += [f"mount -t tmpfs -o size={order.limits.disk},mode=1777,nosuid,nodev work .{WORK}"]
    lines += [
        "pivot_root . old",
        "umount -l /old",
        "rmdir /old",
        "mount -o remount,bind,ro,nosuid,nodev /",
        f"cd {WORK}",
        'exec "$@"',
    ]
    return "\n".join(lines)


def unsealed(order: Order, folder: Path) -> Launch:
    """No room: the command sees and reaches whatever this user does. Only its time, memory and environment are limited."""
    places = {inside: str(outside) for inside, outside in order.shown.items()} | {WORK: str(folder)}

    def outside(text: str) -> str:
        for place in sorted(places, key=len, reverse=True):
            text = text.replace(place, places[place])
        return text

    limits = _limits(order.limits) if shutil.which("prlimit", path=SYSTEM_PATH) else []
    environment = {name: outside(value) for name, value in order.environment.items()}
    return Launch([*limits, *map(outside, order.command)], environment)


def docker(image: str, environment: Mapping[str, str], order: Order, folder: Path) -> Launch:
    """A container of an image, with no network, no privileges, and a root that cannot be written to.

    `environment` is that of the engine's client.
    """
    program, limits, name = _program("docker", environment.get("PATH", "")), order.limits, folder.name
    parts = [program, "run", "--rm", "--name", name, "--network", "none", "--read-only", "--cap-drop", "ALL"]
    parts += ["--security-opt", "no-new-privileges", "--user", "65534:65534"]
    parts += [
        "--workdir",
        "/",
    ]  # as the working directory, WORK would be made beforehand, and closed to others than root
    parts += ["--pids-limit", str(limits.processes), "--memory", str(limits.memory)]
    for place in (WORK, "/tmp"):  # noqa: S108  (the container's own)
        parts += ["--tmpfs", f"{place}:rw,exec,nosuid,nodev,mode=1777,size={limits.disk}"]
    parts += [word for inside, outside in order.shown.items() for word in ("--volume", f"{outside}:{inside}:ro")]
    parts += [word for key, value in order.environment.items() for word in ("--env", f"{key}={value}")]
    argv = [*parts, "--entrypoint", order.command[0], image, *order.command[1:]]
    return Launch(argv, environment, (program, "kill", name))


def _program(name: str, places: str = SYSTEM_PATH) -> str:
    path = shutil.which(name, path=places)
    if path is None:
        raise MachineError(f"`{name}` is not installed")
    return path
