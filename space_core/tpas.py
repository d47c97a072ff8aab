"""TPAS, text-guided proxy anchor selection: a concept in words → public images near it.

Paper, section on TPAS: search the shared space for the images nearest to the concept's text and
keep those above a threshold S_th. Ours: the prompt ensemble, the cut taken from the pool's own
scores, the source-free guard (`guard`), the choice of diverse anchors, the images drawn blindly
beside them, and the refusal where the pool holds nothing near enough. Sees words and the pool;
never an image of the evaluation.
"""

from collections.abc import Collection, Sequence
from dataclasses import replace

import numpy as np
import torch
from torch import Tensor

from space_core import anchor_checks
from space_core.answers import with_article
from space_core.entropy import spectral_entropy
from space_core.guard import barred, namesakes
from space_core.names import words
from space_core.neighbourhood import BEST, Neighbourhood
from space_core.pool import Pool
from space_core.retained import certified_rows
from space_core.settings import TpasConfig
from space_core.shared_space import SharedSpace
from space_core.types import Anchor, Concept, ConceptRequest, Dropped, Selection

_LONGEST = 80
# Each is compared with every caption of the pool.
_MOST_NAMES = 30
_MEANT, _MEANT_AT_MOST = 0.60, 3
_FEWEST = 2
# Marks that embed, override or isolate a direction of writing, and turn what stands around them.
_TURNS = set("\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")
_JURY = 9  # nearest concepts that say whether an unknown name is a person's
_DRAW = (0, 41)  # seed of the images drawn blindly
_CANDIDATES = 1000  # looked at in a large pool, more where too few of them may be used


def subject(
    space: SharedSpace, pool: Pool, around: Neighbourhood, request: ConceptRequest
) -> Concept:
    """The request as a concept: what it says, filled in with what the pool's words know of it.

    A name that the pool does not know is a person where most of the concepts nearest to its text
    are people, else a thing.
    """
    known = pool.known(request.name)
    if known is None:
        vector = space.concept([request.name], request.description)
        nearest = [pool.concepts[name].family for name, _ in around.nearest(vector)[:_JURY]]
        person = nearest.count("person") > _JURY // 2
        plain = request.name.islower() and not person
        article = with_article(request.name).split()[0] if plain else ""
        return Concept(
            request.name, "people" if person else "",
            request.category or ("person" if person else ""), article, request.aliases,
        )  # fmt: skip
    others = [name for name in (*request.aliases, *known.names) if name != request.name]
    return replace(
        known, name=request.name, category=request.category or known.category,
        article=known.article if request.name.casefold() == known.name.casefold() else "",
        aliases=tuple(dict.fromkeys(others)),
    )  # fmt: skip


def embed(space: SharedSpace, concept: Concept, description: str) -> Tensor:
    """e_c of a concept: names and description through the prompt ensemble, [d]."""
    if concept.family == "artist":
        return space.concept([f"drawn by {concept.name}"], description)
    return space.concept([concept.phrase, *concept.aliases], description)


def select(
    space: SharedSpace, pool: Pool, around: Neighbourhood, request: ConceptRequest,
    config: TpasConfig, left_out: Collection[int] = (),
) -> Selection:  # fmt: skip
    """Choose the proxy anchors of a request. ``left_out``: rows that the auditor vetoed.

    Raises ValueError, before any search, for words that are no request, and after it where the
    pool holds nothing near enough.
    """
    check(request, config)
    concept = subject(space, pool, around, request)
    protecting = protected(pool, concept, request)
    vector = embed(space, concept, request.description)
    sample = pool.sample
    scores = pool.units(sample) @ vector
    reasons = barred(pool, concept)
    kept_aside = "kept aside: the damage is measured on it"
    reasons |= dict.fromkeys(certified_rows(pool, reasons), kept_aside)
    allowed = scores.numpy()[~np.isin(sample, list(reasons))]
    if len(allowed) < _FEWEST:
        raise ValueError(f"Nearly all of the pool shows “{request.name}”: use a larger pool.")
    threshold = config.threshold
    if threshold is None:
        threshold = float(np.percentile(allowed, config.percentile))
    taken = {*reasons, *left_out}
    wanted = config.anchors - int(config.anchors * config.by_chance)
    found = _found(pool, vector, threshold, taken, wanted)
    dropped = [
        Dropped(row, pool.items[row].label, reasons[row]) for row, _ in found if row in reasons
    ]
    kept = [(row, score) for row, score in found if row not in taken]
    if len(kept) < _FEWEST:
        raise ValueError(
            f"Only {len(kept)} public images are at least {threshold:.3f} similar to "
            f"“{request.name}” and do not show it: lower the cut, or describe the concept."
        )
    best = float(np.mean([score for _, score in kept[:BEST]]))
    alike = namesakes(pool, concept)
    if config.threshold is None and best < around.floor and pool.known(request.name) is None:
        meant_perhaps = f" Or do you mean “{alike[0]}”?" if alike else ""
        raise ValueError(
            f"Nothing in the public pool resembles “{request.name}”: its nearest images reach a "
            f"similarity of {best:.2f}, and {around.floor:.2f} is needed. Describe what it looks "
            f"like, or use a pool that holds something like it.{meant_perhaps}"
        )
    rows = diverse(pool, kept, wanted, config.diversity)
    drawn = _drawn(pool, {*taken, *rows}, protecting, config.anchors - wanted)
    own = pool.units([*rows, *drawn])
    anchors = tuple(
        _anchor(pool, row, rank, score, by_chance=rank > len(rows))
        for rank, (row, score) in enumerate(zip([*rows, *drawn], (own @ vector).tolist()), 1)
    )
    effective = _effective(own)
    distinct = _effective(own[: len(rows)])
    return Selection(
        request, anchors, threshold, tuple(scores.tolist()), tuple(dropped), effective,
        meant(around, pool, concept, vector, alike),
        (
            *anchor_checks.of_namesakes(alike),
            *anchor_checks.warnings(pool, around, anchors, distinct, best, wanted, protecting),
        ),
        tuple(sorted(left_out)), config.anchors, len(pool) if len(sample) < len(pool) else 0,
        config.by_chance,
    )  # fmt: skip


def chosen_alone(
    space: SharedSpace, pool: Pool, around: Neighbourhood, selection: Selection
) -> Selection:
    """The selection as it would be with as many anchors, all of them chosen by words."""
    if not selection.drawn:
        return selection
    config = TpasConfig(selection.wanted, selection.threshold, by_chance=0.0)
    return select(space, pool, around, selection.request, config, selection.left_out)


def check(request: ConceptRequest, config: TpasConfig) -> None:
    """Raises ValueError where a request or a setting makes no sense; touches nothing."""
    name = request.name.strip()
    if not words(name):
        fault = "holds no letters or digits" if name else "is empty"
        raise ValueError(f"The concept {fault}: write its name, such as “lemon”.")
    for text in (name, *request.aliases, request.category):
        if _TURNS & set(text):
            raise ValueError(
                f"“{''.join(one for one in text if one not in _TURNS)}” holds invisible marks that "
                "turn the words around it: type it anew."
            )
        if len(text) > _LONGEST:
            raise ValueError(
                f"“{text[:40]}…” is {len(text)} characters long: use at most {_LONGEST}, and put "
                "the rest into the description."
            )
    for what, names in (("other names", request.aliases), ("protected concepts", request.protect)):
        if len(names) > _MOST_NAMES:
            raise ValueError(f"{len(names)} {what} are too many: give at most {_MOST_NAMES}.")
    if len(request.description) > 500:
        raise ValueError("The description is longer than 500 characters: shorten it.")
    if config.anchors < _FEWEST:
        raise ValueError(f"{config.anchors} anchors cannot stand for a concept: use 2 or more.")
    if not 0 <= config.by_chance <= 1:
        raise ValueError(f"{config.by_chance} of the anchors cannot be drawn: give a share.")


def protected(pool: Pool, concept: Concept, request: ConceptRequest) -> tuple[str, ...]:
    """The pool's names of the protected concepts. Raises ValueError for one that cannot be."""
    own = set(map(words, concept.names))
    found = []
    for name in request.protect:
        known = pool.known(name)
        if known is None:
            raise ValueError(f"“{name}” cannot be protected: the public pool knows nothing of it.")
        if own & set(map(words, known.names)):
            raise ValueError(f"“{name}” is to be forgotten: it cannot be protected as well.")
        found.append(known.name)
    return tuple(found)


def diverse(
    pool: Pool, found: list[tuple[int, float]], count: int, diversity: float
) -> list[int]:
    """Rows by maximal marginal relevance (Carbonell & Goldstein 1998), best first.

    Next is the row with the largest (1 − δ) · similarity to the text − δ · largest cosine to a
    chosen one, at least 0.
    """
    rows = [row for row, _ in found]
    relevance = torch.tensor([score for _, score in found])
    own = pool.units(rows)
    taken: list[int] = []
    closest = torch.zeros(len(rows))
    for _ in range(min(count, len(rows))):
        value = (1 - diversity) * relevance - diversity * closest
        value[taken] = -torch.inf
        taken.append(int(value.argmax()))
        closest = torch.maximum(closest, own @ own[taken[-1]])
    return [rows[i] for i in taken]


def meant(
    around: Neighbourhood, pool: Pool, concept: Concept, vector: Tensor, alike: Sequence[str]
) -> tuple[str, ...]:
    """Pool concepts that the text most likely means, `guard.namesakes` (alike) first; none where it
    is one itself."""
    if pool.known(concept.name) is not None:
        return ()
    scores = around.texts @ vector
    order = scores.argsort(descending=True)[:_MEANT_AT_MOST].tolist()
    near = (around.names[i] for i in order if scores[i] >= _MEANT)
    return tuple(dict.fromkeys([*alike, *near]))[:_MEANT_AT_MOST]


def _anchor(pool: Pool, row: int, rank: int, score: float, by_chance: bool) -> Anchor:
    item = pool.items[row]
    return Anchor(
        row, rank, score, item.label, item.caption, item.artist, item.source, item.licence,
        pool.image_sha256(row), by_chance,
    )  # fmt: skip


def _drawn(
    pool: Pool, taken: Collection[int], protected: Collection[str], count: int
) -> list[int]:
    """Rows drawn blindly from those not taken that show nothing protected; the same each time, and
    a row more that is taken costs its own place alone.
    """
    drawn: list[int] = []
    for row in np.random.default_rng(_DRAW).permutation(len(pool)).tolist():
        if len(drawn) == count:
            break
        item = pool.items[row]
        if row not in taken and not {item.label, item.artist}.intersection(protected):
            drawn.append(row)
    return drawn


def _found(
    pool: Pool, vector: Tensor, threshold: float, taken: Collection[int], wanted: int
) -> list[tuple[int, float]]:
    """Rows with a similarity of at least the threshold, best first.

    All of a small pool's; of a large one the nearest, more of them until many times ``wanted`` are
    not taken.
    """
    whole = len(pool.sample) == len(pool)
    count = len(pool) if whole else _CANDIDATES
    while True:
        nearest = pool.search(vector, count)
        found = [(row, score) for row, score in nearest if score >= threshold]
        free = sum(row not in taken for row, _ in found)
        if free >= 4 * wanted or len(found) < count or count >= len(pool):
            return found
        count *= 4


def _effective(vectors: Tensor) -> float:
    if len(vectors) < 2:
        return float(len(vectors))
    return float(np.exp(spectral_entropy(vectors) * np.log(min(vectors.shape))))
