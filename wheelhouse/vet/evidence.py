"""What vetting found and what was decided before, together: what every report of it is made from (pure)."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from functools import cached_property

from packaging.requirements import Requirement
from packaging.utils import (
    InvalidSdistFilename,
    InvalidWheelFilename,
    NormalizedName,
    canonicalize_name,
)
from packaging.version import InvalidVersion, Version

from wheelhouse.archive.filenames import release_of
from wheelhouse.findings import Finding, Severity
from wheelhouse.lock.lock import Lock
from wheelhouse.lock.wheelhouse import Wheelhouse
from wheelhouse.vet.approvals import Approvals
from wheelhouse.vet.diff import Replaced
from wheelhouse.vet.facts import Facts
from wheelhouse.vet.licences import Licence, licence_of


@dataclass(frozen=True)
class Graph:
    """Who needs whom in one lock, by place and name of the files. `roots` were asked for, or nobody there needs them."""

    lock: str
    roots: frozenset[str]
    needs: Mapping[str, frozenset[str]]

    @cached_property
    def above(self) -> Mapping[str, str]:
        """File → the file before it on a shortest way from what was asked for; empty for what was."""
        found = dict.fromkeys(sorted(self.roots), "")
        queue = list(found)
        for name in queue:
            for needed in sorted(self.needs[name] - found.keys()):
                found[needed] = name
                queue.append(needed)
        return found

    def ways(self, name: str) -> list[list[str]]:
        """For each file that needs this one: a shortest way to it from what was asked for, and this one last."""
        return [[*self._way(one), name] for one, needs in self.needs.items() if name in needs]

    def _way(self, name: str) -> list[str]:
        way = [name]
        while above := self.above[way[0]]:
            way.insert(0, above)
        return way


@dataclass(frozen=True)
class Evidence:
    """A vetted house, and those inside it by their place.

    `hashes` gives the sha256 of every file by place and name, other files than distributions too. `findings` stand, `settled`
    were seen when their files were approved, `waived` a waiver covers. `known` is the day of the newest advisory that files were
    held against; None where there was no snapshot of advisories. `replaced` says what changed inside files since another house,
    `since`, by place and name.
    """

    name: str
    houses: Mapping[str, Wheelhouse]
    hashes: Mapping[str, str]
    facts: tuple[Facts, ...]
    findings: tuple[Finding, ...]
    settled: tuple[Finding, ...]
    waived: tuple[Finding, ...]
    approvals: Approvals
    now: datetime
    threshold: Severity = Severity.ERROR
    known: datetime | None = None
    since: str = ""
    replaced: Mapping[str, Replaced] = field(default_factory=dict)

    @cached_property
    def files(self) -> dict[str, Facts]:
        """Every file by its place and name, ordered by project, those of the houses inside last."""
        ordered = sorted(self.facts, key=lambda facts: (facts.place, facts.project, facts.filename))
        return {facts.subject: facts for facts in ordered}

    @cached_property
    def new(self) -> frozenset[str]:
        """The files that not enough reviewers approved."""
        return frozenset(name for name, sha256 in self.hashes.items() if not self.approvals.approved(sha256))

    @property
    def others(self) -> tuple[str, ...]:
        """The files that are no distributions."""
        return tuple(name for name in self.hashes if name not in self.files)

    @cached_property
    def approved_before(self) -> dict[NormalizedName, tuple[Version, ...]]:
        """Project → the releases of it that were approved in this house or another."""
        found: dict[NormalizedName, set[Version]] = {}
        for approval in self.approvals.approvals:
            for name, _ in approval.files.values() if approval.stands(self.approvals.today) else ():
                for project, version in _release(name):
                    found.setdefault(project, set()).add(version)
        return {project: tuple(sorted(versions)) for project, versions in found.items()}

    @cached_property
    def licences(self) -> dict[str, Licence]:
        """The licence of each file."""
        return {name: licence_of(facts) for name, facts in self.files.items()}

    def label(self, subject: str) -> str:
        """Project and release of a file; what is no file as it is."""
        facts = self.files.get(subject)
        return f"{facts.place}{facts.project} {facts.version}" if facts else subject

    @cached_property
    def about(self) -> dict[str, tuple[Finding, ...]]:
        """The findings that stand, by what they are about, worst first."""
        found: dict[str, list[Finding]] = {}
        for finding in sorted(self.findings, key=lambda finding: (-finding.severity, finding)):
            found.setdefault(finding.subject, []).append(finding)
        return {subject: tuple(findings) for subject, findings in found.items()}

    @cached_property
    def graphs(self) -> tuple[Graph, ...]:
        """The graph of each lock, of the houses inside too."""
        return tuple(_graph(lock, place) for place, house in self.houses.items() for lock in house.locks)

    @property
    def bad(self) -> tuple[Finding, ...]:
        """The findings that reach the policy's threshold."""
        return tuple(finding for finding in self.findings if finding.severity >= self.threshold)


def _graph(lock: Lock, place: str) -> Graph:
    names = {pin.project: place + pin.artifact.filename for pin in lock.pins}
    asked = {canonicalize_name(Requirement(text).name) for text in lock.inputs.requirements}
    needs = {pin.project: {canonicalize_name(name) for name in pin.needs} & names.keys() for pin in lock.pins}
    needed = set[str]().union(*needs.values())
    roots = frozenset(name for project, name in names.items() if project in asked or project not in needed)
    return Graph(lock.name, roots, {names[one]: frozenset(names[other] for other in needs[one]) for one in names})


def _release(path: str) -> Iterator[tuple[NormalizedName, Version]]:
    name = path.rpartition("/")[2]
    try:
        yield release_of(name)
    except (InvalidWheelFilename, InvalidSdistFilename, InvalidVersion):
        return
