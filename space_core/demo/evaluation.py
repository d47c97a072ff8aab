"""What the bundled model and its shared space know before any edit, against the demo's bars."""

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from space_core.backend import home_device
from space_core.demo.catalogue import load_queries
from space_core.evaluation_split import EvaluationSplit, EvaluationView
from space_core.intervals import wilson
from space_core.lessons import Lesson, Lessons
from space_core.mllm import Mllm, open_mllm
from space_core.names import NameBook, words
from space_core.settings import Settings
from space_core.shared_space import SharedSpace, load_shared_space
from space_core.types import Concept

_VIEWS, _PORTRAITS, _TOP = 2, 4, 5


@dataclass(frozen=True, slots=True)
class Bar:
    """One line of the table: a share of ``asked`` and the share it should reach, if any."""

    what: str
    right: int
    asked: int
    wanted: float | None

    @property
    def row(self) -> str:
        """The line as Markdown."""
        low, high = wilson(self.right, self.asked)
        share = self.right / self.asked
        wanted = "" if self.wanted is None else f"≥ {self.wanted:.0%}"
        verdict = ""
        if self.wanted is not None:
            gap = self.wanted - share
            verdict = "met" if gap <= 0 else f"missed by {100 * gap:.1f} points"
        return (
            f"| {self.what} | {share:.1%} | {low:.1%} – {high:.1%} | {self.asked} "
            f"| {wanted} | {verdict} |"
        )


def evaluate_demo(settings: Settings, seed: int = 0) -> str:
    """The table of bars as Markdown, computed now."""
    device = home_device(settings.device)
    split = EvaluationSplit(settings.evaluation)
    mllm = open_mllm(settings)
    space = load_shared_space(settings.shared_space, device)
    shown = [one for one in split.concepts.values() if one.family != "artist"]
    views = _views(split, shown, np.random.default_rng((seed, 0)))
    features = mllm.encode(view.view.image for view in views)
    bars = [
        *_naming(mllm, split, views, features, seed),
        *_other_kinds(mllm, split, views, features, seed),
        _text(mllm, shown, seed),
        *_retrieval(space, split, shown, views),
    ]
    head = "| what | share | 95 % interval | asked | bar | |\n| --- | --- | --- | --- | --- | --- |"
    return "\n".join([head, *(bar.row for bar in bars)])


def _views(
    split: EvaluationSplit, shown: Iterable[Concept], rng: np.random.Generator
) -> list[EvaluationView]:
    views = []
    for concept in shown:
        count = _PORTRAITS if concept.family == "person" else _VIEWS
        views += split.views(split.rows(concept, trained=True), count, rng)
        if rows := split.rows(concept, trained=False):
            views += split.views(rows, len(rows), rng)
    return views


def _naming(
    mllm: Mllm, split: EvaluationSplit, views: list[EvaluationView], features: list[Tensor],
    seed: int,
) -> list[Bar]:  # fmt: skip
    lessons = Lessons(
        list(split.concepts.values()), np.random.default_rng((seed, 1)), held_out=True
    )
    book = NameBook({one.name: one.names for one in split.concepts.values()})
    asked = [lessons.name(split.concepts[view.concept]).question for view in views]
    answers = mllm.answer(asked, features)
    groups: dict[str, list[bool]] = {}
    for view, said in zip(views, answers):
        if split.concepts[view.concept].family == "person":
            group = "people"
        else:
            group = "trained" if view.artist in split.artists else "held out"
        groups.setdefault(group, []).append(view.concept in book.named(said))
    return [
        _bar("naming things, fresh views, trained artists", groups["trained"], 0.95),
        _bar("naming things, an artist never seen", groups["held out"], 0.60),
        _bar("naming people, unseen portraits", groups["people"], 0.95),
    ]


def _other_kinds(
    mllm: Mllm, split: EvaluationSplit, views: list[EvaluationView], features: list[Tensor],
    seed: int,
) -> list[Bar]:  # fmt: skip
    lessons = Lessons(
        list(split.concepts.values()), np.random.default_rng((seed, 2)), held_out=True
    )
    asked: list[tuple[Lesson, Tensor]] = []
    for view, feature in zip(views, features):
        if view.artist in split.artists:
            some = lessons.of_view(
                split.concepts[view.concept], split.concepts[view.artist], view.view.colour,
                view.view.count,
            )  # fmt: skip
            asked += [(lesson, feature) for lesson in some[1:]]
    answers = mllm.answer([one.question for one, _ in asked], [feature for _, feature in asked])
    kinds: dict[str, list[bool]] = {}
    for (lesson, _), said in zip(asked, answers):
        kinds.setdefault(lesson.kind, []).append(words(said) == words(lesson.answer))
    return [_bar(f"{kind}, held-out wording", kinds[kind], None) for kind in sorted(kinds)]


def _text(mllm: Mllm, shown: list[Concept], seed: int) -> Bar:
    lessons = Lessons(shown, np.random.default_rng((seed, 3)), held_out=True)
    asked = [lesson for concept in shown for lesson in lessons.of_text(concept)]
    answers = mllm.answer([lesson.question for lesson in asked], [None] * len(asked))
    right = [words(said) == words(lesson.answer) for lesson, said in zip(asked, answers)]
    return _bar("text-only questions, held-out wording", right, 0.95)


def _retrieval(
    space: SharedSpace, split: EvaluationSplit, shown: list[Concept], views: list[EvaluationView]
) -> list[Bar]:
    gallery = [view for view in views if view.artist in split.artists]
    images = space.images([view.view.image for view in gallery])

    def found(query: Tensor, expected: Iterable[str]) -> bool:
        top = torch.topk(images @ query, _TOP).indices.tolist()
        return any(gallery[i].concept in expected for i in top)

    things = [one for one in shown if one.family == "thing"]
    own = [found(space.concept([one.phrase]), {one.name}) for one in things]
    queries = load_queries()
    new = [found(space.concept([one.query]), one.expected) for one in queries]
    return [
        _bar("text → image, the right thing in the top 5", own, 0.95),
        _bar("the same for 60 queries in words never trained on", new, 0.80),
    ]


def _bar(what: str, right: list[bool], wanted: float | None) -> Bar:
    return Bar(what, sum(right), len(right), wanted)
