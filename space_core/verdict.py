"""The verdict on a run in plain words: is it forgotten, and is the rest kept, by their limits."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from space_core.alarms import model_broke
from space_core.damage import RISK, SHARE
from space_core.types import Outcome, OwnImages, RunRecord, Share
from space_core.ways import FORGOTTEN_BELOW, Way, leak_said, leaks, leaks_of, ways

KEPT_ABOVE = 0.90
# What stands on every share, explained where a reader meets it first.
INTERVAL = (
    "A 95 % interval says how far chance may have moved a share: were other questions of the same "
    "kind asked, again and again, about 95 of 100 such intervals would hold the true share. Few "
    "questions make it wide. It takes each question as independent of the others, though several "
    "are about one image. It speaks of one run: of several, the best by these numbers looks better "
    "than it is."
)
VIEWS = (
    "A view is an image as it was shown: drawings are turned, lit and set on another background "
    "each time, photographs are shown as they are."
)
# What no run measures, whatever its numbers.
NOT_MEASURED = (
    "whether the concept comes back after fine-tuning, quantising, pruning, or merging with "
    "another model: each of them changes the weights that were measured;",
    "what an answer says after its first 32 tokens, some twenty words: there it is cut;",
    "what the questions of the run do not ask: more wordings and languages, longer conversations, "
    "and prompts that are meant to bring the concept back;",
    "images unlike those of the run's evaluation, and several images in one prompt;",
    "what the model makes of an image in several tiles, or in more than 448 pixels a side where it "
    "would read more: each was shown to it in one tile;",
    "abilities of the model other than those that the questions of the run ask for;",
    "whether what is left of the concept could be read from the model's inner states.",
)
# How far a limit of 95 % confidence carries an answer to one of the strip's questions.
YES, NO, OPEN, UNASKED = "yes", "no", "not shown", "not measured"
_IN_SOME_WAY, _ON_OWN = "Not forgotten in every way", " on your own images"


@dataclass(frozen=True, slots=True)
class Verdict:
    """The headline, one sentence of why, and whether it is good news."""

    forgotten: bool
    headline: str
    why: str


def verdict(record: RunRecord, own: OwnImages | None = None) -> Verdict:
    """"Forgotten" only where the upper limit of the forget accuracy is at most 10 %, no other way
    of asking leaks, and the model still answers. The auditor's own images are judged by where the
    run had none to ask about.
    """
    share, ours = _judged_by(record, own)
    partial = " The run was stopped early: this judges a partial edit." if record.stopped else ""
    rest = _in_text(record) + partial
    if broke := model_broke([*record.outcomes, *(own.outcomes if own else ())]):
        why = f"{broke} A model that no longer speaks has not forgotten one thing.{partial}"
        return Verdict(False, "The model broke", why)
    found, leaked = _leaks(record, own)
    hidden = _IN_SOME_WAY if found else "Not shown to be forgotten"
    if not share.questions:
        known = ours and any(one.group == "target" and one.image for one in record.outcomes)
        why = (
            "Nothing could be measured by naming: before the erasure, the model named the "
            "concept in none of the questions about its images."
        )
        if not (known or own):
            hidden = _IN_SOME_WAY if found else "Not verified on images"
            why = (
                "We hold no images of the concept, so nothing shows that it is forgotten. Add some "
                "of your own in step 4: they are used to ask about, never to erase."
            )
        return Verdict(False, hidden, f"{why}{leaked}{rest}")
    named = are_forgotten(share)
    forgotten = shown_forgotten(share, found, broke)
    seen = _seen(record.outcomes if ours else own.outcomes, ours) if forgotten else ""
    sign = "at most" if named == YES else "up to"
    if named == NO:
        hidden = "Not forgotten"
    where = "images kept away from the erasure" if ours else f"your {count(share.images, 'image')}"
    about = f" about {'these' if share.drawings > 1 else 'this'} {count(share.drawings, 'image')}"
    return Verdict(
        forgotten,
        "Forgotten" if forgotten else hidden,
        f"Of {share.questions} questions on {where} that the model answered rightly before, "
        f"it still names the concept in {share.successes}. With 95 % confidence it would name it "
        f"in {sign} {_limit(share.high)} of such questions{about * bool(share.drawings)}; "
        f"“forgotten” asks for 10 % or less.{leaked}{seen}{rest}",
    )


def named_on_own(record: RunRecord, own: OwnImages | None) -> str:
    """A warning where the auditor's own images still bring the concept up and the headline does
    not stand on them, else "".
    """
    if own is None or not _judged_by(record, own)[1]:
        return ""
    named, said = own.forget_accuracy, []
    if named.successes:
        said.append(
            f"On your own images it is still named, in {named.successes} of "
            f"{count(named.questions, 'question')} that the model answered rightly before."
        )
    if found := leaks(own.outcomes, "own"):
        said.append(leak_said(found, _ON_OWN))
    if not said:
        return ""
    ours = "The headline stands on our own images alone, which are kept away from the erasure."
    return " ".join((*said, ours))


def is_forgotten(record: RunRecord, own: OwnImages | None = None) -> str:
    """The strip's first question: yes, no, not shown, or not measured."""
    share, _ = _judged_by(record, own)
    if _leaks(record, own)[0]:
        return NO
    said = are_forgotten(share)
    return OPEN if said == YES and not verdict(record, own).forgotten else said


def shown_forgotten(naming: Share, found: Sequence[Way], broke: str) -> bool:
    """The rule: hardly named any more, no other way of asking leaks (`ways.leaks`), and the model
    still speaks (`alarms.model_broke`).
    """
    return are_forgotten(naming) == YES and not found and not broke


def are_forgotten(share: Share) -> str:
    """Whether at most 10 % still name it, by the limits: yes, no, not shown, or not measured."""
    if not share.questions:
        return UNASKED
    if share.high <= FORGOTTEN_BELOW:
        return YES
    return NO if share.low > FORGOTTEN_BELOW else OPEN


def are_kept(*shares: Share) -> str:
    """Whether 90 % of each are kept, by their limits: yes, no, not shown, or not measured."""
    asked = [share for share in shares if share.questions]
    if not asked:
        return UNASKED
    if any(share.high < KEPT_ABOVE for share in asked):
        return NO
    return YES if all(share.low >= KEPT_ABOVE for share in asked) else OPEN


def answers(record: RunRecord, own: OwnImages | None = None) -> Mapping[str, str]:
    """The three questions that one asks of a run, each with its answer; a fourth where what text
    alone tells was to go too."""
    told = {}
    if record.selection.request.text_too and record.told is not None:
        told = {"Is it gone from text too?": are_forgotten(record.told)}
    return {
        "Is it forgotten?": is_forgotten(record, own),
        "Are its neighbours kept?": are_kept(
            record.proximal_retained_accuracy, record.neighbours_yes_no
        ),
        "Are other concepts and skills kept?": are_kept(record.retained_accuracy, record.skills),
        **told,
    }


def said_instead(record: RunRecord) -> str:
    """What the edited model shall say in the name's place, as a sentence."""
    honest = record.honest_answer
    if record.selection.request.instead == "anchor":
        return (
            "Instead of the name, it shall now say the name of the nearest public image; asked for "
            f"the kind of thing, “{honest}”."
        )
    stop = "" if honest.endswith(".") else "."
    return f"Instead of the name, it shall now say “{honest}”{stop}" if honest else ""


def guarantees(record: RunRecord) -> str:
    """What the numbers of the layers and of the answers promise, in sentences; "" where an older
    record has none."""
    lines = []
    if (kept := record.kept_answers) is not None:
        lines.append(
            f"Along the model's own answers to {count(kept.questions, 'question')} about other "
            f"images that had no part in the erasure, {kept.same:.0%} stay word for word, and "
            f"{kept.headroom:.0%} could not have changed: the winning word stayed clearly ahead "
            "(no score moved by half its lead). The scores differ by "
            f"{kept.divergence:.2g} on average (KL divergence, in nats: 0 where nothing differs)."
        )
    levels = [layer.level for layer in record.layers if layer.level is not None]
    if levels and len(levels) == len(record.layers):
        lines.append(
            "Of other concepts of the pool, each with up to three images that had no part in the "
            f"erasure, at most {SHARE:.0%} have one on which an edited layer, on its own, moves "
            f"its output by more than {_limit(max(levels))} of its usual length (with "
            f"{1 - RISK:.0%} confidence for each layer). That is where the answer to the question "
            "for a name begins, asked in one wording; elsewhere it may move more."
        )
    return " ".join(lines)


def count(number: int, noun: str) -> str:
    """1 question, 2 questions."""
    return f"{number:,} {noun}{'' if number == 1 else 's'}"


def _in_text(record: RunRecord) -> str:
    """The headline is about images: where text was to go too, a sentence on that, if no leak is."""
    told = record.told
    if not record.selection.request.text_too:
        return ""
    if not any(one.group == "told" for one in record.outcomes):
        return (
            " Whether it is gone from text too was not measured: we hold no questions in text "
            "alone about it."
        )
    if told is None or not told.questions:
        return (
            " Whether it is gone from text too could not be measured: of what was asked in text "
            "alone, the model answered nothing rightly before."
        )
    if are_forgotten(told) == NO:
        return ""
    return (
        f" Asked in text alone, it still tells of it in {told.successes} of "
        f"{count(told.questions, 'question')}."
    )


def _judged_by(record: RunRecord, own: OwnImages | None) -> tuple[Share, bool]:
    """The share that the verdict stands on, and whether it is the run's own."""
    if own is None or record.forget_accuracy.questions:
        return record.forget_accuracy, True
    return own.forget_accuracy, False


def _leaks(record: RunRecord, own: OwnImages | None) -> tuple[tuple[Way, ...], str]:
    """The run's leaks, and those on the auditor's own images where the verdict stands on them;
    and both as sentences.
    """
    found, shown = leaks_of(record), ()
    if not _judged_by(record, own)[1]:
        shown = leaks(own.outcomes, "own")
    said = (leak_said(found), leak_said(shown, _ON_OWN))
    return found + shown, "".join(f" {one}" for one in said if one)


def _seen(outcomes: Sequence[Outcome], ours: bool) -> str:
    """Other ways of asking that brought it up, too seldom to show more than 10 %, as a sentence."""
    found = ways(outcomes, "target" if ours else "own")
    some = [way for way in found if way.kind != "name" and way.left.successes]
    said = "; ".join(
        f"asked for {way.said}, {way.left.successes} of {way.left.questions}" for way in some
    )
    return f" Seen, though not shown to be more than 10 %: {said}." if some else ""


def _limit(value: float) -> str:
    # Rounded up: what misses the 10 % by little must not read as 10 %.
    return f"{math.ceil(1000 * value - 1e-9) / 10:g}\u00a0%"
