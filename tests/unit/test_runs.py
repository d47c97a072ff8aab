"""A saved run comes back exactly, is whole or absent, and cannot harm who opens it."""

import csv
import dataclasses
import json
import math
import os
from dataclasses import dataclass, field
from typing import Literal

import pytest
import torch

from space_core import types as t
from space_core.edit import Edit, LayerEdit
from space_core.report import report_html, write_report
from space_core.runs import load_record, run_folders, save_run
from space_core.settings import PRESETS
from space_core.typed_json import from_json, to_json

SHARE = t.Share(1, 20, 10, 4, 0.01, 0.24)


def outcome(**changes) -> t.Outcome:
    values = {
        "group": "near", "kind": "name", "concept": "lime", "image": "e7", "artist": "Noto",
        "similarity": -0.25, "question": "What is this?", "expected": "a lime",
        "before": "a lime", "after": "a fruit", "right_before": True, "right_after": False,
        "verdict": "lost",
    }  # fmt: skip
    return t.Outcome(**{**values, **changes})


def record(run_id: str = "lemon-1", **changes) -> t.RunRecord:
    request = t.ConceptRequest("lemon", ("Zitrone", "lemon 🍋"), "a sour fruit", "fruit")
    anchor = t.Anchor(3, 1, 0.61, "lime", "a lime", "Noto", "noto", "Apache-2.0", "ab" * 32)
    selection = t.Selection(
        request, (anchor,), 0.31, (0.1, 0.61), (t.Dropped(4, "lemon", "names it"),), 1.0, (), ()
    )
    values = {
        "run_id": run_id, "created": "2026-11-24T05:00:00+00:00", "model": "demo",
        "device": "cpu", "versions": {"torch": "2.13.0"},
        "settings": {"lam": 0.1, "steps": 30, "mode": "soft", "whole": 1.0},
        "selection": selection, "honest_answer": "fruit",
        "steps": (t.StepEvent(1, 30, {"task": 1 / 3}, 0.6, 0.8, 1e-300, 0.2),), "stopped": False,
        "forget_accuracy": SHARE, "yes_no": dataclasses.replace(SHARE, high=math.inf),
        "retained_accuracy": SHARE, "proximal_retained_accuracy": SHARE,
        "neighbours_yes_no": SHARE, "skills": SHARE,
        "bands": ((0.0, 0.5, SHARE),), "outcomes": (outcome(),),
        "layers": (t.LayerReport("model.layers.1.mlp.down_proj", 0.1, 0.2, 0.3, 0.8, 0.8),),
        "anchor_shift": (0.5,), "anchor_reach": (0.1,), "hashes": {"base": "cd" * 32},
        "base_restored": True, "seconds": 12.5,
        "kept_answers": t.KeptAnswers(192, 0.003, 0.97, 0.62), "told": SHARE,
        "revision": "0123abcd", "encoder": "openai/clip", "dtype": "float32",
        "warnings": ("few images",), "domains": (("food", SHARE),),
        "beliefs": (t.Belief("What is this?", "a lime", "a lemon", ("A lime.", "A pear.")),),
        "states": t.StateMap(4, "What is this?", 0.6, 0.4, 2.5, (
            t.StatePoint("target", "lemon", (0.5, -1.0), (1 / 3, 0.0)),
        )),
    }  # fmt: skip
    return t.RunRecord(**{**values, **changes})


@pytest.fixture
def edit() -> Edit:
    return Edit({"layers.1.down_proj": LayerEdit(torch.ones(3, 2), torch.ones(4, 2))})


def test_round_trip_is_exact(tmp_path, edit):
    folder = save_run(tmp_path, record(), edit)
    back = load_record(folder)
    assert back == record() == load_record(folder / "record.json")
    assert type(back.settings["steps"]) is int and type(back.settings["whole"]) is float
    assert type(back.bands[0]) is tuple and type(back.selection.request.aliases) is tuple
    assert Edit.load(folder / "edit.safetensors").sha256() == edit.sha256()


def test_record_is_strict_json(tmp_path, edit):
    text = (save_run(tmp_path, record(), edit) / "record.json").read_text()

    def refuse(name: str):
        raise AssertionError(f"{name} is no JSON")

    assert json.loads(text, parse_constant=refuse)["yes_no"]["high"] == "Infinity"


def test_cells_are_harmless_and_complete(tmp_path, edit):
    nasty = ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1", "＝1", 'a,"b"\nc', "plain"]
    outcomes = tuple(outcome(after=text) for text in nasty)
    outcomes += (outcome(after="sun sun sun sun"),)
    folder = save_run(tmp_path, record(outcomes=outcomes), edit)
    with (folder / "outcomes.csv").open(encoding="utf-8", newline="") as file:
        *rows, broken = csv.DictReader(file)
    assert [row["after"].removeprefix("'") for row in rows] == nasty
    assert all(row["after"].startswith("'") for row in rows[:7])
    assert rows[-1]["after"] == "plain" and rows[0]["similarity"] == "-0.25"
    assert list(rows[0]) == [*(one.name for one in dataclasses.fields(t.Outcome)), "outcome"]
    assert rows[0]["outcome"] == rows[0]["verdict"] == broken["verdict"] == "lost"
    assert broken["outcome"] == "broken answer"


@pytest.mark.parametrize("fault", [OSError("disk full"), KeyboardInterrupt()])
def test_nothing_half_written_is_left(tmp_path, edit, monkeypatch, fault):
    def fail(*_):
        raise fault

    monkeypatch.setattr(Edit, "save", fail)
    with pytest.raises(type(fault)):
        save_run(tmp_path / "runs", record(), edit)
    assert list((tmp_path / "runs").iterdir()) == []
    assert run_folders(tmp_path / "runs") == []


def test_runs_are_listed_newest_first_and_never_overwritten(tmp_path, edit):
    assert run_folders(tmp_path / "none") == []
    folders = [save_run(tmp_path, record(name), edit) for name in ("b", "a", "c")]
    for age, folder in enumerate(reversed(folders)):
        os.utime(folder / "record.json", (1e9 - age, 1e9 - age))
    (tmp_path / "stray").mkdir()
    (tmp_path / ".part-x").mkdir()
    (tmp_path / ".part-x" / "record.json").touch()
    assert run_folders(tmp_path) == folders[::-1]
    with pytest.raises(ValueError, match="never overwritten"):
        save_run(tmp_path, record("a", seconds=1.0), edit)
    assert load_record(tmp_path / "a").seconds == 12.5


@pytest.mark.parametrize("name", ["", "..", "../x", "a/b", ".hidden", "a\n", "x" * 200])
def test_run_id_cannot_leave_the_folder(tmp_path, edit, name):
    with pytest.raises(ValueError, match="cannot name a run"):
        save_run(tmp_path / "runs", record(name), edit)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    "change, message",
    [
        (lambda data: data.pop("steps"), "steps"),
        (lambda data: data.update(extra=1), "extra"),
        (lambda data: data.update(stopped=1), "RunRecord.stopped"),
        (lambda data: data["bands"][0].pop(), r"RunRecord.bands\[0\]"),
        (lambda data: data["forget_accuracy"].update(images="ten"), "forget_accuracy.images"),
    ],
)
def test_a_record_that_does_not_fit_says_where(tmp_path, change, message):
    data = json.loads(to_json(record()))
    change(data)
    (tmp_path / "record.json").write_text(json.dumps(data))
    with pytest.raises(ValueError, match=message):
        load_record(tmp_path)
    (tmp_path / "record.json").write_text(to_json(record())[:-40])
    with pytest.raises(ValueError, match="no complete JSON"):
        load_record(tmp_path)


def test_a_record_from_before_the_map_still_opens(tmp_path):
    data = json.loads(to_json(record()))
    del data["states"], data["domains"], data["beliefs"]
    (tmp_path / "record.json").write_text(json.dumps(data))
    old = load_record(tmp_path)
    assert (old.states, old.domains, old.beliefs) == (None, (), ())
    assert "<h2>The model's states" not in report_html(old)
    assert "<h2>The model's states" in report_html(record())


@dataclass(frozen=True, slots=True)
class Mixed:
    mode: Literal["soft", "hard"] = "soft"
    perhaps: float | None = None
    any: float | int | str = 0
    numbers: tuple[float, ...] = ()
    pairs: tuple[tuple[str, int], ...] = ()
    deep: dict[str, tuple[int, ...]] = field(default_factory=dict)


@pytest.mark.parametrize(
    "value",
    [
        Mixed(),
        Mixed("hard", 2.0, "text", (1.0, -math.inf, 1e-17), (("a", 1),), {"x": (1, 2)}),
        Mixed(any=-math.inf),
    ],
)
def test_typed_json_round_trip(value):
    back = from_json(to_json(value), Mixed)
    assert back == value and type(back.any) is type(value.any)


def test_typed_json_keeps_what_is_not_a_number():
    back = from_json(to_json(Mixed(any=math.nan, numbers=(math.nan,))), Mixed)
    assert math.isnan(back.any) and math.isnan(back.numbers[0])


def test_typed_json_refuses_what_it_cannot_give_back():
    with pytest.raises(ValueError, match="Tensor"):
        to_json(Mixed(any=torch.zeros(1)))
    with pytest.raises(ValueError, match="Mixed.mode"):
        from_json('{"mode": "medium"}', Mixed)
    with pytest.raises(ValueError, match="Mixed.any"):
        from_json('{"any": true}', Mixed)
    with pytest.raises(ValueError, match="Mixed.numbers"):
        from_json('{"numbers": [1' + 400 * "0" + "]}", Mixed)


def test_report_is_one_page_without_foreign_code(tmp_path):
    evil = "<script>alert(1)</script>"
    request = t.ConceptRequest(evil)
    run = record(outcomes=(outcome(after=evil),), warnings=(evil,))
    run = dataclasses.replace(run, selection=dataclasses.replace(run.selection, request=request))
    write_report(tmp_path / "report.html", run)
    page = (tmp_path / "report.html").read_text(encoding="utf-8")
    assert evil not in page and "&lt;script&gt;alert(1)" in page
    assert "<script src" not in page and "<link" not in page
    assert [path.name for path in tmp_path.iterdir()] == ["report.html"]
    assert "5.0%" in page and "1.0% – 24.0%" in page
    assert report_html(run).count("plotly-graph-div") >= 6


def test_a_report_calls_everything_by_words():
    asked = (
        outcome(group="told", image="", kind="text-reverse"), outcome(right_after=True),
        outcome(kind="is-it-target", after="sun sun sun sun"),
        outcome(group="target", kind="name-de", verdict="general answer"),
    )
    settings = dataclasses.asdict(PRESETS["paper"])
    page = report_html(record(outcomes=asked, settings=settings))
    raws = ("told", "in sample", "held out", "by chance", "None", "True", "False", "name-de",
            "is-it-target", "text-reverse", "name", "kind", "general answer")  # fmt: skip
    for raw in (*settings, *raws):
        assert f"<td>{raw}<" not in page.replace("\n", "<") and f"<th>{raw}<" not in page
    for words in ("Softness λ", "the concept, without an image", "drawn by chance", "hard: only",
                  "its name, in German", "broken answer", "gives nothing away"):
        assert words in page
    explained = page.index("A 95 % interval says how far chance")
    assert explained < page.index("Answer, by the 95 % interval") and "A lime., A pear." in page


def test_a_report_says_the_verdict_first_and_draws_the_gradient_where_it_is_known():
    page = report_html(record())
    verdict, numbers = page.index("Not shown to be forgotten."), page.index("forget accuracy, FA")
    assert verdict < page.index("Are its neighbours kept?") < numbers
    hard = dataclasses.replace(record().steps[0], let_through=0.3)
    said = "the hard null space lets through"
    assert said not in page and said in report_html(record(steps=(hard,)))
