"""What a compiled file needs of the system that loads it (pure)."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Native:
    """An ELF file: `needs` are the libraries that it links to, `search` the folders of its RPATH and RUNPATH.

    `machine` is the processor, as `x86_64`, or empty if the file cannot be read. `program` says whether it can be executed.
    """

    machine: str
    needs: tuple[str, ...] = ()
    search: tuple[str, ...] = ()
    program: bool = False
