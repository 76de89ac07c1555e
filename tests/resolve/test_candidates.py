"""A project's candidates under constraints, yanks, pre-releases and options, and which options a selection keeps."""

from datetime import UTC, datetime

import pytest
from packaging.specifiers import SpecifierSet
from packaging.utils import NormalizedName
from packaging.version import Version

from wheelhouse.archive.artifact import Candidate
from wheelhouse.archive.reasons import (
    HashNotAllowed,
    InvalidRequirementLine,
    Reason,
    SdistExcluded,
    UploadedTooLate,
    WheelExcluded,
    Yanked,
)
from wheelhouse.errors import InputError
from wheelhouse.index.page_data import Hashes, IndexFile
from wheelhouse.index.pages import Page
from wheelhouse.resolve.candidates import ProjectCandidates
from wheelhouse.resolve.direct import source_of
from wheelhouse.resolve.requirements import RequirementLine, parse_line
from wheelhouse.resolve.resolution import ResolutionRequest
from wheelhouse.resolve.selection import Selection
from wheelhouse.target.target import Platform, Python, Target

TARGET = Target.of(Python.parse("3.12.4"), Platform.parse("linux/amd64"))
A, B = NormalizedName("a"), NormalizedName("b")
ANY = SpecifierSet()
INVALID = InvalidRequirementLine("b==", old_pip_reads_it=False)


def file(name: str, **more: object) -> IndexFile:
    return IndexFile(name, f"https://127.0.0.1/{name}", Hashes(sha256="1" * 64), **more)  # type: ignore[arg-type]


def candidates_of(
    *files: IndexFile, asked: tuple[str, ...] = (), constraints: tuple[str, ...] = (), **more: object
) -> ProjectCandidates:
    lines = tuple(map(parse_line, constraints))
    request = ResolutionRequest(TARGET, tuple(map(parse_line, asked)), lines, **more)  # type: ignore[arg-type]
    return ProjectCandidates(request, Page(A, "the index", "https://127.0.0.1/a/", list(files)), lines)


def wheels(*versions: str) -> tuple[IndexFile, ...]:
    return tuple(file(f"a-{version}-py3-none-any.whl") for version in versions)


def texts(versions: object) -> list[str]:
    return list(map(str, versions))  # type: ignore[call-overload]


@pytest.mark.parametrize(
    ("asked", "constraints", "specifier", "expected"),
    [
        ((), (), "", ["3", "2", "1"]),
        ((), ("a<3",), "", ["2", "1"]),
        ((), ("a<3", "a>1"), "", ["2"]),
        ((), (), "!=2", ["3", "1"]),
        (("a>=1rc1",), (), "", ["4rc1", "3", "2", "1"]),
        ((), ("a>=1rc1",), "", ["4rc1", "3", "2", "1"]),
        (("b>=1rc1",), (), "", ["3", "2", "1"]),
        ((), (), ">3", ["4rc1"]),
        ((), (), ">=4rc1", ["4rc1"]),
    ],
)
def test_versions_within_all_limits(
    asked: tuple[str, ...], constraints: tuple[str, ...], specifier: str, expected: list[str]
) -> None:
    found = candidates_of(*wheels("1", "3", "2", "4rc1"), asked=asked, constraints=constraints)
    assert texts(found.matching(SpecifierSet(specifier))) == expected


@pytest.mark.parametrize(
    ("option", "value", "expected"),
    [
        ("--pre", "", ["4rc1", "3"]),
        ("--all-releases", "a", ["4rc1", "3"]),
        ("--all-releases", "b", ["3"]),
        ("--only-final", "a", ["3"]),
        ("--only-final", ":all:", ["3"]),
    ],
)
def test_pre_releases_by_option(option: str, value: str, expected: list[str]) -> None:
    selection = Selection().with_option(option, value)
    assert texts(candidates_of(*wheels("3", "4rc1"), selection=selection).matching(ANY)) == expected


def test_forbidden_pre_releases_are_not_taken_even_if_nothing_else_is_left() -> None:
    selection = Selection().with_option("--only-final", "a")
    only = candidates_of(*wheels("4rc1"), selection=selection)
    assert only.matching(ANY) == () and only.best(ANY) is None and only.with_prereleases(ANY) == ()


def test_the_preferred_version_is_first_only_within_the_limits() -> None:
    preferred = {A: Version("2")}
    assert texts(candidates_of(*wheels("1", "2", "3"), preferred=preferred).matching(ANY)) == ["2", "3", "1"]
    found = candidates_of(*wheels("1", "2", "3"), preferred=preferred, constraints=("a!=2",))
    assert texts(found.matching(ANY)) == ["3", "1"]


def test_prefer_binary_puts_releases_with_a_usable_wheel_first() -> None:
    files = (*wheels("1", "2"), file("a-3.tar.gz"), file("a-4-cp311-cp311-win_amd64.whl"))
    selection = Selection().with_option("--prefer-binary")
    assert texts(candidates_of(*files, selection=selection).matching(ANY)) == ["2", "1", "4", "3"]
    assert texts(candidates_of(*files).matching(ANY)) == ["4", "3", "2", "1"]


def test_a_deferred_release_is_last_and_deferring_it_again_changes_nothing() -> None:
    found = candidates_of(*wheels("1", "2", "3"))
    assert found.defer(Version("3"), INVALID)
    assert not found.defer(Version("3"), INVALID)
    assert texts(found.matching(ANY)) == ["2", "1", "3"] and found.deferred == {Version("3"): INVALID}


def test_an_order_from_before_a_deferral_is_not_kept() -> None:
    """One thread sorts the versions, and another defers a release before the first one keeps the order."""
    found = candidates_of(*wheels("1", "2", "3"))

    class Deferred(dict[Version, InvalidRequirementLine]):
        asked = False

        def __bool__(self) -> bool:
            if not self.asked:
                self.asked = True
                assert found.defer(Version("3"), INVALID)
                return False
            return len(self) > 0

    found.deferred = Deferred()
    found.matching(ANY)
    assert texts(found.matching(ANY)) == ["2", "1", "3"]


def test_the_only_release_and_a_preferred_one_are_not_deferred() -> None:
    assert not candidates_of(*wheels("3")).defer(Version("3"), INVALID)
    assert not candidates_of(*wheels("2", "3"), preferred={A: Version("3")}).defer(Version("3"), INVALID)
    assert candidates_of(*wheels("2", "3"), preferred={A: Version("2")}).defer(Version("3"), INVALID)


def test_each_requirement_line_is_looked_at_once_for_all_projects(monkeypatch: pytest.MonkeyPatch) -> None:
    """A job may name ten thousand projects."""
    looked: list[str] = []
    project = RequirementLine.project.fget
    assert project
    monkeypatch.setattr(RequirementLine, "project", property(lambda line: looked.append(line.origin) or project(line)))
    names = [f"p{number}" for number in range(20)]
    request = ResolutionRequest(TARGET, tuple(parse_line(name, name) for name in names))
    for name in names:
        ProjectCandidates(request, Page(NormalizedName(name), "", "", []), ())
    assert sorted(looked) == sorted(names)


@pytest.mark.parametrize(
    ("specifier", "constraints", "is_pinned"),
    [
        ("==2", (), True),
        ("===2", (), True),
        ("", ("a==2",), True),
        (">=2", ("a==2",), True),
        ("==2.*", (), False),
        (">=2,<3", (), False),
        ("", (), False),
    ],
)
def test_a_yanked_release_only_for_an_exact_pin(specifier: str, constraints: tuple[str, ...], is_pinned: bool) -> None:
    found = candidates_of(file("a-2-py3-none-any.whl", yanked="broken"), constraints=constraints)
    assert found.is_pinned(SpecifierSet(specifier)) == is_pinned
    chosen, rejected = found.choose(Version("2"), SpecifierSet(specifier))
    assert (chosen is not None) == is_pinned
    assert [other.reason for other in rejected] == ([] if is_pinned else [Yanked("broken")])


def test_a_yank_without_an_explanation_is_a_yank() -> None:
    _, rejected = candidates_of(file("a-2-py3-none-any.whl", yanked=True)).choose(Version("2"), ANY)
    assert rejected[0].reason == Yanked("")


def test_a_pre_release_is_best_only_if_no_final_release_has_a_file() -> None:
    assert str(candidates_of(*wheels("1", "3rc1")).best(ANY).version) == "1"  # type: ignore[union-attr]
    yanked = candidates_of(*wheels("3rc1"), file("a-2-py3-none-any.whl", yanked=""))
    assert str(yanked.best(ANY).version) == "3rc1"  # type: ignore[union-attr]


def test_hashes_of_lines_exclude_files() -> None:
    line = f"a --hash=sha256:{'2' * 64}"
    _, rejected = candidates_of(*wheels("1"), asked=(line,)).choose(Version("1"), ANY)
    assert rejected[0].reason == HashNotAllowed("sha256", "1" * 64)


def test_options_do_not_exclude_a_file_that_the_user_named() -> None:
    source = source_of("./a-2rc1.tar.gz", "here")[0]
    selection = Selection().with_option("--only-binary", ":all:").with_option("--only-final", ":all:")
    named = candidates_of(file("a-2rc1.tar.gz"), selection=selection, direct={A: source})
    assert named.best(ANY) is not None
    assert candidates_of(file("a-2rc1.tar.gz"), selection=selection).best(ANY) is None


# Selection


def offered(name: str, upload_time: str | None = None) -> Candidate:
    return Candidate(A, Version("1"), name, f"https://127.0.0.1/{name}", "", upload_time=upload_time)


WHEEL, SDIST = offered("a-1-py3-none-any.whl"), offered("a-1.tar.gz")


@pytest.mark.parametrize(
    ("options", "wheel", "sdist"),
    [
        ((("--only-binary", "a"),), None, SdistExcluded()),
        ((("--only-binary", "A"),), None, SdistExcluded()),
        ((("--only-binary", "b"),), None, None),
        ((("--only-binary", ":all:"),), None, SdistExcluded()),
        ((("--no-binary", ":all:"),), WheelExcluded(), None),
        ((("--no-binary", ":all:"), ("--only-binary", "a")), None, SdistExcluded()),
        ((("--only-binary", "a"), ("--only-binary", ":none:")), None, None),
        ((("--only-binary", "a"), ("--no-binary", ":all:")), WheelExcluded(), None),
        ((("--only-binary", "b,:all:,:none:,a"),), None, SdistExcluded()),
    ],
)
def test_formats_by_option(options: tuple[tuple[str, str], ...], wheel: Reason | None, sdist: Reason | None) -> None:
    selection = Selection()
    for option in options:
        selection = selection.with_option(*option)
    assert (selection.why_excluded(WHEEL), selection.why_excluded(SDIST)) == (wheel, sdist)


def test_a_file_uploaded_at_the_limit_is_too_late() -> None:
    limit = Selection(uploaded_prior_to=datetime(2025, 3, 1, tzinfo=UTC))
    late = offered("a-1.tar.gz", "2025-03-01T00:00:00+00:00")
    assert limit.why_excluded(late) == UploadedTooLate("2025-03-01")
    assert limit.why_excluded(offered("a-1.tar.gz", "2025-02-28T23:59:59+00:00")) is None
    with pytest.raises(InputError, match="does not say when"):
        limit.why_excluded(SDIST)
    exempt = Selection(uploaded_prior_to=limit.uploaded_prior_to, prior_to_except={"a": "internal"})
    assert exempt.why_excluded(late) is None and exempt.prior_to(B) == limit.uploaded_prior_to


def test_an_unknown_option_is_refused() -> None:
    with pytest.raises(ValueError, match="--nothing"):
        Selection().with_option("--nothing")


def test_a_lock_file_records_what_differs_from_the_defaults() -> None:
    assert Selection().document() == {}
    selection = Selection(require_hashes=False).with_option("--prefer-binary").with_option("--pre")
    assert selection.document() == {"pre": [":all:"], "prefer-binary": True, "require-hashes": False}
    assert Selection().with_option("--require-hashes").require_hashes is True
    assert Selection().with_option("--no-require-hashes").require_hashes is False
