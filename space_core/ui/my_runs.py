"""The sidebar: what this page works with, and the visitor's own runs, to open, compare, delete."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import gradio as gr

from space_core.kept_runs import LISTED, new_key
from space_core.run_index import Entry
from space_core.settings import DcsiConfig
from space_core.ui import (
    erased_list, facts, how_long, kept_run, markup, own_images, record_tab, wording,
)  # fmt: skip
from space_core.ui.pipeline import Pipeline
from space_core.ui.where import Where
from space_core.ui.wiring import Parts, View, listen, say_at_once

if TYPE_CHECKING:
    from space_core.audit import Bench

_LIST = ("my_runs", "runs_note", *erased_list.SHOWN)
_SHORT = 10
_NONE = "None yet. A run that ends is listed here"
_SHARED = "This installation shares all runs among its visitors. "
_KEPT_HERE = (
    "Only this browser lists them: elsewhere, or once it has forgotten this page, they are found "
    "by their links alone, and nobody can decide about them or delete them. "
)
_READ = (
    "The newest first. FA: how often the model still names the concept (lower is better). RA: how "
    "much other knowledge is kept (higher is better)."
)
# Where the page is narrow, the sidebar covers it.
_WIDE_ONLY = "() => ({open: window.innerWidth > 768, __type__: 'update'})"
# A window that becomes narrow: the open sidebar would lie on the page.
_FOLLOW_WIDTH = """() => matchMedia('(max-width: 768px)').addEventListener('change', (now) => {
  if (now.matches) document.querySelector('.sidebar.open .toggle-button')?.click();
})"""
# What arrives before the steps stand on a slow page would be lost.
_READ_LINK = """async (visitor, _link) => {
  while (!document.querySelector('[role=tab]'))
    await new Promise((again) => setTimeout(again, 50));
  return [visitor, new URLSearchParams(location.search).get('run') ?? ''];
}"""


def build() -> dict[str, Any]:
    """The components, by name."""
    parts: dict[str, Any] = {
        # It names this browser to the page, and the page hands it out: nothing to hide from it.
        "visitor": gr.BrowserState("", storage_key="space-auditor-visitor", secret="visitor"),
        "link": gr.Textbox(visible=False),
    }
    with gr.Sidebar(open=False, width=340) as parts["sidebar"]:
        parts["on_show"] = gr.HTML(facts.NOTHING_SHOWN)
        gr.HTML('<h2 class="section">This page works with</h2>')
        parts["setup"] = gr.HTML(markup.note("The model is still loading."))
        gr.HTML(markup.note("A hash is a fingerprint: the same hash means the same bytes."))
        parts |= erased_list.build()
        gr.HTML('<h2 class="section">My runs</h2>')
        parts["runs_note"] = gr.HTML()
        parts["my_runs"] = gr.CheckboxGroup(
            [], label="My runs", show_label=False, elem_id="my-runs", visible=False
        )
        # Another tab may have deleted what is ticked here: that is for a handler to say.
        parts["my_runs"].preprocess = lambda ticked: ticked or []
        with gr.Row():
            parts["open_run"] = gr.Button("Open", size="sm", min_width=70)
            parts["compare_runs"] = gr.Button("Compare", size="sm", min_width=70)
            parts["delete_runs"] = gr.Button("Delete", size="sm", min_width=70, variant="stop")
        parts["delete_status"] = gr.HTML()
        with gr.Row(visible=False) as parts["sure"]:
            parts["delete_sure"] = gr.Button("Delete for good", variant="stop", size="sm")
            parts["delete_not"] = gr.Button("Keep", size="sm")
    return parts


def connect(parts: Parts, pipeline: Pipeline) -> None:
    """Tie the sidebar's events to their handlers."""

    def come(*values: Any) -> Iterator[View]:
        yield from greet(pipeline, *values)

    def open_link(*values: Any) -> Iterator[View]:
        yield from opened_by_link(pipeline, *values)

    def open_one(*values: Any) -> Iterator[View]:
        yield from open_ticked(pipeline, *values)

    def delete_them(*values: Any) -> Iterator[View]:
        yield from delete(pipeline, *values)

    # Whoever waits for the model here must not keep others from their runs.
    opening = {
        "failed": lambda sentence: {"runs_status": markup.status(sentence, "warning")},
        "concurrency_limit": None, "show_progress": "hidden",
    }
    deleting = {
        "outputs": (
            "sure", "delete_status", *_LIST, *record_tab.DELETED, *erased_list.SUM,
        ),
        "queue": False,
        "show_progress": "hidden",
        "failed": lambda sentence: {
            "sure": gr.update(visible=False), "delete_status": markup.status(sentence, "warning"),
        },
    }
    # Who finds the queue full has a name and a list all the same; only a link must wait.
    named = listen(
        parts["page"].load, come, parts, inputs=("visitor", "link"), js=_READ_LINK,
        outputs=("visitor", "link", *_LIST), queue=False, show_progress="hidden",
    )
    listen(
        named.then, open_link, parts, inputs=("visitor", "link", "where"), outputs=kept_run.SHOWN,
        **opening,
    )
    say_at_once(
        parts["open_run"].click, parts, "runs_status", markup.status("Opening the run…", "busy")
    )
    opened = listen(
        parts["open_run"].click, open_one, parts, inputs=("visitor", "my_runs", "where"),
        # Who opens another while the model still loads means that one.
        outputs=kept_run.SHOWN, trigger_mode="multiple", **opening,
    )
    make_room(parts["page"].load, parts)
    parts["page"].load(None, None, None, js=_FOLLOW_WIDTH, api_visibility="private", queue=False)
    make_room(opened.then, parts)
    own_images.kept_after(opened.then, parts)
    listen(parts["delete_runs"].click, ask_back, parts, inputs=("my_runs",), **deleting)
    listen(
        parts["delete_sure"].click, delete_them, parts,
        inputs=("visitor", "my_runs", "kept", "summed"), **deleting,
    )
    # What one is asked about must not change behind the question.
    for event in (parts["delete_not"].click, parts["my_runs"].input):
        listen(event, leave, parts, **deleting)


def make_room(event: Callable[..., Any], parts: Parts) -> None:
    """After an event, open the sidebar where there is room for it, and close it elsewhere."""
    event(None, None, parts["sidebar"], js=_WIDE_ONLY, api_visibility="private", queue=False)


def listed_after(event: Callable[..., Any], parts: Parts, pipeline: Pipeline) -> None:
    """Show the list anew after an event, however that ended, and how long a run takes by now."""

    def again(*values: Any) -> Iterator[View]:
        yield {**listed(pipeline, *values), **how_long.renewed(pipeline)}

    listen(
        event, again, parts, inputs=("visitor", "my_runs"), outputs=(*_LIST, "takes"),
        queue=False, show_progress="hidden",
    )


def setup(bench: "Bench") -> str:
    """What the page works with, as HTML. A short hash is enough to see that two are the same."""
    commit = {"Its commit on the hub": bench.revision[:_SHORT]} if bench.revision else {}
    return facts.listed({
        "Model": bench.model_name, **commit, "Its weights (hash)": bench.model_sha256[:_SHORT],
        "Device": facts.device_said(bench.device),
        "Encoder that chooses anchors (it compares words with images)": bench.encoder_name,
        "Public pool": f"{bench.pool_size:,} images",
        "The pool (hash)": bench.pool_sha256[:_SHORT],
        "Seed (where an erasure's random draws start)": str(DcsiConfig().seed),
    })  # fmt: skip


@contextmanager
def noted(pipeline: Pipeline, visitor: str, concept: str) -> Iterator[str]:
    """The key of a run that goes on in the block, noted in the list as such."""
    with ExitStack() as stack:
        try:
            key = stack.enter_context(pipeline.runs.result().running(visitor, concept))
        except Exception as error:
            # Logged. A list that cannot be written must not cost the visitor the result.
            wording.explain(error)
            key = new_key()
        yield key


def greet(pipeline: Pipeline, visitor: Any, link: str) -> Iterator[View]:
    """Know the visitor again or give them a name of their own."""
    known = isinstance(visitor, str) and len(visitor) == len(new_key())
    name = visitor if known else new_key()
    yield {"visitor": name, "link": link, **listed(pipeline, name)}


def opened_by_link(
    pipeline: Pipeline, visitor: str, link: str, where: Where
) -> Iterator[View]:
    """Open the run of a link, if the visitor came by one."""
    if link:
        runs = pipeline.runs.result()
        entry = runs.find(link)
        yield from kept_run.opened(pipeline, entry, runs.owns(visitor, entry), where)


def listed(
    pipeline: Pipeline, visitor: str, ticked: Sequence[str] = ()
) -> dict[str, Any]:
    """Both lists as they are now; of what is ticked stays ticked what is still there."""
    try:
        runs = pipeline.runs.result()
        own = runs.listed(visitor)
    except Exception as error:
        return {"runs_note": markup.status(wording.explain(error), "warning")}
    text = f"{_NONE}, for every visitor." if runs.shared else f"{_NONE}, in this browser alone."
    if own:
        text = _SHARED + _READ if runs.shared else _KEPT_HERE + _READ
        text += f" Only the newest {LISTED} are listed." if len(own) == LISTED else ""
    return {
        "my_runs": gr.update(
            choices=[(line(one), one.key) for one in own], visible=bool(own),
            value=[one.key for one in own if one.key in ticked],
        ),
        "runs_note": markup.note(text), **erased_list.shown(own, visitor),
    }


def line(entry: Entry) -> str:
    """A run in the list: concept and verdict, shares, time."""
    measured = f"{_percent('FA', entry.forget)}, {_percent('RA', entry.retained)}\n"
    return (
        f"{entry.concept}: {wording.ended(entry)}\n"
        f"{measured if entry.state in ('finished', 'stopped') else ''}"
        f"{wording.when(entry.created)}"
    )


def open_ticked(
    pipeline: Pipeline, visitor: str, ticked: Sequence[str], where: Where
) -> Iterator[View]:
    """Show the one run that is ticked in steps 4 and 5."""
    if len(ticked) != 1:
        raise ValueError(f"{len(ticked)} runs are ticked: tick one to open it.")
    entry = pipeline.runs.result().find_own(visitor, ticked[0])
    yield from kept_run.opened(pipeline, entry, True, where)


def ask_back(ticked: Sequence[str]) -> Iterator[View]:
    """Ask before anything is deleted."""
    if not ticked:
        raise ValueError("No run is ticked: tick those to delete.")
    runs = "1 run" if len(ticked) == 1 else f"{len(ticked)} runs"
    text = f"Delete {runs} for good? The files, the link and the copies that were made here for a "
    text += "download are gone then."
    yield {"sure": gr.update(visible=True), "delete_status": markup.status(text, "warning")}


def leave() -> Iterator[View]:
    """Take the question back."""
    yield {"sure": gr.update(visible=False), "delete_status": ""}


def delete(
    pipeline: Pipeline, visitor: str, ticked: Sequence[str], kept: Path | None,
    summed: Sequence[str],
) -> Iterator[View]:
    """Delete what is ticked, files and all. Step 5, which shows the run in `kept`, learns of it,
    and the tab Together, which shows the sum of those in `summed`.
    """
    runs, faults, gone = pipeline.runs.result(), [], set()
    for key in ticked:
        try:
            runs.delete(runs.find_own(visitor, key))
            gone.add(key)
        except Exception as error:
            # One that cannot be deleted keeps no other.
            faults.append(wording.explain(error))
    view = listed(pipeline, visitor)
    if kept is not None and not kept.exists():
        view |= record_tab.deleted()
    if gone & set(summed):
        text = "One of the runs of this sum was deleted, and what was made of it with it."
        view |= erased_list.without_sum(markup.status(text, "warning"))
    said = (" ".join(faults), "warning") if faults else ("Deleted.", "good")
    yield {"sure": gr.update(visible=False), "delete_status": markup.status(*said), **view}


def _percent(name: str, share: float | None) -> str:
    return f"{name} {'not measured' if share is None else wording.percent(share)}"
