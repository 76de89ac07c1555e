"""Other sentences for all findings: nothing but text may differ with them."""

import pytest

from wheelhouse.report import sentences
from wheelhouse.report.sentences.table import Sentence


def other_sentences() -> dict[str, Sentence]:
    """A sentence and a hint for each rule and case, without any fact."""
    return {key: Sentence(f"sentence of {key}", f"hint of {key}") for key in sentences.SENTENCES}


def replace_sentences(patch: pytest.MonkeyPatch | None = None) -> None:
    """Replace every sentence of a finding in this process, for as long as `patch` lasts."""
    if patch:
        patch.setattr(sentences, "SENTENCES", other_sentences())
    else:
        sentences.SENTENCES.update(other_sentences())
