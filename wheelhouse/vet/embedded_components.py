"""The components that bills of materials inside a wheel name: CycloneDX or SPDX, in JSON (PEP 770) (pure)."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from wheelhouse.documents import parse_json
from wheelhouse.vet.ecosystems import Purl, parse_purl
from wheelhouse.vet.facts import Facts

FOLDER = ".dist-info/sboms/"
QUALIFIERS = ("distro", "epoch", "upstream")
"""The qualifiers of a package URL on which it depends which advisories are on the package."""
MAX_COMPONENTS = 100_000


@dataclass(frozen=True, slots=True)
class EmbeddedComponent:
    """A component with a version, and the path of the bill of materials that names it."""

    path: str
    purl: Purl


def embedded_components(facts: Facts) -> list[EmbeddedComponent]:
    """The components with a version that a file's bills of materials name by package URL, each once for each bill.

    Of package URLs that differ only in qualifiers of no use for advisories, the first counts. What is no such bill names none.
    """
    found: dict[tuple[str, ...], EmbeddedComponent] = {}
    for path, text in sorted(facts.texts.items()):
        for name in _purls(text) if FOLDER in path else ():
            purl = parse_purl(name)
            if purl and purl.version:
                key = (path, purl.text, *map(purl.qualifier, QUALIFIERS))
                found.setdefault(key, EmbeddedComponent(path, purl))
    return list(found.values())


def _purls(text: str) -> Iterator[str]:
    """The package URLs in a bill of materials, as they are written; nothing if it is no JSON object."""
    try:
        document = parse_json(text)
    except ValueError:
        return
    if isinstance(document, dict):
        yield from (_of_spdx if "spdxVersion" in document else _of_cyclonedx)(document)


def _of_cyclonedx(document: dict[str, Any]) -> Iterator[str]:
    """The package URLs of components, and of those inside them (CycloneDX 1.6, `components`).

    After MAX_COMPONENTS components, no more of those inside them are looked for.
    """
    queue = _dicts(document.get("components"))
    for component in queue:
        if len(queue) < MAX_COMPONENTS:
            queue += _dicts(component.get("components"))
        if isinstance(purl := component.get("purl"), str):
            yield purl


def _of_spdx(document: dict[str, Any]) -> Iterator[str]:
    """The package URLs of packages (SPDX 2.3, `externalRefs`)."""
    for package in _dicts(document.get("packages")):
        for reference in _dicts(package.get("externalRefs")):
            if reference.get("referenceType") == "purl" and isinstance(reference.get("referenceLocator"), str):
                yield reference["referenceLocator"]


def _dicts(value: object) -> list[dict[str, Any]]:
    """The dicts in a list; empty for anything else."""
    return [one for one in value if isinstance(one, dict)] if isinstance(value, list) else []
