"""A pyproject.toml as an input, without a run."""

import pytest

from wheelhouse.errors import InputError
from wheelhouse.fetch.project import parse_project


def lines(extras: str, wanted: str) -> list[str]:
    project = parse_project(f'[project]\nname = "p"\n[project.optional-dependencies]\n{extras}', "pyproject.toml")
    return [line.text for line in project.lines([wanted])]


def test_an_extra_that_another_one_takes_under_a_marker_has_this_marker() -> None:
    extras = """
all = ["p[win]; sys_platform == 'win32'", "p[more]"]
win = ["pywin32", "old; python_version < '3' or extra == 'x'", "p[all]", "p[deep]; python_version < '4'"]
more = ["lib"]
deep = ["base"]
"""
    assert lines(extras, "all") == [
        'pywin32; sys_platform == "win32"',
        'old; (python_version < "3" or extra == "x") and sys_platform == "win32"',
        "lib",
        'base; sys_platform == "win32" and python_version < "4"',
    ]


def test_an_extra_that_counts_under_two_markers_is_taken_with_both() -> None:
    extras = """
all = ["p[a]; sys_platform == 'win32'", "p[a]; sys_platform == 'darwin'", "p[b]; sys_platform == 'linux'", "p[b]"]
a = ["one"]
b = ["two"]
"""
    assert lines(extras, "all") == [
        'one; sys_platform == "win32"',
        'one; sys_platform == "darwin"',
        'two; sys_platform == "linux"',
        "two",
    ]


def test_an_extra_that_counts_under_too_many_markers_is_refused() -> None:
    extras = "".join(
        f"""e{level} = ["p[e{level + 1}]; python_version < '3.{level}'", "p[e{level + 1}]; platform_release < '{level}'"]\n"""
        for level in range(12)
    )
    with pytest.raises(
        InputError, match=r"`pyproject.toml` requires its extra `e7` with more than 64 different sets of markers"
    ):
        lines(f"{extras}e12 = ['lib']\n", "e0")


@pytest.mark.parametrize("dynamic", ["5", "'dependencies'", "{}"])
def test_what_is_no_list_of_dynamic_keys_is_refused(dynamic: str) -> None:
    with pytest.raises(InputError, match="`dynamic`"):
        parse_project(f'[project]\nname = "p"\ndynamic = {dynamic}\n', "pyproject.toml")


@pytest.mark.parametrize("value", ["{}", "[]", '[">=3.9"]', f'">=3.{"9" * 5000}"'])
def test_what_is_no_requires_python_is_refused(value: str) -> None:
    with pytest.raises(InputError, match="`requires-python` is not a text, or contains"):
        parse_project(f'[project]\nname = "p"\nrequires-python = {value}\n', "pyproject.toml")
