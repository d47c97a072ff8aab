"""What a model that never knew the targets answers: the end of the `gap` column's scale.

    python -m space_core demo-build --without docs/results/targets.txt …
    SPACE_MODEL=…/mllm python -m space_core bench-reference --results docs/results

The reference is trained by the same script with the same seed, without the targets; it is asked
exactly the suite's questions about them. One row a question, kept in one small file.
"""

import logging
from collections.abc import Mapping
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from space_core import evaluate
from space_core.audit import probes_of
from space_core.bench.measure import open_with_images
from space_core.bench.score import Question, question_of
from space_core.bench.targets import TARGETS, read_targets
from space_core.leaderboard import write_rows
from space_core.settings import DcsiConfig, Settings
from space_core.types import ConceptRequest

log = logging.getLogger(__name__)

REFERENCE = "reference.parquet"
_COLUMNS = ("concept", "kind", "image", "question")


def run(settings: Settings, results: Path) -> str:
    """Ask the model of the settings about every target, and say how much of each it gets right."""
    bench = open_with_images(settings)
    targets = read_targets(results / TARGETS, bench.split)
    mllm, rows, lines = bench.sources.mllm, [], ["| target | right |", "| --- | --- |"]
    for name in (one for names in targets.values() for one in names):
        log.warning("bench-reference: %s", name)
        probes, book, key = probes_of(bench, ConceptRequest(name), DcsiConfig().seed)
        about = [probe for probe in probes if probe.group == "target"]
        said = evaluate.answers(mllm, about, evaluate.encode_views(mllm, bench.split, about))
        outcomes = evaluate.judge(about, said, said, book, key, "")
        rows += [
            {**dict(zip(_COLUMNS, question_of(one))), "right": one.right_after} for one in outcomes
        ]
        right = sum(one.right_after for one in outcomes) / len(outcomes)
        lines.append(f"| {name} | {right:.1%} |")
    made_by = {"model": bench.model_name, "weights": bench.sources.model_sha256}
    write_rows(results / REFERENCE, rows, "about", made_by)
    return "\n".join(lines)


def read(results: Path) -> Mapping[Question, bool]:
    """Whether the reference answered rightly, by question; empty where it was never asked."""
    path = results / REFERENCE
    if not path.is_file():
        return {}
    try:
        rows = pq.read_table(path, columns=[*_COLUMNS, "right"]).to_pylist()
    except (pa.ArrowException, KeyError) as fault:
        raise ValueError(f"{path} holds no answers of a reference: make it again.") from fault
    return {tuple(row[name] for name in _COLUMNS): row["right"] for row in rows}


def said(targets: int, missing: int) -> str:
    """How the gap came to be for so many targets, or why not."""
    if missing < targets:
        lacking = f"; {missing} of {targets} targets have none" if missing else ""
        return f"Measured against a model trained without the targets{lacking}."
    return (
        f"Not computed: {REFERENCE} is missing, or of other questions, or of a model that knows as "
        "much. It holds the answers of a model trained without the targets; docs/bench.md says how "
        "to make it."
    )
