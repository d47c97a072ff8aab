"""The suite: tables that agree with the rows, runs that go on."""

import csv
import math
from dataclasses import fields, replace
from types import SimpleNamespace

import pytest
from test_score import TRAINED, outcome

from space_core import leaderboard
from space_core.bench import board, methods, reference, tables
from space_core.bench.board import Suite
from space_core.bench.change import Entry
from space_core.bench.score import COUNTED, harmonic, question_of
from space_core.leaderboard import About, Leaderboard, Row
from space_core.settings import BUNDLED, Settings

GROUPS = {"space": "ours", "ga": "data-dependent", "no keep": "ablation"}


def row(method: str, target: str, fa: float = 0.1, seconds: float = 10.0) -> Row:
    return Row(
        method, target, "food", 100, fa, 0.2, 0.9, 0.8, 0.85, harmonic(1 - fa, 0.8), 1.0, 1.0, 0.0,
        ra_of_before=0.9, seconds=seconds, group=GROUPS[method], told=1.0, curve=((0.3, 4, 5),),
        inversion_seconds=1.0, training_seconds=seconds - 2.0, reading_seconds=1.0,
        entropy_before=0.5, entropy_after=0.6, broken_others=0.0, forgotten=1.0,
    )  # fmt: skip


ABOUT = About("python -m space_core bench", "2026-11-24", "demo", "tuned.", "measured.", {})


def test_tables_agree_with_the_rows(tmp_path):
    rows = [row("space", "lemon", 0.0), row("space", "bus", 0.2), row("ga", "lemon", 0.5, 20.0)]
    rows += [row("ga", "bus", 0.5)]
    rows.append(row("no keep", "lemon"))
    text = tables.write(tmp_path, Leaderboard(tuple(rows), ABOUT))
    with (tmp_path / "leaderboard.csv").open() as file:
        lines = list(csv.DictReader(file))
    assert tuple(lines[0]) == tables.COLUMNS
    assert [one["method"] for one in lines] == ["space", "space", "ga", "ga"]
    assert lines[2]["seconds_ratio"] == "2.0000" and lines[2]["gap"] == "nan"
    assert "no keep" in (tmp_path / "ablation.csv").read_text()
    assert "| space | source-free | this project's method | 2 | 10.0% |" in text
    curve = (tmp_path / "curve.csv").read_text().splitlines()
    assert curve[1] == "space,,0.3000,0.4000,8,10" and len(curve) == 4
    page = (tmp_path / "leaderboard.html").read_text()
    assert "Median time of an edit: " in text and "<h2>food</h2>" in page
    assert text.endswith("median: reading 1.0 s, inversion 1.0 s, training 8.0 s.")
    cost = list(csv.DictReader((tmp_path / "cost.csv").open()))
    assert tuple(cost[0]) == tables.COST and cost[2]["cpu_seconds_ratio"] == "nan"
    assert "Data-dependent: trained on images" in page and "<script src=" not in page


def test_the_targets_that_all_methods_share_come_first():
    known = {name: Entry(group, None) for name, group in GROUPS.items()}
    targets = {"food": list("abcde"), "people": list("xy")}
    jobs = list(board._jobs(targets, known, Suite(None, None)))
    assert jobs[:2] == [("a", ["space", "ga", "no keep"]), ("x", ["space", "ga", "no keep"])]
    assert {name for name, methods in jobs if "ga" in methods} == set("abcxy")
    assert {name for name, methods in jobs if "space" in methods} == set("abcdexy")
    assert list(board._jobs(targets, known, Suite(None, None, quick=True))) == jobs[:2]
    only = board._jobs(targets, known, Suite(None, None, only=("ga",)))
    assert [name for name, _ in only] == list("axbyc")


@pytest.fixture
def measured(monkeypatch):
    """Stands for the real measurement; notes what was asked of it."""
    asked = []

    class Bench:
        split, model_name = SimpleNamespace(sha256="e", artists=TRAINED), "demo"
        model_sha256, pool_sha256 = "m", "p"
        sources = SimpleNamespace(space=SimpleNamespace(name=BUNDLED[1]))

    def measure(_bench, one, name, entry):
        asked.append((name, one.target))
        if len(asked) == 2:
            raise KeyboardInterrupt
        kept = replace(row(name, one.target), setting=entry.setting)
        return kept, (outcome("target", "name", False),)

    known = {name: Entry(group, None) for name, group in GROUPS.items()}
    monkeypatch.setattr(board, "open_with_images", lambda _settings: Bench())
    monkeypatch.setattr(board, "methods", lambda _tuned: known)
    monkeypatch.setattr(board, "_targets", lambda _bench, _suite: {"food": ["lemon"]})
    monkeypatch.setattr(board, "ask", lambda _bench, target: SimpleNamespace(target=target))
    monkeypatch.setattr(board, "measure", measure)
    return SimpleNamespace(pairs=asked, known=known)


def test_a_stopped_suite_goes_on_where_it_stopped(measured, tmp_path):
    suite = Suite(tmp_path / "out", tmp_path / "results")
    with pytest.raises(KeyboardInterrupt):
        board.run(Settings(), suite)
    assert [one.method for one in leaderboard.read(suite.results).rows] == ["space"]
    text = board.run(Settings(), suite)
    assert measured.pairs == [
        ("space", "lemon"), ("ga", "lemon"), ("ga", "lemon"), ("no keep", "lemon")
    ]
    assert text.count("\n") == 7
    board.run(Settings(), suite)
    assert len(measured.pairs) == 4


def test_processes_share_the_targets_and_then_help_each_other(measured, tmp_path, monkeypatch):
    monkeypatch.setattr(board, "_targets", lambda _bench, _suite: {"food": list("abc")})
    monkeypatch.setenv("WORLD_SIZE", "2")
    monkeypatch.setenv("RANK", "1")
    suite = Suite(tmp_path / "out", tmp_path / "results", only=("space",))
    measured.pairs += [None, None]  # so that no stop follows
    board.run(Settings(), suite)
    assert [target for _, target in measured.pairs[2:]] == ["b", "c", "a"]


def test_a_setting_chosen_anew_is_measured_anew(measured, tmp_path):
    suite = Suite(tmp_path / "out", tmp_path / "results", only=("ga",))
    measured.known["ga"] = Entry("data-dependent", None, "20 steps, untuned")
    board.run(Settings(), suite)
    measured.known["ga"] = Entry("data-dependent", None, "60 steps")
    measured.pairs.append("so that no stop follows")
    text = board.run(Settings(), suite)
    assert measured.pairs[-1] == ("ga", "lemon") and len(measured.pairs) == 3
    assert "60 steps" in text and "untuned" not in text


def test_what_was_measured_with_other_data_is_measured_anew_and_in_no_table(
    measured, tmp_path, monkeypatch
):
    suite = Suite(tmp_path / "out", tmp_path / "results", only=("space",))
    board.run(Settings(), suite)
    measured.pairs.append("so that no stop follows")
    monkeypatch.setattr(methods, "VERSION", "another")
    other = replace(suite, only=("ga",))
    board.run(Settings(), other)
    board_of_one = leaderboard.read(suite.results)
    assert [row.method for row in board_of_one.rows] == ["ga"]
    assert board_of_one.about.command.endswith("--only ga")
    board.run(Settings(), suite)
    both = leaderboard.read(suite.results)
    assert {row.method for row in both.rows} == {"ga", "space"}
    assert both.about.command.endswith("--only space ga")
    assert "--quick" in both.about.command, "one target of the domain is what --quick takes"
    assert measured.pairs[2:] == [("ga", "lemon"), ("space", "lemon")]


def test_the_board_says_what_was_not_tuned_and_why_there_is_no_gap(measured, tmp_path):
    suite = Suite(tmp_path / "out", tmp_path / "results", only=("space",))
    board.run(Settings(), suite)
    found = leaderboard.read(suite.results)
    assert found.about.tuning.startswith("untuned") and "bench-tune" in found.about.tuning
    assert "reference.parquet is missing" in found.about.gap
    assert math.isnan(found.rows[0].gap)
    assert found.about.command == replace(suite, quick=True).command
    assert suite.command.endswith("--only space") and "--quick" not in suite.command


def test_the_command_is_that_of_the_whole_table_whatever_the_last_call_was(
    measured, tmp_path, monkeypatch
):
    monkeypatch.setattr(board, "_targets", lambda _bench, _suite: {"food": ["lemon", "kiwi"]})
    measured.pairs += [None, None]  # so that no stop follows
    suite = Suite(tmp_path / "out", tmp_path / "results", only=("space",))
    board.run(Settings(), suite)
    board.run(Settings(), replace(suite, quick=True, only=("ga",)))
    found = leaderboard.read(suite.results)
    assert found.about.command == replace(suite, only=("space", "ga")).command


def test_a_reference_that_comes_later_fills_the_gap(measured, tmp_path, monkeypatch):
    suite = Suite(tmp_path / "out", tmp_path / "results", only=("space",))
    board.run(Settings(), suite)
    answers = {question_of(outcome("target", "name", False)): False}
    monkeypatch.setattr(reference, "read", lambda _results: answers)
    board.run(Settings(), suite)
    found = leaderboard.read(suite.results)
    assert found.rows[0].gap == 1.0 and "trained without the targets" in found.about.gap
    assert len(measured.pairs) == 1


def test_an_unknown_method_is_refused_before_any_work(measured, tmp_path):
    with pytest.raises(ValueError, match="No method is called 'gb'"):
        board.run(Settings(), Suite(tmp_path, tmp_path, only=("gb",)))
    assert not measured.pairs and not list(tmp_path.iterdir())


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


def test_measures_are_counted_anew_from_the_questions_and_what_was_measured_stays(tmp_path):
    path = tmp_path / "x.parquet"
    asked = [outcome("target", "name", True), *[outcome("far", "name", True)] * 3]
    asked += [outcome("far", "name", False), outcome("far", "name", True, before=False)]
    measured = replace(row("space", "lemon"), inputs="m")
    board._write(path, measured, asked)
    found = board._counted(path, board._read(path), TRAINED, {})
    assert (found.n, found.fa, found.ra, found.ra_of_before) == (1, 1.0, 0.75, 1.0)
    assert math.isnan(found.proximal_ra) and math.isnan(found.told) and found.curve == ((0.5, 3, 4),)
    kept = {one.name for one in fields(Row)} - set(COUNTED)
    assert {name: getattr(found, name) for name in kept if name != "gap"} == {
        name: getattr(measured, name) for name in kept if name != "gap"
    }
