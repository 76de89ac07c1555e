"""`doctor`."""

import os
import tempfile
from dataclasses import replace
from pathlib import Path

import typer

from wheelhouse.cli.app import app
from wheelhouse.cli.command import Json, Quiet, command
from wheelhouse.cli.machine import cache_folder, engine_environment, interpreter_places, now
from wheelhouse.cli.output import say, say_json
from wheelhouse.cli.session import connected, index_locations, listening, options, proxies_of, settings
from wheelhouse.config.options import ConnectionOptions, IndexOptions

MOST_SECONDS = 5.0
"""How long a server may take to answer here."""


@command(app)
def doctor(index: IndexOptions, network: ConnectionOptions, as_json: Json = False, quiet: Quiet = False) -> None:
    """Check what wheelhouse can use on this machine, and show how to install what is missing.

    The command tries the sandboxes, the container engines, the index, the proxy and the folders. It lists Python
    interpreters, extras of wheelhouse, and programs. A "missing" item affects only the commands that need it. The exit code
    is 1 if something is set up on this machine but does not work.
    """
    from wheelhouse.doctor.diagnosis import State
    from wheelhouse.doctor.doctor import Machine, diagnosed
    from wheelhouse.report.diagnosis_lines import diagnosis_document, diagnosis_lines

    chosen = options(settings(), index)
    brief = replace(network, retries=0, timeout=min(network.timeout, MOST_SECONDS))
    machine = Machine(
        os.environ,
        cache_folder(network.cache_dir),
        Path(tempfile.gettempdir()),
        Path.cwd(),
        interpreter_places(),
        proxies_of(chosen.pip.values),
        engine_environment(),
        now,
    )
    with listening(quiet=True) as listener, connected(brief, listener, chosen.pip) as http:
        checks = diagnosed(machine, http, index_locations(chosen))
    if as_json:
        say_json(diagnosis_document(checks))
    else:
        say(*diagnosis_lines(checks, quiet=quiet))
    if any(check.state is State.BROKEN for check in checks):
        raise typer.Exit(1)
