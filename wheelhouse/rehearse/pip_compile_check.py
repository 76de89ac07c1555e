"""Compare the lock with pip-compile's result for the same requirements (pure)."""

import re
from collections.abc import Collection, Iterator

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from wheelhouse.findings import Finding, Severity
from wheelhouse.lock.lock import Lock
from wheelhouse.rehearse.rehearsal import error, is_version, pin_of
from wheelhouse.verify.closure import requests_for

PINNED = re.compile(r"^(?P<name>[A-Za-z0-9][\w.-]*)(?:\[[^\]]*\])?==(?P<version>[^\s;\\]+)", re.MULTILINE)
NOT_PINNED_BY_DEFAULT = frozenset({"pip", "setuptools", "distribute"})


def requirements_text(lock: Lock, constraints: str | None) -> str:
    """A lock's requirements as the text of a requirements file for pip-compile, each as `_by_name` has it.

    `constraints` is the path of a constraints file.
    """
    lines = [_by_name(Requirement(text), lock) for text in lock.inputs.requirements]
    return "".join(f"{line}\n" for line in [*lines, *([f"-c {constraints}"] if constraints else [])])


def _by_name(requirement: Requirement, lock: Lock) -> str:
    """A requirement as text; a direct one (URL or path) with a pin becomes `name[extras]==version`, without its marker.

    The file is in the wheelhouse.
    """
    pin = pin_of(lock, requirement.name)
    if not requirement.url or pin is None:
        return str(requirement)
    extras = f"[{','.join(sorted(requirement.extras))}]" if requirement.extras else ""
    return f"{requirement.name}{extras}=={pin.version}"


def differences(lock: Lock, compiled: str, here: Collection[str]) -> Iterator[Finding]:
    """Findings for pins that pip-compile does not have or has in another version, and for its pins that the lock does not have.

    `here` has the files that pip-compile's interpreter does not need, because its markers differ from the target's: a note each.
    Its own pip, setuptools and distribute do not count.
    """
    compiled_versions = {canonicalize_name(match["name"]): match["version"] for match in PINNED.finditer(compiled)}
    for pin in lock.pins:
        version = compiled_versions.pop(pin.project, None)
        filename, facts = pin.artifact.filename, {**requests_for(lock, pin.project), "project": str(pin.project)}
        if version is None and filename in here:
            yield Finding.of(filename, "opinion", Severity.NOTE, case="left-out-here", **facts)
        elif version is None:
            yield error(filename, "opinion", case="left-out", **facts)
        elif not is_version(version, pin.version):
            versions = {"version": version, "locked": str(pin.version)}
            yield error(filename, "opinion", case="version", **facts, **versions)
    for project, version in compiled_versions.items():
        if project not in NOT_PINNED_BY_DEFAULT:
            yield error(project, "opinion", case="more", project=str(project), version=version)
