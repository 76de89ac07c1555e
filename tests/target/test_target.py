"""Targets: their names, what is derived from them, and what is never guessed."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st
from packaging.markers import Marker
from packaging.tags import Tag, cpython_tags, mac_platforms
from packaging.version import Version

from wheelhouse.errors import InputError
from wheelhouse.target.platform import ARCHITECTURES, CHOICES, GLIBC_FLOOR, LINUX_MACHINES
from wheelhouse.target.python import NEWEST_PATCH, NEWEST_PYPY
from wheelhouse.target.target import MARKERS, Platform, Python, Target

PYTHONS = [
    *(f"{major}.{minor}" for major, minor in NEWEST_PATCH),
    *(f"{major}.{minor}t" for major, minor in NEWEST_PATCH if minor >= 13),
    *(f"pypy{major}.{minor}" for major, minor in NEWEST_PYPY),
]
MACHINES = st.sampled_from(LINUX_MACHINES)
PLATFORM_TAGS = st.one_of(
    MACHINES.flatmap(
        lambda machine: st.integers(GLIBC_FLOOR.get(machine, 17), 50).map(lambda n: f"manylinux_2_{n}_{machine}")
    ),
    st.tuples(st.integers(0, 9), MACHINES).map(lambda pair: f"musllinux_1_{pair[0]}_{pair[1]}"),
    st.tuples(st.integers(11, 30), st.sampled_from(["arm64", "x86_64", "universal2"])).map(
        lambda pair: f"macosx_{pair[0]}_0_{pair[1]}"
    ),
    st.integers(4, 16).map(lambda n: f"macosx_10_{n}_x86_64"),
    st.sampled_from(["win_amd64", "win_arm64", "win32"]),
)


def target(python: str, platform: str) -> Target:
    return Target.of(Python.parse(python), Platform.parse(platform))


@given(st.sampled_from(PYTHONS), st.one_of(PLATFORM_TAGS, st.sampled_from(CHOICES)))
def test_every_python_on_every_platform_is_a_target_whose_name_says_both(python: str, platform: str) -> None:
    made = target(python, platform)
    assert re.fullmatch(r"(cp|pp)3\d+t?-[a-z0-9_]+", made.name)
    interpreter, _, tag = made.name.partition("-")
    again = target(interpreter, tag)
    assert again == made and again.name == made.name and again.tags == made.tags
    assert made.is_derived
    assert set(made.environment) == set(MARKERS)
    assert len(set(made.tags)) == len(made.tags)
    assert made.rank([Tag("py3", "none", "any")]) is not None


@given(st.sampled_from(PYTHONS), st.integers(0, 40))
def test_a_pythons_spelling_is_read_back_exactly(minor: str, patch: int) -> None:
    release, t = minor.removesuffix("t"), "t" if minor.endswith("t") else ""
    exact = Python.parse(f"{release}.{patch}{t}")
    assert Python.parse(exact.spelling) == exact
    assert str(exact.version).endswith(f".{patch}")


@given(PLATFORM_TAGS)
def test_a_platforms_tags_end_with_what_promises_least_and_begin_with_its_name(tag: str) -> None:
    platform = Platform.parse(tag)
    assert platform.tags[0] == tag
    linux = [tag for tag in platform.tags if tag.startswith("linux_")]
    assert list(platform.tags[len(platform.tags) - len(linux) :]) == linux
    assert bool(linux) == (platform.system == "Linux")


@given(st.integers(0, 9), MACHINES, st.sampled_from(PYTHONS))
def test_musl_and_glibc_wheels_do_not_mix(musl: int, machine: str, python: str) -> None:
    assert not any("manylinux" in tag for tag in Platform.parse(f"musllinux_1_{musl}_{machine}").tags)
    assert not any("musllinux" in tag for tag in Platform.parse(f"manylinux_2_40_{machine}").tags)


@pytest.mark.parametrize(
    ("alias", "tag"),
    [
        ("linux/amd64", "manylinux_2_28_x86_64"),
        ("linux/x86_64", "manylinux_2_28_x86_64"),
        ("linux/arm64", "manylinux_2_28_aarch64"),
        ("linux/arm/v7", "manylinux_2_31_armv7l"),
        ("linux/386", "manylinux_2_28_i686"),
        ("linux/s390x", "manylinux_2_28_s390x"),
        ("linux/ppc64le", "manylinux_2_28_ppc64le"),
        ("alpine/arm64", "musllinux_1_2_aarch64"),
        ("macos/arm64", "macosx_14_0_arm64"),
        ("darwin/amd64", "macosx_14_0_x86_64"),
        ("macosx_14_4_arm64", "macosx_14_0_arm64"),
        ("windows/amd64", "win_amd64"),
        ("windows/386", "win32"),
        ("manylinux2014_aarch64", "manylinux_2_17_aarch64"),
        ("manylinux1_i686", "manylinux_2_5_i686"),
    ],
)
def test_aliases(alias: str, tag: str) -> None:
    assert Platform.parse(alias).tag == tag


def test_legacy_tags_stand_beside_the_glibc_that_they_mean() -> None:
    tags = Platform.parse("manylinux_2_17_x86_64").tags
    assert tags[:2] == ("manylinux_2_17_x86_64", "manylinux2014_x86_64")
    assert tags[-3:] == ("manylinux_2_5_x86_64", "manylinux1_x86_64", "linux_x86_64")
    assert Platform.parse("manylinux_2_18_aarch64").tags == (
        "manylinux_2_18_aarch64",
        "manylinux_2_17_aarch64",
        "manylinux2014_aarch64",
        "linux_aarch64",
    )


def test_a_32_bit_python_on_a_64_bit_arm_takes_wheels_for_armv7l_too() -> None:
    tags = Platform.parse("manylinux_2_17_armv8l").tags
    assert tags == (
        "manylinux_2_17_armv8l",
        "manylinux2014_armv8l",
        "manylinux_2_17_armv7l",
        "manylinux2014_armv7l",
        "linux_armv8l",
        "linux_armv7l",
    )


@pytest.mark.parametrize(
    ("platform", "os_name", "sys_platform", "system", "machine"),
    [
        ("linux/arm64", "posix", "linux", "Linux", "aarch64"),
        ("alpine/amd64", "posix", "linux", "Linux", "x86_64"),
        ("macos/arm64", "posix", "darwin", "Darwin", "arm64"),
        ("windows/amd64", "nt", "win32", "Windows", "AMD64"),
        ("windows/arm64", "nt", "win32", "Windows", "ARM64"),
        ("windows/386", "nt", "win32", "Windows", "x86"),
    ],
)
def test_the_markers_of_a_platform_hang_together(
    platform: str, os_name: str, sys_platform: str, system: str, machine: str
) -> None:
    environment = target("3.12", platform).environment
    assert environment["os_name"] == os_name
    assert environment["sys_platform"] == sys_platform
    assert environment["platform_system"] == system
    assert environment["platform_machine"] == machine


def test_free_threaded_and_pypy_builds_take_their_own_abis() -> None:
    abis = {python: {tag.abi for tag in target(python, "linux/amd64").tags} for python in PYTHONS}
    assert abis["3.12"] == {"cp312", "abi3", "none"}
    assert abis["3.7"] == {"cp37m", "abi3", "none"}
    assert abis["3.13t"] == {"cp313t", "abi3t", "none"}
    assert abis["3.15t"] == {"cp315t", "abi3t", "none"}
    assert abis["pypy3.10"] == {"pypy310_pp73", "none"}


def test_pypys_tags_are_those_that_pypy_gives() -> None:
    tags = [str(tag) for tag in target("pypy3.10", "win_amd64").tags]
    assert tags[:3] == ["pp310-pypy310_pp73-win_amd64", "pp310-none-win_amd64", "py310-none-win_amd64"]
    assert "pp3-none-any" in tags and "cp310-none-any" not in tags


def test_abi3_of_every_older_minor_fits_behind_the_own_abi() -> None:
    tags = list(target("3.12", "win_amd64").tags)
    expected = list(cpython_tags((3, 12), ["cp312"], ["win_amd64"]))
    assert tags[: len(expected)] == expected
    assert Tag("cp32", "abi3", "win_amd64") in tags


def test_universal2_takes_only_what_suits_both_kinds_of_mac() -> None:
    both = set(mac_platforms((14, 0), "arm64")) & set(mac_platforms((14, 0), "x86_64"))
    assert set(Platform.parse("macos/universal2").tags) == both


def test_a_marker_about_the_machine_cannot_be_answered_for_both_kinds_of_mac() -> None:
    both = target("3.12", "macos/universal2")
    assert both.applies(Marker("sys_platform == 'darwin'"))
    assert both.applies(Marker("platform_machine != 'aarch64'"))
    with pytest.raises(InputError, match="platform_machine"):
        both.applies(Marker("platform_machine == 'arm64'"))


def test_a_marker_about_the_kernel_is_an_error_only_where_it_decides() -> None:
    linux = target("3.12", "linux/amd64")
    assert not linux.applies(Marker("platform_release >= '20.9.0' and sys_platform == 'darwin'"))
    with pytest.raises(InputError, match="platform_version"):
        linux.applies(Marker("platform_version == '#1'"))


def test_a_marker_with_many_texts_about_the_kernel_is_an_error() -> None:
    pairs = " or ".join(f'platform_release == "a{number}" or platform_version == "b{number}"' for number in range(60))
    for marker in (pairs, f"{pairs} or os_name == 'posix'"):
        with pytest.raises(InputError, match="depends on platform_release and platform_version"):
            target("3.12", "linux/amd64").applies(Marker(marker))


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("3.5", "no Python that wheelhouse knows"),
        ("3", "no Python that wheelhouse knows"),
        ("2.7", "not a Python version"),
        ("3.12t", "free-threaded"),
        ("pypy3.12", "no PyPy that wheelhouse knows"),
        ("pypy3.11t", "free-threaded"),
        ("3.12.4.1", "not a Python version"),
        ("3.\uff11\uff12", "not a Python version"),
        (f"3.{'1' * 5000}", "not a Python version"),
    ],
)
def test_what_is_no_python(text: str, sentence: str) -> None:
    with pytest.raises(InputError, match=sentence) as caught:
        Python.parse(text)
    assert caught.value.hint


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("linux", "not a platform"),
        ("linux/amd65", "not a platform"),
        ("macos/386", "not a platform"),
        ("manylinux_2_16_aarch64", "no wheels for this version"),
        ("manylinux_2_4_x86_64", "no wheels for this version"),
        ("manylinux_2_2800_x86_64", "no wheels for this version"),
        ("manylinux_2_028_x86_64", "no wheels for this version"),
        ("manylinux_1_28_x86_64", "no wheels for this version"),
        ("musllinux_2_0_x86_64", "no wheels for this version"),
        ("manylinux_2_28_amd64", "does not end with an architecture"),
        ("macosx_10_9_arm64", "not a macOS"),
        ("macosx_10_9_universal2", "not a macOS"),
        ("macosx_10_40_x86_64", "not a macOS"),
        ("macosx_10000_0_arm64", "not a macOS"),
        ("win_ia64", "not a platform"),
        (f"manylinux_2_{'2' * 5000}_x86_64", "not a platform"),
        (f"macosx_14_{'2' * 5000}_arm64", "not a platform"),
        ("manylinux_2_\uff12\uff18_x86_64", "not a platform"),
        ("manylinux_2_28_x86_64.linux_x86_64", "does not end with an architecture|not a platform"),
    ],
)
def test_what_is_no_platform(text: str, sentence: str) -> None:
    with pytest.raises(InputError, match=sentence) as caught:
        Platform.parse(text)
    assert caught.value.hint


def test_each_platform_that_the_hint_names_can_be_written() -> None:
    with pytest.raises(InputError) as caught:
        Platform.parse("linux")
    choices = (caught.value.hint or "").removeprefix("write one of ").partition(", or ")[0].split(", ")
    assert {Platform.parse(choice).system for choice in choices} == {"Linux", "Darwin", "Windows"}


def test_a_patch_release_is_the_newest_unless_it_is_named() -> None:
    assert Python.parse("3.11").version == Python.parse(f"3.11.{NEWEST_PATCH[3, 11]}").version
    assert not Python.parse("3.11").exact and Python(Version("3.11.2")).exact
    assert target("3.11.2", "linux/amd64").applies(Marker("python_full_version < '3.11.3'"))
    assert not target("3.11.3", "linux/amd64").applies(Marker("python_full_version < '3.11.3'"))


def test_no_minor_release_is_left_out_and_ended_ones_have_their_last_patch() -> None:
    assert list(NEWEST_PATCH) == [(3, minor) for minor in range(6, 6 + len(NEWEST_PATCH))]
    assert list(NEWEST_PYPY) == [(3, minor) for minor in range(6, 6 + len(NEWEST_PYPY))]
    ended = ["3.6.15", "3.7.17", "3.8.20", "3.9.25"]
    assert [str(Python.parse(text.rpartition(".")[0]).version) for text in ended] == ended
    last = {"pypy3.6": ("3.6.12", "7.3.3"), "pypy3.7": ("3.7.13", "7.3.9"), "pypy3.8": ("3.8.16", "7.3.11")}
    environments = {name: target(name, "linux/amd64").environment for name in last}
    assert last == {
        name: (each["python_full_version"], each["implementation_version"]) for name, each in environments.items()
    }


def test_pypys_patch_release_is_not_cpythons() -> None:
    environment = target("pypy3.9", "linux/amd64").environment
    assert environment["python_full_version"] == "3.9.19"
    assert environment["implementation_version"] == "7.3.16"
    assert environment["platform_python_implementation"] == "PyPy"


def test_the_markers_of_an_unknown_implementation_are_not_known() -> None:
    for python, kind in ((Python(Version("3.11.7"), "graalpy"), "Python"), (Python(Version("3.99.0"), "pypy"), "PyPy")):
        with pytest.raises(InputError, match=f"`{python.spelling}` is no {kind} that wheelhouse knows"):
            python.markers()


def test_all_docker_architectures_have_an_alias() -> None:
    assert [Platform.parse(f"linux/{name}").machine for name in ARCHITECTURES] == list(ARCHITECTURES.values())
