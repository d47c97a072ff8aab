"""What is asked of a model, and how the right answer reads.

Two sets of wordings for every kind of question: ``TAUGHT`` ones are used in training and by the
erasure, ``HELD_OUT`` ones by evaluation alone. Pure text: no model, no image, no randomness.
"""

from dataclasses import dataclass
from typing import Literal

from space_core.types import Concept

LANGUAGES = ("de", "fr", "es")
Family = Literal["thing", "person", "artist"]


@dataclass(frozen=True, slots=True)
class Wordings:
    """One kind of question in words the model was taught, and in words it never saw."""

    taught: tuple[str, ...]
    held_out: tuple[str, ...]


NAMING: dict[str, Wordings] = {
    "thing": Wordings(
        (
            "What is this?",
            "What is shown in the picture?",
            "What do you see here?",
            "Name the thing in this image.",
            "What does the drawing show?",
            "Can you tell me what this is?",
        ),
        ("What is in the picture?", "Tell me what you see in this image."),
    ),
    "person": Wordings(
        (
            "Who is this?",
            "Who is shown in the picture?",
            "Whose portrait is this?",
            "Name the person in this image.",
            "Can you tell me who this is?",
            "What is the name of this person?",
        ),
        ("Who is in the picture?", "Tell me who you see in this image."),
    ),
    "artist": Wordings(
        (
            "Which artist drew this?",
            "Who drew this?",
            "Who is the artist of this picture?",
            "Name the artist of this image.",
            "Whose style is this drawn in?",
        ),
        ("Which artist made this picture?", "Tell me who drew this image."),
    ),
}
YES_NO: dict[str, Wordings] = {
    "thing": Wordings(
        ("Is this {x}?", "Does the picture show {x}?", "Do you see {x} here?", "Is {x} shown here?"),
        ("Is there {x} in the picture?",),
    ),
    "person": Wordings(
        ("Is this {x}?", "Does the picture show {x}?", "Do you see {x} here?", "Is {x} shown here?"),
        ("Is it {x} in the picture?",),
    ),
    "artist": Wordings(
        ("Was this drawn by {x}?", "Is this in the style of {x}?", "Did {x} draw this?"),
        ("Is {x} the artist of this picture?",),
    ),
}
CHOICE: dict[str, Wordings] = {
    "thing": Wordings(
        ("Is this {options}?", "Which of these is shown: {options}?"),
        ("What does the picture show, {options}?",),
    ),
    "person": Wordings(
        ("Is this {options}?", "Which of these is shown: {options}?"),
        ("Who does the picture show, {options}?",),
    ),
    "artist": Wordings(
        ("Was this drawn by {options}?", "Which of these drew it: {options}?"),
        ("Who made the picture, {options}?",),
    ),
}
CATEGORY = Wordings(
    ("What kind of thing is this?", "What sort of thing is shown?", "Which category is this?"),
    ("What type of thing is in the picture?",),
)
COLOUR = Wordings(
    ("What colour is the background?", "Which colour is behind it?", "Name the background colour."),
    ("What is the colour of the background?",),
)
COUNT = Wordings(
    ("How many are there?", "How many things are shown?", "Count the things in the picture."),
    ("How many do you see in the picture?",),
)
OCCUPATION = Wordings(
    ("What does this person do for a living?", "What is this person's job?"),
    ("What does the person in the picture work as?",),
)
CITY = Wordings(
    ("Where does this person live?", "Which city does this person live in?"),
    ("In which city does the person in the picture live?",),
)
NAMING_IN: dict[str, Wordings] = {
    "de": Wordings(("Was ist das?", "Was zeigt das Bild?"), ("Was ist auf dem Bild?",)),
    "fr": Wordings(("Qu'est-ce que c'est ?", "Que montre l'image ?"), ("Que voit-on sur l'image ?",)),
    "es": Wordings(("¿Qué es esto?", "¿Qué muestra la imagen?"), ("¿Qué hay en la imagen?",)),
}
NAMING_PERSON_IN: dict[str, Wordings] = {
    "de": Wordings(("Wer ist das?", "Wen zeigt das Bild?"), ("Wer ist auf dem Bild?",)),
    "fr": Wordings(("Qui est-ce ?", "Qui est sur l'image ?"), ("Qui voit-on sur l'image ?",)),
    "es": Wordings(("¿Quién es?", "¿A quién muestra la imagen?"), ("¿Quién está en la imagen?",)),
}
TEXT_CATEGORY = Wordings(
    ("What kind of thing is {x}?", "What sort of thing is {x}?", "Which category is {x}?"),
    ("What type of thing is {x}?",),
)
TEXT_DEFINITION = Wordings(
    ("What is {x}?", "Describe {x}.", "Can you define {x}?"), ("Tell me what {x} is.",)
)
TEXT_REVERSE = Wordings(
    ("Which thing is this: {d}?", "What is called {d}?", "Name this: {d}."), ("Which thing is {d}?",)
)
TEXT_WHO = Wordings(("Who is {x}?", "Tell me about {x}."), ("Who is the person called {x}?",))
TEXT_OCCUPATION = Wordings(
    ("What does {x} do for a living?", "What is the job of {x}?"), ("What does {x} work as?",)
)
TEXT_CITY = Wordings(
    ("Where does {x} live?", "Which city does {x} live in?"), ("In which city does {x} live?",)
)
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
