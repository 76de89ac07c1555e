"""Index pages into candidates: the Simple Repository API as JSON (PEP 691, 700) and HTML (PEP 503, 592, 658, 714)."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from html.parser import HTMLParser
from urllib.parse import urldefrag, urljoin

import msgspec
from packaging.utils import NormalizedName
from packaging.version import InvalidVersion, Version

from wheelhouse.doors.http import Http, redact
from wheelhouse.errors import ServerError
from wheelhouse.model.artifact import Candidate, FilenamePattern, filename_of, version_of

JSON_TYPE, HTML_TYPE = "application/vnd.pypi.simple.v1+json", "application/vnd.pypi.simple.v1+html"
ACCEPT = f"{JSON_TYPE}, {HTML_TYPE};q=0.2, text/html;q=0.1"
HASH_FRAGMENT = re.compile(r"(md5|sha1|sha224|sha256|sha384|sha512|blake2b)=([0-9a-fA-F]+)")


class IndexFile(msgspec.Struct, rename="kebab", gc=False):
    """A file as an index page names it."""

    filename: str
    url: str
    hashes: dict[str, str] = {}
    size: int | None = None
    upload_time: str | None = None
    requires_python: str | None = None
    yanked: bool | str = False
    core_metadata: bool | dict[str, str] | None = None
    dist_info_metadata: bool | dict[str, str] | None = None


class _Meta(msgspec.Struct, rename="kebab"):
    api_version: str = "1.0"


class _Status(msgspec.Struct, rename="kebab"):
    status: str = "active"
    reason: str | None = None


class _Document(msgspec.Struct, rename="kebab"):
    files: list[IndexFile]
    meta: _Meta = msgspec.field(default_factory=_Meta)
    project_status: _Status | None = None


_decoder = msgspec.json.Decoder(_Document)


@dataclass(frozen=True)
class Page:
    """One project's page: its files, of which only those of the versions asked for are ever looked at closely.

    `url` is where the page came from in the end: relative addresses on it start there. `status` is PEP 792's.
    """

    project: NormalizedName
    index: str
    url: str
    files: list[IndexFile]
    status: str = "active"

    @cached_property
    def _by_version(self) -> tuple[dict[str, list[IndexFile]], list[str]]:
        """Files by their version's spelling; and the names of what is neither a wheel nor an sdist."""
        pattern = FilenamePattern(self.project)
        grouped: dict[str, list[IndexFile]] = {}
        ignored: list[str] = []
        for file in self.files:
            spelling = pattern.version(file.filename)
            if spelling is None:
                ignored.append(file.filename)
            else:
                grouped.setdefault(spelling, []).append(file)
        return grouped, ignored

    @cached_property
    def _spellings(self) -> dict[Version, list[str]]:
        spellings: dict[Version, list[str]] = {}
        for spelling in self._by_version[0]:
            try:
                spellings.setdefault(version_of(spelling), []).append(spelling)
            except InvalidVersion:
                continue
        return spellings

    @cached_property
    def versions(self) -> tuple[Version, ...]:
        """Every version that has a file, newest first."""
        return tuple(sorted(self._spellings, reverse=True))

    def candidates(self, version: Version) -> Iterator[Candidate]:
        """The files of one release."""
        grouped = self._by_version[0]
        for spelling in self._spellings.get(version, ()):
            for file in grouped[spelling]:
                yield self._candidate(version, file)

    def _candidate(self, version: Version, file: IndexFile) -> Candidate:
        sidecar = file.core_metadata if file.core_metadata is not None else file.dist_info_metadata
        return Candidate(
            project=self.project,
            version=version,
            filename=file.filename,
            url=urljoin(self.url, file.url),
            index=self.index,
            hashes={name: digest.lower() for name, digest in file.hashes.items()},
            size=file.size,
            upload_time=file.upload_time,
            yanked=None if file.yanked is False else ("" if file.yanked is True else file.yanked),
            requires_python=file.requires_python,
            sidecar=sidecar.get("sha256", "") if isinstance(sidecar, dict) else ("" if sidecar else None),
        )


class Index:
    """One Simple Repository API. `url` is its root, such as `http://127.0.0.1:8080/simple`."""

    def __init__(self, url: str, http: Http) -> None:
        self.url = url.rstrip("/")
        self.name = redact(self.url)
        self._http = http
        http.learn_credentials(self.url)

    def page(self, project: NormalizedName) -> Page | None:
        """A project's page; None where the index says that it has no such project (404).

        Raises ServerError for everything that is neither.
        """
        url = f"{self.url}/{project}/"
        reply = self._http.get(url, {"Accept": ACCEPT}, subject=f"the page of {project}")
        if reply.status in (404, 410):
            return None
        return parse_page(reply.body, reply.headers.get("Content-Type", ""), project, self.name, reply.url)


def parse_page(body: bytes, content_type: str, project: NormalizedName, index: str, url: str) -> Page:
    """Read a page by its content type. Raises ServerError for what is no index page."""
    kind = content_type.partition(";")[0].strip().lower()
    if kind in (JSON_TYPE, "application/json"):
        return _parse_json(body, project, index, url)
    if kind in (HTML_TYPE, "text/html"):
        return _parse_html(body, project, index, url)
    hint = "check that the address is the root of a Simple index, usually ending in /simple"
    raise ServerError(f"{redact(url)} answered with `{kind or 'no type'}`, which is no index page", hint=hint)


def _parse_json(body: bytes, project: NormalizedName, index: str, url: str) -> Page:
    try:
        document = _decoder.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise ServerError(f"{redact(url)} answered with a page that cannot be read: {error}") from error
    if not document.meta.api_version.startswith("1."):
        raise ServerError(
            f"{redact(url)} speaks version {document.meta.api_version} of the Simple API, and 1.x is known"
        )
    status = document.project_status.status if document.project_status else "active"
    return Page(project, index, url, document.files, status)


def _parse_html(body: bytes, project: NormalizedName, index: str, url: str) -> Page:
    parser = _Anchors()
    parser.feed(body.decode("utf-8", "replace"))
    parser.close()
    if not parser.seen_markup:
        raise ServerError(f"{redact(url)} answered with a page that is not HTML")
    base = urljoin(url, parser.base) if parser.base else url
    return Page(project, index, base, [_html_file(attributes) for attributes in parser.anchors], parser.status)


def _html_file(attributes: dict[str, str | None]) -> IndexFile:
    url, fragment = urldefrag(attributes["href"] or "")
    sidecar = attributes.get("data-core-metadata", attributes.get("data-dist-info-metadata"))
    return IndexFile(
        filename=filename_of(url),
        url=url,
        hashes=dict(HASH_FRAGMENT.findall(fragment)),
        requires_python=attributes.get("data-requires-python"),
        yanked=(attributes["data-yanked"] or True) if "data-yanked" in attributes else False,
        core_metadata=_html_sidecar(sidecar),
    )


def _html_sidecar(value: str | None) -> bool | dict[str, str] | None:
    if value is None:
        return None
    return dict(HASH_FRAGMENT.findall(value)) or True


class _Anchors(HTMLParser):
    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.anchors: list[dict[str, str | None]] = []
        self.base: str | None = None
        self.status = "active"
        self.seen_markup = False

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.seen_markup = True
        attributes = dict(attrs)
        if tag == "a" and attributes.get("href"):
            self.anchors.append(attributes)
        elif tag == "base" and self.base is None:
            self.base = attributes.get("href")
        elif tag == "meta" and attributes.get("name") == "pypi:project-status":
            self.status = attributes.get("content") or "active"

    def handle_decl(self, decl: str) -> None:
        self.seen_markup = True
