"""A far side that is known: bundles in any order, states, streams, several wheelhouses, older formats."""

import gzip
import hashlib
import io
import json
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any, BinaryIO

import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from tests.support.golden import Session
from tests.support.months import contents, month, wheelhouse_of, wheels, written
from tests.support.tools import PROGRAM, clean_environment
from wheelhouse.bundle.bundle import FarSide
from wheelhouse.bundle.bundlefile import open_bundle
from wheelhouse.bundle.far_side_state import read_far_side, state_of
from wheelhouse.bundle.pack import inspect_bundle, pack, unpack
from wheelhouse.bundle.recovery import add_recovery_files, recovery_files
from wheelhouse.bundle.state_document import parse_short_state
from wheelhouse.errors import InputError, IntegrityError, MachineError
from wheelhouse.signing.sign import Key

MONTHS = range(1, 13)
RECORDED = Path(__file__).parent / "recorded"
SIZES = (("previous", 1), ("two months", 2), ("full", None))


@pytest.fixture(scope="module")
def year(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the wheelhouse of each month, and bundles of each: since the month before, since two before, and full."""
    base = tmp_path_factory.mktemp("year")
    for number in MONTHS:
        written(base / str(number), month(number))
    for number in MONTHS:
        for name, back in SIZES:
            since = base / str(number - back) if back and number > back else None
            pack(base / str(number), base / f"{number} {name}.tar", since, None, None)
    return base


@pytest.mark.rooms
@given(st.lists(st.tuples(st.sampled_from(MONTHS), st.sampled_from([name for name, _ in SIZES])), max_size=8))
@settings(max_examples=12, deadline=None, phases=[Phase.generate], database=None, derandomize=True)
def test_bundles_in_any_order_make_their_wheelhouse_or_say_what_is_missing(
    year: Path, tmp_path_factory: pytest.TempPathFactory, deliveries: list[tuple[int, str]]
) -> None:
    """Lost, repeated, out of order; at the end the far side says what it has, and gets the rest."""
    far = tmp_path_factory.mktemp("far") / "side"
    for number, name in deliveries:
        bundle = year / f"{number} {name}.tar"
        before = contents(far) if far.exists() else {}
        needed = {row.path: row.sha256 for row in inspect_bundle(bundle, ())[0].entries}
        carried = {row.sha256 for row in inspect_bundle(bundle, ())[0].carried}
        there = {hashlib.sha256(raw).hexdigest() for raw in before.values()}
        missing = {path for path, sha256 in needed.items() if sha256 not in carried | there}
        try:
            done = unpack(bundle, far, ())
        except IntegrityError as error:
            assert {line.split("`")[1] for line in error.details} == missing != set()
            assert (contents(far) if far.exists() else {}) == before
        else:
            assert not missing
            assert contents(far) == month(number)
            assert done.was_applied is (before == month(number))
    if far.exists():
        (far.parent / "far.json").write_bytes(state_of([far]).short(None))
    since = far.parent / "far.json" if far.exists() else None
    pack(year / "12", far.parent / "rest.tar", since, None, None)
    unpack(far.parent / "rest.tar", far, ())
    assert contents(far) == month(12)


@pytest.mark.parametrize("kind", ["wheelhouse", "full", "short"])
def test_a_difference_is_hardly_larger_than_its_new_files(tmp_path: Path, kind: str) -> None:
    """The differences of a year, one after the other; months without one are made up for by the next."""
    size, far = 150_000, tmp_path / "far"
    before = month(1, size)
    written(far, before)
    for number in (2, 3, 6, 7, 9, 12):
        after = month(number, size)
        written(tmp_path / str(number), after)
        held = {hashlib.sha256(raw).digest() for raw in before.values()}
        new = {hashlib.sha256(raw).digest(): len(raw) for raw in after.values()}
        lacking = sum(length for sha256, length in new.items() if sha256 not in held)
        bundle = tmp_path / f"{number}.tar"
        pack(tmp_path / str(number), bundle, since_of(far, kind), None, None)
        assert lacking < bundle.stat().st_size <= 1.05 * lacking
        unpack(bundle, far, ())
        assert contents(far) == after
        before = after


def since_of(folder: Path, kind: str, key: Key | None = None) -> Path:
    """A wheelhouse, or its state."""
    if kind == "wheelhouse":
        return folder
    state = folder.parent / f"{kind}.state"
    state.write_bytes(state_of([folder]).full(key) if kind == "full" else state_of([folder]).short(key))
    return state


def test_a_full_bundle_replaces_an_older_wheelhouse_and_a_newer_one(year: Path, tmp_path: Path) -> None:
    far = shutil.copytree(year / "2", tmp_path / "far")
    for number in (9, 5):
        unpack(year / f"{number} full.tar", far, ())
        assert contents(far) == month(number)


def test_what_nobody_packed_is_left_alone(year: Path, tmp_path: Path) -> None:
    far = shutil.copytree(year / "2", tmp_path / "far")
    written(far, {"README.md": b"mine", "tools/notes.txt": b"mine"})
    with (far / "SHA256SUMS").open("a") as sums:
        sums.write(f"{hashlib.sha256(b'mine').hexdigest()}  README.md\n")
    unpack(year / "3 full.tar", far, ())
    assert contents(far) == month(3) | {"README.md": b"mine", "tools/notes.txt": b"mine"}


def test_an_altered_file_is_neither_replaced_nor_removed(year: Path, tmp_path: Path) -> None:
    far = shutil.copytree(year / "2", tmp_path / "far")
    (far / "app-2.0-py3-none-any.whl").write_bytes(b"mine")
    unpack(year / "3 full.tar", far, ())
    assert (far / "app-2.0-py3-none-any.whl").read_bytes() == b"mine"
    (far / "app-3.0-py3-none-any.whl").write_bytes(b"mine")
    with pytest.raises(IntegrityError, match=r"`app-3\.0-py3-none-any\.whl` differs"):
        unpack(year / "3 full.tar", far, ())


def test_the_wheelhouse_of_another_job_is_not_replaced(year: Path, tmp_path: Path) -> None:
    far = written(tmp_path / "far", wheelhouse_of(wheels({"other": 1}, 9)))
    before = contents(far)
    with pytest.raises(
        IntegrityError,
        match="does not belong to the job of the bundle: the bundle has none of the projects in the folder, such as other",
    ):
        unpack(year / "3 full.tar", far, ())
    assert contents(far) == before


def test_a_bundle_that_misses_files_names_both_wheelhouses(year: Path, tmp_path: Path) -> None:
    far = shutil.copytree(year / "1", tmp_path / "far")
    made_for, now = state_of([year / "4"]).far_side.digest[:12], state_of([far]).far_side.digest[:12]
    with pytest.raises(
        IntegrityError,
        match=rf"the bundle updates wheelhouse {made_for}, but .* \(wheelhouse {now}\) lacks \d+ files of wheelhouse {made_for}",
    ) as raised:
        unpack(year / "5 previous.tar", far, ())
    assert raised.value.hint.startswith(f"unpack the earlier bundle that results in wheelhouse {made_for}")
    kept = next(name for name in month(5) if name in month(1) and name.endswith(".whl"))
    (far / kept).write_bytes(b"altered")
    with pytest.raises(IntegrityError) as raised:
        unpack(year / "5 previous.tar", far, ())
    assert raised.value.hint.startswith(
        "move away each file that differs; then unpack the earlier bundle that results in wheelhouse"
    )


class Interruption(BaseException):
    """Stands for Ctrl-C."""


def test_an_interrupted_run_is_resumed_at_every_place(
    year: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each change of the folder is the last one of some run, and the same bundle continues from there."""
    from wheelhouse.files.open_folder import OpenFolder

    left, place, remove = [0], OpenFolder.place, OpenFolder.remove

    def counted(change: Callable[..., None]) -> Callable[..., None]:
        def changed(*arguments: Any) -> None:
            left[0] -= 1
            if left[0] < 0:
                raise Interruption
            change(*arguments)

        return changed

    far = shutil.copytree(year / "7", tmp_path / "far")
    monkeypatch.setattr(OpenFolder, "place", counted(place))
    monkeypatch.setattr(OpenFolder, "remove", counted(remove))
    interrupted = 0
    while contents(far) != month(8):
        left[0] = 1
        try:
            unpack(year / "8 full.tar", far, ())
        except Interruption:
            interrupted += 1
        assert interrupted < 100
    assert interrupted > 10


# States


def test_the_state_of_400_files_fits_a_qr_code(tmp_path: Path) -> None:
    key = Key(ed25519_key())
    written(tmp_path / "far", wheelhouse_of(wheels({f"lib{number}": 1 for number in range(397)}, 9)))
    assert len(contents(tmp_path / "far")) == 400
    short = state_of([tmp_path / "far"]).short(key)
    assert len(short) <= 2900
    far_side, body, signature = parse_short_state(short, "it")
    assert far_side.digest == state_of([tmp_path / "far"]).far_side.digest
    assert key.public.has_signed(body, signature)


def ed25519_key() -> Any:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

    return Ed25519PrivateKey.from_private_bytes(bytes(range(32)))


def test_a_full_state_has_locks_files_and_digest(year: Path) -> None:
    stated = state_of([year / "3"])
    document = json.loads(stated.full(None))
    assert {row["path"] for row in document["files"]} == set(month(3))
    assert [row["path"] for row in document["locks"]] == sorted(path for path in month(3) if path.endswith(".toml"))
    assert document["house"] == stated.far_side.digest
    assert all(row["size"] == len(month(3)[row["path"]]) for row in document["files"])


def test_a_damaged_file_is_left_out_of_the_state_and_sent_again(year: Path, tmp_path: Path) -> None:
    far = shutil.copytree(year / "3", tmp_path / "far")
    (far / "app-3.0-py3-none-any.whl").write_bytes(b"damaged")
    stated = state_of([far])
    assert stated.missing == ("app-3.0-py3-none-any.whl",)
    (tmp_path / "far.json").write_bytes(stated.full(None))
    packed = pack(year / "3", tmp_path / "d.tar", tmp_path / "far.json", None, None)
    assert [entry.path for entry in packed.manifest.carried] == ["app-3.0-py3-none-any.whl"]
    (far / "app-3.0-py3-none-any.whl").unlink()
    unpack(tmp_path / "d.tar", far, ())
    assert contents(far) == month(3)


@pytest.mark.parametrize("kind", ["full", "short"])
def test_a_state_must_be_signed_by_a_key_that_is_given(year: Path, tmp_path: Path, kind: str) -> None:
    key, public = Key(ed25519_key()), Key(ed25519_key()).public
    shutil.copytree(year / "3", tmp_path / "far")
    signed = since_of(tmp_path / "far", kind, key)
    assert read_far_side(signed, (public,)).digest == state_of([tmp_path / "far"]).far_side.digest
    raw = signed.read_bytes()
    plain = since_of(tmp_path / "far", kind)
    with pytest.raises(IntegrityError, match="none of the given keys signed the state"):
        read_far_side(plain, (public,))
    altered = raw.replace(b'"sig": "', b'"sig": "AAAA') if kind == "full" else raw[:30] + b"?" + raw[31:]
    signed.write_bytes(altered)
    with pytest.raises(IntegrityError, match="none of the given keys signed the state"):
        read_far_side(signed, (public,))


@pytest.mark.parametrize(
    "raw",
    [
        b"{}",
        b"{",
        b"[]",
        b'{"locks": [], "files": [{"path": 1, "sha256": ""}], "house": ""}',
        b'{"payload": "", "payloadType": "x", "signatures": []}',
        b"wheelhouse-state 1\n",
        b"wheelhouse-state 1\n" + bytes(32) + b"\xff",
        b"wheelhouse-state 1\n" + bytes(33) + b"\xff\xff\xff\xff",
        b"",
    ],
)
def test_a_state_that_is_none_is_refused(tmp_path: Path, raw: bytes) -> None:
    (tmp_path / "far.json").write_bytes(raw)
    with pytest.raises((InputError, IntegrityError)):
        read_far_side(tmp_path / "far.json")


def test_a_state_that_lies_only_decides_what_is_sent(year: Path, tmp_path: Path) -> None:
    """It claims that the far side has everything: the bundle carries nothing, and what the far side lacks is named."""
    (tmp_path / "far.json").write_bytes(state_of([year / "5"]).full(None))
    pack(year / "5", tmp_path / "d.tar", tmp_path / "far.json", None, None)
    far = shutil.copytree(year / "4", tmp_path / "far")
    with pytest.raises(IntegrityError) as error:
        unpack(tmp_path / "d.tar", far, ())
    assert "`app-5.0-py3-none-any.whl` is missing" in error.value.details
    assert contents(far) == month(4)


def test_what_is_no_wheelhouse_has_no_state(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="is not a wheelhouse"):
        state_of([tmp_path])


# Streams and volumes


class ForwardOnly(io.RawIOBase):
    """A stream that neither seeks nor tells."""

    def __init__(self, stream: BinaryIO) -> None:
        self._stream = stream

    def readable(self) -> bool:
        return True

    def writable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        data = self._stream.read(min(len(buffer), 1000))
        buffer[: len(data)] = data
        return len(data)

    def write(self, data: Any) -> int:
        return self._stream.write(data)


@pytest.mark.parametrize("name", ["previous", "full"])
def test_a_bundle_goes_through_a_pipe(year: Path, tmp_path: Path, name: str) -> None:
    written_to = io.BytesIO()
    packed = pack(year / "4", ForwardOnly(written_to), year / "3" if name == "previous" else None, None, None)  # type: ignore[arg-type]
    assert written_to.getvalue() == (year / f"4 {name}.tar").read_bytes()
    assert packed.volumes[0].sha256 == hashlib.sha256(written_to.getvalue()).hexdigest()
    far = shutil.copytree(year / "3", tmp_path / "far")
    unpack(io.BufferedReader(ForwardOnly(io.BytesIO(written_to.getvalue() + bytes(5000)))), far, ())
    assert contents(far) == month(4)


def test_a_pipe_that_breaks_leaves_the_folder_as_it_was(year: Path, tmp_path: Path) -> None:
    raw = (year / "4 previous.tar").read_bytes()
    far = shutil.copytree(year / "3", tmp_path / "far")
    for length in range(0, len(raw) - 10240, 1700):
        with pytest.raises((IntegrityError, InputError)):
            unpack(io.BufferedReader(ForwardOnly(io.BytesIO(raw[:length]))), far, ())
        assert contents(far) == month(3)


@pytest.mark.parametrize("named", ["a.tar.001", "a.tar"])
def test_a_first_volume_alone_says_how_many_there_are(year: Path, tmp_path: Path, named: str) -> None:
    packed = pack(year / "4", tmp_path / "made" / "a.tar", None, 9000, None)
    count = len(packed.volumes)
    (tmp_path / "alone").mkdir()
    shutil.copy(tmp_path / "made" / "a.tar.001", tmp_path / "alone")
    with pytest.raises(
        IntegrityError,
        match=rf"`a\.tar\.001` is volume 1 of {count}, but other volumes are missing: `a\.tar\.002`, `a\.tar\.003`",
    ):
        unpack(tmp_path / "alone" / named, tmp_path / "far", ())
    (tmp_path / "made" / "a.tar.volumes.json").unlink()
    unpack(tmp_path / "made" / named, tmp_path / "far", ())
    assert contents(tmp_path / "far") == month(4)
    (tmp_path / "made" / "a.tar.001").unlink()
    with pytest.raises(
        IntegrityError, match=r"`a\.tar\.002` is volume 2 of a bundle, but volume 1 is missing: `a\.tar\.001`"
    ):
        unpack(tmp_path / "made" / "a.tar.002", tmp_path / "elsewhere", ())


def test_a_bundle_may_be_named_like_a_volume(year: Path, tmp_path: Path) -> None:
    for name in ("update.2026", "update.001"):
        shutil.copy(year / "4 full.tar", tmp_path / name)
        unpack(tmp_path / name, tmp_path / f"far of {name}", ())
        assert contents(tmp_path / f"far of {name}") == month(4)


@pytest.mark.servers
def test_par2_repairs_what_was_damaged(year: Path, tmp_path: Path) -> None:
    if not shutil.which("par2"):
        pytest.skip("par2 is not installed")
    bundle = tmp_path / "a.tar"
    pack(year / "4", bundle, None, None, None)
    made = add_recovery_files(bundle, ["a.tar"], 30)
    assert made == recovery_files(bundle) != []
    raw = bundle.read_bytes()
    bundle.write_bytes(raw[:12000] + b"?" * 600 + raw[12600:])
    with pytest.raises(IntegrityError) as error:
        unpack(bundle, tmp_path / "far", ())
    assert error.value.hint == f"repair it: par2 repair {bundle}.par2"
    subprocess.run(["par2", "repair", "-q", "-q", f"{bundle}.par2"], check=True, stdout=subprocess.DEVNULL)
    unpack(bundle, tmp_path / "far", ())
    assert contents(tmp_path / "far") == month(4)
    pack(year / "5", bundle, None, None, None)
    assert recovery_files(bundle) == []


def test_par2_that_is_not_installed_is_said(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(MachineError, match="the program `par2`, which is not installed"):
        add_recovery_files(tmp_path / "a.tar", ["a.tar"], 10)


# Several wheelhouses


@pytest.fixture
def jobs(tmp_path: Path) -> tuple[Path, Path]:
    """Two wheelhouses that share files."""
    shared = {"numpy": 1, "app": 1}
    first = written(tmp_path / "web", wheelhouse_of(wheels({**shared, "web": 1}, 5000)))
    return first, written(tmp_path / "batch", wheelhouse_of(wheels({**shared, "batch": 1}, 5000)))


def test_several_wheelhouses_travel_in_one_bundle_and_share_files(jobs: tuple[Path, Path], tmp_path: Path) -> None:
    packed = pack(jobs, tmp_path / "all.tar", None, None, None)
    names = [entry.path.rpartition("/")[2] for entry in packed.manifest.carried]
    assert sorted(names).count("numpy-1.0-py3-none-any.whl") == 1
    assert not unpack(tmp_path / "all.tar", tmp_path / "far", ()).was_applied
    assert contents(tmp_path / "far" / "web") == contents(jobs[0])
    assert contents(tmp_path / "far" / "batch") == contents(jobs[1])
    assert unpack(tmp_path / "all.tar", tmp_path / "far", ()).was_applied


def test_several_wheelhouses_are_renewed_by_one_state(jobs: tuple[Path, Path], tmp_path: Path) -> None:
    pack(jobs, tmp_path / "all.tar", None, None, None)
    unpack(tmp_path / "all.tar", tmp_path / "far", ())
    (tmp_path / "far.json").write_bytes(state_of([tmp_path / "far" / "web", tmp_path / "far" / "batch"]).full(None))
    shutil.rmtree(jobs[0])
    written(jobs[0], wheelhouse_of(wheels({"numpy": 2, "web": 1}, 5000)))
    packed = pack(jobs, tmp_path / "next.tar", tmp_path / "far.json", None, None)
    assert "web/numpy-1.0-py3-none-any.whl" in packed.manifest.removed
    done = unpack(tmp_path / "next.tar", tmp_path / "far", ())
    assert "web/numpy-2.0-py3-none-any.whl" in done.placed
    assert contents(tmp_path / "far" / "web") == contents(jobs[0])
    assert contents(tmp_path / "far" / "batch") == contents(jobs[1])


def test_several_wheelhouses_need_names_that_differ(jobs: tuple[Path, Path], tmp_path: Path) -> None:
    twin = shutil.copytree(jobs[0], tmp_path / "other" / "WEB")
    with pytest.raises(InputError, match="two wheelhouses have the name `WEB`"):
        pack((jobs[0], twin), tmp_path / "all.tar", None, None, None)
    with pytest.raises(InputError, match="a name that no folder in a bundle can have"):
        pack((jobs[0], twin.rename(tmp_path / "-x")), tmp_path / "all.tar", None, None, None)


def test_several_wheelhouses_do_not_go_into_one(jobs: tuple[Path, Path], tmp_path: Path) -> None:
    pack(jobs, tmp_path / "all.tar", None, None, None)
    with pytest.raises(IntegrityError, match="is one wheelhouse, but the bundle has several wheelhouses"):
        unpack(tmp_path / "all.tar", jobs[0], ())


def lying(bundle: Path, change: Callable[[dict[str, Any]], None]) -> Path:
    """The bundle with another manifest."""
    import tarfile

    target = bundle.with_name("lying.tar")
    with tarfile.open(bundle) as source, tarfile.open(target, "w", format=tarfile.PAX_FORMAT) as archive:
        for member in source:
            raw = source.extractfile(member).read()  # type: ignore[union-attr]
            if member.name == "wheelhouse-bundle.json":
                document = json.loads(raw)
                change(document)
                raw = json.dumps(document).encode()
            header = tarfile.TarInfo(member.name)
            header.size = len(raw)
            archive.addfile(header, io.BytesIO(raw))
    return target


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        (lambda document: document.update(wheelhouses=["web"]), "lists a file that is in no wheelhouse"),
        (lambda document: document.update(wheelhouses=["web", "batch", "WEB"]), "lists a wheelhouse twice"),
        (lambda document: document.update(wheelhouses=["web", "batch", ".."]), "without files"),
        (lambda document: document.update(wheelhouses=["web", "batch", "other"]), "without files"),
        (lambda document: document.update(wheelhouses=[]), "no lock file in the bundle lists"),
        (
            lambda document: document["files"][0].update(carried=False),
            "says that the bundle is complete, but the bundle does not carry every file",
        ),
        (lambda document: document.update(base="x"), "a valid sha256"),
    ],
)
def test_a_manifest_of_several_that_lies_is_refused(
    jobs: tuple[Path, Path], tmp_path: Path, change: Callable[[dict[str, Any]], None], sentence: str
) -> None:
    pack(jobs, tmp_path / "all.tar", None, None, None)
    with pytest.raises(IntegrityError, match=sentence):
        unpack(lying(tmp_path / "all.tar", change), tmp_path / "far", ())
    assert not (tmp_path / "far").exists()


# Format 1


@pytest.mark.parametrize("way", ["file", "pipe"])
def test_bundles_of_format_1_are_still_taken(tmp_path: Path, way: str) -> None:
    """They were packed by the version before; `update` is a difference from `old`. Their lock files stand between the wheels."""
    for name in ("old", "update"):
        raw = gzip.decompress((RECORDED / f"format-1-{name}.tar.gz").read_bytes())
        (tmp_path / f"{name}.tar").write_bytes(raw)
        with open_bundle(tmp_path / f"{name}.tar") as bundle:
            assert json.loads(bundle.raw_manifest)["format"] == 1
        source: Any = tmp_path / f"{name}.tar" if way == "file" else io.BufferedReader(ForwardOnly(io.BytesIO(raw)))
        done = unpack(source, tmp_path / "far", ())
    assert set(done.removed) == {"app-1.0-py3-none-any.whl", "gone-1.0-py3-none-any.whl"}
    assert "app-2.0-py3-none-any.whl" in contents(tmp_path / "far")
    assert read_far_side(tmp_path / "update.tar") == FarSide.of(
        {path: hashlib.sha256(raw).hexdigest() for path, raw in contents(tmp_path / "far").items()}
    )


# The commands


@pytest.fixture
def typed(year: Path, tmp_path: Path) -> Session:
    """A session in a folder with the wheelhouses of two months, and a key."""
    for number in (3, 4):
        shutil.copytree(year / str(number), tmp_path / str(number))
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", tmp_path / "key"], check=True)
    return Session(tmp_path)


def test_the_commands_renew_a_far_side(typed: Session) -> None:
    assert typed("pack 3 -o full.tar --key key") == typed("inspect full.tar") == 0
    assert "note: the bundle is signed, but its signature is not checked: no --key was given" in typed.transcript
    assert typed("unpack full.tar far") == 0
    assert typed("state far --output far.json --key key --json") == 0
    assert json.loads(typed.stdout)["files"] == len(month(3))
    assert typed("state far --short -o sub/far.state --quiet") == 0 and typed.stdout == ""
    assert typed("pack 4 -o update.tar --since far.json --since-key key.pub --json") == 0
    assert typed("pack 4 -o short.tar --since sub/far.state") == 0
    assert typed("pack 4 -o short.tar --since sub/far.state --since-key key.pub") == 5
    assert typed("unpack update.tar far --json") == 0
    assert json.loads(typed.stdout)["already-applied"] is False
    assert typed("unpack short.tar far") == 0 and "this bundle was unpacked before" in typed.stdout
    assert contents(typed.folder / "far") == month(4)
    (typed.folder / "far" / "app-4.0-py3-none-any.whl").unlink()
    assert typed("state far -o far.json") == 0
    assert (
        "app-4.0-py3-none-any.whl  (missing or altered: remove the file if it exists; then the next bundle carries it)"
        in typed.stdout
    )
    assert typed("unpack short.tar empty") == 5
    assert (
        "run `wheelhouse state empty -o far.json` here; then, on the near side, run `wheelhouse pack …"
        in typed.transcript
    )
    assert not (typed.folder / "empty").exists()


@pytest.mark.servers
def test_the_commands_carry_several_wheelhouses_with_recovery_files(typed: Session) -> None:
    if not shutil.which("par2"):
        pytest.skip("par2 is not installed")
    assert typed("pack 3 4 -o all.tar --split 20K --par2 10") == 0
    assert typed("inspect all.tar") == 0 and "wheelhouses: 3, 4" in typed.stdout
    assert typed("unpack all.tar far") == 0
    assert contents(typed.folder / "far" / "4") == month(4)
    (typed.folder / "all.tar.002").write_bytes(b"damaged")
    assert typed("unpack all.tar other") == 5
    assert "hint: repair it: par2 repair all.tar.par2" in typed.transcript


@pytest.mark.parametrize("option", ["--split 1M", "--par2 10", "--json"])
def test_only_the_bundle_goes_to_stdout(typed: Session, option: str) -> None:
    assert typed(f"pack 3 -o - {option}") == 2
    assert f"{option.split(maxsplit=1)[0]} does not go with `-o -`" in typed.transcript


@pytest.mark.rooms
def test_a_shell_pipes_a_bundle_and_a_state(typed: Session) -> None:
    program = " ".join(PROGRAM)
    line = f"{program} pack 3 -o - | {program} unpack - far && {program} state far --short -o - > far.state"
    done = subprocess.run(
        ["bash", "-o", "pipefail", "-c", line],
        cwd=typed.folder,
        env=clean_environment(),
        capture_output=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert contents(typed.folder / "far") == month(3)
    assert read_far_side(typed.folder / "far.state").digest.encode()[:12] in done.stderr
