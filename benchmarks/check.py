"""`check` of 10,000 files beside `curl --head` of each: `python -m benchmarks.check` prints the table of docs/performance.md.

The files are made: 16 lock files of 625 projects each, with 625 pages that nginx serves. Each round runs everything in turn; the least
of each is shown. The loop starts curl for one file in ten, and its times are multiplied by ten. The last rows are the requests alone.
"""

import argparse
import asyncio
import hashlib
import json
import resource
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path

import httpx

from benchmarks.made import CONF
from benchmarks.measure import Cost, cost_of, environment, least
from tests.support.served import free_port, running
from tests.support.tools import PROGRAM, wheelhouse
from tests.support.wheels import build_wheel
from wheelhouse.files.tasks import Tasks
from wheelhouse.index.http import Http, HttpSettings

PROJECTS, LOCKS, SAMPLE, REQUESTS = 625, 16, 10, 16
JSON = "application/vnd.pypi.simple.v1+json"
PACKAGE = """
[[packages]]
name = "{project}"
version = "{version}"

[[packages.wheels]]
name = "{file}"
path = "{file}"
size = 0

[packages.wheels.hashes]
sha256 = "{sha256}"
"""


def make(root: Path) -> list[str]:
    """Write the lock files and the index. Returns the names of the files."""
    for name in ("wheels", "files", "tmp"):
        (root / name).mkdir()
    real = real_locks(root)
    texts, names = [head for _, head, _ in real], []
    for number in range(PROJECTS):
        project, rows = f"made-{number}", []
        for minor in range(LOCKS):
            file = f"made_{number}-1.{minor}-py3-none-any.whl"
            sha256 = hashlib.sha256(file.encode()).hexdigest()
            texts[minor] += PACKAGE.format(project=project, version=f"1.{minor}", file=file, sha256=sha256)
            rows.append({"filename": file, "url": f"/files/{file}", "hashes": {"sha256": sha256}})
            (root / "files" / file).touch()
            names.append(file)
        (root / "simple" / project).mkdir(parents=True)
        page = {"meta": {"api-version": "1.0"}, "name": project, "files": rows}
        (root / "simple" / project / "index.json").write_text(json.dumps(page))
    for text, (lock, _, tail) in zip(texts, real, strict=True):
        (root / "wheels" / lock).write_text(text + tail)
    return names


def real_locks(root: Path) -> list[tuple[str, str, str]]:
    """The lock files of 16 targets: the name of each, and what it has before and after its packages."""
    build_wheel(root / "offered", "made-0", "1.0")
    targets = [f"--python=3.{minor}" for minor in range(10, 14)]
    targets += [f"--platform={name}" for name in ("linux/amd64", "linux/arm64", "alpine/amd64", "windows/amd64")]
    options = ("--no-index", "--find-links", "offered", "--dest", "real")
    made = wheelhouse("fetch", "made-0", *targets, *options, cwd=root)
    if made.returncode:
        raise SystemExit(made.stderr)
    locks = []
    for path in sorted((root / "real").glob("pylock.*.toml")):
        head, _, rest = path.read_text().partition("[[packages]]")
        locks.append((path.name, head, "\n[tool.wheelhouse" + rest.partition("\n[tool.wheelhouse")[2]))
    return locks


def pages_by_httpx(urls: Sequence[str]) -> None:
    """Fetch all pages with httpx and asyncio, and do nothing with them."""

    async def fetch_all() -> None:
        limits = httpx.Limits(max_connections=REQUESTS)
        async with httpx.AsyncClient(limits=limits, headers={"Accept": JSON}, timeout=60) as client:
            for answer in await asyncio.gather(*map(client.get, urls)):
                answer.raise_for_status()

    asyncio.run(fetch_all())


def pages_by_wheelhouse(urls: Sequence[str]) -> None:
    """Fetch all pages with the client of wheelhouse, and do nothing with them."""
    http, tasks = Http(HttpSettings()), Tasks(REQUESTS, "pages")
    try:
        for task in [tasks.start(url, partial(http.get, url, {"Accept": JSON})) for url in urls]:
            task.result()
    finally:
        tasks.close()
        http.close()


def cost_here(work: Callable[[], None]) -> Cost:
    """What something costs that runs in this process."""
    before, started = time.process_time(), time.monotonic()
    work()
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    return Cost(time.monotonic() - started, time.process_time() - before, memory)


def main() -> None:
    """Make the files, serve them, and print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=3)
    rounds = parser.parse_args().rounds
    with tempfile.TemporaryDirectory() as scratch:
        root = Path(scratch)
        root.chmod(0o755)
        names = make(root)
        port = free_port()
        (root / "nginx.conf").write_text(CONF.format(root=root, port=port))
        with running(["nginx", "-p", root, "-c", root / "nginx.conf"], port):
            print_table(measured(root, f"http://127.0.0.1:{port}", names, rounds))


def measured(root: Path, url: str, names: Sequence[str], rounds: int) -> dict[str, Cost]:
    """The least cost of each way, by its name in the table."""
    files = [f"{url}/files/{name}" for name in names]
    pages = [f"{url}/simple/made-{number}/" for number in range(PROJECTS)]
    (root / "heads").write_text("".join(f'url = "{file}"\noutput = "/dev/null"\n' for file in files))
    head = ["curl", "--head", "--silent", "--fail"]
    loop = [[*head, "--output", "/dev/null", file] for file in files[::SAMPLE]]
    parallel = [*head, "--parallel", "--parallel-max", str(REQUESTS), "-K", str(root / "heads")]
    check = [*map(str, PROGRAM), "check", "wheels", "--against", f"{url}/simple"]
    run = partial(cost_of, env=environment(), log=root / "log", cwd=root)
    ways: dict[str, Callable[[], Cost]] = {
        "wheelhouse check": lambda: run([check]),
        "curl --head, one after the other": lambda: times(run(loop), SAMPLE),
        f"curl --head --parallel, {REQUESTS} connections": lambda: run([parallel]),
        "the pages alone, wheelhouse's client": lambda: cost_here(partial(pages_by_wheelhouse, pages)),
        "the pages alone, httpx with asyncio": lambda: cost_here(partial(pages_by_httpx, pages)),
    }
    turns = [{name: way() for name, way in ways.items()} for _ in range(rounds)]
    return {name: least([turn[name] for turn in turns]) for name in ways}


def times(cost: Cost, factor: int) -> Cost:
    """What it costs to do the same more often."""
    return Cost(cost.wall * factor, cost.cpu * factor, cost.memory)


def print_table(costs: dict[str, Cost]) -> None:
    """Print each row, with the ratio of its wall time to the first one's."""
    base = next(iter(costs.values())).wall
    sys.stdout.write("| | wall, s | processor, s | memory, MB | × |\n| --- | ---: | ---: | ---: | ---: |\n")
    for name, cost in costs.items():
        print(f"| {name} | {cost.wall:.2f} | {cost.cpu:.2f} | {cost.memory:.0f} | {cost.wall / base:.2f} |")


if __name__ == "__main__":
    main()
