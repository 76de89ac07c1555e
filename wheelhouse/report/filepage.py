"""One file's page in the report: why it is here, where it came from, what is inside, what was found (pure)."""

import re
from collections import Counter
from collections.abc import Iterator, Mapping
from typing import Any

from wheelhouse.humanize import counted, size_text
from wheelhouse.report.diffpage import change_row
from wheelhouse.report.markup import Safe, prose, tag
from wheelhouse.vet.evidence import Evidence
from wheelhouse.vet.facts import Entry, Facts

MOST_CHAINS, MOST_FOLDERS, MOST_ENTRIES, LONGEST_TEXT = 10, 14, 40, 3000
MAX_LICENCE_CHARACTERS = 60
NATIVE = frozenset(("elf", "pe", "macho"))
UNKNOWN = "not declared"


def native_in(facts: Facts) -> list[Entry]:
    """The files in it that hold native code."""
    return [entry for entry in facts.entries if entry.kind in NATIVE]


def licence_text(facts: Facts, evidence: Evidence) -> str:
    """Its licence, as an SPDX expression where one can be told, else in its own first words."""
    told = next(iter(facts.header("license").strip().splitlines()), "")
    return evidence.licences[facts.subject].expression or told[:MAX_LICENCE_CHARACTERS] or UNKNOWN


def state_of(facts: Facts, evidence: Evidence) -> str:
    """`approved`, `changed` where another release of the project was approved before, else `new`."""
    if facts.subject not in evidence.new:
        return "approved"
    return "changed" if facts.project in evidence.approved_before else "new"


def state_text(facts: Facts, evidence: Evidence) -> str:
    """The state in words, with the newest release that was approved."""
    state = state_of(facts, evidence)
    if state != "changed":
        return state
    before = evidence.approved_before[facts.project][-1]
    return f"was {before}" if before != facts.version else "other bytes"


def file_page(facts: Facts, evidence: Evidence, numbers: Mapping[str, int]) -> Safe:
    """The page."""
    found = evidence.about.get(facts.subject, ())
    head = tag(
        "p",
        tag("code", facts.subject),
        " ",
        tag("span", state_text(facts, evidence), class_=f"state {state_of(facts, evidence)}"),
    )
    return tag(
        "section",
        tag("h1", f"{facts.project} {facts.version}", tabindex="-1"),
        head,
        tag("p", facts.header("summary"), class_="muted") if facts.header("summary") else None,
        tag(
            "div",
            _part("Findings", _findings(facts, evidence)),
            _part(f"Changed inside since {evidence.since}", _changed(facts, evidence)),
            _part("Why it is here", _why(facts, evidence, numbers)),
            _part("Where it came from", _origin(facts)),
            _part("Who approved it", _approvals(facts, evidence)),
            _part("Licence", _licence(facts, evidence)),
            _part("Inside", _inside(facts)),
            _part("What can run", _running(facts)),
            class_="parts",
        ),
        id=f"f{numbers[facts.subject]}",
        class_="view file" + (f" {found[0].severity.name.lower()}" if found else ""),
    )


def _part(title: str, told: Any) -> Safe | None:  # noqa: ANN401
    return tag("section", tag("h2", title), told, class_="panel") if told else None


def _pairs(*rows: tuple[str, Any]) -> Safe | None:
    told = [(tag("dt", term), tag("dd", value)) for term, value in rows if value]
    return tag("dl", told) if told else None


def _findings(facts: Facts, evidence: Evidence) -> Safe | None:
    groups = ((evidence.about.get(facts.subject, ()), ""), (evidence.settled, "approved"), (evidence.waived, "waived"))
    rows = [
        tag(
            "li",
            tag("span", note or finding.severity.name.lower(), class_=f"chip {note or finding.severity.name.lower()}"),
            tag("b", finding.rule),
            tag("span", prose(finding.sentence), class_="told"),
            tag("span", prose(finding.hint), class_="hint") if finding.hint and not note else None,
        )
        for found, note in groups
        for finding in found
        if finding.subject == facts.subject
    ]
    return tag("ul", rows, class_="remarks") if rows else tag("p", "None.", class_="muted")


def _changed(facts: Facts, evidence: Evidence) -> list[Safe]:
    """What changed inside, where another release of it was in the house that it is compared with."""
    file = evidence.replaced.get(facts.subject)
    return list(map(change_row, file.changes)) if file and file.old else []


def _why(facts: Facts, evidence: Evidence, numbers: Mapping[str, int]) -> Iterator[Safe | None]:
    """The ways that lead to it in each lock; what it needs, and what needs it."""
    for graph in evidence.graphs:
        if facts.subject in graph.needs:
            found = sorted(graph.ways(facts.subject), key=lambda way: (len(way), way))
            shown = [tag("li", _way(way, evidence, numbers)) for way in found[:MOST_CHAINS]]
            asked = tag("li", "It was asked for.") if facts.subject in graph.roots else None
            more = (
                tag("li", f"and {len(found) - MOST_CHAINS} more", class_="muted") if len(found) > MOST_CHAINS else None
            )
            yield tag("ul", asked, shown, more, class_="chains")
    needed = sorted({name for graph in evidence.graphs for name in graph.needs.get(facts.subject, ())})
    by = sorted({name for graph in evidence.graphs for name, others in graph.needs.items() if facts.subject in others})
    yield _pairs(
        ("Needs", _names(needed, evidence, numbers)),
        ("Needed by", _names(by, evidence, numbers)),
        ("Held by", facts.pin.constraint),
        ("Targets", ", ".join(facts.targets)),
    )


def _way(way: list[str], evidence: Evidence, numbers: Mapping[str, int]) -> Iterator[Safe | str]:
    for position, subject in enumerate(way):
        yield " → " if position else ""
        yield tag("a", evidence.label(subject), href=f"#f{numbers[subject]}")


def _names(subjects: list[str], evidence: Evidence, numbers: Mapping[str, int]) -> Safe | None:
    links = [(tag("a", evidence.files[name].project, href=f"#f{numbers[name]}"), " ") for name in subjects]
    return tag("span", links, class_="names") if links else None


def _origin(facts: Facts) -> Safe | None:
    artifact, built = facts.pin.artifact, facts.pin.built
    made = f"from {built.sdist.filename}, by {built.interpreter}, {built.sealed or 'not sealed'}" if built else None
    uploaded = artifact.upload_time
    return _pairs(
        ("sha256", tag("code", artifact.sha256, class_="hash")),
        ("Size", f"{size_text(artifact.size)} ({artifact.size:,} bytes)"),
        ("Built here", made),
        ("Address", tag("code", facts.pin.origin.url) if facts.pin.origin.url else None),
        ("Index", tag("code", facts.pin.index) if facts.pin.index else None),
        ("Uploaded", f"{uploaded:%Y-%m-%d %H:%M} UTC" if uploaded else "the index did not say when"),
        ("Withdrawn", facts.pin.yanked),
        ("Author", ", ".join((*facts.headers.get("author", ()), *facts.headers.get("author-email", ())))),
        ("Maintainer", ", ".join((*facts.headers.get("maintainer", ()), *facts.headers.get("maintainer-email", ())))),
        ("Its addresses", _lines((*facts.headers.get("home-page", ()), *facts.headers.get("project-url", ())))),
    )


def _lines(texts: tuple[str, ...]) -> Safe | None:
    return tag("ul", (tag("li", tag("code", text)) for text in texts[:MOST_CHAINS]), class_="plain") if texts else None


def _approvals(facts: Facts, evidence: Evidence) -> Safe | None:
    speaking = [one for one in evidence.approvals.approvals if facts.pin.artifact.sha256 in one.files]
    rows = (
        tag(
            "li",
            tag("b", one.reviewer or f"unknown key {one.key}"),
            f", {one.made}: {one.reason}",
            tag("span", f" until {one.expires}", class_="muted") if one.expires else None,
            tag("span", " does not count", class_="chip warning") if not one.stands(evidence.approvals.today) else None,
        )
        for one in speaking
    )
    return tag("ul", rows, class_="plain") if speaking else None


def _licence(facts: Facts, evidence: Evidence) -> Iterator[Safe | None]:
    texts = [
        name for name in facts.texts if re.search(r"licen[cs]e|copying|notice", name.rpartition("/")[2], re.IGNORECASE)
    ]
    classifiers = [text for text in facts.headers.get("classifier", ()) if text.startswith("License ::")]
    first = next(iter(facts.header("license").strip().splitlines()), "")
    yield _pairs(
        ("Licence", licence_text(facts, evidence)),
        ("Told by", evidence.licences[facts.subject].source),
        ("License field", first[:LONGEST_TEXT]),
        ("Classifiers", _lines(tuple(classifiers))),
        ("Files", _lines(tuple(sorted(texts)))),
    )


def _inside(facts: Facts) -> Iterator[Safe | None]:
    size = sum(entry.size for entry in facts.entries)
    yield tag("p", f"{counted(len(facts.entries), 'file')}, {size_text(size)} unpacked")
    folders: Counter[str] = Counter()
    number: Counter[str] = Counter()
    for entry in facts.entries:
        top, slash, _ = entry.name.partition("/")
        folders[top + slash] += entry.size
        number[top + slash] += 1
    rows = [
        tag(
            "li",
            tag("code", name),
            tag("span", f" {counted(number[name], 'file')}, {size_text(total)}", class_="muted"),
        )
        for name, total in folders.most_common(MOST_FOLDERS)
    ]
    more = tag("li", f"and {len(folders) - MOST_FOLDERS} more", class_="muted") if len(folders) > MOST_FOLDERS else None
    yield tag("ul", rows, more, class_="plain")
    yield _folded("Native code", [_native(entry) for entry in native_in(facts)])
    archives = ("zip", "gzip", "bzip2", "xz", "zstd", "7z", "tar", "java")
    yield _folded("Archives inside", [_entry(entry) for entry in facts.entries if entry.kind in archives])
    yield _folded(
        "Bills of materials inside", [tag("code", name) for name in facts.texts if ".dist-info/sboms/" in name]
    )


def _entry(entry: Entry) -> list[Safe]:
    return [tag("code", entry.name), tag("span", f" {size_text(entry.size)}", class_="muted")]


def _native(entry: Entry) -> list[Safe | None]:
    needs = entry.native.needs if entry.native else ()
    return [*_entry(entry), tag("span", f" links to {', '.join(needs)}", class_="muted") if needs else None]


def _folded(title: str, rows: list[Any]) -> Safe | None:
    if not rows:
        return None
    more = tag("li", f"and {len(rows) - MOST_ENTRIES} more", class_="muted") if len(rows) > MOST_ENTRIES else None
    listed = tag("ul", (tag("li", row) for row in rows[:MOST_ENTRIES]), more, class_="plain")
    return tag("details", tag("summary", title, tag("span", len(rows), class_="count")), listed, open=len(rows) <= 8)


def _running(facts: Facts) -> list[Safe]:
    """Commands, and the text of what runs by itself: to be read here."""
    commands = [
        [tag("code", name), tag("span", f" calls {called}", class_="muted")]
        for name, called in facts.entry_points.items()
    ]
    ready = [_entry(entry) for entry in facts.entries if ".data/scripts/" in entry.name]
    marked = [_entry(entry) for entry in facts.entries if entry.executable and not entry.native]
    texts = [
        tag("details", tag("summary", tag("code", name)), tag("pre", _cut(text)), open=name.endswith(".pth"))
        for name, text in facts.texts.items()
        if name.endswith((".pth", "/setup.py")) or name.rpartition("/")[2] in ("sitecustomize.py", "usercustomize.py")
    ]
    listed = [_folded("Commands", commands), _folded("Ready-made scripts", ready), _folded("Marked executable", marked)]
    return [one for one in [*texts, *listed] if one]


def _cut(text: str) -> str:
    return text if len(text) <= LONGEST_TEXT else f"{text[:LONGEST_TEXT]}\n… {len(text) - LONGEST_TEXT} characters more"
