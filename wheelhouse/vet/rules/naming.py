"""Rules about names that look like another name, of projects, modules and commands: an observation for a file and each name (pure)."""

from collections.abc import Iterator

from packaging.utils import NormalizedName, canonicalize_name

from wheelhouse.findings import Observation, Severity, observed
from wheelhouse.vet.facts import Facts
from wheelhouse.vet.known_projects import Imitation
from wheelhouse.vet.lookalike_names import ascii_lookalike, looks_like
from wheelhouse.vet.rules import Review, rule
from wheelhouse.vet.stdlib import STDLIB


@rule(Severity.ERROR)
def lookalike(facts: Facts, review: Review) -> Iterator[Observation]:
    """The name of the project looks like a name in the policy's `lookalikes`, but is not in that list.

    Two names look alike if one letter is added, missing, changed or exchanged with its neighbour, if the separators or the
    order of the words differ, or if digits stand for letters.
    """
    if facts.project not in review.policy.lookalikes:
        for other in sorted(review.policy.lookalikes):
            if looks_like(facts.project, other):
                yield observed(other=str(other))


@rule(Severity.ERROR)
def lookalike_popular(facts: Facts, review: Review) -> Iterator[Observation]:
    """The name of the project imitates one of the thousand most downloaded projects of PyPI.

    A name imitates another name if one letter is added, missing, changed or exchanged with its neighbour, if letters look
    alike, if the separators or the order of the words differ, or if a number or a word like `python` is added. The rule
    does not report projects that have many downloads themselves. wheelhouse contains the list of projects, with its date
    and source at the top.
    """
    if imitated := _imitated(facts, review, popular=True):
        yield observed(other=str(imitated[0]), how=imitated[1].value)


@rule(Severity.WARNING)
def lookalike_known(facts: Facts, review: Review) -> Iterator[Observation]:
    """The name of the project imitates a PyPI project with many downloads (but not one of the thousand most downloaded projects).

    The names are compared as for `lookalike-popular`.
    """
    if imitated := _imitated(facts, review, popular=False):
        yield observed(other=str(imitated[0]), how=imitated[1].value)


def _imitated(facts: Facts, review: Review, *, popular: bool) -> tuple[NormalizedName, Imitation] | None:
    """The most used known project that the name of a file's project imitates, and how; None if there is none.

    Also None if it is one of the thousand most downloaded and `popular` is false, or the other way round, and if it is in
    the policy's lookalikes: `lookalike` reports that. No less used one is then looked for.
    """
    imitated = review.known.imitated_by(facts.project)
    if imitated is None or imitated[0] in review.policy.lookalikes:
        return None
    return imitated if review.known.is_popular(imitated[0]) is popular else None


@rule(Severity.WARNING)
def module_of_another(facts: Facts, review: Review) -> Iterator[Observation]:
    """A little-known project installs a module with the name of one of the thousand most downloaded projects of PyPI.

    A program that imports the well-known project can get this module instead, if both projects are installed or the
    well-known project is missing. The rule ignores namespace packages, which belong to no project. `intrudes` reports files
    inside a package of another project of the wheelhouse.
    """
    if facts.project in review.known.ranks:
        return
    importable = [module for module, form in facts.top_modules.items() if form != "folder"]
    owners = {module: canonicalize_name(module) for module in importable}
    if taken := [module for module, owner in owners.items() if review.known.is_popular(owner)]:
        yield observed(modules=tuple(sorted(taken)))


@rule(Severity.ERROR)
def homoglyphs(facts: Facts, review: Review) -> Iterator[Observation]:
    """The name of a module or command has letters of another alphabet that look like ASCII letters.

    This name and the ASCII name look the same to a person, but Python sees two different names. A name without any
    ASCII letter is reported only if it looks like the name of a well-known project or of a standard library module.
    """
    names = (*facts.top_modules, *facts.commands)
    alike = {name: plain for name in names if (plain := ascii_lookalike(name)) and _reads_like(name, plain, review)}
    if alike:
        yield observed(names=tuple(sorted(alike)), read_as=tuple(alike[name] for name in sorted(alike)))


def _reads_like(name: str, plain: str, review: Review) -> bool:
    """Whether a name has an ASCII letter, too, or `plain` is the name of a module of the standard library or of a known project."""
    is_mixed = any(letter.isascii() and letter.isalpha() for letter in name)
    return is_mixed or plain in STDLIB or canonicalize_name(plain) in review.known.ranks


@rule(Severity.WARNING)
def lookalike_inside(facts: Facts, review: Review) -> Iterator[Observation]:
    """The name of the project looks like the name of another project of the same wheelhouse.

    The rule counts how many files of the wheelhouse require each of the two projects. The rule reports the project
    with the lower count, or both projects if the counts are equal. If both projects are well known, such as `attrs` and
    `cattrs`, the rule reports neither.
    """
    for other in sorted({one.project for one in review.facts}):
        is_known = {facts.project, other} <= review.known.ranks.keys()
        if (
            not is_known
            and looks_like(facts.project, other)
            and _dependents(facts.project, review) <= _dependents(other, review)
        ):
            yield observed(other=str(other))


def _dependents(project: NormalizedName, review: Review) -> int:
    """The number of files in the wheelhouse that require a project, by their lock files."""
    return sum(project in one.pin.needs for one in review.facts)
