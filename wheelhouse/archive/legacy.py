"""Repairs requirements that pip accepted before it read versions strictly (24.1) (pure).

Many old releases have them, and their metadata can never be corrected: of Airflow 2.0.0's 247 projects, celery 4.4.7 says
`pytz (>dev)` and slack-sdk 3.3.2 `websocket-client (>=0.57<1)`.
"""

import re

from packaging.requirements import InvalidRequirement, Requirement
from packaging.specifiers import InvalidSpecifier, Specifier, SpecifierSet

OPERATOR = r"===|[<>!=~]=|[<>]"
LINE = re.compile(
    r"(?P<name>[A-Za-z0-9][\w.-]*?)\s*(?P<extras>\[[^\]]*\])?\s*(?P<specifier>(?:\(|[<>!=~])[^;@]*)(?P<marker>;.*)?"
)
MISSING_COMMA = re.compile(rf"(?<=[\w*'\"])\s*(?={OPERATOR})")
CLAUSE = re.compile(rf"({OPERATOR})\s*(.*)", re.DOTALL)
WORD = re.compile(r"[A-Za-z*]\S*")
NUMBERS = re.compile(r"(\d+(?:\.\d+)*)\S*")

NO_COMMA = "a comma is missing between two clauses"
LONE_COMMA = "a comma has no clause on one side"
QUOTES = "quotes surround a version"
ORDERED_STAR = "an ordered comparison ends in `.*`"
DOTLESS_STAR = "a `*` has no dot before it"
STRANGE_END = "a version ends in an invalid part"
TILDE = "an exclusion is written `!=~`"
NO_VERSION = "a clause compares with a word that is not a version"


def repair_requirement(line: str) -> tuple[Requirement, str]:
    """The requirement in a line that PEP 508 does not allow, and the rules that repaired it, joined by `and`. Raises InvalidRequirement."""
    parts = LINE.fullmatch(line.strip())
    if not parts:
        raise InvalidRequirement(f"`{line}` is not a project name with a version specifier")
    specifier = parts["specifier"].strip()
    if specifier.startswith("(") and specifier.endswith(")"):
        specifier = specifier[1:-1]
    try:
        specifiers, rules = repair_specifiers(specifier)
    except InvalidSpecifier as error:
        raise InvalidRequirement(str(error)) from error
    return Requirement(f"{parts['name']}{parts['extras'] or ''}{specifiers} {parts['marker'] or ''}".rstrip()), rules


def repair_specifiers(text: str) -> tuple[SpecifierSet, str]:
    """The specifier in a text that PEP 440 does not allow, and the rules that repaired it, joined by `and`. Raises InvalidSpecifier.

    A clause that old pips took as always true, such as `>dev`, is left out.
    """
    rules: dict[str, None] = {}
    bare = text.strip().strip("'\"")
    if bare != text.strip():
        rules[QUOTES] = None
    separated, count = MISSING_COMMA.subn(",", bare)
    if count:
        rules[NO_COMMA] = None
    clauses: list[str] = []
    for clause in map(str.strip, separated.split(",")):
        if not clause:
            rules[LONE_COMMA] = None
        elif repaired := _repair(clause, rules):
            clauses.append(repaired)
    return SpecifierSet(",".join(clauses)), " and ".join(rules)


def _repair(clause: str, rules: dict[str, None]) -> str | None:
    """One clause as PEP 440 writes it; None for `>`, `>=` or `!=` with a word, which old pips took as always true.

    Adds the rules that it needed to `rules`. Raises InvalidSpecifier, also for `==` with an invalid version.
    """
    match = CLAUSE.fullmatch(clause)
    if not match:
        raise InvalidSpecifier(f"`{clause}` does not begin with a comparison")
    operator, version = match[1], match[2].strip()
    if version[:1] in ("'", '"'):
        rules[QUOTES] = None
        version = version.strip("'\" ")
    if operator == "!=" and version.startswith("~"):
        rules[TILDE] = None
        version = f"{version[1:].strip()}.*"
    if operator in ("<", "<=", ">", ">=", "~=") and version.endswith(".*"):
        rules[ORDERED_STAR] = None
        version = version.removesuffix(".*")
    elif re.search(r"\d\*$", version):
        rules[DOTLESS_STAR] = None
        version = f"{version[:-1]}.*"
    try:
        return str(Specifier(operator + version))
    except InvalidSpecifier:
        return _approximately(operator, version, rules)


def _approximately(operator: str, version: str, rules: dict[str, None]) -> str | None:
    """A clause that compares with an invalid version, as old pips read it: with `<`, `<=`, `>` or `>=`, what follows the leading
    number is dropped.

    None for `>`, `>=` and `!=` with a word, which are always true. Adds its rule to `rules`. Raises InvalidSpecifier for all others.
    """
    if WORD.fullmatch(version) and operator in (">", ">=", "!="):
        rules[NO_VERSION] = None
        return None
    numbers = NUMBERS.fullmatch(version)
    if not numbers or operator not in ("<", "<=", ">", ">="):
        raise InvalidSpecifier(f"`{operator}{version}` compares with a text that is not a version")
    rules[STRANGE_END] = None
    return operator + numbers[1]
