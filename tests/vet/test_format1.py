"""A wheelhouse that was approved when approvals signed sentences (format 1) is approved still.

`format1/` was made once by the last release that wrote that format: fourteen files with findings of 62 rules, a policy, a
snapshot of advisories, and one approval of everything, signed with an Ed25519 key that nobody keeps.
"""

import json
import shutil
from pathlib import Path

import pytest

from tests.support.checkout import ROOT
from wheelhouse.cli.entry import run

NEWER = ("capabilities", "import-runs-command", "import-runs-decoded")
"""Rules that are newer than the approval, and that find something in these files."""
KEPT = ROOT / "tests/vet/format1"


@pytest.fixture
def kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A copy of what was kept, and the folder that commands run in."""
    folder = copied(tmp_path / "kept")
    monkeypatch.chdir(folder)
    return folder


def copied(folder: Path) -> Path:
    """A copy of what was kept, whose policy turns newer rules off."""
    shutil.copytree(KEPT, folder)
    settings = folder / "wheelhouse.toml"
    severities = "".join(f'{rule} = "off"\n' for rule in NEWER)
    settings.write_text(f"{settings.read_text()}\n[policy.severities]\n{severities}")
    return folder


def test_a_wheelhouse_approved_in_format_1_is_approved(kept: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["vet", "wheels", "--json"]) == 0
    vetted = json.loads(capsys.readouterr().out)
    assert {(row["subject"], row["rule"]) for row in vetted["findings"]} == {
        ("house", "advisories-old"),
        ("house", "indexes"),
        ("files", "foreign"),  # its SHA256SUMS lists no folder inside: a warning
    }
    assert len(vetted["approved"]) == 99 and len({row["rule"] for row in vetted["approved"]}) == 62
    run(["verify", "wheels", "--require-approved", "--json"])
    verified = json.loads(capsys.readouterr().out)
    assert verified["findings"] and "not-approved" not in {row["rule"] for row in verified["findings"]}


def test_an_approval_of_format_1_covers_no_other_finding(kept: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """What the reviewer did not see stands: here another licence is denied, and an advisory changed its ids."""
    settings = kept / "wheelhouse.toml"
    settings.write_text(settings.read_text().replace('denied = ["GPL-3.0-only"]', 'denied = ["GPL-3.0-only", "ISC"]'))
    advisories = kept / "advisories.json"
    advisories.write_text(advisories.read_text().replace("CVE-2026-1", "CVE-2026-2"))
    assert run(["vet", "wheels", "--json"]) == 1
    rows = json.loads(capsys.readouterr().out)["findings"]
    assert {(row["subject"].partition("-")[0], row["rule"]) for row in rows} == {
        ("house", "advisories-old"),
        ("house", "indexes"),
        ("files", "foreign"),
        ("native", "licence-denied"),
        ("lone", "vulnerable"),
    }
