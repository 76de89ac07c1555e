"""The one error tree. Facts are attributes, the sentence is `str(error)`, the next step is `hint` (pure).

    WheelhouseError
    ├── InputError          2    usage, or an input that cannot be read as what it should be
    ├── NoSolutionError     3    no set of releases satisfies everything that was asked
    ├── ServerError         4    an index or server could not be reached, or answered wrongly
    │   └── TransientError  4    what the next attempt may not meet
    ├── IntegrityError      5    hash, size, archive, signature, approval
    │   └── RefusedError    5    an archive that breaks a rule
    └── MachineError        6    this machine: disk, permission, missing interpreter
        └── BuildError      6    an sdist that cannot be built here

An error stops a step; what is wrong with one artifact of a house is a `Finding` (wheelhouse.findings).
"""

from typing import ClassVar

EXIT_CODES = (130, 5, 6, 4, 2, 3, 1, 0)
"""The exit codes by precedence: of several jobs in one run, the first one that any job had."""


class WheelhouseError(Exception):
    """Something the user is told in one sentence, after its `details`, with what to do next where that is known.

    `general` is the same sentence without the target's name, and `own` are the details that hold for that target alone
    (they are printed last), so that the same error of several targets can be printed once.
    """

    exit_code: ClassVar[int] = 1

    def __init__(
        self,
        sentence: str,
        *,
        hint: str | None = None,
        details: tuple[str, ...] = (),
        general: str | None = None,
        own: tuple[str, ...] = (),
    ) -> None:
        super().__init__(sentence)
        self.hint = hint
        self.details = (*details, *own)
        self.own = own
        self.general = general or sentence


class InputError(WheelhouseError):
    """Usage, or an input that cannot be read as what it should be."""

    exit_code = 2


class NoSolutionError(WheelhouseError):
    """No set of releases satisfies everything that was asked."""

    exit_code = 3


class ServerError(WheelhouseError):
    """An index or server could not be reached, or answered wrongly."""

    exit_code = 4


class TransientError(ServerError):
    """A failure that the next attempt may not meet; `retry_after` is what the server asked for, in seconds."""

    def __init__(self, sentence: str, *, retry_after: float | None = None, hint: str | None = None) -> None:
        super().__init__(sentence, hint=hint)
        self.retry_after = retry_after


class IntegrityError(WheelhouseError):
    """Bytes that are not what they must be: hash, size, archive, metadata."""

    exit_code = 5


class RefusedError(IntegrityError):
    """An archive that breaks a rule; `rule` is that rule's id, as findings give it.

    `stated` is the release that the archive's metadata state, if its file name states another.
    """

    def __init__(self, rule: str, sentence: str, *, hint: str | None = None, stated: str = "") -> None:
        super().__init__(sentence, hint=hint)
        self.rule = rule
        self.stated = stated


class MachineError(WheelhouseError):
    """This machine cannot do what was asked: disk, permission, a missing program."""

    exit_code = 6


class BuildError(MachineError):
    """An sdist that cannot be built here; `log` is what its build printed."""

    def __init__(
        self, sentence: str, *, hint: str | None = None, details: tuple[str, ...] = (), log: bytes = b""
    ) -> None:
        super().__init__(sentence, hint=hint, details=details)
        self.log = log
