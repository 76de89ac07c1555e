"""Base images, fetched and verified into a wheelhouse's `image/`, and what their files say of libc and Python."""

from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from pathlib import Path

from wheelhouse.errors import IntegrityError
from wheelhouse.events import Finished, Listener, ignore
from wheelhouse.files.disk import (
    commit_file,
    copy_to_temp_file,
    folder_lock,
    has_locked_bytes,
    os_errors_as_machine_error,
    read_regular,
    rooted,
    write,
)
from wheelhouse.oci.image_facts import facts_of, is_telling
from wheelhouse.oci.image_lock import BLOBS, COMPRESSIONS, FOLDER, BaseImage, Blob, ImageLock
from wheelhouse.oci.image_manifest import MAX_CONFIG_BYTES, Configuration, parse_configuration
from wheelhouse.oci.image_source import FoundImage, ImageSource
from wheelhouse.oci.root_files import Layer, read_root_files
from wheelhouse.verify.inner_folders import list_inner_folders
from wheelhouse.verify.verify_other_files import load_base_images

DOWNLOADS = 4
"""Layers at the same time; Docker itself fetches three."""


def fetch_base_images(
    name: str,
    source: ImageSource,
    requested: str,
    architectures: Sequence[str],
    wheelhouse: Path,
    on_event: Listener = ignore,
    *,
    upgrade: bool = False,
) -> ImageLock:
    """Make a wheelhouse's `image/` hold an image for each architecture, and no other that was locked; its lock then.

    `requested` is a tag or a digest. An image that the lock has by the same name is used as it is, unless `upgrade` is set; of
    its blobs only the missing ones are fetched. The wheelhouse's SHA256SUMS is not written. Raises ServerError,
    IntegrityError for bytes with another digest, and InputError for a lock that cannot be read.
    """
    folder = wheelhouse / FOLDER
    with folder_lock(folder, remove_if_empty=True), _blobs_folder(folder):
        existing = load_base_images(wheelhouse)
        fetcher = _Fetcher(name, source, folder, on_event)
        images = []
        for architecture in architectures:
            locked = next(
                (one for one in existing.images if (one.name, one.architecture) == (name, architecture)), None
            )
            images.append(fetcher.fetched(requested, architecture, None if upgrade else locked))
        lock = ImageLock(tuple(images))
        for path, text in lock.texts.items():
            write(folder, path, text)
        _remove(folder, existing, lock)
        return lock


@contextmanager
def _blobs_folder(folder: Path) -> Iterator[None]:
    """Make the folder of the blobs; afterwards, remove it and the two folders above it, each only if it is empty."""
    with os_errors_as_machine_error(folder):
        (folder / BLOBS).mkdir(parents=True, exist_ok=True)
    try:
        yield
    finally:
        _remove_empty(folder)


def _remove_empty(folder: Path) -> None:
    """Remove the folder of the blobs, its parent and `folder`, each only if it is empty."""
    for inside in (folder / BLOBS, (folder / BLOBS).parent, folder):
        with suppress(OSError):  # it is not empty, or not there
            inside.rmdir()


def remove_base_images(wheelhouse: Path) -> None:
    """Remove what the lock of a wheelhouse's `image/` names and the lock itself, and the folders that are empty then; other files
    stay. Without `image/` nothing happens.

    The wheelhouse's SHA256SUMS then lists the inner folders that remain. Raises InputError for a lock that cannot be read.
    """
    folder = wheelhouse / FOLDER
    if folder.is_dir():
        with folder_lock(folder):
            _remove(folder, load_base_images(wheelhouse), ImageLock())
        list_inner_folders(wheelhouse)


def _remove(folder: Path, existing: ImageLock, lock: ImageLock) -> None:
    """Remove the files that only the lock before named, and the folders that are empty then."""
    kept = lock.artifacts.keys() | lock.texts.keys()
    with os_errors_as_machine_error(folder):
        for path in sorted((existing.artifacts.keys() | existing.texts.keys()) - kept):
            rooted(folder, path).unlink(missing_ok=True)
    _remove_empty(folder)


class _Fetcher:
    """Brings one image after another into the folder."""

    def __init__(self, name: str, source: ImageSource, folder: Path, on_event: Listener) -> None:
        self._name, self._source, self._folder, self._on_event = name, source, folder, on_event

    def fetched(self, requested: str, architecture: str, locked: BaseImage | None) -> BaseImage:
        """The image for an architecture; its missing blobs and its manifest are brought into the folder. `locked` is its entry
        in the lock, if any: then the image is fetched by the locked digest, and that entry is returned.
        """
        if locked and all(self._has(blob) for blob in locked.blobs):
            self._on_event(Finished(self._label(locked.manifest), reused=True))
            return locked
        found = self._source.find(locked.manifest.digest if locked else requested, architecture)
        config_path, *paths = self._blobs((found.manifest.config, *found.manifest.layers))
        config = parse_configuration(
            read_regular(config_path, MAX_CONFIG_BYTES, "the configuration"),
            self._name,
            architecture,
            len(found.manifest.layers),
        )
        write(self._folder, found.blob.path, found.raw)
        return locked or self._described(found, config, paths, architecture)

    def _described(
        self, found: FoundImage, config: Configuration, paths: Sequence[Path], architecture: str
    ) -> BaseImage:
        """A new entry of the lock for an image, with what its files say of libc, Python and distribution."""
        layers = _layers(paths, found.manifest.layers, config)
        facts = facts_of(read_root_files(layers, is_telling))
        return BaseImage(
            self._name,
            self._source.origin,
            architecture,
            found.blob,
            found.manifest.config,
            found.manifest.layers,
            found.index,
            facts.image,
            facts.distribution,
        )

    def _blobs(self, blobs: Sequence[Blob]) -> list[Path]:
        """The paths of blobs in the folder, in the same order; those that are not there are fetched first, each once."""
        unique = {blob.sha256: blob for blob in blobs}
        with ThreadPoolExecutor(DOWNLOADS) as pool:
            copies = dict(zip(unique, pool.map(self._copy, unique.values()), strict=True))
        for sha256, path in copies.items():
            if path:
                commit_file(path, self._folder / unique[sha256].path)
        return [self._folder / blob.path for blob in blobs]

    def _copy(self, blob: Blob) -> Path | None:
        """A copy of a blob under a temporary name; None, with an event, if the folder has it. A file that was altered in the
        store is fetched again, once; then it raises IntegrityError.
        """
        if self._has(blob):
            self._on_event(Finished(self._label(blob), reused=True))
            return None
        place = self._folder / BLOBS
        path = self._source.blob(blob, self._label(blob))
        try:
            return copy_to_temp_file(path, place, blob.sha256)
        except IntegrityError:
            self._source.discard(path)
            return copy_to_temp_file(self._source.blob(blob, self._label(blob)), place, blob.sha256)

    def _has(self, blob: Blob) -> bool:
        """Whether the folder holds a blob with its size and sha256."""
        return has_locked_bytes(self._folder / BLOBS, blob)

    def _label(self, blob: Blob) -> str:
        """What progress and errors call a blob: the image's name, and the start of the digest."""
        return f"{self._name} {blob.digest[:19]}"


def _layers(paths: Sequence[Path], blobs: Sequence[Blob], config: Configuration) -> list[Layer]:
    """The layers of an image: each file with its compression and the sha256 of its unpacked bytes, the lowest first."""
    return [
        Layer(path, COMPRESSIONS[blob.media_type], diff_id.removeprefix("sha256:"))
        for path, blob, diff_id in zip(paths, blobs, config.diff_ids, strict=True)
    ]


def layers_of(image: BaseImage, wheelhouse: Path) -> list[Layer]:
    """The layers of a base image that a wheelhouse holds, the lowest first; only the configuration is read.

    Raises as `configuration_of` does.
    """
    paths = [wheelhouse / FOLDER / blob.path for blob in image.layers]
    return _layers(paths, image.layers, configuration_of(image, wheelhouse))


def configuration_of(image: BaseImage, wheelhouse: Path) -> Configuration:
    """The configuration of a base image that a wheelhouse holds; its hash is not checked.

    Raises InputError if the file cannot be read, and IntegrityError if it is malformed or of another architecture.
    """
    raw = read_regular(wheelhouse / FOLDER / image.config.path, MAX_CONFIG_BYTES, "the configuration")
    return parse_configuration(raw, image.name, image.architecture, len(image.layers))
