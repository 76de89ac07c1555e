"""What the tests of the reports of jobs share: an index of a module's own files, and a session whose commands use it."""

from tests.support.offered import index, session  # noqa: F401  (fixtures)
