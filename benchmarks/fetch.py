"""How long the main job takes, beside its peers: `python -m benchmarks.fetch`, from the checkout, prints docs/performance.md's tables.

Each round runs every contender once, one after the other; the least of each contender's rounds is shown, so that other work
on the machine falsifies ratios little.
Peers are their newest releases, started as their own users start them, with a clean configuration: pip under the target's own
Python; uv for the target's own Python (asked for one that is not installed, it tries to download that first), which downloads no
files, followed by `curl --parallel`; and the floor: one `curl --parallel` of exactly the pages and files that the job needs.
"""

import argparse
import shutil
import socket
import subprocess
import sys
import time
import tomllib
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path

from benchmarks.made import make, served
from benchmarks.measure import Cost, cost_of, environment, least
from tests.support.pythons import find_python

EXTRAS = "celery,cncf-kubernetes,postgres,redis,ssh,statsd"
MAIN_JOB = f"apache-airflow[{EXTRAS}]==2.10.5"
CONSTRAINTS = Path(__file__).parents[1] / "constraints" / "airflow-2.10.5" / "constraints-3.12.txt"
JSON = "application/vnd.pypi.simple.v1+json"
PARALLEL = "16"
UV = Path(sys.executable).with_name("uv")


@dataclass(frozen=True)
class Job:
    """What is fetched, from where, and the folder that all of it happens in."""

    requirement: str
    constraints: Path
    index: str
    room: Path
    proxy: str | None = None

    @property
    def env(self) -> dict[str, str]:
        return environment(**({"HTTPS_PROXY": self.proxy} if self.proxy else {}))

    @property
    def lock(self) -> Path:
        return next(self.room.glob("kept/pylock.*.toml"))


Commands = list[list[str | Path]]
Contender = Callable[[Job], Commands]


def wheelhouse(job: Job) -> Commands:
    program = Path(sys.executable).with_name("wheelhouse")
    where = ["--index", job.index, "--dest", job.room / "house", "--cache-dir", job.room / "cache"]
    return [[program, "fetch", job.requirement, "-c", job.constraints, "--python", "3.12", "-q", *where]]


def pip(job: Job) -> Commands:
    options = ["--no-cache-dir", "-q", "-i", job.index, "-c", job.constraints, "-d", job.room / "pip"]
    return [[newest_pip(job.room.parent), "-m", "pip", "download", job.requirement, *options]]


@cache
def newest_pip(room: Path) -> Path:
    """The target's Python with the newest pip in a virtual environment of its own."""
    python = room / "newest-pip" / "bin" / "python"
    if not python.exists():
        subprocess.run([find_python("3.12"), "-m", "venv", python.parents[1]], check=True)
        subprocess.run([python, "-m", "pip", "install", "-q", "--upgrade", "pip"], check=True)
    return python


def versions(room: Path) -> str:
    """The peers' own numbers."""
    commands: Commands = [[newest_pip(room), "-m", "pip", "--version"], [UV, "--version"], ["curl", "--version"]]
    told = (subprocess.run(command, capture_output=True, text=True, check=True).stdout for command in commands)
    return ", ".join(" ".join(text.split()[:2]) for text in told)


def uv_and_curl(job: Job) -> Commands:
    """uv resolves, for the target, into a pylock.toml; curl brings what it names."""
    lock = job.room / "pylock.uv.toml"
    asked = job.room / "asked.in"
    asked.write_text(f"{job.requirement}\n")
    for_target = [
        "--python",
        find_python("3.12"),
        "--no-python-downloads",
        "--python-platform",
        "x86_64-manylinux_2_28",
    ]
    options = ["-c", job.constraints, "--default-index", job.index, "--no-cache", "-q", "--format", "pylock.toml"]
    compiled = [UV, "pip", "compile", asked, "-o", lock, *for_target, *options]
    return [compiled, [sys.executable, "-m", "benchmarks.fetch", "--write-curl", lock, job.room], _curl(job.room)]


def floor(job: Job) -> Commands:
    return [_curl(job.room)]


def _curl(room: Path) -> list[str | Path]:
    return ["curl", "-sS", "--fail", "--parallel", "--parallel-max", PARALLEL, "-K", room / "urls.curl"]


def write_curl(lock: Path, room: Path, index: str | None = None) -> None:
    """curl's configuration for the files that a lock names; with `index`, for their projects' pages too."""
    lines: list[str] = []
    for package in tomllib.loads(lock.read_text())["packages"]:
        file = next(iter(package.get("wheels") or [package["sdist"]]))
        name = file.get("name") or file["url"].rpartition("/")[2]
        lines += [f'url = "{file["url"]}"', f'output = "{room / "curl" / name}"']
        if index:
            page = room / "curl" / f"{package['name']}.json"
            lines += [f'url = "{index}/{package["name"]}/"', f'output = "{page}"']
    (room / "urls.curl").write_text("\n".join([f'header = "Accept: {JSON}"', *lines]) + "\n")


# Where a run starts from


def put_aside(job: Job, *names: str) -> None:
    """Nothing is deleted before the end: ext4 goes round the places of what just was, for whoever makes files next."""
    gone = job.room / "gone" / str(time.monotonic_ns())
    gone.mkdir(parents=True)
    for name in names:
        if (job.room / name).exists():
            (job.room / name).rename(gone / name)


def cold(job: Job) -> None:
    put_aside(job, "house", "cache", "pip", "curl")
    (job.room / "curl").mkdir(parents=True)


def warm(job: Job) -> None:
    put_aside(job, "house")


def from_lock(job: Job) -> None:
    warm(job)
    shutil.copytree(job.room / "kept", job.room / "house")


def keep_lock(job: Job) -> None:
    """Fill the cache, and put the lock and its constraints aside, as they come over with a repository."""
    cold(job)
    cost_of(wheelhouse(job), job.env, job.room / "log")
    put_aside(job, "kept")
    (job.room / "kept").mkdir()
    for pattern in ("pylock.*", "constraints.*"):
        for path in (job.room / "house").glob(pattern):
            shutil.copy(path, job.room / "kept")


def race(job: Job, rounds: int, peers: Sequence[str]) -> dict[str, Cost]:
    """Every contender from every start, once a round; the least of each."""
    keep_lock(job)
    costs: dict[str, list[Cost]] = {}

    def once(name: str, commands: Commands, prepare: Callable[[Job], None]) -> None:
        prepare(job)
        costs.setdefault(name, []).append(cost_of(commands, job.env, job.room / "log"))

    for _ in range(rounds):
        if "floor" in peers:
            cold(job)
            write_curl(job.lock, job.room, job.index)
            once("floor: curl of the same pages and files", floor(job), lambda _job: None)
        once("wheelhouse, cold", wheelhouse(job), cold)
        once("wheelhouse, cache full, wheelhouse empty", wheelhouse(job), warm)
        once("wheelhouse, from the lock, cache full", wheelhouse(job), from_lock)
        once("wheelhouse, nothing to do", wheelhouse(job), lambda _job: None)
        if "uv" in peers:
            once("uv pip compile, then curl", uv_and_curl(job), cold)
        if "pip" in peers:
            once("pip download", pip(job), cold)
    shutil.rmtree(job.room / "gone")
    return {name: least(found) for name, found in costs.items()}


def verifying(job: Job, rounds: int) -> dict[str, Cost]:
    """`verify` beside `unzip -t` and `sha256sum` over the same files, on as many cores."""
    keep_lock(job)
    house = job.room / "house"
    program = Path(sys.executable).with_name("wheelhouse")
    each = f"find {house} -name '*.whl' -print0 | xargs -0 -P $(nproc) -n"
    peers = f"({each} 1 unzip -tqq) & ({each} 8 sha256sum >/dev/null) & wait"
    costs: dict[str, list[Cost]] = {}
    for _ in range(rounds):
        for name, command in (
            ("unzip -t and sha256sum", ["sh", "-c", peers]),
            ("wheelhouse verify", [program, "verify", house]),
        ):
            costs.setdefault(name, []).append(cost_of([command], job.env, job.room / "log"))
    return {name: least(found) for name, found in costs.items()}


# Many targets in one run

PYTHONS = ("3.10", "3.11", "3.12", "3.13")
PLATFORMS = {
    "linux/amd64": ("manylinux_2_28_x86_64", "manylinux_2_17_x86_64", "manylinux2014_x86_64"),
    "linux/arm64": ("manylinux_2_28_aarch64", "manylinux_2_17_aarch64", "manylinux2014_aarch64"),
    "alpine/amd64": ("musllinux_1_2_x86_64", "musllinux_1_1_x86_64"),
    "windows/amd64": ("win_amd64",),
}
"""Platforms as wheelhouse names them, and the tags that `pip download` needs for them."""
SERVICE = [
    *("flask", "requests", "pandas", "boto3", "sqlalchemy", "pydantic", "celery", "redis", "httpx", "rich", "typer"),
    *("fastapi", "uvicorn", "cryptography", "pyyaml", "jinja2", "pillow", "lxml"),
]
"""Requirements of about sixty projects, which have wheels for all of these targets."""


def for_many_targets(job: Job) -> Commands:
    program = Path(sys.executable).with_name("wheelhouse")
    chosen = [f"--python={python}" for python in PYTHONS] + [f"--platform={platform}" for platform in PLATFORMS]
    where = ["--index", job.index, "--dest", job.room / "house", "--cache-dir", job.room / "cache"]
    return [[program, "fetch", *SERVICE, *chosen, "--only-binary", ":all:", "-q", *where]]


def pip_for_each_target(job: Job) -> Commands:
    """The loop that people write. pip keeps what it downloads in its cache, as it does for them."""
    pip, cache = newest_pip(job.room.parent), ["--cache-dir", job.room / "cache"]
    options = [*cache, "-q", "-i", job.index, "--only-binary", ":all:", "-d", job.room / "pip"]
    return [
        [
            pip,
            "-m",
            "pip",
            "download",
            *SERVICE,
            *options,
            "--python-version",
            python,
            *(f"--platform={tag}" for tag in tags),
        ]
        for python in PYTHONS
        for tags in PLATFORMS.values()
    ]


def targets(room: Path, rounds: int) -> Iterator[str]:
    job = Job("", CONSTRAINTS, default_index(), room / "targets")
    job.room.mkdir(parents=True, exist_ok=True)
    costs: dict[str, list[Cost]] = {}
    for _ in range(rounds):
        for name, commands in (
            ("wheelhouse, cold", for_many_targets(job)),
            ("pip download, once for each target", pip_for_each_target(job)),
        ):
            cold(job)
            costs.setdefault(name, []).append(cost_of(commands, job.env, job.room / "log"))
    shutil.rmtree(job.room / "gone")
    table_of = {name: least(found) for name, found in costs.items()}
    yield table("Sixteen targets of about sixty projects", table_of, "wheelhouse, cold")


@contextmanager
def relayed(server_port: int | None = None) -> Iterator[str]:
    """The relay's address while it runs: a proxy, or in the place of the server on a port of this machine."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    ports = [str(port), *([str(server_port)] if server_port else [])]
    process = subprocess.Popen([sys.executable, "-m", "benchmarks.relay", *ports])
    time.sleep(1)
    try:
        yield f"http://127.0.0.1:{port}"
    finally:
        process.terminate()
        process.wait()


# What is shown


def table(title: str, costs: dict[str, Cost], base: str) -> str:
    """A table in Markdown; the last column says how many times as long as `base`."""
    lines = [
        f"\n### {title}\n",
        "| run | wall, s | processor, s | memory, MB | × |",
        "| --- | ---: | ---: | ---: | ---: |",
    ]
    for name, cost in costs.items():
        ratio = cost.wall / costs[base].wall
        lines.append(f"| {name} | {cost.wall:.2f} | {cost.cpu:.2f} | {cost.memory:.0f} | {ratio:.2f} |")
    return "\n".join(lines)


def default_index() -> str:
    from pip._internal.models.index import PyPI

    return str(PyPI.simple_url)


def real(room: Path, rounds: int) -> Iterator[str]:
    job = Job(MAIN_JOB, CONSTRAINTS, default_index(), room / "real")
    job.room.mkdir(parents=True, exist_ok=True)
    yield table("The real index", race(job, rounds, ("floor", "uv", "pip")), "wheelhouse, cold")
    yield table("Verifying", verifying(job, rounds), "unzip -t and sha256sum")


def far(room: Path, rounds: int) -> Iterator[str]:
    with relayed() as proxy:
        job = Job(MAIN_JOB, CONSTRAINTS, default_index(), room / "far", proxy)
        job.room.mkdir(parents=True, exist_ok=True)
        costs = race(job, rounds, ("floor", "uv"))
    yield table("Through the relay: 20 ms more, 200 Mbit/s", costs, "floor: curl of the same pages and files")


def kept(room: Path, rounds: int) -> Iterator[str]:
    """The job's pages as they are, from a server that says by ETag whether one changed; the files still come from where they are."""
    job = Job(MAIN_JOB, CONSTRAINTS, default_index(), room / "kept")
    pages = job.room / "pages"
    keep_lock(job)
    (pages / "tmp").mkdir(parents=True)
    urls = []
    for package in tomllib.loads(job.lock.read_text())["packages"]:
        page = pages / "simple" / package["name"] / "index.json"
        page.parent.mkdir(parents=True)
        urls.append(f'url = "{job.index}/{package["name"]}/"\noutput = "{page}"')
    (job.room / "urls.curl").write_text("\n".join([f'header = "Accept: {JSON}"', *urls]) + "\n")
    subprocess.run(_curl(job.room), check=True)
    with served(pages) as index:
        costs = race(replace(job, index=index), rounds, ())
    yield table("The same pages from a server that lets them be kept", costs, "wheelhouse, cold")


def made(room: Path, rounds: int, sizes: Sequence[int]) -> Iterator[str]:
    for size in sizes:
        root = room / f"made-{size}"
        make(root, size)
        with served(root) as index:
            job = Job("made-0", root / "constraints.txt", index, room / f"job-{size}")
            job.room.mkdir(parents=True, exist_ok=True)
            peers = ("floor", "uv", "pip")[: 3 if size <= 100 else 2]
            yield table(f"{size} made projects on a loopback index", race(job, rounds, peers), "wheelhouse, cold")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument(
        "what", nargs="*", default=["real", "kept", "far", "targets", "made"], help="which tables; default: all"
    )
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--sizes", type=int, nargs="*", default=[100, 1_000, 10_000])
    parser.add_argument("--room", type=Path, default=Path("build/benchmarks"))
    parser.add_argument("--write-curl", type=Path, nargs=2, help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.write_curl:
        write_curl(*given.write_curl)
        return
    room = given.room.resolve()
    parts = {
        "real": lambda: real(room, given.rounds),
        "kept": lambda: kept(room, given.rounds),
        "far": lambda: far(room, given.rounds),
        "targets": lambda: targets(room, given.rounds),
        "made": lambda: made(room, given.rounds, given.sizes),
    }
    print(versions(room), flush=True)
    for what in given.what:
        for text in parts[what]():
            print(text, flush=True)


if __name__ == "__main__":
    main()
