"""Step 5: what an auditor takes away: the facts of the run, a decision, the files."""

from collections.abc import Iterator, Sequence
from html import escape
from pathlib import Path
from typing import TYPE_CHECKING, Any

import gradio as gr

from space_core.decisions import LONGEST_NAME, LONGEST_NOTES, Decision, decide
from space_core.downloads import download_folder
from space_core.runs import add_decision, decisions_of
from space_core.ui import facts, markup, wording
from space_core.ui.pipeline import Pipeline
from space_core.ui.where import Where, hidden_mark
from space_core.ui.wiring import Parts, View, listen

if TYPE_CHECKING:
    from space_core.audit import Finished

# Part of the page → field of the Takeaway, and what the button says.
_FILES = {
    "bundle_file": ("bundle", "Everything (zip)"),
    "report_file": ("report", "Report (HTML)"),
    "questions_file": ("questions", "Questions (CSV)"),
    "record_file": ("record", "Record (JSON)"),
    "edit_file": ("edit", "Edit (safetensors)"),
    "lora_file": ("lora", "LoRA adapter (zip)"),
}
_OFFERED = (*_FILES, "save_status")
SHOWN = (
    "record_mark", "kept", "live_record", "live_facts", "decided_run", "judgement", "notes",
    "decide", "decision_status", "decisions", "files_run", "record_tab", *_OFFERED,
)
DELETED = ("kept", "decide", "decision_status", "source", *_OFFERED)


def build() -> dict[str, Any]:
    """The components, by name: hidden until there is a run."""
    parts: dict[str, Any] = {**hidden_mark("record")}
    with gr.Column(visible=False) as parts["live_record"]:
        parts["live_facts"] = gr.HTML()
        parts["decided_run"] = gr.HTML()
        gr.HTML(markup.note(
            "Say what you conclude. A decision is kept with the run and in its files; a later "
            "one stands beside it and erases nothing."
        ))
        with gr.Row():
            parts["auditor"] = gr.Textbox(
                label="Your name", max_lines=1, max_length=LONGEST_NAME, min_width=260
            )
            parts["judgement"] = gr.Radio(
                [(said, verdict) for verdict, said in facts.JUDGEMENTS.items()],
                label="Your decision", min_width=260,
            )
        parts["notes"] = gr.Textbox(
            label="Notes (optional)", lines=3, max_lines=12, max_length=LONGEST_NOTES,
            info="Why, and what should be looked at again.",
        )
        parts["decide"] = gr.Button("Save decision", variant="primary")
        parts["decision_status"] = gr.HTML()
        parts["decisions"] = gr.HTML()
        parts["files_run"] = gr.HTML()
        gr.HTML(markup.note(
            "Download what you want to keep: this page offers the files for about an hour; later, "
            "open the run again under My runs. "
            "The zip holds all the others and says how to apply the edit. Printed from the "
            "browser, the report becomes a PDF. The edit is what the erasure changed, as "
            "numbers; the LoRA adapter is nearly the same in the form that other tools load."
        ))
        with gr.Row():
            for name, (_, said) in _FILES.items():
                parts[name] = gr.DownloadButton(said, interactive=False, min_width=170)
        parts["save_status"] = gr.HTML()
    return parts


def connect(parts: Parts, pipeline: Pipeline) -> None:
    """Tie this step's events to their handlers."""

    def save(*values: Any) -> Iterator[View]:
        yield from save_decision(pipeline, *values)

    listen(
        parts["decide"].click, save, parts,
        inputs=("finished", "kept", "judgement", "auditor", "notes", "where", "record_mark"),
        outputs=("judgement", "notes", "decision_status", "decisions", *_OFFERED),
        failed=lambda sentence: {"decision_status": markup.status(sentence, "warning")},
        queue=False,
    )


def keep(
    pipeline: Pipeline, finished: "Finished", key: str, visitor: str
) -> tuple[Path | None, str]:
    """Keep a run that has ended. Gives its folder, or a sentence on why there is none: a full disk
    must not cost the visitor the result.
    """
    try:
        return pipeline.save(key, visitor, finished.record, finished.edit), ""
    except Exception as error:
        return None, (
            "The run could not be kept, and cannot be opened again: download here what you need of "
            f"it. {wording.explain(error)}"
        )


def shown(
    pipeline: Pipeline, finished: "Finished", kept: Path | None, fault: str
) -> dict[str, Any]:
    """A run as the page shows it, with what `keep` gave; packs its files, and opens step 5."""
    view = {
        **_undecided(finished, facts.of_run(finished.record, "live"), ()), "kept": kept,
        **_offered(pipeline, finished, ()),
    }
    if fault and not view["save_status"]:
        view["save_status"] = markup.status(fault, "warning")
    return view


def reopened(pipeline: Pipeline, finished: "Finished", kept: Path) -> dict[str, Any]:
    """What stands below a kept run that its owner opened: decision and files, no facts."""
    decisions = decisions_of(kept)
    return {
        **_undecided(finished, "", decisions), "kept": kept,
        **_offered(pipeline, finished, decisions),
    }


def beside_another(kept: Path | None, live_facts: str) -> dict[str, Any]:
    """When another record takes the place of the facts above: a run whose own facts stood there,
    and not here, goes with them."""
    return hidden() if kept is not None and not live_facts else {}


def hidden() -> dict[str, Any]:
    """Neither decision nor files."""
    return {"live_record": gr.update(visible=False), "kept": None}


def deleted() -> dict[str, Any]:
    """How step 5 stands when the run that it shows was deleted."""
    text = "This run was deleted: nothing can be decided about it any more."
    return {
        "kept": None, "decide": gr.update(interactive=False),
        "decision_status": markup.status(text, "warning"),
        "source": markup.note("The run shown here was deleted: it has no link any more."),
        **_nothing("This run was deleted, and its files with it."),
    }


def save_decision(
    pipeline: Pipeline, finished: "Finished | None", kept: Path | None, judgement: str | None,
    auditor: str, notes: str, where: Where, mark: str,
) -> Iterator[View]:
    """Keep what the auditor decided, list all decisions, and pack the files anew.

    where, mark: the visitor's, and what step 5 showed when this was pressed.
    """
    if finished is None or kept is None:
        raise ValueError("There is no kept run to decide about: erase a concept in step 3.")
    where.check("record", mark)
    if not judgement:
        raise ValueError("Choose first: accept, reject, or more work needed.")
    decisions = add_decision(kept, decide(judgement, auditor, notes))
    yield {
        "judgement": None, "notes": "", "decisions": facts.of_decisions(decisions),
        "decision_status": markup.status("Saved, with the run and in its files.", "good"),
        **_offered(pipeline, finished, decisions),
    }


def _undecided(
    finished: "Finished", live_facts: str, decisions: Sequence[Decision]
) -> dict[str, Any]:
    return {
        "live_record": gr.update(visible=True), "live_facts": live_facts, "judgement": None,
        "decided_run": _headed("Decision on", finished), "files_run": _headed("Files of", finished),
        "notes": "", "decision_status": "", "decisions": facts.of_decisions(decisions),
        "decide": gr.update(interactive=True), "record_tab": gr.update(interactive=True),
    }


def _headed(what: str, finished: "Finished") -> str:
    record = finished.record
    return (
        f'<h2 class="section">{what} “{escape(record.selection.request.name)}”</h2>'
        + markup.note(f"Run {record.run_id}.")
    )


def _offered(
    pipeline: Pipeline, finished: "Finished", decisions: Sequence[Decision]
) -> dict[str, Any]:
    try:
        folder = download_folder(finished.record.run_id)
        files = pipeline.take_away(folder, finished.record, finished.edit, decisions)
    except Exception as error:
        return _nothing(f"The files could not be made for download. {wording.explain(error)}")
    return {"save_status": "", **{
        name: gr.update(value=str(getattr(files, field)), interactive=True)
        for name, (field, _) in _FILES.items()
    }}


def _nothing(sentence: str) -> dict[str, Any]:
    # Nor may the files of an earlier run pass for those of this one.
    gone = {name: gr.update(value=None, interactive=False) for name in _FILES}
    return {"save_status": markup.status(sentence, "warning"), **gone}
