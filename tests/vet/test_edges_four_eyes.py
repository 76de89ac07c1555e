"""Four eyes: a finding needs as many reviewers as a file does, and one reviewer with two keys is one reviewer."""

import json
from pathlib import Path

import pytest

from tests.vet import test_approve as approving

houses, keys, wheelhouse = approving.houses, approving.keys, approving.wheelhouse


@pytest.mark.parametrize(("second", "approved"), [("alice", False), ("bob", True)])
def test_findings_are_approved_by_two_reviewers_and_not_by_two_keys(
    houses: Path, keys: Path, tmp_path: Path, wheelhouse: approving.Command, second: str, approved: bool
) -> None:
    approving.settings(tmp_path, keys, "alice", "bob", needed=2)
    for key in ("alice", "bob"):
        done = approving.approve(wheelhouse, houses / "old", keys / key)
        assert done.code == 0, done.err
    policy = tmp_path / "wheelhouse.toml"
    policy.write_text(policy.read_text().replace('name = "bob"', f'name = "{second}"'))
    document = json.loads(wheelhouse("vet", houses / "old", "--json").out)
    rules = {key: {finding["rule"] for finding in document[key]} for key in ("findings", "approved")}
    assert ("pth-code" in rules["approved"], "pth-code" in rules["findings"]) == (approved, not approved)
    assert bool(document["new"]) is not approved
