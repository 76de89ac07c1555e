"""Vet a wheelhouse: apply every rule to every file, then the policy and its waivers. No server is asked."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import closing
from dataclasses import dataclass, field, replace
from datetime import datetime
from itertools import chain
from pathlib import Path

from packaging.utils import NormalizedName

import wheelhouse.vet.rules.abilities
import wheelhouse.vet.rules.hiding
import wheelhouse.vet.rules.importing
import wheelhouse.vet.rules.integrity
import wheelhouse.vet.rules.licensing
import wheelhouse.vet.rules.naming
import wheelhouse.vet.rules.native
import wheelhouse.vet.rules.origin
import wheelhouse.vet.rules.placement
import wheelhouse.vet.rules.plugins
import wheelhouse.vet.rules.running
import wheelhouse.vet.rules.scripts
import wheelhouse.vet.rules.startup
import wheelhouse.vet.rules.tooling
import wheelhouse.vet.rules.vulnerabilities  # noqa: F401  (importing them registers their rules)
from wheelhouse.archive.artifact import Artifact
from wheelhouse.archive.compressed import outward_members
from wheelhouse.archive.metadata import InspectedFile
from wheelhouse.errors import InputError
from wheelhouse.events import Listener, ignore
from wheelhouse.files.store import Store
from wheelhouse.findings import Finding, Policy
from wheelhouse.lock.lock import Pin, provenance_filename
from wheelhouse.lock.other_files import FOLDER, TARS
from wheelhouse.lock.wheelhouse import Wheelhouse
from wheelhouse.verify.verify import Verdict, verify
from wheelhouse.verify.verify_other_files import load_base_images, load_debian, load_other_files
from wheelhouse.vet.advisories import Advisories
from wheelhouse.vet.approvals import NO_APPROVALS, Approvals
from wheelhouse.vet.attestations import Attestor
from wheelhouse.vet.compare import diff
from wheelhouse.vet.deb_licences import deb_licences
from wheelhouse.vet.diff import Replaced
from wheelhouse.vet.facts import Facts, Inside
from wheelhouse.vet.file_reader import FileReader
from wheelhouse.vet.image_packages import ImagePackages
from wheelhouse.vet.image_reader import image_packages
from wheelhouse.vet.known_projects_file import read_known_projects
from wheelhouse.vet.remote_reader import RemoteReader
from wheelhouse.vet.rules import RULES, Review, review_findings, weighed
from wheelhouse.vet.rules.debian_licences import deb_licence_findings
from wheelhouse.vet.rules.debian_packages import debian_findings, image_findings
from wheelhouse.vet.rules.image_files import other_file_findings
from wheelhouse.vet.rules.policy_rules import apply_waivers
from wheelhouse.vet.threats import NO_THREATS, Threats
from wheelhouse.vet.vex import VexStatement, apply_vex

__all__ = ["RULES", "Vetted", "vet"]


Attestors = Callable[[], Attestor | None]
"""Opens what checks attestations; None if it is not installed."""


@dataclass(frozen=True, slots=True)
class Vetted:
    """The findings on a wheelhouse and those inside it, by place. `waived` are the findings that a waiver or a VEX statement covers.

    `publishers` are those of projects whose publisher was not known before; their attestations are valid. `replaced` says, by
    subject, what changed inside files since the earlier wheelhouse of the context. `deb_licences` are those of Debian packages, by
    place, if the policy names licences or the context asks for them, `image_packages` what is installed in base images.
    """

    wheelhouses: Mapping[str, Wheelhouse]
    facts: tuple[Facts, ...]
    findings: tuple[Finding, ...]
    waived: tuple[Finding, ...]
    publishers: Mapping[NormalizedName, tuple[str, ...]]
    replaced: Mapping[str, Replaced] = field(default_factory=dict)
    deb_licences: Mapping[str, str] = field(default_factory=dict)
    image_packages: tuple[ImagePackages, ...] = ()


@dataclass(frozen=True, slots=True)
class VetContext:
    """What is known before the files are read, and how to open what checks attestations.

    `since` is an earlier wheelhouse; with `with_texts`, the texts of members that run are compared with it. `notes` is where what
    was read of each file is kept for later runs. `threats` and `vex` are what others say of vulnerabilities. With
    `with_deb_licences`, the copyright files of Debian packages are read. `remote` reads the files.
    """

    advisories: Advisories | None = None
    publishers: Mapping[NormalizedName, tuple[str, ...]] = field(default_factory=dict)
    attestors: Attestors = lambda: None
    approvals: Approvals = NO_APPROVALS
    since: Path | None = None
    with_texts: bool = False
    notes: Store | None = None
    threats: Threats = NO_THREATS
    vex: tuple[VexStatement, ...] = ()
    with_deb_licences: bool = False
    remote: RemoteReader | None = None


EMPTY_CONTEXT = VetContext()


def vet(
    folder: Path, policy: Policy, now: datetime, context: VetContext = EMPTY_CONTEXT, on_event: Listener = ignore
) -> Vetted:
    """Verify a wheelhouse and those inside it, apply every rule to what they hold, then waivers and VEX statements.

    The rules use what `verify` read of each file. Findings are sorted. Raises InputError if the policy names a rule that does not
    exist, waives one that cannot be waived, or waives one without the sha256 that it needs, and if a folder is no
    wheelhouse. Raises IntegrityError if two locks of a wheelhouse name one file with two hashes, and, with `since`, for a
    replaced file that is not what its lock says, or cannot be opened.
    """
    must_name_rules(policy)
    _must_be_waivable(policy)
    inside: dict[str, Inside] = {}

    with closing(FileReader(context.notes, context.remote, on_event)) as reader:

        def read(path: Path, artifact: Artifact) -> InspectedFile:
            """Read a file for `verify`, and keep what is inside it by its path in the wheelhouse."""
            contents, inside[path.relative_to(folder).as_posix()] = reader.read(path, artifact)
            return contents

        verdict = verify(
            folder, read=read, on_event=on_event, threads=context.remote.threads if context.remote else None
        )
    verdicts = {"": verdict, **{f"{name}/": inner for name, inner in verdict.inner.items()}}
    by_place = {place: _facts(place, one, inside) for place, one in verdicts.items()}
    replaced = _replaced(folder, by_place, context, on_event)
    reviews = _reviews(by_place, policy, now, context, replaced)
    debian = load_debian(folder)
    names_licences = bool(policy.licences_denied or policy.licences_allowed)
    on_debian = debian_findings(debian, context.advisories, context.threats)
    images = tuple(image_packages(folder, image, context.notes) for image in load_base_images(folder).images)
    licences: dict[str, str] = {}
    if context.with_deb_licences or names_licences:
        installed = {package.name: package.licence for image in images for package in image.packages}
        licences = deb_licences(folder, debian, context.notes, installed)
    on_images = (finding for image in images for finding in image_findings(image, context.advisories, context.threats))
    on_licences = deb_licence_findings(debian, licences, policy, images)
    verified = (*verdict.findings, *_other_files(folder), *on_debian, *on_images, *on_licences)
    findings = chain(weighed(verified, policy), *(review_findings(review) for review in reviews))
    facts = tuple(one for review in reviews for one in review.facts)
    weighted = apply_waivers(set(findings), {one.subject: one.pin for one in facts}, policy, now.date())
    analysed = apply_vex(weighted.remaining, {one.subject: one.pin for one in facts}, context.vex)
    wheelhouses = {place: one.wheelhouse for place, one in verdicts.items()}
    return Vetted(
        wheelhouses,
        facts,
        tuple(sorted(analysed.remaining)),
        tuple(sorted((*weighted.waived, *analysed.settled))),
        _new_publishers(facts, context),
        replaced,
        licences,
        images,
    )


def _replaced(
    folder: Path, by_place: Mapping[str, tuple[Facts, ...]], context: VetContext, on_event: Listener
) -> dict[str, Replaced]:
    """Each new or changed file that could be opened, with what changed inside it since the earlier wheelhouse, by subject.

    Empty if the context names no earlier wheelhouse.
    """
    if context.since is None:
        return {}
    facts = {one.subject: one for facts in by_place.values() for one in facts if one.contents}
    return {
        f"{one.place}/{file.new.artifact.filename}" if one.place else file.new.artifact.filename: file
        for one in diff(
            context.since,
            folder,
            on_event,
            new_facts=facts,
            with_texts=context.with_texts,
            notes=context.notes,
            only_known=True,
        )
        for file in one.files
    }


def must_name_rules(policy: Policy) -> None:
    """Raise InputError if the severities or waivers of the policy name a rule that does not exist."""
    named = {*policy.severities, *(waiver.rule for waiver in policy.waivers)}
    if unknown := sorted(named - RULES.keys()):
        raise InputError(f"the policy contains unknown rules: {', '.join(unknown)}", hint="see `wheelhouse rules`")


def _must_be_waivable(policy: Policy) -> None:
    """Raise InputError if the policy waives a rule that cannot be waived, or without a sha256 one whose waivers need it.

    All its rules must exist (`must_name_rules`); else it raises KeyError.
    """
    if never := sorted({waiver.rule for waiver in policy.waivers if not RULES[waiver.rule].waivable}):
        raise InputError(
            f"the policy waives rules that cannot be waived: {', '.join(never)}",
            hint="remove the waivers: these rules report files that were altered, or that two programs can read differently",
        )
    if unbound := sorted({one.rule for one in policy.waivers if RULES[one.rule].by_sha256 and not one.sha256}):
        raise InputError(
            f"the policy waives {', '.join(unbound)} without the sha256 of a file",
            hint="add to the waiver the `sha256` of the file that somebody looked at",
        )


def _reviews(
    facts_by_place: Mapping[str, tuple[Facts, ...]],
    policy: Policy,
    now: datetime,
    context: VetContext,
    replaced: Mapping[str, Replaced],
) -> list[Review]:
    """A review for each wheelhouse, in the order of `facts_by_place`.

    Attestations are checked if any file has some and what checks them is installed.
    """
    has_provenance = any(one.provenance for facts in facts_by_place.values() for one in facts)
    attestor = context.attestors() if has_provenance else None
    attested = {place: tuple(_attested(one, attestor) for one in facts) for place, facts in facts_by_place.items()}
    inner = tuple(one for place, facts in attested.items() if place for one in facts)
    return [
        Review(
            facts=facts,
            policy=policy,
            now=now,
            advisories=context.advisories,
            place=place,
            publishers=context.publishers,
            trusted_since=attestor.since if attestor else None,
            approvals=context.approvals,
            known=read_known_projects(),
            earlier={subject: file.earlier for subject, file in replaced.items() if file.earlier},
            threats=context.threats,
            inner=() if place else inner,
        )
        for place, facts in attested.items()
    ]


def _attested(facts: Facts, attestor: Attestor | None) -> Facts:
    """Facts with the result of the check of their attestations; unchanged without an attestor or attestations.

    The attestations of a wheel that was built here are those of its sdist.
    """
    if attestor is None or facts.provenance is None:
        return facts
    origin = facts.pin.origin
    return replace(facts, attested=attestor(facts.provenance, origin.filename, origin.sha256))


def _new_publishers(facts: Iterable[Facts], context: VetContext) -> dict[NormalizedName, tuple[str, ...]]:
    """The publishers, sorted, of projects with valid attestations whose publisher was not known before."""
    publishers: dict[NormalizedName, set[str]] = {}
    for one in facts:
        if one.attested and not one.attested.refused and one.project not in context.publishers:
            publishers.setdefault(one.project, set()).update(one.attested.publishers)
    return {project: tuple(sorted(names)) for project, names in sorted(publishers.items())}


def _other_files(folder: Path) -> Iterator[Finding]:
    """The findings on the wheelhouse's `[[files]]`, which are no distributions. Tars among them are opened."""
    for file in load_other_files(folder).files:
        path = folder / FOLDER / file.name
        is_tar = file.name.endswith(TARS) and path.is_file() and not path.is_symlink()
        yield from other_file_findings(file, outward_members(path) if is_tar else ())


def _facts(place: str, verdict: Verdict, inside: Mapping[str, Inside]) -> tuple[Facts, ...]:
    """The facts of each file that the lock files of one wheelhouse name, in the order of file names.

    Each file is there once, with the pin of the last lock that names it, and with all its targets. The pin of a kept sdist
    has the sdist as its `artifact` and no `built`. A file that could not be opened has no contents.
    """
    pins: dict[str, Pin] = {}
    targets: dict[str, list[str]] = {}
    for lock in verdict.wheelhouse.locks:
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
            verdict.wheelhouse.provenance.get(provenance_filename(pin)) if pin.provenance else None,
        )
        for name, pin in sorted(pins.items())
    )
