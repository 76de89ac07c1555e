"""A copy of the checkout that may be broken: with an environment of its own, in bubblewrap where it is installed."""

import json
import os
import shutil
import subprocess
import sys
import time
import venv
from collections import defaultdict
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from tests.mutation.mutants import Mutant
from tests.mutation.runner import OPTIONS
from tests.support.checkout import ROOT

Contexts = dict[tuple[str, int], set[str]]
"""(file, line) → the tests that run it; empty text if the line is run outside of tests, in a fixture or at import."""


class Tree:
    """`python` and `wheelhouse` of a copy are the copy's own."""

    def __init__(self, root: Path) -> None:
        self.root = root
        known = subprocess.run(
            ["git", "ls-files", "-zco", "--exclude-standard"], cwd=ROOT, check=True, capture_output=True
        )
        for name in known.stdout.decode().split("\0"):
            if (ROOT / name).is_file():
                (root / name).parent.mkdir(parents=True, exist_ok=True)
                shutil.copy2(ROOT / name, root / name)
        venv.create(root / ".venv", symlinks=True)
        (site,) = (root / ".venv" / "lib").glob("python*/site-packages")
        (site / "tree.pth").write_text("\n".join([str(root), *(path for path in sys.path if "site-packages" in path)]))
        program = root / ".venv" / "bin" / "wheelhouse"
        program.write_text(f"#!{root}/.venv/bin/python\nfrom wheelhouse.cli import main\nmain()\n")
        program.chmod(0o755)
        (root / "home").mkdir()

    def command(self, *arguments: str) -> tuple[list[str], dict[str, str]]:
        """How the copy's Python is started, and its environment: only the copy and a new /tmp can be written."""
        sealed = ("--ro-bind", "/", "/", "--dev", "/dev", "--proc", "/proc", "--tmpfs", "/tmp", "--bind", self.root)
        bubblewrap = ["bwrap", *sealed, self.root, "--unshare-pid", "--unshare-net", "--die-with-parent"]
        home = str(self.root / "home")
        environment = {**os.environ, "HOME": home, "XDG_CACHE_HOME": f"{home}/.cache", "PYTHONHASHSEED": "0"}
        environment.pop("PYTHONDONTWRITEBYTECODE", None)  # each run would compile every module
        started = [*(bubblewrap if shutil.which("bwrap") else []), self.root / ".venv" / "bin" / "python", *arguments]
        return list(map(str, started)), environment

    def python(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """Run the copy's Python to its end."""
        command, environment = self.command(*arguments)
        return subprocess.run(command, cwd=self.root, env=environment, check=False, capture_output=True, text=True)

    def contexts(self, modules: Sequence[str]) -> tuple[Contexts, float]:
        """Which tests of some modules run each line, and how many seconds all take. Raises SystemExit if one fails."""
        (self.root / ".coveragerc").write_text("[run]\ndynamic_context = test_function\nsource = wheelhouse\n")
        started = time.monotonic()
        done = self.python("-m", "coverage", "run", "--rcfile=.coveragerc", "-m", "pytest", *OPTIONS, *modules)
        seconds = time.monotonic() - started
        if done.returncode:
            raise SystemExit(f"{' '.join(modules)} fails without a mutant:\n{done.stdout}{done.stderr}")
        self.python("-m", "coverage", "json", "--rcfile=.coveragerc", "--show-contexts", "-q", "-o", "coverage.json")
        contexts: Contexts = defaultdict(set)
        for file, facts in json.loads((self.root / "coverage.json").read_text(encoding="utf-8"))["files"].items():
            for line, names in facts["contexts"].items():
                contexts[file.removeprefix("wheelhouse/"), int(line)].update(map(_test_id, names))
        return contexts, seconds

    @contextmanager
    def runner(self, modules: Sequence[str]) -> Iterator["Runner"]:
        """A process that runs tests of some modules; it ends with the block."""
        command, environment = self.command("-m", "tests.mutation.runner", *modules)
        with subprocess.Popen(
            command, cwd=self.root, env=environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        ) as process:
            try:
                yield Runner(self.root, process)
            finally:
                process.kill()


class Runner:
    """Tries one mutant after the other."""

    def __init__(self, root: Path, process: "subprocess.Popen[str]") -> None:
        self._root, self._process = root, process
        self._clock = int(time.time())

    def notices(self, mutant: Mutant, runs: Sequence[Sequence[str]], seconds: float) -> bool:
        """Whether one of these runs of pytest fails, or takes longer, with this fault."""
        path = self._root / "wheelhouse" / mutant.file
        source = path.read_text(encoding="utf-8")
        try:
            self._write(path, mutant.applied(source))
            return any(self._run(arguments, seconds) not in (0, 5) for arguments in runs)  # 5: no test is selected
        finally:
            self._write(path, source)

    def _write(self, path: Path, text: str) -> None:
        """Write with another time each time, by which Python knows that its compiled file is out of date."""
        self._clock += 1
        path.write_text(text, encoding="utf-8")
        os.utime(path, (self._clock, self._clock))

    def _run(self, arguments: Sequence[str], seconds: float) -> int:
        if self._process.stdin is None or self._process.stdout is None:
            return -1
        self._process.stdin.write(json.dumps([list(arguments), seconds]) + "\n")
        self._process.stdin.flush()
        return int(self._process.stdout.readline())


def _test_id(context: str) -> str:
    """Pytest's name for a test, of coverage's: `tests.vet.test_vet.test_x`."""
    module, _, function = context.rpartition(".")
    return f"{module.replace('.', '/')}.py::{function}" if module else ""
