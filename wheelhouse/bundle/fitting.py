"""Whether a bundle fits a folder: the folder has each file that the bundle does not carry, and no foreign file under its names (pure)."""

from collections.abc import Iterable, Mapping

from wheelhouse.archive.filenames import ARCHIVE_SUFFIXES, release_of
from wheelhouse.bundle.bundle import BundleManifest, digest
from wheelhouse.errors import IntegrityError
from wheelhouse.humanize import counted

Hashes = Mapping[str, str]
"""Path → sha256."""


def must_fit(folder: str, manifest: BundleManifest, own: Hashes, existing: Hashes) -> None:
    """Raise IntegrityError if a folder lacks files that the bundle does not carry, or has other files in the place of its files.

    A file that the folder has under any name is not lacking, and one as its SHA256SUMS lists it may be replaced. It is also
    raised for the wheelhouse of another job. `folder` only names the folder in the error.

    `own` are the files of the wheelhouse in the folder, as its SHA256SUMS lists them; `existing` is what is there at all paths
    of `own` and of the bundle.
    """
    _must_be_the_same_job(folder, manifest, own)
    available = {entry.sha256 for entry in manifest.carried} | set(existing.values())
    missing = [path for path, sha256 in manifest.result.items() if sha256 not in available]
    strange = [
        path for path, sha256 in manifest.result.items() if existing.get(path) not in (None, sha256, own.get(path))
    ]
    if not missing and not strange:
        return
    lines = [f"`{path}` differs" for path in strange]
    lines += [f"`{path}` is missing" for path in missing if path not in strange]
    there = {path: sha256 for path, sha256 in own.items() if existing.get(path) == sha256}
    now = f"wheelhouse {digest(there)[:12]}" if there else "no wheelhouse"
    if missing:
        base = (manifest.base or "")[:12]
        raise IntegrityError(
            f"the bundle updates wheelhouse {base}, but `{folder}` ({now}) lacks {counted(len(missing), 'file')} "
            f"of wheelhouse {base}: {lines[0]}",
            hint=_how_to_get_them(folder, base, any_strange=bool(strange)),
            details=tuple(lines),
        )
    raise IntegrityError(
        f"`{folder}` ({now}) and the bundle (wheelhouse {digest(manifest.result)[:12]}) have different files "
        f"under the same names: {lines[0]}",
        hint="move these files away, or unpack the bundle into an empty folder",
        details=tuple(lines),
    )


def _how_to_get_them(folder: str, base: str, *, any_strange: bool) -> str:
    """The text of a hint: how the far side gets the files that it lacks. Foreign files must be moved away first."""
    before = "move away each file that differs; then " if any_strange else ""
    return (
        f"{before}unpack the earlier bundle that results in wheelhouse {base} (see `wheelhouse inspect`); or get a "
        f"bundle with the missing files: run `wheelhouse state {folder} -o far.json` here; then, on the near side, run "
        "`wheelhouse pack … --since far.json`"
    )


def _must_be_the_same_job(folder: str, manifest: BundleManifest, own: Hashes) -> None:
    """Raise IntegrityError if the folder and the bundle both have projects, but none in common: all files there would be removed."""
    before, after = projects(own), projects(manifest.result)
    if before and after and before.isdisjoint(after):
        raise IntegrityError(
            f"`{folder}` does not belong to the job of the bundle: the bundle has none of the projects in the folder, "
            f"such as {min(before)}",
            hint="unpack the bundle into another folder",
        )


def projects(paths: Iterable[str]) -> set[str]:
    """The normalized project names of the wheels and sdists among some paths. Other files are passed over."""
    names = {path.rpartition("/")[2] for path in paths}
    found = set()
    for name in names:
        if name.endswith(ARCHIVE_SUFFIXES):
            try:
                found.add(str(release_of(name)[0]))
            except ValueError:
                continue
    return found
