"""What an erasure will need of memory, estimated from the model's shape before any work starts.

Weights, moments, bases and the optimiser's state follow from shapes. Activations are estimated:
so many numbers a position and block, as decoder blocks with a gated MLP keep them.
"""

from collections.abc import Collection
from dataclasses import dataclass, replace
from math import prod

import torch

from space_core import dcsi, inversion, key_values
from space_core.backend import all_devices, model_dtype
from space_core.hub import load_empty_model
from space_core.main_memory import free_bytes
from space_core.mllm import MAX_NEW_TOKENS, Mllm
from space_core.settings import DcsiConfig, Settings

# Examples in a pass of the statistics; words around an image.
_PASS, _WORDS = 96, 64
# Float64 matrices [d, d] kept of each edited layer: three sums of moments, the neighbours', the
# fitted one, its mean, the basis and its eigenvectors.
_MATRICES = 8
# And while a layer's spectrum is computed where the layer lies: moment, mean, eigenvectors, S and
# as much to work in; while its edit is measured there, as many, and some [o, d] of ΔW's size.
_SPECTRUM, _UPDATES = 6, 5
# A, its gradient and Adam's two moments; ΔW, its two gradients and W + ΔW.
_OF_A, _OF_DELTA = 4, 4
# Float32 logits of a step's answers: both models', and what is made of them.
_ANSWER_TOKENS, _LOGITS = MAX_NEW_TOKENS + 1, 6
_FLOAT, _DOUBLE = 4, 8
_TWICE = "each block is computed twice, to spare memory"


@dataclass(frozen=True, slots=True)
class Plan:
    """Bytes at the peak. All but the moments, which lie on the host, are on the device.

    Answering, statistics and training follow each other; the other two stay. What has no need of
    room (`reuse`) is not counted.
    """

    weights: int
    answering: int
    statistics: int
    training: int
    moments: int

    @property
    def device(self) -> int:
        """The peak on the device."""
        return self.weights + max(self.answering, self.statistics, self.training)


@dataclass(frozen=True, slots=True)
class Free:
    """Free bytes of the host, and of the device where that has memory of its own."""

    host: int
    device: int | None


def plan(mllm: Mllm, config: DcsiConfig) -> Plan:
    """The estimate for a model, which may be without weights (device "meta"), and thrifty."""
    model = mllm.model
    blocks = config.blocks(mllm.decoder_layers())
    layers = mllm.edited_layers(blocks).values()
    weights = sum(prod(one.shape) * one.element_size() for one in model.parameters())
    number = model.dtype.itemsize
    text = model.config.get_text_config()
    seen = mllm.chat.tokens
    length = seen + _WORDS
    # Of a block: queries, keys, values, two norms and sums, and the MLP's two halves and product.
    numbers = 8 * text.hidden_size + 3 * max(layer.in_features for layer in layers)
    together = key_values.at_once(model, seen)
    answering = together * (key_values.kept(model, seen) + length * numbers * number)
    squares = sum(layer.in_features**2 for layer in layers)
    widest = max(layer.in_features for layer in layers)
    tallest = max(layer.out_features for layer in layers)
    passing = _PASS * length * (numbers * number + widest * _DOUBLE)
    passing += (squares + widest**2) * _DOUBLE
    spectrum = (_SPECTRUM * widest + _UPDATES * tallest) * widest * _DOUBLE
    statistics = max(passing, spectrum)
    moved = sum(
        _OF_A * layer.out_features * layer.in_features
        + _OF_DELTA * layer.out_features * layer.in_features
        + layer.in_features**2
        for layer in layers
    )
    answers = _LOGITS * dcsi.PASS * _ANSWER_TOKENS * text.vocab_size

    def held(examples: int, through: int) -> int:
        # A thrifty model keeps each block's input, and the rest of one block at a time.
        each = text.hidden_size * through + numbers if mllm.thrifty else numbers * through
        return number * examples * length * each

    depth = mllm.decoder_layers()
    # Nothing below the first edited block needs a gradient, but where anchors are moved.
    passes = max(held(dcsi.PASS, depth - min(blocks)), held(inversion.PASS, depth))
    training = _FLOAT * (moved + answers) + passes
    return Plan(weights, answering, statistics, training, _MATRICES * squares * _DOUBLE)


def free_memory(devices: Collection[str]) -> Free:
    """What is free now, on all of these devices together; what torch holds unused is."""
    on_device = None
    if gpus := [device for device in devices if device.startswith("cuda")]:
        on_device = sum(
            torch.cuda.mem_get_info(gpu)[0]
            + torch.cuda.memory_reserved(gpu) - torch.cuda.memory_allocated(gpu)
            for gpu in gpus
        )  # fmt: skip
    return Free(free_bytes(), on_device)


def check_loads(settings: Settings) -> None:
    """Raises ValueError where the model's weights alone do not fit: while loading them, the system
    would end the process without a word.
    """
    model, _ = load_empty_model(settings.model, settings.revision, model_dtype(settings))
    weights = sum(weight.numel() * weight.element_size() for weight in model.parameters())
    devices = all_devices(settings.device)
    free = free_memory(devices)
    for where, left in (("GPU memory", free.device), ("main memory", free.host)):
        # Spread over several GPUs, they never lie in main memory together.
        if left is not None and weights > left and (len(devices) == 1 or where == "GPU memory"):
            raise ValueError(
                f"The weights of {settings.model!r} take {_size(weights)} of {where}, and "
                f"{_size(left)} are free: take a smaller model, set SPACE_DTYPE to bfloat16, or "
                "free some."
            )


def fitting(mllm: Mllm, config: DcsiConfig, free: Free, *, loaded: bool) -> tuple[Mllm, str]:
    """The model, thrifty where it fits in no other way, and the line that `fits` says of it.

    Raises ValueError where it cannot fit.
    """
    try:
        return mllm, fits(plan(mllm, config), free, loaded=loaded)
    except ValueError:
        thrifty = replace(mllm, thrifty=True)
        line = fits(plan(thrifty, config), free, loaded=loaded)
        return thrifty, f"{line}; {_TWICE}"


def fits(plan: Plan, free: Free, *, loaded: bool) -> str:
    """One line: needed and free. ``loaded``: the weights are in memory, and no longer free.

    Raises ValueError, saying what is short and what helps, where it cannot fit.
    """
    there = plan.weights if loaded else 0
    needs = [("main memory", plan.moments, free.host)]
    if free.device is None:
        needs = [("main memory", plan.moments + plan.device - there, free.host)]
    else:
        needs.insert(0, ("GPU memory", plan.device - there, free.device))
    more = " more" if loaded else ""
    for where, needed, left in needs:
        if needed > left:
            raise ValueError(
                f"The erasure needs about {_size(needed)}{more} of {where}, and {_size(left)} are "
                "free: edit fewer blocks (--layers), take a smaller model, or free some."
            )
    return "; ".join(
        f"needs about {_size(needed)}{more} of {where}, {_size(left)} free"
        for where, needed, left in needs
    )


def _size(count: int) -> str:
    return f"{count / 1e9:.0f} GB" if count >= 10e9 else f"{count / 1e9:.1f} GB"
