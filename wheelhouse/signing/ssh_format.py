"""SSH's Ed25519 keys and signatures: plain ones, those of a FIDO token, and SSHSIG around either (pure).

Sources: RFC 4251 section 5 (data types), RFC 8709 (Ed25519), OpenSSH's PROTOCOL.u2f (FIDO tokens) and PROTOCOL.sshsig.
"""

import base64
import hashlib
import re
from dataclasses import dataclass

ED25519, SK_ED25519 = b"ssh-ed25519", b"sk-ssh-ed25519@openssh.com"
NAMESPACE = b"wheelhouse"
"""The namespace of an SSHSIG: a signature that was made for something else, such as a git commit, does not count here."""
MAGIC = b"SSHSIG"
HASHES = {b"sha256": hashlib.sha256, b"sha512": hashlib.sha512}
RAW_BYTES = 64
USER_PRESENT = 0x01
ARMOR = re.compile(rb"-----BEGIN SSH SIGNATURE-----\s(.+?)-----END SSH SIGNATURE-----", re.DOTALL)


class SshReader:
    """Reads SSH's data types from bytes, one after the other. Raises ValueError if they end too early."""

    def __init__(self, data: bytes) -> None:
        self._rest = data

    def take(self, count: int) -> bytes:
        """The next `count` bytes; they are consumed."""
        if count > len(self._rest):
            raise ValueError("it ends too early")
        taken, self._rest = self._rest[:count], self._rest[count:]
        return taken

    def number(self) -> int:
        """The next 4 bytes as a number, big-endian."""
        return int.from_bytes(self.take(4))

    def string(self) -> bytes:
        """The bytes that follow their length of 4 bytes, without it."""
        return self.take(self.number())

    def end(self) -> None:
        """Raise ValueError if something is left."""
        if self._rest:
            raise ValueError("there are more bytes after its end")


def ssh_string(data: bytes) -> bytes:
    """The bytes with their length before them, 4 bytes, big-endian, as SSH writes strings."""
    return len(data).to_bytes(4) + data


@dataclass(frozen=True, slots=True)
class SshPublicKey:
    """An Ed25519 public key: 32 bytes; `application` is that of a FIDO token's key, usually `ssh:`, and None for a plain key."""

    raw: bytes
    application: bytes | None = None

    @classmethod
    def from_text(cls, text: bytes) -> "SshPublicKey":
        """Read the key of a `.pub` file, plain or of a FIDO token; what follows it is ignored. Raises ValueError for
        anything else.
        """
        fields = text.split()
        if len(fields) < 2 or fields[0] not in (ED25519, SK_ED25519):
            raise ValueError("it is not an Ed25519 public key")
        reader = SshReader(base64.b64decode(fields[1], validate=True))
        kind, raw = reader.string(), reader.string()
        application = reader.string() if kind == SK_ED25519 else None
        reader.end()
        if kind != fields[0] or len(raw) != 32:
            raise ValueError("it is not an Ed25519 public key")
        return cls(raw, application)

    @property
    def blob(self) -> bytes:
        """The key as SSH encodes it, in bytes: its kind, the 32 bytes, and the application of a FIDO token."""
        if self.application is None:
            return ssh_string(ED25519) + ssh_string(self.raw)
        return ssh_string(SK_ED25519) + ssh_string(self.raw) + ssh_string(self.application)


@dataclass(frozen=True, slots=True)
class SshSignature:
    """An Ed25519 signature, 64 bytes, with what a FIDO token adds: its flags and its counter of signatures."""

    raw: bytes
    flags: int | None = None
    counter: int = 0

    @classmethod
    def from_blob(cls, blob: bytes) -> "SshSignature":
        """Read a signature: 64 bytes as they are, or as SSH encodes it, plain or of a FIDO token. Raises ValueError for anything else."""
        if len(blob) == RAW_BYTES:
            return cls(blob)
        reader = SshReader(blob)
        kind, raw = reader.string(), reader.string()
        flags, counter = (reader.take(1)[0], reader.number()) if kind == SK_ED25519 else (None, 0)
        reader.end()
        if kind not in (ED25519, SK_ED25519) or len(raw) != RAW_BYTES:
            raise ValueError("it is not an Ed25519 signature")
        return cls(raw, flags, counter)


def signed_by(key: SshPublicKey, message: bytes, signature: bytes) -> tuple[bytes, bytes]:
    """The bytes that Ed25519 must have signed, and its signature of 64 bytes, so that `signature` is one of `message` by this key.

    The caller must verify these two. `signature` is 64 bytes, an SSH signature, or an SSHSIG. Raises ValueError if it cannot be one by
    this key: another key, kind or namespace, or a FIDO token that nobody touched.
    """
    if signature.startswith(MAGIC) and len(signature) != RAW_BYTES:
        message, signature = _opened(key, message, signature)
    inner = SshSignature.from_blob(signature)
    if (inner.flags is None) != (key.application is None):
        raise ValueError("a key of a different kind made the signature")
    if key.application is None or inner.flags is None:
        return message, inner.raw
    if not inner.flags & USER_PRESENT:
        raise ValueError("nobody touched the token")
    state = bytes([inner.flags]) + inner.counter.to_bytes(4)
    return hashlib.sha256(key.application).digest() + state + hashlib.sha256(message).digest(), inner.raw


def _opened(key: SshPublicKey, message: bytes, signature: bytes) -> tuple[bytes, bytes]:
    """The bytes that an SSHSIG of `message` signs, and the signature in it, not checked.

    Raises ValueError for another key or namespace, for an unknown version or hash, and if it cannot be read.
    """
    reader = SshReader(signature.removeprefix(MAGIC))
    if reader.number() != 1:
        raise ValueError("its version of SSHSIG is unknown")
    blob, namespace, reserved, algorithm, inner = (reader.string() for _ in range(5))
    reader.end()
    if blob != key.blob or namespace != NAMESPACE or algorithm not in HASHES:
        raise ValueError("its key or namespace is not the expected one, or its hash algorithm is unknown")
    digest = HASHES[algorithm](message).digest()
    return MAGIC + b"".join(map(ssh_string, (namespace, reserved, algorithm, digest))), inner


def signature_from_output(output: bytes) -> bytes:
    """The decoded signature that a program printed: an armored SSHSIG, 64 bytes, or base64 of anything.
    Raises ValueError if it is none of these, or empty.
    """
    armored = ARMOR.search(output)
    if len(output) == RAW_BYTES and not armored:
        return output
    signature = base64.b64decode(b"".join((armored[1] if armored else output).split()), validate=True)
    if not signature:
        raise ValueError("it is empty")
    return signature
