"""What vetting found, and what was approved before: the data of each report (pure)."""

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
from wheelhouse.debian.debian_lock import FOLDER, DebianLock, LockedDeb
from wheelhouse.findings import WHEELHOUSE_SUBJECT, Finding, Severity
from wheelhouse.lock.lock import Lock
from wheelhouse.lock.wheelhouse import Wheelhouse
from wheelhouse.oci.image_lock import BaseImage
from wheelhouse.vet.approvals import Approval, Approvals
from wheelhouse.vet.approved_releases import ApprovedReleases
from wheelhouse.vet.diff import Replaced
from wheelhouse.vet.facts import Facts
from wheelhouse.vet.image_packages import ImagePackages
from wheelhouse.vet.licences import Licence, licence_of


@dataclass(frozen=True)
class Graph:
    """Which files of one lock file need which others, by place and name. `roots` were requested, or no file needs them."""

    lock: str
    roots: frozenset[str]
    needs: Mapping[str, frozenset[str]]

    @cached_property
    def above(self) -> Mapping[str, str]:
        """File → the file before it on a shortest path from a root; empty for a root. Files that no root reaches are left out."""
        found = dict.fromkeys(sorted(self.roots), "")
        queue = list(found)
        for name in queue:
            for needed in sorted(self.needs[name] - found.keys()):
                found[needed] = name
                queue.append(needed)
        return found

    def ways(self, name: str) -> list[list[str]]:
        """For each other file that needs this one: a shortest path from a root to it, with this one last. Empty if none needs it.

        Files that no root reaches are left out.
        """
        needing = (one for one, needs in self.needs.items() if name in needs and one != name)
        return [[*self._way(one), name] for one in needing if one in self.above]

    def _way(self, name: str) -> list[str]:
        """A shortest path from a root to a file, both included. Raises KeyError if no root reaches the file."""
        way = [name]
        while above := self.above[way[0]]:
            way.insert(0, above)
        return way


@dataclass(frozen=True, slots=True)
class ApprovedFile:
    """A file that was approved: its version, its path in the wheelhouse of that day, and the approval."""

    version: Version
    path: str
    approval: Approval


@dataclass(frozen=True)
class Evidence:
    """A vetted wheelhouse, and those inside it by place.

    `hashes` has the sha256 of each file by place and name, also of other files than distributions. `approved` are the findings
    that approvals cover, `waived` those that a waiver covers, `findings` all others. `known` is the day of the newest advisory;
    None without a snapshot of advisories. `replaced` says what changed inside files since the wheelhouse `since`, by place and
    name. `images` are the base images that it holds. `deb_licences` are the licences of its Debian packages, by place, if they were read,
    `image_packages` what is installed in the images.
    `rules_off` are the rules that the policy turns off.
    """

    name: str
    wheelhouses: Mapping[str, Wheelhouse]
    hashes: Mapping[str, str]
    facts: tuple[Facts, ...]
    findings: tuple[Finding, ...]
    approved: tuple[Finding, ...]
    waived: tuple[Finding, ...]
    approvals: Approvals
    now: datetime
    threshold: Severity = Severity.ERROR
    known: datetime | None = None
    since: str = ""
    replaced: Mapping[str, Replaced] = field(default_factory=dict)
    images: tuple[BaseImage, ...] = ()
    debian: DebianLock = field(default_factory=DebianLock)
    deb_licences: Mapping[str, str] = field(default_factory=dict)
    image_packages: tuple[ImagePackages, ...] = ()
    rules_off: tuple[str, ...] = ()

    @cached_property
    def debs(self) -> dict[str, LockedDeb]:
        """Each Debian package by its path in the wheelhouse."""
        return {f"{FOLDER}/{deb.place}": deb for deb in self.debian.packages}

    @cached_property
    def files(self) -> dict[str, Facts]:
        """Each distribution by its place and name, in the order of projects; files of wheelhouses inside come last."""
        ordered = sorted(self.facts, key=lambda facts: (facts.place, facts.project, facts.filename))
        return {facts.subject: facts for facts in ordered}

    @cached_property
    def new(self) -> frozenset[str]:
        """The paths of the files that not enough reviewers approved, also of other files than distributions."""
        return frozenset(name for name, sha256 in self.hashes.items() if not self.approvals.approved(sha256))

    @cached_property
    def first_seen(self) -> frozenset[Finding]:
        """The open findings that no reviewer saw on another approved file of the project.

        None of a project that has no other. Only those about distributions. A note counts as seen if any finding of its
        rule was.
        """
        return ApprovedReleases(self.approvals).first_seen(self.findings, self.files)

    @property
    def others(self) -> tuple[str, ...]:
        """The paths of the files that are not distributions."""
        return tuple(name for name in self.hashes if name not in self.files)

    @cached_property
    def approved_before(self) -> dict[NormalizedName, tuple[ApprovedFile, ...]]:
        """Project → its files that were approved in any wheelhouse, oldest release first; a file once for each approval.

        Only approvals of known reviewers that have not expired, and file names that state a release.
        """
        found: dict[NormalizedName, list[ApprovedFile]] = {}
        for approval in self.approvals.approvals:
            for name, _ in approval.files.values() if approval.is_valid(self.approvals.today) else ():
                for project, version in _release(name):
                    found.setdefault(project, []).append(ApprovedFile(version, name, approval))
        return {
            project: tuple(sorted(files, key=lambda one: (one.version, one.approval.made)))
            for project, files in found.items()
        }

    @cached_property
    def licences(self) -> dict[str, Licence]:
        """The licence of each distribution by its path."""
        return {name: licence_of(facts) for name, facts in self.files.items()}

    def label(self, subject: str) -> str:
        """Place, project and release of a distribution, the word `wheelhouse` for the whole, any other subject as it is."""
        facts = self.files.get(subject)
        if facts:
            return f"{facts.place}{facts.project} {facts.version}"
        return "wheelhouse" if subject == WHEELHOUSE_SUBJECT else subject

    @cached_property
    def about(self) -> dict[str, tuple[Finding, ...]]:
        """The open findings by subject, worst first; subjects without one are left out."""
        found: dict[str, list[Finding]] = {}
        for finding in sorted(self.findings, key=lambda finding: (-finding.severity, finding.urgency, finding)):
            found.setdefault(finding.subject, []).append(finding)
        return {subject: tuple(findings) for subject, findings in found.items()}

    @cached_property
    def graphs(self) -> tuple[Graph, ...]:
        """The graph of each lock file, also of those of the wheelhouses inside."""
        return tuple(_graph(lock, place) for place, one in self.wheelhouses.items() for lock in one.locks)

    @property
    def bad(self) -> tuple[Finding, ...]:
        """The open findings that reach the policy's threshold."""
        return tuple(finding for finding in self.findings if finding.severity >= self.threshold)


def _graph(lock: Lock, place: str) -> Graph:
    """The dependency graph of a lock, between paths of files. What a file needs beyond the lock is left out.

    `place` begins each path: empty, or with a slash at its end.
    """
    names = {pin.project: place + pin.artifact.filename for pin in lock.pins}
    asked = {canonicalize_name(Requirement(text).name) for text in lock.inputs.requirements}
    needs = {pin.project: {canonicalize_name(name) for name in pin.needs} & names.keys() for pin in lock.pins}
    needed = set[str]().union(*(others - {project} for project, others in needs.items()))
    roots = frozenset(name for project, name in names.items() if project in asked or project not in needed)
    return Graph(lock.name, roots, {names[one]: frozenset(names[other] for other in needs[one]) for one in names})


def _release(path: str) -> Iterator[tuple[NormalizedName, Version]]:
    """The project and version that a file name states; nothing if it states none."""
    name = path.rpartition("/")[2]
    try:
        yield release_of(name)
    except (InvalidWheelFilename, InvalidSdistFilename, InvalidVersion):
        return
