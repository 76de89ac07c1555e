"""The manual pages: one for each command, with every option, and without a warning from groff."""

import shutil
import subprocess

import pytest

from website.man import man_pages
from website.reference import commands


def test_every_command_has_a_page_with_its_options() -> None:
    pages = man_pages()
    assert set(pages) == {"wheelhouse.1", *(f"wheelhouse-{name.replace(' ', '-')}.1" for name, _ in commands())}
    for name, command in commands():
        page = pages[f"wheelhouse-{name.replace(' ', '-')}.1"].replace("\\-", "-")
        assert [opt for param in command.params for opt in param.opts if opt.startswith("-") and opt not in page] == []


def test_no_line_of_a_text_is_a_request_to_roff() -> None:
    for name, page in man_pages().items():
        assert page.isascii(), name
        starts = {line.partition(" ")[0] for line in page.splitlines() if line.startswith((".", "'"))}
        assert starts <= {".TH", ".SH", ".TP", ".PP", ".nf", ".fi"}, name


def test_groff_warns_of_nothing() -> None:
    groff = shutil.which("groff")
    if groff is None:
        pytest.skip("groff is not installed")
    text = "\n".join(man_pages().values())
    done = subprocess.run([groff, "-man", "-Tutf8", "-ww"], input=text, capture_output=True, text=True, check=True)
    assert "WHEELHOUSE-FETCH(1)" in done.stdout
    assert done.stderr == ""
