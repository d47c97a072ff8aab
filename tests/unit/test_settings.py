"""Settings come from the environment, are checked before any work, and are all explained."""

import os
import re
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest

from space_core.settings import BUNDLED, Settings, variable

ROOT = Path(__file__).resolve().parents[2]
FIELDS = tuple(Settings.__dataclass_fields__)


@pytest.fixture(autouse=True)
def bare(monkeypatch):
    """No setting but those of the test."""
    for name in (*map(variable, FIELDS), "SPACE_ID"):
        monkeypatch.delenv(name, raising=False)


def of(monkeypatch, **values: str) -> Settings:
    for name, value in values.items():
        monkeypatch.setenv(f"SPACE_{name.upper()}", value)
    return Settings.from_env()


def test_every_setting_is_explained_and_nothing_else():
    page = (ROOT / "docs" / "settings.md").read_text(encoding="utf-8")
    assert re.findall(r"^\| `(SPACE_\w+)` \|", page, re.M) == [variable(name) for name in FIELDS]


def test_other_pages_name_settings_that_exist():
    known = {*map(variable, FIELDS), "SPACE_PACKAGES", "SPACE_WORDNET"}
    pages = [ROOT / "README.md", *(ROOT / "docs").glob("*.md")]
    named = {one for page in pages for one in re.findall(r"\bSPACE_[A-Z_]+\b", page.read_text())}
    assert named <= known, f"no such setting: {named - known}"


def test_what_is_not_set_or_empty_has_its_default(monkeypatch):
    assert of(monkeypatch) == Settings() == of(monkeypatch, model="", max_queue=" ")


def test_every_kind_of_value_is_read(monkeypatch, tmp_path):
    read = of(
        monkeypatch, model="org/model", revision="v1", allowed_models=" org/model, org/clip ",
        offline="Yes", pool=str(tmp_path), runs="kept", max_queue="3", user="ada",
        password="secret", device="cuda:1", evaluation=str(tmp_path),
        dtype="bfloat16",
    )  # fmt: skip
    assert (read.model, read.revision, read.device) == ("org/model", "v1", "cuda:1")
    assert read.dtype == "bfloat16" and of(monkeypatch, device="all").device == "all"
    assert read.allowed_models == ("org/model", "org/clip") and read.offline is True
    assert (read.pool, read.evaluation, read.runs) == (tmp_path, tmp_path, Path("kept"))
    assert read.max_queue == 3 and read.auth == ("ada", "secret")
    assert "secret" not in repr(read) and Settings().auth is None


@pytest.mark.parametrize(
    "values, sentence",
    [
        ({"device": "gpu"}, "SPACE_DEVICE is 'gpu': give auto, cpu, cuda or cuda:0, or all."),
        ({"dtype": "fp8"}, "SPACE_DTYPE is 'fp8': give auto, float32 or bfloat16."),
        ({"max_queue": "many"}, "SPACE_MAX_QUEUE is 'many': give a whole number."),
        ({"max_queue": "0"}, "SPACE_MAX_QUEUE is 0: give 1 or more."),
        ({"layers": "4, five"}, "SPACE_LAYERS is 'five': give a whole number."),
        ({"offline": "perhaps"}, "SPACE_OFFLINE is 'perhaps': give 1 or 0."),
        ({"pool": "/no/such"}, "SPACE_POOL is '/no/such', which is no folder."),
        ({"evaluation": "/no/such"}, "SPACE_EVALUATION is '/no/such', which is no folder."),
        ({"user": "ada"}, "SPACE_PASSWORD is not set: set both SPACE_USER and SPACE_PASSWORD"),
        ({"password": "x"}, "SPACE_USER is not set"),
        (
            {"model": "any/one", "allowed_models": "org/model"},
            "SPACE_MODEL is 'any/one', which is not allowed here: add it to SPACE_ALLOWED_MODELS.",
        ),
        ({"shared_space": "any/one", "allowed_models": "org/model"}, "SPACE_SHARED_SPACE is"),
    ],
)
def test_a_value_that_cannot_be_used_is_a_sentence(monkeypatch, values, sentence):
    with pytest.raises(ValueError) as fault:
        of(monkeypatch, **values)
    assert sentence in str(fault.value) and "\n" not in str(fault.value)


def test_blocks_are_numbers(monkeypatch):
    assert of(monkeypatch).layers == ()
    assert of(monkeypatch, layers="4, 15").layers == (4, 15)


def test_a_password_is_not_told(monkeypatch):
    with pytest.raises(ValueError) as fault:
        of(monkeypatch, password="hunter2")
    assert "hunter2" not in str(fault.value)


def test_a_space_loads_no_model_that_it_was_not_told_to_allow(monkeypatch):
    monkeypatch.setenv("SPACE_ID", "ada/auditor")
    assert of(monkeypatch).allowed_models == BUNDLED
    assert of(monkeypatch, allowed_models=" , ").allowed_models == BUNDLED
    with pytest.raises(ValueError, match="SPACE_MODEL is 'org/model', which is not allowed"):
        of(monkeypatch, model="org/model")
    assert of(monkeypatch, model="org/model", allowed_models="org/model").model == "org/model"


def test_no_evaluation_is_said_in_a_word(monkeypatch):
    assert not of(monkeypatch, evaluation="none").evaluation.is_dir()


def test_offline_asks_nobody():
    code = (
        "import socket, sys\n"
        "def refuse(*_, **__):\n"
        "  print('asked')\n"
        "  raise OSError('no network')\n"
        "socket.getaddrinfo = socket.socket.connect = refuse\n"
        "from space_core.cli import main\n"
        "assert main(['anchors', 'lemon']) == 2\n"
        "from space_core.hub import load_dual_encoder\n"
        "try: load_dual_encoder('no/such', 'cpu')\n"
        "except ValueError as error: print(error, file=sys.stderr)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, timeout=900,
        env={**os.environ, "SPACE_OFFLINE": "1", "SPACE_MODEL": "no/such"},
    )  # fmt: skip
    assert done.returncode == 0 and done.stdout == ""
    assert done.stderr.count("'no/such' could not be loaded") == 2


@pytest.mark.parametrize("name, bundled", [(Settings().model, True), ("/elsewhere/mllm", False)])
def test_a_bench_knows_the_bundled_model(name, bundled):
    from space_core.audit import Bench

    assert Bench(SimpleNamespace(mllm=SimpleNamespace(name=name)), None).bundled is bundled


@pytest.mark.parametrize(
    "user, password, auth", [("ada", "secret", ("ada", "secret")), ("", "", None)]
)
def test_app_asks_for_the_password_that_was_set(monkeypatch, user, password, auth):
    import app
    from space_core import downloads
    from space_core.ui import app_layout, pipeline

    asked = {}
    page = SimpleNamespace(launch=lambda **options: asked.update(options))
    monkeypatch.setattr(app_layout, "build", lambda *_: page)
    monkeypatch.setattr(pipeline, "default_pipeline", lambda _: None)
    for name in ("claim_cache", "sweep_hourly"):
        monkeypatch.setattr(downloads, name, lambda *_: None)
    monkeypatch.setattr(app, "heed_offline", lambda _: None)
    monkeypatch.setattr(app.Settings, "from_env", lambda: Settings(user=user, password=password))
    app.main()
    assert asked["auth"] == auth and "theme" in asked


def test_app_says_a_bad_setting_in_one_line(monkeypatch, tmp_path):
    import app

    monkeypatch.setenv("SPACE_DEVICE", "gpu")
    with pytest.raises(SystemExit) as stopped:
        app.main()
    assert str(stopped.value).startswith("error: SPACE_DEVICE is 'gpu'")
    (tmp_path / "file").touch()
    monkeypatch.setenv("SPACE_DEVICE", "cpu")
    monkeypatch.setenv("SPACE_RUNS", str(tmp_path / "file" / "runs"))
    with pytest.raises(SystemExit) as stopped:
        app.main()
    assert str(stopped.value).startswith("error: Nothing can be written to")
