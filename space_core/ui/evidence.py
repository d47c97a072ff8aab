"""What the benchmark says about a step of the page, where it has asked."""

import math
from pathlib import Path

from space_core import leaderboard
from space_core.leaderboard import CHOSEN, RANDOM, SPACE

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
    return (
        "Does it pay to choose anchors by words, or to draw some by chance? The benchmark erased "
        "concepts with half of the anchors of each kind, as here, and otherwise. On GRF-F1, which "
        "counts forgetting and sparing the neighbours from 0 to 100, "
        f"{'; '.join(found)} (mean and 95 % interval)."
    )


def _compared(line: leaderboard.Line) -> str:
    low, high = line.less.low, line.less.high
    found = "worse" if high < 0 else "better" if low > 0 else "no difference is shown"
    points = line.less.text(lambda value: f"{100 * value:+.1f}")
    return f"{line.targets} concepts came out {points} points: {found}"
