"""What a visitor asks to be forgotten, read off the form or off a program's call."""

from collections.abc import Sequence

from space_core.types import ConceptRequest

DEFAULT = ConceptRequest("")
# The parts of the form: the concept's words, and what is wished for beside them.
WORDS = ("concept", "aliases", "description", "category")
WISHES = ("protect", "questions", "instead", "text_too")


def read_request(
    concept: str, aliases: str = "", description: str = "", category: str = "",
    protect: Sequence[str] = (), questions: Sequence[str] = DEFAULT.questions,
    instead: str = DEFAULT.instead, text_too: bool = DEFAULT.text_too,
) -> ConceptRequest:
    """The form as a request; the pipeline judges the words."""
    others = (name.strip() for name in aliases.split(","))
    return ConceptRequest(
        name=concept.strip(), aliases=tuple(name for name in others if name),
        description=description.strip(), category=category.strip(), protect=tuple(protect or ()),
        questions=tuple(name for name in DEFAULT.questions if name in questions),
        instead=instead, text_too=text_too,
    )
