"""An image that a program sends as text: base64, bare or as a data URL."""

import base64
import binascii
import io

from PIL import Image

from space_core.upright import upright

FORMATS = ("PNG", "JPEG", "WEBP")
_FAULTS = (binascii.Error, OSError, SyntaxError, Image.DecompressionBombError)
_UNREADABLE = "The image cannot be read: send a PNG, JPEG or WebP file in base64."
_LARGEST = 10 * 2**20
MOST_PIXELS = 25_000_000


def read_image(text: str) -> Image.Image:
    """The image, RGB. Raises ValueError for what is no such image, or too large a one."""
    said = text.partition(",")[2] if text.startswith("data:") else text
    if not said.isascii():
        raise ValueError(_UNREADABLE)
    if len(said) > _LARGEST * 4 // 3 + 4:
        raise ValueError(f"The image is larger than {_LARGEST // 2**20} MB: send a smaller one.")
    try:
        data = base64.b64decode(said, validate=True)
        image = Image.open(io.BytesIO(data), formats=FORMATS)
        # Its size stands before its pixels: nothing large is unpacked.
        if image.width * image.height > MOST_PIXELS:
            raise too_large("The image")
        return upright(image)
    except _FAULTS as error:
        raise ValueError(_UNREADABLE) from error


def too_large(said: str) -> ValueError:
    """The fault of an image with more pixels than are unpacked, called so."""
    return ValueError(
        f"{said} has more than {MOST_PIXELS // 10**6} million pixels: give a smaller image."
    )
