"""A base image, its Debian packages and wheels, fetched through the relay beside curl of the same bytes: `python -m benchmarks.image`.

nginx serves all three on loopback, in the sizes of an Airflow image: an image of four layers, a signed archive whose `Packages`
names as many packages as Debian's, and an index. What is fetched inflates and hashes at the speed of real files.
"""

import argparse
import gzip
import hashlib
import json
import lzma
import os
import random
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from urllib.parse import urlsplit

from benchmarks.fetch import relayed, table
from benchmarks.made import served
from benchmarks.measure import Cost, cost_of, environment, median
from tests.support.debian_archive import MadeSuite, Signer, make_signer, status_of
from tests.support.registry import descriptor, layer_tar, python_files, sha256
from tests.support.wheels import build_wheel

MEGABYTE = 1 << 20
LAYERS = (28, 45, 25, 12)
"""Megabytes of each layer of the image, compressed."""
DEBS, DEB_MEGABYTES, IN_ARCHIVE = 340, 170, 60_000
WHEELS, WHEEL_MEGABYTES = 170, 170
REPOSITORY, TAG, SUITE = "library/python", "3.12-slim", "bookworm"
FEW = bytes(range(48, 56)) * 32
"""Every byte → one of eight: what deflate packs to three eighths, as it does a program."""
PARALLEL = "16"
FLOOR, OURS = "floor: curl of the same bytes", "wheelhouse fetch --base-image … --deb …"


def inflated(megabytes: float) -> bytes:
    """Bytes that have about so many megabytes when they are compressed."""
    return os.urandom(int(megabytes * MEGABYTE * 8 / 3)).translate(FEW)


def sizes(count: int, megabytes: float) -> list[float]:
    """Megabytes of each of `count` files: many small ones and few large ones, as package sizes are."""
    chosen = random.Random(count)
    weights = [chosen.lognormvariate(0, 1.5) for _ in range(count)]
    return [megabytes * weight / sum(weights) for weight in weights]


def make(root: Path) -> None:
    """Write what the server offers, unless it is there."""
    if (root / "made").is_file():
        return
    shutil.rmtree(root, ignore_errors=True)
    (root / "tmp").mkdir(parents=True)
    with tempfile.TemporaryDirectory() as home:
        signer = make_signer(Path(home) / "keys", "archive")
        make_archive(root / "debian", signer)
        make_image(root / "v2" / REPOSITORY, signer)
    make_index(root)
    (root / "made").touch()


def make_image(folder: Path, signer: Signer) -> None:
    """An image with dpkg's status, the archive's key, and Python."""
    own = {"var/lib/dpkg/status": status_of([{"Package": "dpkg", "Version": "1.21"}]).encode()}
    own |= {"etc/apt/trusted.gpg.d/made.gpg": signer.public}
    files = [{f"usr/share/layer-{number}": inflated(size)} for number, size in enumerate(LAYERS)]
    plain = [layer_tar({**files[0], **python_files(), **own}), *map(layer_tar, files[1:])]
    packed = [gzip.compress(layer, 1) for layer in plain]
    rootfs = {"type": "layers", "diff_ids": [sha256(layer) for layer in plain]}
    config = json.dumps({"architecture": "amd64", "os": "linux", "config": {}, "rootfs": rootfs}).encode()
    kind = "application/vnd.oci.image"
    layers = [descriptor(f"{kind}.layer.v1.tar+gzip", layer) for layer in packed]
    document = {"schemaVersion": 2, "mediaType": f"{kind}.manifest.v1+json", "layers": layers}
    manifest = json.dumps(document | {"config": descriptor(f"{kind}.config.v1+json", config)}).encode()
    for path, raw in {
        f"manifests/{TAG}": manifest,
        f"manifests/{sha256(manifest)}": manifest,
        **{f"blobs/{sha256(raw)}": raw for raw in (config, *packed)},
    }.items():
        put(folder / path, raw)


def make_archive(folder: Path, signer: Signer) -> None:
    """A signed suite: the packages `package-0` and those that it needs, each with its file, and the records of all others."""
    records = [record(folder, number, size) for number, size in enumerate(sizes(DEBS, DEB_MEGABYTES))]
    records += [other(number) for number in range(IN_ARCHIVE)]
    packages = lzma.compress("\n".join(records).encode(), preset=1)
    place = "main/binary-amd64/Packages.xz"
    release = MadeSuite(SUITE, {"main": []}).release({place: packages})
    put(folder / "dists" / SUITE / place, packages)
    put(folder / "dists" / SUITE / "InRelease", signer.sign(release))


def record(folder: Path, number: int, size: float) -> str:
    """The record of a package that is fetched, whose file is written."""
    raw = os.urandom(int(size * MEGABYTE))
    path = f"pool/main/p/package-{number}/package-{number}_1.0_amd64.deb"
    put(folder / path, raw)
    needs = ", ".join(f"package-{after}" for after in (2 * number + 1, 2 * number + 2, number + 7) if after < DEBS)
    depends = f"Depends: {needs}\n" if needs else ""
    sha = hashlib.sha256(raw).hexdigest()
    return (
        f"Package: package-{number}\nVersion: 1.0\n{depends}{COMMON}Filename: {path}\nSize: {len(raw)}\nSHA256: {sha}\n"
    )


COMMON = "Architecture: amd64\nMaintainer: A Benchmark <b@example.org>\nSection: libs\nPriority: optional\nDescription: made\n"


def other(number: int) -> str:
    """The record of a package that is not fetched."""
    name = f"other-{number}"
    needs = f"Depends: libc6 (>= 2.36), other-{number * 7 % IN_ARCHIVE} (>= 1.0), other-{number * 11 % IN_ARCHIVE}\n"
    tags = "Tag: implemented-in::c, role::shared-lib, devel::library\n"
    place = f"Filename: pool/main/o/{name}/{name}_1.0_amd64.deb\nSize: {1000 + number}\n"
    return f"Package: {name}\nVersion: 1.0-{number}\n{needs}{tags}{COMMON}{place}SHA256: {os.urandom(32).hex()}\n"


def make_index(root: Path) -> None:
    """The wheels `made-0` and those that it needs, and their pages."""
    files = root / "files"
    files.mkdir()
    for number, size in enumerate(sizes(WHEELS, WHEEL_MEGABYTES)):
        name = f"made-{number}"
        requires = [f"made-{after}" for after in (2 * number + 1, 2 * number + 2, number + 7) if after < WHEELS]
        wheel = build_wheel(files, name, "1.0", requires=requires, files={f"made_{number}/data.bin": inflated(size)})
        raw = wheel.read_bytes()
        file = {
            "filename": wheel.name,
            "url": f"/files/{wheel.name}",
            "size": len(raw),
            "hashes": {"sha256": hashlib.sha256(raw).hexdigest()},
        }
        page = {"meta": {"api-version": "1.1"}, "name": name, "versions": ["1.0"], "files": [file]}
        put(root / "simple" / name / "index.json", json.dumps(page).encode())


def put(path: Path, raw: bytes) -> None:
    """Write a file and its folders."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(raw)


def offered(root: Path) -> Iterator[str]:
    """The path of everything that a fetch needs, below the server's address. A manifest is needed once."""
    yield f"/v2/{REPOSITORY}/manifests/{TAG}"
    for folder in (root / "v2" / REPOSITORY / "blobs", root / "debian", root / "files"):
        yield from (f"/{path.relative_to(root)}" for path in sorted(folder.rglob("*")) if path.is_file())
    yield from (f"/simple/{page.name}/" for page in sorted((root / "simple").iterdir()))


def curl(origin: str, paths: Sequence[str], room: Path) -> list[str | Path]:
    """One curl that fetches all paths into a folder."""
    lines = (f'url = "{origin}{path}"\noutput = "{room / "curl" / str(number)}"' for number, path in enumerate(paths))
    (room / "urls.curl").write_text("\n".join(lines) + "\n")
    return ["curl", "-sS", "--fail", "--parallel", "--parallel-max", PARALLEL, "-K", room / "urls.curl"]


def fetch(origin: str, room: Path) -> list[str | Path]:
    """The whole of it in one command."""
    host = urlsplit(origin).netloc
    return [
        *(Path(sys.executable).with_name("wheelhouse"), "fetch", "made-0", "-q"),
        *("--base-image", f"{host}/{REPOSITORY}:{TAG}", "--index", f"{origin}/simple"),
        *("--deb", "package-0", "--deb-source", f"deb {origin}/debian {SUITE} main"),
        *("--dest", room / "house", "--cache-dir", room / "cache"),
    ]


def race(origin: str, root: Path, room: Path, rounds: int) -> dict[str, Cost]:
    """Both contenders, once a round in turns; medians."""
    costs: dict[str, list[Cost]] = {FLOOR: [], OURS: []}
    for _ in range(rounds):
        for name, each in costs.items():
            for folder in ("house", "cache", "curl"):
                shutil.rmtree(room / folder, ignore_errors=True)
            (room / "curl").mkdir(parents=True)
            command = curl(origin, list(offered(root)), room) if name == FLOOR else fetch(origin, room)
            each.append(cost_of([command], environment(), room / "log"))
    return {name: median(each) for name, each in costs.items()}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=1)
    parser.add_argument("--room", type=Path, default=Path("build/benchmarks/image"))
    parser.add_argument("--make", action="store_true", help="only write what is served")
    given = parser.parse_args()
    room = given.room.resolve()
    root = room / "offered"
    make(root)
    if given.make:
        return
    subprocess.run(["sync"], check=True)
    with served(root) as index, relayed(urlsplit(index).port) as origin:
        costs = race(origin, root, room, given.rounds)
    print(table("A base image, Debian packages and wheels, through the relay", costs, FLOOR))


if __name__ == "__main__":
    main()
