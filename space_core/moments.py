"""Streamed second moments of layer inputs: what the retained knowledge looks like to a layer.

Knows linear layers and safetensors files; knows nothing of concepts, spectra or edits.
"""

import json
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Self

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor, nn

from space_core.whole import whole_file

# A plain kᵀk may be an ulp off symmetry.
_ROUNDING = 1e-12


@dataclass(frozen=True, slots=True, eq=False)
class Moment:
    """Uncentred second moment of `count` inputs, kept as a sum so that moments add and subtract.

    `total`: [d, d] float64, symmetric, Σ k kᵀ. Raises ValueError for another shape or dtype, or
    for a negative count.
    """

    total: Tensor
    count: int

    def __post_init__(self) -> None:
        if self.total.ndim != 2 or self.total.shape[0] != self.total.shape[1]:
            raise ValueError(f"A moment is a square matrix, not {tuple(self.total.shape)}.")
        if self.total.dtype != torch.float64:
            raise ValueError(f"A moment is kept in float64, not {self.total.dtype}: convert it.")
        if self.count < 0:
            raise ValueError(f"A moment of {self.count} inputs: more were taken than given.")

    @classmethod
    def zero(cls, d: int) -> Self:
        """The moment of no inputs of width `d`."""
        return cls(torch.zeros(d, d, dtype=torch.float64), 0)

    @property
    def d(self) -> int:
        """Width of the inputs."""
        return self.total.shape[0]

    @property
    def mean(self) -> Tensor:
        """Ĉ = (1/n) Σ k kᵀ, [d, d] float64. Raises ValueError where no input was seen."""
        if self.count == 0:
            raise ValueError("No inputs were seen: run the retained set through the stream first.")
        return self.total / self.count

    def to(self, device: str | torch.device) -> Self:
        """The same moment on another device."""
        return type(self)(self.total.to(device), self.count)

    def __add__(self, other: Self) -> Self:
        self._same_width(other)
        return type(self)(self.total + other.total, self.count + other.count)

    def __sub__(self, other: Self) -> Self:
        self._same_width(other)
        return type(self)(self.total - other.total, self.count - other.count)

    def _same_width(self, other: Self) -> None:
        if self.d != other.d:
            raise ValueError(f"Moments of width {self.d} and {other.d} belong to different layers.")


class MomentStream:
    """Context manager that sums k kᵀ over every input which the named linear layers see.

    modules: layer name → `nn.Linear`. mask: [batch, positions] bool, True = count; assign it
    before each forward pass (it stays until replaced) to leave out padding. unmasked: names of
    layers to which the mask does not apply, because they see patches and not tokens.

    Products and sums are float64: float32 products are twice as fast, but lose the small
    eigenvalues, and those are the null space.
    """

    def __init__(
        self, modules: Mapping[str, nn.Linear], *, unmasked: Collection[str] = ()
    ) -> None:
        for name, module in modules.items():
            if not isinstance(module, nn.Linear):
                raise ValueError(f"{name} is a {type(module).__name__}: name linear layers only.")
        if strangers := sorted(set(unmasked) - set(modules)):
            raise ValueError(f"Not among the streamed layers: {', '.join(strangers)}.")
        self.mask: Tensor | None = None
        self._modules = dict(modules)
        self._unmasked = frozenset(unmasked)
        self._counts = dict.fromkeys(modules, 0)
        # Made here, not in the hook: tensors born under inference mode cannot be added to later.
        self._totals = {
            name: torch.zeros(
                module.in_features,
                module.in_features,
                dtype=torch.float64,
                device=module.weight.device,
            )
            for name, module in modules.items()
        }
        self._handles: list[torch.utils.hooks.RemovableHandle] = []

    def __enter__(self) -> Self:
        for name, module in self._modules.items():
            self._handles.append(module.register_forward_pre_hook(self._hook(name)))
        return self

    def __exit__(self, *_: object) -> None:
        while self._handles:
            self._handles.pop().remove()

    def moments(self) -> dict[str, Moment]:
        """What was seen so far, on the CPU. Raises ValueError where an input was not finite."""
        moments = {}
        for name, total in self._totals.items():
            if not total.isfinite().all():
                raise ValueError(f"{name} saw inputs that are not finite: run it in float32.")
            # BLAS may leave the two halves an ulp apart; files store one half. Where the layer
            # lies: a wide one's takes seconds on a CPU.
            moments[name] = Moment((total + total.T).div_(2).cpu(), self._counts[name])
        return moments

    def _hook(self, name: str):
        def add(_module: nn.Module, args: tuple[Tensor, ...]) -> None:
            with torch.no_grad():
                rows = self._rows(name, args[0]).to(torch.float64)
                self._totals[name].addmm_(rows.T, rows)
                self._counts[name] += len(rows)

        return add

    def _rows(self, name: str, inputs: Tensor) -> Tensor:
        if self.mask is None or name in self._unmasked:
            return inputs.flatten(end_dim=-2) if inputs.ndim > 1 else inputs[None]
        if self.mask.dtype != torch.bool or self.mask.shape != inputs.shape[:-1]:
            raise ValueError(
                f"{name} sees positions {tuple(inputs.shape[:-1])}, the mask is {self.mask.dtype} "
                f"{tuple(self.mask.shape)}: set a boolean mask for each forward pass, or list "
                "the layer as unmasked."
            )
        return inputs[self.mask.to(inputs.device)]


def save_shards(path: Path, shards: Mapping[str, Mapping[str, Moment]]) -> None:
    """Write concept group → layer → moment to one safetensors file, atomically.

    Only the upper triangle is stored, d (d + 1) / 2 float64: 4.2 MB per layer and shard at
    d = 1024. Halving it again with float32 would round at 6e-8 of the largest entry, which is
    where the kept eigenvalues begin. Streamed moments come back exactly. Raises ValueError
    where a sum is not symmetric but for rounding. What another process has written there stays:
    its last digits may be others.
    """
    tensors: dict[str, Tensor] = {}
    index: list[tuple[str, str, int, int]] = []
    for group, layers in shards.items():
        for layer, moment in layers.items():
            gap = (moment.total - moment.total.T).abs().max()
            if gap > _ROUNDING * moment.total.abs().max():
                raise ValueError(f"The moment of {layer} in {group} is not symmetric.")
            tensors[str(len(index))] = moment.total[_upper(moment.d)]
            index.append((group, layer, moment.count, moment.d))
    save_tensors(path, tensors, {"shards": json.dumps([list(shards), index])}, first=True)


def load_shards(path: Path) -> dict[str, dict[str, Moment]]:
    """Read what `save_shards` wrote. Raises ValueError for any other file."""
    tensors, metadata = load_tensors(path)
    if "shards" not in metadata:
        raise ValueError(f"{path} holds no moments: delete it, so that it is computed again.")
    groups, index = json.loads(metadata["shards"])
    shards: dict[str, dict[str, Moment]] = {group: {} for group in groups}
    for key, (group, layer, count, d) in enumerate(index):
        total = torch.zeros(d, d, dtype=torch.float64)
        total[_upper(d)] = tensors[str(key)]
        shards[group][layer] = Moment(total + total.triu(1).T, count)
    return shards


def save_tensors(
    path: Path, tensors: Mapping[str, Tensor], metadata: Mapping[str, str], first: bool = False
) -> None:
    """Write a safetensors file so that a reader sees the old file or the new, never a part; with
    ``first``, only where there is none (`whole_file`).
    """
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    # The copies part tensors that share memory, which the format refuses.
    copies = {name: t.detach().to("cpu", copy=True).contiguous() for name, t in tensors.items()}
    with whole_file(path, first) as part:
        save_file(copies, part, dict(metadata))


def load_tensors(path: Path) -> tuple[dict[str, Tensor], dict[str, str]]:
    """Tensors and metadata of a safetensors file. Raises ValueError where it cannot be read."""
    try:
        with safe_open(path, framework="pt") as file:
            return {key: file.get_tensor(key) for key in file.keys()}, file.metadata() or {}
    except SafetensorError as error:
        raise ValueError(f"{path} is not a complete safetensors file: {error}.") from error


def _upper(d: int) -> Tensor:
    return torch.ones(d, d, dtype=torch.bool).triu()
