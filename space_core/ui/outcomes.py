"""The questions of a run as table rows, filtered; and which of them are shown side by side."""

from collections.abc import Sequence

from space_core.types import Outcome
from space_core.ui.wording import GROUPS

EVERYTHING = "everything"
HEADERS = ["No.", "About", "Concept", "Question", "Before", "After", "Outcome"]


def rows(outcomes: Sequence[Outcome], group: str, verdict: str) -> list[list[str | int]]:
    """Table rows of the questions in a group and with a verdict; numbers count from 1."""
    return [
        [
            number, GROUPS.get(one.group, one.group), one.concept, one.question, one.before,
            one.after, one.verdict,
        ]
        for number, one in enumerate(outcomes, start=1)
        if group in (EVERYTHING, one.group) and verdict in (EVERYTHING, one.verdict)
    ]


def groups(outcomes: Sequence[Outcome]) -> list[tuple[str, str]]:
    """Choices of the group filter: what is said, what is meant."""
    found = dict.fromkeys(one.group for one in outcomes)
    return [("everything", EVERYTHING), *((GROUPS.get(name, name), name) for name in found)]


def verdicts(outcomes: Sequence[Outcome]) -> list[str]:
    """Choices of the outcome filter."""
    return [EVERYTHING, *dict.fromkeys(one.verdict for one in outcomes)]


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
