"""The registry of report formats, and the options of `vet` that name them."""

import json
from pathlib import Path

import pytest

from tests.support.made_wheelhouses import wheelhouse_of
from tests.support.wheels import build_wheel
from wheelhouse.cli.entry import run
from wheelhouse.report.formats import FORMATS

FILES = [name for name in FORMATS if name not in ("text", "json")]
MARKS = {"html": "<!doctype html>", "sarif": '"version": "2.1.0"', "sbom": '"specVersion": "1.6"'}
"""What each format must hold."""


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / "wheels").mkdir()
    build_wheel(tmp_path / "wheels", "plain", "1.0", files={"plain/__init__.py": b"", "plain.pth": b"import plain\n"})
    wheelhouse_of(tmp_path / "wheels", "plain")
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.mark.parametrize("name", FILES)
def test_each_format_of_a_file_is_an_option_of_vet(folder: Path, name: str) -> None:
    assert run(["vet", "--quiet", f"--{name}", "new/report"]) in (0, 1)
    text = (folder / "new" / "report").read_text(encoding="utf-8")
    assert MARKS[name] in text and "plain-1.0-py3-none-any.whl" in text
    assert text.endswith("\n")


def test_json_and_text_are_what_vet_prints(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    run(["vet", "--json"])
    document = json.loads(capsys.readouterr().out)
    assert document["house"] == "wheels" and document["files"] == 1
    assert "pth-code" in {finding["rule"] for finding in document["findings"]}
    run(["vet", "--quiet"])
    printed = capsys.readouterr().out
    assert "[pth-code]\n  hint: " in printed and printed.splitlines()[-1].startswith("wheels: 1 file, ")


def test_no_format_is_printed_and_written_at_once(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    run(["vet", "--json", "--html", "page.html", "--sarif", "log.sarif"])
    json.loads(capsys.readouterr().out)
    assert {path.name for path in folder.iterdir()} == {"wheels", "page.html", "log.sarif"}
