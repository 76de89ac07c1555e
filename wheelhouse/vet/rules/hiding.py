"""Rules about members that are not what they seem, such as images with programs: an observation for each member (pure)."""

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
    """A program or an archive hides in an image, a sound or a font, behind its data, or as base64 in a source."""
    for path, does in _members_with(facts, "disguised"):
        yield observed(path=path, does=does)


@rule(Severity.ERROR)
def pickle_runs_code(facts: Facts, review: Review) -> Iterator[Observation]:
    """A pickle calls functions that start programs or run code.

    A program that loads the pickle runs these functions. The rule reads the opcodes, and loads nothing.
    """
    for path, calls in _members_with(facts, "pickle-calls"):
        yield observed(path=path, calls=calls)


@rule(Severity.ERROR)
def pyc_unchecked(facts: Facts, review: Review) -> Iterator[Observation]:
    """A compiled module says that Python must not compare it with its source (PEP 552, unchecked hash).

    Python runs the compiled module, even if the source beside it says something else.
    """
    for path, _ in _members_with(facts, "unchecked-pyc"):
        yield observed(path=path)


@rule(Severity.ERROR)
def pyc_unlike_source(facts: Facts, review: Review) -> Iterator[Observation]:
    """A compiled module differs from the source beside it, and Python may run it in place of the source.

    If the module has the format of this Python, the source is compiled and all instructions are compared; else names and
    texts are compared. The header of the module decides whether Python runs it: by a hash, or by a time and the size of the
    source. If the size is another one, Python never runs the module.
    """
    for path, does in _members_with(facts, "unlike-pyc"):
        yield observed(path=path, does=does)


@rule(Severity.WARNING)
def pyc_without_source(facts: Facts, review: Review) -> Iterator[Observation]:
    """A compiled module has no source beside it, and Python imports it."""
    if paths := tuple(path for path, _ in _members_with(facts, "sourceless-pyc")):
        yield observed(paths=paths)
