"""What the page says about a result, in plain words. Pure text: no HTML, no gradio."""

import logging
import math
from dataclasses import dataclass

from space_core.alarms import is_broken, model_broke
from space_core.types import Anchor, Outcome, OwnImages, RunRecord, Selection, Share

NO_EDIT = "There is no edited model yet: erase a concept in step 3."
FORGOTTEN_BELOW = 0.10
KEPT_ABOVE = 0.90
SHALLOW_ABOVE = 0.20

GROUPS = {
    "own": "Your images",
    "target": "The concept itself",
    "near": "Nearest concepts",
    "far": "Other concepts",
    "skill": "Skills",
}
OUTCOMES = {
    "still names it": "still names it",
    "general answer": "honest general answer or refusal",
    "another name": "another concept's name",
    "broken": "broken answer",
    "kept": "kept",
    "lost": "lost",
}
# How far a limit of 95 % confidence carries an answer to one of the strip's questions.
YES, NO, OPEN, UNASKED = "yes", "no", "not shown", "not measured"
PRESETS = {
    "space": "SPACE, as this project reads it: anchors moved to what the model believes, soft null "
    "space (every direction weighed by how much other knowledge uses it)",
    "paper": "The paper read literally: plain anchors, hard null space (only directions that other "
    "knowledge hardly uses)",
}
PLOTS = {
    "histogram": "How similar each image of the public pool is to your words. The anchors come "
    "from the right of the dashed line. Good: the line cuts off a thin tail on the right.",
    "losses": "What the erasure works on. Good: the lines fall and then level off.",
    "drift": "How much the edit so far changes what other knowledge gets out of a layer: the "
    "layer that changes most, squared, against its own size. Good: it stays small.",
    "let_through": "How much of what each step would like to change (its gradient) the hard null "
    "space lets through; the rest would touch other knowledge. Good: clearly above 0, or the "
    "erasure has nothing to work with.",
    "entropies": "How evenly the edit spreads over the model's inner directions (0 to 1). "
    "Good: it does not collapse towards 0.",
    "layers": "How evenly each edited layer's inputs spread, before and after. "
    "Good: the two marks lie on each other; a lower one after means knowledge was squeezed out.",
    "bands": "Answers kept about other concepts, by how similar they are to the erased one. "
    "The bars are 95 % intervals. Good: every mark near 100 %, also on the right, where the "
    "nearest neighbours are.",
    "domains": "Answers kept about other concepts, by what kind of thing they are. The bars are "
    "95 % intervals. Good: every mark near 100 %; one domain far below the others has paid for "
    "the erasure.",
    "bound": "How much each layer's output on other knowledge changed. Good: the measured mark on "
    "the same data lies on or below the bound. On unseen data it may lie a little above: the "
    "bound does not promise that.",
}

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Verdict:
    """The headline, one sentence of why, and whether it is good news."""

    forgotten: bool
    headline: str
    why: str


def explain(error: BaseException) -> str:
    """One sentence for the visitor: a ValueError speaks for itself, the rest is logged."""
    if isinstance(error, ValueError):
        return str(error)
    _log.error("A handler failed.", exc_info=error)
    first = (str(error).strip().splitlines() or [type(error).__name__])[0]
    return f"Something went wrong: {first[:200]}"


def verdict(record: RunRecord, own: OwnImages | None = None) -> Verdict:
    """"Forgotten" only where the upper limit of the forget accuracy is at most 10 %, and the model
    still answers. The auditor's own images are judged by where the run had none to ask about.
    """
    share, ours = _judged_by(record, own)
    partial = " The run was stopped early: this judges a partial edit." if record.stopped else ""
    if broke := model_broke([*record.outcomes, *(own.outcomes if own else ())]):
        why = f"{broke} A model that answers nothing has not forgotten one thing.{partial}"
        return Verdict(False, "The model broke", why)
    if not share.questions:
        known = ours and any(one.group == "target" and one.image for one in record.outcomes)
        if known or own:
            return Verdict(
                False, "Not shown to be forgotten",
                "Nothing could be measured: before the erasure, the model named the concept in "
                "none of the questions about its images." + partial,
            )
        return Verdict(
            False, "Not verified on images",
            "We hold no images of the concept, so nothing shows that it is forgotten. Add some "
            "of your own below: they are used to ask about, never to erase." + partial,
        )
    forgotten = share.high <= FORGOTTEN_BELOW
    sign = "at most" if forgotten else "up to"
    where = "unseen images" if ours else f"your {_count(share.images, 'image')}"
    return Verdict(
        forgotten,
        "Forgotten" if forgotten else "Not shown to be forgotten",
        f"Of {share.questions} questions on {where} that the model answered rightly before, "
        f"it still names the concept in {share.successes}. With 95 % confidence it would name it "
        f"in {sign} {_limit(share.high)} of such questions; “forgotten” asks for 10 % or less."
        + partial,
    )


def is_forgotten(record: RunRecord, own: OwnImages | None = None) -> str:
    """The strip's first question: yes, no, not shown, or not measured."""
    share, _ = _judged_by(record, own)
    if not share.questions:
        return UNASKED
    if verdict(record, own).forgotten:
        return YES
    return NO if share.low > FORGOTTEN_BELOW else OPEN


def are_kept(*shares: Share) -> str:
    """Whether 90 % of each are kept, by their limits: yes, no, not shown, or not measured."""
    asked = [share for share in shares if share.questions]
    if not asked:
        return UNASKED
    if any(share.high < KEPT_ABOVE for share in asked):
        return NO
    return YES if all(share.low >= KEPT_ABOVE for share in asked) else OPEN


def outcome(one: Outcome) -> str:
    """An outcome as one of `OUTCOMES`: an answer that is none is broken, whatever was asked."""
    return "broken" if one.verdict == "lost" and is_broken(one.after) else one.verdict


def outcome_said(kind: str) -> str:
    """One of `OUTCOMES` in words."""
    return OUTCOMES.get(kind, kind)


def image_name(key: str) -> str:
    """Which image was asked about, in words: "12.0" → "drawing 12, view 1"."""
    drawing, _, view = key.partition(".")
    if view.isdecimal():
        return f"drawing {drawing}, view {int(view) + 1}"
    return key or "(text only)"


def is_shallow(yes_no: Share) -> bool:
    """Whether the model still says yes to "is this…?" too often to call it erased."""
    return bool(yes_no.questions) and yes_no.value > SHALLOW_ABOVE


def percent(value: float) -> str:
    """0.034 → "3.4 %", 0.5 → "50 %"."""
    number = 100 * value
    return f"{number:.1f} %" if 0 < number < 10 else f"{number:.0f} %"


def _judged_by(record: RunRecord, own: OwnImages | None) -> tuple[Share, bool]:
    """The share that the verdict stands on, and whether it is the run's own."""
    if own is None or record.forget_accuracy.questions:
        return record.forget_accuracy, True
    return own.forget_accuracy, False


def _limit(value: float) -> str:
    # Rounded up: what misses the 10 % by little must not read as 10 %.
    return f"{math.ceil(1000 * value - 1e-9) / 10:g} %"


def behind(share: Share) -> str:
    """The interval and what stands behind a share."""
    if not share.questions:
        return "no question could be asked"
    return (
        f"95 % interval {percent(share.low)} to {percent(share.high)} · "
        f"{share.successes} of {_count(share.questions, 'question')}, "
        f"{_count(share.images, 'image')}, {_count(share.drawings, 'drawing')}"
    )


def anchor_caption(anchor: Anchor) -> str:
    """One line under an anchor's image."""
    credit = ", ".join(part for part in (anchor.artist or anchor.source, anchor.licence) if part)
    return f"{anchor.rank} · {anchor.similarity:.3f} · {anchor.caption} ({credit})"


def choice(selection: Selection) -> str:
    """What was chosen, in one sentence."""
    images = selection.pool_size or len(selection.scores)
    return (
        f"{_count(len(selection.anchors), 'proxy anchor')} for “{selection.request.name}”, chosen "
        f"from {_count(images, 'public image')} by text alone; cut at similarity "
        f"{selection.threshold:.3f}. They count as {selection.effective:.1f} distinct images."
    )


def readings(selection: Selection) -> tuple[str, ...]:
    """Known concepts that the text may mean, other than the text itself."""
    own = {name.strip().casefold() for name in (selection.request.name, *selection.request.aliases)}
    return tuple(name for name in selection.resolved if name.strip().casefold() not in own)


def seconds_left(seconds: float) -> str:
    """A remaining time as one says it."""
    return f"{duration(seconds)} left"


def duration(seconds: float) -> str:
    """A time as one says it: seconds up to 90, then minutes."""
    if seconds < 90:
        return f"about {max(1, round(seconds))} s"
    return f"about {round(seconds / 60)} min"


def _count(number: int, noun: str) -> str:
    return f"{number:,} {noun}{'' if number == 1 else 's'}"
