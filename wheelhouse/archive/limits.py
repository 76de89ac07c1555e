"""How much an archive and its metadata may hold, so that a small file never costs much time; and the error that names a limit (pure).

Each limit is far above what files on PyPI have. `benchmarks/hostile.py` measures what a file at the limits costs.
"""

from wheelhouse.errors import RefusedError

MAX_MEMBERS = 100_000
MAX_PATH_BYTES = 4096
"""Of a member's name: PATH_MAX of Linux."""
MAX_PATH_DEPTH = 255
"""Slashes in a member's name."""
MAX_METADATA_BYTES = 16 << 20
MAX_HEADER_BYTES = 4 << 20
MAX_HEADER_LINES = 100_000
MAX_HEADER_FIELDS = 10_000
"""Of METADATA or PKG-INFO: bytes, lines and fields of what precedes the description."""
MAX_REQUIREMENT_LENGTH = 5000
"""Characters of one requirement."""
MAX_WHEEL_BYTES = 1 << 20
"""Of the file WHEEL."""
MAX_RECORD_BYTES = 64 << 20
MAX_RECORD_ROWS = MAX_MEMBERS + 10_000
MAX_RECORD_FIELDS = 1000
"""Of one row: it should have three, but some names have commas that are not quoted."""
MAX_PYPROJECT_BYTES = 1 << 20


def check_path(path: str) -> None:
    """Raise RefusedError for a member's name, or a link's target, over MAX_PATH_BYTES characters or MAX_PATH_DEPTH slashes."""
    if len(path) > MAX_PATH_BYTES or path.count("/") > MAX_PATH_DEPTH:
        raise beyond(
            f"the path of a member is longer than {MAX_PATH_BYTES} characters, or deeper than {MAX_PATH_DEPTH} folders"
        )


def beyond(what: str) -> RefusedError:
    """The error `archive-limit`, for the caller to raise; `what` is such as "its METADATA has more than 10000 fields"."""
    return RefusedError("archive-limit", what)
