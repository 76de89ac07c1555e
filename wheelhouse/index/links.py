"""Links: files of any project in a folder, or linked from one HTML page, as pip's --find-links takes them."""

import threading
from contextlib import suppress
from functools import cached_property
from pathlib import Path

from packaging.utils import InvalidSdistFilename, NormalizedName, canonicalize_name

from wheelhouse.archive.filenames import is_wheel, sdist_releases
from wheelhouse.errors import InputError, ServerError
from wheelhouse.files.disk import os_errors_as_machine_error, sha256_of
from wheelhouse.index.http import Http
from wheelhouse.index.page_data import ACTIVE, Hashes, IndexFile
from wheelhouse.index.pages import HTML_TYPE, Page, html_files, read_html
from wheelhouse.index.urls import locked_url, query_of, redact, redact_folder

Files = dict[NormalizedName, list[IndexFile]]


class LinksFolder:
    """A folder of wheels and sdists. No index gives their hashes, so they are hashed when they are requested."""

    def __init__(self, folder: Path, name: str) -> None:
        self.name = name
        self._folder = folder
        if not folder.is_dir():
            raise InputError(f"--find-links `{redact_folder(name)}` is not an http or https address, and not a folder")

    def holds(self, project: NormalizedName) -> bool:
        """Whether the folder has a wheel or sdist of this project, by its name. The folder is read once, by the first call.

        Raises MachineError if it cannot be read.
        """
        return project in self._files

    def page(self, project: NormalizedName) -> Page | None:
        """A page with the project's files, which are hashed now, each time; None if there were none when the folder was
        read.

        Raises MachineError if the folder or a file cannot be read.
        """
        paths = self._files.get(project)
        if not paths:
            return None
        files = [
            IndexFile(path.name, path.absolute().as_uri(), Hashes(sha256=sha256_of(path)), path.stat().st_size)
            for path in paths
        ]
        return Page(project, self.name, self._folder.absolute().as_uri() + "/", files, ACTIVE)

    @cached_property
    def _files(self) -> dict[NormalizedName, list[Path]]:
        """The wheels and sdists of the folder by project, sorted by name; folders inside are not searched. One sdist may be of
        two projects: `a-1-2.tar.gz` of `a` and of `a-1`.
        """
        files: dict[NormalizedName, list[Path]] = {}
        with os_errors_as_machine_error(self._folder):
            for path in sorted(self._folder.iterdir()):
                for project in projects_of(path.name) if path.is_file() else ():
                    files.setdefault(project, []).append(path)
        return files


class LinksPage:
    """One HTML page with links to files of many projects. It is requested once."""

    def __init__(self, url: str, http: Http) -> None:
        self.name = locked_url(url)
        self._address = self.name + query_of(url)
        self._http = http
        http.credentials.learn(url)
        self._guard = threading.Lock()
        self._answer: tuple[str, str, Files] | None = None

    def holds(self, project: NormalizedName) -> bool:
        """Whether the page links to a file of this project. Raises ServerError if it cannot be fetched."""
        return project in self._files()[2]

    def page(self, project: NormalizedName) -> Page | None:
        """A page with the project's files; None if there are none. Raises ServerError if the page of links cannot be fetched."""
        url, base, files = self._files()
        return Page(project, self.name, url, files[project], ACTIVE, base) if project in files else None

    def _files(self) -> tuple[str, str, Files]:
        """The URL of the page after redirects, the base of its relative URLs, and its files by project. Requested once.

        Raises ServerError; then the next call requests the page again.
        """
        with self._guard:
            if self._answer is None:
                self._answer = self._request()
            return self._answer

    def _request(self) -> tuple[str, str, Files]:
        """Request the page, and return what `_files` keeps. Raises ServerError for any status but 200, and for what is not HTML."""
        reply = self._http.get(
            self._address, {"Accept": f"{HTML_TYPE}, text/html"}, subject=f"the links of {redact(self.name)}"
        )
        if reply.status != 200:
            raise ServerError(
                f"{redact(self.name)} answered {reply.status}", hint="check the address after --find-links"
            )
        anchors = read_html(reply.body, reply.url)
        files: Files = {}
        for file in html_files(anchors, reply.url):
            for project in projects_of(file.filename):
                files.setdefault(project, []).append(file)
        return reply.url, anchors.base_url(reply.url), files


def projects_of(filename: str) -> frozenset[NormalizedName]:
    """The projects, normalised, that a file name may be of; an sdist's may be several. Of any name that ends in `.whl` it is
    what comes before the first hyphen, unchecked. Empty if it is neither a wheel nor an sdist.
    """
    if is_wheel(filename):
        return frozenset((canonicalize_name(filename.partition("-")[0]),))
    with suppress(InvalidSdistFilename):
        return frozenset(project for project, _ in sdist_releases(filename))
    return frozenset()
