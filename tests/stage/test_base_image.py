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
