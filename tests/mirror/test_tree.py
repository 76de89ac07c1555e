"""`index` looks at what stands in its tree, mends it, and says what locks say anew; `verify` reads a tree."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.support.index import IndexServer
from tests.support.sampled import sampled
from tests.support.tools import pip, wheelhouse
from tests.support.wheels import build_wheel
from wheelhouse.mirror.simple import parse_project_page
from wheelhouse.mirror.tree import PAGE_JSON, read_page

pytest_plugins = ["tests.support.small_wheelhouses"]

WHEEL = "lib/lib-1.0-py3-none-any.whl"
MADE = {
    "version": 1,
    "attestation_bundles": [
        {"publisher": {"kind": "GitHub", "repository": "a/b", "workflow": "w.yml"}, "attestations": []}
    ],
}
Spoil = Callable[[Path], None]


@pytest.fixture
def tree(small_wheelhouse: Path, tmp_path: Path) -> Path:
    made = wheelhouse("index", small_wheelhouse, "-o", "tree", cwd=tmp_path)
    assert made.returncode == 0, made.stderr
    return tmp_path / "tree"


def contents(tree: Path) -> dict[str, bytes]:
    paths = (path for path in tree.rglob("*") if path.is_file() and path.name != "journal.jsonl")
    return {path.relative_to(tree).as_posix(): path.read_bytes() for path in paths}


def rewrite(path: Path, raw: bytes) -> None:
    """Write anew, and not into a hard link that the wheelhouse has, too."""
    path.unlink()
    path.write_bytes(raw)


def remove(name: str) -> Spoil:
    return lambda tree: (tree / name).unlink()


def cut(name: str) -> Spoil:
    return lambda tree: rewrite(tree / name, (tree / name).read_bytes()[:-20])


def alter(name: str) -> Spoil:
    """The same size, another byte."""
    return lambda tree: rewrite(tree / name, (tree / name).read_bytes()[:-1] + b"!")


def link(name: str) -> Spoil:
    def spoil(tree: Path) -> None:
        (tree / name).rename(tree / "elsewhere")
        (tree / name).symlink_to(tree / "elsewhere")

    return spoil


def replace_in(name: str, old: str, new: str) -> Spoil:
    return lambda tree: (tree / name).write_text((tree / name).read_text().replace(old, new, 1))


LOOKED_AT = {
    "a file that is gone": remove(WHEEL),
    "a file that is cut short": cut(WHEEL),
    "a link": link(WHEEL),
    "an sdist that is gone": remove("raw/raw-1.0.tar.gz"),
    "metadata that are gone": remove(f"{WHEEL}.metadata"),
    "a folder that is gone": lambda tree: shutil.rmtree(tree / "lib"),
    "a JSON page that is gone": remove("lib/index.json"),
    "a JSON page that is cut short": cut("lib/index.json"),
    "a JSON page of another kind": lambda tree: (tree / "lib/index.json").write_text("[]"),
    "a page with another size": replace_in("lib/index.json", '"size": ', '"size": 1'),
    "a page with another hash": replace_in("lib/index.json", '"sha256": "', '"sha256": "00'),
    "a page that lacks its file": lambda tree: rewrite(tree / "lib/index.json", b'{"files": []}'),
    "a page that yanks": replace_in("lib/index.json", '"yanked": false', '"yanked": "no reason"'),
    "an address that leads elsewhere": replace_in("lib/index.json", '"url": "', '"url": "../else/'),
    "an HTML page that is gone": remove("lib/index.html"),
    "an HTML page that was altered": replace_in("lib/index.html", "#sha256=", "#sha256=00"),
    "the list of projects": remove("index.json"),
    "the list of projects in HTML": cut("index.html"),
}
HASHED = {
    "a file that was altered": alter(WHEEL),
    "metadata that were altered": alter(f"{WHEEL}.metadata"),
    "a page with another hash of the metadata": replace_in(
        "lib/index.json", '"core-metadata": {\n    "sha256": "', '"core-metadata": {\n    "sha256": "00'
    ),
}


@pytest.mark.parametrize("how", sampled([*LOOKED_AT, *HASHED], 4))
def test_what_was_spoiled_is_found_and_mended(small_wheelhouse: Path, tree: Path, tmp_path: Path, how: str) -> None:
    before = contents(tree)
    (LOOKED_AT | HASHED)[how](tree)
    assert contents(tree) != before or (tree / WHEEL).is_symlink()
    found = wheelhouse("verify", "tree", "--json", cwd=tmp_path)
    assert found.returncode == 1 and json.loads(found.stdout)["findings"], how
    check = ("--check",) if how in HASHED else ()
    mended = wheelhouse("index", small_wheelhouse, "-o", "tree", *check, cwd=tmp_path)
    assert mended.returncode == 0, mended.stderr
    (tree / "elsewhere").unlink(missing_ok=True)
    assert contents(tree) == before and not (tree / WHEEL).is_symlink()
    assert wheelhouse("verify", "tree", cwd=tmp_path).returncode == 0


def test_what_was_mended_is_told(small_wheelhouse: Path, tree: Path, tmp_path: Path) -> None:
    (tree / WHEEL).unlink()
    told = json.loads(wheelhouse("index", small_wheelhouse, "-o", "tree", "--json", cwd=tmp_path).stdout)
    assert (told["added"], told["mended"], told["stood"]) == ([], ["lib-1.0-py3-none-any.whl"], 6)


def other_house(folder: Path) -> Path:
    """A wheelhouse that has nothing of the small one's."""
    (folder / "offered").mkdir()
    build_wheel(folder / "offered", "other", "1.0")
    with IndexServer(folder / "offered") as server:
        options = ("--python", "3.11", "--index", server.url, "--dest", "other")
        assert wheelhouse("fetch", "other", *options, cwd=folder).returncode == 0
    return folder / "other"


def test_what_no_wheelhouse_has_is_an_error_after_the_rest_is_done(tree: Path, tmp_path: Path) -> None:
    (tree / WHEEL).unlink()
    rewrite(tree / "quick/quick-1.0-py3-none-any.whl", b"short")
    done = wheelhouse("index", other_house(tmp_path), "-o", "tree", cwd=tmp_path)
    assert done.returncode == 5 and "and 1 more" in done.stderr
    assert WHEEL in done.stderr and "quick-1.0" in done.stderr and "its size is 5 bytes" in done.stderr
    assert (tree / "other/index.html").is_file() and "other" in (tree / "index.html").read_text()
    assert "lib-1.0" in (tree / "lib/index.html").read_text(), "an installer is told, and does not take another release"


def test_a_page_that_cannot_be_read_is_not_written_over_blindly(
    small_wheelhouse: Path, tree: Path, tmp_path: Path
) -> None:
    other = other_house(tmp_path)
    shutil.copytree(tree / "lib", tree / "other")
    (tree / "other/index.json").write_text("{}")
    before = contents(tree)
    refused = wheelhouse("index", other, "-o", "tree", cwd=tmp_path)
    assert refused.returncode == 2 and "lib-1.0-py3-none-any.whl" in refused.stderr
    assert contents(tree) == before


def test_an_archive_that_no_page_names_is_told(small_wheelhouse: Path, tree: Path, tmp_path: Path) -> None:
    shutil.copy(tree / WHEEL, tree / "quick")
    done = wheelhouse("index", small_wheelhouse, "-o", "tree", cwd=tmp_path)
    assert done.returncode == 0 and "no page lists `quick/lib-1.0-py3-none-any.whl`" in done.stderr
    found = wheelhouse("verify", "tree", cwd=tmp_path)
    assert found.returncode == 1 and "quick/lib-1.0-py3-none-any.whl" in found.stdout


def test_another_file_is_refused_where_the_standing_one_is_gone(tree: Path, tmp_path: Path) -> None:
    """Nobody slips another file under a name that the index promised, by removing the first one."""
    offered = tmp_path / "changed"
    offered.mkdir()
    build_wheel(offered, "lib", "1.0", files={"lib/__init__.py": b"other = True\n"})
    with IndexServer(offered) as server:
        options = ("--python", "3.12", "--index", server.url, "--dest", "h2")
        assert wheelhouse("fetch", "lib", *options, cwd=tmp_path).returncode == 0
    (tree / WHEEL).unlink()
    refused = wheelhouse("index", "h2", "-o", "tree", cwd=tmp_path)
    assert refused.returncode == 5 and "the index has `" in refused.stderr and "with sha256" in refused.stderr
    assert not (tree / WHEEL).exists()


@pytest.mark.rooms
def test_what_the_lock_says_anew_reaches_the_page(tmp_path: Path) -> None:
    offered = tmp_path / "offered"
    offered.mkdir()
    wheel = build_wheel(offered, "lib", "1.0")

    def indexed(server: IndexServer, *options: str) -> tuple[dict[str, object], dict[str, object], str]:
        job = ("lib==1.0", "--python", "3.11", "--index", server.url, "--dest", "house", *options)
        for command in (("fetch", *job), ("index", "house", "-o", "tree")):
            done = wheelhouse(*command, cwd=tmp_path)
            assert done.returncode == 0, done.stderr
        assert wheelhouse("verify", "tree", cwd=tmp_path).returncode == 0
        page = json.loads((tmp_path / "tree/lib/index.json").read_text())
        return page, page["files"][0], (tmp_path / "tree/lib/index.html").read_text()

    with IndexServer(offered) as server:
        page, file, html = indexed(server)
        assert file["yanked"] is False and "requires-python" not in file and "project-status" not in page
        told = server.put("/lib.provenance", json.dumps(MADE).encode(), "application/json")
        server.add(wheel, yanked="broken on 3.13", requires_python=">=3.9", provenance=told)
        server.set_status("lib", "archived", "no more work")
        page, file, html = indexed(server, "--upgrade")
        assert file["yanked"] == "broken on 3.13" and 'data-yanked="broken on 3.13"' in html
        assert file["requires-python"] == ">=3.9" and 'data-requires-python="&gt;=3.9"' in html
        assert page["project-status"] == {"status": "archived", "reason": "no more work"}
        assert page["meta"]["api-version"] == "1.4" and 'content="no more work"' in html  # type: ignore[index]
        assert json.loads((tmp_path / "tree/lib" / str(file["provenance"])).read_text()) == MADE
        installed = pip(
            "download",
            "lib==1.0",
            "--no-deps",
            "--index-url",
            f"{(tmp_path / 'tree').as_uri()}/",
            "-d",
            tmp_path / "got",
        )
        assert installed.returncode == 0 and "broken on 3.13" in installed.stderr
        server.add(wheel, requires_python=">=3.9")
        server.set_status("lib", "active")
        page, file, html = indexed(server, "--upgrade")
        assert file["yanked"] is False and "data-yanked" not in html and "project-status" not in page


def test_a_tree_is_verified_as_a_whole(tree: Path, tmp_path: Path) -> None:
    well = wheelhouse("verify", "tree", cwd=tmp_path)
    assert well.returncode == 0 and "7 files" in well.stdout and "an index: as indexed" in well.stdout
    assert json.loads(wheelhouse("verify", "tree", "--json", cwd=tmp_path).stdout)["ok"] is True
    (tree / WHEEL).unlink()
    (tree / "quick/index.html").unlink()
    found = wheelhouse("verify", "tree", cwd=tmp_path)
    assert found.returncode == 1 and "an index: has errors" in found.stdout
    assert WHEEL in found.stdout and "quick/index.html" in found.stdout


@pytest.mark.parametrize("again", [False, True])
def test_a_project_whose_page_is_gone_is_not_dropped_in_silence(
    tree: Path, small_wheelhouse: Path, tmp_path: Path, again: bool
) -> None:
    offered = tmp_path / "more"
    offered.mkdir()
    build_wheel(offered, "other", "1.0")
    with IndexServer(offered) as server:
        wheelhouse("fetch", "other", "--python", "3.12", "--index", server.url, "--dest", "h2", cwd=tmp_path)
    shutil.rmtree(tree / "lib")
    done = wheelhouse("index", "h2", *([small_wheelhouse] if again else []), "-o", "tree", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert ("this index had the project `lib`, but the project's page is missing" in done.stderr) is not again


@pytest.mark.parametrize("name", [WHEEL, "lib/index.json", "index.html", WHEEL + ".metadata"])
def test_a_folder_in_the_place_of_a_file_is_named(
    tree: Path, small_wheelhouse: Path, tmp_path: Path, name: str
) -> None:
    (tree / name).unlink()
    (tree / name).mkdir()
    refused = wheelhouse("index", small_wheelhouse, "-o", "tree", cwd=tmp_path)
    assert refused.returncode == 6, refused.stderr
    assert refused.stderr.splitlines()[-2] == f"error: `tree/{name}`: Is a directory"
    assert "wheelhouse must write a file with the same name" in refused.stderr.splitlines()[-1]


@pytest.mark.parametrize(
    "command", ["stage . --dest .", "stage .", "index . -o .", "index . -o in", "pack . -o in.tar"]
)
def test_what_is_made_of_a_wheelhouse_does_not_go_into_it(small_wheelhouse: Path, tmp_path: Path, command: str) -> None:
    shutil.copytree(small_wheelhouse, tmp_path / "house")
    before = contents(tmp_path / "house")
    refused = wheelhouse(*command.split(), cwd=tmp_path / "house")
    assert refused.returncode == 2, refused.stderr
    assert "is inside the wheelhouse `.`" in refused.stderr.splitlines()[-2]
    assert contents(tmp_path / "house") == before


ROW = {"filename": "lib-1.0.tar.gz", "core-metadata": False, "yanked": False, "hashes": {"sha256": "0" * 64}, "size": 1}


@pytest.mark.parametrize(
    "change",
    [
        {"yanked": None},
        {"yanked": "\ud800"},
        {"requires-python": 3},
        {"core-metadata": {"sha256": 5}},
        {"upload-time": "0001-01-01T00:00:00+14:00"},
        {"_locked-yanked": 1},
        {"filename": "lib-1.0\udfff.tar.gz"},
    ],
)
def test_a_page_that_cannot_be_written_again_is_refused(change: dict[str, object]) -> None:
    parse_project_page(json.dumps({"files": [ROW | {"yanked": "\U0001f600"}]}))
    with pytest.raises(ValueError, match=r"not a project's page|surrogates not allowed"):
        parse_project_page(json.dumps({"files": [ROW | change]}))
    with pytest.raises(ValueError, match="not a project's page"):
        parse_project_page(json.dumps({"files": [ROW], "_locked-status": 1}))


@pytest.mark.parametrize(
    ("page", "reason"),
    [
        ("{}", "it lacks `files`"),
        ('{"files": [{"filename": "lib-1.0.tar.gz"}]}', "it lacks `core-metadata`"),
        ('{"files": 1}', "a value has the wrong type or size"),
    ],
)
def test_a_page_of_another_shape_is_refused_in_words(tmp_path: Path, page: str, reason: str) -> None:
    (tmp_path / PAGE_JSON).write_text(page)
    with pytest.raises(ValueError, match=f"it is not a project's page: {reason}$"):
        read_page(tmp_path)
