"""The release that `--airflow` names, and the Dockerfile of its image build, if `--dockerfile` names one."""

from pathlib import Path

from wheelhouse.airflow import Airflow
from wheelhouse.airflow.own_dockerfile import with_own_dockerfile
from wheelhouse.config.options import FetchOptions
from wheelhouse.errors import InputError
from wheelhouse.files.disk import read_text


def airflow_of(options: FetchOptions) -> Airflow | None:
    """The release of `--airflow`, with what its Dockerfile says if `--dockerfile` names one; None if neither option is given.

    Raises InputError for a text that is no release, for --dockerfile without --airflow, and for a Dockerfile that cannot be
    read or is not Airflow's own.
    """
    airflow = Airflow.parse(options.airflow) if options.airflow else None
    if options.dockerfile is None:
        return airflow
    if airflow is None:
        raise InputError("--dockerfile goes with --airflow", hint="name the release: --airflow 2.10.5")
    path = Path(options.dockerfile)
    own = with_own_dockerfile(airflow, read_text(path, "the Dockerfile"), f"`{path}`")
    if own is None:
        raise InputError(
            f"`{path}` is not Airflow's own Dockerfile",
            hint="name the Dockerfile in a checkout of Airflow's sources; for any other Dockerfile, use `wheelhouse stage --dockerfile`",
        )
    return own
