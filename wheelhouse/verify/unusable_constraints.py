"""Constraints of a wheelhouse that would lead an install to files from elsewhere."""

from collections.abc import Iterator

from wheelhouse.errors import InputError
from wheelhouse.findings import Finding, Severity
from wheelhouse.index.urls import redact, same_index
from wheelhouse.lock.lock import Lock
from wheelhouse.resolve.requirements import parse_file


def unusable_constraints(lock: Lock, text: str, name: str) -> Iterator[Finding]:
    """Findings for constraints that `fetch` would have refused: one for the first line that it does not accept, else one for
    each index in them that is not the default index of the lock.

    pip takes files from links and addresses in constraints, even with `--no-index`.
    """

    def nested(other: str, named_by: str) -> tuple[str, str]:
        """An included file counts as empty. Raises InputError for an address."""
        if "://" in other:
            raise InputError(f"{named_by}: it takes constraints from {redact(other)}")
        return other, ""

    default = next((location.address for location in lock.inputs.locations if location.is_default), "")
    try:
        options = parse_file(text, name, nested, constraints=True).options
    except InputError as error:
        yield _refused_constraints(name, next(iter(error.details), str(error)))
        return
    for option in options:
        if option.name == "--index-url" and not (default and same_index(option.value, default)):
            yield _refused_constraints(name, f"{option.origin}: it names the index {redact(option.value)}")


def _refused_constraints(name: str, message: str) -> Finding:
    """The error finding for constraints that `fetch` would have refused; the message is context."""
    return Finding.of(name, "constraints", Severity.ERROR, case="refused").with_context(message=message)
