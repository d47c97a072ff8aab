"""The questions of a run as table rows, filtered; and which of them are shown side by side."""

from collections.abc import Sequence
from typing import Any

import gradio as gr

from space_core.types import Outcome, OwnImages, RunRecord
from space_core.ui import wording

EVERYTHING = "everything"
HEADERS = [
    "No.", "About", "Concept", "Image", "Question", "Expected", "Before", "After", "Outcome",
]
WIDTHS = ["5%", "10%", "9%", "9%", "17%", "13%", "13%", "13%", "11%"]


def asked(record: RunRecord, own: OwnImages | None) -> tuple[Outcome, ...]:
    """Every question: the run's, then those about the auditor's own images."""
    return record.outcomes + (own.outcomes if own else ())


def shown(record: RunRecord, own: OwnImages | None) -> dict[str, Any]:
    """The table of all questions and its filters, set to everything."""
    outcomes = asked(record, own)
    return {
        "group": gr.update(choices=groups(outcomes), value=EVERYTHING),
        "outcome": gr.update(choices=kinds(outcomes), value=EVERYTHING),
        "table": rows(outcomes, EVERYTHING, EVERYTHING), "opened": "",
    }


def rows(outcomes: Sequence[Outcome], group: str, kind: str) -> list[list[str | int]]:
    """Table rows of the questions in a group and of an outcome; numbers count from 1."""
    return [
        [
            number, wording.GROUPS.get(one.group, one.group), one.concept,
            wording.image_name(one.image), one.question, one.expected, one.before, one.after,
            wording.outcome_said(wording.outcome(one)),
        ]
        for number, one in enumerate(outcomes, start=1)
        if group in (EVERYTHING, one.group) and kind in (EVERYTHING, wording.outcome(one))
    ]


def groups(outcomes: Sequence[Outcome]) -> list[tuple[str, str]]:
    """Choices of the group filter: what is said, what is meant."""
    found = dict.fromkeys(one.group for one in outcomes)
    return [
        ("everything", EVERYTHING), *((wording.GROUPS.get(name, name), name) for name in found)
    ]


def kinds(outcomes: Sequence[Outcome]) -> list[tuple[str, str]]:
    """Choices of the outcome filter: what is said, what is meant."""
    found = dict.fromkeys(map(wording.outcome, outcomes))
    return [("everything", EVERYTHING), *((wording.outcome_said(kind), kind) for kind in found)]


def side_by_side(outcomes: Sequence[Outcome], each: int = 3) -> list[Outcome]:
    """The first questions of the target, near and far groups, each on another image.

    Only what was right before is taken, never by what came after: nothing is picked to please.
    """
    chosen: list[Outcome] = []
    for group in ("target", "near", "far"):
        first: dict[str, Outcome] = {}
        for one in outcomes:
            if one.group == group and one.image and one.right_before:
                first.setdefault(one.image, one)
        chosen += list(first.values())[:each]
    return chosen
