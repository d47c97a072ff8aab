"""Which concepts are measured: drawn by a seed among those that the model knows.

Concepts on which a constant was chosen are kept out, so that no number flatters the choice.
"""

from collections.abc import Collection, Iterator
from pathlib import Path

import numpy as np

from space_core import evaluate
from space_core.audit import Bench, known_names
from space_core.evaluation_split import EvaluationSplit
from space_core.names import read_names
from space_core.probes import plan
from space_core.settings import DcsiConfig
from space_core.types import ConceptRequest

TARGETS = "targets.txt"
DOMAINS = ("people", "animals", "artist style", "objects", "places", "food")
KNOWN, FEWEST_QUESTIONS, FEWEST_VIEWS = 0.9, 100, 40
# For choosing constants on; never measured. Baselines are tuned on the first of each domain.
TUNING = (
    "lemon", "tiger", "guitar", "castle", "pizza", "Zelmira Ambekari", "Caspian Fennimark",
    "Notionists", "Fluent Glossy", "keyboard",
)  # fmt: skip
# A prototype's constants were chosen on these; not measured in the suite.
PROTOTYPE = (
    "bus", "owl", "shark", "camera", "trumpet", "teddy bear", "rocket", "strawberry", "violin",
    "camel",
)  # fmt: skip


def drawn(
    bench: Bench, domain: str, count: int, without: Collection[str], seed: int = 0
) -> Iterator[str]:
    """Up to ``count`` concepts of a domain that the model names in ≥ 90 % of ≥ 100 questions."""
    names = sorted(n for n, c in bench.split.concepts.items() if c.domain == domain)
    order = np.random.default_rng((seed, 30)).permutation(names).tolist()
    found = 0
    for name in order:
        if found == count:
            return
        if name not in without and knows(bench, name):
            found += 1
            yield name


def tuning_targets(split: EvaluationSplit) -> list[str]:
    """The first concept of each domain in `TUNING`. Raises ValueError where one is not known."""
    if unknown := [name for name in TUNING if name not in split.concepts]:
        raise ValueError(f"The evaluation lacks {unknown[0]!r}, on which settings are chosen.")
    first = {split.concepts[name].domain: name for name in reversed(TUNING)}
    return [first[domain] for domain in DOMAINS]


def read_targets(path: Path, split: EvaluationSplit) -> dict[str, list[str]]:
    """Targets by domain from a text file, one name a line, in its order.

    Raises ValueError for a name that the evaluation does not know, and for an empty file.
    """
    names = read_names(path)
    if unknown := [name for name in names if name not in split.concepts]:
        raise ValueError(f"{path} names {unknown[0]!r}, of which the evaluation has no images.")
    found: dict[str, list[str]] = {}
    for name in names:
        found.setdefault(split.concepts[name].domain, []).append(name)
    return found


def knows(bench: Bench, name: str) -> bool:
    """Whether the model names it often enough, on views enough, to speak of forgetting."""
    target, book, _ = known_names(bench, ConceptRequest(name))
    # The same questions as an audit's: those about the target are drawn before all others.
    planned = plan(bench.split, target, (), (), DcsiConfig().seed)
    probes = [one for one in planned if one.group == "target" and one.kind == "name"]
    if len(probes) < FEWEST_QUESTIONS or len({one.view for one in probes}) < FEWEST_VIEWS:
        return False
    mllm = bench.sources.mllm
    views = evaluate.encode_views(mllm, bench.split, probes)
    before = evaluate.answers(mllm, probes, views)
    outcomes = evaluate.judge(probes, before, before, book, name, "")
    return evaluate.forget_accuracy(outcomes).questions >= max(
        KNOWN * len(probes), FEWEST_QUESTIONS
    )
