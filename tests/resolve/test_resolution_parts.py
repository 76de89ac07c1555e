"""The parts of a resolution by tables: hashes, dependencies, their texts, exact specifiers, formats and pre-releases."""

from datetime import UTC, datetime
from typing import Any

import pytest
from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet
from packaging.utils import canonicalize_name
from packaging.version import Version

from wheelhouse.archive.artifact import Candidate
from wheelhouse.archive.reasons import OtherWords, SdistExcluded, UploadedTooLate, WheelExcluded
from wheelhouse.errors import InputError
from wheelhouse.resolve.requirements import parse_line
from wheelhouse.resolve.resolution import (
    CandidateRelease,
    Dependency,
    ResolutionRequest,
    dependencies_of,
    dependency_text,
    is_exact,
    merge,
)
from wheelhouse.resolve.selection import Selection
from wheelhouse.target.target import Platform, Python, Target

TARGET = Target.of(Python.parse("3.12"), Platform.parse("linux/amd64"))
APP, LIB = map(canonicalize_name, ("app", "lib"))
ONE, TWO, OTHER = (f"sha256:{digit * 64}" for digit in "123")
SHA512 = f"sha512:{'4' * 128}"


def line(text: str, *hashes: str, origin: str = "a.txt:1") -> Any:
    return parse_line(" ".join([text, *(f"--hash={hash_}" for hash_ in hashes)]), origin)


def request(*lines: Any, constraints: tuple[Any, ...] = (), **more: Any) -> ResolutionRequest:
    return ResolutionRequest(TARGET, lines, constraints, **more)


def test_the_hashes_of_every_line_that_applies_count() -> None:
    asked = request(
        line("lib==1", ONE, TWO),
        line("lib==1; os_name == 'nt'", OTHER),
        line("app"),
        constraints=(line("Lib==1", ONE),),
    )
    assert asked.allowed_hashes(LIB) == [frozenset((ONE, TWO)), frozenset((ONE,))]
    assert asked.allowed_hashes(APP) == []


@pytest.mark.parametrize(
    ("first", "second", "fits"),
    [
        ((ONE, TWO), (TWO,), True),
        ((ONE,), (TWO,), False),
        ((ONE,), (SHA512,), True),
        ((ONE,), (SHA512, TWO), True),
        ((SHA512, ONE), (TWO,), True),
    ],
)
def test_two_lines_must_admit_one_file(first: tuple[str, ...], second: tuple[str, ...], fits: bool) -> None:
    asked = request(line("lib==1", *first), constraints=(line("lib==1", *second, origin="b.txt:2"),))
    if fits:
        asked.must_admit_hashes()
        return
    with pytest.raises(
        InputError, match=r"^a\.txt:1 and b\.txt:2 allow different hashes for lib, so no file can match both$"
    ):
        asked.must_admit_hashes()


def test_a_line_for_another_target_contradicts_nothing() -> None:
    request(line("lib==1", ONE), line("lib==1; os_name == 'nt'", TWO)).must_admit_hashes()


@pytest.mark.parametrize(
    ("hashed", "option", "expected"),
    [(False, None, False), (True, None, True), (True, False, False), (False, True, True)],
)
def test_one_hash_requires_hashes_of_all_as_in_pip(hashed: bool, option: bool | None, expected: bool) -> None:
    own = line("lib==1", *((ONE,) if hashed else ()))
    for asked in (
        request(own, line("app"), selection=Selection(require_hashes=option)),
        request(line("app"), constraints=(own,), selection=Selection(require_hashes=option)),
    ):
        assert asked.requires_hashes is expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Lib", [("lib", "", "")]),
        ("lib[B_c,a]>=1", [("lib", "", ">=1"), ("lib", "a", ">=1"), ("lib", "b-c", ">=1")]),
    ],
)
def test_a_requirement_is_a_dependency_on_the_project_and_on_each_extra(text: str, expected: list[Any]) -> None:
    dependencies = list(dependencies_of(Requirement(text), "a.txt:1"))
    assert [(one.project, one.extra, str(one.specifier)) for one in dependencies] == expected
    assert {(one.origin, one.parent, one.reason) for one in dependencies} == {("a.txt:1", None, None)}


def test_an_extra_that_is_spelled_twice_is_one_dependency() -> None:
    assert [each.extra for each in dependencies_of(Requirement("x[A_b,a-b]"), "a.txt:1")] == ["", "a-b"]


@pytest.mark.parametrize(
    ("address", "shown", "hint"),
    [
        ("https://me:secret@h.example/lib-1.zip?token=x", "https://h.example/lib-1.zip", "request it yourself"),
        ("git+https://me:secret@h.example/lib", "git+https://h.example/lib", "build a wheel of it"),
    ],
)
def test_an_address_that_a_release_requires_is_refused_unless_the_user_named_it(
    address: str, shown: str, hint: str
) -> None:
    requirement = Requirement(f"Lib @ {address}")
    with pytest.raises(InputError, match="this address is outside the indexes") as caught:
        list(dependencies_of(requirement, "app 1.0"))
    assert f"app 1.0 requires `lib @ {shown}`" in str(caught.value) and "secret" not in str(caught.value)
    assert caught.value.hint and hint in caught.value.hint
    assert [one.project for one in dependencies_of(requirement, "app 1.0", direct=[LIB])] == ["lib"]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Lib[B,a] >= 1 ; os_name == 'nt'", "lib[a,b]>=1"),
        ("lib", "lib"),
        ("zope.Interface<2", "zope-interface<2"),
        ("x[A_b,a-b]", "x[a-b]"),
    ],
)
def test_the_text_of_a_dependency(text: str, expected: str) -> None:
    assert dependency_text(Requirement(text)) == expected


def test_dependencies_and_releases_as_text() -> None:
    candidate = Candidate(LIB, Version("1.0"), "lib-1.0.tar.gz", "", "")
    assert (str(CandidateRelease(candidate)), str(CandidateRelease(candidate, "x"))) == ("lib 1.0", "lib[x] 1.0")
    specifier = SpecifierSet(">=1")
    assert (
        str(Dependency(LIB, "", specifier, "a")) == "lib>=1"
        and str(Dependency(LIB, "x", specifier, "a")) == "lib[x]>=1"
    )
    assert str(Dependency(LIB, "", specifier, "app 1.0", reason=OtherWords("is odd"))) == "app 1.0 is odd"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("==1.2", True),
        ("===1.2", True),
        ("==1.*", False),
        (">=1,==1.2", True),
        (">=1", False),
        ("", False),
        ("!=1", False),
    ],
)
def test_whether_a_specifier_names_one_version(text: str, expected: bool) -> None:
    assert is_exact(SpecifierSet(text)) is expected


def test_merged_specifiers_admit_what_all_admit() -> None:
    merged = merge(map(SpecifierSet, (">=1", "<3", "!=2")))
    assert [version for version in ("0", "1", "2", "2.5", "3") if version in merged] == ["1", "2.5"]
    assert merge([]) == SpecifierSet()


# Selections


@pytest.mark.parametrize(
    ("options", "wheels", "sdists", "prereleases"),
    [
        ([], True, True, None),
        ([("--only-binary", ":all:")], True, False, None),
        ([("--only-binary", "Lib, app")], True, False, None),
        ([("--only-binary", ":all:"), ("--no-binary", "lib")], False, True, None),
        ([("--no-binary", "lib"), ("--only-binary", ":all:")], True, False, None),
        ([("--no-binary", "lib,:none:")], True, True, None),
        ([("--no-binary", "app,:all:,:none:,lib")], False, True, None),
        ([("--pre", "")], True, True, True),
        ([("--pre", ""), ("--only-final", "lib")], True, True, False),
        ([("--only-final", ":all:"), ("--all-releases", "lib")], True, True, True),
        ([("--only-final", ":all:"), ("--all-releases", "app")], True, True, False),
    ],
)
def test_options_follow_one_another_as_in_pip(
    options: list[tuple[str, str]], wheels: bool, sdists: bool, prereleases: bool | None
) -> None:
    selection = Selection()
    for name, value in options:
        selection = selection.with_option(name, value)
    assert (selection.takes_wheels(LIB), selection.takes_sdists(LIB)) == (wheels, sdists)
    assert selection.prereleases(LIB) is prereleases


def test_switches_are_taken() -> None:
    assert Selection().with_option("--prefer-binary").prefer_binary
    assert Selection().with_option("--require-hashes").require_hashes is True
    assert Selection().with_option("--no-require-hashes").require_hashes is False
    with pytest.raises(ValueError, match="--odd"):
        Selection().with_option("--odd")


@pytest.mark.parametrize(
    ("filename", "selection", "reason"),
    [
        ("lib-1-py3-none-any.whl", Selection(no_binary=frozenset({"lib"})), WheelExcluded()),
        ("lib-1.zip", Selection(no_binary=frozenset({"lib"})), None),
        ("lib-1.zip", Selection(only_binary=frozenset({":all:"})), SdistExcluded()),
        ("lib-1-py3-none-any.whl", Selection(only_binary=frozenset({":all:"})), None),
    ],
)
def test_which_formats_are_excluded(filename: str, selection: Selection, reason: object) -> None:
    assert selection.why_excluded(Candidate(LIB, Version("1"), filename, "", "")) == reason


@pytest.mark.parametrize(
    ("uploaded", "exempt", "reason"),
    [
        ("2025-02-09T23:59:59+00:00", False, None),
        ("2025-02-10T00:00:00+00:00", False, UploadedTooLate("2025-02-10")),
        ("2025-02-10T00:00:00+00:00", True, None),
        (None, True, None),
        (None, False, InputError),
    ],
)
def test_a_file_must_be_uploaded_before_a_time(uploaded: str | None, exempt: bool, reason: object) -> None:
    limit = datetime(2025, 2, 10, tzinfo=UTC)
    selection = Selection(uploaded_prior_to=limit, prior_to_except={"lib": "ours"} if exempt else {})
    candidate = Candidate(LIB, Version("1"), "lib-1.zip", "https://x/lib-1.zip", "", upload_time=uploaded)
    if reason is InputError:
        with pytest.raises(
            InputError, match=r"^https://x/lib-1.zip does not say when `lib-1.zip` was uploaded"
        ) as caught:
            selection.why_excluded(candidate)
        assert caught.value.hint and 'lib = "…"' in caught.value.hint
    else:
        assert selection.why_excluded(candidate) == reason
