"""An image file as a viewer shows it, and small enough to hold many of."""

from PIL import Image, ImageOps

# What a file that is no whole image raises, or one that would fill the memory.
UNREADABLE = (OSError, ValueError, SyntaxError, TypeError, Image.DecompressionBombError)
# Every vision tower is shown less.
LONGEST_SIDE = 1024


def upright(image: Image.Image) -> Image.Image:
    """An opened file as RGB, turned as its camera was held, its longer side at most 1024 pixels."""
    # A JPEG is unpacked small at once.
    image.draft("RGB", (LONGEST_SIDE, LONGEST_SIDE))
    picture = ImageOps.exif_transpose(image).convert("RGB")
    picture.thumbnail((LONGEST_SIDE, LONGEST_SIDE))
    return picture
