"""Commands of the benchmark. Each goes on where it was stopped."""

import argparse
from collections.abc import Callable
from pathlib import Path

from space_core.cli_data import at_least
from space_core.settings import Settings


def main_job(args: argparse.Namespace) -> None:
    """Erase the twelve concepts of docs/results.md and print the table; resumable."""
    from space_core.bench import main_job

    print(main_job.run(Settings.from_env(), args.out))


def suite(args: argparse.Namespace) -> None:
    """Compare SPACE with baselines, controls and ablations; goes on where it was stopped."""
    from space_core.bench.board import Suite, run

    what = Suite(args.out, args.results, args.quick, tuple(args.only), args.images)
    print(run(Settings.from_env(), what))


def tune(args: argparse.Namespace) -> None:
    """Choose every baseline's learning rate and steps on concepts that the suite never measures."""
    from space_core.bench import tuning

    print(tuning.run(Settings.from_env(), args.results, tuple(args.only)))


def reference(args: argparse.Namespace) -> None:
    """Keep what SPACE_MODEL, trained without the suite's targets, answers about them."""
    from space_core.bench import reference

    print(reference.run(Settings.from_env(), args.results))


def gpu(args: argparse.Namespace) -> None:
    """Measure time and memory on models of published size, beside LoRA fine-tuning."""
    from space_core.bench import speed

    load = speed.Load(args.images, args.steps, args.blocks, args.thrifty)
    speed.run(Settings.from_env(), load, args.only, args.out, print)


def add_commands(command: Callable[..., argparse.ArgumentParser]) -> None:
    """Add these commands to the parser; ``command`` makes one of a name and a function."""
    one = command("bench-gpu", gpu)
    one.epilog = "Random weights: nothing is downloaded. Without a GPU small shapes are measured."
    one.add_argument("--only", nargs="*", default=[], metavar="MODEL", help="these shapes alone")
    for name, default, what in (
        ("images", 2000, "images of the statistics"), ("steps", 100, "steps of the erasure"),
        ("blocks", 4, "edited blocks, the middle ones"),
    ):  # fmt: skip
        one.add_argument(f"--{name}", type=at_least(1), default=default, metavar="N",
                         help=f"{what} (default %(default)s)")  # fmt: skip
    one.add_argument("--thrifty", action="store_true",
                     help="compute each block twice, even where memory would do")  # fmt: skip
    one.add_argument("--out", type=Path, default=Path("build/speed.csv"),
                     help="CSV file (default %(default)s)")  # fmt: skip
    one = command("main-job", main_job)
    one.add_argument("--out", type=Path, required=True, help="CSV file of the results")
    one = command("bench", suite)
    one.add_argument("--out", type=Path, required=True, help="folder of answers, one file a pair")
    one.add_argument("--quick", action="store_true", help="one target of each domain")
    one.add_argument("--only", nargs="*", default=[], metavar="METHOD", help="these methods alone")
    one.add_argument("--images", type=Path, metavar="FOLDER",
                     help="targets.txt, train and test of your own; see docs/bench.md")  # fmt: skip
    tuned = command("bench-tune", tune)
    tuned.add_argument("--only", nargs="*", default=[], metavar="METHOD", help="these alone")
    for one in (one, tuned, command("bench-reference", reference)):
        one.add_argument("--results", type=Path, required=True, help="folder of the tables")
