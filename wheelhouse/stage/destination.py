"""Where a folder is staged, and so what an image build has to call it (pure)."""

import re
from dataclasses import dataclass

FOLDER = "docker-context-files"
"""The folder's usual name, the only one that Airflow's build takes, and where it is mounted inside a build."""
PLAIN = re.compile(r"[\w.-]+", re.ASCII)
"""Names that the flags of a Dockerfile take: BuildKit reads those byte by byte, so that `ß` becomes two letters."""


@dataclass(frozen=True, slots=True)
class Destination:
    """A staged folder: `context` is the folder that holds it, `.` for the current one."""

    context: str = "."
    name: str = FOLDER

    @classmethod
    def of(cls, path: str) -> "Destination":
        """The destination at a path as it was typed; the path must end with a name."""
        context, slash, name = path.rpartition("/")
        return cls(context or slash or ".", name)

    @property
    def is_usual(self) -> bool:
        """Whether it is `docker-context-files` in the current folder."""
        return self == USUAL

    @property
    def is_plain(self) -> bool:
        """Whether a Dockerfile can name it."""
        return PLAIN.fullmatch(self.name) is not None

    def path(self, name: str = "") -> str:
        """The folder, or a file in it, from the current folder."""
        parts = [] if self.context == "." else [self.context.rstrip("/")]
        return "/".join([*parts, self.name, *([name] if name else [])])


USUAL = Destination()
