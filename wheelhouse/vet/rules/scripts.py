"""Rules about commands that a wheel puts into a folder of PATH: an observation for a file, or for each other project (pure)."""

from collections.abc import Iterator

from packaging.utils import NormalizedName

from wheelhouse.findings import Observation, Severity, observed
from wheelhouse.vet.command_names import PYTHON_INSTALLERS, SYSTEM_COMMANDS, TOOL_OWNERS, command_of
from wheelhouse.vet.facts import Facts
from wheelhouse.vet.rules import Review, rule


@rule(Severity.NOTE)
def data_scripts(facts: Facts, review: Review) -> Iterator[Observation]:
    """The wheel installs scripts into a folder of PATH, and these scripts do not come from its entry points.

    The scripts are in the .data/scripts folder of the wheel, or in `bin/` of its .data/data folder, and can be in any
    language. `script-shadows` reports scripts with the name of a system command.
    """
    if scripts := facts.scripts:
        yield observed(scripts=scripts)


@rule(Severity.ERROR)
def script_shadows(facts: Facts, review: Review) -> Iterator[Observation]:
    """A script or entry point has the name of a command of the system, or of Python.

    The folder of the interpreter usually comes first in PATH, so a user who calls the command runs the script instead.
    The rule ignores suffixes such as `.exe`, and the version in the name of a Python command, as in `python3.12`. It
    ignores `.py` only if a target is Windows: on other systems, `ping.py` and `ping` are different commands. The
    projects pip and pipx may install their own command.
    """
    own = PYTHON_INSTALLERS & {str(facts.project)}
    is_windows = not facts.targets or any("-win" in target for target in facts.targets)
    commands = [name for name in facts.commands if is_windows or not name.lower().endswith(".py")]
    if shadows := [name for name in commands if command_of(name) in SYSTEM_COMMANDS - own]:
        yield observed(commands=tuple(sorted(shadows)))


@rule(Severity.WARNING)
def script_shadows_tool(facts: Facts, review: Review) -> Iterator[Observation]:
    """A script or entry point has the name of a well-known tool of another project, such as kubectl or airflow.

    A user who calls the tool runs the script instead.
    """
    names = [
        name for name in facts.commands if facts.project not in TOOL_OWNERS.get(command_of(name), (facts.project,))
    ]
    if names:
        yield observed(commands=tuple(sorted(names)))


@rule(Severity.WARNING)
def command_twice(facts: Facts, review: Review) -> Iterator[Observation]:
    """Two distributions of the wheelhouse install a command with the same name.

    The order of the installs decides which of the two commands remains. The rule reports both distributions.
    """
    by_project: dict[NormalizedName, list[str]] = {}
    for name in facts.commands:
        for other in review.shared_commands.get(name, ()):
            if other.project != facts.project and set(other.targets) & set(facts.targets):
                by_project.setdefault(other.project, []).append(name)
    for project, names in by_project.items():
        yield observed(other=str(project), commands=tuple(sorted(names)))
