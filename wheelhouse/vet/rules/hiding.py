"""Rules about members that are not what they seem, such as images with programs: an observation for each member (pure).

`pyc_without_source` has one for all modules without a source.
"""

from collections.abc import Iterator

from wheelhouse.findings import Observation, Severity, observed
from wheelhouse.vet.facts import Facts
from wheelhouse.vet.rules import Review, rule


def _members_with(facts: Facts, kind: str) -> Iterator[tuple[str, tuple[str, ...]]]:
    """For each member with behaviours of this kind: its path, and what they are, as they were noted. Sorted by path."""
    by_path: dict[str, list[str]] = {}
    for behaviour in facts.inside.behaviours:
        if behaviour.kind == kind:
            by_path.setdefault(behaviour.path, []).append(behaviour.what)
    yield from ((path, tuple(descriptions)) for path, descriptions in sorted(by_path.items()))


@rule(Severity.ERROR)
def program_in_disguise(facts: Facts, review: Review) -> Iterator[Observation]:
    """A program or an archive is hidden in another file: in or after the data of an image, a sound or a font, or as base64 in code."""
    for path, does in _members_with(facts, "disguised"):
        yield observed(path=path, does=does)


@rule(Severity.ERROR)
def pickle_runs_code(facts: Facts, review: Review) -> Iterator[Observation]:
    """A pickle calls functions that start programs or run code.

    A program that loads the pickle runs these functions. The rule reads the pickle's opcodes, and does not load the pickle.
    """
    for path, calls in _members_with(facts, "pickle-calls"):
        yield observed(path=path, calls=calls)


@rule(Severity.ERROR)
def pyc_unchecked(facts: Facts, review: Review) -> Iterator[Observation]:
    """A compiled module (.pyc) tells Python not to check whether its source has changed (PEP 552, unchecked hash).

    Python runs the compiled module, even if the source beside it has other code.
    """
    for path, _ in _members_with(facts, "unchecked-pyc"):
        yield observed(path=path)


@rule(Severity.ERROR)
def pyc_unlike_source(facts: Facts, review: Review) -> Iterator[Observation]:
    """A compiled module differs from the source beside it. Python may run the compiled module in place of the source.

    If the compiled module is for the Python version that runs wheelhouse, the rule compiles the source and compares all
    instructions. For another version, the rule compares only names and texts. If the header of the compiled module gives
    a wrong size of the source, Python ignores the compiled module, so the rule does not report it.
    """
    for path, does in _members_with(facts, "unlike-pyc"):
        yield observed(path=path, does=does)


@rule(Severity.WARNING)
def pyc_without_source(facts: Facts, review: Review) -> Iterator[Observation]:
    """Python imports a compiled module that has no source beside it."""
    if paths := tuple(path for path, _ in _members_with(facts, "sourceless-pyc")):
        yield observed(paths=paths)
