"""What the user may name as inputs, from the command line to a wheelhouse that pip installs from."""

import hashlib
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.support.index import IndexServer
from tests.support.sampled import sampled
from tests.support.tools import pip, uv
from tests.support.wheels import build_sdist, build_wheel
from wheelhouse.cli import entry, machine
from wheelhouse.fetch.inputs import _name_of
from wheelhouse.lock.pylock_input import EXPORTS
from wheelhouse.verify.verify import verify


@pytest.fixture
def offered(tmp_path: Path) -> Path:
    folder = tmp_path / "offered"
    folder.mkdir()
    build_wheel(
        folder, "app", "1.0", requires=["lib>=1", "other ; sys_platform == 'win32'"], extras={"more": ["extra"]}
    )
    for version in ("1.0", "2.0", "3.0rc1"):
        build_wheel(folder, "lib", version)
    build_wheel(folder, "extra", "1.0")
    build_sdist(folder, "source", "2.0")
    build_wheel(folder, "source", "1.0")
    build_wheel(folder, "other", "1.0")
    return folder


@pytest.fixture
def index(offered: Path) -> Iterator[IndexServer]:
    with IndexServer(offered) as server:
        yield server


@pytest.fixture
def work(tmp_path: Path) -> Path:
    folder = tmp_path / "work"
    folder.mkdir()
    return folder


class Run:
    """`wheelhouse COMMAND … --json` in this process, in one folder and from one index."""

    def __init__(
        self, work: Path, index: IndexServer, patch: pytest.MonkeyPatch, said: pytest.CaptureFixture[str]
    ) -> None:
        self.work, self.index, self._patch, self._said = work, index, patch, said
        for name in [name for name in os.environ if name.lower().endswith("_proxy") or name.startswith("WHEELHOUSE_")]:
            patch.delenv(name)
        patch.setenv("XDG_CACHE_HOME", str(work / ".cache"))
        patch.chdir(work)

    def __call__(self, *arguments: str, command: str = "fetch", **environment: str) -> Any:
        options = ("--json",) if command == "why" else ("--python", "3.12", "--index", self.index.url, "--json")
        with self._patch.context() as patch:
            for name, value in environment.items():
                patch.setenv(name, value)
            code = entry.run([command, *arguments, *options])
        said = self._said.readouterr()
        self.stderr = said.err
        document = json.loads(said.out)
        assert ("error" in document) == (code != 0), said.err
        return document

    def pins(self, *arguments: str, command: str = "lock", **environment: str) -> dict[str, str]:
        """Project → version of what is locked."""
        document = self(*arguments, command=command, **environment)
        assert "error" not in document, self.stderr
        return {pin["name"]: pin["version"] for pin in document["targets"][0]["projects"]}

    def said(self, *arguments: str) -> str:
        """What `lock` says to people."""
        assert entry.run(["lock", *arguments, "--python", "3.12", "--index", self.index.url]) == 0
        return self._said.readouterr().err

    def error(self, *arguments: str, command: str = "lock") -> dict[str, Any]:
        """The error of a run that fails."""
        found = self(*arguments, command=command)["error"]
        assert isinstance(found, dict)
        return found


@pytest.fixture
def run(work: Path, index: IndexServer, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Run:
    return Run(work, index, monkeypatch, capsys)


def sha(path: Path, algorithm: str = "sha256") -> str:
    return hashlib.new(algorithm, path.read_bytes()).hexdigest()


# Requirements files


def test_nested_files_continued_lines_and_markers(run: Run, work: Path) -> None:
    (work / "sub").mkdir()
    (work / "r.txt").write_text("# all\n-r sub/more.txt\n-csub/c.txt\nextra \\\n  >=1 ; \\\n python_version > '3'\n")
    (work / "sub/more.txt").write_text("app\n")
    (work / "sub/c.txt").write_text("lib<2  # not yet\n")
    assert run.pins("-r", "r.txt") == {"app": "1.0", "lib": "1.0", "extra": "1.0"}


def test_variables_are_expanded_where_they_are_set(run: Run, work: Path) -> None:
    (work / "r.txt").write_text("lib==${WANTED}\n")
    assert run.pins("-r", "r.txt", WANTED="1.0") == {"lib": "1.0"}
    refused = run.error("-r", "r.txt")
    assert "r.txt:1: `lib==${WANTED}`" in refused["sentence"]
    assert refused["hint"] == "set the environment variable WANTED, which `${WANTED}` refers to"


def test_an_empty_marker_is_none(run: Run, work: Path) -> None:
    (work / "r.txt").write_text("lib==1.0;\n")
    assert run.pins("-r", "r.txt") == {"lib": "1.0"}


def test_a_variable_is_never_shown(run: Run, work: Path) -> None:
    (work / "r.txt").write_text("lib @ https://user:${TOKEN}@127.0.0.1/lib.whl\n")
    document = run("-r", "r.txt", TOKEN="s3cret")
    assert "s3cret" not in json.dumps(document) + run.stderr
    assert "r.txt:1" in document["error"]["sentence"]


@pytest.mark.parametrize("place", ["/s/{}/", "/{}/deep/er/", "/s/x{}y/"])
def test_a_variable_in_a_path_is_shown_as_the_variable_everywhere(
    run: Run, work: Path, offered: Path, place: str
) -> None:
    wheel = offered / "lib-1.0-py3-none-any.whl"
    run.index.put(place.format("S3CRET") + wheel.name, wheel.read_bytes())
    (work / "r.txt").write_text(f"lib @ {run.index.origin}{place.format('${TOKEN}')}{wheel.name}\n")
    for _ in range(2):
        document = run("-r", "r.txt", TOKEN="S3CRET")
        assert "S3CRET" not in json.dumps(document) + run.stderr
        texts = "".join(path.read_text() for path in (work / "wheels").glob("*.t*"))
        assert "S3CRET" not in texts and "${TOKEN}" in texts
        (work / "wheels" / wheel.name).unlink()
        shutil.rmtree(
            work / ".cache"
        )  # the second time the lock stands, and the file comes from where the variable says
    assert document["fetched"] == [wheel.name]


def test_a_variable_in_a_path_is_not_shown_by_what_goes_wrong(run: Run, work: Path) -> None:
    for line in (
        "lib @ {}/s/${{TOKEN}}/lib-1.0-py3-none-any.whl",
        "-c {}/s/${{TOKEN}}/c.txt",
        "-r {}/${{TOKEN}}",
        "--index-url {}/${{TOKEN}}/simple",
    ):
        (work / "r.txt").write_text(line.format(run.index.origin) + "\napp\n")
        document = run("-r", "r.txt", TOKEN="S3CRET")
        said = json.dumps(document) + run.stderr
        assert document["error"] and "S3CRET" not in said and "${TOKEN}" in said, line


def test_constraints_at_an_address_with_a_variable_are_locked_without_it(run: Run, work: Path) -> None:
    run.index.put("/s/S3CRET/c.txt", b"lib==1.0\n")
    (work / "r.txt").write_text(f"-c {run.index.origin}/s/${{TOKEN}}/c.txt\nlib\n")
    document = run("-r", "r.txt", TOKEN="S3CRET")
    texts = "".join(path.read_text() for path in (work / "wheels").glob("*.t*"))
    assert "S3CRET" not in json.dumps(document) + run.stderr + texts


def test_every_bad_line_is_named_at_once(run: Run, work: Path) -> None:
    (work / "r.txt").write_text(
        "lib=1\n-e .\napp\ngit+https://127.0.0.1/x\n--extra-index-url https://127.0.0.1/\n--nonsense\n"
    )
    details = run.error("-r", "r.txt")["details"]
    assert [detail.partition(" ")[0] for detail in details] == [f"r.txt:{n}:" for n in (1, 2, 4, 5, 6)]


def test_a_file_that_names_itself(run: Run, work: Path) -> None:
    (work / "r.txt").write_text("-r r.txt\n")
    assert "includes itself" in run.error("-r", "r.txt")["sentence"]


@pytest.mark.parametrize("encoding", ["utf-16", "utf-8-sig", "utf-32"])
def test_a_byte_order_mark_says_how_to_read(run: Run, work: Path, encoding: str) -> None:
    (work / "r.txt").write_bytes("lib==1.0\r\n".encode(encoding))
    assert run.pins("-r", "r.txt") == {"lib": "1.0"}


def test_options_in_a_file_have_pips_meaning(run: Run, work: Path) -> None:
    (work / "r.txt").write_text("--pre\n--only-binary :all:\n--no-binary lib\nsource\nother\n")
    assert run.pins("-r", "r.txt") == {"source": "1.0", "other": "1.0"}
    (work / "pre.txt").write_text("--pre\nlib\n")
    assert run.pins("-r", "pre.txt") == {"lib": "3.0rc1"}


def test_an_index_in_a_file_must_be_the_index(run: Run, work: Path) -> None:
    (work / "r.txt").write_text(f"--index-url {run.index.url}/\nlib==1.0\n")
    assert run.pins("-r", "r.txt") == {"lib": "1.0"}
    (work / "r.txt").write_text("-i https://user:pw@127.0.0.1/simple\nlib==1.0\n")
    error = run.error("-r", "r.txt")
    assert error["hint"].startswith("to use this index, add `--index https://127.0.0.1/simple`")
    (work / "r.txt").write_text(f"-i {run.index.url}?token=S3CRET\nlib==1.0\n")
    error = run.error("-r", "r.txt")
    assert "names the index" in error["sentence"] and "S3CRET" not in json.dumps(error)


@pytest.mark.parametrize("form", ["file://{}/a%20b.txt", "file://localhost{}/a%20b.txt", "file:a%20b.txt"])
def test_a_file_address_names_a_path_with_percent_codes(run: Run, work: Path, form: str) -> None:
    (work / "a b.txt").write_text("lib==1.0\n")
    assert run.pins("-r", form.format(work)) == {"lib": "1.0"}


def test_a_file_address_of_another_machine_is_refused(run: Run) -> None:
    error = run.error("-r", "file://elsewhere/r.txt")
    assert error["exit-code"] == 2 and "`file://elsewhere/r.txt`" in error["sentence"]


def test_a_requirements_file_in_a_folder_names_a_file_by_its_address(run: Run, work: Path) -> None:
    (work / "sub").mkdir()
    (work / "limits.txt").write_text("lib==1.0\n")
    (work / "sub/r.txt").write_text(f"-c file:{work}/limits.txt\nlib\n")
    assert run.pins("-r", "sub/r.txt") == {"lib": "1.0"}


@pytest.mark.parametrize("line", ["-r file://{}/own.txt", "-c file:{}/own.txt"])
def test_a_requirements_file_of_a_server_names_no_file_of_this_machine(run: Run, work: Path, line: str) -> None:
    (work / "own.txt").write_text("lib==1.0\n")
    run.index.put("/r.txt", line.format(work).encode(), "text/plain")
    error = run.error("-r", f"{run.index.origin}/r.txt")
    assert error["exit-code"] == 2 and "names the local file" in error["sentence"]


def test_the_scheme_of_a_requirements_file_on_a_server_counts_in_any_case(run: Run, work: Path) -> None:
    (work / "own.txt").write_text("lib==1.0\n")
    run.index.put("/r.txt", b"-c c.txt\nlib\n", "text/plain")
    run.index.put("/c.txt", b"lib==1.0\n", "text/plain")
    run.index.put("/own.txt", f"-r file://{work}/own.txt".encode(), "text/plain")
    server = run.index.origin.replace("http://", "HTTP://")
    assert run.pins("-r", f"{server}/r.txt") == {"lib": "1.0"}
    assert "names the local file" in run.error("-r", f"{server}/own.txt")["sentence"]


def test_a_requirements_file_of_a_server_names_no_file_that_is_not_on_a_server(run: Run) -> None:
    run.index.put("/r.txt", b"-c ftp://127.0.0.1/c.txt\n", "text/plain")
    error = run.error("-r", f"{run.index.origin}/r.txt")
    assert error["exit-code"] == 2
    assert error["sentence"].endswith("/r.txt names `ftp://127.0.0.1/c.txt`, which is not an http or https address")


def test_files_with_equal_ends_after_an_at_sign_are_different_files(run: Run, work: Path) -> None:
    for team, line in {"a": "-c ../b@x/r.txt\n-c c.txt\n", "b": "-c c.txt\n"}.items():
        run.index.put(f"/{team}@x/r.txt", line.encode(), "text/plain")
        run.index.put(f"/{team}@x/c.txt", b"lib<3\n" if team == "a" else b"lib<2\n", "text/plain")
    (work / "r.txt").write_text(f"-c {run.index.origin}/a@x/r.txt\nlib\n")
    assert run.pins("-r", "r.txt") == {"lib": "1.0"}


def test_constraints_at_an_address_with_an_at_sign_are_locked_with_the_whole_address(run: Run, work: Path) -> None:
    address = f"{run.index.origin}/feed@x/c.txt"
    run.index.put("/feed@x/c.txt", b"lib<2\n", "text/plain")
    run("-c", address, "lib")
    assert any(address in path.read_text() for path in work.rglob("pylock.*.toml"))


def test_a_name_that_no_file_can_have_is_refused(run: Run, work: Path) -> None:
    (work / "r.txt").write_text("-c a\0b.txt\n")
    error = run.error("-r", "r.txt")
    assert error["exit-code"] == 2 and "cannot be read" in error["sentence"]


def test_pips_own_index_in_a_file_is_no_other_than_the_default(run: Run, work: Path) -> None:
    (work / "r.txt").write_text(f"--index-url {machine.pip_default_index()}\n./lib-1.0-py3-none-any.whl\n")
    build_wheel(work, "lib", "1.0")
    assert entry.run(["fetch", "-r", "r.txt", "--python", "3.12", "--quiet"]) == 0
    assert entry.run(["fetch", "-r", "r.txt", "--python", "3.12", "--quiet", "--no-index"]) == 2


@pytest.mark.parametrize("address", ["{}?token=S3CRET", "{}/?token=S3CRET", "other={}/?token=S3CRET"])
def test_an_index_with_a_query_is_refused_and_the_query_never_shown(run: Run, work: Path, address: str) -> None:
    more = ("--from", "other=lib") if "=" in address.partition("{")[0] else ()
    code = entry.run(["fetch", "lib", "--python", "3.12", "--index", address.format(run.index.url), *more])
    said = run._said.readouterr()
    assert code == 2 and "S3CRET" not in said.out + said.err and "--index-token-file" in said.err
    assert run.index.requests == []


def test_a_page_of_links_is_asked_for_with_its_query(run: Run, work: Path) -> None:
    page = f"<a href='{run.index.origin}/files/lib-1.0-py3-none-any.whl'>lib-1.0-py3-none-any.whl</a>"
    run.index.put("/links.html", page.encode(), "text/html")
    document = run("lib", "--find-links", f"{run.index.origin}/links.html?token=S3CRET")
    assert document["fetched"] == ["lib-1.0-py3-none-any.whl"]
    assert "token=S3CRET" in str(run.index.requests)
    texts = "".join(path.read_text() for path in (work / "wheels").glob("*.t*"))
    assert "S3CRET" not in json.dumps(document) + run.stderr + texts


# Hashes


@pytest.mark.parametrize("algorithm", sampled(["sha256", "sha384", "sha512"], 1))
def test_a_hash_is_enforced(run: Run, work: Path, offered: Path, algorithm: str) -> None:
    good = sha(offered / "lib-1.0-py3-none-any.whl", algorithm)
    (work / "r.txt").write_text(f"lib==1.0 --hash={algorithm}:{good}\n")
    assert run.pins("-r", "r.txt") == {"lib": "1.0"}
    (work / "r.txt").write_text(f"lib==1.0 --hash={algorithm}:{good[::-1]}\n")
    assert run.error("-r", "r.txt")["exit-code"] == 5


@pytest.mark.parametrize("algorithm", ["sha384", "sha512"])
def test_no_index_is_believed_a_hash_that_nothing_checks(run: Run, work: Path, offered: Path, algorithm: str) -> None:
    vetted = offered / "lib-1.0-py3-none-any.whl"
    evil = build_wheel(work, "lib", "1.0", files={"lib/__init__.py": b"evil"})
    claimed = {algorithm: sha(vetted, algorithm), "sha256": sha(evil)}
    file = {"filename": evil.name, "url": run.index.put("/evil.whl", evil.read_bytes()), "hashes": claimed}
    page = json.dumps({"meta": {"api-version": "1.0"}, "name": "lib", "files": [file]})
    run.index.put("/simple/lib/", page.encode(), "application/vnd.pypi.simple.v1+json")
    (work / "r.txt").write_text("lib==1.0\n")
    assert run.pins("-r", "r.txt") == {"lib": "1.0"}  # and so it is in the cache
    (work / "r.txt").write_text(f"lib==1.0 --hash={algorithm}:{sha(vetted, algorithm)}\n")
    error = run.error("-r", "r.txt")
    assert (error["exit-code"], "but the requirement allows" in error["sentence"]) == (5, True)


def test_a_hash_chooses_among_versions(run: Run, work: Path, offered: Path) -> None:
    (work / "r.txt").write_text(f"lib --hash=sha256:{sha(offered / 'lib-1.0-py3-none-any.whl')}\n")
    assert run.pins("-r", "r.txt") == {"lib": "1.0"}


def test_one_hash_demands_all(run: Run, work: Path, offered: Path) -> None:
    (work / "r.txt").write_text(f"app --hash=sha256:{sha(offered / 'app-1.0-py3-none-any.whl')}\n")
    error = run.error("-r", "r.txt")
    assert error["exit-code"] == 2
    assert error["sentence"].endswith("lib==2.0 (app 1.0 requires `lib>=1`)")
    assert run.pins("-r", "r.txt", "--no-require-hashes") == {"app": "1.0", "lib": "2.0"}


def test_lines_whose_hashes_contradict_each_other_are_named(run: Run, work: Path, offered: Path) -> None:
    one, two = (sha(offered / f"lib-{version}-py3-none-any.whl") for version in ("1.0", "2.0"))
    other = sha(offered / "lib-1.0-py3-none-any.whl", "sha512")
    (work / "a.txt").write_text(f"lib==1.0 --hash=sha256:{one}\n")
    (work / "b.txt").write_text(f"lib==1.0 --hash=sha256:{two}\n")
    error = run.error("-r", "a.txt", "-r", "b.txt")
    assert error["exit-code"] == 2
    assert error["sentence"] == "a.txt:1 and b.txt:1 allow different hashes for lib, so no file can match both"
    assert run.error("-r", "a.txt", "-c", "b.txt")["exit-code"] == 2
    (work / "b.txt").write_text(f"lib==1.0 --hash=sha512:{other}\n")
    assert run.pins("-r", "a.txt", "-r", "b.txt") == {"lib": "1.0"}
    (work / "b.txt").write_text(f"lib==1.0 --hash=sha256:{two} --hash=sha256:{one}\n")
    assert run.pins("-r", "a.txt", "-r", "b.txt") == {"lib": "1.0"}
    (work / "b.txt").write_text(f"lib==1.0 ; sys_platform == 'win32' --hash=sha256:{two}\n")
    assert run.pins("-r", "a.txt", "-r", "b.txt") == {"lib": "1.0"}


def test_a_weak_hash_is_refused(run: Run, work: Path) -> None:
    (work / "r.txt").write_text(f"lib --hash=md5:{'0' * 32}\n")
    assert "not a hash that pip accepts" in run.error("-r", "r.txt")["sentence"]


@pytest.mark.parametrize(
    "words",
    [
        ("acme @ https://[bad/acme-1.0-py3-none-any.whl",),
        ("https://me:s3cret@[bad/acme-1.0-py3-none-any.whl",),
        ("file://[bad/acme-1.0-py3-none-any.whl",),
        (f"acme-{'9' * 5000}-py3-none-any.whl",),
        ("lib", "--find-links", "https://me:s3cret@[bad"),
        ("lib", "--find-links", "file://[bad"),
        ("lib", "--index", "corp=http://me:s3cret@[bad", "--from", "corp=lib"),
        ("-r", "http://me:s3cret@[bad/r.txt"),
        ("-c", "http://me:s3cret@[bad/c.txt", "lib"),
    ],
)
def test_an_address_that_is_none_is_said(run: Run, words: tuple[str, ...]) -> None:
    error = run.error(*words)
    assert error["exit-code"] == 2 and "s3cret" not in json.dumps(error)


# Files by path and address


def test_a_wheel_of_our_own_by_its_path(run: Run, work: Path) -> None:
    build_wheel(work, "acme", "1.0+corp", requires=["lib<2"])
    name = "acme-1.0+corp-py3-none-any.whl"
    assert run.pins(f"./{name}", command="fetch") == {"acme": "1.0+corp", "lib": "1.0"}
    house = work / "wheels"
    assert (house / name).read_bytes() == (work / name).read_bytes()
    before = {path.name: path.read_bytes() for path in house.iterdir()}
    again = run(f"./{name}")
    assert again["fetched"] == []
    assert {path.name: path.read_bytes() for path in house.iterdir()} == before
    assert verify(work / "wheels").findings == ()
    requirements = next(house.glob("requirements.*.txt"))
    options = ("--dry-run", "--require-hashes", "--no-index", "--find-links", house, "--python-version", "3.12")
    ran = pip("install", *options, "--only-binary", ":all:", "--target", work / "t", "-r", requirements)
    assert "Would install acme-1.0+corp lib-1.0" in ran.stdout, ran.stderr


def test_another_file_of_the_same_name_stops_everything(run: Run, work: Path) -> None:
    build_wheel(work, "acme", "1.0")
    run.pins("./acme-1.0-py3-none-any.whl", command="fetch")
    build_wheel(work, "acme", "1.0", requires=["lib"])
    assert run.error("./acme-1.0-py3-none-any.whl", command="fetch")["exit-code"] == 5


def test_lock_then_fetch_of_a_local_file(run: Run, work: Path) -> None:
    build_sdist(work, "acme", "1.0")
    assert run.pins("acme @ file:acme-1.0.tar.gz") == {"acme": "1.0"}
    assert run.pins("acme @ file:acme-1.0.tar.gz", command="fetch") == {"acme": "1.0"}
    assert (work / "wheels/acme-1.0.tar.gz").is_file()


def test_a_file_by_its_address(run: Run, work: Path, offered: Path) -> None:
    url = f"{run.index.origin}/files/lib-1.0-py3-none-any.whl"
    digest = sha(offered / "lib-1.0-py3-none-any.whl")
    assert run.pins("app", f"lib @ {url}#sha256={digest}") == {"app": "1.0", "lib": "1.0"}
    document = run(f"lib @ {url}")
    assert any("has no hash" in warning for warning in document["warnings"])
    assert run.error(f"lib @ {url}#sha256={digest[::-1]}")["exit-code"] == 5
    assert verify(work / "wheels").findings == ()


def test_a_release_that_names_an_address_is_refused_unless_the_user_names_the_file(run: Run, offered: Path) -> None:
    url = f"{run.index.origin}/files/lib-1.0-py3-none-any.whl"
    run.index.add(build_wheel(offered, "rude", "1.0", requires=[f"lib @ {url}"]))
    assert f"rude 1.0 requires `lib @ {url}`" in run.error("rude")["sentence"]
    run.index.add(
        build_wheel(offered, "coarse", "1.0", requires=["lib @ git+https://me:S3CRET@git.invalid/lib.git@v1"])
    )
    error = run.error("coarse")
    assert "`lib @ git+https://git.invalid/lib.git@v1`" in error["sentence"] and "--override" in error["hint"]
    assert "S3CRET" not in json.dumps(error)
    assert run.pins("rude", f"lib @ {url}") == {"rude": "1.0", "lib": "1.0"}


@pytest.mark.parametrize("named", [".", "./folder/", "git+ssh://git@127.0.0.1/x.git", "x @ git+https://127.0.0.1/x"])
def test_folders_and_repositories_are_refused_with_advice(run: Run, named: str) -> None:
    error = run.error(named)
    assert (error["exit-code"], "build a wheel" in error["hint"]) == (2, True)


# pyproject.toml and pylock.toml

PYPROJECT = """\
[project]
name = "mine"
version = "1"
requires-python = ">=3.10"
dependencies = ["lib<2"]
[project.optional-dependencies]
one = ["app"]
all = ["mine[one]", "extra"]
[dependency-groups]
test = ["other", {include-group = "base"}]
base = ["source"]
"""


def test_a_project_its_extras_and_groups(run: Run, work: Path) -> None:
    (work / "pyproject.toml").write_text(PYPROJECT)
    assert run.pins("-r", "pyproject.toml") == {"lib": "1.0"}
    assert run.pins("-r", "pyproject.toml", "--extra", "all") == {"lib": "1.0", "app": "1.0", "extra": "1.0"}
    assert run.pins("--group", "test") == {"other": "1.0", "source": "2.0"}
    assert "its extras: all, one" in run.error("-r", "pyproject.toml", "--extra", "none")["hint"]
    assert "its groups: base, test" in run.error("--group", "none")["hint"]


@pytest.mark.parametrize(
    ("table", "options"),
    [
        ("[project]\nname = 'mine'\ndependencies = [{}]\n", ("-r", "pyproject.toml")),
        ("[project]\nname = 'mine'\noptional-dependencies.one = [{}]\n", ("-r", "pyproject.toml", "--extra", "one")),
        ("[dependency-groups]\none = [{}]\n", ("--group", "one")),
    ],
)
def test_a_local_file_that_a_project_names_is_hashed_in_each_run(
    run: Run, work: Path, table: str, options: tuple[str, ...]
) -> None:
    wheel = build_wheel(work, "acme", "1.0")
    (work / "pyproject.toml").write_text(table.format(f'"acme @ file://{wheel}"'))
    assert run.pins(*options, command="fetch") == {"acme": "1.0"}
    assert "has no hash" not in run.stderr
    build_wheel(work, "acme", "1.0", requires=["lib"])
    assert run.error(*options, command="fetch")["exit-code"] == 5
    wheel.unlink()
    assert run.error(*options, command="fetch")["sentence"].endswith(f": there is no file `{wheel}`")


def test_a_local_file_of_a_project_for_another_target_need_not_be_there(run: Run, work: Path) -> None:
    other = "foo @ file:///nowhere/foo-1.0-cp312-cp312-win_amd64.whl; sys_platform == 'win32'"
    (work / "pyproject.toml").write_text(f"[project]\nname = 'mine'\ndependencies = ['lib<2', \"{other}\"]\n")
    assert run.pins("-r", "pyproject.toml") == {"lib": "1.0"}


@pytest.mark.parametrize(
    ("source", "name"),
    [
        ("a/pyproject.toml", "pyproject.toml"),
        ("https://h.example/pyproject.toml?path=/r.txt", "pyproject.toml"),
        ("https://h.example/pylock.toml?a=x/y", "pylock.toml"),
        ("https://h.example/items?path=/pyproject.toml", "pyproject.toml"),
        ("https://h.example/?p=r.git;f=locks/pylock.dev.toml", "pylock.dev.toml"),
        ("https://h.example/items?path=/uv.lock", "items"),
        ("https://h.example/r.txt?a=/b.txt", "r.txt"),
    ],
)
def test_the_name_of_a_file_says_its_format(source: str, name: str) -> None:
    assert _name_of(source) == name


def test_a_project_or_a_lock_at_an_address_with_a_query_is_known_by_its_name(
    run: Run, work: Path, offered: Path
) -> None:
    wheel = offered / "lib-1.0-py3-none-any.whl"
    given_lock(work, package("lib", "1.0", f'url = "{run.index.origin}/files/{wheel.name}"', sha(wheel)))
    run.index.put("/pyproject.toml", PYPROJECT.encode(), "text/plain")
    run.index.put("/pylock.toml", (work / "lock/pylock.toml").read_bytes(), "text/plain")
    for name in ("pyproject.toml", "pylock.toml"):
        assert run.pins("-r", f"{run.index.origin}/{name}?token=S3CRET") == {"lib": "1.0"}
    document = run("-r", f"{run.index.origin}/pylock.toml?token=S3CRET", "lib")
    assert document["error"]["exit-code"] == 2 and "S3CRET" not in json.dumps(document) + run.stderr


def test_credentials_in_the_address_of_a_lock_are_used_for_its_files_and_never_shown(
    run: Run, work: Path, offered: Path
) -> None:
    wheel = offered / "lib-1.0-py3-none-any.whl"
    given_lock(work, package("lib", "1.0", f'path = "files/{wheel.name}"', sha(wheel)))
    run.index.put("/pylock.toml", (work / "lock/pylock.toml").read_bytes(), "text/plain")
    address = f"{run.index.origin.replace('http://', 'http://me:S3CRET@')}/pylock.toml"
    assert run.pins("-r", address, command="fetch") == {"lib": "1.0"}
    assert all("authorization" in request.headers for request in run.index.requests)
    document = run("-r", address, "lib")
    assert document["error"]["exit-code"] == 2 and "S3CRET" not in json.dumps(document) + run.stderr


def test_a_project_that_leaves_its_dependencies_to_a_build(run: Run, work: Path) -> None:
    (work / "pyproject.toml").write_text('[project]\nname = "mine"\ndynamic = ["version", "dependencies"]\n')
    assert "declares dependencies as dynamic" in run.error("-r", "pyproject.toml")["sentence"]


@pytest.mark.parametrize(
    "table", ["poetry.dependencies]\nlib = '^1.0'", "poetry.group.dev.dependencies]\nlib = '^1.0'"]
)
def test_dependencies_that_are_stated_for_poetry_alone(run: Run, work: Path, table: str) -> None:
    (work / "pyproject.toml").write_text(f"[tool.{table}\n")
    error = run.error("-r", "pyproject.toml")
    assert (
        error["exit-code"] == 2 and "which only Poetry reads" in error["sentence"] and "poetry export" in error["hint"]
    )
    with (work / "pyproject.toml").open("a") as file:
        file.write('[dependency-groups]\ntest = ["lib<2"]\n')
    assert run.pins("--group", "test") == {"lib": "1.0"}


def test_sources_that_are_told_to_uv_alone_are_noted(run: Run, work: Path) -> None:
    (work / "pyproject.toml").write_text(PYPROJECT + '[tool.uv.sources]\nlib = {path = "../lib"}\n')
    assert "`pyproject.toml` has sources for lib in [tool.uv.sources], which only uv reads" in run.said(
        "-r", "pyproject.toml"
    )


def test_a_project_for_another_python(run: Run, work: Path) -> None:
    (work / "pyproject.toml").write_text(PYPROJECT.replace(">=3.10", "<3.12"))
    assert run.error("-r", "pyproject.toml")["exit-code"] == 3


def by_uv(run: Run, work: Path) -> subprocess.CompletedProcess[str]:
    options = ("--format", "pylock.toml", "--python", sys.executable, "--index-url", run.index.url)
    return uv("pip", "compile", work / "in.txt", *options, "-o", work / "pylock.toml")


def by_pip(run: Run, work: Path) -> subprocess.CompletedProcess[str]:
    return pip("lock", "-r", work / "in.txt", "--index-url", run.index.url, "-o", work / "pylock.toml")


@pytest.mark.rooms
@pytest.mark.parametrize("made", [by_uv, by_pip])
def test_a_lock_decides_alone(
    run: Run, work: Path, made: Callable[[Run, Path], subprocess.CompletedProcess[str]]
) -> None:
    (work / "in.txt").write_text("app[more]\nlib<2\n")
    ran = made(run, work)
    assert ran.returncode == 0, ran.stderr
    assert run.pins("-r", "pylock.toml", command="fetch") == {"app": "1.0", "extra": "1.0", "lib": "1.0"}
    assert verify(work / "wheels").findings == ()
    assert run("-r", "pylock.toml")["fetched"] == []
    assert "cannot be combined with other requirements" in run.error("-r", "pylock.toml", "lib")["sentence"]


@pytest.mark.parametrize("beside", [True, False])
def test_a_locks_own_groups_count_also_beside_the_project_it_was_made_of(
    run: Run, work: Path, offered: Path, beside: bool
) -> None:
    lines = ['lock-version = "1.0"', 'created-by = "another"', 'dependency-groups = ["test"]']
    for name, marker in (("lib", ""), ("other", "marker = '\"test\" in dependency_groups'")):
        wheel = offered / f"{name}-1.0-py3-none-any.whl"
        url, sha256 = f"{run.index.origin}/files/{wheel.name}", hashlib.sha256(wheel.read_bytes()).hexdigest()
        lines += ["[[packages]]", f'name = "{name}"', 'version = "1.0"', marker]
        lines += [f'wheels = [{{name = "{wheel.name}", url = "{url}", hashes = {{sha256 = "{sha256}"}}}}]']
    (work / "pylock.toml").write_text("\n".join(lines))
    if beside:
        (work / "pyproject.toml").write_text(PYPROJECT)
    assert run.pins("-r", "pylock.toml") == {"lib": "1.0"}
    assert run.pins("-r", "pylock.toml", "--group", "test") == {"lib": "1.0", "other": "1.0"}


def given_lock(work: Path, *packages: str, head: str = "") -> None:
    """A lock by hand, in `lock/`: its head, and one package each, as TOML behind its name and version."""
    (work / "lock").mkdir(exist_ok=True)
    tables = "".join(f"[[packages]]\n{package}\n" for package in packages)
    (work / "lock/pylock.toml").write_text(f'lock-version = "1.0"\ncreated-by = "hand"\n{head}\n{tables}')


def package(name: str, version: str, where: str, sha256: str, marker: str = "") -> str:
    lines = [f'name = "{name}"', f'version = "{version}"', f"marker = {json.dumps(marker)}" if marker else ""]
    return "\n".join([*lines, f'wheels = [{{{where}, hashes = {{sha256 = "{sha256}"}}}}]'])


def test_a_path_in_a_lock_is_taken_where_its_file_is_there_and_else_the_address(
    run: Run, work: Path, offered: Path
) -> None:
    wheel = offered / "lib-1.0-py3-none-any.whl"
    where = f'path = "files/{wheel.name}", url = "{run.index.origin}/files/{wheel.name}"'
    given_lock(work, package("lib", "1.0", where, sha(wheel)))
    assert run.pins("-r", "lock/pylock.toml", "--dest", "a", command="fetch") == {"lib": "1.0"}
    assert any(wheel.name in request.path for request in run.index.requests)
    (work / "lock/files").mkdir()
    shutil.copy(wheel, work / "lock/files")
    shutil.rmtree(work / ".cache")
    run.index.requests.clear()
    assert run.pins("-r", "lock/pylock.toml", "--dest", "b", command="fetch") == {"lib": "1.0"}
    assert run.index.requests == []
    (work / "lock/files" / wheel.name).write_bytes(b"other")
    shutil.rmtree(work / ".cache")
    assert run.error("-r", "lock/pylock.toml", "--dest", "c", command="fetch")["exit-code"] == 5


def test_an_archives_subdirectory_is_refused(run: Run, work: Path, offered: Path) -> None:
    sdist = offered / "source-2.0.tar.gz"
    table = f'archive = {{url = "{run.index.origin}/files/{sdist.name}", subdirectory = "sub", hashes = {{sha256 = "{sha(sdist)}"}}}}'
    given_lock(work, f'name = "source"\nversion = "2.0"\n{table}')
    error = run.error("-r", "lock/pylock.toml")
    assert error["exit-code"] == 2 and "the folder `sub` of an archive" in error["sentence"]


@pytest.mark.parametrize("name", ["SHA256", "Sha256"])
def test_names_of_hashes_in_a_lock_may_be_in_capitals(run: Run, work: Path, offered: Path, name: str) -> None:
    wheel = offered / "lib-1.0-py3-none-any.whl"
    where = f'url = "{run.index.origin}/files/{wheel.name}"'
    given_lock(work, package("lib", "1.0", where, sha(wheel).upper()).replace("sha256 =", f"{name} ="))
    assert run.pins("-r", "lock/pylock.toml", command="fetch") == {"lib": "1.0"}
    given_lock(work, package("lib", "1.0", where, "0" * 64).replace("sha256 =", f"{name} ="))
    assert run.error("-r", "lock/pylock.toml", "--dest", "b", command="fetch")["exit-code"] == 5


@pytest.mark.rooms
def test_default_groups_count_and_what_a_lock_leaves_out_is_said(run: Run, work: Path, offered: Path) -> None:
    packages = []
    for name, version, marker in (
        ("app", "1.0", "'main' in dependency_groups"),
        ("other", "1.0", "'dev' in dependency_groups"),
        ("source", "1.0", "sys_platform == 'win32'"),
    ):
        wheel = offered / f"{name}-{version}-py3-none-any.whl"
        packages.append(package(name, version, f'url = "{run.index.origin}/files/{wheel.name}"', sha(wheel), marker))
    given_lock(work, *packages, head='dependency-groups = ["dev", "main"]\ndefault-groups = ["main"]')
    assert run.pins("-r", "lock/pylock.toml") == {"app": "1.0"}
    assert "also has projects that cp312-manylinux_2_28_x86_64 does not need" in run.said("-r", "lock/pylock.toml")
    document = run("-r", "lock/pylock.toml", "--dest", "other")
    assert "the lock file leaves out `lib>=1`, which app 1.0 requires" in document["warnings"]
    assert run.pins("-r", "lock/pylock.toml", "--group", "dev") == {"app": "1.0", "other": "1.0"}


def test_an_address_in_a_lock_that_nobody_fetches_from_is_refused(run: Run, work: Path) -> None:
    given_lock(work, package("app", "1.0", 'url = "ftp://127.0.0.1/app-1.0-py3-none-any.whl"', "0" * 64))
    error = run.error("-r", "lock/pylock.toml")
    assert (error["exit-code"], error["sentence"]) == (
        2,
        "`lock/pylock.toml`: the address of app cannot be read",
    )


@pytest.mark.parametrize("name", ["lock.toml", "setup.py", "setup.cfg", "Pipfile", "environment.yml", "pixi.lock"])
def test_a_file_of_another_format_is_refused_in_one_sentence(run: Run, work: Path, name: str) -> None:
    (work / name).write_text("lib\n")
    error = run.error("-r", name)
    assert (error["exit-code"], error["sentence"]) == (2, f"`{name}` does not have the name of a requirements file")
    assert "pylock.NAME.toml" in error["hint"]


LOCKS = ("uv.lock", "poetry.lock", "pdm.lock", "Pipfile.lock")


@pytest.mark.parametrize("name", LOCKS)
def test_a_lock_that_only_its_own_tool_reads_names_the_command_that_exports_it(run: Run, work: Path, name: str) -> None:
    (work / name).write_text("anything")
    (work / "r.txt").write_text(f"-r {name}\n")
    tool = {"Pipfile.lock": "pipenv requirements"}.get(name, f"{name.partition('.')[0]} export")
    for words in (("-r", name), ("-r", f"./{name}"), ("-r", "r.txt"), ("app", "-c", name)):
        error = run.error(*words)
        assert error["exit-code"] == 2 and f"`{tool}" in error["hint"] and name in error["sentence"], words


def test_a_project_beside_such_a_lock_is_noted(run: Run, work: Path) -> None:
    (work / "pyproject.toml").write_text(PYPROJECT)
    assert "uv.lock" not in run.said("-r", "pyproject.toml")
    (work / "uv.lock").write_text("version = 1\n")
    for words in (("-r", "pyproject.toml"), ("--group", "test")):
        said = run.said(*words)
        assert "`uv.lock` is not read" in said and "uv export" in said


def test_what_the_hint_says_exports_a_lock_that_is_read(run: Run, work: Path) -> None:
    text = '[project]\nname = "mine"\nversion = "1"\nrequires-python = ">=3.10"\ndependencies = ["lib<2"]\n'
    (work / "pyproject.toml").write_text(text + '[build-system]\nrequires = []\nbuild-backend = "none"\n')
    options = ("--project", work, "--default-index", run.index.url, "--python", sys.executable)
    assert uv("lock", *options).returncode == 0
    command = EXPORTS["uv.lock"].removeprefix("uv ").split()
    ran = uv(*command[:-1], work / command[-1], *options)
    assert ran.returncode == 0, ran.stderr
    assert run.pins("-r", "pylock.toml") == {"lib": "1.0"}


def test_our_own_lock_is_a_lock(run: Run, work: Path) -> None:
    run.pins("app", command="fetch")
    assert run.pins("-r", "wheels/pylock.cp312-manylinux_2_28_x86_64.toml", "--dest", "b", command="fetch") == {
        "app": "1.0",
        "lib": "2.0",
    }
    error = run.error("-r", "wheels/pylock.cp312-manylinux_2_28_x86_64.toml", "--platform", "win_amd64")
    assert (error["exit-code"], "cannot be used for cp312-win_amd64" in error["sentence"]) == (3, True)


# Overrides, exclusions, policies


def test_an_override_replaces_what_releases_ask(run: Run, work: Path, offered: Path) -> None:
    run.index.add(build_wheel(offered, "old", "1.0", requires=["lib<2 ; sys_platform == 'win32'", "app"]))
    (work / "o.txt").write_text("lib==2.0\n")
    assert run.pins("old", "--override", "o.txt", command="fetch") == {"old": "1.0", "app": "1.0", "lib": "2.0"}
    assert verify(work / "wheels").findings == ()


def test_options_and_constraints_in_an_overrides_file_count(run: Run, work: Path) -> None:
    (work / "c.txt").write_text("lib<2\n")
    (work / "o.txt").write_text(f"--index-url {run.index.url}\n-c c.txt\nother==1.0\n")
    assert run.pins("lib", "--override", "o.txt") == {"lib": "1.0"}
    (work / "o.txt").write_text("--index-url https://elsewhere/simple\nother==1.0\n")
    error = run.error("lib", "--override", "o.txt")
    assert error["exit-code"] == 2 and "names the index" in error["sentence"]


@pytest.mark.parametrize("age", ["1000000 days", "999999999999 days", "9" * 5000 + "d", "0001-01-01T00:00:00+01:00"])
def test_a_time_that_no_calendar_has_is_refused(run: Run, age: str) -> None:
    error = run.error("lib", "--uploaded-prior-to", age)
    assert error["exit-code"] == 2 and "is neither a time nor an age" in error["sentence"]


def test_an_excluded_project_stays_out_and_verify_knows(run: Run, work: Path) -> None:
    assert run.pins("app", "--exclude", "LIB", command="fetch") == {"app": "1.0"}
    assert verify(work / "wheels").findings == ()
    assert run.pins("app", command="fetch") == {"app": "1.0", "lib": "2.0"}
    assert run.error("app", "--exclude", "app")["exit-code"] == 2


def test_formats(run: Run) -> None:
    assert run.pins("source") == {"source": "2.0"}
    assert run.pins("source", "--only-binary", ":all:") == {"source": "1.0"}
    assert run.pins("source", "--prefer-binary") == {"source": "1.0"}
    assert run.pins("source", "--only-binary", ":all:", "--no-binary", "source") == {"source": "2.0"}
    error = run.error("source==2.0", "--only-binary", "source")
    assert error["exit-code"] == 3
    assert any("--only-binary excludes sdists" in line for line in [error["sentence"], *error["details"]])


def test_a_cool_off_has_exceptions_with_reasons(run: Run, work: Path, offered: Path) -> None:
    run.index.add(offered / "lib-2.0-py3-none-any.whl", upload_time=None)
    assert "wheelhouse.toml" in run.error("lib", "--uploaded-prior-to", "2025-01-01")["hint"]
    (work / "wheelhouse.toml").write_text(
        'uploaded-prior-to = "2025-01-01"\n[uploaded-prior-to-except]\nLib = "ours"\n'
    )
    assert run.pins("lib") == {"lib": "2.0"}
    (work / "wheelhouse.toml").write_text('uploaded-prior-to = "2025-01-01"\n[uploaded-prior-to-except]\nlib = " "\n')
    assert "has no reason" in run.error("lib")["sentence"]


def test_an_age_does_not_make_the_job_another(run: Run, work: Path) -> None:
    run.pins("app", "--uploaded-prior-to", "7 days", command="fetch")
    lock = next((work / "wheels").glob("pylock.*.toml"))
    before = lock.read_bytes()
    run.pins("app", "--uploaded-prior-to", "7 days", command="fetch")
    assert lock.read_bytes() == before


def test_each_input_that_decides_makes_a_new_lock(run: Run, work: Path) -> None:
    (work / "o.txt").write_text("lib==1.0\n")
    lock = work / "wheels/pylock.cp312-manylinux_2_28_x86_64.toml"
    texts = []
    for more in (
        (),
        ("--pre",),
        ("--override", "o.txt"),
        ("--exclude", "lib"),
        ("--only-binary", "lib"),
        ("--require-hashes",),
    ):
        run("app", *more, command="lock")
        texts.append(lock.read_text())
    assert len(set(texts[:5])) == 5


def test_lock_then_fetch_uses_the_lock(run: Run, work: Path, offered: Path) -> None:
    assert run.pins("app") == {"app": "1.0", "lib": "2.0"}
    run.index.add(build_wheel(offered, "lib", "2.5"))
    assert run.pins("app", command="fetch") == {"app": "1.0", "lib": "2.0"}
    assert run.pins("app", "--upgrade-project", "lib", command="fetch") == {"app": "1.0", "lib": "2.5"}
    assert not (work / "wheels/lib-2.0-py3-none-any.whl").exists()
    assert verify(work / "wheels").findings == ()


# Explanations


def test_two_sides_that_exclude_each_other(run: Run, offered: Path) -> None:
    run.index.add(build_wheel(offered, "left", "1.0", requires=["lib<2"]))
    run.index.add(build_wheel(offered, "right", "1.0", requires=["lib>=2"]))
    error = run.error("left", "right")
    assert error["exit-code"] == 3
    assert error["details"] == [
        "the command line → left 1.0 (its only release) → lib<2",
        "the command line → right 1.0 (its only release) → lib>=2",
        "the index offers lib 3.0rc1, 2.0, 1.0",
    ]


def test_constraints_that_exclude_each_other(run: Run, work: Path) -> None:
    (work / "a.txt").write_text("lib==1.0\n")
    (work / "b.txt").write_text("lib==2.0\n")
    error = run.error("app", "-c", "a.txt", "-c", "b.txt")
    assert error["exit-code"] == 3
    assert error["sentence"] == "the constraints `lib==1.0` (a.txt:1) and `lib==2.0` (b.txt:1) conflict"
    assert error["hint"] == "change or remove a.txt:1 or b.txt:1"


def test_a_page_that_lies_about_python_leads_to_another_release(run: Run, work: Path, offered: Path) -> None:
    run.index.add(build_wheel(offered, "liar", "1.0", requires_python=">=3.7"))
    for said in (">=3.8", None):
        run.index.add(build_wheel(offered, "liar", "2.0", requires_python=">=3.13"), requires_python=said)
        assert run.pins("liar", "--upgrade") == {"liar": "1.0"}
    error = run.error("liar==2.0")
    assert error["exit-code"] == 3 and "requires Python >=3.13" in error["sentence"]


def test_what_a_file_itself_requires_of_python_is_verified(run: Run, work: Path, offered: Path) -> None:
    """A lock that was given decides alone, and is believed nothing; another wording of the same range is no finding."""
    for version, required in (("1.0", ">=3.13"), ("2.0", "<4,>=3.8")):
        wheel = build_wheel(offered, "liar", version, requires_python=required)
        run.index.add(wheel, requires_python=">=3.8,<4.0")
        (work / "pylock.toml").write_text(
            f"""lock-version = "1.0"\ncreated-by = "hand"\n[[packages]]\nname = "liar"\nversion = "{version}"\n"""
            f"""requires-python = ">=3.8"\n[[packages.wheels]]\nurl = "{run.index.origin}/files/{wheel.name}"\n"""
            f"""hashes = {{sha256 = "{sha(wheel)}"}}\n"""
        )
        if version == "1.0":
            document = run("-r", "pylock.toml", "--replace", command="fetch")
            assert document["error"]["exit-code"] == 5
            assert "`liar-1.0-py3-none-any.whl` itself requires Python >=3.13" in document["error"]["sentence"]
        else:
            assert run.pins("-r", "pylock.toml", "--replace", command="fetch") == {"liar": version}
            assert verify(work / "wheels").findings == ()


def test_why_a_release_for_another_python_or_a_yanked_one_was_passed_over(run: Run, work: Path, offered: Path) -> None:
    run.index.add(build_wheel(offered, "lib", "2.1", requires_python=">=3.13"))
    run.index.add(build_wheel(offered, "lib", "2.2"), yanked="it broke")
    run("app", command="lock")
    assert "2.1: requires Python >=3.13, but the target has 3.12." in why(run, "lib-2.1-py3-none-any.whl")[1]
    assert why(run, "lib-2.2-py3-none-any.whl")[1] == "2.2: it was yanked: it broke"
    first = (work / "wheels/pylock.cp312-manylinux_2_28_x86_64.toml").read_bytes()
    run("app", command="lock")
    assert (work / "wheels/pylock.cp312-manylinux_2_28_x86_64.toml").read_bytes() == first


AIRFLOW = "apache-airflow"


@pytest.fixture
def airflow(run: Run, offered: Path) -> Run:
    """An Airflow 2.0.0 as its metadata have it, in two points that no longer hold together."""
    extras = {"mysql": ["mysql-connector-python<=8.0.18,>=8.0.11"]}
    run.index.add(build_wheel(offered, AIRFLOW, "2.0.0", requires=["tzlocal<2.0,>=1.4"], extras=extras))
    for version in ("1.5.1", "2.0", "2.1"):
        run.index.add(build_wheel(offered, "tzlocal", version))
    for version in ("8.0.5", "8.0.19", "8.0.20", *(f"9.{minor}.0" for minor in range(12))):
        run.index.add(build_wheel(offered, "mysql-connector-python", version))
    return run


def test_releases_that_are_gone_from_the_index(airflow: Run) -> None:
    error = airflow.error("apache-airflow[mysql]==2.0.0")
    assert error == {
        "kind": "NoSolutionError",
        "exit-code": 3,
        "sentence": "the index has no release of `mysql-connector-python<=8.0.18,>=8.0.11` (required by apache-airflow[mysql] 2.0.0)",
        "hint": "leave out the extra `mysql` of apache-airflow, because it leads to mysql-connector-python; "
        "to build the image without this extra, set INSTALL_MYSQL_CLIENT=false",
        "details": [
            "the command line → apache-airflow[mysql] 2.0.0 (its only release) → mysql-connector-python<=8.0.18,>=8.0.11",
            "the index offers mysql-connector-python 9.11.0, 9.10.0, 9.9.0, 9.8.0, 9.7.0, 9.6.0, 8.0.19, 8.0.5 and 7 more",
        ],
    }


def test_constraints_of_a_branch_that_moved_on(airflow: Run, work: Path) -> None:
    folder = work / "constraints-2-0"
    folder.mkdir()
    (folder / "constraints-3.12.txt").write_text("lib==1.0\ntzlocal==2.1\n")
    error = airflow.error("apache-airflow==2.0.0", "-c", "constraints-2-0/constraints-3.12.txt")
    assert error == {
        "kind": "NoSolutionError",
        "exit-code": 3,
        "sentence": "apache-airflow 2.0.0 requires `tzlocal<2.0,>=1.4`, but the constraint is `tzlocal==2.1` "
        "(constraints-2-0/constraints-3.12.txt:2)",
        "hint": "use the constraints of the tag constraints-2.0.0, because the constraints of a branch change with later releases: "
        "`--airflow 2.0.0` uses this tag",
        "details": [
            "the command line → apache-airflow 2.0.0 (its only release) → tzlocal<2.0,>=1.4",
            "constraint tzlocal==2.1 (constraints-2-0/constraints-3.12.txt:2)",
            "the index offers tzlocal 2.1, 2.0, 1.5.1",
        ],
    }


def test_a_range_of_airflow_is_no_release_whose_constraints_to_take(airflow: Run, work: Path) -> None:
    (work / "limits.txt").write_text("tzlocal==2.1\n")
    error = airflow.error("apache-airflow==2.0.*", "-c", "limits.txt")
    assert error["hint"] == "change limits.txt:1 so that it allows tzlocal 1.5.1, or remove it"


def why(run: Run, filename: str) -> list[str]:
    document = run("--file", filename, command="why")
    (lines,) = document["targets"].values()
    assert isinstance(lines, list)
    return lines


def test_why_this_file_and_not_another(run: Run, work: Path, offered: Path) -> None:
    for tag in ("cp312-cp312-manylinux_2_17_x86_64", "cp312-cp312-win_amd64", "py3-none-any"):
        run.index.add(build_wheel(offered, "native", "1.0", tag=tag))
    run.index.add(build_wheel(offered, "native", "2.0", tag="cp312-cp312-win_amd64"))
    (work / "c.txt").write_text("lib<2\n")
    document = run("app", "native", "-c", "c.txt", command="lock")
    assert any("no file of 2.0 fits" in warning for warning in document["warnings"])
    assert why(run, "lib-1.0-py3-none-any.whl")[1] == "its version is fixed by the constraint lib<2 (c.txt:1)"
    assert "the constraint lib<2 (c.txt:1) excludes 2.0" in why(run, "lib-2.0-py3-none-any.whl")
    assert "none of its tags fits" in why(run, "native-1.0-cp312-cp312-win_amd64.whl")[1]
    assert "fits too, but less well" in why(run, "native-1.0-py3-none-any.whl")[1]
    assert "no file of 2.0 fits" in why(run, "native-2.0-cp312-cp312-win_amd64.whl")[1]
    assert "nothing requires extra" in why(run, "extra-1.0-py3-none-any.whl")[0]


def test_why_a_file_that_something_else_than_its_name_speaks_against(run: Run, offered: Path) -> None:
    run.index.add(build_wheel(offered, "lib", "2.0", tag="py2.py3-none-any"), upload_time="2030-01-01T00:00:00Z")
    run("lib==2.0", "--uploaded-prior-to", "2025-01-01", command="lock")
    assert "uploaded on 2030-01-01" in why(run, "lib-2.0-py2.py3-none-any.whl")[1]


def test_a_newer_release_that_nothing_allows_is_no_skip(run: Run, offered: Path) -> None:
    run.index.add(build_wheel(offered, "native", "1.0"))
    run.index.add(build_wheel(offered, "native", "2.0", tag="cp312-cp312-win_amd64"))
    run.index.add(build_wheel(offered, "user", "1.0", requires=["native<2"]))
    assert not any("native" in warning for warning in run("user")["warnings"])
    assert any("native" in warning for warning in run("native", "--upgrade")["warnings"])
