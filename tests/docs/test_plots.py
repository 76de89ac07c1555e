"""The plots of the pages show the numbers that the pages have now."""

import pytest

from tests.support.checkout import ROOT
from website.plots import PLOTS, Plot, bars, draw


@pytest.mark.parametrize("plot", PLOTS, ids=lambda plot: plot.name)
def test_a_plot_shows_the_numbers_of_its_page(plot: Plot) -> None:
    assert len(bars(plot)) >= 5
    assert (ROOT / plot.picture).read_text(encoding="utf-8") == draw(plot), "run `python -m website.plots`"
    assert f"(pictures/{plot.name}.svg)" in plot.page
