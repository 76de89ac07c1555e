"""A year of a mirror in fast motion: three jobs, two of which are indexed at once, decisions, a prune, and clients all the time.

Each install is held against the journal of the index: what should be there is installed, and what should not is not.
"""

import hashlib
import random
import threading
import time
from collections.abc import Iterator, Sequence, Set
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import httpx
import pytest
from packaging.utils import canonicalize_name
from packaging.version import Version

from tests.support.made_wheelhouses import wheelhouse_of
from tests.support.tools import pip
from tests.support.web_servers import nginx_of
from tests.support.wheels import build_wheel
from wheelhouse.archive.filenames import release_of
from wheelhouse.mirror.keep import decide, prune
from wheelhouse.mirror.simple import HTML_TYPE, JSON_TYPE
from wheelhouse.mirror.state import Action, Entry, state_of
from wheelhouse.mirror.static_index import IndexChoices, index
from wheelhouse.mirror.tree import read_journal, read_pages
from wheelhouse.mirror.verify_tree import verify_tree

NEW_YEAR = datetime(2026, 1, 1, tzinfo=UTC)
ACCEPT = f"{JSON_TYPE}, {HTML_TYPE}; q=0.1, text/html; q=0.01"
CLIENTS, INSTALLS, EACH_SECOND = 4, 25, 10
"""Quick clients, and the installs that are waited for after each step of the year, and in each second of it.

A pip is waited for in every other month.
"""
JOBS = {
    "web": {"common": "{month}.0", "core": "{quarter}.0", "web-only": "{month}.1", "tool": "1.{half}"},
    "batch": {"common": "{month}.0", "core": "{quarter}.0", "batch-only": "{month}.2"},
    "lab": {"common": "{before}.0", "tool": "1.{half}", "lab-only": "{quarter}.3", "risky-thing": "{month}.0"},
}
"""The projects of each job and the version of each month."""


@dataclass(frozen=True)
class Window:
    """What the journal wants from the end of one step to the start of the next, in seconds of the clock that clients read."""

    start: float
    end: float
    present: frozenset[str]
    yanked: frozenset[str]


@dataclass(frozen=True)
class Install:
    """What a client did. `wanted` is the file that it requested; empty for the newest release of a project. `got` is its file."""

    start: float
    end: float
    wanted: str
    got: str
    problem: str = ""


def touched_by(install: Install, windows: Sequence[Window]) -> list[Window]:
    """The windows of an install, and the one before and the one after a step that it meets."""
    ends = [window.end for window in windows]
    starts = [window.start for window in windows]
    reaches = zip(windows, [float("-inf"), *ends], [*starts[1:], float("inf")], strict=False)
    return [window for window, since, until in reaches if since <= install.end and install.start <= until]


def wrong(install: Install, windows: Sequence[Window]) -> str:
    """Why an install should have ended otherwise, by every window that it touches; empty if it is right, or not decided."""
    touched = touched_by(install, windows)
    always = frozenset.intersection(*(window.present for window in touched))
    ever = frozenset.union(*(window.present for window in touched))
    yanked = frozenset.intersection(*(window.yanked for window in touched))
    if "sha256" in install.problem:
        return f"other bytes: {install}"
    if install.wanted in always and install.got != install.wanted:
        return f"not installed: {install}"
    if install.got and install.got not in ever:
        return f"installed, and must not be there: {install}"
    if not install.wanted and install.got in yanked:
        return f"yanked, and chosen: {install}"
    return ""


@dataclass
class Mirror:
    """The index, its journal and the steps of the year."""

    tree: Path
    url: str = ""
    windows: list[Window] = field(default_factory=list)
    installs: list[Install] = field(default_factory=list)
    over: threading.Event = field(default_factory=threading.Event)
    pips: int = 0

    def expected(self) -> tuple[frozenset[str], frozenset[str]]:
        """The files that the journal wants in the index, and those that it yanks."""
        journal = read_journal(self.tree)
        present: set[str] = set()
        for entry in journal:
            present = present | set(entry.files) if entry.action is Action.INDEX else present - set(entry.files)
            state = state_of(journal[: journal.index(entry) + 1])
            present = {name for name in present if not state.keeps_out(*release_of(name))}
        return frozenset(present), frozenset(name for name in present if release_of(name) in state_of(journal).yanked)

    @contextmanager
    def step(self) -> Iterator[None]:
        """A change of the index: the window before ends with its start, the next starts with its end."""
        if self.windows:
            self.windows[-1] = replace(self.windows[-1], end=time.monotonic())
        yield
        self.windows.append(Window(time.monotonic(), float("inf"), *self.expected()))
        self._wait_for_installs()

    def _wait_for_installs(self) -> None:
        count, start = len(self.installs), self.windows[0].start
        while self.url and len(self.installs) < max(count + INSTALLS, EACH_SECOND * (time.monotonic() - start)):
            time.sleep(0.002)


def wheelhouses_of(month: int, folder: Path) -> dict[str, Path]:
    """The wheelhouse of each job in a month."""
    values = {"month": month, "before": max(1, month - 1), "quarter": (month + 2) // 3, "half": (month + 5) // 6}
    made: dict[str, Path] = {}
    for job, projects in JOBS.items():
        made[job] = folder / f"{job}-{month}"
        made[job].mkdir()
        for project, version in projects.items():
            release = version.format(**values)
            build_wheel(made[job], project, release, files={"data.bin": release.encode() * 10_000})
        wheelhouse_of(made[job], *projects)
    return made


def a_year(mirror: Mirror, folder: Path) -> None:
    """12 monthly releases of 3 jobs, 5 removals, 3 yanks, a block, and a prune at the end."""
    for month in range(1, 13):
        made = NEW_YEAR + timedelta(days=30 * month)
        choices = IndexChoices("Ada", made, check=month == 6)
        houses = wheelhouses_of(month, folder)
        runs = [[houses["web"]], [houses["batch"], houses["lab"]]]
        with mirror.step(), ThreadPoolExecutor() as pool:
            list(pool.map(index, runs, [mirror.tree] * len(runs), [choices] * len(runs)))
        for entry in decisions_of(month, made):
            with mirror.step():
                decide(mirror.tree, [entry])
        while mirror.pips < month // 2:
            time.sleep(0.01)
    with mirror.step():
        keep = [folder / f"{job}-{month}" for job in JOBS for month in (11, 12)]
        prune(mirror.tree, keep, Entry(action=Action.PRUNE, made=made, by="Ada"), dry_run=False)


def decisions_of(month: int, made: datetime) -> Iterator[Entry]:
    """The decisions of a month. `common` of the month is named again by `lab` in the next one, and stays out."""
    removed = {3: "common==3.0", 5: "core==2.0", 7: "web-only==7.1", 9: "common==9.0", 12: "lab-only==4.3"}
    yanked = {2: "common==2.0", 6: "core==2.0", 11: "batch-only==11.2"}
    if month in removed:
        yield Entry(action=Action.REMOVE, made=made, by="Ada", subject=removed[month], reason="withdrawn")
    if month in yanked:
        yield Entry(action=Action.YANK, made=made, by="Bob", subject=yanked[month], reason="loses data")
    if month == 8:
        yield Entry(action=Action.BLOCK, made=made, by="Ada", subject="risky-*", reason="never from outside")


def every_file() -> list[str]:
    """Every file of the year, and some that never come."""
    values = [
        {"month": month, "before": month, "quarter": (month + 2) // 3, "half": (month + 5) // 6}
        for month in range(1, 14)
    ]
    releases = {
        (project, version.format(**each))
        for projects in JOBS.values()
        for project, version in projects.items()
        for each in values
    }
    return sorted(f"{project.replace('-', '_')}-{version}-py3-none-any.whl" for project, version in releases)


def install(client: httpx.Client, wanted: str, project: str) -> tuple[str, str]:
    """Install as pip would: read the page, choose, download, compare. The file that was installed, and what went wrong."""
    page = client.get(f"{project}/", headers={"accept": ACCEPT})
    if page.status_code != 200:
        return "", f"page {page.status_code}"
    if page.headers["content-type"].startswith("text/html"):  # of a new project it comes before the JSON page
        return install(client, wanted, project)
    files = {file["filename"]: file for file in page.json()["files"]}
    candidates = [name for name, file in files.items() if not file["yanked"]]
    name = wanted or max(candidates, key=lambda name: release_of(name)[1], default="")
    if name not in files:
        return "", "not on the page"
    for url, sha256 in (
        (files[name]["url"] + ".metadata", files[name]["core-metadata"]["sha256"]),
        (files[name]["url"], files[name]["hashes"]["sha256"]),
    ):
        reply = client.get(f"{project}/{url}")
        if reply.status_code != 200:
            return "", f"{url} {reply.status_code}"
        if hashlib.sha256(reply.content).hexdigest() != sha256:
            return "", f"{url} has another sha256"
    return name, ""


def quick_client(mirror: Mirror, seed: int) -> None:
    """Install one file after the other, or the newest of a project."""
    dice, names = random.Random(seed), every_file()
    with httpx.Client(base_url=mirror.url) as client:
        while not mirror.over.is_set():
            chosen = dice.choice(names)
            wanted = chosen if dice.random() < 0.8 else ""
            start = time.monotonic()
            try:
                got, problem = install(client, wanted, release_of(chosen)[0])
            except httpx.HTTPError as error:
                got, problem = "", repr(error)
            mirror.installs.append(Install(start, time.monotonic(), wanted, got, problem))


def real_pip(mirror: Mirror, folder: Path) -> None:
    """Download one release after the other with pip."""
    dice, names = random.Random(0), every_file()
    while not mirror.over.is_set():
        wanted = dice.choice(names)
        project, version = release_of(wanted)
        start = time.monotonic()
        options = ("--no-deps", "--index-url", mirror.url, "-d", folder / "downloads")
        done = pip("download", f"{project}=={version}", *options)
        got = wanted if done.returncode == 0 else ""
        mirror.installs.append(Install(start, time.monotonic(), wanted, got, "" if got else done.stderr[-300:]))
        mirror.pips += 1


@pytest.mark.servers
def test_a_year_of_a_mirror_under_a_running_server(tmp_path: Path) -> None:
    mirror = Mirror(tmp_path / "tree")
    (tmp_path / "start").mkdir()
    build_wheel(tmp_path / "start", "common", "0.1")
    with mirror.step():
        index([wheelhouse_of(tmp_path / "start")], mirror.tree, IndexChoices("Ada", NEW_YEAR))
    with nginx_of(mirror.tree, tmp_path / "nginx") as mirror.url:
        clients = [threading.Thread(target=quick_client, args=(mirror, seed)) for seed in range(CLIENTS)]
        clients += [threading.Thread(target=real_pip, args=(mirror, tmp_path))]
        for client in clients:
            client.start()
        try:
            a_year(mirror, tmp_path)
        finally:
            mirror.over.set()
            for client in clients:
                client.join()
    assert [problem for install in mirror.installs if (problem := wrong(install, mirror.windows))] == []
    must_have_been_a_year(mirror)


def must_have_been_a_year(mirror: Mirror) -> None:
    """The index ends as the journal wants it, and the clients saw successes and failures, of pip too."""
    actions = [entry.action for entry in read_journal(mirror.tree)]
    assert {kind: actions.count(kind) for kind in (Action.REMOVE, Action.YANK, Action.BLOCK, Action.PRUNE)} == {
        Action.REMOVE: 5,
        Action.YANK: 3,
        Action.BLOCK: 1,
        Action.PRUNE: 1,
    }
    on_pages = {name for page in read_pages(mirror.tree, frozenset()).values() for name in page.files}
    on_disk = {path.name for path in mirror.tree.rglob("*.whl")}
    assert on_pages == on_disk == mirror.windows[-1].present
    assert not verify_tree(mirror.tree).findings
    gone: Set[str] = frozenset().union(*(window.present for window in mirror.windows)) - on_disk
    assert {"common-3.0-py3-none-any.whl", "risky_thing-7.0-py3-none-any.whl"} < gone and len(on_disk) > 8
    for wanted in (True, False):
        outcomes = {bool(install.got) for install in mirror.installs if bool(install.wanted) is wanted}
        assert outcomes == {True, False}
    assert len(mirror.installs) > 20 * INSTALLS


PRESENT, GONE = "lib-1.0-py3-none-any.whl", "lib-2.0-py3-none-any.whl"
WINDOWS = (
    Window(0, 10, frozenset({PRESENT, GONE}), frozenset()),
    Window(11, 20, frozenset({PRESENT}), frozenset({PRESENT})),
)
JUDGED = {
    "what is there all the time was installed": (Install(1, 12, PRESENT, PRESENT), False),
    "what is there all the time was not installed": (Install(1, 12, PRESENT, "", "404"), True),
    "what went was installed before": (Install(1, 2, GONE, GONE), False),
    "what went was not installed before": (Install(1, 2, GONE, ""), True),
    "what went was installed in the step": (Install(10.3, 10.6, GONE, GONE), False),
    "what is there all the time was not installed in the step": (Install(10.3, 10.6, PRESENT, ""), True),
    "what went was installed meanwhile": (Install(9, 12, GONE, GONE), False),
    "what went was not installed meanwhile": (Install(9, 12, GONE, ""), False),
    "what went was installed afterwards": (Install(12, 13, GONE, GONE), True),
    "what never was was installed": (Install(12, 13, "lib-3.0.tar.gz", "lib-3.0.tar.gz"), True),
    "what never was was not installed": (Install(12, 13, "lib-3.0.tar.gz", ""), False),
    "a yanked release was chosen": (Install(12, 13, "", PRESENT), True),
    "a yanked release was chosen before": (Install(1, 2, "", PRESENT), False),
    "a yanked release was requested": (Install(12, 13, PRESENT, PRESENT), False),
    "other bytes came": (Install(9, 12, GONE, "", "it has another sha256"), True),
}


@pytest.mark.parametrize("case", JUDGED)
def test_installs_are_judged_by_what_the_journal_wants(case: str) -> None:
    installed, is_wrong = JUDGED[case]
    assert bool(wrong(installed, WINDOWS)) is is_wrong


def test_the_files_of_the_year_are_releases() -> None:
    names = every_file()
    assert len(names) > 60 and all(release_of(name)[1] > Version("0") for name in names)
    assert {canonicalize_name(project) for job in JOBS.values() for project in job} == {
        release_of(name)[0] for name in names
    }
