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
    """The requirements that each extra adds, by the extra's name, with their markers. Empty if wheelhouse is not installed.

    A requirement whose marker is false here is left out. The installed metadata are read once.
    """
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
    """Whether a requirement is needed with an extra, and not without it. False for a requirement without a marker."""
    marker = requirement.marker
    return marker is not None and marker.evaluate({"extra": extra}) and not marker.evaluate({"extra": ""})


def missing(extra: str) -> tuple[str, ...]:
    """The names of the projects of an extra that are not installed, or in a version that does not fit.

    Empty for an extra that is not known.
    """
    return tuple(requirement.name for requirement in extras().get(extra, ()) if not _is_installed(requirement))


def _is_installed(requirement: Requirement) -> bool:
    """Whether a project is installed in a version that the requirement allows; a pre-release counts.

    Extras of the project are not looked at.
    """
    try:
        return requirement.specifier.contains(metadata.version(requirement.name), prereleases=True)
    except metadata.PackageNotFoundError:
        return False


def install_command(extra: str) -> str:
    """The shell command that installs all requirements of an extra with pip, for the Python that runs wheelhouse. Nothing is run.

    For an extra that is not known, the command names no requirement.
    """
    requirements = []
    for requirement in extras().get(extra, ()):
        bare = Requirement(str(requirement))
        bare.marker = None
        requirements.append(str(bare))
    return pip_install(*requirements)


def pip_install(*requirements: str) -> str:
    """The shell command that installs requirements with pip, for the Python that runs wheelhouse, which depends on pip. Nothing is run."""
    return shlex.join([sys.executable, "-m", "pip", "install", *requirements])
