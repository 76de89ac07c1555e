"""`constraints fetch` and `constraints compile`."""

from pathlib import Path
from typing import Annotated

import typer

from wheelhouse.cli.app import constraints_app
from wheelhouse.cli.options import (
    ChoosingOptions,
    ConnectionOptions,
    ConstraintsSource,
    NetworkOptions,
    Quiet,
    TargetOptions,
    WhatToFetch,
    grouped,
)
from wheelhouse.cli.session import connected, listening, now, options, say, settings, supplied


@constraints_app.command("fetch")
@grouped
def constraints_fetch(
    airflow: Annotated[str, typer.Option("--airflow", metavar="VERSION", help="The Airflow release.")],
    python: Annotated[list[str], typer.Option("--python", metavar="VERSION", help="May be repeated.")],
    published: ConstraintsSource,
    network: NetworkOptions,
) -> None:
    """Fetch Airflow's official constraints into constraints/, to be reviewed and kept."""
    from wheelhouse.airflow import Airflow
    from wheelhouse.fetch.constraints import AIRFLOW_PUBLISHES, airflow_constraints
    from wheelhouse.fetch.gather import mode_of
    from wheelhouse.target.target import Python

    release, mode = Airflow.parse(airflow), mode_of(published.constraints_mode or "constraints")
    url = published.constraints_url or AIRFLOW_PUBLISHES
    with listening(quiet=False) as listener, connected(network, listener) as http:
        for text in python:
            minor = Python.parse(text).minor
            found = airflow_constraints(release, mode, minor, Path("constraints"), url, http, listener)
            say(f"{found.source}: {len(found.lines)} pins")


@constraints_app.command("compile")
@grouped
def constraints_compile(
    output: Annotated[Path, typer.Option("--output", "-o", metavar="FILE", help="The constraints file to write.")],
    asked: WhatToFetch,
    targeted: TargetOptions,
    chosen: ChoosingOptions,
    network: ConnectionOptions,
    quiet: Quiet = False,
) -> None:
    r"""Make a constraints file from requirements, as they would have resolved on a day.

    \b
    wheelhouse constraints compile 'apache-airflow[celery]==2.10.5' --python 3.12 \
        --uploaded-prior-to 2025-02-11 -o constraints/airflow-2.10.5/constraints-3.12.txt
    """
    from wheelhouse.fetch.constraints import compile_constraints
    from wheelhouse.fetch.gather import gather
    from wheelhouse.files.disk import write

    wanted = options(settings(), asked, targeted, chosen)
    with (
        listening(quiet=quiet) as listener,
        supplied(wanted, network, listener) as (http, supply),
    ):
        text = compile_constraints(gather(wanted, http, now(), listener), supply, listener)
    write(output.parent, output.name, text)
    if not quiet:
        say(f"{output}: {text.count('==') - text.partition(chr(10))[0].count('==')} pins")
