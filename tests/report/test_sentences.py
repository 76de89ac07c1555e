"""The sentences of findings: each rule has one, and each fact that a sentence names is given."""

import ast
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache

import pytest

from tests.support.checkout import ROOT
from wheelhouse.errors import IntegrityError
from wheelhouse.findings import Finding, Severity
from wheelhouse.humanize import fields_of, filled
from wheelhouse.report import error_document
from wheelhouse.report.sentences import SENTENCES, sentence_of
from wheelhouse.vet.approvals_format1 import TEMPLATES
from wheelhouse.vet.vet import RULES

pytestmark = pytest.mark.text
DERIVED = {"subject", "rule", "who", "likeness"}
"""Values that `report.sentences` adds to the facts."""
BUILDERS = {"observed", "Finding.of", "error", "wrong_page", "_foreign"}


@dataclass(frozen=True)
class Made:
    """A call in the source that makes a finding: where, its rule, its cases, its facts; `open` if it passes more by name."""

    where: str
    rule: str
    cases: tuple[str, ...]
    facts: frozenset[str]
    open: bool


def strings(node: ast.AST) -> list[str]:
    return [one.value for one in ast.walk(node) if isinstance(one, ast.Constant) and isinstance(one.value, str)]


def made_in(tree: ast.Module, where: str) -> Iterator[Made]:
    """The calls whose rule is written out; the rule of `observed` is the function around it."""
    for function in ast.walk(tree):
        if not isinstance(function, ast.FunctionDef):
            continue
        contexts = {
            keyword.arg
            for call in ast.walk(function)
            if isinstance(call, ast.Call) and isinstance(call.func, ast.Attribute) and call.func.attr == "with_context"
            for keyword in call.keywords
        }
        for call in ast.walk(function):
            if not isinstance(call, ast.Call) or ast.unparse(call.func) not in BUILDERS:
                continue
            if ast.unparse(call.func) == "observed":
                rule = function.name.replace("_", "-")
            else:
                rule = next((one for one in (strings(arg) for arg in call.args[1:2]) if len(one) == 1), [""])[0]
            by_name = {keyword.arg: keyword.value for keyword in call.keywords}
            if rule and rule in RULES:
                cases = tuple(strings(by_name["case"])) if "case" in by_name else ()
                facts = frozenset(str(name) for name in by_name.keys() | contexts if name)
                yield Made(f"{where}:{call.lineno}", rule, cases, facts, None in by_name or None in contexts)


@cache
def all_made() -> tuple[Made, ...]:
    """The calls of all modules."""
    sources = {path: path.read_text(encoding="utf-8") for path in sorted((ROOT / "wheelhouse").rglob("*.py"))}
    return tuple(
        made
        for path, text in sources.items()
        if any(f"{builder}(" in text for builder in BUILDERS)
        for made in made_in(ast.parse(text), str(path.relative_to(ROOT)))
    )


def test_every_rule_has_a_sentence() -> None:
    named = {key.partition("/")[0] for key in SENTENCES}
    assert RULES.keys() <= named, "add its sentence to wheelhouse/report/sentences/vet_sentences.py"


def test_the_calls_that_make_findings_are_seen() -> None:
    """If this fails, findings are made in a new way, and the test below sees fewer of them."""
    assert len({made.rule for made in all_made()}) > 70


def test_every_case_has_a_sentence() -> None:
    assert not [
        made
        for made in all_made()
        if made.cases and not {f"{made.rule}/{case}" for case in made.cases} & SENTENCES.keys()
    ]


def test_every_fact_that_a_sentence_names_is_given() -> None:
    assert not {made.where: missing for made in all_made() if not made.open and (missing := missing_facts(made))}


def missing_facts(made: Made) -> set[str]:
    """The facts that the sentences of a call need and that the call does not give."""
    keys = [f"{made.rule}/{case}" for case in made.cases] or [made.rule]
    needed = {
        name
        for key in keys
        if key in SENTENCES
        for name, is_required in fields_of(SENTENCES[key].text).items()
        if is_required
    }
    return needed - DERIVED - made.facts


def test_a_sentence_of_format_1_names_no_more_facts_than_the_sentence_of_today() -> None:
    """An approval of format 1 is compared by its sentence, so the facts of today must suffice to write it."""
    for key, template in TEMPLATES.items():
        today = SENTENCES[key]
        known = fields_of(today.text).keys() | fields_of(today.hint).keys() | DERIVED
        assert fields_of(template).keys() <= known, key


@pytest.mark.parametrize(
    ("template", "text"),
    [
        ("{paths}", "`a`, `b`, `c`, `d`, `e` and 1 more"),
        ("{paths:2}", "`a`, `b` and 4 more"),
        ("{paths:2 plain}", "a, b and 4 more"),
        ("{paths:all}", "a, b, c, d, e, f"),
        ("{count:file}, {one:file}", "2 files, 1 file"),
        ("x{name:, by #}", "x, by me"),
        ("x{absent:, by #}{zero:, # more}{empty:2|: #}", "x"),
        ("{paths:1 plain|(#)}", "(a and 5 more)"),
    ],
)
def test_a_template_is_filled(template: str, text: str) -> None:
    values = {"paths": tuple("abcdef"), "count": 2, "one": 1, "name": "me", "zero": 0, "empty": ()}
    assert filled(template, values) == text


def test_a_value_that_is_missing_is_an_error() -> None:
    with pytest.raises(KeyError, match="absent"):
        filled("{absent}", {})


def test_braces_in_a_fact_are_text() -> None:
    finding = Finding.of("x-1.0.whl", "pth-known", Severity.NOTE, path="{subject} {0} {path!r}")
    assert sentence_of(finding) == "`{subject} {0} {path!r}` runs a line of code that setuptools writes into .pth files"


def test_an_error_about_a_finding_without_a_hint_has_none_in_json() -> None:
    finding = Finding.of("a", "other-version", Severity.ERROR, project="a", version="1", locked="2")
    assert error_document(IntegrityError("a differs", findings=(finding,)))["error"]["hint"] is None
