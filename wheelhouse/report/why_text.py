"""Why a file is in a wheelhouse, or is not, in sentences (pure)."""

from collections.abc import Iterable, Mapping
from dataclasses import fields

from wheelhouse.archive.reason_text import reason_text
from wheelhouse.archive.reasons import Reason
from wheelhouse.lock.why import (
    Alternative,
    BestFit,
    BuiltFrom,
    Constrained,
    ConstraintExcludes,
    DependentExcludes,
    Fact,
    LowerRank,
    NewSinceLock,
    NoFileFits,
    NotOnIndex,
    NotRequestedPrerelease,
    NotRequired,
    NoWheel,
    Older,
    OtherChosen,
    RequirementExcludes,
    SameRank,
    Unusable,
    WheelPreferred,
)

SENTENCES: Mapping[type[Fact], str] = {
    NotRequired: "nothing requires {project} on {target}",
    BestFit: "it is the file of {project} {version} that fits best",
    Constrained: "its version is fixed by the constraint {constraint}",
    Alternative: "not {filename}: {reason}",
    NoWheel: "it is an sdist: {why}",
    OtherChosen: "{filename} was chosen",
    Unusable: "{subject}: {reason}",
    WheelPreferred: "{filename} is an sdist, but there is a wheel that fits",
    LowerRank: "{filename} fits too, but less well: its best tag is number {rank} in the tags of the target, "
    "and the best tag of the chosen file is number {chosen_rank}",
    SameRank: "{filename} fits as well as the chosen file; the {decided_by} decides",
    BuiltFrom: "the chosen wheel was built from {filename}",
    NotOnIndex: "{filename} was not on the index when the lock file was made",
    ConstraintExcludes: "the constraint {constraint} excludes {version}",
    RequirementExcludes: "the requirement {requirement} excludes {version}",
    DependentExcludes: "{dependent} requires {requirement}, which excludes {version}",
    NoFileFits: "no file of {version} fits {target}",
    NotRequestedPrerelease: "{version} is a pre-release, and pre-releases were not requested",
    Older: "{version} is older than {chosen}, and {chosen} is allowed",
    NewSinceLock: "when the lock file was made, {version} was not published or not allowed yet{late}; "
    "`--upgrade-project {project}` takes it",
}


def fact_lines(facts: Iterable[Fact]) -> list[str]:
    """A sentence for each fact."""
    return [_sentence(fact) for fact in facts]


def _sentence(fact: Fact) -> str:
    """The sentence of a fact: its fields in the template of its kind."""
    values = {field.name: getattr(fact, field.name) for field in fields(fact)}
    if isinstance(reason := values.get("reason"), Reason):
        values["reason"] = reason_text(reason)
    if isinstance(fact, NewSinceLock):
        values["late"] = f", or was uploaded after the limit {fact.limit:%Y-%m-%d}" if fact.limit else ""
    return SENTENCES[type(fact)].format(**values)
