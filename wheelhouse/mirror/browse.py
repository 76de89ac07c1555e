"""The pages of a static index for people: a list of projects with a search, and a page for each project.

Each page is one file that needs no server and loads nothing. Its links are relative, so it works at any address.
"""

import base64
import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib import resources
from typing import Any
from urllib.parse import quote

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup
from packaging.utils import NormalizedName
from packaging.version import Version

from wheelhouse.humanize import CONTROL_CHARACTERS, counted, size_text
from wheelhouse.mirror.notes import NO_NOTES, FileNotes, Notes
from wheelhouse.mirror.simple import Offered, ProjectPage
from wheelhouse.mirror.state import Action, Entry, State, decision_text

PLACE = "wheelhouse.mirror"
TEMPLATES = "templates"
View = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Browsed:
    """What the pages for people show: the pages of the Simple API, the decisions that count, and the notes on files."""

    pages: Mapping[NormalizedName, ProjectPage]
    state: State
    notes: Notes


def root_browse(browsed: Browsed) -> str:
    """The HTML page for people with the list of projects, sorted by name, and the blocks of the keeper that count."""
    rows = [_project_row(browsed, project, page) for project, page in sorted(browsed.pages.items())]
    blocked = [decision_text(entry) for entry in browsed.state.blocked.values()]
    return _render("browse_root.html.j2", {"title": "Package index", "up": "", "projects": rows, "blocked": blocked})


def project_browse(browsed: Browsed, project: NormalizedName) -> str:
    """The HTML page for people of one project: its releases, the newest first, and the decisions about it. A yank is beside
    its release.

    Raises KeyError for a project without a page.
    """
    page = browsed.pages[project]
    by_version = _by_version(page)
    releases = [_release(version, files, browsed.notes) for version, files in by_version.items()]
    yanks = {entry.subject for entry in browsed.state.yanked.values()}
    about = [
        entry for entry in browsed.state.about(project) if entry.subject not in yanks or entry.action != Action.YANK
    ]
    newest = next((str(version) for version, files in by_version.items() if _is_chosen(files)), "")
    return _render(
        "browse_project.html.j2",
        {
            "title": str(project),
            "up": "../",
            "newest": newest,
            "status": page.status_shown or "",
            "decisions": [_decision(entry) for entry in about],
            "releases": releases,
        },
    )


def _is_chosen(files: list[Offered]) -> bool:
    """Whether installers choose a release by themselves: it is no pre-release, and not all of its files are yanked."""
    return not files[0].version.is_prerelease and any(file.yanked_shown is None for file in files)


def _by_version(page: ProjectPage) -> dict[Version, list[Offered]]:
    """The files of each release, sorted by name; the newest release first."""
    versions = sorted({file.version for file in page.files.values()}, reverse=True)
    files = sorted(page.files.values(), key=lambda file: file.filename)
    return {version: [file for file in files if file.version == version] for version in versions}


def _project_row(browsed: Browsed, project: NormalizedName, page: ProjectPage) -> View:
    """The values of a project in the list of projects: its name, newest release (a pre-release or a yanked one, too), number
    of releases, size, and marks such as `yanked`.
    """
    by_version = _by_version(page)
    marks = [] if page.status_shown is None else [page.status_shown.partition(": ")[0]]
    entries = browsed.state.about(project)
    marks += ["removed"] if any(entry.action is Action.REMOVE for entry in entries) else []
    marks += ["blocked"] if any(entry.action is Action.BLOCK for entry in entries) else []
    marks += ["yanked"] if any(file.yanked_shown is not None for file in page.files.values()) else []
    marks += ["findings"] if any(_notes(browsed.notes, file).known.findings for file in page.files.values()) else []
    return {
        "name": str(project),
        "newest": str(next(iter(by_version), "")),
        "releases": len(by_version),
        "size": size_text(sum(file.size for file in page.files.values())) if page.files else "",
        "marks": marks,
    }


def _notes(notes: Notes, file: Offered) -> FileNotes:
    """The notes about a file, found by its sha256; empty notes if there are none."""
    return notes.get(file.sha256, NO_NOTES)


def _decision(entry: Entry) -> View:
    """The values of a decision: its mark (`removed`, `blocked`, or the status), and its sentence."""
    names = {Action.REMOVE: "removed", Action.BLOCK: "blocked"}
    return {"mark": names.get(entry.action, entry.status), "text": decision_text(entry)}


def _release(version: Version, files: list[Offered], notes: Notes) -> View:
    """The values of a release: its version, whether a file is yanked, the reasons, and its files."""
    reasons = [file.yanked_shown for file in files if file.yanked_shown is not None]
    return {
        "version": str(version),
        "is_yanked": bool(reasons),
        "yanked": "; ".join(dict.fromkeys(filter(None, reasons))),
        "files": [_file(file, _notes(notes, file)) for file in files],
    }


def _file(file: Offered, note: FileNotes) -> View:
    """The values of a file: name, link, facts, sha256, the lock files that name it, who approved it, and its findings."""
    facts = [size_text(file.size)]
    facts += [f"uploaded {file.upload_time:%Y-%m-%d}"] if file.upload_time else []
    facts += [f"Python {file.requires_python}"] if file.requires_python else []
    facts += ["attestations"] if file.provenance else []
    named_by: dict[tuple[str, str], list[str]] = {}
    for by in note.named_by:
        named_by.setdefault((by.wheelhouse, by.target), []).append(" → ".join(by.chain))
    return {
        "name": file.filename,
        "href": quote(file.filename),
        "facts": facts,
        "sha256": file.sha256,
        "named_by": [
            {"wheelhouse": where, "target": target, "chains": texts} for (where, target), texts in named_by.items()
        ],
        "jobs": counted(len(named_by), "lock file"),
        "approved_by": list(note.known.approved_by),
        "findings": list(note.known.findings),
    }


def _render(template: str, view: View) -> str:
    r"""The HTML text of a template, with style and script inside. Values are escaped.

    Control characters and marks of direction are spelled out, such as `\u202e`; tabs and line feeds stay.
    """
    style, script = _text("browse.css"), _text("browse.js")
    frame = {
        "style": Markup(style),  # noqa: S704  (our own file)
        "script": Markup(script),  # noqa: S704
        "style_hash": _csp_hash(style),
        "script_hash": _csp_hash(script),
    }
    page: str = _environment().get_template(template).render(view, **frame)
    return CONTROL_CHARACTERS.sub(lambda match: match[0] if match[0] == "\n" else f"\\u{ord(match[0]):04x}", page)


@cache
def _environment() -> Environment:
    """The settings of Jinja for our templates, made once."""
    return Environment(
        loader=PackageLoader(PLACE, TEMPLATES),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )


@cache
def _text(name: str) -> str:
    """The text of a file in the folder of templates, read once."""
    return (resources.files(PLACE) / TEMPLATES / name).read_text(encoding="utf-8")


@cache
def _csp_hash(text: str) -> str:
    """The sha256 of a text as a source expression, `sha256-…` without quotes, in base64 (CSP level 3, 2.3.1)."""
    return f"sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}"
