"""The app's job without a browser: progress on stderr, results on stdout, files in a folder.

Exit codes: 0 done, 2 a fault that one line on stderr explains, 130 stopped by Ctrl-C.
"""

import argparse
import logging
import sys
from collections.abc import Mapping, Sequence
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from space_core import cli_bench, cli_data, cli_together
from space_core.backend import memory_in_words
from space_core.settings import PRESETS, DcsiConfig, Settings, TpasConfig, anchors_for, heed_offline
from space_core.types import ConceptRequest, Progress, RunRecord, Selection, Share, StepEvent
from space_core.ways import all_said, ways
from space_core.whole import check_new, check_writable, whole_folder

if TYPE_CHECKING:
    from space_core.audit import Bench, Finished

log = logging.getLogger(__name__)


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command and return its exit code; raises SystemExit(2) for arguments it lacks."""
    args = _parser().parse_args(argv)
    level = logging.DEBUG if args.verbose else logging.WARNING
    logging.basicConfig(level=level, format="%(levelname)s %(name)s: %(message)s")
    try:
        heed_offline(Settings.from_env())
        with memory_in_words():
            args.command(args)
    except KeyboardInterrupt:
        print("Stopped.", file=sys.stderr)
        return 130
    except (ValueError, OSError) as error:
        log.debug("The fault in full:", exc_info=True)
        print("error:", " ".join(str(error).split()), file=sys.stderr)
        return 2
    return 0


def erase(args: argparse.Namespace) -> None:
    """Select anchors, erase, measure, and leave the run in a folder of its own under --out."""
    from space_core.audit import open_bench, select_anchors
    from space_core.report import headline, write_report
    from space_core.runs import save_run

    check_writable(args.out)
    settings = Settings.from_env()
    request, bench = _request(args), open_bench(settings)
    layers = tuple(args.layers) or settings.layers
    config = replace(PRESETS[args.preset], steps=args.steps, seed=args.seed, layers=layers)
    selection = select_anchors(bench, request, _tpas(args, config))
    _warn(selection.warnings)
    finished = _audited(bench, request, selection, config)
    _warn(finished.record.warnings)
    folder = save_run(args.out, finished.record, finished.edit)
    write_report(folder / "report.html", finished.record)
    print(_results(finished.record, headline(finished.record)))
    print(f"saved in {folder}")


def anchors(args: argparse.Namespace) -> None:
    """Print what TPAS would choose, and what the guard kept away."""
    from space_core.audit import open_bench, select_anchors

    choice = _tpas(args, DcsiConfig())
    selection = select_anchors(open_bench(Settings.from_env()), _request(args), choice)
    _warn(selection.warnings)
    print(_chosen(selection))


def merge(args: argparse.Namespace) -> None:
    """Write a run's edited model into a new folder, with a card; to the hub only when told."""
    from space_core import merged
    from space_core.edit import Edit
    from space_core.mllm import open_mllm
    from space_core.runs import EDIT, load_record

    settings = Settings.from_env()
    if args.push_to and settings.offline:
        raise ValueError("SPACE_OFFLINE is set: unset it to push, or leave --push-to out.")
    check_new(args.out)
    record, edit = load_record(args.run), Edit.load(args.run / EDIT)
    # A GPU loads other numbers than a CPU where nothing is said.
    if settings.dtype == "auto" and record.dtype:
        settings = replace(settings, dtype=record.dtype)
    mllm = open_mllm(settings)
    merged.merge_and_save(mllm, edit, record, args.out)
    print(f"saved in {args.out}")
    if args.push_to:
        print(f"pushed, private, to {merged.push(args.out, args.push_to)}")


def adapter(args: argparse.Namespace) -> None:
    """Write a run's edit as a LoRA adapter for peft, and say what that loses of it."""
    from space_core.bundle import rank_loss
    from space_core.edit import Edit
    from space_core.runs import EDIT, check_own, load_record

    check_new(args.out)
    record, edit = load_record(args.run), Edit.load(args.run / EDIT)
    check_own(edit, record)
    with whole_folder(args.out) as part:
        stored = edit.to_peft(part, record.hub_name, args.rank, record.revision)
    losses = [rank_loss(name, edit, stored) for name in edit.layers]
    most = max(losses, key=lambda one: one.relative)
    print(f"saved in {args.out}, of rank {max(one.rank for one in losses)} at most")
    print(f"{most.relative:.1e} of the change is lost in the layer that loses most, {most.layer}")


def demo_build(args: argparse.Namespace) -> None:
    """Build assets/demo from its sources; every stage that left its result is skipped."""
    from space_core.demo.build import Recipe, build

    build(args.packages, args.wordnet, args.work, args.out, Recipe(), args.without)


def demo_eval(args: argparse.Namespace) -> None:
    """Print what the bundled model knows before any edit."""
    from space_core.demo.evaluation import evaluate_demo

    print(evaluate_demo(Settings.from_env()))


def _audited(
    bench: "Bench", request: ConceptRequest, selection: Selection, config: DcsiConfig
) -> "Finished":
    from space_core.audit import audit

    # Closed at once when Ctrl-C comes between two events: the base weights are put back.
    with closing(audit(bench, request, selection, config, lambda: False)) as events:
        for event in events:
            if isinstance(event, (Progress, StepEvent)):
                print(_line(event), file=sys.stderr, flush=True)
            else:
                return event
    raise ValueError("The audit ended without a result: run again with --verbose.")


def _line(event: Progress | StepEvent) -> str:
    if isinstance(event, Progress):
        return f"[{event.done:4.0%}] {event.stage}: {event.message}"
    losses = "  ".join(f"{name} {loss:.3f}" for name, loss in event.losses.items())
    return (
        f"       step {event.step}/{event.steps}  {losses}  overwritten {event.overwritten:.0%}  "
        f"entropy {event.entropy:.3f}  damage {event.damage:.2e}  {event.seconds:.1f} s"
    )


def _results(record: RunRecord, shares: Mapping[str, Share]) -> str:
    selection = record.selection
    return "\n".join([
        f"{selection.request.name}: {len(selection.anchors)} anchors, {len(record.steps)} steps, "
        f"{record.seconds:.1f} s on {record.device}{', stopped early' if record.stopped else ''}",
        f"falls back to {record.honest_answer!r}; "
        f"base weights restored: {'yes' if record.base_restored else 'NO'}",
        "",
        f"{'':70}{'share':>8}{'95 % interval':>17}{'questions':>11}{'views':>8}{'images':>10}",
        *(f"{name:70}{_share(share)}" for name, share in shares.items()),
        f"given away, by what is asked: {all_said(ways(record.outcomes)) or '—'}",
        "",
        f"{'layer':44}{'in sample':>12}{'bound':>12}{'held out':>12}",
        *(
            f"{one.layer[-43:]:44}{one.in_sample:12.2e}{one.bound:12.2e}{one.held_out:12.2e}"
            for one in record.layers
        ),
    ])  # fmt: skip


def _share(share: Share) -> str:
    counts = f"{share.questions:>11}{share.images:>8}{share.drawings:>10}"
    if not share.questions:
        return f"{'—':>8}{'—':>17}{counts}"
    return f"{share.value:>8.1%}{f'{share.low:.1%} – {share.high:.1%}':>17}{counts}"


def _chosen(selection: Selection) -> str:
    meant = f" (understood as {', '.join(selection.resolved)})" if selection.resolved else ""
    return "\n".join([
        f"{selection.request.name}{meant}: {len(selection.chosen)} anchors above "
        f"{selection.threshold:.3f}, {len(selection.drawn)} drawn by chance (*), "
        f"worth {selection.effective:.1f} distinct ones",
        "",
        f"{'rank':>4} {'similarity':>10}  {'label':24} {'artist':14} {'licence':14} caption",
        *(
            f"{one.rank:>4} {one.similarity:>10.3f}{'*' if one.by_chance else ' '} "
            f"{one.label:24} {one.artist:14} "
            f"{one.licence:14} {one.caption}"
            for one in selection.anchors
        ),
        *(f"kept away: {one.label} (row {one.row}): {one.reason}" for one in selection.dropped),
    ])  # fmt: skip


def _warn(warnings: Sequence[str]) -> None:
    for warning in warnings:
        print("warning:", warning, file=sys.stderr)


def _request(args: argparse.Namespace) -> ConceptRequest:
    wishes = {name: getattr(args, name) for name in ("instead", "text_too") if name in args}
    return ConceptRequest(
        args.concept, tuple(args.alias), args.description, args.category, **wishes
    )


def _tpas(args: argparse.Namespace, config: DcsiConfig) -> TpasConfig:
    return replace(anchors_for(config), anchors=args.anchors, threshold=args.threshold)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m space_core",
        description="Erase a concept from a multimodal LLM without an image of it, and measure it.",
        epilog="Models, pool and device are set by SPACE_… variables; see the README.",
    )
    parser.add_argument("--verbose", action="store_true", help="log everything to stderr")
    commands = parser.add_subparsers(required=True, metavar="COMMAND")

    def command(name: str, call) -> argparse.ArgumentParser:
        one = commands.add_parser(name, help=call.__doc__, description=call.__doc__)
        one.set_defaults(command=call)
        return one

    tpas, dcsi = TpasConfig(), DcsiConfig()
    for name, call in (("erase", erase), ("anchors", anchors)):
        one = command(name, call)
        one.add_argument("concept", metavar="CONCEPT", help="the name to be forgotten")
        one.add_argument("--alias", action="append", default=[], help="another name; repeatable")
        one.add_argument("--description", default="", help="what it is, in a few words")
        one.add_argument("--category", default="", help="the honest general noun to fall back to")
        one.add_argument("--anchors", type=cli_data.at_least(2), default=tpas.anchors,
                         help="number of proxy anchors |P| (default %(default)s)")  # fmt: skip
        one.add_argument("--threshold", type=float, default=tpas.threshold, metavar="S",
                         help="similarity cut S_th (default: a percentile)")  # fmt: skip
    one = commands.choices["erase"]
    asked = ConceptRequest("")
    one.add_argument("--instead", choices=("general", "refusal", "anchor"), default=asked.instead,
                     help="what is said in the name's place: the general noun, that it is not "
                     "known, or the nearest anchor's name (default %(default)s)")  # fmt: skip
    one.add_argument("--text-too", action="store_true",
                     help="forget what text alone tells of it, too")  # fmt: skip
    one.add_argument("--preset", choices=PRESETS, default="space",
                     help="settings of the erasure (default %(default)s)")  # fmt: skip
    one.add_argument("--steps", type=cli_data.at_least(1), default=dcsi.steps,
                     help="training steps at most (default %(default)s)")  # fmt: skip
    one.add_argument("--seed", type=cli_data.at_least(0, 2**31), default=dcsi.seed,
                     help="seed of the run (default %(default)s)")  # fmt: skip
    cli_data.add_layers(one)
    one.add_argument("--out", type=Path, required=True, help="folder in which the run is saved")

    one = command("merge", merge)
    one.add_argument("run", type=Path, metavar="RUN", help="folder of the run")
    one.add_argument("--out", type=Path, required=True, help="folder of the model; a new one")
    one.add_argument("--push-to", metavar="REPO", help="new private hub repository, owner/name")

    one = command("adapter", adapter)
    one.add_argument("run", type=Path, metavar="RUN", help="folder of the run")
    one.add_argument("--out", type=Path, required=True, help="folder of the adapter; a new one")
    one.add_argument("--rank", type=cli_data.at_least(1),
                     help="rank of every layer (default: what loses at most 1e-6)")  # fmt: skip

    one = command("demo-build", demo_build)
    for name, what in (
        ("packages", "node_modules with the drawings"),
        ("wordnet", "folder with WordNet's data.noun"),
        ("work", "folder for results between stages"),
        ("out", "folder of the finished demo"),
    ):
        one.add_argument(f"--{name}", type=Path, required=True, help=what)
    one.add_argument("--without", type=Path, metavar="FILE",
                     help="concepts that training shall never hear of, one a line")  # fmt: skip
    command("demo-eval", demo_eval)
    cli_together.add_command(command)
    cli_data.add_commands(command)
    cli_bench.add_commands(command)
    return parser
