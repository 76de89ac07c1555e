"""Look a house over for whoever must say yes: every rule on every file, the policy applied, nothing asked of any server."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from itertools import chain
from pathlib import Path

from packaging.utils import NormalizedName

import wheelhouse.vet.rules.integrity
import wheelhouse.vet.rules.licensing
import wheelhouse.vet.rules.native
import wheelhouse.vet.rules.origin
import wheelhouse.vet.rules.placement
import wheelhouse.vet.rules.running
import wheelhouse.vet.rules.vulnerabilities  # noqa: F401  (importing them registers their rules)
from wheelhouse.archive.compressed import outward_members
from wheelhouse.archive.metadata import InspectedFile
from wheelhouse.archive.waivers import Subject, Waivers
from wheelhouse.errors import InputError
from wheelhouse.events import Listener, ignore
from wheelhouse.findings import Finding, Policy
from wheelhouse.lock.lock import Pin, provenance_filename
from wheelhouse.lock.other_files import FOLDER, TARS
from wheelhouse.lock.wheelhouse import Wheelhouse
from wheelhouse.verify.verify import Verdict, verify
from wheelhouse.verify.verify_other_files import load_other_files
from wheelhouse.vet.advisories import Advisories
from wheelhouse.vet.approvals import NO_APPROVALS, Approvals
from wheelhouse.vet.attestations import Attestor
from wheelhouse.vet.facts import Facts, Inside
from wheelhouse.vet.facts_reader import look_inside
from wheelhouse.vet.rules import RULES, Review, review_findings, weighed
from wheelhouse.vet.rules.image_files import other_file_findings

__all__ = ["RULES", "Vetted", "vet"]


Attestors = Callable[[], Attestor | None]


@dataclass(frozen=True, slots=True)
class Vetted:
    """What vetting found in a house and in those inside it, by their place. `waived` findings, which a waiver covers, weigh nothing.

    `publishers` are those of projects that no publisher was known of before, attested by signatures that hold.
    """

    houses: Mapping[str, Wheelhouse]
    facts: tuple[Facts, ...]
    findings: tuple[Finding, ...]
    waived: tuple[Finding, ...]
    publishers: Mapping[NormalizedName, tuple[str, ...]]


@dataclass(frozen=True, slots=True)
class VetContext:
    """What is known before anything is looked at, and how to open what checks attestations."""

    advisories: Advisories | None = None
    publishers: Mapping[NormalizedName, tuple[str, ...]] = field(default_factory=dict)
    attestors: Attestors = lambda: None
    approvals: Approvals = NO_APPROVALS


NOTHING = VetContext()


def vet(
    folder: Path, policy: Policy, now: datetime, known: VetContext = NOTHING, on_event: Listener = ignore
) -> Vetted:
    """Verify a house and apply every rule to every file of it, each opened once; and so to the houses in it.

    Raises InputError where the policy speaks of a rule that there is not.
    """
    _must_be_known(policy)
    inside: dict[str, Inside] = {}

    def read(path: Path, filename: str) -> InspectedFile:
        contents, inside[path.relative_to(folder).as_posix()] = look_inside(path, filename)
        return contents

    verdict = verify(folder, read=read, on_event=on_event)
    places = {"": verdict, **{f"{name}/": inner for name, inner in verdict.inner.items()}}
    every = {place: _facts(place, found, inside) for place, found in places.items()}
    attestor = known.attestors() if any(one.provenance for facts in every.values() for one in facts) else None
    reviews = [
        Review(
            tuple(_attested(one, attestor) for one in facts),
            policy,
            now,
            known.advisories,
            place,
            known.publishers,
            attestor.since if attestor else None,
            known.approvals,
        )
        for place, facts in every.items()
    ]
    told = (*verdict.findings, *_other_files(folder))
    found = chain(weighed(told, policy), *(review_findings(review) for review in reviews))
    facts = tuple(one for review in reviews for one in review.facts)
    standing, waived = _waive(set(found), {one.subject: one.pin for one in facts}, policy, now)
    houses = {place: one.house for place, one in places.items()}
    return Vetted(houses, facts, tuple(sorted(standing)), tuple(sorted(waived)), _first_seen(facts, known))


def _attested(facts: Facts, attestor: Attestor | None) -> Facts:
    if attestor is None or facts.provenance is None:
        return facts
    origin = facts.pin.origin
    return replace(facts, attested=attestor(facts.provenance, origin.filename, origin.sha256))


def _first_seen(facts: Iterable[Facts], known: VetContext) -> dict[NormalizedName, tuple[str, ...]]:
    found: dict[NormalizedName, set[str]] = {}
    for one in facts:
        if one.attested and not one.attested.refused and one.project not in known.publishers:
            found.setdefault(one.project, set()).update(one.attested.publishers)
    return {project: tuple(sorted(publishers)) for project, publishers in sorted(found.items())}


def _other_files(house: Path) -> Iterator[Finding]:
    for file in load_other_files(house).files:
        path = house / FOLDER / file.name
        is_tar = file.name.endswith(TARS) and path.is_file() and not path.is_symlink()
        yield from other_file_findings(file, outward_members(path) if is_tar else ())


def _must_be_known(policy: Policy) -> None:
    named = {*policy.severities, *(waiver.rule for waiver in policy.waivers)}
    if unknown := sorted(named - RULES.keys()):
        raise InputError(
            f"the policy names rules that there are not: {', '.join(unknown)}", hint="see `wheelhouse rules`"
        )
    if never := sorted({waiver.rule for waiver in policy.waivers if not RULES[waiver.rule].waivable}):
        raise InputError(
            f"the policy waives what nobody can waive: {', '.join(never)}",
            hint="remove the waiver: a file that such a rule refuses is not what it must be, or is read differently by different readers",
        )


def _facts(place: str, verdict: Verdict, inside: Mapping[str, Inside]) -> tuple[Facts, ...]:
    pins: dict[str, Pin] = {}
    targets: dict[str, list[str]] = {}
    for lock in verdict.house.locks:
        for pin in lock.pins:
            for file in pin.files:
                pins[file.filename] = pin if file is pin.artifact else replace(pin, artifact=file, built=None)
                targets.setdefault(file.filename, []).append(lock.name)
    return tuple(
        Facts(
            pin,
            tuple(targets[name]),
            place,
            verdict.contents.get(name),
            inside.get(place + name, Inside()),
            verdict.house.provenance.get(provenance_filename(pin)) if pin.provenance else None,
        )
        for name, pin in sorted(pins.items())
    )


def _waive(
    findings: Iterable[Finding], pins: dict[str, Pin], policy: Policy, now: datetime
) -> tuple[list[Finding], list[Finding]]:
    """Findings that stand, and those that a waiver covers; a waiver that has run out is a finding itself."""
    waivers = Waivers(policy.waivers, now.date())
    standing: list[Finding] = []
    waived: list[Finding] = []
    for finding in findings:
        if pin := pins.get(finding.subject):
            subject = Subject(finding.subject, pin.project, pin.artifact.sha256)
            stands, covered = waivers.split([finding], subject)
            standing += stands
            waived += covered
        else:
            standing.append(finding)
    return standing, waived
