"""Which findings a VEX statement is about, and which it settles."""

from dataclasses import replace

from packaging.utils import canonicalize_name
from packaging.version import Version

from wheelhouse.archive.artifact import Artifact
from wheelhouse.findings import Analysis, Finding, Severity
from wheelhouse.lock.lock import Pin
from wheelhouse.vet.ecosystems import Purl
from wheelhouse.vet.version_ranges import parse_range
from wheelhouse.vet.vex import VexProduct, VexStatement, apply_vex, is_settled, package_of

WHEEL, SHA256 = "app-1.0-py3-none-any.whl", "a" * 64
PIN = Pin(canonicalize_name("app"), Version("1.0"), Artifact(WHEEL, SHA256, 1))
VULNERABLE = Finding.of(WHEEL, "vulnerable", Severity.ERROR, project="app", version="1.0", ids=("CVE-1", "PYSEC-1"))
INSIDE = Finding.of(WHEEL, "component-vulnerable", Severity.WARNING, purl="pkg:cargo/ssl@1.2.0", ids=("CVE-1",))
DEBIAN = Finding.of("x.deb", "deb-vulnerable", Severity.ERROR, package="git", version="2", ids=("CVE-1",))
APP, LATER, SSL = Purl("pypi", "", "app", "1.0"), Purl("pypi", "", "app", "1.1"), Purl("cargo", "", "ssl", "1.2.0")
ANY_APP, ANY_SSL, GIT = Purl("pypi", "", "App", ""), Purl("cargo", "", "ssl", ""), Purl("deb", "debian", "git", "2")
STATED = Analysis("not_affected", "code_not_present", "", "Acme", "it.json")
CVE = frozenset(("CVE-1",))


def settles(finding: Finding, *products: VexProduct, analysis: Analysis = STATED, pin: Pin | None = PIN) -> bool:
    """Whether a statement about products settles a finding; if it does not, it says nothing of it either."""
    statement = VexStatement(CVE, products, analysis)
    applied = apply_vex((finding,), {WHEEL: pin} if pin else {}, (statement,))
    found = (applied.remaining, applied.settled, [one.analysis for one in (*applied.remaining, *applied.settled)])
    assert found in (((), (finding,), [analysis]), ((finding,), (), [None]))
    return bool(applied.settled)


def test_a_product_is_the_package_or_the_file_that_holds_it() -> None:
    rows: dict[str, tuple[Finding, VexProduct, bool]] = {
        "the release": (VULNERABLE, VexProduct(APP), True),
        "every release": (VULNERABLE, VexProduct(ANY_APP), True),
        "another release": (VULNERABLE, VexProduct(LATER), False),
        "nothing": (VULNERABLE, VexProduct(), False),
        "in the range": (VULNERABLE, VexProduct(ANY_APP, versions=parse_range("vers:pypi/<2")), True),
        "outside the range": (VULNERABLE, VexProduct(ANY_APP, versions=parse_range("vers:pypi/<1")), False),
        "a range without a package": (VULNERABLE, VexProduct(versions=parse_range("vers:pypi/<2")), False),
        "the file": (VULNERABLE, VexProduct(sha256=SHA256), True),
        "another file": (VULNERABLE, VexProduct(sha256="b" * 64), False),
        "the release and the file": (VULNERABLE, VexProduct(APP, SHA256), True),
        "the release in another file": (VULNERABLE, VexProduct(APP, "b" * 64), False),
        "another release in the file": (VULNERABLE, VexProduct(LATER, SHA256), True),
        "a component": (INSIDE, VexProduct(SSL), True),
        "a component with a hash of its own": (INSIDE, VexProduct(SSL, "b" * 64), True),
        "another component": (INSIDE, VexProduct(replace(SSL, version="1.3.0")), False),
        "the file of the component": (INSIDE, VexProduct(APP), True),
        "another file than that of the component": (INSIDE, VexProduct(LATER), False),
        "the component in the file": (INSIDE, VexProduct(APP, "", (VexProduct(ANY_SSL),)), True),
        "one of the components in the file": (INSIDE, VexProduct(APP, "", (VexProduct(APP), VexProduct(SSL))), True),
        "another component in the file": (INSIDE, VexProduct(APP, "", (VexProduct(LATER),)), False),
        "the component in another file": (INSIDE, VexProduct(LATER, "", (VexProduct(SSL),)), False),
        "the component in the file by hash": (INSIDE, VexProduct(None, SHA256, (VexProduct(SSL),)), True),
        "the component in another file by hash": (INSIDE, VexProduct(APP, "b" * 64, (VexProduct(SSL),)), False),
        "the component as a file with components": (INSIDE, VexProduct(SSL, "", (VexProduct(LATER),)), False),
        "a Debian package": (DEBIAN, VexProduct(GIT), True),
        "another Debian package": (DEBIAN, VexProduct(replace(GIT, version="3")), False),
    }
    for name, (finding, product, is_settling) in rows.items():
        assert settles(finding, product) == is_settling, name
        assert settles(finding, VexProduct(LATER), product) == is_settling, name
    assert not settles(VULNERABLE)


def test_without_a_pin_only_the_package_counts() -> None:
    assert settles(VULNERABLE, VexProduct(APP), pin=None) and settles(INSIDE, VexProduct(SSL), pin=None)
    assert not settles(INSIDE, VexProduct(APP), pin=None)
    assert not settles(VULNERABLE, VexProduct(sha256=SHA256), pin=None)
    unreadable = replace(INSIDE, facts=(("ids", ("CVE-1",)), ("purl", "cargo/ssl")))
    assert not settles(unreadable, VexProduct(SSL)) and settles(unreadable, VexProduct(APP))
    assert not settles(unreadable, VexProduct(APP, "", (VexProduct(SSL),)))


def test_a_fix_counts_only_for_what_is_limited_to_a_version_or_a_file() -> None:
    limited = {
        "a release": (VexProduct(APP), True),
        "a file": (VexProduct(sha256=SHA256), True),
        "a range": (VexProduct(ANY_APP, versions=parse_range("vers:pypi/<2")), True),
        "no version": (VexProduct(ANY_APP), False),
    }
    for state in ("resolved", "resolved_with_pedigree"):
        for name, (product, is_settling) in limited.items():
            assert settles(VULNERABLE, product, analysis=Analysis(state)) == is_settling, name
    release = VexProduct(ANY_APP, "", (VexProduct(ANY_SSL), VexProduct(SSL)))
    assert settles(INSIDE, release, analysis=Analysis("resolved"))
    assert not settles(INSIDE, replace(release, components=(VexProduct(ANY_SSL),)), analysis=Analysis("resolved"))
    assert [VexProduct(ANY_APP).has_version, VexProduct().has_version, VexProduct(APP).has_version] == [
        *(False, False, True)
    ]


def test_only_findings_about_its_vulnerability_are_settled() -> None:
    facts = {"project": "app", "version": "1.0"}
    for rule in ("vulnerable", "component-vulnerable", "vulnerable-since-approval"):
        assert settles(Finding.of(WHEEL, rule, Severity.ERROR, ids=("CVE-0", "CVE-1"), **facts), VexProduct(APP)), rule
    others = {
        "another rule": Finding.of(WHEEL, "malicious", Severity.ERROR, ids=("CVE-1",), **facts),
        "another vulnerability": Finding.of(WHEEL, "vulnerable", Severity.ERROR, ids=("CVE-2",), **facts),
        "no ids": Finding.of(WHEEL, "vulnerable", Severity.ERROR, **facts),
        "a number": Finding.of(WHEEL, "vulnerable", Severity.ERROR, ids=1, **facts),
    }
    assert [name for name, finding in others.items() if settles(finding, VexProduct(APP))] == []


def test_some_states_settle_and_two_of_them_need_a_reason() -> None:
    for state in ("resolved", "resolved_with_pedigree"):
        assert is_settled(Analysis(state))
    for state in ("not_affected", "false_positive"):
        assert not is_settled(Analysis(state, author="Acme", source="it.json"))
        assert is_settled(Analysis(state, justification="x")) and is_settled(Analysis(state, detail="x"))
    for state in ("exploitable", "in_triage", ""):
        assert not is_settled(Analysis(state, "x", "x"))


def test_of_several_statements_the_newest_counts_and_of_equal_ones_the_last() -> None:
    pairs = [
        ("2026-05-02T00:00:00Z", "2026-05-01T23:59:59Z"),
        ("2026-05-02", "2026-05-01T23:59:59Z"),
        ("2026-05-02T00:00:01", "2026-05-02T01:00:00+01:00"),
        ("2026-05-02T00:00:01Z", "2026-05-02T00:00:00"),
        ("2026-05-01T23:00:00-02:00", "2026-05-02T00:30:00Z"),
        ("2026-05-02T00:00:01z", "2026-05-02T00:00:00Z"),
        ("2026-05-02t00:00:01z", "2026-05-02t00:00:00z"),
        ("2024-06-30T23:59:60Z", "2024-06-30T23:59:59Z"),
        ("2024-07-01T00:00:00Z", "2024-06-30T23:59:60.123456789Z"),
        ("2024-07-01T01:59:60.5+02:00", "2024-06-30T23:59:59.5Z"),
        ("0002-01-01T00:00:00Z", "soon"),
        ("0002-01-01T00:00:00Z", "2024-06-30T23:59:61Z"),
        ("0002-01-01T00:00:00Z", ""),
    ]
    open_, product = Analysis("exploitable"), VexProduct(APP)
    for newer, older in pairs:
        first = VexStatement(CVE, (product,), open_, newer)
        second = VexStatement(CVE, (product,), STATED, older)
        applied = apply_vex((VULNERABLE,), {}, (first, second))
        assert ([one.analysis for one in applied.remaining], applied.settled) == ([open_], ()), (newer, older)
    equal = [VexStatement(CVE, (product,), one, "2026-05-02") for one in (open_, STATED)]
    assert [one.analysis for one in apply_vex((VULNERABLE,), {}, equal).settled] == [STATED]
    assert VexStatement(CVE, (product,), open_).made == ""
    equal = [VexStatement(CVE, (product,), open_, "soon"), VexStatement(CVE, (product,), STATED, "0001-01-01")]
    assert [one.analysis for one in apply_vex((VULNERABLE,), {}, equal).settled] == [STATED]


def test_each_finding_is_looked_at() -> None:
    other = Finding.of(WHEEL, "capabilities", Severity.NOTE)
    found = apply_vex((other, VULNERABLE, DEBIAN), {WHEEL: PIN}, (VexStatement(CVE, (VexProduct(APP),), STATED),))
    assert (found.remaining, found.settled) == ((other, DEBIAN), (VULNERABLE,))


def test_the_package_of_a_finding_is_named_by_its_facts() -> None:
    bare = Finding.of("x", "deb-vulnerable", Severity.ERROR)
    packages = [
        (VULNERABLE, APP),
        (INSIDE, SSL),
        (DEBIAN, Purl("deb", "", "git", "2")),
        (bare, Purl("deb", "", "", "")),
        (replace(bare, rule="vulnerable"), Purl("pypi", "", "", "")),
        (replace(INSIDE, facts=(("purl", "no"),)), None),
    ]
    for finding, package in packages:
        assert package_of(finding) == package
