"""What is shown while a run goes on: counted from events, in a few lines on a terminal, in plain lines elsewhere."""

import io
import os
import pty
import subprocess
from pathlib import Path

import pytest
from rich.console import Console
from rich.live import Live

from tests.support.index import Fault, IndexServer
from tests.support.tools import PROGRAM, clean_environment
from tests.support.wheels import build_wheel
from wheelhouse.cli.fleet_progress import MAX_JOBS, FleetShown, FleetTally
from wheelhouse.cli.progress import MAX_LINES, Shown
from wheelhouse.cli.tally import Tally
from wheelhouse.errors import InputError
from wheelhouse.events import Finished, Noted, Received, Resolving, Retrying, Waiting, Warned
from wheelhouse.fetch.fleet_results import JobRun, JobState

BIG = "big-1.0-py3-none-any.whl"


def test_a_line_says_files_bytes_rate_and_what_is_waited_for() -> None:
    tally = Tally()
    tally.note(Waiting("six (page)"), 0.0)
    tally.note(Waiting(BIG, 4_000_000), 1.0)
    tally.note(Waiting("small.whl", 1_000), 1.0)
    assert tally.line(1.0) == "0 files, 0 bytes of 4.0 MB; waiting for six (page) (1 s) and 2 more"
    tally.note(Finished("six (page)"), 1.5)
    tally.note(Received(BIG, 1_000_000), 2.0)
    tally.note(Received("small.whl", 1_000), 2.0)
    tally.note(Finished("small.whl"), 2.0)
    tally.note(Finished("known.whl", reused=True), 2.0)
    assert tally.line(3.0) == (
        f"1 file, 1 from the cache, 1.0 MB of 4.0 MB, 500.5 kB/s; waiting for {BIG} (1.0 MB of 4.0 MB, 2 s)"
    )
    tally.note(Retrying(BIG, "it broke off", 1.0), 3.0)
    assert "trying again" in tally.line(3.0)
    tally.note(Received(BIG, 3_000_000), 4.0)
    tally.note(Finished(BIG), 4.0)
    assert tally.line(30.0).startswith("2 files, 1 from the cache, 4.0 MB")
    assert "waiting" not in tally.line(30.0)


def test_what_was_resumed_counts_as_what_arrived() -> None:
    tally = Tally()
    tally.note(Waiting(BIG, 4_000_000), 0.0)
    tally.note(Received(BIG, 1_000_000), 1.0)
    tally.note(Finished(BIG), 1.0)
    assert tally.line(1.0) == "1 file, 1.0 MB"


def test_a_terminal_shows_those_waited_for_longest() -> None:
    tally = Tally()
    for moment in range(9):
        tally.note(Waiting(f"file{moment}.whl", 1_000_000), float(moment))
    tally.note(Received("file0.whl", 250_000), 9.0)
    tally.note(Waiting("a-project-with-a-name-that-is-long-1.0-cp312-cp312-manylinux_2_28_x86_64.whl"), -1.0)
    lines = tally.lines(10.0, 3, 80)
    assert lines[1:] == [
        "  a-project-with-a-name-that-is-long-1.0-cp31…  11 s",
        "  file0.whl                                     250.0 kB of 1.0 MB, 10 s",
        "  file1.whl                                     9 s",
        "  and 7 more",
    ]
    assert tally.lines(10.0, 2, 40)[1:3] == [
        "  a-project-with-…  11 s",
        "  file0.whl         250.0 kB of 1.0 MB, 10 s",
    ]


@pytest.fixture
def slow(tmp_path: Path):
    build_wheel(tmp_path / "offered", "big", "1.0", files={"big.bin": os.urandom(900_000)})
    with IndexServer(tmp_path / "offered", faults=[Fault(BIG + "$", "trickle", rate=450_000)]) as index:
        yield index


@pytest.mark.rooms
def test_on_a_terminal(slow: IndexServer, tmp_path: Path) -> None:
    ours, theirs = pty.openpty()
    command = [*PROGRAM, "fetch", "big", "--python", "3.12", "--index", slow.url]
    environment = clean_environment(XDG_CACHE_HOME=str(tmp_path), TERM="xterm", COLUMNS="100")
    run = subprocess.Popen(command, cwd=tmp_path, env=environment, stdout=subprocess.PIPE, stderr=theirs)
    os.close(theirs)
    said = b""
    while piece := _read(ours):
        said += piece
    os.close(ours)
    stdout, _ = run.communicate(timeout=20)
    assert run.returncode == 0
    assert b"1 file fetched" in stdout
    assert b"\x1b" not in stdout
    assert f"{BIG}  ".encode() in said
    assert b" kB of 90" in said
    assert b"kB/s" in said
    assert b"resolving for" in said


def _read(descriptor: int) -> bytes:
    try:
        return os.read(descriptor, 65536)
    except OSError:  # so a terminal ends on Linux
        return b""


def test_forty_jobs_take_a_line_each_for_those_that_run_alone() -> None:
    names = [f"team-{number}" for number in range(40)]
    tally = FleetTally(names)
    assert tally.lines(0.0, 80) == ["0 of 40 jobs done, 40 waiting"]
    for moment, name in enumerate(names[:14]):
        tally.note_state(name, JobState.RUNNING, float(moment))
    tally.note_state("team-0", JobState.DONE, 20.0)
    tally.note_state("team-1", JobState.FAILED, 20.0)
    tally.note_activity("team-2", "fetching")
    tally.note_activity("team-0", "late")
    lines = tally.lines(20.0, 80)
    assert lines[0] == "1 of 40 jobs done, 1 failed, 12 running, 26 waiting"
    assert lines[1:4] == ["  team-2   18 s  fetching", "  team-3   17 s", "  team-4   16 s"]
    assert len(lines) == MAX_JOBS + 2
    assert lines[-1] == "  and 4 more"


@pytest.mark.parametrize("columns", [40, 80, 200])
def test_the_lines_of_forty_jobs_say_what_matters_on_a_terminal_of_any_width(columns: int) -> None:
    shown = FleetShown([f"platform-data-team-{number}-of-the-north" for number in range(40)], quiet=False)
    for number, name in enumerate(shown.listeners):
        shown.note_run(JobRun(name, JobState.RUNNING if number < 12 else JobState.WAITING))
        shown.listeners[name](Resolving("cp312-manylinux_2_28_x86_64", 2, 5))
        shown.listeners[name](Waiting(f"platform_data-1.{number}-cp312-cp312-manylinux_2_28_x86_64.whl", 90_000_000))
    console = Console(width=columns, file=io.StringIO(), force_terminal=True, color_system=None)
    with Live(console=console, transient=True) as live:
        shown._live = live
        lines = ["".join(segment.text for segment in line) for line in console.render_lines(shown._standing())]
    assert len(lines) == 1 + MAX_JOBS + 1 + 1 + MAX_LINES + 1
    assert lines[0].startswith("0 of 40 jobs done, 12 running, 28 waiti")
    assert all(" 0 s  resolving fo" in line for line in lines[1 : 1 + MAX_JOBS])
    assert all("  0 s" in line for line in lines[-1 - MAX_LINES : -1])


def test_a_fleet_prints_a_warning_of_several_jobs_once_and_names_each_end(capsys: pytest.CaptureFixture[str]) -> None:
    shown = FleetShown(["a", "b"], quiet=False)
    for name in "ab":
        shown.note_run(JobRun(name, JobState.RUNNING))
        for event in (Warned("lib was yanked"), Noted("a note"), Resolving("cp312", 1, 2), Waiting("x.whl")):
            shown.listeners[name](event)
    shown.note_run(JobRun("a", JobState.DONE, seconds=1.25))
    shown.note_run(JobRun("b", JobState.FAILED, error=InputError("it failed", hint="try again")))
    assert capsys.readouterr().err.splitlines() == [
        "a: warning: lib was yanked",
        "a: note: a note",
        "a: done in 1.2 s",
        "b: error: it failed",
        "b: hint: try again",
    ]
    assert [shown.listeners[name].warnings for name in "ab"] == [["lib was yanked"], ["lib was yanked"]]


def test_a_quiet_fleet_prints_warnings_and_errors(capsys: pytest.CaptureFixture[str]) -> None:
    shown = FleetShown(["a"], quiet=True)
    for event in (Noted("a note"), Warned("a warning")):
        shown.listeners["a"](event)
    shown.note_run(JobRun("a", JobState.DONE))
    assert capsys.readouterr().err == "a: warning: a warning\n"


def test_no_empty_line_is_printed_once_nothing_is_waited_for(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    shown = Shown(quiet=False)
    lines = iter(["0 files; waiting for a", "", "0 files; waiting for b", ""])
    monkeypatch.setattr("wheelhouse.cli.progress.INTERVAL_SECONDS", 0)

    def line() -> str:
        text = next(lines, None)
        if text is None:
            shown._over.set()
        return text or ""

    monkeypatch.setattr(shown, "_line", line)
    shown._tick()
    assert capsys.readouterr().err == "0 files; waiting for a\n0 files; waiting for b\n"
