"""Which rules report which kinds of behaviour, by how they are reached; and how a rule sums up the behaviours of a member."""

from tests.support.made_facts import made, observations
from wheelhouse.findings import Observation, observed
from wheelhouse.vet.code.behaviour import Behaviour
from wheelhouse.vet.vet import RULES

KINDS: dict[str, tuple[str, str, str]] = {
    "decoded-code": ("import-runs-decoded", "code-runs-hidden", "tests-can-act"),
    "loads-decoded": ("import-runs-decoded", "code-can-act", "tests-can-act"),
    "fetched-code": ("import-runs-fetched", "code-runs-hidden", "tests-can-act"),
    "drops": ("import-drops-program", "code-can-act", "tests-can-act"),
    "sends": ("import-sends-data", "code-can-act", "tests-can-act"),
    "secrets": ("import-reads-secrets", "code-touches-secrets", "tests-can-act"),
    "metadata": ("import-reads-secrets", "", ""),
    "startup": ("import-writes-startup", "code-touches-secrets", "tests-can-act"),
    "tool-settings": ("import-writes-startup", "code-can-act", "tests-can-act"),
    "watches": ("import-watches-user", "code-can-act", "tests-can-act"),
    "injects": ("import-injects-code", "code-can-act", "tests-can-act"),
    "command": ("import-runs-command", "code-can-act", "tests-can-act"),
    "asks": ("import-runs-command", "code-can-act", "tests-can-act"),
    "hostile": ("import-runs-command", "code-is-hostile", "tests-can-act"),
    "patches": ("import-patches", "code-can-act", "tests-can-act"),
    "process": ("import-starts-program", "", ""),
    "installs": ("import-starts-program", "", ""),
    "network": ("import-uses-network", "", ""),
    "sends-file": ("import-uses-network", "", ""),
    "hidden-name": ("code-hides-names", "code-hides-names", "tests-can-act"),
    "hidden-text": ("code-hides-names", "code-hides-names", "tests-can-act"),
    "protected-code": ("code-protected", "code-protected", "code-protected"),
    "encoded-text": ("code-protected", "code-protected", "code-protected"),
    "address": ("code-shady-address", "code-shady-address", "tests-can-act"),
    "service-address": ("code-shady-address", "code-shady-address", "tests-can-act"),
    "hidden-by-blanks": ("source-hides-code", "source-hides-code", ""),
    "lookalike-name": ("source-hides-code", "source-hides-code", ""),
    "bidi": ("source-hides-code", "source-hides-code", ""),
    "encoded-source": ("source-hides-code", "source-hides-code", ""),
    "invisible": ("source-invisible", "source-invisible", "source-invisible"),
    "install-command": ("setup-replaces-install", "setup-replaces-install", "setup-replaces-install"),
    "unparsed": ("source-unparsed", "source-unparsed", "source-unparsed"),
    "unfollowed": ("source-unfollowed", "source-unfollowed", "source-unfollowed"),
    "dynamic": ("", "", ""),
}
"""By kind: the rule that reports it at import, if called, and in tests."""
WITHOUT_LINES = ("source-unparsed", "source-unfollowed")
GROUP = [name for name, one in RULES.items() if one.group == "importing"]


def found(*behaviours: Behaviour) -> dict[str, list[Observation]]:
    """What each rule about imports observes, of those that observe something."""
    odd = made("odd", behaviours=behaviours)
    return {rule: result for rule in GROUP if (result := observations(rule, odd))}


def test_each_kind_is_reported_by_one_rule_for_each_way_to_reach_it() -> None:
    for kind, reported in KINDS.items():
        for reach, rule in zip(("import", "called", "tests"), reported, strict=True):
            result = observed(path="a.py", does=("`x`",))
            result = result if rule in WITHOUT_LINES else result.with_context(lines=("7",))
            result = result.as_note() if kind == "service-address" and rule == "code-shady-address" else result
            assert found(Behaviour(kind, "a.py", 7, "`x`", reach)) == ({rule: [result]} if rule else {}), (kind, reach)
    assert {rule for reported in KINDS.values() for rule in reported} - {""} | {"code-profiles-machine"} == {*GROUP}


def test_a_member_is_reported_once_with_all_that_it_does_in_order() -> None:
    lines = (("b.py", 10, "`y`"), ("b.py", 9, "`x`"), ("b.py", 2, "`y`"), ("b.py", 2, "`x`"), ("a.py", 1, "`z`"))
    behaviours = [Behaviour("sends", *one) for one in lines]
    more = (Behaviour("sends", "b.py", 1, "`t`", "tests"), Behaviour("drops", "b.py", 1, "`u`"))
    assert found(*behaviours, *more)["import-sends-data"] == [
        observed(path="a.py", does=("`z`",)).with_context(lines=("1",)),
        observed(path="b.py", does=("`x`", "`y`")).with_context(lines=("2", "9", "10")),
    ]


def test_several_questions_to_the_machine_make_a_profile() -> None:
    rule = "code-profiles-machine"
    one, again, two = (
        Behaviour("asks", "a.py", at, what, "called") for at, what in ((1, "who"), (2, "who"), (3, "ip"))
    )
    elsewhere = Behaviour("asks", "b.py", 3, "`ip`", "called")
    assert rule not in found(one, again, elsewhere)
    assert found(one, two)[rule] == [observed(path="a.py", does=("ip", "who")).with_context(lines=("1", "3"))]


ACTS = (
    *("network", "sends", "sends-file", "fetched-code", "drops", "decoded-code", "loads-decoded", "process", "command"),
    *("hidden-name", "hidden-text", "secrets", "watches", "install-command"),
)


def test_an_address_of_a_service_counts_if_the_file_acts_at_import() -> None:
    address = Behaviour("service-address", "a.py", 7, "`x`", "called")
    weighty = observed(path="a.py", does=("`x`",)).with_context(lines=("7",))
    for kind in KINDS:
        for reach in ("import", "called", "tests"):
            acts = kind in ACTS and reach == "import"
            result = found(address, Behaviour(kind, "b.py", 1, "`y`", reach))["code-shady-address"]
            assert (weighty if acts else weighty.as_note()) in result, (kind, reach)
