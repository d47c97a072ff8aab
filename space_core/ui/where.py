"""Which tab a visitor looks at: what ends while they read another does not take them away from it.
"""

from dataclasses import dataclass
from functools import partial
from typing import Any

import gradio as gr


@dataclass(slots=True)
class Where:
    """One visitor's open tab, by its id; a running handler sees it change."""

    tab: str

    def onward(self, start: str, to: str) -> dict[str, Any]:
        """The view that goes on from a tab to another, if the visitor is still there."""
        return {"tabs": gr.update(selected=to)} if self.tab == start else {}


def follow(tabs: gr.Tabs, where: gr.State) -> None:
    """Note each tab that opens, by a click or by the page."""
    for tab in tabs.children:
        tab.select(
            partial(_arrive, tab.id), where, None, api_visibility="private", queue=False,
            show_progress="hidden",
        )


def _arrive(tab: str, where: Where) -> None:
    where.tab = tab
