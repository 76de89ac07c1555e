"""What is left to build in a house. It is asked first, and light: most runs find nothing."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from wheelhouse.errors import InputError
from wheelhouse.files.disk import has_locked_bytes
from wheelhouse.lock.lock import Lock, Pin
from wheelhouse.lock.wheelhouse import Wheelhouse
from wheelhouse.resolve.requirements import RequirementLine


@dataclass(frozen=True, slots=True)
class BuildOptions:
    """What the user wants of builds, beside where they run. `targets` names the only ones to build for; empty: all."""

    prior_to: datetime | None = None
    constraints: tuple[RequirementLine, ...] = ()
    keep_sdists: bool = False
    targets: tuple[str, ...] = ()
    check_reproducible: bool = False


def is_done(lock: Lock, folder: Path, wishes: BuildOptions) -> bool:
    """Whether a lock has nothing left to build, and its house holds what was built; or nobody asked to build for it."""
    if wishes.targets and lock.target.name not in wishes.targets:
        return True
    return not any(_to_build(pin, folder, wishes) for pin in lock.pins)


def _to_build(pin: Pin, folder: Path, wishes: BuildOptions) -> bool:
    if pin.built is None:
        return not pin.artifact.is_wheel
    files_stand = all(has_locked_bytes(folder, artifact) for artifact in pin.files)
    return wishes.check_reproducible or pin.built.kept != wishes.keep_sdists or not files_stand


def must_have_targets(house: Wheelhouse, names: Iterable[str]) -> None:
    """Raise InputError where a wheelhouse has no lock for one of these targets."""
    known = [lock.target.name for lock in house.locks]
    if unknown := [name for name in names if name not in known]:
        raise InputError(
            f"the house has no target `{unknown[0]}`", hint=f"choose one with --target: {', '.join(known)}"
        )
