"""What a method of the suite is: a function from a bench and a request to a `Change`."""

import time
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace

from space_core.audit import Bench
from space_core.baselines.prompt import Prompt
from space_core.edit import Edit
from space_core.erasure import Erasure, erase
from space_core.nullspace import Basis
from space_core.settings import DcsiConfig
from space_core.types import ConceptRequest, Progress, Selection, StepEvent


@dataclass(frozen=True, slots=True, eq=False)
class Change:
    """What a method leaves: an edit or a prompt, and how many numbers it trained.

    stages: seconds by stage (reading, inversion, training), where it has stages. selection: of an
    erasure, with the anchors that it used.
    """

    edit: Edit | None
    prompt: Prompt | None
    parameters: int
    stages: Mapping[str, float] = field(default_factory=dict)
    selection: Selection | None = None

    def ask(self, question: str) -> str:
        """The question as the changed model gets it."""
        return self.prompt.ask(question) if self.prompt else question


# Stages of an erasure; what comes before them is reading.
STAGES = ("inversion", "training")

Method = Callable[[Bench, ConceptRequest], Change]


@dataclass(frozen=True, slots=True, eq=False)
class Entry:
    """A method of the suite. group: a key of `leaderboard.GROUPS`; setting: chosen for it.

    prepare: what is done before the clock starts, as collecting the target's images is.
    """

    group: str
    run: Method
    setting: str = ""
    prepare: Callable[[Bench, ConceptRequest], object] | None = None


def erased(bench: Bench, selection: Selection, config: DcsiConfig) -> Change:
    """SPACE with these anchors and settings."""
    spent: Counter[str] = Counter()
    stage, since = "reading", time.monotonic()
    for event in erase(bench.sources, selection, config, lambda: False):
        if isinstance(event, StepEvent):
            stage = "training"
        now = time.monotonic()
        spent[stage] += now - since
        since = now
        if isinstance(event, Progress):
            stage = event.stage if event.stage in STAGES else "reading"
    assert isinstance(event, Erasure)
    return replace(trained(event.edit, event.bases), stages=spent, selection=event.selection)


def trained(edit: Edit, bases: Mapping[str, Basis]) -> Change:
    """An edit of which A [o, r] was trained and S [d, r] was given, by the bases."""
    return Change(
        edit, None, sum(len(edit.layers[name].a) * basis.kept for name, basis in bases.items())
    )
