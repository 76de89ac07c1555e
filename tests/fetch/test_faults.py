"""Whatever fails on the way: a run ends complete and correct, or with a sentence and its exit code, and the next one completes.

Each run is told by its seed. A few stand in the default run; `pytest -m soak` does a thousand, and 1,250 kills.
"""

import contextlib
import hashlib
import io
import json
import random
import re
import resource
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

import wheelhouse
from tests.mirror.test_publish import Receiver, receiving
from tests.support.faults import KINDS, Fault, random_faults
from tests.support.index import Abilities, IndexServer
from tests.support.kills import KILLED, Killer, prepared
from tests.support.tools import clean_environment, must_be_no_defect
from tests.support.wheels import build_sdist, build_wheel
from wheelhouse.cli.entry import run
from wheelhouse.verify.verify import verify

PROJECTS = 40
LONGEST = 60.0
DONE, SERVER, INTEGRITY, MACHINE, NO_SOLUTION = 0, 4, 5, 6, 3
ENDS = (DONE, NO_SOLUTION, SERVER, INTEGRITY, MACHINE)


@pytest.fixture(scope="module")
def offered(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Forty projects: each wants the next two, some have an older release too, every eighth is an sdist."""
    folder = tmp_path_factory.mktemp("offered")
    dice = random.Random(40)
    for number in range(PROJECTS):
        requires = [f"p{after}" for after in (2 * number + 1, 2 * number + 2) if after < PROJECTS]
        if number % 8 == 7:
            build_sdist(folder, f"p{number}", "1.0", requires=requires)
            continue
        files = {f"p{number}/data.bin": dice.randbytes(dice.choice((500, 5_000, 400_000)))}
        build_wheel(folder, f"p{number}", "1.0", requires=requires, files=files)
        if number % 5 == 0:
            build_wheel(folder, f"p{number}", "0.9", requires=requires)
    return folder


def newest(offered: Path) -> dict[str, str]:
    """The sha256 of each file that the job needs, by its name."""
    wanted = (path for path in offered.iterdir() if "-0.9-" not in path.name)
    return {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in wanted}


def command(server: IndexServer, place: Path, *, retries: int = 3) -> list[str]:
    """The job, its wheelhouse and its cache in `place`."""
    where = ["--index", server.url, "--dest", str(place / "house"), "--cache-dir", str(place / "cache")]
    return ["fetch", "p0", "--python", "3.12", "--retries", str(retries), "--timeout", "5", *where]


def fetch(arguments: list[str]) -> tuple[int, str]:
    """Run in this process: the exit code, and what stood on stderr."""
    said = io.StringIO()
    started = time.monotonic()
    with contextlib.redirect_stderr(said), contextlib.redirect_stdout(io.StringIO()):
        code = run(arguments)
    assert time.monotonic() - started < LONGEST
    return code, said.getvalue()


def must_be_honest(code: int, said: str, place: Path, wanted: dict[str, str]) -> None:
    """What no failure may break: the exit code and its sentence, and that no final name holds other bytes than its own."""
    assert code in ENDS, said
    must_be_no_defect(said)
    if code != DONE:
        assert "error: " in said.splitlines()[-1] or said.splitlines()[-1].startswith("hint: "), said
    house = place / "house"
    for path in house.iterdir() if house.is_dir() else ():
        if path.name.endswith((".whl", ".tar.gz")):
            assert hashlib.sha256(path.read_bytes()).hexdigest() == wanted[path.name], path.name
    if code == DONE:
        must_be_complete(place, wanted)


def must_be_complete(place: Path, wanted: dict[str, str]) -> None:
    """The wheelhouse is whole, by its own verify and by what the index offers."""
    verdict = verify(place / "house")
    assert verdict.findings == ()
    assert {name: artifact.sha256 for name, artifact in verdict.wheelhouse.artifacts.items()} == wanted


def must_hold_what_names_say(cache: Path) -> None:
    """A file in the cache has the sha256 that is its name."""
    for path in cache.glob("v1/artifacts/*/*"):
        assert hashlib.sha256(path.read_bytes()).hexdigest() == path.name


def a_clean_run_completes(server: IndexServer, place: Path, wanted: dict[str, str]) -> None:
    server.plan = None
    code, said = fetch(command(server, place))
    assert code == DONE, said
    must_be_complete(place, wanted)


def abilities(dice: random.Random) -> Abilities:
    return Abilities(ranges=dice.random() < 0.7, sidecars=dice.random() < 0.5, validators=dice.random() < 0.5)


def survives_a_failing_index(seed: int, offered: Path, place: Path) -> None:
    dice, wanted = random.Random(seed), newest(offered)
    kinds = KINDS if seed % 2 else ("status", "cut", "delay", "reset")
    plan = random_faults(seed, dice.choice((0.02, 0.1, 0.3)), kinds, most=dice.choice((1, 2, 5)))
    with IndexServer(offered, plan=plan, abilities=abilities(dice)) as server:
        code, said = fetch(command(server, place))
        must_be_honest(code, said, place, wanted)
        must_hold_what_names_say(place / "cache")
        a_clean_run_completes(server, place, wanted)


@pytest.mark.parametrize("gone", ["/files/p0-", "/files/p12-", "/simple/p12/"])
def test_what_is_gone_is_said_and_nothing_else(gone: str, offered: Path, tmp_path: Path) -> None:
    with IndexServer(offered, faults=[Fault(gone, "status", times=None, status=404)]) as server:
        code, said = fetch(command(server, tmp_path))
    assert code in (SERVER, NO_SOLUTION)
    must_be_honest(code, said, tmp_path, newest(offered))


@pytest.mark.parametrize("as_json", [False, True])
def test_what_nobody_thought_of_is_one_sentence(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], as_json: bool
) -> None:
    def fail(*_: object) -> None:
        raise ValueError("no port in https://bob:s3cret@host/\nand so \udcff on")

    (tmp_path / "pylock.x.toml").touch()
    monkeypatch.setattr("wheelhouse.verify.verify.parse_lock", fail)
    code = run(["verify", str(tmp_path), *(["--json"] if as_json else [])])
    said = capsys.readouterr()
    sentence = r"wheelhouse itself failed: ValueError: no port in https://host/ and so \udcff on"
    *places, last, hint = said.err.splitlines()
    assert (code, last) == (MACHINE, f"error: {sentence}")
    assert hint.startswith("hint: this is a defect of wheelhouse")
    assert re.fullmatch(r"  wheelhouse/verify/verify\.py, line \d+, in [\w<>.]+", places[-1])
    assert str(Path(wheelhouse.__file__).parent) not in said.err and "s3cret" not in said.err
    if as_json:
        document = json.loads(said.out)["error"]
        assert (document["exit-code"], document["sentence"]) == (MACHINE, sentence)
        assert [f"  {place}" for place in document["details"]] == places
    with pytest.raises(AssertionError):
        must_be_honest(code, said.err, tmp_path, {})


# What happens to the disk between two runs, or under one's hands


def some(folder: Path, pattern: str, dice: random.Random) -> list[Path]:
    paths = sorted(path for path in folder.glob(pattern) if path.is_file())
    return dice.sample(paths, min(len(paths), dice.randrange(1, 6)))


def flip(path: Path, dice: random.Random) -> None:
    data = bytearray(path.read_bytes())
    if data:
        data[dice.randrange(len(data))] ^= 0xFF
        path.write_bytes(data)


def halve(path: Path, dice: random.Random) -> None:
    path.write_bytes(path.read_bytes()[: dice.randrange(1 + path.stat().st_size // 2)])


def remove(path: Path, dice: random.Random) -> None:
    path.unlink()


HARMS: tuple[Callable[[Path, random.Random], None], ...] = (flip, halve, remove)


def survives_a_spoiled_disk(seed: int, offered: Path, place: Path) -> None:
    """A cache and a wheelhouse are spoiled, each in many places; the next run puts all of it right."""
    dice, wanted = random.Random(seed), newest(offered)
    with IndexServer(offered, abilities=abilities(dice)) as server:
        a_clean_run_completes(server, place, wanted)
        for pattern in ("v1/artifacts/*/*", "v1/contents*/*", "v1/pages*/*", "v1/*/*"):
            for path in some(place / "cache", pattern, dice):
                dice.choice(HARMS)(path, dice)
        for path in some(place / "house", "*.whl", dice):
            dice.choice(HARMS)(path, dice)
        (place / "house" / ".wheelhouse-left.tmp").write_bytes(b"half")
        if dice.random() < 0.5:
            shutil.rmtree(place / "house")
        a_clean_run_completes(server, place, wanted)


def survives_what_vanishes(seed: int, offered: Path, place: Path) -> None:
    """House or cache is removed while a run is under way."""
    dice, wanted = random.Random(seed), newest(offered)
    victim = place / dice.choice(("house", "cache"))
    with IndexServer(offered) as server:
        remover = threading.Timer(dice.random() * 0.8, shutil.rmtree, (victim,), {"ignore_errors": True})
        remover.start()
        code, said = fetch(command(server, place))
        remover.join()
        assert code in (DONE, MACHINE), said
        must_be_no_defect(said)
        a_clean_run_completes(server, place, wanted)


@contextmanager
def started(arguments: list[str], place: Path, most: int = resource.RLIM_INFINITY) -> Iterator[subprocess.Popen[str]]:
    """The command as a process of its own, which may write no file longer than `most` bytes."""
    limited = f"import resource; resource.setrlimit(resource.RLIMIT_FSIZE, ({most}, {most}))"
    process = subprocess.Popen(
        [sys.executable, "-c", f"{limited}; from wheelhouse.cli import main; main()", *arguments],
        cwd=place,
        env=clean_environment(PYTHONDONTWRITEBYTECODE="1"),
        stderr=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        text=True,
    )
    with process:
        yield process


def survives_a_full_disk(seed: int, offered: Path, place: Path) -> None:
    dice, wanted = random.Random(seed), newest(offered)
    place.mkdir(exist_ok=True)
    with IndexServer(offered) as server:
        with started(command(server, place), place, dice.choice((0, 100, 2_000, 10_000, 300_000))) as process:
            _, said = process.communicate(timeout=LONGEST)
        must_be_honest(process.returncode, said, place, wanted)
        assert process.returncode == MACHINE, said
        a_clean_run_completes(server, place, wanted)


def survives_a_kill(seed: int, offered: Path, place: Path) -> None:
    dice, wanted = random.Random(seed), newest(offered)
    place.mkdir(exist_ok=True)
    with IndexServer(offered, plan=random_faults(seed, 0.1, ("delay",), most=9)) as server:
        with started(command(server, place), place) as process:
            time.sleep(0.25 + dice.random() * 1.5)
            process.send_signal(signal.SIGKILL)
        house = place / "house"
        for path in house.iterdir() if house.is_dir() else ():
            if path.name.endswith((".whl", ".tar.gz")):
                assert hashlib.sha256(path.read_bytes()).hexdigest() == wanted[path.name], path.name
        must_hold_what_names_say(place / "cache")
        a_clean_run_completes(server, place, wanted)


@pytest.fixture(scope="module")
def killer(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Killer]:
    folder = tmp_path_factory.mktemp("killer")
    with prepared(folder) as place:
        yield Killer(place, folder)


def names_of_kills(count: int) -> list[tuple[str, int]]:
    """Commands and seeds: each command as often as the others, but `build`, which takes longest."""
    names = [name for name in KILLED if name != "build"]
    return [("build" if seed % 50 == 49 else names[seed % len(names)], seed) for seed in range(count)]


def test_a_killed_command_leaves_nothing_partial_lost_or_behind(killer: Killer) -> None:
    killer.kill("pack volumes", random.Random(0))


@pytest.mark.soak
@pytest.mark.parametrize(("name", "seed"), names_of_kills(1000))
def test_a_thousand_killed_commands(killer: Killer, name: str, seed: int) -> None:
    killer.kill(name, random.Random(seed))


@pytest.mark.soak
@pytest.mark.parametrize("seed", range(50))
def test_a_killed_publish_sends_the_rest_the_next_time(killer: Killer, seed: int, tmp_path: Path) -> None:
    def publish(url: str, receiver: Receiver) -> list[str]:
        return ["publish", "wheels", "--repository", url, "--index", receiver.index.url]

    with receiving(tmp_path / "first") as (url, receiver):
        killer.reference("publish", publish(url, receiver))
    with receiving(tmp_path / "second") as (url, receiver):
        killer.kill("publish", random.Random(seed), publish(url, receiver))
        sent = {path.name: path.read_bytes() for path in receiver.folder.iterdir()}
    assert sent == killer.artifacts("wheels")


def survives_company(seed: int, offered: Path, place: Path) -> None:
    """Several runs at once, on one cache, some on one house."""
    wanted = newest(offered)
    ends: list[tuple[int, str]] = []
    place.mkdir(exist_ok=True)
    with (
        IndexServer(offered, plan=random_faults(seed, 0.1, ("delay", "cut", "reset"))) as server,
        contextlib.ExitStack() as all_of_them,
    ):
        processes = [all_of_them.enter_context(started(command(server, place), place)) for _ in range(3)]
        for process in processes:
            said = process.communicate(timeout=LONGEST)[1]
            ends.append((process.returncode, said))
        for code, said in ends:
            must_be_honest(code, said, place, wanted)
        a_clean_run_completes(server, place, wanted)


SURVIVALS = (
    (survives_a_failing_index, 3, 800),
    (survives_a_spoiled_disk, 1, 120),
    (survives_what_vanishes, 1, 50),
    (survives_a_full_disk, 1, 20),
    (survives_a_kill, 1, 200),
    (survives_company, 1, 10),
)
"""Each kind of failure, how many of its seeds run with `rooms`, and how many there are in all."""


@pytest.mark.rooms
@pytest.mark.parametrize(("survives", "seed"), [(kind, seed) for kind, few, _ in SURVIVALS for seed in range(few)])
def test_a_few_failures(survives: Callable[[int, Path, Path], None], seed: int, offered: Path, tmp_path: Path) -> None:
    survives(seed, offered, tmp_path)


@pytest.mark.soak
@pytest.mark.parametrize(
    ("survives", "seed"), [(kind, seed) for kind, few, all_ in SURVIVALS for seed in range(few, all_)]
)
def test_a_thousand_failures(
    survives: Callable[[int, Path, Path], None], seed: int, offered: Path, tmp_path: Path
) -> None:
    survives(seed, offered, tmp_path)
    shutil.rmtree(tmp_path)
