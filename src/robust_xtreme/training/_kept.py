"""Translations on disk: written in parts so that a killed run continues, then as one file; checked on every read."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, final

from robust_xtreme.errors import DataError, counted
from robust_xtreme.formats import numbered_lines, parse, read_file, text_of
from robust_xtreme.results import store
from robust_xtreme.results.journal import JOURNAL, Journal, remove_below
from robust_xtreme.sources.rows import LONGEST
from robust_xtreme.training._translator import Translation

PART: Final = 512
"""Texts of one part: the most that a killed run loses."""

_PART: Final = re.compile(r"\d{6}\.jsonl")
_KEYS: Final = ("source", "target", "cut", "long")
_TOLD: Final = 10


@final
@dataclass(frozen=True, slots=True)
class Job:
    """Texts to translate, in order, and the file that stores their translations.

    `facts` are in the file's first line: everything that the translations depend on.
    """

    path: Path
    name: str
    texts: tuple[str, ...]
    facts: Mapping[str, Any]

    @property
    def parts(self) -> Path:
        """The folder of the finished parts of an unfinished job."""
        return self.path.with_suffix(".parts")

    @property
    def header(self) -> dict[str, Any]:
        """The first line of the file."""
        return {**self.facts, "texts": len(self.texts)}


Translate = Callable[[Sequence[str]], list[Translation]]


def translations(job: Job, translate: Callable[[], Translate], tell: Callable[[str], None]) -> list[Translation]:
    """The translations of the texts: read where they are stored, else made in parts; `translate()` only if needed.

    Raises DataError where a stored file was changed, DiskError, Locked.
    """
    if not job.path.is_file():
        with store.lock(job.parts):
            if not job.path.is_file():
                journal = Journal(job.parts, tell, gives=_PART.fullmatch)
                journal.sweep()
                made = _made(job, translate, tell, journal)
                store.write_text(job.path, _line(job.header) + "".join(map(_row, job.texts, made)))
                _remove_parts(journal)
    first, _, body = read_file(job.path).text.partition("\n")
    if parse(first, f"{job.path}:1") != job.header:
        raise DataError(job.path, f"was made for other texts or by another model. {_remedy(job.path)}", 1)
    return _rows(job.path, body, job.texts, first=2)


def _remove_parts(journal: Journal) -> None:
    """Remove the folder of finished parts, where it contains nothing but what was written there; else that."""
    parts = {path for path in journal.folder.iterdir() if journal.wrote(path)}
    with suppress(OSError):
        remove_below(journal.folder, {*parts, journal.folder / JOURNAL, journal.folder / store.LOCK}.__contains__)


def _made(
    job: Job, translate: Callable[[], Translate], tell: Callable[[str], None], journal: Journal
) -> list[Translation]:
    """The translations, part by part; parts that a killed run finished are read. Progress is reported ten times."""
    translations: list[Translation] = []
    function: Translate | None = None
    every = max(PART, len(job.texts) // _TOLD)
    for start in range(0, len(job.texts), PART):
        texts = job.texts[start : start + PART]
        path = job.parts / f"{start // PART:06d}.jsonl"
        if not path.is_file():
            function = function or translate()
            store.write_text(path, "".join(map(_row, texts, function(texts))), journal.write)
        translations += _rows(path, read_file(path).text, texts, first=1)
        done = len(translations)
        if done < len(job.texts) and start // every < done // every:
            tell(f"{job.name}: {done:,} of {len(job.texts):,} texts are translated")
    return translations


def _line(value: Mapping[str, Any]) -> str:
    return json.dumps(value, ensure_ascii=False, sort_keys=True) + "\n"


def _row(text: str, translation: Translation) -> str:
    return _line({"source": text, "target": translation.text, "cut": translation.cut, "long": translation.long})


def _rows(path: Path, content: str, texts: Sequence[str], first: int) -> list[Translation]:
    """The rows of a file, each checked: the translation of that text. Raises DataError."""
    lines = [line for _, line in numbered_lines(content)]
    if len(lines) != len(texts):
        raise DataError(path, f"has {counted(len(lines), 'row')}, expected {len(texts):,}. {_remedy(path)}")
    checked = enumerate(zip(lines, texts, strict=True), first)
    return [_translation(line, text, f"{path}:{number}", _remedy(path)) for number, (line, text) in checked]


def _translation(line: str, text: str, location: str, remedy: str) -> Translation:
    row = parse(line, location)
    if set(row) != set(_KEYS) or type(row["cut"]) is not bool or type(row["long"]) is not bool:
        raise DataError(location, f"is not a row with {', '.join(_KEYS)}. {remedy}")
    if row["source"] != text:
        raise DataError(location, f"is the translation of another text. {remedy}")
    target = text_of(row, "target", location, empty=True)
    if len(target) > LONGEST:
        raise DataError(location, f"'target' is {len(target):,} characters long; a text has at most {LONGEST:,}.")
    return Translation(target, row["cut"], row["long"])


def _remedy(path: Path) -> str:
    return f"Remove {path.name}, and it is made again."
