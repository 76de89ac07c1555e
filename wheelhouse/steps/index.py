"""A static Simple index of one or many houses: pages beside their files, for any web server, or for a `file:` URL."""

import errno
import hashlib
import os
from collections.abc import Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from packaging.utils import NormalizedName

from wheelhouse.doors.disk import held, ours, place, read_text, rooted, sha256_of, write
from wheelhouse.doors.wheelfile import inspect
from wheelhouse.errors import InputError, IntegrityError
from wheelhouse.events import Finished, Listener, ignore
from wheelhouse.model.lock import Pin
from wheelhouse.model.provenance import SUFFIX as PROVENANCE
from wheelhouse.model.simple import Offered, Shelf, add, parse_shelf, project_html, project_json, root_html, root_json
from wheelhouse.model.waivers import Subject, Waivers
from wheelhouse.steps.verify import load_house

PAGE_HTML, PAGE_JSON, SIDECAR = "index.html", "index.json", ".metadata"


@dataclass(frozen=True, slots=True)
class Opened:
    """A house's file as an index offers it, where it stands, and what lies beside it there, by the names' suffixes.

    `raw_metadata` is a wheel's METADATA, an sdist's PKG-INFO.
    """

    project: NormalizedName
    offered: Offered
    path: Path
    sidecars: Mapping[str, bytes]
    raw_metadata: bytes


@dataclass(frozen=True, slots=True)
class Indexed:
    """What indexing did: how many projects the tree has, which files came, how many stood already."""

    projects: int
    added: tuple[str, ...]
    stood: int


def open_house(folder: Path, known: frozenset[str] = frozenset(), on_event: Listener = ignore) -> Iterator[Opened]:
    """Each file of a house, hashed and opened, but for those whose sha256 is `known`.

    Raises IntegrityError for a file that is not what its lock says.
    """
    house = load_house(folder)
    pins = {pin.artifact.filename: pin for lock in house.locks for pin in lock.pins}
    wanted = [pin for pin in pins.values() if pin.artifact.sha256 not in known]
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        for opened in pool.map(
            lambda pin: _open(folder, pin, house.provenance.get(pin.artifact.filename + PROVENANCE)), wanted
        ):
            on_event(Finished(opened.offered.filename))
            yield opened


def _open(folder: Path, pin: Pin, provenance: str | None) -> Opened:
    path, artifact = rooted(folder, pin.artifact.filename), pin.artifact
    if not path.is_file() or sha256_of(path) != artifact.sha256:
        raise IntegrityError(
            f"`{path}` is not what the lock says", hint=f"see what is wrong with `wheelhouse verify {folder}`"
        )
    contents = inspect(path, artifact.filename)
    Waivers(pin.waived).admit(contents.findings, Subject(artifact.filename, pin.project, artifact.sha256))
    sidecars = {SIDECAR: contents.raw_metadata} if artifact.is_wheel else {}
    if provenance is not None:
        sidecars[PROVENANCE] = provenance.encode()
    return Opened(pin.project, _offered(pin, sidecars), path, sidecars, contents.raw_metadata)


def _offered(pin: Pin, sidecars: Mapping[str, bytes]) -> Offered:
    artifact = pin.artifact
    return Offered(
        filename=artifact.filename,
        sha256=artifact.sha256,
        size=artifact.size,
        upload_time=artifact.upload_time,
        requires_python=pin.requires_python,
        yanked=pin.yanked,
        metadata_sha256=hashlib.sha256(sidecars[SIDECAR]).hexdigest() if artifact.is_wheel else None,
        provenance=PROVENANCE in sidecars,
    )


def index(houses: Iterable[Path], tree: Path, on_event: Listener = ignore) -> Indexed:
    """Add houses to a static index. Pages that do not change are not written again; files are hard links where they can be."""
    with held(tree):
        shelves = _standing(tree)
        known = frozenset(file.sha256 for shelf in shelves.values() for file in shelf.values())
        added: list[str] = []
        for house in houses:
            for opened in open_house(house, known, on_event):
                add(shelves.setdefault(opened.project, {}), opened.offered)
                _bring(opened, tree)
                added.append(opened.offered.filename)
        _write_pages(tree, shelves)
    total = sum(map(len, shelves.values()))
    return Indexed(len(shelves), tuple(sorted(set(added))), total - len(set(added)))


def _standing(tree: Path) -> dict[NormalizedName, Shelf]:
    shelves: dict[NormalizedName, Shelf] = {}
    for page in sorted(tree.glob(f"*/{PAGE_JSON}")):
        try:
            shelves[NormalizedName(page.parent.name)] = parse_shelf(read_text(page, "the page"))
        except (ValueError, KeyError, TypeError) as error:
            hint = "choose an empty folder, or one that `wheelhouse index` wrote"
            raise InputError(f"`{page}` is not a page that wheelhouse wrote: {error}", hint=hint) from error
    return shelves


def _bring(opened: Opened, tree: Path) -> None:
    folder = rooted(tree, opened.project)
    final = rooted(folder, opened.offered.filename)
    with ours(folder):
        folder.mkdir(parents=True, exist_ok=True)
    for suffix, raw in opened.sidecars.items():
        write(folder, opened.offered.filename + suffix, raw)
    try:
        final.unlink(missing_ok=True)
        final.hardlink_to(opened.path)
    except OSError as error:
        if error.errno not in (errno.EXDEV, errno.EPERM, errno.EMLINK, errno.ENOTSUP):
            with ours(final):
                raise
        place(opened.path, folder, final.name, opened.offered.sha256)


def _write_pages(tree: Path, shelves: dict[NormalizedName, Shelf]) -> None:
    for project, shelf in shelves.items():
        write(tree / project, PAGE_JSON, project_json(project, shelf))
        write(tree / project, PAGE_HTML, project_html(project, shelf))
    write(tree, PAGE_JSON, root_json(shelves))
    write(tree, PAGE_HTML, root_html(shelves))
