"""bench-tune: one rule, one grid, nothing lost when stopped, and no measured concept touched."""

import json
import math
from types import SimpleNamespace

import pytest

from space_core.baselines import BASELINES
from space_core.bench import methods, tuning
from space_core.bench.methods import TUNABLE, said, tuned_settings
from space_core.bench.targets import DOMAINS, TUNING, tuning_targets
from space_core.edit import Diverged
from space_core.leaderboard import Row
from space_core.settings import BUNDLED, Settings

TARGETS = ["lemon", "tiger"]


class Bench:
    split = SimpleNamespace(sha256="e")
    model_sha256, pool_sha256 = "m", "p"
    sources = SimpleNamespace(space=SimpleNamespace(name=BUNDLED[1]))


@pytest.fixture
def tried(monkeypatch):
    """Stands for the measurement: more steps erase better, but the largest rate diverges."""
    asked = []

    def measure(_bench, one, name, entry):
        asked.append((name, entry.setting, one.target))
        if len(asked) == 3:
            raise KeyboardInterrupt
        if "rate 0.0003," in entry.setting:
            raise Diverged("diverged")
        # The most steps leave least of the name, and no answer either.
        fa, ends = (
            (0.0, "broken") if "60 steps" in entry.setting
            else (0.1 if "40 steps" in entry.setting else 0.5, "general answer")
        )  # fmt: skip
        scores = (100, fa, 0.1, 0.9, 0.8, 0.8, 1 - fa, 1.0, 1.0, 0.0)
        return Row(name, one.target, "food", *scores, seconds=2.0), [named(ends)]

    def named(verdict):
        return SimpleNamespace(group="target", kind="name", right_before=True, verdict=verdict)

    monkeypatch.setattr(tuning, "open_with_images", lambda _settings: Bench())
    monkeypatch.setattr(tuning, "tuning_targets", lambda _split: TARGETS)
    monkeypatch.setattr(tuning, "ask", lambda _bench, target, _kind: SimpleNamespace(target=target))
    monkeypatch.setattr(tuning, "measure", measure)
    return asked


def test_a_stopped_tuning_goes_on_and_then_chooses(tried, tmp_path):
    with pytest.raises(KeyboardInterrupt):
        tuning.run(Settings(), tmp_path)
    assert (tmp_path / "tuning.csv").read_text().count("\n") == 3
    assert tuned_settings(tmp_path) == {}, "nothing is chosen before all is measured"
    text = tuning.run(Settings(), tmp_path)
    grid = sum(len(one.grid) for one in TUNABLE.values())
    assert len(tried) - 1 == 2 * grid == len(set(tried))
    head = "method,setting,target,fa,broken,ra,proximal_ra,grf_f1,seconds,inputs\n"
    assert (tmp_path / "tuning.csv").read_text().startswith(head)
    again = tuning.run(Settings(), tmp_path)
    assert again == text and len(tried) - 1 == 2 * grid
    chosen = tuned_settings(tmp_path)
    assert (chosen["ga"].learning_rate, chosen["ga"].steps) == (1e-4, 40)
    assert chosen["mmunlearner"].steps == 20, "what breaks every answer has forgotten nothing"
    assert json.loads((tmp_path / "tuning.json").read_text())["targets"] == TARGETS
    known = methods.methods(chosen)
    assert known["ga"].setting == "rate 0.0001, 40 steps"
    assert known["direction"].setting == ""


def test_processes_share_the_concepts_and_the_last_one_chooses(tried, tmp_path, monkeypatch):
    tried += [None] * 3  # so that no stop follows
    monkeypatch.setenv("WORLD_SIZE", "2")
    for number, left in ((1, "are left to other processes"), (0, "chosen")):
        monkeypatch.setenv("RANK", str(number))
        assert left in tuning.run(Settings(), tmp_path)
    assert [one[2] for one in tried[3:]] == sorted((one[2] for one in tried[3:]), reverse=True)
    assert [path.name for path in sorted(tmp_path.iterdir())] == ["tuning.csv", "tuning.json"]
    monkeypatch.delenv("WORLD_SIZE")
    done = len(tried)
    tuning.run(Settings(), tmp_path)
    assert len(tried) == done


def test_what_was_tried_with_other_data_is_tried_again(tried, tmp_path, monkeypatch):
    tried += [None] * 3  # so that no stop follows
    tuning.run(Settings(), tmp_path)
    done = len(tried)
    monkeypatch.setattr(methods, "VERSION", "another")
    tuning.run(Settings(), tmp_path)
    assert len(tried) == 2 * done - 3
    tuning.run(Settings(), tmp_path)
    assert len(tried) == 2 * done - 3


def test_one_baseline_is_tuned_and_what_the_others_have_stays(tried, tmp_path, monkeypatch):
    tried += [None] * 3  # so that no stop follows
    tuning.run(Settings(), tmp_path)
    monkeypatch.setattr(methods, "VERSION", "another")
    del tried[3:]
    tuning.run(Settings(), tmp_path, ("siu",))
    assert {name for name, _, _ in tried[3:]} == {"siu"}
    chosen, now = methods.tuned(tmp_path), methods.inputs_of(Bench(), "data-dependent")
    assert set(chosen) == set(TUNABLE)
    assert [name for name, one in chosen.items() if one["inputs"] == now] == ["siu"]
    rows = (tmp_path / "tuning.csv").read_text().splitlines()
    assert len(rows) - 1 == 2 * sum(len(one.grid) for one in TUNABLE.values())
    monkeypatch.setenv("WORLD_SIZE", "2")
    for number in "10":
        monkeypatch.setenv("RANK", number)
        tuning.run(Settings(), tmp_path, ("idk",))
    files = sorted(path.name for path in tmp_path.iterdir())
    assert files == ["tuning.csv", "tuning.json"], "nothing is left of the parts"
    with pytest.raises(ValueError, match="nothing to tune for 'direction'"):
        tuning.run(Settings(), tmp_path, ("direction",))


def test_trials_that_do_not_say_what_broke_are_made_anew(tried, tmp_path):
    tried += [None] * 3  # so that no stop follows
    tuning.run(Settings(), tmp_path)
    path, done = tmp_path / "tuning.csv", len(tried)
    head, first, *rest = path.read_text().splitlines()
    cells = first.split(",")
    cells[head.split(",").index("broken") + 1] = "nan"  # a setting holds a comma
    path.write_text("\n".join([head, ",".join(cells), *rest]) + "\n")
    tuning.run(Settings(), tmp_path)
    assert len(tried) == done + 1


def test_the_best_mean_wins_and_the_first_of_equals():
    means = {("a", "1"): 0.5, ("a", "2"): 0.7, ("a", "3"): 0.7, ("a", "4"): math.nan,
             ("b", "1"): math.nan}  # fmt: skip
    assert tuning.choose(means) == {"a": "2"}


def test_untuned_methods_run_with_the_first_of_their_grid_and_say_so():
    known = methods.methods({})
    assert known["siu"].setting == f"{said(BASELINES['siu'].grid[0])}, untuned"
    assert {name for name, one in known.items() if "untuned" in one.setting} == set(TUNABLE)


@pytest.mark.parametrize(
    "text",
    [
        '{"chosen": {"ga": {"setting": "rate 7", "inputs": ""}}}',
        '{"chosen": {"gb": {"setting": "", "inputs": ""}}}', '{"chosen": {"ga": "rate 7"}}',
        "[]", "{",
    ],
)
def test_a_choice_that_is_in_no_grid_is_refused(tmp_path, text):
    (tmp_path / "tuning.json").write_text(text)
    with pytest.raises(ValueError, match="run bench-tune again"):
        tuned_settings(tmp_path)


def test_another_table_is_not_taken_for_this_one(tried, tmp_path):
    (tmp_path / "tuning.csv").write_text("a,b\n1,2\n")
    with pytest.raises(ValueError, match="no table of bench-tune"):
        tuning.run(Settings(), tmp_path)
    assert not tried


def test_one_concept_of_each_domain_is_tuned_on():
    where = dict(zip(TUNING, ("food", "animals", "objects", "places", "food", "people", "people",
                              "artist style", "artist style", "objects")))  # fmt: skip

    class Split:
        concepts = {name: type("C", (), {"domain": domain}) for name, domain in where.items()}

    found = tuning_targets(Split)
    assert [where[name] for name in found] == list(DOMAINS)
    assert found == ["Zelmira Ambekari", "tiger", "Notionists", "guitar", "castle", "lemon"]
    Split.concepts.pop("keyboard")
    with pytest.raises(ValueError, match="keyboard"):
        tuning_targets(Split)
