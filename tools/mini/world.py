"""Writes the world of the studies: target tasks, intermediate tasks and rows in other languages, from mini's generator.

`python -m tools.mini.world OUT`: the same seed gives the same bytes. The tests are those of mini but for xcopa,
whose wrong choices are all of another ring, which an encoder learns in a few hundred steps.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache
from itertools import count, islice
from pathlib import Path
from typing import Any, Final, final

from tools.mini import categories, causes, endings, meaning, meanings, nli, passages, rows, suite
from tools.mini.build import ordered_language
from tools.mini.rows import Row

Shapes = Callable[[int], Iterator[Any]]

TARGETS: Final = ("panx", "xcopa", "udpos", "tydiqa", "xnli")
ORDERS: Final = 60
_TOLD: Final = 3
PLAIN: Final = 3
"""One of so many texts is plain English, the others are in the made-up orders in turn."""


@final
@dataclass(frozen=True, slots=True)
class Lesson:
    """The training rows of a task: how rows are made and of what, how many are English, and of other languages.

    `draw` is the number of the draws, which no other task has. Rows of other languages have the English meanings with
    `parallel`, else draws of their own.
    """

    made: Callable[..., Iterator[Row]]
    shapes: Shapes
    draw: int
    english: int
    others: tuple[str, ...] = ()
    other: int = 0
    parallel: bool = False

    def count(self, language: str) -> int:
        """How many rows there are in a language."""
        return self.english if language == "en" else self.other


def stories(test: bool, seed: int) -> Iterator[causes.Story]:
    """Statements with causes and effects, the wrong choice always of another ring; a test has _TOLD of a template."""
    if not test:
        return (story for story in meanings.stories(False, seed) if story.template.endswith("/strange"))
    templates = [template for template in causes.chosen(True, meanings.TESTS["xcopa"]) if template.wrong == "strange"]
    return (causes.story(template, f"{seed}/{turn}", True) for template in templates for turn in range(_TOLD))


def _pictures(seed: int) -> Iterator[nli.Triple]:
    """Pairs about what can be seen: things that people do, with a premise that says more."""
    several = ("down/action/", "down/transfer/", "down/encounter/")
    return (triple for triple in meanings.triples(False, seed) if triple.template.startswith(several))


def _misleading(seed: int) -> Iterator[nli.Triple]:
    """Pairs in which negation and shared words mislead: what excludes another, and kinds of things."""
    for triple in meanings.triples(False, seed):
        if triple.template.startswith("instead/") or triple.template.endswith("/kind"):
            yield triple


def _continued(seed: int) -> Iterator[endings.Continuation]:
    """Statements and their endings, of the templates of xcopa's training."""
    every = [template for template in causes.chosen(False, meanings.TESTS["xcopa"]) if template.wrong == "turned"]
    return (endings.continuation(template, f"{seed}/{turn}") for turn in count() for template in every)


def _read(seed: int) -> Iterator[passages.Passage]:
    return meanings.read(False, seed)


def _asked_once(seed: int) -> Iterator[passages.Passage]:
    """Passages with a single question each."""
    return (replace(passage, questions=passage.questions[:1]) for passage in _read(seed))


FEW: Final = ("sw", "hi", "tr", "ru")
ABROAD: Final = ("de", "sw", "zh")
LESSONS: Final[Mapping[str, Lesson]] = {
    "panx": Lesson(rows.entity_rows, lambda seed: meanings.namings(False, seed), 1, 2400, FEW, 1000),
    "xcopa": Lesson(rows.cause_rows, lambda seed: stories(False, seed), 2, 2400),
    "udpos": Lesson(rows.tagged_rows, lambda seed: meanings.tagged(False, seed), 3, 1500),
    "tydiqa": Lesson(rows.passage_rows, _asked_once, 4, 1200, FEW, 1000),
    "xnli": Lesson(rows.nli_rows, lambda seed: meanings.triples(False, seed), 11, 2400),
    "mnli": Lesson(rows.nli_rows, lambda seed: meanings.triples(False, seed), 5, 2400, ABROAD, 900, True),
    "squad": Lesson(rows.passage_rows, _read, 6, 2000, ABROAD, 900, True),
    "hellaswag": Lesson(endings.ending_rows, _continued, 7, 2000),
    "ccg": Lesson(categories.category_rows, lambda seed: meanings.tagged(False, seed), 8, 2000),
    "anli": Lesson(rows.nli_rows, _misleading, 9, 1200),
    "snli": Lesson(rows.nli_rows, _pictures, 10, 1800),
}
_DRAWS: Final = 1000
"""Above the seeds of mini: the draws of a task are those of `_DRAWS * (seed + 1) + draw`."""
_LANGUAGE: Final = 100
SUMMARY: Final = (
    "Made-up sentences about the small world of mini, for studies of intermediate-task training that take minutes: "
    "five target tasks with the tests of mini but for xcopa, and intermediate tasks with names and formats of NLI, QA, "
    "choice and tagging. They are not a benchmark, and say nothing about real text or about other models."
)


def write(folder: Path, seed: int = 0, most: int = 0) -> None:
    """Write the suite; with `most`, so many training rows of each file."""
    for language in meaning.LANGUAGES:
        for task, made in tests(language, seed):
            _write(folder / f"{task}/test-{language}.jsonl", made)
    for task, lesson in LESSONS.items():
        for language in ("en", *lesson.others):
            several = islice(training(task, language, seed), most or lesson.count(language))
            _write(folder / f"{task}/train-{language}.jsonl", several)
    (folder / "suite.toml").write_text(_facts(), encoding="utf-8", newline="\n")


def tests(language: str, seed: int) -> Iterator[tuple[str, Iterable[Row]]]:
    """The test rows of each target in a language."""
    yield "xcopa", rows.cause_rows(language, stories(True, seed))
    for task, made in suite.tests(language, 0):
        if task in TARGETS and task != "xcopa":
            yield task, made


def training(task: str, language: str, seed: int = 0) -> Iterator[Row]:
    """The training rows of a task in a language, without end.

    A cluster is a premise, a passage or a text, so that a limit which its rows divide is exact. What a test contains is
    left out, and of an intermediate task also what a target learns from.
    """
    lesson = LESSONS[task]
    apart = 0 if language == "en" or lesson.parallel else (1 + lesson.others.index(language)) * _LANGUAGE
    taken = _tested(language, seed) if task in TARGETS else _taken(language, seed)
    for index, shape in enumerate(lesson.shapes(_DRAWS * (seed + 1) + apart + lesson.draw)):
        written = ordered_language(index, ORDERS, PLAIN) if language == "en" else language
        made = list(lesson.made(written, [shape]))
        if not taken.isdisjoint(map(_unit, made)):
            continue
        for number, row in enumerate(made):
            yield {**row, "id": f"{index:04d}-{number}", "cluster": f"{index:04d}"}


@cache
def _tested(language: str, seed: int) -> frozenset[str]:
    """The units of all tests in a language."""
    return frozenset(_unit(row) for _, made in tests(language, seed) for row in made)


@cache
def _taken(language: str, seed: int) -> frozenset[str]:
    """The units of the tests and of the training of all targets in a language."""
    lessons = {task: LESSONS[task] for task in TARGETS if language in ("en", *LESSONS[task].others)}
    several = (islice(training(task, language, seed), lesson.count(language)) for task, lesson in lessons.items())
    return _tested(language, seed).union(_unit(row) for made in several for row in made)


def _unit(row: Row) -> str:
    """What no two tasks share: the words, the passage, or all texts of a row."""
    if "tokens" in row:
        return " ".join(row["tokens"]).casefold()
    texts = [row[name] for name in ("premise", "hypothesis", "choices") if name in row]
    return str(row.get("context", texts)).casefold()


def _write(path: Path, several: Iterable[Row]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    lines = (json.dumps(row, ensure_ascii=False, separators=(",", ":")) + "\n" for row in several)
    path.write_text("".join(lines), encoding="utf-8", newline="\n")


def _facts() -> str:
    head = f'name = "world"\nversion = "1"\nsummary = "{SUMMARY}"\nlanguages = {json.dumps(list(meaning.LANGUAGES))}\n'
    return head + "".join(f"\n[{task}]\n{_table(task, lesson)}" for task, lesson in LESSONS.items())


def _table(task: str, lesson: Lesson) -> str:
    splits: Sequence[str] = ("train", "test") if task in TARGETS else ("train",)
    languages = "" if task in TARGETS else f"languages = {json.dumps(['en', *lesson.others])}\n"
    return f"splits = {json.dumps(list(splits))}\n{languages}"


def main() -> None:
    """Write the world of the studies into a folder."""
    parser = argparse.ArgumentParser(description=main.__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--seed", type=int, default=0)
    words = parser.parse_args()
    write(words.folder, words.seed)
    print(f"{words.folder}: {', '.join(LESSONS)}")


if __name__ == "__main__":
    main()
