"""How a pool's concepts lie around each other in the shared space."""

from collections.abc import Collection
from dataclasses import dataclass

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from space_core.pool import Pool
from space_core.shared_space import SharedSpace

BEST = 8  # images whose mean similarity says how near the pool comes to a text
_FLOOR_SHARE, _FLOOR_NAMES = 0.10, 2000
_AT_ONCE = 20_000  # images compared with all names in one piece


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
    centres = torch.stack([pool.units(pool.rows_of[name]).mean(0) for name in names])
    asked = np.random.default_rng(0).permutation(len(names))[:_FLOOR_NAMES]
    best = _best_of_others(pool, [names[i] for i in asked], texts[asked])
    floor = float(torch.quantile(best.double(), _FLOOR_SHARE))
    return Neighbourhood(names, texts, F.normalize(centres, dim=1), floor)


def _best_of_others(pool: Pool, names: list[str], texts: Tensor) -> Tensor:
    """Mean similarity [k] of each text to the images nearest to it, its own left out."""
    best = torch.empty(len(names), 0)
    for start in range(0, len(pool), _AT_ONCE):
        scores = texts @ pool.units(slice(start, start + _AT_ONCE)).T
        for i, name in enumerate(names):
            own = np.array(pool.rows_of[name]) - start
            scores[i, own[(own >= 0) & (own < scores.shape[1])]] = -1.0
        best = torch.cat([best, scores], 1)
        best = best.topk(min(BEST, best.shape[1]), dim=1).values
    return best.mean(1)
