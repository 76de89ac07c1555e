"""Inputs of a run: addresses of schedulers, commands that sign, pip's timeout and its words for yes."""

from pathlib import Path

import pytest

from wheelhouse.cli.pool import must_be_safe
from wheelhouse.cli.session import connected, index_locations, signer_of
from wheelhouse.config.options import NetworkOptions
from wheelhouse.errors import InputError
from wheelhouse.events import ignore
from wheelhouse.fetch.gather import Options
from wheelhouse.index.pipconfig import PipConfig


@pytest.mark.parametrize(
    "address",
    [
        *("tls://[::1", "tcp://127.0.0.1:99999", "tls://h:abc", "tls://h:0", "h:8786", ""),
        *("tls://a..b:8786", f"tls://{'a' * 70}:8786"),
    ],
)
def test_what_is_no_address_of_a_scheduler_is_refused(address: str) -> None:
    with pytest.raises(InputError, match="is not the address of a scheduler"):
        must_be_safe(address)


@pytest.mark.parametrize("address", ["tls://[::1]:8786", "tcp://127.0.0.1", "tls://h"])
def test_addresses_of_schedulers(address: str) -> None:
    must_be_safe(address)


def test_a_command_that_signs_with_an_open_quote_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="`foo 'bar` is not a command: No closing quotation"):
        signer_of(tmp_path / "key.pub", "foo 'bar")


@pytest.mark.parametrize("value", ["True", "YES", "On", "y", "t", "1"])
def test_pip_has_no_default_index_by_any_word_of_pip_for_yes(value: str) -> None:
    assert not index_locations(Options(pip=PipConfig({"no-index": value})))


@pytest.mark.parametrize("value", ["False", "no", "Off", "n", "f", "0"])
def test_pip_has_a_default_index_by_any_word_of_pip_for_no(value: str) -> None:
    assert index_locations(Options(pip=PipConfig({"no-index": value})))


@pytest.mark.parametrize("timeout", ["abc", "", "0", "-1", "nan", "inf"])
def test_a_timeout_of_pip_that_is_no_number_of_seconds_is_refused(timeout: str) -> None:
    config = PipConfig({"timeout": timeout})
    with (
        pytest.raises(InputError, match="`timeout` of pip's configuration is"),
        connected(NetworkOptions(), ignore, config),
    ):
        pass
