"""Locks of build environments: what an sdist's `[build-system]` requires, resolved as of the sdist's own day."""

from collections.abc import Iterable, Mapping
from dataclasses import replace
from datetime import datetime

from packaging.utils import NormalizedName

from wheelhouse.archive.artifact import Artifact
from wheelhouse.build.build_requirements import build_lines, end_of_day, setuptools_floor
from wheelhouse.build.pending import BuildOptions
from wheelhouse.events import Listener, Warned, ignore
from wheelhouse.fetch.locking import pins_of
from wheelhouse.files.tasks import Once
from wheelhouse.index.package_source import PackageSource
from wheelhouse.lock.lock import Inputs, Lock
from wheelhouse.lock.wheelhouse import sha256_of_text
from wheelhouse.resolve.requirements import RequirementLine, parse_line
from wheelhouse.resolve.resolution import ResolutionRequest
from wheelhouse.resolve.search import resolve
from wheelhouse.resolve.selection import Selection
from wheelhouse.target.target import Target

SETUPTOOLS = NormalizedName("setuptools")


class BuildLocks:
    """Resolves build environments, each once. `standing` are the build locks that the wheelhouse had, by name.

    `used` are the locks that were asked for, `constraints` their texts, both by the lock's name.
    """

    def __init__(
        self, supply: PackageSource, standing: Mapping[str, Lock], wishes: BuildOptions, on_event: Listener = ignore
    ) -> None:
        self._supply, self._standing, self._wishes, self._on_event = supply, standing, wishes, on_event
        self._locking = Once()
        self.used: dict[str, Lock] = {}
        self.constraints: dict[str, str] = {}

    def cutoff(self, sdist: Artifact, asked: datetime | None) -> datetime | None:
        """The end of the day that the build is made as of: its own or that of what was asked for, whichever is later."""
        if self._wishes.prior_to:
            return self._wishes.prior_to
        if sdist.upload_time is None:
            self._on_event(
                Warned(
                    f"the index does not say when {sdist.filename} was uploaded: it is built with what is newest today"
                )
            )
            return None
        return end_of_day(max(sdist.upload_time, asked or sdist.upload_time))

    def _raised(self, cutoff: datetime, lines: Iterable[RequirementLine], target: Target) -> datetime:
        """A cutoff moved on to the first setuptools that can build under the target's Python, where it lies before."""
        if SETUPTOOLS not in {line.project for line in lines} or not (page := self._supply.page(SETUPTOOLS).result()):
            return cutoff
        floor = setuptools_floor(target.python)
        able = (candidate for version in page.versions if version >= floor for candidate in page.candidates(version))
        first = min((candidate.upload_time for candidate in able if candidate.upload_time), default=None)
        return max(cutoff, end_of_day(datetime.fromisoformat(first))) if first else cutoff

    def lock(self, target: Target, sdist: Artifact, requires: Iterable[str], cutoff: datetime | None) -> Lock:
        """The lock of a build environment for a target: the standing one for the same inputs, else a new one.

        Raises NoSolutionError where no index has what is required.
        """
        lines = build_lines(requires, sdist.filename)
        constraints = self._wishes.constraints
        if SETUPTOOLS in {line.project for line in lines}:
            floor = f"{SETUPTOOLS}>={setuptools_floor(target.python)}"
            constraints += (parse_line(floor, f"what Python {target.python.minor} demands"),)
        text = "".join(f"{line.requirement}\n" for line in constraints)
        inputs = Inputs(
            requirements=tuple(sorted({str(line.requirement) for line in lines})),
            locations=self._supply.locations.told,
            selection=Selection(uploaded_prior_to=cutoff),
            constraints_sha256=sha256_of_text(text) if text else None,
        )
        question = ResolutionRequest(target, lines, constraints, inputs.selection)
        lock = self._locking.get((target.name, inputs.label), lambda: self._resolved(question, inputs))
        self.used[lock.name] = lock
        if text:
            self.constraints[lock.name] = text
        return lock

    def _resolved(self, question: ResolutionRequest, inputs: Inputs) -> Lock:
        lock = Lock(question.target, inputs, label=inputs.label)
        standing = self._standing.get(lock.name)
        if standing and standing.inputs.same_job(inputs):
            return standing
        if cutoff := question.selection.uploaded_prior_to:
            moved = self._raised(cutoff, question.requirements, question.target)
            question = replace(question, selection=Selection(uploaded_prior_to=moved))
        answers = resolve(question, self._supply, self._on_event)
        return replace(lock, pins=pins_of(answers, self._supply))
