"""Is a house exactly what its locks say: hash every file again, open it, compare, and say everything that is wrong at once."""

import os
from collections.abc import Callable, Iterable, Iterator, Mapping, Set
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from itertools import chain
from pathlib import Path
from types import MappingProxyType

from packaging.utils import InvalidSdistFilename, InvalidWheelFilename, NormalizedName

from wheelhouse.archive.artifact import Artifact, requires_python_of
from wheelhouse.archive.filenames import ARCHIVE_SUFFIXES, is_globbed, wheel_parts
from wheelhouse.archive.metadata import InspectedFile, Metadata, old_pip_reads
from wheelhouse.archive.reason_text import reason_text
from wheelhouse.archive.reasons import InvalidRequirementLine
from wheelhouse.archive.waivers import NO_WAIVERS, Subject, Waivers, waive_hint, waived_sentence
from wheelhouse.archive.wheelfile import inspect
from wheelhouse.errors import InputError, IntegrityError, RefusedError
from wheelhouse.events import Finished, Listener, ignore
from wheelhouse.files.disk import TEMP_PREFIX, read_text, rooted, sha256_of, verbatim
from wheelhouse.findings import Finding, Severity
from wheelhouse.lock.lock import Lock, Pin, provenance_filename
from wheelhouse.lock.other_files import FOLDER
from wheelhouse.lock.read_lock import parse_lock
from wheelhouse.lock.wheelhouse import BY_THE_LIST, SUB_WHEELHOUSES, Wheelhouse, is_lock_name, sha256_of_text
from wheelhouse.target.target import Target
from wheelhouse.verify.closure import asked_by, closure
from wheelhouse.verify.unlocked_files import unlocked_file_findings
from wheelhouse.verify.verify_other_files import other_findings

Reader = Callable[[Path, str], InspectedFile]


@dataclass(frozen=True, slots=True)
class Verdict:
    """What verifying found: the house as its locks have it, how many bytes were read, and what is wrong, in inner houses, too.

    `contents` is what each file that could be opened says of itself; `inner` are the verdicts on the houses inside this one.
    """

    house: Wheelhouse
    files: int
    bytes: int
    findings: tuple[Finding, ...]
    contents: Mapping[str, InspectedFile]
    inner: Mapping[str, "Verdict"]


@dataclass(frozen=True, slots=True)
class _Opened:
    artifact: Artifact
    contents: InspectedFile | None
    findings: tuple[Finding, ...]
    is_absent: bool = False


def load_wheelhouse(folder: Path) -> Wheelhouse:
    """Read a house's locks and constraints. Raises InputError where the folder is no house."""
    if not folder.is_dir():
        raise InputError(f"there is no folder `{folder}`", hint="name the folder that `wheelhouse fetch --dest` wrote")
    locks = locks_in(folder)
    if not locks:
        raise InputError(
            f"`{folder}` holds no pylock.<target>.toml, so it is no house", hint="make one with `wheelhouse fetch`"
        )
    constraints = {
        lock.name: verbatim(folder / lock.constraints_filename)
        for lock in locks
        if (folder / lock.constraints_filename).is_file()
    }
    house = Wheelhouse(locks, constraints)
    return replace(house, provenance=provenance_in(folder, house))


def locks_in(folder: Path) -> tuple[Lock, ...]:
    """The locks that stand in a folder. Raises InputError for a file that is none, or that has another lock's name."""
    names = sorted(path.name for path in folder.iterdir() if is_lock_name(path.name))
    locks = {name: parse_lock(read_text(folder / name, "the lock"), str(folder / name)) for name in names}
    if strange := [name for name, lock in locks.items() if lock.filename != name]:
        sentence = f"`{folder / strange[0]}` holds the lock `{locks[strange[0]].filename}`"
        raise InputError(sentence, hint="give it its own name again, or remove it and fetch again")
    return tuple(locks.values())


def provenance_in(folder: Path, house: Wheelhouse) -> dict[str, str]:
    """The texts of those files of attestations that a house's locks name and that are here."""
    names = {provenance_filename(pin) for lock in house.locks for pin in lock.pins if pin.provenance}
    paths = {name: folder / name for name in names if (folder / name).is_file() and not (folder / name).is_symlink()}
    return {name: verbatim(path) for name, path in paths.items()}


def verify(
    folder: Path,
    *,
    staged: frozenset[str] | None = None,
    renamed: Mapping[str, str] = MappingProxyType({}),
    read: Reader = inspect,
    waivers: Waivers = NO_WAIVERS,
    on_event: Listener = ignore,
) -> Verdict:
    """Hold a folder against its locks. In a staged folder, `staged` names what stage wrote, by relative path.

    `renamed` maps the names of files, as the lock has them, to where they lie there, if that is elsewhere; `read` opens
    and checks a file, given its path and its name. A finding that one of `waivers` covers becomes a note.
    """
    house = load_wheelhouse(folder)
    artifacts = house.artifacts
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        largest_first = sorted(artifacts.values(), key=lambda artifact: -artifact.size)
        opened = list(pool.map(lambda artifact: _open(folder, artifact, renamed, read, on_event), largest_first))
    again = "fetch again: only this file will be downloaded" if staged is None else "stage again"
    opened = [_absence(result, house, again) if result.is_absent else result for result in opened]
    projects = {file.filename: pin.project for lock in house.locks for pin in lock.pins for file in pin.files}
    opened = [_weighed(result, projects[result.artifact.filename], waivers) for result in opened]
    contents = {result.artifact.filename: result.contents for result in opened if result.contents}
    names = [name for name in SUB_WHEELHOUSES if staged is None and (folder / name).is_dir()]
    inner = {name: verify(folder / name, read=read, waivers=waivers, on_event=on_event) for name in names}
    findings = chain(
        chain.from_iterable(result.findings for result in opened),
        _foreign(folder, house, staged),
        _derived(folder, house) if staged is None else (),
        chain.from_iterable(_lock_findings(lock, contents) for lock in house.locks),
        _disagreement(house),
        _from_inner(inner),
        other_findings(folder) if staged is None else (),
    )
    size = sum(artifact.size for artifact in artifacts.values())
    return Verdict(house, len(artifacts), size, tuple(sorted(set(findings))), contents, inner)


def _open(folder: Path, artifact: Artifact, renamed: Mapping[str, str], read: Reader, on_event: Listener) -> _Opened:
    path = rooted(folder, renamed.get(artifact.filename, artifact.filename))
    if absent := _absent(path, artifact.filename, "fetch again: only this file will be downloaded"):
        return _Opened(artifact, None, (absent,), is_absent=True)
    sha256 = sha256_of(path)
    on_event(Finished(artifact.filename))
    if sha256 != artifact.sha256:
        return _Opened(artifact, None, (_altered(path, artifact, sha256),))
    try:
        contents = read(path, artifact.filename)
    except IntegrityError as error:
        rule = error.rule if isinstance(error, RefusedError) else "archive"
        return _Opened(artifact, None, (_wrong(artifact.filename, rule, str(error), error.hint or ""),))
    return _Opened(artifact, contents, contents.findings)


def _weighed(result: _Opened, project: NormalizedName, waivers: Waivers) -> _Opened:
    if result.contents is None or not result.findings:
        return result
    subject = Subject(result.artifact.filename, project, result.artifact.sha256)
    return replace(result, findings=weighed(result.findings, subject, waivers))


def weighed(findings: Iterable[Finding], subject: Subject, waivers: Waivers) -> tuple[Finding, ...]:
    """The findings of an opened file, held against the waivers; an error that stands says how it could be waived."""
    standing, waived = waivers.split(findings, subject)
    hinted = (
        replace(one, hint=one.hint or waive_hint(one.rule, subject)) if one.severity >= Severity.ERROR else one
        for one in standing
    )
    noted = (replace(one, severity=Severity.NOTE, sentence=waived_sentence(one, waiver)) for one, waiver in waived)
    return (*hinted, *noted)


def _absence(absent: _Opened, house: Wheelhouse, hint: str) -> _Opened:
    """The same with who asks for the file, and what mends it here."""
    pins = ((lock, pin) for lock in house.locks for pin in lock.pins if absent.artifact in pin.files)
    asked = list(dict.fromkeys(text for lock, pin in pins for text in asked_by(lock, pin.project)))
    more = f", and {len(asked) - 1} more do" if len(asked) > 1 else ""
    who = f"; {asked[0]}{more}" if asked else ""
    findings = (replace(one, sentence=f"{one.sentence}{who}", hint=hint) for one in absent.findings)
    return replace(absent, findings=tuple(findings))


def _absent(path: Path, subject: str, hint: str) -> Finding | None:
    """A finding where no file is at a path; a link to one is none: what it leads to may change, or stay behind."""
    if path.is_symlink():
        return _wrong(subject, "link", "it is a link, where the file itself must be", hint)
    return None if path.is_file() else _wrong(subject, "missing", "it is not in the folder", hint)


def _altered(path: Path, artifact: Artifact, sha256: str) -> Finding:
    size = path.stat().st_size
    what = (
        "its bytes were altered"
        if size == artifact.size
        else f"it has {size} bytes where the lock says {artifact.size}"
    )
    if other := _stated_release(path, artifact.filename):
        what = f"it holds {other}, under a name that is not its own"
    sentence = f"{what}: its sha256 is {sha256}, and the lock says {artifact.sha256}"
    return _wrong(artifact.filename, "altered", sentence, "remove it and fetch again; find out who changed it")


def _stated_release(path: Path, filename: str) -> str:
    """The release that the metadata of an altered file state, if its name states another; else nothing."""
    try:
        inspect(path, filename)
    except RefusedError as error:
        return error.stated
    except IntegrityError:
        return ""
    return ""


def _foreign(folder: Path, house: Wheelhouse, staged: frozenset[str] | None) -> Iterator[Finding]:
    """What no lock names. A staged folder may hold other things, but no archive at its top: all of those are installed."""
    known = house.artifacts.keys() | house.texts.keys() if staged is None else staged
    for path in _unnamed(folder, known):
        if staged is not None and not is_globbed(path.name):
            continue
        if path.name.startswith(TEMP_PREFIX):
            sentence = "an interrupted run left it"
            yield Finding(
                path.name, "left-aside", Severity.WARNING, sentence, "the next fetch into this house removes it"
            )
        elif path.name.endswith(ARCHIVE_SUFFIXES):
            yield _wrong(
                path.name, "foreign", *unlocked_file_findings(path.name, house.locks, staged=staged is not None)
            )
        else:
            yield _wrong(path.name, "foreign", "no lock of this house names it", "remove it, or fetch what needs it")


def _unnamed(folder: Path, known: Set[str]) -> list[Path]:
    """What is in a folder under other names than these, but for the folders that a house may have inside."""
    inner = (*SUB_WHEELHOUSES, FOLDER)
    return [
        path
        for path in sorted(folder.iterdir())
        if path.name not in known and not (path.name in inner and path.is_dir())
    ]


def foreign_in(folder: Path, known: Set[str]) -> tuple[str, ...]:
    """The names of what is in a house's folder beside these."""
    return tuple(path.name for path in _unnamed(folder, known) if not path.name.startswith(TEMP_PREFIX))


def _derived(folder: Path, house: Wheelhouse) -> Iterator[Finding]:
    for name, text in house.texts.items():
        path = folder / name
        if absent := _absent(path, name, "fetch again"):
            yield absent
        elif path.read_bytes() != text.encode():
            yield _wrong(name, "altered", "it does not say what the locks say", "fetch again")
    yield from _attestations(house)
    for lock in house.locks:
        used = (house.constraints or {}).get(lock.name)
        if lock.inputs.constraints_sha256 and used is None:
            yield _wrong(
                lock.constraints_filename, "missing", "it belongs to the house, but is not in the folder", "fetch again"
            )
        elif used is not None and sha256_of_text(used) != lock.inputs.constraints_sha256:
            yield _wrong(
                lock.constraints_filename,
                "altered",
                "these are not the constraints that the lock was made under",
                "fetch again",
            )


def _attestations(house: Wheelhouse) -> Iterator[Finding]:
    for pin in (pin for lock in house.locks for pin in lock.pins):
        name, provenance = provenance_filename(pin), pin.provenance
        if provenance and name not in house.provenance:
            yield _wrong(name, "missing", "it belongs to the house, but is not in the folder", "fetch again")
        elif provenance and sha256_of_text(house.provenance[name]) != provenance.sha256:
            yield _wrong(name, "altered", "these are not the attestations that the lock names", "fetch again")


def _lock_findings(lock: Lock, contents: Mapping[str, InspectedFile]) -> Iterator[Finding]:
    metadata: dict[NormalizedName, Metadata] = {}
    for pin in lock.pins:
        found = contents.get(pin.artifact.filename)
        yield from _pin_findings(lock, pin, found)
        if found:
            metadata[pin.project] = found.metadata
    if len(metadata) == len(lock.pins):
        yield from closure(lock, metadata)


def _pin_findings(lock: Lock, pin: Pin, contents: InspectedFile | None) -> Iterator[Finding]:
    if contents and (contents.metadata.project, contents.metadata.version) != (pin.project, pin.version):
        sentence = f"it is {contents.metadata.project} {contents.metadata.version}, and the lock says {pin.project} {pin.version}"
        yield _wrong(pin.artifact.filename, "swapped", sentence, "fetch again")
    if contents and (excluding := _excludes(lock.target, contents.metadata)):
        yield _wrong(pin.artifact.filename, "requires-python", excluding, "fetch again: another release may fit")
    if contents and (line := contents.metadata.invalid_line):
        sentence = f"it {reason_text(InvalidRequirementLine(line, old_pip_reads(line)))}"
        hint = "install with pip 24.0 or older, or choose another release"
        yield Finding(pin.artifact.filename, "legacy-metadata", Severity.WARNING, sentence, hint)
    if not pin.artifact.is_wheel:
        return
    try:
        fits = lock.target.rank(wheel_parts(pin.artifact.filename)[3]) is not None
    except (InvalidWheelFilename, InvalidSdistFilename):
        fits = False
    if not fits:
        yield _wrong(
            pin.artifact.filename, "unfit", f"no tag of it fits {lock.target.name}", "fetch again for this target"
        )


def _disagreement(house: Wheelhouse) -> Iterator[Finding]:
    if sentence := house.disagreement:
        yield Finding("house", "several-versions", Severity.NOTE, sentence, BY_THE_LIST)


def _excludes(target: Target, metadata: Metadata) -> str | None:
    """What a file itself requires of Python, where the target has another; pages say it, too, and may be wrong."""
    required = metadata.requires_python
    if not required or target.allows(requires_python_of(required)):
        return None
    return f"it requires Python {required}, and {target.name} has {target.python.version}"


def _from_inner(inner: Mapping[str, Verdict]) -> Iterator[Finding]:
    for name, verdict in inner.items():
        yield from (replace(finding, subject=f"{name}/{finding.subject}") for finding in verdict.findings)


def _wrong(subject: str, rule: str, sentence: str, hint: str) -> Finding:
    return Finding(subject, rule, Severity.ERROR, sentence, hint)
