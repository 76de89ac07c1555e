"""Names that look like another name: by letters, by one slip, by the order of their parts; and names that do not."""

from itertools import product

from wheelhouse.vet.lookalike_names import (
    ascii_lookalike,
    differ_in_digits,
    letters_alike,
    looks_like,
    one_slip,
    slips_of,
)

PAIRS = {
    ("flask", "f1ask"): True,
    ("flask", "fiask"): True,
    ("robot", "r0b0t"): True,
    ("assess", "a55ess"): True,
    ("numpy", "num-py"): True,
    ("abc-def-ghi", "abcdefg-hi"): True,
    ("ab-cd-ef", "ef-ab-cd"): True,
    ("ab-cd-ef", "ef-ab-ce"): False,
    ("numpy", "numyp"): True,
    ("numpy", "nump"): False,
    ("flask", "flasks"): True,
    ("flask", "flaskss"): False,
    ("flask", "flusk"): True,
    ("flask", "flusl"): False,
    ("boto3", "boto4"): False,
    ("boto3", "botoo3"): True,
    ("cuda12", "cuda"): False,
    ("robot", "robot2"): False,
    ("robot-one", "robot1one"): True,
    ("alb-c", "a1b-c"): True,
    ("sixes", "six"): False,
}


def test_names_look_alike_in_both_orders() -> None:
    assert {pair: looks_like(*pair) for pair in PAIRS} == PAIRS
    assert {(other, name): looks_like(name, other) for other, name in PAIRS} == PAIRS
    assert not looks_like("flask", "flask") and not looks_like("ab-cd", "ab-cd")


def test_names_that_differ_in_digits_alone() -> None:
    pairs = {
        ("boto", "boto3"): True,
        ("boto2", "boto3"): True,
        ("lib12-x", "lib-x3"): True,
        ("boto", "botos"): False,
        ("boto3", "botos3"): False,
        ("a1-b", "a-1b"): False,
        ("boto", "boto"): False,
    }
    assert {pair: differ_in_digits(*pair) for pair in pairs} == pairs
    assert {(other, name): differ_in_digits(name, other) for other, name in pairs} == pairs


def test_a_slip_adds_leaves_out_changes_or_exchanges_one_letter() -> None:
    pairs = {("abc", "abc"): True, ("abc", "abxc"): True, ("abc", "xabc"): True, ("abc", "abcx"): True}
    pairs |= {("abc", "ac"): True, ("abc", "xbc"): True, ("abc", "abx"): True, ("abc", "bac"): True}
    pairs |= {("abc", "acb"): True, ("abcd", "badc"): False, ("abc", "cba"): False, ("abc", "a"): False}
    pairs |= {("abc", "axcx"): False, ("abcd", "abdcx"): False, ("abc", "abcxx"): False, ("abcd", "bacx"): False}
    assert {pair: one_slip(*pair) for pair in pairs} == pairs
    names = ["".join(letters) for length in range(1, 6) for letters in product("ab", repeat=length)]
    slips = {name: {*slips_of(name)} for name in names}
    for name, other in product(names, names):
        assert one_slip(name, other) is (other in slips[name]), (name, other)


def test_slips_have_letters_digits_and_hyphens() -> None:
    letters = "abcdefghijklmnopqrstuvwxyz0123456789-"
    assert {*slips_of("a")} == {"", *letters, *(f"a{one}" for one in letters), *(f"{one}a" for one in letters)}


def test_letters_that_look_alike_become_one() -> None:
    names = {"rn-vv": "mw", "b0-1i-5": "bolls", "burnvvord": "bumword", "a-b": "ab", "vnr": "vnr"}
    assert {name: letters_alike(name) for name in names} == names


def test_letters_of_other_alphabets_are_read_in_lower_case() -> None:
    names = {"RЕQUESTS": "requests", "Ѕix": "six", "REQUESTS": None, "модуль": None, "": None, "é": None}
    assert {name: ascii_lookalike(name) for name in names} == names
