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
    old: Annotated[Path, typer.Argument(metavar="OLD", help="The older wheelhouse.")],
    new: Annotated[Path, typer.Argument(metavar="NEW", help="The newer wheelhouse.")],
    html: Annotated[
        Path | None, typer.Option("--html", metavar="FILE", help="Also write the differences as one HTML page.")
    ] = None,
    as_json: Json = False,
    quiet: Quiet = False,
) -> None:
    """Show what changed between two wheelhouses: projects, files and their contents.

    The contents are entry points, native code, licences, requirements and publishers. Files that have the same name
    but different bytes are listed first. The exit code is 0, even if something changed.
    """
    from wheelhouse.debian.debian_changes import debian_changes
    from wheelhouse.oci.image_changes import image_changes
    from wheelhouse.report.difference import (
        debian_change_document,
        difference_document,
        difference_lines,
        image_change_document,
    )
    from wheelhouse.verify.verify_other_files import load_base_images, load_debian
    from wheelhouse.vet.compare import diff as diff_step

    with listening(quiet=quiet or as_json) as listener:
        differences = diff_step(old, new, listener, with_texts=html is not None)
        debian = tuple(debian_changes(load_debian(old), load_debian(new)))
        images = tuple(image_changes(load_base_images(old), load_base_images(new)))
    if html:
        _write_page(html, differences, str(old), str(new))
    if as_json:
        document = {"old": str(old), "new": str(new), "differences": difference_document(differences)}
        say_json(document | {"debian": debian_change_document(debian), "images": image_change_document(images)})
    else:
        say(*difference_lines(differences, str(old), str(new), images, debian))


def _write_page(path: Path, differences: "Sequence[Difference]", old: str, new: str) -> None:
    """Write the differences into a file, as one HTML page."""
    from wheelhouse.files.disk import write
    from wheelhouse.report.diffpage import diff_view
    from wheelhouse.report.rendering import render

    write(path.parent, path.name, render("diff.html.j2", diff_view(differences, old, new)))
