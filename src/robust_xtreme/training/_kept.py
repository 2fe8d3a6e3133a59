"""Translations on disk: written in parts so that a killed run continues, then as one file; checked on every read."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final, final

from robust_xtreme.errors import DataError
from robust_xtreme.formats import numbered_lines, parse, read_file, text_of
from robust_xtreme.results import store
from robust_xtreme.sources.rows import LONGEST
from robust_xtreme.training._translator import Translation

PART: Final = 512
"""Texts of one part: the most that a killed run loses."""

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
    facts: Mapping[str, Any] = field(default_factory=dict)

    @property
    def parts(self) -> Path:
        """The folder of the finished parts of an unfinished job."""
        return self.path.with_suffix(".parts")

    @property
    def starts(self) -> range:
        """The index of the first text of each part."""
        return range(0, len(self.texts), PART)


Translate = Callable[[Sequence[str]], list[Translation]]


def translations(job: Job, translate: Callable[[], Translate], tell: Callable[[str], None]) -> list[Translation]:
    """The translations of the texts: read where they are stored, else made in parts; `translate()` only if needed.

    Raises DataError where a stored file was changed, DiskError, Locked.
    """
    if job.path.is_file():
        return _whole(job)
    with store.lock(job.parts):
        if job.path.is_file():
            return _whole(job)
        store.sweep(job.parts)
        translations = _made(job, translate, tell)
        store.write_text(job.path, _line(_header(job)) + "".join(map(_row, job.texts, translations)))
        shutil.rmtree(job.parts, ignore_errors=True)
    return translations


def _made(job: Job, translate: Callable[[], Translate], tell: Callable[[str], None]) -> list[Translation]:
    translations: list[Translation] = []
    function: Translate | None = None
    for start in job.starts:
        texts = job.texts[start : start + PART]
        path = job.parts / f"{start // PART:06d}.jsonl"
        if not path.is_file():
            function = function or translate()
            store.write_text(path, "".join(map(_row, texts, function(texts))))
        translations += _rows(path, read_file(path).text, texts, first=1)
        _tell(job, start, len(translations), tell)
    return translations


def _tell(job: Job, before: int, done: int, tell: Callable[[str], None]) -> None:
    """Report the progress of a job about ten times."""
    every = max(PART, len(job.texts) // _TOLD)
    if done < len(job.texts) and before // every < done // every:
        tell(f"{job.name}: {done:,} of {len(job.texts):,} texts are translated")


# ---------------------------------------------------------------------------------------------------------------- files


def _header(job: Job) -> dict[str, Any]:
    return {**job.facts, "texts": len(job.texts)}


def _line(value: Mapping[str, Any]) -> str:
    return json.dumps(value, ensure_ascii=False, sort_keys=True) + "\n"


def _row(text: str, translation: Translation) -> str:
    return _line({"source": text, "target": translation.text, "cut": translation.cut, "long": translation.long})


def _whole(job: Job) -> list[Translation]:
    first, _, body = read_file(job.path).text.partition("\n")
    if parse(first, f"{job.path}:1") != _header(job):
        raise DataError(job.path, f"was made for other texts or by another model. {_remedy(job.path)}", 1)
    return _rows(job.path, body, job.texts, first=2)


def _rows(path: Path, content: str, texts: Sequence[str], first: int) -> list[Translation]:
    """The rows of a file, each checked: the translation of that text. Raises DataError."""
    lines = [line for _, line in numbered_lines(content)]
    if len(lines) != len(texts):
        raise DataError(path, f"has {len(lines):,} rows, expected {len(texts):,}. {_remedy(path)}")
    locations = (f"{path}:{number}" for number in range(first, first + len(lines)))
    return [_checked(parse(*pair), pair[1], text, path) for *pair, text in zip(lines, locations, texts, strict=True)]


def _checked(row: Mapping[str, Any], location: str, text: str, path: Path) -> Translation:
    if set(row) != set(_KEYS) or type(row["cut"]) is not bool or type(row["long"]) is not bool:
        raise DataError(location, f"is not a row with {', '.join(_KEYS)}. {_remedy(path)}")
    if row["source"] != text:
        raise DataError(location, f"is the translation of another text. {_remedy(path)}")
    target = text_of(row, "target", location, empty=True)
    if len(target) > LONGEST:
        raise DataError(location, f"'target' is {len(target):,} characters long; a text has at most {LONGEST:,}.")
    return Translation(target, row["cut"], row["long"])


def _remedy(path: Path) -> str:
    return f"Remove {path.name}, and it is made again."
