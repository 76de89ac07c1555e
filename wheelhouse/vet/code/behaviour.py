"""What code of a file does, and how it is reached (pure)."""

import re
from typing import NamedTuple

AT_IMPORT = "import"
IF_CALLED = "called"
IN_TESTS = "tests"
TEST_PLACE = re.compile(
    r"""(?:^|/)(?:_?tests?|testing|conftest\.py|test_[^/]*|[^/]*_tests?(?:\.py)?|examples?|example_[^/]*|[^/]*_examples?(?:\.py)?
    |docs?|benchmarks?)(?:/|$)""",
    re.VERBOSE,
)
"""Where tests and examples are, which nothing imports."""


class Behaviour(NamedTuple):
    """One thing that code does. `kind` is one of those that the rules name; `path` and `line` say where.

    `what` describes it in code and a few words. `reach` is AT_IMPORT for what happens when the module is imported, or when setup.py
    runs; IF_CALLED for what a function does if somebody calls it, or a script if somebody starts it; IN_TESTS for what only tests and
    examples do.
    """

    kind: str
    path: str
    line: int
    what: str
    reach: str = AT_IMPORT
