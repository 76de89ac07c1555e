"""What an older release wrote is read by this one: wheelhouse, lock files, staged folder, bundle, volumes, approvals.

`tests/releases/<release>` was written by that release: `fetch --build`, `approve --key ada`, `stage --key packer`, `pack --key packer`,
once whole and once with `--split 20kB`. It is never written anew.
"""

import json
import shutil
from pathlib import Path

import pytest

from tests.support.golden import Session
from wheelhouse import __version__

RELEASES = sorted((Path(__file__).parent / "releases").iterdir())
LOCK = "pylock.cp312-manylinux_2_28_x86_64.toml"


@pytest.fixture(params=RELEASES, ids=lambda folder: folder.name)
def typed(request: pytest.FixtureRequest, tmp_path: Path) -> Session:
    """Commands typed in a copy of what a release wrote."""
    shutil.copytree(request.param, tmp_path / "here")
    return Session(tmp_path / "here")


def files_of(folder: Path) -> dict[str, bytes]:
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_the_fixture_is_of_an_older_release() -> None:
    assert [folder.name for folder in RELEASES] == ["0.1"]
    assert not __version__.startswith("0.1.")


def test_a_wheelhouse_verifies_with_its_approvals(typed: Session) -> None:
    assert typed("verify --require-approved") == 0, typed.transcript
    (typed.folder / "wheels/helper-2.1-py3-none-any.whl").write_bytes(b"other")
    assert typed("verify") == 1


def test_its_findings_are_still_those_that_were_approved(typed: Session) -> None:
    """A release may add rules; the findings that were signed in the fixture keep their facts, else they would be new."""
    assert typed("vet --json") == 0
    document = json.loads(typed.stdout)
    assert len(document["approved"]) == 9
    assert {finding["rule"] for finding in document["findings"]} >= {"advisories-missing"}


def test_the_same_job_changes_nothing(typed: Session) -> None:
    before = files_of(typed.folder / "wheels")
    assert typed("fetch") == 0, typed.transcript
    assert "0 files fetched, 4 unchanged, 0 removed" in typed.transcript
    assert files_of(typed.folder / "wheels") == before


def test_a_staged_folder_verifies_with_its_signature(typed: Session) -> None:
    assert typed("verify docker-context-files --key packer.pub") == 0, typed.transcript
    assert typed("verify docker-context-files --key ada.pub") == 5


@pytest.mark.parametrize("bundle", ["bundle.tar", "volumes.tar"])
def test_a_bundle_is_unpacked_with_its_signature(typed: Session, bundle: str) -> None:
    assert typed(f"inspect {bundle}") == 0
    assert typed(f"unpack {bundle} refused --key ada.pub") == 5
    assert typed(f"unpack {bundle} taken --key packer.pub") == 0, typed.transcript
    assert files_of(typed.folder / "taken") == files_of(typed.folder / "wheels")


def test_without_its_approvals_it_is_refused(typed: Session) -> None:
    (typed.folder / "approvals.intoto.jsonl").unlink()
    assert typed("verify --require-approved") == 1
