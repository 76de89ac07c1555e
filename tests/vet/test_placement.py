"""The rules about paths, names and archives: each on what it is for, and on almost the same that it must not find."""

from itertools import product

import pytest

from tests.support.made_facts import made, observations
from wheelhouse.findings import Observation, observed
from wheelhouse.vet.facts import Entry, Facts

DECLARED = "__import__('pkg_resources').declare_namespace(__name__)"


def with_contents(name: str, *paths: str, size: int = 1, targets: tuple[str, ...] = ("cp312",)) -> Facts:
    """A wheel with members whose contents no other project has."""
    return made(name, *(Entry(path, size, digest=f"sha256={name}") for path in paths), targets=targets)


def of(project: str, *paths: str) -> Observation:
    return observed(other=project, paths=paths)


OVERWRITES: dict[str, tuple[Facts, tuple[Facts, ...], list[Observation]]] = {
    "two paths of one project": (
        with_contents("one", "s/a.py", "s/b.py"),
        (with_contents("two", "s/b.py", "s/a.py"),),
        [of("two", "s/a.py", "s/b.py")],
    ),
    "paths of two projects": (
        with_contents("one", "s/a.py", "s/b.py"),
        (with_contents("two", "s/b.py"), with_contents("three", "s/a.py")),
        [of("three", "s/a.py"), of("two", "s/b.py")],
    ),
    "another file of the project": (with_contents("one", "s/a.py"), (with_contents("one", "s/a.py"),), []),
    "another target": (with_contents("one", "s/a.py"), (with_contents("two", "s/a.py", targets=("cp313",)),), []),
    "one common target": (
        with_contents("one", "s/a.py", targets=("cp311", "cp312")),
        (with_contents("two", "s/a.py", targets=("cp312", "cp313")),),
        [of("two", "s/a.py")],
    ),
    "another path": (with_contents("one", "s/a.py"), (with_contents("two", "s/b.py"),), []),
    "a package with a common name": (
        with_contents("one", "tests/in/a.py"),
        (with_contents("two", "tests/in/a.py"),),
        [],
    ),
    "a common name deeper down": (
        with_contents("one", "s/tests/a.py"),
        (with_contents("two", "s/tests/a.py"),),
        [of("two", "s/tests/a.py")],
    ),
    "a folder without an __init__.py, in it one": (
        with_contents("one", "s/in/__init__.py"),
        (with_contents("two", "s/in/__init__.py"),),
        [of("two", "s/in/__init__.py").as_note()],
    ),
    "py.typed in such a folder": (
        with_contents("one", "s/py.typed"),
        (with_contents("two", "s/py.typed"),),
        [of("two", "s/py.typed").as_note()],
    ),
    "another name in such a folder": (
        with_contents("one", "s/typed.py"),
        (with_contents("two", "s/typed.py"),),
        [of("two", "s/typed.py")],
    ),
    "marks beside another file": (
        with_contents("one", "s/py.typed", "s/a.py"),
        (with_contents("two", "s/py.typed", "s/a.py"),),
        [of("two", "s/py.typed", "s/a.py")],
    ),
    "a package that is no namespace": (
        with_contents("one", "s/__init__.py"),
        (with_contents("two", "s/__init__.py"),),
        [of("two", "s/__init__.py")],
    ),
    "at most 1000 bytes": (
        with_contents("one", "s/in/__init__.py", size=1000),
        (with_contents("two", "s/in/__init__.py", size=1000),),
        [of("two", "s/in/__init__.py").as_note()],
    ),
    "more than 1000 bytes in one": (
        with_contents("one", "s/in/__init__.py", size=1000),
        (with_contents("two", "s/in/__init__.py", size=1001),),
        [of("two", "s/in/__init__.py")],
    ),
    "more than 1000 bytes in a third": (
        with_contents("one", "s/in/__init__.py"),
        (
            with_contents("two", "s/in/__init__.py"),
            with_contents("three", "s/in/__init__.py", size=1001),
        ),
        [of("two", "s/in/__init__.py").as_note(), of("three", "s/in/__init__.py")],
    ),
    "two files of the other project with a path each": (
        with_contents("one", "s/a/__init__.py", "s/b/__init__.py"),
        (with_contents("two", "s/a/__init__.py"), with_contents("two", "s/b/__init__.py")),
        [of("two", "s/a/__init__.py", "s/b/__init__.py").as_note()],
    ),
    "the package of one is no namespace": (
        with_contents("one", "s/in/__init__.py"),
        (with_contents("two", "s/__init__.py", "s/in/__init__.py"),),
        [of("two", "s/in/__init__.py")],
    ),
}


@pytest.mark.parametrize("rule", ["overwrites", "shares-files"])
def test_other_contents_at_a_path_overwrite_and_equal_ones_are_shared(rule: str) -> None:
    for name, (facts, others, expected) in OVERWRITES.items():
        assert observations(rule, facts, *others) == (expected if rule == "overwrites" else []), name


def test_equal_files_are_shared_and_marks_are_a_note() -> None:
    paths = ("s/a.py", "tests/b.py", "s/__init__.py")
    one, two = made("one", *paths), made("two", *paths)
    assert observations("shares-files", one, two) == [of("two", "s/a.py", "s/__init__.py")]
    assert observations("overwrites", one, two) == []
    big = Entry("s/__init__.py", 5000, digest="sha256=1")
    assert observations("shares-files", made("one", big), made("two", big)) == [of("two", "s/__init__.py").as_note()]


def test_an_init_that_declares_a_namespace_overwrites_only_as_a_note() -> None:
    one, two = (made(name, texts={"s/__init__.py": f"{DECLARED}  # {name}"}) for name in ("one", "two"))
    assert observations("overwrites", one, two) == [of("two", "s/__init__.py").as_note()]
    plain = made("two", texts={"s/__init__.py": "x = 1\n"})
    assert observations("overwrites", one, plain) == [of("two", "s/__init__.py")]


INTRUDES: dict[str, tuple[Facts, tuple[Facts, ...], list[Observation]]] = {
    "into a package": (
        made("odd", "google/a.py", "odd/a.py", "google/in/b.py"),
        (made("google", "google/__init__.py"),),
        [observed(owner="google", paths=("google/a.py", "google/in/b.py"))],
    ),
    "its own package": (made("odd", "odd/a.py"), (made("google", "google/__init__.py"),), []),
    "a package of nobody": (made("odd", "free/a.py"), (), []),
    "a package of the project and of another": (
        made("odd", "s/__init__.py"),
        (made("google", "s/__init__.py"),),
        [],
    ),
    "a package of two others": (
        made("odd", "s/a.py"),
        (made("beta", "s/__init__.py"), made("alpha", "s/__init__.py")),
        [observed(owner="alpha", paths=("s/a.py",))],
    ),
    "a common name": (made("odd", "tests/in/a.py"), (made("google", "tests/__init__.py"),), []),
    "a library of a module's name": (
        made("odd", "single.cpython-312.so"),
        (made("google", "single.py"),),
        [observed(owner="google", paths=("single.cpython-312.so",))],
    ),
    "a text of a module's name": (made("odd", "single.txt"), (made("google", "single.py"),), []),
    "a folder that only begins like the module": (made("odd", "single.d/a.py"), (made("google", "single.py"),), []),
    "a folder outside site-packages": (
        made("odd", "odd-1.0.data/data/a.py"),
        (made("google", "google-1.0.data/data/__init__.py"),),
        [],
    ),
}


def test_a_project_that_installs_into_a_package_of_another_intrudes() -> None:
    for name, (facts, others, expected) in INTRUDES.items():
        assert observations("intrudes", facts, *others) == expected, name
        assert observations("extends", facts, *others) == [], name


def test_a_project_whose_name_begins_with_the_owner_s_extends() -> None:
    owner = made("google", "google/__init__.py")
    part = made("google-auth", "google/auth.py", "google/more.py")
    assert observations("extends", part, owner) == [observed(owner="google", count=2)]
    assert observations("intrudes", part, owner) == []
    longer = made("googles", "google/auth.py")
    assert observations("extends", longer, owner) == []
    assert observations("intrudes", longer, owner) == [observed(owner="google", paths=("google/auth.py",))]


def test_a_package_of_a_project_in_the_policy_belongs_to_it() -> None:
    expected = [observed(owner="py-yaml", paths=("Py_Yaml/a.py",))]
    assert observations("intrudes", made("odd", "Py_Yaml/a.py"), lookalikes=("py-yaml",)) == expected
    assert observations("intrudes", made("py-yaml", "py_yaml/a.py"), lookalikes=("py-yaml",)) == []
    assert observations("intrudes", made("odd", "py_yaml.txt"), lookalikes=("py-yaml",)) == []


STDLIB_NAMES: dict[str, tuple[tuple[str, ...], tuple[str, ...]]] = {
    "modules": (("secrets.py", "json.cpython-312.so", "odd.py"), ("json", "secrets")),
    "packages": (("json/in/data.txt",), ("json",)),
    "texts": (("json.txt", "json"), ()),
    "files that Python cannot import": (
        ("json.pth", "json.start", "json.pyi", "json.dll", "json.so.1", "json.x.py"),
        (),
    ),
    "a module for Windows, and bytecode": (("json.pyw", "enum.pyc", "csv.pyd"), ("csv", "enum", "json")),
    "folders with a dot": (("select.libs/libx.so",), ()),
    "deeper down": (("odd/json.py", "odd-1.0.data/data/json.py"), ()),
}


def test_modules_of_the_standard_library_are_found_at_the_top() -> None:
    for name, (paths, modules) in STDLIB_NAMES.items():
        expected = [observed(modules=modules)] if modules else []
        assert observations("stdlib-name", made("odd", *paths)) == expected, name
        assert observations("stdlib-backport", made("odd", *paths)) == [], name


def test_a_backport_is_a_note_and_what_it_brings_besides_is_not() -> None:
    backport = made("dataclasses", "json.py", "dataclasses.py", "enum.py")
    assert observations("stdlib-backport", backport) == [observed(modules=("dataclasses",))]
    assert observations("stdlib-name", backport) == [observed(modules=("enum", "json"))]


def test_a_package_with_a_common_name_is_a_warning_if_something_is_overwritten() -> None:
    rule, tests = "everybodys-name", observed(packages=("docs", "tests"))
    odd = made("odd", "tests/in/a.py", "docs/conf.py", "odd/a.py")
    assert observations(rule, odd) == [tests.as_note()]
    assert observations(rule, odd, made("two", "odd/a.py", "tests/b.py")) == [tests.as_note()]
    assert observations(rule, odd, made("odd", "tests/in/a.py")) == [tests.as_note()]
    assert observations(rule, odd, made("two", "tests/in/a.py")) == [tests]
    for path in ("tests", "odd/tests/a.py", "@tests/a.py"):
        assert observations(rule, made("odd", path)) == [], path
    assert observations(rule, made("examples", "examples/a.py")) == []


def test_texts_at_the_top_are_strays() -> None:
    strays = ("README.md", "LICENSE", "py.typed", "a.so_", "libx.so.x", "@odd.txt")
    others = ("a.py", "b.pyc", "c.pyi", "d.pth", "e.start", "f.so", "g.pyd", "h.dll", "i.dylib", "libj.so.1")
    inside = ("odd/README.md", "odd-1.0.data/data/README.md", "odd-1.0.data/scripts/odd", "odd-1.0.dist-info/LICENSE")
    assert observations("stray-files", made("odd", *strays, *others, *inside)) == [observed(paths=strays)]
    assert observations("stray-files", made("odd", *others, *inside)) == []


def test_files_outside_are_usual_in_share_and_headers_and_nowhere_else() -> None:
    usual = ("odd-1.0.data/headers/odd/odd.h", "odd-1.0.data/data/share/man/odd.1")
    unusual = ("odd-1.0.data/data/etc/odd.conf", "odd-1.0.data/more/x", "odd-1.0.data/data/share")
    neither = ("odd-1.0.data/scripts/odd", "odd-1.0.data/data/pip.conf", "odd/share/x", "odd-1.0.data/purelib/share/x")
    odd = made("odd", *neither, *unusual, *usual)
    assert observations("data-files", odd) == [observed(count=2, first="headers/odd/odd.h")]
    assert observations("data-files-elsewhere", odd) == [observed(paths=("etc/odd.conf", "@more/x", "share"))]
    for rule in ("data-files", "data-files-elsewhere"):
        assert observations(rule, made("odd", *neither)) == []


FORMS = {"package": "m/__init__.py", "library": "m.so", "module": "m.py", "folder": "m/a.py"}
HIDES = {
    ("package", "library"),
    ("package", "module"),
    ("library", "module"),
    ("library", "folder"),
    ("module", "folder"),
}
"""A folder beside a package is a part of it."""


def test_a_form_of_a_module_hides_those_that_python_tries_later() -> None:
    for form, other in product(FORMS, repeat=2):
        expected = [observed(other="two", module="m")] if (form, other) in HIDES else []
        one, two = made("one", FORMS[form], "one/__init__.py"), made("two", FORMS[other])
        assert observations("module-hidden", one, two) == expected, (form, other)


def test_a_module_is_hidden_only_from_another_project_on_the_same_target() -> None:
    one = made("one", "m/__init__.py", targets=("cp311", "cp312"))
    assert observations("module-hidden", one, made("one", "m.py")) == []
    assert observations("module-hidden", one, made("two", "m.py", targets=("cp313",))) == []
    assert observations("module-hidden", one, made("two", "m.py", targets=("cp312", "cp313"))) != []


POSES: dict[str, tuple[str, ...]] = {
    "requests-9.0.dist-info/METADATA": ("requests-9.0",),
    "odd-2.0.dist-info/METADATA": ("odd-2.0",),
    "odd-1.0.data/purelib/odd-1.0.dist-info/METADATA": ("odd-1.0",),
    "odd-1.0.data/purelib/ODD-1.0.DIST-INFO/METADATA": ("ODD-1.0",),
    "requests.egg-info": ("requests",),
    "requests.egg-link": ("requests",),
    "requests-1.0-py3.12.egg/EGG-INFO/PKG-INFO": ("requests-1.0-py3.12",),
    "odd-1.0-py3.12.egg-info/PKG-INFO": (),
    "Odd.egg-info/PKG-INFO": (),
    "odd/requests-9.0.dist-info/METADATA": (),
    "requests.egg-infos/PKG-INFO": (),
    "dist-info/METADATA": (),
}


def test_metadata_at_the_top_pose_as_a_project() -> None:
    for path, names in POSES.items():
        assert observations("poses-as", made("odd", path)) == ([observed(names=names)] if names else []), path
    several = made("odd", "two-1.0.dist-info/a", "one-1.0.dist-info/a", "two-1.0.dist-info/b", "odd.egg-info/a")
    assert observations("poses-as", several) == [observed(names=("one-1.0", "two-1.0"))]


ARCHIVES: dict[str, tuple[str, str]] = {
    "a.zip": ("zip", "warning"),
    "a.whl": ("zip", "warning"),
    "hidden.tar": ("zip", "warning"),
    "jar.zip": ("zip", "warning"),
    "a.jar": ("zip", "note"),
    "a.JAR": ("zip", "note"),
    "a.docx": ("zip", ""),
    "a.NPZ": ("zip", ""),
    "a.docx.zip": ("zip", "warning"),
    "a.7z": ("7z", "warning"),
    "b.tar": ("7z", "note"),
    "c.tar": ("tar", "note"),
    "c.TGZ": ("tar", "note"),
    "c.bin": ("tar", "warning"),
    "c.pt": ("tar", ""),
    "d.tar.gz": ("gzip", "note"),
    "d.tbz": ("bzip2", "note"),
    "d.tbz2": ("bzip2", "note"),
    "d.txz": ("xz", "note"),
    "d.tar.zst": ("zstd", "note"),
    "e.json.gz": ("gzip", "compressed"),
    "e.bz2": ("bzip2", "compressed"),
    "e.xz": ("xz", "compressed"),
    "e.zst": ("zstd", "compressed"),
    "tar.gz": ("gzip", "compressed"),
    "f.zip": ("", ""),
    "f.tar": ("elf", ""),
    "f.gz": ("script", ""),
}
"""By name: the kind that its first bytes tell, and as what it is reported."""


def test_an_archive_is_a_note_if_python_does_not_import_from_it() -> None:
    for name, (kind, reported) in ARCHIVES.items():
        odd = made("odd", Entry(f"odd/{name}", 1, kind=kind), Entry("odd/empty.zip", 0, kind="zip"))
        found = observed(count=1, paths=(f"odd/{name}",))
        archives = {"warning": [found], "note": [found.as_note()]}.get(reported, [])
        assert observations("embedded-archive", odd) == archives, name
        assert observations("compressed-file", odd) == ([found] if reported == "compressed" else []), name


def test_several_archives_are_one_finding_with_the_weight_of_the_worst() -> None:
    entries = [Entry("odd/a.tar", 1, kind="tar"), Entry("odd/b.zip", 1, kind="zip"), Entry("odd/c.xz", 1, kind="xz")]
    odd = made("odd", *entries, Entry("odd/d.gz", 1, kind="gzip"), Entry("odd/e.gz", 0, kind="gzip"))
    assert observations("embedded-archive", odd) == [observed(count=2, paths=("odd/a.tar", "odd/b.zip"))]
    assert observations("compressed-file", odd) == [observed(count=2, paths=("odd/c.xz", "odd/d.gz"))]
    for rule in ("embedded-archive", "compressed-file"):
        assert observations(rule, made("odd", "odd/a.py")) == []
