"""The picture of a report, taken in Chromium of a real page: `python -m website.screenshots`.

It needs `pip install --group browser`, Chromium and its driver. The wheelhouses are those of the tests: an update of Airflow with fifteen
providers, of which three can do more than before.
"""

import base64
import tempfile
from datetime import UTC, datetime
from pathlib import Path

from tests.support.browser import chromium
from tests.support.checkout import ROOT
from tests.support.reviews import made_pair
from wheelhouse.findings import Policy
from wheelhouse.report.formats import as_html
from wheelhouse.vet.approvals import Approvals
from wheelhouse.vet.gather_evidence import evidence
from wheelhouse.vet.vet import VetContext, vet

PICTURE = ROOT / "docs/pictures/report.webp"
SIZE = (1280, 470)
QUALITY = 80
NOW = datetime(2026, 6, 1, 12, tzinfo=UTC)


def report_page(folder: Path) -> Path:
    """Write the HTML report of the update into `folder`."""
    old, new = made_pair(folder / "pair")
    vetted = vet(new, Policy(), NOW, VetContext(since=old, with_texts=True))
    path = folder / "report.html"
    path.write_text(
        as_html(evidence(new, vetted, Policy(), Approvals(), NOW, None, old), Path("new")), encoding="utf-8"
    )
    return path


def picture_of(page: Path) -> bytes:
    """What the browser shows of a page, as WebP."""
    with chromium(SIZE) as driver:
        driver.get(page.as_uri())
        options = {"format": "webp", "quality": QUALITY}
        return base64.b64decode(driver.execute_cdp_cmd("Page.captureScreenshot", options)["data"])


def main() -> None:
    """Take the picture anew."""
    with tempfile.TemporaryDirectory() as folder:
        PICTURE.write_bytes(picture_of(report_page(Path(folder))))


if __name__ == "__main__":
    main()
