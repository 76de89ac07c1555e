"""Verify a staged folder: lay it out again from its locks and the recorded options, and compare byte for byte."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import chain
from pathlib import Path

from wheelhouse import __version__
from wheelhouse.archive.artifact import Artifact
from wheelhouse.archive.filenames import ARCHIVE_SUFFIXES
from wheelhouse.archive.waivers import NO_WAIVERS, Waivers
from wheelhouse.build.build_requirements import used_build_locks
from wheelhouse.debian.debian_lock import FOLDER as DEBIAN
from wheelhouse.errors import InputError, IntegrityError
from wheelhouse.events import Listener, ignore
from wheelhouse.files.disk import MAX_TEXT_BYTES, has_locked_bytes, kind_of, read_regular, read_regular_text, verbatim
from wheelhouse.findings import Finding, Severity
from wheelhouse.lock.lock import Lock
from wheelhouse.lock.other_files import FOLDER as OTHER_FILES
from wheelhouse.lock.wheelhouse import TOOLS, Wheelhouse, sha256_of_text
from wheelhouse.oci.image_lock import FOLDER as IMAGE
from wheelhouse.signing.sign import PublicKey, verify_signature
from wheelhouse.stage.airflow.arguments import Choices, constraints_name
from wheelhouse.stage.layouts import StageInputs, lay_out
from wheelhouse.stage.manifest import StageRecord, manifest_text, not_staged, parse_manifest
from wheelhouse.stage.plan import MANIFEST, OWN_DOCKERFILE, SIGNATURE, Plan
from wheelhouse.verify.folder_contents import foreign_findings, text_findings, unexpected_paths
from wheelhouse.verify.lock_findings import lock_findings
from wheelhouse.verify.locked_files import absent_finding, error_finding, inspect_artifact, open_locked_files
from wheelhouse.verify.unusable_constraints import unusable_constraints
from wheelhouse.verify.verify import Verdict, locks_in, verify
from wheelhouse.verify.verify_other_files import load_base_images, load_debian, load_other_files

PREDICATE = "stage"
AGAIN = "stage again"
UNREAD = ("README.md", ".gitignore")
"""Files that may lie at the top of a staged folder: no build reads them."""


@dataclass(frozen=True, slots=True)
class StagedFolder:
    """A staged folder as its locks and the recorded options make it: `inputs` are what the plan was laid out from."""

    folder: Path
    plan: Plan
    record: StageRecord
    inputs: StageInputs

    @property
    def artifacts(self) -> dict[str, Artifact]:
        """Path → file of everything that the folder brings into an image; with an index, also file name → each file of the lock."""
        from_index = self.inputs.lock.artifacts if self.plan.index else ()
        return {artifact.filename: artifact for artifact in from_index} | dict(self.plan.files)

    @property
    def locked(self) -> Wheelhouse:
        """The wheelhouse at the top of the folder. It has no lock if the build takes the files from an index."""
        return Wheelhouse((self.inputs.lock,) if self.plan.index is None else ())

    @property
    def tools(self) -> Wheelhouse:
        """The wheelhouse in `tools/`: the locks of the build's tools and of build requirements that the plan stages; it can be empty."""
        locks = (*([self.inputs.tools] if self.inputs.tools else []), *self.inputs.build_locks.values())
        is_staged = self.plan.index is None
        return Wheelhouse(tuple(lock for lock in locks if is_staged and f"{TOOLS}/{lock.filename}" in self.plan.texts))


def verify_folder(
    folder: Path, waivers: Waivers = NO_WAIVERS, on_event: Listener = ignore
) -> tuple[Verdict, StagedFolder | None]:
    """Verify a wheelhouse (then the second value is None), or a staged folder, which is returned too.

    Raises InputError if the folder is neither, or as `read_staged` does; IntegrityError as `verify` does.
    """
    staged = read_staged(folder)
    if staged is None:
        return verify(folder, waivers=waivers, on_event=on_event), None
    return _verify(staged, waivers, on_event), staged


def read_staged(folder: Path) -> StagedFolder | None:
    """A staged folder, with the plan that its locks and options give; None if it has no manifest. No file is verified.

    Raises InputError for a manifest or lock that `stage` never writes, IntegrityError as `locks_in` does.
    """
    path = folder / MANIFEST
    if kind_of(path) is None:
        return None
    locks = locks_in(folder)
    record = parse_manifest(read_regular_text(path, "the manifest"), str(path))
    if len(locks) != 1:
        raise InputError(f"`{folder}` has {len(locks)} lock files, but a staged folder has exactly one", hint=AGAIN)
    try:
        inputs = _inputs(folder, locks[0], record)
        return StagedFolder(folder, lay_out(record.layout, inputs), record, inputs)
    except InputError as error:
        raise not_staged(str(path), error) from error


def check_signature(staged: StagedFolder, keys: tuple[PublicKey, ...]) -> str:
    """The id of the key that signed a staged folder's manifest. Raises IntegrityError if it is unsigned, or none of the keys fits."""
    path = staged.folder / SIGNATURE
    if not staged.record.signed or kind_of(path) != "file":
        raise IntegrityError(f"--key was given, but `{staged.folder}` is not signed")
    signature, raw = (read_regular(staged.folder / name, MAX_TEXT_BYTES, "the file") for name in (SIGNATURE, MANIFEST))
    return verify_signature(signature, raw, MANIFEST, PREDICATE, keys)


def _inputs(folder: Path, lock: Lock, record: StageRecord) -> StageInputs:
    """What the staged folder was laid out from, read from its locks, its manifest and its other files.

    Raises InputError for a lock, folder name or option that `stage` never writes.
    """
    tool_locks = locks_in(folder / TOOLS) if kind_of(folder / TOOLS) == "folder" else ()
    tools = next((one for one in tool_locks if one.filename == lock.filename), None)
    labelled = {one.filename: one for one in tool_locks if one.label}
    sdists = (pin for pin in lock.pins if not pin.artifact.is_wheel)
    return StageInputs(
        lock=lock,
        constraints=_constraints(folder, lock, record),
        tools=tools,
        build_locks=used_build_locks(sdists, labelled),
        other_files=load_other_files(folder),
        debian=load_debian(folder),
        image=load_base_images(folder).for_machine(lock.target.platform.machine),
        base_image=record.options.base_image,
        sdists=record.options.sdists,
        destination=record.destination,
        choices=Choices.parse(record.choices),
        own_dockerfile=_own_dockerfile(folder, record),
    )


def _own_dockerfile(folder: Path, record: StageRecord) -> str | None:
    """The text of the copy of Airflow's own Dockerfile in a staged folder; None if it has none, or another layout than
    `airflow`.
    """
    is_there = record.layout == "airflow" and kind_of(folder / OWN_DOCKERFILE) == "file"
    return verbatim(folder / OWN_DOCKERFILE) if is_there else None


def _constraints_name(lock: Lock, record: StageRecord) -> str:
    """The path, in the staged folder, of the constraints that a lock was made under."""
    return constraints_name(lock) if record.layout == "airflow" else lock.constraints_filename


def _constraints(folder: Path, lock: Lock, record: StageRecord) -> str | None:
    """The text of a lock's constraints file; None if there is none. An altered one is returned, but not if the build uses an index.

    A folder for an index can lack them: it can be staged from the locks alone.
    """
    path, expected = folder / _constraints_name(lock, record), lock.inputs.constraints_sha256
    if expected is None or kind_of(path) != "file":
        return None
    text = verbatim(path)
    return text if record.index is None or sha256_of_text(text) == expected else None


def _verify(staged: StagedFolder, waivers: Waivers, on_event: Listener) -> Verdict:
    """The verdict on a staged folder: every file is hashed, every distribution also opened, every text compared, and everything else
    named.
    """
    folder, plan = staged.folder, staged.plan
    opened = open_locked_files(
        folder, staged.locked, inspect_artifact, waivers, on_event, case="staged-file", places=plan.renamed
    )
    findings = chain(
        opened.findings,
        lock_findings(staged.locked, opened.contents),
        _tool_findings(staged, waivers, on_event),
        _other_file_findings(folder, staged.inputs),
        _carried_findings(folder, plan),
        _constraints_findings(staged),
        _layout_findings(staged),
    )
    total = sum(artifact.size for artifact in plan.files.values())
    wheelhouse = Wheelhouse((staged.inputs.lock,))
    return Verdict(wheelhouse, len(plan.files), total, tuple(sorted(set(findings))), opened.contents, {})


def _tool_findings(staged: StagedFolder, waivers: Waivers, on_event: Listener) -> Iterator[Finding]:
    """Findings for the files in `tools/`, with their path in the folder."""
    opened = open_locked_files(
        staged.folder / TOOLS, staged.tools, inspect_artifact, waivers, on_event, case="staged-file"
    )
    for finding in (*opened.findings, *lock_findings(staged.tools, opened.contents)):
        yield replace(finding, subject=f"{TOOLS}/{finding.subject}")


def _other_file_findings(folder: Path, inputs: StageInputs) -> Iterator[Finding]:
    """Findings for the wheelhouse's other files that are missing or altered."""
    for file in inputs.other_files.files:
        name = f"{OTHER_FILES}/{file.name}"
        if absent := absent_finding(folder / name, name, "staged-file"):
            yield absent
        elif not has_locked_bytes(folder / OTHER_FILES, file.artifacts[0]):
            yield error_finding(name, "altered", case="staged-bytes")


def _carried_findings(folder: Path, plan: Plan) -> Iterator[Finding]:
    """Findings for the files of the base image and the Debian packages that are missing or altered."""
    for path, artifact in plan.files.items():
        if path.partition("/")[0] not in (IMAGE, DEBIAN):
            continue
        if absent := absent_finding(folder / path, path, "staged-file"):
            yield absent
        elif not has_locked_bytes((folder / path).parent, artifact):
            yield error_finding(path, "altered", case="staged-bytes")


def _constraints_findings(staged: StagedFolder) -> Iterator[Finding]:
    """Findings for constraints that are missing or are not those of the lock (not with an index), or that lead an install elsewhere."""
    expected, text = staged.inputs.lock.inputs.constraints_sha256, staged.inputs.constraints
    name = _constraints_name(staged.inputs.lock, staged.record)
    if text is not None:
        yield from unusable_constraints(staged.inputs.lock, text, name)
    if expected is None or staged.plan.index is not None:
        return
    if text is None:
        yield error_finding(name, "missing", case="staged", kind="")
    elif sha256_of_text(text) != expected:
        yield error_finding(name, "altered", case="staged-constraints")


def _layout_findings(staged: StagedFolder) -> Iterator[Finding]:
    """Findings for texts that differ, for a missing signature, for files that stage did not write, and for a folder of
    another version of wheelhouse.

    If another version wrote the folder, one finding names the texts that differ and the files, other than archives, that its
    manifest lists and this version does not write. README.md and .gitignore at the top get only a note.
    """
    folder, record = staged.folder, staged.record
    texts = {**staged.plan.texts, MANIFEST: manifest_text(staged.plan, record.version, signed=record.signed)}
    differing = tuple(text_findings(folder, texts, "staged"))
    expected = {*staged.plan.files, *texts, *([SIGNATURE] if record.signed else [])}
    foreign = [path for path in unexpected_paths(folder, expected) if not _is_unread(folder, path)]
    if record.signed and (absent := absent_finding(folder / SIGNATURE, SIGNATURE, "signature")):
        yield absent
    if record.version == __version__:
        yield from differing
    else:
        unknown = [path for path in foreign if path in record.files and not path.endswith(ARCHIVE_SUFFIXES)]
        yield _version_finding(record.version, sorted({*(finding.subject for finding in differing), *unknown}))
        foreign = [path for path in foreign if path not in unknown]
    yield from foreign_findings(folder, foreign, (staged.inputs.lock,), staged=True)
    yield from (_unread_finding(name) for name in UNREAD if _is_unread(folder, name))


def _is_unread(folder: Path, path: str) -> bool:
    """Whether a path is README.md or .gitignore at the top, and a regular file: no build reads these."""
    return path in UNREAD and kind_of(folder / path) == "file"


def _unread_finding(name: str) -> Finding:
    """A note on a file that nothing in an image build reads."""
    return Finding.of(name, "foreign", Severity.NOTE, case="unread")


def _version_finding(version: str, differing: Sequence[str]) -> Finding:
    """The finding that another version of wheelhouse wrote the folder: an error if this one lays it out differently, else a warning."""
    case = f"{'differs' if differing else 'same'}{'' if version else '-older'}"
    severity = Severity.ERROR if differing else Severity.WARNING
    facts = {"version": version, "own_version": __version__}
    return Finding.of(MANIFEST, "other-version", severity, case=case, paths=tuple(differing), **facts)
