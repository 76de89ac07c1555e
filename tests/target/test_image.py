"""What a base image's name says."""

import pytest

from wheelhouse.airflow.releases import RECIPES
from wheelhouse.errors import InputError
from wheelhouse.target.image import Image


@pytest.mark.parametrize(
    ("name", "libc", "python"),
    [
        ("python:3.12-slim-bookworm", "manylinux_2_36", "3.12"),
        ("python:3.12.4-slim-bullseye", "manylinux_2_31", "3.12.4"),
        ("docker.io/library/python:3.13-trixie", "manylinux_2_41", "3.13"),
        ("python:3.7-buster", "manylinux_2_28", "3.7"),
        ("python:3.12-alpine3.20", "musllinux_1_2", "3.12"),
        ("python:3.12-alpine", "musllinux_1_2", "3.12"),
        ("python:3.8-alpine3.12", "musllinux_1_1", "3.8"),
        ("alpine:3.13", "musllinux_1_2", None),
        ("alpine:20240807", "musllinux_1_2", None),
        ("alpine:202408071530", "musllinux_1_2", None),
        ("reg:5000/python:3.12-alpine20240807153000", "musllinux_1_2", "3.12"),
        ("pypy:3.10-7.3.17-slim-bookworm", "manylinux_2_36", "pypy3.10"),
        ("mirror.example/library/pypy:3.11-bookworm", "manylinux_2_36", "pypy3.11"),
        ("debian:12.5-slim", "manylinux_2_36", None),
        ("ubuntu:20.04", "manylinux_2_31", None),
        ("ubuntu:22.04", "manylinux_2_35", None),
        ("ubuntu:noble-20240605", "manylinux_2_39", None),
        ("nvidia/cuda:12.4.1-runtime-ubuntu22.04", "manylinux_2_35", None),
        ("registry.access.redhat.com/ubi8/ubi-minimal:8.10", "manylinux_2_28", None),
        ("registry.access.redhat.com/ubi9/python-312:1-77", "manylinux_2_34", "3.12"),
        ("redhat/ubi10", "manylinux_2_39", None),
        ("amazonlinux:2023", "manylinux_2_34", None),
        ("amazonlinux:2023.5.20240903.0", "manylinux_2_34", None),
        ("amazonlinux:2", "manylinux_2_26", None),
        ("ghcr.io/astral-sh/uv:python3.12-bookworm-slim", "manylinux_2_36", "3.12"),
        ("gcr.io/distroless/python3-debian12", "manylinux_2_36", None),
        ("localhost:5000/team/python:3.11-bookworm@sha256:" + "ab" * 32, "manylinux_2_36", "3.11"),
        ("apache/airflow:2.10.5-python3.12", "manylinux_2_36", "3.12"),
        ("apache/airflow:slim-2.10.5-python3.11", "manylinux_2_36", "3.11"),
        ("mirror.example/apache/airflow:2.5.0-python3.8", "manylinux_2_31", "3.8"),
        ("apache/airflow:2.0.0", "manylinux_2_28", None),
    ],
)
def test_an_image_says_its_c_library_and_may_say_its_python(name: str, libc: str, python: str | None) -> None:
    assert Image.parse(name) == Image(libc, python)


@pytest.mark.parametrize(
    "name",
    [
        "python:3.12-slim",
        "python",
        "debian:stable",
        "ubuntu:latest",
        "apache/airflow:latest-python3.12",
        "centos:stream",
        "acme/bookwormlike:1",
        "acme/bookworm-to-trixie:1",
        f"alpine:{'9' * 5000}.1",
        f"alpine:3.{'9' * 5000}",
    ],
)
def test_a_name_that_names_no_release_is_an_error_with_the_choices(name: str) -> None:
    with pytest.raises(InputError, match="does not contain the release") as caught:
        Image.parse(name)
    assert caught.value.hint and "bookworm" in caught.value.hint and "alpine" in caught.value.hint


def test_every_airflow_release_has_an_image() -> None:
    for version in RECIPES:
        assert Image.parse(f"apache/airflow:{version}").libc.startswith("manylinux_2_")


def test_an_image_on_an_architecture_is_a_platform() -> None:
    image = Image.parse("python:3.12-slim-bookworm")
    assert image.platform("linux/arm64") == image.platform("linux/aarch64") == "manylinux_2_36_aarch64"
    with pytest.raises(InputError):
        image.platform("linux/vax")
