"""From a job to its locks: an existing lock of the same job is reused, the others are resolved."""

from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import replace
from datetime import datetime
from enum import StrEnum
from pathlib import Path

from wheelhouse.archive.artifact import Artifact, Candidate, requires_python_of
from wheelhouse.archive.filenames import is_wheel
from wheelhouse.archive.reason_text import reason_text
from wheelhouse.archive.reasons import BadPageEntry
from wheelhouse.errors import InputError, IntegrityError, WheelhouseError
from wheelhouse.events import Listener, Noted, Resolved, Resolving, Warned, ignore
from wheelhouse.fetch.fill import must_allow
from wheelhouse.fetch.job import Job, Part
from wheelhouse.files.disk import digest_of
from wheelhouse.index.package_source import PackageSource
from wheelhouse.index.urls import locked_url
from wheelhouse.lock.lock import Lock, Pin, dependency_name
from wheelhouse.lock.pylock_projects import resolved_projects_of
from wheelhouse.resolve.resolution import ResolutionRequest, ResolvedProject
from wheelhouse.verify.verify import locks_in


def existing_locks(folder: Path) -> dict[str, Lock]:
    """The locks in a folder, by target name; none if there is no folder. Raises InputError as `locks_in` does."""
    return {lock.target.name: lock for lock in locks_in(folder)} if folder.is_dir() else {}


def lock_parts(
    job: Job,
    existing: Mapping[str, Lock],
    failed: dict[str, WheelhouseError],
    source: PackageSource,
    on_event: Listener = ignore,
) -> dict[str, Lock]:
    """The lock of each target, by target name; the error of a target without one is added to `failed`.

    An existing lock of the same job is used again, unless the job upgrades; the others are made anew.
    """
    locks: dict[str, Lock] = {}
    new: list[Lock] = []
    for number, part in enumerate(job.parts, 1):
        name = part.target.name
        progress = Resolving(name, number, len(job.parts))
        try:
            lock = _reusable(job, part, existing.get(name), source)
            if lock is None:
                on_event(progress)
                lock = _resolved(job, part, existing.get(name), source, on_event)
                new.append(lock)
        except WheelhouseError as error:
            failed[name] = error
        else:
            locks[name] = lock
    _report(locks, new, len(job.parts), on_event)
    return locks


def _report(locks: Mapping[str, Lock], new: Collection[Lock], targets: int, on_event: Listener) -> None:
    """Warn of what is unusual about new locks. Say of a single target's lock whether it was reused; of several, how many
    were, if any.
    """
    _warn(new, on_event)
    if targets == 1:
        for name, lock in locks.items():
            on_event(Resolved(name, len(lock.pins), reused=lock not in new))
    elif reused := len(locks) - len(new):
        on_event(Noted(f"the existing lock file is used for {reused} of {targets} targets"))


class Freshness(StrEnum):
    """How a lock file stands to a job."""

    UP_TO_DATE = "up to date"
    MISSING = "missing"
    OUTDATED = "outdated"
    """It was made from other requirements, constraints or options."""
    DROPPED = "no longer asked for"
    """The settings file that it was made from no longer names its target."""


def freshness_of(job: Job, existing: Mapping[str, Lock], source: PackageSource) -> dict[str, Freshness]:
    """How the lock of each target of a job stands to it, by target name, with the dropped targets, without those in
    `failed`; whether the job upgrades does not count. Nothing is resolved.
    """
    states: dict[str, Freshness] = {}
    for part in job.parts:
        lock = existing.get(part.target.name)
        is_fresh = lock is not None and _is_for(job, part, lock, source)
        states[part.target.name] = (
            Freshness.MISSING if lock is None else Freshness.UP_TO_DATE if is_fresh else Freshness.OUTDATED
        )
    return states | dict.fromkeys(dropped_targets(job, existing), Freshness.DROPPED)


def dropped_targets(job: Job, existing: Mapping[str, Lock]) -> frozenset[str]:
    """The targets of existing locks that the settings file of the job named earlier, and no longer names."""
    requested = {part.target.name for part in job.parts} | job.failed.keys()
    return frozenset(name for name, lock in existing.items() if name not in requested and has_same_settings(job, lock))


def has_same_settings(job: Job, lock: Lock) -> bool:
    """Whether a lock was made from the settings file of the job, whatever that holds now: only its place is compared. False
    if the job has requirements from elsewhere.
    """
    return job.settings_sha256 is not None and lock.inputs.settings_sha256 == job.settings_sha256


def _is_for(job: Job, part: Part, lock: Lock, source: PackageSource) -> bool:
    """Whether a lock is of the same job, for the same target."""
    return lock.inputs.same_job(job.inputs(part, source.locations.redacted)) and lock.target == part.target


def _reusable(job: Job, part: Part, existing: Lock | None, source: PackageSource) -> Lock | None:
    """The existing lock, if it is of the same job and nothing is to be upgraded; else None.

    A loose lock becomes one for the exact Python, and the hash of the job's settings file is noted in it.
    """
    inputs = job.inputs(part, source.locations.redacted)
    if existing is None or job.upgrade or job.upgrade_projects or not _is_for(job, part, existing, source):
        return None
    settings = inputs.settings_sha256 or existing.inputs.settings_sha256
    return replace(existing, is_loose=False, inputs=replace(existing.inputs, settings_sha256=settings))


def _resolved(job: Job, part: Part, existing: Lock | None, source: PackageSource, on_event: Listener) -> Lock:
    """A new lock of one target: resolved, or with the pins of another tool's lock if the job was given one. When it is resolved,
    the pins of the existing lock are preferred, but for those that are to be upgraded.

    Raises NoSolutionError; IntegrityError if a file has other bytes than in the existing lock or than a line's hash, or
    excludes the target itself; InputError if a required hash is missing, or if no file can have the hashes of two lines;
    ServerError.
    """
    preferred = (
        {}
        if job.upgrade or existing is None
        else {pin.project: pin.version for pin in existing.pins if pin.project not in job.upgrade_projects}
    )
    request = job.request(part, preferred)
    request.must_admit_hashes()
    if job.given_sha256:
        answers = resolved_projects_of(part.given, request, source, on_event)
    else:
        from wheelhouse.resolve.search import resolve  # noqa: PLC0415  (a lock that is reused needs none)

        answers = resolve(request, source, on_event)
    check_hashes(answers, request, source)
    for answer in answers:
        must_allow(answer.metadata, answer.candidate.filename, part.target)
    if sentence := _from_open_links(answers, source):
        on_event(Noted(sentence))
    lock = Lock(part.target, job.inputs(part, source.locations.redacted), pins_of(answers, source))
    if existing:
        _must_have_same_bytes(existing, lock)
    return lock


def check_hashes(answers: Iterable[ResolvedProject], request: ResolutionRequest, source: PackageSource) -> None:
    """Compare every file with the hashes that requirement and constraint lines give.

    The sha256 of the index is enough, because its file is checked against it; for every other hash the file is fetched.
    Raises IntegrityError if a file has none of the hashes of a line, InputError if hashes are required and no line gives one
    for a project; a local file that the user named needs none.
    """
    answers = list(answers)
    without_hash: list[ResolvedProject] = []
    unchecked: list[tuple[Candidate, frozenset[str]]] = []
    for answer in answers:
        candidate = answer.candidate
        allowed = request.allowed_hashes(candidate.project)
        if not allowed and (candidate.index or not candidate.is_local):
            without_hash.append(answer)
        unchecked += [(candidate, hashes) for hashes in allowed if f"sha256:{candidate.sha256}" not in hashes]
    for candidate, _ in unchecked:
        source.artifacts.get(candidate)  # all at once
    for candidate, hashes in unchecked:
        _check_file(candidate, hashes, source)
    if without_hash and request.requires_hashes:
        names = ", ".join(f"{_pinned(answer)}{_required_by(answer, answers)}" for answer in without_hash)
        hint = "add `--hash=sha256:…` to each requirement (pip hash FILE prints the hash), or add --no-require-hashes"
        raise InputError(f"hashes are required, but no requirement gives a hash for {names}", hint=hint)


def _pinned(answer: ResolvedProject) -> str:
    """A project with its version, as a requirement line has it."""
    return f"{answer.candidate.project}=={answer.candidate.version}"


def _required_by(answer: ResolvedProject, answers: Iterable[ResolvedProject]) -> str:
    """The first project that requires this one, in brackets, as ` (app 1.0 requires `lib>=2`)`; empty if only the user does."""
    project = answer.candidate.project
    requiring = [
        f"{other.candidate.project} {other.candidate.version} requires `{text}`"
        for other in answers
        for text in other.dependencies
        if dependency_name(text) == project
    ]
    return f" ({requiring[0]})" if requiring else ""


def _check_file(candidate: Candidate, hashes: frozenset[str], source: PackageSource) -> None:
    """Raise IntegrityError if a file has none of these hashes, each `algorithm:digest`."""
    path = source.artifacts.get(candidate).result().path
    digests = {f"{name}:{digest_of(path, name)}" for name in sorted({hash_.partition(":")[0] for hash_ in hashes})}
    if not digests & hashes:
        sentence = f"`{candidate.filename}` has {', '.join(sorted(digests))}, but the requirement allows {', '.join(sorted(hashes))}"
        raise IntegrityError(
            sentence, hint="do not use this file: find out why it differs from the file that you vetted"
        )


def _from_open_links(answers: Iterable[ResolvedProject], source: PackageSource) -> str | None:
    """A sentence that names what --find-links supplied, so that no index was asked for it; None if there is nothing."""
    links = {location.address for location in source.locations.redacted if location.is_open}
    candidates = [answer.candidate for answer in answers if answer.candidate.index in links]
    if not candidates:
        return None
    names = ", ".join(f"{candidate.project} ({candidate.index})" for candidate in candidates)
    return f"--find-links supplied these projects, so wheelhouse asked no index for them: {names}"


def pins_of(answers: Collection[ResolvedProject], source: PackageSource) -> tuple[Pin, ...]:
    """The pins of resolved projects; their provenance objects are requested all at once."""
    for answer in answers:
        source.provenance.get(answer.candidate)
    return tuple(_pin_of(answer, source) for answer in answers)


def _pin_of(answer: ResolvedProject, source: PackageSource) -> Pin:
    """The pin of one resolved project, with all that a lock says of it before its file is vetted or built: `waived`, `built`
    and the build lock are added later.
    """
    candidate = answer.candidate
    return Pin(
        project=candidate.project,
        version=candidate.version,
        artifact=_artifact(candidate, source),
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
        provenance=source.provenance.get(candidate).result(),
        status=candidate.status,
    )


def _canonical(requires_python: str | None) -> str | None:
    """Requires-Python in the spelling of a lock that was read back, so that a second run writes the same bytes; None if
    there is none, empty if it cannot be read.
    """
    return str(requires_python_of(requires_python)) if requires_python else None


def _artifact(candidate: Candidate, source: PackageSource) -> Artifact:
    """A file as a lock names it: a local one without a URL, others without credentials in it. If the index gives no sha256
    or no size, the file is fetched. Its full address is remembered for this run.
    """
    sha256, size = candidate.sha256, candidate.size
    if sha256 is None or size is None:
        stored = source.artifacts.get(candidate).result()
        sha256, size = stored.sha256, stored.size
    source.addresses.remember(sha256, candidate.url)
    if candidate.is_local:
        return Artifact(candidate.filename, sha256, size)
    uploaded = datetime.fromisoformat(candidate.upload_time) if candidate.upload_time else None
    return Artifact(candidate.filename, sha256, size, locked_url(candidate.url), uploaded)


def _no_wheel(answer: ResolvedProject) -> str:
    """Why an sdist was chosen, as a clause without a full stop."""
    wheels = [other for other in answer.rejected if is_wheel(other.filename)]
    if not wheels:
        return "the project published no wheel of this version"
    reasons = sorted({reason_text(other.reason) for other in wheels})
    return f"none of its {len(wheels)} wheels can be used: {'; '.join(reasons)}"


def _must_have_same_bytes(existing: Lock, new: Lock) -> None:
    """Raise IntegrityError if a file of the existing lock has the same name and other bytes in the new one."""
    known = {artifact.filename: artifact.sha256 for artifact in existing.artifacts}
    for artifact in new.artifacts:
        if known.get(artifact.filename, artifact.sha256) != artifact.sha256:
            raise IntegrityError(
                f"`{artifact.filename}` has the sha256 {artifact.sha256} on the index, but {known[artifact.filename]} in the lock file",
                hint="find out why the index replaced the file; remove the lock file only if you trust the new file",
            )


def _warn(locks: Iterable[Lock], on_event: Listener) -> None:
    """Warn of what is unusual about the pins of new locks, and of newer releases of which no file fits: each once for all targets."""
    pins = [(lock, pin) for lock in locks for pin in lock.pins]
    sentences = [sentence for _, pin in pins for sentence in _unusual(pin)]
    skipped: dict[str, list[str]] = {}
    for lock, pin in pins:
        if pin.skipped:
            taken = f"{pin.project} {pin.version} was chosen, because no file of {', '.join(pin.skipped[:3])} fits"
            skipped.setdefault(taken, []).append(lock.target.name)
    sentences += [f"{taken} {', '.join(names)}" for taken, names in skipped.items()]
    for sentence in dict.fromkeys(sentences):
        on_event(Warned(sentence))


def _unusual(pin: Pin) -> Iterator[str]:
    """Sentences about a pin that was yanked, or whose project is archived or deprecated; and about each newer file that was passed
    over because the index page's entry for it cannot be used.
    """
    if pin.yanked is not None:
        reason = f": {pin.yanked}" if pin.yanked else ", with no reason given"
        yield f"{pin.project} {pin.version} was yanked{reason}; it is used, because its exact version is required"
    if (pin.status or "").partition(":")[0] in ("archived", "deprecated"):
        state, colon, reason = (pin.status or "").partition(":")
        yield f"{pin.project} is {state} on {pin.index}{colon}{reason}"
    for newer in pin.passed_over:
        if isinstance(newer.reason, BadPageEntry):
            yield f"{pin.project} {pin.version} was chosen instead of {newer.filename}: {reason_text(newer.reason)}"
