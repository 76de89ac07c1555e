"""pip's configuration: its files and its PIP_* variables, as pip reads them for `pip download`."""

import ast
import re
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from wheelhouse.errors import InputError, MachineError
from wheelhouse.index.locations import split_named
from wheelhouse.index.urls import locked_url, redact

SECTIONS = ("global", "download", ":env:")
"""In order: a later section overrides an earlier one."""
FOLLOWED = ("cert", "client-cert", "extra-index-url", "find-links", "index-url", "no-index", "proxy", "timeout")
IGNORED = ("constraint", "no-binary", "only-binary", "pre", "requirement", "trusted-host", "uploaded-prior-to")
"""Settings that a user might expect to count."""
ALIASES = {"default-timeout": "timeout"}
LINE = re.compile(r"([^=]+?)\.([a-z-]+)=(.+)")


@dataclass(frozen=True, slots=True)
class PipConfig:
    """Settings of pip by their long names, as texts; the values of a list have spaces or line ends between them."""

    values: Mapping[str, str] = field(default_factory=dict)

    def text(self, name: str) -> str | None:
        """One setting as it is written; None if it is not there."""
        return self.values.get(name)

    def texts(self, name: str) -> list[str]:
        """One setting as a list of words; empty if it is not there."""
        return self.values.get(name, "").split()

    @property
    def followed(self) -> tuple[str, ...]:
        """The settings that wheelhouse follows, as `name = value` by name, without credentials, for a lock."""
        return tuple(f"{name} = {self._shown(name)}" for name in FOLLOWED if name in self.values)

    @property
    def warnings(self) -> Iterator[str]:
        """A sentence, without credentials, for each setting that a user might expect to count, and that does not."""
        for name, value in ((name, self._shown(name)) for name in IGNORED if name in self.values):
            if name == "trusted-host":
                yield f"pip's trusted-host ({value}) is ignored: wheelhouse always checks certificates; see --ca-file"
            else:
                yield f"pip's configuration says {name} = {value}, which wheelhouse ignores; use wheelhouse's own options"

    def _shown(self, name: str) -> str:
        """The words of a setting that is there, joined by spaces, without credentials. A text without a scheme has a user only if it
        is a proxy, or has a colon as before a password: a folder may have an `@` in its name.
        """
        return " ".join(
            redact(word)
            if "://" in word or ("@" in word and (name == "proxy" or ":" in word.partition("/")[0]))
            else word
            for word in self.texts(name)
        )

    def refuse_extra(self, indexes: Sequence[str]) -> None:
        """Raise InputError for an extra index of pip that is not among `indexes`, the values of wheelhouse's own --index."""
        assigned = {_comparable(split_named(text)[1]) for text in indexes}
        for url in self.texts("extra-index-url"):
            if _comparable(url) not in assigned:
                raise InputError(
                    f"pip's configuration has the extra index {redact(url)}, but does not say which projects come from this index",
                    hint=f"name the projects: --index NAME={redact(url)} --from NAME=PROJECT",
                )

    def with_credentials(self, indexes: Sequence[str]) -> list[str]:
        """The values of wheelhouse's own --index. `NAME=URL` without an `@` gets the credentials that pip has for the same extra index."""
        extra = {_comparable(url): url for url in self.texts("extra-index-url")}
        return [text if "@" in text else _with_credentials(text, extra) for text in indexes]


def _comparable(url: str) -> str:
    """A URL to compare indexes by: without credentials, query, fragment and last `/`, its host in lower case. A port stays,
    also the usual one of the scheme.
    """
    scheme, mark, rest = locked_url(url).rstrip("/").partition("://")
    host, slash, path = rest.partition("/")
    return f"{scheme}{mark}{host.lower()}{slash}{path}"


def _with_credentials(text: str, extra: Mapping[str, str]) -> str:
    """A value of wheelhouse's --index. If it is `NAME=URL`, and `extra` has an index with this URL, its URL is that of `extra`, which
    may have credentials; else it is unchanged.
    """
    name, url = split_named(text)
    return f"{name}={extra[_comparable(url)]}" if name and _comparable(url) in extra else text


def read_pip_config() -> PipConfig:
    """The settings of pip, from `pip config list` with the Python that runs wheelhouse.

    Raises MachineError if it fails, and as `parse_pip_config`.
    """
    command = [sys.executable, "-m", "pip", "--disable-pip-version-check", "config", "list"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise MachineError("pip could not read its own configuration", hint="run `pip config list` to see the cause")
    return parse_pip_config(done.stdout)


def parse_pip_config(text: str) -> PipConfig:
    """Read the output of `pip config list`: `section.name='value'` on each line. Other lines and sections, and empty values,
    are left out: as in pip, an empty value replaces no other. A value of a later section of SECTIONS replaces one of an
    earlier section.

    Raises ValueError or SyntaxError for a value that is no Python literal.
    """
    sections: dict[str, dict[str, str]] = {section: {} for section in SECTIONS}
    for line in text.splitlines():
        if (match := LINE.fullmatch(line)) and match[1] in sections:
            value = str(ast.literal_eval(match[3]))
            if value.strip():
                sections[match[1]][match[2]] = value
    values = {ALIASES.get(name, name): value for section in SECTIONS for name, value in sections[section].items()}
    return PipConfig(values)
