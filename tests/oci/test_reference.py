"""Names of images: what they mean, and what is none."""

import pytest

from wheelhouse.errors import InputError
from wheelhouse.oci.reference import Mirror, Reference

DIGEST = f"sha256:{'a' * 64}"


@pytest.mark.parametrize(
    ("text", "api", "requested", "tagged"),
    [
        ("python", "https://registry-1.docker.io/v2/library/python", "latest", "python:latest"),
        ("python:3.12-slim", "https://registry-1.docker.io/v2/library/python", "3.12-slim", "python:3.12-slim"),
        ("docker.io/python:3.12", "https://registry-1.docker.io/v2/library/python", "3.12", "docker.io/python:3.12"),
        (
            "index.docker.io/base",
            "https://registry-1.docker.io/v2/library/base",
            "latest",
            "index.docker.io/base:latest",
        ),
        ("docker.io/a/b:1", "https://registry-1.docker.io/v2/a/b", "1", "docker.io/a/b:1"),
        ("apache/airflow:2.10.5", "https://registry-1.docker.io/v2/apache/airflow", "2.10.5", "apache/airflow:2.10.5"),
        ("quay.io/x/y:1", "https://quay.io/v2/x/y", "1", "quay.io/x/y:1"),
        ("localhost:5000/base", "http://localhost:5000/v2/base", "latest", "localhost:5000/base:latest"),
        ("[::1]:5000/base:2", "http://[::1]:5000/v2/base", "2", "[::1]:5000/base:2"),
        ("http://registry.corp/t/base:1", "http://registry.corp/v2/t/base", "1", "registry.corp/t/base:1"),
        ("https://127.0.0.1:5000/base", "https://127.0.0.1:5000/v2/base", "latest", "127.0.0.1:5000/base:latest"),
        (f"r.corp/b:1@{DIGEST}", "https://r.corp/v2/b", DIGEST, "r.corp/b:1"),
        (f"r.corp/b@{DIGEST}", "https://r.corp/v2/b", DIGEST, f"r.corp/b:sha256-{'a' * 12}"),
    ],
)
def test_a_name_means(text: str, api: str, requested: str, tagged: str) -> None:
    reference = Reference.parse(text)
    assert (reference.api, reference.requested, reference.tagged) == (api, requested, tagged)


@pytest.mark.parametrize(
    "text",
    [
        *("", "Python", "a b", "python:", "python@", "python@sha256:12", "python@sha512:" + "a" * 128, "../x"),
        *("a//b", "a/../b", "ftp://r.corp/b", "r.corp/", "user:secret@r.corp/b", "r.corp/b:1\n", "r.corp:port/b"),
        *("a" * 256, "x?y", "python:\u0661"),
    ],
)
def test_what_is_no_name(text: str) -> None:
    with pytest.raises(InputError, match="is not the name of an image"):
        Reference.parse(text)


def test_a_mirror_has_the_image_under_its_own_prefix_and_the_image_keeps_its_name() -> None:
    mirrored = Mirror.parse("https://mirror.corp/hub/").of(Reference.parse("python:3.12"))
    assert mirrored.api == "https://mirror.corp/v2/hub/library/python" and mirrored.tagged == "python:3.12"
    assert Mirror.parse("quay.io=http://10.0.0.1:5000").registry == "quay.io"
    assert Mirror.parse("index.docker.io=https://mirror.corp").registry == "docker.io"


@pytest.mark.parametrize(
    "text",
    [
        *("mirror.corp", "https://u:p@mirror.corp", "https://mirror.corp/a?b", "ftp://m.corp"),
        *("https://[::1", "docker.io=https://[bad]/x", "https://docker.io=https://m.example", "=https://m.example"),
        *("a b=https://m.example", "https://m.example/x#y", "quay.io=https://m.example#y"),
    ],
)
def test_what_is_no_mirror(text: str) -> None:
    with pytest.raises(InputError, match="is not a valid mirror of a registry"):
        Mirror.parse(text)


@pytest.mark.parametrize(
    "text",
    ["https://u:s3cret@m.corp", "quay.io=https://u:s3cret@m.corp/x", "u:s3cret@m.corp", "https://m.corp/x?a=s3cret"],
)
def test_the_error_of_a_mirror_shows_no_password(text: str) -> None:
    with pytest.raises(InputError, match=r"m\.corp") as caught:
        Mirror.parse(text)
    assert "s3cret" not in str(caught.value)
