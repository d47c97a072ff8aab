"""Starts SPACE Auditor's web page: environment, settings, launch."""

import logging
import os

# Read when gradio and huggingface_hub are imported: nothing is reported to anyone.
os.environ.setdefault("GRADIO_ANALYTICS_ENABLED", "False")
os.environ.setdefault("HF_HUB_DISABLE_TELEMETRY", "1")

from space_core.settings import Settings
from space_core.ui.app_layout import build, launch_options
from space_core.ui.pipeline import default_pipeline


def main() -> None:
    """Serve the page; GRADIO_SERVER_NAME and GRADIO_SERVER_PORT say where."""
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(message)s")
    build(default_pipeline(Settings.from_env())).launch(**launch_options())


if __name__ == "__main__":
    main()
