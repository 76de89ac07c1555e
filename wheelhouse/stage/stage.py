"""Stage a verified wheelhouse for an image build: a pure plan says what goes where, and this module writes it."""

from collections.abc import Container, Iterable, Iterator, Mapping
from dataclasses import replace
from pathlib import Path

from wheelhouse import __version__
from wheelhouse.archive.artifact import Artifact
from wheelhouse.archive.waivers import NO_WAIVERS, Waivers
from wheelhouse.build.build_requirements import used_build_locks
from wheelhouse.build.build_wheelhouse import existing_build_locks
from wheelhouse.dockerfile.dockerfile_syntax import parse_dockerfile
from wheelhouse.dockerfile.network_needs import network_needs
from wheelhouse.errors import InputError, IntegrityError, WheelhouseError
from wheelhouse.events import Listener, ignore
from wheelhouse.fetch.fetch_base_images import configuration_of
from wheelhouse.files.disk import (
    folder_lock,
    kind_of,
    must_lie_outside,
    os_errors_as_machine_error,
    place,
    read_regular_text,
    read_text,
    rooted,
    sha256_of,
    write,
)
from wheelhouse.findings import Severity
from wheelhouse.lock.lock import Lock
from wheelhouse.lock.wheelhouse import BUILD, TOOLS, Wheelhouse, sha256_of_text
from wheelhouse.oci.image_lock import ImageLock
from wheelhouse.signing.sign import Signer, sign
from wheelhouse.stage.airflow.airflow_layout import airflow_in
from wheelhouse.stage.airflow.arguments import Choices
from wheelhouse.stage.destination import FOLDER, USUAL, Destination
from wheelhouse.stage.dockerfile_settling import settled, with_dockerfile
from wheelhouse.stage.layouts import StageInputs, lay_out
from wheelhouse.stage.manifest import manifest_text, parse_manifest
from wheelhouse.stage.plan import MANIFEST, SIGNATURE, Plan
from wheelhouse.stage.sdists import with_sdists, without_missing_build_locks
from wheelhouse.stage.staged_folder import PREDICATE
from wheelhouse.verify.verify import load_wheelhouse, verify
from wheelhouse.verify.verify_other_files import load_base_images, load_debian, load_other_files

EXECUTABLE = 0o755
DOCKERFILE = "Dockerfile"
DEFAULTS = Choices()


def plan_stage(
    folder: Path,
    layout: str,
    target: str | None,
    base_image: str | None,
    choices: Choices = DEFAULTS,
    *,
    sdists: bool = False,
    destination: Path = Path(FOLDER),
    dockerfile: Path | None = None,
    checkout: Path | None = None,
) -> Plan:
    """The plan for one target of a wheelhouse (None: the only one); nothing is written. `layout` is a name, or `auto`.

    `destination` is the folder to stage, as the user typed it. With `sdists`, the image build builds the wheels of the
    wheelhouse again. With `dockerfile`, the plan builds that one, from what the wheelhouse has for it. If that is Airflow's
    own, or without `dockerfile` if `Dockerfile` in the folder `checkout` is, the plan for Airflow follows it.

    Raises InputError if the options do not suit the target or each other, or if the wheelhouse or the named Dockerfile
    cannot be read; IntegrityError if the wheelhouse's base image has a malformed configuration.
    """
    if sdists and choices.index:
        raise InputError(
            "--sdists and --index exclude each other: with --index, the staged folder has no sdists to build",
            hint="leave one out",
        )
    inputs = _inputs(folder, target, _destination(destination), sdists=sdists)
    own_path = dockerfile or (checkout / DOCKERFILE if checkout else None)
    own = _own_dockerfile(own_path, inputs, is_named=dockerfile is not None) if own_path else None
    inputs = replace(inputs, base_image=base_image, choices=choices, own_dockerfile=own)
    plan = lay_out(layout, inputs)
    used = USUAL if plan.release else inputs.destination
    if plan.builds_an_image and used != _destination(destination):
        plan = replace(plan, copied_from=str(destination))
    if own_path and own and plan.release:
        return replace(plan, warnings=(*plan.warnings, *_checkout_warnings(own_path, inputs)))
    return _for_dockerfile(plan, dockerfile, folder, inputs) if dockerfile else plan


def _own_dockerfile(path: Path, inputs: StageInputs, *, is_named: bool) -> str | None:
    """The text of the Dockerfile at a path if it is Airflow's own, and `inputs` have an Airflow; else None, also if there is no file.

    Raises the error of the reading if it cannot be read, and the user named it.
    """
    if inputs.airflow is None or not path.is_file():
        return None
    try:
        text = read_text(path, "the Dockerfile")
    except WheelhouseError:
        if is_named:
            raise
        return None
    airflow = airflow_in(inputs.lock, text)
    return text if airflow and airflow.own else None


def _checkout_warnings(path: Path, inputs: StageInputs) -> Iterator[str]:
    """A sentence for each path that Airflow's Dockerfile copies from its checkout and that is not there; patterns are not checked."""
    airflow = inputs.airflow
    for copied in airflow.recipe.copies if airflow else ():
        if "*" not in copied and not (path.parent / copied.lstrip("/")).exists():
            yield f"`{path}` copies {copied}, which is not in the same folder: the build needs a checkout of Airflow's sources"


def _for_dockerfile(plan: Plan, path: Path, folder: Path, inputs: StageInputs) -> Plan:
    """The plan with a script that builds the user's Dockerfile where it is. It is read to see what it asks a network for;
    what the wheelhouse `folder` does not settle becomes warnings.

    Raises InputError for what cannot be read, IntegrityError if the configuration of the base image is malformed.
    """
    needs = network_needs(parse_dockerfile(read_text(path, "the Dockerfile"), f"`{path}`"))
    images, debian, user = ImageLock(), load_debian(folder), ""
    if inputs.image:
        images, user = ImageLock((inputs.image,)), configuration_of(inputs.image, folder).user
    settlements = settled(needs, images, debian)
    return with_dockerfile(plan, str(path), settlements, images, debian, inputs.lock.target, inputs.destination, user)


def _inputs(folder: Path, target: str | None, destination: Destination, *, sdists: bool) -> StageInputs:
    """What a wheelhouse holds for one target; the other options of the user are not in it yet. For a Linux target, a
    destination that no Dockerfile can name is replaced by the usual one. A pin whose build lock is not in `build/` names
    none.

    Raises as `load_wheelhouse`, `load_other_files` and `_only_lock` do, and with `sdists` as `with_sdists` does.
    """
    wheelhouse = load_wheelhouse(folder)
    lock = _only_lock(wheelhouse, target)
    existing = {one.filename: one for one in existing_build_locks(folder / BUILD)}
    lock = without_missing_build_locks(with_sdists(lock) if sdists else lock, existing)
    is_mountable = destination.is_plain or lock.target.platform.system != "Linux"
    return StageInputs(
        lock=lock,
        constraints=_constraints(wheelhouse, lock),
        tools=_lock_of_tools(folder, lock),
        build_locks=used_build_locks((pin for pin in lock.pins if not pin.artifact.is_wheel), existing),
        other_files=load_other_files(folder),
        debian=load_debian(folder),
        image=load_base_images(folder).for_machine(lock.target.platform.machine),
        sdists=sdists,
        destination=destination if is_mountable else USUAL,
    )


def _constraints(wheelhouse: Wheelhouse, lock: Lock) -> str | None:
    """The constraints that a lock was made under; None if it was made under none, or if the wheelhouse lacks them or has others."""
    text = (wheelhouse.constraints or {}).get(lock.name)
    return text if text is not None and sha256_of_text(text) == lock.inputs.constraints_sha256 else None


def _destination(path: Path) -> Destination:
    """The folder as an image build names it. A link is named by its target, because a build context has nothing outside itself.

    Raises InputError for the root of the file system, which no build context can hold.
    """
    if path.is_symlink() or path.name in ("", ".."):
        path = path.resolve()
    if not path.name:
        hint = f"choose a folder with a name, such as --dest {FOLDER}"
        raise InputError(f"`{path}` is the root of the file system, which no image build can mount", hint=hint)
    return Destination.of(str(path))


def _lock_of_tools(folder: Path, lock: Lock) -> Lock | None:
    """The lock of the same target in the wheelhouse's `tools/`; None if there is none. Raises InputError if `tools/` is a
    folder, but no wheelhouse.
    """
    if not (folder / TOOLS).is_dir():
        return None
    return next((one for one in load_wheelhouse(folder / TOOLS).locks if one.target == lock.target), None)


def _only_lock(wheelhouse: Wheelhouse, target: str | None) -> Lock:
    """The lock of the named target, or the only one. Raises InputError, listing the targets, for every other case."""
    locks = {lock.target.name: lock for lock in wheelhouse.locks}
    if target is None and len(locks) == 1:
        return wheelhouse.locks[0]
    if target not in locks:
        sentence = f"the wheelhouse has no target `{target}`" if target else f"the wheelhouse has {len(locks)} targets"
        raise InputError(sentence, hint=f"choose one with --target: {', '.join(locks)}")
    return locks[target]


def stage(
    wheelhouse: Path,
    destination: Path,
    plan: Plan,
    waivers: Waivers = NO_WAIVERS,
    key: Signer | None = None,
    on_event: Listener = ignore,
) -> tuple[str, ...]:
    """Write the plan to `destination`, its scripts executable, and return the sorted paths of an earlier stage that were
    removed. Other files stay.

    The wheelhouse is verified first, unless the build takes its files from an index. Files that an earlier stage wrote are not copied
    again. With a key, the manifest is signed. Raises IntegrityError if the wheelhouse is not what its locks say,
    InputError if `destination` lies in it, has a manifest that `stage` never writes, or has something in the way that no
    earlier stage wrote, or that was changed since. A removed path may have been gone already; an old signature is removed,
    but not returned.
    """
    must_lie_outside(destination, wheelhouse)
    if plan.index is None:
        _must_verify(wheelhouse, waivers, on_event)
    with folder_lock(destination):
        earlier = _earlier_files(destination)
        _must_not_replace_others(destination, plan, earlier)
        for path, artifact in plan.files.items():
            final = rooted(destination, path)
            if earlier.get(path) != artifact.sha256 or not final.is_file():
                place(_source(wheelhouse, path, artifact), final.parent, final.name, artifact.sha256)
        for path, text in plan.texts.items():
            write(destination, path, text)
            if path.endswith(".sh"):
                with os_errors_as_machine_error(destination):
                    rooted(destination, path).chmod(EXECUTABLE)
        removed = _remove(destination, earlier.keys() - plan.files.keys() - plan.texts.keys() - {SIGNATURE})
        _write_manifest(destination, plan, key, was_signed=SIGNATURE in earlier)
    return removed


def _write_manifest(destination: Path, plan: Plan, key: Signer | None, *, was_signed: bool) -> None:
    """Write the manifest, and its signature if there is a key. An earlier signature goes first: it is of another manifest."""
    text = manifest_text(plan, __version__, signed=key is not None)
    if was_signed:
        _remove(destination, {SIGNATURE})
    write(destination, MANIFEST, text)
    if key:
        write(destination, SIGNATURE, sign(text.encode(), MANIFEST, PREDICATE, key))


def _source(wheelhouse: Path, path: str, artifact: Artifact) -> Path:
    """The path in the wheelhouse of the file that is staged at a path: the same path under its own name, else in `build/`."""
    same = wheelhouse / Path(path).with_name(artifact.filename)
    return same if same.is_file() else wheelhouse / BUILD / artifact.filename


def _must_verify(folder: Path, waivers: Waivers, on_event: Listener) -> None:
    """Verify a wheelhouse. Raises IntegrityError if a finding is an error, and as `verify` does; warnings are ignored."""
    findings = verify(folder, waivers=waivers, on_event=on_event).findings
    errors = tuple(finding for finding in findings if finding.severity >= Severity.ERROR)
    if errors:
        raise IntegrityError(
            f"the wheelhouse `{folder}` differs from its lock files: `{errors[0].subject}`",
            hint=f"see every problem: `wheelhouse verify {folder}`",
            findings=errors,
        )


def _earlier_files(destination: Path) -> Mapping[str, str]:
    """Path → sha256 of what an earlier stage says that it wrote in a folder (empty for its signature); empty without a
    manifest.

    Raises InputError for a manifest that `stage` never writes.
    """
    path = destination / MANIFEST
    if kind_of(path) is None:
        return {}
    record = parse_manifest(read_regular_text(path, "the manifest"), str(path))
    return {**record.files, **({SIGNATURE: ""} if record.signed else {})}


def _sha256_of_own_file(path: Path) -> str:
    """The sha256 of the regular file at a path; empty for anything else, also for a link."""
    return sha256_of(path) if kind_of(path) == "file" else ""


def _must_not_replace_others(destination: Path, plan: Plan, earlier: Mapping[str, str]) -> None:
    """Raise InputError if something is in the way: a file that neither an earlier stage wrote so nor this one would, a link,
    a folder. A signature is in the way only if the earlier stage signed nothing.

    Raises IntegrityError for a path that leads out of the folder.
    """
    planned = {path: artifact.sha256 for path, artifact in plan.files.items()}
    planned |= {path: sha256_of_text(text) for path, text in plan.texts.items()}
    paths = sorted({*planned, *earlier} - {SIGNATURE})
    in_the_way = [path for path in paths if _is_in_the_way(destination, path, (planned.get(path), earlier.get(path)))]
    if SIGNATURE not in earlier and kind_of(destination / SIGNATURE):
        in_the_way.append(SIGNATURE)
    if in_the_way:
        raise InputError(
            f"`{destination / in_the_way[0]}` was not written by `wheelhouse stage`, or was changed since, so it is not replaced",
            hint="move it away, or stage into another folder with --dest",
            details=tuple(f"in the way: {path}" for path in in_the_way),
        )


def _is_in_the_way(destination: Path, path: str, hashes: Container[str | None]) -> bool:
    """Whether something is at a path that has none of these sha256, or whether a link is on the way to it."""
    final = rooted(destination, path)
    inside = [parent for parent in final.parents if parent.is_relative_to(destination) and parent != destination]
    if any(kind_of(parent) == "link" for parent in inside):
        return True
    return kind_of(final) is not None and _sha256_of_own_file(final) not in hashes


def _remove(destination: Path, paths: Iterable[str]) -> tuple[str, ...]:
    """Remove files, and the folders that are empty then. Returns the sorted paths, also of files that were not there."""
    removed = tuple(sorted(paths))
    with os_errors_as_machine_error(destination):
        for path in removed:
            final = rooted(destination, path)
            final.unlink(missing_ok=True)
            for parent in final.parents:
                if parent == destination or not parent.is_dir() or any(parent.iterdir()):
                    break
                parent.rmdir()
    return removed
