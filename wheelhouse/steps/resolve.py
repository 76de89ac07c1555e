"""Which releases satisfy everything that is asked, for one target: on resolvelib, with nothing taken from the host.

A target is exact, its markers and tags fixed: so many targets are so many small problems over the same pages and metadata.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime
from functools import lru_cache

from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet
from packaging.utils import NormalizedName, canonicalize_name
from packaging.version import Version
from resolvelib import AbstractProvider, BaseReporter, ResolutionImpossible, Resolver
from resolvelib.resolvers import RequirementInformation, ResolutionTooDeep

from wheelhouse.doors.index import Page
from wheelhouse.errors import InputError, NoSolutionError, WheelhouseError
from wheelhouse.events import Listener, Warned, ignore
from wheelhouse.model.artifact import Candidate, Rejected, choose, requires_python_of
from wheelhouse.model.metadata import Metadata
from wheelhouse.model.requirements import Line, by_project
from wheelhouse.model.target import Target
from wheelhouse.steps.supply import Supply

MOST_ROUNDS = 200_000
PYTHON = NormalizedName("<python>")
Identifier = tuple[NormalizedName, str]
"""A project and one of its extras, or "" for the project itself."""


@dataclass(frozen=True, slots=True)
class Question:
    """What is asked of one target. `preferred` are the pins that stand already, kept where they are still allowed."""

    target: Target
    requirements: tuple[Line, ...]
    constraints: tuple[Line, ...] = ()
    uploaded_prior_to: datetime | None = None
    preferred: Mapping[NormalizedName, Version] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Choice:
    """A file chosen for a project, or for one of its extras."""

    candidate: Candidate
    extra: str = ""

    def __str__(self) -> str:
        extra = f"[{self.extra}]" if self.extra else ""
        return f"{self.candidate.project}{extra} {self.candidate.version}"


@dataclass(frozen=True, slots=True)
class Need:
    """That a project, or one of its extras, is wanted within a specifier; `origin` says where that stands."""

    project: NormalizedName
    extra: str
    specifier: SpecifierSet
    origin: str
    parent: Choice | None = None

    def __str__(self) -> str:
        extra = f"[{self.extra}]" if self.extra else ""
        return f"{self.project}{extra}{self.specifier}"


@dataclass(frozen=True, slots=True)
class Answer:
    """What was chosen for one project. `rejected` are the other files of that release and why; `skipped` the newer
    releases that were allowed, but have no file for the target.
    """

    candidate: Candidate
    metadata: Metadata
    extras: tuple[NormalizedName, ...]
    dependencies: tuple[str, ...]
    rejected: tuple[Rejected, ...]
    skipped: tuple[Version, ...]
    constrained: bool


class Shelf:
    """One project's releases as a target, the constraints and the policy leave them."""

    def __init__(self, question: Question, page: Page, constraints: Sequence[Line]) -> None:
        self.page = page
        self._target = question.target
        self._prior_to = question.uploaded_prior_to
        self._preferred = question.preferred.get(page.project)
        self._constraint = merge(line.requirement.specifier for line in constraints)
        self.constrained = bool(constraints)
        self._chosen: dict[tuple[Version, bool], tuple[Candidate | None, list[Rejected]]] = {}
        self._matching: dict[str, tuple[Version, ...]] = {}

    def is_pinned(self, specifier: SpecifierSet) -> bool:
        """Whether exactly one version can ever be chosen."""
        return is_exact(self._constraint) or is_exact(specifier)

    def matching(self, specifier: SpecifierSet) -> tuple[Version, ...]:
        """The versions within a specifier and the constraints, best first: the preferred one, then newest first."""
        text = str(specifier)
        if text not in self._matching:
            allowed = specifier & self._constraint
            versions = (
                tuple(allowed.filter(self.page.versions))
                if len(allowed)
                else tuple(SpecifierSet().filter(self.page.versions))
            )
            if self._preferred in versions:
                versions = (self._preferred, *(version for version in versions if version != self._preferred))
            self._matching[text] = versions
        return self._matching[text]

    def choose(self, version: Version, specifier: SpecifierSet) -> tuple[Candidate | None, list[Rejected]]:
        """The file of a release to take, and the others with what speaks against each. Yanked ones only by exact pin."""
        exact = self.is_pinned(specifier)
        if (version, exact) not in self._chosen:
            open_to, rejected = [], []
            for candidate in self.page.candidates(version):
                reason = self._policy(candidate, exact=exact)
                if reason:
                    rejected.append(Rejected(candidate.filename, reason))
                else:
                    open_to.append(candidate)
            chosen, others = choose(open_to, self._target)
            self._chosen[version, exact] = (chosen, rejected + others)
        return self._chosen[version, exact]

    def _policy(self, candidate: Candidate, *, exact: bool) -> str | None:
        if candidate.yanked is not None and not exact:
            return f"it was yanked{': ' + candidate.yanked if candidate.yanked else ''}"
        if self._prior_to is None:
            return None
        if candidate.upload_time is None:
            raise InputError(
                f"{self.page.index} does not say when `{candidate.filename}` was uploaded, so --uploaded-prior-to cannot be kept",
                hint="use an index that gives upload times (PEP 700), or leave --uploaded-prior-to out",
            )
        if datetime.fromisoformat(candidate.upload_time) >= self._prior_to:
            return f"it was uploaded on {candidate.upload_time[:10]}, after the time that is allowed"
        return None

    def best(self, specifier: SpecifierSet) -> Candidate | None:
        """The first file that could be chosen."""
        return next(
            (found for version in self.matching(specifier) if (found := self.choose(version, specifier)[0])), None
        )


def merge(specifiers: Iterable[SpecifierSet]) -> SpecifierSet:
    """All of the specifiers at once."""
    merged = SpecifierSet()
    for specifier in specifiers:
        merged &= specifier
    return merged


@lru_cache(maxsize=65536)
def is_exact(specifier: SpecifierSet) -> bool:
    """Whether a specifier names one version: `==1.2` or `===1.2`, and not `==1.*`."""
    return any(
        clause.operator == "===" or (clause.operator == "==" and not clause.version.endswith(".*"))
        for clause in specifier
    )


class Shelves:
    """Every project's shelf for one question, made when its page is here."""

    def __init__(self, question: Question, supply: Supply) -> None:
        self._question, self._supply = question, supply
        self._constraints = by_project(
            line for line in question.constraints if question.target.applies(line.requirement.marker)
        )
        self._shelves: dict[NormalizedName, Shelf | None] = {}

    def constraints(self, project: NormalizedName) -> Sequence[Line]:
        """The constraints that speak of a project and apply to the target."""
        return self._constraints.get(project, ())

    def get(self, project: NormalizedName) -> Shelf | None:
        """A project's shelf; waits for its page. None where the index has no such project."""
        if project not in self._shelves:
            page = self._supply.page(project).result()
            self._shelves[project] = Shelf(self._question, page, self.constraints(project)) if page else None
        return self._shelves[project]


class Foresight:
    """Walks ahead of the resolver and asks for what it will most likely need. It guesses and decides nothing."""

    def __init__(self, question: Question, supply: Supply, shelves: Shelves) -> None:
        self._target, self._supply, self._shelves = question.target, supply, shelves
        self._seen: set[Identifier] = set()

    def expect(self, need: Need) -> None:
        """That this will be needed."""
        if (need.project, need.extra) in self._seen:
            return
        self._seen.add((need.project, need.extra))
        self._supply.page(need.project).add_done_callback(lambda _page: self._on_page(need))

    def _on_page(self, need: Need) -> None:
        with suppress(WheelhouseError, RuntimeError):
            shelf = self._shelves.get(need.project)
            candidate = shelf.best(need.specifier) if shelf else None
            if shelf and candidate:
                metadata = self._supply.metadata(candidate, certain=shelf.is_pinned(need.specifier))
                metadata.add_done_callback(lambda future: self._on_metadata(need, candidate, future.result()))

    def _on_metadata(self, need: Need, candidate: Candidate, metadata: Metadata) -> None:
        for requirement, _ in metadata.requirements(self._target, need.extra):
            for further in needs_of(requirement, str(candidate.project)):
                self.expect(further)


def needs_of(requirement: Requirement, origin: str, parent: Choice | None = None) -> Iterator[Need]:
    """A requirement as needs: one for the project, one for each extra."""
    if requirement.url:
        raise InputError(f"{origin} asks for `{requirement}` by its address", hint="name a version instead")
    project = canonicalize_name(requirement.name)
    for extra in ("", *sorted(canonicalize_name(extra) for extra in requirement.extras)):
        yield Need(project, extra, requirement.specifier, origin, parent)


class Provider(AbstractProvider[Need, Choice, Identifier]):
    """What resolvelib asks: which candidates there are, and what each depends on."""

    def __init__(
        self, question: Question, supply: Supply, shelves: Shelves, foresight: Foresight, on_event: Listener
    ) -> None:
        self._question, self._supply, self._shelves, self._foresight = question, supply, shelves, foresight
        self._on_event = on_event
        self._order: dict[Identifier, int] = {}
        self._warned: set[str] = set()
        self.introduced: dict[Identifier, Need] = {}

    def identify(self, requirement_or_candidate: Need | Choice) -> Identifier:
        """Project and extra."""
        if isinstance(requirement_or_candidate, Choice):
            return requirement_or_candidate.candidate.project, requirement_or_candidate.extra
        return requirement_or_candidate.project, requirement_or_candidate.extra

    def get_preference(
        self,
        identifier: Identifier,
        resolutions: Mapping[Identifier, Choice],
        candidates: Mapping[Identifier, Iterator[Choice]],
        information: Mapping[Identifier, Iterator[RequirementInformation[Need, Choice]]],
        backtrack_causes: Sequence[RequirementInformation[Need, Choice]],
    ) -> tuple[bool, bool, bool, int]:
        """Python first, then what is in conflict, then what is pinned, then in the order in which it was met."""
        project, _ = identifier
        in_conflict = any(self.identify(cause.requirement) == identifier for cause in backtrack_causes)
        specifiers = (entry.requirement.specifier for entry in information[identifier])
        pinned = any(map(is_exact, specifiers)) or any(
            is_exact(line.requirement.specifier) for line in self._shelves.constraints(project)
        )
        return (project != PYTHON, not in_conflict, not pinned, self._order.setdefault(identifier, len(self._order)))

    def find_matches(
        self,
        identifier: Identifier,
        requirements: Mapping[Identifier, Iterator[Need]],
        incompatibilities: Mapping[Identifier, Iterator[Choice]],
    ) -> Iterable[Choice]:
        """Candidates, best first. An extra's are held to what is asked of the project itself, too."""
        project, extra = identifier
        if project == PYTHON:
            return ()
        identifiers = {identifier, (project, "")}
        specifier = merge(need.specifier for key in identifiers for need in requirements.get(key, iter(())))
        excluded = {choice.candidate.version for key in identifiers for choice in incompatibilities.get(key, iter(()))}
        shelf = self._shelves.get(project)
        if shelf is None:
            return ()

        def candidates() -> Iterator[Choice]:
            for version in shelf.matching(specifier):
                if version not in excluded and (candidate := shelf.choose(version, specifier)[0]):
                    yield Choice(candidate, extra)

        return candidates  # type: ignore[return-value]  # resolvelib takes a callable, to be asked again

    def is_satisfied_by(self, requirement: Need, candidate: Choice) -> bool:
        """Whether a candidate is within what is asked."""
        return requirement.specifier.contains(candidate.candidate.version, prereleases=True)

    def get_dependencies(self, candidate: Choice) -> Iterable[Need]:
        """What a candidate asks for on this target."""
        needs = list(self._dependencies(candidate))
        for need in needs:
            self.introduced.setdefault((need.project, need.extra), need)
            self._order.setdefault((need.project, need.extra), len(self._order))
            if need.project != PYTHON:
                self._foresight.expect(need)
        return needs

    def _dependencies(self, choice: Choice) -> Iterator[Need]:
        candidate, origin = choice.candidate, f"{choice.candidate.project} {choice.candidate.version}"
        pinned = is_exact(merge(line.requirement.specifier for line in self._shelves.constraints(candidate.project)))
        metadata = self._supply.metadata(candidate, certain=pinned).result()
        if choice.extra:
            yield Need(candidate.project, "", SpecifierSet(f"=={candidate.version}"), origin, choice)
            if choice.extra not in metadata.extras:
                self._warn(f"{origin} has no extra named `{choice.extra}`; it is left out")
        elif metadata.requires_python and not candidate.requires_python:
            required = requires_python_of(metadata.requires_python)
            if not self._question.target.allows(required):
                yield Need(PYTHON, "", required, origin, choice)
        for requirement, rule in metadata.requirements(self._question.target, choice.extra):
            if rule:
                self._warn(
                    f"{origin} asks for `{requirement.name}` in a way that PEP 508 does not allow ({rule}); it is read as `{requirement}`"
                )
            yield from needs_of(requirement, origin, choice)

    def _warn(self, sentence: str) -> None:
        if sentence not in self._warned:
            self._warned.add(sentence)
            self._on_event(Warned(sentence))


def resolve(question: Question, supply: Supply, on_event: Listener = ignore) -> list[Answer]:
    """The releases and files that satisfy a question, sorted by project.

    Raises NoSolutionError where there are none, and says why.
    """
    shelves = Shelves(question, supply)
    foresight = Foresight(question, supply, shelves)
    provider = Provider(question, supply, shelves, foresight, on_event)
    needs = _roots(question, provider)
    for need in needs:
        foresight.expect(need)
    try:
        result = Resolver(provider, BaseReporter[Need, Choice, Identifier]()).resolve(needs, max_rounds=MOST_ROUNDS)
    except ResolutionImpossible as impossible:
        raise _explain(list(impossible.causes), question, shelves, provider) from impossible
    except ResolutionTooDeep as too_deep:
        hint = "pin more projects with a constraints file"
        raise NoSolutionError(f"no solution was found in {MOST_ROUNDS} rounds", hint=hint) from too_deep
    return _answers(result.mapping, question, supply, shelves)


def _roots(question: Question, provider: Provider) -> list[Need]:
    needs: list[Need] = []
    for line in question.requirements:
        if question.target.applies(line.requirement.marker):
            needs.extend(needs_of(line.requirement, line.origin))
    for need in needs:
        provider.introduced.setdefault((need.project, need.extra), need)
    return needs


def _answers(
    mapping: Mapping[Identifier, Choice], question: Question, supply: Supply, shelves: Shelves
) -> list[Answer]:
    extras: dict[NormalizedName, set[NormalizedName]] = {}
    for project, extra in mapping:
        extras.setdefault(project, set()).update([NormalizedName(extra)] if extra else [])
    return [
        _answer(mapping[project, ""].candidate, tuple(sorted(extras[project])), question, supply, shelves)
        for project in sorted(extras)
    ]


def _answer(
    candidate: Candidate, extras: tuple[NormalizedName, ...], question: Question, supply: Supply, shelves: Shelves
) -> Answer:
    metadata = supply.metadata(candidate).result()
    shelf = shelves.get(candidate.project)
    assert shelf is not None  # noqa: S101  (the candidate came from it)
    exact = SpecifierSet(f"=={candidate.version}")
    own_pin = shelf.is_pinned(SpecifierSet())
    return Answer(
        candidate=candidate,
        metadata=metadata,
        extras=tuple(extra for extra in extras if extra in metadata.extras),
        dependencies=tuple(
            sorted(
                {_spelled(req) for extra in ("", *extras) for req, _ in metadata.requirements(question.target, extra)}
            )
        ),
        rejected=tuple(shelf.choose(candidate.version, exact)[1]),
        skipped=() if own_pin else tuple(_skipped(shelf, candidate)),
        constrained=shelf.constrained,
    )


def _spelled(requirement: Requirement) -> str:
    extras = ",".join(sorted(map(canonicalize_name, requirement.extras)))
    return canonicalize_name(requirement.name) + (f"[{extras}]" if extras else "")


def _skipped(shelf: Shelf, candidate: Candidate) -> Iterator[Version]:
    """Newer releases that have files, none of which has a tag for the target."""
    for version in shelf.matching(SpecifierSet()):
        if version <= candidate.version:
            return
        chosen, rejected = shelf.choose(version, SpecifierSet())
        if chosen is None and rejected and all("no tag of it fits" in other.reason for other in rejected):
            yield version


# Why there is no solution


def _explain(
    causes: Sequence[RequirementInformation[Need, Choice]], question: Question, shelves: Shelves, provider: Provider
) -> NoSolutionError:
    projects = list(dict.fromkeys(cause.requirement.project for cause in causes))
    details: list[str] = []
    for project in projects:
        needs = [cause.requirement for cause in causes if cause.requirement.project == project]
        details.extend(_project_details(project, needs, question, shelves, provider))
    project = projects[0]
    return NoSolutionError(
        _sentence(
            project, [cause.requirement for cause in causes if cause.requirement.project == project], question, shelves
        ),
        hint=_hint(project, shelves),
        details=tuple(details),
    )


def _sentence(project: NormalizedName, needs: Sequence[Need], question: Question, shelves: Shelves) -> str:
    if project == PYTHON:
        return f"{needs[0].origin} requires Python {needs[0].specifier}, and the target has {question.target.python.version}"
    shelf = shelves.get(project)
    if shelf is None:
        return f"`{project}`, which {needs[0].origin} asks for, is not on the index"
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
    if shelves.get(project) is None:
        return "check the spelling, and that --index is the right index"
    return "ask for another version, or leave out what asks for it"


def _project_details(
    project: NormalizedName, needs: Sequence[Need], question: Question, shelves: Shelves, provider: Provider
) -> Iterator[str]:
    for need in needs:
        yield f"{chain_to(need, provider)} ({need.origin})" if need.parent is None else chain_to(need, provider)
    for line in shelves.constraints(project):
        yield f"constraint {line.requirement} ({line.origin})"
    if project != PYTHON and (shelf := shelves.get(project)):
        newest = ", ".join(map(str, shelf.page.versions[:5])) or "nothing"
        yield f"the index offers {project} {newest}{' …' if len(shelf.page.versions) > 5 else ''}"
        specifier = merge(need.specifier for need in needs)
        for version in shelf.matching(specifier)[:3]:
            for other in shelf.choose(version, specifier)[1]:
                yield f"{other.filename}: {other.reason}"


def chain_to(need: Need, provider: Provider) -> str:
    """From what was asked for down to a need, each with its version."""
    links, seen, parent = [str(need)], set(), need.parent
    while parent is not None and (parent.candidate.project, parent.extra) not in seen:
        seen.add((parent.candidate.project, parent.extra))
        links.append(str(parent))
        above = provider.introduced.get((parent.candidate.project, parent.extra))
        parent = above.parent if above else None
    return " → ".join(reversed(links))
