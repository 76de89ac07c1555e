"""The options that may stand in a requirements file, as pip splits them; what cannot be honoured is refused, never ignored (pure)."""

import optparse
import shlex
from dataclasses import dataclass
from typing import NoReturn

from wheelhouse.errors import InputError


@dataclass(frozen=True, slots=True)
class Option:
    """An option in a requirements file: its long name, its value ("" for a flag), and where it stands."""

    name: str
    value: str
    origin: str


HONOURED = {
    "--requirement": "-r",
    "--constraint": "-c",
    "--hash": "",
    "--no-binary": "",
    "--only-binary": "",
    "--all-releases": "",
    "--only-final": "",
    "--index-url": "-i --pypi-url",
}
HONOURED_FLAGS = ("--pre", "--prefer-binary", "--require-hashes", "--no-require-hashes")
REFUSED = {
    "--extra-index-url": "name each index to wheelhouse, and what comes from it: two indexes for one project invite a stranger's file",
    "--find-links": "say it to wheelhouse itself",
    "--trusted-host": "name the certificate authority of that host in SSL_CERT_FILE",
    "--editable": "build a wheel of it where you trust the code (`python -m build --wheel`), and name that file",
    "--use-feature": "remove it: wheelhouse has none of pip's features",
    "--config-settings": "say it to the build; nothing is built while fetching",
    "--global-option": "say it to the build; nothing is built while fetching",
}
SHORT = {"--find-links": "-f", "--editable": "-e", "--config-settings": "-C --config-setting"}
REFUSED_FLAGS = {"--no-index": "name the folder or the index that takes the index's place to wheelhouse itself"}
FILE_OPTIONS = (*HONOURED, *HONOURED_FLAGS, *REFUSED, *REFUSED_FLAGS)


class _Parser(optparse.OptionParser):
    """optparse, as pip uses it, so that spellings mean the same; it raises where it would exit."""

    def error(self, msg: str) -> NoReturn:
        raise ValueError(msg)


def _parser() -> _Parser:
    parser = _Parser(add_help_option=False)
    for name, others in (*HONOURED.items(), *((name, SHORT.get(name, "")) for name in REFUSED)):
        parser.add_option(name, *others.split(), action="callback", callback=_note, type="string")
    for name in (*HONOURED_FLAGS, *REFUSED_FLAGS):
        parser.add_option(name, action="callback", callback=_note)
    return parser


def _note(option: optparse.Option, _spelling: str, value: str | None, parser: optparse.OptionParser) -> None:
    found: list[tuple[str, str]] = parser.values.ensure_value("found", [])  # type: ignore[union-attr]
    found.append((option._long_opts[0], value or ""))


def read_options(text: str, origin: str) -> tuple[str, list[Option]]:
    """A line without its options, and those. Raises InputError for one that is unknown, or that cannot be honoured."""
    words = text.split(" ")
    first = next((position for position, word in enumerate(words) if word.startswith("-")), len(words))
    bare = " ".join(words[:first]).strip()
    if first == len(words):
        return bare, []
    parser = _parser()
    try:
        values, rest = parser.parse_args(shlex.split(" ".join(words[first:])))
    except ValueError as error:
        known = ", ".join(sorted(FILE_OPTIONS))
        raise InputError(f"{origin}: `{' '.join(words[first:])}`: {error}", hint=f"the options are {known}") from error
    if rest:
        raise InputError(f"{origin}: `{' '.join(rest)}` stands behind an option", hint="write one requirement a line")
    options = [Option(name, value, origin) for name, value in getattr(values, "found", [])]
    for option in options:
        if advice := REFUSED.get(option.name) or REFUSED_FLAGS.get(option.name):
            raise InputError(f"{origin}: `{option.name}` is not honoured in a file", hint=advice)
    return bare, options
