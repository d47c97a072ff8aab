"""What programs may call: the page's four acts with plain JSON in and out.

A call that cannot be answered returns {"error": sentence}. All other events of the page are
private.
"""

from collections.abc import Callable, Iterator, Mapping
from contextlib import closing
from dataclasses import fields, is_dataclass, replace
from functools import wraps
from inspect import isgeneratorfunction
from typing import TYPE_CHECKING, Any, get_type_hints

import gradio as gr

from space_core.origin import check_origin
from space_core.settings import PRESETS, DcsiConfig, TpasConfig, anchors_for
from space_core.types import ConceptRequest, Progress, RunRecord, Selection, Share, StepEvent
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


def endpoints(pipeline: Pipeline) -> tuple[Callable[..., Any], ...]:
    """The functions behind the endpoints, named as they are.

    The one that erases is a generator: gradio closes it where its caller cancels or goes away.
    """

    def choose(request: ConceptRequest, anchors: int, config: DcsiConfig) -> Selection:
        choice = replace(anchors_for(config), anchors=_within("anchors", anchors, 2))
        return pipeline.select(pipeline.bench.result(), request, choice, frozenset())

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
        request = read_request(concept, aliases, description, category)
        said = plain(choose(request, anchors, DcsiConfig()))
        return {name: value for name, value in said.items() if name != "scores"}

    def erase(
        concept: str, aliases: str = "", description: str = "", category: str = "",
        preset: str = "space", anchors: int = _ANCHORS, steps: int = _STEPS, seed: int = 0,
        instead: str = "general", text_too: bool = False,
    ) -> Iterator[dict]:  # fmt: skip
        """Make the model forget a concept, measure the result, and keep the run.

        `preset` is "space" or "paper". `instead`: what is said in the name's place, the "general"
        noun, a "refusal", or the nearest "anchor"'s name; `text_too` takes what text alone tells of
        it as well. Returns `key`, by which /ask and /verify find the run (keep it to yourself;
        without it only an installation that shares all runs shows the run again), `headline` and
        `why` in words, the `measures` with their 95 % intervals, and `warnings`. The model that
        others use is not changed.
        Before that it tells how far it is: `done`, from 0 to 1, and what it is `doing`. Cancelled
        or left, it ends and keeps nothing; a call whose events nobody ever asks for goes on.
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
        selection = choose(request, anchors, config)
        done = 0.0
        # Nobody's run: no list shows it, only its key finds it.
        with pipeline.runs.result().running("", request.name) as key, closing(pipeline.audit(
            pipeline.bench.result(), request, selection, config, lambda: False
        )) as events:  # fmt: skip
            for event in events:
                match event:
                    case StepEvent():
                        doing = f"Erasing: step {event.step} of at most {event.steps}"
                        yield {"done": done, "doing": doing}
                    case Progress():
                        done = event.done
                        yield {"done": done, "doing": event.message or event.stage}
                    case finished:
                        said = _said(finished.record)
                        # A full disk must not cost the caller the result.
                        try:
                            pipeline.save(key, "", finished.record, finished.edit)
                        except Exception as error:
                            text = f"The run could not be kept, and has no key. {explain(error)}"
                            key, said["warnings"] = "", [text, *said["warnings"]]
        yield {"key": key, **said}

    def ask(key: str, question: str, image: str = "") -> dict:
        """Put a question to the model as it was, and to the one that /erase made.

        `image` is a PNG, JPEG or WebP file in base64, bare or as a data URL; empty asks without
        one. Returns the answers `before` and `after`, both decoded greedily.
        """
        run, bench = kept(key), pipeline.bench.result()
        check_origin(run.record, bench, ("model",), "ask where those are loaded.")
        if not question.strip():
            raise ValueError("The question is empty: write one.")
        picture = read_image(image) if image else None
        before, after = pipeline.ask(bench, picture, question.strip(), run.edit)
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


def _answering(endpoint: Callable[..., Any]) -> Callable[..., Any]:
    """The endpoint, which is given the types it names and answers a fault with a sentence."""
    hints = get_type_hints(endpoint)

    def check(values: tuple[Any, ...]) -> None:
        for (name, kind), value in zip(hints.items(), values):
            # true is an int to Python, and no number to anyone else.
            if type(value) is not kind:
                raise ValueError(f"{name} is {value!r:.60}: give {_KINDS[kind]}.")

    @wraps(endpoint)
    def answer(*values: Any) -> dict:
        try:
            check(values)
            return endpoint(*values)
        except Exception as error:
            return {"error": explain(error)}

    @wraps(endpoint)
    def tell(*values: Any) -> Iterator[dict]:
        try:
            check(values)
            yield from endpoint(*values)
        except Exception as error:
            yield {"error": explain(error)}

    return tell if isgeneratorfunction(endpoint) else answer


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
