"""Commands that are killed at a random moment: a small place in which each can run, and what must hold afterwards."""

import hashlib
import json
import platform
import random
import re
import shlex
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import mkdtemp

from tests.support.golden import Session
from tests.support.index import IndexServer
from tests.support.tools import clean_environment
from tests.support.wheels import build_sdist, build_wheel
from wheelhouse.files.temporary import SCRATCH_PREFIX, TEMP_PREFIX

PYTHON = platform.python_version()
LONGEST = 900.0
COUNTER = "changes"
TIME = re.compile(rb'"endTimeUtc": "[^"]*"')
RECORD = {
    "id": "A",
    "modified": "2024-05-01T00:00:00Z",
    "affected": [{"package": {"ecosystem": "PyPI", "name": "one"}, "ranges": [], "versions": ["1.0"]}],
}
SETTINGS = '[[approvals.reviewers]]\nname = "alice"\nkey = "{key}"\n'
ADDED = ("fetch", "one", "two", "old", "--python", PYTHON, "--dest", "wheels")
"""The job of `wheels/`, into which each command but `lock` and `fetch` looks."""
KILLED: dict[str, tuple[str, ...]] = {
    "fetch": ("fetch", "one", "two", "more", "old", "--python", PYTHON, "--dest", "wheels", "--replace"),
    "fetch anew": ("fetch", "one", "two", "old", "--python", PYTHON, "--dest", "new"),
    "lock": ("lock", "one", "two", "more", "--python", PYTHON, "--dest", "new"),
    "stage": ("stage", "wheels", "--dest", "staged"),
    "restage": ("stage", "wheels", "--sdists", "--dest", "context"),
    "pack": ("pack", "wheels", "-o", "out/x.tar"),
    "pack volumes": ("pack", "wheels", "-o", "bundles/old.tar", "--split", "50K", "--key", "key"),
    "pack whole": ("pack", "wheels", "-o", "bundles/volumes.tar"),
    "unpack": ("unpack", "bundles/signed.tar", "far", "--key", "key.pub"),
    "unpack since": ("unpack", "bundles/since.tar", "old", "--key", "key.pub"),
    "index": ("index", "wheels", "-o", "tree"),
    "index more": ("index", "wheels", "old", "-o", "indexed"),
    "mirror remove": ("mirror", "remove", "indexed", "one==1.0", "--reason", "withdrawn"),
    "approve": ("approve", "wheels", "--key", "key", "--reason", "read"),
    "constraints compile": ("constraints", "compile", "one", "two", "--python", PYTHON, "-o", "limits.txt"),
    "constraints fetch": ("constraints", "fetch", "--airflow", "2.10.5", "--python", "3.11", "--python", "3.12"),
    "advisories import": ("advisories", "import", "export", "--replace"),
    "vet": ("vet", "wheels", "--sarif", "log.sarif"),
    "build": ("build", "wheels"),
}
"""The commands by name; each is run in a copy of the place that `prepare` makes."""
CODES = {"vet": (0, 1)}
HOOKED = """
import os, signal, sys
at, counter = int(sys.argv.pop(1)), os.open(sys.argv.pop(1), os.O_WRONLY | os.O_CREAT | os.O_APPEND)
changes = {"os.rename", "os.remove", "os.mkdir", "os.rmdir", "os.link", "os.chmod", "fcntl.flock"}
def count(event, arguments):
    if event in changes or (event == "open" and (arguments[2] or 0) & (os.O_WRONLY | os.O_RDWR)):
        os.write(counter, b".")
        if os.fstat(counter).st_size == at:
            os.kill(os.getpid(), signal.SIGKILL)
sys.addaudithook(count)
from wheelhouse.cli import main
main()
"""
"""Starts wheelhouse, counts the changes that it makes to files, and kills it before the one with the number `at`."""
ONLINE = ("fetch", "lock", "compile", "build")


Files = dict[str, str]


@dataclass(frozen=True)
class Run:
    """What a place holds after a run, the run's seconds, and how many changes it made to files."""

    after: Files
    seconds: float
    changes: int


@dataclass(frozen=True)
class Place:
    """A folder in which commands run, and the index that they ask."""

    folder: Path
    index: IndexServer

    def arguments(self, name: str) -> list[str]:
        """The words of a command, with the index for those that ask it."""
        words = list(KILLED[name])
        if words[0] == "constraints" and words[1] == "fetch":
            return [*words, "--constraints-url", f"{self.index.origin}/airflow"]
        return [*words, "--index", self.index.url] if set(words[:2]) & set(ONLINE) else words

    def start(self, words: list[str], folder: Path, kill_at: int = 0) -> "subprocess.Popen[str]":
        """Start a command, with cache and temporary files inside the folder; it is killed before a change, if not 0."""
        temporary = folder / "tmp"
        temporary.mkdir(exist_ok=True)
        variables = {"XDG_CACHE_HOME": str(folder / ".cache"), "TMPDIR": str(temporary), "PYTHONDONTWRITEBYTECODE": "1"}
        return subprocess.Popen(
            [sys.executable, "-c", HOOKED, str(kill_at), temporary / COUNTER, *words],
            cwd=folder,
            env=clean_environment(**variables),
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
        )

    def run(self, words: list[str], folder: Path, codes: tuple[int, ...] = (0,)) -> "Run":
        """Run a command to its end."""
        started = time.monotonic()
        with self.start(words, folder) as process:
            _, stderr = process.communicate(timeout=LONGEST)
        assert process.returncode in codes, f"{words}: {stderr}"
        return Run(files_of(folder), time.monotonic() - started, (folder / "tmp" / COUNTER).stat().st_size)


@contextmanager
def prepared(folder: Path) -> Iterator[Place]:
    """A place with an index, wheelhouses, bundles, a staged folder, keys and an export of advisories."""
    offered, place = folder / "offered", folder / "place"
    offered.mkdir(parents=True)
    place.mkdir()
    dice = random.Random(17)
    for name, versions in {"one": ("1.0", "1.1"), "two": ("1.0",), "more": ("1.0",)}.items():
        for version in versions:
            build_wheel(offered, name, version, files={f"{name}/data.bin": dice.randbytes(100_000)})
    build_sdist(offered, "old", "0.9")
    with IndexServer(offered) as index:
        for minor in ("3.11", "3.12"):
            index.put(f"/airflow/constraints-2.10.5/constraints-{minor}.txt", b"one==1.1\n" * 2000)
        whole = Place(place, index)
        _fill(whole)
        yield whole


def _fill(place: Place) -> None:
    folder, online = place.folder, ("--index", place.index.url)
    session = Session(folder)
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", folder / "key"], check=True)
    (folder / "wheelhouse.toml").write_text(SETTINGS.format(key=(folder / "key.pub").read_text().strip()))
    (folder / "export").mkdir()
    for name in ("A", "B"):
        (folder / "export" / f"{name}.json").write_text(json.dumps(RECORD | {"id": name}))
    (folder / "mine.txt").write_text("the user's own")
    (folder / "bundles").mkdir()
    for words in (
        [*ADDED, *online],
        ["fetch", "one==1.0", "two", "--python", PYTHON, "--dest", "old", *online],
        ["pack", "wheels", "-o", "bundles/signed.tar", "--key", "key"],
        ["pack", "wheels", "-o", "bundles/since.tar", "--key", "key", "--since", "old"],
        ["pack", "old", "-o", "bundles/old.tar", "--split", "30K"],
        ["pack", "old", "-o", "bundles/volumes.tar", "--split", "30K"],
        ["stage", "old", "--dest", "context"],
        ["index", "old", "-o", "indexed"],
        ["approve", "old", "--key", "key", "--reason", "read before"],
        ["advisories", "import", "export"],
    ):
        assert session(shlex.join(words)) == 0, session.transcript
    (folder / "export" / "B.json").unlink()  # so that the next import changes the snapshot


def files_of(folder: Path) -> Files:
    """The sha256 of each file by its path, but for the cache's and temporary ones, and those of an index with times and paths.

    The time in a SARIF log does not count.
    """
    files = (path for path in folder.rglob("*") if path.is_file() and ".wheelhouse" not in path.parts)
    paths = (path.relative_to(folder) for path in files)
    kept = sorted(str(path) for path in paths if path.parts[0] not in (".cache", "tmp"))
    return {path: hashlib.sha256(TIME.sub(b"", (folder / path).read_bytes())).hexdigest() for path in kept}


class Killer:
    """Kills commands, each time in a new copy of a place, and looks at what is there then and after the next run."""

    def __init__(self, place: Place, scratch: Path) -> None:
        self._place, self._scratch = place, scratch
        self._expected: dict[str, Run] = {}

    def kill(self, name: str, dice: random.Random, words: list[str] | None = None) -> bool:
        """Kill a command, then run it again. Four in five are killed before a change to a file, one at a moment of its time.

        Whether the killed run left temporary files.
        """
        words = words or self._place.arguments(name)
        reference = self.reference(name, words)
        folder = self._copy("killed")
        before = files_of(folder)
        by_time = reference.changes == 0 or dice.random() < 0.2
        with self._place.start(words, folder, 0 if by_time else dice.randint(1, reference.changes)) as process:
            if by_time:
                time.sleep(dice.uniform(0.1, 1) * reference.seconds)
                process.send_signal(signal.SIGKILL)
            process.communicate(timeout=LONGEST)
        self._must_be_whole(name, before, reference.after, files_of(folder))
        has_left = bool(left_behind(folder))
        (folder / "tmp" / COUNTER).unlink(missing_ok=True)  # killed before its first line
        again = self._place.run(words, folder, CODES.get(name, (0,)))
        assert again.after == reference.after, name
        assert not left_behind(folder), name
        shutil.rmtree(folder.parent)
        return has_left

    def artifacts(self, wheelhouse: str) -> dict[str, bytes]:
        """The wheels and sdists of a wheelhouse of the place."""
        paths = (self._place.folder / wheelhouse).iterdir()
        return {path.name: path.read_bytes() for path in paths if path.name.endswith((".whl", ".tar.gz"))}

    def _must_be_whole(self, name: str, before: Files, after: Files, now: Files) -> None:
        """Each file is as before or as it will be, and a file that stays is there."""
        temporary = {path for path in now if Path(path).name.startswith(TEMP_PREFIX)}
        for path in now.keys() - temporary:
            assert now[path] in (before.get(path), after.get(path)), f"{name}: {path}"
        kept = {path for path in before if before[path] == after.get(path)}
        assert kept <= now.keys(), name

    def reference(self, name: str, words: list[str]) -> Run:
        """The run of a command that nobody kills."""
        if name not in self._expected:
            folder = self._copy("reference")
            self._expected[name] = self._place.run(words, folder, CODES.get(name, (0,)))
            shutil.rmtree(folder.parent)
        return self._expected[name]

    def _copy(self, name: str) -> Path:
        """A new copy of the place."""
        folder = Path(mkdtemp(prefix=name, dir=self._scratch)) / "place"
        shutil.copytree(self._place.folder, folder, symlinks=True)
        return folder


def left_behind(folder: Path) -> list[str]:
    """Temporary files and folders of runs that have ended, in the cache and in TMPDIR too; not what a download resumes from."""
    return [
        str(path.relative_to(folder))
        for path in folder.rglob("*")
        if path.name.startswith((TEMP_PREFIX, SCRATCH_PREFIX))
    ]
