"""Wheel tags in a few words: those that a target takes, and those of a release (pure)."""

import re
from collections.abc import Iterable, Sequence

from packaging.tags import Tag
from packaging.version import Version

from wheelhouse.archive.filenames import wheel_parts
from wheelhouse.humanize import listed
from wheelhouse.target.target import Target

TARGET_TAGS = 3
"""How many of a target's tags are named; the others are weaker forms of these."""
WHEEL_TAGS = 12
LEGACY = re.compile(r"manylinux(1|2010|2014)_")


def target_tags(target: Target) -> str:
    """A clause with the best tags of a target: "cp312-… accepts wheels of cp312, … for manylinux_2_28_x86_64, …"."""
    pythons = dict.fromkeys(map(_python, target.tags))
    platforms = dict.fromkeys(tag.platform for tag in target.tags)
    return f"{target.name} accepts {_summary(pythons, platforms, TARGET_TAGS)}"


def wheel_tags(project: str, version: Version, filenames: Iterable[str]) -> str:
    """A clause with the tags of a release's wheels, in natural order: "demo 1.0 has wheels of cp39, cp310 for …".

    There is at least one wheel.

    Raises InvalidWheelFilename for a name that is no wheel's.
    """
    tags = {tag for filename in filenames for tag in wheel_parts(filename)[3]}
    pythons = sorted(set(map(_python, tags)), key=_natural)
    platforms = sorted({tag.platform for tag in tags}, key=_natural)
    return f"{project} {version} has {_summary(pythons, platforms, WHEEL_TAGS)}"


def _summary(pythons: Iterable[str], platforms: Iterable[str], limit: int) -> str:
    """The phrase "wheels of <pythons> for <platforms>", with at most `limit` of each, in their order, and how many more.

    Old manylinux names are left out if there are new ones.
    """
    return f"wheels of {listed(list(pythons), limit)} for {listed(_modern(list(platforms)), limit)}"


def _python(tag: Tag) -> str:
    """Interpreter and ABI of a tag: `cp312`, `cp38-abi3`."""
    return tag.interpreter if tag.interpreter == tag.abi else f"{tag.interpreter}-{tag.abi}"


def _modern(platforms: Sequence[str]) -> list[str]:
    """The platforms without the old names of manylinux tags (PEP 600), if there are new ones."""
    modern = [platform for platform in platforms if not LEGACY.match(platform)]
    return modern if any(platform.startswith("manylinux_") for platform in modern) else list(platforms)


def _natural(text: str) -> list[tuple[str, int]]:
    """A sort key that puts cp39 before cp310."""
    return [(word, int(digits or 0)) for word, digits in re.findall(r"(\D+)(\d*)", text)]
