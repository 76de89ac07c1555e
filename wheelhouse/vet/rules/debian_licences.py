"""Rules about the licences of Debian packages, for a policy that names licences (pure)."""

from collections.abc import Iterator, Mapping, Sequence

from wheelhouse.debian.debian_lock import FOLDER, DebianLock
from wheelhouse.findings import Finding, Policy, Severity
from wheelhouse.vet.image_packages import ImagePackages
from wheelhouse.vet.licences import allowed, denied
from wheelhouse.vet.rules import checked_elsewhere

GROUP = "licensing"
DENIED, NOT_ALLOWED, UNKNOWN = "deb-licence-denied", "deb-licence-not-allowed", "deb-licence-unknown"

checked_elsewhere(
    Severity.ERROR,
    {
        DENIED: "A Debian package has files under a licence that is in the policy's licences-denied.\n\n"
        "The package's copyright file names the licences of all files. If it says `or`, the user may choose, so the rule "
        "reports the package only if all choices are denied.",
        NOT_ALLOWED: "A Debian package has files under a licence that is not in the policy's licences-allowed.\n\n"
        "The package's copyright file names the licences of all files. Without licences-allowed, all licences are allowed.",
    },
    group=GROUP,
)
checked_elsewhere(
    Severity.WARNING,
    {
        UNKNOWN: "The policy allows or denies licences, but the copyright file of a Debian package is not machine-readable.\n\n"
        "The copyright file is a link to a file of another package. Or it is not in the machine-readable format, does not refer to a "
        "text in /usr/share/common-licenses, and does not contain a known licence text."
    },
    group=GROUP,
)


def deb_licence_findings(
    lock: DebianLock, licences: Mapping[str, str], policy: Policy, images: Sequence[ImagePackages] = ()
) -> Iterator[Finding]:
    """At most one finding on each Debian package, and on each package in base images; none if the policy names no licences.

    `licences` has the SPDX expression of those that tell one, by place in the wheelhouse.
    """
    if not (policy.licences_denied or policy.licences_allowed):
        return
    for deb in lock.packages:
        place = f"{FOLDER}/{deb.place}"
        yield from _findings(place, deb.name, deb.version, licences.get(place, ""), policy)
    for image in images:
        for package in image.packages:
            yield from _findings(image.subject, package.name, package.version, package.licence, policy)


def _findings(subject: str, package: str, version: str, expression: str, policy: Policy) -> Iterator[Finding]:
    """The finding on one package, if there is one: its licence is unknown, denied, or not allowed."""
    facts = {"package": package, "version": version}
    if not expression:
        yield Finding.of(subject, UNKNOWN, Severity.WARNING, **facts)
    elif names := denied(expression, policy.licences_denied):
        yield Finding.of(subject, DENIED, Severity.ERROR, expression=expression, denied=tuple(names), **facts)
    elif policy.licences_allowed and not allowed(expression, policy.licences_allowed):
        yield Finding.of(subject, NOT_ALLOWED, Severity.ERROR, expression=expression, **facts)
