"""A demo that never heard of some concepts: what is left of drawings and concepts without them.

A thing or a person goes with every drawing, caption and lesson of its own. An artist's drawings
show other concepts and stay; the artist is no longer named, asked about, or offered as a choice.
Of what is kept, a definition or a general noun may still hold a left-out name as a word.
"""

from collections.abc import Collection, Sequence
from pathlib import Path

from space_core.demo.drawings import Drawing
from space_core.names import read_names
from space_core.types import Concept

RECORD = "without.txt"


def read(path: Path | None, everyone: Sequence[Concept], work: Path) -> frozenset[str]:
    """The names in a file, noted in the folder of intermediate results.

    Raises ValueError for a name that the demo does not know, and where the folder holds results
    that were made without other concepts.
    """
    names = frozenset(read_names(path)) if path else frozenset()
    if unknown := sorted(names - {one.name for one in everyone}):
        raise ValueError(f"{path} names {unknown[0]!r}, which the demo does not know: remove it.")
    record, said = work / RECORD, "".join(f"{name}\n" for name in sorted(names))
    before = record.read_text(encoding="utf-8") if record.is_file() else ""
    if before != said and any(work.iterdir()):
        raise ValueError(f"{work} holds results of another list of concepts: give another --work.")
    if said:
        record.write_text(said, encoding="utf-8")
    return names


def drawn(drawings: Sequence[Drawing], names: Collection[str]) -> list[Drawing]:
    """The drawings that show none of the concepts."""
    return [drawing for drawing in drawings if drawing.concept not in names]


def shown(everyone: Sequence[Concept], names: Collection[str]) -> list[Concept]:
    """The things and people that stay, and every artist."""
    return [one for one in everyone if one.family == "artist" or one.name not in names]


def spoken_of(everyone: Sequence[Concept], names: Collection[str]) -> list[Concept]:
    """Whatever lessons may name: no left-out artist either."""
    return [one for one in everyone if one.name not in names]
