"""A pyproject.toml as an input: its dependencies, extras and dependency groups (PEP 621, PEP 735) (pure)."""

from collections.abc import Iterable, Iterator, Mapping
from copy import copy
from dataclasses import dataclass, field, replace
from typing import Any

from packaging.dependency_groups import DependencyGroupResolver
from packaging.markers import Marker
from packaging.requirements import InvalidRequirement, Requirement
from packaging.specifiers import InvalidSpecifier, SpecifierSet
from packaging.utils import NormalizedName, canonicalize_name

from wheelhouse.archive.artifact import has_overlong_number
from wheelhouse.documents import parse_toml
from wheelhouse.errors import InputError
from wheelhouse.resolve.requirements import RequirementLine, parse_line

MAX_MARKER_SETS = 64
"""How many sets of markers one extra may have: they can double with each extra of a chain."""


@dataclass(frozen=True)
class Project:
    """The parts of a pyproject.toml that resolving needs. `requires_python` is empty if the file gives none.

    `notes` are sentences about tables that only one other tool reads; `for_poetry` if only Poetry can read its dependencies.
    """

    source: str
    name: NormalizedName
    dependencies: tuple[str, ...] = ()
    extras: Mapping[NormalizedName, tuple[str, ...]] = field(default_factory=dict)
    groups: Mapping[str, Any] = field(default_factory=dict)
    requires_python: SpecifierSet = field(default_factory=SpecifierSet)
    notes: tuple[str, ...] = ()
    for_poetry: bool = False

    def must_state_dependencies(self) -> None:
        """Raise InputError if only Poetry can read the project's dependencies."""
        if self.for_poetry:
            hint = "export them with `poetry export -f requirements.txt -o requirements.txt`, then use `-r requirements.txt`"
            raise InputError(
                f"`{self.source}` has its dependencies in [tool.poetry], which only Poetry reads", hint=hint
            )

    def lines(self, extras: Iterable[str]) -> list[RequirementLine]:
        """Its dependencies, and those of some of its extras. Raises InputError for an extra that it does not have, and for a
        text that is no requirement.
        """
        lines = [parse_line(text, f"{self.source} (dependencies)") for text in self.dependencies]
        return lines + list(self._of_extras([(canonicalize_name(extra), ()) for extra in extras]))

    def _of_extras(self, pending: list[tuple[NormalizedName, tuple[str, ...]]]) -> Iterator[RequirementLine]:
        """The lines of extras with the markers beside them. An extra may require the project itself with other extras: these are
        then read too, with the marker of this requirement. Each extra is read once, unless it has other markers.

        `pending` is emptied. Raises InputError for an extra that it does not have, or that counts under more than
        MAX_MARKER_SETS sets of markers.
        """
        seen: dict[NormalizedName, list[set[str]]] = {}
        while pending:
            extra, markers = pending.pop(0)
            if any(earlier <= set(markers) for earlier in seen.setdefault(extra, [])):
                continue
            if len(seen[extra]) == MAX_MARKER_SETS:
                sentence = f"`{self.source}` requires its extra `{extra}` with more than {MAX_MARKER_SETS} different sets of markers"
                raise InputError(
                    sentence, hint="wherever this extra is required, write the requirements of the extra instead"
                )
            seen[extra].append(set(markers))
            if extra not in self.extras:
                known = ", ".join(sorted(self.extras)) or "none"
                raise InputError(f"`{self.source}` has no extra `{extra}`", hint=f"its extras: {known}")
            for text in self.extras[extra]:
                line = parse_line(text, f"{self.source} (extra {extra})")
                if self.name and line.project == self.name:
                    own = str(line.requirement.marker or "")
                    inner = (*markers, own) if own and own not in markers else markers
                    pending += [(canonicalize_name(name), inner) for name in sorted(line.requirement.extras)]
                else:
                    yield _under(markers, line)

    def group_lines(self, groups: Iterable[str]) -> list[RequirementLine]:
        """The requirements of dependency groups (PEP 735). Raises InputError for a group that does not exist, or is invalid."""
        lines: list[RequirementLine] = []
        for group in groups:
            try:
                requirements = DependencyGroupResolver(self.groups).resolve(group)
            except (ExceptionGroup, LookupError, TypeError, ValueError) as error:
                known = ", ".join(sorted(self.groups)) or "none"
                hint = f"its groups: {known}"
                raise InputError(
                    f"`{self.source}`: the group `{group}` cannot be read: {_reason(error)}", hint=hint
                ) from error
            lines += [parse_line(str(requirement), f"{self.source} (group {group})") for requirement in requirements]
        return lines


def _under(markers: Iterable[str], line: RequirementLine) -> RequirementLine:
    """The same line, for a target only that also meets all `markers`."""
    own = (str(line.requirement.marker),) if line.requirement.marker else ()
    if not (others := tuple(marker for marker in markers if marker not in own)):
        return line
    requirement = copy(line.requirement)
    requirement.marker = Marker(" and ".join(f"({marker})" for marker in (*own, *others)))
    return replace(line, requirement=requirement)


def _reason(error: BaseException) -> str:
    """The sentence of an error; of a group of errors, all sentences."""
    inner = getattr(error, "exceptions", None)
    return "; ".join(map(_reason, inner)) if inner else str(error)


def parse_project(text: str, source: str) -> Project:
    """Read a pyproject.toml; one without [project] has no dependencies. Raises InputError if it is invalid, or if only a
    build can tell its dependencies or extras. Groups, and texts with `@`, are read as they are, and not checked.
    """
    try:
        document = parse_toml(text)
    except ValueError as error:
        raise InputError(f"`{source}` is not TOML: {error}") from error
    table, groups = document.get("project", {}), document.get("dependency-groups", {})
    if not isinstance(table, dict) or not isinstance(groups, dict):
        raise InputError(f"`{source}`: [project] and [dependency-groups] must be tables")
    dynamic = table.get("dynamic", [])
    if not isinstance(dynamic, list):
        raise InputError(f"`{source}`: `dynamic` in [project] must be a list")
    if undecided := [name for name in ("dependencies", "optional-dependencies") if name in dynamic]:
        hint = "build a wheel of the project, and request that wheel: dynamic values are known only after a build"
        raise InputError(f"`{source}` declares {' and '.join(undecided)} as dynamic", hint=hint)
    tool = document.get("tool", {})
    try:
        return Project(
            source=source,
            name=canonicalize_name(table.get("name", "")),
            dependencies=_texts(table.get("dependencies", [])),
            extras={canonicalize_name(k): _texts(v) for k, v in table.get("optional-dependencies", {}).items()},
            groups=groups,
            requires_python=_specifiers(table.get("requires-python", "")),
            notes=tuple(_uv_sources(tool, source)),
            for_poetry="dependencies" not in table and bool(_table(tool, "poetry").keys() & {"dependencies", "group"}),
        )
    except (AttributeError, TypeError, InvalidSpecifier, InvalidRequirement) as error:
        raise InputError(f"`{source}` does not follow PEP 621: {error}") from error


def _table(document: object, name: str) -> Mapping[str, Any]:
    """A table in a document; empty if there is none, or if either is no table."""
    table = document.get(name) if isinstance(document, dict) else None
    return table if isinstance(table, dict) else {}


def _uv_sources(tool: object, source: str) -> Iterator[str]:
    """A sentence about [tool.uv.sources], which only uv reads; none if it is empty."""
    if names := sorted(_table(_table(tool, "uv"), "sources")):
        yield (
            f"`{source}` has sources for {', '.join(names)} in [tool.uv.sources], which only uv reads; wheelhouse "
            "takes these projects from its own indexes"
        )


def _specifiers(value: object) -> SpecifierSet:
    """A `requires-python`. Raises InvalidSpecifier, TypeError for what is no text, or has a number with more digits than Python
    reads.
    """
    if not isinstance(value, str) or has_overlong_number(value):
        raise TypeError("`requires-python` is not a text, or contains a number with too many digits")
    return SpecifierSet(value)


def _texts(value: object) -> tuple[str, ...]:
    """A list of requirements as texts in canonical spelling; one with `@` as it is. Raises TypeError or InvalidRequirement."""
    if not isinstance(value, list) or not all(isinstance(text, str) for text in value):
        raise TypeError(f"`{value}` is not a list of requirements")
    return tuple(str(Requirement(text)) if "@" not in text else text for text in value)
