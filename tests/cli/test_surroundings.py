"""What the command takes from around it: home and cache folders, netrc, encodings, umask, streams that somebody closed."""

import json
import os
import pwd
import stat
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest

from tests.support.index import IndexServer
from tests.support.sampled import sampled
from tests.support.strangers import every_command
from tests.support.tools import PROGRAM, clean_environment, must_be_no_defect, run
from tests.support.wheels import build_wheel
from wheelhouse.cli import entry, machine
from wheelhouse.errors import InputError, MachineError
from wheelhouse.index.credentials import Credentials


@pytest.fixture
def known(monkeypatch: pytest.MonkeyPatch) -> None:
    """The user database knows this user's home."""
    monkeypatch.setattr(pwd, "getpwuid", lambda _: SimpleNamespace(pw_dir="/of/the/database"))


@pytest.fixture
def unknown(monkeypatch: pytest.MonkeyPatch) -> None:
    """The user database does not know this user, as in a container that is run with `--user 1234`."""

    def getpwuid(user: int) -> None:
        raise KeyError(user)

    monkeypatch.setattr(pwd, "getpwuid", getpwuid)


def surround(monkeypatch: pytest.MonkeyPatch, **variables: str | None) -> None:
    for name, value in variables.items():
        if value is None:
            monkeypatch.delenv(name, raising=False)
        else:
            monkeypatch.setenv(name, value)


@pytest.mark.parametrize("home", [None, "", "relative"])
def test_a_home_that_is_not_said_is_the_user_databases(
    known: None, monkeypatch: pytest.MonkeyPatch, home: str | None
) -> None:
    surround(monkeypatch, HOME=home)
    assert machine.home_folder() == Path("/of/the/database")


def test_a_user_whom_nobody_knows_has_no_home(unknown: None, monkeypatch: pytest.MonkeyPatch) -> None:
    surround(monkeypatch, HOME=None, XDG_CACHE_HOME=None, NETRC=None)
    assert (machine.home_folder(), machine.cache_folder(None), machine.netrc_file()) == (None, None, None)
    surround(monkeypatch, HOME="/home/ada")
    assert machine.home_folder() == Path("/home/ada")


@pytest.mark.parametrize(
    ("base", "folder"),
    [
        (None, "/home/ada/.cache/wheelhouse"),
        ("", "/home/ada/.cache/wheelhouse"),
        ("relative", "/home/ada/.cache/wheelhouse"),
        ("/var/cache/ü b", "/var/cache/ü b/wheelhouse"),
    ],
)
def test_where_the_cache_is(monkeypatch: pytest.MonkeyPatch, base: str | None, folder: str) -> None:
    surround(monkeypatch, HOME="/home/ada", XDG_CACHE_HOME=base)
    assert machine.cache_folder(None) == Path(folder)
    assert machine.cache_folder(Path("said")) == Path("said")


def test_the_netrc_of_a_home_is_read_where_it_may_be(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    surround(monkeypatch, HOME=str(tmp_path), NETRC=None)
    assert machine.netrc_file() is None
    (tmp_path / ".netrc").touch()
    assert machine.netrc_file() == tmp_path / ".netrc"
    monkeypatch.setattr(os, "access", lambda *_: False)
    assert machine.netrc_file() is None


def test_a_netrc_that_was_named_must_be_readable(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    surround(monkeypatch, NETRC=str(tmp_path / "mine"))

    def closed(*_: object) -> None:
        raise PermissionError(13, "Permission denied")

    (tmp_path / "mine").touch()
    monkeypatch.setattr("netrc.netrc", closed)
    with pytest.raises(InputError, match=f"`{tmp_path / 'mine'}` cannot be read: Permission denied"):
        Credentials(machine.netrc_file()).auth("https://host/")


@pytest.mark.parametrize("encoding", sampled(["ascii", "latin-1", "utf-8", "cp1252"], 1))
def test_json_can_be_read_whatever_the_encoding(tmp_path: Path, encoding: str) -> None:
    env = clean_environment(PYTHONIOENCODING=encoding)
    done = subprocess.run(
        [*PROGRAM, "verify", "bü→中😀", "--json"], cwd=tmp_path, env=env, capture_output=True, check=False
    )
    must_be_no_defect(done.stderr.decode(encoding))
    assert done.returncode == 2
    assert "bü→中😀" in json.loads(done.stdout.decode(encoding))["error"]["sentence"]


@pytest.fixture
def house(tmp_path: Path) -> Path:
    """A wheelhouse that the real command fetched under `umask 077`, with stdin and stdout closed."""
    build_wheel(tmp_path / "offered", "app", "1.0")
    with IndexServer(tmp_path / "offered") as index:
        command = ("sh", "-c", 'umask 077; exec "$@" <&- >&-', "sh", *PROGRAM, "fetch", "app", "--python", "3.12")
        env = clean_environment(XDG_CACHE_HOME=str(tmp_path / "cache"))
        done = run(*command, "--index", index.url, "--dest", "deep/house", cwd=tmp_path, env=env)
    assert (done.returncode, done.stdout) == (0, ""), done.stderr
    return tmp_path / "deep" / "house"


def test_folders_are_as_open_as_files_and_the_cache_is_as_the_umask_has_it(house: Path) -> None:
    modes = {path.name: stat.S_IMODE(path.stat().st_mode) for path in (house.parent, house, *house.iterdir())}
    assert {mode for name, mode in modes.items() if name in ("deep", "house")} == {0o755}
    assert {mode for name, mode in modes.items() if name not in ("deep", "house")} == {0o644}
    assert stat.S_IMODE((house.parents[1] / "cache" / "wheelhouse").stat().st_mode) == 0o700


@pytest.mark.parametrize("closed", sampled(["stdout", "stderr"], 1))
def test_who_reads_no_more_does_not_change_the_exit_code(house: Path, closed: str) -> None:
    """`wheelhouse verify | head -1` in a pipeline whose failures count."""
    next(house.glob("*.whl")).unlink()
    reader, writer = os.pipe()
    os.close(reader)
    streams = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, closed: writer}
    done = subprocess.run([*PROGRAM, "verify", house], env=clean_environment(), text=True, check=False, **streams)  # type: ignore[call-overload]
    os.close(writer)
    assert done.returncode == 1
    must_be_no_defect((done.stdout or "") + (done.stderr or ""))


def test_a_full_disk_behind_stdout_is_said(house: Path) -> None:
    with Path("/dev/full").open("w") as full:
        done = subprocess.run(
            [*PROGRAM, "verify", house],
            env=clean_environment(),
            stdout=full,
            stderr=subprocess.PIPE,
            text=True,
            check=False,
        )
    must_be_no_defect(done.stderr)
    assert done.returncode == 6
    assert done.stderr.startswith("error: No space left on device\n")


@pytest.mark.parametrize("command", sampled(["", *every_command()], 8))
def test_help_in_40_columns(command: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setenv("COLUMNS", "40")
    assert entry.run([*command.split(), "--help"]) == 0
    assert capsys.readouterr().out.startswith("Usage: wheelhouse")


def test_windows_is_refused_in_a_sentence(tmp_path: Path) -> None:
    """No module that Windows lacks is imported before that."""
    program = (
        "import sys; sys.platform = 'win32'; sys.modules.update(fcntl=None, pwd=None, resource=None);"
        "sys.argv = ['wheelhouse', 'fetch', 'six']; from wheelhouse.cli import main; main()"
    )
    done = run(sys.executable, "-c", program, cwd=tmp_path)
    assert done.returncode == MachineError.exit_code
    assert done.stderr.startswith(
        "error: wheelhouse runs on Linux and macOS, but this is Windows\nhint: run it in WSL 2;"
    )
