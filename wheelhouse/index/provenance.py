"""Publishers of a file, as its provenance object names them (PEP 740), and the result of checking it (pure)."""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from packaging.utils import NormalizedName, canonicalize_name

from wheelhouse.documents import parse_json, why_misshapen
from wheelhouse.errors import InputError
from wheelhouse.humanize import shortened

SUFFIX = ".provenance"
"""The suffix of a provenance file: it is named after its distribution, on an index and in a wheelhouse."""
Identity = tuple[tuple[str, str], ...]
"""A publisher's keys and values, sorted: `kind`, and the keys of that kind."""


@dataclass(frozen=True, slots=True)
class Provenance:
    """A provenance object of an index: its URL, its sha256, and the publishers that it names, not yet checked."""

    url: str
    sha256: str
    identities: tuple[Identity, ...] = ()


@dataclass(frozen=True, slots=True)
class Attested:
    """The result of checking a provenance object: the publishers with valid signatures, or why it is refused."""

    publishers: tuple[str, ...] = ()
    refused: str = ""


def identities_of(text: str) -> tuple[Identity, ...]:
    """The publisher of each attestation bundle in a provenance object, in its order. Raises ValueError for any other text."""
    try:
        return tuple(identity_of(bundle["publisher"]) for bundle in parse_json(text)["attestation_bundles"])
    except (KeyError, TypeError, AttributeError) as error:
        raise ValueError(f"it is not a provenance object: {why_misshapen(error)}") from error


def identity_of(publisher: Mapping[str, Any]) -> Identity:
    """A publisher's table as an identity, without values that are empty or no text. Raises KeyError if no `kind` is left."""
    keys = {str(key): value for key, value in publisher.items() if isinstance(value, str) and value}
    if "kind" not in keys:
        raise KeyError("kind")
    return tuple(sorted(keys.items()))


def identity_text(identity: Identity) -> str:
    """An identity for people, and for pins: `GitHub trailofbits/pypi-attestations, release.yml`.

    After the kind as it is come its email, project_id and repository, then its other values by their keys. The environment
    is left out: a project that adds one is still the same publisher.
    """
    keys = dict(identity)
    kind = keys.pop("kind", "")
    keys.pop("environment", None)
    order: Iterable[str] = sorted(keys, key=lambda key: (key not in ("repository", "email", "project_id"), key))
    return f"{kind} {', '.join(keys[key] for key in order)}"


Publishers = Mapping[NormalizedName, tuple[str, ...]]
"""The publishers of each project when it was first seen, as `identity_text` writes them."""


def parse_publishers(text: str, source: str) -> Publishers:
    """Read a file of publishers; the project names are normalised. Raises InputError naming `source`."""
    try:
        table = parse_json(text)["publishers"]
        return {canonicalize_name(project): _texts(publishers) for project, publishers in table.items()}
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        hint = "restore the file as `wheelhouse vet` wrote it, or remove it"
        raise InputError(f"`{source}` is not a file of publishers: {error}", hint=hint) from error


def _texts(value: object) -> tuple[str, ...]:
    """A list of texts. Raises TypeError for anything else."""
    if not isinstance(value, list) or not all(isinstance(text, str) for text in value):
        raise TypeError(f"{shortened(repr(value))} is not a list of texts")
    return tuple(value)


def publishers_json(publishers: Publishers) -> str:
    """The text of a file of publishers as JSON, sorted by project, for people to read and to change."""
    table = {str(project): list(texts) for project, texts in sorted(publishers.items())}
    return json.dumps({"publishers": table}, indent=1) + "\n"
