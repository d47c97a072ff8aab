"""The demo model's vision tower: a pretrained EfficientNet-Lite0 trunk plus transformer blocks.

An ordinary Hugging Face vision model (``AutoConfig`` / ``AutoModel``), used by the stock
``LlavaForConditionalGeneration`` and by the stock ``VisionTextDualEncoderModel``. The trunk's
batch norms are folded into its convolutions, so it has no running statistics to disturb.
"""

import math

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from transformers import AutoConfig, AutoModel, PreTrainedConfig, PreTrainedModel
from transformers.modeling_outputs import BaseModelOutputWithPooling

# (repeats, kernel, stride, expansion, channels out) of EfficientNet-Lite0
_STAGES = (
    (1, 3, 1, 1, 16),
    (2, 3, 2, 6, 24),
    (2, 5, 2, 6, 40),
    (3, 3, 2, 6, 80),
    (3, 5, 1, 6, 112),
    (4, 5, 2, 6, 192),
    (1, 3, 1, 6, 320),
)
_FINE_STAGE, _FINE, _COARSE = 4, 112, 320
TRUNK_WIDTH = 4 * _FINE + _COARSE


class LiteTowerConfig(PreTrainedConfig):
    """Size of a tower: ``(image_size / 32)²`` tokens of ``hidden_size`` features."""

    model_type = "space_lite_tower"
    base_config_key = "vision_config"

    def __init__(
        self,
        image_size: int = 128,
        hidden_size: int = 320,
        intermediate_size: int = 1280,
        num_hidden_layers: int = 3,
        num_attention_heads: int = 5,
        **kwargs,
    ):
        self.image_size = image_size
        self.patch_size = 32
        self.num_channels = 3
        self.hidden_size = hidden_size
        self.intermediate_size = intermediate_size
        self.num_hidden_layers = num_hidden_layers
        self.num_attention_heads = num_attention_heads
        super().__init__(**kwargs)


class SameConv(nn.Conv2d):
    """Convolution with TensorFlow's "same" padding: an odd pixel goes right and below."""

    def forward(self, x: Tensor) -> Tensor:
        pads = []
        for size, kernel, stride in zip(x.shape[:1:-1], self.kernel_size[::-1], self.stride[::-1]):
            total = max((math.ceil(size / stride) - 1) * stride + kernel - size, 0)
            pads += [total // 2, total - total // 2]
        return super().forward(F.pad(x, pads))


class InvertedResidual(nn.Module):
    """Expand 1×1, depthwise k×k, project 1×1; residual where the shapes allow (MobileNetV2)."""

    def __init__(self, inputs: int, outputs: int, kernel: int, stride: int, expansion: int):
        super().__init__()
        wide = inputs * expansion
        self.expand = nn.Conv2d(inputs, wide, 1) if expansion > 1 else None
        self.depthwise = SameConv(wide, wide, kernel, stride, groups=wide)
        self.project = nn.Conv2d(wide, outputs, 1)
        self.residual = stride == 1 and inputs == outputs

    def forward(self, x: Tensor) -> Tensor:
        y = x if self.expand is None else F.relu6(self.expand(x))
        y = self.project(F.relu6(self.depthwise(y)))
        return x + y if self.residual else y


class LiteTrunk(nn.Module):
    """EfficientNet-Lite0 up to its last stage.

    ``[n, 3, H, W] → [n, HW/32², 768]``: each cell's 320 features at stride 32 beside the 4 × 112
    of its four sub-cells at stride 16.
    """

    def __init__(self):
        super().__init__()
        self.stem = SameConv(3, 32, 3, 2)
        stages, inputs = [], 32
        for repeats, kernel, stride, expansion, outputs in _STAGES:
            blocks = []
            for i in range(repeats):
                blocks.append(
                    InvertedResidual(inputs, outputs, kernel, stride if i == 0 else 1, expansion)
                )
                inputs = outputs
            stages.append(nn.Sequential(*blocks))
        self.stages = nn.ModuleList(stages)

    def forward(self, pixels: Tensor) -> Tensor:
        x = F.relu6(self.stem(pixels.contiguous(memory_format=torch.channels_last)))
        for i, stage in enumerate(self.stages):
            x = stage(x)
            if i == _FINE_STAGE:
                fine = F.pixel_unshuffle(x, 2)
        return torch.cat([fine, x], 1).flatten(2).transpose(1, 2)


class Block(nn.Module):
    """Pre-norm transformer block over image tokens."""

    def __init__(self, config: LiteTowerConfig):
        super().__init__()
        d = config.hidden_size
        self.heads = config.num_attention_heads
        self.norm1, self.norm2 = nn.LayerNorm(d), nn.LayerNorm(d)
        self.qkv, self.proj = nn.Linear(d, 3 * d), nn.Linear(d, d)
        self.fc1 = nn.Linear(d, config.intermediate_size)
        self.fc2 = nn.Linear(config.intermediate_size, d)

    def forward(self, x: Tensor) -> Tensor:
        n, t, d = x.shape
        q, k, v = self.qkv(self.norm1(x)).view(n, t, 3, self.heads, -1).permute(2, 0, 3, 1, 4)
        mixed = F.scaled_dot_product_attention(q, k, v).transpose(1, 2).reshape(n, t, d)
        x = x + self.proj(mixed)
        return x + self.fc2(F.gelu(self.fc1(self.norm2(x))))


class LiteTower(PreTrainedModel):
    """Pixels to image tokens.

    ``last_hidden_state`` [n, tokens, hidden], ``pooler_output`` [n, hidden]: tokens weighted by a
    learned query, through one hidden layer; ``hidden_states``: the embedding and every block.
    """

    config_class = LiteTowerConfig
    base_model_prefix = "tower"
    main_input_name = "pixel_values"
    input_modalities = ("image",)
    _no_split_modules = ["Block"]

    def __init__(self, config: LiteTowerConfig):
        super().__init__(config)
        d, cells = config.hidden_size, (config.image_size // config.patch_size) ** 2
        self.trunk = LiteTrunk()
        self.trunk_norm = nn.LayerNorm(TRUNK_WIDTH)
        self.embed = nn.Linear(TRUNK_WIDTH, d)
        self.position = nn.Parameter(torch.zeros(1, cells, d))
        self.blocks = nn.ModuleList(Block(config) for _ in range(config.num_hidden_layers))
        self.norm = nn.LayerNorm(d)
        self.pool_score = nn.Linear(d, 4)
        self.pool_fc1 = nn.Linear(4 * d, 2 * d)
        self.pool_fc2 = nn.Linear(2 * d, d)
        self.post_init()

    def tokens(self, trunk: Tensor) -> list[Tensor]:
        """Hidden states [n, tokens, hidden] of every depth from the trunk's features."""
        states = [self.embed(self.trunk_norm(trunk)) + self.position]
        for block in self.blocks:
            states.append(block(states[-1]))
        states[-1] = self.norm(states[-1])
        return states

    def pool(self, tokens: Tensor) -> Tensor:
        """One vector [n, hidden] per image: four learned weightings of its tokens, then an MLP."""
        weights = self.pool_score(tokens).softmax(1)
        pooled = torch.einsum("nth,ntd->nhd", weights, tokens).flatten(1)
        return self.pool_fc2(F.gelu(self.pool_fc1(pooled)))

    def forward(self, pixel_values: Tensor, **kwargs) -> BaseModelOutputWithPooling:
        states = self.tokens(self.trunk(pixel_values.to(self.embed.weight.dtype)))
        return BaseModelOutputWithPooling(
            last_hidden_state=states[-1],
            pooler_output=self.pool(states[-1]),
            hidden_states=tuple(states),
        )


def register() -> None:
    """Make the tower known to ``AutoConfig`` and ``AutoModel``; safe to call twice."""
    AutoConfig.register(LiteTowerConfig.model_type, LiteTowerConfig, exist_ok=True)
    AutoModel.register(LiteTowerConfig, LiteTower, exist_ok=True)
