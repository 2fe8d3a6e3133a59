"""Decode image files with Pillow: bounded in size, and every failure is one line that names the file."""

from __future__ import annotations

import warnings
from importlib.util import find_spec
from pathlib import Path
from typing import Final

import numpy as np

from robust_xtreme.errors import DataError, UserError
from robust_xtreme.training.images.pairs import Pixels

_FORMATS: Final = ("JPEG", "PNG", "GIF", "WEBP", "BMP", "TIFF")
_MOST_PIXELS: Final = 50_000_000
"""The most pixels of an image; a small file can contain far more."""


def check_pillow() -> None:
    """Raise UserError where Pillow is not installed."""
    if find_spec("PIL") is None:
        what = "Pairs of images and captions need Pillow, which is not installed."
        raise UserError(f"{what} Install it: pip install 'robust-xtreme[images]'")


def decoded(path: Path, size: int) -> Pixels:
    """The colours of an image file, uint8 (size, size, 3), resized without keeping its proportions.

    Transparent parts are white. Raises DataError where the file is not an image that can be read.
    """
    from PIL import Image

    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            warnings.simplefilter("error", Image.DecompressionBombWarning)
            with Image.open(path, formats=_FORMATS) as image:
                _check_size(image.size, path)
                whole = image.convert("RGBA")
            ground = Image.new("RGBA", whole.size, "white")
            colours = Image.alpha_composite(ground, whole).convert("RGB")
            return np.asarray(colours.resize((size, size), Image.Resampling.BICUBIC), np.uint8)
    except DataError:
        raise
    except (Image.DecompressionBombWarning, Image.DecompressionBombError) as error:
        raise _too_large(path) from error
    except Exception as error:
        reason = str(error).splitlines()[0][:200] if str(error) else type(error).__name__
        raise DataError(path, f"cannot be read as an image: {reason}. Get it again, or leave its rows out.") from error


def _check_size(size: tuple[int, int], path: Path) -> None:
    if size[0] * size[1] > _MOST_PIXELS:
        raise _too_large(path)


def _too_large(path: Path) -> DataError:
    return DataError(path, f"has more than {_MOST_PIXELS:,} pixels, and is not decoded. Make it smaller.")
