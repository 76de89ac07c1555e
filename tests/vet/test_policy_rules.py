"""Rules about waivers: which findings a waiver covers, and which waivers are a finding themselves."""

from datetime import date

from packaging.utils import NormalizedName

from tests.support.made_pins import WHEEL, made_pin
from wheelhouse.findings import WHEELHOUSE_SUBJECT, Finding, Policy, Severity, Waiver
from wheelhouse.report.sentences import sentence_of
from wheelhouse.vet.rules.policy_rules import WaivedFindings, apply_waivers

TODAY = date(2026, 1, 31)
ODD = NormalizedName("odd")
PINS = {WHEEL: made_pin(), f"tools/{WHEEL}": made_pin(sha256="b" * 64)}
FOUND = Finding.of(WHEEL, "pth-code", Severity.ERROR, path="odd.pth")
ELSEWHERE = Finding.of("stranger.txt", "pth-code", Severity.ERROR)
INSIDE = Finding.of(f"tools/{WHEEL}", "pth-code", Severity.ERROR, path="odd.pth")


def waiver(rule: str = "pth-code", until: date = TODAY, **more: object) -> Waiver:
    return Waiver(rule, "ours", "ada", until, **more)  # type: ignore[arg-type]


def applied(*waivers: Waiver, severities: dict[str, Severity | None] | None = None) -> WaivedFindings:
    return apply_waivers([ELSEWHERE, FOUND, INSIDE], PINS, Policy(severities or {}, waivers=waivers), TODAY)


def unused(rule: str, project: str = "", sha256: str = "", **more: str) -> Finding:
    facts = {"waived_rule": rule, "project": project, "sha256": sha256, "who": "ada", **more}
    return Finding.of(WHEELHOUSE_SUBJECT, "waiver-unused", Severity.NOTE, **facts)


def broad(project: str) -> Finding:
    facts = {"waived_rule": "pth-code", "project": project, "who": "ada"}
    return Finding.of(WHEELHOUSE_SUBJECT, "waiver-broad", Severity.WARNING, **facts)


def test_a_waiver_of_a_file_covers_this_file_alone() -> None:
    bound = waiver(sha256="a" * 64)
    result = applied(bound)
    assert result == WaivedFindings((ELSEWHERE, INSIDE), (FOUND,))
    assert [one.waiver for one in result.waived] == [bound]


def test_a_waiver_of_a_project_covers_more_than_somebody_looked_at() -> None:
    result = applied(waiver(project=ODD))
    assert result == WaivedFindings(
        (ELSEWHERE, broad("odd").with_context(fingerprint=FOUND.fingerprint)), (FOUND, INSIDE)
    )
    (_, about) = applied(waiver()).remaining
    assert about == broad("").with_context(fingerprint=FOUND.fingerprint)


def test_a_waiver_of_one_finding_in_one_version_is_not_broad() -> None:
    result = applied(waiver(project=ODD, version="1.0", fingerprint=FOUND.fingerprint))
    assert result == WaivedFindings((ELSEWHERE,), (FOUND, INSIDE))
    assert applied(waiver(version="1.1")).remaining == (ELSEWHERE, FOUND, INSIDE, unused("pth-code", version="1.1"))


def test_waivers_that_match_nothing_are_told_with_what_they_name() -> None:
    result = applied(waiver("native-code", project=ODD), waiver(sha256="c" * 64))
    assert result.waived == ()
    assert result.remaining == (
        *(ELSEWHERE, FOUND, INSIDE),
        *(unused("native-code", "odd"), unused("pth-code", sha256="c" * 64)),
    )


def test_unused_waivers_of_one_project_are_told_apart_by_what_narrows_them() -> None:
    narrowed = ({"advisory": "CVE-1"}, {"advisory": "CVE-2"}, {"version": "1.1"}, {"fingerprint": "f" * 64})
    result = applied(*(waiver("vulnerable", project=ODD, **one) for one in narrowed))
    about = result.remaining[3:]
    assert about == tuple(unused("vulnerable", "odd", **one) for one in narrowed)
    assert [sentence_of(one) for one in about] == [
        f"ada's waiver of vulnerable for odd{which} matches no finding"
        for which in (" (CVE-1)", " (CVE-2)", " (version 1.1)", f" (fingerprint {'f' * 64})")
    ]


def test_an_expired_waiver_is_neither_broad_nor_unused() -> None:
    expired = Finding.of(WHEEL, "waiver-expired", Severity.ERROR, waived_rule="pth-code", until="2026-01-30")
    result = applied(waiver(until=date(2026, 1, 30), sha256="a" * 64), waiver("pth-path", until=date(2026, 1, 30)))
    assert result == WaivedFindings((ELSEWHERE, FOUND, expired, INSIDE, unused("pth-path")), ())
    late = applied(waiver(until=date(2026, 1, 30)))
    assert {one.rule for one in late.remaining} == {"pth-code", "waiver-expired"}


def test_the_policy_decides_on_findings_about_waivers() -> None:
    off = applied(waiver("native-code"), waiver(), severities={"waiver-broad": None, "waiver-unused": Severity.ERROR})
    assert [(one.rule, one.severity) for one in off.remaining[1:]] == [("waiver-unused", Severity.ERROR)]
