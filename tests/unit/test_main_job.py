"""The main job's table: each row once, kept as soon as it is measured, never from elsewhere."""

import pytest

from space_core.bench import main_job, targets
from space_core.bench.main_job import Row, table
from space_core.bench.targets import TUNING
from space_core.settings import Settings

PICKED = [("ant", "animals"), ("bus", "objects")]


def row(name: str, domain: str, fa: float = 0.02) -> Row:
    return Row(name, domain, 120, fa, 0.99, 0.96, 80.0, 0.06, 0.05, 0.9, 1.0)


@pytest.fixture
def measured(monkeypatch):
    """Stands for the real measurement; notes what was asked of it."""
    asked = []

    class Bench:
        split = "a split"

    def measure(_bench, name, domain):
        if name == "bus" and len(asked) == 1:
            asked.append("cut off")
            raise KeyboardInterrupt
        asked.append(name)
        return row(name, domain)

    monkeypatch.setattr(main_job, "open_with_images", lambda _settings: Bench())
    monkeypatch.setattr(main_job, "chosen", lambda _bench: iter(PICKED))
    monkeypatch.setattr(main_job, "measure", measure)
    monkeypatch.setattr(main_job, "inputs_of", lambda _bench, group: f"{group} as it is")
    return asked


def test_a_stopped_run_goes_on_where_it_stopped(measured, tmp_path):
    out = tmp_path / "results" / "main_job.csv"
    with pytest.raises(KeyboardInterrupt):
        main_job.run(Settings(), out)
    assert out.read_text().count("\n") == 2
    text = main_job.run(Settings(), out)
    assert measured == ["ant", "cut off", "bus"]
    head = "concept,domain,n,fa,ra,proximal_ra,seconds,"
    assert out.read_text().startswith(head) and "ant,animals,120,0.0200" in out.read_text()
    assert text.count("| ant |") == text.count("| bus |") == 1 and "**mean**" in text


def test_rows_of_other_inputs_are_measured_anew(measured, tmp_path, monkeypatch):
    measured.append("no cut")
    main_job.run(Settings(), tmp_path / "table.csv")
    monkeypatch.setattr(main_job, "inputs_of", lambda *_: "another model")
    main_job.run(Settings(), tmp_path / "table.csv")
    assert measured == ["no cut", "ant", "bus", "ant", "bus"]
    assert "ours as it is" not in (tmp_path / "table.csv").read_text()


def test_the_mean_is_the_mean():
    text = table([row("ant", "animals", 0.0), row("bus", "objects", 0.1)])
    assert text.splitlines()[-1].split("|")[4].strip() == "5.0%"


def test_another_file_is_not_taken_for_the_table(measured, tmp_path):
    (tmp_path / "other.csv").write_text("a,b\n1,2\n")
    with pytest.raises(ValueError, match="no table of the main job"):
        main_job.run(Settings(), tmp_path / "other.csv")
    with pytest.raises(ValueError, match="is a folder"):
        main_job.run(Settings(), tmp_path)


def test_no_constant_was_chosen_on_a_measured_concept(monkeypatch):
    class Bench:
        class split:
            concepts = {}

    Bench.split.concepts = {
        name: type("C", (), {"domain": "food"}) for name in (*TUNING, "pear", "plum", "fig")
    }
    monkeypatch.setattr(targets, "knows", lambda _bench, name: name != "fig")
    assert {name for name, _ in main_job.chosen(Bench)} == {"pear", "plum"}
