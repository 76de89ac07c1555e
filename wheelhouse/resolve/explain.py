"""Why there is no solution: what conflicts, where each part comes from, and what the index offers instead."""

import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from functools import cached_property
from itertools import combinations

from packaging.specifiers import SpecifierSet
from packaging.utils import NormalizedName
from packaging.version import Version

from wheelhouse.airflow import PROJECT as AIRFLOW
from wheelhouse.archive.artifact import Rejected
from wheelhouse.archive.reason_text import reason_text
from wheelhouse.archive.reasons import HashNotAllowed, Reason
from wheelhouse.archive.tag_summary import target_tags, wheel_tags
from wheelhouse.errors import IntegrityError, NoSolutionError, WheelhouseError
from wheelhouse.humanize import counted, listed
from wheelhouse.resolve.candidates import CandidateIndex, ProjectCandidates
from wheelhouse.resolve.derivation import Derivation, Step
from wheelhouse.resolve.requirements import COMMAND_LINE, RequirementLine
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
"""The dependency that first led to a project, or to one of its extras."""
MAX_OFFERED = 6
MAX_STEPS = 12
NEWEST = 3
"""How many releases are examined, and how many files are named for one reason."""
BRANCH = re.compile(r"constraints-\d+-\d+(?!\d|\.)")
"""A branch of Airflow's constraints, which moves on to later releases."""
OPTIONAL_EXTRAS = {"mysql": "with INSTALL_MYSQL_CLIENT=false the image's build drops it anyway"}
"""Extras of Airflow that its image's build can do without, and how."""
OTHER_FILE_HINT = "do not use this file: find out why the index has another than the one you vetted"


def explain(
    derivation: Derivation, request: ResolutionRequest, index: CandidateIndex, introduced: Introduced
) -> WheelhouseError:
    """The error that says why there is no solution: what conflicts, the chain to each side, and every fact that it follows from.

    It is an IntegrityError if the index has another file than the one whose hash a requirement line gives.
    """
    project = derivation.conflicting[0].project
    conflict = Conflict(project, derivation.conflicting, request, index, introduced)
    details = (*conflict.details(), *_other_steps(derivation))
    own = (target_tags(request.target),) if conflict.lacks_wheels else ()
    sentence, general = (conflict.sentence(name) for name in (request.target.name, "the target"))
    if isinstance(conflict.decisive_reason, HashNotAllowed):
        return IntegrityError(sentence, hint=OTHER_FILE_HINT, details=details, general=general, own=own)
    return NoSolutionError(sentence, hint=conflict.hint(), details=details, general=general, own=own)


def _other_steps(derivation: Derivation) -> Iterator[str]:
    """A line for each fact that the chains do not show: other releases that were tried, and what they require."""
    shown = set(derivation.conflicting)
    others = [step for step in derivation.steps if len(step.versions) > (step.dependency in shown)]
    lines = [f"{_releases_text(step)} requires {step.dependency}" for step in others if not _is_on_a_chain(step, shown)]
    yield from lines[:MAX_STEPS]
    if len(lines) > MAX_STEPS:
        yield f"and {counted(len(lines) - MAX_STEPS, 'more requirement')} of other releases"


def _is_on_a_chain(step: Step, shown: Collection[Dependency]) -> bool:
    """Whether one release alone has the dependency, and the chain to a conflicting one passes through it."""
    return len(step.versions) == 1 and any(
        dependency.parent and dependency.parent.candidate.project == step.dependency.project for dependency in shown
    )


def _releases_text(step: Step) -> str:
    """`lib 2`, `lib 1.0 to 2.8 (12 releases)` or `lib[extra] 1.0, 2.0`."""
    parent = step.dependency.parent
    assert parent is not None  # noqa: S101  (a step with versions has a release that asks)
    name = f"{parent.candidate.project}[{parent.extra}]" if parent.extra else parent.candidate.project
    if len(step.versions) <= 2:
        return f"{name} {', '.join(map(str, reversed(step.versions)))}"
    return f"{name} {step.versions[-1]} to {step.versions[0]} ({len(step.versions)} releases)"


class Conflict:
    """The dependencies on one project that no release satisfies together."""

    def __init__(
        self,
        project: NormalizedName,
        dependencies: Sequence[Dependency],
        request: ResolutionRequest,
        index: CandidateIndex,
        introduced: Introduced,
    ) -> None:
        self.project, self.request, self._introduced, self._index = project, request, introduced, index
        self.dependencies = list({(str(each), each.origin): each for each in dependencies}.values())
        self.specifier = merge(dependency.specifier for dependency in dependencies)
        self.candidates: ProjectCandidates | None = index.get(project) if project != NEVER else None
        self.constraints: Sequence[RequirementLine] = index.constraints(project)

    def sentence(self, target: str) -> str:
        """What conflicts, and why; `target` is how the sentence calls the target."""
        first = self.dependencies[0]
        if self.project == NEVER:
            return str(first)
        if self.candidates is None:
            place = self._index.place(self.project)
            return f"{f'{place} has no project' if place else 'no index has'} `{self.project}` ({origin_text(first)})"
        if self.candidates.page.status.status == "quarantined":
            page = self.candidates.page
            return f"`{self.project}` ({origin_text(first)}) is {page.status} on {page.index}"
        return self._excluded() or self._none_fits(self.candidates, target)

    def _excluded(self) -> str | None:
        """A sentence about dependencies or constraints that leave no release; None if they leave one."""
        if not self._has_release(self.specifier):
            return self._no_release()
        if contradiction := self._contradiction():
            return contradiction
        if excluding := self._excluding_constraint():
            return f"{self._sides()}, but the constraint is `{excluding.requirement}` ({excluding.origin})"
        return None

    def _none_fits(self, candidates: ProjectCandidates, target: str) -> str:
        """A sentence about releases that are left, and of which no file can be chosen."""
        matching = candidates.matching(self.specifier)
        if not matching:
            return f"{self._place()} has only pre-releases of `{self.project}{self.specifier}`, and none is requested"
        why = self._why_none_fits() or "other requirements exclude it"
        asked = f"`{self.project}{self.specifier}`{self._under_constraint()}"
        return f"no release of {asked} can be chosen for {target} ({self.project} {matching[0]}: {why})"

    def hint(self) -> str:
        """What to do next."""
        if self.project == NEVER:
            return "request another version, or another target"
        if self.candidates is None:
            return "check the spelling, and that --index is the right index"
        if self._has_release(self.specifier) and self._contradiction():
            return "change or remove one of the two constraints"
        if self._has_release(self.specifier) and (excluding := self._excluding_constraint()):
            return self._constraint_hint(excluding)
        if (extra := self._extra()) and not self._has_release(self.specifier):
            project = extra.candidate.project
            why = f": {OPTIONAL_EXTRAS[extra.extra]}" if project == AIRFLOW and extra.extra in OPTIONAL_EXTRAS else ""
            return f"leave out the extra `{extra.extra}` of {project}, which requires it{why}"
        return "request another version, or leave out what requires it"

    def details(self) -> Iterator[str]:
        """Lines: the chain to each side, the constraints, what the index offers, and the rejected files with reasons."""
        for dependency in self.dependencies:
            chain = chain_to(dependency, self._introduced)
            yield f"{chain} ({dependency.origin})" if dependency.parent is None else chain
        for line in self.constraints:
            yield f"constraint {line.requirement} ({line.origin})"
        yield from self._other_exclusions()
        if self.candidates is None:
            return
        page = self.candidates.page
        yield f"{self._place()} offers {self.project} {offered_text(page.versions, self.specifier)}"
        if page.ignored and not self._has_release(self.specifier):
            names = listed(page.ignored[::-1], NEWEST)
            yield f"its page has other files: {names}; by name they are no wheel or sdist of {self.project}"
        for version, rejected in self._rejected.items():
            wheels = [other.filename for other in rejected if other.has_no_tag]
            if wheels and version == next(iter(self._rejected)):
                yield wheel_tags(self.project, version, wheels)
            yield from _rejection_lines(self.project, version, rejected)

    @cached_property
    def _rejected(self) -> dict[Version, list[Rejected]]:
        """The rejected files of the newest releases that every dependency admits, by version."""
        if self.candidates is None:
            return {}
        versions = self.candidates.matching(self.specifier)[:NEWEST]
        return {version: self.candidates.choose(version, self.specifier)[1] for version in versions}

    @property
    def lacks_wheels(self) -> bool:
        """Whether a wheel was rejected because of its tags."""
        return any(other.has_no_tag for rejected in self._rejected.values() for other in rejected)

    @property
    def decisive_reason(self) -> Reason | None:
        """Why no file of the best release can be chosen, if something else than its wheels' tags decides."""
        if self.candidates is None or not self._has_release(self.specifier):
            return None
        if self._contradiction() or self._excluding_constraint():
            return None
        best = next(iter(self._rejected.values()), [])
        return next((other.reason for other in best if not other.has_no_tag), None)

    def _why_none_fits(self) -> str | None:
        """The decisive reason, or the tags of the wheels; None if no file of the best release was rejected."""
        if reason := self.decisive_reason:
            return reason_text(reason)
        count = len(next(iter(self._rejected.values()), []))
        if not count:
            return None
        return f"{'its one wheel has no' if count == 1 else f'none of its {count} wheels has a'} tag that fits"

    def _place(self) -> str:
        return self._index.place(self.project) or "the named file"

    def _contradiction(self) -> str | None:
        """A sentence about two constraints that leave no release together, though each alone leaves some; else None."""
        for one, other in combinations(self.constraints, 2):
            specifiers = one.requirement.specifier, other.requirement.specifier
            if not self._has_release(merge(specifiers)) and all(map(self._has_release, specifiers)):
                return f"the constraints `{one.requirement}` ({one.origin}) and `{other.requirement}` ({other.origin}) conflict"
        return None

    def _other_exclusions(self) -> Iterator[str]:
        """Lines about other dependencies of the same releases that constraints exclude, so that all are mended at once."""
        parents = {dependency.parent.candidate for dependency in self.dependencies if dependency.parent}
        for other in self._introduced.values():
            if other.project == self.project or other.parent is None or other.parent.candidate not in parents:
                continue
            for line in self._index.constraints(other.project):
                if excludes(line, other.specifier):
                    constraint = f"{line.requirement} ({line.origin})"
                    yield f"{other.origin} also requires {other}, but the constraint is {constraint}"

    def _has_release(self, specifier: SpecifierSet) -> bool:
        """Whether the project's page has a version within a specifier."""
        assert self.candidates is not None  # noqa: S101  (callers looked)
        return any(True for _ in specifier.filter(self.candidates.page.versions, prereleases=True))

    def _no_release(self) -> str:
        """A sentence about a dependency that no release satisfies, or about two that conflict."""
        alone = [dependency for dependency in self.dependencies if not self._has_release(dependency.specifier)]
        if alone or len(self.dependencies) == 1:
            dependency = (alone or self.dependencies)[0]
            return f"{self._place()} has no release of `{dependency}` ({origin_text(dependency)})"
        return f"{' and '.join(f'`{each}` ({origin_text(each)})' for each in self.dependencies)} conflict"

    def _under_constraint(self) -> str:
        lines = self.constraints
        return f" under the constraint `{lines[0].requirement}` ({lines[0].origin})" if lines else ""

    def _excluding_constraint(self) -> RequirementLine | None:
        """The constraint that excludes every release that the dependencies admit."""
        return next(
            (line for line in self.constraints if not self._has_release(self.specifier & line.requirement.specifier)),
            None,
        )

    def _sides(self) -> str:
        return " and ".join(f"{dependency.origin} requires `{dependency}`" for dependency in self.dependencies)

    def _constraint_hint(self, line: RequirementLine) -> str:
        """What to do about a constraint that excludes everything; for Airflow, which constraints fit its release."""
        release = self._airflow_release()
        if release and BRANCH.search(line.origin):
            return (
                f"that file is a branch of Airflow's constraints, which moves on to later releases: take the tag "
                f"constraints-{release} (`--airflow {release}` does)"
            )
        if release and f"constraints-{release}" not in line.origin:
            return f"change or remove {line.origin}, or take the constraints of this release: the tag constraints-{release}"
        return f"change or remove {line.origin}, or use the constraints that were made for this release"

    def _airflow_release(self) -> str | None:
        """The release of Airflow that the user pins; None if none."""
        for line in self.request.requirements:
            clauses = list(line.requirement.specifier)
            if line.project == AIRFLOW and len(clauses) == 1 and clauses[0].operator == "==":
                return clauses[0].version
        return None

    def _extra(self) -> CandidateRelease | None:
        """The extra, with its release, that the user requested and that leads to the first dependency; else None."""
        dependency: Dependency | None = self.dependencies[0]
        top, seen = None, set()
        while dependency is not None and dependency.parent is not None and dependency.parent not in seen:
            top = dependency.parent
            seen.add(top)
            dependency = self._introduced.get((top.candidate.project, top.extra))
        return top if top is not None and top.extra else None


def origin_text(dependency: Dependency) -> str:
    """Who asks: "required by app 1", "requested on the command line" or "requested in requirements.txt:3"."""
    if dependency.parent:
        return f"required by {dependency.origin}"
    return f"requested {'on' if dependency.origin == COMMAND_LINE else 'in'} {dependency.origin}"


def _rejection_lines(project: str, version: Version, rejected: Sequence[Rejected]) -> Iterator[str]:
    """A line for each of the first reasons against files of a release; wheels whose tags do not fit have a line of their own."""
    files: dict[Reason, list[str]] = {}
    for other in rejected:
        if not other.has_no_tag:
            files.setdefault(other.reason, []).append(other.filename)
    for reason, filenames in list(files.items())[:NEWEST]:
        yield f"{listed(filenames, NEWEST)}: {reason_text(reason)}"
    if others := [name for filenames in list(files.values())[NEWEST:] for name in filenames]:
        yield f"{counted(len(others), 'more file')} of {project} {version} rejected for similar reasons"


def excludes(line: RequirementLine, specifier: SpecifierSet) -> bool:
    """Whether a constraint pins one version, and a specifier does not admit that version."""
    clauses = list(line.requirement.specifier)
    if len(clauses) != 1 or not is_exact(line.requirement.specifier):
        return False
    return not specifier.contains(clauses[0].version, prereleases=True)


def offered_text(versions: Sequence[Version], specifier: SpecifierSet) -> str:
    """The versions of a page, newest first: all of a few, else the newest and those next to the specifier's own."""
    if len(versions) <= MAX_OFFERED * 2:
        return ", ".join(map(str, versions)) or "nothing"
    edges = [Version(clause.version.removesuffix(".*")) for clause in specifier if clause.operator != "==="]
    near = [version for edge in edges for version in _neighbours(versions, edge)]
    shown = sorted({*versions[:MAX_OFFERED], *near}, reverse=True)
    return f"{', '.join(map(str, shown))} and {len(versions) - len(shown)} more"


def _neighbours(versions: Sequence[Version], edge: Version) -> Sequence[Version]:
    """The two versions of a sequence, newest first, that are next to where `edge` belongs."""
    newer = sum(version > edge for version in versions)
    return versions[min(max(newer - 1, 0), len(versions) - 2) :][:2]


def chain_to(dependency: Dependency, introduced: Introduced) -> str:
    """The chain from the user's requirement to a dependency, each with its version: `app 1 → lib 2 → base<3`."""
    links, seen, parent = [str(dependency)], set(), dependency.parent
    while parent is not None and (parent.candidate.project, parent.extra) not in seen:
        seen.add((parent.candidate.project, parent.extra))
        links.append(str(parent))
        above = introduced.get((parent.candidate.project, parent.extra))
        parent = above.parent if above else None
    return " → ".join(reversed(links))
