"""What is said in the name's place, and whether what text tells goes too: as the request wishes."""

from dataclasses import replace

import pytest
from test_runs import record
from tiny_sources import tiny_sources

from space_core import curriculum, guard, material, wordings
from space_core.dcsi import train
from space_core.erasure import Erasure, erase
from space_core.retained import certified_rows
from space_core.settings import PRESETS, DcsiConfig
from space_core.types import Concept
from space_core.verdict import said_instead

CONFIG = DcsiConfig(steps=3, inversion_steps=2, second_look=2, foreign_look=2)


@pytest.fixture(scope="module")
def world(tmp_path_factory):
    return tiny_sources(tmp_path_factory.mktemp("world"))


@pytest.fixture
def trained(world, monkeypatch):
    """The erasure of a request with these wishes, and the job that it was trained on."""
    sources, selection = world

    def run(config=CONFIG, **wishes):
        jobs = []

        def spied(mllm, job, config, stop, look_again):
            jobs.append(job)
            return train(mllm, job, config, stop, look_again)

        monkeypatch.setattr("space_core.dcsi.train", spied)
        asked = replace(selection, request=replace(selection.request, **wishes))
        *_, erasure = erase(sources, asked, config, lambda: False)
        assert isinstance(erasure, Erasure)
        return erasure, jobs[0]

    return run


def test_a_refusal_says_that_it_does_not_know(trained):
    erasure, job = trained(instead="refusal")
    assert erasure.honest == curriculum.UNKNOWN
    assert {one.answer for kind in ("name", "choice") for one in job.task[kind]} == {
        curriculum.UNKNOWN
    }


def test_the_nearest_anchors_name_stands_in_for_the_name(trained, world):
    sources, selection = world
    erasure, job = trained(instead="anchor")
    lemon, first = sources.subject(selection.request), selection.anchors[0]
    assert first.similarity == max(one.similarity for one in selection.anchors)
    name = material.own_name(sources.pool, first.row, lemon)
    assert name and "lemon" not in name
    assert {one.answer for kind in ("name", "choice") for one in job.task[kind]} == {name}
    assert {one.answer for one in job.task["category"]} == {erasure.honest}


def test_only_anchors_that_will_be_moved_may_be_drawn_by_chance(world):
    sources, selection = world
    first, *others = selection.anchors
    drawn = tuple(replace(one, by_chance=True) for one in others)
    mixed = replace(selection, anchors=(first, *drawn), by_chance=0.75)

    def used(config):
        *_, erasure = erase(sources, mixed, config, lambda: False)
        assert {one.row for one in erasure.selection.anchors} <= set(erasure.touched)
        return erasure.selection.anchors

    assert used(CONFIG) == mixed.anchors
    alone = used(replace(PRESETS["paper"], steps=2))
    assert alone == selection.anchors, "as many, all of them chosen"


def test_text_goes_only_where_that_is_asked(trained, world):
    _, plain = trained()
    stays = {one.question: one.answer for one in plain.keep.text}
    assert "text" not in plain.task and stays and curriculum.UNKNOWN not in stays.values()
    assert all("lemon" in question + answer for question, answer in stays.items())
    _, job = trained(text_too=True)
    asked = job.task["text"]
    assert {one.question for one in asked} == set(stays)
    assert {one.answer for one in asked} == {curriculum.UNKNOWN}
    assert all(one.features is None and "lemon" in one.question for one in asked)
    assert job.keep.text and all(one.features is None for one in job.keep.text)
    assert not any("lemon" in one.question for one in job.keep.text)
    # Nor what certifies: of its concepts the same questions are asked there.
    pool, barred = world[0].pool, guard.barred(world[0].pool, world[0].pool.known("lemon"))
    apart = [pool.concepts[pool.items[row].label].phrase for row in certified_rows(pool, barred)]
    assert apart and not any(one in asked.question for one in apart for asked in job.keep.text)
    held_out = [wordings.TEXT_CATEGORY, wordings.TEXT_DEFINITION]
    said = {one.question for one in asked}
    assert not said & {ask.format(x="a lemon") for kind in held_out for ask in kind.held_out}


def test_others_are_asked_for_under_their_own_names(trained, world):
    _, job = trained()
    sources, _ = world
    phrases = [one.phrase for one in sources.pool.concepts.values() if one.name != "lemon"]
    asked = [one.question for one in job.keep.affirmed]
    assert asked and all(any(phrase in one for phrase in phrases) for one in asked)
    assert not any("lemon" in one.question + one.answer for one in job.keep.affirmed)


@pytest.mark.parametrize("said, meaning", [
    ("A lemon: sour yellow fruit.", "sour yellow fruit"),
    ("Lemon is a sour fruit.", "is a sour fruit"),
    ("A lemon is a kind of lemon tree fruit.", ""),
    ("I do not know.", ""), ("A lemon.", ""), ("It is a very sour lemon: a fruit.", ""),
])  # fmt: skip
def test_a_definition_is_asked_back_where_it_begins_with_the_name(said, meaning):
    asked = curriculum.asked_back(Concept("lemon", "food", "fruit"), said)
    assert asked == [ask.format(d=meaning) for ask in wordings.TEXT_REVERSE.taught if meaning]


def test_the_paper_can_be_asked_for_that_too(trained):
    config = replace(PRESETS["paper"], steps=2, energy=0.4)
    _, job = trained(config, text_too=True)
    assert {"name", "text"} == set(job.task)


def test_of_a_person_work_and_city_are_told_and_of_a_style_what_it_is():
    person = Concept("Ada Quill", "people", "person")
    asked = curriculum.told(person)
    assert any("live" in one for one in asked) and any("work" in one for one in asked)
    assert all("kind" in one or "type" in one or "category" in one or "sort" in one
               for one in curriculum.told(Concept("Noto", "artist style", "artist")))  # fmt: skip


def test_a_record_says_what_was_wished():
    assert "“This is a fruit.”" in said_instead(record(honest_answer="This is a fruit."))
    run = record(honest_answer="This is a fruit.")
    other = replace(run, selection=replace(
        run.selection, request=replace(run.selection.request, instead="anchor")
    ))  # fmt: skip
    assert "the nearest public image" in said_instead(other)
