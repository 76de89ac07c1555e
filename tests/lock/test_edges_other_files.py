"""Other files: every problem of a request, every field of the lock, every form of a published digest, the Dockerfile."""

from dataclasses import replace

import pytest

from tests.lock.test_edges_lock_file import assert_golden
from wheelhouse.archive.artifact import Artifact
from wheelhouse.errors import InputError
from wheelhouse.lock.other_files import (
    OtherFile,
    OtherFileRequest,
    OtherFiles,
    build_command,
    dockerfile,
    last_part,
    parse_other_files,
    published_digest,
)
from wheelhouse.lock.wheelhouse import sha256_of_text, summed

URL = "https://files.example/d/jdk.tar.gz"
SHA256 = "a1" * 32
REQUEST = OtherFileRequest(URL, SHA256)
TAR = OtherFile(
    "jdk.tar.gz",
    URL,
    SHA256,
    1000,
    "signed by Ada",
    (Artifact("jdk.tar.gz.signature", "b2" * 32, 20, "https://files.example/d/jdk.sig"),),
    "/opt/jdk",
    unpack=True,
    strip=1,
)
JAR = OtherFile("driver.jar", "https://files.example/driver.jar", "c3" * 32, 5, to="/opt/lib/")
LOOSE = OtherFile("notes.txt", "https://files.example/notes.txt", "d4" * 32, 7)
FILES = OtherFiles((TAR, JAR, LOOSE))

PROBLEMS = {
    "no name": (
        OtherFileRequest("https://files.example/", SHA256),
        "a file in a wheelhouse cannot have this name",
    ),
    "a path as a name": (replace(REQUEST, name="a/../b"), "a file in a wheelhouse cannot have this name"),
    "a long digest": (replace(REQUEST, sha256=f"{SHA256}0"), f"`{SHA256}0` is not a sha256"),
    "a hidden name": (replace(REQUEST, name=".x"), "a file in a wheelhouse cannot have this name"),
    "the name of the lock": (
        replace(REQUEST, name="files.lock.toml"),
        "a file in a wheelhouse cannot have this name",
    ),
    "the name of the sums": (replace(REQUEST, name="SHA256SUMS"), "a file in a wheelhouse cannot have this name"),
    "a path": (OtherFileRequest("/srv/jdk.tar.gz", SHA256), "wheelhouse takes files only from http(s) addresses"),
    "ftp": (
        OtherFileRequest("ftp://files.example/jdk.tar.gz", SHA256),
        "wheelhouse takes files only from http(s) addresses",
    ),
    "a file of checksums": (
        replace(REQUEST, checksums="file:///x"),
        "wheelhouse takes files only from http(s) addresses",
    ),
    "no digest": (OtherFileRequest(URL), "no hash is given for the file"),
    "capitals": (replace(REQUEST, sha256=SHA256.upper()), f"`{SHA256.upper()}` is not a sha256"),
    "a short digest": (replace(REQUEST, sha256="a1"), "`a1` is not a sha256"),
    "no key": (replace(REQUEST, signature="https://x/s"), "`signature` needs `key`, and `key` needs `signature`"),
    "no signature": (replace(REQUEST, key="KEYS"), "`signature` needs `key`, and `key` needs `signature`"),
    "a relative goal": (replace(REQUEST, to="opt"), "`opt` is not a path in an image"),
    "a goal above": (replace(REQUEST, to="/opt/../etc"), "`/opt/../etc` is not a path in an image"),
    "a goal with a space": (replace(REQUEST, to="/opt/a b"), "`/opt/a b` is not a path in an image"),
    "nowhere to unpack": (replace(REQUEST, unpack=True), "`unpack` needs a tar file, and a folder in `to`"),
    "no tar": (
        replace(REQUEST, unpack=True, to="/opt", name="x.zip"),
        "`unpack` needs a tar file, and a folder in `to`",
    ),
}


@pytest.mark.parametrize("name", PROBLEMS)
def test_a_request_that_cannot_be_met_is_refused(name: str) -> None:
    request, sentence = PROBLEMS[name]
    with pytest.raises(InputError) as caught:
        request.checked()
    assert str(caught.value) == f"[[files]] `{request.name or last_part(request.url) or request.url}`: {sentence}"
    assert caught.value.hint and caught.value.details == ()


@pytest.mark.parametrize(
    "request_",
    [
        REQUEST,
        OtherFileRequest("http://files.example/jdk.tar.gz", checksums="http://files.example/SUMS"),
        replace(REQUEST, signature="https://files.example/s", key="KEYS"),
        *(
            replace(REQUEST, to="/opt/x", unpack=True, name=f"x{tar}")
            for tar in (".tar", ".tgz", ".tar.bz2", ".tar.xz")
        ),
        replace(REQUEST, to="/opt/x/"),
    ],
)
def test_a_request_that_can_be_met_has_a_name(request_: OtherFileRequest) -> None:
    assert request_.checked() == replace(request_, name=request_.name or "jdk.tar.gz")


def test_all_problems_of_a_request_are_told() -> None:
    with pytest.raises(InputError) as caught:
        OtherFileRequest("ftp://files.example/x", name=".x").checked()
    assert caught.value.details == (
        "a file in a wheelhouse cannot have this name",
        "wheelhouse takes files only from http(s) addresses",
        "no hash is given for the file",
    )
    with pytest.raises(InputError) as caught:
        OtherFileRequest("ftp://files.example/x").checked()
    assert len(caught.value.details) == 2


def test_what_lies_beside_a_file_has_its_name() -> None:
    request = replace(REQUEST, name="x.tar", checksums="https://x/c", signature="https://x/s")
    assert request.beside == {"x.tar.checksums": "https://x/c", "x.tar.signature": "https://x/s"}
    assert REQUEST.beside == {}


@pytest.mark.parametrize(
    ("url", "name"),
    [
        ("https://x/a/b%20c.jar?x=/d", "b c.jar"),
        ("https://x/a/", ""),
        ("https://x", ""),
        ("https://[x/a.jar", ""),
        ("https://x/a.jar", "a.jar"),
    ],
)
def test_the_name_in_an_address(url: str, name: str) -> None:
    assert last_part(url) == name


def test_every_field_is_written_and_read_back() -> None:
    text = FILES.to_toml()
    assert_golden("files.toml", text)
    assert parse_other_files(text, "files.lock.toml") == FILES
    texts = FILES.texts
    assert list(texts) == ["SHA256SUMS", "files.lock.toml"] and OtherFiles().texts == {}
    assert summed(texts["SHA256SUMS"]) == {
        "jdk.tar.gz": SHA256,
        "jdk.tar.gz.signature": "b2" * 32,
        "driver.jar": "c3" * 32,
        "notes.txt": "d4" * 32,
        "files.lock.toml": sha256_of_text(text),
    }


def test_an_empty_file_is_written_with_its_size_and_read_back() -> None:
    files = OtherFiles((replace(LOOSE, size=0),))
    assert parse_other_files(files.to_toml(), "files.lock.toml") == files


@pytest.mark.parametrize(
    ("old", "new", "sentence"),
    [
        ("version = 1", "version = 2", "version 2 is unknown"),
        ('name = "driver.jar"', 'name = "../driver.jar"', "name"),
        ('name = "driver.jar"', 'name = "notes.txt"', "two of the [[files]] are named `notes.txt`"),
        ('to = "/opt/lib/"', 'to = "/opt/$(id)"', "is not a path in an image"),
        ("unpack = true", 'unpack = true\nname2 = ""\n', None),
        ("size = 5", "size = -5", "size"),
        ('url = "https://files.example/driver.jar"', 'url = "file:///etc/passwd"', "http(s)"),
        ("version = 1", "version = [", ""),
    ],
)
def test_a_damaged_lock_of_files(old: str, new: str, sentence: str | None) -> None:
    text = FILES.to_toml().replace(old, new, 1)
    if sentence is None:
        assert parse_other_files(text, "files.lock.toml") == FILES
        return
    with pytest.raises(InputError) as caught:
        parse_other_files(text, "there")
    assert str(caught.value).startswith("`there` is not a lock that wheelhouse wrote: ")
    assert sentence in str(caught.value) and caught.value.hint == "fetch again"


DIGESTS = {64: "sha256", 96: "sha384", 128: "sha512"}


@pytest.mark.parametrize("length", DIGESTS)
@pytest.mark.parametrize(
    "form",
    [
        "{d}  x.jar",
        "{d} *x.jar",
        "SHA (x.jar) = {d}",
        "x.jar: {s}",
        "{d}\n",
        "sha256:{d}\n",
        "SHA-512 = {d}\n",
        "{d}  -\n",
        "MD5 (x.jar) = 0123\nSHA (x.jar) = {d}\n",
        "# by hand\n{d}  x.jar\n",
        "{d}  ./a/x.jar",
        "SHA256(stdin)= {d}\n",
        "SHA2-256(stdin)= {d}\n",
        "SHA256 (-) = {d}\n",
        "(stdin)= {d}\n",
        "{s}\n",
        "\ufeff{d}\n",
        "\ufeff{d}  x.jar\n",
        "SHA256 hash of x.jar:\n{d}\nCertUtil: -hashfile command completed successfully.\n",
        "SHA256 hash of x.jar:\n{s}\nCertUtil: -hashfile command completed successfully.\n",
        "File: x.jar\nMD5: 0123\nSHA256: {d}\n",
    ],
)
def test_a_published_digest_is_read_in_every_form(length: int, form: str) -> None:
    digest = ("0123456789abcdef" * 8)[:length]
    spaced = " ".join(digest[at : at + 4].upper() for at in range(0, length, 4))
    text = form.format(d=digest.upper(), s=spaced)
    assert published_digest(text, "x.jar") == (DIGESTS[length], digest)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "x.jar\n",
        f"{'a' * 64}  y.jar\n",
        f"{'a' * 64}  y.jar\n{'b' * 64}  z.jar\n",
        f"MD5 (x.jar) = 0123\nSHA256 (y.jar) = {'a' * 64}\n",
        f"{'a' * 65}  x.jar\n",
        f"{'0123 ' * 15}zzzz\n",
        f"{'a' * 40}  x.jar\n",
        f"{'a' * 64}  not-x.jar\n{'b' * 64}  x.jar.asc\n",
        "x.jar: 0123 xyz\n",
        f"SHA3-256(stdin)= {'a' * 64}\n",
        f"{'a' * 64}  x.jar/y.jar\n",
        f"File: x.jar\n{'a' * 64}  y.jar\n",
        f"x.jar\nSHA256 (y.jar) = {'a' * 64}\n",
        f"x.jar\n{'a' * 64}\n{'b' * 64}\n",
        f"{'a' * 32}\n{'a' * 32}\n",
        f"{'a' * 64}\n{'b' * 64}\n",
    ],
)
def test_a_text_without_the_digest_gives_none(text: str) -> None:
    assert published_digest(text, "x.jar") is None


def test_the_digest_of_the_named_file_is_taken() -> None:
    text = f"{'a' * 64}  y.jar\n{'b' * 64}  x.jar\n"
    assert published_digest(text, "x.jar") == ("sha256", "b" * 64)


@pytest.mark.parametrize("suffix", [".tar.gz", ""])
@pytest.mark.parametrize(
    "form",
    ["SHA256 ({n}) = {d}", "{d}  {n}", "{d} *./{n}", "{n}: {d}", "https://x/{n} {d}", "SHA256 hash of {n}:\n{d}"],
)
def test_digits_in_the_name_of_the_file_are_no_digest(suffix: str, form: str) -> None:
    name = f"{'a' * 64}{suffix}"
    assert published_digest(form.format(n=name, d="b" * 64), name) == ("sha256", "b" * 64)
    if not suffix:
        assert published_digest(form.format(n=name, d=name), name) == ("sha256", "a" * 64)


def test_digits_in_a_folder_of_the_file_are_no_digest() -> None:
    assert published_digest(f"https://x/{'a' * 64}/x.jar {'b' * 64}", "x.jar") == ("sha256", "b" * 64)
    assert published_digest(f"https://x/{'a' * 64}/x.jar", "x.jar") is None


def test_the_dockerfile_copies_and_unpacks() -> None:
    assert_golden("files.Dockerfile", dockerfile(FILES.files, "docker-context-files", "debian:12"))
    assert "unpacked" not in dockerfile((JAR, LOOSE), "context", "debian:12")
    assert "--strip-components" not in dockerfile((replace(TAR, strip=0),), "context", "debian:12")


def test_the_build_command_is_quoted() -> None:
    assert build_command("a b/D", "x:1", ".") == "docker build --network none -f 'a b/D' -t x:1 ."
