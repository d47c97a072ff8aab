"""The page stands before the libraries of the model are loaded."""

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
# As `app.py` does it, before doors that never open.
BUILD = """
import sys
from concurrent.futures import Future
from dataclasses import fields

import app
from space_core.ui.app_layout import build, launch_options
from space_core.ui.pipeline import Pipeline

build(Pipeline(**{one.name: Future() for one in fields(Pipeline)}))
launch_options()
print(sorted({"torch", "transformers", "faiss"} & set(sys.modules)))
"""


def test_building_the_page_loads_no_library_of_the_model():
    done = subprocess.run(
        [sys.executable, "-c", BUILD], cwd=ROOT, capture_output=True, text=True, timeout=300,
        check=False,
    )  # fmt: skip
    assert done.stdout.strip() == "[]", done.stderr[-2000:]
