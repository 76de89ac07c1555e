"""Hostile input, made by hypothesis: each reader answers with a value or with one of our errors, and with nothing else.

`WHEELHOUSE_FUZZ=N` tries N examples of each instead of a few.
"""

import functools
import json
import os
import random
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from packaging.version import Version

from tests.support.wheels import build_sdist, build_wheel
from wheelhouse.archive.artifact import Artifact, choose
from wheelhouse.archive.metadata import parse_metadata, parse_requires_txt
from wheelhouse.archive.wheelfile import inspect
from wheelhouse.errors import ServerError, WheelhouseError
from wheelhouse.index.pages import HTML_TYPE, JSON_TYPE, parse_page
from wheelhouse.lock.lock import Inputs, Lock, Pin
from wheelhouse.lock.read_lock import parse_lock
from wheelhouse.lock.write_lock import lock_toml
from wheelhouse.resolve.requirements import parse_file
from wheelhouse.target.target import Platform, Python, Target

EXAMPLES = int(os.environ.get("WHEELHOUSE_FUZZ", "40"))
TARGET = Target.of(Python.parse("3.12"), Platform.parse("linux/amd64"))
fuzzed = settings(max_examples=EXAMPLES, deadline=None)


@functools.cache
def archives() -> dict[str, bytes]:
    """A wheel, and sdists of both kinds, by file name."""
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        requires = ("b>=1; python_version > '3'", "c[x]; extra == 'y'")
        paths = [
            build_wheel(
                folder, "a", "1.0", requires=requires, extras={"y": []}, files={"a/x.bin": bytes(range(256)) * 40}
            ),
            build_sdist(folder, "a", "1.0", requires=requires),
            build_sdist(folder, "a", "1.0", suffix=".zip"),
        ]
        return {path.name: path.read_bytes() for path in paths}


@st.composite
def spoiled(draw: st.DrawFn, whole: bytes) -> bytes:
    """Some bytes with a few places overwritten, cut out, doubled or filled with what structures are made of."""
    data = bytearray(whole)
    for _ in range(draw(st.integers(1, 4))):
        near_end = draw(st.booleans())
        length = max(len(data), 1)
        at = length - 1 - draw(st.integers(0, min(length - 1, 400))) if near_end else draw(st.integers(0, length - 1))
        piece = draw(
            st.sampled_from(
                (b"\xff\xff\xff\xff", b"\x00\x00\x00\x00", b"PK\x03\x04", b"PK\x01\x02", b"PK\x05\x06", b"\n", b"../")
            )
            | st.binary(max_size=8)
        )
        how = draw(st.sampled_from(("overwrite", "insert", "cut", "double")))
        if how == "overwrite":
            data[at : at + len(piece)] = piece
        elif how == "insert":
            data[at:at] = piece
        elif how == "cut":
            del data[at : at + draw(st.integers(1, 64))]
        else:
            data[at:at] = data[at : at + draw(st.integers(1, 64))]
    return bytes(data)


def answers(read: Callable[..., object], *arguments: Any) -> object:
    """What a reader says, or None where it refused in a sentence."""
    try:
        return read(*arguments)
    except WheelhouseError as error:
        assert str(error)
        return None


@pytest.mark.parametrize("name", ["a-1.0-py3-none-any.whl", "a-1.0.tar.gz", "a-1.0.zip"])
def test_a_spoiled_archive_is_read_or_refused(name: str, tmp_path: Path) -> None:
    @fuzzed
    @given(spoiled(archives()[name]))
    def read(data: bytes) -> None:
        path = tmp_path / name
        path.write_bytes(data)
        answers(inspect, path, name)
        assert [found.name for found in tmp_path.iterdir()] == [name]

    read()


values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=6,
)
names = (
    st.sampled_from(("a-1.0-py3-none-any.whl", "a-1.0.tar.gz", "a-.whl", "a-1!2+x-1-py3-none-any.whl", "../a-1.0.zip"))
    | st.text()
)
hashes = st.just({"sha256": "0" * 64}) | st.dictionaries(
    st.sampled_from(("sha256", "md5", "x")), st.text(max_size=9) | values
)
files = st.fixed_dictionaries(
    {"filename": names, "url": st.just("../../a-1.0.tar.gz") | st.text(max_size=30), "hashes": hashes},
    optional={
        key: values | st.sampled_from((True, ">=3.6.*", "not a specifier", "2024-01-01T00:00:00Z", -1))
        for key in ("size", "upload-time", "requires-python", "yanked", "core-metadata", "gpg-sig")
    },
)
documents = st.fixed_dictionaries(
    {"meta": st.just({"api-version": "1.1"}) | values, "files": st.lists(files, max_size=4)},
    optional={"name": values, "versions": values, "project-status": values},
)


def _read_page(body: bytes, kind: str) -> None:
    page = parse_page(body, kind, "a", "index", "https://index.example/simple/a/")  # type: ignore[arg-type]
    for version in page.versions:
        choose(list(page.candidates(version)), TARGET)


@fuzzed
@given(documents | values)
def test_a_strange_json_page_is_read_or_refused(document: object) -> None:
    answers(_read_page, json.dumps(document).encode(), JSON_TYPE)


ANCHOR = b'<!DOCTYPE html><a href="a-1.0.tar.gz#sha256=00" data-yanked="x" data-requires-python="&gt;=3">a</a>'


@fuzzed
@given(st.binary(max_size=200) | spoiled(ANCHOR))
def test_a_strange_html_page_is_read_or_refused(body: bytes) -> None:
    answers(_read_page, body, HTML_TYPE)


@pytest.mark.parametrize(
    "body",
    [
        b"<![\x00",
        b"<![A\x00",
        b'<a href="http://[/a-1.0.tar.gz">a</a>',
        b'<base href="http://["><a href="a-1.0.tar.gz">a</a>',
    ],
)
def test_html_that_was_found_to_break_the_reader_is_refused(body: bytes) -> None:
    with pytest.raises(ServerError):
        _read_page(body, HTML_TYPE)


HEADERS = (
    b"Metadata-Version: 2.2\nName: a\nVersion: 1.0\nRequires-Python: >=3.6\nRequires-Dist: b (>=1.0,<2) ; extra == 'x'\n"
    b"Requires-Dist: c[y]>=2; python_version < '3.9'\nProvides-Extra: x\nDynamic: Requires-Dist\n\nText\n"
)


def _read_metadata(raw: bytes) -> None:
    metadata = parse_metadata(raw, "a")
    for extra in ("", "x"):
        list(metadata.requirements(TARGET, extra))


@fuzzed
@given(st.binary(max_size=200) | spoiled(HEADERS))
def test_strange_metadata_are_read_or_refused(raw: bytes) -> None:
    answers(_read_metadata, raw)


def test_bytes_that_are_no_utf8_do_not_keep_metadata_from_being_read() -> None:
    metadata = parse_metadata(HEADERS.replace(b"Dynamic: Requires-Dist", b"Dynamic: Requires-Dist\xff"), "a")
    assert metadata.project == "a"
    assert [str(requirement) for requirement, _ in metadata.requirements(TARGET, "x")] == ['b<2,>=1.0; extra == "x"']


@fuzzed
@given(spoiled(b"[x:python_version<'3']\nb>=1\n[y]\nc\n# d\n") | st.binary(max_size=60))
def test_a_strange_requires_txt_is_read(raw: bytes) -> None:
    parse_requires_txt(raw.decode("utf-8", "replace"))


@fuzzed
@given(
    spoiled(b"a>=1 \\\n --hash=sha256:00\n-r more.txt\n-c limits.txt\nb[x,y]==2.* ; python_version<'3' # c\n")
    | st.binary(max_size=99),
    st.booleans(),
)
def test_a_strange_requirements_file_is_read_or_refused(raw: bytes, constraints: bool) -> None:
    answers(
        lambda: parse_file(raw.decode("utf-8", "replace"), "r.txt", lambda _name, _by: "z\n", constraints=constraints)
    )


@functools.cache
def a_lock() -> bytes:
    pins = tuple(
        Pin(name, Version("1.0"), Artifact(f"{name}-1.0-py3-none-any.whl", "0" * 64, 5, f"https://x.example/{name}"))  # type: ignore[arg-type]
        for name in ("a", "b")
    )
    return lock_toml(Lock(TARGET, Inputs(("a",)), pins), with_paths=True).encode()


@fuzzed
@given(spoiled(a_lock()) | st.binary(max_size=99))
def test_a_strange_lock_is_read_or_refused(raw: bytes) -> None:
    answers(parse_lock, raw.decode("utf-8", "replace"), "pylock.x.toml")


def test_random_bytes_are_no_archive(tmp_path: Path) -> None:
    dice = random.Random(5)
    for name in archives():
        for length in (0, 1, 21, 22, 64, 4096):
            (tmp_path / name).write_bytes(dice.randbytes(length))
            assert answers(inspect, tmp_path / name, name) is None
