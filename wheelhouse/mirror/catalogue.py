"""Wheelhouses as the catalogue of a server."""

from collections.abc import Iterable, Iterator
from pathlib import Path

from packaging.utils import NormalizedName

from wheelhouse.events import Listener, ignore
from wheelhouse.findings import Waiver
from wheelhouse.mirror.offered_files import OpenedFile, as_opened, open_files, pins_by_file
from wheelhouse.mirror.served import Content, Served, content_of
from wheelhouse.mirror.served_pages import Catalogue
from wheelhouse.mirror.simple import ProjectPage, add
from wheelhouse.verify.verify import load_wheelhouse

NOTHING = Catalogue({}, {}, {})


def catalogue(folders: Iterable[Path], on_event: Listener = ignore, before: Catalogue = NOTHING) -> Catalogue:
    """The files of all the wheelhouses but kept sdists, each hashed and opened. If two describe one file, the last one
    counts.

    Files that the catalogue of `before` has, and that were not touched since, are not read again, if their pins have the same
    waivers. Raises IntegrityError for a file that is missing, differs from its lock file or has findings that its pin does not
    waive, and for one name with two hashes, in one wheelhouse or in two; also what `load_wheelhouse` raises.
    """
    pages: dict[NormalizedName, ProjectPage] = {}
    sidecars: dict[str, Content] = {}
    files: dict[str, Served] = {}
    metadata: dict[str, bytes] = {}
    waived: dict[str, tuple[Waiver, ...]] = {}
    for folder in folders:
        for opened in _opened(folder, on_event, before):
            offered, page = opened.offered, pages.setdefault(opened.project, ProjectPage())
            add(page, offered)
            page.status = opened.status
            name = offered.filename
            files[name] = _held(opened, before)
            metadata[name], waived[name] = opened.raw_metadata, opened.waived
            for suffix, raw in opened.sidecars.items():
                sidecars[name + suffix] = content_of(raw, "application/octet-stream")
    return Catalogue(pages, sidecars, files, metadata, waived, before.left_by(files))


def _opened(folder: Path, on_event: Listener, before: Catalogue) -> Iterator[OpenedFile]:
    """Yield the files of a wheelhouse but kept sdists: first those that `before` has unchanged and with the same waivers, then the
    others, which are hashed and opened.
    """
    wheelhouse = load_wheelhouse(folder)
    new = []
    for name, pin in pins_by_file(wheelhouse).items():
        path, served = folder / name, before.files.get(name)
        is_same = served and served.path == path and served.sha256 == pin.artifact.sha256 and _is_unchanged(served)
        if is_same and before.waived[name] == pin.waived:
            yield as_opened(path, wheelhouse, pin, before.metadata[name])
        else:
            new.append(pin)
    yield from open_files(folder, wheelhouse, new, on_event)


def _is_unchanged(served: Served) -> bool:
    """Whether the file that was hashed still has its path, and was not touched."""
    try:
        stat = served.path.stat()
    except OSError:
        return False
    return served.is_untouched() and stat.st_ino == served.inode


def _held(opened: OpenedFile, before: Catalogue) -> Served:
    """The file of the catalogue `before` if it is the same and unchanged; else a new one, which is now held open."""
    offered = opened.offered
    served = before.files.get(offered.filename)
    if served and served.path == opened.path and served.sha256 == offered.sha256 and _is_unchanged(served):
        return served
    return Served.holding(opened.path, offered.sha256, offered.size, opened.stamp)
