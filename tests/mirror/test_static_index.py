"""A static index: what it says, that it grows without being rewritten, and that pip, uv and other clients read it."""

import json
import shutil
import sys
from pathlib import Path

import pytest
from mousebender.simple import (
    ACCEPT_JSON_V1,
    from_project_details_html,
    from_project_index_html,
    parse_project_details,
    parse_project_index,
)
from pypi_simple import ProjectPage

from tests.support.index import IndexServer
from tests.support.sampled import sampled
from tests.support.served import nginx
from tests.support.tools import pip, run, uv, wheelhouse
from tests.support.wheels import build_wheel
from wheelhouse.verify.verify import load_wheelhouse

pytest_plugins = ["tests.support.small_wheelhouses"]


@pytest.fixture
def tree(small_wheelhouse: Path, tmp_path: Path) -> Path:
    made = wheelhouse("index", small_wheelhouse, "-o", "tree", cwd=tmp_path)
    assert made.returncode == 0, made.stderr
    return tmp_path / "tree"


def requirements(house: Path) -> Path:
    return house / load_wheelhouse(house).locks[0].requirements_filename


def installed(folder: Path) -> set[str]:
    return {path.name.removesuffix(".dist-info") for path in folder.glob("*.dist-info")}


EVERYTHING = {"app-1.0", "lib-1.0", "quick-1.0", "six_like-1.0", "old-0.9", "local-1.0+cpu", "raw-1.0"}


def test_pages_say_what_the_lock_says(small_wheelhouse: Path, tree: Path) -> None:
    page = json.loads((tree / "local" / "index.json").read_text())
    pin = next(pin for pin in load_wheelhouse(small_wheelhouse).locks[0].pins if pin.project == "local")
    file = page["files"][0]
    assert file["hashes"] == {"sha256": pin.artifact.sha256} and file["size"] == pin.artifact.size
    assert file["url"] == "local-1.0%2Bcpu-py3-none-any.whl" and file["upload-time"].startswith("2024-01-01T")
    assert page["versions"] == ["1.0+cpu"]
    old = json.loads((tree / "old" / "index.json").read_text())["files"][0]
    assert old["yanked"] == "it was <bad> & worse"
    assert 'data-yanked="it was &lt;bad&gt; &amp; worse"' in (tree / "old" / "index.html").read_text()


def test_files_are_copies_and_an_edit_in_the_wheelhouse_does_not_reach_them(small_wheelhouse: Path, tree: Path) -> None:
    name = "lib-1.0-py3-none-any.whl"
    assert not (tree / "lib" / name).samefile(small_wheelhouse / name)
    assert (tree / "lib" / name).read_bytes() == (small_wheelhouse / name).read_bytes()


def test_files_are_read_only_hard_links_if_that_is_asked_for(small_wheelhouse: Path, tmp_path: Path) -> None:
    shutil.copytree(small_wheelhouse, tmp_path / "house")
    name = "lib-1.0-py3-none-any.whl"
    for _ in range(2):
        assert wheelhouse("index", "house", "-o", "tree", "--link", cwd=tmp_path).returncode == 0
        linked = tmp_path / "tree/lib" / name
        assert linked.samefile(tmp_path / "house" / name) and linked.stat().st_mode & 0o222 == 0
        assert not list((tmp_path / "tree").rglob("*.tmp"))


def test_a_second_house_changes_only_what_it_adds(small_wheelhouse: Path, tree: Path, tmp_path: Path) -> None:
    before = {path: path.stat().st_mtime_ns for path in tree.rglob("*") if path.is_file()}
    offered = tmp_path / "more"
    offered.mkdir()
    build_wheel(offered, "lib", "2.0")
    with IndexServer(offered) as server:
        assert (
            wheelhouse(
                "fetch", "lib", "--python", "3.12", "--index", server.url, "--dest", "h2", cwd=tmp_path
            ).returncode
            == 0
        )
    done = wheelhouse("index", "h2", small_wheelhouse, "-o", "tree", "--json", cwd=tmp_path)
    assert json.loads(done.stdout)["added"] == ["lib-2.0-py3-none-any.whl"]
    changed = {str(path.relative_to(tree)) for path, stamp in before.items() if path.stat().st_mtime_ns != stamp}
    pages = {"lib/index.html", "lib/index.json", "lib/browse.html", "browse.html"}
    assert changed == {*pages, ".wheelhouse/journal.jsonl", ".wheelhouse/notes.json"}
    assert json.loads((tree / "lib" / "index.json").read_text())["versions"] == ["1.0", "2.0"]


def test_one_name_with_two_hashes_is_refused(tree: Path, tmp_path: Path) -> None:
    offered = tmp_path / "other"
    offered.mkdir()
    build_wheel(offered, "lib", "1.0", files={"lib/__init__.py": b"other = True\n"})
    with IndexServer(offered) as server:
        assert (
            wheelhouse(
                "fetch", "lib", "--python", "3.12", "--index", server.url, "--dest", "h2", cwd=tmp_path
            ).returncode
            == 0
        )
    refused = wheelhouse("index", "h2", "-o", "tree", cwd=tmp_path)
    assert refused.returncode == 5 and "the index has `" in refused.stderr and "with sha256" in refused.stderr


def test_a_house_that_was_altered_is_not_indexed(small_wheelhouse: Path, tmp_path: Path) -> None:
    shutil.copytree(small_wheelhouse, tmp_path / "house")
    (tmp_path / "house" / "lib-1.0-py3-none-any.whl").write_bytes(b"altered")
    refused = wheelhouse("index", "house", "-o", "tree", cwd=tmp_path)
    assert refused.returncode == 5 and "is missing, or differs from its lock file" in refused.stderr
    assert not (tmp_path / "tree" / "index.html").exists()


@pytest.mark.parametrize("client", sampled(["uv", "pip"], 1))
@pytest.mark.parametrize("over", sampled(["file", "nginx"], 1))
def test_pip_and_uv_install_from_the_tree(
    small_wheelhouse: Path, tree: Path, tmp_path: Path, client: str, over: str
) -> None:
    if over == "nginx":
        with nginx(tree, tmp_path / "nginx") as url:
            install(client, url, requirements(small_wheelhouse), tmp_path / "site")
    else:
        install(client, tree.as_uri(), requirements(small_wheelhouse), tmp_path / "site")
    assert installed(tmp_path / "site") == EVERYTHING


def install(client: str, url: str, listed: Path, site: Path) -> None:
    options = ("--index-url", f"{url}/", "--require-hashes", "-r", listed, "--target", site)
    done = pip("install", *options) if client == "pip" else uv("pip", "install", "--python", sys.executable, *options)
    assert done.returncode == 0, done.stderr


def test_wheelhouse_itself_fetches_from_the_tree(tree: Path, small_wheelhouse: Path, tmp_path: Path) -> None:
    with nginx(tree, tmp_path / "nginx") as url:
        done = wheelhouse("fetch", "app", "--python", "3.11", "--index", url, "--dest", "again", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    same = run("diff", "-rq", "--exclude=pylock.*", "--exclude=SHA256SUMS", small_wheelhouse, tmp_path / "again")
    assert same.stdout == ""


def test_clients_that_check_the_specification_read_every_page(tree: Path) -> None:
    root = parse_project_index((tree / "index.json").read_text(), ACCEPT_JSON_V1)
    assert len(root["projects"]) == len(EVERYTHING)
    assert from_project_index_html((tree / "index.html").read_text())["projects"] == root["projects"]
    for project in (entry["name"] for entry in root["projects"]):
        raw, html = ((tree / project / f"index.{kind}").read_text() for kind in ("json", "html"))
        page = parse_project_details(raw, ACCEPT_JSON_V1, project)
        from_html = from_project_details_html(html, project)
        assert [file["hashes"] for file in page["files"]] == [file["hashes"] for file in from_html["files"]]
        for strict in (ProjectPage.from_json_data(json.loads(raw)), ProjectPage.from_html(project, html)):
            assert [file.digests for file in strict.packages] == [file["hashes"] for file in page["files"]]
