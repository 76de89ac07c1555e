"""What `vet` makes of what `verify` read: files with their targets, publishers, licences, waivers, what is compared with before."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from tests.support.made_pins import WHEEL, made_pin
from wheelhouse.archive.artifact import Artifact
from wheelhouse.archive.metadata import InspectedFile
from wheelhouse.errors import InputError
from wheelhouse.findings import Finding, Policy, Severity, Waiver
from wheelhouse.index.provenance import Attested, Provenance
from wheelhouse.lock.lock import Built, Inputs, Lock, Pin
from wheelhouse.lock.other_files import OtherFile, OtherFiles
from wheelhouse.lock.wheelhouse import Wheelhouse
from wheelhouse.target.target import Platform, Python, Target
from wheelhouse.verify.verify import Verdict
from wheelhouse.vet import vet as module
from wheelhouse.vet.attestations import Attestor
from wheelhouse.vet.capabilities import Earlier
from wheelhouse.vet.diff import Difference, Kind, Replaced
from wheelhouse.vet.facts import Facts, Inside
from wheelhouse.vet.file_reader import FileReader
from wheelhouse.vet.image_packages import ImagePackage, ImagePackages
from wheelhouse.vet.remote_reader import RemoteReader
from wheelhouse.vet.rules import Review
from wheelhouse.vet.vet import VetContext, Vetted, must_name_rules, vet

NOW = datetime(2026, 1, 31, tzinfo=UTC)
SDIST = Artifact("odd-1.0.tar.gz", "b" * 64, 1)
READ = InspectedFile(b"", None)  # type: ignore[arg-type]
LINUX, ARM = (Target.of(Python.parse("3.12"), Platform.parse(f"linux/{name}")) for name in ("amd64", "arm64"))
Reader = Callable[[Path, Artifact], InspectedFile]


def verdict(
    *pins: Pin,
    read: tuple[str, ...] = (),
    texts: Mapping[str, str] | None = None,
    inner: Mapping[str, Verdict] | None = None,
) -> Verdict:
    """A verdict on a wheelhouse for two targets with these pins; `read` names the files that could be opened."""
    locks = tuple(Lock(target, Inputs(()), pins) for target in (LINUX, ARM))
    wheelhouse = Wheelhouse(locks, provenance=texts or {})
    return Verdict(wheelhouse, 1, 1, (), dict.fromkeys(read, READ), inner or {})


class Vetting:
    """`vet` on a folder of which `verify` says what a test says. `threads` is how many it was asked to use."""

    def __init__(self, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self.folder, self.monkeypatch = folder, monkeypatch
        self.threads: list[int | None] = []

    def __call__(self, given: Verdict, policy: Policy | None = None, **context: object) -> Vetted:
        def verify(_folder: Path, *, read: Reader, on_event: object, threads: int | None) -> Verdict:
            self.threads.append(threads)
            return given

        self.monkeypatch.setattr(module, "verify", verify)
        return vet(self.folder, policy or Policy(), NOW, VetContext(**context))  # type: ignore[arg-type]


@pytest.fixture
def vetting(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Vetting:
    return Vetting(tmp_path, monkeypatch)


PROVENANCE = Provenance("https://index.example/p", "c" * 64)


def test_each_file_is_there_once_with_its_targets_and_what_was_read(vetting: Vetting) -> None:
    built = made_pin(built=Built(SDIST, "3.12", kept=True), provenance=PROVENANCE, index="https://index.example")
    plain = made_pin("even-2.0.tar.gz")
    own = {"odd-1.0.tar.gz.provenance": "{}", "even-2.0.tar.gz.provenance": "{1}"}
    facts = vetting(verdict(built, plain, read=(WHEEL,), texts=own)).facts
    both = (LINUX.name, ARM.name)
    assert facts == (
        Facts(plain, both),
        Facts(built, both, "", READ, provenance="{}"),
        Facts(replace(built, artifact=SDIST, built=None), both, provenance="{}"),
    )


def test_files_of_wheelhouses_inside_have_their_place(vetting: Vetting) -> None:
    vetted = vetting(verdict(made_pin(), inner={"tools": verdict(made_pin(), read=(WHEEL,))}))
    assert [(one.place, one.subject, one.contents) for one in vetted.facts] == [
        ("", WHEEL, None),
        ("tools/", f"tools/{WHEEL}", READ),
    ]
    assert list(vetted.wheelhouses) == ["", "tools/"]
    unknown = {one.subject for one in vetted.findings if one.rule == "origin-unknown"}
    assert unknown == {WHEEL, f"tools/{WHEEL}"}
    assert [one.subject for one in vetted.findings if one.rule == "advisories-missing"] == ["house"]


def test_what_was_read_is_kept_by_its_path(vetting: Vetting, monkeypatch: pytest.MonkeyPatch) -> None:
    inside = Inside(headers={"name": ("odd",)})
    monkeypatch.setattr(FileReader, "read", lambda _self, _path, _artifact: (READ, inside))

    def verify(folder: Path, *, read: Reader, on_event: object, threads: int | None) -> Verdict:
        read(folder / "tools" / WHEEL, made_pin().artifact)
        return verdict(made_pin(), inner={"tools": verdict(made_pin())})

    monkeypatch.setattr(module, "verify", verify)
    assert [one.inside for one in vet(vetting.folder, Policy(), NOW).facts] == [Inside(), inside]


class Checker:
    """What checks attestations, of which each is valid but one."""

    since = NOW

    def __init__(self) -> None:
        self.asked: list[tuple[str, str, str]] = []

    def __call__(self, text: str, filename: str, sha256: str) -> Attested:
        self.asked.append((text, filename, sha256))
        return Attested(("GitHub e/f",), "forged") if text == "bad" else Attested((f"GitHub {text}", "GitHub a/b"))


def attested_pin(name: str, **more: object) -> Pin:
    return made_pin(f"{name}-1.0-py3-none-any.whl", provenance=PROVENANCE, **more)  # type: ignore[arg-type]


def test_attestations_are_checked_and_publishers_that_are_new_are_told(vetting: Vetting) -> None:
    pins = (
        attested_pin("odd", built=Built(SDIST, "3.12")),
        attested_pin("even"),
        attested_pin("known"),
        attested_pin("bad"),
    )
    texts = {
        "odd-1.0.tar.gz.provenance": "z/z",
        **{f"{name}-1.0-py3-none-any.whl.provenance": name for name in ("even", "known", "bad")},
    }
    checker = Checker()
    given = verdict(*pins, made_pin("plain-1.0-py3-none-any.whl"), texts=texts, inner={"tools": verdict(made_pin())})
    vetted = vetting(given, attestors=lambda: checker, publishers={"known": ("GitHub k/k",)})
    assert ("z/z", "odd-1.0.tar.gz", "b" * 64) in checker.asked and len(checker.asked) == 4
    assert vetted.publishers == {"even": ("GitHub a/b", "GitHub even"), "odd": ("GitHub a/b", "GitHub z/z")}
    assert list(vetted.publishers) == ["even", "odd"]
    assert {one.subject.partition("-")[0] for one in vetted.findings if one.rule == "attestation-refused"} == {"bad"}
    (root,) = [one for one in vetted.findings if one.rule == "trust-root"]
    assert root.values["days"] == 0


def test_without_attestations_or_a_checker_nothing_is_checked(vetting: Vetting) -> None:
    def never() -> Attestor:
        raise AssertionError

    assert vetting(verdict(made_pin()), attestors=never).publishers == {}
    given = verdict(attested_pin("odd"), texts={f"{WHEEL}.provenance": "x"})
    rules = {one.rule for one in vetting(given).findings}
    assert "attestations-unchecked" in rules and "trust-root" not in rules


def test_the_files_are_read_by_as_many_threads_as_other_machines_need(vetting: Vetting) -> None:
    remote = RemoteReader(lambda _files: None, 3)  # type: ignore[arg-type,return-value]
    vetting(verdict(), remote=remote)
    vetting(verdict())
    assert vetting.threads == [remote.threads, None]


def waiver(rule: str, sha256: str | None = None) -> Waiver:
    return Waiver(rule, "ours", "ada", NOW.date(), sha256=sha256)


REFUSED: dict[str, tuple[Policy, str]] = {
    "a severity": (Policy({"nothing": None, "yanked": None}), "the policy contains unknown rules: nothing"),
    "waivers": (
        Policy(waivers=(waiver("z"), waiver("y"), waiver("yanked"))),
        "the policy contains unknown rules: y, z",
    ),
    "what cannot be waived": (
        Policy(waivers=(waiver("altered", "a" * 64), waiver("yanked"))),
        "the policy waives rules that cannot be waived: altered",
    ),
    "what needs a sha256": (
        Policy(waivers=(waiver("malicious"), waiver("yanked"), waiver("malicious-member", "a" * 64))),
        "the policy waives malicious without the sha256 of a file",
    ),
}


def test_a_policy_with_a_mistake_is_refused_before_anything_is_read(vetting: Vetting) -> None:
    for name, (policy, sentence) in REFUSED.items():
        with pytest.raises(InputError) as caught:
            vetting(verdict(), policy)
        assert (str(caught.value), vetting.threads) == (sentence, []), name
    good = Policy({"yanked": None}, waivers=(waiver("malicious", "a" * 64), waiver("yanked")))
    must_name_rules(good)
    vetting(verdict(), good)


LICENSED: dict[str, tuple[Policy, bool, bool]] = {
    "no policy": (Policy(), False, False),
    "asked for": (Policy(), True, True),
    "allowed": (Policy(licences_allowed=frozenset({"MIT"})), False, True),
    "denied": (Policy(licences_denied=frozenset({"MIT"})), False, True),
}


def test_licences_of_debian_packages_are_read_for_a_policy_or_if_asked(
    vetting: Vetting, monkeypatch: pytest.MonkeyPatch
) -> None:
    images = (
        ImagePackages("image/1", "amd64", "debian-12", (ImagePackage("zlib", "1", "amd64", "zlib", "1", "Zlib"),)),
    )
    asked: list[Mapping[str, str]] = []

    def read(_folder: Path, _lock: object, _notes: object, installed: Mapping[str, str]) -> dict[str, str]:
        asked.append(installed)
        return {"debian/x.deb": "MIT"}

    monkeypatch.setattr(module, "deb_licences", read)
    monkeypatch.setattr(module, "load_base_images", lambda _folder: Images())
    monkeypatch.setattr(module, "image_packages", lambda _folder, _image, _notes: images[0])
    for name, (policy, is_asked, is_read) in LICENSED.items():
        asked.clear()
        vetted = vetting(verdict(), policy, with_deb_licences=is_asked)
        assert vetted.deb_licences == ({"debian/x.deb": "MIT"} if is_read else {}), name
        assert asked == ([{"zlib": "Zlib"}] if is_read else []) and vetted.image_packages == images, name
    assert not VetContext().with_deb_licences and not VetContext().with_texts


class Images:
    """A lock of one image."""

    images = (object(),)


def test_what_replaces_a_file_is_compared_with_it(vetting: Vetting, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[tuple[object, ...]] = []
    reviews: list[tuple[str, Mapping[str, Earlier]]] = []
    new = made_pin()
    earlier = Earlier("0.9", frozenset({"network"}))
    outer, inner = Replaced(new, earlier=earlier), Replaced(new)

    def diff(old: Path, folder: Path, _on_event: object, **options: object) -> tuple[Difference, ...]:
        asked.append((old, folder, {**options}))
        return (
            Difference(new.project, Kind.UP, "", (), (), (outer,)),
            Difference(new.project, Kind.ADDED, "tools", (), (), (inner,)),
        )

    def review(one: Review) -> tuple[Finding, ...]:
        reviews.append((one.place, one.earlier))
        return ()

    monkeypatch.setattr(module, "diff", diff)
    monkeypatch.setattr(module, "review_findings", review)
    unread = made_pin("even-1.0-py3-none-any.whl")
    given = verdict(new, unread, read=(WHEEL,), inner={"tools": verdict(new, read=(WHEEL,))})
    assert vetting(given).replaced == {} and asked == []
    assert reviews == [("", {}), ("tools/", {})]
    vetted = vetting(given, since=Path("old"), with_texts=True)
    assert vetted.replaced == {WHEEL: outer, f"tools/{WHEEL}": inner}
    assert reviews[2:] == [("", {WHEEL: earlier}), ("tools/", {WHEEL: earlier})]
    (old, folder, options) = asked[0]
    assert (old, folder) == (Path("old"), vetting.folder)
    facts = {one.subject: one for one in vetted.facts if one.contents}
    assert options == {"new_facts": facts, "with_texts": True, "notes": None, "only_known": True} and len(facts) == 2


def test_other_files_are_looked_at_and_tars_among_them_are_opened(
    vetting: Vetting, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = vetting.folder / "files"
    folder.mkdir()
    names = ("tool.tar", "tool.bin", "link.tar", "gone.tgz", ".tar.txt")
    for name in names[:2]:
        (folder / name).write_text("")
    (folder / ".tar.txt").write_text("")
    (folder / "link.tar").symlink_to("tool.tar")
    files = OtherFiles(tuple(OtherFile(name, "https://a.example/x", "c" * 64, 1, "signed by ada") for name in names))
    monkeypatch.setattr(module, "load_other_files", lambda _folder: files)
    monkeypatch.setattr(module, "outward_members", lambda path: (str(path),))
    found = [one for one in vetting(verdict()).findings if one.subject.startswith("files/")]
    assert found == [
        Finding.of("files/tool.tar", "file-leads-out", Severity.ERROR, members=(str(folder / "tool.tar"),))
    ]


def test_findings_are_weighed_waived_and_sorted(vetting: Vetting) -> None:
    given = replace(verdict(made_pin()), findings=(Finding.of(WHEEL, "unneeded", Severity.WARNING),))
    policy = Policy({"unneeded": Severity.ERROR}, waivers=(waiver("origin-unknown", "a" * 64),))
    vetted = vetting(given, policy)
    assert Finding.of(WHEEL, "unneeded", Severity.ERROR) in vetted.findings
    assert [one.rule for one in vetted.waived] == ["origin-unknown"]
    assert list(vetted.findings) == sorted(vetted.findings)
