"""How slowly a server may send: a server that drips would hold a run for ever."""

import time
from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Pace:
    """At least `bytes_per_second` on average over each `seconds` spent waiting. `clock` returns seconds."""

    bytes_per_second: float = 1000.0
    seconds: float = 60.0
    clock: Callable[[], float] = time.monotonic
