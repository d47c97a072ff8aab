"""Makes a file downloadable without opening the folder of all runs to all visitors."""

import shutil
import tempfile
from pathlib import Path


def served(file: Path) -> str:
    """Copy a file to a folder of its own, from which gradio may serve it; the copy's path."""
    # gradio serves only what a handler returned from the temporary folder; the folder of runs
    # as an allowed path would let every visitor read every run.
    folder = Path(tempfile.mkdtemp(prefix="space-download-"))
    return str(shutil.copy(file, folder / file.name))
