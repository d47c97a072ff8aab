"""The bundled model, opened once for all tests that need the real thing."""

from dataclasses import replace

import pytest

from space_core.settings import Settings


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """For tests in several processes: those of the bundled model in one, which takes longest and
    starts first, the visit last, when it has the machine to itself; of the others each file in one.
    """

    def real(item: pytest.Item) -> bool:
        return "real_settings" in getattr(item, "fixturenames", ())

    items.sort(key=lambda item: (not real(item), item.get_closest_marker("browser") is not None))
    for item in items:
        item.add_marker(pytest.mark.xdist_group("real" if real(item) else str(item.path)))


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
