"""What must be heard before any number of a run: nothing changed, the model broke, no proof.

Pure text: works on the answers that a record holds.
"""

import re
from collections.abc import Mapping, Sequence

from space_core.names import words
from space_core.types import Concept, Outcome, RunRecord

NOT_VERIFIED = (
    "Not verified on images: no evaluation image of the concept is at hand. Add some of your own "
    "in step 4."
)
_SPOILT = (
    "The base model's weights did not come back as they were: restart the app, and do not rely on "
    "this run."
)
_UNCHANGED = 0.99  # of the answers, word for word
_STILL = 1e-3  # logits: rounding moves them by less
_MANY_BROKEN = 0.05


def alarms(record: RunRecord) -> tuple[str, ...]:
    """The alarms of a run as sentences; none where all is as one may expect."""
    change = record.states.logit_change if record.states else None
    found = (
        "" if record.base_restored else _SPOILT, nothing_changed(record.outcomes, change),
        model_broke(record.outcomes),
    )  # fmt: skip
    return tuple(sentence for sentence in found if sentence)


def nothing_changed(outcomes: Sequence[Outcome], logit_change: float | None) -> str:
    """A sentence where the edit left the answers about the concept as they were, else nothing.

    Where none were asked about it, all answers count. logit_change: None where not measured.
    """
    asked = [one for one in outcomes if one.group == "target"] or list(outcomes)
    same = sum(one.before == one.after for one in asked)
    if not asked or same < _UNCHANGED * len(asked):
        return ""
    said = f"Nothing changed: {same} of {len(asked)} answers are word for word as before"
    if logit_change is None:
        return f"{said}. The edit does nothing: do not rely on it."
    if logit_change <= _STILL:
        return f"{said}, and so are the scores behind them (logits). The edit does nothing."
    return (
        f"{said}, though the scores behind them (logits) moved by up to {logit_change:.2g}. The "
        "edit is too weak to show: take more steps."
    )


def model_broke(outcomes: Sequence[Outcome]) -> str:
    """A sentence where many answers are broken that were not before, else nothing."""
    whole = [one for one in outcomes if not is_broken(one.before)]
    broken = sum(map(broke, whole))
    if not whole or broken < _MANY_BROKEN * len(whole):
        return ""
    return (
        f"The model broke: {broken} of {len(whole)} answers are empty, the same words again and "
        "again, or words that it would never have put together. Take fewer steps, or protect other "
        "knowledge more."
    )


def doubts(outcomes: Sequence[Outcome]) -> tuple[str, ...]:
    """What makes the verdict on the concept itself worth little, as sentences."""
    asked = [one for one in outcomes if one.group == "target" and one.kind == "name"]
    if not asked:
        return (NOT_VERIFIED,)
    known = sum(one.right_before for one in asked)
    if known < len(asked) / 2:
        return (
            f"The model may not know the concept: before the erasure it named it in {known} of "
            f"{len(asked)} questions.",
        )
    return ()


def no_kin(
    outcomes: Sequence[Outcome], concept: Concept, domain_of: Mapping[str, str]
) -> tuple[str, ...]:
    """A sentence where a person's nearest concepts hold no other person. domain_of: by name."""
    near, far = (
        [domain_of.get(name) for name in {one.concept for one in outcomes if one.group == group}]
        for group in ("near", "far")
    )
    if concept.family != "person" or not near or "people" in near:
        return ()
    return (
        "None of the nearest concepts is a person: to the encoder a name alone is like no face. "
        "How other persons fared is told by those among the other concepts alone, "
        f"{far.count('people')} of {len(far)}.",
    )


def broke(one: Outcome) -> bool:
    """Whether the edited model's answer is none. Older records call a retained one "lost"."""
    return one.verdict == "broken" or is_broken(one.after)


def is_broken(text: str) -> bool:
    """Whether an answer is none: empty, or the same words, or letters in a word, again and again.
    """
    said = words(text)
    if not said or re.search(r"([^\W\d_]{3,}?)\1{3,}", text.casefold()):
        return True
    again = re.search(r"(\b.{2,40}\b)(?:\W+\1\b){2,}", " ".join(said))
    return again is not None
