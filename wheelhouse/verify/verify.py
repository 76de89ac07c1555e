"""Verify a wheelhouse: every file is hashed and opened again, compared with the locks, and all problems are reported at once."""

from collections.abc import Iterator, Mapping, Set
from dataclasses import dataclass, replace
from itertools import chain
from pathlib import Path

from wheelhouse.archive.metadata import InspectedFile
from wheelhouse.archive.waivers import NO_WAIVERS, Waivers
from wheelhouse.errors import InputError
from wheelhouse.events import Listener, ignore
from wheelhouse.files.disk import kind_of, read_regular_text, refuse_endless_files, verbatim
from wheelhouse.files.temporary import TEMP_PREFIX
from wheelhouse.findings import Finding, Severity
from wheelhouse.lock.lock import Lock, provenance_filename
from wheelhouse.lock.read_lock import parse_lock
from wheelhouse.lock.wheelhouse import BUILD, SUB_WHEELHOUSES, SUMS, TOOLS, Wheelhouse, is_lock_name, sha256_of_text
from wheelhouse.verify.folder_contents import foreign_findings, text_findings, unexpected_paths
from wheelhouse.verify.inner_folders import inner_folder_findings, listed_folders, present_folders
from wheelhouse.verify.lock_findings import lock_findings
from wheelhouse.verify.locked_files import Reader, error_finding, inspect_artifact, open_locked_files
from wheelhouse.verify.locked_folders import LOCKED_FOLDER_NAMES, LOCKED_FOLDERS
from wheelhouse.verify.unusable_constraints import unusable_constraints
from wheelhouse.verify.verify_other_files import load_locked_folders, locked_folder_findings


@dataclass(frozen=True, slots=True)
class Verdict:
    """The result of verifying a wheelhouse: its locks, how many files and bytes they name, and the findings.

    `contents` is what each file that could be opened holds, by file name. `inner` are the verdicts on the wheelhouses
    inside this one, by folder; `findings` has theirs, too.
    """

    wheelhouse: Wheelhouse
    files: int
    bytes: int
    findings: tuple[Finding, ...]
    contents: Mapping[str, InspectedFile]
    inner: Mapping[str, "Verdict"]


def load_wheelhouse(folder: Path) -> Wheelhouse:
    """Read a wheelhouse's locks, constraints, attestations, and the SHA256SUMS of its inner folders; distributions are not
    read.

    Raises InputError if the folder is no wheelhouse, and as `locks_in` does.
    """
    if not folder.is_dir():
        raise InputError(
            f"there is no folder `{folder}`", hint="choose the folder that `wheelhouse fetch --dest` wrote"
        )
    locks = locks_in(folder)
    if not locks:
        raise InputError(
            f"`{folder}` has no pylock.<target>.toml, so it is not a wheelhouse",
            hint="make one with `wheelhouse fetch`",
        )
    paths = {lock.name: folder / lock.constraints_filename for lock in locks}
    wheelhouse = Wheelhouse(locks, {name: verbatim(path) for name, path in paths.items() if kind_of(path) == "file"})
    return replace(wheelhouse, provenance=provenance_in(folder, wheelhouse), inner=present_folders(folder))


def locks_in(folder: Path) -> tuple[Lock, ...]:
    """The locks in a folder, which must exist, sorted by file name; none if it has none.

    Raises InputError for a file that is no lock, or that has the name of another lock, and if the folder has a file that never
    ends, such as a named pipe; IntegrityError for a lock with an unsafe file name, or a sha256 that is none.
    """
    refuse_endless_files(folder, (*SUB_WHEELHOUSES, *LOCKED_FOLDER_NAMES))
    names = sorted(path.name for path in folder.iterdir() if is_lock_name(path.name))
    locks = {name: parse_lock(read_regular_text(folder / name, "the lock"), str(folder / name)) for name in names}
    if misnamed := [name for name, lock in locks.items() if lock.filename != name]:
        filename = locks[misnamed[0]].filename
        sentence = f"`{folder / misnamed[0]}` has the content of the lock file `{filename}`"
        raise InputError(sentence, hint=f"rename the file to `{filename}`, or remove it and fetch again")
    return tuple(locks.values())


def provenance_in(folder: Path, wheelhouse: Wheelhouse) -> dict[str, str]:
    """The texts of the attestations that a wheelhouse's locks name and that are in the folder, by file name."""
    names = {provenance_filename(pin) for lock in wheelhouse.locks for pin in lock.pins if pin.provenance}
    return {name: verbatim(path) for name in names if kind_of(path := folder / name) == "file"}


def verify(
    folder: Path,
    *,
    read: Reader = inspect_artifact,
    waivers: Waivers = NO_WAIVERS,
    on_event: Listener = ignore,
    threads: int | None = None,
) -> Verdict:
    """Verify a wheelhouse, and those inside it. `read` opens a file, in so many threads at a time (default: one for each core).

    A finding that a waiver covers becomes a note. Raises as `load_wheelhouse`, `open_locked_files`, `closure` and
    `load_other_files` do.
    """
    wheelhouse = load_wheelhouse(folder)
    wheelhouse = replace(wheelhouse, inner=listed_folders(folder))
    opened = open_locked_files(folder, wheelhouse, read, waivers, on_event, case="file", threads=threads)
    names = sub_wheelhouses(folder)
    inner = {
        name: verify(folder / name, read=read, waivers=waivers, on_event=on_event, threads=threads) for name in names
    }
    texts = wheelhouse.texts
    expected = {*wheelhouse.artifacts, *texts, *names, *_locked_folders(folder)}
    findings = chain(
        opened.findings,
        foreign_findings(folder, unexpected_paths(folder, expected), wheelhouse.locks, staged=False),
        text_findings(folder, texts, "derived"),
        attestation_findings(wheelhouse),
        constraints_findings(wheelhouse),
        lock_findings(wheelhouse, opened.contents),
        _inner_findings(inner),
        inner_folder_findings(wheelhouse.inner, _sums_of_inner(folder, inner)) if (folder / SUMS).is_file() else (),
        _absent_sub_wheelhouses(wheelhouse, inner),
        locked_folder_findings(folder),
    )
    size = sum(artifact.size for artifact in wheelhouse.artifacts.values())
    return Verdict(wheelhouse, len(wheelhouse.artifacts), size, tuple(sorted(set(findings))), opened.contents, inner)


def _sums_of_inner(folder: Path, inner: Mapping[str, Verdict]) -> dict[str, str]:
    """The sha256 of the SHA256SUMS that each folder inside must have, by the folder's name: wheelhouses, `files`, `image`, `debian`."""
    texts: dict[str, Mapping[str, str]] = {name: verdict.wheelhouse.texts for name, verdict in inner.items()}
    texts |= {name: lock.texts for name, lock in load_locked_folders(folder).items() if name in _locked_folders(folder)}
    return {name: sha256_of_text(own[SUMS]) for name, own in texts.items() if SUMS in own}


def _absent_sub_wheelhouses(wheelhouse: Wheelhouse, inner: Mapping[str, Verdict]) -> Iterator[Finding]:
    """Warnings: for `tools/`, if a lock is of Airflow; for each lock of `build/` that a pin names. Only for what is not there,
    and is not in SHA256SUMS either.
    """
    releases = sorted({str(lock.inputs.airflow) for lock in wheelhouse.locks if lock.inputs.airflow})
    if releases and TOOLS not in {*inner, *wheelhouse.inner}:
        yield Finding.of(TOOLS, "missing", Severity.WARNING, case="tools", airflow=releases[0])
    locks = (*wheelhouse.locks, *(inner[BUILD].wheelhouse.locks if BUILD in inner else ()))
    existing = {lock.filename for lock in locks}
    if BUILD in wheelhouse.inner and BUILD not in inner:
        return
    for pin in (pin for lock in wheelhouse.locks for pin in lock.pins):
        if pin.build_lock_name and pin.build_lock_name not in existing:
            name, sdist = f"{BUILD}/{pin.build_lock_name}", pin.origin.filename
            yield Finding.of(name, "missing", Severity.WARNING, case="build-lock", sdist=sdist)


def sub_wheelhouses(folder: Path) -> tuple[str, ...]:
    """The names of the folders inside a wheelhouse, not links, that are wheelhouses: they hold locks."""
    own = [name for name in SUB_WHEELHOUSES if kind_of(folder / name) == "folder"]
    return tuple(name for name in own if any(is_lock_name(path.name) for path in (folder / name).iterdir()))


def _locked_folders(folder: Path) -> Iterator[str]:
    """The names of the folders with other files (`files`, `image`, `debian`) that a wheelhouse has, and that have a lock."""
    for inside in LOCKED_FOLDERS:
        if kind_of(folder / inside.name) == "folder" and (folder / inside.name / inside.lock).exists():
            yield inside.name


def foreign_in(folder: Path, expected: Set[str]) -> tuple[str, ...]:
    """The names in a wheelhouse's folder, sorted, beside the expected ones, the folders that a wheelhouse can have, and
    temporary files.
    """
    inside = [name for name in (*SUB_WHEELHOUSES, *LOCKED_FOLDER_NAMES) if (folder / name).is_dir()]
    names = (path.name for path in sorted(folder.iterdir()))
    return tuple(name for name in names if name not in (*expected, *inside) and not name.startswith(TEMP_PREFIX))


def constraints_findings(wheelhouse: Wheelhouse) -> Iterator[Finding]:
    """Errors for constraints that are missing, that are not those of a lock, or that lead an install elsewhere."""
    for lock in wheelhouse.locks:
        text = (wheelhouse.constraints or {}).get(lock.name)
        expected = lock.inputs.constraints_sha256
        if expected and text is None:
            yield _missing(lock.constraints_filename)
        elif text is not None and sha256_of_text(text) != expected:
            yield error_finding(lock.constraints_filename, "altered", case="constraints")
        elif text is not None:
            yield from unusable_constraints(lock, text, lock.constraints_filename)


def attestation_findings(wheelhouse: Wheelhouse) -> Iterator[Finding]:
    """Errors for attestations that are missing, or that are not those that a lock names."""
    for pin in (pin for lock in wheelhouse.locks for pin in lock.pins):
        name, provenance = provenance_filename(pin), pin.provenance
        if provenance and name not in wheelhouse.provenance:
            yield _missing(name)
        elif provenance and sha256_of_text(wheelhouse.provenance[name]) != provenance.sha256:
            yield error_finding(name, "altered", case="attestations")


def _missing(name: str) -> Finding:
    """The error finding for a missing file that follows from the locks."""
    return error_finding(name, "missing", case="derived", kind="")


def _inner_findings(inner: Mapping[str, Verdict]) -> Iterator[Finding]:
    """The findings of the wheelhouses inside a wheelhouse, with their paths there as subjects."""
    for name, verdict in inner.items():
        yield from (replace(finding, subject=f"{name}/{finding.subject}") for finding in verdict.findings)
