"""The seccomp filter that the package holds is the one that its source makes, and answers each call as it should."""

import os
import struct
from pathlib import Path

import pytest

from wheelhouse.sandbox import seccomp
from wheelhouse.sandbox.seccomp import (
    ALLOW,
    ARCHITECTURES,
    ENOSYS,
    EPERM,
    ERRNO,
    FAMILIES,
    KILL_PROCESS,
    NUMBERS,
    assemble,
)

FILTER = Path(seccomp.__file__).with_name("seccomp.bpf")
NEWUSER, THREAD, X32 = 0x10000000, 0x3D0F00, 0x40000000
I386 = 0x40000003


def answer(program: bytes, audit: int, number: int, *arguments: int) -> int:
    """What a filter returns for a system call: a simulator of the instructions that it uses."""
    six = [*arguments, 0, 0, 0, 0, 0, 0][:6]
    data = struct.pack("<IIQ6Q", number, audit, 0, *(argument & (1 << 64) - 1 for argument in six))
    instructions = list(struct.iter_unpack("<HBBI", program))
    place, accumulator = 0, 0
    while True:
        code, if_true, if_false, value = instructions[place]
        place += 1
        if code == 0x06:
            return value
        if code == 0x20:
            (accumulator,) = struct.unpack_from("<I", data, value)
            continue
        holds = {0x15: accumulator == value, 0x35: accumulator >= value, 0x45: bool(accumulator & value)}[code]
        place += if_true if holds else if_false


def test_the_data_is_what_the_source_makes() -> None:
    """After a change: WHEELHOUSE_UPDATE_GOLDEN=1."""
    if os.environ.get("WHEELHOUSE_UPDATE_GOLDEN"):
        FILTER.write_bytes(assemble())
    assert FILTER.read_bytes() == assemble()


@pytest.mark.parametrize("machine", ARCHITECTURES)
def test_each_call_is_answered_as_listed(machine: str) -> None:
    known, program = ARCHITECTURES[machine], FILTER.read_bytes()
    answers = {name: answer(program, known.audit, known.number(name)) for name in NUMBERS}
    refused = {name for name, value in answers.items() if value == ERRNO | EPERM}
    assert refused == set(seccomp.REFUSED)
    assert {name for name, value in answers.items() if value == ERRNO | ENOSYS} == {"clone3"}
    assert answers["memfd_create"] == answers["clone"] == ALLOW
    others = set(range(500)) - {known.number(name) for name in NUMBERS}
    assert {answer(program, known.audit, number) for number in others} == {ALLOW}


@pytest.mark.parametrize("machine", ARCHITECTURES)
@pytest.mark.parametrize("call", ["socket", "socketpair"])
def test_only_four_families_make_sockets(machine: str, call: str) -> None:
    known, program = ARCHITECTURES[machine], FILTER.read_bytes()
    allowed = {family for family in range(64) if answer(program, known.audit, known.number(call), family, 1) == ALLOW}
    assert allowed == set(FAMILIES.values())
    assert answer(program, known.audit, known.number(call), 40 | 1 << 32) == ERRNO | 97


@pytest.mark.parametrize("machine", ARCHITECTURES)
def test_processes_and_threads_are_made_and_namespaces_are_not(machine: str) -> None:
    known, program = ARCHITECTURES[machine], FILTER.read_bytes()
    clone = known.number("clone")
    assert answer(program, known.audit, clone, 17) == answer(program, known.audit, clone, THREAD) == ALLOW
    for flag in (0x20000, 0x2000000, 0x4000000, 0x8000000, NEWUSER, 0x20000000, 0x40000000):
        assert answer(program, known.audit, clone, flag | 17) == ERRNO | EPERM


def test_other_architectures_and_x32_are_refused() -> None:
    program, known = FILTER.read_bytes(), ARCHITECTURES["x86_64"]
    assert answer(program, I386, 20) == KILL_PROCESS
    assert answer(program, known.audit, X32 | 39) == ERRNO | ENOSYS
