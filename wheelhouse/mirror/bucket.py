"""A static package index in a bucket: the same pages and files as in a folder, which pip and uv read from the bucket itself.

Nothing locks a bucket, so each page is replaced by compare-and-swap of its version. A run reads a page first and what decides it
afterwards (the journal for a project's JSON page, that page for its HTML). A run that loses the race reads both again, so the last
page follows from all earlier decisions. A file is put before a page names it, and is removed after no page names it.
"""

import hashlib
import random
import secrets
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from fnmatch import fnmatchcase
from functools import cached_property

from packaging.utils import NormalizedName, canonicalize_name

from wheelhouse.archive.filenames import ARCHIVE_SUFFIXES
from wheelhouse.documents import parse_json
from wheelhouse.errors import InputError, IntegrityError
from wheelhouse.files.object_store import (
    ChangedError,
    LostError,
    ObjectStore,
    StoredObject,
    StoreError,
    TooLargeError,
    repeated,
)
from wheelhouse.humanize import size_text
from wheelhouse.index.provenance import SUFFIX as PROVENANCE
from wheelhouse.mirror.browse import Browsed, project_browse, root_browse
from wheelhouse.mirror.keep import Kept, checked_decision, counts_already
from wheelhouse.mirror.offered_files import SIDECAR, OpenedFile
from wheelhouse.mirror.simple import (
    JSON_TYPE,
    PAGE_BROWSE,
    PAGE_HTML,
    PAGE_JSON,
    Offered,
    ProjectPage,
    parse_project_page,
    project_html,
    project_json,
    root_html,
    root_json,
)
from wheelhouse.mirror.state import (
    JOURNAL_HINT,
    Action,
    Entry,
    Pattern,
    State,
    applied,
    journal_text,
    parse_journal,
    state_of,
)
from wheelhouse.mirror.tree import JOURNAL, KEEPER_FOLDER
from wheelhouse.mirror.write_tree import is_kept_out

THREADS = 8
MAX_PAGE_BYTES = 64 << 20
MAX_SWAPS = 200
"""How often a page is read again that other runs change at the same time."""
MAX_PAUSE_SECONDS = 0.5
TEXT_HTML, FILE_TYPE, TEXT_TYPE = "text/html; charset=utf-8", "application/octet-stream", "text/plain; charset=utf-8"
IGNORES = "ignores conditional writes: if two runs write at the same time, the pages of one run are lost"
IGNORES_HINT = "use a store with conditional writes (S3 itself, SeaweedFS, MinIO); or write the index into a folder, and copy this folder"


class Bucket:
    """An index in a store. Many threads and many machines may use one at the same time. All methods raise StoreError if the
    store fails, if they do not say otherwise.
    """

    def __init__(self, store: ObjectStore) -> None:
        self.store = store

    def must_compare(self) -> None:
        """Raise StoreError if the store ignores conditional writes. It tries them with an object of its own, which it removes."""
        repeated(self._try_conditions)

    def _try_conditions(self) -> None:
        """Create and replace an object against its conditions, then remove it. Raises StoreError if the store ignores a condition."""
        key = f"{KEEPER_FOLDER}/probe-{secrets.token_hex(8)}"
        try:
            is_new, is_again = self.store.create(key, b"one"), self.store.create(key, b"two")
            first = self.store.read(key, MAX_PAGE_BYTES)
            if not is_new or is_again or first is None or first.content != b"one":
                raise StoreError(f"the store {self.store.name} {IGNORES}", hint=IGNORES_HINT)
            self.store.replace(key, b"three", first.version, FILE_TYPE)
            try:
                self.store.replace(key, b"four", first.version, FILE_TYPE)
            except ChangedError:
                return
            raise StoreError(f"the store {self.store.name} {IGNORES}", hint=IGNORES_HINT)
        finally:
            self.store.remove(key)

    @cached_property
    def has_folder_keys(self) -> bool:
        """Whether the store keeps objects under keys that end in `/`, which is what installers request; False if it fails.

        Tried once, and once more after a lost answer, with an object that is removed again.
        """
        try:
            return self.store.takes_folder_keys and repeated(self._try_folder_key)
        except StoreError:
            return False

    def _try_folder_key(self) -> bool:
        """Whether an object under a key that ends in `/` can be read again; it is removed afterwards. Raises StoreError."""
        key = f"{KEEPER_FOLDER}/probe-{secrets.token_hex(8)}/"
        try:
            self.store.create(key, b"body", TEXT_HTML)
            found = self.store.read(key, MAX_PAGE_BYTES)
            return found is not None and found.content == b"body"
        finally:
            with suppress(StoreError):
                self.store.remove(key)

    def journal(self) -> tuple[Entry, ...]:
        """The entries of the journal, the oldest first; empty if there is none.

        Raises InputError if it cannot be read, IntegrityError if it is longer than MAX_PAGE_BYTES.
        """
        return _entries(self._content(JOURNAL))

    def page(self, project: NormalizedName) -> ProjectPage:
        """A project's page; an empty one if there is none. Raises IntegrityError if it cannot be read as a page."""
        return _parsed(self._content(f"{project}/{PAGE_JSON}"), project)

    def pages(self) -> dict[NormalizedName, ProjectPage]:
        """The page of every project that the list of projects names; an empty one if it has none. Raises IntegrityError as
        `page`.
        """
        projects = self.projects()
        with ThreadPoolExecutor(THREADS) as pool:
            return dict(zip(projects, pool.map(self.page, projects), strict=True))

    def projects(self) -> list[NormalizedName]:
        """The projects that the list of projects names, sorted; empty if there is no list, or if it cannot be read.

        Raises IntegrityError if it is longer than MAX_PAGE_BYTES.
        """
        return _listed(self._content(PAGE_JSON))

    def add_to_journal(self, new: Callable[[Sequence[Entry]], Sequence[Entry]]) -> tuple[Entry, ...]:
        """Append what `new` makes of the journal, and return these entries. `new` is called again if another run changed the
        journal.

        Raises InputError and IntegrityError as `journal`, StoreError if other runs change it again and again.
        """
        appended: Sequence[Entry] = ()

        def change(raw: bytes | None) -> str:
            """The journal with the new entries; unchanged if an earlier try of this call appended them."""
            nonlocal appended
            entries = _entries(raw)
            if raw and appended and all(entry in entries for entry in appended):
                return raw.decode()  # the last write was carried out, and its answer lost
            appended = new(entries)
            return journal_text((*entries, *appended))

        self._swap(JOURNAL, change, TEXT_TYPE)
        return tuple(appended)

    def change_page(self, project: NormalizedName, change: Callable[[ProjectPage], ProjectPage]) -> ProjectPage:
        """Replace a project's page by `change` of it, to which the decisions of the journal are then applied; return the new
        page.

        The HTML page and the page for people are written, too. `change` is called again if another run changed the page.
        Raises IntegrityError as `page`, InputError as `journal`, StoreError if other runs change it again and again.
        """

        def changed(raw: bytes | None) -> str:
            """The JSON page after `change` and the decisions of the journal, which is read now."""
            page = change(_parsed(raw, project))
            return project_json(project, applied(state_of(self.journal()), project, page))

        content = self._swap(f"{project}/{PAGE_JSON}", changed, JSON_TYPE)
        self._write_html(f"{project}/", lambda: project_html(project, self.page(project)))
        self._swap(
            f"{project}/{PAGE_BROWSE}",
            lambda _: project_browse(self._browsed({project: self.page(project)}), project),
            TEXT_HTML,
        )
        return _parsed(content, project)

    def list_projects(self, projects: Iterable[NormalizedName]) -> int:
        """Add projects to the list of projects, as JSON and as HTML; return how many it then names. A list that cannot be
        read counts as empty, and is replaced. Raises IntegrityError as `projects`.
        """
        names = set(projects)
        content = self._swap(PAGE_JSON, lambda raw: root_json(names.union(_listed(raw))), JSON_TYPE)
        self._write_html("", lambda: root_html(self.projects()))
        return len(_listed(content))

    def list_for_people(self) -> None:
        """Write the list of projects for people: it is made of every page, so callers write it once, at the end of a run.

        Raises IntegrityError as `projects` and `page`, InputError as `journal`.
        """
        self._swap(PAGE_BROWSE, lambda _: root_browse(self._browsed(self.pages())), TEXT_HTML)

    def _browsed(self, pages: Mapping[NormalizedName, ProjectPage]) -> Browsed:
        """What the pages for people show, by the decisions of the journal, which is read now."""
        return browsed_in_bucket(pages, state_of(self.journal()))

    def place(self, opened: OpenedFile) -> None:
        """Put a file and its sidecars beside its project's page. A file that is there with the same bytes stays.

        Its sidecars are written in any case; one that is there, and that the file no longer has, stays.
        Raises IntegrityError for another file under the name.
        """
        key = f"{opened.project}/{opened.offered.filename}"
        offered, is_new = opened.offered, repeated(lambda: self.store.create(key, opened.path))
        if not is_new and self._sha256_of(key, offered.size) != offered.sha256:
            hint = "find out who put this file there, remove it, then run `wheelhouse index --check` again"
            raise IntegrityError(f"`{key}` in {self.store.name} differs from the file that this run adds", hint=hint)
        for suffix, raw in opened.sidecars.items():
            self.store.put(key + suffix, raw)

    def has_metadata(self, project: NormalizedName, file: Offered) -> bool:
        """Whether the metadata beside a file have the sha256 that its page names; True if the page names none."""
        if file.metadata_sha256 is None:
            return True
        return self._sha256_of(f"{project}/{file.filename}{SIDECAR}", MAX_PAGE_BYTES) == file.metadata_sha256

    def remove_kept_out(self, project: NormalizedName) -> list[str]:
        """Remove those wheels and sdists of a project that the decisions of the journal keep out, and return their names.

        Their sidecars go, too; the page stays as it is. Raises as `journal`.
        """
        state = state_of(self.journal())
        names = [item.key.rpartition("/")[2] for item in self.store.listed(project)]
        gone = [name for name in names if name.endswith(ARCHIVE_SUFFIXES) and is_kept_out(state, project, name)]
        for name in gone:
            self.remove_file(project, name)
        return gone

    def remove_file(self, project: NormalizedName, filename: str) -> None:
        """Remove a file of a project, but first what lies beside it: its metadata and its provenance. What is not there is passed over."""
        for suffix in (SIDECAR, PROVENANCE, ""):
            self.store.remove(f"{project}/{filename}{suffix}")

    def _sha256_of(self, key: str, size: int) -> str | None:
        """The sha256 of an object; None if there is none, or if it is longer than `size` bytes."""
        found = self.store.read(key, size)
        return hashlib.sha256(found.content).hexdigest() if found else None

    def _write_html(self, folder: str, text: Callable[[], str]) -> None:
        """Write an HTML page as index.html of a folder, and, but for the root, under the folder's own key if the store has such keys."""
        keys = [f"{folder}{PAGE_HTML}"]
        if folder and self.has_folder_keys:
            keys.append(folder)
        for key in keys:
            self._swap(key, lambda _: text(), TEXT_HTML)

    def _read(self, key: str) -> StoredObject | None:
        """An object; None if there is none. Raises IntegrityError if it is longer than MAX_PAGE_BYTES."""
        try:
            return self.store.read_within(key, MAX_PAGE_BYTES)
        except TooLargeError as error:
            raise IntegrityError(
                f"{error}, but a page or a journal has at most {size_text(MAX_PAGE_BYTES)}",
                hint="restore this object from a backup",
            ) from error

    def _content(self, key: str) -> bytes | None:
        """The bytes of an object; None if there is none. Raises IntegrityError if it is longer than MAX_PAGE_BYTES."""
        found = self._read(key)
        return found.content if found else None

    def _swap(self, key: str, change: Callable[[bytes | None], str], content_type: str) -> bytes:
        """Replace an object by `change` of its bytes (None if there is no object), and return the new bytes.

        Nothing is written if they stay the same. If another run changed them in between, the object is read and changed again.
        Raises StoreError after MAX_SWAPS times, IntegrityError if the object is longer than MAX_PAGE_BYTES.
        """
        for attempt in range(MAX_SWAPS):
            found = self._read(key)
            content = change(found.content if found else None).encode()
            if found and found.content == content:
                return content
            try:
                if found:
                    self.store.replace(key, content, found.version, content_type)
                    return content
                if self.store.create(key, content, content_type):
                    return content
            except (ChangedError, LostError):  # of a lost request the next round sees whether it was carried out
                pass
            time.sleep(random.uniform(0, min(MAX_PAUSE_SECONDS, 0.01 * 2**attempt)))  # noqa: S311
        raise StoreError(f"other runs change `{key}` in {self.store.name} again and again", hint="try again later")


def browsed_in_bucket(pages: Mapping[NormalizedName, ProjectPage], state: State) -> Browsed:
    """What the pages for people show, after the decisions. A bucket keeps no notes on files, so there are none."""
    return Browsed({project: applied(state, project, page) for project, page in pages.items()}, state, {})


def decide_in_bucket(bucket: Bucket, entries: Sequence[Entry]) -> Kept:
    """Write decisions into the journal of a bucket, change the pages that they are about, and remove files that stay out.

    The result has the names of the removed files, and whether each decision is new: one that counts already is not written again.
    Raises InputError for a decision as `checked_decision`: most must be about what is in the index. Raises StoreError if the
    store ignores the conditions of a write, and as `Bucket.change_page`.
    """
    bucket.must_compare()
    projects = bucket.projects()
    named = {project for entry in entries for project in _projects_of(entry, projects)}
    pages = {project: bucket.page(project) for project in named}
    checked: list[Entry] = []

    def new(journal: Sequence[Entry]) -> Sequence[Entry]:
        """The checked decisions that do not count yet."""
        state = state_of(journal)
        checked[:] = [checked_decision(entry, pages, state) for entry in entries]
        return [entry for entry in checked if not counts_already(entry, state)]

    appended = bucket.add_to_journal(new)
    removed: list[str] = []
    for project in sorted(named):
        bucket.change_page(project, lambda page: page)
        removed += bucket.remove_kept_out(project)
    bucket.list_for_people()
    return Kept(tuple(sorted(removed)), tuple(entry in appended for entry in checked))


def _projects_of(entry: Entry, projects: Iterable[NormalizedName]) -> list[NormalizedName]:
    """The projects that a decision is about: of a block or its end, those that its glob covers; else the named one.

    The named one need not be there. Raises InputError for a block, or its end, whose subject is no pattern.
    """
    if entry.action in (Action.BLOCK, Action.UNBLOCK):
        glob = Pattern.of(entry.subject).glob
        return [project for project in projects if fnmatchcase(project, glob)]
    return [canonicalize_name(entry.subject.partition("==")[0].strip())]


def _entries(raw: bytes | None) -> tuple[Entry, ...]:
    """The entries of a journal, the oldest first; none for None. Raises InputError if it cannot be read."""
    try:
        text = (raw or b"").decode()
    except UnicodeDecodeError as error:
        raise InputError(
            f"`{JOURNAL}` is not UTF-8 text: {error.reason} at byte {error.start}", hint=JOURNAL_HINT
        ) from error
    return parse_journal(text, JOURNAL)


def _parsed(raw: bytes | None, project: NormalizedName) -> ProjectPage:
    """The page that the bytes of a JSON document are; an empty one for None. Raises IntegrityError if it cannot be read as a page."""
    try:
        return parse_project_page(raw.decode()) if raw is not None else ProjectPage()
    except ValueError as error:
        hint = "choose an empty folder of the bucket, or a folder that `wheelhouse index` wrote"
        raise IntegrityError(
            f"`{project}/{PAGE_JSON}` is not a page that wheelhouse wrote: {error}", hint=hint
        ) from error


def _listed(raw: bytes | None) -> list[NormalizedName]:
    """The projects that the JSON document of a list of projects names, spelled as there, and sorted.

    Empty for None, or if it cannot be read.
    """
    try:
        return sorted(NormalizedName(str(row["name"])) for row in parse_json(raw.decode())["projects"]) if raw else []
    except (ValueError, KeyError, TypeError):
        return []
