"""Stands behind the page: a pipeline without a model."""

from collections.abc import Callable, Collection, Iterator, Sequence
from concurrent.futures import Future
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch
from PIL import Image
from space_core import types as t
from space_core.bundle import Takeaway
from space_core.damage import KeptAnswers, LayerReport
from space_core.decisions import Decision
from space_core.edit import Edit, LayerEdit
from space_core.interview import check_question
from space_core.joint import Joint, JointConcept, JointLayer, Pair
from space_core.kept_runs import KeptRuns, open_runs
from space_core.preview import Said
from space_core.runs import EDIT as EDIT_FILE
from space_core.runs import load_record
from space_core.settings import DcsiConfig, TpasConfig
from space_core.tpas import check
from space_core.typed_json import to_json

EVIL = "<img src=x onerror=alert(1)>"
UNKNOWN = "qwertz"
EMPTY = "The concept is empty: write its name, such as “lemon”."
STATES = t.StateMap(4, "What is this?", 0.6, 0.4, 2.5, (
    t.StatePoint("near", "sun", (0.0, 0.0), (0.0, 0.1)),
))  # fmt: skip
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
    request: t.ConceptRequest, rows: Collection[int] = (3, 5), resolved: tuple[str, ...] = (),
    left_out: Collection[int] = (), by_chance: float = 0.5,
) -> t.Selection:
    name = request.name
    anchors = tuple(
        t.Anchor(row, rank, 0.6, name, f"like {name}", name, "noto", "Apache-2.0", f"{row:064x}",
                 bool(by_chance) and rank > 1)
        for rank, row in enumerate(rows, 1)
    )
    dropped = (t.Dropped(90, name, f"its label “{name}” names the concept"),)
    scores, warnings = (0.1, 0.2, 0.61), (f"Few images of {name}.",)
    return t.Selection(
        request, anchors, 0.31, scores, dropped, 2.0, resolved, warnings, tuple(sorted(left_out)),
        len(anchors), by_chance=by_chance,
    )  # fmt: skip


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
        "layers": (LayerReport(
            "model.layers.1.mlp.down_proj", 0.1, 0.2, 0.3, 0.8, 0.8, 0.4, 0.01, 0.25,
            (("lime", 0.02), ("cat", 0.01)), 0.6, 0.7,
        ),),
        "kept_answers": KeptAnswers(192, 0.003, 0.97, 0.62), "told": share(9, 12, 0.47, 0.91),
        "anchor_shift": (0.5,), "anchor_reach": (0.1,),
        "hashes": {"edit": EDIT.sha256(), "model": Bench.model_sha256},
        "base_restored": True, "seconds": 12.5, "warnings": (f"Few images of {name}.",),
        "domains": (("food", share()),), "states": STATES,
        "beliefs": (t.Belief("What is this?", "This is a sun.", f"This is {name}.", (name,), (31,)),),
    }  # fmt: skip
    return t.RunRecord(**{**values, **changes})


@dataclass(frozen=True)
class Finished:
    record: t.RunRecord
    edit: Edit


@dataclass(frozen=True)
class Together:
    joint: Joint
    edit: Edit


def joint(
    runs: Sequence[Finished], alone: t.Share = share(0, 60, 0.0, 0.06),
    together: t.Share = share(0, 60, 0.0, 0.06), kept: t.Share = share(),
) -> Joint:  # fmt: skip
    """What is measured of runs together; `alone`, `together`: how often the name is still said;
    `kept`: what is kept of everything else when alone."""
    rest = (
        "yes_no", "retained_accuracy", "proximal_retained_accuracy", "neighbours_yes_no", "skills",
        "told",
    )
    pairs = (
        Pair("forget_accuracy", alone, together, 0, 0),
        *(Pair(name, kept, share(), 1, 0) for name in rest),
    )
    concepts = tuple(
        JointConcept(one.record.run_id, one.record.selection.request.name, pairs, 2, ())
        for one in runs
    )
    layers = (JointLayer("down_proj", (0.01, 0.01), 0.04, 0.04, 0.09, 0.05),)
    return Joint(
        "2026-11-24T05:00:00+00:00", "demo", "cpu", {}, concepts, layers,
        {"edit": EDIT.sha256()}, True, 1.0, (),
    )  # fmt: skip


class Bench:
    """What the page asks of the real one."""

    model_name, device, pool_size = "demo", "cpu", 48
    revision, encoder_name, bundled = "", "demo/encoder", False
    encoder_sha256 = "ec" * 32
    model_sha256, pool_sha256, evaluation_sha256 = "5e" * 32, "b0" * 32, "e7" * 32

    def known_concepts(self) -> dict[str, str]:
        return dict(KNOWN)

    def pool_image(self, row: int) -> Image.Image:
        return Image.new("RGB", (24, 24), (row, 90, 120))

    def pool_caption(self, row: int) -> str:
        return f"caption {row}"

    def evaluation_image(self, key: str) -> Image.Image:
        return Image.new("RGB", (24, 24), (sum(key.encode()) % 256, 30, 30))


@dataclass
class StandIn:
    """The doors of `space_core.ui.pipeline.Pipeline`, which keep what they were asked.

    `faults`: what a door raises. `pause` is called after every step. `reached`: how many steps
    each audit made before it ended or was closed.
    """

    folder: Path
    faults: dict[str, BaseException] = field(default_factory=dict)
    bench: "Future[Bench]" = field(default_factory=Future)
    chosen: list[tuple[TpasConfig, frozenset[int]]] = field(default_factory=list)
    audited: list[tuple[str, DcsiConfig]] = field(default_factory=list)
    pause: Callable[[], None] = lambda: None
    asked: list[tuple[str, Any]] = field(default_factory=list)
    judged: list[tuple[t.RunRecord, Edit, int]] = field(default_factory=list)
    reached: list[int] = field(default_factory=list)
    runs: "Future[KeptRuns]" = field(default_factory=Future)
    together_asked: list[Sequence[Finished]] = field(default_factory=list)
    joint: Callable[[Sequence[Finished]], Joint] = joint

    def __post_init__(self) -> None:
        self.bench.set_result(Bench())
        self.runs.set_result(open_runs(self.folder))

    def select(
        self, bench: Bench, request: t.ConceptRequest, config: TpasConfig,
        left_out: frozenset[int],
    ) -> t.Selection:  # fmt: skip
        self._fail("select")
        check(request, config)
        if request.name == UNKNOWN:
            raise ValueError(f"Nothing in the public pool resembles “{request.name}”.")
        self.chosen.append((config, left_out))
        rows = [row for row in range(bench.pool_size) if row not in left_out][: config.anchors]
        meant = () if request.name in KNOWN else ("cat", "lime")
        return selection(request, rows, meant, left_out, config.by_chance)

    def preview(self, bench: Bench, request: t.ConceptRequest) -> tuple[Said, ...]:
        self._fail("preview")
        if request.name not in KNOWN:
            return (Said("", f"What is a {request.name}?", "A beast."),)
        return (Said("t1", "What is this?", f"This is {request.name}."),)

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
                through = 0.3 if config.mode == "hard" else None
                steps.append(t.StepEvent(
                    len(steps) + 1, config.steps, loss, 0.6, 0.8, 0.0, 0.1, through
                ))  # fmt: skip
                yield steps[-1]
                self.pause()
        finally:
            self.reached.append(len(steps))
        self._fail("audit")
        yield t.Progress("after", "Asking the edited model the same questions…", 0.82)
        run, stopped = f"run-{len(self.audited)}", len(steps) < config.steps
        yield Finished(record(chosen, run_id=run, steps=tuple(steps), stopped=stopped), EDIT)

    def ask(
        self, bench: Bench, image: Image.Image | None, question: str, edit: Edit
    ) -> tuple[str, str]:
        self._fail("ask")
        check_question(question)
        self.asked.append((question, edit))
        return f"before: {question}", f"after: {question}"

    def judge_images(
        self, bench: Bench, finished: t.RunRecord, edit: Edit, images: Sequence[Image.Image]
    ) -> Iterator[t.Progress | t.OwnImages]:  # fmt: skip
        self._fail("judge_images")
        yield t.Progress("before", "Asking about your images… 3 of 6 answered", 0.5)
        self.judged.append((finished, edit, len(images)))
        name = finished.selection.request.name
        keys = (f"your image {i}" for i in range(1, len(images) + 1))
        own = tuple(outcome(group="own", concept=name, image=key, artist="") for key in keys)
        yield t.OwnImages(own, share(0, 3 * len(own), 0.0, 0.5), share(0, len(own), 0.0, 0.8))

    def save(self, key: str, visitor: str, finished: t.RunRecord, edit: Edit) -> Path:
        self._fail("save")
        return self.runs.result().save(key, visitor, finished, edit)

    def load(self, folder: Path) -> Finished:
        self._fail("load")
        return Finished(load_record(folder), Edit.load(folder / EDIT_FILE))

    def together(
        self, bench: Bench, runs: Sequence[Finished]
    ) -> Iterator[t.Progress | Together]:
        yield t.Progress("asking", "Asking with all edits on…", 0.3)
        self._fail("together")
        self.together_asked.append(runs)
        yield Together(self.joint(runs), EDIT)

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
