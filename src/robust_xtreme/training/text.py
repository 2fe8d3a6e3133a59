"""Plain text for the tokenizer and for masked LM: one sentence or paragraph a line."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from itertools import islice
from pathlib import Path
from types import MappingProxyType
from typing import Final

from robust_xtreme.core.errors import DataError, MissingData
from robust_xtreme.core.examples import digest
from robust_xtreme.files import store

_PAIRS: Final = """
    af afr am amh ar arb az azj bg bul bn ben ca cat cs ces de deu el ell en eng es spa et est eu eus fa pes fi fin
    fr fra gu guj ha hau he heb hi hin ht hat hu hun id ind ig ibo it ita ja jpn jv jav ka kat kk kaz ko kor lg lug
    lt lit ml mal mr mar ms zsm my mya nl nld pa pan pl pol pt por qu quy ro ron ru rus sw swh ta tam te tel th tha
    tl tgl tr tur uk ukr ur urd vi vie wo wol yo yor zh zho zu zul
"""
_WORDS: Final = _PAIRS.split()
NAMES: Final[Mapping[str, str]] = MappingProxyType(dict(zip(_WORDS[1::2], _WORDS[::2], strict=True)))
"""ISO 639-3 to our codes, as in the file names of FLORES-200: the individual language of a macrolanguage."""

LONGEST: Final = 100_000
"""The most characters of a line: learning a tokenizer from one without spaces takes the square of its length."""

_MOST_FILES: Final = 10_000
_GB: Final = 10**9
_MOST_BYTES: Final = 20 * _GB


def text_files(path: Path, languages: Sequence[str] = ()) -> tuple[Path, ...]:
    """The file itself, or the files of the folder in the order of their names, all or those of some languages.

    A file's language is what its name begins with, `sw.txt` or `swh_Latn.dev`. Raises MissingData, and DataError for
    a folder of the system, whose files may never end, and for more files or bytes than are read.
    """
    of_system = path.resolve().parts[1:2] in (("proc",), ("sys",), ("dev",))
    if of_system and not path.resolve().is_relative_to("/dev/shm"):
        raise DataError(path, "is in a folder of the system, whose files are not text. Name another with --text.")
    files = _bounded(path, [path] if path.is_file() else _entries(path))
    if path.is_file():
        return files
    if not files:
        raise MissingData(f"{path} contains no text. Name a file or a folder of plain text files with --text.")
    missing = [code for code in languages if code not in map(language_of, files)]
    if missing:
        raise MissingData(f"{path} contains no text in {', '.join(missing)}: no file there begins with {missing[0]}.")
    return tuple(file for file in files if not languages or language_of(file) in languages)


def _entries(path: Path) -> list[Path]:
    """The files of a folder in the order of their names, without hidden ones. Raises DataError for too many."""
    entries = list(islice(path.glob("*"), _MOST_FILES + 1))
    if len(entries) > _MOST_FILES:
        raise DataError(path, f"contains more than {_MOST_FILES:,} files. Join them: cat {path}/* > text.txt")
    return sorted(entry for entry in entries if entry.is_file() and not entry.name.startswith("."))


def _bounded(path: Path, files: Sequence[Path]) -> tuple[Path, ...]:
    """The files, if all of them fit into memory. Raises DataError."""
    size = sum(file.stat().st_size for file in files)
    if size > _MOST_BYTES:
        what = f"contains {size / _GB:,.0f} GB of text, and at most {_MOST_BYTES // _GB} GB are read"
        raise DataError(path, f"{what}. Name a part of it with --text.")
    return tuple(files)


def language_of(path: Path) -> str:
    """The code that a file's name begins with; empty where it begins with no code."""
    match = re.match(r"[a-z]{2,3}(?=[._-]|$)", path.name)
    return NAMES.get(match[0], match[0]) if match else ""


def text_identity(path: Path, languages: Sequence[str] = ()) -> str:
    """The hash of the files' contents, in the order of their names."""
    return digest(*(store.sha256(file) for file in text_files(path, languages)))


def languages_in(path: Path, languages: Sequence[str] = ()) -> tuple[str, ...]:
    """The languages of the files by their names, sorted; empty where a name has no language."""
    present = {language_of(file) for file in text_files(path, languages)}
    return () if "" in present or path.is_file() else tuple(sorted(present))


def read_lines(path: Path, languages: Sequence[str] = ()) -> list[str]:
    """Every non-empty line, without the spaces around it. Raises MissingData, or DataError for a line over LONGEST."""
    lines = []
    for file in text_files(path, languages):
        try:
            content = file.read_text(encoding="utf-8-sig")
        except UnicodeDecodeError as error:
            line = file.read_bytes()[: error.start].count(b"\n") + 1
            raise DataError(file, "is not UTF-8 text. Name text files only with --text.", line) from error
        lines += list(_stripped(file, content))
    if not lines:
        raise MissingData(f"{path} contains no text: all its lines are empty.")
    return lines


def _stripped(file: Path, content: str) -> Iterator[str]:
    for number, line in enumerate(map(str.strip, content.splitlines()), start=1):
        if len(line) > LONGEST:
            what = f"a line of {len(line):,} characters; a line of --text is a sentence or a paragraph, of at most"
            raise DataError(file, f"{what} {LONGEST:,}. Break it into lines.", number)
        if line:
            yield line
