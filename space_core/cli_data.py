"""Commands that prepare and check what an erasure works with: pool, index, statistics, memory."""

import argparse
import math
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from space_core.settings import PRESETS, DcsiConfig, Settings

_PROCESSES = "Under torchrun each process takes its share."


def pool_build(args: argparse.Namespace) -> None:
    """Make a pool of your own images; goes on where it was stopped."""
    from space_core.backend import home_device
    from space_core.pool_build import Built, build
    from space_core.pool_sources import Columns
    from space_core.ranks import own_device
    from space_core.shared_space import load_shared_space

    settings = Settings.from_env()
    if not args.source.exists():
        raise ValueError(f"{args.source} does not exist: give a folder, a parquet file or a tar.")
    device = own_device(home_device(settings.device))
    space = load_shared_space(args.space or settings.shared_space, device)
    columns = Columns(args.image_column, args.caption_column, args.label_column)
    for event in build(args.source, args.out, space, columns):
        if isinstance(event, Built):
            print(f"{event.images} images in {args.out}, index {event.index}")
            if event.left_out:
                print(f"{len(event.left_out)} left out; why: {args.out / 'left_out.csv'}")
        else:
            print(f"[{event.done:4.0%}] {event.message}", file=sys.stderr, flush=True)


def statistics(args: argparse.Namespace) -> None:
    """Measure once for a model what other knowledge uses, so that no erasure waits for it."""
    from space_core.backend import home_device
    from space_core.ranks import own_device
    from space_core.retained import fill_shards
    from space_core.sources import open_sources
    from space_core.surroundings import edited_layers

    settings = Settings.from_env()
    if settings.device != "all":
        settings = replace(settings, device=own_device(home_device(settings.device)))
    sources = open_sources(settings)
    layers = edited_layers(sources.mllm, _config(args, settings))
    for shard, path in fill_shards(
        sources.mllm, sources.pool, sources.encoder, layers, sources.model_sha256, (),
        sources.cache,
    ):  # fmt: skip
        print(f"shard {shard}: {path}", file=sys.stderr, flush=True)
    print(f"{len(layers)} layers in {sources.cache}")


def memory(args: argparse.Namespace) -> None:
    """Say what an erasure will need of memory, without loading the model."""
    from space_core.backend import all_devices, model_dtype
    from space_core.hub import load_empty_model
    from space_core.memory_plan import fitting, free_memory, plan
    from space_core.mllm import Mllm

    settings = Settings.from_env()
    empty = load_empty_model(settings.model, settings.revision, model_dtype(settings))
    mllm, config = Mllm(settings.model, *empty, "meta"), _config(args, settings)
    needed, thrifty = plan(mllm, config), plan(replace(mllm, thrifty=True), config)
    for name in ("weights", "answering", "statistics", "training", "moments"):
        print(f"{name:12}{getattr(needed, name) / 1e9:10.2f} GB")
    print(f"{'or training':12}{thrifty.training / 1e9:10.2f} GB, computing each block twice")
    free = free_memory(all_devices(settings.device))
    print(fitting(mllm, config, free, loaded=False)[1])


def _config(args: argparse.Namespace, settings: Settings) -> DcsiConfig:
    return replace(PRESETS[args.preset], layers=tuple(args.layers) or settings.layers)


def at_least(low: int, most: float = math.inf) -> Callable[[str], int]:
    """The type of an option that is a whole number from ``low`` on, and no more than ``most``."""

    def number(text: str) -> int:
        if int(text) < low:
            raise argparse.ArgumentTypeError(f"{text} is less than {low}")
        if int(text) > most:
            raise argparse.ArgumentTypeError(f"{text} is more than {most}")
        return int(text)

    return number


def add_layers(one: argparse.ArgumentParser) -> None:
    """The option that names the edited blocks."""
    one.add_argument("--layers", type=int, nargs="*", default=[], metavar="BLOCK",
                     help="decoder blocks that are edited (default: those of SPACE_LAYERS, else "
                     "the middle ones)")  # fmt: skip


def bench_index(args: argparse.Namespace) -> None:
    """Compare the index of large pools with exact search, on synthetic vectors."""
    from space_core.bench import index

    index.run(args.sizes or index.SIZES, args.out, print)


def add_commands(command: Callable[..., argparse.ArgumentParser]) -> None:
    """Add these commands to the parser; ``command`` makes one of a name and a function."""
    one = command("pool-build", pool_build)
    one.epilog = _PROCESSES
    what = "folder of images, .parquet, .arrow or .tar files, or one such file"
    one.add_argument("source", type=Path, metavar="SOURCE", help=what)
    one.add_argument("--out", type=Path, required=True, help="folder of the new pool")
    what = "dual encoder, such as CLIP or SigLIP (default: SPACE_SHARED_SPACE)"
    one.add_argument("--space", default="", metavar="MODEL", help=what)
    for what in ("image", "caption", "label"):
        one.add_argument(f"--{what}-column", default="", metavar="NAME",
                         help=f"column, or key of a .json, with the {what}")  # fmt: skip
    one = command("statistics", statistics)
    one.epilog = _PROCESSES
    for each in (one, command("memory", memory)):
        each.add_argument("--preset", choices=PRESETS, default="space",
                          help="settings of the erasure (default %(default)s)")  # fmt: skip
        add_layers(each)
    one = command("bench-index", bench_index)
    one.add_argument("--sizes", type=int, nargs="*", metavar="N",
                     help="numbers of vectors (default 10000 100000 1000000)")  # fmt: skip
    one.add_argument("--out", type=Path, default=Path("build/index.csv"),
                     help="CSV file (default %(default)s)")  # fmt: skip
