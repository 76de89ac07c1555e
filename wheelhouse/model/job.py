"""A job: what one run of `fetch` or `lock` is to do, gathered from the command line and from wheelhouse.toml."""

from dataclasses import dataclass, field
from datetime import datetime

from packaging.utils import NormalizedName

from wheelhouse.model.house import sha256_of_text
from wheelhouse.model.lock import ConstraintsFile, Inputs
from wheelhouse.model.requirements import Line
from wheelhouse.model.target import Target


@dataclass(frozen=True, slots=True)
class Constraints:
    """A file of constraints: where it was read, its text verbatim, and its lines."""

    source: str
    text: str
    lines: tuple[Line, ...]


@dataclass(frozen=True, slots=True)
class Part:
    """What is wanted on one target: constraints may differ from target to target, requirements do not."""

    target: Target
    constraints: tuple[Constraints, ...] = ()

    @property
    def constraints_text(self) -> str | None:
        """All constraints in one text: verbatim where there is one file, else each under a comment that names it."""
        if len(self.constraints) < 2:
            return self.constraints[0].text if self.constraints else None
        return "".join(f"# {file.source}\n{file.text.rstrip()}\n" for file in self.constraints)


@dataclass(frozen=True, slots=True)
class Job:
    """Requirements, on some targets, from one index. `airflow` is the Airflow release asked for by `--airflow`, if any.

    `without` names the database clients that its image does without.
    `upgrade` and `upgrade_projects` say which pins of existing locks do not stand.
    """

    requirements: tuple[Line, ...]
    parts: tuple[Part, ...]
    index: str
    uploaded_prior_to: datetime | None = None
    airflow: str | None = None
    without: tuple[str, ...] = ()
    upgrade: bool = False
    upgrade_projects: frozenset[NormalizedName] = field(default=frozenset())

    def inputs(self, part: Part, index_name: str) -> Inputs:
        """What decides the lock of one part. `index_name` is the index's address without credentials."""
        text = part.constraints_text
        return Inputs(
            requirements=tuple(sorted({str(line.requirement) for line in self.requirements})),
            constraints=tuple(ConstraintsFile(file.source, sha256_of_text(file.text)) for file in part.constraints),
            index=index_name,
            uploaded_prior_to=self.uploaded_prior_to,
            airflow=self.airflow,
            without=self.without,
            constraints_sha256=sha256_of_text(text) if text is not None else None,
        )
