"""What the Anchors tab says of the benchmark: nothing that was not measured."""

import pytest

from space_core import leaderboard
from space_core.leaderboard import CHOSEN, RANDOM, SPACE, About, Leaderboard, Row
from space_core.ui.evidence import of_choice

ABOUT = About("bench", "2026-11-24", "demo", "", "", {})


def board(folder, ours: list[float], blind: list[float], chosen: list[float] = ()):
    rows = [
        Row(method, f"concept {i}", "food", 100, 0, 0, 1, 1, 1, f1, 1, 1, 0, group=group)
        for method, group, scores in (
            (SPACE, "ours", ours), (RANDOM, "control", blind), (CHOSEN, "ablation", chosen)
        )
        for i, f1 in enumerate(scores)
    ]  # fmt: skip
    leaderboard.save(folder, Leaderboard(tuple(rows), ABOUT))
    return of_choice(folder)


@pytest.mark.parametrize("blind, found", [
    ([0.80, 0.82, 0.79], "worse"), ([1.0, 0.99, 1.0], "better"),
    ([0.89, 0.97, 0.90], "no difference is shown"),
])  # fmt: skip
def test_it_says_what_was_measured(tmp_path, blind, found):
    said = board(tmp_path, 2 * [0.90, 0.92, 0.95], 2 * blind)
    assert "with all drawn by chance, 6 concepts came out" in said
    assert f" points: {found} (mean, in brackets its 95 % interval" in said
    assert "all chosen by words" not in said


def test_both_ways_are_compared_with_ours(tmp_path):
    said = board(tmp_path, 2 * [0.90, 0.92, 0.95], 2 * [1.0, 0.99, 1.0], 6 * [0.8])
    assert "with all chosen by words, 6 concepts came out -12.3 (" in said
    assert said.index("worse") < said.index("; with all drawn by chance") < said.index("better")
    pair = said.partition("all chosen against all drawn, 6 concepts came out ")[2]
    assert pair.startswith("-19.7 (-20.0 – -19.3) points: worse")


def test_a_few_concepts_that_agree_show_nothing(tmp_path):
    # Of five that agree chance brings one set in sixteen.
    said = board(tmp_path, 5 * [0.9], 5 * [0.8])
    assert "5 concepts came out -10.0 points: no difference is shown" in said


def test_where_chance_would_do_no_difference_is_shown(tmp_path):
    said = board(tmp_path, [0.9, 0.9, 0.9], [0.9, 0.8, 0.9], [0.8, 0.9, 0.9])
    assert said.partition("all chosen against all drawn")[2].count("no difference is shown") == 1


def test_it_says_nothing_where_nothing_was_measured(tmp_path):
    assert of_choice(tmp_path) == ""
    assert board(tmp_path, [0.9, 0.9], []) == ""
    assert board(tmp_path, [0.9], [0.8]) == ""
    (tmp_path / leaderboard.FILE).write_bytes(b"no parquet")
    assert of_choice(tmp_path) == ""
