"""Rows → leaderboard, CSV files, and a self-contained page with the FA–RA Pareto plot."""

import csv
import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from html import escape
from pathlib import Path

import plotly.graph_objects as go
import pyarrow as pa
import pyarrow.parquet as pq

from space_core.bench.methods import SPACE
from space_core.bench.score import Row
from space_core.intervals import bootstrap_mean

COLUMNS = (
    "method", "target", "domain", "n", "fa", "generality", "ra", "proximal_ra", "grf_f1",
    "text_ra", "gap", "seconds", "seconds_ratio",
)  # fmt: skip
COST = (
    "method", "target", "domain", "seconds", "seconds_ratio", "cpu_seconds", "peak_mb",
    "parameters",
)  # fmt: skip
_SHARES = ("fa", "generality", "ra", "proximal_ra", "proximal_all", "grf_f1", "text_ra")
_ABLATION = ("ablation", "control", "ceiling")
_SYMBOLS = {
    "ours": "star", "data-dependent": "circle", "source-free": "diamond", "control": "x",
    "ablation": "triangle-up", "ceiling": "square",
}  # fmt: skip


def write(folder: Path, rows: Sequence[Row], groups: Mapping[str, str]) -> str:
    """Write every table and the page; return the leaderboard as Markdown."""
    folder.mkdir(parents=True, exist_ok=True)
    lines = [{**asdict(row), "seconds_ratio": _ratio(row, rows)} for row in rows]
    for path, columns, kept in (
        ("leaderboard.csv", COLUMNS, lambda group: group not in _ABLATION),
        ("ablation.csv", COLUMNS, lambda group: group in (*_ABLATION, "ours")),
        ("cost.csv", COST, lambda group: True),
    ):
        own = [line for line in lines if kept(groups.get(line["method"], ""))]
        _csv(folder / path, columns, own)
    if lines:
        pq.write_table(pa.Table.from_pylist(lines), folder / "leaderboard.parquet")
    (folder / "leaderboard.html").write_text(_page(rows, groups), encoding="utf-8")
    return markdown(rows, groups)


def markdown(rows: Sequence[Row], groups: Mapping[str, str]) -> str:
    """Mean over targets with its 95 % bootstrap interval, for every method; then the pairs."""
    head = ("method", "kind", "targets", *_SHARES, "GRF-F1 less SPACE's")
    lines = [f"| {' | '.join(head)} |", "|" + " --- |" * len(head)]
    for method in dict.fromkeys((SPACE, *sorted(groups))):
        own = [row for row in rows if row.method == method]
        if own:
            shares = [interval([getattr(row, name) for row in own]) for name in _SHARES]
            cells = (method, groups.get(method, ""), str(len(own)), *shares, paired(rows, method))
            lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines)


def interval(values: Sequence[float]) -> str:
    """"98.2 % (97.0 – 99.1)": the mean over targets and its bootstrap interval."""
    known = [value for value in values if not math.isnan(value)]
    if not known:
        return "—"
    low, high = bootstrap_mean(known, 0)
    return f"{sum(known) / len(known):.1%} ({low:.1%} – {high:.1%})"


def paired(rows: Sequence[Row], method: str) -> str:
    """The mean difference in GRF-F1 to SPACE over the targets that both ran on."""
    ours = {row.target: row.grf_f1 for row in rows if row.method == SPACE}
    differences = [
        row.grf_f1 - ours[row.target]
        for row in rows
        if row.method == method and row.target in ours and not math.isnan(row.grf_f1)
    ]
    if method == SPACE or not differences:
        return "—"
    low, high = bootstrap_mean(differences, 0, limits=(-1.0, 1.0))
    return f"{100 * sum(differences) / len(differences):+.1f} ({100 * low:+.1f} – {100 * high:+.1f})"


def pareto(rows: Sequence[Row], groups: Mapping[str, str]) -> go.Figure:
    """Each method at its mean FA and mean proximal RA; up and left is better."""
    figure = go.Figure()
    for method in dict.fromkeys(row.method for row in rows):
        own = [row for row in rows if row.method == method]
        fa, ra = (sum(getattr(row, name) for row in own) / len(own) for name in ("fa", "proximal_ra"))
        symbol = _SYMBOLS.get(groups.get(method, ""), "circle-open")
        figure.add_scatter(
            x=[fa], y=[ra], mode="markers+text", text=[method], textposition="top center",
            marker={"symbol": symbol, "size": 12}, name=f"{method} ({groups.get(method, '')})",
        )
    return figure.update_layout(
        xaxis={"title": "forget accuracy (want 0)", "tickformat": ".0%"},
        yaxis={"title": "proximal retained accuracy (want 100 %)", "tickformat": ".0%"},
        template="plotly_white", height=520,
    )


def _page(rows: Sequence[Row], groups: Mapping[str, str]) -> str:
    table = "".join(
        "<tr>" + "".join(f"<td>{escape(cell.strip())}</td>" for cell in line.split("|")[1:-1])
        + "</tr>"
        for number, line in enumerate(markdown(rows, groups).splitlines())
        if number != 1
    )  # fmt: skip
    plot = pareto(rows, groups).to_html(
        full_html=False, include_plotlyjs=True, div_id="pareto", config={"displaylogo": False}
    )
    return (
        "<!doctype html><html lang='en'><meta charset='utf-8'><title>Leaderboard</title>"
        "<style>body{font:15px system-ui;margin:2rem auto;max-width:76rem;padding:0 1rem}"
        "table{border-collapse:collapse;display:block;overflow-x:auto}"
        "td{padding:.3rem .6rem;border-bottom:1px solid #ccc}</style>"
        "<h1>Leaderboard</h1><p>Made by <code>python -m space_core bench</code>. Mean over "
        "targets, 95 % bootstrap interval by target.</p>"
        f"{plot}<table>{table}</table></html>\n"
    )


def _ratio(row: Row, rows: Sequence[Row]) -> float:
    """Seconds over SPACE's on the same target."""
    ours = [one.seconds for one in rows if one.method == SPACE and one.target == row.target]
    return row.seconds / ours[0] if ours and ours[0] > 0 else float("nan")


def _csv(path: Path, columns: Sequence[str], lines: Sequence[Mapping[str, object]]) -> None:
    part = path.with_name(f".{path.name}.part")
    with part.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(columns)
        for line in lines:
            values = [line[name] for name in columns]
            writer.writerow(f"{v:.4f}" if isinstance(v, float) else v for v in values)
    part.replace(path)
