"""The pages of an index for people in a real browser: found, read, copied, and nothing that axe finds."""

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import pytest

from tests.support.browser import NARROW, WIDE, chromium, violations
from tests.support.made_wheelhouses import wheelhouse_of
from tests.support.served import http_server
from tests.support.wheels import build_wheel
from wheelhouse.mirror.keep import decide
from wheelhouse.mirror.notes import Known
from wheelhouse.mirror.state import Action, Entry
from wheelhouse.mirror.static_index import IndexChoices, index

pytestmark = pytest.mark.browser
NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
LONG = "a-project-with-a-name-that-is-longer-than-a-narrow-window-is-wide-which-happens-more-often-than-one-thinks"


@pytest.fixture(scope="module")
def url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """An index with everything that its pages can show, on a server that negotiates nothing."""
    base = tmp_path_factory.mktemp("browser")
    tree = base / "tree"
    known = Known(("Ada", "Bob"), ("CVE-2026-1, GHSA-1: it leaks (fixed in 2.0)",))
    for job, releases in {
        "web": ("app==1.0", "lib==1.0", f"{LONG}==1.0"),
        "batch": ("lib==2.0", "evil-x==1.0"),
    }.items():
        (base / job).mkdir()
        for release in releases:
            name, version = release.split("==")
            build_wheel(base / job, name, version, requires=["lib"] if name == "app" else ())
        house = wheelhouse_of(base / job, releases[0].partition("==")[0])
        index(
            [house], tree, IndexChoices("Ada", NOW, knows=lambda project, _file: known if project == "lib" else Known())
        )
    decisions = [(Action.YANK, "lib==1.0"), (Action.REMOVE, "evil-x==1.0"), (Action.BLOCK, "evil-*")]
    entries = [
        Entry(action=action, made=NOW, by="Ada", subject=about, reason="see TICKET-12") for action, about in decisions
    ]
    decide(tree, [*entries, Entry(action=Action.STATUS, made=NOW, by="Ada", subject="app", status="deprecated")])
    with http_server(tree) as address:
        yield f"{address}/"


def shown(driver: Any) -> list[str]:
    """The projects in the list."""
    script = (
        "return [...document.querySelectorAll('#projects tbody tr')].filter(r => !r.hidden).map(r => r.dataset.name)"
    )
    names: list[str] = driver.execute_script(script)
    return names


@pytest.mark.parametrize("size", [WIDE, NARROW], ids=["wide", "narrow"])
def test_a_project_is_found_read_and_its_command_copied(url: str, size: tuple[int, int]) -> None:
    with chromium(size) as driver:
        permissions = ["clipboardReadWrite", "clipboardSanitizedWrite"]
        driver.execute_cdp_cmd("Browser.grantPermissions", {"permissions": permissions, "origin": url.rstrip("/")})
        driver.get(f"{url}browse.html")
        assert driver.execute_script("return window.innerWidth") == size[0]
        assert shown(driver) == [LONG, "app", "evil-x", "lib"]
        driver.switch_to.active_element.send_keys("/")
        driver.switch_to.active_element.send_keys("LI")
        assert shown(driver) == ["lib"]
        assert driver.find_element("id", "count").text == "1 of 4 projects"
        driver.switch_to.active_element.send_keys("zzz")
        assert shown(driver) == [] and driver.find_element("id", "none").is_displayed()
        driver.switch_to.active_element.send_keys("\ue003" * 3)  # Backspace
        driver.find_element("link text", "lib").click()
        assert driver.find_element("tag name", "h1").text == "lib 2.0"
        assert "Yanked: see TICKET-12" in driver.page_source and "approved" in driver.page_source
        summary = driver.find_element("css selector", "summary")
        assert "1 lock file" in summary.text
        summary.click()
        assert driver.find_element("css selector", ".why").is_displayed()
        command = f"pip install --index-url {url} lib"
        assert driver.find_element("css selector", ".install dd code").text == command
        button = driver.find_element("css selector", ".install button")
        button.click()
        waiting = pytest.importorskip("selenium.webdriver.support.ui").WebDriverWait(driver, 20)
        waiting.until(lambda _: button.text == "Copied")
        assert driver.execute_async_script("navigator.clipboard.readText().then(arguments[0])") == command
        driver.find_element("link text", "All projects").click()
        assert driver.current_url == f"{url}browse.html"
        assert [entry for entry in driver.get_log("browser") if "favicon" not in entry["message"]] == []


@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
@pytest.mark.parametrize("size", [WIDE, NARROW], ids=["wide", "narrow"])
def test_axe_finds_nothing_and_no_page_is_wider_than_its_window(url: str, size: tuple[int, int], dark: bool) -> None:
    with chromium(size, dark=dark) as driver:
        for page in ("", "lib/", "app/", "evil-x/", f"{LONG}/"):
            driver.get(f"{url}{page}browse.html")
            driver.execute_script("document.querySelectorAll('details').forEach(one => one.open = true)")
            assert violations(driver) == [], page
            assert driver.execute_script("return document.documentElement.scrollWidth") <= size[0], page
