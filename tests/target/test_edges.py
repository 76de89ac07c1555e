"""The values at which a decision of this package turns."""

import json
from pathlib import Path

import pytest
from packaging.markers import Marker
from packaging.specifiers import SpecifierSet
from packaging.tags import Tag

from wheelhouse.errors import InputError
from wheelhouse.target.complete_platform import MAX_TAGS, compress, expand, parse_complete_platform
from wheelhouse.target.image import Image
from wheelhouse.target.interpreters import Interpreter, InterpreterPlaces, unfit
from wheelhouse.target.target import Platform, Python, Target


def target(python: str, platform: str) -> Target:
    return Target.of(Python.parse(python), Platform.parse(platform))


@pytest.mark.parametrize(
    ("last", "beyond"),
    [
        ("manylinux_2_99_x86_64", "manylinux_2_100_x86_64"),
        ("musllinux_1_99_x86_64", "musllinux_1_100_x86_64"),
        ("manylinux_2_5_i686", "manylinux_2_4_i686"),
        ("manylinux_2_17_riscv64", "manylinux_2_16_riscv64"),
        ("musllinux_1_0_x86_64", "musllinux_1_00_x86_64"),
        ("macosx_10_4_x86_64", "macosx_10_3_x86_64"),
        ("macosx_10_16_x86_64", "macosx_10_17_x86_64"),
        ("macosx_11_0_arm64", "macosx_10_16_arm64"),
        ("macosx_11_0_universal2", "macosx_10_16_universal2"),
        ("macosx_99_0_arm64", "macosx_100_0_arm64"),
        ("windows/386", "windows/arm/v7"),
        ("macos/arm64", "macos/arm/v7"),
        ("musl/amd64", "musl/amd65"),
    ],
)
def test_the_last_platform_that_is_one(last: str, beyond: str) -> None:
    assert Platform.parse(last).tags
    with pytest.raises(InputError):
        Platform.parse(beyond)


@pytest.mark.parametrize(
    ("alias", "tag"),
    [
        ("linux/riscv64", "manylinux_2_39_riscv64"),
        ("linux/loong64", "manylinux_2_38_loongarch64"),
        ("linux/armv8l", "manylinux_2_31_armv8l"),
        ("musl/arm64", "musllinux_1_2_aarch64"),
        ("darwin/arm64", "macosx_14_0_arm64"),
        ("macos/universal2", "macosx_14_0_universal2"),
        ("windows/arm64", "win_arm64"),
        ("manylinux2010_x86_64", "manylinux_2_12_x86_64"),
        ("macosx_10_9_x86_64", "macosx_10_9_x86_64"),
        ("macosx_11_3_x86_64", "macosx_11_0_x86_64"),
    ],
)
def test_what_a_platforms_name_stands_for(alias: str, tag: str) -> None:
    assert Platform.parse(alias).tag == tag


def test_legacy_tags_belong_to_glibc_alone() -> None:
    assert "manylinux2010_x86_64" in Platform.parse("manylinux_2_12_x86_64").tags
    assert "manylinux2010_x86_64" not in Platform.parse("manylinux_2_11_x86_64").tags
    assert Platform.parse("musllinux_1_5_x86_64").tags[-2:] == ("musllinux_1_0_x86_64", "linux_x86_64")
    assert Platform.parse("macos/universal2").machine == ""


@pytest.mark.parametrize(
    ("text", "tag", "version", "program"),
    [
        ("cp312", "cp312", "3.12.16", "python3.12"),
        ("312", "cp312", "3.12.16", "python3.12"),
        ("cpython-3.12.4", "cp312", "3.12.4", "python3.12"),
        ("python3.13t", "cp313t", "3.13.18", "python3.13t"),
        ("pp310", "pp310", "3.10.16", "pypy3.10"),
        ("3.14.0rc1", "cp314", "3.14.0rc1", "python3.14"),
        ("36", "cp36", "3.6.15", "python3.6"),
    ],
)
def test_how_a_python_can_be_written(text: str, tag: str, version: str, program: str) -> None:
    python = Python.parse(text)
    assert (python.tag, str(python.version), python.program) == (tag, version, program)
    assert python.exact == (version in text)


def test_the_m_of_an_abi_ended_with_3_7() -> None:
    assert {tag.abi for tag in target("3.8", "linux/amd64").tags} == {"cp38", "abi3", "none"}


def test_a_prerelease_is_allowed_where_its_number_is() -> None:
    python = target("3.15.0b1", "linux/amd64")
    assert python.allows(SpecifierSet(">=3.14")) and python.allows(SpecifierSet(">=3.15.0a1"))
    assert not python.allows(SpecifierSet(">=3.15")) and not python.allows(SpecifierSet("<3.15"))


def test_a_wheel_ranks_by_its_best_tag() -> None:
    linux = target("3.12", "linux/amd64")
    best, last = linux.tags[0], linux.tags[-1]
    assert linux.rank([last, best]) == 0
    assert linux.rank([last]) == len(linux.tags) - 1
    assert linux.rank([]) is None and linux.rank([Tag("cp312", "cp312", "win32")]) is None


def test_no_marker_always_applies_and_an_extra_only_if_it_is_asked_for() -> None:
    linux = target("3.12", "linux/amd64")
    assert linux.applies(None)
    assert linux.applies(Marker("extra == 'fast'"), "fast") and not linux.applies(Marker("extra == 'fast'"))
    assert linux.applies(Marker("platform_release != '' or sys_platform == 'linux'"))


@pytest.mark.parametrize(
    ("name", "libc"), [("alpine:3.9", "musllinux_1_1"), ("alpine:4.0", "musllinux_1_2"), ("alpine", "musllinux_1_2")]
)
def test_the_musl_of_an_alpine(name: str, libc: str) -> None:
    assert Image.parse(name).libc == libc


def test_an_architecture_goes_with_an_image_by_each_of_its_names() -> None:
    image = Image.parse("alpine:3.20")
    assert image.platform("amd64") == image.platform("x86_64") == "musllinux_1_2_x86_64"


@pytest.mark.parametrize(
    ("python", "platform", "reason"),
    [
        ("3.12.1", "manylinux_2_17_x86_64", None),
        ("3.11", "manylinux_2_28_x86_64", "it is cp311 on Linux"),
        ("3.12", "windows/amd64", "it is cp312 on Windows"),
        ("3.12", "linux/arm64", "it runs on aarch64, but the target runs on x86_64"),
        ("3.12", "alpine/amd64", "its platform is musllinux, but the platform of the target is manylinux"),
    ],
)
def test_which_interpreter_can_build_for_a_target(python: str, platform: str, reason: str | None) -> None:
    assert unfit(target(python, platform), target("3.12", "manylinux_2_28_x86_64")) == reason


def test_a_sandbox_shows_the_parts_of_a_prefix_but_not_of_the_system(tmp_path: Path) -> None:
    for part in ("bin", "lib", "secrets"):
        (tmp_path / part).mkdir()
    interpreter = Interpreter(Path("python"), (Path("/usr"), Path("/"), tmp_path), target("3.12", "linux/amd64"))
    assert set(interpreter.shown.values()) == {tmp_path / "bin", tmp_path / "lib"}
    assert interpreter.described == "CPython 3.12.16, manylinux_2_28_x86_64"


def test_interpreters_are_looked_for_on_path_then_in_pyenv_then_in_uvs_folder(tmp_path: Path) -> None:
    paths = [
        *("bin/python3.12", "bin/python3.12t", "bin/pypy3.12", "bin/python3", "bin/python"),
        *("pyenv/versions/3.12.9/bin/python", "pyenv/versions/3.12.1/bin/python"),
        "home/.local/share/uv/python/cpython-3.12.4-linux/bin/python3.12",
    ]
    for name in (*paths, "pyenv/versions/3.11.1/bin/python"):
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("")
        path.chmod(0o755)
    places = InterpreterPlaces(str(tmp_path / "bin"), tmp_path / "home", tmp_path / "pyenv")
    assert [path.relative_to(tmp_path).as_posix() for path in places.candidates("3.12")] == paths


def test_how_many_tags_a_description_can_have() -> None:
    parts = ".".join(["py3"] * 256)
    assert len(list(expand([f"{parts}-{parts}-any"]))) == MAX_TAGS
    with pytest.raises(InputError, match="more than 65536"):
        list(expand([f"{parts}-{parts}-any", "py3-none-any"]))


def test_only_neighbours_with_one_interpreter_and_abi_are_compressed() -> None:
    tags = [
        Tag("cp312", "cp312", "a"),
        Tag("cp312", "cp312", "b"),
        Tag("cp312", "abi3", "b"),
        Tag("cp312", "cp312", "c"),
    ]
    assert list(compress(tags)) == ["cp312-cp312-a.b", "cp312-abi3-b", "cp312-cp312-c"]


def described(tags: list[str], **markers: str) -> Target:
    environment = {key: value for key, value in target("3.12", "linux/amd64").environment.items() if value}
    return parse_complete_platform(
        json.dumps({"marker_environment": {**environment, **markers}, "compatible_tags": tags}), "target.json"
    )


def test_what_a_described_target_is_called() -> None:
    assert described(["cp312-cp312-linux_x86_64", "cp312-cp312-manylinux_2_17_x86_64"]).platform.tag == (
        "manylinux_2_17_x86_64"
    )
    assert described(["cp312-cp312-linux_x86_64"]).name == "cp312-linux_x86_64"
    assert described(["cp37-cp37m-linux_x86_64"]).name == "cp37-linux_x86_64"
    assert described(["cp313-cp313td-linux_x86_64"]).name == "cp313td-linux_x86_64"
    assert described(["py3-none-any"]).name == "py3-any"
    assert described(["cp313-cp313t-linux_x86_64"]).python.free_threaded
    assert not described(["cp313-cp313d-linux_x86_64"]).python.free_threaded
    assert str(described(["py3-none-any"], python_full_version="3.12.4+").python.version) == "3.12.4"


@pytest.mark.parametrize("platform", ["linux_x86_64/../x", "linux x86", ".linux", "linux\n"])
def test_tags_that_give_no_name_that_can_be_a_file_are_refused(platform: str) -> None:
    known = target("3.12", "linux/amd64")
    with pytest.raises(InputError, match="is not valid"):
        Target.described(dict(known.environment), [Tag("cp312", "cp312", platform)])
