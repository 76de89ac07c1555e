"""Long tables of cases: a few run always, the others only with `-m rooms`, which `.ci/run` does."""

from collections.abc import Iterable
from typing import Any

import pytest


def sampled(cases: Iterable[Any], kept: int) -> list[Any]:
    """Cases for `parametrize`, of which `kept`, evenly spread from the first on, run always; with 0 none of them does."""
    every = list(cases)
    always = {number * len(every) // kept for number in range(kept)}
    return [
        case if number in always else pytest.param(case, marks=pytest.mark.rooms) for number, case in enumerate(every)
    ]
