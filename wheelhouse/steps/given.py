"""Answers from a lock that was given: nothing is resolved, only what each file says of itself is read."""

from collections.abc import Iterable

from packaging.utils import NormalizedName

from wheelhouse.errors import NoSolutionError
from wheelhouse.model.artifact import Candidate, unfit
from wheelhouse.model.lock import dependency_name
from wheelhouse.model.question import Answer, Question, spelled
from wheelhouse.steps.supply import Supply


def answers_of(given: Iterable[Candidate], question: Question, supply: Supply) -> list[Answer]:
    """An answer for each file. Raises NoSolutionError where one does not fit, or is not allowed."""
    candidates = sorted(given, key=lambda candidate: candidate.project)
    for candidate in candidates:
        supply.artifact(candidate)
    if refused := [f"{file.filename}: {reason}" for file in candidates if (reason := _against(file, question))]:
        hint = "lock again, or change the options that rule these files out"
        raise NoSolutionError("the lock names files that may not be taken", hint=hint, details=tuple(refused))
    projects = {candidate.project for candidate in candidates}
    return [_answer(candidate, projects, question, supply) for candidate in candidates]


def _against(candidate: Candidate, question: Question) -> str | None:
    return unfit(candidate, question.target) or question.selection.against(candidate)


def _answer(candidate: Candidate, projects: set[NormalizedName], question: Question, supply: Supply) -> Answer:
    """What it depends on is what it asks for without extras: a lock does not say which were asked of it."""
    metadata = supply.metadata(candidate, certain=True).result()
    asked = {spelled(req) for req, _ in metadata.requirements(question.target, adjustments=question.adjustments)}
    dependencies = tuple(sorted(text for text in asked if dependency_name(text) in projects))
    return Answer(candidate, metadata, (), dependencies, (), ())
