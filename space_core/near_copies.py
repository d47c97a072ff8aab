"""Near-copies of an image, mirrored ones too, found by 64-bit difference hashes (dHash).

On plain ground other pictures agree, too: a flat area has no brighter neighbour. Where what is
taken for a copy would be lost, the shared space must agree. Crops are missed.
"""

import numpy as np
import torch
from PIL import Image, ImageOps

NEAR_COPY_BITS = 4  # of 64: other views of one picture differ by more
_AGREE = 0.9  # cosine in the shared space: of mirrored, smaller or brighter images the rule
# Bits cut into more pieces than may differ: near-copies have at least one piece in common.
_PIECES = NEAR_COPY_BITS + 1


def image_hashes(image: Image.Image) -> tuple[int, int]:
    """The hash of an image, and of its mirror image."""
    return difference_hash(image), difference_hash(ImageOps.mirror(image))


def difference_hash(image: Image.Image) -> int:
    """64 bits: whether each of 8 × 8 cells is brighter than its right neighbour."""
    gray = np.asarray(image.convert("L").resize((9, 8), Image.Resampling.BOX), np.int16)
    return int.from_bytes(np.packbits(gray[:, 1:] > gray[:, :-1]).tobytes(), "big")


def copies(hashes: np.ndarray, of: np.ndarray) -> np.ndarray:
    """Which of n images may be copies of one of m others, as they are or mirrored; [n] bool.

    hashes [n, 2], of [m, 2]: uint64, as `image_hashes` gives them.
    """
    found = np.zeros(len(hashes), bool)
    for shown in np.unique(of):
        found |= np.bitwise_count(hashes[:, 0] ^ shown) <= NEAR_COPY_BITS
    return found


class Seen:
    """Images met so far: says which earlier one an image is a near-copy of, by hash and by vector
    in the shared space ([d], any float dtype)."""

    def __init__(self) -> None:
        self._by_piece: dict[tuple[int, int], list[tuple[int, int]]] = {}
        self._vectors: dict[int, torch.Tensor] = {}

    def copy_of(self, hashes: tuple[int, int], vector: torch.Tensor) -> int | None:
        """The number of the first image that this one looks like, or None."""
        own = hashes[0]
        near = sorted({
            number
            for piece in _pieces(own)
            for number, shown in self._by_piece.get(piece, ())
            if (shown ^ own).bit_count() <= NEAR_COPY_BITS
        })
        if not near:
            return None
        met = torch.stack([self._vectors[number] for number in near]).float()
        agree = torch.cosine_similarity(met, vector.float()[None]) >= _AGREE
        return next((number for number, one in zip(near, agree.tolist()) if one), None)

    def add(self, number: int, hashes: tuple[int, int], vector: torch.Tensor) -> None:
        """Remember an image, and its mirror image, under a number."""
        self._vectors[number] = vector
        for shown in hashes:
            for piece in _pieces(shown):
                self._by_piece.setdefault(piece, []).append((number, shown))


def _pieces(value: int) -> list[tuple[int, int]]:
    width = -(-64 // _PIECES)
    return [(i, value >> i * width & (1 << width) - 1) for i in range(_PIECES)]
