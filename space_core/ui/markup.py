"""HTML of the page. Every string that comes in is escaped: a name is only ever text."""

import base64
import io
from collections.abc import Iterable, Sequence
from html import escape
from typing import TYPE_CHECKING

from PIL import Image

from space_core.alarms import NOT_VERIFIED, alarms
from space_core.labels import ASKED_TOO, SHARES
from space_core.types import Outcome, OwnImages, RunRecord, Selection, Share
from space_core.ui import wording
from space_core.verdict import NOT_MEASURED
from space_core.ways import GIVEN_AWAY, Way, all_said, ways

if TYPE_CHECKING:
    from space_core.preview import Said

_TONES = {"info": "i", "busy": "…", "good": "✓", "warning": "⚠", "bad": "✗"}
_ANSWERED = {
    wording.YES: "good", wording.NO: "bad", wording.OPEN: "warning", wording.UNASKED: "info",
}
_THUMBNAIL = 160
_SMALL = 48


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


_WAITING = "Waiting for a free place…"


def waiting() -> str:
    """While other visitors' calls come first."""
    return status(_WAITING, "busy")


def waiting_to_begin() -> str:
    """The same where a progress bar follows: as high, so that nothing moves when it comes."""
    return progress(_WAITING, 0.0)


def floating(text: str, tone: str = "busy") -> str:
    """A status line over the page's lower edge: nothing moves, wherever one has scrolled to. What
    is no wait goes by itself.
    """
    passing = " passing" * (tone != "busy")
    return f'<div class="floating{passing}">{status(text, tone)}</div>'


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
    """What was chosen for the concept, with the warnings and the hash of the choice."""
    return (
        status(wording.choice(selection), "good") + notes(selection.warnings)
        + '<p class="note">SHA-256 of these images (the same hash means the same anchors): '
        f'<code class="hash">{escape(selection.sha256)}</code></p>'
    )


def verdict(record: RunRecord, own: OwnImages | None = None) -> str:
    """The headline of a run, its alarms, and three questions with the shares that answer them."""
    result = wording.verdict(record, own)
    tone = "good" if result.forgotten else "bad"
    answered = wording.answers(record, own)
    if result.forgotten and wording.NO in answered.values():
        tone = "warning"
    forgotten, neighbours, others, *text = answered.items()
    told = [one for one in alarms(record) if one not in result.why]
    against = status(wording.named_on_own(record, own), "warning")
    return (
        f'<section class="verdict {tone}"><h2><span aria-hidden="true">{_TONES[tone]}</span> '
        f"{escape(result.headline)}: “{escape(record.selection.request.name)}”</h2>"
        f"{notes(told, 'bad')}<p>{escape(result.why)}</p>{against}"
        + "<details><summary>How to read these numbers</summary>"
        + note(f"{wording.INTERVAL} {wording.VIEWS}") + "</details>"
        + "<details><summary>What was not measured</summary><ul>"
        + "".join(f"<li>{escape(one)}</li>" for one in NOT_MEASURED) + "</ul></details>"
        + _asked(
            *forgotten,
            "Yes, where at most 10 % of such questions can still bring up its name, with 95 % "
            "confidence, and no other way of asking is shown to bring up more. Not shown: too few "
            "questions, or too close, to say.",
            _forgetting("", record.forget_accuracy, record.yes_no),
            _forgetting("Your images: ", own.forget_accuracy, own.yes_no) if own else "",
        )
        + _ways(GIVEN_AWAY, ways(record.outcomes))
        + _ways(f"{GIVEN_AWAY}, on your images", ways(own.outcomes, "own") if own else ())
        + _asked(
            *neighbours,
            "The concepts most like it suffer first. Yes, where at least 90 % stays of each, with "
            "95 % confidence.",
            _card("proximal_retained_accuracy", record.proximal_retained_accuracy),
            _card("neighbours_yes_no", record.neighbours_yes_no),
        )
        + _asked(
            *others,
            "What has nothing to do with it: other concepts, drawn at random, and skills such as "
            "colours and counting. Yes, where at least 90 % stays of each, with 95 % confidence.",
            _card("retained_accuracy", record.retained_accuracy),
            _card("skills", record.skills),
        )
        + _in_text(record, text)
        + f"</section>{_conditions(record)}"
    )


def restored(base: bool) -> str:
    """Whether the shared model came back as it was."""
    if base:
        return note("The shared model is untouched: its weights came back bit for bit.")
    text = "The shared model's weights did not come back as they were: restart the app."
    return status(text, "bad")


def comparison(outcomes: Iterable[tuple[Outcome, Image.Image | None]]) -> str:
    """Cards, one per question: image, question, answer before and after."""
    cards = [_answers(outcome, image) for outcome, image in outcomes]
    return f'<div class="pairs">{"".join(cards)}</div>' if cards else ""


def said(
    title: str, how: str, answers: Iterable[tuple["Said", Image.Image | None]]
) -> str:
    """Cards, one per answer of the model as it is: image, question, answer; a title, and how it was
    asked.
    """
    cards = [
        f'<article class="pair">{_picture(image)}<div><p><b>Question</b> {escape(one.question)}'
        f"</p><p><b>Answer now</b> {escape(one.answer) or '(nothing)'}</p></div></article>"
        for one, image in answers
    ]
    return (
        f'<h2 class="section">{escape(title)}</h2>{note(how)}'
        f'<div class="pairs">{"".join(cards)}</div>'
    )


def _asked(question: str, answer: str, rule: str, *cards: str) -> str:
    tone = _ANSWERED[answer]
    return (
        f'<div class="asked"><h3>{escape(question)} <b class="{tone}"><span aria-hidden="true">'
        f"{_TONES[tone]}</span> {escape(answer)}</b></h3><p>{escape(rule)}</p>"
        f'<div class="cards">{"".join(cards)}</div></div>'
    )


def _ways(title: str, found: Sequence[Way]) -> str:
    return note(f"{title}, by what is asked: {all_said(found)}.") if found else ""


def _forgetting(whose: str, naming: Share, yes_no: Share) -> str:
    shallow = "⚠ Shallow erasure: it still says yes to “is this…?”"
    return _card("forget_accuracy", naming, whose) + _card(
        "yes_no", yes_no, whose, shallow if wording.is_shallow(yes_no) else ""
    )


def _in_text(record: RunRecord, asked: list[tuple[str, str]]) -> str:
    """What words alone still tell: a question of its own where that was to go too."""
    if record.told is None or not (asked or record.told.questions):
        return ""
    if not asked:
        title, _ = SHARES["told"]
        kept = f"{title}: {record.told.successes} of {record.told.questions} questions. "
        return note(f"{kept}What text tells was not asked to go; step 1 can ask for that too.")
    return _asked(
        *asked[0],
        "Yes, where at most 10 % of the questions that words alone could answer still are, with "
        "95 % confidence. There are few ways to ask: often that is not shown.",
        _card("told", record.told, better=ASKED_TOO),
    )


def _card(name: str, share: Share, whose: str = "", warning: str = "", better: str = "") -> str:
    said, usual = SHARES[name]
    value = wording.percent(share.value) if share.questions else "not measured"
    return (
        f'<div class="card"><h4>{escape(whose + said)}</h4><p class="value">{value}</p>'
        f"<p>{escape(wording.behind(share))}</p><p class='direction'>{escape(better or usual)}</p>"
        f"<p class='warning'>{escape(warning)}</p></div>"
    )


def _conditions(record: RunRecord) -> str:
    lines = []
    if record.stopped:
        lines.append(status("Stopped early: a partial edit is judged here.", "warning"))
    if said := wording.said_instead(record):
        lines.append(note(said))
    if record.base_restored:
        lines.append(restored(True))
    # The headline and the alarms have said these.
    told = (*alarms(record), NOT_VERIFIED)
    return "".join(lines) + notes(one for one in record.warnings if one not in told)


def _answers(outcome: Outcome, image: Image.Image | None) -> str:
    said = wording.outcome_said(wording.outcome(outcome))
    group = wording.GROUPS.get(outcome.group, outcome.group)
    return (
        f'<article class="pair">{_picture(image)}<div><p class="group">{escape(group)}: '
        f"{escape(outcome.concept)}</p><p><b>Question</b> {escape(outcome.question)}</p>"
        f"<p><b>Before</b> {escape(outcome.before) or '(nothing)'}</p>"
        f"<p><b>After</b> {escape(outcome.after) or '(nothing)'}</p>"
        f'<p class="outcome">→ {escape(said)}</p></div></article>'
    )


def named_picture(name: str, image: Image.Image | None) -> str:
    """A cell of a table: an image, small, and what it is called."""
    picture = f'<img src="{_inline(image, _SMALL)}" alt="">' if image else ""
    # The name first: by it the column is sorted.
    return f'<div class="named"><span>{escape(name)}</span>{picture}</div>'


def _picture(image: Image.Image | None) -> str:
    return f'<img src="{_inline(image)}" alt="">' if image else '<div class="no-image"></div>'


def _inline(image: Image.Image, side: int = _THUMBNAIL) -> str:
    small = image.convert("RGB")
    small.thumbnail((side, side))
    buffer = io.BytesIO()
    small.save(buffer, "WEBP", quality=85)
    return f"data:image/webp;base64,{base64.b64encode(buffer.getvalue()).decode()}"
