"""docs/legacy-metadata.md says what the rules do."""

import re

import pytest
from packaging.requirements import InvalidRequirement, Requirement

from tests.support.checkout import ROOT
from wheelhouse.archive import legacy
from wheelhouse.archive.metadata import parse_metadata
from wheelhouse.errors import IntegrityError
from wheelhouse.target.target import Platform, Python, Target

PAGE = ROOT / "docs" / "legacy-metadata.md"
ROWS = re.findall(r"^\| (.+) \| `(.+)` \| `(.+)` \|$", PAGE.read_text(), re.MULTILINE)


@pytest.mark.parametrize(("rule", "published", "read"), ROWS)
def test_each_row_of_the_page_is_true(rule: str, published: str, read: str) -> None:
    with pytest.raises(InvalidRequirement):
        Requirement(published)
    requirement, applied = legacy.repair_requirement(published)
    assert (str(requirement), applied) == (read, rule)


def test_the_page_has_every_rule() -> None:
    rules = {
        value
        for name, value in vars(legacy).items()
        if name.isupper() and isinstance(value, str) and name != "OPERATOR"
    }
    assert {row[0] for row in ROWS} == rules


def test_what_cannot_be_read_names_file_and_line() -> None:
    raw = b"Metadata-Version: 2.1\nName: old\nVersion: 1.0\nRequires-Dist: lib ~~ nonsense\n"
    metadata = parse_metadata(raw, "old-1.0-py3-none-any.whl")
    target = Target.of(Python.parse("3.12"), Platform.parse("linux/amd64"))
    with pytest.raises(IntegrityError) as caught:
        list(metadata.requirements(target))
    assert caught.value.details == ("old-1.0-py3-none-any.whl: Requires-Dist: lib ~~ nonsense",)
