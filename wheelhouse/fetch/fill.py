"""Files of a wheelhouse brought into its folder: what is there stays, the rest is fetched, and what no lock names any more goes."""

import os
from collections.abc import Collection, Iterable, Mapping, Set
from concurrent.futures import Future, ThreadPoolExecutor, as_completed
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

from wheelhouse.archive.artifact import Artifact, Candidate
from wheelhouse.archive.metadata import Metadata
from wheelhouse.archive.waivers import Waivers
from wheelhouse.errors import InputError, IntegrityError
from wheelhouse.events import Found, Listener, ignore
from wheelhouse.files.disk import (
    commit_file,
    copy_to_temp_file,
    has_locked_bytes,
    link_to_temp_file,
    os_errors_as_machine_error,
    rooted,
    sha256_of,
    verbatim,
    write,
)
from wheelhouse.findings import Finding, Severity, Subject, Waiver
from wheelhouse.index.artifact_store import StoredFile
from wheelhouse.index.file_addresses import FileAddresses
from wheelhouse.index.package_source import PackageSource
from wheelhouse.lock.lock import Lock, Pin, provenance_filename
from wheelhouse.lock.wheelhouse import SUMS, Wheelhouse, sha256_of_text, summed
from wheelhouse.lock.write_lock import lock_toml
from wheelhouse.target.target import Target
from wheelhouse.verify.inner_folders import present_folders
from wheelhouse.verify.verify import foreign_in, provenance_in

UsedWaivers = dict[str, tuple[Waiver, ...]]
"""The waivers that let a file pass, by its name."""


@dataclass(frozen=True, slots=True)
class Filled:
    """A wheelhouse as it is now, with the used waivers in its locks, and the names of the files that came, stayed and went.

    `foreign` names what is in the folder and belongs to no lock.
    """

    wheelhouse: Wheelhouse
    placed: tuple[str, ...]
    kept: tuple[str, ...]
    removed: tuple[str, ...]
    foreign: tuple[str, ...]


def fill(
    folder: Path,
    wheelhouse: Wheelhouse,
    existing: Collection[Lock],
    local: Mapping[str, str],
    source: PackageSource,
    on_event: Listener = ignore,
) -> Filled:
    """Make a folder, whose folder lock the caller holds, this wheelhouse; returns what was done. SHA256SUMS is written last.

    `existing` are the lock files before: a file that only they name is removed, and one that SHA256SUMS names with its
    present bytes. `local` gives the path or URL of files that the user named, by file name. Files get their final names when
    all of them are here. If `source` is virtual, they go into the store, and the folder gets lock files and constraints
    alone, no SHA256SUMS. Else InputError is raised before an artifact would overwrite a file that no earlier lock file
    named, with other bytes; requirements, constraints and the like are overwritten without this check.

    Also raises InputError for a file of unknown origin, RefusedError for a finding that no waiver covers (any more),
    IntegrityError for a wrong file, ServerError for one that cannot be had, and StoreError as `_fill_virtually` does.
    """
    if source.is_virtual:
        source.store.settle()  # before anything is downloaded
        with source.store.relying():
            return _fill_virtually(folder, wheelhouse, existing, local, source, on_event)
    _must_not_overwrite(folder, wheelhouse.artifacts, existing)
    writer = ThreadPoolExecutor(1)  # beside the downloads; if one of them fails, nobody waits for the texts
    writing = writer.submit(
        lambda: _with_texts(
            replace(wheelhouse, provenance=_provenance(folder, wheelhouse, source), inner=present_folders(folder))
        )
    )
    writer.shutdown(wait=False)
    still_waived = _still_waived(wheelhouse, existing, source.artifacts.waivers)
    placed, kept, waived = _bring(folder, wheelhouse, local, source, on_event)
    complete, texts = writing.result()
    if still_waived or waived:
        complete, texts = _with_texts(complete.with_waivers(still_waived | waived))
    names = wheelhouse.artifacts.keys() | texts.keys()
    sums = texts.pop(SUMS)
    for name, text in texts.items():
        write(folder, name, text)
    removed = _remove(folder, existing, names)
    write(folder, SUMS, sums)  # last: the one before names files that no lock names any more
    return Filled(complete, placed, kept, removed, foreign_in(folder, names))


def _fill_virtually(
    folder: Path,
    wheelhouse: Wheelhouse,
    existing: Collection[Lock],
    local: Mapping[str, str],
    source: PackageSource,
    on_event: Listener,
) -> Filled:
    """Put every file into the store that machines share, and only the lock files and their constraints into the folder; what
    else the earlier locks or SHA256SUMS name is removed, and SHA256SUMS. The result names no placed or kept file.

    Raises InputError if no store takes a file, StoreError if it did not take all: after the fetching, before the folder is changed.
    """
    candidates = [
        candidate_of(pin, artifact, source.addresses, local.get(artifact.filename))
        for pin, artifact in _locked(wheelhouse).values()
    ]
    waived = _place(candidates, folder, _targets(wheelhouse.locks), source, on_event)
    for provenance in {
        pin.provenance.sha256: pin.provenance for lock in wheelhouse.locks for pin in lock.pins if pin.provenance
    }.values():
        source.provenance.share(provenance)
    source.artifacts.part_of(candidates).settle()
    complete = wheelhouse.with_waivers(waived) if waived else wheelhouse
    texts = {lock.filename: lock_toml(lock, with_paths=False) for lock in complete.locks}
    constraints = complete.constraints or {}
    texts |= {lock.constraints_filename: constraints[lock.name] for lock in complete.locks if lock.name in constraints}
    removed = _remove(folder, existing, texts.keys())
    with os_errors_as_machine_error(folder):
        (folder / SUMS).unlink(missing_ok=True)
    for name, text in texts.items():
        write(folder, name, text)
    return Filled(complete, (), (), removed, foreign_in(folder, texts.keys()))


def _with_texts(wheelhouse: Wheelhouse) -> tuple[Wheelhouse, dict[str, str]]:
    """The same wheelhouse, and the texts of its files other than artifacts, by file name."""
    return wheelhouse, wheelhouse.texts


def _must_not_overwrite(folder: Path, artifacts: Mapping[str, Artifact], existing: Collection[Lock]) -> None:
    """Raise InputError for a file in the folder that has the name of an artifact, other bytes, and was in no earlier lock."""
    locked_before = {artifact.filename for lock in existing for artifact in lock.artifacts}
    for name, artifact in artifacts.items():
        path = rooted(folder, name)
        if name not in locked_before and path.exists() and sha256_of(path) != artifact.sha256:
            raise InputError(
                f"`{path}` already exists, and differs from the file that the lock names",
                hint="remove it, or choose another folder with --dest",
            )


def _still_waived(wheelhouse: Wheelhouse, existing: Collection[Lock], waivers: Waivers) -> UsedWaivers:
    """For each chosen file that an earlier lock has, with the same bytes, with waivers: those of today that let it pass, by
    its name. Only rules that were waived before count, no new finding.

    Raises RefusedError if one of its findings is no longer waived.
    """
    waived_before = {
        (pin.artifact.filename, pin.artifact.sha256): pin for lock in existing for pin in lock.pins if pin.waived
    }
    still_waived: UsedWaivers = {}
    for artifact in wheelhouse.artifacts.values():
        if pin := waived_before.get((artifact.filename, artifact.sha256)):
            findings = [_earlier_finding(artifact.filename, waiver) for waiver in pin.waived]
            subject = Subject(artifact.filename, pin.project, artifact.sha256, str(pin.version))
            still_waived[artifact.filename] = waivers.admit(findings, subject)
    return still_waived


def _earlier_finding(filename: str, waiver: Waiver) -> Finding:
    """The finding that a waiver in a lock let pass: the lock names its rule alone."""
    until = waiver.until.isoformat()
    return Finding.of(filename, waiver.rule, Severity.ERROR, case="waived-before", who=waiver.who, until=until)


def _provenance(folder: Path, wheelhouse: Wheelhouse, source: PackageSource) -> dict[str, str]:
    """The texts of the attestations that the locks name, by file name: from the folder if it has the locked ones, else from
    the store or the index. Raises as `ProvenanceStore.text` does.
    """
    locked = {
        provenance_filename(pin): pin.provenance for lock in wheelhouse.locks for pin in lock.pins if pin.provenance
    }
    here = provenance_in(folder, wheelhouse)
    texts = {name: text for name, text in here.items() if sha256_of_text(text) == locked[name].sha256}
    arriving = {name: source.provenance.text(provenance) for name, provenance in locked.items() if name not in texts}
    return texts | {name: future.result() for name, future in arriving.items()}


def _bring(
    folder: Path, wheelhouse: Wheelhouse, local: Mapping[str, str], source: PackageSource, on_event: Listener
) -> tuple[tuple[str, ...], tuple[str, ...], UsedWaivers]:
    """Bring every file that is missing, or has other bytes. Returns the names of what was placed and of what stayed, sorted,
    and the waivers that let placed files pass. Other machines are offered the files that stayed and have an address.

    Each file is copied under a temporary name as soon as it is in the store, and renamed when all are here.
    """
    locked = _locked(wheelhouse)
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        is_here = dict(
            zip(locked, pool.map(partial(has_locked_bytes, folder), wheelhouse.artifacts.values()), strict=True)
        )
    missing = [
        candidate_of(pin, artifact, source.addresses, local.get(name) or _local_address(pin, artifact, source))
        for name, (pin, artifact) in locked.items()
        if not is_here[name]
    ]
    waived = _place(missing, folder, _targets(wheelhouse.locks), source, on_event)
    for name, (_, artifact) in locked.items():
        if is_here[name] and (url := source.addresses.get(artifact.sha256) or artifact.url):
            source.artifacts.offer(artifact.sha256, url)
    placed = {candidate.filename for candidate in missing}
    return tuple(sorted(placed)), tuple(sorted(locked.keys() - placed)), waived


def _locked(wheelhouse: Wheelhouse) -> dict[str, tuple[Pin, Artifact]]:
    """Each file that the locks name, by its name: the last pin that has it, and the file."""
    return {
        artifact.filename: (pin, artifact) for lock in wheelhouse.locks for pin in lock.pins for artifact in pin.files
    }


def _targets(locks: Iterable[Lock]) -> dict[str, list[Target]]:
    """The targets of each pin's chosen file, by file name; kept sdists are left out."""
    targets: dict[str, list[Target]] = {}
    for lock in locks:
        for pin in lock.pins:
            targets.setdefault(pin.artifact.filename, []).append(lock.target)
    return targets


def must_allow(metadata: Metadata, filename: str, target: Target) -> None:
    """Raise IntegrityError if the Requires-Python in a file excludes a target for which a lock has it."""
    if not metadata.allows(target):
        python, name = target.python.version, target.name
        raise IntegrityError(
            f"`{filename}` itself requires Python {metadata.requires_python}, but {name} has {python}",
            hint="choose another version of the project: the lock file or the index allows this Python, but pip "
            "would refuse the file",
        )


def _place(
    candidates: Iterable[Candidate],
    folder: Path,
    targets: Mapping[str, list[Target]],
    source: PackageSource,
    on_event: Listener,
) -> UsedWaivers:
    """Fetch files, check them for their targets, and put them into the folder, or into the store if the run is virtual.

    Returns the waivers that let files pass, by file name. Files get their final names when all are here.

    Raises RefusedError for a finding that no waiver covers, IntegrityError for a wrong file, one that excludes a target, or
    one whose metadata differ from those that the index served. Copies under temporary names then stay for the next sweep.
    """
    waived: UsedWaivers = {}

    def copy(candidate: Candidate, stored: StoredFile) -> tuple[Path, Path] | None:
        """Check a file that has arrived, and copy it: its temporary and its final path; None if it goes into the store."""
        source.metadata.confirm(candidate, stored)
        for target in targets.get(candidate.filename, ()):
            must_allow(stored.contents.metadata, candidate.filename, target)
        if used := _admit(candidate, stored, source.artifacts.waivers, on_event):
            waived[candidate.filename] = used
        if source.is_virtual:
            stored = source.artifacts.unaltered(candidate, stored)
            source.artifacts.share(stored, source.artifacts.part_of([candidate]))
            return None
        return _copied(candidate, stored, folder, source), rooted(folder, candidate.filename)

    arriving: dict[Future[StoredFile], list[Candidate]] = {}  # two names may have the same bytes
    for candidate in candidates:
        arriving.setdefault(source.artifacts.get(candidate), []).append(candidate)
    # a pool of its own: what is copied when a download fails is waited for, what is downloaded is not
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        copying = [
            pool.submit(copy, candidate, future.result())
            for future in as_completed(arriving)
            for candidate in arriving[future]
        ]
    for copied in [future.result() for future in copying]:
        if copied:
            commit_file(*copied)
    return waived


def _admit(candidate: Candidate, stored: StoredFile, waivers: Waivers, on_event: Listener) -> tuple[Waiver, ...]:
    """The waivers that let a file pass; each of its findings is reported.

    Raises RefusedError for an error that no waiver covers; then none is reported.
    """
    if not stored.contents.findings:
        return ()
    subject = Subject(candidate.filename, candidate.project, stored.sha256, str(candidate.version))
    used = waivers.admit(stored.contents.findings, subject)
    _warn(stored.contents.findings, subject, waivers, on_event)
    return used


def _warn(findings: Iterable[Finding], subject: Subject, waivers: Waivers, on_event: Listener) -> None:
    """Report each finding on a file; a waived one with its waiver."""
    unwaived, waived = waivers.split(findings, subject)
    for finding in (*unwaived, *waived):
        on_event(Found(finding))


def _local_address(pin: Pin, artifact: Artifact, source: PackageSource) -> str | None:
    """The location of a file that the lock gives no URL for, read again from the page of its folder, as a lock holds no path of
    this machine. None if the lock has its URL or no index of the pin, or if the page has no such file.
    """
    page = source.pages.get(pin.project).result() if pin.index and artifact.url is None else None
    candidates = page.candidates(pin.version) if page else ()
    return next((candidate.url for candidate in candidates if candidate.filename == artifact.filename), None)


def _copied(candidate: Candidate, stored: StoredFile, folder: Path, source: PackageSource) -> Path:
    """A copy, or a link if `source` links files, under a temporary name in the folder. A file that was altered in the store is
    fetched once more; raises IntegrityError if this run had just downloaded it, or if it has no URL.
    """
    copied = link_to_temp_file if source.links_files else copy_to_temp_file
    try:
        return copied(stored.path, folder, stored.sha256)
    except IntegrityError:
        if stored.fresh or not candidate.url:
            raise
        return copied(source.artifacts.renew(candidate, stored).path, folder, stored.sha256)


def candidate_of(pin: Pin, artifact: Artifact, addresses: FileAddresses, path: str | None = None) -> Candidate:
    """A file of a pin, to be fetched from `path`, or from the address that `addresses` has in full, or from that of the lock.

    Raises InputError if nothing says where the file is from, and it was not built; a built file then has the empty URL.
    """
    url = path or addresses.get(artifact.sha256) or artifact.url
    if url is None and pin.built is None:
        raise InputError(
            f"`{artifact.filename}` is missing, and the lock has no address for it",
            hint="put the file back into the folder from which it was fetched, or run `wheelhouse fetch` again with the path of the file",
        )
    return Candidate(
        project=pin.project,
        version=pin.version,
        filename=artifact.filename,
        url=url or "",
        index=pin.index,
        hashes={"sha256": artifact.sha256},
        size=artifact.size,
    )


def _remove(folder: Path, existing: Collection[Lock], kept: Set[str]) -> tuple[str, ...]:
    """Remove the earlier lock files with their requirements, constraints and attestations, the files that they name,
    whatever their bytes are, and those that SHA256SUMS names with their present bytes, but for those in `kept`; the names
    of what was there, sorted.

    SHA256SUMS counts because `lock` or a kill may have come between. Raises InputError if it cannot be read, MachineError if
    a file cannot be read or removed.
    """
    names = {artifact.filename for lock in existing for artifact in lock.artifacts} | _summed_files(folder, kept)
    names |= {
        name for lock in existing for name in (lock.filename, lock.requirements_filename, lock.constraints_filename)
    }
    names |= {provenance_filename(pin) for lock in existing for pin in lock.pins if pin.provenance}
    removed = sorted(name for name in names - kept if (folder / name).is_file())
    for name in removed:
        with os_errors_as_machine_error(folder / name):
            rooted(folder, name).unlink()
    return tuple(removed)


def _summed_files(folder: Path, kept: Set[str]) -> set[str]:
    """The names in SHA256SUMS whose files have the hash that it gives, but for those in `kept`; empty if there is no
    SHA256SUMS. Names that are not safe, or of files in inner folders, are left out.

    Raises InputError if SHA256SUMS cannot be read, MachineError if a file cannot.
    """
    path = folder / SUMS
    sums = summed(verbatim(path)) if path.is_file() else {}
    return {
        name
        for name, sha256 in sums.items()
        if name not in kept and rooted(folder, name).is_file() and sha256_of(rooted(folder, name)) == sha256
    }
