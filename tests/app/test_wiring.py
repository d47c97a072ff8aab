"""What `listen` makes of a handler: its views placed, its errors and a full queue a sentence."""

from unittest.mock import Mock

import pytest
from gradio import Textbox

from space_core.ui.wiring import listen


def heard(handler, **options):
    """What `listen` makes of a handler."""
    event, parts = Mock(), {"said": "SAID"}
    listen(event, handler, parts, ("said",), outputs=("said",), **options)
    return event.call_args.args[0]


def broken(fault):
    yield {"said": "first"}
    raise fault


def test_an_error_becomes_the_sentence_of_the_listener():
    run = heard(broken, failed=lambda sentence: {"said": f"! {sentence}"})
    assert list(run(ValueError("Do this."))) == [{"SAID": "first"}, {"SAID": "! Do this."}]


@pytest.mark.parametrize(
    "queue, says", [(True, "Too many visitors wait for the model, or a value"), (False, "A value")]
)
def test_what_gradio_refuses_is_a_sentence_of_the_listener_too(queue, says):
    event, options = Mock(), {"outputs": ("said",), "queue": queue}
    listen(event, broken, {"said": "SAID"}, failed=lambda text: {"said": text}, **options)
    refused = event.return_value.failure.call_args.args[0]
    assert refused()["SAID"].startswith(says) and "load the page again" in refused()["SAID"]
    listen(event := Mock(), broken, {"said": "SAID"}, **options)
    assert not event.return_value.failure.called


def test_a_text_that_a_program_leaves_out_is_empty():
    event, given = Mock(), []
    parts = {"name": Textbox(render=False), "kept": "KEPT"}
    listen(event, lambda *values: iter([given.append(values)][:0]), parts, ("name", "kept"))
    list(event.call_args.args[0](None, None))
    assert given == [("", None)]


def test_an_error_that_nobody_shows_changes_nothing():
    # An empty view would be taken for a value.
    assert list(heard(broken)(ValueError("x"))) == [{"SAID": "first"}]


def test_an_unforeseen_error_is_logged_whole_and_shown_short(caplog):
    run = heard(broken, failed=lambda sentence: {"said": sentence})
    assert list(run(OSError("disk\nat /secret")))[-1] == {"SAID": "Something went wrong: disk"}
    assert "/secret" in caplog.text
