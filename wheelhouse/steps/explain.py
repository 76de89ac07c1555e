"""Why there is no solution: what stands against what, where each comes from, and what the index still offers."""

from collections.abc import Iterator, Mapping, Sequence

from packaging.utils import NormalizedName

from wheelhouse.errors import IntegrityError, NoSolutionError, WheelhouseError
from wheelhouse.model.artifact import NOT_ALLOWED
from wheelhouse.model.question import PYTHON, Identifier, Need, Question, merge
from wheelhouse.steps.shelf import Shelves

Introduced = Mapping[Identifier, Need]
"""The need that first brought a project, or one of its extras, in."""


def explain(
    conflicting: Sequence[Need], question: Question, shelves: Shelves, introduced: Introduced
) -> WheelhouseError:
    """The error that says why these needs cannot all be met, with the chain that leads to each."""
    by_project: dict[NormalizedName, list[Need]] = {}
    for need in conflicting:
        by_project.setdefault(need.project, []).append(need)
    details = [
        line
        for project, needs in by_project.items()
        for line in _project_details(project, needs, question, shelves, introduced)
    ]
    project, needs = next(iter(by_project.items()))
    sentence = _sentence(project, needs, question, shelves)
    if NOT_ALLOWED in sentence:
        hint = "do not use this file: find out why the index has another than the one you vetted"
        return IntegrityError(sentence, hint=hint, details=tuple(details))
    return NoSolutionError(sentence, hint=_hint(project, shelves), details=tuple(details))


def _sentence(project: NormalizedName, needs: Sequence[Need], question: Question, shelves: Shelves) -> str:
    if project == PYTHON:
        return f"{needs[0].origin} requires Python {needs[0].specifier}, and the target has {question.target.python.version}"
    shelf = shelves.get(project)
    if shelf is None:
        return f"`{project}`, which {needs[0].origin} asks for, is not on the index"
    if shelf.page.status.status == "quarantined":
        return f"`{project}`, which {needs[0].origin} asks for, is {shelf.page.status} on {shelf.page.index}"
    specifier = merge(need.specifier for need in needs)
    asked = f"`{project}{specifier}`"
    if lines := shelves.constraints(project):
        asked += f" under the constraint `{lines[0].requirement}` ({lines[0].origin})"
    matching = shelf.matching(specifier)
    if not matching:
        return f"no release of {asked} exists on the index"
    reasons = [other.reason for other in shelf.choose(matching[0], specifier)[1]]
    reason = reasons[0] if reasons else "what else is asked contradicts it"
    return f"no release of {asked} can be chosen for {question.target.name}: of {matching[0]}, {reason}"


def _hint(project: NormalizedName, shelves: Shelves) -> str:
    if project == PYTHON:
        return "choose another --python, or another version"
    if lines := shelves.constraints(project):
        return f"change or remove {lines[0].origin}, or use the constraints that were made for this very release"
    if (shelf := shelves.get(project)) is None:
        return "check the spelling, and that --index is the right index"
    if shelf.page.status.status == "quarantined":
        return "an index quarantines what may do harm: leave out what asks for it"
    return "ask for another version, or leave out what asks for it"


def _project_details(
    project: NormalizedName, needs: Sequence[Need], question: Question, shelves: Shelves, introduced: Introduced
) -> Iterator[str]:
    for need in needs:
        yield f"{chain_to(need, introduced)} ({need.origin})" if need.parent is None else chain_to(need, introduced)
    for line in shelves.constraints(project):
        yield f"constraint {line.requirement} ({line.origin})"
    if project != PYTHON and (shelf := shelves.get(project)):
        newest = ", ".join(map(str, shelf.page.versions[:5])) or "nothing"
        yield f"the index offers {project} {newest}{' …' if len(shelf.page.versions) > 5 else ''}"
        specifier = merge(need.specifier for need in needs)
        for version in shelf.matching(specifier)[:3]:
            for other in shelf.choose(version, specifier)[1]:
                yield f"{other.filename}: {other.reason}"


def chain_to(need: Need, introduced: Introduced) -> str:
    """From what was asked for down to a need, each with its version."""
    links, seen, parent = [str(need)], set(), need.parent
    while parent is not None and (parent.candidate.project, parent.extra) not in seen:
        seen.add((parent.candidate.project, parent.extra))
        links.append(str(parent))
        above = introduced.get((parent.candidate.project, parent.extra))
        parent = above.parent if above else None
    return " → ".join(reversed(links))
