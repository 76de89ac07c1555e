"""Rules about what a file can do, and what it could not do before (pure)."""

from collections.abc import Iterator

from wheelhouse.findings import Observation, Severity, observed
from wheelhouse.vet.capabilities import Capabilities
from wheelhouse.vet.facts import Facts
from wheelhouse.vet.file_capabilities import capabilities_of
from wheelhouse.vet.rules import Review, rule

MAX_MEMBERS = 2
"""So many members of each capability are named."""


@rule(Severity.NOTE)
def capabilities(facts: Facts, review: Review) -> Iterator[Observation]:
    """What the file can do: start by itself, make code at run time, start programs, use the network, read the environment.

    And: write or install files outside its folders, run machine code, be a plugin of another program. Code is read, not run, so
    these are the things that it could do if somebody calls it. An approval signs the list, so that `new-capability` can tell what
    a later release can do besides.
    """
    can = capabilities_of(facts)
    if can:
        yield observed(case="some", capabilities=tuple(can)).with_context(members=_first_members(can))
    else:
        yield observed(case="none", capabilities=())


@rule(Severity.WARNING)
def new_capability(facts: Facts, review: Review) -> Iterator[Observation]:
    """The file can do something that the release before could not.

    The release before is that of the wheelhouse of `--since`, else the one of the project that was approved. A library that begins
    to use the network or to start programs is worth a look before its update is approved.
    """
    before = review.before(facts)
    if before is None:
        return
    gained = {name: members for name, members in capabilities_of(facts).items() if name not in before.capabilities}
    if gained:
        yield observed(capabilities=tuple(gained), before=before.version).with_context(members=_first_members(gained))


def _first_members(can: Capabilities) -> tuple[str, ...]:
    """The first members that have each capability, after its name."""
    return tuple(f"{name}: {member}" for name, members in can.items() for member in members[:MAX_MEMBERS])
