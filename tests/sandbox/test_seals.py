"""Both ways to seal a sandbox, bubblewrap and unshare(1), behave alike: one set of tests over all that build and rehearse do."""

import json
import os
import sys
import zipfile
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest

from tests.support.index import IndexServer
from tests.support.rehearsals import own_python
from tests.support.sandboxes import BY_NAME, MINOR, ROOT, needs_sandbox, wheelhouse_with_sandbox
from tests.support.tools import clean_environment, run
from tests.support.wheels import build_sdist, build_wheel
from wheelhouse.sandbox.execution import run_in
from wheelhouse.sandbox.sandbox import WORK, Limits, SandboxCommand
from wheelhouse.target.interpreters import facts_of, interpreter_of

pytestmark = pytest.mark.rooms
SHADOWED = ("env", "ls", "mkdir", "mount", "ninja", "pip", "prlimit", "python3", "setpriv", "sh")
"""Programs of the system, of which a build requirement brings its own; and those that make a sandbox."""
VARIABLES = {"PATH": "/usr/bin:/bin", "A": "1 2", "B": "x=y\nz", "C": ""}


@pytest.fixture(params=BY_NAME)
def seal(request: pytest.FixtureRequest) -> str:
    needs_sandbox(request.param)
    return str(request.param)


@pytest.fixture
def index(tmp_path: Path) -> Iterator[IndexServer]:
    offered = tmp_path / "offered"
    offered.mkdir()
    with IndexServer(offered) as server:
        yield server


def answered(
    seal: str, folder: Path, script: str, shown: Mapping[str, Path] = {}, variables: Mapping[str, str] = VARIABLES
) -> str:
    """What a Python script prints in a sandbox."""
    interpreter = interpreter_of(facts_of(Path(sys.executable)))
    order = SandboxCommand(
        [str(interpreter.path), "-I", "-c", script],
        variables,
        interpreter.shown | dict(shown),
        Limits(seconds=60, processes=64, memory=1 << 30),
    )
    outcome = run_in(BY_NAME[seal], order, folder / "answer")
    assert outcome.code == 0, outcome.log.decode()
    return (folder / "answer").read_text(encoding="utf-8")


# What a command finds


def test_the_environment_is_the_order_s_own_and_nothing_else(seal: str, tmp_path: Path) -> None:
    script = "import json; print(json.dumps(dict(line.split('=', 1) for line in open('/proc/self/environ').read().split('\\0') if line)))"
    assert json.loads(answered(seal, tmp_path, script)) == VARIABLES


def test_the_order_s_path_decides_which_program_runs(seal: str, tmp_path: Path) -> None:
    own = tmp_path / "own"
    own.mkdir()
    for name in SHADOWED:
        (own / name).write_text(f"#!/bin/sh\necho own {name}\n")
        (own / name).chmod(0o755)
    script = f"import subprocess\nfor name in {SHADOWED!r}: print(subprocess.check_output([name], text=True).strip())"
    told = answered(seal, tmp_path, script, {"/wheelhouse/own": own}, {"PATH": "/wheelhouse/own:/usr/bin:/bin"})
    assert told.splitlines() == [f"own {name}" for name in SHADOWED]


def test_it_starts_in_its_own_folder_with_a_plain_umask_and_no_input(seal: str, tmp_path: Path) -> None:
    before = os.umask(0o077)
    try:
        script = "import os, sys; print(os.getcwd(), oct(os.umask(0)), repr(sys.stdin.read()), sorted(os.listdir('/proc/self/fd'))[:3])"
        told = answered(seal, tmp_path, script)
    finally:
        os.umask(before)
    assert told.strip() == f"{WORK} 0o22 '' ['0', '1', '2']"


def test_it_is_no_root_and_has_no_way_to_become_it(seal: str, tmp_path: Path) -> None:
    script = (
        "import os; status = dict(line.split(':', 1) for line in open('/proc/self/status').read().splitlines())\n"
        "print(0 in os.getresuid() + os.getresgid(), [int(status[name], 16) for name in "
        "('CapInh', 'CapPrm', 'CapEff', 'CapBnd', 'CapAmb')], status['NoNewPrivs'].strip())"
    )
    assert answered(seal, tmp_path, script).strip() == "False [0, 0, 0, 0, 0] 1"


def test_its_own_loopback_works(seal: str, tmp_path: Path) -> None:
    script = (
        "import socket; server = socket.create_server(('127.0.0.1', 0)); socket.create_connection(server.getsockname());"
        "print(len(socket.if_nameindex()))"
    )
    assert answered(seal, tmp_path, script).strip() == "1"


def test_relative_folders_files_and_links_are_shown(seal: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    folder = Path("a b ü'$x")
    folder.mkdir()
    (folder / "file").write_text("held")
    Path("link").symlink_to(folder)
    Path("linked file").symlink_to(folder / "file")
    places = {"/wheelhouse/plain": folder, "/in ü/by link": Path("link"), "/one/file": Path("linked file")}
    script = """\
import os
read = [open(path).read() for path in ("/wheelhouse/plain/file", "/in ü/by link/file", "/one/file")]
def writable(path):
    try:
        return bool(open(path, "a"))
    except OSError:
        return False
print(read, [path for path in ("/wheelhouse/plain/file", "/in ü/by link/new", "/one/file", "/one/new", "/new") if writable(path)])
"""
    assert answered(seal, tmp_path, script, places).strip() == "['held', 'held', 'held'] []"


MOUNTED = """\
import sys
from pathlib import Path
from tests.support.sandboxes import BY_NAME
from wheelhouse.target.interpreters import facts_of, interpreter_of
from wheelhouse.sandbox.execution import run_in
from wheelhouse.sandbox.sandbox import Limits, SandboxCommand
seal, folder, answer = sys.argv[1], Path(sys.argv[2]), Path(sys.argv[3])
interpreter = interpreter_of(facts_of(Path(sys.executable)))
script = '''
import os
def writable(path):
    try:
        return bool(open(path, "a"))
    except OSError:
        return False
places = ["/shown/new", "/shown/below it/new", "/shown/below it/deeper/new"]
print([path for path in places if os.path.isdir(os.path.dirname(path))], [path for path in places if writable(path)])
'''
command = SandboxCommand([str(interpreter.path), "-I", "-c", script], {}, interpreter.shown | {"/shown": folder}, Limits(seconds=60))
result = run_in(BY_NAME[seal], command, answer)
sys.stderr.buffer.write(result.log)
sys.exit(result.code)
"""
MOUNTS = """\
set -eu
mount -t tmpfs -o nosuid,nodev,noexec,mode=1777 test "$0"
mkdir "$0/below it"; mount -t tmpfs -o mode=1777 test "$0/below it"
mkdir "$0/below it/deeper"; mount -t tmpfs -o mode=1777,nosuid test "$0/below it/deeper"
exec "$@"
"""


def test_what_is_mounted_below_a_folder_is_shown_and_read_only_too(seal: str, tmp_path: Path) -> None:
    if os.geteuid() != 0:
        pytest.skip("it takes root to mount something")
    (tmp_path / "mounted").mkdir()
    mount = ("unshare", "--mount", "sh", "-c", MOUNTS, tmp_path / "mounted")
    command = (sys.executable, "-c", MOUNTED, seal, tmp_path / "mounted", tmp_path / "answer")
    done = run(*mount, *command, env=clean_environment(PYTHONPATH=str(ROOT)))
    assert done.returncode == 0, done.stderr
    places = ["/shown/new", "/shown/below it/new", "/shown/below it/deeper/new"]
    assert (tmp_path / "answer").read_text().strip() == f"{places} []"


# Builds

BACKEND = b"""\
import pathlib, shutil

def build_wheel(folder, config_settings=None, metadata_directory=None):
    name = "app-1.0-py3-none-any.whl"
    shutil.copy("app.whl", pathlib.Path(folder, name))
    return name
"""


def ready(folder: Path) -> bytes:
    """A wheel that a backend only has to hand out."""
    return build_wheel(folder / "ready", "app", "1.0").read_bytes()


def scripts(folder: Path, name: str, programs: tuple[str, ...]) -> Path:
    """A wheel that brings programs along; each says its own name."""
    files = {f"{name}-1.0.data/scripts/{program}": f"#!/bin/sh\necho own {program}\n".encode() for program in programs}
    return build_wheel(folder, name, "1.0", files={f"{name}.py": b"", **files})


def test_a_build_runs_the_programs_that_are_locked_for_it(seal: str, tmp_path: Path, index: IndexServer) -> None:
    """Not those of the same name on this machine; and none of them where a sandbox is made, with privileges."""
    programs = tuple(name for name in SHADOWED if name not in ("python3", "sh"))
    index.add(scripts(tmp_path, "tool", programs))
    backend = f"""\
import os, pathlib, subprocess, zipfile
def build_wheel(folder, config_settings=None, metadata_directory=None):
    told = [subprocess.check_output([name], text=True).strip() for name in {programs!r}]
    name = "app-1.0-py3-none-any.whl"
    held = {{"app.py": "told = %r" % told, "app-1.0.dist-info/METADATA": "Metadata-Version: 2.1\\nName: app\\nVersion: 1.0\\n",
            "app-1.0.dist-info/WHEEL": "Wheel-Version: 1.0\\nGenerator: made\\nRoot-Is-Purelib: true\\nTag: py3-none-any\\n"}}
    record = "app-1.0.dist-info/RECORD"
    with zipfile.ZipFile(os.path.join(folder, name), "w") as archive:
        for path, text in [*held.items(), (record, "".join(path + ",,\\n" for path in [*held, record]))]:
            archive.writestr(path, text)
    return name
"""
    pyproject = '[build-system]\nrequires = ["tool"]\nbuild-backend = "backend"\nbackend-path = ["."]\n'
    index.add(build_sdist(tmp_path, "app", "1.0", pyproject=pyproject, files={"backend.py": backend.encode()}))
    asked = ("fetch", "app", "--python", MINOR, "--index", index.url)
    done = wheelhouse_with_sandbox(seal, *asked, "--build", "--interpreter", sys.executable, cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    with zipfile.ZipFile(tmp_path / "wheels" / "app-1.0-py3-none-any.whl") as archive:
        assert archive.read("app.py").decode() == f"told = {[f'own {name}' for name in programs]!r}"


def test_an_sdist_is_built_where_the_house_is_named_by_a_link(seal: str, tmp_path: Path, index: IndexServer) -> None:
    index.add(build_sdist(tmp_path, "app", "1.0"))
    asked = ("fetch", "app", "--python", MINOR, "--index", index.url, "--dest", "a house")
    assert wheelhouse_with_sandbox(seal, *asked, cwd=tmp_path).returncode == 0
    (tmp_path / "link").symlink_to("a house")
    done = wheelhouse_with_sandbox(seal, "build", "link", "--interpreter", sys.executable, cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert [path.name for path in tmp_path.glob("a house/app-*")] == ["app-1.0-py3-none-any.whl"]


def test_a_build_does_not_depend_on_the_umask(seal: str, tmp_path: Path, index: IndexServer) -> None:
    index.add(scripts(tmp_path, "tool", ("ninja",)))
    pyproject = '[build-system]\nrequires = ["tool"]\nbuild-backend = "backend"\nbackend-path = ["."]\n'
    backend = b"import tool\n" + BACKEND
    index.add(
        build_sdist(
            tmp_path, "app", "1.0", pyproject=pyproject, files={"backend.py": backend, "app.whl": ready(tmp_path)}
        )
    )
    before = os.umask(0o077)
    try:
        asked = ("fetch", "app", "--python", MINOR, "--index", index.url, "--build", "--interpreter", sys.executable)
        done = wheelhouse_with_sandbox(seal, *asked, cwd=tmp_path)
    finally:
        os.umask(before)
    assert done.returncode == 0, done.stderr


# Rehearsals

PIP_TOOLS = b"""\
import pathlib, subprocess, sys
words = sys.argv[1:]
links = words[words.index("--find-links") + 1]
if words[0] == "sync":
    python = words[words.index("--python-executable") + 1]
    sys.exit(subprocess.call([python, "-m", "pip", "install", "--no-index", "--find-links", links, "-r", words[-1]]))
pins = ["==".join(path.name.split("-")[:2]) for path in pathlib.Path(links).glob("*.whl")]
pathlib.Path(words[words.index("-o") + 1]).write_text("\\n".join(sorted(pins)) + "\\n")
"""


@pytest.fixture
def work(seal: str, tmp_path: Path, index: IndexServer) -> Path:
    """A folder with a wheelhouse, one staged from it, and a wheelhouse of tools, all of them named as a user names them."""
    index.add(build_wheel(tmp_path, "app", "1.0", requires=["lib>=1"]))
    index.add(build_wheel(tmp_path, "lib", "2.0"))
    index.add(build_wheel(tmp_path, "pip-tools", "7.0", files={"piptools/__main__.py": PIP_TOOLS}))
    place = tmp_path / "a ü b"
    place.mkdir()
    asked = ("--python", own_python(), "--index", index.url)
    for words in (("fetch", "app", *asked), ("stage",), ("fetch", "pip-tools", *asked, "--dest", "rehearsal-tools")):
        done = wheelhouse_with_sandbox(seal, *words, cwd=place)
        assert done.returncode == 0, done.stderr
    return place


def rehearsed(seal: str, work: Path, *words: str) -> dict[str, str]:
    """How each step of a rehearsal ended."""
    named = ("--interpreter", sys.executable)
    done = wheelhouse_with_sandbox(seal, "rehearse", *words, *named, "--json", cwd=work)
    document = json.loads(done.stdout)
    assert done.returncode == 0, (document, done.stderr)
    return {step["step"]: step["outcome"] for step in document["steps"]}


def test_a_house_is_rehearsed_with_every_installer(seal: str, work: Path) -> None:
    told = rehearsed(seal, work, "wheels", "--tools", "rehearsal-tools", "--run", "python -c 'import app, lib'")
    steps = ("install", "check", "import", "run python -c 'import app, lib'", "uv", "pylock", "pip-sync", "pip-compile")
    assert {name: told.get(name) for name in steps} == dict.fromkeys(steps, "ok")


def test_a_staged_folder_is_rehearsed_by_its_own_pip(seal: str, work: Path) -> None:
    """The fragment says `pip`, which is that of the environment, and not this machine's."""
    told = rehearsed(seal, work, "docker-context-files", "--run", "pip --version")
    assert (told["install"], told["import"], told["run pip --version"]) == ("ok", "ok", "ok")


def test_a_house_is_rehearsed_through_a_link_and_from_elsewhere(seal: str, work: Path) -> None:
    (work / "link").symlink_to("wheels")
    (work / "deep").mkdir()
    assert rehearsed(seal, work, "link")["install"] == "ok"
    assert rehearsed(seal, work / "deep", "../wheels")["install"] == "ok"
