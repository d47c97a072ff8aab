"""Questions counted: how many of those answered rightly before still are, or still name it."""

from collections.abc import Callable, Iterable

from space_core.intervals import wilson
from space_core.types import Outcome, Share

# The verdict on an answer that gives the concept away.
STILL = "still names it"


def share(
    outcomes: Iterable[Outcome], counts: Callable[[Outcome], bool] = lambda one: one.right_after
) -> Share:
    """Of the questions answered rightly before, those that count after: by default, right ones."""
    asked = [one for one in outcomes if one.right_before]
    counted = sum(map(counts, asked))
    images = {one.image for one in asked} - {""}
    drawings = {image.split(".")[0] for image in images}
    low, high = wilson(counted, len(asked))
    return Share(counted, len(asked), len(images), len(drawings), low, high)


def left(outcomes: Iterable[Outcome]) -> Share:
    """Of the questions answered rightly before, those whose answer still gives the concept away."""
    return share(outcomes, lambda one: one.verdict == STILL)
