"""Overrides and exclusions of dependencies, with uv's meaning (pure)."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from packaging.requirements import Requirement
from packaging.utils import NormalizedName, canonicalize_name


@dataclass(frozen=True, slots=True)
class Adjustments:
    """An override replaces every requirement of its project, with marker and extras. Nothing requires an excluded project."""

    overrides: tuple[Requirement, ...] = ()
    excluded: frozenset[NormalizedName] = frozenset()

    def instead_of(self, requirement: Requirement) -> Sequence[Requirement]:
        """What replaces a requirement: nothing if its project is excluded, else all overrides of the project, else itself."""
        replacements = self.instead_of_project(requirement.name)
        return (requirement,) if replacements is None else replacements

    def instead_of_project(self, name: str) -> Sequence[Requirement] | None:
        """What replaces each requirement of a project: nothing if it is excluded, else its overrides; None if it is not adjusted."""
        project = canonicalize_name(name)
        if project in self.excluded:
            return ()
        return tuple(other for other in self.overrides if canonicalize_name(other.name) == project) or None

    @classmethod
    def of_texts(cls, overrides: Iterable[str], excluded: Iterable[str]) -> "Adjustments":
        """From the texts that a lock file records. Raises InvalidRequirement."""
        return cls(tuple(map(Requirement, overrides)), frozenset(map(canonicalize_name, excluded)))


AS_ASKED = Adjustments()
