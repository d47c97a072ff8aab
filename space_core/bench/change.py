"""What a method of the suite is: a function from a bench and a request to a `Change`."""

from collections.abc import Callable
from dataclasses import dataclass

from space_core.audit import Bench
from space_core.baselines.prompt import Prompt
from space_core.edit import Edit
from space_core.erasure import Erasure, erase
from space_core.settings import DcsiConfig
from space_core.types import ConceptRequest, Selection


@dataclass(frozen=True, slots=True, eq=False)
class Change:
    """What a method leaves: an edit or a prompt, and how many numbers it trained."""

    edit: Edit | None
    prompt: Prompt | None
    parameters: int

    def ask(self, question: str) -> str:
        """The question as the changed model gets it."""
        return self.prompt.ask(question) if self.prompt else question


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
    *_, erasure = erase(bench.sources, selection, config, lambda: False)
    assert isinstance(erasure, Erasure)
    return trained(erasure.edit)


def trained(edit: Edit) -> Change:
    """An edit of which A was trained and S was given."""
    return Change(edit, None, sum(layer.a.numel() for layer in edit.layers.values()))
