"""What a registry asks for, and what Docker's config.json answers."""

import json
from base64 import b64encode
from pathlib import Path

import pytest

from wheelhouse.errors import InputError
from wheelhouse.oci.challenge import Challenge
from wheelhouse.oci.docker_config import DockerConfig

ANN = b64encode(b"ann:s3:cret").decode()


@pytest.mark.parametrize(
    ("header", "expected"),
    [
        (
            'Bearer realm="https://auth.example/token",service="registry.example",scope="repository:a/b:pull"',
            Challenge("bearer", "https://auth.example/token", "registry.example", "repository:a/b:pull"),
        ),
        ("bearer realm=https://auth.example/token", Challenge("bearer", "https://auth.example/token")),
        ('Basic realm="a, Bearer b"', Challenge("basic", "a, Bearer b")),
        ('Basic realm="x", Bearer realm="https://a/b"', Challenge("bearer", "https://a/b")),
        ('Bearer realm="https://a/b", Basic realm="x"', Challenge("bearer", "https://a/b")),
        (
            'Bearer realm="https://a/b",service="reg", Digest realm="other",nonce="x"',
            Challenge("bearer", "https://a/b", "reg"),
        ),
        ('Negotiate abc==, Basic realm="x"', Challenge("basic", "x")),
        ("Negotiate", None),
        ("", None),
    ],
)
def test_a_challenge_is_read(header: str, expected: Challenge | None) -> None:
    assert Challenge.parse(header) == expected


def test_a_token_is_asked_for_with_service_and_scope() -> None:
    asked = Challenge("bearer", "https://a.example/token?x=1", "the service").token_url("repository:a:pull")
    assert asked == "https://a.example/token?x=1&service=the+service&scope=repository%3Aa%3Apull"


def config(folder: Path, document: object) -> DockerConfig:
    path = folder / "config.json"
    path.write_text(json.dumps(document))
    return DockerConfig(path)


@pytest.mark.parametrize(
    ("key", "registry"),
    [
        ("registry.example", "registry.example"),
        ("https://registry.example", "registry.example"),
        ("https://registry.example/v2/", "registry.example"),
        ("registry.example:5000", "registry.example:5000"),
        ("https://index.docker.io/v1/", "docker.io"),
        ("docker.io", "docker.io"),
    ],
)
def test_an_entry_is_found_by_the_registry_s_host(tmp_path: Path, key: str, registry: str) -> None:
    asked = config(tmp_path, {"auths": {key: {"auth": ANN}}, "HttpHeaders": {"x": "y"}})
    assert asked.credentials(registry) == ("ann", "s3:cret")
    assert asked.credentials("other.example") is None


def test_there_need_be_no_file_and_no_entry(tmp_path: Path) -> None:
    assert DockerConfig(None).credentials("r.example") is None
    assert DockerConfig(tmp_path / "none").credentials("r.example") is None
    assert config(tmp_path, {"auths": {"r.example": {}}}).credentials("r.example") is None


@pytest.mark.parametrize(
    "entry",
    [
        *({"auth": "%%%"}, {"auth": "\u00e9"}, {"auth": b64encode(b"nopassword").decode()}),
        *({"auth": ANN, "identitytoken": "s3cret"}, {"identitytoken": "s3cret"}),
    ],
)
def test_what_cannot_be_used_is_an_error_that_shows_no_secret(tmp_path: Path, entry: dict[str, str]) -> None:
    with pytest.raises(InputError) as refused:
        config(tmp_path, {"auths": {"r.example": entry}}).credentials("r.example")
    assert "s3cret" not in f"{refused.value}{refused.value.hint}" and "nopassword" not in str(refused.value)


def test_a_file_that_is_no_json_is_an_error_that_shows_nothing_of_it(tmp_path: Path) -> None:
    (tmp_path / "config.json").write_text('{"auths": {"r": {"auth": 5, "password": "s3cret"}}}')
    with pytest.raises(InputError, match="cannot be read as JSON") as refused:
        DockerConfig(tmp_path / "config.json").credentials("r")
    assert "s3cret" not in str(refused.value)
