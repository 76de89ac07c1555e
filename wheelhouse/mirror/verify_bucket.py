"""Verify an index in a bucket: each project is brought into a temporary folder, and checked as one of an index on disk."""

import shutil
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

from packaging.utils import NormalizedName

from wheelhouse.archive.filenames import ARCHIVE_SUFFIXES
from wheelhouse.archive.waivers import NO_WAIVERS, Waivers
from wheelhouse.errors import InputError
from wheelhouse.events import Listener, ignore
from wheelhouse.files.disk import os_errors_as_machine_error, rooted
from wheelhouse.files.object_store import Listed
from wheelhouse.files.temporary import scratch_folder
from wheelhouse.findings import Finding, Severity
from wheelhouse.lock.wheelhouse import Wheelhouse
from wheelhouse.mirror.browse import project_browse, root_browse
from wheelhouse.mirror.bucket import MAX_PAGE_BYTES, THREADS, Bucket, browsed_in_bucket
from wheelhouse.mirror.simple import PAGE_BROWSE, PAGE_HTML, PAGE_JSON, ProjectPage, project_html, root_html, root_json
from wheelhouse.mirror.state import State, applied, state_of
from wheelhouse.mirror.tree import KEEPER_FOLDER
from wheelhouse.mirror.verify_tree import differing_pages, verify_file, verify_page, wrong_page
from wheelhouse.verify.verify import Verdict

Verified = tuple[ProjectPage | None, list[Finding]]
"""The page of a project, if it can be read, and what is wrong with it and its files."""


def verify_bucket(bucket: Bucket, waivers: Waivers = NO_WAIVERS, on_event: Listener = ignore) -> Verdict:
    """Verify an index in a bucket; each file is downloaded, hashed and opened. A finding names a file by its key.

    Each folder counts as a project. Nothing in the bucket is changed. A run that changes the index meanwhile may cause
    findings. Raises InputError if no folder but the keeper's has an object, or if the journal cannot be read, IntegrityError
    if the journal or the list of projects is longer than MAX_PAGE_BYTES, StoreError.
    """
    state = state_of(bucket.journal())
    projects = _objects_by_project(bucket)
    if not projects:
        hint = "name the address that `wheelhouse index -o` wrote to"
        raise InputError(f"`{bucket.store.name}` has no index", hint=hint)
    with scratch_folder("bucket") as root, ThreadPoolExecutor(THREADS) as pool:
        verified = dict(
            zip(
                projects,
                pool.map(
                    lambda project: _verify_project(bucket, root, project, projects[project], state, waivers, on_event),
                    projects,
                ),
                strict=True,
            )
        )
        pages = {project: page for project, (page, _) in verified.items() if page is not None}
        findings = [finding for _, own in verified.values() for finding in own]
        findings += _root_findings(bucket, root, pages, state, unread_pages=len(pages) < len(verified))
    files = [file for page in pages.values() for file in page.files.values()]
    return Verdict(Wheelhouse(), len(files), sum(file.size for file in files), tuple(sorted(set(findings))), {}, {})


def _objects_by_project(bucket: Bucket) -> Mapping[NormalizedName, list[Listed]]:
    """The objects directly in each folder of a bucket that may be a project, by folder, sorted: it has a JSON page, or archives.

    Those of the keeper's folder and of deeper ones are left out.
    """
    objects: defaultdict[NormalizedName, list[Listed]] = defaultdict(list)
    for item in bucket.store.listed():
        folder, _, name = item.key.partition("/")
        if name and "/" not in name and folder != KEEPER_FOLDER.partition("/")[0]:
            objects[NormalizedName(folder)].append(item)
    return {folder: items for folder, items in sorted(objects.items()) if any(map(_is_of_project, items))}


def _is_of_project(item: Listed) -> bool:
    """Whether an object in a folder is a JSON page or an archive."""
    name = item.key.rpartition("/")[2]
    return name == PAGE_JSON or name.endswith(ARCHIVE_SUFFIXES)


def _verify_project(
    bucket: Bucket,
    root: Path,
    project: NormalizedName,
    objects: Iterable[Listed],
    state: State,
    waivers: Waivers,
    on_event: Listener,
) -> Verified:
    """Bring a project into the folder `root`, verify its page and files there, and remove it again. Returns the page and the findings."""
    folder = rooted(root, project)
    with os_errors_as_machine_error(folder):
        folder.mkdir()
    for item in objects:
        bucket.store.read_into(item.key, rooted(folder, item.key.partition("/")[2]), item.size, lambda _: None)
    page, findings = verify_page(folder, state)
    for file in page.files.values() if page else ():
        findings += map(_as_in_bucket, verify_file(root, project, file, waivers, on_event))
    if page is not None:
        browsed = browsed_in_bucket({project: page}, state)
        findings += _browse_findings(folder, f"{project}/", project_browse(browsed, project))
        findings += _folder_key_findings(bucket, project, project_html(project, applied(state, project, page)))
    shutil.rmtree(folder)
    return page, findings


def _as_in_bucket(finding: Finding) -> Finding:
    """The finding on a file, as one of a bucket: `index` never compares the bytes of an object whose size is right."""
    if (finding.rule, finding.values.get("case")) == ("altered", "indexed"):
        return wrong_page(finding.subject, "altered", "in-bucket")
    return finding


def _folder_key_findings(bucket: Bucket, project: NormalizedName, html: str) -> Iterator[Finding]:
    """A finding if the page that installers request, whose key ends in `/`, has another text; none if the store does not
    have it, or if it is empty or longer than MAX_PAGE_BYTES.
    """
    key = f"{project}/"
    found = bucket.store.read(key, MAX_PAGE_BYTES) if bucket.store.takes_folder_keys else None
    if found and found.content and found.content != html.encode():
        yield wrong_page(key, "altered", "page")


def _browse_findings(folder: Path, prefix: str, text: str) -> Iterator[Finding]:
    """A warning if a page for people is there and differs: another release of wheelhouse writes it in other words, or not at all."""
    if (folder / PAGE_BROWSE).is_file():
        for finding in differing_pages(folder, prefix, {PAGE_BROWSE: text}):
            yield replace(finding, severity=Severity.WARNING)


def _root_findings(
    bucket: Bucket, root: Path, pages: Mapping[NormalizedName, ProjectPage], state: State, *, unread_pages: bool
) -> Iterator[Finding]:
    """Findings if the list of projects, as JSON or HTML, is missing, lacks a project, or has another form. It may name more projects.

    The list for people has facts of every page: it is checked if all were read.
    """
    for name in (PAGE_JSON, PAGE_HTML, PAGE_BROWSE):
        bucket.store.read_into(name, root / name, MAX_PAGE_BYTES, lambda _: None)
    projects = sorted(pages.keys() | set(bucket.projects()))
    yield from differing_pages(root, "", {PAGE_JSON: root_json(projects), PAGE_HTML: root_html(projects)})
    if unread_pages:
        return
    every = {project: pages.get(project, ProjectPage()) for project in projects}
    yield from _browse_findings(root, "", root_browse(browsed_in_bucket(every, state)))
