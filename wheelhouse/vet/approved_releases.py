"""The releases of a project that were approved before, and what their reviewers saw (pure)."""

from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import cached_property

from packaging.utils import InvalidSdistFilename, InvalidWheelFilename, NormalizedName
from packaging.version import InvalidVersion, Version

from wheelhouse.archive.filenames import release_of
from wheelhouse.findings import Finding, Severity
from wheelhouse.vet.approvals import NO_APPROVALS, Approvals, Seen
from wheelhouse.vet.facts import Facts


@dataclass(frozen=True, slots=True)
class Release:
    """What approvals say of files of one release: all findings that were seen, and what the files could do, if that was seen."""

    version: Version
    seen: Seen
    capabilities: frozenset[str] | None


@dataclass(frozen=True)
class ApprovedReleases:
    """The approved files by project, of the approvals that count."""

    approvals: Approvals = NO_APPROVALS

    def before(self, project: NormalizedName, version: Version, sha256: str) -> Release | None:
        """The release that was approved before a file: the newest that is not newer than the file, else the newest of all.

        None if no other file of the project was approved.
        """
        others = self._others(project, sha256)
        older = [one.version for one in others if one.version <= version]
        newest = max(older or [one.version for one in others], default=None)
        return _together([one for one in others if one.version == newest]) if newest else None

    def seen(self, project: NormalizedName, sha256: str) -> Seen | None:
        """Every finding that a reviewer saw on other files of a project; None if no other file was approved."""
        others = self._others(project, sha256)
        return Seen().union(*(one.seen for one in others)) if others else None

    def first_seen(self, findings: Iterable[Finding], files: Mapping[str, Facts]) -> frozenset[Finding]:
        """The findings that no reviewer saw on another file of the project; none of projects without one. `files` is by
        subject; findings on other subjects are left out.

        A note counts as seen if its rule is: its facts often change with each release. Approvals of format 1 count for notes
        only.
        """
        return frozenset(
            finding
            for finding in findings
            if (facts := files.get(finding.subject)) and self._is_first_seen(finding, facts)
        )

    def _is_first_seen(self, finding: Finding, facts: Facts) -> bool:
        """Whether no reviewer saw a finding on another file of the project; False if no other file was approved."""
        seen = self.seen(facts.project, facts.pin.artifact.sha256)
        if seen is None:
            return False
        if finding.severity is Severity.NOTE:
            return finding.rule not in {rule for rule, _ in seen}
        return (finding.rule, finding.fingerprint) not in seen

    def _others(self, project: NormalizedName, sha256: str) -> list[Release]:
        """The approved files of a project without the one with this sha256; empty if there is none."""
        return [release for key, release in self._by_project.get(project, {}).items() if key != sha256]

    @cached_property
    def _by_project(self) -> Mapping[NormalizedName, Mapping[str, Release]]:
        """Project → sha256 → what all approvals that count say of the file. A file whose name states no release is left out."""
        by_project: dict[NormalizedName, dict[str, list[Release]]] = {}
        for approval in self.approvals.approvals:
            for sha256, (path, seen) in approval.files.items():
                if not self.approvals.counts(approval, sha256):
                    continue
                with suppress(InvalidWheelFilename, InvalidSdistFilename, InvalidVersion):
                    project, version = release_of(path.rpartition("/")[2])
                    release = Release(version, seen, approval.capabilities.get(sha256))
                    by_project.setdefault(project, {}).setdefault(sha256, []).append(release)
        return {
            project: {sha256: _together(releases) for sha256, releases in files.items()}
            for project, files in by_project.items()
        }


def _together(releases: Sequence[Release]) -> Release:
    """What several approvals of one release, or of its files, say together, with the version of the first.

    `capabilities` is None if all have None.
    """
    known = [one.capabilities for one in releases if one.capabilities is not None]
    capabilities = frozenset[str]().union(*known) if known else None
    return Release(releases[0].version, Seen().union(*(one.seen for one in releases)), capabilities)
