"""The page: five steps in tabs, the visitor's own state, and when the model is ready."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import gradio as gr

from space_core.ui import (
    anchors_tab, changed_since, compare_tab, concept_tab, erase_tab, erased_list, facts,
    how_long, leaderboard_tab, markup, my_runs, old_record, record_tab, together_tab, verify_tab,
)  # fmt: skip
from space_core.ui.pipeline import Pipeline
from space_core.ui.public_api import offer
from space_core.ui.where import Where, follow
from space_core.ui.wiring import CROWDED
from space_core.ui.wording import explain

TABS = (
    concept_tab, anchors_tab, changed_since, erase_tab, verify_tab, record_tab, old_record,
    my_runs, erased_list, compare_tab, together_tab, leaderboard_tab,
)  # fmt: skip

# gradio counts from what was last written, not read: a visitor may read a result for hours. Where
# the page was closed, all goes an hour later.
_STATE_SECONDS = 24 * 60 * 60
_CACHE_SECONDS = 60 * 60
_NOTHING = (gr.skip(), gr.skip(), gr.skip(), gr.skip())
_ASSETS = Path(__file__).resolve().parents[2] / "assets"
# Plots fit themselves when the window changes. A tab that opens and a sidebar that closes change
# their room too, and the window says nothing of it.
_FIT_PLOTS = """() => {
  let wait;
  new ResizeObserver(() => {
    clearTimeout(wait);
    wait = setTimeout(() => dispatchEvent(new Event('resize')), 200);
  }).observe(document.querySelector('main'));
}"""
_ABOUT = (
    "Make a multimodal model forget a concept from a description alone, without a single image "
    "of it, and check with unseen images whether it really has."
)


def build(pipeline: Pipeline, max_queue: int = 16) -> gr.Blocks:
    """The whole page, ready for `launch(**launch_options())`. max_queue: how many may wait."""
    with gr.Blocks(
        title="SPACE Auditor", delete_cache=(_CACHE_SECONDS, _CACHE_SECONDS),
        analytics_enabled=False,
    ) as page:
        gr.HTML(f"<h1>SPACE Auditor</h1>{markup.note(_ABOUT)}")
        ready = gr.HTML(markup.status("Loading the model…", "busy"))
        parts: dict[str, Any] = {"page": page, "runs_status": gr.HTML(), **_state()}
        parts |= my_runs.build()
        with gr.Tabs(selected="concept", overflow_behavior="wrap") as parts["tabs"]:
            with gr.Tab("1 Concept", id="concept"):
                parts |= concept_tab.build()
                parts |= old_record.build_upload()
            with gr.Tab("2 Anchors", id="anchors", interactive=False) as parts["anchors_tab"]:
                parts |= anchors_tab.build()
            with gr.Tab("3 Erase", id="erase", interactive=False) as parts["erase_tab"]:
                parts |= erase_tab.build()
            with gr.Tab("4 Verify", id="verify", interactive=False) as parts["verify_tab"]:
                parts["source"] = gr.HTML()
                parts |= verify_tab.build()
            with gr.Tab("5 Record", id="record", interactive=False) as parts["record_tab"]:
                parts |= old_record.build()
                parts |= record_tab.build()
            with gr.Tab("Compare", id="compare"):
                parts |= compare_tab.build()
            with gr.Tab("Together", id="together"):
                parts |= together_tab.build()
            with gr.Tab("Leaderboard", id="leaderboard") as parts["board_tab"]:
                parts |= leaderboard_tab.build()
        for tab in TABS:
            tab.connect(parts, pipeline)
        follow(parts["tabs"], parts["where"])

        async def announce() -> AsyncIterator[tuple[Any, ...]]:
            async for update in readiness(pipeline):
                yield update

        async def announce_unqueued() -> AsyncIterator[tuple[Any, ...]]:
            # Who finds no place in the queue is told what need not be waited for.
            if pipeline.bench.done():
                async for update in readiness(pipeline):
                    yield update
            else:
                yield markup.status(CROWDED, "warning"), *_NOTHING, gr.skip()

        known = [ready, *map(parts.get, ("examples", "protect", "questions", "takes", "setup"))]
        loaded = page.load(
            announce, None, known, api_visibility="private", concurrency_limit=None,
            show_progress="hidden",
        )
        loaded.failure(
            announce_unqueued, None, known, api_visibility="private", queue=False,
            show_progress="hidden",
        )
        page.load(None, None, None, js=_FIT_PLOTS, api_visibility="private", queue=False)
        offer(pipeline)
    # Closed to calls beside the queue: two erasures at once would edit the same model.
    return page.queue(default_concurrency_limit=1, max_size=max_queue, api_open=False)


def launch_options() -> dict[str, Any]:
    """What `launch` gets: looks, and nothing that leaves this machine or outlives a visit."""
    return {
        "theme": gr.themes.Default(
            primary_hue="teal",
            font=[gr.themes.Font("system-ui"), gr.themes.Font("sans-serif")],
            font_mono=[gr.themes.Font("ui-monospace"), gr.themes.Font("monospace")],
        ).set(
            button_primary_background_fill="*primary_700",
            button_primary_background_fill_hover="*primary_800",
            button_primary_background_fill_dark="*primary_700",
            # The theme's own are too faint to read for many eyes.
            button_cancel_background_fill=gr.themes.colors.red.c700,
            button_cancel_background_fill_hover=gr.themes.colors.red.c800,
            body_text_color_subdued="*neutral_600", input_placeholder_color="*neutral_500",
            input_placeholder_color_dark="*neutral_400",
        ),
        "css_paths": _ASSETS / "app.css", "head_paths": _ASSETS / "head.html",
        "run_history": False, "ssr_mode": False, "enable_monitoring": False,
        "max_file_size": "64mb", "footer_links": [], "state_session_capacity": 200,
    }


async def readiness(pipeline: Pipeline) -> AsyncIterator[tuple[Any, ...]]:
    """The state of the model, when it changes; the examples and names that it knows, how long
    an erasure takes; what it is."""
    if not pipeline.bench.done():
        yield markup.status("Loading the model…", "busy"), *_NOTHING, gr.skip()
    try:
        # Shielded: a visitor who leaves must not cancel what the others wait for.
        bench = await asyncio.shield(asyncio.wrap_future(pipeline.bench))
    except Exception as error:
        text = f"The model could not be loaded. {explain(error)}"
        yield markup.status(text, "bad"), *_NOTHING, ""
        return
    text = (
        f"Ready: {bench.model_name} on {facts.device_said(bench.device)}, "
        f"{bench.pool_size:,} public images in the pool."
    )
    offered = (
        *concept_tab.offered(bench.known_concepts(), bool(bench.evaluation_sha256)),
        how_long.takes(pipeline, bench),
    )
    yield markup.status(text, "good"), *offered, my_runs.setup(bench)


def _state() -> dict[str, gr.State]:
    """What belongs to one visitor: nothing of it is shared or kept."""

    def state(value: Any = None) -> gr.State:
        return gr.State(value, time_to_live=_STATE_SECONDS)

    # No age stops a run: gradio ends that of a visitor who is gone.
    return {
        "selection": state(), "finished": state(), "own": state(), "own_pictures": state(),
        "asked": state(()), "stop_flag": gr.State(), "kept": state(), "recorded": state(),
        "compared": state(), "waiting": state(), "replay_flag": gr.State(),
        "where": gr.State(Where("concept")),
    }
