"""Build each sdist of a wheelhouse into a wheel for its target, and name the wheel in the lock."""

import os
from collections.abc import Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from datetime import datetime
from pathlib import Path

from packaging.utils import NormalizedName

from wheelhouse.archive.filenames import wheel_parts
from wheelhouse.archive.wheelfile import inspect
from wheelhouse.build.auditwheel import find_auditwheel
from wheelhouse.build.build_log import Reason, reasons, remedy
from wheelhouse.build.build_requirements import newest_requested_upload, unmet
from wheelhouse.build.build_wheelhouse import existing_build_locks, fill_build_folder
from wheelhouse.build.pending import BuildOptions, is_complete, is_done
from wheelhouse.build.remote_build import RemoteBuilds, Submit
from wheelhouse.build.sdist_builds import BuiltWheel, SdistBuilds
from wheelhouse.build.shared_builds import UNIVERSAL
from wheelhouse.errors import BuildError, MachineError, WheelhouseError
from wheelhouse.events import Listener, Noted, Warned, ignore
from wheelhouse.fetch.fill import fill
from wheelhouse.fetch.locking import pins_of
from wheelhouse.files.disk import folder_lock, has_locked_bytes
from wheelhouse.humanize import counted
from wheelhouse.index.artifact_store import StoredFile
from wheelhouse.index.package_source import PackageSource
from wheelhouse.lock.lock import Lock, Pin
from wheelhouse.lock.wheelhouse import BUILD, Wheelhouse
from wheelhouse.resolve.requirements import constraint_lines, parse_line
from wheelhouse.resolve.resolution import ResolutionRequest
from wheelhouse.resolve.search import locked_dependencies, resolve
from wheelhouse.sandbox.builder import Builder, BuildLocation, open_builder
from wheelhouse.target.interpreters import NoInterpreterError
from wheelhouse.target.target import Target
from wheelhouse.verify.verify import load_wheelhouse

MAX_TASKS = 32
"""How many builds of one lock file are with a pool of other machines at a time; twice as many threads wait for them."""
MAX_ROUNDS = 10
"""How often a lock is resolved again because built wheels have further requirements."""


@dataclass(frozen=True, slots=True)
class BuildFailure:
    """An sdist that was not built for a target: the error, the reasons recognised in its log, else the log's last lines."""

    target: str
    sdist: str
    error: WheelhouseError
    reasons: tuple[Reason, ...]
    tail: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class BuildReport:
    """The outcome of a run: the wheelhouse, the built wheels by target, and the sdists that were not built."""

    wheelhouse: Wheelhouse
    made: Mapping[str, tuple[BuiltWheel, ...]] = field(default_factory=dict)
    failures: tuple[BuildFailure, ...] = ()

    @property
    def fresh(self) -> frozenset[str]:
        """The filenames of the wheels that this run built, here or in a pool; none of an earlier run or from the store."""
        return frozenset(wheel.filename for wheels in self.made.values() for wheel in wheels if not wheel.reused)

    @property
    def differing(self) -> dict[str, tuple[str, ...]]:
        """What differs in a second build (members, the name, or the archive alone), by the wheel's filename; wheels that do
        not differ are left out.
        """
        built = (wheel for wheels in self.made.values() for wheel in wheels)
        return {wheel.filename: wheel.differing for wheel in built if wheel.differing}


def build(
    folder: Path,
    options: BuildOptions,
    location: BuildLocation,
    source: PackageSource,
    on_event: Listener = ignore,
    submit: Submit | None = None,
) -> BuildReport:
    """Build the sdists of a wheelhouse, all or those of the targets in `options`, put the wheels into it, and name them in its locks.

    If nothing is left to build, the report has no wheels. An sdist that cannot be built stays an sdist, and the report says
    why, also without a sandbox or interpreter to build in; the others are still built. Raises InputError if the folder is no
    wheelhouse, MachineError for an auditwheel that cannot be started. With `submit` a pool of other machines builds.
    """
    wheelhouse = load_wheelhouse(folder)
    if is_complete(wheelhouse, folder, options):
        return BuildReport(wheelhouse)
    with folder_lock(folder):
        wheelhouse = load_wheelhouse(folder)  # another run may have written it while this one waited
        if is_complete(wheelhouse, folder, options):
            return BuildReport(wheelhouse)
        build_locks = {lock.name: lock for lock in existing_build_locks(folder / BUILD)}
        auditwheel = (
            None if location.image else find_auditwheel(location.places.path)
        )  # auditwheel reads the libraries of this machine
        sdist_builds = SdistBuilds(folder, source, options, auditwheel, build_locks, on_event)
        try:
            remote = RemoteBuilds(submit, sdist_builds, build_locks, options, source, on_event) if submit else None
            builds = _Builds(folder, sdist_builds, remote, options, location, source, on_event)
            return _build(folder, wheelhouse, builds, tuple(build_locks.values()))
        finally:
            sdist_builds.close()


@dataclass(frozen=True, slots=True)
class _Builds:
    """The state that all builds of a run share. `universal` has the `none-any` wheels so far, by their sdist's sha256."""

    folder: Path
    sdist_builds: SdistBuilds
    remote: RemoteBuilds | None
    options: BuildOptions
    location: BuildLocation
    source: PackageSource
    on_event: Listener
    universal: dict[str, BuiltWheel] = field(default_factory=dict)

    def builder_for(self, lock: Lock, parallel: int) -> Builder | MachineError:
        """The builder for a lock's sdists, or the error that says why this machine has none, or that nothing is built here
        because builds come from the store or the pool. A warning if it is not sealed. Whether there are sdists is not looked at.
        """
        if self.options.from_store or self.remote:
            return MachineError("nothing is built on this machine")
        try:
            builder = open_builder(lock.target, self.location, parallel)
        except MachineError as error:
            return error
        if not builder.sandbox.name:
            self.on_event(
                Warned(
                    f"builds for {lock.target.name} are not sealed: they can use the files and the network of this machine"
                )
            )
        return builder

    def make(self, pin: Pin, lock: Lock, newest_upload: datetime | None, builder: Builder | MachineError) -> BuiltWheel:
        """The wheel of an sdist: a `none-any` wheel that this run has, if the target takes it, else one for the target.

        That comes from the store, the pool or `builder`. A new `none-any` wheel is added to `universal`.

        Raises `builder` if it is an error and would be used; BuildError and others as SdistBuilds and RemoteBuilds do.
        """
        universal = self.universal.get(pin.origin.sha256)
        if universal and lock.target.rank(wheel_parts(universal.filename)[3]) is not None:
            return universal
        if self.options.from_store:
            wheel = self.sdist_builds.made_by_others(pin, lock.target)
        elif self.remote:
            wheel = self.remote.make(pin, lock.target, newest_upload)
        elif isinstance(builder, MachineError):
            raise builder
        else:
            wheel = self.sdist_builds.make(pin, lock.target, newest_upload, builder)
        if wheel.filename.endswith(UNIVERSAL):
            self.universal.setdefault(pin.origin.sha256, wheel)
        return wheel

    def remember(self, lock: Lock) -> None:
        """Note the `none-any` wheels that an earlier run built, with what `options` demand of a sandbox, and that are in the
        wheelhouse; none if a second build of each wheel is to be compared. Each is inspected: raises as `inspect` does.
        """
        if self.options.check_reproducible:
            return
        for pin in lock.pins:
            wheel = pin.artifact
            if not pin.built or not self.options.sandbox <= pin.built.held:
                continue
            if wheel.filename.endswith(UNIVERSAL) and has_locked_bytes(self.folder, wheel):
                contents = inspect(self.folder / wheel.filename, wheel.filename)
                stored = StoredFile(self.folder / wheel.filename, wheel.sha256, wheel.size, contents, fresh=False)
                built = replace(pin.built, kept=self.options.keep_sdists)
                self.universal[pin.origin.sha256] = BuiltWheel(wheel.filename, stored, built, reused=True)


def _build(folder: Path, wheelhouse: Wheelhouse, builds: _Builds, build_locks: tuple[Lock, ...]) -> BuildReport:
    """Build what is left of each lock, then fill `build/` and the folder; the report.

    A lock that fails as a whole stays as it was, and each of its sdists is a failure.
    """
    locks = {lock.name: lock for lock in wheelhouse.locks}
    wheels_of: dict[str, tuple[BuiltWheel, ...]] = {}
    failures: list[BuildFailure] = []
    pending = [lock for lock in wheelhouse.locks if not is_done(lock, folder, builds.options)]
    for lock in wheelhouse.locks:
        if lock not in pending:
            builds.remember(lock)
    parallel = MAX_TASKS if builds.remote else os.cpu_count() or 1
    builders = {lock.name: builds.builder_for(lock, parallel) for lock in pending}
    pending.sort(
        key=lambda lock: isinstance(builders[lock.name], MachineError)
    )  # a `none-any` wheel that is built here serves the other targets too
    for lock in pending:
        constraints = (wheelhouse.constraints or {}).get(lock.name)
        try:
            locks[lock.name], wheels, failed = _build_lock(lock, constraints, builders[lock.name], parallel, builds)
        except WheelhouseError as error:
            wheels, failed = (), [_failure(pin, lock.target, error) for pin in _sdists(lock)]
        wheels_of[lock.name] = wheels
        failures += failed if not builds.options.only_here else _not_left_to_others(failed, lock, builds.on_event)
    built = Wheelhouse(tuple(locks.values()), wheelhouse.constraints)
    fill_build_folder(
        folder / BUILD, built, builds.sdist_builds.build_locks, build_locks, builds.source, builds.on_event
    )
    filled = fill(folder, built, wheelhouse.locks, {}, builds.source, builds.on_event)
    _warn_of_libraries(wheels_of, builds.on_event)
    return BuildReport(filled.wheelhouse, wheels_of, tuple(failures))


def _build_lock(
    lock: Lock, constraints: str | None, builder: Builder | MachineError, parallel: int, builds: _Builds
) -> tuple[Lock, tuple[BuiltWheel, ...], list[BuildFailure]]:
    """A lock with wheels for its sdists, these wheels, and the failures.

    If no build failed, it is resolved again while the wheels have requirements that it lacks. Raises BuildError if it still
    lacks some after MAX_ROUNDS, and NoSolutionError if they have no solution.
    """
    for _ in range(MAX_ROUNDS):
        made, failures = _build_pins(lock, builder, parallel, builds)
        metadata = {project: wheel.stored.contents.metadata for project, wheel in made.items()}
        unmet_requirements = unmet(lock, metadata)
        if failures or not unmet_requirements:
            return _with_wheels(lock, made), tuple(made.values()), failures
        for sentence in unmet_requirements:
            builds.on_event(Noted(sentence))
        lock = _resolved_again(lock, constraints, builds)
    raise BuildError(
        f"after {MAX_ROUNDS} rounds of builds, the built wheels for {lock.target.name} still require projects that the lock file lacks",
        details=unmet_requirements,
    )


def _build_pins(
    lock: Lock, builder: Builder | MachineError, parallel: int, builds: _Builds
) -> tuple[dict[NormalizedName, BuiltWheel], list[BuildFailure]]:
    """Build every sdist of a lock in `parallel * 2` threads: the wheels by project, and the failures. A failure does not stop the
    others. The builder limits how many hooks run at the same time.
    """
    newest_upload = newest_requested_upload(lock)
    pins = _sdists(lock)
    made: dict[NormalizedName, BuiltWheel] = {}
    failures: list[BuildFailure] = []
    with ThreadPoolExecutor(parallel * 2) as pool:
        futures = [pool.submit(builds.make, pin, lock, newest_upload, builder) for pin in pins]
        for pin, future in zip(pins, futures, strict=True):
            try:
                made[pin.project] = future.result()
            except WheelhouseError as error:
                failures.append(_failure(pin, lock.target, error))
    return made, failures


def _not_left_to_others(failed: list[BuildFailure], lock: Lock, on_event: Listener) -> list[BuildFailure]:
    """The failures but for those of sdists that this machine has no interpreter for; a note counts them."""
    left = [failure for failure in failed if isinstance(failure.error, NoInterpreterError)]
    if left:
        on_event(
            Noted(
                f"{counted(len(left), 'sdist')} for {lock.target.name} must be built on another machine: {left[0].error}"
            )
        )
    return [failure for failure in failed if failure not in left]


def _sdists(lock: Lock) -> list[Pin]:
    """The pins whose origin is an sdist, already built or not."""
    return [pin for pin in lock.pins if pin.built or not pin.artifact.is_wheel]


def _failure(pin: Pin, target: Target, error: WheelhouseError) -> BuildFailure:
    """A failed build, with the causes that its log shows, else the log's last three lines."""
    log = error.log.decode("utf-8", "replace") if isinstance(error, BuildError) else ""
    recognised = reasons(log)
    tail = () if recognised else tuple(line for line in log.splitlines() if line.strip())[-3:]
    return BuildFailure(target.name, pin.origin.filename, error, recognised, tail)


def _with_wheels(lock: Lock, made: Mapping[NormalizedName, BuiltWheel]) -> Lock:
    """The lock with each sdist's wheel in its place; where `made` has none, with the sdist, even if it was built before."""
    return replace(lock, pins=tuple(_with_wheel(pin, lock, made.get(pin.project)) for pin in lock.pins))


def _with_wheel(pin: Pin, lock: Lock, made: BuiltWheel | None) -> Pin:
    """The pin with the wheel that was built, and its dependencies; with its sdist again if none was built. A wheel of an index stays."""
    if made is None:
        return replace(pin, artifact=pin.origin, built=None)
    metadata = made.stored.contents.metadata
    return replace(
        made.pin(pin), dependencies=locked_dependencies(metadata, pin.extras, lock.target, lock.inputs.adjustments)
    )


def _resolved_again(lock: Lock, constraints: str | None, builds: _Builds) -> Lock:
    """The lock, resolved again with the metadata of the built wheels; earlier versions are preferred, and what a pin of the
    same file says is kept, but for its extras and dependencies.
    """
    lines = constraint_lines(constraints or "", lock.constraints_filename)
    requirements = tuple(parse_line(text) for text in lock.inputs.requirements)
    request = ResolutionRequest(
        target=lock.target,
        requirements=requirements,
        constraints=lines,
        selection=lock.inputs.selection,
        adjustments=lock.inputs.adjustments,
        direct={
            line.project: line.source
            for line in requirements
            if line.source and lock.target.applies(line.requirement.marker)
        },
        preferred={pin.project: pin.version for pin in lock.pins},
    )
    resolved = resolve(request, builds.source, builds.on_event)
    pins_by_sha256 = {pin.artifact.sha256: pin for pin in lock.pins}
    return replace(lock, pins=tuple(_keep_pin(pin, pins_by_sha256) for pin in pins_of(resolved, builds.source)))


def _keep_pin(pin: Pin, pins_by_sha256: Mapping[str, Pin]) -> Pin:
    """The earlier pin of the same file, if any, with the new extras and dependencies."""
    earlier = pins_by_sha256.get(pin.artifact.sha256)
    return replace(earlier, extras=pin.extras, dependencies=pin.dependencies) if earlier else pin


def _warn_of_libraries(made: Mapping[str, Iterable[BuiltWheel]], on_event: Listener) -> None:
    """Warn of the shared libraries that each built wheel needs from its target; wheels by the lock's name."""
    for target, wheels in made.items():
        for wheel in wheels:
            if wheel.built.libraries:
                names = ", ".join(wheel.built.libraries)
                on_event(Warned(f"{wheel.filename} needs {names}, which must be in the image for {target}"))


def must_be_built(report: BuildReport) -> None:
    """Raise one BuildError that lists all failures; nothing if there are none.

    Its hint names all Debian packages that the logs miss; else it is the first hint of a recognised reason or of an error,
    if any.
    """
    if not report.failures:
        return
    details: list[str] = []
    for failure, sdists in _causes(report.failures):
        details.append(f"{', '.join(sdists)} ({failure.target}): {failure.error}")
        details += [f"  {reason.sentence}: {reason.hint}" for reason in failure.reasons]
        details += [f"  | {line}" for line in failure.tail]
        details += [f"  hint: {failure.error.hint}"] if failure.error.hint else []
        details += [f"  {detail}" for detail in failure.error.details]
    recognised = [reason for failure in report.failures for reason in failure.reasons]
    hints = (remedy(recognised), *(failure.error.hint for failure in report.failures))
    count = len(report.failures)
    total = count + sum(map(len, report.made.values()))
    raise BuildError(
        f"{count} of {total} sdists {'was' if count == 1 else 'were'} not built; the wheelhouse has the wheels of all other projects",
        hint=next(filter(None, hints), None),
        details=tuple(details),
    )


def _causes(failures: Iterable[BuildFailure]) -> list[tuple[BuildFailure, list[str]]]:
    """Each error object once, with the first failure that has it, and all sdists that it stopped."""
    causes: dict[int, tuple[BuildFailure, list[str]]] = {}
    for failure in failures:
        causes.setdefault(id(failure.error), (failure, []))[1].append(failure.sdist)
    return list(causes.values())
