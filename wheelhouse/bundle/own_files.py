"""The files of a wheelhouse that was unpacked earlier: those that its SHA256SUMS list, as far as a lock file can name them."""

from concurrent.futures import ThreadPoolExecutor

from wheelhouse.bundle.bundle import BundleManifest
from wheelhouse.bundle.lock_files import is_possible_path
from wheelhouse.files.open_folder import OpenFolder
from wheelhouse.lock.wheelhouse import SUMS, sha256_of_bytes, summed_paths
from wheelhouse.verify.locked_folders import INNER_FOLDERS

MAX_SUMS_BYTES = 64 << 20


def own_files(folder: OpenFolder, root: str = "") -> dict[str, str]:
    """Path → sha256 of every file that belongs to the wheelhouse in `root`, a folder inside, by its SHA256SUMS.

    Empty if there is no SHA256SUMS. No file is hashed, so a file may be missing, or another one.
    """
    prefix = f"{root}/" if root else ""
    return {f"{prefix}{path}": sha256 for path, sha256 in _listed(folder, prefix, "").items() if is_possible_path(path)}


def _listed(folder: OpenFolder, root: str, inner: str) -> dict[str, str]:
    """The files of one SHA256SUMS, itself, and those of the folders inside, by path in the wheelhouse."""
    sums = f"{inner}{SUMS}"
    if folder.kind_of(f"{root}{sums}") != "file":
        return {}
    raw = folder.read(f"{root}{sums}", MAX_SUMS_BYTES)
    listed = summed_paths(raw.decode("utf-8", "replace"))
    files = {f"{inner}{path}": sha256 for path, sha256 in listed.items() if not path.endswith(f"/{SUMS}")}
    files[sums] = sha256_of_bytes(raw)
    for name in INNER_FOLDERS:
        files |= _listed(folder, root, f"{inner}{name}/")
    return files


def hashes(folder: OpenFolder, paths: set[str]) -> dict[str, str]:
    """Path → sha256 of what is at these paths; of what is no file, its kind."""
    ordered = sorted(paths)
    for path in ordered:
        folder.kind_of(path)  # opens the inner folders, before threads use them
    with ThreadPoolExecutor() as pool:
        found = zip(ordered, pool.map(folder.sha256_of, ordered), strict=True)
        return {path: sha256 for path, sha256 in found if sha256}


def own_files_of(folder: OpenFolder, manifest: BundleManifest) -> dict[str, str]:
    """`own_files` of each wheelhouse that a bundle makes."""
    return {path: sha256 for root in manifest.parts for path, sha256 in own_files(folder, root).items()}
