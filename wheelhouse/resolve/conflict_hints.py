"""What to do about a conflict: which line to loosen, another date, another Python or platform, an extra to leave out."""

import re
from collections.abc import Iterator, Sequence
from contextlib import suppress
from datetime import datetime, timedelta

from packaging.version import Version

from wheelhouse.airflow import PROJECT as AIRFLOW
from wheelhouse.archive.artifact import Rejected, requires_python_of, why_unfit
from wheelhouse.archive.filenames import wheel_parts
from wheelhouse.archive.reasons import RequiresPython, SdistExcluded, UploadedTooLate, WheelExcluded, Yanked
from wheelhouse.errors import InputError
from wheelhouse.resolve.conflict import Conflict
from wheelhouse.resolve.derivation import Step
from wheelhouse.resolve.release_texts import origin_text
from wheelhouse.resolve.requirements import RequirementLine
from wheelhouse.resolve.resolution import NEVER, is_exact
from wheelhouse.target.target import Platform, Python, Target

BRANCH = re.compile(r"constraints-\d+-\d+(?!\d|\.)")
"""A branch of Airflow's constraints, which moves on to later releases."""
OPTIONAL_EXTRAS = {"mysql": "to build the image without this extra, set INSTALL_MYSQL_CLIENT=false"}
"""Extras of Airflow that its image's build can do without, and how."""
PYTHONS = tuple(f"3.{minor}" for minor in range(6, 16))


def hint(conflict: Conflict) -> str:
    """What to do next about a conflict, as one hint."""
    if conflict.project == NEVER:
        return _never_hint(conflict)
    if conflict.candidates is None:
        return _no_project_hint(conflict)
    if conflict.requires_itself:
        return _itself_hint(conflict)
    if not conflict.complete:
        return "request other versions of the projects above, or leave out one of these projects"
    return _release_hint(conflict)


def _release_hint(conflict: Conflict) -> str:
    """The hint about releases that other requirements, constraints or the target exclude."""
    if not conflict.has_release(conflict.specifier):
        return _no_release_hint(conflict)
    lines = conflict.contradiction or conflict.excluding_constraints
    if len(lines) > 1:
        return f"change or remove {' or '.join(line.origin for line in lines)}"
    if lines:
        return _constraint_hint(conflict, lines[0])
    return _file_hint(conflict)


def _never_hint(conflict: Conflict) -> str:
    """The hint about a release that cannot be chosen whatever its files are."""
    reason = conflict.dependencies[0].reason
    specifiers = [reason.specifier] if isinstance(reason, RequiresPython) else []
    python = _fitting_python(specifiers, conflict.request.target)
    return "request another version" + (f", or take another target: --python {python}" if python else "")


def _no_project_hint(conflict: Conflict) -> str:
    """The hint about a project that no index has."""
    side = conflict.sides[0]
    if side.asker is None:
        return "check the spelling, and check that --index is the right index"
    other_index = f"say which index has this project (`--index NAME=URL --from NAME={conflict.project}`)"
    other_release = "" if conflict.is_of_every_release(side) else f", request another release of {side.asker}"
    return f"{other_index}{other_release}, or {_leave_out(conflict)}"


def _itself_hint(conflict: Conflict) -> str:
    """The hint about releases that require another release of their own project."""
    if conflict.is_of_every_release(conflict.sides[0]):
        return _without_askers(conflict, conflict.chains)
    return f"request another release of {conflict.project}, or {_leave_out(conflict)}"


def _leave_out(conflict: Conflict) -> str:
    """What the user can leave out so that nothing requires the project: an extra, else the projects that begin the chains."""
    return _extras_hint(conflict.chains) or f"leave out {' or '.join(_roots(conflict.chains))}"


def _roots(chains: Sequence[Sequence[Step]]) -> list[str]:
    """The projects with which chains begin, each once, in their order."""
    return list(dict.fromkeys(chain[0].dependency.project for chain in chains))


# No release at all


def _no_release_hint(conflict: Conflict) -> str:
    """The hint if no release satisfies all dependencies: another file, an extra to leave out, lines to loosen, or what else to
    leave out.
    """
    chains = conflict.chains
    if conflict.project in conflict.request.direct:
        origins = [
            line.origin for line in conflict.request.requirements if line.source and line.project == conflict.project
        ]
        other = f"request another file of {conflict.project} {origin_text(origins[0])}"
        return f"{other}, or request a release of {conflict.project} from the index"
    if extra := _extras_hint(chains):
        return extra
    lines = [
        line for chain, side in zip(chains, conflict.sides, strict=True) if (line := _loosened(conflict, chain, side))
    ]
    if lines:
        return ", or ".join(dict.fromkeys(lines))
    return _without_askers(conflict, chains)


def _loosened(conflict: Conflict, chain: Sequence[Step], side: Step) -> str | None:
    """The hint to change the user's line that leads to a side: to loosen it, if it is the side itself; else to request
    another release of its project, which need not help. None if the line has no specifier, or, for the
    side itself, if no usable release satisfies the other sides and the constraints.
    """
    root = chain[0].dependency
    if root.parent is not None or not root.specifier:
        return None
    if len(chain) > 1:
        return f"request another release of {root.project} {origin_text(root.origin)}"
    limits = [each.dependency.specifier for each in conflict.sides if each is not side]
    limits += [line.requirement.specifier for line in conflict.constraints]
    admitted = (each for each in conflict.usable if all(limit.contains(each, prereleases=True) for limit in limits))
    version = next(admitted, None)
    return (
        f"loosen `{root}` {origin_text(root.origin)} so that it allows {conflict.project} {version}"
        if version
        else None
    )


def _without_askers(conflict: Conflict, chains: Sequence[Sequence[Step]]) -> str:
    """The hint if no line of the user limits what conflicts: what to leave out, or which version to override with."""
    leave = f"leave out {' or '.join(_roots(chains))}"
    if not conflict.usable:
        return leave
    return (
        f"{leave}, or choose the version of {conflict.project} yourself: `--override FILE` with a line such as "
        f"`{conflict.project}=={conflict.usable[0]}`"
    )


def _extras_hint(chains: Sequence[Sequence[Step]]) -> str | None:
    """The hint to leave out the user's extras that lead to the sides; None unless each side is led to by an extra of its own."""
    parents = [chain[1].dependency.parent for chain in chains if len(chain) > 1]
    extras = list(
        dict.fromkeys((parent.candidate.project, parent.extra) for parent in parents if parent and parent.extra)
    )
    if not extras or len(extras) != len(chains):
        return None
    project, extra = extras[0]
    if len({project for project, _ in extras}) > 1:
        return f"leave out one of the extras: {' or '.join(f'`{extra}` of {project}' for project, extra in extras)}"
    if len(extras) > 1:
        return f"leave out one of the extras of {project}: {' or '.join(f'`{extra}`' for _, extra in extras)}"
    why = f"; {OPTIONAL_EXTRAS[extra]}" if project == AIRFLOW and extra in OPTIONAL_EXTRAS else ""
    return f"leave out the extra `{extra}` of {project}, because it leads to {chains[0][-1].dependency.project}{why}"


# A constraint that excludes


def _constraint_hint(conflict: Conflict, line: RequirementLine) -> str:
    """The hint about a constraint that excludes everything; for Airflow, which constraints fit its release."""
    release = _airflow_release(conflict)
    if release and BRANCH.search(line.origin):
        return (
            f"use the constraints of the tag constraints-{release}, because the constraints of a branch change with later releases: "
            f"`--airflow {release}` uses this tag"
        )
    if release and f"constraints-{release}" not in line.origin:
        return (
            f"change or remove {line.origin}, or use the constraints of Airflow {release} (tag constraints-{release})"
        )
    admitted = [version for version in conflict.usable if conflict.specifier.contains(version, prereleases=True)]
    example = f" so that it allows {conflict.project} {admitted[0]}" if admitted else ""
    return f"change {line.origin}{example}, or remove it"


def _airflow_release(conflict: Conflict) -> str | None:
    """The release of Airflow that a requirement pins with one `==` or `===`, not with `==2.*`; None if none does."""
    for line in conflict.request.requirements:
        clauses = list(line.requirement.specifier)
        if line.project == AIRFLOW and len(clauses) == 1 and is_exact(line.requirement.specifier):
            return clauses[0].version
    return None


# Files that cannot be chosen


def _file_hint(conflict: Conflict) -> str:
    """The hint about releases of which no file can be chosen: what admits one or another release, else what to leave out."""
    remedies = [*_remedies(conflict), *_other_release(conflict)]
    if not remedies and conflict.rejected and conflict.rejected[0].reason is None:
        return (
            f"offer a wheel of {conflict.project} for this target with --find-links FOLDER, or {_leave_out(conflict)}"
        )
    return ", or ".join(remedies) or f"request another release, or {_leave_out(conflict)}"


def _remedies(conflict: Conflict) -> Iterator[str]:
    """Hints: what would make a file of the admitted releases with the commonest reason fit; none if nothing would.

    If pre-releases alone are left and `--only-final` forbids them, how to allow them.
    """
    project = conflict.project
    if not conflict.rejected:
        if conflict.candidates and not conflict.candidates.matching(conflict.specifier):
            yield f"allow pre-releases of {project}: add the line `--all-releases {project}` after the line `--only-final`"
        return
    group = conflict.rejected[0]
    match group.reason:
        case None:
            yield from _other_target(conflict, group.rejected)
        case RequiresPython():
            yield from _other_python(conflict)
        case UploadedTooLate():
            yield from _later(conflict)
        case Yanked():
            yield f"to take a yanked release nevertheless, pin it: `{project}=={group.versions[0]}`"
        case SdistExcluded():
            yield from _other_target(conflict, group.rejected)
            yield f"allow the sdist with --no-binary {project}, and let `wheelhouse build` make a wheel of it"
        case WheelExcluded():
            yield f"allow wheels of {project}: --only-binary {project}"


def _other_target(conflict: Conflict, rejected: Sequence[Rejected]) -> Iterator[str]:
    """One hint: the first of `_alternatives` for which one of the wheels is made; nothing if there is none."""
    for option, target in _alternatives(conflict.request.target, rejected):
        if any(other.has_no_tag and target.rank(wheel_parts(other.filename)[3]) is not None for other in rejected):
            yield f"take another target: {option}"
            return


def _alternatives(target: Target, rejected: Sequence[Rejected]) -> Iterator[tuple[str, Target]]:
    """Targets, each with its option, that differ in one thing: first the versions of libc or macOS of these wheels, the
    oldest first; then the Python, the nearest first, if the target is derived and has CPython.
    """
    python = target.python
    tags = {tag for other in rejected if other.has_no_tag for tag in wheel_parts(other.filename)[3]}
    platforms = sorted({tag.platform for tag in tags if _same_kind(tag.platform, target.platform.tag)}, key=_numbers)
    for name in platforms:
        with suppress(InputError):
            yield f"--platform {name}", Target.of(python, Platform.parse(name))
    if not target.is_derived or python.implementation != "cpython":
        return
    if python.free_threaded:
        yield f"--python {python.minor}", Target.of(Python.parse(python.minor), target.platform)
    for minor in _nearest(python):
        suffix = "t" if python.free_threaded else ""
        with suppress(InputError):
            yield f"--python {minor}{suffix}", Target.of(Python.parse(f"{minor}{suffix}"), target.platform)


def _same_kind(platform: str, own: str) -> bool:
    """Whether two platform tags differ, and in nothing but the version of libc or macOS; False for `manylinux2014_…`."""
    kinds = [re.sub(r"(?<=linux|acosx)_\d+_\d+_", "_", name) for name in (platform, own)]
    return kinds[0] == kinds[1] and platform != own


def _numbers(platform: str) -> list[int]:
    """The numbers in a platform tag, by which two versions of a system are compared."""
    return [int(number) for number in re.findall(r"\d+", platform)]


def _nearest(python: Python) -> list[str]:
    """Other minor versions of Python as `3.N`, the nearest first, of two equally near the newer."""
    own = python.version.minor
    minors = [int(minor.partition(".")[2]) for minor in PYTHONS]
    return [f"3.{minor}" for minor in sorted(minors, key=lambda minor: (abs(minor - own), -minor)) if minor != own]


def _other_python(conflict: Conflict) -> Iterator[str]:
    """One hint: the nearest Python that admits releases that need another; nothing if none does."""
    specifiers = [group.reason.specifier for group in conflict.commonest if isinstance(group.reason, RequiresPython)]
    if python := _fitting_python(specifiers, conflict.request.target):
        yield f"take another target: --python {python}"


def _fitting_python(specifiers: Sequence[str], target: Target) -> str | None:
    """The nearest Python, as `3.N` or `3.Nt`, that one of some Requires-Python admits; the target's own minor version is nearest.
    None if there is none, or if the target is not derived or not CPython.
    """
    own = target.python
    if not target.is_derived or own.implementation != "cpython":
        return None
    admitted = [requires_python_of(specifier) for specifier in specifiers]
    for minor in (own.minor, *_nearest(own)):
        with suppress(InputError):
            python = Python.parse(f"{minor}{'t' if own.free_threaded else ''}")
            if any(each.contains(python.version) for each in admitted):
                return f"{minor}{'t' if own.free_threaded else ''}"
    return None


def _later(conflict: Conflict) -> Iterator[str]:
    """One hint: the day after the first upload of a file of these releases that fits the target and is not yanked; nothing
    if no file with an upload time does.
    """
    candidates = conflict.candidates
    assert candidates is not None  # noqa: S101  (a group of releases comes from it)
    versions = [version for group in conflict.commonest for version in group.versions]
    files = [file for version in versions for file in candidates.page.candidates(version) if file.upload_time]
    fitting = [file for file in files if file.yanked is None and why_unfit(file, conflict.request.target) is None]
    if fitting:
        first = min(datetime.fromisoformat(file.upload_time or "") for file in fitting)
        day = (first + timedelta(days=1)).date().isoformat()
        yield f"take a later date: --uploaded-prior-to {day}"


def _other_release(conflict: Conflict) -> Iterator[str]:
    """One hint: change what excludes the newest usable release: a constraint, a line of the user, or a release that asks. Nothing
    if there is no usable release, or if nothing excludes it.
    """
    if not conflict.usable:
        return
    version = conflict.usable[0]
    for line in conflict.constraints:
        if not line.requirement.specifier.contains(version, prereleases=True):
            yield f"change {line.origin}, because it excludes {conflict.project} {version}"
            return
    for chain, side in zip(conflict.chains, conflict.sides, strict=True):
        if not side.dependency.specifier.contains(version, prereleases=True):
            yield _accepting(conflict, chain, side, version)
            return


def _accepting(conflict: Conflict, chain: Sequence[Step], side: Step, version: Version) -> str:
    """The hint to change what excludes a version: the user's requirement, the release that it pins, or the one that asks."""
    root = chain[0].dependency
    if side.asker is None:
        return f"loosen `{root}` {origin_text(root.origin)}, because it excludes {conflict.project} {version}"
    if root.specifier and is_exact(root.specifier):
        return (
            f"request a release of {root.project} {origin_text(root.origin)} that accepts {conflict.project} {version}"
        )
    return f"request a release of {side.asker} that accepts {conflict.project} {version}"
