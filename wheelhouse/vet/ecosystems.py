"""Packages of other ecosystems than PyPI, as bills of materials name them, and their order of versions (pure).

Sources: package-url specification 1.0; OSV schema 1.7, "affected[].package"; Semantic Versioning 2.0.0, 11; rpmvercmp of rpm 4.18.
"""

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote, unquote

from packaging.utils import NormalizedName, canonicalize_name

from wheelhouse.archive.artifact import version_of
from wheelhouse.debian.deb_version import version_key as deb_version_key
from wheelhouse.vet.advisories import Advisories, Advisory, Event, grouped, within

SEMVER = re.compile(r"v?(\d+)(?:\.(\d+))?(?:\.(\d+))?(?:-([0-9A-Za-z.-]+))?(?:\+.*)?")
RPM_PARTS = re.compile(r"[0-9]+|[a-zA-Z]+|[~^]")
RPM_RELEASE = re.compile(r"\.el(\d+)")
SOURCE_RPM = ".src.rpm"
RED_HAT = re.compile(r"Red Hat:enterprise_linux:(\d+)")
"""OSV's ecosystem `Red Hat:enterprise_linux:8::baseos`: CPE names without `cpe:/o:redhat:`."""
DISTRIBUTIONS = {"almalinux": "almalinux", "rocky": "rocky linux", "rockylinux": "rocky linux"}
RED_HATS = frozenset(("redhat", "rhel", "centos"))
DEBIANS = {"buster": "10", "bullseye": "11", "bookworm": "12", "trixie": "13", "forky": "14"}
UBUNTUS = {"focal": "20.04", "jammy": "22.04", "noble": "24.04"}
BY_PURL_TYPE = {"cargo": "crates.io", "npm": "npm", "golang": "go"}
SEMVER_ECOSYSTEMS = frozenset(("crates.io", "npm", "Go"))
RPM_ECOSYSTEMS = ("AlmaLinux:", "Rocky Linux:")


@dataclass(frozen=True, slots=True)
class Purl:
    """A package URL: `pkg:rpm/almalinux/openssl-libs@1.1.1k-18.el8_6?epoch=1`. An absent part is empty."""

    type: str
    namespace: str
    name: str
    version: str
    qualifiers: Mapping[str, str] = field(default_factory=dict, hash=False)

    @property
    def text(self) -> str:
        """The package as people write it: `cargo openssl 0.10.1`, `rpm almalinux/bash 5.1`; without a version `npm ini`."""
        name = f"{self.namespace}/{self.name}" if self.namespace else self.name
        return f"{self.type} {name} {self.version}".strip()

    def names(self, other: "Purl") -> bool:
        """Whether it names the package of another one: the same release, or every release if it has no version.

        The namespaces must be equal if both have one. Qualifiers, also `epoch` and `arch`, are not compared.
        """
        if (self.type, self.normalized_name) != (other.type, other.normalized_name):
            return False
        if self.namespace and other.namespace and self.namespace.lower() != other.namespace.lower():
            return False
        return not self.version or _same_version(self.type, self.version, other.version)

    def qualifier(self, key: str) -> str:
        """The value of a qualifier; empty if there is none of this key, which must be in lower case."""
        return self.qualifiers.get(key, "")

    @property
    def release(self) -> str:
        """It as a package URL without qualifiers, percent-encoded."""
        folder = "".join(f"{quote(part, safe='')}/" for part in self.namespace.split("/") if part)
        version = f"@{quote(self.version, safe=':')}" if self.version else ""
        return f"pkg:{self.type}/{folder}{quote(self.name, safe='')}{version}"

    @property
    def normalized_name(self) -> str:
        """The name without namespace, as PyPI or cargo compares names; of other types as it is."""
        if self.type == "pypi":
            return canonicalize_name(self.name)
        return self.name.replace("_", "-").lower() if self.type == "cargo" else self.name


def _same_version(kind: str, version: str, other: str) -> bool:
    """Whether two spellings are one version: for PyPI as PEP 440 compares them (`1.0` is `1`), False for none; else if they are equal."""
    if kind == "pypi":
        try:
            return version_of(version) == version_of(other)
        except ValueError:
            return False
    return version == other


def parse_purl(text: str) -> Purl | None:
    """A package URL, its type in lower case and its parts decoded, without its subpath.

    None for a text that does not begin with `pkg:`, or has no name after the type; nothing else is checked. All after the
    last `@` is the version, also if that is part of a name.
    """
    scheme, _, rest = text.partition(":")
    rest, _, query = rest.partition("#")[0].partition("?")
    path, at, version = rest.rpartition("@")
    kind, *parts = (path if at else rest).strip("/").split("/")
    if scheme != "pkg" or not parts:
        return None
    *namespace, name = parts
    pairs = (pair.partition("=")[::2] for pair in query.split("&") if pair)
    qualifiers = {key.lower(): unquote(value) for key, value in pairs}
    folder = "/".join(map(unquote, namespace))
    return Purl(kind.lower(), folder, unquote(name), unquote(version) if at else "", qualifiers)


def advisory_key(ecosystem: str, name: str) -> NormalizedName | None:
    """The name under which advisories on a package of another ecosystem than PyPI are kept; None if they are not.

    It has a slash, which no project of PyPI can have: `debian:12/git`, `crates.io/openssl`, `almalinux:8/openssl-libs`.
    """
    if ecosystem.startswith(("Debian:", "Ubuntu:")):
        return debian_key(ecosystem, name)
    if ecosystem in SEMVER_ECOSYSTEMS:
        return _key(ecosystem, name.replace("_", "-") if ecosystem == "crates.io" else name)
    if ecosystem.startswith(RPM_ECOSYSTEMS):
        return _key(ecosystem, name)
    if match := RED_HAT.match(ecosystem):
        return _key(f"red hat:{match[1]}", name)
    return None


def debian_key(ecosystem: str, source: str) -> NormalizedName:
    """The name under which advisories on a source package of Debian or Ubuntu are kept, normalized as PyPI's names: `debian:12/git`."""
    return canonicalize_name(f"{ecosystem}/{source}")


def _key(ecosystem: str, name: str) -> NormalizedName:
    """Ecosystem and name in lower case, with a slash between."""
    return NormalizedName(f"{ecosystem}/{name}".lower())


def component_keys(purl: Purl) -> tuple[NormalizedName, ...]:
    """The names under which advisories on a component are kept, besides PyPI's; none for an ecosystem that is not known.

    Some databases name the source package, so `upstream` of an RPM or a Debian package counts, too. The file name of a
    source RPM counts only if it has the version of the package: advisories on another version cannot be compared.
    """
    names = dict.fromkeys((_source_name(purl) or purl.name, purl.name))
    if purl.type in BY_PURL_TYPE:
        name = f"{purl.namespace}/{purl.name}" if purl.namespace else purl.name
        return (_key(BY_PURL_TYPE[purl.type], name.replace("_", "-") if purl.type == "cargo" else name),)
    if purl.type == "rpm":
        return tuple(_key(ecosystem, name) for ecosystem in _rpm_ecosystems(purl) for name in names)
    if purl.type == "deb":
        return tuple(debian_key(ecosystem, name) for ecosystem in _deb_ecosystems(purl) for name in names)
    return ()


def _source_name(purl: Purl) -> str:
    """The name of the source package in `upstream`: `a`, `a@1` or `a-1-1.el8.src.rpm`.

    Empty without one, and for a source RPM of another version.
    """
    name = purl.qualifier("upstream").partition("@")[0]
    if not name.endswith(SOURCE_RPM):
        return name
    ending = f"-{purl.version.rpartition(':')[2]}{SOURCE_RPM}"
    return name.removesuffix(ending) if name.endswith(ending) else ""


def _rpm_ecosystems(purl: Purl) -> tuple[str, ...]:
    """OSV's distribution of an RPM, in lower case: by its namespace; its release is the first number in `distro`.

    Without one, it is that of its version (`.el8`). At most one distribution; empty if it is not known.
    """
    match = RPM_RELEASE.search(purl.version)
    named = re.search(r"(\d+)", purl.qualifier("distro"))
    release = named[1] if named else match[1] if match else ""
    vendor = purl.namespace.lower()
    if not release:
        return ()
    if vendor in RED_HATS:
        return (f"red hat:{release}",)
    return (f"{DISTRIBUTIONS[vendor]}:{release}",) if vendor in DISTRIBUTIONS else ()


def _deb_ecosystems(purl: Purl) -> tuple[str, ...]:
    """OSV's names of the release of a Debian package, by `distro`: `debian-12`, `debian-12.5`, `bookworm` or `debian-bookworm`.

    Two for Ubuntu, none if it is not known. A name before the hyphen counts instead of the namespace; what follows it is kept
    as it is if it is no codename that is known: `debian-sid` gives `debian:sid`.
    """
    named = purl.qualifier("distro").lower()
    name, hyphen, release = named.partition("-")
    vendor = name if hyphen else purl.namespace.lower()
    release = {**DEBIANS, **UBUNTUS}.get(release if hyphen else named, release)
    if vendor == "ubuntu" and release:
        return (f"ubuntu:{release}", f"ubuntu:{release}:lts")
    return (f"debian:{release.partition('.')[0]}",) if vendor == "debian" and release else ()


def advisories_on(purl: Purl, advisories: Advisories) -> list[tuple[Advisory, ...]]:
    """The advisories that affect a component, in groups of aliases.

    Empty for one of PyPI with a version that PyPI cannot sort. In another ecosystem, a version
    that cannot be sorted is affected only if an advisory lists it.
    """
    if purl.type == "pypi":
        try:
            return advisories.of(canonicalize_name(purl.name), version_of(purl.version))
        except ValueError:
            return []
    known = (one for key in component_keys(purl) for one in advisories.by_project.get(key, ()))
    return grouped(one for one in known if is_affected(one, purl))


def agreed_fix(group: Iterable[Advisory]) -> str:
    """The only fixed version that these advisories name; empty if they name none, or several."""
    fixes = {
        event.version for advisory in group for events in advisory.ranges for event in events if event.kind == "fixed"
    }
    return fixes.pop() if len(fixes) == 1 else ""


def is_affected(advisory: Advisory, purl: Purl) -> bool:
    """Whether a component's version is affected: it is listed, or in a range that can be compared with it.

    The name is not compared.
    """
    version, key = _version(purl), _version_key(purl)
    if purl.version in advisory.versions or version in advisory.versions:
        return True
    return any(_is_within(events, version, key) for events in advisory.ranges)


def _is_within(events: Sequence[Event], version: str, key: Callable[[str], Any]) -> bool:
    """Whether a version is in a range; False if they cannot be compared."""
    try:
        return within(events, key(version), key)
    except ValueError:
        return False


def _version(purl: Purl) -> str:
    """The version, after the epoch that a qualifier gives, also if that is 0; as it is if it has a colon."""
    epoch = purl.qualifier("epoch")
    return f"{epoch}:{purl.version}" if epoch and ":" not in purl.version else purl.version


def _version_key(purl: Purl) -> Callable[[str], Any]:
    """The function that sorts the versions of a component's ecosystem: RPM, Debian, of all others semantic versions.

    An RPM without an epoch is compared without epochs.
    """
    if purl.type == "rpm":
        return rpm_key if ":" in _version(purl) else lambda version: rpm_key(version.rpartition(":")[2])
    return deb_version_key if purl.type == "deb" else semver_key


def semver_key(version: str) -> tuple[Any, ...]:
    """What sorts semantic versions, also `v1` and `1.2`: a missing number is 0. Raises ValueError for any other text."""
    match = SEMVER.fullmatch(version.strip())
    if not match:
        raise ValueError(f"`{version}` is not a semantic version")
    numbers = tuple(int(match[group] or 0) for group in (1, 2, 3))
    if match[4] is None:
        return (*numbers, 1, ())
    return (*numbers, 0, tuple((0, int(one), "") if one.isdigit() else (1, 0, one) for one in match[4].split(".")))


def rpm_key(version: str) -> tuple[Any, ...]:
    """What sorts versions of RPMs: epoch (0 without one), version, release. Every text has one.

    Raises ValueError for a number that is too long for Python.
    """
    epoch, _, rest = version.rpartition(":")
    upstream, _, release = rest.partition("-")
    return int(epoch) if epoch.isdecimal() else 0, _rpm_part(upstream), _rpm_part(release)


def _rpm_part(text: str) -> tuple[tuple[int, int, str], ...]:
    """What sorts a version or release of an RPM: its segments, then the end."""
    return (*map(_rpm_segment, RPM_PARTS.findall(text)), (1, 0, ""))


def _rpm_segment(segment: str) -> tuple[int, int, str]:
    """What sorts one segment: a tilde before the end of a version, a caret after it, then letters, then numbers."""
    if segment.isdigit():
        return (4, int(segment), "")
    return {"~": (0, 0, ""), "^": (2, 0, "")}.get(segment, (3, 0, segment))
