"""The bundled model, opened once for all tests that need the real thing."""

import atexit
import os
import shutil
import tempfile
from dataclasses import replace

import pytest

from space_core.settings import Settings

# Read by gradio: an app that ends deletes what it served, and its siblings serve files of the same
# names.
os.environ["GRADIO_TEMP_DIR"] = tempfile.mkdtemp(prefix="gradio-")
atexit.register(shutil.rmtree, os.environ["GRADIO_TEMP_DIR"], ignore_errors=True)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """The tests of the bundled model take longest: with several processes they start first."""
    items.sort(key=lambda item: "real_settings" not in getattr(item, "fixturenames", ()))


@pytest.fixture(scope="session")
def real_settings(tmp_path_factory) -> Settings:
    """The demo with a runs folder of this process's own, and a cache that its siblings share."""
    own = base = tmp_path_factory.getbasetemp()
    if "PYTEST_XDIST_WORKER" in os.environ:
        base = own.parent
    return replace(Settings(), cache=base / "cache", runs=own / "runs", device="cpu")


@pytest.fixture(scope="session")
def bench(real_settings):
    """What the page audits with."""
    from space_core.audit import open_bench

    return open_bench(real_settings)
