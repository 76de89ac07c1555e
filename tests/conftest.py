"""What all tests share: hypothesis tells no time on a busy machine, commands are made once; and, if asked, other sentences."""

import os

import pytest
from hypothesis import HealthCheck, settings

from tests.support.command_tree import keep_commands
from tests.support.other_sentences import replace_sentences

settings.register_profile("shared", deadline=None, max_examples=60, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("shared")
keep_commands()

OTHER_SENTENCES = "WHEELHOUSE_OTHER_SENTENCES"
"""If this variable of the environment is set, every sentence of a finding is another, and tests that compare text are left out."""


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    if OTHER_SENTENCES not in os.environ:
        return
    replace_sentences()
    text = [item for item in items if item.get_closest_marker("text")]
    config.hook.pytest_deselected(items=text)
    items[:] = [item for item in items if item not in text]
