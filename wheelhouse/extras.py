"""The extras of wheelhouse: which projects each is made of, and how to install it beside this very wheelhouse."""

import shlex
import sys
from collections.abc import Mapping
from functools import cache
from importlib import metadata

from packaging.requirements import Requirement

DISTRIBUTION = "airgap-wheelhouse"


@cache
def extras() -> Mapping[str, tuple[Requirement, ...]]:
    """The requirements of each extra, as the installed metadata list them; none if wheelhouse is not installed."""
    try:
        own = metadata.metadata(DISTRIBUTION)
    except metadata.PackageNotFoundError:
        return {}
    requirements = [Requirement(text) for text in own.get_all("Requires-Dist") or ()]
    marked = [requirement for requirement in requirements if requirement.marker]
    return {
        extra: tuple(requirement for requirement in marked if _is_of(requirement, extra))
        for extra in own.get_all("Provides-Extra") or ()
    }


def _is_of(requirement: Requirement, extra: str) -> bool:
    """Whether an extra brings a requirement that is not there without it."""
    marker = requirement.marker
    return marker is not None and marker.evaluate({"extra": extra}) and not marker.evaluate({"extra": ""})


def missing(extra: str) -> tuple[str, ...]:
    """The projects of an extra that are not installed, or in a version that does not fit."""
    return tuple(requirement.name for requirement in extras().get(extra, ()) if not _is_installed(requirement))


def _is_installed(requirement: Requirement) -> bool:
    try:
        return requirement.specifier.contains(metadata.version(requirement.name), prereleases=True)
    except metadata.PackageNotFoundError:
        return False


def install_command(extra: str) -> str:
    """The shell command that adds an extra to this wheelhouse, however it was installed."""
    requirements = []
    for requirement in extras().get(extra, ()):
        bare = Requirement(str(requirement))
        bare.marker = None
        requirements.append(str(bare))
    return pip_install(*requirements)


def pip_install(*requirements: str) -> str:
    """The shell command that installs projects beside wheelhouse. wheelhouse depends on pip, so pip is there."""
    return shlex.join([sys.executable, "-m", "pip", "install", *requirements])
