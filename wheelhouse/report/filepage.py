"""One file of a report, as the values of `templates/file.html.j2` (pure)."""

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from wheelhouse.humanize import counted, size_text
from wheelhouse.report.colours import coloured
from wheelhouse.report.diffpage import change_view, content_view
from wheelhouse.report.sentences import hint_of, sentence_of
from wheelhouse.vet.approvals import Approval
from wheelhouse.vet.code.behaviour import AT_IMPORT, IF_CALLED
from wheelhouse.vet.diff import Replaced
from wheelhouse.vet.evidence import ApprovedFile, Evidence, Graph
from wheelhouse.vet.facts import COMMAND_GROUPS, Entry, Facts
from wheelhouse.vet.file_capabilities import capabilities_of
from wheelhouse.vet.review_queue import QueuedFile

MAX_CHAINS, MAX_FOLDERS, MAX_ENTRIES, MAX_TEXT_CHARACTERS = 10, 14, 40, 3000
MAX_LICENCE_CHARACTERS = 60
MAX_MEMBERS = 6
"""So many members are named for each thing that a file can do."""
REACHES = {AT_IMPORT: "at import", IF_CALLED: "if it is called"}
MAX_LISTED = 4000
"""So many members of one file are listed."""
INSTALL_TEXTS = re.compile(
    r"\.dist-info/(METADATA|entry_points\.txt|WHEEL)$|^[^/]+/(setup\.py|setup\.cfg|pyproject\.toml|PKG-INFO)$"
)
NATIVE = frozenset(("elf", "pe", "macho"))
ARCHIVES = frozenset(("zip", "gzip", "bzip2", "xz", "zstd", "7z", "tar", "java"))
RUNNING_NAMES = ("sitecustomize.py", "usercustomize.py", "__init__.py")
"""Modules that Python imports when it starts, or first of a package."""
SCRIPT = re.compile(r"\.data/(scripts|data/(bin|Scripts))/")
UNKNOWN = "not declared"

View = dict[str, Any]


def native_entries(facts: Facts) -> list[Entry]:
    """The members that hold native code: ELF, PE and Mach-O files."""
    return [entry for entry in facts.entries if entry.kind in NATIVE]


def licence_text(facts: Facts, evidence: Evidence) -> str:
    """The licence: an SPDX expression if one is known, else the start of the License field; `not declared` if that is empty."""
    return evidence.licences[facts.subject].expression or _license_field(facts)[:MAX_LICENCE_CHARACTERS] or UNKNOWN


def _license_field(facts: Facts) -> str:
    """The first line of the License field; empty if there is none."""
    return next(iter(facts.header("license").strip().splitlines()), "")


def state_of(facts: Facts, evidence: Evidence) -> str:
    """`approved` if enough reviewers approved the file; else `changed` if a valid approval has another file of the project;
    else `new`.
    """
    if facts.subject not in evidence.new:
        return "approved"
    sha256, before = facts.pin.artifact.sha256, evidence.approved_before.get(facts.project, ())
    own = [one for one in before if one.approval.files.get(sha256, ("",))[0] == one.path]
    return "changed" if len(before) > len(own) else "new"


def state_view(facts: Facts, evidence: Evidence) -> View:
    """The state's name, and its text. Of a changed file: `was 1.0` with the newest approved release, or `other bytes` if that is its own.
    The number of reviewers so far takes the place of `other bytes` and of `new`. Else the text is the name again.
    """
    name, text = state_of(facts, evidence), ""
    if name == "changed":
        before = evidence.approved_before[facts.project][-1].version
        text = f"was {before}" if before != facts.version else "other bytes"
    reviewers = evidence.approvals.reviewers(facts.pin.artifact.sha256)
    if name != "approved" and reviewers and not text.startswith("was"):
        text = f"approved by {len(reviewers)}"
    return {"name": name, "text": text or name}


def page_id(number: int) -> str:
    """The id of a file's page in the document, such as `f12`."""
    return f"f{number}"


def file_view(facts: Facts, evidence: Evidence, numbers: Mapping[str, int], queued: QueuedFile) -> View:
    """Everything that the page of a file shows. `numbers` gives each file's number by its subject."""
    findings = evidence.about.get(facts.subject, ())
    replaced = evidence.replaced.get(facts.subject)
    return {
        "page": page_id(numbers[facts.subject]),
        "title": f"{facts.project} {facts.version}",
        "subject": facts.subject,
        "severity": findings[0].severity.name.lower() if findings else "",
        "state": state_view(facts, evidence),
        "description": facts.header("summary"),
        "findings": list(_findings(facts, evidence)),
        "can": _abilities(facts, queued),
        "before": queued.before,
        "code": _first_rows(_acts(facts)),
        "since": evidence.since,
        "changes": list(map(change_view, replaced.changes)) if replaced and replaced.old else [],
        "contents": content_view(replaced, _gained_members(facts, queued, replaced))
        if replaced and replaced.old
        else None,
        **_needs(facts, evidence, numbers),
        "origin": _origin(facts),
        "approvals": list(_approvals(facts, evidence)),
        "approvals_before": _approvals_before(facts, evidence),
        "licence": _licence(facts, evidence),
        "inside": _inside(facts),
        "running": _running(facts),
        "sources": _sources(facts),
    }


def _abilities(facts: Facts, queued: QueuedFile) -> list[View]:
    """What a file can do, each with the first members that do it. `more` counts the others (negative: there are none).

    What the release before could not comes first, and is marked if that release is known.
    """
    can = capabilities_of(facts)
    return [
        {
            "name": str(capability),
            "is_new": bool(queued.before) and capability in queued.gained,
            "members": can[capability][:MAX_MEMBERS],
            "more": len(can[capability]) - MAX_MEMBERS,
        }
        for capability in sorted(can, key=lambda capability: capability not in queued.gained)
    ]


def _acts(facts: Facts) -> list[View]:
    """What the code of a file does, where, and how it is reached; what runs at import comes first. Code of tests is left out."""
    acts = sorted(
        (one for one in facts.inside.behaviours if one.reach in REACHES),
        key=lambda one: (list(REACHES).index(one.reach), one.path, one.line),
    )
    return [{"path": one.path, "line": one.line, "what": one.what, "reach": REACHES[one.reach]} for one in acts]


def _gained_members(facts: Facts, queued: QueuedFile, replaced: Replaced) -> frozenset[str]:
    """The names, without version, of those of the members that differ that do what the release before could not."""
    can = capabilities_of(facts)
    able = {name for capability in queued.gained for name in can.get(capability, ())}
    return frozenset(member.name for member in replaced.members if member.new and member.new.name in able)


def _sources(facts: Facts) -> list[str]:
    """The names of the first members that a reviewer reads: what the file can do, then how it is installed and started; no native code."""
    able = [name for members in capabilities_of(facts).values() for name in members]
    told = [entry.name for entry in facts.entries if INSTALL_TEXTS.search(entry.name)]
    natives = {entry.name for entry in facts.entries if entry.kind in NATIVE}
    return [name for name in dict.fromkeys((*able, *told)) if name not in natives][:MAX_ENTRIES]


def _findings(facts: Facts, evidence: Evidence) -> Iterator[View]:
    """The findings about a file: open ones, the worst first, then approved and waived ones without their hint."""
    about = sorted(
        evidence.about.get(facts.subject, ()), key=lambda one: (-one.severity, one not in evidence.first_seen)
    )
    groups = ((about, ""), (evidence.approved, "approved"), (evidence.waived, "waived"))
    for findings, decision in groups:
        for finding in findings:
            if finding.subject == facts.subject:
                yield {
                    "kind": decision or finding.severity.name.lower(),
                    "rule": finding.rule,
                    "sentence": sentence_of(finding),
                    "hint": "" if decision else hint_of(finding),
                    "is_new": finding in evidence.first_seen,
                }


def _needs(facts: Facts, evidence: Evidence, numbers: Mapping[str, int]) -> View:
    """The chains that lead to a file in each lock that has it; links to what it needs and what needs it; its constraint and targets."""
    needs = {name for graph in evidence.graphs for name in graph.needs.get(facts.subject, ())}
    needed_by = {name for graph in evidence.graphs for name, needed in graph.needs.items() if facts.subject in needed}

    def links(subjects: Iterable[str]) -> list[View]:
        """A link to the page of each file, with the name of its project, by path."""
        return [{"page": page_id(numbers[name]), "text": evidence.files[name].project} for name in sorted(subjects)]

    return {
        "chains": [
            _chains(facts, graph, evidence, numbers) for graph in evidence.graphs if facts.subject in graph.needs
        ],
        "needs": links(needs),
        "needed_by": links(needed_by),
        "constraint": facts.pin.constraint,
        "targets": ", ".join(facts.targets),
    }


def _chains(facts: Facts, graph: Graph, evidence: Evidence, numbers: Mapping[str, int]) -> View:
    """The shortest chains that lead to a file in one lock, and whether it was requested or nothing needs it.

    `more` counts the other chains (negative: there are none).
    """
    ways = sorted(graph.ways(facts.subject), key=lambda way: (len(way), way))
    return {
        "requested": facts.subject in graph.roots,
        "ways": [
            [{"page": page_id(numbers[name]), "text": evidence.label(name)} for name in way]
            for way in ways[:MAX_CHAINS]
        ],
        "more": len(ways) - MAX_CHAINS,
    }


def _origin(facts: Facts) -> View:
    """Where a file is from, as texts: hash, size, build, address, index, upload time, authors; and a list of sites.

    `yanked` is the index's reason, which may be empty; None if the file was not yanked.
    """
    artifact, built = facts.pin.artifact, facts.pin.built
    sandbox = f"in the sandbox {built.sealed}" if built and built.sealed else "without a sandbox"
    uploaded = artifact.upload_time
    return {
        "sha256": artifact.sha256,
        "size": f"{size_text(artifact.size)} ({artifact.size:,} bytes)",
        "built": f"from {built.sdist.filename}, under {built.interpreter}, {sandbox}" if built else "",
        "url": facts.pin.origin.url,
        "index": facts.pin.index,
        "uploaded": f"{uploaded:%Y-%m-%d %H:%M} UTC" if uploaded else "the index did not say when",
        "yanked": facts.pin.yanked,
        "author": _people(facts, "author"),
        "maintainer": _people(facts, "maintainer"),
        "sites": [*facts.headers.get("home-page", ()), *facts.headers.get("project-url", ())][:MAX_CHAINS],
    }


def _people(facts: Facts, role: str) -> str:
    """Names and addresses of the author or maintainer, as the metadata give them, on one line; empty if there are none."""
    return ", ".join((*facts.headers.get(role, ()), *facts.headers.get(f"{role}-email", ())))


def _approvals(facts: Facts, evidence: Evidence) -> Iterator[View]:
    """The approvals that name this very file, by its sha256; also those that do not count."""
    for approval in evidence.approvals.approvals:
        if facts.pin.artifact.sha256 in approval.files:
            yield _approval(approval, facts.pin.artifact.sha256, evidence)


def _approvals_before(facts: Facts, evidence: Evidence) -> View | None:
    """The approvals of the newest approved release of the project, each once, also those that do not count.

    None if the file is of that release, or there is none.
    """
    files = evidence.approved_before.get(facts.project, ())
    if not files or files[-1].version == facts.version:
        return None
    approved = {(one.approval.id, one.approval.reviewer): one for one in files if one.version == files[-1].version}
    rows = [_approval(one.approval, _sha256_of(one), evidence) for one in approved.values()]
    return {"version": str(files[-1].version), "rows": rows}


def _sha256_of(file: ApprovedFile) -> str:
    """The sha256 of an approved file, from its approval."""
    return next(sha256 for sha256, (name, _) in file.approval.files.items() if name == file.path)


def _approval(approval: Approval, sha256: str, evidence: Evidence) -> View:
    """An approval as a row: who made it (or an unknown key), when, why, until when, and whether it counts today for this file."""
    return {
        "reviewer": approval.reviewer or f"unknown key {approval.key}",
        "made": approval.made,
        "reason": approval.reason,
        "expires": approval.expires,
        "counts": evidence.approvals.counts(approval, sha256),
    }


def _licence(facts: Facts, evidence: Evidence) -> View:
    """The licence of a file with its source: the License field, the first classifiers, and the first names of licence files."""
    files = [
        name for name in facts.texts if re.search(r"licen[cs]e|copying|notice", name.rpartition("/")[2], re.IGNORECASE)
    ]
    classifiers = [text for text in facts.headers.get("classifier", ()) if text.startswith("License ::")]
    return {
        "name": licence_text(facts, evidence),
        "source": evidence.licences[facts.subject].source,
        "field": _license_field(facts)[:MAX_TEXT_CHARACTERS],
        "classifiers": classifiers[:MAX_CHAINS],
        "files": sorted(files)[:MAX_CHAINS],
    }


def _inside(facts: Facts) -> View:
    """The sum of files (and folders) and bytes, the largest folders and files at the top, and the members that a reviewer
    wants to see: native code, archives, the list of all, and bills of materials.

    `more` counts what else is at the top (negative: nothing).
    """
    bytes_of: Counter[str] = Counter()
    files_of: Counter[str] = Counter()
    for entry in facts.entries:
        top, slash, _ = entry.name.partition("/")
        bytes_of[top + slash] += entry.size
        files_of[top + slash] += 1
    return {
        "total": f"{counted(len(facts.entries), 'file')}, {size_text(bytes_of.total())} unpacked",
        "folders": [
            {"name": name, "text": f"{counted(files_of[name], 'file')}, {size_text(size)}"}
            for name, size in bytes_of.most_common(MAX_FOLDERS)
        ],
        "more": len(bytes_of) - MAX_FOLDERS,
        "native": _first_rows([_entry(entry) for entry in native_entries(facts)]),
        "archives": _first_rows([_entry(entry) for entry in facts.entries if entry.kind in ARCHIVES]),
        "members": _members(facts.entries),
        "sboms": _first_rows([name for name in facts.texts if ".dist-info/sboms/" in name]),
    }


def _members(entries: Sequence[Entry]) -> View:
    """The first members with their sizes, as one text with a line for each; folders are left out.

    `more` counts the members after the first MAX_LISTED, with folders (negative: there are none).
    """
    lines = [
        f"{size_text(entry.size):>9}  {entry.name}" for entry in entries[:MAX_LISTED] if not entry.name.endswith("/")
    ]
    return {"text": "\n".join(lines), "more": len(entries) - MAX_LISTED}


def _entry(entry: Entry) -> View:
    """A member as a row: its name, its size, and the libraries that it needs, if it is native."""
    libraries = entry.native.needs if entry.native else ()
    return {"name": entry.name, "size": size_text(entry.size), "libraries": ", ".join(libraries)}


def _first_rows(rows: Sequence[Any]) -> View:
    """The first rows of a list, and the number of all."""
    return {"rows": rows[:MAX_ENTRIES], "total": len(rows)}


def _running(facts: Facts) -> View | None:
    """Commands, plugins, scripts, executables (scripts too), and the start of each text that runs by itself or at import.

    None if there are none. Native code outside the scripts does not count.
    """
    texts = [
        {"name": name, "pieces": coloured(name, _start_of(text)), "open": name.endswith(".pth")}
        for name, text in facts.texts.items()
        if _is_run(name) and text.strip()
    ]
    groups = facts.entry_point_groups
    commands = [{"name": name, "called": called} for name, called in facts.entry_points.items()]
    plugins = [
        {"name": f"{group}: {name}", "called": called}
        for group, points in groups.items()
        for name, called in (points.items() if group not in COMMAND_GROUPS else ())
    ]
    scripts = [_entry(entry) for entry in facts.entries if ".data/scripts/" in entry.name]
    executables = [_entry(entry) for entry in facts.entries if entry.executable and not entry.native]
    if not (texts or commands or plugins or scripts or executables):
        return None
    return {
        "texts": texts,
        "plugins": _first_rows(plugins),
        "commands": _first_rows(commands),
        "scripts": _first_rows(scripts),
        "executables": _first_rows(executables),
    }


def _is_run(name: str) -> bool:
    """Whether a kept text, by its name, runs when Python starts, when somebody imports, installs or builds the file, or as a command."""
    base = name.rpartition("/")[2]
    return name.endswith((".pth", ".start", "/setup.py")) or base in RUNNING_NAMES or bool(SCRIPT.search(name))


def _start_of(text: str) -> str:
    """The beginning of a text, and a line with how much was cut; the whole text if it is short."""
    if len(text) <= MAX_TEXT_CHARACTERS:
        return text
    return f"{text[:MAX_TEXT_CHARACTERS]}\n… {len(text) - MAX_TEXT_CHARACTERS} characters more"
