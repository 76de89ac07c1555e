"""What files can do, and what they could not do in the release before: by an approval, and by an earlier wheelhouse."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import date
from pathlib import Path

import pytest
from packaging.utils import NormalizedName
from packaging.version import Version

from tests.support.made_wheelhouses import wheelhouse_of
from tests.support.wheels import build_sdist, build_wheel
from tests.vet.test_rules import NOW, facts_of
from wheelhouse.findings import Finding, Policy, Severity
from wheelhouse.report import finding_lines
from wheelhouse.vet.approval_statement import Claim, parse_approval
from wheelhouse.vet.approvals import Approval, Approvals
from wheelhouse.vet.approve import files_of
from wheelhouse.vet.approved_releases import ApprovedReleases
from wheelhouse.vet.capabilities import Capability, merged
from wheelhouse.vet.facts import Facts
from wheelhouse.vet.file_capabilities import capabilities_of
from wheelhouse.vet.gather_evidence import evidence
from wheelhouse.vet.rules import Review, review_findings
from wheelhouse.vet.vet import VetContext, vet

ELF = b"\x7fELF" + bytes(60)


def odd(folder: Path, version: str = "1.0", **files: bytes) -> Facts:
    """A wheel of the project `odd`."""
    return facts_of(build_wheel(folder, "odd", version, files={"odd/__init__.py": b"", **files}))


@pytest.mark.parametrize(
    ("member", "data", "capability"),
    [
        ("odd.pth", b"import odd\n", Capability.START_UP),
        ("sitecustomize.py", b"", Capability.START_UP),
        ("odd.start", b"odd:begin\n", Capability.START_UP),
        ("odd-1.0.data/data/etc/profile.d/odd.sh", b"", Capability.START_UP),
        ("odd-1.0.data/data/etc/odd.conf", b"", Capability.FILES_OUTSIDE),
        ("odd/fast.so", ELF, Capability.NATIVE),
        ("odd/tool.exe", b"MZ", Capability.NATIVE),
        ("odd-1.0.dist-info/entry_points.txt", b"[pytest11]\nodd = odd.plugin\n", Capability.PLUGIN),
    ],
)
def test_a_member_gives_its_file_a_capability(tmp_path: Path, member: str, data: bytes, capability: Capability) -> None:
    assert capabilities_of(odd(tmp_path, **{member: data}))[capability] == (member,)


@pytest.mark.parametrize(
    ("member", "data"),
    [
        ("odd.pth", b"odd\n"),
        ("odd/sitecustomize.py", b""),
        ("odd-1.0.data/data/share/odd/odd.txt", b""),
        ("odd-1.0.data/scripts/odd", b"#!/bin/sh\n"),
        ("odd-1.0.dist-info/entry_points.txt", b"[console_scripts]\nodd = odd:main\n"),
    ],
)
def test_other_members_give_none(tmp_path: Path, member: str, data: bytes) -> None:
    assert capabilities_of(odd(tmp_path, **{member: data})) == {}


def test_capabilities_of_several_parts_are_in_order_and_each_once() -> None:
    parts = (
        {Capability.NATIVE: ("b", "a")},
        {Capability.NETWORK: ("c",), Capability.NATIVE: ("a",), Capability.PROCESS: ()},
    )
    assert list(merged(*parts).items()) == [(Capability.NETWORK, ("c",)), (Capability.NATIVE, ("a", "b"))]


def with_code(facts: Facts, *capabilities: Capability) -> Facts:
    """A file whose code has these capabilities."""
    return replace(facts, inside=replace(facts.inside, code_capabilities=dict.fromkeys(capabilities, ("odd/x.py",))))


def approved(
    *files: Facts, reviewer: str | None = "alice", seen: Mapping[str, list[Finding]] | None = None
) -> Approvals:
    """The approval of files with all their findings, signed and read again."""
    approvals = []
    for facts in files:
        sha256 = facts.pin.artifact.sha256
        findings = [one for one in review_findings(Review((facts,), Policy(), NOW)) if one.subject == facts.subject]
        claim = Claim("alice", "read", NOW.date()).predicate({sha256: (seen or {}).get(sha256, findings)})
        statement = {"subject": [{"name": facts.filename, "digest": {"sha256": sha256}}], "predicate": claim}
        approvals.append(parse_approval(statement, reviewer, "key"))
    return Approvals(tuple(approvals), NOW.date())


def gained(facts: Facts, approvals: Approvals) -> tuple[object, object] | None:
    """What a file can do besides, and since which release."""
    for finding in review_findings(Review((facts,), Policy(), NOW, approvals=approvals)):
        if finding.rule == "new-capability":
            return finding.values["capabilities"], finding.values["before"]
    return None


def test_a_new_capability_is_told_against_the_release_that_was_approved(tmp_path: Path) -> None:
    old = with_code(odd(tmp_path), Capability.NETWORK)
    new = with_code(odd(tmp_path, "1.1"), Capability.NETWORK, Capability.PROCESS)
    assert gained(new, approved(old)) == (("process",), "1.0")
    assert gained(new, approved(replace(old, inside=new.inside))) is None
    assert gained(new, approved(old, new)) is None
    assert gained(new, approved(old, reviewer=None)) is None
    assert gained(new, Approvals()) is None


def test_a_file_that_could_do_nothing_is_known_to(tmp_path: Path) -> None:
    new = with_code(odd(tmp_path, "1.1"), Capability.NETWORK)
    old = odd(tmp_path)
    assert gained(new, approved(old)) == (("network",), "1.0")
    unknown = approved(old, seen={old.pin.artifact.sha256: [Finding.of(old.subject, "pth-code", Severity.ERROR)]})
    assert gained(new, unknown) is None, "an approval from before capabilities says nothing of them"


def test_the_newest_approved_release_that_is_not_newer_counts(tmp_path: Path) -> None:
    ages = {
        version: with_code(odd(tmp_path, version), *can)
        for version, can in {"1.0": (Capability.PROCESS,), "1.2": (), "2.0": (Capability.PROCESS,)}.items()
    }
    new = with_code(odd(tmp_path, "1.5"), Capability.PROCESS)
    assert gained(new, approved(*ages.values())) == (("process",), "1.2")
    older = with_code(odd(tmp_path, "0.9"), Capability.NATIVE)
    assert gained(older, approved(*ages.values())) == (("native",), "2.0")


def test_files_of_one_release_are_known_together(tmp_path: Path) -> None:
    files = {"a" * 64: Capability.NATIVE, "b" * 64: Capability.NETWORK}
    approvals = Approvals(
        tuple(
            Approval(
                {sha256: ("odd-1.0-py3-none-any.whl", frozenset())},
                "alice",
                "key",
                "read",
                NOW.date(),
                capabilities={sha256: frozenset((can,))},
            )
            for sha256, can in files.items()
        ),
        NOW.date(),
    )
    release = ApprovedReleases(approvals).before(NormalizedName("odd"), Version("1.1"), "c" * 64)
    assert release and release.capabilities == {"native", "network"}


@pytest.fixture
def houses(tmp_path: Path) -> Path:
    """Two wheelhouses: `new` has a release that starts by itself and has native code."""
    for name, version, files in (
        ("old", "1.0", {}),
        ("new", "1.1", {"odd.pth": b"import odd\n", "odd/fast.so": ELF}),
    ):
        (tmp_path / name).mkdir()
        build_wheel(tmp_path / name, "odd", version, files={"odd/__init__.py": b"", **files})
        wheelhouse_of(tmp_path / name, "odd")
    return tmp_path


def test_a_new_capability_is_told_against_an_earlier_wheelhouse(houses: Path) -> None:
    vetted = vet(houses / "new", Policy(), NOW, VetContext(since=houses / "old"))
    (finding,) = [one for one in vetted.findings if one.rule == "new-capability"]
    assert finding.values["capabilities"] == ("start-up", "native") and finding.values["before"] == "1.0"
    assert finding.values["members"] == ("start-up (odd.pth)", "native (odd/fast.so)")
    assert "new-capability" not in {one.rule for one in vet(houses / "new", Policy(), NOW).findings}


def test_a_finding_that_nobody_saw_in_the_project_says_so(houses: Path) -> None:
    old = vet(houses / "old", Policy(), NOW)
    approvals = approved(*old.facts)
    vetted = vet(houses / "new", Policy(), NOW, VetContext(approvals=approvals))
    found = evidence(houses / "new", vetted, Policy(), approvals, NOW, None)
    told = {one.rule for one in found.first_seen}
    assert told >= {"pth-code", "new-capability", "native-code"} and not told & {"licence-unknown", "capabilities"}
    lines = finding_lines(found.findings, found.first_seen)
    assert any(line.startswith("error (new in this project): odd-1.1") for line in lines)
    assert not evidence(houses / "new", vetted, Policy(), Approvals(), NOW, None).first_seen
    assert files_of(houses / "new").keys() == found.new


def test_a_note_is_new_by_its_rule_and_a_warning_by_its_facts(tmp_path: Path) -> None:
    old, new = odd(tmp_path), odd(tmp_path, "1.1")
    seen = [
        Finding.of(old.subject, "native-code", Severity.NOTE, count=1),
        Finding.of(old.subject, "pth-path", Severity.WARNING, path="a"),
    ]
    found = {
        Finding.of(new.subject, "native-code", Severity.NOTE, count=2),
        Finding.of(new.subject, "pth-path", Severity.WARNING, path="a"),
        Finding.of(new.subject, "pth-path", Severity.WARNING, path="b"),
        Finding.of(new.subject, "data-scripts", Severity.NOTE),
        Finding.of("house", "indexes", Severity.NOTE),
    }
    approvals = approved(old, seen={old.pin.artifact.sha256: seen})
    first = ApprovedReleases(approvals).first_seen(found, {new.subject: new})
    assert {(one.rule, one.values.get("path")) for one in first} == {("pth-path", "b"), ("data-scripts", None)}


def test_a_finding_of_an_expired_approval_alone_is_new(tmp_path: Path) -> None:
    old, new = odd(tmp_path), odd(tmp_path, "1.1")
    seen = Finding.of(old.subject, "pth-path", Severity.WARNING, path="a")
    found = {Finding.of(new.subject, "pth-path", Severity.WARNING, path="a")}
    (expired,) = approved(old, seen={old.pin.artifact.sha256: [seen]}).approvals
    (valid,) = approved(old).approvals
    approvals = Approvals((replace(expired, expires=date(2025, 1, 1)), valid), date(2026, 1, 1))
    assert ApprovedReleases(approvals).first_seen(found, {new.subject: new}) == found


def test_code_of_a_wheel_that_its_sdist_has_not(tmp_path: Path) -> None:
    sdist = facts_of(
        build_sdist(tmp_path, "odd", "1.0", files={"src/odd/same.py": b"x = 1\n", "src/odd/changed.py": b"1\n"})
    )
    wheel = odd(
        tmp_path, **{"odd/same.py": b"x = 1\n", "odd/changed.py": b"2\n", "odd/more.py": b"3\n", "odd/data.json": b"{}"}
    )

    def added(*files: Facts) -> list[object]:
        found = review_findings(Review(files, Policy(), NOW))
        return [one.values["paths"] for one in found if one.rule == "not-in-sdist"]

    assert added(wheel, sdist) == [("odd/changed.py", "odd/more.py")]
    assert added(wheel) == added(sdist) == []
    assert added(wheel, replace(sdist, pin=replace(sdist.pin, version=Version("1.1")))) == []


def test_files_that_can_do_the_same_share_one_line_of_text() -> None:
    network = [
        Finding.of(f"{name}-1.0.tar.gz", "capabilities", Severity.NOTE, case="some", capabilities=("network",))
        for name in "abcde"
    ]
    alone = Finding.of("f", "capabilities", Severity.NOTE, case="some", capabilities=("native",))
    alone = alone.with_context(members=("native (f.so)",))
    nothing = [Finding.of(name, "capabilities", Severity.NOTE, case="none", capabilities=()) for name in ("g", "h")]
    gains = Finding.of("z", "new-capability", Severity.WARNING, capabilities=("native",), before="1.0")
    other = Finding.of("a", "licence-expression-wrong", Severity.WARNING, text="GPL?")
    lines = finding_lines([*nothing, alone, *network, other, gains.with_context(members=("native (z.so)",))])
    warnings = [line for line in lines if line.startswith("warning")]
    assert warnings[0].startswith("warning: z: it has capabilities that 1.0 did not have: native (z.so)")
    assert lines[-3:] == [
        "note: 5 files can: network [capabilities] (a-1.0.tar.gz, b-1.0.tar.gz, c-1.0.tar.gz and 2 more)",
        "note: f: it can: native (f.so) [capabilities]",
        "note: 2 files have none of the capabilities that `vet` looks for [capabilities] (g, h)",
    ]
