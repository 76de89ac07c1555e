"""Do the tests notice small faults? `python -m tests.mutation vet lock --sample 60`, from the checkout.

Each mutant (`mutants.py`) is tried by the tests of its package, in a copy of the tree: first by those that run its line, then by
the others. One that no test notices survives. docs/contributing.md has the scores; `equivalent.toml` names the mutants that
change nothing, each with its reason.
"""

import argparse
import os
import random
import re
import sys
import tempfile
import tomllib
from collections.abc import Container, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path
from queue import SimpleQueue

from tests.mutation.mutants import Mutant, mutants
from tests.mutation.tree import Contexts, Runner, Tree
from tests.support.checkout import ROOT
from tests.support.shared import SHARED

PACKAGES = ("target", "archive", "index", "resolve", "lock", "verify", "vet")
PARTS = {
    "index": (
        *("connections", "credential_sources", "credentials", "download", "file_addresses", "http", "links"),
        *("locations", "provenance", "provenance_store", "sources", "store_access", "tls", "urls"),
    )
}
"""Of these packages only these modules: they decide which server, which bytes and which secret may be used."""
MAX_MUTANTS = 2000
"""A package with more is sampled."""
STARTS_PROGRAMS = re.compile(r"\b(wheelhouse|serving|run|Popen|Session|session|pip|uv)\(|\b(PROGRAM|pytest_plugins)\b")
"""In a test module: its tests may run lines that coverage does not see."""


def read_equivalent() -> dict[tuple[str, str, str, str, int], str]:
    """The keys of the mutants that change nothing, each with its reason."""
    rows = tomllib.loads(Path(__file__).with_name("equivalent.toml").read_text(encoding="utf-8"))["equivalent"]
    return {
        (row["file"], row["scope"], row["before"], row["after"], row.get("number", 1)): row["reason"] for row in rows
    }


def mutants_of(name: str, without: Container[tuple[str, str, str, str, int]]) -> list[Mutant]:
    """Every mutant of a package, of its PARTS, or of a module such as `vet/licences`, without those of these keys."""
    source = ROOT / "wheelhouse"
    inside = (path for path in sorted((source / name).rglob("*.py")) if path.stem in PARTS.get(name, (path.stem,)))
    paths = list(inside) or [source / f"{name}.py"]
    found = (mutants(str(path.relative_to(source)), path.read_text(encoding="utf-8")) for path in paths)
    return [mutant for of_file in found for mutant in of_file if mutant.key not in without]


def runs_for(mutant: Mutant, modules: Sequence[Path], contexts: Contexts) -> Iterator[list[str]]:
    """The arguments of each run of pytest that may notice a mutant; `modules` are the test modules."""
    near = {name for line in mutant.lines for name in contexts.get((mutant.file, line), ())}
    if "" not in near:  # coverage knows all tests of this process that run the line
        modules = [path for path in modules if STARTS_PROGRAMS.search(path.read_text(encoding="utf-8"))]
    tests = sorted(near - {""})
    if tests:
        yield tests
    if modules:
        names = (path.relative_to(path.parents[2]).as_posix() for path in modules)
        yield [*names, *(f"--deselect={name}" for name in tests)]


def survivors(names: Sequence[str], sample: Sequence[Mutant], trees: Sequence[Tree]) -> list[Mutant]:
    """The mutants that no test of these modules notices, printed as they are found. Each tree tries one at a time."""
    contexts, seconds = trees[0].contexts(names)
    modules = [trees[0].root / name for name in names]
    with ExitStack() as stack, ThreadPoolExecutor(len(trees)) as pool:
        free: SimpleQueue[Runner] = SimpleQueue()
        for tree in trees:
            free.put(stack.enter_context(tree.runner(names)))

        def survives(mutant: Mutant) -> bool:
            runner = free.get()
            noticed = runner.notices(mutant, list(runs_for(mutant, modules, contexts)), 2 * seconds + 20)
            free.put(runner)
            if not noticed:
                print(f"survived: {mutant}", flush=True)
            return not noticed

        survived: list[Mutant] = []
        for number, (mutant, has_survived) in enumerate(zip(sample, pool.map(survives, sample), strict=True), start=1):
            survived += [mutant] if has_survived else []
            if number % 10 == 0:
                print(f"{number} of {len(sample)} tried", file=sys.stderr, flush=True)
        return survived


def main() -> int:
    """Try the mutants of the packages; print each survivor, and the score of each package."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("packages", nargs="*", default=PACKAGES, help="packages, or modules such as vet/licences")
    parser.add_argument("--sample", type=int, default=MAX_MUTANTS, help="try at most so many mutants of a package")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--tests", nargs="+", help="only these test modules, such as the quick ones: a lower bound")
    parser.add_argument("--workers", type=int, default=os.cpu_count() or 1)
    parser.add_argument("--least", type=float, default=0, help="exit with 1 if a package's score in percent is lower")
    options = parser.parse_args()
    scores = []
    with tempfile.TemporaryDirectory(dir=ROOT.parent, prefix=".mutation-") as scratch:
        (Path(scratch) / SHARED.name).symlink_to(SHARED)
        trees = [Tree(Path(scratch) / str(number)) for number in range(options.workers)]
        for package in options.packages:
            found = mutants_of(package, read_equivalent())
            sample = random.Random(options.seed).sample(found, min(options.sample, len(found)))
            modules = sorted((ROOT / "tests" / package.partition("/")[0]).glob("test_*.py"))
            names = options.tests or [path.relative_to(ROOT).as_posix() for path in modules]
            survived = survivors(names, sample, trees)
            scores.append(100 * (len(sample) - len(survived)) / max(len(sample), 1))
            print(f"| {package} | {len(found)} | {len(sample)} | {len(survived)} | {scores[-1]:.0f} % |", flush=True)
    return int(min(scores) < options.least)


if __name__ == "__main__":
    sys.exit(main())
