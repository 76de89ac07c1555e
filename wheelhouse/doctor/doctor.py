"""All checks of this machine, at the same time; each group in its order."""

from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from wheelhouse.doctor import host, isolation, network, secrets
from wheelhouse.doctor.diagnosis import Check
from wheelhouse.index.http import Http
from wheelhouse.index.locations import IndexLocation
from wheelhouse.target.interpreters import InterpreterPlaces


@dataclass(frozen=True, slots=True)
class Machine:
    """What the command line knows of this machine: its environment, where the cache and temporary files are, its Pythons, its clock."""

    environment: Mapping[str, str]
    cache: Path | None
    scratch: Path
    here: Path
    places: InterpreterPlaces
    proxies: Mapping[str, str]
    engine: Mapping[str, str]
    now: Callable[[], datetime]


def diagnosed(machine: Machine, http: Http, locations: Iterable[IndexLocation]) -> list[Check]:
    """The results of all checks. The groups run at the same time, and their results come in the order below.

    This takes as long as the slowest group, mostly a server that does not answer. Raises MachineError if the Python that
    runs wheelhouse cannot be run.
    """
    path = machine.places.path
    groups: tuple[Callable[[], Iterable[Check]], ...] = (
        lambda: [host.python_check()],
        lambda: host.folder_checks(machine.cache, machine.scratch, machine.here),
        lambda: network.proxy_checks(machine.proxies),
        lambda: network.index_checks(http, locations, machine.now),
        isolation.sandbox_checks,
        lambda: isolation.engine_checks(machine.engine),
        lambda: host.interpreter_checks(machine.places),
        host.extra_checks,
        lambda: [secrets.keyring_check(path), secrets.agent_check(machine.environment)],
        lambda: host.program_checks(path),
    )
    with ThreadPoolExecutor(len(groups)) as threads:
        return [check for checks in threads.map(lambda group: list(group()), groups) for check in checks]
