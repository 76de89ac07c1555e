"""What contributors are given: workflows that are pinned, sessions that exist, hooks and forms that are what hosts read."""

import ast
import re
from pathlib import Path

import pytest

from tests.support.checkout import ROOT

WORKFLOWS = sorted((ROOT / ".github/workflows").glob("*.yml"))


def sessions() -> set[str]:
    """The sessions of noxfile.py."""
    tree = ast.parse((ROOT / "noxfile.py").read_text(encoding="utf-8"))
    return {node.name for node in tree.body if isinstance(node, ast.FunctionDef) and node.decorator_list}


@pytest.mark.parametrize("workflow", WORKFLOWS, ids=lambda path: path.stem)
def test_a_workflow_pins_actions_by_commit_and_grants_nothing_by_default(workflow: Path) -> None:
    text = workflow.read_text(encoding="utf-8")
    assert "\npermissions: {}\n" in text
    uses = re.findall(r"uses: (.+)", text)
    assert all(re.fullmatch(r"[\w./-]+@[0-9a-f]{40} # v[\d.]+", use) for use in uses)
    assert text.count("actions/checkout@") == text.count("persist-credentials: false")


def test_sessions_that_workflows_and_pages_name_exist() -> None:
    pages = [ROOT / "CONTRIBUTING.md", ROOT / "docs/contributing.md", *WORKFLOWS, *(ROOT / ".github").glob("*.md")]
    named = {
        name
        for page in pages
        for words in re.findall(r"nox -s ((?:[a-z]+ ?)+)", page.read_text(encoding="utf-8"))
        for name in words.split()
    }
    nightly = re.search(r"session: \[(.+)\]", (ROOT / ".github/workflows/nightly.yml").read_text(encoding="utf-8"))
    assert nightly and {"lint", "tests", "docs"} <= named
    assert named | set(nightly[1].split(", ")) <= sessions()


def test_one_action_has_one_version_in_all_workflows() -> None:
    pins = {use for workflow in WORKFLOWS for use in re.findall(r"uses: (\S+)", workflow.read_text(encoding="utf-8"))}
    assert len(pins) == len({pin.partition("@")[0] for pin in pins})
