"""The Debian packages in a base image: advisories, licences, and the bill of materials."""

import json
from datetime import UTC, datetime
from pathlib import Path

import pytest

from tests.debian.test_fetch_debian import osv
from tests.oci.test_fetch_base_image import Fetching
from tests.oci.test_image_archive import oci_members, tar_of
from tests.support.registry import python_files, tiny_image
from tests.support.tools import wheelhouse
from tests.support.wheels import build_wheel
from wheelhouse.debian.debian_lock import DebianLock
from wheelhouse.files.cache import Cache
from wheelhouse.findings import Policy, Severity
from wheelhouse.lock.wheelhouse import Wheelhouse
from wheelhouse.oci.image_lock import BaseImage, Blob
from wheelhouse.report.sentences import sentence_of
from wheelhouse.vet.advisories import collect
from wheelhouse.vet.approvals import NO_APPROVALS
from wheelhouse.vet.cyclonedx import sbom
from wheelhouse.vet.evidence import Evidence
from wheelhouse.vet.image_packages import ImagePackage, ImagePackages
from wheelhouse.vet.image_reader import image_packages
from wheelhouse.vet.osv_records import read_records
from wheelhouse.vet.rules.debian_licences import deb_licence_findings
from wheelhouse.vet.rules.debian_packages import image_findings

STATUS = b"""Package: libssl3
Status: install ok installed
Architecture: amd64
Source: openssl (3.0.1-1)
Version: 3.0.1-1+b1

Package: gone
Status: deinstall ok config-files
Version: 1

Package: dpkg
Status: install ok installed
Architecture: amd64
Version: 1.21
"""
COPYRIGHT = (
    b"Format: https://www.debian.org/doc/packaging-manuals/copyright-format/1.0/\n\nFiles: *\nLicense: Apache-2.0\n"
)
FILES: dict[str, bytes | str] = {
    **python_files(),
    "var/lib/dpkg/status": STATUS,
    "usr/share/doc/libssl3/copyright": COPYRIGHT,
    "usr/share/doc/dpkg/copyright": b"free text",
}


@pytest.fixture
def held(tmp_path: Path) -> tuple[Path, BaseImage]:
    """A wheelhouse that holds an image of Debian, and the image."""
    archive = tar_of(tmp_path / "base.tar", oci_members(tiny_image(FILES)))
    fetching = Fetching(tmp_path)
    return fetching.house, fetching(f"oci-archive:{archive}:python:3.12").images[0]


def test_what_dpkg_has_installed_is_read_once(held: tuple[Path, BaseImage], tmp_path: Path) -> None:
    folder, image = held
    cache = Cache(tmp_path / "notes")
    found = image_packages(folder, image, cache.private)
    assert (found.distribution, found.subject) == ("debian-12", f"image/{image.manifest.path}")
    assert found.packages == (
        ImagePackage("libssl3", "3.0.1-1+b1", "amd64", "openssl", "3.0.1-1", "Apache-2.0"),
        ImagePackage("dpkg", "1.21", "amd64", "dpkg", "1.21"),
    )
    for blob in (folder / "image/blobs/sha256").iterdir():
        blob.unlink()
    assert image_packages(folder, image, cache.private) == found
    assert image_packages(folder, image) == ImagePackages(found.subject, "amd64", "", ())


PACKAGES = ImagePackages(
    *("image/blobs/sha256/1", "amd64", "debian-12"),
    (
        ImagePackage("libssl3", "3.0.1-1+b1", "amd64", "openssl", "3.0.1-1", "Apache-2.0"),
        ImagePackage("dpkg", "1.21", "amd64", "dpkg", "1.21"),
    ),
)


def test_advisories_and_licences_count_as_for_other_packages() -> None:
    advisories = collect(read_records([osv("openssl", {"introduced": "0"}, {"fixed": "3.0.1-2"})]))
    [finding] = image_findings(PACKAGES, advisories)
    assert (finding.rule, finding.severity, finding.subject) == ("deb-vulnerable", Severity.ERROR, PACKAGES.subject)
    assert sentence_of(finding).startswith("libssl3 3.0.1-1+b1 is affected by CVE-openssl")
    assert [one.rule for one in image_findings(PACKAGES, None)] == ["deb-advisories-missing"]
    assert not list(image_findings(ImagePackages("x", "amd64", "", ()), None))
    policy = Policy(licences_denied=frozenset({"Apache-2.0"}))
    found = list(deb_licence_findings(DebianLock(), {}, policy, (PACKAGES,)))
    assert [one.rule for one in found] == ["deb-licence-denied", "deb-licence-unknown"]


def test_the_bill_of_materials_has_the_installed_packages_below_the_image() -> None:
    pytest.importorskip("cyclonedx")
    advisories = collect(read_records([osv("openssl", {"introduced": "0"}, {"fixed": "3.0.1-2"})]))
    hashes, now = {PACKAGES.subject: "a" * 64}, datetime(2026, 11, 28, 12, tzinfo=UTC)
    findings = tuple(image_findings(PACKAGES, advisories))
    blob = Blob("1" * 64, 1, "application/vnd.oci.image.manifest.v1+json")
    image = BaseImage("python:3.12", "x", "amd64", blob, blob, ())
    evidence = Evidence(
        *("house", {"": Wheelhouse()}, hashes, (), findings, (), (), NO_APPROVALS, now),
        images=(image,),
        image_packages=(PACKAGES,),
    )
    document = json.loads(sbom(evidence))
    components = {one["bom-ref"]: one for one in document["components"]}
    ssl = components["image/amd64/libssl3"]
    assert ssl["purl"] == "pkg:deb/debian/libssl3@3.0.1-1%2Bb1?arch=amd64&distro=debian-12"
    assert ssl["licenses"][0]["expression"] == "Apache-2.0" and "licenses" not in components["image/amd64/dpkg"]
    needs = {row["ref"]: row.get("dependsOn", []) for row in document["dependencies"]}
    assert needs["image/amd64"] == ["image/amd64/dpkg", "image/amd64/libssl3"]
    assert document["vulnerabilities"][0]["affects"] == [{"ref": "image/amd64/libssl3"}]


def test_vet_reads_the_image_of_a_wheelhouse(tmp_path: Path) -> None:
    build_wheel(tmp_path / "offered", "lib", "1.0")
    tar_of(tmp_path / "base.tar", oci_members(tiny_image(FILES)))
    options = ("--no-index", "--find-links", "offered", "--base-image", "oci-archive:base.tar:python:3.12")
    assert wheelhouse("fetch", "lib", *options, cwd=tmp_path).returncode == 0
    (tmp_path / "wheelhouse.toml").write_text('[policy]\nlicences-denied = ["Apache-2.0"]\n')
    done = wheelhouse("vet", "--json", cwd=tmp_path)
    found = {row["rule"]: row for row in json.loads(done.stdout)["findings"] if row["rule"].startswith("deb-")}
    assert {"deb-licence-denied", "deb-licence-unknown", "deb-advisories-missing"} <= found.keys(), done.stderr
    assert "libssl3 3.0.1-1+b1 has files under Apache-2.0" in str(found["deb-licence-denied"])
