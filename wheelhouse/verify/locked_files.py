"""Hash and open again each file that locks name, and compare it with the lock."""

import os
from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path
from types import MappingProxyType

from packaging.utils import NormalizedName

from wheelhouse.archive.artifact import Artifact
from wheelhouse.archive.metadata import InspectedFile
from wheelhouse.archive.waivers import Waivers, with_subject
from wheelhouse.archive.wheelfile import inspect
from wheelhouse.errors import IntegrityError, RefusedError
from wheelhouse.events import Finished, Listener
from wheelhouse.files.disk import kind_of, rooted, sha256_of
from wheelhouse.findings import FactValue, Finding, Severity, Subject
from wheelhouse.lock.wheelhouse import Wheelhouse
from wheelhouse.verify.closure import requests_for

MAX_SURPLUS_BYTES = 1 << 30
"""A file that is longer than its lock says by more than this is not hashed: a sparse file can have 8 EiB."""
Reader = Callable[[Path, Artifact], InspectedFile]
"""Opens and checks a file, given its path and the artifact that it is: its hash is right."""


def inspect_artifact(path: Path, artifact: Artifact) -> InspectedFile:
    """Open and check a file by the name of its artifact; its hash is not checked. Raises as `inspect` does."""
    return inspect(path, artifact.filename)


@dataclass(frozen=True, slots=True)
class LockedFiles:
    """What is wrong with the files of a wheelhouse, and what each file that could be opened holds, by file name."""

    findings: tuple[Finding, ...]
    contents: Mapping[str, InspectedFile]


@dataclass(frozen=True, slots=True)
class _Opened:
    """One file: `contents` is None if it could not be opened."""

    artifact: Artifact
    contents: InspectedFile | None
    findings: tuple[Finding, ...]
    is_absent: bool = False


def open_locked_files(
    folder: Path,
    wheelhouse: Wheelhouse,
    read: Reader,
    waivers: Waivers,
    on_event: Listener,
    *,
    case: str,
    places: Mapping[str, str] = MappingProxyType({}),
    threads: int | None = None,
) -> LockedFiles:
    """Check every file of a wheelhouse, the largest first. `places` maps file names to relative paths, for files under another name.

    `threads` is how many files are read at a time; default: one for each core. `case` is that of the findings on missing files:
    `file`, or `staged-file`. A waived finding of an opened file becomes a note. An event tells of each hashed file. What
    is wrong with a file is a finding; raises IntegrityError if two locks name one file with two hashes, or for a name that
    leads out of the folder, and MachineError if a file cannot be read.
    """

    def check(artifact: Artifact) -> _Opened:
        """Open one file at its place in the folder."""
        path = rooted(folder, places.get(artifact.filename, artifact.filename))
        return _open(path, artifact, read, on_event, case)

    with ThreadPoolExecutor(threads or os.cpu_count()) as pool:
        largest_first = sorted(wheelhouse.artifacts.values(), key=lambda artifact: -artifact.size)
        opened = list(pool.map(check, largest_first))
    opened = [_with_requesters(result, wheelhouse) if result.is_absent else result for result in opened]
    projects = {file.filename: pin.project for lock in wheelhouse.locks for pin in lock.pins for file in pin.files}
    opened = [_weighed(result, projects[result.artifact.filename], waivers) for result in opened]
    contents = {result.artifact.filename: result.contents for result in opened if result.contents}
    return LockedFiles(tuple(finding for result in opened for finding in result.findings), contents)


def absent_finding(path: Path, subject: str, case: str) -> Finding | None:
    """An error finding if a path is not a regular file; None if it is. A link is not one: its target can change, or stay behind.

    `case` says what is missing: `file`, `staged-file`, `derived`, `staged` or `signature`.
    """
    kind = kind_of(path)
    if kind == "file":
        return None
    return error_finding(subject, "link" if kind == "link" else "missing", case=case, kind=kind or "")


def error_finding(subject: str, rule: str, **facts: FactValue) -> Finding:
    """A finding with severity ERROR."""
    return Finding.of(subject, rule, Severity.ERROR, **facts)


def refusal(subject: str, error: IntegrityError) -> Finding:
    """The error finding for an archive that was refused. The exception's message is context: it is no part of the finding's identity."""
    rule = error.rule if isinstance(error, RefusedError) else "archive"
    return error_finding(subject, rule, case="refused").with_context(message=str(error), error_hint=error.hint or "")


def weighed(findings: Iterable[Finding], subject: Subject, waivers: Waivers) -> tuple[Finding, ...]:
    """The findings of an opened file after the waivers: a waived one is a note, and comes last. The context of each has the
    project and sha256 that a waiver must name. One that only expired waivers cover is followed by a finding about each of
    these.
    """
    remaining, waived = waivers.split(findings, subject)
    notes = (replace(one, severity=Severity.NOTE) for one in waived)
    return tuple(with_subject((*remaining, *notes), subject))


def _open(path: Path, artifact: Artifact, read: Reader, on_event: Listener, case: str) -> _Opened:
    """Hash a file, then open it if its hash is the lock's; an event tells when it was hashed. One that is far too long is
    not hashed.

    An IntegrityError of `read` becomes an error finding.
    """
    if absent := absent_finding(path, artifact.filename, case):
        return _Opened(artifact, None, (absent,), is_absent=True)
    size = path.stat().st_size
    if artifact.size and size > artifact.size + MAX_SURPLUS_BYTES:
        return _Opened(artifact, None, (_far_longer(artifact, size),))
    sha256 = sha256_of(path)
    on_event(Finished(artifact.filename))
    if sha256 != artifact.sha256:
        return _Opened(artifact, None, (_altered(path, artifact, sha256),))
    try:
        contents = read(path, artifact)
    except IntegrityError as error:
        return _Opened(artifact, None, (refusal(artifact.filename, error),))
    return _Opened(artifact, contents, contents.findings)


def _weighed(result: _Opened, project: NormalizedName, waivers: Waivers) -> _Opened:
    """The file with its findings after the waivers; those of a file that could not be opened cannot be waived."""
    if result.contents is None:
        return result
    version = str(result.contents.metadata.version)
    subject = Subject(result.artifact.filename, project, result.artifact.sha256, version)
    return replace(result, findings=weighed(result.findings, subject, waivers))


def _with_requesters(absent: _Opened, wheelhouse: Wheelhouse) -> _Opened:
    """The absent file; its finding has the first requirement for it as context."""
    pins = ((lock, pin) for lock in wheelhouse.locks for pin in lock.pins if absent.artifact in pin.files)
    request = next((facts for lock, pin in pins if (facts := requests_for(lock, pin.project))), {})
    return replace(absent, findings=tuple(finding.with_context(**request) for finding in absent.findings))


def _far_longer(artifact: Artifact, size: int) -> Finding:
    """The error finding for a file that is too long to be hashed."""
    return error_finding(
        artifact.filename,
        "altered",
        case="far-longer",
        size=size,
        locked_size=artifact.size,
        locked_sha256=artifact.sha256,
    )


def _altered(path: Path, artifact: Artifact, sha256: str) -> Finding:
    """The error finding for a file with another hash. Its case says what differs: the release in it, else its size, else only
    its bytes.
    """
    size, stated = path.stat().st_size, _stated_release(path, artifact.filename)
    return error_finding(
        artifact.filename,
        "altered",
        case="release" if stated else "locked" if size == artifact.size else "size",
        sha256=sha256,
        locked_sha256=artifact.sha256,
        size=size,
        locked_size=artifact.size,
        stated=stated,
    )


def _stated_release(path: Path, filename: str) -> str:
    """The release that the metadata of an altered file state, if its name states another; else an empty text."""
    try:
        inspect(path, filename)
    except RefusedError as error:
        return error.stated
    except IntegrityError:
        return ""
    return ""
