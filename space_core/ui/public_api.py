"""What programs may call: the page's four acts with plain JSON in and out.

A call that cannot be answered returns {"error": sentence}. All other events of the page are
private.
"""

from collections.abc import Callable, Mapping
from dataclasses import fields, is_dataclass, replace
from functools import wraps
from typing import TYPE_CHECKING, Any, get_type_hints

import gradio as gr

from space_core.settings import PRESETS, DcsiConfig, TpasConfig
from space_core.types import ConceptRequest, RunRecord, Selection, Share
from space_core.ui.image_text import read_image
from space_core.ui.pipeline import Pipeline
from space_core.ui.request import read_request
from space_core.ui.wiring import HEAVY
from space_core.ui.wording import INSTEAD, explain, verdict

if TYPE_CHECKING:
    from space_core.audit import Finished

# A stranger's call may not hold the one model for hours.
_MOST = 200
_STEPS, _ANCHORS = DcsiConfig().steps, TpasConfig().anchors
_KINDS = {str: "text", int: "a whole number", bool: "true or false"}


def offer(pipeline: Pipeline) -> None:
    """Add the endpoints to the page that is being built."""
    for endpoint in endpoints(pipeline):
        # Reading the store needs no model: it waits for no erasure.
        line = {} if endpoint.__name__ == "verify" else HEAVY
        gr.api(endpoint, api_name=endpoint.__name__, **line)


def endpoints(pipeline: Pipeline) -> tuple[Callable[..., dict], ...]:
    """The functions behind the endpoints, named as they are."""

    def choose(request: ConceptRequest, anchors: int) -> Selection:
        config = TpasConfig(anchors=_within("anchors", anchors))
        return pipeline.select(pipeline.bench.result(), request, config, frozenset())

    def kept(key: str) -> "Finished":
        runs = pipeline.runs.result()
        return pipeline.load(runs.place(runs.find(key)))

    def retrieve_anchors(
        concept: str, aliases: str = "", description: str = "", category: str = "",
        anchors: int = _ANCHORS,
    ) -> dict:  # fmt: skip
        """Find the public images nearest to a concept that is given in words, and draw some more.

        `aliases` are separated by commas. Returns `anchors` (row, rank, similarity, caption,
        source, licence, hash, whether drawn by chance), what was `dropped` and why, the similarity
        `threshold`, `effective` (how many distinct images they count as), `resolved` (known
        concepts that the words may mean) and `warnings`.
        """
        said = plain(choose(read_request(concept, aliases, description, category), anchors))
        return {name: value for name, value in said.items() if name != "scores"}

    def erase(
        concept: str, aliases: str = "", description: str = "", category: str = "",
        preset: str = "space", anchors: int = _ANCHORS, steps: int = _STEPS, seed: int = 0,
        instead: str = "general", text_too: bool = False,
    ) -> dict:  # fmt: skip
        """Make the model forget a concept, measure the result, and keep the run.

        `preset` is "space" or "paper". `instead`: what is said in the name's place, the "general"
        noun, a "refusal", or the "anchor"'s own name; `text_too` takes what text alone tells of it
        as well. Returns `key`, by which /ask and /verify find the run (keep
        it to yourself: it cannot be found again), `headline` and `why` in words, the `measures`
        with their 95 % intervals, and `warnings`. The model that others use is not changed.
        """
        if preset not in PRESETS:
            raise ValueError(f"The preset is {preset!r}: give {' or '.join(PRESETS)}.")
        config = replace(
            PRESETS[preset], steps=_within("steps", steps), seed=_within("seed", seed, 0, 2**31)
        )
        if instead not in INSTEAD:
            raise ValueError(f"instead is {instead!r}: give {' or '.join(INSTEAD)}.")
        request = read_request(
            concept, aliases, description, category, instead=instead, text_too=text_too
        )
        selection = choose(request, anchors)
        # Nobody's run: no list shows it, only its key finds it.
        with pipeline.runs.result().running("", request.name) as key:
            *_, finished = pipeline.audit(
                pipeline.bench.result(), request, selection, config, lambda: False
            )
            pipeline.save(key, "", finished.record, finished.edit)
        return {"key": key, **_said(finished.record)}

    def ask(key: str, question: str, image: str = "") -> dict:
        """Put a question to the model as it was, and to the one that /erase made.

        `image` is a PNG, JPEG or WebP file in base64, bare or as a data URL; empty asks without
        one. Returns the answers `before` and `after`, both decoded greedily.
        """
        edit = kept(key).edit
        if not question.strip():
            raise ValueError("The question is empty: write one.")
        picture = read_image(image) if image else None
        before, after = pipeline.ask(pipeline.bench.result(), picture, question.strip(), edit)
        return {"before": before, "after": after}

    def verify(key: str) -> dict:
        """What was measured on the run of a key, in full, from the store; nothing is run again.

        Returns what /erase returned and the whole `record`: every question with both answers, every
        layer with its bound, settings, versions and hashes. Refused where the kept edit is not the
        one that was measured.
        """
        run = kept(key)
        if run.record.hashes.get("edit") != run.edit.sha256():
            raise ValueError("The kept edit is not the one that was measured: erase again.")
        return {**_said(run.record), "record": plain(run.record)}

    return tuple(map(_answering, (retrieve_anchors, erase, ask, verify)))


def plain(value: Any) -> Any:
    """A frozen value as what JSON can say."""
    if is_dataclass(value):
        return {one.name: plain(getattr(value, one.name)) for one in fields(value)}
    if isinstance(value, Mapping):
        return {str(key): plain(one) for key, one in value.items()}
    if isinstance(value, (tuple, list)):
        return [plain(one) for one in value]
    return value


def _answering(endpoint: Callable[..., dict]) -> Callable[..., dict]:
    """The endpoint, which is given the types it names and answers a fault with a sentence."""
    hints = get_type_hints(endpoint)

    @wraps(endpoint)
    def answer(*values: Any) -> dict:
        try:
            for (name, kind), value in zip(hints.items(), values):
                # true is an int to Python, and no number to anyone else.
                if type(value) is not kind:
                    raise ValueError(f"{name} is {value!r:.60}: give {_KINDS[kind]}.")
            return endpoint(*values)
        except Exception as error:
            return {"error": explain(error)}

    return answer


def _within(name: str, value: int, low: int = 1, high: int = _MOST) -> int:
    if not low <= value <= high:
        raise ValueError(f"{name} is {value}: give {low} to {high}.")
    return value


def _said(record: RunRecord) -> dict:
    result = verdict(record)
    parts = ((one.name, getattr(record, one.name)) for one in fields(record))
    return {
        "headline": result.headline, "why": result.why,
        "measures": {name: plain(value) for name, value in parts if isinstance(value, Share)},
        "warnings": list(record.warnings),
    }
