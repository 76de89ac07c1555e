"""Publishing: a made server that words its refusals as real ones do; then real servers, started here."""

import base64
import json
import os
import re
import shutil
import ssl
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from tests.support.index import IndexServer
from tests.support.proxy import Proxy
from tests.support.pythons import find_python
from tests.support.served import free_port, running
from tests.support.tls import make_certificate
from tests.support.tools import clean_environment, uv, wheelhouse
from wheelhouse.steps.verify import load_house

pytest_plugins = ["tests.support.houses"]

FILENAME = re.compile(rb'name="content"; filename="([^"]+)"')


class Receiver:
    """An upload API beside an `IndexServer`: what it takes, the index offers from then on."""

    def __init__(self, folder: Path, index: IndexServer) -> None:
        self.folder, self.index = folder, index
        self.received: list[str] = []
        self.authorizations: list[str | None] = []
        self.answers: dict[str, tuple[int, str]] = {}
        self.guard = threading.Lock()

    def take(self, body: bytes, authorization: str | None) -> tuple[int, str]:
        name = FILENAME.search(body)[1].decode()  # type: ignore[index]
        with self.guard:
            self.authorizations.append(authorization)
            if name in self.answers:
                return self.answers[name]
            self.received.append(name)
            path = self.folder / name
            path.write_bytes(file_in(body))
            self.index.add(path)
        return 200, "OK"


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
                body = self.rfile.read(int(self.headers["Content-Length"]))
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
    return set(load_house(house).artifacts)


def test_what_is_missing_is_sent_and_the_second_time_nothing(small_house: Path, tmp_path: Path) -> None:
    with receiving(tmp_path / "there") as (url, receiver):
        first = publish(small_house, url, receiver, cwd=tmp_path)
        assert first.returncode == 0, first.stderr
        assert set(receiver.received) == names(small_house)
        assert all(
            (tmp_path / "there" / name).read_bytes() == (small_house / name).read_bytes() for name in receiver.received
        )
        again = publish(small_house, url, receiver, "--json", cwd=tmp_path)
        assert {row["outcome"] for row in json.loads(again.stdout)["files"]} == {"there already"}
        assert len(receiver.received) == len(names(small_house))


def test_a_dry_run_sends_nothing(small_house: Path, tmp_path: Path) -> None:
    with receiving(tmp_path / "there") as (url, receiver):
        done = publish(small_house, url, receiver, "--dry-run", cwd=tmp_path)
        assert "to be sent" in done.stdout and receiver.received == []


def test_another_file_of_the_same_name_stops_everything(small_house: Path, tmp_path: Path) -> None:
    with receiving(tmp_path / "there") as (url, receiver):
        other = tmp_path / "lib-1.0-py3-none-any.whl"
        shutil.copy(small_house / "quick-1.0-py3-none-any.whl", other)
        receiver.index.add(other, project="lib", version="1.0", metadata=b"")
        refused = publish(small_house, url, receiver, cwd=tmp_path)
        assert refused.returncode == 5 and "has another file under the name `lib-1.0" in refused.stderr
        assert receiver.received == []


@pytest.mark.parametrize("answer", [(400, "File already exists."), (409, "Conflict"), (403, "cannot overwrite")])
def test_a_refusal_is_told_and_the_rest_is_sent(small_house: Path, tmp_path: Path, answer: tuple[int, str]) -> None:
    with receiving(tmp_path / "there") as (url, receiver):
        receiver.answers["lib-1.0-py3-none-any.whl"] = answer
        refused = publish(small_house, url, receiver, cwd=tmp_path)
        assert refused.returncode == 4 and answer[1] in refused.stderr and "lib-1.0" in refused.stderr
        assert len(receiver.received) == len(names(small_house)) - 1
        del receiver.answers["lib-1.0-py3-none-any.whl"]
        assert publish(small_house, url, receiver, cwd=tmp_path).returncode == 0


def test_credentials_come_from_a_file_or_netrc_and_are_never_shown(small_house: Path, tmp_path: Path) -> None:
    (tmp_path / "token").write_text("s3cret\n")
    with receiving(tmp_path / "there") as (url, receiver):
        done = publish(small_house, url, receiver, "--token-file", "token", cwd=tmp_path)
        assert done.returncode == 0, done.stderr
        assert set(receiver.authorizations) == {"Basic X190b2tlbl9fOnMzY3JldA=="}
        assert "s3cret" not in done.stdout + done.stderr
        in_url = publish(small_house, url.replace("//", "//me:s3cret@"), receiver, cwd=tmp_path)
        assert in_url.returncode == 2 and "s3cret" not in in_url.stdout + in_url.stderr


def test_a_house_that_was_altered_is_not_published(small_house: Path, tmp_path: Path) -> None:
    house = shutil.copytree(small_house, tmp_path / "house")
    (house / "lib-1.0-py3-none-any.whl").write_bytes(b"altered")
    with receiving(tmp_path / "there") as (url, receiver):
        assert publish(house, url, receiver, cwd=tmp_path).returncode == 5
        assert receiver.received == []


def test_a_proxy_gets_nothing_that_no_proxy_keeps_from_it(small_house: Path, tmp_path: Path) -> None:
    with receiving(tmp_path / "there") as (url, receiver), Proxy() as proxy:
        direct = publish(small_house, url, receiver, cwd=tmp_path, HTTP_PROXY=proxy.url, NO_PROXY="127.0.0.1")
        assert direct.returncode == 0, direct.stderr
        assert proxy.asked == [] and set(receiver.received) == names(small_house)
    with receiving(tmp_path / "elsewhere") as (url, receiver), Proxy() as proxy:
        publish(small_house, url, receiver, cwd=tmp_path, HTTP_PROXY=proxy.url)  # it is one that takes no upload
        assert proxy.asked and receiver.received == []


def test_an_upload_trusts_whom_everything_else_trusts(small_house: Path, tmp_path: Path) -> None:
    pem = make_certificate(tmp_path / "tls")
    authorities = tmp_path / "authorities"
    authorities.mkdir()
    shutil.copy(pem.authority, authorities)
    subprocess.run(["openssl", "rehash", authorities], check=True, capture_output=True)
    with receiving(tmp_path / "there", pem.pair) as (url, receiver):
        refused = publish(small_house, url, receiver, "--retries", "0", cwd=tmp_path)
        assert refused.returncode == 4 and "is not trusted" in refused.stderr
        done = publish(small_house, url, receiver, cwd=tmp_path, SSL_CERT_DIR=str(authorities))
        assert done.returncode == 0, done.stderr
        assert set(receiver.received) == names(small_house)
    with receiving(tmp_path / "elsewhere", pem.pair) as (url, receiver):
        done = publish(small_house, url, receiver, "--ca-file", str(pem.authority), cwd=tmp_path)
        assert done.returncode == 0, done.stderr


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
    small_house: Path, tmp_path: Path, request: pytest.FixtureRequest, server, environment: str
) -> None:
    with server(request.getfixturevalue(environment), tmp_path) as (url, token):
        options = ("--repository", url, "--token-file", token)
        sent = wheelhouse("publish", small_house, *options, cwd=tmp_path)
        assert sent.returncode == 0, sent.stderr
        again = wheelhouse("publish", small_house, *options, "--json", cwd=tmp_path)
        assert {row["outcome"] for row in json.loads(again.stdout)["files"]} == {"there already"}, again.stderr
        changed = altered_house(small_house, tmp_path)
        refused = wheelhouse("publish", changed, *options, cwd=tmp_path)
        assert refused.returncode == 5 and "another file" in refused.stderr
        simple = url + {devpi: "+simple", pypiserver: "simple", pypicloud: ""}[server]
        back = wheelhouse("fetch", "app", "--python", "3.11", "--index", simple, "--dest", "back", cwd=tmp_path)
        assert back.returncode == 0, back.stderr
    assert {name: (tmp_path / "back" / name).read_bytes() for name in names(small_house)} == {
        name: (small_house / name).read_bytes() for name in names(small_house)
    }


def altered_house(small_house: Path, folder: Path) -> Path:
    """The same job, from an index whose `lib` has other bytes under the same name."""
    from tests.support.wheels import build_wheel

    offered = folder / "changed"
    offered.mkdir()
    build_wheel(offered, "lib", "1.0", files={"lib/__init__.py": b"changed = True\n"})
    with IndexServer(offered) as index:
        made = wheelhouse(
            "fetch", "lib", "--python", "3.11", "--index", index.url, "--dest", "changed-house", cwd=folder
        )
        assert made.returncode == 0, made.stderr
    return folder / "changed-house"
