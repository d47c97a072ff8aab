"""Learning rate and steps of every baseline, chosen on concepts that are never measured.

    python -m space_core bench-tune --results docs/results

The grids are `baselines.BASELINES`, at most six settings each; the concepts are the first of each
domain in `targets.TUNING`. One rule for all: the setting wins that has the best mean over the
concepts of the harmonic mean of two shares: naming questions whose answer is neither the name nor
broken, and proximal RA; of equal ones the first. A row is written as soon as it is measured, and a
second call goes on where the first stopped. Under `torchrun` the processes share the concepts.
`--only idk` tunes one baseline and leaves what was chosen for the others.
"""

import json
import logging
import math
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass, fields, replace
from pathlib import Path

from space_core.audit import Bench
from space_core.baselines.data import Data
from space_core.baselines.lora import LoraConfig
from space_core.bench.change import Entry
from space_core.bench.files import read_csv, write_csv
from space_core.bench.measure import Asked, ask, measure, open_with_images
from space_core.bench.methods import TUNABLE, TUNED, baseline, inputs_of, said, tuned
from space_core.bench.score import broken_names, harmonic
from space_core.bench.targets import tuning_targets
from space_core.edit import Diverged
from space_core.ranks import rank
from space_core.recent import Recent
from space_core.settings import Settings
from space_core.whole import write_whole

log = logging.getLogger(__name__)

_TABLE, _PARTS, _WHAT = "tuning.csv", "tuning-*.csv", "table of bench-tune"
RULE = (
    "the best mean GRF-F1 over the tuning concepts, a broken answer counted as not forgotten; of "
    "equal settings the first of the grid"
)


@dataclass(frozen=True, slots=True)
class Trial:
    """One setting of a method on one tuning concept; shares as fractions, NaN where it diverged.

    broken: the share of the questions behind ``fa`` whose answer is none; NaN in trials of before
    it was counted. inputs: hash of what it was measured with, as of a `leaderboard.Row`.
    """

    method: str
    setting: str
    target: str
    fa: float
    broken: float
    ra: float
    proximal_ra: float
    grf_f1: float
    seconds: float
    inputs: str = ""

    def holds(self, inputs: str) -> bool:
        """Whether it was measured with these, and says all that `RULE` looks at."""
        return self.inputs == inputs and (math.isnan(self.fa) or not math.isnan(self.broken))

    @property
    def key(self) -> tuple[str, ...]:
        """What tells it from any other trial."""
        return self.method, self.setting, self.target, self.inputs

    @property
    def score(self) -> float:
        """What `RULE` compares the mean of."""
        return harmonic(1.0 - self.fa - self.broken, self.proximal_ra)


def run(settings: Settings, results: Path, only: Sequence[str] = ()) -> str:
    """Measure what ``results`` lacks, write down what was chosen, and return it as Markdown.

    only: these baselines. Raises ValueError for a name that is none.
    """
    if strange := set(only) - set(TUNABLE):
        raise ValueError(f"There is nothing to tune for {min(strange)!r}: choose of {[*TUNABLE]}.")
    tried = [(name, config) for name, config in _settings() if name in (only or TUNABLE)]
    bench = open_with_images(settings)
    targets, inputs = tuning_targets(bench.split), inputs_of(bench, "data-dependent")
    results.mkdir(parents=True, exist_ok=True)
    _measure(bench, results, targets, inputs, tried)
    trials = _read(results, inputs)
    wanted = [(target, name, said(config)) for target in targets for name, config in tried]
    found = {(one.target, one.method, one.setting): one for one in trials}
    if missing := len(set(wanted) - set(found)):
        return f"{missing} of {len(wanted)} trials are left to other processes, or to another call."
    names = {name for name, _ in tried}
    others = [one for one in read_csv(results / _TABLE, Trial, _WHAT) if one.method not in names]
    table = [*(found[one] for one in wanted), *others]
    _write(results / _TABLE, table)
    kept = {one.key for one in table}
    for part in results.glob(_PARTS):
        # Another process may take it away first.
        with suppress(FileNotFoundError):
            rows = read_csv(part, Trial, _WHAT)
            if {one.key for one in rows if one.method not in names} <= kept:
                part.unlink()
    means = {
        (name, said(config)): _mean(trials, name, said(config), targets) for name, config in tried
    }
    chosen = choose(means)
    before = {name: one for name, one in tuned(results).items() if name not in names}
    text = json.dumps({
        "targets": targets,
        "chosen": before | {
            name: {"setting": setting, "inputs": inputs, "rule": RULE}
            for name, setting in chosen.items()
        },
    }, indent=1)
    write_whole(results / TUNED, f"{text}\n")
    lines = [
        "| method | setting | mean GRF-F1, broken answers not forgotten | |",
        "| --- | --- | --- | --- |",
    ]
    lines += [
        f"| {name} | {setting} | {value:.1%} | {'chosen' if chosen.get(name) == setting else ''} |"
        for (name, setting), value in means.items()
    ]
    return "\n".join(lines)


def _measure(
    bench: Bench, results: Path, targets: Sequence[str], inputs: str,
    tried: Sequence[tuple[str, LoraConfig]],
) -> None:  # fmt: skip
    """Try what is missing, or was tried with other inputs.

    Of several processes (`ranks`) each has targets, and a file, its own.
    """
    number, count = rank()
    path = results / (_TABLE if count == 1 else f"tuning-{number}.csv")
    read = Recent[Data](2)
    known = _read(results, inputs)
    names = {name for name, _ in tried}
    own = [
        one for one in read_csv(path, Trial, _WHAT)
        if one.method not in names or one.holds(inputs)
    ]  # fmt: skip
    for target in targets[number::count]:
        done = {(one.method, one.setting) for one in known if one.target == target}
        asked = None
        for name, config in tried:
            if (name, said(config)) not in done:
                log.warning("bench-tune: %s, %s, on %s", name, said(config), target)
                # The rule looks at answers to naming questions alone.
                asked = asked or ask(bench, target, "name")
                own.append(replace(_tried(bench, asked, name, config, read), inputs=inputs))
                _write(path, own)


def _read(results: Path, inputs: str) -> list[Trial]:
    paths = [results / _TABLE, *results.glob(_PARTS)]
    found = [one for path in paths for one in read_csv(path, Trial, _WHAT)]
    return [one for one in found if one.holds(inputs)]


def _write(path: Path, trials: Sequence[Trial]) -> None:
    write_csv(path, [one.name for one in fields(Trial)], list(map(asdict, trials)))


def choose(means: dict[tuple[str, str], float]) -> dict[str, str]:
    """Each method's setting by `RULE`; none for a method that diverged with every setting."""
    chosen: dict[str, str] = {}
    for (name, setting), value in means.items():
        best = means[name, chosen[name]] if name in chosen else -math.inf
        if value > best:
            chosen[name] = setting
    return chosen


def _settings() -> Iterator[tuple[str, LoraConfig]]:
    for name, one in TUNABLE.items():
        for config in one.grid:
            yield name, config


def _tried(
    bench: Bench, asked: Asked, name: str, config: LoraConfig, read: Recent[Data]
) -> Trial:
    entry = Entry("", baseline(TUNABLE[name], config, read), said(config))
    try:
        row, outcomes = measure(bench, asked, name, entry)
    except Diverged:
        return Trial(name, said(config), asked.target, *[math.nan] * 6)
    return Trial(
        name, said(config), asked.target, row.fa, broken_names(outcomes), row.ra, row.proximal_ra,
        row.grf_f1, row.seconds,
    )  # fmt: skip


def _mean(trials: Sequence[Trial], name: str, setting: str, targets: Sequence[str]) -> float:
    """The score over all tuning concepts; NaN for a setting that diverged on one."""
    own = [one for one in trials if (one.method, one.setting) == (name, setting)]
    found = {one.target: one.score for one in own}
    return sum(found[target] for target in targets) / len(targets)
