"""A pipeline without a model, and visitors without a browser."""

import os
import socket
import warnings
from types import SimpleNamespace

import httpx
import pytest

# No network: gradio reports to its makers, and its client asks the hub whether it is an agent's.
# Both read these when they are imported.
os.environ |= {"GRADIO_ANALYTICS_ENABLED": "False", "HF_HUB_DISABLE_TELEMETRY": "1"}

from bare_page import Visit
from stand_in import StandIn
from visitor import Visitor

from space_core.ui.app_layout import build, launch_options


@pytest.fixture
def pipeline(tmp_path, monkeypatch):
    # Downloads are copies in the temporary folder.
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    return StandIn(tmp_path / "runs")


@pytest.fixture
def visit(pipeline):
    return Visit(pipeline)


@pytest.fixture
def ready(visit):
    """A visitor with anchors for “lemon”."""
    visit.act("find", concept="lemon").changed.clear()
    return visit


@pytest.fixture
def after(ready):
    """A visitor with two runs, the newer one of “cat”."""
    ready.erase().act("find", concept="cat").erase()
    ready.changed.clear()
    return ready


@pytest.fixture(scope="module")
def page(tmp_path_factory):
    """The real page before a stand-in, with its config as a browser gets it."""
    temporary = tmp_path_factory.mktemp("page")
    with pytest.MonkeyPatch.context() as patch, socket.socket() as free:
        patch.setattr("tempfile.tempdir", str(temporary))
        patch.setenv("GRADIO_TEMP_DIR", str(temporary / "gradio"))
        pipeline = StandIn(temporary / "runs")
        with warnings.catch_warnings():
            # gradio only warns where it cannot call a handler.
            warnings.simplefilter("error", UserWarning)
            app = build(pipeline)
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
        free.close()
        try:
            _, url, _ = app.launch(
                prevent_thread_lock=True, quiet=True, server_name="127.0.0.1", server_port=port,
                **launch_options(),
            )
            config = httpx.get(f"{url}config").json()
            here = SimpleNamespace(
                url=url, config=config, pipeline=pipeline, app=app, clients=[],
                uploads=temporary / "gradio",
            )
            yield here
        finally:
            app.close(verbose=False)
        # Their heartbeats have ended with the page: no waiting.
        for client in here.clients:
            client.close()


@pytest.fixture(scope="module")
def come(page):
    """Makes a visitor."""
    return lambda: Visitor(page)
