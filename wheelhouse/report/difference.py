"""What changed between two wheelhouses, as text and JSON (pure)."""

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from wheelhouse.debian.debian_changes import DebianChange
from wheelhouse.humanize import counted
from wheelhouse.oci.image_changes import ImageChange
from wheelhouse.oci.image_lock import BaseImage
from wheelhouse.vet.diff import Change, Difference, Kind, Replaced

MAX_NAMED = 5
"""How many texts of one side of a change stand in its line."""


def difference_lines(
    differences: Sequence[Difference],
    old: str,
    new: str,
    images: Sequence[ImageChange] = (),
    debian: Sequence[DebianChange] = (),
) -> list[str]:
    """Every change, in the given order; those of base images and Debian packages; then a line with the numbers of projects
    by kind, or that none changed.
    """
    lines = [line for difference in differences for line in _lines(difference)]
    others = [*_image_lines(images), *_debian_lines(debian)]
    summary = "no project changed" if others and not differences else tally(differences)
    return [*lines, *others, f"{old} → {new}: {summary}"]


def tally(differences: Iterable[Difference]) -> str:
    """How many projects changed, by kind of change: `1 added, 2 up`; or `nothing changed`."""
    counts = Counter(difference.kind for difference in differences)
    return ", ".join(f"{counts[kind]} {kind}" for kind in Kind if counts[kind]) or "nothing changed"


def versions_text(difference: Difference) -> str:
    """The versions before and after, `1.0 → 2.0`; only one side if they are the same, or if the other side is empty."""
    old, new = (", ".join(map(str, versions)) for versions in (difference.old, difference.new))
    return f"{old} → {new}" if old and new and old != new else new or old


def _lines(difference: Difference) -> Iterator[str]:
    """A line for the project, then indented lines for the changes inside its files.

    The name of a file stands above its changes if there are several files, or if the kind is `other bytes` or `other files`.
    """
    place = f"{difference.place}/" if difference.place else ""
    yield f"{difference.kind:<12} {place}{difference.project} {versions_text(difference)}"
    for file in difference.files:
        if len(difference.files) > 1 or difference.kind in (Kind.BYTES, Kind.FILES):
            yield f"    {file.new.artifact.filename}"
        yield from (f"      {change_text(change)}" for change in file.changes)


def change_about(change: Change) -> str:
    """The subject of a change: topic and aspect; the topic alone if both are the same."""
    return change.topic if change.topic == change.aspect else f"{change.topic}, {change.aspect}"


def change_text(change: Change) -> str:
    """A change in a line: `topic: old → new` if one text took the place of one; else the first removed and added texts.

    In place of `topic` stands what `change_about` returns; without texts, this alone.
    """
    about = change_about(change)
    if len(change.removed) == len(change.added) == 1:
        return f"{about}: {change.removed[0]} → {change.added[0]}"
    sides = [f"{sign} {_first_texts(texts)}" for sign, texts in (("−", change.removed), ("+", change.added)) if texts]
    return f"{about}: {'  '.join(sides)}" if sides else about


def _first_texts(texts: Sequence[str]) -> str:
    """The first few texts, separated by semicolons, and how many more there are."""
    more = f" and {len(texts) - MAX_NAMED} more" if len(texts) > MAX_NAMED else ""
    return "; ".join(texts[:MAX_NAMED]) + more


def difference_document(differences: Iterable[Difference]) -> list[dict[str, Any]]:
    """The change of each project, for `--json`."""
    return [
        {
            "project": difference.project,
            "kind": difference.kind,
            "place": difference.place or None,
            "old": list(map(str, difference.old)),
            "new": list(map(str, difference.new)),
            "gone": list(difference.removed),
            "files": list(map(_file, difference.files)),
        }
        for difference in differences
    ]


def _file(file: Replaced) -> dict[str, Any]:
    """A new file for `--json`: the file that it replaces (None if there is none), the changes inside, and the members that differ."""
    return {
        "file": file.new.artifact.filename,
        "sha256": file.new.artifact.sha256,
        "was": file.old.artifact.filename if file.old else None,
        "was-sha256": file.old.artifact.sha256 if file.old else None,
        "changes": [
            {"topic": change.topic, "what": change.aspect, "gone": list(change.removed), "came": list(change.added)}
            for change in file.changes
        ],
        "members": [
            {
                "member": member.name,
                "was": member.old.digest if member.old else None,
                "now": member.new.digest if member.new else None,
            }
            for member in file.members
        ],
    }


def _debian_lines(changes: Sequence[DebianChange]) -> list[str]:
    """A line for each Debian package that changed."""
    return [
        f"debian/{change.name}: {change.kind}, {' → '.join(filter(None, (change.old, change.new)))}"
        for change in changes
    ]


def debian_change_document(changes: Sequence[DebianChange]) -> list[dict[str, str]]:
    """The Debian packages that changed, for `--json`."""
    return [{"name": one.name, "kind": one.kind, "old": one.old, "new": one.new} for one in changes]


def _image_lines(changes: Sequence[ImageChange]) -> list[str]:
    """A line for each base image that changed: the names, digests, distribution and Python that differ; how many layers are the same."""
    return [f"image/{change.architecture}: {change.kind}, {', '.join(_image_parts(change))}" for change in changes]


def _image_parts(change: ImageChange) -> Iterator[str]:
    """What differs between two images, each as `old → new`, and how many layers are the same; of one that is new or gone, what it is.
    The name has the digest only if nothing else differs.
    """
    images = [image for image in (change.old, change.new) if image]
    tags = {image.tag for image in images}
    by_name = change.kind == "other name" and len(tags) == 1
    values = [
        (one.name if by_name else one.tag, one.manifest.digest, one.distribution, _python_of(one)) for one in images
    ]
    for texts in zip(*values, strict=True):
        if any(texts) and (len(texts) == 1 or texts[0] != texts[1]):
            yield " → ".join(text or "none" for text in texts)
    if change.kind == "other bytes" and change.new:
        yield f"{change.same_layers} of {counted(len(change.new.layers), 'layer')} unchanged"


def _python_of(image: BaseImage) -> str:
    """The Python of a base image, as `Python 3.12`; empty if there is none, or if it is not known."""
    return f"Python {image.facts.python}" if image.facts and image.facts.python else ""


def image_change_document(changes: Sequence[ImageChange]) -> list[dict[str, Any]]:
    """The base images that changed, for `--json`."""
    return [
        {
            "architecture": change.architecture,
            "kind": change.kind,
            "old": _image_document(change.old),
            "new": _image_document(change.new),
            "same-layers": change.same_layers,
        }
        for change in changes
    ]


def _image_document(image: BaseImage | None) -> dict[str, str | None] | None:
    """A base image for `--json`: name, digest, distribution and Python (None if unknown); None for no image."""
    if image is None:
        return None
    python = image.facts.python if image.facts else None
    distribution = image.distribution or None
    return {"name": image.name, "digest": image.manifest.digest, "distribution": distribution, "python": python}
