"""What is kept of features and statistics has limits, and too small a pool is refused in time."""

import os
import time
import weakref

import pytest
import torch
from small_world import MANY, make_world, noise
from tiny_mllm import tiny_mllm

from space_core import retained
from space_core.retained import Encoder, certified_rows, check_certified, sweep
from space_core.whole import PART


@pytest.fixture(scope="module")
def mllm():
    return tiny_mllm()


@pytest.fixture
def world(tmp_path):
    return make_world(tmp_path, kinds=MANY)


def test_the_encoder_keeps_what_was_asked_for_last_as_far_as_there_is_room(mllm, world):
    every = list(range(6))
    expected = Encoder(mllm, world.pool)(every)
    size = expected[0].nbytes
    encoder = Encoder(mllm, world.pool)
    encoder._room = 3 * size
    for asked in (every, [5, 1, 1], [0, 1]):
        found = encoder(asked)
        assert all(
            torch.equal(one, expected[row]) for one, row in zip(found, asked)
        )
        assert len(encoder._known) == 3
        assert all(one.untyped_storage().nbytes() == size for one in encoder._known.values())
    assert list(encoder._known) == [5, 0, 1], "the last three that were asked for"
    assert encoder([1])[0] is encoder._known[1], "what is kept is not computed again"
    assert encoder._room == 0


def test_no_more_images_are_open_than_pass_the_tower_together(mllm, world, monkeypatch):
    open_now, most = set(), []

    def opened(_pool, row):
        image = noise(row)
        open_now.add(id(image))
        weakref.finalize(image, open_now.discard, id(image))
        most.append(len(open_now))
        return image

    monkeypatch.setattr(type(world.pool), "image", opened)
    Encoder(mllm, world.pool)(range(60))
    assert len(most) >= 60 and max(most) <= 2 * retained._TOGETHER + 1


def test_statistics_of_another_chat_template_are_not_taken_for_those_of_this_one(world):
    mllm = tiny_mllm()
    made = [retained._key(mllm, world.pool, {}, "weights", [(0, "?")]) for _ in range(2)]
    assert made[0] == made[1]
    mllm.processor.chat_template = "Now: " + mllm.processor.chat_template
    made.append(retained._key(mllm, world.pool, {}, "weights", [(0, "?")]))
    mllm.processor.image_processor.image_mean = [0.1, 0.1, 0.1]
    made.append(retained._key(mllm, world.pool, {}, "weights", [(0, "?")]))
    assert len(set(made)) == 3


def test_where_nothing_is_left_to_certify_by_it_is_refused(world):
    last = {world.pool.items[row].label for row in certified_rows(world.pool, ())}
    check_certified(world.pool, ())
    with pytest.raises(ValueError, match="a pool with more concepts"):
        check_certified(
            world.pool, [row for label in last for row in world.pool.rows_of[label]]
        )


def test_shards_that_leave_a_concept_out_do_not_fill_the_disk(tmp_path):
    def shard(name: str, age: float) -> None:
        path = tmp_path / f"{name}.safetensors"
        path.write_bytes(b"x" * 100)
        os.utime(path, (time.time() - age,) * 2)

    one, every = f"{retained._OF_ONE}-", f"{retained._OF_ALL}-0"
    for number in range(5):
        shard(f"{one}{number}", 7200 + number)
    shard(every, 10**6), shard(f"{one}now", 5)
    sweep(tmp_path, (), most=250)
    left = {path.stem for path in tmp_path.iterdir()}
    assert left == {every, f"{one}now", f"{one}0"}
    shard(f"{one}young", 10), shard(f"{one}mine", 9000)
    sweep(tmp_path, {tmp_path / f"{one}mine.safetensors"}, most=50)
    assert (tmp_path / f"{one}mine.safetensors").exists(), "of the run that goes on"
    sweep(tmp_path, (), most=50)
    left = {path.stem for path in tmp_path.iterdir()}
    assert left == {every, f"{one}now", f"{one}young"}, "still in use"
    shard(f"{PART}{every}.old", 10**6), shard(f"{PART}{every}.young", 10)
    sweep(tmp_path, ())
    assert {path.stem for path in tmp_path.iterdir()} == {*left, f"{PART}{every}.young"}
