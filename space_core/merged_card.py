"""The model card of a merged model: what was erased, what was measured, what was not. Text only."""

import json
import re

from space_core.bundle_guide import one_line
from space_core.report import cells, headline
from space_core.types import RunRecord
from space_core.verdict import NOT_MEASURED, said_instead, verdict
from space_core.ways import GIVEN_AWAY, all_said, ways

_MARKUP = re.compile(r"([\\`*_{}\[\]<>()#+!|~&$-])")


def card(record: RunRecord, base_model: str) -> str:
    """README.md. base_model: its name on the hub, "" for a folder, which a card cannot link to."""
    request, settings, found = record.selection.request, record.settings, ways(record.outcomes)
    said = verdict(record)
    other = [f"also: {', '.join(map(_text, request.aliases))}"] if request.aliases else []
    other += [f"described as: {_text(request.description)}"] if request.description else []
    return "\n".join([
        "---",
        *([f"base_model: {json.dumps(base_model)}"] if base_model else []),
        "library_name: transformers",
        "pipeline_tag: image-text-to-text",
        "tags: [concept-erasure, unlearning]",
        "---",
        "",
        f"# {_text(base_model or record.model)}, edited to forget “{_text(request.name)}”",
        "",
        "This is not the original model: one concept was erased from it, from words alone, without "
        "an image of it (SPACE, arXiv 2606.09868).",
        "",
        "## What was erased",
        "",
        f"- “{_text(request.name)}”",
        *(f"- {line}" for line in other),
        *([f"- from the model at commit `{_text(record.revision)}`"] if record.revision else []),
        *(f"- {_text(instead)}" for instead in [said_instead(record)] if instead),
        f"- edited layers: {len(record.layers)}; method: {settings.get('mode', 'unknown')} null "
        f"space, {len(record.steps)} steps, {len(record.selection.anchors)} proxy anchors",
        *(["- the run was stopped early: this is a partial edit"] if record.stopped else []),
        "",
        "## What was measured",
        "",
        f"Run `{record.run_id}` of {record.created}, with these weights put on the base model "
        f"({record.device}), seed {settings.get('seed', 'unknown')}. The questions about the "
        "concept are on images that neither the edit nor the choice of its anchors has seen. Other "
        "concepts are asked about in views of their own, but the edit was trained to keep the "
        "answers about other views of most of them. Most wordings are such as it was not trained "
        "on; a question counts where the base model answered it rightly. Each share stands with "
        "its 95 % Wilson interval; a dash means that nothing could be asked.",
        "",
        "| | share | 95 % interval | questions | views | images |",
        "| --- | --- | --- | --- | --- | --- |",
        *(
            f"| {' | '.join((name, *cells(share)))} |"
            for name, share in headline(record).items()
        ),
        "",
        f"**{said.headline}.** {_text(said.why)}",
        *(["", f"{GIVEN_AWAY}, by what is asked: {_text(all_said(found))}."] if found else []),
        "",
        *(f"- Warning of the run: {_text(one)}" for one in record.warnings),
        *([""] if record.warnings else []),
        "## What was not measured",
        "",
        *(f"- {line}" for line in NOT_MEASURED),
        "",
        "These numbers are no proof that the concept is gone.",
        "",
        "## Hashes (SHA-256)",
        "",
        *(f"- {_text(name)}: `{value}`" for name, value in record.hashes.items()),
        "",
    ])  # fmt: skip


def _text(said: str) -> str:
    """What someone wrote, as Markdown that shows it and does nothing."""
    return _MARKUP.sub(r"\\\1", one_line(said))
