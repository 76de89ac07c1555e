"""Signatures: Ed25519 over an in-toto statement in a DSSE envelope (RFC 8032, in-toto Statement v1, DSSE v1)."""

import base64
import hashlib
import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

import msgspec

from wheelhouse.documents import DocumentType
from wheelhouse.errors import InputError, IntegrityError, MachineError
from wheelhouse.extras import install_command
from wheelhouse.signing.ssh_format import SshPublicKey, signed_by

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

PAYLOAD_TYPE = "application/vnd.in-toto+json"
STATEMENT_TYPE = "https://in-toto.io/Statement/v1"
PREDICATE_BASE = "https://wheelhouse.invalid/attestation/"
MAX_KEY_BYTES = 64 << 10
PUBLIC_KEY_HINT = "name the .pub file that `ssh-keygen -t ed25519` or `ssh-keygen -t ed25519-sk` wrote"


@dataclass(frozen=True, slots=True)
class PublicKey:
    """An Ed25519 public key. `source` is the file or the setting that it was read from.

    `application` is that of a key on a FIDO token (`sk-ssh-ed25519`), usually `ssh:`; None for a plain key.
    """

    key: "Ed25519PublicKey"
    source: str
    application: bytes | None = None

    @property
    def id(self) -> str:
        """The sha256 of the key's 32 bytes, with the application after them if there is one, in lower-case hexadecimal."""
        return hashlib.sha256(self.ssh.raw + (self.application or b"")).hexdigest()

    @property
    def ssh(self) -> SshPublicKey:
        """The same key in the form of SSH."""
        return SshPublicKey(self.key.public_bytes_raw(), self.application)

    @property
    def label(self) -> str:
        """The key as users see it: `source` in backticks, and its fingerprint as `ssh-keygen -l` prints it, in parentheses."""
        digest = base64.b64encode(hashlib.sha256(self.ssh.blob).digest()).decode().rstrip("=")
        return f"`{self.source}` (SHA256:{digest})"

    def has_signed(self, message: bytes, signature: bytes) -> bool:
        """Whether this key made a signature (64 bytes, a FIDO token's, or an SSHSIG) of a message.

        False also if it cannot be read, if nobody touched the token, or for another namespace of SSHSIG.
        """
        from cryptography.exceptions import InvalidSignature  # noqa: PLC0415

        try:
            signed, raw = signed_by(self.ssh, message, signature)
            self.key.verify(raw, signed)
        except (InvalidSignature, ValueError):
            return False
        return True


def label_of(keys: Iterable[PublicKey], signer: str | None) -> str | None:
    """The label of the key whose id is `signer`; None if there is no such key."""
    return next((key.label for key in keys if key.id == signer), None)


class Signer(Protocol):
    """What can sign with a key."""

    @property
    def public(self) -> PublicKey:
        """The public key that checks its signatures."""

    def sign(self, message: bytes) -> bytes:
        """The signature of a message. Raises MachineError or InputError if the agent or program that has the key does not
        sign.
        """


@dataclass(frozen=True, slots=True)
class Key:
    """An Ed25519 private key."""

    key: "Ed25519PrivateKey"

    @property
    def public(self) -> PublicKey:
        """The public key of the pair. Its `source` is `private key`."""
        return PublicKey(self.key.public_key(), "private key")

    def sign(self, message: bytes) -> bytes:
        """The signature of a message, 64 bytes."""
        return self.key.sign(message)


def load_key(path: Path, passphrase_of: Callable[[Path], str]) -> Key:
    """Read a private key, PEM (PKCS#8) or OpenSSH; `passphrase_of` is called if it is encrypted.

    Raises InputError for a file that cannot be read, another key or a wrong passphrase, MachineError without `cryptography`.
    """
    serialization, ed25519 = _cryptography()
    raw = _read(path)
    load = serialization.load_ssh_private_key if b"OPENSSH" in raw else serialization.load_pem_private_key
    try:
        key = _loaded(load, raw, path, None)
    except TypeError:
        key = _decrypted(load, raw, path, passphrase_of(path))
    if not isinstance(key, ed25519.Ed25519PrivateKey):
        raise InputError(f"`{path}` is not an Ed25519 key", hint="make one: ssh-keygen -t ed25519 -f KEY")
    return Key(key)


def load_public_key(path: Path) -> PublicKey:
    """Read the file of a public key, as `public_key` does; its `source` is the path. Raises InputError or MachineError."""
    return public_key(_read(path), path)


def public_key(raw: bytes, source: Path | str) -> PublicKey:
    """A public key from its text, PEM or OpenSSH; `source` is where it was read.

    Raises InputError if it is no Ed25519 key, MachineError without `cryptography`.
    """
    serialization, ed25519 = _cryptography()
    if raw.lstrip().startswith((b"ssh-", b"sk-")):
        try:
            ssh = SshPublicKey.from_text(raw)
        except ValueError as error:
            raise InputError(f"`{source}` is not an Ed25519 public key", hint=PUBLIC_KEY_HINT) from error
        return PublicKey(ed25519.Ed25519PublicKey.from_public_bytes(ssh.raw), str(source), ssh.application)
    key = _loaded(serialization.load_pem_public_key, raw, source)
    if not isinstance(key, ed25519.Ed25519PublicKey):
        raise InputError(f"`{source}` is not an Ed25519 public key", hint=PUBLIC_KEY_HINT)
    return PublicKey(key, str(source))


def _cryptography() -> tuple[Any, Any]:
    """The modules `serialization` and `ed25519` of `cryptography`, an extra. Raises MachineError if it is not installed."""
    try:
        from cryptography.hazmat.primitives import serialization  # noqa: PLC0415
        from cryptography.hazmat.primitives.asymmetric import ed25519  # noqa: PLC0415
    except ImportError as error:
        hint = f"install it with: {install_command('signing')}"
        raise MachineError("signatures need the project `cryptography`, which is not installed", hint=hint) from error
    return serialization, ed25519


def _read(path: Path) -> bytes:
    """The first MAX_KEY_BYTES of a key file. Raises InputError if it cannot be read."""
    try:
        with path.open("rb") as file:
            return file.read(MAX_KEY_BYTES)
    except OSError as error:
        raise InputError(f"the key `{path}` cannot be read: {error.strerror}") from error


def _decrypted(load: Any, raw: bytes, path: Path, passphrase: str) -> Any:  # noqa: ANN401
    """Load an encrypted key with its passphrase. Raises InputError that the passphrase is wrong, also for any other failure."""
    try:
        return _loaded(load, raw, path, passphrase.encode())
    except (InputError, TypeError) as error:  # TypeError: it is empty
        raise InputError(f"the passphrase does not decrypt the key `{path}`") from error


def _loaded(load: Any, *arguments: Any) -> Any:  # noqa: ANN401
    """The key that `load` reads from (bytes, source, passphrase if any). Raises InputError, or TypeError if a passphrase is lacking."""
    raw, path, *rest = arguments
    try:
        return load(raw, *rest)
    except ValueError as error:
        raise InputError(f"`{path}` is not a valid key file: {error}") from error
    except Exception as error:
        if type(error).__module__.startswith("cryptography"):
            raise InputError(f"`{path}` is a key of an unknown kind: {error}") from error
        raise


@dataclass(frozen=True, slots=True)
class Envelope:
    """A DSSE envelope whose signatures are not checked yet. `signatures` are (claimed key id, signature)."""

    payload: bytes
    statement: dict[str, Any]
    signatures: tuple[tuple[str, bytes], ...]

    def signers(self, keys: Iterable[PublicKey]) -> tuple[PublicKey, ...]:
        """Those of the keys that signed it, in their order. The key ids that the envelope claims do not count."""
        message = _pre_authentication(self.payload)
        return tuple(key for key in keys if any(key.has_signed(message, signature) for _, signature in self.signatures))


def sign(subject: bytes, name: str, predicate: str, key: Signer, claim: dict[str, Any] | None = None) -> str:
    """A signed DSSE envelope as JSON text: a statement about the bytes `subject`, called `name`.

    `predicate` is its kind, to which PREDICATE_BASE is added, `claim` what it says of the bytes. Raises what `key` raises.
    """
    return json.dumps(signed({name: hashlib.sha256(subject).hexdigest()}, predicate, key, claim), indent=1) + "\n"


def signed(
    subjects: Mapping[str, str], predicate: str, key: Signer, claim: dict[str, Any] | None = None
) -> dict[str, Any]:
    """A signed DSSE envelope as a JSON object: a statement about files, name → sha256.

    `predicate` is its kind, to which PREDICATE_BASE is added, `claim` what it says of the files. Raises what `key` raises.
    """
    statement = {
        "_type": STATEMENT_TYPE,
        "subject": [{"name": name, "digest": {"sha256": sha256}} for name, sha256 in subjects.items()],
        "predicateType": PREDICATE_BASE + predicate,
        "predicate": claim or {},
    }
    payload = json.dumps(statement, sort_keys=True, separators=(",", ":")).encode()
    signature = base64.b64encode(key.sign(_pre_authentication(payload))).decode()
    return {
        "payloadType": PAYLOAD_TYPE,
        "payload": base64.b64encode(payload).decode(),
        "signatures": [{"keyid": key.public.id, "sig": signature}],
    }


def verify_signature(envelope: bytes, subject: bytes, name: str, predicate: str, keys: tuple[PublicKey, ...]) -> str:
    """The id of the first key that signed a statement of the kind `predicate` about the bytes `subject`, called `name`, alone.

    What the statement claims of them is not checked. Raises IntegrityError if none of the keys signed it, if it is about
    anything else, or if the envelope cannot be read.
    """
    statement, signer = open_envelope(envelope, keys)
    digest = hashlib.sha256(subject).hexdigest()
    subjects = statement.get("subject")
    expected = [{"name": name, "digest": {"sha256": digest}}]
    if statement.get("predicateType") != PREDICATE_BASE + predicate or subjects != expected:
        raise IntegrityError(
            "the signature is valid, but not for this content",
            hint="find out who changed the file after it was signed",
        )
    return signer


def open_envelope(envelope: bytes, keys: tuple[PublicKey, ...]) -> tuple[dict[str, Any], str]:
    """The statement in a DSSE envelope, and the id of the first given key that signed it. Raises IntegrityError if none did,
    or if the envelope cannot be read.
    """
    parsed = read_envelope(envelope)
    for key in parsed.signers(keys):
        return parsed.statement, key.id
    names = ", ".join(key.source for key in keys)
    raise IntegrityError(
        f"none of the given keys ({names}) made the signature", hint="ask who made the signature, and with which key"
    )


class _Signature(msgspec.Struct):
    sig: bytes
    keyid: str = ""


class _Envelope(msgspec.Struct, rename="camel"):
    payload: bytes
    payload_type: str
    signatures: tuple[_Signature, ...]


_ENVELOPE, _STATEMENT = DocumentType(_Envelope), DocumentType(dict[str, Any])


def read_envelope(envelope: bytes) -> Envelope:
    """Parse a DSSE envelope; no signature is checked. Raises IntegrityError if it is no envelope, its payload is no JSON
    object, or its payload type is not that of in-toto; what the object says is not checked.
    """
    try:
        document = _ENVELOPE.from_json(envelope)
        statement = _STATEMENT.from_json(document.payload)
    except ValueError as error:
        raise IntegrityError(f"the signature cannot be read: {error}") from error
    if document.payload_type != PAYLOAD_TYPE:
        raise IntegrityError("the signature is not the signature of an in-toto statement")
    return Envelope(document.payload, statement, tuple((row.keyid, row.sig) for row in document.signatures))


def _pre_authentication(payload: bytes) -> bytes:
    """The bytes that DSSE signs: its pre-authentication encoding (PAE)."""
    kind = PAYLOAD_TYPE.encode()
    return b"DSSEv1 %d %b %d %b" % (len(kind), kind, len(payload), payload)
