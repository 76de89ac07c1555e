"""What the jobs of a fleet have together: who has which release, what changed, and what is vulnerable where (pure)."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from packaging.utils import NormalizedName
from packaging.version import Version

from wheelhouse.fetch.fleet_results import JobRun
from wheelhouse.lock.lock import Lock, dependency_name
from wheelhouse.report.fleet_summary import JobResult
from wheelhouse.vet.advisories import Advisories

Locks = Mapping[str, Sequence[Lock]]
"""The locks of each job, by the job's name."""


@dataclass(frozen=True, slots=True)
class FleetEvidence:
    """What a report on jobs is made of: the runs, the locks before, the advisories (None without a snapshot), and when."""

    runs: Sequence[JobRun[JobResult]]
    before: Locks
    advisories: Advisories | None
    made: datetime

    @property
    def locks(self) -> Locks:
        """The locks that each job has now: those of its result; without a result, those before, or none."""
        return {run.name: run.result.locks if run.result else self.before.get(run.name, ()) for run in self.runs}


@dataclass(frozen=True, slots=True)
class ProjectUse:
    """One project: for each release the jobs that have it, in the order of jobs; and the projects that require it in any job."""

    project: NormalizedName
    jobs_by_version: Mapping[Version, tuple[str, ...]]
    required_by: tuple[str, ...]

    @property
    def newest(self) -> Version:
        """The newest release that any job has."""
        return max(self.jobs_by_version)

    @property
    def most_common(self) -> Version:
        """The release that most jobs have; of several, the newest."""
        return max(self.jobs_by_version, key=lambda version: (len(self.jobs_by_version[version]), version))

    @property
    def jobs(self) -> tuple[str, ...]:
        """Every job that has the project, each once, those with the newest release first: a new release would touch them."""
        return tuple(dict.fromkeys(job for jobs in self.jobs_by_version.values() for job in jobs))

    @property
    def behind(self) -> tuple[str, ...]:
        """The jobs with an older release than the newest, if only for one target: an upgrade of all to it touches them."""
        older = (jobs for version, jobs in self.jobs_by_version.items() if version != self.newest)
        return tuple(dict.fromkeys(job for jobs in older for job in jobs))


@dataclass(frozen=True, slots=True)
class PinChange:
    """A project of one job whose releases are others than before, and the targets for which they are."""

    project: NormalizedName
    old: tuple[Version, ...]
    new: tuple[Version, ...]
    targets: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class VulnerableRelease:
    """A release that advisories affect, the version that fixes all (None if no advisory names one), and who has it."""

    project: NormalizedName
    version: Version
    ids: tuple[str, ...]
    severity: str
    summary: str
    fixed: Version | None
    jobs: tuple[str, ...]


def uses(locks: Locks) -> list[ProjectUse]:
    """Every project that a job has, by name; its releases newest first."""
    jobs: dict[NormalizedName, dict[Version, dict[str, None]]] = {}
    requiring: dict[str, set[str]] = {}
    for name, of_job in locks.items():
        for pin in (pin for lock in of_job for pin in lock.pins):
            jobs.setdefault(pin.project, {}).setdefault(pin.version, {})[name] = None
            for text in pin.dependencies:
                requiring.setdefault(dependency_name(text), set()).add(pin.project)
    return [
        ProjectUse(
            project,
            {version: tuple(jobs[project][version]) for version in sorted(jobs[project], reverse=True)},
            tuple(sorted(requiring.get(project, ()))),
        )
        for project in sorted(jobs)
    ]


def changes(before: Sequence[Lock], after: Sequence[Lock]) -> list[PinChange]:
    """The projects of a job that are new, gone, or have another release for some target, by name; each with its releases for
    these targets only. Another file of one release is no change.
    """
    old, new = _pins(before), _pins(after)
    targets: dict[NormalizedName, list[str]] = {}
    for target, project in sorted(old.keys() | new.keys()):
        if old.get((target, project)) != new.get((target, project)):
            targets.setdefault(project, []).append(target)
    return [
        PinChange(project, _versions(old, project, names), _versions(new, project, names), tuple(names))
        for project, names in sorted(targets.items())
    ]


def vulnerable(projects: Iterable[ProjectUse], advisories: Advisories) -> list[VulnerableRelease]:
    """The vulnerable releases, by project: one entry for each group of advisories that are aliases of each other."""
    return [release for use in projects for release in _vulnerable(use, advisories)]


def _vulnerable(use: ProjectUse, advisories: Advisories) -> Iterator[VulnerableRelease]:
    """The same for one project: an entry for each release and each group of its advisories."""
    for version, jobs in use.jobs_by_version.items():
        for group in advisories.of(use.project, version):
            fixes = [fix for advisory in group if (fix := advisory.fixed_in(version))]
            yield VulnerableRelease(
                use.project,
                version,
                tuple(sorted({name for advisory in group for name in advisory.names})),
                next((advisory.severity for advisory in group if advisory.severity), ""),
                next((advisory.summary for advisory in group if advisory.summary), ""),
                max(fixes, default=None),
                jobs,
            )


def _pins(locks: Iterable[Lock]) -> dict[tuple[str, NormalizedName], Version]:
    """The release of each project, by target and project."""
    return {(lock.name, pin.project): pin.version for lock in locks for pin in lock.pins}


def _versions(
    pins: Mapping[tuple[str, NormalizedName], Version], project: NormalizedName, targets: Iterable[str]
) -> tuple[Version, ...]:
    """The different releases of a project for some targets, oldest first."""
    return tuple(sorted({pins[target, project] for target in targets if (target, project) in pins}))
