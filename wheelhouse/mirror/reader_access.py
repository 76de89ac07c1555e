"""Who may read what a server has: users with passwords (htpasswd) or tokens, and the users of each wheelhouse."""

import asyncio
import base64
import binascii
import hashlib
import hmac
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from importlib import import_module
from pathlib import Path

import msgspec

from wheelhouse.documents import DocumentType, parse_toml
from wheelhouse.errors import InputError, MachineError
from wheelhouse.extras import pip_install
from wheelhouse.files.disk import read_text

TOKEN_USER = "__token__"  # noqa: S105  (a name that stands for no user, as PyPI has it)
BCRYPT_PREFIXES = ("$2a$", "$2b$", "$2y$")
BCRYPT = re.compile(r"\$2[aby]\$(0[4-9]|[12][0-9]|3[01])\$[./A-Za-z0-9]{53}")
"""A hash of bcrypt: its cost, 22 characters of salt, 31 of the hash."""
ANYBODY = "*"


@dataclass(frozen=True, slots=True)
class Access:
    """Who may read. `tokens` maps each user to the sha256 of their tokens, `passwords` to their bcrypt hash.

    `readers` maps a wheelhouse to its users, `*` standing for all; without it, every user may read everything.
    """

    tokens: Mapping[str, frozenset[bytes]] = field(default_factory=dict)
    passwords: Mapping[str, bytes] = field(default_factory=dict)
    readers: Mapping[str, frozenset[str]] | None = None
    _checked: set[bytes] = field(default_factory=set)

    @property
    def is_required(self) -> bool:
        """Whether a client must say who it is: there are tokens or passwords."""
        return bool(self.tokens or self.passwords)

    def may_read(self, user: str | None, wheelhouse: str) -> bool:
        """Whether a user may read a wheelhouse: all may without a list of readers, nobody if the list lacks the wheelhouse.

        A client without a user is in the list only as `*`. Whether a client must say who it is, is not looked at.
        """
        if self.readers is None:
            return True
        return not self.readers.get(wheelhouse, frozenset()).isdisjoint({user, ANYBODY})

    async def user_of(self, authorization: str | None) -> str | None:
        """The user whose right password or token an Authorization header has (RFC 7617, RFC 6750).

        A token counts as the password of its own user, or alone, as Bearer. None if it has none, or a wrong one, and always
        if there are no users.
        """
        if not authorization or not self.is_required:
            return None
        scheme, _, value = authorization.partition(" ")
        if scheme.lower() == "bearer":
            return self._by_token(value.strip())
        try:
            name, colon, password = base64.b64decode(value, validate=True).decode().partition(":")
        except (binascii.Error, ValueError):
            return None
        if scheme.lower() != "basic" or not colon:
            return None
        if self._is_token_of(name, password):
            return name
        return name if await self._has_password(name, password) else None

    def _is_token_of(self, name: str, token: str) -> bool:
        """Whether a text is a token of this user."""
        digest = hashlib.sha256(token.encode()).digest()
        return any(hmac.compare_digest(digest, own) for own in self.tokens.get(name, ()))

    def _by_token(self, token: str) -> str | None:
        """The user of a token that came without a name, the first if several have it; None if nobody has it."""
        return next((name for name in self.tokens if self._is_token_of(name, token)), None)

    async def _has_password(self, name: str, password: str) -> bool:
        """Whether it is the user's password. bcrypt takes 50 ms, in a thread; a right one is remembered by its sha256.

        Only the first 72 bytes of a password count, as in bcrypt.
        """
        own = self.passwords.get(name)
        if own is None:
            return False
        seen = hashlib.sha256(b"\0".join((name.encode(), password.encode(), own))).digest()
        if seen in self._checked:
            return True
        check = import_module("bcrypt").checkpw
        is_right = await asyncio.get_running_loop().run_in_executor(None, check, password.encode()[:72], own)
        if is_right:
            self._checked.add(seen)
        return bool(is_right)


EVERYBODY = Access()


@dataclass(frozen=True, slots=True)
class AccessFiles:
    """The files that say who may read: tokens, passwords (htpasswd), and the users of each of the served wheelhouses."""

    tokens: Path | None
    passwords: Path | None
    readers: Path | None
    wheelhouses: Mapping[str, object]

    @property
    def paths(self) -> list[Path]:
        """The files that were given."""
        return [path for path in (self.tokens, self.passwords, self.readers) if path]

    def read(self) -> Access:
        """What the files say now. Raises InputError or MachineError if one cannot be read."""
        return Access(
            read_tokens(self.tokens) if self.tokens else {},
            read_htpasswd(self.passwords) if self.passwords else {},
            read_readers(self.readers, self.wheelhouses) if self.readers else None,
        )


def read_tokens(path: Path) -> dict[str, frozenset[bytes]]:
    """The sha256 of the tokens of a file, as bytes, by user: a line is `user:token`, or a token alone, of the user
    TOKEN_USER. The last `:` of a line ends the user; so no token has one. Spaces around user and token do not count.
    Empty lines, and those that begin with `#`, are passed over.

    Raises InputError for a file that cannot be read, for one without a token, and for a line without one: anybody has an
    empty token.
    """
    tokens: dict[str, set[bytes]] = {}
    for number, line in _lines(path, "the tokens"):
        user, _, token = map(str.strip, line.rpartition(":"))
        if not token:
            raise InputError(f"line {number} of `{path}` has no token", hint="write one token a line: user:token")
        tokens.setdefault(user or TOKEN_USER, set()).add(hashlib.sha256(token.encode()).digest())
    if not tokens:
        raise InputError(f"`{path}` has no token", hint="write one token a line: user:token")
    return {user: frozenset(own) for user, own in tokens.items()}


def read_htpasswd(path: Path) -> dict[str, bytes]:
    """The bcrypt hashes of an htpasswd file, by user, of several the last; lines without a user are passed over.

    Raises InputError for other hashes, for no user, or a file that cannot be read; MachineError without bcrypt.
    """
    hashes: dict[str, bytes] = {}
    for number, line in _lines(path, "the users"):
        user, _, value = line.partition(":")
        if not user:
            continue
        if not BCRYPT.fullmatch(value):
            is_damaged = value.startswith(BCRYPT_PREFIXES)
            problem = "a damaged bcrypt hash" if is_damaged else "a password that is not hashed by bcrypt"
            hint = f"make the hash again with bcrypt: htpasswd -B {path} {user}"
            raise InputError(f"line {number} of `{path}` has {problem}", hint=hint)
        hashes[user] = value.encode()
    if not hashes:
        raise InputError(f"`{path}` has no user", hint=f"add a user: htpasswd -B {path} USER")
    try:
        import_module("bcrypt")
    except ImportError as error:
        hint = f"install it with: {pip_install('bcrypt')}"
        raise MachineError("--htpasswd needs the project bcrypt, which is not installed", hint=hint) from error
    return hashes


def _lines(path: Path, what: str) -> Iterator[tuple[int, str]]:
    """(number, line) of the lines of a file that are neither empty nor comments, without spaces around them. Numbers begin
    at 1. Raises InputError, with `what`, for a file that cannot be read.
    """
    for number, line in enumerate(map(str.strip, read_text(path, what).splitlines()), 1):
        if line and not line.startswith("#"):
            yield number, line


_READERS = DocumentType(dict[str, tuple[str, ...]])


def read_readers(path: Path, wheelhouses: Mapping[str, object]) -> dict[str, frozenset[str]]:
    """The users of each wheelhouse, from TOML: `name = ["user", …]`. Raises InputError for another form or an unknown wheelhouse."""
    try:
        readers = _READERS.from_table(parse_toml(read_text(path, "the readers")), "")
    except (ValueError, msgspec.ValidationError) as error:
        raise InputError(f"`{path}` is not a list of readers: {error}", hint='write: web = ["ada", "ci"]') from error
    if unknown := sorted(readers.keys() - wheelhouses.keys()):
        raise InputError(
            f"`{path}` lists the wheelhouse `{unknown[0]}`, which is not served",
            hint="use the names of the folders that are served",
        )
    return {name: frozenset(users) for name, users in readers.items()}
