"""What was computed last is kept, and no more than that."""

from concurrent.futures import ThreadPoolExecutor

import pytest

from space_core.recent import Recent


def test_the_last_results_are_made_once():
    recent, made = Recent(2), []

    def ask(key: str) -> str:
        return recent(key, lambda: made.append(key) or key.upper())

    assert [ask(key) for key in "abab"] == [*"ABAB"] and made == [*"ab"]
    # a was asked for last but one: c drives it out, not b.
    ask("c"), ask("b")
    assert made == [*"abc"]
    ask("a")
    assert made == [*"abca"]


def test_of_a_failure_nothing_is_kept():
    recent = Recent(2)
    with pytest.raises(ZeroDivisionError):
        recent("a", lambda: 1 / 0)
    assert recent("a", lambda: 7) == 7


def test_many_threads_have_what_was_made_first():
    recent = Recent(2)
    with ThreadPoolExecutor(8) as pool:
        asked = [key % 3 for key in range(3000)]
        assert list(pool.map(lambda key: recent(key, lambda: [key]), asked)) == [[k] for k in asked]
    found = recent(7, lambda: [recent(7, lambda: "inner")])
    assert found == "inner" and recent(7, lambda: "anew") == "inner"
