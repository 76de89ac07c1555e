"""The English of findings: a sentence and a hint for each rule, from its facts (pure)."""

from collections.abc import Mapping

from wheelhouse.errors import WheelhouseError
from wheelhouse.findings import WHEELHOUSE_SUBJECT, FactValue, Finding
from wheelhouse.humanize import filled, shortened
from wheelhouse.report.sentences.rehearsal_sentences import REHEARSAL
from wheelhouse.report.sentences.table import Sentence
from wheelhouse.report.sentences.verify_sentences import VERIFY
from wheelhouse.report.sentences.vet_sentences import LIKENESSES, VET

SENTENCES: dict[str, Sentence] = {**VERIFY, **REHEARSAL, **VET}
"""The sentences by rule id. A rule whose findings have the fact `case` has one for each case, as `rule/case`."""


def subject_of(finding: Finding) -> str:
    """What a finding is about: the path of a file or name of a project; the word `wheelhouse` for a whole wheelhouse."""
    return "wheelhouse" if finding.subject == WHEELHOUSE_SUBJECT else finding.subject


def sentence_of(finding: Finding) -> str:
    """The sentence of a finding; then, in brackets, who waived it, and what a VEX document says of it, if there is such.

    Raises KeyError for a rule or case without a sentence, and for a fact that is missing.
    """
    waiver = finding.waiver
    waived = f" (waived by {waiver.who} until {waiver.until}: {waiver.reason})" if waiver else ""
    return _filled(_template(finding).text, finding) + waived + analysis_text(finding)


def analysis_text(finding: Finding) -> str:
    """What a VEX document says of the vulnerability of a finding, in brackets; empty if none says something."""
    analysis = finding.analysis
    if analysis is None:
        return ""
    reasons = "; ".join(filter(None, (analysis.justification.replace("_", " "), analysis.detail)))
    who = analysis.author or analysis.source
    return f" ({analysis.state.replace('_', ' ')}, says {who}{f': {shortened(reasons)}' if reasons else ''})"


def hint_of(finding: Finding) -> str:
    """The hint of a finding; empty if there is none. Raises KeyError as `sentence_of` does."""
    return _filled(_template(finding).hint, finding)


def error_sentence(error: WheelhouseError) -> str:
    """The sentence of an error; if it is about findings, also the sentence of the first, and how many more there are."""
    if not error.findings:
        return str(error)
    more = f", and {len(error.findings) - 1} more" if len(error.findings) > 1 else ""
    return f"{error}: {sentence_of(error.findings[0])}{more}"


def error_hint(error: WheelhouseError) -> str | None:
    """The hint of an error; if it has none, that of its first finding, which can be empty; None if it is about no finding."""
    return error.hint or next((hint_of(finding) for finding in error.findings), None)


def error_details(error: WheelhouseError) -> list[str]:
    """The details of an error; if it is about several findings, then also a line for each."""
    several = error.findings if len(error.findings) > 1 else ()
    return [*error.details, *(f"{subject_of(one)}: {sentence_of(one)} ({one.rule})" for one in several)]


def _template(finding: Finding) -> Sentence:
    """The sentence and hint of a finding's rule and case, as templates. Raises KeyError for a rule or case that has none."""
    case = finding.values.get("case")
    return SENTENCES[f"{finding.rule}/{case}" if case else finding.rule]


def _filled(template: str, finding: Finding) -> str:
    """A template filled with the facts and the context of a finding, and with `subject`, `rule`, `who` and `likeness`.

    A fact of the same name counts first. Raises KeyError if a value is missing.
    """
    values = finding.values
    likeness = LIKENESSES.get(str(values.get("how")), "")
    own = {"subject": finding.subject, "rule": finding.rule, "who": _who(values), "likeness": likeness}
    return filled(template, {**own, **values})


def _who(values: Mapping[str, FactValue]) -> str:
    """Who requires what, in words, from the facts `by` (a file; empty: the user), `requirement`, `more_requests`; empty without them."""
    requirement, by, more = (values.get(name) for name in ("requirement", "by", "more_requests"))
    if not requirement:
        return ""
    who = f"`{by}` requires `{requirement}`" if by else f"`{requirement}` was requested"
    return (
        f"{who} (one of {more + 1} requirements that name the same project)" if isinstance(more, int) and more else who
    )
