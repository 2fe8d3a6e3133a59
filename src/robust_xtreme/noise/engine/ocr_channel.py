"""Texts as Tesseract reads them from a bad print, in place of a table of look-alikes.

A text is drawn in a font of Noto, made bad by degrees (resolution, blur, tilt, ink, speckle; drawn by the text's key)
and read in its language. What was read is compared with the text by a diff, so that spans move with it; a change that
would break a span or empty it is left out. A reading is kept in the cache under a hash of all that it depends on:
the text, its key, the degree, and the files of font and language data. What is kept needs no Tesseract.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator, Sequence
from functools import cache
from pathlib import Path
from typing import Any, Final, NamedTuple

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
from robust_xtreme.noise.engine.rewriter import Change, add_change, changed, edits_of, words_of

KIND: Final = "readings"
PROGRAM: Final = "tesseract"
_FONTS: Final = Path("/usr/share/fonts")
_VERSION: Final = "1"
_SIZE, _MARGIN, _LINE = 40, 24, 44
"""Pixels of a letter and of the margin, and clusters of a line, of a clean print."""

_WORST: Final = 0.55
"""What the degree 1 is of a print of which nothing can be read."""

_AT_ONCE: Final = 32
_SECONDS: Final = 20
"""The longest time for a text, of those that are read at once."""

_MEMORY: Final = 2 << 30
_PAGE: Final = "\f"


class Reader(NamedTuple):
    """What reads a language: the name of Tesseract's data, and the file of the font."""

    data: str
    font: Path


@cache
def reader(code: str) -> Reader | None:
    """The reader of a language; None where Tesseract has no data."""
    rows = packs.table("ocr", "readers").need("language", "data", "font").rows
    return next((Reader(row["data"], _FONTS / row["font"]) for row in rows if row["language"] == code), None)


def lacks(code: str) -> str:
    """Why a language is not served; "" if it is."""
    return "" if reader(code) else "Tesseract has no data for it"


def channelled(job: Job) -> tuple[Edits, Array]:
    """Read texts with Tesseract from prints made bad.

    Returns the edits that make of each text what is read of it, and its words (t,). Raises UserError without Tesseract.
    """
    changes: list[Sequence[Change]] = [()] * len(job.batch)
    if float(job.strength):
        readings = _readings(job, [(number, value) for number, value in enumerate(job.batch.values) if value.strip()])
        for number, value in readings.items():
            compared = changed if language(job.language).spaces else changed_unspaced
            changes[number] = [*_kept(job.batch, number, compared(job.batch.values[number], value))]
    return edits_of(job.batch, changes), words_of(job.batch.values, changes)


def _readings(job: Job, texts: Sequence[tuple[int, str]]) -> dict[int, str]:
    """What is read of texts, from the cache where it is there."""
    given = reader(job.language)
    assert given is not None, "languages without a reader are not served"
    about = (_VERSION, job.language, job.strength, given.data, given.font.name)
    keys = {number: _hash(*about, str(job.keys[number]), value) for number, value in texts}
    cached = opened(lambda _: None)
    try:
        found = cached.get(KIND, list(keys.values()))
        missing = [(number, value) for number, value in texts if keys[number] not in found]
        for low in range(0, len(missing), _AT_ONCE):
            several = missing[low : low + _AT_ONCE]
            pages = [
                degraded(drawn(value, job.language, given.font), float(job.strength), int(job.keys[number]))
                for number, value in several
            ]
            new = {
                keys[number]: text.encode()
                for (number, _), text in zip(several, read(pages, given.data, job.language), strict=True)
            }
            cached.put(KIND, new)
            found |= new
    finally:
        cached.close()
    return {number: found[key].decode() for number, key in keys.items()}


def changed_unspaced(old: str, new: str) -> list[Change]:
    """The changes from one text to another where no spaces are written between words: spaces are no change."""
    before = split(old)
    solid = [number for number, cluster in enumerate(before) if not cluster.isspace()]
    places = [*solid, len(before)]
    changes: list[Change] = []
    after = [cluster for cluster in split(new) if not cluster.isspace()]
    for a, b, c, d in hunks([before[number] for number in solid], after):
        stop = places[b - 1] + 1 if a < b else places[a]
        add_change(changes, before, (places[a], stop), "".join(after[c:d]), max(b - a, d - c))
    return changes


def _hash(*parts: str) -> bytes:
    return hashlib.sha256("\0".join(parts).encode("utf-8", "surrogatepass")).digest()


def _kept(batch: Batch, number: int, changes: Sequence[Change]) -> Iterator[Change]:
    """The changes that leave each span of a text whole and not empty; a frozen span stays as it is."""
    spans = batch.spans.of(number, number + 1)
    base = int(batch.bounds[number])
    ends = [int(batch.units(batch.offsets[number] + each)) - base for each in (*spans.start, *spans.stop)]
    ranges = [*zip(ends[: len(spans)], ends[len(spans) :], spans.frozen.tolist(), strict=True)]
    for change in changes:
        if all(_is_safe(change, *each) for each in ranges):
            yield change


def _is_safe(change: Change, start: int, stop: int, frozen: bool) -> bool:
    if change.stop <= start or change.start >= stop:
        return True
    inside = start <= change.start and change.stop <= stop
    return inside and not frozen and bool(change.form.strip())


# ---------------------------------------------------------------------------------------------------------- the print


def drawn(text: str, code: str, font: Path) -> Any:
    """A clean print of a text, as an image in grey. Raises UserError without the font."""
    with importing("images"):
        from PIL import Image, ImageDraw, ImageFont
    if not font.is_file():
        package = "fonts-noto-cjk" if "CJK" in font.name else "fonts-noto-core"
        raise UserError(f"ocr_channel needs {font}: apt-get install {package}")
    letters = ImageFont.truetype(str(font), _SIZE, layout_engine=ImageFont.Layout.RAQM)
    lines = "\n".join(lines_of(text, language(code).spaces))
    words: dict[str, Any] = {"font": letters, "direction": language(code).direction, "spacing": _SIZE // 2}
    left, top, right, bottom = ImageDraw.Draw(Image.new("L", (1, 1))).multiline_textbbox((0, 0), lines, **words)
    page = Image.new("L", (round(right - left) + 2 * _MARGIN, round(bottom - top) + 2 * _MARGIN), 255)
    ImageDraw.Draw(page).multiline_text((_MARGIN - left, _MARGIN - top), lines, fill=0, **words)
    return page


def lines_of(text: str, spaces: bool) -> list[str]:
    """The lines of a text: whole words, or where no spaces are written, clusters."""
    units = text.split() if spaces else split("".join(text.split()))
    joint, lines, size = " " if spaces else "", list[str](), 0
    for unit in units:
        length = len(split(unit)) + len(joint)
        if not lines or size + length > _LINE:
            lines.append(unit)
            size = length
        else:
            lines[-1] += joint + unit
            size += length
    return lines


def degraded(page: Any, degree: float, key: int) -> Any:
    """A print made bad, from 0 (as it is) to 1, by draws of the key."""
    from PIL import Image, ImageFilter

    draw = np.random.default_rng(key)
    bad = _WORST * degree * draw.uniform(0.7, 1.3)
    ink = ImageFilter.MinFilter(3) if draw.random() < 0.5 else ImageFilter.MaxFilter(3)
    page = page.filter(ink) if draw.random() < bad else page
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


def read(pages: Sequence[Any], data: str, code: str) -> list[str]:
    """What Tesseract reads of several prints. Raises UserError where it is not there, or does not end as it should."""
    program = shutil.which(PROGRAM)
    if program is None:
        raise UserError(
            f"ocr_channel needs {PROGRAM}: apt-get install tesseract-ocr tesseract-ocr-{data.replace('_', '-')}"
        )
    with tempfile.TemporaryDirectory(prefix="robust-xtreme-ocr-") as folder:
        paths = [Path(folder) / f"{number}.png" for number in range(len(pages))]
        for page, path in zip(pages, paths, strict=True):
            page.save(path)
        listed = Path(folder) / "pages.txt"
        listed.write_text("\n".join(map(str, paths)) + "\n", "utf-8")
        command = [
            "prlimit",
            f"--as={_MEMORY}",
            program,
            str(listed),
            "stdout",
            "-l",
            data,
            "--psm",
            "6",
            "--dpi",
            "300",
        ]
        environment = {**os.environ, "OMP_THREAD_LIMIT": "1"}
        try:
            done = subprocess.run(
                command, capture_output=True, timeout=_SECONDS * len(pages), env=environment, check=False
            )
        except subprocess.TimeoutExpired as error:
            raise UserError(
                f"{PROGRAM} read {len(pages)} texts of {code!r} for {error.timeout:.0f} s without an end."
            ) from error
    texts = done.stdout.decode("utf-8", "replace").split(_PAGE)
    if done.returncode or len(texts) != len(pages):
        last = next(iter(done.stderr.decode("utf-8", "replace").strip().splitlines()[-1:]), "")
        raise UserError(
            f"{PROGRAM} could not read {code!r} ({last[:200]}): apt-get install tesseract-ocr-{data.replace('_', '-')}"
        )
    joint = " " if language(code).spaces else ""
    return [joint.join(text.split()) for text in texts]
