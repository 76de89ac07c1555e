"""What is told about conflicts, word for word, without a program or a server: every kind, and kinds beside them."""

from collections.abc import Mapping
from types import SimpleNamespace
from typing import Any

from tests.support.conflicts import BINARY, CONFLICTS, Conflict, releases, sdist, wheel
from tests.support.golden import FOLDER, golden_text
from tests.support.held_offers import error_of, told
from wheelhouse.index.page_data import Status

LIB = releases("lib", ["1.0", "2.0"])
AIRFLOW = "apache-airflow"
MINE = SimpleNamespace(is_default=False, name="mine", address="https://mine.example/simple")
NAMELESS = SimpleNamespace(is_default=False, name="", address="https://mine.example/simple")


def by_constraint(origin: str, *, line: str = "lib<2", asked: str = f"{AIRFLOW}==2.10.5") -> Conflict:
    """Airflow 2.10.5, whose `lib>=2` a constraint excludes."""
    offers = [wheel(f"{AIRFLOW} 2.10.5", "lib>=2"), *LIB]
    return Conflict(offers, f"'{asked}'", f"-c {origin}", files={origin: f"{line}\n"})


def with_tag(tag: str, target: str, *more: str) -> Conflict:
    return Conflict([wheel("lib 1.0", tag=each) for each in (tag, *more)], "lib", BINARY, target=target)


def for_python(needed: str, target: str = "--python 3.12.4") -> Conflict:
    return Conflict([wheel("lib 1.0", python=needed)], "lib", target=target)


def late(*offers: Any) -> Conflict:
    return Conflict(offers, "lib", "--uploaded-prior-to 2025-01-01T00:00:00Z")


NUMBERS = [f"1.{number}" for number in range(20)]
MORE: Mapping[str, Conflict] = {
    # a release that cannot be chosen
    "hidden-python": Conflict([wheel("app 1.0")], "app"),
    "hidden-python-of-old-ones": Conflict(releases("app", ["1.0", "1.1", "1.2"]), "'app<2'"),
    "hidden-python-never": Conflict([wheel("app 1.0")], "app"),
    # no project
    "misspelt": Conflict([], "lbi"),
    "misspelt-in-file": Conflict([], "-r r.txt", files={"r.txt": "lbi>=1\n"}),
    "gone-from-some": Conflict([wheel("app 2.0", "gone"), wheel("app 1.0")], "'app>=2'"),
    "gone-from-three": Conflict([*releases("app", ["2.0", "2.1", "2.2"], "gone"), wheel("app 1.0")], "'app>=2'"),
    "gone-below-two": Conflict(
        [wheel("app 1.0", "gone"), wheel("tool 1.0", "gone"), wheel("tool 0.9", "gone")], "app tool"
    ),
    "gone-by-extra": Conflict([wheel("app 1.0", extras={"x": ["gone"]})], "'app[x]'"),
    "gone-at-a-named-index": Conflict([wheel("app 1.0", "gone")], "app"),
    "gone-at-a-nameless-index": Conflict([wheel("app 1.0", "gone")], "app"),
    "quarantined": Conflict([wheel("app 1.0", "lib"), *LIB], "app"),
    "quarantined-asked": Conflict(LIB, "lib"),
    # releases that require another release of themselves
    "itself-some": Conflict([wheel("lib 2.0", "lib<2"), wheel("lib 1.0"), wheel("app 1.0", "lib>=2")], "app"),
    "itself-asked": Conflict([wheel("lib 2.0", "lib<2"), wheel("lib 1.0")], "'lib>=2'"),
    "itself-three": Conflict(releases("lib", ["1.0", "1.1", "1.2"], "lib<1"), "lib"),
    # no release
    "nothing-so-new": Conflict(LIB, "'lib>=3'"),
    "nothing-so-new-in-file": Conflict(LIB, "-r r.txt", files={"r.txt": "\nlib>=3\n"}),
    "nothing-so-new-for-app": Conflict([wheel("app 1.0", "lib>=3"), *LIB], "'app>=1'"),
    "nothing-so-new-for-app-without-specifier": Conflict([wheel("app 1.0", "lib>=3"), *LIB], "app"),
    "nothing-usable": Conflict([wheel("app 1.0", "lib>=3"), wheel("lib 2.0", yanked="bad")], "app"),
    "many-offered": Conflict(releases("lib", NUMBERS), "'lib==1.5.1'"),
    "many-offered-below": Conflict(releases("lib", NUMBERS), "'lib<1'"),
    "many-offered-above": Conflict(releases("lib", NUMBERS), "'lib>2'"),
    "two-apps": Conflict([wheel("app 1.0", "lib<2"), wheel("tool 1.0", "lib>=2"), *LIB], "'app>=1' 'tool>=1'"),
    "two-extras-of-two": Conflict(
        [wheel("app 1.0", extras={"x": ["lib<2"]}), wheel("tool 1.0", extras={"y": ["lib>=2"]}), *LIB],
        "'app[x]' 'tool[y]'",
    ),
    "extra-and-own": Conflict([wheel("app 1.0", extras={"x": ["lib<2"]}), *LIB], "'app[x]' 'lib>=2'"),
    "extra-and-app": Conflict([wheel("app 1.0", "lib>=2", extras={"x": ["lib<2"]}), *LIB], "'app[x]'"),
    "airflow-mysql": Conflict([wheel(f"{AIRFLOW} 2.0", extras={"mysql": ["lib>=3"]}), *LIB], f"'{AIRFLOW}[mysql]'"),
    "airflow-other-extra": Conflict([wheel(f"{AIRFLOW} 2.0", extras={"x": ["lib>=3"]}), *LIB], f"'{AIRFLOW}[x]'"),
    "three-of-them": Conflict(
        [
            wheel("app 1.0", "lib!=1"),
            wheel("tool 1.0", "lib!=2"),
            wheel("more 1.0", "lib!=3"),
            *releases("lib", ["1", "2", "3"]),
        ],
        "app tool more",
    ),
    "user-and-app": Conflict([wheel("app 1.0", "lib>=2"), *LIB], "app 'lib<2'"),
    "user-and-constraint": Conflict(
        [wheel("app 1.0", "lib>=2"), *LIB], "app 'lib<2'", "-c c.txt", files={"c.txt": "lib!=2.0\n"}
    ),
    "app-of-many": Conflict([*releases("app", ["1", "2", "3"], "lib>=3"), *LIB], "'app>=2'"),
    # constraints
    "constraint-on-the-command-line": by_constraint("c.txt", asked=AIRFLOW),
    "branch": by_constraint("constraints-2-10/c.txt"),
    "branch-of-no-release": by_constraint("constraints-2-10/c.txt", asked=AIRFLOW),
    "tag-of-another": by_constraint("constraints-2.10.4/c.txt"),
    "tag-of-the-release": by_constraint("constraints-2.10.5/c.txt"),
    "no-tag-of-a-wildcard": by_constraint("c.txt", asked=f"{AIRFLOW}==2.10.*"),
    "no-tag-of-two-clauses": by_constraint("c.txt", asked=f"{AIRFLOW}==2.10.5,!=3"),
    "constraint-of-nothing": by_constraint("c.txt", line="lib>5", asked=AIRFLOW),
    "constraint-of-no-release": Conflict(
        [wheel("app 1.0", "lib>=2", "base"), *LIB, wheel("base 1.0")], "app", "-c c.txt", files={"c.txt": "lib==9\n"}
    ),
    "two-wide-constraints": Conflict(
        [wheel("app 1.0", "lib"), *LIB], "app", "-c c.txt", files={"c.txt": "lib<2\nlib>=1.5\n"}
    ),
    "useless-constraint": Conflict(LIB, "lib", "-c c.txt", files={"c.txt": "lib<1\nlib<2\n"}),
    # files
    "musl": with_tag("cp312-cp312-musllinux_1_2_x86_64", "--python 3.12.4"),
    "older-macos": with_tag(
        "cp312-cp312-macosx_13_0_arm64",
        "--python 3.12.4 --platform macosx_11_0_arm64",
        "cp312-cp312-macosx_12_0_arm64",
        "cp312-cp312-macosx_14_0_x86_64",
    ),
    "other-python": with_tag("cp310-cp310-manylinux_2_17_x86_64", "--python 3.12.4"),
    "nearest-python": with_tag(
        "cp311-cp311-manylinux_2_17_x86_64", "--python 3.12.4", "cp313-cp313-manylinux_2_17_x86_64"
    ),
    "other-free-threaded": with_tag("cp314-cp314t-manylinux_2_17_x86_64", "--python 3.13t"),
    "newer-libc": with_tag("cp312-cp312-manylinux_2_39_x86_64", "--python 3.12.4", "cp312-cp312-manylinux_2_34_x86_64"),
    "other-machine": with_tag("cp312-cp312-manylinux_2_39_aarch64", "--python 3.12.4"),
    "for-3.13": for_python(">=3.13"),
    "for-3.11": for_python("<3.12"),
    "for-a-patch": for_python(">=3.12.9"),
    "for-no-python": for_python(">=4"),
    "for-3.14t": for_python(">=3.14", "--python 3.13t"),
    "pypy": with_tag("cp312-cp312-manylinux_2_17_x86_64", "--python pypy3.10"),
    "pypy-of-newer-libc": with_tag("pp310-pypy310_pp73-manylinux_2_39_x86_64", "--python pypy3.10"),
    "for-pypy": for_python(">=3.11", "--python pypy3.10"),
    "free-threaded-of-newer-libc": with_tag("cp313-cp313t-manylinux_2_39_x86_64", "--python 3.13t"),
    "3.15": with_tag("cp315-cp315-manylinux_2_17_x86_64", "--python 3.12.4"),
    "3.6": with_tag("cp36-cp36m-manylinux_2_17_x86_64", "--python 3.12.4"),
    "two-kinds-of-reason": Conflict(
        [
            wheel("lib 1.4", yanked="bad"),
            wheel("lib 1.3", python=">=3.13"),
            wheel("lib 1.2", python=">=3.14"),
            sdist("lib 1.1"),
        ],
        "lib",
        BINARY,
    ),
    "three-sides-of-one": Conflict(
        [
            *releases("app", ["1", "2"], "lib<2", "tool"),
            *releases("tool", ["1", "2", "3"], "lib>=2"),
            *LIB,
        ],
        "app",
    ),
    "same-extra-of-two": Conflict(
        [wheel("app 1.0", extras={"x": ["lib<2"]}), wheel("tool 1.0", extras={"x": ["lib>=2"]}), *LIB],
        "'app[x]' 'tool[x]'",
    ),
    "windows": with_tag("cp312-cp312-manylinux_2_17_x86_64", "--python 3.12.4 --platform win_amd64"),
    "late": late(
        wheel("lib 1.0", uploaded="2025-03-01T10:00:00Z"),
        wheel("lib 1.1", uploaded="2025-02-01T10:00:00Z"),
        wheel("lib 1.2", uploaded="2025-01-31T10:00:00Z", tag="cp312-cp312-win_amd64"),
        wheel("lib 1.3", uploaded="2025-01-30T10:00:00Z", yanked="bad"),
    ),
    "late-for-no-target": late(wheel("lib 1.0", uploaded="2025-03-01T10:00:00Z", tag="cp312-cp312-win_amd64")),
    "wheels-excluded": Conflict([wheel("lib 1.0")], "lib", "--no-binary lib"),
    "wheels-and-sdist": Conflict(
        [wheel("lib 1.0", tag="cp312-cp312-win_amd64"), sdist("lib 1.0"), sdist("lib 1.1")], "lib", BINARY
    ),
    "one-sdist": Conflict([sdist("lib 1.0")], "lib", BINARY),
    "one-wheel-and-sdist": Conflict([wheel("lib 1.0", tag="cp312-cp312-win_amd64"), sdist("lib 1.0")], "lib", BINARY),
    "two-wheels-of-one": with_tag("cp312-cp312-win_amd64", "--python 3.12.4", "cp312-cp312-win32"),
    "yanked-asked": Conflict([wheel("lib 1.0"), wheel("lib 2.0", yanked="bad")], "'lib>=2'"),
    "yanked-in-exact-app": Conflict(
        [wheel("app 1.0", "lib>=2"), wheel("lib 1.0"), wheel("lib 2.0", yanked="")], "app==1.0"
    ),
    "yanked-by-constraint": Conflict(
        [wheel("lib 1.0"), wheel("lib 2.0", yanked="bad")], "lib", "-c c.txt", files={"c.txt": "lib>=2\n"}
    ),
    "only-pre-releases": Conflict([wheel("lib 1.0rc1")], "-r r.txt", files={"r.txt": "--only-final lib\nlib\n"}),
    "six-reasons": Conflict([wheel(f"lib 1.{n}", yanked=f"bad {n}") for n in range(7)], "lib"),
    "four-reasons": Conflict([wheel(f"lib 1.{n}", yanked=f"bad {n}") for n in range(4)], "lib"),
    "many-files": Conflict(
        [
            *(wheel("lib 1.0", tag=f"py3{n}-none-any", yanked=f"bad {n}") for n in range(5)),
            *(wheel("lib 1.0", tag=f"py2{n}-none-any", yanked="bad 0") for n in range(4)),
        ],
        "lib",
    ),
    "wrong-hashes": Conflict(
        [wheel("lib 1.0"), wheel("lib 1.1")],
        "-r r.txt",
        "-c c.txt",
        files={
            "r.txt": "lib --hash=sha256:{sha256} --hash=sha256:" + "c" * 64 + "\n",
            "c.txt": "app --hash=sha256:{sha256}\nlib --hash=sha384:" + "d" * 96 + "\n",
        },
    ),
    "other-names": Conflict([wheel("lib 1.0")], "'lib>1'"),
    "other-names-of-a-yanked": Conflict([wheel("lib 1.0", yanked="bad")], "lib"),
    # what else is told
    "limited-chain": Conflict(
        [*releases("app", ["1", "2", "3"], "middle<9"), *releases("middle", ["1", "2", "3", "4"], "lib>=3"), *LIB],
        "'app<3'",
    ),
    "constrained-chain": Conflict(
        [*releases("app", ["1", "2"], "middle"), *releases("middle", ["1", "2", "3"], "lib>=3"), *LIB],
        "app",
        "-c c.txt",
        files={"c.txt": "app<2\nmiddle<3\n"},
    ),
    "unusable-askers": Conflict(
        [
            *releases("app", ["1", "2"], "lib>=3"),
            *releases("app", ["3", "4", "5"], yanked="bad"),
            wheel("app 6", tag="cp312-cp312-win_amd64"),
            *LIB,
        ],
        "app",
    ),
    "many-steps": Conflict(
        [wheel("app 9", "lib>=3"), *(wheel(f"app {n}", f"base>={n}") for n in range(1, 15 - 1)), *LIB, wheel("base 0")],
        "app",
    ),
    "too-many-steps": Conflict(
        [
            *(wheel(f"app {n}", f"base>={n}", f"more>={n}") for n in range(1, 16)),
            *LIB,
            wheel("base 0"),
            wheel("more 0"),
        ],
        "app lib",
    ),
    "step-to-what-is-there": Conflict(
        [*releases("app", ["4", "3", "2"], "lib>=3"), wheel("app 1", "base"), wheel("base 1", "lib>=4"), *LIB], "app"
    ),
    "steps-to-what-is-not-there": Conflict(
        [
            *releases("app", ["4", "3", "2"], "lib>=3"),
            wheel("app 1", "base>=2"),
            wheel("app 0", "gone"),
            wheel("base 1"),
            *LIB,
        ],
        "app",
    ),
    "two-that-exclude-each-other-besides": Conflict(
        [
            wheel("app 1.0", "lib<2", "base<2", "more", "same>=1"),
            wheel("tool 1.0", "lib>=2", "base>=2", "more<2", "same>=2"),
            *LIB,
            *releases("base", ["1", "2"]),
            *releases("more", ["1", "2"]),
            *releases("same", ["1", "2"]),
        ],
        "app tool",
    ),
    "one-constraint-of-two-besides": Conflict(
        [
            wheel("app 1.0", "lib>=3", "base>=2", "more<2"),
            *LIB,
            *releases("base", ["1", "2"]),
            *releases("more", ["1"]),
        ],
        "app",
        "-c c.txt",
        files={"c.txt": "lib>0\nbase>0\nbase==1\nmore<3\n"},
    ),
    "constraint-besides": Conflict(
        [
            wheel("app 1.0", "lib>=3", "base>=2", "more<1"),
            *LIB,
            *releases("base", ["1", "2"]),
            *releases("more", ["0", "1"]),
        ],
        "app",
        "-c c.txt",
        files={"c.txt": "base==1\nmore==1\nmore!=0\n"},
    ),
    "named-file-and-constraint": Conflict(
        [wheel("app 1.0", "lib")],
        "-r r.txt",
        "-c c.txt",
        files={"r.txt": "./lib-1.0-py3-none-any.whl\napp\n", "c.txt": "lib>1\n"},
        local=[wheel("lib 1.0")],
    ),
    "named-file-for-windows": Conflict(
        [],
        "-r r.txt",
        files={"r.txt": "./lib-1.0-cp312-cp312-win_amd64.whl\n"},
        local=[wheel("lib 1.0", tag="cp312-cp312-win_amd64")],
    ),
}
INDEXES: Mapping[str, Mapping[str, Any]] = {
    "hidden-python": {"hidden": {"app 1.0": ">=3.13"}},
    "hidden-python-of-old-ones": {"hidden": {f"app 1.{n}": "<3.12" for n in range(3)}},
    "hidden-python-never": {"hidden": {"app 1.0": ">=4"}},
    "gone-at-a-named-index": {"places": {"gone": MINE}},
    "gone-at-a-nameless-index": {"places": {"gone": NAMELESS}},
    "quarantined": {"statuses": {"lib": Status("quarantined", "malware")}},
    "quarantined-asked": {"statuses": {"lib": Status("quarantined")}},
    "other-names": {
        "others": {"lib": ["lib-2.0.exe", "lib-2.1.egg", "lib-2.2.rpm", "lib.txt", "lib-2.3.exe", "lib-2.4.egg"]}
    },
    "other-names-of-a-yanked": {"others": {"lib": ["lib-2.0.exe"]}},
}


def test_every_kind_of_conflict_is_told_as_the_program_does() -> None:
    wrong = {}
    for name, conflict in CONFLICTS.items():
        golden = (FOLDER / "explanations" / f"{name}.txt").read_text(encoding="utf-8")
        expected = golden.partition("\nresolving for ")[2].partition("\n")[2].strip("\n")
        if (found := told(conflict)) != expected:
            wrong[name] = (found, expected)
    assert not wrong


def test_conflicts_beside_these_are_told() -> None:
    texts = [f"== {name}\n{told(conflict, **INDEXES.get(name, {}))}\n" for name, conflict in MORE.items()]
    text = "\n".join(texts)
    assert text == golden_text("conflicts", text)


def test_the_same_error_of_several_targets_can_be_told_once() -> None:
    error = error_of(MORE["nearest-python"])
    assert error.general == (
        "no release of `lib` (requested on the command line) can be chosen for the target "
        "(lib 1.0: none of its 2 wheels has a tag that fits)"
    )
    assert len(error.own) == 1 and error.own[0].startswith("cp312-manylinux_2_28_x86_64 accepts wheels of ")
    assert error_of(MORE["yanked-asked"]).own == () and error_of(MORE["wrong-hashes"]).own == ()


def test_a_release_that_nobody_can_read_gets_no_hint_about_targets() -> None:
    text = told(Conflict([wheel("app 1.0", "b @@ c")], "app"))
    assert "\nerror: app 1.0 requires `b @@ c`, which cannot be read: " in text
    assert text.endswith("\nhint: request another version")
