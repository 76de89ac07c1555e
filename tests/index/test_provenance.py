"""Provenance objects: whose they are, where they are read, what is kept, and what is refused (PEP 740)."""

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from packaging.utils import NormalizedName
from packaging.version import Version

from tests.support.answers import Answer, asking
from wheelhouse.archive.artifact import Candidate
from wheelhouse.errors import InputError, IntegrityError, ServerError
from wheelhouse.events import Warned
from wheelhouse.files.cache import Cache
from wheelhouse.files.tasks import Tasks
from wheelhouse.index.provenance import (
    Attested,
    Provenance,
    identities_of,
    identity_of,
    identity_text,
    parse_publishers,
    publishers_json,
)
from wheelhouse.index.provenance_store import CHANGED_HINT, PROVENANCE, ProvenanceStore
from wheelhouse.index.store_access import StoreAccess

PUBLISHER = {
    "kind": "GitHub",
    "repository": "acme/lib",
    "workflow": "release.yml",
    "environment": "live",
    "claims": None,
}
IDENTITY = (("environment", "live"), ("kind", "GitHub"), ("repository", "acme/lib"), ("workflow", "release.yml"))
RAW = json.dumps({"version": 1, "attestation_bundles": [{"publisher": PUBLISHER}]}).encode()
SHA256 = hashlib.sha256(RAW).hexdigest()
URL = "https://h.example/lib.whl.provenance"


def test_an_identity_has_the_texts_of_its_publisher() -> None:
    assert identity_of({**PUBLISHER, "number": 1, "empty": ""}) == IDENTITY
    assert identities_of(RAW.decode()) == (IDENTITY,)
    with pytest.raises(KeyError):
        identity_of({"repository": "acme/lib"})


@pytest.mark.parametrize("text", ["{}", "[]", '{"attestation_bundles": [{}]}', '{"attestation_bundles": 1}'])
def test_another_text_is_no_provenance_object(text: str) -> None:
    with pytest.raises(ValueError, match="it is not a provenance object"):
        identities_of(text)


@pytest.mark.parametrize(
    ("keys", "text"),
    [
        (PUBLISHER, "GitHub acme/lib, release.yml"),
        ({"kind": "Google", "email": "z@acme.example", "a": "b"}, "Google z@acme.example, b"),
        ({"kind": "GitLab", "workflow_filepath": ".ci", "project_id": "7"}, "GitLab 7, .ci"),
    ],
)
def test_an_identity_is_written_for_people_without_its_environment(keys: Mapping[str, str], text: str) -> None:
    assert identity_text(identity_of(keys)) == text


def test_publishers_are_read_by_normalised_name() -> None:
    assert parse_publishers('{"publishers": {"Acme_Lib": ["GitHub acme/lib"]}}', "p.json") == {
        "acme-lib": ("GitHub acme/lib",)
    }
    with pytest.raises(InputError, match=r"`p.json` is not a file of publishers"):
        parse_publishers('{"publishers": 1}', "p.json")


def test_what_names_a_publisher_comes_before_its_other_keys() -> None:
    for keys, text in {
        (("kind", "K"), ("a", "1"), ("repository", "r")): "K r, 1",
        (("kind", "K"), ("a", "1"), ("email", "e")): "K e, 1",
        (("kind", "K"), ("a", "1"), ("project_id", "p")): "K p, 1",
        (("kind", "K"), ("b", "2"), ("a", "1"), ("environment", "x")): "K 1, 2",
        (("a", "1"),): " 1",
    }.items():
        assert identity_text(keys) == text


def test_publishers_are_written_sorted_and_read_as_they_were_written() -> None:
    text = '{\n "publishers": {\n  "a": [\n   "K r",\n   "K q"\n  ],\n  "b": []\n }\n}\n'
    publishers = {NormalizedName("b"): (), NormalizedName("a"): ("K r", "K q")}
    assert publishers_json(publishers) == text and parse_publishers(text, "p.json") == publishers
    misshapen = ('{"publishers": {"a": "K r"}}', '{"publishers": {"a": [1]}}', '{"publishers": {"a": {"K r": 1}}}')
    for broken in ("", "[]", "{}", '{"publishers": 1}', '{"publishers": {"a": 1}}', *misshapen):
        with pytest.raises(InputError, match=r"^`p.json` is not a file of publishers: ") as caught:
            parse_publishers(broken, "p.json")
        assert caught.value.hint == "restore the file as `wheelhouse vet` wrote it, or remove it"


def test_what_a_provenance_object_lacks_is_named() -> None:
    with pytest.raises(KeyError) as caught:
        identity_of({"repository": "acme/lib"})
    assert caught.value.args == ("kind",) and Attested() == Attested((), "")


def test_provenance_and_attestations_are_tasks_of_their_own(tmp_path: Path) -> None:
    keys: list[object] = []
    offer = Offer(tmp_path)
    requests: Any = SimpleNamespace(start=lambda key, _: keys.append(key))
    store = ProvenanceStore(offer.http, StoreAccess(offer.http, offer.cache), requests)
    store.get(candidate(URL))
    store.text(Provenance(URL, SHA256))
    assert keys == [("provenance", candidate(URL).key), ("attestations", SHA256)]


class Offer:
    """The provenance objects of a server with one answer, and of a cache."""

    def __init__(self, folder: Path, answer: Answer | None = None, *, user: str = "") -> None:
        self.http, self.site, self.events = asking(lambda *_: answer or Answer(200, RAW))
        self.cache, self.url = Cache(folder / "cache"), URL.replace("://", f"://{user}@" if user else "://")
        self.tasks = Tasks(1, "test")
        access = StoreAccess(self.http, self.cache)
        self.store = ProvenanceStore(self.http, access, self.tasks, self.events.append)

    def get(self, url: str | None = None) -> Provenance | None:
        return self.store.get(candidate(url or self.url)).result()

    @property
    def warned(self) -> list[str]:
        return [str(event) for event in self.events if isinstance(event, Warned)]


def candidate(url: str | None) -> Candidate:
    file = "lib-1-py3-none-any.whl"
    return Candidate(NormalizedName("lib"), Version("1"), file, f"https://h.example/{file}", "i", provenance=url)


def test_a_provenance_object_is_fetched_once_and_noted(tmp_path: Path) -> None:
    offer = Offer(tmp_path)
    expected = Provenance(URL, SHA256, (IDENTITY,))
    assert [offer.get(), offer.get()] == [expected, expected] and len(offer.site.requests) == 1
    assert offer.cache.noted(PROVENANCE, SHA256) == RAW and not offer.warned
    assert offer.store.text(expected).result() == RAW.decode() and len(offer.site.requests) == 1


def test_a_file_without_provenance_costs_no_request(tmp_path: Path) -> None:
    offer = Offer(tmp_path)
    assert offer.store.get(candidate(None)).result() is None and not offer.site.requests


def test_what_credentials_gave_is_noted_in_the_private_part(tmp_path: Path) -> None:
    offer = Offer(tmp_path, user="me:secret")
    found = offer.get()
    assert found and found.url == URL
    assert offer.cache.noted(PROVENANCE, SHA256) is None
    assert offer.cache.private.noted(PROVENANCE, SHA256) == RAW


def test_a_provenance_object_may_be_a_file(tmp_path: Path) -> None:
    (tmp_path / "my file").write_bytes(RAW)
    offer = Offer(tmp_path)
    found = offer.get((tmp_path / "my file").as_uri())
    assert found and found.sha256 == SHA256 and not offer.site.requests
    with pytest.raises(InputError, match="the file of attestations"):
        Offer(tmp_path).get((tmp_path / "gone").as_uri())


@pytest.mark.parametrize(
    ("answer", "warning"),
    [
        (Answer(404), "the index page names this file, but the index answered 404"),
        (Answer(200, b"{}"), "it is not a provenance object"),
        (Answer(200, b"\xff"), "can't decode byte"),
    ],
)
def test_a_provenance_object_that_cannot_be_read_is_left_out(tmp_path: Path, answer: Answer, warning: str) -> None:
    offer = Offer(tmp_path, answer)
    assert offer.get() is None
    assert len(offer.warned) == 1 and "lib-1-py3-none-any.whl.provenance is not used: " in offer.warned[0]
    assert warning in offer.warned[0]


def test_a_locked_object_is_read_from_the_index_and_must_be_the_same(tmp_path: Path) -> None:
    assert Offer(tmp_path / "a").store.text(Provenance(URL, SHA256)).result() == RAW.decode()
    with pytest.raises(IntegrityError, match="does not match its sha256 in the lock file"):
        Offer(tmp_path / "b", Answer(200, RAW + b" ")).store.text(Provenance(URL, SHA256)).result()
    with pytest.raises(ServerError, match="the index page names this file, but the index answered 410"):
        Offer(tmp_path / "c", Answer(410)).store.text(Provenance(URL, SHA256)).result()


def test_a_locked_object_is_shared_as_a_file(tmp_path: Path) -> None:
    offer = Offer(tmp_path)
    offer.store.share(Provenance(URL, SHA256))
    path = offer.cache.artifact(SHA256)
    assert path and path.read_bytes() == RAW


def test_a_locked_object_that_is_no_longer_there_or_another_is_said(tmp_path: Path) -> None:
    changed = "does not match its sha256 in the lock file"
    for number, (answer, kind, sentence) in enumerate(
        (
            (Answer(404), ServerError, f"{URL}: the index page names this file, but the index answered 404"),
            (Answer(206, RAW), ServerError, f"{URL}: the index page names this file, but the index answered 206"),
            (Answer(200, b""), IntegrityError, f"{URL} {changed}"),
        )
    ):
        with pytest.raises(kind) as caught:
            Offer(tmp_path / str(number), answer).store.text(Provenance(URL, SHA256)).result()
        assert (str(caught.value), caught.value.hint) == (sentence, CHANGED_HINT)


def test_a_locked_object_is_read_from_either_part_without_a_request(tmp_path: Path) -> None:
    for private in (False, True):
        offer = Offer(tmp_path / str(private), Answer(404))
        part = offer.cache.private if private else offer.cache
        part.note(PROVENANCE, SHA256, RAW)
        assert offer.store.text(Provenance(URL, SHA256)).result() == RAW.decode() and not offer.site.requests


def test_a_private_locked_object_is_shared_in_the_private_part(tmp_path: Path) -> None:
    offer = Offer(tmp_path)
    offer.store.share(Provenance(f"{URL}?t=1", SHA256))
    path = offer.cache.private.artifact(SHA256)
    assert path and path.read_bytes() == RAW and offer.cache.artifact(SHA256) is None
