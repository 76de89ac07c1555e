"""Resolve many requirement sets for many targets with wheelhouse and with uv, and compare pins and times.

    python benchmarks/matrix.py --output results.json           every set on every target, files and pages cached
    python benchmarks/matrix.py --times 3 --output times.json   every set on the first target, nothing cached, alternating
    python benchmarks/matrix.py --table results.json            the table of docs/matrix.md

Both take wheels alone, uploaded before CUTOFF, from the default index, for exactly the same Python and platform. uv is the
one beside this Python. What differs is explained in docs/matrix.md.
"""

import argparse
import json
import os
import re
import statistics
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

CUTOFF = "2026-06-01T00:00:00Z"
BESIDE = Path(sys.executable).parent

SETS = {
    "jupyterlab": ["jupyterlab"],
    "mlflow": ["mlflow"],
    "ansible": ["ansible"],
    "dask": ["dask[complete]"],
    "s3fs": ["s3fs", "aiobotocore"],
    "streamlit": ["streamlit"],
    "prefect": ["prefect"],
    "poetry": ["poetry"],
    "sphinx": ["sphinx", "sphinx-rtd-theme", "myst-parser"],
    "django": ["django", "djangorestframework", "django-filter"],
    "fastapi": ["fastapi[standard]"],
    "celery": ["celery[redis]"],
    "pandas": ["pandas[excel,parquet,plot]"],
    "scikit-learn": ["scikit-learn", "lightgbm", "xgboost"],
    "black": ["black[jupyter]", "isort", "flake8"],
    "pytest": ["pytest", "pytest-xdist", "pytest-cov", "hypothesis"],
    "superset": ["apache-superset"],
    "great-expectations": ["great-expectations"],
    "dbt": ["dbt-core", "dbt-postgres"],
    "boto3": ["boto3", "awscli"],
    "kedro": ["kedro", "kedro-datasets"],
    "notebook-science": ["numpy", "scipy", "matplotlib", "seaborn", "statsmodels", "notebook"],
    "flask": ["flask[async]", "flask-sqlalchemy", "flask-login", "gunicorn", "psycopg2-binary"],
    "google-cloud": ["google-cloud-storage", "google-cloud-bigquery[pandas]", "google-cloud-pubsub"],
    "azure": ["azure-identity", "azure-storage-blob", "azure-keyvault-secrets", "msal"],
}


@dataclass(frozen=True)
class Where:
    """One target, as each of the two spells it."""

    python: str
    platform: str
    uv_platform: str

    @property
    def name(self) -> str:
        return f"{self.python} {self.platform}"


TARGETS = [
    Where("3.12.10", "manylinux_2_28_x86_64", "x86_64-manylinux_2_28"),
    Where("3.11.9", "manylinux_2_28_aarch64", "aarch64-manylinux_2_28"),
    Where("3.10.14", "manylinux_2_17_x86_64", "x86_64-manylinux_2_17"),
    Where("3.12.10", "musllinux_1_2_x86_64", "x86_64-unknown-linux-musl"),
    Where("3.13.3", "macosx_13_0_arm64", "aarch64-apple-darwin"),
    Where("3.11.9", "win_amd64", "x86_64-pc-windows-msvc"),
]


@dataclass(frozen=True)
class Outcome:
    """The pins that a resolver chose, or why it chose none; and how long it took, in seconds."""

    pins: dict[str, str]
    error: str
    seconds: float


def run(command: list[str], cwd: str) -> tuple[subprocess.CompletedProcess[str], float]:
    kept = {name: os.environ[name] for name in ("HOME", "PATH", "LANG", "SSL_CERT_FILE") if name in os.environ}
    begin = time.perf_counter()
    ran = subprocess.run(command, cwd=cwd, env=kept, capture_output=True, text=True, timeout=900, check=False)
    return ran, time.perf_counter() - begin


def canonical(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def with_uv(requirements: list[str], where: Where, cache: str) -> Outcome:
    with tempfile.TemporaryDirectory() as folder:
        Path(folder, "in.txt").write_text("\n".join(requirements))
        options = ["--only-binary", ":all:", "--exclude-newer", CUTOFF, "--no-header", "--no-annotate", "--no-config"]
        target = ["--python", sys.executable, "--python-version", where.python, "--python-platform", where.uv_platform]
        command = [str(BESIDE / "uv"), "pip", "compile", *options, *target, "--cache-dir", cache, "in.txt"]
        ran, seconds = run(command, folder)
    pins = {canonical(name): version for name, version in re.findall(r"^([\w.-]+)==(\S+)$", ran.stdout, re.MULTILINE)}
    return Outcome(pins if ran.returncode == 0 else {}, "" if ran.returncode == 0 else ran.stderr[-2000:], seconds)


def with_wheelhouse(requirements: list[str], where: Where, cache: str) -> Outcome:
    with tempfile.TemporaryDirectory() as folder:
        target = ["--python", where.python, "--platform", where.platform]
        options = ["--only-binary", ":all:", "--uploaded-prior-to", CUTOFF, "--cache-dir", cache, "--json"]
        command = [str(BESIDE / "wheelhouse"), "lock", *requirements, *target, *options]
        ran, seconds = run(command, folder)
    if ran.returncode != 0:
        return Outcome({}, ran.stderr[-2000:], seconds)
    projects = json.loads(ran.stdout)["targets"][0]["projects"]
    return Outcome({project["name"]: project["version"] for project in projects}, "", seconds)


def compared(name: str, where: Where, cache: str) -> dict[str, Any]:
    ours = with_wheelhouse(SETS[name], where, f"{cache}/wheelhouse")
    theirs = with_uv(SETS[name], where, f"{cache}/uv")
    projects = sorted(set(ours.pins) | set(theirs.pins))
    different = {
        project: [ours.pins.get(project), theirs.pins.get(project)]
        for project in projects
        if ours.pins.get(project) != theirs.pins.get(project)
    }
    return {
        "set": name,
        "target": where.name,
        "pins": len(ours.pins),
        "different": different,
        "errors": [ours.error, theirs.error],
        "seconds": [round(ours.seconds, 2), round(theirs.seconds, 2)],
    }


def timed(name: str, where: Where, rounds: int) -> dict[str, Any]:
    """The quickest of some rounds of each, in turns, each with an empty cache."""
    seconds: tuple[list[float], list[float]] = ([], [])
    for _ in range(rounds):
        for kind, resolver in enumerate((with_wheelhouse, with_uv)):
            with tempfile.TemporaryDirectory() as cache:
                seconds[kind].append(resolver(SETS[name], where, cache).seconds)
    ours, theirs = (round(min(own), 2) for own in seconds)
    return {"set": name, "target": where.name, "seconds": [ours, theirs], "ratio": round(ours / theirs, 2)}


def cell(result: dict[str, Any]) -> str:
    ours, theirs = result["errors"]
    if ours and theirs:
        return "both none"
    if ours or theirs:
        return "**only uv**" if ours else "**only ours**"
    return f"**{len(result['different'])} of {result['pins']}**" if result["different"] else f"{result['pins']} ="


def table(results: list[dict[str, Any]]) -> str:
    names = list(dict.fromkeys(result["target"] for result in results))
    by_place = {(result["set"], result["target"]): cell(result) for result in results}
    rows = [["set", *names], ["---"] * (len(names) + 1)]
    sets = dict.fromkeys(result["set"] for result in results)
    rows += [[name, *(by_place.get((name, target), "") for target in names)] for name in sets]
    return "\n".join(f"| {' | '.join(row)} |" for row in rows)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("sets", nargs="*", metavar="SET", help=", ".join(SETS))
    parser.add_argument("--targets", type=int, nargs="*", default=range(len(TARGETS)), help="numbers, from 0")
    parser.add_argument("--times", type=int, metavar="ROUNDS")
    parser.add_argument("--cache", default=str(Path(tempfile.gettempdir()) / "wheelhouse-matrix"))
    parser.add_argument("--output", type=Path, metavar="FILE")
    parser.add_argument("--table", type=Path, metavar="FILE")
    given = parser.parse_args()
    if given.table:
        print(table([json.loads(line) for line in given.table.read_text().splitlines()]))
        return
    results = []
    for name in given.sets or SETS:
        for number in [0] if given.times else given.targets:
            where = TARGETS[number]
            result = timed(name, where, given.times) if given.times else compared(name, where, given.cache)
            results.append(result)
            print(name, where.name, result["seconds"], result.get("different", result.get("ratio")), flush=True)
            if given.output:
                given.output.write_text("".join(json.dumps(result) + "\n" for result in results))
    if given.times:
        print("median ratio:", statistics.median(result["ratio"] for result in results))


if __name__ == "__main__":
    main()
