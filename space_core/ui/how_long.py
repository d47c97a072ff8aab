"""How long an erasure takes here, for step 1."""

from typing import TYPE_CHECKING, Any

from space_core.backend import zero_gpu
from space_core.ui import markup, wording
from space_core.ui.pipeline import Pipeline

if TYPE_CHECKING:
    from space_core.audit import Bench

# Measured with the bundled model: docs/performance.md.
_BUNDLED = (
    "about three minutes with the bundled model on a CPU, with all questions before and after it, "
    "as measured elsewhere: none has been run here yet."
)


def takes(pipeline: Pipeline, bench: "Bench") -> str:
    """How long an erasure takes, by the latest runs of this model on this device, as HTML."""
    runs = pipeline.runs
    # The store opens beside the model: nobody waits here for it.
    known = runs.result() if runs.done() and runs.exception() is None else None
    # Where a GPU is lent for each call, that is what runs were made on.
    device = "cuda" if zero_gpu() else bench.device
    seconds = known and known.usual_seconds(bench.model_sha256, device)
    if seconds:
        return markup.note(
            f"Finding anchors takes seconds. An erasure takes {wording.duration(seconds)} here, "
            "by the latest runs, with all questions before and after it."
        )
    measured = bench.bundled and device == "cpu"
    some = _BUNDLED if measured else "minutes: none has been run here yet to say how many."
    return markup.note(
        f"Finding anchors takes seconds, an erasure {some} The first takes longer, as it measures "
        "once what other knowledge uses."
    )


def renewed(pipeline: Pipeline) -> dict[str, Any]:
    """The same once a run has ended; nothing where no model is there."""
    bench = pipeline.bench
    ready = bench.done() and bench.exception() is None
    return {"takes": takes(pipeline, bench.result())} if ready else {}
