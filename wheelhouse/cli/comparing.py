"""`diff`: what changed between two wheelhouses."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from wheelhouse.cli.app import app
from wheelhouse.cli.command import Json, Quiet, command
from wheelhouse.cli.output import say, say_json
from wheelhouse.cli.session import listening

if TYPE_CHECKING:
    from collections.abc import Sequence

    from wheelhouse.vet.diff import Difference


@command(app)
def diff(
    old: Annotated[Path, typer.Argument(metavar="OLD", help="The wheelhouse as it was.")],
    new: Annotated[Path, typer.Argument(metavar="NEW", help="The wheelhouse as it is now.")],
    html: Annotated[
        Path | None, typer.Option("--html", metavar="FILE", help="Also write the differences as one HTML page.")
    ] = None,
    as_json: Json = False,
    quiet: Quiet = False,
) -> None:
    """Show what changed between two wheelhouses: projects, files and their contents.

    Contents are: entry points, native code, licences, requirements and publishers. A file whose bytes changed under the
    same name comes first. Exit code 0, whether anything changed or not.
    """
    from wheelhouse.report.difference import difference_document, difference_lines
    from wheelhouse.vet.compare import diff as diff_step

    with listening(quiet=quiet or as_json) as listener:
        differences = diff_step(old, new, listener, with_texts=html is not None)
    if html:
        _write_page(html, differences, str(old), str(new))
    if as_json:
        say_json({"old": str(old), "new": str(new), "differences": difference_document(differences)})
    else:
        say(*difference_lines(differences, str(old), str(new)))


def _write_page(path: Path, differences: "Sequence[Difference]", old: str, new: str) -> None:
    from wheelhouse.files.disk import write
    from wheelhouse.report.diffpage import diff_view
    from wheelhouse.report.rendering import render

    write(path.parent, path.name, render("diff.html.j2", diff_view(differences, old, new)))
