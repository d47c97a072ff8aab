"""Runs side by side: what they were made with, what they measured, the same questions. Pure."""

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from space_core.labels import INSTEAD, SHARES, groups_said, hashes_said, settings_said
from space_core.outcome_words import outcome
from space_core.types import Outcome, RunRecord, Share

FEWEST, MOST = 2, 6

_HASHES = ("model", "shared space", "pool", "evaluation")
_ABSENT = "(absent)"


@dataclass(frozen=True, slots=True)
class Setting:
    """Something that went into the runs, by name, and its value in each as text."""

    name: str
    values: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Measure:
    """A share of the record, by its field's name, in each run."""

    name: str
    shares: tuple[Share, ...]


@dataclass(frozen=True, slots=True)
class Question:
    """A question that every run asked, and what came of it in each, as `outcome` says.

    ``image`` is the evaluation's name of the view, "" where the question is text alone.
    """

    question: str
    image: str
    before: tuple[str, ...]
    after: tuple[str, ...]
    kinds: tuple[str, ...]

    @property
    def differs(self) -> bool:
        """Whether the outcomes are not all the same."""
        return len(set(self.kinds)) > 1


@dataclass(frozen=True, slots=True)
class Comparison:
    """Runs side by side; every tuple inside has one value a run, in their order.

    ``settings`` holds only those that differ; ``asked`` the number of questions of each run.
    """

    settings: tuple[Setting, ...]
    measures: tuple[Measure, ...]
    questions: tuple[Question, ...]
    asked: tuple[int, ...]


def check_number(count: int) -> None:
    """Raises ValueError where so many runs cannot stand side by side."""
    if not FEWEST <= count <= MOST:
        runs = "1 run" if count == 1 else f"{count} runs"
        raise ValueError(f"{runs} chosen: tick {FEWEST} to {MOST} to compare them.")


def compare(records: Sequence[RunRecord]) -> Comparison:
    """Two to six runs side by side. Raises ValueError for another number."""
    check_number(len(records))
    # Older records know nothing of what text tells.
    measured = {name: tuple(getattr(one, name) for one in records) for name in SHARES}
    return Comparison(
        _differing(records),
        tuple(Measure(name, shares) for name, shares in measured.items() if all(shares)),
        _shared(records),
        tuple(len(one.outcomes) for one in records),
    )


def _differing(records: Sequence[RunRecord]) -> tuple[Setting, ...]:
    made = [dict(_made_with(one)) for one in records]
    names = dict.fromkeys(name for one in made for name in one)
    found = (Setting(name, tuple(one.get(name, _ABSENT) for one in made)) for name in names)
    return tuple(one for one in found if len(set(one.values)) > 1)


def _made_with(record: RunRecord) -> Iterator[tuple[str, str]]:
    """(name, value) of all that went in; the edit and the answers came out."""
    selection = record.selection
    request = selection.request
    yield "concept", request.name
    yield "other names", ", ".join(request.aliases)
    yield "description", request.description
    yield "general word asked for", request.category
    yield "said in the name's place", INSTEAD[request.instead]
    yield "to go from text too", "yes" if request.text_too else "no"
    yield "protected concepts", ", ".join(request.protect)
    yield "asked about beside the concept", groups_said(request.questions)
    yield "anchors", str(len(selection.anchors))
    yield "of them drawn by chance", str(len(selection.drawn))
    yield "similarity cut", f"{selection.threshold:.3f}"
    yield "images left out by hand", " ".join(map(str, sorted(selection.left_out)))
    yield from settings_said(record.settings).items()
    yield "steps made", f"{len(record.steps)}{', stopped early' if record.stopped else ''}"
    yield "model", record.model
    yield "its commit on the hub", record.revision
    yield "encoder that chose the anchors", record.encoder
    yield "device", record.device
    yield from ((f"version of {name}", value) for name, value in record.versions.items())
    held = {name: record.hashes.get(name, _ABSENT) for name in _HASHES}
    yield from ((f"hash of the {name}", value) for name, value in hashes_said(held).items())


def _shared(records: Sequence[RunRecord]) -> tuple[Question, ...]:
    asked = [_by_question(one) for one in records]
    first, *others = asked
    same = [key for key in first if all(key in one for one in others)]
    return tuple(_question([one[key] for one in asked]) for key in same)


def _by_question(record: RunRecord) -> dict[tuple, Outcome]:
    """The outcomes by what was asked. Not by group: what is the target of one run may be a
    neighbour in another. An image is known by its name among those of one evaluation."""
    seen: Counter[tuple] = Counter()
    found = {}
    for one in record.outcomes:
        image = one.image and (one.image, record.hashes.get("evaluation", ""))
        asked = (one.kind, one.concept, image, one.question)
        found[*asked, seen[asked]] = one
        seen[asked] += 1
    return found


def _question(outcomes: Sequence[Outcome]) -> Question:
    return Question(
        outcomes[0].question, outcomes[0].image, tuple(one.before for one in outcomes),
        tuple(one.after for one in outcomes), tuple(map(outcome, outcomes)),
    )  # fmt: skip
