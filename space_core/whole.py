"""Files and folders that appear whole or not at all, whoever else writes them at that time."""

import fcntl
import os
import secrets
import shutil
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

# What is still being written begins with this; listed nowhere.
PART = ".part-"
# Another process may still be writing what is younger.
_ABANDONED = 24 * 60 * 60  # seconds


@contextmanager
def whole_file(path: Path, first: bool = False) -> Iterator[Path]:
    """A path beside ``path`` to write to, whose file takes its place after the block.

    first: not where another file has come there; whoever reads it always reads the same.
    Where the block fails nothing is left of it, and ``path`` is as it was.
    """
    path = Path(path)
    part = path.with_name(f"{PART}{path.name}.{secrets.token_hex(8)}")
    try:
        yield part
        if not (first and _linked(part, path)):
            part.replace(path)
    finally:
        part.unlink(missing_ok=True)


def write_whole(path: Path, text: str) -> None:
    """Write a text, in UTF-8, as such a file."""
    with whole_file(path) as part:
        part.write_text(text, encoding="utf-8")


def _linked(part: Path, path: Path) -> bool:
    """Whether there is a file at ``path`` now, the one that came first."""
    try:
        os.link(part, path)
    except FileExistsError:
        return True
    except OSError:  # a file system without links
        return path.exists()
    return True


@contextmanager
def whole_folder(folder: Path) -> Iterator[Path]:
    """An empty folder to write into, which is ``folder`` after the block.

    Where the block fails nothing is left of it. Raises ValueError where the folder exists.
    """
    folder = Path(folder)
    check_new(folder)
    folder.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=folder.parent, prefix=PART) as temporary:
        part = Path(temporary) / folder.name
        part.mkdir()
        yield part
        part.rename(folder)


@contextmanager
def alone(folder: Path) -> Iterator[None]:
    """Inside, no other process is inside with the same folder, which is there."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield
    finally:
        os.close(handle)


def check_writable(folder: Path) -> None:
    """Raises ValueError where nothing can be written to a folder at this path. Makes none."""
    try:
        # A link to nowhere is there, too, and nothing can be written to it.
        above = (Path(folder), *Path(folder).absolute().parents)
        with tempfile.TemporaryFile(dir=next(path for path in above if os.path.lexists(path))):
            pass
    except OSError as fault:
        raise ValueError(
            f"Nothing can be written to {folder} ({fault.strerror or fault}): give another folder."
        ) from fault


def check_new(folder: Path) -> None:
    """Raises ValueError where the folder exists, or could not be made."""
    if os.path.lexists(folder):
        raise ValueError(f"{folder} exists: nothing is written into it, give a new folder.")
    check_writable(folder)


def clear_parts(folder: Path) -> None:
    """Take away what a killed process left half written in a folder a day ago or more."""
    oldest = time.time() - _ABANDONED
    for path in Path(folder).glob(f"{PART}*"):
        # Another process may take it away first.
        with suppress(OSError):
            if path.stat().st_mtime < oldest:
                shutil.rmtree(path) if path.is_dir() else path.unlink()
