"""The values at which the choice of a base image turns."""

import pytest

from wheelhouse.errors import InputError
from wheelhouse.stage.base_image import default_base_image, must_suit
from wheelhouse.target.target import Platform, Python, Target


def target(python: str, platform: str) -> Target:
    return Target.of(Python.parse(python), Platform.parse(platform))


@pytest.mark.parametrize(
    ("python", "platform", "image"),
    [
        ("3.12", "manylinux_2_36_x86_64", "python:3.12-slim-bookworm"),
        ("3.12", "manylinux_2_37_x86_64", "python:3.12-slim-trixie"),
        ("3.6", "manylinux_2_31_x86_64", "python:3.6-slim-bullseye"),
        ("3.6", "manylinux_2_32_x86_64", "python:3.6-slim-bookworm"),
        ("3.7", "manylinux_2_28_x86_64", "python:3.7-slim-bookworm"),
    ],
)
def test_the_oldest_debian_that_suits(python: str, platform: str, image: str) -> None:
    assert default_base_image(target(python, platform)) == image


def test_no_debian_has_a_newer_glibc_than_the_newest() -> None:
    with pytest.raises(InputError, match=r"glibc 2\.42"):
        default_base_image(target("3.12", "manylinux_2_42_x86_64"))


def test_an_image_suits_with_the_targets_own_c_library() -> None:
    needs = target("3.12", "manylinux_2_36_x86_64")
    must_suit("python:3.12-slim-bookworm", needs)
    must_suit("debian:13", needs)
    must_suit("registry.example:5000/a/b-c_d@sha256:" + "0" * 64, needs)
    must_suit("${REGISTRY}/python:3.12-slim-bookworm", needs)
    for image in ("debian:11", "python:3.12-slim\n", "python 3.12", "", "-x", "a" * 513):
        with pytest.raises(InputError):
            must_suit(image, needs)


@pytest.mark.parametrize("image", ["python:3.9", "python:3.9-slim", "mirror.example/library/python:3.9", "pypy:3.12"])
def test_an_image_of_another_python_is_refused_also_if_its_c_library_is_not_known(image: str) -> None:
    with pytest.raises(InputError, match="not for the Python of"):
        must_suit(image, target("3.12", "manylinux_2_36_x86_64"))


@pytest.mark.parametrize(
    "image",
    [
        "python:3.12",
        "python:3.12.4-slim",
        "python:3",
        "python",
        "mirror.example/base:3.9",
        "mirror.example/base/python:3.2",
        "mirror.example/python:3.1.0-team",
        "$REGISTRY/python:3.1${MINOR}",
        "$REGISTRY/python:3.11$MINOR",
    ],
)
def test_an_image_that_names_this_python_or_none_suits(image: str) -> None:
    must_suit(image, target("3.12", "manylinux_2_36_x86_64"))


def test_an_official_image_does_not_suit_a_free_threaded_target() -> None:
    for image in ("python:3.13-slim-bookworm", "python:3.13"):
        must_suit(image, target("3.13", "manylinux_2_36_x86_64"))
        with pytest.raises(InputError, match="not for the Python of"):
            must_suit(image, target("3.13t", "manylinux_2_36_x86_64"))
    for image in ("mirror.example/base:1", "mirror.example/python:3.13t-bookworm", "corp/python-3.13t:bookworm"):
        must_suit(image, target("3.13t", "manylinux_2_36_x86_64"))


@pytest.mark.parametrize("platform", ["windows/amd64", "macos/arm64"])
def test_no_image_is_for_a_target_that_is_not_linux(platform: str) -> None:
    with pytest.raises(InputError, match="is not a Linux target"):
        default_base_image(target("3.12", platform))
