"""Plain text for the tokenizer and for masked LM: one sentence or paragraph a line."""

from __future__ import annotations

from pathlib import Path

from robust_xtreme.errors import DataError, MissingData
from robust_xtreme.examples import digest
from robust_xtreme.results import store


def text_files(path: Path) -> tuple[Path, ...]:
    """The file itself, or every file of the folder in the order of their names. Raises MissingData."""
    if path.is_file():
        return (path,)
    files = tuple(sorted(one for one in path.glob("*") if one.is_file() and not one.name.startswith(".")))
    if not files:
        raise MissingData(f"{path} holds no text. Name a file or a folder of plain text files with --text.")
    return files


def text_identity(path: Path) -> str:
    """The hash of the files' contents, in the order of their names."""
    return digest(*(store.sha256(file) for file in text_files(path)))


def read_lines(path: Path) -> list[str]:
    """Every line that holds something, without the spaces around it. Raises MissingData or DataError."""
    lines = []
    for file in text_files(path):
        try:
            content = file.read_text(encoding="utf-8-sig")
        except UnicodeDecodeError as error:
            line = file.read_bytes()[: error.start].count(b"\n") + 1
            raise DataError(file, "is not UTF-8 text. Name text files only with --text.", line) from error
        lines += [line for line in map(str.strip, content.splitlines()) if line]
    if not lines:
        raise MissingData(f"{path} holds no text: all its lines are empty.")
    return lines
