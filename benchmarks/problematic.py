"""Resolve sets of requirements that are known to be hard with wheelhouse and with uv, in turns, each with an empty cache.

    python -m benchmarks.problematic                     the 19 public sets of problematic.toml
    python -m benchmarks.problematic --sets benchmarks/hard.toml --rounds 5 prefect-azure-soda

It needs the package index, uv beside this Python, and for each set an interpreter of its Python version (from PATH or pyenv): uv
asked for another one would try to download it first. Both take files uploaded before the set's date, for exactly that Python.
It prints a Markdown table: medians of wall seconds, their ratio, and how each ended.
"""

import argparse
import hashlib
import json
import re
import statistics
import subprocess
import sys
import time
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from benchmarks.made import served
from benchmarks.measure import environment
from tests.support.pythons import find_python
from tests.support.wheels import build_wheel

BESIDE = Path(sys.executable).parent
SETS = Path(__file__).with_name("problematic.toml")
DEFAULT_PLATFORM = "manylinux_2_28_x86_64"
UV_PLATFORMS = {DEFAULT_PLATFORM: "x86_64-manylinux_2_28", "musllinux_1_2_x86_64": "x86_64-unknown-linux-musl"}
LONGEST = 300.0
CHAIN, RELEASES = ("root", "m0", "m1", "m2", "deep"), 20


@dataclass(frozen=True)
class Job:
    """One set of requirements; `python` is an interpreter of `version`, its exact version."""

    name: str
    requirements: Sequence[str]
    python: Path
    version: str
    before: str = ""
    platform: str = DEFAULT_PLATFORM
    only_binary: bool = False
    made: str = ""


@dataclass(frozen=True)
class Outcome:
    """How one run ended: the pins, or the error's text."""

    seconds: float
    pins: Mapping[str, str] = field(default_factory=dict)
    error: str = ""


def jobs(path: Path, names: Sequence[str]) -> Iterator[Job]:
    """The sets of a file that can run on this machine; says why others cannot."""
    for name, table in tomllib.loads(path.read_text()).items():
        if names and name not in names:
            continue
        python = find_python(table["python_version"])
        if python is None or table.get("platform_system", "Linux") != "Linux":
            print(f"{name}: skipped: needs Python {table['python_version']} on {table.get('platform_system', 'Linux')}")
            continue
        asked = [python, "-c", "import platform; print(platform.python_version())"]
        version = subprocess.run(asked, capture_output=True, text=True, check=True).stdout.strip()
        before = table.get("datetime", "").replace(" ", "T")
        yield Job(name, table["requirements"], python, version, before and f"{before}Z", **_ours(table))


def _ours(table: Mapping[str, Any]) -> dict[str, Any]:
    """What hard.toml says beyond the public format."""
    return {key: table[key] for key in ("platform", "only_binary", "made") if key in table}


def wheelhouse(job: Job, folder: Path, index: str) -> list[str | Path]:
    """The command that resolves a set with wheelhouse."""
    target = ["--python", job.version, "--platform", job.platform]
    options = ["--uploaded-prior-to", job.before] if job.before else []
    options += ["--only-binary", ":all:"] if job.only_binary else []
    options += ["--index", index] if index else []
    where = ["--dest", folder / "locked", "--cache-dir", folder / "cache", "--json"]
    return [BESIDE / "wheelhouse", "lock", *job.requirements, *target, *options, *where]


def uv(job: Job, folder: Path, index: str) -> list[str | Path]:
    """The command that resolves a set with uv."""
    asked = folder / "in.txt"
    asked.write_text("\n".join(job.requirements))
    target = ["--python", job.python, "--no-python-downloads", "--python-platform", UV_PLATFORMS[job.platform]]
    options = ["--exclude-newer", job.before] if job.before else []
    options += ["--only-binary", ":all:"] if job.only_binary else []
    options += ["--default-index", index] if index else []
    quiet = ["--no-header", "--no-annotate", "--no-config", "--cache-dir", folder / "cache"]
    return [BESIDE / "uv", "pip", "compile", asked, *target, *options, *quiet]


def run(command: Sequence[str | Path], folder: Path) -> tuple[float, int, str, str]:
    """Wall seconds, exit code (-1 if it took too long), stdout and stderr."""
    started = time.monotonic()
    try:
        done = subprocess.run(
            command, cwd=folder, env=environment(), capture_output=True, text=True, timeout=LONGEST, check=False
        )
    except subprocess.TimeoutExpired:
        return LONGEST, -1, "", f"ended after {LONGEST:.0f} s"
    return time.monotonic() - started, done.returncode, done.stdout, done.stderr


def by_wheelhouse(job: Job, folder: Path, index: str) -> Outcome:
    seconds, code, stdout, stderr = run(wheelhouse(job, folder, index), folder)
    if code:
        return Outcome(seconds, error=stderr)
    projects = json.loads(stdout)["targets"][0]["projects"]
    return Outcome(seconds, {project["name"]: project["version"] for project in projects})


def by_uv(job: Job, folder: Path, index: str) -> Outcome:
    seconds, code, stdout, stderr = run(uv(job, folder, index), folder)
    if code:
        return Outcome(seconds, error=stderr)
    pins = re.findall(r"^([\w.-]+)==(\S+)$", stdout, re.MULTILINE)
    return Outcome(seconds, {re.sub(r"[-_.]+", "-", name).lower(): version for name, version in pins})


def make_chain(root: Path) -> None:
    """An index of projects of which each release needs the next project; of the last one, only yanked releases would do."""
    files = root / "files"
    files.mkdir(parents=True)
    (root / "tmp").mkdir()
    for project, below in zip(CHAIN, (*CHAIN[1:], None), strict=True):
        requires = [f"{below}<5" if below == CHAIN[-1] else below] if below else []
        entries = []
        for number in range(1, RELEASES + 1):
            wheel = build_wheel(files, project, str(number), requires=requires)
            entry = {"filename": wheel.name, "url": f"/files/{wheel.name}", "yanked": below is None and number < 5}
            data = wheel.read_bytes()
            entries.append(entry | {"hashes": {"sha256": hashlib.sha256(data).hexdigest()}, "size": len(data)})
        folder = root / "simple" / project
        folder.mkdir(parents=True)
        page = {"meta": {"api-version": "1.0"}, "name": project, "files": entries}
        (folder / "index.json").write_text(json.dumps(page))


def compared(job: Job, rounds: int) -> tuple[list[Outcome], list[Outcome]]:
    """The runs of each, in turns."""
    outcomes: tuple[list[Outcome], list[Outcome]] = ([], [])
    with ExitStack() as stack:
        room = Path(stack.enter_context(TemporaryDirectory()))
        room.chmod(0o755)  # nginx drops root
        index = ""
        if job.made:
            make_chain(room / "made")
            index = stack.enter_context(served(room / "made"))
        for number in range(rounds):
            for runs, resolver in zip(outcomes, (by_wheelhouse, by_uv), strict=True):
                folder = room / f"{resolver.__name__}-{number}"
                folder.mkdir()
                runs.append(resolver(job, folder, index))
    return outcomes


def ended(outcome: Outcome) -> str:
    """A cell: the number of pins, or the last line of the error."""
    if outcome.pins:
        return f"{len(outcome.pins)} pins"
    lines = [line for line in outcome.error.splitlines() if not line.startswith("hint: ")]
    error = [line for line in lines if line.startswith("error: ")] or lines[-1:] or ["nothing"]
    return error[-1].removeprefix("error: ").strip()[:160].replace("|", "/")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("names", nargs="*", help="the sets to run; all if none is given")
    parser.add_argument("--sets", type=Path, default=SETS)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--output", type=Path, help="write every run as JSON")
    given = parser.parse_args()
    print("| set | wheelhouse, s | uv, s | ratio | wheelhouse | uv | pins that differ |")
    print("| --- | ---: | ---: | ---: | --- | --- | ---: |")
    runs: dict[str, Any] = {}
    for job in jobs(given.sets, given.names):
        ours, theirs = compared(job, given.rounds)
        one, other = (statistics.median(outcome.seconds for outcome in each) for each in (ours, theirs))
        last, peer = ours[-1], theirs[-1]
        different = sum(last.pins.get(name) != peer.pins.get(name) for name in {*last.pins, *peer.pins})
        cells = f"{one:.1f} | {other:.1f} | {one / other:.2f} | {ended(last)} | {ended(peer)} | {different or ''}"
        print(f"| {job.name} | {cells} |", flush=True)
        runs[job.name] = [[vars(outcome) for outcome in each] for each in (ours, theirs)]
        if given.output:
            given.output.write_text(json.dumps(runs, indent=1))


if __name__ == "__main__":
    main()
