"""The picture of a terminal in the README: `python -m website.terminal` runs its commands for real, and draws what they printed.

It needs the package index and a Python 3.12, and takes some minutes. The recording (docs/pictures/terminal.txt) has the escape
sequences that the commands wrote; `python -m website.terminal --draw` draws it again without running anything.
"""

import os
import pty
import re
import shlex
import subprocess
import sys
import tempfile
from html import escape
from pathlib import Path

from tests.support.checkout import ROOT
from tests.support.markdown import blocks

RECORDING, PICTURE = (ROOT / "docs/pictures" / name for name in ("terminal.txt", "terminal.svg"))
COLUMNS, LINE, CHARACTER, MARGIN = 104, 19, 7.83, 18
SHOWN = {
    "fetch": r"projects, |^  sdist|files fetched",
    "build": r"built",
    "vet": r"^(error|warning)|^looked at|files, \d+ findings",
    "rehearse": r"^ok +(install|check|import|run)|passed",
    "pack": r"",
}
"""Which lines of each command are worth showing, of at most `KEPT` each: the first ones, and the last."""
KEPT = 6
_SGR = re.compile(r"\x1b\[([\d;]*)m")
_SECONDS = re.compile(r": [\d.]+ s\b")
_OTHER = re.compile(r"\x1b\[[\d;?]*[A-LN-Za-ln-z]")
_STYLES = {"1": "b", "2": "d", "31": "r", "32": "g", "33": "y", "34": "l", "35": "m", "36": "c", "90": "d"}
STYLE = """
text { font: 13px ui-monospace, SFMono-Regular, Menlo, Consolas, 'DejaVu Sans Mono', monospace; fill: #dbe4ee; white-space: pre }
.back { fill: #14191f } .bar { fill: #222b35 } .dot { fill: #47535f }
.p { fill: #7ab8ff; font-weight: 600 } .b { font-weight: 600 } .d { fill: #93a1ae } .r { fill: #ff9b85 } .g { fill: #7fd6a4 }
.y { fill: #e8c46b } .l { fill: #7ab8ff } .m { fill: #d9a6f0 } .c { fill: #76d3da }
"""


def commands() -> list[str]:
    """The README's five lines, without their comments."""
    lines = [block.text for block in blocks(ROOT / "README.md") if block.language == "sh"][2].splitlines()
    return [re.sub(r"\s+#.*", "", line) for line in lines if line.startswith("wheelhouse ")]


def record(folder: Path) -> str:
    """Run the commands in a terminal; what was typed, and the lines that are worth showing, without times: these are the machine's."""
    environment = os.environ | {"COLUMNS": "200", "TERM": "xterm-256color", "LINES": "50"}
    shown = []
    for command in commands():
        pattern = SHOWN[shlex.split(command)[1]]
        lines = [line for line in _printed(shlex.split(command), folder, environment) if _matches(line, pattern)]
        lines = [_SECONDS.sub("", line) for line in lines]
        cut = lines if len(lines) <= KEPT else [*lines[: KEPT - 3], "…", *lines[-2:]]
        shown += [f"$ {command}", *cut, ""]
    return "\n".join(shown)


def _matches(line: str, pattern: str) -> bool:
    return bool(re.search(pattern, _SGR.sub("", line)))


def _printed(words: list[str], folder: Path, environment: dict[str, str]) -> list[str]:
    """The lines that a command leaves on a terminal; of what it overwrote, the last state."""
    own, its = pty.openpty()
    process = subprocess.Popen(words, cwd=folder, env=environment, stdin=its, stdout=its, stderr=its, close_fds=True)
    os.close(its)
    raw = b""
    try:
        while data := os.read(own, 1 << 16):
            raw += data
    except OSError:  # Linux ends a pseudo-terminal so
        pass
    if process.wait():
        raise SystemExit(f"{words}: exit code {process.returncode}\n{raw.decode()}")
    text = _OTHER.sub("", raw.decode())
    lines = [line.rstrip("\r").rpartition("\r")[2].rstrip() for line in text.split("\n")]
    return [line for line in lines if _SGR.sub("", line).strip()]


def draw(recording: str) -> str:
    """The picture of a recording."""
    lines = recording.rstrip().splitlines()
    width, height = round(COLUMNS * CHARACTER + 2 * MARGIN), len(lines) * LINE + 64
    rows = [_row(line, 58 + number * LINE) for number, line in enumerate(lines)]
    dots = "".join(f'<circle class="dot" cx="{22 + 20 * number}" cy="17" r="6"/>' for number in range(3))
    title = "A terminal: fetch, build, vet, rehearse and pack an Airflow"
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" width="{width}" height="{height}" '
        f'role="img" aria-labelledby="t">\n<title id="t">{title}</title>\n<style>{STYLE}</style>\n'
        f'<rect class="back" width="{width}" height="{height}" rx="10"/>\n'
        f'<path class="bar" d="M0 34 V10 a10 10 0 0 1 10 -10 H{width - 10} a10 10 0 0 1 10 10 V34 z"/>{dots}\n'
        + "\n".join(rows)
        + "\n</svg>\n"
    )


def _row(line: str, y: int) -> str:
    """A line as text, each stretch of one colour by itself; a line that is too long ends in an ellipsis."""
    if line.startswith("$ "):
        return (
            f'<text x="{MARGIN}" y="{y}"><tspan class="p">$ </tspan><tspan class="b">{escape(line[2:])}</tspan></text>'
        )
    parts, style, room = [], "", COLUMNS
    if len(_SGR.sub("", line)) > COLUMNS:
        line = line[: COLUMNS - 1] + "…"
    for number, part in enumerate(_SGR.split(line)):
        if number % 2:
            style = " ".join(_STYLES.get(code, "") for code in part.split(";")).strip()
        elif part[:room]:
            parts.append(f'<tspan class="{style}">{escape(part[:room])}</tspan>' if style else escape(part[:room]))
            room -= len(part[:room])
    return f'<text x="{MARGIN}" y="{y}">{"".join(parts)}</text>'


def main() -> None:
    """Record, if nobody says `--draw`, and draw."""
    if "--draw" not in sys.argv:
        with tempfile.TemporaryDirectory() as folder:
            (Path(folder) / "constraints").symlink_to(ROOT / "constraints")
            RECORDING.write_text(record(Path(folder)), encoding="utf-8")
    PICTURE.write_text(draw(RECORDING.read_text(encoding="utf-8")), encoding="utf-8")


if __name__ == "__main__":
    main()
