"""The data of reports: what is new, what was approved before, how files need each other, and in which order to review."""

from collections.abc import Iterable, Mapping
from dataclasses import replace
from datetime import UTC, date, datetime

from packaging.utils import NormalizedName
from packaging.version import Version

from tests.support.made_pins import WHEEL, made_facts
from wheelhouse.findings import Finding, Severity
from wheelhouse.lock.lock import Inputs, Lock, Pin
from wheelhouse.lock.wheelhouse import Wheelhouse
from wheelhouse.report.filepage import state_view
from wheelhouse.target.target import Platform, Python, Target
from wheelhouse.vet.approvals import Approval, Approvals, Role
from wheelhouse.vet.approved_releases import ApprovedReleases, Release
from wheelhouse.vet.capabilities import Capability, Earlier
from wheelhouse.vet.diff import Replaced
from wheelhouse.vet.evidence import ApprovedFile, Evidence, Graph
from wheelhouse.vet.facts import Facts
from wheelhouse.vet.review_queue import FileStanding, QueuedFile, Standing, review_queue, standings

TODAY = date(2026, 1, 31)
NOW = datetime(2026, 1, 31, tzinfo=UTC)
ODD = NormalizedName("odd")
A, B, C, D = ("a" * 64, "b" * 64, "c" * 64, "d" * 64)
CODE = Finding.of(WHEEL, "pth-code", Severity.ERROR, path="odd.pth")
NATIVE = Finding.of(WHEEL, "native-code", Severity.WARNING, count=1)
NOTE = Finding.of(WHEEL, "capabilities", Severity.NOTE, capabilities=("network",))
TARGET = Target.of(Python.parse("3.12"), Platform.parse("linux/amd64"))


def mark(finding: Finding) -> tuple[str, str]:
    return finding.rule, finding.fingerprint


def approval(
    sha256: str,
    name: str,
    *seen: Finding,
    reviewer: str | None = "ada",
    can: Iterable[str] | None = None,
    **more: object,
) -> Approval:
    could = {} if can is None else {sha256: frozenset(can)}
    files = {sha256: (name, frozenset(map(mark, seen)))}
    return Approval(files, reviewer, "key", "read", TODAY, capabilities=could, **more)  # type: ignore[arg-type]


def approvals(*given: Approval, **more: object) -> Approvals:
    return Approvals(given, TODAY, **more)  # type: ignore[arg-type]


def file(version: str = "1.0", sha256: str = A, *can: Capability, project: str = "odd", place: str = "") -> Facts:
    code = dict.fromkeys(can, ("odd/x.py",))
    name = f"{project}-{version}-py3-none-any.whl"
    return made_facts(name, sha256=sha256, inside={"code_capabilities": code}, facts={"place": place})


def evidence(*facts: Facts, hashes: Mapping[str, str] | None = None, **more: object) -> Evidence:
    known = {one.subject: one.pin.artifact.sha256 for one in facts}
    empty = Evidence("wheels", {}, known | (dict(hashes or {})), facts, (), (), (), approvals(), NOW)
    return replace(empty, **more)  # type: ignore[arg-type]


def release(version: str, *seen: Finding, can: Iterable[str] | None = None) -> Release:
    return Release(Version(version), frozenset(map(mark, seen)), None if can is None else frozenset(can))


def wheel(version: str, project: str = "odd") -> str:
    return f"tools/x/{project}-{version}-py3-none-any.whl"


OLD = approval(A, wheel("1.0"), CODE, can=["network"])
NEWER = approval(B, wheel("1.2"), NATIVE, can=["process"])
SDIST = approval(C, "odd-1.0.tar.gz", NOTE)
UNCOUNTED = (
    approval(D, wheel("1.1"), reviewer=None),
    approval("e" * 64, wheel("1.1"), expires=date(2026, 1, 30)),
    approval("f" * 64, "tools/odd.bin"),
    approval("0" * 64, wheel("1.1", "even")),
)


def test_the_release_before_is_the_newest_that_is_not_newer() -> None:
    known = ApprovedReleases(approvals(*UNCOUNTED, NEWER, OLD, SDIST))
    rows: dict[str, tuple[tuple[str, str], Release | None]] = {
        "both files of the release": (("1.1", "x"), release("1.0", CODE, NOTE, can=["network"])),
        "the same release": (("1.0", C), release("1.0", CODE, can=["network"])),
        "what the file could do was not seen": (("1.0", A), release("1.0", NOTE)),
        "the newer one": (("1.2", "x"), release("1.2", NATIVE, can=["process"])),
        "older than all": (("0.9", "x"), release("1.2", NATIVE, can=["process"])),
    }
    for name, ((version, sha256), expected) in rows.items():
        assert known.before(ODD, Version(version), sha256) == expected, name
    assert ApprovedReleases(approvals(OLD)).before(ODD, Version("1.0"), A) is None
    assert ApprovedReleases(approvals(OLD)).before(NormalizedName("even"), Version("1.0"), B) is None


def test_of_an_approval_only_the_files_that_the_role_is_for_count() -> None:
    both = replace(OLD, files={B: (wheel("0.9", "even"), frozenset()), **OLD.files})
    known = ApprovedReleases(approvals(both, roles={"ada": Role("python", ("odd",))}))
    assert known.before(ODD, Version("1.0"), C) == release("1.0", CODE, can=["network"])
    assert known.before(NormalizedName("even"), Version("1.0"), C) is None


def test_what_several_reviewers_saw_of_a_file_counts_together() -> None:
    known = ApprovedReleases(approvals(OLD, approval(A, wheel("1.0"), NOTE, reviewer="bob", can=["native"])))
    assert known.before(ODD, Version("1.0"), B) == release("1.0", CODE, NOTE, can=["network", "native"])
    assert known.seen(ODD, B) == frozenset((mark(CODE), mark(NOTE)))
    assert known.seen(ODD, A) is None and known.seen(NormalizedName("even"), B) is None


def test_a_finding_is_first_seen_if_nobody_saw_it_on_another_file_of_the_project() -> None:
    other = Finding.of(WHEEL, "pth-code", Severity.ERROR, path="other.pth")
    other_note = Finding.of(WHEEL, "capabilities", Severity.NOTE, capabilities=("process",))
    new_note = Finding.of(WHEEL, "publisher", Severity.NOTE)
    elsewhere = Finding.of("stranger.txt", "foreign", Severity.ERROR)
    findings = (CODE, other, other_note, new_note, elsewhere)
    files = {WHEEL: file("1.0", B)}
    seen = approvals(approval(A, wheel("0.9"), CODE, NOTE))
    assert ApprovedReleases(seen).first_seen(findings, files) == {other, new_note}
    assert ApprovedReleases(approvals(approval(B, wheel("1.0"), CODE))).first_seen(findings, files) == set()
    assert evidence(file("1.0", B), findings=findings, approvals=seen).first_seen == {other, new_note}


def pin(project: str, *needs: str) -> Pin:
    return replace(file(project=project).pin, dependencies=needs)


def test_a_graph_has_the_ways_from_what_was_requested() -> None:
    pins = (
        pin("a", "b_b>=1", "gone"),
        pin("b_b", "c", "h"),
        pin("c", "d"),
        pin("d"),
        pin("e", "c"),
        pin("f", "f2"),
        pin("f2", "f"),
        pin("h", "i"),
        pin("i", "i"),
    )
    lock = Lock(TARGET, Inputs(requirements=("A", "d>=1")), pins)
    (graph,) = evidence(wheelhouses={"tools/": Wheelhouse((lock,))}).graphs
    a, b, c, d, e = (f"tools/{name}-1.0-py3-none-any.whl" for name in ("a", "b_b", "c", "d", "e"))
    f, f2, h, i = (f"tools/{name}-1.0-py3-none-any.whl" for name in ("f", "f2", "h", "i"))
    none: frozenset[str] = frozenset()
    needs = {a: frozenset({b}), b: frozenset({c, h}), c: frozenset({d}), d: none, e: frozenset({c})}
    needs |= {f: frozenset({f2}), f2: frozenset({f}), h: frozenset({i}), i: frozenset({i})}
    assert graph == Graph(lock.name, frozenset({a, d, e}), needs)
    assert graph.above == {a: "", d: "", e: "", b: a, c: e, h: b, i: h}
    assert graph.ways(c) == [[a, b, c], [e, c]] and graph.ways(a) == []
    assert graph.ways(i) == [[a, b, h, i]] and graph.ways(f) == []


def test_a_file_that_needs_itself_alone_is_a_root() -> None:
    (graph,) = evidence(wheelhouses={"": Wheelhouse((Lock(TARGET, Inputs(()), (pin("a", "a"),)),))}).graphs
    assert (graph.roots, graph.ways("a-1.0-py3-none-any.whl")) == (frozenset({"a-1.0-py3-none-any.whl"}), [])


def test_files_are_labelled_and_sorted() -> None:
    facts = (file(place="tools/"), file(project="z", sha256=B), file(sha256=C))
    found = evidence(*facts, hashes={"files/x": D}, approvals=approvals(OLD))
    assert list(found.files) == [WHEEL, "z-1.0-py3-none-any.whl", f"tools/{WHEEL}"]
    assert found.others == ("files/x",)
    assert found.new == {"files/x", WHEEL, "z-1.0-py3-none-any.whl"}
    labels = {f"tools/{WHEEL}": "tools/odd 1.0", WHEEL: "odd 1.0", "house": "wheelhouse", "files/x": "files/x"}
    assert {subject: found.label(subject) for subject in labels} == labels
    assert list(found.licences) == list(found.files) and found.since == ""


def test_open_findings_are_grouped_worst_first() -> None:
    exploited = Finding.of(WHEEL, "vulnerable", Severity.ERROR).with_context(exploited="2026-01-01")
    other = Finding.of("b.whl", "pth-code", Severity.NOTE)
    found = evidence(findings=(NOTE, NATIVE, CODE, other, exploited), threshold=Severity.WARNING)
    assert found.about == {WHEEL: (exploited, CODE, NATIVE, NOTE), "b.whl": (other,)}
    assert found.bad == (NATIVE, CODE, exploited)


def test_files_that_were_approved_before_are_by_project_and_release() -> None:
    second = replace(OLD, made=date(2026, 1, 30))
    found = evidence(approvals=approvals(*UNCOUNTED, NEWER, OLD, second, SDIST)).approved_before
    even = UNCOUNTED[3]
    assert found == {
        "odd": (
            ApprovedFile(Version("1.0"), wheel("1.0"), second),
            ApprovedFile(Version("1.0"), wheel("1.0"), OLD),
            ApprovedFile(Version("1.0"), "odd-1.0.tar.gz", SDIST),
            ApprovedFile(Version("1.2"), wheel("1.2"), NEWER),
        ),
        "even": (ApprovedFile(Version("1.1"), wheel("1.1", "even"), even),),
    }


def test_a_file_is_changed_only_if_another_file_of_the_project_was_approved() -> None:
    facts = file("1.1", B)
    half = approval(B, wheel("1.1"), reviewer="bob")
    cases: list[tuple[list[Approval], str, str]] = [
        ([], "new", "new"),
        ([half], "new", "approved by 1"),
        ([OLD], "changed", "was 1.0"),
        ([OLD, half], "changed", "approved by 1"),
        ([approval(C, wheel("1.2")), half], "changed", "was 1.2"),
    ]
    for given, name, text in cases:
        found = evidence(facts, approvals=approvals(*given, needed=2))
        assert state_view(facts, found) == {"name": name, "text": text}


def queued(found: Evidence) -> list[QueuedFile]:
    return list(review_queue(found))


NETWORK, PROCESS, PLUGIN = Capability.NETWORK, Capability.PROCESS, Capability.PLUGIN


def test_a_file_gained_what_the_release_before_could_not_do() -> None:
    new = file("1.1", B, NETWORK, PROCESS)
    earlier = Earlier("0.5", frozenset({"process"}))
    none, replaced = Replaced(new.pin), Replaced(new.pin, earlier=earlier)
    rows: dict[str, tuple[dict[str, object], tuple[tuple[Capability, ...], str | None]]] = {
        "nothing before": ({}, ((PROCESS, NETWORK), "")),
        "an approved release": ({"approvals": approvals(OLD)}, ((PROCESS,), "1.0")),
        "a release of which nobody saw what it could do": ({"approvals": approvals(SDIST)}, ((), None)),
        "the file is approved": ({"approvals": approvals(OLD, approval(B, wheel("1.1")))}, ((), "1.0")),
        "it is in the earlier wheelhouse": ({"since": "old", "approvals": approvals(OLD)}, ((), "1.0")),
        "it replaces a file": (
            {"since": "old", "replaced": {new.subject: replaced}, "approvals": approvals(OLD)},
            ((NETWORK,), "0.5"),
        ),
        "it replaces none": (
            {"since": "old", "replaced": {new.subject: none}, "approvals": approvals(OLD)},
            ((PROCESS,), "1.0"),
        ),
        "something else is replaced": ({"replaced": {"x": replaced}}, ((PROCESS, NETWORK), "")),
    }
    for name, (more, (gained, before)) in rows.items():
        (one,) = queued(evidence(new, **more))  # type: ignore[arg-type]
        assert (one.subject, one.sha256, one.gained, one.before) == (new.subject, B, gained, before), name


def test_the_weightiest_gain_comes_first_then_updates_then_the_worst_findings() -> None:
    def finding(project: str, severity: Severity, path: str = "") -> Finding:
        return Finding.of(f"{project}-1.0-py3-none-any.whl", "pth-code", severity, path=path)

    names = {
        "p": (PROCESS, PLUGIN),
        "n": (NETWORK,),
        "u": (NETWORK,),
        "e": (),
        "f": (),
        "g": (),
        "h": (),
        "a": (),
        "b": (),
    }
    files = [file("1.0", f"{number}" * 64, *can, project=name) for number, (name, can) in enumerate(names.items())]
    known = approvals(
        approval(A, wheel("0.9", "u"), can=()),
        approval(B, wheel("0.9", "e"), finding("e", Severity.ERROR), can=()),
        approval(C, wheel("0.9", "f"), can=()),
    )
    findings = (
        *(finding("e", Severity.ERROR), finding("e", Severity.WARNING, "x"), finding("f", Severity.ERROR)),
        *(finding("g", Severity.WARNING), finding("h", Severity.NOTE), finding("h", Severity.ERROR, "y")),
        finding("b", Severity.NOTE),
    )
    found = evidence(
        *files, hashes={"files/x": D}, findings=findings[:1] + findings[2:], approved=findings[1:2], approvals=known
    )
    order = [one.subject.partition("-1.0")[0] for one in queued(found)]
    assert order == ["p", "u", "n", "f", "e", "h", "g", "b", "a", "files/x"]
    by_name = {one.subject.partition("-1.0")[0]: one for one in queued(found)}
    assert by_name["e"].findings == (findings[0], findings[1])
    assert by_name["h"].findings == (findings[5], findings[4])
    assert by_name["files/x"] == QueuedFile("files/x", D, (), (), "")


def standing(one: QueuedFile, given: Approvals, reviewer: str = "ada") -> FileStanding:
    return standings([one], given, reviewer)[one.subject]


def test_a_file_is_approved_if_enough_reviewers_saw_its_warnings() -> None:
    one = QueuedFile(WHEEL, A, (CODE, NATIVE, NOTE))
    full, lacks_note = approval(A, WHEEL, CODE, NATIVE, NOTE), approval(A, WHEEL, CODE, NATIVE)
    lacks_warning, bobs = approval(A, WHEEL, CODE, NOTE), replace(full := full, reviewer="bob")
    rows: dict[str, tuple[Approvals, tuple[Standing, tuple[str, ...], bool]]] = {
        "nobody": (approvals(), (Standing.OPEN, (), False)),
        "with all findings": (approvals(full), (Standing.APPROVED, ("ada",), True)),
        "without the note": (approvals(lacks_note), (Standing.APPROVED, ("ada",), False)),
        "without a warning": (approvals(lacks_warning), (Standing.OPEN, ("ada",), False)),
        "by another": (approvals(bobs), (Standing.APPROVED, ("bob",), False)),
        "by one of two": (approvals(full, needed=2), (Standing.WAITING, ("ada",), True)),
        "by both": (approvals(bobs, full, needed=2), (Standing.APPROVED, ("ada", "bob"), True)),
        "by another of two": (approvals(bobs, needed=2), (Standing.OPEN, ("bob",), False)),
    }
    for name, (given, expected) in rows.items():
        found = standing(one, given)
        assert (found.standing, found.reviewers, found.is_mine) == expected, name
        assert (found.may_approve, found.role) == (True, ""), name
    assert [str(one) for one in Standing] == ["open", "waiting", "approved"]
    assert standing(QueuedFile(WHEEL, A, ()), approvals()).standing is Standing.OPEN


def test_a_role_limits_who_may_approve_and_can_be_needed() -> None:
    roles = {"ada": Role("python", ("odd",)), "eve": Role("security", ("odd",), 1)}
    inside, other = QueuedFile(f"tools/x/{WHEEL}", A, ()), QueuedFile("even-1.0.tar.gz", B, ())
    given = approvals(approval(A, WHEEL), roles=roles)
    assert standing(inside, given) == FileStanding(Standing.WAITING, ("ada",), True, True, "security")
    assert standing(other, given) == FileStanding(Standing.OPEN, (), False, False)
    assert standing(other, given, "bob").may_approve
