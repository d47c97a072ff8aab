"""What the suite compares, by name: SPACE, the baselines, and what is SPACE but for a part."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import replace
from functools import partial
from pathlib import Path

from space_core.audit import Bench, select_anchors
from space_core.baselines import BASELINES, Baseline
from space_core.baselines.data import Data, collect, proxies
from space_core.baselines.lora import LoraConfig
from space_core.baselines.prompt import Prompt
from space_core.bench.change import Change, Entry, Method
from space_core.bench.controls import CONTROLS, with_config
from space_core.bench.variants import VARIANTS
from space_core.leaderboard import OURS, SPACE
from space_core.recent import Recent
from space_core.settings import BUNDLED, DcsiConfig, TpasConfig
from space_core.types import ConceptRequest

TUNED = "tuning.json"
# Raised where a change alters what a method does: rows of an earlier number are measured anew.
VERSION = "3"
# The same for SPACE and what is SPACE but for a part: rows of the others stay.
OURS_VERSION = "2"
# Baselines that there is something to choose for.
TUNABLE = {name: one for name, one in BASELINES.items() if len(one.grid) > 1}


def methods(tuned: Mapping[str, LoraConfig]) -> dict[str, Entry]:
    """Name → method. tuned: the settings chosen for a baseline, else the first of its grid."""
    found, read = {SPACE: Entry("ours", with_config(DcsiConfig()))}, Recent[Data](2)
    for name, one in BASELINES.items():
        config = tuned.get(name, one.grid[0])
        setting = said(config) if name in TUNABLE else ""
        if name in TUNABLE and name not in tuned:
            setting += ", untuned"
        group = "data-dependent" if one.uses_target_images else "source-free"
        prepare = partial(gathered, one, config, read)
        found[name] = Entry(group, baseline(one, config, read), setting, prepare)
    # Last what reads all that stays around another concept, which the others share.
    return {**found, "prompt": Entry("source-free", _prompt), **VARIANTS, **CONTROLS}


def inputs_of(bench: Bench, group: str) -> str:
    """Hash of all that a row depends on: model, pool, evaluation, defaults, the methods of a group,
    and an encoder that is not the bundled one.
    """
    own: tuple = (OURS_VERSION, DcsiConfig()) if group in OURS else ()
    if bench.sources.space.name not in BUNDLED:
        own = (*own, bench.encoder_sha256)
    said = (
        bench.model_sha256, bench.pool_sha256, bench.split.sha256, VERSION, TpasConfig(), *own
    )
    return hashlib.sha256(repr(said).encode()).hexdigest()[:16]


def said(config: LoraConfig) -> str:
    """A baseline's setting as tables say it."""
    return f"rate {config.learning_rate:g}, {config.steps} steps"


def tuned_settings(results: Path) -> dict[str, LoraConfig]:
    """What `bench-tune` chose; nothing where it has not run.

    Raises ValueError for a file that names no setting of the grids.
    """
    return {
        name: next(config for config in TUNABLE[name].grid if said(config) == one["setting"])
        for name, one in tuned(results).items()
    }


def tuned(results: Path) -> dict[str, dict[str, str]]:
    """By baseline the ``setting`` that `bench-tune` chose, the ``inputs`` it was chosen with, and
    the ``rule``, "" where nobody noted them. Raises ValueError as `tuned_settings` does.
    """
    path = results / TUNED
    if not path.is_file():
        return {}
    try:
        chosen = json.loads(path.read_text(encoding="utf-8"))["chosen"]
        found = {
            name: {
                "setting": one["setting"], "inputs": one["inputs"], "rule": one.get("rule", "")
            }
            for name, one in chosen.items()
        }
        strange = [
            name for name, one in found.items()
            if one["setting"] not in map(said, TUNABLE[name].grid)
        ]  # fmt: skip
    except (AttributeError, KeyError, TypeError, ValueError) as fault:
        raise ValueError(f"{path} is no file of bench-tune: run bench-tune again.") from fault
    if strange:
        raise ValueError(f"{path} names settings that are in no grid: run bench-tune again.")
    return found


def baseline(one: Baseline, config: LoraConfig, read: Recent[Data]) -> Method:
    """A published method with one setting. read: what such methods were last trained on."""

    def run(bench: Bench, request: ConceptRequest) -> Change:
        data = gathered(one, config, read, bench, request)
        *_, edit = one.train(bench.sources.mllm, bench.sources.subject(request), data, config)
        return Change(edit, None, sum(map(one.trained, edit.layers.values())))

    return run


def gathered(
    one: Baseline, config: LoraConfig, read: Recent[Data], bench: Bench, request: ConceptRequest
) -> Data:
    """What a published method is trained on, collected once for all that share it."""
    gather = collect if one.uses_target_images else proxies
    # Look-alikes stand in for the target as they are: none of them is drawn by chance.
    default = TpasConfig()
    choice = default if one.uses_target_images else replace(default, by_chance=0.0)

    def anew() -> Data:
        return gather(bench.sources, select_anchors(bench, request, choice), config.seed)

    return read((gather.__name__, request, config.seed), anew)


def _prompt(bench: Bench, request: ConceptRequest) -> Change:
    return Change(None, Prompt(bench.sources.subject(request)), 0)
