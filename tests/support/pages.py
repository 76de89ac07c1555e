"""Index pages: what an index offers, as PEP 691 JSON and, from the same entries, as PEP 503 HTML. Pure."""

import hashlib
import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from html import escape
from typing import Any

from tests.support.offers import Offer

HTML = "text/html"
HTML_V1 = "application/vnd.pypi.simple.v1+html"
JSON_V1 = "application/vnd.pypi.simple.v1+json"
_PAGE = "<!DOCTYPE html>\n<html><head>{head}<title>{title}</title></head><body>\n{lines}</body></html>\n"


@dataclass(frozen=True)
class Abilities:
    """What an index can do; many real ones lack some of it.

    `sizes`, and `versions` with them, are PEP 700's, as are `upload_times`; `sidecars` are PEP 658's metadata files
    under PEP 714's names; `validators` are ETags; `compression` is of pages; `cache_control` is said with them.
    """

    json: bool = True
    html: bool = True
    hashes: bool = True
    sizes: bool = True
    upload_times: bool = True
    sidecars: bool = True
    ranges: bool = True
    validators: bool = True
    compression: bool = True
    requires_python: bool = True
    cache_control: str = ""

    def content_types(self) -> list[str]:
        """The types of pages, the default first; an index with HTML only knows no other name for it."""
        if not self.json:
            return [HTML]
        return [HTML, HTML_V1, JSON_V1] if self.html else [JSON_V1]


BARE = Abilities(
    json=False,
    hashes=False,
    sizes=False,
    upload_times=False,
    sidecars=False,
    ranges=False,
    validators=False,
    compression=False,
    requires_python=False,
)
"""An index that can do nothing but name files, in HTML."""


@dataclass(frozen=True)
class Project:
    """What one page tells of; `status` and `reason` are PEP 792's."""

    name: str
    offers: Sequence[Offer] = ()
    status: str | None = None
    reason: str | None = None

    def marks(self) -> dict[str, str]:
        """The status as both forms of a page spell it."""
        told = {"status": self.status, "reason": self.reason if self.status else None}
        return {key: value for key, value in told.items() if value is not None}


Entry = dict[str, Any]
Locate = Callable[[Offer], str]


def entry(offer: Offer, url: str, abilities: Abilities) -> Entry:
    """One of `files` in PEP 691, with no key that the index is unable to tell."""
    told: Entry = {"filename": offer.filename, "url": url, "hashes": dict(offer.hashes) if abilities.hashes else {}}
    may_tell = {
        "size": (abilities.sizes, offer.size),
        "requires-python": (abilities.requires_python, offer.requires_python),
        "upload-time": (abilities.upload_times, offer.upload_time),
        "yanked": (True, True if offer.yanked == "" else offer.yanked),
        "provenance": (True, offer.provenance),
        "core-metadata": (abilities.sidecars, _sidecar(offer.metadata, abilities.hashes)),
    }
    return told | {key: value for key, (able, value) in may_tell.items() if able and value is not None}


def _sidecar(metadata: bytes | None, hashes: bool) -> dict[str, str] | bool | None:
    if metadata is None:
        return None
    return {"sha256": hashlib.sha256(metadata).hexdigest()} if hashes else True


def project_json(project: Project, locate: Locate, abilities: Abilities) -> bytes:
    """A project's page: API 1.0 without sizes (PEP 691), 1.1 with them (PEP 700), 1.4 with a status (PEP 792)."""
    version = "1.4" if project.status else "1.1" if abilities.sizes else "1.0"
    page: Entry = {"meta": {"api-version": version}, "name": project.name}
    page |= {"project-status": project.marks()} if project.status else {}
    page |= {"versions": sorted({offer.version for offer in project.offers})} if abilities.sizes else {}
    page |= {"files": [entry(offer, locate(offer), abilities) for offer in project.offers]}
    return json.dumps(page).encode()


def project_html(project: Project, locate: Locate, abilities: Abilities) -> bytes:
    """A project's page: a link for each file (PEP 503), with what attributes can tell of it (PEP 592, PEP 714)."""
    entries = (entry(offer, locate(offer), abilities) for offer in project.offers)
    names = {"status": "pypi:project-status", "reason": "pypi:project-status-reason"}
    metas = {names[key]: value for key, value in project.marks().items()}
    return _html(f"Links for {project.name}", map(_anchor, entries), metas)


def _anchor(told: Entry) -> str:
    fragment = next((f"#{name}={digest}" for name, digest in told["hashes"].items()), "")
    attributes = {"href": told["url"] + fragment}
    if "requires-python" in told:
        attributes["data-requires-python"] = told["requires-python"]
    if "yanked" in told:
        attributes["data-yanked"] = "" if told["yanked"] is True else told["yanked"]
    if "provenance" in told:
        attributes["data-provenance"] = told["provenance"]
    if "core-metadata" in told:
        sidecar = told["core-metadata"]
        attributes["data-core-metadata"] = "true" if sidecar is True else f"sha256={sidecar['sha256']}"
    return _element("a", attributes) + escape(told["filename"]) + "</a><br>"


def root_json(names: Iterable[str]) -> bytes:
    """The list of projects (PEP 691)."""
    return json.dumps({"meta": {"api-version": "1.1"}, "projects": [{"name": name} for name in names]}).encode()


def root_html(names: Iterable[str]) -> bytes:
    """The list of projects (PEP 503)."""
    return _html("Simple index", (_element("a", {"href": f"{name}/"}) + f"{name}</a><br>" for name in names), {})


def _html(title: str, lines: Iterable[str], metas: Mapping[str, str]) -> bytes:
    """A page that states its version (PEP 629)."""
    stated = {"pypi:repository-version": "1.4" if metas else "1.1", **metas}
    head = "".join(_element("meta", {"name": name, "content": value}) for name, value in stated.items())
    return _PAGE.format(head=head, title=escape(title), lines="".join(f"{line}\n" for line in lines)).encode()


def _element(name: str, attributes: Mapping[str, str]) -> str:
    return f"<{name}" + "".join(f' {key}="{escape(value)}"' for key, value in attributes.items()) + ">"
