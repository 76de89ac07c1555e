"""OSV exports and records: which files and members are read, and what a record becomes."""

import io
import zipfile
from pathlib import Path
from typing import Any

import pytest
from packaging.utils import NormalizedName, canonicalize_name

from wheelhouse.errors import InputError
from wheelhouse.vet import osv
from wheelhouse.vet.advisories import Advisory, Event
from wheelhouse.vet.osv import read_bytes, read_export
from wheelhouse.vet.osv_records import read_records

V2, V30, V31 = "AV:N/AC:L/Au:N/C:P/I:P/A:P", "CVSS:3.0/AV:N", "CVSS:3.1/AV:N"


def zipped(*members: tuple[str, str], comment: bytes = b"") -> bytes:
    held = io.BytesIO()
    with zipfile.ZipFile(held, "w") as archive:
        archive.comment = comment
        for name, text in members:
            archive.writestr(name, text)
    return held.getvalue()


# Exports


def test_an_export_is_a_record_a_list_a_zip_or_a_folder(tmp_path: Path) -> None:
    (tmp_path / "b" / "deep").mkdir(parents=True)
    (tmp_path / "folder.json").mkdir()
    (tmp_path / "folder.json" / "x.json").write_text('{"id": "F"}')
    (tmp_path / "b" / "deep" / "one.json").write_text('{"id": "B1"}')
    (tmp_path / "a.json").write_text('[{"id": "A1"}, {"id": "A2"}]')
    (tmp_path / "c.zip").write_bytes(zipped(("x.json", '{"id": "C1"}'), ("x.txt", "{"), ("y.json", '{"id": "C2"}')))
    (tmp_path / "d.txt").write_text("{")
    (tmp_path / "e").write_text('{"id": "E"}')
    assert [one["id"] for one in read_export(tmp_path)] == ["A1", "A2", "B1", "C1", "C2", "F"]
    assert list(read_export(tmp_path / "e")) == [{"id": "E"}]
    assert list(read_export(tmp_path / "c.zip")) == [{"id": "C1"}, {"id": "C2"}]


def test_what_is_no_export_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(InputError) as error:
        list(read_export(tmp_path / "none"))
    assert str(error.value) == f"the export `{tmp_path / 'none'}` does not exist"
    assert error.value.hint == "choose the zip, a record, or a folder of records"
    odd: dict[bytes, str] = {
        b"{": "`it` is not JSON: Expecting property name",
        b"\xff": "`it` is not JSON: Expecting value",
        b"5": "`it` has no OSV records",
        b'[{}, "x"]': "`it` has no OSV records",
        b"PK": "`it` is a zip that cannot be read: File is not a zip file",
        zipped(("a.json", "[1]")): "`it:a.json` has no OSV records",
        zipped(("a.json", "{}"), ("b.json", "{")): "`it:b.json` is not JSON: Expecting",
        b"{}" + zipped(("a.json", "{}")): "`it` is not JSON: Extra data",
    }
    for raw, message in odd.items():
        with pytest.raises(InputError) as error:
            list(read_bytes(raw, "it"))
        assert str(error.value).startswith(message), raw
    held = zipped(("a.json", '{"id": "A"}'))
    monkeypatch.setattr(osv, "MAX_RECORD_BYTES", 11)
    assert list(read_bytes(held, "it")) == [{"id": "A"}]
    monkeypatch.setattr(osv, "MAX_RECORD_BYTES", 10)
    with pytest.raises(InputError, match=r"^`it:a\.json` has 11 bytes, but the limit for a record is 10 bytes$"):
        list(read_bytes(held, "it"))


@pytest.mark.parametrize("method", [zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA])
def test_damaged_data_in_a_zip_are_refused(method: int) -> None:
    held = io.BytesIO()
    with zipfile.ZipFile(held, "w", method) as archive:
        archive.writestr("a.json", '{"id": "A"}')
    raw = bytearray(held.getvalue())
    start = 30 + len("a.json")
    raw[start : start + 11] = b"\xff" * 11
    with pytest.raises(InputError, match=r"^`it` is a zip that cannot be read: "):
        list(read_bytes(bytes(raw), "it"))


def test_a_zip_with_a_damaged_directory_is_refused() -> None:
    whole = zipped(("é.json", '{"id": "A"}'))
    end = whole.rindex(b"PK\5\6")
    before, size, offset = whole[:end], whole[end + 12 : end + 16], whole[end + 16 : end + 20]
    zip64 = b"PK\6\6" + bytes(36) + size + bytes(4) + b"\xff" * 8 + b"PK\6\7" + bytes(16)
    damaged = {
        "the offset is too large": before + whole[end:].replace(offset, b"\xff\xff\0\0"),
        "the offset has 64 bits": before + zip64 + whole[end:],
        "the name is no UTF-8": whole.replace("é".encode(), b"\xff\xff"),
    }
    for what, raw in damaged.items():
        with pytest.raises(InputError, match=r"^`it` is a zip that cannot be read: "):
            pytest.fail(f"{what}: {list(read_bytes(raw, 'it'))}")


def test_letters_that_are_no_utf_8_are_replaced() -> None:
    raw = b'{"id": "\xff"}'
    assert list(read_bytes(raw, "it")) == [{"id": "\ufffd"}]
    held = io.BytesIO()
    with zipfile.ZipFile(held, "w") as archive:
        archive.writestr("a.json", raw)
    assert list(read_bytes(held.getvalue(), "it")) == [{"id": "\ufffd"}]


# Records


def affected(name: str = "Lib_X", ecosystem: str = "PyPI", *ranges: Any, **more: Any) -> dict[str, Any]:
    return {"package": {"ecosystem": ecosystem, "name": name}, "ranges": list(ranges), **more}


def range_of(*events: dict[str, str], kind: str = "ECOSYSTEM") -> dict[str, Any]:
    return {"type": kind, "events": list(events)}


def record(*packages: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {"id": "A-1", "modified": "2026-05-01T00:00:00Z", "affected": list(packages) or [affected()], **more}


def only(document: dict[str, Any]) -> Advisory:
    (advisory,) = read_records([document])
    return advisory


BARE = Advisory("A-1", canonicalize_name("lib-x"), modified="2026-05-01T00:00:00Z")
INDICATORS = {
    "package_integrity": [{"sha256": "a" * 64}, {"hashes": {"sha256": "b" * 64}}, {"hashes": {}}],
    "evidence_files": [{"sha256": "c" * 64, "hashes": {"sha256": "d" * 64}}, {"path": "x"}],
}


def test_a_record_becomes_an_advisory_with_all_its_parts() -> None:
    events = ({"introduced": "0"}, {"fixed": "2"}, {"limit": "9"}, {"introduced": "3", "last_affected": "4"})
    package = affected(
        "Lib_X",
        "PyPI",
        *(range_of(*events), range_of({"introduced": "abc"}, kind="GIT"), range_of({"introduced": "5"}, kind="SEMVER")),
        versions=["1.0", "1.1"],
        severity=[{"score": V30}],
        database_specific={"indicators": INDICATORS},
    )
    found = record(
        package, aliases=["CVE-1"], summary=" it\n is  bad ", details="long", severity=[{"score": V31}, {"score": V2}]
    )
    assert only(found) == Advisory(
        id="A-1",
        project=canonicalize_name("lib-x"),
        aliases=frozenset(("CVE-1",)),
        ranges=(
            (
                *(Event("introduced", "0"), Event("fixed", "2")),
                *(Event("introduced", "3"), Event("last_affected", "4")),
            ),
        ),
        versions=frozenset(("1.0", "1.1")),
        severity=V31,
        vector=V31,
        summary="it is bad",
        modified="2026-05-01T00:00:00Z",
        files=frozenset(("a" * 64, "b" * 64)),
        members=frozenset(("c" * 64, "d" * 64)),
    )


def test_what_a_record_lacks_is_empty() -> None:
    nulls = dict.fromkeys(("summary", "details", "aliases", "severity", "database_specific", "withdrawn"))
    package = {**affected(), **dict.fromkeys(("ranges", "versions", "severity", "database_specific"))}
    assert only(record()) == only(record(package, **nulls)) == BARE
    assert list(read_records([{"id": "A", "modified": "x", "affected": None}])) == []
    assert list(read_records([{"id": "A", "modified": "x"}])) == []


def test_packages_of_known_ecosystems_count_unless_they_have_no_vulnerability() -> None:
    packages: list[tuple[dict[str, Any], list[str]]] = [
        (affected("A.b"), ["a-b"]),
        (affected("A_b", "crates.io"), ["crates.io/a-b"]),
        (affected("A_b", "Debian:12"), ["debian:12/a-b"]),
        (affected("A.b", "Hex"), []),
        (affected("A.b", "pypi"), []),
        ({"ranges": []}, []),
        (affected("a", database_specific={"informational": "unmaintained"}), []),
        (affected("a", database_specific={"informational": "notice"}), []),
        (affected("a", database_specific={"informational": "unsound"}), ["a"]),
        (affected("a", database_specific={"other": "notice"}), ["a"]),
    ]
    last = affected("last")
    for package, names in packages:
        assert [one.project for one in read_records([record(package, last)])] == [*names, "last"], package
    documents = [record(withdrawn="2026-01-01T00:00:00Z"), record(), record(withdrawn="")]
    assert [one.id for one in read_records(documents)] == ["A-1", "A-1"]


def test_ranges_count_that_are_of_versions_in_the_ecosystem() -> None:
    events = (Event("introduced", "1"),)
    counted = [
        ("PyPI", "ECOSYSTEM", True),
        ("PyPI", "SEMVER", False),
        ("PyPI", "GIT", False),
        ("npm", "SEMVER", True),
        ("npm", "ECOSYSTEM", True),
        ("npm", "GIT", False),
        ("Debian:12", "SEMVER", False),
    ]
    for ecosystem, kind, is_counted in counted:
        package = affected("a", ecosystem, range_of({"introduced": "1"}, kind=kind))
        assert only(record(package)).ranges == ((events,) if is_counted else ()), (ecosystem, kind)


def test_a_summary_is_one_line_of_at_most_160_characters() -> None:
    assert only(record(details="more\nlines")).summary == "more lines"
    assert only(record(summary="", details="more")).summary == "more"
    assert only(record(summary="x" * 160)).summary == "x" * 160
    assert only(record(summary="x" * 161)).summary == "x" * 159 + "…"


def test_the_severity_is_a_word_else_the_newest_vector_else_another_score() -> None:
    def scores(*texts: str) -> list[dict[str, str]]:
        return [{"type": "x", "score": text} for text in texts]

    high = {"severity": "HIGH"}
    cases: list[tuple[dict[str, Any], list[str], str, str]] = [
        ({"database_specific": high, "severity": scores(V31)}, [], "high", V31),
        ({"database_specific": {"severity": 7}, "severity": scores(V31, V30)}, [], V31, V31),
        ({"database_specific": {"severity": [1]}}, ["b", "a"], "b", ""),
        ({"severity": scores(V30)}, [V31], V31, V31),
        ({"severity": scores(V30)}, ["medium"], V30, V30),
        ({"severity": scores(V2, "zzz")}, [], V2, V2),
        ({"severity": scores("zzz", "low")}, ["AV"], "zzz", ""),
        ({}, [], "", ""),
    ]
    for more, of_package, severity, vector in cases:
        advisory = only(record(affected(severity=scores(*of_package)), **more))
        assert (advisory.severity, advisory.vector) == (severity, vector), more


def test_indicators_of_another_shape_are_no_indicators() -> None:
    for indicators in (None, [], "x", {"package_integrity": 7}, {"package_integrity": [{"sha256": "A" * 64}]}):
        package = affected(database_specific={"indicators": indicators})
        assert only(record(package)) == BARE, indicators
    assert only(record(affected(database_specific={}))) == BARE
    assert only(record(affected(database_specific={"indicators": {"other": [{"sha256": "a" * 64}]}}))) == BARE
    mixed = {"package_integrity": [{"sha256": "a" * 64, "hashes": []}, {"sha256": "A" * 64}, 7], "other": 7}
    assert only(record(affected(database_specific={"indicators": mixed}))).files == {"a" * 64}
    part = {"package_integrity": INDICATORS["package_integrity"]}
    found = only(record(affected(database_specific={"indicators": part})))
    assert (len(found.files), found.members) == (2, frozenset())


def test_a_record_of_another_shape_is_refused() -> None:
    with pytest.raises(InputError) as error:
        list(read_records([record(), {"id": "B", "modified": 5}]))
    assert str(error.value).startswith("the record `B` does not follow the OSV schema: `modified` is 5: expected `str`")


def test_the_key_of_another_ecosystem_has_a_slash() -> None:
    assert only(record(affected("x/y", "Go"))).project == NormalizedName("go/x/y")
