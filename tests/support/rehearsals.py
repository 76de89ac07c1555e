"""Houses for this very interpreter, and rehearsals of them by the real command."""

import json
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.support.index import IndexServer
from tests.support.sandboxes import wheelhouse_with_sandbox
from tests.support.tools import wheelhouse


def own_python() -> str:
    """The version of this interpreter, so that its patch release is the target's."""
    return "{}.{}.{}".format(*sys.version_info[:3])


def fetch(base: Path, offered: Path, *requirements: str, python: str = "", more: tuple[str | Path, ...] = ()) -> Path:
    """A wheelhouse of what a folder offers, for Linux with a new glibc."""
    with IndexServer(offered) as index:
        options = ("--python", python or own_python(), "--index", index.url, "--dest", "house", *more)
        made = wheelhouse("fetch", *requirements, *options, cwd=base)
    assert made.returncode == 0, made.stderr
    return base / "house"


@dataclass(frozen=True)
class Told:
    """What a rehearsal said."""

    code: int
    steps: dict[str, dict[str, Any]]
    stderr: str

    def outcome(self, step: str) -> str:
        return str(self.steps[step]["outcome"]) if step in self.steps else "not held"

    @property
    def sentences(self) -> list[str]:
        """Every error, as `subject: sentence; hint`."""
        findings = [finding for step in self.steps.values() for finding in step["findings"]]
        return [
            f"{one['subject']}: {one['sentence']}; {one['hint'] or ''}"
            for one in findings
            if one["severity"] == "error"
        ]


def rehearse(
    folder: Path,
    *more: str | Path,
    python: Path | None = Path(sys.executable),
    env: Mapping[str, str] | None = None,
    timeout: float = 900,
    seal: str = "",
) -> Told:
    """Rehearse a wheelhouse or folder under an interpreter, by default this one; None where no Python is to be named.

    `seal` names the one way to seal a sandbox that is tried; by default it is the first that this machine permits.
    """
    words = ("rehearse", folder, *(("--interpreter", python) if python else ()), *more, "--json")
    if seal:
        done = wheelhouse_with_sandbox(seal, *words, cwd=folder.parent, timeout=timeout)
    else:
        done = wheelhouse(*words, cwd=folder.parent, env=env, timeout=timeout)
    assert done.stdout, done.stderr
    document = json.loads(done.stdout)
    steps = {step["step"]: step for step in document.get("steps", ())}
    return Told(done.returncode, steps, done.stderr)
