"""Rules about Debian packages: known vulnerabilities, by source package and in dpkg's order of versions (pure).

Source: OSV schema, ecosystems `Debian:12` and `Ubuntu:24.04:LTS`; a record names the source package.
"""

from collections.abc import Iterator, Sequence

from packaging.utils import NormalizedName

from wheelhouse.debian.deb_version import is_version, version_key
from wheelhouse.debian.debian_lock import FOLDER, DebianLock, LockedDeb
from wheelhouse.findings import Finding, Severity
from wheelhouse.vet.advisories import Advisories, Advisory, Event, within
from wheelhouse.vet.cvss import rating
from wheelhouse.vet.ecosystems import debian_key
from wheelhouse.vet.image_packages import ImagePackage, ImagePackages
from wheelhouse.vet.rules import checked_elsewhere
from wheelhouse.vet.threats import NO_THREATS, Threats

GROUP = "vulnerabilities"
VULNERABLE, MISSING = "deb-vulnerable", "deb-advisories-missing"

checked_elsewhere(
    Severity.ERROR,
    {
        VULNERABLE: "A published advisory says that this version of a Debian package is vulnerable.\n\n"
        "If an advisory names no newer fixed version, the finding is a warning. Advisories name source packages. "
        "The rule compares versions as dpkg does."
    },
    group=GROUP,
)
checked_elsewhere(
    Severity.WARNING,
    {
        MISSING: "Known vulnerabilities of Debian packages were not checked: the snapshot has no advisory for this Debian release.\n\n"
        "Put OSV's export for the release, such as Debian:12, into one folder with the export for PyPI, and import the folder."
    },
    group=GROUP,
)


def debian_findings(
    lock: DebianLock, advisories: Advisories | None, threats: Threats = NO_THREATS
) -> Iterator[Finding]:
    """A finding for each advisory that affects a Debian package of a wheelhouse: an error if the advisory has a newer, fixed
    version, else a warning. `threats` adds only context. No finding without packages.

    Without a snapshot, or if it has no advisory for their distribution, one finding says so instead; its subject is the
    folder.
    """
    packages = [(f"{FOLDER}/{deb.place}", deb) for deb in lock.packages]
    yield from _findings(f"{FOLDER}/", lock.distribution, packages, advisories, threats)


def image_findings(
    image: ImagePackages, advisories: Advisories | None, threats: Threats = NO_THREATS
) -> Iterator[Finding]:
    """A finding for each advisory that affects a package that is installed in a base image; none without packages.

    Without a snapshot, or if it has no advisory for their distribution, one finding says so instead.
    """
    packages = [(image.subject, package) for package in image.packages]
    yield from _findings(image.subject, image.distribution, packages, advisories, threats)


def _findings(
    whole: str,
    distribution: str,
    packages: Sequence[tuple[str, LockedDeb | ImagePackage]],
    advisories: Advisories | None,
    threats: Threats,
) -> Iterator[Finding]:
    """A finding for each advisory that affects a package of one distribution; `packages` has each with its subject.

    If no advisory is for the distribution, one finding on `whole` says so instead. No finding without packages.
    """
    ecosystems = _ecosystems(distribution)
    known = advisories.by_project if advisories else {}
    prefixes = tuple(debian_key(ecosystem, "") for ecosystem in ecosystems)
    if packages and not any(key.startswith(prefixes) for key in known):
        yield Finding.of(whole, MISSING, Severity.WARNING, distribution=distribution or "unknown")
        return
    for subject, deb in packages:
        keys: list[NormalizedName] = [debian_key(ecosystem, deb.source) for ecosystem in ecosystems]
        for advisory in (one for key in keys for one in known.get(key, ())):
            if is_affected(advisory, deb.source_version):
                yield _finding(subject, deb, advisory, threats)


def _ecosystems(distribution: str) -> tuple[str, ...]:
    """OSV's names, in lower case, for a distribution such as `debian-12` or `ubuntu-24.04`, with its LTS; empty if it has no release."""
    name, _, release = distribution.partition("-")
    if not release:
        return ()
    return (f"{name}:{release}", f"{name}:{release}:lts") if name == "ubuntu" else (f"{name}:{release}",)


def is_affected(advisory: Advisory, version: str) -> bool:
    """Whether a source version is in a range of an advisory, or is listed by it. A range with a version that cannot be
    sorted is left out. The package's name is not compared.
    """
    return version in advisory.versions or any(_is_within(events, version) for events in advisory.ranges)


def _is_within(events: Sequence[Event], version: str) -> bool:
    """Whether a version is in a range; False if the two cannot be compared."""
    try:
        return within(events, version_key(version), version_key)
    except ValueError:
        return False


def _fixed(advisory: Advisory, version: str) -> str:
    """The lowest fixed version of an advisory that is newer than a source version; empty if it names none.

    Versions that cannot be sorted are left out; it is empty, too, if the source version cannot be sorted.
    """
    fixes = (one.version for events in advisory.ranges for one in events if one.kind == "fixed")
    newer = (
        fix for fix in fixes if is_version(fix) and is_version(version) and version_key(fix) > version_key(version)
    )
    return min(newer, key=version_key, default="")


def _finding(subject: str, deb: LockedDeb | ImagePackage, advisory: Advisory, threats: Threats) -> Finding:
    """The finding on a package and an advisory: an error if the advisory names a fixed version that is newer, else a warning."""
    fixed = _fixed(advisory, deb.source_version)
    return Finding.of(
        subject,
        VULNERABLE,
        Severity.ERROR if fixed else Severity.WARNING,
        case="fixed" if fixed else "unfixed",
        package=deb.name,
        version=deb.version,
        ids=tuple(sorted(advisory.names)),
        fixed=fixed,
        rating=rating(advisory.severity),
        summary=advisory.summary,
    ).with_context(**threats.of(advisory.names))
