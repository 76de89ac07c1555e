"""Data that lies beside the checkout in `../shared`, and is no part of the project."""

from pathlib import Path

import pytest

from tests.support.checkout import ROOT

SHARED = ROOT.parent / "shared"


def shared(name: str) -> Path:
    """A file of the shared data, such as `constraints/3.1.0/constraints-3.12.txt`; the test is skipped where it is missing."""
    path = SHARED / name
    if not path.exists():
        pytest.skip(f"{name} is not in ../shared beside the checkout")
    return path
