"""The files of a wheelhouse that was unpacked earlier: those that its SHA256SUMS list, as far as a lock file can name them."""

from concurrent.futures import ThreadPoolExecutor

from wheelhouse.bundle.bundle import BundleManifest
from wheelhouse.bundle.lock_files import is_possible_path
from wheelhouse.files.open_folder import OpenFolder
from wheelhouse.lock.wheelhouse import SUMS, sha256_of_bytes, summed_paths
from wheelhouse.verify.locked_folders import INNER_FOLDERS

MAX_SUMS_BYTES = 64 << 20


def own_files(folder: OpenFolder, root: str = "") -> dict[str, str]:
    """Path in `folder` → sha256 of every file that a SHA256SUMS lists, and of each SHA256SUMS: those of the wheelhouse in its folder `root`
    and of the folders inside the wheelhouse.

    Paths that no lock file can name are left out. Empty if there is no SHA256SUMS. No file is hashed, so one may be missing
    or differ. Raises IntegrityError for a SHA256SUMS of more than MAX_SUMS_BYTES, and for a link in the place of a folder.
    """
    prefix = f"{root}/" if root else ""
    return {f"{prefix}{path}": sha256 for path, sha256 in _listed(folder, prefix, "").items() if is_possible_path(path)}


def _listed(folder: OpenFolder, root_prefix: str, inner_prefix: str) -> dict[str, str]:
    """Path in the wheelhouse → sha256 of the files of one SHA256SUMS, of itself, and of the files of the folders inside.

    Empty if there is no SHA256SUMS.
    """
    sums = f"{inner_prefix}{SUMS}"
    if folder.kind_of(f"{root_prefix}{sums}") != "file":
        return {}
    raw = folder.read(f"{root_prefix}{sums}", MAX_SUMS_BYTES)
    listed = summed_paths(raw.decode("utf-8", "replace"))
    files = {f"{inner_prefix}{path}": sha256 for path, sha256 in listed.items() if not path.endswith(f"/{SUMS}")}
    files[sums] = sha256_of_bytes(raw)
    for name in INNER_FOLDERS:
        files |= _listed(folder, root_prefix, f"{inner_prefix}{name}/")
    return files


def hashes(folder: OpenFolder, paths: set[str]) -> dict[str, str]:
    """Path → sha256 of the files at these paths; for anything but a file, its kind. Paths with nothing are left out.

    Raises IntegrityError for a link in the place of a folder.
    """
    ordered = sorted(paths)
    for path in ordered:
        folder.kind_of(path)  # opens the inner folders, before threads use them
    with ThreadPoolExecutor() as pool:
        hashed = zip(ordered, pool.map(folder.sha256_of, ordered), strict=True)
        return {path: sha256 for path, sha256 in hashed if sha256}


def own_files_of(folder: OpenFolder, manifest: BundleManifest) -> dict[str, str]:
    """The `own_files` that a folder has already of each wheelhouse that a bundle makes, in one mapping by path in the folder."""
    return {path: sha256 for root in manifest.parts for path, sha256 in own_files(folder, root).items()}
