"""Which part of the store a file belongs to, and who may read what is private, with no server."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.support.answers import Answer, Site, asking
from wheelhouse.errors import ServerError
from wheelhouse.files.store import Store
from wheelhouse.index.store_access import GRANTS, StoreAccess

SHA256, OTHER = "a" * 64, "b" * 64
PLAIN, SIGNED, OWN = "https://h.example/f.whl", "http://h.example/f.whl?t=1", "https://own.example/f.whl"


class Part:
    """A part of a store, in memory: what it has, and what was done with it."""

    def __init__(self, private: "Part | None" = None) -> None:
        self.private = private
        self.files: dict[str, Path] = {}
        self.notes: dict[tuple[str, str], bytes] = {}
        self.far: dict[tuple[str, str], bytes] = {}
        self.done: list[tuple[object, ...]] = []

    def artifact(self, sha256: str) -> Path | None:
        return self.files.get(sha256)

    def bring(self, sha256: str, path: Path, on_bytes: Callable[[int], None]) -> bool:
        self.done.append(("bring", sha256, path, on_bytes))
        return True

    def note(self, kind: str, key: str, content: bytes) -> None:
        self.notes[kind, key] = content

    def noted(self, kind: str, key: str) -> bytes | None:
        return self.notes.get((kind, key))

    def bring_note(self, kind: str, key: str) -> bytes | None:
        return self.far.get((kind, key))

    def forget(self, kind: str, key: str) -> None:
        self.done.append(("forget", kind, key))

    def discard(self, path: Path) -> None:
        self.done.append(("discard", path))


class Setup:
    """The access to a store of two parts, with credentials for one server; `status` is what every server answers."""

    def __init__(self, status: int = 200) -> None:
        self.status = status
        self.shared = Part(Part())
        self.private: Any = self.shared.private
        self.access, self.site = self.for_token("one")

    def for_token(self, token: str) -> tuple[StoreAccess, Site]:
        client, site, _ = asking(lambda *_: Answer(self.status))
        client.credentials.learn("https://own.example/", token)
        store: Any = self.shared
        given: Store = store
        return StoreAccess(client, given), site


@pytest.mark.parametrize("text", ["../../../../dev/zero", "a" * 63, "A" * 64, ""])
def test_a_text_that_is_no_sha256_names_no_file_of_the_store(text: str, tmp_path: Path) -> None:
    setup = Setup()
    setup.shared.files[text] = setup.private.files[text] = tmp_path
    assert setup.access.artifact(text, PLAIN) is None
    assert setup.access.bring(text, PLAIN, tmp_path, lambda _: None) is False
    assert setup.shared.done == []


def test_what_credentials_gave_and_what_is_of_this_machine_is_private() -> None:
    one = Setup()
    assert one.access.shared is one.shared and one.access.private is one.private
    for url, is_private in {
        PLAIN: False,
        "http://h.example/f.whl": False,
        "": False,
        SIGNED: True,
        OWN: True,
        "https://me:pw@h.example/f.whl": True,
        "HTTPS://h.example/f.whl": False,
        "HTTPS://own.example/f.whl": True,
        "http://own.example/f.whl": False,
        "/srv/f.whl": True,
        "file:///srv/f.whl": True,
        "srv/https://h.example/": True,
    }.items():
        part: object = one.access.part_for(url)
        assert part is (one.private if is_private else one.shared), url


def test_a_file_is_brought_to_the_part_of_its_url() -> None:
    one, counts = Setup(), [0]
    path = Path("f")
    assert one.access.bring(SHA256, PLAIN, path, counts.append) and one.access.bring(OTHER, OWN, path, counts.append)
    assert one.shared.done == [("bring", SHA256, path, counts.append)]
    assert one.private.done == [("bring", OTHER, path, counts.append)]


def test_a_shared_file_is_for_everyone_and_costs_no_request() -> None:
    one = Setup(404)
    one.shared.files[SHA256], one.private.files[SHA256] = Path("shared"), Path("private")
    for url in (PLAIN, OWN, SIGNED, "", "/srv/f"):
        assert one.access.artifact(SHA256, url) == Path("shared")
        assert one.access.artifact("b", url) is None
    assert not one.site.requests


def test_a_private_file_is_for_those_whom_its_server_gives_it() -> None:
    one = Setup()
    one.private.files[SHA256] = Path("private")
    for url in ("", "/srv/f.whl", "file:///srv/f.whl"):
        assert one.access.artifact(SHA256, url) == Path("private")
    assert not one.site.requests and not one.private.notes
    assert [one.access.artifact(SHA256, OWN) for _ in range(2)] == [Path("private")] * 2
    assert [bare for _, bare, _ in one.site.requests] == [OWN] and not one.shared.notes
    ((kind, key),) = one.private.notes
    assert (kind, key.partition(" ")[0], len(key)) == (GRANTS, SHA256, 64 + 1 + 128)
    other, site = one.for_token("two")
    assert other.artifact(SHA256, OWN) == Path("private") and len(site.requests) == 1 and len(one.private.notes) == 2


@pytest.mark.parametrize("status", [404, 403])
def test_a_private_file_is_for_nobody_whom_its_server_refuses(status: int) -> None:
    one = Setup(status)
    one.private.files[SHA256] = Path("private")
    for _ in range(2):
        if status == 404:
            assert one.access.artifact(SHA256, OWN) is None
        else:
            with pytest.raises(ServerError, match=r"^https://own.example/f.whl answered 403$"):
                one.access.artifact(SHA256, OWN)
    assert len(one.site.requests) == 2 and not one.private.notes


def test_what_a_server_gave_is_noted_for_private_addresses_of_servers_alone() -> None:
    for url, is_noted in {PLAIN: False, "": False, "/srv/f.whl": False, SIGNED: True, OWN: True}.items():
        one = Setup(403)
        one.private.files[SHA256] = Path("private")
        one.access.grant(SHA256, url)
        assert not one.shared.notes and len(one.private.notes) == is_noted, url
        if is_noted:
            assert list(one.private.notes.values()) == [b""]
            assert one.access.artifact(SHA256, url) == Path("private") and not one.site.requests


def test_facts_are_read_from_the_shared_part_first_and_removed_from_both() -> None:
    one = Setup()
    one.shared.notes = {("k", "both"): b"shared", ("k", "shared"): b"shared"}
    one.private.notes = {("k", "both"): b"private", ("k", "private"): b"private"}
    one.shared.far, one.private.far = {("k", "far"): b"shared"}, {("k", "far"): b"private", ("k", "own"): b"private"}
    keys = ("both", "shared", "private", "far", "none")
    assert [one.access.noted("k", key) for key in keys] == [b"shared", b"shared", b"private", None, None]
    assert [one.access.bring_note("k", key) for key in ("far", "own", "both")] == [b"shared", b"private", None]
    one.access.forget("k", "both")
    one.access.discard(Path("f"))
    assert one.shared.done == one.private.done == [("forget", "k", "both"), ("discard", Path("f"))]
