"""Attestations (PEP 740), checked with sigstore and a local trust root, without a network.

`Attestation.verify` of pypi-attestations takes no other trust root than the one that sigstore keeps in the user's home, and
renews; so its steps are taken here, with a root of the user's or the one that came with sigstore.
"""

import json
from collections.abc import Iterator
from datetime import datetime
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING, Any

from packaging.utils import parse_wheel_filename

from wheelhouse.archive.filenames import is_wheel, release_of
from wheelhouse.errors import InputError
from wheelhouse.files.disk import read_text
from wheelhouse.index.provenance import Attested, identities_of, identity_text

if TYPE_CHECKING:
    from pypi_attestations import Attestation
    from sigstore.verify import Verifier

STORE = ("_store", "https%3A%2F%2Ftuf-repo-cdn.sigstore.dev", "trusted_root.json")
PAYLOAD_TYPE = "application/vnd.in-toto+json"


class Attestor:
    """Checks provenance objects against one trust root. `since` is when the newest key in that root came into use."""

    def __init__(self, verifier: "Verifier", since: datetime) -> None:
        self._verifier = verifier
        self.since = since

    def __call__(self, text: str, filename: str, sha256: str) -> Attested:
        """Check every attestation of a file: signature, publisher, the file's name and its sha256.

        Any error makes the result `refused` with its first line, and no publisher then counts; none is raised. `text` is the
        provenance object as JSON.
        """
        from pypi_attestations import Provenance  # noqa: PLC0415

        publishers: list[str] = []
        try:
            identities = identities_of(text)
            bundles = Provenance.model_validate_json(text).attestation_bundles
            for bundle, identity in zip(bundles, identities, strict=True):
                policy = bundle.publisher._as_policy()  # what `Attestation.verify` asks a publisher for
                for attestation in bundle.attestations:
                    self._check(attestation, policy, filename, sha256)
                    publishers.append(identity_text(identity))
        except Exception as error:  # the libraries raise errors of many classes; after any, nothing is attested
            return Attested(refused=_sentence(error))
        return Attested(tuple(dict.fromkeys(publishers)), "" if publishers else "it contains no attestation")

    def _check(self, attestation: "Attestation", policy: Any, filename: str, sha256: str) -> None:  # noqa: ANN401
        """Verify one attestation of a file. Raises an error of any class if its signature, publisher, name or sha256 is another."""
        from pypi_attestations import AttestationType  # noqa: PLC0415

        kind, payload = self._verifier.verify_dsse(attestation.to_bundle(), policy)
        statement = json.loads(payload)
        subjects = statement["subject"]
        if kind != PAYLOAD_TYPE or len(subjects) != 1:
            raise ValueError("an attestation is not about exactly one file")
        AttestationType(statement["predicateType"])
        if _parsed(subjects[0]["name"]) != _parsed(filename):
            raise ValueError(f"an attestation is about `{subjects[0]['name']}`, not about this file")
        if subjects[0]["digest"].get("sha256") != sha256:
            raise ValueError("the sha256 in an attestation is not the sha256 of this file")


def open_attestor(trust_root: Path | None) -> Attestor | None:
    """An attestor with a trust root from a file, or the one that sigstore carries; None if sigstore is not installed.

    Raises InputError for a file that is missing or no trust root.
    """
    try:
        from sigstore.models import TrustedRoot  # noqa: PLC0415
        from sigstore.verify import Verifier  # noqa: PLC0415
    except ImportError:
        return None
    path = trust_root or Path(str(files("sigstore").joinpath(*STORE)))
    text = read_text(path, "the trust root")
    try:
        verifier = Verifier(trusted_root=TrustedRoot.from_file(str(path)))
        return Attestor(verifier, max(_starts(json.loads(text))))
    except Exception as error:
        raise InputError(f"`{path}` is not a trust root of sigstore: {_sentence(error)}") from error


def _starts(node: object) -> Iterator[datetime]:
    """When each key and authority in a trust root came into use, from every `start` at any depth."""
    if isinstance(node, dict):
        if isinstance(start := node.get("start"), str):
            yield datetime.fromisoformat(start)
        yield from (found for inner in node.values() for found in _starts(inner))
    elif isinstance(node, list):
        yield from (found for inner in node for found in _starts(inner))


def _parsed(filename: str) -> tuple[object, ...]:
    """What a file name states, by which two spellings of one name are equal. Raises ValueError for no name of a wheel or sdist."""
    return parse_wheel_filename(filename) if is_wheel(filename) else release_of(filename)


def _sentence(error: Exception) -> str:
    """The first line of an error's text; the name of its class if it has none."""
    return next(iter(str(error).splitlines()), type(error).__name__)
