"""What the page says about a result, in plain words. Pure text: no HTML, no gradio."""

import logging
import math
from dataclasses import dataclass

from space_core.types import Anchor, RunRecord, Selection, Share

FORGOTTEN_BELOW = 0.10
SHALLOW_ABOVE = 0.20

GROUPS = {
    "target": "The concept itself",
    "near": "Nearest concepts",
    "far": "Other concepts",
    "skill": "Skills",
}
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
    "entropies": "How evenly the edit spreads over the model's inner directions (0 to 1). "
    "Good: it does not collapse towards 0.",
    "layers": "How evenly each edited layer's inputs spread, before and after. "
    "Good: the two marks lie on each other; a lower one after means knowledge was squeezed out.",
    "bands": "Answers kept about other concepts, by how similar they are to the erased one. "
    "The bars are 95 % intervals. Good: every mark near 100 %, also on the right, where the "
    "nearest neighbours are.",
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


def verdict(record: RunRecord) -> Verdict:
    """"Forgotten" only where the upper limit of the forget accuracy is at most 10 %."""
    share = record.forget_accuracy
    partial = " The run was stopped early: this judges a partial edit." if record.stopped else ""
    if not share.questions:
        return Verdict(
            False, "Not shown to be forgotten",
            "Nothing could be measured: before the erasure, the model named the concept in none "
            "of our questions (or we hold no images of it to ask about)." + partial,
        )
    forgotten = share.high <= FORGOTTEN_BELOW
    sign = "at most" if forgotten else "up to"
    return Verdict(
        forgotten,
        "Forgotten" if forgotten else "Not shown to be forgotten",
        f"Of {share.questions} questions on unseen images that the model answered rightly before, "
        f"it still names the concept in {share.successes}. With 95 % confidence it would name it "
        f"in {sign} {_limit(share.high)} of such questions; “forgotten” asks for 10 % or less."
        + partial,
    )


def is_shallow(record: RunRecord) -> bool:
    """Whether the model still says yes to "is this…?" too often to call it erased."""
    return bool(record.yes_no.questions) and record.yes_no.value > SHALLOW_ABOVE


def percent(value: float) -> str:
    """0.034 → "3.4 %", 0.5 → "50 %"."""
    number = 100 * value
    return f"{number:.1f} %" if 0 < number < 10 else f"{number:.0f} %"


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
    if seconds < 90:
        return f"about {max(1, round(seconds))} s left"
    return f"about {round(seconds / 60)} min left"


def _count(number: int, noun: str) -> str:
    return f"{number:,} {noun}{'' if number == 1 else 's'}"
