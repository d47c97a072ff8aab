"""Whether a run was made with what is loaded here: with other weights or images it says little."""

from typing import TYPE_CHECKING

from space_core.types import RunRecord

if TYPE_CHECKING:
    from space_core.audit import Bench

_OTHER = {
    "model": "other weights", "shared space": "another encoder", "pool": "another pool",
    "evaluation": "other evaluation images",
}  # fmt: skip


def check_origin(record: RunRecord, bench: "Bench", parts: tuple[str, ...], then: str) -> None:
    """Raises ValueError where the run was made with other `parts` than the bench has, parts being
    model, shared space, pool or evaluation; `then` says what follows from that.

    What an older record does not say is taken for the same.
    """
    here = {
        "model": bench.model_sha256, "shared space": bench.encoder_sha256,
        "pool": bench.pool_sha256, "evaluation": bench.evaluation_sha256,
    }  # fmt: skip
    # A record that asked nothing knows no images, and says so by saying nothing.
    unsaid = here if record.outcomes else {**here, "evaluation": ""}
    others = [_OTHER[one] for one in parts if record.hashes.get(one, unsaid[one]) != here[one]]
    if others:
        raise ValueError(
            f"The run of “{record.selection.request.name}” was made with {' and '.join(others)} "
            f"than this page's: {then}"
        )
