"""What the benchmark says about a step of the page, where it has asked."""

import math
from pathlib import Path

from space_core import leaderboard
from space_core.leaderboard import RANDOM, SPACE


def of_choice(results: Path) -> str:
    """Whether anchors chosen by words do better than images drawn blindly and moved alike.

    Empty where it was not measured on two concepts at least.
    """
    try:
        board = leaderboard.read(results)
    except ValueError:
        return ""  # The tab of the leaderboard says so.
    rows = [row for row in board.rows if row.method in (SPACE, RANDOM)] if board else []
    line = next((one for one in leaderboard.lines(rows) if one.method == RANDOM), None)
    if line is None or line.targets < 2 or math.isnan(line.less.value):
        return ""
    low, high = line.less.low, line.less.high
    found = (
        "choosing by words pays" if high < 0 else "images drawn blindly did better" if low > 0
        else "no difference is shown"
    )  # fmt: skip
    points = line.less.text(lambda value: f"{100 * value:+.1f}")
    return (
        f"Does choosing by words pay? The benchmark erased {line.targets} concepts with images "
        "drawn blindly from the pool in place of these, moved in the same way. On GRF-F1, which "
        "counts forgetting and sparing the neighbours from 0 to 100, that made a difference of "
        f"{points} points (mean and 95 % interval): {found}."
    )
