"""Unpack a bundle: every file is verified before it gets its name, and a bundle that is refused changes nothing.

The bundle is read once, from its start to its end, so a pipe will do. Files wait under temporary names until all lock files
were read and checked. A bundle has the lock files first; an older one has them among the others, sorted by name.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import BinaryIO

from wheelhouse.archive.tar import TarReader
from wheelhouse.bundle.bundle import MANIFEST, PREDICATE, BundleEntry, BundleManifest
from wheelhouse.bundle.bundlefile import Bundle, extract, must_have_sha256, open_bundle, write_checked
from wheelhouse.bundle.fitting import must_fit
from wheelhouse.bundle.lock_files import (
    MAX_LOCK_BYTES,
    lock_paths,
    locked_artifacts,
    must_follow_from_locks,
    must_have_short_locks,
)
from wheelhouse.bundle.own_files import hashes, own_files_of
from wheelhouse.errors import IntegrityError, MachineError
from wheelhouse.events import Finished, Listener, Noted, ignore
from wheelhouse.files.disk import BLOCK, folder_lock
from wheelhouse.files.open_folder import OpenFolder
from wheelhouse.lock.wheelhouse import SUMS, sha256_of_bytes
from wheelhouse.signing.sign import PublicKey, verify_signature

Approve = Callable[[Mapping[str, str], Mapping[str, bytes]], None]
"""Called with path → sha256 of every wheel, sdist and other file, and with the files of the review by name."""


def approve_all(_files: Mapping[str, str], _review: Mapping[str, bytes]) -> None:
    """Approve every file."""


@dataclass(frozen=True, slots=True)
class Unpacked:
    """What unpacking did: the files that were written, were there already, and were removed; and the id of the signing key.

    `review` are the files of the near side's review by name, as they came; nothing was done with them.
    """

    manifest: BundleManifest
    placed: tuple[str, ...]
    stood: tuple[str, ...]
    removed: tuple[str, ...]
    signer: str | None
    review: Mapping[str, bytes] = field(default_factory=dict)

    @property
    def was_applied(self) -> bool:
        """Whether nothing was written or removed: the folder was already as the bundle makes it."""
        return not self.placed and not self.removed


def unpack(
    source: Path | BinaryIO,
    folder: Path,
    keys: tuple[PublicKey, ...],
    on_event: Listener = ignore,
    approve: Approve = approve_all,
) -> Unpacked:
    """Make `folder` the wheelhouse of a bundle, or give it a folder for each of its wheelhouses.

    The folder may hold any wheelhouse of the same job that has each file that the bundle does not carry. Files of the result
    that are there already are kept, so an interrupted run can be resumed; other files of that wheelhouse are removed, unless
    they were altered. `approve` is called once, before a file gets its name, and raises IntegrityError for files that may not
    be used. Without `keys` no signature is checked.

    Raises IntegrityError for a bundle that is damaged, signed by none of `keys`, or holds what its locks do not lead to, and
    for a folder that lacks files; InputError if there is no bundle, or for a manifest or lock file that cannot be read; and
    MachineError, after which the files that were placed stay.
    """
    with open_bundle(source) as bundle:
        manifest = bundle.manifest
        signer = signer_of(bundle, keys, on_event)
        must_have_short_locks(manifest, bundle.name)
        with _locked(folder, manifest), OpenFolder(folder) as destination:
            if manifest.wheelhouses and destination.kind_of(SUMS):
                hint = "unpack the bundle into another folder"
                raise IntegrityError(f"`{folder}` is one wheelhouse, but the bundle has several wheelhouses", hint=hint)
            own = own_files_of(destination, manifest)
            existing = hashes(destination, {*manifest.result, *manifest.removed, *own})
            must_fit(str(folder), manifest, own, existing)
            placing = _Placing(destination, manifest, existing, approve)
            placing.place(bundle, on_event)
            removed = _remove(destination, manifest, own | dict(manifest.removed), existing)
            placing.replace()
    stood = sorted(manifest.result.keys() - set(placing.placed))
    return Unpacked(manifest, tuple(placing.placed), tuple(stood), removed, signer, bundle.review)


@contextmanager
def _locked(folder: Path, manifest: BundleManifest) -> Iterator[None]:
    """Make and lock the folder, and lock each wheelhouse of the bundle that is there already.

    A new folder that is empty at the end is removed.
    """
    with ExitStack() as stack:
        stack.enter_context(folder_lock(folder, remove_if_empty=not folder.exists()))
        for name in manifest.wheelhouses:
            if (folder / name).is_dir() and not (folder / name).is_symlink():
                stack.enter_context(folder_lock(folder / name))
        yield


@dataclass(slots=True)
class _Placing:
    """The files of a bundle on their way into a folder, in which `existing` is path → sha256.

    Once the lock files are checked and `approve` was called, a new file gets its name at once, so that an interrupted run can
    be resumed; one that replaces another waits for the bundle's end. `placed` are the paths that were written, `waiting` maps the
    others to their name until then.
    """

    folder: OpenFolder
    manifest: BundleManifest
    existing: Mapping[str, str]
    approve: Approve
    placed: list[str] = field(default_factory=list)
    waiting: dict[str, str] = field(default_factory=dict)
    _lacking: dict[str, list[BundleEntry]] = field(default_factory=dict)

    def place(self, bundle: Bundle, on_event: Listener) -> None:
        """Read the bundle, check its lock files, call `approve`, and name new files. Those that replace others wait for `replace`.

        After an error the files that were placed are removed, but not after a MachineError or an interrupt: the next run
        resumes with them. Temporary files stay for a sweep.
        """
        for entry in self.manifest.entries:
            if self.existing.get(entry.path) != entry.sha256:
                self._lacking.setdefault(entry.sha256, []).append(entry)
        try:
            self._read(bundle, on_event)
        except MachineError:
            raise
        except Exception:
            _discard(self.folder, self.placed)
            raise

    def _read(self, bundle: Bundle, on_event: Listener) -> None:
        """Extract what the folder lacks, and give names once all lock files were read and checked, and `approve` was called.

        Emits an event for each file of the bundle.
        """
        locks = _Locks(self.folder, self.manifest, self.existing)
        extracted: list[tuple[BundleEntry, str]] = []

        def check() -> None:
            """Check the lock files and call `approve`, unless that was done."""
            if not locks.are_checked:
                self.approve(locks.checked(bundle.name), bundle.review)

        for entry, reader in bundle.files():
            if new := self._extracted(entry, reader, locks):
                extracted.append((entry, new))
            if locks.are_complete:
                check()
                self._name(extracted)
                extracted.clear()
            on_event(Finished(entry.path))
        check()
        self._copy_within()

    def _extracted(self, entry: BundleEntry, reader: TarReader, locks: "_Locks") -> str | None:
        """Write a file of the bundle, and return its temporary name; None if the folder does not lack it. A lock file is read anyway."""
        if entry.sha256 in locks.wanted:
            raw = locks.read(entry, reader)
            return write_checked([raw], self.folder, entry) if entry.sha256 in self._lacking else None
        return extract(reader, self.folder, entry) if entry.sha256 in self._lacking else None

    def _name(self, extracted: Iterable[tuple[BundleEntry, str]]) -> None:
        """Give extracted files their names. Other paths with the same bytes get copies."""
        for entry, new in extracted:
            lacking = self._lacking.pop(entry.sha256, [])
            for other in lacking[1:]:
                self._give(_copied(self.folder, new, other), other.path)
            for first in lacking[:1]:
                self._give(new, first.path)

    def _give(self, new: str, path: str) -> None:
        """Give a new file its name, and note it as placed. If another file has the name, it waits for `replace`."""
        if path in self.existing:
            self.waiting[path] = new
        else:
            self.folder.place(new, path)
            self.placed.append(path)

    def _copy_within(self) -> None:
        """Copy files that are still lacking, and that the bundle does not carry, from another path of the folder."""
        paths = {sha256: path for path, sha256 in self.existing.items()}
        for sha256, entries in self._lacking.items():
            for entry in entries:
                self._give(_copied(self.folder, paths[sha256], entry), entry.path)
        self._lacking.clear()

    def replace(self) -> None:
        """Give the waiting files their names, SHA256SUMS last: until then it lists the files that may be replaced."""
        for path in sorted(self.waiting, key=lambda path: path.endswith(SUMS)):
            self.folder.place(self.waiting[path], path)
            self.placed.append(path)


class _Locks:
    """The lock files of a bundle while it is read. `wanted` are the sha256 of all of them."""

    def __init__(self, folder: OpenFolder, manifest: BundleManifest, existing: Mapping[str, str]) -> None:
        paths = lock_paths(manifest)
        self._entries = [entry for entry in manifest.entries if entry.path in paths]
        self._manifest, self.are_checked = manifest, False
        self.wanted = {entry.sha256 for entry in self._entries}
        there = {sha256: path for path, sha256 in existing.items() if sha256 in self.wanted}
        carried = {entry.sha256 for entry in manifest.carried}
        self._content = {
            sha256: folder.read(path, MAX_LOCK_BYTES) for sha256, path in there.items() if sha256 not in carried
        }

    @property
    def are_complete(self) -> bool:
        """Whether the bytes of all lock files are here."""
        return self._content.keys() == self.wanted

    def read(self, entry: BundleEntry, reader: TarReader) -> bytes:
        """Read, keep and return the bytes of a lock file of the bundle. Raises IntegrityError for another sha256 than the manifest's."""
        raw = reader.read(entry.size)
        must_have_sha256(sha256_of_bytes(raw), entry)
        self._content[entry.sha256] = raw
        return raw

    def checked(self, name: str) -> dict[str, str]:
        """Check the manifest of the bundle `name` against its lock files, and note that. Returns the `locked_artifacts`: path → sha256.

        Raises IntegrityError if the manifest has a file that no lock file leads to, or lacks one; InputError for a lock file
        that cannot be read; KeyError if the bytes of a lock file are not here (`are_complete`).
        """
        locks = {entry.path: self._content[entry.sha256] for entry in self._entries}
        must_follow_from_locks(self._manifest, locks, name)
        self.are_checked = True
        return locked_artifacts(locks, self._manifest)


def _copied(folder: OpenFolder, path: str, entry: BundleEntry) -> str:
    """Copy a file in the folder, and return the copy's temporary name. Raises IntegrityError if it was changed or removed meanwhile."""
    file = folder.open_file(path)
    if file is None:
        raise IntegrityError(f"`{folder.path / path}` was removed while the bundle was unpacked")
    with file:
        return write_checked(iter(lambda: file.read(BLOCK), b""), folder, entry)


def _discard(folder: OpenFolder, paths: Iterable[str]) -> None:
    """Remove files, and the inner folders that are then empty. Raises MachineError at the first file that is not there."""
    for path in paths:
        folder.remove(path)


def signer_of(bundle: Bundle, keys: tuple[PublicKey, ...], on_event: Listener) -> str | None:
    """The id of the key that signed a bundle's manifest; None if no keys are given, with a note if it is signed.

    Raises IntegrityError if keys are given and none of them signed it.
    """
    if keys:
        if bundle.signature is None:
            raise IntegrityError("--key was given, but the bundle is not signed")
        return verify_signature(bundle.signature, bundle.raw_manifest, MANIFEST, PREDICATE, keys)
    if bundle.signature is not None:
        on_event(Noted("the bundle is signed, but its signature is not checked: no --key was given"))
    return None


def _remove(
    folder: OpenFolder, manifest: BundleManifest, own: Mapping[str, str], existing: Mapping[str, str]
) -> tuple[str, ...]:
    """Remove the files of `own` that the result of the bundle does not have, unless they were altered; returns their paths, sorted."""
    paths = [path for path, sha256 in own.items() if path not in manifest.result and existing.get(path) == sha256]
    _discard(folder, sorted(paths))
    return tuple(sorted(paths))
