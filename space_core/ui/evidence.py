"""What the benchmark says about a step of the page, where it has asked."""

import math
from pathlib import Path

from space_core import leaderboard
from space_core.intervals import sign_flip
from space_core.leaderboard import CHOSEN, RANDOM, SPACE

_BY_CHANCE = 0.05
_OTHERWISE = {CHOSEN: "all chosen by words", RANDOM: "all drawn by chance"}


def of_choice(results: Path) -> str:
    """Whether choosing anchors by words pays, and whether drawing half of them by chance does.

    Empty where neither was measured on two concepts at least.
    """
    try:
        board = leaderboard.read(results)
    except ValueError:
        return ""  # The tab of the leaderboard says so.
    rows = [row for row in board.rows if row.method in (SPACE, *_OTHERWISE)] if board else []
    lines = {one.method: one for one in leaderboard.lines(rows)}
    found = [
        f"with {words}, {_compared(lines[method])}"
        for method, words in _OTHERWISE.items()
        if method in lines and lines[method].targets > 1
        and not math.isnan(lines[method].less.value)
    ]
    if not found:
        return ""
    less = _paired(rows)
    if len(less) > 1:
        shown = _said(len(less), leaderboard.mean(less, (-1.0, 1.0)), sign_flip(less))
        found.append(f"all chosen against all drawn, {shown}")
    return (
        "Does it pay to choose anchors by words, or to draw some by chance? The benchmark erased "
        "concepts with half of the anchors of each kind, as here, and otherwise. On GRF-F1, which "
        "counts forgetting and sparing the neighbours from 0 to 100, "
        f"{'; '.join(found)} (mean, in brackets its 95 % interval; a difference is shown where "
        "chance would bring one as large in less than 5 of 100 cases)."
    )


def _paired(rows: list[leaderboard.Row]) -> list[float]:
    """GRF-F1 of all chosen less that of all drawn, on the concepts that both were tried on."""
    chosen, drawn = (
        {row.target: row.grf_f1 for row in rows if row.method == method}
        for method in (CHOSEN, RANDOM)
    )
    return [chosen[name] - drawn[name] for name in sorted(chosen.keys() & drawn.keys())]


def _compared(line: leaderboard.Line) -> str:
    return _said(line.targets, line.less, line.p)


def _said(targets: int, less: leaderboard.Mean, p: float) -> str:
    found = "better" if less.value > 0 else "worse"
    found = found if p < _BY_CHANCE else "no difference is shown"
    points = less.text(lambda value: f"{100 * value:+.1f}")
    return f"{targets} concepts came out {points} points: {found}"
