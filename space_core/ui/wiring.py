"""Ties handlers to components by name, and turns their errors into one sentence.

A handler is a generator of views: {component's name: new value}. It knows no component, so it
runs without a browser.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from gradio.components import Component

from space_core.ui.wording import explain

View = Mapping[str, Any]
Parts = Mapping[str, Any]

# One erasure or search at a time, over all visitors.
HEAVY = {"concurrency_id": "gpu", "concurrency_limit": 1}


def listen(
    event: Callable[..., Any],
    handler: Callable[..., Iterator[View]],
    parts: Parts,
    inputs: Sequence[str] = (),
    outputs: Sequence[str] = (),
    failed: Callable[[str], View] = lambda sentence: {},
    **options: Any,
) -> Any:
    """Call `handler` on `event` with the named inputs; put its views into the named outputs.

    `failed` makes the view of an error out of the sentence that explains it.
    """

    def run(*values: Any) -> Iterator[dict[Component, Any]]:
        try:
            for view in handler(*values):
                yield _placed(parts, view)
        except Exception as error:
            # gradio would take an empty view for a value.
            if view := failed(explain(error)):
                yield _placed(parts, view)

    return event(
        run, [parts[name] for name in inputs], [parts[name] for name in outputs],
        api_visibility="private", **options,
    )


def _placed(parts: Parts, view: View) -> dict[Component, Any]:
    return {parts[name]: value for name, value in view.items()}
