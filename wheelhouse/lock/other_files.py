"""Files that an image needs and that are no distributions: `[[files]]` of the settings, and their lock file (pure)."""

import re
import shlex
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from typing import Any
from urllib.parse import unquote, urlsplit

import tomli_w

from wheelhouse.archive.artifact import SAFE_FILENAME, SHA256, Artifact
from wheelhouse.documents import DocumentType, parse_toml
from wheelhouse.errors import InputError, IntegrityError
from wheelhouse.lock.lock_tables import Size, Table
from wheelhouse.lock.wheelhouse import SUMS, sha256_of_text, sums

FOLDER = "files"
LOCK = "files.lock.toml"
VERSION = 1
DOCKERFILE = "files.Dockerfile"
TARS = (".tar", ".tar.gz", ".tgz", ".tar.bz2", ".tar.xz")
IN_IMAGE = re.compile(r"(?:/[A-Za-z0-9_@%+=:,.-]+)+/?")
DIGEST_LENGTHS = {64: "sha256", 96: "sha384", 128: "sha512"}
DIGEST = re.compile(r"\b[0-9A-Fa-f]{64,128}\b")
DIGEST_ALONE = re.compile(
    rf"(?:sha(?:2?-)?\d+\s*)?(?:\((?:stdin|-)\)\s*)?[:=]?\s*({DIGEST.pattern})(?:\s+\*?-)?", re.IGNORECASE
)
GROUPS = re.compile(r"[0-9A-Fa-f]{1,16}(?:\s+[0-9A-Fa-f]{1,16})+")
"""A digest in groups of digits."""


@dataclass(frozen=True, slots=True)
class OtherFileRequest:
    """A file that the settings request. `to` is its path in the image, or with `unpack` the folder to unpack it into.

    `strip` is how many leading folders unpacking leaves out. `key` is the file with the keys that may have signed it.
    """

    url: str
    sha256: str | None = None
    name: str = ""
    checksums: str | None = None
    signature: str | None = None
    key: str | None = None
    to: str | None = None
    unpack: bool = False
    strip: int = 0

    @property
    def beside(self) -> dict[str, str]:
        """The addresses of its checksum file and its signature, by their names in a wheelhouse; only those that are given.

        The names begin with that of the request, which must have one (`checked`).
        """
        addresses = {f"{self.name}.checksums": self.checksums, f"{self.name}.signature": self.signature}
        return {name: url for name, url in addresses.items() if url}

    def checked(self) -> "OtherFileRequest":
        """The same with a name: its own, else the last part of its URL.

        Raises one InputError with every problem, such as no digest, or an invalid name or path.
        """
        request = replace(self, name=self.name or last_part(self.url))
        if problems := list(request._problems()):
            sentence, hint = problems[0]
            details = tuple(problem for problem, _ in problems) if len(problems) > 1 else ()
            raise InputError(f"[[files]] `{request.name or request.url}`: {sentence}", hint=hint, details=details)
        return request

    def _problems(self) -> Iterator[tuple[str, str]]:
        """Each problem as a sentence and a hint."""
        if not SAFE_FILENAME.fullmatch(self.name) or self.name in (LOCK, SUMS):
            yield "a file in a wheelhouse cannot have this name", 'add name = "…"'
        if not all(address.startswith(("https://", "http://")) for address in (self.url, *self.beside.values())):
            yield (
                "wheelhouse takes files only from http(s) addresses",
                "put the file on a server, or add it to the build context of the image",
            )
        if not (self.sha256 or self.checksums):
            yield "no hash is given for the file", 'add sha256 = "…", or checksums = "https://…"'
        if self.sha256 and not SHA256.fullmatch(self.sha256):
            yield (
                f"`{self.sha256}` is not a sha256",
                "write the sha256 of the file as 64 hexadecimal digits, in lower case",
            )
        if bool(self.signature) != bool(self.key):
            yield "`signature` needs `key`, and `key` needs `signature`", 'add both signature = "…" and key = "FILE"'
        if self.to is not None and (not IN_IMAGE.fullmatch(self.to) or ".." in self.to.split("/")):
            yield f"`{self.to}` is not a path in an image", 'write the path as `to = "/opt/hadoop"`'
        if self.unpack and not (self.to and self.name.endswith(TARS)):
            yield (
                "`unpack` needs a tar file, and a folder in `to`",
                'add `to = "/opt/…"`, and use a tar file, for example a .tar.gz',
            )


@dataclass(frozen=True, slots=True)
class OtherFile:
    """A file of `files/` in a lock. `size` is in bytes; `beside` are the checksum file and the signature.

    `voucher` is a sentence: who besides the settings vouched for its bytes when it was fetched; empty if nobody did.
    """

    name: str
    url: str
    sha256: str
    size: int
    voucher: str = ""
    beside: tuple[Artifact, ...] = ()
    to: str | None = None
    unpack: bool = False
    strip: int = 0

    @property
    def artifacts(self) -> tuple[Artifact, ...]:
        """The file, then its checksum file and its signature, as far as it has them."""
        return (Artifact(self.name, self.sha256, self.size, self.url), *self.beside)


@dataclass(frozen=True, slots=True)
class OtherFiles:
    """All other files of a wheelhouse."""

    files: tuple[OtherFile, ...] = ()

    @property
    def artifacts(self) -> dict[str, Artifact]:
        """Every file by its name, with checksum files and signatures. Raises InputError if two different ones have one name.

        Raises IntegrityError for a name or a sha256 that `Artifact` refuses.
        """
        artifacts: dict[str, Artifact] = {}
        for artifact in (artifact for file in self.files for artifact in file.artifacts):
            if artifacts.setdefault(artifact.filename, artifact) != artifact:
                raise InputError(
                    f"two of the [[files]] are named `{artifact.filename}`",
                    hint='give one of them another name: name = "…"',
                )
        return artifacts

    @property
    def texts(self) -> dict[str, str]:
        """The other files of `files/` by name: SHA256SUMS and the lock file; none if there are no files."""
        if not self.files:
            return {}
        lock = self.to_toml()
        hashes = {name: artifact.sha256 for name, artifact in self.artifacts.items()}
        return {SUMS: sums(hashes | {LOCK: sha256_of_text(lock)}), LOCK: lock}

    def to_toml(self) -> str:
        """The text of the lock file."""
        return tomli_w.dumps({"version": VERSION, "files": [_table(file) for file in self.files]})


def last_part(url: str) -> str:
    """What follows the last `/`, also `%2F`, in a URL's path, without percent-encoding; empty for an invalid URL, too."""
    try:
        return unquote(urlsplit(url).path).rpartition("/")[2]
    except ValueError:
        return ""


def _table(file: OtherFile) -> dict[str, Any]:
    """A file as a table of the lock file, without empty values but for the size."""
    optional = {
        "voucher": file.voucher,
        "to": file.to,
        "unpack": file.unpack,
        "strip": file.strip,
        "beside": [
            {"name": one.filename, "url": one.url, "sha256": one.sha256, "size": one.size} for one in file.beside
        ],
    }
    table = {"name": file.name, "url": file.url, "sha256": file.sha256, "size": file.size}
    return table | {key: value for key, value in optional.items() if value}


class _BesideTable(Table, frozen=True):
    name: str
    sha256: str
    size: Size
    url: str


class _FileTable(Table, frozen=True):
    url: str
    sha256: str
    name: str
    size: Size
    voucher: str = ""
    beside: tuple[_BesideTable, ...] = ()
    to: str | None = None
    unpack: bool = False
    strip: int = 0


class _LockTable(Table, frozen=True):
    version: int
    files: tuple[_FileTable, ...] = ()


_LOCK_TABLE = DocumentType(_LockTable)


def parse_other_files(text: str, source: str) -> OtherFiles:
    """Read a lock of other files. Raises InputError naming `source`, the place and the value for what is none."""
    try:
        table = _LOCK_TABLE.from_table(parse_toml(text), "")
        if table.version != VERSION:
            raise ValueError(f"version {table.version} is unknown")
        files = OtherFiles(tuple(map(_file, table.files)))
        files.artifacts  # noqa: B018  (names and hashes are checked as they are made)
    except (InputError, IntegrityError, ValueError) as error:
        details = error.details if isinstance(error, InputError) else ()
        sentence = f"`{source}` is not a lock that wheelhouse wrote: {error}"
        raise InputError(sentence, hint="fetch again", details=details) from error
    return files


def _file(table: _FileTable) -> OtherFile:
    """A file of the lock. Raises ValueError or InputError for what the settings could not request either,
    IntegrityError for a name or a sha256 beside it that `Artifact` refuses.
    """
    beside = tuple(Artifact(file.name, file.sha256, file.size, file.url) for file in table.beside)
    known = (f"{table.name}.checksums", f"{table.name}.signature")
    if unknown := [file.name for file in table.beside if file.name not in known]:
        raise ValueError(f"`{unknown[0]}` is neither the checksum file nor the signature of `{table.name}`")
    OtherFileRequest(
        url=table.url, sha256=table.sha256, name=table.name, to=table.to, unpack=table.unpack, strip=table.strip
    ).checked()
    return OtherFile(
        table.name, table.url, table.sha256, table.size, table.voucher, beside, table.to, table.unpack, table.strip
    )


def published_digest(text: str, name: str) -> tuple[str, str] | None:
    """(algorithm, digest in lower case) that a published checksum file gives for a file; None if it gives none.

    If lines name the file, the first digest in them counts, without digits of the name or its path, else the only one that
    stands alone on a line; if none names it, the text must be one digest alone. It reads the formats of sha256sum, BSD
    (`SHA256 (name) = …`), gpg (`name: 0A1B 2C3D …`), certutil (the name on one line, the digest on another), and a digest
    alone, also with its algorithm before it, or with a `-` for the standard input. The length of the digest tells the
    algorithm: sha256, sha384 or sha512.
    """
    lines = [line.strip() for line in text.removeprefix("\ufeff").splitlines() if line.strip()]
    if named := [(line, rest) for line in lines if (rest := _without_name(line, name)) is not None]:
        digests = [digits for line, rest in named for digits in (*DIGEST.findall(rest), _spaced(line, name))]
        digests.append(_spaced(" ".join(lines), name))
        alone = {_alone(line).lower() for line in lines if "(" not in line} - {""}
        digests += alone if len(alone) == 1 else ()
    else:
        digests = [_alone(" ".join(lines))]
    for digits in digests:
        if algorithm := DIGEST_LENGTHS.get(len(digits)):
            return algorithm, digits.lower()
    return None


def _without_name(line: str, name: str) -> str | None:
    """The words of a line without the first one that names a file, also by a path or an address that ends in its name; None if no
    word does.
    """
    words = re.split(r"[\s*()=:]+", line)
    naming = next((at for at, word in enumerate(words) if word.rpartition("/")[2] == name), None)
    return None if naming is None else " ".join(words[:naming] + words[naming + 1 :])


def _alone(text: str) -> str:
    """The digits of a digest without a name, also with its algorithm or a `-`, or of any number of digits in groups, joined;
    empty for any other text.
    """
    if match := DIGEST_ALONE.fullmatch(text):
        return str(match[1])
    return "".join(text.split()) if GROUPS.fullmatch(text) else ""


def _spaced(text: str, name: str) -> str:
    """The hexadecimal digits of a text as gpg writes a hash, in groups and after `name:`, joined. Their number is not checked. Empty if
    the text has anything else. `name:` may be missing.
    """
    digits = "".join(text.replace(f"{name}:", "", 1).split())
    return digits if re.fullmatch(r"[0-9A-Fa-f]+", digits) else ""


def dockerfile(files: Iterable[OtherFile], context: str, image: str) -> str:
    """The text of a Dockerfile that copies the files into an image, whatever its user, and leaves no archive that it unpacks in a layer.

    `context` is the staged folder's name. The copy of a file without a path in the image is a comment.
    """
    listed = sorted(files, key=lambda file: file.name)
    unpacked = [file for file in listed if file.unpack]
    lines = [
        f"# Copies the files in {context}/{FOLDER} into an image, with no network:",
        f"#   {build_command(f'{context}/{DOCKERFILE}', image, '.')}",
        f"ARG BASE_IMAGE={image}",
    ]
    if unpacked:
        lines += ["FROM ${BASE_IMAGE} AS unpacked", "USER root"]
        lines += [_unpacking(file, context) for file in unpacked]
    lines.append("FROM ${BASE_IMAGE}")
    lines += [f"# {file.name}: sha256 {file.sha256}\n{_copying(file, context)}" for file in listed]
    return "\n".join(lines) + "\n"


def build_command(dockerfile: str, image: str, context: str) -> str:
    """The shell command that builds a Dockerfile without network; the result has the name of the image that it extends."""
    return shlex.join(("docker", "build", "--network", "none", "-f", dockerfile, "-t", image, context))


def _unpacking(file: OtherFile, context: str) -> str:
    """The Dockerfile's step that unpacks a tar."""
    strip = f" --strip-components={file.strip}" if file.strip else ""
    folder = f"/unpacked{file.to}"
    return (
        f"RUN --mount=type=bind,source={context}/{FOLDER},target=/{context}/{FOLDER} \\\n"
        f"    mkdir -p {folder} && tar -xf /{context}/{FOLDER}/{file.name} -C {folder} --no-same-owner{strip}"
    )


def _copying(file: OtherFile, context: str) -> str:
    """The Dockerfile's step that copies a file, or what was unpacked from it; a comment if its path in the image is not given."""
    if file.unpack:
        return f"COPY --from=unpacked /unpacked{file.to} {file.to}"
    line = f"COPY {context}/{FOLDER}/{file.name} {file.to or '/where/it/belongs'}"
    return line if file.to else f"# {line}"
