"""The main job on twelve concepts, two of each domain: the last table of docs/results.md.

    python -m space_core main-job --out docs/results/main_job.csv

The concepts are drawn by a seed among those that the model names in at least 90 % of the
questions about them, without the ones on which constants were chosen. A row is written as soon as
it is measured; a second call goes on where the first stopped.
"""

import logging
from collections.abc import Iterator
from dataclasses import asdict, dataclass, fields, replace
from pathlib import Path

import numpy as np

from space_core.audit import Bench, Finished, audit, select_anchors
from space_core.bench.files import read_csv, write_csv
from space_core.bench.measure import open_with_images
from space_core.bench.methods import inputs_of
from space_core.bench.targets import DOMAINS, TUNING, drawn
from space_core.settings import DcsiConfig, Settings, TpasConfig
from space_core.types import ConceptRequest

log = logging.getLogger(__name__)

EACH = 2


@dataclass(frozen=True, slots=True)
class Row:
    """One concept's result; shares as fractions, ``n`` the questions behind ``fa``.

    inputs: hash of what it was measured with, as of a `leaderboard.Row`.
    """

    concept: str
    domain: str
    n: int
    fa: float
    ra: float
    proximal_ra: float
    seconds: float
    fa_high: float
    yes_no: float
    neighbours_yes_no: float
    skills: float
    inputs: str = ""


def run(settings: Settings, out: Path) -> str:
    """Measure what ``out`` lacks or has of other inputs; returns the whole table as Markdown."""
    if out.is_dir():
        raise ValueError(f"{out} is a folder: give a CSV file for --out.")
    bench = open_with_images(settings)
    out.parent.mkdir(parents=True, exist_ok=True)
    now = inputs_of(bench, "ours")
    rows = [row for row in read_csv(out, Row, "table of the main job") if row.inputs == now]
    for name, domain in chosen(bench):
        if name not in {row.concept for row in rows}:
            log.info("main job: %s", name)
            rows.append(replace(measure(bench, name, domain), inputs=now))
            write_csv(out, [one.name for one in fields(Row)], [asdict(row) for row in rows])
    return table(rows)


def chosen(bench: Bench) -> Iterator[tuple[str, str]]:
    """(concept, domain) of the twelve; asks the model what it knows."""
    for domain in DOMAINS:
        for name in drawn(bench, domain, EACH, TUNING):
            yield name, domain


def measure(bench: Bench, name: str, domain: str) -> Row:
    """Run the main job for one concept with the default settings."""
    request = ConceptRequest(name)
    selection = select_anchors(bench, request, TpasConfig())
    *_, finished = audit(bench, request, selection, DcsiConfig(), lambda: False)
    return row_of(finished, domain)


def row_of(finished: Finished, domain: str) -> Row:
    """A finished audit as a row. Raises ValueError where the base model did not come back."""
    record = finished.record
    if not record.base_restored:
        raise ValueError("The base model's weights changed: no row of this run can be trusted.")
    return Row(
        record.selection.request.name, domain, record.forget_accuracy.questions,
        record.forget_accuracy.value, record.retained_accuracy.value,
        record.proximal_retained_accuracy.value, record.seconds, record.forget_accuracy.high,
        record.yes_no.value, record.neighbours_yes_no.value, record.skills.value,
    )  # fmt: skip


def table(rows: list[Row]) -> str:
    """The rows and their means as Markdown."""
    lines = [
        "| concept | domain | n | FA ↓ | RA ↑ | proximal RA ↑ | still “yes” ↓ "
        "| neighbours' yes/no ↑ | skills ↑ | seconds |",
        "| --- | --- | --- | --- | --- | --- | --- | --- | --- | --- |",
        *(_line(row, row.concept, row.domain, str(row.n)) for row in rows),
    ]
    if rows:
        means = {
            one.name: float(np.nanmean([getattr(row, one.name) for row in rows]))
            for one in fields(Row)
            if one.type is float
        }
        lines.append(_line(Row("", "", 0, **means), "**mean**", "", ""))
    return "\n".join(lines)


def _line(row: Row, concept: str, domain: str, n: str) -> str:
    shares = (row.fa, row.ra, row.proximal_ra, row.yes_no, row.neighbours_yes_no, row.skills)
    cells = [concept, domain, n, *(f"{share:.1%}" for share in shares), f"{row.seconds:.0f}"]
    return f"| {' | '.join(cells)} |"
