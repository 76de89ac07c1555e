"""A wheelhouse as a CycloneDX 1.6 bill of materials, merged with those that wheels contain (PEP 770)."""

import json
import re
import uuid
from collections.abc import Iterable, Iterator
from contextlib import suppress
from importlib import import_module
from importlib.metadata import version
from typing import TYPE_CHECKING, Any

from wheelhouse.debian.debian_lock import LockedDeb
from wheelhouse.documents import too_deep_as
from wheelhouse.errors import MachineError
from wheelhouse.extras import install_command
from wheelhouse.oci.image_lock import FOLDER as IMAGE
from wheelhouse.oci.image_lock import BaseImage
from wheelhouse.vet.cyclonedx_vulnerabilities import vulnerabilities
from wheelhouse.vet.evidence import Evidence
from wheelhouse.vet.facts import Facts
from wheelhouse.vet.image_packages import ImagePackage, ImagePackages

if TYPE_CHECKING:
    from cyclonedx.model import ExternalReference, Property
    from cyclonedx.model.bom import Bom
    from cyclonedx.model.component import Component
    from cyclonedx.model.dependency import Dependency
    from cyclonedx.model.license import License
    from packageurl import PackageURL

Edges = dict[str, set[str]]
ROOT = "house"
NAMESPACE = uuid.UUID("6b0a2a0e-6d0c-5b7e-9a56-2f3f6a1a7c55")
SAFE_URL = re.compile(r"https?://[\w.~:/?#@!$&'*+(),;=%-]+", re.ASCII)
MAX_NAME_CHARACTERS = 100
LIBRARIES = ("cyclonedx.output.json", "cyclonedx.validation.json", "jsonschema", "referencing")
"""The modules of the extra, which is not installed with wheelhouse."""
SITES = {
    "home-page": "website",
    "homepage": "website",
    "source": "vcs",
    "repository": "vcs",
    "changelog": "release-notes",
}
SITES |= {"documentation": "documentation", "issues": "issue-tracker", "bug tracker": "issue-tracker"}


def sbom(evidence: Evidence) -> str:
    """The bill of materials as JSON with a line end: the same evidence gives the same text.

    Raises MachineError if the extra is missing, or the text does not satisfy the schema.
    """
    require_cyclonedx()
    from cyclonedx.output.json import JsonV1Dot6  # noqa: PLC0415

    text = JsonV1Dot6(_bom(evidence)).output_as_string(indent=1) + "\n"
    if wrong := _invalid(text, "1.6"):
        raise MachineError(f"the SBOM does not satisfy the schema of CycloneDX 1.6: {wrong}")
    return text


def require_cyclonedx() -> None:
    """Raise MachineError if the libraries of the extra are missing. Called before a long run, too."""
    try:
        for name in LIBRARIES:
            import_module(name)
    except ImportError as error:
        missing = (error.name or "").partition(".")[0]
        project = missing if missing in ("jsonschema", "referencing") else "cyclonedx-python-lib"
        hint = f"install it with: {install_command('sbom')}"
        raise MachineError(
            f"a CycloneDX SBOM needs the project `{project}`, which is not installed", hint=hint
        ) from error


def _invalid(text: str, schema_version: str) -> str | None:
    """Why a bill of materials is not valid: the first line of what the schema says, or why it cannot be read. None if it is valid."""
    from cyclonedx.schema import SchemaVersion  # noqa: PLC0415
    from cyclonedx.validation.json import JsonStrictValidator  # noqa: PLC0415

    try:
        with too_deep_as(ValueError):
            fault = JsonStrictValidator(SchemaVersion.from_version(schema_version)).validate_str(text)
    except (ValueError, KeyError) as error:
        return str(error)
    return str(fault).partition("\n")[0] if fault else None


def _bom(evidence: Evidence) -> "Bom":
    """The bill of materials as an object: all files, base images and what they have installed, vulnerabilities, and the merged graph."""
    from cyclonedx.model import Property  # noqa: PLC0415
    from cyclonedx.model.bom import Bom  # noqa: PLC0415
    from cyclonedx.model.component import Component, ComponentType  # noqa: PLC0415

    bom = Bom(serial_number=_serial(evidence))
    bom.metadata.timestamp = evidence.now
    bom.metadata.tools.components.add(
        Component(name="wheelhouse", type=ComponentType.APPLICATION, version=version("airgap-wheelhouse"))
    )
    targets = [Property(name="wheelhouse:target", value=lock.target.name) for lock in evidence.wheelhouses[""].locks]
    root = Component(name=evidence.name, type=ComponentType.APPLICATION, bom_ref=ROOT, properties=targets)
    bom.metadata.component = root
    components = {name: _component(facts, evidence) for name, facts in evidence.files.items()}
    edges = _edges(evidence)
    for name, component in components.items():
        edges |= _merged(component, evidence.files[name], edges[name])
    bom.components.update(components.values(), (_other(name, evidence) for name in evidence.others))
    bom.components.update(map(_image, evidence.images))
    bom.components.update(_installed(package, image) for image in evidence.image_packages for package in image.packages)
    bom.vulnerabilities.update(vulnerabilities(evidence))
    bom.dependencies.update(_dependency(ref, on) for ref, on in edges.items())
    return bom


def _edges(evidence: Evidence) -> Edges:
    """The merged graph of all targets, reference → references.

    The wheelhouse itself depends on what was requested or nothing needs, its other files, all its Debian packages and its
    base images. A Debian package depends on those of the wheelhouse that it needs, a base image on what it has installed.
    """
    images = {_image_ref(image) for image in evidence.images}
    edges: Edges = {ROOT: {*evidence.others, *images}, **{name: set() for name in evidence.hashes}}
    for image in evidence.image_packages:
        installed = {image.ref(package.name) for package in image.packages}
        edges |= {f"{IMAGE}/{image.architecture}": installed, **{ref: set() for ref in installed}}
    places = {deb.name: place for place, deb in evidence.debs.items()}
    for place, deb in evidence.debs.items():
        edges[place] = {places[name] for name in deb.depends if name in places}
    for graph in evidence.graphs:
        edges[ROOT] |= graph.roots
        for name, needs in graph.needs.items():
            edges[name] |= needs
    return edges


def _dependency(ref: str, on: Iterable[str]) -> "Dependency":
    """A node of the graph as the library has it."""
    from cyclonedx.model.bom_ref import BomRef  # noqa: PLC0415
    from cyclonedx.model.dependency import Dependency  # noqa: PLC0415

    return Dependency(BomRef(ref), [Dependency(BomRef(other)) for other in on])


def _serial(evidence: Evidence) -> uuid.UUID:
    """A UUID that depends only on the time of the evidence and on the names and hashes of its files."""
    hashes = [f"{name} {sha256}" for name, sha256 in sorted(evidence.hashes.items())]
    return uuid.uuid5(NAMESPACE, "\n".join([evidence.now.isoformat(), *hashes]))


def _component(facts: Facts, evidence: Evidence) -> "Component":
    """A distribution as a component."""
    from cyclonedx.model import HashAlgorithm, HashType  # noqa: PLC0415
    from cyclonedx.model.component import Component, ComponentType  # noqa: PLC0415
    from packageurl import PackageURL  # noqa: PLC0415

    pin = facts.pin
    purl = PackageURL("pypi", None, pin.project, str(pin.version), {"file_name": pin.artifact.filename})
    return Component(
        name=pin.project,
        type=ComponentType.LIBRARY,
        version=str(pin.version),
        bom_ref=facts.subject,
        description=_printable(facts.header("summary")) or None,
        hashes=[HashType(alg=HashAlgorithm.SHA_256, content=pin.artifact.sha256)],
        licenses=_licences(facts, evidence),
        purl=purl,
        external_references=_references(facts),
        properties=_properties(facts, evidence),
    )


def _other(name: str, evidence: Evidence) -> "Component":
    """A file that is not a distribution, as a component; a Debian package is a library with its purl, any other a file."""
    from cyclonedx.model import HashAlgorithm, HashType  # noqa: PLC0415
    from cyclonedx.model.component import Component, ComponentType  # noqa: PLC0415

    hashes = [HashType(alg=HashAlgorithm.SHA_256, content=evidence.hashes[name])]
    if deb := evidence.debs.get(name):
        purl = _deb_purl(deb, evidence.debian.distribution)
        library = ComponentType.LIBRARY
        licences = _deb_licence(evidence.deb_licences.get(name, ""))
        return Component(
            name=deb.name,
            type=library,
            version=deb.version,
            bom_ref=name,
            hashes=hashes,
            licenses=licences,
            purl=purl,
        )
    return Component(name=name, type=ComponentType.FILE, bom_ref=name, hashes=hashes)


def _deb_purl(deb: LockedDeb | ImagePackage, distribution: str) -> "PackageURL":
    """The package URL of a Debian package. `distribution`, as `ubuntu-22.04`, gives its namespace and a qualifier.

    If it is empty, the namespace is `debian`, and there is no such qualifier.
    """
    from packageurl import PackageURL  # noqa: PLC0415

    qualifiers = {"arch": deb.architecture, **({"distro": distribution} if distribution else {})}
    return PackageURL("deb", distribution.partition("-")[0] or "debian", deb.name, deb.version, qualifiers)


def _installed(package: ImagePackage, image: ImagePackages) -> "Component":
    """A Debian package that a base image has installed, as a component without a hash."""
    from cyclonedx.model.component import Component, ComponentType  # noqa: PLC0415

    return Component(
        name=package.name,
        type=ComponentType.LIBRARY,
        version=package.version,
        bom_ref=image.ref(package.name),
        licenses=_deb_licence(package.licence),
        purl=_deb_purl(package, image.distribution),
    )


def _deb_licence(expression: str) -> "Iterable[License]":
    """The licence of a Debian package, concluded from its copyright file; nothing for an empty expression."""
    from cyclonedx.model.license import LicenseAcknowledgement, LicenseExpression  # noqa: PLC0415

    concluded = LicenseAcknowledgement.CONCLUDED
    return [LicenseExpression(expression, acknowledgement=concluded)] if expression else []


def _image_ref(image: BaseImage) -> str:
    """The reference of a base image in the bill of materials: by its architecture alone."""
    return f"{IMAGE}/{image.architecture}"


def _image(image: BaseImage) -> "Component":
    """A base image as a component; its purl has the digest as the version (package-url, type `oci`)."""
    from cyclonedx.model import HashAlgorithm, HashType  # noqa: PLC0415
    from cyclonedx.model.component import Component, ComponentType  # noqa: PLC0415
    from packageurl import PackageURL  # noqa: PLC0415

    reference = image.reference
    name, tag = image.tag.rpartition(":")[::2]
    place = {"arch": image.architecture, "repository_url": f"{reference.registry}/{reference.repository}", "tag": tag}
    purl = PackageURL("oci", None, reference.repository.rpartition("/")[2], image.manifest.digest, place)
    return Component(
        name=name,
        type=ComponentType.CONTAINER,
        version=image.manifest.digest,
        bom_ref=_image_ref(image),
        purl=purl,
        hashes=[HashType(alg=HashAlgorithm.SHA_256, content=image.manifest.sha256)],
    )


def _properties(facts: Facts, evidence: Evidence) -> "Iterator[Property]":
    """A file's path, size, upload time, reviewers and the sdist it was built from, as properties without unknown ones."""
    from cyclonedx.model import Property  # noqa: PLC0415

    pin = facts.pin
    values = {
        "file": facts.subject,
        "size": str(pin.artifact.size),
        "uploaded": pin.artifact.upload_time.isoformat() if pin.artifact.upload_time else None,
        "approved-by": ", ".join(sorted(evidence.approvals.reviewers(pin.artifact.sha256))),
        "built-from": f"{pin.built.sdist.filename} sha256:{pin.built.sdist.sha256}" if pin.built else None,
    }
    return (Property(name=f"wheelhouse:{name}", value=value) for name, value in values.items() if value)


def _licences(facts: Facts, evidence: Evidence) -> "Iterable[License]":
    """The licence expression: declared if the project wrote it as one (PEP 639), else concluded.

    Without one, the beginning of the project's own words; nothing without those.
    """
    from cyclonedx.model.license import DisjunctiveLicense, LicenseAcknowledgement, LicenseExpression  # noqa: PLC0415

    licence = evidence.licences[facts.subject]
    if licence.expression:
        declared = licence.source == "License-Expression"
        acknowledgement = LicenseAcknowledgement.DECLARED if declared else LicenseAcknowledgement.CONCLUDED
        return [LicenseExpression(licence.expression, acknowledgement=acknowledgement)]
    words = _printable(facts.header("license"))[:MAX_NAME_CHARACTERS]
    return [DisjunctiveLicense(name=words, acknowledgement=LicenseAcknowledgement.DECLARED)] if words else []


def _printable(text: str) -> str:
    """A text with a blank for each letter that is not printable, without blanks at its ends."""
    return "".join(letter if letter.isprintable() else " " for letter in text).strip()


def _references(facts: Facts) -> "Iterator[ExternalReference]":
    """The addresses that the project's metadata name, and that of the file, or of the sdist that it was built from.

    Only http and https addresses; one with a character that SAFE_URL does not have is left out.
    """
    from cyclonedx.exception.model import InvalidUriException  # noqa: PLC0415
    from cyclonedx.model import ExternalReference, ExternalReferenceType, HashAlgorithm, HashType, XsUri  # noqa: PLC0415

    pin = facts.pin
    lines = [line.partition(",")[::2] for line in facts.headers.get("project-url", ())]
    lines += [("home-page", url) for url in facts.headers.get("home-page", ())]
    rows = [(SITES.get(label.strip().lower(), "other"), url.strip(), label, False) for label, url in lines]
    rows += [("distribution", pin.origin.url, pin.index, not pin.built)] if pin.origin.url else []
    for kind, url, comment, is_this_file in rows:
        hashes = [HashType(alg=HashAlgorithm.SHA_256, content=pin.artifact.sha256)] if is_this_file else []
        with suppress(InvalidUriException):
            if SAFE_URL.fullmatch(url):
                yield ExternalReference(
                    type=ExternalReferenceType(kind), url=XsUri(url), hashes=hashes, comment=_printable(comment) or None
                )


def _merged(component: "Component", facts: Facts, needs: set[str]) -> Edges:
    """Add the components of a wheel's own bills of materials to its component, and return their edges.

    The component's own edges are added to `needs`. Each bill is named as a property; with
    `(not merged)` if it cannot be merged.
    """
    from cyclonedx.model import Property  # noqa: PLC0415

    edges: Edges = {}
    for name, text in sorted(facts.texts.items()):
        if ".dist-info/sboms/" in name:
            embedded = _embedded(text, facts.subject, name)
            note = f"{_printable(name)}{'' if embedded else ' (not merged)'}"
            component.properties.add(Property(name="wheelhouse:embedded-sbom", value=note))
            if embedded:
                component.components.update(embedded[0].components)
                edges |= embedded[1]
                needs |= edges.pop(facts.subject, set())
    return edges


def _embedded(text: str, filename: str, name: str) -> "tuple[Bom, Edges] | None":
    """The components of a wheel's own bill of materials, and its edges.

    None for what is not CycloneDX in JSON, does not satisfy its schema, or fails in any other way. No error is raised.

    Its references get a prefix of this file, so that they differ from all others; the one to its subject becomes the wheel's.
    Edges from or to what is not among its components are left out.
    """
    from cyclonedx.model.bom import Bom  # noqa: PLC0415

    try:
        document: Any = json.loads(text)
        if _invalid(text, str(document.get("specVersion"))):
            return None
        renamed = {str(document.get("metadata", {}).get("component", {}).get("bom-ref")): filename}
        components = [
            _renamed(component, renamed, f"{filename}#{name}") for component in document.get("components", ())
        ]
        edges = {
            renamed[row["ref"]]: {renamed[ref] for ref in row.get("dependsOn", ()) if ref in renamed}
            for row in document.get("dependencies", ())
            if row["ref"] in renamed
        }
        return Bom.from_json({"components": components}), edges  # type: ignore[attr-defined]
    except Exception:
        return None


def _renamed(component: dict[str, Any], renamed: dict[str, str], prefix: str) -> dict[str, Any]:
    """A component, and those inside it, with prefixed references; one without a reference gets one.

    Adds old reference → new one to `renamed`.
    """
    old = component.get("bom-ref") or f"unnamed-{len(renamed)}"
    new = renamed[old] = f"{prefix}#{old}"
    inside = [_renamed(inner, renamed, prefix) for inner in component.get("components", ())]
    return component | {"bom-ref": new} | ({"components": inside} if inside else {})
