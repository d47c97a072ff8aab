"""Step 2's controls: what they ask for, and what they show when a choice was made, or was not."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import gradio as gr

from space_core.leaderboard import RESULTS
from space_core.settings import PRESETS, TpasConfig, anchors_for
from space_core.types import Selection
from space_core.ui import evidence, markup
from space_core.ui.wiring import Parts

CONTROLS = ("selection", "count", "from_pool", "cut", "preset")
# What is ticked while a choice is under way would be taken for vetoes of another choice.
_LOCK = "() => ({interactive: false, __type__: 'update'})"
# A box that is only left says that it was let go, too: what is ticked then must not be lost.
_LOCK_IF_MOVED = """(count, cut) => {
  const now = count + ' ' + cut, moved = now !== window.spaceChosen;
  window.spaceChosen = now;
  return moved ? {interactive: false, __type__: 'update'} : {__type__: 'update'};
}"""


def config(count: float, from_pool: bool, cut: float, preset: str) -> TpasConfig:
    """The controls, and the method of step 3, as settings of the selection."""
    choice = anchors_for(PRESETS[preset])
    return replace(choice, anchors=int(count), threshold=None if from_pool else float(cut))


def lock(event: Callable[..., Any], parts: Parts, if_moved: bool = False) -> None:
    """Let nothing be ticked from an event on, until a choice is shown, or is not made. if_moved:
    only where count or cut are not as they were at the last such event.
    """
    event(
        None, [parts["count"], parts["cut"]] if if_moved else None, parts["used"],
        js=_LOCK_IF_MOVED if if_moved else _LOCK, api_visibility="private", queue=False,
    )


def fresh_controls(selection: Selection) -> dict[str, Any]:
    """The step as a new concept finds it: default controls, the pool's own cut, the evidence."""
    said = evidence.of_choice(RESULTS)
    return {
        "choice_pays": markup.note(said) if said else "", "changed_since": "",
        "count": TpasConfig().anchors, "from_pool": True, **cut_of(selection, True),
    }


def cut_of(selection: Selection, from_pool: bool) -> dict[str, Any]:
    """The cut that a selection was made with; to be moved where it is not the pool's own."""
    return {"cut": gr.update(value=round(selection.threshold, 3), interactive=not from_pool)}


def as_before(
    selection: Selection | None, _count: float | None, from_pool: bool | None, *_: Any
) -> dict[str, Any]:
    """The controls as the choice that is shown was made: what a failed one asked for is not so.

    from_pool: None where nobody knows.
    """
    if selection is None:
        return {}
    own = {} if from_pool is None else cut_of(selection, from_pool)
    return {
        "count": selection.wanted, **own,
        "used": gr.update(value=[one.row for one in selection.anchors], interactive=True),
    }


def toggled(
    selection: Selection | None, count: float | None, from_pool: bool | None, *others: Any
) -> dict[str, Any]:
    """The same after the box was ticked or unticked."""
    if from_pool is None:
        return as_before(selection, count, None, *others)
    return {**as_before(selection, count, not from_pool, *others), "from_pool": not from_pool}
