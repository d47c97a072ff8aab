"""Figures say what was measured: before apart from after, a group by more than its colour."""

from dataclasses import replace

import pytest
from test_runs import record

from space_core import plots
from space_core.damage import LayerReport
from space_core.types import Share, StateMap, StatePoint

POINTS = tuple(
    StatePoint(group, f"{group} {i}", (float(i), 0.0), (float(i), 5.0))
    for group in ("target", "near", "anchor") for i in range(3)
)  # fmt: skip
STATES = StateMap(4, "What is this?", 0.625, 0.25, 1.0, POINTS)


def test_the_map_tells_groups_and_times_apart_without_colour():
    figure = plots.state_map(STATES)
    marks = [trace for trace in figure.data if trace.mode == "markers"]
    assert len({trace.marker.symbol for trace in marks}) == len(marks) == 6
    for trace in marks:
        assert trace.marker.symbol.endswith("-open") is ("before" in trace.name)
        assert list(trace.y) == [0.0 if "before" in trace.name else 5.0] * 3
    lines = [trace for trace in figure.data if trace.mode == "lines"]
    assert [list(line.x[:3]) for line in lines] == [[0.0, 0.0, None]] * 3


def test_a_group_without_images_is_not_drawn():
    only = StateMap(4, "What is this?", 0.6, 0.2, 1.0, POINTS[-3:])
    assert len(plots.state_map(only).data) == 3


def test_the_map_says_what_its_plane_cannot_show():
    said = plots.state_map_note(STATES)
    assert "before only" in said and "62 %" in said and "25 %" in said and "block 4" in said


def test_kept_by_domain_leaves_out_what_was_not_asked():
    shares = (("food", Share(9, 10, 5, 5, 0.6, 0.98)), ("places", Share(0, 0, 0, 0, 0.0, 1.0)))
    (trace,) = plots.domains(shares).data
    assert trace.x == ("food",) and trace.y == (90.0,)
    assert trace.error_y.array[0] == pytest.approx(8)
    assert trace.error_y.arrayminus[0] == pytest.approx(30)


def test_what_is_let_through_is_drawn_where_a_step_says_it():
    steps = [replace(record().steps[0], step=n, let_through=one) for n, one in ((1, None), (2, .25))]
    (trace,) = plots.let_through(steps).data
    assert trace.x == (2,) and trace.y == (25.0,)


def test_the_drift_is_that_of_every_step():
    (trace,) = plots.drift(record().steps).data
    assert trace.x == (1,) and trace.y == (100 * 1e-300,)


def test_the_pool_is_counted_whole_and_the_cut_stands_where_it_is():
    scores = (0.1, -0.2, 0.31, 0.1)
    figure = plots.similarities(scores, 0.3054)
    (histogram,) = figure.data
    assert histogram.x == scores
    (cut,) = figure.layout.shapes
    assert cut.x0 == cut.x1 == 0.3054
    assert figure.layout.annotations[-1].text == "cut 0.305"


def test_kept_by_similarity_gives_each_band_its_share_and_interval():
    shares = (
        (-0.1, 0.25, Share(19, 20, 10, 4, 0.76, 0.99)), (0.25, 0.5, Share(0, 0, 0, 0, 0.0, 1.0)),
        (0.5, 0.75, Share(5, 20, 10, 4, 0.11, 0.47)),
    )  # fmt: skip
    (trace,) = plots.bands(shares).data
    assert trace.x == ("-0.10 to 0.25", "0.50 to 0.75") and trace.y == (95.0, 25.0)
    assert trace.error_y.array == pytest.approx((4, 22))
    assert trace.error_y.arrayminus == pytest.approx((19, 14))
    assert trace.text == ("20 questions", "20 questions")


LAYERS = (
    LayerReport("model.layers.3.mlp.down_proj", 0.1, 0.2, 0.3, 0.8, 0.7, joint=0.4),
    LayerReport("model.layers.4.mlp.down_proj", 0.0, 0.0, 1e-12, 0.8, 0.7, joint=0.0),
)


def test_each_layers_change_stands_beside_its_bound():
    figure = plots.perturbations(LAYERS)
    drawn = {trace.name: trace.y for trace in figure.data}
    assert {trace.x for trace in figure.data} == {("3 down_proj", "4 down_proj")}
    assert figure.layout.yaxis.type == "log"
    # A logarithmic axis has no zero: what lies lower is drawn at its floor.
    assert drawn == {
        "measured, same data": (0.1, 1e-9), "bound": (0.2, 1e-9),
        "measured, unseen data": (0.3, 1e-9), "all layers together, unseen data": (0.4, 1e-9),
    }  # fmt: skip


def test_an_older_record_draws_what_it_holds():
    older = [replace(layer, joint=None) for layer in LAYERS]
    names = [trace.name for trace in plots.perturbations(older).data]
    assert names == ["measured, same data", "bound", "measured, unseen data"]
    figure = plots.layer_entropies(LAYERS)
    assert {trace.name: trace.y for trace in figure.data} == {
        "others, before": (0.8, 0.8), "others, after": (0.7, 0.7)
    }


def test_the_anchors_entropy_is_that_of_every_step():
    steps = [replace(record().steps[0], step=n, entropy=one) for n, one in ((1, 0.25), (2, 0.75))]
    figure = plots.entropies(steps)
    (trace,) = figure.data
    assert trace.x == (1, 2) and trace.y == (0.25, 0.75)
    # A share of the largest entropy there can be: the whole scale is seen.
    assert figure.layout.yaxis.range == (0, 1.05)


def test_each_neighbour_pays_what_its_dearest_layer_costs_and_the_dearest_stands_on_top():
    layers = [
        replace(LAYERS[0], neighbours=(("lime", 0.02), ("cat", 0.01))),
        replace(LAYERS[1], neighbours=(("cat", 0.05), ("bus", 0.0), ("lime", 0.002))),
    ]
    (trace,) = plots.neighbour_costs(layers).data
    # Bars are drawn from the bottom up.
    assert trace.orientation == "h" and trace.y == ("bus", "lime", "cat")
    assert trace.x == pytest.approx((0.0, 2.0, 5.0))


def test_without_neighbours_there_is_no_bar():
    (trace,) = plots.neighbour_costs(LAYERS).data
    assert not trace.x and not trace.y
