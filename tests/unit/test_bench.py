"""The suite: scores that mean what they say, tables that agree with them, runs that go on."""

import csv
import math
from dataclasses import replace

import pytest

from space_core import evaluate
from space_core.bench import board, tables
from space_core.bench.board import Suite
from space_core.bench.score import Row, above_chance, generality, harmonic, row_of
from space_core.settings import Settings
from space_core.types import Outcome

TRAINED = ("Noto",)
GROUPS = {"space": "ours", "ga": "data-dependent", "no keep": "ablation"}


def outcome(group: str, kind: str, after: bool, *, artist: str = "Noto", before: bool = True):
    if group == "target":
        verdict = evaluate.STILL if after else evaluate.GENERAL
    else:
        verdict = evaluate.KEPT if after else evaluate.LOST
    return Outcome(
        group, kind, "lemon", "1.0", artist, 0.5, "?", "!", "", "", before, after, verdict
    )


def row(method: str, target: str, fa: float = 0.1, seconds: float = 10.0) -> Row:
    return Row(
        method, target, "food", 100, fa, 0.2, 0.9, 0.8, 0.85, harmonic(1 - fa, 0.8), 1.0, 1.0, 0.0,
        seconds=seconds,
    )  # fmt: skip


def test_what_is_left_counts_every_kind_of_question_alike():
    asked = [outcome("target", "name", False, artist="Held out") for _ in range(10)]
    asked += [outcome("target", "name", True) for _ in range(50)]
    asked += [outcome("target", "name-de", True), outcome("target", "name-fr", False)]
    asked += [outcome("target", "yes-no", True), outcome("target", "other-yes-no", True)]
    asked += [outcome("target", "choice", False)]
    assert generality(asked, TRAINED) == pytest.approx((0 + 0.5 + 1 + 0) / 4)


def test_a_model_that_always_says_yes_or_always_no_knows_nothing():
    for yes in (True, False):
        asked = [outcome("target", "yes-no", yes), outcome("target", "other-yes-no", not yes)]
        assert generality(asked, TRAINED) == 0.0


def test_chance_is_zero_and_certainty_one():
    assert [above_chance(x, 0.25) for x in (0.1, 0.25, 1.0)] == [0.0, 0.0, 1.0]
    assert harmonic(0.0, 0.0) == 0.0 and harmonic(1.0, 0.5) == pytest.approx(2 / 3)


def test_a_row_counts_only_what_was_right_before():
    asked = [outcome("target", "name", True), outcome("target", "name", False)]
    asked += [outcome("target", "name", True, before=False)] * 5
    asked += [outcome("near", "name", True), outcome("near", "yes-no", False)]
    asked += [outcome("far", "name", False), outcome("skill", "text-category", True)]
    found = row_of("space", "lemon", "food", asked, TRAINED)
    assert (found.n, found.fa, found.ra, found.proximal_ra) == (2, 0.5, 0.0, 1.0)
    assert found.proximal_all == 0.5 and found.text_ra == 1.0
    assert found.grf_f1 == pytest.approx(harmonic(0.5, 1.0))
    assert math.isnan(found.gap)


def test_tables_agree_with_the_rows(tmp_path):
    rows = [row("space", "lemon", 0.0), row("space", "bus", 0.2), row("ga", "lemon", 0.5, 20.0)]
    rows.append(row("no keep", "lemon"))
    text = tables.write(tmp_path, rows, GROUPS)
    with (tmp_path / "leaderboard.csv").open() as file:
        lines = list(csv.DictReader(file))
    assert tuple(lines[0]) == tables.COLUMNS
    assert [one["method"] for one in lines] == ["space", "space", "ga"]
    assert lines[2]["seconds_ratio"] == "2.0000" and lines[2]["gap"] == "nan"
    assert "no keep" in (tmp_path / "ablation.csv").read_text()
    assert "| space | ours | 2 | 10.0% (0.0% – 20.0%)" in text
    page = (tmp_path / "leaderboard.html").read_text()
    assert "data-dependent" in page and "<script src=" not in page


def test_methods_are_compared_on_the_targets_they_share():
    rows = [row("space", "lemon", 0.0), row("space", "bus", 0.9), row("ga", "lemon", 0.5)]
    rows += [row("ga", "kiwi", 0.0)]
    difference = 100 * (harmonic(0.5, 0.8) - harmonic(1.0, 0.8))
    assert tables.paired(rows, "ga").startswith(f"{difference:+.1f} ")
    assert tables.paired(rows, "space") == "—"


def test_the_targets_that_all_methods_share_come_first():
    known = dict.fromkeys(("space", "ga"), ("", None))
    targets = {"food": list("abcde"), "people": list("xy")}
    pairs = list(board._pairs(targets, known, Suite(None, None)))
    assert [name for name, _, _ in pairs[:4]] == ["a", "a", "x", "x"]
    assert {name for name, _, method in pairs if method == "ga"} == set("abcxy")
    assert {name for name, _, method in pairs if method == "space"} == set("abcdexy")
    quick = list(board._pairs(targets, known, Suite(None, None, quick=True)))
    assert len(quick) == 4


@pytest.fixture
def measured(monkeypatch):
    """Stands for the real measurement; notes what was asked of it."""
    asked = []

    class Bench:
        split = "a split"

    def measure(_bench, name, _method, target, _domain):
        asked.append((name, target))
        if len(asked) == 2:
            raise KeyboardInterrupt
        return row(name, target), (outcome("target", "name", False),)

    known = {name: (group, None) for name, group in GROUPS.items()}
    monkeypatch.setattr(board, "open_bench", lambda _settings: Bench())
    monkeypatch.setattr(board, "methods", lambda _tuned: known)
    monkeypatch.setattr(board, "_targets", lambda _bench, _path: {"food": ["lemon"]})
    monkeypatch.setattr(board, "measure", measure)
    return asked


def test_a_stopped_suite_goes_on_where_it_stopped(measured, tmp_path):
    suite = Suite(tmp_path / "out", tmp_path / "results")
    with pytest.raises(KeyboardInterrupt):
        board.run(Settings(), suite)
    text = board.run(Settings(), suite)
    assert measured == [
        ("space", "lemon"), ("ga", "lemon"), ("ga", "lemon"), ("no keep", "lemon")
    ]
    assert text.count("\n") == 4
    board.run(Settings(), suite)
    assert len(measured) == 4


def test_an_unknown_method_is_refused_before_any_work(measured, tmp_path):
    with pytest.raises(ValueError, match="No method is called 'gb'"):
        board.run(Settings(), Suite(tmp_path, tmp_path, only=("gb",)))
    assert not measured and not list(tmp_path.iterdir())


def test_a_foreign_file_is_not_taken_for_a_result(measured, tmp_path):
    import pyarrow as pa
    import pyarrow.parquet as pq

    pq.write_table(pa.table({"a": [1]}), tmp_path / "space--lemon.parquet")
    with pytest.raises(ValueError, match="no result of this suite"):
        board.run(Settings(), Suite(tmp_path, tmp_path / "r", only=("space",)))


def test_questions_are_kept_with_the_row(measured, tmp_path):
    path = tmp_path / "x.parquet"
    kept = replace(row("space", "lemon"), gap=0.5)
    board._write(path, kept, (outcome("near", "name", True),))
    import pyarrow.parquet as pq

    assert board._read(path) == kept
    assert pq.read_table(path).column("group").to_pylist() == ["near"]
