"""A run as one self-contained HTML page: figures, results, anchors, questions, hashes."""

from collections.abc import Iterable, Sequence
from dataclasses import fields
from html import escape
from pathlib import Path

from space_core import plots
from space_core.damage import LayerReport
from space_core.decisions import Decision
from space_core.labels import (
    COLUMNS, SHARES, groups_said, hashes_said, settings_said, share_said,
)  # fmt: skip
from space_core.outcome_words import in_words
from space_core.plot_notes import PLOTS
from space_core.types import Anchor, Belief, Outcome, RunRecord, Share
from space_core.verdict import (
    INTERVAL, NOT_MEASURED, VIEWS, answers, guarantees, said_instead, verdict,
)  # fmt: skip
from space_core.ways import GIVEN_AWAY, all_said, ways
from space_core.whole import write_whole

_TITLES = {
    "bands": "Answers kept, by similarity to the concept",
    "domains": "Answers kept, by domain",
    "bound": "Change of each layer against its bound",
    "costs": "Change for each of the nearest concepts",
    "layers": "Spectral entropy of each layer's inputs",
    "losses": "Loss",
    "entropies": "Spectral entropy of the anchors",
    "drift": "Drift of other knowledge",
    "let_through": "Share of the gradient that the hard null space lets through",
    "histogram": "The pool's similarity to the text",
    "states": "The model's states, before and after",
}
_STYLE = """
body { font: 15px/1.5 system-ui, sans-serif; max-width: 70rem; margin: 2rem auto; padding: 0 1rem }
table { border-collapse: collapse; margin: 1rem 0 }
th, td { padding: .2rem .7rem; text-align: left; border-bottom: 1px solid #ddd }
td { overflow-wrap: anywhere; white-space: pre-line }
.warning { background: #fff3cd; padding: .4rem .8rem }
.plotly-graph-div { max-width: 42rem }
@page { size: A4; margin: 14mm }
@media print {
  body { font-size: 10pt; max-width: none; margin: 0; padding: 0 }
  table { font-size: 7pt; width: 100% }
  th, td { padding: 1pt 3pt; vertical-align: top }
  thead { display: table-header-group }
  tr, .plotly-graph-div { break-inside: avoid }
  h1, h2 { break-after: avoid }
  .modebar-container { display: none }
  .warning { border-left: 3pt solid #c2570c }
}
"""


def report_html(record: RunRecord, decisions: Sequence[Decision] = ()) -> str:
    """The whole page, the same for the same run. Loads nothing: plotly's script is in it. Every
    text is escaped. Printed, it fits a sheet of A4."""
    request = record.selection.request
    figures = {
        "bands": plots.bands(record.bands), "domains": plots.domains(record.domains),
        "bound": plots.perturbations(record.layers), "costs": plots.neighbour_costs(record.layers),
        "layers": plots.layer_entropies(record.layers), "losses": plots.losses(record.steps),
        "entropies": plots.entropies(record.steps), "drift": plots.drift(record.steps),
        **({"let_through": plots.let_through(record.steps)} if _is_hard(record) else {}),
        "histogram": plots.similarities(record.selection.scores, record.selection.threshold),
        **({"states": plots.state_map(record.states)} if record.states else {}),
    }  # fmt: skip
    notes = {name: [PLOTS[name]] for name in figures if name in PLOTS}
    notes["bound"].append(guarantees(record))
    if record.states:
        notes["states"] = [plots.state_map_note(record.states)]
    drawn = (
        f"<h2>{_TITLES[name]}</h2>"
        + "".join(f"<p>{escape(note)}</p>" for note in notes.get(name, ()) if note)
        + figure.to_html(full_html=False, include_plotlyjs=place == 0, div_id=f"plot-{place}")
        for place, (name, figure) in enumerate(figures.items())
    )
    said, found = verdict(record), ways(record.outcomes)
    title = escape(f"Erasure of “{request.name}”")
    return "\n".join([
        "<!doctype html>",
        '<html lang="en"><meta charset="utf-8">',
        '<meta name="viewport" content="width=device-width">',
        f"<title>{title}</title><style>{_STYLE}</style>",
        f"<h1>{title}</h1>",
        f"<p><b>{escape(said.headline)}.</b></p>",
        *(f'<p class="warning">{escape(one)}</p>' for one in record.warnings),
        f"<p>{escape(said.why)}</p>",
        f"<p>{escape(INTERVAL)} {escape(VIEWS)}</p>",
        _table(("", "Answer, by the 95 % interval"), answers(record).items()),
        f"<p>{GIVEN_AWAY}, by what is asked: {escape(all_said(found))}.</p>" if found else "",
        _table(("", "Share", "95 % interval", "Questions", "Views", "Images"),
               ((name, *cells(share)) for name, share in headline(record).items())),
        "<h2>What was not measured</h2>",
        "<ul>", *(f"<li>{escape(one)}" for one in NOT_MEASURED), "</ul>",
        *(["<h2>Decisions</h2>", _rows(Decision, decisions)] if decisions else ()),
        *drawn,
        "<h2>Layers</h2>", _rows(LayerReport, record.layers, without="neighbours"),
        "<h2>Proxy anchors</h2>", _rows(Anchor, record.selection.anchors),
        "<h2>Anchors as optimised</h2>", _rows(Belief, record.beliefs, "rows"),
        "<h2>The run</h2>", _table(("", ""), _facts(record)),
        "<h2>Every question</h2>", _rows(Outcome, map(in_words, record.outcomes)),
        "</html>\n",
    ])  # fmt: skip


def headline(record: RunRecord) -> dict[str, Share]:
    """The shares by which a run is judged, under their names."""
    text_too = record.selection.request.text_too
    shares = {name: getattr(record, name) for name in SHARES}
    # Older records know nothing of what text tells.
    return {share_said(name, text_too): share for name, share in shares.items() if share}


def write_report(path: Path, record: RunRecord, decisions: Sequence[Decision] = ()) -> None:
    """Write the page so that a reader sees all of it or nothing."""
    write_whole(path, report_html(record, decisions))


def cells(share: Share) -> tuple[str, ...]:
    """A share in a table: itself, its interval, questions, views, and the images behind them."""
    counts = (str(share.questions), str(share.images), str(share.drawings))
    if not share.questions:
        return ("—", "—", *counts)
    return (f"{share.value:.1%}", f"{share.low:.1%} – {share.high:.1%}", *counts)


def _is_hard(record: RunRecord) -> bool:
    return any(event.let_through is not None for event in record.steps)


def _facts(record: RunRecord) -> Iterable[tuple[str, str]]:
    request = record.selection.request
    yield from (
        ("run", record.run_id),
        ("made", record.created),
        ("model", record.model),
        ("its commit on the hub", record.revision),
        ("encoder that chose the anchors", record.encoder),
        ("device", record.device),
        ("aliases", ", ".join(request.aliases)),
        ("description", request.description),
        ("general word asked for", request.category),
        ("in the name's place", said_instead(record)),
        ("protected concepts", ", ".join(request.protect)),
        ("asked about beside the concept", groups_said(request.questions)),
        ("to go from text too", "yes" if request.text_too else "no"),
        ("similarity cut", f"{record.selection.threshold:.3f}"),
        ("pool rows left out by hand", " ".join(map(str, record.selection.left_out))),
        ("stopped early", "yes" if record.stopped else "no"),
        ("base weights restored", "yes" if record.base_restored else "NO"),
        ("seconds", f"{record.seconds:.1f}"),
    )
    for group in (settings_said(record.settings), record.versions, hashes_said(record.hashes)):
        yield from group.items()


def _rows(kind: type, values: Iterable[object], without: str = "") -> str:
    names = [one.name for one in fields(kind) if one.name != without]
    rows = ([getattr(value, name) for name in names] for value in values)
    return _table([COLUMNS.get(name, name) for name in names], rows)


def _table(head: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    lines = ["<table>", "<thead><tr>" + "".join(f"<th>{escape(one)}" for one in head), "<tbody>"]
    lines += ["<tr>" + "".join(f"<td>{_text(cell)}" for cell in row) for row in rows]
    return "\n".join([*lines, "</table>"])


def _text(cell: object) -> str:
    if cell is None:
        return "—"
    if isinstance(cell, bool):
        return "yes" if cell else "no"
    if isinstance(cell, tuple):
        return escape(", ".join(cell))
    return escape(f"{cell:.4g}" if isinstance(cell, float) else str(cell))
