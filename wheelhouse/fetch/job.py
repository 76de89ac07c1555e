"""A job: what one run of `fetch` or `lock` is to do, gathered from the command line and from wheelhouse.toml (pure)."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from packaging.utils import NormalizedName
from packaging.version import Version

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
    """A file of constraints: where it was read, its text verbatim, and its lines."""

    source: str
    text: str
    lines: tuple[RequirementLine, ...]


@dataclass(frozen=True, slots=True)
class Part:
    """What is wanted on one target: constraints may differ from target to target, requirements do not.

    `given` are the files that a lock which was given names for it: nothing is resolved then.
    """

    target: Target
    constraints: tuple[Constraints, ...] = ()
    given: tuple[Candidate, ...] = ()

    @property
    def constraints_text(self) -> str | None:
        """All constraints in one text: verbatim where there is one file, else each under a comment that names it."""
        if len(self.constraints) < 2:
            return self.constraints[0].text if self.constraints else None
        return "".join(f"# {file.source}\n{file.text.rstrip()}\n" for file in self.constraints)


@dataclass(frozen=True, slots=True)
class Job:
    """Requirements, on some targets. `airflow` is the Airflow release asked for by `--airflow`, if any.

    `without` names the database clients that its image does without. `given_sha256` is that of the lock that was given in
    the place of requirements. `upgrade` and `upgrade_projects` say which pins of existing locks do not stand.
    `pip_config` is what pip's configuration gave, without credentials. `failed` are the errors of targets, by name, for which
    no part could be made. `settings_sha256` is that of the path from the house to the settings file's folder, where that
    file alone says what is asked for.
    """

    requirements: tuple[RequirementLine, ...]
    parts: tuple[Part, ...]
    selection: Selection = ANYTHING
    overrides: tuple[RequirementLine, ...] = ()
    excluded: frozenset[NormalizedName] = frozenset()
    given_sha256: str | None = None
    airflow: str | None = None
    without: tuple[str, ...] = ()
    pip_config: tuple[str, ...] = ()
    upgrade: bool = False
    upgrade_projects: frozenset[NormalizedName] = field(default=frozenset())
    failed: Mapping[str, WheelhouseError] = field(default_factory=dict)
    settings_sha256: str | None = None

    @property
    def adjustments(self) -> Adjustments:
        """Overrides and exclusions."""
        return Adjustments(tuple(line.requirement for line in self.overrides), self.excluded)

    def direct(self, target: Target) -> dict[NormalizedName, DirectSource]:
        """The files that the user named for a target, by project. Raises InputError for two of one project."""
        found: dict[NormalizedName, DirectSource] = {}
        for line in (*self.requirements, *self.overrides):
            if line.source and target.applies(line.requirement.marker):
                other = found.setdefault(line.project, line.source)
                if other.shown != line.source.shown:
                    raise InputError(
                        f"{line.origin}: {line.project} is to come from two files, {other.shown} and {line.source.shown}"
                    )
        return found

    def question(self, part: Part, preferred: Mapping[NormalizedName, Version] = NOTHING) -> ResolutionRequest:
        """What is asked of one target. `preferred` are the pins that stand already."""
        return ResolutionRequest(
            target=part.target,
            requirements=self.requirements,
            constraints=tuple(line for file in part.constraints for line in file.lines),
            selection=self.selection,
            adjustments=self.adjustments,
            direct=self.direct(part.target),
            preferred=preferred,
        )

    @property
    def own_files(self) -> dict[str, str]:
        """Where the files are that the job names itself, by file name: a lock names no path of this machine, and no credential."""
        sources = (line.source for line in (*self.requirements, *self.overrides))
        named = {source.filename: source.location for source in sources if source}
        given = (candidate for part in self.parts for candidate in part.given if candidate.is_local)
        return named | {candidate.filename: candidate.url for candidate in given}

    def _hashes_sha256(self, part: Part) -> str | None:
        lines = (*self.requirements, *(line for file in part.constraints for line in file.lines))
        text = "".join(sorted(f"{line.project} {' '.join(sorted(line.hashes))}\n" for line in lines if line.hashes))
        return sha256_of_text(text) if text else None

    def inputs(self, part: Part, locations: tuple[IndexLocation, ...]) -> Inputs:
        """What decides the lock of one part. `locations` are without credentials."""
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
            airflow=self.airflow,
            without=self.without,
            constraints_sha256=sha256_of_text(text) if text is not None else None,
        )
