"""What a review knows of its wheelhouse as a whole, how rules are registered, and how findings are weighed."""

from dataclasses import replace
from datetime import date

import pytest

from tests.support.made_facts import NOW, made
from wheelhouse.archive.native_code import Native
from wheelhouse.findings import Finding, Policy, Severity
from wheelhouse.vet import rules
from wheelhouse.vet.approvals import Approval, Approvals
from wheelhouse.vet.capabilities import Earlier
from wheelhouse.vet.facts import Entry, Facts
from wheelhouse.vet.rules import (
    Review,
    checked_elsewhere,
    declares_namespace,
    review_findings,
    weighed,
    wheelhouse_rule,
)
from wheelhouse.vet.vet import RULES


def review(*facts: Facts, policy: Policy | None = None) -> Review:
    return Review(facts, policy or Policy(), NOW)


def test_what_at_least_two_files_have_is_shared() -> None:
    points = {"{}-1.0.dist-info/entry_points.txt": "[console_scripts]\nrun = a:b\n"}
    one, two, three = (
        made(name, *paths, texts={key.format(name): text for key, text in points.items()} if name != "two" else {})
        for name, paths in {"one": ("m/a.py", "n.py"), "two": ("m/a.py",), "three": ("m/b.py", "k.py")}.items()
    )
    found = review(one, two, three)
    assert found.shared_paths == {"m/a.py": [one, two]}
    assert found.shared_commands == {"run": [one, three]}
    assert found.module_installers == {"m": [one, two, three]}
    assert review(one, one).shared_paths == {"m/a.py": [one, one], "n.py": [one, one]}


def test_start_modules_of_folders_are_known_by_their_folder() -> None:
    one = made("one", "sitecustomize.py", "a/usercustomize.py", "b/sitecustomize.py.txt", "a/b/c.py")
    two = made("two", "x/y/sitecustomize/__init__.py", "two-1.0.data/data/lib/sitecustomize.py")
    assert review(one, two).start_modules == {
        "a/usercustomize.py": "a",
        "x/y/sitecustomize/__init__.py": "x/y",
        "@data/lib/sitecustomize.py": "@data/lib",
    }


DECLARED = {
    "__import__('pkg_resources').declare_namespace(__name__)": True,
    "__path__ = extend_path(__path__, __name__)": True,
    "x = 1": False,
    "undeclare_namespace()": False,
    "# extend_path": False,
}


def test_an_init_that_declares_a_namespace_is_known_by_its_text() -> None:
    for text, declares in DECLARED.items():
        facts = made("odd", "b/__init__.py", texts={"a/__init__.py": text, "odd.pth": text})
        assert declares_namespace(facts, "a/__init__.py") is declares, text
        for path in ("odd.pth", "b/__init__.py", "c/__init__.py"):
            assert not declares_namespace(facts, path), path


def test_a_module_belongs_to_who_installs_it_or_has_its_name() -> None:
    namespace = {"n/__init__.py": next(iter(DECLARED))}
    one = made(
        "one", "one/a.py", "s/__init__.py", "m.py", "t/in/__init__.py", "x.txt", "n/b.py", "d.py/e.txt", texts=namespace
    )
    two = made("two-more", "s/__init__.py", "Two_More/a.py", "py.pyc", "init/__init__.pyc", "one/c.py")
    assert review(one, two).owners == {
        "one": {"one"},
        "s": {"one", "two-more"},
        "m": {"one"},
        "Two_More": {"two-more"},
    }


def test_a_file_without_a_folder_is_no_package_of_the_project() -> None:
    assert review(made("odd", "odd", "odd.so")).owners == {}


def test_the_libraries_of_a_wheelhouse_are_its_elf_files() -> None:
    one = made("one", Entry("one.libs/in/liba.so.1", 1, kind="elf"), Entry("b.dll", 1, kind="pe"), "c.so")
    two = made("two", Entry("libd.so", 1, kind="elf", native=Native("x86_64", program=True)))
    assert review(one, two).libraries == {"liba.so.1", "libd.so"}


def test_a_wheel_has_the_sdist_of_its_release() -> None:
    wheel, sdist, last = made("odd", "odd/a.py"), made("odd", tag=""), made("odd", tag="", sha256="1" * 64)
    older, other = made("odd", tag="", version="0.9"), made("two", tag="")
    assert review(wheel, older, other).sdist_of(wheel) is None
    assert review(sdist, last, wheel, older, other).sdist_of(wheel) is last
    assert review(sdist, wheel).sdist_of(sdist) is None


def approvals(version: str, sha256: str, *capabilities: str, seen: bool = True) -> Approvals:
    """One approval of a wheel of the project `odd`."""
    files = {sha256: (f"odd-{version}-py3-none-any.whl", frozenset[tuple[str, str]]())}
    known = {sha256: frozenset(capabilities)} if seen else {}
    return Approvals((Approval(files, "alice", "key", "read", NOW.date(), capabilities=known),), date(2026, 1, 1))


def test_a_file_is_compared_with_the_release_that_it_replaces_or_that_was_approved() -> None:
    odd, earlier = made("odd", version="1.1"), Earlier("0.9", frozenset())
    plain = review(odd)
    before = Earlier("1.0", frozenset(("network",)))
    approved = replace(plain, approvals=approvals("1.0", "1" * 64, "network"))
    assert plain.before(odd) is None
    assert replace(plain, earlier={odd.subject: earlier}).before(odd) == earlier
    assert replace(plain, earlier={"other": earlier}).before(odd) is None
    assert approved.before(odd) == before
    assert replace(approved, earlier={odd.subject: earlier}).before(odd) == earlier
    assert replace(approved, earlier={"other": earlier}).before(odd) == before
    assert replace(plain, approvals=approvals("1.0", "1" * 64, seen=False)).before(odd) is None
    assert replace(plain, approvals=approvals("1.0", "1" * 64)).before(odd) == Earlier("1.0", frozenset())
    both = (*approved.approvals.approvals, *approvals("1.1", "0" * 64).approvals)
    assert replace(plain, approvals=Approvals(both, date(2026, 1, 1))).before(odd) is None


def test_rules_are_known_by_id_group_and_explanation() -> None:
    shadows = RULES["script-shadows"]
    assert (shadows.id, shadows.group, shadows.severity) == ("script-shadows", "scripts", Severity.ERROR)
    assert shadows.check is not None and shadows.wheelhouse_check is None
    assert shadows.title == "A script or entry point has the name of a command of the system, or of Python."
    assert shadows.explanation.splitlines()[1:3] == [
        "",
        "The folder of the interpreter usually comes first in PATH, so a user who calls the command runs the script instead.",
    ]
    assert not any(line != line.strip() for one in RULES.values() for line in one.explanation.split("\n"))
    whole = {name for name, one in RULES.items() if one.wheelhouse_check}
    assert whole == {"indexes", "trust-root", "attestations-unchecked", "advisories-missing", "advisories-old"}
    assert {RULES[name].group for name in ("indexes", "altered", "waiver-broad")} == {"origin", "integrity", "policy"}
    assert all(name == one.id for name, one in RULES.items())


def test_only_malicious_files_need_a_waiver_with_a_sha256() -> None:
    assert {name for name, one in RULES.items() if one.by_sha256} == {"malicious", "malicious-member"}


def test_a_rule_of_another_package_or_about_the_wheelhouse_can_be_registered(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rules, "RULES", {})
    checked_elsewhere(Severity.NOTE, {"odd-one": "It is odd."})
    checked_elsewhere(Severity.ERROR, {"odd-two": "It is odd."}, group="policy", waivable=False)
    wheelhouse_rule(Severity.WARNING)(RULES["indexes"].wheelhouse_check)  # type: ignore[arg-type]
    one, two, three = rules.RULES.values()
    assert (one.id, one.group, one.severity, one.waivable, one.by_sha256) == ("odd-one", "integrity", 1, True, False)
    assert (two.id, two.group, two.severity, two.waivable, two.by_sha256) == ("odd-two", "policy", 3, False, False)
    assert (three.id, three.group, three.severity, three.waivable, three.by_sha256) == (
        "indexes",
        "origin",
        2,
        True,
        False,
    )


def test_findings_get_the_severity_of_the_policy_and_those_of_a_rule_that_is_off_go() -> None:
    findings = [Finding.of("a", rule, Severity.WARNING, x=1) for rule in ("altered", "unneeded", "case-twins")]
    policy = Policy(severities={"altered": Severity.NOTE, "unneeded": None})
    expected = [Finding.of("a", "altered", Severity.NOTE, x=1), Finding.of("a", "case-twins", Severity.WARNING, x=1)]
    assert list(weighed(findings, policy)) == expected


SCRIPT = "odd-1.0.data/scripts/tool"


def severity(policy: Policy, *members: Entry) -> list[tuple[str, Severity]]:
    """The findings of `native-program`, which is a warning, and a note for a script."""
    odd = made("odd", *members, tag="cp312-cp312-linux_x86_64", place="tools/")
    found = review_findings(review(odd, policy=policy))
    return [(one.subject, one.severity) for one in found if one.rule == "native-program"]


def test_the_policy_weighs_before_the_observation_and_this_before_the_rule() -> None:
    name = "tools/odd-1.0-cp312-cp312-linux_x86_64.whl"
    script, program = (Entry(path, 1, kind="elf", native=Native("x86_64", program=True)) for path in (SCRIPT, "odd/b"))
    assert severity(Policy(), script) == [(name, Severity.NOTE)]
    assert severity(Policy(), program) == [(name, Severity.WARNING)]
    for weight in Severity:
        assert severity(Policy(severities={"native-program": weight}), script) == [(name, weight)]
    assert severity(Policy(severities={"native-program": None}), script) == []


def test_rules_about_the_whole_wheelhouse_are_for_the_outer_one() -> None:
    found = review_findings(review(made("odd", "odd/__init__.py")))
    assert {one.rule for one in found if one.subject == "house"} == {"advisories-missing"}
    inner = replace(review(made("odd", "odd/__init__.py")), place="tools/")
    assert "house" not in {one.subject for one in review_findings(inner)}


def test_a_finding_has_the_facts_and_the_context_of_its_observation() -> None:
    odd = made("odd", "odd.txt", capabilities={})
    findings = {one.rule: one for one in review_findings(review(odd))}
    assert findings["stray-files"] == Finding.of(odd.subject, "stray-files", Severity.NOTE, paths=("odd.txt",))
    started = review_findings(review(made("odd", "sitecustomize.py")))
    (can,) = [one for one in started if one.rule == "capabilities"]
    assert can.facts == (("capabilities", ("start-up",)), ("case", "some"))
    assert can.context == (("members", ("start-up (sitecustomize.py)",)),)
