"""What a mirror has of a wheelhouse's files, as lines and as JSON."""

from collections import Counter
from collections.abc import Sequence
from typing import Any

from wheelhouse.humanize import counted
from wheelhouse.mirror.check import MirroredFile, MirrorState


def mirrored_lines(mirror: str, files: Sequence[MirroredFile], *, quiet: bool = False) -> list[str]:
    """A line for each file with something to say, then a summary. `quiet` leaves out the summary of a complete mirror.

    If the mirror has files, but none with an upload time, one line says so for all. If the mirror has no file at all,
    a hint comes last.
    """
    listed = [file for file in files if file.state is not MirrorState.MISSING]
    has_no_times = not any(file.has_upload_time for file in listed)
    lines = [f"{file.filename}: {text}" for file in files if (text := _text(file, times=not has_no_times))]
    lines += ["the pages of the mirror have no upload times"] if listed and has_no_times else []
    is_complete = all(file.state.installs for file in files)
    states = Counter(file.state for file in files)
    counts = ", ".join(f"{states[state]} {state}" for state in MirrorState if states[state])
    if not (quiet and is_complete):
        verdict = "has every file" if is_complete else "does not have every file"
        lines.append(f"{mirror} {verdict} ({counted(len(files), 'file')}: {counts})")
    if files and not listed:
        lines.append("  hint: use the address of a Simple index: most of these addresses end in /simple/")
    return lines


def _text(file: MirroredFile, *, times: bool) -> str:
    """What is to be said of one file: its state, unless it has the same hash; a yank; with `times` a missing upload time. Can be empty."""
    parts = [] if file.state is MirrorState.SAME else [str(file.state)]
    if file.yanked is not None:
        parts.append(f"yanked there ({file.yanked})" if file.yanked else "yanked there")
    if times and file.state is not MirrorState.MISSING and not file.has_upload_time:
        parts.append("no upload time")
    return ", ".join(parts)


def mirrored_document(mirror: str, files: Sequence[MirroredFile]) -> dict[str, Any]:
    """Every file and what the mirror has of it, for `--json`. `ok`: each file can be installed from there,
    as `MirrorState.installs` says.
    """
    rows = [
        {
            "file": file.filename,
            "project": file.project,
            "version": str(file.version),
            "state": file.state.name.lower().replace("_", "-"),
            "yanked": file.yanked,
            "upload-time": file.has_upload_time,
        }
        for file in files
    ]
    return {"mirror": mirror, "ok": all(file.state.installs for file in files), "files": rows}
