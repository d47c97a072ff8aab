"""The stand-in for the pipeline serves the browser too."""

import sys
from pathlib import Path

sys.path.append(str(Path(__file__).resolve().parents[1] / "app"))
