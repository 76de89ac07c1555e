"""The facts of one file: where its members are installed, its modules, scripts and entry points."""

from collections.abc import Mapping

from packaging.utils import canonicalize_name
from packaging.version import Version

from wheelhouse.archive.artifact import Artifact
from wheelhouse.archive.metadata import InspectedFile, Metadata
from wheelhouse.archive.native_code import Native
from wheelhouse.lock.lock import Pin
from wheelhouse.vet.facts import (
    MAX_SBOM_BYTES,
    MAX_TEXT_BYTES,
    NATIVE_KINDS,
    Entry,
    Facts,
    Inside,
    SourceCounts,
    installed,
    text_limit,
)

WHEEL, SDIST = "odd-1.0-py3-none-any.whl", "odd-1.0.tar.gz"
INFO = "odd-1.0.dist-info"


def facts(*names: str, filename: str = WHEEL, texts: Mapping[str, str] = {}) -> Facts:
    pin = Pin(canonicalize_name("odd"), Version("1.0"), Artifact(filename, "0" * 64, 1))
    return Facts(pin, inside=Inside(tuple(Entry(name, 1) for name in names), texts))


def test_a_file_without_more_is_plain() -> None:
    plain = facts()
    assert plain == Facts(plain.pin, (), "", None, Inside((), {}, {}, {}, (), SourceCounts(0, 0, 0)), None, None)
    assert (plain.subject, plain.metadata, plain.header("name")) == (WHEEL, None, "")
    assert (plain.project, plain.version, plain.filename) == ("odd", Version("1.0"), WHEEL)
    assert Entry("a", 1) == Entry("a", 1, False, "", "", None) and Entry("a", 1).needs == ()
    assert Entry("a", 1, native=Native("x86_64", ("libc.so.6",))).needs == ("libc.so.6",)
    assert {"elf", "pe", "macho"} == NATIVE_KINDS


def test_a_file_has_its_place_its_metadata_and_the_first_value_of_a_header() -> None:
    made = facts(f"{INFO}/METADATA", texts={"a": "b"})
    metadata = Metadata(made.project, made.version)
    inside = Inside(made.entries, made.texts, {"author": ("Ada", "Bob")})
    opened = Facts(made.pin, (), "tools/", InspectedFile(b"", metadata), inside)
    assert (opened.subject, opened.metadata, opened.texts) == (f"tools/{WHEEL}", metadata, {"a": "b"})
    assert (opened.header("Author"), opened.header("licence")) == ("Ada", "")


def test_the_metadata_folder_is_the_one_with_metadata_at_the_top() -> None:
    assert facts("odd/x", "x-1.dist-info/RECORD", f"{INFO}/METADATA").dist_info == INFO
    for name in (f"odd/{INFO}/METADATA", f"{INFO}/METADATA.json", f"{INFO}/METADATA/x", "METADATA"):
        assert facts(name).dist_info == ""


PLACES = {
    "odd/a.py": "odd/a.py",
    "odd-1.data/purelib/odd/a.py": "odd/a.py",
    "odd-1.data/platlib/a.so": "a.so",
    "odd-1.data/scripts/run": "@scripts/run",
    "odd-1.data/headers/odd.h": "@headers/odd.h",
    "odd-1.data/data/share/x": "@data/share/x",
    "odd-1.data/data/lib/python3.12/site-packages/a.py": "a.py",
    "odd-1.data/data/local/lib64/pypy3.10/dist-packages/odd/a.py": "odd/a.py",
    "odd-1.data/data/Lib/Site-Packages/a.py": "a.py",
    "odd-1.data/data/lib/python3.13t/site-packages/a.py": "a.py",
    "odd-1.data/data/x/lib/site-packages/a.py": "@data/x/lib/site-packages/a.py",
    "odd-1.data/scripts/lib/site-packages/a.py": "@scripts/lib/site-packages/a.py",
    "odd/odd-1.data/purelib/a.py": "odd/odd-1.data/purelib/a.py",
    "odd-1.data/purelib": "odd-1.data/purelib",
}


def test_a_member_is_installed_by_its_scheme() -> None:
    assert {name: installed(name) for name in PLACES} == PLACES


def test_a_wheel_installs_all_files_but_its_metadata() -> None:
    names = ("odd/", "odd/a.py", f"{INFO}/METADATA", f"{INFO}/RECORD", "x-1.dist-info/a", "odd-1.0.data/scripts/run")
    places = {"odd/a.py": "odd/a.py", "x-1.dist-info/a": "x-1.dist-info/a", "@scripts/run": "odd-1.0.data/scripts/run"}
    assert {path: entry.name for path, entry in facts(*names).installs.items()} == places
    assert facts(*names, filename=SDIST).installs == {}


def test_pth_files_are_those_at_the_top_of_a_wheel_with_their_text() -> None:
    names = ("odd/x.pth", "a.pth", "odd-1.0.data/purelib/b.pth", "odd-1.0.data/scripts/c.pth", "d.pth.txt")
    made = facts(*names, texts={"a.pth": "import a", "odd/x.pth": "x"})
    assert [(entry.name, text) for entry, text in made.pth_files] == [("a.pth", "import a"), (names[2], "")]
    assert [*facts(*names, filename=SDIST).pth_files] == []


def test_modules_at_the_top_have_the_form_that_python_takes_first() -> None:
    forms: dict[tuple[str, ...], dict[str, str]] = {
        ("odd/__init__.py",): {"odd": "package"},
        ("odd/__init__.cpython-312-x86_64-linux-gnu.so",): {"odd": "package"},
        ("odd/__init__.pyc",): {"odd": "package"},
        ("odd.so",): {"odd": "library"},
        ("odd.cp312-win_amd64.pyd",): {"odd": "library"},
        ("odd.py",): {"odd": "module"},
        ("odd.pyc",): {"odd": "module"},
        ("odd/a.py", "odd/b/c.so"): {"odd": "folder"},
        ("odd.py", "odd/a.py", "odd/__init__.py", "odd.so"): {"odd": "package"},
        ("odd/a.py", "odd.so", "odd.py"): {"odd": "library"},
        ("odd.py", "odd/a.py"): {"odd": "module"},
        ("odd-1.0.data/scripts/run.py", "odd/data.json", "a-b/c.py", "b.py", "odd.pyx", "odd/__init__.pyi"): {
            "b": "module"
        },
        ("odd-1.0.data/purelib/a.py", "x/y/z.pyd"): {"a": "module", "x": "folder"},
    }
    assert {names: facts(*names).top_modules for names in forms} == forms
    assert facts("odd-1.0/odd.py", filename=SDIST).top_modules == {}


def test_scripts_are_those_in_the_folders_of_path() -> None:
    names = ("scripts/b", "data/bin/a", "data/Scripts/c.exe", "scripts/deep/b", "data/share/d", "headers/e")
    made = facts(*(f"odd-1.0.data/{name}" for name in names), "scripts/f")
    assert made.scripts == ("b", "a", "c.exe")
    assert made.commands == ("b", "a", "c.exe")


ENTRY_POINTS = """
early = odd:early
[gui_scripts]
 win = odd:win
[ console_scripts ]
# comment = odd:no
; comment = odd:no
a = odd:a [x=1]
b=odd:old
b = odd:b
words
[group]
c = odd.c
win = odd:other
"""


def test_entry_points_are_read_by_group() -> None:
    made = facts(
        *(f"{INFO}/METADATA", "odd-1.0.data/scripts/b", "odd-1.0.data/scripts/z"),
        texts={f"{INFO}/entry_points.txt": ENTRY_POINTS, "other/entry_points.txt": "[console_scripts]\nx = y\n"},
    )
    assert made.entry_point_groups == {
        "": {"early": "odd:early"},
        "gui_scripts": {"win": "odd:win"},
        "console_scripts": {"a": "odd:a [x=1]", "b": "odd:b"},
        "group": {"c": "odd.c", "win": "odd:other"},
    }
    assert made.entry_points == {"a": "odd:a [x=1]", "b": "odd:b", "win": "odd:win"}
    assert made.commands == ("a", "b", "win", "z")
    assert facts().entry_point_groups == {} == facts().entry_points


def test_a_bill_of_materials_may_be_longer_than_other_texts() -> None:
    limits = {f"{INFO}/sboms/a.json": MAX_SBOM_BYTES, f"{INFO}/a.json": MAX_TEXT_BYTES, "sboms/a": MAX_TEXT_BYTES}
    assert {name: text_limit(name) for name in limits} == limits
