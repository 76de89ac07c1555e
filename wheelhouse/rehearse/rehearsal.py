"""A rehearsal: its steps and their outcomes (pure)."""

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass

from packaging.requirements import InvalidRequirement, Requirement
from packaging.utils import canonicalize_name
from packaging.version import Version

from wheelhouse.archive.build_system import LEGACY_REQUIRES, BuildSystem
from wheelhouse.archive.filenames import release_of
from wheelhouse.documents import too_deep_as
from wheelhouse.errors import InputError
from wheelhouse.findings import FactValue, Finding, Severity, worst
from wheelhouse.humanize import shortened
from wheelhouse.lock.lock import Lock, Pin
from wheelhouse.target.target import Target

WHEEL_WITHIN = Version("70.1")
"""The first setuptools that makes wheels without the project `wheel`."""
IN_EVERY_ENVIRONMENT = frozenset({"pip", "setuptools", "wheel", "pkg-resources"})
"""Projects that a new virtual environment may contain."""


@dataclass(frozen=True, slots=True)
class Step:
    """One check of one target, with its wall time in seconds and its findings.

    `skipped` says why it was not run; `note` names the tool that ran it, or has the last line of its output.
    """

    name: str
    target: str
    seconds: float = 0.0
    findings: tuple[Finding, ...] = ()
    skipped: str = ""
    note: str = ""

    @property
    def failed(self) -> bool:
        """Whether a finding is an error; False without findings."""
        return (worst(self.findings) or Severity.NOTE) >= Severity.ERROR

    @property
    def outcome(self) -> str:
        """`ok`, `failed` or `skipped`."""
        return "skipped" if self.skipped else "failed" if self.failed else "ok"


INSTALLS = ("install", "image")
"""The steps after which a target is installed, here or in an image."""


def installed_for(steps: Iterable[Step]) -> list[str]:
    """The targets whose install or image build succeeded, each once, in the order of the steps; other steps do not count."""
    return list(dict.fromkeys(step.target for step in steps if step.name in INSTALLS and step.outcome == "ok"))


def skipped_targets(steps: Sequence[Step]) -> list[str]:
    """The targets whose install was skipped and for which no image build was tried, each once, in the order of the steps."""
    tried = {step.target for step in steps if step.name in INSTALLS and not step.skipped}
    return list(dict.fromkeys(step.target for step in steps if step.name in INSTALLS and step.target not in tried))


def error(subject: str, rule: str, **facts: FactValue) -> Finding:
    """A finding of severity error: it fails a step."""
    return Finding.of(subject, rule, Severity.ERROR, **facts)


def pin_of(lock: Lock, name: str) -> Pin | None:
    """The pin of a project, however its name is spelled; None if the lock has none."""
    project = canonicalize_name(name)
    return next((pin for pin in lock.pins if pin.project == project), None)


def is_version(text: str, version: Version) -> bool:
    """Whether a text that a tool printed is this version, however it is spelled: `2013.09` is 2013.9. False for no version."""
    try:
        return Version(text) == version
    except ValueError:  # also of a number with more digits than Python reads
        return False


def differently_installed(lock: Lock, installed: Mapping[str, str], free: Collection[str] = ()) -> Iterator[Finding]:
    """Findings for projects that were not installed, or in another version, or that the lock does not have.

    A project in `free` can have any version, but must be there if it is locked; it, and what IN_EVERY_ENVIRONMENT names, can
    be there without being locked.
    """
    versions = {canonicalize_name(name): version for name, version in installed.items()}
    for pin in lock.pins:
        installed_version = versions.pop(pin.project, None)
        if installed_version is None:
            yield error(pin.artifact.filename, "not-installed", project=str(pin.project), version=str(pin.version))
        elif pin.project not in free and not is_version(installed_version, pin.version):
            yield error(
                pin.artifact.filename,
                "other-version",
                project=str(pin.project),
                version=installed_version,
                locked=str(pin.version),
            )
    for project, installed_version in versions.items():
        if project not in IN_EVERY_ENVIRONMENT and project not in free:
            yield error(project, "not-locked", project=str(project), version=installed_version)


def not_imported(lock: Lock, failed: Mapping[str, Mapping[str, str]], under: str) -> Iterator[Finding]:
    """A warning for each module that does not import, if its project is in the lock. `failed` maps project to module to reason."""
    for project, modules in failed.items():
        if pin := pin_of(lock, project):
            for module, reason in modules.items():
                facts = {"case": _import_case(reason), "module": module, "under": under, "reason": reason}
                yield Finding.of(pin.artifact.filename, "import", Severity.WARNING, **facts)


def _import_case(reason: str) -> str:
    """The cause of a failed import, from Python's own error: `library`, `module` or `other`."""
    if ".so" in reason and "cannot open" in reason:
        return "library"
    return "module" if reason.startswith("ModuleNotFoundError") else "other"


def without_builder(sdist: str, system: BuildSystem, filenames: Iterable[str], target: Target) -> Iterator[Finding]:
    """A finding if an sdist's build requirements are not among the files that pip sees (PEP 518), or if one cannot be read, or has
    a marker that cannot be evaluated on the target; at most one finding, with all of them. If some cannot be read or
    evaluated, it has only these.

    An sdist without `[build-system]` does not need `wheel` if setuptools has its own `bdist_wheel`.
    """
    offered: dict[str, list[Version]] = {}
    for name in filenames:
        with suppress(ValueError):
            project, version = release_of(name)
            offered.setdefault(project, []).append(version)
    brings_wheel = any(version >= WHEEL_WITHIN for version in offered.get("setuptools", ()))
    requires = LEGACY_REQUIRES[:1] if system == BuildSystem() and brings_wheel else system.requires
    missing, invalid = [], []
    for text in requires:
        try:
            with too_deep_as(InvalidRequirement):
                requirement = Requirement(text)
                hash(requirement.specifier)  # reads its versions
                versions = offered.get(canonicalize_name(requirement.name), ())
                if target.applies(requirement.marker) and not any(map(requirement.specifier.contains, versions)):
                    missing.append(str(requirement))
        except (ValueError, InputError):
            invalid.append(shortened(text))
    if invalid:
        yield error(sdist, "not-built", case="unreadable", requirements=tuple(invalid))
    elif missing:
        yield error(sdist, "not-built", case="requirements", requirements=tuple(missing))
