"""The rules about names that look like another name."""

from packaging.utils import NormalizedName

from tests.support.made_facts import made, observations
from wheelhouse.findings import observed
from wheelhouse.vet.known_projects import KnownProjects

POPULAR = ("requests", "numpy", "attrs", "cattrs", "flask-cors", "module-of")
KNOWN = KnownProjects(
    tuple(
        map(NormalizedName, (*POPULAR, *(f"filler{'x' * (n % 7)}{n}" for n in range(994)), "werkzeug", "littleknown"))
    )
)
"""A thousand popular projects, and two others."""


def test_a_name_is_compared_with_each_name_of_the_policy() -> None:
    lookalikes = ("requests", "request-s", "numpy")
    told = [observed(other="request-s"), observed(other="requests")]
    assert observations("lookalike", made("reqests"), lookalikes=lookalikes) == told[1:]
    assert observations("lookalike", made("request--s"), lookalikes=lookalikes) == []
    assert observations("lookalike", made("requests"), lookalikes=("reqeusts",)) == [observed(other="reqeusts")]
    assert observations("lookalike", made("requests"), lookalikes=("requests", "reqeusts")) == []
    assert observations("lookalike", made("re-quests"), lookalikes=lookalikes) == told


def test_a_name_imitates_a_popular_project_or_another_known_one() -> None:
    for name, (rule, other, how) in {
        "reqests": ("lookalike-popular", "requests", "slip"),
        "python-numpy": ("lookalike-popular", "numpy", "affix"),
        "werkzeugg": ("lookalike-known", "werkzeug", "slip"),
    }.items():
        for each in ("lookalike-popular", "lookalike-known"):
            told = [observed(other=other, how=how)] if each == rule else []
            assert observations(each, made(name), known=KNOWN) == told, (each, name)
            assert observations(each, made(name), known=KNOWN, lookalikes=(other,)) == [], (each, name)
    for name in ("odd", "requests", "littleknown"):
        for each in ("lookalike-popular", "lookalike-known"):
            assert observations(each, made(name), known=KNOWN) == [], (each, name)


MODULES: dict[str, tuple[tuple[str, ...], tuple[str, ...]]] = {
    "odd": (("requests.py", "numpy/__init__.py", "attrs.so", "werkzeug.py", "odd.py"), ("attrs", "numpy", "requests")),
    "two": (("requests/a.py",), ()),
    "numpy": (("requests.py",), ()),
    "littleknown": (("requests.py",), ()),
    "three": (("Flask_Cors.py", "module_of.py"), ("Flask_Cors", "module_of")),
}


def test_a_little_known_project_takes_the_module_of_a_popular_one() -> None:
    for name, (paths, modules) in MODULES.items():
        told = [observed(modules=modules)] if modules else []
        assert observations("module-of-another", made(name, *paths), known=KNOWN) == told, name


def test_letters_of_another_alphabet_are_told_with_what_they_are_read_as() -> None:
    points = "[console_scripts]\nc\u0443rl = odd:main\n"
    odd = made("odd", "o\u0455.py", "r\u0435quests/__init__.py", texts={"odd-1.0.dist-info/entry_points.txt": points})
    told = observed(names=("c\u0443rl", "o\u0455", "r\u0435quests"), read_as=("cyrl", "os", "requests"))
    assert observations("homoglyphs", odd) == [told]
    assert observations("homoglyphs", made("odd", "os.py", "curl.so")) == []


ALPHABETS: dict[tuple[str, str], str] = {
    ("\u0430\u0455\u0442", "odd"): "ast",
    ("\u0430\u0440\u0435", "odd"): "",
    ("\u0430\u0440\u0435", "ape"): "ape",
    ("\u0430\u0440_\u0430", "ap-a"): "ap_a",
    ("\u0430\u0440\u04351", "odd"): "",
    ("\u0430\u0440\u0435_", "odd"): "",
    ("\u0430\u0440\u0435x", "odd"): "apex",
    ("d\u00e9j\u00e0", "deja"): "",
}
"""By the name of a module, and a known project: what the name is read as, if it is told."""


def test_a_name_in_one_other_alphabet_is_told_if_it_reads_like_a_known_one() -> None:
    for (name, project), plain in ALPHABETS.items():
        told = [observed(names=(name,), read_as=(plain,))] if plain else []
        known = KnownProjects((NormalizedName(project),))
        assert observations("homoglyphs", made("odd", f"{name}.py"), known=known) == told, ascii(name)


def test_two_names_of_a_wheelhouse_look_alike_and_the_less_needed_one_is_told() -> None:
    rule = "lookalike-inside"
    one, two = made("oddname"), made("oddnmae")
    assert observations(rule, one, two) == [observed(other="oddnmae")]
    assert observations(rule, two, one) == [observed(other="oddname")]
    needs_one, needs_both = made("a", needs=("oddname>=1",)), made("b", needs=("oddname", "oddnmae[x]"))
    assert observations(rule, one, two, needs_one, needs_both) == []
    assert observations(rule, two, one, needs_one, needs_both) == [observed(other="oddname")]
    assert observations(rule, one, two, needs_both) == [observed(other="oddnmae")]
    assert observations(rule, one, made("oddname"), made("other")) == []
    assert observations(rule, one, two, made("oddnam")) == [observed(other="oddnam"), observed(other="oddnmae")]


def test_what_is_needed_counts_however_a_lock_file_spells_it() -> None:
    one, two = made("odd-name"), made("odd-nmae")
    assert observations("lookalike-inside", one, two, made("a", needs=("Odd_Name>=1",))) == []
    assert observations("lookalike-inside", two, one, made("a", needs=("Odd_Name>=1",))) == [observed(other="odd-name")]


def test_names_that_are_both_known_are_no_imitation() -> None:
    rule = "lookalike-inside"
    assert observations(rule, made("attrs"), made("cattrs"), known=KNOWN) == []
    both = KnownProjects((NormalizedName("attrs"), NormalizedName("cattrs")))
    assert observations(rule, made("attrs"), made("cattrs"), known=both) == []
    assert observations(rule, made("attrs"), made("cattrs")) == [observed(other="cattrs")]
    assert observations(rule, made("attrz"), made("attrs"), known=KNOWN) == [observed(other="attrs")]
    assert observations(rule, made("attrs"), made("attrz"), known=KNOWN) == [observed(other="attrz")]
