"""Vetting: rules on made files, the policy, waivers; nothing is run and nobody is asked."""

import json
import shutil
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from tests.support.index import IndexServer
from tests.support.tools import wheelhouse
from tests.support.wheels import build_sdist, build_wheel
from wheelhouse.errors import InputError
from wheelhouse.findings import Policy, Waiver
from wheelhouse.report.rule_list import rule_lines
from wheelhouse.vet import facts_reader as factsfile
from wheelhouse.vet.vet import RULES, vet

NOW = datetime(2026, 1, 1, tzinfo=UTC)


@pytest.fixture(scope="module")
def odd_house(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A wheelhouse with something for the rules to find."""
    base = tmp_path_factory.mktemp("odd")
    offered = base / "offered"
    offered.mkdir()
    build_wheel(offered, "plain", "1.0")
    build_wheel(
        offered, "starter", "1.0", files={"starter.pth": b"import os; os.getcwd()\n", "starter/__init__.py": b""}
    )
    build_wheel(offered, "path", "1.0", files={"path.pth": b"somewhere\n", "path/__init__.py": b""})
    build_sdist(offered, "raw", "1.0")
    old = build_wheel(base, "old", "1.0")
    with IndexServer(offered) as server:
        server.add(old, yanked="it broke", upload_time="2025-12-30T00:00:00Z")
        wanted = ("plain", "starter", "path", "raw", "old==1.0")
        made = wheelhouse("fetch", *wanted, "--python", "3.12", "--index", server.url, "--dest", "house", cwd=base)
        assert made.returncode == 0, made.stderr
    return base / "house"


def found(house: Path, policy: Policy | None = None) -> set[tuple[str, str]]:
    return {
        (finding.rule, finding.subject.partition("-")[0]) for finding in vet(house, policy or Policy(), NOW).findings
    }


PROJECTS = ("plain", "starter", "path", "raw", "old")


def test_each_rule_finds_what_it_is_for_and_nothing_else(odd_house: Path) -> None:
    assert found(odd_house) == {
        ("pth-code", "starter"),
        ("pth-path", "path"),
        ("sdist-runs-code", "raw"),
        ("own-backend", "raw"),
        ("embedded-archive", "raw"),
        ("yanked", "old"),
        ("advisories-missing", "house"),
        ("indexes", "house"),
        *((rule, project) for rule in ("capabilities", "licence-unknown") for project in PROJECTS),
    }
    assert found(odd_house, Policy(cool_off_days=7)) - found(odd_house) == {("cool-off", "old")}


def test_a_policy_that_names_an_unknown_rule_is_refused(odd_house: Path) -> None:
    with pytest.raises(InputError, match="unknown rules: pth-cod"):
        vet(odd_house, Policy(severities={"pth-cod": None}), NOW)


def test_what_verify_finds_is_weighed_waived_and_explained_too(odd_house: Path, tmp_path: Path) -> None:
    house = shutil.copytree(odd_house, tmp_path / "house")
    (house / "stranger.txt").write_text("")
    (house / "plain-1.0-py3-none-any.whl").write_bytes(b"altered")
    assert found(house) - found(odd_house) == {("foreign", "stranger.txt"), ("altered", "plain")}
    assert ("foreign", "stranger.txt") not in found(house, Policy(severities={"foreign": None}))
    assert RULES["foreign"].explanation


def test_no_file_is_opened_twice(odd_house: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    opened: list[str] = []
    real = factsfile.inspect
    monkeypatch.setattr(factsfile, "inspect", lambda path, name, watch: opened.append(name) or real(path, name, watch))
    vet(odd_house, Policy(), NOW)
    assert sorted(opened) == sorted(path.name for path in odd_house.iterdir() if path.suffix in (".whl", ".gz"))


def test_the_houses_inside_are_looked_over_too(odd_house: Path, tmp_path: Path) -> None:
    house = shutil.copytree(odd_house, tmp_path / "house")
    shutil.copytree(odd_house, house / "tools")
    subjects = {finding.subject for finding in vet(house, Policy(), NOW).findings if finding.rule == "pth-code"}
    assert subjects == {"starter-1.0-py3-none-any.whl", "tools/starter-1.0-py3-none-any.whl"}


def test_every_rule_explains_itself() -> None:
    assert all(rule.explanation and rule.title.endswith(".") for rule in RULES.values())
    assert not [line for rule in RULES.values() for line in rule_lines(rule) if "\n" in line]


def test_a_waiver_holds_until_its_day_and_is_a_finding_after(odd_house: Path) -> None:
    waiver = Waiver("pth-code", "it is ours", "me", NOW.date(), project="starter")  # type: ignore[arg-type]
    vetted = vet(odd_house, Policy(waivers=(waiver,)), NOW)
    assert [finding.rule for finding in vetted.waived] == ["pth-code"]
    late = vet(odd_house, Policy(waivers=(waiver,)), NOW.replace(year=2027))
    assert {"pth-code", "waiver-expired"} <= {finding.rule for finding in late.findings}


def test_a_waiver_that_matches_nothing_is_a_finding(odd_house: Path) -> None:
    used = Waiver("pth-code", "it is ours", "me", NOW.date(), project="starter")  # type: ignore[arg-type]
    other_project = replace(used, project="plain")
    other_file = replace(used, sha256="a" * 64)
    expired = replace(used, rule="pth-path", project="path", until=NOW.date().replace(year=2020))
    policy = Policy(waivers=(used, other_project, other_file, expired))

    def unused(policy: Policy) -> list[dict[str, object]]:
        findings = vet(odd_house, policy, NOW).findings
        return [dict(one.facts) for one in findings if (one.rule, one.subject) == ("waiver-unused", "house")]

    facts = {"waived_rule": "pth-code", "who": "me"}
    assert unused(policy) == [
        {**facts, "project": "plain", "sha256": ""},
        {**facts, "project": "starter", "sha256": "a" * 64},
    ]
    assert unused(replace(policy, severities={"waiver-unused": None})) == []


def test_the_command_weighs_by_the_policy_of_the_folder(odd_house: Path, tmp_path: Path) -> None:
    first = wheelhouse("vet", odd_house, "--json", cwd=tmp_path)
    assert (first.returncode, json.loads(first.stdout)["ok"]) == (1, False)
    (tmp_path / "wheelhouse.toml").write_text('[policy.severities]\npth-code = "off"\n')
    assert wheelhouse("vet", odd_house, cwd=tmp_path).returncode == 0
    (tmp_path / "wheelhouse.toml").write_text('[policy]\nthreshold = "warning"\nseverities = {pth-code = "off"}\n')
    assert wheelhouse("vet", odd_house, cwd=tmp_path).returncode == 1
    (tmp_path / "wheelhouse.toml").write_text(
        "[[policy.waivers]]\nrule = 'pth-code'\nreason = 'r'\nwho = 'w'\nuntil = 2999-01-01\n"
    )
    refused = wheelhouse("vet", odd_house, cwd=tmp_path)
    assert refused.returncode == 2 and "a project or a sha256" in refused.stderr


def test_a_rule_is_explained_and_an_unknown_one_refused(tmp_path: Path) -> None:
    assert "At each start, Python" in wheelhouse("vet", "--explain", "pth-code", cwd=tmp_path).stdout
    assert wheelhouse("vet", "--explain", "nothing", cwd=tmp_path).returncode == 2
    assert "pth-code" in wheelhouse("rules", cwd=tmp_path).stdout
