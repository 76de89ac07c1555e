"""Everything that can be wrong with a wheelhouse, each by its rule and subject; and nothing else is found."""

import hashlib
import os
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from packaging.utils import canonicalize_name
from packaging.version import Version

from tests.support.made_wheelhouses import wheelhouse_of
from tests.support.wheels import build_sdist, build_wheel
from wheelhouse.archive.artifact import Artifact
from wheelhouse.archive.metadata import InspectedFile
from wheelhouse.archive.wheelfile import inspect
from wheelhouse.errors import InputError, IntegrityError
from wheelhouse.findings import Severity
from wheelhouse.index.provenance import Provenance
from wheelhouse.lock.lock import Lock
from wheelhouse.lock.other_files import OtherFile, OtherFiles
from wheelhouse.lock.wheelhouse import Wheelhouse, sha256_of_text
from wheelhouse.report.sentences import sentence_of
from wheelhouse.target.target import Platform, Target
from wheelhouse.verify.inner_folders import list_inner_folders
from wheelhouse.verify.verify import load_wheelhouse, verify

LIB, RAW = "lib-1.0-py3-none-any.whl", "raw-1.0.tar.gz"
LOCK = "pylock.cp312-manylinux_2_28_x86_64.toml"
REQUIREMENTS = "requirements.cp312-manylinux_2_28_x86_64.txt"
CONSTRAINTS = "constraints.cp312-manylinux_2_28_x86_64.txt"


@pytest.fixture
def house(tmp_path: Path) -> Path:
    """A wheelhouse with a wheel, an sdist, attestations, constraints, tools and other files."""
    folder = tmp_path / "wheels"
    made(folder, "app", "1.0", requires=["lib>=1", "raw"])
    build_wheel(folder, "lib", "1.0")
    build_sdist(folder, "raw", "1.0")
    wheelhouse_of(folder, "app")
    change(folder, with_constraints_and_attestations)
    wheelhouse_of(made(folder / "tools", "pip", "24.2"), "pip")
    (folder / "files").mkdir()
    (folder / "files" / "driver.jar").write_bytes(b"jar")
    file = OtherFile("driver.jar", "https://files.example/driver.jar", sha256_of_text("jar"), 3)
    for name, text in OtherFiles((file,)).texts.items():
        (folder / "files" / name).write_text(text)
    list_inner_folders(folder)
    return folder


def made(folder: Path, *arguments: str, **more: object) -> Path:
    folder.mkdir()
    build_wheel(folder, *arguments, **more)  # type: ignore[arg-type]
    return folder


def change(folder: Path, changed: Callable[[Lock], Wheelhouse]) -> None:
    """Write another wheelhouse's texts, made of the lock that is there."""
    (lock,) = load_wheelhouse(folder).locks
    for name, text in changed(lock).texts.items():
        (folder / name).write_text(text)


def with_constraints_and_attestations(lock: Lock) -> Wheelhouse:
    provenance = Provenance("https://index.example/p", sha256_of_text("{}"), ())
    pins = tuple(replace(pin, provenance=provenance) if pin.project == "lib" else pin for pin in lock.pins)
    inputs = replace(lock.inputs, constraints_sha256=sha256_of_text("lib<2\n"))
    named = replace(lock, pins=pins, inputs=inputs)
    return Wheelhouse((named,), {named.name: "lib<2\n"}, {f"{LIB}.provenance": "{}"})


def found(folder: Path, **more: object) -> set[tuple[str, str, Severity]]:
    verdict = verify(folder, **more)  # type: ignore[arg-type]
    return {(finding.subject, finding.rule, finding.severity) for finding in verdict.findings}


def test_nothing_is_wrong_with_a_good_wheelhouse(house: Path) -> None:
    verdict = verify(house)
    assert verdict.findings == () and set(verdict.inner) == {"tools"}
    sizes = [(house / name).stat().st_size for name in ("app-1.0-py3-none-any.whl", LIB, RAW)]
    assert (verdict.files, verdict.bytes) == (3, sum(sizes))
    assert set(verdict.contents) == {"app-1.0-py3-none-any.whl", LIB, RAW}


def flipped(path: Path) -> None:
    raw = path.read_bytes()
    path.write_bytes(raw[:-1] + bytes([raw[-1] ^ 1]))


def linked(path: Path) -> None:
    """The same bytes, by a link."""
    path.rename(path.with_name("elsewhere"))
    path.symlink_to("elsewhere")


ERROR, WARNING = Severity.ERROR, Severity.WARNING
TAMPERINGS: dict[str, tuple[Callable[[Path], object], set[tuple[str, str, Severity]]]] = {
    "a bit of a wheel": (lambda house: flipped(house / LIB), {(LIB, "altered", ERROR)}),
    "a bit of an sdist": (lambda house: flipped(house / RAW), {(RAW, "altered", ERROR)}),
    "a byte more": (lambda house: (house / LIB).write_bytes(b"PK"), {(LIB, "altered", ERROR)}),
    "a wheel gone": (lambda house: (house / LIB).unlink(), {(LIB, "missing", ERROR)}),
    "a wheel in the place of another": (
        lambda house: (house / LIB).write_bytes((house / "app-1.0-py3-none-any.whl").read_bytes()),
        {(LIB, "altered", ERROR)},
    ),
    "a folder in its place": (
        lambda house: ((house / LIB).unlink(), (house / LIB).mkdir()),
        {(LIB, "missing", ERROR)},
    ),
    "a link": (
        lambda house: linked(house / LIB),
        {(LIB, "link", ERROR), ("elsewhere", "foreign", ERROR)},
    ),
    "a link that leads nowhere": (
        lambda house: ((house / LIB).unlink(), (house / LIB).symlink_to("nowhere")),
        {(LIB, "link", ERROR)},
    ),
    "the sums": (lambda house: flipped(house / "SHA256SUMS"), {("SHA256SUMS", "altered", ERROR)}),
    "the sums gone": (lambda house: (house / "SHA256SUMS").unlink(), {("SHA256SUMS", "missing", ERROR)}),
    "the requirements": (lambda house: flipped(house / REQUIREMENTS), {(REQUIREMENTS, "altered", ERROR)}),
    "the requirements by a link": (
        lambda house: linked(house / REQUIREMENTS),
        {(REQUIREMENTS, "link", ERROR), ("elsewhere", "foreign", ERROR)},
    ),
    "the constraints": (
        lambda house: (house / CONSTRAINTS).write_text("lib<3\n"),
        {(CONSTRAINTS, "altered", ERROR), ("SHA256SUMS", "altered", ERROR)},
    ),
    "the constraints gone": (
        lambda house: (house / CONSTRAINTS).unlink(),
        {(CONSTRAINTS, "missing", ERROR), ("SHA256SUMS", "altered", ERROR)},
    ),
    "attestations": (
        lambda house: (house / f"{LIB}.provenance").write_text("[]"),
        {(f"{LIB}.provenance", "altered", ERROR), ("SHA256SUMS", "altered", ERROR)},
    ),
    "attestations gone": (
        lambda house: (house / f"{LIB}.provenance").unlink(),
        {(f"{LIB}.provenance", "missing", ERROR), ("SHA256SUMS", "altered", ERROR)},
    ),
    "a foreign wheel": (
        lambda house: build_wheel(house, "other", "1.0"),
        {("other-1.0-py3-none-any.whl", "foreign", ERROR)},
    ),
    "a newer release": (
        lambda house: build_wheel(house, "lib", "2.0"),
        {("lib-2.0-py3-none-any.whl", "foreign", ERROR)},
    ),
    "a foreign text": (
        lambda house: (house / "requirements.txt").write_text("x"),
        {("requirements.txt", "foreign", ERROR)},
    ),
    "a foreign folder": (lambda house: (house / "sub").mkdir(), {("sub", "foreign", ERROR)}),
    "a file called tools": (
        lambda house: ((house / "tools").rename(house.parent / "moved"), (house / "tools").write_text("")),
        {("tools", "foreign", ERROR), ("tools", "missing", ERROR)},
    ),
    "what an interrupted run left": (
        lambda house: (house / ".wheelhouse-0123456789abcdef.tmp").write_text("x"),
        {(".wheelhouse-0123456789abcdef.tmp", "left-aside", WARNING)},
    ),
    "what only looks so": (
        lambda house: (house / ".wheelhouse-tmp-1").write_text("x"),
        {(".wheelhouse-tmp-1", "foreign", ERROR)},
    ),
    "a tool": (
        lambda house: flipped(house / "tools" / "pip-24.2-py3-none-any.whl"),
        {("tools/pip-24.2-py3-none-any.whl", "altered", ERROR)},
    ),
    "another file": (
        lambda house: (house / "files" / "driver.jar").write_bytes(b"jaR"),
        {("files/driver.jar", "altered", ERROR)},
    ),
    "another file of another size": (
        lambda house: (house / "files" / "driver.jar").write_bytes(b"jar!"),
        {("files/driver.jar", "altered", ERROR)},
    ),
    "another file gone": (
        lambda house: (house / "files" / "driver.jar").unlink(),
        {("files/driver.jar", "missing", ERROR)},
    ),
    "another file by a link": (
        lambda house: linked(house / "files" / "driver.jar"),
        {("files/driver.jar", "link", ERROR), ("files/elsewhere", "foreign", ERROR)},
    ),
    "a foreign one among other files": (
        lambda house: (house / "files" / "run.sh").write_text("x"),
        {("files/run.sh", "foreign", ERROR)},
    ),
    "the sums of other files": (
        lambda house: flipped(house / "files" / "SHA256SUMS"),
        {("files/SHA256SUMS", "altered", ERROR)},
    ),
    "no lock of other files": (
        lambda house: (house / "files" / "files.lock.toml").unlink(),
        {("files", "foreign", ERROR), ("files", "missing", ERROR)},
    ),
    "no tools": (lambda house: shutil.rmtree(house / "tools"), {("tools", "missing", ERROR)}),
    "no other files": (lambda house: shutil.rmtree(house / "files"), {("files", "missing", ERROR)}),
    "another wheelhouse in the place of tools": (
        lambda house: (shutil.rmtree(house / "tools"), wheelhouse_of(made(house / "tools", "pip", "24.1"), "pip")),
        {("tools", "altered", ERROR)},
    ),
    "a wheelhouse that is added": (
        lambda house: wheelhouse_of(made(house / "self", "evil", "6.6"), "evil"),
        {("self", "foreign", ERROR)},
    ),
    "tools not among the sums": (
        lambda house: (house / "SHA256SUMS").write_text(
            "".join(line for line in (house / "SHA256SUMS").read_text().splitlines(True) if "tools/" not in line)
        ),
        {("tools", "foreign", ERROR)},
    ),
    "no folder among the sums, as before": (
        lambda house: (house / "SHA256SUMS").write_text(
            "".join(line for line in (house / "SHA256SUMS").read_text().splitlines(True) if "/" not in line)
        ),
        {("tools", "foreign", WARNING), ("files", "foreign", WARNING)},
    ),
}


@pytest.mark.parametrize("name", TAMPERINGS)
def test_what_was_tampered_with_is_found_and_nothing_else(house: Path, name: str) -> None:
    tamper, expected = TAMPERINGS[name]
    tamper(house)
    assert found(house) == expected


@pytest.mark.text
def test_an_altered_file_says_its_size(house: Path) -> None:
    (house / LIB).write_bytes(b"PK")
    (one,) = verify(house).findings
    assert "its size is 2 bytes, but the size in the lock file is" in sentence_of(one)
    flipped(house / RAW)
    assert any("the bytes were altered" in sentence_of(finding) for finding in verify(house).findings)


@pytest.mark.text
def test_a_missing_file_says_who_asks_for_it(house: Path) -> None:
    (house / LIB).unlink()
    (one,) = verify(house).findings
    assert sentence_of(one) == "it is not in the folder; `app-1.0-py3-none-any.whl` requires `lib>=1`"
    (house / "app-1.0-py3-none-any.whl").unlink()
    (first, _) = verify(house).findings
    assert sentence_of(first) == "it is not in the folder; `app` was requested"


# Locks that do not fit their files


def relocked(folder: Path, **changes: object) -> None:
    """Change the pin of `lib` in the lock, and write its texts anew."""

    def changed(lock: Lock) -> Wheelhouse:
        pins = tuple(replace(pin, **changes) if pin.project == "lib" else pin for pin in lock.pins)  # type: ignore[arg-type]
        return Wheelhouse((replace(lock, pins=tuple(sorted(pins, key=lambda pin: pin.project))),))

    change(folder, changed)


@pytest.fixture
def plain(tmp_path: Path) -> Path:
    folder = made(tmp_path / "plain", "app", "1.0", requires=["lib>=1"])
    build_wheel(folder, "lib", "1.0")
    return wheelhouse_of(folder, "app")


@pytest.mark.parametrize(("name", "version"), [("lib", "1.1"), ("library", "1.0")])
@pytest.mark.parametrize("filename", [LIB, "lib-1.0.tar.gz"])
def test_another_release_under_the_locked_name_is_found(plain: Path, filename: str, name: str, version: str) -> None:
    (plain / LIB).unlink()
    build = build_wheel if filename.endswith(".whl") else build_sdist
    other = build(plain.parent, name, version)
    other.rename(plain / filename)
    raw = (plain / filename).read_bytes()
    relocked(plain, artifact=Artifact(filename, hashlib.sha256(raw).hexdigest(), len(raw)))
    ((subject, rule, severity),) = found(plain)
    assert (subject, severity) == (filename, ERROR) and rule in ("metadata-mismatch", "wheel-dist-info")


@pytest.mark.parametrize("other", [{"project": canonicalize_name("library")}, {"version": Version("1.1")}])
def test_a_file_that_states_another_release_than_the_lock_is_found(plain: Path, other: dict[str, object]) -> None:
    def read(path: Path, artifact: Artifact) -> InspectedFile:
        contents = inspect(path, artifact.filename)
        return replace(contents, metadata=replace(contents.metadata, **other)) if artifact.filename == LIB else contents  # type: ignore[arg-type]

    assert (LIB, "swapped", ERROR) in found(plain, read=read)


def test_a_wheel_for_another_target_does_not_fit(plain: Path) -> None:
    windows = build_wheel(plain, "lib", "1.0", tag="cp312-cp312-win_amd64")
    (plain / LIB).unlink()
    raw = windows.read_bytes()
    relocked(plain, artifact=Artifact(windows.name, hashlib.sha256(raw).hexdigest(), len(raw)))
    assert found(plain) == {(windows.name, "unfit", ERROR)}


@pytest.mark.parametrize(("requires", "expected"), [(">=3.13", {(LIB, "requires-python", ERROR)}), (">=3.12", set())])
def test_the_files_own_requires_python_decides(tmp_path: Path, requires: str, expected: set[object]) -> None:
    folder = made(tmp_path / "h", "lib", "1.0", requires_python=requires)
    assert found(wheelhouse_of(folder, "lib")) == expected


def test_what_is_not_needed_or_not_there_is_found(tmp_path: Path) -> None:
    folder = made(tmp_path / "h", "app", "1.0", requires=["gone"])
    build_wheel(folder, "spare", "1.0")
    assert found(wheelhouse_of(folder, "app")) == {
        ("gone", "closure", ERROR),
        ("spare-1.0-py3-none-any.whl", "unneeded", WARNING),
    }


def test_a_lock_that_was_given_decides_alone(tmp_path: Path) -> None:
    folder = wheelhouse_of(made(tmp_path / "h", "app", "1.0", requires=["gone"]), "app")
    change(folder, lambda lock: Wheelhouse((replace(lock, inputs=replace(lock.inputs, given_sha256="1" * 64)),)))
    assert found(folder) == {("gone", "closure", WARNING)}


# Folders that are no wheelhouse


def test_a_folder_without_a_lock_is_no_wheelhouse(tmp_path: Path) -> None:
    for folder in (tmp_path, tmp_path / "nowhere"):
        with pytest.raises(InputError, match=str(folder)):
            load_wheelhouse(folder)


def test_a_lock_under_another_name_is_refused(plain: Path) -> None:
    (plain / LOCK).rename(plain / LOCK.replace("312", "311"))
    with pytest.raises(InputError, match=f"has the content of the lock file `{LOCK}`"):
        load_wheelhouse(plain)


def test_two_locks_with_different_versions_are_noted(plain: Path) -> None:
    (lock,) = load_wheelhouse(plain).locks
    build_wheel(plain, "lib", "2.0")
    raw = (plain / "lib-2.0-py3-none-any.whl").read_bytes()
    newer = Artifact("lib-2.0-py3-none-any.whl", hashlib.sha256(raw).hexdigest(), len(raw))
    target = Target.of(lock.target.python, Platform.parse("linux/arm64"))
    pins = tuple(
        replace(pin, version=Version("2.0"), artifact=newer) if pin.project == "lib" else pin for pin in lock.pins
    )
    for name, text in Wheelhouse((lock, replace(lock, target=target, pins=pins))).texts.items():
        (plain / name).write_text(text)
    assert found(plain) == {("house", "several-versions", Severity.NOTE)}


def test_only_a_regular_file_is_what_an_interrupted_run_left(plain: Path) -> None:
    name = ".wheelhouse-0123456789abcdef.tmp"
    (plain / name).mkdir()
    assert found(plain) == {(name, "foreign", ERROR)}
    (plain / name).rmdir()
    (plain / name).symlink_to(LIB)
    assert found(plain) == {(name, "foreign", ERROR)}


def test_an_archive_that_cannot_be_read_for_another_reason_is_found(plain: Path) -> None:
    def read(path: Path, artifact: Artifact) -> InspectedFile:
        if artifact.filename == LIB:
            raise IntegrityError("it is damaged", hint="fetch again")
        return inspect(path, artifact.filename)

    assert found(plain, read=read) == {(LIB, "archive", ERROR)}


def test_what_an_extra_needs_is_needed(tmp_path: Path) -> None:
    folder = made(tmp_path / "h", "app", "1.0", extras={"x": ["lib"]})
    build_wheel(folder, "lib", "1.0")
    assert found(wheelhouse_of(folder, "app[x]")) == set()


def test_a_fifo_among_other_files_is_refused_at_once(house: Path) -> None:
    os.mkfifo(house / "files" / "endless")
    with pytest.raises((InputError, IntegrityError), match="endless"):
        verify(house)
