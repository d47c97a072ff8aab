"""The suite: every method on every target, resumable, ending in tables and a page.

    python -m space_core bench --out docs/results/answers --results docs/results

A finished pair of method and target leaves one parquet file of its questions with the row in its
metadata, so that a stopped run loses at most one pair, and leaves its tables too. Processes under
`torchrun` share the targets. SPACE runs on all targets, other methods on three of each domain, what
is SPACE but for a part on one; comparisons are made on those alone, paired.
"""

import json
import logging
import math
import shlex
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime
from pathlib import Path

import pyarrow.parquet as pq

from space_core.audit import Bench
from space_core.bench import reference, tables
from space_core.bench.change import Entry
from space_core.bench.image_folder import convert
from space_core.bench.main_job import chosen
from space_core.bench.measure import ask, measure, open_with_images
from space_core.bench.methods import TUNABLE, inputs_of, methods, tuned, tuned_settings
from space_core.bench.score import COUNTED, Question, gap, row_of
from space_core.bench.targets import DOMAINS, PROTOTYPE, TARGETS, TUNING, drawn, read_targets
from space_core.leaderboard import PARTS, SPACE, About, Leaderboard, Row, write_rows
from space_core.ranks import in_turn
from space_core.settings import Settings
from space_core.types import Outcome
from space_core.versions import versions
from space_core.whole import write_whole

log = logging.getLogger(__name__)

EACH, PAIRED, QUICK = 12, 3, 1


@dataclass(frozen=True, slots=True)
class Suite:
    """What is run: names of methods (all where empty), and only one target a domain where quick.

    images: a folder of the user's own (`image_folder`) in place of the settings' pool and
    evaluation.
    """

    out: Path
    results: Path
    quick: bool = False
    only: tuple[str, ...] = ()
    images: Path | None = None

    @property
    def command(self) -> str:
        """What makes the same tables again."""
        said = ["python", "-m", "space_core", "bench", "--out", str(self.out)]
        said += ["--results", str(self.results)]
        said += ["--images", str(self.images)] if self.images else []
        said += ["--quick"] if self.quick else []
        return shlex.join([*said, "--only", *self.only] if self.only else said)


def run(settings: Settings, suite: Suite) -> str:
    """Measure what ``out`` lacks, write tables to ``results``, and return the leaderboard."""
    known = methods(tuned_settings(suite.results))
    if unknown := sorted(set(suite.only) - set(known)):
        raise ValueError(f"No method is called {unknown[0]!r}. There are: {', '.join(known)}.")
    if suite.images:
        pool, evaluation = convert(suite.images, suite.out / "images")
        settings = replace(settings, pool=pool, evaluation=evaluation)
    bench = open_with_images(settings)
    suite.out.mkdir(parents=True, exist_ok=True)
    targets = _targets(bench, suite)
    jobs = list(_jobs(targets, known, suite))
    inputs = {name: inputs_of(bench, method.group) for name, method in known.items()}
    try:
        _measure(bench, suite, known, jobs, inputs)
    finally:
        # Also of what a stopped run has.
        answers = reference.read(suite.results)
        paths = sorted(suite.out.glob("*--*.parquet"))
        measured = {path: _read(path) for path in paths}
        fresh = {
            path: row for path, row in measured.items()
            if row.method in known and _holds(row, known[row.method], inputs[row.method])
        }  # fmt: skip
        rows = tuple(
            _grouped(_counted(path, row, bench.split.artists, answers), known)
            for path, row in fresh.items()
        )
        if stale := len(paths) - len(rows):
            log.warning("%d rows were measured with something else and are left out", stale)
        about = _about(bench, _whole(suite, known, targets, rows), tuned(suite.results), rows)
        text = tables.write(suite.results, Leaderboard(rows, about))
    return text


def _measure(
    bench: Bench, suite: Suite, known: Mapping[str, Entry],
    jobs: Sequence[tuple[str, Sequence[str]]], inputs: Mapping[str, str],
) -> None:  # fmt: skip
    """Measure every pair without a file of these inputs. Processes (`ranks`) share the targets."""
    for number in in_turn(range(len(jobs))):
        target, names = jobs[number]
        asked = None
        for name in names:
            path = suite.out / f"{_slug(name)}--{_slug(target)}.parquet"
            if path.is_file() and _holds(_read(path), known[name], inputs[name]):
                continue
            log.warning("bench: %s on %s (concept %d of %d)", name, target, number + 1, len(jobs))
            asked = asked or ask(bench, target)
            row, outcomes = measure(bench, asked, name, known[name])
            _write(path, replace(row, inputs=inputs[name]), outcomes)


def _whole(
    suite: Suite, known: Mapping[str, Entry], targets: Mapping[str, Sequence[str]],
    rows: Sequence[Row],
) -> Suite:  # fmt: skip
    """The suite that measures the whole table, which may have been measured in several parts."""
    found = {row.method for row in rows}
    first = {name for domain in targets.values() for name in domain[:QUICK]}
    return replace(
        suite, quick={row.target for row in rows} <= first,
        only=tuple(name for name in known if name in found) if found < set(known) else (),
    )  # fmt: skip


def _grouped(row: Row, known: Mapping[str, Entry]) -> Row:
    """What a method is called among the others is no part of what was measured."""
    return replace(row, group=known[row.method].group)


def _holds(row: Row, method: Entry, inputs: str) -> bool:
    # What was chosen anew, or measured with something else, is measured anew.
    return row.setting == method.setting and row.inputs == inputs


def _jobs(
    targets: Mapping[str, Sequence[str]], known: Mapping[str, Entry], suite: Suite
) -> Iterator[tuple[str, list[str]]]:
    """Targets with their methods, those first that all methods are compared on."""

    def compared(method: str) -> int:
        if suite.quick or known[method].group in PARTS:
            return QUICK
        return EACH if method == SPACE else PAIRED

    for number in range(EACH):
        names = [method for method in suite.only or known if number < compared(method)]
        for domain in targets.values():
            if names and number < len(domain):
                yield domain[number], names


def _targets(bench: Bench, suite: Suite) -> dict[str, list[str]]:
    """Targets by domain: as the folder names them, else drawn once and written down."""
    path = (suite.images or suite.results) / TARGETS
    if not path.is_file() and not suite.images:
        without = {*TUNING, *PROTOTYPE, *(name for name, _ in chosen(bench))}
        names = [one for domain in DOMAINS for one in drawn(bench, domain, EACH, without, seed=1)]
        path.parent.mkdir(parents=True, exist_ok=True)
        write_whole(path, "".join(f"{name}\n" for name in names))
    return read_targets(path, bench.split)


def _about(
    bench: Bench, suite: Suite, tuned: Mapping[str, Mapping[str, str]], rows: Sequence[Row],
) -> About:
    untuned = sorted(set(TUNABLE) - set(tuned))
    if untuned:
        what = "untuned" if not tuned else f"{', '.join(untuned)} untuned"
        tuning = (
            f"{what}: run with the first, published-style setting of the grid; "
            "`python -m space_core bench-tune` chooses one."
        )
    else:
        tuning = "learning rate and steps chosen on other concepts, see tuning.csv."
        now = inputs_of(bench, "data-dependent")
        if older := [name for name, one in tuned.items() if one["inputs"] != now]:
            tuning += f" Chosen with an earlier version, and not anew: {', '.join(older)}."
    missing = {row.target for row in rows if math.isnan(row.gap)}
    measured = reference.said(len({row.target for row in rows}), len(missing))
    created = datetime.now(UTC).isoformat(timespec="seconds")
    return About(suite.command, created, bench.model_name, tuning, measured, versions())


def _write(path: Path, row: Row, outcomes: Sequence[Outcome]) -> None:
    write_rows(path, map(asdict, outcomes), "row", asdict(row))


def _read(path: Path) -> Row:
    """A pair's row, as it was when it was measured."""
    try:
        return Row(**json.loads((pq.read_schema(path).metadata or {})[b"row"]))
    except (KeyError, TypeError, ValueError) as fault:
        raise _foreign(path) from fault


def _counted(
    path: Path, row: Row, trained: Sequence[str], answers: Mapping[Question, bool]
) -> Row:
    """A pair's row, its measures counted anew from the questions that are kept with it.

    So a measure that is added or mended needs no new run. answers: a reference's, or nothing.
    """
    try:
        outcomes = [Outcome(**one) for one in pq.read_table(path).to_pylist()]
    except TypeError as fault:
        raise _foreign(path) from fault
    counted = row_of(row.method, row.target, row.domain, outcomes, trained)
    row = replace(row, **{name: getattr(counted, name) for name in COUNTED})
    return replace(row, gap=gap(outcomes, answers)) if answers else row


def _foreign(path: Path) -> ValueError:
    return ValueError(f"{path} is no result of this suite: give another --out.")


def _slug(name: str) -> str:
    return "".join(c if c.isalnum() else "-" for c in name.lower())
