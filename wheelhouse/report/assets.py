"""The style and the script that pages carry inside them, kept beside the code."""

from dataclasses import dataclass
from importlib import resources


@dataclass(frozen=True, slots=True)
class Assets:
    """What a page needs beside its text."""

    style: str
    script: str


def assets() -> Assets:
    """Read them from the installed distribution."""
    folder = resources.files("wheelhouse.report") / "assets"
    return Assets(*((folder / f"page.{kind}").read_text(encoding="utf-8") for kind in ("css", "js")))
