"""The C library and the Python of a base image, from its name alone: no image is pulled (pure)."""

import re
from dataclasses import dataclass

from wheelhouse.airflow import Airflow
from wheelhouse.errors import InputError
from wheelhouse.target.platform import ARCHITECTURES, linux_machine

GLIBC = {
    "buster": "2_28",
    "bullseye": "2_31",
    "bookworm": "2_36",
    "trixie": "2_41",
    "debian:10": "2_28",
    "debian:11": "2_31",
    "debian:12": "2_36",
    "debian:13": "2_41",
    "focal": "2_31",
    "jammy": "2_35",
    "noble": "2_39",
    "ubuntu:20.04": "2_31",
    "ubuntu:22.04": "2_35",
    "ubuntu:24.04": "2_39",
    "ubi8": "2_28",
    "ubi9": "2_34",
    "ubi10": "2_39",
    "rockylinux:8": "2_28",
    "rockylinux:9": "2_34",
    "almalinux:8": "2_28",
    "almalinux:9": "2_34",
    "almalinux:10": "2_39",
    "amazonlinux:2": "2_26",
    "amazonlinux:2023": "2_34",
}
"""Releases of distributions as image names have them, and the glibc of each. An image name can lack the `:`."""
ALPINE = re.compile(r"alpine(?!:?\d{10,}\.\d|:?\d+\.\d{10}):?(?:(\d+)\.(\d+))?")
"""Its release can be missing. A release has no number of ten digits or more, of which Python reads at most 4300."""
MUSL_1_2_SINCE = (3, 13)
"""The first Alpine with musl 1.2. Images of Python that name no Alpine release are newer."""
CHOICES = f"{', '.join(GLIBC)}, alpine:3.20 or apache/airflow:VERSION"


@dataclass(frozen=True, slots=True)
class Image:
    """A base image: the first part of its platform tag (`manylinux_2_36`), and its Python, None if its name has no Python version."""

    libc: str
    python: str | None = None

    @classmethod
    def parse(cls, name: str) -> "Image":
        """Read `--image`, such as `python:3.12-slim-bookworm`; an image of Airflow is that of its release's Debian. A digest is ignored.

        Raises InputError if the name has no release of a distribution (`alpine` alone is enough: a new one), or two with
        different C libraries; for an image of Airflow, as `Airflow.parse` does.
        """
        plain = name.partition("@")[0].lower()
        if match := re.search(r"(?:^|/)airflow:(?:slim-)?(\d[^-]*)(?:-python(3\.\d+))?$", plain):
            return cls(cls.parse(Airflow.parse(match[1]).debian).libc, match[2])
        libcs = {f"manylinux_{glibc}" for release, glibc in GLIBC.items() if _names(plain, release)}
        if match := ALPINE.search(plain):
            old = match[1] is not None and (int(match[1]), int(match[2])) < MUSL_1_2_SINCE
            libcs.add(f"musllinux_1_{1 if old else 2}")
        if len(libcs) != 1:
            raise InputError(
                f"the image name `{name}` does not contain the release of a Linux distribution",
                hint=f"add --platform manylinux_2_36_x86_64, or choose an image whose name contains one of {CHOICES}",
            )
        return cls(libcs.pop(), _python(plain))

    def platform(self, architecture: str) -> str:
        """The platform tag of this image, `manylinux_2_36_x86_64`, on an architecture: `linux/amd64`, `amd64` or `x86_64`.

        Raises InputError for an unknown one.
        """
        machine = linux_machine(architecture.removeprefix("linux/"))
        if machine is None:
            raise InputError(
                f"`{architecture}` is not an architecture that an image can have",
                hint=f"with --image or --airflow, write --platform linux/{{{','.join(ARCHITECTURES)}}}",
            )
        return f"{self.libc}_{machine}"


def _names(image: str, release: str) -> bool:
    """Whether a lower-case image name has a release of GLIBC as a whole word; `ubuntu22.04` and `ubuntu-22.04` have
    `ubuntu:22.04`, `ubi9/python-312` has `ubi9`.
    """
    word = re.escape(release).replace(":", "[:-]?")
    return re.search(rf"(?<![a-z0-9]){word}(?!\d)(?![a-z])", image) is not None


def _python(image: str) -> str | None:
    """The Python in a lower-case image name: `3.12`, `3.12.4`, `pypy3.10`; None without a Python 3 with a minor version."""
    if match := re.search(r"(?:^|/)pypy:(3\.\d+)", image):
        return f"pypy{match[1]}"
    match = re.search(r"python[:-]?(?:\d-)?3\.?(\d+(?:\.\d+)?)", image)
    return f"3.{match[1]}" if match else None
