"""A wheelhouse as a value: its lock files, their artifacts, and the texts that are derived from them (pure)."""

import hashlib
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from html import escape
from types import MappingProxyType
from urllib.parse import quote

from wheelhouse.archive.artifact import SAFE_FILENAME, Artifact
from wheelhouse.errors import IntegrityError
from wheelhouse.findings import Waiver
from wheelhouse.humanize import counted
from wheelhouse.lock.lock import LOCK_PREFIX, LOCK_SUFFIX, Lock, provenance_filename
from wheelhouse.lock.write_lock import lock_toml

SUMS, LINKS = "SHA256SUMS", "links.html"
BY_THE_LIST = (
    "install with the requirements file of the target: "
    "`pip install --no-index --find-links WHEELHOUSE -r WHEELHOUSE/requirements.<target>.txt`"
)
BUILD = "build"
SELF = "self"
TOOLS = "tools"
SUB_WHEELHOUSES = (TOOLS, BUILD, SELF)
"""Wheelhouses inside a wheelhouse: what an image build itself installs, what sdists are built with, and wheelhouse."""


@dataclass(frozen=True, slots=True)
class Wheelhouse:
    """The locks of a wheelhouse, one for each target.

    `constraints` maps a lock's name to the constraints that it was resolved with, verbatim; `provenance` maps the name of
    each file of attestations to its text; `inner` maps each folder inside to the sha256 of its own SHA256SUMS.
    """

    locks: tuple[Lock, ...] = ()
    constraints: Mapping[str, str] | None = None
    provenance: Mapping[str, str] = field(default_factory=dict)
    inner: Mapping[str, str] = field(default_factory=dict)

    @property
    def artifacts(self) -> dict[str, Artifact]:
        """Every file by its name. Raises IntegrityError if two locks give one name two hashes."""
        artifacts: dict[str, Artifact] = {}
        for lock in self.locks:
            for artifact in lock.artifacts:
                other = artifacts.setdefault(artifact.filename, artifact)
                if other.sha256 != artifact.sha256:
                    hint = "find out why the index replaced the file between two runs, then fetch all targets with --upgrade"
                    raise IntegrityError(
                        f"the lock files of this wheelhouse list `{artifact.filename}` with two different sha256 "
                        "hashes",
                        hint=hint,
                    )
        return artifacts

    def with_waivers(self, used: Mapping[str, tuple[Waiver, ...]]) -> "Wheelhouse":
        """The same, with exactly these waivers written in every lock, by file name: a file that is not in `used` has none then."""

        def with_used(lock: Lock) -> Lock:
            """The lock with the waivers of `used` in each pin; none in a pin whose file is not there."""
            pins = (replace(pin, waived=used.get(pin.artifact.filename, ())) for pin in lock.pins)
            return replace(lock, pins=tuple(pins))

        return replace(self, locks=tuple(map(with_used, self.locks)))

    @property
    def differing_projects(self) -> dict[str, dict[str, list[str]]]:
        """The projects of which the lock files of the targets have different versions: project → version → targets, sorted by project.

        Locks with a label, as in `build/`, do not count.
        """
        versions: dict[str, dict[str, list[str]]] = {}
        for lock in self.locks:
            for pin in () if lock.label else lock.pins:
                versions.setdefault(pin.project, {}).setdefault(str(pin.version), []).append(lock.target.name)
        return {project: found for project, found in sorted(versions.items()) if len(found) > 1}

    @property
    def disagreement(self) -> str | None:
        """A sentence: what an install gets if the targets' locks have different versions of a project; None if they have not."""
        differing = self.differing_projects
        if not differing:
            return None
        project, found = next(iter(differing.items()))
        shown = ", ".join(f"{version} for {' and '.join(names)}" for version, names in found.items())
        more = f", and of {counted(len(differing) - 1, 'more project')}" if len(differing) > 1 else ""
        return f"its lock files have different versions of {project} ({shown}){more}: `--find-links` alone installs the newest version"

    @property
    def texts(self) -> dict[str, str]:
        """Every other file by its name: SHA256SUMS, for each lock the files that belong to it, its lock file last, and
        links.html.

        There is a links.html only if pip needs it (`links_of`). Files of folders inside are not there, nor are attestations
        whose text `provenance` lacks. Raises IntegrityError as `artifacts`.
        """
        texts: dict[str, str] = {}
        for lock in self.locks:
            texts[lock.requirements_filename] = lock.to_requirements()
            if (constraints := (self.constraints or {}).get(lock.name)) is not None:
                texts[lock.constraints_filename] = constraints
            names = [provenance_filename(pin) for pin in lock.pins if pin.provenance]
            texts |= {name: self.provenance[name] for name in names if name in self.provenance}
            texts[lock.filename] = lock_toml(lock, with_paths=True)
        texts |= links_of(self.locks)
        hashes = {name: sha256_of_text(text) for name, text in texts.items()}
        hashes |= {name: artifact.sha256 for name, artifact in self.artifacts.items()}
        return {SUMS: sums(hashes, self.inner)} | texts


def links_of(locks: Iterable[Lock]) -> dict[str, str]:
    """The page `links.html` by its name, with a link to each sdist whose name pip does not recognise in a folder; pip reads pages there.

    Empty if there is no such sdist.
    """
    sdists = {pin.archive.filename: pin.archive.sha256 for lock in locks for pin in lock.pins if pin.archive}
    if not sdists:
        return {}
    links = "".join(
        f'<a href="{quote(name)}#sha256={sha256}">{escape(name)}</a><br>\n' for name, sha256 in sorted(sdists.items())
    )
    return {LINKS: f"<!DOCTYPE html>\n<title>Sdists that pip finds by a link alone</title>\n{links}"}


def sha256_of_text(text: str) -> str:
    """The sha256 of a text's UTF-8 bytes, in lower-case hexadecimal."""
    return sha256_of_bytes(text.encode())


def sha256_of_bytes(raw: bytes) -> str:
    """The sha256 of bytes, in lower-case hexadecimal."""
    return hashlib.sha256(raw).hexdigest()


def sums(hashes: Mapping[str, str], inner: Mapping[str, str] = MappingProxyType({})) -> str:
    """The text of SHA256SUMS for hashes by file name, sorted by name, as `sha256sum -c` reads it.

    `inner` maps each folder inside to the sha256 of its SHA256SUMS, so that whoever knows this text knows all files.
    """
    lines = {**hashes, **{f"{folder}/{SUMS}": sha256 for folder, sha256 in inner.items()}}
    return "".join(f"{sha256}  {name}\n" for name, sha256 in sorted(lines.items()))


def summed_paths(text: str) -> dict[str, str]:
    """The sha256 by path, unchecked, of each file that a SHA256SUMS lists, wherever it is; other lines are ignored."""
    return dict(_summed_lines(text))


def summed(text: str) -> dict[str, str]:
    """The sha256 by file name that a SHA256SUMS gives for the files of its folder; other lines are ignored, also those with
    a name that SAFE_FILENAME does not match, such as one with a space.
    """
    return {name: sha256 for name, sha256 in _summed_lines(text) if SAFE_FILENAME.fullmatch(name)}


def summed_folders(text: str) -> dict[str, str]:
    """The sha256 of the SHA256SUMS of each folder inside, by the folder's name, that a SHA256SUMS gives; other lines are ignored."""
    lines = ((name.removesuffix(f"/{SUMS}"), name, sha256) for name, sha256 in _summed_lines(text))
    return {folder: sha256 for folder, name, sha256 in lines if folder != name and SAFE_FILENAME.fullmatch(folder)}


def _summed_lines(text: str) -> Iterator[tuple[str, str]]:
    """Path and sha256 of each line that `sums` could have written, with any line end; other lines are left out."""
    lines = (re.fullmatch(r"([0-9a-f]{64})  (.+)", line) for line in text.splitlines())
    return ((line[2], line[1]) for line in lines if line)


def is_lock_name(name: str) -> bool:
    """Whether a file name is that of a lock file: `pylock.<target>.toml`, no other dot; `<target>` may be empty here."""
    return name.startswith(LOCK_PREFIX) and name.endswith(LOCK_SUFFIX) and name.count(".") == 2
