"""Publishing: a made server that words its refusals as real ones do; then real servers, started here."""

import base64
import hashlib
import json
import os
import re
import shutil
import ssl
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from tests.support.index import IndexServer
from tests.support.made_wheelhouses import wheelhouse_of
from tests.support.proxy import Proxy
from tests.support.pythons import find_python
from tests.support.served import free_port, running
from tests.support.tls import make_certificate
from tests.support.tools import clean_environment, run, uv, wheelhouse
from tests.support.wheels import build_sdist, build_wheel
from wheelhouse.verify.verify import load_wheelhouse

pytest_plugins = ["tests.support.small_wheelhouses"]

FILENAME = re.compile(rb'name="content"; filename="([^"]+)"')


class Receiver:
    """An upload API beside an `IndexServer`: what it takes, the index offers from then on."""

    def __init__(self, folder: Path, index: IndexServer) -> None:
        self.folder, self.index = folder, index
        self.received: list[str] = []
        self.forms: dict[str, list[tuple[str, str]]] = {}
        self.authorizations: list[str | None] = []
        self.answers: dict[str, tuple[int, str]] = {}
        self.rivals: dict[str, Path] = {}
        self.guard = threading.Lock()

    def take(self, body: bytes, authorization: str | None) -> tuple[int, str]:
        name = FILENAME.search(body)[1].decode()  # type: ignore[index]
        with self.guard:
            self.authorizations.append(authorization)
            if name in self.rivals:
                self.index.add(self.rivals[name])
                return 400, "File already exists."
            if name in self.answers:
                return self.answers[name]
            self.received.append(name)
            self.forms[name] = fields_of(body)
            path = self.folder / name
            path.write_bytes(file_in(body))
            self.index.add(path)
        return 200, "OK"


def fields_of(body: bytes) -> list[tuple[str, str]]:
    """The form's fields beside the file, sorted."""
    boundary = body.partition(b"\r\n")[0]
    parts = (part.partition(b"\r\n\r\n") for part in body.split(boundary)[1:-1])
    named = ((re.findall(r'name="([^"]+)"', head.decode()), value) for head, _, value in parts)
    return sorted((found[0], value.removesuffix(b"\r\n").decode()) for found, value in named if len(found) == 1)


def file_in(body: bytes) -> bytes:
    boundary = body.partition(b"\r\n")[0]
    part = body[body.index(b'name="content"') :]
    return part.partition(b"\r\n\r\n")[2].partition(b"\r\n" + boundary)[0]


@contextmanager
def receiving(folder: Path, tls: tuple[Path, Path] | None = None) -> Iterator[tuple[str, Receiver]]:
    folder.mkdir(exist_ok=True)
    with IndexServer() as index:
        receiver = Receiver(folder, index)

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                length = int(self.headers["Content-Length"])
                body = self.rfile.read(length)
                if len(body) < length:  # the client was killed while it sent: as a real server, take nothing
                    return
                status, text = receiver.take(body, self.headers["Authorization"])
                self.send_response(status)
                self.send_header("Content-Length", str(len(text)))
                self.end_headers()
                self.wfile.write(text.encode())

            def log_message(self, *_arguments: object) -> None:
                pass

        server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        if tls:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(*tls)
            server.socket = context.wrap_socket(server.socket, server_side=True)
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        try:
            yield f"{'https' if tls else 'http'}://127.0.0.1:{server.server_port}/legacy/", receiver
        finally:
            server.shutdown()
            thread.join()
            server.server_close()


def publish(house: Path, url: str, receiver: Receiver, *options: str, cwd: Path, **env: str):
    return wheelhouse("publish", house, "--repository", url, "--index", receiver.index.url, *options, cwd=cwd, env=env)


def names(house: Path) -> set[str]:
    return set(load_wheelhouse(house).artifacts)


def test_what_is_missing_is_sent_and_the_second_time_nothing(small_wheelhouse: Path, tmp_path: Path) -> None:
    with receiving(tmp_path / "there") as (url, receiver):
        first = publish(small_wheelhouse, url, receiver, cwd=tmp_path)
        assert first.returncode == 0, first.stderr
        assert set(receiver.received) == names(small_wheelhouse)
        assert all(
            (tmp_path / "there" / name).read_bytes() == (small_wheelhouse / name).read_bytes()
            for name in receiver.received
        )
        again = publish(small_wheelhouse, url, receiver, "--json", cwd=tmp_path)
        assert {row["outcome"] for row in json.loads(again.stdout)["files"]} == {"there already"}
        assert len(receiver.received) == len(names(small_wheelhouse))


def test_what_the_repository_redirects_to_another_server_is_sent(small_wheelhouse: Path, tmp_path: Path) -> None:
    with IndexServer(small_wheelhouse) as world, receiving(tmp_path / "there") as (url, receiver):
        other = world.url.replace("127.0.0.1", "localhost")
        for project in ("lib", "quick"):
            receiver.index.send_on(f"/simple/{project}/", f"{other}/{project}/")
        done = publish(small_wheelhouse, url, receiver, cwd=tmp_path)
        assert done.returncode == 0, done.stderr
        assert set(receiver.received) == names(small_wheelhouse)
        assert (
            "redirects requests for unknown projects to localhost; files on localhost count as missing" in done.stderr
        )


def test_a_dry_run_sends_nothing(small_wheelhouse: Path, tmp_path: Path) -> None:
    with receiving(tmp_path / "there") as (url, receiver):
        done = publish(small_wheelhouse, url, receiver, "--dry-run", cwd=tmp_path)
        assert "to be sent" in done.stdout and receiver.received == []


def test_another_file_of_the_same_name_stops_everything(small_wheelhouse: Path, tmp_path: Path) -> None:
    with receiving(tmp_path / "there") as (url, receiver):
        other = tmp_path / "lib-1.0-py3-none-any.whl"
        shutil.copy(small_wheelhouse / "quick-1.0-py3-none-any.whl", other)
        receiver.index.add(other, project="lib", version="1.0", metadata=b"")
        refused = publish(small_wheelhouse, url, receiver, cwd=tmp_path)
        assert refused.returncode == 5 and "has a different file with the name `lib-1.0" in refused.stderr
        assert receiver.received == []


def test_a_file_that_is_listed_and_not_there_is_said_to_be_that(small_wheelhouse: Path, tmp_path: Path) -> None:
    with receiving(tmp_path / "there") as (url, receiver):
        page = b'<a href="/files/lib-1.0-py3-none-any.whl">lib-1.0-py3-none-any.whl</a>'
        receiver.index.put("/simple/lib/", page, "text/html")
        refused = publish(small_wheelhouse, url, receiver, cwd=tmp_path)
        assert refused.returncode == 4 and "/files/lib-1.0-py3-none-any.whl answered 404" in refused.stderr
        assert receiver.received == []


@pytest.mark.parametrize("answer", [(400, "File already exists."), (409, "Conflict"), (403, "cannot overwrite")])
def test_a_refusal_is_told_and_the_rest_is_sent(
    small_wheelhouse: Path, tmp_path: Path, answer: tuple[int, str]
) -> None:
    with receiving(tmp_path / "there") as (url, receiver):
        receiver.answers["lib-1.0-py3-none-any.whl"] = answer
        refused = publish(small_wheelhouse, url, receiver, cwd=tmp_path)
        assert refused.returncode == 4 and answer[1] in refused.stderr and "lib-1.0" in refused.stderr
        assert len(receiver.received) == len(names(small_wheelhouse)) - 1
        del receiver.answers["lib-1.0-py3-none-any.whl"]
        assert publish(small_wheelhouse, url, receiver, cwd=tmp_path).returncode == 0


@pytest.mark.parametrize(("same", "code", "outcome"), [(True, 0, "there already"), (False, 5, None)])
def test_a_lost_race_is_success_if_the_other_upload_has_the_same_bytes(
    small_wheelhouse: Path, tmp_path: Path, same: bool, code: int, outcome: str | None
) -> None:
    """Somebody uploads the file after it was found missing, and the server refuses ours."""
    name = "lib-1.0-py3-none-any.whl"
    other = build_wheel(tmp_path, "lib", "1.0")
    with receiving(tmp_path / "there") as (url, receiver):
        receiver.rivals[name] = small_wheelhouse / name if same else other
        done = publish(small_wheelhouse, url, receiver, "--json", cwd=tmp_path)
        assert (done.returncode, name in receiver.received) == (code, False), done.stderr
        assert set(receiver.received) == names(small_wheelhouse) - {name}
    if outcome:
        assert {row["outcome"] for row in json.loads(done.stdout)["files"] if row["file"] == name} == {outcome}
    else:
        assert f"has a different file with the name `{name}`" in done.stdout


def test_credentials_come_from_a_file_or_netrc_and_are_never_shown(small_wheelhouse: Path, tmp_path: Path) -> None:
    (tmp_path / "token").write_text("s3cret\n")
    with receiving(tmp_path / "there") as (url, receiver):
        done = publish(small_wheelhouse, url, receiver, "--token-file", "token", cwd=tmp_path)
        assert done.returncode == 0, done.stderr
        assert set(receiver.authorizations) == {"Basic X190b2tlbl9fOnMzY3JldA=="}
        assert "s3cret" not in done.stdout + done.stderr
        in_url = publish(small_wheelhouse, url.replace("//", "//me:s3cret@"), receiver, cwd=tmp_path)
        assert in_url.returncode == 2 and "s3cret" not in in_url.stdout + in_url.stderr


def test_a_house_that_was_altered_is_not_published(small_wheelhouse: Path, tmp_path: Path) -> None:
    house = shutil.copytree(small_wheelhouse, tmp_path / "house")
    (house / "lib-1.0-py3-none-any.whl").write_bytes(b"altered")
    with receiving(tmp_path / "there") as (url, receiver):
        assert publish(house, url, receiver, cwd=tmp_path).returncode == 5
        assert receiver.received == []


def test_a_proxy_gets_nothing_that_no_proxy_keeps_from_it(small_wheelhouse: Path, tmp_path: Path) -> None:
    with receiving(tmp_path / "there") as (url, receiver), Proxy() as proxy:
        direct = publish(small_wheelhouse, url, receiver, cwd=tmp_path, HTTP_PROXY=proxy.url, NO_PROXY="127.0.0.1")
        assert direct.returncode == 0, direct.stderr
        assert proxy.asked == [] and set(receiver.received) == names(small_wheelhouse)
    with receiving(tmp_path / "elsewhere") as (url, receiver), Proxy() as proxy:
        publish(small_wheelhouse, url, receiver, cwd=tmp_path, HTTP_PROXY=proxy.url)  # it is one that takes no upload
        assert proxy.asked and receiver.received == []


def test_an_upload_trusts_whom_everything_else_trusts(small_wheelhouse: Path, tmp_path: Path) -> None:
    pem = make_certificate(tmp_path / "tls")
    authorities = tmp_path / "authorities"
    authorities.mkdir()
    shutil.copy(pem.authority, authorities)
    subprocess.run(["openssl", "rehash", authorities], check=True, capture_output=True)
    with receiving(tmp_path / "there", pem.pair) as (url, receiver):
        refused = publish(small_wheelhouse, url, receiver, "--retries", "0", cwd=tmp_path)
        assert refused.returncode == 4 and "is not trusted" in refused.stderr
        done = publish(small_wheelhouse, url, receiver, cwd=tmp_path, SSL_CERT_DIR=str(authorities))
        assert done.returncode == 0, done.stderr
        assert set(receiver.received) == names(small_wheelhouse)
    with receiving(tmp_path / "elsewhere", pem.pair) as (url, receiver):
        done = publish(small_wheelhouse, url, receiver, "--ca-file", str(pem.authority), cwd=tmp_path)
        assert done.returncode == 0, done.stderr


RICH = """\
Metadata-Version: 2.4
Name: Rich_Thing
Version: 1.0
Platform: any
Supported-Platform: linux
Summary: A thing with — everything
Keywords: one,two words,three
Home-page: https://home.example/
Download-URL: https://home.example/download
Author: Ada, Bob
Author-email: Ada <ada@home.example>
Maintainer: Mia
Maintainer-email: mia@home.example
License-Expression: MIT
License-File: LICENSE
License-File: licenses/OTHER
Classifier: Topic :: Software Development
Classifier: Typing :: Typed
Requires-Python: >=3.8
Requires-Dist: lib>=1
Requires-Dist: quick; extra == "fast"
Requires-External: libpq
Provides-Extra: fast
Provides-Dist: other-thing
Obsoletes-Dist: old-thing
Project-URL: Source, https://home.example/source
Project-URL: Issues, https://home.example/issues
Description-Content-Type: text/markdown
Dynamic: license-file

# Rich

Text of *many* lines, and with “signs”.
""".encode()
OLD = b"""\
Metadata-Version: 1.2
Name: old.thing
Version: 2.0
Summary: An old thing
Author: Cy
License: BSD
License-File: LICENSE
Keywords: one two
Description: A description
        in the header.
Platform: UNKNOWN
"""


@pytest.fixture(scope="module")
def told_house(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A wheelhouse whose files say all that core metadata can say: two wheels of different ages, and an sdist."""
    base = tmp_path_factory.mktemp("told")
    offered = base / "offered"
    offered.mkdir()
    build_wheel(offered, "Rich_Thing", "1.0", metadata=RICH, tag="py2.py3-none-any")
    build_wheel(offered, "old.thing", "2.0", metadata=OLD)
    build_sdist(
        offered,
        "source-thing",
        "3.0",
        pkg_info=RICH.replace(b"Rich_Thing\nVersion: 1.0", b"source-thing\nVersion: 3.0"),
    )
    for name in ("lib", "quick"):
        build_wheel(offered, name, "1.0")
    with IndexServer(offered) as server:
        options = ("--python", "3.11", "--index", server.url, "--dest", "house")
        made = wheelhouse("fetch", "rich-thing", "old-thing", "source-thing", *options, cwd=base)
        assert made.returncode == 0, made.stderr
    return base / "house"


def test_a_form_says_all_that_the_metadata_say(told_house: Path, tmp_path: Path) -> None:
    with receiving(tmp_path / "there") as (url, receiver):
        assert publish(told_house, url, receiver, cwd=tmp_path).returncode == 0
    (rich,) = (form for name, form in receiver.forms.items() if name.startswith("rich_thing"))
    raw = (told_house / "rich_thing-1.0-py2.py3-none-any.whl").read_bytes()
    for field in (
        (":action", "file_upload"),
        ("name", "Rich-Thing"),
        ("author", "Ada, Bob"),
        ("maintainer_email", "mia@home.example"),
        ("license_expression", "MIT"),
        ("license_file", "licenses/OTHER"),
        ("keywords", "one, two words, three"),
        ("description_content_type", "text/markdown"),
        ("project_urls", "Issues, https://home.example/issues"),
        ("requires_dist", 'quick; extra == "fast"'),
        ("pyversion", "py2.py3"),
        ("sha256_digest", hashlib.sha256(raw).hexdigest()),
        ("blake2_256_digest", hashlib.blake2b(raw, digest_size=32).hexdigest()),
    ):
        assert field in rich
    assert dict(rich)["description"].startswith("# Rich\n\nText of *many* lines, and with “signs”.")


def test_a_form_is_the_one_that_twine_sends(told_house: Path, tmp_path: Path) -> None:
    twine = Path(sys.executable).with_name("twine")
    if not twine.exists():
        pytest.skip("twine is not installed: install the dependency group `test` again")
    with receiving(tmp_path / "ours") as (url, ours):
        assert publish(told_house, url, ours, cwd=tmp_path).returncode == 0
    with receiving(tmp_path / "theirs") as (url, theirs):
        options = ("--non-interactive", "--disable-progress-bar", "-u", "me", "-p", "s3cret", "--repository-url", url)
        done = run(twine, "upload", *options, *(told_house / name for name in sorted(names(told_house))), cwd=tmp_path)
        assert done.returncode == 0, done.stdout + done.stderr
    assert set(ours.forms) == names(told_house)
    for name in names(told_house):
        assert ours.forms[name] == theirs.forms[name]


@pytest.mark.parametrize("with_index", [False, True])
def test_a_server_that_is_not_there_is_said_to_be_that(
    small_wheelhouse: Path, tmp_path: Path, with_index: bool
) -> None:
    nowhere = f"http://127.0.0.1:{free_port()}"
    listing = ("--index", f"{nowhere}/simple/") if with_index else ()
    options = ("--repository", f"{nowhere}/legacy/", *listing, "--retries", "0")
    done = wheelhouse("publish", small_wheelhouse, *options, cwd=tmp_path)
    assert done.returncode == 4 and "127.0.0.1" in done.stderr
    assert "could not be reached: Connection refused" in done.stderr
    with IndexServer() as index:
        options = ("--repository", f"{nowhere}/legacy/", "--index", index.url, "--retries", "0")
        done = wheelhouse("publish", small_wheelhouse, *options, cwd=tmp_path)
    assert done.returncode == 4 and "could not be reached: Connection refused" in done.stderr


def test_a_wheelhouse_without_files_is_published_without_a_request(tmp_path: Path) -> None:
    (tmp_path / "house").mkdir()
    house = wheelhouse_of(tmp_path / "house")
    done = wheelhouse(
        "publish", house, "--repository", f"http://127.0.0.1:{free_port()}/legacy/", "--json", cwd=tmp_path
    )
    assert (done.returncode, json.loads(done.stdout)["files"]) == (0, []), done.stderr


# Real servers


@pytest.fixture(scope="session")
def programs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A virtual environment with devpi and pypiserver, from the real index."""
    folder = tmp_path_factory.mktemp("servers")
    for arguments in (
        ("venv", folder / "venv"),
        ("pip", "install", "--python", folder / "venv", "pypiserver[passlib]", "devpi-server", "devpi-client"),
    ):
        done = uv(*arguments, env=clean_environment(**certificates()))
        if done.returncode:
            pytest.skip(f"the servers could not be installed: {done.stderr[-300:]}")
    return folder / "venv" / "bin"


def certificates() -> dict[str, str]:
    return {name: os.environ[name] for name in ("SSL_CERT_FILE", "SSL_CERT_DIR") if name in os.environ}


@contextmanager
def pypiserver(programs: Path, folder: Path) -> Iterator[tuple[str, Path]]:
    (folder / "there").mkdir()
    (folder / "htpasswd").write_text("me:{PLAIN}s3cret\n")
    (folder / "token").write_text("me:s3cret")
    port = free_port()
    hashed = subprocess.run(["openssl", "passwd", "-apr1", "s3cret"], capture_output=True, text=True, check=True).stdout
    (folder / "htpasswd").write_text(f"me:{hashed}")
    command = [
        programs / "pypi-server",
        "run",
        "-p",
        str(port),
        "-i",
        "127.0.0.1",
        "-P",
        folder / "htpasswd",
        "--disable-fallback",
        folder / "there",
    ]
    with running(command, port):
        yield f"http://127.0.0.1:{port}/", folder / "token"


@contextmanager
def devpi(programs: Path, folder: Path) -> Iterator[tuple[str, Path]]:
    port = free_port()
    home = clean_environment(HOME=str(folder))
    subprocess.run(
        [programs / "devpi-init", "--serverdir", folder / "data", "--root-passwd", "s3cret", "--no-root-pypi"],
        check=True,
        env=home,
        capture_output=True,
    )
    (folder / "token").write_text("root:s3cret")
    with running(
        [programs / "devpi-server", "--serverdir", folder / "data", "--port", str(port), "--host", "127.0.0.1"], port
    ):
        url = f"http://127.0.0.1:{port}"
        for arguments in (
            ["use", url],
            ["login", "root", "--password", "s3cret"],
            ["index", "-c", "root/dev", "bases=", "volatile=False"],
        ):
            subprocess.run([programs / "devpi", *arguments], check=True, env=home, capture_output=True)
        yield f"{url}/root/dev/", folder / "token"


PYPICLOUD = """
[app:main]
use = egg:pypicloud
pypi.fallback = none
pypi.default_read = everyone
pypi.storage = file
storage.dir = {folder}/store
db.url = sqlite:///{folder}/cache.db
auth.admins = me
user.me = {hashed}
session.encrypt_key = {key}
session.validate_key = {key}
[server:main]
use = egg:waitress#main
host = 127.0.0.1
port = {port}
"""


@pytest.fixture(scope="session")
def cloud_programs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A virtual environment with pypicloud, which asks for an older Python and older libraries than today's."""
    python = find_python("3.10")
    if python is None:
        pytest.skip("pypicloud needs Python 3.10")
    folder = tmp_path_factory.mktemp("pypicloud")
    wanted = ("pypicloud==1.3.12", "sqlalchemy<1.5", "zope.sqlalchemy<2", "setuptools<70", "waitress")
    for arguments in (
        ("venv", "--python", python, folder / "venv"),
        ("pip", "install", "--python", folder / "venv", *wanted),
    ):
        done = uv(*arguments, env=clean_environment(**certificates()))
        if done.returncode:
            pytest.skip(f"pypicloud could not be installed: {done.stderr[-300:]}")
    return folder / "venv" / "bin"


@contextmanager
def pypicloud(programs: Path, folder: Path) -> Iterator[tuple[str, Path]]:
    """Its index is where it takes uploads, too; its pages are HTML alone, and it knows no sidecars."""
    port = free_port()
    hashing = "from pypicloud.access import get_pwd_context; print(get_pwd_context().hash('s3cret'))"
    hashed = subprocess.run([programs / "python", "-c", hashing], capture_output=True, text=True, check=True).stdout
    key = base64.b64encode(os.urandom(32)).decode()
    (folder / "cloud.ini").write_text(PYPICLOUD.format(folder=folder, hashed=hashed.strip(), key=key, port=port))
    (folder / "token").write_text("me:s3cret")
    with running([programs / "pserve", folder / "cloud.ini"], port):
        yield f"http://127.0.0.1:{port}/simple/", folder / "token"


@pytest.mark.index
@pytest.mark.parametrize(
    ("server", "environment"), [(pypiserver, "programs"), (devpi, "programs"), (pypicloud, "cloud_programs")]
)
def test_a_real_server_takes_a_house_and_gives_it_back(
    small_wheelhouse: Path, tmp_path: Path, request: pytest.FixtureRequest, server, environment: str
) -> None:
    with server(request.getfixturevalue(environment), tmp_path) as (url, token):
        options = ("--repository", url, "--token-file", token)
        sent = wheelhouse("publish", small_wheelhouse, *options, cwd=tmp_path)
        assert sent.returncode == 0, sent.stderr
        again = wheelhouse("publish", small_wheelhouse, *options, "--json", cwd=tmp_path)
        assert {row["outcome"] for row in json.loads(again.stdout)["files"]} == {"there already"}, again.stderr
        changed = altered_house(small_wheelhouse, tmp_path)
        refused = wheelhouse("publish", changed, *options, cwd=tmp_path)
        assert refused.returncode == 5 and "another file" in refused.stderr
        simple = url + {devpi: "+simple", pypiserver: "simple", pypicloud: ""}[server]
        back = wheelhouse("fetch", "app", "--python", "3.11", "--index", simple, "--dest", "back", cwd=tmp_path)
        assert back.returncode == 0, back.stderr
    assert {name: (tmp_path / "back" / name).read_bytes() for name in names(small_wheelhouse)} == {
        name: (small_wheelhouse / name).read_bytes() for name in names(small_wheelhouse)
    }


def altered_house(small_wheelhouse: Path, folder: Path) -> Path:
    """The same job, from an index whose `lib` has other bytes under the same name."""
    offered = folder / "changed"
    offered.mkdir()
    build_wheel(offered, "lib", "1.0", files={"lib/__init__.py": b"changed = True\n"})
    with IndexServer(offered) as index:
        made = wheelhouse(
            "fetch", "lib", "--python", "3.11", "--index", index.url, "--dest", "changed-house", cwd=folder
        )
        assert made.returncode == 0, made.stderr
    return folder / "changed-house"
