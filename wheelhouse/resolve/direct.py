"""Requirements that name a file by path or address: `./dist/acme-1.0-py3-none-any.whl`, `acme @ https://…` (pure)."""

import re
from dataclasses import dataclass
from urllib.parse import SplitResult, parse_qsl, unquote, urlsplit, urlunsplit

from packaging.utils import NormalizedName, canonicalize_name
from packaging.version import Version

from wheelhouse.archive.filenames import ARCHIVE_SUFFIXES, release_of
from wheelhouse.errors import InputError

STRONG_HASHES = {"sha256": 64, "sha384": 96, "sha512": 128}
"""The algorithms that pip accepts in `--hash`, and their lengths in hexadecimal digits."""
NAMED = re.compile(r"(?P<name>[A-Za-z0-9][A-Za-z0-9._-]*)\s*(?P<extras>\[[^\]]*\])?\s*@\s*(?P<rest>\S.*)")
ADDRESS = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*:")
HTTP = re.compile(r"https?://", re.IGNORECASE)
_SUFFIX = "|".join(map(re.escape, ARCHIVE_SUFFIXES))
PATH = re.compile(rf"\.{{1,2}}$|(?:\.{{0,2}}|~)/|[^\s\[;=<>!~@]+(?:/|(?:{_SUFFIX})(?=[\s\[;]|$))")
MARKER = re.compile(r"\s;|;\s")
EXTRAS = re.compile(r"(?P<bare>.+?)(?P<extras>\[[^\]]*\])")
REPOSITORY = re.compile(r"(?:git|hg|svn|bzr)(?:\+|:|@)")
WHEEL_HINT = "if you trust the code, build a wheel of it (`python -m build --wheel`), and request this wheel"


@dataclass(frozen=True, slots=True)
class DirectSource:
    """A wheel or sdist by its path or http(s) address, with the project and version that its name states.

    `written` is the address without user, password and query, with the environment variables of its path unexpanded;
    empty if there are none.
    """

    location: str
    filename: str
    project: NormalizedName
    version: Version
    hashes: frozenset[str] = frozenset()
    written: str = ""

    @property
    def is_local(self) -> bool:
        """Whether it is a file on this machine."""
        return not self.location.startswith(("http://", "https://"))

    @property
    def shown(self) -> str:
        """The location, or `written` if that is there, with hashes, without user, password and query: safe in any output.

        In a path, a space is `%20` and a `#` is `%23`.
        """
        fragment = "#" + "&".join(sorted(hash_.replace(":", "=") for hash_ in self.hashes)) if self.hashes else ""
        if self.is_local:
            return self.location.replace(" ", "%20").replace("#", "%23") + fragment
        return (self.written or self.without_credentials) + fragment

    @property
    def without_credentials(self) -> str:
        """The address without user, password, query and fragment. Not for a path."""
        parts = urlsplit(self.location)
        return urlunsplit((parts.scheme, parts.netloc.rpartition("@")[2], parts.path, "", ""))


def looks_direct(text: str) -> bool:
    """Whether a requirement names a file by path or address, by its spelling; also an address of a repository or of any scheme."""
    return bool(NAMED.fullmatch(text) or ADDRESS.match(text) or PATH.match(text) or REPOSITORY.match(text))


def source_of(text: str, origin: str) -> tuple[DirectSource, str, str]:
    """The file that a requirement names, its extras as `[a,b]` (or empty), its marker (or empty). The file is not looked for.

    `written` stays empty; extras and marker are not validated. Raises InputError, which begins with `origin`, if the file is
    of another project than the name before `@`, and for what `_source` refuses.
    """
    named = NAMED.fullmatch(text)
    location, _, marker = _split(named["rest"] if named else text)
    extras = (named["extras"] or "") if named else ""
    if not named and (match := EXTRAS.fullmatch(location)):
        location, extras = match["bare"], match["extras"]
    source = _source(location, origin)
    if named and canonicalize_name(named["name"]) != source.project:
        raise InputError(f"{origin}: `{source.filename}` is a file of {source.project}, not of {named['name']}")
    return source, extras, marker.strip()


def _split(text: str) -> tuple[str, str, str]:
    """Location, `;` if there is a marker, and the marker; the last two are empty if there is none.

    Only a `;` with a space before or after it begins a marker.
    """
    match = MARKER.search(text)
    return (text[: match.start()].strip(), ";", text[match.end() :]) if match else (text.strip(), "", "")


def _source(location: str, origin: str) -> DirectSource:
    """A path or address as a DirectSource; nothing is opened. A path is not expanded; after a `#` in it comes a fragment.

    Raises InputError for a repository, another scheme than http(s) or file, an address of another machine's file or one that
    cannot be read, a name that is no distribution's, or a fragment that `_fragment_hashes` refuses.
    """
    if REPOSITORY.match(location):
        raise InputError(f"{origin}: `{location.partition(':')[0]}` is a repository, not a file", hint=WHEEL_HINT)
    bare, _, fragment = location.partition("#")
    bare = _local(bare, origin) if bare.lower().startswith("file:") else bare
    if match := HTTP.match(bare):
        bare = match[0].lower() + bare[match.end() :]
    elif ADDRESS.match(bare):
        scheme = bare.partition(":")[0]
        raise InputError(f"{origin}: `{scheme}:` addresses are not supported", hint="give an https address, or a path")
    filename = unquote(_parts(bare, origin).path.rpartition("/")[2]) if match else bare.rpartition("/")[2]
    project, version = _release(filename, origin)
    return DirectSource(bare, filename, project, version, _fragment_hashes(fragment, origin))


def _parts(address: str, origin: str) -> SplitResult:
    """The parts of an address. Raises InputError."""
    try:
        return urlsplit(address)
    except ValueError as error:
        hint = "write https://host/path/name-version-tags.whl"
        raise InputError(f"{origin}: the address cannot be read", hint=hint) from error


def _local(address: str, origin: str) -> str:
    """The path of a `file:` address. Raises InputError if it names another machine."""
    parts = _parts(address, origin)
    if parts.netloc not in ("", "localhost"):
        raise InputError(f"{origin}: the `file:` address is for another machine, {parts.netloc}", hint="give a path")
    return unquote(parts.path)


def _release(filename: str, origin: str) -> tuple[NormalizedName, Version]:
    """Project and version that a file name states. Raises InputError if it is no wheel's or sdist's, or states none."""
    try:
        if filename.endswith(ARCHIVE_SUFFIXES):
            return release_of(filename)
    except ValueError as error:
        hint = "use the file name from the build: name-version-tags.whl, or name-version.tar.gz"
        raise InputError(f"{origin}: `{filename}` does not state a project and version: {error}", hint=hint) from error
    raise InputError(f"{origin}: `{filename or '/'}` is neither a wheel nor an sdist", hint=WHEEL_HINT)


def is_digest(algorithm: str, digest: str) -> bool:
    """Whether a text has all hexadecimal digits, in lower case, of a hash of this algorithm, which must be one of STRONG_HASHES."""
    return re.fullmatch(rf"[0-9a-f]{{{STRONG_HASHES[algorithm]}}}", digest) is not None


def _fragment_hashes(fragment: str, origin: str) -> frozenset[str]:
    """The strong hashes in an address's fragment (`#sha256=…`, names in any case), as `sha256:…` in lower case; empty if there are none.

    Other names, as `egg`, do not count. Raises InputError for a weak hash without a strong one, for a malformed or empty
    strong one, and for `subdirectory`.
    """
    values = {name.lower(): value for name, value in parse_qsl(fragment, keep_blank_values=True)}
    if "subdirectory" in values:
        raise InputError(f"{origin}: `#subdirectory=` is not supported", hint=WHEEL_HINT)
    hashes = {name: digest.lower() for name, digest in values.items() if name in STRONG_HASHES}
    weak = sorted(values.keys() & {"md5", "sha1", "sha224"})
    if weak and not hashes:
        raise InputError(f"{origin}: the hash {weak[0]} is too weak", hint="give its sha256")
    for name, digest in hashes.items():
        if not is_digest(name, digest):
            raise InputError(f"{origin}: `{digest}` is not a {name}", hint="write all hexadecimal digits of the hash")
    return frozenset(f"{name}:{digest}" for name, digest in hashes.items())
