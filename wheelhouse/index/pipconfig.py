"""What pip's own configuration says: its files and its PIP_* variables, as pip reads them for `pip download`."""

import ast
import re
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from wheelhouse.errors import InputError, MachineError
from wheelhouse.index.locations import split_named
from wheelhouse.index.urls import redact

SECTIONS = ("global", "download", ":env:")
"""In the order in which one stands over the other."""
FOLLOWED = ("cert", "client-cert", "extra-index-url", "find-links", "index-url", "no-index", "proxy", "timeout")
LEFT = ("constraint", "no-binary", "only-binary", "pre", "requirement", "trusted-host", "uploaded-prior-to")
"""What could be expected to count, and does not."""
ALIASES = {"default-timeout": "timeout"}
BEFORE_HOST = re.compile(r"^[^/]*@(?=.)")
"""User and password of an address without a scheme, as pip takes a proxy's."""
LINE = re.compile(r"([^=]+?)\.([a-z-]+)=(.+)")


@dataclass(frozen=True, slots=True)
class PipConfig:
    """Settings of pip by their long names, as texts; those of a list stand between spaces or on lines of their own."""

    values: Mapping[str, str] = field(default_factory=dict)

    def text(self, name: str) -> str | None:
        """One setting, or None."""
        return self.values.get(name)

    def texts(self, name: str) -> list[str]:
        """One setting as a list."""
        return self.values.get(name, "").split()

    @property
    def told(self) -> tuple[str, ...]:
        """What is followed, `name = value`, without credentials: fit for a lock."""
        return tuple(f"{name} = {_told(self.values[name])}" for name in FOLLOWED if name in self.values)

    @property
    def warnings(self) -> Iterator[str]:
        """A sentence for each setting that does not count here."""
        for name, value in ((name, _told(self.values[name])) for name in LEFT if name in self.values):
            if name == "trusted-host":
                yield f"pip's trusted-host ({value}) is not followed: certificates are always checked; see --ca-file"
            else:
                yield f"pip's configuration says {name} = {value}, which does not count here; use wheelhouse's own options"

    def refuse_extra(self, indexes: Sequence[str]) -> None:
        """Raise InputError for an extra index of pip's to which no project was given; `indexes` are the named ones."""
        known = {_same(split_named(text)[1]) for text in indexes}
        for url in self.texts("extra-index-url"):
            if _same(url) not in known:
                raise InputError(
                    f"pip's configuration names the extra index {redact(url)}, and not which projects come from it",
                    hint=f"a project comes from one index here: --index NAME={redact(url)} --from NAME=PROJECT",
                )

    def with_credentials(self, indexes: Sequence[str]) -> list[str]:
        """Indexes as `--index` takes them; one that pip's configuration names, too, with the credentials that stand there."""
        extra = {_same(url): url for url in self.texts("extra-index-url")}
        return [text if "@" in text else _renamed(text, extra) for text in indexes]


def _same(url: str) -> str:
    return redact(url).rstrip("/")


def _renamed(text: str, known: Mapping[str, str]) -> str:
    name, url = split_named(text)
    return f"{name}={known[_same(url)]}" if name and _same(url) in known else text


def _told(text: str) -> str:
    return " ".join(redact(part) if "://" in part else BEFORE_HOST.sub("", part) for part in text.split())


def read_pip_config() -> PipConfig:
    """Ask pip. Raises MachineError where it cannot say."""
    command = [sys.executable, "-m", "pip", "--disable-pip-version-check", "config", "list"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise MachineError("pip could not read its own configuration", hint="see what `pip config list` says")
    return parse_pip_config(done.stdout)


def parse_pip_config(text: str) -> PipConfig:
    """What `pip config list` prints: `section.name='value'` on each line."""
    found: dict[str, dict[str, str]] = {section: {} for section in SECTIONS}
    for line in text.splitlines():
        if (match := LINE.fullmatch(line)) and match[1] in found:
            found[match[1]][match[2]] = str(ast.literal_eval(match[3]))
    values = {ALIASES.get(name, name): value for section in SECTIONS for name, value in found[section].items()}
    return PipConfig({name: value for name, value in values.items() if value.strip()})
