"""The plots of the pages on performance and scale, drawn from the pages' own tables: `python -m website.plots`."""

from dataclasses import dataclass
from html import escape

from tests.support.checkout import ROOT

TEXT, WIDTH, LINE, MARGIN = 310, 380, 30, 18
STYLE = """
text { font: 13px system-ui, sans-serif; fill: #1f2933 } .back { fill: #ffffff } .bar { fill: #9aa8b5 } .own { fill: #1f6fb2 }
"""


@dataclass(frozen=True)
class Plot:
    """Bars of one column of the first table under a heading. The rows that `own` begins have another colour."""

    name: str
    heading: str
    column: int
    unit: str
    caption: tuple[str, ...]
    own: str

    @property
    def page(self) -> str:
        """The text of the page."""
        return (ROOT / f"docs/{self.name}.md").read_text(encoding="utf-8")

    @property
    def picture(self) -> str:
        """The picture's path, in the checkout."""
        return f"docs/pictures/{self.name}.svg"


PLOTS = (
    Plot(
        "performance",
        "## The real index",
        1,
        "s",
        (
            "177 files of Airflow from the real index, on an idle machine with 2 cores;",
            "seconds of wall time, less is better",
        ),
        "wheelhouse",
    ),
    Plot(
        "scale",
        "## A thousand teams",
        1,
        "h",
        (
            "A model, not a measurement: 1,000 teams × 10 targets × 300 projects on 8 cores;",
            "hours, and what saturates first",
        ),
        "a usual night",
    ),
)


def bars(plot: Plot) -> list[tuple[str, float, str]]:
    """The rows of a plot's table: what ran, the value, and a word beside it if the table has one in the next column."""
    table = plot.page.partition(plot.heading)[2].partition("| --- |")[2].partition("\n\n")[0]
    cells = [[cell.strip() for cell in row.strip("| ").split("|")] for row in table.splitlines()[1:]]
    words = [row[plot.column + 1] if len(row) > plot.column + 1 else "" for row in cells]
    return [
        (row[0], float(row[plot.column]), "" if word[:1].isdigit() else word)
        for row, word in zip(cells, words, strict=True)
    ]


def draw(plot: Plot) -> str:
    """The rows as bars of one scale, below the caption."""
    rows, top = bars(plot), 24 + 18 * len(plot.caption)
    most, full, height = max(value for _, value, _ in rows), TEXT + WIDTH + 150, top + len(rows) * LINE + 10
    parts = [
        f'<text x="{MARGIN}" y="{24 + 18 * number}">{escape(line)}</text>' for number, line in enumerate(plot.caption)
    ]
    for number, (name, value, word) in enumerate(rows):
        y, length = top + number * LINE, round(value / most * WIDTH)
        kind = "own" if name.startswith(plot.own) else "bar"
        parts.append(
            f'<text x="{TEXT - 10}" y="{y + 14}" text-anchor="end">{escape(name)}</text>'
            f'<rect class="{kind}" x="{TEXT}" y="{y}" width="{length}" height="20"/>'
            f'<text x="{TEXT + length + 8}" y="{y + 14}">{value:.2f} {plot.unit}{f", {escape(word)}" if word else ""}</text>'
        )
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {full} {height}" width="{full}" height="{height}" '
        f'role="img" aria-labelledby="t">\n<style>{STYLE}</style>\n<rect class="back" width="{full}" height="{height}"/>\n'
        f'<title id="t">{escape(" ".join(plot.caption))}</title>\n' + "\n".join(parts) + "\n</svg>\n"
    )


def main() -> None:
    """Draw the plots anew."""
    for plot in PLOTS:
        (ROOT / plot.picture).write_text(draw(plot), encoding="utf-8")


if __name__ == "__main__":
    main()
