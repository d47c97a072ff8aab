"""A merged model answers as the edited one, in a folder of its own, and says what it is."""

import json
import re
from dataclasses import replace

import pytest
import torch
import yaml
from small_world import noise
from test_runs import record
from tiny_families import FAMILIES, loaded, opener, write_family
from tiny_mllm import tiny_mllm
from transformers.utils import is_torchvision_available
from transformers.video_processing_utils import BaseVideoProcessor

from space_core import merged
from space_core.alarms import alarms
from space_core.cli import main
from space_core.edit import Edit, LayerEdit, edited, weights_sha256
from space_core.merged_card import card
from space_core.mllm import load_mllm
from space_core.runs import save_run
from space_core.shares import STILL

EVIL = "<img src=x onerror=alert(1)> [a](javascript:b)\n# `head` |"


@pytest.fixture(scope="module")
def mllm():
    return tiny_mllm()


@pytest.fixture(scope="module")
def edit(mllm) -> Edit:
    torch.manual_seed(1)
    return Edit({
        name: LayerEdit(torch.randn(layer.out_features, 3), torch.randn(layer.in_features, 3))
        for name, layer in mllm.edited_layers(range(2)).items()
    })  # fmt: skip


@pytest.fixture(scope="module")
def run(mllm, edit):
    """The record of a run on that model, which the demo's stand for elsewhere."""
    hashes = {"model": weights_sha256(mllm.model), "edit": edit.sha256()}
    return replace(record(), hashes=hashes)


@pytest.fixture(scope="module")
def written(mllm, edit, run, tmp_path_factory):
    folder = tmp_path_factory.mktemp("merged") / "new" / "model"
    merged.merge_and_save(replace(mllm, name=str(folder.parents[1])), edit, run, folder)
    return folder


def test_it_answers_as_the_edited_model_and_the_base_comes_back(mllm, edit, run, written):
    assert weights_sha256(mllm.model) == run.hashes["model"]
    questions, images = ["What is this?", "Say a word."], [noise(1)] * 2
    before = mllm.answer(questions, mllm.encode(images))
    with edited(mllm.model, edit):
        after, expected = mllm.answer(questions, mllm.encode(images)), weights_sha256(mllm.model)
    again = load_mllm(str(written), "cpu")
    assert weights_sha256(again.model) == expected
    assert again.answer(questions, again.encode(images)) == after != before


@pytest.fixture(scope="module")
def family(tmp_path_factory):
    return opener(tmp_path_factory, [noise(1)])


@pytest.mark.parametrize("name", FAMILIES)
def test_every_family_is_merged_and_opens_again(family, run, tmp_path, name):
    tiny = family(name)
    layers = tiny.mllm.edited_layers([1])
    torch.manual_seed(1)
    own = Edit({
        path: LayerEdit(torch.randn(layer.out_features, 3), torch.randn(layer.in_features, 3))
        for path, layer in layers.items()
    })  # fmt: skip
    hashes = {"model": weights_sha256(tiny.mllm.model), "edit": own.sha256()}
    merged.merge_and_save(tiny.mllm, own, replace(run, hashes=hashes), tmp_path / "model")
    asked = ["What is this?"], tiny.features
    with edited(tiny.mllm.model, own):
        expected, said = weights_sha256(tiny.mllm.model), tiny.mllm.answer(*asked)
    again = load_mllm(str(tmp_path / "model"), "cpu")
    assert weights_sha256(again.model) == expected
    assert again.answer(["What is this?"], again.encode([noise(1)])) == said
    assert again.chat == tiny.mllm.chat


@pytest.mark.skipif(is_torchvision_available(), reason="nothing is left out here")
@pytest.mark.parametrize("name", ["qwen2_vl", "smolvlm", "internvl", "llava_onevision"])
@pytest.mark.parametrize("place", ["processor_config", "video_preprocessor_config", ""])
def test_where_there_is_torchvision_a_saved_processor_opens_too(tmp_path, name, place):
    source, own = write_family(name, tmp_path / "source"), {"fps": 7, "video_processor_type": "X"}
    if place:
        file = source / f"{place}.json"
        said = json.loads(file.read_text()) if file.is_file() else {}
        said |= {"video_processor": own} if place == "processor_config" else own
        file.write_text(json.dumps(said))
    loaded(source).processor.save_pretrained(tmp_path / "saved")
    # What transformers would make the video part of; where nothing says, of the images' settings.
    found, wanted = (
        BaseVideoProcessor.get_video_processor_dict(folder)[0]
        for folder in (tmp_path / "saved", source)
    )
    assert found == wanted and (found == own or not place and "image_processor_type" in found)


def test_it_is_safetensors_alone(written):
    names = {path.name for path in written.iterdir()}
    assert {"README.md", "config.json", "model.safetensors", "tokenizer.json"} <= names
    assert not [name for name in names if name.endswith((".bin", ".pt", ".py", ".pkl"))]
    assert [path.name for path in written.parent.iterdir()] == ["model"]


def test_nothing_is_merged_in_place_or_left_half(mllm, edit, run, written, tmp_path, monkeypatch):
    before = (written / "README.md").read_bytes()
    for folder in (written, tmp_path):
        with pytest.raises(ValueError, match="exists: nothing is written into it"):
            merged.merge_and_save(mllm, edit, run, folder)
    assert (written / "README.md").read_bytes() == before

    def fail(*_):
        raise OSError("disk full")

    monkeypatch.setattr(type(mllm.processor), "save_pretrained", fail)
    with pytest.raises(OSError, match="disk full"):
        merged.merge_and_save(mllm, edit, run, tmp_path / "model")
    assert list(tmp_path.iterdir()) == []
    assert weights_sha256(mllm.model) == run.hashes["model"]


@pytest.mark.parametrize(
    "name, sentence", [("edit", "does not belong"), ("model", "made on other weights")]
)
def test_what_belongs_to_another_run_is_refused(mllm, edit, run, tmp_path, name, sentence):
    other = replace(run, hashes={**run.hashes, name: "00" * 32})
    with pytest.raises(ValueError, match=sentence):
        merged.merge_and_save(mllm, edit, other, tmp_path / "model")
    assert list(tmp_path.iterdir()) == []


def test_weights_in_another_dtype_are_named(mllm, edit, run, tmp_path):
    other = replace(run, hashes={**run.hashes, "model": "00" * 32}, dtype="bfloat16")
    with pytest.raises(ValueError, match="and SPACE_DTYPE to bfloat16"):
        merged.merge_and_save(mllm, edit, other, tmp_path / "model")


# The card


def test_the_card_gives_the_numbers_of_the_run_and_what_they_leave_open(run, written):
    text = (written / "README.md").read_text(encoding="utf-8")
    assert "“lemon”" in text and "Zitrone" in text and "it shall now say “fruit”" in text
    for share in (run.forget_accuracy, run.retained_accuracy):
        line = f"| {share.value:.1%} | {share.low:.1%} – {share.high:.1%} | {share.questions} |"
        assert line in text
    assert "few images" in text and run.run_id in text and run.hashes["edit"] in text
    assert "What was not measured" in text and "fine-tuning" in text
    assert "no proof that the concept is gone" in text
    # What a path on some machine is called is nobody's base model.
    assert "base_model" not in text
    assert "early" not in text and "early" in card(replace(run, stopped=True), "")


def test_the_card_says_the_verdict_and_what_comes_out_in_other_ways(run):
    one = next(iter(run.outcomes))
    spanish = replace(one, group="target", kind="name-es", right_before=True, verdict=STILL)
    named = replace(run.forget_accuracy, successes=0, questions=60, low=0.0, high=0.06)
    text = card(replace(run, forget_accuracy=named, outcomes=(spanish,) * 18), "")
    assert "**Not forgotten in every way.**" in text and "its name, in Spanish 18 of 18" in text


def test_the_card_says_what_is_said_instead_as_the_page_does(run):
    request = replace(run.selection.request, instead="anchor")
    chosen = replace(run, selection=replace(run.selection, request=request))
    assert "the name of the nearest public image" in card(chosen, "")


def test_the_card_warns_of_a_base_model_that_did_not_come_back(run):
    spoilt = replace(run, base_restored=False)
    warned = replace(spoilt, warnings=alarms(spoilt))
    assert "do not rely on this run" in card(warned, "") and "rely" not in card(run, "")


def test_the_card_of_a_hub_model_names_it(run):
    head = card(run, "org/model").split("---")[1]
    assert yaml.safe_load(head)["base_model"] == "org/model"
    assert "# org/model, edited to forget “lemon”" in card(run, "org/model")
    assert "from the model at commit `0123abcd`" in card(run, "org/model")
    assert "commit" not in card(replace(run, revision=""), "org/model")


def test_nothing_measured_is_a_dash(run):
    empty = replace(run.forget_accuracy, successes=0, questions=0, images=0, drawings=0)
    lines = card(replace(run, forget_accuracy=empty), "").splitlines()
    (line,) = [line for line in lines if line.startswith("| Still names the concept")]
    assert "%" not in line and "—" in line


def test_what_someone_wrote_is_shown_and_does_nothing(run):
    request = replace(run.selection.request, name=EVIL, description=EVIL, aliases=(EVIL,))
    evil = replace(
        run, selection=replace(run.selection, request=request), warnings=(EVIL,),
        honest_answer=EVIL,
    )  # fmt: skip
    text = card(evil, "")
    assert not re.search(r"(?<!\\)<", text) and not re.search(r"(?<!\\)\]\(", text)
    assert len([line for line in text.splitlines() if line.startswith("# ")]) == 1
    assert len(text.splitlines()) == len(card(run, "").splitlines())


# The command


@pytest.fixture
def kept(run, edit, tmp_path, monkeypatch, mllm):
    """A kept run; its model is at hand without loading."""
    monkeypatch.setattr("space_core.mllm.open_mllm", lambda _: mllm)
    return save_run(tmp_path / "runs", run, edit)


class Hub:
    """Keeps what it is asked."""

    asked: list

    def create_repo(self, *args, **options):
        self.asked.append((args, options))
        return f"https://hub/{args[0]}"

    def upload_folder(self, **options):
        self.asked.append(options)


@pytest.fixture
def hub(monkeypatch):
    fake = Hub()
    fake.asked = []
    monkeypatch.setattr(merged, "HfApi", lambda: fake)
    return fake


def test_the_command_merges_and_pushes_nothing(kept, hub, tmp_path, capsys):
    assert main(["merge", str(kept), "--out", str(tmp_path / "model")]) == 0
    assert "saved in" in capsys.readouterr().out and (tmp_path / "model/README.md").is_file()
    assert hub.asked == []
    assert main(["merge", str(kept), "--out", str(tmp_path / "model")]) == 2
    assert "give a new folder" in capsys.readouterr().err


@pytest.mark.parametrize("said, loaded", [("auto", "bfloat16"), ("float32", "float32")])
def test_the_command_loads_the_weights_as_the_run_had_them(
    run, edit, mllm, tmp_path, monkeypatch, said, loaded
):
    seen = []
    monkeypatch.setenv("SPACE_DTYPE", said)
    monkeypatch.setattr("space_core.mllm.open_mllm", lambda one: seen.append(one.dtype) or mllm)
    folder = save_run(tmp_path / "runs", replace(run, dtype="bfloat16"), edit)
    assert main(["merge", str(folder), "--out", str(tmp_path / "model")]) == 0
    assert seen == [loaded]


def test_the_command_writes_an_adapter_and_says_what_it_loses(kept, edit, tmp_path, capsys):
    out = tmp_path / "lora"
    assert main(["adapter", str(kept), "--out", str(out), "--rank", "1"]) == 0
    assert "of the change is lost in the layer" in capsys.readouterr().out
    assert {path.name for path in out.iterdir()} == {
        "adapter_config.json", "adapter_model.safetensors"
    }
    assert main(["adapter", str(kept), "--out", str(out)]) == 2
    assert "give a new folder" in capsys.readouterr().err


def test_the_command_pushes_when_told_into_a_private_repository(kept, hub, tmp_path, capsys):
    out = tmp_path / "model"
    assert main(["merge", str(kept), "--out", str(out), "--push-to", "ada/without-lemon"]) == 0
    assert hub.asked == [
        (("ada/without-lemon",), {"private": True}),
        {"repo_id": "ada/without-lemon", "folder_path": out},
    ]
    assert "https://hub/ada/without-lemon" in capsys.readouterr().out


def test_what_the_hub_refuses_is_a_sentence(kept, hub, tmp_path, monkeypatch, capsys):
    from huggingface_hub.errors import LocalTokenNotFoundError

    def refuse(*_, **__):
        raise LocalTokenNotFoundError("log in first")

    monkeypatch.setattr(hub, "create_repo", refuse, raising=False)
    out = tmp_path / "model"
    assert main(["merge", str(kept), "--out", str(out), "--push-to", "ada/x"]) == 2
    assert "the hub did not take it" in capsys.readouterr().err and out.is_dir()


def test_offline_nothing_is_pushed(kept, hub, tmp_path, monkeypatch, capsys):
    monkeypatch.setenv("SPACE_OFFLINE", "1")
    # Set by the command, and put back by this.
    monkeypatch.setenv("HF_HUB_OFFLINE", "0")
    out = tmp_path / "model"
    assert main(["merge", str(kept), "--out", str(out), "--push-to", "ada/x"]) == 2
    assert "SPACE_OFFLINE is set" in capsys.readouterr().err
    assert hub.asked == [] and not out.exists()
