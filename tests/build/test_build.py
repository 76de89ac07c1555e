"""`wheelhouse build`: sdists of a made index become wheels, locked, recorded, cached; what fails is said at the end."""

import json
import os
import shutil
import sys
import tarfile
import tomllib
import zipfile
from datetime import UTC, datetime
from pathlib import Path
from subprocess import CompletedProcess

import pytest
from packaging.utils import NormalizedName
from packaging.version import Version

from tests.support.baseimage import base_image
from tests.support.docker import DockerEngine
from tests.support.index import IndexServer
from tests.support.sandboxes import MINOR, needs_any_sandbox, proved_builder
from tests.support.tools import clean_environment, run, wheelhouse
from tests.support.wheels import build_sdist, build_wheel
from wheelhouse.archive.artifact import Artifact
from wheelhouse.archive.build_system import BuildSystem
from wheelhouse.build.build_log import reasons
from wheelhouse.build.sdist_builds import _Job, _key
from wheelhouse.lock.lock import Inputs, Lock, Pin
from wheelhouse.sandbox.builder import Builder
from wheelhouse.sandbox.container import Container
from wheelhouse.sandbox.inside import unpack
from wheelhouse.sandbox.sandbox import Limits
from wheelhouse.sandbox.unsealed import Unsealed
from wheelhouse.target.interpreters import facts_of, interpreter_of

pytest_plugins = ["tests.support.docker_fixtures"]
BACKEND = """\
import os, sys, zipfile

{before}

NAME, VERSION, REQUIRES = {name!r}, {version!r}, {requires!r}

def get_requires_for_build_wheel(config_settings=None):
    return {asks!r}

def build_wheel(folder, config_settings=None, metadata_directory=None):
    filename = NAME + "-" + VERSION + "-{tag}.whl"
    metadata = ["Metadata-Version: 2.1", "Name: " + NAME, "Version: " + VERSION]
    metadata += ["Requires-Dist: " + line for line in REQUIRES]
    held = {{
        NAME + ".py": {module},
        NAME + "-" + VERSION + ".dist-info/METADATA": "\\n".join(metadata) + "\\n",
        NAME + "-" + VERSION + ".dist-info/WHEEL": "Wheel-Version: 1.0\\nGenerator: made\\nRoot-Is-Purelib: true\\nTag: {tag}\\n",
    }}
    record = NAME + "-" + VERSION + ".dist-info/RECORD"
    with zipfile.ZipFile(os.path.join(folder, filename), "w") as archive:
        for path, text in list(held.items()) + [(record, "".join(path + ",,\\n" for path in held) + record + ",,\\n")]:
            archive.writestr(zipfile.ZipInfo(path, (2024, 1, 1, 0, 0, 0)), text)
    return filename
"""


def sdist(
    folder: Path,
    name: str,
    version: str = "1.0",
    *,
    requires: tuple[str, ...] = (),
    builds_with: tuple[str, ...] = (),
    asks: tuple[str, ...] = (),
    before: str = "",
    module: str = "'made = True\\n'",
    tag: str = "py3-none-any",
) -> Path:
    """An sdist with a backend of its own, whose wheel asks for what only a build tells."""
    backend = BACKEND.format(
        name=name, version=version, requires=list(requires), asks=list(asks), before=before, module=module, tag=tag
    )
    return build_sdist(
        folder,
        name,
        version,
        metadata_version="2.1",
        pyproject=f'[build-system]\nrequires = {json.dumps(list(builds_with))}\nbuild-backend = "backend"\nbackend-path = ["."]\n',
        files={"backend.py": backend.encode()},
    )


@pytest.fixture
def index(tmp_path: Path):
    needs_any_sandbox()
    offered = tmp_path / "offered"
    offered.mkdir()
    with IndexServer(offered) as server:
        yield server


def fetched(index: IndexServer, tmp_path: Path, *more: str) -> None:
    done = wheelhouse("fetch", "app", "--python", MINOR, "--index", index.url, *more, cwd=tmp_path)
    assert done.returncode == 0, done.stderr


def built(tmp_path: Path, *more: str) -> CompletedProcess[str]:
    return wheelhouse("build", "--interpreter", sys.executable, *more, cwd=tmp_path)


def pins(tmp_path: Path) -> dict[str, dict]:
    (lock,) = (tmp_path / "wheels").glob("pylock.*.toml")
    return {package["name"]: package for package in tomllib.loads(lock.read_text(encoding="utf-8"))["packages"]}


def record(tmp_path: Path, name: str) -> dict:
    return pins(tmp_path)[name]["tool"]["wheelhouse"]["built"]


def test_an_sdist_becomes_a_wheel_that_the_lock_names(index: IndexServer, tmp_path: Path) -> None:
    index.add(build_wheel(tmp_path, "app", "1.0", requires=["lib"]))
    source = sdist(tmp_path, "lib")
    index.add(source)
    fetched(index, tmp_path)
    done = built(tmp_path)
    assert done.returncode == 0, done.stderr
    assert "1 wheel built from sdists, 1 now, 0 before" in done.stdout
    house = tmp_path / "wheels"
    assert sorted(path.name for path in house.iterdir() if path.suffix in (".whl", ".gz")) == [
        "app-1.0-py3-none-any.whl",
        "lib-1.0-py3-none-any.whl",
    ]
    told = record(tmp_path, "lib")
    assert told["sdist"]["name"] == "lib-1.0.tar.gz"
    assert told["sealed"] in ("bubblewrap", "unshare")
    assert told["sandbox"] == proved_builder().sandbox_described
    assert told["interpreter"].startswith(f"CPython {MINOR}.")
    assert "provisional" not in pins(tmp_path)["lib"]["tool"]["wheelhouse"]
    assert wheelhouse("verify", cwd=tmp_path).returncode == 0

    again = built(tmp_path)
    assert "1 wheel built from sdists, 0 now, 1 before" in again.stdout
    (requirements,) = house.glob("requirements.*.txt")
    environment = tmp_path / "environment"
    run(sys.executable, "-m", "venv", "--without-pip", environment)
    installed = run(
        *(sys.executable, "-m", "pip", "--python", environment / "bin" / "python", "install", "--no-index"),
        *("--require-hashes", "--find-links", house, "-r", requirements),
    )
    assert installed.returncode == 0, installed.stderr

    # What was built is in the cache: another wheelhouse needs no room.
    fetched(index, tmp_path, "--upgrade")
    assert (house / "lib-1.0.tar.gz").is_file()
    assert "0 now, 1 before" in built(tmp_path).stdout


@pytest.mark.rooms
def test_fetch_builds_where_it_is_told_to(index: IndexServer, tmp_path: Path) -> None:
    index.add(sdist(tmp_path, "app"))
    fetched(index, tmp_path, "--build", "--keep-sdists", "--interpreter", sys.executable)
    house = tmp_path / "wheels"
    assert (house / "app-1.0-py3-none-any.whl").is_file()
    assert (house / "app-1.0.tar.gz").is_file()
    assert wheelhouse("verify", cwd=tmp_path).returncode == 0
    assert built(tmp_path).returncode == 0
    assert not (house / "app-1.0.tar.gz").exists()
    assert wheelhouse("verify", cwd=tmp_path).returncode == 0


@pytest.mark.rooms
def test_builds_with_what_there_was_on_its_day(index: IndexServer, tmp_path: Path) -> None:
    day = {"1.0": "2020-01-01T00:00:00Z", "2.0": "2020-12-10T00:00:00Z", "3.0": "2021-06-01T00:00:00Z"}
    for version, uploaded in day.items():
        index.add(
            build_wheel(tmp_path, "tool", version, files={"tool.py": f"v = {version!r}".encode()}), upload_time=uploaded
        )
        index.add(build_wheel(tmp_path, "asked", version), upload_time=uploaded)
    index.add(build_wheel(tmp_path, "app", "1.0", requires=["lib", "late"]), upload_time="2020-12-17T00:00:00Z")
    index.add(build_wheel(tmp_path, "late", "1.0"), upload_time="2023-01-01T00:00:00Z")
    source = sdist(
        tmp_path, "lib", builds_with=("tool",), asks=("asked<3",), before="import tool", module="'v = %r' % tool.v"
    )
    index.add(source, upload_time="2019-05-05T00:00:00Z")
    fetched(index, tmp_path)
    assert built(tmp_path).returncode == 0
    assert record(tmp_path, "lib")["requires"] == ["asked==2.0", "tool==2.0"]
    (lock,) = (tmp_path / "wheels" / "build").glob("pylock.*.toml")
    document = tomllib.loads(lock.read_text(encoding="utf-8"))
    assert document["tool"]["wheelhouse"]["inputs"]["uploaded-prior-to"] == datetime(2020, 12, 18, tzinfo=UTC)
    assert wheelhouse("verify", cwd=tmp_path).returncode == 0

    fetched(index, tmp_path, "--upgrade")
    assert built(tmp_path, "--build-uploaded-prior-to", "2022-01-01").returncode == 0
    assert record(tmp_path, "lib")["requires"] == ["asked==2.0", "tool==3.0"]
    fetched(index, tmp_path, "--upgrade")
    assert built(tmp_path, "--build-uploaded-prior-to", "2022-01-01", "--build-constraint", "tool<2").returncode == 0
    assert record(tmp_path, "lib")["requires"] == ["asked==2.0", "tool==1.0"]
    assert len(list((tmp_path / "wheels" / "build").glob("tool-*.whl"))) == 1
    assert wheelhouse("verify", cwd=tmp_path).returncode == 0


@pytest.mark.rooms
def test_a_build_requirement_that_is_an_sdist_is_built_first(index: IndexServer, tmp_path: Path) -> None:
    index.add(sdist(tmp_path, "tool", module="'v = 7'"))
    index.add(sdist(tmp_path, "app", builds_with=("tool",), before="import tool", module="'v = %r' % tool.v"))
    fetched(index, tmp_path)
    done = built(tmp_path)
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "wheels" / "build" / "tool-1.0-py3-none-any.whl").is_file()
    assert not list((tmp_path / "wheels" / "build").glob("*.tar.gz"))
    assert wheelhouse("verify", cwd=tmp_path).returncode == 0


def test_a_build_that_needs_itself_is_said(index: IndexServer, tmp_path: Path) -> None:
    index.add(sdist(tmp_path, "tool", builds_with=("app",)))
    index.add(sdist(tmp_path, "app", builds_with=("tool",)))
    fetched(index, tmp_path)
    done = built(tmp_path)
    assert done.returncode == 6
    assert "app → tool → app" in done.stderr


@pytest.mark.rooms
def test_what_only_a_build_tells_is_resolved(index: IndexServer, tmp_path: Path) -> None:
    index.add(sdist(tmp_path, "app", requires=("further",)))
    index.add(sdist(tmp_path, "further", requires=("last>=2",)))
    index.add(build_wheel(tmp_path, "last", "1.0"))
    index.add(build_wheel(tmp_path, "last", "2.0"))
    fetched(index, tmp_path)
    assert set(pins(tmp_path)) == {"app"}
    done = built(tmp_path)
    assert done.returncode == 0, done.stderr
    assert "the built wheel of app 1.0 requires `further`" in done.stderr
    assert {name: package["version"] for name, package in pins(tmp_path).items()} == {
        "app": "1.0",
        "further": "1.0",
        "last": "2.0",
    }
    assert wheelhouse("verify", cwd=tmp_path).returncode == 0


@pytest.mark.parametrize(
    "log",
    [
        "This backport is for Python 2.7 only.\n",
        "error: this package only supports Python 2\n",
        '  File "/build/app-1.0/setup.py", line 3\n    print "hello"\n    ^^^^^\n'
        "SyntaxError: Missing parentheses in call to 'print'. Did you mean print(...)?\n",
    ],
)
def test_what_is_for_python_2_is_said_to_be(log: str) -> None:
    """As functools32 3.2.3.post2 is."""
    assert [reason.sentence for reason in reasons(log)] == ["it is for Python 2, and refuses Python 3"]
    assert not reasons("it supports Python 2.7 and 3.6; only the tests need Python 2\n")


@pytest.mark.rooms
def test_one_failure_does_not_stop_the_others(index: IndexServer, tmp_path: Path) -> None:
    index.add(build_wheel(tmp_path, "app", "1.0", requires=["good", "headerless", "aged", "odd"]))
    index.add(sdist(tmp_path, "good"))
    index.add(
        sdist(tmp_path, "headerless", before="sys.exit('x.c:1:10: fatal error: lber.h: No such file or directory')")
    )
    index.add(sdist(tmp_path, "aged", before="sys.exit('error in aged setup command: use_2to3 is invalid.')"))
    index.add(sdist(tmp_path, "odd", before="sys.exit('something of its own')"))
    fetched(index, tmp_path)
    done = built(tmp_path)
    assert done.returncode == 6
    lines = done.stderr.splitlines()
    assert lines[-2] == "error: 3 of 4 sdists were not built; the wheelhouse has the wheels of all other projects"
    assert lines[-1] == "hint: on Debian: apt-get install libldap2-dev"
    assert "--build-uploaded-prior-to 2021-09-04" in done.stderr
    assert "something of its own" in done.stderr
    assert (tmp_path / "wheels" / "good-1.0-py3-none-any.whl").is_file()
    assert (tmp_path / "wheels" / "odd-1.0.tar.gz").is_file()
    assert wheelhouse("verify", cwd=tmp_path).returncode == 0
    (log,) = {line.split("log: ")[1] for line in lines if "log: " in line and "odd" in line}
    assert "something of its own" in Path(log).read_text(encoding="utf-8")
    assert wheelhouse("build", "--json", "--interpreter", sys.executable, cwd=tmp_path).returncode == 6


@pytest.mark.rooms
def test_what_differs_between_two_builds_is_named(index: IndexServer, tmp_path: Path) -> None:
    index.add(build_wheel(tmp_path, "app", "1.0", requires=["same", "other"]))
    index.add(sdist(tmp_path, "same"))
    index.add(sdist(tmp_path, "other", before="import time", module="str(time.time_ns())"))
    fetched(index, tmp_path)
    done = built(tmp_path, "--check-reproducible")
    assert done.returncode == 1, done.stderr
    assert [line for line in done.stdout.splitlines() if "differs" in line] == [
        "other-1.0-py3-none-any.whl: a second build differs in other.py"
    ]


def test_no_interpreter_is_said_with_what_would_match(index: IndexServer, tmp_path: Path) -> None:
    index.add(sdist(tmp_path, "app"))
    assert wheelhouse("fetch", "app", "--python", "3.15", "--index", index.url, cwd=tmp_path).returncode == 0
    done = built(tmp_path)
    assert done.returncode == 6
    assert "no interpreter was found for cp315-manylinux_2_28_x86_64" in done.stderr
    assert f"it is cp{MINOR.replace('.', '')} on Linux" in done.stderr
    assert "--in-image python:3.15" in done.stderr


FOREIGN = "cp315-manylinux_2_28_x86_64"


def two_targets(index: IndexServer, tmp_path: Path, *asked: str) -> None:
    """A wheelhouse for this Python, and for one that is on no machine yet and is built for first."""
    both = ("--python", "3.15", "--python", MINOR, "--platform", "linux/amd64")
    done = wheelhouse("fetch", *asked, *both, "--index", index.url, cwd=tmp_path)
    assert done.returncode == 0, done.stderr


def locked(tmp_path: Path, target: str) -> dict[str, str]:
    """The file that a target's lock names for each project."""
    document = tomllib.loads((tmp_path / f"wheels/pylock.{target}.toml").read_text(encoding="utf-8"))
    return {one["name"]: (one.get("wheels") or [one.get("sdist")])[0]["name"] for one in document["packages"]}


def test_a_target_without_its_python_does_not_stop_the_others(index: IndexServer, tmp_path: Path) -> None:
    index.add(sdist(tmp_path / "offered", "pure"))
    index.add(sdist(tmp_path / "offered", "native", tag=f"cp{MINOR.replace('.', '')}-none-any"))
    two_targets(index, tmp_path, "pure", "native")
    done = built(tmp_path)
    assert done.returncode == 6
    assert "error: 1 of 4 sdists was not built; the wheelhouse has the wheels of all other projects" in done.stderr
    assert f"native-1.0.tar.gz ({FOREIGN}): no interpreter was found for {FOREIGN}" in done.stderr
    assert done.stderr.splitlines()[-1].startswith("hint: name an interpreter with --interpreter")
    own = f"cp{MINOR.replace('.', '')}"
    assert locked(tmp_path, FOREIGN) == {"pure": "pure-1.0-py3-none-any.whl", "native": "native-1.0.tar.gz"}
    here = locked(tmp_path, f"{own}-manylinux_2_28_x86_64")
    assert here == {"pure": "pure-1.0-py3-none-any.whl", "native": f"native-1.0-{own}-none-any.whl"}
    assert wheelhouse("verify", cwd=tmp_path).returncode == 0


def test_a_universal_wheel_of_an_earlier_run_serves_a_new_target(index: IndexServer, tmp_path: Path) -> None:
    index.add(sdist(tmp_path, "pure", module="repr(os.urandom(8)) + '\\n'"))
    assert wheelhouse("fetch", "pure", "--python", MINOR, "--index", index.url, cwd=tmp_path).returncode == 0
    assert built(tmp_path).returncode == 0
    two_targets(index, tmp_path, "pure")
    shutil.rmtree(tmp_path / ".cache")
    done = built(tmp_path)
    assert done.returncode == 0, done.stderr
    assert locked(tmp_path, FOREIGN) == {"pure": "pure-1.0-py3-none-any.whl"}
    assert not list((tmp_path / "wheels").glob("*.tar.gz"))
    assert wheelhouse("verify", cwd=tmp_path).returncode == 0


def test_one_target_alone_is_built_for(index: IndexServer, tmp_path: Path) -> None:
    index.add(sdist(tmp_path, "pure"))
    two_targets(index, tmp_path, "pure")
    own = f"cp{MINOR.replace('.', '')}-manylinux_2_28_x86_64"
    done = built(tmp_path, "--target", own)
    assert done.returncode == 0, done.stderr
    assert (locked(tmp_path, FOREIGN), locked(tmp_path, own)) == (
        {"pure": "pure-1.0.tar.gz"},
        {"pure": "pure-1.0-py3-none-any.whl"},
    )
    assert built(tmp_path, "--target", FOREIGN).returncode == 0
    assert locked(tmp_path, FOREIGN) == {"pure": "pure-1.0-py3-none-any.whl"}
    unknown = built(tmp_path, "--target", "cp399-any")
    assert (unknown.returncode, f"{FOREIGN}, " in unknown.stderr or f", {FOREIGN}" in unknown.stderr) == (2, True)


def test_what_was_not_sealed_is_said_and_recorded(index: IndexServer, tmp_path: Path) -> None:
    index.add(sdist(tmp_path, "app"))
    fetched(index, tmp_path)
    done = built(tmp_path, "--unsealed")
    assert done.returncode == 0, done.stderr
    assert "warning: builds for" in done.stderr
    assert "not sealed" in done.stderr
    told = record(tmp_path, "app")
    assert told["unsealed"] is True
    assert "sealed" not in told


@pytest.mark.rooms
def test_a_claim_to_this_machines_manylinux_is_taken_back(index: IndexServer, tmp_path: Path) -> None:
    machine = os.uname().machine
    index.add(sdist(tmp_path / "offered", "app", tag=f"py3-none-manylinux_2_99_{machine}"))
    fetched(index, tmp_path)
    done = built(tmp_path)
    assert done.returncode == 0, done.stderr
    (wheel,) = (tmp_path / "wheels").glob("*.whl")
    assert wheel.name == f"app-1.0-py3-none-linux_{machine}.whl"
    assert wheelhouse("verify", cwd=tmp_path).returncode == 0
    with zipfile.ZipFile(wheel) as archive:
        assert f"Tag: py3-none-linux_{machine}\n" in archive.read("app-1.0.dist-info/WHEEL").decode()


@pytest.mark.parametrize("mark", ["PKG-INFO", "setup.py", "pyproject.toml"])
def test_an_old_sdists_folder_is_found(tmp_path: Path, mark: str) -> None:
    (tmp_path / "app-1.0").mkdir()
    (tmp_path / "app-1.0" / mark).touch()
    with tarfile.open(tmp_path / "app-1.0.tar.gz", "w:gz") as archive:
        archive.add(tmp_path / "app-1.0", "app-1.0")
    assert Path(unpack(str(tmp_path / "app-1.0.tar.gz"), str(tmp_path / "to"))) == tmp_path / "to" / "app-1.0"


@pytest.mark.parametrize("suffix", [".zip", ".tar.bz2"])
def test_an_sdist_with_no_folder_is_built_where_it_lies(tmp_path: Path, suffix: str) -> None:
    sdist = build_sdist(tmp_path, "app", "1.0", files={"app.egg-info/PKG-INFO": b""}, suffix=suffix, top="")
    assert Path(unpack(str(sdist), str(tmp_path / "to"))) == tmp_path / "to"


def test_a_build_is_known_by_its_room(tmp_path: Path) -> None:
    """Two images may have the same Python and glibc, and other libraries to link with."""
    interpreter = interpreter_of(facts_of(Path(sys.executable)))
    target = interpreter.target
    pin = Pin(NormalizedName("app"), Version("1.0"), Artifact("app-1.0.tar.gz", "0" * 64, 1))

    def key(room: str) -> str:
        builder = Builder(Container(room, {}) if room else Unsealed(), interpreter, Limits(), 1)
        return _key(
            _Job(pin, target, tmp_path, BuildSystem((), "b", ()), 0, tmp_path, builder, ()), Lock(target, Inputs(()))
        )

    assert len({key(room) for room in ("", "one", "two")}) == 3


def refused(index: IndexServer, tmp_path: Path, backend: str) -> str:
    """What `build` says of an sdist whose backend makes what it must not."""
    pyproject = '[build-system]\nrequires = []\nbuild-backend = "backend"\nbackend-path = ["."]\n'
    index.add(build_sdist(tmp_path, "app", "1.0", pyproject=pyproject, files={"backend.py": backend.encode()}))
    fetched(index, tmp_path)
    done = built(tmp_path)
    assert done.returncode == 6
    return done.stderr


@pytest.mark.rooms
def test_a_wheel_of_another_project_is_refused(index: IndexServer, tmp_path: Path) -> None:
    anything = {"requires": [], "asks": [], "before": "", "module": "''", "tag": "py3-none-any"}
    backend = BACKEND.format(name="evil", version="9.9", **anything)
    assert "its build made a wheel of a different release: evil 9.9" in refused(index, tmp_path, backend)


@pytest.mark.rooms
def test_a_name_that_no_file_can_have_fails_its_own_sdist_alone(index: IndexServer, tmp_path: Path) -> None:
    """Without a sandbox, a build may answer in the place of the script that called it; what stands first counts."""
    answer = json.dumps({"requires": [], "wheel": "evil\0.whl"}).encode() + b"\n"
    before = f"open(f'/proc/{{os.getppid()}}/fd/1', 'ab', 0).write({answer!r})"
    index.add(build_wheel(tmp_path, "app", "1.0", requires=["evil", "good"]))
    index.add(sdist(tmp_path, "evil", before=before))
    index.add(sdist(tmp_path, "good"))
    fetched(index, tmp_path)
    done = built(tmp_path, "--unsealed")
    assert done.returncode == 6
    assert "1 of 2 sdists was not built" in done.stderr
    assert r"its backend gave the wheel a name that is not valid: `'evil\x00.whl'`" in done.stderr
    assert (tmp_path / "wheels" / "good-1.0-py3-none-any.whl").is_file()


@pytest.mark.rooms
def test_what_is_no_archive_is_refused(index: IndexServer, tmp_path: Path) -> None:
    backend = "def build_wheel(folder, *_, **__):\n    open(folder + '/app-1.0-py3-none-any.whl', 'w').close()\n"
    backend += "    return 'app-1.0-py3-none-any.whl'\n"
    said = refused(index, tmp_path, backend)
    assert "`app-1.0-py3-none-any.whl` is refused" in said
    assert "Traceback" not in said


@pytest.mark.rooms
def test_sdists_are_staged_with_what_they_are_built_with(index: IndexServer, tmp_path: Path) -> None:
    index.add(build_wheel(tmp_path, "tool", "1.0", files={"tool.py": b"v = 7"}))
    index.add(sdist(tmp_path, "app", builds_with=("tool",), before="import tool", module="'v = %r' % tool.v"))
    fetched(index, tmp_path)
    assert built(tmp_path).returncode == 0
    refused = wheelhouse("stage", "--sdists", cwd=tmp_path)
    assert refused.returncode == 2
    assert "--keep-sdists" in refused.stderr

    assert built(tmp_path, "--keep-sdists").returncode == 0
    staged = wheelhouse("stage", "--sdists", cwd=tmp_path)
    assert staged.returncode == 0, staged.stderr
    folder = tmp_path / "docker-context-files"
    assert {path.name for path in folder.iterdir() if path.name.endswith((".whl", ".tar.gz"))} == {"app-1.0.tar.gz"}
    tools = [path.name for path in (folder / "tools").iterdir()]
    assert [name for name in tools if not name.startswith("pylock.")] == ["tool-1.0-py3-none-any.whl"]
    assert "/docker-context-files/tools" in (folder / "pip.conf").read_text(encoding="utf-8")
    assert wheelhouse("verify", folder, cwd=tmp_path).returncode == 0

    settings = tmp_path / "pip.conf"
    text = (folder / "pip.conf").read_text(encoding="utf-8")
    settings.write_text(text.replace("/docker-context-files", str(folder)), encoding="utf-8")
    (requirements,) = folder.glob("requirements.*.txt")
    environment = clean_environment(PIP_CONFIG_FILE=str(settings))
    into = ("install", "--require-hashes", "--target", tmp_path / "there", "-r", requirements)
    installed = run(sys.executable, "-m", "pip", *into, env=environment)
    assert installed.returncode == 0, installed.stderr
    assert (tmp_path / "there" / "app.py").read_text(encoding="utf-8") == "v = 7"


@pytest.mark.docker
def test_builds_in_an_image_with_no_network(docker_engine: DockerEngine, tmp_path: Path) -> None:
    image = base_image(docker_engine, Path(sys.base_prefix), f"wheelhouse-test-base:{MINOR}")
    offered = tmp_path / "offered"
    offered.mkdir()
    with IndexServer(offered) as server:
        tries = "import socket, json\ndevices = sorted(name for _, name in socket.if_nameindex())"
        server.add(sdist(tmp_path, "app", before=tries, module="json.dumps([devices, os.getuid()])"))
        fetched(server, tmp_path)
        done = wheelhouse("build", "--in-image", image, cwd=tmp_path, env=docker_engine.env)
        assert done.returncode == 0, done.stderr
        refused = wheelhouse("build", "--in-image", image, "--unsealed", cwd=tmp_path, env=docker_engine.env)
        assert refused.returncode == 2
    assert record(tmp_path, "app")["sealed"] == f"docker {image}"
    assert record(tmp_path, "app")["sandbox"] == f"docker {image}, seccomp, cgroup"
    with zipfile.ZipFile(tmp_path / "wheels" / "app-1.0-py3-none-any.whl") as archive:
        assert json.loads(archive.read("app.py")) == [["lo"], 65534]
    assert wheelhouse("verify", cwd=tmp_path).returncode == 0
