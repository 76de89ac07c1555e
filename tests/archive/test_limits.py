"""Limits of what an archive and its metadata may hold, and names and fields that readers read differently."""

import gzip
import io
import tarfile
from collections.abc import Callable
from pathlib import Path
from random import Random

import pytest

from tests.support.archive import Member, zip_bytes
from tests.support.contents import core_metadata
from tests.support.refusals import opened, rule_of
from tests.support.wheels import build_sdist, build_wheel
from wheelhouse.archive import compressed, limits, sdistfile, wheelfile, ziparchive
from wheelhouse.archive.build_system import BuildSystem, build_system
from wheelhouse.archive.compressed import outward_members
from wheelhouse.archive.elf import MAX_SECTIONS, MAX_SEGMENTS, native_of
from wheelhouse.archive.metadata import parse_metadata, parse_requires_txt
from wheelhouse.archive.sdistfile import read_pyproject
from wheelhouse.archive.wheelfile import metadata_of
from wheelhouse.errors import InputError, IntegrityError, RefusedError
from wheelhouse.findings import Severity
from wheelhouse.resolve.requirements import parse_line
from wheelhouse.vet.vet import RULES

FIELDS = b"Metadata-Version: 2.1\nName: one\nVersion: 1.0\n"
INFO = "one-1.0.dist-info"
WHEEL = "one-1.0-py3-none-any.whl"


def findings_of(path: Path) -> dict[str, Severity]:
    return {finding.rule: finding.severity for finding in opened(path).findings}


# Limits


@pytest.mark.parametrize(
    ("raw", "what"),
    [
        (FIELDS + b"a:\n" * limits.MAX_HEADER_FIELDS, "its metadata have 10003 fields, more than 10000"),
        (FIELDS + b"Summary: x\n" + b" \n" * limits.MAX_HEADER_LINES, "a header of more than 100000 lines"),
        (FIELDS + b"Summary: x\n" + b" \r" * limits.MAX_HEADER_LINES, "a header of more than 100000 lines"),
        (FIELDS + b"Summary: " + b"x" * limits.MAX_HEADER_BYTES, "bytes, more than 4194304"),
    ],
    ids=["fields", "lines", "carriage returns", "bytes"],
)
def test_metadata_beyond_a_limit_are_refused(raw: bytes, what: str) -> None:
    with pytest.raises(RefusedError, match=what) as refusal:
        metadata_of(raw, WHEEL)
    assert refusal.value.rule == "archive-limit" and f"`{WHEEL}`" in str(refusal.value)


def test_metadata_at_the_limits_are_read() -> None:
    raw = FIELDS + b"a:\n" * (limits.MAX_HEADER_FIELDS - 3)
    assert parse_metadata(raw, "one").project == "one"
    described = FIELDS + b"\n" + b"x\n" * (limits.MAX_HEADER_LINES + 1) + b"Version: 2.0\n"
    assert str(parse_metadata(described, "one").version) == "1.0"


def test_a_requirement_beyond_the_limit_cannot_be_read() -> None:
    longest = f"a>={'1.' * (limits.MAX_REQUIREMENT_LENGTH // 2 - 2)}0"
    assert len(longest) == limits.MAX_REQUIREMENT_LENGTH and parse_line(longest).project == "a"
    with pytest.raises(InputError, match="has more than 5000 characters"):
        parse_line(f"{longest}0")
    assert parse_metadata(FIELDS + f"Requires-Dist: {longest}\n".encode(), "one").invalid_line is None
    metadata = parse_metadata(FIELDS + f"Requires-Dist: {longest}0\n".encode(), "one")
    assert metadata.invalid_line == f"{longest}0"


def test_a_requires_txt_beyond_the_limit_is_refused() -> None:
    assert len(parse_requires_txt("a\n" * limits.MAX_HEADER_FIELDS)[0]) == limits.MAX_HEADER_FIELDS
    with pytest.raises(RefusedError, match="more than 10000 requirements"):
        parse_requires_txt("a\n" * (limits.MAX_HEADER_FIELDS + 1))


def test_a_wheel_with_too_many_members_or_rows_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    wheel = build_wheel(tmp_path, "one", "1.0", files={f"one/{n}.py": b"" for n in range(5)})
    monkeypatch.setattr(ziparchive, "MAX_MEMBERS", 8)
    monkeypatch.setattr(wheelfile, "MAX_RECORD_ROWS", 8)
    assert opened(wheel).findings == ()
    monkeypatch.setattr(wheelfile, "MAX_RECORD_ROWS", 7)
    assert rule_of(wheel) == "archive-limit"
    monkeypatch.setattr(wheelfile, "MAX_RECORD_ROWS", 8)
    monkeypatch.setattr(ziparchive, "MAX_MEMBERS", 7)
    assert rule_of(wheel) == "archive-limit"


def test_a_row_of_record_with_too_many_fields_is_refused(tmp_path: Path) -> None:
    commas = limits.MAX_RECORD_FIELDS - 1
    longest = opened(with_row(tmp_path, "one.txt" + "," * (commas - 2)))
    assert {finding.rule for finding in longest.findings} == {"record-fields", "record-missing-file", "record-no-hash"}
    assert rule_of(with_row(tmp_path, "one.txt" + "," * (commas - 1))) == "archive-limit"


@pytest.mark.parametrize("name", ["METADATA", "RECORD", "WHEEL"])
def test_a_file_that_is_too_large_to_be_read_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    monkeypatch.setattr(wheelfile, f"MAX_{name}_BYTES", 10)
    with pytest.raises(RefusedError, match=rf"its one-1\.0\.dist-info/{name} has \d+ bytes, more than 10"):
        opened(build_wheel(tmp_path, "one", "1.0"))


def test_a_name_that_is_longer_than_any_path_is_refused(tmp_path: Path) -> None:
    for longest in ("a" * limits.MAX_PATH_BYTES, "a/" * limits.MAX_PATH_DEPTH + "b"):
        assert opened(build_wheel(tmp_path, "one", "1.0", files={longest: b""})).findings == ()
        assert rule_of(build_wheel(tmp_path, "one", "1.0", files={f"b/{longest}": b""})) == "archive-limit"
        assert rule_of(tar(tmp_path, block(f"one-1.0/{longest}"))) == "archive-limit"
    long_target = tar(tmp_path, block("one-1.0/a", type=tarfile.SYMTYPE, linkname="a/" * 300))
    assert rule_of(long_target) == "archive-limit"


def test_an_sdist_with_too_many_members_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tar(tmp_path, *(block(f"one-1.0/{n}") for n in range(4)))
    monkeypatch.setattr(sdistfile, "MAX_MEMBERS", 5)
    assert str(opened(path).metadata.version) == "1.0"
    monkeypatch.setattr(sdistfile, "MAX_MEMBERS", 4)
    assert rule_of(path) == "archive-limit"


def test_a_pyproject_that_is_too_large_or_too_deep_is_refused(tmp_path: Path) -> None:
    large = build_sdist(tmp_path, "one", "1.0", files={"pyproject.toml": b"#" * (limits.MAX_PYPROJECT_BYTES + 1)})
    with pytest.raises(RefusedError, match=r"pyproject\.toml has more than 1048576 bytes"):
        read_pyproject(large, large.name)
    longest = b"#" * limits.MAX_PYPROJECT_BYTES
    at_most = build_sdist(tmp_path, "one", "1.0", files={"pyproject.toml": longest})
    assert read_pyproject(at_most, at_most.name) == longest.decode()
    for text in (f"a = {'[' * 10_000}{']' * 10_000}", f"a = {'{a=' * 10_000}1{'}' * 10_000}"):
        with pytest.raises(IntegrityError, match="cannot be read"):
            build_system(text, "one-1.0.tar.gz")
    assert build_system(f"{'a.' * 300}a = 1", "one-1.0.tar.gz") == BuildSystem()


@pytest.mark.parametrize(("segments", "sections"), [(MAX_SEGMENTS + 1, 0), (0, MAX_SECTIONS + 1)])
def test_an_elf_file_with_too_many_headers_is_not_read(segments: int, sections: int) -> None:
    assert native_of(elf(1, 1)).machine == "x86_64"
    assert native_of(elf(segments, sections)).machine == ""


def elf(segments: int, sections: int) -> bytes:
    """An ELF file of x86_64 whose headers of a kind are all the same, empty one."""

    def number(value: int, size: int) -> bytes:
        return value.to_bytes(size, "little")

    head = b"\x7fELF\2\1\1" + bytes(9) + number(3, 2) + number(62, 2) + number(1, 4) + number(0, 8)
    places = number(64, 8) + number(64, 8) + number(0, 4) + number(64, 2)
    counts = b"".join(number(count, 2) for count in (56, segments, 64, sections, 0))
    return head + places + counts + bytes(64 * max(segments, sections))


# What readers read differently


@pytest.mark.parametrize("field", ["Name: two", "Version: 2.0", "Metadata-Version: 1.0", "requires-python: >=3.8"])
def test_a_field_with_two_values_is_refused(tmp_path: Path, field: str) -> None:
    raw = FIELDS + b"Requires-Python: >=3\n" + field.encode() + b"\n"
    files = {f"{INFO}/METADATA": raw}
    assert rule_of(build_wheel(tmp_path, "one", "1.0", files=files)) == "metadata-duplicate"
    assert rule_of(build_sdist(tmp_path, "one", "1.0", pkg_info=raw)) == "metadata-duplicate"


def test_a_field_that_says_the_same_twice_is_harmless() -> None:
    assert parse_metadata(FIELDS + b"version:  1.0 \nClassifier: a\nClassifier: b\n", "one").project == "one"


@pytest.mark.parametrize("line", ["Wheel-Version: 1.9", "root-is-purelib: false"])
def test_a_field_of_wheel_with_two_values_is_refused(tmp_path: Path, line: str) -> None:
    text = f"Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: a\nTag: b\n{line}\n".encode()
    wheel = build_wheel(tmp_path, "one", "1.0", files={f"{INFO}/WHEEL": text})
    assert rule_of(wheel) == "metadata-duplicate"


@pytest.mark.parametrize(
    "path", ["/etc/passwd", "../../bin/one", "one/../..", "..", "C:/x", "C:\\x", "\\x", "one\\..\\x"]
)
def test_a_row_of_record_outside_the_wheel_is_refused(tmp_path: Path, path: str) -> None:
    """pip keeps such a row, and removes that file when it uninstalls the project."""
    assert rule_of(with_row(tmp_path, path)) == "record-path"


@pytest.mark.parametrize("path", ["one/..a", "one...py", "a:b", "..."])
def test_a_row_of_record_with_dots_is_no_path_outside(tmp_path: Path, path: str) -> None:
    assert "record-missing-file" in findings_of(with_row(tmp_path, path))


def with_row(folder: Path, path: str) -> Path:
    members = [
        Member("one.py", b""),
        Member(f"{INFO}/METADATA", FIELDS),
        Member(f"{INFO}/WHEEL", b"Wheel-Version: 1.0\n"),
    ]
    rows = "".join(f"{member.name},," + "\n" for member in members) + f"{path},,\n"
    wheel = folder / WHEEL
    wheel.write_bytes(zip_bytes([*members, Member(f"{INFO}/RECORD", rows.encode())]))
    return wheel


TWINS = [
    (("one/a.py", "one/A.py"), "name-twins", Severity.ERROR),
    (("one/a.py", "One/A.PY"), "name-twins", Severity.ERROR),
    *(((f"one/a{end}", f"one/A{end}"), "name-twins", Severity.ERROR) for end in (".so", ".pyd", ".dll", ".dylib")),
    (("one/caf\u00e9", "one/cafe\u0301"), "name-twins", Severity.ERROR),
    (("one/xt_MARK.h", "one/xt_mark.h"), "case-twins", Severity.WARNING),
    (("one/STRASSE", "one/stra\u00dfe"), "case-twins", Severity.WARNING),
]


@pytest.mark.parametrize(("names", "rule", "severity"), TWINS)
def test_names_that_a_file_system_takes_for_one(
    tmp_path: Path, names: tuple[str, str], rule: str, severity: Severity
) -> None:
    files = dict.fromkeys(names, b"")
    assert findings_of(build_wheel(tmp_path, "one", "1.0", files=files)) == {rule: severity}
    sdist = build_sdist(tmp_path, "one", "1.0", files=files)
    assert findings_of(sdist) == {"case-twins": Severity.WARNING}


def test_names_that_differ_in_more_than_case_are_no_twins(tmp_path: Path) -> None:
    files = dict.fromkeys(["one/a.py", "one/b.py", "one/a/a.py", "A/b.py", "one/\u00e9", "one/e"], b"")
    assert opened(build_wheel(tmp_path, "one", "1.0", files=files)).findings == ()


def block(name: str, data: bytes = b"", **fields: object) -> bytes:
    info = tarfile.TarInfo(name)
    info.size = len(data)
    for field, value in fields.items():
        setattr(info, field, value)
    return info.tobuf(tarfile.GNU_FORMAT) + data + bytes(-len(data) % 512)


def tar(folder: Path, *blocks: bytes, end: bytes = bytes(1024)) -> Path:
    path = folder / "one-1.0.tar.gz"
    pkg_info = block("one-1.0/PKG-INFO", core_metadata("one", "1.0"))
    path.write_bytes(gzip.compress(pkg_info + b"".join(blocks) + end, mtime=0))
    return path


@pytest.mark.parametrize(
    ("first", "second", "is_refused"),
    [
        (block("one-1.0/a", b"x"), block("one-1.0/a", b"x"), False),
        (block("one-1.0/a", b"x"), block("one-1.0/./a", b"y"), True),
        (block("one-1.0/a", b"x"), block("one-1.0/a", b"xy"), True),
        (block("one-1.0/a", b"x"), block("one-1.0/a", type=tarfile.SYMTYPE, linkname="b"), True),
        (block("one-1.0/a", type=tarfile.DIRTYPE), block("one-1.0/a/", type=tarfile.DIRTYPE), False),
        (block("one-1.0/a", type=tarfile.DIRTYPE), block("one-1.0/a", b"x"), True),
        (block("one-1.0/PKG-INFO", core_metadata("one", "1.0")), b"", False),
        (block("one-1.0/PKG-INFO", core_metadata("one", "1.0", requires=["evil"])), b"", True),
    ],
)
def test_a_member_that_a_tar_has_twice_with_two_contents_is_refused(
    tmp_path: Path, first: bytes, second: bytes, is_refused: bool
) -> None:
    path = tar(tmp_path, first, second)
    if is_refused:
        assert rule_of(path) == "sdist-duplicate"
    else:
        assert str(opened(path).metadata.version) == "1.0"


@pytest.mark.parametrize(
    "end", [bytes(1024) + block("one-1.0/b", b"evil") + bytes(1024), bytes(512) + b"x", b"x" * 512]
)
def test_a_tar_with_a_second_archive_or_anything_else_behind_it_is_refused(tmp_path: Path, end: bytes) -> None:
    assert str(opened(tar(tmp_path, end=bytes(10_240))).metadata.version) == "1.0"
    assert rule_of(tar(tmp_path, end=end)) == "archive"


@pytest.mark.parametrize("more", [block("one-1.0/a", type=b"S"), block("one-1.0/a", b"x", type=b"S")])
def test_a_sparse_member_of_an_sdist_is_refused(tmp_path: Path, more: bytes) -> None:
    assert rule_of(tar(tmp_path, more)) == "sdist-sparse"


@pytest.mark.parametrize("pack", [bytes, gzip.compress])
def test_members_that_lead_out_are_named_as_far_as_the_tar_is_read(
    tmp_path: Path, pack: Callable[[bytes], bytes]
) -> None:
    path = tmp_path / "x"
    outward = (
        block("../a") + block("b", type=tarfile.LNKTYPE, linkname="/b") + block("c/d", type=b"2", linkname="../../e")
    )
    inward = block("a/../b") + block("c/d", type=b"2", linkname="../e") + block("s", b"x", type=b"S")
    path.write_bytes(pack(inward + outward + bytes(1024)))
    assert outward_members(path) == ["../a", "b", "c/d"]
    path.write_bytes(pack(outward + io.BytesIO(bytes([1]) * 600).read()))
    assert outward_members(path) == ["../a", "b", "c/d"]
    path.write_bytes(b"<html>")
    assert outward_members(path) == []


def test_so_many_members_that_lead_out_are_named_at_most(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(compressed, "MAX_NAMED", 2)
    path = tmp_path / "x"
    path.write_bytes(b"".join(block(f"../{number}") for number in range(4)) + bytes(1024))
    assert outward_members(path) == ["../0", "../1"]


def test_members_before_damaged_compressed_data_are_named(tmp_path: Path) -> None:
    path = tmp_path / "x"
    whole = gzip.compress(block("../a") + block("b", Random(1).randbytes(200_000)))
    path.write_bytes(whole[:100_000] + bytes(100) + whole[100_100:])
    assert outward_members(path) == ["../a"]
    path.write_bytes(whole[:10] + b"\xff" * 100)
    assert outward_members(path) == []


@pytest.mark.parametrize(
    "rule", ["archive-limit", "metadata-duplicate", "record-path", "sdist-duplicate", "sdist-sparse"]
)
def test_what_readers_read_differently_is_never_waived(rule: str) -> None:
    assert not RULES[rule].waivable and RULES[rule].severity == Severity.ERROR
    assert RULES["name-twins"].waivable and RULES["case-twins"].severity == Severity.WARNING
