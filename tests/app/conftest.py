"""A pipeline without a model, and visitors without a browser."""

import os

import pytest

# No network: gradio reports to its makers, and its client asks the hub whether it is an agent's.
# Both read these when they are imported.
os.environ |= {"GRADIO_ANALYTICS_ENABLED": "False", "HF_HUB_DISABLE_TELEMETRY": "1"}

from stand_in import StandIn, Visit


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
