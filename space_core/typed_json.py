"""Frozen dataclasses as strict JSON and back, exactly. Knows no class of this project."""

import json
import math
import sys
from collections.abc import Mapping
from dataclasses import MISSING, fields, is_dataclass
from types import UnionType
from typing import Any, Literal, TypeVar, Union, get_args, get_origin, get_type_hints

T = TypeVar("T")

# JSON has no such numbers.
_NOT_FINITE = {"NaN": math.nan, "Infinity": math.inf, "-Infinity": -math.inf}


def to_json(value: Any) -> str:
    """Indented JSON of nested dataclasses, mappings with text keys, sequences and plain values.

    Numbers that are not finite become "NaN", "Infinity", "-Infinity"; a text so spelt where the
    type hint allows both comes back as the number. Raises ValueError for a value of another kind.
    """
    return json.dumps(_plain(value, "value"), indent=1, ensure_ascii=False, allow_nan=False)


def from_json(text: str, kind: type[T]) -> T:
    """The dataclass that `to_json` wrote. Tuples come back as tuples, mappings as dicts.

    Raises ValueError that names the place where the text does not fit the type hints.
    """
    try:
        data = json.loads(text)
    except json.JSONDecodeError as error:
        raise ValueError(f"This is no complete JSON text: {error}.") from error
    return _typed(data, kind, kind.__name__)


def _plain(value: Any, where: str) -> Any:
    if isinstance(value, float) and not math.isfinite(value):
        return next(
            name
            for name, other in _NOT_FINITE.items()
            if other == value or (math.isnan(other) and math.isnan(value))
        )
    if value is None or type(value) in (bool, int, float, str):
        return value
    if is_dataclass(value):
        return {f.name: _plain(getattr(value, f.name), f"{where}.{f.name}") for f in fields(value)}
    if isinstance(value, Mapping) and all(type(key) is str for key in value):
        return {key: _plain(item, f"{where}[{key!r}]") for key, item in value.items()}
    if isinstance(value, (tuple, list)):
        return [_plain(item, f"{where}[{i}]") for i, item in enumerate(value)]
    raise ValueError(f"{where} is a {type(value).__name__}, which JSON cannot hold: convert it.")


def _typed(data: Any, kind: Any, where: str) -> Any:
    origin, args = get_origin(kind), get_args(kind)
    if is_dataclass(kind):
        return _dataclass(data, kind, where)
    if origin in (Union, UnionType):
        return _member(data, args, where)
    if origin is Literal and any(data == one and type(data) is type(one) for one in args):
        return data
    if origin is tuple and isinstance(data, list):
        if args[-1] is Ellipsis:
            return tuple(_typed(item, args[0], f"{where}[{i}]") for i, item in enumerate(data))
        if len(data) == len(args):
            pairs = enumerate(zip(data, args, strict=True))
            return tuple(_typed(item, one, f"{where}[{i}]") for i, (item, one) in pairs)
    if isinstance(origin, type) and issubclass(origin, Mapping) and isinstance(data, dict):
        return {key: _typed(item, args[1], f"{where}[{key!r}]") for key, item in data.items()}
    if kind is float and isinstance(data, str) and data in _NOT_FINITE:
        return _NOT_FINITE[data]
    if kind is float and type(data) is int and abs(data) <= sys.float_info.max:
        return float(data)
    if kind is type(data) or (kind is type(None) and data is None):
        return data
    raise ValueError(f"{where} is {data!r:.60}, not {getattr(kind, '__name__', kind)}.")


def _dataclass(data: Any, kind: type, where: str) -> Any:
    if not isinstance(data, dict):
        raise ValueError(f"{where} is {data!r:.60}, not {kind.__name__}.")
    hints = get_type_hints(kind)
    needed = {f.name for f in fields(kind) if f.default is f.default_factory is MISSING}
    strange = sorted((needed - data.keys()) | (data.keys() - hints.keys()))
    if strange:
        raise ValueError(
            f"{where} has not the fields of {kind.__name__} ({', '.join(strange)}): another "
            "version of this program wrote it."
        )
    return kind(**{key: _typed(item, hints[key], f"{where}.{key}") for key, item in data.items()})


def _member(data: Any, kinds: tuple[Any, ...], where: str) -> Any:
    # The kind that the value already has comes first: 3 stays an int in `float | int`.
    own = float if isinstance(data, str) and data in _NOT_FINITE else type(data)
    for kind in sorted(kinds, key=lambda kind: kind is not own):
        try:
            return _typed(data, kind, where)
        except ValueError:
            continue
    raise ValueError(f"{where} is {data!r:.60}, none of {', '.join(map(str, kinds))}.")
