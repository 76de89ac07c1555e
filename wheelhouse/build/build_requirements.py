"""Build requirements: what a build installs, as of which day, and what the built wheel must be (pure)."""

import re
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime, time, timedelta

from packaging.requirements import Requirement
from packaging.utils import NormalizedName, canonicalize_name
from packaging.version import Version

from wheelhouse.archive.build_system import BuildSystem
from wheelhouse.archive.metadata import Metadata
from wheelhouse.lock.lock import Lock, Pin
from wheelhouse.resolve.requirements import RequirementLine, parse_line
from wheelhouse.target.target import Platform, Python


def static_requires(system: BuildSystem) -> tuple[str, ...]:
    """The build requirements that are known without running the backend, each text once.

    For setuptools `wheel` is added: before 70.1 it requires that, but its backend says so only when it runs.
    """
    implied = ("wheel",) if system.backend.startswith("setuptools.build_meta") else ()
    return tuple(dict.fromkeys((*system.requires, *implied)))


def used_build_locks(pins: Iterable[Pin], locks: Mapping[str, Lock]) -> dict[str, Lock]:
    """The build locks that pins name, directly or through the pins of other build locks, by filename; names that `locks` lacks
    are ignored. `locks` is by filename, too.
    """
    used: dict[str, Lock] = {}
    pending = list(pins)
    while pending:
        name = pending.pop().build_lock_name
        if name in locks and name not in used:
            used[name] = locks[name]
            pending.extend(locks[name].pins)
    return used


# Dates

SETUPTOOLS_FLOORS = (((3, 12), Version("66.1.0")), ((3, 9), Version("42.0.2")), ((3, 0), Version("40.8.0")))
"""The oldest setuptools that has PEP 517 and builds under a Python, from that minor release on, newest first.

Measured with twenty releases under Pythons 3.9 to 3.13: below 42 html.parser fails, below 66.1 pkgutil.ImpImporter.
"""


def setuptools_floor(python: Python) -> Version:
    """The oldest setuptools that can build under a Python."""
    minor = python.version.release[:2]
    return next(floor for since, floor in SETUPTOOLS_FLOORS if minor >= since)


def newest_requested_upload(lock: Lock) -> datetime | None:
    """The newest upload time among the requested projects' files; their dependencies do not count. None if no time is known."""
    projects = {parse_line(text).project for text in lock.inputs.requirements}
    times = [pin.origin.upload_time for pin in lock.pins if pin.project in projects]
    return max((moment for moment in times if moment), default=None)


def end_of_day(moment: datetime) -> datetime:
    """Midnight at the end of a moment's day, in UTC; of the last day that there is, its last microsecond."""
    day = moment.astimezone(UTC).date()
    last = datetime.max.replace(tzinfo=UTC)
    return last if day == last.date() else datetime.combine(day + timedelta(days=1), time(), UTC)


def build_lines(requires: Iterable[str], sdist: str) -> tuple[RequirementLine, ...]:
    """Build requirements as requirement lines, each text once; `sdist` is part of their origin in errors.

    Raises InputError for a text that is no requirement.
    """
    return tuple(parse_line(text, f"the build of {sdist}") for text in dict.fromkeys(requires))


# Checks of built wheels


def unmet(lock: Lock, metadata: Mapping[NormalizedName, Metadata]) -> tuple[str, ...]:
    """The requirements of built wheels that a lock does not meet, each as a sentence.

    `metadata` has the wheels', by project, each of which the lock must have; the requirements of a pin's extras count.
    Raises UnreadableRequirementError for a Requires-Dist line that cannot be read.
    """
    pins = {pin.project: pin for pin in lock.pins}
    requirements = (
        (pins[project], requirement)
        for project, wheel_metadata in metadata.items()
        for extra in ("", *pins[project].extras)
        for requirement, _ in wheel_metadata.requirements(lock.target, extra, lock.inputs.adjustments)
    )
    return tuple(
        f"the built wheel of {pin.project} {pin.version} requires `{requirement}`"
        for pin, requirement in requirements
        if not _meets(pins.get(canonicalize_name(requirement.name)), requirement)
    )


def _meets(pin: Pin | None, requirement: Requirement) -> bool:
    """Whether a pin satisfies a requirement: its version, also a pre-release, and its extras; False for no pin."""
    if pin is None or not requirement.specifier.contains(pin.version, prereleases=True):
        return False
    return {canonicalize_name(extra) for extra in requirement.extras} <= set(pin.extras)


def satisfied(lock: Lock, requires: Iterable[str]) -> bool:
    """Whether a lock meets all these requirements, apart from those whose markers exclude its target.

    Raises InputError for a text that is no requirement.
    """
    pins = {pin.project: pin for pin in lock.pins}
    lines = [parse_line(text) for text in requires]
    return all(
        _meets(pins.get(line.project), line.requirement)
        for line in lines
        if lock.target.applies(line.requirement.marker)
    )


def too_new(glibc: tuple[int, ...] | None, platform: Platform) -> str | None:
    """Why a wheel that needs this glibc cannot be loaded on a platform; None if it can, if
    `glibc` is None, or if the platform has no glibc.
    """
    match = re.match(r"manylinux_(\d+)_(\d+)_", platform.tag)
    if glibc is None or match is None or glibc <= (int(match[1]), int(match[2])):
        return None
    needed = ".".join(map(str, glibc))
    return f"its symbols need glibc {needed}, but the target has {match[1]}.{match[2]}"
