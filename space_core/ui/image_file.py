"""An image that a visitor hands in as a file: handed on unread, and read with a sentence for a bad
one."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from gradio.components import Component
from gradio.data_classes import FileData, ListFiles
from gradio.utils import get_upload_folder
from PIL import Image

from space_core.ui.image_text import too_large
from space_core.upright import UNREADABLE, opened


# So gradio calls its files of what a gallery shows, to everyone.
_SHOWN = "image.webp"


def unread(part: Component) -> Component:
    """The part, which now hands on the path of its file, or the paths of its files.

    What gradio cannot read itself it refuses before any handler runs: no sentence could name it.
    """
    part.preprocess = _paths
    return part


def read(path: str | Path) -> Image.Image:
    """An image file as RGB, upright and of bounded size. Raises ValueError, naming the file."""
    name = Path(path).name
    try:
        picture = opened(Path(path))
    except FileNotFoundError as fault:
        raise ValueError(
            f"“{name}” is no longer here: this page keeps an image for about an hour. Add it again."
        ) from fault
    except UNREADABLE as fault:
        raise ValueError(
            f"“{name}” cannot be read as an image: give a PNG, JPEG or WebP file."
        ) from fault
    if picture is None:
        raise too_large(f"“{name}”")
    return picture


def let_go(paths: Sequence[str | Path], needed: str | Path | None = None) -> None:
    """Delete what the page stored of an upload, but for the file that it needs still.

    gradio keeps one file of what is the same to the byte and in name.
    """
    keep = {Path(needed).resolve()} if needed else set()
    for path in {Path(path).resolve() for path in paths} - keep:
        if path.name != _SHOWN and path.is_relative_to(Path(get_upload_folder()).resolve()):
            path.unlink(missing_ok=True)


def _paths(payload: FileData | ListFiles | None) -> Any:
    if isinstance(payload, ListFiles):
        return [one.path for one in payload.root]
    return payload and payload.path
