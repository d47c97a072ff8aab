"""The suite: every method on every target, resumable, ending in tables and a page.

    python -m space_core bench --out build/bench --results docs/results

A finished pair of method and target leaves one parquet file of its questions with the row in its
metadata, so that a stopped run loses at most one pair. SPACE runs on all targets, everything else
on three of each domain, and comparisons are made on those alone, paired.
"""

import json
import logging
import os
import resource
import time
from collections.abc import Iterator, Sequence
from contextlib import nullcontext
from dataclasses import asdict, dataclass, fields, replace
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from space_core import evaluate, material
from space_core.audit import Bench, open_bench, probes_of
from space_core.baselines.lora import LoraConfig
from space_core.bench import tables
from space_core.bench.main_job import chosen
from space_core.bench.methods import SPACE, Change, Method, methods
from space_core.bench.score import Row, row_of
from space_core.bench.targets import DOMAINS, PROTOTYPE, TUNING, drawn
from space_core.edit import edited, weights_sha256
from space_core.settings import DcsiConfig, Settings
from space_core.types import ConceptRequest, Outcome

log = logging.getLogger(__name__)

EACH, PAIRED, QUICK = 12, 3, 1


@dataclass(frozen=True, slots=True)
class Suite:
    """What is run: names of methods (all where empty), and only one target a domain where quick."""

    out: Path
    results: Path
    quick: bool = False
    only: tuple[str, ...] = ()


def run(settings: Settings, suite: Suite) -> str:
    """Measure what ``out`` lacks, write tables to ``results``, and return the leaderboard."""
    known = methods(_tuned(suite.results / "tuning.json"))
    unknown = sorted(set(suite.only) - set(known))
    if unknown:
        raise ValueError(f"No method is called {unknown[0]!r}. There are: {', '.join(known)}.")
    bench = open_bench(settings)
    if bench.split is None:
        raise ValueError(f"{settings.evaluation} holds no evaluation images: set SPACE_EVALUATION.")
    suite.out.mkdir(parents=True, exist_ok=True)
    targets = _targets(bench, suite.out / "targets.json")
    for name, domain, method in _pairs(targets, known, suite):
        path = suite.out / f"{_slug(method)}--{_slug(name)}.parquet"
        if not path.is_file():
            log.warning("bench: %s on %s", method, name)
            row, outcomes = measure(bench, method, known[method][1], name, domain)
            _write(path, row, outcomes)
    rows = [_read(path) for path in sorted(suite.out.glob("*--*.parquet"))]
    groups = {name: group for name, (group, _) in known.items()}
    return tables.write(suite.results, rows, groups)


def measure(
    bench: Bench, name: str, method: Method, target: str, domain: str
) -> tuple[Row, tuple[Outcome, ...]]:
    """One method on one target. Raises ValueError where the base model did not come back."""
    request, mllm = ConceptRequest(target), bench.sources.mllm
    probes, book, key = probes_of(bench, request, DcsiConfig().seed)
    views = evaluate.encode_views(mllm, bench.split, probes)
    before = evaluate.answers(mllm, probes, views)
    _forget_peak()
    started, used = time.monotonic(), time.process_time()
    change = method(bench, request)
    seconds, cpu = time.monotonic() - started, time.process_time() - used
    peak = _peak_mb()
    after = answers_of(bench, change, probes)
    if weights_sha256(mllm.model) != bench.sources.model_sha256:
        raise ValueError("The base model's weights changed: no row of this run can be trusted.")
    honest = material.honest_answer(mllm, bench.sources.subject(request))
    outcomes = evaluate.judge(probes, before, after, book, key, honest)
    row = row_of(name, target, domain, outcomes, bench.split.artists)
    cost = {"seconds": seconds, "cpu_seconds": cpu, "peak_mb": peak}
    return replace(row, parameters=change.parameters, **cost), outcomes


def answers_of(bench: Bench, change: Change, probes: Sequence) -> list[str]:
    """The changed model's answers. Images are encoded anew: a change may reach the connector."""
    mllm = bench.sources.mllm
    asked = [replace(probe, question=change.ask(probe.question)) for probe in probes]
    with edited(mllm.model, change.edit) if change.edit else nullcontext():
        return evaluate.answers(mllm, asked, evaluate.encode_views(mllm, bench.split, asked))


def _pairs(
    targets: dict[str, list[str]], known: dict[str, tuple[str, Method]], suite: Suite
) -> Iterator[tuple[str, str, str]]:
    """(target, domain, method), those first that all methods are compared on."""
    wanted = suite.only or tuple(known)
    count = QUICK if suite.quick else PAIRED
    for number in range(max(map(len, targets.values()))):
        for domain, names in targets.items():
            for method in wanted:
                if number < len(names) and number < (
                    EACH if method == SPACE and not suite.quick else count
                ):
                    yield names[number], domain, method


def _targets(bench: Bench, path: Path) -> dict[str, list[str]]:
    """Targets by domain, in the drawn order; asked of the model once and written down."""
    if path.is_file():
        return json.loads(path.read_text(encoding="utf-8"))
    without = {*TUNING, *PROTOTYPE, *(name for name, _ in chosen(bench))}
    found = {domain: list(drawn(bench, domain, EACH, without, seed=1)) for domain in DOMAINS}
    path.write_text(json.dumps(found, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    return found


def _tuned(path: Path) -> dict[str, LoraConfig]:
    if not path.is_file():
        return {}
    found = json.loads(path.read_text(encoding="utf-8"))
    return {name: LoraConfig(**one) for name, one in found.items()}


def _write(path: Path, row: Row, outcomes: Sequence[Outcome]) -> None:
    table = pa.Table.from_pylist([asdict(one) for one in outcomes])
    table = table.replace_schema_metadata({"row": json.dumps(asdict(row))})
    part = path.with_name(f".{path.name}.part")
    pq.write_table(table, part)
    part.replace(path)


def _read(path: Path) -> Row:
    metadata = pq.read_schema(path).metadata or {}
    try:
        found = json.loads(metadata[b"row"])
        return Row(**{one.name: found[one.name] for one in fields(Row)})
    except (KeyError, ValueError) as fault:
        raise ValueError(f"{path} is no result of this suite: give another --out.") from fault


def _slug(name: str) -> str:
    return "".join(c if c.isalnum() else "-" for c in name.lower())


def _forget_peak() -> None:
    """Let Linux count the process's highest memory anew; elsewhere it is since the start."""
    try:
        Path("/proc/self/clear_refs").write_text("5")
    except OSError:
        log.debug("Peak memory is counted since the process started.")


def _peak_mb() -> float:
    status = Path("/proc/self/status")
    if status.is_file():
        for line in status.read_text().splitlines():
            if line.startswith("VmHWM:"):
                return int(line.split()[1]) / 1024
    unit = 1024**2 if os.uname().sysname == "Darwin" else 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / unit
