"""Which file of a release fits a target best, and why the others do not."""

import pytest
from packaging.utils import NormalizedName
from packaging.version import Version

from wheelhouse.archive.artifact import (
    MAX_DIGITS,
    Artifact,
    Candidate,
    Rejected,
    choose,
    has_overlong_number,
    why_hash_not_allowed,
    why_unfit,
)
from wheelhouse.archive.reasons import (
    BadFilename,
    BadPageEntry,
    FitsLess,
    HashNotAllowed,
    NoFittingTag,
    RequiresPython,
    UnreadableFormat,
    Yanked,
)
from wheelhouse.errors import IntegrityError
from wheelhouse.target.target import Platform, Python, Target

TARGET = Target.of(Python.parse("3.12.4"), Platform.parse("linux/amd64"))
ONE = "1" * 64
TWO = "2" * 64


def candidate(filename: str, **more: object) -> Candidate:
    return Candidate(NormalizedName("a"), Version("1"), filename, f"https://127.0.0.1/{filename}", "", **more)  # type: ignore[arg-type]


BEST_FIRST = [
    "a-1-3-cp312-cp312-manylinux_2_28_x86_64.whl",
    "a-1-2z-cp312-cp312-manylinux_2_28_x86_64.whl",
    "a-1-2-cp312-cp312-manylinux_2_28_x86_64.whl",
    "a-1-cp312-cp312-manylinux_2_28_x86_64.whl",
    "a-1-9-cp312-cp312-manylinux_2_17_x86_64.whl",
    "a-1-cp38-abi3-manylinux_2_17_x86_64.whl",
    "a-1-py3-none-any.whl",
    "a-1.tar.gz",
    "a-1.zip",
    "a-1.tar",
]


@pytest.mark.parametrize("step", [1, -1])
def test_wheels_by_tag_then_by_build_then_sdists_by_suffix(step: int) -> None:
    left = [candidate(name) for name in BEST_FIRST[::step]]
    for name in BEST_FIRST:
        chosen, rejected = choose(left, TARGET)
        assert chosen is not None and chosen.filename == name
        assert {other.reason for other in rejected} <= {FitsLess(name)} and len(rejected) == len(left) - 1
        left.remove(chosen)
    assert choose([], TARGET) == (None, [])


@pytest.mark.parametrize(
    ("file", "reason"),
    [
        (candidate("a-1-py3-none-any.whl"), None),
        (candidate("a-1-py3-none-any.whl", requires_python=">=3.12.4"), None),
        (candidate("a-1-py3-none-any.whl", requires_python=">=3.12.5"), RequiresPython(">=3.12.5", "3.12.4")),
        (candidate("a-1.tar.gz", requires_python="<3.12"), RequiresPython("<3.12", "3.12.4")),
        (candidate("a-1-cp311-cp311-manylinux_2_28_x86_64.whl"), NoFittingTag(TARGET.name)),
        (candidate("a-1.tar.zst"), UnreadableFormat(".tar.zst")),
        (candidate("a-1.tar.Z"), UnreadableFormat(".tar.Z")),
        (candidate("a-1.tar.lz"), None),
        (candidate("a-1.tar.gz", fault=BadPageEntry("sha256")), BadPageEntry("sha256")),
    ],
)
def test_why_a_file_does_not_fit(file: Candidate, reason: object) -> None:
    assert why_unfit(file, TARGET) == reason


def test_a_name_that_is_not_a_wheels_is_a_reason() -> None:
    assert isinstance(why_unfit(candidate("a-1-py3-none.whl"), TARGET), BadFilename)


@pytest.mark.parametrize(
    ("allowed", "reason"),
    [
        ([], None),
        ([{f"sha256:{ONE}"}], None),
        ([{f"sha256:{TWO}", f"sha256:{ONE}"}], None),
        ([{f"sha256:{TWO}"}], HashNotAllowed("sha256", ONE)),
        ([{f"sha256:{ONE}"}, {f"sha256:{TWO}"}], HashNotAllowed("sha256", ONE)),
        ([{f"sha512:{TWO * 2}"}], None),
        ([{f"sha512:{TWO * 2}", f"sha256:{TWO}"}], HashNotAllowed("sha256", ONE)),
    ],
)
def test_a_hash_that_no_line_allows_is_a_reason(allowed: list[set[str]], reason: object) -> None:
    file = candidate("a-1.tar.gz", hashes={"sha256": ONE, "md5": "0"})
    assert why_hash_not_allowed(file, map(frozenset, allowed)) == reason


def test_a_lock_file_keeps_only_reasons_that_names_do_not_give() -> None:
    kept = [
        reason
        for reason in (NoFittingTag("t"), FitsLess("x"), Yanked(""))
        if not Rejected("f", reason).follows_from_name
    ]
    assert kept == [Yanked("")]
    assert Rejected("f", NoFittingTag("t")).has_no_tag and not Rejected("f", FitsLess("x")).has_no_tag


@pytest.mark.parametrize(
    ("address", "sidecar"),
    [
        ("https://127.0.0.1/a.whl", "https://127.0.0.1/a.whl.metadata"),
        ("https://127.0.0.1/a.whl#sha256=0", "https://127.0.0.1/a.whl.metadata"),
        ("https://127.0.0.1/a.whl?token=x#y", "https://127.0.0.1/a.whl.metadata?token=x"),
    ],
)
def test_the_address_of_a_metadata_file(address: str, sidecar: str) -> None:
    file = Candidate(NormalizedName("a"), Version("1"), "a.whl", address, "")
    assert file.sidecar_url == sidecar and not file.is_local and file.key == address


def test_a_candidate_is_known_by_its_sha256() -> None:
    assert candidate("a-1.tar.gz", hashes={"sha256": ONE}).key == ONE
    assert Candidate(NormalizedName("a"), Version("1"), "a", "file:///a", "").is_local


@pytest.mark.parametrize(
    ("name", "sha256"),
    [("a.whl", ONE[1:]), ("a.whl", f"{ONE}0"), ("a.whl", ONE.replace("1", "G")), ("a/b.whl", ONE), ("-a.whl", ONE)],
)
def test_an_artifact_has_a_sha256_and_a_plain_name(name: str, sha256: str) -> None:
    with pytest.raises(IntegrityError):
        Artifact(name, sha256, 1)
    assert Artifact("a.whl", ONE, 1).is_wheel


def test_the_longest_number_that_python_reads_is_not_overlong() -> None:
    assert not has_overlong_number("1." * MAX_DIGITS)
    assert not has_overlong_number(f"v{'9' * (MAX_DIGITS - 1)}.1")
    assert has_overlong_number(f"v{'9' * MAX_DIGITS}")
