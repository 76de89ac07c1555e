"""The site in a real browser, wide and narrow, light and dark: nothing sticks out, and axe finds nothing."""

import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.browser import NARROW, WIDE, chromium, violations
from tests.support.checkout import ROOT

PAGES = (
    *("docs/index", "docs/tour", "docs/tutorials/airflow-in-a-bank", "docs/concepts/threat-model", "docs/security"),
    *("docs/reference/commands/fetch", "docs/reference/wheelhouse-toml", "docs/reference/rules", "README"),
    *("docs/guides/install", "docs/reference/json", "docs/performance", "docs/contributing"),
)


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of the built site, which is opened as files."""
    pytest.importorskip("furo", reason="pip install --group docs")
    folder = tmp_path_factory.mktemp("site")
    command = (sys.executable, "-m", "sphinx", "-q", "-W", "-c", "website", ".", folder, "-d", folder / ".doctrees")
    subprocess.run(command, cwd=ROOT, check=True, timeout=300)
    return folder


@pytest.mark.browser
@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
@pytest.mark.parametrize("size", [WIDE, NARROW], ids=["wide", "narrow"])
def test_axe_finds_nothing_wrong_and_no_page_is_wider_than_its_window(
    site: Path, size: tuple[int, int], dark: bool
) -> None:
    wrong = {}
    with chromium(size, dark=dark) as driver:  # the page of the search gets its heading from a script, after axe looked
        for page in PAGES:
            driver.get((site / f"{page}.html").as_uri())
            too_wide = driver.execute_script("return document.documentElement.scrollWidth - window.innerWidth")
            if found := [*violations(driver), *([f"{too_wide} pixels too wide"] if too_wide > 0 else [])]:
                wrong[page] = found
    assert not wrong


@pytest.mark.browser
def test_search_finds_a_page_without_a_server(site: Path) -> None:
    from selenium.webdriver.support.wait import WebDriverWait

    with chromium() as driver:
        driver.get(f"{(site / 'search.html').as_uri()}?q=withdraw")
        link = "#search-results li a[href*='two-reviewers']"  # the results come one by one
        assert WebDriverWait(driver, 20).until(lambda page: page.find_elements("css selector", link))
