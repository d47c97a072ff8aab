"""Settings of a process and of an erasure. Imports the standard library only."""

import os
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

_ASSETS = Path(__file__).resolve().parent.parent / "assets" / "demo"


@dataclass(frozen=True, slots=True)
class Settings:
    """Where the models, the pool and the runs live, and on what the process computes.

    ``keep_days``: runs older than that are deleted, 0 keeps them for ever; ``shared_runs``: every
    visitor sees the runs of all.
    """

    model: str = str(_ASSETS / "mllm")
    shared_space: str = str(_ASSETS / "shared-space")
    pool: Path = _ASSETS / "pool"
    evaluation: Path = _ASSETS / "evaluation"
    runs: Path = Path("runs")
    cache: Path = Path.home() / ".cache" / "space-auditor"
    device: str = "auto"
    keep_days: int = 0
    shared_runs: bool = False

    @classmethod
    def from_env(cls) -> "Settings":
        """Settings with every ``SPACE_<FIELD>`` of the environment applied.

        Raises ValueError for a text that is no number, or neither yes nor no, where one is asked.
        """
        default = cls()

        def read(field: str):
            name, value = f"SPACE_{field.upper()}", getattr(default, field)
            text = os.environ.get(name)
            return value if text is None else _like(value, name, text.strip())

        return cls(**{field: read(field) for field in cls.__dataclass_fields__})


def _like(default: bool | int | str | Path, name: str, text: str) -> bool | int | str | Path:
    if isinstance(default, bool):
        if text not in ("0", "1"):
            raise ValueError(f"{name} is {text!r}: write 1 for yes or 0 for no.")
        return text == "1"
    if isinstance(default, int) and not (text.isascii() and text.isdecimal()):
        raise ValueError(f"{name} is {text!r}: write a whole number, 0 or more.")
    return type(default)(text)


@dataclass(frozen=True, slots=True)
class TpasConfig:
    """How proxy anchors are chosen (paper, TPAS).

    ``anchors`` is |P|; ``threshold`` the similarity S_th, or None for the pool's own
    ``percentile``; ``diversity`` the weight of distinctness in maximal marginal relevance.
    """

    anchors: int = 24
    threshold: float | None = None
    percentile: float = 97.0
    diversity: float = 0.1


@dataclass(frozen=True, slots=True)
class DcsiConfig:
    """How the edit is trained (paper, DCSI; defaults chosen on tuning concepts).

    ``mode`` "soft" weighs every direction by retained energy, ``lam`` relative to the mean
    eigenvalue; "hard" cuts to the smallest eigenvalues holding the share ``energy``.
    ``layers``: which decoder blocks are edited; empty, the middle ones, where the picture meets
    the question. ``learning_rate``: how far a step moves an edited layer's output, as a share of
    it; ``decay``: the share by which the edit shrinks at each step, so that only what forgetting
    goes on asking for stays of it. ``orth``, ``div``, ``keep`` weigh the loss terms, ``neighbours``
    the moment of the nearest concepts. ``inversion_steps`` 0 trains on the plain anchors with their
    own captions; ``second_look``: as many steps of inversion against the edited model, once.
    """

    mode: Literal["soft", "hard"] = "soft"
    lam: float = 0.1
    energy: float = 0.05
    layers: tuple[int, ...] = ()
    steps: int = 30
    learning_rate: float = 1.5e-2
    decay: float = 0.025
    orth: float = 0.0
    div: float = 0.0
    keep: float = 10.0
    neighbours: float = 1.0
    inversion_steps: int = 40
    second_look: int = 16
    seed: int = 0

    def blocks(self, depth: int) -> tuple[int, ...]:
        """The edited blocks of a decoder that has ``depth``."""
        if self.layers:
            return self.layers
        edge = depth // 6
        return tuple(range(edge, max(edge + 1, depth - max(1, edge))))


# "space": this project's reading, tuned. "paper": the paper read literally, plain anchors that
# keep their own captions, in the hard null space, with both of its terms and nothing of ours.
PRESETS: dict[str, DcsiConfig] = {
    "space": DcsiConfig(),
    "paper": DcsiConfig(
        mode="hard", orth=1.0, div=0.1, keep=0.0, neighbours=0.0, inversion_steps=0
    ),
}
