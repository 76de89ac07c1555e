"""Turn the errors of pip, uv and pip-tools into findings: which file asked for what, and why it was missing (pure)."""

import re
from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass, replace

from packaging.requirements import InvalidRequirement, Requirement
from packaging.utils import NormalizedName, canonicalize_name
from packaging.version import InvalidVersion, Version

from wheelhouse.archive.filenames import wheel_parts
from wheelhouse.build.build_log import Reason, pip_build_logs, reasons, remedy
from wheelhouse.findings import FactValue, Finding, Severity
from wheelhouse.lock.lock import Lock
from wheelhouse.rehearse.rehearsal import error, is_version, pin_of
from wheelhouse.verify.closure import requests_for

NO_INDEX = re.compile(
    r"(?:connection broken by|Failed to establish|failure in name resolution|error sending request|dns error)"
)
ASKED_INDEX = re.compile(
    r"after connection broken by .*?: /?(?:\S*/)?(?P<project>[\w.-]+)/\s*$|url: /(?:\S*/)?(?P<uv>[\w.-]+)/",
    re.MULTILINE,
)
REPLACED = re.compile(r"Found existing installation: (?P<project>\S+) (?P<version>\S+)")
SEEN_SINCE = (
    (re.compile(r"musllinux_\d"), Version("21.2")),
    (re.compile(r"manylinux_\d"), Version("20.3")),
    (re.compile(r"manylinux2014"), Version("19.3")),
    (re.compile(r"manylinux2010"), Version("19.0")),
)
"""The first pip that supports each kind of platform tag (PEP 571, 599, 600, 656)."""


@dataclass(frozen=True, slots=True)
class InstallErrorPattern:
    """A line of a log, by its pattern, and what it means for a lock."""

    pattern: re.Pattern[str]
    meaning: Callable[[re.Match[str], Lock], Finding]


def _not_found(match: re.Match[str], lock: Lock) -> Finding:
    """The finding for a requirement that pip did not find: why, from what the lock has of the project."""
    text, versions = match["wanted"].strip(), match["versions"] or "none"
    try:
        requirement = Requirement(text)
    except InvalidRequirement:
        return error(text, "not-found", case="unreadable", wanted=text)
    project = canonicalize_name(requirement.name)
    pin, request = pin_of(lock, project), _request(lock, project, text)
    if pin is None:
        case = "unlocked" if versions == "none" else "versions"
        return error(str(project), "not-found", case=case, wanted=text, versions=versions, **request)
    locked = str(pin.version)
    case = "unseen" if requirement.specifier.contains(pin.version, prereleases=True) else "excluded"
    return error(pin.artifact.filename, "not-found", case=case, wanted=text, locked=locked, **request)


def _request(lock: Lock, project: NormalizedName, text: str) -> dict[str, FactValue]:
    """Who requires a project, as `requests_for` has it; if no file and no user does, the install, with this text."""
    return requests_for(lock, project) or {"by": "", "requirement": text, "more_requests": 0}


def _unsupported(match: re.Match[str], lock: Lock) -> Finding:
    """The finding for a wheel that pip refuses for this platform."""
    name = match["file"].rpartition("/")[2]
    return error(name, "unfit", case="installed", target=lock.target.name)


def _unhashed(match: re.Match[str], lock: Lock) -> Finding:
    """The finding for a requirement without a pin and a hash: no lock file names it."""
    text = match["wanted"].strip()
    project = canonicalize_name(re.split(r"[^\w.-]", text, maxsplit=1)[0])
    return error(str(project), "not-found", case="unhashed", **_request(lock, project, text))


def _invalid(match: re.Match[str], _lock: Lock) -> Finding:
    """The finding for a name that pip does not take as a requirement: a renamed file if it begins with a hyphen."""
    name = match["name"]
    if name.startswith("-"):
        return error(name, "rename", case="option", name=name)
    return error(name, "requirement")


def _altered(match: re.Match[str], lock: Lock) -> Finding:
    """The finding for a file whose hash differs from the requirements file."""
    pin = pin_of(lock, match["project"])
    subject = pin.artifact.filename if pin else match["project"]
    return error(subject, "altered", case="installed")


def _conflict(match: re.Match[str], _lock: Lock) -> Finding:
    """The finding for projects that pip cannot install together, with the causes on one line."""
    causes = "; ".join(map(str.strip, match["why"].strip().splitlines()))
    return error(match["these"], "conflict", projects=match["these"], causes=causes)


def _not_built(match: re.Match[str], lock: Lock) -> Finding:
    """The finding for a project that could not be built, with the causes in the whole log."""
    return _failed_build(match["project"], reasons(match.string), "", lock)


def _failed_build(subject: str, causes: Sequence[Reason], fallback: str, lock: Lock) -> Finding:
    """The finding for a failed build, explained as `wheelhouse build` explains it; `fallback` is the text if no cause is recognised.

    `subject` is the name of a file or project.
    """
    pin = next((pin for pin in lock.pins if pin.artifact.filename == subject), None) or pin_of(lock, subject)
    why = "; ".join(reason.sentence for reason in causes) or fallback
    finding = error(pin.artifact.filename if pin else subject, "not-built", case="failed")
    return finding.with_context(cause=why, remedy=remedy(causes) or "")


def _refused_metadata(match: re.Match[str], lock: Lock) -> Finding:
    """The finding for a file whose metadata this pip refuses."""
    pin = pin_of(lock, canonicalize_name(match["project"]))
    return error(pin.artifact.filename if pin else match["project"], "legacy-metadata", case="installed")


INSTALL_ERROR_PATTERNS = (
    InstallErrorPattern(
        re.compile(r"Ignoring version \S+ of (?P<project>\S+) since it has invalid metadata"), _refused_metadata
    ),
    InstallErrorPattern(
        re.compile(
            r"Could not find a version that satisfies the requirement (?P<wanted>[^(\n]+?)(?: \(from (?!versions)[^\n]*?\))?"
            r" \(from versions: (?P<versions>[^)\n]*)\)"
        ),
        _not_found,
    ),
    InstallErrorPattern(
        re.compile(r"No matching distribution found for (?P<wanted>[^(\n]+)(?P<versions>)"), _not_found
    ),
    InstallErrorPattern(
        re.compile(r"ERROR: (?P<file>\S+\.whl) is not a supported wheel on this platform"), _unsupported
    ),
    InstallErrorPattern(
        re.compile(r"requirements must have their versions pinned with ==\. These do not:\s+(?P<wanted>\S+)"), _unhashed
    ),
    InstallErrorPattern(re.compile(r"Invalid requirement: '?(?P<name>-?[^'\n:]+)"), _invalid),
    InstallErrorPattern(re.compile(r"DO NOT MATCH THE HASHES[^\n]*\n\s+(?P<project>[\w.-]+)(?:==| from)"), _altered),
    InstallErrorPattern(
        re.compile(
            r"Cannot install (?P<these>[^\n]+?) because these package versions have conflicting dependencies\.\s+"
            r"(?:ERROR: )?The conflict is caused by:\n(?P<why>(?:[ ]+[^\n]+\n)+)"
        ),
        _conflict,
    ),
    InstallErrorPattern(
        re.compile(r"Failed to build (?:['`]?)(?P<project>[\w.-]+)|Could not build wheels for (?P<other>[\w.-]+)"),
        _not_built,
    ),
)


def explained(output: str, lock: Lock, command: str) -> list[Finding]:
    """The findings recognised in a failed command's output, one for each subject; without any, one with its last words.

    Of several on one subject a failed build counts first, then the first pattern; a request to an index counts before
    these if the subject is a locked file, else after them.
    """
    logs = pip_build_logs(output)
    failed = [_failed_build(subject, reasons(log), last_words(log), lock) for subject, log in logs.items()]
    findings = {finding.subject: finding for finding in failed}
    for known_error in INSTALL_ERROR_PATTERNS:
        for match in known_error.pattern.finditer(output):
            if known_error.meaning is _not_built and not match["project"]:
                continue
            finding = known_error.meaning(match, lock)
            findings.setdefault(finding.subject, finding)
    index_findings = {finding.subject: finding for finding in _asked_of_an_index(output, lock)}
    locked = {artifact.filename for artifact in lock.artifacts}
    findings |= {
        subject: finding for subject, finding in index_findings.items() if subject in locked or subject not in findings
    }
    failed_command = error(lock.filename, "command", case="failed", command=command, output=last_words(output))
    return list(findings.values()) or [failed_command]


def install_findings(output: str, lock: Lock, free: Collection[str]) -> Iterator[Finding]:
    """Warnings about a successful install: a request to an index failed, or it replaced a version other than the locked one.

    The projects in `free` may be installed in several versions by design.
    """
    for finding in _asked_of_an_index(output, lock):
        yield replace(finding, severity=Severity.WARNING)
    for match in REPLACED.finditer(output):
        pin = pin_of(lock, match["project"])
        if pin and pin.project not in free and not is_version(match["version"], pin.version):
            facts = {"project": str(pin.project), "first": match["version"], "locked": str(pin.version)}
            yield Finding.of(pin.artifact.filename, "twice", Severity.WARNING, **facts)


def _asked_of_an_index(output: str, lock: Lock) -> Iterator[Finding]:
    """A finding for each project that was requested from an index, as there is none; nothing if the output shows no failed connection."""
    if not NO_INDEX.search(output):
        return
    for project in dict.fromkeys(
        canonicalize_name(match["project"] or match["uv"]) for match in ASKED_INDEX.finditer(output)
    ):
        pin = pin_of(lock, project)
        subject = pin.artifact.filename if pin else str(project)
        yield error(subject, "index", project=str(project))


def last_words(output: str) -> str:
    """The last line of an output that begins as an error does (`ERROR`, `fatal`, `ValueError`), else its last line, cut to 400
    characters; `it printed nothing` if it is empty.
    """
    lines = [line.strip() for line in output.splitlines() if line.strip()]
    telling = [line for line in lines if re.match(r"(?i)(error|fatal|[\w.]*error)\b", line)]
    return (telling or lines or ["it printed nothing"])[-1][:400]


def unseen_by(pip: str, lock: Lock, source: str) -> Iterator[Finding]:
    """Findings for wheels that a pip of this version cannot use, because it supports none of their tags.

    `source` is where the install's pip comes from: the wheelhouse's `tools`, or the `interpreter`. If `pip` is not a version,
    there are no findings.
    """
    try:
        version = Version(pip)
    except InvalidVersion:
        return
    for pin in lock.pins:
        if pin.artifact.is_wheel and (since := _seen_since(pin.artifact.filename)) > version:
            yield error(pin.artifact.filename, "pip-too-old", case=source, pip=pip, since=str(since))


def _seen_since(filename: str) -> Version:
    """The first pip that recognises one of a wheel's platform tags; 9 for tags that every pip knows."""
    platforms = {tag.platform for tag in wheel_parts(filename)[3]}
    needed = [
        next((since for kind, since in SEEN_SINCE if kind.match(platform)), Version("9")) for platform in platforms
    ]
    return min(needed, default=Version("9"))
