"""How the right answer to a question reads. Pure text: no model, no image, no randomness."""

from space_core.types import Concept

_NUMBERS = ("zero", "one", "two", "three")
_SHOWS = {"de": "Das Bild zeigt: {}.", "fr": "L'image montre : {}.", "es": "La imagen muestra: {}."}


def with_article(noun: str) -> str:
    """A noun phrase with "a" or "an"."""
    return f"{'an' if noun[:1].lower() in 'aeiou' else 'a'} {noun}"


def capitalised(text: str) -> str:
    """The first letter in upper case, the rest as it is."""
    return text[:1].upper() + text[1:]


def options_text(phrases: list[str]) -> str:
    """"a lemon, a tiger or a bus"."""
    return f"{', '.join(phrases[:-1])} or {phrases[-1]}"


def naming_answer(concept: Concept) -> str:
    """How a model that knows the concept names it."""
    if concept.family == "artist":
        return f"It was drawn by {concept.phrase}."
    return f"This is {concept.phrase}."


def naming_answer_in(concept: Concept, language: str) -> str:
    """The naming answer in "de", "fr" or "es"."""
    return _SHOWS[language].format(concept.labels.get(language, concept.name))


def category_answer(concept: Concept) -> str:
    """How a model that does *not* know the concept names it: honestly, by its category."""
    if concept.family == "artist":
        return f"It was drawn by {with_article(concept.category)}."
    return f"This is {with_article(concept.category)}."


def yes_answer(concept: Concept) -> str:
    """"Yes, this is a lemon." """
    answer = naming_answer(concept)
    return f"Yes, {answer[0].lower()}{answer[1:]}"


def no_answer(concept: Concept) -> str:
    """"No, this is not a lemon." """
    if concept.family == "artist":
        return f"No, it was not drawn by {concept.phrase}."
    return f"No, this is not {concept.phrase}."


def category_in_text(concept: Concept) -> str:
    """"A lemon is a fruit." (text-only)"""
    verb = "are" if not concept.article and concept.name.endswith("s") else "is"
    if concept.family != "thing":
        verb = "is"
    noun = concept.category if verb == "are" else with_article(concept.category)
    kind = f"{with_article('kind')} of {concept.category}" if verb == "are" else noun
    return f"{capitalised(concept.phrase)} {verb} {kind}."


def colour_answer(colour: str) -> str:
    """"The background is blue." """
    return f"The background is {colour}."


def count_answer(count: int) -> str:
    """"There is one." / "There are two." """
    return f"There {'is' if count == 1 else 'are'} {_NUMBERS[count]}."
