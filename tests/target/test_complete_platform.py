"""Targets described in full: read, written, and kept in a lock."""

import json
import tomllib
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from packaging.markers import Marker
from packaging.tags import Tag

from tests.support.index import IndexServer
from tests.support.tools import wheelhouse
from tests.support.wheels import build_wheel
from wheelhouse.errors import InputError
from wheelhouse.lock.lock import Inputs, Lock
from wheelhouse.lock.read_lock import parse_lock
from wheelhouse.lock.write_lock import lock_toml
from wheelhouse.target.complete_platform import complete_platform, compress, expand, parse_complete_platform
from wheelhouse.target.target import Platform, Python, Target

GRAALPY = {
    "marker_environment": {
        "implementation_name": "graalpy",
        "implementation_version": "24.1.1",
        "os_name": "posix",
        "platform_machine": "x86_64",
        "platform_python_implementation": "GraalVM",
        "platform_release": "6.1.0-13-amd64",
        "platform_system": "Linux",
        "platform_version": "#1 SMP",
        "python_full_version": "3.11.7",
        "python_version": "3.11",
        "sys_platform": "linux",
    },
    "compatible_tags": [
        "graalpy311-graalpy241_311_native-linux_x86_64",
        "graalpy311-graalpy241_311_native-manylinux_2_36_x86_64",
        "py3-none-any",
    ],
}


def described(**changes: object) -> Target:
    return parse_complete_platform(json.dumps({**GRAALPY, **changes}), "target.json")


def markers_without(*names: str) -> dict[str, str]:
    return {key: value for key, value in GRAALPY["marker_environment"].items() if key not in names}


def test_an_interpreter_that_nobody_knows_is_exact() -> None:
    target = described()
    assert target.name == "graalpy311-manylinux_2_36_x86_64"
    assert [str(tag) for tag in target.tags] == GRAALPY["compatible_tags"]
    assert target.environment == GRAALPY["marker_environment"]
    assert not target.is_derived
    assert target.applies(
        Marker("platform_release == '6.1.0-13-amd64' and platform_python_implementation == 'GraalVM'")
    )
    assert complete_platform(target) == GRAALPY


@pytest.mark.parametrize(
    ("python", "platform"),
    [
        ("3.7.9", "linux/arm/v7"),
        ("3.13t", "alpine/amd64"),
        ("3.12", "macos/universal2"),
        ("pypy3.10", "windows/amd64"),
        ("3.6", "manylinux_2_17_i686"),
    ],
)
def test_a_derived_target_written_and_read_is_the_same(python: str, platform: str) -> None:
    target = Target.of(Python.parse(python), Platform.parse(platform))
    again = parse_complete_platform(json.dumps(complete_platform(target)), "target.json")
    assert again == target and again.tags == target.tags and again.is_derived


@pytest.mark.parametrize("target", [described(), Target.of(Python.parse("3.13t"), Platform.parse("linux/arm64"))])
def test_a_lock_keeps_its_target(target: Target) -> None:
    lock = Lock(target, Inputs(requirements=("app",)))
    text = lock_toml(lock, with_paths=True)
    table = tomllib.loads(text)["tool"]["wheelhouse"]["target"]
    assert table["name"] == target.name
    assert ("markers" in table) != target.is_derived
    again = parse_lock(text, "pylock.toml").target
    assert again == target and again.tags == target.tags
    assert lock_toml(parse_lock(text, "pylock.toml"), with_paths=True) == text


def test_markers_that_a_file_leaves_out_are_unknown_not_the_hosts() -> None:
    target = described(marker_environment=markers_without("platform_release", "platform_version"))
    with pytest.raises(InputError, match="platform_release"):
        target.applies(Marker("platform_release >= '6'"))


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"marker_environment": markers_without("os_name", "python_version")}, "os_name, python_version"),
        ({"marker_environment": markers_without("platform_machine")}, "lacks the markers platform_machine"),
        ({"marker_environment": {**markers_without(), "os": "posix"}}, "PEP 508 does not define: os"),
        ({"marker_environment": {**markers_without(), "os_name": 1}}, "not all strings"),
        ({"marker_environment": {**markers_without(), "python_full_version": "3.x"}}, "is not a version"),
        ({"marker_environment": {**markers_without(), "python_full_version": "3.12.1"}}, "python_version is 3.11"),
        ({"marker_environment": ["os_name"]}, "not a complete platform"),
        ({"compatible_tags": []}, "no tags"),
        ({"compatible_tags": ["py3"]}, "`py3` is not a tag"),
        ({"compatible_tags": ["-".join([".".join(["py3"] * 64)] * 3)]}, "more than 65536 tags"),
        ({"compatible_tags": ["py3-none-../../any"]}, "is not valid|not a tag"),
        ({"compatible_tags": [1]}, "not a complete platform"),
    ],
)
def test_what_describes_no_target(changes: dict[str, object], sentence: str) -> None:
    with pytest.raises(InputError, match=sentence) as caught:
        described(**changes)
    assert "target.json" in str(caught.value) and caught.value.hint


@pytest.mark.parametrize(
    "text", ["", "[]", "{}", '"x"', "null", '{"marker_environment": {}}', "[" * 99999], ids=lambda text: text[:9]
)
def test_what_is_no_complete_platform(text: str) -> None:
    with pytest.raises(InputError, match=r"target\.json"):
        parse_complete_platform(text, "target.json")


PARTS = st.sampled_from(["cp312", "py3", "abi3", "none", "any", "win32"])


@given(st.lists(st.builds(Tag, PARTS, PARTS, PARTS), unique=True))
def test_compressed_tags_are_the_same_tags_in_the_same_order(tags: list[Tag]) -> None:
    assert list(expand(compress(tags))) == tags


def test_a_target_file_decides_from_fetch_to_verify(tmp_path: Path) -> None:
    folder = tmp_path / "offered"
    folder.mkdir()
    build_wheel(folder, "app", "1.0", requires=["fast; platform_python_implementation == 'GraalVM'"])
    build_wheel(folder, "fast", "1.0", tag="graalpy311-graalpy241_311_native-manylinux_2_36_x86_64")
    build_wheel(folder, "fast", "2.0", tag="cp311-cp311-manylinux_2_36_x86_64")
    (tmp_path / "target.json").write_text(json.dumps(GRAALPY))
    with IndexServer(folder) as server:
        asked = ("fetch", "app", "--target-file", "target.json", "--index", server.url)
        first = wheelhouse(*asked, cwd=tmp_path)
        assert first.returncode == 0, first.stderr
        house = {path.name: path.read_bytes() for path in (tmp_path / "wheels").iterdir()}
        again = wheelhouse(*asked, cwd=tmp_path)
    assert "pylock.graalpy311-manylinux_2_36_x86_64.toml" in house
    assert "fast-1.0-graalpy311-graalpy241_311_native-manylinux_2_36_x86_64.whl" in house
    assert again.returncode == 0 and "from the lock file" in again.stderr
    assert {path.name: path.read_bytes() for path in (tmp_path / "wheels").iterdir()} == house
    assert wheelhouse("verify", cwd=tmp_path).returncode == 0


def test_target_show_writes_what_target_file_reads(tmp_path: Path) -> None:
    shown = wheelhouse("target", "show", "--python", "3.12", "--image", "python:3.12-slim-bookworm", cwd=tmp_path)
    assert shown.returncode == 0, shown.stderr
    (tmp_path / "target.json").write_text(shown.stdout)
    again = wheelhouse("target", "show", "--target-file", "target.json", cwd=tmp_path)
    assert json.loads(again.stdout) == json.loads(shown.stdout)
    twice = wheelhouse(
        "target", "show", "--target-file", "target.json", "--python", "3.12", "--platform", "manylinux_2_36_x86_64",
        cwd=tmp_path,
    )  # fmt: skip
    assert twice.returncode == 2 and "cp312-manylinux_2_36_x86_64 is requested twice" in twice.stderr


def test_a_target_file_that_is_not_there_is_an_error(tmp_path: Path) -> None:
    missing = wheelhouse("target", "show", "--target-file", "nowhere.json", cwd=tmp_path)
    assert missing.returncode == 2 and "nowhere.json" in missing.stderr
