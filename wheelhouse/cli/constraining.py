"""`constraints fetch` and `constraints compile`."""

from dataclasses import replace
from pathlib import Path
from typing import Annotated

import typer

from wheelhouse.cli.app import constraints_app
from wheelhouse.cli.command import Quiet, command
from wheelhouse.cli.machine import now
from wheelhouse.cli.output import say
from wheelhouse.cli.session import connected, listening, options, settings, supplied
from wheelhouse.config.options import CompileOptions, ConnectionOptions, ConstraintsSource, NetworkOptions


@command(constraints_app, "fetch")
def constraints_fetch(
    airflow: Annotated[str, typer.Option("--airflow", metavar="VERSION", help="The Airflow release.")],
    python: Annotated[
        list[str], typer.Option("--python", metavar="VERSION", help="The Python version: 3.12. May be repeated.")
    ],
    published: ConstraintsSource,
    network: NetworkOptions,
) -> None:
    """Fetch Airflow's official constraints into the folder constraints/, so that you can review and keep them.

    The command does not change a file that is already in this folder.
    """
    from wheelhouse.airflow import Airflow
    from wheelhouse.fetch.constraints import AIRFLOW_PUBLISHES, airflow_constraints
    from wheelhouse.fetch.gather import mode_of
    from wheelhouse.humanize import counted
    from wheelhouse.target.target import Python

    release, mode = Airflow.parse(airflow), mode_of(published.constraints_mode or "constraints")
    url = published.constraints_url or AIRFLOW_PUBLISHES
    with listening(quiet=False) as listener, connected(network, listener) as http:
        for text in python:
            minor = Python.parse(text).minor
            constraints = airflow_constraints(release, mode, minor, Path("constraints"), url, http, listener)
            say(f"{constraints.source}: {counted(len(constraints.lines), 'pin')}")


@command(constraints_app, "compile")
def constraints_compile(
    chosen: CompileOptions,
    network: ConnectionOptions,
    output: Annotated[
        Path | None,
        typer.Option(
            "--output",
            "-o",
            metavar="FILE",
            rich_help_panel="Output",
            help="The constraints file to write. With --airflow, the default is the file that `fetch --airflow` reads.",
        ),
    ] = None,
    quiet: Quiet = False,
) -> None:
    r"""Resolve requirements, and write the pins as a constraints file.

    \b
    wheelhouse constraints compile 'apache-airflow[celery]==2.10.5' --python 3.12 \
        --uploaded-prior-to 2025-02-11 -o constraints.txt
    wheelhouse constraints compile --airflow 3.3.2 --extra celery --python 3.12 --uploaded-prior-to 2026-08-14

    With --uploaded-prior-to TIME, only files that were uploaded before TIME are used. Options that you leave out are
    read from wheelhouse.toml, or from [tool.wheelhouse] of pyproject.toml.
    """
    from wheelhouse.fetch.constraints import compile_constraints, compiled_constraints_path
    from wheelhouse.fetch.gather import gather
    from wheelhouse.files.disk import write
    from wheelhouse.humanize import counted

    job_options = replace(options(settings(), chosen), uses_published=False)
    with (
        listening(quiet=quiet) as listener,
        supplied(job_options, network, listener) as (http, source),
    ):
        job = gather(job_options, http, now(), listener)
        output = output or compiled_constraints_path(job, job_options.constraints_folder)
        text = compile_constraints(job, source, listener)
    write(output.parent, output.name, text)
    if not quiet:
        count = text.count("==") - text.partition("\n")[0].count("==")
        say(f"{output}: {counted(count, 'pin')}")
