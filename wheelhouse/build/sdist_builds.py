"""One sdist → one wheel: its build requirements locked as of their day, its environment, its build, what came of it."""

import tempfile
import time
import zipfile
from collections.abc import Iterable, Mapping
from contextlib import suppress
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
from wheelhouse.archive.waivers import NO_WAIVERS, Subject
from wheelhouse.archive.wheelfile import inspect
from wheelhouse.build.auditwheel import Auditwheel
from wheelhouse.build.build_locks import BuildLocks
from wheelhouse.build.build_requirements import satisfied, too_new
from wheelhouse.build.environment import make_environment
from wheelhouse.build.pending import BuildOptions
from wheelhouse.errors import BuildError, IntegrityError, MachineError
from wheelhouse.events import Built as BuiltEvent
from wheelhouse.events import Finished, Listener, Waiting, Warned, ignore
from wheelhouse.fetch.fetch import candidate_of
from wheelhouse.files.disk import has_locked_bytes, place, sha256_of
from wheelhouse.files.tasks import Once
from wheelhouse.index.package_source import PackageSource, StoredFile
from wheelhouse.lock.lock import Built, Lock, Pin
from wheelhouse.sandbox.builder import Builder, BuildRequest
from wheelhouse.target.target import Target

REQUIRES, WHEELS = "build-requires-1", "builds-1"
FIRST_EPOCH = 315532800
"""1980-01-01, the first day that a wheel can tell."""


@dataclass(frozen=True, slots=True)
class BuiltWheel:
    """A wheel that was made of an sdist. `differing` names what a second build made otherwise, where that was asked."""

    filename: str
    stored: StoredFile
    built: Built
    reused: bool
    differing: tuple[str, ...] = ()

    def pin(self, pin: Pin) -> Pin:
        """The sdist's pin, with the wheel in its place; what the wheel says of itself is final."""
        artifact = Artifact(self.filename, self.stored.sha256, self.stored.size)
        return replace(pin, artifact=artifact, built=self.built, provisional=None, build_lock="", build_lacks="")


@dataclass(frozen=True, slots=True)
class _NewBuild:
    """A wheel as it came from the room, or as `repaired` by what that names."""

    path: Path
    contents: InspectedFile
    needs: Needs | None
    repaired: str = ""


class _CachedBuild(msgspec.Struct, frozen=True):
    filename: str
    sha256: str
    built: Built


_noted, _asks = msgspec.json.Decoder(_CachedBuild), msgspec.json.Decoder(tuple[str, ...])


class SdistBuilds:
    """Builds sdists, each once. `standing` are the build locks that the house had."""

    def __init__(
        self,
        folder: Path,
        supply: PackageSource,
        wishes: BuildOptions,
        auditwheel: Auditwheel | None,
        standing: Mapping[str, Lock],
        on_event: Listener = ignore,
    ) -> None:
        self._folder, self._supply, self._wishes, self._auditwheel = folder, supply, wishes, auditwheel
        self._on_event = on_event
        self._making, self._furnishing = Once(), Once()
        self._scratch = tempfile.TemporaryDirectory(prefix="wheelhouse-build-")
        self.build_locks = BuildLocks(supply, standing, wishes, on_event)

    def close(self) -> None:
        """Remove what the builds were made with."""
        self._scratch.cleanup()

    def make(
        self, pin: Pin, target: Target, asked: datetime | None, builder: Builder, within: tuple[str, ...] = ()
    ) -> BuiltWheel:
        """The wheel of an sdist for a target. `asked` is when the newest of what was asked for was uploaded.

        Raises BuildError where it cannot be built, IntegrityError where what comes of it is not its wheel.
        """
        if pin.project in within:
            chain = " → ".join([*within, pin.project])
            raise BuildError(f"its build needs its own project, which has no wheel: {chain}")
        further = (*within, str(pin.project))
        if within:  # two that need each other must not wait for each other
            return self._logged(pin, target, asked, builder, further)
        key = (pin.origin.sha256, target.name)
        return self._making.get(key, lambda: self._logged(pin, target, asked, builder, further))

    def _logged(
        self, pin: Pin, target: Target, asked: datetime | None, builder: Builder, within: tuple[str, ...]
    ) -> BuiltWheel:
        try:
            return self._make(pin, target, asked, builder, within)
        except BuildError as error:
            if error.log and not error.details:
                error.details = (f"log: {self._log(pin, target, error.log, lasting=True)}",)
            raise

    def _make(
        self, pin: Pin, target: Target, asked: datetime | None, builder: Builder, within: tuple[str, ...]
    ) -> BuiltWheel:
        sdist = pin.origin
        subject = f"{sdist.filename} (build)"
        self._on_event(Waiting(subject))
        folder = Path(tempfile.mkdtemp(dir=self._scratch.name))
        path = self._sdist(pin, folder)
        system = build_system(read_pyproject(path, sdist.filename), sdist.filename)
        job = _Job(pin, target, path, system, _epoch(sdist), folder, builder, within)
        cutoff = self.build_locks.cutoff(sdist, asked)
        lock = self._lock(job, system.requires, cutoff)
        asks = self._asks(job, lock)
        if not satisfied(lock, asks):
            lock = self._lock(job, (*system.requires, *asks), cutoff)
        made = self._wheel(job, lock)
        self._on_event(Finished(subject, reused=made.reused))
        return made

    def _sdist(self, pin: Pin, folder: Path) -> Path:
        """The sdist, under its own name and with its own bytes."""
        sdist = pin.origin
        if has_locked_bytes(self._folder, sdist):
            source = self._folder / sdist.filename
        else:
            source = self._supply.artifact(candidate_of(pin, sdist)).result().path
        place(source, folder, sdist.filename, sdist.sha256)
        return folder / sdist.filename

    # Build requirements

    def _lock(self, job: "_Job", requires: Iterable[str], cutoff: datetime | None) -> Lock:
        """The lock of a build environment, with a wheel in the place of each sdist."""
        lock = self.build_locks.lock(job.builder.interpreter.target, job.pin.origin, requires, cutoff)
        lock = replace(lock, pins=tuple(self._with_wheel(pin, job, cutoff) for pin in lock.pins))
        self.build_locks.used[lock.name] = lock
        return lock

    def _with_wheel(self, pin: Pin, job: "_Job", asked: datetime | None) -> Pin:
        """A build requirement that is an sdist itself is built first."""
        if pin.artifact.is_wheel:
            return pin
        return self.make(pin, job.builder.interpreter.target, asked, job.builder, job.within).pin(pin)

    def _asks(self, job: "_Job", lock: Lock) -> tuple[str, ...]:
        """What the backend asks for beside what is declared: asked in the room, once for each lock."""
        key = _key(job, lock)
        if noted := self._supply.cache.noted(REQUIRES, key):
            return _asks.decode(noted)
        asks, _ = job.builder.requires(self._asked(job, lock))
        self._supply.cache.note(REQUIRES, key, msgspec.json.encode(asks))
        return asks

    def _asked(self, job: "_Job", lock: Lock) -> BuildRequest:
        return BuildRequest(job.path, job.system, self._environment(job.builder, lock), job.epoch)

    def _environment(self, builder: Builder, lock: Lock) -> Path:
        """The environment of a lock, made once."""

        def make() -> Path:
            folder = Path(tempfile.mkdtemp(dir=self._scratch.name))
            for pin in lock.pins:
                stored = self._supply.artifact(candidate_of(pin, pin.artifact)).result()
                place(stored.path, folder / "wheels", pin.artifact.filename, pin.artifact.sha256)
            wheels = [folder / "wheels" / pin.artifact.filename for pin in lock.pins]
            make_environment(folder / "env", builder.interpreter, wheels, builder.where_environment(folder / "env"))
            return folder / "env"

        return self._furnishing.get((lock.name, builder.sandbox.sealed), make)

    # The wheel

    def _wheel(self, job: "_Job", lock: Lock) -> BuiltWheel:
        key = _key(job, lock) + (f"\0{self._auditwheel.described}" if self._auditwheel else "")
        noted = self._supply.cache.noted(WHEELS, key)
        known = _noted.decode(noted) if noted else None
        stored = self._supply.kept(known.filename, known.sha256) if known else None
        if known and stored:
            made = BuiltWheel(known.filename, stored, replace(known.built, lock=lock.filename), reused=True)
            self._on_event(BuiltEvent(job.pin.origin.filename, made.filename, 0.0, reused=True))
        else:
            made = self._build(job, lock)
            note = _CachedBuild(made.filename, made.stored.sha256, made.built)
            self._supply.cache.note(WHEELS, key, msgspec.json.encode(note))
        self._supply.learn(job.pin.origin.sha256, made.stored.contents.metadata)
        if self._wishes.check_reproducible:
            made = replace(made, differing=self._differing(job, lock, made))
        return replace(made, built=replace(made.built, kept=self._wishes.keep_sdists))

    def _build(self, job: "_Job", lock: Lock) -> BuiltWheel:
        started = time.monotonic()
        fresh = self._fresh(job, lock)
        filename, needs = fresh.path.name, fresh.needs
        stored = self._supply.keep(fresh.path, fresh.contents)
        built = Built(
            sdist=job.pin.origin,
            interpreter=job.builder.interpreter.described,
            glibc=".".join(map(str, needs.glibc)) if needs and needs.glibc else "",
            sealed=job.builder.sandbox.sealed,
            lock=lock.filename,
            requires=tuple(f"{pin.project}=={pin.version}" for pin in lock.pins),
            libraries=needs.libraries if needs else (),
            repaired=fresh.repaired,
        )
        self._on_event(BuiltEvent(job.pin.origin.filename, filename, time.monotonic() - started))
        return BuiltWheel(filename, stored, built, reused=False)

    def _fresh(self, job: "_Job", lock: Lock) -> _NewBuild:
        """A wheel fresh from the room, repaired and checked, in a folder of its own."""
        folder = Path(tempfile.mkdtemp(dir=job.folder))
        wheel, log = job.builder.wheel(self._asked(job, lock), folder)
        self._log(job.pin, job.target, log)
        fresh = _checked(_honest(wheel, job), job)
        if fresh.needs and self._auditwheel:
            fresh = self._repaired(fresh, job, self._auditwheel, folder)
        return fresh

    def _repaired(self, fresh: _NewBuild, job: "_Job", auditwheel: Auditwheel, folder: Path) -> _NewBuild:
        """The wheel that auditwheel makes of one; the same, with a warning, where it cannot, or where that is none."""
        try:
            path = auditwheel.repair(fresh.path, job.target.platform.tag, job.epoch, folder)
            return _checked(path, job, auditwheel.described)
        except (BuildError, IntegrityError, MachineError) as error:
            self._on_event(Warned(f"{fresh.path.name} stays as it was built: {error}"))
            return fresh

    def _log(self, pin: Pin, target: Target, log: bytes, *, lasting: bool = False) -> Path:
        """Keep what a build printed, and say where."""
        return self._supply.cache.log(f"{pin.origin.filename}-{target.name}.log", log, lasting=lasting)

    def _differing(self, job: "_Job", lock: Lock, made: BuiltWheel) -> tuple[str, ...]:
        """What a second build makes otherwise: members of the wheel, or its name; nothing where the bytes are the same."""
        second = self._fresh(job, lock).path
        if second.name != made.filename:
            return (f"its name is {second.name}",)
        if sha256_of(second) == made.stored.sha256:
            return ()
        one, other = _members(made.stored.path), _members(second)
        return tuple(sorted(name for name in one.keys() | other.keys() if one.get(name) != other.get(name))) or (
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
    within: tuple[str, ...]


def _key(job: _Job, lock: Lock) -> str:
    """What a build is known by: the sdist, the target, what it is built with, and the room: an image's libraries are its own."""
    builder = job.builder
    parts = (job.pin.origin.sha256, job.target.name, builder.interpreter.described, lock.to_requirements())
    return "\0".join((*parts, builder.sandbox.sealed or "unsealed"))


def _epoch(sdist: Artifact) -> int:
    return max(FIRST_EPOCH, int(sdist.upload_time.timestamp())) if sdist.upload_time else FIRST_EPOCH


def _checked(wheel: Path, job: _Job, repaired: str = "") -> _NewBuild:
    """A wheel that was made here. Raises BuildError where it is another's, or cannot be used on the target; RefusedError
    where it is no sound archive: whatever runs in the room says what comes out of it.
    """
    _must_be_named(wheel.name, job)
    contents = _sound(wheel, job)
    needs = needs_of_wheel(wheel)
    if reason := too_new(needs.glibc if needs else None, job.target.platform):
        raise BuildError(
            f"its wheel cannot be loaded on {job.target.name}: {reason}",
            hint="build it on an older system: --in-image, with an image that has the target's glibc or an older one",
        )
    return _NewBuild(wheel, contents, needs, repaired)


def _sound(wheel: Path, job: _Job) -> InspectedFile:
    """What a wheel says of itself that was made here: no waiver lets one pass."""
    contents = inspect(wheel, wheel.name)
    NO_WAIVERS.admit(contents.findings, Subject(wheel.name, job.pin.project, sha256_of(wheel)))
    return contents


def _honest(wheel: Path, job: _Job) -> Path:
    """A wheel that claims the manylinux of this machine, newer than the target's, without the claim: what it needs is looked up."""
    with suppress(InvalidWheelFilename):
        *_, tags = wheel_parts(wheel.name)
        linux = job.target.platform.tags[-1]
        plain = frozenset(Tag(tag.interpreter, tag.abi, linux) for tag in tags)
        claims = all(tag.platform.startswith("manylinux") for tag in tags)
        if claims and job.target.rank(tags) is None and job.target.rank(plain) is not None:
            _sound(wheel, job)
            return retagged(wheel, linux)
    return wheel


def _must_be_named(filename: str, job: _Job) -> None:
    try:
        project, version, _, tags = wheel_parts(filename)
    except ValueError as error:
        raise BuildError(f"its build made `{filename}`, which is no wheel's name") from error
    if (project, version) != (job.pin.project, job.pin.version):
        raise BuildError(f"its build made a wheel of {project} {version}")
    if job.target.rank(tags) is None:
        raise BuildError(f"its build made `{filename}`, which does not fit {job.target.name}")


def _members(path: Path) -> dict[str, tuple[int, int, tuple[int, ...], int]]:
    with zipfile.ZipFile(path) as archive:
        return {m.filename: (m.CRC, m.file_size, m.date_time, m.external_attr) for m in archive.infolist()}
