"""Records of Debian packages, from `Packages` of an archive and from dpkg's `status` (pure).

A `Packages` of Debian has 63,000 records in 50 MB. Only names and `Provides` are read from all of them; a record is
parsed when it is asked for.
"""

import re
from collections.abc import Iterator
from functools import cached_property
from itertools import chain

from wheelhouse.debian.deb_version import VersionKey, is_version, version_key
from wheelhouse.debian.relations import Alternatives, Relation, parse_relations
from wheelhouse.errors import IntegrityError

FIELD = re.compile(r"^([A-Za-z][A-Za-z0-9-]*):[ \t]*(.*(?:\n[ \t].*)*)", re.MULTILINE)
INDEXED = re.compile(r"^(Package|Provides):[ \t]*(.*(?:\n[ \t].*)*)", re.MULTILINE)
PROVIDED_NAME = re.compile(r"(?:^|,)\s*([A-Za-z0-9][A-Za-z0-9+._-]*)")
RELATION_LINE = re.compile(
    r"(?:Package|Pre-Depends|Depends|Conflicts|Breaks|Recommends|Suggests|Replaces|Enhances|Provides):(?:.*[ ,|])?\Z"
)
NAME_GOES_ON = re.compile(r"[A-Za-z0-9+._-]")
PRIORITIES = ("required", "important", "standard", "optional", "extra")
SOURCE = re.compile(r"(\S+)(?:\s+\(([^)]+)\))?")


def parse_stanza(text: str) -> dict[str, str]:
    """The fields of one record, by their names in lower case; values without space around them.

    Continuation lines keep their line ends. Other lines are left out; of two fields of one name the last one counts.
    """
    return {name.lower(): value.strip() for name, value in FIELD.findall(text)}


def stanzas(text: str) -> Iterator[dict[str, str]]:
    """The fields of each record of a control file, as `parse_stanza` gives them; records without fields are left out.

    Empty lines, also of blanks, separate records; only a line feed ends a line.
    """
    return (fields for part in re.split(r"\n[ \t]*\n", text) if (fields := parse_stanza(part)))


class DebPackage:
    """One version of a package. `origin` is the suite's number in the order of the sources; -1 for an installed package."""

    def __init__(self, fields: dict[str, str], origin: int) -> None:
        self.fields, self.origin = fields, origin
        self.name, self.version = fields["package"], fields["version"]

    def __repr__(self) -> str:
        """For debugging."""
        return f"<{self.name} {self.version}>"

    @property
    def architecture(self) -> str:
        """The architecture, or `all`; empty if the record has none."""
        return self.fields.get("architecture", "")

    @property
    def is_essential(self) -> bool:
        """Whether it is marked `Essential: yes`: dpkg refuses to remove it."""
        return self.fields.get("essential") == "yes"

    @property
    def is_important(self) -> bool:
        """Whether it is marked `Protected` or, as older archives write it, `Important`."""
        return "yes" in (self.fields.get("protected"), self.fields.get("important"))

    @property
    def is_same(self) -> bool:
        """Whether several architectures of it can be installed together (`Multi-Arch: same`)."""
        return self.fields.get("multi-arch") == "same"

    @property
    def priority(self) -> int:
        """The place of its priority in PRIORITIES: 0 is `required`; 5 is an unknown one."""
        name = self.fields.get("priority", "")
        return PRIORITIES.index(name) if name in PRIORITIES else len(PRIORITIES)

    @property
    def source(self) -> tuple[str, str]:
        """(name, version) of its source package; its own if the record names none."""
        match = SOURCE.match(self.fields.get("source", ""))
        return (match[1], match[2] or self.version) if match else (self.name, self.version)

    @property
    def key(self) -> VersionKey:
        """A sort key of its version, in dpkg's order. Raises ValueError as `version_key` does."""
        return version_key(self.version)

    @cached_property
    def depends(self) -> tuple[Alternatives, ...]:
        """Its Pre-Depends, then its Depends: of each group one must be installed with it. Raises IntegrityError."""
        return tuple(chain(*(self._relations(name) for name in ("pre-depends", "depends"))))

    @cached_property
    def excludes(self) -> tuple[Relation, ...]:
        """Its Conflicts, then its Breaks: what must not be installed with it. Raises IntegrityError."""
        return tuple(chain(*chain(*(self._relations(name) for name in ("conflicts", "breaks")))))

    @cached_property
    def provides(self) -> tuple[Relation, ...]:
        """Its Provides: the virtual packages that it is, whatever operator a versioned one has. Raises IntegrityError."""
        return tuple(chain(*self._relations("provides")))

    def _relations(self, field: str) -> tuple[Alternatives, ...]:
        """The groups of a field, named in lower case; none if the record lacks it. Raises IntegrityError."""
        try:
            return parse_relations(self.fields.get(field, ""))
        except ValueError as error:
            raise IntegrityError(f"the record of `{self.name}` {self.version}: `{field}`: {error}") from error

    def satisfies(self, relation: Relation) -> bool:
        """Whether its name and version, or one of its virtual packages, satisfy a relation. Architectures are not compared.

        Its virtual packages do not count if the relation has its own name. Raises IntegrityError as `provides` does.
        """
        if self.name == relation.name:
            return relation.allows(self.version)
        return any(relation.name == virtual.name and relation.allows(virtual.version) for virtual in self.provides)


class PackageRecords:
    """The records of one file, found by name or by the virtual packages that they provide."""

    def __init__(self, text: str, origin: int) -> None:
        self._text, self._origin = text, origin
        self._starts: dict[str, list[int]] = {}
        self._provided: dict[str, list[int]] = {}
        self._parsed: dict[int, DebPackage | None] = {}
        for match in INDEXED.finditer(text):
            start = text.rfind("\n\n", 0, match.start()) + 1
            names = [match[2].strip()] if match[1] == "Package" else PROVIDED_NAME.findall(match[2])
            table = self._starts if match[1] == "Package" else self._provided
            for name in names:
                table.setdefault(name, []).append(start)

    @property
    def names(self) -> tuple[str, ...]:
        """The names of all packages, each once, in the order of the file, also of those whose records `named` leaves out."""
        return tuple(self._starts)

    def named(self, name: str) -> Iterator[DebPackage]:
        """Every record of a package, in the order of the file; records without a version that can be sorted are left out."""
        return filter(None, map(self._record, self._starts.get(name, ())))

    def providing(self, name: str) -> Iterator[DebPackage]:
        """Every record whose Provides names a virtual package, in file order, twice if it does so twice.

        `named` tells which are left out.
        """
        return filter(None, map(self._record, self._provided.get(name, ())))

    def first_mention(self, name: str) -> int | None:
        """The place in the text where a package is first named, as a package or in a relation; None if nowhere.

        apt numbers packages in this order.
        """
        text, last = self._text, self._end(self._starts.get(name, [len(self._text)])[0])
        place = text.find(name, 0, last)
        while place >= 0:
            line = text.rfind("\n", 0, place) + 1
            end = place + len(name)
            if RELATION_LINE.match(text, line, place) and not NAME_GOES_ON.match(text, end):
                return place
            place = text.find(name, end, last)
        return None

    def _record(self, start: int) -> DebPackage | None:
        """The record that starts at a place, parsed once; None for one without name, or without a version that can be sorted."""
        if start not in self._parsed:
            fields = parse_stanza(self._text[start : self._end(start)])
            is_whole = fields.keys() >= {"package", "version"} and is_version(fields["version"])
            self._parsed[start] = DebPackage(fields, self._origin) if is_whole else None
        return self._parsed[start]

    def _end(self, start: int) -> int:
        """Where the record that starts at a place ends."""
        end = self._text.find("\n\n", start + 1)
        return len(self._text) if end < 0 else end
