"""Writes the suite of mini: test rows of ten tasks in all languages, and English training rows.

`python -m tools.mini.suite OUT --rows 2000`: the same seed gives the same bytes, and more rows begin with the fewer.
"""

from __future__ import annotations

import argparse
import gzip
import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import cache
from itertools import islice
from pathlib import Path
from typing import Any, Final

from tools.mini import meaning, rows
from tools.mini.meanings import (
    mentioned,
    namings,
    native,
    parallel_passages,
    read,
    searched,
    stories,
    tagged,
    translated,
    triples,
)
from tools.mini.mentions import shown
from tools.mini.rows import Row

TRAINING_ROWS: Final = 2000
"""English rows of each task that has some, for training on them."""
PAIRS: Final = ("de@en", "en@sw", "zh@ar")
"""Languages of a question and of its context that mlqa has beside those where both are one."""
SPLITS: Final = {
    "xnli": ("train", "test"),
    "xcopa": ("train", "test"),
    "udpos": ("train", "test"),
    "panx": ("train", "test"),
    "xquad": ("train", "test"),
    "mlqa": ("test",),
    "tydiqa": ("test",),
    "tatoeba": ("test",),
    "mewsli_x": ("train", "test"),
    "lareqa": ("train", "test"),
}
SUMMARY: Final = (
    "Made-up sentences about a small world of people, places and things, from templates and lexicons, with the same "
    "meanings in every language. They show how the program works and what noise does to a very small model; they are "
    "no benchmark, and say nothing about real text or about other models."
)
_PIVOT: Final = "en"
_PART: Final = {"mewsli_x": 2, "lareqa": 2}
"""Tasks that have a part of the training rows only."""


def write(folder: Path, count: int, languages: Sequence[str] = meaning.LANGUAGES, seed: int = 0) -> None:
    """Write the suite: every test, and `count` English training rows of each task that has some."""
    for language in languages:
        for task, made in tests(language, seed):
            put(folder / f"{task}/test-{language}.jsonl.gz", made)
    for pair in PAIRS:
        if set(pair.split("@")) <= set(languages):
            put(folder / f"mlqa/test-{pair}.jsonl.gz", pair_rows(pair, seed))
    for task, several in training(seed):
        put(folder / f"{task}/train-{_PIVOT}.jsonl.gz", islice(several, count // _PART.get(task, 1)))
    put(folder / "mewsli_x/pool.jsonl.gz", (rows.entity_row(entity, entity.language) for entity in shown(seed)))
    (folder / "suite.toml").write_text(_facts(languages), encoding="utf-8", newline="\n")


def tests(language: str, seed: int) -> Iterator[tuple[str, Iterable[Row]]]:
    """The test rows of a language, by task."""
    for task, (made, several) in _tested(seed).items():
        if (task, language) != ("tatoeba", _PIVOT):
            yield task, made(language, several)
    yield "tydiqa", _native(language, rows.passage_rows(language, native(language, seed)))


@cache
def _tested(seed: int) -> Mapping[str, tuple[Callable[..., Iterator[Row]], tuple[Any, ...]]]:
    """How rows of the tests are made, and of what; a language's own tests are not among them."""
    return {
        "xnli": (rows.nli_rows, tuple(triples(True, seed))),
        "xcopa": (rows.cause_rows, tuple(stories(True, seed))),
        "udpos": (rows.tagged_rows, tuple(tagged(True, seed))),
        "panx": (rows.entity_rows, tuple(namings(True, seed))),
        "xquad": (rows.passage_rows, tuple(read(True, seed))),
        "mlqa": (rows.passage_rows, tuple(parallel_passages(seed))),
        "tatoeba": (rows.translated_rows, tuple(translated(seed))),
        "mewsli_x": (rows.mention_rows, tuple(mentioned(True, seed))),
        "lareqa": (rows.answer_rows, tuple(searched(True, seed))),
    }


def training(seed: int) -> Iterator[tuple[str, Iterator[Row]]]:
    """The English training rows, by task, without end."""
    yield "xnli", rows.nli_rows(_PIVOT, triples(False, seed))
    yield "xcopa", rows.cause_rows(_PIVOT, stories(False, seed))
    yield "udpos", rows.tagged_rows(_PIVOT, tagged(False, seed))
    yield "panx", rows.entity_rows(_PIVOT, namings(False, seed))
    yield "xquad", rows.passage_rows(_PIVOT, read(False, seed))
    yield "mewsli_x", rows.mention_rows(_PIVOT, mentioned(False, seed))
    yield "lareqa", rows.answer_rows(_PIVOT, searched(False, seed))


def pair_rows(pair: str, seed: int) -> Iterator[Row]:
    """The rows of mlqa with the question in one language and the context in another."""
    asked, answered = (rows.passage_rows(language, parallel_passages(seed)) for language in pair.split("@"))
    for row, other in zip(asked, answered, strict=True):
        yield {**other, "question": row["question"]}


def _native(language: str, several: Iterable[Row]) -> Iterator[Row]:
    """Rows of one language alone: their clusters have no counterparts in others."""
    return ({**row, "cluster": f"{language}/{row['cluster']}"} for row in several)


def put(path: Path, several: Iterable[Row], mode: str = "wb") -> None:
    """Write rows into a compressed file, or add them to it; the same rows give the same bytes."""
    path.parent.mkdir(parents=True, exist_ok=True)
    lines = "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in several)
    with path.open(mode) as file:
        file.write(gzip.compress(lines.encode(), mtime=0))


def _facts(languages: Sequence[str]) -> str:
    head = f'name = "mini"\nversion = "2"\nsummary = "{SUMMARY}"\nlanguages = {json.dumps(list(languages))}\n'
    return head + "".join(f"\n[{task}]\n{_table(task, languages)}" for task in SPLITS)


def _table(task: str, languages: Sequence[str]) -> str:
    others = [code for code in languages if code != _PIVOT]
    named = {"tatoeba": others}.get(task)
    return f"splits = {json.dumps(list(SPLITS[task]))}\n" + (f"languages = {json.dumps(named)}\n" if named else "")


def main() -> None:
    """Write the suite into a folder."""
    parser = argparse.ArgumentParser(description=main.__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--rows", type=int, default=TRAINING_ROWS, help="English training rows of each task")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--languages", default=",".join(meaning.LANGUAGES))
    words = parser.parse_args()
    write(words.folder, words.rows, words.languages.split(","), words.seed)
    print(f"{words.folder}: {', '.join(SPLITS)} in {words.languages}")


if __name__ == "__main__":
    main()
