"""The errors of several targets as one error, which names each target and gives each reason once (pure)."""

from collections.abc import Mapping, Sequence

from wheelhouse.errors import (
    EXIT_CODES,
    InputError,
    IntegrityError,
    MachineError,
    NoSolutionError,
    ServerError,
    WheelhouseError,
)

KINDS: dict[int, type[WheelhouseError]] = {
    kind.exit_code: kind
    for kind in (WheelhouseError, InputError, NoSolutionError, ServerError, IntegrityError, MachineError)
}
Group = tuple[list[str], list[WheelhouseError]]
"""The names of targets, and their errors, which differ only in the details of each target."""


def combined(failed: Mapping[str, WheelhouseError], targets: int, *, kept_going: bool) -> WheelhouseError:
    """One error for the targets that failed; its exit code is, of theirs, the one that is first in EXIT_CODES. `failed` has the
    error of each by the target's name, `targets` is the number of all targets.

    The error of a job with one target is returned as it is. If other targets did not fail, the hint names --keep-going, unless
    `kept_going` is set.
    """
    if targets == 1:
        return next(iter(failed.values()))
    groups = _groups(failed)
    code = min((error.exit_code for error in failed.values()), key=EXIT_CODES.index)
    others = targets - len(failed)
    keep_going = f"add --keep-going to continue with {_the_others(others)}" if others and not kept_going else None
    kind, names = KINDS[code], ", ".join(failed)
    counts = f"{len(failed)} of {targets} targets"
    summary = f"no solution for {counts}" if kind is NoSolutionError else f"{counts} failed"
    if len(groups) == 1:
        errors = groups[0][1]
        hint = "; or ".join(filter(None, (errors[0].hint, keep_going))) or None
        return kind(f"{summary} ({names}): {errors[0].general}", hint=hint, details=tuple(_details(errors)))
    details = tuple(line for group in groups for line in _lines(*group))
    return kind(f"{summary}: {names}", hint=keep_going, details=details)


def _the_others(count: int) -> str:
    """So many other targets in words: `the other target`, `the other 3 targets`."""
    return "the other target" if count == 1 else f"the other {count} targets"


def _groups(failed: Mapping[str, WheelhouseError]) -> list[Group]:
    """The failed targets in groups: the errors of a group have one class, and the same sentence, hint and shared details."""
    groups: dict[object, Group] = {}
    for name, error in failed.items():
        names, errors = groups.setdefault((type(error), error.general, error.hint, _shared(error)), ([], []))
        names.append(name)
        errors.append(error)
    return list(groups.values())


def _shared(error: WheelhouseError) -> tuple[str, ...]:
    """The details that do not depend on the target: all but `error.own`, which are the last ones."""
    return error.details[: len(error.details) - len(error.own)]


def _details(errors: Sequence[WheelhouseError]) -> list[str]:
    """The details of several errors: the shared ones once, then those of each target."""
    return [*_shared(errors[0]), *(line for error in errors for line in error.own)]


def _lines(names: Sequence[str], errors: Sequence[WheelhouseError]) -> list[str]:
    """One group as lines: its targets and their error; below, indented, its details and its hint."""
    hint = [f"  hint: {errors[0].hint}"] if errors[0].hint else []
    return [f"{', '.join(names)}: {errors[0].general}", *(f"  {line}" for line in _details(errors)), *hint]
