"""`fetch --whole-image`: the base image and the Debian packages that a release's image build needs, as options."""

from dataclasses import replace

from wheelhouse.airflow import Airflow
from wheelhouse.airflow.apt_lists import FIRST, apt_lists
from wheelhouse.errors import InputError
from wheelhouse.fetch.airflow_release import airflow_of
from wheelhouse.fetch.gather import Options
from wheelhouse.target.target import Python


def with_whole_image(options: Options) -> Options:
    """The options with the release's base image, unless another is named, and its Debian lists, to which the user's own are added.

    Raises InputError without --airflow, for a release whose Dockerfile cannot be built so, and unless one Python, which
    Airflow's own Dockerfile may give, or a base image is given.
    """
    airflow = airflow_of(options)
    if airflow is None:
        raise InputError("--whole-image goes with --airflow", hint="name the release: --airflow 2.10.5")
    if airflow.version < FIRST:
        raise InputError(
            f"the Dockerfile of Airflow {airflow.version} cannot build the image without network: --whole-image "
            f"needs Airflow {FIRST} or newer"
        )
    lists = apt_lists(airflow, options.without)
    own_python = (airflow.own.python,) if airflow.own and airflow.own.python else ()
    named = {name: (*lists.get(name, ()), *requests) for name, requests in options.deb_lists.items()}
    return replace(
        options,
        base_image=options.base_image or _base_image(airflow, options.python or own_python),
        deb_lists=lists | named,
    )


def _base_image(airflow: Airflow, pythons: tuple[str, ...]) -> str:
    """The name of the official image with the only Python of the job. Raises InputError unless there is exactly one; patch
    releases of one minor version are one.
    """
    minors = {Python.parse(text).minor for text in pythons}
    if len(minors) != 1:
        raise InputError(
            f"an image has one Python version, but {f'{len(minors)} were' if minors else 'none was'} requested",
            hint="add --python 3.12, or --base-image NAME",
        )
    return airflow.whole_base_image(minors.pop())
