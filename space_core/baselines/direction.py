"""Direction: take the concept's text direction out of what the connector puts out. Source-free.

    W ← (I − U Uᵀ) W,   U [width, r]: an orthonormal basis of the names' directions

The last projection alone, in closed form, without an image: "Erasing CLIP Memories" (Mishra et
al. 2025, arXiv 2512.14137), which does so in CLIP's joint space. Guessed for an MLLM: the joint
space is the language model's input space, and a name's direction there is the mean embedding of
its tokens less the mean of all. A bias of the layer stays: it is the same for every image.

The edit moves an image's features themselves: they must be encoded while the edit is on.
"""

from collections.abc import Iterator

import torch
from torch import Tensor, nn

from space_core.baselines.data import Data
from space_core.baselines.lora import LoraConfig
from space_core.edit import Edit, LayerEdit
from space_core.mllm import Mllm
from space_core.types import Concept, StepEvent


def train(
    mllm: Mllm, concept: Concept, data: Data, config: LoraConfig
) -> Iterator[StepEvent | Edit]:
    """Yield the Edit, without a step: nothing is trained, neither data nor config looked at."""
    path, layer = connector_output(mllm)
    basis = directions(mllm, concept)
    weight = layer.weight.detach().to("cpu", torch.float64)
    yield Edit({path: LayerEdit(-basis, weight.T @ basis)})


@torch.no_grad()
def directions(mllm: Mllm, concept: Concept) -> Tensor:
    """U, [width, r] float64: spans the directions of all the concept's names."""
    table = mllm.model.get_input_embeddings().weight.detach().to("cpu", torch.float64)
    names = [mllm.tokenizer.encode(f" {name}", add_special_tokens=False) for name in concept.names]
    rows = torch.stack([table[tokens].mean(0) for tokens in names]) - table.mean(0)
    _, sigma, vt = torch.linalg.svd(rows / rows.norm(dim=1, keepdim=True), full_matrices=False)
    return vt[sigma > 1e-6 * sigma[0]].T


def connector_output(mllm: Mllm) -> tuple[str, nn.Linear]:
    """The connector's last linear layer, with its module path.

    Raises ValueError where its output is not what the language model reads.
    """
    path, layer = list(mllm.connector().items())[-1]
    width = mllm.model.get_input_embeddings().weight.shape[1]
    if layer.out_features != width:
        raise ValueError(
            f"The connector of {mllm.name} does not end in a linear layer of width {width}: there "
            "is nothing to project."
        )
    return path, layer
