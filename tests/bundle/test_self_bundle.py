"""`pack --with-self`: wheelhouse as a wheel of what runs, taken along, and installed where nothing but Python is."""

import hashlib
import json
import shutil
import subprocess
from collections.abc import Iterator
from importlib.metadata import requires
from pathlib import Path
from unittest.mock import Mock

import pytest
from packaging.requirements import Requirement

from tests.support.checkout import ROOT
from tests.support.farside import far_side
from tests.support.index import IndexServer
from tests.support.months import wheelhouse_of, wheels, written
from tests.support.pythons import find_python
from tests.support.real import need_index, wheelhouse_connected
from tests.support.tools import pip, wheelhouse
from tests.support.wheels import build_wheel
from wheelhouse.archive.wheelfile import inspect
from wheelhouse.bundle.pack import pack
from wheelhouse.bundle.self_bundle import bring_self, install_lines
from wheelhouse.bundle.self_wheel import own_wheel
from wheelhouse.errors import InputError
from wheelhouse.lock.wheelhouse import SELF
from wheelhouse.verify.verify import load_wheelhouse, verify

pytest_plugins = ["tests.support.small_wheelhouses"]


@pytest.fixture
def index(tmp_path: Path) -> Iterator[IndexServer]:
    """An index with something under the name of each project that wheelhouse needs."""
    offered = tmp_path / "offered"
    offered.mkdir()
    for text in requires("airgap-wheelhouse") or ():
        requirement = Requirement(text)
        lowest = next(iter(one.version for one in requirement.specifier if one.operator == ">="))
        build_wheel(offered, requirement.name, lowest)
    with IndexServer(offered) as server:
        yield server


@pytest.mark.rooms
def test_the_wheel_of_what_runs_is_whole_and_always_the_same(tmp_path: Path) -> None:
    for name in ("a", "b"):
        (tmp_path / name).mkdir()
    first, second = own_wheel(tmp_path / "a"), own_wheel(tmp_path / "b")
    assert first.read_bytes() == second.read_bytes()
    assert inspect(first, first.name).findings == ()
    done = pip("install", "--no-deps", "--no-index", "--target", tmp_path / "site", first)
    assert done.returncode == 0, done.stderr
    assert modules(tmp_path / "site") == modules(ROOT)


def modules(folder: Path) -> set[Path]:
    return {path.relative_to(folder) for path in (folder / "wheelhouse").rglob("*.py")}


@pytest.mark.rooms
def test_it_is_taken_along_and_packs_to_the_same_bytes(
    small_wheelhouse: Path, tmp_path: Path, index: IndexServer
) -> None:
    house = shutil.copytree(small_wheelhouse, tmp_path / "house")
    options = ("--with-self", "--python", "3.12", "--index", index.url)
    packed = wheelhouse("pack", house, "-o", "a.tar", *options, "--json", cwd=tmp_path)
    assert packed.returncode == 0, packed.stderr
    [[unpacking, installing]] = json.loads(packed.stdout)["install"]
    assert unpacking == "tar -xf a.tar self && (cd self && sha256sum -c --quiet SHA256SUMS)"
    assert installing.startswith("python3.12 -m venv --without-pip wheelhouse && wheelhouse/bin/python self/pip-")
    done = wheelhouse("unpack", "a.tar", "there", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert not [finding for finding in verify(tmp_path / "there").findings if finding.subject.startswith("self/")]
    since = wheelhouse("pack", "there", "-o", "since.tar", *options, "--since", "a.tar", "--json", cwd=tmp_path)
    [[unpacking, installing]] = json.loads(since.stdout)["install"]
    assert unpacking == "wheelhouse unpack since.tar wheels && (cd wheels/self && sha256sum -c --quiet SHA256SUMS)"
    assert "--find-links wheels/self --require-hashes -r wheels/self/requirements.cp312-" in installing
    index.stop()
    again = wheelhouse("pack", "there", "-o", "b.tar", *options, cwd=tmp_path)
    assert again.returncode == 0, again.stderr
    assert (tmp_path / "a.tar").read_bytes() == (tmp_path / "b.tar").read_bytes()


def test_another_build_of_the_same_version_is_named(tmp_path: Path) -> None:
    name = own_wheel(tmp_path).name
    written(tmp_path / "house" / SELF, {name: b"of an earlier checkout"})
    with pytest.raises(InputError, match="has the same version, but different content") as raised:
        bring_self(tmp_path / "house", [], Mock())
    assert raised.value.hint == "remove that folder, then pack again"


def test_the_printed_lines_take_it_out_of_a_bundle_of_several_wheelhouses(tmp_path: Path) -> None:
    """Another wheelhouse, whose name sorts before, has a file of the first one's `self/`."""
    shared = wheels({"pip": 24}, 40)
    own = wheelhouse_of(shared)
    inner = {SELF: hashlib.sha256(own["SHA256SUMS"]).hexdigest()}
    written(tmp_path / "b", wheelhouse_of(wheels({"app": 1}, 40), inner=inner))
    written(tmp_path / "b" / SELF, own)
    written(tmp_path / "a", wheelhouse_of(shared))
    packed = pack([tmp_path / "b", tmp_path / "a"], tmp_path / "all.tar", None, None, None)
    [lock] = load_wheelhouse(tmp_path / "a").locks
    unpacking, installing = install_lines(lock, "all.tar", packed.manifest, in_volumes=False)
    assert unpacking == "tar -xf all.tar b/self && (cd b/self && sha256sum -c --quiet SHA256SUMS)"
    (tmp_path / "far").mkdir()
    (tmp_path / "all.tar").rename(tmp_path / "far" / "all.tar")
    subprocess.run(["sh", "-ec", unpacking], cwd=tmp_path / "far", check=True)
    assert (
        "wheelhouse/bin/python b/self/pip-24.0-py3-none-any.whl/pip install --no-index --find-links b/self"
        in installing
    )


def test_the_far_sides_python_must_be_said_and_new_enough(
    small_wheelhouse: Path, tmp_path: Path, index: IndexServer
) -> None:
    house = shutil.copytree(small_wheelhouse, tmp_path / "house")
    unsaid = wheelhouse("pack", house, "-o", "a.tar", "--with-self", cwd=tmp_path)
    assert unsaid.returncode == 2 and "--python 3.12" in unsaid.stderr
    old = wheelhouse("pack", house, "-o", "a.tar", "--with-self", "--python", "3.9", "--index", index.url, cwd=tmp_path)
    assert old.returncode == 3 and "Python" in old.stderr
    assert not (tmp_path / "a.tar").exists()


FAR_SIDE = """
{unpacking}
{installing}
export PATH="$PWD/wheelhouse/bin:$PATH"
wheelhouse unpack /media/house.tar house
wheelhouse verify house
wheelhouse stage house --dest context --layout flat
wheelhouse serve house --port 8080 --quiet & server=$!
until python -c 'import socket; socket.create_connection(("127.0.0.1", 8080))' 2>/dev/null; do sleep 0.1; done
python -m pip install --quiet --index-url http://127.0.0.1:8080/simple/ --require-hashes -r house/requirements.*.txt --target site
kill $server
ls site
"""


@pytest.mark.index
def test_the_bundle_alone_does_everything_where_there_is_only_python(tmp_path: Path) -> None:
    need_index()
    python = find_python("3.12")
    if python is None or not shutil.which("bwrap"):
        pytest.skip("this needs Python 3.12 and bubblewrap")
    (tmp_path / "media").mkdir()
    wheelhouse_connected(
        "fetch", "requests", "--python", "3.12", "--dest", "house", cwd=tmp_path, cache=tmp_path / "cache"
    )
    packed = wheelhouse_connected(
        *("pack", "house", "-o", "media/house.tar", "--with-self", "--python", "3.12", "--json"),
        cwd=tmp_path,
        cache=tmp_path / "cache",
    )
    [[unpacking, installing]] = json.loads(packed)["install"]
    script = FAR_SIDE.format(unpacking=unpacking.replace("house.tar", "/media/house.tar"), installing=installing)
    done = far_side(python, tmp_path / "media", script)
    assert done.returncode == 0, done.stdout + done.stderr
    assert {"requests", "urllib3", "idna", "certifi"} <= set(done.stdout.split())
