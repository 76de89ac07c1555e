"""Every command on machines that nobody prepared: it ends with the exit code of any other machine, and no traceback."""

import os
import shutil
import stat
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.index import IndexServer
from tests.support.sampled import sampled
from tests.support.sandboxes import needs_any_sandbox
from tests.support.strangers import (
    JOB,
    NAMED,
    SEALED,
    WRITING,
    Machine,
    Said,
    every_command,
    prepare_job,
    run_job,
    shell,
)

pytest_plugins = ["tests.support.user_fixtures"]
READ_ONLY_CACHE = 'mount --bind "$XDG_CACHE_HOME" "$XDG_CACHE_HOME" && mount -o remount,bind,ro "$XDG_CACHE_HOME"'
MACHINES = (
    Machine(name="plain"),
    Machine(name="umask 077", before=shell("umask 077"), sealed=True),
    Machine(name="odd folder", folder="a b 'ü' $x;\n中 %20#?", sealed=True),
    Machine(name="folder behind a link", before=shell('ln -s "$PWD" ../linked && cd ../linked')),
    Machine(name="ascii", env={"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONIOENCODING": "ascii"}, folder="ü 中"),
    Machine(name="latin-1", env={"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONIOENCODING": "latin-1"}, folder="ü 中"),
    Machine(name="no locale", env={"LANG": None, "LC_ALL": None}, folder="ü 中"),
    Machine(name="40 columns", env={"COLUMNS": "40"}),
    Machine(name="odd TMPDIR", env={"TMPDIR": "{folder}/t m p 'ü'"}, sealed=True),
    Machine(name="no TMPDIR", env={"TMPDIR": "{folder}/not/there"}),
    Machine(name="HOME is a file", env={"HOME": "{folder}/file", "XDG_CACHE_HOME": None}),
    Machine(name="HOME is not there", env={"HOME": "{folder}/new/home", "XDG_CACHE_HOME": None}),
    Machine(name="XDG_CACHE_HOME is empty", env={"XDG_CACHE_HOME": ""}),
    Machine(name="XDG_CACHE_HOME is relative", env={"XDG_CACHE_HOME": "cache"}),
    Machine(name="XDG_CACHE_HOME is a file", env={"XDG_CACHE_HOME": "{folder}/file"}),
    Machine(name="read-only cache", before=("unshare", "-m", *shell(READ_ONLY_CACHE)), sealed=True),
    Machine(name="closed streams", before=shell("exec <&- >&- 2>&-")),
    Machine(name="nobody reads", reader=False),
    Machine(name="a user without a home", env={"HOME": None, "XDG_CACHE_HOME": None}, user=True),
    Machine(
        name="a user with another's home",
        env={"HOME": "{folder}/closed", "PYENV_ROOT": "{folder}/closed", "XDG_CACHE_HOME": None},
        user=True,
        sealed=True,
    ),
    Machine(name="a second user of a cache", env={"XDG_CACHE_HOME": "{folder}/closed"}, user=True),
)

FOLDERS = ("fetch", "lock", "stage", "unpack", "index")
WITHOUT_A_CACHE = ("read-only cache", *(machine.name for machine in MACHINES if machine.user))
CACHE = [name for name in JOB if name.startswith("cache ")]


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[IndexServer, Path]]:
    base = tmp_path_factory.mktemp("job")
    with IndexServer() as server:
        prepare_job(base, server)
        yield server, base / "given"


@pytest.fixture
def base(tmp_path: Path) -> Iterator[Path]:
    """A folder that other users may reach, with what lies around on machines."""
    path = Path("/tmp") / f"strangers-{os.getpid()}-{tmp_path.name[-12:]}" if os.geteuid() == 0 else tmp_path
    path.mkdir(exist_ok=True)
    (path / "file").touch()
    (path / "t m p 'ü'").mkdir()
    for name in ("cache", "closed"):
        (path / name).mkdir(mode=0o700)
    yield path
    if path != tmp_path:
        shutil.rmtree(path)


def test_the_job_has_every_command() -> None:
    assert every_command() == sorted(JOB)
    assert {name.partition(" ")[0] for name in WRITING} <= {name.partition(" ")[0] for name in JOB}


def python_of(machine: Machine, request: pytest.FixtureRequest) -> Path:
    if machine.user:
        found: Path = request.getfixturevalue("anyones_python")
        return found
    if "unshare" in machine.before and subprocess.run(["unshare", "-m", "true"], check=False).returncode:
        pytest.skip("this machine permits no mounts")
    return Path(sys.executable)


@pytest.mark.parametrize("machine", sampled(MACHINES, 1), ids=str)
def test_every_command(
    machine: Machine, made: tuple[IndexServer, Path], base: Path, request: pytest.FixtureRequest
) -> None:
    end_as_everywhere(machine, made, base, python_of(machine, request), sealed=False)


@pytest.mark.rooms
@pytest.mark.parametrize("machine", [machine for machine in MACHINES if machine.sealed], ids=str)
def test_every_command_that_runs_a_sandbox(
    machine: Machine, made: tuple[IndexServer, Path], base: Path, request: pytest.FixtureRequest
) -> None:
    needs_any_sandbox()
    end_as_everywhere(machine, made, base, python_of(machine, request), sealed=True)


def end_as_everywhere(
    machine: Machine, made: tuple[IndexServer, Path], base: Path, python: Path, *, sealed: bool
) -> None:
    """Run the job, with the commands that need a sandbox where `sealed`, and compare its exit codes with the usual ones."""
    server, given = made
    lines = {name: line for name, (line, _) in JOB.items() if sealed or name not in SEALED}
    said = run_job(machine, base, given, lines, server, python)
    wanted = {name: code for name, (_, code) in JOB.items() if name in lines}
    if machine.name in WITHOUT_A_CACHE:
        wanted |= {name: said.codes.get(name, -1) for name in CACHE if said.codes.get(name) in (0, 6)}
        wanted |= {"doctor": 1} if said.codes.get("doctor") == 1 else {}
    assert {name: code for name, code in wanted.items() if said.codes.get(name) != code} == {}, said.text
    must_be_open(base / machine.folder)


def must_be_open(folder: Path) -> None:
    """What was written is for other users, too: web servers, image builds, sandboxes."""
    for name in ("wheels", "docker-context-files", "far", "tree"):
        for path in (folder / name, *(folder / name).rglob("*")):
            mode = path.stat().st_mode
            assert stat.S_IMODE(mode) & 0o055 == (0o055 if stat.S_ISDIR(mode) else 0o044), path


NAMES = (
    "a b",
    "ü/中",
    "../beside",
    "./dot",
    "%20#?&",
    "line\nfeed",
    "$(touch ran)'`\"",
    "linked/folder",
    "{absolute}/x y",
)


@pytest.mark.parametrize("place", sampled(NAMES, 0))
def test_every_name_of_a_folder(place: str, made: tuple[IndexServer, Path], base: Path) -> None:
    work_in_a_folder_of_this_name(place, made, base, sealed=False)


@pytest.mark.rooms
@pytest.mark.parametrize("place", ["a b", "linked/folder", "line\nfeed"])
def test_a_sandbox_is_shown_a_folder_of_any_name(place: str, made: tuple[IndexServer, Path], base: Path) -> None:
    needs_any_sandbox()
    work_in_a_folder_of_this_name(place, made, base, sealed=True)


def work_in_a_folder_of_this_name(place: str, made: tuple[IndexServer, Path], base: Path, *, sealed: bool) -> None:
    """Run every command on a wheelhouse whose path is `place`, with those that need a sandbox where `sealed`."""
    server, given = made
    (base / "real").mkdir()
    lines = {name: line for name, line in NAMED.items() if sealed or name not in SEALED}
    machine = Machine(name="plain", before=shell("ln -s ../real linked"))
    said = run_job(machine, base, given, lines, server, Path(sys.executable), place.format(absolute=base))
    assert {name: code for name, code in said.codes.items() if code != 0} == {}, said.text
    assert set(said.codes) == set(lines) and not (base / "job" / "ran").exists()


def failing(machine: Machine, base: Path, made: tuple[IndexServer, Path], place: str) -> Said:
    """Make a wheelhouse, and then let each command write where it cannot."""
    server, given = made
    plain = {name: JOB[name][0] for name in ("fetch", "pack")}
    assert set(run_job(Machine(name="plain"), base, given, plain, server, Path(sys.executable)).codes.values()) == {0}
    return run_job(machine, base, given, WRITING, server, Path(sys.executable), place)


@pytest.mark.rooms
@pytest.mark.parametrize("place", sampled(["../file/below", "../file", "/proc/nothing", "/dev/full/x"], 1))
def test_a_destination_that_cannot_be_written_to(base: Path, made: tuple[IndexServer, Path], place: str) -> None:
    said = failing(Machine(name="plain"), base, made, place)
    wanted = [name for name in WRITING if place != "../file" or name in FOLDERS]  # other commands write a file
    assert [said.codes[name] for name in wanted if said.codes[name] not in (2, 6)] == [], said.text
    assert said.text.count("error: ") >= len(wanted), said.text


@pytest.mark.rooms
def test_a_full_disk(base: Path, made: tuple[IndexServer, Path]) -> None:
    if subprocess.run(["unshare", "-m", "true"], check=False).returncode:
        pytest.skip("this machine permits no mounts")
    full = shell("mkdir full && mount -t tmpfs -o size=4k none full && head -c 4096 /dev/zero > full/all")
    said = failing(Machine(name="full", before=("unshare", "-m", *full)), base, made, "full/x")
    assert said.codes == dict.fromkeys(WRITING, 6), said.text
    assert said.text.count("No space left on device") == len(WRITING), said.text


@pytest.mark.rooms
def test_a_current_folder_that_is_gone(base: Path, made: tuple[IndexServer, Path]) -> None:
    server, given = made
    machine = Machine(name="gone", before=shell("mkdir gone && cd gone && rmdir ../gone"))
    lines = {name: line for name, (line, _) in JOB.items()}
    said = run_job(machine, base, given, lines, server, Path(sys.executable))
    assert set(said.codes) == set(JOB), said.text
    assert {said.codes[name] for name in ("target show", "cache show")} == {0}, said.text
    assert {said.codes[name] for name in ("fetch", "stage", "vet", "index")} <= {2, 6}, said.text
