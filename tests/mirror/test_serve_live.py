"""`serve` over months: it follows its wheelhouses, knows who may read, tells how it is, and ends without losing a request."""

import asyncio
import errno
import gzip
import hashlib
import io
import json
import os
import re
import shutil
import signal
import subprocess
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urljoin

import httpx
import pytest
from packaging.utils import canonicalize_name

from tests.support.golden import Session
from tests.support.made_wheelhouses import wheelhouse_of
from tests.support.served import free_port, serving
from tests.support.tools import PROGRAM, clean_environment
from tests.support.wheels import build_wheel
from wheelhouse.errors import InputError, IntegrityError, RefusedError
from wheelhouse.findings import Waiver
from wheelhouse.mirror.access_log import AccessLog
from wheelhouse.mirror.catalogue import catalogue
from wheelhouse.mirror.follow_wheelhouses import Followed, FollowedAccess, Follower
from wheelhouse.mirror.reader_access import Access, AccessFiles, read_htpasswd, read_readers, read_tokens
from wheelhouse.mirror.records import Records
from wheelhouse.mirror.served_pages import GRACE_SECONDS, Catalogue
from wheelhouse.mirror.server import Application
from wheelhouse.mirror.simple import JSON_TYPE, ProjectPage
from wheelhouse.verify.verify import load_wheelhouse

if TYPE_CHECKING:
    from _typeshed import ReadableBuffer

OLD, NEW = "lib-1.0-py3-none-any.whl", "lib-2.0-py3-none-any.whl"


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the wheelhouses `old` and `new`, of which both have `app`, and each has another `lib`."""
    base = tmp_path_factory.mktemp("made")
    session = Session(base, {"fetch": ("--python", "3.12", "--no-index", "--find-links", "offered", "--quiet")})
    build_wheel(base / "offered", "app", "1.0", requires=["lib"])
    build_wheel(base / "offered", "lib", "1.0", files={"lib/data": bytes(range(256)) * 20})
    assert session("fetch app --dest old") == 0, session.transcript
    build_wheel(base / "offered", "lib", "2.0")
    assert session("fetch app --dest new") == 0, session.transcript
    return base


@pytest.fixture
def house(made: Path, tmp_path: Path) -> Path:
    return shutil.copytree(made / "old", tmp_path / "house")


def renew(house: Path, new: Path) -> None:
    """Make a wheelhouse the new one, as `unpack` does: new files first, then the lock files, then what goes."""
    for path in sorted(new.iterdir(), key=lambda path: not path.name.endswith(".whl")):
        shutil.copy(path, house / f".{path.name}")
        (house / f".{path.name}").rename(house / path.name)
    (house / OLD).unlink(missing_ok=True)


def asked(application: Application, path: str, method: str = "GET", **headers: str) -> httpx.Response:
    async def request() -> httpx.Response:
        transport = httpx.ASGITransport(application)
        async with httpx.AsyncClient(transport=transport, base_url="http://index") as client:
            return await client.request(method, path, headers={k.replace("_", "-"): v for k, v in headers.items()})

    return asyncio.run(request())


def names_of(application: Application) -> list[str]:
    reply = asked(application, "/simple/lib/", accept=JSON_TYPE)
    return [file["filename"] for file in reply.json()["files"]]


class Live:
    """An application with one wheelhouse, and its follower, whose looks the test takes."""

    def __init__(self, house: Path, admit: Callable[[], None] = lambda: None) -> None:
        self.followed = Followed.opened([house], admit)
        self.application = Application(self.followed.catalogue)
        self.warnings: list[str] = []
        self.follower = Follower(self.application, {"": self.followed}, lambda event: self.warnings.append(str(event)))

    def count(self, outcome: str) -> int:
        text = asked(self.application, "/metrics").text
        found = re.search(rf'wheelhouse_reloads_total{{outcome="{outcome}"}} (\d+)', text)
        assert found
        return int(found[1])


def test_a_changed_wheelhouse_is_served_with_the_files_of_pages_that_clients_have(
    house: Path, made: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    live = Live(house)
    raw = (house / OLD).read_bytes()
    assert names_of(live.application) == [OLD]
    live.follower.look()
    assert live.count("done") == 0
    renew(house, made / "new")
    assert asked(live.application, f"/files/{OLD}").content == raw
    live.follower.look()
    assert names_of(live.application) == [NEW]
    assert asked(live.application, f"/files/{NEW}").content == (house / NEW).read_bytes()
    assert asked(live.application, f"/files/{OLD}").content == raw
    assert (live.count("done"), live.count("failed")) == (1, 0)
    later = time.monotonic() + GRACE_SECONDS
    monkeypatch.setattr("wheelhouse.mirror.served_pages.time.monotonic", lambda: later)
    assert asked(live.application, f"/files/{OLD}").status_code == 404


def test_a_change_is_served_when_all_its_files_are_there(house: Path, made: Path) -> None:
    live = Live(house)
    for path in (made / "new").iterdir():
        if path.name != NEW:
            shutil.copy(path, house)
    (house / OLD).unlink()
    live.follower.look()
    live.follower.look()
    assert names_of(live.application) == [OLD]
    assert asked(live.application, f"/files/{OLD}").status_code == 200
    assert asked(live.application, "/health").json() == {"status": "stale"}
    assert live.count("failed") == 2
    assert len(live.warnings) == 1 and NEW in live.warnings[0]
    shutil.copy(made / "new" / NEW, house)
    live.follower.look()
    assert names_of(live.application) == [NEW]
    assert asked(live.application, "/health").json() == {"status": "ok"}


def test_only_new_files_are_read_again(house: Path, made: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    live = Live(house)
    read: list[str] = []
    monkeypatch.setattr(
        "wheelhouse.mirror.offered_files.sha256_of",
        lambda path: read.append(path.name) or hashlib.sha256(path.read_bytes()).hexdigest(),
    )
    for path in (made / "new").iterdir():
        if path.name != "app-1.0-py3-none-any.whl":
            shutil.copy(path, house)
    live.follower.look()
    assert names_of(live.application) == [NEW]
    assert read == [NEW]


def test_a_file_whose_waiver_was_taken_back_is_refused_as_at_a_start(tmp_path: Path) -> None:
    build_wheel(
        tmp_path,
        "lib",
        "1.0",
        files={"lib.py": b"made = True"},
        mutate=lambda members: [replace(one, data=b"made = 1234") if one.name == "lib.py" else one for one in members],
    )
    house = load_wheelhouse(wheelhouse_of(tmp_path))
    pin = house.locks[0].pins[0]
    waiver = Waiver("record-hash", "ours", "Ada", date(2027, 1, 1), pin.project, pin.artifact.sha256)

    def write(*waived: Waiver) -> None:
        for name, text in house.with_waivers({OLD: waived}).texts.items():
            (tmp_path / name).write_text(text)

    write(waiver)
    live = Live(tmp_path)
    assert names_of(live.application) == [OLD]
    write()
    live.follower.look()
    live.follower.look()
    assert live.count("failed") == 2 and "is refused" in live.warnings[0]
    with pytest.raises(RefusedError):
        catalogue([tmp_path])
    write(waiver)
    live.follower.look()
    assert live.count("done") == 1


def test_what_is_not_admitted_is_not_served(house: Path, made: Path) -> None:
    def admit() -> None:
        if (house / NEW).exists():
            raise IntegrityError("it is not approved")

    live = Live(house, admit)
    renew(house, made / "new")
    live.follower.look()
    assert names_of(live.application) == [OLD]


def test_more_files_than_the_process_may_hold_open_are_served(house: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(
        "wheelhouse.mirror.served.OPEN_FLAGS", os.O_RDONLY | os.O_DIRECTORY
    )  # it fails, as without a free one
    application = Application(catalogue([house]))
    assert asked(application, f"/files/{OLD}").content == (house / OLD).read_bytes()
    (house / OLD).write_bytes(b"another")
    assert asked(application, f"/files/{OLD}").status_code == 500


@pytest.mark.servers
def test_clients_lose_nothing_while_the_wheelhouse_changes_under_them(house: Path, made: Path) -> None:
    """Each reads the page and then the file that it names; both releases are seen."""
    sha256s = {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in made.glob("*/lib-*.whl")}
    changed = threading.Event()

    with serving(house) as url, ThreadPoolExecutor(40) as pool:

        def install(number: int) -> str:
            with httpx.Client(timeout=60) as client:
                page = client.get(f"{url}/simple/lib/", headers={"accept": JSON_TYPE})
                if number == 60:
                    renew(house, made / "new")
                    changed.set()
                (file,) = page.json()["files"]
                body = client.get(urljoin(f"{url}/simple/lib/", file["url"])).content
                assert hashlib.sha256(body).hexdigest() == file["hashes"]["sha256"] == sha256s[file["filename"]]
                return str(file["filename"])

        seen = set(pool.map(install, range(200)))
        changed.wait()
        deadline = time.monotonic() + 60
        while NEW not in seen and time.monotonic() < deadline:
            seen.add(install(-1))
    assert seen == {OLD, NEW}


# Encodings and pages for people


def test_pages_are_encoded_for_who_accepts_that() -> None:
    pages = {canonicalize_name(f"project{number}"): ProjectPage() for number in range(100)}
    application = Application(Catalogue(pages, {}, {}))
    plain = asked(application, "/simple/", accept_encoding="identity")
    assert "content-encoding" not in plain.headers
    encoded = asked(application, "/simple/", accept_encoding="gzip, br;q=0")
    assert encoded.headers["content-encoding"] == "gzip" and encoded.content == plain.content
    assert int(encoded.headers["content-length"]) < int(plain.headers["content-length"])
    assert encoded.headers["etag"] != plain.headers["etag"] and "Accept-Encoding" in encoded.headers["vary"]
    assert (
        asked(application, "/simple/", accept_encoding="gzip", if_none_match=encoded.headers["etag"]).status_code == 304
    )
    assert (
        asked(application, "/simple/", accept_encoding="gzip", if_none_match=plain.headers["etag"]).status_code == 200
    )
    for refused in ("gzip;q=0", "gzip; q=0.", "gzip;q=0.0", "GZIP ; Q=0.000 "):
        assert "content-encoding" not in asked(application, "/simple/", accept_encoding=refused).headers
    assert "content-encoding" in asked(application, "/simple/", accept_encoding="gzip;q=0.001").headers


def test_brotli_is_preferred_if_it_is_installed(monkeypatch: pytest.MonkeyPatch) -> None:
    from wheelhouse.mirror import served

    monkeypatch.setattr(served, "ENCODERS", {"br": lambda body: b"br" + body[:1], "gzip": gzip.compress})
    encoding, body = served.content_of("x" * 2000, "text/plain").encoded("gzip, deflate, br")
    assert (encoding, body.body) == ("br", b"brx")


def test_pages_for_people_lead_to_files(house: Path) -> None:
    application = Application(catalogue([house]))
    root = asked(application, "/simple/browse.html")
    assert root.headers["content-type"] == "text/html; charset=utf-8" and 'href="lib/browse.html"' in root.text
    page = asked(application, "/simple/lib/browse.html").text
    assert f'href="{OLD}"' in page
    assert asked(application, f"/simple/lib/{OLD}").content == (house / OLD).read_bytes()
    assert asked(application, "/simple/nothing/browse.html").status_code == 404


# Who may read


def basic(user: str, password: str) -> str:
    return str(httpx.BasicAuth(user, password)._auth_header)


def test_tokens_of_users(house: Path, tmp_path: Path) -> None:
    (tmp_path / "tokens").write_text("# ours\nci:s3cret\nci:s3cond\nalone\n")
    application = Application(catalogue([house]), Access(read_tokens(tmp_path / "tokens")))
    refused = asked(application, "/simple/")
    assert (refused.status_code, refused.headers["www-authenticate"][:5]) == (401, "Basic")
    for path in ("/simple/lib/", f"/files/{OLD}", "/metrics", "/simple/browse.html"):
        assert asked(application, path).status_code == 401
        for good in (basic("ci", "s3cret"), basic("ci", "s3cond"), "Bearer s3cret", basic("__token__", "alone")):
            assert asked(application, path, authorization=good).status_code == 200
    for wrong in (
        basic("ci", "wrong"),
        basic("other", "s3cret"),
        "Bearer ",
        "Basic !",
        "Basic AAAA",
        "Digest x",
        basic("ci", ""),
    ):
        assert asked(application, "/simple/", authorization=wrong).status_code == 401
    assert asked(application, "/health").status_code == 200


@pytest.mark.parametrize("line", ["ada:", "ada:   ", ":", "  ada:"])
def test_an_empty_token_is_refused(tmp_path: Path, line: str) -> None:
    (tmp_path / "tokens").write_text(f"# ours\nbob:b\n{line}\n")
    with pytest.raises(InputError, match=r"line 3 of .* has no token"):
        read_tokens(tmp_path / "tokens")


def test_spaces_around_user_and_token_do_not_count(tmp_path: Path) -> None:
    (tmp_path / "tokens").write_text("ada: secret\nbob :other\n : alone\n")
    access = Access(read_tokens(tmp_path / "tokens"))
    for authorization, user in (
        (basic("ada", "secret"), "ada"),
        ("Bearer other", "bob"),
        ("Bearer alone", "__token__"),
    ):
        assert asyncio.run(access.user_of(authorization)) == user


def test_a_comment_with_spaces_before_it_is_no_token(tmp_path: Path) -> None:
    (tmp_path / "tokens").write_text("  # the build machines\n  ci:s3cret  \n")
    tokens = read_tokens(tmp_path / "tokens")
    assert asyncio.run(Access(tokens).user_of("Bearer # the build machines")) is None
    assert tokens == {"ci": frozenset({hashlib.sha256(b"s3cret").digest()})}


def test_users_of_htpasswd(house: Path, tmp_path: Path) -> None:
    bcrypt = pytest.importorskip("bcrypt")
    hashed = bcrypt.hashpw("pässword".encode(), bcrypt.gensalt(4)).decode()
    (tmp_path / "users").write_text(f"ada:{hashed}\n")
    application = Application(catalogue([house]), Access(passwords=read_htpasswd(tmp_path / "users")))
    for _ in range(2):
        assert asked(application, "/simple/", authorization=basic("ada", "pässword")).status_code == 200
        assert asked(application, "/simple/", authorization=basic("ada", "password")).status_code == 401
        assert asked(application, "/simple/", authorization=basic("eve", "pässword")).status_code == 401


@pytest.mark.parametrize("text", ["ada:$apr1$x$y", "ada:{SHA}x", "ada:plain", "", "ada"])
def test_other_password_hashes_are_refused(tmp_path: Path, text: str) -> None:
    (tmp_path / "users").write_text(text)
    with pytest.raises(InputError, match=r"not hashed by bcrypt|has no user"):
        read_htpasswd(tmp_path / "users")


@pytest.mark.parametrize("value", ["$2b$bad", f"$2y$05${'a' * 52}", f"$2y$99${'a' * 53}", f"$2y$05${'a' * 53}x"])
def test_a_damaged_bcrypt_hash_is_refused_before_a_client_sends_a_password(tmp_path: Path, value: str) -> None:
    (tmp_path / "users").write_text(f"# ours\nada:{value}\n")
    with pytest.raises(InputError, match=r"line 2 of .* has a damaged bcrypt hash"):
        read_htpasswd(tmp_path / "users")


def test_each_wheelhouse_has_its_path_and_its_readers(house: Path, made: Path, tmp_path: Path) -> None:
    catalogues = {"web": catalogue([house]), "batch": catalogue([made / "new"])}
    (tmp_path / "readers.toml").write_text('web = ["ada"]\nbatch = ["*"]\n')
    (tmp_path / "tokens").write_text("ada:a\nbob:b\n")
    readers = read_readers(tmp_path / "readers.toml", catalogues)
    application = Application(catalogues, Access(read_tokens(tmp_path / "tokens"), readers=readers))
    ada, bob = basic("ada", "a"), basic("bob", "b")
    assert asked(application, f"/web/files/{OLD}", authorization=ada).content == (house / OLD).read_bytes()
    assert asked(application, f"/web/files/{OLD}", authorization=bob).status_code == 403
    assert asked(application, f"/batch/files/{OLD}", authorization=ada).status_code == 404
    assert asked(application, "/batch/simple/lib/", authorization=bob).status_code == 200
    assert asked(application, "/web", authorization=ada).headers["location"] == "/web/simple/"
    assert asked(application, "/web/simple/Lib", authorization=ada).headers["location"] == "/web/simple/lib/"
    assert "batch" in asked(application, "/", authorization=bob).text
    assert "web" not in asked(application, "/", authorization=bob).text
    for path in ("/simple/", "/other/simple/", f"/files/{OLD}"):
        assert asked(application, path, authorization=ada).status_code == 403


def test_who_may_not_read_a_wheelhouse_does_not_find_out_that_it_is_there(house: Path) -> None:
    tokens = {"ada": read_token("a"), "bob": read_token("b")}
    access = Access(tokens, readers={"secret": frozenset({"ada"}), "web": frozenset({"*"})})
    application = Application({"secret": catalogue([house]), "web": catalogue([house])}, access)
    answers = []
    for name in ("secret", "nothing"):
        for path in (f"/{name}", f"/{name}/simple/lib/", f"/{name}/files/{OLD}", f"/{name}/health"):
            reply = asked(application, path, authorization=basic("bob", "b"))
            answers.append((reply.status_code, reply.content))
    assert len(set(answers)) == 1 and answers[0][0] == 403
    metrics = {user: asked(application, "/metrics", authorization=basic(user, user[0])).text for user in tokens}
    assert 'wheelhouse="secret"' in metrics["ada"] and 'wheelhouse="web"' in metrics["bob"]
    assert "secret" not in metrics["bob"]


def test_a_change_that_was_taken_back_leaves_nothing_stale(house: Path, tmp_path: Path) -> None:
    live, broken = Live(house), house / "pylock.bad.toml"
    broken.write_text("{")
    live.follower.look()
    assert asked(live.application, "/health").json() == {"status": "stale"}
    broken.unlink()
    live.follower.look()
    assert asked(live.application, "/health").json() == {"status": "ok"}
    broken.write_text("{")
    live.follower.look()
    assert len(live.warnings) == 2 and names_of(live.application) == [OLD]


def test_a_link_to_tokens_that_came_back_leaves_nothing_stale(house: Path, tmp_path: Path) -> None:
    link, tokens, empty = (tmp_path / name for name in ("link", "tokens", "empty"))
    tokens.write_text("ada:a\n")
    empty.touch()
    link.symlink_to(tokens)
    access = FollowedAccess.opened(AccessFiles(link, None, None, {}))
    application = Application(catalogue([house]), access.access)
    follower = Follower(application, {}, lambda _: None, access)
    for goal, status in ((empty, "stale"), (tokens, "ok")):
        link.unlink()
        link.symlink_to(goal)
        follower.look()
        assert asked(application, "/health").json() == {"status": status}


def test_who_may_read_follows_its_files(house: Path, tmp_path: Path) -> None:
    bcrypt = pytest.importorskip("bcrypt")
    tokens, users, readers = (tmp_path / name for name in ("tokens", "users", "readers.toml"))
    tokens.write_text("ada:a\nbob:b\n")
    users.write_text(f"eve:{bcrypt.hashpw(b'e', bcrypt.gensalt(4)).decode()}\n")
    readers.write_text('house = ["ada", "bob", "eve"]\n')
    access = FollowedAccess.opened(AccessFiles(tokens, users, readers, {"house": None}))
    application = Application({"house": catalogue([house])}, access.access)
    warnings: list[str] = []
    follower = Follower(application, {}, lambda event: warnings.append(str(event)), access)

    def statuses() -> list[int]:
        follower.look()
        sent = (basic("ada", "a"), basic("bob", "b"), basic("eve", "e"))
        return [asked(application, "/house/simple/", authorization=one).status_code for one in sent]

    def replaced(path: Path, text: str) -> list[int]:
        (tmp_path / "new").write_text(text)
        (tmp_path / "new").rename(path)
        return statuses()

    assert statuses() == [200, 200, 200]
    assert replaced(readers, 'house = ["bob", "eve"]\n') == [403, 200, 200]
    assert replaced(tokens, "bob:other\n") == [401, 401, 200]
    changed = bcrypt.hashpw(b"changed", bcrypt.gensalt(4)).decode()
    assert replaced(users, f"eve:{changed}\n") == [401, 401, 401]
    assert not warnings and asked(application, "/health").json() == {"status": "ok"}

    assert replaced(tokens, "") == [401, 401, 401]
    tokens.unlink()
    assert statuses() == statuses() == [401, 401, 401]
    assert len(warnings) == 2 and "has no token" in warnings[0]
    assert asked(application, "/health").json() == {"status": "stale"}
    assert replaced(tokens, "ada:a\nbob:b\n") == [403, 200, 401]
    assert asked(application, "/health").json() == {"status": "ok"}


@pytest.mark.parametrize("text", ['other = ["ada"]', "web = 1", "web", "\0"])
def test_a_list_of_readers_that_is_none_is_refused(tmp_path: Path, text: str) -> None:
    (tmp_path / "readers.toml").write_text(text)
    with pytest.raises(InputError):
        read_readers(tmp_path / "readers.toml", {"web": None})


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        ("--token-file tokens --host 0.0.0.0", "would travel to 0.0.0.0 without TLS"),
        ("--token-file tokens --host ::", "would travel to :: without TLS"),
        ("--readers readers.toml", "--readers needs users"),
        (
            "--readers readers.toml --token-file tokens",
            "with --readers, each wheelhouse must have its own path on the server",
        ),
        ("--by-name house", "two wheelhouses have the name `house`"),
        ("--by-name simple", "`simple` cannot be the path of a wheelhouse on the server"),
        ("--htpasswd tokens", "a password that is not hashed by bcrypt"),
        ("--token-file nowhere", "nowhere"),
        ("--certificate tokens", "TLS needs both"),
    ],
)
def test_what_does_not_go_together_is_said(house: Path, options: str, sentence: str) -> None:
    session = Session(house.parent)
    (house.parent / "tokens").write_text("ada:a\n")
    (house.parent / "readers.toml").write_text('house = ["ada"]\n')
    shutil.copytree(house, house.parent / "simple")
    assert session(f"serve house {options}") == 2
    assert sentence in session.transcript


# What it tells


def test_metrics_and_access_log(house: Path) -> None:
    log = io.BytesIO()
    application = Application(catalogue([house]), Access({"ci": read_token("s3cret")}), Records(AccessLog(log)))
    asked(application, "/simple/lib/", authorization=basic("ci", "s3cret"), user_agent="pip/24\n\x1b[31m")
    asked(application, f"/files/{OLD}", "HEAD", authorization="Bearer s3cret")
    asked(application, "/simple/", authorization=basic("ci", "wr0ng"))
    rows = [json.loads(line) for line in log.getvalue().splitlines()]
    assert [(row["status"], row["user"], row["path"]) for row in rows] == [
        (200, "ci", "/simple/lib/"),
        (200, "ci", f"/files/{OLD}"),
        (401, None, "/simple/"),
    ]
    assert rows[0]["bytes"] > 0 == rows[1]["bytes"]
    assert not any(secret in log.getvalue() for secret in (b"s3cret", b"wr0ng", b"\x1b"))
    metrics = asked(application, "/metrics", authorization="Bearer s3cret").text
    assert 'wheelhouse_requests_total{status="200"} 2' in metrics
    assert 'wheelhouse_requests_total{status="401"} 1' in metrics
    assert 'wheelhouse_files{wheelhouse=""} 2' in metrics
    assert "wheelhouse_request_seconds_count 3" in metrics


class FullDisk(io.BytesIO):
    """A file on a disk that has room for `room` more bytes."""

    room = 0

    def write(self, line: "ReadableBuffer", /) -> int:
        raw = bytes(line)
        if not self.room and raw:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        written = super().write(raw[: self.room])
        self.room -= written
        return written


def test_a_full_disk_costs_lines_of_the_access_log_and_no_request(house: Path) -> None:
    disk, warnings = FullDisk(), list[str]()
    log = AccessLog(disk, lambda event: warnings.append(str(event)))
    application = Application(catalogue([house]), records=Records(log))

    def ask(room: int) -> None:
        disk.room = room
        assert asked(application, "/simple/lib/").status_code == 200

    for room in (1000, 0, 10, 0, 1000, 1000):
        ask(room)
    lines = disk.getvalue().splitlines()
    assert [line[:8] for line in lines] == [b'{"time":'] * 4
    assert [json.loads(line)["status"] for line in (lines[0], *lines[2:])] == [200] * 3
    assert len(warnings) == 1 and "No space left" in warnings[0]
    assert "wheelhouse_access_log_lost_total 3" in asked(application, "/metrics").text
    ask(0)
    assert len(warnings) == 2


def read_token(token: str) -> frozenset[bytes]:
    return frozenset({hashlib.sha256(token.encode()).digest()})


# The real server


@pytest.mark.servers
def test_sigterm_ends_it_after_the_request_that_is_being_answered(tmp_path: Path) -> None:
    """A slow client gets all of a large file; the log has each request, and the exit code is 0."""
    session = Session(tmp_path, {"fetch": ("--python", "3.12", "--no-index", "--find-links", "offered", "--quiet")})
    build_wheel(tmp_path / "offered", "large", "1.0", files={"large/data": random_bytes(16 << 20)})
    assert session("fetch large --dest house") == 0
    wheel = next((tmp_path / "house").glob("*.whl"))
    (tmp_path / "tokens").write_text("ci:s3cret\n")
    port = free_port()
    options = ["--by-name", "--token-file", tmp_path / "tokens", "--access-log", tmp_path / "log", "--quiet"]
    command = [*PROGRAM, "serve", tmp_path / "house", "--port", str(port), *options]
    with subprocess.Popen(command, env=clean_environment()) as process:
        wait_for(f"http://127.0.0.1:{port}/health")
        url = f"http://127.0.0.1:{port}/house/simple/large/{wheel.name}"
        with httpx.stream("GET", url, auth=("ci", "s3cret"), timeout=60) as reply:
            chunks = reply.iter_raw()
            body = [next(chunks)]
            process.send_signal(signal.SIGTERM)
            body += chunks
        assert hashlib.sha256(b"".join(body)).digest() == hashlib.sha256(wheel.read_bytes()).digest()
        assert process.wait(60) == 0
    last = json.loads((tmp_path / "log").read_text().splitlines()[-1])
    assert (last["user"], last["bytes"], last["client"]) == ("ci", wheel.stat().st_size, "127.0.0.1")


def random_bytes(size: int) -> bytes:
    import random

    return random.Random(21).randbytes(size)


def wait_for(url: str) -> None:
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        try:
            if httpx.get(url).status_code == 200:
                return
        except httpx.TransportError:
            time.sleep(0.05)
    raise TimeoutError(url)
