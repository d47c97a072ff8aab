"""A folder that lacks a part of its model is refused in a sentence, not filled up at random."""

import json

import pytest
from safetensors.torch import load_file, save_file
from small_world import noise
from tiny_families import FAMILIES, loaded, write_family

from space_core.mllm import open_mllm
from space_core.settings import Settings


def test_weights_that_are_missing_are_not_made_up(tmp_path):
    folder = write_family("llava", tmp_path / "own")
    path = folder / "model.safetensors"
    weights = load_file(path)
    # As an adapter is saved that was not merged.
    name = next(one for one in weights if one.endswith("0.mlp.down_proj.weight"))
    weights[name.replace("down_proj", "down_proj.base_layer")] = weights.pop(name)
    save_file(weights, path, {"format": "pt"})
    with pytest.raises(ValueError, match="lack 1 that its configuration asks for.*down_proj"):
        loaded(folder)


@pytest.mark.parametrize("family", FAMILIES)
def test_what_its_processor_needs_is_there_or_asked_for(family, tmp_path):
    for lacking in ("processor_config.json", "tokenizer_config.json"):
        folder = write_family(family, tmp_path / lacking.partition(".")[0])
        (folder / lacking).unlink(missing_ok=True)
        try:
            found = loaded(folder)
        except ValueError as fault:
            assert str(fault)
        else:
            assert found.answer(["What is this?"], found.encode([noise(1)]))


def test_a_configuration_of_other_kinds_is_a_sentence(tmp_path):
    folder = write_family("llava", tmp_path / "own")
    config = json.loads((folder / "config.json").read_text())
    config["text_config"]["hidden_size"] = "32"
    (folder / "config.json").write_text(json.dumps(config))
    with pytest.raises(ValueError, match="own.*hidden_size"):
        loaded(folder)


def test_blocks_that_it_lacks_are_refused_when_it_is_opened(tmp_path):
    folder = write_family("llava", tmp_path / "own")
    with pytest.raises(ValueError, match=r"The decoder has blocks 0 to 2, not \[9\]"):
        open_mllm(Settings(model=str(folder), device="cpu", layers=(9,)))
