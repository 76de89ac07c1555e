"""Where builds run, as the options and the environment of this machine say: of a command, or of a worker of a pool."""

import os
from typing import TYPE_CHECKING

from wheelhouse.cli.machine import interpreter_places, named_interpreters
from wheelhouse.config.options import BuildingOptions

if TYPE_CHECKING:
    from wheelhouse.sandbox.builder import BuildLocation


def location_of(building: BuildingOptions) -> "BuildLocation":
    """Where this machine builds: the interpreters, the image and the limits that the options name.

    Nothing is looked for yet but interpreters that are named: raises MachineError for a bare name that is not on PATH.
    """
    from wheelhouse.sandbox.builder import BuildLocation
    from wheelhouse.sandbox.sandbox import Limits

    engine = {
        name: value for name, value in os.environ.items() if name in ("PATH", "HOME") or name.startswith("DOCKER_")
    }
    return BuildLocation(
        places=interpreter_places(),
        named=named_interpreters(building.interpreter),
        image=building.in_image,
        unsealed=building.unsealed,
        engine=engine,
        limits=Limits(seconds=60 * building.build_minutes, memory=int(building.build_memory * (1 << 30))),
    )
