"""One (method, target) in numbers: what the leaderboard's columns mean."""

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from space_core import evaluate
from space_core.types import Outcome

_OPTIONS = 4  # of a multiple choice


@dataclass(frozen=True, slots=True)
class Row:
    """Shares as fractions, NaN where nothing was asked; ``n``: the questions behind ``fa``.

    fa: forget accuracy. generality: mean of what is left over kinds of question, see `generality`.
    ra, proximal_ra: of naming, others and the nearest. grf_f1: harmonic mean of 1 − fa and
    proximal_ra (AUVIC). text_ra: text-only knowledge of others. broken: share of answers about
    the target that are none. gap: 0 the base model, 1 one that never knew; NaN without it.
    parameters: trained numbers. peak_mb: memory of the process at its highest.
    """

    method: str
    target: str
    domain: str
    n: int
    fa: float
    generality: float
    ra: float
    proximal_ra: float
    proximal_all: float
    grf_f1: float
    text_ra: float
    skills: float
    broken: float
    gap: float = field(default=float("nan"))
    seconds: float = 0.0
    cpu_seconds: float = 0.0
    peak_mb: float = 0.0
    parameters: int = 0


def row_of(
    method: str, target: str, domain: str, outcomes: Sequence[Outcome], trained: Sequence[str]
) -> Row:
    """Score the outcomes of one target. trained: the artists whom training saw."""
    fa = evaluate.forget_accuracy(outcomes)
    near = evaluate.retained(outcomes, "near")
    kinds = ("name", "yes-no", "is-it-target")
    texts = [one for one in outcomes if one.group == "skill" and one.kind.startswith("text")]
    about = [one for one in outcomes if one.group == "target"]
    return Row(
        method, target, domain, fa.questions, fa.value, generality(outcomes, trained),
        evaluate.retained(outcomes, "far").value, near.value,
        evaluate.retained(outcomes, "near", kinds).value,
        harmonic(1.0 - fa.value, near.value), evaluate.share(texts).value,
        evaluate.skills(outcomes).value,
        float(np.mean([one.verdict == evaluate.BROKEN for one in about])) if about else np.nan,
    )  # fmt: skip


def generality(outcomes: Sequence[Outcome], trained: Sequence[str]) -> float:
    """What is left of the concept beyond plain naming, mean over kinds of question.

    Kinds: naming by artists whom training never saw; other languages; yes/no, in balanced pairs
    of the name and a distractor, above chance; multiple choice, above chance;
    max(0, (accuracy − chance) / (1 − chance)). Of naming only questions answered rightly before
    count; pairs and choices count as they come, or what was guessed before would be left out.
    """
    about = [one for one in outcomes if one.group == "target"]
    naming = [one for one in about if one.kind == "name" and one.artist not in trained]
    languages = [one for one in about if one.kind.startswith("name-")]
    left = [
        evaluate.share(some, lambda one: one.verdict == evaluate.STILL).value
        for some in (naming, languages)
    ]
    yes = [one.right_after for one in about if one.kind == "yes-no"]
    no = [one.right_after for one in about if one.kind == "other-yes-no"]
    if yes and no:
        left.append(above_chance((np.mean(yes) + np.mean(no)) / 2, 0.5))
    choice = [one.verdict == evaluate.STILL for one in about if one.kind == "choice"]
    if choice:
        left.append(above_chance(np.mean(choice), 1 / _OPTIONS))
    known = [value for value in left if not np.isnan(value)]
    return float(np.mean(known)) if known else float("nan")


def above_chance(accuracy: float, chance: float) -> float:
    """0 at chance or below, 1 where everything is right."""
    return max(0.0, (float(accuracy) - chance) / (1 - chance))


def harmonic(a: float, b: float) -> float:
    """The harmonic mean of two shares."""
    return 2 * a * b / (a + b) if a + b > 0 else 0.0
