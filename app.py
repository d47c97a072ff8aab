"""Starts SPACE Auditor's web page: environment, settings, launch."""

import logging
import os
import sys

# Read when gradio and huggingface_hub are imported: nothing is reported to anyone.
os.environ.setdefault("GRADIO_ANALYTICS_ENABLED", "False")
os.environ.setdefault("HF_HUB_DISABLE_TELEMETRY", "1")

# Before anything that may touch CUDA.
import space_core.backend  # noqa: F401
from space_core import downloads
from space_core.settings import Settings, heed_offline
from space_core.whole import check_writable


def main() -> None:
    """Serve the page; GRADIO_SERVER_NAME and GRADIO_SERVER_PORT say where."""
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(message)s")
    try:
        settings = Settings.from_env()
        check_writable(settings.runs)
    except ValueError as error:
        sys.exit(f"error: {error}")
    heed_offline(settings)
    cache = downloads.claim_cache()
    from space_core.ui.app_layout import build, launch_options
    from space_core.ui.pipeline import default_pipeline

    pipeline = default_pipeline(settings)
    downloads.sweep_hourly(cache, lambda: pipeline.runs.result().expire())
    page = build(pipeline, settings.max_queue)
    page.launch(auth=settings.auth, **launch_options())


if __name__ == "__main__":
    main()
