"""Bundles: whole, as a difference, in volumes, signed; and hostile ones, which leave nothing behind."""

import hashlib
import io
import json
import os
import pty
import select
import shutil
import subprocess
import tarfile
from collections.abc import Callable
from pathlib import Path

import pytest
from cryptography.hazmat.primitives import serialization

from tests.support.index import IndexServer
from tests.support.sampled import sampled
from tests.support.tools import PROGRAM, clean_environment, wheelhouse
from tests.support.wheels import build_wheel
from wheelhouse.archive.compressed import outward_members
from wheelhouse.bundle.bundle import MANIFEST, SIGNATURE, FarSide, difference, digest, parse_manifest
from wheelhouse.bundle.pack import inspect_bundle, pack, unpack, wheelhouse_files
from wheelhouse.bundle.volumes import reading, writing
from wheelhouse.errors import InputError, IntegrityError
from wheelhouse.signing.sign import Key, PublicKey, load_key, load_public_key
from wheelhouse.verify.verify import verify


@pytest.fixture(scope="module")
def houses(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """Two wheelhouses of one job: `old`, and `new` where one project moved on, one went and one came."""
    base = tmp_path_factory.mktemp("houses")
    offered = base / "offered"
    offered.mkdir()
    build_wheel(offered, "app", "1.0", requires=["lib", "gone"])
    build_wheel(offered, "lib", "1.0", files={"lib/data": b"x" * 50_000})
    build_wheel(offered, "gone", "1.0")
    with IndexServer(offered) as server:
        made = wheelhouse("fetch", "app", "--python", "3.12", "--index", server.url, "--dest", "old", cwd=base)
        assert made.returncode == 0, made.stderr
        server.add(build_wheel(offered, "app", "2.0", requires=["lib", "come"]))
        server.add(build_wheel(offered, "come", "1.0"))
        made = wheelhouse("fetch", "app", "--python", "3.12", "--index", server.url, "--dest", "new", cwd=base)
        assert made.returncode == 0, made.stderr
    return {"old": base / "old", "new": base / "new"}


def ssh_key(folder: Path, name: str) -> tuple[Key, PublicKey]:
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", folder / name], check=True)
    return load_key(folder / name, str), load_public_key(folder / f"{name}.pub")


def contents(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file()}


def test_unpacked_equals_packed_and_packs_to_the_same_bytes(houses: dict[str, Path], tmp_path: Path) -> None:
    pack(houses["new"], tmp_path / "a.tar", None, None, None)
    unpack(tmp_path / "a.tar", tmp_path / "there", ())
    assert contents(tmp_path / "there") == contents(houses["new"])
    assert not verify(tmp_path / "there").findings
    pack(tmp_path / "there", tmp_path / "b.tar", None, None, None)
    assert (tmp_path / "a.tar").read_bytes() == (tmp_path / "b.tar").read_bytes()


def test_the_manifest_can_be_read_without_unpacking(houses: dict[str, Path], tmp_path: Path) -> None:
    pack(houses["new"], tmp_path / "a.tar", None, None, None)
    with tarfile.open(tmp_path / "a.tar") as archive:
        first = archive.next()
        assert first is not None and first.name == MANIFEST
        document = json.load(archive.extractfile(first))  # type: ignore[arg-type]
    assert {row["path"] for row in document["files"]} == set(contents(houses["new"]))


def test_unpacking_twice_changes_nothing_and_resumes(houses: dict[str, Path], tmp_path: Path) -> None:
    pack(houses["new"], tmp_path / "a.tar", None, None, None)
    unpack(tmp_path / "a.tar", tmp_path / "there", ())
    assert unpack(tmp_path / "a.tar", tmp_path / "there", ()).placed == ()
    (tmp_path / "there" / "SHA256SUMS").unlink()
    assert unpack(tmp_path / "a.tar", tmp_path / "there", ()).placed == ("SHA256SUMS",)


@pytest.mark.parametrize("since", ["house", "bundle", "manifest"])
def test_a_difference_carries_what_is_missing_and_equals_a_full_bundle(
    houses: dict[str, Path], tmp_path: Path, since: str
) -> None:
    pack(houses["old"], tmp_path / "old.tar", None, None, None)
    manifest = difference(wheelhouse_files(houses["old"]), None)
    (tmp_path / "old.json").write_text(manifest.to_json())
    base = {"house": houses["old"], "bundle": tmp_path / "old.tar", "manifest": tmp_path / "old.json"}[since]
    packed = pack(houses["new"], tmp_path / "d.tar", base, None, None)
    assert "lib-1.0-py3-none-any.whl" not in {entry.path for entry in packed.manifest.carried}
    shutil.copytree(houses["old"], tmp_path / "there")
    done = unpack(tmp_path / "d.tar", tmp_path / "there", ())
    assert set(done.removed) == {"app-1.0-py3-none-any.whl", "gone-1.0-py3-none-any.whl"}
    assert contents(tmp_path / "there") == contents(houses["new"])
    assert unpack(tmp_path / "d.tar", tmp_path / "there", ()).placed == ()


def test_a_difference_is_refused_on_another_base(houses: dict[str, Path], tmp_path: Path) -> None:
    pack(houses["new"], tmp_path / "d.tar", houses["old"], None, None)
    with pytest.raises(IntegrityError, match=digest(difference(wheelhouse_files(houses["old"]), None).result)[:12]):
        unpack(tmp_path / "d.tar", tmp_path / "empty", ())
    shutil.copytree(houses["old"], tmp_path / "there")
    (tmp_path / "there" / "lib-1.0-py3-none-any.whl").write_bytes(b"another")
    with pytest.raises(IntegrityError, match=r"lib-1\.0-py3-none-any\.whl` differs"):
        unpack(tmp_path / "d.tar", tmp_path / "there", ())
    assert (tmp_path / "there" / "gone-1.0-py3-none-any.whl").is_file()


def test_a_removed_file_that_was_altered_is_left_alone(houses: dict[str, Path], tmp_path: Path) -> None:
    pack(houses["new"], tmp_path / "d.tar", houses["old"], None, None)
    shutil.copytree(houses["old"], tmp_path / "there")
    altered = tmp_path / "there" / "gone-1.0-py3-none-any.whl"
    altered.write_bytes(b"mine")
    assert unpack(tmp_path / "d.tar", tmp_path / "there", ()).removed == ("app-1.0-py3-none-any.whl",)
    assert altered.read_bytes() == b"mine"


@pytest.mark.parametrize("name", ["lib-1.0-py3-none-any.whl", "gone-1.0-py3-none-any.whl"])
def test_a_link_in_the_target_of_unpack_is_neither_taken_nor_followed(
    houses: dict[str, Path], tmp_path: Path, name: str
) -> None:
    """The link leads to the very bytes that the bundle expects, of a file that stays and of one that goes."""
    pack(houses["new"], tmp_path / "d.tar", houses["old"], None, None)
    shutil.copytree(houses["old"], tmp_path / "there")
    link, elsewhere = tmp_path / "there" / name, tmp_path / "elsewhere"
    link.rename(elsewhere)
    link.symlink_to(elsewhere)
    before = contents(tmp_path / "there")
    if name.startswith("lib"):
        with pytest.raises(IntegrityError, match=f"`{name}` differs"):
            unpack(tmp_path / "d.tar", tmp_path / "there", ())
        assert contents(tmp_path / "there") == before
    else:
        assert name not in unpack(tmp_path / "d.tar", tmp_path / "there", ()).removed
    assert link.is_symlink() and elsewhere.is_file()


@pytest.mark.parametrize("altered", [lambda raw: raw[:-1] + b"!", lambda raw: raw[:-9], lambda raw: raw + b"!"])
def test_a_house_that_is_not_what_its_locks_say_is_not_packed(
    houses: dict[str, Path], tmp_path: Path, altered: Callable[[bytes], bytes]
) -> None:
    shutil.copytree(houses["new"], tmp_path / "house")
    wheel = tmp_path / "house" / "lib-1.0-py3-none-any.whl"
    wheel.write_bytes(altered(wheel.read_bytes()))
    with pytest.raises(IntegrityError, match="differs from its lock file"):
        pack(tmp_path / "house", tmp_path / "a.tar", None, None, None)
    assert not list(tmp_path.glob("*.tar*")) and not list(tmp_path.glob(".wheelhouse-*"))


def test_a_damaged_or_missing_volume_is_named_and_mended_alone(houses: dict[str, Path], tmp_path: Path) -> None:
    packed = pack(houses["new"], tmp_path / "a.tar", None, 5_000, None)
    assert len(packed.volumes) >= 3
    second, third = tmp_path / packed.volumes[1].name, tmp_path / packed.volumes[2].name
    intact = second.read_bytes()
    second.write_bytes(intact[:100] + b"?" + intact[101:])
    kept = third.read_bytes()
    third.unlink()
    with pytest.raises(IntegrityError) as error:
        unpack(tmp_path / "a.tar", tmp_path / "there", ())
    assert error.value.details == ("the volume `a.tar.002` is damaged", "the volume `a.tar.003` is missing")
    assert not (tmp_path / "there").exists()
    second.write_bytes(intact)
    third.write_bytes(kept)
    unpack(tmp_path / "a.tar", tmp_path / "there", ())
    assert contents(tmp_path / "there") == contents(houses["new"])


def test_a_bundle_takes_the_place_of_what_bore_its_name(houses: dict[str, Path], tmp_path: Path) -> None:
    bundle = tmp_path / "a.tar"
    (tmp_path / "a.tar.100").write_text("somebody else's")
    for house, limit in (("old", None), ("new", 5_000), ("old", 20_000), ("new", None)):
        packed = pack(houses[house], bundle, None, limit, None)
        index = {"a.tar.volumes.json"} if limit else set()
        assert {path.name for path in tmp_path.glob("a.tar*")} == {one.name for one in packed.volumes} | index | {
            "a.tar.100"
        }
        unpack(bundle, tmp_path / f"{house}-{limit}", ())
        assert contents(tmp_path / f"{house}-{limit}") == contents(houses[house])


def test_a_bundle_beside_volumes_of_its_name_is_not_guessed_about(houses: dict[str, Path], tmp_path: Path) -> None:
    pack(houses["old"], tmp_path / "sent.tar", None, None, None)
    pack(houses["new"], tmp_path / "a.tar", None, 5_000, None)
    (tmp_path / "sent.tar").rename(tmp_path / "a.tar")
    with pytest.raises(InputError, match="exists as one file and as volumes"):
        unpack(tmp_path / "a.tar", tmp_path / "there", ())
    assert not (tmp_path / "there").exists()


def test_a_shell_lists_any_number_of_volumes_in_their_order(tmp_path: Path) -> None:
    with writing(tmp_path / "a.tar", 1) as writer:
        writer.write(bytes(range(256)) * 4)
    assert [one.name for one in writer.volumes] == sorted(one.name for one in writer.volumes)
    assert b"".join(path.read_bytes() for path in sorted(tmp_path.glob("a.tar.[0-9]*"))) == bytes(range(256)) * 4
    with reading(tmp_path / "a.tar") as file:
        assert file.read() == bytes(range(256)) * 4


def test_a_signature_is_checked_and_a_wrong_one_refused(houses: dict[str, Path], tmp_path: Path) -> None:
    key, public = ssh_key(tmp_path, "ours")
    _, stranger = ssh_key(tmp_path, "theirs")
    pack(houses["new"], tmp_path / "a.tar", None, None, key)
    assert unpack(tmp_path / "a.tar", tmp_path / "there", (stranger, public)).signer == public.id
    with pytest.raises(IntegrityError, match="none of the given keys"):
        unpack(tmp_path / "a.tar", tmp_path / "elsewhere", (stranger,))
    pack(houses["new"], tmp_path / "unsigned.tar", None, None, None)
    with pytest.raises(IntegrityError, match="not signed"):
        unpack(tmp_path / "unsigned.tar", tmp_path / "elsewhere", (public,))
    assert not (tmp_path / "elsewhere").exists()


def test_a_signature_of_another_bundle_is_refused(houses: dict[str, Path], tmp_path: Path) -> None:
    key, public = ssh_key(tmp_path, "ours")
    pack(houses["old"], tmp_path / "old.tar", None, None, key)
    pack(houses["new"], tmp_path / "new.tar", None, None, key)
    with tarfile.open(tmp_path / "old.tar") as archive:
        envelope = archive.extractfile(SIGNATURE).read()  # type: ignore[union-attr]
    forged = rewritten(tmp_path / "new.tar", lambda name, raw: (name, envelope if name == SIGNATURE else raw))
    with pytest.raises(IntegrityError, match="but not for this content"):
        unpack(forged, tmp_path / "there", (public,))


def rewritten(bundle: Path, change: Callable[[str, bytes], tuple[str, bytes]]) -> Path:
    """A copy of a bundle whose members were passed through `change`."""
    output = bundle.with_name(f"rewritten-{bundle.name}")
    with tarfile.open(bundle) as source, tarfile.open(output, "w", format=tarfile.PAX_FORMAT) as target:
        for member in source:
            name, raw = change(member.name, source.extractfile(member).read())  # type: ignore[union-attr]
            header = tarfile.TarInfo(name)
            header.size = len(raw)
            target.addfile(header, io.BytesIO(raw))
    return output


def lying(change: Callable[[dict], None]) -> Callable[[str, bytes], tuple[str, bytes]]:
    def changed(name: str, raw: bytes) -> tuple[str, bytes]:
        if name != MANIFEST:
            return name, raw
        document = json.loads(raw)
        change(document)
        return name, json.dumps(document).encode()

    return changed


def escape(document: dict) -> None:
    document["files"][0]["path"] = "../escaped"


def twice(document: dict) -> None:
    document["files"].append(document["files"][0])


def no_hash(document: dict) -> None:
    document["files"][0]["sha256"] = "abc"


def other_house(document: dict) -> None:
    document["house"] = "0" * 64


HOSTILE: dict[str, tuple[Callable[[str, bytes], tuple[str, bytes]], str]] = {
    "a path that leads out": (lying(escape), "not allowed in a bundle"),
    "a file named twice": (lying(twice), "lists too many files, or one path twice"),
    "no hash": (lying(no_hash), "a valid sha256"),
    "a digest of another house": (lying(other_house), "has a digest that does not fit its list of files"),
    "a member that the manifest does not name": (
        lambda name, raw: (name.replace("app-2", "app-3"), raw),
        "but the manifest lists the file",
    ),
    "other bytes": (
        lambda name, raw: (name, raw[:-1] + b"!" if name.startswith("app-2") else raw),
        "differs from the sha256 in the manifest",
    ),
    "no manifest": (lambda name, raw: (name.replace("bundle.json", "other.json"), raw), "is not a bundle"),
}


@pytest.mark.parametrize("kind", HOSTILE)
def test_a_hostile_bundle_leaves_nothing_behind(houses: dict[str, Path], tmp_path: Path, kind: str) -> None:
    change, sentence = HOSTILE[kind]
    pack(houses["new"], tmp_path / "a.tar", None, None, None)
    with pytest.raises((IntegrityError, InputError), match=sentence):
        unpack(rewritten(tmp_path / "a.tar", change), tmp_path / "there", ())
    assert not (tmp_path / "escaped").exists()
    assert not (tmp_path / "there").exists() or not list((tmp_path / "there").iterdir())


@pytest.mark.parametrize("kind", ["other bytes", "a member that the manifest does not name"])
def test_a_hostile_difference_leaves_its_base_as_it_was(houses: dict[str, Path], tmp_path: Path, kind: str) -> None:
    pack(houses["new"], tmp_path / "d.tar", houses["old"], None, None)
    shutil.copytree(houses["old"], tmp_path / "there")

    def last_spoiled(name: str, raw: bytes) -> tuple[str, bytes]:
        if not name.startswith("requirements."):
            return name, raw
        return (name, raw[:-1] + b"!") if kind == "other bytes" else (f"{name}2", raw)

    with pytest.raises(IntegrityError):
        unpack(rewritten(tmp_path / "d.tar", last_spoiled), tmp_path / "there", ())
    assert contents(tmp_path / "there") == contents(houses["old"])
    unpack(tmp_path / "d.tar", tmp_path / "there", ())
    assert contents(tmp_path / "there") == contents(houses["new"])


def made(path: Path, files: dict[str, bytes], pax: dict[str, str] | None = None, manifest: bytes = b"") -> Path:
    """A bundle of any files, whose manifest is as they are, or as given; `pax` stands in the header of each file."""
    sums = {name: (hashlib.sha256(raw).hexdigest(), len(raw)) for name, raw in files.items()}
    with tarfile.open(path, "w", format=tarfile.PAX_FORMAT) as archive:
        for name, raw in {MANIFEST: manifest or difference(sums, None).to_json().encode(), **files}.items():
            header = tarfile.TarInfo(name)
            header.size, header.pax_headers = len(raw), (pax or {}) if name in files else {}
            archive.addfile(header, io.BytesIO(raw))
    return path


@pytest.mark.parametrize(
    "pax",
    [
        {"GNU.sparse.map": "abc"},
        {"GNU.sparse.map": "9" * 5000},
        {"GNU.sparse.size": "zz"},
        {"GNU.sparse.major": "1", "GNU.sparse.minor": "0"},
    ],
)
def test_a_sparse_header_that_cannot_be_read_is_refused(tmp_path: Path, pax: dict[str, str]) -> None:
    bundle = made(tmp_path / "a.tar", {"a.whl": b"x"}, pax)
    with pytest.raises(IntegrityError, match="not a bundle, or was cut short: it has a sparse member"):
        unpack(bundle, tmp_path / "there", ())
    assert outward_members(bundle) == []


def test_headers_upon_headers_are_refused(tmp_path: Path) -> None:
    header = tarfile.TarInfo("././@LongLink")
    header.size, header.type = 2, tarfile.GNUTYPE_LONGNAME
    (tmp_path / "a.tar").write_bytes((header.tobuf(tarfile.GNU_FORMAT) + b"a\0".ljust(512, b"\0")) * 5000)
    with pytest.raises(IntegrityError, match="more than 8 extended headers in a row"):
        inspect_bundle(tmp_path / "a.tar", ())


@pytest.mark.parametrize("text", ["[" * 200_000, '{"format": ' + "1" * 5000 + "}", "[]", "{}", "\ud800"])
def test_a_manifest_or_index_that_is_none_is_said(tmp_path: Path, text: str) -> None:
    raw = text.encode("utf-8", "surrogatepass")
    with pytest.raises(InputError, match="contains no valid manifest"):
        inspect_bundle(made(tmp_path / "a.tar", {}, manifest=raw), ())
    (tmp_path / "b.tar.volumes.json").write_bytes(raw)
    with pytest.raises(InputError, match="not an index of volumes"):
        inspect_bundle(tmp_path / "b.tar", ())


@pytest.mark.parametrize(
    ("names", "said"),
    [
        (("a", "a/b"), "lists a file inside another file"),
        (("b/c/d", "a", "b"), "lists a file inside another file"),
        (("a", "b" * 256), "not allowed in a bundle"),
        (("a", "/".join("abcdefghij")), "not allowed in a bundle"),
    ],
)
def test_names_that_no_folder_can_hold_leave_nothing_behind(tmp_path: Path, names: tuple[str, ...], said: str) -> None:
    bundle = made(tmp_path / "a.tar", {name: name.encode() for name in names})
    with pytest.raises(IntegrityError, match=said):
        unpack(bundle, tmp_path / "there", ())
    assert not (tmp_path / "there").exists()


def test_a_bomb_is_not_set_off(houses: dict[str, Path], tmp_path: Path) -> None:
    """A hole of a terabyte, which a sparse member spells in a few bytes; the manifest says so, too."""
    huge = 1 << 40
    pack(houses["new"], tmp_path / "a.tar", None, None, None)
    with tarfile.open(tmp_path / "a.tar") as source, tarfile.open(tmp_path / "b.tar", "w") as target:
        for member in source:
            raw = source.extractfile(member).read()  # type: ignore[union-attr]
            if member.name == MANIFEST:
                document = json.loads(raw)
                [row] = [row for row in document["files"] if row["path"] == "SHA256SUMS"]
                row["size"] = huge
                raw = json.dumps(document).encode()
            header = tarfile.TarInfo(member.name)
            header.size = len(raw)
            if member.name == "SHA256SUMS":
                header.pax_headers = {
                    "GNU.sparse.major": "1",
                    "GNU.sparse.minor": "0",
                    "GNU.sparse.name": member.name,
                    "GNU.sparse.realsize": str(huge),
                }
                raw = f"1\n{huge - 1}\n1\n".encode().ljust(512, b"\0") + b"!"
                header.size = len(raw)
            target.addfile(header, io.BytesIO(raw))
    with pytest.raises(IntegrityError, match="it has a sparse member"):
        unpack(tmp_path / "b.tar", tmp_path / "there", ())
    assert not (tmp_path / "there").exists()


def test_a_manifest_without_end_is_not_read(tmp_path: Path) -> None:
    with tarfile.open(tmp_path / "a.tar", "w") as archive:
        header = tarfile.TarInfo(MANIFEST)
        header.size = 65 << 20
        archive.addfile(header, io.BytesIO(bytes(header.size)))
    with pytest.raises(IntegrityError, match="bytes, more than"):
        unpack(tmp_path / "a.tar", tmp_path / "there", ())
    assert not (tmp_path / "there").exists()


def test_a_link_in_a_bundle_is_refused(houses: dict[str, Path], tmp_path: Path) -> None:
    pack(houses["new"], tmp_path / "a.tar", None, None, None)
    with tarfile.open(tmp_path / "a.tar") as source, tarfile.open(tmp_path / "b.tar", "w") as target:
        for member in source:
            if member.name == "SHA256SUMS":
                member.type, member.linkname = tarfile.SYMTYPE, "/etc/passwd"
            target.addfile(member, source.extractfile(member) if member.isreg() else None)
    with pytest.raises(IntegrityError, match="the member `'SHA256SUMS'` has content, but its type b'2' allows none"):
        unpack(tmp_path / "b.tar", tmp_path / "there", ())


def test_a_cut_tail_and_a_longer_one_are_refused(houses: dict[str, Path], tmp_path: Path) -> None:
    pack(houses["new"], tmp_path / "a.tar", None, None, None)
    raw = (tmp_path / "a.tar").read_bytes()
    (tmp_path / "a.tar").write_bytes(raw[: len(raw) // 2])
    with pytest.raises(IntegrityError, match="cut short"):
        unpack(tmp_path / "a.tar", tmp_path / "there", ())
    (tmp_path / "a.tar").write_bytes(raw)
    with tarfile.open(tmp_path / "a.tar", "a") as archive:
        header = tarfile.TarInfo("more")
        header.size = 4
        archive.addfile(header, io.BytesIO(b"more"))
    with pytest.raises(IntegrityError, match="more files than its manifest lists"):
        unpack(tmp_path / "a.tar", tmp_path / "elsewhere", ())


def test_a_manifest_reads_back_as_it_was_written(houses: dict[str, Path]) -> None:
    new, old = wheelhouse_files(houses["new"]), wheelhouse_files(houses["old"])
    before = {path: sha256 for path, (sha256, _) in old.items()}
    manifest = difference(new, FarSide.of(before))
    assert parse_manifest(manifest.to_json().encode(), "it") == manifest
    assert manifest.base == digest(before)


def test_what_goes_is_known_in_whatever_order_the_far_side_named_its_wheelhouses() -> None:
    far = {"a/x.whl": "1" * 64, "a/old.whl": "2" * 64, "b/y.whl": "3" * 64}
    near = {"a/x.whl": ("1" * 64, 1), "b/y.whl": ("3" * 64, 1)}
    for order in (("a", "b"), ("b", "a")):
        assert difference(near, FarSide.of(far, order), ("a", "b")).removed == {"a/old.whl": "2" * 64}
    assert difference(near, FarSide.of(far, ("a", "b", "c")), ("a", "b")).removed == {}


def test_the_commands_carry_a_house_across(houses: dict[str, Path], tmp_path: Path) -> None:
    key, public = ssh_key(tmp_path, "ours")
    assert key.public.id == public.id
    packed = wheelhouse("pack", houses["new"], "-o", "b.tar", "--split", "5K", "--key", "ours", cwd=tmp_path)
    assert packed.returncode == 0, packed.stderr
    shown = wheelhouse("inspect", "b.tar", "--key", "ours.pub", cwd=tmp_path)
    assert "app-2.0-py3-none-any.whl" in shown.stdout
    fingerprint = subprocess.check_output(["ssh-keygen", "-l", "-f", tmp_path / "ours.pub"], text=True).split()[1]
    assert f"signed by `ours.pub` ({fingerprint})" in shown.stdout
    done = wheelhouse("unpack", "b.tar", "there", "--key", "ours.pub", "--json", cwd=tmp_path)
    assert json.loads(done.stdout)["signed-by"] == public.id
    assert contents(tmp_path / "there") == contents(houses["new"])
    damaged = tmp_path / "b.tar.002"
    damaged.write_bytes(b"?" * damaged.stat().st_size)
    refused = wheelhouse("unpack", "b.tar", "elsewhere", cwd=tmp_path)
    assert (refused.returncode, refused.stderr.splitlines()[-2]) == (5, "error: the volume `b.tar.002` is damaged")


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        (("unpack", "nothing.tar", "there"), 2),
        (("inspect", "nothing.tar"), 2),
        (("pack", "nowhere", "-o", "b.tar"), 2),
        (("pack", "nowhere", "-o", "b.tar", "--split", "lots"), 2),
    ],
)
def test_what_cannot_be_read_is_said(tmp_path: Path, arguments: tuple[str, ...], code: int) -> None:
    done = wheelhouse(*arguments, cwd=tmp_path)
    assert done.returncode == code
    assert done.stderr.startswith("error: ") and "Traceback" not in done.stderr


def protected(folder: Path, form: str) -> Path:
    """A key that has the passphrase `open`, as ssh-keygen writes it or as PEM."""
    key = folder / "ours"
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "open", "-f", key], check=True)
    if form == "PEM":
        private = load_key(key, lambda _path: "open").key
        closed = serialization.BestAvailableEncryption(b"open")
        key.write_bytes(private.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, closed))
    return key


@pytest.mark.parametrize("form", sampled(["OpenSSH", "PEM"], 1))
@pytest.mark.parametrize("typed", sampled(["open", "shut"], 1))
def test_a_keys_passphrase_is_asked_for_on_a_terminal(
    houses: dict[str, Path], tmp_path: Path, form: str, typed: str
) -> None:
    key = protected(tmp_path, form)
    ours, theirs = pty.openpty()
    command = [*PROGRAM, "pack", houses["new"], "-o", "b.tar", "--key", key]
    run = subprocess.Popen(
        command, cwd=tmp_path, env=clean_environment(), stdin=theirs, stderr=subprocess.PIPE, start_new_session=True
    )
    assert run.stderr is not None
    said = run.stderr.read(len(f"Passphrase of {key}: ")).decode()
    os.write(ours, f"{typed}\n".encode())  # what is typed before the question is thrown away
    said += run.communicate(timeout=30)[1].decode()
    echoed = os.read(ours, 1000) if select.select([ours], [], [], 0)[0] else b""
    os.close(ours)
    os.close(theirs)
    assert f"Passphrase of {key}" in said
    assert typed.encode() not in echoed
    if typed == "open":
        assert run.returncode == 0, said
        assert inspect_bundle(tmp_path / "b.tar", (load_public_key(tmp_path / "ours.pub"),))[1] is not None
    else:
        assert run.returncode == 2
        assert f"error: the passphrase does not decrypt the key `{key}`" in said
        assert not (tmp_path / "b.tar").exists()


def test_a_key_with_a_passphrase_is_refused_where_nobody_can_be_asked(houses: dict[str, Path], tmp_path: Path) -> None:
    key = protected(tmp_path, "OpenSSH")
    done = wheelhouse("pack", houses["new"], "-o", "b.tar", "--key", key, cwd=tmp_path)
    assert done.returncode == 2
    assert f"error: the key `{key}` has a passphrase, which you can type only in a terminal" in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize("gone", ["lib-1.0-py3-none-any.whl", "SHA256SUMS"])
@pytest.mark.parametrize("instead", [None, "folder"])
def test_a_file_that_the_wheelhouse_lacks_is_an_error_of_integrity(
    houses: dict[str, Path], tmp_path: Path, gone: str, instead: str | None
) -> None:
    shutil.copytree(houses["new"], tmp_path / "house")
    (tmp_path / "house" / gone).unlink()
    if instead:
        (tmp_path / "house" / gone).mkdir()
    refused = wheelhouse("pack", "house", "-o", "a.tar", cwd=tmp_path)
    assert refused.returncode == 5, refused.stderr
    assert refused.stderr.splitlines()[-2:] == [
        f"error: `house/{gone}` {'is a folder, but the lock file lists a file' if instead else 'is missing, but the lock file lists it'}",
        "hint: see every problem: `wheelhouse verify house`",
    ]
    assert not list(tmp_path.glob("*.tar*"))


@pytest.mark.parametrize("named", ["a.tar.001", "a.tar.002", "a.tar.volumes.json"])
def test_a_volume_or_their_index_stands_for_the_bundle(houses: dict[str, Path], tmp_path: Path, named: str) -> None:
    pack(houses["new"], tmp_path / "a.tar", None, 5_000, None)
    unpack(tmp_path / named, tmp_path / "there", ())
    assert contents(tmp_path / "there") == contents(houses["new"])


@pytest.mark.parametrize("named", [".", "/", "folder"])
def test_a_folder_is_no_bundle(tmp_path: Path, named: str) -> None:
    (tmp_path / "folder").mkdir()
    refused = wheelhouse("unpack", named, "there", cwd=tmp_path)
    assert refused.returncode == 2 and "there is no bundle" in refused.stderr, refused.stderr


def test_a_folder_where_the_bundle_must_go_is_named(houses: dict[str, Path], tmp_path: Path) -> None:
    (tmp_path / "out").mkdir()
    refused = wheelhouse("pack", houses["new"], "-o", "out", cwd=tmp_path)
    assert refused.returncode == 6, refused.stderr
    assert refused.stderr.splitlines()[-2].endswith("out`: Is a directory")
    assert "wheelhouse must write a file with the same name" in refused.stderr.splitlines()[-1]


def test_a_file_is_not_written_under_the_name_of_the_current_folder(
    houses: dict[str, Path], tmp_path: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    cache = {"XDG_CACHE_HOME": str(tmp_path_factory.mktemp("cache"))}
    page = wheelhouse("vet", houses["new"], "--html", ".", cwd=tmp_path, env=cache)
    assert (
        page.returncode == 2 and page.stderr.splitlines()[-2] == "error: `.` is a folder, but the output must be a file"
    )
    packed = wheelhouse("pack", houses["new"], "-o", ".", cwd=tmp_path, env=cache)
    assert packed.returncode == 6 and "wheelhouse-" not in packed.stderr, packed.stderr
    assert not list(tmp_path.iterdir())
