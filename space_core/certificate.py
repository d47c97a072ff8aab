"""What held-out images and answers show of an edit, without a model of where they come from.

From numbers to statements: changes of a layer's output → a share of images; logits → answers
that cannot have changed. Knows no layer's statistics; those are the bound's.
"""

import math
from bisect import bisect_right
from collections.abc import Hashable, Sequence

import torch
from torch import Tensor

from space_core.intervals import clopper_pearson_upper


def change_norms(delta: Tensor, k: Tensor) -> Tensor:
    """How far an edit moves a layer's output on each input: ‖ΔW k_i‖₂, [n] float64.

    delta: ΔW [o, d] as stored; k: [n, d], one input a row. Raises ValueError where widths
    disagree.
    """
    if delta.ndim != 2 or k.ndim != 2 or delta.shape[1] != k.shape[1]:
        raise ValueError(f"An update {list(delta.shape)} cannot act on inputs {list(k.shape)}.")
    k = k.detach().to(torch.float64)
    return (k @ delta.detach().to(k).T).norm(dim=1)


def largest_per_image(norms: Tensor, images: Sequence[Hashable]) -> Tensor:
    """The largest number of each image, [images] in order of first appearance.

    norms: [n]; images: the image of each. Where several images show one concept, they are no
    independent draws: name the concept instead, and the statement is about concepts. float64.
    """
    if len(norms) != len(images):
        raise ValueError(f"{len(norms)} changes of {len(images)} images: give one image to each.")
    rows: dict[Hashable, list[int]] = {}
    for row, image in enumerate(images):
        rows.setdefault(image, []).append(row)
    values = norms.detach().to("cpu", torch.float64)
    return torch.stack([values[some].max() for some in rows.values()]) if rows else values


def share_above(values: Sequence[float] | Tensor, level: float, risk: float) -> float:
    """Upper limit of the share of images whose value exceeds `level`, wrong at most `risk`.

    values: one number for each of n images; with s of them above q, the p with
    P(Bin(n, p) ≤ s) = δ; 1 where n = 0. Holds whatever the distribution, if the images are
    independent draws from those it speaks of and neither the edit nor q was chosen by them: for a
    q that they choose, use `level_within`. Each layer and each q is a statement with a δ of its
    own. Raises ValueError for a value that is no number. Source: Clopper & Pearson 1934; its use
    here is ours.
    """
    found = _ascending(values)
    if math.isnan(level):
        raise ValueError("The level is not a number: nothing is above or below it.")
    _check_share("risk", risk)
    return clopper_pearson_upper(len(found) - bisect_right(found, level), len(found), 1 - risk)


def level_within(values: Sequence[float] | Tensor, share: float, risk: float) -> float | None:
    """The smallest observed q that at most `share` of images exceed, wrong at most `risk`.

    values: one number for each of n images. q = x_(n−s), ascending, with the largest s for which
    P(Bin(n, ε) ≤ s) ≤ δ: an upper tolerance limit, valid though the images choose q, ties
    included. None where even the largest value says too little, (1 − ε)ⁿ > δ. Conditions and
    errors as in `share_above`. Source: Wilks 1941; its use here is ours.
    """
    found = _ascending(values)
    _check_share("risk", risk)
    _check_share("share", share)
    n = len(found)
    allowed = bisect_right(
        range(n), share, key=lambda above: clopper_pearson_upper(above, n, 1 - risk)
    )
    return found[n - allowed] if allowed else None


def margins(logits: Tensor) -> Tensor:
    """How far the answer stands above the runner-up: z_(1) − z_(2), [m] float64 ≥ 0.

    logits: [m, vocabulary], two tokens or more.
    """
    return -_logits(logits).topk(2, dim=1).values.diff(dim=1)[:, 0]


def headroom(before: Tensor, after: Tensor) -> Tensor:
    """Where the change was too small to alter the answer: ‖Δz‖_∞ < margin / 2, [m] bool.

    before, after: logits [m, vocabulary]. There the most likely token is the same: it loses less
    than half the margin and another gains less than half. False says nothing. Source: ours.
    """
    before, after = _pair(before, after)
    return (after - before).abs().amax(dim=1) < margins(before) / 2


def headroom_share(kept: Sequence[bool], answers: Sequence[Hashable]) -> float:
    """Share of answers with headroom at every token, a lower limit of the share unchanged.

    kept: `headroom` along the base model's own greedy answers, end token included; answers: the
    answer to which each of them belongs. Such an answer is the edited model's greedy answer too,
    token by token. NaN without tokens. Source: ours.
    """
    if len(kept) != len(answers):
        raise ValueError(f"{len(kept)} tokens of {len(answers)} answers: give one to each.")
    whole: dict[Hashable, bool] = {}
    for fine, answer in zip(kept, answers):
        whole[answer] = whole.get(answer, True) and fine
    return sum(whole.values()) / len(whole) if whole else float("nan")


def divergence(before: Tensor, after: Tensor) -> Tensor:
    """Measured KL(before ‖ after) = Σ_v p_v (log p_v − log p′_v), [m] float64, in nats.

    before, after: logits [m, vocabulary]. At most ‖Δz‖_∞² / 2. Source: as L_keep, ours.
    """
    p, q = (some.log_softmax(dim=1) for some in _pair(before, after))
    return (p.exp() * (p - q)).sum(dim=1).clamp_min(0.0)


def _ascending(values: Sequence[float] | Tensor) -> list[float]:
    found = sorted(float(value) for value in values)
    if any(map(math.isnan, found)):
        raise ValueError("A value is not a number: measure the changes again in float32.")
    return found


def _check_share(what: str, value: float) -> None:
    if not 0 < value < 1:
        raise ValueError(f"The {what} is a share between 0 and 1, not {value:g}.")


def _pair(before: Tensor, after: Tensor) -> tuple[Tensor, Tensor]:
    if before.shape != after.shape:
        raise ValueError(
            f"Logits {list(before.shape)} before and {list(after.shape)} after: compare the same "
            "tokens."
        )
    return _logits(before), _logits(after)


def _logits(logits: Tensor) -> Tensor:
    if logits.ndim != 2 or logits.shape[1] < 2:
        raise ValueError(f"Logits are [tokens, vocabulary ≥ 2], not {list(logits.shape)}.")
    if not logits.isfinite().all():
        raise ValueError("A logit is not finite: run the model in float32, and mask no token.")
    return logits.detach().to(torch.float64)
