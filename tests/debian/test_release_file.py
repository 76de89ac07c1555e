"""The times of a Release file."""

from datetime import UTC, datetime

import pytest

from wheelhouse.debian.release_file import parse_release
from wheelhouse.errors import IntegrityError


@pytest.mark.parametrize("zone", [" UTC", " +0000", " -0000", "", " GMT"])
def test_a_time_without_a_zone_is_in_utc(zone: str) -> None:
    text = f"Valid-Until: Sat, 10 May 2025 08:00:00{zone}\nSHA256:\n {'0' * 64} 1 Packages\n"
    release = parse_release(text)
    assert release.valid_until == datetime(2025, 5, 10, 8, tzinfo=UTC)
    with pytest.raises(IntegrityError, match="is out of date"):
        release.must_be_valid(datetime(2025, 5, 11, tzinfo=UTC), "it")


@pytest.mark.parametrize(
    "date",
    [
        "soon",
        "Sat, 10 May 99999999999 08:00:00 UTC",
        "Sat, 10 May 2025 08:00:00 +99999999999999999999",
    ],
)
def test_a_time_that_is_no_date_is_refused(date: str) -> None:
    with pytest.raises(IntegrityError, match="Valid-Until is not a date"):
        parse_release(f"Valid-Until: {date}\nSHA256:\n {'0' * 64} 1 Packages\n")
