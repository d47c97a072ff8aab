"""The command that asks several erasures together."""

import argparse
import sys
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from space_core.labels import SHARES
from space_core.settings import Settings
from space_core.whole import check_new

if TYPE_CHECKING:
    from space_core.joint import Joint
    from space_core.types import RunRecord, Share


def together(args: argparse.Namespace) -> None:
    """Add the edits of several runs, ask each run's questions of the sum, and keep both."""
    from space_core.audit import Finished, open_bench
    from space_core.edit import Edit
    from space_core.joint import check_number, save_joint
    from space_core.runs import EDIT, load_record
    from space_core.together import together as ask
    from space_core.types import Progress

    check_new(args.out)
    check_number(len(args.runs))
    runs = [Finished(load_record(run), Edit.load(run / EDIT)) for run in args.runs]
    bench = open_bench(Settings.from_env())
    for event in ask(bench, runs):
        if isinstance(event, Progress):
            print(f"[{event.done:4.0%}] {event.message}", file=sys.stderr, flush=True)
        else:
            found = event
    for warning in found.joint.warnings:
        print("warning:", warning, file=sys.stderr)
    save_joint(args.out, found.joint, found.edit)
    print("\n".join(_table(found.joint, [run.record for run in runs])))
    print(f"saved in {args.out}")


def add_command(command: Callable[..., argparse.ArgumentParser]) -> None:
    """Add the command to the parser; ``command`` makes one of a name and a function."""
    one = command("together", together)
    one.add_argument("runs", type=Path, nargs="+", metavar="RUN",
                     help="folder of a run; two to six")  # fmt: skip
    one.add_argument("--out", type=Path, required=True,
                     help="folder of the sum and its record; a new one")  # fmt: skip


def _table(joint: "Joint", runs: Sequence["RunRecord"]) -> Iterator[str]:
    from space_core.joint import forgotten
    from space_core.ways import GIVEN_AWAY, all_said, ways

    for one, run in zip(joint.concepts, runs):
        alone, summed = forgotten(one, run)
        yield f"{one.concept}: forgotten? Alone: {alone}; together: {summed}."
        if left := ways(one.outcomes):
            yield f"{GIVEN_AWAY}, together, by what is asked: {all_said(left)}."
    yield ""
    yield f"{'':58}{'alone':>24}{'together':>24}{'only alone':>12}{'only together':>15}"
    for one in joint.concepts:
        for pair in one.pairs:
            shares = f"{_share(pair.alone):>24}{_share(pair.together):>24}"
            name = f"{one.concept}: {SHARES[pair.name][0]}"
            yield f"{name[:58]:58}{shares}{pair.only_alone:>12}{pair.only_together:>15}"
    yield ""
    yield f"{'layer':44}{'together':>12}{'added':>12}{'bound':>12}{'held out':>12}"
    for one in joint.layers:
        numbers = (one.together, one.triangle, one.bound, one.held_out)
        yield f"{one.layer[-43:]:44}" + "".join(f"{number:12.2e}" for number in numbers)
    yield f"base weights restored: {'yes' if joint.base_restored else 'NO'}"


def _share(share: "Share") -> str:
    if not share.questions:
        return "—"
    return f"{share.value:.1%} ({share.low:.1%}–{share.high:.1%})"
