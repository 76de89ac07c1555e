"""Follows the Python code of one distribution: which modules imports reach, and what they do (pure)."""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from wheelhouse.vet.capabilities import Capabilities, Capability
from wheelhouse.vet.code.behaviour import AT_IMPORT, IF_CALLED, IN_TESTS, TEST_PLACE, Behaviour
from wheelhouse.vet.code.calls import Module
from wheelhouse.vet.code.hidden_members import encoded_program
from wheelhouse.vet.code.interpreter import Interpreter
from wheelhouse.vet.code.source import MAX_SOURCE_BYTES, UnparsedError, decoded_source, is_odd, odd_text, parsed
from wheelhouse.vet.code.words import is_worth_following, lines_worth_following

ALWAYS_PARSED_BYTES = 20_000
"""The modules at the top of an import are parsed in any case, if they are no longer than this."""
MAX_FOLLOWED_BYTES = 64 << 20
"""The most source of one distribution that is followed, in bytes."""
CAPABILITIES: Mapping[str, Capability] = {
    "dynamic": Capability.DYNAMIC_CODE,
    "decoded-code": Capability.DYNAMIC_CODE,
    "loads-decoded": Capability.DYNAMIC_CODE,
    "fetched-code": Capability.DYNAMIC_CODE,
    "protected-code": Capability.DYNAMIC_CODE,
    "process": Capability.PROCESS,
    "tool": Capability.PROCESS,
    "asks": Capability.PROCESS,
    "installs": Capability.PROCESS,
    "command": Capability.PROCESS,
    "network": Capability.NETWORK,
    "sends": Capability.NETWORK,
    "environment": Capability.ENVIRONMENT,
    "secrets": Capability.ENVIRONMENT,
    "startup": Capability.FILES_OUTSIDE,
    "native": Capability.NATIVE,
    "injects": Capability.NATIVE,
    "tool-settings": Capability.FILES_OUTSIDE,
    "patches": Capability.DYNAMIC_CODE,
}
"""What a distribution can do, by the kinds of what its code does."""


TEMPLATE = re.compile(r"\{[{%]")
"""What the paths of templates contain that a generator fills in."""


@dataclass(frozen=True, slots=True)
class Source:
    """One source file: its path in the archive, its dotted module name, and its bytes.

    `runs` is whether it runs by itself and not by an import, as setup.py, a script and a .pth file do; a script only if somebody
    starts it.
    """

    path: str
    module: str
    data: bytes
    is_package: bool = False
    runs: bool = False
    is_script: bool = False

    @property
    def reach(self) -> str:
        """How what it does is reached: IN_TESTS by its path, IF_CALLED for a script or `__main__`, else AT_IMPORT."""
        if TEST_PLACE.search(self.path):
            return IN_TESTS
        return IF_CALLED if self.is_script or self.module.endswith("__main__") else AT_IMPORT

    @property
    def is_worth_parsing(self) -> bool:
        """Whether it may do what the rules look for, hides text, runs by itself, is a short module without a dot in its name, or too long.

        What a source longer than MAX_SOURCE_BYTES does is not known: `follow` says so.
        """
        is_at_the_top = "." not in self.module and len(self.data) <= ALWAYS_PARSED_BYTES
        is_cut = len(self.data) > MAX_SOURCE_BYTES
        return self.runs or is_at_the_top or is_cut or is_worth_following(self.data) or is_odd(self.data)


def follow(sources: Iterable[Source]) -> tuple[Behaviour, ...]:
    """What the code of a distribution does, each thing once, sorted by kind, path and line. No code is run.

    A source that cannot be parsed or followed is an `unparsed` or `unfollowed` behaviour, unless it is a template that is no Python
    yet, by its path; after MAX_FOLLOWED_BYTES, all others are one.
    """
    behaviours: set[Behaviour] = set()
    modules: list[tuple[Module, list[int]]] = []
    left = MAX_FOLLOWED_BYTES
    for source in sources:
        left -= len(source.data)
        if left < 0:
            behaviours.add(Behaviour("unfollowed", source.path, 0, "there is more code than is followed, from here on"))
            break
        try:
            text = decoded_source(source.data)
            tree, gaps = parsed(text)
            behaviours.update(odd_text(source.path, source.data, text, tree, source.reach))
            behaviours.update(encoded_program(source.path, source.data))
            if not TEMPLATE.search(source.path):
                behaviours.update(Behaviour("unparsed", source.path, 0, reason) for reason in gaps)
            module = Module(source.module, source.path, tree, source.is_package, source.runs, source.reach)
        except UnparsedError as error:
            if not (error.is_syntax and TEMPLATE.search(source.path)):
                behaviours.add(Behaviour("unparsed" if error.is_syntax else "unfollowed", source.path, 0, str(error)))
            continue
        modules.append((module, lines_worth_following(source.data)))
    behaviours.update(_followed(modules))
    return tuple(sorted(behaviours))


def _followed(modules: Sequence[tuple[Module, list[int]]]) -> Iterator[Behaviour]:
    """What modules do, each given with its lines worth following: first their imports, those of tests last, then their functions.

    Of several modules of one name, imports get a package, else a `.py`, of these the last. Afterwards the names of the modules are cleared.
    """
    ranked = sorted((module for module, _ in modules), key=lambda one: (one.is_package, not one.path.endswith(".pyw")))
    interpreter = Interpreter({module.name: module for module in ranked})
    for module, _ in sorted(modules, key=lambda pair: pair[0].reach == IN_TESTS):
        interpreter.run_module(module)
    for module, lines in modules:
        interpreter.run_functions(module, lines)
    yield from interpreter.behaviours.values()
    for path, reason in interpreter.unfollowed.items():
        yield Behaviour("unfollowed", path, 0, reason)
    interpreter.release()


def capabilities_of(behaviours: Iterable[Behaviour]) -> Capabilities:
    """What a distribution can do by what its code does, also in tests, in the order of `Capability`, each with the sorted
    paths of members that do it.
    """
    members: dict[Capability, set[str]] = {}
    for behaviour in behaviours:
        if capability := CAPABILITIES.get(behaviour.kind):
            members.setdefault(capability, set()).add(behaviour.path)
    return {one: tuple(sorted(members[one])) for one in Capability if one in members}
