"""The lock: pins and hashes for one target. Its file is a PEP 751 `pylock.<target>.toml`, which is also the manifest (pure)."""

import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from packaging.utils import NormalizedName, canonicalize_name
from packaging.version import Version

from wheelhouse.archive.artifact import Artifact, Rejected
from wheelhouse.archive.filenames import is_standard_sdist
from wheelhouse.archive.overrides import Adjustments
from wheelhouse.findings import Waiver
from wheelhouse.index.locations import IndexLocation, document_of
from wheelhouse.index.provenance import SUFFIX as PROVENANCE
from wheelhouse.index.provenance import Provenance
from wheelhouse.resolve.selection import ANYTHING, Selection
from wheelhouse.target.target import Target

DEPENDENCY = re.compile(r"[A-Za-z0-9._-]*[A-Za-z0-9]")
LOCK_PREFIX, LOCK_SUFFIX = "pylock.", ".toml"


@dataclass(frozen=True, slots=True)
class ConstraintsFile:
    """A constraints file that was used. Its sha256 tells which version of it that was."""

    source: str
    sha256: str


@dataclass(frozen=True, slots=True)
class Inputs:
    """Everything that decides a lock beside its target. A lock with equal inputs is reused.

    `without` are the database clients that Airflow's image leaves out. The sha256 are those of: the text of all
    constraints together, as the wheelhouse keeps it (`constraints_sha256`); all hashes of the requirement lines
    (`hashes_sha256`); the lock file that was given in place of requirements (`given_sha256`); the path from the wheelhouse
    to the folder of the settings file, if the whole job is in that file (`settings_sha256`). `pip_config` is what pip's
    configuration set. It and `settings_sha256` are notes, and decide nothing.
    """

    requirements: tuple[str, ...]
    constraints: tuple[ConstraintsFile, ...] = ()
    locations: tuple[IndexLocation, ...] = ()
    selection: Selection = ANYTHING
    airflow: str | None = None
    without: tuple[str, ...] = ()
    constraints_sha256: str | None = None
    overrides: tuple[str, ...] = ()
    excluded: tuple[str, ...] = ()
    hashes_sha256: str | None = None
    given_sha256: str | None = None
    pip_config: tuple[str, ...] = ()
    settings_sha256: str | None = None

    def document(self) -> dict[str, Any]:
        """The table `inputs` of a lock file, with its indexes and selection; without empty values."""
        table = {
            "requirements": list(self.requirements),
            "constraints": [{"source": file.source, "sha256": file.sha256} for file in self.constraints],
            "airflow": self.airflow,
            "without": list(self.without),
            "constraints-sha256": self.constraints_sha256,
            "overrides": list(self.overrides),
            "excluded": list(self.excluded),
            "hashes-sha256": self.hashes_sha256,
            "given-sha256": self.given_sha256,
            "pip-config": list(self.pip_config),
            "settings-sha256": self.settings_sha256,
        }
        return without_empty(table) | document_of(self.locations) | self.selection.document()

    def same_job(self, other: "Inputs") -> bool:
        """Whether two runs ask for the same, wherever constraints were read from, and whenever an age was computed."""
        return self._identity() == other._identity()

    def _identity(self) -> dict[str, Any]:
        """What must be equal for two runs to ask for the same, as a table: notes, sources of constraints and the order of
        indexes are left out, and the upload limit if it comes from an age.
        """
        table = replace(
            self, constraints=(), pip_config=(), settings_sha256=None, locations=tuple(sorted(self.locations))
        ).document()
        if self.selection.age:
            del table["uploaded-prior-to"]
        return table

    @property
    def label(self) -> str:
        """Eight hexadecimal digits that differ for inputs that ask for something else."""
        return hashlib.sha256(repr(sorted(self._identity().items())).encode()).hexdigest()[:8]

    @property
    def adjustments(self) -> Adjustments:
        """The overrides and exclusions, parsed. Raises InvalidRequirement for an override that is no requirement."""
        return Adjustments.of_texts(self.overrides, self.excluded)


@dataclass(frozen=True, slots=True)
class Built:
    """How a wheel was built here: its sdist, its build requirements, the Python and the sandbox.

    `glibc` is the oldest version that its symbols need; `sealed` names the sandbox, and `sandbox` all that
    confined the build, as `bubblewrap, seccomp, cgroup` (empty in locks of older versions); `lock` is the file name of the build's
    lock in `build/`; `libraries` are the shared libraries that it needs on the target; `repaired` names the tool that
    changed it after the build. Each is empty if there is none. With `kept`, the wheelhouse has the sdist too.
    """

    sdist: Artifact
    interpreter: str
    glibc: str = ""
    sealed: str = ""
    sandbox: str = ""
    lock: str = ""
    requires: tuple[str, ...] = ()
    libraries: tuple[str, ...] = ()
    repaired: str = ""
    kept: bool = False

    @property
    def held(self) -> frozenset[str]:
        """What confined the build: the name of the sandbox, `seccomp`, `cgroup`; an empty text alone if `sandbox` is empty."""
        return frozenset(self.sandbox.split(", "))


@dataclass(frozen=True, slots=True)
class Pin:
    """One project's release in a lock: the file chosen for it, its dependencies, and why it was chosen.

    - `dependencies`: its requirements on this target, as `name[extra]>=1`.
    - `rejected`: other files of the release, each with the reason, unless their names are the reason.
    - `skipped`: newer releases without a file that fits; `passed_over`: newer releases that are yanked or need another
      Python, each version with the reason.
    - `constraint`: the constraint line, and where it was read.
    - `sdist_because`: why no wheel was chosen; `provisional`: why an sdist's metadata may change when it is built;
      `yanked`: the reason that the index gives, which may be empty.
    - `build_lock`: the file name of the lock in `build/` with the sdist's build requirements; `build_lacks`: why there is none.
    - `built`: how the wheel was built from its sdist here.
    - `provenance`: the attestations of the file that the index has.
    - `status`: the project's status on the index, unless it is active (PEP 792).
    - `waived`: the waivers that the file needed.
    """

    project: NormalizedName
    version: Version
    artifact: Artifact
    index: str = ""
    requires_python: str | None = None
    extras: tuple[NormalizedName, ...] = ()
    dependencies: tuple[str, ...] = ()
    sdist_because: str | None = None
    provisional: str | None = None
    build_lock: str = ""
    build_lacks: str = ""
    yanked: str | None = None
    constraint: str | None = None
    rejected: tuple[Rejected, ...] = ()
    skipped: tuple[str, ...] = ()
    built: Built | None = None
    provenance: Provenance | None = None
    status: str | None = None
    waived: tuple[Waiver, ...] = ()
    passed_over: tuple[Rejected, ...] = ()

    @property
    def constrained(self) -> bool:
        """Whether a constraint limited the version."""
        return self.constraint is not None

    @property
    def build_lock_name(self) -> str:
        """The file name of the lock in `build/`: of the build that was done, else of the one to come; empty if there is none."""
        return self.built.lock if self.built else self.build_lock

    @property
    def needs(self) -> tuple[NormalizedName, ...]:
        """The projects that it depends on directly, on this target, with normalised names, each once."""
        return tuple(dict.fromkeys(canonicalize_name(dependency_name(text)) for text in self.dependencies))

    @property
    def origin(self) -> Artifact:
        """The file that the index has: the sdist if the wheel was built here, else the chosen file."""
        return self.built.sdist if self.built else self.artifact

    @property
    def archive(self) -> Artifact | None:
        """Its sdist in the wheelhouse, chosen or kept beside the wheel, if the name is not a standard sdist name, so that
        pip does not find it in a folder; else None.

        PEP 751 allows only standard names for `packages.sdist`, so this is a `packages.archive` in the lock file.
        """
        sdists = (file for file in self.files if not file.is_wheel)
        return next((file for file in sdists if not is_standard_sdist(file.filename, self.project, self.version)), None)

    @property
    def files(self) -> tuple[Artifact, ...]:
        """Its files in the wheelhouse: the chosen one, and then the kept sdist if the wheel was built from it."""
        return (self.artifact, self.built.sdist) if self.built and self.built.kept else (self.artifact,)


def provenance_filename(pin: Pin) -> str:
    """The name of the file in a wheelhouse with the attestations of a pin's origin: `<file>.provenance`."""
    return pin.origin.filename + PROVENANCE


def requirement_line(pin: Pin) -> str:
    """The line of a pin in a requirements file, with its end: version, and hash of the chosen file."""
    return f"{pin.project}=={pin.version} --hash=sha256:{pin.artifact.sha256}\n"


@dataclass(frozen=True, slots=True)
class Lock:
    """The pins for one target, sorted by project, and the inputs that they were resolved from.

    `label` distinguishes several locks for one target in one folder, as in `build/`. `is_loose` marks a lock from an older
    wheelhouse, which claims every patch release of its Python; it is written again as it was.
    """

    target: Target
    inputs: Inputs
    pins: tuple[Pin, ...] = field(default=())
    label: str = ""
    is_loose: bool = False

    @property
    def name(self) -> str:
        """`<target>`, or `<target>-<label>`."""
        return f"{self.target.name}-{self.label}" if self.label else self.target.name

    @property
    def filename(self) -> str:
        """`pylock.<name>.toml`, with the label if there is one."""
        return f"{LOCK_PREFIX}{self.name}{LOCK_SUFFIX}"

    @property
    def requirements_filename(self) -> str:
        """`requirements.<name>.txt`, with the label if there is one."""
        return f"requirements.{self.name}.txt"

    @property
    def constraints_filename(self) -> str:
        """`constraints.<name>.txt`, with the label if there is one."""
        return f"constraints.{self.name}.txt"

    @property
    def artifacts(self) -> tuple[Artifact, ...]:
        """The files of all pins, in their order, with kept sdists."""
        return tuple(file for pin in self.pins for file in pin.files)

    def to_requirements(self) -> str:
        """The lock as a requirements file, for pips that cannot read lock files: a comment, then one line with its `--hash` for
        each pin.
        """
        lines = list(map(requirement_line, self.pins))
        return f"# {len(lines)} artifacts for {self.name}, from {self.filename}\n" + "".join(lines)


def loose_requires_python(target: Target) -> str:
    """The `requires-python` of a loose lock: every patch release of the target's Python."""
    return f"=={target.python.minor}.*"


def without_empty(table: Mapping[str, Any]) -> dict[str, Any]:
    """A table without the keys whose value is None, False, 0, or an empty text, list or tuple."""
    return {key: value for key, value in table.items() if value not in (None, "", (), [], False)}


def dependency_name(text: str) -> str:
    """The project of a dependency as a pin has it (`name[extra]>=1`), spelled as it is there; a text without a name as it is."""
    match = DEPENDENCY.match(text)
    return match[0] if match else text
