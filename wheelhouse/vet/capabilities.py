"""What the code of a distribution is able to do, as a reviewer asks about it (pure)."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum


class Capability(StrEnum):
    """One thing that a distribution can do once it is installed. The order is that in which to review them.

    Values are written in JSON, and reviewers sign them: they must not change.
    """

    START_UP = "start-up"
    """Something of it runs at each start of Python or of the system, unasked: .pth, sitecustomize, `etc/profile.d`."""
    DYNAMIC_CODE = "dynamic code"
    """It runs code that it makes at run time: exec, eval, marshal, pickle."""
    PROCESS = "process"
    """It starts programs or shells."""
    NETWORK = "network"
    """It opens connections or listens."""
    ENVIRONMENT = "environment"
    """It reads the environment wholesale, or keys, tokens and passwords of the user."""
    FILES_OUTSIDE = "files outside"
    """It writes outside its own folders, or installs files there."""
    NATIVE = "native"
    """It contains machine code, or loads some by ctypes or cffi."""
    PLUGIN = "plugin"
    """Another program imports it by its entry points."""


Capabilities = Mapping[Capability, tuple[str, ...]]
"""Each capability with the members of the archive that have it, as a reviewer would open them; sorted, each once."""


@dataclass(frozen=True, slots=True)
class Earlier:
    """The release of a project that a file is compared with: its version, and what its files could do, by name."""

    version: str
    capabilities: frozenset[str]


def merged(*parts: Capabilities) -> Capabilities:
    """All capabilities of several parts, in the order of `Capability`, without those that no member has."""
    members = {one: sorted({name for part in parts for name in part.get(one, ())}) for one in Capability}
    return {capability: tuple(names) for capability, names in members.items() if names}
