"""From a house with sdists to a house of wheels: each sdist of a lock is built for its target, and the lock names the wheel."""

import os
from collections.abc import Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from datetime import datetime
from pathlib import Path

from packaging.utils import NormalizedName

from wheelhouse.archive.filenames import wheel_parts
from wheelhouse.archive.metadata import Metadata
from wheelhouse.archive.wheelfile import inspect
from wheelhouse.build.auditwheel import find_auditwheel
from wheelhouse.build.build_log import Reason, reasons, remedy
from wheelhouse.build.build_requirements import newest_asked, unmet
from wheelhouse.build.build_wheelhouse import fill_build_house, standing_build_locks
from wheelhouse.build.pending import BuildOptions, is_done
from wheelhouse.build.sdist_builds import BuiltWheel, SdistBuilds
from wheelhouse.errors import BuildError, MachineError, WheelhouseError
from wheelhouse.events import Listener, Noted, Warned, ignore
from wheelhouse.fetch.fetch import fill
from wheelhouse.fetch.locking import pins_of
from wheelhouse.files.disk import folder_lock, has_locked_bytes
from wheelhouse.index.package_source import PackageSource, StoredFile
from wheelhouse.lock.lock import Lock, Pin
from wheelhouse.lock.wheelhouse import BUILD, Wheelhouse
from wheelhouse.resolve.requirements import constraint_lines, parse_line
from wheelhouse.resolve.resolution import ResolutionRequest
from wheelhouse.resolve.search import locked_dependencies, resolve
from wheelhouse.sandbox.builder import Builder, BuildLocation, open_builder
from wheelhouse.target.target import Target
from wheelhouse.verify.verify import load_wheelhouse

UNIVERSAL = "-none-any.whl"
MAX_ROUNDS = 10
"""How often the wheels that were built may lead to further sdists, before something is wrong."""


@dataclass(frozen=True, slots=True)
class BuildFailure:
    """An sdist that was not built for a target: why, and what its log tells."""

    target: str
    sdist: str
    error: WheelhouseError
    reasons: tuple[Reason, ...]
    tail: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class BuildReport:
    """What a run of builds did: the house as it stands, the wheels by their target, and what was not built."""

    house: Wheelhouse
    made: Mapping[str, tuple[BuiltWheel, ...]] = field(default_factory=dict)
    failures: tuple[BuildFailure, ...] = ()

    @property
    def fresh(self) -> frozenset[str]:
        """The wheels that this very run built, and did not find built."""
        return frozenset(made.filename for several in self.made.values() for made in several if not made.reused)

    @property
    def differing(self) -> dict[str, tuple[str, ...]]:
        """What a second build made otherwise, by the wheel's name."""
        every = (made for several in self.made.values() for made in several)
        return {made.filename: made.differing for made in every if made.differing}


def build(
    folder: Path, wishes: BuildOptions, where: BuildLocation, supply: PackageSource, on_event: Listener = ignore
) -> BuildReport:
    """Build every sdist of a house, put the wheels into it, and name them in its locks.

    What cannot be built is in the report, and stays an sdist; everything else is built all the same. Raises InputError
    where the folder is no house, MachineError where there is no room or interpreter to build in.
    """
    house = load_wheelhouse(folder)
    if all(is_done(lock, folder, wishes) for lock in house.locks):
        return BuildReport(house)
    with folder_lock(folder):
        standing = {lock.name: lock for lock in standing_build_locks(folder / BUILD)}
        auditwheel = (
            None if where.image else find_auditwheel(where.places.path)
        )  # it looks for libraries on this machine
        workshop = SdistBuilds(folder, supply, wishes, auditwheel, standing, on_event)
        try:
            shop = _Builds(folder, workshop, wishes, where, supply, on_event)
            return _build(folder, house, shop, tuple(standing.values()))
        finally:
            workshop.close()


@dataclass(frozen=True, slots=True)
class _Builds:
    """What all builds of a run share. `universal` are the `none-any` wheels that are here, by their sdist's sha256."""

    folder: Path
    workshop: SdistBuilds
    wishes: BuildOptions
    where: BuildLocation
    supply: PackageSource
    on_event: Listener
    universal: dict[str, BuiltWheel] = field(default_factory=dict)

    def builder(self, lock: Lock, hands: int) -> Builder | MachineError:
        """Where the sdists of a lock are built, or why they cannot be built on this machine."""
        try:
            builder = open_builder(lock.target, self.where, hands)
        except MachineError as error:
            return error
        if not builder.sandbox.sealed:
            self.on_event(
                Warned(f"builds for {lock.target.name} are not sealed: they see this machine and its network")
            )
        return builder

    def make(self, pin: Pin, lock: Lock, asked: datetime | None, builder: Builder | MachineError) -> BuiltWheel:
        """The wheel of an sdist: one that serves every target, if it is here, else one built for this target."""
        universal = self.universal.get(pin.origin.sha256)
        if universal and lock.target.rank(wheel_parts(universal.filename)[3]) is not None:
            return universal
        if isinstance(builder, MachineError):
            raise builder
        made = self.workshop.make(pin, lock.target, asked, builder)
        if made.filename.endswith(UNIVERSAL):
            self.universal.setdefault(pin.origin.sha256, made)
        return made

    def remember(self, lock: Lock) -> None:
        """Note the `none-any` wheels that an earlier run built and that are in the wheelhouse."""
        for pin in lock.pins:
            wheel = pin.artifact
            if pin.built and wheel.filename.endswith(UNIVERSAL) and has_locked_bytes(self.folder, wheel):
                contents = inspect(self.folder / wheel.filename, wheel.filename)
                stored = StoredFile(self.folder / wheel.filename, wheel.sha256, wheel.size, contents, fresh=False)
                built = replace(pin.built, kept=self.wishes.keep_sdists)
                self.universal[pin.origin.sha256] = BuiltWheel(wheel.filename, stored, built, reused=True)


def _build(folder: Path, house: Wheelhouse, shop: _Builds, standing: tuple[Lock, ...]) -> BuildReport:
    locks = {lock.name: lock for lock in house.locks}
    made: dict[str, tuple[BuiltWheel, ...]] = {}
    failures: list[BuildFailure] = []
    pending = [lock for lock in house.locks if not is_done(lock, folder, shop.wishes)]
    for lock in house.locks:
        if lock not in pending:
            shop.remember(lock)
    hands = os.cpu_count() or 1
    builders = {lock.name: shop.builder(lock, hands) for lock in pending}
    pending.sort(
        key=lambda lock: isinstance(builders[lock.name], MachineError)
    )  # what can be built here serves the others
    for lock in pending:
        constraints = (house.constraints or {}).get(lock.name)
        try:
            locks[lock.name], wheels, failed = _build_lock(lock, constraints, builders[lock.name], hands, shop)
        except WheelhouseError as error:
            wheels, failed = (), [_failure(pin, lock.target, error) for pin in _sdists(lock)]
        made[lock.name] = wheels
        failures += failed
    built = Wheelhouse(tuple(locks.values()), house.constraints)
    fill_build_house(folder / BUILD, built, shop.workshop.build_locks, standing, shop.supply, shop.on_event)
    filled = fill(folder, built, house.locks, {}, shop.supply, shop.on_event)
    _say(made, shop.on_event)
    return BuildReport(filled.house, made, tuple(failures))


def _build_lock(
    lock: Lock, constraints: str | None, builder: Builder | MachineError, hands: int, shop: _Builds
) -> tuple[Lock, tuple[BuiltWheel, ...], list[BuildFailure]]:
    """A lock whose sdists are wheels, resolved again for as long as these ask for more than it holds."""
    for _ in range(MAX_ROUNDS):
        made, failures = _build_pins(lock, builder, hands, shop)
        metadata = {project: one.stored.contents.metadata for project, one in made.items()}
        further = unmet(lock, metadata)
        if failures or not further:
            return _with_wheels(lock, made, metadata), tuple(made.values()), failures
        for sentence in further:
            shop.on_event(Noted(sentence))
        lock = _again(lock, constraints, shop)
    raise BuildError(f"the lock for {lock.target.name} is still not closed after {MAX_ROUNDS} rounds", details=further)


def _build_pins(
    lock: Lock, builder: Builder | MachineError, hands: int, shop: _Builds
) -> tuple[dict[NormalizedName, BuiltWheel], list[BuildFailure]]:
    """Build every sdist of a lock, many at once; one failure does not stop the others."""
    asked = newest_asked(lock)
    pins = _sdists(lock)
    made: dict[NormalizedName, BuiltWheel] = {}
    failures: list[BuildFailure] = []
    with ThreadPoolExecutor(hands * 2) as pool:
        futures = [pool.submit(shop.make, pin, lock, asked, builder) for pin in pins]
        for pin, future in zip(pins, futures, strict=True):
            try:
                made[pin.project] = future.result()
            except WheelhouseError as error:
                failures.append(_failure(pin, lock.target, error))
    return made, failures


def _sdists(lock: Lock) -> list[Pin]:
    """What has no wheel on the index, whether it was built before or not."""
    return [pin for pin in lock.pins if pin.built or not pin.artifact.is_wheel]


def _failure(pin: Pin, target: Target, error: WheelhouseError) -> BuildFailure:
    log = error.log.decode("utf-8", "replace") if isinstance(error, BuildError) else ""
    found = reasons(log)
    tail = () if found else tuple(line for line in log.splitlines() if line.strip())[-3:]
    return BuildFailure(target.name, pin.origin.filename, error, found, tail)


def _with_wheels(
    lock: Lock, made: Mapping[NormalizedName, BuiltWheel], metadata: Mapping[NormalizedName, Metadata]
) -> Lock:
    return replace(lock, pins=tuple(_final(pin, lock, made.get(pin.project)) for pin in lock.pins))


def _final(pin: Pin, lock: Lock, made: BuiltWheel | None) -> Pin:
    if made is None:
        return replace(pin, artifact=pin.origin, built=None)
    metadata = made.stored.contents.metadata
    return replace(
        made.pin(pin), dependencies=locked_dependencies(metadata, pin.extras, lock.target, lock.inputs.adjustments)
    )


def _again(lock: Lock, constraints: str | None, shop: _Builds) -> Lock:
    """The lock resolved again, now that what was built has told what it asks for; pins stay where they can."""
    lines = constraint_lines(constraints or "", lock.constraints_filename)
    asked = tuple(parse_line(text) for text in lock.inputs.requirements)
    question = ResolutionRequest(
        target=lock.target,
        requirements=asked,
        constraints=lines,
        selection=lock.inputs.selection,
        adjustments=lock.inputs.adjustments,
        direct={
            line.project: line.source for line in asked if line.source and lock.target.applies(line.requirement.marker)
        },
        preferred={pin.project: pin.version for pin in lock.pins},
    )
    answers = resolve(question, shop.supply, shop.on_event)
    standing = {pin.artifact.sha256: pin for pin in lock.pins}
    return replace(lock, pins=tuple(_kept(pin, standing) for pin in pins_of(answers, shop.supply)))


def _kept(pin: Pin, standing: Mapping[str, Pin]) -> Pin:
    """A pin as the lock had it, where it is of the same file, with what is asked of it now."""
    before = standing.get(pin.artifact.sha256)
    return replace(before, extras=pin.extras, dependencies=pin.dependencies) if before else pin


def _say(made: Mapping[str, Iterable[BuiltWheel]], on_event: Listener) -> None:
    for target, several in made.items():
        for one in several:
            if one.built.libraries:
                names = ", ".join(one.built.libraries)
                on_event(Warned(f"{one.filename} expects to find {names} on {target}: the image must have them"))


def must_be_built(report: BuildReport) -> None:
    """Raise BuildError with everything that failed, and all that is missing, at once."""
    if not report.failures:
        return
    details: list[str] = []
    for failure, sdists in _causes(report.failures):
        details.append(f"{', '.join(sdists)} ({failure.target}): {failure.error}")
        details += [f"  {reason.sentence}: {reason.hint}" for reason in failure.reasons]
        details += [f"  | {line}" for line in failure.tail]
        details += [f"  hint: {failure.error.hint}"] if failure.error.hint else []
        details += [f"  {detail}" for detail in failure.error.details]
    every = [reason for failure in report.failures for reason in failure.reasons]
    hints = (remedy(every), *(failure.error.hint for failure in report.failures))
    count = len(report.failures)
    total = count + sum(map(len, report.made.values()))
    raise BuildError(
        f"{count} of {total} sdists {'was' if count == 1 else 'were'} not built; what could be is in the house",
        hint=next(filter(None, hints), None),
        details=tuple(details),
    )


def _causes(failures: Iterable[BuildFailure]) -> list[tuple[BuildFailure, list[str]]]:
    """Failures, each cause once, with the sdists of all that it stopped."""
    found: dict[int, tuple[BuildFailure, list[str]]] = {}
    for failure in failures:
        found.setdefault(id(failure.error), (failure, []))[1].append(failure.sdist)
    return list(found.values())
