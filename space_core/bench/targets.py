"""Which concepts are measured: drawn by a seed among those that the model knows.

Concepts on which a constant was chosen are kept out, so that no number flatters the choice.
"""

from collections.abc import Collection, Iterator

import numpy as np

from space_core import evaluate
from space_core.audit import Bench, probes_of
from space_core.settings import DcsiConfig
from space_core.types import ConceptRequest

DOMAINS = ("people", "animals", "artist style", "objects", "places", "food")
KNOWN, FEWEST_QUESTIONS, FEWEST_VIEWS = 0.9, 100, 40
# For choosing constants on; never measured.
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


def knows(bench: Bench, name: str) -> bool:
    """Whether the model names the concept often enough, on views enough, to speak of forgetting."""
    probes, book, _ = probes_of(bench, ConceptRequest(name), DcsiConfig().seed)
    probes = [one for one in probes if one.group == "target" and one.kind == "name"]
    if len(probes) < FEWEST_QUESTIONS or len({one.view for one in probes}) < FEWEST_VIEWS:
        return False
    mllm = bench.sources.mllm
    views = evaluate.encode_views(mllm, bench.split, probes)
    before = evaluate.answers(mllm, probes, views)
    outcomes = evaluate.judge(probes, before, before, book, name, "")
    return evaluate.forget_accuracy(outcomes).questions >= max(KNOWN * len(probes), FEWEST_QUESTIONS)
