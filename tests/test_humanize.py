"""Numbers for people."""

import pytest

from wheelhouse.humanize import size_text


@pytest.mark.parametrize(
    ("count", "text"),
    [
        (0, "0 bytes"),
        (1, "1 byte"),
        (999, "999 bytes"),
        (1000, "1.0 kB"),
        (999_949, "999.9 kB"),
        (999_950, "1.0 MB"),
        (1_234_567, "1.2 MB"),
        (999_999_999, "1.0 GB"),
        (12_345_678_901, "12.3 GB"),
    ],
)
def test_a_size_never_reads_as_a_thousand_of_a_unit(count: int, text: str) -> None:
    assert size_text(count) == text
