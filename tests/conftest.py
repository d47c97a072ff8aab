"""The bundled model, opened once for all tests that need the real thing."""

import atexit
import os
import shutil
import tempfile
from dataclasses import replace
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from space_core.runs import load_record
from space_core.settings import DcsiConfig, Settings, TpasConfig
from space_core.typed_json import to_json
from space_core.types import ConceptRequest, RunRecord
from space_core.whole import write_whole

LEMON = ConceptRequest("lemon")
# Chosen for speed; what the defaults reach is in docs/results/leaderboard.csv.
BRIEFLY = DcsiConfig(steps=8)

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


class Watched(NamedTuple):
    """All that a run tells; the erasure within it, the pool images which that opened, and those
    whose answers it was trained to keep."""

    events: list
    erasure: Any
    opened: list[int]
    trained_on: list[int]


@pytest.fixture(scope="session")
def lemon(bench, shared) -> Watched:
    """A brief erasure of the lemon; its record is left to the siblings."""
    from space_core import audit, material

    pool, opened, trained_on, made = type(bench.sources.pool), [], [], []
    read, kept, erase = pool.image, material.kept, audit.erase

    def refuse(*_):
        raise AssertionError("an evaluation image was opened")

    def spy(*arguments):
        result = kept(*arguments)
        trained_on.extend(result.rows)
        return result

    def watched(*arguments):
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr("space_core.evaluation_split.EvaluationSplit.view", refuse)
            patch.setattr(pool, "image", lambda self, row: opened.append(row) or read(self, row))
            patch.setattr(material, "kept", spy)
            for event in erase(*arguments):
                made[:] = [event]
                yield event

    selection = audit.select_anchors(bench, LEMON, TpasConfig())
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(audit, "erase", watched)
        events = list(audit.audit(bench, LEMON, selection, BRIEFLY, lambda: False))
    write_whole(shared / "lemon.json", to_json(events[-1].record))
    return Watched(events, *made, opened, trained_on)


@pytest.fixture
def lemon_record(shared, request) -> RunRecord:
    """The record of that erasure, whichever process made it."""
    if not (shared / "lemon.json").exists():
        request.getfixturevalue("lemon")
    return load_record(shared / "lemon.json")
