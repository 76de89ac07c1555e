"""`[[files]]`: fetched, held against their hashes, checksum files and signatures, locked, carried and staged."""

import hashlib
import io
import json
import subprocess
import tarfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.index import IndexServer
from tests.support.tools import run, wheelhouse
from tests.support.wheels import build_wheel
from wheelhouse.bundle.pack import pack, unpack
from wheelhouse.errors import InputError
from wheelhouse.lock.other_files import OtherFileRequest, published_digest
from wheelhouse.verify.verify import verify
from wheelhouse.verify.verify_other_files import load_other_files

JAR = b"PK a jar" * 100


def tarball() -> bytes:
    raw = io.BytesIO()
    with tarfile.open(fileobj=raw, mode="w:gz") as archive:
        header = tarfile.TarInfo("sdk-1.0/bin/sdk")
        header.size, header.mode = 3, 0o755
        archive.addfile(header, io.BytesIO(b"run"))
    return raw.getvalue()


SDK = tarball()


@pytest.fixture
def server(tmp_path: Path) -> Iterator[IndexServer]:
    offered = tmp_path / "offered"
    offered.mkdir()
    build_wheel(offered, "lib", "1.0")
    with IndexServer(offered) as server:
        server.put("/down/connector.jar", JAR)
        server.put("/down/sdk-1.0.tar.gz", SDK)
        server.put("/down/sdk-1.0.tar.gz.sha512", f"{hashlib.sha512(SDK).hexdigest()}  sdk-1.0.tar.gz\n".encode())
        yield server


def settings(folder: Path, server: IndexServer, *files: str, base: str = "") -> None:
    origin = base or server.origin
    head = 'requirements = ["lib"]\npython = "3.12"\ndest = "house"\n'
    text = "".join(f"[[files]]\n{one.replace('ORIGIN', origin)}\n" for one in files)
    (folder / "wheelhouse.toml").write_text(head + text)


def fetch(folder: Path, server: IndexServer, *options: str):
    return wheelhouse("fetch", "--index", server.url, *options, cwd=folder)


JAR_ENTRY = f'url = "ORIGIN/down/connector.jar"\nsha256 = "{hashlib.sha256(JAR).hexdigest()}"\nto = "/opt/spark/jars/"'
SDK_ENTRY = """url = "ORIGIN/down/sdk-1.0.tar.gz"
checksums = "ORIGIN/down/sdk-1.0.tar.gz.sha512"
to = "/opt/sdk"
unpack = true
strip = 1"""


def test_they_are_fetched_locked_and_not_asked_for_again(server: IndexServer, tmp_path: Path) -> None:
    settings(tmp_path, server, JAR_ENTRY, SDK_ENTRY)
    done = fetch(tmp_path, server)
    assert done.returncode == 0, done.stderr
    assert "files/connector.jar: 800 bytes, checked only by its sha256" in done.stdout
    assert "files/sdk-1.0.tar.gz" in done.stdout and "its sha512 is published at" in done.stdout
    house = tmp_path / "house"
    assert (house / "files" / "connector.jar").read_bytes() == JAR
    assert not verify(house).findings
    assert run("sha256sum", "-c", "SHA256SUMS", cwd=house / "files").returncode == 0
    before = {path: path.read_bytes() for path in house.rglob("*") if path.is_file()}
    asked = len(server.requests)
    again = fetch(tmp_path, server, "--json")
    assert json.loads(again.stdout)["files"][1]["sha256"] == hashlib.sha256(SDK).hexdigest()
    assert not [request for request in server.requests[asked:] if request.path.startswith("/down")]
    assert {path: path.read_bytes() for path in house.rglob("*") if path.is_file()} == before


def test_one_that_is_gone_from_the_settings_goes_and_one_that_is_missing_comes_back(
    server: IndexServer, tmp_path: Path
) -> None:
    settings(tmp_path, server, JAR_ENTRY, SDK_ENTRY)
    assert fetch(tmp_path, server).returncode == 0
    (tmp_path / "house" / "files" / "connector.jar").unlink()
    settings(tmp_path, server, JAR_ENTRY)
    assert fetch(tmp_path, server).returncode == 0
    assert {path.name for path in (tmp_path / "house" / "files").iterdir()} == {
        "connector.jar",
        "files.lock.toml",
        "SHA256SUMS",
    }
    assert (
        wheelhouse(
            "fetch", "lib", "--python", "3.12", "--index", server.url, "--dest", "house", cwd=tmp_path
        ).returncode
        == 0
    )
    assert (tmp_path / "house" / "files").is_dir()
    settings(tmp_path, server)
    assert fetch(tmp_path, server).returncode == 0
    assert not (tmp_path / "house" / "files").exists()


@pytest.mark.parametrize("kind", ["sha256", "checksums"])
def test_another_file_than_the_one_asked_for_is_refused(server: IndexServer, tmp_path: Path, kind: str) -> None:
    settings(tmp_path, server, JAR_ENTRY if kind == "sha256" else SDK_ENTRY)
    for path in ("connector.jar", "sdk-1.0.tar.gz"):
        server.put(f"/down/{path}", b"another")
    done = fetch(tmp_path, server)
    assert (done.returncode == 5 and "is not the one that is published" in done.stderr) or "was expected" in done.stderr
    assert not list((tmp_path / "house" / "files").iterdir())


def test_a_checksum_file_may_give_the_name_of_the_request(server: IndexServer, tmp_path: Path) -> None:
    """The last part of an address may be another, and a lock names the whole address of the checksum file."""
    server.put("/down/sdk-1.0.tar.gz/download", SDK)
    server.put("/repo/@team/sums", f"{hashlib.sha512(SDK).hexdigest()}  sdk-1.0.tar.gz\n{'a' * 128}  other\n".encode())
    entry = """url = "ORIGIN/down/sdk-1.0.tar.gz/download"
name = "sdk-1.0.tar.gz"
checksums = "ORIGIN/repo/@team/sums\""""
    settings(tmp_path, server, entry)
    done = fetch(tmp_path, server)
    assert done.returncode == 0, done.stderr
    (file,) = load_other_files(tmp_path / "house").files
    assert file.voucher == f"its sha512 is published at {server.origin}/repo/@team/sums"


def gpg(home: Path, *arguments: str | Path) -> None:
    command = ["gpg", "--batch", "--quiet", "--pinentry-mode", "loopback", "--passphrase", "", *map(str, arguments)]
    subprocess.run(command, env={"GNUPGHOME": str(home), "PATH": "/usr/bin:/bin"}, check=True, capture_output=True)


def test_a_signature_is_checked_with_the_keys_that_were_named(server: IndexServer, tmp_path: Path) -> None:
    for name in ("ours", "theirs"):
        (tmp_path / name).mkdir(mode=0o700)
        gpg(tmp_path / name, "--quick-generate-key", f"{name}@example.org", "ed25519", "sign", "never")
        gpg(tmp_path / name, "--armor", "--output", tmp_path / f"{name}.asc", "--export")
    (tmp_path / "connector.jar").write_bytes(JAR)
    gpg(tmp_path / "ours", "--armor", "--detach-sign", tmp_path / "connector.jar")
    server.put("/down/connector.jar.asc", (tmp_path / "connector.jar.asc").read_bytes())
    entry = f'{JAR_ENTRY}\nsignature = "ORIGIN/down/connector.jar.asc"\nkey = '
    settings(tmp_path, server, f'{entry}"theirs.asc"')
    refused = fetch(tmp_path, server)
    assert (
        refused.returncode == 5
        and "was made for a different file, or with a key that is not in `theirs.asc`" in refused.stderr
    )
    settings(tmp_path, server, f'{entry}"ours.asc"')
    done = fetch(tmp_path, server)
    assert done.returncode == 0, done.stderr
    [file] = load_other_files(tmp_path / "house").files
    assert file.voucher.startswith("signed by ") and len(file.voucher.split()[-1]) == 40
    assert (tmp_path / "house" / "files" / "connector.jar.signature").is_file()


def test_they_cross_the_gap_and_are_staged_with_a_dockerfile(server: IndexServer, tmp_path: Path) -> None:
    settings(tmp_path, server, JAR_ENTRY, SDK_ENTRY)
    assert fetch(tmp_path, server).returncode == 0
    pack(tmp_path / "house", tmp_path / "a.tar", None, None, None)
    unpack(tmp_path / "a.tar", tmp_path / "there", ())
    assert not verify(tmp_path / "there").findings
    done = wheelhouse("stage", "there", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    staged = tmp_path / "docker-context-files"
    assert (staged / "files" / "connector.jar").read_bytes() == JAR
    lines = (staged / "files.Dockerfile").read_text().splitlines()
    assert "COPY docker-context-files/files/connector.jar /opt/spark/jars/" in lines
    assert "COPY --from=unpacked /unpacked/opt/sdk /opt/sdk" in lines
    assert any(line.endswith("-C /unpacked/opt/sdk --no-same-owner --strip-components=1") for line in lines)
    assert "docker build --network none -f docker-context-files/files.Dockerfile -t my-image ." in done.stdout
    assert wheelhouse("verify", staged, cwd=tmp_path).returncode == 0
    (staged / "files" / "connector.jar").write_bytes(b"altered")
    assert wheelhouse("verify", staged, cwd=tmp_path).returncode == 1


@pytest.mark.parametrize("damage", ["altered", "missing", "foreign"])
def test_what_is_wrong_with_them_is_said(server: IndexServer, tmp_path: Path, damage: str) -> None:
    settings(tmp_path, server, JAR_ENTRY)
    assert fetch(tmp_path, server).returncode == 0
    folder = tmp_path / "house" / "files"
    if damage == "foreign":
        (folder / "more.jar").write_bytes(JAR)
    elif damage == "missing":
        (folder / "connector.jar").unlink()
    else:
        (folder / "connector.jar").write_bytes(JAR[:-1] + b"!")
    assert {finding.rule for finding in verify(tmp_path / "house").findings} == {damage}


@pytest.mark.parametrize(
    ("wish", "sentence"),
    [
        (OtherFileRequest("https://a/b.jar"), "no hash is given"),
        (OtherFileRequest("https://a/b.jar", "ab"), "is not a sha256"),
        (OtherFileRequest("https://a/", "0" * 64), "cannot have this name"),
        (OtherFileRequest("https://[a/b.jar", "0" * 64), "cannot have this name"),
        (OtherFileRequest("https://a/b%20c", "0" * 64), "cannot have this name"),
        (OtherFileRequest("file:///etc/passwd", "0" * 64), "http"),
        (OtherFileRequest("https://a/b.jar", "0" * 64, to="/opt/../etc"), "is not a path"),
        (OtherFileRequest("https://a/b.jar", "0" * 64, to="/opt/$(id)"), "is not a path"),
        (OtherFileRequest("https://a/b.jar", "0" * 64, to="/opt/x", unpack=True), "needs a tar file"),
        (OtherFileRequest("https://a/b.jar", "0" * 64, signature="https://a/b.asc"), "needs `key`"),
    ],
)
def test_a_wish_that_cannot_be_is_refused(wish: OtherFileRequest, sentence: str) -> None:
    with pytest.raises(InputError, match=sentence):
        wish.checked()


DIGEST = "0123456789abcdef" * 4


@pytest.mark.parametrize(
    "text",
    [
        f"{DIGEST}  a-1.tar.gz\n",
        f"{'f' * 64}  b.tar.gz\n{DIGEST} *a-1.tar.gz\n",
        f"SHA256 (a-1.tar.gz) = {DIGEST}\n",
        f"{DIGEST}\n",
        f"{DIGEST}  dist/a-1.tar.gz\n",
        f"a-1.tar.gz: {' '.join(DIGEST[i : i + 8].upper() for i in range(0, 64, 8))}\n",
        f"a-1.tar.gz: {DIGEST[:32].upper()}\n            {DIGEST[32:].upper()}\n",
    ],
)
def test_checksum_files_are_read_as_they_are_published(text: str) -> None:
    assert published_digest(text, "a-1.tar.gz") == ("sha256", DIGEST)


@pytest.mark.parametrize(
    "text", ["", "<html>not found</html>", f"{DIGEST}  other.tar.gz\n{DIGEST} more.tar.gz\n", "abc  a-1.tar.gz"]
)
def test_what_gives_no_digest_of_the_file_gives_none(text: str) -> None:
    assert published_digest(text, "a-1.tar.gz") is None


def test_a_reviewer_sees_what_nobody_vouches_for_and_what_leads_out(server: IndexServer, tmp_path: Path) -> None:
    raw = io.BytesIO()
    with tarfile.open(fileobj=raw, mode="w:gz") as archive:
        for name, link in (
            ("sdk/fine", ""),
            ("sdk/../../etc/cron.d/evil", ""),
            ("sdk/up", "../../etc"),
            ("sdk/in", "fine"),
        ):
            header = tarfile.TarInfo(name)
            header.type, header.linkname = (tarfile.SYMTYPE, link) if link else (tarfile.REGTYPE, "")
            archive.addfile(header)
    server.put("/down/evil.tar.gz", raw.getvalue())
    evil = f'url = "ORIGIN/down/evil.tar.gz"\nsha256 = "{hashlib.sha256(raw.getvalue()).hexdigest()}"'
    settings(tmp_path, server, JAR_ENTRY, SDK_ENTRY, evil)
    assert fetch(tmp_path, server).returncode == 0
    vetted = wheelhouse("vet", "house", "--json", cwd=tmp_path)
    assert vetted.returncode == 1
    said = {(one["subject"], one["rule"]): one["sentence"] for one in json.loads(vetted.stdout)["findings"]}
    assert ("files/connector.jar", "file-unvouched") in said and ("files/sdk-1.0.tar.gz", "file-in-clear") in said
    assert ("files/sdk-1.0.tar.gz", "file-unvouched") not in said
    [sentence] = [said[place] for place in said if place[1] == "file-leads-out"]
    assert "etc/cron.d/evil" in sentence and "`sdk/up`" in sentence and "fine" not in sentence
    assert "file-leads-out" in wheelhouse("rules", cwd=tmp_path).stdout


def test_they_need_a_yes_like_every_other_file(server: IndexServer, tmp_path: Path) -> None:
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", tmp_path / "alice"], check=True)
    settings(tmp_path, server, JAR_ENTRY)
    reviewer = f'[[approvals.reviewers]]\nname = "alice"\nkey = "{(tmp_path / "alice.pub").read_text().strip()}"\n'
    with (tmp_path / "wheelhouse.toml").open("a") as file:
        file.write(reviewer)
    assert fetch(tmp_path, server).returncode == 0
    yes = ("approve", "house", "--key", "alice", "--reason", "read it")
    assert wheelhouse(*yes, "--file", "lib-1.0-py3-none-any.whl", cwd=tmp_path).returncode == 0
    for command in (("verify", "house"), ("stage", "house")):
        refused = wheelhouse(*command, "--require-approved", cwd=tmp_path)
        assert refused.returncode != 0 and "files/connector.jar" in refused.stdout + refused.stderr
    assert wheelhouse(*yes, cwd=tmp_path).returncode == 0
    for command in (("verify", "house"), ("stage", "house"), ("verify", "docker-context-files")):
        done = wheelhouse(*command, "--require-approved", cwd=tmp_path)
        assert done.returncode == 0, done.stdout + done.stderr


def test_nobodys_file_is_replaced_and_two_cannot_have_one_name(server: IndexServer, tmp_path: Path) -> None:
    (tmp_path / "house" / "files").mkdir(parents=True)
    (tmp_path / "house" / "files" / "connector.jar").write_bytes(b"somebody's own")
    settings(tmp_path, server, JAR_ENTRY)
    refused = fetch(tmp_path, server)
    assert refused.returncode == 2 and "already exists" in refused.stderr
    assert (tmp_path / "house" / "files" / "connector.jar").read_bytes() == b"somebody's own"
    settings(tmp_path, server, SDK_ENTRY, f'{JAR_ENTRY}\nname = "sdk-1.0.tar.gz"')
    refused = fetch(tmp_path, server)
    assert refused.returncode == 2 and "two of the [[files]] are named `sdk-1.0.tar.gz`" in refused.stderr
    assert not (tmp_path / "house" / "files" / "sdk-1.0.tar.gz").exists()
