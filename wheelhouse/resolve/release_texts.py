"""Releases, versions and origins in a few words (pure)."""

from collections.abc import Sequence

from packaging.specifiers import SpecifierSet
from packaging.version import Version

from wheelhouse.resolve.derivation import Step
from wheelhouse.resolve.requirements import COMMAND_LINE

MAX_OFFERED = 6


def range_text(versions: Sequence[Version]) -> str:
    """`2`, `1, 2` or `1.0 to 2.8`, oldest first, of versions that are given newest first; empty for none."""
    return ", ".join(map(str, reversed(versions))) if len(versions) <= 2 else f"{versions[-1]} to {versions[0]}"


def versions_text(versions: Sequence[Version]) -> str:
    """`range_text`, and how many if there are more than two: `1.0 to 2.8 (12 releases)`."""
    return range_text(versions) + (f" ({len(versions)} releases)" if len(versions) > 2 else "")


def project_text(step: Step) -> str:
    """The project that has a dependency, with its extra: `lib[extra]`. Not for what the user asks for."""
    extra = step.dependency.parent.extra if step.dependency.parent else ""
    return f"{step.asker}[{extra}]" if extra else f"{step.asker}"


def releases_text(step: Step) -> str:
    """The releases that have a dependency: `lib 2`, `lib 1.0 to 2.8 (12 releases)` or `lib[extra] 1.0, 2.0`."""
    return f"{project_text(step)} {versions_text(step.versions)}"


def origin_text(origin: str) -> str:
    """Where a requirement stands: `on the command line`, `in requirements.txt:3`."""
    return f"{'on' if origin == COMMAND_LINE else 'in'} {origin}"


def offered_text(versions: Sequence[Version], specifier: SpecifierSet) -> str:
    """The versions of a page, newest first, as text: all if they are at most twice MAX_OFFERED, else the MAX_OFFERED newest,
    those next to the specifier's own, and how many more. Empty for none.
    """
    if len(versions) <= MAX_OFFERED * 2:
        return ", ".join(map(str, versions))
    edges = [Version(clause.version.removesuffix(".*")) for clause in specifier if clause.operator != "==="]
    near = [version for edge in edges for version in _neighbours(versions, edge)]
    shown = sorted({*versions[:MAX_OFFERED], *near}, reverse=True)
    more = f" and {len(versions) - len(shown)} more" if len(shown) < len(versions) else ""
    return f"{', '.join(map(str, shown))}{more}"


def _neighbours(versions: Sequence[Version], edge: Version) -> Sequence[Version]:
    """Two versions of a sequence, newest first: the last above `edge` and the next, or the two at the end near it."""
    newer = sum(version > edge for version in versions)
    return versions[min(max(newer - 1, 0), len(versions) - 2) :][:2]
