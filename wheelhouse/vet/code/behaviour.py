"""What code of a file does, and how it is reached (pure)."""

from typing import NamedTuple

AT_IMPORT = "import"
IF_CALLED = "called"


class Behaviour(NamedTuple):
    """One thing that code does. `kind` is one of those that the rules name; `path` and `line` say where.

    `what` describes it in code and a few words. `reach` is AT_IMPORT for what happens when the module is imported, or when setup.py
    runs, and IF_CALLED for what a function does if somebody calls it.
    """

    kind: str
    path: str
    line: int
    what: str
    reach: str = AT_IMPORT
