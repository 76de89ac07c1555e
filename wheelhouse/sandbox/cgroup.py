"""A control group for one sandbox: limits all of its memory, whatever kind it is of, and its processes (cgroups(7)).

Version 2 is used where the memory controller belongs to it, else version 1. A group can only be made where this user may write
(root, or a service of systemd with `Delegate=`); everywhere else there is none, and `memory` measures instead.
"""

import contextlib
import os
import re
import signal
import subprocess
import time
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from wheelhouse.sandbox.confinement import OUTER_ENVIRONMENT
from wheelhouse.sandbox.sandbox import Limits

MOUNTS, MEMBERSHIP, PROCESSES = Path("/proc/self/mountinfo"), Path("/proc/self/cgroup"), Path("/proc")
PREFIX = "wheelhouse-"
OOM_KILLS = re.compile(r"^oom_kill (\d+)$", re.MULTILINE)
SUPERVISORS = 16
"""How many processes of a sandbox may run beside those of its command: bubblewrap's own, for example."""
REMOVAL_SECONDS = 2.0
CONTROLLERS = ("memory", "pids")


@dataclass(frozen=True, slots=True)
class Hierarchy:
    """Where groups can be made: the group to make them in, and for which controllers. `version` is 1 or 2."""

    version: int
    parent: Path
    controllers: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Cgroup:
    """The groups of one sandbox: one of version 2, or one for each controller of version 1."""

    hierarchies: tuple[Hierarchy, ...]
    name: str

    @property
    def folders(self) -> tuple[Path, ...]:
        """The groups' folders."""
        return tuple(hierarchy.parent / self.name for hierarchy in self.hierarchies)

    @property
    def joins(self) -> tuple[Path, ...]:
        """The files into which a process writes 0 to join."""
        return tuple(folder / "cgroup.procs" for folder in self.folders)

    @property
    def ran_out(self) -> bool:
        """Whether the kernel killed a process because the group's memory ran out; False once the groups are removed."""
        texts = (_text(folder / name) for folder in self.folders for name in ("memory.events", "memory.oom_control"))
        return any(int(count) > 0 for text in texts for count in OOM_KILLS.findall(text))

    def remove(self) -> None:
        """Kill what is left in the groups, and remove them; what is still there after two seconds stays."""
        until = time.monotonic() + REMOVAL_SECONDS
        pending = list(self.folders)
        while pending and time.monotonic() < until:
            pending = [folder for folder in pending if not _removed(folder)]
            if pending:
                time.sleep(0.01)


def make_cgroup(limits: Limits) -> Cgroup | None:
    """A new group with these limits; None if it cannot be made, or would not limit memory."""
    hierarchies = usable_hierarchies()
    if not any("memory" in hierarchy.controllers for hierarchy in hierarchies):
        return None
    made = Cgroup(hierarchies, f"{PREFIX}{os.getpid()}-{os.urandom(4).hex()}")
    try:
        for hierarchy, folder in zip(made.hierarchies, made.folders, strict=True):
            folder.mkdir()
            _limit(hierarchy, folder, limits)
    except OSError:
        made.remove()
        return None
    return made


@cache
def usable_hierarchies() -> tuple[Hierarchy, ...]:
    """Where a group can be made and joined, each controller once, tried once; empty groups of a killed wheelhouse are removed."""
    listed = hierarchies(_text(MEMBERSHIP), _text(MOUNTS))
    usable: list[Hierarchy] = []
    for hierarchy in listed:
        missing = set(hierarchy.controllers) - {name for known in usable for name in known.controllers}
        if missing and _can_join(hierarchy.parent):
            _sweep(hierarchy.parent)
            usable.append(Hierarchy(hierarchy.version, hierarchy.parent, tuple(sorted(missing))))
    return tuple(usable)


def hierarchies(membership: str, mounts: str) -> Iterator[Hierarchy]:
    """The groups in which to try, from the texts of `/proc/self/cgroup` and `/proc/self/mountinfo`, in the order of the mounts;
    of version 2 the nearest first.
    """
    own = [line.split(":", 2) for line in membership.splitlines()]
    mounted = [
        (before.split(), after.split()) for before, _, after in (m.partition(" - ") for m in mounts.splitlines())
    ]
    for before, after in mounted:
        kind, options = after[0], after[-1].split(",")
        for number, controllers, path in own:
            place = _place(before[3], Path(before[4]), path)
            if kind == "cgroup2" and number == "0" and place:
                yield from _delegated(place, Path(before[4]))
            elif (
                kind == "cgroup" and place and (names := set(CONTROLLERS) & set(controllers.split(",")) & set(options))
            ):
                yield Hierarchy(1, place, tuple(sorted(names)))


def _place(root: str, point: Path, path: str) -> Path | None:
    """The folder of a group below a mount point; None if it is not below `root`, the group that is mounted there."""
    below = os.path.relpath(path, root)
    return None if below.startswith("..") else point / below


def _delegated(own: Path, top: Path) -> Iterator[Hierarchy]:
    """The groups of version 2, from this process's own upwards to `top`, whose children have the memory controller.

    A group that has children with controllers has no processes of its own (the rule of no internal processes).
    """
    for folder in (own, *own.parents):
        names = set(_text(folder / "cgroup.subtree_control").split()) & set(CONTROLLERS)
        if "memory" in names:
            yield Hierarchy(2, folder, tuple(sorted(names)))
        if folder == top:
            return


def _can_join(parent: Path) -> bool:
    """Whether a process of this user can join a new group there: tried with a group that is removed again."""
    trial = parent / f"{PREFIX}{os.getpid()}-trial"
    try:
        trial.mkdir(exist_ok=True)
        script = ("/bin/sh", "-c", 'echo 0 > "$0"', str(trial / "cgroup.procs"))
        joined = subprocess.run(script, env=OUTER_ENVIRONMENT, capture_output=True, check=False).returncode == 0
        trial.rmdir()
    except OSError:
        return False
    return joined


def _limit(hierarchy: Hierarchy, folder: Path, limits: Limits) -> None:
    """Write the limits of a group. Version 1 limits memory and swap as a sum, if the kernel counts swap at all; in version 2
    there is no swap, and all processes of the group are killed together. SUPERVISORS are added to the number of processes.
    Raises OSError.
    """
    if "memory" in hierarchy.controllers:
        first, *others = {
            1: (("memory.limit_in_bytes", limits.memory), ("memory.memsw.limit_in_bytes", limits.memory)),
            2: (("memory.max", limits.memory), ("memory.swap.max", 0), ("memory.oom.group", 1)),
        }[hierarchy.version]
        (folder / first[0]).write_text(str(first[1]), encoding="ascii")
        for name, value in others:
            if (folder / name).exists():
                (folder / name).write_text(str(value), encoding="ascii")
    if "pids" in hierarchy.controllers:
        (folder / "pids.max").write_text(str(limits.processes + SUPERVISORS), encoding="ascii")


def _removed(folder: Path) -> bool:
    """Kill the processes of a group and remove it: True once it is gone, False while they are still ending."""
    for line in _text(folder / "cgroup.procs").split():
        if line == "0":  # a process that this one does not see; for `kill`, 0 is this one's own group
            continue
        with contextlib.suppress(OSError):
            os.kill(int(line), signal.SIGKILL)
    try:
        folder.rmdir()
    except FileNotFoundError:
        return True
    except OSError:
        return False
    return True


def _sweep(parent: Path) -> None:
    """Remove the empty groups whose names have the id of an ended process: a killed wheelhouse could not remove its own."""
    for folder in parent.glob(f"{PREFIX}*-*"):
        owner = folder.name.removeprefix(PREFIX).partition("-")[0]
        if owner.isdigit() and not (PROCESSES / owner).exists():
            with contextlib.suppress(OSError):
                folder.rmdir()


def _text(path: Path) -> str:
    """The text of a file of the kernel; empty if it cannot be read."""
    try:
        return path.read_text(encoding="utf-8", errors="replace")
    except OSError:
        return ""
