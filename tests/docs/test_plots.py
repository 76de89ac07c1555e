"""The plot of the performance page shows the numbers that the page has now."""

from website.plots import PAGE, PICTURE, draw, wall_times


def test_the_plot_shows_the_numbers_of_its_page() -> None:
    rows = wall_times(PAGE.read_text(encoding="utf-8"))
    assert len(rows) >= 5
    assert PICTURE.read_text(encoding="utf-8") == draw(rows), "run `python -m website.plots`"
