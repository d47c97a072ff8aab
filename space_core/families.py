"""In what model families differ: a few facts, and what is read off a model and its processor.

All families share one path. Each fact below is held by a test on a tiny model of its family.
"""

import inspect
import math
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial

import torch
from jinja2 import TemplateError
from PIL import Image, ImageOps
from torch import Tensor, nn
from torch.utils.checkpoint import checkpoint
from transformers import GenerationConfig
from transformers.utils import ModelOutput

# An image becomes one tile, so that its number of tokens says all there is to say about it. Told
# to every image processor that knows the word.
_ONE_TILE = {"do_image_splitting": False, "crop_to_patches": False, "do_pan_and_scan": False}
# Models with positions in two dimensions are shown squares of at most so many pixels a side; models
# that cut an image into tiles by its size, squares of one tile.
_SQUARE = 448
# What a connector is called, as a part of its layers' paths.
_CONNECTORS = ("multi_modal_projector", "connector", "merger", "deepstack_merger_list")
# Here token types part the answer from what may be read both ways; elsewhere image from text.
_TYPES_MARK_ANSWERS = ("paligemma",)
# These are asked without a chat template: PaliGemma's own form.
_WITHOUT_TEMPLATE = ("paligemma",)
_PLAIN = (
    "{% for m in messages %}{% if m.role == 'user' %}"
    "{% for c in m.content if c.type == 'image' %}IMAGE{% endfor %}{{ bos_token }}"
    "{% for c in m.content if c.type == 'text' %}{{ c.text }}{% endfor %}{{ '\\n' }}"
    "{% else %}{{ m.content[0].text }}{{ eos_token }}{% endif %}{% endfor %}"
)
_MARK = "ANSWER"
# What a template for text alone makes of a message in parts.
_PARTS = "[{"
_UNFIT = (
    "The chat template takes no messages of text and images in parts, as it must: use the template "
    "of an image-text-to-text model."
)


class Pooled(list[Tensor]):
    """Image features, [tokens, width] each: some families join a list, others move a tensor."""

    def to(
        self, device: torch.device, dtype: torch.dtype | None = None, **kwargs: object
    ) -> "Tensor | Pooled":
        """All features in one, [all tokens, width], moved like a tensor; without a dtype, which
        every family gives, each is moved: so accelerate takes inputs to where a model begins.
        """
        if dtype is None:
            return Pooled(feature.to(device, **kwargs) for feature in self)
        return torch.cat(self).to(device, dtype, **kwargs)


@dataclass
class Seen(ModelOutput):
    """What a vision tower would have put out; accelerate moves every field of it."""

    pooler_output: Pooled | None = None
    deepstack_features: list[list[Tensor]] | None = None


@dataclass(frozen=True, slots=True)
class Chat:
    """How a model is spoken to.

    template: the chat template; image: what it writes for an image; token: what stands for one
    feature; before and after: what surrounds those tokens; end: the id that ends an answer;
    tokens: how many features a large image has, none has more.
    """

    template: str | None
    image: str
    token: str
    before: str
    after: str
    end: int
    tokens: int

    def expanded(self, text: str, tokens: int) -> str:
        """A prompt with its image written out as so many tokens; 0 where it has none."""
        if text.count(self.image) != (tokens > 0):
            raise ValueError(
                f"A prompt {'with an' if tokens else 'without'} image holds {self.image!r} "
                f"{text.count(self.image)} times: leave it out of the question, and use a chat "
                "template that writes it once for an image."
            )
        return text.replace(self.image, self.before + self.token * tokens + self.after, 1)


def chat_of(model: nn.Module, processor) -> Chat:
    """Read off how a model is spoken to.

    Raises ValueError for a model that takes no image features, and where its processor does not
    write an image as one run of tokens.
    """
    if not takes(model, "mm_encoder_outputs") or not hasattr(processor, "image_token"):
        raise ValueError(
            f"A {type(model).__name__} with a {type(processor).__name__} takes no image features: "
            "use a model whose forward has `mm_encoder_outputs`, as LLaVA's or Qwen-VL's has."
        )
    tokenizer = processor.tokenizer
    image = processor.image_token
    token = tokenizer.convert_ids_to_tokens(model.config.image_token_id)
    try:
        seen = processor(
            text=[image], images=[[shown(model, Image.new("RGB", (_SQUARE, _SQUARE)))]],
            images_kwargs=one_tile(processor.image_processor),
            return_text_replacement_offsets=True,
        )  # fmt: skip
        written = seen["text_replacement_offsets"][0][0]["replacement"]
    except (AttributeError, TypeError) as fault:
        raise ValueError(
            f"The processor {type(processor).__name__} cannot write an image ({fault}): its "
            "processor_config.json or the tokenizer's files are missing, or too old. Take them "
            "from the model's newest version, or save the processor anew with this transformers."
        ) from fault
    except (KeyError, IndexError) as fault:
        raise ValueError(
            f"The processor {type(processor).__name__} does not tell how it writes an image: this "
            "model cannot be used."
        ) from fault
    tokens = written.count(token)
    before, run, after = written.partition(token * max(1, tokens))
    if not run:
        raise ValueError(
            f"The processor {type(processor).__name__} writes an image as {written[:80]!r}…, in "
            "which its tokens are no single run: this model cannot be used."
        )
    template = None if processor.chat_template else _template(model, tokenizer, image)
    told = [_said("user", "?"), _said("assistant", _MARK)]
    tail = _in_parts(_rendered(processor, template, told)).rpartition(_MARK)[2]
    first = tokenizer.encode(tail, add_special_tokens=False)[:1]
    known = {*stops_of(model), *tokenizer.all_special_ids}
    end = first[0] if first and first[0] in known else tokenizer.eos_token_id
    chat = Chat(template, image, token, before, after, end, tokens)
    for some in (tokens, 0):
        _in_parts(prompt_of(processor, chat, "?", some))
    return chat


def prompt_of(processor, chat: Chat, question: str, tokens: int) -> str:
    """The chat template around a question; ``tokens`` of an image before it, 0 where there is none.

    Raises ValueError for a template that takes no such question.
    """
    message = _said("user", question)
    if tokens:
        message["content"].insert(0, {"type": "image"})
    return chat.expanded(
        _rendered(processor, chat.template, [message], add_generation_prompt=True), tokens
    )


def _template(model: nn.Module, tokenizer, image: str) -> str:
    if tokenizer.chat_template:
        return tokenizer.chat_template
    if model.config.model_type in _WITHOUT_TEMPLATE:
        return _PLAIN.replace("IMAGE", image)
    raise ValueError(
        f"This {type(model).__name__} has no chat template, and would be asked in a form that it "
        "does not know: put its chat_template.jinja beside the weights, or take a model that was "
        "tuned on chats."
    )


def _said(role: str, text: str) -> dict:
    return {"role": role, "content": [{"type": "text", "text": text}]}


def _rendered(processor, template: str | None, messages: list[dict], **options: object) -> str:
    try:
        return processor.apply_chat_template(
            messages, chat_template=template, tokenize=False, **options
        )
    except (TypeError, TemplateError) as fault:
        raise ValueError(f"{_UNFIT} It says: {fault}.") from fault


def _in_parts(text: str) -> str:
    """What a template wrote of words that have no such sign themselves: a question may have it."""
    if _PARTS in text:
        raise ValueError(f"{_UNFIT} It writes {text[:120]!r}.")
    return text


def stops_of(model: nn.Module) -> set[int]:
    """The tokens at which the model's own configuration ends an answer."""
    stops = getattr(model.generation_config, "eos_token_id", None)
    return {*(stops if isinstance(stops, list) else [stops])} - {None}


@contextmanager
def plainly(model: nn.Module) -> Iterator[None]:
    """Inside, the likeliest token follows whatever the model's own settings of generation say.

    Beams, penalties or banned words would make other answers than the scores that an edit is
    trained on.
    """
    own, model.generation_config = model.generation_config, GenerationConfig()
    try:
        yield
    finally:
        model.generation_config = own


def takes(model: nn.Module, argument: str) -> bool:
    """Whether the model's forward has an argument of this name."""
    return argument in inspect.signature(model.forward).parameters


def one_tile(image_processor) -> dict[str, bool]:
    """The arguments by which this image processor makes one tile of an image."""
    return {word: no for word, no in _ONE_TILE.items() if hasattr(image_processor, word)}


def shown(model: nn.Module, image: Image.Image) -> Image.Image:
    """The image as this model is shown it: RGB, and where its size would say how many features it
    has, a square of at most so many pixels a side.
    """
    image, limit = image.convert("RGB"), None
    if takes(model, "image_grid_thw"):
        limit = _SQUARE
    elif hasattr(model.config, "image_grid_pinpoints"):
        limit = model.config.vision_config.image_size
    if limit is None:
        return image
    side = min(max(image.size), limit)
    return ImageOps.pad(image, (side, side), color="gray")


def features_of(model: nn.Module, pixels: dict[str, Tensor]) -> list[Tensor]:
    """The connector's output [tokens, width] for each image, levels for deeper blocks beside it."""
    known = inspect.signature(model.get_image_features).parameters
    pixels = {name: value for name, value in pixels.items() if name in known}
    seen = model.get_image_features(**pixels, return_dict=True)
    levels = [seen.pooler_output, *(getattr(seen, "deepstack_features", None) or [])]
    return [torch.cat(parts, -1) if len(parts) > 1 else parts[0] for parts in zip(*levels)]


def image_inputs(model: nn.Module, pictures: Sequence[Tensor]) -> dict[str, object]:
    """Model inputs that stand for features as `features_of` gives them, one image a row."""
    width = model.get_input_embeddings().embedding_dim
    levels = list(zip(*(picture.split(width, -1) for picture in pictures)))
    deeper = [list(level) for level in levels[1:]] or None
    image = Seen(pooler_output=Pooled(levels[0]), deepstack_features=deeper)
    inputs: dict[str, object] = {"mm_encoder_outputs": {"image": image}}
    if takes(model, "image_grid_thw"):
        inputs["image_grid_thw"] = _grids(model, [len(picture) for picture in pictures])
    return inputs


def token_types(model: nn.Module, ids: Tensor, answers: Tensor) -> dict[str, Tensor]:
    """Token types where the model takes any: its attention or its positions go by them.

    ids [n, t]; answers [n, t] bool: which of them belong to an answer.
    """
    names = [name for name in ("token_type_ids", "mm_token_type_ids") if takes(model, name)]
    marked = ids == model.config.image_token_id
    if model.config.model_type in _TYPES_MARK_ANSWERS:
        marked = answers
    return {name: marked.long() for name in names}


def connector_layers(model: nn.Module) -> dict[str, nn.Linear]:
    """The linear layers of the connector, by module path; none where it has bare parameters."""
    return {
        name: module
        for name, module in model.named_modules()
        if isinstance(module, nn.Linear) and set(_CONNECTORS) & set(name.split("."))
    }


@contextmanager
def computed_twice(blocks: Sequence[nn.Module]) -> Iterator[None]:
    """Blocks that run inside keep their inputs alone, and run again for the gradient.

    Whatever hooks their layers have must still be there then.
    """
    # transformers asks each block whether it is in training; what is in it stays as it is, so
    # that no dropout begins.
    for block in blocks:
        block.gradient_checkpointing = block.training = True
        block._gradient_checkpointing_func = partial(checkpoint, use_reentrant=False)
    try:
        yield
    finally:
        for block in blocks:
            del block.gradient_checkpointing, block._gradient_checkpointing_func
            block.training = False


def _grids(model: nn.Module, counts: Sequence[int]) -> Tensor:
    """Patches in time, height and width [n, 3] of square images with so many tokens."""
    sides = [math.isqrt(count) for count in counts]
    if any(side**2 != count for side, count in zip(sides, counts)):
        raise ValueError(f"Features of {counts} tokens are of no square images: encode them anew.")
    merged = model.config.vision_config.spatial_merge_size
    grids = [[1, side * merged, side * merged] for side in sides]
    return torch.tensor(grids, device=model.device)
