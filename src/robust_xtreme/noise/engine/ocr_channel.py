"""Texts as Tesseract reads them from a bad print, in place of a table of look-alikes.

A text is drawn in a font of Noto, made bad by degrees (resolution, blur, tilt, ink, speckle; drawn by the text's key)
and read in its language. What was read becomes edits by a diff of clusters; a change that would break, empty or touch
a span is left out. A reading is kept in the cache under a hash of the text, its key, the degree and the names of font
and language data, so that what was read once needs no Tesseract.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import tempfile
import textwrap
import unicodedata
from collections.abc import Iterator, Sequence
from functools import cache
from itertools import groupby
from pathlib import Path
from typing import Any, Final

import numpy as np

from robust_xtreme.core import packs
from robust_xtreme.core.edits import Array, Batch, Edits
from robust_xtreme.core.errors import UserError
from robust_xtreme.core.graphemes import split
from robust_xtreme.core.languages import language
from robust_xtreme.files.cache import opened
from robust_xtreme.noise.engine.diff import hunks
from robust_xtreme.noise.engine.libraries import importing
from robust_xtreme.noise.engine.perturbation import Job
from robust_xtreme.noise.engine.rewriter import Change, add_change, edits_of

SECONDS: Final = 0.25
"""The time of a text of one sentence, on one core."""

_KIND: Final = "readings"
_PROGRAM: Final = "tesseract"
_FONTS: Final = Path("/usr/share/fonts")
_OTHERS: Final = _FONTS / "truetype/noto/NotoSans-Regular.ttf"
"""The font of what a script's font lacks: Latin letters, digits and signs."""

_VERSION: Final = "1"
_SIZE, _MARGIN, _LINE = 40, 24, 44
"""Pixels of a letter and of the margin, and characters of a line, of a clean print."""

_WORST: Final = 0.55
"""What the degree 1 is of a print of which nothing can be read."""

_AT_ONCE: Final = 32
_LONGEST: Final = 20
"""The most seconds for a text, of those that are read at once."""

_MEMORY: Final = 2 << 30


@cache
def reader(code: str) -> tuple[str, Path] | None:
    """The name of Tesseract's data for a language, and the file of a font; None where Tesseract has no data."""
    rows = packs.table("ocr", "readers").need("language", "data", "font").rows
    return next(((row["data"], _FONTS / row["font"]) for row in rows if row["language"] == code), None)


def channelled(job: Job) -> tuple[Edits, Array]:
    """The edits that make of each text what Tesseract reads of its print, and its clusters (t,).

    Raises UserError where a text is not in the cache and Tesseract, its data or a font is not there, or fails.
    """
    values, changes = job.batch.values, [list[Change]() for _ in job.batch.values]
    numbers = [number for number, value in enumerate(values) if value.strip() and float(job.strength)]
    for number, text in zip(numbers, _readings(job, numbers), strict=True):
        changes[number] = [*_kept(job.batch, number, compared(values[number], text, language(job.language).spaces))]
    return edits_of(job.batch, changes), np.diff(job.batch.bounds) - 1


def _readings(job: Job, numbers: Sequence[int]) -> list[str]:
    """What is read of the texts of some numbers, from the cache where it is there."""
    values, (data, font) = job.batch.values, reader(job.language) or ("", Path())
    about = (_VERSION, job.language, job.strength, data, font.name)
    keys = [_hash(*about, str(job.keys[number]), values[number]) for number in numbers]
    cached = opened(lambda _: None)
    try:
        found = cached.get(_KIND, keys)
        missing = {key: number for key, number in zip(keys, numbers, strict=True) if key not in found}
        for low in range(0, len(missing), _AT_ONCE):
            several = [*missing.items()][low : low + _AT_ONCE]
            pages = [
                degraded(drawn(values[number], job.language, font), float(job.strength), int(job.keys[number]))
                for _, number in several
            ]
            new = {key: text.encode() for (key, _), text in zip(several, read(pages, data), strict=True)}
            cached.put(_KIND, new)
            found |= new
    finally:
        cached.close()
    return [found[key].decode() for key in keys]


def _hash(*parts: str) -> bytes:
    return hashlib.sha256("\0".join(parts).encode("utf-8", "surrogatepass")).digest()


def compared(old: str, new: str, spaces: bool = True) -> list[Change]:
    """The changes from a text to what is read of it, sorted and disjoint; without `spaces` these are no change.

    What is read is composed or decomposed as the text is: the page does not tell.
    """
    form = "NFC" if unicodedata.is_normalized("NFC", old) else "NFD"
    before, after = split(old), split(unicodedata.normalize(form, new).replace("\u0e4d\u0e32", "\u0e33"))
    places = [number for number, cluster in enumerate(before) if spaces or not cluster.isspace()]
    read = [cluster for cluster in after if spaces or not cluster.isspace()]
    changes: list[Change] = []
    for a, b, c, d in hunks([before[number] for number in places], read):
        start = places[a] if a < len(places) else len(before)
        stop = places[b - 1] + 1 if a < b else start
        add_change(changes, before, start, stop, "".join(read[c:d]), max(b - a, d - c))
    return changes


def _kept(batch: Batch, number: int, changes: Sequence[Change]) -> Iterator[Change]:
    """The changes that touch no frozen span, leave each span whole and not empty, and its words apart from others."""
    spans, base, clusters = batch.spans.of(number, number + 1), int(batch.bounds[number]), split(batch.values[number])
    starts, stops = (
        (batch.units(batch.offsets[number] + each) - base).tolist() for each in (spans.start, spans.stop)
    )
    left = [stop - start for start, stop in zip(starts, stops, strict=True)]
    for change in changes:
        blank = any(map(str.isspace, clusters[change.start : change.stop]))
        less = change.stop - change.start - len(split("".join(change.form.split())))
        within = [number for number, at in enumerate(starts) if at <= change.start and change.stop <= stops[number]]
        near = [
            number
            for number, (start, stop) in enumerate(zip(starts, stops, strict=True))
            if change.start < stop + blank and start < change.stop + blank and number not in within
        ]
        if not near and all(left[number] > less and not spans.frozen[number] for number in within):
            for number in within:
                left[number] -= less
            yield change


# ---------------------------------------------------------------------------------------------------------- the print


@cache
def _font(path: Path) -> Any:
    """A font that shapes text. Raises UserError where it is not there."""
    with importing("images"):
        from PIL import ImageFont
    if not path.is_file():
        package = "fonts-noto-cjk" if "CJK" in path.name else "fonts-noto-core"
        raise UserError(f"ocr_channel needs {path}: apt-get install {package}")
    return ImageFont.truetype(str(path), _SIZE, layout_engine=ImageFont.Layout.RAQM)


@cache
def _lacks(path: Path, character: str) -> bool:
    """Whether a font draws a character as one that it does not have."""
    return bytes(_font(path).getmask(character)) == bytes(_font(path).getmask("\U0010fffe"))


def _runs(line: str, path: Path) -> Iterator[tuple[str, Path]]:
    """The runs of a line, each with the font that has its clusters; white space belongs to the run before it."""
    font, fonts = path, list[tuple[str, Path]]()
    for cluster in split(line):
        font = font if cluster.isspace() else _OTHERS if any(_lacks(path, each) for each in cluster) else path
        fonts.append((cluster, font))
    for font, run in groupby(fonts, key=lambda each: each[1]):
        yield "".join(cluster for cluster, _ in run), font


def drawn(text: str, code: str, path: Path) -> Any:
    """A clean print of a text, as an image in grey. Raises UserError without the fonts."""
    font, way = _font(path), language(code).direction
    from PIL import Image, ImageDraw

    lines = [
        [(run, _font(own), _font(own).getlength(run, direction=way)) for run, own in _runs(line, path)]
        for line in _lines(text, language(code).spaces)
    ]
    widths = [round(sum(length for *_, length in line)) for line in lines]
    above, below = font.getmetrics()
    page = Image.new("L", (max(widths) + 2 * _MARGIN, len(lines) * (above + below) + 2 * _MARGIN), 255)
    for number, line in enumerate(lines):
        left = page.width - _MARGIN - widths[number] if way == "rtl" else _MARGIN
        for run, own, length in line[::-1] if way == "rtl" else line:
            place = left, _MARGIN + above + number * (above + below)
            ImageDraw.Draw(page).text(place, run, fill=0, font=own, anchor="ls", direction=way)
            left += length
    return page


def _lines(text: str, spaces: bool) -> list[str]:
    """The lines of a text: whole words, or where no spaces are written, clusters."""
    if spaces:
        return textwrap.wrap(" ".join(text.split()), _LINE, break_long_words=False, break_on_hyphens=False)
    clusters = split("".join(text.split()))
    return ["".join(clusters[low : low + _LINE]) for low in range(0, len(clusters), _LINE)]


def degraded(page: Any, degree: float, key: int) -> Any:
    """A print made bad, from 0 (as it is) to 1, by draws of the key."""
    from PIL import Image, ImageFilter

    draw = np.random.default_rng(key)
    bad = _WORST * degree * draw.uniform(0.7, 1.3)
    ink = ImageFilter.MinFilter(3) if draw.random() < 0.5 else ImageFilter.MaxFilter(3)
    page = Image.blend(page, page.filter(ink), min(bad, 1))
    page = page.rotate(draw.normal(0, bad), resample=Image.Resampling.BICUBIC, expand=True, fillcolor=255)
    scale = 1 - 0.6 * min(bad, 1)
    page = page.resize([max(1, round(side * scale)) for side in page.size], Image.Resampling.BILINEAR)
    page = page.filter(ImageFilter.GaussianBlur(1.2 * bad))
    grey = np.asarray(page, np.float32) + draw.normal(0, 50 * bad, page.size[::-1])
    speckles = draw.random(grey.shape)
    grey[speckles < 0.01 * bad] = 0
    grey[speckles > 1 - 0.01 * bad] = 255
    return Image.fromarray(np.clip(grey, 0, 255).astype(np.uint8))


# --------------------------------------------------------------------------------------------------------- the reading


def read(pages: Sequence[Any], data: str) -> list[str]:
    """What Tesseract reads of several prints, by its data. Raises UserError where it is not there, or fails."""
    packages = f"apt-get install tesseract-ocr tesseract-ocr-{data.replace('_', '-')}"
    program = shutil.which(_PROGRAM)
    if program is None:
        raise UserError(f"ocr_channel needs {_PROGRAM}: {packages}")
    with tempfile.TemporaryDirectory(prefix="robust-xtreme-ocr-") as folder:
        paths = [Path(folder) / f"{number}.png" for number in range(len(pages))]
        for page, path in zip(pages, paths, strict=True):
            page.save(path)
        listed = Path(folder) / "pages.txt"
        listed.write_text("\n".join(map(str, paths)) + "\n", "utf-8")
        limited = ("prlimit", f"--as={_MEMORY}", program, str(listed), "stdout", "-l", data)
        most, environment = _LONGEST * len(pages), {**os.environ, "OMP_THREAD_LIMIT": "1"}
        try:
            done = subprocess.run(
                (*limited, "--psm", "6", "--dpi", "300"), capture_output=True, timeout=most, env=environment, check=False
            )
        except subprocess.TimeoutExpired as error:
            raise UserError(f"{_PROGRAM} did not read {len(pages)} texts by {data!r} within {most} s.") from error
    texts = done.stdout.decode("utf-8", "replace").split("\f")
    if done.returncode or len(texts) != len(pages):
        last = done.stderr.decode("utf-8", "replace").strip().rpartition("\n")[2]
        raise UserError(f"{_PROGRAM} could not read by {data!r} ({last[:200]}): {packages}")
    return [" ".join(text.split()) for text in texts]
