"""A question of a run in words: what it is about, what it asks for, and what came of it.

Page, report, comparison and table say the same. Pure text.
"""

from dataclasses import replace

from space_core.alarms import broke
from space_core.labels import KINDS, groups_said
from space_core.types import Outcome

OUTCOMES = {
    "still names it": "still gives it away",
    "general answer": "gives nothing away",
    "another name": "another concept's name",
    "broken": "broken answer",
    "kept": "kept",
    "lost": "lost",
    "never right": "wrong before, too",
    "won": "right only now",
}
_NOT_BEFORE = {"lost": "never right", "kept": "won"}


def outcome(one: Outcome) -> str:
    """An outcome as one of `OUTCOMES`: an answer that is none is broken, whatever was asked; and
    kept or lost is only what was right before.
    """
    if one.verdict == "lost" and broke(one):
        return "broken"
    if one.verdict in _NOT_BEFORE and not one.right_before:
        return _NOT_BEFORE[one.verdict]
    return one.verdict


def outcome_said(kind: str) -> str:
    """One of `OUTCOMES` in words."""
    return OUTCOMES.get(kind, kind)


def in_words(one: Outcome) -> Outcome:
    """The question with its group, kind and verdict as one says them."""
    return replace(
        one, group=groups_said((one.group,)), kind=KINDS.get(one.kind, one.kind),
        verdict=outcome_said(outcome(one)),
    )
