"""Step 3: whether step 1 still asks for what the anchors were chosen for."""

from collections.abc import Iterator
from typing import Any

import gradio as gr

from space_core.types import Selection
from space_core.ui import markup
from space_core.ui.pipeline import Pipeline
from space_core.ui.request import WISHES, WORDS, read_request
from space_core.ui.wiring import Parts, View, listen

_TEXT = (
    "Step 1 was changed since: press “Find proxy anchors” there again, or Erase runs what is said "
    "above."
)


def build() -> dict[str, Any]:
    """The components, by name."""
    return {"changed_since": gr.HTML()}


def connect(parts: Parts, _pipeline: Pipeline) -> None:
    """Look when step 3 comes into sight, however step 1 was filled: no key press asks for it."""
    listen(
        parts["erase_tab"].select, compared, parts, inputs=("selection", *WORDS, *WISHES),
        outputs=("changed_since",), queue=False, show_progress="hidden",
    )


def compared(selection: Selection | None, *form: Any) -> Iterator[View]:
    """Say where the form is no longer the request that an erasure would run."""
    same = selection is None or selection.request == read_request(*form)
    yield {"changed_since": "" if same else markup.status(_TEXT, "warning")}
