"""What one file of a wheelhouse can do: by its code, and by where its members are installed (pure)."""

from collections.abc import Iterator

from wheelhouse.vet.capabilities import Capabilities, Capability, merged
from wheelhouse.vet.facts import COMMAND_GROUPS, NATIVE_KINDS, Facts, installed
from wheelhouse.vet.places import PYTHON_FILE, START_MODULE, STARTS_WITH_SYSTEM
from wheelhouse.vet.pth import pth_code_lines

INSIDE = ("@scripts/", "@headers/", "@data/share/")
"""Where installers put files that are not in site-packages, and that no program runs by itself."""


def capabilities_of(facts: Facts) -> Capabilities:
    """Each capability with the names of the members that have it, sorted; in the order of `Capability`, without unused ones."""
    placed: dict[Capability, list[str]] = {}
    for capability, member in _placed(facts):
        placed.setdefault(capability, []).append(member)
    return merged(
        facts.inside.code_capabilities, {capability: tuple(members) for capability, members in placed.items()}
    )


def _placed(facts: Facts) -> Iterator[tuple[Capability, str]]:
    """Each capability that a member has by its kind, its place or its entry points, with that member. What code does is not considered;
    a `.pth` file starts with Python only if it has a line of code.
    """
    for entry in facts.entries:
        if entry.kind in NATIVE_KINDS:
            yield Capability.NATIVE, entry.name
        if facts.pin.artifact.is_wheel:
            path = installed(entry.name)
            if _starts(path, facts.texts.get(entry.name)):
                yield Capability.START_UP, entry.name
            if path.startswith("@") and not path.startswith(INSIDE):
                yield Capability.FILES_OUTSIDE, entry.name
    if facts.entry_point_groups.keys() - {*COMMAND_GROUPS}:
        yield Capability.PLUGIN, f"{facts.dist_info}/entry_points.txt"


def _starts(path: str, text: str | None) -> bool:
    """Whether an installed file runs by itself, at the start of Python or of the system, or is a file of Python's own.

    `path` is as `installed` gives it. A .pth file runs if its `text` is there and has code.
    """
    if "/" not in path and path.endswith(".pth"):
        return bool(text and pth_code_lines(text))
    start_module = START_MODULE.fullmatch(path)
    is_start_file = ("/" not in path and path.endswith(".start")) or (start_module and not start_module["folder"])
    return bool(is_start_file or STARTS_WITH_SYSTEM.fullmatch(path) or PYTHON_FILE.fullmatch(path))
