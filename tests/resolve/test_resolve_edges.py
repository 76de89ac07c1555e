"""Selections, texts of releases, variables of addresses, options and candidates at their edges."""

from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any

import pytest
from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet
from packaging.utils import NormalizedName
from packaging.version import Version

from tests.support.conflicts import wheel
from tests.support.held_offers import HeldOffers
from wheelhouse.archive.artifact import Candidate
from wheelhouse.errors import InputError
from wheelhouse.resolve.candidates import CandidateIndex, page_of_source
from wheelhouse.resolve.conflict_hints import _nearest, _same_kind
from wheelhouse.resolve.derivation import Step
from wheelhouse.resolve.direct import source_of
from wheelhouse.resolve.file_options import Option, read_options
from wheelhouse.resolve.prefetch import Prefetcher
from wheelhouse.resolve.release_texts import (
    offered_text,
    origin_text,
    project_text,
    range_text,
    releases_text,
    versions_text,
)
from wheelhouse.resolve.requirements import constraint_lines, parse_file, parse_line
from wheelhouse.resolve.resolution import (
    CandidateRelease,
    Dependency,
    ResolutionRequest,
    _compatible,
    dependencies_of,
    is_exact,
    merge,
)
from wheelhouse.resolve.selection import Selection
from wheelhouse.target.target import Platform, Python, Target

TARGET = Target.of(Python.parse("3.12.4"), Platform.parse("linux/amd64"))
LIB = NormalizedName("lib")
LIMIT = datetime(2025, 3, 1, tzinfo=UTC)


def versions(*texts: str) -> list[Version]:
    return [Version(text) for text in texts]


# Selections


def test_every_setting_is_recorded_under_the_name_of_its_option() -> None:
    selection = Selection(
        only_binary=frozenset({"b", "a"}),
        no_binary=frozenset({"d", "c"}),
        pre=frozenset({"f", "e"}),
        only_final=frozenset({"h", "g"}),
        prefer_binary=True,
        require_hashes=True,
        uploaded_prior_to=LIMIT,
        age="P7D",
        prior_to_except={"z": "ours", "y": "theirs"},
    )
    document = selection.document()
    assert document == {
        "only-binary": ["a", "b"],
        "no-binary": ["c", "d"],
        "pre": ["e", "f"],
        "only-final": ["g", "h"],
        "prefer-binary": True,
        "require-hashes": True,
        "uploaded-prior-to": LIMIT,
        "uploaded-prior-to-age": "P7D",
        "uploaded-prior-to-except": {"y": "theirs", "z": "ours"},
    }
    assert list(document["uploaded-prior-to-except"]) == ["y", "z"]


@pytest.mark.parametrize(("index", "said"), [("mine", "mine"), ("", "https://h.example/lib-1.zip")])
def test_who_does_not_say_when_a_file_was_uploaded(index: str, said: str) -> None:
    candidate = Candidate(LIB, Version("1"), "lib-1.zip", "https://h.example/lib-1.zip", index)
    with pytest.raises(InputError) as caught:
        Selection(uploaded_prior_to=LIMIT).why_excluded(candidate)
    assert str(caught.value) == (
        f"{said} does not say when `lib-1.zip` was uploaded, so --uploaded-prior-to cannot be applied"
    )
    assert caught.value.hint == (
        "use an index with upload times (PEP 700), or exempt lib in wheelhouse.toml, with a reason: "
        '[uploaded-prior-to-except] lib = "…"'
    )


def test_options_of_a_file_count_in_their_order() -> None:
    options = [Option("--only-binary", ":all:", "r.txt:1"), Option("--no-binary", "lib, app", "r.txt:2")]
    assert Selection().with_options(options) == Selection(
        only_binary=frozenset({":all:"}), no_binary=frozenset({"lib", "app"})
    )
    assert Selection().with_options(options[::-1]) == Selection(only_binary=frozenset({":all:"}))


# Texts


@pytest.mark.parametrize(
    ("texts", "as_range", "as_versions"),
    [
        ((), "", ""),
        (("1",), "1", "1"),
        (("2", "1"), "1, 2", "1, 2"),
        (("3", "2", "1"), "1 to 3", "1 to 3 (3 releases)"),
    ],
)
def test_releases_in_a_few_words(texts: tuple[str, ...], as_range: str, as_versions: str) -> None:
    assert (range_text(versions(*texts)), versions_text(versions(*texts))) == (as_range, as_versions)


def test_who_asks_in_a_few_words() -> None:
    release = Candidate(LIB, Version("2"), "lib-2.zip", "", "")
    plain, extra = (
        Step(
            tuple(versions("2", "1")),
            Dependency(NormalizedName("b"), "", SpecifierSet(), "lib 2", CandidateRelease(release, name)),
        )
        for name in ("", "x")
    )
    assert (project_text(plain), releases_text(plain)) == ("lib", "lib 1, 2")
    assert (project_text(extra), releases_text(extra)) == ("lib[x]", "lib[x] 1, 2")
    assert (origin_text("the command line"), origin_text("r.txt:1")) == ("on the command line", "in r.txt:1")


FEW = [f"1.{number}" for number in range(11, -1, -1)]
MANY = [f"1.{number}" for number in range(19, -1, -1)]
NEWEST = "1.19, 1.18, 1.17, 1.16, 1.15, 1.14"


@pytest.mark.parametrize(
    ("texts", "specifier", "shown"),
    [
        ([], ">1", ""),
        (FEW, "==1.3.1", ", ".join(FEW)),
        (["1.12", *FEW], "", "1.12, 1.11, 1.10, 1.9, 1.8, 1.7 and 7 more"),
        (MANY, "", f"{NEWEST} and 14 more"),
        (["1.12", *FEW], "!=1.6,!=1.4,!=1.2,!=1.0,>1.12", ", ".join(["1.12", *FEW])),
        (MANY, "==1.5.1", f"{NEWEST}, 1.6, 1.5 and 12 more"),
        (MANY, "===1.5.1", f"{NEWEST} and 14 more"),
        (MANY, ">1.5", f"{NEWEST}, 1.6, 1.5 and 12 more"),
        (MANY, "==1.5.*", f"{NEWEST}, 1.6, 1.5 and 12 more"),
        (MANY, ">=9", f"{NEWEST} and 14 more"),
        (MANY, "<1.0", f"{NEWEST}, 1.1, 1.0 and 12 more"),
        (MANY, "<0.5", f"{NEWEST}, 1.1, 1.0 and 12 more"),
        (MANY, ">1.5.1,<1.9.1", f"{NEWEST}, 1.10, 1.9, 1.6, 1.5 and 10 more"),
    ],
)
def test_what_an_index_offers_near_a_specifier(texts: list[str], specifier: str, shown: str) -> None:
    assert offered_text(versions(*texts), SpecifierSet(specifier)) == shown


# Hints


def test_the_nearest_pythons_come_first() -> None:
    assert _nearest(Python.parse("3.12.4")) == [f"3.{minor}" for minor in (13, 11, 14, 10, 15, 9, 8, 7, 6)]


@pytest.mark.parametrize(
    ("platform", "own", "same"),
    [
        ("manylinux_2_34_x86_64", "manylinux_2_28_x86_64", True),
        ("manylinux_2_28_x86_64", "manylinux_2_28_x86_64", False),
        ("manylinux_2_34_aarch64", "manylinux_2_28_x86_64", False),
        ("musllinux_1_2_x86_64", "manylinux_2_28_x86_64", False),
        ("macosx_14_0_arm64", "macosx_11_0_arm64", True),
        ("win32", "win_amd64", False),
    ],
)
def test_platforms_that_differ_in_a_version_alone(platform: str, own: str, same: bool) -> None:
    assert _same_kind(platform, own) is same


# Requirements


@pytest.mark.parametrize(
    ("written", "concealed", "shown"),
    [
        (
            "https://h.example/${A}/lib-1.0.tar.gz",
            {"https://h.example/s3/": "https://h.example/${A}/"},
            "https://h.example/${A}/lib-1.0.tar.gz",
        ),
        (
            "https://h.example/x/lib-${V}.tar.gz",
            {},
            "https://h.example/x/lib-1.0.tar.gz",
        ),
        (
            "https://h.example/${A}/x/lib-${V}.tar.gz",
            {"https://h.example/s3/x/": "https://h.example/${A}/x/"},
            "https://h.example/${A}/x/lib-1.0.tar.gz",
        ),
        (
            "https://me:${A}@h.example/${A}/lib-1.0.tar.gz?${A}",
            {"https://h.example/s3/": "https://h.example/${A}/"},
            "https://h.example/${A}/lib-1.0.tar.gz",
        ),
        ("https://h.example/lib-1.0.tar.gz", {}, "https://h.example/lib-1.0.tar.gz"),
        ("https://${H}/lib-1.0.tar.gz", {}, "https://h.example/lib-1.0.tar.gz"),
    ],
)
def test_the_values_of_variables_are_not_shown(written: str, concealed: dict[str, str], shown: str) -> None:
    seen: dict[str, str] = {}
    environment = {"A": "s3", "V": "1.0", "H": "h.example"}
    lines = parse_file(
        written, "r.txt", lambda *_: ("", ""), environment=environment, conceal=seen.__setitem__
    ).requirements
    assert {key.rstrip("/"): value.rstrip("/") for key, value in seen.items()} == {
        key.rstrip("/"): value.rstrip("/") for key, value in concealed.items()
    }
    assert [line.text for line in lines] == [f"lib @ {shown}"]


def test_hints_show_variables_too() -> None:
    with pytest.raises(InputError) as caught:
        parse_file(
            "--no-such ${A} ${B}\n", "r.txt", lambda *_: ("", ""), environment={"A": "s3cret", "B": "--no-binary"}
        )
    assert str(caught.value) == "r.txt:1: `--no-such ${A} ${B}`: no such option: --no-such"
    assert caught.value.hint and "--no-binary" not in caught.value.hint and "${B}" in caught.value.hint
    assert caught.value.details == ()


HASH = f"--hash=sha256:{'a' * 64}"


@pytest.mark.parametrize(
    ("text", "sentence", "hint"),
    [
        (
            "lib --pre",
            "x: the option `--pre` cannot follow a requirement",
            "write it on a line of its own; only --hash can follow a requirement",
        ),
        (
            f"lib {HASH} --no-binary=a --pre",
            "x: the option `--no-binary` cannot follow a requirement",
            "write it on a line of its own; only --hash can follow a requirement",
        ),
        (
            "lib --hash=sha256",
            "x: `sha256` is not a hash that pip accepts",
            "write --hash=sha256:…, with all hexadecimal digits of the hash; algorithms: sha256, sha384, sha512",
        ),
        (
            f"lib --hash=sha256:{'a' * 63}\u0664",
            f"x: `sha256:{'a' * 63}\u0664` is not a hash that pip accepts",
            "write --hash=sha256:…, with all hexadecimal digits of the hash; algorithms: sha256, sha384, sha512",
        ),
        (
            f"lib --hash=sha256:sha256:{'a' * 57}",
            f"x: `sha256:sha256:{'a' * 57}` is not a hash that pip accepts",
            "write --hash=sha256:…, with all hexadecimal digits of the hash; algorithms: sha256, sha384, sha512",
        ),
        ("lib --pre app", "x: `app` follows an option", "write each requirement on a line of its own"),
    ],
)
def test_what_cannot_follow_a_requirement(text: str, sentence: str, hint: str) -> None:
    with pytest.raises(InputError) as caught:
        parse_line(text, "x")
    assert (str(caught.value), caught.value.hint) == (sentence, hint)


@pytest.mark.parametrize(
    ("text", "hint"),
    [
        ("lib=1", "write `==` for an exact version"),
        ("lib>=1=2", "write `==` for an exact version"),
        ("lib==", "write a name, with optional extras, versions and marker: `name[extra]>=1.0,<2 ; marker`"),
        ("lib>=${V_1}", "set the environment variable V_1, which `${V_1}` refers to"),
        ("lib>=${v}", "write a name, with optional extras, versions and marker: `name[extra]>=1.0,<2 ; marker`"),
    ],
)
def test_what_to_write_instead_of_a_bad_requirement(text: str, hint: str) -> None:
    with pytest.raises(InputError) as caught:
        parse_line(text, "x")
    assert caught.value.hint == hint
    assert str(caught.value).startswith(f"x: `{text}` is not a requirement: ")


def test_a_requirement_may_be_as_long_as_the_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("wheelhouse.resolve.requirements.MAX_REQUIREMENT_LENGTH", 8)
    assert parse_line(f"lib>=1.0 {HASH}").text == "lib>=1.0"
    with pytest.raises(InputError) as caught:
        parse_line("lib>=1.00", "x")
    assert (str(caught.value), caught.value.hint) == ("x: the requirement has more than 8 characters", "shorten it")


@pytest.mark.parametrize(
    ("text", "constraints", "sentence", "hint"),
    [
        ("-r r.txt", False, "`r.txt` includes itself: r.txt → r.txt", "remove one of these `-r` or `-c` lines"),
        ("-r a.txt", True, "r.txt:1: `-r` is not allowed in a constraints file", "write `-c`"),
        ("lib[x]", True, "r.txt:1: a constraint cannot have extras", "put the extras into the requirement"),
        (
            "./lib-1.0.zip",
            True,
            "r.txt:1: a constraint cannot refer to a file",
            "write a requirement instead, or use --override",
        ),
    ],
)
def test_what_a_file_cannot_hold(text: str, constraints: bool, sentence: str, hint: str) -> None:
    with pytest.raises(InputError) as caught:
        parse_file(text, "r.txt", lambda name, _by: (name, text), constraints=constraints)
    assert (str(caught.value), caught.value.hint) == (sentence, hint)


def test_all_bad_lines_are_told_with_their_hints() -> None:
    with pytest.raises(InputError) as caught:
        constraint_lines("-c d.txt\na[x]\n", "c.txt")
    assert caught.value.hint == "correct the lines that are listed above"
    assert caught.value.details == (
        "c.txt includes `d.txt`, but this constraints file cannot include other files "
        "(copy the lines of `d.txt` into c.txt)",
        "c.txt:2: a constraint cannot have extras (put the extras into the requirement)",
    )


def test_a_comment_begins_after_a_blank_of_any_kind() -> None:
    text = "a#b #c#d\nx\t# y\n#z\n##\n q#\n"
    assert [
        line.text for line in parse_file("lib # x#y\n#lib\napp\t#\n", "r.txt", lambda *_: ("", "")).requirements
    ] == [
        "lib",
        "app",
    ]
    with pytest.raises(InputError) as caught:
        parse_file(text, "r.txt", lambda *_: ("", ""))
    assert [detail.split("` is")[0] for detail in caught.value.details] == ["r.txt:1: `a#b", "r.txt:5: `q#"]


def test_words_of_a_line_before_its_first_option() -> None:
    assert read_options(" lib >= 1  --pre", "x") == ("lib >= 1", [Option("--pre", "", "x")])
    assert read_options("lib-x>=1 ; y == '-z'", "x") == ("lib-x>=1 ; y == '-z'", [])
    with pytest.raises(InputError) as caught:
        read_options("lib --odd 'a'", "x")
    assert str(caught.value) == "x: `--odd 'a'`: no such option: --odd"
    assert caught.value.hint and caught.value.hint.startswith(
        "use one of these options: --all-releases, --config-settings, "
    )


# Resolutions


def test_hashes_with_two_colons_are_of_the_algorithm_before_the_first() -> None:
    assert not _compatible({"sha256:1:2"}, {"sha256:3:4"})
    assert _compatible({"sha256:1:2"}, {"sha512:1:2"})


def test_the_hints_about_an_address_that_a_release_requires() -> None:
    hints = []
    for address in ("https://h.example/lib-1.zip", "git+https://h.example/lib"):
        with pytest.raises(InputError) as caught:
            list(dependencies_of(Requirement(f"lib @ {address}"), "app 1.0"))
        assert str(caught.value) == f"app 1.0 requires `lib @ {address}`, but this address is outside the indexes"
        hints.append(caught.value.hint)
    assert hints == [
        "if you trust the file at this address, request it yourself: 'lib @ …#sha256=…'; "
        "or write the release that you want into a file for --override",
        "if you trust the code, build a wheel of it, offer the wheel with --find-links, "
        "and write its release (`lib==…`) into a file for --override",
    ]


def test_lines_with_contradicting_hashes_get_a_hint() -> None:
    one, other = (parse_line(f"lib==1 --hash=sha256:{digit * 64}", f"r.txt:{digit}") for digit in "12")
    with pytest.raises(InputError) as caught:
        ResolutionRequest(TARGET, (one, other)).must_admit_hashes()
    assert str(caught.value) == "r.txt:1 and r.txt:2 allow different hashes for lib, so no file can match both"
    assert caught.value.hint == "remove one of the two requirements, or write all hashes into both requirements"


def test_specifiers_with_one_wildcard_are_exact_if_another_clause_is() -> None:
    assert is_exact(SpecifierSet("==1.*,==1.2")) and not is_exact(SpecifierSet("==1.*,!=1.2"))
    specifier = SpecifierSet(">=1")
    assert merge([specifier]) is specifier


# Candidates


def test_the_page_of_a_named_file_has_that_file_alone() -> None:
    source, _, _ = source_of(f"https://me:pw@h.example/lib-1.0.tar.gz#sha256={'a' * 64}&sha512={'b' * 128}", "x")
    page = page_of_source(source)
    assert (page.project, page.index, page.url, page.versions) == ("lib", "", "", (Version("1.0"),))
    (candidate,) = page.candidates(Version("1.0"))
    assert (candidate.filename, candidate.url) == ("lib-1.0.tar.gz", "https://me:pw@h.example/lib-1.0.tar.gz")
    assert candidate.hashes == {"sha256": "a" * 64, "sha512": "b" * 128}


MINE = SimpleNamespace(is_default=False, name="mine", address="https://mine.example")
LINKS = SimpleNamespace(is_default=False, name="", address="links")


@pytest.mark.parametrize(
    ("place", "said"),
    [
        (SimpleNamespace(is_default=True, name="x", address="y"), "the index"),
        (MINE, "`mine` (https://mine.example)"),
        (LINKS, "`links`"),
        (None, ""),
    ],
)
def test_where_a_project_comes_from(place: Any, said: str) -> None:
    offers = HeldOffers([], places={"lib": place})
    index = CandidateIndex(ResolutionRequest(TARGET, ()), offers)  # type: ignore[arg-type]
    assert index.place(LIB) == said
    source = source_of("./lib-1.0.zip", "x")[0]
    named = CandidateIndex(ResolutionRequest(TARGET, (), direct={LIB: source}), offers)  # type: ignore[arg-type]
    assert named.place(LIB) == ""


def test_constraints_of_other_targets_do_not_count() -> None:
    lines = tuple(map(parse_line, ("lib<2", "lib<1; os_name == 'nt'", "Lib>0", "app")))
    index = CandidateIndex(ResolutionRequest(TARGET, (), lines), HeldOffers([]))  # type: ignore[arg-type]
    assert list(index.constraints(LIB)) == [lines[0], lines[2]] and list(index.constraints(NormalizedName("b"))) == []


def test_what_is_pinned_is_asked_of_the_cache_once_and_kept() -> None:
    asked: list[str] = []
    kept: list[str] = []
    offers = HeldOffers([wheel("lib 1.0"), wheel("lib 2.0"), wheel("app 1.0")])
    offers.locations.releases = lambda project, allowed: asked.append(f"{project}{allowed}")
    offers.locations.keep_releases = lambda allowed, page: kept.append(f"{page.project}{allowed}")
    lines = (parse_line("lib==1.0"), parse_line("app>=1"))
    index = CandidateIndex(ResolutionRequest(TARGET, (), lines), offers)  # type: ignore[arg-type]
    for _ in range(2):
        assert index.get(LIB) is index.get(LIB) is not None and index.get(NormalizedName("app")) is not None
        assert index.get(NormalizedName("gone")) is None
    assert (asked, kept) == (["lib==1.0"], ["lib==1.0"])
    offers.locations.releases = lambda project, _allowed: offers.pages.get(project).result()
    index = CandidateIndex(ResolutionRequest(TARGET, (), lines), offers)  # type: ignore[arg-type]
    assert index.has_without_page(LIB) and not index.has_without_page(NormalizedName("app"))


# Prefetching


def test_what_is_announced_is_requested_with_what_is_below_it() -> None:
    offers = HeldOffers(
        [
            wheel("app 2.0", "lib<2", "app[x]", extras={"x": ["tool"]}),
            wheel("app 1.0", "gone"),
            *(wheel(f"lib {n}.0", "app") for n in (1, 2)),
            wheel("tool 1.0"),
        ]
    )
    pages: list[str] = []
    metadata: list[tuple[str, bool]] = []
    page_of, metadata_of = offers.pages.get, offers.metadata.get
    offers.pages.get = lambda project: pages.append(str(project)) or page_of(project)

    def read(candidate: Candidate, *, certain: bool = False) -> Any:
        metadata.append((candidate.filename, certain))
        return metadata_of(candidate, certain=certain)

    offers.metadata.get = read
    request = ResolutionRequest(TARGET, (), (parse_line("lib==1.0"),))
    prefetcher = Prefetcher(request, offers, CandidateIndex(request, offers))  # type: ignore[arg-type]
    for text in ("app", "gone", "app"):
        for dependency in dependencies_of(Requirement(text), "r.txt:1"):
            prefetcher.announce(dependency)
    assert (pages, metadata) == ([], [])
    prefetcher.walk()
    assert set(pages) == {"app", "gone", "lib", "tool"}
    assert sorted(metadata) == [
        ("app-2.0-py3-none-any.whl", False),
        ("app-2.0-py3-none-any.whl", False),
        ("lib-1.0-py3-none-any.whl", True),
        ("tool-1.0-py3-none-any.whl", False),
    ]
    seen = len(pages)
    prefetcher.walk()
    assert len(pages) == seen


REFUSED = {
    "--extra-index-url x": "give each index, with its projects, to wheelhouse itself: "
    "if a project has two indexes, a stranger can add a file to one of them",
    "--find-links x": "give this option to wheelhouse itself",
    "-f x": "give this option to wheelhouse itself",
    "--trusted-host x": "name the certificate authority of that host in SSL_CERT_FILE",
    "--editable x": "if you trust the code, build a wheel of it (`python -m build --wheel`), and request this wheel",
    "-e x": "if you trust the code, build a wheel of it (`python -m build --wheel`), and request this wheel",
    "--use-feature x": "remove the line: wheelhouse does not have the optional features of pip",
    "--config-settings x": "give this option to the build: `fetch` builds nothing",
    "--config-setting x": "give this option to the build: `fetch` builds nothing",
    "-C x": "give this option to the build: `fetch` builds nothing",
    "--global-option x": "give this option to the build: `fetch` builds nothing",
    "--no-index": "on the command line of wheelhouse, name the folder or index that replaces the default index",
}


def test_what_is_advised_about_each_option_that_a_file_cannot_have() -> None:
    told = {}
    for text in REFUSED:
        with pytest.raises(InputError) as caught:
            read_options(f"lib --pre {text}", "x")
        told[text] = caught.value.hint
    assert told == REFUSED


def test_every_option_that_a_file_can_have() -> None:
    with_value = ("--requirement", "--constraint", "--no-binary", "--only-binary", "--all-releases", "--only-final")
    flags = ("--pre", "--prefer-binary", "--require-hashes", "--no-require-hashes")
    for name in (*with_value, "--hash", "--index-url"):
        assert read_options(f"{name}=a {name} b", "x") == ("", [Option(name, "a", "x"), Option(name, "b", "x")])
    for name in flags:
        assert read_options(f"{name}", "x") == ("", [Option(name, "", "x")])
    with pytest.raises(InputError) as caught:
        read_options("--help", "x")
    assert caught.value.hint == (
        "use one of these options: --all-releases, --config-settings, --constraint, --editable, --extra-index-url, --find-links, "
        "--global-option, --hash, --index-url, --no-binary, --no-index, --no-require-hashes, --only-binary, "
        "--only-final, --pre, --prefer-binary, --require-hashes, --requirement, --trusted-host, --use-feature"
    )


def requested(offers: HeldOffers, *tried: str, project: NormalizedName = LIB) -> list[list[str]]:
    """The versions whose metadata are requested ahead as these releases are tried one after the other."""
    request = ResolutionRequest(TARGET, ())
    index = CandidateIndex(request, offers)  # type: ignore[arg-type]
    prefetcher = Prefetcher(request, offers, index)  # type: ignore[arg-type]
    asked: list[str] = []
    offers.metadata.get = lambda candidate: asked.append(str(candidate.version))
    steps = []
    for version in tried:
        prefetcher.note_trial(Candidate(project, Version(version), f"{project}-{version}.zip", "", ""))
        steps.append(asked.copy())
        asked.clear()
    return steps


def test_further_releases_are_requested_at_the_second_and_fourth_trial() -> None:
    offers = HeldOffers(
        [
            *(wheel(f"lib {number}") for number in (9, 8, 7, 6, 4, 3, 2, 1)),
            wheel("lib 5", tag="cp312-cp312-win_amd64"),
        ]
    )
    assert requested(offers, "9", "8", "8", "7", "6") == [[], ["7", "6"], [], [], ["4", "3", "2", "1"]]
    assert requested(offers, "9", "2") == [[], ["1"]]
    assert requested(offers, "9", "1") == [[], []]
    assert requested(HeldOffers([]), "9", "8", project=NormalizedName("gone")) == [[], []]


def test_the_metadata_of_a_large_sdist_are_not_requested_ahead(monkeypatch: pytest.MonkeyPatch) -> None:
    offers = HeldOffers([wheel("lib 1.0", "app"), wheel("app 1.0")])
    asked: list[str] = []
    metadata_of = offers.metadata.get
    offers.metadata.get = lambda candidate, certain: (
        asked.append(candidate.filename) or metadata_of(candidate, certain=certain)
    )

    def walked() -> list[str]:
        request = ResolutionRequest(TARGET, ())
        prefetcher = Prefetcher(request, offers, CandidateIndex(request, offers))  # type: ignore[arg-type]
        for dependency in dependencies_of(Requirement("lib"), "x"):
            prefetcher.announce(dependency)
        prefetcher.walk()
        return asked

    assert walked() == ["lib-1.0-py3-none-any.whl", "app-1.0-py3-none-any.whl"]
    asked.clear()
    monkeypatch.setattr(Candidate, "is_costly", property(lambda candidate: candidate.project == "lib"))
    assert walked() == []
