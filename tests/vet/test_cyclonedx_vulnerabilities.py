"""The vulnerabilities of a CycloneDX document, and what was decided about each."""

from dataclasses import replace
from datetime import date
from typing import Any

import pytest

from tests.vet.test_cyclonedx import APP, IMAGE, INSTALLED, LIB, NOW, document_of, evidence_of
from wheelhouse.findings import Analysis, Finding, Severity, Waiver
from wheelhouse.vet.approvals import Approval, Approvals

pytest.importorskip("cyclonedx")

V2, V30 = "AV:N/AC:L/Au:N/C:P/I:P/A:P", "CVSS:3.0/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:H/A:H"
V31, V4 = V30.replace("3.0", "3.1"), "CVSS:4.0/AV:N/AC:L/AT:N/PR:N/UI:N/VC:H/VI:H/VA:H/SC:N/SI:N/SA:N"
NVD = {"name": "NVD", "url": "https://nvd.nist.gov/vuln/detail/CVE-1"}
WAIVER = Waiver("vulnerable", "no input", "ada", date(2026, 12, 31))


def found(*ids: str, subject: str = APP, rule: str = "vulnerable", **context: str) -> Finding:
    return Finding.of(subject, rule, Severity.ERROR, ids=ids).with_context(**context)


def rows(*findings: Finding, **more: Any) -> list[dict[str, Any]]:
    written: list[dict[str, Any]] = document_of(evidence_of(findings=findings, **more)).get("vulnerabilities", [])
    return written


def only(*findings: Finding, **more: Any) -> dict[str, Any]:
    (row,) = rows(*findings, **more)
    return row


def test_a_vulnerability_is_written_with_all_that_is_known() -> None:
    known = {
        "fixed": "2.0",
        "summary": "it is bad",
        "rating": "high, 9.3",
        "vector": V4,
        "score": "9.3",
        "exploited": "2026-01-01",
        "epss": "0.5",
        "purl": "pkg:cargo/ssl@1",
    }
    osv = {"name": "OSV", "url": "https://osv.dev/vulnerability/RUSTSEC-1"}
    assert only(found("RUSTSEC-1", "PYSEC-2", "GHSA-3", "CVE-1", "PYSEC-1", **known)) == {
        "bom-ref": "vulnerability-0",
        "id": "CVE-1",
        "source": NVD,
        "references": [
            {"id": "GHSA-3", "source": {"name": "GitHub", "url": "https://github.com/advisories/GHSA-3"}},
            {"id": "PYSEC-1", "source": {"name": "OSV", "url": "https://osv.dev/vulnerability/PYSEC-1"}},
            {"id": "PYSEC-2", "source": {"name": "OSV", "url": "https://osv.dev/vulnerability/PYSEC-2"}},
            {"id": "RUSTSEC-1", "source": osv},
        ],
        "description": "it is bad",
        "recommendation": "take 2.0 or newer",
        "ratings": [{"severity": "high", "score": 9.3, "vector": V4.partition("/")[2], "method": "CVSSv4"}],
        "affects": [{"ref": APP}],
        "properties": [
            {"name": "wheelhouse:epss", "value": "0.5"},
            {"name": "wheelhouse:exploited", "value": "2026-01-01"},
            {"name": "wheelhouse:purl", "value": "pkg:cargo/ssl@1"},
        ],
    }


def test_the_id_is_that_of_the_best_known_database() -> None:
    preferred = ["CVE-2026-1", "GHSA-a-b", "PYSEC-2026-1", "ALSA-2026-1"]
    for count in range(1, 5):
        row = only(found(*sorted(preferred[-count:])))
        assert (row["id"], len(row.get("references", ()))) == (preferred[-count], count - 1)


def test_what_is_not_known_is_left_out() -> None:
    bare = {"bom-ref": "vulnerability-0", "id": "", "affects": [{"ref": APP}], "source": {"name": "OSV"}}
    assert only(found("CVE-1")) == {**bare, "id": "CVE-1", "source": NVD}
    assert only(found()) == only(Finding.of(APP, "vulnerable", Severity.ERROR, ids="CVE-1")) == bare
    assert only(Finding.of(APP, "vulnerable", Severity.ERROR)) == bare


def test_only_rules_about_vulnerabilities_count_open_approved_or_waived() -> None:
    others = (found("MAL-1", rule="malicious"), found("CVE-9", rule="capabilities"))
    rules = ("vulnerable", "component-vulnerable", "deb-vulnerable", "vulnerable-since-approval")
    findings = [found(f"CVE-{number}", rule=rule) for number, rule in enumerate(rules)]
    written = rows(*others, findings[3], findings[0], approved=(findings[1],), waived=(findings[2],))
    assert [(row["bom-ref"], row["id"]) for row in written] == [
        (f"vulnerability-{number}", f"CVE-{number}") for number in range(4)
    ]


def test_files_with_the_same_ids_and_analysis_are_one_vulnerability() -> None:
    said = Analysis("in_triage", "", "", "Acme", "it.json")
    findings = (
        found("CVE-1", "PYSEC-1", subject=LIB, summary="second"),
        found("PYSEC-1", "CVE-1", summary="first"),
        found("PYSEC-1", "CVE-1", summary="later"),
        replace(found("CVE-1", "PYSEC-1", subject=LIB), analysis=said),
        found("CVE-1", subject=LIB),
    )
    written = rows(*findings)
    assert [(row["id"], row["affects"], row.get("analysis")) for row in written] == [
        ("CVE-1", [{"ref": LIB}], None),
        ("CVE-1", [{"ref": LIB}], {"state": "in_triage"}),
        ("CVE-1", [{"ref": APP}, {"ref": LIB}], None),
    ]
    assert [row.get("description") for row in written] == [None, None, "first"]


def test_a_package_of_an_image_is_affected_by_its_own_reference() -> None:
    in_image = Finding.of("image/blobs/sha256/1", "deb-vulnerable", Severity.ERROR, ids=("CVE-1",), package="dpkg")
    packaged = Finding.of(APP, "deb-vulnerable", Severity.ERROR, ids=("CVE-1",), package="dpkg")
    other = replace(INSTALLED, subject="image/other", architecture="arm64")
    images = (IMAGE, replace(IMAGE, architecture="arm64"))
    written = only(in_image, packaged, images=images, image_packages=(other, INSTALLED))
    assert written["affects"] == [{"ref": APP}, {"ref": "image/amd64/dpkg"}]


def test_a_document_decides_before_a_waiver_and_that_before_an_approval() -> None:
    approvals = Approvals(
        tuple(Approval({"a" * 64: (APP, frozenset())}, who, "key", "fine", NOW.date()) for who in ("eve", "ada")),
        NOW.date(),
    )
    waived_here = "no input (waived by ada until 2026-12-31)"
    finding = found("CVE-1")
    stated = Analysis("not_affected", "code_not_present", "gone", "Acme", "it.json")
    waiver = replace(WAIVER, state="not_affected", justification="requires_environment")
    accepted = {"state": "exploitable", "response": ["will_not_fix"]}
    decisions = [
        (
            replace(finding, analysis=stated, waiver=WAIVER),
            {"state": "not_affected", "justification": "code_not_present", "detail": "gone"},
        ),
        (replace(finding, waiver=WAIVER), {**accepted, "detail": waived_here}),
        (
            replace(finding, waiver=waiver),
            {"state": "not_affected", "justification": "requires_environment", "detail": waived_here},
        ),
        (finding, {**accepted, "detail": "seen and approved by ada, eve"}),
    ]
    for decided, analysis in decisions:
        held = rows(approved=(decided,), approvals=approvals)
        assert [row["analysis"] for row in held] == [analysis], decided
    assert "analysis" not in only(finding, approvals=approvals)


def test_the_decisions_of_documents_are_in_words_of_cyclonedx() -> None:
    said: list[tuple[Analysis, dict[str, Any]]] = [
        (Analysis("exploitable", source="it.json"), {"state": "exploitable"}),
        (Analysis("in_triage"), {"state": "in_triage"}),
        (Analysis("resolved", "", "done"), {"state": "resolved", "detail": "done"}),
        (Analysis("not_affected", "ours"), {"state": "not_affected", "detail": "(ours)"}),
        (Analysis("not_affected", "ours", "gone"), {"state": "not_affected", "detail": "gone (ours)"}),
    ]
    for word, other in {
        "component_not_present": "code_not_present",
        "vulnerable_code_not_present": "code_not_present",
        "vulnerable_code_not_in_execute_path": "code_not_reachable",
        "vulnerable_code_cannot_be_controlled_by_adversary": "requires_environment",
        "inline_mitigations_already_exist": "protected_by_mitigating_control",
        "requires_configuration": "requires_configuration",
    }.items():
        said.append((Analysis("not_affected", word), {"state": "not_affected", "justification": other}))
    findings = [replace(found(f"CVE-{10 + number}"), analysis=one) for number, (one, _) in enumerate(said)]
    assert [row["analysis"] for row in rows(*findings)] == [written for _, written in said]


def test_the_source_is_the_database_of_an_id() -> None:
    addresses = {
        "CVE-2026-1": ("NVD", "https://nvd.nist.gov/vuln/detail/CVE-2026-1"),
        "GHSA-a-b": ("GitHub", "https://github.com/advisories/GHSA-a-b"),
        "PYSEC-1": ("OSV", "https://osv.dev/vulnerability/PYSEC-1"),
        "ALSA-2026:1": ("OSV", "https://osv.dev/vulnerability/ALSA-2026:1"),
        "CVE-1 2": ("NVD", None),
        "CVE-1/2": ("NVD", None),
        "CVE-é": ("NVD", None),
        "A.B": ("OSV", None),
    }
    written = {row["id"]: row["source"] for row in rows(*map(found, addresses))}
    assert written == {
        name: {"name": database, **({"url": address} if address else {})}
        for name, (database, address) in addresses.items()
    }


def test_the_rating_has_severity_score_vector_and_method() -> None:
    contexts: list[tuple[dict[str, str], dict[str, Any] | None]] = [
        *(({"rating": word}, {"severity": word}) for word in ("critical", "high", "medium", "low", "none")),
        ({"rating": "moderate, 5.0"}, {"severity": "medium"}),
        ({"rating": "moderate"}, {"severity": "medium"}),
        ({"rating": "odd"}, None),
        ({"vector": V31}, None),
        ({"rating": "odd", "score": "5.0"}, {"score": 5.0}),
        (
            {"rating": "low, 2, 3", "score": "2", "vector": V2},
            {"severity": "low", "score": 2, "vector": V2, "method": "CVSSv2"},
        ),
        (
            {"score": "9.8", "vector": V30},
            {"score": 9.8, "vector": V30.partition("/")[2], "method": "CVSSv3"},
        ),
        (
            {"score": "9.8", "vector": V31},
            {"score": 9.8, "vector": V31.partition("/")[2], "method": "CVSSv31"},
        ),
        (
            {"rating": "high", "vector": "odd/CVSS:3.1"},
            {"severity": "high", "vector": "odd/CVSS:3.1", "method": "CVSSv2"},
        ),
    ]
    written = rows(*(found(f"CVE-{10 + number}", **context) for number, (context, _) in enumerate(contexts)))
    expected = [[rating] if rating else None for _, rating in contexts]
    assert [row.get("ratings") for row in written] == expected
