"""Every kind of question and of outcome has words."""

import ast
from pathlib import Path

import pytest
from test_runs import outcome

from space_core import lessons, wordings
from space_core.labels import KINDS
from space_core.outcome_words import OUTCOMES, in_words

ROOT = Path(lessons.__file__).parent
# What was not right before is neither kept nor lost.
GIVEN = {"never right": ("lost", False), "won": ("kept", False)}


def constants(path: Path) -> set[str]:
    """The kinds that a file gives to lessons, as far as they are written out."""
    calls = (one for one in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
             if isinstance(one, ast.Call) and getattr(one.func, "id", "") == "Lesson")  # fmt: skip
    return {one.args[0].value for one in calls if isinstance(one.args[0], ast.Constant)}


def test_every_kind_of_question_has_words():
    written = constants(ROOT / "lessons.py") | constants(ROOT / "probes.py")
    spoken = {f"{way}-{code}" for way in ("name", "text") for code in wordings.LANGUAGES}
    # What a category is asked in training only.
    assert (written | spoken) - {"category"} <= set(KINDS)
    assert len(set(KINDS.values())) == len(KINDS)


@pytest.mark.parametrize("kind", OUTCOMES)
def test_a_question_in_words_holds_no_code(kind):
    verdict, before = GIVEN.get(kind, (kind, True))
    one = outcome(group="far", kind="is-it-target", verdict=verdict, right_before=before)
    said = in_words(one)
    assert (said.group, said.kind) == ("other concepts", "“is this …?”, with the erased name")
    assert said.verdict == OUTCOMES[kind] and said.question == "What is this?"


def test_what_has_no_words_keeps_its_own():
    said = in_words(outcome(group="new", kind="newer", verdict="newest"))
    assert (said.group, said.kind, said.verdict) == ("new", "newer", "newest")
