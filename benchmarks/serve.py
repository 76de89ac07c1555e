"""How fast `serve` is beside nginx on the same files: `python -m benchmarks.serve`, from the checkout, prints docs/performance.md's table.

Each round asks both for the same, one after the other; the least of the rounds is shown. Then 1,000
clients at once, each with connections of its own, read pages and fetch their files, while a project comes and goes in the
wheelhouse: whatever does not arrive whole is lost.
"""

import argparse
import hashlib
import http.client
import json
import os
import shutil
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urljoin, urlsplit

from benchmarks.measure import environment
from tests.support.index import IndexServer
from tests.support.served import nginx, serving
from tests.support.tools import wheelhouse
from tests.support.wheels import build_wheel

JSON = "application/vnd.pypi.simple.v1+json"
PARALLEL = "16"
LARGE, SMALL = 6, 30
LARGE_TIMES, SMALL_TIMES = 4, 600
"""How often one curl fetches each file. Its time is a multiple of 50 ms, so 600 small answers in all would measure curl's clock."""
MEGABYTE = 1 << 20
CLIENTS, PROJECTS = 1000, 6
"""So many clients at once, and so many projects that each of them fetches."""
CHANGE_SECONDS = 1.5


def make_house(folder: Path) -> Path:
    """A wheelhouse with a few large wheels and many small ones."""
    offered = folder / "offered"
    offered.mkdir(parents=True)
    names = []
    for number in range(LARGE + SMALL):
        name = f"{'large' if number < LARGE else 'small'}-{number}"
        size = 40 * MEGABYTE if number < LARGE else 20_000
        build_wheel(offered, name, "1.0", files={f"{name.replace('-', '_')}/data.bin": os.urandom(size)})
        names.append(name)
    with IndexServer(offered) as server:
        options = ("--python", "3.12", "--index", server.url, "--dest", "house")
        made = wheelhouse("fetch", *names, *options, cwd=folder, timeout=300)
    if made.returncode:
        raise SystemExit(made.stderr)
    return folder / "house"


def seconds(urls: Sequence[str], room: Path) -> float:
    """How long one `curl --parallel` takes for these addresses."""
    wanted = room / "urls"
    wanted.write_text("".join(f'url = "{url}"\noutput = "/dev/null"\n' for url in urls))
    command = ["curl", "--no-progress-meter", "--fail", "--parallel", "--parallel-max", PARALLEL, "-K", wanted]
    started = time.monotonic()
    subprocess.run([*command, "-H", f"Accept: {JSON}"], check=True, env=environment(), timeout=300)
    return time.monotonic() - started


def file_urls(page: str) -> list[str]:
    """The addresses that a project's page gives."""
    return [urljoin(page, str(file["url"])) for file in json.loads(read(page))["files"]]


def read(url: str) -> bytes:
    """One answer, over a connection of its own; empty where it is not 200 or was cut short."""
    parts = urlsplit(url)
    connection = http.client.HTTPConnection(parts.hostname or "", parts.port, timeout=120)
    try:
        connection.request("GET", parts.path, headers={"Accept": JSON})
        reply = connection.getresponse()
        return reply.read() if reply.status == 200 else b""
    except (OSError, http.client.HTTPException):
        return b""
    finally:
        connection.close()


def crowd(root: str, projects: Sequence[str]) -> tuple[int, list[float]]:
    """How many of all files are lost when all clients fetch them at once, and the seconds that each request took, sorted."""
    took: list[float] = []

    def timed(url: str) -> bytes:
        started = time.monotonic()
        raw = read(url)
        took.append(time.monotonic() - started)
        return raw

    def client(_number: int) -> int:
        lost = 0
        for project in projects:
            page = json.loads(timed(f"{root}{project}/") or b'{"files": [null]}')
            for file in page["files"]:
                raw = timed(urljoin(f"{root}{project}/", file["url"])) if file else b""
                lost += not file or hashlib.sha256(raw).hexdigest() != file["hashes"]["sha256"]
        return lost

    with ThreadPoolExecutor(CLIENTS) as pool:
        return sum(pool.map(client, range(CLIENTS))), sorted(took)


@contextmanager
def changing(house: Path, states: Sequence[Path]) -> Iterator[list[int]]:
    """Make a wheelhouse each of these states in turn, as long as the block lasts; the list has a 1 for each change."""
    ended, changes = threading.Event(), list[int]()

    def run() -> None:
        while not ended.wait(CHANGE_SECONDS):
            state = states[len(changes) % len(states)]
            for path in sorted(state.iterdir(), key=lambda path: path.suffix != ".whl"):
                shutil.copy(path, house / f".{path.name}")
                (house / f".{path.name}").replace(house / path.name)
            changes.append(1)

    thread = threading.Thread(target=run)
    thread.start()
    try:
        yield changes
    finally:
        ended.set()
        thread.join()


def main() -> None:
    """Make a wheelhouse, serve it twice, and print what was measured."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=5)
    rounds = parser.parse_args().rounds
    with tempfile.TemporaryDirectory() as scratch:
        room = Path(scratch)
        room.chmod(0o755)
        house = make_house(room / "made")
        made = wheelhouse("index", house, "-o", "tree", cwd=room)
        if made.returncode:
            raise SystemExit(made.stderr)
        states = [room / "full", room / "less"]
        for state, names in zip(states, (SMALL, SMALL - 1), strict=True):
            projects = [f"small-{number}" for number in range(LARGE, LARGE + names)]
            options = ("--python", "3.12", "--no-index", "--find-links", "made/offered", "--dest", state)
            made = wheelhouse("fetch", *projects, *options, cwd=room)
            if made.returncode:
                raise SystemExit(made.stderr)
        live = Path(shutil.copytree(states[0], room / "live"))
        with nginx(room / "tree", room / "nginx") as static, serving(house) as served:
            measured(static, f"{served}/simple/", rounds, room)
        with serving(live) as served, changing(live, states) as changes:
            lost, took = crowd(f"{served}/simple/", [f"small-{LARGE + number}" for number in range(PROJECTS)])
        p99 = took[len(took) * 99 // 100]
        print(
            f"\n{CLIENTS} clients at once, {len(took)} requests, {len(changes)} changes: {lost} lost, p99 {p99:.2f} s."
        )
        sys.exit(1 if lost else 0)


def measured(static: str, served: str, rounds: int, room: Path) -> None:
    """Print the table: the least seconds of nginx and of serve. Each round has everything in turns, after one that does not count."""
    large = [f"large-{number}" for number in range(LARGE)]
    small = [f"small-{number}" for number in range(LARGE, LARGE + SMALL)]
    jobs = {
        f"{LARGE * LARGE_TIMES} files of 40 MB": (large, LARGE_TIMES, True),
        f"{SMALL * SMALL_TIMES} files of 20 kB": (small, SMALL_TIMES, True),
        f"{SMALL * SMALL_TIMES} pages": (small, SMALL_TIMES, False),
    }
    urls: dict[str, tuple[list[str], list[str]]] = {}
    for what, (projects, times, wants_files) in jobs.items():
        there = [f"{static}/{project}/index.json" for project in projects]
        here = [f"{served}{project}/" for project in projects]
        urls[what] = (wanted(there, times, files=wants_files), wanted(here, times, files=wants_files))
    turns = [
        {what: (seconds(there, room), seconds(here, room)) for what, (there, here) in urls.items()}
        for _ in range(rounds + 1)
    ]
    print("| | nginx, s | serve, s | serve's throughput, nginx = 1 |\n| --- | ---: | ---: | ---: |")
    for what in jobs:
        nginx_took, serve_took = (min(turn[what][server] for turn in turns[1:]) for server in (0, 1))
        print(f"| {what} | {nginx_took:.2f} | {serve_took:.2f} | {nginx_took / serve_took:.2f} |", flush=True)


def wanted(pages: Sequence[str], times: int, *, files: bool) -> list[str]:
    """The addresses of some pages, or of the files that they name, so many times."""
    return [url for page in pages for url in (file_urls(page) if files else [page])] * times


if __name__ == "__main__":
    main()
