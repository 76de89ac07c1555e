"""The statement of what vetting looked at and what it did not, in all reports."""

import json
import marshal
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from packaging.utils import canonicalize_name
from packaging.version import Version

from tests.support.made_wheelhouses import wheelhouse_of
from tests.support.wheels import build_sdist, build_wheel
from wheelhouse.archive.artifact import Artifact
from wheelhouse.archive.metadata import InspectedFile, Metadata
from wheelhouse.debian.debian_lock import DebianLock, LockedDeb
from wheelhouse.findings import Policy
from wheelhouse.index.provenance import Attested
from wheelhouse.lock.lock import Pin
from wheelhouse.oci.image_lock import BaseImage, Blob
from wheelhouse.report.coverage_report import coverage_document, coverage_lines
from wheelhouse.report.formats import FORMATS
from wheelhouse.vet import coverage as coverage_module
from wheelhouse.vet.approvals import NO_APPROVALS
from wheelhouse.vet.code.behaviour import Behaviour
from wheelhouse.vet.code.hidden_members import MAX_MEMBER_BYTES
from wheelhouse.vet.coverage import WITH_NAMES, Coverage, Gap, GapKind, coverage_of
from wheelhouse.vet.evidence import Evidence
from wheelhouse.vet.facts import MAX_NATIVE_BYTES, MAX_SBOM_BYTES, MAX_TEXT_BYTES, Entry, Facts, Inside, SourceCounts
from wheelhouse.vet.gather_evidence import evidence
from wheelhouse.vet.vet import vet

NOW = datetime(2026, 6, 1, 12, tzinfo=UTC)
INSIDE: Mapping[str, bytes] = {
    "odd/__init__.py": b"import os\n",
    "odd/quiet.py": b"x = 1\n",
    "odd/two.py": b"import os\nos.system('x')\nexec 'x'\n",
    "odd/not.a.name.py": b"import os\n",
    "odd/native.so": b"\x7fELF" + bytes(60),
    "odd/tool.exe": b"MZ" + bytes(60),
    "odd/page.js": b"eval('1')",
    "odd/run": b"#!/bin/sh\n",
    "odd/inner.zip": b"PK\x03\x04" + bytes(30),
    "odd/picture.png": b"\x89PNG" + bytes(99),
    "odd/words.txt": b"words",
    "odd/code.dat": b"import os\n",
    "odd/__pycache__/quiet.cpython-312.pyc": bytes(16) + marshal.dumps(None),
    "odd-1.0.data/scripts/start": b"#!/usr/bin/python3\nimport os\n",
}


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Evidence:
    folder = tmp_path_factory.mktemp("wheels")
    build_wheel(folder, "odd", "1.0", files=INSIDE)
    build_sdist(folder, "raw", "1.0")
    (folder / "pylock.toml").unlink(missing_ok=True)
    wheelhouse_of(folder, "odd", "raw")
    policy = Policy(severities={"data-files": None})
    return evidence(folder, vet(folder, policy, NOW), policy, NO_APPROVALS, NOW, None)


def gaps(made: Evidence) -> dict[GapKind, Gap]:
    return {gap.kind: gap for gap in coverage_of(made).gaps if gap.subject.startswith("odd")}


@pytest.mark.parametrize(
    ("kind", "members"),
    [
        (GapKind.NATIVE_CODE, {"odd/native.so", "odd/tool.exe"}),
        (GapKind.NESTED_ARCHIVE, {"odd/inner.zip"}),
        (GapKind.COMPILED_PYTHON, {"odd/__pycache__/quiet.cpython-312.pyc"}),
        (GapKind.UNPARSED_SOURCE, {"odd/two.py"}),
    ],
)
def test_what_was_not_looked_at_is_named(made: Evidence, kind: GapKind, members: set[str]) -> None:
    assert set(gaps(made)[kind].members) == members


@pytest.mark.parametrize(
    ("kind", "suffixes"),
    [(GapKind.OTHER_CODE, {".js": 1, "": 1}), (GapKind.DATA, {".txt": 1, ".dat": 1})],
)
def test_what_is_no_python_is_counted_by_suffix(made: Evidence, kind: GapKind, suffixes: dict[str, int]) -> None:
    assert gaps(made)[kind].suffixes == suffixes


def test_python_that_was_not_parsed_is_counted(made: Evidence) -> None:
    found = gaps(made)
    assert (found[GapKind.SEARCHED_SOURCE].count, found[GapKind.UNREACHED_SOURCE].count) == (1, 1)
    assert made.files["odd-1.0-py3-none-any.whl"].inside.sources.followed == 3


def test_an_sdist_is_not_built(made: Evidence) -> None:
    assert Gap(GapKind.SDIST_BUILD, "raw-1.0.tar.gz") in coverage_of(made).gaps


def test_a_member_that_is_too_long_is_named(made: Evidence, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(coverage_module, "MAX_MEMBER_BYTES", 100)
    assert gaps(made)[GapKind.TOO_LARGE].members == ("odd/picture.png",)


def test_a_file_that_cannot_be_opened_is_a_gap(tmp_path: Path) -> None:
    wheel = build_wheel(tmp_path, "app", "1.0")
    wheelhouse_of(tmp_path, "app")
    wheel.write_bytes(b"altered")
    found = evidence(tmp_path, vet(tmp_path, Policy(), NOW), Policy(), NO_APPROVALS, NOW, None)
    assert coverage_of(found).gaps == (Gap(GapKind.UNOPENED, wheel.name),)
    assert coverage_of(found).files == 0


def test_the_statement_is_in_text_and_json(made: Evidence) -> None:
    text, document = FORMATS["text"](made, Path("wheels")), json.loads(FORMATS["json"](made, Path("wheels")))
    assert "\n".join(coverage_lines(made)) in text
    assert "rules that the policy turns off: data-files" in text
    assert document["coverage"] == json.loads(json.dumps(coverage_document(made)))
    kinds = {row["kind"]: row for row in document["coverage"]["not-looked-at"]}
    assert kinds["nested-archive"]["files"]["odd-1.0-py3-none-any.whl"]["members"] == ["odd/inner.zip"]
    assert document["coverage"]["looked-at"]["rules-off"] == ["data-files"]


def test_the_statement_is_in_sarif_and_on_the_page(made: Evidence) -> None:
    (run,) = json.loads(FORMATS["sarif"](made, Path("wheels")))["runs"]
    (invocation,) = run["invocations"]
    descriptors = run["tool"]["driver"]["notifications"]
    for notification in invocation["toolExecutionNotifications"]:
        descriptor = notification["descriptor"]
        assert descriptors[descriptor["index"]]["id"] == descriptor["id"]
    identifiers = {one["descriptor"]["id"] for one in invocation["toolExecutionNotifications"]}
    assert {"not-looked-at/native-code", "not-looked-at/sdist-build"} <= identifiers
    page = FORMATS["html"](made, Path("wheels"))
    assert "What was looked at, and what was not" in page and "odd/inner.zip" in page


# By hand


def contents_of(filename: str, *entries: Entry, attested: bool = False, **inside: Any) -> Facts:
    """The facts of a file that was opened, with these members."""
    pin = Pin(canonicalize_name("odd"), Version("1"), Artifact(filename, "a" * 64, 1))
    opened = InspectedFile(b"", Metadata(pin.project, pin.version))
    is_attested = Attested() if attested else None
    return Facts(pin, contents=opened, inside=Inside(entries, **inside), attested=is_attested)


def evidence_of(*facts: Facts, **more: Any) -> Evidence:
    held = Evidence("house", {}, {one.subject: "a" * 64 for one in facts}, facts, (), (), (), NO_APPROVALS, NOW)
    return replace(held, **more)


WHEEL, SDIST = "odd-1-py3-none-any.whl", "odd-1.tar.gz"
NATIVE, ARCHIVE, COMPILED, CODE = (
    GapKind.NATIVE_CODE,
    GapKind.NESTED_ARCHIVE,
    GapKind.COMPILED_PYTHON,
    GapKind.OTHER_CODE,
)
DATA, CUT = GapKind.DATA, GapKind.TOO_LARGE
PYTHON_TEXT, SHELL_TEXT = "#!/usr/bin/env python3\n", "#!/bin/sh\n#!/usr/bin/python\n"
SCRIPT = "odd-1.data/scripts/odd"


def test_the_names_of_kinds_stay_as_they_are() -> None:
    assert list(GapKind) == [
        *("unopened-file", "other-file", "debian-package", "base-image", "sdist-build", "native-code", "other-code"),
        *("nested-archive", "compiled-python", "too-large", "unparsed-source", "unfollowed-source"),
        *("searched-source", "unreached-source", "data"),
    ]


def kinds(entry: Entry, *, filename: str = WHEEL, text: str | None = None) -> list[GapKind]:
    """The kinds of gaps of a file with one member; `text` is its text, if it was kept."""
    kept = {} if text is None else {entry.name: text}
    return [gap.kind for gap in coverage_of(evidence_of(contents_of(filename, entry, texts=kept))).gaps]


def test_what_a_member_is_decides_whether_it_was_looked_at() -> None:
    members: list[tuple[str, str, list[GapKind]]] = [
        *(("odd/a", kind, [NATIVE]) for kind in ("elf", "pe", "macho")),
        *(("odd/a", kind, [ARCHIVE]) for kind in ("zip", "gzip", "bzip2", "xz", "zstd", "7z", "tar")),
        ("odd/a.png", "elf", [NATIVE]),
        *((f"odd/a.{suffix}", "zip", []) for suffix in ("png", "pkl", "TTF")),
        ("odd/a.pyc", "zip", [ARCHIVE]),
        ("odd/a.pyc", "", [COMPILED]),
        ("odd/a.pyo", "script", [COMPILED]),
        *((f"odd/a.{suffix}", "", [CODE]) for suffix in ("js", "mjs", "TSX", "sh", "c", "h", "sql", "j2", "ipynb")),
        ("odd/a.js.txt", "", [DATA]),
        ("odd/ajs", "", [DATA]),
        ("odd/a", "script", [CODE]),
        ("odd/a", "java", [CODE]),
        ("odd/a", "", [DATA]),
        ("odd/a.py", "script", []),
        ("odd/a.py", "java", []),
        ("a.pth", "", []),
        ("odd/a.pth", "", [DATA]),
        ("odd/a.pickle", "", []),
        ("odd/a.jpeg", "script", [CODE]),
        ("odd-1.dist-info/METADATA", "", []),
        ("odd-1.dist-info/licenses/a/LICENSE", "", []),
        ("odd/odd-1.dist-info/METADATA", "", [DATA]),
        ("odd/odd.egg-info/top_level.txt", "", []),
        ("odd.egg-info", "", [DATA]),
        ("odd-1/PKG-INFO", "", []),
        ("PKG-INFO", "", [DATA]),
        ("odd/PKG-INFO/a", "", [DATA]),
        (SCRIPT, "script", [CODE]),
        (SCRIPT, "", [DATA]),
        ("odd/", "", []),
    ]
    assert {(name, kind): kinds(Entry(name, 1, kind=kind)) for name, kind, _ in members} == {
        (name, kind): expected for name, kind, expected in members
    }


def test_a_text_that_was_kept_was_looked_at() -> None:
    assert kinds(Entry("odd/a.txt", 1), text="x") == []
    assert kinds(Entry(SCRIPT, 1, kind="script"), text=PYTHON_TEXT) == []
    assert kinds(Entry(SCRIPT, 1, kind="script"), text=SHELL_TEXT) == [CODE]
    assert kinds(Entry("odd/a", 1, kind="script"), text=PYTHON_TEXT) == [CODE]
    in_sdist = [
        kinds(Entry(name, 1, kind="script"), filename=SDIST, text=PYTHON_TEXT) for name in (SCRIPT, "odd-1/a.py")
    ]
    assert in_sdist == [[GapKind.SDIST_BUILD, CODE], [GapKind.SDIST_BUILD]]
    assert kinds(Entry("a.pth", 1, kind="script"), filename=SDIST) == [GapKind.SDIST_BUILD, CODE]


def test_a_member_is_too_large_above_the_limit_of_its_kind() -> None:
    bill = "odd-1.dist-info/sboms/a.json"
    limits: list[tuple[str, str, int, bool]] = [
        ("odd/a.so", "elf", MAX_NATIVE_BYTES, True),
        ("odd/a.png", "elf", MAX_NATIVE_BYTES, True),
        ("odd/a.png", "", MAX_MEMBER_BYTES, True),
        ("odd/a.pkl", "", MAX_MEMBER_BYTES, True),
        ("odd/a.pyc", "", MAX_MEMBER_BYTES, True),
        ("odd/a.txt", "", MAX_TEXT_BYTES, True),
        (bill, "", MAX_SBOM_BYTES, True),
        ("odd/b.txt", "", MAX_NATIVE_BYTES, False),
        ("odd/b.dll", "pe", MAX_NATIVE_BYTES, False),
    ]
    for name, kind, limit, is_limited in limits:
        text = "x" if name in ("odd/a.txt", bill) else None
        assert CUT not in kinds(Entry(name, limit, kind=kind), text=text), name
        assert (CUT in kinds(Entry(name, limit + 1, kind=kind), text=text)) == is_limited, name


def test_the_statement_has_all_numbers_and_gaps_in_order() -> None:
    behaviours = (
        Behaviour("unparsed", "odd/b.py", 1, "x"),
        Behaviour("unparsed", "odd/a.py", 2, "x"),
        Behaviour("unparsed", "odd/a.py", 1, "x"),
        Behaviour("unfollowed", "odd/c.py", 1, "x"),
        Behaviour("eval", "odd/d.py", 1, "x"),
    )
    names = ("odd/a.so", "odd/b.so", "odd/x.v1/README", "odd/a.TXT", "odd/b.txt", "odd/.", "odd/c.js", "odd/")
    entries = [Entry(name, 1, kind="elf" if name.endswith(".so") else "") for name in names]
    wheel = contents_of(
        WHEEL, *entries, attested=True, behaviours=behaviours, sources=SourceCounts(followed=4, searched=2, unreached=3)
    )
    sdist = contents_of(SDIST, Entry("odd-1/setup.py", 1), sources=SourceCounts(followed=1))
    unopened = Facts(replace(wheel.pin, artifact=replace(wheel.pin.artifact, filename="odd-2.zip")))
    blob = Blob("1" * 64, 1, "x")
    deb = LockedDeb("git", "2", "amd64", "main", "git.deb", "d" * 64, 4, "s", "main", "git", "2", ())
    others = {"files/x.tar": "b" * 64, "debian/main/git.deb": "d" * 64, "build/pylock.toml": "c" * 64}
    held = evidence_of(
        *(wheel, sdist, unopened),
        hashes={WHEEL: "a" * 64, SDIST: "a" * 64, "odd-2.zip": "a" * 64, **others},
        debian=DebianLock(packages=(deb,)),
        images=(BaseImage("python:3.12", "x", "arm64", blob, blob, ()),),
        rules_off=("data-files",),
    )
    found = coverage_of(held)
    assert replace(found, gaps=()) == Coverage(
        files=2,
        members=8,
        sources_followed=5,
        sources_searched=2,
        attestations=1,
        rules_off=("data-files",),
        gaps=(),
    )
    assert found.gaps == (
        Gap(GapKind.UNOPENED, "odd-2.zip"),
        Gap(GapKind.OTHER_FILE, "build/pylock.toml"),
        Gap(GapKind.OTHER_FILE, "files/x.tar"),
        Gap(GapKind.DEBIAN_PACKAGE, "debian/main/git.deb"),
        Gap(GapKind.BASE_IMAGE, "python:3.12 (arm64)"),
        Gap(GapKind.SDIST_BUILD, SDIST),
        Gap(NATIVE, WHEEL, 2, ("odd/a.so", "odd/b.so")),
        Gap(CODE, WHEEL, 1, suffixes={".js": 1}),
        Gap(GapKind.UNPARSED_SOURCE, WHEEL, 2, ("odd/a.py", "odd/b.py")),
        Gap(GapKind.UNFOLLOWED_SOURCE, WHEEL, 1, ("odd/c.py",)),
        Gap(GapKind.SEARCHED_SOURCE, WHEEL, 2),
        Gap(GapKind.UNREACHED_SOURCE, WHEEL, 3),
        Gap(DATA, WHEEL, 4, suffixes={"": 2, ".txt": 2}),
    )
    assert [(kind, len(gaps)) for kind, gaps in found.by_kind.items()][:4] == [
        *((GapKind.UNOPENED, 1), (GapKind.OTHER_FILE, 2), (GapKind.DEBIAN_PACKAGE, 1), (GapKind.BASE_IMAGE, 1))
    ]
    assert GapKind.COMPILED_PYTHON not in found.by_kind
    assert Gap(GapKind.OTHER_FILE, "x").count == 1


def test_the_kinds_that_name_members_are_these() -> None:
    assert {NATIVE, ARCHIVE, COMPILED, CUT, GapKind.UNPARSED_SOURCE, GapKind.UNFOLLOWED_SOURCE} == WITH_NAMES
