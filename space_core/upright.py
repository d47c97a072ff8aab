"""An image file as a viewer shows it, and small enough to hold many of."""

from pathlib import Path
from typing import BinaryIO

from PIL import Image, ImageOps

FORMATS = ("PNG", "JPEG", "WEBP")
# What a file that is no whole image raises, or one that would fill the memory.
UNREADABLE = (OSError, ValueError, SyntaxError, TypeError, Image.DecompressionBombError)
# Every vision tower is shown less.
LONGEST_SIDE = 1024
MOST_PIXELS = 25_000_000
_THINNEST = 100


def upright(image: Image.Image) -> Image.Image:
    """An opened file as RGB, turned as its camera was held, its longer side at most 1024 pixels."""
    # A JPEG is unpacked small at once.
    image.draft("RGB", (LONGEST_SIDE, LONGEST_SIDE))
    picture = ImageOps.exif_transpose(image).convert("RGB")
    picture.thumbnail((LONGEST_SIDE, LONGEST_SIDE))
    # A line of pixels becomes nothing, or a wall, where a tower scales it: it gets a border.
    least = max(picture.size) // _THINNEST
    if min(picture.size) < least:
        picture = ImageOps.pad(picture, tuple(max(least, side) for side in picture.size))
    return picture


def opened(file: Path | BinaryIO) -> Image.Image | None:
    """The same of a file of a known format; None where more than `MOST_PIXELS` would be unpacked.
    Raises one of `UNREADABLE` for a file that is no whole image.
    """
    try:
        with Image.open(file, formats=FORMATS) as image:
            # What counts is what a JPEG becomes. Not a progressive one, which is held whole before.
            if not image.info.get("progressive"):
                image.draft("RGB", (LONGEST_SIDE, LONGEST_SIDE))
            return upright(image) if image.width * image.height <= MOST_PIXELS else None
    except Image.DecompressionBombError:
        return None
