"""What users write for the size of a volume."""

import pytest

from wheelhouse.cli.carrying import size_of
from wheelhouse.errors import InputError


@pytest.mark.parametrize(
    ("text", "size"), [("4G", 4_000_000_000), ("700M", 700_000_000), ("1 kb", 1000), ("1000000", 1_000_000)]
)
def test_the_size_of_a_volume_may_have_a_unit(text: str, size: int) -> None:
    assert size_of(text) == size


@pytest.mark.parametrize("text", ["", "lots", "999", "-4G", "4X", "9" * 5000])
def test_what_is_no_size_of_a_volume_is_refused(text: str) -> None:
    with pytest.raises(InputError, match="is not a size for a volume") as error:
        size_of(text)
    assert len(str(error.value)) < 400
