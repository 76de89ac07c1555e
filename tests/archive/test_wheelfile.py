"""What a wheel says of itself, and what is refused: each kind of hostile archive by its own rule."""

import io
import re
import struct
import subprocess
import sys
import zipfile
from base64 import urlsafe_b64decode
from collections.abc import Callable
from pathlib import Path
from random import Random

import pytest

from tests.support.archive import Member, zip_bytes
from tests.support.contents import core_metadata, record_file, wheel_members
from tests.support.refusals import opened, rule_of
from tests.support.wheels import build_wheel, hostile_wheels
from wheelhouse.archive.wheelfile import metadata_of
from wheelhouse.archive.ziparchive import CHUNK_BYTES, _descriptor_length
from wheelhouse.archive.ziparchive import Member as ZipMember
from wheelhouse.errors import IntegrityError, MachineError, RefusedError
from wheelhouse.findings import FactValue, Severity
from wheelhouse.vet.vet import RULES as VET_RULES

RULES = {
    "duplicate_name": "zip-duplicate",
    "parent_name": "zip-path",
    "absolute_name": "zip-path",
    "backslash_name": "zip-path",
    "drive_name": "zip-path",
    "nul_name": "zip-path",
    "symlink": "zip-link",
    "encrypted": "zip-encrypted",
    "wrong_crc": "zip-crc",
    "bomb_size_lie": "zip-bomb",
    "bomb_ratio": "zip-bomb",
    "local_name_differs": "zip-disagreement",
    "local_size_differs": "zip-disagreement",
    "local_only": "zip-hidden-data",
    "overlapping": "zip-hidden-data",
    "central_size_zero": "zip-directory",
    "prepended_data": "zip-directory",
    "trailing_data": "zip-trailing-data",
}


def rules_of(path: Path) -> dict[str, dict[str, FactValue]]:
    return {finding.rule: finding.values for finding in opened(path).findings}


@pytest.fixture(scope="module")
def hostile(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    return hostile_wheels(tmp_path_factory.mktemp("hostile"))


def test_every_hostile_kind_has_its_rule(hostile: dict[str, Path]) -> None:
    assert hostile.keys() == RULES.keys()


@pytest.mark.parametrize("kind", RULES)
def test_a_hostile_wheel_is_refused_by_rule(hostile: dict[str, Path], kind: str) -> None:
    assert rule_of(hostile[kind]) == RULES[kind]
    assert not VET_RULES[RULES[kind]].waivable


def test_a_good_wheel_says_what_it_is(tmp_path: Path) -> None:
    wheel = build_wheel(tmp_path, "Foo.Bar", "1.0", requires=["lib>=2"], extras={"X_y": ["other"]})
    contents = opened(wheel)
    assert contents.findings == ()
    assert (contents.metadata.project, str(contents.metadata.version)) == ("foo-bar", "1.0")
    assert contents.metadata.extras == {"x-y"}
    assert contents.metadata.provisional is None
    assert contents.raw_metadata.startswith(b"Metadata-Version")


def with_members(folder: Path, change: "dict[str, object]", name: str = "one") -> Path:
    """A wheel whose own module's member is changed as told."""

    def mutate(members: list[Member]) -> list[Member]:
        first, *others = members
        return [Member(**{"name": first.name, "data": first.data, **change}), *others]  # type: ignore[arg-type]

    return build_wheel(folder, name, "1.0", mutate=mutate)


@pytest.mark.parametrize(
    ("change", "rule"),
    [
        ({"compress_type": zipfile.ZIP_STORED, "crc": 1}, "zip-crc"),
        ({"compress_type": zipfile.ZIP_STORED, "size": 3}, "zip-disagreement"),
        ({"size": 3}, "zip-bomb"),
        ({"size": 3_000}, "zip-disagreement"),
        ({"compress_type": zipfile.ZIP_BZIP2}, "zip-method"),
        ({"flags": 0x40}, "zip-encrypted"),
        ({"name": "one/\x1b[2J.py"}, "zip-path"),
        ({"name": "one/./a.py"}, "zip-path"),
        ({"name": "one//a.py"}, "zip-path"),
        ({"name": ".."}, "zip-path"),
        ({"name": "one/"}, "zip-disagreement"),
        ({"external_attr": 0o020644 << 16}, "zip-link"),
    ],
)
def test_one_lie_of_a_member_is_refused(tmp_path: Path, change: dict[str, object], rule: str) -> None:
    assert rule_of(with_members(tmp_path, change)) == rule


def test_the_bytes_that_belong_to_no_member_are_counted(tmp_path: Path) -> None:
    plain = build_wheel(tmp_path, "one", "1.0").read_bytes()
    hidden = Member("one/hidden.py", b"import os", hidden=True)
    wheel = build_wheel(tmp_path, "one", "1.0", mutate=lambda members: [members[0], hidden, *members[1:]])
    more = len(wheel.read_bytes()) - len(plain)
    with pytest.raises(RefusedError, match=rf": {more} bytes before `one-1.0.dist-info/"):
        opened(wheel)


def test_streamed_members_and_folders_are_no_lie(tmp_path: Path) -> None:
    def mutate(members: list[Member]) -> list[Member]:
        first, *others = members
        return [Member("one/", b""), Member(first.name, first.data, flags=8), *others]

    assert opened(build_wheel(tmp_path, "one", "1.0", mutate=mutate)).findings == ()


def test_a_long_member_is_read_in_pieces(tmp_path: Path) -> None:
    noise = Random(1).randbytes(CHUNK_BYTES * 3 // 2).hex().encode()  # longer than a piece also when compressed
    wheel = build_wheel(tmp_path, "one", "1.0", files={"one/data.bin": noise, "one/empty.py": b""})
    assert opened(wheel).findings == ()


def test_a_flipped_byte_anywhere_is_never_taken_for_a_good_wheel_of_another_content(tmp_path: Path) -> None:
    wheel = build_wheel(tmp_path, "one", "1.0")
    good = wheel.read_bytes()
    expected = opened(wheel)
    for position in range(0, len(good), 3):
        wheel.write_bytes(good[:position] + bytes([good[position] ^ 0xFF]) + good[position + 1 :])
        try:
            contents = opened(wheel)
        except IntegrityError:
            continue
        assert contents == expected, f"byte {position}"


def test_a_wheel_cut_anywhere_is_refused(tmp_path: Path) -> None:
    wheel = build_wheel(tmp_path, "one", "1.0")
    good = wheel.read_bytes()
    for length in range(0, len(good), 7):
        wheel.write_bytes(good[:length])
        rule_of(wheel)
    for length in (len(good) - 1, len(good) - 22, 10):
        wheel.write_bytes(good[:length])
        assert rule_of(wheel) == "zip-structure"


@pytest.mark.parametrize("field", [4, 6, 8])
def test_an_end_record_of_several_disks_is_refused(tmp_path: Path, field: int) -> None:
    wheel = build_wheel(tmp_path, "one", "1.0")
    data = bytearray(wheel.read_bytes())
    data[len(data) - 22 + field] += 1
    wheel.write_bytes(data)
    assert rule_of(wheel) == "zip-structure"


def test_an_end_record_is_looked_for_only_where_its_comment_can_end(tmp_path: Path) -> None:
    wheel = build_wheel(tmp_path, "one", "1.0")
    good = wheel.read_bytes()
    wheel.write_bytes(good + b"x" * 0xFFFF)
    assert rule_of(wheel) == "zip-trailing-data"
    wheel.write_bytes(good + b"x" * (0xFFFF + 1))
    assert rule_of(wheel) == "zip-structure"


# ZIP64


def zip64(data: bytes, *, tell_classic: bool = True, count_off: int = 0) -> bytes:
    """The same archive with a ZIP64 end record, which says `count_off` more members than there are."""
    body, end = data[:-22], data[-22:]
    _, _, _, _, count, size, offset, _ = struct.unpack("<4s4H2LH", end)
    real = count + count_off
    record = struct.pack("<4sQ2H2L4Q", b"PK\6\6", 44, 45, 45, 0, 0, real, real, size, offset)
    locator = struct.pack("<4sLQL", b"PK\6\7", 0, len(body), 1)
    if not tell_classic:
        end = struct.pack("<4s4H2LH", b"PK\5\6", 0, 0, 0xFFFF, 0xFFFF, 0xFFFFFFFF, 0xFFFFFFFF, 0)
    return body + record + locator + end


@pytest.mark.parametrize("tell_classic", [True, False])
def test_a_zip64_end_record_is_read(tmp_path: Path, tell_classic: bool) -> None:
    wheel = build_wheel(tmp_path, "one", "1.0")
    wheel.write_bytes(zip64(wheel.read_bytes(), tell_classic=tell_classic))
    assert opened(wheel).findings == ()
    with zipfile.ZipFile(wheel) as archive:
        assert archive.testzip() is None


def test_a_zip64_end_record_that_is_elsewhere_is_refused(tmp_path: Path) -> None:
    wheel = build_wheel(tmp_path, "one", "1.0")
    data = zip64(wheel.read_bytes())
    wheel.write_bytes(data.replace(b"PK\6\6", b"PK\6\5"))
    assert rule_of(wheel) == "zip-structure"


def test_sizes_after_data_of_4_gib_have_8_bytes() -> None:
    size = 1 << 32
    after = struct.pack("<4sLQQ", b"PK\7\x08", 1, 5, size)
    assert _descriptor_length(after, ZipMember("one", 8, 1, 5, size, 0, 0), 0) == len(after)  # type: ignore[arg-type]


def test_end_records_that_differ_are_refused(tmp_path: Path) -> None:
    wheel = build_wheel(tmp_path, "one", "1.0")
    wheel.write_bytes(zip64(wheel.read_bytes(), count_off=1))
    with pytest.raises(RefusedError, match="its two end records differ") as refusal:
        opened(wheel)
    assert refusal.value.rule == "zip-directory"


def all_in_zip64(data: bytes) -> bytes:
    """The same archive with every size and offset in ZIP64 fields alone (APPNOTE 4.5.3)."""
    body, central = b"", b""
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        for entry in archive.infolist():
            name, offset = entry.filename.encode(), len(body)
            start = entry.header_offset + 30 + len(name)
            sizes = struct.pack("<2Q", entry.file_size, entry.compress_size)
            local, whole = (
                struct.pack("<2H", 1, len(field)) + field for field in (sizes, sizes + offset.to_bytes(8, "little"))
            )
            common = (45, entry.flag_bits, entry.compress_type, 0, 33, entry.CRC, 0xFFFFFFFF, 0xFFFFFFFF, len(name))
            body += struct.pack("<4s5H3L2H", b"PK\3\4", *common, len(local)) + name + local
            body += data[start : start + entry.compress_size]
            places = (0, 0, 0, entry.external_attr, 0xFFFFFFFF)
            central += struct.pack("<4s6H3L5H2L", b"PK\1\2", 45, *common, len(whole), *places) + name + whole
        count = len(archive.infolist())
    return body + central + struct.pack("<4s4H2LH", b"PK\5\6", 0, 0, count, count, len(central), len(body), 0)


def test_sizes_and_offsets_in_zip64_fields_are_read(tmp_path: Path) -> None:
    wheel = build_wheel(tmp_path, "one", "1.0", requires=["lib"])
    expected = opened(wheel)
    wheel.write_bytes(all_in_zip64(wheel.read_bytes()))
    assert zipfile.is_zipfile(wheel) and opened(wheel) == expected


def with_extra(wheel: Path, extra: bytes) -> Path:
    """The wheel with this extra field in both headers of the module's members."""
    with zipfile.ZipFile(wheel) as archive:
        held = {entry.filename: archive.read(entry) for entry in archive.infolist()}
    with zipfile.ZipFile(wheel, "w") as archive:
        for name, content in held.items():
            entry = zipfile.ZipInfo(name)
            entry.extra = extra if name.startswith("one/") else b""
            archive.writestr(entry, content)
    return wheel


def test_the_time_in_an_extra_field_is_harmless(tmp_path: Path) -> None:
    extra = struct.pack("<HHBL", 0x5455, 5, 1, 1_700_000_000)
    assert opened(with_extra(build_wheel(tmp_path, "one", "1.0"), extra)).findings == ()


@pytest.mark.parametrize(("flags", "first", "last"), [(0, 14, 26), (8, 14, 15)])
def test_sizes_after_the_data_are_zero_before_it_and_only_if_the_flag_says_so(
    tmp_path: Path, flags: int, first: int, last: int
) -> None:
    """`first` to `last`: the bytes of the first local header that change, of its CRC and its sizes (APPNOTE 4.4.4)."""
    wheel = with_members(tmp_path, {"flags": flags})
    data = bytearray(wheel.read_bytes())
    data[first:last] = bytes(last - first) if any(data[first:last]) else b"\1" * (last - first)
    wheel.write_bytes(data)
    assert rule_of(wheel) == "zip-disagreement"


def test_an_empty_file_and_damaged_data_are_no_zip(tmp_path: Path) -> None:
    wheel = build_wheel(tmp_path, "one", "1.0")
    data = bytearray(wheel.read_bytes())
    start = 30 + int.from_bytes(data[26:28], "little")
    data[start] = 0x07  # a block of a type that there is not (RFC 1951, 3.2.3)
    for damaged in (data, b""):
        wheel.write_bytes(damaged)
        assert rule_of(wheel) == "zip-structure"


def test_a_second_name_in_an_extra_field_is_refused(tmp_path: Path) -> None:
    """Info-ZIP's Unicode path: zipfile of Python 3.13 prefers it to the name in the header, older ones do not."""
    extra = struct.pack("<HHBL", 0x7075, 5 + 7, 1, 0) + b"evil.py"
    wheel = with_extra(build_wheel(tmp_path, "one", "1.0"), extra)
    assert rule_of(wheel) == "zip-disagreement"
    local, _, central = wheel.read_bytes().partition(b"PK\1\2")
    wheel.write_bytes(local.replace(extra[:4], b"\x76" + extra[1:4]) + b"PK\1\2" + central)  # in the directory alone
    assert rule_of(wheel) == "zip-disagreement"


# What a wheel must have


def test_a_wheel_of_another_project_or_version_is_refused(tmp_path: Path) -> None:
    assert rule_of(build_wheel(tmp_path, "one", "1.0", filename="two-1.0-py3-none-any.whl")) == "wheel-dist-info"
    assert rule_of(build_wheel(tmp_path, "one", "1.0", filename="one-2.0-py3-none-any.whl")) == "metadata-mismatch"


def without(name: str) -> object:
    return lambda members: [member for member in members if not member.name.endswith(name)]


@pytest.mark.parametrize("name", ["METADATA", "WHEEL", "RECORD"])
def test_a_wheel_without_what_it_must_have_is_refused(tmp_path: Path, name: str) -> None:
    wheel = build_wheel(tmp_path, "one", "1.0", mutate=without(name))  # type: ignore[arg-type]
    assert rule_of(wheel) == "wheel-dist-info"


def test_a_second_dist_info_is_refused(tmp_path: Path) -> None:
    files = {"one.py": b"", "one-2.0.dist-info/METADATA": core_metadata("one", "2.0")}
    assert rule_of(build_wheel(tmp_path, "one", "1.0", files=files)) == "wheel-dist-info"


@pytest.mark.parametrize("text", [b"Wheel-Version: 2.0\n", b"Generator: x\n", b""])
def test_a_wheel_version_that_installers_do_not_read_is_refused(tmp_path: Path, text: bytes) -> None:
    assert rule_of(build_wheel(tmp_path, "one", "1.0", files={"one-1.0.dist-info/WHEEL": text})) == "wheel-version"


def test_metadata_read_apart_must_be_of_the_file(tmp_path: Path) -> None:
    with pytest.raises(
        RefusedError, match=r"`one-1.0-py3-none-any.whl` is refused .* metadata state a different release: two 1.0"
    ):
        metadata_of(core_metadata("two", "1.0"), "one-1.0-py3-none-any.whl")
    with pytest.raises(IntegrityError, match="lack the name or the version"):
        metadata_of(b"<html>sign in</html>", "one-1.0-py3-none-any.whl")


def test_a_file_that_is_not_there_is_this_machines_matter(tmp_path: Path) -> None:
    with pytest.raises(MachineError):
        opened(tmp_path / "one-1.0-py3-none-any.whl")


# RECORD, both ways


def with_record(folder: Path, change: object) -> Path:
    members = wheel_members("one", "1.0", core_metadata("one", "1.0"))
    held = {member.name: member.data for member in members[:-1]}
    record = record_file(held, "one-1.0.dist-info/RECORD").decode()
    return build_wheel(folder, "one", "1.0", record=change(record).encode())  # type: ignore[operator]


@pytest.mark.parametrize(
    ("change", "rule"),
    [
        (lambda record: "\n".join(record.splitlines()[1:]), "record-missing-row"),
        (lambda record: record + "gone.py,sha256=abc,3\n", "record-missing-file"),
        (lambda record: record.replace(record.splitlines()[0], "one/__init__.py,,"), "record-no-hash"),
    ],
)
def test_a_record_that_is_odd_is_a_finding(tmp_path: Path, change: object, rule: str) -> None:
    assert list(rules_of(with_record(tmp_path, change))) == [rule]


@pytest.mark.parametrize(
    ("change", "rule"),
    [
        (lambda record: record + "one/__init__.py,sha256=abc,3\n", "record-duplicate"),
        (lambda record: record + f'"{"x" * 200_000}",,\n', "archive"),
    ],
)
def test_a_record_that_lies_is_refused(tmp_path: Path, change: object, rule: str) -> None:
    assert rule_of(with_record(tmp_path, change)) == rule


@pytest.mark.parametrize(
    ("change", "rule"),
    [
        (lambda record: record.replace("sha256=", "sha256=A", 1), "record-hash"),
        (lambda record: record.replace("sha256=", "shake_128=", 1), "record-hash"),
        (lambda record: record.replace("sha256=", "rot13=", 1), "record-hash"),
        (lambda record: record.replace(",20\n", ",23\n", 1), "record-size"),
    ],
)
def test_a_wrong_row_of_record_is_an_error_that_can_be_waived(tmp_path: Path, change: object, rule: str) -> None:
    (finding,) = opened(with_record(tmp_path, change)).findings
    assert (finding.rule, finding.severity) == (rule, Severity.ERROR)
    assert VET_RULES[rule].waivable


@pytest.mark.parametrize("name", ["cfg/E=256,N=512,device=x.json", "cfg/E=256,N=512.json"])
def test_a_name_whose_commas_are_not_quoted_is_an_error_that_can_be_waived(tmp_path: Path, name: str) -> None:
    files = {"one/__init__.py": b"", name: b"{}"}
    wheel = build_wheel(tmp_path, "one", "1.0", files=files)
    with zipfile.ZipFile(wheel) as archive:
        record = archive.read("one-1.0.dist-info/RECORD").decode()
    assert f'"{name}"' in record
    bare = record.replace(f'"{name}"', name)
    (finding,) = opened(build_wheel(tmp_path, "one", "1.0", files=files, record=bare.encode())).findings
    assert (finding.rule, finding.severity) == ("record-fields", Severity.ERROR) and finding.values["member"] == name
    assert VET_RULES["record-fields"].waivable
    altered = bare.replace(f"{name},sha256=", f"{name},sha256=A").encode()
    findings = opened(build_wheel(tmp_path, "one", "1.0", files=files, record=altered)).findings
    assert [finding.rule for finding in findings] == ["record-fields", "record-hash"]


@pytest.mark.parametrize("spell", [str.lower, str.upper])
def test_hexadecimal_digests_are_the_same_digests(tmp_path: Path, spell: Callable[[str], str]) -> None:
    """As furo 2023.3.23 writes them."""

    def in_hexadecimal(record: str) -> str:
        return re.sub(r"sha256=([\w-]+)", lambda one: f"sha256={spell(urlsafe_b64decode(one[1] + '==').hex())}", record)

    def altered(record: str) -> str:
        return re.sub("sha256=..", "sha256=zz", in_hexadecimal(record), count=1)

    assert opened(with_record(tmp_path, in_hexadecimal)).findings == ()
    (finding,) = opened(with_record(tmp_path, altered)).findings
    assert finding.rule == "record-hash"


@pytest.mark.parametrize("named", ["sha256", "SHA256"])
def test_digests_in_the_standard_base64_alphabet_are_the_same_digests(tmp_path: Path, named: str) -> None:
    def standard(record: str) -> str:
        record = re.sub(
            r"sha256=([\w-]+)", lambda one: f"{named}={one[1].replace('-', '+').replace('_', '/')}=", record
        )
        assert "+" in record and "/" in record
        return record

    assert opened(with_record(tmp_path, standard)).findings == ()
    (finding,) = opened(
        with_record(tmp_path, lambda record: re.sub("256=..", "256=++", standard(record), count=1))
    ).findings
    assert finding.rule == "record-hash"


def test_a_record_row_that_stands_twice_and_says_the_same_is_harmless(tmp_path: Path) -> None:
    assert opened(with_record(tmp_path, lambda record: record + record.splitlines()[0] + "\n")).findings == ()


def test_a_weak_hash_is_a_finding(tmp_path: Path) -> None:
    import base64
    import hashlib

    data = b'__version__ = "1.0"\n'
    weak = base64.urlsafe_b64encode(hashlib.md5(data).digest()).decode()
    wheel = with_record(
        tmp_path, lambda record: record.replace(record.splitlines()[0], f"one/__init__.py,md5={weak},{len(data)}")
    )
    assert list(rules_of(wheel)) == ["record-weak-hash"]


def test_records_of_vendored_projects_are_ordinary_files(tmp_path: Path) -> None:
    files = {"one/_vendor/x-1.dist-info/RECORD": b"nothing,sha256=abc,1\n", "one/_vendor/x-1.dist-info/METADATA": b""}
    assert opened(build_wheel(tmp_path, "one", "1.0", files=files)).findings == ()


# Bombs


def test_a_bomb_does_not_fill_the_memory(tmp_path: Path) -> None:
    """With 32 MiB to spare, a wheel that says it holds 100 bytes and would unpack to 96 MiB is refused."""
    members = wheel_members("one", "1.0", core_metadata("one", "1.0"))
    bomb = tmp_path / "one-1.0-py3-none-any.whl"
    bomb.write_bytes(zip_bytes([*members, Member("zeros", bytes(96 << 20), size=100)]))
    program = (
        "import resource, sys\n"
        "from pathlib import Path\n"
        "from wheelhouse.archive.wheelfile import inspect\n"
        "from wheelhouse.errors import RefusedError\n"
        "spare = int(Path('/proc/self/statm').read_text().split()[0]) * resource.getpagesize() + (32 << 20)\n"
        "resource.setrlimit(resource.RLIMIT_AS, (spare, spare))\n"
        "try:\n"
        "    inspect(Path(sys.argv[1]), Path(sys.argv[1]).name)\n"
        "except RefusedError as refusal:\n"
        "    print(refusal.rule)\n"
    )
    done = subprocess.run([sys.executable, "-c", program, bomb], capture_output=True, text=True, check=False)
    assert done.stdout == "zip-bomb\n", done.stderr


def test_a_true_large_member_that_packs_well_is_no_bomb(tmp_path: Path) -> None:
    wheel = build_wheel(tmp_path, "one", "1.0", files={"one/zeros.bin": bytes(8 << 20)})
    assert opened(wheel).findings == ()
