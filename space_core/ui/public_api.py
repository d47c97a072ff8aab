"""The one public endpoint: the same job for programs, without the page."""

from collections.abc import Callable, Mapping
from dataclasses import fields, is_dataclass
from typing import Any

from space_core.settings import DcsiConfig, TpasConfig
from space_core.ui.concept_tab import read_request
from space_core.ui.pipeline import Pipeline
from space_core.ui.wording import explain, verdict


def audit_endpoint(pipeline: Pipeline) -> Callable[..., dict]:
    """A function for `gr.api`: words in, {"headline", "why", "record"} or {"error"} out."""

    def audit(concept: str, aliases: str = "", description: str = "", category: str = "") -> dict:
        """Erase a concept, given in words, from a copy of the model, and measure the result."""
        try:
            bench = pipeline.bench.result()
            request = read_request(concept, aliases, description, category)
            selection = pipeline.select(bench, request, TpasConfig(), frozenset())
            *_, finished = pipeline.audit(bench, request, selection, DcsiConfig(), lambda: False)
        except Exception as error:
            return {"error": explain(error)}
        result = verdict(finished.record)
        return {
            "headline": result.headline, "why": result.why, "record": plain(finished.record)
        }

    return audit


def plain(value: Any) -> Any:
    """A frozen value as what JSON can say."""
    if is_dataclass(value):
        return {one.name: plain(getattr(value, one.name)) for one in fields(value)}
    if isinstance(value, Mapping):
        return {str(key): plain(one) for key, one in value.items()}
    if isinstance(value, (tuple, list)):
        return [plain(one) for one in value]
    return value
