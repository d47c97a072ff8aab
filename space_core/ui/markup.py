"""HTML of the page. Every string that comes in is escaped: a name is only ever text."""

import base64
import io
from collections.abc import Iterable
from html import escape

from PIL import Image

from space_core.types import Outcome, RunRecord, Selection, Share
from space_core.ui import wording

_TONES = {"info": "ⓘ", "busy": "…", "good": "✓", "warning": "⚠", "bad": "✗"}
_THUMBNAIL = 160


def status(text: str, tone: str = "info") -> str:
    """A status line with a sign before it; empty text, empty line."""
    if not text:
        return ""
    return (
        f'<p class="status {tone}" role="status"><span aria-hidden="true">{_TONES[tone]}</span> '
        f"{escape(text)}</p>"
    )


def note(text: str) -> str:
    """A quiet paragraph beside a plot or a control."""
    return f'<p class="note">{escape(text)}</p>'


def notes(texts: Iterable[str], tone: str = "warning") -> str:
    """Several status lines."""
    return "".join(status(text, tone) for text in texts)


def progress(text: str, done: float) -> str:
    """A progress bar (done in [0, 1]) and the line under it."""
    share = min(max(done, 0.0), 1.0)
    return (
        f'<div class="run-progress"><progress max="1" value="{share:.3f}" aria-label="progress">'
        f"</progress><p>{escape(text)}</p></div>"
    )


def choice(selection: Selection) -> str:
    """What was chosen for the concept, with the warnings."""
    return status(wording.choice(selection), "good") + notes(selection.warnings)


def verdict(record: RunRecord) -> str:
    """The headline of a run and its strip of shares."""
    result = wording.verdict(record)
    tone = "good" if result.forgotten else "bad"
    shallow = wording.is_shallow(record)
    cards = (
        _card("Still names the concept", record.forget_accuracy, "lower is better"),
        _card(
            "Still says yes to “is this…?”", record.yes_no, "lower is better",
            "⚠ Shallow erasure: it still says yes to “is this…?”" if shallow else "",
        ),
        _card("Other knowledge kept", record.retained_accuracy, "higher is better"),
        _card("Nearest concepts kept", record.proximal_retained_accuracy, "higher is better"),
        _card("Yes/no about the nearest kept", record.neighbours_yes_no, "higher is better"),
        _card("Skills kept", record.skills, "higher is better"),
    )
    return (
        f'<section class="verdict {tone}"><h2><span aria-hidden="true">{_TONES[tone]}</span> '
        f"{escape(result.headline)}: “{escape(record.selection.request.name)}”</h2>"
        f"<p>{escape(result.why)}</p>"
        f'<div class="cards">{"".join(cards)}</div></section>{_conditions(record)}'
    )


def comparison(outcomes: Iterable[tuple[Outcome, Image.Image | None]]) -> str:
    """Cards, one per question: image, question, answer before and after."""
    cards = [_answers(outcome, image) for outcome, image in outcomes]
    return f'<div class="pairs">{"".join(cards)}</div>' if cards else ""


def _card(title: str, share: Share, direction: str, warning: str = "") -> str:
    value = wording.percent(share.value) if share.questions else "not measured"
    return (
        f'<div class="card"><h3>{escape(title)}</h3><p class="value">{value}</p>'
        f"<p>{escape(wording.behind(share))}</p><p class='direction'>{escape(direction)}</p>"
        f"<p class='warning'>{escape(warning)}</p></div>"
    )


def _conditions(record: RunRecord) -> str:
    lines = []
    if record.stopped:
        lines.append(status("Stopped early: a partial edit is judged here.", "warning"))
    if record.honest_answer:
        lines.append(note(f"Instead of the name, it shall now say “{record.honest_answer}”."))
    if record.base_restored:
        lines.append(note("The shared model is untouched: its weights came back bit for bit."))
    else:
        text = "The shared model's weights did not come back as they were: restart the app."
        lines.append(status(text, "bad"))
    return "".join(lines) + notes(record.warnings)


def _answers(outcome: Outcome, image: Image.Image | None) -> str:
    picture = f'<img src="{_inline(image)}" alt="">' if image else '<div class="no-image"></div>'
    group = wording.GROUPS.get(outcome.group, outcome.group)
    return (
        f'<article class="pair">{picture}<div><p class="group">{escape(group)}: '
        f"{escape(outcome.concept)}</p><p><b>Question</b> {escape(outcome.question)}</p>"
        f"<p><b>Before</b> {escape(outcome.before) or '(nothing)'}</p>"
        f"<p><b>After</b> {escape(outcome.after) or '(nothing)'}</p>"
        f'<p class="outcome">→ {escape(outcome.verdict)}</p></div></article>'
    )


def _inline(image: Image.Image) -> str:
    small = image.convert("RGB")
    small.thumbnail((_THUMBNAIL, _THUMBNAIL))
    buffer = io.BytesIO()
    small.save(buffer, "WEBP", quality=85)
    return f"data:image/webp;base64,{base64.b64encode(buffer.getvalue()).decode()}"
