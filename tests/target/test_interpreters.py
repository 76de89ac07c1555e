"""What real Pythons say of themselves, held against what is derived from their names.

Markers must be equal, but for platform_release and platform_version, which no name says. Tags must be equal as sets, and in
order but for `linux_<arch>`: packaging put it behind the manylinux tags until 26.3 and puts it before them since; here it
is always last.
"""

import json
import os
import sys
from pathlib import Path

import packaging.markers
import packaging.tags
import pytest

from tests.support.pythons import find_python
from tests.support.tools import clean_environment, run, wheelhouse
from wheelhouse.errors import InputError, MachineError
from wheelhouse.target.interpreter_facts_model import InterpreterFacts, target_of
from wheelhouse.target.interpreters import InterpreterPlaces, facts_of, find_interpreter, interpreter_of
from wheelhouse.target.target import Platform, Python, Target

OTHERS = ("3.6", "3.7", "3.8", "3.9", "3.10", "3.11", "3.12", "3.13")
NOT_IN_A_NAME = ("platform_release", "platform_version")
PIP_SAYS = """
import json, sys
sys.path[:0] = sys.argv[1:]
from pip._internal.utils.compatibility_tags import get_supported
from pip._vendor.packaging.markers import default_environment
print(json.dumps([default_environment(), [str(tag) for tag in get_supported()]]))
"""


def named_like(target: Target) -> Target:
    """The target that the names of a Python and platform alone lead to."""
    return Target.of(Python.parse(target.python.spelling), Platform.parse(target.platform.tag))


def told(markers: dict[str, str]) -> dict[str, str]:
    return {key: value for key, value in markers.items() if key not in NOT_IN_A_NAME}


def without_linux(tags: list[str]) -> list[str]:
    return [tag for tag in tags if "-linux_" not in tag]


def agree(target: Target, markers: dict[str, str], tags: list[str]) -> None:
    """Fail where an interpreter's own account and ours differ, whether ours is asked from it or derived from its name."""
    assert target.environment == markers
    named = named_like(target)
    assert told(dict(named.environment)) == told(markers)
    for ours in (target, named):
        spelled = [str(tag) for tag in ours.tags]
        assert set(spelled) == set(tags)
        assert without_linux(spelled) == without_linux(tags)


def test_this_python_agrees_with_packaging() -> None:
    markers = {key: value for key, value in packaging.markers.default_environment().items() if key != "extra"}
    agree(target_of(facts_of(Path(sys.executable))), markers, [str(tag) for tag in packaging.tags.sys_tags()])


def account(interpreter: Path, *pip: Path) -> tuple[dict[str, str], list[str]]:
    """Markers and tags as this interpreter's pip, or the one given, computes them."""
    ran = run(interpreter, "-I", "-W", "ignore", "-c", PIP_SAYS, *pip, env=clean_environment(LC_ALL="C"))
    assert ran.returncode == 0, ran.stderr
    markers, tags = json.loads(ran.stdout)
    return markers, tags


@pytest.fixture(params=OTHERS)
def interpreter(request: pytest.FixtureRequest) -> Path:
    found = find_python(request.param)
    if found is None:
        pytest.skip(f"no Python {request.param} here")
    return found


@pytest.mark.interpreters
def test_every_python_agrees_with_its_own_pip(interpreter: Path) -> None:
    target = target_of(facts_of(interpreter))
    if target.python.minor == "3.6":
        pytest.skip("its own pip, 18.1, knows no manylinux_2_N; a newer one is asked in the test below")
    agree(target, *account(interpreter))


@pytest.mark.interpreters
@pytest.mark.index
def test_python_3_6_agrees_with_the_last_pip_for_it(tmp_path: Path) -> None:
    interpreter = find_python("3.6")
    if interpreter is None:
        pytest.skip("no Python 3.6 here")
    certificates = {name: os.environ[name] for name in ("SSL_CERT_FILE",) if name in os.environ}
    fetched = wheelhouse("fetch", "pip==21.3.1", "--python", "3.6", cwd=tmp_path, env=certificates)
    assert fetched.returncode == 0, fetched.stderr
    (wheel,) = (tmp_path / "wheels").glob("pip-*.whl")
    agree(target_of(facts_of(interpreter)), *account(interpreter, wheel))


@pytest.mark.interpreters
def test_target_show_asks_an_interpreter(interpreter: Path, tmp_path: Path) -> None:
    shown = wheelhouse("target", "show", "--interpreter", interpreter, cwd=tmp_path)
    assert shown.returncode == 0, shown.stderr
    expected = target_of(facts_of(interpreter))
    document = json.loads(shown.stdout)
    assert document["marker_environment"] == expected.environment
    assert document["compatible_tags"] == [str(tag) for tag in expected.tags]


def test_nothing_installed_beside_a_python_is_run(tmp_path: Path) -> None:
    venv = tmp_path / "venv"
    assert run(sys.executable, "-m", "venv", "--without-pip", venv).returncode == 0
    (site,) = venv.glob("lib/python*/site-packages")
    (site / "evil.pth").write_text(f"import pathlib; pathlib.Path({str(tmp_path / 'ran')!r}).touch()\n")
    facts_of(venv / "bin" / "python")
    assert not (tmp_path / "ran").exists()
    assert run(venv / "bin" / "python", "-c", "").returncode == 0 and (tmp_path / "ran").exists()


@pytest.mark.parametrize("script", ["exit 3", "echo '{}'", "echo Unknown option: -I >&2; exit 2"])
def test_what_is_no_python_is_an_error(script: str, tmp_path: Path) -> None:
    strange = tmp_path / "python"
    strange.write_text(f"#!/bin/sh\n{script}\n")
    strange.chmod(0o755)
    with pytest.raises(MachineError, match="did not report its version"):
        facts_of(strange)
    with pytest.raises(MachineError, match="could not be run"):
        facts_of(tmp_path / "missing")


def facts(**changes: object) -> InterpreterFacts:
    markers = {
        **Target.of(Python.parse("3.12.4"), Platform.parse("linux/amd64")).environment,
        "platform_release": "6.1",
        "platform_version": "#1",
        **changes.pop("markers", {}),  # type: ignore[dict-item]
    }
    given = {
        "version": (3, 12),
        "ext_suffix": ".cpython-312-x86_64-linux-gnu.so",
        "debug": False,
        "free_threaded": False,
        "pymalloc": True,
        "platform": "linux-x86_64",
        "bits": 64,
        "arm_hard_float": False,
        "glibc": None,
        "musl": None,
        "macos": ("", ""),
        "executable": "/usr/bin/python3.12",
        "prefixes": (),
    }
    return InterpreterFacts(markers=markers, **{**given, **changes})  # type: ignore[arg-type]


ARM = {"markers": {"platform_machine": "armv7l"}, "platform": "linux-armv7l", "bits": 32, "glibc": "2.36"}
MAC = {"platform_system": "Darwin", "sys_platform": "darwin", "platform_machine": "arm64"}
WINDOWS = {"platform_system": "Windows", "sys_platform": "win32", "os_name": "nt", "platform_machine": "AMD64"}
PYPY = {"implementation_name": "pypy", "platform_python_implementation": "PyPy", "implementation_version": "7.3.19"}


CASES = [
    pytest.param({"glibc": "2.36"}, "cp312-manylinux_2_36_x86_64", id="glibc"),
    pytest.param({"musl": "1.2"}, "cp312-musllinux_1_2_x86_64", id="musl"),
    pytest.param({}, "cp312-linux_x86_64", id="neither"),
    pytest.param({"glibc": "2.36", "bits": 32}, "cp312-manylinux_2_36_i686", id="32 bits on x86_64"),
    pytest.param(
        {"glibc": "2.36", "bits": 32, "platform": "linux-aarch64", "arm_hard_float": True},
        "cp312-manylinux_2_36_armv8l",
        id="32 bits on aarch64",
    ),
    pytest.param({**ARM, "arm_hard_float": True}, "cp312-manylinux_2_36_armv7l", id="hard float"),
    pytest.param(ARM, "cp312-linux_armv7l", id="soft float"),
    pytest.param({"glibc": "2.36", "free_threaded": True}, "cp312t-manylinux_2_36_x86_64", id="free-threaded"),
    pytest.param({"glibc": "2.36", "debug": True}, "cp312d-manylinux_2_36_x86_64", id="debug"),
    pytest.param({"markers": MAC, "macos": ("14.4.1", "arm64")}, "cp312-macosx_14_0_arm64", id="macOS"),
    pytest.param({"markers": WINDOWS, "platform": "win-amd64"}, "cp312-win_amd64", id="Windows"),
    pytest.param(
        {"markers": PYPY, "ext_suffix": ".pypy310-pp73-x86_64-linux-gnu.so", "glibc": "2.36"},
        "pp312-manylinux_2_36_x86_64",
        id="PyPy",
    ),
]


@pytest.mark.parametrize(("changes", "name"), CASES)
def test_facts_make_a_target(changes: dict[str, object], name: str) -> None:
    assert target_of(facts(**changes)).name == name


def test_a_debug_build_takes_release_wheels_too() -> None:
    abis = [tag.abi for tag in target_of(facts(debug=True, glibc="2.36")).tags]
    assert list(dict.fromkeys(abis))[:2] == ["cp312d", "cp312"]


def test_pypys_abi_comes_from_its_extension_suffix() -> None:
    pypy = facts(markers=PYPY, ext_suffix=".pypy310-pp73-x86_64-linux-gnu.so", glibc="2.36")
    assert str(target_of(pypy).tags[0]) == "pp312-pypy310_pp73-manylinux_2_36_x86_64"


GRAALPY = {"implementation_name": "graalpy", "platform_python_implementation": "GraalVM"}


@pytest.mark.parametrize(
    ("markers", "suffix", "sentence"),
    [
        (PYPY, ".pypy312-pp73-x86_64-linux-gnu.so", "no PyPy that wheelhouse knows"),
        (GRAALPY, ".graalpy250-312-native-x86_64-linux.so", "graalpy"),
    ],
)
def test_an_interpreter_whose_tags_wheelhouse_does_not_know_cannot_build(
    markers: dict[str, str], suffix: str, sentence: str
) -> None:
    unknown = facts(markers=markers, ext_suffix=suffix, glibc="2.36")
    with pytest.raises(InputError, match=sentence):
        interpreter_of(unknown)


# Where a Python is looked for


def python_at(path: Path) -> Path:
    """A program that is run as this Python, and is none of an environment's."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f'#!/bin/sh\nexec {sys.executable} "$@"\n')
    path.chmod(0o755)
    return path


def shown_by(tmp_path: Path, interpreter: str) -> tuple[int, str]:
    env = {"PATH": f"{tmp_path / 'bin'}{os.pathsep}{os.environ['PATH']}"}
    done = wheelhouse("target", "show", "--interpreter", interpreter, cwd=tmp_path, env=env)
    return done.returncode, done.stdout + done.stderr


@pytest.mark.parametrize("bin_", ["bin", "a b ü"])
def test_an_interpreter_is_named_as_to_a_shell(tmp_path: Path, bin_: str) -> None:
    """A bare name is one of PATH, whatever lies in the folder; with a slash it is a path."""
    python_at(tmp_path / "bin" / "python-of-path")
    python_at(tmp_path / bin_ / "python")
    wrong = python_at(tmp_path / "python-of-path")
    wrong.write_text("#!/bin/sh\necho wrong >&2; exit 3\n")
    assert shown_by(tmp_path, "python-of-path")[0] == 0
    assert shown_by(tmp_path, f"{bin_}/python")[0] == 0
    assert shown_by(tmp_path, f"./{bin_}/python")[0] == 0
    code, said = shown_by(tmp_path, "./python-of-path")
    assert code == 6 and f"`{wrong}` did not report its version" in said


def test_a_name_that_is_not_on_path_is_said_to_be_that(tmp_path: Path) -> None:
    assert shown_by(tmp_path, "python3.99") == (
        6,
        "error: `python3.99` is not on PATH\nhint: give the path of a Python\n",
    )
    python_at(tmp_path / "python3.99")
    code, said = shown_by(tmp_path, "python3.99")
    assert code == 6 and "hint: write `./python3.99` for the file in this folder" in said


def test_a_python_found_here_is_asked_although_a_home_may_not_be_read(tmp_path: Path) -> None:
    """HOME may be root's, after sudo; PYENV_ROOT, too."""
    target = interpreter_of(facts_of(Path(sys.executable))).target
    good = python_at(tmp_path / "pyenv" / "versions" / target.python.minor / "bin" / "python")
    for closed in (tmp_path / "closed", good):  # a file in the place of a folder is another
        closed.exists() or closed.mkdir(mode=0)
        places = InterpreterPlaces(str(good.parent), closed, closed)
        assert find_interpreter(target, (), places).target == target
    assert find_interpreter(target, (), InterpreterPlaces("", None, tmp_path / "pyenv")).target == target
    assert list(InterpreterPlaces("", None, None).candidates(target.python.minor)) == []
