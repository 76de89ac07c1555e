"""Ranges of versions as `vers:` writes them, on the examples of its specification."""

from wheelhouse.vet.ecosystems import Purl
from wheelhouse.vet.version_ranges import VersionRange, parse_range

RANGES = [
    ("vers:pypi/0.0.0|0.0.1|0.0.2|0.0.3|1.0|2.0pre1", "0.0.1 1.0.0 2.0rc1", "0.0.4 2.0"),
    ("vers:npm/1.2.3|>=2.0.0|<5.0.0", "1.2.3 2.0.0 4.9.9", "1.2.4 1.2.2 5.0.0 6.0.0"),
    ("vers:pypi/>=1.0|<1.4|!=1.2", "1.0 1.3.9", "0.9 1.2 1.4"),
    ("vers:pypi/<1|>2|<=3", "0.9 2.1 3", "1 2 3.1"),
    ("vers:pypi/<1|>2", "0.9 2.1", "1 1.5 2"),
    ("vers:pypi/>=1|2|<3", "1 1.5 2 2.5", "0.9 3"),
    ("vers:pypi/>1|<2|>3|<4", "1.5 3.5", "1 2 2.5 3 4"),
    ("vers:pypi/<1.4|>=1.0", "1.0 1.3", "0.9 1.4"),
    ("vers:pypi/ > 1.0 ", "1.1 99", "1.0 0.1"),
    ("vers:pypi/<=1.0", "1.0 0.1", "1.0.post1"),
    ("vers:pypi/!=1.0", "0.9 1.1", "1.0"),
    ("vers:pypi/1.0|!=2.0", "1.0", "2.0 3.0"),
    ("vers:pypi/|1.0|", "1.0", "2.0"),
    ("vers:pypi/1.0%2Bcpu", "1.0+cpu", "1.0"),
    ("vers:pypi/*", "1 2.0.dev1 one", ""),
    ("vers:deb/<1.2-3~deb12u1", "1.2-2", "1.2-3 1:0"),
    ("vers:rpm/>=0:1.1.1k-18", "0:1.1.1k-18 1:0-1", "0:1.1.1k-9"),
    ("vers:pypi/", "", "1"),
    ("vers:pypi/>=", "", "1"),
    ("vers:pypi/>=1|*", "", "1"),
    ("vers:pypi/1.0<2", "", "1.0"),
    ("vers:pypi/>=one", "", "1 one"),
    ("vers:npm/>=1", "", "x"),
]


def test_the_versions_of_a_range() -> None:
    for text, inside, outside in RANGES:
        read = parse_range(text)
        kind = text.removeprefix("vers:").partition("/")[0]
        versions = (*inside.split(), *outside.split())
        assert [one for one in versions if read.has(Purl(kind, "", "a", one))] == inside.split(), text


def test_a_range_is_of_one_type_of_packages() -> None:
    package = Purl("pypi", "", "a", "1.0.0")
    for kind, has_it in {"pypi": True, "npm": False}.items():
        for versions in ("*", "1.0.0", "<2.0.0", "!=2.0.0"):
            assert parse_range(f"vers:{kind}/{versions}").has(package) == has_it, (kind, versions)


def test_what_is_no_range_has_no_constraints() -> None:
    for text in ("", ">=1", "xvers:pypi/1.0", "vers:1/1.0", "vers:pypi", "None"):
        assert parse_range(text) == VersionRange("", ()), text
    for text in ("vers:pypi/>=", "vers:pypi/>=1|*", "vers:pypi/1||2", "vers:pypi/1.0<2", "vers:pypi/*|"):
        assert parse_range(text) == VersionRange("pypi", ()), text
    assert parse_range("vers:pypi/>=1|2") == VersionRange("pypi", ((">=", "1"), ("=", "2")))
    assert parse_range("vers:pypi/*") == VersionRange("pypi", (("*", ""),))
