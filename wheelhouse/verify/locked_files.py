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
from wheelhouse.archive.waivers import Subject, Waivers, waive_hint, waived_sentence
from wheelhouse.archive.wheelfile import inspect
from wheelhouse.errors import IntegrityError, RefusedError
from wheelhouse.events import Finished, Listener
from wheelhouse.files.disk import kind_of, rooted, sha256_of
from wheelhouse.findings import Finding, Severity
from wheelhouse.lock.wheelhouse import Wheelhouse
from wheelhouse.verify.closure import asked_by

Reader = Callable[[Path, str], InspectedFile]
"""Opens and checks a file, given its path and its name."""


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
    hint: str,
    places: Mapping[str, str] = MappingProxyType({}),
) -> LockedFiles:
    """Check every file of a wheelhouse. `places` maps file names to relative paths, for files under another name.

    `hint` says how to get a missing file. A finding that one of the waivers covers becomes a note.
    """

    def check(artifact: Artifact) -> _Opened:
        path = rooted(folder, places.get(artifact.filename, artifact.filename))
        return _open(path, artifact, read, on_event)

    with ThreadPoolExecutor(os.cpu_count()) as pool:
        largest_first = sorted(wheelhouse.artifacts.values(), key=lambda artifact: -artifact.size)
        opened = list(pool.map(check, largest_first))
    opened = [_with_requesters(result, wheelhouse, hint) if result.is_absent else result for result in opened]
    projects = {file.filename: pin.project for lock in wheelhouse.locks for pin in lock.pins for file in pin.files}
    opened = [_weighed(result, projects[result.artifact.filename], waivers) for result in opened]
    contents = {result.artifact.filename: result.contents for result in opened if result.contents}
    return LockedFiles(tuple(finding for result in opened for finding in result.findings), contents)


def absent_finding(path: Path, subject: str, hint: str) -> Finding | None:
    """A finding if no file is at a path. A link to a file is none: its target can change, or stay behind."""
    kind = kind_of(path)
    if kind == "file":
        return None
    if kind is None:
        return error_finding(subject, "missing", "it is not in the folder", hint)
    rule = "link" if kind == "link" else "missing"
    return error_finding(subject, rule, f"it is a {kind}, where the file itself must be", hint)


def error_finding(subject: str, rule: str, sentence: str, hint: str) -> Finding:
    """A finding with severity ERROR."""
    return Finding(subject, rule, Severity.ERROR, sentence, hint)


def weighed(findings: Iterable[Finding], subject: Subject, waivers: Waivers) -> tuple[Finding, ...]:
    """The findings of an opened file after the waivers. An error that stays says how it can be waived."""
    standing, waived = waivers.split(findings, subject)
    hinted = (
        replace(one, hint=one.hint or waive_hint(one.rule, subject)) if one.severity >= Severity.ERROR else one
        for one in standing
    )
    noted = (replace(one, severity=Severity.NOTE, sentence=waived_sentence(one, waiver)) for one, waiver in waived)
    return (*hinted, *noted)


def _open(path: Path, artifact: Artifact, read: Reader, on_event: Listener) -> _Opened:
    """Hash a file, then open it if its hash is the lock's."""
    if absent := absent_finding(path, artifact.filename, ""):
        return _Opened(artifact, None, (absent,), is_absent=True)
    sha256 = sha256_of(path)
    on_event(Finished(artifact.filename))
    if sha256 != artifact.sha256:
        return _Opened(artifact, None, (_altered(path, artifact, sha256),))
    try:
        contents = read(path, artifact.filename)
    except IntegrityError as error:
        rule = error.rule if isinstance(error, RefusedError) else "archive"
        return _Opened(artifact, None, (error_finding(artifact.filename, rule, str(error), error.hint or ""),))
    return _Opened(artifact, contents, contents.findings)


def _weighed(result: _Opened, project: NormalizedName, waivers: Waivers) -> _Opened:
    """The file with its findings after the waivers; those of a file that could not be opened cannot be waived."""
    if result.contents is None or not result.findings:
        return result
    subject = Subject(result.artifact.filename, project, result.artifact.sha256)
    return replace(result, findings=weighed(result.findings, subject, waivers))


def _with_requesters(absent: _Opened, wheelhouse: Wheelhouse, hint: str) -> _Opened:
    """The absent file with who asks for it, and the hint."""
    pins = ((lock, pin) for lock in wheelhouse.locks for pin in lock.pins if absent.artifact in pin.files)
    requesters = list(dict.fromkeys(text for lock, pin in pins for text in asked_by(lock, pin.project)))
    more = f", and {len(requesters) - 1} more do" if len(requesters) > 1 else ""
    who = f"; {requesters[0]}{more}" if requesters else ""
    findings = (replace(one, sentence=f"{one.sentence}{who}", hint=hint) for one in absent.findings)
    return replace(absent, findings=tuple(findings))


def _altered(path: Path, artifact: Artifact, sha256: str) -> Finding:
    """The finding for a file with another hash: what differs, as far as it can be told."""
    size = path.stat().st_size
    if other := _stated_release(path, artifact.filename):
        difference = f"it holds {other}, under a name that is not its own"
    elif size == artifact.size:
        difference = "its bytes were altered"
    else:
        difference = f"it has {size} bytes where the lock says {artifact.size}"
    sentence = f"{difference}: its sha256 is {sha256}, and the lock says {artifact.sha256}"
    return error_finding(artifact.filename, "altered", sentence, "remove it and fetch again; find out who changed it")


def _stated_release(path: Path, filename: str) -> str:
    """The release that the metadata of an altered file state, if its name states another; else nothing."""
    try:
        inspect(path, filename)
    except RefusedError as error:
        return error.stated
    except IntegrityError:
        return ""
    return ""
