"""What the ELF files of a wheel need: glibc versions and libraries from sections made here; hostile ones are passed over."""

import struct
import zipfile
from pathlib import Path

import pytest

from tests.support.elf import elf
from wheelhouse.archive import elf as native_elf
from wheelhouse.archive.elf import Needs, native_of, needs_of_wheel
from wheelhouse.archive.native_code import Native

STRTAB, DYNAMIC, VERNEED = 3, 6, 0x6FFFFFFE


def shared_object(libraries: tuple[str, ...], versions: dict[str, tuple[str, ...]]) -> bytes:
    """A 64-bit ELF with sections for what it needs: `libraries`, and by library the versions of its symbols."""
    texts = dict.fromkeys((*libraries, *versions, *(name for names in versions.values() for name in names)))
    strings, starts = b"\0", {}
    for text in texts:
        starts[text] = len(strings)
        strings += text.encode() + b"\0"
    dynamic = b"".join(struct.pack("<qQ", 1, starts[name]) for name in libraries) + struct.pack("<qQ", 0, 0)
    needs = b""
    for number, (library, names) in enumerate(versions.items(), start=1):
        size = 16 + 16 * len(names)
        needs += struct.pack("<HHIII", 1, len(names), starts[library], 16, size if number < len(versions) else 0)
        for count, name in enumerate(names, start=1):
            needs += struct.pack("<IHHII", 0, 0, 2, starts[name], 16 if count < len(names) else 0)
    names_at = {".shstrtab": 1, ".dynstr": 11, ".dynamic": 19, ".gnu.version_r": 28}
    parts = [
        (STRTAB, ".shstrtab", b"\0" + b"".join(name.encode() + b"\0" for name in names_at), 0, 0),
        (STRTAB, ".dynstr", strings, 0, 0),
        (DYNAMIC, ".dynamic", dynamic, 2, 0),
        (VERNEED, ".gnu.version_r", needs, 2, len(versions)),
    ]
    body, headers = b"", bytes(64)
    for kind, name, data, link, info in parts:
        at = 64 + len(body)
        entry = 16 if kind == DYNAMIC else 0
        headers += struct.pack("<IIQQQQIIQQ", names_at[name], kind, 2, at, at, len(data), link, info, 1, entry)
        body += data
    header = b"\x7fELF\x02\x01\x01" + bytes(9)
    header += struct.pack("<HHIQQQIHHHHHH", 3, 62, 1, 0, 0, 64 + len(body), 0, 64, 56, 0, 64, 5, 1)
    return header + body + headers


def wheel(folder: Path, members: dict[str, bytes]) -> Path:
    path = folder / "app-1.0-cp312-cp312-linux_x86_64.whl"
    with zipfile.ZipFile(path, "w") as archive:
        for name, data in members.items():
            archive.writestr(name, data)
    return path


EVERYWHERE = ("libc.so.6", "libm.so.6", "libpthread.so.0", "ld-linux-x86-64.so.2", "libgcc_s.so.1", "libstdc++.so.6")


@pytest.mark.parametrize(
    ("members", "needs"),
    [
        ({"app/__init__.py": b"x"}, None),
        ({"app/x.so": b"\x7fEL"}, None),
        ({"app/x.so": b"\x7fELF"}, Needs(None, ())),
        ({"app/x.so": shared_object((), {})}, Needs(None, ())),
        ({"app/x.so": shared_object(EVERYWHERE, {})}, Needs(None, ())),
        ({"app/x.so": shared_object(("libz.so.1", "libcrypt.so.1"), {})}, Needs(None, ("libcrypt.so.1", "libz.so.1"))),
        (
            {"app/x.so": shared_object(("libz.so.1",), {}), "app.libs/libz.so.1": shared_object((), {})},
            Needs(None, ()),
        ),
        (
            {"a.so": shared_object((), {"libc.so.6": ("GLIBC_2.17", "GLIBC_2.9", "GLIBC_PRIVATE")})},
            Needs((2, 17), ()),
        ),
        (
            {
                "a.so": shared_object((), {"libc.so.6": ("GLIBC_2.2.5",), "libz.so.1": ("ZLIB_1.2", "GLIBC_2.4")}),
                "b.so": shared_object((), {"libm.so.6": ("GLIBC_2.3",)}),
            },
            Needs((2, 4), ()),
        ),
        ({"a.so": shared_object((), {"libc.so.6": ("GLIBC_PRIVATE", "GLIBC_2.5")})}, Needs((2, 5), ())),
        ({"a.so": shared_object((), {"libx.so": ("CXXABI_1.3", "2.17", "GLIBC_", "GLIBC_2.x")})}, Needs(None, ())),
    ],
)
def test_what_the_files_of_a_wheel_need(tmp_path: Path, members: dict[str, bytes], needs: Needs | None) -> None:
    assert needs_of_wheel(wheel(tmp_path, members)) == needs


@pytest.mark.parametrize(
    ("limit", "needs"),
    [("MAX_TAGS", Needs((2, 5), ("liba.so",))), ("MAX_VERSIONS", Needs((2, 1), ("liba.so", "libb.so")))],
)
def test_no_more_is_read_than_the_limits_allow(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, limit: str, needs: Needs
) -> None:
    versions = {"liba.so": ("GLIBC_2.1", "GLIBC_2.2"), "libb.so": ("GLIBC_2.5",)}
    path = wheel(tmp_path, {"a.so": shared_object(("liba.so", "libb.so"), versions)})
    assert needs_of_wheel(path) == Needs((2, 5), ("liba.so", "libb.so"))
    monkeypatch.setattr(native_elf, limit, 1)
    assert needs_of_wheel(path) == needs


@pytest.mark.parametrize("limit", ["MAX_SECTIONS", "MAX_SEGMENTS"])
def test_a_file_with_more_headers_than_allowed_is_not_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, limit: str
) -> None:
    data = shared_object(("libz.so.1",), {}) if limit == "MAX_SECTIONS" else elf(("libz.so.1",))
    count = 5 if limit == "MAX_SECTIONS" else 2
    monkeypatch.setattr(native_elf, limit, count)
    assert native_of(data).machine == "x86_64"
    monkeypatch.setattr(native_elf, limit, count - 1)
    assert native_of(data) == Native("")
    assert needs_of_wheel(wheel(tmp_path, {"a.so": data})) == Needs(None, ())


@pytest.mark.parametrize(
    ("data", "native"),
    [
        (elf(), Native("x86_64", ("libc.so.6",))),
        (elf(("liba.so", "libb.so"), machine="aarch64"), Native("aarch64", ("liba.so", "libb.so"))),
        (elf((), search="/opt/lib:$ORIGIN/../x"), Native("x86_64", (), ("/opt/lib", "$ORIGIN/../x"))),
        (elf((), program=True), Native("x86_64", program=True)),
        (elf((), program=True).replace(struct.pack("<Q", 0x08000000), struct.pack("<Q", 1)), Native("x86_64")),
        (b"\x7fELF", Native("")),
    ],
)
def test_what_one_file_needs(data: bytes, native: Native) -> None:
    assert native_of(data) == native


def test_the_dynamic_section_is_read_up_to_its_end_mark_and_the_limits(monkeypatch: pytest.MonkeyPatch) -> None:
    data = elf(("liba.so", "libb.so"))
    at = 64 + 2 * 56
    ended = data[: at + 16] + bytes(16) + data[at + 32 :]
    assert native_of(ended) == Native("")  # without the address of its strings
    elsewhere = data.replace(struct.pack("<qQ", 5, 0x1000 + at + 4 * 16), struct.pack("<qQ", 5, 0x9000))
    assert elsewhere != data and native_of(elsewhere) == Native("x86_64")  # its strings are in no part of the file
    monkeypatch.setattr(native_elf, "MAX_STRING_BYTES", 3)
    assert native_of(data).needs == ("lib", "lib")
    monkeypatch.setattr(native_elf, "MAX_TAGS", 2)
    assert native_of(data) == Native("")
