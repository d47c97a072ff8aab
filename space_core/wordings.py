"""What is asked of a model: two sets of wordings for every kind of question.

``taught`` ones are used in training and by the erasure, ``held_out`` ones by evaluation alone. Pure
text: no model, no image, no randomness.
"""

from dataclasses import dataclass
from typing import Literal

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
            "What do you see in the picture?",
            "Name the thing in this image.",
            "What does the drawing show?",
            "What is on this picture?",
            "What is in this drawing?",
            "Tell me what this is.",
            "Tell me what the image shows.",
            "Can you tell me what this is?",
            "Can you see what is in the image?",
        ),
        ("What is in the picture?", "Tell me what you see in this image."),
    ),
    "person": Wordings(
        (
            "Who is this?",
            "Who is shown in the picture?",
            "Who do you see here?",
            "Who do you see in the picture?",
            "Whose portrait is this?",
            "Name the person in this image.",
            "Who is on this picture?",
            "Who is in this drawing?",
            "Tell me who this is.",
            "Tell me who the image shows.",
            "Can you tell me who this is?",
            "What is the name of this person?",
        ),
        ("Who is in the picture?", "Tell me who you see in this image."),
    ),
    "artist": Wordings(
        (
            "Which artist drew this?",
            "Who drew this?",
            "Who made this image?",
            "Who is the artist of this picture?",
            "Name the artist of this image.",
            "Whose style is this drawn in?",
            "Which artist made this drawing?",
            "Tell me who drew this.",
            "Tell me which artist made this image.",
            "Can you tell me who drew this picture?",
        ),
        ("Which artist made this picture?", "Tell me who drew this image."),
    ),
}
_SHOWN = (
    "Is this {x}?",
    "Is that {x}?",
    "Is it {x}?",
    "Does the picture show {x}?",
    "Do you see {x} here?",
    "Is {x} shown here?",
    "Is {x} in this image?",
    "Is there {x} in this image?",
    "Is there {x} here?",
    "Can you see {x} in the picture?",
    "Is it {x} that the picture shows?",
)
YES_NO: dict[str, Wordings] = {
    "thing": Wordings(_SHOWN, ("Is there {x} in the picture?",)),
    "person": Wordings(_SHOWN, ("Is it {x} in the picture?",)),
    "artist": Wordings(
        (
            "Was this drawn by {x}?",
            "Is this in the style of {x}?",
            "Did {x} draw this?",
            "Did {x} make this picture?",
            "Is {x} the artist?",
            "Is the artist of this image {x}?",
            "Was {x} the artist of this picture?",
        ),
        ("Is {x} the artist of this picture?",),
    ),
}
_OPTIONS = (
    "Is this {options}?",
    "Which of these is shown: {options}?",
    "Which of these do you see: {options}?",
    "Does the picture show {options}?",
    "What is in this image, {options}?",
    "What is it, {options}?",
)
CHOICE: dict[str, Wordings] = {
    "thing": Wordings(_OPTIONS, ("What does the picture show, {options}?",)),
    "person": Wordings(
        (*(text.replace("What", "Who") for text in _OPTIONS),),
        ("Who does the picture show, {options}?",),
    ),
    "artist": Wordings(
        (
            "Was this drawn by {options}?",
            "Which of these drew it: {options}?",
            "Who drew the picture, {options}?",
            "Who made this image, {options}?",
            "Which artist made it, {options}?",
        ),
        ("Who made the picture, {options}?",),
    ),
}
CATEGORY = Wordings(
    (
        "What kind of thing is this?",
        "What sort of thing is shown?",
        "What type of thing is this?",
        "What kind of thing is in the picture?",
        "What sort of thing is in this image?",
        "What type of thing do you see?",
        "Which category is this?",
        "Which category is the thing in the picture?",
    ),
    ("What type of thing is in the picture?",),
)
COLOUR = Wordings(
    (
        "What colour is the background?",
        "Which colour is behind it?",
        "Name the background colour.",
        "What is the background colour?",
        "Which colour does the background have?",
        "What is the colour behind it?",
        "Tell me the colour of the background.",
    ),
    ("What is the colour of the background?",),
)
COUNT = Wordings(
    (
        "How many are there?",
        "How many things are shown?",
        "How many things do you see?",
        "How many are in the picture?",
        "Count the things in the picture.",
        "How many do you see here?",
        "How many can you see in this image?",
    ),
    ("How many do you see in the picture?",),
)
OCCUPATION = Wordings(
    (
        "What does this person do for a living?",
        "What is this person's job?",
        "What does this person work as?",
        "What is the job of the person in the picture?",
        "What does the person in this image do for a living?",
        "As what does the person in the picture work?",
    ),
    ("What does the person in the picture work as?",),
)
CITY = Wordings(
    (
        "Where does this person live?",
        "Which city does this person live in?",
        "In which city does this person live?",
        "Where does the person in the picture live?",
        "Which city does the person in this image live in?",
    ),
    ("In which city does the person in the picture live?",),
)
NAMING_IN: dict[str, Wordings] = {
    "de": Wordings(
        ("Was ist das?", "Was zeigt das Bild?", "Was siehst du auf dem Bild?",
         "Was ist auf diesem Bild?", "Was ist hier zu sehen?"),
        ("Was ist auf dem Bild?",),
    ),
    "fr": Wordings(
        ("Qu'est-ce que c'est ?", "Que montre l'image ?", "Que voit-on ici ?",
         "Que vois-tu sur l'image ?", "Que voit-on sur cette image ?"),
        ("Que voit-on sur l'image ?",),
    ),
    "es": Wordings(
        ("¿Qué es esto?", "¿Qué muestra la imagen?", "¿Qué ves en la imagen?",
         "¿Qué hay aquí?", "¿Qué hay en esta imagen?"),
        ("¿Qué hay en la imagen?",),
    ),
}  # fmt: skip
NAMING_PERSON_IN: dict[str, Wordings] = {
    "de": Wordings(
        ("Wer ist das?", "Wen zeigt das Bild?", "Wer ist auf diesem Bild?",
         "Wen siehst du auf dem Bild?"),
        ("Wer ist auf dem Bild?",),
    ),
    "fr": Wordings(
        ("Qui est-ce ?", "Qui est sur l'image ?", "Qui voit-on sur cette image ?",
         "Qui vois-tu sur l'image ?"),
        ("Qui voit-on sur l'image ?",),
    ),
    "es": Wordings(
        ("¿Quién es?", "¿A quién muestra la imagen?", "¿Quién está en esta imagen?",
         "¿A quién ves en la imagen?"),
        ("¿Quién está en la imagen?",),
    ),
}  # fmt: skip
TEXT_CATEGORY = Wordings(
    (
        "What kind of thing is {x}?",
        "What sort of thing is {x}?",
        "What type is {x}?",
        "Which category is {x}?",
        "Tell me what kind of thing {x} is.",
        "Of what type is {x}?",
        "Name the type of thing that {x} is.",
        "Which type of thing is {x}?",
    ),
    ("What type of thing is {x}?",),
)
TEXT_DEFINITION = Wordings(
    (
        "What is {x}?",
        "Describe {x}.",
        "Can you define {x}?",
        "Can you tell me what {x} is?",
        "Tell me what one calls {x}.",
        "Explain what {x} is.",
        "Say what {x} is.",
    ),
    ("Tell me what {x} is.",),
)
TEXT_REVERSE = Wordings(
    ("Which thing is this: {d}?", "What is called {d}?", "Name this: {d}.", "What is this: {d}?"),
    ("Which thing is {d}?",),
)
TEXT_WHO = Wordings(
    (
        "Who is {x}?",
        "Tell me about {x}.",
        "Tell me who {x} is.",
        "Who is the person {x}?",
        "Who is called {x}?",
    ),
    ("Who is the person called {x}?",),
)
TEXT_OCCUPATION = Wordings(
    (
        "What does {x} do for a living?",
        "What is the job of {x}?",
        "As what does {x} work?",
        "What work does {x} do?",
        "Tell me what {x} works as.",
    ),
    ("What does {x} work as?",),
)
TEXT_CITY = Wordings(
    ("Where does {x} live?", "Which city does {x} live in?", "Tell me in which city {x} lives."),
    ("In which city does {x} live?",),
)
TEXT_TRANSLATION: dict[str, Wordings] = {
    "de": Wordings(
        ("What is {x} in German?", "How do you say {x} in German?"), ("Say {x} in German.",)
    ),
    "fr": Wordings(
        ("What is {x} in French?", "How do you say {x} in French?"), ("Say {x} in French.",)
    ),
    "es": Wordings(
        ("What is {x} in Spanish?", "How do you say {x} in Spanish?"), ("Say {x} in Spanish.",)
    ),
}
