"""What a run measured → plotly figures. Pure: values in, a figure out; no text of the visitor."""

import re
from collections.abc import Sequence

import plotly.graph_objects as go

from space_core.damage import LayerReport
from space_core.plot_style import AFTER, BEFORE, BOUND, DASHES, LINES, figure_of
from space_core.types import Share, StateMap, StepEvent

# Of the state map: what it says, its colour, its symbol.
_GROUPS = {
    "near": ("nearest concepts", "#6366f1", "square"),
    "anchor": ("anchors", "#0d9488", "diamond"),
    "target": ("the concept", "#c2570c", "circle"),
}
_FLOOR = 1e-9  # a logarithmic axis has no zero


def similarities(scores: Sequence[float], threshold: float) -> go.Figure:
    """Histogram of every pool image's similarity to the text, with the cut S_th."""
    figure = figure_of("similarity to the text", "images in the pool")
    figure.add_histogram(x=list(scores), nbinsx=60, marker_color=BEFORE, name="pool images")
    figure.add_vline(x=threshold, line_color=BOUND, line_dash="dash", line_width=2)
    figure.add_annotation(
        x=threshold, y=1, yref="paper", yanchor="bottom", showarrow=False,
        text=f"cut {threshold:.3f}",
    )
    # The page's own label lies on the upper left corner.
    return figure.update_layout(showlegend=False, margin_t=56)


def state_map_note(states: StateMap) -> str:
    """What the map shows, and how much of the truth its plane can show."""
    return (
        f"Each image as the model holds it in mind after its block {states.block}, the last one "
        f"edited, when asked “{states.question}”: open marks before the edit, filled ones after, a "
        "thin line between. The plane (principal component analysis) is fitted on the states "
        f"before only and shows {100 * states.explained:.0f} % of how they differ; of the movement "
        f"by the edit it shows {100 * states.moved:.0f} %, the rest leaves the plane. Good: the "
        "concept's marks move away from where they were, the nearest concepts' stay."
    )


def drift(steps: Sequence[StepEvent]) -> go.Figure:
    """Retained drift by step: mean squared change of the output that other knowledge gets from
    the layer that moved most, relative to its mean square, in %."""
    figure = figure_of("step", "squared change of retained output, %")
    figure.add_scatter(
        x=[event.step for event in steps], y=[100 * event.damage for event in steps],
        mode="lines", line_color=BOUND, name="retained drift",
    )
    return figure.update_layout(showlegend=False).update_yaxes(rangemode="tozero")


def let_through(steps: Sequence[StepEvent]) -> go.Figure:
    """Share of the full gradient that the hard null space lets act, by step, in %."""
    figure = figure_of("step", "share of the gradient, %")
    known = [event for event in steps if event.let_through is not None]
    figure.add_scatter(
        x=[event.step for event in known], y=[100 * event.let_through for event in known],
        mode="lines", line_color=LINES[2], name="let through",
    )
    return figure.update_layout(showlegend=False).update_yaxes(rangemode="tozero")


def losses(steps: Sequence[StepEvent]) -> go.Figure:
    """Every loss term by step."""
    figure = figure_of("step", "loss")
    names = dict.fromkeys(name for event in steps for name in event.losses)
    for place, name in enumerate(names):
        figure.add_scatter(
            x=[event.step for event in steps],
            y=[event.losses.get(name) for event in steps],
            name=name, mode="lines",
            line={"color": LINES[place % len(LINES)], "dash": DASHES[place % len(DASHES)]},
        )
    return figure


def entropies(steps: Sequence[StepEvent]) -> go.Figure:
    """Spectral entropy in [0, 1] by step."""
    figure = figure_of("step", "spectral entropy")
    figure.add_scatter(
        x=[event.step for event in steps], y=[event.entropy for event in steps],
        mode="lines", line_color=AFTER, name="spectral entropy",
    )
    return figure.update_layout(showlegend=False).update_yaxes(range=[0, 1.05])


def layer_entropies(layers: Sequence[LayerReport]) -> go.Figure:
    """Spectral entropy of each edited layer's inputs, before and after, on others and anchors."""
    figure = figure_of("edited layer", "spectral entropy")
    names = [short_layer(layer.layer) for layer in layers]
    for name, colour, symbol, values in (
        ("others, before", BEFORE, "circle-open", [layer.entropy_before for layer in layers]),
        ("others, after", AFTER, "diamond", [layer.entropy_after for layer in layers]),
        ("anchors, before", BEFORE, "square-open", [layer.anchors_before for layer in layers]),
        ("anchors, after", AFTER, "x-thin", [layer.anchors_after for layer in layers]),
    ):
        if None in values:
            continue
        figure.add_scatter(x=names, y=values, name=name, mode="markers", marker={
            "color": colour, "symbol": symbol, "size": 11, "line": {"width": 2, "color": colour},
        })
    return figure.update_xaxes(type="category")


def bands(shares: Sequence[tuple[float, float, Share]]) -> go.Figure:
    """Retained accuracy by band of similarity to the concept, with 95 % intervals."""
    named = [(f"{low:.2f} to {high:.2f}", share) for low, high, share in shares]
    return _kept("similarity to the erased concept", named)


def domains(shares: Sequence[tuple[str, Share]]) -> go.Figure:
    """Retained accuracy by domain of the other concepts, with 95 % intervals."""
    return _kept("domain", shares)


def state_map(states: StateMap) -> go.Figure:
    """Each image's place before (open) and after (filled), joined by a thin line; one symbol a
    group."""
    figure = figure_of("first principal direction", "second principal direction")
    for group, (said, colour, symbol) in _GROUPS.items():
        own = [one for one in states.points if one.group == group]
        if not own:
            continue
        ends = [(one.before, one.after, (None, None)) for one in own]
        figure.add_scatter(
            x=[x for line in ends for x, _ in line], y=[y for line in ends for _, y in line],
            mode="lines", line={"color": colour, "width": 1}, opacity=0.5, hoverinfo="skip",
            showlegend=False,
        )
        for when, shape in (("before", f"{symbol}-open"), ("after", symbol)):
            places = [getattr(one, when) for one in own]
            figure.add_scatter(
                x=[x for x, _ in places], y=[y for _, y in places], mode="markers",
                name=f"{said}, {when}", text=[one.concept for one in own],
                hovertemplate="%{text}<extra>%{fullData.name}</extra>",
                marker={"color": colour, "symbol": shape, "size": 9, "line": {"width": 1.5}},
            )
    return figure.update_layout(height=540)


def perturbations(layers: Sequence[LayerReport]) -> go.Figure:
    """Per edited layer: damage in sample, its bound, damage on held-out data (log scale), alone and
    with all layers edited."""
    figure = figure_of("edited layer", "relative change of output, powers of ten")
    names = [short_layer(layer.layer) for layer in layers]
    for name, colour, symbol, values in (
        ("measured, same data", AFTER, "diamond", [layer.in_sample for layer in layers]),
        ("bound", BOUND, "line-ew", [layer.bound for layer in layers]),
        ("measured, unseen data", BEFORE, "circle-open", [layer.held_out for layer in layers]),
        ("all layers together, unseen data", LINES[2], "x", [layer.joint for layer in layers]),
    ):
        if None in values:  # an older record
            continue
        figure.add_scatter(
            x=names, y=[max(value, _FLOOR) for value in values], name=name, mode="markers",
            marker={
                "color": colour, "symbol": symbol, "size": 12,
                "line": {"width": 3 if symbol == "line-ew" else 2, "color": colour},
            },
        )
    figure.update_xaxes(type="category")
    # Lines at 1, 2 and 5 as well: within one power of ten there may be no other.
    return figure.update_yaxes(type="log", exponentformat="power", dtick="D2")


def neighbour_costs(layers: Sequence[LayerReport]) -> go.Figure:
    """What each of the nearest concepts pays in the layer that moves most for it, in %, dearest
    first."""
    figure = figure_of("squared change of output, %", "")
    costs: dict[str, float] = {}
    for layer in layers:
        for concept, cost in layer.neighbours:
            costs[concept] = max(cost, costs.get(concept, 0.0))
    dearest = sorted(costs.items(), key=lambda pair: pair[1])
    figure.add_bar(
        x=[100 * cost for _, cost in dearest], y=[concept for concept, _ in dearest],
        orientation="h", marker_color=BOUND, hovertemplate="%{y}: %{x:.2f} %<extra></extra>",
    )
    return figure.update_layout(showlegend=False).update_yaxes(type="category")


def _kept(axis: str, shares: Sequence[tuple[str, Share]]) -> go.Figure:
    figure = figure_of(axis, "answers kept, %")
    asked = [(name, share) for name, share in shares if share.questions]
    values = [100 * share.value for _, share in asked]
    figure.add_scatter(
        x=[name for name, _ in asked], y=values,
        mode="markers", marker={"color": AFTER, "size": 11, "symbol": "diamond"},
        error_y={
            "type": "data", "symmetric": False, "color": BEFORE, "thickness": 2,
            "array": [100 * share.high - value for value, (_, share) in zip(values, asked)],
            "arrayminus": [100 * (share.value - share.low) for _, share in asked],
        },
        text=[f"{share.questions} questions" for _, share in asked],
        hovertemplate="%{y:.0f} % of %{text}<extra></extra>",
    )
    figure.update_layout(showlegend=False).update_xaxes(type="category")
    return figure.update_yaxes(range=[0, 105])


def short_layer(path: str) -> str:
    """A module path as one says it: "…layers.3.mlp.down_proj" → "3 down_proj"."""
    numbered = re.search(r"(\d+)\.(?:.*\.)?([^.]+)$", path)
    return " ".join(numbered.groups()) if numbered else ".".join(path.split(".")[-2:])
