"""What an edit does to knowledge that must stay, as numbers of a record. Standard library only."""

from dataclasses import dataclass

# The statement about a share of images: at most SHARE of them lie above the level, and that is
# wrong with a probability of at most RISK.
SHARE, RISK = 0.10, 0.05


@dataclass(frozen=True, slots=True)
class LayerReport:
    """One edited layer: measured damage against its bound, and the entropy of its inputs.

    Damages are mean squared changes of the layer's output, on the base model's inputs, with this
    layer alone edited. ``in_sample``, ``bound`` and ``held_out`` are relative to one number, the
    mean square of its output on the statistics' own sample; ``held_out``, on another sample, may
    exceed the bound, which speaks of that one.

    Of unseen retained images, asked for their name in one wording, at the last token before the
    answer, and relative to the mean square of the output there: ``joint`` is the damage with
    all layers edited, ``drift`` how far the edits before it move the layer's input, mean square
    over mean square. ``level``: of the concepts, no more than `SHARE` have one among up to three
    images that moves the output of this layer, edited alone, by more than this share of its usual
    length, at the risk `RISK`; None where there are too few concepts to say so. ``neighbours``: the
    damage on unseen images of each of the nearest concepts, relative to its own output, dearest
    first. ``anchors_before``, ``anchors_after``: the entropy on the anchors as they are. None and
    empty in an older record.
    """

    layer: str
    in_sample: float
    bound: float
    held_out: float
    entropy_before: float
    entropy_after: float
    joint: float | None = None
    drift: float | None = None
    level: float | None = None
    neighbours: tuple[tuple[str, float], ...] = ()
    anchors_before: float | None = None
    anchors_after: float | None = None


@dataclass(frozen=True, slots=True)
class KeptAnswers:
    """The edited model along the base model's own answers about unseen retained images.

    questions: how many; divergence: the mean KL(before ‖ after) of an answer's token, in nats;
    same: the share of answers that stay token by token; headroom: the share that could not have
    changed, because no score moved by half the lead of a token; never above ``same``.
    """

    questions: int
    divergence: float
    same: float
    headroom: float
