"""Prune an index in a bucket: remove what no lock file of the named wheelhouses names, beside runs that add files.

A page loses its rows before the files go, and is read again afterwards: a run that put a row back in between had read the page
before. A run that adds a row looks for its file after that, so one of the two sees the other.
"""

from collections.abc import Iterable
from pathlib import Path

from msgspec.structs import replace
from packaging.utils import NormalizedName

from wheelhouse.files.object_store import StoreError
from wheelhouse.mirror.bucket import MAX_SWAPS, Bucket
from wheelhouse.mirror.keep import Kept, LockedFiles, locked_files, pruned_page, pruned_pages
from wheelhouse.mirror.simple import ProjectPage
from wheelhouse.mirror.state import Entry


def prune_bucket(bucket: Bucket, keep: Iterable[Path], entry: Entry, *, dry_run: bool) -> Kept:
    """Remove every file that a page names and no lock file of these wheelhouses names with the same sha256.

    The journal gets them first, if there are any. The result has the names of these files; with `dry_run` nothing is
    removed. `entry` must have the action PRUNE; it gets the files. Raises InputError if the lock files name no file of the
    index at all, StoreError for a store that ignores conditional writes, and as `locked_files` and `Bucket.change_page`. An
    object that no page names stays: another run may have put it a moment ago, and its page may follow.
    """
    locked = locked_files(keep)
    pages = bucket.pages()
    remaining = pruned_pages(pages, locked)
    unnamed = {project: page.files.keys() - remaining[project].files.keys() for project, page in pages.items()}
    gone = tuple(sorted(name for names in unnamed.values() for name in names))
    if gone and not dry_run:
        bucket.must_compare()
        bucket.add_to_journal(lambda _: [replace(entry, files=gone)])
        for project in sorted(project for project, names in unnamed.items() if names):
            _prune_project(bucket, project, locked)
        bucket.list_for_people()
    return Kept(gone, (bool(gone),))


def _prune_project(bucket: Bucket, project: NormalizedName, locked: LockedFiles) -> None:
    """Remove the rows of a page that are not locked and then their files, until the page has no such row.

    Raises StoreError if it still has some after MAX_SWAPS rounds.
    """
    names: set[str] = set()

    def change(page: ProjectPage) -> ProjectPage:
        """The page without its rows that are not locked; `names` are then the files of these rows."""
        pruned = pruned_page(page, locked)
        names.clear()
        names.update(page.files.keys() - pruned.files.keys())
        return pruned

    for _ in range(MAX_SWAPS):
        bucket.change_page(project, change)
        if not names:
            return
        for name in sorted(names):
            bucket.remove_file(project, name)
    raise StoreError(
        f"another run adds files of `{project}` to {bucket.store.name} again and again", hint="try again later"
    )
