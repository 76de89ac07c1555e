"""How a sandbox is sealed: by bubblewrap, by the programs of util-linux, by a container engine, or not at all.

Each seal turns a SandboxCommand into a command line. All of them give the command the same view: its own environment and nothing
else, the work folder as the working directory, the same devices, and the shown files, read-only.
`tests/sandbox/test_seals.py` holds them to it.
"""

import itertools
import os
import re
import shlex
import shutil
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from wheelhouse.errors import MachineError
from wheelhouse.sandbox.sandbox import SYSTEM_PATH, WORK, Limits, SandboxArgv, SandboxCommand

SYSTEM_LINKS = ("/bin", "/sbin", "/lib", "/lib32", "/lib64", "/libx32")
SYSTEM_FILES = ("/usr", "/etc/alternatives", "/etc/ld.so.cache", "/etc/ld.so.conf", "/etc/ld.so.conf.d")
DEVICES = ("null", "zero", "full", "random", "urandom")
OUTER_ENVIRONMENT = {"PATH": SYSTEM_PATH}
"""The environment of the programs that make a sandbox: the command's own variables must not choose these programs."""
LOOPBACK_UP = """\
import fcntl, socket, struct
with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as interface:
    fcntl.ioctl(interface, 0x8914, struct.pack("16sh14x", b"lo", 1))
"""
"""Brings the loopback device of a new network namespace up (SIOCSIFFLAGS, IFF_UP; netdevice(7)), as bubblewrap does."""
_users = itertools.count()


def bubblewrap(command: SandboxCommand, _folder: Path) -> SandboxArgv:
    """A sandbox made by bubblewrap. As root it keeps the capabilities to become another user, then drops them."""
    root = os.geteuid() == 0
    parts = [_program("bwrap"), "--unshare-net", "--unshare-pid", "--unshare-ipc", "--unshare-uts", "--die-with-parent"]
    parts += ["--new-session", "--cap-drop", "ALL", *([] if root else ["--unshare-user"])]
    if root:
        parts += [word for name in ("SETUID", "SETGID", "SETPCAP") for word in ("--cap-add", f"CAP_{name}")]
    shown = _shown(command)
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
    parts += ["--perms", "1777", "--size", str(command.limits.disk), "--tmpfs", WORK, "--remount-ro", "/"]
    parts += ["--chdir", WORK, "--"]
    return SandboxArgv([*parts, *_confined(command, _drop_privileges() if root else [])], OUTER_ENVIRONMENT)


def unshare(command: SandboxCommand, folder: Path) -> SandboxArgv:
    """A sandbox made by the programs of util-linux, in namespaces of its own."""
    spaces = ["--mount", "--net", "--pid", "--ipc", "--uts", "--fork", "--kill-child"]
    if os.geteuid() != 0:
        spaces += ["--user", "--map-root-user"]
    script = ["/bin/sh", "-c", _mount_script(command, folder), "sandbox"]
    return SandboxArgv(
        [_program("unshare"), *spaces, "--", *script, *_confined(command, [*_own_user(), *_drop_privileges()])],
        OUTER_ENVIRONMENT,
    )


def unsealed(command: SandboxCommand, folder: Path) -> SandboxArgv:
    """No sandbox: the command has this user's files and network. Only its time, memory and environment are limited."""
    places = {inside: str(outside) for inside, outside in command.shown.items()} | {WORK: str(folder)}

    def outside(text: str) -> str:
        for place in sorted(places, key=len, reverse=True):
            text = text.replace(place, places[place])
        return text

    limits = _limits(command.limits) if shutil.which("prlimit", path=SYSTEM_PATH) else []
    environment = {name: outside(value) for name, value in command.environment.items()}
    return SandboxArgv([*limits, *map(outside, command.argv)], environment)


def docker(image: str, environment: Mapping[str, str], command: SandboxCommand, folder: Path) -> SandboxArgv:
    """A container of an image, with no network, no privileges, and a root that cannot be written to.

    `environment` is that of the engine's client.
    """
    program, limits, name = _program("docker", environment.get("PATH", "")), command.limits, folder.name
    parts = [program, "run", "--rm", "--name", name, "--network", "none", "--read-only", "--cap-drop", "ALL"]
    parts += ["--security-opt", "no-new-privileges", "--user", "65534:65534"]
    parts += [
        "--workdir",
        "/",
    ]  # as the working directory, WORK would be made beforehand, and closed to others than root
    parts += ["--pids-limit", str(limits.processes), "--memory", str(limits.memory)]
    for place in (WORK, "/tmp"):  # noqa: S108  (the container's own)
        parts += ["--tmpfs", f"{place}:rw,exec,nosuid,nodev,mode=1777,size={limits.disk}"]
    parts += [word for inside, outside in command.shown.items() for word in ("--volume", f"{outside}:{inside}:ro")]
    parts += [word for key, value in command.environment.items() for word in ("--env", f"{key}={value}")]
    argv = [*parts, "--entrypoint", command.argv[0], image, *command.argv[1:]]
    return SandboxArgv(argv, environment, (program, "kill", name))


def _program(name: str, places: str = SYSTEM_PATH) -> str:
    path = shutil.which(name, path=places)
    if path is None:
        raise MachineError(f"`{name}` is not installed")
    return path


# Inside the sandbox


def _confined(command: SandboxCommand, privileges: Sequence[str]) -> list[str]:
    """The command with its limits, without privileges, and with only its own environment.

    Each program is named by its path: a program of the same name on the command's PATH would run before privileges are dropped.
    """
    variables = [f"{name}={value}" for name, value in command.environment.items()]
    return [_program("env"), "-i", *variables, *_limits(command.limits), *privileges, *command.argv]


def _limits(limits: Limits) -> list[str]:
    words = [f"--as={limits.memory}", f"--nproc={limits.processes}", "--core=0", "--nofile=4096"]
    return [_program("prlimit"), *words]


def _drop_privileges() -> list[str]:
    """Drop all privileges for good. Root becomes another user, because root is exempt from the limit on processes.

    That limit counts all processes of a user, so each sandbox has a user of its own.
    """
    confined = [_program("setpriv"), "--no-new-privs", "--inh-caps=-all", "--ambient-caps=-all", "--bounding-set=-all"]
    if os.geteuid() == 0:
        user = str(0x40000000 | (os.getpid() & 0xFFFF) << 12 | next(_users) & 0xFFF)
        confined += ["--reuid", user, "--regid", user, "--clear-groups"]
    return confined


@cache
def _own_user() -> tuple[str, ...]:
    """Map the root of the user namespace, which mounts needed, back to the user, in a nested namespace.

    The capabilities are kept until `_drop_privileges` drops them for good. An unshare older than 2.36 cannot do this: there the
    user stays a root without capabilities.
    """
    program = _program("unshare")
    usage = subprocess.run([program, "--help"], env={"LC_ALL": "C"}, capture_output=True, check=False).stdout
    if os.geteuid() == 0 or b"--keep-caps" not in usage or b"--map-user" not in usage:
        return ()
    return (program, "--user", f"--map-user={os.geteuid()}", f"--map-group={os.getegid()}", "--keep-caps", "--")


def _links() -> dict[str, str]:
    return {link: str(Path(link).readlink()) for link in SYSTEM_LINKS if Path(link).is_symlink()}


def _shown(command: SandboxCommand) -> dict[str, Path]:
    """Everything that a sandbox shows read-only: the system's programs and libraries, then the command's own files."""
    folders = [Path(link) for link in SYSTEM_LINKS if Path(link).is_dir() and not Path(link).is_symlink()]
    system = [*(Path(path) for path in SYSTEM_FILES if Path(path).exists()), *folders]
    return {str(path): path for path in system} | dict(command.shown)


# The mounts, which unshare(1) does not make


def _mount_script(command: SandboxCommand, root: Path) -> str:
    """The shell script that makes an empty folder the sandbox's root, and then becomes the command."""
    top = shlex.quote(str(root))
    lines = ["set -eu", shlex.join([sys.executable, "-I", "-S", "-c", LOOPBACK_UP])]
    lines += [
        f"mount -t tmpfs -o size=1m,mode=755,nosuid,nodev sandbox {top}",
        f"cd {top}",
        f"mkdir -p proc dev old .{WORK}",
    ]
    mounts = _mounts()
    for inside, outside in _shown(command).items():
        folder, place = (inside, ":") if outside.is_dir() else (str(Path(inside).parent), f": > {_inside(inside)}")
        lines += [f"mkdir -p {_inside(folder)}", place, *_read_only(inside, outside, mounts)]
    lines += [f"ln -s {shlex.quote(target)} .{link}" for link, target in _links().items()]
    lines += ["mount -t proc proc proc", f"ln -s {WORK} dev/shm", f"ln -s {WORK} tmp"]
    lines += [f": > dev/{name}; mount -o bind /dev/{name} dev/{name}" for name in DEVICES]
    lines += [f"mount -t tmpfs -o size={command.limits.disk},mode=1777,nosuid,nodev work .{WORK}"]
    lines += [
        "pivot_root . old",
        "umount -l /old",
        "rmdir /old",
        "mount -o remount,bind,ro,nosuid,nodev /",
        f"cd {WORK}",
        'exec "$@"',
    ]
    return "\n".join(lines)


def _inside(place: str) -> str:
    return shlex.quote(f".{place}")


@dataclass(frozen=True, slots=True)
class _Mount:
    number: int
    parent: int
    point: Path
    options: frozenset[str]

    @property
    def read_only(self) -> str:
        """The options that make it read-only. A user may not remove `noexec` from a mount, so it is kept."""
        return ",".join(("ro", "nosuid", "nodev", *sorted({"noexec"} & self.options)))


def _mounts() -> list[_Mount]:
    """This machine's mounts, each after its parent (proc(5))."""
    text = Path("/proc/self/mountinfo").read_text(encoding="utf-8", errors="surrogateescape")
    fields = (line.split(" ", 6) for line in text.splitlines())
    return [_Mount(int(row[0]), int(row[1]), Path(_unescaped(row[4])), frozenset(row[5].split(","))) for row in fields]


def _unescaped(path: str) -> str:
    r"""A path of mountinfo without its escapes: a space is written `\040` there."""
    plain = re.sub(rb"\\([0-7]{3})", lambda code: bytes([int(code[1], 8)]), os.fsencode(path))
    return os.fsdecode(plain)


def _read_only(inside: str, outside: Path, mounts: Sequence[_Mount]) -> Iterator[str]:
    """Shell lines that bind a file or folder read-only, with every mount below it."""
    source = Path(os.path.realpath(outside))
    around = [mount for mount in mounts if source.is_relative_to(mount.point)]
    top = max(reversed(around), key=lambda mount: len(mount.point.parts))
    yield f"mount -o rbind,{top.read_only} {shlex.quote(str(source))} {_inside(inside)}"
    copied = {top.number}
    for mount in mounts:
        if mount.parent in copied and source in mount.point.parents:
            copied.add(mount.number)
            yield f"mount -o remount,bind,{mount.read_only} {_inside(f'{inside}/{mount.point.relative_to(source)}')}"
