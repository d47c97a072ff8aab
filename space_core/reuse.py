"""What blocks that no edit reaches make of examples: computed once, and kept in main memory. Ours.

It changes no number but by rounding: those blocks see the same inputs whatever the edit is.
"""

from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from typing import Self

import torch
from torch import Tensor, nn
from torch.nn.utils.rnn import pad_sequence

from space_core.features import block_output
from space_core.main_memory import room
from space_core.mllm import Example, Mllm


class Reused:
    """The states of examples after the decoder's first ``blocks``, while those are as loaded.

    below: states after fewer blocks, from which those of new examples go on. Of all blocks, only
    the positions that predict an answer are kept.
    """

    def __init__(self, mllm: Mllm, blocks: int, below: Self | None = None):
        every = mllm.model.get_decoder().layers
        self._mllm, self._below = mllm, below
        self._skipped, self._above = every[:blocks], every[blocks:]
        # From which position on, and the states [positions, width] from there to the end.
        self._known: dict[Example, tuple[int, Tensor]] = {}
        # What finds none is computed anew.
        self._room = room()

    @contextmanager
    def given(self, examples: Sequence[Example]) -> Iterator[None]:
        """Inside, a pass along exactly these examples begins after the blocks.

        A backward pass belongs inside too: a thrifty model runs again for it.
        """
        if not len(self._skipped):
            yield
            return
        new = self._made([one for one in dict.fromkeys(examples) if one not in self._known])
        found = [self._known.get(one) or new[one] for one in examples]
        for one, (start, states) in new.items():
            if states.nbytes <= self._room:
                self._known[one] = start, states
                self._room -= states.nbytes
        whole = pad_sequence(
            [torch.cat([states.new_zeros(start, states.shape[1]), states])
             for start, states in found], batch_first=True,
        )  # fmt: skip
        with _passing(self._skipped[:-1]), _passing(self._skipped[-1:], whole):
            yield

    @torch.no_grad()
    def _made(self, examples: Sequence[Example]) -> dict[Example, tuple[int, Tensor]]:
        if not examples:
            return {}
        with ExitStack() as stack:
            if self._below:
                stack.enter_context(self._below.given(examples))
            stack.enter_context(_passing(self._above))
            outputs = stack.enter_context(block_output(self._skipped[-1]))
            forced = self._mllm.force(examples)
        asked = forced.asked.tolist()
        starts = [0] * len(examples) if len(self._above) else asked
        ends = [last + said + 1 for last, said in zip(asked, forced.owner.bincount().tolist())]
        return {
            one: (start, states[start:end].to("cpu", copy=True))
            for one, states, start, end in zip(examples, outputs[0], starts, ends)
        }


@contextmanager
def _passing(blocks: Sequence[nn.Module], states: Tensor | None = None) -> Iterator[None]:
    """Inside, each of the blocks puts out the states, or what is put in where there are none."""

    def instead(hidden_states: Tensor, *_args: object, **_kwargs: object) -> Tensor:
        return hidden_states if states is None else states.to(hidden_states.device)

    # accelerate puts a forward of its own on blocks that it moves inputs for.
    own = [vars(block).get("forward") for block in blocks]
    try:
        for block in blocks:
            block.forward = instead
        yield
    finally:
        for block, forward in zip(blocks, own):
            if forward is None:
                del block.forward
            else:
                block.forward = forward
