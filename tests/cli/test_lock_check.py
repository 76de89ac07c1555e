"""`lock --check`: the lock files against the requirements, constraints and options of now; nothing is resolved or written."""

import json
from pathlib import Path
from subprocess import CompletedProcess

import pytest

from tests.support.index import IndexServer
from tests.support.tools import wheelhouse
from tests.support.wheels import build_wheel

TARGET = "cp312-manylinux_2_28_x86_64"


@pytest.fixture
def index(tmp_path: Path):
    build_wheel(tmp_path / "offered", "app", "1.0")
    with IndexServer(tmp_path / "offered") as server:
        yield server


@pytest.fixture
def job(index: IndexServer, tmp_path: Path) -> Path:
    """A folder with a locked job in its settings file."""
    write_settings(tmp_path, index.url)
    assert wheelhouse("lock", cwd=tmp_path).returncode == 0
    return tmp_path


def write_settings(folder: Path, url: str, requirement: str = "app", pythons: str = '["3.12.1"]') -> None:
    text = f'requirements = ["{requirement}"]\npython = {pythons}\nindex = "{url}"\n'
    (folder / "wheelhouse.toml").write_text(text)


def check(folder: Path, *words: str) -> CompletedProcess[str]:
    return wheelhouse("lock", "--check", *words, cwd=folder)


def files(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.glob("wheels/*")}


def test_a_lock_of_this_job_is_up_to_date_without_asking_the_index(job: Path, index: IndexServer) -> None:
    index.requests.clear()
    before = files(job)
    done = check(job)
    assert (done.returncode, done.stdout) == (0, f"wheels/pylock.{TARGET}.toml: it is up to date\n"), done.stderr
    assert not index.requests
    assert files(job) == before


def test_other_requirements_make_it_outdated_and_nothing_is_written(job: Path, index: IndexServer) -> None:
    write_settings(job, index.url, "app>=1.0")
    before = files(job)
    done = check(job)
    assert done.returncode == 1
    assert "it was made from other requirements, constraints or options" in done.stdout
    assert "run this command without --check" in done.stdout
    assert files(job) == before
    wheelhouse("lock", cwd=job)
    assert check(job).returncode == 0


def test_a_target_more_is_missing_and_a_target_less_is_dropped(job: Path, index: IndexServer) -> None:
    write_settings(job, index.url, pythons='["3.13.1"]')
    done = check(job, "--json")
    assert done.returncode == 1
    states = {lock["target"]: lock["state"] for lock in json.loads(done.stdout)["locks"]}
    assert states == {TARGET: "no longer asked for", TARGET.replace("312", "313"): "missing"}


def test_no_wheelhouse_at_all_is_missing_and_stays_so(index: IndexServer, tmp_path: Path) -> None:
    done = check(tmp_path, "app", "--python", "3.12.1", "--index", index.url)
    assert done.returncode == 1
    assert "it is missing" in done.stdout
    assert not (tmp_path / "wheels").exists()


def test_other_constraints_make_it_outdated(job: Path, index: IndexServer) -> None:
    (job / "limits.txt").write_text("app<2\n")
    done = check(job, "-c", "limits.txt")
    assert done.returncode == 1


def test_the_jobs_of_a_fleet_are_checked_each(index: IndexServer, tmp_path: Path) -> None:
    table = '[jobs.{}]\nrequirements = ["app"]\npython = ["3.12.1"]\n'
    text = f'index = "{index.url}"\n{table.format("a")}{table.format("b")}'
    (tmp_path / "wheelhouse.toml").write_text(text)
    wheelhouse("lock", "--job", "a", cwd=tmp_path)
    done = check(tmp_path, "--all")
    assert done.returncode == 1
    assert [line.partition(": ")[2] for line in done.stdout.splitlines()[:2]] == ["it is up to date", "it is missing"]


def test_an_upgrade_cannot_be_checked(job: Path) -> None:
    done = check(job, "--upgrade")
    assert done.returncode == 2
    assert "--check and --upgrade exclude each other" in done.stderr


def test_a_folder_without_a_job_says_where_to_run_it(tmp_path: Path) -> None:
    done = check(tmp_path)
    assert done.returncode == 2
    assert "says what was locked" in done.stderr
    assert "in the folder of `wheelhouse.toml`" in done.stderr


def test_a_settings_file_with_jobs_asks_for_one(tmp_path: Path) -> None:
    (tmp_path / "wheelhouse.toml").write_text('[jobs.web]\nrequirements = ["app"]\npython = "3.12"\n')
    done = check(tmp_path)
    assert done.returncode == 2
    assert "--all" in done.stderr
