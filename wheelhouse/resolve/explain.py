"""Why there is no solution: what stands against what, where each comes from, and what the index still offers."""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import cached_property
from itertools import combinations

from packaging.specifiers import SpecifierSet
from packaging.utils import NormalizedName
from packaging.version import Version

from wheelhouse.airflow import PROJECT as AIRFLOW
from wheelhouse.archive.artifact import NOT_ALLOWED, Rejected, has_no_tag
from wheelhouse.archive.tag_summary import target_tags, wheel_tags
from wheelhouse.errors import IntegrityError, NoSolutionError, WheelhouseError
from wheelhouse.humanize import counted, listed
from wheelhouse.resolve.candidates import CandidateIndex, ProjectCandidates
from wheelhouse.resolve.requirements import RequirementLine
from wheelhouse.resolve.resolution import (
    NEVER,
    CandidateRelease,
    Dependency,
    Identifier,
    ResolutionRequest,
    is_exact,
    merge,
)

Introduced = Mapping[Identifier, Dependency]
"""The need that first brought a project, or one of its extras, in."""
MAX_OFFERED = 6
NEWEST = 3
"""How many releases are looked at, and how many files are named for one reason."""
BRANCH = re.compile(r"constraints-\d+-\d+(?!\d|\.)")
"""A branch of Airflow's constraints, which moves on to later releases."""
DROPPED = {"mysql": "with INSTALL_MYSQL_CLIENT=false the image's build drops it anyway"}
"""Extras of Airflow that its image's build can do without, and how."""


def explain(
    conflicting: Sequence[Dependency], question: ResolutionRequest, shelves: CandidateIndex, introduced: Introduced
) -> WheelhouseError:
    """The error that says why these needs cannot all be met, with the chain that leads to each."""
    by_project: dict[NormalizedName, list[Dependency]] = {}
    for need in conflicting:
        by_project.setdefault(need.project, []).append(need)
    conflicts = [Conflict(project, needs, question, shelves, introduced) for project, needs in by_project.items()]
    details = tuple(line for conflict in conflicts for line in conflict.details())
    own = (target_tags(question.target),) if any(conflict.lacks_wheels for conflict in conflicts) else ()
    sentence, general = (conflicts[0].sentence(name) for name in (question.target.name, "the target"))
    if NOT_ALLOWED in sentence:
        hint = "do not use this file: find out why the index has another than the one you vetted"
        return IntegrityError(sentence, hint=hint, details=details, general=general, own=own)
    return NoSolutionError(sentence, hint=conflicts[0].hint(), details=details, general=general, own=own)


class Conflict:
    """What is asked of one project, and cannot all be met."""

    def __init__(
        self,
        project: NormalizedName,
        needs: Sequence[Dependency],
        question: ResolutionRequest,
        shelves: CandidateIndex,
        introduced: Introduced,
    ) -> None:
        self.project, self.question, self._introduced, self._shelves = project, question, introduced, shelves
        self.needs = list({(str(need), need.origin): need for need in needs}.values())
        self.specifier = merge(need.specifier for need in needs)
        self.shelf: ProjectCandidates | None = shelves.get(project) if project != NEVER else None
        self.constraints: Sequence[RequirementLine] = shelves.constraints(project)

    def sentence(self, target: str) -> str:
        """What happened, to what, why; `target` is what the target is called."""
        first = self.needs[0]
        if self.project == NEVER:
            return first.origin
        if self.shelf is None:
            return f"`{self.project}`, which {first.origin} asks for, is not on {self._shelves.place(self.project)}"
        if self.shelf.page.status.status == "quarantined":
            return f"`{self.project}`, which {first.origin} asks for, is {self.shelf.page.status} on {self.shelf.page.index}"
        return self._against(self.shelf, target)

    def hint(self) -> str:
        """What to do next."""
        if self.project == NEVER:
            return "ask for another version, or for another target"
        if self.shelf is None:
            return "check the spelling, and that --index is the right index"
        if self._within(self.specifier) and self._contradiction():
            return "change or remove one of the two constraints"
        if self._within(self.specifier) and (excluding := self._excluding()):
            return self._about(excluding)
        if (extra := self._extra()) and not self._within(self.specifier):
            why = f": {DROPPED[extra.extra]}" if extra.candidate.project == AIRFLOW and extra.extra in DROPPED else ""
            return f"leave out the extra `{extra.extra}` of {extra.candidate.project}, which asks for it{why}"
        return "ask for another version, or leave out what asks for it"

    def details(self) -> Iterator[str]:
        """The chain to each side, what each allows, what the index offers, what was rejected and why."""
        for need in self.needs:
            chain = chain_to(need, self._introduced)
            yield f"{chain} ({need.origin})" if need.parent is None else chain
        for line in self.constraints:
            yield f"constraint {line.requirement} ({line.origin})"
        yield from self._also_excluded()
        if self.shelf is None:
            return
        place = self._shelves.place(self.project)
        yield f"{place} offers {self.project} {offered_text(self.shelf.page.versions, self.specifier)}"
        if (ignored := self.shelf.page.ignored) and not self._within(self.specifier):
            yield f"its page has other files: {listed(ignored[::-1], NEWEST)}; by name no wheel or sdist of {self.project}"
        for version, rejected in self._rejected.items():
            unfit = [other.filename for other in rejected if has_no_tag(other)]
            if unfit and version == next(iter(self._rejected)):
                yield wheel_tags(self.project, version, unfit)
            yield from _rejections(self.project, version, rejected)

    def _contradiction(self) -> str | None:
        """Two constraints that leave no release together, where each leaves some."""
        for one, other in combinations(self.constraints, 2):
            both = one.requirement.specifier & other.requirement.specifier
            if (
                not self._within(both)
                and self._within(one.requirement.specifier)
                and self._within(other.requirement.specifier)
            ):
                return f"the constraints `{one.requirement}` ({one.origin}) and `{other.requirement}` ({other.origin}) exclude each other"
        return None

    @cached_property
    def _rejected(self) -> dict[Version, list[Rejected]]:
        """The files of the newest releases within all that is asked, with what speaks against each."""
        if self.shelf is None:
            return {}
        versions = self.shelf.matching(self.specifier)[:NEWEST]
        return {version: self.shelf.choose(version, self.specifier)[1] for version in versions}

    @property
    def lacks_wheels(self) -> bool:
        """Whether a wheel was rejected because of its tags."""
        return any(map(has_no_tag, (other for rejected in self._rejected.values() for other in rejected)))

    def _against(self, shelf: ProjectCandidates, target: str) -> str:
        if not self._within(self.specifier):
            return self._nothing_within()
        if contradiction := self._contradiction():
            return contradiction
        if excluding := self._excluding():
            return f"{self._asked()}, and the constraint `{excluding.requirement}` ({excluding.origin}) rules that out"
        matching = shelf.matching(self.specifier)
        if not matching:
            return (
                f"only pre-releases of `{self.project}{self.specifier}` are on {self._shelves.place(self.project)}, "
                "and those are not asked for"
            )
        rejected = shelf.choose(matching[0], self.specifier)[1]
        reason = _reason(rejected) if rejected else "what else is asked contradicts it"
        asked = f"`{self.project}{self.specifier}`{self._under()}"
        return f"no release of {asked} can be chosen for {target}: of {matching[0]}, {reason}"

    def _also_excluded(self) -> Iterator[str]:
        """What else the same release asks for, and a constraint rules out: all of it is wrong, not only what was met first."""
        parents = {need.parent.candidate for need in self.needs if need.parent}
        for need in self._introduced.values():
            if need.project == self.project or need.parent is None or need.parent.candidate not in parents:
                continue
            for line in self._shelves.constraints(need.project):
                if excludes(line, need.specifier):
                    yield f"{need.origin} also asks for {need}, and the constraint {line.requirement} ({line.origin}) rules that out"

    def _within(self, specifier: SpecifierSet) -> bool:
        assert self.shelf is not None  # noqa: S101  (callers looked)
        return any(True for _ in specifier.filter(self.shelf.page.versions, prereleases=True))

    def _nothing_within(self) -> str:
        alone = [need for need in self.needs if not self._within(need.specifier)]
        if alone or len(self.needs) == 1:
            need = (alone or self.needs)[0]
            by = f", which {need.origin} asks for," if need.parent else ""
            return f"no release of `{need}`{by} is on {self._shelves.place(self.project)}"
        sides = " and ".join(f"`{need}` ({need.origin})" for need in self.needs)
        return f"{sides} exclude each other"

    def _under(self) -> str:
        lines = self.constraints
        return f" under the constraint `{lines[0].requirement}` ({lines[0].origin})" if lines else ""

    def _excluding(self) -> RequirementLine | None:
        """The constraint that leaves nothing of what is asked and on the index."""
        return next(
            (line for line in self.constraints if not self._within(self.specifier & line.requirement.specifier)), None
        )

    def _asked(self) -> str:
        return " and ".join(f"{need.origin} asks for `{need}`" for need in self.needs)

    def _about(self, line: RequirementLine) -> str:
        release = self._airflow()
        if release and BRANCH.search(line.origin):
            return (
                f"that file is a branch of Airflow's constraints, which moves on to later releases: take the tag "
                f"constraints-{release} (`--airflow {release}` does)"
            )
        if release and f"constraints-{release}" not in line.origin:
            return f"change or remove {line.origin}, or take the constraints of this very release: the tag constraints-{release}"
        return f"change or remove {line.origin}, or use the constraints that were made for this very release"

    def _airflow(self) -> str | None:
        """The release of Airflow that was asked for, exactly."""
        for line in self.question.requirements:
            clauses = list(line.requirement.specifier)
            if line.project == AIRFLOW and len(clauses) == 1 and clauses[0].operator == "==":
                return clauses[0].version
        return None

    def _extra(self) -> CandidateRelease | None:
        """The extra that was asked for, and that leads to the first need."""
        need: Dependency | None = self.needs[0]
        found, seen = None, set()
        while need is not None and need.parent is not None and need.parent not in seen:
            seen.add(need.parent)
            found = need.parent
            need = self._introduced.get((need.parent.candidate.project, need.parent.extra))
        return found if found is not None and found.extra else None


def _rejections(project: str, version: Version, rejected: Sequence[Rejected]) -> Iterator[str]:
    """A line for each of the first reasons against files of a release, but for tags that do not fit."""
    reasons = _by_reason(other for other in rejected if not has_no_tag(other))
    for reason, filenames in list(reasons.items())[:NEWEST]:
        yield f"{listed(filenames, NEWEST)}: {reason}"
    if others := [name for filenames in list(reasons.values())[NEWEST:] for name in filenames]:
        yield f"{counted(len(others), 'more file')} of {project} {version} rejected for similar reasons"


def _by_reason(rejected: Iterable[Rejected]) -> dict[str, list[str]]:
    reasons: dict[str, list[str]] = {}
    for other in rejected:
        reasons.setdefault(other.reason, []).append(other.filename)
    return reasons


def _reason(rejected: Sequence[Rejected]) -> str:
    """Why no file of a release can be chosen: what speaks against its wheels, else against the first file."""
    unfit = sum(map(has_no_tag, rejected))
    if unfit < len(rejected):
        return next(other.reason for other in rejected if not has_no_tag(other))
    return f"{'its one wheel has no' if unfit == 1 else f'none of its {unfit} wheels has a'} tag that fits"


def excludes(line: RequirementLine, specifier: SpecifierSet) -> bool:
    """Whether a constraint that names one version names one which a specifier does not admit."""
    clauses = list(line.requirement.specifier)
    if len(clauses) != 1 or not is_exact(line.requirement.specifier):
        return False
    return not specifier.contains(clauses[0].version, prereleases=True)


def offered_text(versions: Sequence[Version], specifier: SpecifierSet) -> str:
    """The releases that are there, newest first: all of a few, else the newest, and those next to what is asked."""
    if len(versions) <= MAX_OFFERED * 2:
        return ", ".join(map(str, versions)) or "nothing"
    edges = [Version(clause.version.removesuffix(".*")) for clause in specifier if clause.operator != "==="]
    near = [
        version
        for edge in edges
        for version in sorted(versions, key=lambda version: abs(versions.index(version) - _place(versions, edge)))[:2]
    ]
    shown = sorted({*versions[:MAX_OFFERED], *near}, reverse=True)
    return f"{', '.join(map(str, shown))} and {len(versions) - len(shown)} more"


def _place(versions: Sequence[Version], edge: Version) -> float:
    """Where a version would stand among others, newest first."""
    return sum(version > edge for version in versions) - 0.5


def chain_to(need: Dependency, introduced: Introduced) -> str:
    """From what was asked for down to a need, each with its version."""
    links, seen, parent = [str(need)], set(), need.parent
    while parent is not None and (parent.candidate.project, parent.extra) not in seen:
        seen.add((parent.candidate.project, parent.extra))
        links.append(str(parent))
        above = introduced.get((parent.candidate.project, parent.extra))
        parent = above.parent if above else None
    return " → ".join(reversed(links))
