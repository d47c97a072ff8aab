"""The page's real doors to the store and the audit, before a bench that only stands in."""

from dataclasses import replace
from types import SimpleNamespace

import pytest
from stand_in import EDIT, Bench, record

from space_core.settings import DcsiConfig, Settings
from space_core.ui.pipeline import default_pipeline


def test_the_real_doors_keep_a_run_and_load_it_again(tmp_path, monkeypatch):
    monkeypatch.setattr("space_core.audit.open_bench", lambda settings: Bench())
    doors = default_pipeline(replace(Settings(), runs=tmp_path / "runs", shared_runs=True))
    with doors.runs.result().running("ada", "lemon") as key:
        place = doors.save(key, "ada", record(), EDIT)
    again = doors.load(place)
    assert again.record == record() and again.edit.sha256() == EDIT.sha256()
    assert doors.runs.result().find_own("eve", key).state == "finished"
    assert doors.bench.result().model_name == "demo"


@pytest.mark.parametrize("asked, edited", [((), (4, 5)), ((7,), (7,))])
def test_an_erasure_edits_the_blocks_of_the_settings(tmp_path, monkeypatch, asked, edited):
    monkeypatch.setattr("space_core.audit.open_bench", lambda settings: Bench())
    seen = []
    monkeypatch.setattr(
        "space_core.worker.erase",
        lambda _compute, _request, _selection, config, *_: seen.append(config) or iter(()),
    )
    doors = default_pipeline(replace(Settings(), runs=tmp_path / "runs", layers=(4, 5)))
    list(doors.audit(SimpleNamespace(split=None), None, None, DcsiConfig(layers=asked), None))
    assert [config.layers for config in seen] == [edited]
