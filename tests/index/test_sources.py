"""Several indexes, folders and pages of links: each project comes from one of them, which the lock says."""

import tomllib
from pathlib import Path

import pytest
from packaging.utils import canonicalize_name

from tests.support.answers import Answer, asking
from tests.support.index import Abilities, IndexServer
from tests.support.tools import wheelhouse
from tests.support.wheels import build_sdist, build_wheel
from wheelhouse.errors import InputError
from wheelhouse.files.cache import Cache
from wheelhouse.index.client import StaticIndex
from wheelhouse.index.links import LinksFolder
from wheelhouse.index.locations import IndexLocation, as_options, location_of, read_locations, split_named
from wheelhouse.index.pagecache import PageCache
from wheelhouse.index.pipconfig import parse_pip_config
from wheelhouse.index.sources import IndexLocations

LOCK = "pylock.cp312-manylinux_2_28_x86_64.toml"
DEFAULT = "http://127.0.0.1:1/simple"


def locked(folder: Path) -> dict[str, str]:
    document = tomllib.loads((folder / LOCK).read_text())
    return {each["name"]: f"{each['version']} {source(each)}" for each in document["packages"]}


def source(package: dict) -> str:
    """Where a package is from: PEP 751's `index` where that is a URL, else what wheelhouse keeps of a folder."""
    return package.get("index") or package["tool"]["wheelhouse"]["index"]


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        ("corp=https://x/simple", ("corp", "https://x/simple")),
        ("https://x/simple?a=b", ("", "https://x/simple?a=b")),
        ("in-house=wheels", ("in-house", "wheels")),
        ("./a=b", ("", "./a=b")),
        ("https://user:pa=ss@x/simple", ("", "https://user:pa=ss@x/simple")),
    ],
)
def test_a_name_is_told_from_an_address(text: str, parts: tuple[str, str]) -> None:
    assert split_named(text) == parts


def test_a_project_comes_from_where_its_name_says() -> None:
    corp, lab = IndexLocation("c", "corp", ("acme-*", "lab-tool")), IndexLocation("l", "lab", ("lab-*",))
    locations = (corp, lab, IndexLocation("d"))
    owners = {
        name: location_of(canonicalize_name(name), locations) for name in ("acme_core", "lab.tool", "lab-x", "other")
    }
    assert owners == {"acme_core": corp, "lab.tool": corp, "lab-x": lab, "other": None}


@pytest.mark.parametrize(
    ("indexes", "links", "projects", "said"),
    [
        (["a=x", "a=y"], [], ["a=p"], "two indexes are named `a`"),
        (["a=x"], ["a=y"], ["a=p"], "two indexes are named `a`"),
        (["x", "y"], [], [], "two or more indexes have no name"),
        (["a=x"], [], [], "no project is assigned to the index `a`"),
        ([], [], ["a=p"], "has a name that no index has"),
        (["a=x"], [], ["p"], "has a name that no index has"),
        (["a=x", "b=y"], [], ["a=p.q", "b=P_Q"], "`p-q` is assigned to the indexes `a` and `b`"),
        (["a=x"], [], ["a=[x]"], "not the name of a project, and not a pattern"),
        (["a=x"], [], ["a=lib/x"], "not the name of a project, and not a pattern"),
    ],
)
def test_what_does_not_go_together_is_refused(
    indexes: list[str], links: list[str], projects: list[str], said: str
) -> None:
    with pytest.raises(InputError, match=said.replace("[", r"\[")):
        read_locations(indexes, links, projects, DEFAULT)


def test_locations_are_spelled_as_they_were_read() -> None:
    said = (["x", "a=y"], ["folder", "b=z"], ["a=acme-*,p", "b=q"])
    options = as_options(read_locations(*said, DEFAULT))
    assert options == {"indexes": said[0], "find_links": said[1], "index_projects": said[2], "no_index": False}


def test_a_token_is_for_the_location_of_its_name(tmp_path: Path) -> None:
    """Links without a name get no token: it is the default index's."""
    client, _, _ = asking(lambda *_: Answer())
    indexes = ["https://main.example/simple", "corp=https://corp.example/simple"]
    links = ["https://open.example/files", "lab=https://lab.example/files", str(tmp_path)]
    locations = read_locations(indexes, links, ["corp=acme-*", "lab=lab-*"], DEFAULT)
    IndexLocations(
        locations, client, PageCache(client, Cache(tmp_path / "cache")), {"": "one", "corp": "two", "lab": "three"}
    )
    paths = {"main": "simple/p/", "corp": "simple/p/", "lab": "files", "open": "files"}
    sent = {host: client.credentials.auth(f"https://{host}.example/{path}") for host, path in paths.items()}
    assert sent == {"main": "Bearer one", "corp": "Bearer two", "lab": "Bearer three", "open": None}


@pytest.mark.parametrize("name", ["", "gone", "here"])
def test_a_token_for_no_server_is_refused(tmp_path: Path, name: str) -> None:
    client, _, _ = asking(lambda *_: Answer())
    links = [f"here={tmp_path}", "https://open.example/files"]
    locations = read_locations([], links, ["here=p"], None)
    problem = (
        f"`{name}`, but no index on a server has this name"
        if name
        else "the default index, but the default index is missing or is not on a server"
    )
    with pytest.raises(InputError, match=f"a token is given for {problem}"):
        IndexLocations(locations, client, PageCache(client, Cache(tmp_path / "cache")), {name: "secret"})


def test_the_scheme_of_an_index_counts_in_any_case(public: Path, tmp_path: Path) -> None:
    with IndexServer(public) as default:
        address = default.url.replace("http://", "HTTP://")
        done = wheelhouse("lock", "lib", "--python", "3.12", "--index", address, cwd=tmp_path)
        assert done.returncode == 0, done.stderr
        assert locked(tmp_path / "wheels") == {"lib": f"2.0 {default.url}"}


@pytest.mark.parametrize("page", ["index.json", "index.html"])
def test_wheels_beside_the_pages_of_an_index_do_no_harm(tmp_path: Path, page: str) -> None:
    (tmp_path / "app-1.0-py3-none-any.whl").write_bytes(b"")
    with pytest.raises(InputError, match="has wheels, but no pages of an index"):
        StaticIndex(tmp_path, "it")
    (tmp_path / "app").mkdir()
    (tmp_path / "app" / page).write_text("")
    StaticIndex(tmp_path, "it")


def test_two_patterns_that_claim_a_project_are_refused() -> None:
    locations = read_locations(["a=x", "b=y"], [], ["a=acme-*", "b=*-core"], DEFAULT)
    with pytest.raises(InputError, match="matches patterns of two indexes: `a` and `b`"):
        location_of(canonicalize_name("acme-core"), locations)


@pytest.fixture
def inhouse(tmp_path: Path) -> Path:
    folder = tmp_path / "inhouse"
    folder.mkdir()
    build_wheel(folder, "acme-app", "1.0", requires=["acme-core", "lib"])
    build_wheel(folder, "acme-core", "1.0")
    return folder


@pytest.fixture
def public(tmp_path: Path) -> Path:
    folder = tmp_path / "public"
    folder.mkdir()
    build_wheel(folder, "lib", "2.0")
    build_wheel(folder, "acme-core", "99.0")
    return folder


def from_each(corp: IndexServer, default: IndexServer) -> dict[str, str]:
    """What a lock of acme-app has: the company's own projects from its index, the rest from the default."""
    return {"acme-app": f"1.0 {corp.url}", "acme-core": f"1.0 {corp.url}", "lib": f"2.0 {default.url}"}


def test_nothing_falls_through_from_one_index_to_another(inhouse: Path, public: Path, tmp_path: Path) -> None:
    with IndexServer(inhouse) as corp, IndexServer(public) as default:
        where = ["--index", default.url, "--index", f"corp={corp.url}", "--from", "corp=acme-*,lost"]
        said = ["fetch", "acme-app", "--python", "3.12", *where]
        done = wheelhouse(*said, cwd=tmp_path)
        assert done.returncode == 0, done.stderr
        house = tmp_path / "wheels"
        assert locked(house) == from_each(corp, default)
        inputs = tomllib.loads((house / LOCK).read_text())["tool"]["wheelhouse"]["inputs"]
        assert inputs["index"] == default.url
        assert inputs["indexes"] == [{"name": "corp", "url": corp.url, "projects": ["acme-*", "lost"]}]
        before = (house / LOCK).read_bytes()
        assert "from the lock file" in wheelhouse(*said, cwd=tmp_path).stderr
        assert (house / LOCK).read_bytes() == before
        assert not [request for request in default.requests if "acme" in request.path]

        public_lost = wheelhouse(*said[:1], "lost", *said[2:], "--dest", "other", cwd=tmp_path)
        assert public_lost.returncode == 3
        assert f"`corp` ({corp.url}) has no project" in public_lost.stderr
        assert not [request for request in default.requests if "lost" in request.path]

        swapped = [*said[:-1], "corp=acme-app"]
        assert wheelhouse(*swapped, "--replace", cwd=tmp_path).returncode == 0
        assert locked(house)["acme-core"] == f"99.0 {default.url}"


def test_indexes_are_named_in_the_settings_and_the_command_line_changes_one(
    inhouse: Path, public: Path, tmp_path: Path
) -> None:
    with IndexServer(inhouse) as corp, IndexServer(public) as default:
        (tmp_path / "wheelhouse.toml").write_text(
            f'requirements = ["acme-app"]\npython = "3.12"\nindex = "{DEFAULT}"\n'
            f'[indexes.corp]\nurl = "{corp.url}"\nprojects = ["acme-*"]\n'
        )
        done = wheelhouse("fetch", cwd=tmp_path, env={"WHEELHOUSE_INDEX": default.url})
        assert done.returncode == 0, done.stderr
        assert locked(tmp_path / "wheels")["acme-core"] == f"1.0 {corp.url}"


def test_an_index_in_the_settings_has_one_address(tmp_path: Path) -> None:
    (tmp_path / "wheelhouse.toml").write_text('[indexes.corp]\nprojects = ["a"]\n')
    done = wheelhouse("fetch", cwd=tmp_path)
    assert done.returncode == 2
    assert "an index must have one address: `url` or `find-links`" in done.stderr


def test_what_a_folder_holds_comes_from_it_alone(inhouse: Path, public: Path, tmp_path: Path) -> None:
    build_sdist(inhouse, "acme-old", "0.1")
    with IndexServer(public) as default:
        where = ["--index", default.url, "--find-links", "inhouse"]
        done = wheelhouse("fetch", "acme-app", "acme-old", "--python", "3.12", *where, cwd=tmp_path)
        assert done.returncode == 0, done.stderr
        assert locked(tmp_path / "wheels") == {
            "acme-app": "1.0 inhouse",
            "acme-core": "1.0 inhouse",
            "acme-old": "0.1 inhouse",
            "lib": f"2.0 {default.url}",
        }
        assert (
            "wheelhouse asked no index for them: acme-app (inhouse), acme-core (inhouse), acme-old (inhouse)"
            in done.stderr
        )
        assert {request.path for request in default.requests if "acme" in request.path} == set()
        assert wheelhouse("verify", cwd=tmp_path).returncode == 0
        again = wheelhouse("fetch", "acme-app", "acme-old", "--python", "3.12", *where, cwd=tmp_path)
        assert "0 files fetched, 4 unchanged" in again.stdout
        for path in (tmp_path / "wheels").glob("acme_core*"):
            path.unlink()
        mended = wheelhouse("fetch", "acme-app", "acme-old", "--python", "3.12", *where, cwd=tmp_path)
    assert "1 file fetched, 3 unchanged" in mended.stdout
    assert str(tmp_path) not in (tmp_path / "wheels" / LOCK).read_text()


def test_a_named_folder_supplies_what_is_said_and_no_more(inhouse: Path, public: Path, tmp_path: Path) -> None:
    with IndexServer(public) as default:
        where = ["--index", default.url, "--find-links", "own=inhouse", "--from", "own=acme-app"]
        done = wheelhouse("fetch", "acme-app", "--python", "3.12", *where, cwd=tmp_path)
        assert done.returncode == 0, done.stderr
        assert locked(tmp_path / "wheels")["acme-core"] == f"99.0 {default.url}"


def test_two_folders_that_hold_a_project_are_refused(inhouse: Path, tmp_path: Path) -> None:
    other = tmp_path / "other"
    other.mkdir()
    build_wheel(other, "acme-core", "1.1")
    where = ["--no-index", "--find-links", "inhouse", "--find-links", "other"]
    done = wheelhouse("fetch", "acme-core", "--python", "3.12", *where, cwd=tmp_path)
    assert done.returncode == 2
    assert "`acme-core` is in `inhouse` and in `other`; a project can come from only one of the two" in done.stderr


def test_without_an_index_only_what_is_named_counts(inhouse: Path, tmp_path: Path) -> None:
    said = ("fetch", "--python", "3.12", "--no-index", "--find-links", inhouse.as_uri())
    assert wheelhouse(*said, "acme-core", cwd=tmp_path).returncode == 0
    done = wheelhouse(*said, "acme-app", "--dest", "other", cwd=tmp_path)
    assert done.returncode == 3
    assert "no index has `lib` (required by acme-app 1.0)" in done.stderr


def test_a_page_of_links_is_a_source(inhouse: Path, tmp_path: Path) -> None:
    with IndexServer() as server:
        page = "".join(f'<a href="files/{path.name}">{path.name}</a>\n' for path in inhouse.iterdir())
        for path in inhouse.iterdir():
            server.put(f"/all/files/{path.name}", path.read_bytes())
        url = server.put("/all/stable.html", page.encode(), "text/html")
        done = wheelhouse("fetch", "acme-core", "--python", "3.12", "--no-index", "--find-links", url, cwd=tmp_path)
        assert done.returncode == 0, done.stderr
    assert locked(tmp_path / "wheels") == {"acme-core": f"1.0 {url}"}


def test_a_page_of_links_names_no_file_of_this_machine(inhouse: Path, tmp_path: Path) -> None:
    wheel = next(inhouse.glob("acme_core*"))
    with IndexServer() as server:
        page = f'<base href="{inhouse.as_uri()}/"><a href="{wheel.name}">x</a>'
        url = server.put("/all.html", page.encode(), "text/html")
        done = wheelhouse("fetch", "acme-core", "--python", "3.12", "--no-index", "--find-links", url, cwd=tmp_path)
    assert done.returncode == 4 and "a page from a server must not name a file of this machine" in done.stderr, (
        done.stderr
    )


@pytest.mark.parametrize("json", [True, False], ids=["JSON", "HTML"])
@pytest.mark.parametrize("spelling", ["path", "address"])
def test_a_folder_may_be_an_index(inhouse: Path, public: Path, tmp_path: Path, json: bool, spelling: str) -> None:
    root = tmp_path / "mirror" / "simple"
    with IndexServer(inhouse, abilities=Abilities(json=json, compression=False), relative_urls=True) as server:
        import urllib.request

        for project in ("acme-app", "acme-core"):
            (root / project).mkdir(parents=True)
            accept = {"Accept": "application/vnd.pypi.simple.v1+json, text/html;q=0.1"}
            request = urllib.request.Request(f"{server.url}/{project}/", headers=accept)
            with urllib.request.urlopen(request) as reply:
                (root / project / ("index.json" if json else "index.html")).write_bytes(reply.read())
        paths = {request.path for request in server.requests}
        import json as reader
        import re

        for page in root.glob("*/index.*"):
            text = page.read_text()
            urls = [file["url"] for file in reader.loads(text)["files"]] if json else re.findall('href="([^"#]+)', text)
            for url in urls:
                place = (page.parent / url).resolve()
                place.parent.mkdir(parents=True, exist_ok=True)
                place.write_bytes((inhouse / place.name).read_bytes())
    assert paths
    where = "mirror/simple" if spelling == "path" else root.as_uri()
    done = wheelhouse("fetch", "acme-core", "--python", "3.12", "--index", where, cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert locked(tmp_path / "wheels") == {"acme-core": f"1.0 {where}"}


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["--index", "inhouse"], "--find-links inhouse"),
        (["--index", "nowhere"], "not an http or https address, and not a folder"),
        (["--find-links", "nowhere"], "not an http or https address, and not a folder"),
        (["--index-token-file", "corp=inhouse"], "cannot be read"),
    ],
)
def test_what_is_no_source_is_said(inhouse: Path, tmp_path: Path, options: list[str], said: str) -> None:
    done = wheelhouse("fetch", "acme-core", "--python", "3.12", *options, cwd=tmp_path)
    assert done.returncode == 2
    assert said in done.stderr


@pytest.mark.parametrize("kind", [StaticIndex, LinksFolder])
def test_a_password_before_a_host_without_a_scheme_is_not_repeated(
    tmp_path: Path, kind: type[StaticIndex | LinksFolder]
) -> None:
    address = "user:s3cret@host/simple"
    with pytest.raises(InputError, match="`host/simple` is not an http or https address") as caught:
        kind(tmp_path / address, address)
    assert "s3cret" not in f"{caught.value} {caught.value.hint}"
    with pytest.raises(InputError, match="`mirror@2026-11` is not an http or https address"):
        kind(tmp_path / "mirror@2026-11", "mirror@2026-11")


# pip's configuration


def test_pips_configuration_counts_only_when_it_is_asked_for(inhouse: Path, public: Path, tmp_path: Path) -> None:
    with IndexServer(public) as default, IndexServer(inhouse) as corp:
        host = corp.url.replace("http://", "http://me:secret@")
        env = {
            "PIP_INDEX_URL": default.url,
            "PIP_EXTRA_INDEX_URL": host,
            "PIP_ONLY_BINARY": ":all:",
            "PIP_TRUSTED_HOST": "x",
        }
        corp.auth = ("me", "secret")
        said = ("fetch", "acme-app", "--python", "3.12", "--use-pip-config")
        refused = wheelhouse(*said, cwd=tmp_path, env=env)
        assert refused.returncode == 2
        assert f"has the extra index {corp.url}, but does not say which projects come from this index" in refused.stderr
        assert f"--index NAME={corp.url} --from NAME=PROJECT" in refused.stderr
        named = ("--index", f"corp={corp.url}", "--from", "corp=acme-*")
        done = wheelhouse(*said, *named, cwd=tmp_path, env=env)
        assert done.returncode == 0, done.stderr
        assert "warning: pip's trusted-host (x) is ignored" in done.stderr
        assert "warning: pip's configuration says only-binary = :all:, which wheelhouse ignores" in done.stderr
        house = tmp_path / "wheels"
        assert locked(house) == from_each(corp, default)
        inputs = tomllib.loads((house / LOCK).read_text())["tool"]["wheelhouse"]["inputs"]
        assert inputs["pip-config"] == [f"extra-index-url = {corp.url}", f"index-url = {default.url}"]
        assert "secret" not in (house / LOCK).read_text() + done.stderr + refused.stderr
        plain = ("fetch", "lib", "--python", "3.12", "--index", default.url, "--replace")
        without = wheelhouse(*plain, cwd=tmp_path, env=env)
        assert without.returncode == 0
        assert "pip" not in without.stderr


def test_pips_variables_and_links_are_followed(inhouse: Path, tmp_path: Path) -> None:
    env = {"PIP_NO_INDEX": "1", "PIP_FIND_LINKS": "inhouse", "PIP_DEFAULT_TIMEOUT": "7"}
    done = wheelhouse("fetch", "acme-core", "--python", "3.12", "--use-pip-config", cwd=tmp_path, env=env)
    assert done.returncode == 0, done.stderr
    inputs = tomllib.loads((tmp_path / "wheels" / LOCK).read_text())["tool"]["wheelhouse"]["inputs"]
    assert inputs["pip-config"] == ["find-links = inhouse", "no-index = 1", "timeout = 7"]


def test_pips_files_and_variables_stand_over_each_other_as_pip_has_it() -> None:
    text = "global.index-url='https://a:b@x/s'\nglobal.timeout='3'\ninstall.timeout='4'\n:env:.default-timeout='5'\n"
    config = parse_pip_config(text + "global.find-links='\\nhttps://u:p@y/l\\n./here'\n")
    assert config.followed == ("find-links = https://y/l ./here", "index-url = https://x/s", "timeout = 5")
    assert config.texts("find-links") == ["https://u:p@y/l", "./here"]


def test_an_empty_setting_of_pip_replaces_nothing() -> None:
    assert parse_pip_config("global.index-url='https://corp/simple'\n:env:.index-url=''\n").values == {
        "index-url": "https://corp/simple"
    }


def test_the_case_of_a_host_makes_no_other_index() -> None:
    config = parse_pip_config("global.extra-index-url='https://u:p@Corp.Example/Simple/'\n")
    config.refuse_extra(["corp=https://corp.example/Simple"])
    assert config.with_credentials(["corp=https://corp.example/Simple"]) == ["corp=https://u:p@Corp.Example/Simple/"]
    with pytest.raises(InputError):
        config.refuse_extra(["corp=https://corp.example/simple"])


def test_only_a_proxy_has_a_user_without_a_scheme() -> None:
    text = "global.find-links='wheels@2024/x https://u:s3cr3t@h/l'\nglobal.proxy='user:s3c/r3t@127.0.0.1:9'\n"
    assert parse_pip_config(text).followed == ("find-links = wheels@2024/x https://h/l", "proxy = 127.0.0.1:9")


def test_passwords_in_pips_configuration_are_not_repeated(inhouse: Path, tmp_path: Path) -> None:
    env = {
        "PIP_PROXY": "bob:s3cret@127.0.0.1:9",
        "PIP_CONSTRAINT": "https://bob:s3cret@host.example/c.txt",
        "PIP_REQUIREMENT": "bob:s3cret@host.example/r.txt",
        "PIP_TRUSTED_HOST": "bob:s3cret@host.example",
        "PIP_FIND_LINKS": str(inhouse),
        "PIP_NO_INDEX": "1",
    }
    done = wheelhouse("fetch", "acme-core", "--python", "3.12", "--use-pip-config", cwd=tmp_path, env=env)
    assert done.returncode == 0, done.stderr
    assert "proxy = 127.0.0.1:9" in (tmp_path / "wheels" / LOCK).read_text()
    assert "constraint = https://host.example/c.txt" in done.stderr
    assert "s3cret" not in done.stdout + done.stderr
    assert not [path.name for path in (tmp_path / "wheels").iterdir() if b"s3cret" in path.read_bytes()]


def test_an_at_sign_that_is_no_credential_is_kept() -> None:
    config = parse_pip_config("global.find-links='/srv/wheels@2 ./a@b'\nglobal.constraint='x @ https://u:p@y/l'\n")
    assert config.followed == ("find-links = /srv/wheels@2 ./a@b",)
    assert "constraint = x @ https://y/l," in next(config.warnings)
