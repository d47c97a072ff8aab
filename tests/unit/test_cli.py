"""The command line: one line for a fault, nothing left after Ctrl-C, the whole run on disk."""

import sys
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType

import pytest
import torch
from test_runs import record

from space_core.bench.board import Suite
from space_core.cli import main
from space_core.demo.build import Recipe
from space_core.edit import Edit, LayerEdit
from space_core.runs import load_record, run_folders
from space_core.types import Progress, StepEvent

EDIT = Edit({"layers.1.down_proj": LayerEdit(torch.ones(3, 2), torch.ones(4, 2))})


@dataclass(frozen=True)
class Finished:
    record: object
    edit: Edit


class Pipeline(ModuleType):
    """Stands for space_core.audit; `fault` is raised in the middle of the audit."""

    def __init__(self, fault: BaseException | None = None):
        super().__init__("space_core.audit")
        self.fault, self.closed, self.asked = fault, False, None

    def open_bench(self, settings):
        return "bench"

    def select_anchors(self, bench, request, config):
        if request.name == "nothing":
            raise ValueError("No image of the pool\n is near 'nothing'.")
        self.asked = (request, config)
        return record().selection

    def audit(self, bench, request, selection, config, stop):
        self.config = config
        # Held, so that only whoever closes it closes it.
        self.events = self._events()
        return self.events

    def _events(self):
        try:
            yield Progress("inversion", "what the model\tbelieves", 0.25)
            if self.fault is not None:
                raise self.fault
            yield StepEvent(1, 30, {"task": 0.5}, 0.6, 0.8, 1e-3, 0.2)
            yield Finished(record(), EDIT)
        finally:
            self.closed = True


@pytest.fixture
def pipeline(monkeypatch):
    fake = Pipeline()
    monkeypatch.setitem(sys.modules, "space_core.audit", fake)
    return fake


def test_erase_saves_the_run_and_prints_it(pipeline, tmp_path, capsys):
    out = tmp_path / "runs"
    code = main([
        "erase", "lemon", "--alias", "Zitrone", "--alias", "limón", "--description", "sour",
        "--category", "fruit", "--anchors", "8", "--threshold", "0.2", "--preset", "paper",
        "--steps", "5", "--seed", "3", "--out", str(out),
    ])  # fmt: skip
    printed = capsys.readouterr()
    assert code == 0
    request, tpas = pipeline.asked
    assert (request.name, request.aliases) == ("lemon", ("Zitrone", "limón"))
    assert (request.description, request.category) == ("sour", "fruit")
    assert (tpas.anchors, tpas.threshold) == (8, 0.2)
    assert (pipeline.config.mode, pipeline.config.steps, pipeline.config.seed) == ("hard", 5, 3)
    (folder,) = run_folders(out)
    assert load_record(folder) == record()
    names = {"record.json", "edit.safetensors", "outcomes.csv", "report.html"}
    assert {path.name for path in folder.iterdir()} == names
    assert "5.0%" in printed.out and "1.0% – 24.0%" in printed.out and str(folder) in printed.out
    assert "25%] inversion" in printed.err and "step 1/30" in printed.err
    assert "warning: few images" in printed.err and "inversion" not in printed.out


def test_the_blocks_are_those_asked_for_else_those_of_the_setting(pipeline, tmp_path, monkeypatch):
    monkeypatch.setenv("SPACE_LAYERS", "4,5")
    for asked, edited in (([], (4, 5)), (["--layers", "7"], (7,))):
        assert main(["erase", "lemon", "--out", str(tmp_path / str(edited)), *asked]) == 0
        assert pipeline.config.layers == edited


def test_anchors_are_printed(pipeline, capsys):
    assert main(["anchors", "lemon"]) == 0
    printed = capsys.readouterr().out
    assert "a lime" in printed and "Apache-2.0" in printed and "kept away: lemon" in printed


@pytest.mark.parametrize(
    "fault",
    [ValueError("bad\nvalue"), FileNotFoundError(2, "No such file", "pool"), PermissionError("no")],
)
def test_a_fault_is_one_line_and_leaves_nothing(pipeline, tmp_path, capsys, fault):
    pipeline.fault = fault
    assert main(["erase", "lemon", "--out", str(tmp_path / "runs")]) == 2
    last = capsys.readouterr().err.splitlines()[-1]
    assert last == "error: " + " ".join(str(fault).split())
    assert pipeline.closed and list(tmp_path.iterdir()) == []


def test_refused_before_any_work(pipeline, tmp_path, capsys):
    assert main(["anchors", "nothing"]) == 2
    assert capsys.readouterr().err == "error: No image of the pool is near 'nothing'.\n"
    (tmp_path / "file").touch()
    assert main(["erase", "lemon", "--out", str(tmp_path / "file")]) == 2
    assert "Nothing can be written to" in capsys.readouterr().err and pipeline.asked is None
    for command in (["erase", "lemon"], ["merge", "run"], ["adapter", "run"]):
        assert main([*command, "--out", str(tmp_path / "file" / "deep")]) == 2
        assert "Nothing can be written to" in capsys.readouterr().err and pipeline.asked is None
    with pytest.raises(SystemExit):
        main(["erase", "lemon", "--out", str(tmp_path), "--seed", str(2**64)])
    assert "is more than 2147483648" in capsys.readouterr().err


def test_ctrl_c_in_the_audit(pipeline, tmp_path, capsys):
    pipeline.fault = KeyboardInterrupt()
    assert main(["erase", "lemon", "--out", str(tmp_path / "runs")]) == 130
    assert "Traceback" not in capsys.readouterr().err
    assert pipeline.closed and list(tmp_path.iterdir()) == []


def test_ctrl_c_between_two_events_closes_the_audit(pipeline, tmp_path, monkeypatch):
    def stop(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr("space_core.cli._line", stop)
    assert main(["erase", "lemon", "--out", str(tmp_path)]) == 130
    assert pipeline.closed and list(tmp_path.iterdir()) == []


def test_ctrl_c_while_saving(pipeline, tmp_path, monkeypatch):
    def stop(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr(Edit, "save", stop)
    assert main(["erase", "lemon", "--out", str(tmp_path)]) == 130
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    "arguments",
    [
        [],
        ["erase", "lemon"],
        ["erase", "lemon", "--out", "x", "--preset", "loud"],
        ["erase", "lemon", "--out", "x", "--steps", "0"],
        ["anchors", "lemon", "--anchors", "many"],
    ],
)
def test_wrong_arguments(pipeline, arguments, capsys):
    with pytest.raises(SystemExit) as stopped:
        main(arguments)
    assert stopped.value.code == 2 and "error:" in capsys.readouterr().err


@pytest.mark.parametrize(
    "arguments, where, given",
    [
        ("bench --out o --results r --only ga siu --images f", "bench.board.run",
         (Suite(Path("o"), Path("r"), False, ("ga", "siu"), Path("f")),)),
        ("bench --out o --results r --quick", "bench.board.run",
         (Suite(Path("o"), Path("r"), True),)),
        ("bench-tune --results r --only idk", "bench.tuning.run", (Path("r"), ("idk",))),
        ("bench-reference --results r", "bench.reference.run", (Path("r"),)),
        ("main-job --out o.csv", "bench.main_job.run", (Path("o.csv"),)),
        ("demo-build --packages p --wordnet n --work w --out o --without t.txt", "demo.build.build",
         (Path("n"), Path("w"), Path("o"), Recipe(), Path("t.txt"))),
        ("demo-build --packages p --wordnet n --work w --out o", "demo.build.build",
         (Path("n"), Path("w"), Path("o"), Recipe(), None)),
    ],
)  # fmt: skip
def test_long_jobs_get_what_was_asked_for(monkeypatch, capsys, arguments, where, given):
    seen = []
    monkeypatch.setattr(f"space_core.{where}", lambda *values: seen.append(values) or "a table")
    assert main(arguments.split()) == 0
    assert seen[0][1:] == given
    assert "demo" in where or capsys.readouterr().out == "a table\n"


@pytest.mark.parametrize(
    "command",
    [
        "erase", "anchors", "demo-build", "demo-eval", "main-job", "bench", "bench-tune",
        "bench-reference", "pool-build", "statistics", "memory", "bench-index", "bench-gpu",
        "together",
    ],
)  # fmt: skip
def test_every_command_explains_itself(command, capsys):
    with pytest.raises(SystemExit) as stopped:
        main([command, "--help"])
    assert stopped.value.code == 0 and len(capsys.readouterr().out) > 80
