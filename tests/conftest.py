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
    """With several processes those tests start first that take longest, those of the bundled model.

    Its tests in a browser come after other slow ones: by then a sibling has filled the cache.
    """

    def turn(item: pytest.Item) -> int:
        browser = "browser" in item.keywords
        if "real_settings" in getattr(item, "fixturenames", ()):
            return 2 if browser else 0
        return 1 if "slow" in item.keywords and not browser else 3

    items.sort(key=turn)


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
