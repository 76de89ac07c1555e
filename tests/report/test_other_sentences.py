"""Every sentence of a finding is replaced, and nothing differs but text: no decision reads a sentence.

`WHEELHOUSE_OTHER_SENTENCES=1 python -m pytest tests/vet tests/verify tests/report` runs the other tests in the same way.
"""

import json
import subprocess
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from tests.support.other_sentences import replace_sentences
from tests.vet.test_format1 import copied
from wheelhouse.cli.entry import run

pytestmark = pytest.mark.text
TEXT = {"sentence", "hint", "details", "message"}
WAIVER = """
[[policy.waivers]]
rule = "pth-code"
project = "odd"
reason = "read it"
who = "alice"
until = 2999-01-01
"""


def without_text(value: Any) -> Any:
    """A JSON document without the values that are sentences."""
    if isinstance(value, dict):
        return {key: without_text(one) for key, one in value.items() if key not in TEXT}
    return [without_text(one) for one in value] if isinstance(value, list) else value


def texts(value: Any) -> list[str]:
    if isinstance(value, dict):
        own = [str(one) for key, one in value.items() if key in TEXT and one]
        return own + [text for one in value.values() for text in texts(one)]
    return [text for one in value for text in texts(one)] if isinstance(value, list) else []


def without_approvals(folder: Path) -> None:
    (folder / "approvals.intoto.jsonl").unlink()


def with_a_waiver(folder: Path) -> None:
    without_approvals(folder)
    settings = folder / "wheelhouse.toml"
    settings.write_text(settings.read_text() + WAIVER)


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A wheelhouse with findings of 62 rules, its policy, and its approval of format 1."""
    kept = copied(tmp_path / "kept")
    monkeypatch.chdir(kept)
    return kept


@pytest.mark.parametrize("prepare", [lambda _: None, without_approvals, with_a_waiver])
@pytest.mark.parametrize(
    "arguments",
    [
        ["vet", "wheels", "--json", "--sarif", "log.sarif"],
        ["verify", "wheels", "--json", "--require-approved"],
        ["stage", "wheels", "--json", "--require-approved"],
    ],
)
def test_nothing_but_text_differs(
    folder: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    prepare: Callable[[Path], None],
    arguments: list[str],
) -> None:
    prepare(folder)
    monkeypatch.setattr("wheelhouse.cli.vetting.now", lambda: datetime(2026, 6, 1, tzinfo=UTC))

    def ran() -> tuple[int, Any]:
        code = run(arguments)
        log = folder / "log.sarif"
        return code, [json.loads(capsys.readouterr().out), json.loads(log.read_text()) if log.is_file() else None]

    code, documents = ran()
    replace_sentences(monkeypatch)
    other_code, other_documents = ran()
    assert (other_code, without_text(other_documents)) == (code, without_text(documents))
    assert texts(other_documents) != texts(documents)


def test_an_approval_counts_whatever_the_sentences_were(
    folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    without_approvals(folder)
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", folder / "key"], check=True)
    settings = folder / "wheelhouse.toml"
    public = (folder / "key.pub").read_text().strip()
    settings.write_text(settings.read_text() + f'[[approvals.reviewers]]\nname = "bob"\nkey = "{public}"\n')
    assert run(["vet", "wheels"]) == 1
    assert run(["approve", "wheels", "--key", str(folder / "key"), "--reason", "read it"]) == 0
    replace_sentences(monkeypatch)
    capsys.readouterr()
    assert run(["vet", "wheels", "--json"]) == 0
    vetted = json.loads(capsys.readouterr().out)
    assert len(vetted["approved"]) == 99
    assert all(row["sentence"].startswith("sentence of") for row in vetted["approved"])
    assert run(["approve", "wheels", "--key", str(folder / "key"), "--reason", "read it", "--json"]) == 0
    assert not json.loads(capsys.readouterr().out)["approved"]
