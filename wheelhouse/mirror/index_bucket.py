"""Adds wheelhouses to an index in a bucket: files once, then the pages that name them, then the lists of projects."""

from collections.abc import Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path

from packaging.utils import NormalizedName

from wheelhouse.events import Listener, Warned, ignore
from wheelhouse.index.provenance import SUFFIX as PROVENANCE
from wheelhouse.lock.lock import Pin
from wheelhouse.lock.wheelhouse import Wheelhouse
from wheelhouse.mirror.bucket import THREADS, Bucket
from wheelhouse.mirror.offered_files import offered_as, open_files, pins_by_file, provenance_of
from wheelhouse.mirror.simple import ProjectPage, add
from wheelhouse.mirror.state import Action, Entry, State, state_of
from wheelhouse.mirror.static_index import IndexChoices, Indexed, may_come, stays_out
from wheelhouse.verify.verify import load_wheelhouse


@dataclass(slots=True)
class _Source:
    """A wheelhouse to index, and the pins of each project that may come in."""

    folder: Path
    wheelhouse: Wheelhouse
    pins: dict[NormalizedName, list[Pin]] = field(default_factory=dict)


def index_bucket(
    folders: Iterable[Path], bucket: Bucket, choices: IndexChoices, on_event: Listener = ignore
) -> Indexed:
    """Add wheelhouses to an index in a bucket: files once, then the pages that name them, then the list of projects.

    Added files are noted in the journal. What the keeper of the index removed or blocked stays out, with a warning. With
    `choices.check` files that the bucket lacks, or has with another size or other metadata, are put again. With
    `choices.prior_to`, new files that are not known to be older stay out, with a warning. `choices.link` and `choices.knows`
    do not count. A store that keeps nothing under keys that end in `/` causes a warning, too.

    Raises IntegrityError for a name with other bytes, and as `open_files`; StoreError for a store that ignores conditional
    writes; what `load_wheelhouse` and `Bucket.change_page` raise.
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
    """The text of the warning about a store that keeps nothing under keys that end in `/`."""
    return (
        f"installers ask for addresses that end in `/`, but the store {bucket.store.name} cannot have keys that end in "
        "`/`: put a web server in front "
        "of the store, and let this server answer each folder with the folder's index.html"
    )


def _source(folder: Path, wheelhouse: Wheelhouse, state: State, on_event: Listener) -> _Source:
    """A wheelhouse with those of its pins that no decision keeps out; a warning for each other. Kept sdists are left out."""
    source = _Source(folder, wheelhouse)
    for pin in pins_by_file(wheelhouse).values():
        if not stays_out(state, pin, on_event):
            source.pins.setdefault(pin.project, []).append(pin)
    return source


def _index_project(
    bucket: Bucket, project: NormalizedName, sources: Sequence[_Source], choices: IndexChoices, on_event: Listener
) -> Indexed:
    """Put the files of one project that its page does not name, with `choices.check` also those of which something is lost; then its
    page.

    The attestations of all its files are put again, and files that a decision came to keep out meanwhile are removed. The
    result counts this project alone.
    """
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
        """The page with the rows of this run; `new_names` are then the files that it did not name before."""
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
    """Put those of the files `names` that the bucket lacks: a run that pruned at the same time removed them."""
    lost = {name for name in names if not bucket.store.has(f"{project}/{name}")}
    for source in sources if lost else ():
        pins = [pin for pin in source.pins.get(project, []) if pin.artifact.filename in lost]
        for opened in open_files(source.folder, source.wheelhouse, pins, on_event):
            bucket.place(opened)


def _is_there(bucket: Bucket, page: ProjectPage, pin: Pin, *, check: bool) -> bool:
    """Whether a page names a file; with `check` also whether the bucket has it with the right size and metadata, if the page has the
    locked sha256.

    If `check` finds an object with another size, it is removed, so that the file can be put again.
    """
    listed = page.files.get(pin.artifact.filename)
    if listed is None:
        return False
    key = f"{pin.project}/{pin.artifact.filename}"
    if not check or listed.sha256 != pin.artifact.sha256:
        return True
    if bucket.store.size_of(key) == listed.size:
        return bucket.has_metadata(pin.project, listed)
    bucket.store.remove(key)
    return False


def _provenance(
    bucket: Bucket, project: NormalizedName, sources: Sequence[_Source], rows: Mapping[str, Pin]
) -> set[str]:
    """Put the attestations that the wheelhouses have of these files, of several the last; return the names of the files that have some."""
    names = set()
    for source in sources:
        for name in rows:
            if (raw := provenance_of(source.wheelhouse, name)) is not None:
                bucket.store.put(f"{project}/{name}{PROVENANCE}", raw)
                names.add(name)
    return names
