"""The verdict on a run: when it is called forgotten, what warns, and the numbers behind it."""

from dataclasses import replace
from html import escape

import pytest
from stand_in import outcome, record, share

from space_core.types import OwnImages
from space_core.ui import markup, wording

ALL_KEPT = share(60, 60, 0.94, 1.0)
KEPT = {
    "retained_accuracy": ALL_KEPT, "proximal_retained_accuracy": ALL_KEPT,
    "neighbours_yes_no": ALL_KEPT, "skills": ALL_KEPT,
}  # fmt: skip


@pytest.mark.parametrize(
    "measured, headline",
    [
        (share(0, 60, 0.0, 0.06), "Forgotten"),
        (share(1, 70, 0.01, 0.10), "Forgotten"),
        (share(1, 70, 0.01, 0.1000001), "Not shown to be forgotten"),
        (share(0, 10, 0.0, 0.28), "Not shown to be forgotten"),
        (share(60, 60, 0.94, 1.0), "Not forgotten"),
    ],
)
def test_only_the_upper_limit_makes_it_forgotten(measured, headline):
    run, forgotten = record(forget_accuracy=measured, **KEPT), headline == "Forgotten"
    assert wording.verdict(run).headline == headline
    assert wording.verdict(run).forgotten is forgotten
    html = markup.verdict(run)
    assert f"{headline}: “lemon”" in html
    assert ("verdict good" in html) is forgotten and ("verdict bad" in html) is not forgotten


def test_what_costs_others_is_no_good_news():
    spoilt = {**KEPT, "skills": share(12, 60, 0.12, 0.32)}
    html = markup.verdict(record(**spoilt))
    assert "verdict warning" in html and "Forgotten: “lemon”" in html
    assert "verdict warning" not in markup.verdict(record(**KEPT))


def test_text_is_a_question_of_its_own_only_where_it_was_to_go():
    run = record(told=share(0, 40, 0.0, 0.088))
    asked = "Is it gone from text too?"
    assert asked not in wording.answers(run)
    assert "0 of 40 questions. What text tells was not asked to go" in markup.verdict(run)
    selection = replace(run.selection, request=replace(run.selection.request, text_too=True))
    texts = (*run.outcomes, outcome(group="told", image=""))
    gone = replace(run, selection=selection, outcomes=texts)
    assert wording.answers(gone)[asked] == wording.YES and asked in markup.verdict(gone)
    assert "in text alone, it still tells of it in 0 of 40 questions" in wording.verdict(gone).why
    assert "text alone" not in wording.verdict(run).why
    few = replace(gone, told=share(0, 12, 0.0, 0.24))
    assert wording.answers(few)[asked] == wording.OPEN
    kept = replace(gone, told=share(3, 3, 0.44, 1.0))
    assert wording.verdict(kept).headline == "Not forgotten in every way"
    assert "asked for it in text alone, in 3 of 3." in wording.verdict(kept).why
    assert wording.verdict(replace(run, told=kept.told)).forgotten, "it was not asked to go"
    none = replace(gone, told=None)
    assert asked not in wording.answers(none) and "Told without" not in markup.verdict(none)
    for nothing in (None, share(0, 0, 0.0, 1.0)):
        unasked = replace(gone, told=nothing, outcomes=run.outcomes)
        assert "we hold no questions in text alone" in wording.verdict(unasked).why
        texts = (*gone.outcomes, outcome(group="told", image="", right_before=False))
        unknown = replace(unasked, outcomes=texts)
        assert "from text too could not be measured" in wording.verdict(unknown).why
    assert asked in markup.verdict(replace(gone, told=share(0, 0, 0.0, 1.0)))


def test_what_the_layers_and_answers_promise_is_said_in_words(ready):
    ready.erase()
    said = ready.now["promised"]
    assert "192 questions" in said and "97% stay word for word" in said and "62% could not" in said
    assert "asked in one wording; elsewhere it may move more" in said
    assert "at most 10% have one on which" in said and "more than 25\u00a0%" in said
    assert list(ready.now["cost_plot"].data[0].y) == ["cat", "lime"]
    older = replace(record(), kept_answers=None, layers=())
    assert wording.guarantees(older) == ""
    # A limit is never said smaller than it is.
    close = [replace(layer, level=0.0149) for layer in record().layers]
    assert "more than 1.5\u00a0%" in wording.guarantees(replace(record(), layers=tuple(close)))


def test_without_a_question_nothing_is_shown_to_be_forgotten():
    # A limit of 0 that no question stands behind.
    run = record(forget_accuracy=share(0, 0, 0.0, 0.0))
    said = wording.verdict(run)
    assert said.headline == "Not shown to be forgotten" and "Nothing could be measured by naming" in said.why
    assert "no question could be asked" in markup.verdict(run)


def test_what_stands_behind_a_share_is_counted_and_explained():
    assert wording.behind(share()).endswith("1 of 20 questions, 10 views of 4 images")
    alike = replace(share(), images=4)
    assert wording.behind(alike).endswith("1 of 20 questions, 4 images")
    assert wording.behind(replace(alike, images=0, drawings=0)).endswith("without an image")
    html = markup.verdict(record())
    explained = html.index(escape(wording.INTERVAL)), html.index(escape(wording.VIEWS))
    assert max(explained) < html.index('class="card"')


@pytest.mark.parametrize("high", [0.1001, 0.1015, 0.104])
def test_a_limit_just_above_ten_is_not_called_ten(high):
    why = wording.verdict(record(forget_accuracy=share(0, 34, 0.0, high))).why
    assert "up to 10\u00a0%" not in why and "up to 10.0\u00a0%" not in why


def test_the_verdict_gives_the_numbers_behind_it():
    why = wording.verdict(record(forget_accuracy=share(2, 37, 0.01, 0.18))).why
    assert "Of 37 questions" in why and "still names the concept in 2" in why and "18" in why


@pytest.mark.parametrize("questions", [60, 0])
def test_a_stopped_run_is_called_partial(questions):
    run = record(forget_accuracy=share(0, questions, 0.0, 0.06), stopped=True)
    assert "judges a partial edit" in wording.verdict(run).why
    assert "Stopped early" in markup.verdict(run)
    assert "partial" not in markup.verdict(record())


def test_own_images_that_still_name_it_are_a_warning_beside_a_good_headline():
    own = OwnImages((), share(40, 40, 0.9, 1.0), share(0, 13, 0.0, 0.2))
    html = markup.verdict(record(**KEPT), own)
    said = "On your own images it is still named, in 40 of 40 questions"
    assert "verdict good" in html and html.index("<h2>") < html.index(said) < html.index("card")
    none = OwnImages((), share(0, 40, 0.0, 0.09), share(0, 13, 0.0, 0.2))
    assert "On your own images" not in markup.verdict(record(), none) + markup.verdict(record())
    # Where the headline stands on them, it says so itself.
    blind = record(forget_accuracy=share(0, 0, 0.0, 1.0), outcomes=())
    assert "On your own images" not in markup.verdict(blind, own)
    assert "still names the concept in 40" in markup.verdict(blind, own)


@pytest.mark.parametrize(
    "yes_no, shallow",
    [
        (share(5, 20, 0.112, 0.47), True),
        (share(4, 20, 0.081, 0.42), False),
        (share(0, 0, 0.0, 1.0), False),
    ],
)
def test_a_yes_to_its_name_is_called_a_shallow_erasure(yes_no, shallow):
    assert ("Shallow erasure" in markup.verdict(record(yes_no=yes_no))) is shallow


def test_a_name_that_comes_out_in_another_way_is_not_forgotten():
    spanish = [outcome(kind="name-es", verdict="still names it") for _ in range(18)]
    spanish += [outcome(kind="name-es") for _ in range(3)]
    leaking = record(outcomes=(*record().outcomes, *spanish))
    found = wording.verdict(leaking)
    assert not found.forgotten and found.headline == "Not forgotten in every way"
    assert "asked for its name, in Spanish, in 18 of 21." in found.why
    assert wording.is_forgotten(leaking) == wording.NO
    assert "Answers that still give it away, by what is asked: its name 1 of 2 · its name, in Spanish 18 of 21." in (
        markup.verdict(leaking)
    )
    few = record(outcomes=(*record().outcomes, *spanish[17:]))
    assert wording.verdict(few).headline == "Forgotten"
    assert wording.is_forgotten(few) == wording.YES
    # Where the run has no images of ours, the auditor's are asked in every way, too.
    blind = record(forget_accuracy=share(0, 0, 0.0, 1.0), outcomes=())
    own = tuple(replace(one, group="own") for one in spanish)
    images = OwnImages(own, share(0, 60, 0.0, 0.06), share(0, 13, 0.0, 0.2))
    assert wording.verdict(blind, images).headline == "Not forgotten in every way"
    assert "Answers that still give it away, on your images, by what is asked: its name, in Spanish 18 of 21." in (
        markup.verdict(blind, images)
    )


def leak(count: int, of: int, **changes) -> list:
    changes = {"kind": "name-es", **changes}
    return [outcome(verdict="still names it", **changes) for _ in range(count)] + [
        outcome(**changes) for _ in range(of - count)
    ]


def test_a_leak_counts_where_naming_is_not_shown_or_not_measured():
    spanish = tuple(leak(21, 21))
    close = record(forget_accuracy=share(7, 122, 0.03, 0.114), outcomes=spanish)
    unnamed = record(forget_accuracy=share(0, 0, 0.0, 1.0), outcomes=spanish)
    for one in (close, unnamed):
        found = wording.verdict(one)
        assert found.headline == "Not forgotten in every way" and not found.forgotten
        assert "asked for its name, in Spanish, in 21 of 21." in found.why
        assert wording.is_forgotten(one) == wording.NO
    assert "Nothing could be measured by naming" in wording.verdict(unnamed).why
    plain = record(forget_accuracy=share(60, 60, 0.94, 1.0), outcomes=spanish)
    assert wording.verdict(plain).headline == "Not forgotten"


def test_own_images_do_not_hide_what_the_run_itself_leaks():
    own = OwnImages((), share(0, 60, 0.0, 0.06), share(0, 13, 0.0, 0.2))
    blind = record(forget_accuracy=share(0, 0, 0.0, 1.0), outcomes=tuple(leak(21, 21)))
    assert wording.verdict(blind, own).headline == "Not forgotten in every way"
    request = replace(blind.selection.request, text_too=True)
    told = replace(
        blind, outcomes=(), selection=replace(blind.selection, request=request),
        told=share(10, 10, 0.72, 1.0),
    )  # fmt: skip
    found = wording.verdict(told, own)
    assert found.headline == "Not forgotten in every way" and "in text alone, in 10" in found.why
    assert "named the concept in none" not in wording.verdict(told).why
    assert wording.verdict(told).headline == "Not forgotten in every way"
    assert "Add some of your own" in wording.verdict(told).why
    assert wording.verdict(replace(told, told=share(0, 40, 0.0, 0.09)), own).forgotten
    unasked = wording.verdict(replace(told, told=None), own)
    assert unasked.forgotten and "we hold no questions in text alone" in unasked.why


def test_what_was_seen_in_another_way_is_told_though_it_shows_no_more_than_a_tenth():
    found = wording.verdict(record(outcomes=tuple(leak(2, 14))))
    assert found.headline == "Forgotten"
    assert "not shown to be more than 10 %: asked for its name, in Spanish, 2 of 14." in found.why
    assert "Seen" not in wording.verdict(record(outcomes=tuple(leak(0, 14)))).why


@pytest.mark.parametrize(
    "value, said",
    [
        (1.0, "100 %"), (216 / 217, "99.5 %"), (9999 / 10000, "over 99.9 %"), (0.99, "99.0 %"),
        (0.999, "99.9 %"), (0.984, "98 %"), (0.034, "3.4 %"), (0.001, "0.1 %"),
        (0.00001, "under 0.1 %"), (0.0, "0 %"),
    ],
)  # fmt: skip
def test_all_is_said_of_all_alone(value, said):
    assert wording.percent(value) == said.replace(" ", "\u00a0")


def test_own_images_that_leak_in_another_way_are_a_warning():
    spanish = tuple(leak(20, 20, group="own"))
    own = OwnImages(spanish, share(0, 60, 0.0, 0.06), share(0, 13, 0.0, 0.2))
    html = markup.verdict(record(**KEPT), own)
    assert "comes out in other ways on your own images: asked for its name, in Spanish" in html


def test_a_name_given_where_another_was_asked_about_is_a_leak():
    leaking = record(outcomes=tuple(leak(44, 44, kind="other-yes-no")))
    assert "with another name, in 44 of 44" in wording.verdict(leaking).why
    assert wording.is_forgotten(leaking) == wording.NO


def test_a_model_that_did_not_come_back_whole_is_told():
    assert "came back bit for bit" in markup.verdict(record())
    html = markup.verdict(record(base_restored=False))
    assert html.count("restart the app") == 1 and "bit for bit" not in html
