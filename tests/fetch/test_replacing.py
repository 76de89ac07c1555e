"""Two jobs in one folder: no file of another job goes without a question, and what goes is named."""

import json
import os
import pty
import select
import signal
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.golden import Session
from tests.support.index import IndexServer
from tests.support.sampled import sampled
from tests.support.tools import PROGRAM, clean_environment
from tests.support.wheels import build_wheel
from wheelhouse.verify.verify import verify

SETTINGS = 'requirements = ["{}"]\npython = [{}]\n'
TOP, DEP, OTHER = "top-1.0-py3-none-any.whl", "dep-1.0-py3-none-any.whl", "other-1.0-py3-none-any.whl"
OLD_LIB, NEW_LIB = "lib-1.0-py3-none-any.whl", "lib-2.0-py3-none-any.whl"


@pytest.fixture(scope="module")
def index(tmp_path_factory: pytest.TempPathFactory) -> Iterator[IndexServer]:
    folder = tmp_path_factory.mktemp("offered")
    build_wheel(folder, "top", "1.0", requires=["dep"], extras={"more": ["lib<2"]})
    build_wheel(folder, "apache-airflow", "2.10.5", extras={"celery": ["lib"]})
    for name, version in (("dep", "1.0"), ("other", "1.0"), ("pip", "24.2"), ("uv", "0.4.1")):
        build_wheel(folder, name, version)
    for version in ("1.0", "2.0"):
        build_wheel(folder, "lib", version)
        build_wheel(folder, "packaging", version)
    with IndexServer(folder) as server:
        yield server


@pytest.fixture
def session(index: IndexServer, tmp_path: Path) -> Session:
    online = ("--index", index.url, "--retries", "0")
    return Session(tmp_path, {"fetch": online, "lock": online})


def contents(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


ANOTHER_JOB = {
    "other requirements": ("top", "other", {TOP, DEP}),
    "fewer requirements": ("top other", "other", {TOP, DEP}),
    "another version": ("lib", "lib==1.0", {NEW_LIB}),
    "constraints": ("lib", "lib -c low.txt", {NEW_LIB}),
    "an override": ("top", "top --override other.txt", {DEP}),
    "an exclusion": ("top", "top --exclude dep", {DEP}),
    "an extra": ("top lib", "top[more] lib", {NEW_LIB}),
    "one extra less": ("top[more]", "top", {OLD_LIB}),
    "a file of requirements": ("top", "-r in.txt", {TOP, DEP}),
}


@pytest.mark.parametrize("kind", sampled(ANOTHER_JOB, 1))
@pytest.mark.parametrize("command", ["fetch", "lock"])
def test_files_of_another_job_are_named_and_stay(session: Session, kind: str, command: str) -> None:
    first, second, lost = ANOTHER_JOB[kind]
    (session.folder / "low.txt").write_text("lib<2\n")
    (session.folder / "in.txt").write_text("other\n")
    (session.folder / "other.txt").write_text("dep; python_version < '3'\n")
    assert session(f"fetch {first} --python 3.12") == 0
    before = contents(session.folder / "wheels")
    session.transcript = ""
    assert session(f"{command} {second} --python 3.12") == 2
    assert contents(session.folder / "wheels") == before
    assert set(session.transcript.split()) & set(before) == lost
    assert "--replace" in session.transcript
    assert session(f"{command} {second} --python 3.12 --json") == 2
    assert set(json.loads(session.stdout)["error"]["details"]) == lost
    assert session(f"{command} {second} --python 3.12 --replace") == 0
    assert session(f"fetch {second} --python 3.12") == 0
    assert not lost & set(contents(session.folder / "wheels"))
    assert verify(session.folder / "wheels").findings == ()


def test_what_is_replaced_is_named(session: Session) -> None:
    session("fetch top --python 3.12 --quiet")
    session.transcript = ""
    assert session("fetch other --python 3.12 --replace") == 0
    assert f"2 removed\n  removed: {DEP}, {TOP}\n" in session.transcript


@pytest.mark.parametrize("altered", [False, True])
def test_what_sha256sums_alone_names_goes_unless_it_was_altered(session: Session, altered: bool) -> None:
    """`lock` writes the lock of another job, so only SHA256SUMS still names the files of the job before."""
    session("fetch top other --python 3.12 --quiet")
    assert session("lock other --python 3.12 --replace") == 0
    house = session.folder / "wheels"
    with (house / "SHA256SUMS").open("a") as file:
        file.write(f"{'0' * 64}  ../outside.txt\n{'0' * 64}  gone.whl\n")
    (session.folder / "outside.txt").write_bytes(b"outside")
    if altered:
        (house / DEP).write_bytes((house / DEP).read_bytes() + b"!")
    assert session("fetch other --python 3.12") == 0
    assert {TOP, DEP, OTHER} & set(contents(house)) == ({OTHER, DEP} if altered else {OTHER})
    assert (session.folder / "outside.txt").is_file()


def test_files_that_a_killed_run_left_are_removed_by_the_next(
    session: Session, monkeypatch: pytest.MonkeyPatch
) -> None:
    """SHA256SUMS is written last: until then it names the files that the locks no longer do."""
    session("fetch top other --python 3.12 --quiet")

    def killed(*_: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr("wheelhouse.fetch.fill._remove", killed)
        assert session("fetch other --python 3.12 --replace") == 130
    assert {TOP, DEP} <= set(contents(session.folder / "wheels"))
    assert session("fetch other --python 3.12") == 0
    assert not {TOP, DEP} & set(contents(session.folder / "wheels"))
    assert verify(session.folder / "wheels").findings == ()


@pytest.mark.parametrize("more", ["top", "top other", "top --pre"])
def test_a_job_that_takes_nothing_away_needs_no_question(session: Session, more: str) -> None:
    session("fetch top --python 3.12 --quiet")
    assert session(f"fetch {more} --python 3.12") == 0
    assert {TOP, DEP} <= set(contents(session.folder / "wheels"))


def test_another_target_is_added_and_a_target_that_is_not_named_stays(session: Session) -> None:
    session("fetch top --python 3.12 --quiet")
    assert session("fetch other --python 3.11") == 0
    assert {TOP, DEP, OTHER} <= set(contents(session.folder / "wheels"))
    assert session("fetch top --python 3.12") == 0
    assert OTHER in contents(session.folder / "wheels")
    assert session("fetch lib --python 3.11 --python 3.13") == 2
    assert OTHER in contents(session.folder / "wheels")


def test_a_target_keeps_its_job_where_another_target_has_the_same_files(session: Session) -> None:
    session("fetch top --python 3.11 --python 3.12 --quiet")
    before = contents(session.folder / "wheels")
    assert session("fetch other --python 3.12") == 2
    assert contents(session.folder / "wheels") == before


def test_a_file_that_another_target_of_the_job_still_needs_is_not_lost(session: Session) -> None:
    session("fetch top lib --python 3.11 --python 3.12 --quiet")
    (session.folder / "in.txt").write_text("top\nlib; python_version < '3.12'\n")
    assert session("fetch -r in.txt --python 3.11 --python 3.12") == 0
    assert NEW_LIB in contents(session.folder / "wheels")
    assert session("fetch top --python 3.11 --python 3.12 --json") == 2
    assert json.loads(session.stdout)["error"]["details"] == [NEW_LIB]


def test_locks_without_files_are_replaced_without_a_question(session: Session) -> None:
    assert session("lock top --python 3.12") == 0
    assert session("lock other --python 3.12") == 0


def settings(session: Session, requirement: str, *pythons: str) -> None:
    listed = ", ".join(f'"{python}"' for python in pythons)
    (session.folder / "wheelhouse.toml").write_text(SETTINGS.format(requirement, listed))


def test_a_settings_file_replaces_what_it_said_before(session: Session) -> None:
    settings(session, "top", "3.11", "3.12")
    assert session("fetch") == 0
    settings(session, "other", "3.12")
    session.transcript = ""
    assert session("fetch") == 0
    for name in (TOP, DEP, "pylock.cp311-manylinux_2_28_x86_64.toml"):
        assert name in session.transcript
    assert {name for name in contents(session.folder / "wheels") if name.endswith(("whl", "toml"))} == {
        OTHER,
        "pylock.cp312-manylinux_2_28_x86_64.toml",
    }
    assert verify(session.folder / "wheels").findings == ()


def test_a_lock_of_a_target_that_the_settings_file_dropped_goes(session: Session) -> None:
    settings(session, "top", "3.11", "3.12")
    assert session("lock") == 0
    settings(session, "top", "3.12")
    assert session("lock") == 0
    dropped = session.folder / "wheels/pylock.cp311-manylinux_2_28_x86_64.toml"
    assert not dropped.exists()
    assert f"note: `{dropped.relative_to(session.folder)}` was removed" in session.transcript


def test_a_settings_file_leaves_the_job_of_a_command_line(session: Session) -> None:
    assert session("fetch top --python 3.12") == 0
    settings(session, "other", "3.12")
    assert session("fetch") == 2
    assert {TOP, DEP} <= set(contents(session.folder / "wheels"))
    assert session("fetch --replace") == 0
    settings(session, "lib", "3.12")
    assert session("fetch") == 0


def test_a_settings_file_takes_over_the_same_job(session: Session) -> None:
    assert session("fetch top --python 3.12") == 0
    settings(session, "top", "3.12")
    assert session("fetch") == 0
    before = contents(session.folder / "wheels")
    assert session("fetch") == 0
    assert contents(session.folder / "wheels") == before
    settings(session, "other", "3.12")
    assert session("fetch") == 0


@pytest.mark.rooms
def test_a_command_line_leaves_the_job_of_a_settings_file(session: Session) -> None:
    settings(session, "top", "3.12")
    assert session("fetch") == 0
    for line in ("fetch other --python 3.12", "fetch lib -c none.txt --python 3.12"):
        (session.folder / "none.txt").write_text("")
        assert session(line) == 2
    assert session("fetch --python 3.11") == 0
    assert session("fetch") == 0
    assert (session.folder / "wheels/pylock.cp311-manylinux_2_28_x86_64.toml").is_file()


def test_the_tooling_of_two_folders_are_two_jobs(session: Session) -> None:
    shared = session.folder / "shared"
    for name, requirement, code in (("one", "top", 0), ("two", "other", 2)):
        folder = session.folder / name
        folder.mkdir()
        inner = Session(folder, session.options)
        settings(inner, requirement, "3.12")
        assert inner(f"fetch --dest {shared}") == code
    assert {TOP, DEP} <= set(contents(shared))


def test_an_upgrade_replaces_and_names_what_went(session: Session) -> None:
    session("fetch lib==1.0 --python 3.12 --quiet")
    session.transcript = ""
    assert session("fetch lib --python 3.12 --upgrade") == 0
    assert OLD_LIB in session.transcript


def test_an_upgrade_of_one_project_is_no_leave_to_replace_the_job(session: Session, index: IndexServer) -> None:
    session("fetch top lib==1.0 --python 3.12 --quiet")
    assert session("fetch lib --python 3.12 --upgrade-project lib") == 2
    assert {TOP, OLD_LIB} <= set(contents(session.folder / "wheels"))


def test_tools_are_asked_about_before_anything_changes(session: Session) -> None:
    limits = session.folder / "constraints/airflow-2.10.5/constraints-3.12.txt"
    limits.parent.mkdir(parents=True)
    for text, code in (("lib==1.0\n", 0), ("lib==1.0\npackaging==1.0\n", 2)):
        limits.write_text(text)
        before = contents(session.folder / "wheels")
        assert session("fetch --airflow 2.10.5 --extra celery --python 3.12") == code
    assert "  tools/packaging-2.0-py3-none-any.whl\n" in session.transcript
    assert contents(session.folder / "wheels") == before
    assert session("fetch --airflow 2.10.5 --extra celery --python 3.12 --replace") == 0
    assert "removed: packaging-2.0-py3-none-any.whl" in session.transcript


def test_tools_without_a_solution_leave_no_empty_folder(session: Session, index: IndexServer) -> None:
    limits = session.folder / "constraints/airflow-2.10.5/constraints-3.12.txt"
    limits.parent.mkdir(parents=True)
    limits.write_text("packaging==9\n")
    assert session("fetch --airflow 2.10.5 --extra celery --python 3.12") == 3
    assert not contents(session.folder / "wheels")
    assert not (session.folder / "wheels/tools").exists()


def test_files_of_no_lock_are_said(session: Session) -> None:
    session("fetch top --python 3.12 --quiet")
    (session.folder / "wheels/stranger-1.0-py3-none-any.whl").write_bytes(b"")
    (session.folder / "wheels/notes.txt").write_bytes(b"")
    session.transcript = ""
    assert session("fetch top --python 3.12 --quiet") == 0
    assert "warning: `wheels` has files that no lock file lists: notes.txt, stranger-1.0-py3-none-any.whl" in (
        session.transcript
    )
    assert session("fetch top --python 3.12 --json") == 0
    assert json.loads(session.stdout)["foreign"] == ["notes.txt", "stranger-1.0-py3-none-any.whl"]


class Terminal:
    """The real command on a terminal: what it says, and what is typed."""

    def __init__(self, folder: Path, index: IndexServer, *arguments: str) -> None:
        self._ours, theirs = pty.openpty()
        command = [*PROGRAM, "fetch", *arguments, "--python", "3.12"]
        environment = clean_environment(XDG_CACHE_HOME=str(folder / ".cache"), TERM="xterm", COLUMNS="200")
        self._run = subprocess.Popen(
            [*command, "--index", index.url],
            cwd=folder,
            env=environment,
            stdin=theirs,
            stdout=subprocess.PIPE,
            stderr=theirs,
            start_new_session=True,
        )
        os.close(theirs)
        self.said = b""

    def until(self, text: bytes) -> None:
        deadline = time.monotonic() + 60
        while text not in self.said and time.monotonic() < deadline:
            if select.select([self._ours], [], [], 0.1)[0]:
                try:
                    self.said += os.read(self._ours, 65536)
                except OSError:  # so a terminal ends on Linux
                    break
        assert text in self.said, self.said

    def type(self, text: bytes) -> None:
        os.write(self._ours, text)

    def interrupt(self) -> None:
        self._run.send_signal(signal.SIGINT)

    def ended(self) -> int:
        self._run.communicate(timeout=60)
        os.close(self._ours)
        return self._run.returncode


ANSWERS = {
    "yes": (b"y\n", 0),
    "nothing": (b"\n", 2),
    "no": (b"no\n", 2),
    "the end": (b"\x04", 2),
    "Ctrl-C": (None, 130),
}


@pytest.mark.parametrize("name", sampled(ANSWERS, 2))
def test_a_terminal_is_asked(session: Session, index: IndexServer, name: str) -> None:
    answer, code = ANSWERS[name]
    session("fetch top --python 3.12 --quiet")
    before = contents(session.folder / "wheels")
    terminal = Terminal(session.folder, index, "other")
    terminal.until(b"[y/N]")
    assert DEP.encode() in terminal.said
    if answer is None:
        terminal.interrupt()
    else:
        terminal.type(answer)
    assert terminal.ended() == code
    if code:
        assert contents(session.folder / "wheels") == before
    else:
        assert TOP not in contents(session.folder / "wheels")


def test_a_terminal_is_not_asked_where_json_is_wanted(session: Session, index: IndexServer) -> None:
    session("fetch top --python 3.12 --quiet")
    assert Terminal(session.folder, index, "other", "--json").ended() == 2
