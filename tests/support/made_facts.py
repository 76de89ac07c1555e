"""Facts of files that exist by their names alone, and what one rule observes of them: no archive is written or read."""

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime

from packaging.utils import NormalizedName, canonicalize_name
from packaging.version import Version

from wheelhouse.archive.artifact import Artifact
from wheelhouse.findings import Observation, Policy
from wheelhouse.lock.lock import Pin
from wheelhouse.vet.capabilities import Capabilities
from wheelhouse.vet.code.behaviour import Behaviour
from wheelhouse.vet.facts import Entry, Facts, Inside
from wheelhouse.vet.known_projects import NO_KNOWN_PROJECTS, KnownProjects
from wheelhouse.vet.rules import Review
from wheelhouse.vet.vet import RULES

NOW = datetime(2026, 1, 1, tzinfo=UTC)


def made(
    name: str,
    *members: str | Entry,
    version: str = "1.0",
    tag: str = "py3-none-any",
    targets: Iterable[str] = ("cp312",),
    texts: Mapping[str, str] | None = None,
    behaviours: Iterable[Behaviour] = (),
    capabilities: Capabilities | None = None,
    needs: Iterable[str] = (),
    place: str = "",
    sha256: str = "0" * 64,
) -> Facts:
    """A wheel with these members, or an sdist if `tag` is empty. A member that is a text has one byte, and its name as digest."""
    project = canonicalize_name(name)
    stem = f"{project.replace('-', '_')}-{version}"
    texts = texts or {}
    entries = [
        *([Entry(f"{stem}.dist-info/METADATA", 1)] if tag else []),
        *(Entry(path, len(text), digest=f"sha256={text}") for path, text in texts.items()),
        *(Entry(one, 1, digest=f"sha256={one}") if isinstance(one, str) else one for one in members),
    ]
    artifact = Artifact(f"{stem}-{tag}.whl" if tag else f"{stem}.tar.gz", sha256, 1)
    inside = Inside(tuple(entries), texts, {}, capabilities or {}, tuple(behaviours))
    pin = Pin(project, Version(version), artifact, dependencies=tuple(needs))
    return Facts(pin, tuple(targets), place, inside=inside)


def observations(
    rule: str, facts: Facts, *others: Facts, lookalikes: Iterable[str] = (), known: KnownProjects = NO_KNOWN_PROJECTS
) -> list[Observation]:
    """What a rule observes of the first file, in a wheelhouse with the others."""
    check = RULES[rule].check
    assert check is not None
    policy = Policy(lookalikes=frozenset(map(NormalizedName, lookalikes)))
    return list(check(facts, Review((facts, *others), policy, NOW, known=known)))
