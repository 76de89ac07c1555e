"""CVSS scores with each value of each metric, as FIRST's own calculator gives them; names that differ by one slip."""

import pytest

from wheelhouse.vet.cvss import rating
from wheelhouse.vet.lookalike_names import looks_like

SCORES = {
    # unchanged scope: each metric in turn
    "AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:H/A:H": "critical, 9.8",
    "AV:A/AC:L/PR:N/UI:N/S:U/C:H/I:H/A:H": "high, 8.8",
    "AV:L/AC:L/PR:N/UI:N/S:U/C:H/I:H/A:H": "high, 8.4",
    "AV:P/AC:L/PR:N/UI:N/S:U/C:H/I:H/A:H": "medium, 6.8",
    "AV:N/AC:H/PR:N/UI:N/S:U/C:H/I:H/A:H": "high, 8.1",
    "AV:N/AC:L/PR:L/UI:N/S:U/C:H/I:H/A:H": "high, 8.8",
    "AV:N/AC:L/PR:H/UI:N/S:U/C:H/I:H/A:H": "high, 7.2",
    "AV:N/AC:L/PR:N/UI:R/S:U/C:H/I:H/A:H": "high, 8.8",
    "AV:N/AC:L/PR:N/UI:N/S:U/C:L/I:N/A:N": "medium, 5.3",
    "AV:N/AC:L/PR:N/UI:N/S:U/C:N/I:L/A:N": "medium, 5.3",
    "AV:N/AC:L/PR:N/UI:N/S:U/C:N/I:N/A:L": "medium, 5.3",
    "AV:L/AC:L/PR:L/UI:N/S:U/C:L/I:N/A:N": "low, 3.3",
    "AV:L/AC:L/PR:L/UI:N/S:U/C:N/I:N/A:N": "none, 0.0",
    # changed scope
    "AV:N/AC:L/PR:N/UI:N/S:C/C:H/I:H/A:H": "critical, 10.0",
    "AV:N/AC:L/PR:L/UI:N/S:C/C:H/I:H/A:H": "critical, 9.9",
    "AV:N/AC:L/PR:H/UI:N/S:C/C:H/I:H/A:H": "critical, 9.1",
    "AV:N/AC:L/PR:L/UI:N/S:C/C:L/I:L/A:N": "medium, 6.4",
    "AV:N/AC:L/PR:N/UI:R/S:C/C:L/I:L/A:N": "medium, 6.1",
    "AV:N/AC:L/PR:L/UI:R/S:C/C:L/I:L/A:N": "medium, 5.4",
    "AV:N/AC:L/PR:H/UI:R/S:C/C:L/I:L/A:N": "medium, 4.8",
    "AV:L/AC:H/PR:L/UI:N/S:C/C:H/I:H/A:H": "high, 7.8",
    "AV:N/AC:L/PR:N/UI:N/S:C/C:N/I:N/A:N": "none, 0.0",
}


@pytest.mark.parametrize("vector", SCORES)
@pytest.mark.parametrize("version", ["3.0", "3.1"])
def test_the_score_of_a_vector(version: str, vector: str) -> None:
    assert rating(f"CVSS:{version}/{vector}") == SCORES[vector]


@pytest.mark.parametrize(
    ("name", "other", "alike"),
    [
        ("requests", "reqeusts", True),  # transposed in the middle
        ("requests", "erquests", True),  # at the start
        ("requests", "requesst", True),  # at the end
        ("requests", "request", True),
        ("requests", "requestss", True),
        ("requests", "requexts", True),
        ("requests", "rquesets", False),
        ("requests", "sequestr", False),
        ("requests", "reuqetss", False),
        ("requests", "requests", False),
        ("numpy", "nympy", True),
        ("nump", "nymp", False),
        ("boto3", "boto2", False),
        ("botol", "boto1", True),
        ("python-dateutil", "dateutil-python", True),
        ("python-dateutil", "pythondateutil", True),
        ("requests", "urllib3", False),
    ],
)
def test_names_that_differ_by_one_slip(name: str, other: str, alike: bool) -> None:
    assert looks_like(name, other) is alike
    assert looks_like(other, name) is alike
