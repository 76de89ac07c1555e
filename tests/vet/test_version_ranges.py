"""Ranges of versions as `vers:` writes them, on the examples of its specification."""

import pytest

from wheelhouse.vet.ecosystems import Purl
from wheelhouse.vet.version_ranges import parse_range


@pytest.mark.parametrize(
    ("text", "inside", "outside"),
    [
        ("vers:pypi/0.0.0|0.0.1|0.0.2|0.0.3|1.0|2.0pre1", "0.0.1 1.0.0 2.0rc1", "0.0.4 2.0"),
        ("vers:npm/1.2.3|>=2.0.0|<5.0.0", "1.2.3 2.0.0 4.9.9", "1.2.4 1.2.2 5.0.0 6.0.0"),
        ("vers:pypi/>=1.0|<1.4|!=1.2", "1.0 1.3.9", "0.9 1.2 1.4"),
        ("vers:pypi/<1|>2|<=3", "0.9 2.1 3", "1 2 3.1"),
        ("vers:pypi/<1.4|>=1.0", "1.0 1.3", "0.9 1.4"),
        ("vers:pypi/ > 1.0 ", "1.1 99", "1.0 0.1"),
        ("vers:pypi/<=1.0", "1.0 0.1", "1.0.post1"),
        ("vers:pypi/!=1.0", "0.9 1.1", "1.0"),
        ("vers:pypi/1.0%2Bcpu", "1.0+cpu", "1.0"),
        ("vers:pypi/*", "1 2.0.dev1", ""),
        ("vers:deb/<1.2-3~deb12u1", "1.2-2", "1.2-3 1:0"),
        ("vers:rpm/>=0:1.1.1k-18", "0:1.1.1k-18 1:0-1", "0:1.1.1k-9"),
        ("vers:pypi/", "", "1"),
        ("vers:pypi/>=", "", "1"),
        ("vers:pypi/>=1|*", "", "1"),
        (">=1", "", "1"),
        ("vers:pypi/>=one", "", "1 one"),
        ("vers:npm/>=1", "", "x"),
    ],
)
def test_the_versions_of_a_range(text: str, inside: str, outside: str) -> None:
    read = parse_range(text)
    kind = text.removeprefix("vers:").partition("/")[0]
    assert [version for version in inside.split() if not read.has(Purl(kind, "", "a", version))] == []
    assert [version for version in outside.split() if read.has(Purl(kind, "", "a", version))] == []
