"""Writes the suite of mini: test rows of three tasks, of one meaning in all languages, and English training rows.

`python -m tools.mini.suite OUT --rows 2000`: the same seed gives the same bytes, and more rows begin with the fewer.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import chain, islice, zip_longest
from pathlib import Path
from random import Random
from typing import Any, Final, TypeVar

from tools.mini import entities, meaning, nli, passages
from tools.mini.grammar import UNSPACED, placed, question, sentence, written
from tools.mini.meaning import Clause, Word

TESTS: Final = {"xnli": 72, "panx": 64, "xquad": 64}
"""Templates of each test; three, four and four rows are made of each."""

NAMED_PER_TEMPLATE: Final = 4
TRAINING_ROWS: Final = 2000
"""English rows of each task that are bundled, for floors and for training on them."""
SUMMARY: Final = (
    "Made-up sentences about a small world of people, places and things, from templates and lexicons, with the same "
    "meanings in every language. They show how the program works and what noise does to a very small model; they are "
    "no benchmark, and say nothing about real text or about other models."
)

Row = Mapping[str, Any]
Shape = TypeVar("Shape")


# ------------------------------------------------------------------------------------------------------------ meanings


def triples(test: bool, seed: int = 0) -> Iterator[nli.Triple]:
    """Premises and their hypotheses; a test has one of each template, training has no end."""
    if test:
        return (nli.triple(one, f"{seed}/0", True) for one in nli.chosen(True, TESTS["xnli"]))
    every = nli.chosen(False, TESTS["xnli"])
    down = [one for one in every if one.form == "down"]
    rest = [one for one in every if one.form != "down"]
    return (nli.triple(one, f"{seed}/{turn}", False) for turn, one in _in_turn(down, rest, seed))


def namings(test: bool, seed: int = 0) -> Iterator[entities.Naming]:
    """Texts that name people, organisations and places; a test has four of each template, training has no end."""
    every = entities.chosen(test, TESTS["panx"])
    if test:
        return (entities.naming(one, f"{seed}/{turn}", True) for one in every for turn in range(NAMED_PER_TEMPLATE))
    return (entities.naming(one, f"{seed}/{turn}", False) for turn, one in _in_turn(every, [], seed))


def read(test: bool, seed: int = 0) -> Iterator[passages.Passage]:
    """Passages with their questions; a test has one of each template, training has no end."""
    every = passages.chosen(test, TESTS["xquad"])
    if test:
        return (passages.passage(one, f"{seed}/0", True) for one in every)
    return (passages.passage(one, f"{seed}/{turn}", False) for turn, one in _in_turn(every, [], seed))


def _in_turn(one: Sequence[Shape], other: Sequence[Shape], seed: int) -> Iterator[tuple[int, Shape]]:
    """Round after round, both sequences in turns of their own, the shorter one as often as the longer."""
    turn = 0
    while True:
        mixed = Random(f"{seed}/round/{turn}")
        first, second = (mixed.sample(list(several), len(several)) for several in (one, other))
        if second:
            second = [second[place % len(second)] for place in range(len(first))]
        for place, shape in enumerate(chain.from_iterable(zip_longest(first, second))):
            if shape is not None:
                yield turn * 1000 + place, shape
        turn += 1


# ---------------------------------------------------------------------------------------------------------------- rows


def nli_rows(language: str, several: Iterable[nli.Triple]) -> Iterator[Row]:
    """Three rows of each premise, in an order of their own."""
    for place, one in enumerate(several):
        labels = Random(f"{one.template}/{place}").sample(range(len(nli.LABELS)), len(nli.LABELS))
        for number, label in enumerate(labels):
            yield {
                "id": f"{place:04d}-{number}",
                "cluster": one.template,
                "premise": _text(language, [one.premise]),
                "hypothesis": _text(language, [one.hypotheses[label]]),
                "label": nli.LABELS[label],
            }


def entity_rows(language: str, several: Iterable[entities.Naming]) -> Iterator[Row]:
    """One row of each text, cut into words."""
    for place, one in enumerate(several):
        found = [pair for clause in one.clauses for pair in tagged(language, sentence(language, clause))]
        tokens, tags = zip(*found, strict=True)
        yield {"id": f"{place:04d}", "cluster": one.template, "tokens": list(tokens), "tags": list(tags)}


def passage_rows(language: str, several: Iterable[passages.Passage]) -> Iterator[Row]:
    """One row of each question."""
    for place, one in enumerate(several):
        context = _text(language, one.clauses)
        for number, asked in enumerate(one.questions):
            clause = asked.of(one.clauses)
            yield {
                "id": f"{place:04d}-{number}",
                "cluster": one.template,
                "context": context,
                "question": written(language, question(language, clause, asked.asked)),
                "answers": [list(_answer(language, one.clauses, asked))],
            }


def _text(language: str, clauses: Sequence[Clause]) -> str:
    return _between(language).join(written(language, sentence(language, one)) for one in clauses)


def _between(language: str) -> str:
    """What stands between sentences; Thai has no full stop, but a space."""
    return "" if language in UNSPACED and language != "th" else " "


def _answer(language: str, clauses: Sequence[Clause], asked: passages.Question) -> tuple[int, int]:
    """Where the asked part of a clause stands in the passage."""
    before = [*clauses[: asked.place]]
    start = len(_text(language, before)) + (len(_between(language)) if before else 0)
    spans = []
    for text, word in placed(language, sentence(language, clauses[asked.place])):
        if word.part == asked.asked:
            spans.append((start + len(text) - len(word.text), start + len(text)))
        start += len(text)
    return spans[0][0], spans[-1][1]


def tagged(language: str, words: Sequence[Word]) -> list[tuple[str, str]]:
    """Written words with their tags: endings belong to the word before them, marks stand by themselves."""
    groups: list[list[Word]] = []
    for word in words:
        letters = groups and _lettered(word) and _lettered(groups[-1][-1])
        if letters and word.bound and language not in UNSPACED:
            groups[-1].append(word)
        else:
            groups.append([word])
    found, before = [], ("", "")
    for group in groups:
        here = next(((one.name, one.part) for one in group if one.name), ("", ""))
        tag = "O" if not here[0] else f"{'I' if here == before else 'B'}-{here[0]}"
        found.append(("".join(one.text for one in group), tag))
        before = here
    return found


def _lettered(word: Word) -> bool:
    """Whether a word is more than a mark."""
    return any(map(str.isalnum, word.text))


# --------------------------------------------------------------------------------------------------------------- files


def write(folder: Path, rows: int, languages: Sequence[str] = meaning.LANGUAGES, seed: int = 0) -> None:
    """Write the suite: every test, and `rows` English training rows of each task."""
    for language in languages:
        _write(folder / f"xnli/test-{language}.jsonl", nli_rows(language, triples(True, seed)))
        _write(folder / f"panx/test-{language}.jsonl", entity_rows(language, namings(True, seed)))
        _write(folder / f"xquad/test-{language}.jsonl", passage_rows(language, read(True, seed)))
    _write(folder / "xnli/train-en.jsonl", islice(nli_rows("en", triples(False, seed)), rows))
    _write(folder / "panx/train-en.jsonl", islice(entity_rows("en", namings(False, seed)), rows))
    _write(folder / "xquad/train-en.jsonl", islice(passage_rows("en", read(False, seed)), rows))
    (folder / "suite.toml").write_text(_facts(languages), encoding="utf-8", newline="\n")


def _write(path: Path, rows: Iterable[Row]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    lines = (json.dumps(row, ensure_ascii=False) + "\n" for row in rows)
    path.write_text("".join(lines), encoding="utf-8", newline="\n")


def _facts(languages: Sequence[str]) -> str:
    head = f'name = "mini"\nversion = "1"\nsummary = "{SUMMARY}"\nlanguages = {json.dumps(list(languages))}\n'
    return head + "".join(f'\n[{task}]\nsplits = ["train", "test"]\n' for task in TESTS)


def main() -> None:
    """Write the suite into a folder."""
    parser = argparse.ArgumentParser(description=main.__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--rows", type=int, default=TRAINING_ROWS, help="English training rows of each task")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--languages", default=",".join(meaning.LANGUAGES))
    words = parser.parse_args()
    write(words.folder, words.rows, words.languages.split(","), words.seed)
    print(f"{words.folder}: {', '.join(TESTS)} in {words.languages}")


if __name__ == "__main__":
    main()
