"""The groups of commands, and the first lines of `wheelhouse --help`."""

from typing import Annotated, Any

import typer
from typer.core import TyperGroup

from wheelhouse import __version__
from wheelhouse.errors import InputError

HEADINGS = {
    "Make a wheelhouse": ("fetch", "lock", "materialize", "build", "constraints", "target"),
    "Check and approve a wheelhouse": ("verify", "vet", "review", "approve", "diff", "why", "rules", "advisories"),
    "Build images": ("stage", "rehearse"),
    "Carry a wheelhouse": ("pack", "unpack", "inspect", "state"),
    "Serve a wheelhouse": ("index", "mirror", "serve", "publish", "check"),
    "This machine": ("doctor", "cache", "store"),
}
"""The headings of `wheelhouse --help`, each with its commands."""
MAX_SUMMARY = 200


class Commands(TyperGroup):
    """A group whose help lists its commands under headings, each with its whole first sentence."""

    def format_commands(self, ctx: Any, formatter: Any) -> None:  # noqa: ANN401  (typer keeps these types to itself)
        """Write the commands into the help: each heading with those that it names, those without one last.

        A heading with none is left out.
        """
        others = [name for name in self.commands if not any(name in names for names in HEADINGS.values())]
        width = max(map(len, self.commands))
        for heading, names in {**HEADINGS, "Others": others}.items():
            listed = [name for name in names if name in self.commands]
            rows = [(f"{name:<{width}}", self.commands[name].get_short_help_str(MAX_SUMMARY)) for name in listed]
            if rows:
                with formatter.section(heading):
                    formatter.write_dl(rows)


app = typer.Typer(
    name="wheelhouse",
    cls=Commands,
    invoke_without_command=True,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 110},
    help="Lock, fetch, verify and stage every wheel that an air-gapped Python image needs.\n\n"
    "Start with `wheelhouse fetch --help`. Exit codes: 0 done, 1 findings, 2 wrong usage or input, 3 no solution,\n"
    "4 server error, 5 integrity error, 6 error of this machine, 130 interrupted.",
)
constraints_app = typer.Typer(help="Fetch Airflow's constraints, or compile constraints from requirements.")
cache_app = typer.Typer(help="Show the cache, or make it smaller.")
store_app = typer.Typer(help="Show the store that machines share, or make it smaller.")
advisories_app = typer.Typer(help="Import known vulnerabilities, for use without a network.")
target_app = typer.Typer(help="Show targets.")
mirror_app = typer.Typer(help="Maintain a static index: remove, yank, block or prune releases, and give the reason.")
app.add_typer(constraints_app, name="constraints")
app.add_typer(advisories_app, name="advisories")
app.add_typer(cache_app, name="cache")
app.add_typer(store_app, name="store")
app.add_typer(target_app, name="target")
app.add_typer(mirror_app, name="mirror")


def _print_version(is_requested: bool) -> None:
    """Print the release and end the command, if `--version` was given."""
    if is_requested:
        typer.echo(f"wheelhouse {__version__}")
        raise typer.Exit


@app.callback()
def _root(
    context: typer.Context,
    version: Annotated[
        bool, typer.Option("--version", "-V", callback=_print_version, is_eager=True, help="Print the version.")
    ] = False,
) -> None:
    """Without a command, print the help and end with the exit code of InputError."""
    if context.invoked_subcommand is None:
        typer.echo(context.get_help())
        raise typer.Exit(InputError.exit_code)
