"""`--verbose` and `--log`, which every command has."""

import errno
import io
import json
from pathlib import Path
from typing import Any

import pytest

from tests.support.index import IndexServer
from tests.support.tools import wheelhouse
from tests.support.wheels import build_wheel
from wheelhouse.cli.journal import Journal


@pytest.fixture
def index(tmp_path: Path):
    build_wheel(tmp_path / "offered", "app", "1.0")
    with IndexServer(tmp_path / "offered", auth=("me", "secret")) as server:
        yield server.url.replace("//", "//me:secret@")


def rows(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text().splitlines()]


def test_the_log_has_each_event_and_no_secret(index: str, tmp_path: Path) -> None:
    done = wheelhouse("fetch", "app", "--python", "3.12", "--index", index, "--log", "log.jsonl", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    log = rows(tmp_path / "log.jsonl")
    assert log[0]["event"] == "started"
    assert log[0]["command"][:2] == ["fetch", "app"]
    assert log[-1] | {"time": "", "seconds": 0} == {"time": "", "event": "ended", "exit-code": 0, "seconds": 0}
    assert {200, 401} >= {row["status"] for row in log if row["event"] == "answered"} >= {200}
    assert {"resolved", "finished"} <= {row["event"] for row in log}
    assert "secret" not in (tmp_path / "log.jsonl").read_text()


def test_a_second_command_appends_and_an_error_has_its_exit_code(tmp_path: Path) -> None:
    for _ in range(2):
        wheelhouse("verify", "nowhere", cwd=tmp_path, env={"WHEELHOUSE_LOG": "log"})
    assert [(row["event"], row.get("exit-code")) for row in rows(tmp_path / "log")] == 2 * [
        ("started", None),
        ("ended", 2),
    ]


def test_verbose_prints_each_request_without_secrets(index: str, tmp_path: Path) -> None:
    done = wheelhouse("fetch", "app", "--python", "3.12", "--index", index, "--verbose", cwd=tmp_path)
    assert "  200 after 0." in done.stderr
    assert "/simple/app/" in done.stderr
    assert "secret" not in done.stderr


def test_a_log_that_cannot_be_written_stops_the_command_before_it_begins(tmp_path: Path) -> None:
    done = wheelhouse(
        "fetch", "app", "--python", "3.12", "--index", "http://127.0.0.1:9", "--log", "no/log", cwd=tmp_path
    )
    assert (done.returncode, done.stderr) == (
        2,
        "error: the log `no/log` cannot be written: No such file or directory\n"
        "hint: name a file in a folder that you may write to\n",
    )


class FullDisk(io.StringIO):
    """A file on a disk that is full."""

    def flush(self) -> None:
        """Raise OSError."""
        raise OSError(errno.ENOSPC, "No space left on device")


def test_a_log_whose_last_row_cannot_be_written_ends_with_a_warning(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    journal = Journal()
    journal.open(["fetch"], tmp_path / "log", verbose=False, quiet=False)
    assert journal._file
    journal._file.close()
    journal._file = FullDisk()
    journal.close(0)
    assert capsys.readouterr().err == "warning: the log ends here: No space left on device\n"


def test_verbose_and_quiet_exclude_each_other(tmp_path: Path) -> None:
    done = wheelhouse("fetch", "app", "--python", "3.12", "-v", "-q", cwd=tmp_path)
    assert done.returncode == 2
    assert "--verbose and --quiet exclude each other" in done.stderr


@pytest.mark.parametrize(
    ("word", "written"),
    [
        ("--index-url=https://me:secret@host/x", "--index-url=https://host/x"),
        ("--index=ours=https://me:secret@host/", "--index=ours=https://host/"),
        ("-ihttps://me:secret@host/", "-ihttps://host/"),
        ("app @ https://me:secret@host/app.whl?token=secret", "app @ https://host/app.whl"),
        ("https://one/,https://me:secret@two/", "https://one/,https://two/"),
        ("https://me:a,secret@host/", "https://host/"),
        ("s3://bucket/folder", "s3://bucket/folder"),
    ],
)
def test_a_log_has_no_secret_of_an_address_anywhere_in_a_word(tmp_path: Path, word: str, written: str) -> None:
    journal = Journal()
    journal.open(["fetch", word], tmp_path / "log", verbose=False, quiet=False)
    journal.close(0)
    assert rows(tmp_path / "log")[0]["command"] == ["fetch", written]


def test_a_log_takes_a_path_that_is_not_utf_8(tmp_path: Path) -> None:
    journal = Journal()
    journal.open(["verify", "h\udcff"], tmp_path / "log", verbose=False, quiet=False)
    journal.close(0)
    assert [row["event"] for row in rows(tmp_path / "log")] == ["started", "ended"]
    assert rows(tmp_path / "log")[0]["command"] == ["verify", "h\udcff"]


def test_the_log_has_the_events_of_each_job_of_a_fleet_with_its_name(index: str, tmp_path: Path) -> None:
    jobs = "".join(f'[jobs.{name}]\nrequirements = ["app"]\npython = ["3.12"]\n' for name in ("web", "batch"))
    (tmp_path / "wheelhouse.toml").write_text(jobs)
    done = wheelhouse("lock", "--all", "--index", index, "--log", "log.jsonl", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    log = rows(tmp_path / "log.jsonl")
    assert sorted(row["job"] for row in log if row["event"] == "resolved") == ["batch", "web"]
    assert not any("job" in row for row in log if row["event"] in ("started", "answered", "ended"))
