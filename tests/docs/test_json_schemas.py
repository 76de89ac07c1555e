"""The JSON Schemas of what `--json` prints: real outputs fit them, and have no key that a schema does not name."""

import json
from typing import Any

import jsonschema
import pytest
from referencing import Registry, Resource

from tests.support.checkout import ROOT
from tests.support.tools import wheelhouse
from tests.support.wheels import build_wheel

FOLDER = ROOT / "docs/reference/schemas"
FETCH = ("--python", "3.12", "--find-links", "wheels", "--no-index", "--dest")
COMMANDS = {
    "fetch": [("fetch", "demo", *FETCH, "one")],
    "verify": [("verify", "one"), ("verify", "broken")],
    "vet": [("vet", "one")],
    "rules": [("rules",)],
    "why": [("why", "lib", "one")],
    "build": [("build", "one")],
    "bundle": [("pack", "one", "-o", "one.tar"), ("inspect", "one.tar")],
    "unpack": [("unpack", "one.tar", "far")],
    "state": [("state", "far", "-o", "far.json")],
    "error": [("fetch", "absent", *FETCH, "two"), ("verify", "nowhere")],
}
"""Commands for each schema, in the order in which they can be typed."""


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


@pytest.fixture(scope="module")
def outputs(tmp_path_factory: pytest.TempPathFactory) -> dict[str, list[Any]]:
    """What the commands print, by schema."""
    folder = tmp_path_factory.mktemp("outputs")
    build_wheel(folder / "wheels", "lib", "1.0")
    build_wheel(folder / "wheels", "demo", "1.0", requires=["lib"], files={"start.pth": b"import os\n"})
    wheelhouse("fetch", "lib", *FETCH, "broken", cwd=folder)
    (folder / "broken/lib-1.0-py3-none-any.whl").write_bytes(b"other")
    return {
        name: [json.loads(wheelhouse(*words, "--json", cwd=folder).stdout) for words in commands]
        for name, commands in COMMANDS.items()
    }


@pytest.mark.parametrize("name", COMMANDS)
def test_real_outputs_have_exactly_what_the_schema_names(outputs: dict[str, list[Any]], name: str) -> None:
    schema = closed(schema_of(name))
    jsonschema.Draft202012Validator.check_schema(schema)
    error = Resource.from_contents(schema_of("error"))
    validator = jsonschema.Draft202012Validator(schema, registry=Registry().with_resource("error.schema.json", error))
    for output in outputs[name]:
        validator.validate(output)


def test_findings_are_among_the_outputs(outputs: dict[str, list[Any]]) -> None:
    assert outputs["verify"][1]["findings"]
    assert outputs["vet"][0]["findings"]


def test_each_schema_has_its_outputs_and_its_link() -> None:
    names = {path.name.removesuffix(".schema.json") for path in FOLDER.glob("*.json")} - {"wheelhouse-toml"}
    page = (FOLDER.parent / "json.md").read_text(encoding="utf-8")
    assert names == set(COMMANDS)
    assert [name for name in sorted(names) if f"(schemas/{name}.schema.json)" not in page] == []
