"""The rules of `vet`. A rule is a function: its name is the id that users see and waive, its docstring is what `--explain` prints (pure).

A rule takes the `Facts` of one file and the `Review` of its wheelhouse. It yields an observation, the facts of a finding, for
each thing that a reviewer must see. The sentences are in `wheelhouse.report.sentences`.
"""

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from functools import cached_property
from typing import Protocol

from packaging.utils import NormalizedName, canonicalize_name
from packaging.version import Version

from wheelhouse.findings import WHEELHOUSE_SUBJECT, Finding, Observation, Policy, Severity
from wheelhouse.vet.advisories import Advisories
from wheelhouse.vet.approvals import NO_APPROVALS, Approvals
from wheelhouse.vet.approved_releases import ApprovedReleases
from wheelhouse.vet.capabilities import Earlier
from wheelhouse.vet.facts import Facts
from wheelhouse.vet.known_projects import NO_KNOWN_PROJECTS, KnownProjects
from wheelhouse.vet.places import START_MODULE
from wheelhouse.vet.threats import NO_THREATS, Threats


@dataclass(frozen=True)
class Review:
    """A wheelhouse under review: the facts of its files, the policy, the time, and what is known from before.

    `place` is the folder of a wheelhouse inside another one, as `tools/`; empty for the outer one. `publishers` has the
    publishers that were seen before, by project. `trusted_since` is when the newest key of the trust root came into use; None if
    no attestation was checked. `known` are the much used projects that names are compared with. `earlier` has, by subject, the
    releases that files replace, if an earlier wheelhouse is given. `threats` is what is known about the use of vulnerabilities.
    `inner` are the files of the wheelhouses inside this one.
    """

    facts: tuple[Facts, ...]
    policy: Policy
    now: datetime
    advisories: Advisories | None = None
    place: str = ""
    publishers: Mapping[NormalizedName, tuple[str, ...]] = field(default_factory=dict)
    trusted_since: datetime | None = None
    approvals: Approvals = NO_APPROVALS
    known: KnownProjects = NO_KNOWN_PROJECTS
    earlier: Mapping[str, Earlier] = field(default_factory=dict)
    threats: Threats = NO_THREATS
    inner: tuple[Facts, ...] = ()

    @cached_property
    def approved_releases(self) -> ApprovedReleases:
        """What was approved before, by project. Made once."""
        return ApprovedReleases(self.approvals)

    def before(self, facts: Facts) -> Earlier | None:
        """The release with which `new-capability` compares a file; None if there is none.

        It is the release that the file replaces in the earlier wheelhouse. Else it is the release of the project that
        was approved before, but not if the file itself is approved, or if nobody saw what that release could do.
        """
        sha256 = facts.pin.artifact.sha256
        if facts.subject in self.earlier or self.approvals.approved(sha256):
            return self.earlier.get(facts.subject)
        release = self.approved_releases.before(facts.project, facts.version, sha256)
        if release is None or release.capabilities is None:
            return None
        return Earlier(str(release.version), release.capabilities)

    def sdist_of(self, facts: Facts) -> Facts | None:
        """The sdist of the release that a wheel is of; None if the wheelhouse does not have it, and for an sdist."""
        is_wheel = facts.pin.artifact.is_wheel
        return self._sdists.get((facts.project, facts.version)) if is_wheel else None

    @cached_property
    def _sdists(self) -> Mapping[tuple[NormalizedName, Version], Facts]:
        """The sdists of the wheelhouse by project and version; of several for one release, the last."""
        return {(one.project, one.version): one for one in self.facts if not one.pin.artifact.is_wheel}

    @cached_property
    def shared_paths(self) -> Mapping[str, list[Facts]]:
        """The installed paths that at least two files have, each with these files. Two files of one project count, too."""
        return _shared(self.facts, lambda facts: facts.installs)

    @cached_property
    def shared_commands(self) -> Mapping[str, list[Facts]]:
        """The commands that at least two files install, each with these files. Two files of one project count, too."""
        return _shared(self.facts, lambda facts: facts.commands)

    @cached_property
    def module_installers(self) -> Mapping[str, list[Facts]]:
        """The modules at the top of site-packages that at least two files install, each with these files.

        Namespace packages, and two files of one project, count, too.
        """
        return _shared(self.facts, lambda facts: facts.top_modules)

    @cached_property
    def start_modules(self) -> Mapping[str, str]:
        """The installed sitecustomize and usercustomize modules by path, each with its folder; those at the top are left out."""
        matches = (START_MODULE.fullmatch(path) for facts in self.facts for path in facts.installs)
        return {match[0]: match["folder"] for match in matches if match and match["folder"]}

    @cached_property
    def owners(self) -> Mapping[str, frozenset[NormalizedName]]:
        """The top-level modules and packages by name, each with the projects that own it.

        A project owns what it installs as `name.py` or as `name/__init__.py`, and a folder of its own name. An
        `__init__.py` that declares a namespace makes nobody an owner.
        """
        owners: dict[str, set[NormalizedName]] = {}
        for facts in self.facts:
            for path in facts.installs:
                top, _, rest = path.partition("/")
                if declares_namespace(facts, path):
                    continue
                if rest == "__init__.py" or (not rest and top.endswith(".py")):
                    owners.setdefault(top.removesuffix(".py"), set()).add(facts.project)
                elif rest and canonicalize_name(top) == facts.project:
                    owners.setdefault(top, set()).add(facts.project)
        return {top: frozenset(projects) for top, projects in owners.items()}

    @cached_property
    def libraries(self) -> frozenset[str]:
        """The file names, without folders, of all ELF files in the wheelhouse: libraries and programs."""
        return frozenset(
            entry.name.rpartition("/")[2] for facts in self.facts for entry in facts.entries if entry.kind == "elf"
        )


def declares_namespace(facts: Facts, path: str) -> bool:
    """Whether `path` is the installed `__init__.py` of a top-level package that says that other distributions share it.

    That was the way before PEP 420: `pkg_resources.declare_namespace`, or `pkgutil.extend_path`. False for deeper packages:
    their texts are not kept.
    """
    entry = facts.installs.get(path)
    text = facts.texts.get(entry.name) if entry and path.endswith("/__init__.py") else None
    return bool(text and NAMESPACE.search(text))


def _shared(files: Iterable[Facts], names_of: Callable[[Facts], Iterable[str]]) -> dict[str, list[Facts]]:
    """The names that at least two files have, each with these files. `names_of` gives the names of one file."""
    sharing: dict[str, list[Facts]] = {}
    for facts in files:
        for name in names_of(facts):
            sharing.setdefault(name, []).append(facts)
    return {name: having for name, having in sharing.items() if len(having) > 1}


NAMESPACE = re.compile(r"\bdeclare_namespace\(|\bextend_path\(")


class Check(Protocol):
    """The function of a rule about one file."""

    def __call__(self, facts: Facts, review: Review) -> Iterator[Observation]: ...


class WheelhouseCheck(Protocol):
    """The function of a rule about the whole wheelhouse."""

    def __call__(self, review: Review) -> Iterator[Observation]: ...


@dataclass(frozen=True, slots=True)
class Rule:
    """One rule: its id, its severity unless the policy has another, and its function, about a file or a wheelhouse.

    A rule without a function is checked by `verify`, or is about the policy. A file that a rule refuses which is not `waivable`
    stays refused. `by_sha256` if only a waiver that names the file's sha256 counts.
    """

    id: str
    group: str
    severity: Severity
    check: Check | None
    wheelhouse_check: WheelhouseCheck | None
    explanation: str
    waivable: bool = True
    by_sha256: bool = False

    @property
    def title(self) -> str:
        """The first line of the explanation."""
        return self.explanation.partition("\n")[0]


RULES: dict[str, Rule] = {}
"""Every rule by its id, in the order in which the modules of this package define them."""


def rule(severity: Severity, *, by_sha256: bool = False) -> Callable[[Check], Check]:
    """Decorator: register a function in `RULES` as a rule about one file, in the group of its module. `by_sha256` as in `Rule`."""

    def register(check: Check) -> Check:
        """Register the function, and return it unchanged."""
        _register(check, severity, check, None, by_sha256=by_sha256)
        return check

    return register


def wheelhouse_rule(severity: Severity) -> Callable[[WheelhouseCheck], WheelhouseCheck]:
    """Decorator: register a function in `RULES` as a rule about the whole wheelhouse, in the group of its module."""

    def register(check: WheelhouseCheck) -> WheelhouseCheck:
        """Register the function, and return it unchanged."""
        _register(check, severity, None, check)
        return check

    return register


def _register(
    function: Callable[..., object],
    severity: Severity,
    check: Check | None,
    whole: WheelhouseCheck | None,
    *,
    by_sha256: bool = False,
) -> None:
    """Add a rule to `RULES`, in place of one with the same id.

    Its id is the function's name with `-` for `_`, its group the name of the module, its explanation the docstring.
    """
    identifier = function.__name__.replace("_", "-")
    group = function.__module__.rpartition(".")[2]
    RULES[identifier] = Rule(
        identifier, group, severity, check, whole, _dedented(f"{function.__doc__}"), by_sha256=by_sha256
    )


def _dedented(text: str) -> str:
    """The text without the blanks at both ends of each line, and without empty lines at its start and end."""
    return "\n".join(line.strip() for line in text.strip().splitlines())


def checked_elsewhere(
    severity: Severity, explanations: Mapping[str, str], *, group: str = "integrity", waivable: bool = True
) -> None:
    """Register in `RULES` rules that have no function here, from ids and explanations. `verify` checks most of them."""
    for identifier, explanation in explanations.items():
        RULES[identifier] = Rule(identifier, group, severity, None, None, explanation, waivable)


def weighed(findings: Iterable[Finding], policy: Policy) -> Iterator[Finding]:
    """The findings with the severities that the policy gives to their rules, else their own; without those whose rule is off."""
    for finding in findings:
        severity = policy.severity_of(finding.rule, finding.severity)
        if severity is not None:
            yield replace(finding, severity=severity)


def review_findings(review: Review) -> Iterator[Finding]:
    """The findings of all rules that the policy does not turn off, rule by rule: on each file, and on the wheelhouse.

    A severity of the policy counts first, then that of the observation, then that of the rule.
    """
    for one in RULES.values():
        severity = review.policy.severity_of(one.id, one.severity)
        if severity is not None:
            for subject, observation in _observations(one, review):
                weight = severity if one.id in review.policy.severities else observation.severity or severity
                yield Finding(subject, one.id, weight, facts=observation.facts, context=observation.context)


def _observations(rule: Rule, review: Review) -> Iterator[tuple[str, Observation]]:
    """The observations of a rule, each with its subject: the file's, or that of the wheelhouse.

    A rule about the whole wheelhouse is applied to the outer one only.
    """
    if rule.check:
        for facts in review.facts:
            yield from ((facts.subject, observation) for observation in rule.check(facts, review))
    if rule.wheelhouse_check and not review.place:
        yield from ((WHEELHOUSE_SUBJECT, observation) for observation in rule.wheelhouse_check(review))
