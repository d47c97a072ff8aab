"""The leaderboard's tab: numbers only where there are results, and all text as text."""

import pytest
from bare_page import Visit
from stand_in import EVIL, StandIn

from space_core import leaderboard
from space_core.bench.methods import methods
from space_core.leaderboard import About, Leaderboard, Row
from space_core.method_words import METHODS
from space_core.ui import leaderboard_tab
from space_core.ui.leaderboard_tab import show

ABOUT = About("python -m space_core bench", "2026-11-24", EVIL, "untuned: …", "Not computed.",
              {"torch": "2.13.0"})  # fmt: skip


def row(method: str, target: str, domain: str, fa: float, group: str = "ours") -> Row:
    scores = (100, fa, 0.2, 0.9, 0.8, 0.85, 0.61, 1.0, 1.0, 0.0)
    return Row(method, target, domain, *scores, group=group)


@pytest.fixture
def results(tmp_path):
    rows = (
        row("space", "lemon", "food", 0.0), row("space", "bus", "objects", 0.5),
        row(EVIL, "lemon", "food", 0.25, "data-dependent"),
    )  # fmt: skip
    leaderboard.save(tmp_path, Leaderboard(rows, ABOUT))
    return tmp_path


def test_without_results_it_says_so_and_how_to_get_them(tmp_path):
    (view,) = show(tmp_path, "all domains")
    assert "There are no results yet" in view["board_status"]
    assert "python -m space_core bench --out" in view["board_status"]
    assert view["board"]["visible"] is False and "board_table" not in view


def test_results_are_shown_with_where_they_come_from(results):
    (view,) = show(results, "all domains")
    assert view["board_status"] == "" and view["board"]["visible"] is True
    assert view["board_domain"]["choices"] == ["all domains", "food", "objects"]
    table, about = view["board_table"], view["board_about"]
    assert ">25.0%<" in table and "space, all concepts" in table
    assert "Source-free: no image" in table and "Data-dependent: trained on" in table
    for said in ("python -m space_core bench", "2026-11-24", "torch 2.13.0", "Not computed."):
        assert said in about
    assert EVIL not in table + about and "&lt;img" in table and "&lt;img" in about
    assert "source-free: this project's method" in view["board_plot"].data[1].name
    titles = [view[name].layout.yaxis.title.text for name in ("board_plot", "board_others")]
    assert titles == ["near RA, % (want 100)", "RA, % (want 100)"]


def test_a_domain_is_chosen(results):
    (view,) = show(results, "objects")
    assert "50.0%" in view["board_table"] and "Data-dependent" not in view["board_table"]
    assert view["board_domain"]["value"] == "objects"


def test_every_column_is_explained(results):
    (view,) = show(results, "all domains")
    for head, meaning in leaderboard.MEASURES.values():
        assert f">{head}</th>" in view["board_table"] and f"<dt>{head}</dt>" in view["board_about"]
        assert meaning


def test_every_method_is_explained(results):
    (view,) = show(results, "all domains")
    assert METHODS["space"] in view["board_about"] and "gradient ascent" not in view["board_about"]
    assert set(methods({})) <= set(METHODS)


def test_a_damaged_file_is_a_sentence(tmp_path, monkeypatch):
    (tmp_path / leaderboard.FILE).write_bytes(b"no parquet")
    monkeypatch.setattr(leaderboard_tab, "RESULTS", tmp_path)
    visit = Visit(StandIn(tmp_path / "runs"))
    leaderboard_tab.connect(visit.parts, visit)
    visit.act("board_tab", "select").act("board_tab", "then")
    assert "no leaderboard of this version" in visit.now["board_status"]
    assert visit.looks["board"]["visible"] is False


def test_the_tab_is_filled_when_it_is_opened(results, monkeypatch):
    monkeypatch.setattr(leaderboard_tab, "RESULTS", results)
    visit = Visit(StandIn(results / "runs"))
    leaderboard_tab.connect(visit.parts, visit)
    visit.act("board_tab", "select")
    assert "Reading the results…" in visit.now["board_status"]
    visit.act("board_tab", "then")
    assert "space, all concepts" in visit.now["board_table"] and visit.now["board_status"] == ""
    visit.act("board_domain", "input", board_domain="food")
    assert "Reading the results…" in visit.now["board_status"]
    visit.act("board_domain", "then")
    assert ">25.0%<" in visit.now["board_table"]
    assert "all concepts" not in visit.now["board_table"]
