"""Why a file is in a house, and why another is not: from the lock alone, and from what file names say (pure)."""

from collections import deque
from collections.abc import Iterator

from packaging.requirements import Requirement
from packaging.utils import InvalidSdistFilename, InvalidWheelFilename, NormalizedName
from packaging.version import InvalidVersion, Version

from wheelhouse.archive.artifact import Candidate, unfit
from wheelhouse.archive.filenames import is_wheel, release_of, wheel_parts
from wheelhouse.errors import InputError
from wheelhouse.lock.lock import Lock, Pin
from wheelhouse.resolve.requirements import parse_line


def chains(lock: Lock, project: NormalizedName) -> list[list[str]]:
    """The shortest chain from what was asked for to each requirer of a project, the project last: itself alone where it was asked for.

    A chain that leads through the project says nothing of why it is here. Where a lock was given in the place of
    requirements, what nobody requires counts as asked for.
    """
    needs: dict[str, tuple[str, ...]] = {str(pin.project): pin.needs for pin in lock.pins}
    asked = {str(parse_line(text).project) for text in lock.inputs.requirements} & needs.keys()
    roots = sorted(asked or needs.keys() - {name for names in needs.values() for name in names})
    ways: dict[str, list[str]] = {root: [root] for root in roots}
    queue = deque(roots)
    while queue:
        name = queue.popleft()
        for further in needs[name] if name != project else ():
            if further in needs and further not in ways:
                ways[further] = [*ways[name], further]
                queue.append(further)
    requirers = [ways[name] for name in needs if project in needs[name] and project not in ways.get(name, [project])]
    return [[str(project)]] * (project in roots) + [[*way, str(project)] for way in requirers]


def why_file(lock: Lock, filename: str) -> list[str]:
    """Sentences that say why this file, or why not this one but another. Raises InputError for no wheel's or sdist's name."""
    project, version = _named(filename)
    pin = next((pin for pin in lock.pins if pin.project == project), None)
    if pin is None:
        return [f"nothing that was asked for needs {project} on {lock.target.name}"]
    if pin.artifact.filename == filename:
        return [f"it is the file of {project} {pin.version} that fits best", *_held(pin), *_others(pin)]
    sentences = [f"{pin.artifact.filename} was chosen"]
    if version == pin.version:
        return [*sentences, _same_release(lock, pin, filename)]
    return [*sentences, *(list(_other_release(lock, pin, version)) or [_unknown(lock, pin, version)])]


def _named(filename: str) -> tuple[NormalizedName, Version]:
    try:
        return release_of(filename)
    except (InvalidWheelFilename, InvalidSdistFilename, InvalidVersion) as error:
        raise InputError(f"`{filename}` is no wheel's or sdist's name", hint="give the whole file name") from error


def _held(pin: Pin) -> list[str]:
    return [f"its version is held by the constraint {pin.constraint}"] if pin.constraint else []


def _others(pin: Pin) -> Iterator[str]:
    for other in pin.rejected:
        yield f"not {other.filename}: {other.reason}"
    if pin.sdist_because:
        yield f"it is an sdist: {pin.sdist_because}"


def _same_release(lock: Lock, pin: Pin, filename: str) -> str:
    recorded = next((other.reason for other in pin.rejected if other.filename == filename), None)
    candidate = Candidate(pin.project, pin.version, filename, "", "")
    if reason := recorded or unfit(candidate, lock.target):
        return f"{filename}: {reason}"
    if not candidate.is_wheel and pin.artifact.is_wheel:
        return f"{filename} is an sdist, and a wheel fits"
    ranks = [lock.target.rank(wheel_parts(name)[3]) for name in (pin.artifact.filename, filename) if is_wheel(name)]
    if len(ranks) == 2 and (ranks[0] or 0) <= (ranks[1] or 0):
        return f"{filename} fits too, but less well: its best tag is number {ranks[1]} of the target's, that of the other number {ranks[0]}"
    return f"{filename} was not on the index when this was locked"


def _other_release(lock: Lock, pin: Pin, version: Version) -> Iterator[str]:
    """What speaks against another release: the constraint, what asks for the project, what was passed over."""
    if pin.constraint and not _admits(pin.constraint.rpartition(" (")[0], version):
        yield f"{version} is ruled out by the constraint {pin.constraint}"
    for text in lock.inputs.requirements:
        if Requirement(text).name == pin.project and not _admits(text, version):
            yield f"{version} is ruled out by what was asked for: {text}"
    for other in lock.pins:
        for text in other.dependencies:
            if Requirement(text).name == pin.project and not _admits(text, version):
                yield f"{version} is ruled out by {other.project} {other.version}, which asks for {text}"
    yield from (f"{version}: {other.reason}" for other in pin.passed_over if other.filename == str(version))
    if str(version) in pin.skipped:
        yield f"no file of {version} fits {lock.target.name}"
    if (
        version.is_prerelease
        and not pin.version.is_prerelease
        and lock.inputs.selection.prereleases(pin.project) is not True
    ):
        yield f"{version} is a pre-release, and those were not asked for"


def _unknown(lock: Lock, pin: Pin, version: Version) -> str:
    if version < pin.version:
        return f"{version} is older, and {pin.version} is allowed"
    hint = f"--upgrade-project {pin.project} takes it"
    limit = lock.inputs.selection.uploaded_prior_to
    late = f"was uploaded after {limit:%Y-%m-%d}, or " if limit else ""
    return f"nothing in the lock speaks against {version}: it {late}came, or was allowed, after this was locked; {hint}"


def _admits(text: str, version: Version) -> bool:
    return Requirement(text).specifier.contains(version, prereleases=True)
