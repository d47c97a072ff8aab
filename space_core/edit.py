"""An edit is a value: {layer: ΔW = A Sᵀ}, put on in a context manager and taken off again.

The base model is immutable: whatever happens inside, its weights come back bit for bit.
"""

import difflib
import hashlib
import json
import math
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Self

import torch
from torch import Tensor, nn

from space_core.moments import load_tensors, save_tensors

_LORA_ERROR = 1e-6
# float8 counts as floating, but is a quantisation: it voids the guarantee.
_WHOLE = (torch.float64, torch.float32, torch.bfloat16, torch.float16)


class Diverged(ValueError):
    """A training ended in numbers that are not finite."""


@dataclass(frozen=True, slots=True, eq=False)
class LayerEdit:
    """One layer's update ΔW = A Sᵀ. a: [o, r], s: [d, r], floating and finite."""

    a: Tensor
    s: Tensor

    def __post_init__(self) -> None:
        if self.a.ndim != 2 or self.s.ndim != 2 or self.a.shape[1] != self.s.shape[1]:
            raise ValueError(
                f"A {list(self.a.shape)} and S {list(self.s.shape)} do not make A Sᵀ: they must "
                "be [o, r] and [d, r]."
            )
        if not (self.a.isfinite().all() and self.s.isfinite().all()):
            raise Diverged("An edit holds numbers that are not finite: its training diverged.")

    @classmethod
    def of(cls, delta: Tensor) -> Self:
        """ΔW [o, d] itself, float32, beside the smaller of both possible identities."""
        o, d = delta.shape
        delta = delta.float()
        return cls(delta, torch.eye(d)) if d < o else cls(torch.eye(o), delta.T.clone())

    @property
    def delta(self) -> Tensor:
        """ΔW, [o, d] float64."""
        return self.delta_on(self.a.device)

    def delta_on(self, device: torch.device) -> Tensor:
        """ΔW, [o, d] float64, multiplied on a device: a wide layer's takes a CPU long."""
        a, s = (factor.detach().to(device, torch.float64) for factor in (self.a, self.s))
        return a @ s.T


@dataclass(frozen=True, slots=True, eq=False)
class Edit:
    """Updates by the module path of their `nn.Linear`; `meta` says where they come from."""

    layers: Mapping[str, LayerEdit]
    meta: Mapping[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if not self.layers:
            raise ValueError("An edit without layers changes nothing: use the model as it is.")

    def delta(self, name: str, device: torch.device | None = None) -> Tensor:
        """ΔW of one layer, [o, d] float64, where its factors lie or on a device.

        Raises ValueError where the layer is not edited.
        """
        if name not in self.layers:
            raise ValueError(f"This edit has no layer {name}.{_nearest(name, self.layers)}")
        layer = self.layers[name]
        return layer.delta_on(device or layer.a.device)

    def norm(self) -> float:
        """Frobenius norm over all layers, √Σ ‖ΔW‖_F²."""
        return math.sqrt(sum(float(layer.delta.square().sum()) for layer in self.layers.values()))

    def sha256(self) -> str:
        """Hash of names, dtypes, shapes and numbers; not of the order of layers, nor of meta."""
        digest = hashlib.sha256()
        for name, tensor in sorted(self._tensors().items()):
            _feed(digest, name, tensor)
        return digest.hexdigest()

    def save(self, path: Path) -> None:
        """Write one safetensors file, atomically."""
        save_tensors(path, self._tensors(), {"edit": json.dumps(dict(self.meta))})

    @classmethod
    def load(cls, path: Path | str) -> Self:
        """Read what `save` wrote. Raises ValueError where the file is something else."""
        tensors, metadata = load_tensors(path)
        if "edit" not in metadata:
            raise ValueError(f"{path} holds no edit: give a file that Edit.save wrote.")
        names = sorted(key[: -len(".a")] for key in tensors if key.endswith(".a"))
        layers = {name: LayerEdit(tensors[f"{name}.a"], tensors[f"{name}.s"]) for name in names}
        return cls(layers, json.loads(metadata["edit"]))

    def to_peft(
        self, folder: Path, base_model_name: str, rank: int | None = None, revision: str = ""
    ) -> Self:
        """Write a PEFT LoRA adapter, and return the edit that it holds, for certifying.

        adapter_config.json + adapter_model.safetensors, as `peft.PeftModel.from_pretrained` reads
        them: lora_B = A, lora_A = Sᵀ in float32, α = r (scaling 1), ranks by layer. `rank`: see
        `low_rank`, which also says what is lost. `base_model_name`: a folder, or a name on the hub
        at the commit `revision`; "" says neither.
        """
        stored = low_rank(self, rank)
        ranks = {name: layer.a.shape[1] for name, layer in stored.layers.items()}
        # PEFT matches these keys as patterns at the end of a path: anchor them.
        pattern = {f"^{name.replace('.', '[.]')}": r for name, r in ranks.items()}
        config = {
            "peft_type": "LORA",
            "task_type": None,
            "base_model_name_or_path": base_model_name,
            "revision": revision or None,
            "inference_mode": True,
            "target_modules": sorted(ranks),
            "r": max(ranks.values()),
            "lora_alpha": max(ranks.values()),
            "rank_pattern": pattern,
            "alpha_pattern": pattern,
            "lora_dropout": 0.0,
            "bias": "none",
            "fan_in_fan_out": False,
            "modules_to_save": None,
        }
        tensors = {}
        for name, layer in stored.layers.items():
            tensors[f"base_model.model.{name}.lora_A.weight"] = layer.s.T
            tensors[f"base_model.model.{name}.lora_B.weight"] = layer.a
        save_tensors(Path(folder) / "adapter_model.safetensors", tensors, {"format": "pt"})
        (Path(folder) / "adapter_config.json").write_text(json.dumps(config, indent=2) + "\n")
        return stored

    def _tensors(self) -> dict[str, Tensor]:
        return {
            f"{name}.{part}": getattr(layer, part)
            for name, layer in self.layers.items()
            for part in ("a", "s")
        }


@contextmanager
def edited(
    model: nn.Module, edit: Edit, sums: dict[str, Tensor] | None = None
) -> Iterator[nn.Module]:
    """Apply W ← W + ΔW in place for the length of a block, then restore W bit for bit.

    The sum is made in float64 and rounded to W's dtype; ``sums`` keeps it in main memory for
    who puts the edit on the same weights again. Blocks nest: edits compose. Raises
    ValueError, before anything is touched, for a layer that the model lacks, that is not linear,
    has another shape, is quantised, offloaded, or shares its weight with another module.
    """
    weights = {name: _editable(model, name, layer) for name, layer in edit.layers.items()}
    saved: dict[str, Tensor] = {}
    try:
        with torch.no_grad():
            for name, weight in weights.items():
                saved[name] = weight.detach().clone()
                if sums and name in sums:
                    weight.copy_(sums[name])
                    continue
                weight.copy_(_sum(weight, edit.layers[name].delta_on(weight.device)))
                if sums is not None:
                    sums[name] = weight.detach().to("cpu", copy=True)
        yield model
    finally:
        with torch.no_grad():
            for name, original in saved.items():
                weights[name].copy_(original)


def stored_delta(weight: Tensor, delta: Tensor) -> Tensor:
    """What a cast leaves of an update, W_stored − W, [o, d] float64: the thing to certify.

    weight: W before the edit, in the dtype in which it is stored; delta: ΔW [o, d].
    """
    stored = _sum(weight, delta).to(weight.dtype)
    return stored.to(torch.float64) - weight.detach().to(torch.float64)


def low_rank(edit: Edit, rank: int | None = None) -> Edit:
    """The same edit as float32 factors of fewer columns.

    rank: an SVD of each ΔW [o, d] is cut there, A = U√Σ, S = V√Σ. None: its own factors where they
    have at most min(o, d) columns, else the smallest rank whose truncation error is ≤ 1e-6 ‖ΔW‖_F.
    What is cut or rounded leaves the null space: certify the result.
    """
    if rank is not None and rank < 1:
        raise ValueError(f"A rank of {rank} leaves nothing of the edit: give 1 or more.")
    layers = {}
    for name, layer in edit.layers.items():
        if rank is None and 0 < layer.a.shape[1] <= min(len(layer.a), len(layer.s)):
            layers[name] = LayerEdit(layer.a.float(), layer.s.float())
            continue
        u, sigma, vt = torch.linalg.svd(layer.delta, full_matrices=False)
        tails = sigma.square().flip(0).cumsum(0).flip(0)
        # PEFT knows no rank 0: a layer without change keeps one direction of zeros.
        kept = rank or max(1, int((tails > _LORA_ERROR**2 * tails[0]).sum()))
        root = sigma[:kept].sqrt()
        layers[name] = LayerEdit((u[:, :kept] * root).float(), (vt[:kept].T * root).float())
    return Edit(layers, edit.meta)


def weights_sha256(model: nn.Module) -> str:
    """Hash of every parameter and buffer, by name; equal hashes mean bit-identical weights."""
    digest = hashlib.sha256()
    tensors = dict(model.named_parameters()) | dict(model.named_buffers())
    for name, tensor in sorted(tensors.items()):
        _feed(digest, name, tensor)
    return digest.hexdigest()


def _feed(digest: "hashlib._Hash", name: str, tensor: Tensor) -> None:
    digest.update(f"{name} {tensor.dtype} {list(tensor.shape)}\n".encode())
    digest.update(tensor.detach().cpu().contiguous().reshape(-1).view(torch.uint8).numpy())


def _sum(weight: Tensor, delta: Tensor) -> Tensor:
    return weight.detach().to(torch.float64) + delta.to(weight.device)


def _editable(model: nn.Module, name: str, layer: LayerEdit) -> nn.Parameter:
    modules = dict(model.named_modules())
    linears = [path for path, module in modules.items() if isinstance(module, nn.Linear)]
    if name not in linears:
        what = f"is a {type(modules[name]).__name__}" if name in modules else "does not exist"
        raise ValueError(f"The layer {name} {what} in this model.{_nearest(name, linears)}")
    weight = modules[name].weight
    if type(weight) is not nn.Parameter or weight.dtype not in _WHOLE:
        raise ValueError(
            f"The weight of {name} is a quantised {type(weight).__name__} ({weight.dtype}), which "
            "would round the edit away: load the model in float32 or bfloat16."
        )
    if weight.is_meta:
        raise ValueError(f"The weight of {name} is offloaded: load the model without offloading.")
    shape = (layer.a.shape[0], layer.s.shape[0])
    if weight.shape != shape:
        raise ValueError(
            f"The edit of {name} is {list(shape)}, the weight {list(weight.shape)}: the edit was "
            "made for another model."
        )
    sharing = [
        path for path, other in model.named_parameters(remove_duplicate=False) if other is weight
    ]
    if len(sharing) > 1:
        raise ValueError(f"The weight of {name} is shared ({', '.join(sharing)}): edit another.")
    return weight


def _nearest(name: str, known: Mapping[str, object] | list[str]) -> str:
    close = difflib.get_close_matches(name, list(known), n=3, cutoff=0.0)
    return f" Nearest: {', '.join(close)}." if close else " It has no linear layer."
