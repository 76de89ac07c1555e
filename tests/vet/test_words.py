"""The words that make a source worth following, and how they are searched."""

import gc
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.support.wheels import build_wheel
from wheelhouse.vet.code import words
from wheelhouse.vet.code.follow import Source, follow
from wheelhouse.vet.code.words import NEEDLES, SeenWords
from wheelhouse.vet.facts_reader import look_inside


def test_a_needle_is_found_inside_longer_words() -> None:
    for needle in NEEDLES:
        seen = SeenWords()
        assert needle not in seen.needles(b"import nothing\n")
        for source in (b"x" + needle + b"y\n", b"import nothing\nx" + needle + b"y\n", needle):
            assert needle in seen.needles(source), needle


def test_words_that_were_forgotten_are_searched_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(words, "MAX_SEEN_WORDS", 2)
    seen = SeenWords()
    for source in (b"one two three", b"four windll", b"five", b"windll one"):
        assert seen.needles(source) == ({b"windll"} if b"windll" in source else set())


def test_a_word_is_seen_only_after_its_needles_are_kept() -> None:
    seen = SeenWords()

    class Cores(dict[bytes, bytes]):
        """Where a thread may change over: another one asks for the same word."""

        def __getitem__(self, needle: bytes) -> bytes:
            if not inner:
                inner.append(set())
                inner[0] = seen.needles(b"windll")
            return super().__getitem__(needle)

    inner: list[set[bytes]] = []
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(words, "CORES", Cores(words.CORES))
        assert seen.needles(b"windll") == {b"windll"}
    assert inner == [{b"windll"}]


def test_a_word_is_searched_once_while_it_is_remembered(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(words, "MAX_SEEN_WORDS", 2)
    learnt: list[set[bytes]] = []
    learn = words._Memory.learn
    monkeypatch.setattr(words._Memory, "learn", lambda memory, new: (learnt.append(new), learn(memory, new)))
    seen = SeenWords()
    for source in (b"one windll", b"windll one", b"windll two", b"windll"):
        seen.needles(source)
    assert learnt == [{b"one", b"windll"}, {b"two"}, {b"windll"}]


def test_a_needle_of_several_words_is_searched_by_the_longest() -> None:
    assert SeenWords().needles(b"dns") == set() and b"dns.resolver" in SeenWords().needles(b"resolver")


def test_a_source_of_very_many_words_is_searched_for_all(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(words, "MAX_WORDS", 2)
    assert SeenWords().needles(b"one two three") == set(NEEDLES)
    assert SeenWords().needles(b"one\xfftwo") == set()


def test_lines_are_in_order_and_counted_from_one() -> None:
    assert words.lines_worth_following(b"\nurlopen\n\nwindll\nwindll.urlopen\n") == [2, 4, 5, 5]
    assert words.lines_worth_following(b"windll\nwindllwindll") == [1, 2, 2]


def test_a_word_counts_only_where_its_pattern_matches() -> None:
    assert words.is_worth_following(b"windll") and not words.is_worth_following(b"x = 1\n")
    for source, lines in {
        b"def exec(x): ...\nx.exec()\nexec(x)\nexecutor": [3],
        b"executor\nexec()": [2],
        b"import os\nos.system\nsystem": [2],
        b"requests = 1\nfrom requests import get": [2],
        b"import pickle\npickle.Unpickler(x)\npickle.UnpicklingError()": [2],
    }.items():
        assert words.lines_worth_following(source) == lines, source


@pytest.mark.parametrize("is_enabled", [True, False])
def test_reading_a_file_leaves_the_garbage_collector_as_it_was(tmp_path: Path, is_enabled: bool) -> None:
    wheel = build_wheel(tmp_path, "odd", "1.0")
    try:
        (gc.enable if is_enabled else gc.disable)()
        look_inside(wheel, wheel.name)
        assert gc.isenabled() == is_enabled
    finally:
        gc.enable()


DEFINITIONS = (
    "class A:\n    pass\n",
    "class A:\n    def f(self):\n        self.g = lambda: A()\nA().f()\n",
    "def f():\n    class B:\n        pass\n    return B()\nf()\n",
    "def f():\n    g = lambda: g\n    return g\nf()\n",
    "def f():\n    def g():\n        return g\n    return g\nf()\n",
    "class A:\n    class B:\n        pass\n    b = B()\na = A().b\n",
    "x = [lambda: x]\ny = [lambda: y for _ in (1, 2)]\n",
)
"""Code in which scopes, functions and classes refer to each other."""


def test_a_tree_that_was_followed_is_freed_without_the_garbage_collector() -> None:
    for code in DEFINITIONS:
        source = Source(
            "odd/__init__.py", "odd", f"import subprocess\n{code}subprocess.run(['x'])\n".encode(), runs=True
        )
        with _what_only_the_collector_frees() as left:
            assert follow([source])
        assert not [each for each in left if type(each).__module__.startswith(("wheelhouse.vet.code.", "ast"))], code


@contextmanager
def _what_only_the_collector_frees() -> Iterator[list[object]]:
    """A list that holds, after the block, each new object that only the garbage collector freed, of all threads."""
    left: list[object] = []
    gc.disable()
    gc.freeze()
    gc.set_debug(gc.DEBUG_SAVEALL)
    try:
        yield left
        gc.collect()
        left.extend(gc.garbage)
    finally:
        gc.set_debug(0)
        gc.garbage.clear()
        gc.unfreeze()
        gc.enable()
