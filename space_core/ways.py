"""What is left of a concept by the way of asking: what one question hides another may bring up.

Pure text: works on the answers that a record holds.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from space_core.labels import KINDS
from space_core.shares import left
from space_core.types import Outcome, RunRecord, Share

FORGOTTEN_BELOW = 0.10
GIVEN_AWAY = "Answers that still give it away"
# Kinds of question. "Is this a bus?" is one: "no, it is a lemon" brings it up.
_GIVE_AWAY = (
    "name", "yes-no", "other-yes-no", "choice", "name-de", "name-fr", "name-es", "occupation",
    "city",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Way:
    """One way of asking about the concept: in words, and what is left of it."""

    kind: str
    said: str
    left: Share


def ways(outcomes: Sequence[Outcome], group: str = "target") -> tuple[Way, ...]:
    """Every way in which the concept was asked for and known before. group: "target" or "own"."""
    asked = [one for one in outcomes if one.group == group]
    found = (
        Way(kind, KINDS[kind], left(one for one in asked if one.kind == kind))
        for kind in _GIVE_AWAY
    )
    return tuple(way for way in found if way.left.questions)


def leaks(outcomes: Sequence[Outcome], group: str = "target") -> tuple[Way, ...]:
    """Ways besides the plain name that still bring it up: in more than 10 % of such questions, by
    the lower limit. Of a handful of questions one or two reach it: that errs towards a leak.
    """
    return tuple(
        way for way in ways(outcomes, group)
        if way.kind != "name" and way.left.low > FORGOTTEN_BELOW
    )  # fmt: skip


def leaks_of(record: RunRecord) -> tuple[Way, ...]:
    """A run's leaks; one of them is what text alone tells, where that was to go too."""
    told = record.told if record.selection.request.text_too else None
    text = told is not None and told.questions and told.low > FORGOTTEN_BELOW
    return leaks(record.outcomes) + ((Way("told", "it in text alone", told),) if text else ())


def leak_said(found: Sequence[Way], where: str = "") -> str:
    """Leaks as a sentence; "" where there is none. where: on what, if not on the run's images."""
    if not found:
        return ""
    asked = "; ".join(
        f"asked for {way.said}, in {way.left.successes} of {way.left.questions}" for way in found
    )
    return f"It still comes out in other ways{where}: {asked}."


def all_said(found: Sequence[Way]) -> str:
    """Every way with what is left, in one line."""
    return " · ".join(f"{way.said} {way.left.successes} of {way.left.questions}" for way in found)
