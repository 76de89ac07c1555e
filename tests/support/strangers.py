"""Machines that nobody prepared, and every command of one small job, to be run on them.

A machine is how the process is started: its environment, umask, streams, folder and user. All commands run one after another in
one process, which is quick; `prepare` and `run` are what the `wheelhouse` command consists of.
"""

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import typer

from tests.support.index import IndexServer
from tests.support.tools import clean_environment, must_be_no_defect
from tests.support.users import AS_USER, LIBRARIES, USER
from tests.support.wheels import build_sdist, build_wheel
from wheelhouse.cli.app import app
from wheelhouse.cli.entry import load

VERSION = "{}.{}.{}".format(*sys.version_info[:3])
TARGET = "cp{}{}-manylinux_2_28_x86_64".format(*sys.version_info[:2])
DRIVER = """
import json, sys
from wheelhouse.cli.entry import prepare, run
prepare()
answer = open(sys.argv[2], "w")
for words in json.loads(sys.argv[1]):
    sys.stderr.write("$ " + " ".join(words) + "\\n")
    print(run(words), file=answer, flush=True)
"""
JOB: dict[str, tuple[str, int]] = {
    "fetch": ("fetch app --python {version} --index {index} --retries 0", 0),
    "lock": ("lock app --python {version} --index {index} --retries 0 --dest locked", 0),
    "check": ("check wheels --against {index} --retries 0", 0),
    "build": ("build --interpreter {python}", 0),
    "verify": ("verify", 0),
    "why": ("why lib", 0),
    "stage": ("stage", 0),
    "rehearse": ("rehearse --interpreter {python}", 0),
    "advisories import": ("advisories import osv", 0),
    "vet": ("vet --html report.html --sbom house.cdx.json --sarif findings.sarif", 0),
    "approve": ("approve --key key --reason fine --reviewer Ada", 0),
    "review": ("review --key key", 2),  # no settings name the reviewer: else it would serve for ever
    "diff": ("diff wheels wheels", 0),
    "pack": ("pack wheels -o house.tar", 0),
    "inspect": ("inspect house.tar", 0),
    "unpack": ("unpack house.tar far", 0),
    "state": ("state far -o far.json", 0),
    "index": ("index wheels far -o tree", 0),
    "mirror yank": ("mirror yank tree lib==1.0 --reason why", 0),
    "mirror unyank": ("mirror unyank tree lib==1.0", 0),
    "mirror block": ("mirror block tree other --reason why", 0),
    "mirror unblock": ("mirror unblock tree other", 0),
    "mirror status": ("mirror status tree lib archived --reason why", 0),
    "mirror prune": ("mirror prune tree --keep wheels", 0),
    "mirror remove": ("mirror remove tree lib==1.0 --reason why", 0),
    "mirror restore": ("mirror restore tree lib==1.0", 0),
    "mirror show": ("mirror show tree", 0),
    "mirror verify": ("mirror verify tree", 0),
    "serve": ("serve wheels --host 192.0.2.1", 6),  # an address that no machine has: else it would serve for ever
    "publish": ("publish wheels --repository {origin}/upload/ --index {index} --dry-run --retries 0", 0),
    "constraints fetch": ("constraints fetch --airflow 2.10.5 --python 3.12 --constraints-url {origin} --retries 0", 0),
    "constraints compile": ("constraints compile app --python {version} --index {index} -o limits.txt --retries 0", 0),
    "rules": ("rules", 0),
    "target show": ("target show --interpreter {python}", 0),
    "doctor": ("doctor --index {index} --retries 0", 0),
    "materialize": ("materialize --index {index} --retries 0", 0),
    "store show": ("store show", 2),  # no store is named
    "store prune": ("store prune wheels", 2),
    "cache show": ("cache show", 0),
    "cache prune": ("cache prune", 0),
    "cache clear": ("cache clear", 0),
}
"""Each command, in the order of a job, with the exit code that it must end with."""
NAMED = {
    "fetch": "fetch app --python {version} --index {index} --retries 0 --dest {place}",
    "lock": "lock app --python {version} --index {index} --retries 0 --dest {place}-locked",
    "check": "check {place} --against {index} --retries 0",
    "build": "build {place} --interpreter {python}",
    "verify": "verify {place}",
    "why": "why lib {place}",
    "stage": "stage {place} --dest {place}-staged",
    "verify what was staged": "verify {place}-staged",
    "rehearse": "rehearse {place} --interpreter {python}",
    "rehearse what was staged": "rehearse {place}-staged --interpreter {python}",
    "advisories import": "advisories import osv -o {place}.json",
    "vet": "vet {place} --html {place}.html --sbom {place}.sbom --sarif {place}.sarif",
    "approve": "approve {place} --key key --reason fine --reviewer Ada",
    "diff": "diff {place} {place}",
    "pack": "pack {place} -o {place}.tar",
    "inspect": "inspect {place}.tar",
    "unpack": "unpack {place}.tar {place}-far",
    "state": "state {place}-far -o {place}.state",
    "index": "index {place} {place}-far -o {place}-tree",
    "publish": "publish {place} --repository {origin}/upload/ --index {index} --dry-run --retries 0",
    "constraints compile": "constraints compile app --python {version} --index {index} -o {place}.txt --retries 0",
}
"""Each command that takes the name of a folder or file, with names that start with `{place}`."""
WRITING = {
    "fetch": "fetch app --python {version} --index {index} --retries 0 --dest {place}",
    "lock": "lock app --python {version} --index {index} --retries 0 --dest {place}",
    "stage": "stage --dest {place}",
    "advisories import": "advisories import osv -o {place}",
    "vet html": "vet --html {place}",
    "vet sbom": "vet --sbom {place}",
    "vet sarif": "vet --sarif {place}",
    "pack": "pack wheels -o {place}",
    "unpack": "unpack house.tar {place}",
    "state": "state wheels -o {place}",
    "index": "index wheels -o {place}",
    "constraints compile": "constraints compile app --python {version} --index {index} -o {place} --retries 0",
}
"""Each command that writes where it is told to."""
SEALED = ("build", "rehearse", "rehearse what was staged", "doctor")
"""Commands that need a sandbox, and take seconds."""


def every_command() -> list[str]:
    """The commands, without the groups that only hold some."""
    load()
    return sorted(_commands(typer.main.get_command(app)))


def _commands(group: object, *path: str) -> Iterator[str]:
    for name, command in getattr(group, "commands", {}).items():
        if getattr(command, "commands", None):
            yield from _commands(command, *path, name)
        else:
            yield " ".join((*path, name))


@dataclass(frozen=True, kw_only=True)
class Machine:
    """How a process is started on it: a shell command before it, its environment, whether as another user.

    `env` adds variables, and removes those that are None; `{folder}` is the folder in which the job's own one lies.
    """

    name: str
    before: Sequence[str] = ()
    env: Mapping[str, str | None] = field(default_factory=dict)
    folder: str = "job"
    user: bool = False
    sealed: bool = False
    reader: bool = True

    def environment(self, base: Path) -> dict[str, str]:
        given = {"HOME": str(base / "home"), "XDG_CACHE_HOME": str(base / "cache"), "PYTHONPATH": LIBRARIES}
        set_ = {name: value and value.format(folder=base) for name, value in {**given, **self.env}.items()}
        return {name: value for name, value in (clean_environment() | set_).items() if value is not None}

    def __str__(self) -> str:
        return self.name


@dataclass(frozen=True)
class Said:
    """How each command ended, and what all of them said."""

    codes: Mapping[str, int]
    text: str


def shell(script: str) -> tuple[str, ...]:
    """A shell that does something first, and then becomes the command."""
    return ("sh", "-c", f'{script}; exec "$@"', "sh")


def prepare_job(base: Path, server: IndexServer) -> None:
    """What a job needs: projects on the index, one of them an sdist; a key; a record of a vulnerability; constraints."""
    offered = base / "offered"
    build_wheel(offered, "app", "1.0", requires=["lib>=1", "raw"])
    build_wheel(offered, "lib", "1.0")
    build_sdist(offered, "raw", "1.0")
    for path in offered.iterdir():
        server.add(path)
    server.put("/constraints-2.10.5/constraints-3.12.txt", b"lib==1.0\n")
    given = base / "given"
    (given / "osv").mkdir(parents=True)
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", given / "key"], check=True)
    package = {"package": {"ecosystem": "PyPI", "name": "other"}, "versions": ["1.0"]}
    record = {"id": "PYSEC-1", "modified": "2024-05-01T00:00:00Z", "affected": [package]}
    (given / "osv" / "one.json").write_text(json.dumps(record))


def run_job(
    machine: Machine,
    base: Path,
    given: Path,
    lines: Mapping[str, str],
    server: IndexServer,
    python: Path,
    place: str = "",
) -> Said:
    """Run commands in a folder on a machine; what they said holds no traceback."""
    folder = base / machine.folder
    if not folder.exists():
        shutil.copytree(given, folder)
    (base / "home").mkdir(exist_ok=True)
    answer, log = base / "answer", base / "log"
    answer.touch()
    names = {
        "index": server.url,
        "origin": server.origin,
        "version": VERSION,
        "python": str(python),
        "place": place,
    }
    words = [[word.format(**names) for word in line.split(" ")] for line in lines.values()]
    start: list[str | Path] = [*machine.before, *_becoming(machine, base), python, "-B", "-c", DRIVER]
    command = [*start, json.dumps(words), answer]
    with log.open("wb") as file:
        stdout = file if machine.reader else _unread()
        subprocess.run(
            command, cwd=folder, env=machine.environment(base), stdout=stdout, stderr=file, check=False, timeout=600
        )
    text = log.read_text(encoding="utf-8", errors="replace")
    must_be_no_defect(text)
    codes = dict(zip(lines, map(int, answer.read_text().split()), strict=False))
    return Said(codes, text)


def _becoming(machine: Machine, base: Path) -> tuple[str, ...]:
    if not machine.user:
        return ()
    for path in (base, *base.rglob("*")):
        if path.name != "closed":
            shutil.chown(path, int(USER), int(USER))
    return AS_USER


def _unread() -> int:
    """A pipe that nobody reads any more."""
    reader, writer = os.pipe()
    os.close(reader)
    return writer
