"""What an erasure may look at: the model, the shared space, the public pool. No evaluation."""

from dataclasses import dataclass, field
from pathlib import Path

from space_core.backend import home_device
from space_core.edit import weights_sha256
from space_core.hub import commit_of
from space_core.material import Kept
from space_core.mllm import Mllm, open_mllm
from space_core.neighbourhood import Neighbourhood, survey
from space_core.pool import Pool, open_pool
from space_core.recent import Recent
from space_core.retained import Encoder
from space_core.settings import Settings
from space_core.shared_space import SharedSpace, load_shared_space
from space_core.tpas import subject
from space_core.types import Concept, ConceptRequest


@dataclass(frozen=True, slots=True, eq=False)
class Sources:
    """Opened once per process and shared by all requests. What changes in it is what the encoder,
    the pool and ``kept`` remember, which changes no result.

    revision: the model's commit on the hub, "" for a folder. kept: what must stay around the last
    requests, in the frozen model's words.
    """

    mllm: Mllm
    space: SharedSpace
    pool: Pool
    around: Neighbourhood
    encoder: Encoder
    model_sha256: str
    cache: Path
    revision: str = ""
    kept: Recent[Kept] = field(default_factory=lambda: Recent(2))

    def subject(self, request: ConceptRequest) -> Concept:
        """The request as a concept."""
        return subject(self.space, self.pool, self.around, request)


def open_sources(settings: Settings) -> Sources:
    """Load the model, the space and the pool. Raises ValueError, naming it, for one that fails."""
    device = home_device(settings.device)
    mllm = open_mllm(settings)
    space = load_shared_space(settings.shared_space, device)
    pool = open_pool(settings.pool, space, settings.cache)
    return Sources(
        mllm, space, pool, survey(space, pool), Encoder(mllm, pool), weights_sha256(mllm.model),
        settings.cache, commit_of(settings.model, settings.revision),
    )  # fmt: skip
