"""An image that a program sends as text: base64, bare or as a data URL."""

import base64
import io

from PIL import Image

from space_core.upright import MOST_PIXELS, UNREADABLE, opened

_UNREADABLE = "The image cannot be read: send a PNG, JPEG or WebP file in base64."
_LARGEST = 10 * 2**20


def read_image(text: str) -> Image.Image:
    """The image, RGB. Raises ValueError for what is no such image, or too large a one."""
    said = text.partition(",")[2] if text.startswith("data:") else text
    if not said.isascii():
        raise ValueError(_UNREADABLE)
    if len(said) > _LARGEST * 4 // 3 + 4:
        raise ValueError(f"The image is larger than {_LARGEST // 2**20} MB: send a smaller one.")
    try:
        data = base64.b64decode(said, validate=True)
        picture = opened(io.BytesIO(data))
    except UNREADABLE as error:
        raise ValueError(_UNREADABLE) from error
    if picture is None:
        raise too_large("The image")
    return picture


def too_large(said: str) -> ValueError:
    """The fault of an image with more pixels than are unpacked, called so."""
    return ValueError(
        f"{said} has more than {MOST_PIXELS // 10**6} million pixels: give a smaller image."
    )
