"""Compare the lock with pip-compile's result for the same requirements (pure)."""

import re
from collections.abc import Collection, Iterator
from dataclasses import replace

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from wheelhouse.findings import Finding, Severity
from wheelhouse.lock.lock import Lock
from wheelhouse.rehearse.rehearsal import error, pin_of
from wheelhouse.verify.closure import asked_by

PINNED = re.compile(r"^(?P<name>[A-Za-z0-9][\w.-]*)(?:\[[^\]]*\])?==(?P<version>[^\s;\\]+)", re.MULTILINE)
NOT_PINNED_BY_DEFAULT = frozenset({"pip", "setuptools", "distribute"})


def question(lock: Lock, constraints: str | None) -> str:
    """A lock's inputs as a requirements file for pip-compile; `constraints` is the path of a constraints file."""
    lines = [_by_name(Requirement(text), lock) for text in lock.inputs.requirements]
    return "".join(f"{line}\n" for line in [*lines, *([f"-c {constraints}"] if constraints else [])])


def _by_name(requirement: Requirement, lock: Lock) -> str:
    """A requirement; a direct one (URL or path) becomes its pin, because the file is in the wheelhouse."""
    pin = pin_of(lock, requirement.name)
    if not requirement.url or pin is None:
        return str(requirement)
    extras = f"[{','.join(sorted(requirement.extras))}]" if requirement.extras else ""
    return f"{requirement.name}{extras}=={pin.version}"


def differences(lock: Lock, compiled: str, here: Collection[str]) -> Iterator[Finding]:
    """Findings for pins that pip-compile does not have, and for its pins that the lock does not have.

    `here` has the files that pip-compile's interpreter does not need, because its markers differ from the target's.
    """
    compiled_versions = {canonicalize_name(match["name"]): match["version"] for match in PINNED.finditer(compiled)}
    for pin in lock.pins:
        version = compiled_versions.pop(pin.project, None)
        asked = next(iter(asked_by(lock, pin.project)), "nothing asks for it")
        if version is None:
            finding = error(pin.artifact.filename, "opinion", f"pip-compile leaves {pin.project} out, and {asked}")
            why = "; the Python that it ran under differs from the target in a marker"
            yield (
                replace(finding, severity=Severity.NOTE, sentence=finding.sentence + why)
                if pin.artifact.filename in here
                else finding
            )
        elif version != str(pin.version):
            sentence = f"pip-compile takes {pin.project} {version}, the lock {pin.version}; {asked}"
            yield error(
                pin.artifact.filename, "opinion", sentence, "see `wheelhouse why`; fetch again with --upgrade-project"
            )
    for project, version in compiled_versions.items():
        if project not in NOT_PINNED_BY_DEFAULT:
            yield error(project, "opinion", f"pip-compile wants {project} {version} too, which the lock does not name")
