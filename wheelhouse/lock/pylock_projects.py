"""Resolved projects from a lock file as an input: nothing is resolved, only the metadata of each file is read."""

from collections.abc import Iterable
from dataclasses import replace

from packaging.utils import NormalizedName

from wheelhouse.archive.artifact import Candidate, why_unfit
from wheelhouse.archive.reason_text import reason_text
from wheelhouse.archive.reasons import Reason
from wheelhouse.errors import NoSolutionError
from wheelhouse.events import Listener, Warned, ignore
from wheelhouse.index.package_source import PackageSource
from wheelhouse.lock.lock import dependency_name
from wheelhouse.resolve.resolution import ResolutionRequest, ResolvedProject, dependency_text


def resolved_projects_of(
    given: Iterable[Candidate], request: ResolutionRequest, source: PackageSource, on_event: Listener = ignore
) -> list[ResolvedProject]:
    """The resolved project of each file, sorted by project; the downloads of all files are started. Dependencies that the
    lock file leaves out are left out here too, with a warning.

    Waits for the metadata of each file. Raises NoSolutionError, naming every file that does not fit the target or is not
    allowed, and what reading the metadata raises.
    """
    candidates = sorted(given, key=lambda candidate: candidate.project)
    for candidate in candidates:
        source.artifacts.get(candidate)
    if refused := [
        f"{file.filename}: {reason_text(reason)}" for file in candidates if (reason := _refusal(file, request))
    ]:
        hint = "lock again, or change the options that exclude these files"
        raise NoSolutionError(
            "the lock file has files that the options or the target exclude", hint=hint, details=tuple(refused)
        )
    names = {candidate.project for candidate in candidates}
    projects = [_resolved(candidate, request, source) for candidate in candidates]
    _warn_of_missing(projects, names, on_event)
    return [replace(project, dependencies=_within(project, names)) for project in projects]


def _refusal(candidate: Candidate, request: ResolutionRequest) -> Reason | None:
    """Why a file may not be taken; None if it may."""
    return why_unfit(candidate, request.target) or request.selection.why_excluded(candidate)


def _resolved(candidate: Candidate, request: ResolutionRequest, source: PackageSource) -> ResolvedProject:
    """The resolved project of a file, without extras and their dependencies: a lock file does not tell which extras were
    requested. Waits for the file's metadata, and raises what reading them raises.
    """
    metadata = source.metadata.get(candidate, certain=True).result()
    dependencies = {
        dependency_text(req) for req, _ in metadata.requirements(request.target, adjustments=request.adjustments)
    }
    return ResolvedProject(candidate, metadata, (), tuple(sorted(dependencies)), (), ())


def _warn_of_missing(projects: Iterable[ResolvedProject], names: set[NormalizedName], on_event: Listener) -> None:
    """Warn of each dependency of these projects that the lock file does not have: once, with the first project that asks for it."""
    missing: dict[str, str] = {}
    for project in projects:
        for text in project.dependencies:
            if dependency_name(text) not in names:
                missing.setdefault(text, f"{project.candidate.project} {project.candidate.version}")
    for text, requirer in sorted(missing.items()):
        on_event(Warned(f"the lock file leaves out `{text}`, which {requirer} requires"))


def _within(project: ResolvedProject, names: set[NormalizedName]) -> tuple[str, ...]:
    """The dependencies that the lock file has."""
    return tuple(text for text in project.dependencies if dependency_name(text) in names)
