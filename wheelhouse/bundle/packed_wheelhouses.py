"""The wheelhouses that are packed: the folder that each has in a bundle, and their files as the lock files lead to them."""

from collections.abc import Sequence
from itertools import chain
from pathlib import Path

from wheelhouse.bundle.bundle import SAFE_PATH
from wheelhouse.errors import InputError, IntegrityError
from wheelhouse.lock.wheelhouse import SUB_WHEELHOUSES, sha256_of_text
from wheelhouse.verify.verify import attestation_findings, constraints_findings, load_wheelhouse
from wheelhouse.verify.verify_other_files import load_locked_folders


def sources_of(folders: Sequence[Path]) -> dict[str, Path]:
    """Each wheelhouse by its folder in a bundle: its own last name, with links resolved, or an empty name if it is the only one.

    Raises InputError for names that a bundle cannot tell apart, or cannot have.
    """
    if len(folders) == 1:
        return {"": folders[0]}
    names = [folder.resolve().name for folder in folders]
    for number, (folder, name) in enumerate(zip(folders, names, strict=True)):
        if not SAFE_PATH.fullmatch(name):
            raise InputError(
                f"`{folder}` has a name that no folder in a bundle can have",
                hint="rename the folder: use letters and digits",
            )
        if name.lower() in map(str.lower, names[:number]):
            raise InputError(
                f"two wheelhouses have the name `{name}`",
                hint="rename one of these two folders: each wheelhouse in a bundle needs its own folder name",
            )
    return dict(zip(names, folders, strict=True))


def wheelhouses_files(folders: Sequence[Path]) -> dict[str, tuple[str, int]]:
    """Path in a bundle → (sha256, size in bytes) of every file of one or several wheelhouses, as `wheelhouse_files` has them."""
    return {
        f"{root}/{path}" if root else path: file
        for root, folder in sources_of(folders).items()
        for path, file in wheelhouse_files(folder).items()
    }


def wheelhouse_files(folder: Path) -> dict[str, tuple[str, int]]:
    """Path → (sha256, size in bytes) of every file that the locks of a wheelhouse, its locked folders and its inner wheelhouses lead to.

    The wheels, sdists and other files themselves are not read.

    Raises IntegrityError for constraints or attestations that are missing, or differ from the locks: they are in no
    other place. Raises InputError if the folder, or a folder of SUB_WHEELHOUSES inside it, is no wheelhouse.
    """
    wheelhouse = load_wheelhouse(folder)
    for finding in chain(constraints_findings(wheelhouse), attestation_findings(wheelhouse)):
        sentence = f"`{folder / finding.subject}` is missing, or differs from its lock file"
        raise IntegrityError(sentence, hint=f"see every problem: `wheelhouse verify {folder}`")
    files = {name: (artifact.sha256, artifact.size) for name, artifact in wheelhouse.artifacts.items()}
    files |= {name: (sha256_of_text(text), len(text.encode())) for name, text in wheelhouse.texts.items()}
    for inside, lock in load_locked_folders(folder).items():
        files |= {f"{inside}/{path}": (artifact.sha256, artifact.size) for path, artifact in lock.artifacts.items()}
        files |= {f"{inside}/{path}": (sha256_of_text(text), len(text.encode())) for path, text in lock.texts.items()}
    for sub in SUB_WHEELHOUSES:
        if (folder / sub).is_dir():
            files |= {f"{sub}/{name}": file for name, file in wheelhouse_files(folder / sub).items()}
    return files
