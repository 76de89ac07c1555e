"""Who published a file, as an index tells it (PEP 740), and what came of checking it (pure)."""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from packaging.utils import NormalizedName, canonicalize_name

from wheelhouse.documents import parse_json
from wheelhouse.errors import InputError

SUFFIX = ".provenance"
"""What follows a file's name in the name of its provenance, on an index and in a house."""
Identity = tuple[tuple[str, str], ...]
"""A publisher's keys and values, sorted: `kind`, and what belongs to that kind."""


@dataclass(frozen=True, slots=True)
class Provenance:
    """A provenance object that an index served: from where, its sha256, and the publishers that it names, not yet checked."""

    url: str
    sha256: str
    identities: tuple[Identity, ...] = ()


@dataclass(frozen=True, slots=True)
class Attested:
    """What came of checking a provenance object: the publishers whose signatures hold, or why it is refused."""

    publishers: tuple[str, ...] = ()
    refused: str = ""


def identities_of(text: str) -> tuple[Identity, ...]:
    """The publishers that a provenance object names. Raises ValueError for what is none."""
    try:
        return tuple(identity_of(bundle["publisher"]) for bundle in parse_json(text)["attestation_bundles"])
    except (KeyError, TypeError, AttributeError) as error:
        raise ValueError(f"it is no provenance object: {error!r}") from error


def identity_of(publisher: Mapping[str, Any]) -> Identity:
    """A publisher's table as an identity: what is empty, and what is no text, tells nobody from another."""
    found = {str(key): value for key, value in publisher.items() if isinstance(value, str) and value}
    if "kind" not in found:
        raise KeyError("kind")
    return tuple(sorted(found.items()))


def identity_text(identity: Identity) -> str:
    """As people read it, and as pins keep it: `GitHub trailofbits/pypi-attestations, release.yml`.

    The environment is left out: a project may add one without becoming another's.
    """
    told = dict(identity)
    kind = told.pop("kind", "")
    told.pop("environment", None)
    order: Iterable[str] = sorted(told, key=lambda key: (key not in ("repository", "email", "project_id"), key))
    return f"{kind} {', '.join(told[key] for key in order)}"


Publishers = Mapping[NormalizedName, tuple[str, ...]]
"""Who published a project when it was first seen, as `identity_text` says it."""


def parse_publishers(text: str, source: str) -> Publishers:
    """Read a file of publishers. Raises InputError naming `source`."""
    try:
        told = parse_json(text)["publishers"]
        return {canonicalize_name(project): tuple(map(str, known)) for project, known in told.items()}
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        hint = "`wheelhouse vet` writes it; remove what was altered, or the file"
        raise InputError(f"`{source}` is no file of publishers: {error}", hint=hint) from error


def publishers_json(publishers: Publishers) -> str:
    """A file of publishers, for people to read and to change."""
    table = {str(project): list(known) for project, known in sorted(publishers.items())}
    return json.dumps({"publishers": table}, indent=1) + "\n"
