"""Erased so far: switched off and on; others' erasures stay out of it."""

from types import SimpleNamespace

import pytest
from bare_page import Visit
from stand_in import EDIT, EVIL, record, selection

from space_core.joint import MOST
from space_core.kept_runs import new_key, open_runs
from space_core.run_index import Entry, transaction
from space_core.types import ConceptRequest
from space_core.ui import erased_list


def listed(visit: Visit) -> list[tuple[str, str]]:
    """What stands in the list: (name and state, what the button says)."""
    slots = [n for n in range(MOST) if visit.looks.get(f"erased_{n}", {}).get("visible")]
    return [(visit.now[f"erased_name_{n}"], visit.now[f"undo_{n}"]) for n in slots]


def come(pipeline, visitor: str = "", **values) -> Visit:
    return Visit(pipeline).act("page", "load", visitor=visitor, **values)


def can_ask(visit: Visit) -> bool:
    return visit.looks["ask_together"]["interactive"]


@pytest.fixture
def after(ready) -> Visit:
    """A visitor who erased “lemon”, then “cat”."""
    ready.erase().act("find", concept="cat").erase()
    ready.changed.clear()
    return ready


# The list


def test_what_is_erased_is_listed_and_switched_on(visit, ready):
    visit.act("page", "load")
    assert listed(visit) == [] and "Nothing yet" in visit.now["erased_note"]
    assert not visit.looks["ask_together"]["visible"]
    ready.erase()
    ((name, button),) = listed(ready)
    assert "<b>lemon</b> forgotten; on" in name and button == "Undo “lemon”"
    assert not ready.looks["ask_together"]["visible"]


def test_undo_switches_one_off_and_leaves_the_run_and_the_others(after, pipeline):
    assert can_ask(after) and after.looks["ask_together"]["visible"]
    after.act("undo_1")
    (cat, on), (lemon, off) = listed(after)
    assert "<b>cat</b> forgotten; on" in cat and on == "Undo “cat”"
    assert "<b>lemon</b> forgotten; switched off" in lemon and off == "Switch on “lemon” again"
    assert not can_ask(after)
    assert (pipeline.folder / "run-1").exists() and len(after.looks["my_runs"]["choices"]) == 2
    # The visitor comes back to it, and each tab to what the other did.
    again = come(pipeline, after.now["visitor"])
    assert listed(again) == listed(after)
    again.act("undo_0")
    after.act("undo_1")
    assert [button for _, button in listed(after)] == ["Switch on “cat” again", "Undo “lemon”"]
    # What a start takes up again stays as it was.
    with transaction(pipeline.folder / "index.sqlite") as index:
        index.execute("UPDATE runs SET ways_left = NULL")
    pipeline.runs = SimpleNamespace(result=lambda: open_runs(pipeline.folder))
    assert listed(come(pipeline, after.now["visitor"])) == listed(after)


def test_the_newest_erasure_of_a_concept_stands_for_it(after):
    first = list(after.now["erased"])
    after.act("find", concept="Lemon ").erase()
    assert [name.split("</b>")[0][-5:] for name, _ in listed(after)] == ["Lemon", "b>cat"]
    new, old = after.now["erased"]
    assert old == first[0] and new not in first


def test_a_deleted_run_leaves_the_list(after):
    after.act("undo_1")
    gone = list(after.now["erased"])[1]
    after.act("delete_runs", my_runs=[gone]).act("delete_sure")
    assert [name for name, _ in listed(after) if "lemon" in name] == []
    after.act("undo_0")
    assert list(after.now["erased"].values()) == [False]


def test_nobody_switches_what_is_anothers(after, pipeline):
    guest = come(pipeline).act("undo_0", erased=after.now["erased"])
    assert "no such run among yours" in guest.now["erased_note"]
    assert can_ask(come(pipeline, after.now["visitor"]))


def test_partial_and_others_erasures_are_not_listed(after, pipeline):
    mine = after.now["visitor"]
    pipeline.save(new_key(), mine, record(run_id="part", stopped=True), EDIT)
    lime = record(selection(ConceptRequest("lime")), run_id="theirs")
    pipeline.save(new_key(), new_key(), lime, EDIT)
    pipeline.runs = SimpleNamespace(result=lambda: open_runs(pipeline.folder, shared=True))
    visit = come(pipeline, mine)
    assert len(visit.looks["my_runs"]["choices"]) == 4 and len(listed(visit)) == 2


def test_a_click_on_a_list_that_is_out_of_date_is_a_sentence(after):
    after.act("undo_1", erased={})
    assert "load the page again" in after.now["erased_note"]


def test_a_concept_is_only_a_name_here_too(ready):
    ready.act("find", concept=EVIL).erase()
    ((name, _),) = listed(ready)
    assert EVIL not in name and "&lt;img src=x" in name


def test_a_long_list_keeps_to_its_places_and_says_so():
    own = [Entry(str(n), "v", "f", str(n), "", "finished") for n in range(MOST + 1)]
    view = erased_list.shown(own, "v")
    assert view["erased"] == dict.fromkeys(map(str, range(MOST)), True)
    assert "Only the newest 6 are listed." in view["erased_note"]
    assert "Only the newest" not in erased_list.shown(own[:MOST], "v")["erased_note"]
    assert erased_list.shown(own, "")["erased"] == {}
