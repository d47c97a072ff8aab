"""What an edit does to the spectral entropy of its anchors' features."""

from space_core import guard, wordings
from space_core.dcsi import last_edited_block
from space_core.edit import Edit, edited
from space_core.entropy import spectral_entropy
from space_core.features import after_block
from space_core.mllm import Example
from space_core.retained import certified_rows
from space_core.settings import DcsiConfig
from space_core.sources import Sources
from space_core.types import Selection

_OTHERS = 96


def entropies(sources: Sources, selection: Selection, edit: Edit) -> tuple[float, float]:
    """Without the edit and with it: of all anchors, as they are and asked their name.

    Features after the last block that SPACE edits, where L_div acts, less what they share with
    images that must stay: the base model's mean over some that certify. L_div itself sees what it
    trains on: moved anchors, where a method moves them, less the neighbours' mean.
    """
    mllm = sources.mllm
    block, question = last_edited_block(mllm, DcsiConfig()), wordings.NAMING["thing"].taught[0]
    barred = guard.barred(sources.pool, sources.subject(selection.request))

    def shown(rows: list[int]) -> list[Example]:
        return [Example(question, ".", one) for one in sources.encoder(rows)]

    anchors = shown([anchor.row for anchor in selection.anchors])
    others = shown(certified_rows(sources.pool, barred)[:_OTHERS])
    centre = after_block(mllm, block, others).mean(0)
    before = after_block(mllm, block, anchors)
    with edited(mllm.model, edit):
        after = after_block(mllm, block, anchors)
    return spectral_entropy(before - centre), spectral_entropy(after - centre)
