"""Locks of build environments: what an sdist's `[build-system]` requires, resolved as of the sdist's upload date.

They are resolved for the builder's own target, as of the later of that day and that of the newest artifact that was requested,
moved on only to the first setuptools that works under that Python. A lock is `build/pylock.<builder's target>-<label>.toml`;
the label comes from the inputs. If wheels need more than the lock holds, it is resolved again.
"""

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
    """Resolves build environments, each once. `existing` has the wheelhouse's build locks, by name.

    `used` has the locks that were requested, `constraints` the texts of their constraints, both by the lock's name.
    """

    def __init__(
        self, source: PackageSource, existing: Mapping[str, Lock], options: BuildOptions, on_event: Listener = ignore
    ) -> None:
        self._source, self._existing, self._options, self._on_event = source, existing, options, on_event
        self._locking = Once()
        self.used: dict[str, Lock] = {}
        self.constraints: dict[str, str] = {}

    def cutoff(self, sdist: Artifact, newest_upload: datetime | None) -> datetime | None:
        """The upload cutoff for build requirements: the user's, else the end of the later day of the sdist's upload and `newest_upload`.

        None, with a warning, if the sdist's upload time is unknown.
        """
        if self._options.prior_to:
            return self._options.prior_to
        if sdist.upload_time is None:
            self._on_event(
                Warned(
                    f"the index does not say when {sdist.filename} was uploaded: the build uses today's newest build requirements"
                )
            )
            return None
        return end_of_day(max(sdist.upload_time, newest_upload or sdist.upload_time))

    def _late_enough(self, cutoff: datetime, lines: Iterable[RequirementLine], target: Target) -> datetime:
        """The cutoff, or if that is later, the end of the day of the first setuptools that can build under the target's Python.

        It is moved only if the lines name setuptools, and if the index says when such a file was uploaded.
        """
        if SETUPTOOLS not in {line.project for line in lines} or not (
            page := self._source.pages.get(SETUPTOOLS).result()
        ):
            return cutoff
        floor = setuptools_floor(target.python)
        candidates = (
            candidate for version in page.versions if version >= floor for candidate in page.candidates(version)
        )
        first = min((candidate.upload_time for candidate in candidates if candidate.upload_time), default=None)
        return max(cutoff, end_of_day(datetime.fromisoformat(first))) if first else cutoff

    def lock(self, target: Target, sdist: Artifact, requires: Iterable[str], cutoff: datetime | None) -> Lock:
        """The lock of a build environment for a target: the existing one for the same inputs, else a new one. It is noted in
        `used`, its constraints in `constraints`: the user's, and `setuptools_floor` if it names setuptools.

        Raises NoSolutionError if the requirements have no solution, InputError for one that cannot be read.
        """
        lines = build_lines(requires, sdist.filename)
        constraints = self._options.constraints
        if SETUPTOOLS in {line.project for line in lines}:
            floor = f"{SETUPTOOLS}>={setuptools_floor(target.python)}"
            constraints += (parse_line(floor, f"the oldest setuptools for Python {target.python.minor}"),)
        text = "".join(f"{line.requirement}\n" for line in constraints)
        inputs = Inputs(
            requirements=tuple(sorted({str(line.requirement) for line in lines})),
            locations=self._source.locations.redacted,
            selection=Selection(uploaded_prior_to=cutoff),
            constraints_sha256=sha256_of_text(text) if text else None,
        )
        request = ResolutionRequest(target, lines, constraints, inputs.selection)
        lock = self._locking.get((target.name, inputs.label), lambda: self._resolved(request, inputs))
        self.used[lock.name] = lock
        if text:
            self.constraints[lock.name] = text
        return lock

    def _resolved(self, request: ResolutionRequest, inputs: Inputs) -> Lock:
        """The existing lock by the same name and inputs, else a new one, resolved with the cutoff moved on if setuptools needs that."""
        lock = Lock(request.target, inputs, label=inputs.label)
        existing = self._existing.get(lock.name)
        if existing and existing.inputs.same_job(inputs):
            return existing
        if cutoff := request.selection.uploaded_prior_to:
            moved = self._late_enough(cutoff, request.requirements, request.target)
            request = replace(request, selection=Selection(uploaded_prior_to=moved))
        resolved = resolve(request, self._source, self._on_event)
        return replace(lock, pins=pins_of(resolved, self._source))
