"""Retained knowledge as the edited layers see it: second moments over the public pool.

Computed once per model and cached in shards split by concept: most are fitted on, one chooses
the hard mode's rank, one certifies and chooses nothing. A request's own images are in no shard:
where a shard holds some, that shard alone is streamed again without them. Each shard's file is
named by the hash of all that went into it, so a second request finds it.
"""

import hashlib
import os
import time
from collections import OrderedDict
from collections.abc import Collection, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
import transformers
from torch import Tensor, nn

from space_core.curriculum import about, about_in_text, teacher
from space_core.main_memory import room
from space_core.mllm import Example, Mllm
from space_core.moments import Moment, MomentStream, load_shards, save_shards
from space_core.pool import Pool
from space_core.ranks import in_turn
from space_core.whole import clear_parts

VERSION = "3"
_SHARDS, _FITTED = 10, 8
_IMAGES_OF_A_CONCEPT = 3
_FEWEST = 2  # images that certify: a spread needs two
_BATCH, _TOGETHER = 96, 8
# Files of shards that serve every request, and of those that leave one concept out.
_OF_ALL, _OF_ONE = f"moments-{VERSION}-of-all", f"moments-{VERSION}-without"
# Of the latter so many bytes are kept, and all that was used in the last so many seconds.
_KEPT_BYTES, _KEPT_SECONDS = 20 * 10**9, 3600
_SEED = 0  # the statistics are the model's, whatever the seed of a request


@dataclass(frozen=True, slots=True, eq=False)
class Statistics:
    """Moments by layer over three sets of concepts that share none.

    rows: the pool rows behind all of them; certified: those behind ``certify``.
    """

    fit: dict[str, Moment]
    select: dict[str, Moment]
    certify: dict[str, Moment]
    rows: tuple[int, ...]
    certified: tuple[int, ...]


class Encoder:
    """The connector's output for pool images: what was asked for last is kept, as far as there is
    room.

    Images always pass the tower in batches of one size: the last digits of what becomes of an image
    hang on how many are beside it, and must not hang on what is known already.
    """

    def __init__(self, mllm: Mllm, pool: Pool):
        self._mllm, self._pool, self._room = mllm, pool, room()
        self._known: OrderedDict[int, Tensor] = OrderedDict()

    def __call__(self, rows: Sequence[int]) -> list[Tensor]:
        """Features [tokens, width] of pool rows, in order, in main memory; the same tensor for
        the same row.
        """
        new = [row for row in dict.fromkeys(rows) if row not in self._known]
        filler = new[-1:] * (-len(new) % _TOGETHER)
        images = (self._pool.image(row) for row in (*new, *filler))
        found = dict(zip(new, self._mllm.encode(images, _TOGETHER)))
        found |= {row: self._known[row] for row in dict.fromkeys(rows) if row not in found}
        for row, features in found.items():
            self._room -= 0 if row in self._known else features.nbytes
            # A copy: the others of its batch are not held with it.
            found[row] = self._known[row] = features if row in self._known else features.clone()
            self._known.move_to_end(row)
        while self._room < 0 and self._known:
            self._room += self._known.popitem(last=False)[1].nbytes
        return [found[row] for row in rows]


def retained_statistics(
    mllm: Mllm, pool: Pool, encoder: Encoder, layers: dict[str, nn.Linear], model_sha256: str,
    excluded: Collection[int], cache: Path,
) -> Iterator[tuple[float, Statistics | None]]:  # fmt: skip
    """Stream the retained set; yields (share done, None) and at last (1, statistics).

    excluded: rows that must touch nothing, those of the request's concept. Raises ValueError for
    a pool with fewer concepts than shards.
    """
    chosen = [_rows(pool, shard, frozenset(excluded)) for shard in range(_SHARDS)]
    paths = {}
    for shard, path in fill_shards(mllm, pool, encoder, layers, model_sha256, excluded, cache):
        paths[shard] = path
        yield len(paths) / _SHARDS, None

    def total(shards: range) -> dict[str, Moment]:
        # One shard in memory at a time: those of a large model have many gigabytes.
        sums: dict[str, Moment] = {}
        for shard in shards:
            for name, moment in load_shards(paths[shard])["all"].items():
                sums[name] = sums[name] + moment if name in sums else moment
        return {name: sums[name] for name in layers}

    last = _SHARDS - 1
    sums = [total(some) for some in (range(_FITTED), range(_FITTED, last), range(last, _SHARDS))]
    yield 1.0, Statistics(*sums, tuple(row for rows in chosen for row in rows), tuple(chosen[-1]))


def fill_shards(
    mllm: Mllm, pool: Pool, encoder: Encoder, layers: dict[str, nn.Linear], model_sha256: str,
    excluded: Collection[int], cache: Path,
) -> Iterator[tuple[int, Path]]:  # fmt: skip
    """Stream every shard that is not in the cache; yields each shard with its file.

    Several processes share the work (`ranks`): no reduction is needed, the reader adds files.
    """
    if len(pool.groups) < _SHARDS:
        raise ValueError(
            f"The pool knows {len(pool.groups)} concepts: at least {_SHARDS} are needed to tell "
            "what must stay."
        )
    own: set[Path] = set()
    for shard in in_turn(range(_SHARDS)):
        rows = _rows(pool, shard, frozenset(excluded))
        asked = _questions(pool, rows)
        kind = _OF_ALL if rows == _rows(pool, shard, frozenset()) else _OF_ONE
        path = cache / f"{kind}-{_key(mllm, pool, layers, model_sha256, asked)}.safetensors"
        own.add(path)
        if path.is_file():
            _note_use(path)
        else:
            sweep(cache, own)
            seen = iter(encoder([row for row, _ in asked if row is not None]))
            features = [None if row is None else next(seen) for row, _ in asked]
            examples = with_own_answers(mllm, [text for _, text in asked], features)
            save_shards(path, {"all": stream(mllm, layers, examples)})
        yield shard, path


def sweep(cache: Path, own: Collection[Path], most: int = _KEPT_BYTES) -> None:
    """Delete the shards that leave one concept out, but for those used last, and ``own``; and what
    a killed process left half written.
    """
    clear_parts(cache)
    now, total, found = time.time(), 0, []
    for path in cache.glob(f"{_OF_ONE}-*"):
        # Another process may take it away first.
        with suppress(OSError):
            found.append((path, path.stat()))
    for path, stat in sorted(found, key=lambda pair: -pair[1].st_mtime):
        total += stat.st_size
        if total > most and now - stat.st_mtime > _KEPT_SECONDS and path not in own:
            path.unlink(missing_ok=True)


def _note_use(path: Path) -> None:
    # A cache may be read-only. Touched, a file that was just taken away would come back empty.
    with suppress(OSError):
        if path.name.startswith(_OF_ONE):
            os.utime(path)


def stream(
    mllm: Mllm, layers: dict[str, nn.Linear], examples: Sequence[Example]
) -> dict[str, Moment]:
    """Second moments of the layers' inputs over every position of the examples."""
    with torch.inference_mode(), MomentStream(layers) as moments:
        for some in mllm.alike(examples, _BATCH):
            inputs = mllm.inputs(
                [examples[i].question for i in some], [examples[i].features for i in some],
                [examples[i].answer for i in some],
            )  # fmt: skip
            inputs.pop("labels")
            moments.mask = inputs["attention_mask"].bool()
            mllm.model.base_model(**inputs, use_cache=False)
        return moments.moments()


def with_own_answers(
    mllm: Mllm, questions: Sequence[str], features: Sequence[Tensor | None]
) -> list[Example]:
    """Questions with what the model itself answers now."""
    answers = mllm.answer(questions, features)
    return [Example(*triple) for triple in zip(questions, answers, features)]


def near_moments(fit: Moment, near: Moment, weight: float) -> Moment:
    """The neighbours' moment joined to Ĉ with a weight of its own: mean (Ĉ + w C′) / (1 + w)."""
    mean = (fit.mean + weight * near.mean) / (1 + weight)
    return Moment(mean * fit.count, fit.count)


def certified_rows(pool: Pool, excluded: Collection[int]) -> list[int]:
    """The pool rows of the shard that certifies: nothing else may use them."""
    return _rows(pool, _SHARDS - 1, frozenset(excluded))


def check_certified(pool: Pool, excluded: Collection[int]) -> None:
    """Raises ValueError where too few images are left to measure the damage on."""
    if len(certified_rows(pool, excluded)) < _FEWEST:
        raise ValueError(
            "Without the images of the concept, too little of the public pool is left to measure "
            "the damage on: use a pool with more concepts, and several images of each."
        )


def _rows(pool: Pool, shard: int, excluded: frozenset[int]) -> list[int]:
    """The shard's pool rows: a few of each of its concepts, without those excluded."""
    chosen = []
    # By number, not by what is left: leaving one image out moves no other.
    for name in sorted(pool.groups, key=_number)[shard::_SHARDS]:
        order = np.random.default_rng((_SEED, _number(name))).permutation(pool.groups[name])
        chosen += [row for row in order.tolist() if row not in excluded][:_IMAGES_OF_A_CONCEPT]
    return chosen


def _questions(pool: Pool, rows: Sequence[int]) -> list[tuple[int | None, str]]:
    """One question for each row, and text-only ones about the rows' concepts (row None).

    Each is drawn from numbers of its own, so that leaving one row out changes no other question.
    """
    lessons = teacher(pool, np.random.default_rng(_SEED))
    asked: list[tuple[int | None, str]] = []
    for row in rows:
        lessons.rng = np.random.default_rng((_SEED, int(pool.image_sha256(row)[:8], 16)))
        some = about(pool, row, lessons, 6)
        asked.append((row, some[int(lessons.rng.integers(len(some)))]))
    for name in dict.fromkeys(pool.items[row].label for row in rows):
        if name:
            lessons.rng = np.random.default_rng((_SEED, _number(name)))
            asked += [(None, text) for text in about_in_text(pool.concepts[name], lessons)[:2]]
    return asked


def _number(name: str) -> int:
    return int.from_bytes(hashlib.sha256(name.encode()).digest()[:4], "big")


def _key(
    mllm: Mllm, pool: Pool, layers: dict[str, nn.Linear], model_sha256: str,
    asked: list[tuple[int | None, str]],
) -> str:  # fmt: skip
    kind = mllm.device.partition(":")[0]  # whichever GPU: its number changes nothing
    made_by = f"{VERSION} {torch.__version__} {model_sha256} {kind} {sorted(layers)}"
    # How it is asked and shown images, which lies beside the weights. Not a prompt that it wrote: a
    # template may write the date.
    asks = (mllm.chat, mllm.processor.chat_template)
    shows = mllm.processor.image_processor.to_json_string()
    digest = hashlib.sha256(f"{made_by} {transformers.__version__} {asks} {shows}".encode())
    for row, question in asked:
        digest.update(f"{pool.image_sha256(row) if row is not None else ''} {question}\n".encode())
    return digest.hexdigest()[:24]
