"""A real browser: Chromium with its driver, and axe-core, which looks for what keeps people with disabilities from using a page."""

import json
import shutil
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

AXE = Path(sys.prefix, "node_modules/axe-core/axe.min.js")
"""Where `npm install --prefix .venv axe-core` puts it."""
WIDE, NARROW = (1280, 900), (390, 844)


@contextmanager
def chromium(size: tuple[int, int] = WIDE, *, dark: bool = False) -> Iterator[Any]:
    """A driver of a browser without a window. The test skips, with the reason, where something is missing."""
    programs = [shutil.which("chromium"), shutil.which("chromedriver")]
    if None in programs:
        pytest.skip("Chromium and its driver are not installed: apt-get install chromium chromium-driver")
    webdriver = pytest.importorskip("selenium.webdriver", reason="pip install --group browser")
    options = webdriver.ChromeOptions()
    options.binary_location = programs[0]
    for argument in ("--headless=new", "--no-sandbox", "--disable-dev-shm-usage", "--hide-scrollbars"):
        options.add_argument(argument)
    driver = webdriver.Chrome(options=options, service=webdriver.ChromeService(programs[1]))
    driver.set_script_timeout(120)
    try:
        metrics = {"width": size[0], "height": size[1], "deviceScaleFactor": 1, "mobile": size == NARROW}
        driver.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", metrics)
        scheme = {"name": "prefers-color-scheme", "value": "dark" if dark else "light"}
        driver.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": [scheme]})
        yield driver
    finally:
        driver.quit()


def violations(driver: Any) -> list[str]:
    """What axe finds wrong on the page that is open: the rule, and the first elements. Skips without axe-core."""
    if not AXE.is_file():
        pytest.skip("axe-core is not installed: npm install --no-save --prefix .venv axe-core")
    driver.execute_cdp_cmd("Runtime.evaluate", {"expression": AXE.read_text(encoding="utf-8")})
    run = "axe.run(document, {resultTypes: ['violations']}).then((found) => arguments[0](JSON.stringify(found.violations)))"
    found = json.loads(driver.execute_async_script(run))
    return [f"{one['id']}: {[node['target'] for node in one['nodes'][:3]]}" for one in found]
