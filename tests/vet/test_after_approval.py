"""What became known of approved files, data of reports, old sentences, and rules about hidden members."""

from dataclasses import replace
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pytest
from packaging.utils import NormalizedName

from tests.support.made_pins import WHEEL, made_facts, made_pin
from wheelhouse.errors import InputError
from wheelhouse.findings import Analysis, Finding, Policy, Severity, Waiver, observed
from wheelhouse.lock.lock import Inputs, Lock
from wheelhouse.lock.wheelhouse import Wheelhouse
from wheelhouse.target.target import Platform, Python, Target
from wheelhouse.vet import advisory_sources, gather_evidence
from wheelhouse.vet.advisories import Advisories, Advisory
from wheelhouse.vet.after_approval import KnownToday, known_since_approval
from wheelhouse.vet.approvals import NO_APPROVALS, Approval, Approvals
from wheelhouse.vet.approvals_format1 import sentence_in_format_1
from wheelhouse.vet.capabilities import Capability
from wheelhouse.vet.code.behaviour import Behaviour
from wheelhouse.vet.ecosystems import parse_purl
from wheelhouse.vet.import_advisories import import_advisories
from wheelhouse.vet.known_projects_file import read_known_projects
from wheelhouse.vet.rules import Check, Review, hiding
from wheelhouse.vet.vet import Vetted
from wheelhouse.vet.vex import VexProduct, VexStatement

NOW = datetime(2026, 1, 31, tzinfo=UTC)
ODD = NormalizedName("odd")
LOCK = Lock(Target.of(Python.parse("3.12"), Platform.parse("linux/amd64")), Inputs(()), (made_pin(),))
HOUSE = Wheelhouse((LOCK, LOCK))
CVE = Advisory("CVE-1", ODD, versions=frozenset({"1.0"}), severity="high", summary="It overflows.")
MALWARE = Advisory("MAL-1", ODD, versions=frozenset({"1.0"}))
OTHER = Advisory("CVE-2", ODD, versions=frozenset({"2.0"}))
RELEASE = {"project": "odd", "version": "1.0"}
CONTEXT: dict[str, str] = {"case": "unfixed", "fixed": "", "rating": "high", "since": "", "summary": "It overflows."}
FACTS = observed(ids=("CVE-1",), severity="high", **RELEASE).facts
VULNERABLE = Finding(WHEEL, "vulnerable", Severity.ERROR, FACTS)
MALICIOUS = Finding.of(WHEEL, "malicious", Severity.ERROR, case="release", ids=("MAL-1",), **RELEASE)
SINCE = replace(VULNERABLE, rule="vulnerable-since-approval", severity=Severity.WARNING).with_context(**CONTEXT)


def approved(*seen: Finding) -> Approvals:
    marks = frozenset((one.rule, one.fingerprint) for one in seen)
    return Approvals((Approval({"a" * 64: (WHEEL, marks)}, "ada", "k", "read", date(2026, 1, 1)),), NOW.date())


def waiver(rule: str, until: date = date(2026, 1, 31)) -> Waiver:
    return Waiver(rule, "ours", "ada", until, sha256="a" * 64)


def vex(state: str) -> VexStatement:
    product = VexProduct(parse_purl("pkg:pypi/odd@1.0"))
    return VexStatement(frozenset({"CVE-1"}), (product,), Analysis(state, detail="it is not called"))


ROWS: dict[str, tuple[tuple[Advisory, ...], dict[str, Any], list[Finding]]] = {
    "nobody saw it": ((CVE, OTHER), {}, [SINCE]),
    "nobody approved": ((CVE,), {"approvals": NO_APPROVALS}, [SINCE]),
    "a reviewer saw it": ((CVE,), {"approvals": approved(VULNERABLE)}, []),
    "a malicious release": ((MALWARE,), {}, [MALICIOUS]),
    "a malicious release that a reviewer saw": ((MALWARE,), {"approvals": approved(MALICIOUS)}, []),
    "another version": ((OTHER,), {}, []),
    "waived": ((CVE,), {"policy": Policy(waivers=(waiver("vulnerable"),))}, []),
    "another rule waived": ((CVE,), {"policy": Policy(waivers=(waiver("yanked"),))}, [SINCE]),
    "no longer waived": ((CVE,), {"policy": Policy(waivers=(waiver("vulnerable", date(2026, 1, 30)),))}, [SINCE]),
    "settled": ((CVE,), {"vex": (vex("not_affected"),)}, []),
    "exploitable": ((CVE,), {"vex": (vex("exploitable"),)}, [SINCE]),
    "off": ((CVE,), {"policy": Policy({"vulnerable-since-approval": None})}, []),
}


def test_what_too_few_reviewers_saw_is_told_once_for_each_file() -> None:
    for name, (advisories, more, expected) in ROWS.items():
        known: dict[str, Any] = {"approvals": approved(), "policy": Policy(), "now": NOW} | more
        today = KnownToday(Advisories({ODD: advisories}), **known)
        assert list(known_since_approval(HOUSE, today)) == expected, name


def test_the_data_of_reports_have_what_the_wheelhouse_holds(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(gather_evidence, "files_of", lambda _folder: {WHEEL: "a" * 64})
    vetted = Vetted({}, (made_facts(),), (VULNERABLE, MALICIOUS), (), {})
    policy = Policy({"yanked": None, "pth-code": Severity.NOTE, "indexes": None}, threshold=Severity.WARNING)
    advisories = Advisories({}, NOW)
    full = gather_evidence.evidence(tmp_path, vetted, policy, approved(MALICIOUS), NOW, advisories, tmp_path / "old")
    assert (full.findings, full.approved, full.rules_off) == ((VULNERABLE,), (MALICIOUS,), ("indexes", "yanked"))
    assert (full.name, full.since, full.known, full.threshold) == (tmp_path.name, "old", NOW, Severity.WARNING)
    least = gather_evidence.evidence(tmp_path, vetted, Policy(), approved(), NOW, None)
    assert (least.since, least.known, least.rules_off) == ("", None, ())


class Source:
    """A source of advisories on these projects."""

    def __init__(self, *projects: str) -> None:
        self.projects = projects

    def accepts(self, name: str) -> bool:
        return name == "mine"

    def advisories(self, name: str, http: object) -> list[Advisory]:
        return [Advisory("CVE-1", NormalizedName(project), modified="2026-01-01") for project in self.projects]


class Never(Source):
    """A source that accepts nothing."""

    def accepts(self, name: str) -> bool:
        return False


def test_advisories_come_from_the_first_source_that_accepts_the_name(monkeypatch: pytest.MonkeyPatch) -> None:
    http: Any = None
    monkeypatch.setattr(advisory_sources, "SOURCES", (Never("no"), Source("odd", "debian:12/git"), Source("late")))
    assert set(import_advisories("mine", http, NOW).by_project) == {"odd", "debian:12/git"}
    monkeypatch.setattr(advisory_sources, "SOURCES", (Source("debian:12/git"),))
    with pytest.raises(InputError, match="`mine` has no advisory for a PyPI project"):
        import_advisories("mine", http, NOW)


def test_the_list_of_known_projects_comes_along() -> None:
    assert len(read_known_projects().names) > 1000


def sentence(rule: str, **facts: Any) -> str | None:
    return sentence_in_format_1(Finding.of(WHEEL, rule, Severity.ERROR, **facts))


def test_format_1_has_a_sentence_for_a_rule_or_for_a_case_of_it() -> None:
    assert sentence("built-unsealed") == "its build was not sealed"
    assert sentence("yanked", case="bare") == "it was yanked: no reason given"
    assert sentence("yanked", case="reason", reason="it broke") == "it was yanked: it broke"
    assert sentence("zip-crc", member="x") is None
    assert sentence("yanked") is None


VECTOR = "CVSS:3.1/AV:N"
RATINGS = {
    "high": "odd 1.0 is affected by CVE-1 (high): It overflows.",
    VECTOR: "odd 1.0 is affected by CVE-1 (medium, 6.1): It overflows.",
    "AV:N/CVSS:3.": "odd 1.0 is affected by CVE-1 (AV:N/CVSS:3.): It overflows.",
    "CVSS:4.0/AV:N": "odd 1.0 is affected by CVE-1 (CVSS:4.0/AV:N): It overflows.",
}


def test_format_1_quoted_all_vectors_but_those_of_cvss_3() -> None:
    for severity, expected in RATINGS.items():
        finding = replace(VULNERABLE, facts=tuple(sorted((dict(VULNERABLE.facts) | {"severity": severity}).items())))
        assert sentence_in_format_1(finding.with_context(**CONTEXT | {"rating": "medium, 6.1"})) == expected, severity
    without = Finding.of(WHEEL, "vulnerable", Severity.ERROR, ids=("CVE-1",), **RELEASE).with_context(**CONTEXT)
    assert sentence_in_format_1(without) == RATINGS["high"]


KINDS: dict[str, tuple[Check, dict[str, Any]]] = {
    "disguised": (hiding.program_in_disguise, {"does": ("x", "y")}),
    "pickle-calls": (hiding.pickle_runs_code, {"calls": ("x", "y")}),
    "unchecked-pyc": (hiding.pyc_unchecked, {}),
    "unlike-pyc": (hiding.pyc_unlike_source, {"does": ("x", "y")}),
}
REVIEW = Review((), Policy(), NOW)


def test_each_member_that_hides_something_is_told_once_sorted_by_path() -> None:
    kinds = (*KINDS, "sourceless-pyc")
    noted = [Behaviour(kind, path, 1, what) for kind in kinds for path, what in (("b", "z"), ("a", "x"), ("a", "y"))]
    facts = made_facts(inside={"behaviours": tuple(noted)})
    for kind, (check, expected) in KINDS.items():
        last = dict.fromkeys(expected, ("z",))
        assert list(check(facts, REVIEW)) == [observed(path="a", **expected), observed(path="b", **last)], kind
        assert list(check(made_facts(), REVIEW)) == [], kind
    assert list(hiding.pyc_without_source(facts, REVIEW)) == [observed(paths=("a", "b"))]
    assert list(hiding.pyc_without_source(made_facts(), REVIEW)) == []


def test_capabilities_are_called_as_reviewers_signed_them() -> None:
    words = "start-up,dynamic code,process,network,environment,files outside,native,plugin"
    assert ",".join(Capability) == words
