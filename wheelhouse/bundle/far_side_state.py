"""The state of a wheelhouse: written by the far side, read by `pack --since`."""

from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from wheelhouse.bundle.bundle import FarSide, parse_manifest
from wheelhouse.bundle.bundlefile import MAX_HEADER_BYTES, open_bundle
from wheelhouse.bundle.lock_files import is_lock_path, is_possible_path
from wheelhouse.bundle.own_files import hashes, own_files
from wheelhouse.bundle.packed_wheelhouses import sources_of, wheelhouses_files
from wheelhouse.bundle.state_document import (
    MAX_STATE_BYTES,
    PREDICATE,
    SHORT,
    STATE,
    parse_short_state,
    parse_state,
    short_state,
    state_document,
    state_text,
)
from wheelhouse.documents import parse_json
from wheelhouse.errors import InputError, IntegrityError
from wheelhouse.files.disk import os_errors_as_machine_error, read_regular
from wheelhouse.files.open_folder import OpenFolder
from wheelhouse.signing.sign import PREDICATE_BASE, PublicKey, Signer, read_envelope, signed


@dataclass(frozen=True, slots=True)
class State:
    """What one or several wheelhouses hold. `missing` are the paths of files that are not there, or differ from their lock file."""

    far_side: FarSide
    locks: Mapping[str, str]
    sizes: Mapping[str, int]
    missing: tuple[str, ...]

    def full(self, key: Signer | None) -> bytes:
        """The state as a JSON document, in bytes; `missing` is left out.

        With a key: a signed DSSE envelope, as JSON, whose predicate is that document.
        """
        document = state_document(self.far_side, self.locks, self.sizes)
        if key is None:
            return state_text(document).encode()
        return state_text(signed({STATE: self.far_side.digest}, PREDICATE, key, document)).encode()

    def short(self, key: Signer | None) -> bytes:
        """The state in binary form, small enough for a QR code: whole sha256 of the lock files, the first bytes of all others.

        With a key, the signature follows. Raises InputError for too many lock files.
        """
        body = short_state(self.far_side, self.locks)
        return body + key.sign(body) if key else body


def state_of(folders: Sequence[Path]) -> State:
    """What wheelhouses hold of the files that their SHA256SUMS list. Each is hashed; one that is absent or differs is in `missing` instead.

    Listed paths that no lock file can name are left out of both. Raises InputError for a folder whose SHA256SUMS names no
    lock file, and as `sources_of` does; IntegrityError for a link in the place of a folder.
    """
    sources = sources_of(folders)
    files: dict[str, str] = {}
    sizes: dict[str, int] = {}
    missing: list[str] = []
    with ExitStack() as stack:
        for root, path in sources.items():
            folder, prefix = stack.enter_context(OpenFolder(path)), f"{root}/" if root else ""
            own = own_files(folder)
            if not any(map(is_lock_path, own)):
                hint = "use the folder that `wheelhouse unpack` wrote"
                raise InputError(f"`{path}` is not a wheelhouse: its SHA256SUMS lists no lock file", hint=hint)
            existing = hashes(folder, set(own))
            there = {name: sha256 for name, sha256 in own.items() if existing.get(name) == sha256}
            files |= {f"{prefix}{name}": sha256 for name, sha256 in there.items()}
            sizes |= {f"{prefix}{name}": (path / name).lstat().st_size for name in there}
            missing += sorted(f"{prefix}{name}" for name in own.keys() - there.keys())
    locks = {
        path: sha256 for path, sha256 in files.items() if is_lock_path(_inside(path, tuple(filter(None, sources))))
    }
    return State(FarSide.of(files, tuple(filter(None, sources))), locks, sizes, tuple(missing))


def _inside(path: str, wheelhouses: tuple[str, ...]) -> str:
    """A path without its wheelhouse's folder, with which it begins if there are several wheelhouses."""
    return path.partition("/")[2] if wheelhouses else path


def read_far_side(other: Path, keys: tuple[PublicKey, ...] = ()) -> FarSide:
    """What the far side has: by its state, a wheelhouse, a bundle that was unpacked there, or the manifest of one.

    A wheelhouse counts by its lock files; its files are not hashed. With `keys`, a state must be signed by one of them and a manifest
    is refused; of a wheelhouse or a bundle, no signature is checked. Raises InputError or IntegrityError.
    """
    if other.is_dir():
        files = {path: sha256 for path, (sha256, _) in wheelhouses_files([other]).items()}
        return FarSide.of(files)
    start = _first_bytes(other) if other.is_file() else b""
    if start.startswith(SHORT):
        return _short(other, keys)
    if start[:1] == b"{":
        far_side = _from_json(other, keys)
    else:
        with open_bundle(other) as bundle:
            far_side = FarSide.of(bundle.manifest.result, bundle.manifest.wheelhouses)
    for path in far_side.files:
        if not is_possible_path(_inside(path, far_side.wheelhouses)):
            raise IntegrityError(f"`{other}` lists `{path}`, a path that no wheelhouse can have")
    return far_side


def _first_bytes(path: Path) -> bytes:
    """The bytes of a file by which a short state (SHORT) or JSON is recognized."""
    with os_errors_as_machine_error(path), path.open("rb") as file:
        return file.read(len(SHORT))


def _short(path: Path, keys: tuple[PublicKey, ...]) -> FarSide:
    """The far side of a short state. With keys, raises IntegrityError if none of them signed it.

    Raises InputError for one that was cut short.
    """
    far_side, body, signature = parse_short_state(read_regular(path.resolve(), MAX_STATE_BYTES, "the state"), path.name)
    if keys and not any(key.has_signed(body, signature) for key in keys):
        raise _unsigned(path)
    return far_side


def _from_json(path: Path, keys: tuple[PublicKey, ...]) -> FarSide:
    """The far side of a full state, signed or not, or of a bundle's manifest.

    With keys, raises IntegrityError for anything but a state that one of them signed. Raises InputError for other documents,
    IntegrityError for a state or manifest that contradicts itself.
    """
    raw = read_regular(path.resolve(), MAX_HEADER_BYTES, "the state")
    try:
        document: Any = parse_json(raw)
    except ValueError as error:
        raise InputError(f"`{path}` is neither a state nor a manifest: {error}") from error
    if "payload" in document:
        envelope = read_envelope(raw)
        if keys and not envelope.signers(keys):
            raise _unsigned(path)
        if envelope.statement.get("predicateType") != PREDICATE_BASE + PREDICATE:
            raise InputError(f"`{path}` is a signed statement, but not about the state of a wheelhouse")
        return parse_state(envelope.statement.get("predicate"), path.name)
    if keys:
        raise _unsigned(path)
    if "locks" in document:
        return parse_state(document, path.name)
    manifest = parse_manifest(raw, path.name)
    return FarSide.of(manifest.result, manifest.wheelhouses)


def _unsigned(path: Path) -> IntegrityError:
    """Make the error about a state that no given key signed; the caller raises it."""
    return IntegrityError(
        f"none of the given keys signed the state `{path}`", hint="ask the far side for a signed state"
    )
