"""The facts of what `verify` finds: approvals sign them, and sentences are written from them."""

import hashlib
import os
import shutil
from collections.abc import Iterator
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from packaging.utils import canonicalize_name
from packaging.version import Version

from tests.support.made_wheelhouses import wheelhouse_of
from tests.support.wheels import build_wheel
from wheelhouse.archive.artifact import Artifact
from wheelhouse.archive.metadata import InspectedFile, Metadata
from wheelhouse.archive.waivers import Waivers
from wheelhouse.archive.wheelfile import inspect
from wheelhouse.errors import InputError, IntegrityError, RefusedError
from wheelhouse.events import Event, Finished
from wheelhouse.findings import Finding, Severity, Waiver
from wheelhouse.index.locations import IndexLocation
from wheelhouse.index.provenance import Provenance
from wheelhouse.lock.lock import Built, Inputs, Lock, Pin
from wheelhouse.lock.other_files import OtherFile, OtherFiles
from wheelhouse.lock.wheelhouse import Wheelhouse, sha256_of_text
from wheelhouse.oci.image_lock import BaseImage, Blob, ImageLock
from wheelhouse.report.sentences import sentence_of
from wheelhouse.target.target import Platform, Python, Target
from wheelhouse.verify import locked_files
from wheelhouse.verify.closure import closure
from wheelhouse.verify.folder_contents import foreign_findings, text_findings, unexpected_paths
from wheelhouse.verify.inner_folders import list_inner_folders
from wheelhouse.verify.lock_findings import lock_findings
from wheelhouse.verify.locked_files import absent_finding, inspect_artifact, open_locked_files, refusal
from wheelhouse.verify.unlocked_files import unlocked_file
from wheelhouse.verify.unusable_constraints import unusable_constraints
from wheelhouse.verify.verify import (
    attestation_findings,
    constraints_findings,
    foreign_in,
    load_wheelhouse,
    sub_wheelhouses,
    verify,
)
from wheelhouse.verify.verify_other_files import load_base_images, load_other_files

TARGET = Target.of(Python.parse("3.12.4"), Platform.parse("linux/amd64"))
APP, LIB = "app-1.0-py3-none-any.whl", "lib-1.0-py3-none-any.whl"
ERROR, WARNING, NOTE = Severity.ERROR, Severity.WARNING, Severity.NOTE


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A wheelhouse of `app`, which requires `lib`. Not to be changed."""
    folder = tmp_path_factory.mktemp("made") / "wheels"
    folder.mkdir()
    build_wheel(folder, "app", "1.0", requires=["lib>=1"])
    build_wheel(folder, "lib", "1.0")
    return wheelhouse_of(folder, "app")


@pytest.fixture
def folder(made: Path, tmp_path: Path) -> Path:
    """A copy to change."""
    return Path(shutil.copytree(made, tmp_path / "wheels"))


def pin(filename: str, **more: Any) -> Pin:
    project, version = filename.removesuffix(".tar.gz").split("-")[:2]
    return Pin(canonicalize_name(project), Version(version), Artifact(filename, "0" * 64, 1), **more)


def found(findings: Iterator[Finding]) -> list[tuple[str, str, Severity, dict[str, Any]]]:
    return [(finding.subject, finding.rule, finding.severity, finding.values) for finding in findings]


# Files


def opened(folder: Path, **more: Any) -> dict[tuple[str, str], Finding]:
    findings = verify(folder, **more).findings
    return {(finding.subject, finding.rule): finding for finding in findings}


def test_an_altered_file_is_told_by_hash_size_and_release(folder: Path) -> None:
    raw = (folder / LIB).read_bytes()
    locked = {"locked_sha256": hashlib.sha256(raw).hexdigest(), "locked_size": len(raw)}
    other = build_wheel(folder.parent, "lib", "2.0").read_bytes()
    for text, case, stated in (
        (raw[:-1] + bytes([raw[-1] ^ 1]), "locked", ""),
        (b"PK", "size", ""),
        (build_wheel(folder.parent, "lib", "1.0", metadata=b"Name: lib\n").read_bytes(), "size", ""),
        (other, "release", "lib 2.0"),
    ):
        (folder / LIB).write_bytes(text)
        ((_, finding),) = opened(folder).items()
        facts = {"case": case, "sha256": hashlib.sha256(text).hexdigest(), "size": len(text), "stated": stated}
        assert (finding.rule, finding.severity, finding.values) == ("altered", ERROR, facts | locked)


@pytest.mark.parametrize(("more", "case"), [(10, "size"), (11, "far-longer")])
def test_a_far_longer_file_is_not_hashed(folder: Path, monkeypatch: pytest.MonkeyPatch, more: int, case: str) -> None:
    monkeypatch.setattr(locked_files, "MAX_SURPLUS_BYTES", 10)
    raw = (folder / LIB).read_bytes()
    (folder / LIB).write_bytes(raw + b"x" * more)
    finding = opened(folder)[LIB, "altered"]
    assert finding.values["case"] == case and finding.values["size"] == len(raw) + more
    assert (finding.values["locked_size"], finding.values["locked_sha256"]) == (
        len(raw),
        hashlib.sha256(raw).hexdigest(),
    )
    assert ("sha256" in finding.values) == (case == "size")


def test_a_file_whose_size_no_lock_gives_is_hashed(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(locked_files, "MAX_SURPLUS_BYTES", 10)
    (lock,) = load_wheelhouse(folder).locks
    pins = tuple(replace(one, artifact=replace(one.artifact, size=0)) for one in lock.pins)
    unsized = Wheelhouse((replace(lock, pins=pins),))
    result = open_locked_files(folder, unsized, inspect_artifact, Waivers(), lambda _: None, case="file")
    assert result.findings == () and set(result.contents) == {APP, LIB}


def test_each_file_that_was_hashed_is_reported(folder: Path) -> None:
    events: list[Event] = []
    (folder / LIB).write_bytes(b"PK")
    verify(folder, on_event=events.append)
    assert sorted(events, key=str) == [Finished(APP), Finished(LIB)]


def test_a_missing_file_is_told_by_what_lies_there_and_who_requires_it(folder: Path) -> None:
    (folder / LIB).unlink()
    context = {"by": APP, "requirement": "lib>=1", "more_requests": 0}
    for make, rule, kind in (
        (lambda path: None, "missing", ""),
        (lambda path: path.mkdir(), "missing", "folder"),
        (lambda path: path.symlink_to(APP), "link", "link"),
    ):
        make(folder / LIB)
        finding = opened(folder)[LIB, rule]
        assert (finding.severity, finding.values) == (ERROR, {"case": "file", "kind": kind} | context)
        if kind:
            (folder / LIB).rmdir() if kind == "folder" else (folder / LIB).unlink()


def test_a_file_is_not_absent(tmp_path: Path) -> None:
    (tmp_path / "x").touch()
    assert absent_finding(tmp_path / "x", "x", "staged") is None
    gone = absent_finding(tmp_path / "y", "y", "staged")
    assert gone and gone.values == {"case": "staged", "kind": ""}


@pytest.mark.parametrize(
    ("error", "rule", "context"),
    [
        (IntegrityError("broken"), "archive", {"message": "broken", "error_hint": ""}),
        (IntegrityError("broken", hint="mend it"), "archive", {"message": "broken", "error_hint": "mend it"}),
        (RefusedError("zip-overlap", "odd", hint="ask"), "zip-overlap", {"message": "odd", "error_hint": "ask"}),
    ],
)
def test_a_refused_archive_has_the_error_as_context(error: IntegrityError, rule: str, context: dict[str, str]) -> None:
    finding = refusal("x.whl", error)
    assert (finding.subject, finding.rule, finding.severity) == ("x.whl", rule, ERROR)
    assert finding.facts == (("case", "refused"),) and dict(finding.context) == context


OBSERVED = Finding.of(LIB, "record-hash", ERROR, path="lib/__init__.py")


def reading(path: Path, artifact: Artifact) -> InspectedFile:
    """`lib` has a finding."""
    contents = inspect(path, artifact.filename)
    return replace(contents, findings=(OBSERVED,)) if artifact.filename == LIB else contents


@pytest.mark.parametrize(("rule", "severity"), [("record-hash", NOTE), ("altered", ERROR)])
def test_a_waiver_makes_a_note_of_what_an_opened_file_has(folder: Path, rule: str, severity: Severity) -> None:
    waivers = Waivers((Waiver(rule, "looked at", "ada", date(2030, 1, 1), canonicalize_name("lib")),))
    finding = opened(folder, read=reading, waivers=waivers)[LIB, "record-hash"]
    sha256 = hashlib.sha256((folder / LIB).read_bytes()).hexdigest()
    assert finding.severity == severity and finding.facts == OBSERVED.facts
    assert dict(finding.context) == {"waive_project": "lib", "waive_sha256": sha256}


def test_a_file_that_was_not_opened_cannot_be_waived(folder: Path) -> None:
    (folder / LIB).write_bytes(b"PK")
    waivers = Waivers((Waiver("altered", "looked at", "ada", date(2030, 1, 1), canonicalize_name("lib")),))
    finding = opened(folder, waivers=waivers)[LIB, "altered"]
    assert finding.severity == ERROR and finding.context == ()


def test_an_altered_text_and_an_altered_other_file_are_told_apart(folder: Path) -> None:
    (folder / "SHA256SUMS").write_text("x")
    assert opened(folder)["SHA256SUMS", "altered"].values == {"case": "derived"}
    (folder / "files").mkdir()
    file = OtherFile("driver.jar", "https://files.example/driver.jar", sha256_of_text("jar"), 3)
    for name, text in OtherFiles((file,)).texts.items():
        (folder / "files" / name).write_text(text)
    (folder / "files" / "driver.jar").write_bytes(b"jaR")
    build_wheel(folder / "files", "odd", "1.0")
    found_there = opened(folder)
    assert found_there["files/driver.jar", "altered"].values == {"case": "bytes"}
    assert found_there["files/odd-1.0-py3-none-any.whl", "foreign"].values["case"] == "unneeded-wheelhouse"


def test_a_wheelhouse_without_other_files_has_none(folder: Path) -> None:
    assert (load_other_files(folder), load_base_images(folder)) == (OtherFiles(), ImageLock())


def test_base_images_are_read_from_the_lock_in_their_folder(folder: Path) -> None:
    blob = Blob("1" * 64, 5, "application/vnd.oci.image.manifest.v1+json")
    images = ImageLock((BaseImage("python:3.12", "https://registry.example", "amd64", blob, blob, ()),))
    (folder / "image").mkdir()
    (folder / "image" / "image.lock.toml").write_text(images.to_toml())
    assert load_base_images(folder) == images


def test_a_file_of_another_name_is_found_by_its_place(folder: Path) -> None:
    (folder / LIB).rename(folder / "moved.whl")
    (lock,) = load_wheelhouse(folder).locks
    places = {LIB: "moved.whl"}
    result = open_locked_files(
        folder, Wheelhouse((lock,)), inspect_artifact, Waivers(), lambda _: None, case="staged-file", places=places
    )
    assert result.findings == () and set(result.contents) == {APP, LIB}
    (folder / "moved.whl").unlink()
    (finding,) = open_locked_files(
        folder, Wheelhouse((lock,)), inspect_artifact, Waivers(), lambda _: None, case="staged-file", places=places
    ).findings
    assert (finding.subject, finding.values["case"]) == (LIB, "staged-file")


# Texts, and what else lies there


def test_texts_are_compared_byte_for_byte(tmp_path: Path) -> None:
    (tmp_path / "same").write_bytes(b"\xc3\xa4\n")
    (tmp_path / "other").write_bytes(b"\xe4\n")
    texts = {"same": "ä\n", "other": "ä\n", "gone": ""}
    assert found(text_findings(tmp_path, texts, "staged")) == [
        ("other", "altered", ERROR, {"case": "staged"}),
        ("gone", "missing", ERROR, {"case": "staged", "kind": ""}),
    ]


def test_unexpected_paths_name_a_folder_alone(tmp_path: Path) -> None:
    for name in ("a/in/kept", "a/in/odd", "a/new/x", "b/kept", "top", "odd"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).touch()
    (tmp_path / "link").symlink_to("a")
    (tmp_path / "c").symlink_to("b")
    (tmp_path / "empty").mkdir()
    expected = {"a/in/kept", "b/kept", "top", "c/kept"}
    assert sorted(unexpected_paths(tmp_path, expected)) == ["a/in/odd", "a/new", "c", "empty", "link", "odd"]


@pytest.mark.parametrize(("staged", "case", "place"), [(True, "staged", "staged"), (False, "other", "wheelhouse")])
def test_what_a_foreign_path_is(tmp_path: Path, staged: bool, case: str, place: str) -> None:
    temp, odd = ".wheelhouse-0123456789abcdef.tmp", "x-1.0-py3-none-any.whl"
    (tmp_path / "sub").mkdir()
    for name in (temp, f"sub/{temp}", "x.txt"):
        (tmp_path / name).touch()
    names = [temp, f"sub/{temp}", "x.txt", odd, f"sub/{odd}"]
    unneeded = {"case": f"unneeded-{place}", "project": "x", "version": "1.0"}
    assert found(foreign_findings(tmp_path, names, (), staged=staged)) == [
        (temp, "left-aside", WARNING, {"case": "wheelhouse"}),
        (f"sub/{temp}", "left-aside", WARNING, {"case": "wheelhouse"}),
        ("x.txt", "foreign", ERROR, {"case": case}),
        (odd, "foreign", ERROR, unneeded),
        (f"sub/{odd}", "foreign", ERROR, {"case": case}),
    ]


def test_what_a_run_must_not_replace(tmp_path: Path) -> None:
    for name in ("tools", "build", "files", "sub"):
        (tmp_path / name).mkdir()
    for name in ("mine.txt", "kept.whl", ".wheelhouse-0123456789abcdef.tmp", "self"):
        (tmp_path / name).touch()
    assert foreign_in(tmp_path, {"kept.whl"}) == ("mine.txt", "self", "sub")


def test_a_folder_is_a_sub_wheelhouse_if_it_holds_a_lock(tmp_path: Path) -> None:
    for name, file in (("tools", "pylock.x.toml"), ("build", "pylock.toml"), ("other", "pylock.x.toml")):
        (tmp_path / name).mkdir()
        (tmp_path / name / file).touch()
    (tmp_path / "self").symlink_to("tools")
    assert sub_wheelhouses(tmp_path) == ("tools",)


@pytest.mark.parametrize("place", [".", "tools", "build", "self", "files"])
def test_a_fifo_is_refused_before_anything_is_read(folder: Path, place: str) -> None:
    (folder / place).mkdir(exist_ok=True)
    os.mkfifo(folder / place / "pylock.endless.toml")
    with pytest.raises(InputError, match="is a FIFO"):
        load_wheelhouse(folder)


# Locks


def inspected(metadata: Metadata) -> InspectedFile:
    return InspectedFile(b"", metadata)


def metadata_of(one: Pin, **more: Any) -> Metadata:
    return Metadata(one.project, one.version, **more)


def findings_of(one: Pin, metadata: Metadata | None) -> list[tuple[str, str, Severity, dict[str, Any]]]:
    lock = Lock(TARGET, Inputs((str(one.project),)), (one,))
    contents = {one.artifact.filename: inspected(metadata)} if metadata else {}
    return found(lock_findings(Wheelhouse((lock,)), contents))


def test_what_a_file_says_of_itself_is_compared_with_the_lock() -> None:
    lib = pin(LIB)
    assert findings_of(lib, metadata_of(lib)) == findings_of(lib, None) == []
    other = Metadata(canonicalize_name("other"), Version("2.0"))
    assert findings_of(lib, other)[0] == (
        *(LIB, "swapped", ERROR),
        {"case": "locked", "stated": "other 2.0", "locked": "lib 1.0"},
    )
    assert findings_of(lib, metadata_of(lib, requires_python=">=3.13")) == [
        (LIB, "requires-python", ERROR, {"required": ">=3.13", "target": TARGET.name, "python": "3.12.4"})
    ]


@pytest.mark.parametrize(("line", "case"), [("lib (>=0.5<2)", "legacy"), ("lib >=> 2", "invalid")])
def test_a_line_that_pep_508_does_not_allow_is_told(line: str, case: str) -> None:
    lib = pin(LIB)
    metadata = metadata_of(lib, requires_dist=(f"{line}; extra == 'x'",))
    ((subject, rule, severity, values),) = findings_of(lib, metadata)
    assert (subject, rule, severity) == (LIB, "legacy-metadata", WARNING)
    assert values["case"] == case and str(values["line"]).startswith(line)


@pytest.mark.parametrize("name", ["lib-1.0-cp312-cp312-win_amd64.whl", "lib-1.0-odd.whl"])
def test_a_wheel_without_a_fitting_tag_is_unfit(name: str) -> None:
    assert (name, "unfit", ERROR, {"case": "locked", "target": TARGET.name}) in findings_of(pin(name), None)
    assert findings_of(pin("lib-1.0.tar.gz"), None) == []


def test_a_lock_is_checked_for_closure_when_all_its_files_were_opened() -> None:
    app, lib = pin(APP), pin(LIB)
    lock = Lock(TARGET, Inputs(("app", "gone")), (app, lib))
    contents = {APP: inspected(metadata_of(app, requires_dist=("lib>=2",)))}
    assert found(lock_findings(Wheelhouse((lock,)), contents)) == []
    contents[LIB] = inspected(metadata_of(lib))
    gone = {"case": "target", "by": "", "requirement": "gone", "target": TARGET.name}
    old = {"case": "version", "by": APP, "requirement": "lib>=2", "version": "1.0"}
    assert found(lock_findings(Wheelhouse((lock,)), contents)) == [
        ("gone", "closure", ERROR, gone),
        ("lib", "closure", ERROR, old),
    ]
    given = replace(lock, inputs=replace(lock.inputs, given_sha256="1" * 64))
    assert [severity for _, _, severity, _ in found(lock_findings(Wheelhouse((given,)), contents))] == [WARNING] * 2


def test_markers_of_the_users_lines_count_as_in_the_resolver() -> None:
    lines = ('idna; extra == "x"', 'foo; sys_platform == "win32"', "lib")
    inputs = Inputs(lines, overrides=("foo>=2", 'lib>=1; sys_platform == "linux"'))
    lib = pin(LIB)
    assert found(closure(Lock(TARGET, inputs, (lib,)), {lib.project: metadata_of(lib)})) == []


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        ("lib >=!!!nonsense(", "app 1.0 requires `lib >=!!!nonsense(`, which cannot be read"),
        ("lib; platform_release > '5'", "depends on platform_release"),
    ],
)
def test_a_requirement_that_cannot_be_checked_hides_no_other_finding(line: str, reason: str) -> None:
    app, lib = pin(APP), pin(LIB)
    lock = Lock(TARGET, Inputs(("app", "gone")), (app, lib))
    contents = {APP: inspected(metadata_of(app, requires_dist=("lost", line))), LIB: inspected(metadata_of(lib))}
    findings = [one for one in lock_findings(Wheelhouse((lock,)), contents) if one.rule != "legacy-metadata"]
    assert {(one.subject, one.rule, one.severity) for one in findings} == {
        (APP, "closure", ERROR),
        ("gone", "closure", ERROR),
        ("lost", "closure", ERROR),
    }
    assert any(
        "its requirements cannot be checked" in (said := sentence_of(one)) and reason in said for one in findings
    )


def test_several_versions_are_one_note_that_names_all_projects() -> None:
    windows = Target.of(Python.parse("3.12.4"), Platform.parse("win_amd64"))
    names = ("app", "lib", "tail")
    locks = [
        Lock(target, Inputs(()), tuple(pin(f"{name}-{version}.tar.gz") for name in names))
        for target, version in ((TARGET, "1.0"), (windows, "2.0"))
    ]
    assert found(lock_findings(Wheelhouse(tuple(locks)), {})) == [
        (
            *("house", "several-versions", NOTE),
            {
                "project": "app",
                "releases": (f"1.0 ({TARGET.name})", f"2.0 ({windows.name})"),
                "others": ("lib", "tail"),
            },
        )
    ]
    assert found(lock_findings(Wheelhouse(tuple(locks[:1])), {})) == []


def test_markers_and_extras_decide_what_is_required() -> None:
    app, lib = pin(APP), pin(LIB)
    lines = ('lib; extra == "x"', 'gone; os_name == "nt"')
    metadata = {app.project: metadata_of(app, requires_dist=lines, extras=frozenset({canonicalize_name("x")}))}
    metadata[lib.project] = metadata_of(lib)

    def rules(*requirements: str) -> list[tuple[str, str]]:
        lock = Lock(TARGET, Inputs(requirements), (app, lib))
        return [(finding.subject, finding.rule) for finding in closure(lock, metadata)]

    assert rules("app[X]") == rules("app", "app[x]") == rules("app", 'lib; os_name == "posix"') == []
    assert rules("app") == rules("app", 'lib; os_name == "nt"') == [(LIB, "unneeded")]
    assert rules("app[x]", "lib<1")[0] == ("lib", "closure")


def test_a_finding_on_an_unneeded_file_names_project_and_target() -> None:
    lock = Lock(TARGET, Inputs(()), (pin(LIB),))
    metadata = {canonicalize_name("lib"): metadata_of(pin(LIB))}
    facts = {"project": "lib", "target": TARGET.name}
    assert found(closure(lock, metadata)) == [(LIB, "unneeded", WARNING, facts)]


def test_constraints_and_attestations_are_those_of_the_lock() -> None:
    inputs = Inputs(("lib",), constraints_sha256=sha256_of_text("lib<2\n"))
    provenance = Provenance("https://x/p", sha256_of_text("{}"), ())
    lock = Lock(TARGET, inputs, (pin(LIB, provenance=provenance), pin(APP)))
    name, attestations = lock.constraints_filename, f"{LIB}.provenance"
    missing = {"case": "derived", "kind": ""}
    for wheelhouse, constraints, attested in (
        (Wheelhouse((lock,)), [(name, "missing", ERROR, missing)], [(attestations, "missing", ERROR, missing)]),
        (Wheelhouse((lock,), {lock.name: "lib<2\n"}, {attestations: "{}"}), [], []),
        (
            Wheelhouse((lock,), {lock.name: "lib<3\n"}, {attestations: "[]"}),
            [(name, "altered", ERROR, {"case": "constraints"})],
            [(attestations, "altered", ERROR, {"case": "attestations"})],
        ),
    ):
        assert found(constraints_findings(wheelhouse)) == constraints
        assert found(attestation_findings(wheelhouse)) == attested
    unconstrained = replace(lock, inputs=Inputs(("lib",)))
    surplus = Wheelhouse((unconstrained,), {lock.name: "lib<2\n"})
    assert found(constraints_findings(surplus)) == [(name, "altered", ERROR, {"case": "constraints"})]
    assert found(constraints_findings(Wheelhouse((unconstrained,)))) == []


BUILT = Built(
    Artifact("app-1.0.tar.gz", "1" * 64, 1), "CPython 3.12.1", requires=("odd-backend==3.1",), lock="pylock.b.toml"
)


def test_what_a_lock_says_was_made_beside_is_missed(folder: Path) -> None:
    (lock,) = load_wheelhouse(folder).locks
    pins = tuple(replace(one, built=BUILT) if one.project == "app" else one for one in lock.pins)
    changed = replace(lock, pins=pins, inputs=replace(lock.inputs, airflow="2.10.5"))
    for name, text in Wheelhouse((changed,)).texts.items():
        (folder / name).write_text(text)
    expected = {
        ("tools", "missing"): (WARNING, {"case": "tools", "airflow": "2.10.5"}),
        ("build/pylock.b.toml", "missing"): (WARNING, {"case": "build-lock", "sdist": "app-1.0.tar.gz"}),
    }
    assert {key: (one.severity, one.values) for key, one in opened(folder).items()} == expected
    for name, project in (("tools", "pip"), ("build", "odd-backend")):
        (folder / name).mkdir()
        build_wheel(folder / name, project, "24.2")
        wheelhouse_of(folder / name, project)
    del expected["tools", "missing"]
    list_inner_folders(folder)
    assert {key: (one.severity, one.values) for key, one in opened(folder).items()} == expected


def test_a_folder_above_that_is_no_wheelhouse_is_left_alone(folder: Path) -> None:
    outer = folder.parent / "release"
    outer.mkdir()
    build_wheel(outer, "app", "1.0")
    wheelhouse_of(outer, "app")
    inner = Path(shutil.copytree(folder, outer / "build"))
    list_inner_folders(inner)
    assert "build/SHA256SUMS" in (outer / "SHA256SUMS").read_text()
    for lock in outer.glob("pylock*"):
        lock.unlink()
    foreign = f"{'1' * 64} *release.iso\n"
    (outer / "SHA256SUMS").write_text(foreign)
    list_inner_folders(inner)
    assert (outer / "SHA256SUMS").read_text() == foreign


def test_a_folder_inside_that_is_not_listed_or_is_gone_or_another(folder: Path) -> None:
    for name in ("tools", "build"):
        (folder / name).mkdir()
        build_wheel(folder / name, "pip", "24.2")
        wheelhouse_of(folder / name, "pip")
    older = {(name, "foreign"): (WARNING, {"case": "inner-older"}) for name in ("tools", "build")}
    assert {key: (one.severity, one.values) for key, one in opened(folder).items()} == older
    sums = (folder / "SHA256SUMS").read_bytes()
    (folder / "SHA256SUMS").unlink()
    list_inner_folders(folder)
    assert not (folder / "SHA256SUMS").exists()
    (folder / "SHA256SUMS").write_bytes(sums)
    list_inner_folders(folder)
    (folder / "tools").rename(folder / "self")
    shutil.rmtree(folder / "build")
    (folder / "build").mkdir()
    build_wheel(folder / "build", "pip", "24.1")
    wheelhouse_of(folder / "build", "pip")
    assert {key: (one.severity, one.values) for key, one in opened(folder).items()} == {
        ("tools", "missing"): (ERROR, {"case": "inner", "kind": ""}),
        ("self", "foreign"): (ERROR, {"case": "inner"}),
        ("build", "altered"): (ERROR, {"case": "inner"}),
    }


@pytest.mark.parametrize(("staged", "place"), [(True, "staged"), (False, "wheelhouse")])
@pytest.mark.parametrize(
    ("filename", "facts"),
    [
        ("x.whl", {"case": "unnamed-"}),
        ("y-1.0.tar.gz", {"case": "unneeded-", "project": "y", "version": "1.0"}),
        ("lib-2.0.tar.gz", {"case": "version-", "project": "lib", "version": "2.0", "locked": LIB}),
        ("lib-1.0.tar.gz", {"case": "twin", "project": "lib", "locked": LIB}),
        (
            "lib-1.0-cp312-cp312-win_amd64.win32.whl",
            {"case": "platform", "platforms": "win32, win_amd64", "locked": LIB},
        ),
        ("wheel-0.44.0-py3-none-any.whl", {"case": "builder-", "project": "wheel", "version": "0.44.0"}),
        ("odd_backend-3.1-py3-none-any.whl", {"case": "builder-", "project": "odd-backend", "version": "3.1"}),
    ],
)
def test_the_facts_on_an_archive_that_no_lock_names(
    filename: str, facts: dict[str, str], staged: bool, place: str
) -> None:
    lock = Lock(TARGET, Inputs(("app",)), (pin(APP, built=BUILT), pin(LIB)))
    case = facts["case"] + (place if facts["case"].endswith("-") else "")
    expected = facts | {"case": case} | ({"target": TARGET.name} if "locked" in facts else {})
    finding = unlocked_file(filename, (lock,), staged=staged)
    assert found(iter([finding])) == [(filename, "foreign", ERROR, expected)]


@pytest.mark.parametrize(
    ("line", "is_refused"),
    [
        *(
            (f"{option} https://evil.example/", True)
            for option in ("--find-links", "--extra-index-url", "--index-url", "-c", "-r")
        ),
        ("lib @ https://evil.example/lib-1.0-py3-none-any.whl", True),
        ("-e git+https://evil.example/lib", True),
        ("--index-url https://own.example/simple/", False),
        ("--pre", False),
        ("-c other.txt", False),
        ("lib<2 ; python_version > '3'", False),
    ],
)
def test_constraints_lead_no_install_elsewhere(folder: Path, line: str, is_refused: bool) -> None:
    """pip takes files from the links and addresses in a constraints file, even with `--no-index`."""
    (lock,) = load_wheelhouse(folder).locks
    lock = replace(lock, inputs=replace(lock.inputs, locations=(IndexLocation("https://own.example/simple"),)))
    findings = list(unusable_constraints(lock, f"lib<3\n{line}\n", "constraints.txt"))
    assert [(one.subject, one.rule, one.values["case"]) for one in findings] == (
        [("constraints.txt", "constraints", "refused")] if is_refused else []
    )


def test_a_wheelhouse_with_such_constraints_does_not_verify(folder: Path) -> None:
    text = "lib<2\n--find-links https://evil.example/\n"
    (lock,) = load_wheelhouse(folder).locks
    lock = replace(lock, inputs=replace(lock.inputs, constraints_sha256=sha256_of_text(text)))
    for name, content in Wheelhouse((lock,), {lock.name: text}).texts.items():
        (folder / name).write_text(content)
    assert {key: one.severity for key, one in opened(folder).items()} == {
        (lock.constraints_filename, "constraints"): ERROR
    }
