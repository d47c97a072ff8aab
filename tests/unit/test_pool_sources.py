"""What a source says of its images: the words of their names, and which of its files is torn."""

import io
import tarfile
import unicodedata

import pytest
from small_world import noise
from test_pool_build import png

from space_core.pool_sources import Columns, entries


@pytest.mark.parametrize(
    "name, said",
    [
        ("crème brûlée", "crème brûlée"), ("नींबू", "नींबू"), ("R2-D2", "R2 D2"), ("7up", "7up"),
        ("lemon_001", "lemon"), ("lemon001", "lemon"), ("001lemon", "lemon"), ("IMG_2034", "IMG"),
        ("3 lemons, cut", "lemons cut"),
    ],
)
def test_a_files_name_says_what_it_shows_without_its_number(tmp_path, name, said):
    # As macOS writes it: an accent after its letter.
    name = unicodedata.normalize("NFD", name)
    (tmp_path / f"{name}.png").write_bytes(png(noise(0)))
    (one,) = entries(tmp_path, Columns())
    assert one.read()[1]["caption"] == one.read()[1]["label"] == said


@pytest.mark.parametrize("cut", [0, 700])
def test_a_torn_tar_is_refused_by_its_name(tmp_path, cut):
    whole = io.BytesIO()
    with tarfile.open(fileobj=whole, mode="w") as tar:
        for i in range(3):
            member = tarfile.TarInfo(f"{i}.png")
            held = png(noise(i))
            member.size = len(held)
            tar.addfile(member, io.BytesIO(held))
    (tmp_path / "a.tar").write_bytes(whole.getvalue())
    (tmp_path / "b.tar").write_bytes(whole.getvalue()[:cut])
    with pytest.raises(ValueError, match="b.tar cannot be read .*take it away"):
        entries(tmp_path, Columns())
