"""Advisories: real records against what they list themselves; aliases; snapshots; age."""

import json
import zipfile
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from packaging.utils import canonicalize_name
from packaging.version import InvalidVersion, Version

from tests.support.shared import shared
from tests.support.tools import wheelhouse
from wheelhouse.archive.artifact import version_of
from wheelhouse.errors import InputError
from wheelhouse.vet import advisory_sources
from wheelhouse.vet.advisories import Advisory, collect, compared
from wheelhouse.vet.advisory_snapshot import parse_snapshot, to_json
from wheelhouse.vet.cvss import rating
from wheelhouse.vet.import_advisories import import_advisories
from wheelhouse.vet.osv_records import read_records

pytest_plugins = ["tests.support.small_wheelhouses"]


def record(
    identifier: str,
    *events: dict[str, str],
    aliases: tuple[str, ...] = (),
    versions: tuple[str, ...] = (),
    **more: object,
):
    affected = {
        "package": {"ecosystem": "PyPI", "name": "Lib_X"},
        "ranges": [{"type": "ECOSYSTEM", "events": list(events)}],
    }
    return {
        "id": identifier,
        "modified": "2024-05-01T00:00:00Z",
        "aliases": list(aliases),
        "affected": [affected | {"versions": list(versions)}],
        **more,
    }


def only(*documents: dict) -> list[Advisory]:
    return list(read_records(documents))


def test_ranges_of_real_records_find_what_the_records_list() -> None:
    """Every version that any record of a project lists is tried against every record of that project."""
    folder = shared("advisories")
    compared = 0
    for path in sorted(folder.glob("*.json")):
        documents = [one for one in json.loads(path.read_text()) if not one.get("withdrawn")]
        every = {version for one in documents for affected in one["affected"] for version in affected["versions"]}
        listed = {version for version in every if is_version(version)}
        for document, advisory in zip(documents, only(*documents), strict=True):
            expected = {version for affected in document["affected"] for version in affected["versions"]} & listed
            found = {version for version in listed if advisory.affects_by_range(version_of(version))}
            assert found == expected, f"{advisory.id}: {sorted(found ^ expected)}"
            compared += len(listed)
    assert compared > 5000


def is_version(text: str) -> bool:
    """Some records list what PEP 440 has no place for, such as `0.9-horsea`; no index can offer those to pip."""
    try:
        version_of(text)
    except InvalidVersion:
        return False
    return True


@pytest.mark.parametrize(
    ("project", "version", "identifier", "fixed"),
    [
        ("jinja2", "2.11.2", "CVE-2020-28493", "2.11.3"),
        ("urllib3", "1.26.4", "CVE-2021-33503", "1.26.5"),
        ("requests", "2.25.0", "CVE-2023-32681", "2.31.0"),
        ("pyyaml", "5.3.1", "CVE-2020-14343", "5.4"),
    ],
)
def test_old_releases_are_reported_with_their_fix(project: str, version: str, identifier: str, fixed: str) -> None:
    found = collect(only(*json.loads((shared("advisories") / f"{project}.json").read_text())))
    groups = found.of(canonicalize_name(project), Version(version))
    group = next(group for group in groups if any(identifier in one.names for one in group))
    assert Version(fixed) in {one.fixed_in(Version(version)) for one in group}


@pytest.mark.parametrize(
    ("events", "affected", "clean"),
    [
        ([{"introduced": "0"}, {"fixed": "2.0"}], ["0.1", "1.9", "2.0rc1"], ["2.0", "3"]),
        ([{"introduced": "1.0"}, {"last_affected": "1.5"}], ["1.0", "1.5"], ["0.9", "1.5.1"]),
        (
            [{"introduced": "0"}, {"fixed": "1.2"}, {"introduced": "2.0"}, {"fixed": "2.1"}],
            ["1.1", "2.0"],
            ["1.2", "1.9", "2.1"],
        ),
        ([{"introduced": "1.0"}], ["1.0", "99"], ["0.9"]),
        ([{"fixed": "2.0"}, {"introduced": "0"}], ["1"], ["2.0"]),
    ],
)
def test_a_range_is_read_as_osv_says(events: list[dict[str, str]], affected: list[str], clean: list[str]) -> None:
    (advisory,) = only(record("A", *events))
    assert all(advisory.affects(Version(version)) for version in affected)
    assert not any(advisory.affects(Version(version)) for version in clean)


def test_listed_versions_count_whatever_the_ranges_say() -> None:
    (advisory,) = only(record("A", {"introduced": "5"}, versions=("1.0", "not a version")))
    assert advisory.affects(Version("1.0.0")) and not advisory.affects(Version("2"))


def test_withdrawn_records_and_other_ecosystems_are_left_out() -> None:
    other = record("B", {"introduced": "0"})
    other["affected"][0]["package"]["ecosystem"] = "Hex"
    assert only(record("A", {"introduced": "0"}, withdrawn="2024-01-01T00:00:00Z"), other) == []


def test_aliases_are_one_finding() -> None:
    found = collect(
        only(
            record("PYSEC-1", {"introduced": "0"}, aliases=("CVE-1",)),
            record("GHSA-1", {"introduced": "0"}, aliases=("CVE-1",)),
            record("GHSA-2", {"introduced": "0"}, aliases=("CVE-2",)),
        )
    )
    groups = found.of(canonicalize_name("lib-x"), Version("1"))
    assert [[one.id for one in group] for group in groups] == [["GHSA-1", "PYSEC-1"], ["GHSA-2"]]


def test_a_snapshot_reads_back_as_it_was_written() -> None:
    found = collect(
        only(record("A", {"introduced": "0"}, {"fixed": "2"}, aliases=("B",), versions=("1",), summary="bad"))
    )
    assert parse_snapshot(to_json(found), "it") == found
    assert found.newest == datetime(2024, 5, 1, tzinfo=UTC)
    for text in ("", "[]", '{"format": 2, "advisories": []}', '{"format": 1}'):
        with pytest.raises(InputError):
            parse_snapshot(text, "it")


def test_what_is_new_since_the_snapshot_before_is_marked() -> None:
    one, two = record("A", {"introduced": "0"}), record("B", {"introduced": "0"}, {"fixed": "2"})
    before = collect(only(one, two))
    now = collect(only(one, record("B", {"introduced": "0"}, {"fixed": "3"}), record("C", {"introduced": "0"})))
    found = parse_snapshot(to_json(compared(now, before)), "it").by_project[canonicalize_name("lib-x")]
    assert {advisory.id: advisory.since for advisory in found} == {"A": "", "B": "2024-05-01", "C": "2024-05-01"}
    assert compared(now, collect(())) == now


def test_a_record_that_is_none_is_refused() -> None:
    with pytest.raises(InputError, match="OSV schema"):
        only({"id": "A", "affected": [{"package": {}}]})


def test_a_range_that_cannot_be_sorted_has_every_release() -> None:
    (advisory,) = only(record("A", {"introduced": "2"}, {"fixed": "nonsense"}))
    assert advisory.affects(Version("1")) and advisory.fixed_in(Version("1")) is None


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        (
            {"affected": [{"package": {"ecosystem": "PyPI"}}]},
            "`affected[0].package`: object missing required field `name`",
        ),
        ({"modified": 7}, "`modified` is 7: expected `str`, got `int`"),
        ({"aliases": [True]}, "`aliases[0]` is True: expected `str`, got `bool`"),
        (
            {"affected": [{"ranges": [{"type": "ECOSYSTEM", "events": [{"fixed": 2}]}]}]},
            "`affected[0].ranges[0].events[0][...]`",
        ),
    ],
)
def test_what_is_wrong_with_a_record_is_said_with_its_place(change: dict[str, object], sentence: str) -> None:
    with pytest.raises(InputError) as error:
        only(record("A", {"introduced": "0"}) | change)
    assert str(error.value).startswith(f"the record `A` does not follow the OSV schema: {sentence}")


def test_a_record_may_have_nulls_and_ranges_of_commits() -> None:
    document = record("A", {"introduced": "0"}) | {"aliases": None, "summary": None, "severity": None}
    document["affected"].append({"ranges": [{"type": "GIT", "events": [{"introduced": "0"}]}], "versions": None})
    [advisory] = only(document)
    assert (advisory.id, advisory.aliases, advisory.summary) == ("A", frozenset(), "")


def test_import_reads_a_zip_a_folder_and_one_file(tmp_path: Path) -> None:
    (tmp_path / "folder").mkdir()
    (tmp_path / "folder" / "A.json").write_text(json.dumps(record("A", {"introduced": "0"})))
    with zipfile.ZipFile(tmp_path / "all.zip", "w") as archive:
        archive.write(tmp_path / "folder" / "A.json", "A.json")
    for number, source in enumerate(("folder", "folder/A.json", "all.zip")):
        done = wheelhouse("advisories", "import", source, "--output", f"{number}.json", cwd=tmp_path)
        assert done.returncode == 0, done.stderr
        assert "1 advisory for 1 project; the newest advisory is of 2024-05-01" in done.stdout
    assert (tmp_path / "0.json").read_text() == (tmp_path / "1.json").read_text() == (tmp_path / "2.json").read_text()
    (tmp_path / "bad.json").write_text("{")
    assert wheelhouse("advisories", "import", "bad.json", cwd=tmp_path).returncode == 2
    assert wheelhouse("advisories", "import", "none.json", cwd=tmp_path).returncode == 2


def exported(folder: Path, *documents: dict[str, object]) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    for document in documents:
        (folder / f"{document['id']}.json").write_text(json.dumps(document))


def test_a_folder_is_read_to_its_end(tmp_path: Path) -> None:
    exported(tmp_path / "all/2024/01", record("A", {"introduced": "0"}))
    exported(tmp_path / "all/2023", record("B", {"introduced": "0"}))
    with zipfile.ZipFile(tmp_path / "all/more.zip", "w") as archive:
        archive.writestr("deep/C.json", json.dumps(record("C", {"introduced": "0"})))
    done = wheelhouse("advisories", "import", "all", cwd=tmp_path)
    assert "3 advisories for 1 project" in done.stdout, done.stderr


@pytest.mark.parametrize("kind", ["empty folder", "other ecosystem", "withdrawn", "empty zip", "empty list"])
def test_an_export_without_a_usable_record_is_an_error_and_changes_nothing(tmp_path: Path, kind: str) -> None:
    exported(tmp_path / "good", record("A", {"introduced": "0"}))
    assert wheelhouse("advisories", "import", "good", cwd=tmp_path).returncode == 0
    before = (tmp_path / "advisories.json").read_bytes()
    (tmp_path / "bad").mkdir()
    other = record("B", {"introduced": "0"})
    other["affected"][0]["package"]["ecosystem"] = "npm"
    if kind == "other ecosystem":
        exported(tmp_path / "bad", other)
    elif kind == "withdrawn":
        exported(tmp_path / "bad", record("B", {"introduced": "0"}, withdrawn="2024-01-01T00:00:00Z"))
    elif kind == "empty zip":
        zipfile.ZipFile(tmp_path / "bad/all.zip", "w").close()
    elif kind == "empty list":
        (tmp_path / "bad/all.json").write_text("[]")
    done = wheelhouse("advisories", "import", "bad", "--replace", cwd=tmp_path)
    assert done.returncode == 2 and "no advisory for a PyPI project" in done.stderr
    assert (tmp_path / "advisories.json").read_bytes() == before


@pytest.mark.parametrize("kind", ["smaller", "older"])
def test_less_takes_the_place_of_more_only_if_told(tmp_path: Path, kind: str) -> None:
    exported(tmp_path / "old", record("A", {"introduced": "0"}), record("B", {"introduced": "0"}))
    assert wheelhouse("advisories", "import", "old", cwd=tmp_path).returncode == 0
    before = (tmp_path / "advisories.json").read_bytes()
    if kind == "smaller":
        exported(tmp_path / "new", record("A", {"introduced": "0"}))
    else:
        past = {"modified": "2023-05-01T00:00:00Z"}
        exported(tmp_path / "new", *(record(name, {"introduced": "0"}, **past) for name in ("A", "B", "C")))
    refused = wheelhouse("advisories", "import", "new", cwd=tmp_path)
    assert refused.returncode == 2 and "--replace" in refused.stderr
    assert ("1 advisories" in refused.stderr) == (kind == "smaller")
    assert ("2023-05-01" in refused.stderr) == (kind == "older")
    assert (tmp_path / "advisories.json").read_bytes() == before
    assert wheelhouse("advisories", "import", "new", "--replace", cwd=tmp_path).returncode == 0
    assert (tmp_path / "advisories.json").read_bytes() != before


def test_on_a_terminal_it_asks(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import typer

    from wheelhouse.cli import output

    monkeypatch.setattr(output.sys.stdin, "isatty", lambda: True, raising=False)
    monkeypatch.setattr(typer, "confirm", lambda *_, **__: True)
    output.must_agree("less")
    monkeypatch.setattr(typer, "confirm", lambda *_, **__: False)
    with pytest.raises(InputError, match="less"):
        output.must_agree("less")


def test_an_empty_snapshot_is_a_missing_one(tmp_path: Path, small_wheelhouse: Path) -> None:
    (tmp_path / "advisories.json").write_text(to_json(collect(())))
    for more in ((), ("--advisories", "advisories.json")):
        vetted = wheelhouse("vet", small_wheelhouse, *more, cwd=tmp_path)
        assert "[advisories-missing]" in vetted.stdout
    exported(tmp_path / "new", record("A", {"introduced": "0"}))
    assert wheelhouse("advisories", "import", "new", cwd=tmp_path).returncode == 0


def test_a_date_in_the_future_counts_as_now(tmp_path: Path) -> None:
    late = record("A", {"introduced": "0"}) | {"modified": "2099-01-01T00:00:00Z"}
    exported(tmp_path / "new", late)
    done = wheelhouse("advisories", "import", "new", cwd=tmp_path)
    assert done.returncode == 0 and "2099" not in done.stdout
    assert "2099" not in (tmp_path / "advisories.json").read_text()
    assert wheelhouse("advisories", "import", "new", cwd=tmp_path).returncode == 0
    moment = datetime(2026, 1, 1, tzinfo=UTC)
    assert collect(only(late)).as_of(moment).newest == moment
    with pytest.raises(InputError, match="is not a time"):
        collect(only(late | {"modified": "soon"}))


@pytest.mark.parametrize(
    ("events", "listed", "affected", "clean"),
    [
        ([{"introduced": "0"}, {"last_affected": "2.1.0"}], (), ["2.1.0+cpu", "2.0+cu118"], ["2.1.1+cpu"]),
        ([{"introduced": "0"}, {"fixed": "2.1.0"}], (), ["2.0.9+cpu"], ["2.1.0+cpu"]),
        ([], ("2.1.0",), ["2.1.0+cpu", "2.1+cu118"], ["2.1.1+cpu"]),
        ([], ("2.1.0+cpu",), ["2.1.0+cpu"], ["2.1.0", "2.1.0+cu118"]),
        ([{"introduced": "0"}, {"fixed": "2.1.0+fix1"}], (), ["2.1.0"], ["2.1.0+fix1"]),
    ],
)
def test_a_local_version_matches_its_public_one(
    events: list[dict[str, str]], listed: tuple[str, ...], affected: list[str], clean: list[str]
) -> None:
    (advisory,) = only(record("A", *events, versions=listed))
    assert [version for version in affected if not advisory.affects(Version(version))] == []
    assert [version for version in clean if advisory.affects(Version(version))] == []


@pytest.mark.parametrize(
    ("told", "text"),
    [
        ("CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:H/A:H", "critical, 9.8"),
        ("CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:C/C:H/I:H/A:H", "critical, 10.0"),
        ("CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:N/I:N/A:H", "high, 7.5"),
        ("CVSS:3.1/AV:N/AC:L/PR:N/UI:R/S:C/C:L/I:L/A:N", "medium, 6.1"),
        ("CVSS:3.1/AV:A/AC:H/PR:H/UI:N/S:U/C:H/I:N/A:N", "medium, 4.2"),
        ("CVSS:3.0/AV:L/AC:L/PR:N/UI:N/S:U/C:N/I:N/A:N", "none, 0.0"),
        ("CVSS:3.1/AV:N/AC:L/PR:L/UI:N/S:U/C:L/I:L/A:N", "medium, 5.4"),
        ("CVSS:3.1/AV:N/AC:L/PR:L/UI:N/S:C/C:L/I:L/A:N", "medium, 6.4"),
        ("AV:N/AC:L/Au:N/C:P/I:P/A:P", "high, 7.5"),
        ("AV:N/AC:L/Au:N/C:P", "AV:N/AC:L/Au:N/C:P"),
        ("CVSS:4.0/AV:N/AC:L/AT:N/PR:N/UI:N/VC:H/VI:H/VA:H/SC:N/SI:N/SA:N", "critical, 9.3"),
        ("CVSS:9.9/AV:N", "CVSS:9.9/AV:N"),
        ("CVSS:3.1/AV:N", "CVSS:3.1/AV:N"),
        ("CVSS:4.0/AV:N/AC:L", "CVSS:4.0/AV:N/AC:L"),
        ("high", "high"),
    ],
)
def test_a_severity_is_told_as_people_read_it(told: str, text: str) -> None:
    """The scores are those that the specification's examples and the national database give for these vectors."""
    assert rating(told) == text


class OneAdvisory:
    """A source that another package could bring."""

    def accepts(self, name: str) -> bool:
        return name.startswith("one:")

    def advisories(self, name: str, http: object) -> Iterator[Advisory]:
        yield from read_records([record(name.removeprefix("one:"), {"introduced": "0"})])


def test_a_source_of_advisories_is_registered(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(advisory_sources, "SOURCES", (OneAdvisory(), *advisory_sources.SOURCES))
    http: Any = None
    imported = import_advisories("one:GHSA-1", http, datetime(2026, 1, 1, tzinfo=UTC))
    assert [one.id for found in imported.by_project.values() for one in found] == ["GHSA-1"]
    with pytest.raises(InputError, match="the export `other:GHSA-1` does not exist"):
        import_advisories("other:GHSA-1", http, datetime(2026, 1, 1, tzinfo=UTC))


def test_a_name_that_no_source_accepts_is_refused() -> None:
    http: Any = None
    with pytest.raises(InputError, match=r"^no source of advisories accepts ``$") as error:
        import_advisories("", http, datetime(2026, 1, 1, tzinfo=UTC))
    assert error.value.hint == "choose an OSV export for PyPI: its zip, a folder of its records, or one of its records"


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("https://osv.example/all.zip", "OsvAddress"),
        ("http://osv.example/all.zip", "OsvAddress"),
        ("all.zip", "OsvFiles"),
        ("httpdocs/records", "OsvFiles"),
    ],
)
def test_the_first_source_that_accepts_a_name_reads_it(name: str, kind: str) -> None:
    assert type(next(one for one in advisory_sources.SOURCES if one.accepts(name))).__name__ == kind
