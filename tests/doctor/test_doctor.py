"""What `doctor` says of folders, servers, extras and keys; the sandboxes are proved in `tests/sandbox`."""

import json
import socket
import sys
import tomllib
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from pathlib import Path

import pytest

from tests.support.checkout import ROOT
from tests.support.index import IndexServer
from tests.support.replies import Ask, Reply
from tests.support.wheels import build_wheel
from wheelhouse.doctor import host, network, secrets
from wheelhouse.doctor.diagnosis import Check, State, Topic
from wheelhouse.extras import extras, install_command, missing
from wheelhouse.index.http import Http, HttpSettings
from wheelhouse.index.locations import IndexLocation
from wheelhouse.report.diagnosis_lines import diagnosis_document, diagnosis_lines
from wheelhouse.report.sentences.doctor_sentences import (
    EXTRA_USES,
    PROGRAM_REMEDIES,
    PROGRAM_USES,
    SENTENCES,
    doctor_sentence,
)
from wheelhouse.target.interpreters import InterpreterPlaces

NOW = datetime(2026, 1, 1, tzinfo=UTC)


class DatedServer(IndexServer):
    """An index whose clock stands still."""

    has_answered = False
    date = format_datetime(NOW, usegmt=True)

    def _answer(self, ask: Ask) -> Reply:
        self.has_answered = True
        return super()._answer(ask).having(Date=self.date)


@pytest.fixture
def http() -> Iterator[Http]:
    client = Http(HttpSettings(timeout=5, retries=0))
    yield client
    client.close()


@pytest.fixture
def closed_port() -> int:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return int(free.getsockname()[1])


def text_of(check: Check) -> str:
    return "\n".join(diagnosis_lines([check])[:-1])


def test_folders_that_can_be_written_to_are_good(tmp_path: Path) -> None:
    checks = list(host.folder_checks(tmp_path / "not" / "there", tmp_path, tmp_path))
    assert [check.state for check in checks] == [State.GOOD] * 3
    assert "free" in text_of(checks[0])
    assert not list(tmp_path.iterdir())


def test_a_cache_below_a_file_is_broken_and_the_reason_is_the_system_s(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    cache = next(host.folder_checks(tmp_path / "file" / "cache", tmp_path, tmp_path))
    assert cache.state is State.BROKEN
    assert text_of(cache).startswith(f"broken   cache: {tmp_path}/file/cache cannot be written to: Not a directory\n")
    assert "--cache-dir" in text_of(cache)


def test_no_home_is_no_cache(tmp_path: Path) -> None:
    assert next(host.folder_checks(None, tmp_path, tmp_path)).state is State.MISSING


@pytest.mark.parametrize("before", ["http://me:secret@", "me:secret@", "me:secret/1@", "http://me:1/secret@"])
def test_a_proxy_that_does_not_answer_is_broken_and_keeps_its_secret(closed_port: int, before: str) -> None:
    url = f"{before}127.0.0.1:{closed_port}"
    (check,) = network.proxy_checks({"http": url, "https": url})
    assert check.state is State.BROKEN
    assert check.facts["schemes"] == ("http", "https")
    assert "secret" not in json.dumps(diagnosis_document([check])) + text_of(check)


def test_a_proxy_that_accepts_connections_is_good() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        (check,) = network.proxy_checks({"all": f"http://127.0.0.1:{server.getsockname()[1]}"})
    assert check.state is State.GOOD


@pytest.mark.parametrize("url", ["http://[::1", "http://host:port", "http://"])
def test_a_proxy_that_is_no_address_is_broken(url: str) -> None:
    (check,) = network.proxy_checks({"https": url})
    assert check.state is State.BROKEN


def test_an_index_that_answers_is_good_and_its_clock_is_compared(http: Http, tmp_path: Path) -> None:
    build_wheel(tmp_path, "pip", "1.0")
    with DatedServer(tmp_path) as server:
        good, clock = network.index_checks(http, [IndexLocation(server.url)], lambda: NOW)
        capitals = IndexLocation(server.url.replace("http:", "HTTP:"))
        _, late = network.index_checks(http, [capitals], lambda: NOW + timedelta(days=1))
    assert (good.topic, good.state) == (Topic.INDEX, State.GOOD)
    assert "its pages are JSON" in text_of(good)
    assert (clock.topic, clock.state) == (Topic.CLOCK, State.GOOD)
    assert late.state is State.BROKEN
    assert "ahead of the clock of the server" in text_of(late)


def test_the_clock_is_read_when_the_answer_arrives(http: Http, tmp_path: Path) -> None:
    build_wheel(tmp_path, "pip", "1.0")
    with DatedServer(tmp_path) as server:

        def now() -> datetime:
            return NOW if server.has_answered else NOW - timedelta(days=1)

        _, clock = network.index_checks(http, [IndexLocation(server.url)], now)
    assert clock.state is State.GOOD


@pytest.mark.parametrize("date", ["soon", "Sat, 10 May 99999999999 08:00:00 GMT"])
def test_the_clock_of_a_server_that_sends_no_date_is_not_compared(http: Http, tmp_path: Path, date: str) -> None:
    build_wheel(tmp_path, "pip", "1.0")
    with DatedServer(tmp_path) as server:
        server.date = date
        (index,) = network.index_checks(http, [IndexLocation(server.url)], lambda: NOW)
    assert index.state is State.GOOD


def test_an_index_without_the_project_answers_all_the_same(http: Http, tmp_path: Path) -> None:
    with IndexServer(tmp_path) as server:
        good, *_ = network.index_checks(http, [IndexLocation(server.url)], lambda: NOW)
    assert "it has no project `pip`" in text_of(good)


def test_an_index_that_cannot_be_reached_is_missing(http: Http, closed_port: int) -> None:
    url = f"http://me:secret@127.0.0.1:{closed_port}/simple"
    (check,) = network.index_checks(http, [IndexLocation(url)], lambda: NOW)
    assert check.state is State.MISSING
    assert "Connection refused" in text_of(check)
    assert "secret" not in json.dumps(diagnosis_document([check]))


def test_links_and_folders_are_no_servers(http: Http, tmp_path: Path) -> None:
    locations = [IndexLocation(str(tmp_path)), IndexLocation("http://127.0.0.1:9/links", links=True)]
    assert not list(network.index_checks(http, locations, lambda: NOW))


def test_every_extra_says_who_needs_it() -> None:
    listed = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["optional-dependencies"]
    assert set(EXTRA_USES) == set(listed) == set(extras())


def test_an_extra_is_installed_by_the_names_of_its_projects() -> None:
    assert install_command("serve") == f"{sys.executable} -m pip install 'granian>=2.2'"
    assert not missing("serve")


def test_a_missing_extra_says_how_to_install_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(host, "missing", lambda extra: ("granian",) if extra == "serve" else ())
    check = next(check for check in host.extra_checks() if check.name == "serve")
    assert check.state is State.MISSING
    assert "`serve` needs it" in text_of(check)
    assert "granian>=2.2" in text_of(check)


def test_a_machine_without_another_python_says_so(tmp_path: Path) -> None:
    (check,) = host.interpreter_checks(InterpreterPlaces("", None, None))
    assert check.state is State.MISSING
    (tmp_path / "python3").symlink_to(sys.executable)
    (check,) = host.interpreter_checks(InterpreterPlaces(str(tmp_path), None, None))
    assert (check.name, check.state) == ("{}.{}".format(*sys.version_info), State.GOOD)


def test_programs_that_are_not_here_are_missing() -> None:
    assert {check.name for check in host.program_checks("") if check.state is State.MISSING} >= {"gpg", "auditwheel"}
    assert set(host.PROGRAMS) == set(PROGRAM_USES) == set(PROGRAM_REMEDIES)


def test_a_missing_program_says_how_to_get_it() -> None:
    missing = [check for check in host.program_checks("") if check.name != "uv"]
    assert [doctor_sentence(check)[1] for check in missing] == [PROGRAM_REMEDIES[check.name] for check in missing]


def test_a_remedy_ends_with_the_command_that_can_be_pasted() -> None:
    _, remedy = doctor_sentence(Check(Topic.KEYRING, "keyring", State.MISSING, {"command": "pip install keyring"}))
    assert remedy.endswith(": pip install keyring")


def test_an_agent_that_is_gone_is_broken_and_none_is_missing(tmp_path: Path) -> None:
    assert secrets.agent_check({}).state is State.MISSING
    gone = secrets.agent_check({"SSH_AUTH_SOCK": str(tmp_path / "gone")})
    assert gone.state is State.BROKEN
    assert "does not answer" in text_of(gone)


def test_every_topic_has_a_sentence_and_the_count_stands_last() -> None:
    assert set(SENTENCES) == set(Topic)
    checks = [Check(Topic.EXTRA, "serve", State.GOOD), Check(Topic.KEYRING, "keyring", State.MISSING, {"command": "x"})]
    assert diagnosis_lines(checks)[-1] == "1 good, 1 missing, 0 broken"
    assert diagnosis_lines(checks, quiet=True) == []
