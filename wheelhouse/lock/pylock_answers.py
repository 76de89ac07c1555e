"""Answers from a lock that was given: nothing is resolved, only what each file says of itself is read."""

from collections.abc import Iterable
from dataclasses import replace

from packaging.utils import NormalizedName

from wheelhouse.archive.artifact import Candidate, unfit
from wheelhouse.errors import NoSolutionError
from wheelhouse.events import Listener, Warned, ignore
from wheelhouse.index.package_source import PackageSource
from wheelhouse.lock.lock import dependency_name
from wheelhouse.resolve.resolution import ResolutionRequest, ResolvedProject, spelled


def resolved_projects_of(
    given: Iterable[Candidate], question: ResolutionRequest, supply: PackageSource, on_event: Listener = ignore
) -> list[ResolvedProject]:
    """An answer for each file; a project that one asks for and the lock leaves out is said.

    Raises NoSolutionError where a file does not fit, or is not allowed.
    """
    candidates = sorted(given, key=lambda candidate: candidate.project)
    for candidate in candidates:
        supply.artifacts.get(candidate)
    if refused := [f"{file.filename}: {reason}" for file in candidates if (reason := _against(file, question))]:
        hint = "lock again, or change the options that rule these files out"
        raise NoSolutionError("the lock names files that may not be taken", hint=hint, details=tuple(refused))
    projects = {candidate.project for candidate in candidates}
    answers = [_answer(candidate, question, supply) for candidate in candidates]
    _warn(answers, projects, on_event)
    return [replace(answer, dependencies=_within(answer, projects)) for answer in answers]


def _within(answer: ResolvedProject, projects: set[NormalizedName]) -> tuple[str, ...]:
    return tuple(text for text in answer.dependencies if dependency_name(text) in projects)


def _warn(answers: Iterable[ResolvedProject], projects: set[NormalizedName], on_event: Listener) -> None:
    asked: dict[str, str] = {}
    for answer in answers:
        for text in answer.dependencies:
            if dependency_name(text) not in projects:
                asked.setdefault(text, f"{answer.candidate.project} {answer.candidate.version}")
    for text, who in sorted(asked.items()):
        on_event(Warned(f"the lock leaves out `{text}`, which {who} asks for"))


def _against(candidate: Candidate, question: ResolutionRequest) -> str | None:
    return unfit(candidate, question.target) or question.selection.against(candidate)


def _answer(candidate: Candidate, question: ResolutionRequest, supply: PackageSource) -> ResolvedProject:
    """What it depends on is what it asks for without extras: a lock does not say which were asked of it."""
    metadata = supply.metadata.get(candidate, certain=True).result()
    asked = {spelled(req) for req, _ in metadata.requirements(question.target, adjustments=question.adjustments)}
    return ResolvedProject(candidate, metadata, (), tuple(sorted(asked)), (), ())
