"""The registry of report formats, and the options of `vet` that name them."""

import json
import sys
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


def test_quiet_text_has_no_note_and_says_nothing_if_all_is_good(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    run(["vet"])
    everything = capsys.readouterr().out.splitlines()
    assert "warning: wheelhouse: " in "\n".join(everything) and any(
        line.startswith("looked at ") for line in everything
    )
    assert run(["vet", "--quiet"]) == 1
    printed = capsys.readouterr().out.splitlines()
    assert {line.partition(": ")[0] for line in printed} == {"error", "  hint", "warning", "wheels"}
    assert set(printed) <= set(everything)
    rules = ("pth-code", "advisories-missing", "licence-unknown", "origin-unknown")
    (folder / "wheelhouse.toml").write_text("[policy.severities]\n" + "".join(f'{rule} = "note"\n' for rule in rules))
    assert run(["vet", "--quiet"]) == 0
    assert capsys.readouterr().out == ""


def test_a_missing_library_is_known_before_anything_is_read(
    folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setitem(sys.modules, "cyclonedx.output.json", None)
    assert run(["vet", "no-such-folder", "--html", "page.html", "--sbom", "sbom.json"]) == 6
    assert "cyclonedx-python-lib" in capsys.readouterr().err and not (folder / "page.html").exists()


def test_no_format_is_printed_and_written_at_once(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    run(["vet", "--json", "--html", "page.html", "--sarif", "log.sarif"])
    json.loads(capsys.readouterr().out)
    assert {path.name for path in folder.iterdir()} == {"wheels", "page.html", "log.sarif"}
