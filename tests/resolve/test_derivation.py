"""The chains of a derivation: each link follows from the one before, and all chains can hold at once."""

from packaging.requirements import Requirement
from packaging.utils import NormalizedName
from packaging.version import Version

from wheelhouse.archive.artifact import Candidate
from wheelhouse.resolve.derivation import Derivation, Step
from wheelhouse.resolve.resolution import CandidateRelease, Dependency


def step(asker: str, line: str) -> Step:
    """A step of `name version version`, newest first, or of the user, whose text is empty."""
    requirement, (name, *texts) = Requirement(line), asker.split() or [""]
    versions = tuple(map(Version, texts))
    parent = None
    if name:
        candidate = Candidate(NormalizedName(name), versions[0], f"{name}-{versions[0]}-py3-none-any.whl", "", "")
        parent = CandidateRelease(candidate)
    dependency = Dependency(NormalizedName(requirement.name), "", requirement.specifier, "r.txt:1", parent)
    return Step(versions, dependency)


def texts(chain: tuple[Step, ...] | None) -> list[str]:
    return [
        f"{each.asker or 'user'} {' '.join(map(str, each.versions))} → {each.dependency}".replace("  ", " ")
        for each in chain or ()
    ]


def test_a_chain_has_only_the_releases_that_the_link_before_admits() -> None:
    wide, narrow = step("a 3 2 1", "lib<2"), step("", "a<3")
    assert texts(Derivation((wide, narrow), {}).chain_to(wide)) == ["user → a<3", "a 2 1 → lib<2"]


def test_chains_do_not_need_two_releases_of_one_project() -> None:
    """The shortest way to `b` is through `a 1`, but then `a 2` does not ask for `lib<2`."""
    old, new = step("b 1", "lib>=2"), step("a 2", "lib<2")
    steps = (step("", "a"), new, step("a 1", "b"), old)
    assert Derivation(steps, {}).chains_to([new, old]) is None
    assert texts(Derivation(steps, {}).chain_to(old)) == ["user → a", "a 1 → b", "b 1 → lib>=2"]
    longer = Derivation((*steps, step("a 2", "c"), step("c 1", "b")), {})
    chains = longer.chains_to([new, old])
    assert chains is not None
    assert texts(chains[1]) == ["user → a", "a 2 → c", "c 1 → b", "b 1 → lib>=2"]


def test_the_obstacle_is_what_the_most_releases_lead_to() -> None:
    steps = (step("", "app"), step("app 9", "gone"), step("app 8 7 6", "lib"), step("lib 1", "native"))
    assert Derivation(steps, {}).obstacles()[:2] == ["native", "gone"]


def test_releases_that_require_another_release_of_themselves() -> None:
    odd, sound = step("a 2 1", "a<1"), step("a 3", "a==3")
    assert Derivation((step("", "a"), odd, sound), {}).own_conflicts(NormalizedName("a")) == [odd]


def test_what_asks_for_nothing_is_the_likeliest_obstacle() -> None:
    steps = (step("", "a"), step("a 1", "b"), step("a 2 1", "c"), step("b 1", "b[x]"), step("c 1", "d"))
    assert Derivation(steps, {}).obstacles() == ["d", "b", "c", "a"]


def test_dependencies_of_a_project_on_itself_are_no_sides() -> None:
    own, other, user = step("a 1", "a==1"), step("b 1", "a"), step("", "a>0")
    derivation = Derivation((user, own, other), {})
    assert derivation.steps_on(NormalizedName("a")) == [other, user][::-1]
    assert derivation.own_conflicts(NormalizedName("a")) == []
    some = step("a 2 1", "a==1")
    assert Derivation((some,), {}).own_conflicts(NormalizedName("a")) == []


def test_a_chain_to_what_nothing_leads_to_is_the_step_alone() -> None:
    lost, user = step("a 1", "b"), step("", "c")
    derivation = Derivation((user, lost), {})
    assert derivation.chains_to([lost]) is None and derivation.chain_to(lost) == (lost,)
    assert derivation.chains_to([user]) == [(user,)] and derivation.chains_to([]) == []


def test_of_two_chains_the_one_of_the_most_releases_is_taken() -> None:
    side = step("lib 1", "gone")
    steps = (
        step("", "app"),
        step("app 1", "few"),
        step("app 3 2", "many"),
        step("few 1", "lib"),
        step("many 1", "lib"),
    )
    chain = Derivation((*steps, side), {}).chain_to(side)
    assert texts(chain) == ["user → app", "app 3 2 → many", "many 1 → lib", "lib 1 → gone"]
