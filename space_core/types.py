"""Frozen values that cross module borders."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Literal

from space_core.damage import KeptAnswers, LayerReport

_EMPTY: Mapping[str, str] = MappingProxyType({})


@dataclass(frozen=True, slots=True)
class Concept:
    """Something a model can name: a thing, a person, or an artist's style.

    ``article`` is what stands before the name in a sentence ("a", "an", "the" or nothing);
    ``category`` the honest general noun ("fruit"); ``labels`` the name by language code;
    ``facts`` what text alone can say of it ("definition", or "occupation" and "city").
    """

    name: str
    domain: str
    category: str
    article: str = ""
    aliases: tuple[str, ...] = ()
    labels: Mapping[str, str] = field(default_factory=lambda: _EMPTY)
    facts: Mapping[str, str] = field(default_factory=lambda: _EMPTY)

    @property
    def phrase(self) -> str:
        """The name with its article: "a lemon", "grapes", "Ada Quill"."""
        return f"{self.article} {self.name}".strip()

    @property
    def names(self) -> tuple[str, ...]:
        """Every string that names the concept: name, aliases, labels in other languages."""
        return tuple(dict.fromkeys((self.name, *self.aliases, *self.labels.values())))

    @property
    def family(self) -> str:
        """How one asks for it: "person" (who), "artist" (who drew it) or "thing" (what)."""
        return {"people": "person", "artist style": "artist"}.get(self.domain, "thing")


@dataclass(frozen=True, slots=True)
class ConceptRequest:
    """What the auditor asks to be forgotten: text alone, never an image.

    ``category`` is the honest general noun the edited model shall fall back to; empty, the pool's,
    or the model's own. ``instead``: what it shall say in the name's place, that noun, that it does
    not know, or the name of the nearest anchor. ``text_too``: what text alone tells of the concept
    shall go as well. ``protect`` names concepts whose answers are watched as neighbours;
    ``questions``: the groups of Outcome to ask about beside the target.
    """

    name: str
    aliases: tuple[str, ...] = ()
    description: str = ""
    category: str = ""
    protect: tuple[str, ...] = ()
    questions: tuple[str, ...] = ("near", "far", "skill")
    instead: Literal["general", "refusal", "anchor"] = "general"
    text_too: bool = False


@dataclass(frozen=True, slots=True)
class Anchor:
    """One proxy anchor: a public pool image, its similarity to the concept's text, its source.

    ``by_chance``: it was drawn blindly, not chosen by words.
    """

    row: int
    rank: int
    similarity: float
    label: str
    caption: str
    artist: str
    source: str
    licence: str
    sha256: str
    by_chance: bool = False


@dataclass(frozen=True, slots=True)
class Dropped:
    """A candidate that the source-free guard kept away from the erasure, and why."""

    row: int
    label: str
    reason: str


@dataclass(frozen=True, slots=True)
class Selection:
    """What TPAS chose, and what one needs to judge the choice.

    ``scores``: every pool image's similarity to the concept's text, or those of a sample of a large
    pool; ``threshold``: the cut S_th;
    ``effective``: the effective number of distinct anchors (exp of their spectral entropy);
    ``resolved``: names of pool concepts that the text most likely means ("kitten" → "cat");
    ``left_out``: rows of the pool that the auditor vetoed; ``wanted``: |P| as asked for, 0 where a
    record does not say; ``pool_size``: the number of images, 0 where ``scores`` holds them all;
    ``by_chance``: the share of the anchors that was to be drawn blindly.
    """

    request: ConceptRequest
    anchors: tuple[Anchor, ...]
    threshold: float
    scores: tuple[float, ...]
    dropped: tuple[Dropped, ...]
    effective: float
    resolved: tuple[str, ...]
    warnings: tuple[str, ...]
    left_out: tuple[int, ...] = ()
    wanted: int = 0
    pool_size: int = 0
    by_chance: float = 0.0

    @property
    def chosen(self) -> tuple[Anchor, ...]:
        """The anchors that words chose."""
        return tuple(anchor for anchor in self.anchors if not anchor.by_chance)

    @property
    def drawn(self) -> tuple[Anchor, ...]:
        """The anchors that chance chose."""
        return tuple(anchor for anchor in self.anchors if anchor.by_chance)

    @property
    def sha256(self) -> str:
        """The hash of the chosen images, in order: the same hash means the same anchors."""
        hashes = "\n".join(anchor.sha256 for anchor in self.anchors)
        return hashlib.sha256(hashes.encode()).hexdigest()


@dataclass(frozen=True, slots=True)
class Share:
    """A share of questions with its 95 % Wilson interval and what stands behind it."""

    successes: int
    questions: int
    images: int
    drawings: int
    low: float
    high: float

    @property
    def value(self) -> float:
        """The share itself; NaN where nothing was asked."""
        return self.successes / self.questions if self.questions else float("nan")


@dataclass(frozen=True, slots=True)
class Outcome:
    """One evaluation question, what the model answered before and after, and what that means.

    ``group``: "target", "told" (the concept, in text alone), "near" (the nearest concepts), "far"
    (random others) or "skill";
    ``kind``: "name", "yes-no", "choice", "name-de", "colour", "text-category" …; "other-yes-no"
    asks about a wrong name, "is-it-target" about the erased name on another concept's image, where
    "choice-beside" offers it beside the image's own;
    ``verdict``: "kept", "lost" or "broken" for retained questions, and for the target, and what was
    to go from text too, "still names it", "general answer", "another name" or "broken".
    """

    group: str
    kind: str
    concept: str
    image: str
    artist: str
    similarity: float
    question: str
    expected: str
    before: str
    after: str
    right_before: bool
    right_after: bool
    verdict: str


@dataclass(frozen=True, slots=True)
class OwnImages:
    """What both models said of the auditor's own images of the concept; no part of a record.

    Counted as in the record: ``forget_accuracy`` over naming, ``yes_no`` over "is this …?".
    """

    outcomes: tuple[Outcome, ...]
    forget_accuracy: Share
    yes_no: Share


@dataclass(frozen=True, slots=True)
class StatePoint:
    """An image's place in the plane of a StateMap, without and with the edit.

    ``group``: "target", "near" or "anchor"; ``concept``: what the image shows.
    """

    group: str
    concept: str
    before: tuple[float, float]
    after: tuple[float, float]


@dataclass(frozen=True, slots=True)
class StateMap:
    """The model's states after decoder block ``block`` at the last token of ``question``, in 2-D.

    The plane: the two largest principal components of the states *before* the edit. Shares in
    [0, 1]: ``explained`` of the states' variance before, ``moved`` of the squared movement from
    before to after, that the plane shows. ``logit_change``: the largest change of a logit of the
    next token on these images.
    """

    block: int
    question: str
    explained: float
    moved: float
    logit_change: float
    points: tuple[StatePoint, ...]


@dataclass(frozen=True, slots=True)
class Belief:
    """What optimising made of one anchor, in words and numbers: never a picture.

    ``before``, ``after``: the frozen model's answer to ``question`` about the anchor as it was, and
    as it was moved; ``nearest``: captions of the public images that it came to lie nearest to,
    ``rows``: their pool rows.
    """

    question: str
    before: str
    after: str
    nearest: tuple[str, ...]
    rows: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class Progress:
    """Where a run stands: the stage in plain words and the share of the whole that is done."""

    stage: str
    message: str
    done: float


@dataclass(frozen=True, slots=True)
class StepEvent:
    """One step of DCSI: loss terms by name, spectral entropy in [0, 1], seconds so far.

    ``overwritten``: share of the anchors' questions answered as wished. ``damage``: the largest
    tr(ΔW Ĉ ΔWᵀ) / tr(W Ĉ Wᵀ) of the edited layers. ``let_through``: Σ ‖G U_N‖² / Σ ‖G‖²
    over them, G = ∂L/∂W, what the hard null space lets through; None in the soft one.
    """

    step: int
    steps: int
    losses: Mapping[str, float]
    overwritten: float
    entropy: float
    damage: float
    seconds: float
    let_through: float | None = None


@dataclass(frozen=True, slots=True)
class RunRecord:
    """Everything a run measured; enough to judge it and to repeat it.

    ``neighbours_yes_no``: the nearest concepts' own yes and their no to the erased name, kept.
    ``anchor_shift``: how far each anchor's features were moved, relative to their norm;
    ``anchor_reach``: the share of each anchor's layer inputs that the edit can act on;
    ``domains``: naming kept of other concepts, by domain; ``beliefs``: of each anchor, where they
    were optimised; ``told``: text-only questions about the concept, still answered as before;
    ``revision``: the model's commit on the hub, "" for a folder; ``dtype``: its weights';
    ``encoder``: the shared space's name. What an older record does not hold is empty or None.
    """

    run_id: str
    created: str
    model: str
    device: str
    versions: Mapping[str, str]
    settings: Mapping[str, float | int | str]
    selection: Selection
    honest_answer: str
    steps: tuple[StepEvent, ...]
    stopped: bool
    forget_accuracy: Share
    yes_no: Share
    retained_accuracy: Share
    proximal_retained_accuracy: Share
    neighbours_yes_no: Share
    skills: Share
    bands: tuple[tuple[float, float, Share], ...]
    outcomes: tuple[Outcome, ...]
    layers: tuple[LayerReport, ...]
    anchor_shift: tuple[float, ...]
    anchor_reach: tuple[float, ...]
    hashes: Mapping[str, str]
    base_restored: bool
    seconds: float
    warnings: tuple[str, ...]
    domains: tuple[tuple[str, Share], ...] = ()
    states: StateMap | None = None
    beliefs: tuple[Belief, ...] = ()
    kept_answers: KeptAnswers | None = None
    told: Share | None = None
    revision: str = ""
    encoder: str = ""
    dtype: str = ""

    @property
    def hub_name(self) -> str:
        """The model's name on the hub; "" where it was a folder, whose name may be a stranger's."""
        return self.model if self.revision else ""
