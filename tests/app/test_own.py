"""The auditor's own images and questions: asked of the edit alone, kept in the visit alone."""

from pathlib import Path

import pytest
from PIL import Image
from stand_in import EDIT, Bench, Finished, outcome, record, share

from space_core.types import OwnImages
from space_core.ui import image_file, markup, own_images, own_questions, verify_tab, wording
from space_core.ui.where import Where


@pytest.fixture
def pictures(tmp_path):
    """The paths of some image files."""

    def make(count: int) -> list[str]:
        paths = [tmp_path / f"own-{i}.png" for i in range(count)]
        for i, path in enumerate(paths):
            Image.new("RGB", (8, 8), (i, 0, 0)).save(path)
        return [str(path) for path in paths]

    return make


def blind(**changes):
    """A run that had no images of the concept to ask about."""
    asked = (outcome(group="near", verdict="kept"),)
    return record(forget_accuracy=share(0, 0, 0.0, 1.0), outcomes=asked, **changes)


# Own images


def test_own_images_are_asked_of_the_finished_edit_and_shown_apart(ready, pipeline, pictures):
    ready.erase().act("own_upload", "upload", own_upload=pictures(2))
    finished = ready.now["finished"]
    assert pipeline.judged == [(finished.record, EDIT, 2)]
    assert "Your images: Still names the concept" in ready.now["verdict"]
    for number, row in enumerate(ready.now["table"][-2:], start=1):
        assert "data:image/webp" in row[3] and f"<span>your image {number}</span>" in row[3]
    ready.act("group", "input", group="own", outcome="everything")
    assert [row[0] for row in ready.now["table"]] == [6, 7]
    ready.pick("table", row_value=["7"])
    assert "data:image/webp" in ready.now["opened"] and "Your images" in ready.now["opened"]
    # The run itself, as it was kept, knows nothing of them.
    assert not any(one.group == "own" for one in ready.now["finished"].record.outcomes)


def test_how_far_the_asking_is_and_whose_judgement_it_is_are_said(ready, pipeline, pictures):
    ready.erase()
    said = [view["own_status"] for view in ready.watch(
        "own_upload", "upload", own_upload=pictures(1)
    )]  # fmt: skip
    assert any("3 of 6 answered" in one and "<progress" in one for one in said)
    assert "record" not in said[-1]
    # A run that had none of ours: its files know nothing of what is seen here.
    run = Finished(blind(), EDIT)
    *_, last = own_images.add(pipeline, pictures(1), None, run, Where("verify"), "", "", None)
    assert "the notes of your decision" in last["own_status"]


def test_more_images_join_those_before_and_all_can_be_taken_away(ready, pipeline, pictures):
    ready.erase().act("own_upload", "upload", own_upload=pictures(2))
    ready.act("own_upload", "upload", own_upload=pictures(3))
    assert [count for *_, count in pipeline.judged] == [2, 5]
    assert len(ready.now["own_pictures"].images) == 5
    ready.act("own_clear")
    assert ready.now["own"] is None and ready.now["own_pictures"] is None
    assert "Your images" not in ready.now["verdict"] and len(ready.now["table"]) == 5


def test_of_an_upload_nothing_stays_on_the_disk(ready, pictures, tmp_path, monkeypatch):
    kept, (first, second) = pictures(1), pictures(2)
    ready.erase().act("own_upload", "upload", own_upload=kept)
    assert Path(kept[0]).is_file()  # no upload of the page's
    monkeypatch.setenv("GRADIO_TEMP_DIR", str(tmp_path))
    ready.act("own_upload", "upload", own_upload=[first, second])
    assert not Path(first).exists() and not Path(second).exists()
    assert len(ready.now["own_pictures"].images) == 3


def test_own_images_reach_no_later_erasure(ready, pipeline, pictures, monkeypatch):
    ready.erase().act("own_upload", "upload", own_upload=pictures(2))
    given, audit, select = [], pipeline.audit, pipeline.select
    monkeypatch.setattr(pipeline, "audit", lambda *a: given.extend(a) or audit(*a))
    monkeypatch.setattr(pipeline, "select", lambda *a: given.extend(a) or select(*a))
    ready.act("count", "release", count=8).erase()
    assert len(given) == 9 and not any(isinstance(one, (Image.Image, OwnImages)) for one in given)
    assert not any(part.name.startswith("own") for name, event in (
        ("find", "click"), ("count", "release"), ("used", "input"), ("erase", "then"),
        ("replay", "then"),
    ) for part in ready.parts[name].tied[event].inputs)  # fmt: skip
    # Nothing that was said of them is left of another edit.
    assert ready.now["own"] is None and "Your images" not in ready.now["verdict"]


def test_own_images_of_the_same_concept_wait_to_be_asked_about_again(ready, pipeline, pictures):
    ready.erase().act("own_upload", "upload", own_upload=pictures(2))
    ready.erase().act("erase", "then then then")
    assert "2 images of yours from before are still here" in ready.now["own_status"]
    assert ready.looks["own_again"]["visible"] and len(pipeline.judged) == 1
    ready.act("own_again")
    assert [count for *_, count in pipeline.judged] == [2, 2]
    assert "Your images: Still names the concept" in ready.now["verdict"]
    assert not ready.looks["own_again"]["visible"]
    # Of another concept they would say nothing.
    ready.act("find", concept="cat").erase().act("erase", "then then then")
    assert ready.now["own_pictures"] is None and not ready.looks["own_again"]["visible"]
    assert "2 images of yours showed “lemon” and were let go" in ready.now["own_status"]
    ready.act("own_again")
    assert "add some first" in ready.now["own_status"] and len(pipeline.judged) == 2


def test_an_erasure_that_fails_leaves_what_was_asked_of_own_images(ready, pipeline, pictures):
    ready.erase().act("own_upload", "upload", own_upload=pictures(2))
    pipeline.faults["audit"] = ValueError("Take fewer steps.")
    ready.erase().act("erase", "then then then")
    assert "Take fewer steps." in ready.now["erase_status"] and ready.now["own"] is not None
    assert "Asked about 2 images of yours" in ready.now["own_status"]
    assert not ready.looks["own_again"]["visible"]


def test_own_images_stay_when_a_run_of_their_concept_is_opened(ready, pictures):
    ready.erase().act("find", concept="cat").erase()
    cat, lemon = (key for _, key in ready.looks["my_runs"]["choices"])
    ready.act("own_upload", "upload", own_upload=pictures(2))
    ready.act("open_run", my_runs=[cat]).act("open_run", "then")
    assert len(ready.now["own_pictures"].images) == 2 and ready.looks["own_again"]["visible"]
    assert "2 images of yours from before are still here" in ready.now["own_status"]
    ready.act("open_run", my_runs=[lemon]).act("open_run", "then")
    assert ready.now["own_pictures"] is None and not ready.looks["own_again"]["visible"]
    assert "“cat” and were let go: add some of “lemon”" in ready.now["own_status"]


@pytest.mark.parametrize(
    "count, erased, sentence",
    [(2, False, "erase a concept in step 3"), (own_images.MOST + 1, True, "too many")],
)
def test_images_that_cannot_be_asked_about_are_a_sentence(
    ready, pipeline, pictures, count, erased, sentence
):
    ready = ready.erase() if erased else ready
    ready.changed.clear()
    ready.act("own_upload", "upload", own_upload=pictures(count))
    assert sentence in ready.now["own_status"] and ready.changed == {"own_status"}
    assert not pipeline.judged


def test_a_file_that_is_no_image_is_named(ready, tmp_path, pictures):
    (tmp_path / "notes.png").write_text("no picture")
    ready.erase().act("own_upload", "upload", own_upload=[*pictures(1), tmp_path / "notes.png"])
    assert "“notes.png” cannot be read as an image" in ready.now["own_status"]
    assert ready.now["own_pictures"] is None


@pytest.mark.parametrize("case", ["unreadable", "too many", "no edit"])
def test_what_is_not_asked_about_goes_into_no_file_either(
    ready, tmp_path, pictures, monkeypatch, case
):
    monkeypatch.setenv("GRADIO_TEMP_DIR", str(tmp_path))
    paths = pictures(own_images.MOST + 1 if case == "too many" else 2)
    if case == "unreadable":
        Path(paths[0]).write_text("no picture")
    read = []
    monkeypatch.setattr(image_file, "read", lambda path: read.append(path) or 1 / 0)
    ready = ready if case == "no edit" else ready.erase()
    ready.act("own_upload", "upload", own_upload=paths)
    assert not any(Path(path).exists() for path in paths)
    # What are too many are not even read.
    assert len(read) == (case == "unreadable")


@pytest.mark.parametrize("high, headline", [(0.09, "Forgotten"), (0.2, "Not shown")])
def test_without_images_of_ours_the_auditors_judge(high, headline):
    assert wording.verdict(blind()).headline == "Not verified on images"
    assert "Is it forgotten? <b class=\"info\">" in markup.verdict(blind())
    own = OwnImages((), share(0, 40, 0.0, high), share(0, 13, 0.0, 0.2))
    found = wording.verdict(blind(), own)
    assert headline in found.headline and "on your 10 images" in found.why


def test_with_images_of_ours_the_auditors_stand_beside():
    own = OwnImages((), share(40, 40, 0.9, 1.0), share(0, 13, 0.0, 0.2))
    assert wording.verdict(record(), own) == wording.verdict(record())
    assert "Your images: Still names the concept" in markup.verdict(record(), own)


# Own questions


def test_all_questions_of_the_visit_are_asked_again_with_the_present_edit(
    ready, pipeline, pictures
):
    ready.erase()
    for text in ("What?", "Who?", "What?"):
        ready.act("ask", question=text, image=None)
    first, other = pictures(2)
    for text, image in (("What?", first), ("What?", other), ("Where?", first)):
        ready.act("ask", question=text, image=image)
    ready.erase()
    assert len(ready.now["asked"]) == 5 and not ready.looks["again"]["visible"]
    pipeline.asked.clear()
    ready.act("ask_again")
    assert [question for question, _ in pipeline.asked] == [
        "Who?", "What?", "What?", "What?", "Where?"
    ]  # fmt: skip
    assert ready.looks["again"]["visible"] and ready.now["ask_status"] == ""
    assert ready.now["again"][0] == ["(text only)", "Who?", "before: Who?", "after: Who?"]
    # Which image is told by its number.
    seen = [row[0] for row in ready.now["again"]]
    assert seen == ["(text only)", "(text only)", "image 1", "image 2", "image 1"]


def test_the_visit_keeps_the_last_questions_only(ready):
    ready.erase()
    for i in range(own_questions.KEPT + 3):
        ready.act("ask", question=f"{i}?")
    assert len(ready.now["asked"]) == own_questions.KEPT and ready.now["asked"][0].question == "3?"


@pytest.mark.parametrize("erased, sentence", [(False, "step 3"), (True, "ask one first")])
def test_asking_nothing_again_is_a_sentence(ready, erased, sentence):
    ready = ready.erase() if erased else ready
    ready.act("ask_again")
    assert sentence in ready.now["ask_status"]


def test_an_image_of_ours_is_taken_by_a_click(ready):
    ready.erase()
    offered = ready.now["ours"]
    assert [text for _, text in offered] == [
        "The concept itself: lemon", "The concept itself: lemon", "Nearest concepts: sun",
        "Nearest concepts: moon",
    ]  # fmt: skip
    ready.pick("ours", index=2)
    assert ready.now["image"] == offered[2][0]


# The strip


def test_alarms_stand_before_the_numbers_and_once():
    same = tuple(outcome(after="a lemon", verdict="still names it") for _ in range(4))
    html = markup.verdict(record(outcomes=same, warnings=()))
    assert html.count("Nothing changed") == 1 and html.index("Nothing changed") < html.index("card")
    told = markup.verdict(record(outcomes=same, warnings=("Nothing else.",)))
    assert told.count("Nothing changed") == 1 and "Nothing else." in told
    assert "Nothing changed" not in markup.verdict(record())


def test_a_model_that_stammers_has_not_forgotten():
    broken = tuple(outcome(after="", verdict="broken") for _ in range(4))
    run = record(outcomes=broken)
    assert wording.verdict(run).headline == "The model broke"
    assert not wording.verdict(run).forgotten and wording.is_forgotten(run) == wording.OPEN
    assert markup.verdict(run).count("The model broke: 4 of 4") == 1
    own = OwnImages(broken, share(0, 60, 0.0, 0.06), share(0, 20, 0.0, 0.16))
    assert wording.verdict(blind(), own).headline == "The model broke"


@pytest.mark.parametrize(
    "shares, answer",
    [
        ([share(99, 100, 0.95, 1.0), share(98, 100, 0.9, 1.0)], wording.YES),
        ([share(99, 100, 0.95, 1.0), share(95, 100, 0.89, 0.98)], wording.OPEN),
        ([share(99, 100, 0.95, 1.0), share(50, 100, 0.4, 0.6)], wording.NO),
        ([share(0, 0, 0.0, 1.0), share(99, 100, 0.95, 1.0)], wording.YES),
        ([share(0, 0, 0.0, 1.0)], wording.UNASKED),
    ],
)
def test_kept_is_said_only_where_the_lower_limits_carry_it(shares, answer):
    assert wording.are_kept(*shares) == answer


@pytest.mark.parametrize(
    "measured, answer",
    [
        (share(0, 60, 0.0, 0.06), wording.YES), (share(3, 60, 0.02, 0.14), wording.OPEN),
        (share(30, 60, 0.38, 0.62), wording.NO), (share(0, 0, 0.0, 1.0), wording.UNASKED),
    ],
)  # fmt: skip
def test_forgotten_is_answered_by_the_limits(measured, answer):
    assert wording.is_forgotten(record(forget_accuracy=measured)) == answer


def test_an_answer_lost_to_stammering_is_called_broken():
    lost = outcome(group="near", after="sun sun sun sun", verdict="lost")
    assert wording.outcome(lost) == "broken"
    assert wording.outcome(outcome(group="near", verdict="lost")) == "lost"


def test_a_map_is_shown_where_there_is_one(ready):
    ready.erase()
    assert ready.looks["states"]["visible"] and "before only" in ready.now["state_note"]
    old = Finished(record(states=None), EDIT)
    assert not verify_tab.shown(Bench(), old)["states"]["visible"]


def test_what_optimising_made_of_the_anchors_is_told_until_others_are_chosen(ready):
    assert not ready.looks["optimised"]["visible"]
    assert ready.erase().looks["optimised"]["visible"]
    assert ready.now["beliefs"] == [
        ["1 · like lemon", "50\u00a0%", "This is a sun.", "This is lemon.", "lemon"]
    ]
    ((_, said),) = ready.looks["nearest"]["value"]
    assert said == f"{Bench().pool_caption(31)} · nearest to anchor 1"
    assert not ready.act("count", "release", count=8).looks["optimised"]["visible"]


@pytest.mark.parametrize(
    "key, said",
    [("12.0", "image 12, view 1"), ("", "(text only)"), ("your image 3", "your image 3")],
)
def test_an_image_has_a_name(key, said):
    assert wording.image_name(key) == said
