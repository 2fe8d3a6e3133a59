"""A folder of small pictures with captions in four languages: three bands of colour, named from top to bottom."""

from __future__ import annotations

from itertools import product
from pathlib import Path
from typing import Final

from PIL import Image

_COLOURS: Final = ((215, 30, 35), (40, 80, 215), (30, 150, 60), (250, 250, 250), (25, 25, 25), (240, 215, 40))
_WORDS: Final = {
    "en": ("red", "blue", "green", "white", "black", "yellow"),
    "de": ("rot", "blau", "grün", "weiß", "schwarz", "gelb"),
    "sw": ("nyekundu", "buluu", "kijani", "nyeupe", "nyeusi", "njano"),
    "zh": ("红色", "蓝色", "绿色", "白色", "黑色", "黄色"),
}
COUNT: Final = len(_COLOURS) ** 3


def picture_folder(folder: Path, count: int = COUNT) -> Path:
    """A folder in Multi30k's layout with the first pictures (32 x 32), one for each three colours."""
    (folder / "images").mkdir(parents=True)
    bands = [*product(range(len(_COLOURS)), repeat=3)][:count]
    for number, band in enumerate(bands):
        image = Image.new("RGB", (1, 3))
        image.putdata([_COLOURS[colour] for colour in band])
        image.resize((32, 32), Image.Resampling.NEAREST).save(folder / "images" / f"{number}.png")
    (folder / "train_images.txt").write_text("".join(f"{number}.png\n" for number in range(count)))
    for language, words in _WORDS.items():
        captions = (", ".join(words[colour] for colour in band) for band in bands)
        (folder / f"train.{language}").write_text("".join(f"{caption}\n" for caption in captions), "utf-8")
    return folder
