"""Rules about Debian packages, in a wheelhouse and in base images: advisories and licences."""

from collections.abc import Iterable

from packaging.utils import NormalizedName

from wheelhouse.debian.debian_lock import DebianLock, LockedDeb
from wheelhouse.findings import Finding, Policy, Severity
from wheelhouse.vet.advisories import Advisories, Advisory, Event
from wheelhouse.vet.image_packages import ImagePackage, ImagePackages
from wheelhouse.vet.rules.debian_licences import deb_licence_findings
from wheelhouse.vet.rules.debian_packages import debian_findings, image_findings, is_affected
from wheelhouse.vet.threats import Threats

DEB = LockedDeb(
    *("libssl3", "3.0.1-1+b1", "amd64", "main", "pool/libssl3.deb", "a" * 64, 1, "bookworm", "main"),
    *("openssl", "3.0.1-1", ()),
)
PACKAGE = ImagePackage("libssl3", "3.0.1-1+b1", "amd64", "openssl", "3.0.1-1", "Apache-2.0")
PLACE, IMAGE = "debian/main/pool/libssl3.deb", "image/blobs/sha256/1"
FIXED = (Event("introduced", "0"), Event("fixed", "3.0.1-2"))
UNFIXED = (Event("introduced", "3.0.1-1"),)
OLDER = (Event("introduced", "0"), Event("fixed", "3.0.1-1"))
LATER = (Event("introduced", "3.0.1-5"), Event("fixed", "3.0.1-9"))
UNSORTED = (Event("introduced", "0"), Event("fixed", "x:1"))


def lock(distribution: str, *packages: LockedDeb) -> DebianLock:
    return DebianLock(distribution=distribution, packages=packages)


def advisory(key: str, *ranges: tuple[Event, ...], versions: Iterable[str] = ()) -> Advisory:
    name = NormalizedName(key)
    return Advisory("DSA-1", name, frozenset({"CVE-1"}), ranges, frozenset(versions), "high", summary="It overflows.")


def known(*advisories: Advisory) -> Advisories:
    return Advisories({one.project: (one,) for one in advisories})


def vulnerable(subject: str, fixed: str) -> Finding:
    return Finding.of(
        *(subject, "deb-vulnerable", Severity.ERROR if fixed else Severity.WARNING),
        case="fixed" if fixed else "unfixed",
        package="libssl3",
        version="3.0.1-1+b1",
        ids=("CVE-1", "DSA-1"),
        fixed=fixed,
        rating="high",
        summary="It overflows.",
    )


def missing(subject: str, distribution: str) -> Finding:
    return Finding.of(subject, "deb-advisories-missing", Severity.WARNING, distribution=distribution)


OTHER = advisory("debian:12/zlib", FIXED)
ROWS: dict[str, tuple[str, Advisories | None, list[Finding]]] = {
    "fixed": ("debian-12", known(OTHER, advisory("debian:12/openssl", FIXED)), [vulnerable(PLACE, "3.0.1-2")]),
    "not fixed": ("debian-12", known(advisory("debian:12/openssl", UNFIXED)), [vulnerable(PLACE, "")]),
    "one of two ranges": (
        "debian-12",
        known(advisory("debian:12/openssl", OLDER, UNFIXED)),
        [vulnerable(PLACE, "")],
    ),
    "a fix of each range": (
        "debian-12",
        known(advisory("debian:12/openssl", LATER, OLDER, FIXED)),
        [vulnerable(PLACE, "3.0.1-2")],
    ),
    "named, and fixed before": (
        "debian-12",
        known(advisory("debian:12/openssl", OLDER, versions=["3.0.1-1"])),
        [vulnerable(PLACE, "")],
    ),
    "a fix that cannot be sorted": (
        "debian-12",
        known(advisory("debian:12/openssl", UNSORTED, FIXED)),
        [vulnerable(PLACE, "3.0.1-2")],
    ),
    "older versions alone": ("debian-12", known(advisory("debian:12/openssl", OLDER)), []),
    "other sources alone": ("debian-12", known(OTHER), []),
    "Ubuntu": ("ubuntu-24.04", known(advisory("ubuntu:24-04/openssl", FIXED)), [vulnerable(PLACE, "3.0.1-2")]),
    "Ubuntu with LTS": (
        "ubuntu-24.04",
        known(advisory("ubuntu:24-04:lts/openssl", FIXED)),
        [vulnerable(PLACE, "3.0.1-2")],
    ),
    "Debian has no LTS": ("debian-12", known(OTHER, advisory("debian:12:lts/openssl", FIXED)), []),
    "advisories for another release": (
        "debian-12",
        known(advisory("debian:13/openssl", FIXED)),
        [missing("debian/", "debian-12")],
    ),
    "advisories for no release": ("debian", known(OTHER), [missing("debian/", "debian")]),
    "an unknown distribution": ("", known(OTHER), [missing("debian/", "unknown")]),
    "no advisories": ("debian-12", None, [missing("debian/", "debian-12")]),
    "a name with two hyphens": (
        "debian-12-x",
        known(advisory("debian:12-x/openssl", FIXED)),
        [vulnerable(PLACE, "3.0.1-2")],
    ),
}


def test_each_package_has_a_finding_for_each_advisory_on_its_source() -> None:
    for name, (distribution, advisories, expected) in ROWS.items():
        assert list(debian_findings(lock(distribution, DEB), advisories)) == expected, name
        assert list(debian_findings(lock(distribution), advisories)) == [], name


def test_packages_of_an_image_are_looked_at_alike_and_threats_are_told() -> None:
    image = ImagePackages(IMAGE, "amd64", "debian-12", (PACKAGE,))
    advisories = known(advisory("debian:12/openssl", FIXED))
    (finding,) = image_findings(image, advisories, Threats({"CVE-1": "2024-01-01"}, {"DSA-1": 0.5}))
    assert finding == vulnerable(IMAGE, "3.0.1-2").with_context(exploited="2024-01-01", epss="0.50000")
    assert list(image_findings(image, None)) == [missing(IMAGE, "debian-12")]


def test_a_version_is_affected_by_a_range_or_by_its_name() -> None:
    rows: dict[str, tuple[Advisory, bool]] = {
        "named": (advisory("x", OLDER, versions=["3.0.1-1"]), True),
        "another is named": (advisory("x", OLDER, versions=["3.0.1-2"]), False),
        "in a range": (advisory("x", UNFIXED), True),
        "nothing": (advisory("x"), False),
    }
    for name, (one, expected) in rows.items():
        assert is_affected(one, "3.0.1-1") == expected, name


def licence(rule: str, severity: Severity, subject: str = PLACE, **facts: str | tuple[str, ...]) -> Finding:
    return Finding.of(subject, f"deb-licence-{rule}", severity, package="libssl3", version="3.0.1-1+b1", **facts)


LICENCES: dict[tuple[str, str, str], list[Finding]] = {
    ("MIT", "", ""): [],
    ("", "", ""): [],
    ("", "MIT", ""): [licence("unknown", Severity.WARNING)],
    ("", "", "MIT"): [licence("unknown", Severity.WARNING)],
    ("MIT AND ISC", "", "ISC"): [licence("denied", Severity.ERROR, expression="MIT AND ISC", denied=("ISC",))],
    ("MIT AND ISC", "MIT", "ISC"): [licence("denied", Severity.ERROR, expression="MIT AND ISC", denied=("ISC",))],
    ("MIT AND ISC", "MIT", ""): [licence("not-allowed", Severity.ERROR, expression="MIT AND ISC")],
    ("MIT", "MIT", "ISC"): [],
    ("MIT", "", "ISC"): [],
}


def test_the_licence_of_a_package_is_weighed_by_the_policy() -> None:
    for (expression, allowed, denied), expected in LICENCES.items():
        policy = Policy(licences_allowed=frozenset(allowed.split()), licences_denied=frozenset(denied.split()))
        licences = {PLACE: expression} if expression else {}
        assert list(deb_licence_findings(lock("debian-12", DEB), licences, policy)) == expected, expression
    image = ImagePackages(IMAGE, "amd64", "debian-12", (PACKAGE,))
    policy = Policy(licences_denied=frozenset({"Apache-2.0"}))
    assert list(deb_licence_findings(DebianLock(), {}, policy, [image])) == [
        licence("denied", Severity.ERROR, IMAGE, expression="Apache-2.0", denied=("Apache-2.0",))
    ]
