"""How the pool's concepts lie around each other in the shared space."""

from collections.abc import Collection
from dataclasses import dataclass

import torch
from torch import Tensor

from space_core.pool import Pool
from space_core.shared_space import SharedSpace

_FLOOR_SHARE = 0.10


@dataclass(frozen=True, slots=True, eq=False)
class Neighbourhood:
    """How the pool's concepts lie around each other; computed once per pool.

    names: the concepts that have images. texts: their e_c [k, d]. centres: the normalised mean
    image of each [k, d]. floor: a concept whose best images are less similar than this
    finds less than nine in ten of the pool's own concepts would without their own images.
    """

    names: tuple[str, ...]
    texts: Tensor
    centres: Tensor
    floor: float

    def nearest(self, vector: Tensor, without: Collection[str] = ()) -> list[tuple[str, float]]:
        """Every concept with the similarity of its mean image to e_c, nearest first."""
        scores = (self.centres @ vector).tolist()
        order = sorted(range(len(scores)), key=lambda i: -scores[i])
        return [(self.names[i], scores[i]) for i in order if self.names[i] not in without]


def survey(space: SharedSpace, pool: Pool) -> Neighbourhood:
    """Place every concept that labels images of the pool."""
    names = tuple(n for n, c in pool.concepts.items() if c.family != "artist")
    if not names:
        raise ValueError("The pool has no labels: give its parquet files a column 'label'.")
    texts = torch.stack([space.concept([pool.concepts[name].phrase]) for name in names])
    centres = torch.stack([pool.vectors[pool.rows_of[name]].mean(0) for name in names])
    scores = texts @ pool.vectors.T
    for i, name in enumerate(names):
        scores[i, pool.rows_of[name]] = -1.0
    best = scores.topk(min(8, len(pool)), dim=1).values.mean(1)
    floor = float(torch.quantile(best.double(), _FLOOR_SHARE))
    return Neighbourhood(names, texts, torch.nn.functional.normalize(centres, dim=1), floor)
