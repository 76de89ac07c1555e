"""The sandbox holds: each test is an sdist that tries to leave it, or to take more than its share."""

import json
import os
import socket
import subprocess
import sys
import threading
import time
import zipfile
from pathlib import Path

import pytest

from tests.support.sandboxes import build_location, needs_any_sandbox, own_target, proved_builder
from tests.support.wheels import build_sdist
from wheelhouse.archive.build_system import BuildSystem
from wheelhouse.build.environment import make_environment
from wheelhouse.errors import BuildError, MachineError
from wheelhouse.sandbox import builder as builder_module
from wheelhouse.sandbox.builder import HOST_SANDBOXES, Builder, BuildRequest, open_builder
from wheelhouse.sandbox.cgroup import usable_hierarchies
from wheelhouse.sandbox.execution import run_in
from wheelhouse.sandbox.launcher import KEYCTL
from wheelhouse.sandbox.proof import protections
from wheelhouse.sandbox.sandbox import WORK, Limits, SandboxArgv, SandboxCommand, SandboxResult
from wheelhouse.sandbox.seccomp import ARCHITECTURES, REFUSED
from wheelhouse.sandbox.unsealed import Unsealed
from wheelhouse.target.interpreters import facts_of, interpreter_of

pytestmark = pytest.mark.rooms
SMALL = Limits(seconds=20, memory=1 << 30, disk=16 << 20, processes=64, answer=1 << 20, log=1 << 16)
BACKEND = """\
import os, pathlib, sys, zipfile

def found(text):
    pathlib.Path("found.txt").write_text(str(text))

{tries}

def build_wheel(folder, config_settings=None, metadata_directory=None):
    name = "evil-1.0-py3-none-any.whl"
    with zipfile.ZipFile(os.path.join(folder, name), "w") as archive:
        archive.write("found.txt", "found.txt")
    return name
"""


@pytest.fixture(params=HOST_SANDBOXES, ids=lambda sandbox: sandbox.name)
def sealed(request: pytest.FixtureRequest, tmp_path: Path) -> Builder:
    """A builder in each kind of sandbox that this machine permits."""
    needs_any_sandbox()
    interpreter = proved_builder().interpreter
    made = Builder(request.param, interpreter, SMALL, 2)
    try:
        made.prove(tmp_path)
    except MachineError as error:
        pytest.skip(f"{request.param.name}: {error}")
    return made


def attempt(room: Builder, folder: Path, tries: str) -> str:
    """What an sdist's backend found out when it ran these lines."""
    sdist = build_sdist(
        folder,
        "evil",
        "1.0",
        pyproject='[build-system]\nrequires = []\nbuild-backend = "backend"\nbackend-path = ["."]\n',
        files={"backend.py": BACKEND.format(tries=tries).encode()},
    )
    make_environment(folder / "env", room.interpreter, [], room.where_environment(folder / "env"))
    (folder / "out").mkdir()
    system = BuildSystem((), "backend", (".",))
    wheel, _ = room.wheel(BuildRequest(sdist, system, folder / "env", 315532800), folder / "out")
    with zipfile.ZipFile(wheel) as archive:
        return archive.read("found.txt").decode()


@pytest.mark.parametrize(
    "answer",
    [
        json.dumps({"wheel": "a\0.whl"}),
        json.dumps({"wheel": f"{'a' * 252}.whl"}),
        json.dumps({"wheel": "\ud800.whl"}),
        json.dumps({"wheel": "../a.whl"}),
        json.dumps({"wheel": None}),
        '{"wheel": ' + "[" * 200_000,
        "1" * 5000,
    ],
)
def test_an_answer_that_is_none_fails_that_build_alone(tmp_path: Path, answer: str) -> None:
    (tmp_path / "said").write_text(f"{answer}\n")

    class Cat:
        name = ""
        has_filter = False

        def wrap(self, command: SandboxCommand, folder: Path) -> SandboxArgv:
            return SandboxArgv(["cat", str(tmp_path / "said")], {"PATH": os.environ["PATH"]})

    at = Builder(Cat(), interpreter_of(facts_of(Path(sys.executable))), Limits(), 1)
    asked = BuildRequest(tmp_path / "a-1.0.tar.gz", BuildSystem((), "backend", (".",)), tmp_path, 315532800)
    with pytest.raises(BuildError):
        at.wheel(asked, tmp_path)


def test_no_network_is_reached(sealed: Builder, tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        tries = f"""\
import socket
def tried(family, address):
    try:
        socket.socket(family, socket.SOCK_STREAM).connect(address)
    except OSError as error:
        return type(error).__name__
    return "reached"
there = [("127.0.0.1", {port}), ("192.0.2.1", 80)]
found([name for _, name in socket.if_nameindex()] + [tried(socket.AF_INET, address) for address in there])
"""
        told = attempt(sealed, tmp_path, tries)
    assert "reached" not in told
    assert told.startswith("['lo'")


@pytest.mark.rooms
def test_abstract_sockets_of_this_machine_are_not_reached(sealed: Builder, tmp_path: Path) -> None:
    name = f"\0wheelhouse-test-{tmp_path.name}-{id(tmp_path)}"
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(name)
        server.listen()
        tries = f"""\
import socket
try:
    socket.socket(socket.AF_UNIX).connect({name!r})
    found("reached")
except OSError as error:
    found(type(error).__name__)
"""
        assert attempt(sealed, tmp_path, tries) == "ConnectionRefusedError"


def test_nothing_outside_is_written_or_seen(sealed: Builder, tmp_path: Path) -> None:
    secret = tmp_path / "secret.txt"
    secret.write_text("a password", encoding="utf-8")
    places = [
        "/",
        "/usr",
        "/usr/bin",
        "/etc",
        "/dev",
        "/wheelhouse",
        "/wheelhouse/env",
        str(tmp_path),
        str(Path.home()),
    ]
    tries = f"""\
written = []
for place in {places!r}:
    try:
        pathlib.Path(place, "left-by-evil").write_text("x")
        written.append(place)
    except OSError:
        pass
found((written, os.path.exists({str(secret)!r}), [name for name in os.listdir("/etc") if "shadow" in name or "passwd" in name]))
"""
    assert attempt(sealed, tmp_path, tries) == "([], False, [])"
    assert not any(Path(place, "left-by-evil").exists() for place in places)


def test_home_is_its_own_and_empty(sealed: Builder, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    home = tmp_path / "home"
    home.mkdir()
    (home / ".netrc").write_text("machine example.org login me password secret", encoding="utf-8")
    monkeypatch.setenv("HOME", str(home))
    monkeypatch.setenv("TOKEN", "secret")
    tries = """\
home = os.path.expanduser("~")
found((home, os.listdir(home), os.path.exists(os.path.join(home, ".netrc")), sorted(set(os.environ) & {"TOKEN", "PIP_INDEX_URL"})))
"""
    assert attempt(sealed, tmp_path, tries) == str((f"{WORK}/home", [], False, []))


@pytest.mark.rooms
def test_processes_outside_are_not_seen(sealed: Builder, tmp_path: Path) -> None:
    tries = "found(len([name for name in os.listdir('/proc') if name.isdigit()]))"
    assert int(attempt(sealed, tmp_path, tries)) < 10


@pytest.mark.rooms
def test_a_fork_bomb_is_contained(sealed: Builder, tmp_path: Path) -> None:
    tries = """\
import time
count = 0
try:
    while count < 5000:
        if os.fork() == 0:
            time.sleep(60)
            os._exit(0)
        count += 1
except OSError:
    pass
found(count)
"""
    started = time.monotonic()
    assert 0 < int(attempt(sealed, tmp_path, tries)) <= SMALL.processes
    assert time.monotonic() - started < SMALL.seconds  # what it left running ended with the sandbox


@pytest.mark.rooms
def test_a_build_that_never_ends_is_ended(sealed: Builder, tmp_path: Path) -> None:
    short = Builder(sealed.sandbox, sealed.interpreter, Limits(seconds=2), 1)
    tries = """\
import signal, time
for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
    signal.signal(number, signal.SIG_IGN)
os.setsid() if os.fork() == 0 else None
while True:
    time.sleep(1)
"""
    started = time.monotonic()
    with pytest.raises(BuildError, match="did not end within 2 s"):
        attempt(short, tmp_path, tries)
    assert time.monotonic() - started < 15


@pytest.mark.rooms
def test_disk_and_memory_have_an_end(sealed: Builder, tmp_path: Path) -> None:
    tries = """\
told = []
try:
    with open("/tmp/big", "wb") as file:
        for _ in range(64):
            file.write(bytes(1 << 20))
    told.append("disk")
except OSError as error:
    told.append(error.errno)
os.unlink("/tmp/big")
try:
    bytearray(2 << 30)
    told.append("memory")
except MemoryError:
    told.append("MemoryError")
found(told)
"""
    assert attempt(sealed, tmp_path, tries) == "[28, 'MemoryError']"


@pytest.mark.rooms
def test_memory_is_counted_over_all_processes(sealed: Builder, tmp_path: Path) -> None:
    """Each of these takes a tenth of what one may, and all of them ten times as much."""
    limits = Limits(seconds=60, memory=512 << 20)
    crowd = Builder(sealed.sandbox, sealed.interpreter, limits, 1)
    tries = f"""\
import time
for _ in range(100):
    if os.fork() == 0:
        held = bytearray(os.urandom(4096) * ({limits.memory} // 10 // 4096))
        time.sleep(60)
        os._exit(0)
    time.sleep(0.02)
time.sleep(60)
"""
    started = time.monotonic()
    with pytest.raises(BuildError, match="took more than 512 MiB of memory"):
        attempt(crowd, tmp_path, tries)
    assert time.monotonic() - started < 20


FILLS = {
    "memfd": "import ctypes\nfile = ctypes.CDLL(None).syscall({memfd}, b'x', 0)\nwhile True: os.write(file, b'x' * (1 << 20))",
    "files": "with open('/tmp/big', 'wb') as file:\n    while True: file.write(b'x' * (1 << 20))",
}


@pytest.mark.rooms
@pytest.mark.parametrize("kind", FILLS)
def test_memory_of_every_kind_is_limited(sealed: Builder, tmp_path: Path, kind: str) -> None:
    small = Builder(sealed.sandbox, sealed.interpreter, Limits(seconds=60, memory=256 << 20, disk=8 << 30), 1)
    memfd = ARCHITECTURES[os.uname().machine].number("memfd_create")
    with pytest.raises(BuildError, match="took more than 256 MiB of memory"):
        attempt(small, tmp_path, FILLS[kind].format(memfd=memfd) + "\nimport time\ntime.sleep(30)")


@pytest.mark.rooms
def test_system_calls_that_no_build_needs_are_refused(sealed: Builder, tmp_path: Path) -> None:
    known = ARCHITECTURES.get(os.uname().machine)
    if known is None:
        pytest.skip(f"there is no seccomp filter for {os.uname().machine}")
    numbers = {name: known.number(name) for name in REFUSED}
    tries = f"""\
import ctypes, errno
libc = ctypes.CDLL(None, use_errno=True)
def error(number):
    libc.syscall(number, *[ctypes.c_long(-1)] * 6)
    return errno.errorcode[ctypes.get_errno()]
answers = {{name: error(number) for name, number in {numbers!r}.items()}}
found([name for name, answer in answers.items() if answer != "EPERM"])
"""
    assert attempt(sealed, tmp_path, tries) == "[]"


@pytest.mark.rooms
def test_processes_and_threads_start_without_clone3(sealed: Builder, tmp_path: Path) -> None:
    tries = """\
import concurrent.futures, subprocess, multiprocessing
with concurrent.futures.ThreadPoolExecutor(8) as pool:
    told = list(pool.map(lambda number: subprocess.check_output(["echo", str(number)], text=True).strip(), range(8)))
with concurrent.futures.ProcessPoolExecutor(2, multiprocessing.get_context("fork")) as pool:
    told += pool.map(abs, [-8, -9])
found("".join(map(str, told)))
"""
    assert attempt(sealed, tmp_path, tries) == "0123456789"


def test_a_sandbox_has_a_session_keyring_of_its_own(tmp_path: Path) -> None:
    """The seccomp filter refuses keyctl, so this is tried where nothing is sealed."""
    number = KEYCTL.get(os.uname().machine)
    script = f"import ctypes; print(ctypes.CDLL(None).syscall({number}, 0, ctypes.c_long(-3), 0))"
    own = int(subprocess.check_output([sys.executable, "-c", script], text=True))
    if number is None or own <= 0:
        pytest.skip("this process has no session keyring")
    command = SandboxCommand([sys.executable, "-c", script], {}, {}, SMALL)
    run_in(Unsealed(), command, tmp_path / "answer")
    assert int((tmp_path / "answer").read_text()) not in (own, -1)


def test_where_memory_runs_out_the_build_is_the_first_to_go(sealed: Builder, tmp_path: Path) -> None:
    tries = "found(pathlib.Path('/proc/self/oom_score_adj').read_text().strip())"
    assert attempt(sealed, tmp_path, tries) == "1000"


@pytest.mark.rooms
def test_what_it_prints_has_an_end(sealed: Builder, tmp_path: Path) -> None:
    with pytest.raises(BuildError, match="printed more than"):
        attempt(sealed, tmp_path, "while True: print('x' * 1000)")


def test_it_has_no_privileges_and_gets_none(sealed: Builder, tmp_path: Path) -> None:
    tries = """\
status = dict(line.split(":", 1) for line in open("/proc/self/status").read().splitlines())
found((int(status["CapEff"], 16), int(status["CapBnd"], 16), status["NoNewPrivs"].strip()))
"""
    assert attempt(sealed, tmp_path, tries) == "(0, 0, '1')"


def test_a_wheel_cannot_be_named_out_of_its_folder(tmp_path: Path) -> None:
    room = proved_builder()
    tries = "found('x')\ndef build_wheel(*_, **__):\n    return '../../evil.whl'\nrenamed = build_wheel"
    sdist = build_sdist(
        tmp_path,
        "evil",
        "1.0",
        pyproject='[build-system]\nrequires = []\nbuild-backend = "backend"\nbackend-path = ["."]\n',
        files={"backend.py": (BACKEND.format(tries=tries) + "\nbuild_wheel = renamed\n").encode()},
    )
    make_environment(tmp_path / "env", room.interpreter, [], room.where_environment(tmp_path / "env"))
    (tmp_path / "out").mkdir()
    asked = BuildRequest(sdist, BuildSystem((), "backend", (".",)), tmp_path / "env", 315532800)
    with pytest.raises(BuildError):
        room.wheel(asked, tmp_path / "out")
    assert not list(tmp_path.rglob("*evil.whl"))


# The proof


@pytest.mark.rooms
def test_a_sandbox_says_what_it_holds(sealed: Builder) -> None:
    expected = [sealed.sandbox.name]
    expected += ["seccomp"] if os.uname().machine in ARCHITECTURES else []
    expected += ["cgroup"] if usable_hierarchies() else []
    assert sealed.sandbox_described == ", ".join(expected)


PROOF = {
    "devices": ["lo"],
    "reached": [],
    "seen": [],
    "written": [],
    "works": True,
    "filtered": True,
    "calls": {"keyctl": 1, "clone3": 38},
    "families": [],
}


@pytest.mark.parametrize(
    ("differs", "reason"),
    [
        ({"devices": ["eth0"]}, "it has the network device eth0"),
        ({"reached": [["192.0.2.1", 80]]}, "it can connect to 192.0.2.1"),
        ({"seen": ["/canary"]}, "it can see /canary"),
        ({"written": ["/etc"]}, "it can write to /etc"),
        ({"works": False}, "it cannot write to its own folder"),
        ({"calls": {"keyctl": 0}}, "it does not refuse keyctl"),
        ({"calls": {"clone3": 22}}, "it does not refuse clone3"),
        ({"families": [40]}, "it does not refuse AF_VSOCK"),
        ({"filtered": False}, "it has no seccomp filter"),
    ],
)
def test_each_leak_that_the_proof_finds_is_a_reason(differs: dict[str, object], reason: str) -> None:
    killed = SandboxResult(-9, "memory", b"", "cgroup")
    assert protections(killed, json.dumps(PROOF).encode() + b"\n", filtered=True) == ("seccomp", "cgroup")
    with pytest.raises(MachineError, match=reason):
        protections(killed, json.dumps(PROOF | differs).encode() + b"\n", filtered=True)


def test_what_a_machine_cannot_hold_is_left_out() -> None:
    unfiltered = json.dumps(PROOF | {"filtered": False, "calls": {"keyctl": 0}}).encode() + b"\n"
    assert protections(SandboxResult(-9, "memory", b"", "measurement"), unfiltered, filtered=False) == ()


def test_a_sandbox_without_a_limit_of_memory_is_refused() -> None:
    answer = json.dumps(PROOF).encode() + b'\n{"unlimited": true, "why": ""}\n'
    with pytest.raises(MachineError, match="its memory is not limited"):
        protections(SandboxResult(0, None, b""), answer, filtered=True)


def test_what_is_not_sealed_does_not_pass_the_proof(tmp_path: Path) -> None:
    interpreter = open_builder(own_target(), build_location(unsealed=True), 1).interpreter
    with pytest.raises(MachineError, match=r"it can connect to 127\.0\.0\.1; .*it can see"):
        Builder(Unsealed(), interpreter, Limits(seconds=60), 1).prove(tmp_path)


def test_a_machine_that_seals_nothing_builds_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(builder_module, "HOST_SANDBOXES", (Unsealed(),))
    with pytest.raises(MachineError, match="so nothing is built") as caught:
        open_builder(own_target(), build_location(), 1)
    assert "--unsealed" in (caught.value.hint or "")
    assert "it can connect to 127.0.0.1" in caught.value.details[0]


@pytest.mark.rooms
def test_rooms_run_side_by_side(tmp_path: Path) -> None:
    room = proved_builder()
    told: list[str] = []
    threads = []
    for number in range(3):
        folder = tmp_path / str(number)
        folder.mkdir()
        thread = threading.Thread(
            target=lambda folder=folder: told.append(attempt(room, folder, "found(os.getuid() > 0)"))
        )
        threads.append(thread)
        thread.start()
    for thread in threads:
        thread.join()
    assert len(told) == 3
