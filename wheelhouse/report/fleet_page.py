"""The report on the jobs of a fleet, as the values of `templates/fleet.html.j2` (pure)."""

from collections.abc import Iterator, Sequence
from typing import Any

from packaging.version import Version

from wheelhouse.fetch.fleet_results import JobRun, JobState
from wheelhouse.humanize import counted, size_text
from wheelhouse.lock.lock import Lock
from wheelhouse.report.fleet_facts import (
    FleetEvidence,
    PinChange,
    ProjectUse,
    VulnerableRelease,
    changes,
    uses,
    vulnerable,
)
from wheelhouse.report.fleet_summary import JobResult
from wheelhouse.report.sentences import error_sentence
from wheelhouse.vet.cvss import rating

View = dict[str, Any]
MAX_JOBS, MAX_REQUIRING, MAX_SUMMARY_CHARACTERS = 40, 8, 200
STATES = {JobState.DONE: "approved", JobState.FAILED: "error"}
"""The colour of a state, by the classes of the page's chips."""


def fleet_view(evidence: FleetEvidence) -> View:
    """Everything that the page shows: the rows of jobs, changes, vulnerable releases and projects, and the number of each.

    Without a snapshot of advisories the number of vulnerable releases is None.
    """
    projects = uses(evidence.locks)
    changed = {run.name: _changes(run, evidence) for run in evidence.runs}
    releases = vulnerable(projects, evidence.advisories) if evidence.advisories else []
    differing = [use for use in projects if len(use.jobs_by_version) > 1]
    counts = {
        "jobs": len(evidence.runs),
        "changes": sum(map(len, changed.values())),
        "vulnerable": len(releases) if evidence.advisories else None,
        "projects": len(projects),
    }
    return {
        "title": "Jobs",
        "subtitle": "fleet",
        "tabs": [{"id": name, "title": name.capitalize(), "count": count} for name, count in counts.items()],
        "tabs_label": "Views",
        "search_label": "Search jobs and projects",
        "script_data": {"house": "wheelhouse fetch --all"},
        "verdict": _verdict(evidence),
        "is_bad": any(run.error for run in evidence.runs),
        "made": f"{evidence.made:%Y-%m-%d %H:%M} UTC",
        "jobs": [_job(run, evidence, changed[run.name], releases) for run in evidence.runs],
        "changed": [{"job": name, "rows": list(map(_change, of_job))} for name, of_job in changed.items() if of_job],
        "advisories": _advisories(evidence),
        "vulnerable": list(map(_release, releases)),
        "projects": list(map(_project, projects)),
        "differing": len(differing),
    }


def _verdict(evidence: FleetEvidence) -> str:
    """The number of jobs in each state, in words: `3 jobs: 2 done, 1 failed`."""
    counts = {state: sum(run.state is state for run in evidence.runs) for state in JobState}
    states = ", ".join(f"{count} {state}" for state, count in counts.items() if count)
    return f"{counted(len(evidence.runs), 'job')}: {states}"


def _changes(run: JobRun[JobResult], evidence: FleetEvidence) -> list[PinChange]:
    """What changed in a job since the run before; everything is new if there was none. Empty if the job has no result."""
    return changes(evidence.before.get(run.name, ()), run.result.locks) if run.result else []


def _job(
    run: JobRun[JobResult], evidence: FleetEvidence, changed: Sequence[PinChange], releases: Sequence[VulnerableRelease]
) -> View:
    """The row of a job: its state, targets, numbers and sizes, and a sentence if it failed or shows an earlier run."""
    locks = evidence.locks[run.name]
    sizes = {artifact.sha256: artifact.size for lock in locks for artifact in lock.artifacts}
    return {
        "name": run.name,
        "state": {"text": str(run.state), "kind": STATES.get(run.state, "warning")},
        "targets": [lock.name for lock in locks],
        "projects": len({pin.project for lock in locks for pin in lock.pins}),
        "files": len(sizes),
        "bytes": sum(sizes.values()),
        "size": size_text(sum(sizes.values())),
        "changed": len(changed),
        "vulnerable": sum(run.name in release.jobs for release in releases),
        "error": error_sentence(run.error) if run.error else _age(run, locks),
    }


def _age(run: JobRun[JobResult], locks: Sequence[Lock]) -> str:
    """A sentence if a job has no result, so that its row shows the wheelhouse of an earlier run; else empty."""
    return "" if run.result or not locks else "the wheelhouse is from an earlier run"


def _change(change: PinChange) -> View:
    """The row of a change; its kind is `updated`, `added` or `removed`."""
    kind = "updated" if change.old and change.new else "added" if change.new else "removed"
    return {
        "project": change.project,
        "kind": kind,
        "old": _listed(change.old),
        "new": _listed(change.new),
        "targets": ", ".join(change.targets),
    }


def _listed(versions: Sequence[Version]) -> str:
    """Versions, separated by commas."""
    return ", ".join(map(str, versions))


def _advisories(evidence: FleetEvidence) -> str:
    """A sentence on what the list of vulnerabilities is based on, or that there is no snapshot."""
    if evidence.advisories is None:
        return "There is no snapshot of advisories: `wheelhouse advisories import` makes one."
    newest = evidence.advisories.newest
    as_of = f", the newest dated {newest:%Y-%m-%d}" if newest else ""
    return f"From {counted(evidence.advisories.count, 'advisory record')}{as_of}."


def _release(release: VulnerableRelease) -> View:
    """The row of a vulnerable release; its rating and fixed version are empty if they are not known."""
    return {
        "project": release.project,
        "version": str(release.version),
        "ids": ", ".join(release.ids),
        "rating": rating(release.severity) or "",
        "summary": release.summary[:MAX_SUMMARY_CHARACTERS],
        "fixed": str(release.fixed) if release.fixed else "",
        "count": len(release.jobs),
        "jobs": _names(release.jobs),
    }


def _project(use: ProjectUse) -> View:
    """The row of a project: its releases with the jobs that have each, what an upgrade touches, and what requires it."""
    return {
        "name": use.project,
        "most_common": str(use.most_common),
        "versions": [
            {"version": str(version), "count": len(jobs), "jobs": _names(jobs)}
            for version, jobs in use.jobs_by_version.items()
        ],
        "count": len(use.jobs),
        "touches": _names(use.jobs),
        "behind": len(use.behind),
        "upgrade": _upgrade(use),
        "required_by": ", ".join(_first(use.required_by, MAX_REQUIRING)),
    }


def _upgrade(use: ProjectUse) -> str:
    """The newest release that a job has, and the jobs that an upgrade of all to it would touch; empty if no job is behind."""
    return f"to {use.newest}: {_names(use.behind)}" if use.behind else ""


def _names(jobs: Sequence[str]) -> str:
    """The first names of jobs, separated by commas, and the number of the others."""
    return ", ".join(_first(jobs, MAX_JOBS))


def _first(names: Sequence[str], most: int) -> Iterator[str]:
    """The first names, then `and … more` if there are others."""
    yield from names[:most]
    if len(names) > most:
        yield f"and {len(names) - most} more"
