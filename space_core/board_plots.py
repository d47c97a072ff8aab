"""What the benchmark measured → plotly figures. Pure: lines in, a figure out."""

import math
from collections import Counter
from collections.abc import Sequence

import plotly.graph_objects as go

from space_core.leaderboard import ALL, BAND, DATA_DEPENDENT, PARTS, SPACE, Line, Mean
from space_core.plot_style import AFTER, BEFORE, BOUND, DASHES, LINES, figure_of

# In pixels: a plot's width and height, a letter's width, a line's height; where a name may stand,
# the best first.
_PLOT, _LETTER, _LINE = (700.0, 300.0), 6.5, 14.0
_HEIGHTS = [sign * height for height in range(18, 120, 16) for sign in (1, -1)]
_KEPT = {"proximal_ra": "near RA", "ra": "RA"}
# Group of a method → its symbol; open ones need images of the concept.
_SYMBOLS = {
    "ours": "star", "source-free": "diamond", "ablation": "triangle-up", "control": "x",
    "data-dependent": "circle-open", "ceiling": "square-open",
}  # fmt: skip


def pareto(lines: Sequence[Line], kept: str = "proximal_ra") -> go.Figure:
    """Each method of the benchmark at its mean FA and mean RA, in %; up and left is better.

    kept: which RA, "proximal_ra" or "ra". The dotted line joins those that no other method beats at
    both. What ran on more or fewer concepts than SPACE did beside the others is left out: means
    over other concepts cannot be compared.
    """
    name = _KEPT[kept]
    ours = next((line.targets for line in lines if line.method == SPACE), None)
    figure = figure_of("FA, % (want 0)", f"{name}, % (want 100)")
    placed = [
        (line, (100 * line.means["fa"].value, 100 * line.means[kept].value))
        for line in lines if line.method != ALL and ours in (None, line.targets)
    ]  # fmt: skip
    known = [(line, point) for line, point in placed if not math.isnan(sum(point))]
    points = [point for _, point in known]
    best = frontier(points)
    figure.add_scatter(
        x=[x for x, _ in best], y=[y for _, y in best], mode="lines", name="beaten by none at both",
        line={"color": BEFORE, "dash": "dot", "width": 1}, hoverinfo="skip",
    )
    for group, symbol in _SYMBOLS.items():
        own = [one for one in known if one[0].group == group]
        if not own:
            continue
        colour = BOUND if own[0][0].needs == DATA_DEPENDENT else AFTER
        figure.add_scatter(
            x=[x for _, (x, _) in own], y=[y for _, (_, y) in own], mode="markers",
            text=[line.method for line, _ in own], name=f"{own[0][0].short}: {own[0][0].what}",
            marker={"symbol": symbol, "size": 12, "color": colour},
            error_x=_errors([line.means["fa"] for line, _ in own], colour),
            error_y=_errors([line.means[kept] for line, _ in own], colour),
            hovertemplate=f"%{{text}}: FA %{{x:.1f}} %, {name} %{{y:.1f}} %<extra></extra>",
        )
    # What is SPACE but for a part lies all about it: its names would cover each other.
    named = sorted((point, line.method) for line, point in known if line.group not in PARTS)
    ends = [
        (100 * min(map(min, map(_known, means))), 100 * max(map(max, map(_known, means))))
        for means in zip(*((line.means["fa"], line.means[kept]) for line, _ in known))
    ]
    for ((x, y), text), height in zip(named, _heights(named, ends)):
        figure.add_annotation(
            x=x, y=y, text=text, ax=0, ay=-height, arrowhead=0, arrowwidth=0.7, arrowcolor=BEFORE,
            standoff=6, font_size=11, bgcolor="rgba(128, 136, 150, 0.12)", borderpad=1,
        )
    return figure.update_layout(height=560)


def curves(lines: Sequence[Line]) -> go.Figure:
    """Share of naming kept by similarity to the erased concept, a line a method, in %; ablations
    and controls apart.
    """
    figure = figure_of("similarity to the erased concept", "answers kept, %")
    own = [line for line in lines if line.curve and line.group not in ("ablation", "control")]
    of_group: Counter[str] = Counter()
    for place, line in enumerate(own):
        # Among marks of one shape the dash tells, for who sees no colours.
        dash = DASHES[of_group[line.group] % len(DASHES)]
        of_group[line.group] += 1
        figure.add_scatter(
            x=[edge + BAND / 2 for edge, *_ in line.curve],
            y=[100 * kept / asked for _, kept, asked in line.curve],
            text=[f"{kept} of {asked}" for _, kept, asked in line.curve],
            name=line.method, mode="lines+markers",
            hovertemplate="%{y:.1f} %, %{text}<extra>%{fullData.name}</extra>",
            marker={"symbol": _SYMBOLS[line.group], "size": 9},
            line={
                "color": LINES[place % len(LINES)], "dash": dash,
                "width": 3 if line.group == "ours" else 1.5,
            },
        )
    return figure.update_layout(height=460)


def frontier(points: Sequence[tuple[float, float]]) -> list[tuple[float, float]]:
    """Points that no other one beats: none has as little x and as much y. By x."""
    distinct = sorted(set(points))
    return [
        (x, y) for x, y in distinct
        if not any(a <= x and b >= y and (a, b) != (x, y) for a, b in distinct)
    ]  # fmt: skip


def _heights(
    named: Sequence[tuple[tuple[float, float], str]], ends: Sequence[tuple[float, float]]
) -> list[int]:
    """How many pixels above its point each name stands (below: less than 0), so that none lies on
    another or on a point.

    ends: where each axis begins and ends; their lengths are taken to be about `_PLOT`.
    """
    placed = [
        tuple(
            (value - low) / (high - low or 1.0) * size
            for value, (low, high), size in zip(point, ends, _PLOT)
        )
        for point, _ in named
    ]
    taken = [(x, y, 8.0) for x, y in placed]
    found = []
    for (x, y), (_, name) in zip(placed, named):
        half = _LETTER * len(name) / 2

        def free(height: int, x=x, y=y, half=half) -> bool:
            return all(
                abs(x - a) > half + b or abs(y + height - c) > _LINE for a, c, b in taken
            )

        height = next((one for one in _HEIGHTS if free(one)), _HEIGHTS[0])
        taken.append((x, y + height, half))
        found.append(height)
    return found


def _known(mean: Mean) -> list[float]:
    """The mean and, where it has them, its limits."""
    return [one for one in (mean.value, mean.low, mean.high) if math.isfinite(one)]


def _errors(means: Sequence[Mean], colour: str) -> dict:
    return {
        "type": "data", "symmetric": False, "color": colour, "thickness": 1, "width": 3,
        "array": [100 * (mean.high - mean.value) for mean in means],
        "arrayminus": [100 * (mean.value - mean.low) for mean in means],
    }
