"""Settings of a process and of an erasure. Imports the standard library only."""

import os
import re
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Literal

_ASSETS = Path(__file__).resolve().parent.parent / "assets" / "demo"
BUNDLED = (str(_ASSETS / "mllm"), str(_ASSETS / "shared-space"))
_DEVICE = re.compile(r"auto|cpu|cuda(:\d+)?|all")
_DTYPES = ("auto", "float32", "bfloat16")
_SWITCH = {"1": True, "true": True, "yes": True, "0": False, "false": False, "no": False}


@dataclass(frozen=True, slots=True)
class Settings:
    """Where models, pool and runs live, on what the process computes, and whom it serves.

    docs/settings.md explains each. Raises ValueError for values that do not go together.
    """

    model: str = str(_ASSETS / "mllm")
    revision: str = ""
    shared_space: str = str(_ASSETS / "shared-space")
    allowed_models: tuple[str, ...] = ()
    offline: bool = False
    pool: Path = _ASSETS / "pool"
    evaluation: Path = _ASSETS / "evaluation"
    runs: Path = Path("runs")
    cache: Path = Path.home() / ".cache" / "space-auditor"
    device: str = "auto"
    dtype: str = "auto"
    layers: tuple[int, ...] = ()
    keep_days: int = 0
    shared_runs: bool = False
    max_queue: int = 16
    user: str = ""
    password: str = field(default="", repr=False)

    def __post_init__(self) -> None:
        if not _DEVICE.fullmatch(self.device):
            raise ValueError(
                f"SPACE_DEVICE is {self.device!r}: give auto, cpu, cuda or cuda:0, or all."
            )
        if self.dtype not in _DTYPES:
            raise ValueError(f"SPACE_DTYPE is {self.dtype!r}: give auto, float32 or bfloat16.")
        if self.max_queue < 1:
            raise ValueError(f"SPACE_MAX_QUEUE is {self.max_queue}: give 1 or more.")
        if bool(self.user) != bool(self.password):
            missing = "SPACE_PASSWORD" if self.user else "SPACE_USER"
            raise ValueError(
                f"{missing} is not set: set both SPACE_USER and SPACE_PASSWORD, or neither."
            )
        if not self.allowed_models:
            return
        for name, value in (("SPACE_MODEL", self.model), ("SPACE_SHARED_SPACE", self.shared_space)):
            if value not in (*self.allowed_models, *BUNDLED):
                raise ValueError(
                    f"{name} is {value!r}, which is not allowed here: add it to "
                    "SPACE_ALLOWED_MODELS."
                )

    @property
    def auth(self) -> tuple[str, str] | None:
        """Who may enter the page, or None where everyone may."""
        return (self.user, self.password) if self.user else None

    @classmethod
    def from_env(cls) -> "Settings":
        """Settings with every ``SPACE_<FIELD>`` of the environment applied; empty ones are none.

        On a Hugging Face Space only the bundled models load, and those that are allowed by name.
        Raises ValueError with one sentence for a value that cannot be used.
        """
        default, said = cls(), {}
        for name in cls.__dataclass_fields__:
            if value := os.environ.get(variable(name), "").strip():
                said[name] = _read(variable(name), value, type(getattr(default, name)))
        if "SPACE_ID" in os.environ:
            said["allowed_models"] = said.get("allowed_models") or BUNDLED
        if "layers" in said:
            said["layers"] = tuple(_read(variable("layers"), one, int) for one in said["layers"])
        folders = {name: said[name] for name in ("pool", "evaluation") if name in said}
        if folders.get("evaluation") == Path("none"):
            # No folder: nothing is evaluated.
            said["evaluation"] = Path(os.devnull)
            del folders["evaluation"]
        for name, folder in folders.items():
            if not folder.is_dir():
                raise ValueError(f"{variable(name)} is {str(folder)!r}, which is no folder.")
        return cls(**said)


def heed_offline(settings: Settings) -> None:
    """Keep the hub's client from the network: call it before anything imports huggingface_hub."""
    # An argument of the loaders would not do: some ask the hub for an adapter all the same.
    if settings.offline:
        os.environ["HF_HUB_OFFLINE"] = "1"


def variable(field: str) -> str:
    """The environment variable of a setting."""
    return f"SPACE_{field.upper()}"


def _read(name: str, value: str, kind: type) -> str | int | bool | Path | tuple[str, ...]:
    if kind is bool:
        if value.lower() not in _SWITCH:
            raise ValueError(f"{name} is {value!r}: give 1 or 0.")
        return _SWITCH[value.lower()]
    if kind is int:
        if not value.isdecimal():
            raise ValueError(f"{name} is {value!r}: give a whole number.")
        return int(value)
    if kind is tuple:
        return tuple(part.strip() for part in value.split(",") if part.strip())
    return kind(value)


@dataclass(frozen=True, slots=True)
class TpasConfig:
    """How proxy anchors are chosen (paper, TPAS).

    ``anchors`` is |P|; ``threshold`` the similarity S_th, or None for the pool's own
    ``percentile``; ``diversity`` the weight of distinctness in maximal marginal relevance;
    ``by_chance`` (ours) the share of the anchors that is drawn blindly in place of that: what will
    be moved need not resemble the concept, and moves better from many places than from one.
    """

    anchors: int = 24
    threshold: float | None = None
    percentile: float = 97.0
    diversity: float = 0.1
    by_chance: float = 0.5


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
    own captions; ``second_look``: as many steps of inversion against the edited model, once;
    ``foreign_look``: as many more after it, by the concept's names in other languages alone.
    """

    mode: Literal["soft", "hard"] = "soft"
    lam: float = 0.1
    energy: float = 0.05
    layers: tuple[int, ...] = ()
    steps: int = 40
    learning_rate: float = 1.5e-2
    decay: float = 0.03
    orth: float = 0.0
    div: float = 0.0
    keep: float = 10.0
    neighbours: float = 1.0
    inversion_steps: int = 40
    second_look: int = 16
    foreign_look: int = 16
    seed: int = 0

    def blocks(self, depth: int) -> tuple[int, ...]:
        """The edited blocks of a decoder that has ``depth``."""
        if self.layers:
            return self.layers
        edge = depth // 6
        return tuple(range(edge, max(edge + 1, depth - max(1, edge))))


def anchors_for(config: DcsiConfig) -> TpasConfig:
    """How an edit's anchors are chosen where nothing else is said. What is not moved must resemble
    the concept: then chance draws none.
    """
    default = TpasConfig()
    return default if config.inversion_steps else replace(default, by_chance=0.0)


# "space": this project's reading, tuned. "paper": the paper read literally, plain anchors that
# keep their own captions, in the hard null space, with both of its terms and nothing of ours.
PRESETS: dict[str, DcsiConfig] = {
    "space": DcsiConfig(),
    "paper": DcsiConfig(
        mode="hard", decay=0.0, orth=1.0, div=0.1, keep=0.0, neighbours=0.0, inversion_steps=0,
        second_look=0, foreign_look=0,
    ),
}
