"""What an edit does to images that had no part in it, against the same things computed plainly."""

from contextlib import contextmanager
from dataclasses import replace
from types import SimpleNamespace

import pytest
import torch
from tiny_sources import tiny_sources
from torch.nn.functional import one_hot

from space_core import aftermath, plots
from space_core.damage import LayerReport
from space_core.edit import Edit, LayerEdit, edited, weights_sha256
from space_core.entropy import spectral_entropy
from space_core.erasure import erase
from space_core.features import layer_inputs
from space_core.mllm import Example
from space_core.retained import with_own_answers
from space_core.settings import DcsiConfig
from space_core.wordings import NAMING

CONFIG = DcsiConfig(steps=2, inversion_steps=2, second_look=0)


@pytest.fixture(scope="module")
def done(tmp_path_factory):
    sources, selection = tiny_sources(tmp_path_factory.mktemp("world"))
    *_, erasure = erase(sources, selection, CONFIG, lambda: False)
    # Strong enough to be seen: an edit of two steps changes no answer.
    layers = {n: LayerEdit(300 * one.a, one.s) for n, one in erasure.edit.layers.items()}
    return sources, selection, replace(erasure, edit=Edit(layers))


def test_each_layer_is_measured_alone_and_with_the_others(done):
    sources, selection, erasure = done
    mllm = sources.mllm
    reports, _ = aftermath.measure(sources, selection, erasure)
    assert weights_sha256(mllm.model) == sources.model_sha256
    layers = {name: mllm.model.get_submodule(name) for name in erasure.bases}
    question, rows = NAMING["thing"].taught[0], list(erasure.statistics.certified)
    unseen = with_own_answers(mllm, [question] * len(rows), sources.encoder(rows))
    before = layer_inputs(mllm, layers, unseen)
    out = {name: layer(before[name]) for name, layer in layers.items()}
    with edited(mllm.model, erasure.edit):
        after = layer_inputs(mllm, layers, unseen)
        together = {name: layer(after[name]) for name, layer in layers.items()}
        alone = {name: layer(before[name]) for name, layer in layers.items()}
    for report in reports:
        name = report.layer
        size = out[name].square().sum()
        joint = (together[name] - out[name]).square().sum() / size
        assert report.joint == pytest.approx(float(joint))
        moved = (after[name] - before[name]).square().sum() / before[name].square().sum()
        assert report.drift == pytest.approx(float(moved), abs=1e-9)
        changes = (alone[name] - out[name]).norm(dim=1)
        # The largest of all is above the level only if the level says so of some.
        assert report.level is None or 0 < report.level <= float(
            changes.max() / (size / len(rows)).sqrt()
        ) * (1 + 1e-5)
    shown = sources.encoder([anchor.row for anchor in selection.anchors])
    plain = layer_inputs(mllm, layers, [Example(question, ".", one) for one in shown])
    for report in reports:
        assert report.anchors_before == pytest.approx(spectral_entropy(plain[report.layer]))
    # Nothing is edited before the first layer; later ones see moved inputs.
    assert reports[0].anchors_after == pytest.approx(reports[0].anchors_before)
    assert all(later.anchors_after != later.anchors_before for later in reports[1:])
    assert reports[0].drift == pytest.approx(0, abs=1e-12)
    assert all(later.drift > 0 for later in reports[1:])


def test_neighbours_are_named_and_their_images_touched_nothing(done, monkeypatch):
    sources, selection, erasure = done
    asked = []
    # In so small a world every image has touched the edit: say that some have not.
    erasure = replace(erasure, touched=erasure.touched[::2])
    encoder = sources.encoder
    spied = replace(sources, encoder=lambda rows: asked.append(list(rows)) or encoder(rows))
    reports, _ = aftermath.measure(spied, selection, erasure)
    certified, *near, anchors = asked
    assert certified == list(erasure.statistics.certified)
    assert anchors == [anchor.row for anchor in selection.anchors]
    touched = {*erasure.touched, *sources.pool.rows_of[selection.request.name]}
    assert near and not touched & {row for rows in near for row in rows}
    for report in reports:
        costs = [cost for _, cost in report.neighbours]
        assert costs == sorted(costs, reverse=True) and costs[-1] > 0
        assert len(costs) == len(near)
        assert selection.request.name not in dict(report.neighbours)


class Forced:
    """A model whose logits along three answers are given, with the edit and without."""

    model, chat = None, SimpleNamespace(end=2)

    def __init__(self):
        self.targets = [torch.tensor(one) for one in ([1, 2], [1, 2], [2])]
        self.before = [9 * one_hot(one, 3).float() for one in self.targets]
        self.after = [one.clone() for one in self.before]
        self.on, self.asked = False, []

    @contextmanager
    def edited(self, *_):
        self.on = True
        yield
        self.on = False

    def force(self, examples):
        rows = [int(one.question) for one in examples]
        self.asked.append(len(rows))
        logits = [(self.after if self.on else self.before)[row] for row in rows]
        owner = torch.cat([torch.full((len(one),), i) for i, one in enumerate(logits)])
        targets = torch.cat([self.targets[row] for row in rows])
        return SimpleNamespace(logits=torch.cat(logits), targets=targets, owner=owner)


@pytest.mark.parametrize("batch", [1, 2, 3])
def test_answers_count_that_are_the_models_own_to_the_token(monkeypatch, batch):
    forced = Forced()
    monkeypatch.setattr(aftermath, "edited", forced.edited)
    monkeypatch.setattr(aftermath, "_BATCH", batch)
    examples = [Example(str(row), "", None) for row in range(3)]
    whole = aftermath._answers(forced, None, examples)
    assert (whole.questions, whole.same, whole.headroom, whole.divergence) == (3, 1.0, 1.0, 0.0)
    assert max(forced.asked) == batch
    # The second is no answer that the model itself would give: the tokenizer took it apart anew.
    forced.before[1][0] = torch.tensor([9.0, 0.0, 0.0])
    forced.after[0][1] = torch.tensor([9.0, 0.0, 0.0])
    forced.after[2][0] = torch.tensor([0.0, 5.0, 9.0])
    part = aftermath._answers(forced, None, examples)
    assert (part.questions, part.same, part.headroom) == (2, 0.5, 0.0) and part.divergence > 0
    forced.targets = [(one + 1) % 3 for one in forced.targets]
    assert aftermath._answers(forced, None, examples) is None


def test_an_answer_that_was_cut_is_left_out(monkeypatch):
    forced = Forced()
    monkeypatch.setattr(aftermath, "edited", forced.edited)
    forced.targets[1] = torch.tensor([1, 1])
    forced.before[1] = 9 * one_hot(forced.targets[1], 3).float()
    forced.after[1] = forced.before[1].clone()
    examples = [Example(str(row), "", None) for row in range(3)]
    assert aftermath._answers(forced, None, examples).questions == 2
    assert aftermath._answers(forced, None, examples[1:2]) is None


def test_without_an_edit_nothing_differs(done):
    sources, selection, erasure = done
    nothing = Edit({n: LayerEdit(0 * one.a, one.s) for n, one in erasure.edit.layers.items()})
    reports, _ = aftermath.measure(sources, selection, replace(erasure, edit=nothing))
    assert all(one.joint == one.drift == 0 for one in reports)


def test_an_older_report_lacks_the_later_numbers():
    old = LayerReport("layer", 0.1, 0.2, 0.3, 0.4, 0.5)
    assert (old.joint, old.drift, old.level, old.neighbours) == (None, None, None, ())
    assert old.anchors_before is None
    assert [one.name for one in plots.layer_entropies([old]).data] == [
        "others, before", "others, after"
    ]
    new = replace(old, anchors_before=0.6, anchors_after=0.7)
    assert [one.y for one in plots.layer_entropies([new]).data][2:] == [(0.6,), (0.7,)]
