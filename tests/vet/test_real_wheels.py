"""What the rules about loading, names and places say of a real wheelhouse: Airflow 2.10.5 as its constraints pin it."""

import json
from pathlib import Path

import pytest

from tests.support.shared import shared
from wheelhouse.cli.entry import run
from wheelhouse.vet.vet import RULES

pytestmark = pytest.mark.index

QUIET_GROUPS = ("naming", "plugins", "scripts", "tooling", "startup")


def test_nothing_of_airflow_imitates_shadows_or_starts(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    constraints = shared("constraints/2.10.5/constraints-3.12.txt")
    airflow = ["apache-airflow==2.10.5", "-c", str(constraints), "--python", "3.12", "--platform", "linux/amd64"]
    assert run(["fetch", *airflow, "--dest", "wheels", "--quiet"]) == 0
    capsys.readouterr()
    assert run(["vet", "wheels", "--json", "--quiet"]) in (0, 1)
    document = json.loads(capsys.readouterr().out)
    assert document["files"] > 100
    loud = [
        one for one in document["findings"] if one["severity"] != "note" and RULES[one["rule"]].group in QUIET_GROUPS
    ]
    assert loud == []
    assert sum(one["rule"] == "capabilities" for one in document["findings"]) == document["files"]
