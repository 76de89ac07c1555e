"""The files that a bundle must hold: those that its lock files lead to, all of them and no other (pure)."""

from collections.abc import Iterable, Mapping
from dataclasses import replace

from wheelhouse.archive.filenames import ARCHIVE_SUFFIXES
from wheelhouse.bundle.bundle import BundleEntry, BundleManifest
from wheelhouse.errors import InputError, IntegrityError
from wheelhouse.index.provenance import SUFFIX as PROVENANCE
from wheelhouse.lock.lock import Lock, provenance_filename
from wheelhouse.lock.read_lock import parse_lock
from wheelhouse.lock.wheelhouse import (
    LINKS,
    SUB_WHEELHOUSES,
    SUMS,
    Wheelhouse,
    is_lock_name,
    links_of,
    sha256_of_text,
    sums,
)
from wheelhouse.verify.locked_folders import INNER_FOLDERS, LOCKED_FOLDERS, LockedFolder

MAX_LOCK_BYTES = 64 << 20
"""Of all lock files of a bundle together; one of 700 projects has 760 kB."""
Files = Mapping[str, BundleEntry]
"""The files of one folder, by name."""


def is_lock_path(path: str) -> bool:
    """Whether a path, from its wheelhouse on, is that of a lock file there or in a folder that may lie inside."""
    folder, name = _split(path)
    if locked := _locked_folder(folder):
        return name == locked.lock
    return _is_wheelhouse(folder) and is_lock_name(name)


def is_possible_path(path: str) -> bool:
    """Whether the locks of some wheelhouse could name a file with this path, from the wheelhouse on.

    In a folder with other files every path counts, also one with `..`.
    """
    folder, name = _split(path)
    texts = name in (SUMS, LINKS) or (name.startswith(("requirements.", "constraints.")) and name.endswith(".txt"))
    named = texts or is_lock_name(name) or name.endswith((*ARCHIVE_SUFFIXES, PROVENANCE))
    return _locked_folder(folder) is not None or (_is_wheelhouse(folder) and named)


def must_follow_from_locks(manifest: BundleManifest, locks: Mapping[str, bytes], name: str) -> None:
    """Raise IntegrityError, naming every file of the bundle `name` that its lock files do not lead to, or that it lacks.

    `locks` maps the path of each lock file of the manifest to its bytes, whose sha256 was checked. A text that follows from
    a lock is made again, and must have these very bytes. A file that is to be removed must be one that a lock can lead to.
    Raises InputError for a lock file that cannot be read.
    """
    wrong: list[str] = []
    for root, part in manifest.parts.items():
        prefix = f"{root}/" if root else ""
        own = {path.removeprefix(prefix): raw for path, raw in locks.items() if path.startswith(prefix)}
        wrong += _wrong_in_wheelhouse(part, own, f"{name}:{root}" if root else name)
    if wrong:
        more = f", and {len(wrong) - 1} more" if len(wrong) > 1 else ""
        hint = "do not use this bundle: ask its sender to make it again with `wheelhouse pack`"
        raise IntegrityError(f"`{name}`: {wrong[0]}{more}", hint=hint, details=tuple(wrong))


def _wrong_in_wheelhouse(manifest: BundleManifest, locks: Mapping[str, bytes], name: str) -> list[str]:
    """A sentence for each file of one wheelhouse that its lock files do not lead to, that it lacks, or that must not be removed.

    The paths begin in the wheelhouse; `name` is for messages. Raises IntegrityError or InputError for a lock file that is another
    one or cannot be read.
    """
    folders: dict[str, dict[str, BundleEntry]] = {}
    for entry in manifest.entries:
        folder, filename = _split(entry.path)
        folders.setdefault(folder, {})[filename] = entry
    wrong = [line for folder in sorted(folders) for line in _wrong(folder, folders, locks, name)]
    return wrong + [
        f"the bundle would remove `{path}`, a path that no wheelhouse can have"
        for path in _not_possible(manifest.removed)
    ]


def lock_paths(manifest: BundleManifest) -> frozenset[str]:
    """The paths of all lock files in the result of a bundle, carried or not, as its manifest has them."""
    return frozenset(
        f"{root}/{entry.path}" if root else entry.path
        for root, part in manifest.parts.items()
        for entry in part.entries
        if is_lock_path(entry.path)
    )


def locked_artifacts(locks: Mapping[str, bytes], manifest: BundleManifest) -> dict[str, str]:
    """Path in the bundle → sha256 of every wheel, sdist and other file that its lock files name.

    Constraints, attestations and the texts that follow from a lock file are left out. Raises InputError for a lock that cannot be read.
    """
    files: dict[str, str] = {}
    for root in manifest.parts:
        prefix = f"{root}/" if root else ""
        for path, raw in locks.items():
            if not path.startswith(prefix):
                continue
            folder, _ = _split(path.removeprefix(prefix))
            locked = _locked_folder(folder)
            artifacts = (locked.parse if locked else parse_lock)(_text(raw, path), path).artifacts
            named = artifacts if isinstance(artifacts, Mapping) else {one.filename: one for one in artifacts}
            inside = f"{prefix}{folder}/" if folder else prefix
            files |= {f"{inside}{name}": artifact.sha256 for name, artifact in named.items()}
    return files


def must_have_short_locks(manifest: BundleManifest, name: str) -> None:
    """Raise IntegrityError if the lock files of the bundle `name` are together longer than MAX_LOCK_BYTES: they are read into memory."""
    paths = lock_paths(manifest)
    if (size := sum(entry.size for entry in manifest.entries if entry.path in paths)) > MAX_LOCK_BYTES:
        raise IntegrityError(f"the lock files of `{name}` have {size} bytes, more than {MAX_LOCK_BYTES}")


def with_locks_first(manifest: BundleManifest) -> BundleManifest:
    """The same manifest with the lock files first, so that a reader can check each file as it arrives. The rest keeps its order."""
    locks = lock_paths(manifest)
    return replace(manifest, entries=tuple(sorted(manifest.entries, key=lambda entry: entry.path not in locks)))


def _not_possible(paths: Iterable[str]) -> list[str]:
    """Those paths, sorted, that no file of a wheelhouse can have."""
    return [path for path in sorted(paths) if not is_possible_path(path)]


def _wrong(folder: str, folders: Mapping[str, Files], locks: Mapping[str, bytes], name: str) -> Iterable[str]:
    """A sentence for each file of one folder that its locks do not lead to, that has another sha256, or that is not there.

    Raises IntegrityError or InputError for a lock file that is another one or cannot be read.
    """
    files, prefix = folders[folder], f"{folder}/" if folder else ""
    own = {filename: locks[entry.path] for filename, entry in files.items() if is_lock_path(entry.path)}
    source = f"{name}:{folder}" if folder else name
    locked = _locked_folder(folder)
    allowed = _of_locked_folder(locked, own, source) if locked else _of_locks(own, source)
    allowed |= {lock: files[lock].sha256 for lock in own}
    if allowed:
        allowed[SUMS] = _sums(files, {inner: folders.get(f"{prefix}{inner}", {}) for inner in INNER_FOLDERS})
    for filename in sorted(files.keys() - allowed.keys()):
        yield f"no lock file in the bundle lists `{files[filename].path}`"
    for filename in sorted(files.keys() & allowed.keys()):
        if allowed[filename] != files[filename].sha256:
            yield f"`{files[filename].path}` differs from the file that its lock file lists"
    for filename in sorted(allowed.keys() - files.keys()):
        yield f"the bundle lacks `{prefix}{filename}`, which its lock files require"


def _sums(files: Files, inner: Mapping[str, Files]) -> str:
    """The sha256 that the SHA256SUMS of a folder must have; it lists the files and the SHA256SUMS of the folders inside.

    If the folder has the older form, which lists no folders, it is the sha256 of that form.
    """
    own = {name: file.sha256 for name, file in files.items() if name != SUMS}
    older = sha256_of_text(sums(own))
    if SUMS in files and files[SUMS].sha256 == older:
        return older
    return sha256_of_text(
        sums(own, {folder: entries[SUMS].sha256 for folder, entries in inner.items() if SUMS in entries})
    )


def _of_locks(locks: Mapping[str, bytes], source: str) -> dict[str, str]:
    """The sha256 by name of each file that the lock files of a wheelhouse lead to, without SHA256SUMS and the lock files.

    Raises IntegrityError for a lock file with the name of another lock, InputError for one that cannot be read.
    """
    parsed = {
        filename: parse_lock(_text(raw, f"{source}:{filename}"), f"{source}:{filename}")
        for filename, raw in locks.items()
    }
    for filename, lock in parsed.items():
        if lock.filename != filename:
            raise IntegrityError(f"`{source}:{filename}` has the content of the lock file `{lock.filename}`")
    wheelhouse = Wheelhouse(tuple(parsed.values()))
    texts = links_of(wheelhouse.locks) | {
        lock.requirements_filename: lock.to_requirements() for lock in wheelhouse.locks
    }
    allowed = {filename: artifact.sha256 for filename, artifact in wheelhouse.artifacts.items()}
    allowed |= {filename: sha256_of_text(text) for filename, text in texts.items()}
    for lock in wheelhouse.locks:
        allowed |= _beside(lock)
    return allowed


def _beside(lock: Lock) -> dict[str, str]:
    """The sha256 by name of the files that a lock file names but cannot make again: constraints and attestations."""
    sha256 = lock.inputs.constraints_sha256
    constraints = {lock.constraints_filename: sha256} if sha256 else {}
    return constraints | {provenance_filename(pin): pin.provenance.sha256 for pin in lock.pins if pin.provenance}


def _of_locked_folder(folder: LockedFolder, locks: Mapping[str, bytes], source: str) -> dict[str, str]:
    """The sha256, by path in the folder, of each file and text that the lock file of a locked folder leads to.

    SHA256SUMS is left out. Raises InputError for a lock file that cannot be read.
    """
    allowed: dict[str, str] = {}
    for filename, raw in locks.items():
        lock = folder.parse(_text(raw, f"{source}:{filename}"), f"{source}:{filename}")
        allowed |= {path: artifact.sha256 for path, artifact in lock.artifacts.items()}
        allowed |= {path: sha256_of_text(text) for path, text in lock.texts.items() if path != SUMS}
    return allowed


def _text(raw: bytes, source: str) -> str:
    """A lock file as text. Raises InputError if it is not UTF-8."""
    try:
        return raw.decode()
    except UnicodeDecodeError as error:
        raise InputError(f"the lock file `{source}` is not UTF-8 text: {error.reason} at byte {error.start}") from error


def _is_wheelhouse(folder: str) -> bool:
    """Whether the path of a folder is empty (the wheelhouse itself), or that of a wheelhouse that can lie inside."""
    return not folder or all(part in SUB_WHEELHOUSES for part in folder.split("/"))


def _split(path: str) -> tuple[str, str]:
    """The folder whose lock file names a path, and the path in it: a file name, or, in a folder with other files, a path of any depth."""
    parts = path.split("/")
    for number in range(1, len(parts)):
        if _locked_folder("/".join(parts[:number])):
            return "/".join(parts[:number]), "/".join(parts[number:])
    folder, _, name = path.rpartition("/")
    return folder, name


def _locked_folder(folder: str) -> LockedFolder | None:
    """The kind of folder with other files (LOCKED_FOLDERS) that this path is; None for any other path, also for one inside."""
    parent, _, last = folder.rpartition("/")
    return next((locked for locked in LOCKED_FOLDERS if locked.name == last and _is_wheelhouse(parent)), None)
