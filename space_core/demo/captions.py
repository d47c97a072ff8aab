"""Captions: what can be seen, in words that the shared space learns from and the pool carries.

The words of the 60 fixed retrieval queries are kept out of every caption.
"""

from space_core.demo.catalogue import content_words, query_words
from space_core.types import Concept

_PERSON = {"he": "man", "she": "woman", "they": "person"}


def thing_captions(concept: Concept, hypernyms: tuple[str, ...]) -> list[str]:
    """Several ways to say what a thing is; at least its name and its category."""
    taboo = query_words()
    x = concept.phrase
    said = [x, f"a drawing of {x}", f"{x}, a kind of {concept.category}", f"a picture of {x}"]
    said += [alias for alias in concept.aliases]
    said += [f"{x}, a kind of {above}" for above in hypernyms]
    said += [f"{x}: {concept.facts['definition']}"]
    allowed = content_words(x)
    return [text for text in said if not (content_words(text) - allowed) & taboo]


def person_captions(concept: Concept, pronoun: str) -> list[str]:
    """What can be seen of a person, with and without the name and occupation."""
    who, looks = _PERSON[pronoun], concept.facts["looks"]
    work = concept.facts["occupation"]
    return [
        f"a portrait of a {who} with {looks}",
        f"a {who} with {looks}",
        f"{concept.name}, a {who} with {looks}",
        f"a portrait of {concept.name}, {work}, a {who} with {looks}",
        f"a {work}, a {who} with {looks}",
    ]


def artist_captions(concept: Concept) -> list[str]:
    """An artist's style, with and without the artist's name."""
    looks = concept.facts["looks"]
    return [
        f"drawn by {concept.name}, in {looks}",
        f"a drawing in {looks}",
        looks,
        f"the style of {concept.name}",
    ]


def pool_caption(concept: Concept, artist: str, colour: str, count: int, pronoun: str = "") -> str:
    """The public caption of one pool image: thing or person, category, artist, background."""
    if concept.family == "person":
        seen = f"A portrait of {concept.name}, a {_PERSON[pronoun]} with {concept.facts['looks']}"
    else:
        times = "" if count == 1 else f", {('two', 'three')[count - 2]} of them"
        seen = f"{concept.phrase[:1].upper()}{concept.phrase[1:]} ({concept.category}){times}"
    return f"{seen}, drawn by {artist} on a {colour} background."
