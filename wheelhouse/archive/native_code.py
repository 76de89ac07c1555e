"""What a compiled file asks of the system that loads it (pure)."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Native:
    """What an ELF file asks for: the libraries that it links to, and where it has them looked for.

    `machine` is the processor, as `x86_64`, empty where the file cannot be read; `program` says that it can be started.
    """

    machine: str
    needs: tuple[str, ...] = ()
    search: tuple[str, ...] = ()
    program: bool = False
