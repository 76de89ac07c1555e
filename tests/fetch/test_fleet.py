"""`fetch --all` and `lock --all`: the jobs of a settings file in one run."""

import json
import random
import signal
import subprocess
import threading
import time
from hashlib import sha256
from pathlib import Path

import pytest

from tests.support.golden import Session
from tests.support.index import Fault, IndexServer
from tests.support.tools import PROGRAM, clean_environment, must_be_no_defect
from tests.support.wheels import build_wheel
from wheelhouse.archive.inspect_pool import InspectPool
from wheelhouse.errors import (
    InputError,
    IntegrityError,
    MachineError,
    NoSolutionError,
    ServerError,
    WheelhouseError,
)
from wheelhouse.fetch.fleet import run_jobs
from wheelhouse.fetch.fleet_results import JobRun, JobState, exit_code
from wheelhouse.verify.verify import verify

APPS = tuple(f"app{number}" for number in range(6))
SHARED = ("lib", "base")
FLEET = """\
python = ["3.11", "3.12"]
"""


@pytest.fixture(scope="module")
def offered(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("offered")
    for name in APPS:
        build_wheel(folder, name, "1.0", requires=["lib"])
    build_wheel(folder, "lib", "1.0", requires=["base"])
    build_wheel(folder, "base", "1.0")
    build_wheel(folder, "impossible", "1.0", requires=["lib>3"])
    build_wheel(folder, "altered", "1.0")
    return folder


@pytest.fixture
def altered(index: IndexServer, offered: Path) -> None:
    """The index gives a hash that the file does not have."""
    index.add(offered / "altered-1.0-py3-none-any.whl", hashes={"sha256": "0" * 64})


def write_jobs(session: Session, *names: str) -> None:
    """A settings file with a job for each project."""
    jobs = "".join(f'[jobs.{name}]\nrequirements = ["{name}"]\n' for name in names)
    (session.folder / "wheelhouse.toml").write_text(FLEET + jobs)


def files_of(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_each_page_and_file_is_requested_and_inspected_once(
    session: Session, index: IndexServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    inspected: list[str] = []
    inspect = InspectPool.inspect
    monkeypatch.setattr(
        InspectPool, "inspect", lambda pool, path, name: inspected.append(name) or inspect(pool, path, name)
    )
    write_jobs(session, *APPS)
    assert session("fetch --all") == 0
    requested = [request.path for request in index.requests]
    assert sorted(requested) == sorted(set(requested))
    assert len(inspected) == len(set(inspected)) == len(APPS) + len(SHARED)
    for name in APPS:
        assert verify(session.folder / "wheelhouses" / name).findings == ()
    assert "6 jobs: 6 done; 8 different files" in session.stdout


def test_a_job_makes_what_it_makes_alone(session: Session) -> None:
    write_jobs(session, *APPS[:2])
    assert session("fetch --all --parallel 2") == 0
    for name in APPS[:2]:
        settings = FLEET + f'requirements = ["{name}"]\ndest = "wheelhouses/{name}"\n'
        made = files_of(session.folder / "wheelhouses" / name)
        (session.folder / "wheelhouses" / name).rename(session.folder / f"former-{name}")
        (session.folder / "wheelhouse.toml").write_text(settings)
        assert session("fetch") == 0
        assert files_of(session.folder / "wheelhouses" / name) == made


@pytest.mark.usefixtures("altered")
def test_jobs_that_fail_are_named_and_the_others_are_done(session: Session) -> None:
    write_jobs(session, "impossible", *APPS, "altered")
    assert session("fetch --all --keep-going --json") == 5
    document = json.loads(session.stdout)
    states = {job["job"]: (job["state"], job.get("error", {}).get("exit-code", 0)) for job in document["jobs"]}
    assert states == {"impossible": ("failed", 3), "altered": ("failed", 5), **dict.fromkeys(APPS, ("done", 0))}
    assert document["exit-code"] == 5
    assert document["files"] == len(APPS) + len(SHARED)
    (app,) = (job for job in document["jobs"] if job["job"] == "app0")
    assert app["house"] == "wheelhouses/app0"
    assert [target["python"].rpartition(".")[0] for target in app["targets"]] == ["3.11", "3.12"]
    assert not list((session.folder / "wheelhouses/altered").glob("*"))


@pytest.mark.usefixtures("altered")
def test_the_text_names_each_job_that_failed(session: Session) -> None:
    write_jobs(session, "app0", "impossible", "altered")
    assert session("fetch --all --keep-going") == 5
    assert "impossible: error: no solution for 2 of 2 targets" in session.transcript
    assert "altered: error: `altered-1.0-py3-none-any.whl` has the sha256 " in session.transcript
    assert "app0 (wheelhouses/app0): 2 targets, 3 files" in session.stdout
    assert "3 jobs: 1 done, 2 failed; 3 different files, " in session.stdout


def test_an_error_names_the_file_and_the_job_that_ask_for_a_project(session: Session) -> None:
    write_jobs(session, "nowhere")
    assert session("fetch --all") == 3
    assert "no project `nowhere` (requested in wheelhouse.toml (jobs.nowhere))" in session.transcript
    (session.folder / "wheelhouse.toml").write_text(f'{FLEET}requirements = ["nowhere"]\n')
    assert session("fetch") == 3
    assert "no project `nowhere` (requested in wheelhouse.toml)" in session.transcript
    assert session("fetch elsewhere --python 3.12") == 3
    assert "no project `elsewhere` (requested on the command line)" in session.transcript


def test_a_job_that_fails_ends_the_start_of_others(session: Session) -> None:
    write_jobs(session, "app0", "impossible", "app1", "app2")
    assert session("fetch --all --parallel 1 --json") == 3
    states = [job["state"] for job in json.loads(session.stdout)["jobs"]]
    assert states == ["done", "failed", "not started", "not started"]
    assert not (session.folder / "wheelhouses/app1").exists()
    assert session("fetch --all --parallel 1") == 3
    assert "hint: to also run the 2 jobs that did not start, add --keep-going" in session.transcript


def test_a_target_that_fails_leaves_the_others_of_its_job(session: Session, offered: Path, index: IndexServer) -> None:
    build_wheel(offered, "newer", "1.0", requires_python=">=3.12")
    index.add(offered / "newer-1.0-py3-none-any.whl")
    write_jobs(session, "newer", "app0")
    assert session("fetch --all --keep-going --json") == 3
    newer, app = json.loads(session.stdout)["jobs"]
    assert (newer["state"], len(newer["targets"]), newer["error"]["exit-code"]) == ("failed", 1, 3)
    assert (app["state"], len(app["targets"])) == ("done", 2)


def test_jobs_with_indexes_of_their_own_share_the_cache(session: Session, index: IndexServer, offered: Path) -> None:
    with IndexServer(offered) as other:
        (session.folder / "wheelhouse.toml").write_text(
            f'{FLEET}[jobs.one]\nrequirements = ["app0"]\n[jobs.two]\nrequirements = ["app0"]\n'
            f'[jobs.two.indexes.own]\nurl = "{other.url}"\nprojects = ["app0"]\n'
        )
        assert session("fetch --all --parallel 1") == 0
        assert {request.path for request in other.requests} == {"/simple/app0/"}
    requested = [request.path for request in index.requests if request.path.startswith("/files/")]
    assert sorted(requested) == sorted(set(requested))


def test_another_file_of_several_jobs_is_downloaded_once(session: Session, index: IndexServer) -> None:
    address = index.put("/tool.bin", b"a tool")
    index.faults.append(Fault("/tool.bin", "delay", seconds=0.2))
    entry = f'[[files]]\nurl = "{address}"\nsha256 = "{sha256(b"a tool").hexdigest()}"\n'
    (session.folder / "wheelhouse.toml").write_text(
        FLEET + 'requirements = ["app0"]\n' + entry + "[jobs.a]\n[jobs.b]\n[jobs.c]\n"
    )
    assert session("fetch --all") == 0
    assert [request.path for request in index.requests].count("/tool.bin") == 1


def test_lock_writes_the_locks_of_all_jobs(session: Session) -> None:
    write_jobs(session, *APPS[:2])
    assert session("lock --all") == 0
    for name in APPS[:2]:
        assert sorted(path.suffix for path in (session.folder / "wheelhouses" / name).iterdir()) == [".toml"] * 2
    assert "app0 (wheelhouses/app0): 2 targets, 3 files" in session.stdout


def test_a_job_is_chosen_by_its_name_or_by_a_pattern(session: Session) -> None:
    write_jobs(session, *APPS)
    assert session("lock --job app1 --job 'app[23]' --json") == 0
    assert [job["job"] for job in json.loads(session.stdout)["jobs"]] == ["app1", "app2", "app3"]
    assert session("lock --job nope") == 2
    assert "error: no job is named `nope`\nhint: the jobs are app0, app1" in session.transcript


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        ("fetch", "the settings file has jobs, but no job was chosen"),
        ("lock", "the settings file has jobs, but no job was chosen"),
        (
            "fetch --all lib",
            "the jobs of the settings file say what to fetch, but the command line also names requirements or targets",
        ),
        ("fetch --all --dest wheels", "--dest names one folder, but each job has its own folder"),
    ],
)
def test_a_command_line_that_does_not_fit_jobs(session: Session, words: str, sentence: str) -> None:
    write_jobs(session, "app0")
    assert session(words) == 2
    assert f"error: {sentence}\nhint: " in session.transcript


def test_files_of_another_job_are_removed_only_with_replace(session: Session) -> None:
    write_jobs(session, "app0")
    assert session("fetch app1 --python 3.11 --python 3.12 --dest wheelhouses/app0") == 0
    assert session("fetch --all") == 2
    assert "app0: error: `wheelhouses/app0` also has the files of another job" in session.transcript
    assert session("fetch --all --replace") == 0


@pytest.mark.rooms
def test_an_interrupt_leaves_no_partial_file(tmp_path: Path) -> None:
    wheels = tmp_path / "offered"
    wheels.mkdir()
    build_wheel(wheels, "big", "1.0", files={"big.bin": random.Random(1).randbytes(400_000)})
    for name in ("one", "two"):
        build_wheel(wheels, name, "1.0", requires=["big"])
    (tmp_path / "wheelhouse.toml").write_text(
        'python = "3.12"\n[jobs.one]\nrequirements = ["one"]\n[jobs.two]\nrequirements = ["two"]\n'
    )
    with IndexServer(wheels, faults=[Fault(r"/files/big-1.0-py3-none-any.whl$", "trickle", rate=200_000)]) as index:
        command = [*PROGRAM, "fetch", "--all", "--index", index.url]
        environment = clean_environment(XDG_CACHE_HOME=str(tmp_path / ".cache"))
        pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
        run = subprocess.Popen(command, cwd=tmp_path, env=environment, text=True, **pipes)  # type: ignore[call-overload]
        deadline = time.monotonic() + 20
        while not any(_size(path) > 50_000 for path in tmp_path.glob(".cache/wheelhouse/v1/partial/*")):
            assert time.monotonic() < deadline
            time.sleep(0.01)
        run.send_signal(signal.SIGINT)
        stdout, stderr = run.communicate(timeout=15)
        assert (run.returncode, stdout) == (130, "")
        must_be_no_defect(stderr)
        assert stderr.splitlines()[-1].startswith("error: interrupted")
        assert not [path for path in (tmp_path / "wheelhouses").rglob("*") if path.is_file()]
        assert Session(tmp_path)(f"fetch --all --index {index.url}") == 0


def _size(path: Path) -> int:
    """The size of a file in bytes; 0 if it was moved since."""
    try:
        return path.stat().st_size
    except FileNotFoundError:
        return 0


# Commands about the wheelhouses of jobs


def test_verify_checks_the_wheelhouse_of_each_job(session: Session) -> None:
    write_jobs(session, *APPS[:2])
    assert session("fetch --all") == 0
    assert session("verify --all") == 0
    (session.folder / "wheelhouses/app1/lib-1.0-py3-none-any.whl").write_bytes(b"altered")
    assert session("verify --all --json") == 1
    document = json.loads(session.stdout)
    assert [(job["job"], job["ok"]) for job in document["jobs"]] == [("app0", True), ("app1", False)]
    assert (document["ok"], document["exit-code"]) == (False, 1)
    assert session("verify --job app0") == 0
    assert session("verify --all wheelhouses/app0") == 2


def test_verify_names_a_job_without_a_wheelhouse(session: Session) -> None:
    write_jobs(session, *APPS[:2])
    assert session("fetch --job app0") == 0
    assert session("verify --all") == 2
    assert "wheelhouses/app0: 3 files" in session.stdout
    assert "app1: error: there is no folder `wheelhouses/app1`" in session.transcript


def test_why_names_each_job_that_has_a_project(session: Session) -> None:
    write_jobs(session, *APPS[:2])
    assert session("fetch --all") == 0
    assert session("why Lib --all") == 0
    assert session.stdout.startswith(
        "app0 (wheelhouses/app0):\n  cp311-manylinux_2_28_x86_64:\n    app0 1.0 → lib 1.0\n"
    )
    assert session("why app1 --all --json") == 0
    (job,) = json.loads(session.stdout)["jobs"]
    assert job == {"job": "app1", "targets": {name: ["app1 1.0 was requested"] for name in job["targets"]}}
    assert session("why nope --all --json") == 2
    assert json.loads(session.stdout)["error"]["sentence"] == "no job has `nope`"
    assert session("why --all") == 2
    assert session("why app0 elsewhere --job app0") == 2


# The running of jobs, without a job


def run(errors: dict[str, WheelhouseError], names: str, parallel: int = 1, *, keep_going: bool) -> list[JobRun[str]]:
    def work(name: str) -> tuple[str, WheelhouseError | None]:
        if name in errors:
            raise errors[name]
        return name.upper(), None

    return run_jobs(list(names), work, parallel, lambda _run: None, keep_going=keep_going, stop=lambda: None)


def test_no_jobs_have_no_results() -> None:
    assert run({}, "", 2, keep_going=False) == []


@pytest.mark.parametrize("parallel", [1, 3, 64])
def test_results_come_in_the_order_of_the_jobs(parallel: int) -> None:
    runs = run({"c": InputError("bad")}, "abcde", parallel, keep_going=True)
    assert [(one.name, one.state, one.result) for one in runs] == [
        (name, JobState.FAILED if name == "c" else JobState.DONE, None if name == "c" else name.upper())
        for name in "abcde"
    ]


@pytest.mark.parametrize(
    ("errors", "code"),
    [
        ([], 0),
        ([InputError("a"), NoSolutionError("b")], 2),
        ([NoSolutionError("a"), ServerError("b")], 4),
        ([ServerError("a"), IntegrityError("b")], 5),
    ],
)
def test_the_exit_code_is_the_first_by_precedence(errors: list[WheelhouseError], code: int) -> None:
    runs = run({str(number): error for number, error in enumerate(errors)}, "01234", keep_going=True)
    assert exit_code(runs) == code
    assert exit_code([*runs, JobRun("x", JobState.STOPPED)]) == 130


def test_so_many_jobs_run_at_once() -> None:
    together = threading.Barrier(3, timeout=20)
    most, running, guard = 0, 0, threading.Lock()

    def work(name: str) -> tuple[str, None]:
        nonlocal most, running
        with guard:
            running += 1
            most = max(most, running)
        together.wait()
        with guard:
            running -= 1
        return name, None

    run_jobs(list("abcdef"), work, 3, lambda _run: None, keep_going=False, stop=lambda: None)
    assert most == 3


def test_an_interrupt_stops_what_runs_and_starts_nothing_more() -> None:
    stopped, started = threading.Event(), []

    def work(name: str) -> tuple[str, None]:
        started.append(name)
        if name == "a":
            raise KeyboardInterrupt
        assert stopped.wait(20)
        return name, None

    with pytest.raises(KeyboardInterrupt):
        run_jobs(list("abcdef"), work, 2, lambda _run: None, keep_going=True, stop=stopped.set)
    assert stopped.is_set()
    assert "f" not in started


def test_what_an_interrupt_takes_away_is_no_error_of_a_job() -> None:
    started, stopped, ended = threading.Event(), threading.Event(), threading.Event()
    changes: list[JobRun[str]] = []

    def work(name: str) -> tuple[str, None]:
        if name == "a":
            assert started.wait(20)
            raise KeyboardInterrupt
        started.set()
        assert stopped.wait(20)
        raise MachineError("cannot schedule new futures after shutdown")

    def note(change: JobRun[str]) -> None:
        changes.append(change)
        if change.name == "b" and change.state is not JobState.RUNNING:
            ended.set()

    with pytest.raises(KeyboardInterrupt):
        run_jobs(["a", "b"], work, 2, note, keep_going=True, stop=stopped.set)
    assert ended.wait(20)
    assert (changes[-1].state, changes[-1].error) == (JobState.STOPPED, None)
