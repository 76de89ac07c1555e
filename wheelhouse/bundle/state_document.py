"""The state of a far side as a document: full as JSON, or short, for a QR code (pure).

A short state has at most 2,900 bytes for a wheelhouse of 400 files: a QR code of version 40 holds 2,953. Its layout: the first
line, the digest of all files (32 bytes), the number of lock files (1 byte) and their sha256 (32 bytes each), the number of
other files (4 bytes) and the first 6 bytes of the sha256 of each, sorted; then the signature, if there is one.
"""

import json
from collections.abc import Mapping
from typing import Any

import msgspec

from wheelhouse.archive.artifact import SHA256
from wheelhouse.bundle.bundle import PREFIX_DIGITS, FarSide, digest
from wheelhouse.documents import DocumentType
from wheelhouse.errors import InputError, IntegrityError

FORMAT = 1
PREDICATE = "state"
STATE = "wheelhouse-state.json"
SHORT = b"wheelhouse-state 1\n"
MAX_STATE_BYTES = 64 << 20
MAX_LOCKS = 255


def state_document(far_side: FarSide, locks: Mapping[str, str], sizes: Mapping[str, int]) -> dict[str, Any]:
    """A full state as a JSON object: the digest as `house`, any `wheelhouses`, and rows sorted by path.

    `locks` maps each lock file's path to its sha256, `sizes` each path to bytes.
    """
    return {
        "format": FORMAT,
        "created-by": "wheelhouse",
        "house": far_side.digest,
        **({"wheelhouses": list(far_side.wheelhouses)} if far_side.wheelhouses else {}),
        "locks": [{"path": path, "sha256": sha256} for path, sha256 in sorted(locks.items())],
        "files": [
            {"path": path, "sha256": sha256, "size": sizes[path]} for path, sha256 in sorted(far_side.files.items())
        ],
    }


def state_text(document: Mapping[str, Any]) -> str:
    """A document as JSON text with a line end, its keys in their order."""
    return json.dumps(document, indent=1) + "\n"


class _FileRow(msgspec.Struct):
    path: str
    sha256: str


class _State(msgspec.Struct):
    wheelhouse: str = msgspec.field(name="house")
    files: tuple[_FileRow, ...]
    wheelhouses: tuple[str, ...] = ()
    format: int = FORMAT


_STATE = DocumentType(_State)


def parse_state(document: object, source: str) -> FarSide:
    """The far side of a full state, from its parsed document; its paths are not checked.

    Raises InputError for anything else, IntegrityError for a false digest or a text that is no sha256.
    """
    try:
        state = _STATE.from_table(document, "")
        if state.format != FORMAT:
            raise ValueError(f"its format is {state.format}, but this version of wheelhouse reads format {FORMAT}")
    except ValueError as error:
        raise InputError(f"`{source}` contains no valid state of a wheelhouse: {error}") from error
    files = {row.path: row.sha256 for row in state.files}
    if state.wheelhouse != digest(files) or not all(map(SHA256.fullmatch, files.values())):
        raise IntegrityError(
            f"the state `{source}` has a digest that does not fit its list of files",
            hint="make the state again: `wheelhouse state`",
        )
    return FarSide.of(files, state.wheelhouses)


def short_state(far_side: FarSide, locks: Mapping[str, str]) -> bytes:
    """The bytes of a short state, without a signature. Raises InputError for more than MAX_LOCKS lock files."""
    own = sorted(set(locks.values()))
    if len(own) > MAX_LOCKS:
        raise InputError(
            f"a short state has room for {MAX_LOCKS} lock files, not for {len(own)}", hint="leave out --short"
        )
    prefixes = sorted({sha256[:PREFIX_DIGITS] for sha256 in far_side.hashes.difference(own)})
    counts = (bytes([len(own)]), len(prefixes).to_bytes(4, "big"))
    return b"".join(
        (
            SHORT,
            bytes.fromhex(far_side.digest),
            counts[0],
            bytes.fromhex("".join(own)),
            counts[1],
            bytes.fromhex("".join(prefixes)),
        )
    )


def parse_short_state(raw: bytes, source: str) -> tuple[FarSide, bytes, bytes]:
    """The far side of a short state, the bytes that are signed, and the bytes after them: the signature, or empty.

    The far side has hashes alone, no paths. Raises InputError for bytes that are cut short or no short state. The signature is not
    checked.
    """
    locks_at = len(SHORT) + 33
    count_at = locks_at + 32 * (raw[locks_at - 1] if len(raw) >= locks_at else 0)
    prefixes_at = count_at + 4
    end = prefixes_at + PREFIX_DIGITS // 2 * int.from_bytes(raw[count_at:prefixes_at], "big")
    if not raw.startswith(SHORT) or len(raw) < max(prefixes_at, end):
        raise InputError(
            f"the state `{source}` was cut short", hint="make it again: wheelhouse state WHEELHOUSE --short"
        )
    locks = raw[locks_at:count_at].hex()
    prefixes = raw[prefixes_at:end].hex()
    hashes = {locks[at : at + 64] for at in range(0, len(locks), 64)}
    hashes |= {prefixes[at : at + PREFIX_DIGITS] for at in range(0, len(prefixes), PREFIX_DIGITS)}
    return FarSide(raw[len(SHORT) : locks_at - 1].hex(), frozenset(hashes)), raw[:end], raw[end:]
