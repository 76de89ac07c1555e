"""VEX: what others say of vulnerabilities comes in, and what was decided goes out; KEV and EPSS."""

import gzip
import json
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from tests.support.made_wheelhouses import wheelhouse_of
from tests.support.wheels import build_wheel
from tests.vet.test_components import COMPONENTS, RECORDS, cyclonedx, osv
from wheelhouse.cli.entry import run
from wheelhouse.errors import InputError
from wheelhouse.files.disk import sha256_of
from wheelhouse.findings import Finding, Policy
from wheelhouse.report import finding_lines
from wheelhouse.vet.advisories import collect
from wheelhouse.vet.advisory_snapshot import to_json
from wheelhouse.vet.osv_records import read_records
from wheelhouse.vet.threat_files import read_threats
from wheelhouse.vet.vet import VetContext, Vetted, vet
from wheelhouse.vet.vex_documents import parse_vex

NOW = datetime(2026, 6, 1, tzinfo=UTC)
WHEEL, PURL = "app-1.0-py3-none-any.whl", "pkg:pypi/app@1.0"
V4 = "CVSS:4.0/AV:N/AC:L/AT:N/PR:N/UI:N/VC:H/VI:H/VA:H/SC:N/SI:N/SA:N"
APP = [
    {**osv("PYSEC-A", "PyPI", "app", {"introduced": "0"}), "aliases": ["CVE-2026-0001"], "summary": "bad"},
    {**osv("PYSEC-B", "PyPI", "app", {"introduced": "0"}, {"fixed": "2"}), "aliases": ["CVE-2026-0002"]},
    {**osv("PYSEC-C", "PyPI", "app", {"introduced": "0"}), "aliases": ["CVE-2026-0003"]},
    {**osv("MAL-1", "PyPI", "app", {"introduced": "0"})},
]
APP[1] |= {"severity": [{"type": "CVSS_V4", "score": V4}], "database_specific": {"severity": "HIGH"}}


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A wheelhouse with a vulnerable wheel that has vulnerable components inside, and the snapshot beside it."""
    base = tmp_path_factory.mktemp("vex")
    (base / "wheels").mkdir()
    bom = {"app-1.0.dist-info/sboms/a.cdx.json": json.dumps(cyclonedx(*COMPONENTS)).encode()}
    build_wheel(base / "wheels", "app", "1.0", files={"app/__init__.py": b"", **bom})
    wheelhouse_of(base / "wheels", "app")
    (base / "advisories.json").write_text(to_json(collect(read_records([*APP, *RECORDS]))))
    return base


def reviewed(house: Path, *documents: Mapping[str, Any]) -> Vetted:
    advisories = collect(read_records([*APP, *RECORDS]))
    statements = tuple(one for number, text in enumerate(documents) for one in parse_vex(json.dumps(text), f"{number}"))
    return vet(house / "wheels", Policy(), NOW, VetContext(advisories, vex=statements))


def settled(vetted: Vetted) -> set[str]:
    """The first ids of the findings that are settled."""
    return {str(one.values["ids"][0]) for one in vetted.waived}  # type: ignore[index]


def openvex(*statements: Mapping[str, Any]) -> dict[str, Any]:
    head = {"@context": "https://openvex.dev/ns/v0.2.0", "author": "Acme", "timestamp": "2026-05-01T00:00:00Z"}
    return {**head, "statements": list(statements)}


def says(status: str, *products: object, name: str = "CVE-2026-0001", **more: object) -> dict[str, Any]:
    reason = {"justification": "vulnerable_code_not_present"} if status == "not_affected" else {}
    return {"vulnerability": {"name": name}, "status": status, "products": list(products), **reason, **more}


def csaf(status: str, helper: Mapping[str, Any], **more: object) -> dict[str, Any]:
    product = {"product_id": "P", "name": "app", "product_identification_helper": helper}
    branches = [{"category": "vendor", "name": "x", "branches": [{"category": "product_name", "product": product}]}]
    return {
        "document": {"csaf_version": "2.0", "category": "csaf_vex", "publisher": {"name": "Acme"}},
        "product_tree": {"branches": branches},
        "vulnerabilities": [{"cve": "CVE-2026-0001", "product_status": {status: ["P"]}, **more}],
    }


FLAGS = {"flags": [{"label": "vulnerable_code_not_present", "product_ids": ["P"]}]}


def csaf_range(versions: str) -> dict[str, Any]:
    document = csaf("known_not_affected", {"purl": "pkg:pypi/app"}, **FLAGS)
    document["product_tree"]["branches"][0]["branches"][0] |= {"category": "product_version_range", "name": versions}
    return document


def in_cyclonedx(reference: str, state: str = "not_affected", **more: object) -> dict[str, Any]:
    analysis = {"state": state, "justification": "code_not_reachable", "detail": "we never call it"}
    row = {"id": "CVE-2026-0001", "analysis": analysis, "affects": [{"ref": reference, **more}]}
    components = [{"type": "library", "name": "app", "version": "1.0", "bom-ref": "the-app", "purl": PURL}]
    return {"bomFormat": "CycloneDX", "specVersion": "1.6", "components": components, "vulnerabilities": [row]}


IMPACT = {"threats": [{"category": "impact", "details": "the code is not there", "product_ids": ["P"]}]}
SETTLING = {
    "openvex": openvex(says("not_affected", {"@id": PURL})),
    "openvex-any-version": openvex(says("not_affected", {"@id": "pkg:pypi/App"})),
    "openvex-alias": openvex(says("not_affected", {"@id": PURL}, name="PYSEC-A")),
    "openvex-0.0.1": openvex({**says("not_affected", PURL), "vulnerability": "CVE-2026-0001"}),
    "openvex-fixed": openvex(says("fixed", {"@id": PURL})),
    "openvex-later": openvex(
        says("not_affected", {"@id": PURL}, timestamp="2026-05-03T00:00:00Z"),
        says("affected", {"@id": PURL}, timestamp="2026-05-02T00:00:00Z"),
    ),
    "openvex-later-elsewhere": openvex(  # a time zone, and nanoseconds, as vexctl writes them
        says("not_affected", {"@id": PURL}, timestamp="2026-05-02T22:00:00.123456789-06:00"),
        says("affected", {"@id": PURL}, timestamp="2026-05-03T01:00:00Z"),
    ),
    "csaf-flag": csaf("known_not_affected", {"purl": PURL}, **FLAGS),
    "csaf-impact": csaf("known_not_affected", {"purl": PURL}, **IMPACT),
    "cyclonedx": in_cyclonedx("the-app"),
    "cyclonedx-purl": in_cyclonedx(PURL),
    "cyclonedx-link": in_cyclonedx("urn:cdx:f08a6ccd-4dce-4759-bd84-c626675d60a7/1#pkg%3Apypi%2Fapp%401.0"),
    "openvex-fixed-file": openvex(says("fixed", {"@id": "pkg:pypi/app"}), says("fixed", {"@id": PURL})),
    "cyclonedx-range": in_cyclonedx("the-app", versions=[{"range": "vers:pypi/<3"}]),
    "cyclonedx-fixed-range": in_cyclonedx("pkg:pypi/app", "resolved", versions=[{"range": "vers:pypi/>=1|<3"}]),
    "cyclonedx-all": in_cyclonedx("the-app", "resolved", versions=[{"range": "vers:pypi/*"}]),
    "csaf-range": csaf_range("vers:pypi/<=1.0"),
    "cyclonedx-version": in_cyclonedx("the-app", versions=[{"version": "1.0", "status": "affected"}]),
}
OPEN = {
    "another-release": openvex(says("not_affected", {"@id": "pkg:pypi/app@2.0"})),
    "another-project": openvex(says("not_affected", {"@id": "pkg:pypi/apps@1.0"})),
    "another-file": openvex(says("not_affected", {"@id": PURL, "hashes": {"sha-256": "0" * 64}})),
    "another-product": openvex(says("not_affected", {"@id": "pkg:oci/image", "subcomponents": [{"@id": PURL}]})),
    "no-reason": openvex({**says("not_affected", {"@id": PURL}), "justification": ""}),
    "affected": openvex(says("affected", {"@id": PURL})),
    "affected-later-elsewhere": openvex(
        says("affected", {"@id": PURL}, timestamp="2026-05-02T22:00:00-06:00"),
        says("not_affected", {"@id": PURL}, timestamp="2026-05-03T01:00:00Z"),
    ),
    "open": openvex(says("under_investigation", {"@id": PURL})),
    "csaf-no-reason": csaf("known_not_affected", {"purl": PURL}),
    "cyclonedx-other-version": in_cyclonedx("the-app", versions=[{"version": "2.0"}]),
    "cyclonedx-other-range": in_cyclonedx("the-app", versions=[{"range": "vers:pypi/>=2|<3"}]),
    "cyclonedx-range-of-others": in_cyclonedx("the-app", versions=[{"range": "vers:npm/<3"}]),
    "cyclonedx-no-range": in_cyclonedx("the-app", versions=[{"range": "<3"}]),
    "csaf-other-range": csaf_range("vers:pypi/>1.0"),
    "csaf-no-range": csaf_range("1.x"),
    "openvex-fixed-in-no-version": openvex(says("fixed", {"@id": "pkg:pypi/app"})),
    "cyclonedx-fixed-in-no-version": in_cyclonedx("pkg:pypi/app", "resolved"),
    "csaf-fixed-in-no-version": csaf("fixed", {"purl": "pkg:pypi/app"}),
    "malicious": openvex(says("not_affected", {"@id": PURL}, name="MAL-1")),
}


@pytest.mark.parametrize("name", SETTLING)
def test_a_statement_settles_a_finding(house: Path, name: str) -> None:
    assert settled(reviewed(house, SETTLING[name])) == {"CVE-2026-0001"}


@pytest.mark.parametrize("name", OPEN)
def test_a_statement_about_something_else_settles_nothing(house: Path, name: str) -> None:
    vetted = reviewed(house, OPEN[name])
    assert settled(vetted) == set()
    assert {one.rule for one in vetted.findings} >= {"vulnerable", "malicious"}


def test_a_statement_by_sha256_is_about_that_file(house: Path) -> None:
    hashes = {"sha-256": sha256_of(house / "wheels" / WHEEL).upper()}
    assert settled(reviewed(house, openvex(says("not_affected", {"hashes": hashes})))) == {"CVE-2026-0001"}
    rows = [{"file_hashes": [{"algorithm": "sha256", "value": hashes["sha-256"]}]}]
    assert settled(reviewed(house, csaf("fixed", {"hashes": rows}))) == {"CVE-2026-0001"}


@pytest.mark.parametrize(
    "product",
    [
        {"@id": "pkg:cargo/openssl@0.10.60"},
        {"@id": PURL, "subcomponents": [{"@id": "pkg:cargo/openssl"}]},
        {"@id": PURL},
    ],
)
def test_a_statement_about_a_component_of_a_wheel(house: Path, product: dict[str, Any]) -> None:
    assert settled(reviewed(house, openvex(says("not_affected", product, name="RUSTSEC-1")))) == {"RUSTSEC-1"}


def test_the_report_says_who_says_what(house: Path) -> None:
    vetted = reviewed(house, SETTLING["csaf-impact"], openvex(says("affected", {"@id": PURL}, name="CVE-2026-0002")))
    (text,) = [line for line in finding_lines(vetted.waived) if "CVE-2026-0001" in line]
    assert "(not affected, says Acme: the code is not there)" in text
    assert any("(exploitable, says Acme)" in line for line in finding_lines(vetted.findings))


@pytest.mark.parametrize(
    "text",
    [
        *("", "[]", "{}", '{"@context": "https://openvex.dev/ns", "statements": [{}]}'),
        '{"bomFormat": "CycloneDX", "vulnerabilities": 5}',
        '{"bomFormat": "CycloneDX", "vulnerabilities": [{"analysis": 5}]}',
        json.dumps(openvex(says("perhaps", PURL))),
    ],
)
def test_what_is_no_vex_document_is_refused(text: str) -> None:
    with pytest.raises(InputError, match="`it` is not a VEX document"):
        parse_vex(text, "it")


# Out


WAIVER = """
[[policy.waivers]]
rule = "vulnerable"
project = "app"
advisory = "CVE-2026-0002"
reason = "no untrusted input"
who = "ada"
until = 2999-01-01
state = "not_affected"
justification = "requires_environment"
"""


def exported(house: Path, monkeypatch: pytest.MonkeyPatch, *options: str) -> dict[str, Any]:
    """The vulnerabilities of the bill of materials that `vet` writes, by their first id."""
    monkeypatch.chdir(house)
    (house / "wheelhouse.toml").write_text(WAIVER)
    assert run(["vet", "wheels", "--quiet", "--sbom", "sbom.json", *options]) == 1
    return {one["id"]: one for one in json.loads((house / "sbom.json").read_text())["vulnerabilities"]}


def test_the_bill_of_materials_has_the_vulnerabilities_and_what_was_decided(
    house: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    rows = exported(house, monkeypatch)
    assert rows.keys() >= {"CVE-2026-0001", "CVE-2026-0002", "CVE-2026-0003", "RUSTSEC-1", "ALSA-1"}
    waived = rows["CVE-2026-0002"]
    assert waived["analysis"]["state"] == "not_affected"
    assert waived["analysis"]["justification"] == "requires_environment"
    assert waived["analysis"]["detail"] == "no untrusted input (waived by ada until 2999-01-01)"
    assert waived["ratings"] == [{"severity": "high", "score": 9.3, "vector": V4.partition("/")[2], "method": "CVSSv4"}]
    assert waived["recommendation"] == "take 2 or newer" and waived["affects"] == [{"ref": WHEEL}]
    assert [one["id"] for one in waived["references"]] == ["PYSEC-B"]
    assert "analysis" not in rows["CVE-2026-0001"] and rows["CVE-2026-0001"]["description"] == "bad"


def test_what_goes_out_comes_in_again(house: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    exported(house, monkeypatch)
    document = json.loads((house / "sbom.json").read_text())
    vetted = reviewed(house, document)
    assert settled(vetted) == {"CVE-2026-0002"}
    (tmp_path / "vex.json").write_text(json.dumps(openvex(says("not_affected", {"@id": PURL}))))
    rows = exported(house, monkeypatch, "--vex", str(tmp_path / "vex.json"))
    assert rows["CVE-2026-0001"]["analysis"] == {"state": "not_affected", "justification": "code_not_present"}


# KEV and EPSS


KEV = {"catalogVersion": "2026.05.01", "vulnerabilities": [{"cveID": "CVE-2026-0003", "dateAdded": "2026-04-01"}]}
EPSS = (
    "#model_version:v2025.03.14,score_date:2026-05-01T00:00:00Z\ncve,epss,percentile\nCVE-2026-0002,0.912340000,0.99\n"
)


def test_what_is_exploited_or_likely_to_be_stands_first(
    house: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(house)
    (house / "wheelhouse.toml").unlink(missing_ok=True)
    (house / "known_exploited_vulnerabilities.json").write_text(json.dumps(KEV))
    (house / "epss_scores-2026-05-01.csv.gz").write_bytes(gzip.compress(EPSS.encode()))
    assert run(["vet", "wheels", "--quiet"]) == 1
    lines = [line for line in capsys.readouterr().out.splitlines() if "[vulnerable]" in line]
    assert [line.partition("CVE-2026-")[2][:4] for line in lines] == ["0003", "0002", "0001"]
    assert "exploited since 2026-04-01" in lines[0] and "(high), EPSS 0.91234" in lines[1]
    assert run(["vet", "wheels", "--quiet", "--json"]) == 1
    findings = json.loads(capsys.readouterr().out)["findings"]
    (exploited,) = [one for one in findings if one["context"].get("exploited")]
    assert exploited["facts"]["ids"] == ["CVE-2026-0003", "PYSEC-C"]
    for name in ("known_exploited_vulnerabilities.json", "epss_scores-2026-05-01.csv.gz"):
        (house / name).unlink()


@pytest.mark.parametrize("place", ["options", "policy"])
def test_the_files_are_named_by_options_or_by_the_policy(
    house: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], place: str
) -> None:
    monkeypatch.chdir(house)
    files = {"kev": KEV, "vex": SETTLING["openvex"]}
    for name, document in files.items():
        (tmp_path / name).write_text(json.dumps(document))
    (tmp_path / "epss").write_text(EPSS)
    named = {name: str(tmp_path / name) for name in ("kev", "epss", "vex")}
    lines = [f"{name} = {json.dumps([path] if name == 'vex' else path)}" for name, path in named.items()]
    settings = "\n".join(["[policy]", *lines, ""]) if place == "policy" else ""
    (house / "wheelhouse.toml").write_text(settings)
    options = ["--kev", named["kev"], "--epss", named["epss"], "--vex", named["vex"]] if not settings else []
    assert run(["vet", "wheels", *options]) == 1
    out = capsys.readouterr().out
    assert "exploited since 2026-04-01" in out and "EPSS 0.91234" in out and "says Acme" in out


def test_the_files_may_be_unpacked(house: Path, tmp_path: Path) -> None:
    kev, epss = tmp_path / "kev.csv", tmp_path / "epss.csv"
    kev.write_text('"cveID","vendorProject","dateAdded"\n"CVE-2026-0003","x","2026-04-01"\n')
    epss.write_text(EPSS)
    threats = read_threats(kev, epss, house)
    assert threats.of(["CVE-2026-0003", "cve-2026-0002"]) == {"exploited": "2026-04-01", "epss": "0.91234"}
    assert read_threats(None, None, tmp_path / "nowhere").of(["CVE-2026-0003"]) == {}


@pytest.mark.parametrize("text", ["", "{}", "cve,epss\nCVE-1,2\n", "a,b\n1,2\n", '{"vulnerabilities": [{}]}'])
def test_a_file_that_is_another_is_refused(tmp_path: Path, text: str) -> None:
    path = tmp_path / "file"
    path.write_text(text)
    with pytest.raises(InputError):
        read_threats(path, None, tmp_path)
    with pytest.raises(InputError):
        read_threats(None, path, tmp_path)
    with pytest.raises(InputError, match="there is no file"):
        read_threats(tmp_path / "missing", None, tmp_path)


def test_urgency_sorts_by_use_then_by_score() -> None:
    def finding(**context: str) -> Finding:
        return Finding.of("x", "vulnerable", Policy().threshold).with_context(**context)

    first, second, third = finding(exploited="2026-01-01"), finding(epss="0.5"), finding(epss="0.1", score="9.8")
    assert sorted([finding(score="5.0"), third, second, first, finding()], key=lambda one: one.urgency) == [
        first,
        second,
        third,
        finding(score="5.0"),
        finding(),
    ]
