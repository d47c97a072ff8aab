"""How many questions a model answers together: as many as its keys and values leave room for."""

from torch import nn

# Where they fit. So many small questions keep a GPU busy, and more would pad each other.
MOST = 96
# Bytes for the keys and values of a batch. The same on every card: in bfloat16 another batch may
# round an answer otherwise.
ROOM = 8 * 10**9
# Positions of a question with its template and its answer.
_WORDS = 128


def kept(model: nn.Module, image_tokens: int) -> int:
    """Bytes that one question about an image of so many tokens keeps until it is answered.

    Counted as if every block looked at every position: more than one with a window keeps.
    """
    text = model.config.get_text_config()
    heads = getattr(text, "num_key_value_heads", None) or text.num_attention_heads
    width = getattr(text, "head_dim", None) or text.hidden_size // text.num_attention_heads
    numbers = 2 * text.num_hidden_layers * heads * width
    return numbers * model.dtype.itemsize * (image_tokens + _WORDS)


def at_once(model: nn.Module, image_tokens: int) -> int:
    """How many such questions are answered together; 1 at least."""
    return max(1, min(MOST, ROOM // kept(model, image_tokens)))
