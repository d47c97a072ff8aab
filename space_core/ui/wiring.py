"""Ties handlers to components by name, and turns their errors into one sentence.

A handler is a generator of views: {component's name: new value}. It knows no component, so it
runs without a browser.
"""

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import gradio as gr
from gradio.components import Component, State, Textbox

from space_core.ui.wording import explain

View = Mapping[str, Any]
Parts = Mapping[str, Any]

CROWDED = "Too many visitors wait for the model: try again in some minutes."
# What gradio refuses itself: it does not say which of the two it was.
REFUSED = (
    "Too many visitors wait for the model, or a value is none that this page offers: try again in "
    "some minutes, or load the page again."
)
# Where there is no queue it can only be that.
UNOFFERED = "A value is none that this page offers: load the page again."
# One erasure or search at a time, over all visitors.
HEAVY = {"concurrency_id": "gpu", "concurrency_limit": 1}


def listen(
    event: Callable[..., Any],
    handler: Callable[..., Iterator[View]],
    parts: Parts,
    inputs: Sequence[str] = (),
    outputs: Sequence[str] = (),
    failed: Callable[[str], View] = lambda sentence: {},
    undone: Callable[..., View] = lambda *values: {},
    **options: Any,
) -> Any:
    """Call `handler` on `event` with the named inputs; put its views into the named outputs.

    `failed` makes the view of an error out of the sentence that explains it; `undone`, out of the
    inputs (None for what gradio would not even take), what else is to be shown then.
    """

    def given(name: str, value: Any) -> Any:
        # A browser never leaves a text out, a program may.
        return "" if value is None and isinstance(parts[name], Textbox) else value

    def run(*values: Any) -> Iterator[dict[Component, Any]]:
        seen = False
        try:
            for view in handler(*map(given, inputs, values)):
                seen = True
                yield _placed(parts, view)
            # Of no view at all gradio would make an empty value for every output.
            if outputs and not seen:
                yield {parts[outputs[0]]: gr.skip()}
        except Exception as error:
            # gradio would take an empty view for a value.
            if view := {**failed(explain(error)), **undone(*map(given, inputs, values))}:
                yield _placed(parts, view)

    taken, shown = ([parts[name] for name in names] for names in (inputs, outputs))
    started = event(run, taken, shown, api_visibility="private", **options)
    # The queue is full, or gradio takes a value for none of a part's: no handler runs. That value
    # would be refused again: of the inputs only the states, which the browser does not send, count.
    if refused := failed(REFUSED if options.get("queue", True) else UNOFFERED):
        states = [name for name in inputs if isinstance(parts[name], State)]

        def refuse(*values: Any) -> dict[Component, Any]:
            known = dict(zip(states, values))
            return _placed(parts, {**refused, **undone(*map(known.get, inputs))})

        started.failure(
            refuse, [parts[name] for name in states], shown, api_visibility="private",
            queue=False, show_progress="hidden",
        )
    return started


def say_at_once(
    event: Callable[..., Any], parts: Parts, name: str, html: str, beside: bool = False
) -> None:
    """Put a line into a part, or before what it shows, as soon as `event` happens: the browser does
    it, and the handler of the same event, however long it waits, says the next.

    To be called before that handler is tied: the browser goes from one to the next.
    """
    part = parts[name]
    event(
        None, part if beside else None, part, api_visibility="private", queue=False,
        js=f"({'now' if beside else ''}) => {json.dumps(html)}{' + now' if beside else ''}",
    )


def _placed(parts: Parts, view: View) -> dict[Component, Any]:
    return {parts[name]: value for name, value in view.items()}
