"""`fetch --base-image`: from a registry, verified by digest, locked, and the targets follow from the image itself."""

import json
import stat
from base64 import b64encode
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.index import Fault
from tests.support.registry import (
    INDEX,
    MANIFEST,
    RegistryServer,
    TinyImage,
    Tokens,
    descriptor,
    index_of,
    python_files,
    sha256,
    tiny_image,
)
from tests.support.tools import run, wheelhouse
from tests.support.wheels import build_wheel
from wheelhouse.errors import InputError, IntegrityError, ServerError, TransientError, WheelhouseError
from wheelhouse.events import Event, Finished
from wheelhouse.fetch.base_image_request import with_base_images
from wheelhouse.fetch.gather import Options, targets
from wheelhouse.files.cache import Cache
from wheelhouse.index.http import Http, HttpSettings
from wheelhouse.oci.image_lock import ImageLock
from wheelhouse.oci.image_source import RegistrySource
from wheelhouse.oci.reference import Reference
from wheelhouse.verify.verify import verify
from wheelhouse.verify.verify_other_files import load_base_images


@pytest.fixture
def registry(tmp_path: Path) -> Iterator[RegistryServer]:
    offered = tmp_path / "offered"
    offered.mkdir()
    build_wheel(offered, "lib", "1.0")
    with RegistryServer(offered) as server:
        yield server


class Fetching:
    """One user's wheelhouse and cache; `events` are those of the last fetch."""

    def __init__(self, folder: Path) -> None:
        self.house, self.cache, self.config = folder / "house", folder / "cache", folder / "config.json"
        self.events: list[Event] = []

    def __call__(self, name: str, *platforms: str, **more: object) -> ImageLock:
        self.events = []
        http = Http(HttpSettings(retries=2), self.events.append)
        cache = Cache(self.cache)
        self.options = Options(base_image=name, platform=platforms, **more)  # type: ignore[arg-type]
        try:
            self.options, lock = with_base_images(
                self.options, self.house, http, cache, self.config, self.events.append
            )
        finally:
            http.close()
            cache.close()
        return lock

    @property
    def reused(self) -> list[bool]:
        """Whether each blob was there already."""
        return [event.reused for event in self.events if isinstance(event, Finished)]


@pytest.fixture
def fetching(tmp_path: Path) -> Fetching:
    return Fetching(tmp_path)


def gets(registry: RegistryServer, kind: str) -> list[str]:
    """The paths of requests for manifests or blobs that were answered with bytes."""
    return [one.path for one in registry.requests if f"/{kind}/" in one.path and one.status in (200, 206)]


def test_a_user_types_it_once_and_the_target_follows_from_the_image(registry: RegistryServer, tmp_path: Path) -> None:
    image = tiny_image()
    registry.push("team/base", "12", image)
    name = f"{registry.host}/team/base:12"
    command = ("fetch", "lib", "--index", registry.url, "--base-image", name)
    done = wheelhouse(*command, "--dest", "house", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    line = f"image/: {name}@{image.digest} for amd64, "
    assert line in done.stdout and done.stdout.rstrip().endswith("debian 12 bookworm, manylinux_2_36, Python 3.12.4")
    house = tmp_path / "house"
    lock = (house / "pylock.cp312-manylinux_2_36_x86_64.toml").read_text()
    assert 'python = "3.12.4"' in lock
    assert not verify(house).findings
    assert run("sha256sum", "-c", "SHA256SUMS", cwd=house / "image").returncode == 0
    before = {path: path.read_bytes() for path in house.rglob("*") if path.is_file()}
    asked = len(registry.requests)
    again = wheelhouse(*command, "--dest", "house", "--json", cwd=tmp_path)
    [row] = json.loads(again.stdout)["images"]
    assert (row["digest"], row["python"], row["libc"]) == (image.digest, "3.12.4", "manylinux_2_36")
    assert len(registry.requests) == asked and before == {path: path.read_bytes() for path in before}


def test_a_mirror_answers_for_docker_hub_and_lock_knows_the_target_too(
    registry: RegistryServer, tmp_path: Path
) -> None:
    registry.push("library/base", "1", tiny_image())
    command = ("--index", registry.url, "--base-image", "base:1", "--image-mirror", registry.origin, "lib")
    for name in ("fetch", "lock"):
        done = wheelhouse(name, *command, "--dest", name, cwd=tmp_path)
        assert done.returncode == 0, done.stderr
        assert (tmp_path / name / "pylock.cp312-manylinux_2_36_x86_64.toml").is_file()


def test_a_check_of_the_locks_leaves_the_wheelhouse_as_it_is(registry: RegistryServer, tmp_path: Path) -> None:
    registry.push("team/base", "12", tiny_image())
    registry.push("team/base", "13", tiny_image(python_files("3.13.1")))
    options = ("lib", "--index", registry.url, "--dest", "house", "--base-image", f"{registry.host}/team/base:")
    ours, other = (*options[:-1], f"{options[-1]}12"), (*options[:-1], f"{options[-1]}13")
    done = wheelhouse("lock", "--check", *ours, cwd=tmp_path)
    assert done.returncode == 1 and "it is missing" in done.stdout, done.stderr
    assert not (tmp_path / "house").exists()
    assert wheelhouse("fetch", *ours, cwd=tmp_path).returncode == 0
    before = {path: path.read_bytes() for path in (tmp_path / "house").rglob("*") if path.is_file()}
    asked = len(registry.requests)
    done = wheelhouse("lock", "--check", *ours, cwd=tmp_path)
    assert done.returncode == 0 and len(registry.requests) == asked, done.stderr
    assert wheelhouse("lock", "--check", *other, cwd=tmp_path).returncode == 1
    assert before == {path: path.read_bytes() for path in (tmp_path / "house").rglob("*") if path.is_file()}


def test_the_settings_say_it_too_and_without_them_the_image_goes(registry: RegistryServer, tmp_path: Path) -> None:
    registry.push("hub/library/base", "1", tiny_image())
    head = f'requirements = ["lib"]\nindex = "{registry.url}"\ndest = "house"\n'
    image = f'[image]\nbase = "base:1"\n[image.mirrors]\n"docker.io" = "{registry.origin}/hub"\n'
    (tmp_path / "wheelhouse.toml").write_text(head + image)
    done = wheelhouse("fetch", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    [held] = load_base_images(tmp_path / "house").images
    assert held.name == "base:1" and held.tag == "base:1" and "/hub/library/base" in held.source
    (tmp_path / "wheelhouse.toml").write_text(head + 'python = "3.12"\n')
    assert wheelhouse("fetch", "--replace", cwd=tmp_path).returncode == 0
    assert not (tmp_path / "house" / "image").exists()


def test_an_index_leads_to_the_image_of_each_architecture(registry: RegistryServer, fetching: Fetching) -> None:
    ours, other = tiny_image(), tiny_image(python_files("3.12.5"), architecture="arm64")
    digest = registry.push("base", "1", ours, other)
    lock = fetching(f"{registry.host}/base:1", "linux/arm64", "linux/amd64")
    assert [(one.architecture, one.manifest.digest) for one in lock.images] == [
        ("arm64", other.digest),
        ("amd64", ours.digest),
    ]
    assert {one.index for one in lock.images} == {digest}
    assert [target.name for target in targets(fetching.options, None)] == [
        "cp312-manylinux_2_36_aarch64",
        "cp312-manylinux_2_36_x86_64",
    ]
    with pytest.raises(InputError, match="has no image for s390x; it has images for: amd64, arm64"):
        fetching(f"{registry.host}/base:1", "linux/s390x")


def test_a_lock_is_kept_until_upgrade_and_a_missing_layer_comes_back(
    registry: RegistryServer, fetching: Fetching
) -> None:
    first, second = tiny_image(), tiny_image(python_files("3.12.5"))
    registry.push("base", "1", first)
    name = f"{registry.host}/base:1"
    fetching(name)
    registry.push("base", "1", second)
    assert fetching(name).images[0].manifest.digest == first.digest and fetching.reused == [True]
    layer = fetching.house / "image" / load_base_images(fetching.house).images[0].layers[0].path
    layer.unlink()
    asked = len(gets(registry, "blobs"))
    assert fetching(name).images[0].manifest.digest == first.digest and layer.is_file()
    assert len(gets(registry, "blobs")) == asked, "the store has it"
    upgraded = fetching(name, upgrade=True).images[0]
    assert upgraded.manifest.digest == second.digest and upgraded.facts and upgraded.facts.python == "3.12.5"
    assert not layer.exists()


def test_a_digest_is_what_it_says_whatever_the_registry_sends(registry: RegistryServer, fetching: Fetching) -> None:
    image, other = tiny_image(), tiny_image(python_files("3.11.2"))
    registry.push("base", "1", image)
    registry.put_manifest("base", image.digest, other.raw, MANIFEST)
    with pytest.raises(IntegrityError, match=f"but {image.digest} was expected"):
        fetching(f"{registry.host}/base@{image.digest}")
    assert not (fetching.house / "image").exists()


def test_a_download_that_breaks_off_goes_on_where_it_stopped(registry: RegistryServer, fetching: Fetching) -> None:
    image = tiny_image({**python_files(), "big": bytes(range(256)) * 4000})
    registry.push("base", "1", image)
    [layer] = [digest for digest in image.blobs if digest == image.document["layers"][0]["digest"]]
    registry.faults.append(Fault(f"/v2/base/blobs/{layer}", "cut", at=100))
    fetching(f"{registry.host}/base:1")
    asked = [one for one in registry.requests if layer in one.path]
    assert len(asked) == 2 and "range" in asked[1].headers


def test_altered_bytes_are_refused_and_nothing_has_a_final_name(registry: RegistryServer, fetching: Fetching) -> None:
    image = tiny_image()
    registry.push("base", "1", image)
    layer = image.document["layers"][0]
    registry.blobs[layer["digest"]] = b"x" * layer["size"]
    with pytest.raises(IntegrityError, match=r"but .* was expected"):
        fetching(f"{registry.host}/base:1")
    assert not list(fetching.house.rglob(layer["digest"].removeprefix("sha256:")))


def test_what_was_altered_in_the_store_is_fetched_again(
    registry: RegistryServer, fetching: Fetching, tmp_path: Path
) -> None:
    image = tiny_image()
    registry.push("base", "1", image)
    fetching(f"{registry.host}/base:1")
    digest = image.document["layers"][0]["digest"].removeprefix("sha256:")
    [kept] = [path for path in fetching.cache.rglob("*") if path.name == digest or digest in str(path)][-1:]
    size = kept.stat().st_size
    kept.chmod(stat.S_IRUSR | stat.S_IWUSR)
    kept.write_bytes(b"y" * size)
    fetching.house = tmp_path / "second"
    fetching(f"{registry.host}/base:1")
    assert sha256((fetching.house / "image" / "blobs/sha256" / digest).read_bytes()) == f"sha256:{digest}"


def layout_of_two(registry: RegistryServer, fetching: Fetching, tmp_path: Path) -> tuple[TinyImage, TinyImage, Path]:
    """An image for amd64, one for arm64, and a layout on this machine that has both."""
    image, other = tiny_image(), tiny_image(python_files("3.12.5"), architecture="arm64")
    registry.push("base", "1", image, other)
    fetching(f"{registry.host}/base:1", "linux/amd64", "linux/arm64")
    layout = tmp_path / "layout"
    fetching.house.joinpath("image").rename(layout)
    return image, other, layout


@pytest.mark.parametrize("kind", ["as wheelhouse keeps it", "as skopeo writes it", "by an index"])
def test_a_layout_on_this_machine_serves_too(
    registry: RegistryServer, fetching: Fetching, tmp_path: Path, kind: str
) -> None:
    image, other, layout = layout_of_two(registry, fetching, tmp_path)
    entry = descriptor(MANIFEST, image.raw)
    if kind == "by an index":
        raw = index_of(image, other)
        (layout / "blobs/sha256" / sha256(raw)[7:]).write_bytes(raw)
        entry = descriptor(json.loads(raw)["mediaType"], raw)
    if kind != "as wheelhouse keeps it":
        (layout / "index.json").write_text(json.dumps({"schemaVersion": 2, "manifests": [entry]}))
    asked = len(registry.requests)
    lock = fetching(f"oci:{layout}:python:1")
    assert len(registry.requests) == asked
    [held] = lock.images
    assert (
        held.manifest.digest == image.digest and held.tag == "python:1" and held.facts and held.facts.python == "3.12.4"
    )
    assert str(tmp_path) not in lock.to_toml()
    (fetching.house / "image" / held.layers[0].path).unlink()
    assert fetching(f"oci:{layout}:python:1") == lock
    blob = layout / held.layers[0].path
    blob.write_bytes(b"x" * held.layers[0].size)
    (fetching.house / "image" / held.layers[0].path).unlink()
    with pytest.raises(IntegrityError, match="was altered"):
        fetching(f"oci:{layout}:python:1")


def test_an_index_in_a_layout_is_found_by_its_digest(
    registry: RegistryServer, fetching: Fetching, tmp_path: Path
) -> None:
    image, other, layout = layout_of_two(registry, fetching, tmp_path)
    raw = index_of(image, other)
    (layout / "blobs/sha256" / sha256(raw)[7:]).write_bytes(raw)
    [held] = fetching(f"oci:{layout}:python:1@{sha256(raw)}").images
    assert (held.manifest.digest, held.index) == (image.digest, sha256(raw))


@pytest.mark.parametrize("name", ["oci:", "oci:folder", "oci::python:1", "oci:folder:Python"])
def test_a_layout_needs_a_name(fetching: Fetching, name: str) -> None:
    with pytest.raises(InputError):
        fetching(name)


# --- what an image is refused for


def with_manifest(registry: RegistryServer, **changes: object) -> None:
    image = tiny_image()
    registry.push("base", "1", image)
    raw = json.dumps({**image.document, **changes}).encode()
    registry.put_manifest("base", "1", raw, MANIFEST)


LAYER = {"mediaType": "application/vnd.oci.image.layer.v1.tar+gzip", "digest": f"sha256:{'a' * 64}", "size": 3}
HOSTILE: dict[str, dict[str, object]] = {
    "foreign layer": {
        "layers": [{**LAYER, "mediaType": "application/vnd.oci.image.layer.nondistributable.v1.tar+gzip"}]
    },
    "layer from elsewhere": {"layers": [{**LAYER, "urls": ["https://evil.example/layer"]}]},
    "path in a digest": {"layers": [{**LAYER, "digest": "sha256:../../../../etc/passwd"}]},
    "short digest": {"layers": [{**LAYER, "digest": "sha256:abc"}]},
    "other algorithm": {"layers": [{**LAYER, "digest": f"sha512:{'a' * 128}"}]},
    "negative size": {"layers": [{**LAYER, "size": -1}]},
    "too many layers": {"layers": [LAYER] * 501},
    "layers that are too large together": {"layers": [{**LAYER, "size": 20 << 30}] * 2},
    "no image": {"config": {**LAYER, "mediaType": "application/vnd.cncf.helm.config.v1+json"}},
    "index and manifest": {"manifests": []},
    "wrong media type": {"mediaType": "application/vnd.oci.image.index.v1+json"},
    "schema 1": {"schemaVersion": 1},
    "a huge configuration": {
        "config": {**LAYER, "mediaType": "application/vnd.oci.image.config.v1+json", "size": 9 << 20}
    },
    "one layer too few": {"layers": []},
}


@pytest.mark.parametrize("kind", HOSTILE)
def test_a_hostile_manifest_is_refused(registry: RegistryServer, fetching: Fetching, kind: str) -> None:
    with_manifest(registry, **HOSTILE[kind])
    with pytest.raises(IntegrityError, match="cannot be used as an image"):
        fetching(f"{registry.host}/base:1")


def test_an_index_in_an_index_is_refused(registry: RegistryServer, fetching: Fetching) -> None:
    image = tiny_image()
    inner = index_of(image)
    document = json.loads(inner)
    document["manifests"] = [
        {**descriptor(document["mediaType"], inner), "platform": {"os": "linux", "architecture": "amd64"}}
    ]
    registry.push("base", "1", image)
    registry.put_manifest("base", sha256(inner), inner, document["mediaType"])
    registry.put_manifest("base", "1", json.dumps(document).encode(), document["mediaType"])
    with pytest.raises(IntegrityError, match="instead of a manifest"):
        fetching(f"{registry.host}/base:1")


def test_a_layer_that_is_not_the_one_of_the_configuration_is_refused(
    registry: RegistryServer, fetching: Fetching
) -> None:
    image, other = tiny_image(), tiny_image(python_files("3.11.2"))
    registry.push("base", "1", other)
    with_manifest(registry, layers=other.document["layers"])
    assert image.document["config"] != other.document["config"]
    with pytest.raises(IntegrityError, match="differs from the sha256 in the configuration of the image"):
        fetching(f"{registry.host}/base:1")


def test_an_image_of_another_architecture_is_refused(registry: RegistryServer, fetching: Fetching) -> None:
    registry.push("base", "1", tiny_image(architecture="arm64"))
    with pytest.raises(IntegrityError, match="is an image for linux/arm64, not for linux/amd64"):
        fetching(f"{registry.host}/base:1")


def test_a_manifest_without_end_is_refused(registry: RegistryServer, fetching: Fetching) -> None:
    registry.put_manifest("base", "1", b"{" + b" " * (5 << 20), MANIFEST)
    with pytest.raises(ServerError, match="more than 4 MiB"):
        fetching(f"{registry.host}/base:1")


# --- credentials


def docker_login(fetching: Fetching, host: str, user: str, password: str) -> None:
    auth = b64encode(f"{user}:{password}".encode()).decode()
    fetching.config.write_text(json.dumps({"auths": {host: {"auth": auth}}}))


@pytest.mark.parametrize("uses", [None, 2])
def test_tokens_are_asked_for_and_renewed_when_they_expire(
    registry: RegistryServer, fetching: Fetching, uses: int | None
) -> None:
    registry.tokens = Tokens("ann", "s3cret", uses)
    registry.push("team/base", "1", tiny_image(python_files(), {"a": b"1"}, {"b": b"2"}))
    docker_login(fetching, registry.host, "ann", "s3cret")
    fetching(f"{registry.host}/team/base:1")
    assert len(registry.tokens.given) == 1 if uses is None else len(registry.tokens.given) > 1
    assert b"s3cret" not in b"".join(path.read_bytes() for path in fetching.house.rglob("*") if path.is_file())


def test_basic_authentication_and_a_helper_program(
    registry: RegistryServer, fetching: Fetching, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    registry.basic = ("ann", "s3cret")
    registry.push("base", "1", tiny_image())
    helper = tmp_path / "bin" / "docker-credential-tests"
    helper.parent.mkdir()
    helper.write_text(
        f'#!/bin/sh\nread key; [ "$1 $key" = "get {registry.host}" ] || exit 1\n'
        'echo \'{"ServerURL": "x", "Username": "ann", "Secret": "s3cret"}\'\n'
    )
    helper.chmod(0o755)
    monkeypatch.setenv("PATH", f"{helper.parent}:/usr/bin:/bin")
    fetching.config.write_text(json.dumps({"credHelpers": {registry.host: "tests"}}))
    assert fetching(f"{registry.host}/base:1").images
    fetching.config.write_text(json.dumps({"credsStore": "absent"}))
    with pytest.raises(WheelhouseError, match="`docker-credential-absent`, which is not on PATH"):
        fetching(f"{registry.host}/base:1", upgrade=True)


@pytest.mark.parametrize("tokens", [True, False])
def test_a_refusal_names_the_registry_and_not_the_password(
    registry: RegistryServer, fetching: Fetching, tokens: bool
) -> None:
    registry.push("base", "1", tiny_image())
    if tokens:
        registry.tokens = Tokens("ann", "s3cret")
    else:
        registry.basic = ("ann", "s3cret")
    docker_login(fetching, registry.host, "ann", "wr0ng")
    with pytest.raises(ServerError, match="does not let this user read `base`") as refused:
        fetching(f"{registry.host}/base:1")
    assert f"docker login {registry.host}" in str(refused.value.hint)
    assert "wr0ng" not in f"{refused.value}{refused.value.hint}{fetching.events}"


def test_no_credential_follows_a_blob_to_another_server(registry: RegistryServer, fetching: Fetching) -> None:
    registry.tokens = Tokens("ann", "s3cret")
    image = tiny_image()
    registry.push("base", "1", image)
    docker_login(fetching, registry.host, "ann", "s3cret")
    with RegistryServer() as elsewhere:
        elsewhere.push("base", "1", image)
        registry.blob_host = elsewhere.origin
        fetching(f"{registry.host}/base:1")
        assert elsewhere.requests and not any("authorization" in one.headers for one in elsewhere.requests)


def test_a_challenge_of_another_server_gets_no_credentials(registry: RegistryServer, fetching: Fetching) -> None:
    registry.tokens = Tokens("ann", "s3cret")
    image = tiny_image()
    registry.push("base", "1", image)
    docker_login(fetching, registry.host, "ann", "s3cret")
    with RegistryServer(tokens=Tokens()) as elsewhere:
        registry.blob_host = elsewhere.origin
        with pytest.raises(ServerError, match="answered 401"):
            fetching(f"{registry.host}/base:1")
        assert not any("authorization" in one.headers or "/token" in one.path for one in elsewhere.requests)


def test_a_registry_that_cannot_be_reached_is_an_error_with_the_other_ways(fetching: Fetching) -> None:
    with pytest.raises(ServerError, match="could not be reached") as raised:
        fetching("127.0.0.1:9/base:1")
    assert raised.value.hint == (
        "use a mirror of the registry (--image-mirror 127.0.0.1:9=https://…) or a saved image (--base-image docker-archive:FILE)"
    )


def test_a_registry_that_is_gone_before_the_second_request_is_an_error_with_the_other_ways() -> None:
    class Gone:
        """A registry that answers with an index, and is unreachable then."""

        asked = 0

        def manifest(self, _reference: Reference, _requested: str) -> tuple[bytes, str]:
            self.asked += 1
            if self.asked > 1:
                raise TransientError("127.0.0.1:9 could not be reached")
            return index_of(tiny_image()), INDEX

    source = RegistrySource(Reference.parse("127.0.0.1:9/base:1"), (), Gone(), None, None, print)  # type: ignore[arg-type]
    with pytest.raises(TransientError, match="could not be reached") as raised:
        source.find("1", "amd64")
    assert raised.value.hint and raised.value.hint.startswith(
        "use a mirror of the registry (--image-mirror 127.0.0.1:9="
    )


def test_a_registry_without_the_image_says_so(registry: RegistryServer, fetching: Fetching) -> None:
    with pytest.raises(ServerError, match=f"the registry {registry.host} has no image `base:1`"):
        fetching(f"{registry.host}/base:1")
