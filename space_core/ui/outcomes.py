"""The questions of a run as table rows, filtered; and which of them are shown side by side."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import gradio as gr
from PIL import Image

from space_core.recent import Recent
from space_core.types import Outcome, OwnImages, RunRecord
from space_core.ui import markup, wording

if TYPE_CHECKING:
    from space_core.audit import Bench

EVERYTHING = "everything"
HEADERS = [
    "No.", "About", "Concept", "Image", "Question", "Expected", "Before", "After", "Outcome",
]
TYPES = ["number", "str", "str", "html", "str", "str", "str", "str", "str"]
WIDTHS = ["5%", "9%", "9%", "13%", "15%", "12%", "13%", "13%", "11%"]

# Opened small once, for all visitors.
_SEEN = Recent[str](4096)


def asked(record: RunRecord, own: OwnImages | None) -> tuple[Outcome, ...]:
    """Every question: the run's, then those about the auditor's own images."""
    return record.outcomes + (own.outcomes if own else ())


def image(
    bench: "Bench", one: Outcome, yours: Sequence[Image.Image] = ()
) -> Image.Image | None:
    """What a question was asked about; None for text alone. yours: the auditor's own images."""
    if one.group == "own":
        return yours[int(one.image.rpartition(" ")[2]) - 1]
    return bench.evaluation_image(one.image) if one.image else None


def shown(
    bench: "Bench", record: RunRecord, own: OwnImages | None, yours: Sequence[Image.Image] = ()
) -> dict[str, Any]:
    """The table of all questions and its filters, set to everything."""
    outcomes = asked(record, own)
    return {
        "group": gr.update(choices=groups(outcomes), value=EVERYTHING),
        "outcome": gr.update(choices=kinds(outcomes), value=EVERYTHING),
        "table": rows(bench, outcomes, EVERYTHING, EVERYTHING, yours), "opened": "",
    }


def rows(
    bench: "Bench", outcomes: Sequence[Outcome], group: str, kind: str,
    yours: Sequence[Image.Image] = (),
) -> list[list[str | int]]:
    """Table rows of the questions in a group and of an outcome; numbers count from 1."""
    chosen = [
        (number, one) for number, one in enumerate(outcomes, start=1)
        if group in (EVERYTHING, one.group) and kind in (EVERYTHING, wording.outcome(one))
    ]  # fmt: skip
    # Many questions are about one image.
    pictures = {key: _cell(bench, one, yours) for key, one in {
        one.image: one for _, one in chosen
    }.items()}  # fmt: skip
    return [
        [
            number, wording.GROUPS.get(one.group, one.group), one.concept, pictures[one.image],
            one.question, one.expected, one.before, one.after,
            wording.outcome_said(wording.outcome(one)),
        ]
        for number, one in chosen
    ]


def _cell(bench: "Bench", one: Outcome, yours: Sequence[Image.Image]) -> str:
    def made() -> str:
        return markup.named_picture(wording.image_name(one.image), image(bench, one, yours))

    # The visitor's own are kept nowhere.
    return made() if one.group == "own" else _SEEN((bench.evaluation_sha256, one.image), made)


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
