"""What the page says about a result, in plain words. Pure text: no HTML, no gradio."""

import logging
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime

from space_core.labels import GROUPS, INSTEAD, groups_said  # noqa: F401
from space_core.outcome_words import outcome, outcome_said  # noqa: F401
from space_core.run_index import Entry
from space_core.types import Anchor, ConceptRequest, Selection, Share

# The verdict is in words already, and so is a question: the page finds all of its words here.
from space_core.verdict import (  # noqa: F401
    FORGOTTEN_BELOW, INTERVAL, KEPT_ABOVE, NO, OPEN, UNASKED, VIEWS, YES, answers, are_forgotten,
    are_kept, count, guarantees, is_forgotten, named_on_own, said_instead, verdict,
)  # fmt: skip

_LEAST = 0.1  # percent: what is less is said to be so
REPLACED = (
    "Not done: what this step shows has changed since it was asked for. Look again, then repeat it."
)
NO_EDIT = (
    "There is no edited model in this visit: erase a concept in step 3, or open one of My runs."
)

UNMOVED = (
    "This method does not move the anchors, so they must resemble the concept: all are chosen by "
    "words, none is drawn by chance."
)

PRESETS = {
    "space": "SPACE, as this project reads it: anchors moved to what the model believes, soft null "
    "space (every direction weighed by how much other knowledge uses it)",
    "paper": "The paper read literally: anchors chosen by words alone and left as they are, hard "
    "null space (only directions that other knowledge hardly uses)",
}

_log = logging.getLogger(__name__)


def explain(error: BaseException) -> str:
    """One sentence for the visitor: a ValueError speaks for itself, the rest is logged."""
    if isinstance(error, ValueError):
        return str(error)
    _log.error("A handler failed.", exc_info=error)
    first = (str(error).strip().splitlines() or [type(error).__name__])[0]
    return f"Something went wrong: {first[:200]}"


def image_name(key: str) -> str:
    """Which image was asked about, in words: "12.0" → "image 12, view 1"."""
    image, _, view = key.partition(".")
    if view.isdecimal():
        return f"image {image}, view {int(view) + 1}"
    return key or "(text only)"


def is_shallow(yes_no: Share) -> bool:
    """Whether the model still says yes to "is this…?" too often to call it erased."""
    return are_forgotten(yes_no) == NO


def when(created: str) -> str:
    """A time as records hold it, for reading: "27 Nov 2026, 23:53 UTC"."""
    return f"{datetime.fromisoformat(created).astimezone(UTC):%d %b %Y, %H:%M} UTC"


def percent(value: float) -> str:
    """0.034 → "3.4 %", 0.5 → "50 %", 0.995 → "99.5 %"; no line breaks between the two. All is said
    of all alone, and none of none.
    """
    number = 100 * value
    if 0 < number < _LEAST:
        return f"under\u00a0{_LEAST}\u00a0%"
    if 100 - _LEAST < number < 100:
        return f"over\u00a0{100 - _LEAST}\u00a0%"
    digits = 1 if 0 < number < 10 or 99 <= number < 100 else 0
    return f"{number:.{digits}f}\u00a0%"


def behind(share: Share) -> str:
    """The interval and what stands behind a share. An image may be shown in several views."""
    if not share.questions:
        return "no question could be asked"
    shown = count(share.drawings, "image") if share.drawings else "without an image"
    if share.images != share.drawings:
        shown = f"{count(share.images, 'view')} of {shown}"
    return (
        f"95 % interval {percent(share.low)} to {percent(share.high)} · "
        f"{share.successes} of {count(share.questions, 'question')}, {shown}"
    )


def anchor_caption(anchor: Anchor) -> str:
    """One line under an anchor's image."""
    # A source often names the artist.
    credits = anchor.artist * (anchor.artist not in anchor.source), anchor.source, anchor.licence
    credit = ", ".join(part for part in credits if part)
    drawn = " · drawn by chance" * anchor.by_chance
    return f"{anchor.rank} · {anchor.similarity:.3f}{drawn} · {anchor.caption} ({credit})"


def nearest(ranks: Sequence[int], caption: str) -> str:
    """A public image with the anchors that came to lie nearest to it."""
    some = ", ".join(map(str, ranks))
    return f"{caption} · nearest to {'anchors' if len(ranks) > 1 else 'anchor'} {some}"


def choice(selection: Selection) -> str:
    """What was chosen, in one sentence."""
    images = selection.pool_size or len(selection.scores)
    drawn = len(selection.drawn)
    unmoved = not selection.by_chance
    return (
        f"{count(len(selection.anchors), 'proxy anchor')} for “{selection.request.name}”, from "
        f"{count(images, 'public image')}: {len(selection.chosen)} chosen by text alone, cut at "
        f"similarity {selection.threshold:.3f}{f', and {drawn} drawn by chance' * bool(drawn)}. "
        f"They count as {selection.effective:.1f} distinct images: those that look alike count "
        f"as less than one each.{f' {UNMOVED}' * unmoved}"
    )


def wishes(request: ConceptRequest) -> Iterator[str]:
    """What is asked for beside the concept and is not as on a fresh page, a sentence each."""
    fresh = ConceptRequest("")
    if request.text_too:
        yield "What words alone tell of it is to go, too."
    if request.instead != fresh.instead:
        yield f"In its place the model says {INSTEAD[request.instead]}."
    if request.protect:
        yield f"To protect: {', '.join(request.protect)}."
    if request.questions != fresh.questions:
        yield f"Asked about besides it: {groups_said(request.questions) or 'nothing'}."


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


def ended(entry: Entry) -> str:
    """How a run of the store ended, in a few words."""
    if entry.state in ("running", "interrupted"):
        return {"running": "still running", "interrupted": "interrupted, nothing kept"}[entry.state]
    known = entry.forget_high is not None
    good = known and entry.forget_high <= FORGOTTEN_BELOW
    said = "not shown" if known else "nothing measured on images"
    if good:
        said = "forgotten"
    if entry.ways_left:
        said = "not forgotten in every way"
    if known and entry.forget_low is not None and entry.forget_low > FORGOTTEN_BELOW:
        said = "not forgotten"
    said = "the model broke" if entry.broke else said
    return f"{said}{', stopped early' * (entry.state == 'stopped')}"
