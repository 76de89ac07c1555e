"""What a base image's name says of its C library and Python (the product never pulls one to look)."""

import re
from dataclasses import dataclass

from wheelhouse.errors import InputError

GLIBC = {
    "buster": "2_28",
    "bullseye": "2_31",
    "bookworm": "2_36",
    "trixie": "2_41",
    "ubuntu:20.04": "2_31",
    "ubuntu:22.04": "2_35",
    "ubuntu:24.04": "2_39",
    "focal": "2_31",
    "jammy": "2_35",
    "noble": "2_39",
    "ubi8": "2_28",
    "ubi9": "2_34",
    "ubi10": "2_39",
    "amazonlinux:2023": "2_34",
}
ALPINE_MUSL = "1_2"
MACHINES = {
    "amd64": "x86_64",
    "arm64": "aarch64",
    "386": "i686",
    "arm/v7": "armv7l",
    "ppc64le": "ppc64le",
    "s390x": "s390x",
}


@dataclass(frozen=True, slots=True)
class Image:
    """A base image: its platform tag's first part (`manylinux_2_36`), and its Python where the name says one."""

    libc: str
    python: str | None = None

    @classmethod
    def parse(cls, name: str) -> "Image":
        """Read `--image`, such as `python:3.12-slim-bookworm`. Raises InputError where the tag names no release."""
        if "alpine" in name:
            return cls(f"musllinux_{ALPINE_MUSL}", _python(name))
        for release, glibc in GLIBC.items():
            if release in name:
                return cls(f"manylinux_{glibc}", _python(name))
        raise InputError(
            f"the image name `{name}` does not say which release of its distribution it holds",
            hint=f"name one of {', '.join(GLIBC)} or alpine in the tag, or say --platform manylinux_2_36_x86_64",
        )

    def platform(self, architecture: str) -> str:
        """The platform tag of this image on `linux/amd64` and the like."""
        machine = MACHINES.get(architecture.removeprefix("linux/"))
        if machine is None:
            raise InputError(
                f"`{architecture}` does not go with an image's name",
                hint=f"write --platform linux/{{{','.join(MACHINES)}}} beside --image or --airflow",
            )
        return f"{self.libc}_{machine}"


def _python(name: str) -> str | None:
    match = re.search(r"python:?-?(3\.\d+(?:\.\d+)?)", name)
    return match[1] if match else None
