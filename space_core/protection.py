"""The concepts that a request protects, as the evaluation knows them: which of them it asks about.

Without any, nothing here changes what is asked.
"""

from collections.abc import Mapping, Sequence

import torch.nn.functional as F
from torch import Tensor

from space_core import tpas
from space_core.evaluation_split import EvaluationSplit
from space_core.probes import known_as
from space_core.sources import Sources
from space_core.types import ConceptRequest, Outcome


def watched(
    sources: Sources, split: EvaluationSplit | None, request: ConceptRequest
) -> dict[str, str]:
    """The evaluation's name of each protected concept by the pool's name, "" where it has none.

    Raises ValueError for one that cannot be protected.
    """
    concept = sources.subject(request)
    names = tpas.protected(sources.pool, concept, request)
    if split is None:
        return dict.fromkeys(names, "")
    target = known_as(split, concept)
    known = {name: known_as(split, sources.pool.concepts[name]) for name in names}
    # What the evaluation takes for the target itself cannot be watched beside it.
    return {name: one.name if one and one != target else "" for name, one in known.items()}


def beside(
    near: Sequence[tuple[str, float]], sources: Sources, protected: Mapping[str, str],
    vector: Tensor,
) -> list[tuple[str, float]]:  # fmt: skip
    """The near concepts, then the protected ones not among them, nearest to e_c first.

    protected: as `watched` says them. An artist's similarity is that of the mean drawing.
    """
    found, placed = dict(near), dict(sources.around.nearest(vector)) if protected else {}
    others = {
        own: placed[name] if name in placed else _likeness(sources, name, vector)
        for name, own in protected.items() if own and own not in found
    }  # fmt: skip
    return [*near, *sorted(others.items(), key=lambda pair: -pair[1])]


def unwatched(outcomes: Sequence[Outcome], protected: Mapping[str, str]) -> tuple[str, ...]:
    """A sentence that names the protected concepts that no question was about, if any."""
    asked = {one.concept for one in outcomes if one.group == "near"}
    missed = [f"“{name}”" for name, own in protected.items() if own not in asked]
    if not missed:
        return ()
    return (
        f"Protected, but not asked about: {', '.join(missed)}. The evaluation has no images of "
        "these, or the nearest concepts were not to be asked about: whether their answers stayed "
        "as they were is not known.",
    )


def _likeness(sources: Sources, name: str, vector: Tensor) -> float:
    centre = sources.pool.units(sources.pool.rows_of[name]).mean(0)
    return float(F.normalize(centre, dim=0) @ vector)
