"""Bad input to the fields of the served page: a sentence that names the fault, nothing computed."""

import pytest
from gradio_client import handle_file
from PIL import Image

BAD_FILES = {
    "torn.png": b"\x89PNG\r\n\x1a\n torn",
    "drawing.svg": b"<svg xmlns='http://www.w3.org/2000/svg' onload='alert(1)'/>",
    "notes.txt": b"no picture",
}


@pytest.fixture
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
