"""Progress events, which a listener may show: the library itself prints nothing (pure)."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from wheelhouse.findings import Finding


@dataclass(frozen=True, slots=True)
class Event:
    """The base of all events."""


@dataclass(frozen=True, slots=True)
class Resolving(Event):
    """The resolution of one target began: number `number` of `targets` in this run."""

    target: str
    number: int = 1
    targets: int = 1


@dataclass(frozen=True, slots=True)
class Resolved(Event):
    """One target is resolved; `reused` if its pins come from the existing lock file."""

    target: str
    projects: int
    reused: bool


@dataclass(frozen=True, slots=True)
class Searching(Event):
    """The search for a solution goes on: the project that it tries now, its conflicts so far, the two that conflict most often."""

    project: str
    conflicts: int
    most_frequent: tuple[str, str] | None = None


@dataclass(frozen=True, slots=True)
class Waiting(Event):
    """A page or file was requested. `expected` is its size in bytes, if known."""

    subject: str
    expected: int | None = None


@dataclass(frozen=True, slots=True)
class Received(Event):
    """`count` more bytes of it arrived."""

    subject: str
    count: int


@dataclass(frozen=True, slots=True)
class Finished(Event):
    """The work on a file or project is done; `reused` if it came from the cache or was already in the wheelhouse."""

    subject: str
    reused: bool = False


@dataclass(frozen=True, slots=True)
class Answered(Event):
    """A server answered a request with a status, after `seconds`; the URL is without credentials."""

    url: str
    status: int
    seconds: float


@dataclass(frozen=True, slots=True)
class Retrying(Event):
    """An attempt failed; the next one starts after `seconds`."""

    subject: str
    reason: str
    seconds: float


@dataclass(frozen=True, slots=True)
class Built(Event):
    """An sdist was built into a wheel in `seconds`; `reused` if the wheel comes from an earlier build."""

    sdist: str
    wheel: str
    seconds: float
    reused: bool = False


@dataclass(frozen=True, slots=True)
class Warned(Event):
    """A warning. The run continues."""

    sentence: str


@dataclass(frozen=True, slots=True)
class Found(Event):
    """A finding on a file, which stops nothing."""

    finding: "Finding"


@dataclass(frozen=True, slots=True)
class Noted(Event):
    """A note about a decision of wheelhouse."""

    sentence: str


Listener = Callable[[Event], None]


def ignore(_event: Event) -> None:
    """The listener that does nothing."""
