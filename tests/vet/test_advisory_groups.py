"""Which releases advisories affect, how they are grouped, compared and kept, and how a snapshot has them."""

import json
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest
from packaging.utils import NormalizedName, canonicalize_name
from packaging.version import Version

from wheelhouse.archive.artifact import version_of
from wheelhouse.errors import InputError
from wheelhouse.vet.advisories import Advisories, Advisory, Event, collect, compared, grouped, loss, not_after, within
from wheelhouse.vet.advisory_snapshot import parse_snapshot, to_json

LIB, OTHER, CRATE = canonicalize_name("lib"), canonicalize_name("other"), NormalizedName("crates.io/lib")
EARLY, LATE = "2026-05-01T00:00:00Z", "2026-05-09T12:00:00Z"


def events(text: str) -> tuple[Event, ...]:
    """A range as short text: `introduced 0, fixed 2`."""
    pairs = (part.split() for part in text.split(",") if part)
    return tuple(Event(kind, version) for kind, version in pairs)


def advisory(identifier: str = "A", *ranges: str, project: NormalizedName = LIB, **more: Any) -> Advisory:
    made = Advisory(identifier, project, ranges=tuple(map(events, ranges)), modified=EARLY)
    return replace(
        made, **{name: frozenset(value) if isinstance(value, set) else value for name, value in more.items()}
    )


def test_a_version_is_in_a_range_as_the_last_event_before_it_says() -> None:
    ranges: dict[str, tuple[str, str]] = {
        "introduced 0, fixed 2": ("0 0.1 1.9 2.0rc1", "2 3"),
        "introduced 1, last_affected 2": ("1 1.5 2.0", "0.9 2.0.1"),
        "introduced 1, fixed 2, introduced 3": ("1 1.9 3 9", "0 2 2.9"),
        "introduced 3, fixed 2, introduced 1": ("1 1.9 3 9", "0 2 2.9"),
        "introduced 0, last_affected 1, introduced 2, last_affected 3": ("0 1 2 3", "1.1 3.1"),
        "introduced 1, introduced 2": ("1 1.5 2", "0.9"),
        "introduced 0, fixed 0": ("0.dev1", "0 1"),
        "introduced 0, last_affected 0": ("0.dev1 0", "0.1 1"),
        "introduced 0": ("0.dev1 0 1", ""),
        "fixed 0": ("", "0 1"),
        "last_affected 0": ("", "0 1"),
        "fixed 2": ("", "1 2 3"),
        "introduced 2, fixed 2": ("", "1 2 3"),
        "introduced 2, last_affected 2": ("2", "1 3"),
        "last_affected 2, introduced 2": ("2", "1 3"),
        "": ("", "1"),
    }
    for text, (inside, outside) in ranges.items():
        versions = (*inside.split(), *outside.split())
        found = [version for version in versions if within(events(text), version_of(version), version_of)]
        assert found == inside.split(), text


def test_a_release_is_affected_by_a_range_or_a_list() -> None:
    affected: list[tuple[Advisory, str, str]] = [
        (advisory("A", "introduced 5", "introduced 1, fixed 2"), "1 5 6", "0 2 4"),
        (advisory(versions={"1.0", "odd", "2.0+cpu"}), "1 1.0.0 1.0+cpu 2.0+cpu", "2.0 2.0+cu 1.1"),
        (advisory("A", "introduced 5", versions={"1.0"}), "1.0 5", "2"),
        (advisory("A", "introduced 0, fixed odd"), "1 9", ""),
        (advisory("A", "introduced 0, last_affected 2.1"), "2.1+cpu", "2.2+cpu"),
        (advisory("A", "introduced 0, fixed 2.1+fix"), "2.1 2.1+fi", "2.1+fix 2.1+fix.0"),
        (advisory(), "", "1"),
    ]
    for one, inside, outside in affected:
        assert [version for version in inside.split() if not one.affects(Version(version))] == [], one
        assert [version for version in outside.split() if one.affects(Version(version))] == [], one
    listed = advisory(versions={"1.0"})
    assert listed.affects(Version("1.0")) and not listed.affects_by_range(Version("1.0"))


def test_the_fix_is_the_lowest_newer_one() -> None:
    one = advisory("A", "introduced 0, fixed 1.5, introduced 2, fixed 2.5", "introduced 0, fixed 3, last_affected 9")
    fixes = {"1": "1.5", "1.5": "2.5", "2.4": "2.5", "2.5": "3", "3": None, "4": None}
    assert {version: one.fixed_in(Version(version)) for version in fixes} == {
        version: fix and Version(fix) for version, fix in fixes.items()
    }
    assert advisory("A", "introduced 0, fixed odd, fixed 3").fixed_in(Version("1")) is None


def test_malware_is_told_by_an_id_or_an_alias() -> None:
    assert advisory("MAL-2026-1").is_malware and advisory("A", aliases={"B", "MAL-2026-1"}).is_malware
    assert not advisory("A-MAL-", aliases={"NORMAL-1"}).is_malware
    assert advisory("A", aliases={"B"}).names == {"A", "B"}
    assert Advisory("A", LIB).modified == ""


def test_advisories_with_a_name_in_common_are_one_group() -> None:
    rows = [
        advisory("D", aliases={"x"}),
        advisory("B", aliases={"y"}),
        advisory("E"),
        advisory("C", aliases={"x", "y"}),
        advisory("A", aliases={"E"}),
        advisory("F", aliases={"z"}),
        advisory("I", aliases={"y"}),
    ]
    assert [[one.id for one in group] for group in grouped(rows)] == [["A", "E"], ["B", "C", "D", "I"], ["F"]]
    found = collect([*rows, advisory("G", "introduced 1"), advisory("H", "introduced 1", project=OTHER)])
    assert [[one.id for one in group] for group in found.of(LIB, Version("1"))] == [["G"]]
    assert found.of(canonicalize_name("none"), Version("1")) == []


def test_advisories_are_collected_by_project() -> None:
    rows = [
        advisory("B", project=OTHER, modified=LATE),
        advisory("A", project=LIB),
        advisory("C", project=OTHER, modified="2026-05-09T11:00:00"),
    ]
    found = collect(rows)
    assert list(found.by_project.items()) == [(LIB, (rows[1],)), (OTHER, (rows[0], rows[2]))]
    assert (found.newest, found.count, found.has_projects) == (datetime(2026, 5, 9, 12, tzinfo=UTC), 3, True)
    assert (collect([]).newest, collect([]).count, collect([]).has_projects) == (None, 0, False)
    assert not collect([advisory(project=CRATE)]).has_projects
    assert collect([advisory(project=CRATE), advisory()]).has_projects
    with pytest.raises(InputError, match=r"^an advisory says that its last change was at `soon`, which is not a time$"):
        collect([advisory(modified="soon")])


def test_malicious_files_and_members_are_known_by_sha256() -> None:
    first, second = advisory("A", files={"1", "2"}, members={"3"}), advisory("B", project=OTHER, files={"2"})
    found = collect([first, second])
    assert (found.by_file, found.by_member) == ({"1": first, "2": second}, {"3": first})


def test_no_time_is_after_now() -> None:
    now = datetime(2026, 5, 5, 1, 2, 3, tzinfo=UTC)
    times = {
        LATE: "2026-05-05T01:02:03Z",
        EARLY: EARLY,
        "2026-05-05T01:02:03Z": "2026-05-05T01:02:03Z",
        "2026-05-05T01:02:03+00:00": "2026-05-05T01:02:03+00:00",
        "2026-05-05T01:02:04": "2026-05-05T01:02:03Z",
    }
    rows = [advisory(modified=time) for time in times]
    assert [one.modified for one in not_after(now, rows)] == list(times.values())
    assert collect([advisory(modified=LATE)]).as_of(now).newest == now
    assert collect([advisory()]).as_of(now).newest == datetime(2026, 5, 1, tzinfo=UTC)
    assert collect([]).as_of(now) == Advisories()


def test_a_snapshot_with_less_or_older_advisories_is_a_loss() -> None:
    one, two, later = collect([advisory()]), collect([advisory(), advisory("B")]), collect([advisory(modified=LATE)])
    assert loss(one, two) == "it has 1 advisories, but the existing snapshot has 2"
    older = (
        "its newest advisory is dated 2026-05-01, but the newest advisory of the existing snapshot is dated 2026-05-09"
    )
    assert loss(one, later) == loss(two, later) == older
    undated = replace(one, newest=None)
    pairs = [(one, one), (two, one), (later, one), (one, collect([])), (undated, one), (one, undated)]
    assert [loss(new, before) for new, before in pairs] == [None] * len(pairs)


def test_what_the_snapshot_before_lacks_is_new_since_its_day() -> None:
    same = advisory("A", "introduced 1", versions={"1"})
    before = collect([same, advisory("B"), advisory("C", modified=LATE), advisory("D", project=OTHER)])
    now = [
        replace(same, summary="other words", modified=LATE),
        advisory("B", "introduced 1"),
        advisory("C", versions={"1"}),
        advisory("D"),
        advisory("E"),
    ]
    found = compared(collect(now), before)
    assert found.by_project[LIB] == (now[0], *(replace(one, since="2026-05-09") for one in now[1:]))
    assert found.newest == datetime(2026, 5, 9, 12, tzinfo=UTC)
    assert compared(collect(now), collect([])) == collect(now)


# Snapshots


V3, WORD = "CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:H/A:H", "high"
FULL = Advisory(
    id="A",
    project=LIB,
    aliases=frozenset(("Z", "B")),
    ranges=(events("introduced 0, fixed 2"), events("introduced 3")),
    versions=frozenset(("2", "1")),
    severity=WORD,
    vector=V3,
    summary="bad",
    modified=EARLY,
    since="2026-04-01",
    files=frozenset(("b" * 64, "a" * 64)),
    members=frozenset(("d" * 64, "c" * 64)),
)
ROW = {
    "id": "A",
    "project": "lib",
    "aliases": ["B", "Z"],
    "ranges": [[["introduced", "0"], ["fixed", "2"]], [["introduced", "3"]]],
    "versions": ["1", "2"],
    "severity": WORD,
    "summary": "bad",
    "modified": EARLY,
    "since": "2026-04-01",
    "vector": V3,
    "files": ["a" * 64, "b" * 64],
    "members": ["c" * 64, "d" * 64],
}
EMPTY = {"id": "A", "project": "lib", "aliases": [], "ranges": [], "versions": []}
EMPTY |= {"severity": "", "summary": "", "modified": EARLY}


def test_a_snapshot_has_all_parts_of_an_advisory() -> None:
    text = to_json(collect([FULL]))
    assert text == json.dumps({"format": 1, "advisories": [ROW]}, indent=1) + "\n"
    assert parse_snapshot(text, "it") == collect([FULL])
    rows = json.loads(to_json(collect([advisory("B"), advisory("A"), advisory("C", project=canonicalize_name("a"))])))
    assert [row["id"] for row in rows["advisories"]] == ["C", "A", "B"]
    assert rows["advisories"][1] == {**EMPTY, "since": ""}


def test_the_vector_is_the_severity_if_no_other_is_named() -> None:
    def read(**more: object) -> Advisory:
        text = json.dumps({"format": 1, "advisories": [{**EMPTY, **more}]})
        ((found,),) = parse_snapshot(text, "it").by_project.values()
        return found

    assert read() == advisory()
    vectors = {
        (V3, ""): V3,
        ("AV:N/AC:L/Au:N/C:P/I:P/A:P", ""): "AV:N/AC:L/Au:N/C:P/I:P/A:P",
        (WORD, ""): "",
        (WORD, V3): V3,
        ("AV:N", V3): V3,
    }
    for (severity, vector), expected in vectors.items():
        assert read(severity=severity, vector=vector).vector == expected
        written = json.loads(to_json(collect([advisory(severity=severity, vector=expected)])))["advisories"][0]
        assert written.get("vector") == (None if expected in ("", severity) else expected)
    assert (read(project="Lib_X").project, read(project="crates.io/Lib_X").project) == ("lib-x", "crates.io/Lib_X")


def test_what_is_no_snapshot_is_refused() -> None:
    texts = {
        "": "`it` is not a snapshot of advisories: Input data was truncated",
        "[]": "`it` is not a snapshot of advisories: expected `object`, got `array`",
        '{"format": 2, "advisories": []}': "`it` is a snapshot of format 2; this version of wheelhouse reads format 1",
        '{"format": 0}': "`it` is a snapshot of format 0; this version of wheelhouse reads format 1",
        '{"format": 1}': "`it` is not a snapshot of advisories: object missing required field `advisories`",
        json.dumps(
            {"format": 1, "advisories": [{**EMPTY, "files": ["x"]}]}
        ): "`it` is not a snapshot of advisories: `adv",
        json.dumps(
            {"format": 1, "advisories": [{**EMPTY, "modified": "yesterday"}]}
        ): "`it` is not a snapshot of advisories: an advisory says that its last change was at `yesterday`",
    }
    for text, message in texts.items():
        with pytest.raises(InputError) as error:
            parse_snapshot(text, "it")
        assert str(error.value).startswith(message), text
        assert error.value.hint == "make a new snapshot with `wheelhouse advisories import`"
