"""Rules about what Python code does at import, in setup.py, and if called: an observation for each member (pure).

The code is followed, not run (`vet/code`). Each rule reports a member once, with all that it found there; only
`code_shady_address` reports ordinary services apart.
"""

from collections.abc import Iterator

from wheelhouse.findings import Observation, Severity, observed
from wheelhouse.vet.code.behaviour import AT_IMPORT, IF_CALLED, IN_TESTS
from wheelhouse.vet.facts import Facts
from wheelhouse.vet.rules import Review, rule

REACHES = (AT_IMPORT, IF_CALLED, IN_TESTS)
SERIOUS = (
    *(
        "decoded-code",
        "fetched-code",
        "loads-decoded",
        "drops",
        "sends",
        "secrets",
        "startup",
        "watches",
        "injects",
        "patches",
        "tool-settings",
        "command",
        "hostile",
        "asks",
    ),
    *("hidden-name", "hidden-text", "address", "service-address"),
)
"""The kinds of what would be a finding outside tests."""
ACTS_AT_IMPORT = frozenset(
    """network sends sends-file fetched-code drops decoded-code loads-decoded process command hidden-name hidden-text secrets watches
    install-command""".split()  # noqa: SIM905
)
"""The kinds that make an address suspicious, which libraries name, too."""


def _members_with(
    facts: Facts, kinds: tuple[str, ...], *reaches: str
) -> Iterator[tuple[str, tuple[str, ...], tuple[str, ...]]]:
    """For each member with such behaviours: its path, what they are, and their lines. Sorted by path.

    The descriptions are sorted, each once, and so are the lines: by number, though they are given as text. A behaviour must
    be reached in one of the ways of `reaches`.
    """
    by_path: dict[str, dict[str, set[int]]] = {}
    for behaviour in facts.inside.behaviours:
        if behaviour.kind in kinds and behaviour.reach in reaches:
            by_path.setdefault(behaviour.path, {}).setdefault(behaviour.what, set()).add(behaviour.line)
    for path, descriptions in sorted(by_path.items()):
        lines = sorted({line for found in descriptions.values() for line in found})
        yield path, tuple(sorted(descriptions)), tuple(map(str, lines))


@rule(Severity.ERROR)
def import_runs_decoded(facts: Facts, review: Review) -> Iterator[Observation]:
    """At import, a module runs code that it first decodes, decrypts or unpacks.

    A reader of the file cannot see the code that runs. For example, the module calls `exec` with base64, zlib or marshal
    data, or with data from an image.
    """
    for path, does, lines in _members_with(facts, ("decoded-code", "loads-decoded"), AT_IMPORT):
        yield observed(path=path, does=does).with_context(lines=lines)


@rule(Severity.ERROR)
def import_runs_fetched(facts: Facts, review: Review) -> Iterator[Observation]:
    """At import, a module runs code that it fetches over the network.

    At import, a server decides which code runs.
    """
    for path, does, lines in _members_with(facts, ("fetched-code",), AT_IMPORT):
        yield observed(path=path, does=does).with_context(lines=lines)


@rule(Severity.ERROR)
def import_drops_program(facts: Facts, review: Review) -> Iterator[Observation]:
    """At import, a module fetches a file, and then starts the file or makes it executable."""
    for path, does, lines in _members_with(facts, ("drops",), AT_IMPORT):
        yield observed(path=path, does=does).with_context(lines=lines)


@rule(Severity.ERROR)
def import_sends_data(facts: Facts, review: Review) -> Iterator[Observation]:
    """At import, a module sends data about the machine: environment variables, secrets, or the name of the machine or user."""
    for path, does, lines in _members_with(facts, ("sends",), AT_IMPORT):
        yield observed(path=path, does=does).with_context(lines=lines)


@rule(Severity.ERROR)
def import_reads_secrets(facts: Facts, review: Review) -> Iterator[Observation]:
    """At import, a module reads keys, passwords, folders of browsers or wallets, or the metadata service of a cloud."""
    for path, does, lines in _members_with(facts, ("secrets", "metadata"), AT_IMPORT):
        yield observed(path=path, does=does).with_context(lines=lines)


@rule(Severity.ERROR)
def import_writes_startup(facts: Facts, review: Review) -> Iterator[Observation]:
    """At import, a module writes files that the system, a shell, Python, git, an editor or an AI agent reads when it starts."""
    for path, does, lines in _members_with(facts, ("startup", "tool-settings"), AT_IMPORT):
        yield observed(path=path, does=does).with_context(lines=lines)


@rule(Severity.ERROR)
def import_watches_user(facts: Facts, review: Review) -> Iterator[Observation]:
    """At import, a module reads the clipboard, the screen, the keyboard, a camera or a microphone."""
    for path, does, lines in _members_with(facts, ("watches",), AT_IMPORT):
        yield observed(path=path, does=does).with_context(lines=lines)


@rule(Severity.ERROR)
def import_injects_code(facts: Facts, review: Review) -> Iterator[Observation]:
    """At import, a module puts machine code into memory, or loads a native library from a temporary folder or with a misleading suffix."""
    for path, does, lines in _members_with(facts, ("injects",), AT_IMPORT):
        yield observed(path=path, does=does).with_context(lines=lines)


@rule(Severity.ERROR)
def import_runs_command(facts: Facts, review: Review) -> Iterator[Observation]:
    """At import, a module starts a suspicious command, such as one that downloads a file, starts a Windows shell or runs a hidden file.

    A module is also reported if it does the same without a command: for example, if it removes a home folder.
    """
    for path, does, lines in _members_with(facts, ("command", "asks", "hostile"), AT_IMPORT):
        yield observed(path=path, does=does).with_context(lines=lines)


@rule(Severity.WARNING)
def import_patches(facts: Facts, review: Review) -> Iterator[Observation]:
    """At import, a module replaces a function of other code, and this function receives passwords, keys or requests.

    The function is a part of Python or of another project. Examples are `requests.Session.send`, `getpass.getpass` and
    `eth_account.Account.from_key`. Tracers and test tools also replace such functions.
    """
    for path, does, lines in _members_with(facts, ("patches",), AT_IMPORT):
        yield observed(path=path, does=does).with_context(lines=lines)


@rule(Severity.WARNING)
def import_starts_program(facts: Facts, review: Review) -> Iterator[Observation]:
    """At import, a module installs something, or starts a program that is not a usual tool."""
    for path, does, lines in _members_with(facts, ("process", "installs"), AT_IMPORT):
        yield observed(path=path, does=does).with_context(lines=lines)


@rule(Severity.WARNING)
def import_uses_network(facts: Facts, review: Review) -> Iterator[Observation]:
    """At import, a module connects to a server."""
    for path, does, lines in _members_with(facts, ("network", "sends-file"), AT_IMPORT):
        yield observed(path=path, does=does).with_context(lines=lines)


@rule(Severity.WARNING)
def code_runs_hidden(facts: Facts, review: Review) -> Iterator[Observation]:
    """If a function is called, it decodes or fetches code, and then runs this code."""
    for path, does, lines in _members_with(facts, ("decoded-code", "fetched-code"), IF_CALLED):
        yield observed(path=path, does=does).with_context(lines=lines)


@rule(Severity.WARNING)
def code_hides_names(facts: Facts, review: Review) -> Iterator[Observation]:
    """Code hides what it calls: it builds or looks up the names of functions that run code or start programs, or hides other code.

    Examples are `getattr(os, 'sys' + 'tem')`, `vars(builtins)['exec']`, and names with escape sequences. Code is hidden
    in an encoded text, or in a text that is written into a file.
    """
    for path, does, lines in _members_with(facts, ("hidden-name", "hidden-text"), AT_IMPORT, IF_CALLED):
        yield observed(path=path, does=does).with_context(lines=lines)


@rule(Severity.WARNING)
def code_protected(facts: Facts, review: Review) -> Iterator[Observation]:
    """Code is encrypted, or is stored as long texts that nobody can read."""
    for path, does, lines in _members_with(facts, ("protected-code", "encoded-text"), *REACHES):
        yield observed(path=path, does=does).with_context(lines=lines)


@rule(Severity.WARNING)
def code_shady_address(facts: Facts, review: Review) -> Iterator[Observation]:
    """Code contains an address that hides its owner: a webhook, a short link, a tunnel, a throw-away domain, an IP address.

    Some of these addresses are also in ordinary libraries: Telegram's address (if the code has no bot's token),
    well-known short links, and services that show the caller's IP address. For these addresses, the finding is a note.
    It is a warning only if the file uses the network, starts programs or creates code at import.
    """
    for path, does, lines in _members_with(facts, ("address",), AT_IMPORT, IF_CALLED):
        yield observed(path=path, does=does).with_context(lines=lines)
    acts = any(one.kind in ACTS_AT_IMPORT and one.reach == AT_IMPORT for one in facts.inside.behaviours)
    for path, does, lines in _members_with(facts, ("service-address",), AT_IMPORT, IF_CALLED):
        found = observed(path=path, does=does).with_context(lines=lines)
        yield found if acts else found.as_note()


@rule(Severity.WARNING)
def code_touches_secrets(facts: Facts, review: Review) -> Iterator[Observation]:
    """If the code is called, it opens key or password files, or writes files that run when a shell, the system or Python starts.

    Few libraries do this. Find out who calls the code, and why.
    """
    for path, does, lines in _members_with(facts, ("secrets", "startup"), IF_CALLED):
        yield observed(path=path, does=does).with_context(lines=lines)


@rule(Severity.WARNING)
def code_is_hostile(facts: Facts, review: Review) -> Iterator[Observation]:
    """If the code is called, it does something that almost no honest program does.

    For example, it connects a shell's input and output to a server, runs an encoded PowerShell command, mines
    cryptocurrency, removes a home folder, looks for wallet addresses in the clipboard, or starts an AI agent that does
    not ask its user for permission.
    """
    for path, does, lines in _members_with(facts, ("hostile",), IF_CALLED):
        yield observed(path=path, does=does).with_context(lines=lines)


@rule(Severity.WARNING)
def code_profiles_machine(facts: Facts, review: Review) -> Iterator[Observation]:
    """If the code is called, it runs several commands that show the machine's user and network, such as whoami and ipconfig."""
    for path, does, lines in _members_with(facts, ("asks",), IF_CALLED):
        if len(does) > 1:
            yield observed(path=path, does=does).with_context(lines=lines)


@rule(Severity.NOTE)
def code_can_act(facts: Facts, review: Review) -> Iterator[Observation]:
    """If the code is called, it fetches programs, watches the user, sends data about the machine, or starts suspicious commands.

    Many honest tools do the same for their users, so the finding is only a note. If a module does this at import, other
    rules report it as a warning or an error.
    """
    kinds = ("loads-decoded", "drops", "sends", "watches", "injects", "command", "asks", "patches", "tool-settings")
    for path, does, lines in _members_with(facts, kinds, IF_CALLED):
        yield observed(path=path, does=does).with_context(lines=lines)


@rule(Severity.NOTE)
def tests_can_act(facts: Facts, review: Review) -> Iterator[Observation]:
    """Tests or examples do what would be a finding in other code. No other code of the distribution imports these tests or examples."""
    for path, does, lines in _members_with(facts, SERIOUS, IN_TESTS):
        yield observed(path=path, does=does).with_context(lines=lines)


@rule(Severity.ERROR)
def source_hides_code(facts: Facts, review: Review) -> Iterator[Observation]:
    """The text of a source hides code from its readers.

    The code comes after many blanks on a line, has letters that only look like ASCII letters, has characters that change
    the direction of the text, or is in an encoding that nobody can read.
    """
    for path, does, lines in _members_with(
        facts, ("hidden-by-blanks", "lookalike-name", "bidi", "encoded-source"), AT_IMPORT, IF_CALLED
    ):
        yield observed(path=path, does=does).with_context(lines=lines)


@rule(Severity.WARNING)
def source_invisible(facts: Facts, review: Review) -> Iterator[Observation]:
    """A source has many invisible characters in a row, which can hide data."""
    for path, does, lines in _members_with(facts, ("invisible",), *REACHES):
        yield observed(path=path, does=does).with_context(lines=lines)


@rule(Severity.WARNING)
def setup_replaces_install(facts: Facts, review: Review) -> Iterator[Observation]:
    """setup() replaces setuptools commands, such as install, with the project's own commands. An install runs these commands."""
    for path, does, lines in _members_with(facts, ("install-command",), *REACHES):
        yield observed(path=path, does=does).with_context(lines=lines)


@rule(Severity.NOTE)
def source_unparsed(facts: Facts, review: Review) -> Iterator[Observation]:
    """A part of a source could not be parsed, so it is not known what this part does.

    The part is Python 2, or has syntax that is newer than the Python that runs wheelhouse.
    """
    for path, does, _ in _members_with(facts, ("unparsed",), *REACHES):
        yield observed(path=path, does=does)


@rule(Severity.WARNING)
def source_unfollowed(facts: Facts, review: Review) -> Iterator[Observation]:
    """A source could not be analysed to its end: it is too long, nested too deeply, or needs too many steps.

    Such a source can hide code. None of 1,100 real distributions had such a source.
    """
    for path, does, _ in _members_with(facts, ("unfollowed",), *REACHES):
        yield observed(path=path, does=does)
