"""Stands behind the page: a pipeline without a model, and the page without a browser."""

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from concurrent.futures import Future
from dataclasses import dataclass, field
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import torch
from PIL import Image

from space_core import types as t
from space_core.bundle import Takeaway
from space_core.decisions import Decision
from space_core.edit import Edit, LayerEdit
from space_core.kept_runs import KeptRuns, new_key, open_runs
from space_core.runs import load_record
from space_core.settings import DcsiConfig, TpasConfig
from space_core.typed_json import to_json
from space_core.ui.app_layout import TABS

EVIL = "<img src=x onerror=alert(1)>"
UNKNOWN = "qwertz"
EMPTY = "The concept is empty: write its name, such as “lemon”."
EDIT = Edit({"layers.1.down_proj": LayerEdit(torch.ones(3, 2), torch.ones(4, 2))})
KNOWN = {"lemon": "things", "lime": "things", "cat": "animals", "Ada Quill": "people"}


def share(
    successes: int = 1, questions: int = 20, low: float = 0.01, high: float = 0.24
) -> t.Share:
    return t.Share(successes, questions, 10, 4, low, high)


def outcome(**changes: Any) -> t.Outcome:
    values = {
        "group": "target", "kind": "name", "concept": "lemon", "image": "t1", "artist": "Noto",
        "similarity": 0.5, "question": "What is this?", "expected": "",
        "before": "a lemon", "after": "a fruit", "right_before": True, "right_after": False,
        "verdict": "general answer",
    }  # fmt: skip
    return t.Outcome(**{**values, **changes})


def outcomes(name: str) -> tuple[t.Outcome, ...]:
    """Questions about `name` and others; No. 1 to 5 in the page's table."""
    return (
        outcome(concept=name, before=name),
        outcome(concept=name, before=name, after=name, image="t2", verdict="still names it"),
        outcome(group="near", concept="sun", before="sun", after="sun", image="n1", verdict="kept"),
        outcome(group="near", concept="moon", before="moon", image="n2", verdict="lost"),
        outcome(group="skill", concept="", before="red", after="red", image="", verdict="kept"),
    )


def selection(
    request: t.ConceptRequest, rows: Collection[int] = (3, 5), resolved: tuple[str, ...] = ()
) -> t.Selection:
    name = request.name
    anchors = tuple(
        t.Anchor(row, rank, 0.6, name, f"like {name}", name, "noto", "Apache-2.0", "ab" * 32)
        for rank, row in enumerate(rows, 1)
    )
    dropped = (t.Dropped(90, name, f"its label “{name}” names the concept"),)
    scores, warnings = (0.1, 0.2, 0.61), (f"Few images of {name}.",)
    return t.Selection(request, anchors, 0.31, scores, dropped, 2.0, resolved, warnings)


def record(chosen: t.Selection | None = None, **changes: Any) -> t.RunRecord:
    chosen = chosen or selection(t.ConceptRequest("lemon"))
    name = chosen.request.name
    values = {
        "run_id": "run-1", "created": "2026-11-24T05:00:00+00:00", "model": "demo",
        "device": "cpu", "versions": {"torch": "2.13.0"}, "settings": {"mode": "soft"},
        "selection": chosen, "honest_answer": name,
        "steps": (t.StepEvent(1, 4, {"task": 0.5}, 0.6, 0.8, 1e-3, 0.2),), "stopped": False,
        "forget_accuracy": share(0, 60, 0.0, 0.06), "yes_no": share(0, 20, 0.0, 0.16),
        "retained_accuracy": share(), "proximal_retained_accuracy": share(),
        "neighbours_yes_no": share(), "skills": share(), "bands": ((0.0, 0.5, share()),),
        "outcomes": outcomes(name),
        "layers": (t.LayerReport("model.layers.1.mlp.down_proj", 0.1, 0.2, 0.3, 0.8, 0.8),),
        "anchor_shift": (0.5,), "anchor_reach": (0.1,),
        "hashes": {"edit": EDIT.sha256(), "model": Bench.model_sha256},
        "base_restored": True, "seconds": 12.5, "warnings": (f"Few images of {name}.",),
    }  # fmt: skip
    return t.RunRecord(**{**values, **changes})


@dataclass(frozen=True)
class Finished:
    record: t.RunRecord
    edit: Edit


class Bench:
    """What the page asks of the real one."""

    model_name, device, pool_size = "demo", "cpu", 48
    model_sha256, pool_sha256 = "5e" * 32, "b0" * 32

    def known_concepts(self) -> dict[str, str]:
        return dict(KNOWN)

    def pool_image(self, row: int) -> Image.Image:
        return Image.new("RGB", (24, 24), (row, 90, 120))

    def evaluation_image(self, key: str) -> Image.Image:
        return Image.new("RGB", (24, 24), (sum(key.encode()) % 256, 30, 30))


@dataclass
class StandIn:
    """The eight doors of `space_core.ui.pipeline.Pipeline`, which keep what they were asked.

    `faults`: what a door raises. `pause` is called after every step. `reached`: how many steps
    each audit made before it ended or was closed.
    """

    folder: Path
    faults: dict[str, BaseException] = field(default_factory=dict)
    bench: "Future[Bench]" = field(default_factory=Future)
    chosen: list[tuple[TpasConfig, frozenset[int]]] = field(default_factory=list)
    audited: list[tuple[str, DcsiConfig]] = field(default_factory=list)
    pause: Callable[[], None] = lambda: None
    reached: list[int] = field(default_factory=list)
    runs: "Future[KeptRuns]" = field(default_factory=Future)

    def __post_init__(self) -> None:
        self.bench.set_result(Bench())
        self.runs.set_result(open_runs(self.folder))

    def select(
        self, bench: Bench, request: t.ConceptRequest, config: TpasConfig,
        left_out: frozenset[int],
    ) -> t.Selection:  # fmt: skip
        self._fail("select")
        if not request.name:
            raise ValueError(EMPTY)
        if request.name == UNKNOWN:
            raise ValueError(f"Nothing in the public pool resembles “{request.name}”.")
        self.chosen.append((config, left_out))
        rows = [row for row in range(bench.pool_size) if row not in left_out][: config.anchors]
        return selection(request, rows, () if request.name in KNOWN else ("cat", "lime"))

    def audit(
        self, bench: Bench, request: t.ConceptRequest, chosen: t.Selection, config: DcsiConfig,
        stop: Callable[[], bool],
    ) -> Iterator[t.Progress | t.StepEvent | Finished]:  # fmt: skip
        self.audited.append((request.name, config))
        yield t.Progress("before", f"Asking the model about {request.name}…", 0.1)
        steps: list[t.StepEvent] = []
        try:
            while len(steps) < config.steps and not stop():
                loss = {"task": 1 / (len(steps) + 1)}
                steps.append(t.StepEvent(len(steps) + 1, config.steps, loss, 0.6, 0.8, 0.0, 0.1))
                yield steps[-1]
                self.pause()
        finally:
            self.reached.append(len(steps))
        self._fail("audit")
        yield t.Progress("after", "Asking the edited model the same questions…", 0.82)
        yield Finished(
            record(
                chosen, run_id=f"run-{len(self.audited)}", steps=tuple(steps),
                stopped=len(steps) < config.steps,
            ),
            EDIT,
        )

    def ask(
        self, bench: Bench, image: Image.Image | None, question: str, edit: Edit
    ) -> tuple[str, str]:
        self._fail("ask")
        return f"before: {question}", f"after: {question}"

    def save(self, key: str, visitor: str, finished: t.RunRecord, edit: Edit) -> Path:
        self._fail("save")
        return self.runs.result().save(key, visitor, finished, edit)

    def load(self, folder: Path) -> Finished:
        self._fail("load")
        return Finished(load_record(folder), EDIT)

    def take_away(
        self, folder: Path, finished: t.RunRecord, edit: Edit, decisions: Sequence[Decision]
    ) -> Takeaway:  # fmt: skip
        """Only the record is whole: plots and tensors would take their time in every test."""
        self._fail("take_away")
        files = {name: folder / name for name in Takeaway.__dataclass_fields__}
        for path in files.values():
            path.write_text(f"{finished.run_id}, {len(decisions)} decisions")
        files["record"] = folder / "record.json"
        files["record"].write_text(to_json(finished))
        return Takeaway(**files)

    def _fail(self, door: str) -> None:
        if door in self.faults:
            raise self.faults[door]


@dataclass(eq=False)
class Part:
    """A component that only remembers what is tied to its events, and to the `then` of one."""

    name: str
    tied: dict[str, SimpleNamespace] = field(default_factory=dict)

    def __getattr__(self, event: str) -> Callable[..., "Part"]:
        def tie(run: Callable | None, inputs: Any, outputs: Any, **options: Any) -> "Part":
            # Without a handler it is the browser's own; a `then` of a `then` is "then then".
            if run:
                name = "then then" if event == "then" and "then" in self.tied else event
                self.tied[name] = SimpleNamespace(run=run, inputs=inputs, outputs=outputs)
            return self

        return tie


class Parts(dict):
    """Every part that is asked for."""

    def __missing__(self, name: str) -> Part:
        return self.setdefault(name, Part(name))


class Visit:
    """The page without a browser: `now` holds what its parts show, `changed` what has changed.

    `gr.update(value=…)` sets a part's value; the rest of an update is kept in `looks`.
    """

    def __init__(self, pipeline: StandIn):
        self.parts, self.looks, self.changed = Parts(), {}, set[str]()
        config, default = TpasConfig(), DcsiConfig()
        self.now: dict[str, Any] = {
            "concept": "", "aliases": "", "description": "", "category": "", "selection": None,
            "count": config.anchors, "from_pool": True, "cut": 0.0, "left_out": frozenset(),
            "picked": None, "preset": "space", "lam": default.lam, "energy": default.energy,
            "steps": 4, "stop_flag": None, "finished": None, "image": None, "question": "",
            "group": "everything", "outcome": "everything", "kept": None, "auditor": "",
            "judgement": None, "notes": "", "upload": None, "recorded": None, "replay_flag": None,
            "visitor": new_key(), "link": "", "my_runs": [], "compared": None,
            "only_differing": False,
        }  # fmt: skip
        for tab in TABS:
            tab.connect(self.parts, pipeline)

    def watch(self, name: str, event: str = "click", **values: Any) -> Iterator[dict[str, Any]]:
        """Do as a visitor does who enters `values` and then acts; the views, one by one."""
        self.now |= values
        tied = self.parts[name].tied[event]
        for raw in tied.run(*(self.now[part.name] for part in tied.inputs)):
            # gradio refuses a view of a part that is no output of the event.
            assert set(raw) <= set(tied.outputs)
            view = {part.name: value for part, value in raw.items()}
            for part, value in view.items():
                self._show(part, value)
            yield view

    def act(self, name: str, event: str = "click", **values: Any) -> "Visit":
        """`watch` to the end."""
        list(self.watch(name, event, **values))
        return self

    def erase(self, **values: Any) -> "Visit":
        """The events of the button Erase, one after the other."""
        return self.act("erase").act("erase", "then", **values).act("erase", "then then")

    def pick(self, name: str, **event: Any) -> Any:
        """Click an item of a gallery or a row of a table."""
        tied = self.parts[name].tied["select"]
        inputs = tied.inputs if isinstance(tied.inputs, list) else [tied.inputs]
        values = [self.now[part.name] for part in inputs if part is not None]
        self._show(tied.outputs.name, tied.run(SimpleNamespace(**event), *values))

    def sees_result(self) -> bool:
        """Whether step 4 was opened before the visitor's eyes."""
        return self.looks.get("tabs", {}).get("selected") == "verify"

    def _show(self, part: str, value: Any) -> None:
        self.changed.add(part)
        if isinstance(value, Mapping) and value.get("__type__") == "update":
            self.looks.setdefault(part, {}).update(value)
            if "value" not in value:
                return
            value = value["value"]
        self.now[part] = value

