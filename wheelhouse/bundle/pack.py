"""Carry wheelhouses to another machine: `pack` and `unpack` are the two steps, `inspect_bundle` looks into a bundle.

`pack` writes everything, or what the far side lacks. `unpack` has a module of its own.
"""

from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, replace
from pathlib import Path
from types import MappingProxyType
from typing import BinaryIO

from wheelhouse.bundle.bundle import MANIFEST, PREDICATE, BundleEntry, BundleManifest, FarSide, difference
from wheelhouse.bundle.bundlefile import open_bundle, write_bundle
from wheelhouse.bundle.far_side_state import read_far_side
from wheelhouse.bundle.lock_files import with_locks_first
from wheelhouse.bundle.packed_wheelhouses import sources_of, wheelhouse_files, wheelhouses_files
from wheelhouse.bundle.unpack import Unpacked, signer_of, unpack
from wheelhouse.bundle.volumes import Volume, writing
from wheelhouse.events import Listener, ignore
from wheelhouse.files.disk import must_lie_outside
from wheelhouse.files.open_folder import OpenFolder
from wheelhouse.lock.wheelhouse import sha256_of_bytes
from wheelhouse.signing.sign import PublicKey, Signer, sign

__all__ = ["Packed", "Unpacked", "inspect_bundle", "pack", "unpack", "wheelhouse_files"]


@dataclass(frozen=True, slots=True)
class Packed:
    """What packing wrote. A bundle that went to a stream is one volume without a name."""

    manifest: BundleManifest
    volumes: tuple[Volume, ...]


def pack(
    folders: Path | Sequence[Path],
    output: Path | BinaryIO,
    since: Path | FarSide | None,
    limit: int | None,
    key: Signer | None,
    review: Mapping[str, bytes] = MappingProxyType({}),
) -> Packed:
    """Write one wheelhouse or several, or what the far side lacks of them, as one archive, or as volumes of at most `limit` bytes.

    `since` is the far side, or a file or folder for `read_far_side`. `key` signs the manifest. `review` are the files of the review by
    name, which travel in a folder of their own. A stream is written forward only, as one archive whatever `limit` is. Every
    file is hashed while it is read.

    Raises IntegrityError for a file that is not what its lock says, InputError for an output inside a wheelhouse.
    """
    sources = sources_of([folders] if isinstance(folders, Path) else folders)
    for folder in sources.values():
        if isinstance(output, Path):
            must_lie_outside(output, folder)
    far_side = read_far_side(since) if isinstance(since, Path) else since
    files = wheelhouses_files(tuple(sources.values()))
    manifest = with_locks_first(difference(files, far_side, tuple(filter(None, sources))))
    rows = (BundleEntry(name, sha256_of_bytes(content), len(content)) for name, content in review.items())
    manifest = replace(manifest, review=tuple(rows))
    signature = sign(manifest.to_json().encode(), MANIFEST, PREDICATE, key) if key else None
    with writing(output, limit) as writer, ExitStack() as stack:
        opened = {root: stack.enter_context(OpenFolder(folder)) for root, folder in sources.items()}
        write_bundle(writer, opened, manifest, signature, review)
    return Packed(manifest, tuple(writer.volumes))


def inspect_bundle(
    bundle: Path | BinaryIO, keys: tuple[PublicKey, ...], on_event: Listener = ignore
) -> tuple[BundleManifest, str | None]:
    """A bundle's manifest, and the id of the key that signed it; None if no keys are given, with a note if it is signed.

    Its files are not read. Raises IntegrityError if none of the keys signed it, and as `open_bundle` does.
    """
    with open_bundle(bundle) as opened:
        return opened.manifest, signer_of(opened, keys, on_event)
