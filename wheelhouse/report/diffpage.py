"""What changed between two houses, as one HTML page (pure)."""

from collections import Counter
from collections.abc import Sequence

from wheelhouse.report.difference import tally, versions_text
from wheelhouse.report.markup import Safe, document, tag
from wheelhouse.vet.diff import Change, Difference, Kind, Replaced

ALARMING = {Kind.BYTES: "error", Kind.DOWN: "warning", Kind.ADDED: "warning"}
MAX_SHOWN = 30


def diff_page(found: Sequence[Difference], old: str, new: str, style: str, script: str) -> str:
    """The whole page."""
    groups = [_group(kind, [one for one in found if one.kind is kind]) for kind in Kind]
    title = f"{old} → {new}"
    body = tag(
        "main",
        tag(
            "section",
            tag("h1", title, tabindex="-1"),
            tag("p", tag("strong", tally(found)), class_="verdict"),
            groups,
            id="changes",
            class_="view",
        ),
        id="main",
    )
    return document(f"{title} · wheelhouse", style, script, Safe(_bar(found) + body), {"house": "wheelhouse diff"})


def _bar(found: Sequence[Difference]) -> Safe:
    counts = Counter(one.kind for one in found)
    tabs = [
        tag("a", kind.capitalize(), tag("span", counts[kind], class_="count"), href=f"#{_id(kind)}")
        for kind in Kind
        if counts[kind]
    ]
    return tag(
        "header",
        tag("div", tag("b", "wheelhouse"), " ", tag("span", "diff", class_="house"), class_="name"),
        tag("nav", tabs, aria_label="Kinds of change"),
        tag("input", type="search", id="search", placeholder="Search  /", aria_label="Search projects and changes"),
        tag("button", "◐", id="theme", type="button", title="Dark or light", aria_label="Dark or light"),
        class_="bar",
    )


def _id(kind: Kind) -> str:
    return kind.replace(" ", "-")


def _group(kind: Kind, found: Sequence[Difference]) -> Safe | None:
    if not found:
        return None
    head = tag("summary", tag("b", kind.capitalize()), tag("span", len(found), class_="count"))
    return tag("details", head, map(_project, found), open=True, class_="group", id=_id(kind))


def _project(one: Difference) -> Safe:
    place = f"{one.place}/" if one.place else ""
    head = tag(
        "h2",
        tag("span", one.kind, class_=f"chip {ALARMING.get(one.kind, 'note')}"),
        f" {place}{one.project} ",
        tag("span", versions_text(one), class_="muted"),
    )
    return tag("div", head, map(_file, one.files), class_="change-group")


def _file(file: Replaced) -> Safe:
    name = tag("p", tag("code", file.new.artifact.filename), class_="muted")
    return tag("div", name, map(change_row, file.changes))


def change_row(change: Change) -> Safe:
    """What a change is about; what is gone, what came."""
    what = change.topic if change.topic == change.what else f"{change.topic}, {change.what}"
    told = [*_marked("−", "gone", change.gone), *_marked("+", "came", change.came)]
    return tag("div", tag("span", what), tag("div", told), class_="change")


def _marked(sign: str, name: str, texts: Sequence[str]) -> list[Safe]:
    lines = [tag("code", f"{sign} {text}", class_=name) for text in texts[:MAX_SHOWN]]
    more = len(texts) - MAX_SHOWN
    return [*lines, tag("span", f"{sign} {more} more", class_="muted")] if more > 0 else lines
