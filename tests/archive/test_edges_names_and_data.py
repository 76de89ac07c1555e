"""Names of files on pages, the order of a release's files, ELF programs, and zip data that is longer or shorter than declared."""

import mmap
import struct
import zipfile
import zlib
from pathlib import Path

import msgspec
import pytest
from packaging.utils import canonicalize_name
from packaging.version import Version

from wheelhouse.archive.artifact import Candidate, choose
from wheelhouse.archive.elf import native_of
from wheelhouse.archive.filenames import Filenames, filename_of, is_globbed, release_of, sdist_stem
from wheelhouse.archive.reasons import FitsLess, NoFittingTag, UnreadableFormat
from wheelhouse.archive.ziparchive import Member, chunks, mapped, read_members
from wheelhouse.errors import RefusedError
from wheelhouse.target.target import Platform, Python, Target

TARGET = Target.of(Python.parse("3.12"), Platform.parse("linux/amd64"))


# Names


@pytest.mark.parametrize(
    ("url", "name"),
    [
        ("https://x/a/b/lib-1.0.tar.gz", "lib-1.0.tar.gz"),
        ("https://x/a/lib-1.0%2Bcpu.whl?token=a/b#sha256=c/d", "lib-1.0+cpu.whl"),
        ("d/lib.whl", "lib.whl"),
        ("lib.whl", "lib.whl"),
        ("https://x/", ""),
    ],
)
def test_the_file_name_of_an_address(url: str, name: str) -> None:
    assert filename_of(url) == name


@pytest.mark.parametrize(
    ("filename", "version"),
    [
        ("my_lib-1.0-py3-none-any.whl", "1.0"),
        ("my_lib-1.0-py2-none-any.whl", "1.0"),
        ("my_lib-1.0.post1-py3-none-any.whl", "1.0.post1"),
        ("my.lib-2.0-py3-none-any.whl", "2.0"),
        ("my_lib-1.0-1-py3-none-any.whl", "1.0"),
        ("my_lib-1.0-1a-py3-none-any.whl", "1.0"),
        ("my_lib-1.0-x-py3-none-any.whl", None),
        ("my_lib-1.0-py3-none.whl", None),
        ("other-1.0-py3-none-any.whl", None),
        ("-1.0-py3-none-any.whl", None),
        ("my_lib--py3-none-any.whl", None),
        ("my-lib-1.0.tar.gz", "1.0"),
        ("my_lib-1.0.zip", "1.0"),
        ("other-1.0.tar.gz", None),
        ("my-lib-1.0.exe", None),
        ("my-lib-1.0.whl.asc", None),
    ],
)
def test_the_version_in_a_name_on_a_page(filename: str, version: str | None) -> None:
    names = Filenames(canonicalize_name("my-lib"))
    assert names.version(filename) == version


def test_the_versions_of_names_that_follow_one_another() -> None:
    names = Filenames(canonicalize_name("lib"))
    listed = ["lib-1-py3-none-any.whl", "lib-1-cp312-cp312-linux_x86_64.whl", "lib-10-py3-none-any.whl", "lib-1.tar.gz"]
    assert list(map(names.version, listed)) == ["1", "1", "10", "1"]
    assert list(map(names.version, reversed(listed))) == ["1", "10", "1", "1"]


def test_a_name_without_tags_has_no_version_after_a_name_of_the_same_release() -> None:
    names = Filenames(canonicalize_name("lib"))
    listed = ["lib-1-junk.whl", "lib-1-py3-none-any.whl", "lib-1-junk.whl", "lib-1-x-py3-none-any.whl"]
    assert list(map(names.version, listed)) == [None, "1", None, None]
    assert names.version("lib-2-1-junk.whl") is None and names.version("lib-2-1-py3-none-any.whl") == "2"


@pytest.mark.parametrize("suffix", [".tar.gz", ".zip", ".tgz", ".tar.bz2", ".tar.xz"])
def test_an_sdist_by_its_suffix(suffix: str) -> None:
    assert sdist_stem(f"lib-1.0{suffix}") == "lib-1.0"
    assert release_of(f"lib-1.0{suffix}") == ("lib", Version("1.0"))
    assert is_globbed(f"lib-1.0{suffix}") is (suffix == ".tar.gz")
    assert is_globbed("lib-1.0.whl") and sdist_stem("lib-1.0.whl") is None


# Which file of a release is chosen


def file(name: str) -> Candidate:
    return Candidate(canonicalize_name("lib"), Version("1.0"), name, f"https://x/{name}", "")


ORDER = [
    "lib-1.0-cp312-cp312-manylinux_2_28_x86_64.whl",
    "lib-1.0-cp312-cp312-manylinux_2_17_x86_64.whl",
    "lib-1.0-cp311-abi3-manylinux_2_28_x86_64.whl",
    "lib-1.0-12b-py3-none-any.whl",
    "lib-1.0-12a-py3-none-any.whl",
    "lib-1.0-12-py3-none-any.whl",
    "lib-1.0-2-py3-none-any.whl",
    "lib-1.0-0-py3-none-any.whl",
    "lib-1.0-py3-none-any.whl",
    "lib-1.0.tar.gz",
    "lib-1.0.zip",
]
UNFIT = {"lib-1.0-cp312-cp312-win_amd64.whl": NoFittingTag(TARGET.name), "lib-1.0.tar.Z": UnreadableFormat(".tar.Z")}


@pytest.mark.parametrize("first", range(len(ORDER)))
def test_the_best_file_is_chosen_and_each_other_has_its_reason(first: int) -> None:
    left = ORDER[first:]
    chosen, rejected = choose(map(file, [*reversed(left), *UNFIT]), TARGET)
    assert chosen is not None and chosen.filename == left[0]
    reasons = {one.filename: one.reason for one in rejected}
    assert reasons.keys() == {*left[1:], *UNFIT}
    assert all(reasons[name] == reason for name, reason in UNFIT.items())
    assert all(isinstance(reasons[name], FitsLess) for name in left[1:])


def test_nothing_is_chosen_if_nothing_fits() -> None:
    chosen, rejected = choose(map(file, UNFIT), TARGET)
    assert chosen is None and {one.filename: one.reason for one in rejected} == UNFIT
    assert choose([], TARGET) == (None, [])


# ELF


def elf(kind: int, machine: int = 62) -> bytes:
    """An ELF header alone, of this type: 2 is a program, 3 a shared object."""
    head = b"\x7fELF" + bytes([2, 1, 1]) + bytes(9)
    return head + struct.pack("<HHIQQQIHHHHHH", kind, machine, 1, 0, 0, 0, 0, 64, 56, 0, 64, 0, 0)


@pytest.mark.parametrize(("kind", "is_program"), [(2, True), (3, False), (1, False)])
def test_a_program_by_the_type_of_its_header(kind: int, is_program: bool) -> None:
    native = native_of(elf(kind))
    assert (native.machine, native.program, native.needs, native.search) == ("x86_64", is_program, (), ())


def test_the_machine_of_a_header_and_what_is_no_elf() -> None:
    assert native_of(elf(3, 183)).machine == "aarch64"
    assert native_of(b"\x7fELF").machine == native_of(b"").machine == ""


# Zip data


@pytest.fixture
def archive(tmp_path: Path) -> Path:
    path = tmp_path / "x.zip"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as file:
        file.writestr("a.txt", b"a" * 1000)
        file.writestr("b.txt", bytes(range(256)) * 300)
    return path


def member_of(data: mmap.mmap, name: str) -> Member:
    return read_members(data)[name]


@pytest.mark.parametrize(
    ("change", "rule"),
    [
        ({"size": 999}, "zip-bomb"),
        ({"size": 1001}, "zip-disagreement"),
        ({"compressed": +1}, "zip-disagreement"),
        ({"compressed": -1}, "zip-structure"),
        ({"compressed": -3}, "zip-structure"),
    ],
)
def test_data_of_another_length_than_declared_is_refused(archive: Path, change: dict[str, int], rule: str) -> None:
    with mapped(archive) as data:
        member = member_of(data, "a.txt")
        assert b"".join(chunks(data, member)) == b"a" * 1000
        if "compressed" in change:
            change = {"compressed": member.compressed + change["compressed"]}
        with pytest.raises(RefusedError) as caught:
            list(chunks(data, msgspec.structs.replace(member, **change)))
        assert caught.value.rule == rule


def test_a_large_member_comes_in_pieces(tmp_path: Path) -> None:
    path = tmp_path / "x.zip"
    text = zlib.compress(bytes(range(256)) * 10, 0) * 2000
    for method in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
        with zipfile.ZipFile(path, "w", method) as file:
            file.writestr("large", text)
        with mapped(path) as data:
            pieces = list(chunks(data, member_of(data, "large")))
            assert b"".join(pieces) == text and len(pieces) > 1
