"""Starts SPACE Auditor's web page: environment, settings, launch."""

import logging
import os

# Read by gradio when it is imported.
os.environ.setdefault("GRADIO_ANALYTICS_ENABLED", "False")

from space_core.settings import Settings
from space_core.ui.app_layout import build, launch_options
from space_core.ui.pipeline import default_pipeline


def main() -> None:
    """Serve the page; GRADIO_SERVER_NAME and GRADIO_SERVER_PORT say where."""
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(message)s")
    build(default_pipeline(Settings.from_env())).launch(**launch_options())


if __name__ == "__main__":
    main()
