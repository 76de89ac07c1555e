"""What an expression may stand for: its words, where it comes from, and the scope of a name."""

import ast

import pytest

from wheelhouse.vet.code import computed_values, values
from wheelhouse.vet.code.computed_values import computed, element_of, elements_of, environment_variable
from wheelhouse.vet.code.values import GAP, MISSING, NOTHING, Class, Constant, Origin, Scope, Value, origins_of

READ, FETCHED = Origin("read", "open"), Origin("fetched", "urlopen")


def known(constant: Constant, *origins: Origin) -> Value:
    return Value(constant=constant, origins=frozenset(origins))


def decoded(how: str) -> frozenset[Origin]:
    return frozenset((Origin("decoded", how),))


def test_the_words_of_a_value_are_its_known_text() -> None:
    number, unknown = known(7), Value()
    for name, value, words in (
        ("a text", Value(constant="exec", text="other"), "exec"),
        ("bytes", known(b"ex\xe9c"), "ex\xe9c"),
        ("long bytes", known(b"x" * 70_000), "x" * 65_536),
        ("a number", number, ""),
        ("items", Value(items=(known("a"), number, Value(text="b"), unknown), text="other"), f"a {GAP} b {GAP}"),
        ("no item", Value(items=(), text="other"), ""),
        ("many items", Value(items=(known("a"),) * 70), " ".join("a" * 64)),
        ("a text with gaps", Value(text=f"a{GAP}", name="sys.executable"), f"a{GAP}"),
        ("Python", Value(name="sys.executable"), "sys.executable"),
        ("this file", Value(name="__file__"), "__file__"),
        ("another name", Value(name="os.sep"), ""),
        ("nothing", unknown, ""),
    ):
        assert value.words == words, name


def test_the_first_origin_of_a_kind_is_told() -> None:
    value = known(1, Origin("read", "b"), Origin("read", "c"), Origin("fetched", "a"))
    assert (value.how("read"), value.how("fetched"), value.how("host")) == ("b", "a", "")


def test_the_origins_of_values_are_together() -> None:
    assert origins_of((known(1, READ), Value(), known(2, FETCHED))) == {READ, FETCHED}
    assert origins_of((Value(), Value())) == NOTHING == origins_of(())


def test_a_name_is_of_the_nearest_scope_that_binds_it() -> None:
    module = Scope()
    function = Scope(module)
    module.names, function.names = {"x": known(1), "y": known(2)}, {"x": known(3)}
    got = [getattr(scope.get(name), "constant", None) for scope in (function, module) for name in ("x", "y", "z")]
    assert got == [3, 2, None, 1, 2, None]
    assert (
        Scope.__slots__ == ("around", "made", "names", "outer")
        and Value().is_spelled
        and not (Value().text or Value().name)
    )


def test_only_the_class_body_itself_sees_its_names() -> None:
    module = Scope()
    body = Scope(module)
    body.made = Class(ast.ClassDef("A", [], [], [], []), body)
    inner, method = Scope(body), Scope(body)
    inner.made = body.made
    module.names, body.names = {"x": known(1), "y": known(2)}, {"x": known(3), "z": known(4)}
    for name, scope in {"a class in it": inner, "a method": method, "a function of a method": Scope(method)}.items():
        assert [getattr(scope.get(one), "constant", None) for one in "xyz"] == [1, 2, None], name
    assert [getattr(body.get(one), "constant", None) for one in "xyz"] == [3, 2, 4]


def test_a_declared_name_is_of_the_scope_that_is_declared_for_it() -> None:
    module = Scope()
    outer = Scope(module)
    inner = Scope(outer)
    module.names, outer.names, inner.names = {"x": known(1)}, {"x": known(2), "y": known(3)}, {"z": known(4)}
    inner.outer = dict.fromkeys("xy", module)
    for scope in (inner, Scope(inner)):
        assert [getattr(scope.get(one), "constant", None) for one in "xyz"] == [1, None, 4]


def test_the_elements_of_a_sequence_are_known_if_it_is(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(computed_values, "MAX_PIECES", 3)
    items = (known(1), Value())
    assert elements_of(Value(items=items)) is items and elements_of(Value(items=())) == ()
    assert elements_of(Value(text="ab")) is elements_of(known(12)) is None
    for constant, elements in {"abcdef": ["a", "b", "c", "d"], b"ab": [97, 98]}.items():
        found = elements_of(known(constant, READ))
        assert found is not None
        assert [(one.constant, one.origins) for one in found] == [(one, {READ}) for one in elements]


def test_any_element_is_the_first_or_has_the_origins_of_all() -> None:
    items = (known("a"), known("b"))
    assert element_of(Value(items=items, origins=frozenset((READ,)))) is items[0]
    for empty in (Value(items=(), origins=frozenset((READ,))), known("ab", READ)):
        assert (element_of(empty).constant, element_of(empty).origins) == (MISSING, {READ})


def test_variables_of_the_environment_are_told_by_their_names() -> None:
    for kind, names in {
        "secret": ("AWS_SECRET_ACCESS_KEY", "GITHUB_TOKEN", "DB_PASSWORD", "MY_AWS_ACCESS_KEY_ID"),
        "host": ("COMPUTERNAME", "USERNAME", "USER", "LOGNAME", "HOSTNAME", "USERDOMAIN"),
        "variable": ("PATH", "XHOME", "EDITOR"),
    }.items():
        for name in names:
            value = environment_variable(name)
            assert value.origins == {Origin(kind, f"os.environ['{name}']")}, name
            assert (value.words, value.name) == ("", ""), name
    for name, words in {
        **dict.fromkeys(("HOME", "USERPROFILE"), "~"),
        **{name: f"%{name}%" for name in ("APPDATA", "LOCALAPPDATA", "TEMP", "TMP", "PROGRAMDATA")},
    }.items():
        value = environment_variable(name)
        assert (value.words, value.origins) == (words, NOTHING), name
    assert environment_variable("HOME").name == "~" and environment_variable("TEMP").name == ""


HIDDEN = known("rkrp", READ)
FUNCTIONS: dict[str, tuple[str, tuple[Value, ...], Constant, frozenset[Origin]]] = {
    "a decoder": ("base64.b64decode", (known("eA==", READ),), b"x", decoded("base64.b64decode") | {READ}),
    "a character": ("builtins.chr", (known(120, READ),), "x", decoded("chr") | {READ}),
    "a number of a character": ("builtins.ord", (known("x", READ),), 120, frozenset((READ,))),
    "bytes of numbers": ("builtins.bytes", (Value(items=(known(120),)),), b"x", decoded("bytes of numbers")),
    "a bytearray": ("builtins.bytearray", (Value(items=(known(120),)),), b"x", decoded("bytes of numbers")),
    "bytes of a text": ("builtins.bytes", (known("x"), known("utf-8")), b"x", NOTHING),
    "a number of items": ("builtins.len", (Value(items=(known(120),)),), 1, NOTHING),
    "decoded by codecs": ("codecs.decode", (HIDDEN, known("rot13")), "exec", decoded("codecs.decode") | {READ}),
    "encoded by codecs": ("codecs.encode", (known("exec"), known("rot13")), "rkrp", NOTHING),
}


def test_a_computed_value_has_the_origins_of_its_arguments_and_of_the_decoder() -> None:
    for name, (function, arguments, constant, origins) in FUNCTIONS.items():
        value = computed(function, Value(), arguments, {})
        assert value is not None
        assert (value.constant, value.origins) == (constant, origins), name


def test_what_is_turned_around_is_decoded_only_if_it_is_a_text() -> None:
    for argument, origins in ((known("cexe"), decoded("reversed")), (Value(items=(known(1),)), NOTHING)):
        value = computed("builtins.reversed", Value(), (argument,), {})
        assert value is not None and value.items
        assert value.origins == origins


METHODS: dict[str, tuple[Value, str, tuple[Value, ...], Constant, str, frozenset[Origin]]] = {
    "a method": (known("EXEC", READ), "lower", (), "exec", "exec", frozenset((READ,))),
    "a method of bytes": (known(b"EXEC"), "lower", (), b"exec", "exec", NOTHING),
    "an argument's origin": (known("a"), "strip", (known("b", READ),), "a", "a", frozenset((READ,))),
    "a hiding codec": (HIDDEN, "decode", (known("rot13"),), "exec", "exec", decoded(".decode('rot13')") | {READ}),
    "a plain codec": (known(b"exec"), "decode", (known("utf-8"),), "exec", "exec", NOTHING),
    "a codec with a longer name": (known(b"a"), "decode", (known("utf-7x"),), None, "", NOTHING),
    "no codec": (known(b"exec"), "decode", (), "exec", "exec", NOTHING),
    "a codec for encoding": (known("exec"), "encode", (known("rot13"),), "rkrp", "rkrp", NOTHING),
    "a hiding codec that is not computed": (
        *(known(b"exec"), "decode", (known("zlib"),), MISSING, "", decoded(".decode('zlib')")),
    ),
    "joined": (known("-"), "join", (Value(items=(known("a"), known("b"))),), "a-b", "a-b", NOTHING),
    "joined, half known": (
        *(known("-"), "join", (Value(items=(known("a"), Value(), known("b"))),), MISSING, f"a-{GAP}-b", NOTHING),
    ),
    "joined bytes, half known": (known(b"-"), "join", (Value(items=(known(b"a"), Value())),), MISSING, "", NOTHING),
    "joined, not known": (known("-"), "join", (Value(origins=frozenset((READ,))),), MISSING, "", frozenset((READ,))),
    "joined, nothing": (known("-"), "join", (), MISSING, "", NOTHING),
    "a form": (known("{}-{}"), "format", (known("a"), known("b")), "a-b", "a-b", NOTHING),
    "a form, half known": (known("{}-{}"), "format", (Value(), known("b")), MISSING, f"{GAP}-b", NOTHING),
    "a form of items, half known": (
        *(known("{}-{}"), "format", (Value(items=(known("a"), Value())), known("b")), MISSING, f"a {GAP}-b", NOTHING),
    ),
    "a form with few arguments": (known("{}{}"), "format", (Value(),), MISSING, f"{GAP}{{}}", NOTHING),
    "joined with what a form would have": (
        known("{}"),
        "join",
        (Value(items=(Value(),) * 2),),
        MISSING,
        "…{}…",
        NOTHING,
    ),
    "a form of bytes": (known(b"{}"), "format", (known("a"),), MISSING, "", NOTHING),
    "a long form": (known("{}" * 9), "format", (Value(),) * 9, MISSING, GAP * 8 + "{}", NOTHING),
}


def test_methods_of_a_constant_are_computed_or_give_a_text_with_gaps() -> None:
    for name, (receiver, method, arguments, constant, words, origins) in METHODS.items():
        value = computed(f"'x'.y.{method}", receiver, arguments, {})
        if constant is None:
            assert value is None, name
        else:
            assert value is not None, name
            assert (value.constant, value.words, value.origins) == (constant, words, origins), name


KEYWORDS: dict[str, tuple[Value, str, dict[str, Value], Constant, str, frozenset[Origin]]] = {
    "a plain codec": (known(b"\xe9"), "decode", {"encoding": known("latin-1")}, "\xe9", "\xe9", NOTHING),
    "a hiding codec": (
        known(b"rkrp"),
        "decode",
        {"encoding": known("rot13")},
        "exec",
        "exec",
        decoded(".decode('rot13')"),
    ),
    "how errors are met": (known(b"exec"), "decode", {"errors": known("hex")}, "exec", "exec", NOTHING),
    "a form": (known("{a}"), "format", {"a": known("b", READ)}, "b", "b", frozenset((READ,))),
    "a form, half known": (
        *(known("{b}-{a}"), "format", {"a": Value(origins=frozenset((READ,))), "b": known("c")}),
        *(MISSING, f"c-{GAP}", frozenset((READ,))),
    ),
}


def test_arguments_may_be_keywords() -> None:
    for name, (receiver, method, keywords, constant, words, origins) in KEYWORDS.items():
        value = computed(f"'x'.{method}", receiver, (), keywords)
        assert value is not None, name
        assert (value.constant, value.words, value.origins) == (constant, words, origins), name


def test_words_of_nested_items_are_joined_up_to_a_number() -> None:
    value = Value(items=(known("a"), Value(items=(known("b"), Value()))))
    assert value.words == f"a b {GAP}"
    assert Value(items=(known("a"), Value(items=()))).words == f"a {GAP}"
    for _ in range(40):
        value = Value(items=(value, value))
    assert len(value.words.split()) == values.MAX_PIECES


def test_keywords_of_functions_count() -> None:
    for name, argument, keywords, constant in (
        ("builtins.int", "11", {"base": known(2)}, 3),
        ("builtins.str", b"os", {"encoding": known("utf-8")}, "os"),
        ("builtins.bytes", "os", {"encoding": known("utf-16-le")}, b"o\0s\0"),
        ("codecs.decode", b"6f73", {"encoding": known("hex")}, b"os"),
        ("codecs.encode", "os", {"encoding": known("rot13")}, "bf"),
        ("base64.b64decode", b"-_-_", {"altchars": known(b"-_")}, b"\xfb\xff\xbf"),
    ):
        value = computed(name, Value(), (known(argument),), keywords)
        assert value is not None and value.constant == constant, name
        assert computed(name, Value(), (known(argument),), dict.fromkeys(keywords, Value())) is None, name
        assert computed(name, Value(), (known(argument),), {"odd": known(1)}) is None, name


def test_other_calls_are_not_computed() -> None:
    for name, receiver, arguments in (
        ("os.system", Value(), (known("id"),)),
        ("x.join", Value(), (Value(items=(known("a"),)),)),
        ("x.decode", known(7), (known("rot13"),)),
        ("x.center", known("a"), (known(9),)),
        ("x.decode", known(b"a"), (known(7),)),
        ("x.replace", known("rot13"), (known("rot13"),)),
    ):
        assert computed(name, receiver, arguments, {}) is None, name


def test_a_text_with_gaps_is_cut(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(computed_values, "MAX_PIECES", 5)
    value = computed("x.join", known("-"), (Value(items=(Value(),) * 5),), {})
    assert value is not None and value.text == f"{GAP}-{GAP}-{GAP}"
