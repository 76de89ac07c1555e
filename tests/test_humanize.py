"""Numbers for people."""

import pytest

from wheelhouse.humanize import fields_of, filled, size_text


@pytest.mark.parametrize(
    ("count", "text"),
    [
        (0, "0 bytes"),
        (1, "1 byte"),
        (999, "999 bytes"),
        (1000, "1.0 kB"),
        (999_949, "999.9 kB"),
        (999_950, "1.0 MB"),
        (1_234_567, "1.2 MB"),
        (999_999_999, "1.0 GB"),
        (12_345_678_901, "12.3 GB"),
    ],
)
def test_a_size_never_reads_as_a_thousand_of_a_unit(count: int, text: str) -> None:
    assert size_text(count) == text


@pytest.mark.parametrize(
    ("template", "is_required"),
    [
        ("{a}", True),
        ("{a:3 plain}", True),
        ("{a:3|x}", True),
        ("{a:f#l|x}", True),
        ("{a:, by #}", False),
        ("{a:3|: #}", False),
        ("{a:, by #}{a}", True),
    ],
)
def test_a_field_is_required_if_a_text_without_its_value_is_an_error(template: str, is_required: bool) -> None:
    assert fields_of(template) == {"a": is_required}
    if is_required:
        with pytest.raises(KeyError):
            filled(template, {})
    else:
        assert filled(template, {}) == ""
