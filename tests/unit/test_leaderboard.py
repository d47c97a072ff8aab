"""The leaderboard: what is kept is read again, and tells by words what each method needs."""

import math
from dataclasses import replace

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from space_core import board_plots, board_tables, leaderboard
from space_core.leaderboard import DATA_DEPENDENT, SOURCE_FREE, About, Leaderboard, Row, lines

ABOUT = About("python -m space_core bench", "2026-11-24", "demo", "tuned", "none", {"torch": "2"})


def row(method: str, target: str, fa: float = 0.1, near: float = 0.8, **more) -> Row:
    grf = 2 * (1 - fa) * near / (1 - fa + near)
    domain = "food" if target in ("lemon", "kiwi") else "objects"
    return Row(
        method, target, domain, 100, fa, 0.2, 0.9, near, 0.85, grf, 1.0, 1.0, 0.0,
        reading_seconds=1.0, inversion_seconds=1.0, training_seconds=2.0, entropy_before=0.5,
        entropy_after=0.6, broken_others=0.0, ra_of_before=1.01, forgotten=1.0,
        **{"group": "data-dependent" if method == "ga" else "ours", "told": 1.0, **more},
    )  # fmt: skip


def test_a_board_is_read_as_it_was_saved(tmp_path):
    curve = ((0.1, 9, 10), (0.4, 1, 2))
    board = Leaderboard((row("space", "lemon", curve=curve), row("ga", "bus", setting="20 steps")), ABOUT)
    leaderboard.save(tmp_path, board)
    found = leaderboard.read(tmp_path)
    assert found.about == ABOUT and found.domains == ("food", "objects")
    assert [replace(one, gap=0.0) for one in found.rows] == [
        replace(one, gap=0.0) for one in board.rows
    ]
    assert leaderboard.read(tmp_path / "elsewhere") is None


def test_a_foreign_file_is_refused(tmp_path):
    path = tmp_path / leaderboard.FILE
    pq.write_table(pa.table({"a": [1]}), path)
    with pytest.raises(ValueError, match="no leaderboard of this version"):
        leaderboard.read(tmp_path)
    path.write_bytes(b"PAR1")
    with pytest.raises(ValueError, match="no leaderboard of this version"):
        leaderboard.read(tmp_path)
    leaderboard.save(tmp_path, Leaderboard((row("x", "lemon", group="magic"),), ABOUT))
    with pytest.raises(ValueError, match="no leaderboard of this version"):
        leaderboard.read(tmp_path)


def test_space_comes_first_and_data_dependent_methods_last():
    rows = [row("ga", "bus"), row("kl", "bus", group="source-free"), row("space", "bus")]
    assert [line.method for line in lines(rows)] == ["space", "kl", "ga"]
    assert [line.needs for line in lines(rows)] == [SOURCE_FREE, SOURCE_FREE, DATA_DEPENDENT]


def test_the_bands_of_all_targets_are_one_curve():
    rows = [row("space", "lemon", curve=((0.1, 9, 10), (0.4, 1, 2)))]
    rows += [row("space", "bus", curve=((0.1, 8, 10),))]
    rows += [row("no keep", target, group="ablation") for target in ("bus", "lemon")]
    ours, other = lines(rows)
    assert ours.curve == ((0.1, 17, 20), (0.4, 1, 2)) and other.curve == ()
    (drawn,) = board_plots.curves([ours, other]).data
    assert list(drawn.x) == pytest.approx([0.15, 0.45]) and list(drawn.y) == [85.0, 50.0]
    assert list(drawn.text) == ["17 of 20", "1 of 2"]


def test_no_two_curves_look_alike_but_for_their_colour():
    groups = ["ours", *["source-free"] * 3, *["data-dependent"] * 7]
    rows = [row(f"m{i}", "bus", group=group, curve=((0.1, 8, 10),))
            for i, group in enumerate(groups)]  # fmt: skip
    drawn = board_plots.curves(lines(rows)).data
    assert len({(one.marker.symbol, one.line.dash) for one in drawn}) == len(groups)


def test_a_domain_is_a_choice_of_targets():
    rows = [row("space", "lemon", 0.0), row("space", "kiwi", 0.2), row("space", "bus", 1.0)]
    (food,), (both,) = lines(rows, "food"), lines(rows)
    assert (food.targets, food.means["fa"].value) == (2, pytest.approx(0.1))
    assert (both.targets, both.means["fa"].value) == (3, pytest.approx(0.4))
    assert lines(rows, "people") == ()


def test_two_settings_of_a_method_are_not_averaged():
    rows = [row("ga", "lemon", 0.0, setting="20 steps"), row("ga", "bus", 1.0, setting="60 steps")]
    assert [(line.setting, line.targets) for line in lines(rows)] == [
        ("20 steps", 1), ("60 steps", 1)
    ]


def test_methods_are_compared_on_the_targets_they_share():
    rows = [row("space", "lemon", 0.0), row("space", "bus", 0.9), row("ga", "lemon", 0.5)]
    rows += [row("ga", "kiwi", 0.0)]
    ours, _, other = lines(rows)
    assert math.isnan(ours.less.value)
    assert other.less.value == pytest.approx(rows[2].grf_f1 - rows[0].grf_f1)


def test_a_target_without_questions_is_no_evidence():
    rows = [row(name, target, fa) for target, fa in (("lemon", 0.1), ("bus", 0.3))
            for name in ("space", "ga")]
    silent = [replace(row(name, "kiwi"), grf_f1=math.nan) for name in ("space", "ga")]
    whole, part = lines(rows)[1], lines([*rows, *silent])[1]
    assert (whole.p, whole.less) == (part.p, part.less)


def test_what_was_not_measured_is_a_dash_and_no_zero():
    lost = replace(row("space", "lemon"), fa=math.nan, grf_f1=math.nan)
    (line,) = lines([lost, row("space", "bus", 0.3)])
    assert line.means["fa"].value == pytest.approx(0.3) and math.isnan(line.means["gap"].value)
    head, _, cells = board_tables.markdown([line]).splitlines()
    said = dict(zip(head.split("|"), cells.split("|")))
    assert said[" gap → 1 "].strip() == "—" and said[" FA ↓ "].strip().startswith("30.0%")


def test_the_gap_may_lie_beyond_its_ends():
    rows = [replace(row("space", f"bus {i}"), gap=1.05 + 0.4 * (i % 2)) for i in range(6)]
    assert "| 1.25 (1.12 – 1.38) |" in board_tables.markdown(lines(rows))


def test_limits_that_say_nothing_are_not_given():
    rows = [row("space", f"bus {i}", i / 10) for i in range(6)]
    assert lines(rows)[0].means["fa"].low > 0.0
    for some in (rows[:5], [row("space", f"bus {i}", 0.2) for i in range(6)]):
        found = lines(some)[0].means["fa"]
        assert math.isnan(found.low) and math.isnan(found.high) and found.value == pytest.approx(0.2)


def test_the_table_says_in_words_what_a_method_needs():
    found = lines([row("space", "bus"), row("ga", "bus", setting="20 steps <b>")])
    html = board_tables.table(found)
    first, second = html.index(SOURCE_FREE), html.index(DATA_DEPENDENT)
    assert first < html.index(">space<") < second < html.index(">ga<")
    assert "20 steps &lt;b&gt;" in html and "<b>" not in html
    assert html.count('scope="row"') == 2 and "<td>data-dependent</td>" in html
    assert DATA_DEPENDENT not in board_tables.table(found[:1])


def test_the_frontier_joins_those_that_none_beats():
    points = [(0.0, 90.0), (5.0, 98.0), (5.0, 97.0), (3.0, 80.0), (0.0, 90.0)]
    assert board_plots.frontier(points) == [(0.0, 90.0), (5.0, 98.0)]


def test_the_plot_tells_the_classes_apart_by_words_and_symbol():
    rows = [row("space", "bus", 0.0, 0.9), row("ga", "bus", 0.2, 0.5)]
    lost = replace(row("idk", "bus", group="source-free"), fa=math.nan)
    figure = board_plots.pareto(lines([*rows, lost]))
    line, ours, other = figure.data
    assert (list(line.x), list(line.y)) == ([0.0], [90.0])
    assert (ours.name, other.name) == (
        "source-free: this project's method", "data-dependent: published method"
    )
    assert (list(ours.text), list(other.text)) == (["space"], ["ga"])
    assert (ours.marker.symbol, other.marker.symbol) == ("star", "circle-open")
    assert (list(other.x), list(other.y)) == ([20.0], [50.0])


def test_no_name_lies_on_another_or_on_a_mark():
    near = [("space", 0.0, 0.99), ("idk", 0.01, 0.97), ("ga", 0.15, 0.95), ("kl", 0.15, 0.951)]
    near += [("npo", 0.19, 0.952), ("mmunlearner", 0.25, 0.954), ("prompt", 0.8, 0.5)]
    rows = [row(name, "bus", fa, kept) for name, fa, kept in near]
    names = board_plots.pareto(lines(rows)).layout.annotations
    assert sorted(one.text for one in names) == sorted(name for name, *_ in near)
    xs, ys = ([one[axis] for one in names] for axis in "xy")
    width, height = board_plots._PLOT
    boxes = [
        (one.x / max(xs) * width, (one.y - min(ys)) / (max(ys) - min(ys)) * height - one.ay,
         board_plots._LETTER * len(one.text) / 2)
        for one in names
    ]  # fmt: skip
    for i, (x, y, half) in enumerate(boxes):
        for a, b, other in boxes[:i]:
            assert abs(x - a) > half + other or abs(y - b) > board_plots._LINE
    assert board_plots.pareto([]).data


def test_methods_stand_side_by_side_over_the_same_targets():
    rows = [row("space", "lemon", 0.0), row("space", "bus", 0.4), row("ga", "bus", 0.5)]
    ours, all_of_ours, other = lines(rows)
    assert (ours.method, ours.targets, ours.means["fa"].value) == ("space", 1, 0.4)
    assert (all_of_ours.method, all_of_ours.targets) == (leaderboard.ALL, 2)
    assert all_of_ours.means["fa"].value == pytest.approx(0.2) and math.isnan(all_of_ours.less.value)
    assert (other.method, other.targets) == ("ga", 1)
    assert [line.method for line in lines(rows[:2])] == ["space"]


def test_seconds_stand_beside_those_of_space_on_the_same_targets():
    rows = [row("space", "lemon", seconds=20.0), row("space", "bus", seconds=60.0)]
    rows += [row("ga", "lemon", seconds=10.0)]
    ours, _, other = lines(rows)
    assert math.isnan(ours.times) and other.times == 0.5
    cells = board_tables.markdown([ours, other]).splitlines()[2:]
    assert [line.split("|")[-2].strip() for line in cells] == ["20", "10 (0.5 ×)"]


def test_what_ran_on_other_concepts_is_no_mark_among_the_others():
    rows = [row("space", "bus"), row("space", "lemon"), row("ga", "bus")]
    found = lines(rows)
    assert leaderboard.ALL in {line.method for line in found}
    marks = [name for mark in board_plots.pareto(found).data[1:] for name in mark.text]
    assert sorted(marks) == ["ga", "space"]


def test_both_kinds_of_retained_accuracy_can_be_plotted():
    found = lines([row("space", "bus", near=0.8), row("ga", "bus", near=0.6)])
    for kept, values in (("proximal_ra", [80.0, 60.0]), ("ra", [90.0, 90.0])):
        figure = board_plots.pareto(found, kept)
        assert sorted(y for mark in figure.data[1:] for y in mark.y) == sorted(values)


def test_what_is_space_but_for_a_part_has_no_name_in_the_plot():
    rows = [row("space", "bus", 0.0), row("no keep", "bus", 0.1, group="ablation")]
    figure = board_plots.pareto(lines(rows))
    assert [one.text for one in figure.layout.annotations] == ["space"]
    assert {one.text[0] for one in figure.data if one.text} == {"space", "no keep"}
