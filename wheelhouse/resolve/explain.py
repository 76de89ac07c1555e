"""Why there is no solution: what conflicts, where each part comes from, and what the index offers instead."""

from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from itertools import chain, combinations, product

from packaging.specifiers import SpecifierSet
from packaging.version import Version

from wheelhouse.archive.artifact import Rejected
from wheelhouse.archive.reason_text import reason_text
from wheelhouse.archive.reasons import HashNotAllowed, Reason, SdistExcluded
from wheelhouse.archive.tag_summary import target_tags, wheel_tags
from wheelhouse.errors import IntegrityError, NoSolutionError, WheelhouseError
from wheelhouse.humanize import counted, listed
from wheelhouse.resolve.candidates import CandidateIndex, ProjectCandidates
from wheelhouse.resolve.conflict import Conflict, RejectedReleases, find_conflict, rejected_releases
from wheelhouse.resolve.conflict_hints import hint
from wheelhouse.resolve.derivation import Derivation, Step
from wheelhouse.resolve.release_texts import (
    offered_text,
    origin_text,
    project_text,
    range_text,
    releases_text,
    versions_text,
)
from wheelhouse.resolve.requirements import RequirementLine
from wheelhouse.resolve.resolution import (
    EVERY_VERSION,
    NEVER,
    CandidateRelease,
    Dependency,
    ResolutionRequest,
    is_exact,
    merge,
)

MAX_STEPS = 12
MAX_REASONS = 4
NEWEST = 3
"""How many files are named for one reason."""
OTHER_FILE_HINT = "do not use this file: find out why it differs from the file that you vetted"
DependenciesOf = Callable[[CandidateRelease], Sequence[Dependency]]


def explain(
    derivation: Derivation, request: ResolutionRequest, index: CandidateIndex, dependencies_of: DependenciesOf
) -> WheelhouseError:
    """The error, to be raised, that says why there is no solution: what conflicts, the chain to each side, and the facts that it
    follows from, MAX_STEPS at most.

    It is an IntegrityError if the commonest reason against the files is that they lack the hashes that the user's lines
    give, else a NoSolutionError.
    """
    conflict = find_conflict(derivation, request, index)
    text = ConflictText(conflict, derivation)
    others = tuple(text.other_exclusions(dependencies_of))
    details = tuple(text.details(others))
    own = (target_tags(request.target),) if text.lacks_wheels else ()
    sentence, general = (text.sentence(name) for name in (request.target.name, "the target"))
    if conflict.is_about_files and conflict.rejected and isinstance(conflict.rejected[0].reason, HashNotAllowed):
        return IntegrityError(sentence, hint=OTHER_FILE_HINT, details=details, general=general, own=own)
    return NoSolutionError(
        sentence, hint=hint(conflict) + _other_conflicts(len(others)), details=details, general=general, own=own
    )


class ConflictText:
    """A conflict in English."""

    def __init__(self, conflict: Conflict, derivation: Derivation) -> None:
        self._conflict, self._derivation, self._index = conflict, derivation, conflict.index
        self._project, self._candidates = conflict.project, conflict.candidates
        self._chains = conflict.chains

    def sentence(self, target: str) -> str:
        """What conflicts, and why, as the one line of an error; `target` is how the sentence calls the target."""
        conflict, first = self._conflict, self._conflict.sides[0]
        if self._project == NEVER:
            return str(first.dependency)
        if self._candidates is None:
            place = self._index.place(self._project)
            return f"{f'{place} has no project' if place else 'no index has'} `{self._project}` ({self._origin(first)})"
        page = self._candidates.page
        if page.status.status == "quarantined":
            reason = f": {page.status.reason}" if page.status.reason else ""
            return f"`{self._project}` ({self._origin(first)}) is {page.status.status} on {page.index}{reason}"
        if conflict.requires_itself:
            return f"{self._asks(first)} `{first.dependency}`, which is another release of {self._project}"
        if not conflict.complete:
            return "no choice of releases satisfies all of the requirements above"
        return self._none_fits(self._candidates, target) if conflict.is_about_files else self._excluded()

    def _excluded(self) -> str:
        """A sentence about dependencies and constraints that leave no release."""
        conflict = self._conflict
        if not conflict.has_release(conflict.specifier):
            return self._no_release()
        if conflict.contradiction:
            one, other = conflict.contradiction
            return f"the constraints `{one.requirement}` ({one.origin}) and `{other.requirement}` ({other.origin}) conflict"
        lines = conflict.excluding_constraints
        texts = " and ".join(f"`{line.requirement}` ({line.origin})" for line in lines)
        return f"{self._requests()}, but the {'constraint is' if len(lines) == 1 else 'constraints are'} {texts}"

    def _none_fits(self, candidates: ProjectCandidates, target: str) -> str:
        """A sentence about releases that are left, and of which no file can be chosen, or that `--only-final` excludes."""
        asked = f"`{self._project}{self._conflict.specifier}` ({', '.join(map(self._origin, self._conflict.sides))})"
        if not candidates.matching(self._conflict.specifier):
            return f"{self._place()} has only pre-releases of {asked}, but --only-final excludes them"
        lines = self._conflict.constraints
        under = f" under the constraint `{lines[0].requirement}` ({lines[0].origin})" if lines else ""
        group, *others = self._conflict.commonest
        releases = f"{self._project} {range_text(group.versions)}"
        count = sum(len(other.versions) for other in others)
        more = f"; similar for {counted(count, 'more release')}" if count else ""
        return f"no release of {asked}{under} can be chosen for {target} ({releases}: {why_rejected(group)}{more})"

    def _no_release(self) -> str:
        """A sentence about the file that the user named, if others exclude it; else a dependency that no release satisfies, or several."""
        conflict = self._conflict
        if named := direct_line(conflict):
            source = named.source
            assert source is not None  # noqa: S101  (`direct_line`)
            file = f"`{source.filename}` (requested {origin_text(named.origin)})"
            return f"{file} is {conflict.project} {source.version}, but {self._requests()}"
        if len(conflict.sides) == 1:
            return f"{self._place()} has no release of `{conflict.dependencies[0]}` ({self._origin(conflict.sides[0])})"
        return f"{' and '.join(f'`{side.dependency}` ({self._origin(side)})' for side in conflict.sides)} conflict"

    def _requests(self) -> str:
        """`app 1.0 requires …`, `web.txt:3 requests …`, for each side."""
        return " and ".join(
            f"{self._asks(side)} `{side.dependency}`"
            if side.asker
            else f"{side.dependency.origin} requests `{side.dependency}`"
            for side in self._conflict.sides
        )

    def _origin(self, side: Step) -> str:
        """Who asks, in words: "required by app 1", "requested on the command line" or "requested in requirements.txt:3"."""
        return f"required by {self._askers(side)}" if side.asker else f"requested {origin_text(side.dependency.origin)}"

    def _askers(self, side: Step) -> str:
        """`app 1.0`, `app 1.0, 1.1`; of three releases or more, `every release of app` or `8 releases of app`."""
        if len(side.versions) <= 2:
            return releases_text(side)
        if self._conflict.is_of_every_release(side):
            return f"every release of {side.asker}"
        return f"{len(side.versions)} releases of {side.asker}"

    def _asks(self, side: Step) -> str:
        """`app 1.0 requires`, `app 1.0, 1.1 require`, `every release of app requires` or `8 releases of app require`."""
        askers = self._askers(side)
        return f"{askers} {'requires' if askers.startswith('every release of ') else _verb(side)}"

    def _place(self) -> str:
        """Where the project comes from, in words: its index, or the file that the user named."""
        return self._index.place(self._project) or "the named file"

    # Details

    def details(self, other_exclusions: Iterable[str]) -> Iterator[str]:
        """Lines: the chain to each side, the constraints, `other_exclusions`, the other steps and limits; for a project with
        a page, what it offers and the rejected files.
        """
        yield from map(self._chain, self._chains)
        for line in self._conflict.constraints:
            yield f"constraint {line.requirement} ({line.origin})"
        yield from other_exclusions
        yield from self._other_steps()
        yield from self._other_limits()
        if self._candidates is not None:
            yield from self._offered(self._candidates)
            yield from self._rejections()

    def _chain(self, steps: Sequence[Step]) -> str:
        """`web.txt:1 → app 1.0 → lib 1.0, 2.0 (lib<3) → base<3`: from the user's line to a dependency, with what limits
        each.

        A limit that is exact or empty is left out. A chain that no line of the user leads to begins with the releases that
        ask.
        """
        links, above = [], steps[0].dependency
        if above.parent is None:
            links, steps = [above.origin], steps[1:]
        for step in steps:
            links.append(self._link(step, str(above) if above.specifier and not is_exact(above.specifier) else ""))
            above = step.dependency
        return " → ".join([*links, str(above)])

    def _link(self, step: Step, limit: str) -> str:
        """One link of a chain: `lib 1.0, 2.0 (lib<3)`; of more than two releases, how many, or that it is every one, or the
        only one: `lib 1.0 to 2.8 (12 releases)`, `lib 1.0 (its only release)`.
        """
        count = len(step.versions)
        notes = [f"{count} releases"] if count > 2 else []
        if self._conflict.is_of_every_release(step):
            notes = ["every release" if count > 1 else "its only release"]
        notes += [limit] if limit else []
        return f"{project_text(step)} {range_text(step.versions)}" + (f" ({', '.join(notes)})" if notes else "")

    def _offered(self, candidates: ProjectCandidates) -> Iterator[str]:
        """Lines: what the index offers of the project and, if no release is within the specifier, which archives of its page are
        none of its.
        """
        conflict, page = self._conflict, candidates.page
        offered = f"{self._project} {offered_text(page.versions, conflict.specifier)}"
        yield f"{self._place()} offers {offered if page.versions else f'no release of {self._project}'}"
        if page.ignored and not conflict.has_release(conflict.specifier):
            names = listed(page.ignored[::-1], NEWEST)
            yield f"the page also has files whose names do not fit a wheel or sdist of {self._project}: {names}"

    def _rejections(self) -> Iterator[str]:
        """Lines about rejected files: the tags of the first group's wheels, if tags reject them; why, for each of the first
        MAX_REASONS groups of releases; the count of the other releases; and which hashes are allowed if a hash was wrong.

        The reason for the first group is left out if it has several releases and their files lack only a fitting tag.
        """
        groups = self._conflict.rejected
        for number, group in enumerate(groups[:MAX_REASONS]):
            wheels = [other.filename for other in group.rejected if other.has_no_tag]
            if wheels and not number:
                yield wheel_tags(self._project, group.versions[0], wheels)
            if len(group.versions) == 1:
                yield from _rejection_lines(self._project, group.versions[0], group.rejected)
            elif group.reason or number:
                yield f"{self._project} {versions_text(group.versions)}: {why_rejected(group)}"
        if len(groups) > MAX_REASONS:
            count = sum(len(group.versions) for group in groups[MAX_REASONS:])
            yield f"wheelhouse rejected {counted(count, 'more release')} of {self._project} for similar reasons"
        if any(isinstance(group.reason, HashNotAllowed) for group in groups):
            yield from self._allowed_hashes()

    def _allowed_hashes(self) -> Iterator[str]:
        """A line for each of the user's lines that give hashes of the project."""
        request = self._conflict.request
        for line in (*request.requirements, *request.constraints):
            if line.project == self._project and line.allowed_hashes:
                hashes = sorted(hash_ for allowed in line.allowed_hashes for hash_ in allowed)
                yield f"{line.origin} allows {listed(hashes, NEWEST)}"

    @property
    def lacks_wheels(self) -> bool:
        """Whether a wheel of a rejected release was rejected because of its tags."""
        return any(other.has_no_tag for group in self._conflict.rejected for other in group.rejected)

    def other_exclusions(self, dependencies_of: DependenciesOf) -> Iterator[str]:
        """Lines about other dependencies of the release of each side: those that constraints exclude, and those of two of
        these releases that exclude each other, as far as pages that are here show. Two of the same release are not compared.
        """
        parents = [side.dependency.parent for side in self._conflict.sides if side.dependency.parent]
        needs = {
            parent: [need for need in dependencies_of(parent) if need.project not in (self._project, NEVER)]
            for parent in dict.fromkeys(parents)
        }
        for need in chain.from_iterable(needs.values()):
            lines = self._index.constraints(need.project)
            limits = [line.requirement.specifier for line in lines]
            if any(excludes(line, need.specifier) for line in lines) or (lines and self._is_void(need, *limits)):
                texts = " and ".join(f"{line.requirement} ({line.origin})" for line in lines)
                yield f"{need.origin} also requires {need}, but the {'constraint is' if len(lines) == 1 else 'constraints are'} {texts}"
        for one, other in combinations(needs, 2):
            for first, second in product(needs[one], needs[other]):
                if first.project == second.project and self._is_void(first, second.specifier):
                    yield f"{one} also requires {first}, but {other} requires {second}"

    def _is_void(self, need: Dependency, *limits: SpecifierSet) -> bool:
        """Whether no release on a project's page is within a dependency and limits; False without a page, or if it was not
        looked at.
        """
        if not self._index.has_without_page(need.project):
            return False
        candidates = self._index.get(need.project)
        admitted = merge((need.specifier, *limits))
        return candidates is not None and not any(admitted.filter(candidates.page.versions, prereleases=True))

    def _other_steps(self) -> Iterator[str]:
        """Lines: what other releases and the user ask for that the chains do not show, MAX_STEPS at most, and how many more.

        Left out: what a release requires of its own project, and the user's lines of a project with which a chain begins.
        """
        shown = {step.dependency for step in chain.from_iterable(self._chains)}
        begun = {each[0].dependency.project for each in self._chains if each[0].asker is None}
        others = [
            step
            for step in self._derivation.steps
            if step.dependency not in shown
            and step.dependency.project != step.asker
            and not (step.asker is None and step.dependency.project in begun)
        ]
        lines = [self._step_text(step) for step in others if step.dependency.reason is None]
        reasons = [str(step.dependency) for step in others if step.dependency.reason]
        yield from [*lines, *reasons][:MAX_STEPS]
        if len(others) > MAX_STEPS:
            yield f"and {counted(len(others) - MAX_STEPS, 'more requirement')} of other releases"

    def _step_text(self, step: Step) -> str:
        """Who asks for what, and if nothing satisfies it, why: `app 1.0 requires lib<3, of which the index has no release`."""
        asker = f"{releases_text(step)} {_verb(step)}" if step.asker else f"{step.dependency.origin} requests"
        return f"{asker} {step.dependency}{self._why_void(step.dependency)}"

    def _why_void(self, dependency: Dependency) -> str:
        """Why no release satisfies a dependency, as the end of a sentence; empty if one does, and for the project of the
        conflict.

        May wait for the page of the dependency's project.
        """
        if dependency.project == self._project:
            return ""
        if self._index.get(dependency.project) is None:
            return ", which the index does not have"
        return ", of which the index has no release" if self._is_void(dependency) else ""

    def _other_limits(self) -> Iterator[str]:
        """Lines about what else limits the projects that ask in the chains: constraints, and releases that cannot be chosen.

        The constraints of the conflict's own project are left out.
        """
        askers = dict.fromkeys(step.asker for step in chain.from_iterable(self._chains) if step.asker)
        for project in askers:
            for line in self._index.constraints(project) if project != self._project else ():
                yield f"constraint {line.requirement} ({line.origin})"
            candidates, unusable = self._index.get(project), self._derivation.unusable.get(project, ())
            for group in rejected_releases(candidates, unusable, EVERY_VERSION) if candidates else ():
                yield f"{project} {versions_text(group.versions)} cannot be chosen: {why_rejected(group)}"


# Parts of sentences


def _verb(step: Step) -> str:
    """`requires` for one version, `require` for several or for the user."""
    return "requires" if len(step.versions) == 1 else "require"


def _other_conflicts(count: int) -> str:
    """The end of a hint: "; the other conflicts above may remain", or "conflict" for a count of 1; empty for 0."""
    if not count:
        return ""
    return f"; the other {'conflict' if count == 1 else 'conflicts'} above may remain"


def why_rejected(group: RejectedReleases) -> str:
    """Why no file of some releases can be chosen, in words without the project; for one release with its own details."""
    wheels, several = sum(other.has_no_tag for other in group.rejected), len(group.versions) > 1
    tags = f"{'its one wheel has no' if wheels == 1 else f'none of its {wheels} wheels has a'} tag that fits"
    if several:
        tags = "no wheel has a tag that fits" if wheels else "there is no wheel"
    if group.reason is None:
        return tags
    if isinstance(group.reason, SdistExcluded) and (wheels or several):
        return f"{tags}, and --only-binary excludes sdists"
    return reason_text(group.reason)


def direct_line(conflict: Conflict) -> RequirementLine | None:
    """The user's line that names a file of the project; None if none does."""
    if conflict.project not in conflict.request.direct:
        return None
    return next(
        (line for line in conflict.request.requirements if line.project == conflict.project and line.source), None
    )


def _rejection_lines(project: str, version: Version, rejected: Collection[Rejected]) -> Iterator[str]:
    """A line for each of the first reasons against files of a release, and the number of other files. Wheels whose tags do not fit
    are left out.
    """
    files: dict[Reason, list[str]] = {}
    for other in rejected:
        if not other.has_no_tag:
            files.setdefault(other.reason, []).append(other.filename)
    for reason, filenames in list(files.items())[:NEWEST]:
        yield f"{listed(filenames, NEWEST)}: {reason_text(reason)}"
    if others := [name for filenames in list(files.values())[NEWEST:] for name in filenames]:
        yield f"wheelhouse rejected {counted(len(others), 'more file')} of {project} {version} for similar reasons"


def excludes(line: RequirementLine, specifier: SpecifierSet) -> bool:
    """Whether a constraint names one version and nothing else (`==1.0`, not `==1.*`), and a specifier does not admit it."""
    clauses = list(line.requirement.specifier)
    if len(clauses) != 1 or not is_exact(line.requirement.specifier):
        return False
    return not specifier.contains(clauses[0].version, prereleases=True)
