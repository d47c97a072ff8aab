"""The bundled model, opened once for all tests that need the real thing."""

from dataclasses import replace

import pytest

from space_core.settings import Settings


@pytest.fixture(scope="session")
def real_settings(tmp_path_factory) -> Settings:
    """The demo with a cache and a runs folder of this session's own."""
    own = tmp_path_factory.mktemp("space")
    return replace(Settings(), cache=own / "cache", runs=own / "runs", device="cpu")


@pytest.fixture(scope="session")
def bench(real_settings):
    """What the page audits with."""
    from space_core.audit import open_bench

    return open_bench(real_settings)
