"""Envelopes of any origin: what is none is refused in one sentence that names the place. Keys with a passphrase."""

import base64
import json
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import BestAvailableEncryption, Encoding, PrivateFormat

from wheelhouse.errors import InputError, IntegrityError
from wheelhouse.signing.sign import Key, load_key, read_envelope, sign, verify_signature

KEY = Key(Ed25519PrivateKey.generate())


def envelope(**change: Any) -> bytes:
    """A good envelope with some keys changed, or removed for None."""
    document = json.loads(sign(b"subject", "name", "test", KEY)) | change
    return json.dumps({key: value for key, value in document.items() if value is not None}).encode()


def test_a_good_envelope_is_read_and_its_signature_holds() -> None:
    assert verify_signature(envelope(), b"subject", "name", "test", (KEY.public,)) == KEY.public.id
    assert read_envelope(envelope()).signatures[0][0] == KEY.public.id


@pytest.mark.parametrize(
    ("raw", "sentence"),
    [
        (b"", "cannot be read"),
        (b"[" * 100_000, "cannot be read"),
        (b'{"payload": ' + b"[" * 100_000, "cannot be read: it is nested too deeply|expected `str`"),
        (envelope(payload=7), "cannot be read: `payload` is 7: expected `bytes`, got `int`"),
        (envelope(payload="a"), "cannot be read: `payload` is 'a': invalid base64"),
        (envelope(payload=None), "cannot be read: object missing required field `payload`"),
        (envelope(payload=base64.b64encode(b"[]").decode()), "cannot be read: expected `object`, got `array`"),
        (envelope(payload=base64.b64encode(b"{" * 9).decode()), "cannot be read"),
        (envelope(signatures=[{"sig": "?"}]), r"cannot be read: `signatures\[0\].sig` is '\?': invalid base64"),
        (envelope(signatures={}), "cannot be read: `signatures`: expected `array`"),
        (envelope(payloadType="text/plain"), "is not the signature of an in-toto statement"),
    ],
)
def test_what_is_no_envelope_is_refused_with_its_place(raw: bytes, sentence: str) -> None:
    with pytest.raises(IntegrityError, match=sentence):
        read_envelope(raw)


@pytest.mark.parametrize("form", [PrivateFormat.PKCS8, PrivateFormat.OpenSSH])
def test_a_key_is_decrypted_by_its_passphrase_alone(tmp_path: Path, form: PrivateFormat) -> None:
    path = tmp_path / "key"
    path.write_bytes(KEY.key.private_bytes(Encoding.PEM, form, BestAvailableEncryption(b"open")))
    assert load_key(path, lambda _path: "open").public.id == KEY.public.id
    for passphrase in ("shut", ""):
        with pytest.raises(InputError, match="the passphrase does not decrypt the key"):
            load_key(path, lambda _path, typed=passphrase: typed)
