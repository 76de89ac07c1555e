"""A page of the docs as its reader takes it: blocks of commands, typed in order in one terminal."""

import os
import re
import signal
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

_BLOCK = re.compile(r"^```(\w*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
_STATE = ".state-of-the-terminal"


@dataclass(frozen=True)
class Block:
    """What stands between two fences, and the number of its first line."""

    language: str
    text: str
    line: int


def blocks(page: Path) -> list[Block]:
    """Every fenced block of a page, in order."""
    text = page.read_text(encoding="utf-8")
    return [Block(one[1], one[2], text.count("\n", 0, one.start(2)) + 1) for one in _BLOCK.finditer(text)]


class Terminal:
    """A bash in which blocks are typed one after another: folder, variables and files last from one to the next.

    `addresses` are replaced in what is typed, wherever they stand; nothing else of a text is.
    """

    def __init__(self, folder: Path, environment: Mapping[str, str], addresses: Mapping[str, str]) -> None:
        self._state = Path(environment["HOME"]) / _STATE
        self._environment = dict(environment)
        self.addresses = addresses
        self.change_to(folder)

    def change_to(self, folder: Path) -> None:
        """Go to another folder, and keep the variables."""
        before = self._state.read_text(encoding="utf-8") if self._state.exists() else ""
        self._state.write_text(f'{before}\ncd "{folder}"\n', encoding="utf-8")

    def type(self, block: Block, seconds: float = 600) -> str:
        """Type a block and wait for its end; what it said. Fails where one of its commands fails."""
        with self._started(block) as process:
            try:
                said, _ = process.communicate(timeout=seconds)
            finally:
                self._end(process)
        assert process.returncode == 0, f"line {block.line}, exit code {process.returncode}:\n{block.text}\n{said}"
        return said

    def type_server(self, block: Block, ready: str) -> "subprocess.Popen[str]":
        """Type a block whose last command serves until interrupted; it is running once a line holds `ready`."""
        process = self._started(block)
        said = ""
        for line in process.stdout or ():
            said += line
            if ready in line:
                return process
        self._end(process)
        raise AssertionError(f"line {block.line} ended before it said {ready!r}:\n{block.text}\n{said}")

    def interrupt(self, process: "subprocess.Popen[str]") -> str:
        """Press Ctrl-C; what was said until the end."""
        os.killpg(process.pid, signal.SIGINT)
        return process.communicate(timeout=60)[0]

    def _started(self, block: Block) -> "subprocess.Popen[str]":
        text = block.text
        for address, place in self.addresses.items():
            text = text.replace(address, place)
        keep = f'trap \'{{ declare -px; echo "cd \\"$PWD\\""; }} > "{self._state}"\' EXIT'
        return subprocess.Popen(
            ["bash", "--norc", "-e", "-o", "pipefail", "-c", f'. "{self._state}"\n{keep}\n{text}'],
            env=self._environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
        )

    def _end(self, process: "subprocess.Popen[str]") -> None:
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()
