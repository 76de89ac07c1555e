"""The build requirements of sdists in the wheelhouse's `build/`: fetched and locked without running package code."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from pathlib import Path

from wheelhouse.archive.build_system import build_system
from wheelhouse.archive.sdistfile import read_pyproject
from wheelhouse.build.build_locks import BuildLocks
from wheelhouse.build.build_requirements import newest_requested_upload, static_requires, used_build_locks
from wheelhouse.build.pending import BuildOptions
from wheelhouse.errors import InputError, IntegrityError, NoSolutionError
from wheelhouse.events import Listener, Noted, ignore
from wheelhouse.fetch.fill import candidate_of, fill
from wheelhouse.files.disk import folder_lock, verbatim
from wheelhouse.index.package_source import PackageSource
from wheelhouse.lock.lock import Lock, Pin
from wheelhouse.lock.wheelhouse import BUILD, Wheelhouse, is_lock_name
from wheelhouse.target.target import Target
from wheelhouse.verify.verify import load_wheelhouse


def existing_build_locks(folder: Path) -> tuple[Lock, ...]:
    """The locks in a `build/` folder; none if it is missing or has no lock file. Raises as `load_wheelhouse` does."""
    has_locks = folder.is_dir() and any(is_lock_name(path.name) for path in folder.iterdir())
    return load_wheelhouse(folder).locks if has_locks else ()


def fill_build_folder(
    folder: Path,
    wheelhouse: Wheelhouse,
    build_locks: BuildLocks,
    existing: Sequence[Lock],
    source: PackageSource,
    on_event: Listener = ignore,
) -> None:
    """Fill a `build/` folder with exactly the build requirements of a wheelhouse's sdists, built or not.

    Nothing is done if no lock is used and none exists.
    """
    locks_by_name = {lock.filename: lock for lock in (*existing, *build_locks.used.values())}
    used = used_build_locks((pin for lock in wheelhouse.locks for pin in lock.pins), locks_by_name)
    if not used and not existing:
        return
    constraints = dict(build_locks.constraints)
    for lock in existing:
        path = folder / lock.constraints_filename
        if path.is_file():
            constraints.setdefault(lock.name, verbatim(path))
    with folder_lock(folder):
        locks = tuple(used[name] for name in sorted(used))
        fill(folder, Wheelhouse(locks, constraints), existing, {}, source, on_event)


def fetch_build_requirements(
    wheelhouse: Wheelhouse, folder: Path, source: PackageSource, on_event: Listener = ignore
) -> Wheelhouse:
    """Fetch the build requirements of a wheelhouse's sdists into its `build/`, so that an image build without network can build them.

    Each sdist's `[build-system]` is resolved for the lock's own target. The locks then name the build locks, or say why there
    is none, as a note does; they are written, and returned with the wheelhouse. Build locks of an earlier run that a pin names stay.
    If another run changed the locks in the folder meanwhile, those of the folder count.
    """
    if not any(_needs_build_lock(pin) for lock in wheelhouse.locks for pin in lock.pins):
        return wheelhouse
    with folder_lock(folder):
        wheelhouse = load_wheelhouse(folder)
        existing = existing_build_locks(folder / BUILD)
        finder = _BuildLockFinder(
            folder, source, BuildLocks(source, {lock.name: lock for lock in existing}, BuildOptions(), on_event)
        )
        locks = tuple(finder.with_build_locks(lock) for lock in wheelhouse.locks)
        if locks == wheelhouse.locks:
            return wheelhouse
        for sentence in finder.not_found:
            on_event(Noted(sentence))
        result = replace(wheelhouse, locks=locks)
        fill_build_folder(folder / BUILD, result, finder.build_locks, existing, source, on_event)
        return fill(folder, result, wheelhouse.locks, {}, source, on_event).wheelhouse


def _needs_build_lock(pin: Pin) -> bool:
    """Whether a pin is an sdist that neither names a build lock nor says why it has none (`build_lacks`).

    One that needs no build requirements counts, too, each time.
    """
    return not pin.artifact.is_wheel and not pin.build_lock and not pin.build_lacks


class _BuildLockFinder:
    """Finds the build lock of each sdist, and of its build requirements. `not_found` says what could not be found."""

    def __init__(self, folder: Path, source: PackageSource, build_locks: BuildLocks) -> None:
        self._folder, self._source, self.build_locks = folder, source, build_locks
        self.not_found: list[str] = []

    def with_build_locks(self, lock: Lock) -> Lock:
        """The lock, in which each sdist names its build lock, or says why it has none.

        An sdist without build requirements stays as it is.
        """
        newest_upload = newest_requested_upload(lock)
        return replace(
            lock, pins=tuple(self._with_build_lock(pin, lock.target, newest_upload, ()) for pin in lock.pins)
        )

    def _with_build_lock(
        self, pin: Pin, target: Target, newest_upload: datetime | None, parents: tuple[str, ...]
    ) -> Pin:
        """The pin with the name of its build lock; as it is if it needs none; with the error if there can be none (no solution, bad
        input, another file), which is added to `not_found`. `parents` are the projects whose builds lead here. Other errors are raised.
        """
        if not _needs_build_lock(pin):
            return pin
        try:
            lock = self._build_lock(pin, target, newest_upload, parents)
            return replace(pin, build_lock=lock.filename) if lock else pin
        except (NoSolutionError, InputError, IntegrityError) as error:
            self.not_found.append(f"{pin.artifact.filename}: its build requirements were not fetched: {error}")
            return replace(pin, build_lacks=str(error))

    def _build_lock(
        self, pin: Pin, target: Target, newest_upload: datetime | None, parents: tuple[str, ...]
    ) -> Lock | None:
        """The build lock of an sdist, in which sdists name theirs; noted in `used`. None if its build has no requirements.

        Raises NoSolutionError if the build needs its own project, and as `BuildLocks.lock`, `build_system`, `read_pyproject`
        and a fetch of the sdist do.
        """
        if pin.project in parents:
            raise NoSolutionError(f"its build needs {pin.project} itself, but {pin.project} has no wheel")
        sdist = pin.artifact
        system = build_system(read_pyproject(self._path(pin), sdist.filename), sdist.filename)
        if not (requires := static_requires(system)):
            return None
        cutoff = self.build_locks.cutoff(sdist, newest_upload)
        lock = self.build_locks.lock(target, sdist, requires, cutoff)
        parents_and_self = (*parents, str(pin.project))
        lock = replace(
            lock,
            pins=tuple(
                self._with_build_lock(requirement, target, cutoff, parents_and_self) for requirement in lock.pins
            ),
        )
        self.build_locks.used[lock.name] = lock
        return lock

    def _path(self, pin: Pin) -> Path:
        """The sdist's path in the wheelhouse, whatever its bytes, else in the store, to which it is fetched if needed."""
        here = self._folder / pin.artifact.filename
        if here.is_file():
            return here
        return self._source.artifacts.get(candidate_of(pin, pin.artifact, self._source.addresses)).result().path
