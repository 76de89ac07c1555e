"""Keeps the commands that typer makes of the app: with every module of commands imported, as in a run of tests, that takes 30 ms.

`wheelhouse` imports one module of commands in a run, and makes them once.
"""

from functools import cache

import typer.main

from wheelhouse.cli import entry


def keep_commands() -> None:
    """From now on in this process, let runs make the commands of the app again only if it has got more."""
    entry.get_command = lambda app: _kept(app, _count(app))


@cache
def _kept(app: typer.Typer, _number: int) -> "typer.main.Command":
    return typer.main.get_command(app)


def _count(app: typer.Typer) -> int:
    """The number of commands of an app and of its groups."""
    groups = (group.typer_instance for group in app.registered_groups)
    return len(app.registered_commands) + sum(_count(group) for group in groups if group)
