"""What hostile inputs cost: small files that make a reader work for long. Prints bytes, processor seconds, memory and outcome.

python -m benchmarks.hostile [NAME]…
"""

import gzip
import io
import subprocess
import sys
import tarfile
import tempfile
import time
import zipfile
from base64 import urlsafe_b64encode
from collections.abc import Callable
from hashlib import sha256
from pathlib import Path

from benchmarks.measure import LONGEST, environment

INSPECT = r"""
import re, sys, time
from pathlib import Path
from wheelhouse.errors import WheelhouseError
from wheelhouse.resolve.requirements import parse_file
from wheelhouse.archive.build_system import build_system
from wheelhouse.archive.elf import needs_of_wheel
from wheelhouse.archive.sdistfile import read_pyproject
from wheelhouse.target.target import Platform, Python, Target
from wheelhouse.vet.facts_reader import look_inside

path = Path(sys.argv[1])
started = time.process_time()
try:
    if path.suffix == ".txt":
        parse_file(path.read_text(), path.name, None)
    else:
        contents, _ = look_inside(path, path.name)
        contents.metadata.invalid_line
        target = Target.of(Python.parse("3.12.4"), Platform.parse("linux/amd64"))
        list(contents.metadata.requirements(target))
        if path.suffix == ".whl":
            needs_of_wheel(path)
        else:
            build_system(read_pyproject(path, path.name), path.name)
    outcome = "read"
except WheelhouseError as error:
    outcome = " ".join(str(error).split())[:150]
seconds = time.process_time() - started
memory = int(re.search(r"VmHWM:\s+(\d+)", Path("/proc/self/status").read_text())[1]) / 1024
print(f"{seconds:.2f} | {memory:.0f} | {outcome}")
"""
METADATA = b"Metadata-Version: 2.1\nName: one\nVersion: 1.0\n"
WHEEL = b"Wheel-Version: 1.0\nGenerator: x\nRoot-Is-Purelib: true\nTag: py3-none-any\n"
INFO = "one-1.0.dist-info"
LIMIT = min(LONGEST, 300.0)


def wheel(metadata: bytes = METADATA, record: bytes | None = None, wheel: bytes = WHEEL, **files: bytes) -> bytes:
    """A wheel of these texts; in the names of `files`, `__` stands for `/`."""
    members = {name.replace("__", "/"): data for name, data in files.items()}
    members |= {f"{INFO}/METADATA": metadata, f"{INFO}/WHEEL": wheel}
    rows = [
        f"{name},sha256={urlsafe_b64encode(sha256(data).digest()).rstrip(b'=').decode()},{len(data)}"
        for name, data in members.items()
    ]
    members[f"{INFO}/RECORD"] = "\n".join([*rows, f"{INFO}/RECORD,,", ""]).encode() if record is None else record
    return zipped(members)


def zipped(members: dict[str, bytes]) -> bytes:
    """A zip archive."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED, compresslevel=9) as archive:
        for name, data in members.items():
            archive.writestr(name, data)
    return buffer.getvalue()


def sdist(*raw_members: bytes, pkg_info: bytes = METADATA, **files: bytes) -> bytes:
    """A `.tar.gz` with a PKG-INFO, with files in its folder (`__` stands for `.`), and with raw blocks before them."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as archive:
        for name, data in {"PKG-INFO": pkg_info, **files}.items():
            header = tarfile.TarInfo(f"one-1.0/{name.replace('__', '.')}")
            header.size = len(data)
            archive.addfile(header, io.BytesIO(data))
    return gzip.compress(b"".join(raw_members) + buffer.getvalue(), mtime=0)


def required(count: int, form: bytes) -> bytes:
    """So many requirements of a project, each with its own number."""
    return b"".join(
        b"Requires-Dist: a" + form.replace(b"%d", b"'%d'" % n if b";" in form else b"%d" % n) + b"\n"
        for n in range(count)
    )


def block(name: str, size: int = 0, kind: bytes = tarfile.REGTYPE, linkname: str = "") -> bytes:
    """The header of a tar member."""
    header = tarfile.TarInfo(name)
    header.size, header.type, header.linkname = size, kind, linkname
    return header.tobuf(tarfile.GNU_FORMAT)


def extended(content: bytes, kind: bytes = tarfile.XHDTYPE) -> bytes:
    """A pax header, or a long name of GNU, with this content."""
    return block("pax", len(content), kind) + content + bytes(-len(content) % 512)


def record(key: str, value: str) -> bytes:
    """A record of a pax header."""
    rest = f" {key}={value}\n".encode()
    length = len(rest) + len(str(len(rest)))
    return f"{length + (len(str(length)) > len(str(len(rest))))}".encode() + rest


def elf(segments: int = 0, sections: int = 0) -> bytes:
    """An ELF file whose program or section headers are all the same one."""
    ident = b"\x7fELF\x02\x01\x01" + bytes(9)
    fields = (3).to_bytes(2, "little") + (62).to_bytes(2, "little") + (1).to_bytes(4, "little") + bytes(8)
    offsets = (64).to_bytes(8, "little") * 2 + bytes(4) + (64).to_bytes(2, "little")
    counts = b"".join(count.to_bytes(2, "little") for count in (56, segments, 64, sections, 0))
    return ident + fields + offsets + counts + bytes(64 * max(segments, sections))


INPUTS: dict[str, tuple[str, Callable[[], bytes]]] = {
    "3 million header fields": ("whl", lambda: wheel(METADATA + b"a:\n" * 3_000_000)),
    "3 million continuation lines": ("whl", lambda: wheel(METADATA + b"Summary: x\n" + b" \n" * 3_000_000)),
    "a field of 16 MB": ("whl", lambda: wheel(METADATA + b"Summary: " + b"x" * 16_000_000 + b"\n")),
    "500,000 requirements": ("whl", lambda: wheel(METADATA + b"Requires-Dist: a (>=1<2)\n" * 500_000)),
    "a requirement of 15 MB": ("whl", lambda: wheel(METADATA + b"Requires-Dist: a" + b">=1," * 3_900_000 + b"<2\n")),
    "a marker of 15 MB": (
        "whl",
        lambda: wheel(METADATA + b"Requires-Dist: a;os_name=='x'" + b" or os_name=='x'" * 900_000 + b"\n"),
    ),
    "parentheses in a marker": (
        "whl",
        lambda: wheel(METADATA + b"Requires-Dist: a;" + b"(" * 1_000_000 + b"os_name=='x'" + b")" * 1_000_000 + b"\n"),
    ),
    "extras of 5 MB": ("whl", lambda: wheel(METADATA + b"Requires-Dist: a[" + b"b," * 2_500_000 + b"c]\n")),
    "100,000 extras": ("whl", lambda: wheel(METADATA + b"".join(b"Provides-Extra: e%d\n" % n for n in range(100_000)))),
    "extras times markers": (
        "whl",
        lambda: wheel(
            METADATA
            + b"".join(b"Provides-Extra: e%d\n" % n for n in range(5_000))
            + b"Requires-Dist: a;extra in 'b'\n" * 4_000
        ),
    ),
    "9,900 requirements at the limit": (
        "whl",
        lambda: wheel(METADATA + required(9_900, b";%d>os_name" + b" or os_name=='x'" * 24)),
    ),
    "800 requirements at the limit": (
        "whl",
        lambda: wheel(METADATA + required(800, b";%d>os_name" + b" or os_name=='x'" * 305)),
    ),
    "800 lists of clauses at the limit": ("whl", lambda: wheel(METADATA + required(800, b">=%d" + b"<=2>=1" * 820))),
    "digits in a version": ("whl", lambda: wheel(METADATA + b"Requires-Dist: a>=" + b"9" * 4_000_000 + b"\n")),
    "1 million rows of RECORD": ("whl", lambda: wheel(record=b"".join(b"%d,,\n" % n for n in range(1_000_000)))),
    "1 million equal rows of RECORD": ("whl", lambda: wheel(record=b"a,,\n" * 1_000_000)),
    "a row of RECORD with 10 million fields": ("whl", lambda: wheel(record=b"," * 10_000_000)),
    "a WHEEL of 16 MB": ("whl", lambda: wheel(wheel=WHEEL + b"Tag: a\n" * 2_300_000)),
    "entry points of 16 MB": ("whl", lambda: wheel(**{f"{INFO}__entry_points.txt": b"[a]\nb=c\n" * 2_000_000})),
    "200,000 members of a zip": ("whl", lambda: wheel(**{f"one__{n}": b"" for n in range(199_990)})),
    "99,990 members of a zip": ("whl", lambda: wheel(**{f"one__{n}": b"" for n in range(99_990)})),
    "a zip name of 60 KB": ("whl", lambda: wheel(**{"a__" * 30_000 + "b": b""})),
    "ELF with 65,535 segments": ("whl", lambda: wheel(**{f"one__{n}.so": elf(segments=65_535) for n in range(4)})),
    "ELF with 65,535 sections": ("whl", lambda: wheel(**{f"one__{n}.so": elf(sections=65_535) for n in range(4)})),
    "99,990 members of a tar": ("tar.gz", lambda: sdist(*(block(f"one-1.0/{n}") for n in range(99_990)))),
    "200,000 members of a tar": ("tar.gz", lambda: sdist(*(block(f"one-1.0/{n}") for n in range(199_000)))),
    "1 million members of a tar": ("tar.gz", lambda: sdist(*(block(f"one-1.0/{n}") for n in range(1_000_000)))),
    "a pax header of 3 GiB that is sparse": (
        "tar.gz",
        lambda: sdist(block("pax", 3 << 30, tarfile.XHDTYPE)),
    ),
    "a pax header of 15 MB of digits": ("tar.gz", lambda: sdist(extended(b"1" * 15_000_000), block("one-1.0/a"))),
    "1 million records in a pax header": (
        "tar.gz",
        lambda: sdist(extended(record("a", "b") * 1_000_000), block("one-1.0/a")),
    ),
    "30,000 pax headers": ("tar.gz", lambda: sdist(*(extended(record("a", "b")) for _ in range(15_000)))),
    "a long name of 15 MB": ("tar.gz", lambda: sdist(extended(b"a/" * 7_500_000, b"L"), block("one-1.0/a"))),
    "10,000 long names and a link": (
        "tar.gz",
        lambda: sdist(
            block("one-1.0/link", kind=tarfile.SYMTYPE, linkname="a"),
            *(extended(b"one-1.0/" + b"a/" * 2_000 + b"%d" % n, b"L") + block("a") for n in range(3_000)),
        ),
    ),
    "a link to a long target": (
        "tar.gz",
        lambda: sdist(
            *(extended(b"a/" * 2_000 + b"a", b"K") + block(f"one-1.0/{n}", kind=tarfile.SYMTYPE) for n in range(3_000))
        ),
    ),
    "a sparse file of 8 GiB": (
        "tar.gz",
        lambda: sdist(extended(record("GNU.sparse.major", "1") + record("GNU.sparse.minor", "0")), block("a", 1 << 33)),
    ),
    "zeros of 16 MB after the tar": ("tar.gz", lambda: sdist() + gzip.compress(bytes(16 << 20))),
    "nested TOML": (
        "tar.gz",
        lambda: sdist(pyproject__toml=b"a = " + b"[" * 1_000_000 + b"]" * 1_000_000),
    ),
    "a dotted key of TOML with 1 million parts": (
        "tar.gz",
        lambda: sdist(pyproject__toml=b"a." * 1_000_000 + b"a = 1\n[build-system]\nrequires=[]\n"),
    ),
    "a TOML of 16 MB": ("tar.gz", lambda: sdist(pyproject__toml=b"".join(b"a%d=1\n" % n for n in range(1_500_000)))),
    "parentheses in a requirements file": ("txt", lambda: b"a; " + b"(" * 1_000_000 + b"os_name=='x'\n"),
    "blanks in a requirements file": ("txt", lambda: b"a" + b" " * 200_000 + b"b\n"),
    "a version of digits in a requirements file": ("txt", lambda: b"a==" + b"9" * 2_000_000 + b"\n"),
}
"""What the input is → (how its file's name ends, what makes it)."""


def measured(path: Path) -> str:
    """Processor seconds, megabytes and outcome of reading one file in a process of its own."""
    started = time.monotonic()
    command = [sys.executable, "-c", INSPECT, str(path)]
    try:
        done = subprocess.run(command, env=environment(), capture_output=True, text=True, timeout=LIMIT, check=False)
    except subprocess.TimeoutExpired:
        return f"over {LIMIT:.0f} | | ended"
    if done.returncode:
        return f"{time.monotonic() - started:.2f} | | {(done.stderr.splitlines() or ['killed'])[-1][:150]}"
    return done.stdout.strip()


def main() -> None:
    """Print the table, of the inputs whose names hold one of the arguments."""
    print("| input | bytes | seconds | MB | outcome |\n| --- | ---: | ---: | ---: | --- |")
    with tempfile.TemporaryDirectory() as folder:
        for name, (suffix, make) in INPUTS.items():
            if sys.argv[1:] and not any(word in name for word in sys.argv[1:]):
                continue
            stem = {"whl": "one-1.0-py3-none-any", "tar.gz": "one-1.0", "txt": "requirements"}[suffix]
            path = Path(folder, f"{stem}.{suffix}")
            path.write_bytes(make())
            print(f"| {name} | {path.stat().st_size:,} | {measured(path)} |", flush=True)


if __name__ == "__main__":
    main()
