"""A house: a folder with exactly its locks' artifacts, those locks, and what is derived from them (pure)."""

import hashlib
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from html import escape
from urllib.parse import quote

from wheelhouse.archive.artifact import SAFE_FILENAME, Artifact
from wheelhouse.errors import IntegrityError
from wheelhouse.findings import Waiver
from wheelhouse.lock.lock import LOCK_PREFIX, LOCK_SUFFIX, Lock, provenance_filename
from wheelhouse.lock.write_lock import lock_toml

SUMS, LINKS = "SHA256SUMS", "links.html"
BY_THE_LIST = (
    "install by the target's own list: `pip install --no-index --find-links HOUSE -r HOUSE/requirements.<target>.txt`"
)
BUILD = "build"
SELF = "self"
SUB_WHEELHOUSES = ("tools", BUILD, SELF)
"""Houses of the same shape inside a house: what an image build itself installs, what sdists are built with, and wheelhouse."""


@dataclass(frozen=True, slots=True)
class Wheelhouse:
    """The locks of a house, one a target, and the constraints that each was made under, verbatim.

    `provenance` is the text of each file of attestations, by its name in the house.
    """

    locks: tuple[Lock, ...] = ()
    constraints: Mapping[str, str] | None = None
    provenance: Mapping[str, str] = field(default_factory=dict)

    @property
    def artifacts(self) -> dict[str, Artifact]:
        """Every file by its name. Raises IntegrityError where two locks give one name two hashes."""
        found: dict[str, Artifact] = {}
        for lock in self.locks:
            for artifact in lock.artifacts:
                other = found.setdefault(artifact.filename, artifact)
                if other.sha256 != artifact.sha256:
                    hint = "the index replaced the file between two runs: find out why, then fetch all targets with --upgrade"
                    raise IntegrityError(f"`{artifact.filename}` has two sha256 in the locks of this house", hint=hint)
        return found

    def with_waivers(self, used: Mapping[str, tuple[Waiver, ...]]) -> "Wheelhouse":
        """The same with the waivers that let each file pass, by its name, noted in every lock."""

        def noted(lock: Lock) -> Lock:
            pins = (replace(pin, waived=used.get(pin.artifact.filename, ())) for pin in lock.pins)
            return replace(lock, pins=tuple(pins))

        return replace(self, locks=tuple(map(noted, self.locks)))

    @property
    def disagreement(self) -> str | None:
        """What it means for an install that the targets' locks have different versions of a project; None where none do."""
        versions: dict[str, dict[str, list[str]]] = {}
        for lock in self.locks:
            for pin in () if lock.label else lock.pins:
                versions.setdefault(pin.project, {}).setdefault(str(pin.version), []).append(lock.target.name)
        differing = {project: found for project, found in versions.items() if len(found) > 1}
        if not differing:
            return None
        project, found = next(iter(sorted(differing.items())))
        shown = ", ".join(f"{version} for {' and '.join(names)}" for version, names in found.items())
        more = f", and {len(differing) - 1} more projects likewise" if len(differing) > 1 else ""
        return f"its locks have different versions of {project} ({shown}){more}: a bare `--find-links` takes the newest one"

    @property
    def texts(self) -> dict[str, str]:
        """Every other file of the house by its name: SHA256SUMS, and what each lock leads to, the lock last."""
        texts: dict[str, str] = {}
        for lock in self.locks:
            texts[lock.requirements_filename] = lock.to_requirements()
            if (used := (self.constraints or {}).get(lock.name)) is not None:
                texts[lock.constraints_filename] = used
            held = [
                name for pin in lock.pins if pin.provenance and (name := provenance_filename(pin)) in self.provenance
            ]
            texts |= {name: self.provenance[name] for name in held}
            texts[lock.filename] = lock_toml(lock, with_paths=True)
        texts |= links_of(self.locks)
        hashes = {name: sha256_of_text(text) for name, text in texts.items()}
        hashes |= {name: artifact.sha256 for name, artifact in self.artifacts.items()}
        return {SUMS: sums(hashes)} | texts


def links_of(locks: Iterable[Lock]) -> dict[str, str]:
    """A page with a link to each sdist that pip does not find in a folder by its name: it reads pages that lie there, too."""
    odd = {pin.archive.filename: pin.archive.sha256 for lock in locks for pin in lock.pins if pin.archive}
    if not odd:
        return {}
    links = "".join(
        f'<a href="{quote(name)}#sha256={sha256}">{escape(name)}</a><br>\n' for name, sha256 in sorted(odd.items())
    )
    return {LINKS: f"<!DOCTYPE html>\n<title>Sdists that pip finds by a link alone</title>\n{links}"}


def sha256_of_text(text: str) -> str:
    """The sha256 of a text's UTF-8 bytes."""
    return sha256_of_bytes(text.encode())


def sha256_of_bytes(raw: bytes) -> str:
    """The sha256 of bytes."""
    return hashlib.sha256(raw).hexdigest()


def sums(hashes: Mapping[str, str]) -> str:
    """Hashes by file name, as `sha256sum -c` reads them."""
    return "".join(f"{sha256}  {name}\n" for name, sha256 in sorted(hashes.items()))


def summed(text: str) -> dict[str, str]:
    """The sha256 of each file that SHA256SUMS names, by its name; what is no such line is passed over."""
    lines = (re.fullmatch(r"([0-9a-f]{64})  (.+)", line) for line in text.splitlines())
    return {line[2]: line[1] for line in lines if line and SAFE_FILENAME.fullmatch(line[2])}


def is_lock_name(name: str) -> bool:
    """Whether a file name is a lock's: `pylock.<target>.toml`."""
    return name.startswith(LOCK_PREFIX) and name.endswith(LOCK_SUFFIX) and name.count(".") == 2
