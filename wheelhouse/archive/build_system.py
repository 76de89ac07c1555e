"""The `[build-system]` table of an sdist's pyproject.toml (pure).

Sources: PEP 517 and PEP 518, with their defaults for a missing table or backend.
"""

from dataclasses import dataclass
from typing import Any

from wheelhouse.documents import parse_toml
from wheelhouse.errors import IntegrityError

LEGACY_BACKEND = "setuptools.build_meta:__legacy__"
LEGACY_REQUIRES = ("setuptools>=40.8.0", "wheel")


@dataclass(frozen=True, slots=True)
class BuildSystem:
    """An sdist's `[build-system]`."""

    requires: tuple[str, ...] = LEGACY_REQUIRES
    backend: str = LEGACY_BACKEND
    backend_path: tuple[str, ...] = ()


def build_system(pyproject: str | None, sdist: str) -> BuildSystem:
    """The `[build-system]` in the text of a pyproject.toml (PEP 517). Without text or table it is BuildSystem().

    Without a backend, or if it is empty, it is setuptools, and LEGACY_REQUIRES follow `requires`. Raises IntegrityError,
    naming the sdist, if the text cannot be read, or the table has no `requires` or a value of another type than PEP 517
    says.
    """
    try:
        table: dict[str, Any] | None = parse_toml(pyproject or "").get("build-system")
        if table is None:
            return BuildSystem()
        requires = _strings(table["requires"], "requires")
        backend = table.get("build-backend", "")
        if not isinstance(backend, str):
            raise TypeError("`build-backend` is not a string")
        return BuildSystem(
            requires=requires if backend else (*requires, *LEGACY_REQUIRES),
            backend=backend or LEGACY_BACKEND,
            backend_path=_strings(table.get("backend-path", []), "backend-path"),
        )
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise IntegrityError(f"the pyproject.toml of `{sdist}` cannot be read: {error!r}") from error


def _strings(value: object, key: str) -> tuple[str, ...]:
    """The strings of a list. Raises TypeError, naming the key, for another value."""
    if not isinstance(value, list) or not all(isinstance(item, str) for item in value):
        raise TypeError(f"`{key}` is not a list of strings")
    return tuple(value)
