"""What an sdist says of itself, and what is refused of one."""

import io
import subprocess
import sys
import tarfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.support.archive import Member, compressed_tar, zip_bytes
from tests.support.contents import core_metadata
from tests.support.refusals import opened, rule_of
from tests.support.sampled import sampled
from tests.support.wheels import build_sdist
from wheelhouse.archive.filenames import SDIST_SUFFIXES
from wheelhouse.archive.named_members import contents_of_members
from wheelhouse.archive.sdistfile import read_pyproject
from wheelhouse.archive.wheelfile import inspect
from wheelhouse.errors import RefusedError

OLD = {"metadata_version": "1.2"}
SUFFIXES = [suffix for suffix in SDIST_SUFFIXES if suffix != ".tar.lz"]  # which Python cannot write
TARS = [suffix for suffix in SUFFIXES if suffix != ".zip"]


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_static_metadata_is_certain(tmp_path: Path, suffix: str) -> None:
    sdist = build_sdist(tmp_path, "one", "1.0", requires=["lib>=2"], requires_python=">=3.8", suffix=suffix)
    metadata = opened(sdist).metadata
    assert (metadata.requires_dist, metadata.requires_python, metadata.provisional) == (("lib>=2",), ">=3.8", None)


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_old_metadata_is_provisional_and_taken_from_the_egg_info(tmp_path: Path, suffix: str) -> None:
    said = "lib>=2\n\n[X_y]\nother\n\n[:python_version < '3.8']\nback\n\n[z:sys_platform == 'win32']\nwin\n"
    sdist = build_sdist(tmp_path, "one", "1.0", **OLD, egg_info_requires=said, suffix=suffix)
    metadata = opened(sdist).metadata
    assert metadata.provisional
    assert metadata.extras == {"x-y", "z"}
    assert metadata.requires_dist == (
        "lib>=2",
        'other ; extra == "x-y"',
        "back ; (python_version < '3.8')",
        "win ; (sys_platform == 'win32') and extra == \"z\"",
    )


def test_dynamic_fields_make_metadata_provisional(tmp_path: Path) -> None:
    assert opened(build_sdist(tmp_path, "one", "1.0", dynamic=["Requires-Dist"])).metadata.provisional
    assert opened(build_sdist(tmp_path, "two", "1.0", dynamic=["Description"])).metadata.provisional is None


def test_metadata_of_another_version_are_refused(tmp_path: Path) -> None:
    sdist = build_sdist(tmp_path, "one", "1.0", pkg_info=core_metadata("one", "2.0"))
    assert rule_of(sdist) == "metadata-mismatch"


def test_an_sdist_without_or_with_two_pkg_infos_is_refused(tmp_path: Path) -> None:
    assert rule_of(tar(tmp_path, lambda archive: None, pkg_info=False)) == "sdist-metadata"
    assert rule_of(tar(tmp_path, lambda archive: add(archive, "two-1.0/PKG-INFO", b"x"))) == "sdist-metadata"


def test_an_old_sdist_may_have_its_pkg_info_in_its_egg_info_alone(tmp_path: Path) -> None:
    """As dill 0.3.1.1 does."""

    def egg_info(archive: tarfile.TarFile) -> None:
        add(archive, "one-1.0/one.egg-info/PKG-INFO", core_metadata("one", "1.0"))
        add(archive, "one-1.0/one.egg-info/requires.txt", b"lib>=2\n")

    metadata = opened(tar(tmp_path, egg_info, pkg_info=False)).metadata
    assert metadata.requires_dist == ("lib>=2",)


def add(archive: tarfile.TarFile, name: str, data: bytes = b"", **fields: object) -> None:
    member = tarfile.TarInfo(name)
    member.size = len(data)
    for field, value in fields.items():
        setattr(member, field, value)
    archive.addfile(member, io.BytesIO(data))


def tar(
    folder: Path, more: Callable[[tarfile.TarFile], None], *, pkg_info: bool = True, suffix: str = ".tar.gz"
) -> Path:
    """An sdist of `one` 1.0 with whatever `more` adds to it."""
    held = io.BytesIO()
    with tarfile.open(fileobj=held, mode="w") as archive:
        if pkg_info:
            add(archive, "one-1.0/PKG-INFO", core_metadata("one", "1.0"))
        more(archive)
    path = folder / f"one-1.0{suffix}"
    path.write_bytes(compressed_tar(held.getvalue(), suffix))
    return path


def link(name: str, target: str, kind: bytes = tarfile.SYMTYPE) -> Callable[[tarfile.TarFile], None]:
    return lambda archive: add(archive, name, type=kind, linkname=target)


def both(*more: Callable[[tarfile.TarFile], None]) -> Callable[[tarfile.TarFile], None]:
    def all_of_them(archive: tarfile.TarFile) -> None:
        for each in more:
            each(archive)

    return all_of_them


@pytest.mark.parametrize("suffix", TARS)
@pytest.mark.parametrize(
    "more",
    [
        lambda archive: add(archive, "../evil", b"x"),
        lambda archive: add(archive, "one-1.0/../../evil", b"x"),
        lambda archive: add(archive, "one-1.0/sub/../inside", b"x"),
        lambda archive: add(archive, "/etc/evil", b"x"),
        lambda archive: add(archive, "one-1.0/a\\b", b"x"),
        lambda archive: add(archive, "one-1.0/\x1b[2J", b"x"),
        link("one-1.0/passwd", "/etc/passwd"),
        link("one-1.0/up", "../../up"),
        link("one-1.0/hard", "../../hard", tarfile.LNKTYPE),
        link("one-1.0/hard", "/etc/passwd", tarfile.LNKTYPE),
        both(link("one-1.0/a/b/l1", "../.."), link("one-1.0/a/b/l2", "l1/../..")),
        both(link("one-1.0/a/b/l1", "../.."), link("one-1.0/a/b/l1/l2", "../..")),
        both(link("one-1.0/l", "sub"), lambda archive: add(archive, "one-1.0/l/file", b"x")),
        both(link("./one-1.0/l", "sub"), lambda archive: add(archive, "one-1.0/l/file", b"x")),
        both(link("one-1.0/l", "sub"), lambda archive: add(archive, "one-1.0/./l/file", b"x")),
        lambda archive: add(archive, "one-1.0/dev", type=tarfile.CHRTYPE),
        lambda archive: add(archive, "one-1.0/fifo", type=tarfile.FIFOTYPE),
    ],
)
def test_what_could_be_written_outside_its_place_is_refused(
    tmp_path: Path, more: Callable[[tarfile.TarFile], None], suffix: str
) -> None:
    assert rule_of(tar(tmp_path, more, suffix=suffix)) == "sdist-path"


def test_a_python_whose_tarfile_has_no_filters_reads_and_refuses_the_same(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As Debian 12's 3.11.2 has none."""
    for name in ("data_filter", "FilterError"):
        monkeypatch.delattr(tarfile, name, raising=False)
    assert opened(build_sdist(tmp_path, "one", "1.0")).metadata.project == "one"
    assert rule_of(tar(tmp_path, link("one-1.0/up", "../../up"))) == "sdist-path"
    assert rule_of(tar(tmp_path, lambda archive: add(archive, "one-1.0/fifo", type=tarfile.FIFOTYPE))) == "sdist-path"


def test_a_link_within_is_no_harm(tmp_path: Path) -> None:
    more = both(link("one-1.0/docs/README", "../README"), link("one-1.0/hard", "one-1.0/PKG-INFO", tarfile.LNKTYPE))
    assert str(opened(tar(tmp_path, more)).metadata.version) == "1.0"


COMPRESSED = [suffix for suffix in TARS if suffix != ".tar"]


@pytest.mark.parametrize("suffix", sampled(COMPRESSED, 2))
def test_a_bomb_is_refused_before_it_is_unpacked(tmp_path: Path, suffix: str) -> None:
    zeros = tar(tmp_path, lambda archive: add(archive, "one-1.0/zeros", bytes(20 << 20)), suffix=suffix)
    assert rule_of(zeros) == "sdist-bomb"


@pytest.mark.parametrize("suffix", [".tar.gz", ".tar.bz2", ".tar.xz"])
def test_a_bomb_after_the_end_of_the_archive_is_refused(tmp_path: Path, suffix: str) -> None:
    path = tar(tmp_path, lambda archive: None, suffix=suffix)
    path.write_bytes(path.read_bytes() + compressed_tar(bytes(20 << 20), suffix))
    assert rule_of(path) == "archive"


@pytest.mark.parametrize("suffix", TARS)
def test_a_header_that_would_fill_the_memory_is_refused(tmp_path: Path, suffix: str) -> None:
    path = tar(tmp_path, lambda archive: None, suffix=suffix)
    header = tarfile.TarInfo("x")
    header.type, header.size = tarfile.XHDTYPE, 1 << 32
    path.write_bytes(compressed_tar(header.tobuf(tarfile.USTAR_FORMAT) + bytes(10_000), suffix))
    with pytest.raises(RefusedError, match="an extended header has 4294967296 bytes, more than 65536"):
        opened(path)


@pytest.mark.parametrize("suffix", [".zip", *COMPRESSED])
def test_an_sdist_cut_anywhere_is_refused(tmp_path: Path, suffix: str) -> None:
    sdist = build_sdist(tmp_path, "one", "1.0", suffix=suffix)
    good = sdist.read_bytes()
    for length in range(0, len(good), 37):
        sdist.write_bytes(good[:length])
        rule_of(sdist)


@pytest.mark.parametrize("suffix", [".zip", *COMPRESSED])
def test_a_damaged_sdist_is_refused(tmp_path: Path, suffix: str) -> None:
    sdist = build_sdist(tmp_path, "one", "1.0", suffix=suffix)
    good = sdist.read_bytes()
    middle = len(good) // 2
    sdist.write_bytes(good[:middle] + bytes([good[middle] ^ 0xFF]) + good[middle + 1 :])
    rule_of(sdist)


@pytest.mark.parametrize("suffix", [*TARS, ".tar.lz"])
def test_what_is_no_archive_is_refused(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"one-1.0{suffix}"
    path.write_bytes(b"<html>please sign in</html>")
    assert rule_of(path) == "archive"


def test_an_xz_that_asks_for_all_memory_is_refused(tmp_path: Path) -> None:
    """Its header says how much its reader must keep: here four GiB, which are not touched before they are filled."""
    path = tar(tmp_path, lambda archive: None, suffix=".tar.lzma")
    header = bytearray(path.read_bytes())
    header[1:5] = b"\xff" * 4
    path.write_bytes(header)
    code = "import resource, sys; from tests.support.refusals import rule_of; from pathlib import Path;"
    code += "resource.setrlimit(resource.RLIMIT_AS, (1 << 30, 1 << 30)); print(rule_of(Path(sys.argv[1])))"
    ended = subprocess.run([sys.executable, "-c", code, path], capture_output=True, text=True, check=False)
    assert ended.stdout == "sdist-bomb\n", ended.stderr


@pytest.mark.parametrize("suffix", [".zip", ".tar.gz", ".tar.bz2"])
def test_an_sdist_may_have_no_folder_of_its_own(tmp_path: Path, suffix: str) -> None:
    """As hexdump 3.3 does."""
    tests = {"one.egg-info/PKG-INFO": core_metadata("other", "2.0"), "tests/pyproject.toml": b"[tool.other]"}
    sdist = build_sdist(tmp_path, "one", "1.0", requires=["lib"], files=tests, suffix=suffix, top="")
    assert opened(sdist).metadata.requires_dist == ("lib",)
    assert "build-backend" in (read_pyproject(sdist, sdist.name) or "")
    old = build_sdist(tmp_path, "one", "1.0", setup_py="", files=tests, suffix=suffix, top="")
    assert read_pyproject(old, old.name) is None


@pytest.mark.parametrize("top", ["./one-1.0/", "./"])
@pytest.mark.parametrize("suffix", [".tar.gz", ".tar.bz2"])
def test_every_name_in_an_sdist_may_begin_with_a_dot(tmp_path: Path, suffix: str, top: str) -> None:
    """As `tar czf one-1.0.tar.gz ./one-1.0` writes them."""
    sdist = build_sdist(tmp_path, "one", "1.0", requires=["lib"], suffix=suffix, top=top)
    with tarfile.open(sdist) as archive:
        assert all(name.startswith("./") for name in archive.getnames())
    assert opened(sdist).metadata.requires_dist == ("lib",)
    assert "build-backend" in (read_pyproject(sdist, sdist.name) or "")


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_what_builds_an_sdist_is_found_in_it(tmp_path: Path, suffix: str) -> None:
    sdist = build_sdist(tmp_path, "one", "1.0", suffix=suffix)
    assert "build-backend" in (read_pyproject(sdist, sdist.name) or "")


def test_an_implicit_post_release_is_that_of_its_metadata(tmp_path: Path) -> None:
    """As functools32-3.2.3-2.tar.gz is 3.2.3.post2."""
    for version in ("1.0-2", "1.0.post2"):
        sdist = build_sdist(
            tmp_path, "one", version, pkg_info=core_metadata("one", version), filename="one-1.0-2.tar.gz"
        )
        assert str(opened(sdist).metadata.version) == "1.0.post2"
    assert rule_of(build_sdist(tmp_path, "one", "1.0", filename="one-1.0-2.tar.gz")) == "metadata-mismatch"


def test_a_zip_sdist_that_climbs_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "one-1.0.zip"
    path.write_bytes(zip_bytes([Member("one-1.0/PKG-INFO", core_metadata("one", "1.0")), Member("../evil", b"")]))
    assert rule_of(path) == "zip-path"


def zipped(folder: Path, *more: Member) -> Path:
    """A zipped sdist of `one` 1.0 with these members too."""
    path = folder / "one-1.0.zip"
    path.write_bytes(zip_bytes([Member("one-1.0/PKG-INFO", core_metadata("one", "1.0")), *more]))
    return path


@pytest.mark.parametrize("name", ["setup.py", "pyproject.toml"])
def test_a_zip_sdist_whose_folder_has_the_name_of_a_file_is_refused(tmp_path: Path, name: str) -> None:
    path = zipped(tmp_path, Member(f"one-1.0/{name}", b"code"), Member(f"one-1.0/{name}/", b""))
    assert rule_of(path) == "sdist-duplicate"
    with pytest.raises(RefusedError, match=f"`one-1.0/{name}` is in the archive twice, as a file and as a folder"):
        read_pyproject(path, path.name)
    with pytest.raises(RefusedError, match="as a file and as a folder"):
        contents_of_members(path, path.name, {f"one-1.0/{name}"}, 8)


@pytest.mark.parametrize("names", [("a", "a/b"), ("a/b", "a"), ("a-b", "a", "a!", "a/b/c"), ("a", "a/b/")])
def test_a_zip_sdist_with_a_member_below_a_file_is_refused(tmp_path: Path, names: tuple[str, ...]) -> None:
    path = zipped(tmp_path, *(Member(f"one-1.0/{name}", b"") for name in names))
    assert rule_of(path) == "sdist-duplicate"
    with pytest.raises(RefusedError, match=r"`one-1\.0/a` is in the archive twice, as a file and as a folder"):
        read_pyproject(path, path.name)


@pytest.mark.parametrize("suffix", [".zip", ".tar.gz"])
def test_only_named_members_up_to_the_limit_are_read(tmp_path: Path, suffix: str) -> None:
    files = {"a": b"12345678", "b": b"x", "long": b"123456789"}
    path = tmp_path / f"one-1.0{suffix}"
    if suffix == ".zip":
        zipped(tmp_path, *(Member(f"one-1.0/{name}", data) for name, data in files.items()))
    else:
        with tarfile.open(path, "w:gz") as archive:
            for name, data in files.items():
                info = tarfile.TarInfo(f"one-1.0/{name}")
                info.size = len(data)
                archive.addfile(info, io.BytesIO(data))
    assert contents_of_members(path, path.name, {"one-1.0/a", "one-1.0/long"}, 8) == {"one-1.0/a": b"12345678"}


def test_metadata_below_the_top_or_of_another_name_are_not_those_of_the_sdist(tmp_path: Path) -> None:
    own, others = core_metadata("one", "1.0"), core_metadata("two", "1.0")
    path = tmp_path / "one-1.0.zip"
    members = ("one-1.0/PKG-INFO", own), ("one-1.0/PKG-INFO.in", others), ("one-1.0/two.egg-info/PKG-INFO", others)
    path.write_bytes(zip_bytes([Member(name, raw) for name, raw in members]))
    assert opened(path).metadata.project == "one"
    path.write_bytes(zip_bytes([Member("one-1.0/PKG-INFO.in", own)]))
    assert rule_of(path) == "sdist-metadata"


def test_a_link_is_no_pyproject(tmp_path: Path) -> None:
    path = tmp_path / "one-1.0.tar.gz"
    with tarfile.open(path, "w:gz") as archive:
        link = tarfile.TarInfo("one-1.0/pyproject.toml")
        link.type, link.linkname = tarfile.SYMTYPE, "other.toml"
        archive.addfile(link)
    assert read_pyproject(path, path.name) is None


def test_a_tar_sdist_with_a_member_below_a_file_is_refused(tmp_path: Path) -> None:
    def members(archive: tarfile.TarFile) -> None:
        add(archive, "one-1.0/a/b")
        add(archive, "one-1.0/a")

    assert rule_of(tar(tmp_path, members)) == "sdist-duplicate"


def test_a_tar_sdist_whose_folder_is_a_member_of_its_own_is_taken(tmp_path: Path) -> None:
    def members(archive: tarfile.TarFile) -> None:
        add(archive, "one-1.0/a", type=tarfile.DIRTYPE)
        add(archive, "one-1.0/a/b")

    opened(tar(tmp_path, members))


def test_a_zip_sdist_whose_names_only_begin_alike_is_taken(tmp_path: Path) -> None:
    names = ("a/", "a/b", "a/b-c", "a/b.c/d", "ab", "a-")
    opened(zipped(tmp_path, *(Member(f"one-1.0/{name}", b"") for name in names)))


class Names:
    """Notes the names that a Watch sees."""

    def __init__(self) -> None:
        self.names: list[str] = []

    def passing(self, name: str, _size: int, _mode: int, contents: Iterator[bytes]) -> Iterator[bytes]:
        self.names.append(name)
        return contents

    def hashed(self, name: str, digest: str) -> None:
        raise AssertionError(name, digest)


def test_the_folders_of_a_zip_sdist_are_no_files(tmp_path: Path) -> None:
    path = zipped(tmp_path, Member("one-1.0/Docs/", b""), Member("one-1.0/docs/", b""), Member("one-1.0/a", b"x"))
    watch = Names()
    assert inspect(path, path.name, watch).findings == ()
    assert watch.names == ["one-1.0/PKG-INFO", "one-1.0/a"]
    assert contents_of_members(path, path.name, {"one-1.0/Docs", "one-1.0/a"}, 8) == {"one-1.0/a": b"x"}


def test_a_damaged_folder_of_a_zip_sdist_is_refused(tmp_path: Path) -> None:
    assert rule_of(zipped(tmp_path, Member("one-1.0/docs/", b"", crc=7))) == "zip-crc"


@pytest.mark.parametrize(
    ("suffix", "size"),
    [(".zip", (1 << 20) + 1), (".tar.gz", (1 << 20) + 1), (".tar", (1 << 20) + 1), (".tar", 17 << 20)],
)
def test_a_pyproject_beyond_the_limit_is_refused(tmp_path: Path, suffix: str, size: int) -> None:
    text = "#" * size
    sdist = build_sdist(tmp_path, "one", "1.0", pyproject=text, suffix=suffix)
    with pytest.raises(RefusedError) as refusal:
        read_pyproject(sdist, sdist.name)
    assert refusal.value.rule == "archive-limit"
