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

from wheelhouse.archive.artifact import SHA256, Candidate, Rejected, choose, version_of
from wheelhouse.archive.filenames import ARCHIVE_SUFFIXES, UNREADABLE_SUFFIXES, Filenames, filename_of
from wheelhouse.archive.reasons import BadPageEntry
from wheelhouse.errors import InputError, ServerError
from wheelhouse.index.page_data import ACTIVE, HASHES, Hashes, IndexFile, Status, read_document
from wheelhouse.index.urls import origin_of, redact
from wheelhouse.target.target import Target

JSON_TYPE, HTML_TYPE = "application/vnd.pypi.simple.v1+json", "application/vnd.pypi.simple.v1+html"
ACCEPT = f"{JSON_TYPE}, {HTML_TYPE};q=0.2, text/html;q=0.1"
ARCHIVES = (*ARCHIVE_SUFFIXES, *UNREADABLE_SUFFIXES, ".egg", ".exe")
PLAIN_URL = re.compile(r"https?://[A-Za-z0-9_.-]+(?::[0-9]{1,4})?/")
"""How nearly all URLs of files begin; such a URL is valid, and is not parsed."""
HASH_FRAGMENT = re.compile(rf"({'|'.join(HASHES)})=([0-9a-fA-F]+)")


class BadAddressError(ServerError):
    """A page has an invalid URL."""


@dataclass(frozen=True)
class Page:
    """One project's page. Only the files of requested versions are parsed.

    `url` is the URL of the page after redirects, empty for a file that the user named. Relative URLs on it start there, or at
    `base` if the page has one. `lacks_freshness` if its server says neither how long the page is fresh, nor how to ask for a
    newer one.
    """

    project: NormalizedName
    index: str
    url: str
    files: list[IndexFile]
    status: Status = ACTIVE
    base: str = ""
    lacks_freshness: bool = False

    @cached_property
    def _by_version(self) -> tuple[dict[str, list[IndexFile]], list[str]]:
        """The page's files by the version as their names write it, and the names of those that are no wheel or sdist of this project."""
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
        """Each version with all its spellings in file names, such as `1.0` and `1.0.0`; what is no version is left out. Empty if
        the project is quarantined.
        """
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
        """The names of archives, also .egg and .exe, that are no wheel or sdist of this project, in the page's order."""
        return tuple(name for name in self._by_version[1] if name.lower().endswith(ARCHIVES))

    @cached_property
    def versions(self) -> tuple[Version, ...]:
        """Every version that has a wheel or sdist, newest first, also yanked ones; empty if the project is quarantined."""
        return tuple(sorted(self._spellings, reverse=True))

    @cached_property
    def has_queries(self) -> bool:
        """Whether a link on the page, to a file or to its provenance, or the base of its links, has a query, which may be a signature."""
        return "?" in self.base or any("?" in file.url or "?" in (file.provenance or "") for file in self.files)

    def within(self, allowed: SpecifierSet) -> "Page":
        """The same page with the files of the releases within a specifier only, pre-releases too, the newest release first;
        with none if the project is quarantined.
        """
        spellings = [
            name for version in allowed.filter(self.versions, prereleases=True) for name in self._spellings[version]
        ]
        return replace(self, files=[file for spelling in spellings for file in self._by_version[0][spelling]])

    def released(self, allowed: SpecifierSet, *, prereleases: bool | None) -> tuple[Version, ...]:
        """The versions within a specifier, newest first; `prereleases` as `SpecifierSet.filter` takes it. Kept for all targets of a run."""
        key = str(allowed), prereleases, allowed.prereleases
        if key not in self._released:
            self._released[key] = tuple(allowed.filter(self.versions, prereleases=prereleases))
        return self._released[key]

    @cached_property
    def _released(self) -> dict[tuple[str, bool | None, bool | None], tuple[Version, ...]]:
        """The results of `released` so far."""
        return {}

    def chosen(self, version: Version, target: Target) -> tuple[Candidate | None, list[Rejected]]:
        """The file of a release that fits a target best (None if none fits), and the others with the reasons. Kept for all
        jobs of a run: do not change the list. Raises ServerError as `candidates` does.
        """
        if (version, target) not in self._chosen:
            self._chosen[version, target] = choose(self.candidates(version), target)
        return self._chosen[version, target]

    @cached_property
    def _chosen(self) -> dict[tuple[Version, Target], tuple[Candidate | None, list[Rejected]]]:
        """The results of `chosen` so far."""
        return {}

    def candidates(self, version: Version) -> tuple[Candidate, ...]:
        """All files of one release, fit for a target or not; empty if it has none, or if the project is quarantined. Made
        once for all targets of a run.

        Raises ServerError if a page of a server names a file of this machine.
        """
        if version not in self._candidates:
            self._candidates[version] = tuple(self._files_of(version))
        return self._candidates[version]

    @cached_property
    def _candidates(self) -> dict[Version, tuple[Candidate, ...]]:
        """The results of `candidates` so far."""
        return {}

    def _files_of(self, version: Version) -> Iterator[Candidate]:
        """The candidates of one release, made anew."""
        grouped = self._by_version[0]
        for spelling in self._spellings.get(version, ()):
            for file in grouped[spelling]:
                yield self._candidate(version, file)

    def _address(self, filename: str, address: str) -> str:
        """An absolute URL; one that looks like a plain http(s) URL already, and any address on a page of the user's own,
        without a URL, as it is.

        Raises BadAddressError, or ServerError for a file of this machine on a page of a server.
        """
        if PLAIN_URL.match(address) or not self.url:
            return address
        url = _absolute(self.base or self.url, address)
        if url.startswith("file:"):
            if not self.url.startswith("file:"):
                raise ServerError(
                    f"{redact(self.url)} names the local file `{filename}`: a page from a server must not name a file of this machine"
                )
            return url
        try:
            origin_of(url)
        except InputError as error:
            raise BadAddressError(f"{redact(self.url)} has no valid http or https address for `{filename}`") from error
        return url

    def _uploaded(self, file: IndexFile) -> str | None:
        """The upload time of a file in UTC as ISO 8601 text (PEP 700); None if the page gives no valid time. A time without
        a zone counts as UTC; one in UTC, with any spelling of its zone such as `Z`, stays as written.
        """
        if not file.upload_time:
            return None
        with suppress(ValueError, OverflowError):
            moment = datetime.fromisoformat(file.upload_time)
            if moment.tzinfo is UTC:
                return file.upload_time
            return (moment.astimezone(UTC) if moment.tzinfo else moment.replace(tzinfo=UTC)).isoformat()
        return None

    def _provenance(self, file: IndexFile) -> str | None:
        """The absolute URL of a file's provenance object (PEP 740); None if the page gives none, or an invalid one.

        Raises ServerError for a file of this machine on a page of a server.
        """
        with suppress(BadAddressError):
            return self._address(file.filename, file.provenance) if file.provenance else None
        return None

    def _located(self, file: IndexFile) -> tuple[str, BadPageEntry | None]:
        """A file's absolute URL, and why its entry on the page cannot be used; None if it can. The URL is empty if there is
        none that is valid.

        Raises ServerError for a file of this machine on a page of a server.
        """
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
        """The candidate for a file of the page; what is wrong with its URL or sha256 goes into `fault`. A negative size, an
        invalid upload time and an invalid provenance address are left out.

        Raises ServerError for a file of this machine on a page of a server.
        """
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
            sidecar=sidecar.get("sha256", "").lower() if isinstance(sidecar, dict) else ("" if sidecar else None),
            provenance=self._provenance(file),
            status=None if self.status.status == "active" else str(self.status),
            fault=fault,
        )


def parse_page(body: bytes, content_type: str, project: NormalizedName, index: str, url: str) -> Page:
    """Read a page as JSON or HTML, by its content type. Raises ServerError for anything but an index page that can be read.

    Whether it is the page of `project` is not checked.
    """
    kind = content_type.partition(";")[0].strip().lower()
    if kind in (JSON_TYPE, "application/json"):
        return _parse_json(body, project, index, url)
    if kind in (HTML_TYPE, "text/html"):
        return _parse_html(body, project, index, url)
    hint = "check that the address is the root of a Simple index: most end in /simple"
    raise ServerError(f"{redact(url)} answered with `{kind or 'no type'}`, which is not an index page", hint=hint)


def _parse_json(body: bytes, project: NormalizedName, index: str, url: str) -> Page:
    """The page that a JSON text holds. Raises ServerError."""
    try:
        document = read_document(body)
    except ValueError as error:
        raise ServerError(f"{redact(url)} answered with a page that cannot be read: {error}") from error
    _check_version(document.meta.api_version, url)
    return Page(project, index, url, document.files, document.project_status)


def _check_version(version: str, url: str) -> None:
    """Raise ServerError for any version of the API but 1.x: its fields may mean something else (PEP 629)."""
    if version.partition(".")[0] != "1":
        hint = "use an index that serves version 1.x, or a newer release of wheelhouse"
        raise ServerError(
            f"{redact(url)} has version {version} of the Simple API, but wheelhouse reads only 1.x", hint=hint
        )


def _parse_html(body: bytes, project: NormalizedName, index: str, url: str) -> Page:
    """The page that an HTML text holds. Raises ServerError."""
    parser = read_html(body, url)
    return Page(project, index, url, html_files(parser, url), parser.status, parser.base_url(url))


def html_files(parser: "Anchors", url: str) -> list[IndexFile]:
    """The files that a page links to, in its order, without links whose URL is invalid; a link may be to no archive.

    Raises ServerError for a page that is for people and links to no archive, and for one with invalid URLs only.
    """
    files: list[IndexFile] = []
    invalid: ValueError | None = None
    for attributes in parser.anchors:
        try:
            files.append(_html_file(attributes))
        except ValueError as error:
            invalid = error
    if invalid and not files:
        raise ServerError(f"{redact(url)} contains an address that cannot be read: {invalid}") from invalid
    if parser.interactive and not any(file.filename.endswith(ARCHIVES) for file in files):
        hint = "check the address, and whether a proxy or the index requires a login"
        raise ServerError(
            f"{redact(url)} answered with a web page (perhaps a login page) instead of an index page", hint=hint
        )
    return files


def read_html(body: bytes, url: str) -> "Anchors":
    """Parse an HTML page into its links and metadata.

    Raises ServerError for a text that html.parser cannot parse, or without any tag or declaration, and for a version of the
    API other than 1.x.
    """
    parser = Anchors()
    try:
        parser.feed(body.decode("utf-8", "replace"))
        parser.close()
    except AssertionError as error:  # html.parser raises it for markup that it cannot parse
        raise ServerError(f"{redact(url)} answered with a page that cannot be read: {error}") from error
    if not parser.seen_markup:
        raise ServerError(f"{redact(url)} answered with a page that is not HTML")
    _check_version(parser.metas.get("pypi:repository-version") or "1.0", url)
    return parser


def _absolute(base: str, url: str) -> str:
    """A URL on a page, of any scheme, made absolute, its scheme in lower case.

    Raises BadAddressError for one that cannot be parsed.
    """
    try:
        return urlsplit(urljoin(base, url)).geturl()
    except ValueError as error:
        raise BadAddressError(f"{redact(base)} contains an address that cannot be read: {error}") from error


def _html_file(attributes: dict[str, str | None]) -> IndexFile:
    """The file of a link, from its attributes (PEP 503, 592, 658, 714, 740); `url` is as written, without its fragment.

    Raises ValueError for an invalid one.
    """
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
    """The links of a page with their attributes, and the metadata of the page.

    `interactive` if it has an element that only pages for people have, such as a log-in form.
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
        """The project's status, from `meta` elements (PEP 792); active if there are none."""
        return Status(self.metas.get("pypi:project-status") or "active", self.metas.get("pypi:project-status-reason"))

    def base_url(self, url: str) -> str:
        """The base of relative URLs on a page from `url`: its `base` element, made absolute, else `url`.

        Raises BadAddressError for an invalid `base` element.
        """
        return _absolute(url, self.base) if self.base else url

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Note that there is markup, and a link with a target, the first `base`, a `meta`, or that an element is only for people."""
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
        """Note that there is a declaration such as `<!DOCTYPE html>`."""
        self.seen_markup = True
