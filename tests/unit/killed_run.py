"""A process that keeps runs until it kills itself; started by test_kept_runs.

Arguments: the folder of runs, a record's JSON, where to die. Prints the key of every run begun.
"""

import os
import signal
import sys
from dataclasses import replace
from itertools import count
from pathlib import Path
from types import SimpleNamespace

from space_core import kept_runs
from space_core.typed_json import from_json
from space_core.types import RunRecord


def die(*_) -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def edit(then) -> SimpleNamespace:
    return SimpleNamespace(save=lambda path: (path.write_bytes(b"edit"), then()))


def main(folder: str, record: str, where: str) -> None:
    one = from_json(Path(record).read_text(encoding="utf-8"), RunRecord)
    kept = kept_runs.open_runs(Path(folder))
    rename = Path.rename
    for number in count():
        with kept.running("ada", one.selection.request.name) as key:
            print(key, flush=True)
            if where == "training":
                die()
            if where == "renamed":
                Path.rename = lambda path, target: (rename(path, target), die())
            last = die if where == "writing" else lambda: None
            folder = kept.save(key, "ada", replace(one, run_id=f"run-{number}"), edit(last))
            if where == "deleting":
                kept_runs.remove = die
                kept.delete(kept.find(key))
            print("kept", flush=True)
        if where == "kept":
            die()


main(*sys.argv[1:])
