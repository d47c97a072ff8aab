"""Every question of an audit, answered in the batches of one call, telling how far it is."""

from collections.abc import Callable, Generator, Sequence
from contextlib import nullcontext
from dataclasses import replace

from torch import Tensor

from space_core.edit import Edit, edited
from space_core.key_values import at_once
from space_core.mllm import Mllm, batches
from space_core.probes import Probe
from space_core.surroundings import pause
from space_core.types import Progress


def asked(
    mllm: Mllm, probes: Sequence[Probe], features: dict[str, Tensor], begun: Progress,
    share: float, edit: Edit | None = None, stop: Callable[[], bool] = lambda: False,
) -> Generator[Progress, None, list[str]]:  # fmt: skip
    """Every answer of the model, with the edit if there is one: those of `evaluate.answers`, as
    each batch is one that it makes, and is padded alike.

    begun: what is said, and where the whole stands, at first; share: of the whole, what all probes
    take. Between two batches, when others may run, the model is as it was. Raises ValueError where
    it is stopped by then.
    """
    yield begun
    questions = [probe.question for probe in probes]
    views = [features[probe.view] if probe.view else None for probe in probes]
    longest = max((len(view) for view in views if view is not None), default=0)
    answers, done, sums = [""] * len(probes), 0, {}
    for some in batches(views, at_once(mllm.model, longest), questions.__getitem__):
        pause(stop)
        with edited(mllm.model, edit, sums) if edit else nullcontext():
            said = mllm.answer([questions[i] for i in some], [views[i] for i in some])
        for i, text in zip(some, said, strict=True):
            answers[i] = text
        done += len(some)
        yield replace(
            begun, message=f"{begun.message} {done:,} of {len(probes):,} answered",
            done=begun.done + share * done / len(probes),
        )  # fmt: skip
    return answers
