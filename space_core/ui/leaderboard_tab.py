"""The benchmark's results beside the steps: which method forgets best, and what it costs others."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import gradio as gr

from space_core import board_plots, board_tables, leaderboard
from space_core.leaderboard import MEASURES, RESULTS, About, Line
from space_core.method_words import METHODS
from space_core.ui import facts, markup
from space_core.ui.pipeline import Pipeline
from space_core.ui.wiring import Parts, View, listen

_ALL = "all domains"
_COMMAND = "python -m space_core bench --out docs/results/answers --results docs/results"
_PLOT = (
    "Each mark is a method: the further left, the less is left of the concept; the higher, the "
    "more stays: of its neighbours above, of other concepts below. Bars are 95 % intervals: had "
    "other concepts been taken, again and again, about 95 of 100 such bars would hold the true "
    "mean; none is drawn over fewer than six concepts, or where all came out alike. Filled marks "
    "are source-free methods, open ones need images of the concept; the legend says it too. Marks "
    "without a name, if any, are SPACE with a part changed. The dotted line joins the methods that "
    "no other beats at both. What ran on other concepts than SPACE did stands in the table below "
    "alone."
)
_CURVES = (
    "How many answers about other concepts stay, by how alike these are to the erased one. Those "
    "on the right suffer first: a line that stays up there spares the neighbours."
)


def build() -> dict[str, Any]:
    """The components, by name; filled when the tab is opened."""
    parts: dict[str, Any] = {}
    gr.HTML(
        '<h2 class="section">Leaderboard</h2>'
        + markup.note(
            "Methods that make a model forget, compared on concepts that no setting was chosen on; "
            "three faults of ours were seen on some of them and mended (docs/bench.md says which). "
            "Source-free methods get words alone; data-dependent ones are trained on images of the "
            "concept, which an auditor may not have."
        )
    )
    parts["board_status"] = gr.HTML()
    with gr.Column(visible=False) as parts["board"]:
        parts["board_domain"] = gr.Radio(
            [_ALL], value=_ALL, label="Concepts of", info="Means are taken over these."
        )
        gr.HTML(markup.note(_PLOT))
        parts["board_plot"] = gr.Plot(label="What is left, and what stays of the nearest concepts")
        parts["board_others"] = gr.Plot(label="What is left, and what stays of other concepts")
        gr.HTML(markup.note(_CURVES))
        parts["board_curves"] = gr.Plot(label="What stays, by how alike it is")
        parts["board_table"] = gr.HTML()
        parts["board_about"] = gr.HTML()
    return parts


def connect(parts: Parts, pipeline: Pipeline) -> None:
    """Tie this tab's events to their handlers."""

    def opened() -> Iterator[View]:
        yield from show(RESULTS, _ALL)

    def chosen(domain: str) -> Iterator[View]:
        yield from show(RESULTS, domain)

    options = {
        "outputs": (
            "board_status", "board", "board_domain", "board_plot", "board_others", "board_curves",
            "board_table", "board_about",
        ),
        "failed": lambda sentence: {
            "board_status": markup.status(sentence, "bad"), "board": gr.update(visible=False)
        },
        "queue": False, "show_progress": "hidden",
    }  # fmt: skip
    busy = {"outputs": ("board_status",), "queue": False, "show_progress": "hidden"}
    opening = listen(parts["board_tab"].select, wait, parts, **busy)
    listen(opening.then, opened, parts, **options)
    choosing = listen(parts["board_domain"].input, wait, parts, **busy)
    listen(choosing.then, chosen, parts, inputs=("board_domain",), **options)


def wait() -> Iterator[View]:
    """Tables and plots of many methods take a moment."""
    yield {"board_status": markup.status("Reading the results…", "busy")}


def show(results: Path, domain: str) -> Iterator[View]:
    """The results in a folder, over one domain's targets or all."""
    board = leaderboard.read(results)
    if board is None:
        text = f"There are no results yet. This command measures them, in some hours: {_COMMAND}"
        yield {"board_status": markup.status(text), "board": gr.update(visible=False)}
        return
    found = leaderboard.lines(board.rows, "" if domain == _ALL else domain)
    yield {
        "board_status": "", "board": gr.update(visible=True),
        "board_domain": gr.update(choices=[_ALL, *board.domains], value=domain),
        "board_plot": board_plots.pareto(found), "board_others": board_plots.pareto(found, "ra"),
        "board_curves": board_plots.curves(found),
        "board_table": '<div class="board" tabindex="0" role="region" aria-label="Leaderboard">'
        f"{board_tables.table(found)}</div>",
        "board_about": _meanings(found) + _about(board.about),
    }  # fmt: skip


def _meanings(found: Sequence[Line]) -> str:
    methods = {one.method: METHODS[one.method] for one in found if one.method in METHODS}
    heads = {head: meaning for head, meaning in MEASURES.values()}
    note = (
        "Mean over concepts with its 95 % interval (bootstrap by concept, which is too narrow over "
        "few concepts: of a difference p says more). ↓ less is better."
    )
    return (
        f'<h2 class="section">What the methods do</h2>{facts.listed(methods)}'
        f'<h2 class="section">What the columns say</h2>{markup.note(note)}{facts.listed(heads)}'
    )


def _about(about: About) -> str:
    versions = ", ".join(f"{name} {version}" for name, version in about.versions.items())
    said = {
        "Command": about.command, "When (UTC)": about.created, "Model": about.model,
        "Settings of the baselines": about.tuning, "Column “gap”": about.gap, "Versions": versions,
    }  # fmt: skip
    return f'<h2 class="section">How this was made</h2>{facts.listed(said)}'
