"""The benchmark's lines as tables: Markdown and HTML."""

import math
from collections.abc import Sequence
from html import escape

from space_core.leaderboard import DATA_DEPENDENT, MEASURES, SOURCE_FREE, Line


def markdown(found: Sequence[Line]) -> str:
    """The lines as a Markdown table."""
    head, *body = _cells(found)
    rows = [head, ["---"] * len(head), *body]
    return "\n".join(f"| {' | '.join(cells)} |" for cells in rows)


def table(found: Sequence[Line]) -> str:
    """The lines as an HTML table, with source-free methods above data-dependent ones."""
    head, *body = _cells(found)
    parts = []
    for needs in (SOURCE_FREE, DATA_DEPENDENT):
        own = [cells for line, cells in zip(found, body) if line.needs == needs]
        rows = "".join(
            f'<tr><th scope="row">{escape(name)}</th>'
            + "".join(f"<td>{escape(cell)}</td>" for cell in cells) + "</tr>"
            for name, *cells in own
        )  # fmt: skip
        if own:
            parts.append(
                f'<tbody><tr><th scope="rowgroup" colspan="{len(head)}">{escape(needs)}</th></tr>'
                f"{rows}</tbody>"
            )
    heads = "".join(f'<th scope="col">{escape(cell)}</th>' for cell in head)
    return f"<table><thead><tr>{heads}</tr></thead>{''.join(parts)}</table>"


def _seconds(line: Line) -> str:
    times = "" if math.isnan(line.times) else f" ({line.times:.2g} ×)"
    return f"{line.seconds:.0f}{times}"


def _cells(found: Sequence[Line]) -> list[list[str]]:
    """The table's head, and each line's cells."""
    head = ["method", "needs", "what it is", "targets", *(head for head, _ in MEASURES.values())]
    cells = [[
        *head, "GRF-F1 less SPACE's, points; p of a difference by chance", "seconds (× SPACE's)",
    ]]  # fmt: skip
    for line in found:
        means = [
            line.means[name].text("{:.2f}".format if name == "gap" else "{:.1%}".format)
            for name in MEASURES
        ]
        points = line.less.text(lambda value: f"{100 * value:+.1f}")
        points += f", p {line.p:.2g}" if line.p == line.p else ""
        cells.append([
            line.method, line.short,
            f"{line.what}; {line.setting}" if line.setting else line.what, str(line.targets),
            *means, points, _seconds(line),
        ])  # fmt: skip
    return cells
