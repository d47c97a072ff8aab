"""What the page says of a result: the tables, and that a name is only ever text."""

from html import escape
from html.parser import HTMLParser

import pytest
from PIL import Image
from bare_page import Visit
from stand_in import EVIL, Bench, outcome, record, selection

from space_core.preview import Said
from space_core.types import ConceptRequest, RunRecord
from space_core.ui import markup, outcomes, verify_tab


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
    assert list(verify_tab.filtered(Bench(), *[None] * 3, "everything", "everything")) == []


def test_each_row_shows_the_image_that_was_asked_about(ready):
    asked = ready.erase().now["finished"].record.outcomes
    cells = [row[outcomes.HEADERS.index("Image")] for row in ready.now["table"]]
    assert outcomes.TYPES[outcomes.HEADERS.index("Image")] == "html"
    assert [cell.count('<img src="data:image/webp') for cell in cells] == [
        int(bool(one.image)) for one in asked
    ]
    pictures = {one.image: cell for one, cell in zip(asked, cells, strict=True)}
    assert len(set(pictures.values())) == len(pictures) > 2


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


def test_a_click_on_what_is_not_there_is_a_sentence(ready):
    ready.erase()
    for number in ("99", "x", None):
        ready.pick("table", row_value=[number])
        assert "status warning" in ready.now["opened"]
    before = ready.now["image"]
    ready.pick("ours", index=99)
    assert ready.now["image"] is None and before is None


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
        markup.named_picture(EVIL, None),
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
