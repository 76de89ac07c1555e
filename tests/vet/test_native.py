"""The rules about native code: libraries and programs, what they link to, where they search, and for which system they are."""

import pytest

from tests.support.made_facts import made, observations
from wheelhouse.archive.native_code import Native
from wheelhouse.findings import observed
from wheelhouse.vet.facts import Entry, Facts

LINUX = "cp312-cp312-manylinux_2_28_x86_64"
SCRIPT = "odd-1.0.data/scripts/tool"


def library(name: str, *needs: str, search: tuple[str, ...] = (), machine: str = "x86_64") -> Entry:
    return Entry(name, 1, kind="elf", native=Native(machine, needs, search))


def program(name: str, *needs: str) -> Entry:
    return Entry(name, 1, kind="elf", native=Native("x86_64", needs, program=True))


def unread(name: str, kind: str = "pe") -> Entry:
    return Entry(name, 1, kind=kind)


def linux(*members: Entry | str) -> Facts:
    return made("odd", *members, tag=LINUX)


def test_libraries_are_one_note_with_all_that_they_link_to() -> None:
    odd = linux(library("b.so", "libz.so.1", "liba.so"), "x.py", library("a.so", "liba.so"), program("tool", "libp.so"))
    assert observations("native-code", odd) == [
        observed(count=2, linked=("liba.so", "libz.so.1"), paths=("b.so", "a.so"))
    ]
    assert observations("native-code", linux(program("tool"), "fast.so", Entry("b.so", 1, kind="zip"))) == []


NAMES: dict[str, bool] = {
    "odd/a.pyd": False,
    "odd/a.DLL": False,
    "odd/liba.so.1": False,
    "odd/liba.dylib": False,
    "odd/a.soft": True,
    "odd/tool": True,
    "odd/a.exe": True,
    "odd/so": True,
}
"""By name: whether a file whose headers are not read is a program."""


def test_what_cannot_be_read_is_a_program_by_its_name() -> None:
    for kind in ("pe", "macho", "elf"):
        for name, is_program in NAMES.items():
            odd = linux(unread(name, kind))
            libraries = [observed(count=1, linked=(), paths=(name,))]
            assert observations("native-code", odd) == ([] if is_program else libraries), (name, kind)
            programs = [observed(count=1, paths=(name,))]
            assert observations("native-program", odd) == (programs if is_program else []), (name, kind)
    assert observations("native-program", linux(unread("tool", "script"))) == []


def test_programs_are_a_note_if_all_are_commands_of_the_wheel() -> None:
    for other, is_note in {"odd-1.0.data/scripts/b": True, "odd/b": False, "odd/odd-1.0.data/scripts/b": False}.items():
        found = observed(count=2, paths=(SCRIPT, other))
        odd = linux(program(SCRIPT), program(other), library("odd/a.so"))
        assert observations("native-program", odd) == [found.as_note() if is_note else found], other
    assert observations("native-program", linux(program("odd-1.0.data/scripts/in/b"))) == [
        observed(count=1, paths=("odd-1.0.data/scripts/in/b",))
    ]
    assert observations("native-program", linux(library("odd/a.so"))) == []
    assert observations("native-program", made("odd", program("odd/tool"))) == []


LIBRARIES: dict[str, bool] = {
    "libc.so.6": True,
    "ld-linux-x86-64.so.2": True,
    "libc.musl-x86_64.so.1": True,
    "libstdc++.so.6": True,
    "libGL.so.1": True,
    "libglib-2.0.so.0": True,
    "libpython3.12.so.1.0": True,
    "libown.so.1": True,
    "libc.so.6.odd": False,
    "libcurl.so.4": False,
    "odd-libc.so.6": False,
    "libpython3.12.so.1.0.odd": False,
    "libpython2.7.so.1.0": False,
    "libtext.so.1": False,
}
"""By name: whether a library is there, on every system or in the wheelhouse."""


def test_libraries_that_are_nowhere_are_missing() -> None:
    odd = linux(library("a.so", *LIBRARIES), library("b.so", "libc.so.6", "libcurl.so.4"), program("tool", "libp.so"))
    own = made("own", library("own.libs/libown.so.1"), unread("own.libs/libcurl.so.4"), "own/libtext.so.1", tag=LINUX)
    missing = tuple(name for name, is_there in LIBRARIES.items() if not is_there)
    assert observations("native-links", odd, own) == [observed(libraries=(*missing, "libp.so"))]
    assert observations("native-links", linux(library("a.so", "libc.so.6"))) == []


SYSTEM = ("/lib", "/lib64/", "/usr/lib", "/usr/local/lib32", "/usr/lib/x86_64-linux-gnu", "/lib/aarch64-linux-musl")
ANYBODYS = ("/tmp/libs", "/opt/lib", "lib", "/lib/odd", "/tmp/$ORIGIN", "", "ORIGIN", "/home/a/usr/lib")
OWN = ("$ORIGIN", "$ORIGIN/../odd.libs", "${ORIGIN}/../odd.libs")


def test_folders_in_which_a_library_searches_are_of_the_system_or_of_anybody() -> None:
    search = (*OWN, *SYSTEM, *ANYBODYS)
    odd = linux(library("a.so", search=search), library("b.so", search=OWN), library("c.so"), unread("d.so", "elf"))
    assert observations("native-search-path", odd) == [observed(path="a.so", folders=ANYBODYS)]
    assert observations("native-search-system", odd) == [observed(path="a.so", folders=SYSTEM)]
    for folders, rule in ((SYSTEM, "native-search-path"), (ANYBODYS, "native-search-system")):
        assert observations(rule, linux(library("a.so", search=folders))) == []
    two = linux(library("a.so", search=("/tmp/a",)), library("b.so", search=("/tmp/b",)))
    assert observations("native-search-path", two) == [
        observed(path="a.so", folders=("/tmp/a",)),
        observed(path="b.so", folders=("/tmp/b",)),
    ]


def test_an_elf_file_that_cannot_be_read_is_damaged_or_large() -> None:
    odd = linux(library("a.so"), library("b.so", machine=""), unread("c.so", "elf"), unread("d.dll"), "e.so")
    expected = [observed(case="damaged", path="b.so"), observed(case="large", path="c.so")]
    assert observations("native-unreadable", odd) == expected


LAUNCHERS = (
    "setuptools/cli.exe",
    "setuptools/gui-arm64.exe",
    "a/t64-arm.exe",
    "a/w32.exe",
    "t-64-amd64.exe",
    "cli-32.exe",
)


@pytest.mark.parametrize("project", ["setuptools", "pip", "distlib", "installer", "uv"])
def test_launchers_of_the_usual_projects_are_a_note(project: str) -> None:
    launchers = tuple(map(unread, LAUNCHERS))
    found = observed(paths=LAUNCHERS)
    assert observations("native-in-pure", made(project, *launchers)) == [found.as_note()]
    assert observations("native-in-pure", made(f"{project}-odd", *launchers)) == [found]
    for name in ("pip/run.exe", "pip/at64.exe", "pip/cli.dll", "pip/cli.exe.so", "pip/cli-33.exe"):
        odd = made(project, unread(name), *launchers)
        assert observations("native-in-pure", odd) == [observed(paths=(name, *LAUNCHERS))], name


def test_native_code_is_odd_only_in_a_wheel_for_any_platform() -> None:
    assert observations("native-in-pure", linux(library("a.so"))) == []
    assert observations("native-in-pure", made("odd", "a.so", unread("b", "zip"))) == []
    assert observations("native-in-pure", made("pip", "a.py")) == []


ELF, ARM = library("a.so"), library("a.so", machine="aarch64")
PLATFORMS: dict[str, dict[str, tuple[Entry, ...]]] = {
    "right": {
        "manylinux_2_17_x86_64.manylinux2014_x86_64": (ELF, library("b.so", machine=""), unread("c.so", "elf")),
        "linux_aarch64": (ARM,),
        "musllinux_1_2_i686": (library("a.so", machine="386"),),
        "manylinux_2_28_ppc64le": (library("a.so", machine="ppc64"),),
        "linux_riscv64": (ELF, ARM),
        "macosx_11_0_arm64": (unread("a.so", "macho"),),
        "win_amd64": (unread("a.pyd"), Entry("b.pyd", 1, kind="pe", native=Native("x86_64"))),
        "win32": (unread("a.pyd"),),
        "darwin_x86_64": (unread("a.pyd"), ELF),
        "any": (unread("a.pyd"), ELF),
        "odd_win": (ELF,),
        "linux_s390x": (unread("a.txt", "zip"), unread("b.txt", "")),
    },
    "odd": {
        "manylinux_2_17_x86_64.manylinux2014_x86_64": (ARM,),
        "musllinux_1_2_aarch64": (ELF,),
        "linux_x86_64": (unread("a.pyd"),),
        "linux_armv7l": (unread("a.so", "macho"),),
        "macosx_11_0_arm64": (unread("a.pyd"), unread("b.pyd")),
        "macosx_10_9_universal2": (ELF,),
        "win_amd64": (Entry("a.pyd", 1, kind="pe", native=Native("aarch64")), unread("b.so", "macho")),
        "win32": (ELF,),
    },
}


def test_native_code_is_for_the_system_and_processor_of_the_tags() -> None:
    for case, rows in PLATFORMS.items():
        for platform, entries in rows.items():
            odd = made("odd", *entries, tag=f"cp312-cp312-{platform}")
            expected = observed(platform=platform, paths=tuple(one.name for one in entries))
            assert observations("native-elsewhere", odd) == ([expected] if case == "odd" else []), platform
    several = made("odd", unread("b.pyd", "pe"), tag="py3-none-macosx_10_9_x86_64.win_amd64")
    assert observations("native-elsewhere", several) == []
    mixed = made("odd", ELF, unread("b.pyd"), tag="cp312-cp312-linux_x86_64")
    assert observations("native-elsewhere", mixed) == [observed(platform="linux_x86_64", paths=("b.pyd",))]
    assert observations("native-elsewhere", made("odd", ELF, unread("b.pyd"), tag="")) == []
