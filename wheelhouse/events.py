"""What happens, for whoever wants to show it. The library prints nothing (pure)."""

from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Event:
    """Something that happened."""


@dataclass(frozen=True, slots=True)
class Resolving(Event):
    """Work on one target's pins began; it is number `number` of `targets` in this run."""

    target: str
    number: int = 1
    targets: int = 1


@dataclass(frozen=True, slots=True)
class Resolved(Event):
    """One target's pins are settled; `reused` where they were taken from a lock that stood already."""

    target: str
    projects: int
    reused: bool


@dataclass(frozen=True, slots=True)
class Waiting(Event):
    """A page or file is being asked for. `expected` is its size in bytes, where known."""

    subject: str
    expected: int | None = None


@dataclass(frozen=True, slots=True)
class Received(Event):
    """So many bytes more of it arrived."""

    subject: str
    count: int


@dataclass(frozen=True, slots=True)
class Finished(Event):
    """It is here and checked; `reused` where it came from the cache or stood in the house already."""

    subject: str
    reused: bool = False


@dataclass(frozen=True, slots=True)
class Retrying(Event):
    """An attempt failed, and another follows after `seconds`."""

    subject: str
    reason: str
    seconds: float


@dataclass(frozen=True, slots=True)
class Built(Event):
    """A wheel was made of an sdist, in so many seconds; `reused` where it had been made before."""

    sdist: str
    wheel: str
    seconds: float
    reused: bool = False


@dataclass(frozen=True, slots=True)
class Warned(Event):
    """Something the user should know, which stops nothing."""

    sentence: str


@dataclass(frozen=True, slots=True)
class Noted(Event):
    """Something that was decided, and that the user may want to know."""

    sentence: str


Listener = Callable[[Event], None]


def ignore(_event: Event) -> None:
    """The listener that shows nothing."""
