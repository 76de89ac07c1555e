"""A pool of Dask workers that builds: `build --executor`, and what a worker runs for it."""

import ipaddress
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from wheelhouse import __version__
from wheelhouse.cli.session import options, settings, supplied
from wheelhouse.config.options import BuildingOptions, ConnectionOptions
from wheelhouse.errors import InputError, MachineError, ServerError
from wheelhouse.events import ignore

if TYPE_CHECKING:
    from concurrent.futures import Executor, Future

    from wheelhouse.build.remote_build import BuildAnswer, BuildTask, Submit
    from wheelhouse.target.target import Target

CONNECT_SECONDS, SCHEDULER_PORT = 15, 8786
TLS_HINT = (
    "name the certificates by Dask's own settings: DASK_DISTRIBUTED__COMM__TLS__CA_FILE, "
    "DASK_DISTRIBUTED__COMM__TLS__CLIENT__CERT and DASK_DISTRIBUTED__COMM__TLS__CLIENT__KEY"
)


@contextmanager
def connected_pool(address: str, building: BuildingOptions) -> "Iterator[Submit]":
    """Gives builds to the workers of the scheduler at an address. Raises InputError, ServerError, MachineError."""
    must_be_safe(address)
    client = _client(address)
    try:
        resources = _resources(client)
        executors: dict[str, Executor] = {}

        def submit(task: "BuildTask") -> "Future[BuildAnswer]":
            name = resource_of(task.target)
            if name not in executors:
                executors[name] = client.get_executor(pure=False, **_required(name, resources))
            return executors[name].submit(build_on_worker, task, replace(building, interpreter=()))

        yield submit
    finally:
        client.close()


def must_be_safe(address: str) -> None:
    """Raise InputError for an address that is none, or that is spoken to without TLS and is not on this machine.

    Dask runs what a scheduler sends, on the workers and, when an answer is read, here.
    """
    parts = urlsplit(address)
    if parts.scheme not in ("tcp", "tls") or not parts.hostname:
        raise InputError(f"`{address}` is not the address of a scheduler", hint="write tls://HOST:8786")
    if parts.scheme == "tcp" and not _is_loopback(parts.hostname):
        hint = f"use tls://{parts.netloc}; {TLS_HINT}"
        raise InputError(
            f"the scheduler at {parts.hostname} is not on this machine, and tcp: has no certificates", hint=hint
        )


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def resource_of(target: "Target") -> str:
    """The resource that a worker for a target has: `linux_aarch64`, `macos_arm64`, `windows_amd64`."""
    tag = target.platform.tags[-1]
    return tag.replace("macosx", "macos")


def _client(address: str) -> Any:  # noqa: ANN401  (Dask has no types)
    try:
        import distributed
    except ImportError as error:
        from wheelhouse.extras import install_command

        hint = f"install it with: {install_command('dask')}"
        raise MachineError("--executor needs the project `distributed`, which is not installed", hint=hint) from error
    if address.startswith("tls:") and distributed.Security().get_connection_args("client")["ssl_context"] is None:
        raise InputError(f"there are no certificates for {address}", hint=TLS_HINT)
    _must_answer(address)
    try:
        return distributed.Client(address, timeout=CONNECT_SECONDS, set_as_default=False)
    except (OSError, RuntimeError, TypeError) as error:
        raise ServerError(f"no scheduler answers at {address}", hint="check --executor") from error


def _must_answer(address: str) -> None:
    """Raise ServerError if nothing listens at an address: Dask's client would try for long, and print its own error."""
    parts = urlsplit(address)
    try:
        socket.create_connection((parts.hostname, parts.port or SCHEDULER_PORT), CONNECT_SECONDS).close()
    except OSError as error:
        raise ServerError(
            f"no scheduler answers at {address}: {error.strerror or error}", hint="check --executor"
        ) from error


def _resources(client: Any) -> frozenset[str]:  # noqa: ANN401
    """The resources that any worker has. Raises ServerError if there is no worker, or if one has another wheelhouse."""
    versions = client.run(version_of_worker, on_error="return")
    if not versions:
        raise ServerError("the scheduler has no workers", hint="start some: `dask worker ADDRESS`")
    for worker, version in versions.items():
        if version != __version__:
            found = version if isinstance(version, str) else "no wheelhouse"
            raise ServerError(
                f"the worker {worker} has {found}, where {__version__} is needed",
                hint="install the same release on all",
            )
    workers = client.scheduler_info(n_workers=-1)["workers"].values()
    return frozenset(name for worker in workers for name in worker["resources"])


def _required(name: str, resources: frozenset[str]) -> dict[str, Any]:
    """What a task requires of its worker: nothing if no worker has the resource of a platform. Raises MachineError."""
    platforms = {resource for resource in resources if resource.partition("_")[0] in ("linux", "macos", "windows")}
    if not platforms:
        return {}
    if name not in platforms:
        hint = f"start one with `dask worker ADDRESS --resources {name}=1`"
        raise MachineError(f"no worker has the resource {name}", hint=hint)
    return {"resources": {name: 1}}


def version_of_worker() -> str:
    """Run by a worker: its release of wheelhouse."""
    return __version__


def build_on_worker(task: "BuildTask", building: BuildingOptions) -> "BuildAnswer":
    """Run by a worker: build with the settings, the cache, the indexes and the credentials of its own machine."""
    from wheelhouse.build.remote_build import run_task
    from wheelhouse.cli.build_location import location_of
    from wheelhouse.index.locations import as_options

    chosen = options(settings())
    if not (chosen.indexes or chosen.find_links or chosen.no_index or chosen.pip.values):
        chosen = replace(chosen, **as_options(task.locations))
    with supplied(chosen, ConnectionOptions(), ignore) as (_, source):
        return run_task(task, location_of(building), source)
