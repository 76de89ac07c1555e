"""The report of a vetted wheelhouse, as the values of `templates/vet.html.j2` (pure)."""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import groupby

from wheelhouse.findings import Finding, Severity
from wheelhouse.humanize import counted, size_text
from wheelhouse.report.coverage_report import coverage_view
from wheelhouse.report.filepage import View, file_view, licence_text, native_entries, page_id, state_of, state_view
from wheelhouse.report.sentences import hint_of, sentence_of
from wheelhouse.vet.capabilities import Capability
from wheelhouse.vet.evidence import Evidence
from wheelhouse.vet.facts import Facts
from wheelhouse.vet.review_queue import QueuedFile, review_queue
from wheelhouse.vet.rules import Rule

VIEWS = ("summary", "findings", "files", "graph", "licences")
MAX_LARGEST, MAX_LICENCES = 8, 7
MAX_ADVISORY_DAYS = 30
"""OSV has new advisories every day: a snapshot whose newest is older says little of today."""
WORST_FIRST = sorted(Severity, reverse=True)
Numbers = Mapping[str, int]
"""Each file's number, by its subject: its page is `f<number>`."""


def report_view(evidence: Evidence, rules: Mapping[str, Rule]) -> View:
    """Everything that the page shows: the rows of each view, a page for each distribution, and the graph."""
    numbers = {name: number for number, name in enumerate(evidence.files)}
    queue = review_queue(evidence)
    queued = {one.subject: one for one in queue}
    counts = {"findings": len(evidence.findings), "files": len(evidence.hashes)}
    return {
        "title": evidence.name,
        "subtitle": evidence.name,
        "tabs": [{"id": view, "title": view.capitalize(), "count": counts.get(view)} for view in VIEWS],
        "tabs_label": "Views",
        "search_label": "Search projects, files and rules",
        "script_data": _script_data(evidence, numbers),
        "summary": _summary(evidence, rules, numbers, queue),
        "findings": _findings(evidence, rules, numbers),
        "files": _files(evidence, numbers),
        "licences": _licences(evidence, numbers),
        "pages": [file_view(facts, evidence, numbers, queued[name]) for name, facts in evidence.files.items()],
        "is_served": False,
    }


def _link(subject: str, evidence: Evidence, numbers: Numbers) -> View:
    """A link to a file's page: its label, and `page`, which is None for a subject without a page."""
    page = page_id(numbers[subject]) if subject in numbers else None
    return {"text": evidence.label(subject), "page": page, "title": subject}


def _percent(count: int, largest: int) -> int:
    """The length of a bar: a count as a rounded percentage of the largest, at least 1."""
    return max(1, round(100 * count / max(largest, 1)))


# The summary


def _summary(evidence: Evidence, rules: Mapping[str, Rule], numbers: Numbers, queue: Sequence[QueuedFile]) -> View:
    """The first view: the verdict, numbers, which files to review first, bars, the largest files, what the verdict rests on."""
    by_severity = Counter(finding.severity for finding in evidence.findings)
    return {
        "headline": _headline(evidence),
        "verdict": _verdict(evidence),
        "severities": [
            {"name": severity.name.lower(), "text": counted(by_severity[severity], severity.name.lower())}
            for severity in WORST_FIRST
            if by_severity[severity]
        ],
        "totals": list(_totals(evidence)),
        "first": [
            _first_row(name, evidence, numbers, gained) for name, gained in _first_subjects(evidence, queue).items()
        ],
        "rules": _rule_bars(evidence, rules),
        "licences": _licence_bars(evidence),
        "largest": _largest(evidence, numbers),
        "basis": _basis(evidence),
        "coverage": coverage_view(evidence),
    }


def _headline(evidence: Evidence) -> str:
    """How many files are to be reviewed, in a few words; that none is approved yet, if there is no approval at all; or that all are."""
    new, total = len(evidence.new), len(evidence.hashes)
    if not evidence.approvals.approvals:
        return f"{counted(total, 'file')}, none approved yet"
    if not new:
        return f"All {counted(total, 'file')} approved"
    return f"{counted(new, 'file')} to look at, {total - new} approved before"


def _verdict(evidence: Evidence) -> View:
    """The verdict, and what it does not cover.

    `kind` is `bad` if a finding reaches the threshold; `good` if none does, every file is approved, and the advisories are
    recent; else `open`.
    """
    bad, new = len(evidence.bad), len(evidence.new)
    age = (evidence.now - evidence.known).days if evidence.known else None
    caveats = [
        *([f"{counted(new, 'file')} not approved"] if new else []),
        *(["no advisories were checked"] if age is None else []),
        *([f"the newest advisory is {age} days old"] if age is not None and age > MAX_ADVISORY_DAYS else []),
    ]
    text = (
        f"{counted(bad, 'finding')} at or above the policy's threshold"
        if bad
        else "No finding reaches the policy's threshold"
    )
    return {"kind": "bad" if bad else "open" if caveats else "good", "text": text, "caveats": caveats}


def _totals(evidence: Evidence) -> Iterator[str]:
    """The numbers of projects and bytes, and of approved and waived findings if there are any, each in words.

    Bytes are those of distributions, findings those on any subject.
    """
    yield counted(len({facts.project for facts in evidence.files.values()}), "project")
    yield size_text(sum(facts.pin.artifact.size for facts in evidence.files.values()))
    if evidence.approved:
        yield f"{counted(len(evidence.approved), 'finding')} approved"
    if evidence.waived:
        yield f"{counted(len(evidence.waived), 'finding')} waived"


def _first_subjects(evidence: Evidence, queue: Sequence[QueuedFile]) -> dict[str, tuple[Capability, ...]]:
    """New and changed files, and approved ones with a finding, in the order of the queue, with what each gained since the release before;
    nothing if no release before is known.

    What is no file, as a wheelhouse that does not satisfy itself, comes first if it has an error, else last.
    """
    subjects = {
        one.subject: one.gained if one.before else ()
        for one in queue
        if one.subject in evidence.new or one.subject in evidence.about
    }
    others = sorted(evidence.about.keys() - evidence.hashes.keys())
    first = [name for name in others if evidence.about[name][0].severity is Severity.ERROR]
    return {**dict.fromkeys(first, ()), **subjects, **dict.fromkeys((name for name in others if name not in first), ())}


def _first_row(name: str, evidence: Evidence, numbers: Numbers, gained: Sequence[Capability]) -> View:
    """A row for a file: what it `gained`, its worst open finding, and how many more it has (-1 if it has none)."""
    facts = evidence.files.get(name)
    findings = evidence.about.get(name, ())
    return {
        "link": _link(name, evidence, numbers),
        "severity": findings[0].severity.name.lower() if findings else "none",
        "state": state_view(facts, evidence) if facts else None,
        "gained": [str(capability) for capability in gained],
        "sentence": sentence_of(findings[0]) if findings else "",
        "more": len(findings) - 1,
    }


def _rule_bars(evidence: Evidence, rules: Mapping[str, Rule]) -> list[View]:
    """A bar for each rule and severity, with the number of its open findings, the most serious first."""
    counts = Counter((finding.rule, finding.severity) for finding in evidence.findings)
    ordered = sorted(counts.items(), key=lambda item: (-item[0][1], -item[1], item[0][0]))
    largest = max(counts.values(), default=1)
    return [
        {
            "rule": rule,
            "title": rules[rule].title if rule in rules else "",
            "severity": severity.name.lower(),
            "percent": _percent(count, largest),
            "count": count,
        }
        for (rule, severity), count in ordered
    ]


def _licence_bars(evidence: Evidence) -> list[View]:
    """A bar for each of the licences that most files have, and one for all other licences together."""
    files = [(name, len(facts)) for name, facts in _by_licence(evidence).items()]
    rows, others = files[:MAX_LICENCES], files[MAX_LICENCES:]
    rows += [(f"{len(others)} others", sum(count for _, count in others))] if others else []
    largest = max((count for _, count in rows), default=1)
    return [{"name": name, "percent": _percent(count, largest), "count": count} for name, count in rows]


def _by_licence(evidence: Evidence) -> dict[str, list[Facts]]:
    """The files of each licence, by its text; the licence of most files first."""
    files: dict[str, list[Facts]] = {}
    for facts in evidence.files.values():
        files.setdefault(licence_text(facts, evidence), []).append(facts)
    return dict(sorted(files.items(), key=lambda item: (-len(item[1]), item[0])))


def _largest(evidence: Evidence, numbers: Numbers) -> list[View]:
    """The few largest distributions, each with a bar; other files are left out."""
    ordered = sorted(evidence.files.values(), key=lambda facts: -facts.pin.artifact.size)[:MAX_LARGEST]
    sizes = [facts.pin.artifact.size for facts in ordered]
    return [
        {
            "link": _link(facts.subject, evidence, numbers),
            "percent": _percent(size, sizes[0]),
            "size": size_text(size),
        }
        for facts, size in zip(ordered, sizes, strict=True)
    ]


def _basis(evidence: Evidence) -> View:
    """What the verdict rests on, each as a text: time, targets, advisories, approvals, threshold."""
    newest = evidence.known
    reviewers = sorted({approval.reviewer for approval in evidence.approvals.approvals if approval.reviewer})
    return {
        "made": f"{evidence.now:%Y-%m-%d %H:%M} UTC",
        "targets": ", ".join(dict.fromkeys(graph.lock for graph in evidence.graphs)),
        "advisories": f"advisories up to {newest:%Y-%m-%d}, {counted((evidence.now - newest).days, 'day')} ago"
        if newest
        else "not checked: no snapshot of advisories",
        "approvals": f"by {', '.join(reviewers)}; {counted(evidence.approvals.needed, 'reviewer')} needed"
        if reviewers
        else "none",
        "threshold": f"{evidence.threshold.name.lower()} and above",
    }


# Everything


def _findings(evidence: Evidence, rules: Mapping[str, Rule], numbers: Numbers) -> View:
    """Open findings in groups by severity and rule, the worst first; then those that were approved, and those that were waived."""

    def rank(finding: Finding) -> tuple[int, str]:
        """The sort key of a finding: its severity, the worst first, then its rule."""
        return -finding.severity, finding.rule

    groups = [
        {
            "rule": rule,
            "severity": Severity(-severity).name.lower(),
            "explanation": rules[rule].explanation if rule in rules else "",
            "findings": _finding_rows(findings, evidence, numbers),
        }
        for (severity, rule), findings in groupby(sorted(evidence.findings, key=rank), rank)
    ]
    past = ((evidence.approved, "seen and approved"), (evidence.waived, "waived by the policy"))
    return {
        "rules": groups,
        "past": [
            {
                "title": f"{counted(len(findings), 'finding')} {decision}",
                "findings": _finding_rows(findings, evidence, numbers),
            }
            for findings, decision in past
            if findings
        ],
    }


def _finding_rows(findings: Iterable[Finding], evidence: Evidence, numbers: Numbers) -> list[View]:
    """A row for each finding: those that are new in their project first, then by urgency."""
    return [
        {
            "link": _link(finding.subject, evidence, numbers),
            "sentence": sentence_of(finding),
            "hint": hint_of(finding),
            "words": f"{finding.subject} {finding.rule}",
            "is_new": finding in evidence.first_seen,
        }
        for finding in sorted(findings, key=lambda finding: (finding not in evidence.first_seen, finding.urgency))
    ]


def _files(evidence: Evidence, numbers: Numbers) -> View:
    """The rows of all distributions, and those of all other files."""
    return {
        "distributions": [_file_row(facts, evidence, numbers) for facts in evidence.files.values()],
        "others": [_other_row(name, evidence) for name in evidence.others],
    }


def _file_row(facts: Facts, evidence: Evidence, numbers: Numbers) -> View:
    """The row of a distribution. `rank` sorts by its worst finding, then by their number; `words` is what a search finds."""
    findings = evidence.about.get(facts.subject, ())
    artifact = facts.pin.artifact
    marks = {"native": native_entries(facts), "sdist": not artifact.is_wheel, "built here": facts.pin.built}
    return {
        "page": page_id(numbers[facts.subject]),
        "title": facts.subject,
        "project": facts.place + facts.project,
        "version": str(facts.version),
        "state": state_view(facts, evidence),
        **_finding_count(findings),
        "rank": (int(findings[0].severity) if findings else 0) * 1000 + len(findings),
        "licence": licence_text(facts, evidence),
        "bytes": artifact.size,
        "size": size_text(artifact.size),
        "inside": [word for word, applies in marks.items() if applies],
        "uploaded": f"{artifact.upload_time:%Y-%m-%d}" if artifact.upload_time else "",
        "words": f"{facts.filename} {artifact.sha256} {' '.join(finding.rule for finding in findings)}",
    }


def _other_row(name: str, evidence: Evidence) -> View:
    """The row of a file that is no distribution: its state is `approved` or `new`."""
    state = "new" if name in evidence.new else "approved"
    return {
        "name": name,
        "state": {"name": state, "text": state},
        **_finding_count(evidence.about.get(name, ())),
    }


def _finding_count(findings: tuple[Finding, ...]) -> View:
    """The number of findings, and the severity of the first, which is the worst; the severity is empty if there are none."""
    return {"count": len(findings), "severity": findings[0].severity.name.lower() if findings else ""}


def _licences(evidence: Evidence, numbers: Numbers) -> list[View]:
    """Each licence with links to its files; the licence of most files first."""
    return [
        {
            "name": name,
            "files": [_link(facts.subject, evidence, numbers) for facts in files],
            "words": " ".join([name, *(facts.project for facts in files)]),
        }
        for name, files in _by_licence(evidence).items()
    ]


def _script_data(evidence: Evidence, numbers: Numbers) -> View:
    """What the script draws the graph from: the name of the wheelhouse; nodes as [name, version, state, severity], severity 0 if there
    is no finding; and, by number, the roots and what each node needs.
    """
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
        "needs": [sorted(needs.get(number, ())) for number in range(len(nodes))],
    }
