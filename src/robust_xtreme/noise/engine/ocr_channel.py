"""Texts as Tesseract reads them from a bad print, in place of a table of look-alikes.

A text is drawn in a font of Noto, made bad by degrees by draws of its key, and read in its language; what is read
becomes edits by a diff of clusters. A reading is kept in the cache under a hash of the text, its key, the degree and
the names of font and language data, so that what was read once needs no Tesseract.
"""

import subprocess
import tempfile
import textwrap
from collections.abc import Iterable, Sequence
from contextlib import suppress
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from itertools import groupby
from pathlib import Path
from shutil import which
from typing import Any, Final
from unicodedata import is_normalized, normalize

import numpy as np
import regex

from robust_xtreme.core import graphemes, packs
from robust_xtreme.core.edits import Array, Batch, Edits, emptied
from robust_xtreme.core.errors import UserError, counted
from robust_xtreme.core.examples import digest
from robust_xtreme.core.graphemes import split
from robust_xtreme.core.languages import language
from robust_xtreme.files.cache import opened
from robust_xtreme.noise.engine.diff import hunks
from robust_xtreme.noise.engine.perturbation import Job
from robust_xtreme.noise.engine.rewriter import Change, add_change, edits_of, importing

SECONDS: Final = 0.25  # the time of a text of one sentence on one core
COST: Final = f"Tesseract reads each text that is not in the cache: about {SECONDS} s of one core for each"
OF_LANGUAGE: Final = "tesseract-ocr-"  # with what begin the packages of Debian that have the data of a language
_KIND, _VERSION = "readings", "1"
_OTHERS: Final = Path("/usr/share/fonts/truetype/noto/NotoSans-Regular.ttf")  # of what others lack: digits
_SIZE, _MARGIN, _LINE, _LINES = 40, 24, 44, 200  # pixels of a letter and of the margin, characters of a line; lines
_WORST: Final = 0.55  # the degree 1 as a share of what leaves nothing to read
_AT_ONCE, _SECONDS, _BYTES = 32, 20, 2 << 30  # texts that are read at once, the most time for each and memory for all
_WRITTEN: Final = 1 << 20  # the most bytes that are written for each
_CHILLUS: Final = (("ണ", "ൺ"), ("ന", "ൻ"), ("ര", "ർ"), ("ല", "ൽ"), ("ള", "ൾ"), ("ക", "ൿ"))
_SPELLINGS: Final = (("\u0e4d\u0e32", "\u0e33"), *((f"{letter}\u0d4d\u200d", chillu) for letter, chillu in _CHILLUS))
"""Spellings of the vowel am of Thai and of letters of Malayalam that look like the usual ones."""


@cache
def reader(code: str) -> tuple[str, Path] | None:
    """The name of Tesseract's data for a language, and the file of a font; None where Tesseract has no data."""
    rows = packs.table("ocr", "readers").need("language", "data", "font").rows
    return next(((row["data"], Path(row["font"])) for row in rows if row["language"] == code), None)


def missing(codes: Iterable[str]) -> list[str]:
    """The packages of Debian that are not here, of those that new prints of some languages are read with."""
    readers = [known for code in codes if (known := reader(code))]
    fonts = [path for path in ((*(path for _, path in readers), _OTHERS) if readers else ()) if not path.is_file()]
    lacks = dict.fromkeys("fonts-noto-cjk" if "CJK" in path.name else "fonts-noto-core" for path in fonts)
    listed = _told("--list-langs")
    lacks |= dict.fromkeys(["tesseract-ocr"] if readers and not listed else [])
    return [*lacks, *sorted({_package(data) for data, _ in readers if data not in listed})]


def _package(data: str) -> str:
    return f"{OF_LANGUAGE}{data.replace('_', '-')}"


def versions() -> dict[str, str]:
    """The versions of the programs that new prints are made and read with; "" of one that is not here."""
    told, known = _told("--version"), {"pillow": ""}
    with suppress(PackageNotFoundError):
        known["pillow"] = version("pillow")
    return {**known, "tesseract": told[1] if len(told) > 1 else ""}


def _told(option: str) -> list[str]:
    """The words that Tesseract answers to an option; none where it is not installed."""
    if not which("tesseract"):
        return []
    done = subprocess.run(["env", "tesseract", option], capture_output=True, check=False)
    return done.stdout.decode("utf-8", "replace").split()


def channelled(job: Job) -> tuple[Edits, Array]:
    """Read texts by Tesseract from prints that are made bad by degrees.

    Returns the edits that make of each text what is read, and its clusters (t,); where nothing is read it stays. Raises
    UserError where a text is not in the cache, and Tesseract or a font is not there or fails.
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
    found = {
        key: value
        for key, value in cached.get(_KIND, keys).items()
        if value.decode("utf-8", "replace").encode() == value
    }
    missing = [(key, number) for key, number in zip(keys, numbers, strict=True) if key not in found]
    for low in range(0, len(missing), _AT_ONCE):
        several = missing[low : low + _AT_ONCE]
        clean = [drawn(values[number].encode("utf-8", "replace").decode(), job.language, font) for _, number in several]
        seeds = [int(job.keys[number]) for _, number in several]
        pages = [degraded(page, float(degree), seed) for page, seed in zip(clean, seeds, strict=True)]
        new = {key: text.encode() for (key, _), text in zip(several, read(pages, data), strict=True)}
        cached.put(_KIND, new)
        found |= new
    cached.close()
    return [found[key].decode() for key in keys]


def compared(old: str, new: str, spaces: bool = True) -> list[Change]:
    """The changes from a text to what is read of it, sorted and disjoint; without `spaces` these are no change.

    A page does not tell normal forms, joiners and kinds of space: these are the text's. What is on nothing is left out.
    """
    new = normalize("NFC" if is_normalized("NFC", old) else "NFD", new)
    new = " ".join(regex.sub(r"\p{Bidi_C}|(^|\s)[\p{M}\u200c\u200d]+", r"\1", new).split())
    for one, usual in _SPELLINGS:
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
    """The edits that leave each text and span whole and not empty, frozen ones and spaces beside any as they are."""
    starts, stops, (low, high) = batch.span_starts, batch.span_stops, (edits.start, edits.stop)
    spaces = np.append(0, np.cumsum((batch.props & graphemes.SPACE) > 0))
    blank = spaces[high] > spaces[low]
    kept = _below(starts, low + 1) == _below(starts, high + blank)
    kept &= _below(stops, low - blank + 1) == _below(stops, high)
    kept &= _below(starts[batch.spans.frozen], low + 1) == _below(stops[batch.spans.frozen], low + 1)
    edits = edits.take(np.flatnonzero(kept))
    kept = np.ones(len(edits), np.bool_)
    for where, longer in emptied(batch, edits):
        kept[where] &= longer >= 0
    return edits.take(np.flatnonzero(kept))


def _below(positions: Array, limits: Array) -> Array:
    return np.asarray(np.searchsorted(np.sort(positions), limits))


@cache
def _font(path: Path) -> Any:
    """A font that shapes text. Raises UserError where it is not there."""
    with importing("images"):
        from PIL import ImageFont
    if not path.is_file():
        package = "fonts-noto-cjk" if "CJK" in path.name else "fonts-noto-core"
        raise UserError(f"ocr_channel needs {path}: apt-get install {package}")
    return ImageFont.truetype(str(path), _SIZE, layout_engine=ImageFont.Layout.RAQM)


def _runs(line: str, path: Path, way: str) -> list[tuple[str, Any, float]]:
    """The runs of a line, each with a font that has it and its width; white space belongs to the run before it."""
    drawn_by, own, runs = _font(path).getmask, path, list[tuple[Path, str]]()
    box = bytes(drawn_by("\U0010fffe"))  # what a font draws for what it lacks
    for cluster in split(line):
        own = own if cluster.isspace() else _OTHERS if any(bytes(drawn_by(each)) == box for each in cluster) else path
        runs.append((own, cluster))
    joined = [(_font(own), "".join(each for _, each in run)) for own, run in groupby(runs, key=lambda run: run[0])]
    return [(run, font, font.getlength(run, direction=way)) for font, run in joined]


def drawn(text: str, code: str, path: Path) -> Any:
    """A clean print of a text, as an image in grey. Raises UserError without the fonts."""
    (above, below), way, joint = _font(path).getmetrics(), language(code).direction, " " * language(code).spaces
    from PIL import Image, ImageDraw

    units = text.split() if joint else split("".join(text.split()))
    lines = textwrap.wrap(" ".join(units), _LINE, break_long_words=True, break_on_hyphens=False)
    if len(lines) > _LINES:
        most = f"ocr_channel prints at most {_LINES} lines of {_LINE} characters"
        raise UserError(f"{most}, and the text that begins with {text[:40]!r} has {len(lines)}")
    rows = [_runs(line.replace(" ", joint), path, way) for line in lines]
    widths = [round(sum(width for *_, width in row)) for row in rows]
    page = Image.new("L", (max(widths) + 2 * _MARGIN, len(rows) * (above + below) + 2 * _MARGIN), 255)
    for number, row in enumerate(rows):
        left: float = _MARGIN if way == "ltr" else page.width - _MARGIN - widths[number]
        for run, font, width in row if way == "ltr" else row[::-1]:
            place = left, _MARGIN + above + number * (above + below)
            ImageDraw.Draw(page).text(place, run, fill=0, font=font, anchor="ls", direction=way)
            left += width
    return page


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
    grey[speckles < 0.01 * bad], grey[speckles > 1 - 0.01 * bad] = 0, 255
    return Image.fromarray(np.clip(grey, 0, 255).astype(np.uint8))


def _run(words: Sequence[str]) -> tuple[int, str, str]:
    """The exit code of a program and what it writes, into files, which a limit of files is one of.

    Raises UserError where there is no such program.
    """
    with tempfile.TemporaryFile() as output, tempfile.TemporaryFile() as errors:
        try:
            code = subprocess.run(words, stdout=output, stderr=errors, check=False).returncode
        except FileNotFoundError as error:
            raise UserError(f"There is no program {words[0]!r}. Try: apt-get install coreutils util-linux") from error
        output.seek(0)
        errors.seek(0)
        return code, output.read().decode("utf-8", "replace"), errors.read().decode("utf-8", "replace")


def read(pages: Sequence[Any], data: str) -> list[str]:
    """What Tesseract reads of several prints, by its data. Raises UserError where it is not there, or fails."""
    with tempfile.TemporaryDirectory(prefix="robust-xtreme-ocr-") as folder:
        paths = [f"{folder}/{number}.png" for number in range(len(pages))]
        for page, path in zip(pages, paths, strict=True):
            page.save(path)
        listed, most = Path(folder, "pages.txt"), _SECONDS * len(pages)
        listed.write_text("\n".join(paths) + "\n", "utf-8")
        limits = f"timeout {most} prlimit --as={_BYTES} --fsize={_WRITTEN * (len(pages) + 1)}"
        words = [*f"env OMP_THREAD_LIMIT=1 {limits} tesseract".split(), str(listed)]
        words += ["stdout", "-l", data, "--psm", "6", "--dpi", "300"]
        code, told, errors = _run(words)
    texts = told.split("\f")
    if code or len(texts) != len(pages):
        last = errors.strip().rpartition("\n")[2][:200] or f"exit {code}, {counted(len(texts), 'text')}"
        late = f"{data!r} within {most} s" if code == 124 else repr(data)
        what = f"Tesseract did not read {late}: {last}" if which("tesseract") else "Tesseract is not installed"
        raise UserError(f"{what.rstrip('.')}. Try: apt-get install tesseract-ocr {_package(data)}")
    return [" ".join(text.split()) for text in texts]
