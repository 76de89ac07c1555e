"""Errors of the system, and errors that no code expected, as errors of wheelhouse."""

import re
from pathlib import Path
from traceback import walk_tb

from wheelhouse.errors import MachineError, WheelhouseError

MAX_LINES, MAX_MESSAGE_CHARACTERS = 5, 300
CREDENTIALS = re.compile(r"//[^/\s]*@")


def error_of(error: Exception) -> WheelhouseError:
    """Any error as one of wheelhouse: of the system, such as a folder that is not readable, as MachineError; any other as a defect.

    An error of wheelhouse stays as it is. A broken connection and a time-out are defects: the code must have caught them.
    """
    if isinstance(error, WheelhouseError):
        return error
    if isinstance(error, OSError) and not isinstance(error, ConnectionError | TimeoutError):
        from wheelhouse.files.disk import machine_error

        return machine_error(error)
    return _defect(error)


def _defect(error: Exception) -> MachineError:
    """A MachineError for an error that no code expected: its type and the start of its text, without credentials.

    Its details are the last five places of the traceback that are in the code of wheelhouse.
    """
    package = Path(__file__).parents[1]
    frames = (
        (Path(frame.f_code.co_filename), line, frame.f_code.co_name) for frame, line in walk_tb(error.__traceback__)
    )
    lines = [
        f"{path.relative_to(package.parent)}, line {line}, in {name}"
        for path, line, name in frames
        if path.is_relative_to(package)
    ]
    message = CREDENTIALS.sub("//", " ".join(str(error).split())).encode("utf-8", "backslashreplace").decode()
    return MachineError(
        f"wheelhouse itself failed: {type(error).__name__}: {message[:MAX_MESSAGE_CHARACTERS]}",
        hint="this is a defect of wheelhouse: report it, with the command and the lines above",
        details=tuple(lines[-MAX_LINES:]),
    )
