"""One run for many targets: what fails for some is said for each, once, in a few lines; the others can be written."""

import json
from pathlib import Path

import pytest

from tests.support.golden import Session
from tests.support.index import Fault, IndexServer
from tests.support.wheels import build_sdist, build_wheel
from wheelhouse.errors import InputError, IntegrityError, MachineError, NoSolutionError, ServerError, WheelhouseError
from wheelhouse.fetch.failures import combined
from wheelhouse.verify.verify import verify

PYTHONS = ("3.10", "3.11", "3.12", "3.13")
PLATFORMS = ("linux/amd64", "linux/arm64", "macos/arm64", "windows/arm64")
BUILT = ("manylinux_2_17_x86_64.manylinux2014_x86_64", "manylinux_2_17_aarch64", "macosx_11_0_arm64")
SIXTEEN = " ".join([*(f"--python {python}" for python in PYTHONS), *(f"--platform {name}" for name in PLATFORMS)])
FAILING = tuple(f"cp3{minor}-win_arm64" for minor in range(10, 14))


@pytest.fixture(scope="module")
def offered(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("offered")
    build_wheel(folder, "app", "1.0", requires=["native", "lib"])
    build_wheel(folder, "lib", "1.0")
    for version in ("1.0", "2.0"):
        for minor in range(8, 14):
            for platform in BUILT:
                build_wheel(folder, "native", version, tag=f"cp3{minor}-cp3{minor}-{platform}")
    build_wheel(folder, "newer", "1.0", requires_python=">=3.12")
    build_sdist(folder, "raw", "1.0")
    return folder


def said(session: Session) -> list[str]:
    """What the last command said, but for what it says while it resolves."""
    last = session.transcript.rpartition("$ wheelhouse")[2].splitlines()
    return [line for line in last if line and not line.startswith(("note: ", "resolving for ", "---"))][1:]


@pytest.mark.parametrize("command", ["fetch", "lock"])
def test_each_target_without_a_solution_is_said_once(session: Session, command: str) -> None:
    assert session(f"{command} app {SIXTEEN}") == 3
    lines = said(session)
    assert len(lines) <= 10
    assert lines[-2].startswith(f"error: no solution for 4 of 16 targets ({', '.join(FAILING)}): ")
    assert lines[-1].startswith("hint: ")
    assert "--keep-going to continue with the other 12" in lines[-1]
    has = "  native 2.0 has wheels of cp38, cp39, cp310, cp311, cp312, cp313 for macosx_11_0_arm64, manylinux_2_17_aarch64"
    assert sum(line.startswith(has) for line in lines) == 1
    for name in FAILING:
        assert sum(line.startswith(f"  {name} accepts wheels of cp3") for line in lines) == 1
    assert "manylinux2014" not in "".join(lines)
    assert not (session.folder / "wheels").exists() or not list((session.folder / "wheels").iterdir())


def test_the_others_are_written(session: Session) -> None:
    assert session(f"fetch app {SIXTEEN} --keep-going") == 3
    house = session.folder / "wheels"
    assert len(list(house.glob("pylock.*.toml"))) == 12
    assert verify(house).findings == ()
    assert said(session)[-2].startswith(f"error: no solution for 4 of 16 targets ({', '.join(FAILING)}): ")
    assert "--keep-going" not in said(session)[-1]
    assert session(f"fetch app {SIXTEEN} --keep-going --json") == 3
    document = json.loads(session.stdout)
    assert len(document["targets"]) == 12
    assert document["error"]["exit-code"] == 3
    assert all(any(name in line for line in document["error"]["details"]) for name in FAILING)


def test_only_the_locks_of_the_others_are_written(session: Session) -> None:
    assert session(f"lock app {SIXTEEN} --keep-going --json") == 3
    assert len(json.loads(session.stdout)["targets"]) == 12
    assert len(list((session.folder / "wheels").glob("pylock.*.toml"))) == 12


def test_a_lock_that_is_there_stays_where_its_target_fails(session: Session) -> None:
    assert session("fetch lib --python 3.12 --platform windows/arm64") == 0
    assert session("fetch app --python 3.12 --platform windows/arm64 --platform linux/amd64 --keep-going") == 3
    house = session.folder / "wheels"
    assert len(list(house.glob("pylock.*.toml"))) == 2
    assert verify(house).findings == ()


def test_where_no_target_has_a_solution_nothing_is_written(session: Session) -> None:
    assert session("fetch native --python 3.12 --python 3.13 --platform windows/arm64 --keep-going") == 3
    assert not list((session.folder / "wheels").iterdir())


def test_different_reasons_are_said_apart(session: Session) -> None:
    options = "--python 3.11 --python 3.12 --platform linux/amd64 --platform windows/arm64"
    assert session(f"fetch native newer {options}") == 3
    lines = said(session)
    assert lines[-2] == (
        "error: no solution for 3 of 4 targets: cp311-manylinux_2_28_x86_64, cp311-win_arm64, cp312-win_arm64"
    )
    assert sum("requires Python >=3.12" in line for line in lines if line.startswith("  cp31")) >= 1
    assert sum("native 2.0 has wheels" in line for line in lines) >= 1


def test_one_target_alone_is_said_as_before(session: Session) -> None:
    assert session("fetch native --python 3.12 --platform windows/arm64") == 3
    assert said(session)[-2] == (
        "error: no release of `native` (requested on the command line) can be chosen for cp312-win_arm64 "
        "(native 1.0, 2.0: no wheel has a tag that fits)"
    )


def test_a_python_that_the_project_does_not_admit(session: Session) -> None:
    (session.folder / "pyproject.toml").write_text(
        '[project]\nname = "mine"\nversion = "1"\nrequires-python = ">=3.12"\ndependencies = ["lib"]\n'
    )
    assert session("fetch -r pyproject.toml --python 3.10 --python 3.11 --python 3.12") == 3
    assert (
        "no solution for 2 of 3 targets: cp310-manylinux_2_28_x86_64, cp311-manylinux_2_28_x86_64" in session.transcript
    )
    assert session("fetch -r pyproject.toml --python 3.10 --python 3.11 --python 3.12 --keep-going") == 3
    assert [path.name for path in (session.folder / "wheels").glob("pylock.*")] == [
        "pylock.cp312-manylinux_2_28_x86_64.toml"
    ]


def test_what_is_said_of_pins_is_said_once(session: Session, index: IndexServer, offered: Path) -> None:
    index.add(offered / "lib-1.0-py3-none-any.whl", yanked="it was wrong")
    linux = " ".join(f"--python {python}" for python in PYTHONS)
    assert session(f"fetch raw lib==1.0 {linux} --platform linux/amd64 --platform linux/arm64") == 0
    assert session.transcript.count("lib 1.0 was yanked") == 1
    assert session.transcript.count("raw-1.0.tar.gz: ") == 1


def test_a_server_that_fails_counts_before_a_target_without_a_solution(session: Session, index: IndexServer) -> None:
    index.faults.append(Fault("/simple/lib/", "status", times=None))
    options = "--python 3.12 --platform linux/amd64 --platform windows/arm64"
    assert session(f"fetch native 'lib; sys_platform == \"linux\"' {options}") == 4


@pytest.mark.parametrize(
    ("kinds", "code"),
    [
        ((NoSolutionError, WheelhouseError), 3),
        ((WheelhouseError,), 1),
        ((NoSolutionError, InputError), 2),
        ((InputError, ServerError), 4),
        ((ServerError, MachineError), 6),
        ((MachineError, IntegrityError), 5),
    ],
)
def test_the_exit_code_of_several_errors(kinds: tuple[type[WheelhouseError], ...], code: int) -> None:
    for order in (kinds, kinds[::-1]):
        failed = {kind.__name__: kind("it failed") for kind in order}
        assert combined(failed, 3, kept_going=False).exit_code == code
