"""Which files of a base image are read for its packages, how links to copyright files are followed, and what is noted."""

from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

from tests.support.registry import python_files
from wheelhouse.errors import IntegrityError
from wheelhouse.oci.image_facts import RootFile
from wheelhouse.oci.image_lock import BaseImage, Blob
from wheelhouse.vet import image_reader
from wheelhouse.vet.image_packages import ImagePackage, ImagePackages
from wheelhouse.vet.image_reader import NOTES, image_packages

MIT = RootFile(
    b"Format: https://www.debian.org/doc/packaging-manuals/copyright-format/1.0/\n\nFiles: *\nLicense: MIT \xff\n"
)
BLOB = Blob("1" * 64, 1, "application/vnd.oci.image.manifest.v1+json")
IMAGE = BaseImage("python:3.12", "x", "amd64", BLOB, BLOB, ())
SUBJECT = f"image/{BLOB.path}"
DOC = "usr/share/doc"


def status(*names: str) -> RootFile:
    rows = (f"Package: {name}\nStatus: install ok installed\nArchitecture: amd64\nVersion: 1\n" for name in names)
    return RootFile(
        "\n".join(("Package: libc6\nStatus: install ok installed\nArchitecture: amd64\nVersion: 2\n", *rows)).encode()
    )


class Image:
    """What an image has, and which of it was read."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.files: Mapping[str, RootFile] = {}
        self.read: list[set[str]] = []
        monkeypatch.setattr(image_reader, "layers_of", lambda _image, _folder: [])
        monkeypatch.setattr(image_reader, "read_root_files", self.read_root_files)

    def read_root_files(self, _layers: object, wanted: Callable[[str], bool]) -> Mapping[str, RootFile]:
        found = {path: file for path, file in self.files.items() if wanted(path)}
        self.read.append(set(found))
        return found

    def packages(self, *names: str, notes: object = None, **files: RootFile) -> ImagePackages:
        """The packages of an image with these installed; `__` in a keyword is `/`."""
        release = python_files()["etc/os-release"]
        assert isinstance(release, bytes)
        own = {"etc/os-release": RootFile(release), "var/lib/dpkg/status": status(*names)}
        self.files = own | {name.replace("__", "/"): file for name, file in files.items()}
        return image_packages(Path("house"), IMAGE, notes)  # type: ignore[arg-type]


@pytest.fixture
def image(monkeypatch: pytest.MonkeyPatch) -> Image:
    return Image(monkeypatch)


def test_only_files_that_tell_something_are_read(image: Image) -> None:
    telling = {f"{DOC}/a/copyright", f"{DOC}/a", f"{DOC}/b"}
    others = (
        *(f"{DOC}/a/b/copyright", f"{DOC}/a/changelog", "usr/lib/doc/a/copyright", "usr/share/b/a"),
        *("/copyright/share/doc/a/x", "usr/share/doc", "opt/usr/share/doc/copyright", "bin/sh", "etc/passwd"),
    )
    image.packages(**dict.fromkeys((*telling, *others), MIT))
    assert image.read == [{"etc/os-release", "var/lib/dpkg/status", *telling}]


def links(*pairs: tuple[str, str]) -> dict[str, RootFile]:
    return {f"{DOC}/{name}": RootFile(target=target) for name, target in pairs}


LICENCES: dict[str, tuple[dict[str, RootFile], str]] = {
    "no file": ({}, ""),
    "free text": ({f"{DOC}/aa/copyright": RootFile(b"Do what you want.")}, ""),
    "a file": ({f"{DOC}/aa/copyright": MIT}, "MIT"),
    "a folder that is a link": (links(("aa", "bb")) | {f"{DOC}/bb/copyright": MIT}, "MIT"),
    "a link to a file": (links(("aa/copyright", "../bb/copyright")) | {f"{DOC}/bb/copyright": MIT}, "MIT"),
    "a link to nothing": (links(("aa", "bb")), ""),
    "a link elsewhere": (links(("aa", "/opt/xx")) | {f"{DOC}/aa/copyright": MIT}, ""),
    "links in a circle": (links(("aa", "bb"), ("bb", "aa")), ""),
    "a folder that is a link and a file": (
        links(("aa", "bb"), ("aa/copyright", "../cc/copyright")) | {f"{DOC}/bb/copyright": MIT},
        "MIT",
    ),
}


def test_the_licence_of_a_package_is_that_of_its_copyright_file(image: Image) -> None:
    text = MIT.content.replace(b" \xff", b"")
    for name, (files, expected) in LICENCES.items():
        given = {path: RootFile(text) if file is MIT else file for path, file in files.items()}
        found = image.packages("aa", **given)
        assert found == ImagePackages(
            *(SUBJECT, "amd64", "debian-12"),
            (ImagePackage("libc6", "2", "amd64", "libc6", "2"), ImagePackage("aa", "1", "amd64", "aa", "1", expected)),
        ), name


def test_a_copyright_file_that_is_not_utf_8_is_read(image: Image) -> None:
    assert image.packages("aa", **{f"{DOC}/aa/copyright": MIT}).packages[1].name == "aa"


class Notes:
    """Notes in memory."""

    def __init__(self) -> None:
        self.kept: dict[tuple[str, str], bytes] = {}

    def noted(self, kind: str, key: str) -> bytes | None:
        return self.kept.get((kind, key))

    def note(self, kind: str, key: str, data: bytes) -> None:
        self.kept[kind, key] = data


def test_packages_are_noted_and_read_once(image: Image) -> None:
    notes = Notes()
    first = image.packages("a", notes=notes)
    (key,) = notes.kept
    assert key == (NOTES, "1" * 64)
    notes.note = None  # type: ignore[assignment]
    assert image.packages("b", notes=notes) == first and len(image.read) == 1


def test_an_image_that_cannot_be_read_has_no_packages_and_is_not_noted(
    image: Image, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_arguments: object) -> None:
        raise IntegrityError("it is damaged")

    monkeypatch.setattr(image_reader, "read_root_files", refuse)
    notes = Notes()
    assert image.packages("a", notes=notes) == ImagePackages(SUBJECT, "amd64", "", ())
    assert notes.kept == {}
