"""Reads the Debian packages that are installed in a base image: what dpkg's status and the copyright files in its layers say."""

from collections.abc import Mapping
from pathlib import Path

import msgspec

from wheelhouse.debian.base_system import is_base_path
from wheelhouse.debian.copyright_file import licence_names, linked_package
from wheelhouse.debian.installed_packages import installed_packages
from wheelhouse.debian.read_base import base_in_image
from wheelhouse.documents import DocumentType
from wheelhouse.errors import WheelhouseError
from wheelhouse.fetch.fetch_base_images import layers_of
from wheelhouse.files.store import Store
from wheelhouse.oci.image_facts import RootFile
from wheelhouse.oci.image_lock import FOLDER, BaseImage
from wheelhouse.oci.root_files import read_root_files
from wheelhouse.vet.deb_licences import MAX_LINKS, spdx_expression
from wheelhouse.vet.image_packages import ImagePackage, ImagePackages

NOTES = "image-packages-2"
"""The kind of the notes. Raise the number when another answer is given for the same image."""
COPYRIGHTS, COPYRIGHT = "usr/share/doc/", "/copyright"


class _Noted(msgspec.Struct):
    distribution: str
    packages: tuple[ImagePackage, ...]


_NOTED = DocumentType(_Noted)


def image_packages(folder: Path, image: BaseImage, notes: Store | None = None) -> ImagePackages:
    """The packages of a base image of a wheelhouse; no packages if it is not of Debian's kind, or cannot be read.

    Packages that were read are kept in `notes`, by the sha256 of the image's manifest.
    """
    key = image.manifest.sha256
    raw = notes.noted(NOTES, key) if notes else None
    noted = _NOTED.from_json(raw) if raw else _read(folder, image)
    if notes and not raw and noted.packages:
        notes.note(NOTES, key, msgspec.json.encode(noted))
    return ImagePackages(f"{FOLDER}/{image.manifest.path}", image.architecture, noted.distribution, noted.packages)


def _read(folder: Path, image: BaseImage) -> _Noted:
    """The distribution and the packages of an image, from its layers; both empty if it cannot be read."""
    try:
        files = read_root_files(layers_of(image, folder), _is_telling)
        base = base_in_image({path: file for path, file in files.items() if is_base_path(path)}, image.name)
    except WheelhouseError:
        return _Noted("", ())
    packages = (
        ImagePackage(deb.name, deb.version, deb.architecture, *deb.source, _licence(deb.name, files))
        for deb in installed_packages(base.status)
    )
    return _Noted(base.distribution, tuple(packages))


def _is_telling(path: str) -> bool:
    """Whether a file of an image is needed: one of the base system, a copyright file, or the folder of one, which may be a link."""
    is_copyright = path.endswith(COPYRIGHT) and path.count("/") == 4
    is_folder = path.count("/") == 3  # of which those that are links are kept
    return is_base_path(path) or (path.startswith(COPYRIGHTS) and (is_copyright or is_folder))


def _licence(name: str, files: Mapping[str, RootFile]) -> str:
    """The licences by the copyright file of a package, as an SPDX expression; empty if it tells none or is missing.

    The file, or its folder, can be a link to another package's. Empty, too, after MAX_LINKS links or more.
    """
    for _ in range(MAX_LINKS):
        links = (files.get(f"{COPYRIGHTS}{name}{end}", RootFile()).target for end in ("", COPYRIGHT))
        target = next(filter(None, links), "")
        if not target:
            file = files.get(f"{COPYRIGHTS}{name}{COPYRIGHT}", RootFile())
            return spdx_expression(licence_names(file.content.decode("utf-8", "replace")))
        name = linked_package(target)
    return ""
