"""A multimodal LLM as the method sees it: encode images, ask, score answers, name its layers.

Images pass the vision tower and the connector once; every question afterwards reuses their
features, through the ``mm_encoder_outputs`` argument that all model families share. The same
argument takes features that are being optimised. Where families differ, `families` knows.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from itertools import islice

import torch
from PIL import Image
from torch import Tensor, nn

from space_core import families
from space_core.backend import all_devices, home_device, model_dtype
from space_core.hub import load_image_text_model
from space_core.key_values import at_once
from space_core.settings import Settings

IGNORE = -100
MAX_NEW_TOKENS = 32


@dataclass(frozen=True, slots=True, eq=False)
class Example:
    """A question with the answer that shall follow it; ``features`` None asks without an image."""

    question: str
    answer: str
    features: Tensor | None


@dataclass(frozen=True, slots=True, eq=False)
class Forced:
    """What a model predicts along given answers.

    logits [m, vocabulary] and targets [m] of every answer token, in order; owner [m]: the
    example each belongs to; asked [n]: the position of the last token before each answer.
    """

    logits: Tensor
    targets: Tensor
    owner: Tensor
    asked: Tensor


@dataclass(frozen=True, slots=True, eq=False)
class Mllm:
    """A frozen model with its processor. ``name`` is the folder or hub name it came from.

    device: where its inputs go; its blocks may lie on others. thrifty: gradients cost a second
    pass through each block of the decoder instead of memory.
    Raises ValueError for a model whose processor writes an image in a way that is not understood.
    """

    name: str
    model: nn.Module
    processor: object
    device: str
    thrifty: bool = False
    chat: families.Chat = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "chat", families.chat_of(self.model, self.processor))

    @property
    def tokenizer(self):
        """The text side of the processor."""
        return self.processor.tokenizer

    @property
    def devices(self) -> set[str]:
        """Every device that holds weights."""
        return {str(weight.device) for weight in self.model.parameters()}

    @property
    def pad(self) -> int:
        """The id that fills up shorter rows."""
        known = self.tokenizer.pad_token_id
        return self.chat.end if known is None else known

    @torch.no_grad()
    def encode(self, images: Iterable[Image.Image], batch: int = 64) -> list[Tensor]:
        """The connector's output [tokens, width] for each image, in the model's dtype.

        Images are taken a batch at a time, so that a generator need not hold all of them. Features
        lie in main memory, where those of many fit; `inputs` takes a batch to the device.
        Where a model feeds its deeper blocks too (Qwen3-VL), those levels lie beside the first,
        [tokens, (1 + levels) · width].
        """
        features, count, rest = [], 0, iter(images)
        see = self.processor.image_processor
        while some := list(islice(rest, batch)):
            count += len(some)
            pixels = see(
                images=[[families.shown(self.model, image)] for image in some],
                return_tensors="pt",
                **families.one_tile(see),
            ).to(self.device, self.model.dtype)
            features += [one.cpu() for one in families.features_of(self.model, pixels)]
        if len(features) != count:
            raise ValueError(
                f"{self.name!r} made {len(features)} pieces of {count} images: its image "
                "processor cuts them into tiles, and must be told not to."
            )
        return features

    def prompt(self, question: str, image_tokens: int) -> str:
        """The chat template around a question; ``image_tokens`` 0 asks without an image."""
        return families.prompt_of(self.processor, self.chat, question, image_tokens)

    def tokens(self, prompt: str, answer: str | None = None) -> tuple[list[int], list[int]]:
        """Ids of a prompt, and of an answer after it with the end token; without that where the
        answer is as long as any that the model gives: it was cut there.
        """
        tokenizer = self.tokenizer
        # As the processors do: a template that writes no start token leaves it to the tokenizer.
        begun = tokenizer.bos_token is not None and prompt.startswith(tokenizer.bos_token)
        ask = tokenizer.encode(prompt, add_special_tokens=not begun)
        if answer is None:
            return ask, []
        said = ("" if prompt[-1:].isspace() else " ") + answer
        whole = tokenizer.encode(prompt + said, add_special_tokens=not begun)
        # Some tokenizers set a blank before all that they are given: alone, an answer would begin
        # with what the model never says.
        together = whole[: len(ask)] == ask
        say = whole[len(ask) :] if together else tokenizer.encode(said, add_special_tokens=False)
        return ask, [*say, self.chat.end] if len(say) < MAX_NEW_TOKENS else say

    def inputs(
        self,
        questions: Sequence[str],
        features: Sequence[Tensor | None],
        answers: Sequence[str] | None = None,
    ) -> dict[str, object]:
        """Model inputs for a batch, all with images or all without.

        Without ``answers`` padded on the left, for generation; with them padded on the right,
        with ``labels`` [n, t] that cover the answers and the end token alone.
        """
        pictures = [feature.to(self.device) for feature in features if feature is not None]
        if pictures and len(pictures) < len(questions):
            raise ValueError("A batch mixes questions with and without images: ask them apart.")
        rows, marks = [], []
        for i, question in enumerate(questions):
            prompt = self.prompt(question, len(pictures[i]) if pictures else 0)
            ask, say = self.tokens(prompt, None if answers is None else answers[i])
            rows.append(ask + say)
            marks.append([IGNORE] * len(ask) + say)
        longest = max(map(len, rows))

        def padded(lines: list[list[int]], fill: int) -> Tensor:
            gaps = [[fill] * (longest - len(line)) for line in lines]
            pairs = zip(lines, gaps)
            full = [line + gap if answers is not None else gap + line for line, gap in pairs]
            return torch.tensor(full, device=self.device)

        ids, labels = padded(rows, self.pad), padded(marks, IGNORE)
        ones = [[1] * len(row) for row in rows]
        inputs: dict[str, object] = {"input_ids": ids, "attention_mask": padded(ones, 0)}
        inputs |= families.token_types(self.model, ids, labels != IGNORE)
        if answers is not None:
            inputs["labels"] = labels
        if pictures:
            inputs |= families.image_inputs(self.model, pictures)
        return inputs

    @torch.inference_mode()
    def answer(
        self, questions: Sequence[str], features: Sequence[Tensor | None],
        most: int = MAX_NEW_TOKENS,
    ) -> list[str]:  # fmt: skip
        """Greedy answers, in order, of at most so many tokens. Questions with and without images
        may be mixed.
        """
        answers = [""] * len(questions)
        seen = max((len(feature) for feature in features if feature is not None), default=0)
        # Alike questions are as long, and so are their answers: little is padded, none waits long.
        for some in batches(features, at_once(self.model, seen), questions.__getitem__):
            inputs = self.inputs([questions[i] for i in some], [features[i] for i in some])
            width = inputs["input_ids"].shape[1]
            # Some configurations do not know the end of a turn that the chat template writes.
            ends = sorted({self.chat.end, *families.stops_of(self.model)})
            with families.plainly(self.model):
                produced = self.model.generate(
                    **inputs, max_new_tokens=most, pad_token_id=self.pad, eos_token_id=ends
                )
            said = self.tokenizer.batch_decode(produced[:, width:], skip_special_tokens=True)
            for i, text in zip(some, said):
                answers[i] = text.strip()
        return answers

    def force(self, examples: Sequence[Example]) -> Forced:
        """One pass along the examples' answers, all with images or all without; differentiable."""
        inputs = self.inputs(
            [one.question for one in examples],
            [one.features for one in examples],
            [one.answer for one in examples],
        )
        labels = inputs.pop("labels")
        chosen = labels[:, 1:] != IGNORE

        def answers_alone(_head: nn.Module, args: tuple[Tensor, ...]) -> tuple[Tensor]:
            return (args[0][:, :-1][chosen.to(args[0].device)],)

        # The model's own forward, for what it does to logits; its head sees the answers alone.
        handle = self.model.get_output_embeddings().register_forward_pre_hook(answers_alone)
        blocks = self.model.get_decoder().layers if self.thrifty else ()
        try:
            with families.computed_twice(blocks):
                logits = self.model(**inputs, use_cache=False).logits
        finally:
            handle.remove()
        return Forced(
            logits.to(self.device, torch.float32),
            labels[:, 1:][chosen],
            torch.nonzero(chosen)[:, 0],
            chosen.int().argmax(1),
        )

    def alike(
        self, examples: Sequence[Example], size: int, late: Sequence[bool] = ()
    ) -> list[list[int]]:
        """Indices in batches of examples about as long, so that little is padded; ``late`` last."""
        texts = [f"{one.question} {one.answer}" for one in examples]
        lengths = list(map(len, self.tokenizer(texts)["input_ids"])) if texts else []
        order = list(zip(late, lengths)) if late else lengths
        return batches([one.features for one in examples], size, order.__getitem__)

    def decoder_layers(self) -> int:
        """How many blocks the language model has."""
        return len(self._blocks())

    def _blocks(self) -> nn.ModuleList:
        decoder = self.model.get_decoder()
        blocks = getattr(decoder, "layers", None)
        if not isinstance(blocks, nn.ModuleList):
            seen = sorted(name for name, _ in decoder.named_children())
            raise ValueError(
                f"The language model {type(decoder).__name__} has no list of blocks called "
                f"'layers'; its parts are: {seen}."
            )
        return blocks

    def edited_layers(self, blocks: Sequence[int], role: str = "down_proj") -> dict[str, nn.Linear]:
        """The linear layers called ``role`` of the given decoder blocks, by module path.

        Raises ValueError, listing the linear layers seen, where there is none.
        """
        layers = self._blocks()
        if any(not 0 <= i < len(layers) for i in blocks):
            raise ValueError(f"The decoder has blocks 0 to {len(layers) - 1}, not {list(blocks)}.")
        wanted = {
            id(module)
            for i in blocks
            for name, module in layers[i].named_modules()
            if name.endswith(role) and isinstance(module, nn.Linear)
        }
        named = self.model.named_modules()
        found = {name: module for name, module in named if id(module) in wanted}
        if not found:
            seen = sorted(
                {n.split(".")[-1] for n, m in layers[0].named_modules() if isinstance(m, nn.Linear)}
            )
            raise ValueError(f"No linear layer is called {role!r}; its blocks have: {seen}.")
        return found

    def connector(self) -> dict[str, nn.Linear]:
        """The linear layers between vision tower and language model, by module path.

        Raises ValueError, listing the linear layers seen, where there is none.
        """
        found = families.connector_layers(self.model)
        if not found:
            named = self.model.named_modules()
            seen = sorted({n.split(".")[-1] for n, m in named if isinstance(m, nn.Linear)})
            raise ValueError(f"The connector has no linear layer to edit; the model has: {seen}.")
        return found


def batches(
    features: Sequence[Tensor | None], size: int, key: Callable[[int], object] | None = None
) -> list[list[int]]:
    """Indices in batches that do not mix questions with and without images, in order of ``key``."""
    order = sorted(range(len(features)), key=key) if key else range(len(features))
    seen = [i for i in order if features[i] is not None]
    read = [i for i in order if features[i] is None]
    return [part[i : i + size] for part in (seen, read) for i in range(0, len(part), size)]


def load_mllm(
    name: str, device: str, revision: str = "", dtype: str = "float32", spread: bool = False
) -> Mllm:
    """Load any image-text-to-text model, see `hub`. Raises ValueError where that fails."""
    model, processor = load_image_text_model(name, device, revision, dtype, spread)
    return Mllm(name, model, processor, device)


def open_mllm(settings: Settings) -> Mllm:
    """The model of the settings, on the device and in the dtype that they lead to.

    Raises ValueError for one that cannot be loaded, or lacks the blocks to be edited.
    """
    device, spread = home_device(settings.device), len(all_devices(settings.device)) > 1
    mllm = load_mllm(settings.model, device, settings.revision, model_dtype(settings), spread)
    if settings.layers:
        mllm.edited_layers(settings.layers)
    return mllm
