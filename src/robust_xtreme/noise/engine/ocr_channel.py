"""Texts as Tesseract reads them from a bad print, in place of a table of look-alikes.

A text is drawn in a font of Noto, made bad by degrees (ink, tilt, resolution, blur, speckle; drawn by the text's key)
and read in its language. What is read becomes edits by a diff of clusters; a change that would break, empty or join
spans is left out. A reading is kept in the cache under a hash of the text, its key, the degree and the names of font
and language data, so that what was read once needs no Tesseract.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
import textwrap
from collections.abc import Sequence
from functools import cache
from itertools import groupby
from operator import itemgetter
from pathlib import Path
from typing import Any, Final
from unicodedata import is_normalized, normalize

import numpy as np
import regex

from robust_xtreme.core import graphemes, packs
from robust_xtreme.core.edits import Array, Batch, Edits
from robust_xtreme.core.errors import UserError
from robust_xtreme.core.examples import digest
from robust_xtreme.core.graphemes import split
from robust_xtreme.core.languages import language
from robust_xtreme.files.cache import opened
from robust_xtreme.noise.engine.diff import hunks
from robust_xtreme.noise.engine.libraries import importing
from robust_xtreme.noise.engine.perturbation import Job
from robust_xtreme.noise.engine.rewriter import Change, add_change, edits_of

SECONDS: Final = 0.25
"""The time of a text of one sentence on one core."""

_KIND: Final = "readings"
_VERSION: Final = "1"
_FONTS: Final = Path("/usr/share/fonts")
_OTHERS: Final = _FONTS / "truetype/noto/NotoSans-Regular.ttf"
"""The font of what a script's font lacks: Latin letters, digits and signs."""

_SIZE, _MARGIN, _LINE = 40, 24, 44
"""Pixels of a letter and of the margin, and characters of a line."""

_WORST: Final = 0.55
"""What the degree 1 is of a print of which nothing can be read."""

_AT_ONCE, _SECONDS, _BYTES = 32, 20, 2 << 30
"""The texts that are read at once, and the most time for each and memory for all."""

_ON_NOTHING: Final = regex.compile(r"(^|\s)\p{M}+")
_SPELLINGS: Final = {
    "\u0e4d\u0e32": "\u0e33",
    **{f"{one}\u0d4d\u200d": other for one, other in zip("ണനരലളക", "ൺൻർൽൾൿ", strict=True)},
}
"""Spellings of the vowel am of Thai and of letters of Malayalam that look like the usual ones."""


@cache
def reader(code: str) -> tuple[str, Path] | None:
    """The name of Tesseract's data for a language, and the file of a font; None where Tesseract has no data."""
    rows = packs.table("ocr", "readers").need("language", "data", "font").rows
    return next(((row["data"], _FONTS / row["font"]) for row in rows if row["language"] == code), None)


def channelled(job: Job) -> tuple[Edits, Array]:
    """Read texts by Tesseract from prints that are made bad by degrees.

    Returns the edits that make of each text what is read, and its clusters (t,); where nothing is read, it stays.
    Raises UserError where a text is not in the cache and Tesseract, its data or a font is not there, or fails.
    """
    values, changes = job.batch.values, [list[Change]() for _ in job.batch.values]
    numbers = [number for number, value in enumerate(values) if value.strip() and float(job.strength)]
    for number, text in zip(numbers, _readings(job, numbers), strict=True):
        changes[number] = compared(values[number], text, language(job.language).spaces)
    return _kept(job.batch, edits_of(job.batch, changes)), np.diff(job.batch.bounds) - 1


def _readings(job: Job, numbers: Sequence[int]) -> list[str]:
    """What is read of the texts of some numbers, from the cache where it is there."""
    values, (data, font), degree = job.batch.values, reader(job.language) or ("", Path()), job.strength
    about = (_VERSION, job.language, degree, data, font.name)
    keys = [digest(*about, str(job.keys[number]), values[number], size=16).encode() for number in numbers]
    cached = opened(lambda _: None)
    found = cached.get(_KIND, keys)
    missing = [(key, number) for key, number in zip(keys, numbers, strict=True) if key not in found]
    for low in range(0, len(missing), _AT_ONCE):
        several = missing[low : low + _AT_ONCE]
        texts = [values[number].encode("utf-8", "replace").decode() for _, number in several]
        clean = [drawn(text, job.language, font) for text in texts]
        seeds = [int(job.keys[number]) for _, number in several]
        pages = [degraded(page, float(degree), seed) for page, seed in zip(clean, seeds, strict=True)]
        new = {key: text.encode() for (key, _), text in zip(several, read(pages, data), strict=True)}
        cached.put(_KIND, new)
        found |= new
    cached.close()
    return [found[key].decode() for key in keys]


def compared(old: str, new: str, spaces: bool = True) -> list[Change]:
    """The changes from a text to what is read of it, sorted and disjoint; without `spaces` these are no change.

    A page does not tell normal forms, joiners and kinds of space: these are the text's. A mark on nothing is left out.
    """
    new = _ON_NOTHING.sub(r"\1", normalize("NFC" if is_normalized("NFC", old) else "NFD", new))
    for one, usual in _SPELLINGS.items():
        new = new if one in old else new.replace(one, usual)
    before, changes = split(old), list[Change]()
    places = [number for number, cluster in enumerate(before) if spaces or not cluster.isspace()]
    read = [cluster for cluster in split(new) if spaces or not cluster.isspace()]
    for a, b, c, d in hunks([_seen(before[number]) for number in places], [*map(_seen, read)]):
        start = [*places, len(before)][a]
        stop = places[b - 1] + 1 if a < b else start
        add_change(changes, before, start, stop, "".join(read[c:d]), max(stop - start, d - c))
    return changes


def _seen(cluster: str) -> str:
    """What a page shows of a cluster."""
    return cluster.replace("\u200c", "").replace("\u200d", "") if cluster.strip() else " "


def _kept(batch: Batch, edits: Edits) -> Edits:
    """The edits that leave each text and span whole and not empty, frozen spans and spaces beside any span as they are.

    Where all edits of a span together would empty it, those that shorten it are left out.
    """
    starts, stops, (low, high) = batch.span_starts, batch.span_stops, (edits.start, edits.stop)
    spaces = np.append(0, np.cumsum((batch.props & graphemes.SPACE) > 0))
    blank = spaces[high] > spaces[low]
    kept = _between(starts, low + 1, high + blank) + _between(stops, low - blank + 1, high) == 0
    kept &= _between(starts[batch.spans.frozen], 0, low + 1) == _between(stops[batch.spans.frozen], 0, low + 1)
    edits = edits.take(np.flatnonzero(kept))
    longer = edits.length.sum(axis=1) - (edits.stop - edits.start)
    sums, kept = np.append(0, np.cumsum(longer)), np.ones(len(edits), np.bool_)
    starts, stops = np.append(batch.offsets[:-1], starts), np.append(batch.offsets[1:] - 1, stops)
    first, last = np.searchsorted(edits.start, starts), np.searchsorted(edits.stop, stops, "right")
    for each in np.flatnonzero((last > first) & (stops - starts + sums[last] - sums[first] <= 0)):
        kept[first[each] : last[each]] &= longer[first[each] : last[each]] >= 0
    return edits.take(np.flatnonzero(kept))


def _between(positions: Array, low: Array | int, high: Array) -> Array:
    """How many positions are from `low` to below `high` (k,)."""
    ordered = np.sort(positions)
    return np.asarray(np.searchsorted(ordered, high) - np.searchsorted(ordered, low))


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


def _runs(line: str, path: Path) -> list[tuple[str, Any]]:
    """The runs of a line, each with the font that has its clusters; white space belongs to the run before it."""
    own, runs = path, list[tuple[Path, str]]()
    for cluster in split(line):
        own = own if cluster.isspace() else _OTHERS if any(_lacks(path, each) for each in cluster) else path
        runs.append((own, cluster))
    return [("".join(each for _, each in run), _font(own)) for own, run in groupby(runs, key=itemgetter(0))]


def drawn(text: str, code: str, path: Path) -> Any:
    """A clean print of a text, as an image in grey. Raises UserError without the fonts."""
    (above, below), way = _font(path).getmetrics(), language(code).direction
    from PIL import Image, ImageDraw

    lines = [_runs(line, path) for line in _lines(text, language(code).spaces)]
    sizes = [[font.getlength(run, direction=way) for run, font in line] for line in lines]
    wide = round(max(map(sum, sizes))) + 2 * _MARGIN
    page = Image.new("L", (wide, len(lines) * (above + below) + 2 * _MARGIN), 255)
    for number, (line, lengths) in enumerate(zip(lines, sizes, strict=True)):
        left = _MARGIN if way == "ltr" else wide - _MARGIN
        for (run, font), length in zip(line, lengths, strict=True):
            left -= 0 if way == "ltr" else length
            place = left, _MARGIN + above + number * (above + below)
            ImageDraw.Draw(page).text(place, run, fill=0, font=font, anchor="ls", direction=way)
            left += length if way == "ltr" else 0
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
    page = Image.blend(page, page.filter(ink), bad)
    page = page.rotate(draw.normal(0, bad), resample=Image.Resampling.BICUBIC, expand=True, fillcolor=255)
    page = page.resize([max(1, round(side * (1 - 0.6 * bad))) for side in page.size], Image.Resampling.BILINEAR)
    page = page.filter(ImageFilter.GaussianBlur(1.2 * bad))
    grey = np.asarray(page, np.float32) + draw.normal(0, 50 * bad, page.size[::-1])
    speckles = draw.random(grey.shape)
    grey[speckles < 0.01 * bad] = 0
    grey[speckles > 1 - 0.01 * bad] = 255
    return Image.fromarray(np.clip(grey, 0, 255).astype(np.uint8))


def read(pages: Sequence[Any], data: str) -> list[str]:
    """What Tesseract reads of several prints, by its data. Raises UserError where it is not there, or fails."""
    program, packages = (
        shutil.which("tesseract"),
        f"apt-get install tesseract-ocr tesseract-ocr-{data.replace('_', '-')}",
    )
    if program is None:
        raise UserError(f"ocr_channel needs Tesseract: {packages}")
    with tempfile.TemporaryDirectory(prefix="robust-xtreme-ocr-") as folder:
        paths = [f"{folder}/{number}.png" for number in range(len(pages))]
        for page, path in zip(pages, paths, strict=True):
            page.save(path)
        listed, most = Path(folder, "pages.txt"), _SECONDS * len(pages)
        listed.write_text("\n".join(paths) + "\n", "utf-8")
        words = f"timeout {most} prlimit --as={_BYTES} {program} {listed} stdout -l {data} --psm 6 --dpi 300".split()
        done = subprocess.run(words, capture_output=True, env={**os.environ, "OMP_THREAD_LIMIT": "1"}, check=False)
    texts = done.stdout.decode("utf-8", "replace").split("\f")
    if done.returncode or len(texts) != len(pages):
        last = done.stderr.decode("utf-8", "replace").strip().rpartition("\n")[2][:200] or f"exit {done.returncode}"
        raise UserError(f"Tesseract did not read {len(pages)} texts by {data!r} in {most} s: {last}. Try: {packages}")
    return [" ".join(text.split()) for text in texts]
