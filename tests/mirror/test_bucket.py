"""An index in a bucket: pages that installers read, several runs at once that lose nothing, decisions as on disk."""

import itertools
import json
import random
from collections import defaultdict
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from packaging.utils import NormalizedName

from tests.support.made_wheelhouses import wheelhouse_of
from tests.support.wheels import build_sdist, build_wheel
from wheelhouse.cli.entry import run
from wheelhouse.errors import InputError, IntegrityError
from wheelhouse.events import Event, Warned
from wheelhouse.files import object_store
from wheelhouse.files.object_store import LostError, ObjectStore, StoreError
from wheelhouse.mirror.bucket import Bucket, decide_in_bucket
from wheelhouse.mirror.index_bucket import index_bucket
from wheelhouse.mirror.prune_bucket import prune_bucket
from wheelhouse.mirror.simple import parse_project_page, project_html
from wheelhouse.mirror.state import Action, Entry
from wheelhouse.mirror.static_index import IndexChoices, index
from wheelhouse.mirror.verify_bucket import verify_bucket
from wheelhouse.report.sentences import hint_of

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
CHOICES = IndexChoices("Ada", NOW)
LIB, APP = NormalizedName("lib"), NormalizedName("app")


@pytest.fixture
def bucket(monkeypatch: pytest.MonkeyPatch) -> Bucket:
    """A bucket in memory, which takes no keys that end in `/`. It compares versions as S3 does."""
    from obstore.store import MemoryStore

    kept = MemoryStore()
    monkeypatch.setattr(object_store, "_opened", lambda *_, **__: kept)
    monkeypatch.setattr(object_store, "_opened_folder", lambda *_, **__: MemoryStore())
    return Bucket(ObjectStore("s3://bucket/simple"))


def made(folder: Path, *releases: str) -> Path:
    folder.mkdir(parents=True)
    for release in releases:
        build_wheel(folder, *release.split("=="))
    return wheelhouse_of(folder)


@pytest.fixture(scope="module")
def houses(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """Two wheelhouses: `app` and `lib` 1.0, with an sdist; `lib` 2.0."""
    base = tmp_path_factory.mktemp("houses")
    (base / "one").mkdir()
    build_sdist(base / "one", "tool", "3.0")
    build_wheel(base / "one", "app", "1.0")
    build_wheel(base / "one", "lib", "1.0")
    return wheelhouse_of(base / "one"), made(base / "two", "lib==2.0")


def keys(bucket: Bucket) -> set[str]:
    return {item.key for item in bucket.store.listed()}


def text(bucket: Bucket, key: str) -> str:
    found = bucket.store.read(key, 1 << 20)
    assert found
    return found.content.decode()


def entry(action: Action, subject: str, reason: str = "why") -> Entry:
    return Entry(action=action, made=NOW, by="Ada", subject=subject, reason=reason)


def names(bucket: Bucket) -> list[str]:
    return sorted(bucket.page(LIB).files)


def test_a_bucket_has_the_pages_and_files_of_a_folder(
    bucket: Bucket, houses: tuple[Path, Path], tmp_path: Path
) -> None:
    done = index_bucket(houses, bucket, CHOICES)
    assert (done.projects, len(done.added), done.unchanged) == (3, 4, 0)
    index(houses, tmp_path / "tree", CHOICES)
    on_disk = {path.relative_to(tmp_path / "tree").as_posix(): path for path in (tmp_path / "tree").rglob("*.*")}
    own = {key for key in keys(bucket) if not key.startswith(".")}
    assert own == {key for key in on_disk if not key.startswith(".")}
    same = {key for key in own if not key.endswith("browse.html")}  # these say on disk which wheelhouses name a file
    assert all(bucket.store.read(key, 1 << 20).content == on_disk[key].read_bytes() for key in same)  # type: ignore[union-attr]


def test_a_bucket_has_pages_for_people_that_follow_its_decisions(bucket: Bucket, houses: tuple[Path, Path]) -> None:
    index_bucket(houses, bucket, CHOICES)
    assert "lib-2.0-py3-none-any.whl" in text(bucket, "lib/browse.html")
    assert all(f'href="{project}/browse.html"' in text(bucket, "browse.html") for project in ("app", "lib", "tool"))
    decide_in_bucket(bucket, [entry(Action.REMOVE, "lib==2.0", "CVE-2026-1"), entry(Action.YANK, "app==1.0", "slow")])
    assert "lib-2.0" not in text(bucket, "lib/browse.html") and "CVE-2026-1" in text(bucket, "lib/browse.html")
    assert "slow" in text(bucket, "app/browse.html") and "removed" in text(bucket, "browse.html")
    assert verify_bucket(bucket).findings == ()


def test_a_second_run_puts_nothing(bucket: Bucket, houses: tuple[Path, Path], monkeypatch: pytest.MonkeyPatch) -> None:
    index_bucket(houses, bucket, CHOICES)
    monkeypatch.setattr(Bucket, "must_compare", lambda _: None)
    writes: list[str] = []
    for name in ("put", "create", "replace"):
        monkeypatch.setattr(ObjectStore, name, lambda _self, key, *_: writes.append(key))
    done = index_bucket(houses, bucket, CHOICES)
    assert (done.added, done.unchanged) == ((), 4)
    assert [key for key in writes if "probe" not in key] == []


def test_installers_are_warned_of_if_the_store_keeps_nothing_under_the_key_of_a_folder(
    bucket: Bucket, houses: tuple[Path, Path]
) -> None:
    events: list[Event] = []
    bucket.store.name = "gs://bucket/simple"
    index_bucket(houses[:1], bucket, CHOICES, events.append)
    (warning,) = [event.sentence for event in events if isinstance(event, Warned)]
    assert "installers ask for addresses that end in `/`" in warning


@pytest.mark.parametrize("rounds", [2, pytest.param(200, marks=pytest.mark.servers)])
def test_runs_at_once_lose_nothing(bucket: Bucket, tmp_path: Path, rounds: int) -> None:
    """Eight runs, each with releases of its own of the same projects, again and again."""
    wheelhouses = [
        made(tmp_path / str(number), f"lib=={number}.0", f"app=={number}.0", f"p{number}==1") for number in range(8)
    ]
    for _ in range(rounds):
        for item in list(bucket.store.listed()):
            bucket.store.remove(item.key)
        random.shuffle(wheelhouses)
        with ThreadPoolExecutor(8) as pool:
            list(pool.map(lambda folder: index_bucket([folder], bucket, CHOICES), wheelhouses))
        for project in (LIB, APP):
            page = parse_project_page(text(bucket, f"{project}/index.json"))
            assert len(page.files) == 8
            assert text(bucket, f"{project}/index.html") == project_html(project, page)
        assert [name for name in bucket.projects() if name.startswith("p")] == [f"p{number}" for number in range(8)]
        assert text(bucket, "index.html").count("<a ") == 10
        assert text(bucket, "browse.html").count("data-name=") == 10
        assert len(bucket.journal()) == 8


def test_a_removal_beside_an_index_run_stays_removed(bucket: Bucket, houses: tuple[Path, Path]) -> None:
    """Whichever of the two comes first: at the end no page names the release, and no file of it is there."""
    for _ in range(5):
        for item in list(bucket.store.listed()):
            bucket.store.remove(item.key)
        index_bucket(houses[:1], bucket, CHOICES)
        with ThreadPoolExecutor(2) as pool:
            other = pool.submit(index_bucket, houses, bucket, CHOICES)
            decide_in_bucket(bucket, [entry(Action.REMOVE, "lib==1.0"), entry(Action.BLOCK, "lib<3")])
            other.result()
        assert names(bucket) == []
        assert not [key for key in keys(bucket) if key.startswith("lib/") and ".whl" in key]


def test_decisions_count_as_on_disk(bucket: Bucket, houses: tuple[Path, Path]) -> None:
    index_bucket(houses, bucket, CHOICES)
    assert decide_in_bucket(bucket, [entry(Action.YANK, "lib==1.0", "loses data")]).removed == ()
    assert bucket.page(LIB).files["lib-1.0-py3-none-any.whl"].yanked_here == "loses data"
    assert 'data-yanked="loses data"' in text(bucket, "lib/index.html")
    removed = decide_in_bucket(bucket, [entry(Action.REMOVE, "Lib==2.0", "CVE-2026-1")])
    assert removed.removed == ("lib-2.0-py3-none-any.whl",) and names(bucket) == ["lib-1.0-py3-none-any.whl"]
    assert not [key for key in keys(bucket) if "lib-2.0" in key]
    assert not decide_in_bucket(bucket, [entry(Action.REMOVE, "lib==2.0", "CVE-2026-1")]).is_new
    events: list[Event] = []
    index_bucket(houses, bucket, CHOICES, events.append)
    assert names(bucket) == ["lib-1.0-py3-none-any.whl"]
    assert any(isinstance(event, Warned) and "stays out of the index" in event.sentence for event in events)
    decide_in_bucket(bucket, [entry(Action.RESTORE, "lib==2.0"), entry(Action.UNYANK, "lib==1.0")])
    index_bucket(houses, bucket, CHOICES)
    assert len(names(bucket)) == 2 and "data-yanked" not in text(bucket, "lib/index.html")
    decide_in_bucket(bucket, [entry(Action.BLOCK, "l*")])
    assert names(bucket) == []
    with pytest.raises(InputError, match="does not have `app==9`"):
        decide_in_bucket(bucket, [entry(Action.REMOVE, "app==9")])


FAULTS: dict[str, tuple[str, bytes | None, set[tuple[str, str]]]] = {
    "file altered": ("lib/lib-2.0-py3-none-any.whl", b"", {("lib/lib-2.0-py3-none-any.whl", "altered")}),
    "file gone": ("lib/lib-2.0-py3-none-any.whl", None, {("lib/lib-2.0-py3-none-any.whl", "missing")}),
    "metadata altered": (
        "lib/lib-2.0-py3-none-any.whl.metadata",
        b"other",
        {("lib/lib-2.0-py3-none-any.whl", "altered")},
    ),
    "page for pip altered": ("lib/index.html", b"other", {("lib/index.html", "altered")}),
    "page for pip under the key of its folder altered": ("lib/", b"other", {("lib/", "altered")}),
    "page is no page": ("lib/index.json", b"{}", {("lib/index.json", "altered")}),
    "page for people altered": ("lib/browse.html", b"other", {("lib/browse.html", "altered")}),
    "list for people altered": ("browse.html", b"other", {("browse.html", "altered")}),
    "a bucket of an earlier release": ("browse.html", None, set()),
    "a file that no page names": ("lib/lib-9.0-py3-none-any.whl", b"", {("lib/lib-9.0-py3-none-any.whl", "foreign")}),
    "list of projects gone": ("index.html", None, {("index.html", "missing")}),
    "nothing": (".wheelhouse/other", b"", set()),
}


@pytest.mark.parametrize("name", FAULTS)
def test_a_bucket_is_verified(bucket: Bucket, houses: tuple[Path, Path], name: str) -> None:
    index_bucket(houses, bucket, CHOICES)
    key, content, expected = FAULTS[name]
    if content is None:
        bucket.store.remove(key)
    else:
        bucket.store.put(key, content)
    verdict = verify_bucket(bucket)
    assert {(finding.subject, finding.rule) for finding in verdict.findings} == expected
    assert verdict.files == (2 if name == "page is no page" else 4)


@pytest.mark.parametrize("key", ["", "logs/x.txt", "logs/index.html", ".wheelhouse/other"])
def test_a_bucket_without_an_index_cannot_be_verified(bucket: Bucket, key: str) -> None:
    if key:
        bucket.store.put(key, b"")
    with pytest.raises(InputError, match="has no index"):
        verify_bucket(bucket)


def test_the_list_for_people_is_checked_beside_a_folder_of_another_program(
    bucket: Bucket, houses: tuple[Path, Path]
) -> None:
    index_bucket(houses, bucket, CHOICES)
    bucket.store.put("logs/x.txt", b"")
    assert verify_bucket(bucket).findings == ()
    bucket.store.put("browse.html", b"other")
    assert [finding.subject for finding in verify_bucket(bucket).findings] == ["browse.html"]


def test_a_file_in_a_folder_without_a_page_is_found(bucket: Bucket, houses: tuple[Path, Path]) -> None:
    index_bucket(houses, bucket, CHOICES)
    bucket.store.put("new/new-1.0-py3-none-any.whl", b"")
    (finding,) = verify_bucket(bucket).findings
    assert (finding.subject, finding.rule) == ("new/new-1.0-py3-none-any.whl", "foreign")


PRUNE = Entry(action=Action.PRUNE, made=NOW, by="Ada")


def test_what_no_lock_file_names_is_pruned_as_on_disk(
    bucket: Bucket, houses: tuple[Path, Path], tmp_path: Path
) -> None:
    index_bucket(houses, bucket, CHOICES)
    before = keys(bucket)
    gone = ("lib-2.0-py3-none-any.whl",)
    assert prune_bucket(bucket, [houses[0]], PRUNE, dry_run=True).removed == gone
    assert keys(bucket) == before and len(bucket.journal()) == 1
    bucket.store.put("lib/lib-3.0-py3-none-any.whl", b"another run puts it at this moment")
    assert prune_bucket(bucket, [houses[0]], PRUNE, dry_run=False).removed == gone
    assert not [key for key in keys(bucket) if "lib-2.0" in key] and "lib/lib-3.0-py3-none-any.whl" in keys(bucket)
    assert names(bucket) == ["lib-1.0-py3-none-any.whl"] and "lib-2.0" not in text(bucket, "lib/index.html")
    assert bucket.journal()[-1].files == gone
    assert not prune_bucket(bucket, [houses[0]], PRUNE, dry_run=False).is_new
    with pytest.raises(InputError, match="list no file of the index"):
        prune_bucket(bucket, [made(tmp_path / "other", "other==1")], PRUNE, dry_run=False)
    index_bucket(houses, bucket, CHOICES)
    assert len(names(bucket)) == 2, "what was pruned may come again"


@pytest.mark.parametrize("at", ["row is back before the files go", "row is back after they went"])
def test_no_page_names_a_file_that_was_pruned_beside_an_index_run(
    bucket: Bucket, houses: tuple[Path, Path], monkeypatch: pytest.MonkeyPatch, at: str
) -> None:
    """The index run has read the page before the other run prunes, and writes it during that, or afterwards."""
    index_bucket(houses, bucket, CHOICES)
    real = Bucket.change_page
    remove = Bucket.remove_file

    def prune_first(self: Bucket, project: NormalizedName, change: Any) -> Any:
        monkeypatch.setattr(Bucket, "change_page", real)
        if project == LIB and at == "row is back after they went":
            prune_bucket(bucket, [houses[0]], PRUNE, dry_run=False)
        return real(self, project, change)

    def index_first(self: Bucket, project: NormalizedName, filename: str) -> None:
        monkeypatch.setattr(Bucket, "remove_file", remove)
        index_bucket([houses[1]], bucket, CHOICES)
        remove(self, project, filename)

    if at == "row is back before the files go":
        monkeypatch.setattr(Bucket, "remove_file", index_first)
        prune_bucket(bucket, [houses[0]], PRUNE, dry_run=False)
        assert names(bucket) == ["lib-1.0-py3-none-any.whl"]
    else:
        monkeypatch.setattr(Bucket, "change_page", prune_first)
        index_bucket([houses[1]], bucket, CHOICES)
        assert len(names(bucket)) == 2
    assert {f"lib/{name}" for name in names(bucket)} <= keys(bucket)


def test_files_that_were_uploaded_too_late_bring_no_page(bucket: Bucket, houses: tuple[Path, Path]) -> None:
    done = index_bucket(houses, bucket, replace(CHOICES, prior_to=NOW))
    assert done.projects == 0 and done.added == () and bucket.projects() == []


def test_a_name_with_other_bytes_ends_the_run(bucket: Bucket, houses: tuple[Path, Path], tmp_path: Path) -> None:
    index_bucket(houses, bucket, CHOICES)
    (tmp_path / "other").mkdir()
    build_wheel(tmp_path / "other", "lib", "1.0", files={"lib.py": b"another"})
    with pytest.raises(IntegrityError, match=r"the index has `lib-1.0-py3-none-any.whl` with sha256"):
        index_bucket([wheelhouse_of(tmp_path / "other")], bucket, CHOICES)


def test_a_file_that_no_page_names_is_used_only_if_it_is_the_same(bucket: Bucket, houses: tuple[Path, Path]) -> None:
    name = "lib-1.0-py3-none-any.whl"
    bucket.store.put(f"lib/{name}", b"another")
    with pytest.raises(IntegrityError, match="differs from the file that this run adds"):
        index_bucket(houses, bucket, CHOICES)
    bucket.store.put(f"lib/{name}", (houses[0] / name).read_bytes())
    index_bucket(houses, bucket, CHOICES)
    assert name in names(bucket)


def test_a_file_that_the_bucket_lost_is_put_again_where_files_are_checked(
    bucket: Bucket, houses: tuple[Path, Path]
) -> None:
    index_bucket(houses, bucket, CHOICES)
    bucket.store.remove("lib/lib-1.0-py3-none-any.whl")
    assert index_bucket(houses, bucket, CHOICES).repaired == ()
    assert index_bucket(houses, bucket, replace(CHOICES, check=True)).repaired == ("lib-1.0-py3-none-any.whl",)
    assert "lib/lib-1.0-py3-none-any.whl" in keys(bucket)


@pytest.mark.parametrize("content", [None, b"", b"other"])
def test_metadata_that_the_bucket_lost_are_put_again_where_files_are_checked(
    bucket: Bucket, houses: tuple[Path, Path], content: bytes | None
) -> None:
    index_bucket(houses, bucket, CHOICES)
    name, sidecar = "lib-1.0-py3-none-any.whl", "lib/lib-1.0-py3-none-any.whl.metadata"
    if content is None:
        bucket.store.remove(sidecar)
    else:
        bucket.store.put(sidecar, content)
    assert index_bucket(houses, bucket, CHOICES).repaired == ()
    done = index_bucket(houses, bucket, replace(CHOICES, check=True))
    assert (done.added, done.repaired, done.unchanged) == ((), (name,), 3)
    assert verify_bucket(bucket).findings == ()


def test_what_verify_says_of_altered_bytes_repairs_a_bucket(bucket: Bucket, houses: tuple[Path, Path]) -> None:
    """No run compares the bytes of an object whose size is right, so the object must be removed first."""
    index_bucket(houses, bucket, CHOICES)
    key = "lib/lib-1.0-py3-none-any.whl"
    size = bucket.store.size_of(key)
    assert size
    bucket.store.put(key, bytes(size))
    (finding,) = verify_bucket(bucket).findings
    assert (finding.subject, finding.rule) == (key, "altered")
    assert hint_of(finding).startswith("remove it, then run `wheelhouse index --check`")
    bucket.store.remove(finding.subject)
    index_bucket(houses, bucket, replace(CHOICES, check=True))
    assert verify_bucket(bucket).findings == ()


def test_a_page_of_another_program_is_not_replaced(bucket: Bucket, houses: tuple[Path, Path]) -> None:
    bucket.store.put("lib/index.json", b"{}")
    with pytest.raises(IntegrityError, match=r"`lib/index.json` is not a page that wheelhouse wrote"):
        index_bucket(houses, bucket, CHOICES)
    assert text(bucket, "lib/index.json") == "{}"


@pytest.mark.parametrize("name", ["create", "replace"])
def test_a_write_of_which_the_answer_was_lost_is_looked_at_again(
    bucket: Bucket, houses: tuple[Path, Path], monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    """Each write is carried out, and of every second one to an object the answer is lost."""
    real, calls = getattr(ObjectStore, name), defaultdict[str, "itertools.count[int]"](itertools.count)

    def lost(*given: Any) -> Any:
        done = real(*given)
        if next(calls[given[1]]) % 2 == 0 and "probe-" not in given[1]:
            raise LostError("lost")
        return done

    monkeypatch.setattr(ObjectStore, name, lost)
    for folder in houses:
        index_bucket([folder], bucket, CHOICES)
    assert len(names(bucket)) == 2 and len(bucket.journal()) == 2
    assert verify_bucket(bucket).findings == ()


@pytest.mark.parametrize(("losses", "expected"), [(1, True), (2, False)])
@pytest.mark.parametrize("name", ["create", "read"])
def test_whether_a_store_has_keys_of_folders_is_tried_again_after_a_lost_answer(
    bucket: Bucket, monkeypatch: pytest.MonkeyPatch, name: str, losses: int, expected: bool
) -> None:
    real, calls = getattr(ObjectStore, name), itertools.count()

    def lost(*given: Any) -> Any:
        if next(calls) < losses:
            raise LostError("lost")
        return real(*given)

    monkeypatch.setattr(ObjectStore, name, lost)
    assert bucket.has_folder_keys is expected
    assert keys(bucket) == set()


IGNORING: dict[str, Callable[[ObjectStore, str, bytes], Any]] = {
    "create": lambda store, key, content: store.put(key, content) or True,
    "replace": lambda store, key, content: store.put(key, content),
}


@pytest.mark.parametrize("name", IGNORING)
def test_a_store_that_ignores_conditions_is_refused(
    bucket: Bucket, houses: tuple[Path, Path], monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    monkeypatch.setattr(ObjectStore, name, lambda self, key, content, *_: IGNORING[name](self, key, content))
    with pytest.raises(StoreError, match="ignores conditional writes"):
        index_bucket(houses, bucket, CHOICES)
    assert keys(bucket) == set()


def test_the_commands_take_the_address_of_a_bucket(
    bucket: Bucket, houses: tuple[Path, Path], capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    folders, url = [str(folder) for folder in houses], "s3://bucket/simple"
    assert run(["index", *folders, "-o", url, "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["tree"] == url
    assert run(["mirror", "yank", url, "lib==1.0", "--reason", "why"]) == 0
    assert run(["mirror", "show", url, "lib", "--json"]) == 0
    assert "why" in capsys.readouterr().out
    assert run(["mirror", "verify", url, "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["files"] == 4
    assert run(["mirror", "prune", url, "--keep", folders[0], "--dry-run"]) == 0
    assert "lib-2.0-py3-none-any.whl" in capsys.readouterr().out
    assert run(["index", *folders, "-o", url, "--link"]) == 2
    assert run(["index", *folders, "-o", (tmp_path / "tree").as_uri()]) == 2
    assert "name the folder by its path" in capsys.readouterr().err


@pytest.mark.parametrize("key", [".wheelhouse/journal.jsonl", "lib/index.json", "index.json"])
def test_an_object_that_is_too_large_does_not_count_as_missing(
    bucket: Bucket, houses: tuple[Path, Path], monkeypatch: pytest.MonkeyPatch, key: str
) -> None:
    index_bucket(houses, bucket, CHOICES)
    bucket.store.put(key, b" " * 200_000)
    monkeypatch.setattr("wheelhouse.mirror.bucket.MAX_PAGE_BYTES", 100_000)
    monkeypatch.setattr("wheelhouse.mirror.bucket.MAX_SWAPS", 2)
    for use in (
        lambda: index_bucket(houses, bucket, CHOICES),
        lambda: decide_in_bucket(bucket, [entry(Action.REMOVE, "lib==1.0")]),
    ):
        with pytest.raises(IntegrityError, match=f"`{key}` in s3://bucket/simple is too large: 200.0 kB"):
            use()


def test_a_page_that_is_not_there_costs_one_request(bucket: Bucket, monkeypatch: pytest.MonkeyPatch) -> None:
    import obstore

    requests: list[str] = []

    def counted(name: str) -> Callable[..., Any]:
        request = getattr(obstore, name)

        def work(*arguments: Any) -> Any:
            requests.append(name)
            return request(*arguments)

        return work

    for name in ("get", "head"):
        monkeypatch.setattr(obstore, name, counted(name))
    assert not bucket.page(LIB).files
    assert requests == ["get"]


def test_a_page_or_a_journal_that_is_no_text_is_refused(bucket: Bucket, houses: tuple[Path, Path]) -> None:
    index_bucket(houses, bucket, CHOICES)
    page = text(bucket, "lib/index.json").encode()
    bucket.store.put("lib/index.json", b"\xff")
    with pytest.raises(IntegrityError, match=r"`lib/index.json` is not a page that wheelhouse wrote"):
        index_bucket(houses, bucket, CHOICES)
    bucket.store.put("lib/index.json", page)
    bucket.store.put(".wheelhouse/journal.jsonl", b"\xff")
    with pytest.raises(InputError, match=r"`.wheelhouse/journal.jsonl` is not UTF-8 text"):
        index_bucket(houses, bucket, CHOICES)


def test_lists_and_html_pages_that_are_no_text_are_written_again(bucket: Bucket, houses: tuple[Path, Path]) -> None:
    index_bucket(houses, bucket, CHOICES)
    pages = ("index.json", "index.html", "browse.html", "lib/index.html", "lib/browse.html")
    before = {key: text(bucket, key) for key in pages}
    for key in pages:
        bucket.store.put(key, b"\xff")
    assert bucket.projects() == []
    index_bucket(houses, bucket, CHOICES)
    assert {key: text(bucket, key) for key in pages} == before


def test_a_store_that_refuses_keys_of_folders_has_none(bucket: Bucket, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> None:
        raise StoreError("refused")

    monkeypatch.setattr(ObjectStore, "create", refuse)
    monkeypatch.setattr(ObjectStore, "remove", refuse)
    assert bucket.has_folder_keys is False
