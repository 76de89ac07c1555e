"""Components that bills of materials inside wheels name: their package URLs, their versions, and the advisories on them."""

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from tests.support.wheels import build_wheel
from tests.vet.test_rules import facts_of
from wheelhouse.findings import Finding, Policy
from wheelhouse.vet.advisories import collect
from wheelhouse.vet.advisory_snapshot import parse_snapshot, to_json
from wheelhouse.vet.ecosystems import Purl, advisory_key, component_keys, parse_purl, rpm_key, semver_key
from wheelhouse.vet.embedded_components import embedded_components
from wheelhouse.vet.osv_records import read_records
from wheelhouse.vet.rules import Review, review_findings

NOW = datetime(2026, 6, 1, tzinfo=UTC)


@pytest.mark.parametrize(
    ("text", "purl"),
    [
        ("pkg:cargo/openssl@0.10.1", Purl("cargo", "", "openssl", "0.10.1")),
        ("pkg:npm/%40angular/core@1.0", Purl("npm", "@angular", "core", "1.0")),
        ("pkg:golang/golang.org/x/crypto@v0.1.0#ssh", Purl("golang", "golang.org/x", "crypto", "v0.1.0")),
        ("pkg:deb/debian/libc%2B%2B@1%3A2-3?distro=debian-12", Purl("deb", "debian", "libc++", "1:2-3")),
        ("pkg:PyPI/Django", Purl("pypi", "", "Django", "")),
        ("cargo/openssl@1", None),
        ("pkg:cargo", None),
        ("", None),
    ],
)
def test_a_package_url_is_read(text: str, purl: Purl | None) -> None:
    found = parse_purl(text)
    assert (found and found.release) == (purl and purl.release)
    assert not found or parse_purl(found.release) == Purl(found.type, found.namespace, found.name, found.version)


SEMVERS = ["0.9", "1.0.0-alpha", "1.0.0-alpha.1", "1.0.0-alpha.beta", "1.0.0-beta.2", "1.0.0-beta.11", "1.0.0-rc.1"]
SEMVERS += ["1.0.0+build", "v1.0.1", "1.10.0"]
RPMS = ["1.0~rc1-1", "1.0-1", "1.0-1.el8", "1.0^git1-1", "1.0a-1", "1.0.1-1", "1.0.10-1", "1.1-1", "1:0.5-1"]


@pytest.mark.parametrize(("versions", "key"), [(SEMVERS, semver_key), (RPMS, rpm_key)])
def test_versions_are_sorted_as_their_ecosystem_does(versions: list[str], key: Any) -> None:
    assert [*sorted({*versions}, key=key)] == versions


def test_a_component_has_the_key_of_its_advisories() -> None:
    pairs = {
        "pkg:cargo/some_crate@1": ("crates.io", "some-crate"),
        "pkg:npm/%40a/b@1": ("npm", "@a/b"),
        "pkg:golang/golang.org/x/net@v1": ("Go", "golang.org/x/net"),
        "pkg:rpm/almalinux/openssl-libs@1.1.1k-18.el8_6": ("AlmaLinux:8", "openssl-libs"),
        "pkg:rpm/rocky/zlib@1-1?distro=rocky-9.4": ("Rocky Linux:9", "zlib"),
        "pkg:rpm/centos/zlib@1.2.7-21.el7_9": ("Red Hat:enterprise_linux:7::server", "zlib"),
        "pkg:deb/debian/libssl3@3?distro=bookworm&upstream=openssl": ("Debian:12", "openssl"),
        "pkg:deb/ubuntu/zlib1g@1?distro=ubuntu-22.04": ("Ubuntu:22.04:LTS", "zlib1g"),
    }
    for text, (ecosystem, name) in pairs.items():
        purl = parse_purl(text)
        assert purl and advisory_key(ecosystem, name) in component_keys(purl), text
    unknown = [parse_purl(text) for text in ("pkg:generic/openssl@1", "pkg:rpm/suse/zlib@1-1", "pkg:deb/debian/x@1")]
    assert [component_keys(purl) for purl in unknown if purl] == [(), (), ()]
    assert advisory_key("Hex", "x") is None


def osv(identifier: str, ecosystem: str, name: str, *events: dict[str, str], **more: Any) -> dict[str, Any]:
    kind = "SEMVER" if ecosystem in ("crates.io", "npm", "Go") else "ECOSYSTEM"
    affected = {"package": {"ecosystem": ecosystem, "name": name}, "ranges": [{"type": kind, "events": list(events)}]}
    return {"id": identifier, "modified": "2026-05-01T00:00:00Z", "affected": [{**affected, **more}]}


RECORDS = [
    osv("RUSTSEC-1", "crates.io", "openssl", {"introduced": "0.0.0-0"}, {"fixed": "0.10.66"}),
    osv("RUSTSEC-2", "crates.io", "old", {"introduced": "0"}, database_specific={"informational": "unmaintained"}),
    osv("ALSA-1", "AlmaLinux:8", "openssl-libs", {"introduced": "0"}, {"fixed": "1:1.1.1k-20.el8_10"}),
    osv("PYSEC-1", "PyPI", "urllib3", {"introduced": "0"}, {"fixed": "2.0"}),
    osv("DSA-1", "Debian:12", "zlib", {"introduced": "0"}, {"fixed": "1:1.3"}),
]
COMPONENTS = [
    "pkg:cargo/openssl@0.10.60",
    "pkg:cargo/old@1.0.0",
    "pkg:rpm/almalinux/openssl-libs@1.1.1k-18.el8_6",
    "pkg:pypi/urllib3@1.26",
    "pkg:deb/debian/zlib1g@1:1.2?distro=debian-12&upstream=zlib",
]
FIXED = ["pkg:cargo/openssl@0.10.66", "pkg:rpm/almalinux/openssl-libs@1.1.1k-20.el8_10", "pkg:pypi/urllib3@2.0"]


def found(folder: Path, *documents: tuple[str, object]) -> list[Finding]:
    """The findings on components of a wheel with these bills of materials."""
    boms = {f"app-1.0.dist-info/sboms/{name}": json.dumps(document).encode() for name, document in documents}
    facts = facts_of(build_wheel(folder, "app", "1.0", files={"app/__init__.py": b"", **boms}))
    advisories = parse_snapshot(to_json(collect(read_records(RECORDS))), "it")
    findings = review_findings(Review((facts,), Policy(), NOW, advisories))
    return [one for one in findings if one.rule == "component-vulnerable"]


def cyclonedx(*purls: str) -> dict[str, Any]:
    """The components inside one another."""
    inner: list[Any] = []
    for purl in purls:
        inner = [{"type": "library", "name": "x", "purl": purl, "components": inner}]
    return {"bomFormat": "CycloneDX", "specVersion": "1.5", "components": inner}


def test_a_vulnerable_component_is_a_finding(tmp_path: Path) -> None:
    findings = found(tmp_path, ("rust.cdx.json", cyclonedx(*COMPONENTS)))
    assert {(one.values["package"], one.values["ids"], one.values["fixed"]) for one in findings} == {
        ("cargo openssl 0.10.60", ("RUSTSEC-1",), "0.10.66"),
        ("rpm almalinux/openssl-libs 1.1.1k-18.el8_6", ("ALSA-1",), "1:1.1.1k-20.el8_10"),
        ("pypi urllib3 1.26", ("PYSEC-1",), "2.0"),
        ("deb debian/zlib1g 1:1.2", ("DSA-1",), "1:1.3"),
    }
    assert {one.values["path"] for one in findings} == {"app-1.0.dist-info/sboms/rust.cdx.json"}


def test_a_fixed_component_is_none(tmp_path: Path) -> None:
    assert found(tmp_path, ("rust.cdx.json", cyclonedx(*FIXED))) == []


def test_spdx_is_read_and_what_is_no_bill_is_passed_over(tmp_path: Path) -> None:
    reference = {"referenceCategory": "PACKAGE-MANAGER", "referenceType": "purl", "referenceLocator": COMPONENTS[0]}
    spdx = {"spdxVersion": "SPDX-2.3", "packages": [{"name": "openssl", "externalRefs": [reference]}, "odd"]}
    odd = ({"components": "x"}, [1], {"components": [{"purl": 5}, {"purl": "pkg:cargo/openssl"}, 7]}, "text")
    documents = [(f"{number}.json", document) for number, document in enumerate((spdx, *odd))]
    assert [one.values["ids"] for one in found(tmp_path, *documents)] == [("RUSTSEC-1",)]


def test_a_long_bill_of_materials_is_read_whole(tmp_path: Path) -> None:
    long = cyclonedx(COMPONENTS[0]) | {"properties": [{"name": "x", "value": "y" * (2 << 20)}]}
    boms = {"app-1.0.dist-info/sboms/a.cdx.json": json.dumps(long).encode()}
    facts = facts_of(build_wheel(tmp_path, "app", "1.0", files=boms))
    assert [one.purl.name for one in embedded_components(facts)] == ["openssl"]
