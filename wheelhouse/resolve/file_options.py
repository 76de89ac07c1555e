"""The options of a requirements file, split as pip splits them. Unsupported options are refused, never ignored (pure)."""

import optparse
import shlex
from dataclasses import dataclass
from typing import NoReturn

from wheelhouse.errors import InputError


@dataclass(frozen=True, slots=True)
class Option:
    """An option in a requirements file: its long name, its value ("" for a flag), and where it is."""

    name: str
    value: str
    origin: str


SUPPORTED = {
    "--requirement": "-r",
    "--constraint": "-c",
    "--hash": "",
    "--no-binary": "",
    "--only-binary": "",
    "--all-releases": "",
    "--only-final": "",
    "--index-url": "-i --pypi-url",
}
SUPPORTED_FLAGS = ("--pre", "--prefer-binary", "--require-hashes", "--no-require-hashes")
REFUSED = {
    "--extra-index-url": "give each index, with its projects, to wheelhouse itself: "
    "if a project has two indexes, a stranger can add a file to one of them",
    "--find-links": "give this option to wheelhouse itself",
    "--trusted-host": "name the certificate authority of that host in SSL_CERT_FILE",
    "--editable": "if you trust the code, build a wheel of it (`python -m build --wheel`), and request this wheel",
    "--use-feature": "remove the line: wheelhouse does not have the optional features of pip",
    "--config-settings": "give this option to the build: `fetch` builds nothing",
    "--global-option": "give this option to the build: `fetch` builds nothing",
}
SHORT = {"--find-links": "-f", "--editable": "-e", "--config-settings": "-C --config-setting"}
REFUSED_FLAGS = {
    "--no-index": "on the command line of wheelhouse, name the folder or index that replaces the default index"
}
FILE_OPTIONS = (*SUPPORTED, *SUPPORTED_FLAGS, *REFUSED, *REFUSED_FLAGS)


class _Parser(optparse.OptionParser):
    """optparse, as pip uses it, so that options have the same spellings. It raises ValueError instead of exiting."""

    def error(self, msg: str) -> NoReturn:
        """Raise ValueError."""
        raise ValueError(msg)


def _parser() -> _Parser:
    """A parser of all supported and refused options; `_collect` gathers what it meets."""
    parser = _Parser(add_help_option=False)
    for name, others in (*SUPPORTED.items(), *((name, SHORT.get(name, "")) for name in REFUSED)):
        parser.add_option(name, *others.split(), action="callback", callback=_collect, type="string")
    for name in (*SUPPORTED_FLAGS, *REFUSED_FLAGS):
        parser.add_option(name, action="callback", callback=_collect)
    return parser


def _collect(option: optparse.Option, _spelling: str, value: str | None, parser: optparse.OptionParser) -> None:
    """Append (long name, value) to the parser's list of options; the value of a flag is empty."""
    collected: list[tuple[str, str]] = parser.values.ensure_value("collected", [])  # type: ignore[union-attr]
    collected.append((option._long_opts[0], value or ""))


def read_options(text: str, origin: str) -> tuple[str, list[Option]]:
    """A line without its options, stripped, and its options in their order. Raises InputError for an unknown or unsupported one,
    a lacking or superfluous value, an open quote, and text after an option.
    """
    words = text.split(" ")
    first = next((position for position, word in enumerate(words) if word.startswith("-")), len(words))
    bare = " ".join(words[:first]).strip()
    if first == len(words):
        return bare, []
    parser = _parser()
    try:
        values, rest = parser.parse_args(shlex.split(" ".join(words[first:])))
    except ValueError as error:
        names = ", ".join(sorted(FILE_OPTIONS))
        raise InputError(
            f"{origin}: `{' '.join(words[first:])}`: {error}", hint=f"use one of these options: {names}"
        ) from error
    if rest:
        raise InputError(
            f"{origin}: `{' '.join(rest)}` follows an option", hint="write each requirement on a line of its own"
        )
    options = [Option(name, value, origin) for name, value in getattr(values, "collected", [])]
    for option in options:
        if advice := REFUSED.get(option.name) or REFUSED_FLAGS.get(option.name):
            raise InputError(f"{origin}: `{option.name}` is not supported in a file", hint=advice)
    return bare, options
