"""Bad input to the fields of the served page: a sentence that names the fault, nothing computed."""

import html

import gradio as gr
import pytest
from gradio_client import handle_file
from gradio_client.exceptions import AppError
from PIL import Image

BAD_FILES = {
    "torn.png": b"\x89PNG\r\n\x1a\n torn",
    "drawing.svg": b"<svg xmlns='http://www.w3.org/2000/svg' onload='alert(1)'/>",
    "notes.txt": b"no picture",
}


@pytest.fixture(scope="module")
def found(come):
    """A visitor with anchors."""
    one = come()
    one.find("lemon")
    return one


@pytest.fixture(scope="module")
def erased(come):
    """A visitor with an edited model."""
    one = come()
    one.find("lemon"), one.erase()
    return one


@pytest.fixture(params=BAD_FILES)
def bad_file(request, tmp_path):
    path = tmp_path / request.param
    path.write_bytes(BAD_FILES[request.param])
    return path


# Images


def test_a_bad_image_beside_a_question_is_named(page, erased, bad_file):
    asked = list(page.pipeline.asked)
    given = {"Your question": "What?", "Your image": handle_file(bad_file)}
    said = erased.press("Ask both models", **given)
    assert f"“{bad_file.name}” cannot be read as an image: give a PNG" in said
    assert page.pipeline.asked == asked and str(bad_file.parent) not in said


def test_a_good_image_beside_a_question_is_asked_about(erased, tmp_path):
    Image.new("RGBA", (9, 7)).save(tmp_path / "good.webp")
    given = {"Your question": "What?", "Your image": handle_file(tmp_path / "good.webp")}
    assert "after: What?" in erased.press("Ask both models", **given)


def test_a_bad_image_of_the_concept_is_named_and_goes_with_the_others(
    page, erased, bad_file, tmp_path
):
    Image.new("RGB", (9, 7)).save(tmp_path / "good.png")
    label, judged = "Add images of the concept", list(page.pipeline.judged)
    given = [handle_file(path) for path in (tmp_path / "good.png", bad_file)]
    said = erased.press(label, "upload", **{label: given})
    assert f"“{bad_file.name}” cannot be read as an image: give a PNG" in said
    assert page.pipeline.judged == judged
    assert not list(page.uploads.rglob("good.png")) + list(page.uploads.rglob(bad_file.name))


def test_one_file_can_be_asked_about_and_shown_as_the_concept(erased, tmp_path):
    Image.new("RGB", (9, 7)).save(tmp_path / "both.png")
    image, label = handle_file(tmp_path / "both.png"), "Add images of the concept"
    asked = {"Your question": "What?", "Your image": image}
    assert "after: What?" in erased.press("Ask both models", **asked)
    erased.press(label, "upload", **{label: [image], "Your image": image})
    assert "after: What?" in erased.press("Ask both models", **asked)


# Words


@pytest.mark.parametrize(
    "label, value, sentence",
    [
        ("Concept to forget", " ", "The concept is empty"),
        ("Concept to forget", "x" * 81, "is 81 characters long: use at most 80"),
        ("Other names (optional)", "lemon, " + "x" * 99, "is 99 characters long: use at most 80"),
        ("Honest general word (optional)", "x" * 81, "is 81 characters long: use at most 80"),
        ("Description (optional)", "x" * 501, "longer than 500 characters: shorten it"),
        ("Other names (optional)", "lemon," * 31, "31 other names are too many: give at most 30"),
    ],
)
def test_words_that_cannot_be_searched_are_a_sentence(page, come, label, value, sentence):
    chosen = list(page.pipeline.chosen)
    said = come().press("Find proxy anchors", **{"Concept to forget": "lemon", label: value})
    assert sentence in said and "warning" in said and page.pipeline.chosen == chosen


# What the page does not offer, sent past it

_QUESTIONS = "Questions to ask, besides those about the concept"
_CUT, _DIFFERENT = "Similarity cut S_th", "Only questions with different outcomes"


def refused(one, event, **values):
    """Sends what gradio refuses; the sentence that the browser is shown then."""
    with pytest.raises(AppError) as refusal:
        one.send(event, **values)
    # The browser calls this then.
    (failure,) = (
        d for d in one.config["dependencies"]
        if d["trigger_after"] == event["id"] and d["trigger_only_on_failure"] and d["backend_fn"]
    )
    said = str(one.send(failure, **values)[-1])
    assert "a value is none that this page offers" in said.lower() and "load the page again" in said
    assert "Traceback" not in str(refusal.value) and ".py" not in str(refusal.value)


@pytest.mark.parametrize(
    "button, label, value",
    [
        ("Find proxy anchors", "Concepts to protect (optional)", ["nobody"]),
        ("Find proxy anchors", "In its place the model says", "rude"),
        ("Find proxy anchors", _QUESTIONS, ["nobody"]), ("Find proxy anchors", _QUESTIONS, None),
        ("Erase", "Steps", 10**6), ("Erase", "Steps", 0), ("Erase", "Steps", "many"),
        ("Erase", "Softness λ (soft null space)", -1),
        ("Erase", "Energy share (hard null space)", 2), ("Erase", "Method", "loud"),
    ],
)
def test_a_value_that_is_not_offered_is_refused_in_a_sentence(page, found, button, label, value):
    event = found.event(button, "click")
    if button == "Erase":
        found.send(event)
        event = found.after(event)
    before = (list(page.pipeline.chosen), list(page.pipeline.audited))
    refused(found, event, **{"Concept to forget": "lemon", label: value})
    assert (page.pipeline.chosen, page.pipeline.audited) == before


@pytest.mark.parametrize(
    "label, event, value",
    [
        (_CUT, "release", 7), (_CUT, "release", -3), (_CUT, "release", "many"),
        ("Used as anchors", "input", [999]), ("Used as anchors", "input", ["x"]),
        ("Used as anchors", "input", None),
        ("About", "input", "nobody"), ("About", "input", ["x"]),
        ("Outcome", "input", "nobody"), ("Outcome", "input", 7),
    ],
)
def test_a_choice_that_is_not_offered_is_refused_where_it_is_made(
    page, erased, label, event, value
):
    chosen = list(page.pipeline.chosen)
    filters = {"About": "everything", "Outcome": "everything"}
    refused(erased, erased.event(label, event), **{**filters, label: value})
    assert page.pipeline.chosen == chosen


@pytest.mark.parametrize("value", ["nobody", 7, ["x"]])
def test_a_domain_that_the_leaderboard_has_not_is_refused(come, value):
    one = come()
    refused(one, one.after(one.event("Concepts of", "input")), **{"Concepts of": value})


@pytest.mark.parametrize("value", ["maybe", None, 7])
def test_whatever_the_filter_of_the_comparison_is_nothing_fails(erased, value):
    assert erased.press(_DIFFERENT, "input", **{_DIFFERENT: value}) == str(gr.skip())


@pytest.mark.parametrize(
    "length, says", [(300, "after: xxx"), (301, "too long: use at most 300 characters")]
)
def test_a_question_has_a_length(page, erased, length, says):
    asked = list(page.pipeline.asked)
    assert says in erased.press("Ask both models", **{"Your question": "x" * length})
    assert len(page.pipeline.asked) - len(asked) == (length == 300)


def test_no_question_at_all_is_an_empty_one(erased):
    assert "The question is empty" in erased.press("Ask both models", **{"Your question": None})


@pytest.mark.parametrize("value", ["perhaps", 7, ["accept"]])
def test_a_decision_that_is_not_offered_is_refused(erased, value):
    refused(erased, erased.event("Save decision", "click"), **{"Your decision": value})


@pytest.mark.parametrize(
    "label, value, says",
    [
        ("Your decision", None, "Choose first: accept, reject, or more work needed"),
        ("Your name", " ", "name is empty"), ("Your name", None, "name is empty"),
        ("Your name", "x" * 81, "is 81 characters long: use at most 80"),
        ("Notes (optional)", "x" * 4001, "The notes are 4,001 characters long: use at most 4,000"),
        ("Notes (optional)", None, "Saved"),
    ],
)  # fmt: skip
def test_a_decision_that_cannot_be_kept_is_a_sentence(erased, label, value, says):
    whole = {"Your decision": "accept", "Your name": "Ada", "Notes (optional)": ""}
    assert says in html.unescape(erased.press("Save decision", **{**whole, label: value}))


@pytest.mark.parametrize("count", [1, 10**6, "many"])
def test_a_number_of_anchors_that_is_not_offered_chooses_none(page, found, count):
    chosen = list(page.pipeline.chosen)
    with pytest.raises(AppError):
        found.press("Number of anchors |P|", "release", **{"Number of anchors |P|": count})
    assert page.pipeline.chosen == chosen
