"""Carry a house across the gap: pack it, whole or as a difference; unpack it there, verified before anything bears a final name."""

from collections.abc import Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
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
from wheelhouse.bundle.bundlefile import Bundle, extract_to_temp_file, open_bundle, write_bundle
from wheelhouse.bundle.volumes import Volume, writing
from wheelhouse.errors import IntegrityError, MachineError
from wheelhouse.events import Finished, Listener, Noted, ignore
from wheelhouse.files.disk import (
    commit_file,
    folder_lock,
    must_lie_outside,
    os_errors_as_machine_error,
    rooted,
    sha256_of,
)
from wheelhouse.lock.other_files import FOLDER
from wheelhouse.lock.wheelhouse import SUB_WHEELHOUSES, sha256_of_text
from wheelhouse.signing.sign import Key, PublicKey, sign, verify_signature
from wheelhouse.verify.verify import load_wheelhouse
from wheelhouse.verify.verify_other_files import load_other_files


@dataclass(frozen=True, slots=True)
class Packed:
    """What packing wrote."""

    manifest: BundleManifest
    volumes: tuple[Volume, ...]


@dataclass(frozen=True, slots=True)
class Unpacked:
    """What unpacking did: which files came, which stood already, which went."""

    manifest: BundleManifest
    placed: tuple[str, ...]
    stood: tuple[str, ...]
    removed: tuple[str, ...]
    signer: str | None


def wheelhouse_files(folder: Path) -> dict[str, tuple[str, int]]:
    """Path → (sha256, bytes) of every file that a house's locks, and those of the houses inside it, name."""
    house = load_wheelhouse(folder)
    files = {name: (artifact.sha256, artifact.size) for name, artifact in house.artifacts.items()}
    files |= {name: (sha256_of_text(text), len(text.encode())) for name, text in house.texts.items()}
    others = load_other_files(folder)
    files |= {f"{FOLDER}/{name}": (artifact.sha256, artifact.size) for name, artifact in others.artifacts.items()}
    files |= {f"{FOLDER}/{name}": (sha256_of_text(text), len(text.encode())) for name, text in others.texts.items()}
    for sub in SUB_WHEELHOUSES:
        if (folder / sub).is_dir():
            files |= {f"{sub}/{name}": found for name, found in wheelhouse_files(folder / sub).items()}
    return files


def base_files(other: Path) -> dict[str, str]:
    """Path → sha256 of a house, of what a bundle makes, or of an older bundle's manifest alone."""
    if other.is_dir():
        return {path: sha256 for path, (sha256, _) in wheelhouse_files(other).items()}
    if other.is_file() and other.read_bytes()[:1] == b"{":
        return parse_manifest(other.read_bytes(), other.name).result
    with open_bundle(other) as bundle:
        return bundle.manifest.result


def pack(folder: Path, output: Path, since: Path | None, limit: int | None, key: Key | None) -> Packed:
    """Write a house, or what `since` lacks of it, as one archive; in volumes of `limit` bytes where given.

    Every file is hashed as it is read. Raises IntegrityError for one that is not what its lock says.
    """
    must_lie_outside(output, folder)
    manifest = difference(wheelhouse_files(folder), base_files(since) if since else None)
    signature = sign(manifest.to_json().encode(), MANIFEST, PREDICATE, key) if key else None
    with writing(output, limit) as writer:
        write_bundle(writer, folder, manifest, signature)
    return Packed(manifest, tuple(writer.volumes))


def unpack(bundle_path: Path, folder: Path, keys: tuple[PublicKey, ...], on_event: Listener = ignore) -> Unpacked:
    """Make `folder` the house that a bundle carries. What stands already is kept, so that it may be called again.

    Raises IntegrityError for a bundle that is damaged or wrongly signed, and for a folder that is not its base.
    """
    with open_bundle(bundle_path) as bundle:
        manifest = bundle.manifest
        signer = _signer(bundle.raw_manifest, bundle.signature, keys, on_event)
        with folder_lock(folder):
            standing = _standing(folder, manifest)
            _must_fit(folder, manifest, standing)
            placed = _bring(bundle, folder, standing, on_event)
            removed = _remove(folder, manifest, standing)
    stood = sorted(manifest.result.keys() - set(placed))
    return Unpacked(manifest, placed, tuple(stood), removed, signer)


def _bring(bundle: Bundle, folder: Path, standing: Mapping[str, str], on_event: Listener) -> tuple[str, ...]:
    """Place what is not there yet, and say what that was.

    New files get their names as they come, so that an interrupted run can be resumed; what takes another's place waits for
    the bundle's end. A bundle that is refused leaves the folder as it was.
    """
    came: list[str] = []
    waiting: dict[str, Path] = {}
    try:
        for entry, contents in bundle.files():
            if standing.get(entry.path) != entry.sha256:
                path = extract_to_temp_file(contents, folder, entry)
                if entry.path in standing:
                    waiting[entry.path] = path
                else:
                    _settle(path, folder, entry.path)
                    came.append(entry.path)
            on_event(Finished(entry.path))
    except MachineError:
        raise
    except Exception:
        _discard(folder, came)
        raise
    for name, path in waiting.items():
        _settle(path, folder, name)
    return (*came, *waiting)


def _settle(path: Path, folder: Path, name: str) -> None:
    final = rooted(folder, name)
    with os_errors_as_machine_error(final):
        final.parent.mkdir(parents=True, exist_ok=True)
    commit_file(path, final)


def _discard(folder: Path, names: Iterable[str]) -> None:
    """Remove files, and the folders inside a house that are empty then."""
    for name in names:
        final = rooted(folder, name)
        with os_errors_as_machine_error(final):
            final.unlink()
            if final.parent != folder and not any(final.parent.iterdir()):
                final.parent.rmdir()


def _signer(raw: bytes, signature: bytes | None, keys: tuple[PublicKey, ...], on_event: Listener) -> str | None:
    if keys:
        if signature is None:
            raise IntegrityError("the bundle is not signed, and a key was given to check it with")
        return verify_signature(signature, raw, MANIFEST, PREDICATE, keys)
    if signature is not None:
        on_event(Noted("the bundle is signed; the signature is not checked, because no --key was given"))
    return None


def _standing(folder: Path, manifest: BundleManifest) -> dict[str, str]:
    """Path → sha256 of what stands, of all that the bundle speaks of."""
    paths = sorted({*manifest.result, *manifest.base})
    with ThreadPoolExecutor() as pool:
        hashes = pool.map(lambda path: _sha256_if_there(rooted(folder, path)), paths)
        return {path: sha256 for path, sha256 in zip(paths, hashes, strict=True) if sha256}


def _sha256_if_there(path: Path) -> str | None:
    if path.is_symlink():
        return "link"
    return sha256_of(path) if path.is_file() else None


def _must_fit(folder: Path, manifest: BundleManifest, standing: Mapping[str, str]) -> None:
    wrong = [line for entry in manifest.entries if (line := _misfit(entry, manifest, standing.get(entry.path)))]
    if not wrong:
        return
    if manifest.difference:
        sentence = f"the bundle holds the difference from another house than `{folder}` ({digest(manifest.base)[:12]}): {wrong[0]}"
        hint = "unpack it on the house that it was packed --since, or have a full bundle made"
    else:
        sentence, hint = f"`{folder}` holds other files than the bundle: {wrong[0]}", "unpack it into an empty folder"
    raise IntegrityError(sentence, hint=hint, details=tuple(wrong))


def _misfit(entry: BundleEntry, manifest: BundleManifest, standing: str | None) -> str | None:
    """Why a file is neither as it will be nor as it must have been."""
    expected = manifest.base.get(entry.path)
    if standing in (entry.sha256, expected) and (standing is not None or entry.carried):
        return None
    return f"`{entry.path}` is {'missing' if standing is None else 'another file'}"


def _remove(folder: Path, manifest: BundleManifest, standing: Mapping[str, str]) -> tuple[str, ...]:
    gone = [path for path, sha256 in sorted(manifest.removed.items()) if standing.get(path) == sha256]
    _discard(folder, gone)
    return tuple(gone)


def inspect_bundle(bundle_path: Path, keys: tuple[PublicKey, ...]) -> tuple[BundleManifest, str | None]:
    """A bundle's manifest, and who signed it where keys are given to check that with."""
    with open_bundle(bundle_path) as bundle:
        return bundle.manifest, _signer(bundle.raw_manifest, bundle.signature, keys, ignore)
