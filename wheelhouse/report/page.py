"""The report of a vetted house as one HTML page: what is new first, then everything, each file with a page of its own (pure)."""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from wheelhouse.findings import Finding, Severity
from wheelhouse.humanize import counted, size_text
from wheelhouse.report.filepage import file_page, licence_text, native_in, state_of, state_text
from wheelhouse.report.markup import Safe, document, prose, tag
from wheelhouse.vet.evidence import Evidence
from wheelhouse.vet.facts import Facts
from wheelhouse.vet.rules import Rule

VIEWS = ("summary", "findings", "files", "graph", "licences")
MOST_LARGE, MOST_LICENCES = 8, 7
WORST_FIRST = sorted(Severity, reverse=True)


def page(evidence: Evidence, rules: Mapping[str, Rule], style: str, script: str) -> str:
    """The whole page."""
    numbers = {name: number for number, name in enumerate(evidence.files)}
    views = (
        _summary(evidence, rules, numbers),
        _findings(evidence, rules, numbers),
        _files(evidence, numbers),
        _graph(evidence),
        _licences(evidence, numbers),
        *(file_page(facts, evidence, numbers) for facts in evidence.files.values()),
    )
    body = Safe(_bar(evidence) + tag("main", views, id="main"))
    return document(f"{evidence.name} · wheelhouse", style, script, body, _held(evidence, numbers))


def _bar(evidence: Evidence) -> Safe:
    counts = {"findings": len(evidence.findings), "files": len(evidence.hashes)}
    tabs = [
        tag(
            "a",
            view.capitalize(),
            tag("span", counts[view], class_="count") if view in counts else None,
            href=f"#{view}",
        )
        for view in VIEWS
    ]
    return tag(
        "header",
        tag("div", tag("b", "wheelhouse"), " ", tag("span", evidence.name, class_="house"), class_="name"),
        tag("nav", tabs, aria_label="Views"),
        tag(
            "input", type="search", id="search", placeholder="Search  /", aria_label="Search projects, files and rules"
        ),
        tag("button", "◐", id="theme", type="button", title="Dark or light", aria_label="Dark or light"),
        class_="bar",
    )


def _view(name: str, title: str, *children: Any) -> Safe:  # noqa: ANN401
    return tag("section", tag("h1", title, tabindex="-1"), children, id=name, class_=f"view {name}")


def _panel(title: str, *children: Any, class_: str = "") -> Safe:  # noqa: ANN401
    return tag("section", tag("h2", title), children, class_=f"panel {class_}".strip())


def link(subject: str, evidence: Evidence, numbers: Mapping[str, int]) -> Safe:
    """A link to a file's page; plain text for what has none."""
    if subject not in numbers:
        return tag("span", subject)
    return tag("a", evidence.label(subject), href=f"#f{numbers[subject]}", title=subject)


# The summary


def _summary(evidence: Evidence, rules: Mapping[str, Rule], numbers: Mapping[str, int]) -> Safe:
    return _view(
        "summary",
        _headline(evidence),
        tag("p", _verdict(evidence), class_="verdict"),
        tag(
            "div",
            _panel("Look at first", _first(evidence, numbers), class_="first"),
            _panel("Findings by rule", _by_rule(evidence, rules)),
            _panel("Licences", _licence_bars(evidence)),
            _panel("Largest files", _largest(evidence, numbers)),
            _panel("What this is based on", _basis(evidence), class_="basis"),
            class_="panels",
        ),
    )


def _headline(evidence: Evidence) -> str:
    new, total = len(evidence.new), len(evidence.hashes)
    if not evidence.approvals.approvals:
        return f"{counted(total, 'file')}, none approved yet"
    if not new:
        return f"All {counted(total, 'file')} approved"
    return f"{counted(new, 'file')} to look at, {total - new} approved before"


def _verdict(evidence: Evidence) -> Iterator[Safe | str]:
    tally = Counter(finding.severity for finding in evidence.findings)
    bad = len(evidence.bad)
    said = f"{counted(bad, 'finding')} to be dealt with" if bad else "Nothing reaches the policy's threshold"
    yield tag("strong", said, class_="bad" if bad else "good")
    for severity in WORST_FIRST:
        if tally[severity]:
            yield tag("span", counted(tally[severity], severity.name.lower()), class_=f"chip {severity.name.lower()}")
    total = sum(facts.pin.artifact.size for facts in evidence.files.values())
    projects = len({facts.project for facts in evidence.files.values()})
    more = [f"{counted(projects, 'project')}", size_text(total)]
    more += [counted(len(evidence.settled), "finding") + " approved"] if evidence.settled else []
    more += [counted(len(evidence.waived), "finding") + " waived"] if evidence.waived else []
    yield tag("span", " · ".join(more), class_="muted")


def _first(evidence: Evidence, numbers: Mapping[str, int]) -> Safe:
    """New and changed files, those with the worst findings first; then approved ones about which something new is known."""
    named = [*evidence.files, *evidence.others]
    wanted = [name for name in named if name in evidence.new or name in evidence.about]
    wanted += sorted(evidence.about.keys() - evidence.hashes.keys())
    wanted.sort(key=lambda name: -max((finding.severity for finding in evidence.about.get(name, ())), default=0))
    rows = [_first_row(name, evidence, numbers) for name in wanted]
    return tag("ol", rows, class_="rows") if rows else tag("p", "Nothing is new.", class_="muted")


def _first_row(name: str, evidence: Evidence, numbers: Mapping[str, int]) -> Safe:
    facts = evidence.files.get(name)
    found = evidence.about.get(name, ())
    told = found[0].sentence if found else ""
    more = f" and {len(found) - 1} more" if len(found) > 1 else ""
    return tag(
        "li",
        tag("span", class_=f"dot {found[0].severity.name.lower() if found else 'none'}"),
        link(name, evidence, numbers),
        tag("span", state_text(facts, evidence), class_=f"state {state_of(facts, evidence)}") if facts else None,
        tag("span", prose(told), more, class_="told") if told else None,
    )


def _by_rule(evidence: Evidence, rules: Mapping[str, Rule]) -> Safe:
    tally = Counter((finding.rule, finding.severity) for finding in evidence.findings)
    rows = sorted(tally.items(), key=lambda item: (-item[0][1], -item[1], item[0][0]))
    most = max(tally.values(), default=1)
    listed = [
        tag(
            "li",
            tag("a", rule, href=f"#findings-{rule}", title=rules[rule].title if rule in rules else None),
            _bar_of(count, most, severity.name.lower()),
            tag("span", count, class_="number"),
        )
        for (rule, severity), count in rows
    ]
    return tag("ul", listed, class_="bars") if listed else tag("p", "No findings.", class_="muted")


def _bar_of(count: int, most: int, class_: str = "") -> Safe:
    width = max(1, round(100 * count / max(most, 1)))
    drawn = tag("rect", width=width, height="8", rx="1", class_=class_ or None)
    return tag("svg", drawn, viewBox="0 0 100 8", preserveAspectRatio="none", class_="measure", aria_hidden="true")


def _licence_tally(evidence: Evidence) -> list[tuple[str, int]]:
    tally = Counter(licence_text(facts, evidence) for facts in evidence.files.values())
    return sorted(tally.items(), key=lambda item: (-item[1], item[0]))


def _licence_bars(evidence: Evidence) -> Safe:
    tally = _licence_tally(evidence)
    shown, rest = tally[:MOST_LICENCES], tally[MOST_LICENCES:]
    rows = [(name, count) for name, count in shown]
    rows += [(f"{len(rest)} others", sum(count for _, count in rest))] if rest else []
    most = max((count for _, count in rows), default=1)
    return tag(
        "ul",
        (
            tag("li", tag("a", name, href="#licences"), _bar_of(count, most), tag("span", count, class_="number"))
            for name, count in rows
        ),
        class_="bars",
    )


def _largest(evidence: Evidence, numbers: Mapping[str, int]) -> Safe:
    ordered = sorted(evidence.files.values(), key=lambda facts: -facts.pin.artifact.size)[:MOST_LARGE]
    most = ordered[0].pin.artifact.size if ordered else 1
    rows = (
        tag(
            "li",
            link(facts.subject, evidence, numbers),
            _bar_of(facts.pin.artifact.size, most),
            tag("span", size_text(facts.pin.artifact.size), class_="number"),
        )
        for facts in ordered
    )
    return tag("ul", rows, class_="bars")


def _basis(evidence: Evidence) -> Safe:
    known = evidence.known
    days = (evidence.now - known).days if known else 0
    reviewers = sorted({one.reviewer for one in evidence.approvals.approvals if one.reviewer})
    rows = [
        ("Made", f"{evidence.now:%Y-%m-%d %H:%M} UTC"),
        ("Targets", ", ".join(dict.fromkeys(graph.lock for graph in evidence.graphs))),
        (
            "Vulnerabilities",
            f"known until {known:%Y-%m-%d}, {counted(days, 'day')} ago"
            if known
            else "not checked: no snapshot of advisories",
        ),
        ("Approvals", f"by {', '.join(reviewers)}; {evidence.approvals.needed} needed" if reviewers else "none"),
        ("Threshold", f"{evidence.threshold.name.lower()} and above"),
    ]
    return pairs(rows)


def pairs(rows: Iterable[tuple[str, Any]]) -> Safe:
    """Terms and what is to be said of each; those of which nothing is are left out."""
    return tag("dl", ((tag("dt", term), tag("dd", told)) for term, told in rows if told))


# Everything


def _findings(evidence: Evidence, rules: Mapping[str, Rule], numbers: Mapping[str, int]) -> Safe:
    by_rule: dict[tuple[Severity, str], list[Finding]] = {}
    for finding in evidence.findings:
        by_rule.setdefault((finding.severity, finding.rule), []).append(finding)
    groups = [
        _rule_group(rule, severity, found, rules, evidence, numbers)
        for (severity, rule), found in sorted(by_rule.items(), key=lambda item: (-item[0][0], item[0][1]))
    ]
    past = [
        tag(
            "details",
            tag("summary", f"{counted(len(found), 'finding')} {what}"),
            _listed(found, evidence, numbers),
            class_="group",
        )
        for found, what in ((evidence.settled, "seen and approved"), (evidence.waived, "waived by the policy"))
        if found
    ]
    return _view("findings", "Findings", groups or tag("p", "There are none.", class_="muted"), past)


def _rule_group(
    rule: str,
    severity: Severity,
    found: Sequence[Finding],
    rules: Mapping[str, Rule],
    evidence: Evidence,
    numbers: Mapping[str, int],
) -> Safe:
    explained = tag("p", prose(rules[rule].explanation), class_="muted") if rule in rules else None
    name = severity.name.lower()
    head = tag(
        "summary",
        tag("span", name, class_=f"chip {name}"),
        " ",
        tag("b", rule),
        tag("span", len(found), class_="count"),
    )
    return tag(
        "details", head, explained, _listed(found, evidence, numbers), open=True, class_="group", id=f"findings-{rule}"
    )


def _listed(found: Iterable[Finding], evidence: Evidence, numbers: Mapping[str, int]) -> Safe:
    rows = (
        tag(
            "li",
            link(finding.subject, evidence, numbers),
            tag("span", prose(finding.sentence), class_="told"),
            tag("span", prose(finding.hint), class_="hint") if finding.hint else None,
            data_words=f"{finding.subject} {finding.rule}",
        )
        for finding in found
    )
    return tag("ul", rows, class_="remarks")


COLUMNS = ("Project", "Version", "State", "Findings", "Licence", "Size", "Inside", "Uploaded")


def _files(evidence: Evidence, numbers: Mapping[str, int]) -> Safe:
    head = tag("tr", (tag("th", tag("button", name, type="button"), scope="col") for name in COLUMNS))
    rows = [_file_row(facts, evidence, numbers) for facts in evidence.files.values()]
    rows += [_other_row(name, evidence) for name in evidence.others]
    return _view("files", "Files", tag("div", tag("table", tag("thead", head), tag("tbody", rows)), class_="wide"))


def _file_row(facts: Facts, evidence: Evidence, numbers: Mapping[str, int]) -> Safe:
    found = evidence.about.get(facts.subject, ())
    artifact = facts.pin.artifact
    worst = found[0].severity if found else 0
    inside = [
        *(["native"] if native_in(facts) else []),
        *([] if artifact.is_wheel else ["sdist"]),
        *(["built here"] if facts.pin.built else []),
    ]
    cells = (
        tag("td", tag("a", facts.place + facts.project, href=f"#f{numbers[facts.subject]}", title=facts.subject)),
        tag("td", str(facts.version)),
        tag("td", tag("span", state_text(facts, evidence), class_=f"state {state_of(facts, evidence)}")),
        tag(
            "td",
            tag("span", len(found), class_=f"chip {found[0].severity.name.lower()}") if found else "",
            data_sort=int(worst) * 1000 + len(found),
        ),
        tag("td", licence_text(facts, evidence)),
        tag("td", size_text(artifact.size), class_="number", data_sort=artifact.size),
        tag("td", (tag("span", word, class_="chip") for word in inside)),
        tag(
            "td",
            f"{artifact.upload_time:%Y-%m-%d}" if artifact.upload_time else "not said",
            class_=None if artifact.upload_time else "muted",
        ),
    )
    return tag("tr", cells, data_words=f"{facts.filename} {' '.join(finding.rule for finding in found)}")


def _other_row(name: str, evidence: Evidence) -> Safe:
    """A file that is no distribution."""
    found = evidence.about.get(name, ())
    state = "new" if name in evidence.new else "approved"
    chip = tag("span", len(found), class_=f"chip {found[0].severity.name.lower()}") if found else ""
    told = (
        name,
        "",
        tag("span", state, class_=f"state {state}"),
        chip,
        "",
        "",
        tag("span", "other file", class_="chip"),
        "",
    )
    return tag("tr", (tag("td", text) for text in told))


def _graph(evidence: Evidence) -> Safe:
    tools = tag(
        "div",
        tag("button", "Unfold all", type="button", id="unfold"),
        tag("button", "Fold", type="button", id="fold"),
        tag(
            "span",
            "Click or Enter folds a project in and out; the arrow keys walk; o opens its page. Search shows the ways to a project.",
            class_="muted",
        ),
        class_="tools",
    )
    picture = tag(
        "div",
        tag("noscript", "The picture needs the page's script. Each file's page says what it needs, and what needs it."),
        id="picture",
    )
    return _view(
        "graph",
        "Who needs whom",
        tools,
        tag("div", picture, tag("aside", id="told", aria_live="polite"), class_="canvas"),
    )


def _licences(evidence: Evidence, numbers: Mapping[str, int]) -> Safe:
    by_name: dict[str, list[Facts]] = {}
    for facts in evidence.files.values():
        by_name.setdefault(licence_text(facts, evidence), []).append(facts)
    groups = (
        tag(
            "details",
            tag("summary", tag("b", name), tag("span", count, class_="count")),
            tag(
                "p",
                ((link(facts.subject, evidence, numbers), " ") for facts in by_name[name]),
                class_="names",
            ),
            class_="group",
            open=len(by_name[name]) <= 12,
            data_words=" ".join([name, *(facts.project for facts in by_name[name])]),
        )
        for name, count in _licence_tally(evidence)
    )
    return _view(
        "licences",
        "Licences",
        tag("p", "As SPDX expressions, told by the projects' metadata and licence files.", class_="muted"),
        groups,
    )


def _held(evidence: Evidence, numbers: Mapping[str, int]) -> dict[str, Any]:
    """What the script reads to draw the graph: nodes as [name, version, state, severity], and who needs whom, by number."""
    roots = sorted({numbers[name] for graph in evidence.graphs for name in graph.roots})
    needs: dict[int, set[int]] = {}
    for graph in evidence.graphs:
        for name, needed in graph.needs.items():
            needs.setdefault(numbers[name], set()).update(numbers[other] for other in needed)
    nodes = [
        [
            facts.place + facts.project,
            str(facts.version),
            state_of(facts, evidence),
            int(evidence.about[name][0].severity) if name in evidence.about else 0,
        ]
        for name, facts in evidence.files.items()
    ]
    return {
        "house": evidence.name,
        "nodes": nodes,
        "roots": roots,
        "needs": [sorted(needs.get(n, ())) for n in range(len(nodes))],
    }
