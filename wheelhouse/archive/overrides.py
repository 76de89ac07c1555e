"""Overrides and exclusions: what the user puts in the place of what releases ask for, with uv's meaning (pure)."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from packaging.requirements import Requirement
from packaging.utils import NormalizedName, canonicalize_name


@dataclass(frozen=True, slots=True)
class Adjustments:
    """An override replaces every requirement of its project, marker and extras included; an excluded project is asked for by none."""

    overrides: tuple[Requirement, ...] = ()
    excluded: frozenset[NormalizedName] = frozenset()

    def instead_of(self, requirement: Requirement) -> Sequence[Requirement]:
        """What counts where this requirement stands."""
        project = canonicalize_name(requirement.name)
        if project in self.excluded:
            return ()
        return tuple(other for other in self.overrides if canonicalize_name(other.name) == project) or (requirement,)

    @classmethod
    def of_texts(cls, overrides: Iterable[str], excluded: Iterable[str]) -> "Adjustments":
        """As a lock records them."""
        return cls(tuple(map(Requirement, overrides)), frozenset(map(canonicalize_name, excluded)))


AS_ASKED = Adjustments()
