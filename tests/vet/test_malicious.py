"""What is known to be malicious, and waivers that are bound to what somebody looked at."""

import json
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest
from packaging.utils import canonicalize_name

from tests.support.made_wheelhouses import wheelhouse_of
from tests.support.wheels import build_sdist, build_wheel
from wheelhouse.errors import InputError
from wheelhouse.findings import Finding, Policy, Subject, Waiver
from wheelhouse.vet.advisories import Advisories, Advisory, collect
from wheelhouse.vet.advisory_snapshot import parse_snapshot, to_json
from wheelhouse.vet.osv_records import read_records
from wheelhouse.vet.vet import VetContext, Vetted, vet

NOW = datetime(2026, 6, 1, tzinfo=UTC)
APP, PAYLOAD = "app-1.0-py3-none-any.whl", b"print('a file that only a malicious package has')\n" * 3


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A wheelhouse of one wheel, with a file that is known to be malicious, an empty file, and code that runs at start."""
    path = tmp_path_factory.mktemp("made")
    files = {"app/__init__.py": b"", "app/bad.py": PAYLOAD, "app.pth": b"import os\n"}
    build_wheel(path, "app", "1.0", files=files)
    wheelhouse_of(path, "app")
    return path


def record(identifier: str, project: str, indicators: object = None, **more: Any) -> dict[str, Any]:
    """A record of the OpenSSF's malicious packages, as github.com/ossf/malicious-packages has them."""
    affected = {"package": {"ecosystem": "PyPI", "name": project}, "versions": ["1.0"]}
    if indicators is not None:
        affected["database_specific"] = {"indicators": indicators}
    return {"id": identifier, "modified": "2026-05-01T00:00:00Z", "affected": [affected], **more}


def advisories(*documents: dict[str, Any]) -> Advisories:
    return collect(read_records(documents))


def vetted(folder: Path, known: Advisories | None = None, *waivers: Waiver) -> Vetted:
    return vet(folder, Policy(waivers=waivers), NOW, VetContext(advisories=known))


def of_rules(findings: tuple[Finding, ...], *rules: str) -> list[Finding]:
    return [finding for finding in findings if finding.rule in rules]


def indicated(folder: Path, files: Callable[[str], object]) -> object:
    return files(sha256((folder / APP).read_bytes()).hexdigest())


def test_a_malicious_release_is_not_merely_vulnerable(folder: Path) -> None:
    known = advisories(record("GHSA-1", "App", aliases=["MAL-2026-1"]), record("GHSA-2", "app"))
    findings = vetted(folder, known).findings
    (malicious,) = of_rules(findings, "malicious")
    assert (malicious.subject, malicious.values["case"], malicious.values["ids"]) == (
        APP,
        "release",
        ("GHSA-1", "MAL-2026-1"),
    )
    assert [finding.values["ids"] for finding in of_rules(findings, "vulnerable")] == [("GHSA-2",)]


def test_a_malicious_file_is_known_under_every_name(folder: Path) -> None:
    digest = sha256((folder / APP).read_bytes()).hexdigest()
    indicators = {"package_integrity": [{"filename": "evil-1.0-py3-none-any.whl", "hashes": {"sha256": digest}}]}
    known = parse_snapshot(to_json(advisories(record("MAL-2026-2", "evil", indicators))), "snapshot")
    (malicious,) = of_rules(vetted(folder, known).findings, "malicious")
    assert (malicious.values["case"], malicious.values["ids"]) == ("file", ("MAL-2026-2",))


def test_a_malicious_member_is_known_in_every_project(folder: Path) -> None:
    digests = [sha256(data).hexdigest() for data in (PAYLOAD, b"")]
    indicators = {"evidence_files": [{"path": "evil/x.py", "sha256": digest, "tlsh": "T1"} for digest in digests]}
    known = parse_snapshot(to_json(advisories(record("MAL-2026-3", "evil", indicators))), "snapshot")
    (malicious,) = of_rules(vetted(folder, known).findings, "malicious", "malicious-member")
    assert (malicious.rule, malicious.values["path"]) == ("malicious-member", "app/bad.py")


def test_a_malicious_member_of_an_sdist_is_known(tmp_path: Path) -> None:
    build_sdist(tmp_path, "app", "1.0", setup_py=PAYLOAD.decode())
    indicators = {"evidence_files": [{"path": "evil/x.py", "sha256": sha256(PAYLOAD).hexdigest()}]}
    findings = vetted(wheelhouse_of(tmp_path, "app"), advisories(record("MAL-2026-3", "evil", indicators))).findings
    assert [one.values["path"] for one in of_rules(findings, "malicious-member")] == ["app-1.0/setup.py"]


@pytest.mark.parametrize(
    "indicators", [None, [], {"evidence_files": [{"sha256": "short"}]}, {"evidence_files": 7}, {"other": [{}]}, "x"]
)
def test_indicators_of_another_shape_are_left_out(indicators: object) -> None:
    known = advisories(record("MAL-2026-4", "evil", indicators))
    assert not known.by_file and not known.by_member and known.count == 1


WAIVER = Waiver("pth-code", "it is ours", "Ada", NOW.date(), canonicalize_name("app"))


@pytest.mark.parametrize("rule", ["malicious", "malicious-member"])
def test_what_is_malicious_is_waived_by_its_sha256_alone(folder: Path, rule: str) -> None:
    known = advisories(record("MAL-2026-5", "app"))
    with pytest.raises(InputError, match="without the sha256"):
        vetted(folder, known, replace(WAIVER, rule=rule))
    digest = sha256((folder / APP).read_bytes()).hexdigest()
    waived = vetted(folder, known, replace(WAIVER, rule="malicious", sha256=digest)).waived
    assert [finding.rule for finding in waived] == ["malicious"]


def test_a_waiver_that_is_not_bound_says_so(folder: Path) -> None:
    (finding,) = of_rules(vetted(folder).findings, "pth-code")
    digest = sha256((folder / APP).read_bytes()).hexdigest()
    bound = (
        replace(WAIVER, sha256=digest),
        replace(WAIVER, version="1.0", fingerprint=finding.fingerprint),
    )
    for waiver in bound:
        done = vetted(folder, None, waiver)
        assert [one.rule for one in done.waived] == ["pth-code"] and not of_rules(done.findings, "waiver-broad")
    for waiver in (WAIVER, replace(WAIVER, version="1.0"), replace(WAIVER, fingerprint=finding.fingerprint)):
        (broad,) = of_rules(vetted(folder, None, waiver).findings, "waiver-broad")
        assert (broad.values["project"], broad.values["fingerprint"]) == ("app", finding.fingerprint)


@pytest.mark.parametrize(
    "change", [{"version": "1.1"}, {"fingerprint": "a" * 64}, {"advisory": "A-1"}, {"sha256": "a" * 64}]
)
def test_a_bound_waiver_covers_nothing_else(folder: Path, change: dict[str, str]) -> None:
    findings = vetted(folder, None, replace(WAIVER, **change)).findings  # type: ignore[arg-type]
    assert of_rules(findings, "pth-code") and of_rules(findings, "waiver-unused")


def test_a_waiver_of_one_advisory_hides_no_other(folder: Path) -> None:
    known = advisories(record("A-1", "app", aliases=["CVE-1"]), record("A-2", "app"))
    waiver = replace(WAIVER, rule="vulnerable", advisory="CVE-1")
    done = vetted(folder, known, waiver)
    assert [finding.values["ids"] for finding in of_rules(done.findings, "vulnerable")] == [("A-2",)]
    assert not of_rules(done.findings, "waiver-broad", "waiver-unused")


def test_a_waiver_covers_by_all_that_it_names() -> None:
    finding = Finding.of(APP, "vulnerable", 3, ids=("A-1",))  # type: ignore[arg-type]
    subject = Subject(APP, canonicalize_name("app"), "a" * 64, "1.0")
    waiver = replace(WAIVER, rule="vulnerable", version="1.0", advisory="A-1", sha256="a" * 64)
    assert waiver.covers(finding, subject) and not waiver.covers(finding, replace(subject, version="1.1"))
    assert Advisory("MAL-1", canonicalize_name("app")).is_malware
    assert json.loads(to_json(advisories(record("A-1", "app"))))["advisories"][0].keys() >= {"id", "since"}
