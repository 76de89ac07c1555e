"""Files of an image, read from its layers: upper layers, whiteouts, links; and what they say of it."""

import gzip
import hashlib
from pathlib import Path

import pytest

from tests.support.registry import GLIBC, layer_tar, python_files
from wheelhouse.errors import IntegrityError
from wheelhouse.oci import root_files
from wheelhouse.oci.image_facts import RootFile, facts_of, is_telling
from wheelhouse.oci.root_files import Layer, read_root_files
from wheelhouse.target.image import Image


def layers(folder: Path, *contents: dict[str, bytes | str]) -> list[Layer]:
    made = []
    for number, files in enumerate(contents):
        raw = layer_tar(files)
        path = folder / f"layer{number}"
        path.write_bytes(gzip.compress(raw))
        made.append(Layer(path, "gzip", hashlib.sha256(raw).hexdigest()))
    return made


LOWER: dict[str, bytes | str] = {"a/b/c": b"low", "a/b/d": b"low", "e": b"low"}


@pytest.mark.parametrize(
    ("upper", "left"),
    [
        ({}, {"a/b/c": b"low", "a/b/d": b"low", "e": b"low"}),
        ({"a/b/c": b"high"}, {"a/b/c": b"high", "a/b/d": b"low", "e": b"low"}),
        ({"a/b/.wh.c": b""}, {"a/b/d": b"low", "e": b"low"}),
        ({"a/.wh.b": b""}, {"e": b"low"}),
        ({".wh.a": b"", "a/b/d": b"new"}, {"a/b/d": b"new", "e": b"low"}),
        ({"a/b/.wh..wh..opq": b"", "a/b/d": b"new"}, {"a/b/d": b"new", "e": b"low"}),
        ({"a/b/d": b"new", "a/.wh..wh..opq": b""}, {"a/b/d": b"new", "e": b"low"}),
        ({"a/b/d": b"new", ".wh..wh..opq": b""}, {"a/b/d": b"new"}),
        ({"a": b"a file now"}, {"a": b"a file now", "e": b"low"}),
        ({"a": "elsewhere"}, {"a": "elsewhere", "e": b"low"}),
        ({"/../e": b"high"}, {"a/b/c": b"low", "a/b/d": b"low", "e": b"high"}),
    ],
)
def test_an_upper_layer_hides_what_it_says(
    tmp_path: Path, upper: dict[str, bytes | str], left: dict[str, bytes | str]
) -> None:
    files = read_root_files(layers(tmp_path, LOWER, upper), lambda path: path in {"a", "a/b/c", "a/b/d", "e"})
    assert {path: file.target or file.content for path, file in files.items()} == left


def test_a_whiteout_hides_nothing_of_its_own_layer_and_nothing_above(tmp_path: Path) -> None:
    made = layers(tmp_path, {"x": b"1"}, {".wh.x": b"", "x": b"2"}, {"y": b"3"})
    assert read_root_files(made, lambda path: path in "xy") == {"x": RootFile(b"2"), "y": RootFile(b"3")}


def test_a_layer_with_other_bytes_than_its_configuration_says_is_refused(tmp_path: Path) -> None:
    [layer] = layers(tmp_path, LOWER)
    for wrong in (Layer(layer.path, "gzip", "0" * 64), Layer(layer.path, None, layer.diff_sha256)):
        with pytest.raises(IntegrityError, match="cannot be read"):
            read_root_files([wrong], lambda _: False)


def test_a_layer_that_unpacks_to_far_too_much_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "bomb"
    path.write_bytes(gzip.compress(layer_tar({"zeros": bytes(40 << 20)})))
    with pytest.raises(IntegrityError, match="would unpack to more than"):
        read_root_files([Layer(path, "gzip", "0" * 64)], lambda _: False)


def test_layers_that_unpack_to_far_too_much_together_are_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = layers(tmp_path, {"a": bytes(60_000)}, {"b": bytes(60_000)})
    assert not read_root_files(made, lambda _: False)
    monkeypatch.setattr(root_files, "MAX_IMAGE_BYTES", 100_000)
    with pytest.raises(
        IntegrityError, match="this layer and the layers above it would unpack to more bytes than an image may have"
    ):
        read_root_files(made, lambda _: False)


@pytest.mark.parametrize("name", ["{}", "a/{}", "a/.wh.{}"])
def test_a_layer_that_hides_too_many_files_is_not_read_to_its_end(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    made = layers(tmp_path, {name.format(number): b"" for number in range(9)})
    assert not read_root_files(made, lambda _: False)
    monkeypatch.setattr(root_files, "MAX_REMEMBERED", 8)
    with pytest.raises(IntegrityError, match="it has too many files"):
        read_root_files(made, lambda _: False)


MUSL = b"\0musl libc\0" + b"1.2.5\0"
IMAGES: dict[str, tuple[dict[str, bytes | str], Image | None]] = {
    "official": (python_files(), Image("manylinux_2_36", "3.12.4")),
    "no usr merge": (
        {
            "lib/x86_64-linux-gnu/libc.so.6": GLIBC,
            "usr/bin/python3": "python3.11",
            "usr/bin/python3.11": b"\x003.11.2\0",
        },
        Image("manylinux_2_36", "3.11.2"),
    ),
    "bullseye": ({"usr/lib/x86_64-linux-gnu/libc.so.6": "libc-2.31.so"}, Image("manylinux_2_31")),
    "ubi": ({"usr/lib64/libc.so.6": GLIBC.replace(b"2.36", b"2.34")}, Image("manylinux_2_34")),
    "alpine": (
        {
            "lib/ld-musl-x86_64.so.1": MUSL,
            "usr/local/bin/python3": "python3.12",
            "usr/local/bin/python3.12": b"\x003.12.9\0",
        },
        Image("musllinux_1_2", "3.12.9"),
    ),
    "two Pythons": (
        {**python_files(), "usr/bin/python3": "python3.11", "usr/bin/python3.11": b"\x003.11.2\0"},
        Image("manylinux_2_36", "3.12.4"),
    ),
    "two Pythons in one place": (
        {**python_files(), "usr/local/bin/python3.9": b"\x003.9.1\0"},
        Image("manylinux_2_36", "3.12.4"),
    ),
    "alternatives": (
        {**python_files(), "usr/local/bin/python3": "/usr/local/bin/python3.12"},
        Image("manylinux_2_36", "3.12.4"),
    ),
    "Airflow's own since 3.1": (
        {
            "lib/libc.so.6": GLIBC,
            "usr/local/bin/python3": "/usr/python/bin/python3",
            "usr/python/bin/python3": "python3.13",
            "usr/python/bin/python3.13": b"\x7fELF",
            "usr/python/lib/libpython3.13.so.1.0": b"\x003.13.14\0",
            "usr/bin/python3": "python3.11",
            "usr/bin/python3.11": b"\x003.11.2\0",
        },
        Image("manylinux_2_36", "3.13.14"),
    ),
    "hardened": (
        {"lib/libc.so.6": GLIBC, "opt/python/bin/python3.13": b"\x003.13.16\0"},
        Image("manylinux_2_36", "3.13.16"),
    ),
    "unknown patch": (
        {"lib/libc.so.6": GLIBC, "usr/bin/python3": "python3.10", "usr/bin/python3.10": b"\x003.10.1\0\x003.10.2\0"},
        Image("manylinux_2_36", "3.10"),
    ),
    "a loop": ({**python_files(), "usr/local/bin/python3": "python3"}, Image("manylinux_2_36", "3.12.4")),
    "pre-release": (
        {"lib/libc.so.6": GLIBC, "usr/bin/python3.14": b"\x003.14.0rc2\0"},
        Image("manylinux_2_36", "3.14.0rc2"),
    ),
    "scratch": ({"app": b"x"}, None),
}


@pytest.mark.parametrize("kind", IMAGES)
def test_libc_and_python_follow_from_the_files(tmp_path: Path, kind: str) -> None:
    files, expected = IMAGES[kind]
    assert facts_of(read_root_files(layers(tmp_path, files), is_telling)).image == expected


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        (b'ID=ubuntu\nVERSION_ID="24.04"\nVERSION_CODENAME=noble\n', "ubuntu 24.04 noble"),
        (b"ID=alpine\nVERSION_ID=3.20.3\n", "alpine 3.20.3"),
        (b'ID="a\x1b[2Jb"\nVERSION_ID="12\n', ""),
        (b"\xff\xfe", ""),
    ],
)
def test_the_distribution_is_plain_words_or_nothing(text: bytes, shown: str) -> None:
    assert facts_of({"etc/os-release": RootFile(text)}).distribution == shown


def test_this_machine_s_own_files_tell_the_same_as_its_python() -> None:
    import platform
    import sys

    libc = next(Path("/").glob("usr/lib*/x86_64-linux-gnu/libc.so.6"), None) or next(
        Path("/").glob("lib*/libc.so.6"), None
    )
    if libc is None or platform.libc_ver()[0] != "glibc":
        pytest.skip("this machine has no glibc where Debian and Red Hat have it")
    minor = f"{sys.version_info.major}.{sys.version_info.minor}"
    program = Path(sys.executable).resolve()
    libraries = [*program.parent.parent.glob(f"lib/libpython{minor}.so.1.0")]
    files = {"usr/lib/libc.so.6": RootFile(libc.read_bytes()), f"usr/bin/python{minor}": RootFile(program.read_bytes())}
    files |= {f"usr/lib/{path.name}": RootFile(path.read_bytes()) for path in libraries}
    image = facts_of(files).image
    assert image and image.libc == f"manylinux_{platform.libc_ver()[1].replace('.', '_')}"
    assert image.python == platform.python_version().rstrip("+")
