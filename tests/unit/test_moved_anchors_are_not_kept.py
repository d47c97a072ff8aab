"""A moved anchor of a person would be synthesised personal data: no file of a run holds one."""

import tempfile
import zipfile
from pathlib import Path

import pytest
import torch
from tiny_sources import tiny_sources
from torch import Tensor

from space_core import erasure
from space_core.audit import Bench, audit
from space_core.bundle import write_bundle
from space_core.kept_runs import open_runs
from space_core.settings import DcsiConfig

CONFIG = DcsiConfig(steps=2, inversion_steps=2, second_look=2, foreign_look=0)
_DTYPES = (torch.float64, torch.float32, torch.float16, torch.bfloat16)


@pytest.fixture
def written(tmp_path, monkeypatch) -> tuple[list[Tensor], bytes, object]:
    """The features of every moved anchor, all bytes that the run left, and the run."""
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "temporary"))
    (tmp_path / "temporary").mkdir()
    moved, invert = [], erasure.invert

    def watched(*arguments):
        for step in invert(*arguments):
            moved.extend(step[2].features if step[2] else ())
            yield step

    monkeypatch.setattr(erasure, "invert", watched)
    sources, selection = tiny_sources(tmp_path)
    bench = Bench(sources, None)
    *_, finished = audit(bench, selection.request, selection, CONFIG, lambda: False)
    runs = open_runs(tmp_path / "runs")
    with runs.running("ada", "lemon") as key:
        runs.save(key, "ada", finished.record, finished.edit)
    write_bundle(tmp_path / "run.zip", finished.record, finished.edit)
    with zipfile.ZipFile(tmp_path / "run.zip") as packed:
        packed.extractall(tmp_path / "unpacked")
    return moved, b"\n".join(map(Path.read_bytes, _files(tmp_path))), finished


def _files(folder: Path) -> list[Path]:
    return [path for path in folder.rglob("*") if path.is_file()]


def _as_stored(row: Tensor) -> list[bytes]:
    """The row's first numbers in every form in which a file could hold them."""
    some = row.flatten()[:8]
    plain = [some.to(dtype).contiguous().view(torch.uint8).numpy().tobytes() for dtype in _DTYPES]
    return plain + [str(number).encode() for number in some[:1].tolist()]


def test_no_file_holds_a_moved_anchor(written):
    moved, files, finished = written
    assert len(moved) == 2 * len(finished.record.selection.anchors)
    rows = [row for anchor in moved for row in anchor]
    assert not [row for row in rows if any(form in files for form in _as_stored(row))]


def test_what_is_kept_would_be_found(written):
    _, files, finished = written
    assert any(form in files for form in _as_stored(next(iter(finished.edit.layers.values())).a))
    assert str(finished.record.anchor_shift[0]).encode() in files
