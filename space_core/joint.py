"""What was measured of several erasures together, and its files. Needs no torch."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from space_core.runs import EDIT
from space_core.typed_json import from_json, to_json
from space_core.types import Outcome, RunRecord, Share
from space_core.verdict import is_forgotten
from space_core.whole import whole_folder

if TYPE_CHECKING:
    from space_core.edit import Edit

JOINT = "together.json"
MOST = 6


@dataclass(frozen=True, slots=True)
class Pair:
    """A share of a run under its own edit and under the sum, over the same questions.

    ``name``: the record's field; ``only_alone``, ``only_together``: how many questions count
    towards the one share and not the other, which is what adding the other edits changed.
    """

    name: str
    alone: Share
    together: Share
    only_alone: int
    only_together: int


@dataclass(frozen=True, slots=True)
class JointConcept:
    """One of the erasures. ``left_out``: its questions about the others' targets, which no share
    counts; ``outcomes``: what the sum answers to the rest, beside the base model's answers.
    """

    run_id: str
    concept: str
    pairs: tuple[Pair, ...]
    left_out: int
    outcomes: tuple[Outcome, ...]

    def pair(self, name: str) -> Pair:
        """A pair by its name."""
        return next(one for one in self.pairs if one.name == name)


@dataclass(frozen=True, slots=True)
class JointLayer:
    """Mean squared changes of a layer's output, relative to the mean square of its output.

    On the statistics that know none of the targets. ``alone``: of each edit, in the runs' order;
    ``together``: of the sum; ``triangle``: (Σ_i √alone_i + √rounded)², which ``together`` never
    exceeds, where ``rounded`` is the damage of what storing the sum rounds otherwise than storing
    each edit; ``bound``: the same with the edits' bounds; ``held_out``: of the sum, on a sample
    that chose nothing: it can be larger.
    """

    layer: str
    alone: tuple[float, ...]
    together: float
    triangle: float
    bound: float
    held_out: float


@dataclass(frozen=True, slots=True)
class Joint:
    """Several erasures measured together. What each does alone is as its own run measured it."""

    created: str
    model: str
    device: str
    versions: Mapping[str, str]
    concepts: tuple[JointConcept, ...]
    layers: tuple[JointLayer, ...]
    hashes: Mapping[str, str]
    base_restored: bool
    seconds: float
    warnings: tuple[str, ...]


def forgotten(one: JointConcept, run: RunRecord) -> tuple[str, str]:
    """Whether it is forgotten alone, and together, by the rule of a single run's verdict."""
    alone = replace(run, **{pair.name: pair.alone for pair in one.pairs})
    # The run as the sum of the edits would have it, as far as a verdict asks.
    summed = {pair.name: pair.together for pair in one.pairs}
    return is_forgotten(alone), is_forgotten(replace(run, outcomes=one.outcomes, **summed))


def save_joint(folder: Path, joint: Joint, edit: "Edit") -> None:
    """Write the record and the summed edit into a new folder, whole or not at all.

    Raises ValueError where the folder exists.
    """
    with whole_folder(folder) as part:
        (part / JOINT).write_text(to_json(joint) + "\n", encoding="utf-8")
        edit.save(part / EDIT)


def load_joint(folder: Path) -> Joint:
    """The record that `save_joint` wrote. Raises ValueError where it is not whole."""
    return from_json((Path(folder) / JOINT).read_text(encoding="utf-8"), Joint)


def check_number(count: int) -> None:
    """Raises ValueError where so many erasures cannot be asked together."""
    if not 2 <= count <= MOST:
        said = "1 erasure is" if count == 1 else f"{count} erasures are"
        raise ValueError(f"{said} chosen: take 2 to {MOST} to ask them together.")
