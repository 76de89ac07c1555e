"""Reasons are facts: they survive a lock file, and no sentence decides anything."""

from collections.abc import Iterator
from dataclasses import fields, replace
from pathlib import Path
from types import ModuleType

import pytest
from packaging.version import Version

from tests.support.index import IndexServer
from tests.support.resolutions import TARGET
from tests.support.supplies import supplying
from tests.support.wheels import build_sdist, build_wheel
from wheelhouse.archive import reason_text as english
from wheelhouse.archive import reasons
from wheelhouse.archive.artifact import Artifact, Rejected
from wheelhouse.archive.reason_text import reason_text
from wheelhouse.archive.reasons import KEPT_IN_LOCKS, OtherWords, Reason, RequiresPython, UnreadableFormat, Yanked
from wheelhouse.errors import InputError, IntegrityError, NoSolutionError
from wheelhouse.lock import why
from wheelhouse.lock.lock import Inputs, Lock, Pin
from wheelhouse.lock.read_lock import parse_lock
from wheelhouse.lock.why import Fact
from wheelhouse.lock.write_lock import lock_toml
from wheelhouse.report.why_text import SENTENCES
from wheelhouse.resolve.requirements import parse_line
from wheelhouse.resolve.resolution import ResolutionRequest, ResolvedProject
from wheelhouse.resolve.search import resolve
from wheelhouse.resolve.selection import Selection

PIN = Pin(parse_line("a").project, Version("1"), Artifact("a-1-py3-none-any.whl", "0" * 64, 1))


def kinds_of(base: type, module: ModuleType) -> list[type]:
    return [
        kind for kind in vars(module).values() if isinstance(kind, type) and issubclass(kind, base) and kind is not base
    ]


def made(kind: type[Reason]) -> Reason:
    return kind(**{field.name: f"the {field.name} {{x}}" for field in fields(kind)})


def test_every_reason_has_a_text_with_all_its_details() -> None:
    for kind in kinds_of(Reason, reasons):
        text = reason_text(made(kind))
        hidden = {"old_pip_reads_it"}
        assert all(f"the {field.name} {{x}}" in text for field in fields(kind) if field.name not in hidden), kind


def test_every_fact_has_a_sentence() -> None:
    assert set(SENTENCES) == set(kinds_of(Fact, why))


@pytest.mark.parametrize("reason", [*map(made, KEPT_IN_LOCKS.values()), OtherWords("it was yanked: broken")])
def test_a_lock_file_keeps_a_reason(reason: Reason) -> None:
    pin = replace(
        PIN, rejected=(Rejected("b.whl", reason), Rejected("a.whl", reason)), passed_over=(Rejected("2", reason),)
    )
    text = lock_toml(Lock(TARGET, Inputs(("a",)), (pin,)), with_paths=True)
    again = parse_lock(text, "pylock.toml")
    assert set(again.pins[0].rejected) == set(pin.rejected) and again.pins[0].passed_over == pin.passed_over
    assert lock_toml(again, with_paths=True) == text


@pytest.fixture
def index(tmp_path: Path) -> Iterator[IndexServer]:
    with IndexServer() as server:
        server.add(build_wheel(tmp_path, "a", "5"), yanked="broken")
        server.add(build_wheel(tmp_path, "a", "4", requires_python=">=3.13"))
        server.add(build_wheel(tmp_path, "a", "3", tag="cp312-cp312-win_amd64"))
        server.add(build_sdist(tmp_path, "a", "2"))
        server.add(build_wheel(tmp_path, "a", "1"))
        yield server


def resolved(index: IndexServer, folder: Path, *requirements: str) -> ResolvedProject:
    selection = Selection(only_binary=frozenset(("a",)))
    request = ResolutionRequest(TARGET, tuple(map(parse_line, requirements)), selection=selection)
    with supplying(index, folder / "cache") as packages:
        return resolve(request, packages)[0]


def test_a_lock_file_whose_reason_lacks_a_detail_is_refused() -> None:
    pin = replace(PIN, rejected=(Rejected("a.tar.Z", UnreadableFormat(".tar.Z")),))
    text = lock_toml(Lock(TARGET, Inputs(("a",)), (pin,)), with_paths=True)
    with pytest.raises(InputError, match="the reason `unreadable-format` lacks its detail `suffix`"):
        parse_lock(text.replace('suffix = ".tar.Z"', ""), "pylock.toml")


def test_no_sentence_decides(index: IndexServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    before = resolved(index, tmp_path, "a")
    monkeypatch.setattr(english, "TEXTS", dict.fromkeys(english.TEXTS, "?"))
    assert resolved(index, tmp_path, "a") == before
    assert [str(version) for version in before.skipped] == ["3", "2"]
    assert before.passed_over == (
        Rejected("5", Yanked("broken")),
        Rejected("4", RequiresPython(">=3.13", str(TARGET.python.version))),
    )
    with pytest.raises(IntegrityError, match=r"\(a 1: \?\)$"):
        resolved(index, tmp_path, f"a==1 --hash=sha256:{'0' * 64}")
    with pytest.raises(NoSolutionError, match=r"\(a 5: \?\)$"):
        resolved(index, tmp_path, "a>4")
