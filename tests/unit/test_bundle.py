"""A bundle holds the whole run, in the same bytes each time, and comes back from its zip."""

import csv
import hashlib
import io
import json
import math
import shlex
import struct
import resource
import signal
import zipfile
from dataclasses import replace

import pytest
import torch
from test_runs import outcome, record

from space_core import bundle
from space_core.bundle_guide import repeat_command
from space_core.cli import _parser
from space_core.decisions import Decision, decide, from_lines, to_line
from space_core.edit import Edit, LayerEdit
from space_core.recorded import LARGEST_RECORD, open_recorded
from space_core.runs import add_decision, decisions_of, save_run
from space_core.settings import DcsiConfig
from space_core.typed_json import to_json
from space_core.types import RunRecord

NAMES = [
    "README.txt", "edit.safetensors", "lora/README.txt", "lora/adapter_config.json",
    "lora/adapter_model.safetensors", "questions.csv", "record.json", "report.html",
]  # fmt: skip
DECISION = Decision("reject", "Ada <b>", "Not yet.", "2026-11-24T05:00:00+00:00")


@pytest.fixture
def edit() -> Edit:
    numbers = torch.Generator().manual_seed(0)
    a, s = (torch.randn(n, 3, generator=numbers, dtype=torch.float64) for n in (5, 7))
    return Edit({"b.1": LayerEdit(a, s), "a.2": LayerEdit(a * 0, s)}, {"concept": "lemon"})


def run_of(edit: Edit, **changes) -> RunRecord:
    return record(hashes={"edit": edit.sha256()}, **changes)


def packed(path, *arguments) -> dict[str, bytes]:
    bundle.write_bundle(path, *arguments)
    with zipfile.ZipFile(path) as zipped:
        assert zipped.testzip() is None
        return {name: zipped.read(name) for name in zipped.namelist()}


def test_all_is_there_and_nothing_else(tmp_path, edit):
    files = packed(tmp_path / "run.zip", run_of(edit), edit)
    assert list(files) == NAMES and [path.name for path in tmp_path.iterdir()] == ["run.zip"]
    with_decision = packed(tmp_path / "run.zip", run_of(edit), edit, [DECISION])
    assert from_lines(with_decision["decisions.jsonl"].decode()) == (DECISION,)
    report = with_decision["report.html"].decode()
    assert "Ada &lt;b&gt;" in report and "Not yet." in report and "@media print" in report


def test_the_same_run_gives_the_same_bytes(tmp_path, edit, monkeypatch):
    bundle.write_bundle(tmp_path / "a.zip", run_of(edit), edit, [DECISION])
    monkeypatch.setattr("time.time", lambda: 2e9)
    bundle.write_bundle(tmp_path / "b.zip", run_of(edit), edit, [DECISION])
    assert (tmp_path / "a.zip").read_bytes() == (tmp_path / "b.zip").read_bytes()
    bundle.write_bundle(tmp_path / "b.zip", run_of(edit), edit)
    assert (tmp_path / "a.zip").read_bytes() != (tmp_path / "b.zip").read_bytes()


def test_the_files_hold_the_run(tmp_path, edit):
    files = packed(tmp_path / "run.zip", run_of(edit), edit)
    assert open_recorded(tmp_path / "run.zip").record == run_of(edit)
    (tmp_path / "e").write_bytes(files["edit.safetensors"])
    assert Edit.load(tmp_path / "e").sha256() == edit.sha256()
    text = files["README.txt"].decode()
    for name in set(NAMES) - {"README.txt"}:
        assert f"{hashlib.sha256(files[name]).hexdigest()}  {name}" in text


def test_a_model_of_the_hub_is_named_with_its_commit(tmp_path, edit):
    files = packed(tmp_path / "run.zip", run_of(edit), edit)
    text = files["README.txt"].decode()
    config = json.loads(files["lora/adapter_config.json"])
    assert (config["base_model_name_or_path"], config["revision"]) == ("demo", "0123abcd")
    assert "came from the hub: demo, commit 0123abcd." in text
    files = packed(tmp_path / "run.zip", run_of(edit, revision=""), edit)
    assert "hub" not in files["README.txt"].decode()
    # On the hub, the last parts of a path may be a stranger's model.
    assert json.loads(files["lora/adapter_config.json"])["base_model_name_or_path"] == ""


def test_a_question_cannot_act_as_a_formula(tmp_path, edit):
    nasty = outcome(question='=HYPERLINK("x")', before='a,"b"\nc', after="@SUM(A1)")
    files = packed(tmp_path / "run.zip", run_of(edit, outcomes=(nasty,)), edit)
    sheet = files["questions.csv"].decode()
    assert sheet.count("\r\n") == 2
    head, row = csv.reader(io.StringIO(sheet, newline=""))
    cells = dict(zip(head, row))
    assert cells["question"] == '\'=HYPERLINK("x")' and cells["after"] == "'@SUM(A1)"
    assert cells["before"] == 'a,"b"\nc'


def test_the_adapter_says_what_it_loses(tmp_path, edit):
    text = packed(tmp_path / "run.zip", run_of(edit), edit)["lora/README.txt"].decode()
    assert "b.1: rank 3" in text and "a.2: rank 3, error 0.000e+00 (0.000e+00" in text
    rough = Edit({name: LayerEdit(one.a[:, :1], one.s[:, :1]) for name, one in edit.layers.items()})
    loss = bundle.rank_loss("b.1", edit, rough)
    gap = edit.delta("b.1") - rough.delta("b.1")
    assert loss.rank == 1 and loss.error == pytest.approx(float(gap.norm()))
    assert loss.relative == pytest.approx(loss.error / float(edit.delta("b.1").norm()))
    k = torch.randn(7, dtype=torch.float64)
    assert float((gap @ k).norm()) <= loss.error * float(k.norm())


def test_an_edit_of_another_run_is_refused(tmp_path, edit):
    with pytest.raises(ValueError, match="does not belong"):
        bundle.write_bundle(tmp_path / "x.zip", record(hashes={"edit": "00" * 32}), edit)
    with pytest.raises(ValueError, match="does not belong to the run lemon-1"):
        bundle.write_bundle(tmp_path / "x.zip", record(), edit)
    assert list(tmp_path.iterdir()) == []


def test_the_command_asks_for_the_same_run():
    settings = {**vars_of(DcsiConfig(steps=7, seed=3)), "layers": "1 2"}
    run = record(settings=settings)
    name = "a 'quoted' $(lemon)"
    request = replace(run.selection.request, name=name, aliases=("-x",))
    run = replace(run, selection=replace(run.selection, request=request, by_chance=0.5, wanted=9))
    words = shlex.split(repeat_command(run))
    assert words[:3] == ["python", "-m", "space_core"]
    asked = _parser().parse_args(words[3:])
    assert (asked.concept, asked.alias, asked.category) == (name, ["-x"], "fruit")
    assert (asked.threshold, asked.steps, asked.seed, asked.anchors) == (0.31, 7, 3, 9)
    assert asked.layers == [1, 2]
    assert repeat_command(replace(run, settings={**settings, "lam": 0.2})) is None
    older = replace(run, selection=replace(run.selection, by_chance=0.0))
    assert repeat_command(older) is None, "a new run draws half of the anchors"


def vars_of(config: DcsiConfig) -> dict:
    return {name: getattr(config, name) for name in config.__dataclass_fields__}


# Decisions beside the run


def test_decisions_are_appended_and_never_changed(tmp_path, edit):
    run = save_run(tmp_path, record(), edit)
    assert decisions_of(run) == ()
    add_decision(run, DECISION)
    first = (run / "decisions.jsonl").read_bytes()
    later = decide("accept", "  Ada\n Quill ", " two\r\nlines\u2028 ")
    assert add_decision(run, later) == (DECISION, later)
    assert (run / "decisions.jsonl").read_bytes().startswith(first)
    assert later.auditor == "Ada Quill" and later.notes == "two\nlines"
    assert later.created.endswith("+00:00") and to_line(later).count("\n") == 1


def test_a_decision_that_finds_no_room_leaves_the_others_as_they_were(tmp_path, edit):
    run = save_run(tmp_path, record(), edit)
    add_decision(run, DECISION)
    size = (run / "decisions.jsonl").stat().st_size
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    heard = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size + 20, limits[1]))
    try:
        with pytest.raises(OSError, match="No space left"):
            add_decision(run, DECISION)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
        signal.signal(signal.SIGXFSZ, heard)
    assert decisions_of(run) == (DECISION,)
    assert add_decision(run, DECISION) == (DECISION, DECISION)


def test_damaged_decisions_and_missing_runs_are_told(tmp_path, edit):
    with pytest.raises(ValueError, match="^This run is no longer kept.*erase the concept again"):
        add_decision(tmp_path, DECISION)
    run = save_run(tmp_path, record(), edit)
    (run / "decisions.jsonl").write_text('{"verdict": "acc')
    with pytest.raises(ValueError, match="is damaged"):
        decisions_of(run)


@pytest.mark.parametrize(
    "change, message",
    [
        ({"verdict": "perhaps"}, "choose one"),
        ({"auditor": " "}, "name is empty"),
        ({"auditor": "x" * 81}, "81 characters"),
        ({"notes": "x" * 4001}, "4,001 characters"),
        ({"created": "2026-11-24T05:00:00"}, "no zone"),
    ],
)
def test_a_decision_has_limits(change, message):
    with pytest.raises(ValueError, match=message):
        replace(DECISION, **change)


# What a stranger hands in


def zipped(path, files: dict[str, bytes], **options):
    with zipfile.ZipFile(path, "w", **options) as made:
        for name, data in files.items():
            made.writestr(name, data)
    return path


def test_a_zip_bomb_is_not_unpacked(tmp_path):
    bomb = {"record.json": b"[" + b" " * (LARGEST_RECORD + 1)}
    path = zipped(tmp_path / "x.zip", bomb, compression=zipfile.ZIP_DEFLATED)
    assert path.stat().st_size < 2**16
    with pytest.raises(ValueError, match="larger than 24 MB"):
        open_recorded(path)
    data = bytearray(path.read_bytes())
    # The list lies that the file is small.
    size = struct.pack("<L", LARGEST_RECORD + 2)
    lie = data.replace(size, struct.pack("<L", 3))
    assert lie != data
    path.write_bytes(lie)
    with pytest.raises(ValueError, match="damaged"):
        open_recorded(path)


def test_very_many_small_values_are_not_unpacked(tmp_path):
    many = b'{"selection": {"scores": [' + b"0," * 600_000 + b"0]}}"
    for path in (zipped(tmp_path / "x.zip", {"record.json": many}), tmp_path / "record.json"):
        path.exists() or path.write_bytes(many)
        with pytest.raises(ValueError, match="holds over 500,000 values"):
            open_recorded(path)


def test_a_zip_of_very_many_files_is_not_listed(tmp_path):
    path = zipped(tmp_path / "x.zip", {f"{place:0500}": b"" for place in range(150)})
    with pytest.raises(ValueError, match="far more files"):
        open_recorded(path)


@pytest.mark.parametrize(
    "files, options, message",
    [
        ({"a.txt": b"x"}, {}, "holds no record.json"),
        ({"record.json": b"{}"}, {}, "no record of a run"),
        ({"record.json": b"{}"}, {"compression": zipfile.ZIP_BZIP2}, "damaged"),
        ({"record.json": b"\xff"}, {}, "cannot be read"),
        ({"record.json": to_json(record(created="x")).encode()}, {}, "no record of a run: Invalid"),
        ({"record.json": to_json(record()).encode(), "decisions.jsonl": b"{}"}, {}, "damaged"),
    ],
)
def test_a_foreign_zip_is_one_sentence(tmp_path, files, options, message):
    path = zipped(tmp_path / "x.zip", files, **options)
    with pytest.raises(ValueError, match=message):
        open_recorded(path)


def test_a_damaged_bundle_is_one_sentence(tmp_path):
    path = zipped(tmp_path / "x.zip", {"record.json": to_json(record()).encode()})
    whole = path.read_bytes()
    for data in (whole[:-30], whole[:10], whole[:60] + b"XX" + whole[62:]):
        path.write_bytes(data)
        with pytest.raises(ValueError, match="damaged"):
            open_recorded(path)


def test_a_record_alone_opens_whatever_its_name(tmp_path):
    path = tmp_path / "download (1)"
    path.write_text(to_json(record(seconds=math.inf)))
    found = open_recorded(path)
    assert found.record.seconds == math.inf and found.decisions == ()
    path.write_bytes(b" " * (LARGEST_RECORD + 1))
    with pytest.raises(ValueError, match="larger than"):
        open_recorded(path)
