"""A pool of Dask workers: `build --executor`, `vet --executor`, and what a worker runs for them."""

import ipaddress
import socket
import uuid
from collections.abc import Callable, Iterator
from concurrent.futures import CancelledError, Future
from contextlib import contextmanager
from dataclasses import replace
from typing import TYPE_CHECKING, Any, TypeVar
from urllib.parse import urlsplit

from wheelhouse import __version__
from wheelhouse.cli.session import options, settings, supplied
from wheelhouse.config.options import BuildingOptions, ConnectionOptions
from wheelhouse.errors import InputError, MachineError, ServerError
from wheelhouse.events import ignore
from wheelhouse.humanize import counted

if TYPE_CHECKING:
    from wheelhouse.build.remote_build import BuildAnswer, BuildTask, Submit
    from wheelhouse.target.target import Target

T = TypeVar("T")
CONNECT_SECONDS, SCHEDULER_PORT = 15, 8786
SYSTEMS = {"Linux": "linux", "Darwin": "macos", "Windows": "windows"}
"""What the name of a resource starts with, by the system of the target."""
MAX_STARTS = 2
"""How often a task is started: once more if the worker of its first start dies."""
MAX_TASK_MB = 1024
"""How large a task may be before Dask warns of it: a task has the bytes of a file."""
TLS_HINT = (
    "name the certificates in Dask's own settings: DASK_DISTRIBUTED__COMM__TLS__CA_FILE, "
    "DASK_DISTRIBUTED__COMM__TLS__CLIENT__CERT and DASK_DISTRIBUTED__COMM__TLS__CLIENT__KEY"
)


class Pool:
    """The workers of a scheduler. Each task has the interface of `concurrent.futures`."""

    def __init__(self, client: Any, resources: frozenset[str]) -> None:  # noqa: ANN401  (Dask has no types)
        self._client, self._resources = client, resources

    @property
    def threads(self) -> int:
        """How many tasks all workers together do at a time."""
        return sum(self._client.nthreads().values())

    def submit(
        self, work: Callable[..., T], *arguments: object, resource: str = "", starts: int = MAX_STARTS
    ) -> "Future[T]":
        """Give a task to a worker, and return its future. If workers name resources of platforms, the worker has `resource`;
        without one, any worker does the task.

        Raises MachineError if none of these had it when the pool was connected. After `starts` starts that the task did not
        survive, it fails with ServerError. Dask itself gives up a task after four deaths of the worker that it waits at,
        started or not: such a task is given to it again.
        """
        required = _required(resource, self._resources) if resource else {}
        name, answer = uuid.uuid4().hex, Future[T]()

        def start() -> None:
            """Give the task to Dask; `settle` gets what becomes of it."""
            task = self._client.submit(started_on_worker, name, starts, work, *arguments, pure=False, **required)
            self._client.loop.add_callback(settle, task)

        async def settle(task: Any) -> None:  # noqa: ANN401
            """Start the task again if Dask gave it up, else pass its result or error on.

            The executor of Dask would lose the answer of a task whose worker dies after the task, if the task then fails.
            """
            try:
                result = await self._client.gather(task, asynchronous=True)
            except CancelledError:
                answer.cancel()
            except Exception as error:  # whatever the task or Dask raises
                if type(error).__name__ == "KilledWorker":
                    start()
                else:
                    answer.set_exception(error)
            else:
                answer.set_result(result)

        start()
        return answer


@contextmanager
def connected_pool(address: str) -> "Iterator[Pool]":
    """The workers of the scheduler at an address, until the block ends.

    Raises InputError for the address, ServerError for the scheduler and its workers, MachineError without Dask.
    """
    must_be_safe(address)
    client = _client(address)
    try:
        yield Pool(client, _resources(client))
    finally:
        client.close()


def builds_in(pool: Pool, building: BuildingOptions) -> "Submit":
    """A function that gives a build to a worker of a pool for its target. Interpreters that options name are not passed on."""
    own = replace(building, interpreter=())
    return lambda task: pool.submit(build_on_worker, task, own, resource=resource_of(task.target))


def must_be_safe(address: str) -> None:
    """Raise InputError for an address that is none, or that is spoken to without TLS and is not on this machine.

    Dask runs what a scheduler sends, on the workers and, when an answer is read, here.
    """
    try:
        parts = urlsplit(address)
        host = parts.hostname if parts.port != 0 else None
        (host or "").encode("idna")  # as a socket does, with a UnicodeError for a label that is empty or too long
    except ValueError:
        parts, host = urlsplit(""), None
    if parts.scheme not in ("tcp", "tls") or not host:
        raise InputError(f"`{address}` is not the address of a scheduler", hint="write tls://HOST:8786")
    if parts.scheme == "tcp" and not _is_loopback(host):
        hint = f"use tls://{parts.netloc}; {TLS_HINT}"
        raise InputError(
            f"the scheduler at {host} is on another machine, but a tcp: address uses no certificates",
            hint=hint,
        )


def _is_loopback(host: str) -> bool:
    """Whether a host is this machine: a loopback address, or `localhost`. Other names are not looked up."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def resource_of(target: "Target") -> str:
    """The name of the resource that a worker for a target has: `linux_aarch64`, `macos_arm64`, `windows_amd64`."""
    return f"{SYSTEMS[target.platform.system]}_{target.platform.machine.lower()}"


def _client(address: str) -> Any:  # noqa: ANN401  (Dask has no types)
    """Dask's client of the scheduler at an address. Raises Dask's limit for large tasks in this process, to MAX_TASK_MB.
    Raises MachineError if Dask is not installed, InputError for TLS without certificates, ServerError if no scheduler answers.
    """
    try:
        import dask
        import distributed
    except ImportError as error:
        from wheelhouse.extras import install_command

        hint = f"install it with: {install_command('dask')}"
        raise MachineError("--executor needs the project `distributed`, which is not installed", hint=hint) from error
    if address.startswith("tls:") and distributed.Security().get_connection_args("client")["ssl_context"] is None:
        raise InputError(f"there are no certificates for {address}", hint=TLS_HINT)
    _must_answer(address)
    dask.config.set({"distributed.admin.large-graph-warning-threshold": f"{MAX_TASK_MB}MB"})
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
    """The names of the resources that any worker has. Raises ServerError if there is no worker, or if one has another wheelhouse.

    A worker that dies meanwhile, or cannot be reached, does not count.
    """
    answers = client.run(version_of_worker, on_error="return")
    versions = {worker: answer for worker, answer in answers.items() if not isinstance(answer, OSError)}  # it died
    if not versions:
        raise ServerError("the scheduler has no workers", hint="start workers: `dask worker ADDRESS`")
    for worker, version in versions.items():
        if version != __version__:
            found = f"wheelhouse {version}" if isinstance(version, str) else "no wheelhouse"
            raise ServerError(
                f"the worker {worker} has {found}, but must have wheelhouse {__version__}",
                hint="install the same release on all workers",
            )
    workers = client.scheduler_info(n_workers=-1)["workers"].values()
    return frozenset(name for worker in workers for name in worker["resources"])


def _required(name: str, resources: frozenset[str]) -> dict[str, Any]:
    """What a task requires of its worker, as Dask takes it: one of the resource `name`, or nothing if no worker has that of a platform.

    Raises MachineError if workers have resources of platforms, and none has this one.
    """
    platforms = {resource for resource in resources if resource.partition("_")[0] in SYSTEMS.values()}
    if not platforms:
        return {}
    if name not in platforms:
        hint = f"start a worker with this resource: `dask worker ADDRESS --resources {name}=1`"
        raise MachineError(f"no worker has the resource {name}", hint=hint)
    return {"resources": {name: 1}}


def version_of_worker() -> str:
    """Run by a worker: its release of wheelhouse."""
    return __version__


def started_on_worker(name: str, max_starts: int, work: Callable[..., T], *arguments: object) -> T:
    """Run by a worker: a task, unless it was started so often that it must be what its workers died of. Raises ServerError.

    The scheduler keeps the number of starts, so each worker knows it. A start that the task survived does not count: if the worker
    dies before it sent the result, Dask starts the task again.
    """
    from distributed import get_client

    client, key = get_client(), ["wheelhouse", name]
    starts = client.get_metadata(key, 0)
    if starts == max_starts:
        raise ServerError(f"{counted(starts, 'worker')} died during this task", hint="see the logs of the workers")
    client.set_metadata(key, starts + 1)
    result = work(*arguments)
    client.set_metadata(key, starts)
    return result


def build_on_worker(task: "BuildTask", building: BuildingOptions) -> "BuildAnswer":
    """Run by a worker: build a task's sdist with the settings, the cache, the indexes and the credentials of its own machine.

    If these name no index, those of the task are used.
    """
    from wheelhouse.build.remote_build import run_task
    from wheelhouse.cli.build_location import location_of
    from wheelhouse.index.locations import as_options

    chosen = options(settings())
    if not (chosen.indexes or chosen.find_links or chosen.no_index or chosen.pip.values):
        chosen = replace(chosen, **as_options(task.locations))
    with supplied(chosen, ConnectionOptions(), ignore) as (_, source):
        return run_task(task, location_of(building), source)
