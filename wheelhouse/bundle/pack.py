"""Carry a wheelhouse to another machine: pack it, whole or as a difference; unpack it there, verified before it is placed."""

from collections.abc import Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from itertools import chain
from pathlib import Path

from wheelhouse.bundle.bundle import (
    MANIFEST,
    PREDICATE,
    BundleEntry,
    BundleManifest,
    difference,
    digest,
    parse_manifest,
)
from wheelhouse.bundle.bundlefile import MAX_HEADER_BYTES, Bundle, extract, open_bundle, write_bundle
from wheelhouse.bundle.lock_files import MAX_LOCK_BYTES, is_lock_path, is_possible_path, must_follow_from_locks
from wheelhouse.bundle.volumes import Volume, writing
from wheelhouse.errors import IntegrityError, MachineError
from wheelhouse.events import Finished, Listener, Noted, ignore
from wheelhouse.files.disk import folder_lock, must_lie_outside, os_errors_as_machine_error, read_regular
from wheelhouse.files.open_folder import OpenFolder
from wheelhouse.lock.wheelhouse import SUB_WHEELHOUSES, sha256_of_text
from wheelhouse.signing.sign import PublicKey, Signer, sign, verify_signature
from wheelhouse.verify.verify import attestation_findings, constraints_findings, load_wheelhouse
from wheelhouse.verify.verify_other_files import load_locked_folders


@dataclass(frozen=True, slots=True)
class Packed:
    """What packing wrote."""

    manifest: BundleManifest
    volumes: tuple[Volume, ...]


@dataclass(frozen=True, slots=True)
class Unpacked:
    """What unpacking did: the files that were written, were there already, and were removed; and the id of the signing key."""

    manifest: BundleManifest
    placed: tuple[str, ...]
    stood: tuple[str, ...]
    removed: tuple[str, ...]
    signer: str | None


def wheelhouse_files(folder: Path) -> dict[str, tuple[str, int]]:
    """Path → (sha256, bytes) of every file that the locks of a wheelhouse, and of those inside it, lead to.

    Raises IntegrityError for constraints or attestations that are not those of the locks: nothing else has their bytes.
    """
    wheelhouse = load_wheelhouse(folder)
    for finding in chain(constraints_findings(wheelhouse), attestation_findings(wheelhouse)):
        sentence = f"`{folder / finding.subject}` is not there, or not what the lock says"
        raise IntegrityError(sentence, hint=f"see what is wrong with `wheelhouse verify {folder}`")
    files = {name: (artifact.sha256, artifact.size) for name, artifact in wheelhouse.artifacts.items()}
    files |= {name: (sha256_of_text(text), len(text.encode())) for name, text in wheelhouse.texts.items()}
    for inside, lock in load_locked_folders(folder).items():
        files |= {f"{inside}/{path}": (artifact.sha256, artifact.size) for path, artifact in lock.artifacts.items()}
        files |= {f"{inside}/{path}": (sha256_of_text(text), len(text.encode())) for path, text in lock.texts.items()}
    for sub in SUB_WHEELHOUSES:
        if (folder / sub).is_dir():
            files |= {f"{sub}/{name}": file for name, file in wheelhouse_files(folder / sub).items()}
    return files


def base_files(other: Path) -> dict[str, str]:
    """Path → sha256 of a wheelhouse, of what a bundle makes, or of the manifest of an older bundle."""
    if other.is_dir():
        return {path: sha256 for path, (sha256, _) in wheelhouse_files(other).items()}
    files = _manifest_of(other).result
    if strange := [path for path in files if not is_possible_path(path)]:
        raise IntegrityError(f"`{other}` names `{strange[0]}`, which no lock file can name")
    return files


def _manifest_of(path: Path) -> BundleManifest:
    """The manifest of a bundle, or the one in a file of its own."""
    if path.is_file() and _is_json(path):
        return parse_manifest(read_regular(path.resolve(), MAX_HEADER_BYTES, "the manifest"), path.name)
    with open_bundle(path) as bundle:
        return bundle.manifest


def _is_json(path: Path) -> bool:
    with os_errors_as_machine_error(path), path.open("rb") as file:
        return file.read(1) == b"{"


def pack(folder: Path, output: Path, since: Path | None, limit: int | None, key: Signer | None) -> Packed:
    """Write a wheelhouse, or what `since` lacks of it, as one archive, or as volumes of `limit` bytes.

    Raises IntegrityError for a file that is not what its lock says; every file is hashed while it is read.
    """
    must_lie_outside(output, folder)
    manifest = difference(wheelhouse_files(folder), base_files(since) if since else None)
    signature = sign(manifest.to_json().encode(), MANIFEST, PREDICATE, key) if key else None
    with writing(output, limit) as writer, OpenFolder(folder) as source:
        write_bundle(writer, source, manifest, signature)
    return Packed(manifest, tuple(writer.volumes))


def unpack(bundle_path: Path, folder: Path, keys: tuple[PublicKey, ...], on_event: Listener = ignore) -> Unpacked:
    """Make `folder` the wheelhouse of a bundle. Files that are there already are kept, so an interrupted run can be resumed.

    Raises IntegrityError for a bundle that is damaged, wrongly signed, or holds what its locks do not lead to, and for a
    folder that is not its base.
    """
    with open_bundle(bundle_path) as bundle:
        manifest = bundle.manifest
        signer = _signer(bundle.raw_manifest, bundle.signature, keys, on_event)
        locks = bundle.carried_locks()
        with folder_lock(folder), OpenFolder(folder) as destination:
            existing = _existing(destination, manifest)
            _must_fit(folder, manifest, existing)
            must_follow_from_locks(manifest, locks | _existing_locks(destination, manifest), bundle.name)
            placed = _place(bundle, destination, existing, on_event)
            removed = _remove(destination, manifest, existing)
    stood = sorted(manifest.result.keys() - set(placed))
    return Unpacked(manifest, placed, tuple(stood), removed, signer)


def _existing_locks(folder: OpenFolder, manifest: BundleManifest) -> dict[str, bytes]:
    """The lock files that a difference does not carry, by path; `_must_fit` checked their sha256."""
    paths = [entry.path for entry in manifest.entries if not entry.carried and is_lock_path(entry.path)]
    return {path: folder.read(path, MAX_LOCK_BYTES) for path in paths}


def _place(bundle: Bundle, folder: OpenFolder, existing: Mapping[str, str], on_event: Listener) -> tuple[str, ...]:
    """Write the files that are not there yet; returns their paths.

    A new file gets its name at once, so that an interrupted run can be resumed; one that replaces another waits for the
    bundle's end. If the bundle is refused, the folder is left as it was.
    """
    placed: list[str] = []
    waiting: dict[str, str] = {}
    try:
        for entry, reader in bundle.files():
            if existing.get(entry.path) != entry.sha256:
                new = extract(reader, folder, entry)
                if entry.path in existing:
                    waiting[entry.path] = new
                else:
                    folder.place(new, entry.path)
                    placed.append(entry.path)
            on_event(Finished(entry.path))
    except MachineError:
        raise
    except Exception:
        _discard(folder, placed)
        raise
    for path, new in waiting.items():
        folder.place(new, path)
    return (*placed, *waiting)


def _discard(folder: OpenFolder, paths: Iterable[str]) -> None:
    for path in paths:
        folder.remove(path)


def _signer(raw: bytes, signature: bytes | None, keys: tuple[PublicKey, ...], on_event: Listener) -> str | None:
    """The id of the key that signed a manifest; None if no keys are given. Raises IntegrityError."""
    if keys:
        if signature is None:
            raise IntegrityError("the bundle is not signed, and a key was given to check it with")
        return verify_signature(signature, raw, MANIFEST, PREDICATE, keys)
    if signature is not None:
        on_event(Noted("the bundle is signed; the signature is not checked, because no --key was given"))
    return None


def _existing(folder: OpenFolder, manifest: BundleManifest) -> dict[str, str]:
    """Path → sha256 of what is in the folder, of all paths of the bundle; of what is no file, its kind."""
    paths = sorted({*manifest.result, *manifest.base})
    for path in paths:
        folder.kind_of(path)  # opens the inner folders, before threads use them
    with ThreadPoolExecutor() as pool:
        return {path: sha256 for path, sha256 in zip(paths, pool.map(folder.sha256_of, paths), strict=True) if sha256}


def _must_fit(folder: Path, manifest: BundleManifest, existing: Mapping[str, str]) -> None:
    """Raise IntegrityError if a file in the folder is neither as the bundle makes it nor as its base has it."""
    wrong = [line for entry in manifest.entries if (line := _misfit(entry, manifest, existing.get(entry.path)))]
    if not wrong:
        return
    if manifest.difference:
        base = digest(manifest.base)[:12]
        sentence = f"the bundle holds the difference from another wheelhouse than `{folder}` ({base}): {wrong[0]}"
        hint = "unpack it on the wheelhouse that it was packed --since, or have a full bundle made"
    else:
        sentence, hint = f"`{folder}` holds other files than the bundle: {wrong[0]}", "unpack it into an empty folder"
    raise IntegrityError(sentence, hint=hint, details=tuple(wrong))


def _misfit(entry: BundleEntry, manifest: BundleManifest, existing: str | None) -> str | None:
    """Why a file is neither as it will be nor as the base has it; None if it is."""
    expected = manifest.base.get(entry.path)
    if existing in (entry.sha256, expected) and (existing is not None or entry.carried):
        return None
    return f"`{entry.path}` is {'missing' if existing is None else 'another file'}"


def _remove(folder: OpenFolder, manifest: BundleManifest, existing: Mapping[str, str]) -> tuple[str, ...]:
    """Remove the files of the base that go, unless they were altered; returns their paths."""
    paths = [path for path, sha256 in sorted(manifest.removed.items()) if existing.get(path) == sha256]
    _discard(folder, paths)
    return tuple(paths)


def inspect_bundle(bundle_path: Path, keys: tuple[PublicKey, ...]) -> tuple[BundleManifest, str | None]:
    """A bundle's manifest, and the id of the key that signed it if keys are given."""
    with open_bundle(bundle_path) as bundle:
        return bundle.manifest, _signer(bundle.raw_manifest, bundle.signature, keys, ignore)
