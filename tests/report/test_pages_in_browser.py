"""The page of `vet` in Chromium: what axe finds, the graph, the search, and what is printed."""

import base64
import re
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from tests.support.browser import NARROW, WIDE, chromium, violations
from tests.support.reviews import made_pair
from wheelhouse.findings import Policy
from wheelhouse.report.formats import as_html
from wheelhouse.vet.approvals import Approvals
from wheelhouse.vet.evidence import Evidence
from wheelhouse.vet.gather_evidence import evidence
from wheelhouse.vet.vet import VetContext, vet

pytestmark = pytest.mark.browser
NOW = datetime(2026, 6, 1, 12, tzinfo=UTC)
VIEWS = ("summary", "findings", "files", "graph", "licences", "f5")


@pytest.fixture(scope="module")
def found(tmp_path_factory: pytest.TempPathFactory) -> Evidence:
    old, new = made_pair(tmp_path_factory.mktemp("pair"))
    done = vet(new, Policy(), NOW, VetContext(since=old, with_texts=True))
    return evidence(new, done, Policy(), Approvals(), NOW, None, old)


@pytest.fixture(scope="module")
def page(found: Evidence, tmp_path_factory: pytest.TempPathFactory) -> str:
    path = tmp_path_factory.mktemp("page") / "report.html"
    path.write_text(as_html(found, Path("new")), encoding="utf-8")
    return path.as_uri()


def turn_to(driver: Any, view: str) -> None:
    driver.execute_script(f"location.hash = '#{view}'")


@pytest.mark.parametrize(("size", "dark"), [(WIDE, False), (NARROW, True)], ids=["wide-light", "narrow-dark"])
def test_axe_finds_nothing_wrong_and_no_view_is_too_wide(page: str, size: tuple[int, int], dark: bool) -> None:
    with chromium(size, dark=dark) as driver:
        driver.get(page)
        wrong = {}
        for view in VIEWS:
            turn_to(driver, view)
            wrong[view] = violations(driver)
            assert driver.execute_script("return document.documentElement.scrollWidth <= innerWidth"), view
        assert not any(wrong.values()), wrong


def test_what_the_page_shows_finds_and_prints(page: str, found: Evidence) -> None:
    with chromium() as driver:
        driver.get(page)
        turn_to(driver, "graph")
        nodes = driver.find_elements("css selector", ".node")
        assert len(nodes) == len(found.files) + 1, "the graph is open as deep as there is room"
        turn_to(driver, "summary")
        (facts,) = [facts for name, facts in found.files.items() if "providers_http" in name]
        driver.find_element("css selector", "#search").send_keys(facts.pin.artifact.sha256)
        rows = [row.text for row in driver.find_elements("css selector", "#files tbody tr") if row.is_displayed()]
        assert len(rows) == 1 and rows[0].startswith("apache-airflow-providers-http")
        printed = driver.execute_cdp_cmd("Page.printToPDF", {"preferCSSPageSize": True})["data"]
        pages = len(re.findall(rb"/Type\s*/Page\b(?!s)", base64.b64decode(printed)))
        assert 3 <= pages <= 12, "no page for each of the files"
