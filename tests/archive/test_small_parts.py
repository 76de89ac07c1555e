"""Tables for the small pure parts: tags in words, twins, waivers, overrides, reasons, suffixes, limits."""

import json
import sys
import tarfile
import zipfile
from dataclasses import fields, replace
from datetime import date
from pathlib import Path
from random import Random
from types import ModuleType
from typing import Any

import pytest
from packaging.requirements import Requirement
from packaging.utils import InvalidWheelFilename, canonicalize_name
from packaging.version import Version

from tests.support.archive import compressed_tar
from tests.support.wheels import build_sdist, build_wheel
from wheelhouse.archive import compressed, limits, metadata, reasons, sdistfile, twins
from wheelhouse.archive.artifact import (
    Artifact,
    Candidate,
    Rejected,
    has_overlong_number,
    requires_python_of,
    why_hash_not_allowed,
)
from wheelhouse.archive.build_system import LEGACY_BACKEND, LEGACY_REQUIRES, BuildSystem, build_system
from wheelhouse.archive.compressed import compression_by_name
from wheelhouse.archive.filenames import is_globbed, is_standard_sdist, release_of, sdist_releases, wheel_parts
from wheelhouse.archive.legacy import repair_requirement, repair_specifiers
from wheelhouse.archive.limits import check_path
from wheelhouse.archive.metadata import parse_requires_txt
from wheelhouse.archive.overrides import Adjustments
from wheelhouse.archive.reason_text import TEXTS, reason_text
from wheelhouse.archive.reasons import (
    KEPT_IN_LOCKS,
    BadFilename,
    BadPageEntry,
    FitsLess,
    HashNotAllowed,
    InvalidRequirementLine,
    NoFittingTag,
    OtherWords,
    Reason,
    RequiresPython,
    Yanked,
    reason_of,
    reason_table,
)
from wheelhouse.archive.retag import retagged
from wheelhouse.archive.tag_summary import target_tags, wheel_tags
from wheelhouse.archive.twins import twin_findings
from wheelhouse.archive.waivers import NO_WAIVERS, Waivers
from wheelhouse.archive.ziparchive import mapped, read_members, read_whole
from wheelhouse.errors import IntegrityError, RefusedError
from wheelhouse.findings import Finding, Severity, Subject, Waiver
from wheelhouse.target.target import Platform, Python, Target

LIB = canonicalize_name("lib")
WHEEL = "lib-1.0-py3-none-any.whl"
ERROR, WARNING = Severity.ERROR, Severity.WARNING


# Tags in words


@pytest.mark.parametrize(
    ("python", "platform", "text"),
    [
        ("3.12", "manylinux_2_28_x86_64", "wheels of cp312, cp312-abi3, cp312-none and "),
        ("3.13t", "win_amd64", "wheels of cp313-cp313t, cp313-abi3t, cp313-none and "),
        ("pypy3.10", "macosx_11_0_arm64", "wheels of pp310-pypy310_pp73, pp310-none, py310-none and "),
    ],
)
def test_the_tags_of_a_target(python: str, platform: str, text: str) -> None:
    target = Target.of(Python.parse(python), Platform.parse(platform))
    assert target_tags(target).startswith(f"{target.name} accepts {text}")


def test_old_names_of_manylinux_are_left_out_beside_new_ones() -> None:
    target = Target.of(Python.parse("3.12"), Platform.parse("manylinux_2_12_x86_64"))
    platforms = target_tags(target).partition(" for ")[2]
    assert platforms == "manylinux_2_12_x86_64, manylinux_2_11_x86_64, manylinux_2_10_x86_64 and 7 more"


@pytest.mark.parametrize(
    ("names", "text"),
    [
        (("py3-none-any",), "wheels of py3-none for any"),
        (
            ("cp310-cp310-win_amd64", "cp39-cp39-win32", "cp38-abi3-macosx_11_0_arm64"),
            "wheels of cp38-abi3, cp39, cp310 for macosx_11_0_arm64, win32, win_amd64",
        ),
        (
            ("cp39-cp39-manylinux2014_x86_64", "cp39-cp39-manylinux1_i686"),
            "wheels of cp39 for manylinux1_i686, manylinux2014_x86_64",
        ),
        (
            ("cp39-cp39-manylinux2014_x86_64.manylinux_2_17_x86_64",),
            "wheels of cp39 for manylinux_2_17_x86_64",
        ),
        (
            [f"cp3{minor}-cp3{minor}-win32" for minor in range(14)],
            "wheels of " + ", ".join(f"cp3{minor}" for minor in range(12)) + " and 2 more for win32",
        ),
    ],
)
def test_the_tags_of_a_release(names: list[str], text: str) -> None:
    files = [f"lib-1.0-{name}.whl" for name in names]
    assert wheel_tags("lib", Version("1.0"), files) == f"lib 1.0 has {text}"


# Twins


@pytest.mark.parametrize(
    ("first", "second", "rule"),
    [
        ("a/b.py", "A/b.py", "name-twins"),
        ("a/b.txt", "a/B.txt", "case-twins"),
        ("a/b.H", "a/b.h", "case-twins"),
        ("lib.dist-info/X", "lib.dist-info/x", "name-twins"),
        ("lib.DIST-INFO/X", "lib.dist-info/X", "name-twins"),
        ("a/b.PYD", "a/b.pyd", "name-twins"),
        ("a/\u00e9.txt", "a/e\u0301.txt", "name-twins"),
        ("a/\u00c9.txt", "a/e\u0301.txt", "case-twins"),
        ("a/stra\u00dfe", "a/strasse", "case-twins"),
        ("a/x", "a/y", None),
        ("a/x", "a/x", None),
    ],
)
def test_names_that_some_file_systems_take_for_one(first: str, second: str, rule: str | None) -> None:
    findings = list(twin_findings(WHEEL, [first, "other", second]))
    severity = ERROR if rule == "name-twins" else WARNING
    expected = [Finding.of(WHEEL, rule, severity, first=first, second=second)] if rule else []
    assert findings == expected
    in_sdist = list(twin_findings("lib-1.0.tar.gz", [first, second]))
    assert [(one.rule, one.severity) for one in in_sdist] == ([("case-twins", WARNING)] if rule else [])


def test_a_few_twins_are_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(twins, "MAX_NAMED", 2)
    assert len(list(twin_findings(WHEEL, ["a", "A", "b", "B", "c", "C"]))) == 2


def test_warnings_leave_room_for_errors() -> None:
    headers = [f"h/{letter}{number}.h" for number in range(twins.MAX_NAMED + 5) for letter in "Aa"]
    rules = [one.rule for one in twin_findings(WHEEL, [*headers, "a.py", "A.py"])]
    assert rules == ["case-twins"] * twins.MAX_NAMED + ["name-twins"]


# Waivers


SUBJECT = Subject(WHEEL, LIB, "a" * 64)
HASH, ROW = (Finding.of(WHEEL, rule, ERROR, path="x") for rule in ("record-hash", "record-row"))
NOTED = Finding.of(WHEEL, "record-hash", WARNING, path="y")
TODAY = date(2026, 11, 28)


def waiver(**changes: Any) -> Waiver:
    return replace(Waiver("record-hash", "vendored", "Ada", TODAY), **changes)


@pytest.mark.parametrize(
    ("given", "is_waived", "rules"),
    [
        ((waiver(),), True, []),
        ((waiver(project=LIB),), True, []),
        ((waiver(sha256="a" * 64),), True, []),
        ((waiver(sha256="b" * 64),), False, []),
        ((waiver(project=canonicalize_name("other")),), False, []),
        ((waiver(rule="record-row"),), False, []),
        ((waiver(until=date(2026, 11, 27)),), False, ["waiver-expired"]),
        ((waiver(until=date(2026, 11, 27)), waiver(until=date(2026, 11, 29))), True, []),
        ((waiver(until=date(2026, 11, 26)), waiver(until=date(2026, 11, 27))), False, ["waiver-expired"] * 2),
        ((), False, []),
    ],
)
def test_which_findings_are_waived(given: tuple[Waiver, ...], is_waived: bool, rules: list[str]) -> None:
    remaining, waived = Waivers(given, TODAY).split([HASH], SUBJECT)
    valid = [one for one in given if one.until >= TODAY]
    assert waived == ([HASH] if is_waived else [])
    assert [one.waiver for one in waived] == (valid[:1] if is_waived else [])
    assert [one.rule for one in remaining] == [*([] if is_waived else ["record-hash"]), *rules]
    for expired, old in zip(remaining[1:], given, strict=False):
        assert expired.values == {"waived_rule": "record-hash", "until": old.until.isoformat()}
        assert (expired.subject, expired.severity) == (WHEEL, ERROR)


def test_the_errors_that_nothing_waives_refuse_a_file() -> None:
    waivers = Waivers((waiver(), waiver(rule="record-row", until=date(2026, 1, 1))), TODAY)
    with pytest.raises(RefusedError, match=rf"`{WHEEL}` is refused \(record-row\)") as caught:
        waivers.admit([HASH, NOTED, ROW, replace(ROW, subject="z")], SUBJECT)
    assert caught.value.rule == "record-row"
    rules = [one.rule for one in caught.value.findings]
    assert rules == ["record-row", "record-row", "waiver-expired", "waiver-expired"]
    assert all(
        one.values["waive_project"] == "lib" and one.values["waive_sha256"] == "a" * 64 for one in caught.value.findings
    )


def test_the_waivers_that_let_a_file_pass_name_it_once() -> None:
    waivers = Waivers((waiver(),), TODAY)
    assert waivers.admit([HASH, replace(HASH, subject="z")], SUBJECT) == (waiver(project=LIB, sha256="a" * 64),)
    assert waivers.admit([NOTED], SUBJECT) == NO_WAIVERS.admit([NOTED], SUBJECT) == ()
    assert Waivers((waiver(until=date(2026, 1, 1)),), TODAY).admit([NOTED], SUBJECT) == ()


def test_without_a_policy_every_error_refuses() -> None:
    with pytest.raises(RefusedError, match="record-hash"):
        NO_WAIVERS.admit([NOTED, HASH], SUBJECT)


# Overrides


@pytest.mark.parametrize(
    ("line", "instead"),
    [
        ("other>=1", ["other>=1"]),
        ("Lib>=1; os_name == 'nt'", ["lib==2", "lib==3; os_name == 'nt'"]),
        ("gone[x]", []),
        ("GONE", []),
    ],
)
def test_an_override_replaces_every_requirement_of_its_project(line: str, instead: list[str]) -> None:
    adjustments = Adjustments.of_texts(("lib==2", "Lib==3; os_name == 'nt'"), ("Gone",))
    requirement = Requirement(line)
    replaced = adjustments.instead_of(requirement)
    assert [(one.specifier, one.marker) for one in replaced] == [
        (Requirement(text).specifier, Requirement(text).marker) for text in instead
    ]
    assert (requirement in replaced) == (instead == [line])


# Reasons


@pytest.mark.parametrize("kind", KEPT_IN_LOCKS.values(), ids=KEPT_IN_LOCKS)
def test_a_reason_in_a_lock_is_read_back(kind: type[Reason]) -> None:
    names = [field.name for field in fields(kind)]
    reason = kind(**{name: f"the {name}" for name in names})
    table = reason_table(reason)
    assert table == {"reason": kind.id} | {name: f"the {name}" for name in names}
    details = {name: text for name, text in table.items() if name != "reason"}
    assert reason_of(kind.id, details | {"later": "x"}) == reason
    for name in names:
        with pytest.raises(ValueError, match=f"`{kind.id}` lacks its detail `{name}`"):
            reason_of(kind.id, {key: text for key, text in details.items() if key != name})


def test_reasons_have_the_ids_that_locks_hold_today() -> None:
    assert list(KEPT_IN_LOCKS) == [
        *("no-fitting-tag", "fits-less", "unreadable-format", "requires-python", "yanked", "bad-page-entry"),
        *("bad-filename", "hash-not-allowed", "no-binary", "only-binary", "uploaded-too-late"),
    ]
    assert reason_of("it was odd", {}) == OtherWords("it was odd")
    assert reason_table(OtherWords("it was odd")) == {"reason": "it was odd"}


@pytest.mark.text
@pytest.mark.parametrize(
    ("reason", "text"),
    [
        (Yanked(""), "it was yanked"),
        (Yanked("bad"), "it was yanked: bad"),
        (BadPageEntry("url"), "on the index page, the file has no address"),
        (BadPageEntry("sha256"), "on the index page, the file has a malformed sha256"),
        (BadPageEntry("odd"), "on the index page, the file has odd"),
        (
            InvalidRequirementLine("x", True),
            "requires `x`, which PEP 508 does not allow: pip 24.1 and newer refuse it;",
        ),
        (
            InvalidRequirementLine("y" * 301, False),
            f"requires `{'y' * 300}…`, which PEP 508 does not allow: pip refuses it",
        ),
        (OtherWords("z" * 301), "z" * 300 + "…"),
        (RequiresPython(">=3.13", "3.12.4"), "requires Python >=3.13, but the target has 3.12.4"),
    ],
)
def test_the_english_of_a_reason(reason: Reason, text: str) -> None:
    assert reason_text(reason).startswith(text)
    assert reason_text(OtherWords("it was odd")) == "it was odd"


def test_every_reason_has_a_text() -> None:
    kinds = {kind for kind in vars(reasons).values() if isinstance(kind, type) and issubclass(kind, Reason)}
    assert kinds - {Reason, BadPageEntry, InvalidRequirementLine} == set(TEXTS)


@pytest.mark.parametrize(
    ("reason", "has_no_tag", "follows"),
    [(NoFittingTag("x"), True, True), (FitsLess("x"), False, True), (BadFilename("x"), False, False)],
)
def test_what_a_name_alone_decides(reason: Reason, has_no_tag: bool, follows: bool) -> None:
    rejected = Rejected("x.whl", reason)
    assert (rejected.has_no_tag, rejected.follows_from_name) == (has_no_tag, follows)


# Names and numbers


@pytest.mark.parametrize(
    ("filename", "releases"),
    [
        ("a-1.0.tar.gz", [("a", "1.0")]),
        ("a-1.0-2.zip", [("a", "1.0.post2"), ("a-1-0", "2")]),
        ("a-b-1.tar.bz2", [("a-b", "1")]),
        ("a-1-2.tar", [("a-1", "2"), ("a", "1.post2")]),
        ("A_b-1.0.tgz", [("a-b", "1.0")]),
        ("-1.0-2.zip", [("-1-0", "2")]),
    ],
)
def test_what_releases_an_sdists_name_may_state(filename: str, releases: list[tuple[str, str]]) -> None:
    expected = [(name, Version(version)) for name, version in releases]
    assert list(sdist_releases(filename)) == expected and release_of(filename) == expected[0]


@pytest.mark.parametrize(
    ("filename", "expected"),
    [
        ("a-1.0.tar.gz", True),
        ("a-1.0.zip", True),
        ("a-1.0.tgz", False),
        ("a-1.1.tar.gz", False),
        ("b-1.0.tar.gz", False),
        ("a-x.tar.gz", False),
        (f"a-{'1' * 5000}.tar.gz", False),
    ],
)
def test_a_standard_name_of_an_sdist(filename: str, expected: bool) -> None:
    assert is_standard_sdist(filename, canonicalize_name("a"), Version("1.0")) is expected


def test_a_wheels_name_with_a_number_of_too_many_digits_is_invalid() -> None:
    with pytest.raises(InvalidWheelFilename, match="a number with too many digits"):
        wheel_parts(f"a-{'1' * 5000}-py3-none-any.whl")


@pytest.mark.parametrize(
    ("filename", "expected"), [("a.whl", True), ("a.tar.gz", True), ("a.zip", False), ("a", False)]
)
def test_what_airflows_build_installs(filename: str, expected: bool) -> None:
    assert is_globbed(filename) is expected


@pytest.mark.parametrize(
    ("filename", "module"),
    [
        ("a.tar.gz", "gzip"),
        ("a.tgz", "gzip"),
        ("a.tar.bz2", "bz2"),
        ("a.tbz", "bz2"),
        *((f"a.{suffix}", "lzma") for suffix in ("tar.xz", "txz", "tar.lzma", "tlz", "tar.lz")),
        ("a.tar", None),
        ("a.zip", None),
    ],
)
def test_the_module_that_decompresses(filename: str, module: str | None) -> None:
    assert compression_by_name(filename) == module


@pytest.mark.parametrize("suffix", [".tar.gz", ".tar.bz2", ".tar.xz"])
def test_compressed_data_that_end_too_early_are_a_damaged_tar(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"x{suffix}"
    whole = compressed_tar(Random(1).randbytes(100_000), suffix)
    path.write_bytes(whole[: len(whole) // 2])
    with (
        pytest.raises(tarfile.ReadError, match="ended before"),
        compressed.decompressed(path, compression_by_name(path.name)) as stream,
    ):
        while stream.read(1 << 16):
            pass


def test_an_error_of_zstd_is_a_damaged_tar(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Python 3.14 has the module."""

    class ZstdError(Exception):
        pass

    module = ModuleType("zstd")
    vars(module).update(ZstdError=ZstdError, open=lambda path: path.open("rb"))
    monkeypatch.setitem(sys.modules, "compression.zstd", module)
    monkeypatch.setitem(sys.modules, "compression", ModuleType("compression"))
    path = tmp_path / "x"
    path.touch()
    with pytest.raises(tarfile.ReadError, match="odd frame"), compressed.decompressed(path, "compression.zstd"):
        raise ZstdError("odd frame")


@pytest.mark.parametrize(
    ("path", "is_allowed"),
    [("a" * 4096, True), ("a" * 4097, False), ("/".join("a" * 256), True), ("/".join("a" * 257), False)],
)
def test_how_long_and_deep_a_path_may_be(path: str, is_allowed: bool) -> None:
    if is_allowed:
        check_path(path)
        return
    with pytest.raises(RefusedError) as caught:
        check_path(path)
    assert caught.value.rule == "archive-limit"


def test_a_requires_txt_may_have_so_many_requirements(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(metadata, "MAX_HEADER_FIELDS", 3)
    assert len(parse_requires_txt("a\nb\nc\n\n# d\n[x]\n")[0]) == 3
    with pytest.raises(RefusedError, match="more than 3 requirements"):
        parse_requires_txt("a\nb\nc\nd\n")


def test_a_member_is_read_whole_up_to_a_limit(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "x.zip", "w") as archive:
        archive.writestr("x", b"12345")
    with mapped(tmp_path / "x.zip") as data:
        member = read_members(data)["x"]
        assert read_whole(data, member, 5) == b"12345"
        with pytest.raises(RefusedError, match="its x has 5 bytes, more than 4"):
            read_whole(data, member, 4)


def test_only_top_files_of_a_zip_are_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with zipfile.ZipFile(tmp_path / "lib-1.0.zip", "w") as archive:
        archive.writestr("lib-1.0/pyproject.toml", b"[build-system] # \xff")
        archive.writestr("lib-1.0/pyproject.toml.orig", b"x" * 100)
    monkeypatch.setattr(sdistfile, "MAX_METADATA_BYTES", 50)
    assert sdistfile.read_pyproject(tmp_path / "lib-1.0.zip", "lib-1.0.zip") == "[build-system] # \ufffd"


def test_the_egg_info_counts_where_old_metadata_name_no_dependency(tmp_path: Path) -> None:
    for name, requires, expected in (("none", [], ("other",)), ("some", ["lib"], ("lib",))):
        sdist = build_sdist(
            tmp_path, name, "1.0", metadata_version="1.2", requires=requires, egg_info_requires="other\n"
        )
        assert sdistfile.read_sdist(sdist, sdist.name).metadata.requires_dist == expected


def test_candidates_are_equal_whatever_their_hashes() -> None:
    one, two = (Candidate(LIB, Version("1"), WHEEL, "u", "i", hashes={"sha256": digit}) for digit in "ab")
    assert one == two and len({one, two}) == 1


def test_limits_are_in_the_order_of_what_they_hold() -> None:
    assert limits.MAX_RECORD_ROWS > limits.MAX_MEMBERS and limits.MAX_HEADER_BYTES < limits.MAX_METADATA_BYTES


@pytest.mark.parametrize(
    ("text", "expected"), [("1" * 4000, False), ("1" * 4001, True), (f"v{'1' * 4000}", True), ("1." * 3000, False)]
)
def test_a_number_with_too_many_digits(text: str, expected: bool) -> None:
    assert has_overlong_number(text) is expected


@pytest.mark.parametrize(
    ("text", "specifier"), [(">=3.8", ">=3.8"), (">=3.8.*", ">=3.8"), ("odd", ""), (f">={'1' * 5000}", ""), ("", "")]
)
def test_a_requires_python_that_nobody_reads_excludes_nothing(text: str, specifier: str) -> None:
    assert str(requires_python_of(text)) == specifier


@pytest.mark.parametrize(
    ("changes", "is_costly"),
    [
        ({"size": 20_000_001}, True),
        ({"size": 20_000_000}, False),
        ({"size": None}, False),
        ({"size": 20_000_001, "sidecar": ""}, True),
        ({"size": 20_000_001, "url": "/srv/lib.tar.gz"}, False),
        ({"size": 20_000_001, "filename": WHEEL}, False),
    ],
)
def test_whose_metadata_cost_a_large_download(changes: dict[str, Any], is_costly: bool) -> None:
    candidate = Candidate(LIB, Version("1.0"), "lib-1.0.tar.gz", "https://x/lib.tar.gz", "")
    assert replace(candidate, **changes).is_costly is is_costly
    assert replace(candidate, url="http://x").is_local is False and replace(candidate, url="file:///x").is_local


def test_an_artifact_says_what_is_wrong_with_it() -> None:
    with pytest.raises(IntegrityError, match="has no valid sha256"):
        Artifact("lib.whl", "a" * 65, 1)
    with pytest.raises(IntegrityError, match="not a name"):
        Artifact("lib.whl/", "a" * 64, 1)


# Requirements of old releases


@pytest.mark.parametrize(
    ("line", "requirement", "rules"),
    [
        ("lib>=1<2", "lib>=1,<2", "a comma is missing between two clauses"),
        ("lib (>=1,)", "lib>=1", "a comma has no clause on one side"),
        ("lib>='1'", "lib>=1", "quotes surround a version"),
        ('lib (>="1")', "lib>=1", "quotes surround a version"),
        ("lib>=1.*", "lib>=1", "an ordered comparison ends in `.*`"),
        ("lib==1*", "lib==1.*", "a `*` has no dot before it"),
        ("lib<2dev_x", "lib<2", "a version ends in an invalid part"),
        ("lib!=~1.2", "lib!=1.2.*", "an exclusion is written `!=~`"),
        ("lib (>dev)", "lib", "a clause compares with a word that is not a version"),
        ("lib[a] (>=1<2) ; os_name == 'nt'", "lib[a]>=1,<2; os_name == 'nt'", "a comma is missing between two clauses"),
        (
            "lib>=1.*<2.*",
            "lib>=1,<2",
            "a comma is missing between two clauses and an ordered comparison ends in `.*`",
        ),
    ],
)
def test_a_requirement_is_repaired_by_rules(line: str, requirement: str, rules: str) -> None:
    repaired, named = repair_requirement(line)
    expected = Requirement(requirement)
    assert (repaired.name, repaired.extras, repaired.specifier) == (expected.name, expected.extras, expected.specifier)
    assert (str(repaired.marker), named) == (str(expected.marker), rules)


@pytest.mark.parametrize("text", ["<dev", "==dev", "~=1.x", "==1 2", "lib", "!=1_x_"])
def test_a_specifier_that_has_no_meaning_is_not_repaired(text: str) -> None:
    with pytest.raises(ValueError, match="compar"):
        repair_specifiers(text)


# Build systems


@pytest.mark.parametrize(
    ("text", "system"),
    [
        (None, BuildSystem()),
        ("", BuildSystem(LEGACY_REQUIRES, LEGACY_BACKEND, ())),
        ("[tool.x]\n", BuildSystem()),
        ('[build-system]\nrequires = ["a"]\n', BuildSystem(("a", *LEGACY_REQUIRES))),
        ('[build-system]\nrequires = ["a"]\nbuild-backend = "a.b"\n', BuildSystem(("a",), "a.b")),
        (
            '[build-system]\nrequires = []\nbuild-backend = "a.b"\nbackend-path = ["x"]\n',
            BuildSystem((), "a.b", ("x",)),
        ),
    ],
)
def test_the_build_system_of_an_sdist(text: str | None, system: BuildSystem) -> None:
    assert build_system(text, "lib-1.0.tar.gz") == system


@pytest.mark.parametrize(
    "text",
    [
        *("[", "[build-system]\n", "build-system = 1\n"),
        "[build-system]\nrequires = 1\n",
        '[build-system]\nrequires = "setuptools"\n',
        "[build-system]\nrequires = [1, {a = 1}]\n",
        '[build-system]\nrequires = []\nbuild-backend = ["a"]\n',
        "[build-system]\nrequires = []\nbuild-backend = []\n",
        "[build-system]\nrequires = []\nbuild-backend = 0\n",
        "[build-system]\nrequires = []\nbuild-backend = false\n",
        '[build-system]\nrequires = []\nbuild-backend = "a"\nbackend-path = "src"\n',
        '[build-system]\nrequires = []\nbuild-backend = "a"\nbackend-path = [1]\n',
    ],
)
def test_a_pyproject_that_cannot_be_read_names_the_sdist(text: str) -> None:
    with pytest.raises(IntegrityError, match=r"the pyproject.toml of `lib-1.0.tar.gz` cannot be read"):
        build_system(text, "lib-1.0.tar.gz")


@pytest.mark.parametrize(("key", "value"), [("requires", "1"), ("backend-path", "'src'")])
def test_the_key_whose_value_is_no_list_of_strings_is_named(key: str, value: str) -> None:
    with pytest.raises(IntegrityError, match=f"`{key}` is not a list of strings"):
        build_system(
            f"[build-system]\n{'' if key == 'requires' else 'requires = []'}\n{key} = {value}\n", "lib-1.0.tar.gz"
        )


# Hashes that requirement lines allow


def test_the_first_hash_that_no_line_allows_is_the_reason() -> None:
    candidate = Candidate(LIB, Version("1"), WHEEL, "", "", hashes={"sha256": "a", "sha512": "b"})
    allowed = [frozenset({"sha256:a", "sha256:c"}), frozenset({"sha512:b", "md5:d"})]
    assert why_hash_not_allowed(candidate, allowed) is None
    assert why_hash_not_allowed(candidate, [frozenset({"md5:d"})]) is None
    assert why_hash_not_allowed(candidate, [*allowed, frozenset({"sha512:x"})]) == HashNotAllowed("sha512", "b")
    assert why_hash_not_allowed(candidate, [frozenset({"sha256:x", "sha512:b"})]) is None
    assert why_hash_not_allowed(candidate, [frozenset({"sha256:x"}), frozenset({"sha256:a"})]) is not None


# Another platform tag


def test_a_retagged_wheel_says_its_tag_in_each_place(tmp_path: Path) -> None:
    wheel = build_wheel(tmp_path, "app", "1.0", tag="cp312-cp312-manylinux_2_36_x86_64", files={"app/a,b.py": b"x"})
    with zipfile.ZipFile(wheel) as archive:
        before = archive.read("app-1.0.dist-info/WHEEL").decode()
    made = retagged(wheel, "linux_x86_64")
    with zipfile.ZipFile(made) as archive:
        after = archive.read("app-1.0.dist-info/WHEEL").decode()
        names = archive.namelist()
        record = archive.read("app-1.0.dist-info/RECORD").decode().splitlines()
    assert after.splitlines() == [line.replace("manylinux_2_36_x86_64", "linux_x86_64") for line in before.splitlines()]
    assert "Tag: cp312-cp312-linux_x86_64" in after and after.endswith("\n")
    assert len(record) == len(names) and '"app/a,b.py",' in "\n".join(record)
    assert json.dumps(record).count("WHEEL") == 1


def test_a_stream_is_read_up_to_its_limit(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "x.tar"
    path.write_bytes(b"x" * 100)
    monkeypatch.setattr(compressed, "BOMB_FLOOR", 100)
    monkeypatch.setattr(compressed, "BOMB_RATIO", 1)
    with compressed.decompressed(path, None) as stream:
        assert stream.read(60) + stream.read(60) == b"x" * 100
    monkeypatch.setattr(compressed, "BOMB_FLOOR", 99)
    monkeypatch.setattr(compressed, "BOMB_RATIO", 0)
    with (
        compressed.decompressed(path, None) as stream,
        pytest.raises(RefusedError, match="more than 99 bytes") as caught,
    ):
        stream.read()
    assert caught.value.rule == "sdist-bomb"
