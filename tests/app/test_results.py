"""What the page says of a result: the verdict, the tables, and that a name is only ever text."""

from dataclasses import replace
from html import escape
from html.parser import HTMLParser

import pytest
from PIL import Image
from bare_page import Visit
from stand_in import EVIL, Bench, outcome, record, selection, share

from space_core.preview import Said
from space_core.types import ConceptRequest, OwnImages, RunRecord
from space_core.ui import markup, outcomes, verify_tab, wording


# Step 4


@pytest.mark.parametrize(
    "group, verdict, numbers",
    [
        ("everything", "everything", [1, 2, 3, 4, 5]),
        ("target", "everything", [1, 2]),
        ("everything", "kept", [3, 5]),
        ("near", "lost", [4]),
        ("skill", "lost", []),
        ("everything", "general answer", [1]),
    ],
)
def test_the_table_filters(ready, group, verdict, numbers):
    ready.erase()
    assert group in dict(map(reversed, ready.looks["group"]["choices"]))
    assert verdict in dict(map(reversed, ready.looks["outcome"]["choices"]))
    ready.act("group", "input", group=group, outcome=verdict)
    assert [row[0] for row in ready.now["table"]] == numbers


def test_a_filter_without_a_result_shows_nothing():
    assert list(verify_tab.filtered(None, None, "everything", "everything")) == []


def test_a_row_opens_by_its_number_whatever_the_filter(ready):
    ready.pick("table", row_value=["1"])
    assert ready.now["opened"] == ""
    ready.erase().act("group", "input", group="near", outcome="lost")
    ready.pick("table", row_value=[str(cell) for cell in ready.now["table"][0]])
    wanted = verify_tab.opened(Bench(), ready.now["finished"].record, 4)
    assert ready.now["opened"] == wanted and "moon" in wanted and "data:image/webp" in wanted


def test_a_question_without_an_image_opens_without_one(ready):
    html = verify_tab.opened(Bench(), ready.erase().now["finished"].record, 5)
    assert "<img" not in html and "no-image" in html


def test_both_models_are_asked(ready):
    ready.erase().act("ask", question=" What is it? ")
    assert ready.now["answer_before"] == "before: What is it?"
    assert ready.now["answer_after"] == "after: What is it?" and ready.now["ask_status"] == ""


@pytest.mark.parametrize(
    "erased, question, sentence",
    [(False, "What?", "erase a concept in step 3"), (True, "  ", "The question is empty")],
)
def test_a_question_that_cannot_be_asked_is_a_sentence(ready, erased, question, sentence):
    ready = ready.erase() if erased else ready
    ready.changed.clear()
    ready.act("question", "submit", question=question)
    assert sentence in ready.now["ask_status"] and ready.changed == {"ask_status"}


# The verdict

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
    gone = replace(run, selection=selection)
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


def test_what_the_layers_and_answers_promise_is_said_in_words(ready):
    ready.erase()
    said = ready.now["promised"]
    assert "192 questions" in said and "97% stay word for word" in said and "62% could not" in said
    assert "at most 10% have one on which" in said and "more than 25%" in said
    assert list(ready.now["cost_plot"].data[0].y) == ["cat", "lime"]
    older = replace(record(), kept_answers=None, layers=())
    assert wording.guarantees(older) == ""


def test_without_a_question_nothing_is_shown_to_be_forgotten():
    # A limit of 0 that no question stands behind.
    run = record(forget_accuracy=share(0, 0, 0.0, 0.0))
    said = wording.verdict(run)
    assert said.headline == "Not shown to be forgotten" and "Nothing could be measured" in said.why
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


def test_a_model_that_did_not_come_back_whole_is_told():
    assert "came back bit for bit" in markup.verdict(record())
    html = markup.verdict(record(base_restored=False))
    assert "restart the app" in html and "bit for bit" not in html


def test_what_is_shown_side_by_side_is_not_picked_by_result():
    asked = [outcome(image="t9", right_before=False)]
    asked += [outcome(image=f"t{i}", verdict="still names it") for i in range(5)]
    asked += [outcome(image="t0"), outcome(group="far")]
    chosen = outcomes.side_by_side(asked)
    assert [one.image for one in chosen] == ["t0", "t1", "t2", "t1"]


# A name is only ever text


class Tags(HTMLParser):
    """Every element with its attributes, and the text between them."""

    def __init__(self, html: str):
        super().__init__()
        self.found, self.text = [], ""
        self.feed(html)

    def handle_starttag(self, tag: str, attributes: list) -> None:
        self.found.append((tag, dict(attributes)))

    def handle_data(self, data: str) -> None:
        self.text += data


def is_text(html: str, text: str = EVIL) -> bool:
    page = Tags(html)
    harmless = all("onerror" not in own and own.get("src") != "x" for _, own in page.found)
    return harmless and text in page.text


def evil_run() -> RunRecord:
    asked = outcome(**dict.fromkeys(
        ("group", "concept", "question", "expected", "before", "after", "verdict"), EVIL
    ))
    return record(selection(ConceptRequest(EVIL)), outcomes=(asked,))


@pytest.mark.parametrize(
    "html",
    [
        markup.status(EVIL),
        markup.note(EVIL),
        markup.notes([EVIL, EVIL]),
        markup.progress(EVIL, 0.5),
        markup.choice(selection(ConceptRequest(EVIL))),
        markup.verdict(evil_run()),
        markup.comparison([(evil_run().outcomes[0], None)]),
        markup.said(EVIL, EVIL, [(Said("", EVIL, EVIL), None)]),
        verify_tab.opened(Bench(), evil_run(), 1),
    ],
)
def test_markup_escapes(html):
    assert is_text(html) and EVIL not in html


def test_the_judge_of_markup_sees_a_live_element():
    assert not is_text(f"<p>{EVIL}</p>") and is_text(f"<p>{escape(EVIL)}</p>")


HTML_PARTS = {
    "concept_status", "anchors_status", "suggestions_note", "to_erase", "erase_status", "verdict",
    "pairs", "opened", "ask_status", "save_status", "live_facts", "decision_status", "decisions",
    "upload_status", "old_facts", "replay_status", "own_status", "state_note",
}  # fmt: skip


@pytest.mark.parametrize(
    "fault", [None, "select", "audit", "ask", "judge_images", "save", "take_away"]
)
def test_no_step_lets_a_name_become_an_element(pipeline, fault, tmp_path):
    visit, picture = Visit(pipeline), tmp_path / "own.png"
    Image.new("RGB", (8, 8)).save(picture)
    said: list[tuple[str, str]] = []

    def act(name: str, event: str = "click", **values) -> None:
        for view in visit.watch(name, event, **values):
            said.extend((part, html) for part, html in view.items() if part in HTML_PARTS)

    act("find", concept=EVIL)
    if fault:
        pipeline.faults[fault] = ValueError(f"“{EVIL}” is at fault.")
    act("count", "release", count=8)
    act("erase"), act("erase", "then")
    act("ask", question=EVIL)
    act("ask_again")
    act("own_upload", "upload", own_upload=[picture])
    act("decide", judgement="reject", auditor=EVIL, notes=EVIL)
    act("upload", "upload", upload=visit.now.get("record_file"))
    act("replay"), act("replay", "then")
    assert len(said) > 8 and all(EVIL not in html for _, html in said)
    assert {part for part, html in said if is_text(html)} >= {"anchors_status", "erase_status"}
    assert not fault or any(is_text(html, f"“{EVIL}” is at fault.") for _, html in said)


def test_cells_hold_the_text_itself(pipeline):
    visit = Visit(pipeline).act("find", concept=EVIL).erase()
    assert visit.now["table"][0][2] == visit.now["dropped"][0][1] == EVIL
    (caption, *_) = [text for _, text in visit.now["gallery"]]
    assert EVIL in caption
