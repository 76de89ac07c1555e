"""`stage --index`: settings alone, with which an image build takes the locked files from an index; credentials stay a secret."""

import json
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.index import IndexServer
from tests.support.sampled import sampled
from tests.support.tools import clean_environment, wheelhouse
from tests.support.wheels import build_wheel
from wheelhouse.errors import InputError
from wheelhouse.stage.airflow.arguments import Choices
from wheelhouse.stage.pip_settings import checked_index

pytest_plugins = ["tests.support.small_wheelhouses"]

FOLDER = "docker-context-files"
MIRROR = "https://mirror.example/simple/"


def staged(house: Path, folder: Path, *options: str, index: str = MIRROR) -> Path:
    done = wheelhouse("stage", house, "--index", index, *options, cwd=folder)
    assert done.returncode == 0, done.stderr
    return folder / FOLDER


def test_it_holds_settings_and_no_file(small_wheelhouse: Path, tmp_path: Path) -> None:
    folder = staged(small_wheelhouse, tmp_path)
    assert not [path for path in folder.iterdir() if path.name.endswith((".whl", ".tar.gz"))]
    assert (folder / "pip.conf").read_text().splitlines()[:2] == ["[global]", f"index-url = {MIRROR}"]
    fragment = (folder / "install.Dockerfile").read_text()
    assert (
        "--mount=type=secret,id=netrc,target=/run/secrets/netrc" in fragment and "NETRC=/run/secrets/netrc" in fragment
    )
    assert json.loads((folder / "wheelhouse-stage.json").read_text())["index"] == MIRROR
    assert wheelhouse("verify", folder, cwd=tmp_path).returncode == 0
    (folder / "pip.conf").write_text("[global]\nindex-url = https://elsewhere.example/\n")
    assert wheelhouse("verify", folder, cwd=tmp_path).returncode == 1


def test_the_locks_alone_are_enough(small_wheelhouse: Path, tmp_path: Path) -> None:
    locks = tmp_path / "locks"
    locks.mkdir()
    for path in small_wheelhouse.glob("pylock.*"):
        shutil.copy(path, locks)
    assert (staged(locks, tmp_path) / "pip.conf").is_file()


def test_files_staged_before_go_and_come_back(small_wheelhouse: Path, tmp_path: Path) -> None:
    assert wheelhouse("stage", small_wheelhouse, cwd=tmp_path).returncode == 0
    assert list((tmp_path / FOLDER).glob("*.whl"))
    staged(small_wheelhouse, tmp_path)
    assert not list((tmp_path / FOLDER).glob("*.whl"))


@pytest.mark.parametrize("client", sampled(["uv", "pip"], 1))
def test_pip_and_uv_follow_the_settings_and_netrc(tmp_path: Path, client: str) -> None:
    offered = tmp_path / "offered"
    offered.mkdir()
    build_wheel(offered, "lib", "1.0")
    with IndexServer(offered, auth=("me", "s3cret")) as server:
        (tmp_path / "netrc").write_text("machine 127.0.0.1 login me password s3cret\n")
        (tmp_path / "netrc").chmod(0o600)
        netrc = {"NETRC": str(tmp_path / "netrc")}
        fetched = wheelhouse("fetch", "lib", "--python", "3.11", "--index", server.url, cwd=tmp_path, env=netrc)
        assert fetched.returncode == 0, fetched.stderr
        folder = staged(tmp_path / "wheels", tmp_path, index=f"{server.url}/")
        settings = {"PIP_CONFIG_FILE": str(folder / "pip.conf"), "UV_CONFIG_FILE": str(folder / "uv.toml"), **netrc}
        [listed] = folder.glob("requirements.*.txt")
        install = ["install", "--require-hashes", "-r", str(listed), "--target", str(tmp_path / "site")]
        command = ["uv", "pip", *install, "--no-cache"] if client == "uv" else ["pip", *install, "--no-cache-dir"]
        done = subprocess.run(
            [sys.executable, "-I", "-m", *command],
            env=clean_environment(**settings),
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        assert done.returncode == 0, done.stderr
    assert (tmp_path / "site" / "lib").is_dir()
    assert not [path for path in folder.iterdir() if b"s3cret" in path.read_bytes()]


def test_no_credentials_and_no_nonsense_in_the_address(small_wheelhouse: Path, tmp_path: Path) -> None:
    refused = wheelhouse("stage", small_wheelhouse, "--index", "https://me:s3cret@mirror.example/simple", cwd=tmp_path)
    assert (
        refused.returncode == 2 and "s3cret" not in refused.stderr and "machine mirror.example login" in refused.stderr
    )
    assert not (tmp_path / FOLDER).exists()
    for address in (
        "https://[bad/",
        "mirror.example",
        "file:///srv",
        'https://a/"; RUN evil',
        "https://a/$(id)",
        "https://a/?token=x",
        "https://a/simple/?",
        "http://a:abc/simple/",
        "http://a:70000/simple/",
        "https://[::1/simple/",
        "https://a/[",
        "https://[v1.x$(id)]/simple/",
        "https://[::1]x/simple/",
        "https://[::1].mirror.example/simple/",
    ):
        with pytest.raises(InputError):
            checked_index(address)


@pytest.mark.parametrize(
    "address",
    ["me:s3cret@mirror.example/simple", "https://:s3cret@/x", "//me:s3cret@h/x", "me:s3/c@ret@h?token=s3cret"],
)
def test_the_error_of_an_address_shows_no_password(address: str) -> None:
    with pytest.raises(InputError, match="is not the address of an index") as caught:
        checked_index(address)
    assert "s3c" not in f"{caught.value}{caught.value.hint}"


@pytest.mark.parametrize(
    "address",
    [
        "https://mirror.example/simple/",
        "http://10.0.0.1:8080/simple",
        "https://[fd00::1]:8080/simple/",
        "https://[::1]",
    ],
)
def test_an_address_of_an_index_is_taken_as_it_is(address: str) -> None:
    assert checked_index(address) == address


def test_airflows_own_build_gets_the_index_and_the_secret(tmp_path: Path) -> None:
    offered = tmp_path / "offered"
    offered.mkdir()
    build_wheel(offered, "apache-airflow", "2.10.5")
    (tmp_path / "c.txt").write_text("")
    with IndexServer(offered) as server:
        options = ("--python", "3.12", "--index", server.url, "-c", "c.txt")
        assert wheelhouse("fetch", "apache-airflow==2.10.5", *options, cwd=tmp_path).returncode == 0
    folder = staged(tmp_path / "wheels", tmp_path, "--layout", "airflow", "--pypirc")
    assert f"index-url = {MIRROR}" in (folder / ".pypirc").read_text()
    assert f"ENV PIP_INDEX_URL={MIRROR} " in (folder / "base.Dockerfile").read_text()
    script = (folder / "build-image.sh").read_text()
    assert subprocess.run(["sh", "-n", folder / "build-image.sh"], check=False).returncode == 0
    assert '--secret "id=netrc,src=$HOME/.netrc"' in script
    [sed] = re.findall(r"sed '[^']+'", script)
    dockerfile = "FROM x\nRUN --mount=type=cache,target=/c a \\\n    && b\n# RUN c\n"
    done = subprocess.run(["sh", "-c", sed], input=dockerfile, capture_output=True, text=True, check=True)
    mount = "--mount=type=secret,id=netrc,target=/run/secrets/netrc,mode=0444"
    assert done.stdout == dockerfile.replace("\nRUN ", f"\nRUN {mount} ", 1)
    context = wheelhouse(
        "stage", "wheels", "--index", MIRROR, "--layout", "airflow", "--route", "context", cwd=tmp_path
    )
    assert context.returncode == 2


def test_the_settings_file_may_name_it() -> None:
    assert Choices.parse({"index": MIRROR}).index == MIRROR
