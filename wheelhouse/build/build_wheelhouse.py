"""What sdists are built with, in the wheelhouse's `build/`: fetched and locked without running any code of a package."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from pathlib import Path

from wheelhouse.archive.build_system import build_system
from wheelhouse.archive.sdistfile import read_pyproject
from wheelhouse.build.build_locks import BuildLocks
from wheelhouse.build.build_requirements import newest_asked, static_requires, used_build_locks
from wheelhouse.build.pending import BuildOptions
from wheelhouse.errors import InputError, IntegrityError, NoSolutionError
from wheelhouse.events import Listener, Noted, ignore
from wheelhouse.fetch.fetch import candidate_of, fill
from wheelhouse.files.disk import folder_lock, verbatim
from wheelhouse.index.package_source import PackageSource
from wheelhouse.lock.lock import Lock, Pin
from wheelhouse.lock.wheelhouse import BUILD, Wheelhouse, is_lock_name
from wheelhouse.target.target import Target
from wheelhouse.verify.verify import load_wheelhouse


def standing_build_locks(folder: Path) -> tuple[Lock, ...]:
    """The locks in a `build/` folder; none where it has none, or does not exist."""
    has_locks = folder.is_dir() and any(is_lock_name(path.name) for path in folder.iterdir())
    return load_wheelhouse(folder).locks if has_locks else ()


def fill_build_house(
    folder: Path,
    house: Wheelhouse,
    build_locks: BuildLocks,
    standing: Sequence[Lock],
    supply: PackageSource,
    on_event: Listener = ignore,
) -> None:
    """Make a `build/` folder hold exactly what the sdists of a wheelhouse are, or were, built with."""
    known = {lock.filename: lock for lock in (*standing, *build_locks.used.values())}
    used = used_build_locks((pin for lock in house.locks for pin in lock.pins), known)
    if not used and not standing:
        return
    constraints = dict(build_locks.constraints)
    for lock in standing:
        path = folder / lock.constraints_filename
        if path.is_file():
            constraints.setdefault(lock.name, verbatim(path))
    with folder_lock(folder):
        locks = tuple(used[name] for name in sorted(used))
        fill(folder, Wheelhouse(locks, constraints), standing, {}, supply, on_event)


def fetch_build_requirements(
    house: Wheelhouse, folder: Path, supply: PackageSource, on_event: Listener = ignore
) -> Wheelhouse:
    """Fetch what the sdists of a wheelhouse are built with, so that an image build with no network can build them.

    Each sdist's `[build-system]` is read, and resolved for the lock's own target. The locks then name the build locks,
    or say why there is none. What was settled by an earlier run stays.
    """
    if not any(_is_open(pin) for lock in house.locks for pin in lock.pins):
        return house
    with folder_lock(folder):
        standing = standing_build_locks(folder / BUILD)
        builders = _Builders(
            folder, supply, BuildLocks(supply, {one.name: one for one in standing}, BuildOptions(), on_event)
        )
        locks = tuple(builders.settled(lock) for lock in house.locks)
        if locks == house.locks:
            return house
        for sentence in builders.lacking:
            on_event(Noted(sentence))
        settled = replace(house, locks=locks)
        fill_build_house(folder / BUILD, settled, builders.build_locks, standing, supply, on_event)
        return fill(folder, settled, house.locks, {}, supply, on_event).house


def _is_open(pin: Pin) -> bool:
    """Whether it is an sdist, and nobody has looked yet for what it is built with."""
    return not pin.artifact.is_wheel and not pin.build_lock and not pin.build_lacks


class _Builders:
    """Finds what each sdist is built with, and what that is built with. `lacking` says what could not be found."""

    def __init__(self, folder: Path, supply: PackageSource, build_locks: BuildLocks) -> None:
        self._folder, self._supply, self.build_locks = folder, supply, build_locks
        self.lacking: list[str] = []

    def settled(self, lock: Lock) -> Lock:
        """A lock whose sdists name their build locks."""
        asked = newest_asked(lock)
        return replace(lock, pins=tuple(self._settled(pin, lock.target, asked, ()) for pin in lock.pins))

    def _settled(self, pin: Pin, target: Target, asked: datetime | None, within: tuple[str, ...]) -> Pin:
        if not _is_open(pin):
            return pin
        try:
            lock = self._build_lock(pin, target, asked, within)
            return replace(pin, build_lock=lock.filename) if lock else pin
        except (NoSolutionError, InputError, IntegrityError) as error:
            self.lacking.append(f"{pin.artifact.filename}: what it is built with is not fetched: {error}")
            return replace(pin, build_lacks=str(error))

    def _build_lock(self, pin: Pin, target: Target, asked: datetime | None, within: tuple[str, ...]) -> Lock | None:
        """None where its build needs nothing beside the sdist."""
        if pin.project in within:
            raise NoSolutionError(f"its build needs {pin.project} itself, which has no wheel")
        sdist = pin.artifact
        system = build_system(read_pyproject(self._path(pin), sdist.filename), sdist.filename)
        if not (requires := static_requires(system)):
            return None
        cutoff = self.build_locks.cutoff(sdist, asked)
        lock = self.build_locks.lock(target, sdist, requires, cutoff)
        further = (*within, str(pin.project))
        lock = replace(lock, pins=tuple(self._settled(one, target, cutoff, further) for one in lock.pins))
        self.build_locks.used[lock.name] = lock
        return lock

    def _path(self, pin: Pin) -> Path:
        """The sdist, in the wheelhouse or, of a build requirement, in the cache."""
        here = self._folder / pin.artifact.filename
        return here if here.is_file() else self._supply.artifact(candidate_of(pin, pin.artifact)).result().path
