"""Attestations (PEP 740): kept by fetch where the index has them, checked by vet with no network, pinned at first sight."""

import json
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import Any

import pytest
import sigstore

from tests.support.index import IndexServer
from tests.support.sampled import sampled
from tests.support.shared import shared
from tests.support.tools import wheelhouse
from tests.support.wheels import build_wheel
from wheelhouse.errors import InputError
from wheelhouse.index.provenance import identities_of, identity_of, identity_text, parse_publishers, publishers_json
from wheelhouse.vet.attestations import Attestor, open_attestor

SDIST = "pypi_attestations-0.0.19.tar.gz"
SHA256 = "9bb1add04b1b4e182be6b0b80931593f7a291eb49d69b4fd728a5d4cbcdc4bd3"
PUBLISHER = "GitHub trailofbits/pypi-attestations, release.yml"
PROGRAM = "from wheelhouse.cli import main; main()"
MADE = {
    "version": 1,
    "attestation_bundles": [
        {
            "publisher": {"kind": "GitHub", "repository": "a/b", "workflow": "w.yml", "environment": None},
            "attestations": [],
        }
    ],
}


@pytest.fixture(scope="module")
def attestor() -> Attestor:
    found = open_attestor(None)
    assert found
    return found


@pytest.fixture
def real() -> dict[str, Any]:
    return json.loads(shared(f"attestations/{SDIST}.provenance").read_text())  # type: ignore[no-any-return]


def test_a_real_attestation_holds(attestor: Attestor, real: dict[str, Any]) -> None:
    found = attestor(json.dumps(real), SDIST, SHA256)
    assert (found.publishers, found.refused) == ((PUBLISHER,), "")
    assert attestor.since.year >= 2025


def test_other_bytes_another_name_and_another_publisher_are_refused(attestor: Attestor, real: dict[str, Any]) -> None:
    text = json.dumps(real)
    assert "is not the sha256 of this file" in attestor(text, SDIST, "0" * 64).refused
    assert SDIST in attestor(text, "pypi_attestations-0.0.20.tar.gz", SHA256).refused
    real["attestation_bundles"][0]["publisher"]["repository"] = "somebody/else"
    assert "somebody/else" in attestor(json.dumps(real), SDIST, SHA256).refused


def test_an_altered_statement_and_an_altered_signature_are_refused(attestor: Attestor, real: dict[str, Any]) -> None:
    envelope = real["attestation_bundles"][0]["attestations"][0]["envelope"]
    for key in ("statement", "signature"):
        before = envelope[key]
        envelope[key] = ("B" if before[20] != "B" else "C").join((before[:20], before[21:]))
        assert attestor(json.dumps(real), SDIST, SHA256).refused
        envelope[key] = before


def test_another_trust_root_refuses(tmp_path: Path, real: dict[str, Any]) -> None:
    """Sigstore carries two: that of its public service, and that of the one which is for trials."""
    roots = {
        "stag" in path.parent.name: path for path in Path(sigstore.__file__).parent.glob("_store/*/trusted_root.json")
    }
    (tmp_path / "root.json").write_bytes(roots[False].read_bytes())
    same, other = open_attestor(tmp_path / "root.json"), open_attestor(roots[True])
    assert same and not same(json.dumps(real), SDIST, SHA256).refused
    assert other and other(json.dumps(real), SDIST, SHA256).refused
    (tmp_path / "none.json").write_text("{}")
    with pytest.raises(InputError, match="not a trust root"):
        open_attestor(tmp_path / "none.json")


@pytest.mark.parametrize(
    "text", ["", "[]", "{}", '{"attestation_bundles": [{}]}', '{"attestation_bundles": [{"publisher": {}}]}']
)
def test_what_is_no_provenance_is_refused(attestor: Attestor, text: str) -> None:
    assert attestor(text, SDIST, SHA256).refused
    with pytest.raises(ValueError) as caught:
        identities_of(text)
    assert "Error" not in str(caught.value)


def test_a_provenance_object_of_another_shape_is_refused_in_words() -> None:
    with pytest.raises(ValueError, match="not a provenance object: it lacks `attestation_bundles`"):
        identities_of("{}")
    with pytest.raises(ValueError, match="not a provenance object: a value has the wrong type"):
        identities_of("[]")


def test_a_provenance_without_attestations_vouches_for_nothing(attestor: Attestor) -> None:
    assert attestor(json.dumps(MADE), SDIST, SHA256).refused == "it contains no attestation"


def test_a_publisher_as_text() -> None:
    assert identity_text(identity_of(MADE["attestation_bundles"][0]["publisher"])) == "GitHub a/b, w.yml"  # type: ignore[index]
    assert identity_text(identity_of({"kind": "Google", "email": "a@b.example"})) == "Google a@b.example"
    publishers = parse_publishers('{"publishers": {"One_Two": ["GitHub a/b, w.yml"]}}', "it")
    assert parse_publishers(publishers_json(publishers), "it") == publishers
    for text in ("", "[]", '{"publishers": []}'):
        with pytest.raises(InputError):
            parse_publishers(text, "it")


def fetched(base: Path, server: IndexServer, dest: str, *names: str) -> subprocess.CompletedProcess[str]:
    return wheelhouse(
        "fetch", *names, "--python", "3.12", "--index", server.url, "--dest", dest, "--cache-dir", "cache", cwd=base
    )


@pytest.mark.parametrize("as_html", sampled([False, True], 1))
def test_fetch_keeps_what_the_index_serves(tmp_path: Path, as_html: bool) -> None:
    one, two, three = (build_wheel(tmp_path, name, "1.0") for name in ("one", "two", "three"))
    with IndexServer() as server:
        server.abilities = type(server.abilities)(json=not as_html)
        server.add(one, provenance=server.put("/integrity/one", json.dumps(MADE).encode()))
        server.add(two, provenance=f"{server.origin}/nowhere")
        server.add(three)
        done = fetched(tmp_path, server, "house", "one", "two", "three")
        assert done.returncode == 0, done.stderr
        assert (
            "two-1.0-py3-none-any.whl.provenance is not used: the index page names this file, but the index answered 404"
            in done.stderr
        )
        kept = tmp_path / "house" / f"{one.name}.provenance"
        assert json.loads(kept.read_text()) == MADE
        lock = tomllib.loads((tmp_path / "house" / "pylock.cp312-manylinux_2_28_x86_64.toml").read_text())
        pins = {package["name"]: package for package in lock["packages"]}
        assert pins["one"]["attestation-identities"] == [{"kind": "GitHub", "repository": "a/b", "workflow": "w.yml"}]
        assert "attestation-identities" not in pins["two"]
        before = {path.name: path.read_bytes() for path in (tmp_path / "house").iterdir()}
        assert wheelhouse("verify", "house", cwd=tmp_path).returncode == 0
        kept.unlink()
        assert f"{one.name}.provenance" in wheelhouse("verify", "house", cwd=tmp_path).stdout
        assert fetched(tmp_path, server, "house", "one", "two", "three").returncode == 0
        assert {path.name: path.read_bytes() for path in (tmp_path / "house").iterdir()} == before
    kept.write_text(kept.read_text() + " ")
    assert (
        "it differs from the attestations that the lock file names"
        in wheelhouse("verify", "house", cwd=tmp_path).stdout
    )
    vetted = json.loads(wheelhouse("vet", "house", "--json", cwd=tmp_path).stdout)
    assert ("attestation-refused", one.name) in {(found["rule"], found["subject"]) for found in vetted["findings"]}
    assert not (tmp_path / "publishers.json").exists()


def test_our_own_index_passes_attestations_on(tmp_path: Path) -> None:
    with IndexServer() as server:
        one = build_wheel(tmp_path, "one", "1.0")
        server.add(one, provenance=server.put("/integrity/one", json.dumps(MADE).encode()))
        assert fetched(tmp_path, server, "house", "one").returncode == 0
    assert wheelhouse("index", "house", "-o", "tree", cwd=tmp_path).returncode == 0
    from_tree = ("fetch", "one", "--python", "3.12", "--index", "tree", "--dest", "again", "--cache-dir", "other")
    done = wheelhouse(*from_tree, cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert json.loads((tmp_path / "again" / f"{one.name}.provenance").read_text()) == MADE


def test_what_the_index_says_of_a_project_is_kept(tmp_path: Path) -> None:
    with IndexServer() as server:
        server.add(build_wheel(tmp_path, "one", "1.0"))
        server.set_status("one", "archived", "it moved")
        assert fetched(tmp_path, server, "house", "one").returncode == 0
    vetted = json.loads(wheelhouse("vet", "house", "--json", cwd=tmp_path).stdout)
    (found,) = (one for one in vetted["findings"] if one["rule"] == "project-status")
    assert "archived: it moved" in found["sentence"]


@pytest.mark.index
def test_a_real_file_is_vouched_for_in_a_namespace_without_network(tmp_path: Path, real: dict[str, Any]) -> None:
    """Its bytes come from the real index; the loopback index serves the recorded provenance with them."""
    wanted = ("pypi-attestations==0.0.19", "--no-binary", "pypi-attestations", "--python", "3.12")
    assert wheelhouse("fetch", *wanted, "--dest", "real", cwd=tmp_path).returncode == 0
    with IndexServer(tmp_path / "real") as server:
        server.add(tmp_path / "real" / SDIST, provenance=server.put("/integrity", json.dumps(real).encode()))
        again = wheelhouse("fetch", *wanted, "--index", server.url, "--dest", "house", cwd=tmp_path)
        assert again.returncode == 0, again.stderr
    command = ["unshare", "--map-root-user", "--net", sys.executable, "-c", PROGRAM, "vet", "house", "--json"]
    told = json.loads(subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False).stdout)
    found = {finding["rule"]: finding["sentence"] for finding in told["findings"] if finding["subject"] == SDIST}
    assert found["publisher"] == f"published by `{PUBLISHER}`" and "attestation-refused" not in found
    publishers = json.loads((tmp_path / "publishers.json").read_text())
    assert publishers == {"publishers": {"pypi-attestations": [PUBLISHER]}}
    (tmp_path / "publishers.json").write_text(json.dumps(publishers).replace("trailofbits", "somebody"))
    told = json.loads(subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False).stdout)
    assert "publisher-changed" in {finding["rule"] for finding in told["findings"]}
