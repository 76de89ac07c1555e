"""The way past a refusal: a waiver by rule and file, with a reason, for what every installer reads alike, and for nothing else."""

import json
import re
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest
import tomli

from tests.support.hostile import hostile_wheels
from tests.support.index import IndexServer
from tests.support.tools import wheelhouse
from tests.support.wheels import build_wheel
from wheelhouse.files.disk import sha256_of

LOCK = "wheels/pylock.cp312-manylinux_2_28_x86_64.toml"


@pytest.fixture
def index(tmp_path: Path) -> Iterator[IndexServer]:
    """Offers `wrong`, whose RECORD gives one file another hash, and `fine`, which needs it."""
    offered = tmp_path / "offered"
    offered.mkdir()
    good = build_wheel(offered, "wrong", "1.0")
    with zipfile.ZipFile(good) as archive:
        record = archive.read("wrong-1.0.dist-info/RECORD").decode()
    build_wheel(offered, "wrong", "1.0", record=record.replace("sha256=", "sha256=A", 1).encode())
    build_wheel(offered, "fine", "1.0", requires=["wrong"])
    with IndexServer(offered) as server:
        yield server


def waive(folder: Path, *, rule: str = "record-hash", until: str = "2999-01-01", **more: str) -> None:
    more = more or {"project": "wrong"}
    lines = [f'rule = "{rule}"', 'reason = "looked at"', 'who = "ada"', f"until = {until}"]
    lines += [f'{key} = "{value}"' for key, value in more.items()]
    (folder / "wheelhouse.toml").write_text("[[policy.waivers]]\n" + "\n".join(lines) + "\n")


def fetched(folder: Path, index: IndexServer, *more: str) -> tuple[int, str]:
    done = wheelhouse("fetch", "fine", "--python", "3.12", "--index", index.url, *more, cwd=folder)
    return done.returncode, done.stderr


def pin_in_lock(folder: Path) -> dict[str, object]:
    packages = tomli.loads((folder / LOCK).read_text())["packages"]
    return next(package for package in packages if package["name"] == "wrong")


def test_a_refusal_says_how_the_file_is_let_through(tmp_path: Path, index: IndexServer) -> None:
    code, said = fetched(tmp_path, index)
    assert code == 5 and not (tmp_path / LOCK).exists()
    sha256 = sha256_of(tmp_path / "offered/wrong-1.0-py3-none-any.whl")
    for part in ("record-hash", "wrong/__init__.py", "[[policy.waivers]]", 'project = "wrong"', sha256, "reason"):
        assert part in said, said


def test_a_waiver_is_honoured_by_fetch_verify_stage_and_vet_and_noted_in_the_lock(
    tmp_path: Path, index: IndexServer
) -> None:
    waive(tmp_path)
    code, said = fetched(tmp_path, index)
    assert code == 0 and "waived by ada until 2999-01-01: looked at" in said
    waived = pin_in_lock(tmp_path)["tool"]["wheelhouse"]["waived"]  # type: ignore[index]
    assert [{**one, "until": str(one["until"])} for one in waived] == [
        {"rule": "record-hash", "reason": "looked at", "who": "ada", "until": "2999-01-01"}
    ]
    verified = wheelhouse("verify", "wheels", cwd=tmp_path)
    assert verified.returncode == 0 and "note: wrong-1.0-py3-none-any.whl" in verified.stdout
    assert wheelhouse("stage", "wheels", cwd=tmp_path).returncode == 0
    assert wheelhouse("verify", "docker-context-files", cwd=tmp_path).returncode == 0
    assert wheelhouse("index", "wheels", "-o", "tree", cwd=tmp_path).returncode == 0
    vetted = wheelhouse("vet", "wheels", cwd=tmp_path)
    assert vetted.returncode == 0
    assert "waived: wrong-1.0-py3-none-any.whl" in vetted.stdout and "ada until 2999-01-01: looked at" in vetted.stdout
    report = json.loads(wheelhouse("vet", "wheels", "--json", cwd=tmp_path).stdout)
    assert [one["rule"] for one in report["waived"]] == ["record-hash"]


def test_a_second_run_and_an_upgrade_keep_the_note(tmp_path: Path, index: IndexServer) -> None:
    waive(tmp_path)
    assert fetched(tmp_path, index)[0] == 0
    first = (tmp_path / LOCK).read_bytes()
    for more in ((), ("--upgrade",)):
        assert fetched(tmp_path, index, *more)[0] == 0
        assert (tmp_path / LOCK).read_bytes() == first


def test_a_waived_file_that_its_index_offers_at_another_url_keeps_the_note(tmp_path: Path, index: IndexServer) -> None:
    waive(tmp_path)
    assert fetched(tmp_path, index)[0] == 0
    with IndexServer(tmp_path / "offered") as other:
        assert fetched(tmp_path, other, "--upgrade")[0] == 0
        assert other.origin in (tmp_path / LOCK).read_text()
    assert "waived" in pin_in_lock(tmp_path)["tool"]["wheelhouse"]  # type: ignore[operator]


def test_a_lock_made_before_the_waiver_is_noted_when_the_files_come(tmp_path: Path, index: IndexServer) -> None:
    made = wheelhouse("lock", "fine", "--python", "3.12", "--index", index.url, cwd=tmp_path)
    assert made.returncode == 0, made.stderr
    assert fetched(tmp_path, index)[0] == 5
    waive(tmp_path)
    assert fetched(tmp_path, index)[0] == 0
    assert "waived" in pin_in_lock(tmp_path)["tool"]["wheelhouse"]  # type: ignore[index]


def test_an_expired_waiver_does_not_count_and_is_said(tmp_path: Path, index: IndexServer) -> None:
    waive(tmp_path)
    assert fetched(tmp_path, index)[0] == 0
    waive(tmp_path, until="2020-01-01")
    code, said = fetched(tmp_path, index)
    assert code == 5 and "expired on 2020-01-01" in said
    code, said = fetched(tmp_path, index, "--dest", "other")
    assert code == 5 and "expired on 2020-01-01" in said
    verified = wheelhouse("verify", "wheels", cwd=tmp_path)
    assert verified.returncode == 1 and "expired on 2020-01-01" in verified.stdout
    assert wheelhouse("stage", "wheels", cwd=tmp_path).returncode == 5


def test_without_the_policy_verify_says_how_to_waive(tmp_path: Path, index: IndexServer) -> None:
    waive(tmp_path)
    assert fetched(tmp_path, index)[0] == 0
    (tmp_path / "wheelhouse.toml").unlink()
    verified = wheelhouse("verify", "wheels", cwd=tmp_path)
    assert verified.returncode == 1 and "[[policy.waivers]]" in verified.stdout
    assert fetched(tmp_path, index)[0] == 5


@pytest.mark.parametrize(
    ("more", "code"),
    [
        ({"sha256": "{sha256}"}, 0),
        ({"sha256": "{upper}"}, 0),
        ({"project": "Wrong", "sha256": "{sha256}"}, 0),
        ({"project": "wrong", "sha256": "0" * 64}, 5),
        ({"project": "fine", "sha256": "{sha256}"}, 5),
        ({"project": "fine"}, 5),
    ],
)
def test_a_waiver_covers_what_it_names_and_nothing_more(
    tmp_path: Path, index: IndexServer, more: dict[str, str], code: int
) -> None:
    sha256 = sha256_of(tmp_path / "offered/wrong-1.0-py3-none-any.whl")
    waive(tmp_path, **{key: value.format(sha256=sha256, upper=sha256.upper()) for key, value in more.items()})
    assert fetched(tmp_path, index)[0] == code


@pytest.mark.parametrize("key", ["reason", "who"])
def test_a_waiver_without_a_reason_or_a_name_is_refused(tmp_path: Path, index: IndexServer, key: str) -> None:
    waive(tmp_path)
    settings = tmp_path / "wheelhouse.toml"
    settings.write_text(re.sub(rf'{key} = "[^"]+"', f'{key} = " "', settings.read_text()))
    code, said = fetched(tmp_path, index)
    assert code == 2 and "must have a `reason`, and `who` must name the person who accepts the finding" in said


@pytest.mark.parametrize(
    ("kind", "rule"),
    [
        ("parent_name", "zip-path"),
        ("symlink", "zip-link"),
        ("duplicate_name", "zip-duplicate"),
        ("local_name_differs", "zip-disagreement"),
    ],
)
def test_paths_links_and_what_two_readers_read_differently_are_never_waived(
    tmp_path: Path, kind: str, rule: str
) -> None:
    wheel = hostile_wheels(tmp_path)[kind]
    waive(tmp_path, rule=rule, sha256=sha256_of(wheel))
    refused = wheelhouse("fetch", f"./{wheel.name}", "--python", "3.12", "--no-index", cwd=tmp_path)
    assert refused.returncode == 5 and f"{rule} cannot be waived" in refused.stderr


def test_a_policy_that_waives_what_nobody_can_is_an_error_of_vet(tmp_path: Path, index: IndexServer) -> None:
    waive(tmp_path)
    assert fetched(tmp_path, index)[0] == 0
    waive(tmp_path, rule="zip-path")
    vetted = wheelhouse("vet", "wheels", cwd=tmp_path)
    assert vetted.returncode == 2 and "zip-path" in vetted.stderr


def test_a_waiver_of_an_unknown_rule_is_an_error_of_fetch_and_verify_too(tmp_path: Path, index: IndexServer) -> None:
    waive(tmp_path)
    assert fetched(tmp_path, index)[0] == 0
    waive(tmp_path, rule="record-hahs")
    code, said = fetched(tmp_path, index)
    assert code == 2 and "unknown rules: record-hahs" in said
    assert wheelhouse("verify", "wheels", cwd=tmp_path).returncode == 2
