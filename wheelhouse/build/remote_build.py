"""Builds in a pool of other machines: a task has all that a build needs, an answer has all that comes of it.

The pool has the interface of `concurrent.futures`. A worker runs the same `SdistBuilds` as this machine does. What an answer holds is
checked here as a wheel of a build here is: nothing that an sdist's code made is trusted.
"""

import hashlib
import tempfile
import time
from collections.abc import Callable, Mapping
from concurrent.futures import Future
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

from wheelhouse.archive.filenames import filename_of
from wheelhouse.archive.metadata import InspectedFile
from wheelhouse.archive.waivers import NO_WAIVERS
from wheelhouse.archive.wheelfile import inspect
from wheelhouse.build.auditwheel import find_auditwheel
from wheelhouse.build.pending import BuildOptions
from wheelhouse.build.sdist_builds import BuiltWheel, SdistBuilds, check_filename
from wheelhouse.errors import BuildError, IntegrityError, WheelhouseError
from wheelhouse.events import Built as BuiltEvent
from wheelhouse.events import Finished, Listener, Waiting, ignore
from wheelhouse.files.temporary import scratch_folder
from wheelhouse.findings import Subject
from wheelhouse.index.artifact_store import StoredFile
from wheelhouse.index.locations import IndexLocation
from wheelhouse.index.package_source import PackageSource
from wheelhouse.lock.lock import Built, Lock, Pin
from wheelhouse.sandbox.builder import BuildLocation, open_builder
from wheelhouse.target.target import Target


@dataclass(frozen=True, slots=True)
class BuildTask:
    """One sdist to build for a target. `locations` have no credentials: a worker has its own.

    `sdist` are its bytes; `newest_upload` is that of the requested projects; `build_locks` are those of the wheelhouse.
    """

    pin: Pin
    target: Target
    sdist: bytes
    newest_upload: datetime | None
    build_locks: Mapping[str, Lock]
    options: BuildOptions
    locations: tuple[IndexLocation, ...]


@dataclass(frozen=True, slots=True)
class BuildAnswer:
    """A wheel that a worker built: its bytes, how it was built, the build locks with their constraints, by name.

    `required` has the bytes of the build requirements that the worker built as well, by file name.
    """

    filename: str
    wheel: bytes
    built: Built
    differing: tuple[str, ...]
    build_locks: Mapping[str, Lock] = field(default_factory=dict)
    constraints: Mapping[str, str] = field(default_factory=dict)
    required: Mapping[str, bytes] = field(default_factory=dict)


Submit = Callable[[BuildTask], "Future[BuildAnswer]"]
"""Gives a task to a pool."""


def run_task(task: BuildTask, location: BuildLocation, source: PackageSource) -> BuildAnswer:
    """Build on this machine what another one asks for. Raises BuildError, with the log if there is one, for any WheelhouseError."""
    try:
        with scratch_folder("task") as folder:
            (folder / filename_of(task.pin.origin.filename)).write_bytes(task.sdist)
            auditwheel = None if location.image else find_auditwheel(location.places.path)
            builds = SdistBuilds(folder, source, task.options, auditwheel, task.build_locks)
            try:
                wheel = builds.make(task.pin, task.target, task.newest_upload, open_builder(task.target, location, 1))
                return _answer(wheel, builds, source)
            finally:
                builds.close()
    except WheelhouseError as error:  # others cannot be pickled
        log = error.log if isinstance(error, BuildError) else b""
        raise BuildError(str(error), hint=error.hint, details=error.details, log=log) from None


def _answer(wheel: BuiltWheel, builds: SdistBuilds, source: PackageSource) -> BuildAnswer:
    """The answer with a built wheel, all build locks that were used, and the bytes of the wheels that were built for them.

    One of these wheels that the store no longer has is left out.
    """
    locks = builds.build_locks.used
    built = [pin.artifact for lock in locks.values() for pin in lock.pins if pin.built]
    stored = {artifact.filename: source.artifacts.find(artifact.filename, artifact.sha256) for artifact in built}
    return BuildAnswer(
        wheel.filename,
        wheel.stored.path.read_bytes(),
        wheel.built,
        wheel.differing,
        dict(locks),
        dict(builds.build_locks.constraints),
        {name: file.path.read_bytes() for name, file in stored.items() if file},
    )


class RemoteBuilds:
    """Gives builds to a pool, and takes its answers into the store and among the build locks of this run."""

    def __init__(
        self,
        submit: Submit,
        builds: SdistBuilds,
        existing: Mapping[str, Lock],
        options: BuildOptions,
        source: PackageSource,
        on_event: Listener = ignore,
    ) -> None:
        self._submit, self._builds, self._existing = submit, builds, existing
        self._options, self._source, self._on_event = options, source, on_event

    def make(self, pin: Pin, target: Target, newest_upload: datetime | None) -> BuiltWheel:
        """The wheel of an sdist for a target, built by the pool, checked and kept in the store.

        From now on, its metadata are those of the sdist. Raises as `SdistBuilds.sdist` does, and BuildError if no worker built
        it, or if the wheel does not fit or was confined less than the policy demands;
        IntegrityError for any other bad answer.
        """
        subject, started = f"{pin.origin.filename} (build)", time.monotonic()
        self._on_event(Waiting(subject))
        with scratch_folder("answer") as folder:
            sdist = self._builds.sdist(pin, folder).read_bytes()
            locations = self._source.locations.redacted
            task = BuildTask(pin, target, sdist, newest_upload, self._existing, self._options, locations)
            answer = self._answer(task)
            wheel = self._adopted(answer, task, folder)
        self._on_event(BuiltEvent(pin.origin.filename, wheel.filename, time.monotonic() - started))
        self._on_event(Finished(subject))
        return wheel

    def _answer(self, task: BuildTask) -> BuildAnswer:
        """What the pool answers; it is waited for.

        An error of wheelhouse is raised as it is; any other, as of workers that died of the task, becomes a BuildError.
        """
        try:
            return self._submit(task).result()
        except WheelhouseError:
            raise
        except Exception as error:
            name = type(error).__name__
            hint = "see the logs of the workers"
            raise BuildError(f"the pool of workers did not build it: {name}", hint=hint) from error

    def _adopted(self, answer: BuildAnswer, task: BuildTask, folder: Path) -> BuiltWheel:
        """The wheel of an answer, checked and kept in the store, with the build requirements that were built for it.

        Its build locks join those of this run, and from now on, its metadata are those of the sdist.

        Raises BuildError for a wheel that does not fit or was confined less than the policy demands, IntegrityError for other bytes.
        """
        check_filename(answer.filename, task.pin, task.target)
        if not task.options.sandbox <= answer.built.held:
            raise BuildError(
                f"a worker built it in a sandbox that does not satisfy the policy: {answer.built.sandbox or 'none'}"
            )
        pins = {pin.artifact.filename: pin for lock in answer.build_locks.values() for pin in lock.pins}
        for name, content in answer.required.items():
            if name not in pins or hashlib.sha256(content).hexdigest() != pins[name].artifact.sha256:
                raise IntegrityError(f"a worker sent `{name}`, which differs from the file that its build lock lists")
            self._kept(name, content, pins[name], folder)
        stored = self._kept(answer.filename, answer.wheel, task.pin, folder)
        self._builds.build_locks.used.update(answer.build_locks)
        self._builds.build_locks.constraints.update(answer.constraints)
        self._source.metadata.learn_built(task.pin.origin.sha256, stored.contents.metadata)
        return BuiltWheel(answer.filename, stored, answer.built, reused=False, differing=answer.differing)

    def _kept(self, name: str, content: bytes, pin: Pin, folder: Path) -> StoredFile:
        """Inspect a wheel of an answer as one that was built here, and keep it in the store. Raises RefusedError for an error in it;
        no waiver applies. Nothing is compared with `pin`: only its project is used, in a refusal.
        """
        path = Path(tempfile.mkdtemp(dir=folder)) / filename_of(name)
        path.write_bytes(content)
        contents: InspectedFile = inspect(path, name)
        NO_WAIVERS.admit(contents.findings, Subject(name, pin.project, hashlib.sha256(content).hexdigest()))
        return self._source.artifacts.keep(path, contents)
