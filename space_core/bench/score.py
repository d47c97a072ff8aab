"""One (method, target) in numbers: how the leaderboard's columns are counted."""

import math
from collections.abc import Callable, Mapping, Sequence

import numpy as np

from space_core import evaluate, wordings
from space_core.alarms import broke, is_broken, model_broke
from space_core.leaderboard import BAND, Row
from space_core.types import Outcome
from space_core.verdict import shown_forgotten
from space_core.ways import leaks

Question = tuple[str, str, str, str]
# What `row_of` counts; the rest of a row is what was measured.
COUNTED = (
    "n", "fa", "generality", "ra", "ra_of_before", "proximal_ra", "proximal_all", "grf_f1",
    "text_ra", "skills", "broken", "broken_others", "told", "curve", "forgotten",
)  # fmt: skip
_TAUGHT = {ask for naming in wordings.NAMING.values() for ask in naming.taught}


def row_of(
    method: str, target: str, domain: str, outcomes: Sequence[Outcome], trained: Sequence[str]
) -> Row:
    """Score the outcomes of one target. trained: the artists whom training saw."""
    fa = evaluate.forget_accuracy(outcomes)
    near = evaluate.retained(outcomes, "near")
    kinds = ("name", "yes-no", "is-it-target", "choice-beside")
    texts = [one for one in outcomes if one.group == "skill" and one.kind.startswith("text")]
    told = [one for one in outcomes if one.group == "told"]
    about = [one for one in outcomes if one.group == "target"]
    return Row(
        method, target, domain, fa.questions, fa.value, generality(outcomes, trained),
        evaluate.retained(outcomes, "far").value, near.value,
        evaluate.retained(outcomes, "near", kinds).value,
        harmonic(1.0 - fa.value, near.value), evaluate.share(texts).value,
        evaluate.skills(outcomes).value,
        float(np.mean([one.verdict == evaluate.BROKEN for one in about])) if about else np.nan,
        ra_of_before=evaluate.of_before(outcomes, "far"), told=evaluate.share(told).value,
        curve=curve(outcomes), broken_others=newly_broken(outcomes),
        forgotten=called_forgotten(outcomes),
    )  # fmt: skip


def called_forgotten(outcomes: Sequence[Outcome]) -> float:
    """1 where the page would call the target forgotten, 0 where not; NaN where it was not known."""
    naming = evaluate.forget_accuracy(outcomes)
    if not naming.questions:
        return math.nan
    return float(shown_forgotten(naming, leaks(outcomes), model_broke(outcomes)))


def broken_names(outcomes: Sequence[Outcome]) -> float:
    """Of the naming questions behind `evaluate.forget_accuracy`, those answered by no answer."""
    asked = [one for one in outcomes if one.group == "target" and one.kind == "name"]
    known = [one.verdict == evaluate.BROKEN for one in asked if one.right_before]
    return float(np.mean(known)) if known else math.nan


def newly_broken(outcomes: Sequence[Outcome]) -> float:
    """The share of the answers about all but the target that are none, of those that were one."""
    others = [one for one in outcomes if one.group != "target" and not is_broken(one.before)]
    return float(np.mean([broke(one) for one in others])) if others else math.nan


def curve(outcomes: Sequence[Outcome]) -> tuple[tuple[float, int, int], ...]:
    """Naming kept by bands of similarity, as `Row` holds it: what a target's neighbours pay."""
    asked = [one for one in outcomes if one.group in ("near", "far") and one.kind == "name"]
    bands: dict[float, list[bool]] = {}
    for one in asked:
        if one.right_before:
            edge = round(BAND * math.floor(one.similarity / BAND + 1e-9), 6)
            bands.setdefault(edge, []).append(one.right_after)
    return tuple((edge, sum(kept), len(kept)) for edge, kept in sorted(bands.items()))


def generality(outcomes: Sequence[Outcome], trained: Sequence[str]) -> float:
    """What is left of the concept over every way of asking, mean over kinds of question.

    Kinds: naming in wordings that no method saw; naming by artists whom training never saw; other
    languages; a person's occupation and city; yes/no, in balanced pairs of the name and a
    distractor, above chance, max(0, (accuracy − chance) / (1 − chance)); multiple choice. Pairs
    count as they come, or what was guessed before would be left out; of all else only questions
    answered rightly before. A model that never knew the concept does not guess at a choice: it
    names none, or another.
    """
    about = [one for one in outcomes if one.group == "target"]
    naming = [one for one in about if one.kind == "name"]
    worded = [one for one in naming if one.question not in _TAUGHT]
    unseen = [one for one in naming if one.artist not in trained]
    languages = [one for one in about if one.kind.startswith("name-")]
    facts = [one for one in about if one.kind in ("occupation", "city")]
    choices = [one for one in about if one.kind == "choice"]
    left = [evaluate.left(some).value for some in (worded, unseen, languages, facts, choices)]
    yes = [one.right_after for one in about if one.kind == "yes-no"]
    no = [one.right_after for one in about if one.kind == "other-yes-no"]
    if yes and no:
        left.append(above_chance((np.mean(yes) + np.mean(no)) / 2, 0.5))
    known = [value for value in left if not np.isnan(value)]
    return float(np.mean(known)) if known else float("nan")


def above_chance(accuracy: float, chance: float) -> float:
    """0 at chance or below, 1 where everything is right."""
    return max(0.0, (float(accuracy) - chance) / (1 - chance))


def harmonic(a: float, b: float) -> float:
    """The harmonic mean of two shares; NaN where one is not known."""
    return 2 * a * b / (a + b) if a + b != 0 else 0.0


def gap(outcomes: Sequence[Outcome], reference: Mapping[Question, bool]) -> float:
    """(base − method) / (base − reference) in how much of the target's questions is right.

    Each kind of question counts alike. reference: whether a model that never knew the target
    answers rightly, for questions as `question_of` names them. NaN where it was not asked one of
    them, or where the base model knows no more than it.
    """
    about = [one for one in outcomes if one.group == "target"]
    if not about or any(question_of(one) not in reference for one in about):
        return float("nan")
    base = _right(about, lambda one: one.right_before)
    left = _right(about, lambda one: one.right_after)
    never = _right(about, lambda one: reference[question_of(one)])
    return (base - left) / (base - never) if base > never else float("nan")


def question_of(outcome: Outcome) -> Question:
    """What tells one question from all others: the concept, the kind, the image, the words."""
    return outcome.concept, outcome.kind, outcome.image, outcome.question


def _right(about: Sequence[Outcome], right: Callable[[Outcome], bool]) -> float:
    kinds: dict[str, list[bool]] = {}
    for one in about:
        kinds.setdefault(one.kind, []).append(right(one))
    return float(np.mean([np.mean(answers) for answers in kinds.values()]))
