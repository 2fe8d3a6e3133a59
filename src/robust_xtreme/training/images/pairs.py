"""Images and their captions as a stage learns them, from files.

Captions are in files by line, as JSON lines, in tables, or in WIT's table.

Multi30k's layout: `train_images.txt` has the name of an image on each line, `train.LANG` its caption. Several captions
of an image are in `train.1.LANG`, `train.2.LANG` and so on. Source: github.com/multi30k/dataset. JSON lines have an
`image`, a `caption` and its `language`; IGLUE's rows of WIT have WIT's names of these keys. A table has two columns, an
image and its caption, as in Flickr30k: `123.jpg#2<TAB>A dog runs.`; a comma separates them in a .csv file whose first
line is `image,caption`. The language is in the file's name.

WIT's table has columns by the names in its first line, of which `language`, `image_url` and the caption are read. No
image is fetched: a row's local file is in its column `image`, in the table `images.tsv` beside it (`URL<TAB>FILE`), or
has the last part of the URL as its name. Source: github.com/google-research-datasets/wit.
"""

import csv
import re
import warnings
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial
from importlib.util import find_spec
from pathlib import Path, PurePosixPath
from typing import Any, Final
from urllib.parse import unquote, urlsplit

import numpy as np

from robust_xtreme.core.errors import DataError, MissingData, UserError
from robust_xtreme.core.examples import digest
from robust_xtreme.files import store
from robust_xtreme.tasks.formats import numbered_lines, parse, read_file, text_of
from robust_xtreme.training.text import NAMES

LONGEST: Final = 10_000
"""The most characters of a caption."""

LIST: Final = "train_images.txt"
INDEX: Final = "images.tsv"
_WIT: Final = "caption_reference_description"


@dataclass(frozen=True, slots=True)
class CaptionRow:
    """An image by its path from the folder of the pairs, and a caption.

    `location` is the file and line of the caption. An `optional` image may be absent: the row is then left out.
    """

    image: str
    caption: str
    language: str
    location: str
    optional: bool = False


def language_of(path: Path) -> str:
    """The language in the name of a file: `de.tsv`, `captions.de.tsv` or `train.1.de`; English where there is none."""
    parts = [part for part in path.name.split(".") if re.fullmatch("[a-z]{2,3}", part)]
    code = next((part for part in reversed(parts) if part not in ("tsv", "csv", "txt")), "en")
    return NAMES.get(code, code)


def read_table(text: str, path: Path) -> list[CaptionRow]:
    """The rows of a table. Raises DataError for a line without two columns."""
    language = language_of(path)
    headers = (["image", "caption"], ["image_name", "caption"], ["file", "caption"])
    rows = []
    for number, cells in _cells(text, path):
        if number == 1 and [cell.strip().lower() for cell in cells] in headers:
            continue
        if len(cells) != 2:
            raise DataError(path, f"has {len(cells)} columns, expected an image, a tab and a caption.", number)
        rows.append(CaptionRow(re.sub(r"#\d+$", "", cells[0].strip()), cells[1], language, f"{path}:{number}"))
    return rows


def _cells(text: str, path: Path) -> Iterator[tuple[int, list[str]]]:
    """The cells of each line that is not empty, by its number."""
    for number, line in numbered_lines(text):
        if not line.strip():
            continue
        if path.suffix != ".csv":
            yield number, line.split("\t")
            continue
        try:
            yield number, next(csv.reader([line], strict=True))
        except csv.Error as error:
            raise DataError(path, f"is not a line of CSV: {error}.", number) from error


def read_jsonl(text: str, path: Path) -> list[CaptionRow]:
    """The rows. Raises DataError for a line that is not such an object."""
    numbered = ((f"{path}:{number}", line) for number, line in numbered_lines(text) if line.strip())
    return [_of_object(parse(line, location), location, path) for location, line in numbered]


def _of_object(row: dict[str, Any], location: str, path: Path) -> CaptionRow:
    language = text_of(row, "language", location) if "language" in row else language_of(path)
    if _WIT in row:
        image = row.get("image") or file_of(text_of(row, "image_url", location))
        return CaptionRow(str(image), text_of(row, _WIT, location), language, location, optional=True)
    if "caption" not in row or "image" not in row:
        raise DataError(location, "has no keys 'image' and 'caption'.")
    return CaptionRow(text_of(row, "image", location), text_of(row, "caption", location), language, location)


def _read_list(folder: Path) -> list[CaptionRow]:
    """The rows of every file of captions. Raises DataError where its lines are not those of the list."""
    images = [line.strip() for _, line in numbered_lines(read_file(folder / LIST).text)]
    endings = (".gz", ".zip", ".tsv", ".jsonl", ".txt")
    files = sorted(path for path in folder.glob("train.*") if path.is_file() and path.suffix not in endings)
    if not files:
        raise MissingData(f"{folder} contains {LIST}, but no captions: they are in train.LANG, a line for each image.")
    return [row for path in files for row in _rows_of(path, images)]


def _rows_of(path: Path, images: list[str]) -> Iterator[CaptionRow]:
    lines = [line for _, line in numbered_lines(read_file(path).text)]
    if len(lines) != len(images):
        raise DataError(path, f"has {len(lines):,} captions, and {LIST} names {len(images):,} images.")
    language = language_of(path)
    for number, (image, caption) in enumerate(zip(images, lines, strict=True), start=1):
        yield CaptionRow(image, caption, language, f"{path}:{number}")


def read_wit(text: str, path: Path) -> list[CaptionRow]:
    """The rows of WIT's table with captions. Raises DataError for a missing column, or a line with other columns."""
    lines = numbered_lines(text)
    names = next(lines)[1].split("\t")
    lost = [name for name in ("language", "image_url", _WIT) if name not in names]
    if lost:
        raise DataError(path, f"has no column {lost[0]!r}, as in WIT.", 1)
    local = _index(path.parent / INDEX)
    rows = []
    for number, line in lines:
        cells = line.split("\t")
        if len(cells) != len(names):
            raise DataError(path, f"has {len(cells)} columns, and its first line {len(names)}.", number)
        row = dict(zip(names, cells, strict=True))
        if row[_WIT].strip():
            image = row.get("image") or local.get(row["image_url"]) or file_of(row["image_url"])
            code = row["language"].partition("-")[0]
            rows.append(CaptionRow(image, row[_WIT], NAMES.get(code, code), f"{path}:{number}", optional=True))
    return rows


def file_of(url: str) -> str:
    """The name of the file that a URL ends with."""
    try:
        return unquote(urlsplit(url).path).rpartition("/")[2] or "-"
    except ValueError:
        return "-"


def _index(path: Path) -> dict[str, str]:
    """The local files by URL; none where there is no such table. Raises DataError."""
    if not path.is_file():
        return {}
    local = {}
    for number, line in numbered_lines(read_file(path).text):
        url, tab, file = line.partition("\t")
        if not tab or not file.strip():
            raise DataError(path, "is not a line of a URL, a tab and a file.", number)
        local[url] = file.strip()
    return local


NAME: Final = "images"
"""The stage that learns from pairs."""

Pixels = np.ndarray[Any, np.dtype[np.uint8]]
"""The colours of an image, uint8 (height, width, 3)."""


@dataclass(frozen=True, slots=True)
class Caption:
    """A caption and its language; the language is empty where the files do not name one."""

    text: str
    language: str


@dataclass(frozen=True, slots=True)
class Picture:
    """An image with its captions.

    `identity` is the hash of its content, `pixels(size)` its colours, uint8 (size, size, 3).
    """

    name: str
    identity: str
    captions: tuple[Caption, ...]
    pixels: Callable[[int], Pixels]


@dataclass(frozen=True, slots=True)
class Pairs:
    """The images of a stage, each with one caption or several; no two images have the same content."""

    name: str
    pictures: tuple[Picture, ...]

    @property
    def identity(self) -> str:
        """The hash of the images and their captions, in order."""
        parts: list[str] = []
        for picture in self.pictures:
            parts += [picture.identity, str(len(picture.captions))]
            parts += [word for caption in picture.captions for word in (caption.language, caption.text)]
        return digest(*parts)

    @property
    def languages(self) -> tuple[str, ...]:
        """The languages of the captions, sorted."""
        codes = {caption.language for picture in self.pictures for caption in picture.captions}
        return tuple(sorted(codes - {""}))

    @property
    def count(self) -> int:
        """The number of captions."""
        return sum(len(picture.captions) for picture in self.pictures)

    def texts(self) -> list[str]:
        """Every distinct caption, in order: the data of masked LM on the same text."""
        return list(dict.fromkeys(caption.text for picture in self.pictures for caption in picture.captions))


def exchanged(pairs: Pairs, seed: int) -> Pairs:
    """The pairs with the captions of other images: a control, in which captions say nothing of their images."""
    order = np.random.default_rng((seed, len(pairs.pictures))).permutation(len(pairs.pictures))
    others = [pairs.pictures[other].captions for other in order]
    pictures = zip(pairs.pictures, others, strict=True)
    return replace(pairs, pictures=tuple(replace(picture, captions=captions) for picture, captions in pictures))


_MOST_PIXELS: Final = 50_000_000
"""The most pixels of an image; a small file can contain far more."""


def decoded(path: Path, size: int) -> Pixels:
    """The colours of an image file, uint8 (size, size, 3), resized without keeping its proportions.

    Transparent parts are white. Raises DataError where the file is not an image that can be read.
    """
    from PIL import Image

    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            warnings.simplefilter("error", Image.DecompressionBombWarning)
            with Image.open(path, formats=("JPEG", "PNG", "GIF", "WEBP", "BMP", "TIFF")) as image:
                if image.width * image.height > _MOST_PIXELS:
                    raise _too_large(path)
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


def _too_large(path: Path) -> DataError:
    return DataError(path, f"has more than {_MOST_PIXELS:,} pixels, and is not decoded. Make it smaller.")


_FOLDER: Final = "images"
"""The folder of the images beside the captions; images may also be in the folder of the captions itself."""

_ENDINGS: Final = (".tsv", ".jsonl", ".token", ".csv")
_MOST_FILES: Final = 1_000
_LARGEST: Final = 10**8
"""The most bytes of an image file."""


def read_pairs(source: str, languages: Sequence[str] = (), most: int = 0) -> Pairs:
    """The pairs of a file or a folder, with the captions of some languages, or of all.

    `most` bounds the number of captions: whole images in hash order, at least one, so that a smaller number gives a
    subset. Raises MissingData, DataError, and UserError where Pillow is not installed.
    """
    return _within(_in_languages(_read(Path(source)), languages, source), most)


def _in_languages(pairs: Pairs, languages: Sequence[str], source: str) -> Pairs:
    """The pairs with captions of some languages; all of them where none is named."""
    there = {caption.language for picture in pairs.pictures for caption in picture.captions}
    if missing := sorted(set(languages) - there):
        known = ", ".join(sorted(there - {""})) or "unnamed"
        raise MissingData(f"{source} has no captions in {', '.join(missing)}; its languages are {known}.")
    wanted = languages or there
    kept = (
        replace(picture, captions=tuple(caption for caption in picture.captions if caption.language in wanted))
        for picture in pairs.pictures
    )
    return replace(pairs, pictures=tuple(picture for picture in kept if picture.captions))


def _within(pairs: Pairs, most: int) -> Pairs:
    if not most or pairs.count <= most:
        return pairs
    chosen: set[str] = set()
    taken = 0
    for picture in sorted(pairs.pictures, key=lambda picture: digest(picture.identity)):
        taken += len(picture.captions)
        if chosen and taken > most:
            break
        chosen.add(picture.identity)
    return replace(pairs, pictures=tuple(picture for picture in pairs.pictures if picture.identity in chosen))


def _read(path: Path) -> Pairs:
    if find_spec("PIL") is None:
        what = "Pairs of images and captions need Pillow, which is not installed."
        raise UserError(f"{what} Install it: pip install 'robust-xtreme[images]'")
    folder = path if path.is_dir() else path.parent
    rows = _read_list(path) if (path / LIST).is_file() else _tables(path)
    pictures = _pictures(rows, folder)
    if not pictures:
        raise MissingData(f"{path} contains no image with a caption that is on this machine.")
    return Pairs(path.resolve().name, pictures)


def _tables(path: Path) -> list[CaptionRow]:
    """The rows of the files of captions in a folder, in the order of their names, or of one file."""
    if path.is_file():
        return _rows(path)
    if not path.is_dir():
        raise MissingData(f"There is no file or folder of pairs {str(path)[:200]!r}. Name one: pairs = DIR.")
    files = sorted(file for file in path.iterdir() if file.suffix in _ENDINGS and file.is_file())
    if not files:
        known = f"{LIST}, or files that end in {', '.join(_ENDINGS)}"
        raise MissingData(f"{path} contains no captions: a folder of pairs contains {known}.")
    if len(files) > _MOST_FILES:
        raise DataError(path, f"contains more than {_MOST_FILES:,} files of captions.")
    return [row for file in files if file.name != INDEX for row in _rows(file)]


def _rows(path: Path) -> list[CaptionRow]:
    text = read_file(path).text
    first = text.partition("\n")[0]
    if first.lstrip().startswith("{"):
        return read_jsonl(text, path)
    if _WIT in first.rstrip("\r").split("\t"):
        return read_wit(text, path)
    return read_table(text, path)


def _pictures(rows: Iterable[CaptionRow], folder: Path) -> tuple[Picture, ...]:
    """One picture for each content of an image file: two files with the same bytes are one image."""
    images: dict[str, tuple[Path, str] | None] = {}
    captions: dict[str, dict[Caption, None]] = {}
    paths: dict[str, Path] = {}
    for row in rows:
        if row.image not in images:
            images[row.image] = _image(row, folder)
        if image := images[row.image]:
            file, identity = image
            paths.setdefault(identity, file)
            captions.setdefault(identity, {})[_caption(row)] = None
    return tuple(
        Picture(paths[identity].name, identity, tuple(several), partial(decoded, paths[identity]))
        for identity, several in captions.items()
    )


def _caption(row: CaptionRow) -> Caption:
    text = " ".join(row.caption.split())
    if not text:
        raise DataError(row.location, f"the image {row.image[:200]!r} has an empty caption.")
    if len(text) > LONGEST:
        raise DataError(row.location, f"a caption has {len(text):,} characters, and at most {LONGEST:,} are read.")
    return Caption(text, row.language)


def _image(row: CaptionRow, folder: Path) -> tuple[Path, str] | None:
    """The file of a row's image and the hash of its bytes; None for an optional one that is not on this machine.

    Raises DataError.
    """
    path = _path(row, folder)
    if path is None and row.optional:
        return None
    if path is None:
        raise DataError(row.location, f"the image {row.image[:200]!r} is not in {folder} or in {folder / _FOLDER}.")
    if path.stat().st_size > _LARGEST:
        raise DataError(path, f"is larger than {_LARGEST // 10**6} MB, and is not read as an image.")
    return path, store.sha256(path)


def _path(row: CaptionRow, folder: Path) -> Path | None:
    """The file that a row names, which must be in the folder of the pairs. Raises DataError for any other path."""
    name = PurePosixPath(row.image)
    if not row.image or name.is_absolute() or ".." in name.parts or "\\" in row.image or "\0" in row.image:
        raise DataError(row.location, f"the image {row.image[:200]!r} is not a path within the folder of the pairs.")
    for candidate in (folder / _FOLDER / name, folder / name):
        try:
            there = candidate.is_file()
        except OSError:
            there = False
        if there and not candidate.resolve().is_relative_to(folder.resolve()):
            raise DataError(row.location, f"the image {row.image[:200]!r} is a link to a file outside {folder}.")
        if there:
            return candidate
    return None
