"""The statement of what vetting looked at and what it did not, in all reports."""

import json
import marshal
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path

import pytest

from tests.support.made_wheelhouses import wheelhouse_of
from tests.support.wheels import build_sdist, build_wheel
from wheelhouse.findings import Policy
from wheelhouse.report.coverage_report import coverage_document, coverage_lines
from wheelhouse.report.formats import FORMATS
from wheelhouse.vet import coverage as coverage_module
from wheelhouse.vet.approvals import NO_APPROVALS
from wheelhouse.vet.coverage import Gap, GapKind, coverage_of
from wheelhouse.vet.evidence import Evidence
from wheelhouse.vet.gather_evidence import evidence
from wheelhouse.vet.vet import vet

NOW = datetime(2026, 6, 1, 12, tzinfo=UTC)
INSIDE: Mapping[str, bytes] = {
    "odd/__init__.py": b"import os\n",
    "odd/quiet.py": b"x = 1\n",
    "odd/two.py": b"import os\nos.system('x')\nexec 'x'\n",
    "odd/not-a-name.py": b"import os\n",
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
