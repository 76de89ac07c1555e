"""The changes of base images from one wheelhouse to the next (pure)."""

from collections.abc import Iterator
from dataclasses import dataclass

from wheelhouse.oci.image_lock import BaseImage, ImageLock


@dataclass(frozen=True, slots=True)
class ImageChange:
    """The base image of one architecture, which changed. One of the two is None if a wheelhouse has none."""

    architecture: str
    old: BaseImage | None
    new: BaseImage | None

    @property
    def kind(self) -> str:
        """`added`, `removed`, `other name` for the same bytes, or `other bytes`."""
        if self.old is None or self.new is None:
            return "added" if self.new else "removed"
        return "other name" if self.old.manifest.digest == self.new.manifest.digest else "other bytes"

    @property
    def same_layers(self) -> int:
        """How many layers of the new image the old one has, too; 0 if there is no old or no new one."""
        old = {layer.sha256 for layer in self.old.layers} if self.old else set()
        return sum(layer.sha256 in old for layer in self.new.layers) if self.new else 0


def image_changes(old: ImageLock, new: ImageLock) -> Iterator[ImageChange]:
    """Every change of name or manifest, in the order of architectures; other fields are not compared."""
    before, after = ({image.architecture: image for image in lock.images} for lock in (old, new))
    for architecture in sorted({*before, *after}):
        one, other = before.get(architecture), after.get(architecture)
        if one and other and (one.name, one.manifest.digest) == (other.name, other.manifest.digest):
            continue
        yield ImageChange(architecture, one, other)
