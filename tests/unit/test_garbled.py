"""Wherever an edited model is judged, garbled answers count as broken; the frozen one says so."""

from dataclasses import replace

import pytest
import test_together
from test_interview import IMAGES, bench, edit, run  # noqa: F401
from tiny_sources import tiny_sources

from space_core import evaluate, fluency
from space_core.audit import Bench, audit
from space_core.bench.change import Change, Entry
from space_core.bench.measure import ask, measure
from space_core.edit import weights_sha256
from space_core.interview import judge_images
from space_core.names import NameBook
from space_core.settings import DcsiConfig
from space_core.together import together


@pytest.fixture(scope="module")
def whole(tmp_path_factory, bench):  # noqa: F811
    """A bench that can erase, with four anchors for "lemon"."""
    sources, selection = tiny_sources(tmp_path_factory.mktemp("whole"))
    return Bench(sources, bench.split), selection


@pytest.fixture
def heard(monkeypatch, bench):  # noqa: F811
    """(own, said, meant) of every call of `garbled`, which takes every answer for garbled; none
    names anything."""
    calls = []

    def garbled(mllm, *sets):
        assert weights_sha256(mllm.model) == bench.sources.model_sha256, "the edit is on"
        calls.append(tuple(map(set, sets)))
        return frozenset(sets[1])

    monkeypatch.setattr(fluency, "garbled", garbled)
    monkeypatch.setattr(NameBook, "named", lambda *_: frozenset())
    return calls


def said(outcomes) -> set[tuple[str, str]]:
    return {(one.question, one.after) for one in outcomes}


def broken(outcomes) -> bool:
    """Whether no answer is called lost or general, and some are called broken."""
    verdicts = {one.verdict for one in outcomes}
    return evaluate.BROKEN in verdicts and not verdicts & {evaluate.LOST, evaluate.GENERAL}


def test_of_own_images_what_the_run_was_answered_before_counts_too(heard, bench, edit):  # noqa: F811
    judged = replace(run(), outcomes=(replace(run().outcomes[0], question="Q?", before="B"),))
    *_, own = judge_images(bench, judged, edit, IMAGES)
    (before, after, meant), = heard
    assert broken(own.outcomes) and after == said(own.outcomes)
    assert before == {("Q?", "B"), *fluency.before(own.outcomes)}
    assert judged.honest_answer in meant


def test_of_a_run(heard, whole):
    bench, selection = whole  # noqa: F811
    config = DcsiConfig(steps=1, inversion_steps=1, second_look=0)
    *_, finished = audit(bench, selection.request, selection, config, lambda: False)
    record, ((before, after, meant),) = finished.record, heard
    assert broken(record.outcomes) and after == said(record.outcomes)
    assert before == fluency.before(record.outcomes)
    assert {record.honest_answer, selection.anchors[0].caption} <= meant


def test_of_two_runs_together(heard, whole):
    bench, _ = whole  # noqa: F811
    runs = [test_together.run(bench, name) for name in ("lemon", "bus")]
    *_, found = together(bench, runs)
    assert len(heard) == 2
    for concept, alone, (before, after, _) in zip(found.joint.concepts, runs, heard, strict=True):
        assert broken(concept.outcomes) and said(concept.outcomes) <= after
        assert said(alone.record.outcomes) <= after
        assert before == fluency.before(alone.record.outcomes)


def test_of_a_method_of_the_suite(heard, whole, edit):  # noqa: F811
    bench, _ = whole  # noqa: F811
    asked = ask(bench, "lemon")
    _, outcomes = measure(bench, asked, "x", Entry("ours", lambda *_: Change(edit, None, 0)))
    ((before, after, meant),) = heard
    assert broken(outcomes) and after == said(outcomes)
    assert before == fluency.before(outcomes) and asked.honest in meant
