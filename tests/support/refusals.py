"""What a wheel or sdist says when it is opened, and by which rule it is refused."""

from pathlib import Path

import pytest

from wheelhouse.archive.metadata import InspectedFile
from wheelhouse.archive.wheelfile import inspect
from wheelhouse.errors import RefusedError


def opened(path: Path) -> InspectedFile:
    """What the file says of itself."""
    return inspect(path, path.name)


def rule_of(path: Path) -> str:
    """The rule that refuses a wheel or sdist, which is named and said what to do about."""
    with pytest.raises(RefusedError) as refusal:
        opened(path)
    assert f"`{path.name}`" in str(refusal.value)
    assert refusal.value.hint
    return refusal.value.rule
