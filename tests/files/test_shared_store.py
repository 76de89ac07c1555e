"""The store that machines share: what one keeps another brings, altered files and unsigned notes are not used, and failures end
nothing but the use of the store."""

import hashlib
import time
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import msgspec
import pytest

from wheelhouse.errors import InputError
from wheelhouse.events import Event, Warned
from wheelhouse.files.cache import Cache
from wheelhouse.files.object_store import ObjectStore, StoreError
from wheelhouse.files.shared_store import SharedObjects, SharedStore, SignedNote, artifact_key, note_key

DATA = b"the bytes of a wheel"
SHA256 = hashlib.sha256(DATA).hexdigest()


class Keys:
    """Keys that sign by hashing: what they sign with, and what they trust."""

    def __init__(self, secret: bytes = b"", *trusted: bytes) -> None:
        self.secret, self.trusted = secret, trusted

    @property
    def can_sign(self) -> bool:
        return bool(self.secret)

    def sign(self, message: bytes) -> bytes:
        return hashlib.sha256(self.secret + message).digest()

    def has_signed(self, message: bytes, signature: bytes) -> bool:
        return any(hashlib.sha256(secret + message).digest() == signature for secret in self.trusted)


TEAM, READER, STRANGER = Keys(b"team", b"team"), Keys(b"", b"team"), Keys(b"stranger", b"stranger", b"team")


class Machines:
    """Machines with a cache each, and one store in a folder."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.objects = folder, ObjectStore((folder / "objects").as_uri())
        self.warnings: list[str] = []

    def run(
        self, machine: str, work: Callable[[SharedStore], object], keys: Keys | None = None, **more: object
    ) -> object:
        """The result of some work in a run of its own on a machine."""
        shared = SharedObjects(self.objects, keys, on_event=self._heard, **more)
        with closing(Cache(self.folder / machine)) as cache, closing(shared):
            result = work(SharedStore(cache, shared))
            shared.flush()
        return result

    def _heard(self, event: Event) -> None:
        if isinstance(event, Warned):
            self.warnings.append(event.sentence)

    def path(self, key: str) -> Path:
        """The object's file."""
        return self.folder / "objects" / key

    def brought(self, machine: str) -> bytes | None:
        """The file as another machine brings it."""
        path = self.folder / f"{machine}.part"
        path.touch()
        is_there = self.run(machine, lambda store: store.bring(SHA256, path, lambda _count: None))
        return path.read_bytes() if is_there else None


@pytest.fixture
def machines(tmp_path: Path) -> Machines:
    return Machines(tmp_path)


def keep(store: SharedStore) -> None:
    with store.partial("key") as partial:
        partial.write_bytes(DATA)
        store.keep(partial, SHA256)


def test_what_one_machine_keeps_another_brings(machines: Machines) -> None:
    machines.run("one", keep)
    assert machines.brought("two") == DATA
    assert machines.run("two", lambda store: store.artifact(SHA256)) is None, "only the caller keeps what it checked"
    assert machines.warnings == []


def test_an_altered_object_is_not_used_and_the_next_file_takes_its_place(machines: Machines) -> None:
    machines.run("one", keep)
    machines.path(artifact_key(SHA256)).write_bytes(b"the bytes of another")
    assert machines.brought("two") is None
    assert (machines.folder / "two.part").read_bytes() == b"", "a download would go on from what is there"
    assert SHA256 in machines.warnings[0]
    machines.run("two", keep)
    assert machines.brought("three") == DATA


def test_a_store_that_is_only_read_gets_nothing(machines: Machines) -> None:
    machines.run("one", lambda store: (keep(store), store.note("pages", "key", b"fact")), TEAM, writes=False)
    assert list(machines.folder.glob("objects/**/*")) == []


def test_nothing_of_the_private_part_is_shared(machines: Machines) -> None:
    machines.run("one", lambda store: keep(store.private), TEAM)
    machines.run("one", lambda store: store.private.note("contents", "key", b"fact"), TEAM)
    assert list(machines.folder.glob("objects/**/*")) == []


def test_of_a_part_with_kinds_only_these_are_shared(machines: Machines) -> None:
    def note(store: SharedStore) -> None:
        part = SharedStore(store.private, store._shared, kinds=frozenset(["contents"]))
        part.note("contents", "key", b"fact")
        part.note("pages", "key", b"fact")

    machines.run("one", note, TEAM)
    assert [path.name for path in machines.folder.glob("objects/*")] == ["contents"]


def test_a_note_is_brought_with_its_age_if_a_trusted_key_signed_it(machines: Machines) -> None:
    machines.run("one", lambda store: store.note("pages", "key", b"fact"), TEAM)
    (raw,) = machines.folder.glob("objects/pages/*/*")
    kept = msgspec.msgpack.decode(raw.read_bytes(), type=SignedNote)
    assert machines.run("two", lambda store: store.bring_note("pages", "key"), READER) == b"fact"
    age = machines.run("two", lambda store: store.age("pages", "key", kept.time + 100), READER)
    assert age == pytest.approx(100, abs=1)
    assert machines.run("two", lambda store: store.noted("pages", "key")) == b"fact"


@pytest.mark.parametrize("keys", [None, STRANGER])
def test_a_note_that_no_trusted_key_signed_is_not_used(machines: Machines, keys: Keys | None) -> None:
    machines.run("one", lambda store: store.note("pages", "key", b"fact"), STRANGER)
    brought = machines.run("two", lambda store: store.bring_note("pages", "key"), None if keys is None else READER)
    assert brought is None


def altered(note: SignedNote, name: str) -> SignedNote:
    changes = {"content": b"another", "time": note.time - 1, "signature": b"x"}
    return msgspec.structs.replace(note, **{name: changes[name]})


@pytest.mark.parametrize("name", ["content", "time", "signature"])
def test_an_altered_note_is_not_used(machines: Machines, name: str) -> None:
    machines.run("one", lambda store: store.note("pages", "key", b"fact"), TEAM)
    path = machines.path(note_key("pages", "key"))
    note = msgspec.msgpack.decode(path.read_bytes(), type=SignedNote)
    path.write_bytes(msgspec.msgpack.encode(altered(note, name)))
    assert machines.run("two", lambda store: store.bring_note("pages", "key"), READER) is None


@pytest.mark.parametrize("other", [("pages", "other"), ("contents", "key")])
def test_a_note_under_the_name_of_another_is_not_used(machines: Machines, other: tuple[str, str]) -> None:
    machines.run("one", lambda store: store.note("pages", "key", b"fact"), TEAM)
    path = machines.path(note_key(*other))
    path.parent.mkdir(parents=True, exist_ok=True)
    machines.path(note_key("pages", "key")).rename(path)
    assert machines.run("two", lambda store: store.bring_note(*other), READER) is None


@pytest.mark.parametrize("content", [b"", b"no note", msgspec.msgpack.encode([1, "text"])])
def test_bytes_that_are_no_note_are_not_used(machines: Machines, content: bytes) -> None:
    path = machines.path(note_key("pages", "key"))
    path.parent.mkdir(parents=True)
    path.write_bytes(content)
    assert machines.run("two", lambda store: store.bring_note("pages", "key"), READER) is None
    assert machines.warnings == []


def test_a_note_from_the_future_is_not_used(machines: Machines, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(time, "time", lambda: 5e9)
    machines.run("one", lambda store: store.note("pages", "key", b"fact"), TEAM)
    monkeypatch.undo()
    assert machines.run("two", lambda store: store.bring_note("pages", "key"), READER) is None


def test_a_forgotten_note_is_gone_for_others_if_this_run_could_have_signed_it(machines: Machines) -> None:
    machines.run("one", lambda store: store.note("contents", "key", b"fact"), TEAM)
    machines.run("two", lambda store: store.forget("contents", "key"), READER)
    assert machines.run("three", lambda store: store.bring_note("contents", "key"), READER) == b"fact"
    machines.run("one", lambda store: store.forget("contents", "key"), TEAM)
    assert machines.run("four", lambda store: store.bring_note("contents", "key"), READER) is None


def test_a_touched_note_is_younger_for_others_too(machines: Machines, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(time, "time", lambda: 1e9)
    machines.run("one", lambda store: store.note("pages", "key", b"fact"), TEAM)
    monkeypatch.undo()
    machines.run("one", lambda store: store.touch("pages", "key"), TEAM)
    machines.run("two", lambda store: store.bring_note("pages", "key"), READER)
    age = machines.run("two", lambda store: store.age("pages", "key", time.time()))
    assert isinstance(age, float) and age < 100


class Failing(ObjectStore):
    """A store whose every request fails; `asked` counts them."""

    asked = 0

    def _fail(self, *_: object) -> None:
        self.asked += 1
        raise StoreError(f"the store {self.name} is full")

    read = read_into = create = put = remove = _fail  # type: ignore[assignment]


def test_a_store_that_fails_is_left_with_one_warning_for_reading_and_one_for_writing(machines: Machines) -> None:
    failing = machines.objects = Failing((machines.folder / "objects").as_uri())
    part = machines.folder / "part"
    part.touch()

    def work(store: SharedStore) -> list[object]:
        keep(store)
        store._shared.flush()
        keep(store)
        return [*(store.bring(SHA256, part, lambda _: None) for _ in range(3)), store.artifact(SHA256) is not None]

    assert machines.run("one", work) == [False, False, False, True]
    assert failing.asked == 2
    assert [warning.rpartition("without ")[2] for warning in machines.warnings] == ["writing to it", "reading from it"]


def test_an_object_that_is_too_large_is_not_read(machines: Machines) -> None:
    machines.run("one", keep)
    path = machines.folder / "part"
    assert not machines.run(
        "two", lambda store: store.bring(SHA256, path, lambda _: None), max_file_bytes=len(DATA) - 1
    )
    assert not path.exists()


@pytest.mark.parametrize(
    ("url", "part"),
    [
        ("ftp://host/x", "`ftp` is not a kind of store"),
        ("bucket", "`bucket` is not a kind of store"),
        ("s3://key:s3cr3t@bucket/x", "cannot have a credential"),
        ("s3://bucket/x?sig=s3cr3t", "cannot have a credential or a query"),
        ("file://relative/x", "not an absolute path"),
        ("file:relative", "not an absolute path"),
        ("s3:///x", "names no bucket"),
        ("s3://key:s3cr3t@[x", "cannot be read"),
    ],
)
def test_an_address_that_is_no_store_is_refused(url: str, part: str) -> None:
    with pytest.raises(InputError, match=part) as caught:
        ObjectStore(url)
    assert "s3cr3t" not in f"{caught.value} {caught.value.hint}"


def test_the_scheme_of_a_store_counts_in_any_case(tmp_path: Path) -> None:
    store = ObjectStore(f"FILE://{tmp_path}/Store")
    assert store.is_folder and store.create("key", b"it") and (tmp_path / "Store/key").read_bytes() == b"it"
    assert ObjectStore("S3://Bucket/folder/").name == "s3://Bucket/folder"


def test_an_account_that_is_not_described_is_no_secret_in_a_sentence() -> None:
    with pytest.raises(StoreError, match="az://container needs an environment variable that names the account"):
        ObjectStore("az://container")
