"""Index pages into candidates: the Simple Repository API as JSON (PEP 691, 700) and HTML (PEP 503, 592, 629, 658, 714)."""

import re
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from functools import cached_property
from html.parser import HTMLParser
from urllib.parse import urldefrag, urljoin, urlsplit

from packaging.specifiers import SpecifierSet
from packaging.utils import NormalizedName
from packaging.version import Version

from wheelhouse.archive.artifact import SHA256, Candidate, version_of
from wheelhouse.archive.filenames import ARCHIVE_SUFFIXES, UNREADABLE_SUFFIXES, Filenames, filename_of
from wheelhouse.archive.reasons import BadPageEntry
from wheelhouse.errors import InputError, ServerError
from wheelhouse.index.page_data import ACTIVE, HASHES, Hashes, IndexFile, Status, read_document
from wheelhouse.index.urls import origin_of, redact

JSON_TYPE, HTML_TYPE = "application/vnd.pypi.simple.v1+json", "application/vnd.pypi.simple.v1+html"
ACCEPT = f"{JSON_TYPE}, {HTML_TYPE};q=0.2, text/html;q=0.1"
ARCHIVES = (*ARCHIVE_SUFFIXES, *UNREADABLE_SUFFIXES, ".egg", ".exe")
PLAIN = re.compile(r"https?://[A-Za-z0-9_.-]+(?::[0-9]{1,4})?/")
"""How nearly all addresses of files begin; what does is an http or https address, and needs no second look."""
HASH_FRAGMENT = re.compile(rf"({'|'.join(HASHES)})=([0-9a-fA-F]+)")


class BadAddressError(ServerError):
    """A page gives an address that is none."""


@dataclass(frozen=True)
class Page:
    """One project's page: its files, of which only those of the versions asked for are ever looked at closely.

    `url` is where the page came from in the end, empty where the user named the file himself. Relative addresses on it start
    there, or at `base`, where the page says so. `unsaid`: its server does not say how long it holds, nor how to ask for a newer one.
    """

    project: NormalizedName
    index: str
    url: str
    files: list[IndexFile]
    status: Status = ACTIVE
    base: str = ""
    unsaid: bool = False

    @cached_property
    def _by_version(self) -> tuple[dict[str, list[IndexFile]], list[str]]:
        """Files by their version's spelling; and the names of what is neither a wheel nor an sdist."""
        names = Filenames(self.project)
        grouped: dict[str, list[IndexFile]] = {}
        ignored: list[str] = []
        for file in self.files:
            spelling = names.version(file.filename)
            if spelling is None:
                ignored.append(file.filename)
            else:
                grouped.setdefault(spelling, []).append(file)
        return grouped, ignored

    @cached_property
    def _spellings(self) -> dict[Version, list[str]]:
        spellings: dict[Version, list[str]] = {}
        if self.status.status == "quarantined":
            return spellings
        for spelling in self._by_version[0]:
            try:
                spellings.setdefault(version_of(spelling), []).append(spelling)
            except ValueError:  # no version, or one with more digits than any number may have
                continue
        return spellings

    @property
    def ignored(self) -> tuple[str, ...]:
        """The names of archives that are neither a wheel nor an sdist of this project, in the page's order."""
        return tuple(name for name in self._by_version[1] if name.lower().endswith(ARCHIVES))

    @cached_property
    def versions(self) -> tuple[Version, ...]:
        """Every version that has a file, newest first; none where the project is quarantined."""
        return tuple(sorted(self._spellings, reverse=True))

    def within(self, allowed: SpecifierSet) -> "Page":
        """The same page with the files of these releases alone."""
        spellings = [
            name for version in allowed.filter(self.versions, prereleases=True) for name in self._spellings[version]
        ]
        return replace(self, files=[file for spelling in spellings for file in self._by_version[0][spelling]])

    def candidates(self, version: Version) -> Iterator[Candidate]:
        """The files of one release."""
        grouped = self._by_version[0]
        for spelling in self._spellings.get(version, ()):
            for file in grouped[spelling]:
                yield self._candidate(version, file)

    def _address(self, filename: str, address: str) -> str:
        if PLAIN.match(address) or not self.url:
            return address
        url = _absolute(self.base or self.url, address)
        if url.startswith("file:"):
            if not self.url.startswith("file:"):
                raise ServerError(f"{redact(self.url)} names a file of this machine, `{filename}`, which is not safe")
            return url
        try:
            origin_of(url)
        except InputError as error:
            raise BadAddressError(f"{redact(self.url)} gives no http or https address of `{filename}`") from error
        return url

    def _uploaded(self, file: IndexFile) -> str | None:
        """When a file came there, in UTC, as PEP 700 has it; None for what is no time."""
        if not file.upload_time:
            return None
        with suppress(ValueError, OverflowError):
            moment = datetime.fromisoformat(file.upload_time)
            if moment.tzinfo is UTC:
                return file.upload_time
            return (moment.astimezone(UTC) if moment.tzinfo else moment.replace(tzinfo=UTC)).isoformat()
        return None

    def _provenance(self, file: IndexFile) -> str | None:
        with suppress(BadAddressError):
            return self._address(file.filename, file.provenance) if file.provenance else None
        return None

    def _located(self, file: IndexFile) -> tuple[str, BadPageEntry | None]:
        """A file's address, and why its page's entry cannot be used; None if it can."""
        sha256 = file.hashes.sha256 if file.hashes else None
        if not file.url:
            return "", BadPageEntry("url")
        try:
            url = self._address(file.filename, file.url)
        except BadAddressError:
            return "", BadPageEntry("scheme")
        if sha256 and not SHA256.fullmatch(sha256.lower()):
            return url, BadPageEntry("sha256")
        return url, None

    def _candidate(self, version: Version, file: IndexFile) -> Candidate:
        url, fault = self._located(file)
        sidecar = file.core_metadata if file.core_metadata is not None else file.dist_info_metadata
        return Candidate(
            project=self.project,
            version=version,
            filename=file.filename,
            url=url,
            index=self.index,
            hashes={name: digest.lower() for name in HASHES if (digest := getattr(file.hashes, name, None))},
            size=file.size if file.size is None or file.size >= 0 else None,
            upload_time=self._uploaded(file),
            yanked="" if file.yanked is True else (None if file.yanked is False else file.yanked),
            requires_python=file.requires_python,
            sidecar=sidecar.get("sha256", "") if isinstance(sidecar, dict) else ("" if sidecar else None),
            provenance=self._provenance(file),
            status=None if self.status.status == "active" else str(self.status),
            fault=fault,
        )


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
        document = read_document(body)
    except ValueError as error:
        raise ServerError(f"{redact(url)} answered with a page that cannot be read: {error}") from error
    _check_version(document.meta.api_version, url)
    return Page(project, index, url, document.files, document.project_status)


def _check_version(version: str, url: str) -> None:
    """A major version that is not ours means something else by the same words (PEP 629)."""
    if version.partition(".")[0] != "1":
        hint = "the index may serve an older version elsewhere; else wheelhouse must learn this one"
        raise ServerError(f"{redact(url)} speaks version {version} of the Simple API, and 1.x is known", hint=hint)


def _parse_html(body: bytes, project: NormalizedName, index: str, url: str) -> Page:
    parser = read_html(body, url)
    return Page(project, index, url, html_files(parser, url), parser.status, parser.base_url(url))


def html_files(parser: "Anchors", url: str) -> list[IndexFile]:
    """What the links of a page name, but for addresses that nobody can read.

    Raises ServerError for a page that is for people and links to no file, and for one of which no link can be read.
    """
    files: list[IndexFile] = []
    unread: ValueError | None = None
    for attributes in parser.anchors:
        try:
            files.append(_html_file(attributes))
        except ValueError as error:
            unread = error
    if unread and not files:
        raise ServerError(f"{redact(url)} names an address that cannot be read: {unread}") from unread
    if parser.interactive and not any(file.filename.endswith(ARCHIVES) for file in files):
        hint = "check the address, and whether a proxy or the index wants you to log in"
        raise ServerError(
            f"{redact(url)} answered with a web page, such as one to log in, and no index page", hint=hint
        )
    return files


def read_html(body: bytes, url: str) -> "Anchors":
    """The links of an HTML page. Raises ServerError for what is none, or speaks another version."""
    parser = Anchors()
    try:
        parser.feed(body.decode("utf-8", "replace"))
        parser.close()
    except AssertionError as error:  # html.parser's own word for markup that it cannot read
        raise ServerError(f"{redact(url)} answered with a page that cannot be read: {error}") from error
    if not parser.seen_markup:
        raise ServerError(f"{redact(url)} answered with a page that is not HTML")
    _check_version(parser.metas.get("pypi:repository-version") or "1.0", url)
    return parser


def _absolute(base: str, url: str) -> str:
    """An address on a page, from where the page is, its scheme in lower case. Raises BadAddressError for what is none."""
    try:
        return urlsplit(urljoin(base, url)).geturl()
    except ValueError as error:
        raise BadAddressError(f"{redact(base)} names an address that cannot be read: {error}") from error


def _html_file(attributes: dict[str, str | None]) -> IndexFile:
    url, fragment = urldefrag((attributes["href"] or "").strip())
    sidecar = attributes.get("data-core-metadata", attributes.get("data-dist-info-metadata", "false"))
    return IndexFile(
        filename=filename_of(url),
        url=url,
        hashes=Hashes(**dict(HASH_FRAGMENT.findall(fragment))),
        requires_python=attributes.get("data-requires-python"),
        yanked=(attributes["data-yanked"] or True) if "data-yanked" in attributes else False,
        core_metadata=sidecar != "false" and (dict(HASH_FRAGMENT.findall(sidecar or "")) or True),
        provenance=attributes.get("data-provenance"),
    )


class Anchors(HTMLParser):
    """The links of a page with all that they say, and what the page says of itself.

    `interactive` says that it has what only a page for people has, such as a form to log in.
    """

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.anchors: list[dict[str, str | None]] = []
        self.base: str | None = None
        self.metas: dict[str, str | None] = {}
        self.seen_markup = False
        self.interactive = False

    @property
    def status(self) -> Status:
        """The project's status, as PEP 792 puts it into `meta` elements."""
        return Status(self.metas.get("pypi:project-status") or "active", self.metas.get("pypi:project-status-reason"))

    def base_url(self, url: str) -> str:
        """Where relative addresses start, on a page from `url`."""
        return _absolute(url, self.base) if self.base else url

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.seen_markup = True
        if tag == "a":
            attributes = dict(attrs)
            if attributes.get("href"):
                self.anchors.append(attributes)
        elif tag in ("form", "input", "script"):
            self.interactive = True
        elif tag == "base" and self.base is None:
            self.base = dict(attrs).get("href")
        elif tag == "meta":
            attributes = dict(attrs)
            self.metas[attributes.get("name") or ""] = attributes.get("content")

    def handle_decl(self, decl: str) -> None:
        self.seen_markup = True
