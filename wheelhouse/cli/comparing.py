"""What changed: `diff`."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from wheelhouse.cli.app import app
from wheelhouse.cli.options import Json, Quiet
from wheelhouse.cli.session import listening, say, say_json

if TYPE_CHECKING:
    from collections.abc import Sequence

    from wheelhouse.vet.diff import Difference


@app.command()
def diff(
    old: Annotated[Path, typer.Argument(metavar="OLD", help="A house as it was.")],
    new: Annotated[Path, typer.Argument(metavar="NEW", help="A house as it is now.")],
    html: Annotated[Path | None, typer.Option("--html", metavar="FILE", help="Write it as one HTML page, too.")] = None,
    as_json: Json = False,
    quiet: Quiet = False,
) -> None:
    """Say what changed between two houses: projects, files, and what is inside those that took another's place.

    Entry points, native code, licences, requirements and who stands behind them; a file whose bytes changed under the same
    name is said first. Exit code 0 whether anything changed or not.
    """
    from wheelhouse.report.difference import difference_document, difference_lines
    from wheelhouse.vet.compare import diff as diff_step

    with listening(quiet=quiet or as_json) as listener:
        found = diff_step(old, new, listener)
    if html:
        _write_page(html, found, str(old), str(new))
    if as_json:
        say_json({"old": str(old), "new": str(new), "differences": difference_document(found)})
    else:
        say(*difference_lines(found, str(old), str(new)))


def _write_page(path: Path, found: "Sequence[Difference]", old: str, new: str) -> None:
    from wheelhouse.files.disk import write
    from wheelhouse.report.diffpage import diff_view
    from wheelhouse.report.rendering import render

    write(path.parent, path.name, render("diff.html.j2", diff_view(found, old, new)))
