"""Rows → the results folder: CSV files, the file that `leaderboard` reads, a page of its own."""

import math
import statistics
from collections.abc import Sequence
from dataclasses import asdict
from html import escape
from pathlib import Path

from space_core import board_plots, board_tables, leaderboard
from space_core.bench.files import write_csv
from space_core.leaderboard import OURS, PARTS, SPACE, Leaderboard, Line, Row
from space_core.whole import write_whole

COLUMNS = (
    "method", "target", "domain", "n", "fa", "generality", "ra", "ra_of_before", "proximal_ra",
    "proximal_all", "grf_f1", "text_ra", "skills", "told", "broken", "broken_others", "gap",
    "seconds", "seconds_ratio", "setting", "forgotten",
)  # fmt: skip
ENTROPY = ("entropy_before", "entropy_after")
COST = (
    "method", "target", "domain", "seconds", "seconds_ratio", "cpu_seconds", "cpu_seconds_ratio",
    "reading_seconds", "inversion_seconds", "training_seconds", "peak_mb", "peak_mb_ratio",
    "parameters", "parameters_ratio",
)  # fmt: skip
_COSTS = ("seconds", "cpu_seconds", "peak_mb", "parameters")
CURVE = ("method", "setting", "similarity_from", "similarity_to", "kept", "asked")


def write(folder: Path, board: Leaderboard) -> str:
    """Write every table and the page; return the leaderboard as Markdown."""
    folder.mkdir(parents=True, exist_ok=True)
    rows = board.rows
    parts = [row for row in rows if row.group in OURS]
    for path, columns, own in (
        ("leaderboard.csv", COLUMNS, [row for row in rows if row.group not in PARTS]),
        ("ablation.csv", (*COLUMNS, *ENTROPY), parts),
        ("cost.csv", COST, rows),
    ):
        lines = [{**asdict(row), **_ratios(row, rows)} for row in own]
        write_csv(folder / path, columns, lines)
    leaderboard.save(folder, board)
    found = leaderboard.lines(rows)
    bands = [
        dict(zip(CURVE, (line.method, line.setting, edge, edge + leaderboard.BAND, kept, asked)))
        for line in found
        for edge, kept, asked in line.curve
    ]
    write_csv(folder / "curve.csv", CURVE, bands)
    write_whole(folder / "leaderboard.html", _page(found, board))
    usual = ", ".join(f"{name} {seconds:.0f} s" for name, seconds in _medians(rows).items())
    return (
        f"{board_tables.markdown(found)}\n\nMedian time of an edit: {usual}.\n"
        f"SPACE by stage, median: {', '.join(_stages(rows)) or 'not measured'}."
    )


def _page(found: Sequence[Line], board: Leaderboard) -> str:
    about = board.about
    by_domain = "".join(
        f"<h2>{escape(domain)}</h2>{board_tables.table(leaderboard.lines(board.rows, domain))}"
        for domain in board.domains
    )
    drawn = "".join(
        figure.to_html(
            full_html=False, include_plotlyjs=name == "pareto", div_id=name,
            config={"displaylogo": False},
        )
        for name, figure in (
            ("pareto", board_plots.pareto(found)), ("others", board_plots.pareto(found, "ra")),
            ("curves", board_plots.curves(found)),
        )
    )  # fmt: skip
    return (
        "<!doctype html><html lang='en'><meta charset='utf-8'><title>Leaderboard</title>"
        "<style>body{font:15px system-ui;margin:2rem auto;max-width:90rem;padding:0 1rem}"
        "table{border-collapse:collapse;display:block;overflow-x:auto}"
        "td,th{padding:.3rem .6rem;border-bottom:1px solid #ccc;text-align:left}</style>"
        f"<h1>Leaderboard</h1><p>Made by <code>{escape(about.command)}</code>, "
        f"{escape(about.created)}, on {escape(about.model)}. Mean over targets, 95 % bootstrap "
        "interval by target; none over fewer than six, or where all came out alike.</p>"
        f"<p>Baselines: {escape(about.tuning)} Gap: {escape(about.gap)}</p>"
        f"{drawn}{board_tables.table(found)}{by_domain}</html>\n"
    )


def _ratios(row: Row, rows: Sequence[Row]) -> dict[str, float]:
    """What a row cost over what SPACE did on the same target."""
    ours = [one for one in rows if one.method == SPACE and one.target == row.target]

    def ratio(name: str) -> float:
        cost = getattr(ours[0], name) if ours else 0.0
        return getattr(row, name) / cost if cost > 0 else math.nan

    return {f"{name}_ratio": ratio(name) for name in _COSTS}


def _stages(rows: Sequence[Row]) -> list[str]:
    ours = [row for row in rows if row.method == SPACE]
    return [
        f"{stage} {statistics.median(getattr(row, f'{stage}_seconds') for row in ours):.1f} s"
        for stage in ("reading", "inversion", "training")
        if ours
    ]


def _medians(rows: Sequence[Row]) -> dict[str, float]:
    seconds: dict[str, list[float]] = {}
    for row in rows:
        seconds.setdefault(row.method, []).append(row.seconds)
    return {name: statistics.median(some) for name, some in seconds.items()}
