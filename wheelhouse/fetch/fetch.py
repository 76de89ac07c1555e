"""From a job to a house: locks settled, every file in place and verified, nothing else."""

import os
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence, Set
from concurrent.futures import Future, ThreadPoolExecutor, as_completed
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

from wheelhouse.archive.artifact import Artifact, Candidate
from wheelhouse.archive.waivers import Subject, Waivers, waived_sentence
from wheelhouse.errors import InputError, IntegrityError, WheelhouseError
from wheelhouse.events import Listener, Noted, Warned, ignore
from wheelhouse.fetch.job import Job
from wheelhouse.fetch.planning import Plan, planned
from wheelhouse.files.disk import (
    commit_file,
    copy_to_temp_file,
    has_locked_bytes,
    os_errors_as_machine_error,
    rooted,
    sha256_of,
    verbatim,
    write,
)
from wheelhouse.findings import Finding, Severity, Waiver
from wheelhouse.index.artifact_store import StoredFile
from wheelhouse.index.file_addresses import FileAddresses
from wheelhouse.index.package_source import PackageSource
from wheelhouse.lock.lock import Lock, Pin, provenance_filename
from wheelhouse.lock.wheelhouse import BY_THE_LIST, SUMS, Wheelhouse, sha256_of_text, summed
from wheelhouse.lock.write_lock import lock_toml
from wheelhouse.verify.verify import foreign_in, provenance_in

Consent = Callable[[Sequence[str]], None]
"""Is told which files of another job would be removed, before anything is changed; raises to stop the run."""


@dataclass(frozen=True, slots=True)
class Fetched:
    """What a run did to a folder: the house as it is now, the locks that the job asked for, which files came, were there, went.

    `foreign` names what is in the folder and belongs to no lock.
    """

    folder: Path
    house: Wheelhouse
    locks: tuple[Lock, ...]
    placed: tuple[str, ...]
    stood: tuple[str, ...]
    removed: tuple[str, ...]
    foreign: tuple[str, ...]


def allow(_lost: Sequence[str]) -> None:
    """The consent to everything."""


def fetch(job: Job, folder: Path, supply: PackageSource, on_event: Listener = ignore) -> Fetched:
    """Make `folder` the house that a job asks for; other targets' locks in it stay, and so do their files."""
    return fetch_all([(job, folder)], supply, on_event)[0][0]


def fetch_all(
    jobs: Sequence[tuple[Job, Path]],
    supply: PackageSource,
    on_event: Listener = ignore,
    *,
    consent: Consent = allow,
    keep_going: bool = False,
) -> tuple[list[Fetched], WheelhouseError | None]:
    """Make each folder the house that its job asks for, the first being the one that holds the others.

    Files and locks get their names when all files are here: until then a folder holds and says what it did before.
    With `keep_going` the error of the targets that have no lock is returned, else it is raised before anything is changed.
    """
    with planned(jobs, supply, on_event, keep_going=keep_going) as planning:
        consent(_lost(planning.plans))
        return [_fetched(plan, supply, on_event) for plan in planning.plans], planning.error


def _lost(plans: Sequence[Plan]) -> list[str]:
    """The files of another job that would be removed, as paths relative to the first folder."""
    outer = plans[0].folder
    return [str(plan.folder.relative_to(outer) / name) for plan in plans for name in plan.lost]


def _fetched(plan: Plan, supply: PackageSource, on_event: Listener) -> Fetched:
    if sentence := plan.house.disagreement:
        on_event(Noted(f"{plan.folder}: {sentence}; {BY_THE_LIST}"))
    done = fill(plan.folder, plan.house, plan.standing.values(), plan.job.own_files, supply, on_event)
    noted = {lock.target.name: lock for lock in done.house.locks}
    locks = tuple(noted[name] for name in plan.locks)
    return Fetched(plan.folder, done.house, locks, done.placed, done.stood, done.removed, done.foreign)


@dataclass(frozen=True, slots=True)
class Filled:
    """The wheelhouse as it stands, with what was waived noted in its locks, and the names of what came, stood, and went.

    `foreign` names what is in the folder and belongs to no lock.
    """

    house: Wheelhouse
    placed: tuple[str, ...]
    stood: tuple[str, ...]
    removed: tuple[str, ...]
    foreign: tuple[str, ...]


def fill(
    folder: Path,
    house: Wheelhouse,
    standing: Collection[Lock],
    local: Mapping[str, str],
    supply: PackageSource,
    on_event: Listener = ignore,
) -> Filled:
    """Make a folder, that its caller holds, this house.

    `standing` are the locks before: what they named, and these do not, goes. `local` says where files that no index has
    lie on this machine, by their names.
    """
    _free_to_write(folder, house.artifacts, standing)
    writer = ThreadPoolExecutor(1)  # beside what arrives; where that fails nobody waits for the texts
    writing = writer.submit(lambda: _with_texts(replace(house, provenance=_provenance(folder, house, supply))))
    writer.shutdown(wait=False)
    used = _still_waived(folder, house, standing, supply)
    placed, stood, waived = _bring(folder, house, local, supply, on_event)
    complete, texts = writing.result()
    if used or waived:
        complete, texts = _with_texts(complete.with_waivers(used | waived))
    kept = house.artifacts.keys() | texts.keys()
    summary = texts.pop(SUMS)
    for name, text in texts.items():
        write(folder, name, text)
    removed = _remove(folder, standing, kept)
    write(folder, SUMS, summary)  # last: the one before tells of files that no lock names any more
    return Filled(complete, placed, stood, removed, foreign_in(folder, kept))


def _with_texts(house: Wheelhouse) -> tuple[Wheelhouse, dict[str, str]]:
    return house, house.texts


def _still_waived(
    folder: Path, house: Wheelhouse, standing: Collection[Lock], supply: PackageSource
) -> dict[str, tuple[Waiver, ...]]:
    """The waivers of files that an earlier run let pass, by name. Raises RefusedError where none of today lets one pass."""
    before = {pin.artifact: pin for lock in standing for pin in lock.pins if pin.waived}
    found = {}
    for artifact in house.artifacts.values():
        if pin := before.get(artifact):
            again = [_as_before(artifact.filename, waiver) for waiver in pin.waived]
            found[artifact.filename] = supply.artifacts.waivers.admit(
                again, Subject(artifact.filename, pin.project, artifact.sha256)
            )
    return found


def _as_before(filename: str, waiver: Waiver) -> Finding:
    sentence = f"it was let through until {waiver.until} by {waiver.who} ({waiver.reason})"
    return Finding(filename, waiver.rule, Severity.ERROR, sentence)


def _provenance(folder: Path, house: Wheelhouse, supply: PackageSource) -> dict[str, str]:
    """The attestations that the locks name: those that stand, and the others from the cache or the index."""
    wanted = {provenance_filename(pin): pin.provenance for lock in house.locks for pin in lock.pins if pin.provenance}
    texts = {
        name: text for name, text in provenance_in(folder, house).items() if sha256_of_text(text) == wanted[name].sha256
    }
    arriving = {name: supply.provenance.text(one) for name, one in wanted.items() if name not in texts}
    return texts | {name: future.result() for name, future in arriving.items()}


def lock_only(
    job: Job,
    folder: Path,
    supply: PackageSource,
    on_event: Listener = ignore,
    *,
    consent: Consent = allow,
    keep_going: bool = False,
) -> tuple[tuple[Lock, ...], WheelhouseError | None]:
    """Resolve, and write the locks without files; consent and errors as in `fetch_all`."""
    with planned([(job, folder)], supply, on_event, keep_going=keep_going) as planning:
        plan = planning.plans[0]
        consent(plan.lost)
        for lock in plan.locks.values():
            write(folder, lock.filename, lock_toml(lock, with_paths=False))
        for name in sorted(plan.dropped):
            path = rooted(folder, plan.standing[name].filename)
            with os_errors_as_machine_error(path):
                path.unlink(missing_ok=True)
            on_event(Noted(f"`{path}` was removed: the settings file no longer asks for this target"))
    return tuple(plan.locks.values()), planning.error


def _free_to_write(folder: Path, artifacts: Mapping[str, Artifact], standing: Collection[Lock]) -> None:
    """A file that stands where one of ours must go, and that no lock of ours named, is not ours to replace."""
    ours_before = {artifact.filename for lock in standing for artifact in lock.artifacts}
    for name, artifact in artifacts.items():
        path = rooted(folder, name)
        if name not in ours_before and path.exists() and sha256_of(path) != artifact.sha256:
            raise InputError(
                f"`{path}` is there already, and is not the file that the lock names",
                hint="remove it, or choose another folder with --dest",
            )


def _bring(
    folder: Path, house: Wheelhouse, local: Mapping[str, str], supply: PackageSource, on_event: Listener
) -> tuple[tuple[str, ...], tuple[str, ...], dict[str, tuple[Waiver, ...]]]:
    """Put every file in its place: what stands is hashed again, the rest is copied aside as it arrives, and then renamed.

    Returns the names of what was placed and of what stood, and the waivers that let a placed file pass, by its name.
    """
    waived: dict[str, tuple[Waiver, ...]] = {}
    wanted = {artifact.filename: (pin, artifact) for lock in house.locks for pin in lock.pins for artifact in pin.files}
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        stands = dict(zip(wanted, pool.map(partial(has_locked_bytes, folder), house.artifacts.values()), strict=True))
    missing = [
        candidate_of(pin, artifact, supply.addresses, local.get(name) or _local_address(pin, artifact, supply))
        for name, (pin, artifact) in wanted.items()
        if not stands[name]
    ]

    def put(candidate: Candidate, stored: StoredFile) -> tuple[Path, Path]:
        supply.metadata.confirm(candidate, stored)
        if stored.contents.findings:
            subject = Subject(candidate.filename, candidate.project, stored.sha256)
            if used := supply.artifacts.waivers.admit(stored.contents.findings, subject):
                waived[candidate.filename] = used
            _warn(stored.contents.findings, subject, supply.artifacts.waivers, on_event)
        return _copied(candidate, stored, folder, supply), rooted(folder, candidate.filename)

    arriving: dict[Future[StoredFile], list[Candidate]] = {}  # two names may have the same bytes
    for candidate in missing:
        arriving.setdefault(supply.artifacts.get(candidate), []).append(candidate)
    with ThreadPoolExecutor(
        os.cpu_count()
    ) as pool:  # its own: what still copies is waited for, what still downloads is not
        copying = [
            pool.submit(put, candidate, future.result())
            for future in as_completed(arriving)
            for candidate in arriving[future]
        ]
    for path, final in [future.result() for future in copying]:
        commit_file(path, final)
    placed = {candidate.filename for candidate in missing}
    return tuple(sorted(placed)), tuple(sorted(wanted.keys() - placed)), waived


def _warn(findings: Iterable[Finding], subject: Subject, waivers: Waivers, on_event: Listener) -> None:
    standing, waived = waivers.split(findings, subject)
    for finding in standing:
        on_event(Warned(f"{finding.subject}: {finding.sentence}"))
    for finding, waiver in waived:
        on_event(Warned(f"{finding.subject}: {waived_sentence(finding, waiver)}"))


def _local_address(pin: Pin, artifact: Artifact, supply: PackageSource) -> str | None:
    """Where a file is now that came from a folder: a lock names no path of this machine."""
    page = supply.pages.get(pin.project).result() if pin.index and artifact.url is None else None
    found = page.candidates(pin.version) if page else ()
    return next((candidate.url for candidate in found if candidate.filename == artifact.filename), None)


def _copied(candidate: Candidate, stored: StoredFile, folder: Path, supply: PackageSource) -> Path:
    """A copy aside in the house; what was altered in the cache comes from the index once more."""
    try:
        return copy_to_temp_file(stored.path, folder, stored.sha256)
    except IntegrityError:
        if stored.fresh or not candidate.url:
            raise
        return copy_to_temp_file(supply.artifacts.renew(candidate, stored).path, folder, stored.sha256)


def candidate_of(pin: Pin, artifact: Artifact, addresses: FileAddresses, path: str | None = None) -> Candidate:
    """A file of a pin, to be fetched from `path`, or from the address that `addresses` has in full, or from that of the lock.

    Raises InputError if nothing says where the file is from, and it was not built here.
    """
    url = path or addresses.get(artifact.sha256) or artifact.url
    if url is None and pin.built is None:
        raise InputError(
            f"`{artifact.filename}` is missing, and the lock does not say where it is from",
            hint="put it back into the folder that it came from, or name its path again",
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


def _summed_up(folder: Path, kept: Set[str]) -> set[str]:
    """Other files than these, whose bytes are still those that SHA256SUMS tells of."""
    path = folder / SUMS
    told = summed(verbatim(path)) if path.is_file() else {}
    return {
        name
        for name, sha256 in told.items()
        if name not in kept and rooted(folder, name).is_file() and sha256_of(rooted(folder, name)) == sha256
    }


def _remove(folder: Path, standing: Collection[Lock], kept: Set[str]) -> tuple[str, ...]:
    """What the locks before named, and those of now do not; and what SHA256SUMS named, where `lock` or a kill came between."""
    names = {artifact.filename for lock in standing for artifact in lock.artifacts} | _summed_up(folder, kept)
    names |= {
        name for lock in standing for name in (lock.filename, lock.requirements_filename, lock.constraints_filename)
    }
    names |= {provenance_filename(pin) for lock in standing for pin in lock.pins if pin.provenance}
    gone = sorted(name for name in names - kept if (folder / name).is_file())
    for name in gone:
        with os_errors_as_machine_error(folder / name):
            rooted(folder, name).unlink()
    return tuple(gone)
