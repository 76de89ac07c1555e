"""Lay a verified house out for an image build. A pure plan says what goes where; this hands each step of it to the disk."""

import json
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from wheelhouse.archive.artifact import Artifact
from wheelhouse.archive.filenames import ARCHIVE_SUFFIXES, is_globbed
from wheelhouse.archive.waivers import NO_WAIVERS, Waivers
from wheelhouse.build.build_requirements import used_build_locks
from wheelhouse.build.build_wheelhouse import existing_build_locks
from wheelhouse.documents import parse_json
from wheelhouse.errors import InputError, IntegrityError
from wheelhouse.events import Listener, ignore
from wheelhouse.files.disk import (
    folder_lock,
    must_lie_outside,
    os_errors_as_machine_error,
    place,
    read_text,
    rooted,
    sha256_of,
    write,
)
from wheelhouse.findings import Finding, Severity
from wheelhouse.lock.lock import Lock
from wheelhouse.lock.other_files import FOLDER as OTHER_FILES
from wheelhouse.lock.wheelhouse import BUILD, Wheelhouse, sha256_of_text
from wheelhouse.stage.airflow.arguments import Choices
from wheelhouse.stage.destination import FOLDER, USUAL, Destination
from wheelhouse.stage.layouts import StageInputs, lay_out
from wheelhouse.stage.plan import MANIFEST, TOOLS, Plan
from wheelhouse.stage.sdists import with_sdists, without_missing_build_locks
from wheelhouse.verify.verify import Verdict, load_wheelhouse, verify
from wheelhouse.verify.verify_other_files import load_other_files

EXECUTABLE = 0o755
DEFAULTS = Choices()


@dataclass(frozen=True, slots=True)
class Staged:
    """What staging did, or would do: the plan, and what an earlier stage wrote that is no longer wanted."""

    plan: Plan
    removed: tuple[str, ...]


def plan_stage(
    folder: Path,
    layout: str,
    target: str | None,
    base_image: str | None,
    choices: Choices = DEFAULTS,
    *,
    sdists: bool = False,
    destination: Path = Path(FOLDER),
) -> Plan:
    """The plan for one target of a wheelhouse. `layout` is a layout's name, or `auto`.

    `destination` is the folder to stage, as the user typed it. With `sdists`, the image build builds the wheels of the
    wheelhouse again. Raises InputError if the options do not suit the target.
    """
    if sdists and choices.index:
        raise InputError(
            "--sdists and --index exclude each other: an index has no files to build", hint="leave one out"
        )
    inputs = _inputs(folder, target, _destination(destination), sdists=sdists)
    plan = lay_out(layout, replace(inputs, base_image=base_image, choices=choices))
    used = USUAL if plan.release else inputs.destination
    if plan.builds_an_image and used != _destination(destination):
        plan = replace(plan, copied_from=str(destination))
    return plan


def _inputs(folder: Path, target: str | None, destination: Destination, *, sdists: bool) -> StageInputs:
    """What a wheelhouse holds for one target. A name that no Dockerfile takes is replaced by the usual one."""
    wheelhouse = load_wheelhouse(folder)
    lock = _only_lock(wheelhouse, target)
    existing = {one.filename: one for one in existing_build_locks(folder / BUILD)}
    lock = without_missing_build_locks(with_sdists(lock) if sdists else lock, existing)
    is_mountable = destination.is_plain or lock.target.platform.system != "Linux"
    return StageInputs(
        lock=lock,
        constraints=(wheelhouse.constraints or {}).get(lock.target.name),
        tools=_lock_of_tools(folder, lock),
        build_locks=used_build_locks((pin for pin in lock.pins if not pin.artifact.is_wheel), existing),
        other_files=load_other_files(folder),
        sdists=sdists,
        destination=destination if is_mountable else USUAL,
    )


def _destination(path: Path) -> Destination:
    """The folder as an image build names it. A link is named by its target: a build context has nothing outside itself.

    Raises InputError for the root of the file system, which no build context can hold.
    """
    if path.is_symlink() or path.name in ("", ".."):
        path = path.resolve()
    if not path.name:
        hint = f"choose a folder with a name, such as --dest {FOLDER}"
        raise InputError(f"`{path}` is the root of the file system, and no image build can mount that", hint=hint)
    return Destination.of(str(path))


def _lock_of_tools(folder: Path, lock: Lock) -> Lock | None:
    """The lock of the same target in the house's `tools/`, where there is one."""
    if not (folder / TOOLS).is_dir():
        return None
    return next((one for one in load_wheelhouse(folder / TOOLS).locks if one.target == lock.target), None)


def _only_lock(house: Wheelhouse, target: str | None) -> Lock:
    locks = {lock.target.name: lock for lock in house.locks}
    if target is None and len(locks) == 1:
        return house.locks[0]
    if target not in locks:
        names = ", ".join(locks)
        what = f"the house has no target `{target}`" if target else f"the house has {len(locks)} targets"
        raise InputError(what, hint=f"choose one with --target: {names}")
    return locks[target]


def stage(
    house: Path, destination: Path, plan: Plan, waivers: Waivers = NO_WAIVERS, on_event: Listener = ignore
) -> Staged:
    """Verify the house, unless the build takes its files from an index, then make `destination` what the plan says.

    Raises IntegrityError where the house is not what its locks say, InputError for a file in the way that no earlier
    stage wrote.
    """
    must_lie_outside(destination, house)
    if plan.index is None:
        _must_verify(house, waivers, on_event)
    with folder_lock(destination):
        earlier = _earlier(destination)
        _free_to_write(destination, plan, earlier)
        for path, artifact in plan.files.items():
            final = rooted(destination, path)
            if earlier.get(path) != artifact.sha256 or not final.is_file():
                place(_source(house, path, artifact), final.parent, final.name, artifact.sha256)
        for path, text in plan.texts.items():
            write(destination, path, text)
            if path.endswith(".sh"):
                with os_errors_as_machine_error(destination):
                    rooted(destination, path).chmod(EXECUTABLE)
        removed = _remove(destination, earlier.keys() - plan.files.keys() - plan.texts.keys())
        write(destination, MANIFEST, manifest(plan))
    return Staged(plan, removed)


def _source(house: Path, path: str, artifact: Artifact) -> Path:
    """Where the house has a file that is staged at a path: there, or in `build/`."""
    same = house / Path(path).with_name(artifact.filename)
    return same if same.is_file() else house / BUILD / artifact.filename


def manifest(plan: Plan) -> str:
    """What was written, as JSON: release, route, target, each file with its sha256, and which lie under another name."""
    files = {path: artifact.sha256 for path, artifact in plan.files.items()}
    files |= {path: sha256_of_text(text) for path, text in plan.texts.items()}
    document = {
        "layout": plan.layout,
        "release": plan.release,
        "route": plan.route,
        "target": plan.target,
        "index": plan.index,
        "files": [{"path": path, "sha256": sha256} for path, sha256 in sorted(files.items())],
        "renamed": plan.renamed,
    }
    return json.dumps(document, indent=2) + "\n"


def verify_folder(folder: Path, waivers: Waivers = NO_WAIVERS, on_event: Listener = ignore) -> Verdict:
    """Verify a house, or a folder that `stage` wrote: there, what the manifest names belongs beside the lock's files."""
    if not (folder / MANIFEST).is_file():
        return verify(folder, waivers=waivers, on_event=on_event)
    earlier = _earlier(folder)
    if _index_of(folder):
        return _verify_settings(folder, earlier)
    renamed = renamed_in(folder)
    verdict = verify(folder, staged=frozenset(earlier), renamed=renamed, waivers=waivers, on_event=on_event)
    locked = {renamed.get(name, name): artifact.sha256 for name, artifact in verdict.house.artifacts.items()}
    altered = [
        *_altered(folder, {path: sha256 for path, sha256 in earlier.items() if path not in locked}),
        *(_not_staged(path) for path, sha256 in locked.items() if earlier.get(path) != sha256),
    ]
    foreign = _foreign(folder, (folder / TOOLS).glob("*"), earlier)
    return replace(verdict, findings=tuple(sorted({*verdict.findings, *altered, *foreign})))


def _verify_settings(folder: Path, earlier: Mapping[str, str]) -> Verdict:
    """A folder that an index takes the place of: it holds settings alone."""
    wrong = {*_altered(folder, earlier), *_foreign(folder, (*folder.glob("*"), *(folder / TOOLS).glob("*")), earlier)}
    total = sum(path.stat().st_size for name in earlier if (path := rooted(folder, name)).is_file())
    return Verdict(load_wheelhouse(folder), len(earlier), total, tuple(sorted(wrong)), {}, {})


def _altered(folder: Path, files: Mapping[str, str]) -> Iterator[Finding]:
    """Findings for what has not the sha256 that the manifest gives, by path."""
    return (_not_staged(path) for path, sha256 in files.items() if _standing(rooted(folder, path)) != sha256)


def _not_staged(path: str) -> Finding:
    return Finding(path, "altered", Severity.ERROR, "it is not what stage wrote", "stage again")


def _foreign(folder: Path, paths: Iterable[Path], earlier: Mapping[str, str]) -> Iterator[Finding]:
    """Findings for the archives among some paths that the manifest does not name."""
    names = (path.relative_to(folder).as_posix() for path in paths if is_globbed(path.name))
    return (
        Finding(name, "foreign", Severity.ERROR, "stage did not write it", "remove it")
        for name in names
        if name not in earlier
    )


def _index_of(destination: Path) -> str | None:
    """The index that a staged folder's build takes everything from; None where that is the folder itself."""
    with _manifest_of(destination) as document:
        return document.get("index")


def _standing(path: Path) -> str:
    """The sha256 of the file at a path; nothing where there is none, or a link to one."""
    return sha256_of(path) if path.is_file() and not path.is_symlink() else ""


def _must_verify(house: Path, waivers: Waivers, on_event: Listener) -> None:
    findings = verify(house, waivers=waivers, on_event=on_event).findings
    wrong = [finding for finding in findings if finding.severity >= Severity.ERROR]
    if wrong:
        more = f", and {len(wrong) - 1} more" if len(wrong) > 1 else ""
        raise IntegrityError(
            f"the house `{house}` is not what its locks say: {wrong[0].subject}: {wrong[0].sentence}{more}",
            hint=f"see all of it with `wheelhouse verify {house}`",
            details=tuple(f"{finding.subject}: {finding.sentence} ({finding.rule})" for finding in wrong),
        )


def _earlier(destination: Path) -> Mapping[str, str]:
    """Path → sha256 of what an earlier stage wrote there."""
    with _manifest_of(destination) as document:
        return {str(file["path"]): str(file["sha256"]) for file in document["files"]}


def archives_in(folder: Path) -> Mapping[str, str]:
    """Path → sha256 of every wheel, sdist and other file that stage brought into a folder."""
    others = f"{OTHER_FILES}/"
    return {
        path: sha256
        for path, sha256 in _earlier(folder).items()
        if path.endswith(ARCHIVE_SUFFIXES) or path.startswith(others)
    }


def renamed_in(destination: Path) -> Mapping[str, str]:
    """File name in the lock → path in the staged folder, for those that lie there under another name than their own."""
    with _manifest_of(destination) as document:
        return {str(name): str(path) for name, path in document["renamed"].items()}


@dataclass(frozen=True, slots=True)
class StagedAs:
    """What a folder was staged for: layout, and for Airflow its version and the route."""

    layout: str
    release: str | None
    route: str | None


def staged_as(folder: Path) -> StagedAs | None:
    """What a folder was staged for; None where no stage wrote it. Raises InputError for a manifest that cannot be read."""
    if not (folder / MANIFEST).is_file():
        return None
    with _manifest_of(folder) as document:
        return StagedAs(document["layout"], document["release"], document["route"])


@contextmanager
def _manifest_of(destination: Path) -> Iterator[Mapping[str, Any]]:
    """What an earlier stage said of itself; nothing where there was none. InputError for what cannot be read as that."""
    path = destination / MANIFEST
    try:
        yield parse_json(read_text(path, "the manifest")) if path.is_file() else {"files": []}
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise InputError(
            f"`{path}` is not what a stage writes: {error}", hint="restore it, or stage into another folder"
        ) from error


def _free_to_write(destination: Path, plan: Plan, earlier: Mapping[str, str]) -> None:
    wanted = {path: artifact.sha256 for path, artifact in plan.files.items()}
    wanted |= {path: sha256_of_text(text) for path, text in plan.texts.items()}
    in_the_way: list[str] = []
    for path in sorted({*wanted, *earlier}):
        final = rooted(destination, path)
        if (final.is_symlink() or final.exists()) and _standing(final) not in (wanted.get(path), earlier.get(path)):
            in_the_way.append(path)
    if in_the_way:
        raise InputError(
            f"`{destination / in_the_way[0]}` was not written by stage, or was changed since, and is left alone",
            hint="move it away, or stage into another folder with --dest",
            details=tuple(f"in the way: {path}" for path in in_the_way),
        )


def _remove(destination: Path, paths: set[str]) -> tuple[str, ...]:
    with os_errors_as_machine_error(destination):
        for path in paths:
            final = rooted(destination, path)
            final.unlink(missing_ok=True)
            if final.parent != destination and final.parent.is_dir() and not any(final.parent.iterdir()):
                final.parent.rmdir()
    return tuple(sorted(paths))
