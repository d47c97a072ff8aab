"""Frozen values that cross module borders. Imports the standard library only."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

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
