"""What a rehearsal costs beside `pip install` of the same files: `python -m benchmarks.rehearse`, from the checkout.

One wheelhouse, Airflow 2.10.5 with six extras for Python 3.12 (177 projects, all wheels): in each round first pip alone installs
it into a fresh virtual environment, then it is rehearsed. The time of the rehearsal is that of the whole command.
"""

import argparse
import json
import shutil
import sys
import tempfile
from pathlib import Path

from benchmarks.fetch import CONSTRAINTS, MAIN_JOB
from benchmarks.measure import Cost, cost_of, environment
from tests.support.pythons import find_python

WHEELHOUSE = (sys.executable, "-m", "wheelhouse")


def house_in(room: Path, python: Path, cache: Path | None) -> Path:
    """A wheelhouse of wheels alone, fetched and built once."""
    kept = ["--cache-dir", cache] if cache else []
    asked = [MAIN_JOB, "-c", CONSTRAINTS, "--python", "3.12", "--dest", room / "house", "--build", "-q"]
    cost_of([[*WHEELHOUSE, "fetch", *asked, "--interpreter", python, *kept]], environment(), room / "log")
    return room / "house"


def pip_alone(house: Path, room: Path, python: Path) -> Cost:
    """Only the install is timed; the virtual environment is made before."""
    venv = room / "venv"
    shutil.rmtree(venv, ignore_errors=True)
    newest = [venv / "bin/python", "-m", "pip", "install", "-q", "--upgrade", "pip"]
    cost_of([[python, "-m", "venv", venv], newest], environment(), room / "log")
    (requirements,) = house.glob("requirements.*.txt")
    options = ["--no-index", "--find-links", house, "--require-hashes", "--no-cache-dir", "-r", requirements]
    return cost_of([[venv / "bin/python", "-m", "pip", "install", *options]], environment(), room / "log")


def rehearsal(house: Path, room: Path, python: Path) -> tuple[Cost, dict[str, float]]:
    """The whole command, and the seconds of each of its steps."""
    cost = cost_of([[*WHEELHOUSE, "rehearse", house, "--interpreter", python, "--json"]], environment(), room / "log")
    told = json.loads((room / "log").read_text())
    return cost, {step["step"]: step["seconds"] for step in told["steps"]}


def main() -> None:
    """Print a line a round, and the steps of its rehearsal."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--house", type=Path, help="a house of wheels that is here already")
    parser.add_argument("--cache-dir", type=Path)
    parser.add_argument("--python", type=Path, default=find_python("3.12"))
    said = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="wheelhouse-bench-") as folder:
        room = Path(folder)
        house = said.house or house_in(room, said.python, said.cache_dir)
        for _ in range(said.rounds):
            alone = pip_alone(house, room, said.python)
            whole, steps = rehearsal(house, room, said.python)
            named = steps.get("install", 0) + steps.get("check", 0) + steps.get("import", 0)
            times = whole.wall / alone.wall
            print(f"pip install {alone.wall:.1f} s (processor {alone.cpu:.1f} s)")
            print(f"rehearsal {whole.wall:.1f} s (processor {whole.cpu:.1f} s), {times:.2f} times as long")
            print(f"its install, check and import {named:.1f} s, {named / alone.wall:.2f} times as long")
            print("  " + ", ".join(f"{name} {seconds:.1f} s" for name, seconds in steps.items()))


if __name__ == "__main__":
    main()
