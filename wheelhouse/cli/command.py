"""From declared options (`wheelhouse.config.options`) to what typer takes, and the help that lists them under headings.

typer reads a signature, so its parameters are written here, from the declarations. Measured with 49 options (`fetch --help`; bare
Python is 9 ms): typer 0.28 needs 56 ms, 138 ms with rich's panels, typer 0.29 134 ms (it loads pydantic for every command),
cyclopts 5.5 186 ms. So typer stays below 0.29, and the headings of its panels are printed here.
"""

import dataclasses
import inspect
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Annotated, Any, get_type_hints

import typer
from typer.core import TyperCommand

from wheelhouse.cli.journal import journal
from wheelhouse.config.declare import Option, Texts, declared, heading_of

MAX_OPTIONS_WITHOUT_HEADINGS = 8
OUTPUT = "Output"
Json = Annotated[
    bool, typer.Option("--json", rich_help_panel=OUTPUT, help="Print one JSON document to stdout, also for an error.")
]
Quiet = Annotated[bool, typer.Option("--quiet", "-q", rich_help_panel=OUTPUT, help="Print only warnings and errors.")]
Verbose = Annotated[
    bool, typer.Option("--verbose", "-v", rich_help_panel=OUTPUT, help="Also print each request to a server.")
]
Log = Annotated[
    Path | None,
    typer.Option(
        "--log",
        metavar="FILE",
        envvar="WHEELHOUSE_LOG",
        rich_help_panel=OUTPUT,
        help="Append each event to this file, as one line of JSON.",
    ),
]
EVERYWHERE = {"verbose": (Verbose, False), "log": (Log, None)}
"""The options that every command has: their types and defaults."""
WheelhouseFolder = Annotated[
    Path, typer.Argument(metavar="[WHEELHOUSE]", help="The folder that `wheelhouse fetch` wrote.", show_default=True)
]
Wheelhouses = Annotated[
    list[Path], typer.Argument(metavar="WHEELHOUSE...", help="The folders that `wheelhouse fetch` wrote.")
]
RequireApproved = Annotated[bool, typer.Option("--require-approved", help="Refuse files that have too few approvals.")]
TYPES: dict[Any, Any] = {Texts: list[str] | None, bool | Texts: bool}
"""Types that the command line has another way than the settings file."""


class Command(TyperCommand):
    """A command whose help lists its options under headings (typer's `rich_help_panel`), if it has more than a few.

    typer prints panels with rich only, which takes 80 ms and draws boxes.
    """

    def format_options(self, ctx: Any, formatter: Any) -> None:  # noqa: ANN401  (typer keeps these types to itself)
        """Write arguments and options into the help. Options get their own headings if there are nine or more besides --help."""
        arguments = [param for param in self.get_params(ctx) if param.param_type_name == "argument"]
        options = [param for param in self.get_params(ctx) if param.param_type_name == "option"]
        sections = {"Arguments": arguments, "Options": options}
        if len(options) - 1 > MAX_OPTIONS_WITHOUT_HEADINGS:  # --help is one of them
            sections = {"Arguments": arguments, **_by_heading(options)}
        for heading, params in sections.items():
            if records := [record for param in params if (record := param.get_help_record(ctx))]:
                with formatter.section(heading):
                    formatter.write_dl(records)


def _by_heading(options: list[Any]) -> dict[str, list[Any]]:
    """Options by heading: those without one come first, as `Options`, and those about output last, with --help."""
    sections: dict[str, list[Any]] = {"Options": []}
    for option in options:
        heading = OUTPUT if option.name == "help" else option.rich_help_panel or "Options"
        sections.setdefault(heading, []).append(option)
    output = sections.pop(OUTPUT)
    return {**sections, OUTPUT: output}


def command(group: typer.Typer, name: str | None = None) -> Callable[[Callable[..., None]], Callable[..., None]]:
    """A decorator that adds a function to a group of commands, under its own name if it is not given another.

    The function then takes each option by keyword, in place of the groups of options, and opens the journal before it runs.
    """
    return lambda function: group.command(name, cls=Command)(_ungrouped(function))


def _ungrouped(command: Callable[..., None]) -> Callable[..., None]:
    """The command with a parameter for each option of its groups, because typer reads a command's signature.

    Groups are dataclasses of `wheelhouse.config.options`. The parameters of EVERYWHERE are added; when it is called, it opens the
    journal.
    """
    hints = get_type_hints(command, include_extras=True)
    groups = {name: kind for name, kind in hints.items() if isinstance(kind, type) and dataclasses.is_dataclass(kind)}
    parameters: list[inspect.Parameter] = []
    for parameter in inspect.signature(command).parameters.values():
        if parameter.name in groups:
            parameters.extend(_parameters(groups[parameter.name]))
        else:
            parameters.append(parameter.replace(annotation=hints[parameter.name], kind=inspect.Parameter.KEYWORD_ONLY))

    for name, (kind, default) in EVERYWHERE.items():
        parameters.append(inspect.Parameter(name, inspect.Parameter.KEYWORD_ONLY, default=default, annotation=kind))

    def ungrouped(**values: Any) -> None:  # noqa: ANN401
        """Open the journal, put the options that typer gives into their groups, and run the command."""
        verbose, log = (values.pop(name) for name in EVERYWHERE)
        journal.open(sys.argv[1:], log, verbose=verbose, quiet=values.get("quiet", False))
        for name, group in groups.items():
            own = {option: values.pop(option) for option, facts in declared(group).items() if facts.is_typed}
            values[name] = group(**{option: _value(value) for option, value in own.items() if value is not None})
        command(**values)

    ungrouped.__name__ = command.__name__
    ungrouped.__doc__ = (command.__doc__ or "").replace(r"\b", "\b")  # keeps the lines of examples apart
    ungrouped.__annotations__ = {parameter.name: parameter.annotation for parameter in parameters}
    ungrouped.__signature__ = inspect.Signature(parameters)  # type: ignore[attr-defined]
    return ungrouped


def _value(value: Any) -> Any:  # noqa: ANN401
    """A list as a tuple; any other value as it is."""
    return tuple(value) if isinstance(value, list) else value


def _parameters(group: type) -> Iterator[inspect.Parameter]:
    """A keyword parameter, as typer reads it, for each option and argument of a group that the command line has."""
    types = get_type_hints(group)
    fields = {field.name: field for field in dataclasses.fields(group)}
    for name, facts in declared(group).items():
        if facts.is_typed:
            is_repeated = types[name] == Texts
            info = _typer_option(facts, heading_of(group, name), is_repeated=is_repeated)
            yield inspect.Parameter(
                name,
                inspect.Parameter.KEYWORD_ONLY,
                default=None if is_repeated else fields[name].default,
                annotation=Annotated[TYPES.get(types[name], types[name]), info],
            )


def _typer_option(facts: Option, heading: str, *, is_repeated: bool) -> Any:  # noqa: ANN401  (typer's own type)
    """An option as typer declares it: an argument if it has no spellings. The help of a repeated option says so."""
    if not facts.spellings:
        return typer.Argument(metavar=facts.metavar, help=facts.help, show_default=False)
    return typer.Option(
        *facts.spellings,
        envvar=facts.environment,
        metavar=facts.metavar,
        min=facts.minimum,
        max=facts.maximum,
        help=f"{facts.help} May be repeated." if is_repeated else facts.help,
        rich_help_panel=heading,
        show_default=True,
    )
