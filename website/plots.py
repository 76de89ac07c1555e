"""The plot of docs/performance.md, drawn from the page's own table: `python -m website.plots`."""

from html import escape

from tests.support.checkout import ROOT

PAGE, PICTURE = ROOT / "docs/performance.md", ROOT / "docs/pictures/performance.svg"
HEADING = "## The real index"
CAPTION = "177 files of Airflow from the real index, on a busy machine (idle, uv and curl beat wheelhouse cold); less is better"
LEFT, WIDTH, LINE = 310, 380, 30
STYLE = """
text { font: 13px system-ui, sans-serif; fill: #1f2933 } .back { fill: #ffffff } .bar { fill: #9aa8b5 } .own { fill: #1f6fb2 }
"""


def wall_times(page: str) -> list[tuple[str, float]]:
    """The rows of the first table under the heading: what ran, and its wall time in seconds."""
    table = page.partition(HEADING)[2].partition("| --- |")[2].partition("\n\n")[0]
    cells = [[cell.strip() for cell in row.strip("| ").split("|")] for row in table.splitlines()[1:]]
    return [(row[0], float(row[1])) for row in cells]


def draw(rows: list[tuple[str, float]]) -> str:
    """The rows as bars of one scale."""
    most, height = max(seconds for _, seconds in rows), len(rows) * LINE + 50
    bars = []
    for number, (name, seconds) in enumerate(rows):
        y, length = 44 + number * LINE, round(seconds / most * WIDTH)
        kind = "own" if name.startswith("wheelhouse") else "bar"
        bars.append(
            f'<text x="{LEFT - 10}" y="{y + 14}" text-anchor="end">{escape(name)}</text>'
            f'<rect class="{kind}" x="{LEFT}" y="{y}" width="{length}" height="20"/>'
            f'<text x="{LEFT + length + 8}" y="{y + 14}">{seconds:.2f} s</text>'
        )
    full = LEFT + WIDTH + 80
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {full} {height}" width="{full}" height="{height}" '
        f'role="img" aria-labelledby="t">\n<style>{STYLE}</style>\n<rect class="back" width="{full}" height="{height}"/>\n'
        '<title id="t">Wall times for 177 files of Airflow from the real index</title>\n'
        f'<text x="18" y="24">{CAPTION}</text>\n' + "\n".join(bars) + "\n</svg>\n"
    )


def main() -> None:
    """Draw the plot anew."""
    PICTURE.write_text(draw(wall_times(PAGE.read_text(encoding="utf-8"))), encoding="utf-8")


if __name__ == "__main__":
    main()
