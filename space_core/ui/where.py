"""What one visitor has before them: which tab, and which run stands in steps 4 and 5.

A handler that ran for minutes, or was pressed just before something else was shown, learns by it
that what it speaks of is no longer there.
"""

import secrets
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import gradio as gr

from space_core.ui.wiring import Parts, View, listen
from space_core.ui.wording import REPLACED


@dataclass(slots=True)
class Where:
    """One visitor's open tab, by its id, and a mark of what each step shows; a running handler sees
    both change.

    The page holds each mark too, in a hidden part, so that an event says what the visitor had
    before them when they pressed.
    """

    tab: str
    marks: dict[str, str] = field(default_factory=dict)

    def onward(self, start: str, to: str) -> dict[str, Any]:
        """The view that goes on from a tab to another, if the visitor is still there."""
        return {"tabs": gr.update(selected=to)} if self.tab == start else {}

    def reads_a_run(self) -> bool:
        """Whether the visitor looks at a step that shows a run."""
        return self.tab in self.marks

    def shows(self, *steps: str) -> dict[str, str]:
        """Something new stands in these steps ("verify", "record", and "own" for the
        visitor's images): the view that marks it."""
        mark = secrets.token_hex(8)
        self.marks |= dict.fromkeys(steps, mark)
        return {part_of(step): mark for step in steps}

    def still(self, step: str, mark: str) -> bool:
        """Whether the step shows what had that mark."""
        return self.marks.get(step, "") == mark

    def check(self, step: str, mark: str) -> None:
        """Raises ValueError where it does not."""
        if not self.still(step, mark):
            raise ValueError(REPLACED)


def part_of(step: str) -> str:
    """The name of the hidden part that holds a step's mark."""
    return f"{step}_mark"


def hidden_mark(step: str) -> dict[str, gr.Textbox]:
    """That part, by its name."""
    name = part_of(step)
    return {name: gr.Textbox(visible=False, elem_id=name)}


def go_on(event: Callable[..., Any], parts: Parts, tab: str) -> None:
    """Open a tab on an event."""

    def opened() -> Iterator[View]:
        yield {"tabs": gr.update(selected=tab)}

    listen(event, opened, parts, outputs=("tabs",), queue=False, show_progress="hidden")


def follow(tabs: gr.Tabs, where: gr.State) -> None:
    """Note each tab that opens, by a click or by the page."""
    for tab in tabs.children:
        tab.select(
            partial(_arrive, tab.id), where, None, api_visibility="private", queue=False,
            show_progress="hidden",
        )


def _arrive(tab: str, where: Where) -> None:
    where.tab = tab
