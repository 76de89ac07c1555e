"""A wheelhouse as a CycloneDX document, part by part."""

import json
import sys
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime
from importlib.metadata import version
from typing import Any

import pytest
from packaging.utils import canonicalize_name
from packaging.version import Version

from wheelhouse.archive.artifact import Artifact
from wheelhouse.debian.debian_lock import DebianLock, LockedDeb
from wheelhouse.errors import MachineError
from wheelhouse.extras import install_command
from wheelhouse.lock.lock import Built, Inputs, Lock, Pin
from wheelhouse.lock.wheelhouse import Wheelhouse
from wheelhouse.oci.image_lock import BaseImage, Blob
from wheelhouse.target.target import Platform, Python, Target
from wheelhouse.vet.approvals import NO_APPROVALS, Approval, Approvals
from wheelhouse.vet.cyclonedx import require_cyclonedx, sbom
from wheelhouse.vet.evidence import Evidence
from wheelhouse.vet.facts import Facts, Inside
from wheelhouse.vet.image_packages import ImagePackage, ImagePackages

pytest.importorskip("cyclonedx")

NOW = datetime(2026, 6, 1, 12, tzinfo=UTC)
TARGET = Target.of(Python.parse("3.12"), Platform.parse("linux/amd64"))
APP, LIB, TOOL = "app-1.0-py3-none-any.whl", "lib-2.0-py3-none-any.whl", "tool-3.0-py3-none-any.whl"
GIT, SSL = "debian/main/pool/git_2_amd64.deb", "debian/main/pool/ssl_3_amd64.deb"
ADDRESS = "https://files.example/app"
APP_FILE = Artifact(APP, "a" * 64, 10, ADDRESS, datetime(2026, 1, 2, tzinfo=UTC))
SDIST = Artifact("tool-3.0.tar.gz", "e" * 64, 7, "https://files.example/tool")
PINS = (
    Pin(canonicalize_name("app"), Version("1.0"), APP_FILE, "https://index.example/simple", dependencies=("lib>=1",)),
    Pin(canonicalize_name("lib"), Version("2.0"), Artifact(LIB, "b" * 64, 20)),
    Pin(canonicalize_name("tool"), Version("3.0"), Artifact(TOOL, "c" * 64, 30), built=Built(SDIST, "3.12")),
)
LOCK = Lock(TARGET, Inputs(requirements=("app", "tool")), PINS)


def deb(name: str, **more: Any) -> LockedDeb:
    path = f"pool/{name}_{more.pop('version')}_amd64.deb"
    return LockedDeb(name, path.split("_")[1], "amd64", "main", path, "d" * 64, 4, "s", "main", name, "1", (), **more)


DEBS = DebianLock(
    distribution="debian-12", packages=(deb("git", version="2", depends=("ssl", "libc6")), deb("ssl", version="3"))
)
BLOB = Blob("1" * 64, 1, "application/vnd.oci.image.manifest.v1+json")
IMAGE = BaseImage("registry.example:5000/a/b/base:1.2", "x", "amd64", BLOB, BLOB, ())
INSTALLED = ImagePackages(
    *("image/blobs/sha256/1", "amd64", "ubuntu-22.04-lts"),
    (ImagePackage("dpkg", "1.21", "amd64", "dpkg", "1.21"), ImagePackage("zlib1g", "1:1.2", "all", "z", "1", "Zlib")),
)


def evidence_of(*inside: Inside, **more: Any) -> Evidence:
    """A wheelhouse of app, lib and tool, with these contents in this order."""
    contents = (*inside, *[Inside()] * (len(PINS) - len(inside)))
    facts = tuple(Facts(pin, inside=one) for pin, one in zip(PINS, contents, strict=True))
    hashes = {pin.artifact.filename: pin.artifact.sha256 for pin in PINS}
    held = Evidence("wheels", {"": Wheelhouse((LOCK,))}, hashes, facts, (), (), (), NO_APPROVALS, NOW)
    return replace(held, **more)


def document_of(held: Evidence) -> dict[str, Any]:
    document: dict[str, Any] = json.loads(sbom(held))
    return document


def components(held: Evidence) -> dict[str, dict[str, Any]]:
    return {one["bom-ref"]: one for one in document_of(held)["components"]}


def graph(held: Evidence) -> dict[str, list[str]]:
    return {row["ref"]: row["dependsOn"] for row in document_of(held)["dependencies"] if row.get("dependsOn")}


def sha256(digit: str) -> list[dict[str, str]]:
    return [{"alg": "SHA-256", "content": digit * 64}]


def properties(**values: str) -> list[dict[str, str]]:
    return [{"name": f"wheelhouse:{name.replace('_', '-')}", "value": value} for name, value in sorted(values.items())]


HEADERS = {"summary": ("An\x1b app ",), "license-expression": ("MIT",)}
OTHERS = {GIT: "d" * 64, SSL: "f" * 64, "files/tool.tar.gz": "9" * 64}
APPROVALS = Approvals(
    tuple(Approval({"a" * 64: (APP, frozenset())}, who, "key", "fine", NOW.date()) for who in ("eve", "ada")),
    NOW.date(),
)


@pytest.fixture(scope="module")
def whole() -> Evidence:
    """A wheelhouse of wheels, Debian packages, a base image and another file."""
    return evidence_of(
        Inside(headers=HEADERS),
        hashes={APP: "a" * 64, LIB: "b" * 64, TOOL: "c" * 64, **OTHERS},
        debian=DEBS,
        deb_licences={GIT: "GPL-2.0-only"},
        images=(IMAGE,),
        image_packages=(INSTALLED,),
        approvals=APPROVALS,
    )


def test_each_file_image_and_installed_package_is_a_component(whole: Evidence) -> None:
    image, repository = "image/amd64", "registry.example:5000/a/b/base"
    distribution = {"type": "distribution", "url": ADDRESS, "comment": "https://index.example/simple"}
    expected: list[dict[str, Any]] = [
        {
            "bom-ref": APP,
            "type": "library",
            "name": "app",
            "version": "1.0",
            "purl": f"pkg:pypi/app@1.0?file_name={APP}",
            "description": "An  app",
            "hashes": sha256("a"),
            "licenses": [{"expression": "MIT", "acknowledgement": "declared"}],
            "externalReferences": [{**distribution, "hashes": sha256("a")}],
            "properties": properties(approved_by="ada, eve", file=APP, size="10", uploaded="2026-01-02T00:00:00+00:00"),
        },
        {
            "bom-ref": LIB,
            "type": "library",
            "name": "lib",
            "version": "2.0",
            "purl": f"pkg:pypi/lib@2.0?file_name={LIB}",
            "hashes": sha256("b"),
            "properties": properties(file=LIB, size="20"),
        },
        {
            "bom-ref": TOOL,
            "type": "library",
            "name": "tool",
            "version": "3.0",
            "purl": f"pkg:pypi/tool@3.0?file_name={TOOL}",
            "hashes": sha256("c"),
            "externalReferences": [{"type": "distribution", "url": "https://files.example/tool"}],
            "properties": properties(built_from=f"tool-3.0.tar.gz sha256:{'e' * 64}", file=TOOL, size="30"),
        },
        {"bom-ref": "files/tool.tar.gz", "type": "file", "name": "files/tool.tar.gz", "hashes": sha256("9")},
        {
            "bom-ref": GIT,
            "type": "library",
            "name": "git",
            "version": "2",
            "purl": "pkg:deb/debian/git@2?arch=amd64&distro=debian-12",
            "hashes": sha256("d"),
            "licenses": [{"expression": "GPL-2.0-only", "acknowledgement": "concluded"}],
        },
        {
            "bom-ref": SSL,
            "type": "library",
            "name": "ssl",
            "version": "3",
            "purl": "pkg:deb/debian/ssl@3?arch=amd64&distro=debian-12",
            "hashes": sha256("f"),
        },
        {
            "bom-ref": image,
            "type": "container",
            "name": repository,
            "version": f"sha256:{'1' * 64}",
            "purl": f"pkg:oci/base@sha256:{'1' * 64}?arch=amd64&repository_url={repository}&tag=1.2",
            "hashes": sha256("1"),
        },
        {
            "bom-ref": f"{image}/dpkg",
            "type": "library",
            "name": "dpkg",
            "version": "1.21",
            "purl": "pkg:deb/ubuntu/dpkg@1.21?arch=amd64&distro=ubuntu-22.04-lts",
        },
        {
            "bom-ref": f"{image}/zlib1g",
            "type": "library",
            "name": "zlib1g",
            "version": "1:1.2",
            "purl": "pkg:deb/ubuntu/zlib1g@1:1.2?arch=all&distro=ubuntu-22.04-lts",
            "licenses": [{"expression": "Zlib", "acknowledgement": "concluded"}],
        },
    ]
    found = components(whole)
    assert [found[one["bom-ref"]] for one in expected] == expected
    assert len(found) == len(expected)


def test_the_graph_is_that_of_locks_debian_packages_and_images(whole: Evidence) -> None:
    assert graph(whole) == {
        "house": sorted([APP, *OTHERS, "image/amd64", TOOL]),
        APP: [LIB],
        GIT: [SSL],
        "image/amd64": ["image/amd64/dpkg", "image/amd64/zlib1g"],
    }


def test_the_document_says_what_it_is_about(whole: Evidence) -> None:
    text = sbom(whole)
    assert text.startswith('{\n "components": [\n  {\n') and text.endswith("\n}\n")
    document = json.loads(text)
    assert {name: document[name] for name in ("bomFormat", "specVersion", "version")} == {
        "bomFormat": "CycloneDX",
        "specVersion": "1.6",
        "version": 1,
    }
    tool = {"name": "wheelhouse", "type": "application", "version": version("airgap-wheelhouse")}
    assert document["metadata"] == {
        "component": {
            "bom-ref": "house",
            "name": "wheels",
            "type": "application",
            "properties": properties(target="cp312-manylinux_2_28_x86_64"),
        },
        "timestamp": "2026-06-01T12:00:00+00:00",
        "tools": {"components": [tool]},
    }


def test_the_serial_number_follows_from_time_names_and_hashes() -> None:
    def serial(**more: Any) -> str:
        return str(document_of(evidence_of(**more))["serialNumber"])

    hashes = {APP: "a" * 64, LIB: "b" * 64, TOOL: "c" * 64}
    first = serial()
    assert first == serial(hashes=dict(reversed(hashes.items()))) == "urn:uuid:248c55a3-0d37-5af0-93dc-43b9d4707afe"
    others = {first, serial(now=NOW.replace(hour=13)), serial(hashes={**hashes, APP: "d" * 64})}
    assert len(others | {serial(hashes={**hashes, "files/x": "e" * 64})}) == 4


def test_the_licence_is_an_expression_or_the_words_of_the_project() -> None:
    def licences(**headers: str) -> object:
        inside = Inside(headers={name.replace("_", "-"): (text,) for name, text in headers.items()})
        return components(evidence_of(inside))[APP].get("licenses")

    assert licences(license_expression="mit", license="ours") == [{"expression": "MIT", "acknowledgement": "declared"}]
    assert licences(license="MIT License") == [{"expression": "MIT", "acknowledgement": "concluded"}]
    words = {"name": f"our own {'x' * 92}", "acknowledgement": "declared"}
    assert licences(license=f" our\nown {'x' * 99}") == [{"license": words}]
    assert licences() is None


def test_the_addresses_of_metadata_are_references_if_they_are_safe() -> None:
    lines = {
        "Home-Page, https://a.example/home": ("website", "https://a.example/home"),
        "homepage,https://a.example/1,2": ("website", "https://a.example/1,2"),
        " Source , http://a.example/source ": ("vcs", "http://a.example/source"),
        "Repository, https://a.example/repository": ("vcs", "https://a.example/repository"),
        "Changelog, https://a.example/news": ("release-notes", "https://a.example/news"),
        "Documentation, https://a.example/docs": ("documentation", "https://a.example/docs"),
        "Issues, https://a.example/issues": ("issue-tracker", "https://a.example/issues"),
        "Bug Tracker, https://a.example/bugs": ("issue-tracker", "https://a.example/bugs"),
        "Fun\x1bding, https://a.example/money": ("other", "https://a.example/money"),
        ", https://a.example/unnamed": ("other", "https://a.example/unnamed"),
        "Homepage, javascript:alert(1)": None,
        "Homepage, https://a.example/a b": None,
        "Homepage, https://a.example/#a#b": None,
        "Homepage, ": None,
        "https://a.example/alone": None,
    }
    headers = {"project-url": tuple(lines), "home-page": ("https://a.example/old", "ftp://a.example")}
    expected = [
        {"type": found[0], "url": found[1], **({"comment": label} if label else {})}
        for line, found in lines.items()
        if found and (label := line.partition(",")[0].replace("\x1b", " ").strip(), True)
    ]
    expected += [{"type": "website", "url": "https://a.example/old", "comment": "home-page"}]
    found = components(evidence_of(Inside(), Inside(headers=headers)))[LIB]["externalReferences"]
    assert sorted(found, key=lambda row: str(row["url"])) == sorted(expected, key=lambda row: row["url"])


def test_a_debian_package_of_an_unknown_release_is_of_debian() -> None:
    held = evidence_of(hashes=OTHERS, facts=(), debian=replace(DEBS, distribution=""), wheelhouses={"": Wheelhouse()})
    assert components(held)[GIT]["purl"] == "pkg:deb/debian/git@2?arch=amd64"


# Bills of materials inside wheels


SUBJECT = {"component": {"type": "library", "name": "native", "bom-ref": "self"}}
Z, PNG = ({"type": "library", "name": name, "bom-ref": name} for name in ("z", "png"))
BILL: dict[str, Any] = {"bomFormat": "CycloneDX", "specVersion": "1.5", "version": 1}
SBOM = "app-1.0.dist-info/sboms/"


def merged(*bills: Mapping[str, Any] | str) -> Evidence:
    texts = [text if isinstance(text, str) else json.dumps(text) for text in bills]
    return evidence_of(Inside(texts={f"{SBOM}{number}.json": text for number, text in enumerate(texts)}))


def notes(held: Evidence) -> list[str]:
    rows = components(held)[APP]["properties"]
    return [row["value"] for row in rows if row["name"] == "wheelhouse:embedded-sbom"]


def test_the_components_of_a_wheel_are_inside_its_component() -> None:
    inner = {"type": "library", "name": "deflate", "version": "1"}
    bill = {
        **BILL,
        "metadata": SUBJECT,
        "components": [{**Z, "components": [inner, {**inner, "version": "2"}]}, PNG],
        "dependencies": [
            {"ref": "self", "dependsOn": ["png", "nowhere"]},
            {"ref": "png", "dependsOn": ["z"]},
            {"ref": "nowhere", "dependsOn": ["z"]},
            {"ref": "z"},
        ],
    }
    second = {**BILL, "components": [{"type": "library", "name": "other"}]}
    held, first = merged(bill, second), f"{APP}#{SBOM}0.json#"
    found = {one["name"]: one for one in components(held)[APP]["components"]}
    assert found == {
        "z": {
            "type": "library",
            "name": "z",
            "bom-ref": f"{first}z",
            "components": [
                {**inner, "bom-ref": f"{first}unnamed-2"},
                {**inner, "bom-ref": f"{first}unnamed-3", "version": "2"},
            ],
        },
        "png": {"type": "library", "name": "png", "bom-ref": f"{first}png"},
        "other": {"type": "library", "name": "other", "bom-ref": f"{APP}#{SBOM}1.json#unnamed-1"},
    }
    assert graph(held) == {"house": [APP, TOOL], APP: [f"{first}png", LIB], f"{first}png": [f"{first}z"]}
    assert notes(held) == [f"{SBOM}0.json", f"{SBOM}1.json"]


def test_bills_that_cannot_be_merged_are_named() -> None:
    odd = {
        "no JSON": "{",
        "a list": "[]",
        "SPDX": '{"spdxVersion": "SPDX-2.3"}',
        "no version": {**BILL, "specVersion": None},
        "an unknown version": {**BILL, "specVersion": "9.9"},
        "another format": {**BILL, "bomFormat": "Other"},
        "not as the schema says": {**BILL, "components": [{"name": "z"}]},
        "two components of one reference": {**BILL, "components": 5},
    }
    held = merged(*odd.values())
    assert notes(held) == [f"{SBOM}{number}.json (not merged)" for number in range(len(odd))]
    assert graph(held) == {"house": [APP, TOOL], APP: [LIB]} and "components" not in components(held)[APP]
    texts = {f"{SBOM}a\x1bb.json": json.dumps(BILL), "app/sboms/c.json": json.dumps(BILL)}
    assert notes(evidence_of(Inside(texts=texts))) == [f"{SBOM}a b.json"]


# Errors


def test_a_document_that_the_schema_refuses_is_not_written() -> None:
    with pytest.raises(MachineError) as error:
        sbom(evidence_of(hashes={"files/x": "no hash"}, facts=(), wheelhouses={"": Wheelhouse()}))
    message = str(error.value)
    assert message.startswith("the SBOM does not satisfy the schema of CycloneDX 1.6: 'no hash' does not match '^([a-f")
    assert message.endswith("$'")


def test_without_the_extra_the_error_says_how_to_install_it(monkeypatch: pytest.MonkeyPatch) -> None:
    library = "cyclonedx-python-lib"
    projects = {"cyclonedx.output.json": library, "cyclonedx.validation.json": library, "jsonschema": "jsonschema"}
    for name, project in {**projects, "referencing": "referencing"}.items():
        with monkeypatch.context() as patched:
            patched.setitem(sys.modules, name, None)
            for call in (require_cyclonedx, lambda: sbom(evidence_of())):
                with pytest.raises(MachineError, match=f"`{project}`, which is not installed") as error:
                    call()
                assert error.value.hint == f"install it with: {install_command('sbom')}"
