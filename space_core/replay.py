"""The same run again: what a record asks for, and what differs between two records of it."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, fields, is_dataclass
from typing import Any, Literal

from space_core.settings import DcsiConfig, TpasConfig
from space_core.typed_json import from_json
from space_core.types import ConceptRequest, RunRecord

Kind = Literal["settings", "versions", "hashes", "anchors", "answers", "numbers"]

# Every run has its own; they say nothing of the result.
_OF_THE_RUN = {"run_id", "created", "seconds"}
_KINDS: dict[str, Kind] = {
    "model": "settings", "device": "settings", "settings": "settings", "versions": "versions",
    "hashes": "hashes", "selection": "anchors", "honest_answer": "answers", "outcomes": "answers",
    "warnings": "answers", "revision": "settings", "encoder": "settings",
    "dtype": "settings",
}  # fmt: skip
_SAID = {
    "settings": "setting", "versions": "version", "hashes": "hash", "outcomes": "question",
    "selection": "choice of anchors", "bands": "similarity band", "layers": "layer",
    "steps": "step", "warnings": "warning",
}  # fmt: skip
# A list of more numbers than this is one line.
_VECTOR = 3
_ABSENT = "(absent)"
# A stranger's record may not hold the one model for hours.
_MOST = 200
_LIMITED = {
    "steps": "steps", "inversion_steps": "inversion steps",
    "second_look": "steps of the second look",
    "foreign_look": "steps of the look in other languages",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Difference:
    """One thing that differs: its kind, its name, its value then and now as text."""

    kind: Kind
    what: str
    then: str
    now: str


@dataclass(frozen=True, slots=True)
class Again:
    """What one hands to the pipeline to run a record again."""

    request: ConceptRequest
    choice: TpasConfig
    left_out: frozenset[int]
    config: DcsiConfig


def again(record: RunRecord) -> Again:
    """The request and settings of a record. Raises ValueError where they cannot be run."""
    selection = record.selection
    wanted = selection.wanted or len(selection.anchors)
    choice = TpasConfig(wanted, selection.threshold, by_chance=selection.by_chance)
    config = _config(record.settings)
    asked = {"anchors": wanted, **{said: getattr(config, name) for name, said in _LIMITED.items()}}
    for said, count in asked.items():
        if count > _MOST:
            raise ValueError(
                f"This record asks for {count} {said}: at most {_MOST} are run again here."
            )
    return Again(selection.request, choice, frozenset(selection.left_out), config)


def differences(then: RunRecord, now: RunRecord) -> tuple[Difference, ...]:
    """All that differs in exact values, but for run id, date and seconds; empty: the same."""
    found = []
    for field in fields(RunRecord):
        # What an older record does not hold, it does not say.
        if field.name in _OF_THE_RUN or getattr(then, field.name) == field.default:
            continue
        name = _SAID.get(field.name, field.name.replace("_", " "))
        before, after = getattr(then, field.name), getattr(now, field.name)
        if field.name == "outcomes":
            kinds = {one.kind for one in before}
            after = tuple(one for one in after if one.kind in kinds)
        old, new = (dict(_leaves(one, name)) for one in (before, after))
        kind = _KINDS.get(field.name, "numbers")
        for what in dict.fromkeys((*old, *new)):
            if what in old and old[what] is None:
                continue
            texts = _differ(old.get(what, _ABSENT), new.get(what, _ABSENT))
            found += [Difference(kind, what, *texts)] if texts else []
    return tuple(found)


def _config(settings: Mapping[str, float | int | str]) -> DcsiConfig:
    try:
        blocks = [int(block) for block in str(settings.get("layers", "")).split()]
        return from_json(json.dumps({**settings, "layers": blocks}), DcsiConfig)
    except ValueError as error:
        raise ValueError(f"The settings of this record cannot be run again: {error}") from error


def _leaves(value: Any, where: str) -> Iterator[tuple[str, Any]]:
    """(name, value) of everything inside a value that is not itself made of parts."""
    if is_dataclass(value):
        for field in fields(value):
            if field.name not in _OF_THE_RUN:
                part = getattr(value, field.name)
                yield from _leaves(part, f"{where}, {field.name.replace('_', ' ')}")
    elif isinstance(value, Mapping):
        for key, part in value.items():
            yield from _leaves(part, f"{where}, {key}")
    elif isinstance(value, tuple) and not _is_vector(value):
        for place, part in enumerate(value, start=1):
            yield from _leaves(part, f"{where} {place}")
    else:
        yield where, value


def _is_vector(value: tuple) -> bool:
    return len(value) > _VECTOR and all(isinstance(one, (int, float)) for one in value)


def _differ(then: Any, now: Any) -> tuple[str, str] | None:
    if isinstance(then, tuple) and isinstance(now, tuple) and len(then) == len(now):
        gaps = [abs(a - b) for a, b in zip(then, now) if not _equal(a, b)]
        if not gaps:
            return None
        return f"{len(then)} numbers", f"{len(gaps)} of them differ, by at most {max(gaps):.3g}"
    return None if _equal(then, now) else (_text(then), _text(now))


def _equal(then: Any, now: Any) -> bool:
    # What is not a number is the same as itself here.
    return then == now or (then != then and now != now)


def _text(value: Any) -> str:
    return f"{len(value)} numbers" if isinstance(value, tuple) else str(value)
