"""What a fleet costs that no machine here can hold, simulated from measured costs: `python -m benchmarks.scale [TEAMS [TARGETS]]`.

Each team takes projects of one catalogue, popular ones more often, for each target, and follows new releases at its own pace. Jobs
then pass through the stations of a machine: the interpreter (one core a process), all cores, the network, the disk. Each
station serves in the order of arrival. The night is over when the last job is. On a usual night every target is resolved again
(`--upgrade`), and a few files are new.
"""

import heapq
import random
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cache

GB, MB, HOUR = 1e9, 1e6, 3600.0


@dataclass(frozen=True)
class Costs:
    """Seconds of processor unless it says otherwise; where each was measured (docs/performance.md, benchmarks/fleet.py)."""

    resolve_pin: float = 0.14 / 70
    """One project of one target in the interpreter: 0.14 s for a target of 70 projects, all pages and metadata kept."""
    bring_file: float = 2.25 / 177
    """One new file with its page: (2.93 − 0.68) s for 177 files of 68 MB, download, hash and inspection."""
    place_file: float = 0.0003
    """One file into a wheelhouse, whatever its size."""
    place_mb: float = 0.0023
    """Copy and hash of a megabyte: 0.2 s for 177 files of 68 MB."""
    page_mb: float = 45 / 177
    """Megabytes of one page."""
    memory_base: float = 46
    memory_job: float = 0.35
    memory_page: float = 1.1
    """Megabytes of one process, of each job that is done, and of each project in memory."""


@dataclass(frozen=True)
class Fleet:
    """How many teams there are, and what each takes. Sizes in MB; shares between 0 and 1."""

    teams: int = 1000
    targets: int = 10
    projects: int = 300
    catalogue: int = 4000
    exponent: float = 0.8
    native: float = 0.3
    pure_mb: float = 0.15
    native_mb: float = 2.0
    keeps_up: float = 0.8
    """The share of teams that have the newest release of a project; each further release has the same share of the rest."""
    new_share: float = 0.03
    """The share of a catalogue's files that are new on one night."""


@dataclass(frozen=True)
class Machine:
    """`processes` share the cache, each with some of the jobs; `copies` is False if wheelhouses share blocks with the cache."""

    cores: int = 8
    processes: int = 1
    parallel: int = 4
    network_mb: float = 110
    disk_mb: float = 500
    copies: bool = True
    machines: int = 1


@dataclass(frozen=True)
class Night:
    """What a night took: hours, the busy share of each station, gigabytes of disk, network and memory."""

    hours: float
    busy: dict[str, float]
    disk_gb: float
    network_gb: float
    memory_gb: float
    files: int

    @property
    def first(self) -> str:
        """The station that is busiest: it saturates first."""
        return max(self.busy, key=lambda name: self.busy[name])


File = tuple[int, int, int]
"""A project, its release (0 is the newest), and the target of a native file; -1 for a pure one."""


@cache
def files_of_teams(fleet: Fleet) -> tuple[set[File], ...]:
    """The files of each team, the same in every scenario."""
    return tuple(_files_of_teams(fleet, random.Random(22)))


def _files_of_teams(fleet: Fleet, chooser: random.Random) -> Iterator[set[File]]:
    weights = [1 / (rank + 1) ** fleet.exponent for rank in range(fleet.catalogue)]
    is_native = [chooser.random() < fleet.native for _ in range(fleet.catalogue)]
    for _ in range(fleet.teams):
        chosen: dict[int, None] = {}
        while len(chosen) < fleet.projects:
            chosen.update(dict.fromkeys(chooser.choices(range(fleet.catalogue), weights, k=fleet.projects)))
        files: set[File] = set()
        for project in list(chosen)[: fleet.projects]:
            release = 0
            while chooser.random() > fleet.keeps_up:
                release += 1
            places = range(fleet.targets) if is_native[project] else (-1,)
            files.update((project, release, place) for place in places)
        yield files


def simulated(fleet: Fleet, machine: Machine, costs: Costs, *, is_first: bool) -> Night:
    """One night: the first, with an empty cache, or a usual one."""
    chooser = random.Random(23)
    brought: set[File] = set()
    jobs: list[list[tuple[str, float]]] = []
    disk = network = 0.0
    new_share = 1.0 if is_first else fleet.new_share
    for files in files_of_teams(fleet):
        fresh = [file for file in files - brought if chooser.random() < new_share]
        brought |= files
        fresh_mb, all_mb = (sum(_mb(fleet, file) for file in some) for some in (fresh, files))
        placed_mb = (all_mb if is_first else all_mb * fleet.new_share) if machine.copies else 0.0
        placed = len(files) * (1.0 if is_first else fleet.new_share)
        disk += all_mb if machine.copies else 0.0
        network += fresh_mb + len(fresh) * costs.page_mb
        jobs.append(
            [
                ("interpreter", fleet.targets * fleet.projects * costs.resolve_pin),
                ("network", (fresh_mb + len(fresh) * costs.page_mb) / machine.network_mb),
                ("cores", len(fresh) * costs.bring_file + placed * costs.place_file + placed_mb * costs.place_mb),
                ("disk", (fresh_mb + placed_mb) / machine.disk_mb),
            ]
        )
    stored_mb = sum(_mb(fleet, file) for file in brought)
    hours, busy = _run(jobs, machine)
    pages = min(fleet.catalogue, len({project for project, _, _ in brought}))
    memory = costs.memory_base + costs.memory_page * pages + costs.memory_job * fleet.teams / machine.processes
    return Night(
        hours,
        busy,
        (disk + stored_mb) * MB / GB,
        network * MB / GB,
        memory * machine.processes * MB / GB,
        len(brought),
    )


def _mb(fleet: Fleet, file: File) -> float:
    return fleet.pure_mb if file[2] < 0 else fleet.native_mb


def _run(jobs: Sequence[Sequence[tuple[str, float]]], machine: Machine) -> tuple[float, dict[str, float]]:
    """Hours until all jobs are done, and the share of them in which each station was busy."""
    servers = {
        "interpreter": machine.processes * machine.machines,
        "cores": machine.cores * machine.machines,
        "network": machine.machines,
        "disk": machine.machines,
    }
    free = {name: [0.0] * count for name, count in servers.items()}
    work = dict.fromkeys(servers, 0.0)
    places = machine.parallel * machine.processes * machine.machines
    waiting = [(0.0, number, 0) for number in range(min(places, len(jobs)))]
    following, end = iter(range(len(waiting), len(jobs))), 0.0
    while waiting:
        moment, number, step = heapq.heappop(waiting)
        if step == len(jobs[number]):
            end = max(end, moment)
            if (next_job := next(following, None)) is not None:
                heapq.heappush(waiting, (moment, next_job, 0))
            continue
        name, seconds = jobs[number][step]
        started = max(moment, heapq.heappop(free[name]))
        heapq.heappush(free[name], started + seconds)
        work[name] += seconds
        heapq.heappush(waiting, (started + seconds, number, step + 1))
    return end / HOUR, {name: work[name] / servers[name] / end for name in servers}


def scenarios(fleet: Fleet) -> Iterator[tuple[str, Fleet, Machine, bool]]:
    """What is compared: the fleet on one machine, and each knob."""
    one = Machine()
    eight = replace(one, processes=8)
    yield "40 teams, a usual night", replace(fleet, teams=40), one, False
    yield "the first night", fleet, one, True
    yield "a usual night", fleet, one, False
    yield "the first night, 8 processes", fleet, eight, True
    yield "a usual night, 8 processes", fleet, eight, False
    yield "the first night, 8 processes, no copies", fleet, replace(eight, copies=False), True
    yield "a usual night, 8 processes, no copies", fleet, replace(eight, copies=False), False
    yield "the first night, 4 such machines, no copies", fleet, replace(eight, copies=False, machines=4), True


def main(teams: int, targets: int) -> None:
    """Print a table of all scenarios."""
    print(
        "| | hours | first to saturate | interpreter | cores | network | disk | disk, GB | network, GB | memory, GB |"
    )
    print("| --- | ---: | --- | ---: | ---: | ---: | ---: | ---: | ---: | ---: |")
    for name, fleet, machine, is_first in scenarios(Fleet(teams=teams, targets=targets)):
        night = simulated(fleet, machine, Costs(), is_first=is_first)
        shares = " | ".join(f"{night.busy[one] * 100:.0f} %" for one in ("interpreter", "cores", "network", "disk"))
        sums = f"{night.disk_gb:,.0f} | {night.network_gb:,.1f} | {night.memory_gb:.1f}"
        print(f"| {name} | {night.hours:.2f} | {night.first} | {shares} | {sums} |")


if __name__ == "__main__":
    main(*map(int, [*sys.argv[1:], *("1000", "10")[len(sys.argv) - 1 :]]))
