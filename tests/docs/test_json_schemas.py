"""The JSON Schemas of what `--json` prints: real outputs fit them, and have no key that a schema does not name."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from referencing import Registry, Resource

from tests.support.checkout import ROOT
from tests.support.index import IndexServer
from tests.support.reviews import made_keys
from tests.support.tools import wheelhouse
from tests.support.wheels import build_wheel
from website.reference import commands

FOLDER = ROOT / "docs/reference/schemas"
FETCH = ("--python", "3.12", "--find-links", "wheels", "--no-index", "--dest")
SIGN = ("approve", "one", "--key", "key", "--reason", "read")
COMMANDS = {
    "fetch": [("fetch", "demo", *FETCH, "one")],
    "lock": [("lock", "demo", *FETCH, "locked"), ("lock", "demo", *FETCH, "one")],
    "fleet": [("fetch", "--all", "--keep-going"), ("lock", "--all"), ("lock", "--job", "a")],
    "lock-check": [("lock", "demo", *FETCH, "one", "--check"), ("lock", "--check", "--all")],
    "verify": [("verify", "one"), ("verify", "broken")],
    "verify-all": [("verify", "--all")],
    "vet": [("vet", "one")],
    "rules": [("rules",)],
    "why": [("why", "lib", "one")],
    "why-all": [("why", "lib", "--all")],
    "diff": [("diff", "one", "newer")],
    "build": [("build", "one")],
    "approve": [SIGN, (*SIGN, "--withdraw")],
    "stage": [("stage", "one"), ("stage", "one", "--dry-run")],
    "rehearse": [("rehearse", "broken")],
    "materialize": [("materialize", "one")],
    "bundle": [("pack", "one", "-o", "one.tar"), ("inspect", "one.tar")],
    "unpack": [("unpack", "one.tar", "far")],
    "state": [("state", "far", "-o", "far.json")],
    "index": [("index", "one", "newer", "-o", "simple")],
    "mirror": [
        ("mirror", "remove", "simple", "lib==1.0", "--reason", "old"),
        ("mirror", "restore", "simple", "lib==1.0"),
        ("mirror", "yank", "simple", "demo==1.0", "--reason", "bad"),
        ("mirror", "unyank", "simple", "demo==1.0"),
        ("mirror", "block", "simple", "evil", "--reason", "it is"),
        ("mirror", "unblock", "simple", "evil"),
        ("mirror", "status", "simple", "lib", "archived"),
        ("mirror", "prune", "simple", "--keep", "newer", "--dry-run"),
    ],
    "mirror-show": [("mirror", "show", "simple"), ("mirror", "show", "simple", "lib")],
    "mirror-verify": [("mirror", "verify", "simple")],
    "check": [("check", "one", "--against", "INDEX")],
    "publish": [("publish", "one", "--repository", "INDEX", "--dry-run")],
    "store-show": [("store", "show", "--store", "STORE")],
    "store-prune": [("store", "prune", "--store", "STORE", "newer", "--dry-run")],
    "cache": [("cache", "show")],
    "doctor": [("doctor", "--no-index")],
    "error": [("fetch", "absent", *FETCH, "two"), ("verify", "nowhere")],
}
"""Commands for each schema, in the order in which they can be typed; INDEX and STORE are addresses."""
SETTINGS = """
no-index = true
store-private = true
find-links = ["wheels"]
python = "3.12"

[jobs.a]
requirements = ["demo"]

[jobs.b]
requirements = ["absent"]

[approvals]
reviewers = [{name = "Ada", key = "key.pub"}]
"""
QUICK = ("fetch", "verify", "vet", "rules", "why", "build", "bundle", "unpack", "state", "error")
"""The schemas that the default suite tries."""
GROUPS = ("cache", "mirror", "store")
OTHER_MACHINE = {"PATH": "", "HOME": "home"}
"""Without any program: `doctor` would start each Python of this machine."""


def schema_of(name: str) -> dict[str, Any]:
    schema: dict[str, Any] = json.loads((FOLDER / f"{name}.schema.json").read_text(encoding="utf-8"))
    return schema


def closed(schema: Any) -> Any:
    """The same schema, in which an object may have no other keys than those that are named."""
    if isinstance(schema, list):
        return [closed(part) for part in schema]
    if not isinstance(schema, dict):
        return schema
    parts = {key: closed(part) for key, part in schema.items()}
    return parts | {"additionalProperties": False} if isinstance(schema.get("properties"), dict) else parts


def validator_of(name: str) -> jsonschema.Draft202012Validator:
    """A validator that accepts only the keys that the schema names, and those that it takes from other schemas."""
    others = [(path.name, Resource.from_contents(closed(json.loads(path.read_text())))) for path in FOLDER.glob("*")]
    return jsonschema.Draft202012Validator(closed(schema_of(name)), registry=Registry().with_resources(others))


@pytest.fixture(scope="module")
def outputs(tmp_path_factory: pytest.TempPathFactory) -> dict[str, list[Any]]:
    """What the quick commands print, by schema."""
    return _outputs(tmp_path_factory.mktemp("outputs"), QUICK)


@pytest.fixture(scope="module")
def all_outputs(tmp_path_factory: pytest.TempPathFactory) -> dict[str, list[Any]]:
    """What all commands print, by schema."""
    return _outputs(tmp_path_factory.mktemp("outputs"), tuple(COMMANDS))


def _outputs(folder: Path, names: Sequence[str]) -> dict[str, list[Any]]:
    """Make wheels, wheelhouses, a key, settings, a store and an index, and run the commands of these schemas."""
    (folder / "wheelhouse.toml").write_text(SETTINGS, encoding="utf-8")
    made_keys(folder, "key")
    demo = build_wheel(folder / "wheels", "demo", "1.0", requires=["lib"], files={"start.pth": b"import os\n"})
    build_wheel(folder / "wheels", "lib", "1.0")
    build_wheel(folder / "wheels2", "lib", "1.1")
    wheelhouse("fetch", "lib", *FETCH, "broken", cwd=folder)
    (folder / "broken/lib-1.0-py3-none-any.whl").write_bytes(b"other")
    wheelhouse("fetch", "lib", "--python", "3.12", "--find-links", "wheels2", "--dest", "newer", cwd=folder)
    store = (folder / "store").as_uri()
    wheelhouse("fetch", "lib", *FETCH, "stored", "--store", store, cwd=folder)
    with IndexServer() as index:
        index.add(demo)
        addresses = {"INDEX": index.url, "STORE": store}
        return {
            name: [_printed(folder, [addresses.get(word, word) for word in words]) for words in COMMANDS[name]]
            for name in names
        }


def _printed(folder: Path, words: list[str]) -> Any:
    environment = OTHER_MACHINE if "doctor" in words else None
    return json.loads(wheelhouse(*words, "--json", cwd=folder, env=environment).stdout)


@pytest.mark.parametrize("name", QUICK)
def test_real_outputs_have_exactly_what_the_schema_names(outputs: dict[str, list[Any]], name: str) -> None:
    must_fit(outputs, name)


@pytest.mark.rooms
@pytest.mark.parametrize("name", COMMANDS)
def test_outputs_of_every_command_have_exactly_what_the_schema_names(
    all_outputs: dict[str, list[Any]], name: str
) -> None:
    must_fit(all_outputs, name)


def must_fit(outputs: dict[str, list[Any]], name: str) -> None:
    """Each output of these commands fits their schema, and has no other key."""
    jsonschema.Draft202012Validator.check_schema(schema_of(name))
    validator = validator_of(name)
    for output in outputs[name]:
        validator.validate(output)


def test_findings_are_among_the_outputs(outputs: dict[str, list[Any]]) -> None:
    assert outputs["verify"][1]["findings"]
    assert outputs["vet"][0]["findings"]


@pytest.mark.rooms
def test_the_outputs_show_something(all_outputs: dict[str, list[Any]]) -> None:
    """A list that is empty fits every schema, and an error fits none of these but its own."""
    assert [job["state"] for job in all_outputs["fleet"][0]["jobs"]] == ["done", "failed"]
    assert {row["state"] for row in all_outputs["lock-check"][1]["locks"]} == {"up to date", "missing"}
    assert all_outputs["diff"][0]["differences"][0]["files"][0]["members"]
    assert all_outputs["approve"][1]["withdrawn"]
    assert all_outputs["rehearse"][0]["steps"][0]["findings"]
    assert all_outputs["mirror-show"][0]["decisions"]
    assert [row["outcome"] for row in all_outputs["publish"][0]["files"]] == ["there already", "to be sent"]
    assert all_outputs["store-show"][0]["kinds"]


def test_each_schema_has_its_outputs_and_its_link() -> None:
    names = {path.name.removesuffix(".schema.json") for path in FOLDER.glob("*.json")} - {"wheelhouse-toml"}
    page = (FOLDER.parent / "json.md").read_text(encoding="utf-8")
    assert names == set(COMMANDS)
    assert [name for name in sorted(names) if f"(schemas/{name}.schema.json)" not in page] == []


def test_each_command_with_json_is_tried() -> None:
    with_json = {
        name for name, command in commands() if any("--json" in parameter.opts for parameter in command.params)
    }
    typed = [words for lines in COMMANDS.values() for words in lines]
    assert with_json == {" ".join(words[: 2 if words[0] in GROUPS else 1]) for words in typed}
