"""Put a drawing on a background: views are compositions of transparent drawings.

Splits differ in how they compose, not only in their seed: evaluation alone uses striped
backgrounds, tighter crops and stronger lighting.
"""

from dataclasses import dataclass

import numpy as np
from PIL import Image, ImageEnhance

SIZE = 128
COLOURS: dict[str, tuple[int, int, int]] = {
    "white": (248, 248, 248),
    "gray": (135, 135, 135),
    "black": (22, 22, 24),
    "red": (214, 48, 48),
    "orange": (244, 146, 44),
    "yellow": (248, 222, 72),
    "green": (66, 164, 82),
    "blue": (58, 110, 208),
    "purple": (142, 78, 178),
    "pink": (244, 158, 190),
    "brown": (128, 84, 52),
}


@dataclass(frozen=True, slots=True)
class Look:
    """How a split composes. Angles in degrees, the rest as shares of the image or of light."""

    scale: tuple[float, float]
    angle: float
    shift: float
    light: tuple[float, float]
    shade: int
    backgrounds: tuple[str, ...]
    many: float


TAUGHT = Look((0.55, 0.95), 22.0, 0.12, (0.8, 1.2), 14, ("plain", "gradient", "noise"), 0.15)
EVALUATION = Look((0.5, 1.0), 26.0, 0.14, (0.75, 1.25), 18, ("plain", "gradient", "stripes"), 0.15)


@dataclass(frozen=True, slots=True)
class View:
    """One composed image with what can be seen in it: background colour and number of things."""

    image: Image.Image
    colour: str
    count: int


def _background(rng: np.random.Generator, colour: str, look: Look) -> Image.Image:
    base = np.array(COLOURS[colour], float) + rng.uniform(-look.shade, look.shade, 3)
    pixels = np.broadcast_to(base, (SIZE, SIZE, 3)).copy()
    kind = look.backgrounds[rng.integers(len(look.backgrounds))]
    if kind == "gradient":
        ramp = np.linspace(-22, 22, SIZE) * rng.choice([-1, 1])
        pixels += ramp[:, None, None] if rng.random() < 0.5 else ramp[None, :, None]
    elif kind == "noise":
        coarse = rng.normal(0, 12, (8, 8))
        pixels += np.kron(coarse, np.ones((SIZE // 8, SIZE // 8)))[..., None]
    elif kind == "stripes":
        across = np.arange(SIZE)[:, None] * rng.uniform(0.1, 0.4)
        along = np.arange(SIZE)[None, :] * rng.uniform(0.1, 0.4)
        pixels += (11 * np.sign(np.sin(across + along)))[..., None]
    return Image.fromarray(pixels.clip(0, 255).astype(np.uint8))


def _placed(
    rng: np.random.Generator, drawing: Image.Image, look: Look, side: float, upright: bool
) -> Image.Image:
    if not upright and rng.random() < 0.5:
        drawing = drawing.transpose(Image.Transpose.FLIP_LEFT_RIGHT)
    angle = rng.uniform(-look.angle, look.angle) * (0.4 if upright else 1.0)
    turned = drawing.rotate(angle, Image.Resampling.BICUBIC)
    pixels = max(16, round(side * SIZE))
    return turned.resize((pixels, pixels), Image.Resampling.BICUBIC)


def compose(
    drawing: Image.Image, rng: np.random.Generator, look: Look, *, portrait: bool = False
) -> View:
    """One view of an RGBA drawing, ``SIZE`` × ``SIZE`` RGB, determined by the generator's state.

    A ``portrait`` stays upright, fills more of the image and is never shown several times.
    """
    colour = list(COLOURS)[rng.integers(len(COLOURS))]
    image = _background(rng, colour, look)
    count = 1
    if not portrait and rng.random() < look.many:
        count = int(rng.integers(2, 4))
    if count == 1:
        low, high = (0.78, 1.0) if portrait else look.scale
        spots = [(0.5, 0.5, rng.uniform(low, high))]
    else:
        side = rng.uniform(0.42, 0.5)
        corners = [(0.26, 0.28), (0.74, 0.3), (0.28, 0.74), (0.72, 0.72)]
        spots = [(*corners[i], side) for i in rng.permutation(4)[:count]]
    for x, y, side in spots:
        placed = _placed(rng, drawing, look, side, portrait)
        room = look.shift if count == 1 else 0.03
        dx, dy = rng.uniform(-room, room, 2) * (0.5 if portrait else 1.0)
        corner = tuple(round((c + d) * SIZE - placed.width / 2) for c, d in ((x, dx), (y, dy)))
        image.paste(placed, corner, placed)
    image = ImageEnhance.Brightness(image).enhance(rng.uniform(*look.light))
    image = ImageEnhance.Contrast(image).enhance(rng.uniform(*look.light))
    return View(image, colour, count)
