"""`check`: what a mirror has of the files that lock files name, whatever the mirror says of them."""

import hashlib
import json
import shutil
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from tests.support.index import IndexServer
from tests.support.tools import wheelhouse
from tests.support.wheels import build_wheel
from wheelhouse.cli.entry import run
from wheelhouse.errors import InputError, ServerError
from wheelhouse.index.client import Index
from wheelhouse.index.http import Http, HttpSettings
from wheelhouse.mirror.check import Mirror, MirroredFile, MirrorState, check
from wheelhouse.verify.verify import load_wheelhouse

pytest_plugins = ["tests.support.small_wheelhouses"]

LIB, QUICK = "lib-1.0-py3-none-any.whl", "quick-1.0-py3-none-any.whl"


@pytest.fixture
def mirror(small_wheelhouse: Path) -> Iterator[IndexServer]:
    """A mirror that has every file of the wheelhouse."""
    with IndexServer(small_wheelhouse) as server:
        yield server


def checked(folder: Path, server: IndexServer, *, deep: bool = False) -> dict[str, MirroredFile]:
    http = Http(HttpSettings(retries=0))
    try:
        return {file.filename: file for file in check(folder, Mirror(Index(server.url, http), http, deep))}
    finally:
        http.close()


@pytest.mark.parametrize("deep", [False, True])
def test_a_complete_mirror_has_every_file(small_wheelhouse: Path, mirror: IndexServer, deep: bool) -> None:
    files = checked(small_wheelhouse, mirror, deep=deep)
    assert files.keys() == load_wheelhouse(small_wheelhouse).artifacts.keys()
    assert {file.state for file in files.values()} == {MirrorState.SAME}
    downloads = [request for request in mirror.requests if request.path.endswith((".whl", ".tar.gz"))]
    assert len(downloads) == (len(files) if deep else 0)


def test_lock_files_alone_are_enough(small_wheelhouse: Path, mirror: IndexServer, tmp_path: Path) -> None:
    for lock in small_wheelhouse.glob("pylock.*"):
        shutil.copy(lock, tmp_path)
    assert {file.state for file in checked(tmp_path, mirror).values()} == {MirrorState.SAME}


def test_a_mirror_that_lacks_a_project_and_a_release_and_has_another_file(
    small_wheelhouse: Path, tmp_path: Path
) -> None:
    with IndexServer() as server:
        server.add(build_wheel(tmp_path, "lib", "1.0", files={"lib/other.py": b"1"}))
        server.add(build_wheel(tmp_path, "app", "2.0"))
        files = checked(small_wheelhouse, server)
    assert files[LIB].state is MirrorState.DIFFERENT
    assert {file.state for name, file in files.items() if name != LIB} == {MirrorState.MISSING}


@pytest.mark.parametrize("algorithm", ["md5", "sha512"])
def test_another_hash_is_compared_with_the_file_that_lies_here(
    small_wheelhouse: Path, mirror: IndexServer, tmp_path: Path, algorithm: str
) -> None:
    for name in (LIB, QUICK):
        digest = hashlib.new(algorithm, (small_wheelhouse / name).read_bytes()).hexdigest()
        mirror.add(small_wheelhouse / name, hashes={algorithm: digest if name == LIB else "0" * len(digest)})
    files = checked(small_wheelhouse, mirror)
    assert (files[LIB].state, files[QUICK].state) == (MirrorState.SAME, MirrorState.DIFFERENT)

    for lock in small_wheelhouse.glob("pylock.*"):
        shutil.copy(lock, tmp_path)
    (tmp_path / QUICK).write_bytes(b"not the locked file")
    files = checked(tmp_path, mirror)
    assert (files[LIB].state, files[QUICK].state) == (MirrorState.NO_HASH, MirrorState.NO_HASH)
    files = checked(tmp_path, mirror, deep=True)
    assert (files[LIB].state, files[QUICK].state) == (MirrorState.SAME, MirrorState.SAME)


def test_a_mirror_without_hashes_and_times(small_wheelhouse: Path, mirror: IndexServer) -> None:
    mirror.abilities = replace(mirror.abilities, json=False, hashes=False, upload_times=False)
    files = checked(small_wheelhouse, mirror).values()
    assert {(file.state, file.has_upload_time) for file in files} == {(MirrorState.NO_HASH, False)}
    assert all(file.state.installs for file in files)


def test_what_the_mirror_yanked_is_known(small_wheelhouse: Path, mirror: IndexServer) -> None:
    mirror.add(small_wheelhouse / LIB, yanked="broken")
    files = checked(small_wheelhouse, mirror)
    assert files[LIB].yanked == "broken" and files[QUICK].yanked is None and files[LIB].state.installs


def test_a_deep_check_finds_what_pages_hide(small_wheelhouse: Path, mirror: IndexServer, tmp_path: Path) -> None:
    good = hashlib.sha256((small_wheelhouse / LIB).read_bytes()).hexdigest()
    mirror.add(build_wheel(tmp_path, "lib", "1.0", files={"lib/other.py": b"1"}), hashes={"sha256": good})
    mirror.add(small_wheelhouse / QUICK, url="/files/nowhere/quick-1.0-py3-none-any.whl")
    assert {file.state for file in checked(small_wheelhouse, mirror).values()} == {MirrorState.SAME}
    files = checked(small_wheelhouse, mirror, deep=True)
    assert (files[LIB].state, files[QUICK].state) == (MirrorState.DIFFERENT, MirrorState.UNAVAILABLE)


def test_a_mirror_that_does_not_answer_is_an_error_and_no_result(small_wheelhouse: Path) -> None:
    with IndexServer() as server:
        pass_by = server.url
    http = Http(HttpSettings(retries=0))
    with pytest.raises(ServerError):
        check(small_wheelhouse, Mirror(Index(pass_by, http), http))
    http.close()


def test_a_folder_without_lock_files_is_refused(mirror: IndexServer, tmp_path: Path) -> None:
    with pytest.raises(InputError):
        checked(tmp_path, mirror)


def test_the_command_lists_what_is_missing_and_ends_with_1(
    small_wheelhouse: Path, mirror: IndexServer, tmp_path: Path
) -> None:
    complete = wheelhouse("check", small_wheelhouse, "--against", f"{mirror.url}/", cwd=tmp_path)
    assert (complete.returncode, complete.stdout) == (0, f"{mirror.url} has every file (7 files: 7 same hash)\n")
    quiet = wheelhouse("check", small_wheelhouse, "--against", mirror.url, "--deep", "--quiet", cwd=tmp_path)
    assert (quiet.returncode, quiet.stdout) == (0, "")

    with IndexServer() as server:
        server.add(small_wheelhouse / LIB, yanked="a \x1b[31mbad\nidea", upload_time=None)
        done = wheelhouse("check", small_wheelhouse, "--against", server.url, cwd=tmp_path)
        assert done.returncode == 1 and f"{QUICK}: missing\n" in done.stdout
        assert "\x1b" not in done.stdout and f"{LIB}: yanked there (a " in done.stdout
        assert "the pages of the mirror have no upload times\n" in done.stdout
        assert done.stdout.endswith("does not have every file (7 files: 1 same hash, 6 missing)\n")
        document = json.loads(
            wheelhouse("check", small_wheelhouse, "--against", server.url, "--json", cwd=tmp_path).stdout
        )
        server.add(small_wheelhouse / QUICK)
        some = wheelhouse("check", small_wheelhouse, "--against", server.url, cwd=tmp_path)
        assert "idea), no upload time\n" in some.stdout and "no file has" not in some.stdout
    assert document["ok"] is False and {row["file"]: row["state"] for row in document["files"]}[QUICK] == "missing"


@pytest.mark.parametrize("deep", [False, True])
def test_what_a_redirect_to_another_server_gives_does_not_count(
    small_wheelhouse: Path, mirror: IndexServer, capsys: pytest.CaptureFixture[str], deep: bool
) -> None:
    with IndexServer() as server:
        server.add(small_wheelhouse / LIB)
        other = mirror.url.replace("127.0.0.1", "localhost")
        server.send_on("/simple/quick/", f"{other}/quick/")
        options = ["--deep"] if deep else []
        assert run(["check", str(small_wheelhouse), "--against", server.url, *options]) == 1
        printed = capsys.readouterr()
        assert f"{QUICK}: missing\n" in printed.out and f"{LIB}: missing" not in printed.out
        assert f"{server.url} redirects requests for unknown projects to localhost" in printed.err
        server.send_on("/simple/quick/", f"{mirror.url}/quick/")
        assert run(["check", str(small_wheelhouse), "--against", server.url, *options]) == 1
        assert f"{QUICK}: missing" not in capsys.readouterr().out


def test_an_address_without_any_file_is_doubted(
    small_wheelhouse: Path, mirror: IndexServer, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["check", str(small_wheelhouse), "--against", mirror.origin]) == 1
    assert "hint: use the address of a Simple index" in capsys.readouterr().out


def test_the_token_is_sent_and_not_shown(small_wheelhouse: Path, mirror: IndexServer, tmp_path: Path) -> None:
    mirror.auth = ("__token__", "s3cret")
    refused = wheelhouse("check", small_wheelhouse, "--against", mirror.url, "--retries", "0", cwd=tmp_path)
    assert refused.returncode == 4
    (tmp_path / "token").write_text("s3cret\n")
    done = wheelhouse("check", small_wheelhouse, "--against", mirror.url, "--token-file", "token", cwd=tmp_path)
    assert done.returncode == 0 and "s3cret" not in done.stdout + done.stderr
