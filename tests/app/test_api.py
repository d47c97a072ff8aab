"""What programs may call, and what they may not."""

import base64
import io
import json
import re
import time
from pathlib import Path

import httpx
import pytest
import torch
from PIL import Image
from stand_in import EMPTY, UNKNOWN, Bench
from visitor import connect

from space_core.edit import Edit, LayerEdit
from space_core.runs import EDIT, RECORD, run_folders
from space_core.ui.image_text import read_image
from space_core.ui.public_api import endpoints

PUBLIC = {"retrieve_anchors", "erase", "ask", "verify"}


def sent(size: tuple[int, int] = (8, 6), kind: str = "PNG") -> str:
    file = io.BytesIO()
    Image.new("RGB", size, (200, 30, 30)).save(file, kind)
    return base64.b64encode(file.getvalue()).decode()


@pytest.fixture
def call(page):
    """Calls an endpoint as a program does."""
    client = connect(page)
    return lambda name, *values, **named: client.predict(*values, api_name=f"/{name}", **named)


def test_words_give_anchors(call):
    found = call("retrieve_anchors", "lemon", "Zitrone, limón", anchors=3)
    assert [one["rank"] for one in found["anchors"]] == [1, 2, 3]
    assert found["anchors"][0]["licence"] == "Apache-2.0" and found["threshold"] == 0.31
    assert found["request"]["aliases"] == ["Zitrone", "limón"] and "scores" not in found
    assert found["dropped"][0]["reason"] and found["warnings"]


def test_an_erasure_is_kept_asked_and_verified_by_its_key(page, call):
    made = call("erase", "lemon", "Zitrone", "sour", "fruit", preset="paper", steps=3, seed=7)
    assert set(made) == {"key", "headline", "why", "measures", "warnings"}
    assert made["headline"] == "Forgotten" and "Of 60 questions" in made["why"]
    assert made["measures"]["forget_accuracy"]["questions"] == 60
    (name, config) = page.pipeline.audited[-1]
    assert (name, config.mode, config.steps, config.seed) == ("lemon", "hard", 3, 7)
    said = call("ask", made["key"], " What is this? ", sent())
    assert said == {"before": "before: What is this?", "after": "after: What is this?"}
    found = call("verify", made["key"])
    assert {**found, "key": made["key"]} == {**made, "record": found["record"]}
    request = found["record"]["selection"]["request"]
    assert (request["name"], request["category"]) == ("lemon", "fruit")
    assert len(found["record"]["outcomes"]) == 5


def test_a_program_wishes_as_the_page_does(call):
    made = call("erase", "lemon", steps=1, instead="refusal", text_too=True)
    request = call("verify", made["key"])["record"]["selection"]["request"]
    assert (request["instead"], request["text_too"]) == ("refusal", True)


def test_an_erasure_tells_how_far_it_is(page):
    job = connect(page).submit("lemon", steps=3, api_name="/erase")
    assert job.result(timeout=60)["headline"] == "Forgotten"
    *told, last = job.outputs()
    assert last == job.result() and all(set(one) == {"done", "doing"} for one in told)
    assert [one["done"] for one in told] == sorted(one["done"] for one in told)
    assert "Erasing: step 2 of at most 3" in [one["doing"] for one in told]


@pytest.mark.parametrize("way", ["cancels", "goes away"])
def test_an_erasure_ends_with_its_caller_and_keeps_nothing(page, call, monkeypatch, way):
    monkeypatch.setattr(page.pipeline, "pause", lambda: time.sleep(0.05))
    kept, ended = run_folders(page.pipeline.folder), len(page.pipeline.reached)
    if way == "cancels":
        job = connect(page).submit("lemon", steps=200, api_name="/erase")
        while not job.outputs():
            time.sleep(0.05)
        job.cancel()
    else:
        where = f"{page.url}gradio_api/call/erase"
        sent = {"data": ["lemon", "", "", "", "space", 24, 200, 0, "general", False]}
        event = httpx.post(where, json=sent).raise_for_status().json()["event_id"]
        with httpx.stream("GET", f"{where}/{event}", timeout=60) as views:
            next(line for line in views.iter_lines() if "Erasing" in line)
    # The one line is free again.
    assert call("erase", "lime", steps=1)["headline"] == "Forgotten"
    assert page.pipeline.reached[ended] < 200 and len(page.pipeline.reached) == ended + 2
    assert len(run_folders(page.pipeline.folder)) == len(kept) + 1


def test_keys_cannot_be_guessed(page, call):
    made = [call("erase", "lemon", steps=1)["key"] for _ in "12"]
    assert len(set(made)) == 2 and all(len(key) >= 24 for key in made)
    runs = [run.name for run in run_folders(page.pipeline.folder)]
    for guess in (*runs, "", "..", "../runs", made[0][:-1], made[0] + "x"):
        for name, more in (("verify", ()), ("ask", ("What is this?",))):
            assert "There is no such run" in call(name, guess, *more)["error"]


def test_a_run_that_cannot_be_kept_is_told_all_the_same(page, call, monkeypatch):
    monkeypatch.setitem(page.pipeline.faults, "save", OSError("No space left on device"))
    made = call("erase", "lemon", steps=1)
    assert made["key"] == "" and made["headline"] == "Forgotten"
    assert made["warnings"][0].startswith("The run could not be kept, and has no key.")


def test_a_run_of_a_program_is_in_no_list(page, call):
    key = call("erase", "lemon", steps=1)["key"]
    runs = page.pipeline.runs.result()
    assert key not in {one.key for visitor in ("", "x" * 24) for one in runs.listed(visitor)}


def test_a_run_of_another_model_is_not_asked(page, call):
    key = call("erase", "lemon", steps=1)["key"]
    runs = page.pipeline.runs.result()
    path = runs.place(runs.find(key)) / RECORD
    path.write_text(path.read_text().replace(Bench.model_sha256, "0f" * 32))
    assert "other weights" in call("ask", key, "What is this?")["error"]


def test_an_edit_that_was_exchanged_is_not_verified(page, call):
    key = call("erase", "lemon", steps=1)["key"]
    other = LayerEdit(torch.zeros(3, 2), torch.ones(4, 2))
    runs = page.pipeline.runs.result()
    Edit({"layers.1.down_proj": other}).save(runs.place(runs.find(key)) / EDIT)
    assert "not the one that was measured" in call("verify", key)["error"]


@pytest.mark.parametrize(
    "name, values, sentence",
    [
        ("erase", [" "], EMPTY),
        ("retrieve_anchors", [UNKNOWN], "Nothing in the public pool"),
        ("retrieve_anchors", ["lemon", "", "", "", 0], "anchors is 0: give 2 to 200"),
        ("retrieve_anchors", ["lemon", f"citron,{'x' * 81}"], "is 81 characters long: use at mos"),
        ("retrieve_anchors", ["lemon", "", "x" * 501], "longer than 500 characters: shorten it"),
        ("erase", ["lemon", "", "", "x" * 81], "is 81 characters long: use at most 80"),
        ("erase", [7], "concept is 7: give text"),
        ("erase", ["lemon", "", "", "", "loud"], "The preset is 'loud': give space or paper"),
        ("erase", ["lemon", "", "", "", "space", 24, 10**6], "steps is 1000000: give 1 to 200"),
        ("erase", ["lemon", "", "", "", "space", 24, True], "steps is True: give a whole number"),
        ("erase", ["lemon", "", "", "", "space", 24, 1, -1], "seed is -1"),
        ("erase", ["lemon", "", "", "", "space", 24, 1, 0, "rude"], "instead is 'rude': give gene"),
        ("erase", ["lemon", "", "", "", "space", 24, 1, 0, "general", 1], "text_too is 1: give tr"),
    ],
)
def test_a_call_that_cannot_be_answered_is_a_sentence(page, call, name, values, sentence):
    asked = len(page.pipeline.audited)
    assert sentence in call(name, *values)["error"] and len(page.pipeline.audited) == asked


def test_a_failed_audit_is_a_sentence_without_its_secrets(page, call, monkeypatch):
    monkeypatch.setitem(page.pipeline.faults, "audit", RuntimeError("out of memory\nsecret"))
    assert call("erase", "lemon") == {"error": "Something went wrong: out of memory"}


def test_everything_that_goes_out_is_json(pipeline):
    search, erase, ask, verify = endpoints(pipeline)
    *told, made = erase("lemon")
    for said in *told, search("lemon"), made, ask(made["key"], "What?"), verify(made["key"]):
        assert json.loads(json.dumps(said)) == said


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "WEBP"])
def test_an_image_comes_as_text(kind):
    for text in (sent(kind=kind), f"data:image/{kind.lower()};base64,{sent(kind=kind)}"):
        image = read_image(text)
        assert (image.mode, image.size) == ("RGB", (8, 6))


@pytest.mark.parametrize(
    "text, sentence",
    [
        ("abc", "cannot be read"),
        ("é", "cannot be read"),
        (base64.b64encode(b"<svg onload=alert(1)>").decode(), "cannot be read"),
        (sent((8000, 8000)), "million pixels"),
        (sent((14000, 14000)), "million pixels"),
        (sent()[:60], "cannot be read"),
        (sent(kind="GIF"), "cannot be read"),
        ("A" * (14 * 2**20), "larger than 10 MB"),
    ],
)
def test_what_is_no_image_is_a_sentence(text, sentence):
    with pytest.raises(ValueError, match=sentence):
        read_image(text)


def test_a_photo_that_the_page_reads_is_read_here_too():
    assert read_image(sent((6000, 4500), kind="JPEG")).size == (1024, 768)


def test_the_example_of_the_readme_runs(page, monkeypatch, capsys):
    text = (Path(__file__).resolve().parents[2] / "README.md").read_text(encoding="utf-8")
    (code,) = [one for one in re.findall(r"```python\n(.*?)```", text, re.S) if "Client" in one]

    def here(url):
        assert url == "http://127.0.0.1:7860"
        return connect(page)

    monkeypatch.setattr("gradio_client.Client", here)
    exec(compile(code, "README.md", "exec"), {})
    said = capsys.readouterr().out
    assert said.startswith("0.6 like lemon\n") and "\nForgotten Of 60 questions" in said
    assert "after: What is a lemon?" in said and said.endswith("}\nlemon\n")


# What is public


def test_four_endpoints_are_public_and_say_what_they_do(page):
    api = connect(page).view_api(return_format="dict", print_info=False)
    named = api["named_endpoints"]
    assert set(named) == {f"/{name}" for name in PUBLIC} and not api["unnamed_endpoints"]
    assert all(len(one["description"]) > 60 for one in named.values())
    words = named["/erase"]["parameters"]
    given = {one["parameter_name"]: one["parameter_has_default"] for one in words}
    assert given.pop("concept") is False and len(given) == 9 and all(given.values())
    seen = {d["api_name"]: d["api_visibility"] for d in page.config["dependencies"]}
    assert {seen.pop(name) for name in PUBLIC} == {"public"} and set(seen.values()) == {"private"}


@pytest.mark.parametrize("name", ["erase", "retrieve_anchors", "ask", "run"])
def test_nobody_passes_the_queue(page, name):
    # Two erasures at once would edit the same model.
    before = list(page.pipeline.chosen)
    values = {"data": ["lemon", "", "", ""], "session_hash": "x"}
    assert httpx.post(f"{page.url}gradio_api/run/{name}", json=values).status_code == 404
    assert page.pipeline.chosen == before


def test_what_computes_waits_in_one_line(page):
    queued = [fn for fn in page.app.fns.values() if fn.queue]
    line = [fn for fn in queued if (fn.concurrency_id, fn.concurrency_limit) == ("gpu", 1)]
    # The others read the store, wait for the model, or show what has ended.
    rest = {fn.api_name for fn in queued if fn not in line}
    assert len(rest) == 5 and {"announce", "verify"} < rest
