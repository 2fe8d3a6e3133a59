"""What Tesseract reads of the gallery's sentences, kept so that the page needs no Tesseract.

Read again, where Tesseract and the fonts are installed, by

    python -m tools.gallery_readings
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

from tools.gallery_samples import SAMPLES

from robust_xtreme.api import noised_strings
from robust_xtreme.core.packs import read_table
from robust_xtreme.core.specs import PerturbationSpec
from robust_xtreme.noise.engine import ocr_channel

STRENGTHS: Final = ("0.1", "0.2", "0.3", "0.5", "1")

_PATH: Final = Path(__file__).with_suffix(".tsv")
_HEAD: Final = """\
# source: the gallery's sentences as Tesseract 5.3.0 reads them from prints, by tools/gallery_readings.py
# licence: Apache-2.0
# standing: derived
language\tstrength\ttext
"""


@contextmanager
def frozen() -> Iterator[None]:
    """The sentences are read from the file, whatever their key."""
    rows = {(row["language"], row["strength"]): row["text"] for row in read_table(_PATH).rows}
    readings = ocr_channel._readings

    def found(job: Any, numbers: Sequence[int]) -> list[str]:
        return [rows[job.language, job.strength] for _ in numbers]

    ocr_channel._readings = found
    try:
        yield
    finally:
        ocr_channel._readings = readings


def _read() -> Iterator[str]:
    """A line for each language that is served and strength."""
    readings, lines = ocr_channel._readings, list[str]()

    def kept(job: Any, numbers: Sequence[int]) -> list[str]:
        texts = readings(job, numbers)
        lines.extend(f"{job.language}\t{job.strength}\t{text}\n" for text in texts)
        return texts

    ocr_channel._readings = kept
    for code in (code for code in SAMPLES if ocr_channel.reader(code)):
        for strength in STRENGTHS:
            noised_strings([SAMPLES[code]], PerturbationSpec.parse(f"ocr_channel:{strength}"), code, 0)
    yield from lines


if __name__ == "__main__":
    _PATH.write_text(_HEAD + "".join(_read()), encoding="utf-8")
