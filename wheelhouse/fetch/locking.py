"""From a job to its locks: what stands already is reused, the rest is resolved."""

from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import replace
from datetime import datetime
from pathlib import Path

from wheelhouse.archive.artifact import Artifact, Candidate, requires_python_of
from wheelhouse.archive.filenames import is_wheel
from wheelhouse.archive.reason_text import reason_text
from wheelhouse.archive.reasons import BadPageEntry
from wheelhouse.errors import InputError, IntegrityError, WheelhouseError
from wheelhouse.events import Listener, Noted, Resolved, Resolving, Warned, ignore
from wheelhouse.fetch.job import Job, Part
from wheelhouse.files.disk import digest_of
from wheelhouse.index.package_source import PackageSource
from wheelhouse.index.urls import redact
from wheelhouse.lock.lock import Lock, Pin, dependency_name
from wheelhouse.lock.pylock_projects import resolved_projects_of
from wheelhouse.resolve.resolution import ResolutionRequest, ResolvedProject
from wheelhouse.verify.verify import locks_in


def existing_locks(folder: Path) -> dict[str, Lock]:
    """The locks that stand in a folder, by their target's name."""
    return {lock.target.name: lock for lock in locks_in(folder)} if folder.is_dir() else {}


def lock_parts(
    job: Job,
    standing: Mapping[str, Lock],
    failed: dict[str, WheelhouseError],
    supply: PackageSource,
    on_event: Listener = ignore,
) -> dict[str, Lock]:
    """The lock of each target, by its name; where there is none, the error is added to `failed`.

    `standing` are the locks that are there: one that answers the same job is taken as it is, the others are made anew.
    """
    locks: dict[str, Lock] = {}
    fresh: list[Lock] = []
    for number, part in enumerate(job.parts, 1):
        name = part.target.name
        progress = Resolving(name, number, len(job.parts))
        try:
            lock = _reusable(job, part, standing.get(name), supply)
            if lock is None:
                on_event(progress)
                lock = _resolved(job, part, standing.get(name), supply, on_event)
                fresh.append(lock)
        except WheelhouseError as error:
            failed[name] = error
        else:
            locks[name] = lock
    _tell(locks, fresh, len(job.parts), on_event)
    return locks


def _tell(locks: Mapping[str, Lock], fresh: Collection[Lock], targets: int, on_event: Listener) -> None:
    _warn(fresh, on_event)
    if targets == 1:
        for name, lock in locks.items():
            on_event(Resolved(name, len(lock.pins), reused=lock not in fresh))
    elif reused := len(locks) - len(fresh):
        on_event(Noted(f"{reused} of {targets} targets: the lock that is there is used"))


def _reusable(job: Job, part: Part, standing: Lock | None, supply: PackageSource) -> Lock | None:
    """The lock that is there, if it answers the same job."""
    inputs = job.inputs(part, supply.locations.told)
    if standing is None or job.upgrade or job.upgrade_projects:
        return None
    if not standing.inputs.same_job(inputs) or standing.target != part.target:
        return None
    settings = inputs.settings_sha256 or standing.inputs.settings_sha256
    return replace(standing, is_loose=False, inputs=replace(standing.inputs, settings_sha256=settings))


def _resolved(job: Job, part: Part, standing: Lock | None, supply: PackageSource, on_event: Listener) -> Lock:
    preferred = (
        {}
        if job.upgrade or standing is None
        else {pin.project: pin.version for pin in standing.pins if pin.project not in job.upgrade_projects}
    )
    question = job.question(part, preferred)
    question.must_admit_hashes()
    if job.given_sha256:
        answers = resolved_projects_of(part.given, question, supply, on_event)
    else:
        from wheelhouse.resolve.search import resolve  # noqa: PLC0415  (a lock that stands needs none)

        answers = resolve(question, supply, on_event)
    demand_hashes(answers, question, supply)
    if opened := _from_open_links(answers, supply):
        on_event(Noted(opened))
    lock = Lock(part.target, job.inputs(part, supply.locations.told), pins_of(answers, supply))
    if standing:
        _same_bytes(standing, lock)
    return lock


def demand_hashes(answers: Iterable[ResolvedProject], question: ResolutionRequest, supply: PackageSource) -> None:
    """Hold every file against the hashes that requirement lines give.

    The index is believed a sha256 alone, which its file is checked against in any case; what else a line gives is computed.
    Raises IntegrityError where a file has none of them, InputError where hashes are demanded and a line gives none.
    """
    answers = list(answers)
    bare: list[str] = []
    unproved: list[tuple[Candidate, frozenset[str]]] = []
    for answer in answers:
        candidate = answer.candidate
        allowed = question.allowed_hashes(candidate.project)
        if not allowed and (candidate.index or not candidate.is_local):
            bare.append(f"{candidate.project}=={candidate.version}{_asking(answer, answers)}")
        unproved += [(candidate, hashes) for hashes in allowed if f"sha256:{candidate.sha256}" not in hashes]
    for candidate, _ in unproved:
        supply.artifacts.get(candidate)  # all at once
    for candidate, hashes in unproved:
        _check_file(candidate, hashes, supply)
    if bare and question.requires_hashes:
        hint = "add `--hash=sha256:…` to each (pip hash FILE prints it), or say --no-require-hashes"
        raise InputError(f"hashes are demanded, and no line gives one for {', '.join(bare)}", hint=hint)


def _asking(answer: ResolvedProject, answers: Iterable[ResolvedProject]) -> str:
    """Who asks for a project that nobody named, in brackets; empty where somebody did."""
    project = answer.candidate.project
    found = [
        f"{other.candidate.project} {other.candidate.version} asks for `{text}`"
        for other in answers
        for text in other.dependencies
        if dependency_name(text) == project
    ]
    return f" ({found[0]})" if found else ""


def _check_file(candidate: Candidate, hashes: frozenset[str], supply: PackageSource) -> None:
    path = supply.artifacts.get(candidate).result().path
    found = {f"{name}:{digest_of(path, name)}" for name in sorted({hash_.partition(":")[0] for hash_ in hashes})}
    if not found & hashes:
        sentence = f"`{candidate.filename}` has {', '.join(sorted(found))}, and the requirement allows {', '.join(sorted(hashes))}"
        raise IntegrityError(
            sentence, hint="do not use this file: find out why the index has another than the one you vetted"
        )


def _from_open_links(answers: Iterable[ResolvedProject], supply: PackageSource) -> str | None:
    """What was taken from links because they hold it, so that no index was asked for it."""
    places = {source.address for source in supply.locations.told if source.is_open}
    taken = [answer.candidate for answer in answers if answer.candidate.index in places]
    if not taken:
        return None
    names = ", ".join(f"{candidate.project} ({candidate.index})" for candidate in taken)
    return f"taken from where --find-links says, and asked of no index: {names}"


def pins_of(answers: Collection[ResolvedProject], supply: PackageSource) -> tuple[Pin, ...]:
    """Answers as a lock has them; what vouches for their files is asked for all at once."""
    for answer in answers:
        supply.provenance.get(answer.candidate)
    return tuple(_pin_of(answer, supply) for answer in answers)


def _pin_of(answer: ResolvedProject, supply: PackageSource) -> Pin:
    candidate = answer.candidate
    return Pin(
        project=candidate.project,
        version=candidate.version,
        artifact=_artifact(candidate, supply),
        index=candidate.index,
        requires_python=_canonical(candidate.requires_python or answer.metadata.requires_python),
        extras=answer.extras,
        dependencies=answer.dependencies,
        sdist_because=None if candidate.is_wheel else _no_wheel(answer),
        provisional=answer.metadata.provisional,
        yanked=candidate.yanked,
        constraint=answer.constraint,
        rejected=tuple(other for other in answer.rejected if not other.follows_from_name),
        skipped=tuple(map(str, answer.skipped)),
        passed_over=answer.passed_over,
        provenance=supply.provenance.get(candidate).result(),
        status=candidate.status,
    )


def _canonical(requires_python: str | None) -> str | None:
    """As the lock reads it back, so that a second run writes the same bytes."""
    return str(requires_python_of(requires_python)) if requires_python else None


def _artifact(candidate: Candidate, supply: PackageSource) -> Artifact:
    """What the lock says of a file; an index without hashes or sizes is asked for the file itself."""
    sha256, size = candidate.sha256, candidate.size
    if sha256 is None or size is None:
        stored = supply.artifacts.get(candidate).result()
        sha256, size = stored.sha256, stored.size
    supply.addresses.remember(sha256, candidate.url)
    if candidate.is_local:
        return Artifact(candidate.filename, sha256, size)
    uploaded = datetime.fromisoformat(candidate.upload_time) if candidate.upload_time else None
    return Artifact(candidate.filename, sha256, size, redact(candidate.url), uploaded)


def _no_wheel(answer: ResolvedProject) -> str:
    wheels = [other for other in answer.rejected if is_wheel(other.filename)]
    if not wheels:
        return "the project published no wheel of this version"
    reasons = sorted({reason_text(other.reason) for other in wheels})
    return f"none of its {len(wheels)} wheels can be used: {'; '.join(reasons)}"


def _same_bytes(standing: Lock, new: Lock) -> None:
    """The same name with other bytes stops everything."""
    known = {artifact.filename: artifact.sha256 for artifact in standing.artifacts}
    for artifact in new.artifacts:
        if known.get(artifact.filename, artifact.sha256) != artifact.sha256:
            raise IntegrityError(
                f"`{artifact.filename}` has the sha256 {artifact.sha256} on the index, and {known[artifact.filename]} in the lock",
                hint="the index replaced the file: find out why; remove the lock only if you trust the new one",
            )


def _warn(locks: Iterable[Lock], on_event: Listener) -> None:
    """Warn of what is unusual about the pins of new locks: once for all targets that have it."""
    pins = [(lock, pin) for lock in locks for pin in lock.pins]
    sentences = [sentence for _, pin in pins for sentence in _unusual(pin)]
    skipped: dict[str, list[str]] = {}
    for lock, pin in pins:
        if pin.skipped:
            taken = f"{pin.project} {pin.version} was taken, because no file of {', '.join(pin.skipped[:3])} fits"
            skipped.setdefault(taken, []).append(lock.target.name)
    sentences += [f"{taken} {', '.join(names)}" for taken, names in skipped.items()]
    for sentence in dict.fromkeys(sentences):
        on_event(Warned(sentence))


def _unusual(pin: Pin) -> Iterator[str]:
    if pin.yanked is not None:
        reason = f": {pin.yanked}" if pin.yanked else ", with no reason given"
        yield f"{pin.project} {pin.version} was yanked{reason}; it is taken because its exact version is asked for"
    if (pin.status or "").partition(":")[0] in ("archived", "deprecated"):
        yield f"{pin.project} is {pin.status} on {pin.index}"
    for newer in pin.passed_over:
        if isinstance(newer.reason, BadPageEntry):
            yield f"{pin.project} {pin.version} was chosen instead of {newer.filename}: {reason_text(newer.reason)}"
