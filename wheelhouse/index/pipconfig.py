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
BEFORE_HOST = re.compile(r"^[^/]*@(?=.)")
"""User and password in a URL without a scheme, as pip takes a proxy's."""
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
        return tuple(f"{name} = {_without_credentials(self.values[name])}" for name in FOLLOWED if name in self.values)

    @property
    def warnings(self) -> Iterator[str]:
        """A sentence, without credentials, for each setting that a user might expect to count, and that does not."""
        for name, value in ((name, _without_credentials(self.values[name])) for name in IGNORED if name in self.values):
            if name == "trusted-host":
                yield f"pip's trusted-host ({value}) is ignored: wheelhouse always checks certificates; see --ca-file"
            else:
                yield f"pip's configuration says {name} = {value}, which wheelhouse ignores; use wheelhouse's own options"

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
    """A URL without credentials, query and last `/`: equal for two URLs of one index."""
    return locked_url(url).rstrip("/")


def _with_credentials(text: str, extra: Mapping[str, str]) -> str:
    """A value of wheelhouse's --index. If it is `NAME=URL`, and `extra` has an index with this URL, its URL is that of `extra`, which
    may have credentials; else it is unchanged.
    """
    name, url = split_named(text)
    return f"{name}={extra[_comparable(url)]}" if name and _comparable(url) in extra else text


def _without_credentials(text: str) -> str:
    """A setting's words, joined by spaces, each URL and each proxy without its user and password."""
    return " ".join(redact(part) if "://" in part else BEFORE_HOST.sub("", part) for part in text.split())


def read_pip_config() -> PipConfig:
    """The settings of pip, from `pip config list` with the Python that runs wheelhouse. Raises MachineError if it fails."""
    command = [sys.executable, "-m", "pip", "--disable-pip-version-check", "config", "list"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise MachineError("pip could not read its own configuration", hint="run `pip config list` to see the cause")
    return parse_pip_config(done.stdout)


def parse_pip_config(text: str) -> PipConfig:
    """Read the output of `pip config list`: `section.name='value'` on each line. Other sections, and empty values, are left out."""
    sections: dict[str, dict[str, str]] = {section: {} for section in SECTIONS}
    for line in text.splitlines():
        if (match := LINE.fullmatch(line)) and match[1] in sections:
            sections[match[1]][match[2]] = str(ast.literal_eval(match[3]))
    values = {ALIASES.get(name, name): value for section in SECTIONS for name, value in sections[section].items()}
    return PipConfig({name: value for name, value in values.items() if value.strip()})
