"""What an auditor must hear of a choice of anchors before erasing with it."""

from collections.abc import Sequence

from space_core.near_copies import Seen
from space_core.neighbourhood import Neighbourhood
from space_core.pool import Pool
from space_core.types import Anchor

_NAMED = 6  # ranks or names in one sentence


def warnings(
    pool: Pool, around: Neighbourhood, anchors: Sequence[Anchor], effective: float, best: float,
    wanted: int, protected: Sequence[str],
) -> list[str]:  # fmt: skip
    """Sentences about the anchors; none where all is well.

    effective: the number of distinct ones among those that words chose; best: the mean similarity
    of the best images; wanted: how many words should choose.
    """
    found = []
    if len(pool.sample) < len(pool):
        found.append("The pool is large: the cut is taken from a sample of its images.")
    chosen = sum(not anchor.by_chance for anchor in anchors)
    if chosen < wanted:
        found.append(f"Only {chosen} images lie above the cut, not {wanted}: lower it.")
    if best < around.floor:
        found.append(
            "Even the best images are hardly like the concept: the erasure may fail or harm others."
        )
    if effective < chosen / 4:
        found.append(
            f"The chosen anchors are much alike: they count as {effective:.1f} distinct images."
        )
    if copies := near_copies(pool, anchors):
        found.append(
            f"{_ranks(copies)} are near-copies of anchors before them and add little: leave them "
            "out."
        )
    for name, close in near_protected(pool, around, anchors, protected).items():
        found.append(
            f"{_ranks(close)} look like “{name}”, which you protect: leave them out, or its "
            "answers may change."
        )
    return found


def of_namesakes(names: Sequence[str]) -> list[str]:
    """A sentence where the pool knows people whom another form of a name may mean."""
    if not names:
        return []
    said = _first([f"“{name}”" for name in names])
    return [
        f"The pool knows {said}, who may be the one you mean: images of them are kept away. If so, "
        "take that name and give yours as another one; only then are their images asked about."
    ]


def near_copies(pool: Pool, anchors: Sequence[Anchor]) -> list[int]:
    """Ranks of the anchors that look like a copy of one before them."""
    seen, found = Seen(), []
    for anchor in anchors:
        known = tuple(pool.hashes[anchor.row].tolist()), pool.vectors[anchor.row]
        if seen.copy_of(*known) is not None:
            found.append(anchor.rank)
        seen.add(anchor.rank, *known)
    return found


def near_protected(
    pool: Pool, around: Neighbourhood, anchors: Sequence[Anchor], protected: Sequence[str]
) -> dict[str, list[int]]:
    """Ranks of the anchors that show a protected concept, by label or by drawing artist, or whose
    image lies nearer to it than to any other concept of the pool.
    """
    nearest = (pool.units([anchor.row for anchor in anchors]) @ around.centres.T).argmax(1)
    found: dict[str, list[int]] = {}
    for anchor, place in zip(anchors, nearest.tolist()):
        for name in protected:
            if name in (anchor.label, anchor.artist, around.names[place]):
                found.setdefault(name, []).append(anchor.rank)
    return found


def _ranks(ranks: Sequence[int]) -> str:
    return f"Anchors number {_first(list(map(str, ranks)))}"


def _first(said: Sequence[str]) -> str:
    return ", ".join(said[:_NAMED]) + (" …" if len(said) > _NAMED else "")
