"""The rules of `vet`: one function each, its name the id that users see and waive, its docstring what `--explain` says (pure).

A rule looks at one file's `Facts` in the `Review` of its whole house, and yields a remark for whatever a reviewer should see.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from functools import cached_property
from typing import Protocol

from packaging.utils import NormalizedName, canonicalize_name

from wheelhouse.findings import Finding, Policy, Severity
from wheelhouse.vet.advisories import Advisories
from wheelhouse.vet.approvals import NOBODYS, Approvals
from wheelhouse.vet.facts import Facts

Remark = tuple[str, str]
"""A sentence, and what to do about it."""


@dataclass(frozen=True)
class Review:
    """A house under review: all its files' facts, the policy, the clock, and what was known before.

    `place` is where in another house it lies, as `tools/`; empty for the outer one. `publishers` are those that were seen
    before, by project; `trusted_since` is when the newest key of the trust root came into use, None where nothing was checked.
    """

    facts: tuple[Facts, ...]
    policy: Policy
    now: datetime
    advisories: Advisories | None = None
    place: str = ""
    publishers: Mapping[NormalizedName, tuple[str, ...]] = field(default_factory=dict)
    trusted_since: datetime | None = None
    approvals: Approvals = NOBODYS

    @cached_property
    def at_place(self) -> Mapping[str, list[Facts]]:
        """The distributions that install a file at a place, for each place where several do."""
        found: dict[str, list[Facts]] = {}
        for facts in self.facts:
            for path in facts.installs:
                found.setdefault(path, []).append(facts)
        return {path: those for path, those in found.items() if len(those) > 1}

    @cached_property
    def owners(self) -> Mapping[str, frozenset[NormalizedName]]:
        """The projects that a top-level module or package belongs to: they bring its `__init__.py`, or have its name."""
        found: dict[str, set[NormalizedName]] = {}
        for facts in self.facts:
            for path in facts.installs:
                top, _, rest = path.partition("/")
                if rest == "__init__.py" or (not rest and top.endswith(".py")):
                    found.setdefault(top.removesuffix(".py"), set()).add(facts.project)
                elif rest and canonicalize_name(top) == facts.project:
                    found.setdefault(top, set()).add(facts.project)
        return {top: frozenset(projects) for top, projects in found.items()}

    @cached_property
    def libraries(self) -> frozenset[str]:
        """The names of all native libraries in the house."""
        return frozenset(
            entry.name.rpartition("/")[2] for facts in self.facts for entry in facts.entries if entry.kind == "elf"
        )


class Check(Protocol):
    """What a rule's function looks like."""

    def __call__(self, facts: Facts, review: Review) -> Iterator[Remark]: ...


class WheelhouseCheck(Protocol):
    """What the function of a rule about the whole house looks like."""

    def __call__(self, review: Review) -> Iterator[Remark]: ...


@dataclass(frozen=True, slots=True)
class Rule:
    """One rule: its id, the severity that it has unless the policy says another, and its function, about a file or a house.

    One that is not `waivable` refuses a file for good.
    """

    id: str
    group: str
    severity: Severity
    check: Check | None
    house_check: WheelhouseCheck | None
    explanation: str
    waivable: bool = True

    @property
    def title(self) -> str:
        """The explanation's first sentence."""
        return self.explanation.partition("\n")[0]


WHEELHOUSE_SUBJECT = "house"
"""The subject of findings about the house as a whole."""

RULES: dict[str, Rule] = {}
"""Every rule by its id, in reading order: as the modules of this room define them."""


def rule(severity: Severity) -> Callable[[Check], Check]:
    """Make a function a rule of its module's group."""

    def made(check: Check) -> Check:
        _register(check, severity, check, None)
        return check

    return made


def wheelhouse_rule(severity: Severity) -> Callable[[WheelhouseCheck], WheelhouseCheck]:
    """Make a function a rule about the whole house."""

    def made(check: WheelhouseCheck) -> WheelhouseCheck:
        _register(check, severity, None, check)
        return check

    return made


def _register(function: object, severity: Severity, check: Check | None, house_check: WheelhouseCheck | None) -> None:
    identifier = getattr(function, "__name__", "").replace("_", "-")
    group = function.__module__.rpartition(".")[2]
    RULES[identifier] = Rule(identifier, group, severity, check, house_check, _dedented(function.__doc__ or ""))


def named(things: Iterable[str], most: int = 5, mark: str = "`") -> str:
    """Things in a sentence: the first few, and how many more there are."""
    every = list(things)
    shown = ", ".join(f"{mark}{one}{mark}" for one in every[:most])
    return f"{shown} and {len(every) - most} more" if len(every) > most else shown


def _dedented(text: str) -> str:
    return "\n".join(line.strip() for line in text.strip().splitlines())


def told_by_verify(severity: Severity, explanations: Mapping[str, str], *, waivable: bool = True) -> None:
    """List rules that `verify` applies while it opens the files: ids with their explanations."""
    for identifier, explanation in explanations.items():
        RULES[identifier] = Rule(identifier, "integrity", severity, None, None, explanation, waivable)


def weighed(findings: Iterable[Finding], policy: Policy) -> Iterator[Finding]:
    """Findings with the severities that the policy wants; without those whose rule is off."""
    for finding in findings:
        severity = policy.severity_of(finding.rule, finding.severity)
        if severity is not None:
            yield replace(finding, severity=severity)


def review_findings(review: Review) -> Iterator[Finding]:
    """What all rules have to say of a house and each of its files."""
    for one in RULES.values():
        severity = review.policy.severity_of(one.id, one.severity)
        if severity is not None:
            for subject, (sentence, hint) in _remarks(one, review):
                yield Finding(subject, one.id, severity, sentence, hint)


def _remarks(rule: Rule, review: Review) -> Iterator[tuple[str, Remark]]:
    if rule.check:
        for facts in review.facts:
            yield from ((facts.subject, remark) for remark in rule.check(facts, review))
    if rule.house_check and not review.place:
        yield from ((WHEELHOUSE_SUBJECT, remark) for remark in rule.house_check(review))
