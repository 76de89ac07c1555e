"""The rules of `vet`: one function each, its name the id that users see and waive, its docstring what `--explain` says (pure).

A rule looks at one file's `Facts` in the `Review` of its whole house, and yields a remark for whatever a reviewer should see.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from wheelhouse.model.advisories import Advisories
from wheelhouse.model.facts import Facts
from wheelhouse.model.policy import Finding, Policy, Severity

Remark = tuple[str, str]
"""A sentence, and what to do about it."""


@dataclass(frozen=True, slots=True)
class Review:
    """A house under review: all its files' facts, the policy, the clock, and what was known before."""

    facts: tuple[Facts, ...]
    policy: Policy
    now: datetime
    advisories: Advisories | None = None


class Check(Protocol):
    """What a rule's function looks like."""

    def __call__(self, facts: Facts, review: Review) -> Iterator[Remark]: ...


class HouseCheck(Protocol):
    """What the function of a rule about the whole house looks like."""

    def __call__(self, review: Review) -> Iterator[Remark]: ...


@dataclass(frozen=True, slots=True)
class Rule:
    """One rule: its id, the severity that it has unless the policy says another, and its function, about a file or a house."""

    id: str
    group: str
    severity: Severity
    check: Check | None
    house_check: HouseCheck | None
    explanation: str

    @property
    def title(self) -> str:
        """The explanation's first sentence."""
        return self.explanation.partition("\n")[0]


HOUSE = "house"
"""The subject of findings about the house as a whole."""

RULES: dict[str, Rule] = {}
"""Every rule by its id, in reading order: as the modules of this room define them."""


def rule(severity: Severity) -> Callable[[Check], Check]:
    """Make a function a rule of its module's group."""

    def made(check: Check) -> Check:
        _register(check, severity, check, None)
        return check

    return made


def house_rule(severity: Severity) -> Callable[[HouseCheck], HouseCheck]:
    """Make a function a rule about the whole house."""

    def made(check: HouseCheck) -> HouseCheck:
        _register(check, severity, None, check)
        return check

    return made


def _register(function: object, severity: Severity, check: Check | None, house_check: HouseCheck | None) -> None:
    identifier = getattr(function, "__name__", "").replace("_", "-")
    group = function.__module__.rpartition(".")[2]
    RULES[identifier] = Rule(identifier, group, severity, check, house_check, _dedented(function.__doc__ or ""))


def _dedented(text: str) -> str:
    return "\n".join(line.strip() for line in text.strip().splitlines())


def findings_of(facts: Facts, review: Review) -> Iterator[Finding]:
    """What all rules have to say of one file, with the severities that the policy wants."""
    yield from facts.findings
    for one in RULES.values():
        severity = review.policy.severity_of(one.id, one.severity)
        if severity is not None and one.check:
            for sentence, hint in one.check(facts, review):
                yield Finding(facts.filename, one.id, severity, sentence, hint)


def house_findings(review: Review) -> Iterator[Finding]:
    """What the rules about the whole house have to say."""
    for one in RULES.values():
        severity = review.policy.severity_of(one.id, one.severity)
        if severity is not None and one.house_check:
            for sentence, hint in one.house_check(review):
                yield Finding(HOUSE, one.id, severity, sentence, hint)
