"""The bundled model, opened once for all tests that need the real thing."""

import atexit
import os
import shutil
import tempfile
from dataclasses import replace
from pathlib import Path

import pytest

from space_core.runs import load_record
from space_core.settings import DcsiConfig, Settings, TpasConfig
from space_core.typed_json import to_json
from space_core.types import ConceptRequest, RunRecord
from space_core.whole import write_whole

LEMON = ConceptRequest("lemon")
# Chosen for speed; what the defaults reach is in docs/results/leaderboard.csv.
BRIEFLY = DcsiConfig(steps=14)

# Read by gradio: an app that ends deletes what it served, and its siblings serve files of the same
# names.
os.environ["GRADIO_TEMP_DIR"] = tempfile.mkdtemp(prefix="gradio-")
atexit.register(shutil.rmtree, os.environ["GRADIO_TEMP_DIR"], ignore_errors=True)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """With several processes those tests start first that take longest, those of the bundled model.

    Its tests in a browser come after all other slow ones: by then a sibling has filled the cache,
    and made the run that they compare theirs with.
    """

    def turn(item: pytest.Item) -> int:
        browser = "browser" in item.keywords
        if "real_settings" in getattr(item, "fixturenames", ()):
            return 3 if browser else 0
        if "slow" in item.keywords:
            return 2 if browser else 1
        return 4

    items.sort(key=turn)


@pytest.fixture(scope="session")
def shared(tmp_path_factory) -> Path:
    """A folder of this process and its siblings."""
    own = tmp_path_factory.getbasetemp()
    return own.parent if "PYTEST_XDIST_WORKER" in os.environ else own


@pytest.fixture(scope="session")
def real_settings(tmp_path_factory, shared) -> Settings:
    """The demo with a runs folder of this process's own, and a cache that its siblings share."""
    runs = tmp_path_factory.getbasetemp() / "runs"
    return replace(Settings(), cache=shared / "cache", runs=runs, device="cpu")


@pytest.fixture(scope="session")
def bench(real_settings):
    """What the page audits with."""
    from space_core.audit import open_bench

    return open_bench(real_settings)


@pytest.fixture(scope="session")
def lemon_events(bench, shared) -> list:
    """All that a brief erasure of the lemon tells; its record is left to the siblings."""
    from space_core.audit import audit, select_anchors

    selection = select_anchors(bench, LEMON, TpasConfig())
    events = list(audit(bench, LEMON, selection, BRIEFLY, lambda: False))
    write_whole(shared / "lemon.json", to_json(events[-1].record))
    return events


@pytest.fixture
def lemon_record(shared, request) -> RunRecord:
    """The record of that erasure, whichever process made it."""
    if not (shared / "lemon.json").exists():
        request.getfixturevalue("lemon_events")
    return load_record(shared / "lemon.json")
