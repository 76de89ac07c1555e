"""A bundle writes only what its lock files lead to, in the wheelhouse and nowhere else, whatever its manifest and members say."""

import hashlib
import io
import json
import os
import re
import shutil
import stat
import tarfile
import tomllib
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import tomli_w
from hypothesis import given, settings
from hypothesis import strategies as st
from packaging.utils import canonicalize_name
from packaging.version import Version

from tests.support.golden import Session
from tests.support.wheels import build_wheel
from wheelhouse.archive.artifact import Artifact
from wheelhouse.bundle.bundle import MANIFEST, BundleEntry, BundleManifest, difference
from wheelhouse.bundle.lock_files import is_possible_path, must_follow_from_locks
from wheelhouse.bundle.pack import inspect_bundle, pack, unpack
from wheelhouse.errors import InputError, IntegrityError, WheelhouseError
from wheelhouse.index.provenance import Provenance
from wheelhouse.lock.lock import Built, Inputs, Lock, Pin
from wheelhouse.lock.other_files import OtherFile, OtherFiles
from wheelhouse.lock.wheelhouse import Wheelhouse, sums
from wheelhouse.target.target import Platform, Python, Target
from wheelhouse.verify.inner_folders import list_inner_folders
from wheelhouse.verify.locked_folders import INNER_FOLDERS
from wheelhouse.verify.verify import verify

APP = "app-1.0-py3-none-any.whl"
LOCK = "pylock.cp312-manylinux_2_28_x86_64.toml"
REQUIREMENTS = "requirements.cp312-manylinux_2_28_x86_64.txt"
Files = dict[str, bytes]


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A wheelhouse with constraints, another one in tools/, and other files."""
    base = tmp_path_factory.mktemp("house")
    build_wheel(base / "offered", "app", "1.0", requires=["lib"])
    build_wheel(base / "offered", "lib", "1.0")
    (base / "limits.txt").write_text("lib<2\n")
    session = Session(base, {"fetch": ("--python", "3.12", "--no-index", "--find-links", "offered")})
    assert session("fetch app -c limits.txt") == session("fetch lib --dest wheels/tools") == 0, session.transcript
    other = OtherFile("data.bin", "https://127.0.0.1/data.bin", hashlib.sha256(b"data").hexdigest(), 4)
    (base / "wheels" / "files").mkdir()
    for name, text in OtherFiles((other,)).texts.items():
        (base / "wheels" / "files" / name).write_text(text)
    (base / "wheels" / "files" / "data.bin").write_bytes(b"data")
    list_inner_folders(base / "wheels")
    assert not verify(base / "wheels").findings
    return base / "wheels"


def files_of(folder: Path) -> Files:
    return {str(path.relative_to(folder)): path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file()}


def bundled(path: Path, files: Files, manifest: BundleManifest | None = None, kind: bytes = tarfile.REGTYPE) -> Path:
    """A bundle of any files, with a manifest of these, or another one."""
    hashes = {name: (hashlib.sha256(raw).hexdigest(), len(raw)) for name, raw in files.items()}
    manifest = manifest or difference(hashes, None)
    with tarfile.open(path, "w", format=tarfile.PAX_FORMAT) as archive:
        for name, raw in {MANIFEST: manifest.to_json().encode(), **dict(sorted(files.items()))}.items():
            header = tarfile.TarInfo(name)
            header.size, header.mode = len(raw), 0o6777
            header.type = tarfile.REGTYPE if name == MANIFEST else kind
            archive.addfile(header, io.BytesIO(raw))
    return path


def summed(files: Files, folder: str = "") -> Files:
    """The same with a SHA256SUMS that is true, and with that of the folder around it."""
    prefix = f"{folder}/" if folder else ""
    own = {name.removeprefix(prefix): sha256(raw) for name, raw in files.items() if name.rpartition("/")[0] == folder}
    own.pop("SHA256SUMS", None)
    inner = {name: sha256(raw) for name in INNER_FOLDERS if (raw := files.get(f"{prefix}{name}/SHA256SUMS"))}
    result = files | {f"{prefix}SHA256SUMS": sums(own, inner).encode()}
    return summed(result, folder.rpartition("/")[0]) if folder else result


def sha256(raw: bytes) -> str:
    return hashlib.sha256(raw).hexdigest()


def refused(bundle: Path, tmp_path: Path, sentence: str) -> None:
    """Unpacking is refused, and leaves nothing."""
    with pytest.raises(WheelhouseError, match=sentence):
        unpack(bundle, tmp_path / "there", ())
    assert not (tmp_path / "there").exists() or not list((tmp_path / "there").iterdir())


def test_a_bundle_of_what_its_locks_lead_to_is_unpacked_with_plain_modes(house: Path, tmp_path: Path) -> None:
    files = files_of(house)
    before = os.umask(0o077)
    try:
        unpack(bundled(tmp_path / "a.tar", files), tmp_path / "there", ())
    finally:
        os.umask(before)
    assert files_of(tmp_path / "there") == files
    assert {stat.S_IMODE(path.stat().st_mode) for path in (tmp_path / "there").rglob("*") if path.is_file()} == {0o644}
    assert not verify(tmp_path / "there").findings


SPOTS = st.sampled_from(
    ["", "tools/", "files/", "build/", "self/", "docs/", "tools/files/", "tools/docs/", "files/tools/"]
)
NAMES = st.sampled_from(
    [
        *("sitecustomize.py", "wheelhouse-stage.json", "evil.pth", "links.html", "requirements.txt", "wheelhouse.toml"),
        *("evil-1.0-py3-none-any.whl", "evil-1.0.tar.gz", "Dockerfile", "README.md", "files.lock.toml", "run.sh"),
        *("constraints.cp311-manylinux_2_28_x86_64.txt", "pylock.toml", "app-1.0-py3-none-any.whl.provenance"),
    ]
) | st.from_regex(r"[A-Za-z0-9][A-Za-z0-9_.+!~-]{0,20}", fullmatch=True)


@given(SPOTS, NAMES)
@settings(max_examples=40, deadline=None)
def test_a_name_that_no_lock_leads_to_is_refused(
    tmp_path_factory: pytest.TempPathFactory, house: Path, spot: str, name: str
) -> None:
    files = files_of(house)
    if f"{spot}{name}".lower() in {path.lower() for path in files}:
        return
    folder = tmp_path_factory.mktemp("name")
    bundle = bundled(folder / "a.tar", summed(files | {f"{spot}{name}": b"x = 1\n"}, spot.rstrip("/")))
    refused(
        bundle, folder, "no lock file in the bundle lists|is not what its lock file|is not a lock|lists a file inside"
    )


@given(st.data())
@settings(max_examples=40, deadline=None)
def test_other_bytes_under_a_name_of_a_lock_are_refused(
    tmp_path_factory: pytest.TempPathFactory, house: Path, data: st.DataObject
) -> None:
    """The manifest and SHA256SUMS say what the bytes are: the lock alone decides."""
    files = files_of(house)
    path = data.draw(st.sampled_from(sorted(files)))
    raw = files[path]
    altered = data.draw(st.sampled_from([raw + b"\n", raw[:-1], b"", raw[:9] + b"?" + raw[10:]]))
    folder = tmp_path_factory.mktemp("bytes")
    changed = files | {path: altered}
    if not path.endswith("SHA256SUMS"):
        changed = summed(changed, path.rpartition("/")[0])
    try:
        unpack(bundled(folder / "a.tar", changed), folder / "there", ())
    except WheelhouseError:
        assert not (folder / "there").exists() or not list((folder / "there").iterdir())
    else:  # a lock may say more than this version reads; then `verify` says so
        assert path.endswith(".toml")
        assert verify(folder / "there").findings


def naming(house: Path, change: Callable[[dict], None]) -> Files:
    """The files, with another lock."""
    files = files_of(house)
    document = tomllib.loads(files[LOCK].decode())
    change(document)
    return summed(files | {LOCK: tomli_w.dumps(document).encode()})


def an_archive(document: dict) -> None:
    package = document["packages"][0]
    file = package.pop("wheels")[0]
    del file["name"]
    package["archive"] = file
    package["tool"]["wheelhouse"]["archive"] = "sitecustomize.py"


def a_kept_sdist(document: dict) -> None:
    sdist = {"name": "evil.pth", "size": 1, "hashes": {"sha256": "0" * 64}}
    built = {"sdist": sdist, "interpreter": "x", "kept-archive": True}
    document["packages"][0]["tool"]["wheelhouse"]["built"] = built


def a_label(document: dict) -> None:
    document["tool"]["wheelhouse"]["label"] = "0123abcd"


LOCKS: dict[str, tuple[Callable[[dict], None], str]] = {
    "an archive that is none": (an_archive, "`'sitecustomize.py'` is not the name of a wheel or an sdist"),
    "a kept sdist that is none": (a_kept_sdist, "`'evil.pth'` is not the name of a wheel or an sdist"),
    "a lock of another name": (
        a_label,
        "has the content of the lock file `pylock.cp312-manylinux_2_28_x86_64-0123abcd.toml`",
    ),
    "a lock of other files": (lambda document: document["packages"].pop(), "no lock file in the bundle lists `lib-1.0"),
}


@pytest.mark.parametrize("kind", LOCKS)
def test_a_lock_names_only_wheels_and_sdists(house: Path, tmp_path: Path, kind: str) -> None:
    change, sentence = LOCKS[kind]
    refused(bundled(tmp_path / "a.tar", naming(house, change)), tmp_path, sentence)


def test_a_bundle_that_lacks_what_its_locks_lead_to_is_refused(house: Path, tmp_path: Path) -> None:
    """The manifest and SHA256SUMS leave it out, too. A lock file can be left out with all that follows from it."""
    files = files_of(house)
    for path in files:
        left = {name: raw for name, raw in files.items() if name != path}
        if not path.endswith(("SHA256SUMS", ".toml")):
            left = summed(left, path.rpartition("/")[0])
        sentence = f"the bundle lacks `{re.escape(path)}`|no lock file in the bundle lists|SHA256SUMS` differs"
        refused(bundled(tmp_path / "a.tar", left), tmp_path, sentence)


def test_a_folder_inside_that_is_left_out_is_refused_unless_no_folder_is_listed(house: Path, tmp_path: Path) -> None:
    files = files_of(house)
    left = {name: raw for name, raw in files.items() if not name.startswith("tools/")}
    refused(bundled(tmp_path / "a.tar", left), tmp_path, "`SHA256SUMS` differs from the file that its lock file lists")
    own = {name: sha256(raw) for name, raw in files.items() if "/" not in name and name != "SHA256SUMS"}
    unpack(bundled(tmp_path / "b.tar", files | {"SHA256SUMS": sums(own).encode()}), tmp_path / "there", ())
    assert {finding.subject for finding in verify(tmp_path / "there").findings} == {"files", "tools"}


def test_a_wheelhouse_that_lacks_constraints_is_not_packed(house: Path, tmp_path: Path) -> None:
    shutil.copytree(house, tmp_path / "wheels")
    (constraints,) = (tmp_path / "wheels").glob("constraints.*.txt")
    constraints.unlink()
    with pytest.raises(IntegrityError, match=r"constraints.*is missing, or differs from its lock file"):
        pack(tmp_path / "wheels", tmp_path / "a.tar", None, None, None)


@pytest.mark.parametrize("name", ["SHA256SUMS", "files.lock.toml", "evil.py"])
def test_what_lies_beside_another_file_has_its_name(house: Path, tmp_path: Path, name: str) -> None:
    files = files_of(house)
    document = tomllib.loads(files["files/files.lock.toml"].decode())
    document["files"][0]["beside"] = [{"name": name, "sha256": sha256(b"x"), "size": 1, "url": "https://127.0.0.1/x"}]
    files |= {f"files/{name}": b"x", "files/files.lock.toml": tomli_w.dumps(document).encode()}
    refused(
        bundled(tmp_path / "a.tar", summed(files, "files")), tmp_path, "neither the checksum file nor the signature"
    )


def full_wheelhouse() -> Wheelhouse:
    """Locks with every kind of file: odd sdists, a kept one, a lock with a label, constraints and attestations."""
    attestations = "{}"
    provenance = Provenance("https://127.0.0.1/x.provenance", sha256(attestations.encode()))
    odd = Artifact("odd-1.0.tgz", "1" * 64, 10)
    kept = Built(Artifact("kept-1.0.tar.bz2", "2" * 64, 10), "CPython 3.12.4", kept=True)
    pins = (
        Pin(canonicalize_name("kept"), Version("1.0"), Artifact("kept-1.0-py3-none-any.whl", "3" * 64, 10), built=kept),
        Pin(
            canonicalize_name("lib"),
            Version("1.0"),
            Artifact("lib-1.0-py3-none-any.whl", "4" * 64, 10),
            provenance=provenance,
        ),
        Pin(canonicalize_name("odd"), Version("1.0"), odd),
    )
    target = Target.of(Python.parse("3.12.4"), Platform.parse("linux/amd64"))
    inputs = Inputs(("odd",), constraints_sha256=sha256(b"odd<2\n"))
    labelled = Lock(target, Inputs(("lib",)), pins[1:2], "0123abcd")
    names = {"lib-1.0-py3-none-any.whl.provenance": attestations}
    return Wheelhouse((Lock(target, inputs, pins), labelled), {target.name: "odd<2\n"}, names)


@pytest.mark.parametrize("folder", ["", "tools/", "build/", "self/", "tools/build/"])
def test_every_kind_of_file_of_a_wheelhouse_follows_from_its_locks(folder: str) -> None:
    house = full_wheelhouse()
    hashes = {name: (artifact.sha256, artifact.size) for name, artifact in house.artifacts.items()}
    hashes |= {name: (sha256(text.encode()), len(text)) for name, text in house.texts.items()}
    assert {"links.html", "odd-1.0.tgz", "kept-1.0.tar.bz2", "lib-1.0-py3-none-any.whl.provenance"} < hashes.keys()
    manifest = difference({f"{folder}{name}": file for name, file in hashes.items()}, None)
    locks = {f"{folder}{lock.filename}": house.texts[lock.filename].encode() for lock in house.locks}
    must_follow_from_locks(manifest, locks, "a.tar")
    for path in manifest.result:
        assert is_possible_path(path)
        altered = {each: ("0" * 64 if each == path else sha, 1) for each, sha in manifest.result.items()}
        if path not in locks:
            with pytest.raises(IntegrityError, match="differs from the file that its lock file lists"):
                must_follow_from_locks(difference(altered, None), locks, "a.tar")


MANIFESTS: dict[str, tuple[Callable[[dict], None], str]] = {
    "up": (lambda document: document["files"][0].update(path="../evil.whl"), "not allowed in a bundle"),
    "absolute": (lambda document: document["files"][0].update(path="/etc/evil.whl"), "not allowed in a bundle"),
    "a drive": (lambda document: document["files"][0].update(path="C:evil.whl"), "not allowed in a bundle"),
    "a line": (lambda document: document["files"][0].update(path="a\n.whl"), "not allowed in a bundle"),
    "NUL": (lambda document: document["files"][0].update(path="a\0.whl"), "not allowed in a bundle"),
    "twins in case": (
        lambda document: document["files"].append(document["files"][0] | {"path": APP.upper()}),
        "upper and lower case count as equal",
    ),
    "a size without end": (
        lambda document: document["files"][0].update(size=1 << 70),
        "but the manifest lists the file",
    ),
    "a negative size": (lambda document: document["files"][0].update(size=-1), "without a valid sha256 or size"),
    "a text for a size": (lambda document: document["files"][0].update(size="1"), r"`files\[0\].size` is '1'"),
    "no files": (lambda document: document.pop("files"), "missing required field `files`"),
    "another format": (lambda document: document.update(format=3), "is a bundle of format 3"),
}


@pytest.mark.parametrize("kind", MANIFESTS)
def test_a_manifest_that_lies_is_refused(house: Path, tmp_path: Path, kind: str) -> None:
    change, sentence = MANIFESTS[kind]
    files = files_of(house)
    document = json.loads(difference({name: (sha256(raw), len(raw)) for name, raw in files.items()}, None).to_json())
    change(document)

    class Lying(BundleManifest):
        def to_json(self) -> str:
            return json.dumps(document)

    refused(bundled(tmp_path / "a.tar", files, Lying(())), tmp_path, sentence)


@pytest.mark.parametrize(
    "kind",
    [tarfile.SYMTYPE, tarfile.LNKTYPE, tarfile.FIFOTYPE, tarfile.CHRTYPE, tarfile.BLKTYPE, tarfile.DIRTYPE, b"S"],
)
def test_members_that_are_no_regular_files_are_refused(house: Path, tmp_path: Path, kind: bytes) -> None:
    refused(
        bundled(tmp_path / "a.tar", files_of(house), kind=kind),
        tmp_path,
        "has content, but its type|but the manifest lists the file|has a sparse member",
    )


def test_lock_files_without_end_are_not_read(tmp_path: Path) -> None:
    """A few kB on disk: a thousand lock files of 16 MiB, whose sha256 are true, in a sparse file."""
    size = 16 << 20
    digest = sha256(bytes(size))
    manifest = difference({f"pylock.t{number}.toml": (digest, size) for number in range(1000)}, None)
    bundled(tmp_path / "a.tar", {}, manifest)
    with pytest.raises(IntegrityError, match=f"the lock files of `a.tar` have {1000 * size} bytes"):
        unpack(tmp_path / "a.tar", tmp_path / "there", ())


def test_a_header_without_end_is_not_read(tmp_path: Path) -> None:
    """4 KB on disk: the header says 3 GiB, and the file is sparse."""
    header = tarfile.TarInfo("PaxHeaders/x")
    header.type, header.size = tarfile.XHDTYPE, 3 << 30
    with (tmp_path / "a.tar").open("wb") as file:
        file.write(header.tobuf(tarfile.GNU_FORMAT))
        file.truncate(512 + (3 << 30) + 10240)
    with pytest.raises(IntegrityError, match="an extended header has 3221225472 bytes"):
        inspect_bundle(tmp_path / "a.tar", ())


@pytest.fixture(scope="module")
def packed(house: Path, tmp_path_factory: pytest.TempPathFactory) -> bytes:
    path = tmp_path_factory.mktemp("packed") / "a.tar"
    pack(house, path, None, None, None)
    return path.read_bytes()


@given(st.integers(0, 1 << 20), st.binary(min_size=1, max_size=64), st.booleans())
@settings(max_examples=40, deadline=None)
def test_a_bundle_with_any_bytes_altered_is_refused_or_verifies(
    tmp_path_factory: pytest.TempPathFactory, house: Path, packed: bytes, place: int, junk: bytes, cut: bool
) -> None:
    folder = tmp_path_factory.mktemp("junk")
    raw = bytearray(packed)
    place %= len(raw)
    raw[place : place + len(junk)] = b"" if cut else junk
    (folder / "a.tar").write_bytes(raw)
    try:
        unpack(folder / "a.tar", folder / "there", ())
    except WheelhouseError:
        assert not (folder / "there").exists() or not list((folder / "there").iterdir())
    else:
        assert files_of(folder / "there") == files_of(house)


# Links, and what else lies where it must not


@pytest.fixture
def outside(tmp_path: Path) -> Iterator[Path]:
    (tmp_path / "outside").mkdir()
    yield tmp_path / "outside"
    assert list((tmp_path / "outside").iterdir()) == []


@pytest.mark.parametrize("inner", ["tools", "files"])
@pytest.mark.parametrize("filled", [False, True])
def test_a_link_in_the_place_of_a_folder_is_not_followed(
    house: Path, tmp_path: Path, outside: Path, inner: str, filled: bool
) -> None:
    pack(house, tmp_path / "a.tar", None, None, None)
    if filled:
        unpack(tmp_path / "a.tar", tmp_path / "there", ())
        shutil.rmtree(tmp_path / "there" / inner)
    else:
        (tmp_path / "there").mkdir()
    (tmp_path / "there" / inner).symlink_to(outside)
    before = files_of(tmp_path / "there")
    with pytest.raises(IntegrityError, match=f"`{tmp_path}/there/{inner}` is a link, but must be a folder"):
        unpack(tmp_path / "a.tar", tmp_path / "there", ())
    assert files_of(tmp_path / "there") == before


def test_a_link_that_the_user_named_is_the_wheelhouse(house: Path, tmp_path: Path) -> None:
    pack(house, tmp_path / "a.tar", None, None, None)
    (tmp_path / "real").mkdir()
    (tmp_path / "there").symlink_to(tmp_path / "real")
    unpack(tmp_path / "a.tar", tmp_path / "there", ())
    assert files_of(tmp_path / "real") == files_of(house)


@pytest.mark.parametrize("kind", ["FIFO", "link", "folder", "link to /dev/zero"])
@pytest.mark.parametrize("name", [APP, f"tools/{LOCK}"])
def test_what_is_no_file_in_the_place_of_one_is_neither_read_nor_replaced(
    house: Path, tmp_path: Path, kind: str, name: str
) -> None:
    pack(house, tmp_path / "a.tar", None, None, None)
    place = tmp_path / "there" / name
    place.parent.mkdir(parents=True)
    make = {
        "FIFO": lambda: os.mkfifo(place),
        "link": lambda: place.symlink_to(house / name),
        "folder": place.mkdir,
        "link to /dev/zero": lambda: place.symlink_to("/dev/zero"),
    }
    make[kind]()
    with pytest.raises(IntegrityError, match=f"`{name}` differs"):
        unpack(tmp_path / "a.tar", tmp_path / "there", ())
    assert not files_of(tmp_path / "there").keys() - {name}


@pytest.mark.parametrize("kind", ["FIFO", "link", "link to /dev/zero"])
def test_what_is_no_file_is_not_packed(house: Path, tmp_path: Path, kind: str) -> None:
    shutil.copytree(house, tmp_path / "house")
    place = tmp_path / "house" / APP
    place.unlink()
    make = {
        "FIFO": lambda: os.mkfifo(place),
        "link": lambda: place.symlink_to(house / APP),
        "link to /dev/zero": lambda: place.symlink_to("/dev/zero"),
    }
    make[kind]()
    with pytest.raises((InputError, IntegrityError), match=f"`{place}` is a {kind[:4]}"):
        pack(tmp_path / "house", tmp_path / "a.tar", None, None, None)
    assert not (tmp_path / "a.tar").exists()


@pytest.mark.parametrize("path", ["README.md", ".ssh", "sitecustomize.py", "docs/a.whl", "wheelhouse.toml", "../a.whl"])
def test_a_difference_removes_only_what_a_lock_can_name(house: Path, tmp_path: Path, path: str) -> None:
    unpack(bundled(tmp_path / "a.tar", files_of(house)), tmp_path / "there", ())
    mine = tmp_path / "there" / path
    mine.parent.mkdir(exist_ok=True)
    mine.write_bytes(b"mine")
    entries = tuple(
        BundleEntry(name, sha256(raw), len(raw), carried=False) for name, raw in sorted(files_of(house).items())
    )
    manifest = BundleManifest(entries, {path: sha256(b"mine")}, base="0" * 64)
    with pytest.raises(
        IntegrityError,
        match=r"the bundle would remove `.*`, a path that no wheelhouse can have|not allowed in a bundle",
    ):
        unpack(bundled(tmp_path / "d.tar", {}, manifest), tmp_path / "there", ())
    assert mine.read_bytes() == b"mine"


def test_a_base_with_names_that_no_lock_can_name_is_refused(house: Path, tmp_path: Path) -> None:
    base = difference({"README.md": (sha256(b"mine"), 4)}, None)
    (tmp_path / "base.json").write_text(base.to_json())
    with pytest.raises(IntegrityError, match=r"lists `README\.md`, a path that no wheelhouse can have"):
        pack(house, tmp_path / "a.tar", tmp_path / "base.json", None, None)


def index_of(*rows: tuple[str, bytes]) -> str:
    return json.dumps({"volumes": [{"name": name, "sha256": sha256(raw), "size": len(raw)} for name, raw in rows]})


@pytest.mark.parametrize("kind", ["FIFO", "link to /dev/zero", "twice", "outside", "no text"])
def test_an_index_of_volumes_that_is_none_is_refused_at_once(tmp_path: Path, kind: str) -> None:
    index = tmp_path / "a.tar.volumes.json"
    make = {
        "FIFO": lambda: os.mkfifo(index),
        "link to /dev/zero": lambda: index.symlink_to("/dev/zero"),
        "twice": lambda: index.write_text(index_of(("a.tar.001", b"x"), ("a.tar.001", b"x"))),
        "outside": lambda: index.write_text(index_of(("../a.tar.001", b"x"))),
        "no text": lambda: index.write_bytes(b"\xff\xfe"),
    }
    make[kind]()
    with pytest.raises((InputError, IntegrityError)):
        inspect_bundle(tmp_path / "a.tar", ())


@pytest.mark.parametrize("kind", ["FIFO", "link to /dev/zero"])
def test_a_volume_that_is_no_file_is_missing(tmp_path: Path, kind: str) -> None:
    (tmp_path / "a.tar.volumes.json").write_text(index_of(("a.tar.001", b"x")))
    volume = tmp_path / "a.tar.001"
    os.mkfifo(volume) if kind == "FIFO" else volume.symlink_to("/dev/zero")
    with pytest.raises(IntegrityError, match=r"the volume `a\.tar\.001` is missing"):
        inspect_bundle(tmp_path / "a.tar", ())
