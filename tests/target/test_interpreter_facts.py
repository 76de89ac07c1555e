"""The script that another Python runs, called in this one; and what follows from its facts."""

import os
import platform
import struct
import sys
import sysconfig
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from tests.target.test_interpreters import MAC, PYPY, WINDOWS, facts
from wheelhouse.errors import MachineError
from wheelhouse.target import interpreter_facts, interpreters
from wheelhouse.target.interpreter_facts_model import InterpreterFacts, target_of
from wheelhouse.target.interpreters import (
    Interpreter,
    InterpreterPlaces,
    facts_of,
    find_interpreter,
    interpreter_of,
    named_interpreter,
    read_facts,
)
from wheelhouse.target.target import Platform, Python, Target

LOADER = "/lib/ld-musl-armhf.so.1"


def elf(*, wide: bool, order: str, machine: int, flags: int, loader: str | None) -> bytes:
    """An ELF header and two program headers, of which the second names the loader."""
    entry_size, start, text_at = (56, 64, 256) if wide else (32, 52, 256)
    ident = b"\x7fELF" + bytes([2 if wide else 1, 1 if order == "<" else 2, 1]) + bytes(9)
    sizes = (64 if wide else 52, entry_size, 2 if loader is not None else 1, 0, 0, 0)
    header = ident + struct.pack(
        order + ("HHIQQQIHHHHHH" if wide else "HHIIIIIHHHHHH"), 2, machine, 1, 77, start, 99, flags, *sizes
    )
    length = len((loader or "").encode()) + 1
    if wide:
        entries = [struct.pack(order + "IIQQQQQQ", kind, 5, text_at, 1, 1, length, 9, 1) for kind in (6, 3)]
    else:
        entries = [struct.pack(order + "IIIIIIII", kind, text_at, 1, 1, length, 9, 5, 1) for kind in (6, 3)]
    raw = header + b"".join(entries[: sizes[2]])
    return raw.ljust(text_at, b"\xff") + (loader or "").encode() + b"\0" + b"trailing"


@pytest.fixture
def executable(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The file that `sys.executable` names."""
    monkeypatch.setattr(interpreter_facts, "sys", SimpleNamespace(executable=str(tmp_path / "python")))
    return tmp_path / "python"


@pytest.mark.parametrize("wide", [True, False])
@pytest.mark.parametrize("order", ["<", ">"])
@pytest.mark.parametrize("loader", [LOADER, "", None])
def test_an_elf_header_is_read_in_every_form(executable: Path, wide: bool, order: str, loader: str | None) -> None:
    executable.write_bytes(elf(wide=wide, order=order, machine=40, flags=0x05000400, loader=loader))
    expected = (64 if wide else 32, order, 40, 0x05000400, loader or "")
    assert interpreter_facts.elf_header() == expected


@pytest.mark.parametrize(("at", "value"), [(0, 0x7E), (3, 0x45), (4, 0), (4, 3), (5, 0), (5, 3)])
def test_what_is_no_elf_has_no_header(executable: Path, at: int, value: int) -> None:
    raw = bytearray(elf(wide=True, order="<", machine=62, flags=0, loader=LOADER))
    raw[at] = value
    executable.write_bytes(raw)
    assert interpreter_facts.elf_header() is None


@pytest.mark.parametrize(
    ("output", "version"),
    [
        ("musl libc (armhf)\nVersion 1.2.4\nDynamic Program Loader\n", "1.2"),
        ("\n  musl libc (armhf)\n\n Version 1.10\n", "1.10"),
        ("musl libc\n", None),
        ("", None),
        ("other libc\nVersion 1.2\n", None),
        ("musl libc\nRelease 1.2\n", None),
        ("musl libc\nis Version 1.2\n", None),
        ("musl libc\nabout\nVersion 1.2\n", None),
    ],
)
def test_the_version_of_musl_is_what_its_loader_prints(
    monkeypatch: pytest.MonkeyPatch, output: str, version: str | None
) -> None:
    commands: list[list[str]] = []

    def run(command: list[str], **options: Any) -> SimpleNamespace:
        commands.append(command)
        assert options["stderr"] == -1 and options["universal_newlines"] and not options["check"]
        return SimpleNamespace(stderr=output)

    monkeypatch.setattr(interpreter_facts.subprocess, "run", run)
    assert interpreter_facts.musl((32, "<", 40, 0, LOADER)) == version
    assert commands == [[LOADER]]


def test_only_a_loader_of_musl_is_run(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(interpreter_facts.subprocess, "run", lambda *_, **__: pytest.fail("it was run"))
    assert interpreter_facts.musl(None) is None
    assert interpreter_facts.musl((64, "<", 62, 0, "/lib64/ld-linux-x86-64.so.2")) is None


@pytest.mark.parametrize(
    ("answer", "version"),
    [("glibc 2.36", "2.36"), ("glibc 2.100.1", "2.100"), ("NPTL 2.36", None), ("my glibc 2.36", None), (None, None)],
)
def test_the_version_of_glibc(monkeypatch: pytest.MonkeyPatch, answer: str | None, version: str | None) -> None:
    monkeypatch.setattr(os, "confstr", lambda name: answer if name == "CS_GNU_LIBC_VERSION" else pytest.fail(name))
    assert interpreter_facts.glibc() == version


@pytest.mark.parametrize("error", [OSError, ValueError, AttributeError])
def test_a_system_without_that_name_has_no_glibc(monkeypatch: pytest.MonkeyPatch, error: type[Exception]) -> None:
    def fail(_: str) -> str:
        raise error

    monkeypatch.setattr(os, "confstr", fail)
    assert interpreter_facts.glibc() is None


@pytest.mark.parametrize(
    ("level", "serial", "text"), [("final", 0, "3.15.2"), ("beta", 1, "3.15.2b1"), ("alpha", 12, "3.15.2a12")]
)
def test_the_version_of_an_implementation(monkeypatch: pytest.MonkeyPatch, level: str, serial: int, text: str) -> None:
    version = SimpleNamespace(major=3, minor=15, micro=2, releaselevel=level, serial=serial)
    monkeypatch.setattr(interpreter_facts.sys, "implementation", SimpleNamespace(version=version))
    assert interpreter_facts.implementation_version() == text


HARD = (32, "<", 40, 0x05000400, "")


@pytest.mark.parametrize(
    ("header", "hard"),
    [
        (HARD, True),
        ((32, "<", 40, 0x05FFFFFF, ""), True),
        ((32, "<", 40, 0x05000000, ""), False),
        ((32, "<", 40, 0x04000400, ""), False),
        ((64, "<", 40, 0x05000400, ""), False),
        ((32, ">", 40, 0x05000400, ""), False),
        ((32, "<", 41, 0x05000400, ""), False),
        (None, False),
    ],
)
def test_what_pep_600_calls_hard_float(
    monkeypatch: pytest.MonkeyPatch, header: tuple[int, str, int, int, str] | None, hard: bool
) -> None:
    monkeypatch.setattr(interpreter_facts, "elf_header", lambda: header)
    assert interpreter_facts.facts()["arm_hard_float"] is hard


@pytest.mark.parametrize(
    ("variables", "expected"),
    [
        ({}, {"debug": False, "free_threaded": False, "pymalloc": True, "ext_suffix": ""}),
        (
            {"Py_DEBUG": 1, "WITH_PYMALLOC": 0, "Py_GIL_DISABLED": 1, "EXT_SUFFIX": ".so"},
            {"debug": True, "free_threaded": True, "pymalloc": False, "ext_suffix": ".so"},
        ),
        (
            {"Py_DEBUG": 0, "WITH_PYMALLOC": 1, "Py_GIL_DISABLED": 0},
            {"debug": False, "free_threaded": False, "pymalloc": True},
        ),
    ],
)
def test_facts_from_the_configuration(
    monkeypatch: pytest.MonkeyPatch, variables: dict[str, object], expected: dict[str, object]
) -> None:
    monkeypatch.setattr(sysconfig, "get_config_var", variables.get)
    found = interpreter_facts.facts()
    assert {name: found[name] for name in expected} == expected


@pytest.mark.parametrize("sign", ["gettotalrefcount", "_d.pyd"])
def test_a_debug_build_without_the_variable_is_known_by_its_signs(monkeypatch: pytest.MonkeyPatch, sign: str) -> None:
    monkeypatch.setattr(sysconfig, "get_config_var", lambda _: None)
    if sign == "_d.pyd":
        monkeypatch.setattr(interpreter_facts.importlib.machinery, "EXTENSION_SUFFIXES", [".so", sign])
    else:
        monkeypatch.setattr(sys, sign, lambda: 0, raising=False)
    assert interpreter_facts.facts()["debug"] is True


def test_facts_of_the_system(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(platform, "system", lambda: "Darwin")
    monkeypatch.setattr(platform, "mac_ver", lambda: ("14.4.1", ("", "", ""), "arm64"))
    monkeypatch.setattr(interpreter_facts, "elf_header", lambda: pytest.fail("Linux alone has ELF files"))
    monkeypatch.setattr(sys, "_base_executable", "/bin/sh", raising=False)
    found = interpreter_facts.facts()
    assert found["macos"] == ["14.4.1", "arm64"] and found["executable"] == os.path.realpath("/bin/sh")
    assert found["version"] == sys.version_info[:2] and found["platform"] == sysconfig.get_platform()
    assert found["prefixes"] == sorted({sys.base_prefix, sys.base_exec_prefix})
    monkeypatch.setattr(sys, "_base_executable", None, raising=False)
    assert interpreter_facts.facts()["executable"] == os.path.realpath(sys.executable)


@pytest.mark.parametrize(("maxsize", "bits"), [(2**31 - 1, 32), (2**32, 32), (2**32 + 1, 64), (2**63 - 1, 64)])
def test_the_size_of_a_pointer(monkeypatch: pytest.MonkeyPatch, maxsize: int, bits: int) -> None:
    monkeypatch.setattr(sys, "maxsize", maxsize)
    assert interpreter_facts.facts()["bits"] == bits


# What follows from the facts


@pytest.mark.parametrize(
    ("changes", "abis"),
    [
        ({"version": (3, 7)}, ["cp37m"]),
        ({"version": (3, 7), "pymalloc": False}, ["cp37"]),
        ({"version": (3, 7), "debug": True}, ["cp37dm"]),
        ({"version": (3, 8), "debug": True}, ["cp38d", "cp38"]),
        ({"version": (3, 8), "pymalloc": False}, ["cp38"]),
        ({"version": (3, 13), "free_threaded": True, "debug": True}, ["cp313td", "cp313t"]),
    ],
)
def test_the_abis_of_a_cpython(changes: dict[str, Any], abis: list[str]) -> None:
    version = ".".join(map(str, changes["version"]))
    markers = {
        "python_version": version,
        "python_full_version": f"{version}.0",
        "implementation_version": f"{version}.0",
    }
    tags = target_of(facts(markers=markers, glibc="2.36", **changes)).tags
    own = dict.fromkeys(tag.abi for tag in tags if tag.abi.startswith("cp"))
    assert list(own) == abis


@pytest.mark.parametrize(
    ("suffix", "abi"),
    [
        (".pypy310-pp73-x86_64-linux-gnu.so", "pypy310_pp73"),
        (".graalpy230-310-native-x86_64-linux.so", "graalpy230_310_native"),
        (".odd-1-2-3.so", "odd_1_2_3"),
        (".so", "none"),
        ("", "none"),
    ],
)
def test_the_abi_of_another_python(suffix: str, abi: str) -> None:
    assert target_of(facts(markers=PYPY, ext_suffix=suffix, glibc="2.36")).tags[0].abi == abi


@pytest.mark.parametrize(
    ("changes", "platforms"),
    [
        ({"glibc": "2.6"}, ["manylinux_2_6_x86_64", "manylinux_2_5_x86_64", "manylinux1_x86_64", "linux_x86_64"]),
        ({"glibc": "2.4"}, ["linux_x86_64"]),
        ({"glibc": "2.4", "musl": "1.1"}, ["musllinux_1_1_x86_64", "musllinux_1_0_x86_64", "linux_x86_64"]),
        ({"musl": "1.0.5"}, ["musllinux_1_0_x86_64", "linux_x86_64"]),
        (
            {"platform": "linux-armv7l", "bits": 32, "glibc": "2.36", "musl": "1.0"},
            ["musllinux_1_0_armv7l", "linux_armv7l"],
        ),
        ({"platform": "linux-aarch64", "bits": 32, "glibc": "2.36"}, ["linux_armv8l"]),
        (
            {"platform": "linux-i686", "bits": 32, "glibc": "2.5"},
            ["manylinux_2_5_i686", "manylinux1_i686", "linux_i686"],
        ),
        ({"markers": WINDOWS, "platform": "win-amd64"}, ["win_amd64"]),
        ({"markers": {**WINDOWS, "platform_system": "Odd OS"}, "platform": "odd os-1.2-x"}, ["odd_os_1_2_x"]),
        ({"markers": MAC, "macos": ("11.7.1", "arm64")}, list(Platform.parse("macosx_11_0_arm64").tags)),
    ],
)
def test_the_platforms_of_an_interpreter(changes: dict[str, Any], platforms: list[str]) -> None:
    assert list(target_of(facts(**changes)).platform.tags) == platforms


# Which interpreter is taken


def here() -> InterpreterFacts:
    return facts(glibc="2.36", executable="/opt/python", prefixes=("/opt",))


def test_an_interpreter_has_no_release_of_this_kernel() -> None:
    interpreter = interpreter_of(here())
    assert interpreter.path == Path("/opt/python") and interpreter.prefixes == (Path("/opt"),)
    assert interpreter.target.environment["platform_release"] == ""
    assert interpreter.target == Target.of(Python.parse("3.12.4"), Platform.parse("manylinux_2_36_x86_64"))


def test_a_sandbox_shows_the_parts_of_each_prefix_that_exist(tmp_path: Path) -> None:
    for part in ("bin", "include", "lib", "lib64", "share"):
        (tmp_path / "own" / part).mkdir(parents=True)
    (tmp_path / "bare").mkdir()
    prefixes = tuple(map(str, (tmp_path / "own", tmp_path / "bare", "/usr", "/")))
    parts = [str(tmp_path / "own" / part) for part in ("bin", "include", "lib", "lib64")]
    assert list(interpreter_of(facts(glibc="2.36", prefixes=prefixes)).shown) == parts


def test_an_interpreter_is_asked_in_isolation(monkeypatch: pytest.MonkeyPatch) -> None:
    calls: list[tuple[list[str], dict[str, Any]]] = []

    def run(command: list[str], **options: Any) -> SimpleNamespace:
        calls.append((command, options))
        return SimpleNamespace(stdout=b"{}", returncode=3, stderr="\n".join("abcdä").encode())

    monkeypatch.setattr(interpreters.subprocess, "run", run)
    with pytest.raises(
        MachineError, match="`python` did not report its version and platform: it ended with code 3"
    ) as caught:
        facts_of(Path("python"))
    assert caught.value.details == ("c", "d", "ä") and caught.value.hint
    ((command, options),) = calls
    assert command == ["python", "-I", "-S", "-B", interpreter_facts.__file__]
    assert options["env"] == {"LC_ALL": "C", "SYSTEM_VERSION_COMPAT": "0"} and options["timeout"] == 60
    assert options["capture_output"] and not options["check"]


def test_facts_that_are_no_text_are_an_error() -> None:
    with pytest.raises(MachineError, match="code 0"):
        read_facts(b"\xff", "python", 0, b"\xff")


def test_a_bare_name_is_one_of_path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    program = tmp_path / "bin" / "python9"
    program.parent.mkdir()
    program.touch(mode=0o755)
    assert named_interpreter("python9", str(program.parent)) == program
    assert named_interpreter("python9", "bin") == program
    assert named_interpreter("bin/python9", "") == program
    with pytest.raises(MachineError, match="`python8` is not on PATH") as caught:
        named_interpreter("python8", str(program.parent))
    assert caught.value.hint == "give the path of a Python"
    (tmp_path / "python8").touch()
    with pytest.raises(MachineError) as caught:
        named_interpreter("python8", str(program.parent))
    assert caught.value.hint == "write `./python8` for the file in this folder"


def test_the_first_interpreter_that_fits_is_taken(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    by_name: dict[str, InterpreterFacts | Exception] = {
        "broken": MachineError("it is broken"),
        "arm": facts(platform="linux-aarch64", markers={"platform_machine": "aarch64"}, glibc="2.36"),
        "good": here(),
    }

    def ask(path: Path) -> InterpreterFacts:
        answer = by_name[path.name]
        if isinstance(answer, Exception):
            raise answer
        return answer

    monkeypatch.setattr(interpreters, "facts_of", ask)
    target = Target.of(Python.parse("3.12"), Platform.parse("linux/amd64"))
    nowhere = InterpreterPlaces(str(tmp_path), None, None)
    interpreter = find_interpreter(target, [Path("broken"), Path("arm"), Path("good")], nowhere)
    assert isinstance(interpreter, Interpreter) and interpreter.path == Path("/opt/python")
    with pytest.raises(MachineError, match=f"no interpreter was found for {target.name}") as caught:
        find_interpreter(target, [Path("broken"), Path("arm")], nowhere)
    assert caught.value.details == (
        "broken: it is broken",
        "arm: it runs on aarch64, but the target runs on x86_64",
    )
    assert caught.value.hint and "--in-image python:3.12" in caught.value.hint
    with pytest.raises(MachineError) as caught:
        find_interpreter(target, (), nowhere)
    assert caught.value.details == ()
