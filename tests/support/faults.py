"""Faults that an index shows on request: which request meets one, and what it does to the answer. All pure."""

import re
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from random import Random
from typing import Literal, get_args

from tests.support.replies import Ask, Reply, redirect

Kind = Literal[
    "status",
    "cut",
    "delay",
    "trickle",
    "reset",
    "wrong_bytes",
    "wrong_length",
    "wrong_type",
    "encoded",
    "redirect",
    "loop",
    "ignore_range",
    "wrong_range",
]
KINDS: tuple[Kind, ...] = get_args(Kind)
TRANSIENT: tuple[Kind, ...] = ("status", "cut", "delay", "reset")  # those that asking again mends, and that show
_OF_BODIES = ("cut", "trickle", "wrong_bytes")
_OF_RANGES = ("ignore_range", "wrong_range")


@dataclass(frozen=True)
class Fault:
    """What goes wrong with the requests whose path `match` is found in (a regex), `times` times, or always if None.

    status: answers `status`, with `Retry-After` if `retry_after` is given.
    cut: closes after `at` bytes of the body (never all of it), though Content-Length says more.
    delay: answers `seconds` late.
    trickle: sends `rate` bytes a second.
    reset: answers nothing but a TCP reset.
    wrong_bytes: flips all bits of the byte `at` that offset, counted from the end if negative.
    wrong_length: Content-Length is `by` too long, or too short if negative.
    wrong_type: Content-Type is `content_type`. encoded: Content-Encoding is `encoding`, which is not true.
    redirect: answers 302, to the URL `to`; loop: to itself.
    ignore_range: answers 200 with everything, whatever Range says.
    wrong_range: answers 206 with a range `by` further on than the one asked for, and says so.

    Faults of bodies are not for HEAD, and those of ranges are only for requests with one.
    """

    match: str
    kind: Kind
    times: int | None = 1
    method: str | None = None
    status: int = 503
    retry_after: str | None = None
    at: int = 0
    seconds: float = 0.1
    rate: int = 1024
    by: int = 1
    content_type: str = "text/plain"
    encoding: str = "gzip"
    to: str = "/"

    def fits(self, ask: Ask) -> bool:
        """Whether this request is one to spoil."""
        return (
            self.times != 0
            and self.method in (None, ask.method)
            and not (self.kind in _OF_BODIES and ask.method == "HEAD")
            and not (self.kind in _OF_RANGES and "range" not in ask.headers)
            and re.search(self.match, ask.path) is not None
        )


Plan = Callable[[Ask], Fault | None]


def random_faults(seed: int, rate: float, kinds: Sequence[Kind] = TRANSIENT, most: int = 2) -> Plan:
    """A plan that spoils this share of requests, though no path more than `most` times.

    It depends on a path and how often that was asked for, not on the order in which threads ask for different paths.
    """
    asked: Counter[str] = Counter()
    spoiled: Counter[str] = Counter()

    def plan(ask: Ask) -> Fault | None:
        asked[ask.path] += 1
        dice = Random(f"{seed} {ask.path} {asked[ask.path]}")
        if spoiled[ask.path] >= most or dice.random() >= rate:
            return None
        spoiled[ask.path] += 1
        status = dice.choice((429, 500, 502, 503))
        at = dice.randrange(2048)
        return Fault("", dice.choice(kinds), status=status, retry_after="0", at=at, seconds=0.02, rate=1 << 16)

    return plan


def take(faults: list[Fault], ask: Ask) -> Fault | None:
    """The first fault in the list that fits; one that was used up leaves the list."""
    for place, fault in enumerate(faults):
        if fault.fits(ask):
            times = None if fault.times is None else fault.times - 1
            faults[place : place + 1] = [] if times == 0 else [replace(fault, times=times)]
            return fault
    return None


def misheard(fault: Fault | None, ask: Ask) -> Ask:
    """The request as an index with this fault understands it."""
    if fault is None or fault.kind not in _OF_RANGES or "range" not in ask.headers:
        return ask
    asked = ask.headers["range"]
    heard = "" if fault.kind == "ignore_range" else re.sub(r"\d+", lambda n: str(int(n[0]) + fault.by), asked)
    return replace(ask, headers={**ask.headers, "range": heard})


def spoiled(fault: Fault | None, ask: Ask, reply: Reply) -> Reply:
    """The reply as an index with this fault gives it."""
    spoil = _SPOILS.get(fault.kind) if fault else None
    return spoil(fault, ask, reply) if fault and spoil else reply


def _status(fault: Fault, ask: Ask, reply: Reply) -> Reply:
    answer = Reply(fault.status, b"out of order\n", {"Content-Type": "text/plain"})
    return answer if fault.retry_after is None else answer.having(Retry_After=fault.retry_after)


def _wrong_bytes(fault: Fault, ask: Ask, reply: Reply) -> Reply:
    body = bytearray(reply.body)
    if body:
        body[fault.at % len(body)] ^= 0xFF
    return replace(reply, body=bytes(body))


_SPOILS: dict[Kind, Callable[[Fault, Ask, Reply], Reply]] = {
    "status": _status,
    "cut": lambda fault, ask, reply: replace(reply, cut=max(min(fault.at, len(reply.body) - 1), 0)),
    "delay": lambda fault, ask, reply: replace(reply, delay=fault.seconds),
    "trickle": lambda fault, ask, reply: replace(reply, rate=fault.rate),
    "reset": lambda fault, ask, reply: replace(reply, status=0, reset=True),
    "wrong_bytes": _wrong_bytes,
    "wrong_length": lambda fault, ask, reply: reply.having(Content_Length=str(max(len(reply.body) + fault.by, 0))),
    "wrong_type": lambda fault, ask, reply: reply.having(Content_Type=fault.content_type),
    "encoded": lambda fault, ask, reply: reply.having(Content_Encoding=fault.encoding),
    "redirect": lambda fault, ask, reply: redirect(fault.to, 302),
    "loop": lambda fault, ask, reply: redirect(ask.path, 302),
}
