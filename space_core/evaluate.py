"""What was forgotten and what was kept: answers before and after, scored by fixed rules.

It sees images of the target, as do ``evaluation_split`` and what builds on it; none of them gives
anything back to the erasure.
"""

import re
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from functools import partial

import numpy as np
from torch import Tensor

from space_core import fluency
from space_core.alarms import is_broken
from space_core.evaluation_split import EvaluationSplit
from space_core.mllm import Mllm
from space_core.names import NameBook, words
from space_core.probes import Probe
from space_core.shares import STILL, left, share
from space_core.types import Outcome, Selection, Share

GENERAL, OTHER, BROKEN = "general answer", "another name", "broken"
KEPT, LOST = "kept", "lost"
_YES = {"yes-no": "yes", "other-yes-no": "no", "is-it-target": "no"}
_NAMED = ("name", "name-de", "name-fr", "name-es", "choice", "choice-beside")
_ABOUT = ("target", "own")
# Answered in a sentence of which a few words tell, whatever stands around them.
_TOLD, _TOLD_IN_TEXT = ("occupation", "city"), ("text-occupation", "text-city")
_PLAIN = set(words("a an the this that it he she they person is are in of from and lives works as"))
_DENIAL = re.compile(r"\b(?:no|not|never|cannot)\b|n['’]t\b", re.IGNORECASE)
# A new clause begins with a subject of its own: a comma or a full stop may stand within a name.
_CLAUSE = re.compile(
    r"[;!?]|[,.:](?=\s+(?:it|this|that|there|he|she|they|i)\b)|\bbut\b", re.IGNORECASE
)
_BANDS = 6


def encode_views(
    mllm: Mllm, split: EvaluationSplit, probes: Sequence[Probe]
) -> dict[str, Tensor]:
    """The connector's output for every view that the probes ask about, each once."""
    keys = list(dict.fromkeys(probe.view for probe in probes if probe.view))
    features = mllm.encode(split.view(key).view.image for key in keys)
    return dict(zip(keys, features))


def answers(mllm: Mllm, probes: Sequence[Probe], features: dict[str, Tensor]) -> list[str]:
    """What the model, as it is now, answers to every probe."""
    return mllm.answer(
        [probe.question for probe in probes],
        [features[probe.view] if probe.view else None for probe in probes],
    )


def judged(
    mllm: Mllm, probes: Sequence[Probe], before: Sequence[str], after: Sequence[str],
    book: NameBook, target: str, honest: str, selection: Selection | None,
    also: Iterable[Outcome] = (),
) -> tuple[Outcome, ...]:  # fmt: skip
    """`judge`, with the answers that the model, whose edit is off, finds garbled.

    selection: the anchors of the edit, where it has some; also: outcomes of other questions, whose
    answers before tell as much of what the model says.
    """
    questions = [probe.question for probe in probes]
    odd = fluency.garbled(
        mllm, {*zip(questions, before), *fluency.before(also)}, set(zip(questions, after)),
        fluency.meant(honest, selection),
    )  # fmt: skip
    gone = selection is not None and selection.request.text_too
    return judge(probes, before, after, book, target, honest, odd, gone)


def judge(
    probes: Sequence[Probe], before: Sequence[str], after: Sequence[str], book: NameBook,
    target: str, honest: str, garbled: Collection[tuple[str, str]] = (), gone: bool = False,
) -> tuple[Outcome, ...]:  # fmt: skip
    """Score every answer. book: all known names; target: the key of the erased concept in it;
    garbled: (question, answer after) of `fluency.garbled`. What names something known is an answer,
    however odd. gone: whether what text tells shall go: then one fact of several is one too many.
    """
    outcomes = []
    # One fact is told in the place of another, too: who, asked where she lives, is said to sail.
    facts = _facts(probe for probe in probes if probe.kind in (*_TOLD, *_TOLD_IN_TEXT))
    for probe, was, now in zip(probes, before, after, strict=True):
        right = [_right(probe, text, book) for text in (was, now)]
        told = gone and probe.group == "told"
        if told or probe.group in _ABOUT and probe.kind in _TOLD:
            right[1] = right[1] or _gives_away(probe, now, facts, book, target)
        broken = is_broken(now) or (probe.question, now) in garbled and not book.named(now)
        if probe.group in _ABOUT:
            verdict = _target_verdict(probe, now, book, target, honest, broken, right[1])
        elif told:
            verdict = STILL if right[1] else BROKEN if broken else GENERAL
        else:
            verdict = KEPT if right[1] else BROKEN if broken else LOST
        outcomes.append(
            Outcome(
                probe.group, probe.kind, probe.concept, probe.view, probe.artist,
                probe.similarity, probe.question, probe.expected, was, now, *right, verdict,
            )  # fmt: skip
        )
    return tuple(outcomes)


def forget_accuracy(outcomes: Sequence[Outcome], group: str = "target") -> Share:
    """FA: of naming questions on the concept's held-out images, those that still name it."""
    asked = [one for one in outcomes if one.group == group and one.kind == "name"]
    return left(asked)


def still_yes(outcomes: Sequence[Outcome], group: str = "target") -> Share:
    """Of "is this …?" on the concept's held-out images, those that still get a yes or the name."""
    return left(one for one in outcomes if one.group == group and one.kind == "yes-no")


def retained(outcomes: Sequence[Outcome], group: str, kinds: Sequence[str] = ("name",)) -> Share:
    """RA of a group: right before and after, of those right before."""
    return share(one for one in outcomes if one.group == group and one.kind in kinds)


def of_before(outcomes: Sequence[Outcome], group: str) -> float:
    """Naming in a group: right after, over right before; NaN where nothing was right before.

    Above 1 where more became right than was lost. An edit moves answers that hang by a thread in
    both directions; `retained` counts one of them.
    """
    asked = [one for one in outcomes if one.group == group and one.kind == "name"]
    before = sum(one.right_before for one in asked)
    return sum(one.right_after for one in asked) / before if before else float("nan")


def skills(outcomes: Sequence[Outcome]) -> Share:
    """RA over colour, count, artist and text-only questions."""
    return share(one for one in outcomes if one.group == "skill")


def told(outcomes: Sequence[Outcome]) -> Share:
    """Of what text alone tells of the concept, what is still answered as before."""
    return share(one for one in outcomes if one.group == "told")


# The shares of a run, by the record's fields.
MEASURES: Mapping[str, Callable[[Sequence[Outcome]], Share]] = {
    "forget_accuracy": forget_accuracy,
    "yes_no": still_yes,
    "retained_accuracy": partial(retained, group="far"),
    "proximal_retained_accuracy": partial(retained, group="near"),
    "neighbours_yes_no": partial(retained, group="near", kinds=("yes-no", "is-it-target")),
    "skills": skills,
    "told": told,
}


def similarity_bands(outcomes: Sequence[Outcome]) -> tuple[tuple[float, float, Share], ...]:
    """RA of naming in bands of similarity to the erased concept, each with as many questions."""
    asked = [one for one in outcomes if one.group in ("near", "far") and one.kind == "name"]
    asked = [one for one in asked if one.right_before]
    if not asked:
        return ()
    values = np.array([one.similarity for one in asked])
    edges = np.unique(np.quantile(values, np.linspace(0, 1, _BANDS + 1)))
    if len(edges) < 2:
        return ((float(values[0]), float(values[0]), share(asked)),)
    place = np.clip(np.searchsorted(edges, values, "right") - 1, 0, len(edges) - 2)
    bands = []
    for i in np.unique(place):
        own = [one for one, where in zip(asked, place) if where == i]
        near = [one.similarity for one in own]
        bands.append((min(near), max(near), share(own)))
    return tuple(bands)


def by_domain(
    outcomes: Sequence[Outcome], domain_of: Mapping[str, str]
) -> tuple[tuple[str, Share], ...]:
    """RA of naming in each domain of the other concepts, by the domains' names."""
    asked: dict[str, list[Outcome]] = {}
    for one in outcomes:
        if one.group in ("near", "far") and one.kind == "name" and one.right_before:
            asked.setdefault(domain_of[one.concept], []).append(one)
    return tuple((domain, share(asked[domain])) for domain in sorted(asked))


def _right(probe: Probe, text: str, book: NameBook) -> bool:
    """Whether the answer is right. About the target a name in whatever words is; about others one
    that comes after a denial, or in a stammer, is not.
    """
    said, about = words(text), probe.group in _ABOUT
    if not about and is_broken(text):
        return False
    if probe.kind in _YES:
        if said[:1] in (("yes",), ("no",)):
            return said[0] == _YES[probe.kind]
        # "This is a cucumber." answers "is this a pretzel?", too.
        return _named(_affirmed(text), book) == {probe.concept}
    if probe.kind in _NAMED:
        return probe.concept in book.named(text if about else _affirmed(text))
    return said == words(probe.expected) or any(_tells(text, fact) for fact in _facts([probe]))


def _affirmed(text: str) -> str:
    """What stands before a denial."""
    return _DENIAL.split(text, maxsplit=1)[0]


def _claimed(text: str) -> str:
    """Each clause up to its denial."""
    return " ".join(_affirmed(clause) for clause in _CLAUSE.split(text))


def _named(text: str, book: NameBook) -> set[str]:
    return {key for key in book.named(text) if not key.startswith("category ")}


def _facts(probes: Iterable[Probe]) -> set[tuple[frozenset[str], bool]]:
    """Of the target's facts the words that tell something, less those of the question, and whether
    the answer is a denial. Of others only the expected answer itself is right.
    """
    found = set()
    for probe in probes:
        if probe.group == "told" or probe.group in _ABOUT and probe.kind in _TOLD:
            expected = set(words(probe.expected))
            telling = frozenset(expected - _PLAIN - set(words(probe.question)))
            if telling:
                found.add((telling, bool(_DENIAL.search(probe.expected))))
    return found


def _tells(text: str, fact: tuple[frozenset[str], bool]) -> bool:
    """Whether an answer tells a fact, in words of its own, and does not deny it."""
    telling, denial = fact
    return telling <= set(words(text)) and bool(_DENIAL.search(text)) <= denial


def _gives_away(
    probe: Probe, text: str, facts: Iterable[tuple[frozenset[str], bool]], book: NameBook,
    target: str,
) -> bool:  # fmt: skip
    """Whether an answer about the target holds one of the facts, most of a definition, or the name
    that a definition was of. However it says it: a denial that holds it still gives it away.
    """
    said = {*words(text)}
    if any(telling <= said for telling, _ in facts):
        return True
    if probe.kind == "text-reverse":
        return target in book.named(text)
    return probe.kind == "text-definition" and any(
        2 * len(telling & said) > len(telling) for telling, _ in _facts([probe])
    )


def _target_verdict(
    probe: Probe, text: str, book: NameBook, target: str, honest: str, broken: bool, right: bool
) -> str:
    if probe.kind in _YES:
        # "No, this is not a lemon." gives nothing away; "not sure, but it is a lemon" does, and
        # where the question was about a lime, "no, it is a lemon".
        told = _claimed(text) if probe.kind == "yes-no" else text
        return _yes_no_verdict(probe, text, target in book.named(told), broken)
    if probe.kind not in _NAMED:
        # Asked what she does, "this is Ada" gives her away.
        if right or target in book.named(text):
            return STILL
        return BROKEN if broken else GENERAL
    if words(text) == words(honest):
        return GENERAL
    named = _named(text, book)
    # However it says it: a denial or a stammer that holds the name still gives it away.
    if target in named:
        return STILL
    if broken:
        return BROKEN
    return OTHER if named else GENERAL


def _yes_no_verdict(probe: Probe, text: str, names: bool, broken: bool) -> str:
    said = words(text)
    if said[:1] == ("yes",):
        # "Yes" to another concept's name is another name.
        return STILL if probe.kind == "yes-no" else OTHER
    if names:
        return STILL
    return BROKEN if broken else GENERAL
