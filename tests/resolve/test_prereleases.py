"""Pre-releases: where the user names one, or where nothing else is left (PEP 440)."""

from collections.abc import Iterator

import pytest

from tests.support.resolutions import found, supplied
from wheelhouse.index.package_source import PackageSource

OFFERS = {
    "lib 1.0": [],
    "lib 1.1": [],
    "lib 2.0b1": [],
    "app 1.0": ["lib>=1.0rc1"],
    "strict 1.0": ["lib==2.0b1"],
    "new 1.0": ["beta"],
    "beta 0.1a1": [],
    "stuck 1.0": ["gone"],
    "stuck 0.9": ["gone"],
    "stuck 2.0.dev1": [],
    "driver 2.0": ["stuck"],
    "driver 1.0": ["lib"],
}


@pytest.fixture(scope="module")
def supply(tmp_path_factory: pytest.TempPathFactory) -> Iterator[PackageSource]:
    with supplied(tmp_path_factory.mktemp("offered"), OFFERS) as held:
        yield held


@pytest.mark.parametrize(
    ("asked", "expected"),
    [
        ("app", "lib 1.1"),
        ("app lib", "lib 1.1"),
        ("lib app", "lib 1.1"),
        ("lib>=1.0rc1", "lib 2.0b1"),
        ("app lib>=1.0rc1", "lib 2.0b1"),
        ("lib>1.1", "lib 2.0b1"),
        ("strict", "lib 2.0b1"),
        ("app strict", "lib 2.0b1"),
        ("new", "beta 0.1a1"),
        ("driver", "stuck 2.0.dev1"),
        ("driver", "driver 2.0"),
    ],
)
def test_a_pre_release_is_taken_only_where_it_must_or_is_asked_for(
    asked: str, expected: str, supply: PackageSource
) -> None:
    assert expected in found(supply, *asked.split())
