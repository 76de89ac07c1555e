"""What a statement that is signed must say of a file to be an attestation of it, and which trust root is used."""

import json
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import sigstore

from tests.support.shared import shared
from wheelhouse.errors import InputError
from wheelhouse.vet.attestations import PAYLOAD_TYPE, Attestor, open_attestor

SDIST = "pypi_attestations-0.0.19.tar.gz"
SHA256 = "9bb1add04b1b4e182be6b0b80931593f7a291eb49d69b4fd728a5d4cbcdc4bd3"
PUBLISHER = "GitHub trailofbits/pypi-attestations, release.yml"
PREDICATE = "https://slsa.dev/provenance/v1"
SUBJECT: dict[str, Any] = {"name": SDIST, "digest": {"sha256": SHA256}}
STATEMENT: dict[str, Any] = {"subject": [SUBJECT], "predicateType": PREDICATE}


class Verifier:
    """A verifier for which every signature is valid, of this statement."""

    def __init__(self, statement: Mapping[str, Any], kind: str) -> None:
        self.answer = kind, json.dumps(statement).encode()

    def verify_dsse(self, _bundle: object, _policy: object) -> tuple[str, bytes]:
        return self.answer


def refused(
    statement: Mapping[str, Any] = STATEMENT, filename: str = SDIST, kind: str = PAYLOAD_TYPE, copies: int = 1
) -> str:
    """Why the real provenance of the sdist is refused if this was signed; empty if it is not."""
    provenance = json.loads(shared(f"attestations/{SDIST}.provenance").read_text())
    bundle = provenance["attestation_bundles"][0]
    bundle["attestations"] *= copies
    attestor = Attestor(Verifier(statement, kind), datetime(2026, 1, 1, tzinfo=UTC))  # type: ignore[arg-type]
    found = attestor(json.dumps(provenance), filename, SHA256)
    assert found.publishers == (() if found.refused else (PUBLISHER,))
    return found.refused


def subject(**changes: object) -> dict[str, Any]:
    return STATEMENT | {"subject": [SUBJECT | changes]}


WHEEL = "odd-1.0-cp312-cp312-linux_x86_64.manylinux1_x86_64.whl"
SAME_WHEEL = "Odd-1.0.0-cp312-cp312-manylinux1_x86_64.linux_x86_64.whl"


def test_a_statement_of_this_file_is_accepted_in_each_spelling_of_its_name() -> None:
    assert refused() == ""
    assert refused(copies=2) == ""
    assert refused(subject(name="Pypi-Attestations-0.0.19.tar.gz")) == ""
    assert refused(subject(name=WHEEL), SAME_WHEEL) == ""


ONE_FILE = "an attestation is not about exactly one file"
ROWS: dict[str, tuple[dict[str, Any], str]] = {
    "two subjects": (STATEMENT | {"subject": [SUBJECT, SUBJECT]}, ONE_FILE),
    "no subject": (STATEMENT | {"subject": []}, ONE_FILE),
    "another name": (subject(name="odd-1.0.tar.gz"), "an attestation is about `odd-1.0.tar.gz`, not about this file"),
    "a wheel": (subject(name=WHEEL), f"an attestation is about `{WHEEL}`, not about this file"),
    "another sha256": (
        subject(digest={"sha256": "0" * 64}),
        "the sha256 in an attestation is not the sha256 of this file",
    ),
    "no sha256": (subject(digest={"sha512": SHA256}), "the sha256 in an attestation is not the sha256 of this file"),
    "another predicate": (STATEMENT | {"predicateType": "x"}, "'x' is not a valid AttestationType"),
    "no statement": ({}, "'subject'"),
}


def test_a_statement_of_anything_else_is_refused() -> None:
    for name, (statement, sentence) in ROWS.items():
        assert refused(statement) == sentence, name
    assert refused(kind="text/plain") == ONE_FILE


def test_the_newest_key_of_the_trust_root_tells_its_age(tmp_path: Path) -> None:
    path = next(Path(sigstore.__file__).parent.glob("_store/*sigstore.dev/trusted_root.json"))
    root = json.loads(path.read_text())
    own, given = open_attestor(None), tmp_path / "root.json"
    assert own and own.since > datetime(2025, 1, 1, tzinfo=UTC)
    root["tlogs"][0]["publicKey"]["validFor"]["start"] = "2099-01-01T00:00:00Z"
    given.write_text(json.dumps(root))
    newer = open_attestor(given)
    assert newer and newer.since == datetime(2099, 1, 1, tzinfo=UTC)


def test_what_is_no_trust_root_is_refused(tmp_path: Path) -> None:
    (tmp_path / "root.json").write_text("[]")
    with pytest.raises(InputError, match=r"root.json` is not a trust root of sigstore: \S"):
        open_attestor(tmp_path / "root.json")
