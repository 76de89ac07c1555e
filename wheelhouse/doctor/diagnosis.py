"""One result of `doctor`: what was looked at, how it is, and the facts (pure)."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

FactValue = str | int | bool | tuple[str, ...]


class State(StrEnum):
    """How a thing is. MISSING hinders only the commands that need the thing; BROKEN is set up, and does not work."""

    GOOD = "good"
    MISSING = "missing"
    BROKEN = "broken"


class Topic(StrEnum):
    """What was looked at."""

    PYTHON = "python"
    FOLDER = "folder"
    """The cache, the folder for temporary files, the folder that the command runs in."""
    INDEX = "index"
    PROXY = "proxy"
    CLOCK = "clock"
    SANDBOX = "sandbox"
    ENGINE = "engine"
    INTERPRETER = "interpreter"
    EXTRA = "extra"
    KEYRING = "keyring"
    AGENT = "ssh-agent"
    PROGRAM = "program"


@dataclass(frozen=True, slots=True)
class Check:
    """One result. `name` tells several of one topic apart; `report` makes the sentence and the remedy of the facts."""

    topic: Topic
    name: str
    state: State
    facts: Mapping[str, FactValue] = field(default_factory=dict)
