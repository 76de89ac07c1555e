"""Many jobs in one run, beside as many runs of one job: `python -m benchmarks.fleet FOLDER [PART …]`, from the checkout.

Needs nginx; the first part, `record`, also the index. Each of 40 jobs requests twenty projects of `fleet.txt`, and gets what
these require, for five Pythons. All parts read a local copy of the pages, metadata and files of the real index, so that none
waits for the line. Wheelhouses are always new. A part prints a row of the table in docs/scale.md; where only a sample of the
jobs runs alone, time and bytes are those of the sample times its share.
"""

import argparse
import random
import shutil
import sys
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from benchmarks.measure import Cost, cost_of, environment
from benchmarks.recorded import Served, served

JOBS, NAMES = 40, 20
DEFAULTS = 'python = ["3.10", "3.11", "3.12", "3.13", "3.14"]\nplatform = "linux/amd64"\n'
PROGRAM = (sys.executable, "-m", "wheelhouse")
TEAMS = [f"team-{number:02}" for number in range(JOBS)]
CATALOGUE = Path(__file__).with_suffix(".txt")
PARTS = ("record", "together-cold", "together-warm", "alone-warm", "alone-cold")


def write_settings(folder: Path) -> None:
    """A settings file with a job for each team, with projects of its own choice."""
    chooser = random.Random(22)
    catalogue = CATALOGUE.read_text().split()
    tables = [f"[jobs.{team}]\nrequirements = {sorted(chooser.sample(catalogue, NAMES))}\n" for team in TEAMS]
    (folder / "wheelhouse.toml").write_text(DEFAULTS + "".join(tables))


def measured(folder: Path, commands: Sequence[Sequence[str]], caches: Sequence[Path]) -> Cost:
    """What commands cost, each into new wheelhouses and with its cache."""
    shutil.rmtree(folder / "wheelhouses", ignore_errors=True)
    whole = [[*PROGRAM, *words, "--cache-dir", str(cache)] for words, cache in zip(commands, caches, strict=True)]
    return cost_of(whole, environment(PYTHONPATH=str(Path.cwd())), folder / "log", cwd=folder)


def row(title: str, cost: Cost, index: Served, share: float) -> str:
    """A row of the table; what was requested twice is counted."""
    requests = index.requests()
    requested = Counter(path for path, _, _ in requests)
    files = sum(path.startswith("/files/") for path in requested)
    again = sum(count - 1 for path, count in requested.items() if path.startswith("/files/"))
    sent = sum(size for _, _, size in requests) / 1e6 * share
    counts = f"{cost.wall * share:.1f} | {cost.cpu * share:.1f} | {cost.memory:.0f} | {sent:,.0f}"
    return f"| {title} | {counts} | {files} | {again} |"


def run_part(part: str, folder: Path, index: Served, sample: int, options: Sequence[str]) -> str:
    """Do one part; its row."""
    options = ["--quiet", "--index", index.url, *options]
    together = ["fetch", "--all", *options]
    shared = folder / "shared-cache"
    if part in ("record", "together-cold"):
        shutil.rmtree(shared, ignore_errors=True)
    if part in ("record", "together-cold", "together-warm"):
        return row(part, measured(folder, [together], [shared]), index, 1)
    teams = TEAMS[:: JOBS // sample]
    alone = [["fetch", "--job", team, *options] for team in teams]
    own = folder / "own-caches"
    try:
        caches = [shared if part == "alone-warm" else own / team for team in teams]
        cost = measured(folder, alone, caches)
    finally:
        shutil.rmtree(own, ignore_errors=True)
    return row(f"{part} ({len(teams)} of {JOBS})", cost, index, JOBS / len(teams))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("parts", nargs="*", default=PARTS, help=f"{', '.join(PARTS)}; default: all, in this order")
    parser.add_argument("--sample", type=int, default=JOBS, help="so many of the jobs run alone")
    parser.add_argument("--link", action="store_true", help="wheelhouses of read-only links to the cache")
    given = parser.parse_args()
    folder = given.folder.absolute()
    folder.mkdir(parents=True, exist_ok=True)
    write_settings(folder)
    print(
        "| part | wall, s | processor, s | memory, MB | from the index, MB | different files | files requested again |"
    )
    print("| --- | ---: | ---: | ---: | ---: | ---: | ---: |")
    for part in given.parts:
        with served(folder / "index") as index:
            print(run_part(part, folder, index, given.sample, ["--link"] if given.link else []), flush=True)


if __name__ == "__main__":
    main()
