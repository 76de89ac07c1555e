"""Many jobs in one run, beside as many runs of one job: `python -m benchmarks.fleet FOLDER [JOBS [PROJECTS]]`.

Needs nginx. Each job asks for twenty projects of a made index and gets what these require, for two targets. Measured are one run of
all jobs and one run for each, from empty caches (each run has its own) and from one full cache, always into new wheelhouses.
"""

import random
import shutil
import sys
from pathlib import Path

from benchmarks.made import make, served
from benchmarks.measure import Cost, cost_of, environment

NAMES = 20
DEFAULTS = 'python = ["3.11", "3.12"]\nplatform = "linux/amd64"\n'
PROGRAM = (sys.executable, "-m", "wheelhouse")


def write_settings(folder: Path, jobs: int, projects: int) -> list[str]:
    """A settings file with so many jobs, each for projects of its own choice; their names."""
    chooser = random.Random(22)
    tables = []
    for number in range(jobs):
        names = sorted(f"made-{chooser.randrange(projects // 4, projects)}" for _ in range(NAMES))
        tables.append(f"[jobs.team-{number}]\nrequirements = {names}\n")
    (folder / "wheelhouse.toml").write_text(DEFAULTS + "".join(tables))
    return [f"team-{number}" for number in range(jobs)]


def measured(folder: Path, commands: list[list[str]], cache: Path | None) -> Cost:
    """What commands cost, each into new wheelhouses, and with a cache of its own if none is given."""
    shutil.rmtree(folder / "wheelhouses", ignore_errors=True)
    caches = [str(cache or folder / f"cache-{number}") for number in range(len(commands))]
    whole = [[*PROGRAM, *words, "--cache-dir", place] for words, place in zip(commands, caches, strict=True)]
    try:
        return cost_of(whole, environment(PYTHONPATH=str(Path.cwd())), folder / "log", cwd=folder)
    finally:
        for number in range(len(commands)):
            shutil.rmtree(folder / f"cache-{number}", ignore_errors=True)


def main(root: Path, jobs: int, projects: int) -> None:
    """Measure, and print a table."""
    folder = root / "fleet"
    folder.mkdir(parents=True, exist_ok=True)
    make(root / "index", projects)
    names = write_settings(folder, jobs, projects)
    with served(root / "index") as url:
        together = [["fetch", "--all", "--quiet", "--index", url]]
        alone = [["fetch", "--job", name, "--quiet", "--index", url] for name in names]
        shared = folder / "shared-cache"
        shutil.rmtree(shared, ignore_errors=True)
        rows = {
            "one run, empty cache": measured(folder, together, shared),
            "one run, full cache": measured(folder, together, shared),
            f"{jobs} runs, one full cache": measured(folder, alone, shared),
            f"{jobs} runs, empty caches": measured(folder, alone, None),
        }
    print(f"| {jobs} jobs × 2 targets, {projects} projects | wall, s | processor, s | memory, MB |")
    print("| --- | ---: | ---: | ---: |")
    for name, cost in rows.items():
        print(f"| {name} | {cost.wall:.1f} | {cost.cpu:.1f} | {cost.memory:.0f} |")


if __name__ == "__main__":
    main(Path(sys.argv[1]).absolute(), *map(int, [*sys.argv[2:], "40", "300"][:2]))
