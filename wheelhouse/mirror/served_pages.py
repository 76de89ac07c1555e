"""Everything that one index serves: pages, sidecars and files. Pages are made when a client first asks for them."""

import time
from collections.abc import Mapping
from dataclasses import dataclass, field

from packaging.utils import NormalizedName, canonicalize_name

from wheelhouse.findings import Waiver
from wheelhouse.mirror.browse import Browsed, project_browse, root_browse
from wheelhouse.mirror.kept_answers import KeptAnswers
from wheelhouse.mirror.served import Content, Served, content_of
from wheelhouse.mirror.simple import JSON_TYPE, ProjectPage, project_html, project_json, root_html, root_json
from wheelhouse.mirror.state import State

FILES = "files"
BROWSE_TYPE = "text/html; charset=utf-8"
GRACE_SECONDS = 60.0
"""How long a file that left the index is still sent: a client may have its page, which it may keep for so long."""


@dataclass(frozen=True, slots=True)
class Catalogue:
    """The pages by project, and sidecars and files by name. `metadata` has what was read of each file, `waived` the waivers of its
    pin, by name.

    `leaving` are files that the index had before, with the time (of the monotonic clock) until which they are sent.
    """

    pages: Mapping[NormalizedName, ProjectPage]
    sidecars: Mapping[str, Content]
    files: Mapping[str, Served]
    metadata: Mapping[str, bytes] = field(default_factory=dict)
    waived: Mapping[str, tuple[Waiver, ...]] = field(default_factory=dict)
    leaving: Mapping[str, tuple[Served, float]] = field(default_factory=dict)
    answers: KeptAnswers = field(default_factory=KeptAnswers)
    _made: dict[tuple[str, str], Content] = field(default_factory=dict)

    def page(self, name: str, kind: str) -> Content | None:
        """A page of a project, or the list of projects if the name is empty; None for an unknown project. It is made once.

        `kind` is JSON_TYPE, HTML_TYPE, or BROWSE_TYPE, the one for people. A name counts in its normalized form only.
        """
        if name and name not in self.pages:
            return None
        if (name, kind) not in self._made:
            self._made[name, kind] = content_of(self._text(canonicalize_name(name), kind), kind)
        return self._made[name, kind]

    def _text(self, project: NormalizedName, kind: str) -> str:
        """The text of a page, or of the list of projects if `project` is empty. Links are relative, so the index works below any path."""
        if kind == BROWSE_TYPE:
            browsed = Browsed(self.pages, State(), {})
            return project_browse(browsed, project) if project else root_browse(browsed)
        if not project:
            return root_json(self.pages) if kind == JSON_TYPE else root_html(self.pages)
        prefix = f"../../{FILES}/"
        write = project_json if kind == JSON_TYPE else project_html
        return write(project, self.pages[project], prefix)

    def file(self, name: str) -> Served | None:
        """A file by its name, also one that left the index less than GRACE_SECONDS ago; None for any other name."""
        if (served := self.files.get(name)) is not None:
            return served
        leaving, until = self.leaving.get(name, (None, 0.0))
        return leaving if time.monotonic() < until else None

    def left_by(self, after: "Mapping[str, Served]") -> dict[str, tuple[Served, float]]:
        """The files of this index that the next one, `after`, does not have, by name, each with the time until which it is still sent.

        Files that left earlier are kept while their time lasts.
        """
        now = time.monotonic()
        gone = {name: (served, now + GRACE_SECONDS) for name, served in self.files.items() if name not in after}
        return {name: one for name, one in self.leaving.items() if one[1] > now and name not in after} | gone
