"""Sources of Debian packages as apt reads them: one line (`sources.list`) or a record (`*.sources`) (pure).

Source: sources.list(5).
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from wheelhouse.debian.deb_package import stanzas
from wheelhouse.errors import InputError

LINE = re.compile(r"deb\s+(?:\[(?P<options>[^\]]*)\]\s*)?(?P<url>\S+)\s+(?P<suite>\S+)(?P<components>(?:\s+\S+)*)\s*")
CREDENTIALS = re.compile(r"(?<=://)(?:[^/\s]*@|[^/\s:\[]*:(?![0-9]+/)\S*@)")
"""User and password of an address: up to the `@` of the server, or up to the last `@` if a `/` is before it, and no port."""
SNAPSHOT = "@SNAPSHOTID@"
"""Stands in an address for the date of a snapshot, as in the `Snapshots` field of Release files."""
FALSE = ("no", "false", "without", "off", "disable", "0")
"""What apt takes for false."""
KEY_START = "-----BEGIN PGP PUBLIC KEY BLOCK-----"
SAFE_SUITE = re.compile(r"[A-Za-z0-9][A-Za-z0-9._+-]*(?:/[A-Za-z0-9][A-Za-z0-9._+-]*)*/?|\./")
SAFE_COMPONENT = re.compile(r"[A-Za-z0-9][A-Za-z0-9._+-]*(?:/[A-Za-z0-9][A-Za-z0-9._+-]*)*")


@dataclass(frozen=True, slots=True)
class AptSource:
    """One suite of one archive. A suite that ends in `/` is a folder without components, and not below `dists/`.

    `signed_by` are paths of keyrings, `keys` the text of keys that the source itself holds. `architectures` is empty for all
    but `without_architectures`.
    """

    url: str
    suite: str
    components: tuple[str, ...]
    signed_by: tuple[str, ...] = ()
    keys: str = ""
    architectures: tuple[str, ...] = ()
    without_architectures: tuple[str, ...] = ()

    @property
    def folder(self) -> str:
        """The folder of its InRelease, relative to `url`: `dists/bookworm`; of a suite `a/b/` it is `a/b`, of `./` it is empty."""
        return self.suite.removeprefix("./").rstrip("/") if self.suite.endswith("/") else f"dists/{self.suite}"

    def __str__(self) -> str:
        """As one line for apt, without credentials."""
        return " ".join(("deb", without_credentials(self.url), self.suite, *self.components))

    def checked(self) -> "AptSource":
        """This source, unchanged. Raises InputError for an address that is not http(s), and for an unsafe suite or component.

        Also if components are missing, or if there are any although the suite ends in `/`.
        """
        if not self.url.startswith(("http://", "https://")):
            raise InputError(
                f"the source `{self}` has no http(s) address",
                hint="give an address: --deb-source 'deb https://… bookworm main'",
            )
        if not SAFE_SUITE.fullmatch(self.suite) or not all(map(SAFE_COMPONENT.fullmatch, self.components)):
            raise InputError(f"the suite or a component of the source `{self}` has a character that is not allowed")
        if bool(self.components) == self.suite.endswith("/"):
            raise InputError(f"the source `{self}` must have either components or a suite that ends in `/`")
        return self


def without_credentials(url: str) -> str:
    """An address, or a text with one, without user and password; the rest is unchanged.

    A password may have an unquoted `/`, unless only digits precede it, which look like a port.
    """
    return CREDENTIALS.sub("", url, count=1)


def parse_source_line(line: str) -> AptSource:
    """The source in a line such as `deb [signed-by=/path arch=amd64] https://mirror/debian bookworm main`; other options are ignored.

    Raises InputError for anything else, a comment too.
    """
    match = LINE.fullmatch(line.strip())
    if match is None:
        raise InputError(
            f"`{without_credentials(line)}` is not a source of Debian packages",
            hint="write it as 'deb https://mirror/debian bookworm main'",
        )
    options = {
        name.lower(): value for name, _, value in (text.partition("=") for text in (match["options"] or "").split())
    }
    chosen, added, removed = (_listed(options.get(name, "")) for name in ("arch", "arch+", "arch-"))
    return AptSource(
        match["url"].rstrip("/"),
        match["suite"],
        tuple(match["components"].split()),
        _listed(options.get("signed-by", "")),
        architectures=_chosen(chosen, added, removed),
        without_architectures=removed,
    ).checked()


def _listed(value: str) -> tuple[str, ...]:
    """The values of an option, which commas separate, without empty ones."""
    return tuple(filter(None, value.split(",")))


def _chosen(chosen: Sequence[str], added: Sequence[str], removed: Sequence[str]) -> tuple[str, ...]:
    """The architectures of a source that names some and then adds and removes others; empty if it names none, which means all.

    Empty also if it removes all that it names. What it adds counts only if it names some.
    """
    return tuple(name for name in (*chosen, *added) if name not in removed) if chosen else ()


def parse_sources_list(text: str) -> Iterator[AptSource]:
    """The sources of a `sources.list`; `deb-src`, comments, malformed lines, and addresses that are not http(s) are left out.

    Raises InputError as `AptSource.checked` does: also for a line without components.
    """
    for line in text.splitlines():
        bare = line.partition("#")[0].strip()
        match = LINE.fullmatch(bare)
        if match and match["url"].startswith(("http://", "https://")):
            yield parse_source_line(bare)


def parse_deb822_sources(text: str) -> Iterator[AptSource]:
    """The sources of a `*.sources`: each suite of each address. Disabled records, `deb-src`, and other addresses than http(s) are left out.

    Raises InputError as `AptSource.checked` does: also for a record without components.
    """
    bare = "\n".join(line for line in text.splitlines() if not line.startswith("#"))
    for fields in stanzas(bare):
        if "deb" not in fields.get("types", "").split() or fields.get("enabled", "yes").lower() in FALSE:
            continue
        names = ("architectures", "architectures-add", "architectures-remove")
        chosen, added, removed = (fields.get(name, "").split() for name in names)
        signed_by = fields.get("signed-by", "")
        keys = _unfolded(signed_by) if KEY_START in signed_by else ""
        for url in fields.get("uris", "").split():
            for suite in fields.get("suites", "").split():
                if url.startswith(("http://", "https://")):
                    yield AptSource(
                        url.rstrip("/"),
                        suite,
                        tuple(fields.get("components", "").split()),
                        () if keys else tuple(signed_by.split()),
                        keys,
                        _chosen(chosen, added, removed),
                        tuple(removed),
                    ).checked()


def _unfolded(text: str) -> str:
    """A folded field as text: the space around each line is removed, and ` .` is an empty line."""
    lines = (line.strip() for line in text.splitlines())
    return "\n".join("" if line == "." else line for line in lines)
