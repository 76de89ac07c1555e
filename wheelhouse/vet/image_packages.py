"""The Debian packages that are installed in a base image (pure)."""

from dataclasses import dataclass

import msgspec

from wheelhouse.oci.image_lock import FOLDER


class ImagePackage(msgspec.Struct, frozen=True):
    """One installed package; `licence` is an SPDX expression, empty if its copyright file tells none."""

    name: str
    version: str
    architecture: str
    source: str
    source_version: str
    licence: str = ""


@dataclass(frozen=True, slots=True)
class ImagePackages:
    """The packages of one base image. `subject` is the path of its manifest in the wheelhouse, `distribution` such as `debian-12`."""

    subject: str
    architecture: str
    distribution: str
    packages: tuple[ImagePackage, ...]

    def ref(self, package: str) -> str:
        """What a bill of materials calls a package of the image: `image/<architecture>/<package>`."""
        return f"{FOLDER}/{self.architecture}/{package}"
