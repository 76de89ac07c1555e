"""Every kind of sdist that pip takes goes all the way; what nobody can unpack is a release, and is said."""

import json
import shutil
from pathlib import Path

import pytest
import tomli
from packaging.pylock import Pylock
from packaging.utils import InvalidSdistFilename

from tests.support.index import IndexServer
from tests.support.sampled import sampled
from tests.support.tools import pip, wheelhouse
from tests.support.wheels import build_sdist, build_wheel, core_metadata
from wheelhouse.archive.filenames import SDIST_SUFFIXES, UNREADABLE_SUFFIXES, release_of, sdist_releases
from wheelhouse.index.links import projects_of
from wheelhouse.resolve.requirements import parse_line

TO_312 = ("--python", "3.12")
KINDS = {f"app-1.0{suffix}": "1.0" for suffix in SDIST_SUFFIXES if suffix != ".tar.lz"} | {
    "app-1.0-2.tar.gz": "1.0.post2",
    "no-folder/app-1.0.zip": "1.0",
}


@pytest.fixture(params=sampled(KINDS, 1))
def sdist(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    """An sdist of `app`, whose suffix, version or layout is unusual."""
    folder, _, filename = request.param.rpartition("/")
    version = KINDS[request.param]
    info = core_metadata("app", version, metadata_version="2.2")
    suffix = next(suffix for suffix in SDIST_SUFFIXES if filename.endswith(suffix))
    top = "" if folder else None
    return build_sdist(tmp_path / "offered", "app", version, pkg_info=info, suffix=suffix, filename=filename, top=top)


def ok(*arguments: str | Path, cwd: Path) -> str:
    done = wheelhouse(*arguments, cwd=cwd)
    assert done.returncode == 0, done.stderr
    return done.stdout + done.stderr


def test_it_is_fetched_verified_and_offered_as_it_is(sdist: Path, tmp_path: Path) -> None:
    with IndexServer(sdist.parent) as server:
        ok("fetch", "app", *TO_312, "--index", server.url, cwd=tmp_path)
    house = tmp_path / "wheels"
    assert (house / sdist.name).read_bytes() == sdist.read_bytes()
    ok("verify", cwd=tmp_path)
    ok("vet", cwd=tmp_path)
    ok("index", "wheels", "-o", "tree", cwd=tmp_path)
    version = str(release_of(sdist.name)[1])
    assert json.loads((tmp_path / "tree/app/index.json").read_text())["versions"] == [version]
    ok("fetch", f"app=={version}", *TO_312, "--index", "tree", "--dest", "again", cwd=tmp_path)
    ok("fetch", f"app=={version}", *TO_312, "--find-links", "wheels", "--dest", "linked", cwd=tmp_path)
    assert (tmp_path / "again" / sdist.name).is_file() and (tmp_path / "linked" / sdist.name).is_file()
    shutil.copy(sdist, house / f"other-{sdist.name.removeprefix('app-')}")
    assert "an install from this folder may use it" in wheelhouse("verify", cwd=tmp_path).stdout


def test_the_page_of_links_goes_with_what_it_links_to(tmp_path: Path) -> None:
    house = tmp_path / "wheels"
    with IndexServer() as server:
        server.add(build_sdist(tmp_path, "app", "1.0", suffix=".tar.bz2"))
        ok("fetch", "app", *TO_312, "--index", server.url, cwd=tmp_path)
        assert (house / "links.html").is_file()
        server.add(build_wheel(tmp_path, "app", "2.0"))
        ok("fetch", "app", *TO_312, "--index", server.url, "--upgrade", cwd=tmp_path)
    assert not (house / "links.html").exists()
    ok("verify", cwd=tmp_path)


def test_it_is_named_by_its_path_and_staged(sdist: Path, tmp_path: Path) -> None:
    ok("fetch", f"./offered/{sdist.name}", *TO_312, cwd=tmp_path)
    ok("stage", "--dest", "context", cwd=tmp_path)
    assert (tmp_path / "context" / sdist.name).read_bytes() == sdist.read_bytes()
    ok("verify", "context", cwd=tmp_path)


@pytest.mark.rooms
@pytest.mark.parametrize("suffix", sampled((suffix for suffix in SDIST_SUFFIXES if suffix != ".tar.lz"), 1))
def test_pip_takes_the_same_file(tmp_path: Path, suffix: str) -> None:
    """From an index, and from the wheelhouse: what it does not know there by its name it finds by a link."""
    build_sdist(tmp_path, "app", "1.0", suffix=suffix)
    with IndexServer(tmp_path) as server:
        done = pip("download", "--index-url", server.url, "--no-deps", "--dest", tmp_path / "taken", "app")
        assert (tmp_path / "taken" / f"app-1.0{suffix}").is_file(), done.stderr
        ok("fetch", "app", *TO_312, "--index", server.url, cwd=tmp_path)
    house = tmp_path / "wheels"
    (listed,) = house.glob("requirements.*.txt")
    from_there = ("--no-index", "--find-links", house, "--no-deps", "--require-hashes", "-r", listed)
    done = pip("download", *from_there, "--dest", tmp_path / "found")
    assert (tmp_path / "found" / f"app-1.0{suffix}").is_file(), done.stderr
    assert (house / "links.html").exists() == (suffix not in (".tar.gz", ".zip"))


@pytest.mark.rooms
def test_pip_installs_from_the_staged_folder_and_the_pylock(sdist: Path, tmp_path: Path) -> None:
    with IndexServer(sdist.parent) as server:
        ok("fetch", "app", *TO_312, "--index", server.url, cwd=tmp_path)
    ok("stage", "--dest", "context", cwd=tmp_path)
    (listed,) = (tmp_path / "context").glob("requirements.*.txt")
    (lock,) = (tmp_path / "context").glob("pylock.*.toml")
    from_there = ("--no-index", "--find-links", tmp_path / "context", "--require-hashes", "-r", listed)
    done = pip("install", *from_there, "--target", tmp_path / "site")
    assert (tmp_path / "site" / "app").is_dir(), done.stderr
    pylock = Pylock.from_dict(tomli.loads(lock.read_text()))
    pylock.validate()
    assert [package.version for package in pylock.packages] == [release_of(sdist.name)[1]]


@pytest.mark.parametrize("suffix", [".tar.Z", ".tar.zst"])
def test_a_release_that_nobody_unpacks_is_said(tmp_path: Path, suffix: str) -> None:
    with IndexServer() as server:
        server.add(build_wheel(tmp_path, "app", "1.0"))
        server.add(build_sdist(tmp_path, "app", "2.0", filename=f"app-2.0{suffix}"))
        told = ok("fetch", "app", *TO_312, "--index", server.url, cwd=tmp_path)
        refused = wheelhouse("fetch", "app==2.0", *TO_312, "--index", server.url, "--dest", "h", cwd=tmp_path)
    assert "app 1.0 was chosen, because no file of 2.0 fits" in told
    assert refused.returncode == 3 and f"pip does not unpack a {suffix}" in refused.stderr


NAMES = {
    "functools32-3.2.3-2.tar.gz": [("functools32", "3.2.3.post2"), ("functools32-3-2-3", "2")],
    "foo-2-1.zip": [("foo-2", "1"), ("foo", "2.post1")],
    "a-b-1.0.tar.bz2": [("a-b", "1.0")],
    "Foo.Bar-1.0-beta.tgz": [("foo-bar", "1.0b0")],
    "app-1.0.tar.Z": [("app", "1.0")],
}


@pytest.mark.parametrize("filename", NAMES)
def test_a_name_is_read_in_every_way_that_it_can_be(filename: str) -> None:
    assert [(project, str(version)) for project, version in sdist_releases(filename)] == NAMES[filename]
    assert projects_of(filename) == {project for project, _ in NAMES[filename]}


@pytest.mark.parametrize("filename", ["app-1.0.egg", "app.tar.gz", "-1.0.tar.gz", "app-x.zip", f"app-{'9' * 5000}.zip"])
def test_what_states_no_release_is_none(filename: str) -> None:
    with pytest.raises(InvalidSdistFilename):
        release_of(filename)
    assert not projects_of(filename)


def test_no_suffix_is_both_accepted_and_unreadable() -> None:
    assert not {*SDIST_SUFFIXES} & {*UNREADABLE_SUFFIXES}


def test_a_requirement_may_name_every_kind_by_its_path() -> None:
    for suffix in SDIST_SUFFIXES:
        line = parse_line(f"dist/app-1.0{suffix}")
        assert line.project == "app"
