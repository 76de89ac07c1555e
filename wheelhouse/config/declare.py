"""How an option is declared: once, for the command line, `wheelhouse.toml` and the environment (pure)."""

import dataclasses
from collections.abc import Callable, Mapping
from enum import Enum
from typing import Any, TypeVar

Texts = tuple[str, ...]
"""The values of an option that may be repeated; an array of strings in `wheelhouse.toml`."""
Value = TypeVar("Value")
KEY = "option"


class Scope(Enum):
    """Where an option may be written, and when the settings file's value counts."""

    RUN = "the command line and the environment only"
    JOB = "also the settings file; its value counts only if the command line does not name what to fetch"
    ALWAYS = "also the settings file; its value always counts"


@dataclasses.dataclass(frozen=True, kw_only=True)
class Option:
    """One option: its spellings (none: an argument, or a key of the settings file alone), its help and its bounds.

    `names_job` says that it names what to fetch. `by_index` says that each value belongs to the index that it names
    (`NAME=…`), and that the settings file has it in the tables `[indexes.NAME]`. `in_table` says that the settings file has
    it in a table, under another name.
    """

    help: str
    spellings: Texts = ()
    metavar: str | None = None
    environment: str | None = None
    scope: Scope = Scope.RUN
    minimum: float | None = None
    maximum: float | None = None
    names_job: bool = False
    by_index: bool = False
    in_table: bool = False

    @property
    def is_key(self) -> bool:
        """Whether its name is a key of the settings file."""
        return self.scope is not Scope.RUN and not self.by_index and not self.in_table

    @property
    def is_typed(self) -> bool:
        """Whether the command line has it, as an option or as an argument."""
        return bool(self.spellings or self.metavar)


def option(*spellings: str, default: Any = (), **facts: Any) -> Any:  # noqa: ANN401  (as `dataclasses.field` does)
    """A field of a dataclass that declares an option. `facts` are fields of `Option`. Its default is an empty tuple if none is given."""
    return dataclasses.field(default=default, metadata={KEY: Option(spellings=spellings, **facts)})


def declared(group: type) -> dict[str, Option]:
    """The options of a group (a dataclass) and its bases, by the names of their fields. Other fields are left out."""
    return {field.name: field.metadata[KEY] for field in dataclasses.fields(group) if KEY in field.metadata}


def heading_of(group: type, name: str) -> str:
    """The heading of the help under which an option stands: that of the nearest class that has both a HEADING of its own and the
    option, its own or inherited.

    Raises StopIteration if there is none.
    """
    return next(
        str(vars(base)["HEADING"]) for base in group.__mro__ if "HEADING" in vars(base) and name in declared(base)
    )


def given(*groups: Any) -> dict[str, Any]:  # noqa: ANN401  (instances of any group)
    """The values of these groups that differ from the default of their option, by field name: what the user gave.

    Options that the command line does not have are left out.
    """
    return {
        field.name: getattr(group, field.name)
        for group in groups
        for field in dataclasses.fields(group)
        if KEY in field.metadata and field.metadata[KEY].is_typed and getattr(group, field.name) != field.default
    }


def merged(
    kind: type,
    from_file: Mapping[str, Any],
    from_command: Mapping[str, Any],
    index_name: Callable[[str], str],
) -> dict[str, Any]:
    """The values that count for a group, by field name: the command line's value of an option, else that of the settings file.

    If the command line names what to fetch, the file's job does not count, but its options of `Scope.ALWAYS` do. Values of an
    option that is `by_index` replace those of the same index only, and come first; `index_name` tells the index of a value.
    Names that are no option of the group are left out.
    """
    options = declared(kind)
    has_own_job = names_job(kind, from_command)
    values = {
        name: value
        for name, value in from_file.items()
        if name in options and (options[name].scope is Scope.ALWAYS or not has_own_job)
    }
    for name, value in from_command.items():
        if name in options:
            replaced = {index_name(text) for text in value} if options[name].by_index else None
            kept = (
                () if replaced is None else [text for text in values.get(name, ()) if index_name(text) not in replaced]
            )
            values[name] = (*value, *kept) if options[name].by_index else value
    return values


def names_job(kind: type, from_command: Mapping[str, Any]) -> bool:
    """Whether one of these options, by field name, names what to fetch (`Option.names_job`)."""
    options = declared(kind)
    return any(name in options and options[name].names_job for name in from_command)
