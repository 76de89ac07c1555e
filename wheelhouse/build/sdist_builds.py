"""Build one sdist into one wheel: lock its build requirements as of its upload date, make the environment, build, check."""

import tempfile
import time
import zipfile
from collections.abc import Iterable, Mapping
from contextlib import ExitStack, suppress
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path

import msgspec
from packaging.tags import Tag
from packaging.utils import InvalidWheelFilename

from wheelhouse.archive.artifact import Artifact
from wheelhouse.archive.build_system import BuildSystem, build_system
from wheelhouse.archive.elf import Needs, needs_of_wheel
from wheelhouse.archive.filenames import wheel_parts
from wheelhouse.archive.metadata import InspectedFile
from wheelhouse.archive.retag import retagged
from wheelhouse.archive.sdistfile import read_pyproject
from wheelhouse.archive.waivers import NO_WAIVERS
from wheelhouse.archive.wheelfile import inspect
from wheelhouse.build.auditwheel import Auditwheel
from wheelhouse.build.build_locks import BuildLocks
from wheelhouse.build.build_requirements import satisfied, too_new
from wheelhouse.build.environment import make_environment
from wheelhouse.build.pending import BuildOptions
from wheelhouse.build.shared_builds import adopt_locks, builds_of, note_build
from wheelhouse.errors import BuildError, IntegrityError, MachineError
from wheelhouse.events import Built as BuiltEvent
from wheelhouse.events import Finished, Listener, Waiting, Warned, ignore
from wheelhouse.fetch.fill import candidate_of
from wheelhouse.files.disk import has_locked_bytes, place, sha256_of
from wheelhouse.files.store import Store
from wheelhouse.files.tasks import Once
from wheelhouse.files.temporary import scratch_folder
from wheelhouse.findings import Subject
from wheelhouse.index.artifact_store import StoredFile
from wheelhouse.index.package_source import PackageSource
from wheelhouse.lock.lock import Built, Lock, Pin
from wheelhouse.sandbox.builder import Builder, BuildRequest
from wheelhouse.target.target import Target

REQUIRES, WHEELS = "build-requires-1", "builds-1"
FIRST_EPOCH = 315532800
"""1980-01-01 in Unix seconds, the first date that a zip archive can store."""


@dataclass(frozen=True, slots=True)
class BuiltWheel:
    """A wheel built from an sdist. `differing` names what differs in a second build, if one was requested."""

    filename: str
    stored: StoredFile
    built: Built
    reused: bool
    differing: tuple[str, ...] = ()

    def pin(self, pin: Pin) -> Pin:
        """The sdist's pin with the wheel in its place; its metadata is then final, but its dependencies stay the sdist's.

        No build lock is named beside that in `built`.
        """
        artifact = Artifact(self.filename, self.stored.sha256, self.stored.size)
        return replace(pin, artifact=artifact, built=self.built, provisional=None, build_lock="", build_lacks="")


@dataclass(frozen=True, slots=True)
class _NewBuild:
    """A wheel as built in the sandbox; `repaired` names the program that repaired it, if any."""

    path: Path
    contents: InspectedFile
    needs: Needs | None
    repaired: str = ""


class _CachedBuild(msgspec.Struct, frozen=True):
    filename: str
    sha256: str
    built: Built


_cached_build_decoder, _requires_decoder = msgspec.json.Decoder(_CachedBuild), msgspec.json.Decoder(tuple[str, ...])


class SdistBuilds:
    """Builds sdists, each once. `existing` has the wheelhouse's build locks, by name."""

    def __init__(
        self,
        folder: Path,
        source: PackageSource,
        options: BuildOptions,
        auditwheel: Auditwheel | None,
        existing: Mapping[str, Lock],
        on_event: Listener = ignore,
    ) -> None:
        self._folder, self._source, self._options, self._auditwheel = folder, source, options, auditwheel
        self._on_event = on_event
        self._wheels, self._environments = Once(), Once()
        self._scratch = ExitStack()
        self._folders = self._scratch.enter_context(scratch_folder("build"))
        self.build_locks = BuildLocks(source, existing, options, on_event)

    def close(self) -> None:
        """Remove the builds' temporary files."""
        self._scratch.close()

    def make(
        self, pin: Pin, target: Target, newest_upload: datetime | None, builder: Builder, parents: tuple[str, ...] = ()
    ) -> BuiltWheel:
        """The wheel of an sdist for a target: from an earlier build with the same inputs, else a new one. Without `parents`, once for each
        sdist and target.

        From now on, its metadata are those of the sdist, and its build locks are among those that this run used.
        `newest_upload` is that of the requested projects; `parents` are the projects whose builds need this one. Raises
        BuildError if its build needs itself or fails, or makes a wheel of another release or for another target,
        IntegrityError for a bad wheel or sdist, and NoSolutionError or InputError for build requirements that cannot be
        resolved or read.
        """
        if pin.project in parents:
            chain = " → ".join([*parents, pin.project])
            raise BuildError(f"its build needs {pin.project} itself, but {pin.project} has no wheel: {chain}")
        parents_and_self = (*parents, str(pin.project))
        if parents:  # two sdists that require each other must not wait for each other
            return self._make_logged(pin, target, newest_upload, builder, parents_and_self)
        key = (pin.origin.sha256, target.name)
        return self._wheels.get(key, lambda: self._make_logged(pin, target, newest_upload, builder, parents_and_self))

    def made_by_others(self, pin: Pin, target: Target) -> BuiltWheel:
        """The wheel that another machine built of an sdist, from the store; its build locks join those of this run.

        From now on, its metadata are those of the sdist. Raises BuildError if there is none with what the policy demands of
        a sandbox, IntegrityError for damaged build locks.
        """
        part = self._source.artifacts.part_of([candidate_of(pin, pin.origin, self._source.addresses)])
        for shared in builds_of(part, target, pin):
            stored = self._source.artifacts.find(shared.filename, shared.sha256)
            if stored and self._options.sandbox <= shared.built.held:
                adopt_locks(shared, self.build_locks)
                self._source.metadata.learn_built(pin.origin.sha256, stored.contents.metadata)
                built = replace(shared.built, kept=self._options.keep_sdists)
                self._on_event(BuiltEvent(pin.origin.filename, shared.filename, 0.0, reused=True))
                return BuiltWheel(shared.filename, stored, built, reused=True)
        hint = f"run this on a machine with Python {target.python.minor} for {target.platform.tag}: `wheelhouse build --only-here`"
        raise BuildError(f"the store has no wheel of this sdist for {target.name}", hint=hint)

    def _make_logged(
        self, pin: Pin, target: Target, newest_upload: datetime | None, builder: Builder, parents: tuple[str, ...]
    ) -> BuiltWheel:
        """As `_make`; if the build fails with a log and no details, the log is kept, and the details name its file."""
        try:
            return self._make(pin, target, newest_upload, builder, parents)
        except BuildError as error:
            if error.log and not error.details:
                error.details = (f"log: {self._log(pin, target, error.log, lasting=True)}",)
            raise

    def _make(
        self, pin: Pin, target: Target, newest_upload: datetime | None, builder: Builder, parents: tuple[str, ...]
    ) -> BuiltWheel:
        """Make the build environment's lock, with what the backend requires further, then the wheel, reused or built."""
        sdist = pin.origin
        subject = f"{sdist.filename} (build)"
        self._on_event(Waiting(subject))
        folder = Path(tempfile.mkdtemp(dir=self._folders))
        path = self.sdist(pin, folder)
        system = build_system(read_pyproject(path, sdist.filename), sdist.filename)
        job = _Job(pin, target, path, system, _epoch(sdist), folder, builder, parents)
        cutoff = self.build_locks.cutoff(sdist, newest_upload)
        lock = self._lock(job, system.requires, cutoff)
        further = self._backend_requires(job, lock)
        if not satisfied(lock, further):
            lock = self._lock(job, (*system.requires, *further), cutoff)
        wheel = self._wheel(job, lock)
        self._on_event(Finished(subject, reused=wheel.reused))
        return wheel

    def sdist(self, pin: Pin, folder: Path) -> Path:
        """A copy of the sdist in `folder`, under its own name, with the locked bytes: of the wheelhouse's own file, else from the store
        or the index.
        """
        sdist = pin.origin
        if has_locked_bytes(self._folder, sdist):
            source = self._folder / sdist.filename
        else:
            source = self._source.artifacts.get(candidate_of(pin, sdist, self._source.addresses)).result().path
        place(source, folder, sdist.filename, sdist.sha256)
        return folder / sdist.filename

    # Build requirements

    def _lock(self, job: "_Job", requires: Iterable[str], cutoff: datetime | None) -> Lock:
        """The lock of a build environment for the builder's Python; its sdists are built and replaced by their wheels. Noted as used."""
        lock = self.build_locks.lock(job.builder.interpreter.target, job.pin.origin, requires, cutoff)
        lock = replace(lock, pins=tuple(self._with_wheel(pin, job, cutoff) for pin in lock.pins))
        self.build_locks.used[lock.name] = lock
        return lock

    def _with_wheel(self, pin: Pin, job: "_Job", newest_upload: datetime | None) -> Pin:
        """The pin of a build requirement's wheel, built first if the requirement is an sdist."""
        if pin.artifact.is_wheel:
            return pin
        return self.make(pin, job.builder.interpreter.target, newest_upload, job.builder, job.parents).pin(pin)

    def _backend_requires(self, job: "_Job", lock: Lock) -> tuple[str, ...]:
        """The backend's further build requirements: from the store's note of an equal build, else asked in the sandbox and noted."""
        key, part = _key(job, lock), self._part(job, lock)
        if cached_bytes := part.noted(REQUIRES, key) or part.bring_note(REQUIRES, key):
            return _requires_decoder.decode(cached_bytes)
        further, _ = job.builder.requires(self._request(job, lock))
        part.note(REQUIRES, key, msgspec.json.encode(further))
        return further

    def _part(self, job: "_Job", lock: Lock) -> Store:
        """The part of the store for what a build makes: the private one if the sdist or a build requirement is private."""
        pins = [(job.pin, job.pin.origin), *((pin, pin.artifact) for pin in lock.pins)]
        return self._source.artifacts.part_of(
            candidate_of(pin, artifact, self._source.addresses) for pin, artifact in pins
        )

    def _request(self, job: "_Job", lock: Lock) -> BuildRequest:
        """The request for a hook of the sdist's backend in the environment of a lock."""
        return BuildRequest(job.path, job.system, self._environment(job.builder, lock), job.epoch)

    def _environment(self, builder: Builder, lock: Lock) -> Path:
        """The folder of the build environment of a lock, made once for each kind of sandbox."""

        def make() -> Path:
            """Make the environment in a new folder, with the wheels of the lock, which are fetched."""
            folder = Path(tempfile.mkdtemp(dir=self._folders))
            for pin in lock.pins:
                stored = self._source.artifacts.get(candidate_of(pin, pin.artifact, self._source.addresses)).result()
                place(stored.path, folder / "wheels", pin.artifact.filename, pin.artifact.sha256)
            wheels = [folder / "wheels" / pin.artifact.filename for pin in lock.pins]
            make_environment(folder / "env", builder.interpreter, wheels, builder.where_environment(folder / "env"))
            return folder / "env"

        return self._environments.get((lock.name, builder.sandbox.name), make)

    # The wheel

    def _wheel(self, job: "_Job", lock: Lock) -> BuiltWheel:
        """The wheel of a job: from an earlier build with the same inputs, else from a new one, noted for later runs and other machines.

        From now on, its metadata are those of the sdist.

        With `check_reproducible` it is built a second time, and `differing` says how that one differs.
        """
        key = _key(job, lock) + (f"\0{self._auditwheel.described}" if self._auditwheel else "")
        part = self._part(job, lock)
        cached_bytes = part.noted(WHEELS, key) or part.bring_note(WHEELS, key)
        cached = _cached_build_decoder.decode(cached_bytes) if cached_bytes else None
        stored = self._source.artifacts.find(cached.filename, cached.sha256) if cached else None
        if cached and stored:
            wheel = BuiltWheel(cached.filename, stored, replace(cached.built, lock=lock.filename), reused=True)
            self._on_event(BuiltEvent(job.pin.origin.filename, wheel.filename, 0.0, reused=True))
        else:
            wheel = self._build(job, lock, part)
        if not wheel.reused or self._options.only_here:
            self._share(job, wheel, key, part)
        self._source.metadata.learn_built(job.pin.origin.sha256, wheel.stored.contents.metadata)
        if self._options.check_reproducible:
            wheel = replace(wheel, differing=self._differing(job, lock, wheel))
        return replace(wheel, built=replace(wheel.built, kept=self._options.keep_sdists))

    def _share(self, job: "_Job", wheel: BuiltWheel, key: str, part: Store) -> None:
        """Note how a wheel was built, for later runs and for other machines; a reused wheel is offered to them here, a new one
        was before.
        """
        if wheel.reused:
            self._source.artifacts.share(wheel.stored, part)
        note = _CachedBuild(wheel.filename, wheel.stored.sha256, wheel.built)
        part.note(WHEELS, key, msgspec.json.encode(note))
        note_build(part, job.target, wheel.pin(job.pin), self.build_locks)

    def _build(self, job: "_Job", lock: Lock, part: Store) -> BuiltWheel:
        """Build the wheel of a job, and keep it in the store, for other machines too if they share `part`."""
        started = time.monotonic()
        new = self._new_build(job, lock)
        filename, needs = new.path.name, new.needs
        stored = self._source.artifacts.keep(new.path, new.contents, part)
        built = Built(
            sdist=job.pin.origin,
            interpreter=job.builder.interpreter.described,
            glibc=".".join(map(str, needs.glibc)) if needs and needs.glibc else "",
            sealed=job.builder.sandbox.name,
            sandbox=job.builder.sandbox_described,
            lock=lock.filename,
            requires=tuple(f"{pin.project}=={pin.version}" for pin in lock.pins),
            libraries=needs.libraries if needs else (),
            repaired=new.repaired,
        )
        self._on_event(BuiltEvent(job.pin.origin.filename, filename, time.monotonic() - started))
        return BuiltWheel(filename, stored, built, reused=False)

    def _new_build(self, job: "_Job", lock: Lock) -> _NewBuild:
        """A newly built wheel, checked, in its own folder; repaired if auditwheel is there and the wheel has compiled parts.
        Its log is written, but not as a lasting one.
        """
        folder = Path(tempfile.mkdtemp(dir=job.folder))
        wheel, log = job.builder.wheel(self._request(job, lock), folder)
        self._log(job.pin, job.target, log)
        new = _checked(_without_wrong_manylinux(wheel, job), job)
        if new.needs and self._auditwheel:
            new = self._repaired(new, job, self._auditwheel, folder)
        return new

    def _repaired(self, new: _NewBuild, job: "_Job", auditwheel: Auditwheel, folder: Path) -> _NewBuild:
        """The wheel that auditwheel makes; the original, with a warning, if auditwheel fails or makes an invalid wheel."""
        try:
            path = auditwheel.repair(new.path, job.target.platform.tag, job.epoch, folder)
            return _checked(path, job, auditwheel.described)
        except (BuildError, IntegrityError, MachineError) as error:
            self._on_event(Warned(f"wheelhouse uses {new.path.name} without a repair by auditwheel: {error}"))
            return new

    def _log(self, pin: Pin, target: Target, log: bytes, *, lasting: bool = False) -> Path:
        """Write the output of a build to a file, as `Store.log` does, and return its path."""
        return self._source.store.log(f"{pin.origin.filename}-{target.name}.log", log, lasting=lasting)

    def _differing(self, job: "_Job", lock: Lock, wheel: BuiltWheel) -> tuple[str, ...]:
        """What differs in a second build, which is made now: members of the wheel, its name, or only the archive; empty if the
        bytes are the same.
        """
        second = self._new_build(job, lock).path
        if second.name != wheel.filename:
            return (f"the name of the wheel: {second.name}",)
        if sha256_of(second) == wheel.stored.sha256:
            return ()
        first, again = _members(wheel.stored.path), _members(second)
        return tuple(sorted(name for name in first.keys() | again.keys() if first.get(name) != again.get(name))) or (
            "the archive",
        )


@dataclass(frozen=True, slots=True)
class _Job:
    pin: Pin
    target: Target
    path: Path
    system: BuildSystem
    epoch: int
    folder: Path
    builder: Builder
    parents: tuple[str, ...]


def _key(job: _Job, lock: Lock) -> str:
    """The cache key of a build: the sdist, the target, the interpreter, the build requirements, and the sandbox (an image has its own
    libraries).
    """
    builder = job.builder
    parts = (job.pin.origin.sha256, job.target.name, builder.interpreter.described, lock.to_requirements())
    return "\0".join((*parts, builder.sandbox_described or "unsealed"))


def _epoch(sdist: Artifact) -> int:
    """SOURCE_DATE_EPOCH of a build: the upload time of the sdist, in seconds since 1970; 1980-01-01 if it is earlier or unknown."""
    return max(FIRST_EPOCH, int(sdist.upload_time.timestamp())) if sdist.upload_time else FIRST_EPOCH


def _checked(wheel: Path, job: _Job, repaired: str = "") -> _NewBuild:
    """A checked wheel.

    Raises BuildError if it is of another release, not for the target, or needs a newer glibc than that, and as `_inspected`
    does.

    The sdist's own code made it, so nothing about it is trusted.
    """
    check_filename(wheel.name, job.pin, job.target)
    contents = _inspected(wheel, job)
    needs = needs_of_wheel(wheel)
    if reason := too_new(needs.glibc if needs else None, job.target.platform):
        raise BuildError(
            f"its wheel cannot be loaded on {job.target.name}: {reason}",
            hint="build it on an older system: --in-image, with an image whose glibc is not newer than the target's",
        )
    return _NewBuild(wheel, contents, needs, repaired)


def _inspected(wheel: Path, job: _Job) -> InspectedFile:
    """The contents of a built wheel. Raises as `inspect` does, and RefusedError for a finding that is an error.

    No waiver applies to it.
    """
    contents = inspect(wheel, wheel.name)
    NO_WAIVERS.admit(contents.findings, Subject(wheel.name, job.pin.project, sha256_of(wheel)))
    return contents


def _without_wrong_manylinux(wheel: Path, job: _Job) -> Path:
    """The wheel, or a copy tagged as plain linux if it claims a manylinux of the target's machine that is newer than the target's.
    The copy is beside the wheel, which is inspected first: raises as `_inspected` does. Its real needs are checked later.
    """
    with suppress(InvalidWheelFilename):
        *_, tags = wheel_parts(wheel.name)
        linux = job.target.platform.tags[-1]
        plain = frozenset(Tag(tag.interpreter, tag.abi, linux) for tag in tags)
        machine = linux.removeprefix("linux")
        claims = all(tag.platform.startswith("manylinux") and tag.platform.endswith(machine) for tag in tags)
        if claims and job.target.rank(tags) is None and job.target.rank(plain) is not None:
            _inspected(wheel, job)
            return retagged(wheel, linux)
    return wheel


def check_filename(filename: str, pin: Pin, target: Target) -> None:
    """Raise BuildError if a name is no wheel's, or that of another release than the pin's, or does not fit the target."""
    try:
        project, version, _, tags = wheel_parts(filename)
    except ValueError as error:
        raise BuildError(f"its build made `{filename}`, which is not the name of a wheel") from error
    if (project, version) != (pin.project, pin.version):
        raise BuildError(f"its build made a wheel of a different release: {project} {version}")
    if target.rank(tags) is None:
        raise BuildError(f"its build made `{filename}`, which does not fit {target.name}")


def _members(path: Path) -> dict[str, tuple[int, int, tuple[int, ...], int]]:
    """CRC, size, time and attributes of each member of a wheel, by name: what two equal builds share."""
    with zipfile.ZipFile(path) as archive:
        return {m.filename: (m.CRC, m.file_size, m.date_time, m.external_attr) for m in archive.infolist()}
