"""The JSON Schema of `wheelhouse.toml`, and the page that lists its keys, both from the types that read the file."""

import re
from typing import Any

import msgspec

from website.tables import cell
from wheelhouse.config.declare import Option, declared
from wheelhouse.config.options import FetchOptions, StageOptions
from wheelhouse.config.settings import File, JobTable

SCHEMA = "schemas/wheelhouse-toml.schema.json"
SEVERITIES = ("off", "note", "warning", "error")
SHORT = ("python", "platform")
"""Keys for which one text stands for an array of one."""
TABLES = {
    "index": "The default package index. Default: pip's default index.",
    "indexes": "Additional indexes, by name. Each lists the projects that come from it.",
    "find-links": "Folders, or pages of links, to take files from.",
    "approvals": "Whose approvals count.",
    "debian": "Debian packages that the image needs.",
    "files": "Other files that the image needs.",
    "policy": "How `vet` rates its findings.",
    "store": "The store that machines share.",
    "store-mode": "With `read`, files are taken from the store, and nothing is written to it.",
    "store-private": "Whether private files also go to the store: files that a server gave only with credentials.",
    "image": "The base image: a name, or the table `[image]`.",
    "stage": "Options of `wheelhouse stage`.",
    "jobs": "Several jobs, by name, for `wheelhouse fetch --all`. A job has the keys that say what to fetch.",
    "include": "More files with jobs: paths or patterns, relative to this file.",
    "output": "The folder for the wheelhouses of the jobs. A wheelhouse has the name of its job.",
}
"""What the keys at the top do that no option declares."""
KEYS = {
    "IndexSettings": {
        "url": "The address of a Simple index, or a folder.",
        "find-links": "A folder, or a page of links, in place of `url`.",
        "projects": "Project names, or patterns such as `acme-*`. These projects come from this index only.",
        "token-file": "A file with a token, or with `user:password`.",
    },
    "ApprovalSettings": {
        "file": "The approvals file.",
        "needed": "How many reviewers must approve a file.",
        "reviewers": "The reviewers whose approvals count.",
        "roles": "Which projects the reviewers of a role may approve.",
    },
    "ReviewerSettings": {
        "name": "The reviewer's name. A reviewer with several keys counts once.",
        "key": "A public key as ssh-keygen writes it, or a file with such a key.",
        "role": "The reviewer's role, one of `[approvals.roles]`. A reviewer without a role may approve all projects.",
    },
    "RoleSettings": {
        "projects": "Patterns of project names.",
        "needed": "How many reviewers of this role must approve a file.",
    },
    "DebianSettings": {
        "packages": "Packages, each written as git, git=VERSION or git/SUITE.",
        "development": "Packages of the build stage.",
        "runtime": "Packages of the final image.",
        "base": "The root folder of the base system. Default: the base image.",
        "sources": "Lines of a sources.list. Default: the sources of the base system.",
        "keyrings": "Files with keys. Suites that one of these keys signed are accepted. Default: as for `--deb-keyring`.",
        "date": "Use the Debian snapshot of this time.",
    },
    "FileSettings": {
        "url": "The address of the file.",
        "sha256": "The sha256 of the file. Required if there is no `checksums`.",
        "name": "The name of the file in the wheelhouse. Default: the last part of the address.",
        "checksums": "The address of a checksum file that the file's project publishes.",
        "signature": "The address of the file's detached OpenPGP signature. Needs `key`.",
        "key": "A file with the OpenPGP keys, one of which must have made the signature.",
        "to": "The path of the file in the image. With `unpack`, the folder to unpack into.",
        "unpack": "Whether the image build unpacks the file, which must be a tar.",
        "strip": "How many leading folders to remove from each path in the tar, with `unpack`.",
    },
    "PolicySettings": {
        "threshold": "Findings of this severity or higher give exit code 1.",
        "severities": "New severities for rules, by the rule's id.",
        "waivers": "Findings that somebody accepted, each until a certain day.",
        "cool-off-days": "Report files that were uploaded less than this number of days ago.",
        "advisories": "The snapshot of known vulnerabilities.",
        "advisories-max-days": "Report a snapshot of advisories that is older than this number of days.",
        "kev": "CISA's catalogue of exploited vulnerabilities (KEV).",
        "epss": "FIRST's EPSS scores: how likely a vulnerability is to be exploited.",
        "vex": "VEX documents, which say which vulnerabilities do not affect these files.",
        "lookalikes": "Project names that no other project may imitate.",
        "publishers": "The file with the first known publisher of each project.",
        "trust-root": "The file with the trust root, which checks attestations. Default: the trust root in the installed sigstore.",
        "licences-allowed": "Allowed licences. Files with another licence are reported.",
        "licences-denied": "Denied licences. Files with one of them are reported.",
        "sandbox": "The protections that the sandbox of every build must have had.",
    },
    "StoreSettings": {
        "url": "Where the store is: s3://bucket/folder, gs://…, az://… or file:///folder.",
        "trusted": "Public keys, or files with a public key. Objects that these keys signed are accepted.",
    },
    "WaiverSettings": {
        "rule": "The rule's id.",
        "reason": "Why somebody accepted the finding.",
        "who": "Who accepted the finding.",
        "until": "The last day on which the waiver counts.",
        "project": "Findings of this project only.",
        "sha256": "Findings of this file only.",
        "version": "Findings of this version only.",
        "fingerprint": "The finding with this fingerprint only. `vet --json` prints fingerprints.",
        "advisory": "Findings of this advisory only, for the rule `vulnerable`.",
        "state": "The state of the vulnerability in the bill of materials. Default: `exploitable`.",
        "justification": "Why the vulnerability does not affect these files: a justification of CycloneDX, OpenVEX or CSAF.",
    },
    "ImageSettings": {
        "base": "The base image to fetch into the wheelhouse: NAME or NAME@DIGEST.",
        "mirrors": "The address of a mirror for each registry, by the registry's name.",
    },
}
"""What the keys of each table do, by the type that reads the table."""


def settings_schema() -> dict[str, Any]:
    """The schema, for editors: every key with its type, its description and nothing else allowed."""
    _, components = msgspec.json.schema_components([File, JobTable], ref_template="#/$defs/{name}")
    definitions = {name: _cleaned(definition) for name, definition in components.items()}
    definitions["File"]["properties"]["jobs"]["additionalProperties"] = {"$ref": "#/$defs/JobTable"}
    describe(definitions["StageTable"], _helps(StageOptions))
    for name, texts in KEYS.items():
        describe(definitions[name], texts)
    for name in ("File", "JobTable"):
        describe(definitions[name], {**_helps(FetchOptions), **TABLES})
        for key in SHORT:
            array = definitions[name]["properties"][key]
            array["anyOf"] = [{"type": "string"}, {"type": array.pop("type"), "items": array.pop("items")}]
    for name, definition in definitions.items():
        definition["title"] = re.sub(r"(?<=[a-z])(?=[A-Z])", " ", name)
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "wheelhouse.toml",
        "description": "The settings of wheelhouse. [tool.wheelhouse] of pyproject.toml has the same keys.",
        "$ref": "#/$defs/File",
        "$defs": definitions,
    }


def describe(definition: dict[str, Any], texts: dict[str, str]) -> None:
    """Give each property its description."""
    for key, prop in definition["properties"].items():
        if text := texts.get(key):
            prop["description"] = text


def _helps(group: type) -> dict[str, str]:
    return {name.replace("_", "-"): _help(facts) for name, facts in declared(group).items() if facts.is_key}


def _help(facts: Option) -> str:
    long = next((word for word in facts.spellings if word.startswith("--")), "")
    return f"{facts.help} Option: `{long}`." if long else facts.help


def _cleaned(definition: dict[str, Any]) -> dict[str, Any]:
    """A definition as TOML has it: there is no null, so no default is one; dates may be written bare or as text."""
    cleaned: dict[str, Any] = {**definition, "properties": {}}
    if "description" in cleaned:
        cleaned["description"] = " ".join(cleaned["description"].split())
    for key, prop in definition.get("properties", {}).items():
        kinds = [kind for kind in prop.get("anyOf", ()) if kind != {"type": "null"}]
        own = {
            name: value for name, value in prop.items() if name != "anyOf" and not (name == "default" and value is None)
        }
        cleaned["properties"][key] = own | (kinds[0] if len(kinds) == 1 else {"anyOf": kinds} if kinds else {})
    if not cleaned.get("required", True):
        del cleaned["required"]
    return cleaned


def settings_page(note: str) -> str:
    """The keys of the settings file, table by table, each with its type and what it does."""
    schema = settings_schema()
    definitions = schema["$defs"]
    parts = [_table("Keys at the top", definitions["File"])]
    parts += [_table(title, definitions[name]) for title, name in _tables(definitions)]
    head = (
        "The settings are in `wheelhouse.toml` of the current folder, or in `[tool.wheelhouse]` of its `pyproject.toml`. Options on\n"
        "the command line override the settings. Some keys describe the job: what to fetch, and for which targets. If the command\n"
        "line names what to fetch, wheelhouse ignores these keys. An unknown key is an error.\n\n"
        f"With [the JSON Schema]({SCHEMA}), an editor can check and complete the settings. Save the schema beside the\n"
        "settings file, and begin the settings file with the line `#:schema ./wheelhouse-toml.schema.json`. The editor extension\n"
        "Even Better TOML and the tool taplo read this line."
    )
    return f"{note}\n\n# wheelhouse.toml\n\n{head}\n\n" + "\n\n".join(parts) + "\n"


def _tables(definitions: dict[str, Any]) -> list[tuple[str, str]]:
    """The heading of each table that the file may hold, with the name of its definition, outer ones first; each type once."""
    found: list[tuple[str, str]] = []

    def walk(name: str, path: str) -> None:
        for key, prop in definitions[name]["properties"].items():
            for inner, place in _inner(prop, f"{path}{key}"):
                if inner in {"JobTable", *(name for _, name in found)}:
                    continue
                found.append((f"[[{place}]]" if prop.get("type") == "array" else f"[{place}]", inner))
                walk(inner, f"{place}.")

    walk("File", "")
    return found


def _inner(prop: dict[str, Any], place: str) -> list[tuple[str, str]]:
    """The definitions that a property leads to, each with its place in the file."""
    choices = [(prop, place), (prop.get("items", {}), place), *((kind, place) for kind in prop.get("anyOf", ()))]
    if isinstance(values := prop.get("additionalProperties"), dict):
        choices.append((values, f"{place}.NAME"))
    return [(kind["$ref"].rpartition("/")[2], where) for kind, where in choices if "$ref" in kind]


def _table(title: str, definition: dict[str, Any]) -> str:
    required = definition.get("required", ())
    rows = []
    for key, prop in definition["properties"].items():
        default = prop.get("default")
        text = " ".join(
            [
                cell(prop.get("description", "")),
                *(["Required."] if key in required else []),
                *([f"Default: `{_toml(default)}`."] if default not in (None, [], {}, (), "") else []),
            ]
        ).strip()
        rows.append(f"| `{key}` | {_type_text(prop)} | {text} |")
    about = f"{definition['description']}\n\n" if "description" in definition and title.startswith("[") else ""
    return f"## {title}\n\n{about}| key | type | what it does |\n| --- | --- | --- |\n" + "\n".join(rows)


def _toml(value: object) -> str:
    return msgspec.json.encode(value).decode()


def _plural(kind: str) -> str:
    return kind if kind.endswith("`") else f"{kind}s"


def _order(value: str) -> tuple[int, str]:
    return SEVERITIES.index(value) if value in SEVERITIES else len(SEVERITIES), value


def _type_text(prop: dict[str, Any]) -> str:
    """A type in a word or two."""
    kind = prop.get("type", "")
    match prop:
        case {"anyOf": kinds}:
            kind = " or ".join(dict.fromkeys(map(_type_text, kinds)))
        case {"enum": values}:
            kind = ", ".join(f"`{value}`" for value in sorted(values, key=_order))
        case {"type": "array", "items": {"$ref": _}}:
            kind = "array of tables"
        case {"type": "array"}:
            kind = f"array of {_plural(_type_text(prop.get('items', {})))}"
        case {"format": "date"}:
            kind = "date"
        case {"additionalProperties": dict(values)}:
            kind = f"table of {_plural(_type_text(values))}"
        case {"$ref": _} | {"type": "object"}:
            kind = "table"
    return kind
