"""Reads VEX documents: CycloneDX with `vulnerabilities[].analysis`, OpenVEX, and CSAF's VEX profile, in JSON (pure).

Sources: CycloneDX 1.6; OpenVEX 0.2.0; CSAF 2.0, 4.5 and 3.2.
"""

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any
from urllib.parse import unquote

from wheelhouse.documents import parse_json
from wheelhouse.errors import InputError
from wheelhouse.findings import Analysis
from wheelhouse.vet.ecosystems import Purl, parse_purl
from wheelhouse.vet.version_ranges import VersionRange, parse_range
from wheelhouse.vet.vex import VexProduct, VexStatement

HINT = "use a VEX document in JSON: CycloneDX with `analysis`, OpenVEX, or CSAF"
OPENVEX_STATES = {
    "not_affected": "not_affected",
    "affected": "exploitable",
    "fixed": "resolved",
    "under_investigation": "in_triage",
}
CSAF_STATES = {
    "known_not_affected": "not_affected",
    "known_affected": "exploitable",
    "first_affected": "exploitable",
    "last_affected": "exploitable",
    "fixed": "resolved",
    "first_fixed": "resolved",
    "under_investigation": "in_triage",
}
CYCLONEDX_STATES = frozenset(
    ("not_affected", "false_positive", "resolved", "resolved_with_pedigree", "exploitable", "in_triage")
)
CONTRADICTING = {
    "resolved": ("affected", "unknown"),
    "resolved_with_pedigree": ("affected", "unknown"),
    "exploitable": ("unaffected",),
}
"""CycloneDX's state of an analysis → the `status` of versions for which the state cannot be true."""
SHA256_NAMES = frozenset(("sha-256", "sha256"))
Table = dict[str, Any]


def parse_vex(text: str, source: str) -> tuple[VexStatement, ...]:
    """The statements of a VEX document. `source` is the name of its file. Raises InputError for any other document."""
    try:
        document = parse_json(text)
        if not isinstance(document, dict):
            raise TypeError("it is not an object")
        return tuple(_reader(document)(document, source))
    except (ValueError, TypeError, KeyError, AttributeError) as error:
        raise InputError(f"`{source}` is not a VEX document: {error}", hint=HINT) from error


def _reader(document: Table) -> Any:  # noqa: ANN401  (one of three functions)
    """The function that reads the format of a document. Raises ValueError for any other format."""
    if document.get("bomFormat") == "CycloneDX":
        return _of_cyclonedx
    if "openvex" in str(document.get("@context")):
        return _of_openvex
    if isinstance(document.get("document"), dict) and "csaf_version" in document["document"]:
        return _of_csaf
    raise ValueError("it is neither CycloneDX nor OpenVEX nor CSAF")


# CycloneDX


def _of_cyclonedx(document: Table, source: str) -> Iterator[VexStatement]:
    """A statement for each vulnerability that has an analysis with a known state; its ids include those of its references."""
    by_reference = {str(one.get("bom-ref")): _cyclonedx_product(one) for one in _components(document)}
    author = _cyclonedx_author(document)
    for row in _tables(document, "vulnerabilities"):
        analysis = row.get("analysis") or {}
        if analysis.get("state") not in CYCLONEDX_STATES:
            continue
        ids = _ids(row.get("id"), *(one.get("id") for one in _tables(row, "references")))
        products = tuple(_affected(row, by_reference))
        made = str(analysis.get("lastUpdated") or row.get("updated") or _cyclonedx_timestamp(document))
        justification, detail = (str(analysis.get(key) or "") for key in ("justification", "detail"))
        stated = Analysis(analysis["state"], justification, detail, author, source)
        yield VexStatement(ids, products, stated, made)


def _components(document: Table) -> Iterator[Table]:
    """The component that the bill of materials is about, its components, and those inside them, outer ones first.

    Raises TypeError or AttributeError if one of them is no object.
    """
    queue = [one for one in [document.get("metadata", {}).get("component")] if one]
    queue += _tables(document, "components")
    for component in queue:
        queue += _tables(component, "components")
        yield component


def _cyclonedx_product(component: Table) -> VexProduct:
    """The package URL and the sha256 of a component."""
    hashes = {str(one.get("alg")).lower(): str(one.get("content", "")) for one in _tables(component, "hashes")}
    return VexProduct(_purl(component.get("purl")), _sha256(hashes))


def _affected(row: Table, by_reference: Mapping[str, VexProduct]) -> Iterator[VexProduct]:
    """The products of `affects`: by reference in the document, a package URL, or a BOM-Link whose end is one of the two.

    A row with versions gives a product for each version or range, but for those whose `status` contradicts the state of the
    analysis; one whose package URL is unknown gives none. A product that is not found has neither package URL nor sha256.
    Raises KeyError for a row without `ref`.
    """
    contradicting = CONTRADICTING.get(row["analysis"]["state"], ())
    for affected in _tables(row, "affects"):
        reference = str(affected["ref"])
        end = unquote(reference.partition("#")[2]) if reference.startswith("urn:cdx:") else reference
        product = by_reference.get(reference) or by_reference.get(end) or VexProduct(_purl(end))
        versions = _tables(affected, "versions")
        if not versions:
            yield product
        for version in (one for one in versions if one.get("status") not in contradicting):
            if product.purl and isinstance(version.get("version"), str):
                yield VexProduct(replace(product.purl, version=version["version"]), product.sha256)
            elif product.purl and isinstance(version.get("range"), str):
                purl = replace(product.purl, version="")
                yield VexProduct(purl, product.sha256, versions=parse_range(version["range"]))


def _cyclonedx_author(document: Table) -> str:
    """The first name that the document has of its supplier, its manufacturer or an author; empty if there is none."""
    metadata = document.get("metadata", {})
    names = [one.get("name") for one in (metadata.get("supplier"), metadata.get("manufacturer")) if one]
    names += [one.get("name") for one in _tables(metadata, "authors")]
    return next((str(name) for name in names if name), "")


def _cyclonedx_timestamp(document: Table) -> str:
    """The own time of a CycloneDX document, as text; empty if there is none."""
    return str(document.get("metadata", {}).get("timestamp") or "")


# OpenVEX


def _of_openvex(document: Table, source: str) -> Iterator[VexStatement]:
    """A statement for each row. A product is a package URL, or has hashes; those of format 0.0.1 are texts.

    Raises KeyError for a status that OpenVEX does not have, and if the statements, or a row's vulnerability or status, are
    missing.
    """
    author, made = str(document.get("author") or ""), str(document.get("timestamp") or "")
    for row in document["statements"]:
        vulnerability = row["vulnerability"]
        if isinstance(vulnerability, str):
            vulnerability = {"name": vulnerability}
        ids = _ids(vulnerability.get("name"), vulnerability.get("@id"), *vulnerability.get("aliases", ()))
        detail = str(row.get("impact_statement") or row.get("action_statement") or row.get("status_notes") or "")
        justification = str(row.get("justification") or "")
        analysis = Analysis(OPENVEX_STATES[row["status"]], justification, detail, author, source)
        when = str(row.get("last_updated") or row.get("timestamp") or made)
        yield VexStatement(ids, tuple(map(_openvex_product, row.get("products", ()))), analysis, when)


def _openvex_product(product: str | Table) -> VexProduct:
    """A product with the components that it names, or a package URL as text. What a component names inside itself is not read."""
    component = _openvex_component(product)
    inside = () if isinstance(product, str) else product.get("subcomponents", ())
    return replace(component, components=tuple(map(_openvex_component, inside)))


def _openvex_component(product: str | Table) -> VexProduct:
    """The package URL and the sha256 of a product or component, or a package URL as text."""
    if isinstance(product, str):
        return VexProduct(_purl(product))
    purl = _purl(product.get("identifiers", {}).get("purl")) or _purl(product.get("@id"))
    hashes = {str(name).lower(): str(digest) for name, digest in product.get("hashes", {}).items()}
    return VexProduct(purl, _sha256(hashes))


# CSAF


def _of_csaf(document: Table, source: str) -> Iterator[VexStatement]:
    """A statement for each product in each known status of a vulnerability.

    Its reason is a flag, and the details of a threat of the kind `impact`. If the product is not in the product tree, the
    statement has no product.
    """
    head = document["document"]
    author = str(head.get("publisher", {}).get("name") or "")
    made = str(head.get("tracking", {}).get("current_release_date") or "")
    products = _csaf_products(document.get("product_tree", {}))
    for row in _tables(document, "vulnerabilities"):
        ids = _ids(row.get("cve"), *(one.get("text") for one in _tables(row, "ids")))
        for status, names in row.get("product_status", {}).items():
            for name in names if status in CSAF_STATES else ():
                analysis = Analysis(CSAF_STATES[status], *_csaf_reason(row, name), author, source)
                yield VexStatement(ids, products.get(name, ()), analysis, made)


def _csaf_products(tree: Table) -> dict[str, tuple[VexProduct, ...]]:
    """The products by id: those of branches and full names, and those of relationships, each a product with one component.

    `product_version_range` branches give a product its range of versions. In a relationship, a product that is not there, or
    is another relationship, has neither package URL nor sha256. Raises KeyError for a product without an id, or an
    incomplete relationship.
    """
    names: list[Table] = list(_tables(tree, "full_product_names"))
    ranges: dict[str, VersionRange] = {}
    queue = _tables(tree, "branches")
    for branch in queue:
        queue += _tables(branch, "branches")
        names += [branch["product"]] if "product" in branch else []
        if branch.get("category") == "product_version_range" and "product" in branch:
            ranges[str(branch["product"]["product_id"])] = parse_range(str(branch.get("name")))
    products = {name: _csaf_product(one, ranges.get(name)) for one in names if (name := str(one["product_id"]))}
    whole: dict[str, tuple[VexProduct, ...]] = {name: (product,) for name, product in products.items()}
    for relationship in _tables(tree, "relationships"):
        inner = products.get(str(relationship["product_reference"]), VexProduct())
        outer = products.get(str(relationship["relates_to_product_reference"]), VexProduct())
        name = str(relationship["full_product_name"]["product_id"])
        whole[name] = (replace(outer, components=(inner,)),)
    return whole


def _csaf_product(product: Table, versions: VersionRange | None) -> VexProduct:
    """The package URL and the sha256 of a product; `versions` is the range of versions that its branch names."""
    helper = product.get("product_identification_helper", {})
    rows = [row for one in _tables(helper, "hashes") for row in _tables(one, "file_hashes")]
    hashes = {str(row.get("algorithm")).lower(): str(row.get("value", "")) for row in rows}
    return VexProduct(_purl(helper.get("purl")), _sha256(hashes), versions=versions)


def _csaf_reason(row: Table, product: str) -> tuple[str, str]:
    """The first justification and the first impact that a vulnerability has for a product; both may be empty."""
    flags = [one["label"] for one in _tables(row, "flags") if _is_for(one, product)]
    impacts = [
        one["details"] for one in _tables(row, "threats") if one.get("category") == "impact" and _is_for(one, product)
    ]
    return next(iter(flags), ""), next(iter(impacts), "")


def _is_for(row: Table, product: str) -> bool:
    """Whether a flag or threat is about a product; one that names neither products nor groups is about all. Groups are not resolved."""
    return not (row.get("product_ids") or row.get("group_ids")) or product in row.get("product_ids", ())


# Parts of all formats


def _tables(table: Table, key: str) -> list[Table]:
    """A copy of the array of tables at `key`; empty if it is missing. Raises TypeError if it is no array of objects."""
    rows = table.get(key) or []
    if not isinstance(rows, list) or not all(isinstance(row, dict) for row in rows):
        raise TypeError(f"`{key}` is no array of objects")
    return list(rows)


def _ids(*names: object) -> frozenset[str]:
    """The ids of a vulnerability, without empty ones; of an address, its last part."""
    return frozenset(str(name).rstrip("/").rpartition("/")[2] for name in names if name)


def _purl(text: object) -> Purl | None:
    """A package URL; None for what is none."""
    return parse_purl(text) if isinstance(text, str) else None


def _sha256(hashes: Mapping[str, str]) -> str:
    """The sha256, in lower case, among hashes by algorithm, whose name must be in lower case; empty if there is none."""
    return next((digest.lower() for name, digest in hashes.items() if name in SHA256_NAMES), "")
