"""Several erasures on a tiny model: no order, an undo that leaves the rest, an honest record."""

from dataclasses import replace
from pathlib import Path

import pytest
import torch
from small_world import ARTISTS, MANY, THINGS, make_world, write_split
from test_runs import record
from tiny_mllm import tiny_mllm

from space_core import evaluate
from space_core.audit import Bench, Finished, probes_of
from space_core.cli import main
from space_core.edit import Edit, LayerEdit, edited, weights_sha256
from space_core.edit_sum import combined, without
from space_core.evaluation_split import EvaluationSplit
from space_core.joint import MOST, Joint, load_joint
from space_core.moments import Moment
from space_core.retained import Encoder, Statistics
from space_core.runs import save_run
from space_core.settings import DcsiConfig
from space_core.sources import Sources
from space_core.together import _barred, _layer, together
from space_core.types import ConceptRequest, Progress
from space_core.worker import AskTogether, ask_together, entry_point, seconds

MODES = {"lemon": "soft", "bus": "hard"}


@pytest.fixture(scope="module")
def bench(tmp_path_factory) -> Bench:
    folder = tmp_path_factory.mktemp("together")
    world, mllm = make_world(folder, kinds=MANY), tiny_mllm()
    sources = Sources(
        mllm, world.space, world.pool, world.around, Encoder(mllm, world.pool),
        weights_sha256(mllm.model), folder / "cache",
    )  # fmt: skip
    drawn = [(one.name, ARTISTS[0].name) for one in THINGS]
    return Bench(sources, EvaluationSplit(write_split(folder / "evaluation", drawn)))


def run(bench: Bench, name: str, mode: str = "soft") -> Finished:
    """A run with a random edit, and what it answers. Before, the model is said to be right."""
    mllm, request = bench.sources.mllm, ConceptRequest(name)
    generator = torch.Generator().manual_seed(len(name))
    edit = Edit({
        path: LayerEdit(*(torch.randn(n, 2, generator=generator) for n in layer.weight.shape))
        for path, layer in mllm.edited_layers([0, 1]).items()
    })  # fmt: skip
    probes, book, key = probes_of(bench, request, 0)
    views = evaluate.encode_views(mllm, bench.split, probes)
    with edited(mllm.model, edit):
        after = evaluate.answers(mllm, probes, views)
    before = [one.expected for one in probes]
    made = record(
        f"{name}-1", outcomes=evaluate.judge(probes, before, after, book, key, "fruit"),
        settings={"mode": mode, "lam": DcsiConfig().lam, "energy": 0.5, "seed": 0},
        hashes={
            "model": bench.model_sha256, "pool": bench.pool_sha256, "edit": edit.sha256(),
        },
    )  # fmt: skip
    return Finished(replace(made, selection=replace(made.selection, request=request)), edit)


@pytest.fixture(scope="module")
def runs(bench) -> list[Finished]:
    return [run(bench, name, mode) for name, mode in MODES.items()]


@pytest.fixture(scope="module")
def events(bench, runs) -> list:
    return list(together(bench, runs))


def measured(bench: Bench, runs: list[Finished]) -> Joint:
    return list(together(bench, runs))[-1].joint


def test_progress_grows_and_the_model_comes_back_whole(bench, events):
    *before, found = events
    done = [one.done for one in before if isinstance(one, Progress)]
    assert done == sorted(done) and 0 <= done[0] and done[-1] < 1 and len(done) == len(before)
    assert found.joint.base_restored
    assert weights_sha256(bench.sources.mllm.model) == bench.model_sha256


def test_the_order_changes_nothing_at_all(bench, runs, events):
    one, other = events[-1], list(together(bench, runs[::-1]))[-1]
    assert one.edit.sha256() == other.edit.sha256() == one.joint.hashes["edit"]
    assert other.joint.concepts == one.joint.concepts[::-1]
    turned = [replace(layer, alone=layer.alone[::-1]) for layer in other.joint.layers]
    assert turned == list(one.joint.layers)
    # Both edits are in it: what it answers is what neither answers alone.
    for concept, alone in zip(one.joint.concepts, runs):
        said = {(o.question, o.image): o.after for o in alone.record.outcomes}
        assert any(said[o.question, o.image] != o.after for o in concept.outcomes)


def test_undoing_one_leaves_the_other_as_it_was(bench, runs, events):
    lemon, bus = runs
    left = without(events[-1].edit, lemon.edit.sha256())
    assert left.sha256() == bus.edit.sha256()
    mllm, asked = bench.sources.mllm, bus.record.outcomes
    probes, _, _ = probes_of(bench, bus.record.selection.request, 0)
    views = evaluate.encode_views(mllm, bench.split, probes)
    with edited(mllm.model, left):
        assert evaluate.answers(mllm, probes, views) == [one.after for one in asked]


def test_what_certifies_the_sum_had_a_part_in_no_run(monkeypatch):
    # The first three of six that may be used.
    monkeypatch.setattr(
        "space_core.together.certified_rows",
        lambda pool, without: [row for row in range(6) if row not in without][:3],
    )
    barred = _barred(None, [frozenset({0}), frozenset({9})])
    # The second run left 3, 4 and 5 to training: in the place of 0, none of them certifies.
    assert barred == {0, 9, 3, 4, 5}


def test_what_the_other_shall_forget_need_not_stay(events):
    for concept, other in zip(events[-1].joint.concepts, ("bus", "lemon")):
        stays = [one for one in concept.outcomes if one.group != "target"]
        assert concept.left_out > 0 and stays
        assert other not in {one.concept for one in stays}


def test_shares_are_over_the_same_questions(monkeypatch, bench, runs):
    # The sum names the lemon once more, and loses one neighbour's name that the edit alone kept.
    kept = replace(runs[0].record, outcomes=tuple(
        replace(one, after=one.expected, right_after=True, verdict="kept")
        if one.group != "target" else replace(one, after="fruit", verdict="general answer")
        for one in runs[0].record.outcomes
    ))  # fmt: skip
    changed = {"target": "This is a lemon.", "near": "nothing"}

    def answers(mllm, probes, views):
        said, left = [], dict(changed)
        for one in probes:
            now = "fruit" if one.group == "target" else one.expected
            if one.kind == "name" and one.concept != "bus":
                now = left.pop(one.group, now)
            said.append(now)
        return said

    monkeypatch.setattr("space_core.evaluate.answers", answers)
    lemon = measured(bench, [Finished(kept, runs[0].edit), runs[1]]).concepts[0]
    forget, near = lemon.pair("forget_accuracy"), lemon.pair("proximal_retained_accuracy")
    assert (forget.alone.successes, forget.together.successes) == (0, 1)
    assert (forget.only_alone, forget.only_together) == (0, 1)
    assert near.alone.successes == near.together.successes + 1 == near.alone.questions
    assert (near.only_alone, near.only_together) == (1, 0)
    assert near.alone.questions == near.together.questions > 1
    far = lemon.pair("skills")
    assert far.alone == far.together and far.only_alone == far.only_together == 0


def test_together_the_edits_keep_to_the_sum_of_their_bounds(events):
    layers = events[-1].joint.layers
    assert len(layers) == 2
    for one in layers:
        assert 0 < one.together <= one.triangle * (1 + 1e-6)
        assert one.triangle <= one.bound * (1 + 1e-6) and one.held_out > 0
        assert one.triangle == pytest.approx(sum(part**0.5 for part in one.alone) ** 2)


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
@pytest.mark.parametrize("size", [1e-3, 1e-2])
def test_rounding_is_part_of_the_sum_of_their_bounds(dtype, size):
    generator = torch.Generator().manual_seed(0)

    def drawn(*shape: int) -> torch.Tensor:
        return torch.randn(*shape, generator=generator)

    inputs = drawn(400, 32).double() * torch.logspace(0, -2, 32, dtype=torch.float64)
    fit = {"l": Moment(inputs.T @ inputs, len(inputs))}
    weight, base = drawn(16, 32).to(dtype), drawn(16, 32)
    settings = {"mode": "soft", "lam": 0.1, "energy": 0.5}
    runs = [
        Finished(
            record(settings=settings),
            Edit({"l": LayerEdit((base + 0.1 * drawn(16, 32)) * size, torch.eye(32))}),
        )
        for _ in range(3)
    ]
    edit = combined([one.edit for one in runs])
    found = _layer("l", weight, runs, edit, Statistics(fit, fit, fit, (), ()))
    assert 0 < found.together <= found.triangle <= found.bound


def test_other_versions_and_partial_edits_are_said(bench, runs):
    runs = [Finished(replace(runs[0].record, stopped=True), runs[0].edit), runs[1]]
    joint = measured(bench, runs)
    assert any("stopped early" in one for one in joint.warnings)
    # The records of these tests name an old torch alone: of the rest they say nothing.
    assert sum("another torch: " in one for one in joint.warnings) == 2


def other(runs: list[Finished], **changes) -> list[Finished]:
    return [Finished(replace(runs[0].record, **changes), runs[0].edit), runs[1]]


def test_what_cannot_be_asked_together_is_a_sentence(bench, runs):
    hashes, outcomes = runs[0].record.hashes, runs[0].record.outcomes
    foreign = (replace(outcomes[0], artist="Nobody"), *outcomes[1:])
    beyond = (replace(outcomes[0], image="999.0"), *outcomes[1:])
    for some, said in (
        (runs[:1], "1 erasure is chosen"),
        (runs * MOST, f"{2 * MOST} erasures are chosen"),
        ([runs[0], runs[0]], "“lemon” is erased twice"),
        (other(runs, hashes={**hashes, "model": "other"}), "other weights"),
        (other(runs, hashes={**hashes, "pool": "other"}), "another pool"),
        (other(runs, hashes={**hashes, "edit": "other"}), "does not belong"),
        (other(runs, outcomes=foreign), "other evaluation images"),
        (other(runs, outcomes=beyond), "other evaluation images"),
    ):
        with pytest.raises(ValueError, match=said):
            list(together(bench, some))
    with pytest.raises(ValueError, match="other evaluation images"):
        list(together(Bench(bench.sources, None), runs))
    assert weights_sha256(bench.sources.mllm.model) == bench.model_sha256


def test_through_the_worker_it_is_the_same_and_no_edit_is_written(
    bench, runs, events, monkeypatch
):
    monkeypatch.setattr("space_core.edit.save_tensors", lambda *_: pytest.fail("it was written"))
    compute = entry_point(lambda: bench, "cpu")
    *before, found = ask_together(compute, runs)
    assert all(isinstance(one, Progress) for one in before) and before
    assert found.edit.sha256() == events[-1].edit.sha256()
    assert found.joint.concepts == events[-1].joint.concepts
    with pytest.raises(ValueError, match="1 erasure is chosen"):
        list(ask_together(compute, runs[:1]))

    def needs(some: list[Finished]) -> int:
        return seconds(AskTogether(tuple(one.record for one in some), (), Path()))

    assert 0 < needs(runs[:1]) < needs(runs) <= 120


# The command


@pytest.fixture
def folders(tmp_path, runs) -> list[str]:
    return [str(save_run(tmp_path / "runs", one.record, one.edit)) for one in runs]


def test_the_command_keeps_the_sum_and_its_record(
    monkeypatch, bench, folders, events, tmp_path, capsys
):
    monkeypatch.setattr("space_core.audit.open_bench", lambda settings: bench)
    out = tmp_path / "both"
    assert main(["together", *folders, "--out", str(out)]) == 0
    said = capsys.readouterr().out
    assert "lemon: forgotten? Alone: " in said and "give it away, together, by what is" in said
    assert "lemon: Still names the concept" in said and "base weights restored: yes" in said
    joint, first = load_joint(out), events[-1].joint
    assert replace(joint, created="", seconds=0.0) == replace(first, created="", seconds=0.0)
    assert Edit.load(out / "edit.safetensors").sha256() == joint.hashes["edit"]
    assert sorted(path.name for path in out.iterdir()) == ["edit.safetensors", "together.json"]
    assert main(["together", *folders, "--out", str(out)]) == 2
    assert "give a new folder" in capsys.readouterr().err


def test_a_fault_of_the_command_leaves_nothing(monkeypatch, bench, folders, tmp_path, capsys):
    monkeypatch.setattr("space_core.audit.open_bench", lambda settings: bench)
    out = tmp_path / "sums" / "both"
    assert main(["together", folders[0], "--out", str(out)]) == 2
    assert "1 erasure is chosen" in capsys.readouterr().err

    def full(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Edit, "save", full)
    assert main(["together", *folders, "--out", str(out)]) == 2
    assert "No space left" in capsys.readouterr().err and list(out.parent.iterdir()) == []
