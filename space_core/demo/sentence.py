"""The shared space's text side: MiniLM (BERT) pooled as sentence-transformers pools it."""

from torch import Tensor
from transformers import AutoConfig, AutoModel, BertConfig, BertModel
from transformers.modeling_outputs import BaseModelOutputWithPoolingAndCrossAttentions


class SentenceBertConfig(BertConfig):
    """A BERT whose ``pooler_output`` is the masked mean of its last hidden state."""

    model_type = "space_sentence_bert"


class SentenceBert(BertModel):
    """``pooler_output`` [n, hidden] = Σ mask·h / Σ mask (all-MiniLM-L6-v2's own pooling)."""

    config_class = SentenceBertConfig

    def __init__(self, config: SentenceBertConfig, **kwargs):
        super().__init__(config, add_pooling_layer=False)

    def forward(
        self, input_ids: Tensor, attention_mask: Tensor | None = None, **kwargs
    ) -> BaseModelOutputWithPoolingAndCrossAttentions:
        out = super().forward(input_ids=input_ids, attention_mask=attention_mask, **kwargs)
        hidden = out.last_hidden_state
        weights = hidden.new_ones(hidden.shape[:2]) if attention_mask is None else attention_mask
        weights = weights.unsqueeze(-1).to(hidden.dtype)
        out.pooler_output = (hidden * weights).sum(1) / weights.sum(1).clamp_min(1)
        return out


def register() -> None:
    """Make the text side known to ``AutoConfig`` and ``AutoModel``; safe to call twice."""
    AutoConfig.register(SentenceBertConfig.model_type, SentenceBertConfig, exist_ok=True)
    AutoModel.register(SentenceBertConfig, SentenceBert, exist_ok=True)
