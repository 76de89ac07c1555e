"""Tars of any origin: the reader agrees with tarfile on what tarfile writes, and is bounded by what it was given."""

import contextlib
import io
import tarfile
import tracemalloc
from collections.abc import Callable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from wheelhouse.archive.tar import MAX_EXTENSION_BYTES, MAX_EXTENSIONS, TarReader, _number

NAMES = st.lists(
    st.text(st.characters(exclude_characters="\0/", exclude_categories=["Cs"]), min_size=1, max_size=40),
    min_size=1,
    max_size=8,
).map("/".join)
KINDS = [tarfile.REGTYPE, tarfile.DIRTYPE, tarfile.SYMTYPE, tarfile.LNKTYPE, tarfile.FIFOTYPE, tarfile.CHRTYPE]


def header(name: str = "a", type_flag: bytes = tarfile.REGTYPE, size: int = 0) -> bytes:
    info = tarfile.TarInfo(name)
    info.type, info.size = type_flag, size
    return info.tobuf(tarfile.GNU_FORMAT)


def pax(content: bytes, type_flag: bytes = tarfile.XHDTYPE) -> bytes:
    return header("pax", type_flag, len(content)) + padded(content)


def padded(content: bytes) -> bytes:
    return content + bytes(-len(content) % 512)


def record(key: str, value: str) -> bytes:
    rest = f" {key}={value}\n".encode()
    length = len(rest) + 1
    while len(rest) + len(str(length)) != length:
        length = len(rest) + len(str(length))
    return str(length).encode() + rest


END = bytes(1024)


def test_a_number_is_octal_or_in_base_256_after_its_mark() -> None:
    assert [_number(field) for field in (b"", b" 17\0", b"\x80\1\2", b"\x80" + bytes(10) + b"\7")] == [0, 15, 258, 7]
    for field in (b"18", b"\xff" * 12, b"x"):
        with pytest.raises(tarfile.ReadError):
            _number(field)


def read(raw: bytes) -> list[tuple[str, bytes, str, bytes]]:
    reader = TarReader(io.BytesIO(raw))
    return [(member.name, member.type, member.linkname, reader.read(member.size)) for member in reader]


@given(
    st.lists(st.tuples(NAMES, st.sampled_from(KINDS), NAMES, st.binary(max_size=1500)), max_size=4),
    st.sampled_from([tarfile.PAX_FORMAT, tarfile.GNU_FORMAT]),
)
@settings(max_examples=60, deadline=None)
def test_it_reads_what_tarfile_writes_as_tarfile_does(members: list[tuple[str, bytes, str, bytes]], kind: int) -> None:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w", format=kind) as archive:
        for name, type_flag, linkname, content in members:
            info = tarfile.TarInfo(name)
            info.type = type_flag
            info.linkname = linkname if type_flag in (tarfile.SYMTYPE, tarfile.LNKTYPE) else ""
            info.size = len(content) if info.isreg() else 0
            archive.addfile(info, io.BytesIO(content))
    buffer.seek(0)
    with tarfile.open(fileobj=buffer) as archive:
        expected = [
            (one.name, one.type, one.linkname, archive.extractfile(one).read() if one.isreg() else b"")  # type: ignore[union-attr]
            for one in archive
        ]
    # tarfile takes the last slash off a folder's name
    assert [(name.rstrip("/"), *rest) for name, *rest in read(buffer.getvalue())] == expected


@given(st.integers(0, 3000), st.binary(min_size=1, max_size=8), st.integers(0, 3000))
@settings(max_examples=150, deadline=None)
def test_a_damaged_tar_is_read_or_refused(place: int, junk: bytes, end: int) -> None:
    raw = bytearray(pax(record("path", "b" * 200)) + header(size=3) + padded(b"abc") + header("c") + END)
    raw[place : place + len(junk)] = junk
    with contextlib.suppress(tarfile.ReadError):
        read(bytes(raw[: end or None]))


HOSTILE: dict[str, tuple[bytes, str]] = {
    "an endless pax header": (header("x", tarfile.XHDTYPE, 3 << 30), "an extended header has 3221225472 bytes"),
    "an endless GNU name": (header("x", tarfile.GNUTYPE_LONGNAME, 1 << 40), "an extended header has"),
    "headers upon headers": (pax(record("comment", "x")) * 5000, f"more than {MAX_EXTENSIONS} extended headers"),
    "a header for nothing": (pax(record("path", "x")) + END, "belongs to no member"),
    "a folder with content": (header("a", tarfile.DIRTYPE, 512) + bytes(512) + END, "has content, but its type"),
    "a link with a pax size": (
        pax(record("size", "9")) + header("a", tarfile.SYMTYPE) + END,
        "in a pax header is invalid: 9",
    ),
    "a size that is no number": (pax(record("size", "x")) + header() + END, "is not a number"),
    "a negative size": (pax(record("size", "-1")) + header() + END, "in a pax header is invalid: -1"),
    "a NUL in a path": (pax(record("path", "a\0b")) + header() + END, "pax header cannot be read"),
    "a record of no length": (pax(b"0 path=x\n") + header() + END, "pax header cannot be read"),
    "a record that is too long": (pax(b"99 path=x\n") + header() + END, "pax header cannot be read"),
    "digits without end": (pax(b"1" * 60_000) + header() + END, "pax header cannot be read"),
    "a path for all members": (pax(record("path", "x"), tarfile.XGLTYPE) + header() + END, "global pax header"),
    "a wrong checksum": (header("a").replace(b"a", b"b", 1) + END, "checksum"),
    "no end": (header("a"), "cut short"),
    "half a header": (header("a")[:300], "cut short"),
    "half a content": (header("a", size=9) + b"x", "cut short"),
    "a second archive": (header("a") + END + header("b") + END, "after the end"),
    "zeros without end": (header("a") + bytes(2 << 20), "after the end"),
}


@pytest.mark.parametrize("kind", HOSTILE)
def test_a_hostile_tar_is_refused(kind: str) -> None:
    raw, sentence = HOSTILE[kind]
    with pytest.raises(tarfile.ReadError, match=sentence):
        read(raw)


class Counted(io.BytesIO):
    """A stream of zeros after what it holds, which counts the bytes that were read."""

    count = 0

    def read(self, size: int | None = -1) -> bytes:
        data = super().read(size)
        data += bytes(min(max(size or 0, 0), 1 << 30) - len(data))
        self.count += len(data)
        return data


@pytest.mark.parametrize("type_flag", [tarfile.XHDTYPE, tarfile.GNUTYPE_LONGLINK, tarfile.XGLTYPE])
@pytest.mark.parametrize("size", [MAX_EXTENSION_BYTES + 1, 3 << 30, 1 << 60])
def test_memory_is_not_what_a_header_says(type_flag: bytes, size: int) -> None:
    stream = Counted(header("x", type_flag, size))
    tracemalloc.start()
    try:
        with pytest.raises(tarfile.ReadError):
            TarReader(stream).next()
        assert tracemalloc.get_traced_memory()[1] < 16 << 20
    finally:
        tracemalloc.stop()
    assert stream.count <= 1024


def test_what_is_not_read_of_a_member_is_skipped_in_blocks() -> None:
    stream = Counted(header("a", size=64 << 20))
    reader = TarReader(stream)
    tracemalloc.start()
    assert reader.next() and reader.read(10) == bytes(10)
    with pytest.raises(tarfile.ReadError, match="after the end"):
        reader.next()
    assert tracemalloc.get_traced_memory()[1] < 16 << 20
    tracemalloc.stop()


@pytest.mark.parametrize(
    "member",
    [
        pax(record("GNU.sparse.major", "1")) + header("a", size=1),
        header("a", tarfile.GNUTYPE_SPARSE, 1),
    ],
)
def test_a_sparse_member_is_no_file_and_is_passed_over(member: bytes) -> None:
    reader = TarReader(io.BytesIO(member + padded(b"x") + header("b") + END))
    sparse, plain = list(reader)
    assert (sparse.is_sparse, sparse.is_file) == (True, False)
    assert (plain.name, plain.is_sparse, plain.is_file) == ("b", False, True)


def test_the_blocks_of_a_long_sparse_map_are_passed_over() -> None:
    info = bytearray(header("a", tarfile.GNUTYPE_SPARSE, 1))
    info[482] = 1
    info[148:156] = b"%06o\0 " % (sum(info) - sum(info[148:156]) + 256)
    more, last = bytearray(512), bytes(512)
    more[504] = 1
    reader = TarReader(io.BytesIO(bytes(info) + bytes(more) + last + padded(b"x") + header("b") + END))
    assert [member.name for member in reader] == ["a", "b"]


@pytest.mark.parametrize("make", [lambda: pax(b""), lambda: pax(record("comment", "x"), tarfile.XGLTYPE)])
def test_an_extended_header_that_changes_nothing_is_passed_over(make: Callable[[], bytes]) -> None:
    assert read(make() + header("a", size=1) + padded(b"x") + END) == [("a", tarfile.REGTYPE, "", b"x")]
