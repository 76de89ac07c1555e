"""Versions sort as dpkg sorts them."""

import shutil
import subprocess
from itertools import pairwise, product

import pytest

from wheelhouse.debian.deb_version import holds, version_key

ASCENDING = (
    *(
        "0~~",
        "0~",
        "0",
        "0+a",
        "1~rc1-1",
        "1-0ubuntu1",
        "1-1",
        "1-1deb12u1",
        "1-1+b1",
        "1-1.1",
        "1.0~~a",
        "1.0~",
        "1.0",
    ),
    *("1.0-1", "1.0a", "1.0+b1", "1.0.1", "1.2", "1.10", "2.36-9+deb12u9", "2.36-9+deb12u10", "2:0.1", "10:0"),
)
EQUAL = (("1", "1-0"), ("0:1", "1"), ("1.01", "1.1"), ("1a", "1a0"))


@pytest.mark.parametrize(("left", "right"), tuple(pairwise(ASCENDING)))
def test_a_later_version_is_greater(left: str, right: str) -> None:
    assert version_key(left) < version_key(right)
    assert holds(left, "<<", right)
    assert holds(right, ">>", left)
    assert holds(left, "<=", right)
    assert not holds(left, "=", right)


@pytest.mark.parametrize(("left", "right"), EQUAL)
def test_versions_that_only_look_different_are_equal(left: str, right: str) -> None:
    assert holds(left, "=", right)
    assert holds(left, ">=", right)
    assert not holds(left, "<<", right)


@pytest.mark.rooms
def test_dpkg_sorts_all_pairs_so() -> None:
    if shutil.which("dpkg") is None:
        pytest.skip("dpkg is not installed")
    for left, right in product(ASCENDING, repeat=2):
        done = subprocess.run(["dpkg", "--compare-versions", left, "lt", right], check=False)
        assert (done.returncode == 0) == holds(left, "<<", right), (left, right)
