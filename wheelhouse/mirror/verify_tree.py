"""Is a static index whole: every page is read, every file that it names hashed and opened, and all that is wrong said at once."""

import os
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

from packaging.utils import NormalizedName

from wheelhouse.archive.filenames import ARCHIVE_SUFFIXES
from wheelhouse.archive.waivers import NO_WAIVERS, Subject, Waivers
from wheelhouse.archive.wheelfile import inspect
from wheelhouse.errors import InputError, IntegrityError, RefusedError
from wheelhouse.events import Finished, Listener, ignore
from wheelhouse.files.disk import TEMP_PREFIX, rooted
from wheelhouse.findings import Finding, Severity
from wheelhouse.index.provenance import SUFFIX as PROVENANCE
from wheelhouse.lock.wheelhouse import Wheelhouse
from wheelhouse.mirror.offered_files import SIDECAR
from wheelhouse.mirror.simple import Offered, ProjectPage, project_html, project_json, root_html, root_json
from wheelhouse.mirror.tree import PAGE_HTML, PAGE_JSON, fault_of, folders_in, read_shelf
from wheelhouse.verify.verify import Verdict, weighed

AGAIN = "index a wheelhouse that has it, with `--check`"


def verify_tree(root: Path, waivers: Waivers = NO_WAIVERS, on_event: Listener = ignore) -> Verdict:
    """Verify a static index. A file is named by its path in the tree; other files than an index's own are left alone.

    A finding that one of `waivers` covers becomes a note.
    """
    shelves: dict[NormalizedName, ProjectPage] = {}
    findings: list[Finding] = []
    for folder in folders_in(root):
        project = NormalizedName(folder.name)
        try:
            shelf = read_shelf(folder)
        except (ValueError, InputError) as error:
            findings.append(_wrong(f"{project}/{PAGE_JSON}", "altered", f"it cannot be read: {error}", AGAIN))
            continue
        if shelf is not None:
            shelves[project] = shelf
            findings.extend(_page_findings(folder, shelf))
        findings.extend(_unnamed(folder, shelf or ProjectPage()))
    files = [(project, file) for project, shelf in shelves.items() for file in shelf.files.values()]
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        for found in pool.map(lambda one: _file_findings(root, one[0], one[1], waivers, on_event), files):
            findings.extend(found)
    if len(shelves) == sum(1 for _ in folders_in(root)):
        findings.extend(_differing(root, "", {PAGE_JSON: root_json(shelves), PAGE_HTML: root_html(shelves)}))
    size = sum(file.size for _, file in files)
    return Verdict(Wheelhouse(), len(files), size, tuple(sorted(set(findings))), {}, {})


def _page_findings(folder: Path, shelf: ProjectPage) -> Iterator[Finding]:
    """What a page says beside its facts (the addresses of files, say), and what its HTML says, follows from these facts."""
    project = NormalizedName(folder.name)
    pages = {PAGE_JSON: project_json(project, shelf), PAGE_HTML: project_html(project, shelf)}
    return _differing(folder, f"{project}/", pages)


def _differing(folder: Path, prefix: str, pages: dict[str, str]) -> Iterator[Finding]:
    for name, text in pages.items():
        path = folder / name
        if not path.is_file():
            yield _wrong(prefix + name, "missing", "it is not in the folder", AGAIN)
        elif path.read_bytes() != text.encode():
            yield _wrong(prefix + name, "altered", "it does not say what the index's pages say together", AGAIN)


def _unnamed(folder: Path, shelf: ProjectPage) -> Iterator[Finding]:
    """Files of an index's kinds that the page does not name."""
    for path in sorted(folder.iterdir()):
        subject = f"{folder.name}/{path.name}"
        if path.name.startswith(TEMP_PREFIX):
            yield Finding(subject, "left-aside", Severity.WARNING, "an interrupted run left it", "remove it")
        elif path.name.removesuffix(SIDECAR).removesuffix(PROVENANCE) in shelf.files:
            continue
        elif path.name.endswith((*ARCHIVE_SUFFIXES, SIDECAR, PROVENANCE)):
            hint = "remove it, or index the wheelhouse that has it"
            yield _wrong(subject, "foreign", "no page of the index names it", hint)


def _file_findings(
    root: Path, project: NormalizedName, file: Offered, waivers: Waivers, on_event: Listener
) -> list[Finding]:
    folder, subject = rooted(root, project), f"{project}/{file.filename}"
    fault = fault_of(folder, file, check=True)
    on_event(Finished(file.filename))
    if fault:
        rule = "missing" if fault.endswith("not there") else "altered"
        return [_wrong(subject, rule, fault, AGAIN)]
    try:
        contents = inspect(folder / file.filename, file.filename)
    except IntegrityError as error:
        rule = error.rule if isinstance(error, RefusedError) else "archive"
        return [_wrong(subject, rule, str(error), error.hint or "")]
    opened = weighed(contents.findings, Subject(file.filename, project, file.sha256), waivers)
    found = [replace(one, subject=subject) for one in opened]
    if file.metadata_sha256 and (folder / (file.filename + SIDECAR)).read_bytes() != contents.raw_metadata:
        found.append(_wrong(subject, "altered", "its metadata beside it are not those inside it", AGAIN))
    if contents.metadata.project != project:
        found.append(_wrong(subject, "swapped", f"it is a file of {contents.metadata.project}", AGAIN))
    return found


def _wrong(subject: str, rule: str, sentence: str, hint: str) -> Finding:
    return Finding(subject, rule, Severity.ERROR, sentence, hint)
