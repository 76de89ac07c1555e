"""A job: what one run of `fetch` or `lock` must do, gathered from the command line and from wheelhouse.toml (pure)."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from packaging.utils import NormalizedName
from packaging.version import Version

from wheelhouse.airflow import Airflow
from wheelhouse.archive.artifact import Candidate
from wheelhouse.archive.overrides import Adjustments
from wheelhouse.errors import InputError, WheelhouseError
from wheelhouse.index.locations import IndexLocation
from wheelhouse.lock.lock import ConstraintsFile, Inputs
from wheelhouse.lock.wheelhouse import sha256_of_text
from wheelhouse.resolve.direct import DirectSource
from wheelhouse.resolve.requirements import RequirementLine
from wheelhouse.resolve.resolution import ResolutionRequest
from wheelhouse.resolve.selection import ANYTHING, Selection
from wheelhouse.target.target import Target

NOTHING: Mapping[NormalizedName, Version] = {}


@dataclass(frozen=True, slots=True)
class Constraints:
    """A constraints file: where it was read, its text verbatim, and its lines."""

    source: str
    text: str
    lines: tuple[RequirementLine, ...]


@dataclass(frozen=True, slots=True)
class Part:
    """One target of a job, and its constraints: they may differ from target to target, requirements do not.

    `given` are the files that a lock of another tool names for the target; if there are any, nothing is resolved.
    """

    target: Target
    constraints: tuple[Constraints, ...] = ()
    given: tuple[Candidate, ...] = ()

    @property
    def constraints_text(self) -> str | None:
        """All constraints in one text: verbatim if there is one file, else each under a comment that names it; None if there
        are none.
        """
        if len(self.constraints) < 2:
            return self.constraints[0].text if self.constraints else None
        return "".join(f"# {file.source}\n{file.text.rstrip()}\n" for file in self.constraints)


@dataclass(frozen=True, slots=True)
class Job:
    """Requirements for some targets.

    `airflow` is the release of `--airflow`, if any; `without` names the database clients that its image leaves out.
    `given_sha256` is the hash of the lock of another tool that replaces the requirements. `upgrade` and `upgrade_projects`
    say which pins of existing locks are not preferred. `pip_config` is what pip's configuration gave, without credentials.
    `failed` are the errors of targets, by name, that have no part. `settings_sha256` is the hash of the path from the
    wheelhouse to the folder of the settings file, if that file alone gives the requirements.
    """

    requirements: tuple[RequirementLine, ...]
    parts: tuple[Part, ...]
    selection: Selection = ANYTHING
    overrides: tuple[RequirementLine, ...] = ()
    excluded: frozenset[NormalizedName] = frozenset()
    given_sha256: str | None = None
    airflow: Airflow | None = None
    without: tuple[str, ...] = ()
    pip_config: tuple[str, ...] = ()
    upgrade: bool = False
    upgrade_projects: frozenset[NormalizedName] = field(default=frozenset())
    failed: Mapping[str, WheelhouseError] = field(default_factory=dict)
    settings_sha256: str | None = None
    resolve_seconds: float | None = None

    @property
    def adjustments(self) -> Adjustments:
        """Overrides and exclusions."""
        return Adjustments(tuple(line.requirement for line in self.overrides), self.excluded)

    def direct(self, target: Target) -> dict[NormalizedName, DirectSource]:
        """The file that the user named for each project on a target, in a requirement or an override; projects without one
        are left out. Raises InputError for two different files of one project, also if only their hashes differ, and as
        `Target.applies` does.
        """
        sources: dict[NormalizedName, DirectSource] = {}
        for line in (*self.requirements, *self.overrides):
            if line.source and target.applies(line.requirement.marker):
                other = sources.setdefault(line.project, line.source)
                if other.shown != line.source.shown:
                    raise InputError(
                        f"{line.origin}: {line.project} is requested from two files, {other.shown} and {line.source.shown}"
                    )
        return sources

    def request(self, part: Part, preferred: Mapping[NormalizedName, Version] = NOTHING) -> ResolutionRequest:
        """What the resolver is asked for one target. `preferred` are pins of its existing lock; the caller left out
        those of `upgrade`.

        Raises InputError as `direct` does.
        """
        return ResolutionRequest(
            target=part.target,
            requirements=self.requirements,
            constraints=tuple(line for file in part.constraints for line in file.lines),
            selection=self.selection,
            adjustments=self.adjustments,
            direct=self.direct(part.target),
            preferred=preferred,
            seconds=self.resolve_seconds,
        )

    @property
    def own_files(self) -> dict[str, str]:
        """The location of each file that the job names itself, by file name: paths and URLs of requirements and overrides,
        with their credentials, and local files of another tool's lock. A lock holds neither local paths nor credentials.
        """
        sources = (line.source for line in (*self.requirements, *self.overrides))
        named = {source.filename: source.location for source in sources if source}
        given = (candidate for part in self.parts for candidate in part.given if candidate.is_local)
        return named | {candidate.filename: candidate.url for candidate in given}

    def _hashes_sha256(self, part: Part) -> str | None:
        """The sha256 of all hashes in `--hash` options of requirements and constraints; None if there are none. Those in
        URLs, and those of overrides, do not count.
        """
        lines = (*self.requirements, *(line for file in part.constraints for line in file.lines))
        text = "".join(sorted(f"{line.project} {' '.join(sorted(line.hashes))}\n" for line in lines if line.hashes))
        return sha256_of_text(text) if text else None

    def inputs(self, part: Part, locations: tuple[IndexLocation, ...]) -> Inputs:
        """The inputs that decide the lock of one part. `locations` must be without credentials: they are taken as they are.
        With the lock of another tool, the requirements are its pins for this target.
        """
        text = part.constraints_text
        given = {f"{candidate.project}=={candidate.version}" for candidate in part.given}
        return Inputs(
            requirements=tuple(sorted(given or {line.text for line in self.requirements})),
            constraints=tuple(ConstraintsFile(file.source, sha256_of_text(file.text)) for file in part.constraints),
            locations=locations,
            pip_config=self.pip_config,
            settings_sha256=self.settings_sha256,
            selection=self.selection,
            overrides=tuple(sorted({line.text for line in self.overrides})),
            excluded=tuple(sorted(self.excluded)),
            hashes_sha256=self._hashes_sha256(part),
            given_sha256=self.given_sha256,
            airflow=str(self.airflow.version) if self.airflow else None,
            without=self.without,
            constraints_sha256=sha256_of_text(text) if text is not None else None,
        )
