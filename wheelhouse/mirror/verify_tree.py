"""Verify a static index: read every page, hash and open every file that it names, report all problems at once."""

import os
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

from packaging.utils import NormalizedName

from wheelhouse.archive.filenames import ARCHIVE_SUFFIXES
from wheelhouse.archive.waivers import NO_WAIVERS, Waivers
from wheelhouse.archive.wheelfile import inspect
from wheelhouse.errors import InputError, IntegrityError
from wheelhouse.events import Finished, Listener, ignore
from wheelhouse.files.disk import rooted
from wheelhouse.files.temporary import TEMP_PREFIX
from wheelhouse.findings import Finding, Severity, Subject
from wheelhouse.index.provenance import SUFFIX as PROVENANCE
from wheelhouse.lock.wheelhouse import Wheelhouse
from wheelhouse.mirror.browse import Browsed, project_browse, root_browse
from wheelhouse.mirror.offered_files import SIDECAR
from wheelhouse.mirror.simple import (
    PAGE_BROWSE,
    PAGE_HTML,
    PAGE_JSON,
    Offered,
    ProjectPage,
    project_html,
    project_json,
    root_html,
    root_json,
)
from wheelhouse.mirror.state import State, applied, projects_shown, state_of
from wheelhouse.mirror.tree import NOTES, fault_of, folders_in, read_journal, read_notes, read_page
from wheelhouse.verify.locked_files import refusal, weighed
from wheelhouse.verify.verify import Verdict


def verify_tree(root: Path, waivers: Waivers = NO_WAIVERS, on_event: Listener = ignore) -> Verdict:
    """Verify a static index; each file is hashed and opened. A finding names a file by its path in the tree.

    In the folders that `folders_in` yields, wheels, sdists and sidecars that the page does not name, and temporary files,
    are findings; other files are ignored. A finding on a file's contents that one of `waivers` covers becomes a note. The
    lists of projects and, if there are notes, the pages for people are checked only if every project has a page that can be
    read. Raises InputError if the journal or the notes cannot be read.
    """
    state = state_of(read_journal(root))
    pages: dict[NormalizedName, ProjectPage] = {}
    findings: list[Finding] = []
    for folder in folders_in(root):
        page, page_findings = verify_page(folder, state)
        findings.extend(page_findings)
        if page is not None:
            pages[NormalizedName(folder.name)] = page
    files = [(project, file) for project, page in pages.items() for file in page.files.values()]
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        for file_findings in pool.map(lambda item: verify_file(root, item[0], item[1], waivers, on_event), files):
            findings.extend(file_findings)
    if len(pages) == sum(1 for _ in folders_in(root)):
        findings.extend(differing_pages(root, "", {PAGE_JSON: root_json(pages), PAGE_HTML: root_html(pages)}))
        if (root / NOTES).is_file():  # wheelhouse 0.1 wrote no pages for people
            findings.extend(_browse_findings(root, Browsed(projects_shown(pages, state), state, read_notes(root))))
    size = sum(file.size for _, file in files)
    return Verdict(Wheelhouse(), len(files), size, tuple(sorted(set(findings))), {}, {})


def verify_page(folder: Path, state: State) -> tuple[ProjectPage | None, list[Finding]]:
    """A project's page, and the findings on it and on the names in its folder; None as page if there is none.

    If the page cannot be read, the page is None, and this is the only finding.
    """
    try:
        page = read_page(folder)
    except (ValueError, InputError) as error:
        unreadable = wrong_page(f"{folder.name}/{PAGE_JSON}", "altered", "page-unreadable")
        return None, [unreadable.with_context(message=str(error))]
    findings = _page_findings(folder, page, state) if page is not None else ()
    return page, [*findings, *_unnamed(folder, page or ProjectPage())]


def _page_findings(folder: Path, page: ProjectPage, state: State) -> Iterator[Finding]:
    """A finding for the JSON and for the HTML page of a project if it is missing, or differs from what its rows and the journal give."""
    project = NormalizedName(folder.name)
    shown = applied(state, project, page)
    pages = {PAGE_JSON: project_json(project, shown), PAGE_HTML: project_html(project, shown)}
    return differing_pages(folder, f"{project}/", pages)


def _browse_findings(root: Path, browsed: Browsed) -> Iterator[Finding]:
    """A warning for each page for people that is missing or differs: another release of wheelhouse writes them in other words."""
    pages = {f"{project}/{PAGE_BROWSE}": project_browse(browsed, project) for project in browsed.pages}
    for finding in differing_pages(root, "", {**pages, PAGE_BROWSE: root_browse(browsed)}):
        yield replace(finding, severity=Severity.WARNING)


def differing_pages(folder: Path, prefix: str, pages: dict[str, str]) -> Iterator[Finding]:
    """A finding for each page, file name → text, that is missing or has another text in `folder`; its subject begins with `prefix`."""
    for name, text in pages.items():
        path = folder / name
        if not path.is_file():
            yield wrong_page(prefix + name, "missing", "page")
        elif path.read_bytes() != text.encode():
            yield wrong_page(prefix + name, "altered", "page")


def _unnamed(folder: Path, page: ProjectPage) -> Iterator[Finding]:
    """A finding for each archive or sidecar that the page does not name, and a warning for each temporary file of a killed run."""
    for path in sorted(folder.iterdir()):
        subject = f"{folder.name}/{path.name}"
        if path.name.startswith(TEMP_PREFIX):
            yield Finding.of(subject, "left-aside", Severity.WARNING, case="index")
        elif path.name.removesuffix(SIDECAR).removesuffix(PROVENANCE) in page.files:
            continue
        elif path.name.endswith((*ARCHIVE_SUFFIXES, SIDECAR, PROVENANCE)):
            yield wrong_page(subject, "foreign", "index")


def verify_file(
    root: Path, project: NormalizedName, file: Offered, waivers: Waivers, on_event: Listener
) -> list[Finding]:
    """The findings on a file that a page names, which is hashed and opened: on its bytes alone, or on its contents. Emits an event."""
    folder, subject = rooted(root, project), f"{project}/{file.filename}"
    fault = fault_of(folder, file, check=True)
    on_event(Finished(file.filename))
    if fault:
        return [fault]
    try:
        contents = inspect(folder / file.filename, file.filename)
    except IntegrityError as error:
        return [refusal(subject, error)]
    about = Subject(file.filename, project, file.sha256, str(contents.metadata.version))
    weighed_findings = weighed(contents.findings, about, waivers)
    findings = [replace(finding, subject=subject) for finding in weighed_findings]
    if file.metadata_sha256 and (folder / (file.filename + SIDECAR)).read_bytes() != contents.raw_metadata:
        findings.append(wrong_page(subject, "altered", "metadata-differs"))
    if contents.metadata.project != project:
        stated = str(contents.metadata.project)
        findings.append(Finding.of(subject, "swapped", Severity.ERROR, case="project", stated=stated))
    return findings


def wrong_page(subject: str, rule: str, case: str) -> Finding:
    """An error of this rule and case about a page, or about a file beside one."""
    return Finding.of(subject, rule, Severity.ERROR, case=case)
