"""The Simple Repository API as pages: HTML (PEP 503, 592, 658, 714, 792) and JSON (PEP 691, 700, 740, 792) of the same files (pure)."""

import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from html import escape
from types import MappingProxyType
from typing import Any
from urllib.parse import quote

from packaging.utils import NormalizedName
from packaging.version import Version

from wheelhouse.archive.filenames import release_of
from wheelhouse.documents import parse_json, why_misshapen
from wheelhouse.errors import IntegrityError
from wheelhouse.index.provenance import SUFFIX as PROVENANCE

API_VERSION, SINCE_PROVENANCE, SINCE_STATUS = "1.1", "1.3", "1.4"
PAGE_HTML, PAGE_JSON, PAGE_BROWSE = "index.html", "index.json", "browse.html"
"""The pages of the API, and the page for people. No project has such a name."""
LOCKED_YANK, LOCKED_STATUS = "_locked-yanked", "_locked-status"
"""The keys of what the lock files say, where the page says what the keeper of the index decided."""
SURROGATE = re.compile(r"\\u[dD][89a-fA-F]")
"""An escape of JSON that is half of a surrogate pair."""
JSON_TYPE, HTML_TYPE = "application/vnd.pypi.simple.v1+json", "application/vnd.pypi.simple.v1+html"


@dataclass(frozen=True, slots=True)
class Offered:
    """A file on a project's page. `metadata_sha256` is that of its sidecar, None for an sdist, which has none.

    `yanked` is the reason of the lock file, which may be empty; None for a file that is not yanked. `yanked_here` is the reason
    of the keeper of this index, and counts before it. `size` is in bytes. `provenance` says that its attestations are beside
    it; HTML leaves them out, because PEP 740 requires an absolute URL there.
    """

    filename: str
    sha256: str
    size: int
    upload_time: datetime | None = None
    requires_python: str | None = None
    yanked: str | None = None
    metadata_sha256: str | None = None
    provenance: bool = False
    yanked_here: str | None = None

    @property
    def yanked_shown(self) -> str | None:
        """The reason of the yank that the page gives, the keeper's before the lock file's; it may be empty. None if it is not yanked."""
        return self.yanked if self.yanked_here is None else self.yanked_here

    @property
    def version(self) -> Version:
        """The version that its name states. Raises InvalidWheelFilename, InvalidSdistFilename or InvalidVersion."""
        return release_of(self.filename)[1]


@dataclass(slots=True)
class ProjectPage:
    """One project's page: its files by name, and its status if it is not active, as in pins: `archived: no more work`.

    `status` is that of the lock file; `status_here` is that of the keeper of this index, and counts before it.
    """

    files: dict[str, Offered] = field(default_factory=dict)
    status: str | None = None
    status_here: str | None = None

    @property
    def status_shown(self) -> str | None:
        """The status that the page gives, with its reason (`archived: no more work`), the keeper's first; None for an active project."""
        return self.status_here or self.status


def add(page: ProjectPage, offered: Offered) -> None:
    """Add a file to a page, or replace its row. Raises IntegrityError if the page has the name with another hash."""
    listed = page.files.get(offered.filename, offered)
    if listed.sha256 != offered.sha256:
        raise IntegrityError(
            f"the index has `{offered.filename}` with sha256 {listed.sha256}, but the new file has {offered.sha256}",
            hint="find out which of the two files is the right one",
        )
    page.files[offered.filename] = offered


def project_json(project: NormalizedName, page: ProjectPage, prefix: str = "") -> str:
    """A project's page as JSON text (PEP 691), sorted by file name. The URL of a file is `prefix` and its name, relative to the page.

    Keys with an underscore are this index's own (PEP 691): what the lock files say where the keeper of the index says otherwise.
    """
    versions = [str(version) for version in sorted({file.version for file in page.files.values()})]
    files = [_file(page.files[name], prefix) for name in sorted(page.files)]
    document: dict[str, Any] = {"meta": {"api-version": _api_version(page)}, "name": project}
    if page.status_shown:
        document["project-status"] = _marks(page.status_shown)
    if page.status_here:
        document[LOCKED_STATUS] = page.status
    return json.dumps({**document, "versions": versions, "files": files}, indent=1, ensure_ascii=False) + "\n"


def _api_version(page: ProjectPage) -> str:
    """The oldest version of the Simple API that has all that a page says, such as `1.3`."""
    if page.status_shown:
        return SINCE_STATUS
    return SINCE_PROVENANCE if any(file.provenance for file in page.files.values()) else API_VERSION


def _marks(status: str) -> dict[str, str]:
    """A status as a page has it: `archived: why` becomes `status` and, if there is one, `reason`."""
    marker, _, reason = status.partition(": ")
    return {"status": marker} | ({"reason": reason} if reason else {})


def _file(file: Offered, prefix: str) -> dict[str, Any]:
    """The entry of a file in a JSON page, as an object; its URL is the prefix and its quoted name."""
    document: dict[str, Any] = {
        "filename": file.filename,
        "url": prefix + quote(file.filename),
        "hashes": {"sha256": file.sha256},
        "size": file.size,
        "yanked": _yanked_json(file.yanked_shown),
        "core-metadata": {"sha256": file.metadata_sha256} if file.metadata_sha256 else False,
    }
    if file.requires_python:
        document["requires-python"] = file.requires_python
    if file.provenance:
        document["provenance"] = prefix + quote(file.filename + PROVENANCE)
    if file.yanked_here is not None:
        document[LOCKED_YANK] = _yanked_json(file.yanked)
    if file.upload_time:
        document["upload-time"] = file.upload_time.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
    return document


def _yanked_json(reason: str | None) -> str | bool:
    """A yank as PEP 691 has it: the reason, True for an empty reason, False for None."""
    return reason or reason is not None


def _parse_yanked(value: object) -> str | None:
    """The reason of a yank from its value in PEP 691: empty for True, None for False. Raises TypeError for what is no text else."""
    if isinstance(value, bool):
        return "" if value else None
    if not isinstance(value, str):
        raise TypeError(value)
    return value


def project_html(project: NormalizedName, page: ProjectPage, prefix: str = "") -> str:
    """A project's page as HTML text (PEP 503), sorted by file name. The URL of a file is `prefix` and its name, with its sha256."""
    anchors = "".join(_anchor(page.files[name], prefix) for name in sorted(page.files))
    marks = _marks(page.status_shown) if page.status_shown else {}
    names = {"status": "pypi:project-status", "reason": "pypi:project-status-reason"}
    return _html(f"Links for {project}", anchors, {names[key]: value for key, value in marks.items()})


def _anchor(file: Offered, prefix: str) -> str:
    """The line of a file in an HTML page: a link with its attributes."""
    attributes = {"href": f"{prefix}{quote(file.filename)}#sha256={file.sha256}"}
    if file.requires_python:
        attributes["data-requires-python"] = file.requires_python
    if file.metadata_sha256:
        attributes["data-core-metadata"] = f"sha256={file.metadata_sha256}"
    if file.yanked_shown is not None:
        attributes["data-yanked"] = file.yanked_shown
    text = " ".join(f'{name}="{escape(value)}"' for name, value in attributes.items())
    return f"    <a {text}>{escape(file.filename)}</a><br>\n"


def root_json(projects: Iterable[str]) -> str:
    """The list of projects as JSON text (PEP 691), sorted by name."""
    rows = [{"name": name} for name in sorted(projects)]
    return json.dumps({"meta": {"api-version": API_VERSION}, "projects": rows}, indent=1) + "\n"


def root_html(projects: Iterable[str]) -> str:
    """The list of projects as HTML text (PEP 503), sorted by name, with relative links. The names must be normalized: none
    is escaped.
    """
    return _html("Simple index", "".join(f'    <a href="{name}/">{name}</a><br>\n' for name in sorted(projects)))


def _html(title: str, anchors: str, marks: Mapping[str, str] = MappingProxyType({})) -> str:
    """A whole HTML page with these lines; each of `marks` is a `meta` element."""
    version = SINCE_STATUS if marks else API_VERSION
    metas = {"pypi:repository-version": version, **marks}
    head = "".join(f'    <meta name="{name}" content="{escape(value)}">\n' for name, value in metas.items())
    return f"""<!DOCTYPE html>
<html>
  <head>
    <meta charset="utf-8">
{head}    <title>{escape(title)}</title>
  </head>
  <body>
    <h1>{escape(title)}</h1>
{anchors}  </body>
</html>
"""


def parse_project_page(raw: str) -> ProjectPage:
    """Read a JSON page that `project_json` wrote; the URLs of files are not read. Raises ValueError if a key that it needs
    is missing or wrong, or for half a surrogate pair, which no page can be written with; other programs' pages may be read, too.
    """
    try:
        document = parse_json(raw)
        if SURROGATE.search(raw):
            json.dumps(document, ensure_ascii=False).encode()
        files = [_parse_file(row) for row in document["files"]]
        marks = document.get("project-status")
        shown = ": ".join(str(marks[key]) for key in ("status", "reason") if key in marks) if marks else None
        status = _text_or_none(document.get(LOCKED_STATUS, shown))
    except (KeyError, TypeError, AttributeError, ArithmeticError) as error:
        raise ValueError(f"it is not a project's page: {why_misshapen(error)}") from error
    return ProjectPage({file.filename: file for file in files}, status, shown if LOCKED_STATUS in document else None)


def _parse_file(row: Mapping[str, Any]) -> Offered:
    """The file of one row of a JSON page.

    Raises ValueError for a file name without a version, because a page lists versions; ValueError, KeyError, TypeError or
    ArithmeticError for another form.
    """
    core, uploaded, shown = row["core-metadata"], row.get("upload-time"), _parse_yanked(row["yanked"])
    file = Offered(
        filename=str(row["filename"]),
        sha256=str(row["hashes"]["sha256"]),
        size=int(row["size"]),
        upload_time=datetime.fromisoformat(uploaded).astimezone(UTC) if uploaded else None,
        requires_python=_text_or_none(row.get("requires-python")),
        yanked=_parse_yanked(row[LOCKED_YANK]) if LOCKED_YANK in row else shown,
        yanked_here=shown if LOCKED_YANK in row else None,
        metadata_sha256=_text_or_none(core["sha256"]) if core else None,
        provenance="provenance" in row,
    )
    _ = file.version
    return file


def _text_or_none(value: object) -> str | None:
    """The same text, or None. Raises TypeError for anything else."""
    if value is not None and not isinstance(value, str):
        raise TypeError(value)
    return value
