"""The folder to stage, as an image build names it (pure)."""

import re
from dataclasses import dataclass

FOLDER = "docker-context-files"
"""The usual name of the folder: Airflow's build takes no other, and every build mounts it under this name."""
PLAIN = re.compile(r"[\w.-]+", re.ASCII)
"""Names that the flags of a Dockerfile can hold. BuildKit reads flags byte by byte, so it reads `ß` as two letters."""


@dataclass(frozen=True, slots=True)
class Destination:
    """A staged folder. `context` is the path of the folder that holds it; `.` is the current folder."""

    context: str = "."
    name: str = FOLDER

    @classmethod
    def of(cls, path: str) -> "Destination":
        """The destination at a path, as the user typed it. The path must end with a name."""
        context, slash, name = path.rpartition("/")
        return cls(context or slash or ".", name)

    @property
    def is_usual(self) -> bool:
        """Whether it is `docker-context-files` in the current folder."""
        return self == USUAL

    @property
    def is_plain(self) -> bool:
        """Whether a Dockerfile can name it: its name has letters, digits, `_`, `.` and `-` only, all ASCII. `context` does
        not count.
        """
        return PLAIN.fullmatch(self.name) is not None

    def path(self, name: str = "") -> str:
        """The path of the folder, or of a file in it, from the current folder; absolute if the user typed it so."""
        parts = [] if self.context == "." else [self.context.rstrip("/")]
        return "/".join([*parts, self.name, *([name] if name else [])])


USUAL = Destination()
