"""Files on their way: what goes wrong between an index and the cache, each with its own sentence, and what is kept."""

import time
import zipfile
from collections.abc import Callable, Iterator
from concurrent.futures import CancelledError, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from random import Random

import pytest
from packaging.utils import NormalizedName

from tests.support.contents import core_metadata
from tests.support.index import Abilities, Fault, IndexServer
from tests.support.sampled import sampled
from tests.support.supplies import supplying
from tests.support.wheels import build_wheel
from wheelhouse.archive.artifact import Candidate
from wheelhouse.errors import IntegrityError, ServerError, WheelhouseError
from wheelhouse.events import Event, Finished, Received, Retrying, Waiting, Warned
from wheelhouse.fetch.fetch import fetch
from wheelhouse.fetch.gather import Options, gather
from wheelhouse.files.cache import Cache
from wheelhouse.files.disk import sha256_of
from wheelhouse.index.artifact_store import StoredFile
from wheelhouse.index.http import Http, HttpSettings
from wheelhouse.index.package_source import PackageSource

FILE = r"/files/app-1\.0-py3-none-any\.whl$"
NOISE = {"app/data.bin": Random(1).randbytes(400_000)}


@pytest.fixture
def wheel(tmp_path: Path) -> Path:
    return build_wheel(tmp_path / "offered", "app", "1.0", files=NOISE)


@pytest.fixture
def index(wheel: Path) -> Iterator[IndexServer]:
    with IndexServer(wheel.parent) as server:
        yield server


Supplied = Callable[..., "PackageSource"]


@contextmanager
def supplied(
    server: IndexServer, cache: Path, events: list[Event] | None = None, *, retries: int = 1
) -> Iterator[PackageSource]:
    listener = (events if events is not None else []).append
    with supplying(server, cache, listener, HttpSettings(timeout=5, retries=retries)) as supply:
        yield supply


def the_candidate(supply: PackageSource) -> Candidate:
    page = supply.pages.get(NormalizedName("app")).result()
    assert page is not None
    (candidate,) = page.candidates(page.versions[0])
    return candidate


def test_known_metadata_are_one_future_until_a_build_teaches_others(index: IndexServer, tmp_path: Path) -> None:
    with supplied(index, tmp_path / "cache") as supply:
        candidate = the_candidate(supply)
        supply.artifacts.get(candidate).result()
        known = supply.metadata.get(candidate)
        assert supply.metadata.get(candidate) is known
        built = replace(known.result(), requires_dist=("b",))
        supply.metadata.learn_built(candidate.key, built)
        assert supply.metadata.get(candidate).result() is built


@pytest.mark.parametrize("is_built", [True, False])
def test_a_file_that_will_be_needed_is_requested_with_its_known_metadata(
    index: IndexServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, is_built: bool
) -> None:
    """A file whose wheel is built already is not needed any more."""
    with supplied(index, tmp_path / "cache") as supply:
        candidate = the_candidate(supply)
        metadata = supply.artifacts.get(candidate).result().contents.metadata
        if is_built:
            supply.metadata.learn_built(candidate.key, metadata)
        requested: list[Candidate] = []
        monkeypatch.setattr(supply.artifacts, "get", requested.append)
        assert supply.metadata.get(candidate).result() == metadata and not requested
        supply.metadata.get(candidate, certain=True)
        assert requested == ([] if is_built else [candidate])


def test_progress_counts_each_page_and_every_byte(index: IndexServer, wheel: Path, tmp_path: Path) -> None:
    events: list[Event] = []
    stored(index, tmp_path / "cache", events)
    assert Waiting("app (page)") in events and Finished("app (page)") in events
    assert sum(event.count for event in events if isinstance(event, Received)) == wheel.stat().st_size
    assert Finished(wheel.name) in events


def stored(server: IndexServer, cache: Path, events: list[Event] | None = None, *, retries: int = 1) -> StoredFile:
    with supplied(server, cache, events, retries=retries) as supply:
        return supply.artifacts.get(the_candidate(supply)).result()


def files_asked(server: IndexServer) -> list[tuple[int, str | None]]:
    return [
        (request.status, request.headers.get("range")) for request in server.requests if request.path.endswith(".whl")
    ]


def kept(cache: Path) -> list[Path]:
    return [path for path in (cache / "v1" / "artifacts").rglob("*") if path.is_file()]


# Wrong bytes, wrong length, cut short: each is told from the others


def test_a_wrong_hash_is_said_and_nothing_is_kept(index: IndexServer, wheel: Path, tmp_path: Path) -> None:
    index.add(wheel, hashes={"sha256": "0" * 64})
    with pytest.raises(IntegrityError, match=rf"has the sha256 {sha256_of(wheel)}, but 0{{64}} was expected"):
        stored(index, tmp_path / "cache")
    assert kept(tmp_path / "cache") == []


@pytest.mark.parametrize("off", [-7, 7])
def test_a_wrong_length_is_said_as_what_it_is(index: IndexServer, wheel: Path, tmp_path: Path, off: int) -> None:
    size = wheel.stat().st_size
    index.add(wheel, size=size + off)
    with pytest.raises(
        IntegrityError, match=rf"has {size} bytes on its server, but the index says {size + off}|longer than"
    ):
        stored(index, tmp_path / "cache")
    assert kept(tmp_path / "cache") == []


def test_a_file_that_is_cut_short_each_time_is_said_to_be(index: IndexServer, tmp_path: Path) -> None:
    index.faults.append(Fault(FILE, "cut", times=None, at=1000))
    with pytest.raises(ServerError, match="cut short") as error:
        stored(index, tmp_path / "cache")
    assert not isinstance(error.value, IntegrityError)
    assert kept(tmp_path / "cache") == []


def test_a_flipped_byte_is_a_wrong_hash(index: IndexServer, tmp_path: Path) -> None:
    index.faults.append(Fault(FILE, "wrong_bytes", times=None, at=5000))
    with pytest.raises(IntegrityError, match="has the sha256"):
        stored(index, tmp_path / "cache")
    assert kept(tmp_path / "cache") == []


def test_a_file_that_is_not_there_is_not_asked_for_again(index: IndexServer, tmp_path: Path) -> None:
    index.faults.append(Fault(FILE, "status", times=None, status=404))
    with pytest.raises(ServerError, match=r"is not at .* \(404\)"):
        stored(index, tmp_path / "cache")
    assert files_asked(index) == [(404, None)]


# Going on where it stopped


def test_what_was_cut_is_resumed_in_the_same_run(index: IndexServer, wheel: Path, tmp_path: Path) -> None:
    index.faults.append(Fault(FILE, "cut", at=300_000))
    assert stored(index, tmp_path / "cache").sha256 == sha256_of(wheel)
    (_, first), (status, again) = files_asked(index)
    assert (first, status) == (None, 206)
    assert again is not None and 0 < int(again.removeprefix("bytes=").removesuffix("-")) <= 300_000


def test_what_was_cut_is_resumed_by_the_next_run(index: IndexServer, wheel: Path, tmp_path: Path) -> None:
    index.faults.append(Fault(FILE, "cut", at=300_000))
    with pytest.raises(ServerError):
        stored(index, tmp_path / "cache", retries=0)
    assert stored(index, tmp_path / "cache").sha256 == sha256_of(wheel)
    assert files_asked(index)[-1][0] == 206


@pytest.mark.parametrize("kind", ["ignore_range", "wrong_range"])
def test_a_server_that_gets_ranges_wrong_does_no_harm(
    index: IndexServer, wheel: Path, tmp_path: Path, kind: str
) -> None:
    index.faults += [Fault(FILE, "cut", at=300_000), Fault(FILE, kind, times=1)]  # type: ignore[arg-type]
    assert stored(index, tmp_path / "cache", retries=3).sha256 == sha256_of(wheel)


@pytest.mark.parametrize("encoding", ["gzip", "x-gzip", "br"])
@pytest.mark.parametrize("ranges", [True, False])
def test_a_file_that_is_said_to_be_encoded_is_stored_as_it_was_sent(
    index: IndexServer, wheel: Path, tmp_path: Path, encoding: str, ranges: bool
) -> None:
    """As Artifactory says of a stored `.tar.gz`. Its tail is read as it is, too."""
    index.abilities = Abilities(sidecars=False, ranges=ranges)
    index.faults += [Fault(FILE, "encoded", times=None, encoding=encoding)]
    with supplied(index, tmp_path / "cache") as supply:
        assert supply.metadata.get(the_candidate(supply)).result().project == "app"
        assert supply.artifacts.get(the_candidate(supply)).result().sha256 == sha256_of(wheel)


def test_an_encoded_body_continues_no_plain_one(index: IndexServer, wheel: Path, tmp_path: Path) -> None:
    index.abilities = Abilities(hashes=False)
    index.faults += [Fault(FILE, "cut", at=300_000), Fault(FILE, "encoded")]
    assert stored(index, tmp_path / "cache", retries=3).sha256 == sha256_of(wheel)
    assert [status for status, _ in files_asked(index)] == [200, 206, 200]


@pytest.mark.parametrize("left", [b"garbage", b"x" * 1_000_000, None])
def test_garbage_that_an_earlier_run_left_is_not_built_upon(
    index: IndexServer, wheel: Path, tmp_path: Path, left: bytes | None
) -> None:
    """None: as long as the file itself."""
    with supplied(index, tmp_path / "cache", retries=2) as supply:
        candidate = the_candidate(supply)
        with Cache(tmp_path / "cache").partial(candidate.key) as partial:
            partial.write_bytes(b"x" * wheel.stat().st_size if left is None else left)
        assert supply.artifacts.get(candidate).result().sha256 == sha256_of(wheel)


# Retries


@pytest.mark.rooms
def test_a_busy_server_is_asked_again_when_it_says(index: IndexServer, wheel: Path, tmp_path: Path) -> None:
    index.faults += [Fault(FILE, "status", retry_after="0"), Fault(FILE, "reset"), Fault(FILE, "status", status=429)]
    events: list[Event] = []
    assert stored(index, tmp_path / "cache", events, retries=3).sha256 == sha256_of(wheel)
    waits = [event.seconds for event in events if isinstance(event, Retrying)]
    assert len(waits) == 3 and waits[0] == 0


def test_a_server_that_wants_too_long_a_wait_is_reported(index: IndexServer, tmp_path: Path) -> None:
    index.faults.append(Fault(FILE, "status", times=None, retry_after="3600"))
    began = time.monotonic()
    with pytest.raises(ServerError, match="answered 503"):
        stored(index, tmp_path / "cache", retries=3)
    assert time.monotonic() - began < 3
    assert len(files_asked(index)) == 1


def test_redirects_end(index: IndexServer, tmp_path: Path) -> None:
    index.faults.append(Fault(FILE, "loop", times=None))
    with pytest.raises(ServerError, match="redirects more than"):
        stored(index, tmp_path / "cache", retries=0)


@pytest.mark.parametrize("to", ["http://[bad/", "file:///etc/passwd", "ftp://127.0.0.1/", "http://127.0.0.1:99999/"])
def test_a_redirect_to_what_is_no_address_is_an_error_of_the_server(
    index: IndexServer, tmp_path: Path, to: str
) -> None:
    index.faults.append(Fault(FILE, "redirect", to=to))
    with pytest.raises(ServerError, match="redirects to an address that is neither http nor https"):
        stored(index, tmp_path / "cache", retries=0)


def test_a_redirect_to_a_name_that_no_host_can_have(index: IndexServer, tmp_path: Path) -> None:
    index.faults.append(Fault(FILE, "redirect", to=f"http://{'a' * 70}.example/"))
    with pytest.raises(ServerError, match="could not be looked up: the name is not valid for a host"):
        stored(index, tmp_path / "cache", retries=0)


@pytest.mark.parametrize("text", ["²", "-1", "Mon, 01 Jan 0001 00:00:00 -0000", "soon"])
def test_a_wait_that_is_none_is_not_heeded(index: IndexServer, tmp_path: Path, text: str) -> None:
    index.faults.append(Fault(FILE, "status", retry_after=text))
    assert stored(index, tmp_path / "cache", retries=1).fresh


def test_404_is_an_answer_and_503_an_error(index: IndexServer, tmp_path: Path) -> None:
    with supplied(index, tmp_path / "cache", retries=0) as supply:
        assert supply.pages.get(NormalizedName("nope")).result() is None
        index.faults.append(Fault("/simple/app/", "status", times=None))
        with pytest.raises(ServerError, match="answered 503"):
            supply.pages.get(NormalizedName("app")).result()


# Metadata that come apart from the file


@pytest.mark.parametrize("hashes", [True, False])
def test_a_sidecar_that_differs_from_the_wheel_stops_everything(
    index: IndexServer, wheel: Path, tmp_path: Path, hashes: bool
) -> None:
    index.abilities = Abilities(hashes=hashes)
    index.add(wheel, metadata=core_metadata("app", "1.0", requires=["app"]))
    with supplied(index, tmp_path / "cache") as supply:
        options = Options(requirements=("app",), python=("3.12",))
        job = gather(options, Http(), datetime(2026, 1, 1, tzinfo=UTC))
        with pytest.raises(IntegrityError, match=r"the metadata in `.*` differ from"):
            fetch(job, tmp_path / "house", supply)
    assert not list((tmp_path / "house").iterdir())


@pytest.mark.parametrize(("name", "version"), [("other", "1.0"), ("app", "1.1")])
def test_a_sidecar_of_another_project_or_version_is_refused(
    index: IndexServer, wheel: Path, tmp_path: Path, name: str, version: str
) -> None:
    index.add(wheel, metadata=core_metadata(name, version))
    with (
        supplied(index, tmp_path / "cache") as supply,
        pytest.raises(IntegrityError, match=f"its metadata state a different release: {name} {version}"),
    ):
        supply.metadata.get(the_candidate(supply)).result()


def test_a_sidecar_that_is_not_what_the_index_says_is_refused(index: IndexServer, tmp_path: Path) -> None:
    index.faults.append(Fault(r"\.metadata$", "wrong_bytes", times=None, at=30))
    with (
        supplied(index, tmp_path / "cache") as supply,
        pytest.raises(IntegrityError, match="does not match its sha256"),
    ):
        supply.metadata.get(the_candidate(supply)).result()


@pytest.mark.parametrize(
    "text", [b"Name: app\nMetadata-Version: 2.1\nVersion: 1.0\n", b"metadata-version: 2.1\nName: app\n"]
)
def test_a_wrong_sidecar_is_told_from_a_page_wherever_its_version_is(
    index: IndexServer, tmp_path: Path, text: bytes
) -> None:
    index.put("/files/app-1.0-py3-none-any.whl.metadata", text)
    with (
        supplied(index, tmp_path / "cache") as supply,
        pytest.raises(IntegrityError, match="does not match its sha256"),
    ):
        supply.metadata.get(the_candidate(supply)).result()


SIDECAR = r"\.metadata$"
MISSING = {
    "404": Fault(SIDECAR, "status", times=None, status=404),
    "403": Fault(SIDECAR, "status", times=None, status=403),
    "500": Fault(SIDECAR, "status", times=None, status=500, retry_after="0"),
    "cut": Fault(SIDECAR, "cut", times=None, at=10),
    "a page to log in": Fault(SIDECAR, "redirect", times=None, to="/login"),
    "a loop": Fault(SIDECAR, "loop", times=None),
}


@pytest.mark.parametrize("hashes", [True, False])
@pytest.mark.parametrize("certain", [True, False])
@pytest.mark.parametrize("kind", sampled(MISSING, 2))
def test_a_promised_sidecar_that_is_not_there_costs_a_download_alone(
    index: IndexServer, tmp_path: Path, kind: str, certain: bool, hashes: bool
) -> None:
    index.abilities = Abilities(hashes=hashes)
    index.put("/login", b"<html><form action=/login>Name: <input></form></html>", "text/html")
    index.faults.append(MISSING[kind])
    events: list[Event] = []
    with supplied(index, tmp_path / "cache", events) as supply:
        candidate = the_candidate(supply)
        assert supply.metadata.get(candidate, certain=certain).result().project == "app"
        supply.metadata.confirm(candidate, supply.artifacts.get(candidate).result())
    told = [str(event) for event in events if isinstance(event, Warned)]
    assert len(told) == 1 and "a metadata file that the index promises" in told[0]


@pytest.mark.parametrize("first", ["file", "sidecar"])
def test_a_sidecar_that_differs_is_an_error_whichever_comes_first_and_in_the_next_run_too(
    index: IndexServer, tmp_path: Path, first: str
) -> None:
    index.put("/files/app-1.0-py3-none-any.whl.metadata", core_metadata("app", "1.0", requires=["other"]))
    index.faults.append(Fault(SIDECAR if first == "file" else FILE, "delay", times=None, seconds=0.3))
    for _ in range(2):
        with supplied(index, tmp_path / "cache") as supply:
            candidate = the_candidate(supply)
            asked = supply.metadata.get(candidate, certain=True)
            if first == "file":
                supply.artifacts.get(candidate).result()
            with pytest.raises(IntegrityError, match="does not match its sha256"):
                supply.metadata.get(candidate).result()
            with pytest.raises(IntegrityError, match="does not match its sha256"):
                asked.result()
            supply.artifacts.get(candidate).result()


@pytest.mark.parametrize("ranges", [True, False])
def test_metadata_come_from_the_tail_or_the_file_where_there_is_no_sidecar(
    index: IndexServer, tmp_path: Path, ranges: bool
) -> None:
    index.abilities = Abilities(sidecars=False, ranges=ranges)
    with supplied(index, tmp_path / "cache") as supply:
        assert supply.metadata.get(the_candidate(supply)).result().project == "app"
    assert (kept(tmp_path / "cache") == []) is ranges


def test_metadata_that_cannot_be_unpacked_are_refused(index: IndexServer, wheel: Path, tmp_path: Path) -> None:
    index.abilities = Abilities(sidecars=False, hashes=False)
    raw = bytearray(wheel.read_bytes())
    with zipfile.ZipFile(wheel) as archive:
        member = archive.getinfo("app-1.0.dist-info/METADATA")
    start = member.header_offset + 30 + len(member.filename)
    raw[start : start + 3] = b"\xff\xff\xff"
    wheel.write_bytes(raw)
    with supplied(index, tmp_path / "cache") as supply, pytest.raises(IntegrityError, match="cannot be decompressed"):
        supply.metadata.get(the_candidate(supply)).result()


@pytest.mark.parametrize("first", [True, False])
def test_metadata_are_read_from_wherever_they_lie_without_the_rest(tmp_path: Path, first: bool) -> None:
    """Some builds put .dist-info before all else, and a directory of many members is longer than one piece."""
    many = {f"app/module_{number:04}.py": b"" for number in range(900)}
    wheel = build_wheel(
        tmp_path / "offered",
        "app",
        "1.0",
        files=NOISE | many,
        mutate=lambda members: members[::-1] if first else members,
    )
    with IndexServer(wheel.parent, abilities=Abilities(sidecars=False)) as index:
        with supplied(index, tmp_path / "cache") as supply:
            assert supply.metadata.get(the_candidate(supply)).result().project == "app"
        assert {status for status, _ in files_asked(index)} == {206}
        sent = sum(request.sent for request in index.requests if request.path.endswith(".whl"))
    assert sent < 300_000 < wheel.stat().st_size


# The cache


def test_what_is_kept_is_not_fetched_twice(index: IndexServer, tmp_path: Path) -> None:
    assert stored(index, tmp_path / "cache").fresh
    assert not stored(index, tmp_path / "cache").fresh
    assert len(files_asked(index)) == 1


def spoil_note(cache: Path) -> None:
    (note,) = (cache / "v1").glob("contents-*/*")
    note.write_bytes(note.read_bytes()[:20])


def halve(cache: Path) -> None:
    for path in kept(cache):
        path.write_bytes(path.read_bytes()[:100])


def flip(cache: Path) -> None:
    for path in kept(cache):
        data = bytearray(path.read_bytes())
        data[len(data) // 2] ^= 0xFF
        path.write_bytes(data)


@pytest.mark.parametrize("spoil", [spoil_note, halve, flip])
def test_what_was_altered_in_the_cache_is_fetched_anew(
    index: IndexServer, wheel: Path, tmp_path: Path, spoil: Callable[[Path], None]
) -> None:
    stored(index, tmp_path / "cache")
    spoil(tmp_path / "cache")
    events: list[Event] = []
    with supplied(index, tmp_path / "cache", events) as supply:
        job = gather(Options(requirements=("app",), python=("3.12",)), Http(), datetime(2026, 1, 1, tzinfo=UTC))
        fetch(job, tmp_path / "house", supply)
    assert sha256_of(tmp_path / "house" / wheel.name) == sha256_of(wheel)
    assert [sha256_of(path) for path in kept(tmp_path / "cache")] == [sha256_of(wheel)]
    told = [event.sentence for event in events if isinstance(event, Warned)]
    assert told == (
        [f"the cache's copy of {wheel.name} was altered; the file is downloaded again"] if spoil is flip else []
    )


def test_many_runs_share_one_cache_and_fetch_each_file_once(index: IndexServer, wheel: Path, tmp_path: Path) -> None:
    index.faults.append(Fault(FILE, "delay", seconds=0.2))
    with ThreadPoolExecutor(6) as pool:
        found = list(pool.map(lambda _: stored(index, tmp_path / "cache"), range(6)))
    assert {result.sha256 for result in found} == {sha256_of(wheel)}
    assert sum(result.fresh for result in found) == 1
    assert len(files_asked(index)) == 1


# Letting go


def test_closing_lets_go_of_who_reads_a_trickle(index: IndexServer, tmp_path: Path) -> None:
    index.faults.append(Fault(FILE, "trickle", times=None, rate=2000))
    with supplied(index, tmp_path / "cache") as supply:
        future = supply.artifacts.get(the_candidate(supply))
        while not files_asked(index):
            time.sleep(0.01)
        time.sleep(0.1)
        began = time.monotonic()
        supply.close()
    with pytest.raises((WheelhouseError, CancelledError)):
        future.result(timeout=4)
    assert time.monotonic() - began < 4


# A file replaced under its name


def test_other_bytes_under_a_locked_name_stop_an_upgrade(index: IndexServer, wheel: Path, tmp_path: Path) -> None:
    def run(*, upgrade: bool) -> None:
        options = Options(requirements=("app",), python=("3.12",), upgrade=upgrade)
        with supplied(index, tmp_path / "cache") as supply:
            fetch(gather(options, Http(), datetime(2026, 1, 1, tzinfo=UTC)), tmp_path / "wheels", supply)

    run(upgrade=False)
    before = sha256_of(tmp_path / "wheels" / wheel.name)
    index.add(build_wheel(tmp_path / "swapped", "app", "1.0", files={"app/data.bin": b"other"}))
    run(upgrade=False)
    with pytest.raises(IntegrityError, match=rf"on the index, but {before} in the lock file"):
        run(upgrade=True)
    assert sha256_of(tmp_path / "wheels" / wheel.name) == before
