"""What is left to build in a house. It is asked first, and light: most runs find nothing."""

from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from wheelhouse.doors.disk import stands_in
from wheelhouse.model.lock import Lock, Pin
from wheelhouse.model.requirements import Line


@dataclass(frozen=True, slots=True)
class Wishes:
    """What the user wants of builds, beside where they run."""

    prior_to: datetime | None = None
    constraints: tuple[Line, ...] = ()
    keep_sdists: bool = False
    check_reproducible: bool = False


def is_done(lock: Lock, folder: Path, wishes: Wishes) -> bool:
    """Whether a lock has nothing left to build, and its house holds what was built."""
    return not any(_to_build(pin, folder, wishes) for pin in lock.pins)


def _to_build(pin: Pin, folder: Path, wishes: Wishes) -> bool:
    if pin.built is None:
        return not pin.artifact.is_wheel
    files_stand = all(stands_in(folder, artifact) for artifact in pin.files)
    return wishes.check_reproducible or pin.built.kept != wishes.keep_sdists or not files_stand
