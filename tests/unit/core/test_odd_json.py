"""SQuAD's JSON as it is found: with marks at its start, other ends of lines, other orders, cut off, or wrong."""

from __future__ import annotations

import copy
import json
import random
import re
import unicodedata
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any, Final, Literal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from robust_xtreme.core import registry
from robust_xtreme.core.errors import DataError
from robust_xtreme.core.examples import Answers, Example
from robust_xtreme.core.specs import TaskSpec
from robust_xtreme.tasks.formats import squad
from robust_xtreme.tasks.sources.rows import data_identity
from robust_xtreme.tasks.sources.source import load

Document = dict[str, Any]

PASSAGES: Final = (
    ("q1", "Nyerere was born in Butiama.", "Butiama"),
    ("q2", "Nyerere was born in Butiama.", "Nyerere"),
    ("q3", "वह मुंबई में रहती है।", "मुंबई"),
    ("q4", "Người Việt sống ở Huế.", "Huế"),
)
WRONG: Final[tuple[Any, ...]] = (None, True, -1, 10**30, 0.5, "", "x", "\ud800", [], [0], {}, {"text": 1}, [[0, 1]])


def _question(id: str, context: str, answer: str) -> Document:
    return {"id": id, "question": f"{id}?", "answers": [{"text": answer, "answer_start": context.index(answer)}]}


def _v1() -> Document:
    """Version 1.1, a paragraph for each context."""
    paragraphs: list[Document] = []
    for id, context, answer in PASSAGES:
        if not paragraphs or paragraphs[-1]["context"] != context:
            paragraphs.append({"context": context, "qas": []})
        paragraphs[-1]["qas"].append(_question(id, context, answer))
    return {"version": "1.1", "data": [{"title": "one", "paragraphs": paragraphs}, {"title": "no", "paragraphs": []}]}


def _v2() -> Document:
    """Version 2.0: a question more that has no answer, and a plausible one."""
    document = _v1()
    for paragraph in document["data"][0]["paragraphs"]:
        for question in paragraph["qas"]:
            question["is_impossible"] = False
    plausible = [{"text": "Butiama", "answer_start": 20}]
    document["data"][0]["paragraphs"][0]["qas"].append(
        {"id": "q5", "question": "When?", "answers": [], "is_impossible": True, "plausible_answers": plausible}
    )
    return document


def _breaks() -> Document:
    """As LAReQA has it, with the sentences of each paragraph."""
    document = _v1()
    for paragraph in document["data"][0]["paragraphs"]:
        paragraph["sentence_breaks"] = [[0, 7], [8, len(paragraph["context"])]]
    return document


def _rows() -> Document:
    """Rows without paragraphs, as libraries export them."""
    rows = []
    for id, context, answer in PASSAGES:
        answers = {"text": [answer], "answer_start": [context.index(answer)]}
        rows.append({"id": id, "context": context, "question": f"{id}?", "answers": answers})
    return {"data": rows}


KINDS: Final[dict[str, Callable[[], Document]]] = {"v1.1": _v1, "v2.0": _v2, "breaks": _breaks, "rows": _rows}
PLACES: Final = {
    "xquad": "xquad/xquad.{}.json",
    "mlqa": "mlqa/MLQA_V1/dev/dev-context-{0}-question-{0}.json",
    "tydiqa": "tydiqa/tydiqa-goldp-v1.1-dev/tydiqa.goldp.{}.dev.json",
}


def _loaded(folder: Path, name: str, data: bytes) -> tuple[Example, ...]:
    task: TaskSpec = registry.load("task", name)
    path = folder / PLACES[name].format("en")
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)
    return load(task, folder, "en", "validation").examples


def _bytes(document: Document, **options: Any) -> bytes:
    return json.dumps(document, ensure_ascii=False, **options).encode()


def _reordered(document: Any, draw: random.Random) -> Any:
    """The same with keys and lists of rows in another order; lists of numbers stay as they are."""
    match document:
        case dict():
            keys = list(document)
            draw.shuffle(keys)
            return {key: _reordered(document[key], draw) for key in keys}
        case [{}, *_]:
            shuffled_items = [_reordered(item, draw) for item in document]
            draw.shuffle(shuffled_items)
            return shuffled_items
    return document


@pytest.mark.parametrize("name", PLACES)
@pytest.mark.parametrize("kind", KINDS)
def test_how_a_file_is_written_changes_no_identity(tmp_path: Path, name: str, kind: str) -> None:
    """A byte order mark, CRLF, indentation, escapes and another order of keys, passages and questions give the same."""
    document = KINDS[kind]()
    identity = data_identity(_loaded(tmp_path, name, _bytes(document)))
    written = [
        b"\xef\xbb\xbf" + _bytes(document),
        _bytes(document, indent=1).replace(b"\n", b"\r\n"),
        json.dumps(document, ensure_ascii=True).encode(),
        *(_bytes(_reordered(document, random.Random(seed))) for seed in range(5)),
    ]
    assert {data_identity(_loaded(tmp_path, name, content)) for content in written} == {identity}


@pytest.mark.parametrize("form", ["NFC", "NFD"])
@pytest.mark.parametrize("kind", KINDS)
def test_offsets_count_code_points_of_the_file_as_it_is(tmp_path: Path, kind: str, form: Literal["NFC", "NFD"]) -> None:
    """Normal forms are kept: the same answers are elsewhere in a decomposed file, and are found there."""
    document = json.loads(unicodedata.normalize(form, _bytes(KINDS[kind]()).decode()))
    for question, context in _questions(document):
        _locate(question["answers"], context)
    for kept in document["data"][0].get("paragraphs", []):
        if "sentence_breaks" in kept:
            kept["sentence_breaks"] = [[0, 7], [8, len(kept["context"])]]
    examples = _loaded(tmp_path, "xquad", _bytes(document))
    answers = {
        example.id.rpartition("/")[2]: example.texts["context"].at(example.target.spans[0])
        for example in examples
        if isinstance(example.target, Answers) and example.target.spans
    }
    assert answers == {id: unicodedata.normalize(form, answer) for id, _, answer in PASSAGES}


def _questions(document: Document) -> Iterator[tuple[Document, str]]:
    for article in document["data"]:
        if "context" in article:
            yield article, article["context"]
        for paragraph in article.get("paragraphs", []):
            yield from ((question, paragraph["context"]) for question in paragraph["qas"])


def _locate(answers: Any, context: str) -> None:
    """Put the answers where they are now."""
    if isinstance(answers, dict):
        answers["answer_start"] = [context.index(text) for text in answers["text"]]
    else:
        for answer in answers:
            answer["answer_start"] = context.index(answer["text"])


@pytest.mark.parametrize("kind", KINDS)
def test_a_file_that_is_cut_off_is_one_line(tmp_path: Path, kind: str) -> None:
    """Wherever a download broke off, the error names the file; half a character is bytes that are not text."""
    data = _bytes(KINDS[kind]())
    for length in range(len(data)):
        with pytest.raises(DataError, match=r"xquad\.en\.json:1: ") as error:
            _loaded(tmp_path, "xquad", data[:length])
        assert "\n" not in str(error.value)


@pytest.mark.parametrize("name", PLACES)
@pytest.mark.parametrize("kind", KINDS)
def test_an_id_that_occurs_twice_is_named_with_both_places(tmp_path: Path, name: str, kind: str) -> None:
    """In one passage or in two: the error says where each of them is."""
    document = KINDS[kind]()
    questions = [question for question, _ in _questions(document)]
    questions[2]["id"] = questions[0]["id"]
    with pytest.raises(DataError, match="not unique") as error:
        _loaded(tmp_path, name, _bytes(document))
    assert len(set(re.findall(r"data\[\S+(?=: question)", str(error.value)))) == 2


def _spots(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """The path of every value within."""
    yield path
    inner = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, item in inner:
        yield from _spots(item, (*path, key))


def _put(document: Any, path: tuple[Any, ...], value: Any) -> Any:
    if not path:
        return value
    copied = copy.deepcopy(document)
    holder = copied
    for key in path[:-1]:
        holder = holder[key]
    holder[path[-1]] = value
    return copied


@pytest.mark.parametrize("kind", KINDS)
def test_no_value_breaks_the_reader(kind: str) -> None:
    """Any value anywhere gives rows, or one line that names the file."""
    document = KINDS[kind]()
    refused = 0
    for path in _spots(document):
        for value in WRONG:
            refused += _refused(json.dumps(_put(document, path, value)))
    assert refused > 100


def _refused(text: str) -> bool:
    """Whether a text is refused, in one line that names the file; the rows of one that is not are sound."""
    try:
        rows = squad.read(text, "f")
    except DataError as error:
        return _is_one_line(str(error))
    assert all(_sound(row.values) for row in rows)
    return False


def _is_one_line(message: str) -> bool:
    assert message.startswith("f:")
    assert "\n" not in message
    return True


def _sound(values: Mapping[str, Any]) -> bool:
    size = len(values["context"])
    spans = (*values["answers"], *values.get("sentences", ()))
    return all(0 <= start < stop <= size for start, stop in spans)


@given(st.text(alphabet='{}[]",:\\u0dataqscontx 1', max_size=60))
def test_no_text_breaks_the_reader(text: str) -> None:
    """Whatever is in the file, the error is ours."""
    _refused(text)
