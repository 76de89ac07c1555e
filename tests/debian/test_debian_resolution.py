"""From records of packages to locked packages."""

from datetime import datetime, timedelta, timezone

import pytest

from wheelhouse.debian.base_system import BaseSystem
from wheelhouse.debian.deb_catalogue import DEFAULT_PIN, SuitePackages
from wheelhouse.debian.debian_job import DebianJob
from wheelhouse.debian.debian_lock import LockedDeb, LockedSuite
from wheelhouse.debian.debian_resolution import locked_packages
from wheelhouse.errors import IntegrityError

SUITE = LockedSuite("debian", "https://m.example/debian", "bookworm", ("main",), ("bookworm",), (), ())


def locked(size: str) -> tuple[LockedDeb, ...]:
    """The lock of git, whose record has this size."""
    record = (
        f"Package: git\nVersion: 1\nArchitecture: amd64\nFilename: pool/git.deb\nSHA256: {'0' * 64}\nSize: {size}\n"
    )
    packages = SuitePackages(record, ("bookworm",), DEFAULT_PIN)
    return locked_packages(BaseSystem("", "amd64"), {"packages": ("git",)}, (SUITE,), ((0, "main", packages),))


def test_a_record_has_the_size_of_the_file() -> None:
    assert [deb.size for deb in locked("70")] == [70]


@pytest.mark.parametrize("size", ["", "many", "-1", "9" * 5000])
def test_a_record_whose_size_is_no_number_of_bytes_is_refused(size: str) -> None:
    with pytest.raises(IntegrityError, match="the record of `git` 1 lacks Filename, SHA256 or Size"):
        locked(size)


def test_the_date_of_a_lock_is_in_utc() -> None:
    base = BaseSystem("", "amd64")
    moment = datetime(2025, 5, 20, tzinfo=timezone(timedelta(hours=2)))
    assert DebianJob({}, base, (), date=moment).inputs.date == "2025-05-19T22:00:00Z"
