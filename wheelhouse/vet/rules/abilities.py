"""Rules about what a file can do, and what the release before or the sources could not: at most one observation for a file (pure)."""

from collections.abc import Iterator

from wheelhouse.findings import Observation, Severity, observed
from wheelhouse.vet.capabilities import Capabilities
from wheelhouse.vet.code_reader import FOLDER_OF_PACKAGES
from wheelhouse.vet.facts import Entry, Facts
from wheelhouse.vet.file_capabilities import capabilities_of
from wheelhouse.vet.rules import Review, rule

CODE = (".py", ".pth")


@rule(Severity.NOTE)
def capabilities(facts: Facts, review: Review) -> Iterator[Observation]:
    """The note lists what the file can do: start by itself, create code at run time, start programs, use the network, read the environment.

    It also lists whether the file can write or install files outside its folders, can run machine code, or is a plugin of
    another program. The rule reads the code, and does not run it. An approval signs this list. If a later release can do
    more, `new-capability` reports the difference.
    """
    can = capabilities_of(facts)
    if can:
        yield observed(case="some", capabilities=tuple(can)).with_context(members=_first_members(can))
    else:
        yield observed(case="none", capabilities=())


@rule(Severity.WARNING)
def new_capability(facts: Facts, review: Review) -> Iterator[Observation]:
    """The file can do something that the previous release could not do.

    The rule compares the file with the project's release in the earlier wheelhouse (`--since`). If there is no such
    release, the rule compares the file with the project's last approved release. If a library begins to use the
    network or to start programs, look at the change before you approve the update.
    """
    before = review.before(facts)
    if before is None:
        return
    gained = {name: members for name, members in capabilities_of(facts).items() if name not in before.capabilities}
    if gained:
        yield observed(capabilities=tuple(gained), before=before.version).with_context(members=_first_members(gained))


def _first_members(can: Capabilities) -> tuple[str, ...]:
    """A text for each capability, with the first member that has it in brackets: `network (demo/client.py)`."""
    return tuple(f"{name} ({members[0]})" for name, members in can.items())


@rule(Severity.WARNING)
def not_in_sdist(facts: Facts, review: Review) -> Iterator[Observation]:
    """The wheel has Python code that the sdist of its release does not have.

    A person who reads the sdist does not see this code. A build can generate code, such as `_version.py`. Any other code
    was added after the sdist was published, or on the machine that built the wheel. Files without a
    sha256 in RECORD are compared only by path and size.
    """
    sdist = review.sdist_of(facts)
    if sdist is None:
        return
    known = {entry.digest for entry in sdist.entries}
    code = [(path, entry) for path, entry in facts.installs.items() if entry.name.endswith(CODE) and entry.size]
    places = {(_place(entry.name.partition("/")[2]), entry.size) for entry in sdist.entries}

    def is_added(path: str, entry: Entry) -> bool:
        """Whether the sdist lacks a file that is installed at a path."""
        if entry.digest.startswith("sha256="):
            return entry.digest not in known
        return (_place(path), entry.size) not in places

    added = [entry.name for path, entry in code if is_added(path, entry)]
    if added:
        yield observed(sdist=sdist.filename, paths=tuple(sorted(added)))


def _place(path: str) -> str:
    """A path without the folder of an sdist that holds its packages, such as `src/`."""
    folder = FOLDER_OF_PACKAGES.match(path)
    return path[folder.end() :] if folder else path
