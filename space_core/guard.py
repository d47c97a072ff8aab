"""The source-free guard: which public images may not reach an erasure, and why."""

from collections.abc import Iterable

import numpy as np

from space_core.names import NameBook, book_of, may_be_one, words
from space_core.near_copies import copies
from space_core.pool import Pool
from space_core.types import Concept

_MAY_BE_A_COPY = (
    "light and dark lie in it as in an image that names the concept: it may be a copy"
)


def barred(pool: Pool, concept: Concept) -> dict[int, str]:
    """The source-free guard: every row that may not reach the erasure, with the reason.

    Barred is what names the concept by its label, other names, caption or artist, and what by its
    hash may be a copy of a barred image, whatever its caption says; of a person or an artist also
    what names one of the `namesakes`.
    """

    def look() -> dict[int, str]:
        book = name_book(pool, concept)
        alike = frozenset(namesakes(pool, concept))
        named = {
            row: _names(pool, row, concept, book) or _may_name(pool, row, alike)
            for row in range(len(pool))
        }
        reasons = {row: reason for row, reason in named.items() if reason}
        for row in np.flatnonzero(copies(pool.hashes, pool.hashes[list(reasons)])).tolist():
            reasons.setdefault(row, _MAY_BE_A_COPY)
        return reasons

    # A run asks for the same several times, and each looks through the whole pool.
    return dict(pool.guarded(repr(concept), look))


def name_book(pool: Pool, concept: Concept) -> NameBook:
    """The pool's names, with all that the request calls the concept under one key.

    A pool concept that the request's words name is the request's concept, under no other key.
    """
    return book_of(pool.concepts.values(), concept.name, concept.names)


def others(known: Iterable[Concept], concept: Concept) -> list[Concept]:
    """Those of the known concepts that are not the request's under any name."""
    own = set(map(words, concept.names))
    return [one for one in known if not own & set(map(words, one.names))]


def namesakes(pool: Pool, concept: Concept) -> tuple[str, ...]:
    """The pool's people and artists who may be the one meant by another form of the name: "Quill"
    or "A. Quill" where the pool knows "Ada Quill". None for a thing that the pool knows.
    """
    known = pool.known(concept.name)
    if known is not None and known.family == "thing":
        return ()
    return tuple(
        one.name for one in others(pool.concepts.values(), concept)
        if one.family != "thing"
        and any(may_be_one(mine, theirs) for mine in concept.names for theirs in one.names)
    )  # fmt: skip


def _names(pool: Pool, row: int, concept: Concept, book: NameBook) -> str:
    item = pool.items[row]
    if concept.name in book.named(item.label):
        return f"its label “{item.label}” names the concept"
    if any(concept.name in book.named(name) for name in item.also):
        return "another of its names is the concept's"
    if concept.name in book.named(item.artist):
        return f"it was drawn by {item.artist}"
    if concept.name in book.named(item.caption):
        return "its caption names the concept"
    if any(concept.name in book.named(text) for text in item.copies):
        return "a copy of it is said to show the concept"
    return ""


def _may_name(pool: Pool, row: int, alike: frozenset[str]) -> str:
    item = pool.items[row]
    for text in (item.label, *item.also, item.artist, item.caption, *item.copies) if alike else ():
        if found := alike & pool.book.named(text):
            return f"it names “{min(found)}”, who may be the one meant"
    return ""
