"""A review in Chromium: two reviewers decide on an update of 20 files by keyboard; nobody else can, and axe finds nothing wrong."""

import re
import shutil
import signal
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.support.browser import NARROW, WIDE, chromium, violations
from tests.support.reviews import made_keys, made_pair, write_settings
from tests.support.tools import PROGRAM, clean_environment, wheelhouse

pytestmark = pytest.mark.browser
FILE = "approvals.intoto.jsonl"
PATIENCE_SECONDS = 60
Start = Callable[[str], tuple["subprocess.Popen[str]", str]]


@pytest.fixture(scope="module")
def approved(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A team's folder: two reviewers, who approved the old wheelhouse, and a third key that the settings do not name."""
    folder = tmp_path_factory.mktemp("team")
    made_pair(folder)
    made_keys(folder / "keys", "ada", "bob", "eve")
    write_settings(folder, folder / "keys", "ada", "bob", needed=2)
    for name in ("ada", "bob"):
        done = wheelhouse(
            "approve", "old", "--key", f"keys/{name}", "--reason", "read", cwd=folder, env=environment(folder)
        )
        assert done.returncode == 0, done.stderr
    return folder


def environment(folder: Path) -> dict[str, str]:
    return clean_environment(HOME=str(folder), XDG_CACHE_HOME=str(folder / "cache"))


@pytest.fixture
def team(approved: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(approved, tmp_path / "team", ignore=shutil.ignore_patterns("cache")))


@pytest.fixture
def start(team: Path) -> Iterator[Start]:
    """Starts a review with the key of somebody; its process, and the address that it prints."""
    with ExitStack() as stack:

        def started(name: str) -> tuple["subprocess.Popen[str]", str]:
            command = [*PROGRAM, "review", "new", "--since", "old", "--key", f"keys/{name}"]
            process = subprocess.Popen(
                command, cwd=team, env=environment(team), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
            )
            stack.enter_context(process)
            stack.callback(process.kill)
            assert process.stdout is not None
            return process, process.stdout.readline().partition("open ")[2].strip()

        yield started


class Reviewer:
    """Somebody at the keyboard, whose keys are counted; the text of a reason counts as none."""

    def __init__(self, driver: Any, address: str) -> None:
        self.driver, self.keys = driver, 0
        driver.get(address)

    def press(self, *keys: str) -> None:
        for key in keys:
            self.driver.switch_to.active_element.send_keys(key)
            self.keys += 1

    def decide(self, key: str, reason: str) -> str:
        """Press a key, write the reason, press Enter; what the page says then."""
        self.press(key)
        self.driver.switch_to.active_element.send_keys(reason)
        self.press("\ue007")
        return self.wait_for("#said", r"(?!Signing).+")

    def text(self, selector: str) -> str:
        return str(self.driver.find_element("css selector", selector).text)

    def texts(self, selector: str) -> list[str]:
        return [element.text for element in self.driver.find_elements("css selector", selector)]

    def wait_for(self, selector: str, pattern: str) -> str:
        """The text of an element when it matches."""
        end = time.monotonic() + PATIENCE_SECONDS
        while not re.fullmatch(pattern, self.text(selector), re.DOTALL):
            assert time.monotonic() < end, self.text(selector)
            time.sleep(0.05)
        return self.text(selector)


def lines(team: Path) -> list[str]:
    return (team / FILE).read_text().splitlines()


def test_two_reviewers_approve_an_update_and_one_withdraws(team: Path, start: Start) -> None:
    """And how many keys that takes: 2 to the first decision, 9 to the last of the 17 new files, with four reasons."""
    with chromium() as ada_driver, chromium() as bob_driver:
        process, address = start("ada")
        ada = Reviewer(ada_driver, address)
        assert ada.texts("#open .facts")[:3] == [
            f"can now {name}\n3 findings" for name in ("dynamic code", "process", "network")
        ]
        shown = ada.text(".view.shown")
        assert "apache-airflow-providers-slack 1.1" in shown and "+    return eval(text)" in shown, (
            "the diff is beside it"
        )
        said = [ada.decide("a", "eval of our own templates only")]
        assert ada.keys == 2
        said += [ada.decide("a", "starts docker, as announced"), ada.decide("a", "metrics are switched off by us")]
        assert all(text.startswith("approved by ada: ") for text in said), said
        ada.press("X")
        assert ada.decide("a", "read the diffs: versions and comments").startswith("approved by ada: ")
        assert ada.keys == 9 and ada.text("#progress b") == "All 20 decided"
        assert len(lines(team)) == 2 + 4

        bob = Reviewer(bob_driver, start("bob")[1])
        assert bob.texts("#open .standing")[0] == "approved by ada, needs 1 more reviewer"
        bob.press("X")
        assert bob.decide("a", "read with ada").endswith("more")
        bob.driver.execute_script("document.querySelector('#done').open = true")
        assert bob.texts("#done .standing") == ["approved by ada, bob"] * 20

        ada.driver.execute_script(
            "document.querySelector('#done').open = true; window.dispatchEvent(new Event('focus'))"
        )
        ada.wait_for("#done li .standing", "approved by ada, bob")
        ada.driver.find_element("link text", "apache-airflow-providers-http 1.1").click()
        assert "withdrawn by ada: apache_airflow_providers_http" in ada.decide("w", "the server is not ours")
        assert ada.texts("#open .standing") == ["approved by bob, needs 1 more reviewer"]
        assert len(lines(team)) == 2 + 4 + 1 + 1

        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=PATIENCE_SECONDS)
        assert (process.returncode, err) == (0, "")
        assert "17 files approved and 1 withdrawn by ada in this review" in out
    verified = wheelhouse("verify", "new", "--require-approved", cwd=team, env=environment(team))
    assert verified.returncode == 1 and "providers_http" in verified.stdout and "providers_slack" not in verified.stdout


def test_a_third_key_is_refused(team: Path, start: Start) -> None:
    process, address = start("eve")
    _, err = process.communicate(timeout=PATIENCE_SECONDS)
    assert (process.returncode, address) == (2, "") and "no reviewer in the settings has the key" in err


def test_an_older_approvals_file_is_noticed_and_shown(team: Path, start: Start) -> None:
    with chromium() as driver:
        ada = Reviewer(driver, start("ada")[1])
        older = (team / FILE).read_bytes()
        ada.decide("a", "read")
        newer = (team / FILE).read_bytes()
        (team / FILE).write_bytes(older)
        assert "older copy" in ada.decide("a", "read the next one")
        assert "older copy" in ada.wait_for("#trouble", ".+") and (team / FILE).read_bytes() == older
        assert not driver.find_element("css selector", "#approve").is_enabled()
        assert not violations(driver)
        (team / FILE).write_bytes(newer)
        driver.execute_script("window.dispatchEvent(new Event('focus'))")
        ada.wait_for("#trouble", "")
        assert ada.decide("a", ", after the file was restored").startswith("approved by ada")


@contextmanager
def another_page(script: str) -> Iterator[str]:
    """A page of another origin on this machine, with a script."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            body = f"<!doctype html><title>other</title><script>{script}</script>".encode()
            self.send_response(200)
            self.send_header("content-type", "text/html")
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *arguments: object) -> None:
            pass

    with HTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}/"
        server.shutdown()
        thread.join()


FORGED = """
const decision = JSON.stringify({files: ["apache_airflow-2.10.5-py3-none-any.whl"], reason: "forged"});
const forged = {method: "POST", mode: "no-cors", credentials: "include", body: decision};
const post = (kind) => fetch("%sapprove", {...forged, headers: {"Content-Type": kind}});
const read = fetch("%sstate", {credentials: "include"}).then((answer) => answer.text(), () => "blocked");
Promise.allSettled([post("text/plain"), post("application/json"), read]).then(([, , text]) => { document.title = "tried: " + text.value; });
"""


def test_another_page_another_host_and_another_browser_are_refused(team: Path, start: Start) -> None:
    """The same browser, which has the cookie, and a page that even knows the secret path."""
    with chromium() as driver:
        Reviewer(driver, start("ada")[1])
        page = driver.current_url.partition("#")[0]
        before = (team / FILE).read_bytes()
        with another_page(FORGED % (page, page)) as address:
            driver.get(address)
            end = time.monotonic() + PATIENCE_SECONDS
            while not driver.title.startswith("tried"):
                assert time.monotonic() < end
                time.sleep(0.05)
            assert driver.title == "tried: blocked"
        answers = [
            httpx.get(page, trust_env=False),
            httpx.get(page, headers={"host": "rebound.example"}, trust_env=False),
            httpx.post(f"{page}approve", json={}, headers={"origin": "http://evil.example"}, trust_env=False),
        ]
        assert [answer.status_code for answer in answers] == [403] * 3
        assert (team / FILE).read_bytes() == before
        driver.get(page)
        assert "to decide" in Reviewer.text(Seen(driver), "#progress b")  # the page itself still works
        driver.delete_all_cookies()
        driver.get(page)
        assert "open the address that" in driver.find_element("css selector", "body").text


class Seen(Reviewer):
    """A page that is open already."""

    def __init__(self, driver: Any) -> None:
        self.driver, self.keys = driver, 0


@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
@pytest.mark.parametrize("size", [WIDE, NARROW], ids=["wide", "narrow"])
def test_axe_finds_nothing_wrong(start: Start, size: tuple[int, int], dark: bool) -> None:
    with chromium(size, dark=dark) as driver:
        ada = Reviewer(driver, start("ada")[1])
        wrong = {"a file": violations(driver)}
        assert driver.execute_script("return document.documentElement.scrollWidth <= innerWidth"), (
            "the page is too wide"
        )
        ada.press("x", "j", "x")
        wrong["two ticked"] = violations(driver)
        ada.press("?")
        wrong["the keys"] = violations(driver)
        ada.press("\ue00c")
        ada.decide("a", "read")
        wrong["decided"] = violations(driver)
        for view in ("summary", "findings", "files", "graph", "licences"):
            driver.execute_script(f"location.hash = '#{view}'")
            wrong[view] = violations(driver)
        assert not any(wrong.values()), wrong
