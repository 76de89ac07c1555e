"""Source files: their encoding, their tree, the words that make them worth following, and what the text itself hides (pure)."""

import ast
import codecs
import re
import tokenize
import unicodedata
import warnings
from collections.abc import Iterator
from contextlib import suppress
from itertools import pairwise

from wheelhouse.documents import too_deep_as
from wheelhouse.vet.code.api_names import (
    BOT_TOKEN,
    DANGEROUS,
    DANGEROUS_MODULES,
    PUBLIC_SERVICE,
    SUSPICIOUS_ADDRESS,
)
from wheelhouse.vet.code.behaviour import Behaviour
from wheelhouse.vet.code.folding import HIDING_CODEC
from wheelhouse.vet.code.hostile import exchanges_wallets
from wheelhouse.vet.code.named_call import shortened

MAX_SOURCE_BYTES = 8 << 20
"""The longest source that is parsed."""
ODD_LETTERS = re.compile(
    rb"\xe2\x80[\x8b-\x8f\xaa-\xae]|\xe2\x81[\xa0-\xaf]|\xf3\xa0|\xf0\x9d[\x90-\x9f]|\xef\xbc[\xa1-\xba]|\xef\xbd[\x81-\x9a]|\xef\xb8[\x80-\x8f]"
)
"""Characters, in UTF-8, that may hide something from who reads the source."""
ODD_RUNS = (b" " * 150, b"\t" * 40, b"(" * 60, b"[" * 60, b"\0")
BLANKS = re.compile(r"(?<=\S)(?: {150,}+|\t{40,}+)\s*+;?[ \t]*+(?P<hidden>[A-Za-z_][^\n]{3,})")
BIDI = re.compile("(?<!['\"])[\u202a-\u202e\u2066-\u2069]|[\u202a-\u202e\u2066-\u2069](?!['\"])")
"""Without a character that stands alone between quotes, as in tables of characters."""
INVISIBLE = re.compile("[\u200b\u200c\u200d\u2060-\u2064\u206a-\u206f\ufe00-\ufe0f\U000e0000-\U000e01ef]{24,}")
CONTINUES = re.compile(r"(?:else|elif|except|finally)\b|[)\]}#\"']")
"""A line at the left edge that begins no statement: it continues the one before, or is a comment."""
MAX_STATEMENTS = 2000
LOOKALIKE = re.compile("[\U0001d400-\U0001d7ff\uff21-\uff3a\uff41-\uff5a]")
ESCAPED = re.compile(
    rb"""\\(?:x[67][0-9a-fA-F]|1[4-7][0-7]|u00[67][0-9a-fA-F])(?:\\(?:x[0-9a-fA-F]{2}|[0-7]{2,3}|u00[0-9a-fA-F]{2})){1,80}['"]"""
)
ESCAPES = re.compile(
    r"""\\(?:x[0-9a-fA-F]{2}|[0-7]{2,3}|u00[0-9a-fA-F]{2})(?:\\(?:x[0-9a-fA-F]{2}|[0-7]{2,3}|u00[0-9a-fA-F]{2})){1,80}(?=['"])"""
)
LINE_END = re.compile(rb"\r\n?|\n")
COOKIE = re.compile(rb"[ \t\f]*#.*?coding[:=][ \t]*([-\w.]+)")
BLOB = re.compile(r"""['"]([A-Za-z0-9+/]{200,}={0,2})['"]""")
MANY_BLOBS = 5
MIN_BLOB = 200
SUBCLASSES = re.compile(r"__(?:base|bases|mro)__(?:\[[^\]\n]*\])?\.__subclasses__\s*\(")
ADDRESS = re.compile(r"//[^\s'\"<>`]{3,100}['\"]?")
QUOTES = "'\"/ "
RECORDERS = ("oast.", "oastify", "interact.sh", "burpcollaborator", "dnslog.cn", "ceye.io")
RECORDER = re.compile(
    r"\b[\w-]{10,}\.(?:oast\.(?:fun|live|pro|site|me|online)|oastify\.com|interact\.sh|burpcollaborator\.net|dnslog\.cn|ceye\.io)\b"
)
"""Servers that record who asks for a name."""


class UnparsedError(Exception):
    """A source that cannot be parsed; the text of the error says why, in a few words. `is_syntax` if it is a line of it."""

    def __init__(self, reason: str, *, is_syntax: bool = False) -> None:
        super().__init__(reason)
        self.is_syntax = is_syntax


def is_odd(source: bytes) -> bool:
    """Whether the bytes of a source may hide something from who reads it.

    They do by long runs of blanks or brackets, null bytes, escapes, odd letters, or an encoding that nobody can read.
    """
    if any(run in source for run in ODD_RUNS) or ESCAPED.search(source):
        return True
    if HIDING_CODEC.fullmatch(declared_encoding(source)):
        return True
    return False if source.isascii() else ODD_LETTERS.search(source) is not None


def decoded_source(source: bytes) -> str:
    """The text of a source, by its own encoding, else UTF-8 (PEP 263); as Latin-1 if that is unknown, gives no text or does not fit.

    Raises UnparsedError for a source that is too long, or if the codec fails with any other error.
    """
    if len(source) > MAX_SOURCE_BYTES:
        raise UnparsedError(f"it is longer than {MAX_SOURCE_BYTES >> 20} MiB")
    codec = declared_encoding(source) or "utf-8"
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            return source.decode("utf-8-sig" if codec == "utf-8" else codec)
        except (LookupError, ValueError):
            return source.decode("latin-1")
        except Exception as error:  # a codec with a fault
            raise UnparsedError(f"its encoding is `{codec}`") from error


def declared_encoding(source: bytes) -> str:
    """The encoding that a source names in its first two lines, by Python's name if Python knows it; empty if it names none (PEP 263).

    None is found in a first line that begins with a byte order mark.
    """
    for line in LINE_END.split(source, 2)[:2]:
        if match := COOKIE.match(line):
            name = match[1].decode()
            try:
                return codecs.lookup(name).name
            except (LookupError, ValueError):
                return name
        if line.strip() and not line.lstrip().startswith((b"#", b"\xef\xbb\xbf#")):
            break
    return ""


def parsed(text: str) -> tuple[ast.Module, list[str]]:
    """The tree of a source, and why some of its statements are left out, in at most one reason: a newer syntax, Python 2.

    If a source does not parse as a whole, each statement at its top is parsed for itself. Raises UnparsedError if none
    parses, or it is nested too deeply, or has null bytes or half a surrogate pair.
    """
    try:
        return _tree(text), []
    except UnparsedError as error:
        if not error.is_syntax:
            raise
        body, parts = [], _statements(text)
        for line, part in parts:
            with suppress(UnparsedError):
                tree = _tree(part)
                body += [ast.increment_lineno(statement, line) for statement in tree.body]
        if not body:
            raise
        return ast.Module(body, []), [str(error)]


def _statements(text: str) -> list[tuple[int, str]]:
    """The statements at the top of a source, as well as lines say, each with the number of lines before it; none if no line begins one.

    The last one of MAX_STATEMENTS has all the rest.
    """
    lines = text.split("\n")
    starts: list[int] = []
    for number, line in enumerate(lines):
        is_decorated = number > 0 and lines[number - 1].startswith("@")
        if line[:1].strip() and not CONTINUES.match(line) and not is_decorated and len(starts) < MAX_STATEMENTS:
            starts.append(number)
    return [(one, "\n".join(lines[one:end])) for one, end in pairwise([*starts, len(lines)])]


def syntax_tree(code: str | bytes) -> ast.Module:
    """The tree of Python code, as `ast.parse` makes it, whose errors it raises.

    Python 3.11 counts the depth of a tree for all threads together: after its SystemError, the code is parsed again.
    """
    try:
        return ast.parse(code)
    except SystemError:
        return ast.parse(code)


def _tree(text: str) -> ast.Module:
    """The tree of a text. Raises UnparsedError, with `is_syntax` for an error in a line."""
    try:
        with warnings.catch_warnings(), too_deep_as(ValueError):
            warnings.simplefilter("ignore")
            return syntax_tree(text)
    except (SyntaxError, ValueError) as error:
        reason = _reason(error)
        raise UnparsedError(reason, is_syntax=reason.startswith("line")) from None
    except MemoryError:
        raise UnparsedError("it is nested too deeply") from None


def _reason(error: Exception) -> str:
    """Why a source does not parse, in a few words; `line 3: …` for an error in a line."""
    if "null byte" in str(error):
        return "it has null bytes"
    if isinstance(error, UnicodeError):
        return "it has a half of a surrogate pair"
    if isinstance(error, SyntaxError):
        message = error.msg or "syntax error"
        if "too many nested" in message or "too deeply" in message:
            return "it is nested too deeply"
        return f"line {error.lineno or 0}: {shortened(message)}"
    return "it is nested too deeply"


def odd_text(path: str, source: bytes, text: str, tree: ast.Module, reach: str) -> Iterator[Behaviour]:
    """What the text of a source hides from who reads it, and suspicious addresses in it.

    `source` are its bytes, `reach` is how addresses in it are reached.
    """
    codec = declared_encoding(source)
    if HIDING_CODEC.fullmatch(codec):
        yield Behaviour("encoded-source", path, 1, f"the encoding `{codec}`")
    if any(run in source for run in ODD_RUNS):
        yield from _hidden_by_blanks(path, text)
    if not text.isascii():
        yield from _odd_characters(path, text)
    yield from _escaped_names(path, text)
    if match := SUBCLASSES.search(text):
        yield Behaviour(
            "hidden-name", path, _line(text, match.start()), "searches all classes of Python for one to call"
        )
    yield from _addresses(path, text, tree, reach)
    yield from _encoded_texts(path, text)
    yield from exchanges_wallets(path, text)


def _hidden_by_blanks(path: str, text: str) -> Iterator[Behaviour]:
    """A behaviour for each code behind many blanks, on their line or after it, unless a comment or text seems to begin before them."""
    for match in BLANKS.finditer(text):
        before = text[text.rfind("\n", 0, match.start()) + 1 : match.start()]
        if not _is_comment_or_text(before):
            yield Behaviour(
                "hidden-by-blanks", path, _line(text, match.start("hidden")), f"`{shortened(match['hidden'])}`"
            )


def _addresses(path: str, text: str, tree: ast.Module, reach: str) -> Iterator[Behaviour]:
    """Addresses in the texts and bytes of a source, but not in its docstrings, that hide who receives; also in a comment on a line
    with one.

    Those of known public services are `service-address`, unless the source has a bot's token.
    """
    matches = [match for one in ADDRESS.finditer(text) if (match := SUSPICIOUS_ADDRESS.match(text, one.start()))]
    if any(needle in text for needle in RECORDERS):
        matches += RECORDER.finditer(text)
    literals = _literals(tree) if matches else ()
    for match in matches:
        line = _line(text, match.start())
        if line in literals:
            is_public = PUBLIC_SERVICE.match(match[0]) and not BOT_TOKEN.search(text)
            kind = "service-address" if is_public else "address"
            yield Behaviour(kind, path, line, f"`{shortened(match[0].strip(QUOTES))}`", reach)


def _encoded_texts(path: str, text: str) -> Iterator[Behaviour]:
    """At most one `encoded-text`, if many lines, and more than a quarter of all, have a long text that nobody can read."""
    long_lines = [line for line in text.split("\n") if len(line) > MIN_BLOB]
    blobs = [line for line in long_lines if BLOB.search(line)] if len(long_lines) >= MANY_BLOBS else []
    if len(blobs) >= MANY_BLOBS and len(blobs) * 4 > text.count("\n"):
        yield Behaviour("encoded-text", path, _line(text, text.index(blobs[0])), f"{len(blobs)} long encoded texts")


def _odd_characters(path: str, text: str) -> Iterator[Behaviour]:
    """A behaviour for each character that turns the direction of text, unless it stands alone between quotes, for each long
    run of invisible characters, and for each lookalike name.
    """
    for match in BIDI.finditer(text):
        yield Behaviour("bidi", path, _line(text, match.start()), f"U+{ord(match[0]):04X}")
    for match in INVISIBLE.finditer(text):
        yield Behaviour("invisible", path, _line(text, match.start()), f"{len(match[0])} invisible characters in a row")
    if LOOKALIKE.search(text):
        yield from _lookalike_names(path, text)


def _is_comment_or_text(before: str) -> bool:
    """Whether the part of a line before many blanks has a `#`, an open quote, or begins as lines of texts often do."""
    return (
        "#" in before
        or before.count('"') % 2 == 1
        or before.count("'") % 2 == 1
        or before.lstrip().startswith(("*", "|", "//", ":"))
    )


def _lookalike_names(path: str, text: str) -> Iterator[Behaviour]:
    """Names spelled with letters that Python reads as plain ones (PEP 3131), as far as the text has tokens."""
    lines = (f"{line}\n" for line in text.split("\n"))
    try:
        for token in tokenize.generate_tokens(lines.__next__):
            if token.type == tokenize.NAME and LOOKALIKE.search(token.string):
                plain = unicodedata.normalize("NFKC", token.string)
                if plain.isascii():
                    yield Behaviour(
                        "lookalike-name", path, token.start[0], f"`{token.string}`, which Python reads as `{plain}`"
                    )
    except (tokenize.TokenError, SyntaxError, IndentationError):
        return


def _escaped_names(path: str, text: str) -> Iterator[Behaviour]:
    """A `hidden-name` for each dangerous name of which all letters are spelled with escapes, though nobody needs to."""
    for match in ESCAPES.finditer(text):
        word = match[0].encode().decode("unicode_escape")
        if word in DANGEROUS or word in DANGEROUS_MODULES:
            yield Behaviour("hidden-name", path, _line(text, match.start()), f"spells `{word}` with escapes")


def _literals(tree: ast.Module) -> set[int]:
    """The numbers of the lines, from 1, that have a text or bytes that are no statement of their own, as a docstring is."""
    alone = {id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Expr)}
    lines: set[int] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str | bytes) and id(node) not in alone:
            lines.update(range(node.lineno, node.end_lineno + 1))  # type: ignore[operator]
    return lines


def _line(text: str, position: int) -> int:
    """The number of the line of a position, from 1."""
    return text.count("\n", 0, position) + 1
