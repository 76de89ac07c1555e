"""A static package index in a bucket: the same pages and files as in a folder, which pip and uv read from the bucket itself.

Nothing locks a bucket, so each page is replaced by compare-and-swap of its version. A run reads a page first and what decides it
afterwards (the journal for a project's JSON page, that page for its HTML): whoever loses the race reads both again, so the last
page follows from all that was decided before it. Files are there before a page names them, and go after it.
"""

import hashlib
import random
import secrets
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from functools import cached_property
from pathlib import Path

from packaging.utils import NormalizedName, canonicalize_name

from wheelhouse.archive.filenames import ARCHIVE_SUFFIXES
from wheelhouse.documents import parse_json
from wheelhouse.errors import IntegrityError
from wheelhouse.events import Listener, Warned, ignore
from wheelhouse.files.object_store import ChangedError, LostError, ObjectStore, StoreError, repeated
from wheelhouse.index.provenance import SUFFIX as PROVENANCE
from wheelhouse.lock.lock import Pin
from wheelhouse.lock.wheelhouse import Wheelhouse
from wheelhouse.mirror.browse import Browsed, project_browse, root_browse
from wheelhouse.mirror.keep import Kept, checked_decision, counts_already
from wheelhouse.mirror.offered_files import SIDECAR, OpenedFile, offered_as, open_files, pins_by_file, provenance_of
from wheelhouse.mirror.simple import (
    JSON_TYPE,
    PAGE_BROWSE,
    PAGE_HTML,
    PAGE_JSON,
    ProjectPage,
    add,
    parse_project_page,
    project_html,
    project_json,
    root_html,
    root_json,
)
from wheelhouse.mirror.state import Action, Entry, Pattern, State, applied, journal_text, parse_journal, state_of
from wheelhouse.mirror.static_index import IndexChoices, Indexed, may_come, stays_out
from wheelhouse.mirror.tree import JOURNAL, KEEPER_FOLDER
from wheelhouse.mirror.write_tree import is_kept_out
from wheelhouse.verify.verify import load_wheelhouse

THREADS = 8
MAX_PAGE_BYTES = 64 << 20
MAX_SWAPS = 200
"""How often a page is read again that other runs change at the same time."""
MAX_PAUSE_SECONDS = 0.5
TEXT_HTML, FILE_TYPE, TEXT_TYPE = "text/html; charset=utf-8", "application/octet-stream", "text/plain; charset=utf-8"
IGNORES = "ignores conditional writes: of two runs at once one would lose its pages"
IGNORES_HINT = "use a store with conditional writes (S3 itself, SeaweedFS, MinIO), or write a folder and copy it"


@dataclass(slots=True)
class _Source:
    """A wheelhouse to index, and the pins of each project that may come in."""

    folder: Path
    wheelhouse: Wheelhouse
    pins: dict[NormalizedName, list[Pin]] = field(default_factory=dict)


class Bucket:
    """An index in a store. Many threads and many machines may use one at the same time."""

    def __init__(self, store: ObjectStore) -> None:
        self.store = store

    def must_compare(self) -> None:
        """Raise StoreError if the store ignores conditions. It tries them with an object of its own, which it removes."""
        repeated(self._try_conditions)

    def _try_conditions(self) -> None:
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
        """Whether the store keeps objects under keys that end in `/`, which is what installers request."""
        key = f"{KEEPER_FOLDER}/probe-{secrets.token_hex(8)}/"
        if not self.store.takes_folder_keys:
            return False
        try:
            self.store.create(key, b"body", TEXT_HTML)
            found = self.store.read(key, MAX_PAGE_BYTES)
            return found is not None and found.content == b"body"
        except StoreError:
            return False
        finally:
            self.store.remove(key)

    def journal(self) -> tuple[Entry, ...]:
        """The journal; empty if there is none."""
        return parse_journal(self._text(JOURNAL) or "", JOURNAL)

    def page(self, project: NormalizedName) -> ProjectPage:
        """A project's page; an empty one if there is none. Raises IntegrityError for a page of another program."""
        return _parsed(self._text(f"{project}/{PAGE_JSON}"), project)

    def pages(self) -> dict[NormalizedName, ProjectPage]:
        """Every page."""
        projects = self.projects()
        with ThreadPoolExecutor(THREADS) as pool:
            return dict(zip(projects, pool.map(self.page, projects), strict=True))

    def projects(self) -> list[NormalizedName]:
        """The projects that the list of projects names."""
        return _listed(self._text(PAGE_JSON))

    def add_to_journal(self, new: Callable[[Sequence[Entry]], Sequence[Entry]]) -> tuple[Entry, ...]:
        """Append what `new` makes of the journal as it is; the entries that were appended."""
        appended: Sequence[Entry] = ()

        def change(text: str | None) -> str:
            nonlocal appended
            entries = parse_journal(text or "", JOURNAL)
            if text and appended and all(entry in entries for entry in appended):
                return text  # the last write was carried out, and its answer lost
            appended = new(entries)
            return journal_text((*entries, *appended))

        self._swap(JOURNAL, change, TEXT_TYPE)
        return tuple(appended)

    def change_page(self, project: NormalizedName, change: Callable[[ProjectPage], ProjectPage]) -> ProjectPage:
        """Replace a project's page by `change` of it, as the decisions of the journal want it; the new page."""

        def changed(text: str | None) -> str:
            page = change(_parsed(text, project))
            return project_json(project, applied(state_of(self.journal()), project, page))

        text = self._swap(f"{project}/{PAGE_JSON}", changed, JSON_TYPE)
        self._write_html(f"{project}/", lambda: project_html(project, self.page(project)))
        self._swap(
            f"{project}/{PAGE_BROWSE}",
            lambda _: project_browse(self._browsed({project: self.page(project)}), project),
            TEXT_HTML,
        )
        return _parsed(text, project)

    def list_projects(self, projects: Iterable[NormalizedName]) -> int:
        """Add projects to the list of projects; their number then."""
        names = set(projects)
        text = self._swap(PAGE_JSON, lambda text: root_json(names.union(_listed(text))), JSON_TYPE)
        self._write_html("", lambda: root_html(self.projects()))
        return len(_listed(text))

    def list_for_people(self) -> None:
        """Write the list of projects for people: it is made of every page, so it is written once, at the end of a run."""
        self._swap(PAGE_BROWSE, lambda _: root_browse(self._browsed(self.pages())), TEXT_HTML)

    def _browsed(self, pages: Mapping[NormalizedName, ProjectPage]) -> Browsed:
        """What the pages for people show, by the decisions of the journal."""
        return browsed_in_bucket(pages, state_of(self.journal()))

    def place(self, opened: OpenedFile) -> None:
        """Put a file and its sidecars beside its project's page. Raises IntegrityError for another file under the name."""
        key = f"{opened.project}/{opened.offered.filename}"
        offered, is_new = opened.offered, repeated(lambda: self.store.create(key, opened.path))
        if not is_new and self._sha256_of(key, offered.size) != offered.sha256:
            hint = "no page names it: find out who put it there, and remove it"
            raise IntegrityError(f"`{key}` in {self.store.name} is another file under this name", hint=hint)
        for suffix, raw in opened.sidecars.items():
            self.store.put(key + suffix, raw)

    def remove_kept_out(self, project: NormalizedName) -> list[str]:
        """Remove the files of a project that a decision keeps out, with their sidecars; the names of the files."""
        state = state_of(self.journal())
        names = [item.key.rpartition("/")[2] for item in self.store.listed(project)]
        gone = [name for name in names if name.endswith(ARCHIVE_SUFFIXES) and is_kept_out(state, project, name)]
        for name in gone:
            self.remove_file(project, name)
        return gone

    def remove_file(self, project: NormalizedName, filename: str) -> None:
        """Remove a file of a project, its sidecars first."""
        for suffix in (SIDECAR, PROVENANCE, ""):
            self.store.remove(f"{project}/{filename}{suffix}")

    def _sha256_of(self, key: str, size: int) -> str | None:
        found = self.store.read(key, size)
        return hashlib.sha256(found.content).hexdigest() if found else None

    def _write_html(self, folder: str, text: Callable[[], str]) -> None:
        """Write an HTML page under the key of its folder and as index.html."""
        keys = [f"{folder}{PAGE_HTML}"]
        if folder and self.has_folder_keys:
            keys.append(folder)
        for key in keys:
            self._swap(key, lambda _: text(), TEXT_HTML)

    def _text(self, key: str) -> str | None:
        found = self.store.read(key, MAX_PAGE_BYTES)
        return found.content.decode() if found else None

    def _swap(self, key: str, change: Callable[[str | None], str], content_type: str) -> str:
        """Replace an object by `change` of its text, again and again until nobody changed it in between; the new text."""
        for attempt in range(MAX_SWAPS):
            found = self.store.read(key, MAX_PAGE_BYTES)
            text = change(found.content.decode() if found else None)
            content = text.encode()
            if found and found.content == content:
                return text
            try:
                if found:
                    self.store.replace(key, content, found.version, content_type)
                    return text
                if self.store.create(key, content, content_type):
                    return text
            except (ChangedError, LostError):  # of a lost request the next round sees whether it was carried out
                pass
            time.sleep(random.uniform(0, min(MAX_PAUSE_SECONDS, 0.01 * 2**attempt)))  # noqa: S311
        raise StoreError(f"other runs change `{key}` in {self.store.name} all the time", hint="try again later")


def browsed_in_bucket(pages: Mapping[NormalizedName, ProjectPage], state: State) -> Browsed:
    """What the pages for people show. A bucket keeps no notes of the wheelhouses that its files came from."""
    return Browsed({project: applied(state, project, page) for project, page in pages.items()}, state, {})


def index_bucket(
    folders: Iterable[Path], bucket: Bucket, choices: IndexChoices, on_event: Listener = ignore
) -> Indexed:
    """Add wheelhouses to an index in a bucket: files once, then the pages that name them, then the list of projects.

    What the keeper of the index removed or blocked stays out, with a warning. With `choices.check` files that the bucket lacks,
    or has with another size, are put again. Raises IntegrityError for a name with other bytes, StoreError for a store that
    ignores conditional writes.
    """
    wheelhouses = [(folder, load_wheelhouse(folder)) for folder in folders]
    bucket.must_compare()
    if not bucket.has_folder_keys:
        on_event(Warned(_no_folder_keys(bucket)))
    state = state_of(bucket.journal())
    sources = [_source(folder, wheelhouse, state, on_event) for folder, wheelhouse in wheelhouses]
    projects = sorted({project for source in sources for project in source.pins})
    with ThreadPoolExecutor(THREADS) as pool:
        done = list(pool.map(lambda project: _index_project(bucket, project, sources, choices, on_event), projects))
    count = bucket.list_projects(project for project, result in zip(projects, done, strict=True) if result.projects)
    added = tuple(sorted(name for result in done for name in result.added))
    repaired = tuple(sorted(name for result in done for name in result.repaired))
    if added:
        came = Entry(action=Action.INDEX, made=choices.now, by=choices.by, files=added)
        bucket.add_to_journal(lambda _: [came])
    bucket.list_for_people()
    return Indexed(count, added, repaired, sum(result.unchanged for result in done))


def _no_folder_keys(bucket: Bucket) -> str:
    return (
        f"the store {bucket.store.name} keeps nothing under keys that end in `/`: installers need a server before it that "
        "gives index.html for a folder"
    )


def _source(folder: Path, wheelhouse: Wheelhouse, state: State, on_event: Listener) -> _Source:
    """A wheelhouse with those of its pins that no decision keeps out."""
    source = _Source(folder, wheelhouse)
    for pin in pins_by_file(wheelhouse).values():
        if not stays_out(state, pin, on_event):
            source.pins.setdefault(pin.project, []).append(pin)
    return source


def _index_project(
    bucket: Bucket, project: NormalizedName, sources: Sequence[_Source], choices: IndexChoices, on_event: Listener
) -> Indexed:
    """Put the files of one project that the bucket lacks, then its page."""
    page = bucket.page(project)
    rows: dict[str, Pin] = {}
    metadata: dict[str, str | None] = {}
    added: set[str] = set()
    repaired: set[str] = set()
    status: str | None = None
    for source in sources:
        pins = source.pins.get(project, [])
        if choices.prior_to:
            pins = [pin for pin in pins if may_come(pin, {project: page}, choices.prior_to, on_event)]
        missing = [pin for pin in pins if not _is_there(bucket, page, pin, check=choices.check)]
        for opened in open_files(source.folder, source.wheelhouse, missing, on_event):
            bucket.place(opened)
            name = opened.offered.filename
            (repaired if name in page.files else added).add(name)
            metadata[name] = opened.offered.metadata_sha256
        for pin in pins:
            rows[pin.artifact.filename], status = pin, pin.status
    provenance = _provenance(bucket, project, sources, rows)

    new_names: set[str] = set()

    def change(page: ProjectPage) -> ProjectPage:
        new_names.clear()
        new_names.update(rows.keys() - page.files.keys())
        page.status = status
        for name, pin in rows.items():
            listed = page.files.get(name)
            known = metadata.get(name) or (listed.metadata_sha256 if listed else None)
            has_provenance = name in provenance or bool(listed and listed.provenance)
            add(page, offered_as(pin, known, provenance=has_provenance))
        return page

    if rows and not rows.keys() <= bucket.change_page(project, change).files.keys():
        bucket.remove_kept_out(project)  # it was decided while this run put the files
    else:
        _put_again(bucket, project, sources, new_names, on_event)
    unchanged = len(set(page.files) | set(rows)) - len(added) - len(repaired)
    return Indexed(1 if rows or page.files else 0, tuple(added), tuple(repaired), unchanged)


def _put_again(
    bucket: Bucket, project: NormalizedName, sources: Sequence[_Source], names: Iterable[str], on_event: Listener
) -> None:
    """Put those of the files that a page names now and that the bucket lacks: a run pruned them at the same time."""
    lost = {name for name in names if not bucket.store.has(f"{project}/{name}")}
    for source in sources if lost else ():
        pins = [pin for pin in source.pins.get(project, []) if pin.artifact.filename in lost]
        for opened in open_files(source.folder, source.wheelhouse, pins, on_event):
            bucket.place(opened)


def _is_there(bucket: Bucket, page: ProjectPage, pin: Pin, *, check: bool) -> bool:
    """Whether a page names a file; with `check` also whether the bucket has it with the right size."""
    listed = page.files.get(pin.artifact.filename)
    if listed is None:
        return False
    key = f"{pin.project}/{pin.artifact.filename}"
    if not check or listed.sha256 != pin.artifact.sha256 or bucket.store.size_of(key) == listed.size:
        return True
    bucket.store.remove(key)
    return False


def _provenance(
    bucket: Bucket, project: NormalizedName, sources: Sequence[_Source], rows: Mapping[str, Pin]
) -> set[str]:
    """Put the attestations that the wheelhouses have of these files; the names of the files."""
    names = set()
    for source in sources:
        for name in rows:
            if (raw := provenance_of(source.wheelhouse, name)) is not None:
                bucket.store.put(f"{project}/{name}{PROVENANCE}", raw)
                names.add(name)
    return names


def decide_in_bucket(bucket: Bucket, entries: Sequence[Entry]) -> Kept:
    """Write decisions into the journal of a bucket, change the pages that they are about, and remove files that stay out.

    Raises InputError for a decision about something that is not in the index.
    """
    bucket.must_compare()
    projects = bucket.projects()
    named = {project for entry in entries for project in _projects_of(entry, projects)}
    pages = {project: bucket.page(project) for project in named}
    checked: list[Entry] = []

    def new(journal: Sequence[Entry]) -> Sequence[Entry]:
        state = state_of(journal)
        checked[:] = [checked_decision(entry, pages, state) for entry in entries]
        return [entry for entry in checked if not counts_already(entry, state)]

    appended = bucket.add_to_journal(new)
    removed: list[str] = []
    for project in sorted(named):
        bucket.change_page(project, lambda page: page)
        removed += bucket.remove_kept_out(project)
    bucket.list_for_people()
    return Kept(tuple(sorted(removed)), bool(appended))


def _projects_of(entry: Entry, projects: Iterable[NormalizedName]) -> list[NormalizedName]:
    """The projects of an index that a decision is about."""
    if entry.action in (Action.BLOCK, Action.UNBLOCK):
        glob = Pattern.of(entry.subject).glob
        return [project for project in projects if fnmatchcase(project, glob)]
    return [canonicalize_name(entry.subject.partition("==")[0].strip())]


def _parsed(text: str | None, project: NormalizedName) -> ProjectPage:
    """A page of a text; an empty one for None. Raises IntegrityError."""
    try:
        return parse_project_page(text) if text is not None else ProjectPage()
    except ValueError as error:
        hint = "choose an empty folder of the bucket, or one that `wheelhouse index` wrote"
        raise IntegrityError(
            f"`{project}/{PAGE_JSON}` is not a page that wheelhouse wrote: {error}", hint=hint
        ) from error


def _listed(text: str | None) -> list[NormalizedName]:
    """The projects that a list of projects names; none if it cannot be read."""
    try:
        return sorted(NormalizedName(str(row["name"])) for row in parse_json(text)["projects"]) if text else []
    except (ValueError, KeyError, TypeError):
        return []
