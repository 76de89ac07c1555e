"""Golden command lines: what was typed, the exit code, stdout and stderr together, held against a text in tests/golden.

They run in this process, which is quick; that the command starts, ends and is interrupted well is tested with real ones.

Set WHEELHOUSE_UPDATE_GOLDEN=1 to write the texts anew; then read what changed before it is kept.
"""

import os
import re
import shlex
from collections.abc import Mapping
from contextlib import chdir, redirect_stderr, redirect_stdout
from dataclasses import dataclass, field
from io import StringIO
from pathlib import Path
from unittest.mock import patch

from tests.support.tools import clean_environment, must_be_no_defect
from wheelhouse.cli.entry import run

FOLDER = Path(__file__).parents[1] / "golden"
_VOLATILE = (
    (re.compile(r"(?<![0-9a-f])[0-9a-f]{64}(?![0-9a-f])"), "<sha256>"),
    (re.compile(r'("(?:pylock|requirements|SHA256SUMS)[^"]*": )"(?:[^"\\]|\\.)+"'), r'\1"<text>"'),
    (re.compile(r"the lock says \d+"), "the lock says <n>"),
    (re.compile(r"\b\d+(\.\d)? (bytes|kB|MB)\b"), "<size>"),
    (re.compile(r'("(?:size|bytes)": )\d+'), r"\1<size>"),
    (re.compile(r"\b(3\.\d+)\.\d+\b"), r"\1.<patch>"),
    (re.compile(r"127\.0\.0\.1:\d+"), "<host>"),
    (re.compile(r" +$", re.MULTILINE), ""),
)


@dataclass
class Session:
    """Commands typed one after the other in `folder`; `transcript` is all that was typed and said, volatile parts masked;
    `stdout` is what the last one said there, unmasked.

    `options` are added to each command named in them, unseen, and `masks` are replaced wherever they are said.
    """

    folder: Path
    options: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    masks: dict[str, str] = field(default_factory=dict)
    transcript: str = ""
    stdout: str = ""

    def __call__(self, line: str, **env: str) -> int:
        """Run `wheelhouse` with the words of `line`, add what it says to the transcript, and return the exit code."""
        words = shlex.split(line)
        settings = clean_environment(XDG_CACHE_HOME=str(self.folder / ".cache"), COLUMNS="110", **env)
        stdout, stderr = StringIO(), StringIO()
        with (
            chdir(self.folder),
            patch.dict(os.environ, settings, clear=True),
            redirect_stdout(stdout),
            redirect_stderr(stderr),
        ):
            code = run([*words[:1], *self.options.get(words[0] if words else "", ()), *words[1:]])
        must_be_no_defect(stderr.getvalue())
        self.stdout = stdout.getvalue()
        said = "".join(
            f"--- {name}\n{text.rstrip()}\n"
            for name, text in (("stdout", self.stdout), ("stderr", stderr.getvalue()))
            if text
        )
        self.transcript += self._masked(f"$ wheelhouse {line}\n--- exit code {code}\n{said}\n")
        return code

    def _masked(self, text: str) -> str:
        for real, shown in {**self.masks, str(self.folder): "<folder>"}.items():
            text = text.replace(real, shown)
        for pattern, shown in _VOLATILE:
            text = pattern.sub(shown, text)
        return text


def golden(name: str, session: Session) -> str:
    """What the transcript must be; where it is being updated, what it is."""
    return golden_text(name, session.transcript)


def golden_text(name: str, text: str) -> str:
    """What `text` must be; where it is being updated, what it is."""
    path = FOLDER / f"{name}.txt"
    if os.environ.get("WHEELHOUSE_UPDATE_GOLDEN"):
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    assert path.is_file(), f"no golden text {path.name}: write it with WHEELHOUSE_UPDATE_GOLDEN=1, and read it"
    return path.read_text(encoding="utf-8")
