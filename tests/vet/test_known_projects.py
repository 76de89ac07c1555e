"""Names that imitate much used projects: the shapes that are found, and the real names that are not."""

import re
from pathlib import Path

import pytest
from packaging.utils import NormalizedName, canonicalize_name

from tests.support.shared import shared
from tests.vet.test_rules import NOW, wheel
from wheelhouse.findings import Policy
from wheelhouse.vet.facts import Facts
from wheelhouse.vet.known_projects import POPULAR, Imitation, KnownProjects, parse_known_projects
from wheelhouse.vet.known_projects_file import LIST, read_known_projects
from wheelhouse.vet.lookalike_names import ascii_lookalike
from wheelhouse.vet.rules import Review, review_findings

NAMES = ("requests", "boto3", "python-dateutil", "typing-extensions", "numpy", "flask", "nvidia-cublas-cu12", "boto")
FILLERS = tuple(f"filler-{number}" for number in range(POPULAR - len(NAMES)))
KNOWN = KnownProjects(tuple(map(NormalizedName, (*NAMES, *FILLERS, "obscure", "rarer-names"))))


@pytest.mark.parametrize(
    ("name", "other", "how"),
    [
        ("reqeusts", "requests", Imitation.SLIP),
        ("request", "requests", Imitation.SLIP),
        ("requestss", "requests", Imitation.SLIP),
        ("rewuests", "requests", Imitation.SLIP),
        ("requests2", "requests", Imitation.AFFIX),
        ("requests-v2", "requests", Imitation.AFFIX),
        ("python-requests", "requests", Imitation.AFFIX),
        ("requests-py", "requests", Imitation.AFFIX),
        ("pyrequests", "requests", Imitation.AFFIX),
        ("requests-official", "requests", Imitation.AFFIX),
        ("boto4", "boto3", Imitation.AFFIX),
        ("dateutil-python", "python-dateutil", Imitation.ORDER),
        ("typingextensions", "typing-extensions", Imitation.SEPARATORS),
        ("num-py", "numpy", Imitation.SEPARATORS),
        ("nurnpy", "numpy", Imitation.LETTERS),
        ("f1ask", "flask", Imitation.LETTERS),
        ("obscurre", "obscure", Imitation.SLIP),
    ],
)
def test_a_name_imitates_a_known_project(name: str, other: str, how: Imitation) -> None:
    assert KNOWN.imitated_by(NormalizedName(name)) == (other, how)


@pytest.mark.parametrize(
    "name",
    [
        *("requests", "boto", "obscure", "requests-oauthlib", "acme-requests", "request-tools", "flasher"),
        *("nvidia-cublas-cu13", "six", "pyobscure", "python-boto-tools", "click"),
    ],
)
def test_other_names_imitate_nobody(name: str) -> None:
    assert KNOWN.imitated_by(NormalizedName(name)) is None


MANY = ("requests", "flask", "python-dateutil", "typing-extensions", "boto3", "nose", *FILLERS)
LISTED = KnownProjects(
    tuple(
        map(
            NormalizedName,
            (*MANY[:998], "popular", "final", "later", "obscure", "sixish", *("x",) * 3996, "protected", "beyond"),
        )
    )
)


def test_the_first_thousand_projects_are_popular_and_the_first_five_thousand_are_compared() -> None:
    assert [LISTED.names.index(NormalizedName(name)) for name in ("final", "later", "protected", "beyond")] == [
        *(999, 1000, 4999, 5000)
    ]
    ranks = {"requests": True, "popular": True, "final": True, "later": False, "protected": False, "unknown": False}
    assert {name: LISTED.is_popular(name) for name in ranks} == ranks


ALIKE: dict[str, tuple[str, Imitation] | None] = {
    "populars": ("popular", Imitation.SLIP),
    "pypopular": ("popular", Imitation.AFFIX),
    "finall": ("final", Imitation.SLIP),
    "latter": None,
    "sixissh": ("sixish", Imitation.SLIP),
    "obscura": ("obscure", Imitation.SLIP),
    "pyobscure": None,
    "py-obscure": ("obscure", Imitation.AFFIX),
    "protecteed": ("protected", Imitation.SLIP),
    "beyonnd": None,
    "noses": None,
    "flas": None,
    "flash": ("flask", Imitation.SLIP),
    "f1ask": ("flask", Imitation.LETTERS),
    "fask": None,
    "requests123": None,
    "requests12": ("requests", Imitation.AFFIX),
    "requestsv2": ("requests", Imitation.AFFIX),
    "requests-2": ("requests", Imitation.AFFIX),
    "requestsv": ("requests", Imitation.SLIP),
    "requestsv123": None,
    "requestspy": ("requests", Imitation.AFFIX),
    "pythonrequests": ("requests", Imitation.AFFIX),
    "requestspython": ("requests", Imitation.AFFIX),
    "librequests": ("requests", Imitation.AFFIX),
    "requestslib": ("requests", Imitation.AFFIX),
    "flaskrequests": None,
    "py-typing-extensions": ("typing-extensions", Imitation.AFFIX),
    "typing-extensions-official": ("typing-extensions", Imitation.AFFIX),
    "typing-official-extensions": None,
    "extensions-typing": ("typing-extensions", Imitation.ORDER),
    "typing-extension": ("typing-extensions", Imitation.SLIP),
    "re-quests": ("requests", Imitation.SEPARATORS),
    "boto33": ("boto3", Imitation.AFFIX),
}


def test_a_name_imitates_by_the_strongest_likeness_or_not_at_all() -> None:
    assert {name: LISTED.imitated_by(NormalizedName(name)) for name in ALIKE} == ALIKE
    assert [*map(str, Imitation)] == ["separators", "letters", "slip", "order", "affix"]


def test_of_several_imitated_projects_the_most_used_counts() -> None:
    known = KnownProjects(tuple(map(NormalizedName, ("colour", "colors", "col-ors", "ab-cde-f", "abc-def"))))
    assert known.imitated_by(NormalizedName("colours")) == ("colour", Imitation.SLIP)
    assert known.imitated_by(NormalizedName("co-lors")) == ("colors", Imitation.SEPARATORS)
    assert known.imitated_by(NormalizedName("a-bcdef")) == ("ab-cde-f", Imitation.SEPARATORS)


def test_without_a_list_nothing_is_alike() -> None:
    assert KnownProjects().imitated_by(NormalizedName("reqeusts")) is None


def rules_of(*facts: Facts) -> set[str]:
    return {finding.rule for finding in review_findings(Review(facts, Policy(), NOW, known=KNOWN))}


def test_the_rules_tell_popular_projects_from_others(tmp_path: Path) -> None:
    assert rules_of(wheel(tmp_path, "reqeusts")) & {"lookalike-popular", "lookalike-known"} == {"lookalike-popular"}
    assert rules_of(wheel(tmp_path, "rarer-nomes")) & {"lookalike-popular", "lookalike-known"} == {"lookalike-known"}


def test_two_known_projects_of_one_wheelhouse_may_look_alike(tmp_path: Path) -> None:
    known = KnownProjects(tuple(map(NormalizedName, ("attrs", "cattrs"))))
    facts = wheel(tmp_path, "attrs"), wheel(tmp_path, "cattrs")
    assert "lookalike-inside" in rules_of(*facts)
    assert "lookalike-inside" not in {one.rule for one in review_findings(Review(facts, Policy(), NOW, known=known))}


@pytest.mark.parametrize("path", ["requests.py", "requests/__init__.py", "requests.abi3.so"])
def test_a_module_of_a_popular_project_in_another_one(tmp_path: Path, path: str) -> None:
    assert "module-of-another" in rules_of(wheel(tmp_path, "odd", **{path: b""}))
    assert "module-of-another" not in rules_of(wheel(tmp_path, "requests", **{path: b""}))
    assert "module-of-another" not in rules_of(wheel(tmp_path, "obscure", **{path: b""}))


def test_a_part_of_a_namespace_package_is_nobodys_module(tmp_path: Path) -> None:
    assert "module-of-another" not in rules_of(wheel(tmp_path, "odd", **{"flask/odd/__init__.py": b""}))


@pytest.mark.parametrize(
    ("name", "plain"),
    [("rеquests", "requests"), ("рурі", "pypi"), ("ϲode", None), ("requests", None), ("модуль", None), ("οs", "os")],
)
def test_letters_of_other_alphabets_are_read_as_ascii(name: str, plain: str | None) -> None:
    assert ascii_lookalike(name) == plain


@pytest.mark.parametrize(
    "files",
    [
        {"rеquests/__init__.py": b""},
        {"οѕ.py": b""},
        {"odd-1.0.dist-info/entry_points.txt": "[console_scripts]\nрip = odd:main\n".encode()},
    ],
)
def test_a_name_in_letters_that_look_like_others_is_an_error(tmp_path: Path, files: dict[str, bytes]) -> None:
    assert "homoglyphs" in rules_of(wheel(tmp_path, **files))


@pytest.mark.parametrize("path", ["модуль.py", "数据/__init__.py", "café.py"])
def test_modules_in_other_languages_are_no_homoglyphs(tmp_path: Path, path: str) -> None:
    assert "homoglyphs" not in rules_of(wheel(tmp_path, **{path: b""}))


def test_the_shipped_list_says_its_date_source_and_licence() -> None:
    head = [line for line in LIST.read_text(encoding="utf-8").splitlines() if line.startswith("#")]
    for word in (r"\d{4}-\d\d-\d\d", "Source: ", "Licence: Apache-2.0"):
        assert any(re.search(word, line) for line in head)


def test_the_shipped_list_has_normalised_names_each_once() -> None:
    names = read_known_projects().names
    assert len(names) == len(set(names)) == 15_000
    assert all(canonicalize_name(name) == name for name in names)
    assert read_known_projects() is read_known_projects()
    assert parse_known_projects("# head\none\n\ntwo\n").names == ("one", "two")


def test_no_project_of_airflows_constraints_imitates_another() -> None:
    """976 real names, of which fifteen are not in the list."""
    lines = (line for path in shared("constraints").rglob("*.txt") for line in path.read_text().splitlines())
    names = {canonicalize_name(match[1]) for line in lines if (match := re.match(r"([\w.-]+)==", line))}
    assert len(names) > 500
    assert not {name: imitated for name in names if (imitated := read_known_projects().imitated_by(name))}
