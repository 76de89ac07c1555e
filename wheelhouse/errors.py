"""The one error tree. Facts are attributes, the sentence is `str(error)`, the next step is `hint` (pure).

    WheelhouseError
    ├── InputError          2    usage, or an input that cannot be read
    ├── NoSolutionError     3    no set of releases satisfies all requirements
    ├── ServerError         4    an index or server did not answer, or answered wrongly
    │   └── TransientError  4    a failure that may pass
    ├── IntegrityError      5    hash, size, archive, signature, approval
    │   └── RefusedError    5    an archive that breaks a rule
    └── MachineError        6    this machine: disk, permission, missing interpreter
        └── BuildError      6    an sdist that cannot be built here

An error ends a step. A problem of one artifact of a wheelhouse is a `Finding` (wheelhouse.findings).
"""

from typing import TYPE_CHECKING, ClassVar

if TYPE_CHECKING:
    from wheelhouse.findings import Finding

EXIT_CODES = (130, 5, 6, 4, 2, 3, 1, 0)
"""The exit codes by precedence: if a run has several jobs, the first code that any of them has."""


class WheelhouseError(Exception):
    """An error in one sentence. `details` are printed above it, `hint` (what to do next) below it.

    `general` is the sentence without the target's name, `own` the details of that target alone, which are printed last.
    They let the same error of several targets be printed once. `findings` are those that the error is about;
    `wheelhouse.report` adds their sentences.
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
        findings: "tuple[Finding, ...]" = (),
    ) -> None:
        super().__init__(sentence)
        self.findings = findings
        self.hint = hint
        self.details = (*details, *own)
        self.own = own
        self.general = general or sentence


class InputError(WheelhouseError):
    """Usage, or an input that cannot be read."""

    exit_code = 2


class NoSolutionError(WheelhouseError):
    """No set of releases satisfies all requirements."""

    exit_code = 3


class ServerError(WheelhouseError):
    """An index or server did not answer, or answered wrongly."""

    exit_code = 4


class TransientError(ServerError):
    """A failure that may pass; `retry_after` is the wait that the server asked for, in seconds."""

    def __init__(self, sentence: str, *, retry_after: float | None = None, hint: str | None = None) -> None:
        super().__init__(sentence, hint=hint)
        self.retry_after = retry_after


class IntegrityError(WheelhouseError):
    """Bytes that differ from what they must be: hash, size, archive, signature, approval."""

    exit_code = 5


class RefusedError(IntegrityError):
    """An archive that breaks a rule; `rule` is that rule's id, as findings give it.

    `stated` is the release that the archive's metadata state, if its file name states another.
    """

    def __init__(
        self,
        rule: str,
        sentence: str,
        *,
        hint: str | None = None,
        stated: str = "",
        findings: "tuple[Finding, ...]" = (),
    ) -> None:
        super().__init__(sentence, hint=hint, findings=findings)
        self.rule = rule
        self.stated = stated


class MachineError(WheelhouseError):
    """This machine cannot do it: disk, permission, a missing program."""

    exit_code = 6


class BuildError(MachineError):
    """An sdist that cannot be built here; `log` is the output of its build."""

    def __init__(
        self, sentence: str, *, hint: str | None = None, details: tuple[str, ...] = (), log: bytes = b""
    ) -> None:
        super().__init__(sentence, hint=hint, details=details)
        self.log = log
