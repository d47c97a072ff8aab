"""DCSI, dual-constraint semantic isolation: the training of the edit.

Minimises over A, with ΔW = A Sᵀ and S fixed by the (hard or soft) null space of the retained
knowledge (constraint 1):

    L = L_task + λ_anc · L_orth + λ_div · L_div + λ_keep · L_keep

Paper, DCSI: L_task, L_orth, L_div and the null space; their exact forms here, the parametrisation
(exact for any optimiser, where a projected gradient under Adam is not) and L_keep are ours.
"""

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from space_core.edit import Edit, LayerEdit
from space_core.entropy import spectral_entropy
from space_core.features import block_output
from space_core.material import Kept, draw
from space_core.mllm import Example, Forced, Mllm
from space_core.moved import moved
from space_core.nullspace import Basis
from space_core.repeatable import repeatable
from space_core.reuse import Reused
from space_core.settings import DcsiConfig
from space_core.types import Progress, StepEvent

# Examples a step: task examples of each kind, and those to be kept.
_TASK, _NEAR, _FAR, _ASKED, _AFFIRMED, _READ = 8, 24, 16, 16, 16, 16
# Examples that pass the model together.
PASS = 32
# A task token likelier than this pulls no more. "Is this the concept?" holds out longest on real
# images: twice as many examples of it, and surer ones.
_TWICE = "yes-no"
_LIKELY, _LIKELIER = 0.95, 0.99
# Done when this share of the anchors' answers are those wished for and the answers to keep are back
# where they were (nats), so many steps in a row. Neighbours recover last: not before.
_DONE, _SETTLED, _CALM_STEPS = 0.95, 0.001, 3


Task = Mapping[str, Sequence[Example]]
LookAgain = Callable[[Callable[[], AbstractContextManager]], Iterator[Progress | Task]]


@dataclass(frozen=True, slots=True, eq=False)
class Job:
    """All that the loop needs beside the model.

    bases and energies (tr(W Ĉ Wᵀ) before the edit) by layer. task: examples by kind, "name" among
    them. direction [width]: the concept's text direction after the last edited block; centre
    [width]: the mean feature there.
    """

    bases: Mapping[str, Basis]
    energies: Mapping[str, float]
    task: Task
    keep: Kept
    direction: Tensor
    centre: Tensor


def train(
    mllm: Mllm, job: Job, config: DcsiConfig, stop: Callable[[], bool],
    look_again: LookAgain | None = None,
) -> Iterator[Progress | StepEvent | Edit]:  # fmt: skip
    """Yield a StepEvent for each step and the Edit at last. The model's weights stay untouched.

    look_again: after a third of the steps, finds what the edited model still takes for the concept.
    It is given a context in which the model computes with the edit so far; what it yields is
    passed on, but for the task examples, by kind, that it ends with: those join the job's.
    """
    generator = torch.Generator().manual_seed(config.seed)
    layers = {name: mllm.model.get_submodule(name) for name in job.bases}
    factors, groups = {}, []
    for name, layer in layers.items():
        basis, device = job.bases[name], layer.weight.device
        # A step of Adam at rate r then moves the layer's retained output by about r of its size.
        if not (costs := float(basis.costs.sum())):
            raise ValueError(
                f"What stays does not use the free directions of {name} at all, so that no step "
                "has a size: use the soft null space, or a larger energy share."
            )
        unit = (job.energies[name] / (layer.out_features * costs)) ** 0.5
        a = torch.zeros(layer.out_features, basis.kept, device=device)
        factors[name] = (a, basis.s.to(device, torch.float32))
        groups.append({"params": [a], "lr": config.learning_rate * unit})
    optimiser = torch.optim.Adam(groups, betas=(0.8, 0.95))
    depth = mllm.decoder_layers()
    below = Reused(mllm, min(config.blocks(depth)))
    frozen = Reused(mllm, depth, below)
    started, calm, known = time.monotonic(), 0, dict(job.task)
    for step in range(1, config.steps + 1):
        deltas = {name: a @ s.T for name, (a, s) in factors.items()}
        if look_again and step == config.steps // 3 + 1:
            for event in look_again(lambda: moved(layers, deltas)):
                if isinstance(event, Mapping):
                    known |= {kind: [*known[kind], *more] for kind, more in event.items()}
                else:
                    yield event
            look_again = None
            # It was cut short: a step on half of what it finds could not be made again.
            if step > 1 and stop():
                break
        task, kept = batch(known, job.keep, generator)
        keep, pulls = _keep(mllm, kept, layers, deltas, config.keep, below, frozen)
        losses, overwritten, features, pushes = _overwrite(
            mllm, task, layers, deltas, job, config, below
        )  # fmt: skip
        for name, pull in pulls.items():
            pushes[name] += pull
        let_through = _let_through(pushes, factors) if config.mode == "hard" else None
        for name, (a, s) in factors.items():
            a.grad = pushes[name] @ s
        optimiser.step()
        for a, _ in factors.values():
            a.mul_(1 - config.decay)
        yield StepEvent(
            step, config.steps, {**losses, "keep": keep}, overwritten, spectral_entropy(features),
            _damage(factors, job), time.monotonic() - started, let_through,
        )  # fmt: skip
        settled = look_again is None and (not config.keep or keep <= _SETTLED)
        calm = calm + 1 if overwritten >= _DONE and settled else 0
        # Asked only where there would be a next step: else nothing is cut short.
        if calm >= _CALM_STEPS or step < config.steps and stop():
            break
    yield Edit({name: _stored(a, s) for name, (a, s) in factors.items()})


def last_edited_block(mllm: Mllm, config: DcsiConfig) -> nn.Module:
    """The decoder block after which L_orth, L_div and the anchors' entropy are taken."""
    return mllm.model.get_decoder().layers[max(config.blocks(mllm.decoder_layers()))]


def batch(
    known: Task, keep: Kept, generator: torch.Generator
) -> tuple[list[tuple[str, Example]], list[Example]]:
    """What a step takes: task examples with their kinds, and examples to be kept."""
    task = [
        (kind, examples[i])
        for kind, examples in known.items()
        for i in draw(examples, _TASK * (1 + (kind == _TWICE)), generator)
    ]
    kept = [
        examples[i]
        for examples, count in (
            (keep.near, _NEAR), (keep.far, _FAR), (keep.asked, _ASKED),
            (keep.affirmed, _AFFIRMED), (keep.text, _READ),
        )
        for i in draw(examples, count, generator)
    ]
    return task, kept


@repeatable
def _overwrite(
    mllm: Mllm, task: Sequence[tuple[str, Example]], layers: Mapping[str, nn.Linear],
    deltas: Mapping[str, Tensor], job: Job, config: DcsiConfig, below: Reused,
) -> tuple[dict[str, float], float, Tensor, dict[str, Tensor]]:  # fmt: skip
    """L_task, L_orth and L_div with ∂(L_task + λ_anc L_orth + λ_div L_div)/∂ΔW.

    Gives the terms, the share of the examples of which every answer token is the likeliest, the
    features [n, width] of those that ask for a name, and the gradient [o, d] by layer.
    """
    deltas = _leaves(deltas)
    said = {"task": 0.0}
    wrong, features, block = 0, None, last_edited_block(mllm, config)
    # The names first, in one pass: L_orth and L_div look at all of them together.
    for some in mllm.alike([one for _, one in task], PASS, [kind != "name" for kind, _ in task]):
        kinds, examples = zip(*(task[i] for i in some))
        with below.given(examples), moved(layers, deltas), block_output(block) as outputs:
            forced = mllm.force(examples)
            loss = objective = _task(forced, kinds) / len(task)
            if features is None:
                named = [i for i, kind in enumerate(kinds) if kind == "name"]
                states, direction, centre = (
                    part.to(forced.logits) for part in (outputs[0], job.direction, job.centre)
                )
                features = states[named, forced.asked[named]] - centre
                for name, weight, term in (
                    ("orth", config.orth, _orth(features, direction)),
                    ("div", config.div, _div(features)),
                ):
                    said[name] = float(term.detach())
                    objective = objective + weight * term if weight else objective
            objective.backward()
        said["task"] += float(loss.detach())
        wrong += len(forced.owner[forced.logits.argmax(-1) != forced.targets].unique())
    gradients = {name: delta.grad for name, delta in deltas.items()}
    return said, 1.0 - wrong / len(task), features.detach(), gradients


@repeatable
def _keep(
    mllm: Mllm, kept: Sequence[Example], layers: Mapping[str, nn.Linear],
    deltas: Mapping[str, Tensor], weight: float, below: Reused, frozen: Reused,
) -> tuple[float, dict[str, Tensor]]:  # fmt: skip
    """L_keep, mean KL(before ‖ after) along the frozen model's answers, and weight · ∂L_keep/∂ΔW.

    The gradient is [o, d] by layer, none where the weight is 0.
    """
    deltas = _leaves(deltas)
    total, tokens = 0.0, 0
    for some in mllm.alike(kept, PASS):
        examples = [kept[i] for i in some]
        with torch.no_grad(), frozen.given(examples):
            before = mllm.force(examples).logits.log_softmax(-1)
        with below.given(examples), moved(layers, deltas), torch.set_grad_enabled(weight > 0):
            after = mllm.force(examples).logits.log_softmax(-1)
            loss = F.kl_div(after, before, reduction="sum", log_target=True)
            if weight:
                loss.backward()
        total, tokens = total + float(loss.detach()), tokens + len(before)
    if not weight:
        return total / tokens, {}
    return total / tokens, {name: one.grad * (weight / tokens) for name, one in deltas.items()}


def _leaves(deltas: Mapping[str, Tensor]) -> dict[str, Tensor]:
    return {name: delta.detach().requires_grad_(True) for name, delta in deltas.items()}


def _task(forced: Forced, kinds: Sequence[str]) -> Tensor:
    """L_task: cross-entropy of the honest answers on the anchors, summed over an answer's tokens.

    A token that is likely enough pulls no more: what is overwritten costs no further neighbours,
    and the steps go to the questions that still hold out. Sum over the examples.
    """
    surprise = F.cross_entropy(forced.logits, forced.targets, reduction="none")
    likely = torch.tensor([_LIKELIER if kind == _TWICE else _LIKELY for kind in kinds])
    limit = -likely.log().to(surprise.device)[forced.owner]
    return surprise[surprise > limit].sum()


def _orth(features: Tensor, direction: Tensor) -> Tensor:
    """L_orth: mean squared cosine between the anchors' features and the text direction."""
    return F.cosine_similarity(features, direction[None]).square().mean()


def _div(features: Tensor) -> Tensor:
    """L_div: mean squared cosine between different anchors' features.

    With rows of unit length tr ρ² = (n + n(n−1)·L_div) / n²: making it small makes the Rényi-2
    entropy of the features large, a lower bound of their von Neumann entropy.
    """
    unit = F.normalize(features, dim=-1)
    gram = (unit @ unit.T).square()
    n = len(gram)
    return (gram.sum() - gram.diagonal().sum()) / (n * (n - 1))


def _stored(a: Tensor, s: Tensor) -> LayerEdit:
    """A [o, r] and S [d, r] in main memory; where r is the larger side, ΔW is smaller by itself."""
    if a.shape[1] <= min(len(a), len(s)):
        return LayerEdit(a.cpu(), s.cpu())
    return LayerEdit.of(LayerEdit(a, s).delta.cpu())


def _let_through(
    gradients: Mapping[str, Tensor], factors: Mapping[str, tuple[Tensor, Tensor]]
) -> float:
    """Σ ‖G S‖² / Σ ‖G‖² over the layers, G = ∂L/∂W, where the columns of S are orthonormal."""
    through = sum(float((g @ factors[name][1]).square().sum()) for name, g in gradients.items())
    whole = sum(float(g.square().sum()) for g in gradients.values())
    return through / whole if whole else 0.0


def _damage(factors: Mapping[str, tuple[Tensor, Tensor]], job: Job) -> float:
    """The largest tr(ΔW Ĉ ΔWᵀ) / tr(W Ĉ Wᵀ) of the edited layers.

    Hard: Σ_j λ_j ‖a_j‖². Soft: ‖A‖_F² − λ ‖A Sᵀ‖_F², because SĈS = I − λS², where no eigenvector
    is needed on the device.
    """

    def changed(basis: Basis, a: Tensor, s: Tensor) -> float:
        squares = a.square().sum(0, dtype=torch.float64)
        if basis.mode == "hard":
            return float((basis.costs.to(squares) * squares).sum())
        # Two nearly equal numbers, of which float32 made the second: never below nothing.
        spared = basis.lam * (a @ s.T).square().sum(dtype=torch.float64)
        return max(0.0, float(squares.sum() - spared))

    return max(
        changed(job.bases[name], a, s) / job.energies[name] for name, (a, s) in factors.items()
    )
