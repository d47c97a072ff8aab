"""An image file is read upright, small, and only where it is not too large to unpack."""

import pytest
from PIL import Image

from space_core.ui import image_file
from space_core.upright import FORMATS


def test_a_picture_is_read_upright_in_three_colours_and_not_too_large(tmp_path):
    turned = Image.Exif()
    turned[0x0112] = 6
    path = tmp_path / "wide.jpg"
    Image.new("L", (3000, 1500)).save(path, exif=turned)
    picture = image_file.read(path)
    assert picture.mode == "RGB" and picture.size == (512, 1024)


@pytest.mark.parametrize("side", [5001, 14000])
def test_a_picture_of_too_many_pixels_is_a_sentence(tmp_path, side):
    Image.new("1", (side, side)).save(tmp_path / "wall.png")
    with pytest.raises(ValueError, match="“wall.png” has more than 25 million pixels: give a sm"):
        image_file.read(tmp_path / "wall.png")


@pytest.mark.parametrize("size, read", [((5000, 1), (1024, 10)), ((2, 900), (9, 900))])
def test_a_line_of_pixels_gets_a_border(tmp_path, size, read):
    Image.new("RGB", size, "white").save(tmp_path / "line.png")
    picture = image_file.read(tmp_path / "line.png")
    assert picture.size == read and picture.getextrema()[0] == (0, 255)


def test_a_photo_counts_as_it_is_unpacked(tmp_path):
    Image.new("RGB", (6000, 6000)).save(tmp_path / "photo.jpg")
    assert image_file.read(tmp_path / "photo.jpg").size == (1024, 1024)


def test_a_progressive_photo_counts_as_it_is(tmp_path):
    Image.new("RGB", (6000, 6000)).save(tmp_path / "photo.jpg", progressive=True)
    with pytest.raises(ValueError, match="more than 25 million pixels"):
        image_file.read(tmp_path / "photo.jpg")


def test_what_a_gallery_shows_is_nobodys_to_delete(tmp_path, monkeypatch):
    monkeypatch.setenv("GRADIO_TEMP_DIR", str(tmp_path))
    shown, own = tmp_path / "ab" / "image.webp", tmp_path / "cd" / "own.webp"
    for path in (shown, own):
        path.parent.mkdir()
        Image.new("RGB", (9, 7)).save(path)
    image_file.let_go([shown, own])
    assert shown.exists() and not own.exists()


@pytest.mark.parametrize("kind", ["EPS", "BMP", "GIF", "TIFF"])
@pytest.mark.parametrize("ending", ["own", "png"])
def test_only_what_the_sentence_names_is_opened(tmp_path, kind, ending):
    path = tmp_path / f"drawing.{kind.lower() if ending == 'own' else ending}"
    Image.new("RGB", (9, 7)).save(path, kind)
    with pytest.raises(ValueError, match=f"“{path.name}” cannot be read as an image: give a PNG, "):
        image_file.read(path)


@pytest.mark.parametrize("kind", FORMATS)
def test_all_that_the_sentence_names_is_opened(tmp_path, kind):
    Image.new("RGB", (9, 7)).save(tmp_path / "drawing", kind)
    assert image_file.read(tmp_path / "drawing").size == (9, 7)
