"""How .pth files are read, against what site.py itself does with the same bytes."""

import site
import subprocess
import sys
from contextlib import suppress
from pathlib import Path

import pytest

from tests.support.pythons import find_python
from tests.support.wheels import build_wheel
from tests.vet.test_rules import DISTUTILS, NSPKG, facts_of, rules_of
from wheelhouse.vet.pth import is_setuptools_line, pth_code_lines, pth_folders

FLAG = "import sys; sys.ran = True"
RUNS_SOMEWHERE = {
    "plain": FLAG.encode(),
    "tab": FLAG.replace(" ", "\t", 1).encode(),
    "mark": b"\xef\xbb\xbf" + FLAG.encode(),
    "form feed": f"# comment\x0c{FLAG}\n".encode(),
    "next line": f"# comment\x85{FLAG}\n".encode(),
    "next line in Latin-1": b"# comment\x85" + FLAG.encode(),
    "line separator": f"# comment\u2028{FLAG}\n".encode(),
    "carriage return": f"# comment\r{FLAG}\r".encode(),
    "not UTF-8": b"# \xff\n" + FLAG.encode(),
    "begins as a library": b"\x7fELF\n" + FLAG.encode(),
    "after a known line": (DISTUTILS.rstrip() + f"\x0c{FLAG}\n").encode(),
}
RUNS_NOWHERE = {
    "comment": f"# {FLAG}\n".encode(),
    "indented": f" {FLAG}\n".encode(),
    "folder": b"importlib\n",
    "from": b"from os import path\n",
}
ADDPACKAGE = "import site, sys; sys.ran = False; site.addpackage(sys.argv[1], 'x.pth', set()); print(sys.ran)"


def code_lines(data: bytes, folder: Path) -> list[str]:
    """The lines that are code in the .pth file of a wheel, as `vet` reads them."""
    facts = facts_of(build_wheel(folder, "odd", "1.0", files={"odd.pth": data}))
    return [line for line in pth_code_lines(facts.texts["odd.pth"]) if not is_setuptools_line(line)]


@pytest.mark.parametrize("data", RUNS_SOMEWHERE.values(), ids=RUNS_SOMEWHERE)
def test_what_some_python_runs_is_code(tmp_path: Path, data: bytes) -> None:
    assert code_lines(data, tmp_path)


@pytest.mark.parametrize("data", RUNS_NOWHERE.values(), ids=RUNS_NOWHERE)
def test_what_no_python_runs_is_no_code(tmp_path: Path, data: bytes) -> None:
    assert not code_lines(data, tmp_path)


@pytest.mark.parametrize("data", {**RUNS_SOMEWHERE, **RUNS_NOWHERE}.values(), ids={**RUNS_SOMEWHERE, **RUNS_NOWHERE})
def test_this_python_runs_nothing_that_is_not_found(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, data: bytes
) -> None:
    monkeypatch.setattr(sys, "path", [])
    monkeypatch.setattr(sys, "ran", False, raising=False)
    (tmp_path / "x.pth").write_bytes(data)
    with suppress(UnicodeDecodeError):  # it is in another encoding than this locale's
        site.addpackage(str(tmp_path), "x.pth", set())
    if sys.ran:  # type: ignore[attr-defined]
        assert code_lines(data, tmp_path)


@pytest.mark.interpreters
@pytest.mark.parametrize("version", ["3.7", "3.8", "3.9", "3.10", "3.11", "3.12", "3.13"])
def test_no_python_runs_what_is_not_found(tmp_path: Path, version: str) -> None:
    python, ran = find_python(version), set()
    if python is None:
        pytest.skip(f"there is no Python {version}")
    for name, data in {**RUNS_SOMEWHERE, **RUNS_NOWHERE}.items():
        (tmp_path / "x.pth").write_bytes(data)
        command = [str(python), "-X", "utf8", "-c", ADDPACKAGE, str(tmp_path)]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        if done.stdout.strip() == "True":
            ran.add(name)
    assert "plain" in ran
    assert not ran & RUNS_NOWHERE.keys()


@pytest.mark.parametrize("separator", ["\x0c", "\x1c", "\x85", "\u2028"])
def test_code_behind_a_known_line_is_not_known(separator: str) -> None:
    """Up to Python 3.12 it is one line, and runs whole; since 3.13 the rest is a line of its own."""
    lines = pth_code_lines(NSPKG.rstrip() + f"{separator};evil()")
    assert [line for line in lines if not is_setuptools_line(line)]


LINES: dict[str, tuple[list[str], list[str]]] = {
    "import a\nimport\tb\nfolder\n": (["import a", "import\tb"], ["folder"]),
    "\ufeffimport a\r\nimport b\rimport c": (["import a", "import b", "import c"], []),
    "import a\ufeff\n": (["import a\ufeff"], []),
    "import a\x0cfolder\n": (["import a", "import a\x0cfolder"], ["folder"]),
    "\ufefffolder\n": ([], ["folder"]),
    " folder \t\n\n  \n": ([], [" folder"]),
    "# import a\n#folder\n #folder\n": ([], [" #folder"]),
    "importlib\nimport\n": ([], ["importlib", "import"]),
    "one\r\ntwo\rthree\n": ([], ["one", "two", "three"]),
}
"""By text: its lines of code, and its folders."""


def test_lines_of_code_and_folders_are_told_apart() -> None:
    for text, (code, folders) in LINES.items():
        assert (pth_code_lines(text), pth_folders(text)) == (code, folders), text


P = "import sys, types, os;p = os.path.join(sys._getframe(1).f_locals['sitedir'], *('a', 'b.c',));"
END = "mp = (m or []) and m.__dict__.setdefault('__path__',[]);(p not in mp) and mp.append(p)"
THIRD = (
    f"{P}ie = os.path.exists(os.path.join(p,'__init__.py'));"
    f"m = not ie and sys.modules.setdefault('a_1', types.ModuleType('a_1'));{END}"
)
FIRST = NSPKG.rstrip()
KNOWN = (
    FIRST,
    f"{FIRST};m and setattr(sys.modules['a'], 'b', m)",
    FIRST.replace("has_mfs = sys.version_info > (3, 5);", "").replace("has_mfs and ", ""),
    THIRD,
    DISTUTILS.rstrip(),
    DISTUTILS.rstrip("\n").replace("'local') ==", "'stdlib') ==").replace(".add_shim()", ""),
)


def test_each_line_of_setuptools_is_known_as_a_whole() -> None:
    for line in KNOWN:
        assert is_setuptools_line(line), line
        for other in (f"{line}x", f" {line}", line.replace("'", "-", 1), line.replace("os", "so")):
            assert not is_setuptools_line(other), other


def test_each_form_of_a_folder_is_read() -> None:
    assert pth_folders("\ufeffone\n# no\n\n/opt/two \nimport three\nfour\x0cfive\n") == [
        *("one", "/opt/two", "four", "five", "four\x0cfive")
    ]


def test_a_long_pth_file_is_reported_by_its_bytes(tmp_path: Path) -> None:
    """1.5 MiB of characters of three bytes are fewer than a Mi characters."""
    assert "pth-code" in rules_of(
        facts_of(build_wheel(tmp_path, "odd", "1.0", files={"odd.pth": "€".encode() * (1 << 19)}))
    )


def test_a_pth_file_without_a_stem_is_read(tmp_path: Path) -> None:
    assert "pth-code" in rules_of(facts_of(build_wheel(tmp_path, "odd", "1.0", files={".pth": FLAG.encode()})))
