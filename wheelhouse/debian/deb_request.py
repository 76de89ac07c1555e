"""What a user requests: `name`, `name=version` or `name/suite`, as apt-get reads them (pure)."""

import re
from dataclasses import dataclass

from wheelhouse.debian.deb_catalogue import Catalogue
from wheelhouse.debian.deb_package import DebPackage
from wheelhouse.errors import InputError, NoSolutionError

REQUEST = re.compile(
    r"(?P<name>[a-z0-9][a-z0-9+.-]+)(?::(?P<architecture>[a-z0-9-]+))?"
    r"(?:=(?P<version>[0-9][0-9A-Za-z.+~:-]*\*?)|/(?P<suite>[A-Za-z0-9][A-Za-z0-9./_-]*))?"
)


@dataclass(frozen=True, slots=True)
class DebRequest:
    """A package, and which version of it. A `version` that ends in `*` means every version that starts so."""

    name: str
    version: str = ""
    suite: str = ""

    def __str__(self) -> str:
        """As apt-get takes it."""
        return self.name + (f"={self.version}" if self.version else f"/{self.suite}" if self.suite else "")

    def takes(self, version: str) -> bool:
        """Whether a version is the requested one, or starts as a `*` demands; True if none is requested. The suite is not compared."""
        if self.version.endswith("*"):
            return version.startswith(self.version[:-1])
        return self.version in ("", version)


def parse_request(text: str, architecture: str = "") -> DebRequest:
    """A request as typed; `name:ARCHITECTURE` is read, and the architecture dropped.

    Raises InputError for anything else, and for another architecture than `architecture` (if given), `any` and `all`.
    """
    match = REQUEST.fullmatch(text.strip())
    if match is None:
        raise InputError(
            f"`{text}` is not the name of a Debian package",
            hint="write it as apt-get does: git, git=1:2.39.5-0, git/bookworm",
        )
    if architecture and match["architecture"] not in (None, "any", "all", architecture):
        raise InputError(f"`{text}` requests the wrong architecture: the base has {architecture}")
    return DebRequest(match["name"], match["version"] or "", match["suite"] or "")


def requested_package(catalogue: Catalogue, request: DebRequest) -> DebPackage:
    """The version that a request means: without version or suite the candidate, for a virtual package that of its only provider.

    Raises NoSolutionError if there is none, or if a virtual package has several.
    """
    if request.suite or request.version:
        return _requested_version(catalogue, request)
    if package := catalogue.candidate(request.name):
        return package
    providers = {package.name for package in catalogue.providers(request.name)}
    candidates = [package for name in sorted(providers) if (package := catalogue.candidate(name))]
    if len(candidates) == 1:
        return candidates[0]
    if candidates:
        names = ", ".join(package.name for package in candidates)
        raise NoSolutionError(
            f"`{request.name}` is a virtual Debian package; these packages provide it: {names}",
            hint="request one of these packages",
        )
    raise NoSolutionError(
        f"no source has the Debian package `{request.name}`",
        hint="check the name of the package, and the suites and components of the sources",
    )


def _requested_version(catalogue: Catalogue, request: DebRequest) -> DebPackage:
    """The newest version that fits the version or suite of a request; the installed one counts if no suite is
    requested, and stands for its version wherever that is the newest. Raises NoSolutionError with the versions in the sources.
    """
    versions = catalogue.versions(request.name)
    installed = catalogue.installed.get(request.name)
    everything = [*versions, *([installed] if installed and not request.suite else [])]
    fitting = [
        package
        for package in everything
        if request.takes(package.version) and (not request.suite or catalogue.is_in(package, request.suite))
    ]
    if fitting:
        newest = max(fitting, key=lambda package: package.key)
        return installed if installed and installed.version == newest.version else newest
    available = ", ".join(package.version for package in versions) or "none"
    raise NoSolutionError(
        f"no source has the Debian package `{request}`",
        hint=f"versions of `{request.name}` in the sources: {available}",
    )
