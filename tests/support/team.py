"""Machines that share a store, each with a cache of its own, and the key that they trust."""

import contextlib
import io
import json
from pathlib import Path

import pytest

from tests.support.tools import must_be_no_defect
from wheelhouse.cli.entry import run

PASSWORD = "s3cr3t-of-alice"


class Team:
    """Machines that share a store: each run is in this process, with the cache of its machine."""

    def __init__(self, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self.folder, self.store = folder, (folder / "store").as_uri()
        monkeypatch.chdir(folder)
        self.said = ""

    def trusts(self, *keys: Path, more: str = "") -> None:
        """Write the team's settings."""
        names = json.dumps([f"{key}.pub" for key in keys])
        Path("wheelhouse.toml").write_text(f'{more}\n[store]\nurl = "{self.store}"\ntrusted = {names}\n')

    def run(self, machine: str, *words: str | Path, key: Path | None = None) -> int:
        """Run a command on a machine; what it said is in `said`."""
        where = ["--cache-dir", f"cache-{machine}", "--retries", "0", "--timeout", "5"]
        return self.run_plain(*words, *where, *(["--store-key", key] if key else []))

    def run_plain(self, *words: str | Path) -> int:
        """Run a command that has no cache; what it said is in `said`."""
        stderr, stdout = io.StringIO(), io.StringIO()
        with contextlib.redirect_stderr(stderr), contextlib.redirect_stdout(stdout):
            code = run([*map(str, words)])
        self.said = stderr.getvalue() + stdout.getvalue()
        must_be_no_defect(self.said)
        return code

    def fetch(self, machine: str, index: str, *requirements: str, key: Path | None = None) -> int:
        """Fetch into the machine's own wheelhouse."""
        words = ("fetch", *requirements, "--python", "3.12", "--index", index, "--dest", f"wheels-{machine}")
        return self.run(machine, *words, key=key)
