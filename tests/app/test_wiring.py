"""What `listen` makes of a handler: its views placed, its errors and a full queue a sentence."""

from unittest.mock import Mock

from space_core.ui.wiring import listen


def heard(handler, **options):
    """What `listen` makes of a handler."""
    event, parts = Mock(), {"said": "SAID"}
    listen(event, handler, parts, outputs=("said",), **options)
    return event.call_args.args[0]


def broken(fault):
    yield {"said": "first"}
    raise fault


def test_an_error_becomes_the_sentence_of_the_listener():
    run = heard(broken, failed=lambda sentence: {"said": f"! {sentence}"})
    assert list(run(ValueError("Do this."))) == [{"SAID": "first"}, {"SAID": "! Do this."}]


def test_what_gradio_refuses_is_a_sentence_of_the_listener_too():
    event, options = Mock(), {"outputs": ("said",), "failed": lambda sentence: {"said": sentence}}
    listen(event, broken, {"said": "SAID"}, **options)
    refused = event.return_value.failure.call_args.args[0]
    assert "Too many visitors wait for the model, or a value" in refused()["SAID"]
    listen(event := Mock(), broken, {"said": "SAID"}, queue=False, **options)
    assert not event.return_value.failure.called


def test_an_error_that_nobody_shows_changes_nothing():
    # An empty view would be taken for a value.
    assert list(heard(broken)(ValueError("x"))) == [{"SAID": "first"}]


def test_an_unforeseen_error_is_logged_whole_and_shown_short(caplog):
    run = heard(broken, failed=lambda sentence: {"said": sentence})
    assert list(run(OSError("disk\nat /secret")))[-1] == {"SAID": "Something went wrong: disk"}
    assert "/secret" in caplog.text
