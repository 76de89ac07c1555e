"""The command line as users meet it, on a made index: exit code, stdout and stderr together, held against tests/golden."""

import json
from pathlib import Path

import pytest

from tests.support.golden import Session, golden
from tests.support.index import Fault, IndexServer
from tests.support.wheels import build_wheel

JOB = 'requirements = ["app"]\npython = "3.12"\nplatform = ["linux/amd64", "linux/arm64"]\ndest = "house"\n'
CONSTRAINTS = "apache-airflow==2.10.5\nceleryish==5.4\ntool==1.0\n"


def write(path: Path, text: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")
    return path


def test_a_house_from_fetch_to_stage(session: Session) -> None:
    session("fetch app --python 3.12")
    session("verify")
    session("fetch app --python 3.12")
    session("why lib")
    session("stage --dry-run")
    session("stage")
    session("verify docker-context-files")
    assert session.transcript == golden("house", session)
    staged = {path.name for path in (session.folder / "docker-context-files").iterdir()}
    assert {"app-1.0-py3-none-any.whl", "lib-2.1-py3-none-any.whl", "wheelhouse-stage.json"} <= staged


def test_files_of_requirements_and_constraints(session: Session, index: IndexServer) -> None:
    write(session.folder / "asked" / "all.txt", "# everything\n-r more.txt\napp \\\n  >=1 # the application\n")
    write(session.folder / "asked" / "more.txt", "old\n")
    write(session.folder / "limits.txt", "lib==2.0\n")
    index.put("/limits.txt", b"lib==1.0\n")
    session("fetch -r asked/all.txt -c limits.txt --python 3.12")
    session("fetch lib --python 3.12 --dest other --quiet")
    session(f"fetch lib -c {index.origin}/limits.txt --python 3.12 --dest third")
    session("fetch lib -c limits.txt --python 3.12 --dest third --json")
    session("fetch lib -c limits.txt --python 3.12 --dest third --json --replace")
    assert session.transcript == golden("files", session)


def test_several_targets_and_upgrades(session: Session, index: IndexServer, offered: Path) -> None:
    session("lock app --python 3.12.4 --platform linux/amd64 --platform linux/arm64")
    assert {path.suffix for path in (session.folder / "wheels").iterdir()} == {".toml"}
    session("fetch app --python 3.12.4 --platform linux/amd64 --platform linux/arm64")
    session("why native wheels")
    session("stage")
    session("stage --target cp312-manylinux_2_28_aarch64")
    index.add(build_wheel(session.folder, "lib", "2.2"))
    session("fetch app --python 3.12.4")
    session("fetch app --python 3.12.4 --upgrade-project lib")
    assert session.transcript == golden("targets", session)


def names(folder: Path) -> set[str]:
    return {path.name for path in folder.glob("*.whl")}


def test_what_a_lock_of_another_release_left_behind_goes(session: Session) -> None:
    """`lock` writes no files and takes none away: the next fetch does."""
    house = session.folder / "wheels"
    for command in ("fetch lib==1.0", "lock lib==2.0 --replace", "fetch lib==2.0"):
        session(f"{command} --python 3.12 --quiet")
    assert names(house) == {"lib-2.0-py3-none-any.whl"}
    session("verify")
    assert "as locked" in session.transcript


def test_what_a_kill_left_behind_goes_and_what_was_changed_stays(
    session: Session, monkeypatch: pytest.MonkeyPatch
) -> None:
    house = session.folder / "wheels"
    session("fetch uv lib==1.0 --python 3.12 --quiet")
    with monkeypatch.context() as at_the_end:
        at_the_end.setattr("wheelhouse.fetch.fill._remove", killed)
        session("fetch lib==2.0 --python 3.12 --quiet --replace")
    assert {"lib-1.0-py3-none-any.whl", "lib-2.0-py3-none-any.whl"} <= names(house)
    (house / "uv-0.4.1-py3-none-any.whl").write_bytes(b"somebody's own")
    session("fetch lib==2.0 --python 3.12 --quiet")
    assert names(house) == {"lib-2.0-py3-none-any.whl", "uv-0.4.1-py3-none-any.whl"}


def killed(*_arguments: object) -> None:
    raise KeyboardInterrupt


def test_nobody_gives_the_terminal_orders(session: Session, index: IndexServer) -> None:
    """Clear the screen, say all is well, turn the text round."""
    orders = "\x1b[2J\rall is well\x9b1m\u202e"
    index.add(build_wheel(session.folder, "lib", "9.0"), yanked=orders)
    session("fetch lib==9.0 --python 3.12")
    assert not set(orders[:1] + "\r\x9b\u202e") & set(session.transcript)
    assert r"\x1b[2J\rall is well\x9b1m\u202e" in session.transcript


def test_a_job_in_a_file(session: Session) -> None:
    settings = write(session.folder / "wheelhouse.toml", JOB)
    session("fetch")
    session("verify house")
    settings.unlink()
    write(session.folder / "pyproject.toml", "[tool.wheelhouse]\n" + JOB + '[tool.wheelhouse.stage]\nlayout = "flat"\n')
    session("fetch")
    session("stage --target cp312-manylinux_2_28_x86_64 --json")
    assert session.transcript == golden("settings", session)


def test_airflow_with_its_constraints(session: Session) -> None:
    write(session.folder / "constraints" / "airflow-2.10.5" / "constraints-3.12.txt", CONSTRAINTS)
    session("fetch --airflow 2.10.5 --extra celery --python 3.12")
    session("stage --dry-run")
    session("stage")
    session("stage --layout flat --json --dry-run")
    session("verify docker-context-files --json")
    assert session.transcript == golden("airflow", session)


def test_airflow_constraints_from_a_mirror(session: Session, index: IndexServer) -> None:
    index.put("/mirror/constraints-2.10.5/constraints-3.12.txt", CONSTRAINTS.encode())
    mirror = f"--constraints-url {index.origin}/mirror"
    session(f"fetch --airflow 2.10.5 --extra celery --python 3.12 {mirror} --quiet")
    session(f"constraints fetch --airflow 2.10.5 --python 3.11 --retries 0 {mirror}")
    session("fetch --airflow 2.10.5 --extra celery,postgres --python 3.11 --constraints-url http://127.0.0.1:1/mirror")
    session("fetch --airflow 2.10.5 --python 3.12 --constraints-mode newest")
    assert session.transcript == golden("mirror", session)
    assert (session.folder / "constraints/airflow-2.10.5/constraints-3.12.txt").read_text() == CONSTRAINTS


def test_a_page_of_a_mirror_that_is_no_constraints_is_not_kept(session: Session, index: IndexServer) -> None:
    fetching = f"constraints fetch --airflow 2.10.5 --python 3.12 --constraints-url {index.origin}/mirror"
    index.put("/mirror/constraints-2.10.5/constraints-3.12.txt", b"<!DOCTYPE html>\n<title>log in</title>\n")
    assert session(fetching) == 2
    assert "/mirror/constraints-2.10.5/constraints-3.12.txt:1" in session.transcript
    index.put("/mirror/constraints-2.10.5/constraints-3.12.txt", CONSTRAINTS.encode())
    assert session(fetching) == 0


def test_constraints_compiled_as_of_a_day(session: Session, index: IndexServer) -> None:
    index.add(build_wheel(session.folder, "lib", "3.0"), upload_time="2024-06-01T00:00:00Z")
    day = "--uploaded-prior-to 2024-03-01"
    session(f"constraints compile app old --python 3.12 {day} -o limits.txt --index {index.url}")
    session("fetch app -c limits.txt --python 3.12")
    assert session.transcript == golden("compile", session)
    first, *pins = (session.folder / "limits.txt").read_text().splitlines()
    assert first.startswith("# compiled by wheelhouse from app old as of 2024-03-01")
    assert pins == ["app==1.0", "lib==2.1", "old==0.9"]


def test_the_cache(session: Session) -> None:
    session("fetch app --python 3.12 --quiet")
    session("cache show")
    session("cache prune")
    session("cache clear")
    session("cache show --json")
    assert session.transcript == golden("cache", session)


def test_target_show(session: Session) -> None:
    assert session("target show --python 3.12.4 --platform linux/arm64") == 0
    shown = json.loads(session.transcript[session.transcript.index("{") :].replace("<patch>", "4"))
    assert shown["marker_environment"]["platform_machine"] == "aarch64"
    assert shown["marker_environment"]["python_full_version"] == "3.12.4"
    assert shown["compatible_tags"][0] == "cp312-cp312-manylinux_2_28_aarch64"
    assert shown["compatible_tags"][-1] == "py30-none-any"


def test_usage_errors(session: Session) -> None:
    house = session.folder / "wheels"
    (house / "sub").mkdir(parents=True)
    lines = [
        "fetch app --bogus",
        "nope",
        "cache",
        "fetch",
        "fetch app",
        "fetch --python 3.12",
        "fetch app --python 3.12 --platform linux/mips",
        "fetch app --python three",
        "fetch app --python 3.12 --python 3.12",
        "fetch app --python 3.12 --timeout soon",
        "fetch app --python 3.12 --extra celery",
        "fetch app --python 3.12 --uploaded-prior-to yesterday",
        "fetch app --image python:3.12-slim",
        "fetch --airflow one --python 3.12",
        "fetch app=1 --python 3.12",
        "fetch app --python 3.12 --index http://127.0.0.1/simple",
        "fetch app --python 3.12 --index corp=ftp://127.0.0.1/simple --from corp=app",
        "verify nowhere",
        "verify wheels",
        "stage nowhere",
        "why app wheels",
        "constraints compile app --python 3.12 --python 3.11 -o limits.txt",
        "fetch app --json",
    ]
    assert [session(line) for line in lines] == [2] * len(lines)
    assert session.transcript == golden("usage", session)


def test_inputs_that_cannot_be_read(session: Session) -> None:
    write(session.folder / "bad.txt", "app\n\nlib=2.0 # one sign too few\n")
    write(session.folder / "nested.txt", "-r bad.txt\n")
    write(session.folder / "options.txt", "--find-links elsewhere\napp\n")
    write(session.folder / "extras.txt", "app[all]==1.0\n")
    (session.folder / "latin.txt").write_bytes("app # caf\u00e9\n".encode("latin-1"))
    lines = [
        "fetch -r bad.txt --python 3.12",
        "fetch -r nested.txt --python 3.12",
        "fetch -r options.txt --python 3.12",
        "fetch -r latin.txt --python 3.12",
        "fetch -r missing.txt --python 3.12",
        "fetch -r . --python 3.12",
        "fetch app -c extras.txt --python 3.12",
        "fetch app -c missing.txt --python 3.12",
        "fetch app -c bad.txt --python 3.12 --json",
    ]
    assert [session(line) for line in lines] == [2] * len(lines)
    settings = session.folder / "wheelhouse.toml"
    for text in ('pythons = ["3.12"]\n', "python = 3.12\n", "python = [\n", "[stage]\ncolour = 1\n"):
        write(settings, text)
        session.transcript += text
        assert session("fetch") == 2
    settings.write_bytes(b'index = "\xff"\n')
    assert session("fetch") == 2
    assert session.transcript == golden("inputs", session)


@pytest.mark.parametrize(
    ("command", "downloads"),
    [
        ("fetch app==1.0 --python 3.12", True),
        ("lock app==1.0 --python 3.12", False),
        ("constraints compile app==1.0 --python 3.12 --index <index> -o constraints.txt", False),
    ],
)
def test_only_a_fetch_downloads_what_is_pinned(
    command: str, downloads: bool, session: Session, index: IndexServer
) -> None:
    """A lock of projects with CUDA took 140 s: it brought wheels of 2 GB, which are needed later, if at all."""
    assert session(command.replace("<index>", index.url)) == 0
    assert any(request.path.endswith(".whl") for request in index.requests) is downloads


def test_no_solution(session: Session) -> None:
    write(session.folder / "limits.txt", "# what we allow\nlib==1.0\n")
    assert session("fetch app -c limits.txt --python 3.12") == 3
    assert session("fetch appp --python 3.12") == 3
    assert session("fetch app==9 --python 3.12 --json") == 3
    assert session("fetch native --python 3.12 --platform manylinux_2_12_x86_64") == 3
    assert session.transcript == golden("no-solution", session)


FAULTS = {
    "a page that answers 503": (Fault("/simple/app/", "status", times=None), 4),
    "a page that is no index page": (Fault("/simple/app/", "wrong_type", times=None, content_type="image/png"), 4),
    "a page without end of redirects": (Fault("/simple/app/", "loop", times=None), 4),
    "a file that answers 404": (Fault("app-1.0-py3-none-any.whl$", "status", times=None, status=404), 4),
    "a file that answers 503": (Fault("app-1.0-py3-none-any.whl$", "status", times=None), 4),
    "a file that is always cut short": (Fault("app-1.0-py3-none-any.whl$", "cut", times=None, at=100), 4),
    "a file with wrong bytes": (Fault("app-1.0-py3-none-any.whl$", "wrong_bytes", times=None, at=50), 5),
}


def test_faults_of_an_index(session: Session, index: IndexServer) -> None:
    for name, (fault, code) in FAULTS.items():
        index.faults[:] = [fault]
        session.transcript += f"# {name}\n"
        assert session("fetch app --python 3.12") == code
        assert not list((session.folder / "wheels").iterdir()), name
    index.faults.clear()
    assert session("fetch app --python 3.12 --json") == 0
    index.faults.append(Fault("lib", "status", times=None))
    assert session("fetch lib --python 3.12 --dest other --json") == 4
    session.options = {"fetch": ("--retries", "0")}
    assert session("fetch app --python 3.12 --index http://127.0.0.1:1/simple --dest other") == 4
    assert session.transcript == golden("faults", session)


def test_stage_replaces_its_own_and_touches_nothing_else(session: Session) -> None:
    assert session("fetch app old --python 3.12 --quiet") == 0
    folder = session.folder / "docker-context-files"
    write(folder / "README.md", "kept\n")
    assert session("stage") == 0
    assert session("fetch app --python 3.12 --quiet --replace") == 0
    assert session("stage --json --dry-run") == 0
    session.transcript = ""
    assert session("stage") == 0
    assert not (folder / "old-0.9.tar.gz").exists()
    assert (folder / "README.md").read_text() == "kept\n"
    write(folder / "pip.conf", "mine\n")
    write(folder / "lib-2.1-py3-none-any.whl", "mine\n")
    assert session("stage") == 2
    assert session("verify docker-context-files") == 1
    assert (folder / "pip.conf").read_text() == "mine\n"
    write(session.folder / "theirs" / "install.Dockerfile", "FROM scratch\n")
    assert session("stage --dest theirs") == 2
    assert [path.name for path in (session.folder / "theirs").iterdir()] == ["install.Dockerfile"]
    write(session.folder / "damaged" / "wheelhouse-stage.json", "[]")
    assert session("stage --dest damaged") == 2
    assert session("stage --layout round") == 2
    assert session("stage --layout airflow") == 2
    assert session.transcript == golden("stage", session)
