"""Runs side by side: what was set differently, what was measured, the same questions."""

from collections.abc import Iterable, Iterator, Sequence
from html import escape
from typing import Any

import gradio as gr

from space_core.compare import FEWEST, MOST, Comparison, Question, check_number, compare
from space_core.labels import share_said
from space_core.runs import load_record
from space_core.types import Share
from space_core.ui import markup, my_runs, wording
from space_core.ui.pipeline import Pipeline
from space_core.ui.wiring import Parts, View, listen

_QUESTION, _IMAGE = 22, 14  # of the table's width, in percent
_SHOWN = ("compared", "comparison", "compared_questions", "tabs", "runs_status")


def build() -> dict[str, Any]:
    """The components, by name."""
    gr.HTML(markup.note(
        f"Tick {FEWEST} to {MOST} runs under My runs in the sidebar (the arrow at the left edge "
        "opens it), and press Compare. Intervals and confidences speak of one run: the best of "
        "several, chosen by these numbers, looks better than it is."
    ))
    parts: dict[str, Any] = {"comparison": gr.HTML()}
    parts["only_differing"] = gr.Checkbox(
        False, label="Only questions with different outcomes"
    )
    parts["compared_questions"] = gr.Dataframe(
        headers=_headers(0), datatype="str", interactive=False, wrap=True, max_height=520,
        buttons=[], label="Questions that all these runs asked", elem_id="compared-questions",
        elem_classes="wide",
    )
    return parts


def connect(parts: Parts, pipeline: Pipeline) -> None:
    """Tie the events of the comparison to their handlers."""

    def start(*values: Any) -> Iterator[View]:
        yield from side_by_side(pipeline, *values)

    waiting = listen(
        parts["compare_runs"].click, wait, parts, outputs=("runs_status",), queue=False,
        show_progress="hidden",
    )
    compared = listen(
        waiting.then, start, parts, inputs=("visitor", "my_runs", "only_differing"),
        outputs=_SHOWN, queue=False, show_progress="hidden",
        failed=lambda sentence: {"runs_status": markup.status(sentence, "warning")},
    )
    my_runs.make_room(compared.then, parts)
    listen(
        parts["only_differing"].input, filtered, parts, inputs=("compared", "only_differing"),
        outputs=("compared_questions",), queue=False, show_progress="hidden",
    )


def wait() -> Iterator[View]:
    """Several records with all of their questions take a moment."""
    yield {"runs_status": markup.status("Reading the runs…", "busy")}


def side_by_side(
    pipeline: Pipeline, visitor: str, ticked: Sequence[str], differing: bool
) -> Iterator[View]:
    """Show the ticked runs side by side."""
    check_number(len(ticked))
    runs = pipeline.runs.result()
    entries = [runs.find_own(visitor, key) for key in ticked]
    found = compare([load_record(runs.place(entry)) for entry in entries])
    names = [f"{n}. {my_runs.line(entry)}" for n, entry in enumerate(entries, start=1)]
    yield {
        "compared": found, "tabs": gr.update(selected="compare"), "runs_status": "",
        "comparison": _summary(found, names), "compared_questions": gr.update(
            value=_table(found, differing), column_widths=_widths(len(found.asked)),
        ),
    }


def filtered(found: Comparison | None, differing: bool) -> Iterator[View]:
    """The rows of the table under the filter."""
    if found is not None:
        yield {"compared_questions": _table(found, differing)}


def table(caption: str, names: Sequence[str], rows: Iterable[tuple[str, Sequence[str]]]) -> str:
    """Rows of texts under names, as HTML that scrolls in a box of its own."""
    head = "".join(f'<th scope="col">{escape(name)}</th>' for name in names)
    body = "".join(
        f'<tr><th scope="row">{escape(name)}</th>'
        + "".join(f"<td>{escape(value)}</td>" for value in values)
        + "</tr>"
        for name, values in rows
    )
    return (
        '<div class="compared" tabindex="0" role="region" aria-label="'
        f'{escape(caption)}"><table><thead><tr><td></td>{head}</tr></thead><tbody>{body}</tbody>'
        "</table></div>"
    )


def _summary(found: Comparison, names: Sequence[str]) -> str:
    measured = [
        (share_said(one.name), [*map(_share, one.shares)]) for one in found.measures
    ]
    settings = [(one.name, one.values) for one in found.settings]
    alike = markup.note("Nothing: the runs were made with the same settings, model and versions.")
    *others, last = (f"{count:,}" for count in found.asked)
    asked = f"{', '.join(others)} and {last}"
    return (
        '<h2 class="section">What was measured</h2>'
        + markup.note(
            "Under each share its 95 % interval, which step 4 explains. Where intervals overlap, a "
            "difference may be chance."
        )
        + table("Measurements", names, measured)
        + '<h2 class="section">What went in differently</h2>'
        + (table("Settings", names, settings) if settings else alike)
        + '<h2 class="section">The same questions</h2>'
        + markup.note(
            f"The runs asked {asked} questions; {len(found.questions):,} of them are the same: "
            "same words, same image, same concept. The outcome stands in words behind each answer."
        )
    )


def _share(share: Share) -> str:
    value = wording.percent(share.value) if share.questions else "not measured"
    return f"{value}\n{wording.behind(share)}"


def _headers(runs: int) -> list[str]:
    return ["Question", "Image", "Before", *(f"Run {n}, after" for n in range(1, runs + 1))]


def _table(found: Comparison, differing: bool) -> dict[str, Any]:
    rows = [_row(one) for one in found.questions if one.differs or not differing]
    return {"headers": _headers(len(found.asked)), "data": rows}


def _widths(runs: int) -> list[str]:
    """Of question, image and answers: as wide as the page, so that no run lies out of sight."""
    answers = 100 - _QUESTION - _IMAGE
    return [f"{_QUESTION}%", f"{_IMAGE}%", *[f"{answers / (1 + runs):.1f}%"] * (1 + runs)]


def _row(one: Question) -> list[str]:
    # The base model is the same in most comparisons: then its answer is said once.
    before = " / ".join(dict.fromkeys(one.before))
    after = (
        f"{text} → {wording.outcome_said(kind)}" for text, kind in zip(one.after, one.kinds)
    )
    return [one.question, wording.image_name(one.image), before, *after]
